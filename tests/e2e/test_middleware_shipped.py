"""The middlewares that come with the host: what the list `middleware` of the configuration does."""

import json
import re
import signal

import pytest

from harness.cli import gantry
from harness.client import RpcError, connect
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
ERAS = pytest.mark.parametrize("revision", [OLD, NEW])


@pytest.fixture
def start(client):
    """A host with these middlewares: start([...], revision, transport)."""
    def started(middleware, revision=NEW, transport="http", **options):
        config = {"middleware": middleware, **options.pop("config", {})}
        return client(revision, transport, config=config, **options)
    return started


def reconfigure(c, middleware):
    before = len(re.findall('"reloaded"', c.host.log()))
    c.host.write_config({"middleware": middleware})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log('"reloaded"', before + 1)


def start_cancellable(c, name, count, **arguments):
    """Calls that can be given up: none of them has a connection that was used before, which the
    client would replace, and ask again. Returns when the host has all of them (it has `logging`)."""
    for connection in getattr(c, "idle", []):
        connection.close()
    getattr(c, "idle", []).clear()
    before = len(re.findall(f"tools/call {name} begins", c.host.log()))
    calls = [c.start_call(name, **arguments) for _ in range(count)]
    c.host.wait_log(f"tools/call {name} begins", before + count)
    return calls


def lines(c, component):
    """What a part of the host has logged."""
    return [line for line in c.host.log_lines() if line.get("component") == component]


def messages(c, component):
    return [line["message"] for line in lines(c, component)]


def failure(result):
    assert result.get("isError") is True, result
    assert [block["type"] for block in result["content"]] == ["text"], result
    return result["content"][0]["text"]


# ---------------------------------------------------------------- each of them, seen by a client

@ERAS
def test_timing_tells_how_long_each_request_took(start, revision, transport):
    c = start(["timing"], revision, transport)
    assert c.text("echo", text="hi") == "hi"
    assert failure(c.call("fail", text="no")) == "no"
    c.names()
    c.request("resources/read", {"uri": "kit://text"})
    c.request("prompts/get", {"name": "dialogue"})
    eventually(lambda: len(messages(c, "timing")) >= 5, "five lines")
    said = messages(c, "timing")
    duration = r" \d+\.\d\d ms"
    for pattern in ("tools/call echo completed in", "tools/call fail failed after",
                    "tools/list completed in", "resources/read kit://text completed in",
                    "prompts/get dialogue completed in"):
        assert [line for line in said if re.fullmatch(re.escape(pattern) + duration, line)], said
    begin = "initialize" if revision == OLD else None
    assert begin is None or [line for line in said if line.startswith(f"{begin} completed in")]


@ERAS
def test_logging_tells_what_comes_and_how_it_ends(start, revision, transport):
    c = start([{"use": "logging", "payloads": True, "max_payload": 60}], revision, transport)
    c.text("echo", text="hi")
    failure(c.call("fail", text="the reason"))
    c.host.wait_log("tools/call fail failed")
    begins, ends = [line for line in lines(c, "logging") if "tools/call echo" in line["message"]]
    assert begins["message"] == "tools/call echo begins"
    assert begins["level"] == "info" and begins["client"] == "e2e" and begins["transport"] == transport
    assert json.loads(begins["arguments"]) == {"text": "hi"}
    assert ends["message"] == "tools/call echo completed"
    assert ends["request"] == begins["request"]
    assert json.loads(ends["result"]) == {"content": [{"type": "text", "text": "hi"}]}
    failed = [line for line in lines(c, "logging") if line["message"].startswith("tools/call fail f")]
    assert [(f["level"], f["message"]) for f in failed] == \
        [("warning", "tools/call fail failed: the reason")]
    c.text("echo", text="x" * 500)
    c.host.wait_log(r"xxx\.\.\.", 2)
    cut = [line[key] for line in lines(c, "logging") for key in ("arguments", "result")
           if line.get(key, "").endswith("xxx...")]
    assert [len(one) for one in cut] == [63, 63]


def test_payloads_are_logged_without_what_is_secret(start):
    c = start([{"use": "logging", "payloads": True}])
    c.text("forward", name="echo", arguments={
        "text": "hi", "api_key": "s3cr3t", "token": ["s3cr3t"]})
    c.host.wait_log("tools/call forward completed")
    begins = next(line for line in lines(c, "logging") if "forward begins" in line["message"])
    assert json.loads(begins["arguments"])["arguments"] == {
        "text": "hi", "api_key": "[redacted]", "token": "[redacted]"}
    assert "s3cr3t" not in c.host.log()


def test_payloads_are_not_logged_unless_one_asks_for_them(start):
    c = start(["logging"])
    c.text("echo", text="a secret")
    c.host.wait_log("tools/call echo completed")
    assert "a secret" not in c.host.log()


def test_what_a_handler_calls_is_logged_with_its_depth(start):
    c = start(["logging"])
    c.text("forward", name="echo", arguments={"text": "deep"})
    c.host.wait_log("tools/call forward completed")
    inner = [line for line in lines(c, "logging") if "tools/call echo" in line["message"]]
    assert [line.get("depth") for line in inner] == ["1", "1"]
    assert [line["message"] for line in lines(c, "logging") if "tools/call" in line["message"]] == \
        ["tools/call forward begins", "tools/call echo begins", "tools/call echo completed",
         "tools/call forward completed"]


@ERAS
def test_masked_errors_say_where_to_look_and_nothing_else(start, revision, transport):
    c = start([{"use": "mask_errors", "message": "sorry"}], revision, transport)
    masked = re.compile(r"sorry \(correlation id ([0-9a-f]{16})\)")
    told = failure(c.call("fail", text="the password is 1234"))
    found = masked.fullmatch(told)
    assert found, told
    line = c.host.wait_log(found.group(1))
    assert "the password is 1234" in line and "tools/call fail" in line
    found = masked.fullmatch(failure(c.call("accident")))
    assert found and "EIO" in c.host.wait_log(found.group(1))
    # What the client did wrong it is told: it must be able to do it right.
    assert "text" in failure(c.call("echo"))
    assert c.text("echo", text="fine") == "fine"
    with pytest.raises(RpcError) as missing:
        c.request("resources/read", {"uri": "kit://gone"})
    assert missing.value.code == (-32002 if revision == OLD else -32602)


def test_masking_is_for_the_tools_that_are_named(start):
    c = start([{"use": "mask_errors", "tools": ["acc*", "f"]}])
    assert failure(c.call("fail", text="plain words")) == "plain words"
    assert failure(c.call("accident")).startswith("internal error (correlation id ")


@ERAS
def test_a_result_that_is_too_large_is_cut(start, revision, transport):
    c = start([{"use": "response_limit", "max_size": "1KiB", "suffix": "[cut]"}], revision, transport)
    assert c.text("big", bytes=1024) == "x" * 1024
    assert c.text("big", bytes=1025) == "x" * 1018 + "\n[cut]"
    assert c.text("big", bytes=8 << 20) == "x" * 1018 + "\n[cut]"
    euros = c.text("echo", text="€" * 400)
    assert euros == "€" * 339 + "\n[cut]" and len(euros.encode()) <= 1024
    c.host.wait_log("the result of big was too large and has been truncated: 8388608 bytes, of at "
                    "most 1024")


@ERAS
def test_a_tool_with_an_output_schema_fails_rather_than_lie(start, revision, transport):
    c = start(["mask_errors", {"use": "response_limit", "max_size": 70, "suffix": ""}], revision,
              transport)
    told = failure(c.call("types", text="x" * 100, whole=1))
    assert told.startswith("the result of types is too large: ")
    assert "it cannot be truncated" in told
    assert c.structured("structured")["city"] == "Oslo"
    # One with texts and other things keeps the texts.
    assert c.text("content") == "first"


@ERAS
def test_timeouts_are_for_the_tools_that_are_named(start, revision, transport):
    c = start([{"use": "timeout", "timeout": "50ms", "tools": ["sleep"]},
               {"use": "timeout", "timeout": "1h", "tools": ["work"]}], revision, transport,
              config={"server": {"call_timeout": "100ms"}})
    assert "did not finish in time" in failure(c.call("sleep", ms=600000))
    assert c.text("sleep", ms=0) == "slept 0"
    assert c.text("work", ms=300) == "worked 300"  # longer than the server's
    eventually(lambda: c.structured("status")["cancelled"] == 1, "the handler to be cancelled")


@ERAS
def test_dereference_is_inline_references(start, revision, transport):
    c = start(["timing", "dereference"], revision, transport, plugins=["schema"])
    for tool in c.list("tools"):
        assert '"$ref"' not in json.dumps(tool), tool["name"]
    plain = connect(c.host, revision, "http") if transport == "http" else c
    reconfigure(c, ["timing"])
    assert '"$ref"' in json.dumps(plain.list("tools"))


# ---------------------------------------------------------------- calls at a time

@ERAS
def test_calls_of_a_tool_wait_for_their_turn(start, revision, transport):
    c = start([{"use": "concurrency", "max_calls": 2, "tools": ["sleep"]}], revision, transport)
    calls = [c.start_call("sleep", ms=150) for _ in range(8)]
    assert c.text("echo", text="others go on") == "others go on"
    for call in calls:
        assert call.result()["content"][0]["text"] == "slept 150"
    seen = c.structured("status")
    assert (seen["finished"], seen["peak"], seen["in_flight"]) == (8, 2, 0)


@ERAS
def test_more_than_may_wait_are_refused_at_once(start, revision, transport):
    c = start(["logging", {"use": "concurrency", "max_calls": 1, "max_waiting": 1}], revision,
              transport)
    runs, = start_cancellable(c, "stubborn", 1)
    others = start_cancellable(c, "stubborn", 2)
    eventually(lambda: any(other.response for other in others), "one of them to be refused")
    refused = [other for other in others if other.response]
    assert len(refused) == 1
    assert failure(refused[0].result()) == \
        "stubborn is busy: 1 calls run and 1 wait, more are not taken; try again later"
    waiting, = [other for other in others if not other.response]
    c.cancel(waiting)
    c.cancel(runs)
    eventually(lambda: c.structured("status")["cancelled"] == 1, "the one that ran to end")
    assert c.structured("status")["peak"] == 1


@ERAS
def test_who_gives_up_while_waiting_takes_no_place(start, revision, transport):
    c = start(["logging", {"use": "concurrency", "max_calls": 1, "tools": ["s*"], "max_waiting": 50}],
              revision, transport)
    runs, = start_cancellable(c, "sleep", 1, ms=600000)
    gone = start_cancellable(c, "sleep", 10, ms=600000)
    last, = start_cancellable(c, "sleep", 1, ms=1)
    for call in gone:
        c.cancel(call)
    c.cancel(runs)
    assert last.result()["content"][0]["text"] == "slept 1"
    eventually(lambda: c.structured("status")["in_flight"] == 0, "all to be over")
    assert c.structured("status")["peak"] == 1


def test_a_deadline_counts_while_one_waits(start):
    c = start([{"use": "timeout", "timeout": "100ms", "tools": ["sleep"]},
               {"use": "concurrency", "max_calls": 1, "tools": ["sleep"]}])
    calls = [c.start_call("sleep", ms=600000) for _ in range(5)]
    for call in calls:
        assert "did not finish in time" in failure(call.result())
    eventually(lambda: c.structured("status")["in_flight"] == 0, "the last to end")
    assert c.text("sleep", ms=1) == "slept 1"


@pytest.mark.parametrize("priority", [-1, 1])
def test_a_retry_keeps_its_place_or_gives_it_back(start, priority):
    """The plugin's own middleware `retry` is further in than the limit, or further out: in a place
    that it keeps nobody comes between its tries."""
    c = start(["logging", {"use": "concurrency", "max_calls": 1, "tools": ["flaky"],
                           "priority": priority}], plugins=["around"])
    calls = [c.start_call("flaky") for _ in range(6)]
    results = [call.result() for call in calls]
    if priority < 0:
        assert [r["content"][0]["text"] for r in results] == ["third time lucky"] * 6
    assert len(lines(c, "logging")) >= 12
    for _ in range(3):
        c.call("flaky")


@ERAS
def test_blocking_tools_that_call_each_other_need_no_second_worker(start, revision, transport):
    c = start([{"use": "timing", "level": "debug"},
               {"use": "concurrency", "max_calls": 3, "tools": ["through*", "slow_echo"]}],
              revision, transport, plugins=["around"], config={"limits": {"workers": 1}})
    calls = [c.start_call("through_worker", tool="slow_echo") for _ in range(8)]
    calls += [c.start_call("through", tool="slow_echo") for _ in range(4)]
    calls += [c.start_call("through_worker", tool="through_worker") for _ in range(2)]
    for call in calls[:12]:
        told = json.loads(call.result()["content"][0]["text"])
        assert told["content"][0]["text"] == "deep", told
    for call in calls[12:]:  # the inner one is given no tool to call
        assert not call.result().get("isError"), call.result()


# ---------------------------------------------------------------- the configuration

def test_a_reload_changes_them_under_running_calls(start):
    c = start(["logging", {"use": "concurrency", "max_calls": 1, "tools": ["sleep"]}, "mask_errors"])
    calls = start_cancellable(c, "sleep", 3, ms=600000)
    assert failure(c.call("fail", text="why")) != "why"
    # What runs is counted on, and there is place for two.
    reconfigure(c, [{"use": "concurrency", "max_calls": 2}])
    c.wait_in_flight(2)
    assert failure(c.call("fail", text="why")) == "why"
    # No limit at all: who waits goes on.
    reconfigure(c, [])
    c.wait_in_flight(3)
    for call in calls:
        c.cancel(call)
    eventually(lambda: c.structured("status")["cancelled"] == 3, "all three to end")


def test_one_that_is_wrong_changes_nothing(start):
    c = start([{"use": "mask_errors", "message": "masked"}])
    c.host.write_config("middleware:\n  - use: mask_errors\n    mesage: other\n")
    c.host.signal(signal.SIGHUP)
    c.host.wait_log(r"middleware\[0\]\.mesage: unknown key, did you mean message\?")
    assert failure(c.call("fail", text="why")).startswith("masked ")


@pytest.mark.parametrize("text,line,said", [
    ("middleware: loging", 1, "did you mean logging?"),
    ("middleware:\n  - use: timing\n    max_calls: 3", 3, "middleware[0].max_calls: unknown key; known "
     "here: use, priority, tools, tags, level"),
    ("middleware:\n  - level: info", 2, "middleware[0]: use is missing"),
    ("middleware:\n  - {use: timeout, timeout: soon}", 2, "must be a duration"),
    ("middleware:\n  - {use: concurrency, max_calls: -1}", 2, "must be a whole number"),
    ("middleware:\n  - {use: logging, tools: ['*x']}", 2, "at its end only"),
    ("middleware:\n  - {use: response_limit, max_size: 99999999999999999999}", 2, "max_size"),
    ("middleware: [[timing]]", 1, "must be a mapping, but is a list"),
    ("middleware: {use: timing}", 1, "must be a list"),
])
def test_mistakes_are_told_by_name(tmp_path, text, line, said):
    file = tmp_path / "c.yaml"
    file.write_text(text + "\n")
    found = gantry("config", "check", file, ok=(1,))
    assert f"c.yaml:{line}: " in found.stdout + found.stderr
    assert said in found.stdout + found.stderr


def test_all_of_them_at_once(start):
    c = start(["logging", {"use": "timing", "priority": 5}, "mask_errors", "response_limit",
               "dereference", "timeout", "concurrency"])
    calls = [c.start_call("echo", text=f"{i}") for i in range(40)]
    for i, call in enumerate(calls):
        assert call.result()["content"][0]["text"] == f"{i}"
    eventually(lambda: len([m for m in messages(c, "timing") if "echo" in m]) == 40, "forty lines")
    order = [line["component"] for line in c.host.log_lines()
             if line.get("component") in ("logging", "timing") and "echo" in line["message"]]
    assert order.count("logging") == 80
