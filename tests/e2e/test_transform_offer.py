"""Tools that the host makes itself: prompts and resources as tools, and a search in place of all
tools, for clients of every revision."""

import hashlib
import json
import signal
import threading

import pytest

from harness.asking import Talker, accept
from harness.client import RpcError, connect
from harness.host import eventually
from harness.metrics import scrape

NEW, OLD = "2026-07-28", "2025-11-25"
ERAS = pytest.mark.parametrize("revision", [OLD, NEW])
ALL = ["prompts_as_tools", "resources_as_tools"]


@pytest.fixture
def start(client):
    """A host with these transforms: start([...], revision, transport)."""
    def started(transforms, revision=NEW, transport="http", **options):
        config = {"transforms": transforms, **options.pop("config", {})}
        return client(revision, transport, config=config, **options)
    return started


def failure(result):
    assert result.get("isError") is True, result
    assert [block["type"] for block in result["content"]] == ["text"], result
    return result["content"][0]["text"]


# ---------------------------------------------------------------- prompts

def test_prompts_are_listed_and_filled_in_by_tools(start, revision, transport):
    c = start(ALL, revision, transport)
    tools = {tool["name"]: tool for tool in c.list("tools")}
    assert {"list_prompts", "get_prompt", "list_resources", "read_resource"} <= set(tools)
    assert tools["get_prompt"]["inputSchema"]["required"] == ["name"]
    if revision >= "2025-03-26":
        assert tools["get_prompt"]["annotations"]["readOnlyHint"] is True
    listed = c.structured("list_prompts")
    assert [p["name"] for p in listed["prompts"]] == sorted(c.names("prompts"))
    # As the latest revision shows it, whatever the client's own.
    ask = next(p for p in listed["prompts"] if p["name"] == "ask")
    assert ask["title"] == "Ask" and ask["arguments"]
    direct = c.request("prompts/get", {"name": "ask", "arguments": {"name": "rain", "times": "2"}})
    given = c.structured("get_prompt", name="ask", arguments={"name": "rain", "times": 2})
    assert given["messages"] == direct["messages"] and len(given["messages"]) == 2


@ERAS
def test_a_picture_in_a_prompt_is_a_picture_in_the_result(start, revision):
    c = start(ALL, revision)
    direct = c.request("prompts/get", {"name": "dialogue"})
    result = c.call("get_prompt", name="dialogue")
    assert result["structuredContent"]["messages"] == direct["messages"]
    images = [m["content"] for m in direct["messages"] if m["content"]["type"] == "image"]
    assert images and result["content"][1:] == images
    told = json.loads(result["content"][0]["text"])["messages"]
    assert [m["role"] for m in told] == [m["role"] for m in direct["messages"]]
    assert all(m["content"].get("data", "") == "" for m in told)


@ERAS
def test_a_prompt_that_is_not_there_is_told_with_the_nearest(start, revision):
    c = start(ALL, revision)
    assert failure(c.call("get_prompt", name="dialog")) == \
        "there is no prompt dialog (did you mean dialogue?)"
    assert failure(c.call("get_prompt", name="ask", arguments={"topics": "x"})).startswith(
        "arguments of prompt ask: ")


# ---------------------------------------------------------------- resources

def test_resources_are_listed_and_read_by_tools(start, revision, transport):
    c = start(ALL, revision, transport)
    listed = c.structured("list_resources")
    assert [r["uri"] for r in listed["resources"]] == ["kit://blob", "kit://gone", "kit://text"]
    assert {t["uriTemplate"] for t in listed["resourceTemplates"]} == {
        "kit://item/{id}", "kit://tree/{path*}{?q,limit}"}
    for uri in ("kit://text", "kit://item/7", "kit://tree/a/b?q=x"):
        direct = c.request("resources/read", {"uri": uri})["contents"]
        assert c.text("read_resource", uri=uri) == direct[0]["text"]
    direct = c.request("resources/read", {"uri": "kit://blob"})["contents"]
    assert c.call("read_resource", uri="kit://blob")["content"] == [
        {"type": "resource", "resource": direct[0]}]
    assert failure(c.call("read_resource", uri="kit://gone")) == "there is no resource kit://gone"
    assert failure(c.call("read_resource", uri="kit://texd")) == \
        "there is no resource kit://texd (did you mean kit://text?)"


@ERAS
def test_only_what_is_named_is_offered(start, revision):
    c = start([{"use": "resources_as_tools", "names": ["kit://t*", "kit://item*"]}], revision)
    listed = c.structured("list_resources")
    assert [r["uri"] for r in listed["resources"]] == ["kit://text"]
    assert c.text("read_resource", uri="kit://item/1")
    assert failure(c.call("read_resource", uri="kit://blob")) == "there is no resource kit://blob"


@ERAS
def test_what_is_offered_is_what_the_client_sees_in_the_end(start, revision):
    c = start(["resources_as_tools", "prompts_as_tools",
               {"use": "disable", "names": ["kit://text", "ask"]},
               {"use": "namespace", "prefix": "acme"}], revision)
    listed = c.structured("acme_list_resources")
    assert [r["uri"] for r in listed["resources"]] == ["kit://acme/blob", "kit://acme/gone"]
    assert c.text("acme_read_resource", uri="kit://acme/item/7")
    assert failure(c.call("acme_read_resource", uri="kit://acme/text")).startswith("there is no")
    assert [p["name"] for p in c.structured("acme_list_prompts")["prompts"]] == ["acme_dialogue"]


def test_each_principal_is_offered_what_it_sees(host):
    tokens = [{"principal": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
              for name in ("alice", "bob")]
    served = host(http=True, config={"auth": {"tokens": tokens}, "transforms": [
        "prompts_as_tools", "search", {"use": "disable", "names": ["ask", "echo"]},
        {"use": "enable", "names": ["ask", "echo"], "principals": ["alice"]}]})
    c, bob = (connect(served, NEW, "http", headers={"Authorization": f"Bearer {name}"})
              for name in ("alice", "bob"))
    seen = [[p["name"] for p in one.structured("call_tool", name="list_prompts")["prompts"]]
            for one in (c, bob)]
    assert seen == [["ask", "dialogue"], ["dialogue"]]
    found = [[t["name"] for t in one.structured("search_tools", query="echo")["tools"]]
             for one in (c, bob)]
    assert "echo" in found[0] and "echo" not in found[1]
    assert c.text("call_tool", name="echo", arguments={"text": "hi"}) == "hi"
    assert failure(bob.call("call_tool", name="echo", arguments={"text": "hi"})).startswith(
        "there is no tool echo")
    c.close()
    bob.close()


# ---------------------------------------------------------------- search

def test_a_search_stands_for_all_tools(start, revision, transport):
    c = start([{"use": "search", "always": ["echo", "st*"]}], revision, transport)
    assert sorted(c.names()) == ["call_tool", "echo", "search_tools", "status", "structured",
                                 "stubborn"]
    found = c.structured("search_tools", query="report each step")["tools"]
    assert found[0]["name"] == "count" and "steps" in found[0]["inputSchema"]["properties"]
    assert len(found) <= 5
    result = c.call("search_tools", query="report each step", limit=1)
    assert json.loads(result["content"][0]["text"])["tools"] == found[:1]
    # Not listed, but there: by its own name and through call_tool.
    assert c.text("count", steps=2) == c.text("call_tool", name="count", arguments={"steps": 2})


def test_definitions_are_those_of_the_list(host):
    plain = host(http=True)
    searched = host(http=True, config={"transforms": ["search"]})
    a, b = connect(plain, NEW, "http"), connect(searched, NEW, "http")
    listed = {t["name"]: t for t in a.list("tools")}
    for name in ("types", "region", "structured", "echo"):
        found = b.structured("search_tools", query=name)["tools"]
        assert [t for t in found if t["name"] == name] == [listed[name]]
    a.close()
    b.close()


@ERAS
def test_results_and_failures_are_passed_on_whole(start, revision, transport):
    c = start(["search"], revision, transport)
    for name, arguments in (("content", {}), ("structured", {}), ("fail", {"text": "no"}),
                            ("big", {"bytes": 300000})):
        direct = c.call(name, **arguments)
        assert c.call("call_tool", name=name, arguments=arguments) == direct, name
    assert failure(c.call("call_tool", name="accident")).startswith("internal error (corr")
    assert "text" in failure(c.call("call_tool", name="echo", arguments={}))
    assert failure(c.call("call_tool", name="ecko")) == "there is no tool ecko (did you mean echo?)"
    assert "its own name" in failure(c.call("call_tool", name="call_tool", arguments={
        "name": "echo", "arguments": {"text": "x"}}))
    assert failure(c.call("call_tool", nam="echo"))


@ERAS
def test_a_query_that_finds_nothing_says_so(start, revision):
    c = start(["search"], revision)
    for query, words in (("", "no words"), ("?!", "no words"), ("zzyzx", "No tool matches")):
        result = c.call("search_tools", query=query)
        assert not result.get("isError")
        assert result["structuredContent"] == {"tools": []}
        assert words in result["content"][0]["text"]


@ERAS
def test_progress_and_cancelling_go_through(start, revision):
    c = start(["search"], revision)
    pending = c.start("tools/call", {"name": "call_tool", "_meta": {"progressToken": "p"},
                                     "arguments": {"name": "count", "arguments": {"steps": 3}}})
    assert not pending.result().get("isError")
    assert [n["params"]["progress"] for n in pending.notifications
            if n["method"] == "notifications/progress"] == [1, 2, 3]
    pending = c.start_call("call_tool", name="stubborn")
    eventually(lambda: c.structured("status")["in_flight"] == 1, "it to wait")
    c.cancel(pending)
    eventually(lambda: c.structured("status")["shielded"] == 1, "it to clean up")


@ERAS
@pytest.mark.parametrize("name", ["confirm", "guarded"])
def test_questions_go_through(host, revision, name):
    served = host(plugins=["e2e_ask"], http=True, config={"transforms": ["search"]})
    c = connect(served, revision, "http", capabilities={"elicitation": {}})
    talk = Talker(c, {"elicitation/create": accept()})
    assert talk.text("call_tool", name=name) == "confirmed"
    assert [asked["params"]["message"] for asked in talk.asked][-1:] == ["Sure?"]
    c.close()


def test_what_can_be_run_again_is_run_again_through_call_tool(host):
    served = host(plugins=["e2e_ask"], http=True, config={"transforms": ["search"]})
    c = connect(served, NEW, "http", capabilities={"elicitation": {}})
    talk = Talker(c, {"elicitation/create": accept()})
    assert talk.text("call_tool", name="blocking_replay") == "confirmed"
    assert talk.text("call_tool", name="held_replay") == "confirmed"
    direct = talk.call("blocking")
    assert "GANTRY_REPLAY" in failure(direct)
    assert talk.call("call_tool", name="blocking") == direct
    c.close()


def test_what_cannot_be_run_again_is_not_run_again_through_call_tool(host):
    served = host(plugins=["e2e_ask"], http=True, config={
        "transforms": ["search"], "ask": {"max_parked_age": "1s"}, "metrics": {"enabled": True}})
    c = connect(served, NEW, "http", capabilities={"elicitation": {}})
    params = {"name": "call_tool", "arguments": {"name": "confirm"}}
    asked = c.request("tools/call", params)
    assert asked["resultType"] == "input_required", asked
    eventually(lambda: scrape(served).value("gantry_calls_parked") == 0, "the parked call to end")
    key, = asked["inputRequests"]
    with pytest.raises(RpcError) as e:
        c.request("tools/call", {**params, "requestState": asked["requestState"],
                                 "inputResponses": {key: accept()(asked["inputRequests"][key])}})
    assert e.value.data["reason"] == "gone"
    c.close()


@ERAS
def test_a_deadline_of_its_own_counts(start, revision):
    c = start(["search"], revision, config={"server": {"call_timeout": "200ms"}})
    assert c.text("call_tool", name="sleep", arguments={"ms": 600})
    assert "in time" in failure(c.call("call_tool", name="work", arguments={"ms": 60000}))


def test_what_is_called_is_seen_by_middlewares_and_metrics(start):
    c = start(["search"], NEW, config={"middleware": ["logging"]})
    assert c.text("call_tool", name="echo", arguments={"text": "hi"}) == "hi"
    eventually(lambda: "tools/call echo" in c.host.log(), "the line of the inner call")
    assert "tools/call call_tool" in c.host.log()


def test_tools_that_are_tasks_make_the_call_one(start):
    tasks = "io.modelcontextprotocol/tasks"
    c = start(["search"], NEW, plugins={"tasks": "tasks1"})
    assert tasks in failure(c.call("call_tool", name="only", arguments={"ms": 1}))
    c.capabilities = {"extensions": {tasks: {}}}
    created = c.call("call_tool", name="only", arguments={"ms": 1})
    assert created["resultType"] == "task"
    ended = eventually(lambda: (t := c.request("tasks/get", {"taskId": created["taskId"]}))
                       ["status"] == "completed" and t, "the task to end")
    direct = c.call("only", ms=1)
    other = eventually(lambda: (t := c.request("tasks/get", {"taskId": direct["taskId"]}))
                       ["status"] == "completed" and t, "the task to end")
    assert ended["result"]["content"] == other["result"]["content"]


@ERAS
def test_names_that_are_taken_are_reported(start, revision):
    c = start([{"use": "rename", "names": {"echo": "list_prompts", "count": "call_tool"}},
               "prompts_as_tools", "search"], revision)
    names = c.names()
    assert c.text("list_prompts", text="mine") == "mine"
    assert "get_prompt" in names and "search_tools" not in names and "types" in names
    c.host.wait_log("cannot offer a tool list_prompts")
    c.host.wait_log("cannot offer a tool call_tool")


@ERAS
def test_the_search_follows_the_tools(start, revision):
    c = start(["search"], revision)
    assert c.structured("search_tools", query="brand new")["tools"] == []
    c.text("add", name="brand_new_tool")
    assert [t["name"] for t in c.structured("search_tools", query="brand new")["tools"]] == [
        "brand_new_tool"]
    c.call("remove", name="brand_new_tool")
    assert c.structured("search_tools", query="brand new")["tools"] == []


@ERAS
def test_a_change_of_what_is_not_listed_is_no_change_of_the_list(start, revision):
    c = start(["search"], revision)
    before = c.list("tools")
    c.text("add", name="brand_new_tool")
    assert c.list("tools") == before


@ERAS
@pytest.mark.parametrize("plugin", ["siege", "siege_exclusive"])
def test_no_call_is_lost_when_a_plugin_is_replaced(start, revision, plugin):
    """What is exclusive has stopped for a moment: calls wait, through call_tool, too."""
    c = start(["search"], revision, plugins={"siege": f"{plugin}1"})
    going, wrong, seen = True, [], set()

    def keep_calling():
        while going:
            result = c.call("call_tool", name="generation")
            if result.get("isError"):
                wrong.append(result)
            else:
                seen.add(result["content"][0]["text"])

    threads = [threading.Thread(target=keep_calling) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(4):
            build = 2 - turn % 2
            c.host.drop_plugin("siege", f"{plugin}{build}")
            c.host.wait_log(f"generation {turn + 2} .* serves")
            assert c.text("call_tool", name="generation") == str(build)
    finally:
        going = False
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:3]
    assert seen == {"1", "2"}


@ERAS
def test_it_comes_and_goes_with_the_configuration(start, revision):
    c = start(["search"], revision)
    assert sorted(c.names()) == ["call_tool", "search_tools"]
    c.host.write_config({"transforms": []})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: "echo" in c.names(), "all tools to be listed")
    assert "search_tools" not in c.names()
    with pytest.raises(RpcError):
        c.call("search_tools", query="echo")
    c.host.write_config({"transforms": [{"use": "search", "always": ["echo"]}]})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: sorted(c.names()) == ["call_tool", "echo", "search_tools"], "the search")


@ERAS
def test_hostile_calls_end_in_words(start, revision):
    c = start(["search", *ALL], revision)
    deep = json.loads("[" * 100 + "]" * 100)
    for name, arguments in (
            ("search_tools", {"query": "x" * 100000}), ("search_tools", {"query": "a\0b"}),
            ("search_tools", {"query": "x", "limit": -1}), ("search_tools", {"query": deep}),
            ("call_tool", {"name": "echo\0"}), ("call_tool", {"name": "\x1b[2J" + "e" * 900}),
            ("call_tool", {"name": "echo", "arguments": deep}),
            ("call_tool", {"name": "echo", "arguments": {"text": deep}}),
            ("get_prompt", {"name": "ask", "arguments": {"a\0b": 1}}),
            ("get_prompt", {"name": "../../etc/passwd"}),
            ("read_resource", {"uri": "file:///etc/passwd"}), ("read_resource", {"uri": "\0"}),
            ("read_resource", {"uri": "x" * 9000})):
        text = failure(c.call(name, **arguments))
        assert text and len(text) < 20000
    assert c.text("call_tool", name="echo", arguments={"text": "still here"}) == "still here"
