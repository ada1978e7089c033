"""For the tests of the plugin files: a tree, a host that serves it, and how to ask for what is in it."""

import os

import pytest

OLD = "2025-11-25"
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
    hits = client.structured("search_files", **arguments)["hits"]
    return [(h["path"], h.get("line")) for h in hits]


def read_uri(client, uri):
    contents = client.request("resources/read", {"uri": uri})["contents"]
    assert len(contents) == 1 and contents[0]["uri"] == uri, contents
    return contents[0]


def complete(client, argument, value, uri="files://{root}/{path*}", **known):
    params = {"ref": {"type": "ref/resource", "uri": uri},
              "argument": {"name": argument, "value": value}}
    if known:
        params["context"] = {"arguments": known}
    return client.request("completion/complete", params)["completion"]


def no_leftovers(root):
    return not [name for _, _, names in os.walk(root) for name in names if name.startswith(".gantry")]
