"""The sample plugin `skills`: a folder of skills, served, and what becomes of changes to it."""

import hashlib
import os
import shutil

import pytest

from harness.client import RpcError
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
MANIFEST = "---\nname: {}\ndescription: {}\n---\n\nBody.\n"


def make(root, path, description="d", **files):
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_text(MANIFEST.format(folder.name, description))
    for name, data in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "skills"
    root.mkdir()
    make(root, "pdf", references__forms=b"forms", references__deep__x=b"\x00\xff")
    make(root, "acme/billing/refunds")
    return root


@pytest.fixture
def skills(client, root):
    def start(revision=OLD, transport="stdio"):
        return client(revision, transport, plugins=["skills"], config={"plugins": [
            {"plugin": "skills", "settings": {"root": str(root), "interval": 100}}]})
    return start


def listed(c):
    return {s["uri"]: s for s in c.request("skills/list")["skills"]}


def read(c, uri):
    one, = c.request("resources/read", {"uri": uri})["contents"]
    return one


@pytest.mark.parametrize("revision", ["2025-06-18", OLD, NEW])
def test_a_folder_of_skills_is_served(skills, revision, transport):
    c = skills(revision, transport)
    told = c.request("server/discover") if c.stateless else c.server
    assert told["capabilities"]["extensions"]["io.modelcontextprotocol/skills"] == {
        "directoryRead": True}
    found = listed(c)
    assert set(found) == {"skill://pdf/SKILL.md", "skill://acme/billing/refunds/SKILL.md"}
    files = {f["uri"]: f for f in found["skill://pdf/SKILL.md"]["resources"]}
    assert set(files) == {"skill://pdf/SKILL.md", "skill://pdf/references/forms",
                          "skill://pdf/references/deep/x"}
    assert read(c, "skill://pdf/references/forms")["text"] == "forms"
    assert read(c, "skill://pdf/references/deep/x")["blob"] == "AP8="
    assert files["skill://pdf/references/forms"] == {
        "uri": "skill://pdf/references/forms", "size": 5,
        "digest": "sha256:" + hashlib.sha256(b"forms").hexdigest()}
    names = [r["name"] for r in
             c.request("resources/directory/read", {"uri": "skill://acme"})["resources"]]
    assert names == ["billing"]


def test_changes_are_noticed(skills, root):
    c = skills()
    uri = "skill://pdf/references/forms"
    c.request("resources/subscribe", {"uri": uri})
    (root / "pdf/references/forms").write_bytes(b"other forms")
    c.notifications.wait("notifications/resources/updated")
    assert read(c, uri)["text"] == "other forms"
    assert [f["size"] for f in listed(c)["skill://pdf/SKILL.md"]["resources"] if f["uri"] == uri] == [11]
    make(root, "new-one", "is new")
    c.notifications.wait("notifications/resources/list_changed")
    eventually(lambda: "skill://new-one/SKILL.md" in listed(c), "the new skill")
    shutil.rmtree(root / "acme")
    eventually(lambda: "skill://acme/billing/refunds/SKILL.md" not in listed(c), "its end")
    with pytest.raises(RpcError):
        read(c, "skill://acme/billing/refunds/SKILL.md")
    (root / "pdf/references/forms").unlink()
    eventually(lambda: len(listed(c)["skill://pdf/SKILL.md"]["resources"]) == 2, "the file's end")


def test_a_skill_that_breaks_is_served_as_it_was(skills, root):
    c = skills()
    (root / "pdf/SKILL.md").write_text("no front matter")
    c.host.wait_log("skill pdf: .*front matter")
    assert read(c, "skill://pdf/SKILL.md")["text"] == MANIFEST.format("pdf", "d")
    make(root, "pdf", "mended")
    eventually(lambda: listed(c)["skill://pdf/SKILL.md"]["frontmatter"]["description"] == "mended",
               "the mended skill")


def test_bad_skills_do_not_stand_in_the_way_of_good_ones(skills, root):
    make(root, "Bad_Name")
    (root / "huge").mkdir()
    (root / "huge/SKILL.md").write_text(MANIFEST.format("huge", "d"))
    with open(root / "huge/file", "wb") as f:
        f.truncate(9 << 20)
    (root / "wrong").mkdir()
    (root / "wrong/SKILL.md").write_text(MANIFEST.format("right", "d"))
    make(root, "with blank/inner")
    crowd = make(root, "crowd")
    for i in range(512):
        (crowd / f"{i}").touch()
    c = skills()
    for said in ("Bad_Name", "huge: a file is larger", "wrong: .*names it right", "with blank/inner",
                 "crowd: it has more than 512 files"):
        c.host.wait_log(f"skill {said}")
    assert set(listed(c)) == {"skill://pdf/SKILL.md", "skill://acme/billing/refunds/SKILL.md"}


def test_nothing_outside_is_served(skills, root, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "SKILL.md").write_text(MANIFEST.format("linked", "d"))
    (secret / "key").write_text("hunter2")
    (root / "linked").symlink_to(secret)
    (root / "pdf/key").symlink_to(secret / "key")
    (root / "pdf/more").symlink_to(secret)
    (root / "pdf/.hidden").write_text("hidden")
    os.mkfifo(root / "pdf/pipe")
    (root / "SKILL.md").write_text(MANIFEST.format("skills", "the root is no skill"))
    c = skills()
    found = listed(c)
    assert set(found) == {"skill://pdf/SKILL.md", "skill://acme/billing/refunds/SKILL.md"}
    assert len(found["skill://pdf/SKILL.md"]["resources"]) == 3
    for uri in ("skill://pdf/key", "skill://pdf/more/key", "skill://pdf/../../secret/key",
                "skill://pdf/.hidden", "skill://pdf/pipe", "skill://linked/SKILL.md"):
        with pytest.raises(RpcError):
            read(c, uri)


def test_a_skill_in_a_skill_is_one_for_itself(skills, root):
    make(root, "pdf/inner", notes=b"n")
    c = skills()
    found = listed(c)
    assert len(found["skill://pdf/SKILL.md"]["resources"]) == 5
    assert {f["uri"] for f in found["skill://pdf/inner/SKILL.md"]["resources"]} == {
        "skill://pdf/inner/SKILL.md", "skill://pdf/inner/notes"}


def test_an_empty_folder_speaks_the_extension_too(skills, root):
    shutil.rmtree(root / "pdf")
    shutil.rmtree(root / "acme")
    c = skills()
    assert "io.modelcontextprotocol/skills" in c.server["capabilities"]["extensions"]
    assert listed(c) == {}
    make(root, "first")
    eventually(lambda: listed(c), "the first skill")


def test_a_root_that_is_none_is_refused(host):
    one = host(plugins=["skills"], stdio=True,
               config={"plugins": [{"plugin": "skills", "settings": {"root": "/no/such/folder"}}]})
    one.wait_log("root: /no/such/folder: No such file or directory")
