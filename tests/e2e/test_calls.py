"""Calls that take time: progress, cancellation, deadlines, many at once, and a busy host."""

import json
import os
import resource

import pytest

from harness.client import META, RpcError, connect
from harness.host import eventually
from harness.http import Closed

TRANSPORTS = ["stdio", "http", "websocket", "sse"]
NEW, OLD = "2026-07-28", "2025-11-25"


# ---------------------------------------------------------------- progress

@pytest.mark.parametrize("token", ["a token", 7, 0])
def test_progress_is_reported_in_order_before_the_result(client, revision, transport, token):
    c = client(revision, transport)
    call = c.start("tools/call", {"name": "count", "arguments": {"steps": 5, "ms": 1},
                                  "_meta": {"progressToken": token}})
    assert call.result()["content"][0]["text"] == "counted to 5"
    seen = [n["params"] for n in call.notifications if n["method"] == "notifications/progress"]
    assert [p["progressToken"] for p in seen] == [token] * len(seen)
    steps = [p["progress"] for p in seen]
    assert steps == sorted(set(steps)) and steps, steps
    assert set(steps) <= {1, 2, 3, 4, 5} and all(p["total"] == 5 for p in seen)
    if revision >= "2025-03-26":
        assert all(p["message"] == f"step {p['progress']:g}" for p in seen)
    if transport == "http":
        assert call.http.is_stream


def test_progress_nobody_asked_for_is_not_sent(client, revision, transport):
    c = client(revision, transport)
    call = c.start_call("count", steps=5, ms=1)
    assert call.result()["content"][0]["text"] == "counted to 5"
    assert call.notifications == []
    if transport != "http":
        assert c.notifications.count("notifications/progress") == 0
    else:
        assert not call.http.is_stream


def test_a_client_that_takes_no_stream_gets_the_result_alone(client, revision):
    c = client(revision, "http")
    call = c.start("tools/call", {"name": "count", "arguments": {"steps": 5, "ms": 1},
                                  "_meta": {"progressToken": 1}},
                   headers={"Accept": "application/json"})
    try:
        assert call.result()["content"][0]["text"] == "counted to 5"
        assert call.notifications == [] and not call.http.is_stream
    except AssertionError as e:  # or it is told that it must take both
        assert "HTTP 406" in str(e), e


# ---------------------------------------------------------------- cancellation

def test_cancelling_ends_the_call_without_an_answer(client, revision, transport):
    c = client(revision, transport)
    call = c.start_call("sleep", ms=600000)
    c.wait_in_flight(1)
    if c.stateless and transport == "http":
        c.cancel_by_closing(call)
    else:
        c.cancel(call)
    counted = c.wait_in_flight(0)
    assert counted["cancelled"] == 1 and counted["finished"] == 0
    assert c.text("echo", text="after") == "after"
    assert call.response is None
    if transport == "http" and not c.stateless:
        # Nothing but an end may come on its stream.
        with pytest.raises((Closed, AssertionError)):
            call.result()


def test_cancelling_reaches_a_worker_queue_and_clean_up_is_shielded(client):
    c = client(OLD, "stdio")
    call = c.start_call("stubborn")
    c.wait_in_flight(1)
    c.cancel(call)
    eventually(lambda: c.structured("status")["shielded"] == 1, "the shielded clean-up")
    assert c.structured("status")["cancelled"] == 1


def test_a_cancellation_of_somebody_else_changes_nothing(host):
    one = host(http=True)
    a, b = connect(one, OLD, "http"), connect(one, OLD, "http")
    call = a.start("tools/call", {"name": "sleep", "arguments": {"ms": 600000}}, id="x1")
    a.wait_in_flight(1)
    b.notify("notifications/cancelled", {"requestId": "x1"})
    assert b.request("ping") == {}
    assert b.structured("status")["in_flight"] == 1
    a.cancel(call)
    b.wait_in_flight(0)
    a.close()
    b.close()


def test_a_disconnect_cancels_in_the_stateless_era_only(host):
    one = host(http=True)
    watcher = connect(one, NEW, "http")
    for revision, ends in ((NEW, "cancelled"), (OLD, "finished")):
        before = watcher.structured("status")
        c = connect(one, revision, "http")
        message = c.request_message("tools/call", {"name": "sleep", "arguments": {"ms": 1500}})
        connection = c.new_connection()
        connection.send_request("POST", c.path, c.headers_for(message), json.dumps(message).encode())
        watcher.wait_in_flight(1)
        connection.close()
        after = watcher.wait_in_flight(0)
        assert after[ends] == before[ends] + 1, (revision, before, after)
        c.close()
    watcher.close()


def test_initialize_cannot_be_cancelled_and_late_cancellations_are_ignored(client):
    c = client(OLD, "stdio")
    for _ in range(20):
        call = c.start_call("echo", text="quick")
        c.cancel(call)
    assert c.text("echo", text="after") == "after"


def test_a_deadline_is_an_accident(client):
    c = client(OLD, "stdio", config={"server": {"call_timeout": "200ms"}})
    result = c.call("count", steps=100000, ms=10)
    assert result["isError"] is True
    said = result["content"][0]["text"]
    assert "step" not in said
    assert c.text("sleep", ms=400) == "slept 400"  # it asked for a longer one


# ---------------------------------------------------------------- many at once

def test_a_thousand_sleeping_calls_are_in_flight_at_once_on_stdio(client):
    c = client(OLD, "stdio", config={"limits": {"max_calls": 1010}})
    calls = [c.start_call("sleep", ms=600000) for _ in range(1000)]
    counted = c.wait_in_flight(1000)
    assert counted["peak"] == 1000 and counted["finished"] == 0
    assert c.request("ping") == {}
    threads = os.listdir(f"/proc/{c.host.process.pid}/task")
    assert len(threads) < 20, f"{len(threads)} threads"
    for call in calls:
        c.cancel(call)
    assert c.wait_in_flight(0)["cancelled"] == 1000


@pytest.mark.slow
def test_a_thousand_sleeping_calls_are_in_flight_at_once_over_http(client):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2500, hard), hard))
    c = client(NEW, "http", config={"limits": {"max_calls": 1010}})
    message = c.request_message("tools/call", {"name": "sleep", "arguments": {"ms": 20000}})
    connections = []
    for n in range(1000):
        message["id"] = n
        connection = c.new_connection()
        connection.send_request("POST", c.path, c.headers_for(message), json.dumps(message).encode())
        connections.append(connection)
    assert c.wait_in_flight(1000)["peak"] == 1000
    for n, connection in enumerate(connections):
        response = connection.read_response()
        if response.is_stream:
            answers = [json.loads(e["data"]) for e in response.events() if e.get("data")]
            assert len(answers) == 1
            answer = answers[0]
        else:
            answer = response.json()
        assert answer["id"] == n and answer["result"]["content"][0]["text"] == "slept 20000"
        connection.close()
    assert c.structured("status")["finished"] == 1000


def test_blocking_calls_do_not_hold_up_a_ping(client):
    c = client(OLD, "stdio", config={"limits": {"workers": 2}})
    calls = [c.start_call("block" if n % 2 else "work", ms=100) for n in range(50)]
    for _ in range(5):
        assert c.request("ping") == {}
    unanswered = sum(1 for call in calls if call.response is None)
    assert unanswered > 0, "all had ended before the ping was answered"
    for call in calls:
        assert not call.result().get("isError")
    assert c.text("echo", text="after") == "after"


def test_blocking_and_sleeping_calls_overlap(host):
    one = host(http=True)
    c = connect(one, NEW, "http")
    calls = [c.start_call(name, ms=200) for name in ("sleep", "block", "work") * 8]
    for call in calls:
        assert call.result()["content"][0]["text"].endswith(" 200")
    c.close()


def test_too_many_calls_wait_and_then_are_refused_as_busy(client, transport):
    c = client(OLD, transport, config={"limits": {"max_calls": 2, "max_queued_calls": 3}})
    # Two run, three wait, and one has no place.
    calls = [c.start_call("sleep", ms=600000) for _ in range(6)]
    refused = eventually(lambda: [call for call in calls if call.response], "a refusal")
    assert c.request("ping") == {}
    assert len(refused) == 1
    with pytest.raises(RpcError) as busy:
        refused[0].result()
    assert busy.value.code == -32603
    if transport == "http":
        assert busy.value.status == 503 and "retry-after" in refused[0].http.headers
    for call in calls:
        if call is not refused[0]:
            c.cancel(call)
    eventually(lambda: not c.call("echo", text="x").get("isError"), "room for a call")
    counted = c.structured("status")
    # One that is cancelled gives its place away before it has unwound.
    assert counted["in_flight"] == 0 and 2 <= counted["peak"] <= 4


# ---------------------------------------------------------------- logs to the client

def test_log_lines_come_before_the_result_at_the_level_asked_for(client, revision, transport):
    c = client(revision, transport)
    levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
    if c.stateless:
        c.meta = {META + "logLevel": "warning"}
    else:
        assert "logging" in c.server["capabilities"]
        c.request("logging/setLevel", {"level": "warning"})
    call = c.start_call("log", text="hear this")
    call.result()
    if c.stateless and transport == "http" or transport == "http":
        got = [n for n in call.notifications if n["method"] == "notifications/message"]
    else:
        got = c.notifications.seen + call.notifications
        got = [n for n in got if n["method"] == "notifications/message"]
    assert [n["params"]["level"] for n in got] == levels[3:], got
    assert all("hear this" in json.dumps(n["params"]["data"]) for n in got)
    if not c.stateless:
        with pytest.raises(RpcError) as refused:
            c.request("logging/setLevel", {"level": "loud"})
        assert refused.value.code == -32602


def test_a_plugin_that_prints_does_not_disturb_the_protocol(client, transport):
    c = client(OLD, transport)
    assert c.text("say", text="not for the wire") == "printed 1"
    c.host.wait_log("not for the wire")
    assert c.text("echo", text="after") == "after"
