"""The official clients list and call everything, over stdio and over HTTP, in both eras."""

import asyncio
import json
import os
import shutil
import subprocess

import pytest

from harness.paths import GANTRY, NODE, PATIENCE, ROOT, TOOLS, WRAP

pytestmark = pytest.mark.clients
NODE_PROGRAM = TOOLS / "venv" / "bin" / "node"

# For every tool of the kit plugin: arguments, and what its first text must be (None: not looked at).
# Some clients lose progress that comes in one piece with the result, so counting takes a while.
CALLS = {
    "accident": ({}, None), "add": ({"name": "fresh"}, "added"),
    "big": ({"bytes": 10}, "xxxxxxxxxx"), "block": ({"ms": 1}, "blocked 1"),
    "content": ({}, "first"), "count": ({"steps": 3, "ms": 100}, "counted to 3"),
    "echo": ({"text": "hällo"}, "hällo"), "fail": ({"text": "on purpose"}, "on purpose"),
    "forward": ({"name": "echo", "arguments": {"text": "x"}}, None),
    "log": ({"text": "a line"}, "logged"),
    "region": ({"region": "us-west1", "query": "q"}, None),
    "say": ({"text": "printed"}, "printed 1"), "sleep": ({"ms": 1}, "slept 1"),
    "status": ({}, None), "structured": ({}, None),
    "types": ({"text": "a", "whole": 1}, None), "who": ({}, None), "work": ({"ms": 1}, "worked 1"),
    "remove": ({"name": "fresh"}, "removed"),
}
FAILING = {"accident", "fail"}
NOT_CALLED = {"stubborn"}  # takes a minute
READS = {"kit://text": "hello world", "kit://item/7": "item 7 of kit://item/7",
         "kit://tree/a/b?q=x": "path=a/b q=x limit=-1", "kit://blob": None}


@pytest.fixture
def target(host):
    """target(transport): a URL, or a command with its arguments, that serves the kit plugin."""
    def make(transport):
        if transport == "http":
            return {"url": host(http=True).url}
        # The client starts this one itself; the drop folder is that of a host that stands by.
        other = host(http=True)
        command = [*WRAP, str(GANTRY), "serve", "--stdio", "--plugins", str(other.drop),
                   "--log-level", "warning"]
        return {"command": command[0], "args": command[1:]}
    return make


def node(script, *args):
    """Runs a script of tests/e2e/node where its packages are; returns its standard output."""
    if not (NODE / "node_modules").is_dir():
        pytest.fail("the clients are not installed: tools/setup --test")
    shutil.copy(ROOT / "tests" / "e2e" / "node" / script, NODE / script)
    return run([str(NODE_PROGRAM), str(NODE / script), *args])


def run(command, ok=(0,)):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 2,
                          stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode in ok, f"{command}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def check_seen(names, results):
    assert set(names) == set(CALLS) | NOT_CALLED | {"stubborn"}
    for (name, (_, text)), result in zip(CALLS.items(), results, strict=True):
        assert "thrown" not in result, (name, result)
        assert bool(result.get("isError")) == (name in FAILING), (name, result)
        if text is not None:
            assert result["content"][0]["text"] == text, (name, result)


# ---------------------------------------------------------------- the TypeScript client

@pytest.mark.parametrize("line, era, revision", [
    (1, "legacy", "2025-11-25"), (2, "legacy", "2025-11-25"), (2, "modern", "2026-07-28"),
    (2, "auto", "2026-07-28")])
def test_the_typescript_client(target, transport, line, era, revision):
    plan = {"line": line, "era": era, **target(transport),
            "calls": [[name, arguments] for name, (arguments, _) in CALLS.items()],
            "reads": [*READS, "kit://nowhere"],
            "prompts": [["ask", {"name": "bees"}], ["dialogue", {}], ["nothing", {}]],
            "completions": [{"ref": {"type": "ref/prompt", "name": "ask"},
                             "argument": {"name": "name", "value": "ap"}}]}
    seen = json.loads(node("drive.mjs", json.dumps(plan)).splitlines()[-1])
    assert seen["server"]["name"] and seen["capabilities"]["tools"]["listChanged"] is True
    if seen["revision"]:
        assert seen["revision"] == revision
    check_seen([t["name"] for t in seen["tools"]], seen["calls"])
    assert {r["uri"] for r in seen["resources"]} == {"kit://text", "kit://blob", "kit://gone"}
    assert len(seen["templates"]) == 2 and {p["name"] for p in seen["prompts"]} == {"ask", "dialogue"}
    for (uri, text), read in zip(READS.items(), seen["reads"]):
        assert read["contents"][0]["uri"] == uri
        assert text is None or read["contents"][0]["text"] == text
    # Line 2 makes -32002 of a handshake-era server the -32602 of today.
    assert seen["reads"][-1]["thrown"]["code"] == (-32002 if line == 1 else -32602)
    assert seen["gets"][0]["messages"][0]["content"]["text"] == "Tell me about bees"
    assert len(seen["gets"][1]["messages"]) == 3
    assert seen["gets"][2]["thrown"]["code"] == -32602
    assert seen["completed"][0]["completion"]["values"] == ["apple", "apricot"]
    assert [p["progress"] for p in seen["progress"]] == sorted(p["progress"] for p in seen["progress"])
    assert seen["progress"], "no progress came"


def test_the_typescript_package_for_tasks(host):
    one = host(plugins={"tasks": "tasks1"}, http=True, config={"tasks": {"poll_interval": "20ms"}})
    plan = {"url": one.url, "answers": {"Who are you?": {"name": "Ada"}, "And who else?": {"name": "Bob"},
                                        "Are you sure?": {}},
            "calls": [["plain", {}], ["slow", {"ms": 50}], ["greets", {}], ["deferred", {}],
                      ["refuses", {}], ["fails", {}]]}
    seen = json.loads(node("tasks.mjs", json.dumps(plan)).splitlines()[-1])
    plain, slow, greets, deferred, refuses, fails = seen["calls"]
    assert [c["kind"] for c in seen["calls"]] == ["immediate"] + ["task"] * 5
    assert [c["status"] for c in seen["calls"]] == ["completed"] * 4 + ["failed", "completed"]
    for call, text in ((plain, "done"), (slow, "done"), (greets, "Ada and Bob"),
                       (deferred, "Ada is sure"), (fails, "no such luck")):
        assert call["result"]["content"][0]["text"] == text, call
    assert "working" in slow["statuses"] and fails["result"]["isError"]
    assert refuses["error"] == {"code": -32050, "message": "the quota is used up"}
    assert seen["asked"] == ["Who are you?", "And who else?", "Who are you?", "Are you sure?"]
    assert seen["cancelled"] == "cancelled"
    assert {"tasks/get", "tasks/update", "tasks/cancel"} <= set(seen["methods"])


# ---------------------------------------------------------------- the Inspector

INSPECTOR = NODE / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"


def inspect(where, era, method, *args, ok=(0,)):
    told = ["--server-url", where["url"], "--transport", "http"] if "url" in where else []
    command = [str(NODE_PROGRAM), str(INSPECTOR), "--cli", "--format", "json", "--quiet",
               "--protocol-era", era, "--method", method, *args, *told]
    if "url" not in where:
        command += ["--", where["command"], *where["args"]]
    out = run(command, ok)
    found = json.loads(out)
    return found.get("result", found)


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector(target, transport, era, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # where it would keep things
    where = target(transport)
    names = [t["name"] for t in inspect(where, era, "tools/list")["tools"]]
    assert set(names) == set(CALLS) | NOT_CALLED
    # Each run is a process of its own, so a few calls stand for all.
    for name in ("echo", "types", "content", "structured", "count"):
        arguments, text = CALLS[name]
        result = inspect(where, era, "tools/call", "--tool-name", name,
                         "--tool-args-json", json.dumps(arguments))
        assert not result.get("isError")
        if text:
            assert result["content"][0]["text"] == text
    assert {r["uri"] for r in inspect(where, era, "resources/list")["resources"]} >= {"kit://text"}
    assert len(inspect(where, era, "resources/templates/list")["resourceTemplates"]) == 2
    read = inspect(where, era, "resources/read", "--uri", "kit://text")
    assert read["contents"][0]["text"] == "hello world"
    assert len(inspect(where, era, "prompts/list")["prompts"]) == 2
    got = inspect(where, era, "prompts/get", "--prompt-name", "ask", "--prompt-args", "name=bees")
    assert got["messages"][0]["content"]["text"] == "Tell me about bees"


def test_the_inspector_finds_the_schemas_portable(target, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    inspect(target("http"), "modern", "tools/list", "--strict")


# ---------------------------------------------------------------- the Python clients

async def converse(client):
    """The same conversation through any Python client with these methods."""
    tools = await client.list_tools()
    names = [t.name for t in getattr(tools, "tools", tools)]
    assert set(names) == set(CALLS) | NOT_CALLED
    resources = await client.list_resources()
    assert {str(r.uri) for r in getattr(resources, "resources", resources)} >= {"kit://text"}
    prompts = await client.list_prompts()
    assert {p.name for p in getattr(prompts, "prompts", prompts)} == {"ask", "dialogue"}
    for name, (arguments, text) in CALLS.items():
        if name in FAILING:
            continue
        result = await client.call_tool(name, arguments)
        assert not result.is_error, (name, result)
        if text is not None:
            assert result.content[0].text == text, (name, result)
    read = await client.read_resource("kit://text")
    contents = getattr(read, "contents", read)
    assert contents[0].text == "hello world"
    got = await client.get_prompt("ask", {"name": "bees"})
    assert got.messages[0].content.text == "Tell me about bees"


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_the_python_client(target, transport, mode):
    from mcp import Client, StdioServerParameters
    where = target(transport)
    server = where.get("url") or StdioServerParameters(**where)

    async def talk():
        async with Client(server, mode=mode, read_timeout_seconds=PATIENCE) as client:
            await converse(client)
            result = await client.call_tool("fail", {"text": "on purpose"})
            assert result.is_error and result.content[0].text == "on purpose"
    asyncio.run(talk())


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_fastmcp_client(target, transport, mode):
    import fastmcp
    from fastmcp.client.transports import StdioTransport
    from fastmcp.exceptions import ToolError
    where = target(transport)
    server = where.get("url") or StdioTransport(where["command"], where["args"])

    async def talk():
        async with fastmcp.Client(server, mode=mode, timeout=PATIENCE) as client:
            await converse(client)
            with pytest.raises(ToolError, match="on purpose"):
                await client.call_tool("fail", {"text": "on purpose"})
    asyncio.run(talk())
