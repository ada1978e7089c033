"""What each client sees: rules for principals, of plugins and of the operator, tools for one
principal, rules of a session, versions."""

import asyncio
import hashlib

import pytest

from harness.client import HttpClient, RpcError, connect
from harness.paths import PATIENCE

NEW, OLD = "2026-07-28", "2025-11-25"
ERAS = pytest.mark.parametrize("revision", [OLD, NEW])


def token(name):
    return {"principal": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}


NAMES = ["alice", "bob"]
TOKENS = {"auth": {"tokens": [token(name) for name in NAMES]}}


def as_principal(host, name, revision):
    c = HttpClient(host, revision, headers={"Authorization": f"Bearer {name}"})
    if not c.stateless:
        c.initialize()
    return c


@pytest.fixture
def both(host):
    """both(revision, ...) starts a host and gives two clients of it: alice and bob."""
    made = []

    def start(revision, config=None, **options):
        h = host(http=True, config={**TOKENS, **(config or {})},
                 **{"plugins": ["view"], **options})
        made.extend(as_principal(h, name, revision) for name in NAMES)
        return made[-2:]

    yield start
    for c in made:
        c.close()


def scope(c, method, **params):
    """What the answer says of caching; no revision with sessions has that."""
    result = c.request(method, params)
    return result.get("cacheScope", "private")


def refusal(c, method, **params):
    with pytest.raises(RpcError) as caught:
        c.request(method, params)
    return caught.value.message


# ---------------------------------------------------------------- principals

@ERAS
def test_a_plugins_predicate_decides_for_each_principal(both, revision):
    alice, bob = both(revision)
    for c in (alice, bob):
        assert "secret" not in c.names()
    assert alice.text("trust", principal="alice") == "alice"
    assert "secret" in alice.names() and "secret" not in bob.names()
    assert "secret_prompt" in alice.names("prompts") and "secret_prompt" not in bob.names("prompts")
    uris = {r["uri"] for r in alice.list("resources")}
    assert uris - {r["uri"] for r in bob.list("resources")} == {"view://secret"}
    assert alice.text("secret") == "the cake is a lie"
    # To bob it does not exist, and nothing hints at it.
    missing = refusal(bob, "tools/call", name="nothing", arguments={})
    assert refusal(bob, "tools/call", name="secret", arguments={}) == \
        missing.replace("nothing", "secret")
    assert "secret" not in refusal(bob, "tools/call", name="secre", arguments={}).replace("secre", "")
    assert "did you mean secret?" in refusal(alice, "tools/call", name="secre", arguments={})
    assert refusal(bob, "resources/read", uri="view://secret") == "Resource not found: view://secret"
    assert refusal(bob, "prompts/get", name="secret_prompt") == "Unknown prompt: secret_prompt"
    assert bob.text("trust", principal="bob") == "bob"
    assert "secret" in bob.names() and "secret" not in alice.names()


@ERAS
def test_rules_of_the_operator_name_principals(both, revision):
    alice, bob = both(revision, plugins=["view", "kit"], config={"transforms": [
        {"use": "disable", "names": ["echo"], "kinds": ["tool"]},
        {"use": "enable", "names": ["echo"], "kinds": ["tool"], "principals": ["alice"]}]})
    assert "echo" in alice.names() and "echo" not in bob.names()
    assert alice.call("echo", text="hello")
    assert refusal(bob, "tools/call", name="echo", arguments={"text": "hello"}) == \
        "Unknown tool: echo"


def test_lists_that_differ_are_private_on_every_page(both):
    alice, bob = both(NEW, config={"server": {"page_size": 3}})
    for c in (alice, bob):
        for kind in ("tools", "resources", "prompts"):
            cursor, pages = None, 0
            while True:
                result = c.request(f"{kind}/list", {"cursor": cursor} if cursor else {})
                assert result["cacheScope"] == "private"
                pages += 1
                cursor = result.get("nextCursor")
                if not cursor:
                    break
            assert pages >= (2 if kind == "tools" else 1)
        assert scope(c, "resources/read", uri="view://open") == "private"


def test_where_all_see_the_same_it_may_be_shared(host):
    h = host(http=True, plugins=["kit"])
    c = connect(h, NEW, "http")
    assert scope(c, "tools/list") == "public"
    c.close()
    h = host(http=True, plugins=["view"])
    c = connect(h, NEW, "http")
    assert scope(c, "tools/list") == "private", "others may see another list"
    c.close()


@ERAS
def test_a_tool_of_ones_own(both, revision):
    alice, bob = both(revision)
    for c, name in ((alice, "alice"), (bob, "bob")):
        assert c.text("mine", name="my_note") == "my_note"
    for c, name in ((alice, "alice"), (bob, "bob")):
        tools = {tool["name"]: tool for tool in c.list("tools")}
        assert list(tools["my_note"]["inputSchema"]["properties"]) == ["text"]
        assert c.text("my_note", text="hello") == f"{name}: hello"
    alice.text("mine", name="only_alice")
    assert "only_alice" in alice.names() and "only_alice" not in bob.names()
    assert refusal(bob, "tools/call", name="only_alice", arguments={"text": "x"}).startswith(
        "Unknown tool: only_alice")
    assert alice.call("only_alice", text="x", who="bob")["isError"], "hidden is hidden"


# ---------------------------------------------------------------- sessions

@pytest.mark.parametrize("transport", ["stdio", "http", "websocket", "sse"])
def test_rules_of_a_session_are_for_it_alone(client, transport):
    c = client(OLD, transport, plugins=["view"])
    assert "note" in c.names()
    assert c.text("rule", rule="hide") == "hide"
    assert "note" not in c.names()
    assert refusal(c, "tools/call", name="note", arguments={}) == "Unknown tool: note"
    if transport == "http":
        other = connect(c.host, OLD, "http")
        assert "note" in other.names()
        assert other.text("note", text="x", who="y") == "y: x"
        other.close()
    c.text("rule", rule="hide", name="sum")
    assert not {"note", "sum"} & set(c.names())
    c.text("rule", rule="show", name="secret")
    assert c.text("secret") == "the cake is a lie", "the rules of a session come last"
    c.text("rule", rule="none")
    assert {"note", "sum"} <= set(c.names()) and "secret" not in c.names()


def test_there_are_no_rules_of_a_session_without_one(client):
    c = client(NEW, "http", plugins=["view"])
    result = c.call("rule", rule="hide")
    assert result["isError"] and "note" in c.names()


# ---------------------------------------------------------------- versions

def meta(revision, version, style="gantry"):
    return {"gantry/version": version} if style == "gantry" else {"fastmcp": {"version": version}}


@ERAS
def test_the_newest_version_is_served_and_others_when_asked_for(client, revision):
    c = client(revision, "http", plugins=["view"])
    listed = [tool for tool in c.list("tools") if tool["name"] == "sum"]
    assert len(listed) == 1
    assert listed[0]["_meta"]["gantry/version"] == "10.0"
    assert listed[0]["_meta"]["gantry/versions"] == ["10.0", "9.0", "1.0"]
    assert c.text("sum") == "10.0"
    for style in ("gantry", "fastmcp"):
        for version in ("1.0", "9.0", "10.0"):
            result = c.request("tools/call", {"name": "sum", "arguments": {},
                                              "_meta": meta(revision, version, style)})
            assert result["content"][0]["text"] == version
        message = refusal(c, "tools/call", name="sum", arguments={},
                          _meta=meta(revision, "2.0", style))
        assert "Unknown version 2.0 of tool sum" in message and "10.0, 9.0, 1.0" in message
    assert "must be a string" in refusal(c, "tools/call", name="sum", arguments={},
                                         _meta={"gantry/version": 1})


@pytest.mark.clients
@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_fastmcp_client_asks_for_versions(host, mode):
    import fastmcp
    from fastmcp.exceptions import McpError

    url = host(http=True, plugins=["view"]).url

    async def use():
        async with fastmcp.Client(url, mode=mode, timeout=PATIENCE) as client:
            tool, = [tool for tool in await client.list_tools() if tool.name == "sum"]
            assert tool.meta["gantry/versions"] == ["10.0", "9.0", "1.0"]
            assert (await client.call_tool("sum")).content[0].text == "10.0"
            assert (await client.call_tool("sum", version="1.0")).content[0].text == "1.0"
            with pytest.raises(McpError, match="Unknown version 3 of tool sum"):
                await client.call_tool("sum", version="3")

    asyncio.run(use())
