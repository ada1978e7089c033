"""The plugin files, told to stay within the client's roots."""

import json
import os
import pathlib

import pytest

from harness.asking import RpcError, Talker, connect
from harness.served import SECRET, root  # noqa: F401

ERAS = ["2025-06-18", "2026-07-28"]
each_era = pytest.mark.parametrize("revision", ERAS)


@pytest.fixture
def files(host, root, transport, revision):
    """files(client_root, ...) connects somebody with these roots to a host that serves `root`."""
    served = host(plugins=["files"], http=True if transport == "http" else None,
                  stdio=transport == "stdio",
                  config={"plugins": [{"plugin": "files", "settings": {
                      "roots": [str(root)], "write": True, "within_roots": True}}]})
    made = []

    def make(*roots, capabilities=None):
        if not made or transport == "http":
            made.append(connect(served, revision, transport, capabilities))
        uris = [r if isinstance(r, str) else r.as_uri() for r in roots]
        return Talker(made[-1], {"roots/list": lambda asked: {"roots": [{"uri": u} for u in uris]}})

    yield make
    for client in made:
        if hasattr(client, "close"):
            client.close()


def refused(talker, name, /, **arguments):
    result = talker.call(name, **arguments)
    assert result.get("isError"), result
    return result["content"][0]["text"]


def names(talker, path=""):
    result = talker.call("list_directory", path=path)
    assert not result.get("isError"), result
    return [e["name"] for e in result["structuredContent"]["entries"]]


def hits(talker, **arguments):
    result = talker.call("search_files", **arguments)
    assert not result.get("isError"), result
    return sorted(h["path"] for h in result["structuredContent"]["hits"])


OUTSIDE = "outside of the folders that the client works in"


@each_era
def test_below_the_clients_root_all_works(files, root):
    talker = files(root / "sub")
    assert talker.text("read_file", path="root/sub/b.md") == "# Beta\nneedle in b\n"
    assert [a["method"] for a in talker.asked] == ["roots/list"]
    assert names(talker, "root/sub") == ["b.md", "deep"]
    talker.text("write_file", path="root/sub/new.txt", text="new")
    assert (root / "sub" / "new.txt").read_text() == "new"
    read = talker.request("resources/read", {"uri": "files://root/sub/b.md"})
    assert read["contents"][0]["text"].startswith("# Beta")


@each_era
def test_above_and_beside_it_nothing_does(files, root):
    (root / "subway").mkdir()
    (root / "subway" / "x.txt").write_text("x")
    talker = files(root / "sub")
    for path in ("root/a.txt", "root/subway/x.txt"):
        assert refused(talker, "read_file", path=path) == f"{path}: {OUTSIDE}"
    assert refused(talker, "list_directory", path="root") == f"root: {OUTSIDE}"
    assert refused(talker, "search_files", path="root") == f"root: {OUTSIDE}"
    assert refused(talker, "write_file", path="root/new.txt", text="x") == f"root/new.txt: {OUTSIDE}"
    assert not (root / "new.txt").exists()
    with pytest.raises(RpcError, match=OUTSIDE):
        talker.request("resources/read", {"uri": "files://root/a.txt"})


@each_era
def test_a_search_without_a_path_looks_through_the_clients_roots(files, root):
    (root / "other").mkdir()
    (root / "other" / "b.md").write_text("# Other\n")
    assert hits(files(root / "sub"), glob="*.md") == ["root/sub/b.md"]
    assert hits(files(root / "sub", root / "sub" / "deep", root / "other", root / "sub"),
                glob="*.md") == ["root/other/b.md", "root/sub/b.md"]
    assert hits(files(root.parent), glob="*.md") == ["root/other/b.md", "root/sub/b.md"]


@each_era
def test_roots_that_hold_ours_allow_all_of_it(files, root):
    for above in (root, root.parent, pathlib.Path("/")):
        talker = files(above)
        assert talker.text("read_file", path="root/a.txt") == "alpha\nbeta\n"
        assert names(talker) == ["root"]


@each_era
@pytest.mark.parametrize("uris", [
    [], ["file:///nowhere/at/all"], ["https://example.com/"], ["file://other.example/tmp"],
    ["file:///%00"], ["file:///%zz"], ["file:relative"], ["file:///etc/passwd"]])
def test_roots_that_are_no_folder_here_allow_nothing(files, uris):
    talker = files(*uris)
    assert names(talker) == [] and hits(talker, glob="*") == []
    assert refused(talker, "read_file", path="root/a.txt").endswith(OUTSIDE)
    read = talker.request("resources/read", {"uri": "files://"})
    assert json.loads(read["contents"][0]["text"]) == []


@each_era
def test_uris_are_decoded(files, root):
    odd = root / "ein Ördner #1 100%"
    odd.mkdir()
    (odd / "x.txt").write_text("x")
    talker = files(odd.as_uri().replace("file://", "file://localhost"))
    assert talker.text("read_file", path=f"root/{odd.name}/x.txt") == "x"
    assert refused(talker, "read_file", path="root/a.txt").endswith(OUTSIDE)


@each_era
def test_links_do_not_lead_out(files, root):
    os.symlink("../a.txt", root / "sub" / "link.txt")
    os.symlink("sub", root / "alias")
    talker = files(root / "sub")
    assert refused(talker, "read_file", path="root/sub/link.txt").endswith(OUTSIDE)
    # A link that leads in is as good as the folder itself, and so is a root that is a link.
    assert talker.text("read_file", path="root/alias/b.md").startswith("# Beta")
    assert files(root / "alias").text("read_file", path="root/sub/b.md").startswith("# Beta")


@each_era
def test_a_client_without_roots_is_refused(files, revision):
    talker = files(capabilities={})
    if revision == "2026-07-28":
        with pytest.raises(RpcError) as e:
            talker.call("read_file", path="root/a.txt")
        assert e.value.code == -32021 and e.value.data == {"requiredCapabilities": {"roots": {}}}
    else:
        assert "roots" in refused(talker, "read_file", path="root/a.txt")
    assert talker.asked == []


@each_era
def test_nothing_is_completed(files, root):
    talker = files(root)
    for argument in ("root", "path"):
        done = talker.client.request("completion/complete", {
            "ref": {"type": "ref/resource", "uri": "files://{root}/{path*}"},
            "argument": {"name": argument, "value": ""},
            "context": {"arguments": {"root": "root"}}})
        assert done["completion"]["values"] == []
    assert SECRET not in talker.client.host.log()
