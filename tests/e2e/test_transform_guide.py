"""The guide's chapter on tool transformation: tools made from tools, by a plugin (guide/transform_made.c)
and by the operator's configuration, with four clients, each in its own era."""

import hashlib
import json

import pytest

from harness.client import connect
from harness.guide import MODES, example
from harness.host import eventually
from test_clients import node

TOKEN = {"TOKEN": "0123456789"}

# What the operator writes. A function around a tool is a plugin's; the rest is the same.
CONFIG = {"transforms": [
    {"use": "tools", "tools": {
        "original_search": {
            "name": "smart_search", "keep": True,
            "description": "Enhanced search with defaults and validation",
            "arguments": {
                "query": {"description": "Search query (automatically cleaned)", "hide": False},
                "limit": {"default": 20, "description": "Number of results (max 100)"}}},
        "complex_operation": {
            "name": "simple_op", "keep": True, "description": "Has one knob.",
            "arguments": {"auth_token": {"hide": True, "source": "env:TOKEN"},
                          "verbose": {"hide": True, "default": False}}}}}]}

# The conversation: tools, arguments, what the text of the result is.
SEARCHES = [
    ("smart_search", {"query": "mcp"}, {"query": "mcp", "limit": 20}),
    ("smart_search", {"query": " As It Is ", "limit": 200}, {"query": " As It Is ", "limit": 200}),
    ("original_search", {"query": "mcp"}, {"query": "mcp", "limit": 10}),
]
VALIDATED = [
    ("validated_search", {"query": "  GANTRY\n", "limit": 500}, {"query": "gantry", "limit": 100}),
    ("validated_search", {"query": "Rails"}, {"query": "rails", "limit": 10}),
]
SIMPLE = [
    ("simple_op", {"operation": "build"}, "build with a token of 10 characters"),
    ("complex_operation", {"operation": "build", "auth_token": "x"},
     "build with a token of 1 characters, and so on and so forth"),
]
# Those that fail, and a word of why.
REFUSED = [
    ("smart_search", {}, "query"),
    ("smart_search", {"query": "mcp", "limit": "many"}, "limit"),
    ("simple_op", {"operation": "build", "auth_token": "mine"}, "auth_token"),
    ("simple_op", {"operation": "build", "verbose": True}, "verbose"),
]
TOO_SHORT = [("validated_search", {"query": "  ab  "}, "Query too short (min 3 characters)")]

WAYS = {"plugin": {"plugins": ["guide_transform_originals", "guide_transform_made"], "config": None,
                   "calls": SEARCHES + VALIDATED + SIMPLE, "refused": REFUSED + TOO_SHORT},
        "config": {"plugins": ["guide_transform_originals"], "config": CONFIG,
                   "calls": SEARCHES + SIMPLE, "refused": REFUSED}}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.fixture
def served(example, way):
    return example(*way["plugins"], config=way["config"], env=TOKEN)


def check_list(tools, way):
    """tools: what a client lists, as dicts by name."""
    made = {"smart_search", "simple_op", *(name for name, _, _ in way["calls"])}
    assert set(tools) == made | {"original_search", "generic_operation", "complex_operation"}
    smart = tools["smart_search"]
    assert smart["description"] == "Enhanced search with defaults and validation"
    schema = smart["inputSchema"]
    assert list(schema["properties"]) == ["query", "limit"] and schema["required"] == ["query"]
    assert schema["properties"]["query"]["description"] == "Search query (automatically cleaned)"
    assert schema["properties"]["limit"]["default"] == 20
    assert schema["properties"]["limit"]["type"] == "integer"
    assert schema["properties"]["limit"]["description"] == "Number of results (max 100)"
    original = tools["original_search"]["inputSchema"]["properties"]
    assert original["limit"]["default"] == 10 and "max" not in original["limit"]["description"]
    simple = tools["simple_op"]["inputSchema"]
    assert list(simple["properties"]) == ["operation"] and simple["required"] == ["operation"]
    assert "auth_token" not in json.dumps(tools["simple_op"])
    assert "0123456789" not in json.dumps(tools)


def check_calls(way, said):
    """said: (is_error, text) of each call, then of those that are refused."""
    for (name, _, expected), (is_error, text) in zip(way["calls"], said, strict=False):
        assert not is_error, (name, text)
        assert text == expected if isinstance(expected, str) else json.loads(text) == expected, name
    for (name, _, word), (is_error, text) in zip(way["refused"], said[len(way["calls"]):],
                                                 strict=True):
        assert is_error and word in text, (name, text)
    assert not any("0123456789" in text for _, text in said)


# ---------------------------------------------------------------- FastMCP and the Python SDK

def as_dict(tool):
    return tool.model_dump(by_alias=True, exclude_none=True, mode="json")


@pytest.mark.clients
@pytest.mark.parametrize("mode", MODES)
def test_fastmcp(served, way, mode):
    async def script(client):
        tools = {t.name: as_dict(t) for t in await client.list_tools()}
        said = []
        for name, arguments, _ in way["calls"] + way["refused"]:
            result = await client.call_tool(name, arguments, raise_on_error=False)
            said.append((result.is_error, result.content[0].text))
        return tools, said

    tools, said = served.talk(mode, script)
    check_list(tools, way)
    check_calls(way, said)


@pytest.mark.clients
@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("mode", MODES)
def test_the_python_sdk(served, way, mode):
    async def script(client):
        tools = {t.name: as_dict(t) for t in (await client.list_tools()).tools}
        said = []
        for name, arguments, _ in way["calls"] + way["refused"]:
            result = await client.call_tool(name, arguments)
            said.append((bool(result.is_error), result.content[0].text))
        return tools, said

    tools, said = served.talk_officially(mode, script, log_level=None)
    check_list(tools, way)
    check_calls(way, said)


# ---------------------------------------------------------------- the TypeScript SDKs

@pytest.mark.clients
@pytest.mark.parametrize("line, era", [(1, "legacy"), (2, "legacy"), (2, "modern")])
def test_the_typescript_sdk(served, way, transport, line, era):
    target = served.target()
    where = {"url": target} if transport == "http" else \
        {"command": target.command, "args": target.args}
    calls = way["calls"] + way["refused"]
    got = json.loads(node("drive.mjs", json.dumps({
        "line": line, "era": era, **where,
        "calls": [[name, arguments] for name, arguments, _ in calls]})).splitlines()[-1])
    check_list({t["name"]: t for t in got["tools"]}, way)
    said = []
    for result in got["calls"]:
        assert "thrown" not in result, result
        said.append((bool(result.get("isError")), result["content"][0]["text"]))
    check_calls(way, said)


# ---------------------------------------------------------------- Context-Aware Tools

USERS = [{"id": "ann", "permissions": ["read", "write"]}, {"id": "bob", "permissions": ["read"]}]
TOKENS = [{"principal": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
          for name in ("ann", "bob", "eve")]


def users_config(users):
    return {"auth": {"tokens": TOKENS}, "loading": {"debounce": "10ms", "settle": "10ms"},
            "plugins": [{"plugin": "guide_transform_users", "settings": {"users": users}}],
            # Whoever has a tool of one's own needs no other.
            "transforms": [{"use": "disable", "names": ["generic_operation"]}]}


def connect_as(host, name, revision):
    return connect(host, revision, "http", headers={"Authorization": f"Bearer {name}"})


def test_each_user_has_a_tool_that_nobody_else_sees(host, revision):
    one = host(http=True, plugins=["guide_transform_originals", "guide_transform_users"],
               config=users_config(USERS))
    ann, bob, eve = (connect_as(one, name, revision) for name in ("ann", "bob", "eve"))
    common = {"original_search", "complex_operation"}
    assert set(ann.names()) == {*common, "user_ann_operation"}
    assert set(bob.names()) == {*common, "user_bob_operation"}
    assert set(eve.names()) == common
    schema = {t["name"]: t for t in ann.list("tools")}["user_ann_operation"]["inputSchema"]
    assert list(schema["properties"]) == ["action"] and schema["required"] == ["action"]
    if ann.stateless:
        assert ann.request("tools/list")["cacheScope"] == "private"

    assert ann.text("user_ann_operation", action="write") == "write: done for ann"
    assert bob.text("user_bob_operation", action="read") == "read: done for bob"
    refused = bob.call("user_bob_operation", action="write")
    assert refused["isError"] and refused["content"][0]["text"] == "bob may not write"
    for hidden in ("user_id", "permissions"):
        told = bob.call("user_bob_operation", action="read", **{hidden: "ann"})
        assert told["isError"] and hidden in told["content"][0]["text"]
    # To everybody else the tool does not exist: as one that nobody has made.
    messages = []
    for name in ("user_ann_operation", "user_zoe_operation"):
        error = eve.start_call(name, action="read")
        error.wait(lambda error=error: error.response, "an answer")
        messages.append(json.dumps(error.response["error"]).replace(name, "NAME"))
    assert messages[0] == messages[1]
    for c in (ann, bob, eve):
        c.close()


def test_a_new_user_is_told_of_the_tool_and_others_are_not(host):
    one = host(http=True, plugins=["guide_transform_originals", "guide_transform_users"],
               config=users_config(USERS[:1]))
    method = "notifications/tools/list_changed"
    ann, bob = (connect_as(one, name, "2025-11-25") for name in ("ann", "bob"))
    for c in (ann, bob):
        c.open_get_stream()
    assert "user_bob_operation" not in bob.names() and "user_ann_operation" in ann.names()
    one.write_config(users_config(USERS))
    one.signal(1)
    bob.notifications.wait(method, 1)
    eventually(lambda: "user_bob_operation" in bob.names(), "the tool of the new user")
    assert ann.text("user_ann_operation", action="read") == "read: done for ann"
    assert ann.notifications.count(method) == 0
    assert bob.notifications.count(method) == 1
    for c in (ann, bob):
        c.close()


def test_a_user_who_goes_takes_the_tool_along(host):
    one = host(http=True, plugins=["guide_transform_originals", "guide_transform_users"],
               config=users_config(USERS))
    bob = connect_as(one, "bob", "2025-11-25")
    bob.open_get_stream()
    assert bob.text("user_bob_operation", action="read") == "read: done for bob"
    one.write_config(users_config(USERS[:1]))
    one.signal(1)
    bob.notifications.wait("notifications/tools/list_changed", 1)
    eventually(lambda: "user_bob_operation" not in bob.names(), "the tool to go")
    bob.close()
