"""Variables of a call, state across calls, background work and schedules (plugin e2e_scope)."""

import hashlib
import json
import signal
import time

import pytest

from harness.client import connect
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
ONE, TWO = {"scope": "scope1"}, {"scope": "scope2"}
EINVAL, ENOENT, ENOTSUP, ETOOBIG, EBUSY = "-1", "-7", "-2", "-5", "-6"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


def error(c, name, /, **arguments):
    """The text of a tool result that must be an error."""
    result = c.call(name, **arguments)
    assert result.get("isError"), result
    return result["content"][0]["text"]


def counted(c):
    return json.loads(c.text("counted"))


# ---------------------------------------------------------------- variables

def test_a_thousand_interleaved_calls_never_see_each_others_values(client):
    c = client(OLD, "stdio", plugins=ONE)
    calls = [c.start_call("mix_blocking" if i % 3 == 0 else "mix", user=f"user {i}", number=i,
                          depth=i % 4) for i in range(1000)]
    for i, call in enumerate(calls):
        result = call.result()
        assert not result.get("isError"), result
        assert result["content"][0]["text"] == f"user {i}"
    assert c.text("mix", user="", number=0) == ""


def test_nested_calls_inherit_and_keep_to_themselves(client, revision, transport):
    c = client(revision, transport, plugins=ONE)
    assert c.text("outer") == "outer none shown; then outer newer; destroyed: inner's "
    assert c.text("destroyed") == "inner's newer shown outer's "


@pytest.mark.parametrize("tool", ["current", "current_coroutine"])
def test_the_current_call_is_that_of_the_handler(client, tool):
    c = client(OLD, "stdio", plugins=ONE)
    assert c.text(tool) == "1 1 1"


def test_what_must_not_be_done_is_refused(client):
    c = client(OLD, "stdio", plugins=ONE)
    codes = [block["text"] for block in c.call("misuse")["content"]]
    assert codes == ["0", EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, ENOENT, EINVAL, EINVAL,
                     ENOENT, EINVAL, EINVAL, EINVAL]
    c.host.wait_log(r"gantry_set user: it is set with another type")
    c.host.wait_log(r"gantry_spawn: its name is not a text")


# ---------------------------------------------------------------- what the host knows

def test_the_host_tells_what_it_knows_of_the_request(client, revision, transport):
    c = client(revision, transport, plugins=ONE)
    about = json.loads(c.text("about"))
    assert about["transport"] == about["transport()"] == transport
    assert about["protocol_version"] == about["protocol()"] == revision
    assert about["client_name"] == "e2e" and about["client_version"] == "1.0"
    assert about["method"] == "tools/call" and about["component"] == "about"
    assert json.loads(about["request_id"])
    assert ("session_id" in about) == (revision != NEW and transport == "http")
    assert "principal" not in about and "traceparent" not in about
    assert about["traceparent()"] == about["tracestate()"] == about["baggage()"] == "none"


def about_with(c, meta=None, **options):
    params = {"name": "about", "arguments": {}}
    if meta:
        params["_meta"] = meta
    return json.loads(c.request("tools/call", params, **options)["content"][0]["text"])


def test_trace_context_comes_with_the_request(client, revision, transport):
    c = client(revision, transport, plugins=ONE)
    about = about_with(c, {"traceparent": TRACE, "tracestate": "a=1", "baggage": "user=7"})
    assert about["traceparent"] == about["traceparent()"] == TRACE
    assert about["tracestate()"] == "a=1" and about["baggage()"] == "user=7"


@pytest.mark.parametrize("revision", [NEW, OLD])
def test_headers_bring_trace_context_where_the_request_does_not(client, revision):
    c = client(revision, "http", plugins=ONE)
    other = TRACE.replace("0af7", "1111")
    headers = {"traceparent": other, "tracestate": "b=2", "baggage": "user=8"}
    about = about_with(c, headers=headers)
    assert about["traceparent()"] == other
    assert about["tracestate()"] == "b=2" and about["baggage()"] == "user=8"
    about = about_with(c, {"traceparent": TRACE}, headers=headers)
    assert about["traceparent()"] == TRACE
    assert about["tracestate()"] == "none"  # that of the headers belongs to another parent


@pytest.mark.parametrize("bad", [
    "", "nonsense", TRACE.upper(), TRACE[:-1], TRACE + "0", TRACE + "-00", "ff" + TRACE[2:],
    "00-" + "0" * 32 + TRACE[35:], TRACE[:36] + "0" * 16 + TRACE[52:], TRACE.replace("-", "_"),
    TRACE[:20] + "\0" + TRACE[21:], 7, None, [TRACE]])
def test_malformed_trace_context_is_not_taken(client, bad):
    c = client(NEW, "stdio", plugins=ONE)
    about = about_with(c, {"traceparent": bad, "tracestate": "a=1", "baggage": "a\nb"})
    assert about["traceparent()"] == about["tracestate()"] == about["baggage()"] == "none"


# ---------------------------------------------------------------- state across calls

def test_a_handle_keeps_values_from_call_to_call(client, revision, transport):
    c = client(revision, transport, plugins=ONE)
    handle = c.text("new_handle")
    assert len(handle) == 43
    value = {"items": ["apple", 1, 2.50, None, {"deep": True}]}
    assert c.text("remember", handle=handle, key="cart", value=value) == "kept"
    assert json.loads(c.text("recall", handle=handle, key="cart")) == value
    assert error(c, "recall", handle=handle, key="other") == ENOENT
    assert error(c, "recall", handle=handle[:-1] + "!", key="cart") == ENOENT
    assert c.text("forget", handle=handle, key="cart") == "gone"
    assert error(c, "forget", handle=handle, key="cart") == ENOENT
    assert c.text("forget", handle=handle) == "gone"
    assert error(c, "remember", handle=handle, key="cart", value=1) == ENOENT


def test_a_session_is_the_default_handle(client, revision, transport):
    c = client(revision, transport, plugins=ONE)
    if revision == NEW:
        assert error(c, "remember", key="k", value=1) == ENOTSUP
        assert error(c, "recall", key="k") == ENOTSUP
        return
    assert error(c, "recall", key="k") == ENOENT
    assert c.text("remember", key="k", value=[1]) == "kept"
    assert c.text("recall", key="k") == "[1]"
    assert c.text("forget") == "gone"
    assert c.text("remember", key="k", value=2) == "kept"  # the session is there still


def test_sessions_do_not_see_each_others_state(client):
    c = client(OLD, "http", plugins=ONE)
    other = connect(c.host, OLD, "http")
    assert c.text("remember", key="k", value="mine") == "kept"
    assert error(other, "recall", key="k") == ENOENT
    handle = c.text("new_handle")  # while a handle is whoever's has it
    assert c.text("remember", handle=handle, key="k", value="shared") == "kept"
    assert other.text("recall", handle=handle, key="k") == '"shared"'
    other.close()


def test_a_handle_is_its_principals_alone(client):
    tokens = [{"principal": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
              for name in ("alice", "bob")]
    c = client(NEW, "http", plugins=ONE, config={"auth": {"tokens": tokens}},
               options={"headers": {"Authorization": "Bearer alice"}})
    assert json.loads(c.text("about"))["principal"] == "alice"
    handle = c.text("new_handle")
    assert c.text("remember", handle=handle, key="k", value=1) == "kept"
    c.headers["Authorization"] = "Bearer bob"
    assert error(c, "recall", handle=handle, key="k") == ENOENT
    assert error(c, "remember", handle=handle, key="k", value=2) == ENOENT
    assert error(c, "forget", handle=handle) == ENOENT
    c.headers["Authorization"] = "Bearer alice"
    assert c.text("recall", handle=handle, key="k") == "1"


def test_state_outlives_a_reload(client):
    c = client(OLD, "stdio", plugins=ONE)
    handle = c.text("new_handle")
    assert c.text("remember", handle=handle, key="k", value=1) == "kept"
    assert c.text("remember", key="k", value=2) == "kept"
    c.host.drop_plugin("scope", "scope2")
    eventually(lambda: counted(c)["generation"] == 2, "the second generation")
    assert c.text("recall", handle=handle, key="k") == "1"
    assert c.text("recall", key="k") == "2"


def test_a_handle_ends_when_it_is_not_used(client):
    c = client(OLD, "stdio", plugins=ONE, config={"state": {"max_age": "1s"}})
    assert c.text("remember", key="k", value=2) == "kept"

    def kept():  # a host that is held up may be too late at first
        handle = c.text("new_handle")
        kept = c.call("remember", handle=handle, key="k", value=1)
        return not kept.get("isError") and handle

    handle = eventually(kept, "a value under a handle")
    time.sleep(1.1)
    assert error(c, "recall", handle=handle, key="k") == ENOENT
    assert c.text("recall", key="k") == "2"  # the session lives


def test_limits_of_state_can_change_while_it_runs(client):
    c = client(OLD, "stdio", plugins=ONE, config={"state": {"max_handles": 2}})
    handle = c.text("new_handle")
    c.text("new_handle")
    assert error(c, "new_handle") == EBUSY
    c.host.wait_log(r"scope/new_handle: gantry_handle_new is refused: over state\.max_handles")
    assert c.text("remember", handle=handle, key="k", value="x" * 100000) == "kept"
    c.host.write_config({"state": {"max_handles": 3, "max_bytes": "64KiB", "max_total": "64KiB"}})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("reloaded")
    assert c.text("new_handle")
    assert error(c, "remember", handle=handle, key="k", value="x" * 100000) == ETOOBIG
    c.host.wait_log(r"scope/remember: gantry_state_set is refused: over state\.max_bytes")
    assert len(c.text("recall", handle=handle, key="k")) == 100002


# ---------------------------------------------------------------- background work

@pytest.mark.parametrize("blocking", [False, True])
def test_background_work_goes_on_after_the_answer(client, revision, transport, blocking):
    c = client(revision, transport, plugins=ONE)
    assert c.text("spawn", ms=50, blocking=blocking) == "1 0"
    line = c.host.wait_log(r"work 1 done for ada, request \S+, cell shared, current")
    assert "scope/work" in line
    eventually(lambda: counted(c)["freed"] == 1, "the argument to be freed")
    assert c.text("destroyed") == "shared "


@pytest.mark.parametrize("what, line", [
    ("fail", r"scope/work failed: the printer is on fire"),
    ("slip", r"scope/work failed: it returned EIO")])
def test_errors_of_background_work_are_logged_by_name(client, what, line):
    c = client(OLD, "stdio", plugins=ONE)
    assert c.text("spawn", what=what) == "1 0"
    c.host.wait_log(line)


def test_background_work_is_bounded_in_number_and_time(client):
    c = client(OLD, "stdio", plugins=ONE, config={
        "limits": {"max_background": 5, "background_timeout": "300ms"}})
    c.text("stop_ticking")
    eventually(lambda: c.text("spawn", ms=600000, count=9) == "5 -6", "room for five")
    c.host.wait_log(r"scope/work did not end within 300 ms", 5)
    eventually(lambda: c.text("spawn") == "1 0", "room again")
    assert counted(c)["freed"] >= 5
    c.host.wait_log("work 1 done")


def test_a_reload_lets_background_work_end(client):
    c = client(OLD, "stdio", plugins=ONE, config={"loading": {"drain": "10m"}})
    gate = c.host.folder / "gate"
    assert c.text("spawn", until=str(gate)) == "1 0"
    c.host.drop_plugin("scope", "scope2")
    eventually(lambda: counted(c)["generation"] == 2, "the second generation")
    assert "scope 1 stopped" not in c.host.log()
    gate.touch()
    c.host.wait_log("work 1 done for ada")
    c.host.wait_log("scope 1 stopped")


@pytest.mark.parametrize("blocking", [False, True])
def test_a_reload_cancels_background_work_after_the_drain(client, blocking):
    c = client(OLD, "stdio", plugins=ONE, config={"loading": {"drain": "50ms"}})
    assert c.text("spawn", ms=600000, blocking=blocking) == "1 0"
    eventually(lambda: counted(c)["ran"] == 1, "the work to begin")
    c.host.drop_plugin("scope", "scope2")
    c.host.wait_log("work 1 told to end")
    c.host.wait_log("scope 1 stopped")
    assert "work 1 done" not in c.host.log()


@pytest.mark.parametrize("blocking", [False, True])
def test_a_shutdown_waits_for_background_work(host, blocking):
    h = host(plugins=ONE, http=True, config={"server": {"drain": "10m"}})
    c = connect(h, NEW, "http")
    gate = h.folder / "gate"
    assert c.text("spawn", until=str(gate), blocking=blocking) == "1 0"
    c.close()
    h.signal(signal.SIGTERM)
    h.wait_log("stopping")
    gate.touch()
    h.wait()
    assert "work 1 done for ada" in h.log()
    assert "cancelled" not in h.log()


@pytest.mark.parametrize("blocking", [False, True])
def test_a_shutdown_cancels_it_after_the_drain(host, blocking):
    h = host(plugins=ONE, http=True, config={"server": {"drain": "200ms"}})
    c = connect(h, NEW, "http")
    assert c.text("spawn", ms=600000, blocking=blocking) == "1 0"
    eventually(lambda: counted(c)["ran"] == 1, "the work to begin")
    c.close()
    h.signal(signal.SIGTERM)
    h.wait()
    log = h.log()
    assert "did not end in time: cancelled" in log
    assert "work 1 told to end" in log and "scope 1 stopped" in log


# ---------------------------------------------------------------- schedules

def test_schedules_and_spawned_work_wait_for_start(client):
    c = client(OLD, "stdio", plugins=ONE)
    eventually(lambda: counted(c)["ticks"] >= 3, "the interval")
    assert counted(c)["spawned_at_start"] == 1
    c.host.wait_log("once 1: after start")
    assert "before start has returned" not in c.host.log()
    ticks = int(c.text("stop_ticking"))
    seen = counted(c)["ticks"]
    assert seen - ticks <= 1  # one was under way
    assert counted(c)["ticks"] == seen
    eventually(lambda: c.text("too_many_schedules") == "64", "room for 64 schedules")


def test_an_interval_ends_with_its_generation(client):
    c = client(OLD, "stdio", plugins=ONE)
    eventually(lambda: counted(c)["ticks"] >= 1, "the interval")
    c.host.drop_plugin("scope", "scope2")
    eventually(lambda: counted(c)["generation"] == 2, "the second generation")
    c.host.wait_log("scope 1 stopped")
    eventually(lambda: counted(c)["ticks"] >= 3, "its own interval")
    assert c.host.log().count("once 1") <= 1
