"""The plugin files: attempts to get out of its roots, and odd things that lie in them."""

import base64
import ctypes
import json
import os
import re
import socket
import stat
import sys
import threading
from urllib.parse import quote

import pytest

from harness import host as hosts
from harness.client import RpcError
from harness.paths import ROOT
from harness.served import (SECRET, root, files, refused, listed, found,  # noqa: F401
                            read_uri, complete, no_leftovers)


# ---------------------------------------------------------------- getting out

HOSTILE = [
    "../outside/secret.txt", "root/../outside/secret.txt", "root/sub/../../outside/secret.txt",
    "root/..", "root/../", "..", ".", "./", "root/.", "root/./a.txt", "root//a.txt", "root//", "//",
    "/",     "/etc/passwd", "//etc/passwd", "root//etc/passwd", "root/ /etc/passwd", "~", "~root",
    "..%2Foutside%2Fsecret.txt", "root/..%2f..%2foutside/secret.txt",
    "root/%2e%2e/outside/secret.txt",
    "root/%252e%252e/outside/secret.txt", "root/..%252foutside/secret.txt",
    "root\\..\\outside\\secret.txt", "..\\outside\\secret.txt", "root/..\\outside/secret.txt",
    "root/sub/b.md\0.txt", "\0", "root\0/../outside/secret.txt", "root/a.txt\0",
    "root/．．/outside/secret.txt", "root/..;/outside/secret.txt",
    "root/out/secret.txt", "root/out", "root/secret", "root/up/outside/secret.txt", "root/up",
    "root/abs/a.txt",
    "root/loop", "root/loop/x", "root/loop1/x", "root/self/self/self/../../outside",
    "root/self/up/outside/a.txt",
    "root/proc/self/root/etc/passwd", "root/fd/0", "x" * 5000, "root/" + "x/" * 2046,
    "root/" + "x" * 300,
    "root" + "/sub" * 1000, "other/a.txt", "ROOT/a.txt", "roo/a.txt", "root1/a.txt",
    "outside/secret.txt",
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
                                ("search_files", {"text": "SECRET"}),
                                ("write_file", {"text": "BAD"}),
                                ("write_file", {"text": "BAD", "overwrite": True}))]
    for path, name, pending in asked:
        result = pending.result()
        check_attack(root, path, result)
        # What is refused is refused on purpose; and only "self" leads anywhere at all.
        on_purpose = result.get("isError") and "correlation" not in json.dumps(result)
        assert on_purpose, (path, name, result)
    uris = {prefix + form for path in hostile for prefix in ("files://", "files://root/",
                                                             "files:///")
            for form in (path, quote(path), quote(path, safe=""),
                         quote(quote(path, safe=""), safe=""))}
    uris |= {"files://root/" + bad for bad in ("%2e%2e%2foutside%2fsecret.txt",
                                               "..%2Foutside%2Fsecret.txt",
                                               "%C0%AE%C0%AE/outside/secret.txt", "%c0%af", "%ff",
                                               "%", "%2", "%zz",
                                               "..%c0%afoutside", "%e0%80%ae", "%ed%a0%80",
                                               "a.txt#x",
                                               "%00", "a.txt%00", "%2e", "%2E%2E", "..",
                                               "sub/%2e%2e/a.txt", "")}
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
    links = [name for name, entry in listed(c, "root").items() if entry["type"] == "link"]
    assert links == ["absolute", "deeper", "gone", "in"]
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
            assert self.libc.renameat2(-100, self.names[0], -100, self.names[1],
                                       RENAME_EXCHANGE) == 0
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
    with Exchange(root / "one", root / "away") as dirs, Exchange(root / "file",
                                                                 root / "filelink") as names:
        for i in range(150):
            asked = [c.start_call("read_file", path="root/one/a.txt"),
                     c.start_call("read_file", path="root/file"),
                     c.start_call("read_file", path="root/away/sub/a.txt"),
                     c.start_call("list_directory", path="root/one"),
                     c.start_call("list_directory", path="root/away/sub"),
                     c.start_call("search_files", path="root", text="SECRET"),
                     c.start_call("search_files", path="root/one", glob="SECRET*"),
                     c.start_call("search_files", path="root", glob="secret*"),
                     c.start_call("write_file", path=f"root/one/w{i}", text="BAD"),
                     c.start_call("write_file", path="root/away/a.txt", text="BAD", overwrite=True),
                     c.start_call("write_file", path="root/file", text="inside", overwrite=True),
                     c.start("completion/complete",
                             {"ref": {"type": "ref/resource", "uri": "files://{root}/{path*}"},
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


@pytest.mark.parametrize("piece", [b"0123456789abcde\n", b"\xff" * 16, b"\1" * 16],
                         ids=["text", "binary", "control"])
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
    fine = ["new\nline", 'quote"\\', "\x01\x1b[31m", "...", "..hidden", "%2e%2e", "-rf", " ",
            "a\tb", "\U0001f600", "~",
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
    assert c.structured("list_directory", path="root/many", after="zzz") == {"entries": [],
                                                                             "truncated": False}
    result = c.structured("search_files", path="root/many", glob="*999")
    expected = [f"root/many/{i:06}" for i in range(999, 100_000, 1000)]
    assert [h["path"] for h in result["hits"]] == expected
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
    assert found(c, path=f"root/chain/{path[:40]}".rstrip("/"),
                 glob="bottom*") == [(f"root/chain/{path}/bottom.txt", None)]
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
