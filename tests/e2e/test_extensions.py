"""Extensions of MCP (SEP-2133): what the server says that it speaks, what plugins hear of clients,
and skills (SEP-2640)."""

import base64
import hashlib

import pytest

from harness.client import HttpClient, RpcError, StdioClient
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
SKILLS = "io.modelcontextprotocol/skills"
REVISIONS = ["2025-06-18", OLD, NEW]


def extensions(c):
    where = c.request("server/discover") if c.stateless else c.server
    return where["capabilities"].get("extensions", {})


@pytest.mark.parametrize("revision", REVISIONS)
def test_extensions_of_plugins_are_told(client, revision, transport):
    c = client(revision, transport, plugins=["subs1"])
    told = extensions(c)
    assert told["com.example/subs"] == {"a": 1} and told["com.example/bare"] == {}
    assert told[SKILLS] == {"directoryRead": True}
    if not c.stateless:
        return
    c.host.remove_plugin("subs1")
    eventually(lambda: "com.example/subs" not in extensions(c), "the end of the plugin")
    assert SKILLS not in extensions(c)
    c.host.drop_plugin("subs1", "subs2")
    eventually(lambda: extensions(c).get("com.example/subs") == {"a": 1}, "its return")


def test_without_plugins_no_extension_of_theirs_is_told(client):
    assert SKILLS not in extensions(client(NEW, "stdio", plugins=["kit"]))
    c = client(OLD, "stdio", plugins=["kit"])
    assert "extensions" not in c.server["capabilities"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_plugins_hear_of_the_clients_extensions(host, revision, transport):
    one = host(plugins=["subs1"], http=transport == "http" or None, stdio=transport == "stdio")
    c = (HttpClient if transport == "http" else StdioClient)(one, revision)
    c.capabilities = {"extensions": {"com.example/x": {"deep": [1, {"b": None}]}, "com.example/y": {}}}
    if not c.stateless:
        c.initialize()
    assert c.text("extension", name="com.example/x") == '{"deep":[1,{"b":null}]}'
    assert c.text("extension", name="com.example/y") == "{}"
    assert c.text("extension", name="com.example/z") == "none"
    c.close() if transport == "http" else None


@pytest.mark.parametrize("given", [7, [], "x", None, {"com.example/x": {"big": "x" * 20000}}])
def test_what_makes_no_sense_or_is_too_much_is_none(host, given):
    c = StdioClient(host(plugins=["subs1"], stdio=True), OLD)
    c.capabilities = {"extensions": given}
    c.initialize()
    assert c.text("extension", name="com.example/x") == "none"


# ---------------------------------------------------------------- skills

ROOT = "skill://pdf/forms"


def read(c, uri):
    one, = c.request("resources/read", {"uri": uri})["contents"]
    return one["text"].encode() if "text" in one else base64.b64decode(one["blob"])


def check_entry(c, entry):
    for file in entry["resources"]:
        data = read(c, file["uri"])
        assert file["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
        assert file["size"] == len(data)


@pytest.mark.parametrize("revision", REVISIONS)
def test_skills_are_listed_with_all_their_files(client, revision, transport):
    c = client(revision, transport, plugins=["subs1"])
    result = c.request("skills/list")
    entry, = result["skills"]
    assert entry["uri"] == ROOT + "/SKILL.md"
    assert entry["frontmatter"] == {"name": "forms", "description": "Fill in: forms", "license": "MIT",
                                    "metadata": {"version": 1.5, "tags": ["a", "b"]}}
    assert sorted(f["uri"] for f in entry["resources"]) == sorted(
        ROOT + "/" + f for f in ("SKILL.md", "references/fields.md", "references/deep/er.txt",
                                 "assets/blank%20form.bin"))
    check_entry(c, entry)
    got = c.request("skills/get", {"uri": entry["uri"]})
    assert got["skill"] == entry
    assert c.stateless == ("ttlMs" in result) == ("ttlMs" in got) == ("cacheScope" in got)
    listed = {r["uri"]: r for r in c.list("resources", "resources/list")}
    manifest = listed[entry["uri"]]
    assert manifest["name"] == "forms" and manifest["description"] == "Fill in: forms"
    assert manifest["mimeType"] == "text/markdown" and manifest["size"] > 0
    assert listed[ROOT + "/assets/blank%20form.bin"]["mimeType"] == "application/octet-stream"


@pytest.mark.parametrize("uri", [ROOT, ROOT + "/references/fields.md", "skill://nothing/SKILL.md",
                                 "subs://counter", "", "nonsense"])
def test_what_is_no_skill_is_refused(client, uri):
    c = client(NEW, "stdio", plugins=["subs1"])
    with pytest.raises(RpcError) as refused:
        c.request("skills/get", {"uri": uri})
    assert refused.value.code == -32602
    for params in ({}, {"uri": 7}):
        with pytest.raises(RpcError) as refused:
            c.request("skills/get", params)
        assert refused.value.code == -32602


def children(c, uri, **more):
    return [(r["uri"], r["name"], r.get("mimeType")) for r in
            c.request("resources/directory/read", {"uri": uri, **more})["resources"]]


@pytest.mark.parametrize("revision", REVISIONS)
def test_folders_of_skills_can_be_walked(client, revision):
    c = client(revision, "stdio", plugins=["subs1"])
    assert children(c, ROOT) == [
        (ROOT + "/SKILL.md", "forms", "text/markdown"), (ROOT + "/assets", "assets", "inode/directory"),
        (ROOT + "/references", "references", "inode/directory")]
    assert children(c, ROOT + "/references") == [
        (ROOT + "/references/deep", "deep", "inode/directory"),
        (ROOT + "/references/fields.md", "fields.md", "text/markdown")]
    assert children(c, "skill://pdf") == [(ROOT, "forms", "inode/directory")]
    for wrong in (ROOT + "/SKILL.md", ROOT + "/", ROOT + "/nothing", "skill:", "skill://", "skill:/",
                  "subs://counter", "subs:", "", "/", "x" * 20000):
        with pytest.raises(RpcError) as refused:
            c.request("resources/directory/read", {"uri": wrong})
        assert refused.value.code == -32602


def test_lists_come_in_pages(client):
    c = client(NEW, "stdio", plugins=["subs1"], config={"server": {"page_size": 1}})
    for name in ("a", "b-2", "c/d"):
        manifest = f"---\nname: {name.split('/')[-1]}\ndescription: d\n---\n"
        assert c.text("skill", path=name, manifest=manifest, file="x") == "0"
    seen, cursor = [], {}
    while True:
        page = c.request("skills/list", cursor)
        seen += [s["uri"] for s in page["skills"]]
        assert len(page["skills"]) == 1
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == ["skill://a/SKILL.md", "skill://b-2/SKILL.md", "skill://c/d/SKILL.md",
                    ROOT + "/SKILL.md"]
    seen, cursor = [], {}
    while True:
        page = c.request("resources/directory/read", {"uri": ROOT, **cursor})
        seen += [r["uri"] for r in page["resources"]]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == [ROOT + "/SKILL.md", ROOT + "/assets", ROOT + "/references"]
    for method, params in (("skills/list", {}), ("resources/directory/read", {"uri": ROOT}),
                           ("resources/directory/read", {"uri": ROOT + "/references", **cursor})):
        for bad in ("x", 7, "AAAA") + ((cursor["cursor"],) if method == "skills/list" else ()):
            with pytest.raises(RpcError) as refused:
                c.request(method, {**params, "cursor": bad})
            assert refused.value.code == -32602


def test_skills_come_change_and_go(client):
    c = client(OLD, "stdio", plugins=["subs1"])
    uri = "skill://notes/SKILL.md"
    front = "---\nname: notes\ndescription: {}\n---\n{}"
    assert c.text("skill", path="notes", manifest=front.format("one", "body"), file="n") == "0"
    changed = "notifications/resources/list_changed"
    seen = len(c.notifications.wait(changed))
    c.request("resources/subscribe", {"uri": uri})
    assert c.text("skill", path="notes", manifest=front.format("one", "other"), file="n") == "0"
    told = c.notifications.wait("notifications/resources/updated")
    assert [n["params"]["uri"] for n in told] == [uri]
    assert read(c, uri).endswith(b"other")
    entry = c.request("skills/get", {"uri": uri})["skill"]
    check_entry(c, entry)
    assert len(entry["resources"]) == 2
    assert c.text("skill", path="notes", manifest=front.format("two", "x")) == "0"
    c.notifications.wait(changed, seen + 1)
    assert len(c.request("skills/get", {"uri": uri})["skill"]["resources"]) == 1
    assert c.text("skill", path="notes") == "0" and c.text("skill", path="notes") == "-7"
    with pytest.raises(RpcError):
        c.request("resources/read", {"uri": uri})
    assert len(c.request("skills/list")["skills"]) == 1


@pytest.mark.parametrize("path, manifest, said", [
    ("x", "no front matter", "must begin with YAML front matter"),
    ("x", "---\nname: x\ndescription: d\n", "must begin with YAML front matter"),
    ("x", "---\nname: y\ndescription: d\n---\n", "names it y"),
    ("x", "---\nname: x\n---\n", "needs name and description"),
    ("x", "---\nname: x\ndescription: [a\n---\n", "front matter: "),
    ("x", "---\n- a\n---\n", "not a mapping"),
    ("x", "---\nname: 7\ndescription: d\n---\n", "needs name and description"),
    ("x", "---\nname: x\ndescription: &a d\nb: *a\n---\n", "front matter: "),
    ("x", "---\nname: x\ndescription: d\nlong: " + "x" * 70000 + "\n---\n", "64 KiB"),
    ("Bad_Name", "---\nname: Bad_Name\ndescription: d\n---\n", "the last part of its path"),
    ("a--b", "---\nname: a--b\ndescription: d\n---\n", "the last part of its path"),
    ("../x", "---\nname: x\ndescription: d\n---\n", "its path must be"),
    ("a//x", "---\nname: x\ndescription: d\n---\n", "its path must be"),
    ("a b/x", "---\nname: x\ndescription: d\n---\n", "its path must be"),
    ("", "---\nname: x\ndescription: d\n---\n", "its path must be")])
def test_what_is_no_skill_is_told_to_its_author(client, path, manifest, said):
    c = client(OLD, "stdio", plugins=["subs1"])
    assert c.text("skill", path=path, manifest=manifest) in ("-1", "-5")
    c.host.wait_log("skill .*" + said)
    assert len(c.request("skills/list")["skills"]) == 1


def test_a_skill_within_a_skill_is_part_of_both(client):
    c = client(NEW, "http", plugins=["subs1"])
    manifest = "---\nname: inner\ndescription: d\n---\n"
    assert c.text("skill", path="pdf/forms/more/inner", manifest=manifest) == "0"
    outer, inner = (c.request("skills/get", {"uri": u})["skill"] for u in
                    (ROOT + "/SKILL.md", ROOT + "/more/inner/SKILL.md"))
    assert len(outer["resources"]) == 5 and len(inner["resources"]) == 1
    assert inner["resources"][0] in outer["resources"]
    assert len(c.request("skills/list")["skills"]) == 2
