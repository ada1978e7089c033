"""The plugin files: what it does, and everything that somebody may try to get out of its roots."""

import base64
import ctypes
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from urllib.parse import quote

import pytest

from harness import host as hosts
from harness.client import RpcError
from harness.host import eventually
from harness.paths import GANTRY, PLUGINS, ROOT, SANITIZED

NEW, OLD = "2026-07-28", "2025-11-25"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SECRET = "SECRET-OUTSIDE"


def fill(root):
    """A tree to serve. Beside it lies what nobody may ever see."""
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("alpha\nbeta\n")
    (root / "sub" / "b.md").write_text("# Beta\nneedle in b\n")
    (root / "sub" / "deep" / "c.bin").write_bytes(bytes(range(256)))
    (root / "picture.png").write_bytes(PNG)
    (root / "sound.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVE")
    (root / "empty").write_bytes(b"")
    (root / "ümlaut & 100%.txt").write_text("grüße")
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET)
    (outside / "a.txt").write_text(SECRET)
    (outside / SECRET).mkdir()


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    fill(root)
    return root


@pytest.fixture
def files(client, root):
    """files(...) starts a host that serves `root`, or the roots named."""
    def start(revision=OLD, transport="stdio", roots=None, **settings):
        settings["roots"] = [str(r) for r in (roots or [root])]
        return client(revision, transport, plugins=["files"],
                      config={"plugins": [{"plugin": "files", "settings": settings}]})
    return start


def refused(client, name, /, **arguments):
    """The message of a tool call that must fail on purpose."""
    result = client.call(name, **arguments)
    assert result.get("isError") and len(result["content"]) == 1, result
    message = result["content"][0]["text"]
    assert "correlation" not in message and "internal" not in message.lower(), message
    return message


def listed(client, path="", **more):
    return {e["name"]: e for e in client.structured("list_directory", path=path, **more)["entries"]}


def found(client, **arguments):
    return [(h["path"], h.get("line")) for h in client.structured("search_files", **arguments)["hits"]]


def read_uri(client, uri):
    contents = client.request("resources/read", {"uri": uri})["contents"]
    assert len(contents) == 1 and contents[0]["uri"] == uri, contents
    return contents[0]


def complete(client, argument, value, uri="files://{root}/{path*}", **known):
    params = {"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": argument, "value": value}}
    if known:
        params["context"] = {"arguments": known}
    return client.request("completion/complete", params)["completion"]


# ---------------------------------------------------------------- what it does

def test_everything_is_offered(files, revision, transport):
    c = files(revision, transport)
    assert sorted(c.names()) == ["list_directory", "read_file", "search_files"]
    assert [r["uri"] for r in c.list("resources")] == ["files://"]
    templates = c.request("resources/templates/list")["resourceTemplates"]
    assert [t["uriTemplate"] for t in templates] == ["files://{root}/{path*}"]
    assert c.text("read_file", path="root/a.txt") == "alpha\nbeta\n"
    assert json.loads(read_uri(c, "files://")["text"]) == ["root"]
    assert read_uri(c, "files://root/a.txt")["text"] == "alpha\nbeta\n"
    assert "a.txt" in listed(c, "root")


def test_reading_gives_text_images_sounds_and_bytes(files):
    c = files()
    assert c.text("read_file", path="root/empty") == ""
    assert c.text("read_file", path="root/ümlaut & 100%.txt") == "grüße"
    (image,) = c.call("read_file", path="root/picture.png")["content"]
    assert (image["type"], image["mimeType"]) == ("image", "image/png")
    assert base64.b64decode(image["data"]) == PNG
    (sound,) = c.call("read_file", path="root/sound.wav")["content"]
    assert (sound["type"], sound["mimeType"]) == ("audio", "audio/wav")
    (other,) = c.call("read_file", path="root/sub/deep/c.bin")["content"]
    assert other["type"] == "resource"
    assert base64.b64decode(other["resource"]["blob"]) == bytes(range(256))
    assert other["resource"]["mimeType"] == "application/octet-stream"
    assert other["resource"]["uri"] == "files://root/sub/deep/c.bin"


def test_the_uri_of_an_embedded_file_reads_that_file(files, root):
    name = "a b#c?d%2Fe;ü.bin"
    (root / name).write_bytes(b"\xff\xfe\x00")
    c = files()
    (embedded,) = c.call("read_file", path=f"root/{name}")["content"]
    uri = embedded["resource"]["uri"]
    assert uri == "files://root/" + quote(name)
    assert base64.b64decode(read_uri(c, uri)["blob"]) == b"\xff\xfe\x00"


def test_resources_carry_their_own_type(files, root):
    (root / "x.json").write_text("{}")
    c = files()
    for path, mime in (("a.txt", "text/plain"), ("sub/b.md", "text/markdown"), ("x.json", "application/json"),
                       ("picture.png", "image/png"), ("sub/deep/c.bin", "application/octet-stream")):
        contents = read_uri(c, f"files://root/{path}")
        assert contents["mimeType"] == mime
        data = contents["text"].encode() if "text" in contents else base64.b64decode(contents["blob"])
        assert data == (root / path).read_bytes()


@pytest.mark.parametrize("revision,code", [(OLD, -32002), (NEW, -32602)])
def test_what_is_not_there_is_not_found(files, root, revision, code):
    (root / "out").symlink_to(root.parent / "outside")
    c = files(revision)
    for uri in ("files://root/nothing", "files://other/a.txt", "files://root/a.txt/x", "files://root/out/a.txt"):
        with pytest.raises(RpcError) as e:
            read_uri(c, uri)
        assert e.value.code == code, uri
    with pytest.raises(RpcError, match="is a directory"):
        read_uri(c, "files://root/sub")


def test_listing_is_in_order_and_complete(files, root):
    os.utime(root / "a.txt", (86400, 86400))
    c = files()
    assert list(listed(c)) == ["root"]
    entries = listed(c, "root")
    assert list(entries) == sorted(os.listdir(root), key=os.fsencode)
    assert entries["a.txt"] == {"name": "a.txt", "type": "file", "size": 11, "modified": "1970-01-02T00:00:00Z"}
    assert entries["sub"]["type"] == "directory" and "size" not in entries["sub"]
    (root / "sub" / "none").mkdir()
    assert listed(c, "root/sub/none") == {}
    assert listed(c, "root/sub/") == listed(c, "root/sub")
    assert "a.txt: not a directory" in refused(c, "list_directory", path="root/a.txt")
    assert "no such file or directory" in refused(c, "list_directory", path="root/none")


def test_searching_by_name_and_by_text(files, root):
    (root / "sub" / "x.md").write_text("nothing\n\nNEEDLE\r\nneedle needle\nlast needle")
    c = files()
    assert found(c, path="root", glob="*.md") == [("root/sub/b.md", None), ("root/sub/x.md", None)]
    assert found(c, text="needle") == [("root/sub/b.md", 2), ("root/sub/x.md", 4), ("root/sub/x.md", 5)]
    assert found(c, text="nEEdle", ignore_case=True, glob="x*") == \
        [("root/sub/x.md", 3), ("root/sub/x.md", 4), ("root/sub/x.md", 5)]
    assert found(c, path="root/sub/deep/", text="needle") == []
    assert found(c, path="root/sub/", glob="b.*") == [("root/sub/b.md", None)]
    assert found(c, text="grüß", path="root") == [("root/ümlaut & 100%.txt", 1)]
    result = c.structured("search_files", path="root")
    assert result["files"] == len(result["hits"]) == 8 and not result["truncated"]
    assert [h["path"] for h in result["hits"]] == sorted(h["path"] for h in result["hits"])
    for limit, truncated in ((1, True), (2, True), (3, False)):
        result = c.structured("search_files", text="needle", max_results=limit)
        assert (len(result["hits"]), result["truncated"]) == (limit, truncated)
    assert "not a directory" in refused(c, "search_files", path="root/a.txt")
    assert "max_results" in refused(c, "search_files", max_results=1001)


def test_a_long_line_is_cut_between_characters(files, root):
    (root / "long.txt").write_text("x" + "ü" * 500)
    (hit,) = files().structured("search_files", text="xü")["hits"]
    assert hit["text"] == "x" + "ü" * 99


def test_searching_ignores_case_in_no_more_time_than_it_takes_to_read(files, root):
    (root / "as.txt").write_text("a" * 3_000_000)
    c = files()
    assert found(c, text="A" * 999 + "b", ignore_case=True) == []
    assert found(c, text="A" * 999, ignore_case=True) == [("root/as.txt", 1)]


def test_a_pattern_made_to_be_slow_is_not(files, root):
    (root / ("a" * 255)).write_text("")
    c = files()
    for pattern in ("*a" * 100 + "b", "*" * 254 + "b", "[" * 255, "*[a-" * 60, "\\" * 255, "+(a|*)" * 40):
        assert found(c, glob=pattern) == []


def test_a_search_tells_its_progress(files, root):
    for i in range(1200):
        (root / f"{i}.tmp").write_text("")
    c = files()
    pending = c.start("tools/call", {"name": "search_files", "arguments": {"text": "x"},
                                     "_meta": {"progressToken": "p"}})
    told = [n["params"] for n in pending.wait_notifications(1, "notifications/progress")]
    assert told[0]["progress"] == 500 and "total" not in told[0]
    assert pending.result()["structuredContent"]["files"] == 1207


@pytest.fixture
def endless(root):
    """What takes longer to search than any test waits: 30,000 names of one file."""
    big = root / "big"
    big.mkdir()
    (big / "0").write_bytes(b"abcdefg\n" * (64_000 if SANITIZED else 500_000))
    for i in range(1, 30000):
        os.link(big / "0", big / str(i))
    return root


def test_a_search_can_be_cancelled(files, endless, transport):
    c = files(NEW if transport == "http" else OLD, transport)
    pending = []
    for i in range(2):  # as many as may run of one plugin
        one = c.start("tools/call", {"name": "search_files", "arguments": {"text": "nowhere"},
                                     "_meta": {"progressToken": f"p{i}"}})
        one.wait_notifications(1, "notifications/progress")
        pending.append(one)
    waiting = c.start_call("list_directory", path="root")
    for one in pending:
        c.cancel(one)
    assert waiting.result()["structuredContent"]["entries"]


def test_a_host_that_stops_does_not_wait_for_a_search(files, endless):
    c = files(NEW, "http")
    pending = c.start("tools/call", {"name": "search_files", "arguments": {"text": "nowhere"},
                                     "_meta": {"progressToken": "p"}})
    pending.wait_notifications(1, "notifications/progress")
    c.host.stop()


def test_completion_of_root_and_path(files, root):
    (root / "sub" / "beta").mkdir()
    c = files()
    assert complete(c, "root", "")["values"] == ["root"]
    assert complete(c, "root", "ro")["values"] == ["root"]
    assert complete(c, "root", "x")["values"] == []
    assert complete(c, "path", "s")["values"] == ["sound.wav", "sub/"]
    assert complete(c, "path", "sub/", root="root")["values"] == ["sub/b.md", "sub/beta/", "sub/deep/"]
    assert complete(c, "path", "sub/b", root="root") == {
        "values": ["sub/b.md", "sub/beta/"], "total": 2, "hasMore": False}
    for value in ("none/", "a.txt/", "sub/none", "ü" * 1000):
        assert complete(c, "path", value, root="root")["values"] == [], value
    assert complete(c, "path", "", root="nothing")["values"] == []


def test_completion_names_nothing_outside(files, root):
    (root / "out").symlink_to(root.parent / "outside")
    c = files()
    for value in ("../", "..", "../outside/", "/", "/etc/", "sub/../", "sub/../../outside/", "out/", "out/s",
                  "./", "sub//", "//", "..%2F", "%2e%2e/", "sub/../../outside/" + "x" * 9000):
        for known in ({"root": "root"}, {"root": ".."}, {"root": "root/.."}, {"root": ""}, {"root": "/"}, {}):
            values = complete(c, "path", value, **known)["values"]
            assert values == [], (value, known, values)
    for value in ("../", "/", "root/"):
        assert complete(c, "root", value)["values"] == []


# ---------------------------------------------------------------- writing

def test_nothing_is_written_unless_allowed(files, root):
    c = files()
    with pytest.raises(RpcError) as e:
        c.call("write_file", path="root/new.txt", text="x")
    assert e.value.code == -32602 and not (root / "new.txt").exists()


def test_writing(files, root):
    os.chmod(root / "a.txt", 0o640)
    c = files(write=True)
    tool = next(t for t in c.list("tools") if t["name"] == "write_file")
    assert tool["annotations"]["destructiveHint"] and not tool["annotations"]["readOnlyHint"]
    assert c.text("write_file", path="root/new.txt", text="nül\0x") == "Wrote 6 bytes to root/new.txt"
    assert (root / "new.txt").read_bytes() == "nül\0x".encode()
    assert "exists already" in refused(c, "write_file", path="root/a.txt", text="x")
    assert (root / "a.txt").read_text() == "alpha\nbeta\n"
    c.text("write_file", path="root/a.txt", text="", overwrite=True)
    assert (root / "a.txt").read_bytes() == b""
    assert stat.S_IMODE((root / "a.txt").stat().st_mode) == 0o640
    longest = "n" * 255
    c.text("write_file", path=f"root/sub/{longest}", text="x", overwrite=True)
    assert (root / "sub" / longest).read_text() == "x"
    assert no_leftovers(root)


def no_leftovers(root):
    return not [name for _, _, names in os.walk(root) for name in names if name.startswith(".gantry")]


def test_what_cannot_be_written_leaves_everything_as_it_was(files, root):
    outside = root.parent / "outside"
    (root / "out").symlink_to(outside)
    (root / "link").symlink_to("a.txt")
    (root / "outlink").symlink_to(outside / "secret.txt")
    (root / "dangling").symlink_to(outside / "new.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    before = sorted(os.listdir(outside))
    c = files(write=True, max_bytes=100)
    for path, why in (("root/sub", "is a directory"), ("root/sub/", "not the path of a file"),
                      ("root", "not the path of a file"), ("root/", "not the path of a file"),
                      ("root/none/x", "no such file or directory"), ("root/a.txt/x", "not a directory"),
                      ("root/out/new.txt", "outside of its root"), ("root/out/a.txt", "outside of its root"),
                      ("root/link", "not a regular file"), ("root/outlink", "not a regular file"),
                      ("root/dangling", "not a regular file"), ("root/loop", "not a regular file"),
                      ("root/loop/x", "symbolic links"), ("root/pipe", "not a regular file"),
                      ("root/" + "x" * 256, "too long"), ("other/x", "name of a root"), ("/etc/x", "slash")):
        assert why in refused(c, "write_file", path=path, text="x", overwrite=True), path
        if not why.endswith("regular file"):
            assert why in refused(c, "write_file", path=path, text="x"), path
    assert "larger than 100 bytes" in refused(c, "write_file", path="root/x", text="x" * 101)
    assert sorted(os.listdir(outside)) == before
    assert (outside / "a.txt").read_text() == (outside / "secret.txt").read_text() == SECRET
    assert (root / "a.txt").read_text() == "alpha\nbeta\n"
    assert no_leftovers(root) and no_leftovers(outside)
    # Through a link that stays inside.
    (root / "inside").symlink_to("sub")
    c.text("write_file", path="root/inside/new.txt", text="x")
    assert (root / "sub" / "new.txt").read_text() == "x"


def test_a_writer_never_shows_half_a_file(files, root):
    c = files(write=True)
    texts = ["a" * 200_000, "b" * 200_000]
    c.text("write_file", path="root/w", text=texts[0])
    stop, seen = threading.Event(), set()

    def look():
        while not stop.is_set():
            seen.add((root / "w").read_text())
    reader = threading.Thread(target=look)
    reader.start()
    try:
        pending = [c.start_call("write_file", path="root/w", text=texts[i % 2], overwrite=True)
                   for i in range(60)]
        for one in pending:
            assert not one.result().get("isError")
    finally:
        stop.set()
        reader.join()
    assert seen <= set(texts) and no_leftovers(root)


def test_of_many_that_create_a_file_one_does(files, root):
    c = files(write=True)
    pending = [c.start_call("write_file", path="root/new", text=str(i)) for i in range(40)]
    won = [i for i, one in enumerate(pending) if not one.result().get("isError")]
    assert len(won) == 1 and (root / "new").read_text() == str(won[0])
    assert no_leftovers(root)


def test_writing_may_be_switched_on_while_it_runs(files, root):
    c = files()
    assert "write_file" not in c.names()
    c.host.write_config({"plugins": [{"plugin": "files", "settings": {"roots": [str(root)], "write": True}}]})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: "write_file" in c.names(), "the tool to write")
    c.text("write_file", path="root/new", text="x")


# ---------------------------------------------------------------- getting out

HOSTILE = [
    "../outside/secret.txt", "root/../outside/secret.txt", "root/sub/../../outside/secret.txt",
    "root/..", "root/../", "..", ".", "./", "root/.", "root/./a.txt", "root//a.txt", "root//", "//", "/",
    "/etc/passwd", "//etc/passwd", "root//etc/passwd", "root/ /etc/passwd", "~", "~root",
    "..%2Foutside%2Fsecret.txt", "root/..%2f..%2foutside/secret.txt", "root/%2e%2e/outside/secret.txt",
    "root/%252e%252e/outside/secret.txt", "root/..%252foutside/secret.txt",
    "root\\..\\outside\\secret.txt", "..\\outside\\secret.txt", "root/..\\outside/secret.txt",
    "root/sub/b.md\0.txt", "\0", "root\0/../outside/secret.txt", "root/a.txt\0",
    "root/．．/outside/secret.txt", "root/..;/outside/secret.txt",
    "root/out/secret.txt", "root/out", "root/secret", "root/up/outside/secret.txt", "root/up", "root/abs/a.txt",
    "root/loop", "root/loop/x", "root/loop1/x", "root/self/self/self/../../outside", "root/self/up/outside/a.txt",
    "root/proc/self/root/etc/passwd", "root/fd/0", "x" * 5000, "root/" + "x/" * 2046, "root/" + "x" * 300,
    "root" + "/sub" * 1000, "other/a.txt", "ROOT/a.txt", "roo/a.txt", "root1/a.txt", "outside/secret.txt",
    "file:///etc/passwd", "files://root/a.txt", "root/a.txt/../../outside/secret.txt",
]


@pytest.fixture
def trap(root):
    """The root with links that lead out."""
    outside = root.parent / "outside"
    (root / "out").symlink_to(outside)
    (root / "secret").symlink_to(outside / "secret.txt")
    (root / "up").symlink_to("..")
    (root / "abs").symlink_to("/")
    (root / "proc").symlink_to("/proc")
    (root / "fd").symlink_to("/proc/self/fd")
    (root / "loop").symlink_to("loop")
    (root / "loop1").symlink_to("loop2")
    (root / "loop2").symlink_to("loop1")
    (root / "self").symlink_to(".")
    return root


def check_attack(root, sent, answer):
    """Neither what is outside nor where the root is may be told, but for what the client itself said."""
    text = json.dumps(answer, ensure_ascii=False).replace(json.dumps(sent, ensure_ascii=False)[1:-1], "")
    for leak in (SECRET, "root:x:0", str(root.parent)):
        assert leak not in text, (sent, answer)


def attack(c, root):
    hostile = [*HOSTILE, str(root / "a.txt"), str(root.parent / "outside" / "secret.txt"),
               "root" + str(root.parent / "outside" / "secret.txt")]
    asked = [(path, name, c.start_call(name, path=path, **more)) for path in hostile
             for name, more in (("read_file", {}), ("list_directory", {}), ("search_files", {}),
                                ("search_files", {"text": "SECRET"}), ("write_file", {"text": "BAD"}),
                                ("write_file", {"text": "BAD", "overwrite": True}))]
    for path, name, pending in asked:
        result = pending.result()
        check_attack(root, path, result)
        # What is refused is refused on purpose; and only "self" leads anywhere at all.
        assert result.get("isError") and "correlation" not in json.dumps(result), (path, name, result)
    uris = {prefix + form for path in hostile for prefix in ("files://", "files://root/", "files:///")
            for form in (path, quote(path), quote(path, safe=""), quote(quote(path, safe=""), safe=""))}
    uris |= {"files://root/" + bad for bad in ("%2e%2e%2foutside%2fsecret.txt", "..%2Foutside%2Fsecret.txt", "%C0%AE%C0%AE/outside/secret.txt", "%c0%af", "%ff", "%", "%2", "%zz",
                                               "..%c0%afoutside", "%e0%80%ae", "%ed%a0%80", "a.txt#x",
                                               "%00", "a.txt%00", "%2e", "%2E%2E", "..", "sub/%2e%2e/a.txt", "")}
    asked = [(uri, c.start("resources/read", {"uri": uri})) for uri in sorted(uris) if uri != "files://"]
    for uri, pending in asked:
        try:
            answer = pending.result()
        except RpcError as e:
            answer = [e.code, e.message, e.data]
            assert e.code != -32603 or "is a directory" in e.message, (uri, answer)
        else:
            raise AssertionError(f"{uri} was read: {answer}")
        check_attack(root, uri, answer)
    assert c.text("read_file", path="root/self/a.txt" if c.follows else "root/a.txt") == "alpha\nbeta\n"


def snapshot(folder):
    return {os.path.join(where, name): open(os.path.join(where, name)).read()
            for where, _, names in os.walk(folder) for name in names}


def test_no_path_leads_out(files, trap):
    before = snapshot(trap.parent / "outside")
    c = files(write=True)
    c.follows = True
    attack(c, trap)
    assert snapshot(trap.parent / "outside") == before and no_leftovers(trap)
    assert not [p for p, _ in found(c, max_results=1000) if "out" in p or "up/" in p]
    assert found(c, text="SECRET") == []


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
def test_no_path_leads_out_without_openat2(files, trap, monkeypatch, error):
    launcher = ROOT / "tests" / "e2e" / "harness" / "without_openat2.py"
    monkeypatch.setattr(hosts, "WRAP", [sys.executable, str(launcher), error, *hosts.WRAP])
    before = snapshot(trap.parent / "outside")
    c = files(write=True)
    c.follows = False
    attack(c, trap)
    assert snapshot(trap.parent / "outside") == before and no_leftovers(trap)
    (trap / "inside").symlink_to("sub")
    assert "symbolic links" in refused(c, "read_file", path="root/self")
    for path in ("root/inside/b.md", "root/self/a.txt"):
        assert "not a directory" in refused(c, "read_file", path=path)
    assert "b.md" in listed(c, "root/sub/") and "a.txt" in listed(c, "root/")
    assert "not a directory" in refused(c, "read_file", path="root/a.txt/")
    c.text("write_file", path="root/sub/new.txt", text="x")
    assert found(c, glob="new*") == [("root/sub/new.txt", None)]


def test_links_that_stay_inside_are_followed(files, root):
    (root / "in").symlink_to("sub/../a.txt")
    (root / "deeper").symlink_to("sub/deep")
    (root / "absolute").symlink_to(root / "a.txt")
    (root / "gone").symlink_to("nothing")
    c = files()
    assert c.text("read_file", path="root/in") == "alpha\nbeta\n"
    assert list(listed(c, "root/deeper")) == ["c.bin"]
    assert [listed(c, "root")[name]["type"] for name in ("in", "deeper", "absolute", "gone")] == ["link"] * 4
    # An absolute link begins outside, wherever it ends.
    assert "outside of its root" in refused(c, "read_file", path="root/absolute")
    assert "no such file" in refused(c, "read_file", path="root/gone")
    assert not [p for p, _ in found(c) if "deeper/" in p], "a search follows no links"


RENAME_EXCHANGE = 2


class Exchange(threading.Thread):
    """Exchanges two names as fast as it can, until it is left."""

    def __init__(self, one, other):
        super().__init__(daemon=True)
        self.names = os.fsencode(one), os.fsencode(other)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.stop = threading.Event()
        self.count = 0

    def run(self):
        while not self.stop.is_set():
            assert self.libc.renameat2(-100, self.names[0], -100, self.names[1], RENAME_EXCHANGE) == 0
            self.count += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


@pytest.mark.parametrize("sandbox", [None, "ENOSYS"])
def test_a_directory_exchanged_for_a_link_at_any_moment(files, root, monkeypatch, sandbox):
    if sandbox:
        launcher = ROOT / "tests" / "e2e" / "harness" / "without_openat2.py"
        monkeypatch.setattr(hosts, "WRAP", [sys.executable, str(launcher), sandbox, *hosts.WRAP])
    outside = root.parent / "outside"
    for name in ("one", "two", "deep/three"):
        (root / name).mkdir(parents=True)
        (root / name / "a.txt").write_text("inside")
        (root / name / "sub").mkdir()
        (root / name / "sub" / "a.txt").write_text("inside")
    (outside / "sub").mkdir()
    (outside / "sub" / "a.txt").write_text(SECRET)
    (root / "away").symlink_to(outside)
    (root / "file").write_text("inside")
    (root / "filelink").symlink_to(outside / "a.txt")
    before = snapshot(outside)
    c = files(write=True)
    served = 0
    with Exchange(root / "one", root / "away") as dirs, Exchange(root / "file", root / "filelink") as names:
        for i in range(150):
            asked = [c.start_call("read_file", path="root/one/a.txt"), c.start_call("read_file", path="root/file"),
                     c.start_call("read_file", path="root/away/sub/a.txt"),
                     c.start_call("list_directory", path="root/one"),
                     c.start_call("list_directory", path="root/away/sub"),
                     c.start_call("search_files", path="root", text="SECRET"),
                     c.start_call("search_files", path="root/one", glob="SECRET*"),
                     c.start_call("search_files", path="root", glob="secret*"),
                     c.start_call("write_file", path=f"root/one/w{i}", text="BAD"),
                     c.start_call("write_file", path="root/away/a.txt", text="BAD", overwrite=True),
                     c.start_call("write_file", path="root/file", text="inside", overwrite=True),
                     c.start("completion/complete", {"ref": {"type": "ref/resource", "uri": "files://{root}/{path*}"},
                                                     "argument": {"name": "path", "value": "one/S"},
                                                     "context": {"arguments": {"root": "root"}}})]
            for one in asked:
                text = json.dumps(one.result())
                assert SECRET not in text and "secret.txt" not in text, text
                served += "isError" not in text
    assert dirs.count > 150 and names.count > 150 and served > 150
    assert snapshot(outside) == before and no_leftovers(root)


# ---------------------------------------------------------------- odd things in a directory

def test_pipes_sockets_and_devices_are_not_files(files, root):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(root)
        try:
            s.bind("socket")
        finally:
            os.chdir(here)
    odd = ["pipe", "socket"]
    if os.geteuid() == 0:
        try:
            os.mknod(root / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
            odd.append("zero")
        except PermissionError:
            pass  # not everywhere is root allowed to
    c = files()
    writer_seen = []

    def write():  # opens when somebody reads; nobody may
        writer_seen.append(os.open(root / "pipe", os.O_WRONLY))
    threading.Thread(target=write, daemon=True).start()
    for name in odd:
        assert "not a regular file" in refused(c, "read_file", path=f"root/{name}")
        assert "not a directory" in refused(c, "list_directory", path=f"root/{name}")
        assert listed(c, "root")[name]["type"] == "other"
        with pytest.raises(RpcError, match="not a regular file"):
            read_uri(c, f"files://root/{name}")
    paths = [p for p, _ in found(c)] + [p for p, _ in found(c, text="a")]
    assert not set(paths) & {f"root/{name}" for name in odd}
    assert not writer_seen, "somebody opened the pipe"
    os.close(os.open(root / "pipe", os.O_RDONLY | os.O_NONBLOCK))  # lets the thread go


def test_files_larger_than_allowed(files, root):
    with open(root / "sparse", "wb") as f:
        f.truncate(1 << 40)
    (root / "exact").write_bytes(b"x" * 1000)
    (root / "over").write_bytes(b"x" * 1001)
    c = files(max_bytes=1000)
    assert c.text("read_file", path="root/exact") == "x" * 1000
    for name in ("sparse", "over"):
        assert refused(c, "read_file", path=f"root/{name}") == f"root/{name}: larger than 1000 bytes"
        with pytest.raises(RpcError, match="larger than 1000 bytes"):
            read_uri(c, f"files://root/{name}")
    assert listed(c, "root")["sparse"]["size"] == 1 << 40
    assert found(c, text="xxx") == [("root/exact", 1)]


@pytest.mark.parametrize("piece", [b"0123456789abcde\n", b"\xff" * 16, b"\1" * 16], ids=["text", "binary", "control"])
def test_the_largest_file_that_settings_allow(files, root, piece):
    (root / "big").write_bytes(piece * (8 << 16))
    c = files(max_bytes=8 << 20)
    (content,) = c.call("read_file", path="root/big")["content"]
    data = content["text"].encode() if "text" in content else base64.b64decode(content["resource"]["blob"])
    assert data == piece * (8 << 16)
    contents = read_uri(c, "files://root/big")
    data = contents["text"].encode() if "text" in contents else base64.b64decode(contents["blob"])
    assert data == piece * (8 << 16)


def test_a_file_that_grows_while_it_is_read(files, root):
    path, piece = root / "grows", b"0123456789abcde\n" * 1000
    path.write_bytes(piece)
    stop = threading.Event()

    def grow():
        with open(path, "ab") as f:
            while not stop.is_set() and f.tell() < 3_000_000:
                f.write(piece)
                f.flush()
    writer = threading.Thread(target=grow)
    writer.start()
    c = files()
    try:
        for _ in range(30):
            text = c.text("read_file", path="root/grows")
            whole, rest = divmod(len(text), 16)
            assert text == ("0123456789abcde\n" * (whole + 1))[:len(text)] and len(text) >= 16000
    finally:
        stop.set()
        writer.join()


def test_odd_names(files, root):
    for name in (b"not\xffutf8", b"\xc0\xaf", b"\xed\xa0\x80"):
        with open(os.fsencode(root) + b"/" + name, "w") as f:
            f.write("odd needle")
    os.mkdir(os.fsencode(root) + b"/dir\xff")
    (root / "dir").mkdir()
    with open(os.fsencode(root) + b"/dir\xff/x", "w") as f:
        f.write("odd needle")
    fine = ["new\nline", 'quote"\\', "\x01\x1b[31m", "...", "..hidden", "%2e%2e", "-rf", " ", "a\tb", "\U0001f600", "~",
            "%2e%2e%2foutside%2fsecret.txt", "..\u2215outside", "\u202e..", "..\\outside"]
    for name in fine:
        (root / name).write_text("odd needle")
    c = files()
    names = listed(c, "root")
    assert set(fine) <= set(names) and not [n for n in names if "\ufffd" in n or n.startswith("not")]
    assert {p for p, _ in found(c, text="odd needle")} == {f"root/{name}" for name in fine}
    assert not [p for p, _ in found(c) if "\ufffd" in p]
    for name in fine:
        assert c.text("read_file", path=f"root/{name}") == "odd needle"
        assert read_uri(c, "files://root/" + quote(name, safe=""))["text"] == "odd needle"
    assert "\ufffd" not in json.dumps(complete(c, "path", "", root="root"), ensure_ascii=False)


def test_times_that_no_calendar_has(files, root):
    folder = root / "sub"
    times = {}
    for name, when in (("far", 1 << 40), ("farther", 1 << 60), ("before", -(1 << 40))):
        (folder / name).write_text("")
        try:
            os.utime(folder / name, (when, when))
        except (OSError, OverflowError):
            continue  # this file system has no such times
        times[name] = (folder / name).stat().st_mtime
    entries = listed(files(), "root/sub")
    for name in times:
        shown = entries[name].get("modified")
        assert shown is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown), shown
    assert "modified" in entries["b.md"]


def test_a_directory_of_100000_names(files, root):
    many = root / "many"
    many.mkdir()
    (many / "x").write_text("in all")
    for i in range(100_000):
        if i < 40_000:
            os.link(many / "x", many / f"{i:06}")
        else:
            os.mknod(many / f"{i:06}")
    c = files()
    first = c.structured("list_directory", path="root/many")
    assert [e["name"] for e in first["entries"]] == [f"{i:06}" for i in range(1000)] and first["truncated"]
    second = c.structured("list_directory", path="root/many", after=first["entries"][-1]["name"])
    assert [e["name"] for e in second["entries"]] == [f"{i:06}" for i in range(1000, 2000)]
    last = c.structured("list_directory", path="root/many", after="099998")
    assert [e["name"] for e in last["entries"]] == ["099999", "x"] and not last["truncated"]
    assert c.structured("list_directory", path="root/many", after="zzz") == {"entries": [], "truncated": False}
    result = c.structured("search_files", path="root/many", glob="*999")
    assert [h["path"] for h in result["hits"]] == [f"root/many/{i:06}" for i in range(999, 100_000, 1000)]
    assert result["files"] == 100_001
    values = complete(c, "path", "many/0", root="root")
    assert values["values"] == [f"many/{i:06}" for i in range(100)]
    assert values["total"] == 100_000 and values["hasMore"]


def test_deep_trees(files, root):
    here = os.getcwd()
    try:
        os.chdir(root / "sub")
        for name in ["d" * 200] * 60:  # 12,000 bytes: longer than any path
            os.mkdir(name)
            os.chdir(name)
            with open("x.txt", "w") as f:
                f.write("deep")
    finally:
        os.chdir(here)
    c = files()
    result = c.structured("search_files", path="root/sub", text="deep", max_results=1000)
    assert 15 < len(result["hits"]) < 33 and len(result["hits"][-1]["path"]) < 4096
    chain = root / "chain"
    path = "/".join("e" * 40)
    (chain / path).mkdir(parents=True)
    (chain / path / "bottom.txt").write_text("deep")
    result = c.structured("search_files", path="root/chain", glob="bottom*")
    assert result["hits"] == [] and result["truncated"]
    assert found(c, path=f"root/chain/{path[:40]}".rstrip("/"), glob="bottom*") == [(f"root/chain/{path}/bottom.txt", None)]
    assert c.text("read_file", path=f"root/chain/{path}/bottom.txt") == "deep"
    assert list(listed(c, f"root/chain/{path}")) == ["bottom.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_permissions(files, root):
    (root / "locked").mkdir()
    (root / "locked" / "x").write_text("x")
    os.chmod(root / "locked", 0)
    os.chmod(root / "a.txt", 0)
    os.chmod(root / "sub", 0o555)
    c = files(write=True)
    try:
        for name, path in (("read_file", "root/a.txt"), ("list_directory", "root/locked"),
                           ("read_file", "root/locked/x"), ("search_files", "root/locked")):
            assert "permission denied" in refused(c, name, path=path)
        assert "permission denied" in refused(c, "write_file", path="root/sub/new", text="x")
        assert "root/sub/b.md" in [p for p, _ in found(c)]
        assert complete(c, "path", "locked/", root="root")["values"] == []
    finally:
        os.chmod(root / "locked", 0o755)
        os.chmod(root / "sub", 0o755)


# ---------------------------------------------------------------- roots and settings

def test_several_roots(files, root, tmp_path):
    for parent in ("x", "y", "z"):
        (tmp_path / parent / "docs").mkdir(parents=True)
        (tmp_path / parent / "docs" / "who").write_text(parent)
    (tmp_path / "current").symlink_to(tmp_path / "x" / "docs")
    (tmp_path / "docs-2").mkdir()
    roots = [root, root / "sub", tmp_path / "x" / "docs", tmp_path / "docs-2", str(tmp_path / "y" / "docs") + "/",
             tmp_path / "z" / "docs", tmp_path / "current"]
    c = files(roots=roots)
    names = ["current", "docs", "docs-2", "docs-3", "docs-4", "root", "sub"]
    assert list(listed(c)) == names
    assert sorted(json.loads(read_uri(c, "files://")["text"])) == names
    assert [c.text("read_file", path=f"{name}/who") for name in ("docs", "docs-3", "docs-4", "current")] == \
        ["x", "y", "z", "x"]
    assert found(c, glob="b.md") == [("root/sub/b.md", None), ("sub/b.md", None)]
    assert complete(c, "root", "docs-")["values"] == ["docs-2", "docs-3", "docs-4"]
    assert complete(c, "path", "a")["values"] == [], "which root is not known"
    # One root does not open the others' parents.
    assert "must not contain" in refused(c, "read_file", path="sub/../a.txt")
    assert listed(c, after="docs-4") == {k: v for k, v in listed(c).items() if k in ("root", "sub")}


def test_a_root_that_vanishes_moves_or_is_exchanged(files, root, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    (gone / "x").write_text("x")
    c = files(roots=[gone, root], write=True)
    moved = tmp_path / "outside" / "moved"
    gone.rename(moved)
    gone.symlink_to(tmp_path / "outside")
    assert c.text("read_file", path="gone/x") == "x", "it is the same directory, wherever it is"
    assert "no such file" in refused(c, "read_file", path="gone/secret.txt")
    (moved / "x").unlink()
    moved.rmdir()
    assert listed(c, "gone") == {}
    assert "no such file" in refused(c, "read_file", path="gone/x")
    assert "no such file" in refused(c, "write_file", path="gone/x", text="x")
    assert found(c, glob="a.txt") == [("root/a.txt", None)]


def test_the_whole_file_system_may_be_a_root(files, root):
    c = files(roots=["/"])
    assert list(listed(c)) == ["root"]
    assert c.text("read_file", path="root" + str(root / "a.txt")) == "alpha\nbeta\n"
    assert "must not contain" in refused(c, "read_file", path="root/..")
    text = refused(c, "read_file", path="root/proc/self/root" + str(root / "a.txt"))
    assert "symbolic links" in text or "outside" in text


@pytest.mark.parametrize("settings,why", [
    ({}, r"roots"),
    ({"roots": []}, r"roots"),
    ({"roots": "/tmp"}, r"roots"),
    ({"roots": ["/nowhere/at/all"]}, r"/nowhere/at/all: there is no such directory"),
    ({"roots": ["/etc/passwd"]}, r"/etc/passwd: is not a directory"),
    ({"roots": ["docs"]}, r"docs: must be an absolute path"),
    ({"roots": [""]}, r"must be an absolute path"),
    ({"roots": ["/tmp/../etc"]}, r"must be a plain path"),
    ({"roots": ["/tmp"] * 65}, r"roots"),
    ({"roots": ["/tmp"], "max_bytes": 0}, r"max_bytes"),
    ({"roots": ["/tmp"], "max_bytes": (8 << 20) + 1}, r"max_bytes"),
    ({"roots": ["/tmp"], "write": "yes please"}, r"write"),
    ({"roots": ["/tmp"], "wirte": True}, r"wirte"),
])
def test_settings_that_are_wrong_are_named(host, settings, why):
    one = host(plugins=["files"], http=True, must_start=False,
               config={"plugins": [{"plugin": "files", "settings": settings}]})
    line = one.wait_log(why)
    assert "files" in line
    eventually(lambda: one.ready_file.exists() or one.process.poll() is not None, "an end or a start")
    if one.process.poll() is not None:
        one.expect_exit = one.process.poll()


def test_two_instances_have_roots_and_names_of_their_own(client, root, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "d.bin").write_bytes(b"\xff")
    c = client(OLD, "stdio", plugins=["files"], config={"plugins": [
        {"plugin": "files", "settings": {"roots": [str(root)]}},
        {"plugin": "files", "name": "docs", "settings": {"roots": [str(tmp_path / "docs")], "write": True}}]})
    assert {"read_file", "docs_read_file", "docs_write_file"} <= set(c.names())
    assert "write_file" not in c.names()
    assert list(listed(c)) == ["root"]
    assert [e["name"] for e in c.structured("docs_list_directory")["entries"]] == ["docs"]
    assert {r["uri"] for r in c.list("resources")} == {"files://", "files://docs/"}
    assert json.loads(read_uri(c, "files://docs/")["text"]) == ["docs"]
    (embedded,) = c.call("docs_read_file", path="docs/d.bin")["content"]
    assert embedded["resource"]["uri"] == "files://docs/docs/d.bin"
    assert base64.b64decode(read_uri(c, "files://docs/docs/d.bin")["blob"]) == b"\xff"
    assert read_uri(c, "files://root/a.txt")["text"] == "alpha\nbeta\n"
    for path in ("docs/d.bin", "../docs/d.bin", "root/../docs/d.bin"):
        refused(c, "read_file", path=path)
    refused(c, "docs_read_file", path="root/a.txt")
    c.text("docs_write_file", path="docs/new", text="x")
    uri = "files://docs/{root}/{path*}"
    assert complete(c, "path", "", uri=uri, root="docs")["values"] == ["d.bin", "new"]


def test_the_manifest_tells_the_settings():
    said = subprocess.run([GANTRY, "check", PLUGINS / "files.so"], capture_output=True, text=True).stdout
    for word in ("roots", "write", "max_bytes", "read_file", "files://{root}/{path*}"):
        assert word in said
