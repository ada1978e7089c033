"""What tools do goes through tools made from them: content, failures, progress, cancelling, log lines,
questions, tasks, mirrored headers. Each made in three ways: plain, as a chain, by a function around it."""

import re

import pytest

from harness.asking import Talker, accept, decline, say
from harness.client import RpcError, connect
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
ERAS = pytest.mark.parametrize("revision", [OLD, NEW])
WAYS = pytest.mark.parametrize("way", ["plain", "chain", "around", "plain of around"])
TASKS = "io.modelcontextprotocol/tasks"
QUIET = "io.modelcontextprotocol/logLevel"


@pytest.fixture
def make(host):
    """make(way, revision, {tool: {argument: its new name}}, plugins) connects; made_TOOL is there."""
    clients = []

    def start(way, revision, tools, plugins=("kit",), transport="http", capabilities=None, **config):
        changes = {tool: {arg: {"name": name} for arg, name in arguments.items()}
                   for tool, arguments in tools.items()}
        entries = [{"use": "tools", "tools": {tool: {"name": f"made_{tool}", "keep": True,
                                                     "arguments": change}
                                              for tool, change in changes.items()}}]
        if way == "chain":
            entries = [{"use": "tools", "tools": {
                tool: {"name": f"first_{tool}", "keep": True, "arguments": {
                    arg: {"name": f"x_{arg}"} for arg in change}} for tool, change in changes.items()}},
                {"use": "tools", "tools": {
                    f"first_{tool}": {"name": f"made_{tool}", "arguments": {
                        f"x_{arg}": one for arg, one in change.items()}}
                    for tool, change in changes.items()}}]
        if way == "plain of around":
            entries = [{"use": "tools", "tools": {
                f"inner_{tool}": {"name": f"made_{tool}", "arguments": change}
                for tool, change in changes.items()}}]
        one = host(plugins=[*plugins, "transform"], http=transport == "http", stdio=transport == "stdio",
                   config={**config, "transforms": [] if way == "around" else entries})
        client = connect(one, revision, transport, capabilities=capabilities)
        clients.append(client)
        for tool, change in changes.items() if "around" in way else ():
            inner = way == "plain of around"
            assert client.text("make", spec={
                "name": f"inner_{tool}" if inner else f"made_{tool}", "parent": tool, "around": "pass",
                "arguments": {} if inner else change}) == "0"
        return client

    yield start
    for client in clients:
        client.close()


def said(result):
    """Without the number that goes with an accident."""
    return re.sub("correlation id [0-9a-f]+", "correlation id X", str(result))


@ERAS
@WAYS
def test_results_and_failures_are_the_parents(make, revision, way):
    c = make(way, revision, {"content": {}, "structured": {}, "fail": {"text": "words"}, "accident": {},
                             "big": {"bytes": "size"}, "block": {"ms": "pause"}, "work": {"ms": "pause"}})
    for name, arguments, renamed in (
            ("content", {}, {}), ("structured", {}, {}), ("fail", {"text": "no"}, {"words": "no"}),
            ("accident", {}, {}), ("big", {"bytes": 300000}, {"size": 300000}),
            ("block", {"ms": 1}, {"pause": 1}), ("work", {"ms": 1}, {"pause": 1})):
        direct, made = c.call(name, **arguments), c.call(f"made_{name}", **renamed)
        assert said(made) == said(direct), name
    listed = {t["name"]: t for t in c.list("tools")}
    assert listed["made_structured"]["outputSchema"] == listed["structured"]["outputSchema"]


@ERAS
@WAYS
def test_every_type_of_argument_arrives(make, revision, way):
    arguments = {"text": "x", "whole": 7, "real": 1.5, "yes": False, "maybe_whole": 1, "words": ["a"],
                 "wholes": [1, 2], "at": {"x": 1, "y": 2, "label": "l"}, "points": [{"x": 1, "y": 2}],
                 "any": {"a": [None, 1e3]}, "colour": "green", "level": 2}
    names = {name: f"n_{name}" for name in arguments}
    c = make(way, revision, {"types": names})
    direct = c.structured("types", **arguments)
    assert c.structured("made_types", **{names[k]: v for k, v in arguments.items()}) == direct
    wrong = c.call("made_types", **{names[k]: v for k, v in arguments.items() if k != "at"},
                   n_at={"x": "a", "y": 2})
    assert wrong["isError"] and "n_at/x" in wrong["content"][0]["text"], wrong


@ERAS
@WAYS
def test_progress_and_cancelling_go_through(make, revision, way):
    c = make(way, revision, {"count": {"steps": "n"}, "stubborn": {}})
    pending = c.start("tools/call", {"name": "made_count", "_meta": {"progressToken": "p"},
                                     "arguments": {"n": 3}})
    assert not pending.result().get("isError")
    assert [n["params"]["progress"] for n in pending.notifications
            if n["method"] == "notifications/progress"] == [1, 2, 3]
    pending = c.start_call("made_stubborn")
    eventually(lambda: c.structured("status")["in_flight"] == 1, "it to wait")
    c.cancel(pending)
    eventually(lambda: c.structured("status")["shielded"] == 1, "it to clean up")


@WAYS
def test_a_deadline_is_the_parents(make, way):
    c = make(way, NEW, {"sleep": {"ms": "pause"}}, server={"call_timeout": "3s"})
    # The parent says ten minutes of itself; what is around it has no limit of its own.
    assert not c.call("made_sleep", pause=3500).get("isError")


@WAYS
def test_log_lines_go_to_the_client_that_called(make, way):
    c = make(way, NEW, {"log": {"text": "line"}})
    pending = c.start("tools/call", {"name": "made_log", "arguments": {"line": "hi"},
                                     "_meta": {QUIET: "warning"}})
    pending.result()
    lines = [n["params"] for n in pending.notifications if n["method"] == "notifications/message"]
    assert [line["level"] for line in lines] == ["warning", "error", "critical", "alert", "emergency"]


# ---------------------------------------------------------------- questions

@ERAS
@WAYS
@pytest.mark.parametrize("name", ["confirm", "guarded", "blocking_replay", "held_replay"])
def test_questions_go_through(make, revision, way, name):
    """Also those that middlewares ask, and those of handlers that must be run again to go on."""
    c = make(way, revision, {name: {"message": "question"}}, plugins=["ask"],
             capabilities={"elicitation": {}})
    talk = Talker(c, {"elicitation/create": accept()})
    direct = Talker(c, {"elicitation/create": accept()})
    expected, found = direct.call(name, message="Really?"), \
        talk.call(f"made_{name}", question="Really?")
    if "around" in way and name.endswith("_replay") and revision == NEW:
        # A function around runs again only if it says that it may.
        assert found == expected or found["isError"], found
        return
    assert found == expected and found["content"][0]["text"] == "confirmed"
    assert [a["params"]["message"] for a in talk.asked] == [a["params"]["message"] for a in direct.asked]
    assert talk.asked[-1]["params"]["message"] == "Really?"


@ERAS
@WAYS
def test_a_question_that_is_declined_is_told_as_the_parent_tells_it(make, revision, way):
    c = make(way, revision, {"confirm": {"message": "question"}}, plugins=["ask"],
             capabilities={"elicitation": {}})
    made = Talker(c, {"elicitation/create": decline}).call("made_confirm", question="x")
    assert made == Talker(c, {"elicitation/create": decline}).call("confirm", message="x")
    assert made["isError"]


@ERAS
@WAYS
def test_what_a_client_cannot_do_is_told_in_the_same_words(make, revision, way):
    c = make(way, revision, {"sample": {}}, plugins=["ask"])
    errors = []
    for name in ("sample", "made_sample"):
        try:
            errors.append(said(c.call(name)).replace("made_sample", "sample"))
        except RpcError as e:
            errors.append((e.code, e.message.replace("made_sample", "sample"), e.data))
    assert errors[0] == errors[1]


@ERAS
@WAYS
def test_a_model_is_asked(make, revision, way):
    c = make(way, revision, {"sample": {}}, plugins=["ask"], capabilities={"sampling": {}})
    answers = {"sampling/createMessage": say("42")}
    made = Talker(c, answers).call("made_sample")
    assert made == Talker(c, answers).call("sample") and "42" in str(made)


# ---------------------------------------------------------------- tasks

def ended(c, created):
    return eventually(lambda: (t := c.request("tasks/get", {"taskId": created["taskId"]}))
                      ["status"] in ("completed", "failed") and t, "the task to end")


@pytest.mark.parametrize("way", ["plain", "chain"])
def test_tasks_are_tasks(make, way):
    c = make(way, NEW, {"only": {"ms": "pause"}, "fails": {}}, plugins=["tasks1"],
             capabilities={"extensions": {TASKS: {}}})
    for name, arguments, renamed in (("only", {"ms": 1}, {"pause": 1}), ("fails", {}, {})):
        made, direct = c.call(f"made_{name}", **renamed), c.call(name, **arguments)
        assert made["resultType"] == direct["resultType"] == "task"
        one, other = ended(c, made), ended(c, direct)
        assert one["status"] == other["status"] and one.get("result") == other.get("result")
    c.capabilities = {}
    with pytest.raises(RpcError) as e:
        c.call("made_only", pause=1)
    assert e.value.code == -32021 and TASKS in e.value.message


# ---------------------------------------------------------------- mirrored headers

@WAYS
@pytest.mark.parametrize("name", ["region", "where"])
def test_mirrored_arguments_keep_their_header_under_a_new_name(make, way, name):
    c = make(way, NEW, {"region": {"region": name} if name != "region" else {}})
    listed = {t["name"]: t for t in c.list("tools")}["made_region"]["inputSchema"]["properties"]
    assert listed[name]["x-mcp-header"] == "Region"
    params = {"name": "made_region", "arguments": {name: "us-west1"}}
    pending = c.start("tools/call", params, headers={"Mcp-Param-Region": "us-west1"})
    assert pending.result()["content"][0]["text"] == "us-west1 us-west1"
    for headers in ({"Mcp-Param-Region": "eu"}, {}):
        with pytest.raises(RpcError) as e:
            c.start("tools/call", params, headers=headers).result()
        assert (e.value.code, e.value.status) == (-32020, 400)


def test_a_hidden_argument_has_no_header(host):
    one = host(plugins=("kit",), http=True, config={"transforms": [{"use": "tools", "tools": {"region": {
        "name": "made_region", "arguments": {"region": {"hide": True, "default": "eu"}}}}}]})
    c = connect(one, NEW, "http")
    assert c.text("made_region") == "eu -"
    assert "x-mcp-header" not in str(c.list("tools"))
    c.close()


# ---------------------------------------------------------------- sources that have nothing

@pytest.mark.parametrize("source, why", [
    ("secret:short", "/token"), ("secret:long", "/token"), ("scope:nothing", "nothing"),
    ("principal", "nobody")])
def test_a_source_that_does_not_fit_fails_the_call_and_tells_nobody_why(host, source, why):
    """Who calls can do nothing about it: the log has the reason, and never the value."""
    one = host(plugins=("transform",), http=True, log_level="debug", config={
        "secrets": {"short": "s3", "long": "SECRETIVE" * 10},
        "middleware": [{"use": "logging", "payloads": True}],
        "transforms": [{"use": "tools", "tools": {"secure": {"arguments": {
            "token": {"hide": True, "source": source}}}}}]})
    c = connect(one, NEW, "http")
    result = c.call("secure", op="x")
    assert result["isError"] and re.fullmatch(r"internal error \(correlation id [0-9a-f]{16}\)",
                                              result["content"][0]["text"])
    line = one.wait_log("secure failed.*correlation id")
    assert why in line
    assert "SECRETIVE" not in one.log() and "s3" not in line
    c.close()
