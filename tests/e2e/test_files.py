"""The plugin files: what it does, and its settings. Attacks are in test_files_hostile.py."""

import base64
import json
import os
import signal
import stat
import subprocess
import threading
from urllib.parse import quote

import pytest

from harness.client import RpcError
from harness.host import eventually
from harness.paths import GANTRY, PLUGINS, SANITIZED
from harness.served import (PNG, SECRET, root, files, refused, listed,  # noqa: F401
                            found, read_uri, complete, no_leftovers)

NEW, OLD = "2026-07-28", "2025-11-25"


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
    for path, mime in (("a.txt", "text/plain"), ("sub/b.md", "text/markdown"),
                       ("x.json", "application/json"),
                       ("picture.png", "image/png"),
                       ("sub/deep/c.bin", "application/octet-stream")):
        contents = read_uri(c, f"files://root/{path}")
        assert contents["mimeType"] == mime
        data = contents["text"].encode() if "text" in contents else base64.b64decode(contents["blob"])
        assert data == (root / path).read_bytes()


@pytest.mark.parametrize("revision,code", [(OLD, -32002), (NEW, -32602)])
def test_what_is_not_there_is_not_found(files, root, revision, code):
    (root / "out").symlink_to(root.parent / "outside")
    c = files(revision)
    for uri in ("files://root/nothing", "files://other/a.txt", "files://root/a.txt/x",
                "files://root/out/a.txt"):
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
    assert entries["a.txt"] == {"name": "a.txt", "type": "file", "size": 11,
                                "modified": "1970-01-02T00:00:00Z"}
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
    assert found(c, text="needle") == [("root/sub/b.md", 2), ("root/sub/x.md", 4),
                                       ("root/sub/x.md", 5)]
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
    for pattern in ("*a" * 100 + "b", "*" * 254 + "b", "[" * 255, "*[a-" * 60, "\\" * 255,
                    "+(a|*)" * 40):
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
    assert complete(c, "path", "sub/", root="root")["values"] == ["sub/b.md", "sub/beta/",
                                                                  "sub/deep/"]
    assert complete(c, "path", "sub/b", root="root") == {
        "values": ["sub/b.md", "sub/beta/"], "total": 2, "hasMore": False}
    for value in ("none/", "a.txt/", "sub/none", "ü" * 1000):
        assert complete(c, "path", value, root="root")["values"] == [], value
    assert complete(c, "path", "", root="nothing")["values"] == []


def test_completion_names_nothing_outside(files, root):
    (root / "out").symlink_to(root.parent / "outside")
    c = files()
    for value in ("../", "..", "../outside/", "/", "/etc/", "sub/../", "sub/../../outside/", "out/",
                  "out/s",
                  "./", "sub//", "//", "..%2F", "%2e%2e/", "sub/../../outside/" + "x" * 9000):
        for known in ({"root": "root"}, {"root": ".."}, {"root": "root/.."}, {"root": ""},
                      {"root": "/"}, {}):
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
    assert c.text("write_file", path="root/new.txt",
                  text="nül\0x") == "Wrote 6 bytes to root/new.txt"
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
                      ("root/none/x", "no such file or directory"),
                      ("root/a.txt/x", "not a directory"),
                      ("root/out/new.txt", "outside of its root"),
                      ("root/out/a.txt", "outside of its root"),
                      ("root/link", "not a regular file"), ("root/outlink", "not a regular file"),
                      ("root/dangling", "not a regular file"), ("root/loop", "not a regular file"),
                      ("root/loop/x", "symbolic links"), ("root/pipe", "not a regular file"),
                      ("root/" + "x" * 256, "too long"), ("other/x", "name of a root"),
                      ("/etc/x", "slash")):
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
    c.host.write_config({"plugins": [{"plugin": "files",
                                      "settings": {"roots": [str(root)], "write": True}}]})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: "write_file" in c.names(), "the tool to write")
    c.text("write_file", path="root/new", text="x")


# ---------------------------------------------------------------- roots and settings

def test_several_roots(files, root, tmp_path):
    for parent in ("x", "y", "z"):
        (tmp_path / parent / "docs").mkdir(parents=True)
        (tmp_path / parent / "docs" / "who").write_text(parent)
    (tmp_path / "current").symlink_to(tmp_path / "x" / "docs")
    (tmp_path / "docs-2").mkdir()
    roots = [root, root / "sub", tmp_path / "x" / "docs", tmp_path / "docs-2",
             str(tmp_path / "y" / "docs") + "/",
             tmp_path / "z" / "docs", tmp_path / "current"]
    c = files(roots=roots)
    names = ["current", "docs", "docs-2", "docs-3", "docs-4", "root", "sub"]
    assert list(listed(c)) == names
    assert sorted(json.loads(read_uri(c, "files://")["text"])) == names
    assert [c.text("read_file", path=f"{name}/who") for name in ("docs", "docs-3", "docs-4",
                                                                 "current")] == \
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
    eventually(lambda: one.ready_file.exists() or one.process.poll() is not None,
               "an end or a start")
    if one.process.poll() is not None:
        one.expect_exit = one.process.poll()


def test_two_instances_have_roots_and_names_of_their_own(client, root, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "d.bin").write_bytes(b"\xff")
    c = client(OLD, "stdio", plugins=["files"], config={"plugins": [
        {"plugin": "files", "settings": {"roots": [str(root)]}},
        {"plugin": "files", "name": "docs", "settings": {"roots": [str(tmp_path / "docs")],
                                                         "write": True}}]})
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
    said = subprocess.run([GANTRY, "check", PLUGINS / "files.so"], capture_output=True,
                          text=True).stdout
    for word in ("roots", "write", "max_bytes", "read_file", "files://{root}/{path*}"):
        assert word in said


# ---------------------------------------------------------------- subscriptions

@pytest.mark.parametrize("revision", [OLD, NEW])
def test_subscribers_hear_of_changed_files(files, root, revision):
    c = files(revision, watch=100)
    (root / "a b.txt").write_text("one")
    (root / "other").write_text("one")
    updated = "notifications/resources/updated"
    uri, other, later = (f"files://{root.name}/{name}" for name in ("a%20b.txt", "other", "later"))
    if revision == NEW:
        call = c.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri, later]}})
        call.wait_notifications(1)
        told = lambda n: [m["params"]["uri"] for m in call.wait_notifications(n, updated)]
    else:
        for one in (uri, later):
            c.request("resources/subscribe", {"uri": one})
        told = lambda n: [m["params"]["uri"] for m in c.notifications.wait(updated, n)]
    count = 0

    def changes(path, expected):
        """Changes it until that is told: the first look only takes notes."""
        nonlocal count
        (root / "other").write_text(f"{count}")
        path.write_text("x" * (count := count + 1))
        seen = list((c.notifications.seen if revision == OLD else call.notifications))
        return expected in [m["params"].get("uri") for m in seen if m["method"] == updated]
    eventually(lambda: changes(root / "a b.txt", uri), "a change")
    eventually(lambda: changes(root / "later", later), "a file that was not there")
    assert other not in told(2)
