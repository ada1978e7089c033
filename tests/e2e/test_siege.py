"""Middlewares, nested calls, schedules and scope under abuse (tests/plugins/e2e_siege.c)."""

import json
import random
import threading

import pytest

from harness.client import RpcError, connect
from harness.host import eventually
from harness.http import Connection
from harness.metrics import scrape

NEW, OLD = "2026-07-28", "2025-11-25"
ONE = {"siege": "siege1"}


def told(path):
    return path.read_text().splitlines() if path.exists() else []


def test_a_flood_of_notifications_leaves_room_for_calls(client, tmp_path):
    c = client(OLD, "stdio", plugins={**ONE, "kit": "kit"}, config={"limits": {"max_calls": 8}},
               env={"SIEGE_FILE": str(tmp_path / "told")})
    for _ in range(1000):
        c.notify("notifications/roots/list_changed", {})
    for i in range(20):
        assert c.text("echo", text=str(i)) == str(i)


def test_a_middleware_that_tries_again_for_ever_does_not_hold_the_host(client):
    c = client(OLD, "stdio", plugins={**ONE, "kit": "kit"})
    call = c.start_call("hopeless")
    assert c.text("echo", text="here") == "here"
    result = call.result()
    assert result["isError"] and "did not finish in time" in result["content"][0]["text"]
    assert c.text("echo", text="still") == "still"


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("tool", ["w_piece", "w_stoppable", "w_worked", "w_to_blocking"])
def test_a_worker_that_waits_is_enough_for_what_it_waits_for(client, tool, around):
    """Each of them holds a worker and waits for a coroutine that needs one."""
    c = client(OLD, "http", plugins=ONE, config={"limits": {"workers": 2}, "server": {"call_timeout": "20s"}},
               env={"SIEGE_EVERYWHERE": "1"} if around else {})
    calls = [c.start_call(tool) for _ in range(20)]
    for call in calls:
        result = call.result()
        assert result["content"][0]["text"] == "reached", result


def test_work_in_place_has_no_call_either(client):
    assert client(OLD, "stdio", plugins=ONE).text("in_place") == "0 0"


@pytest.mark.parametrize("work", [False, True])
def test_a_call_goes_sixteen_deep_with_middlewares_around_each(client, work):
    c = client(OLD, "http", plugins=ONE, config={"limits": {"workers": 2}, "server": {"call_timeout": "40s"}})
    assert c.text("deep", left=16, work=work) == "depth 16"
    assert c.text("deep", left=17, work=work) == "too deep at 16"
    calls = [c.start_call("deep", left=16, work=work) for _ in range(20)]
    for call in calls:
        assert call.result()["content"][0]["text"] == "depth 16"


def test_a_middleware_that_gives_its_call_away_harms_nobody(client):
    c = client(OLD, "stdio", plugins={**ONE, "kit": "kit"})
    assert c.text("lent") == "fine"
    assert c.text("echo", text="here") == "here"


def test_a_retired_generation_has_no_schedules(client, tmp_path):
    path = tmp_path / "told"
    c = client(OLD, "stdio", plugins=ONE, env={"SIEGE_FILE": str(path), "SIEGE_TICKS": "1"},
               config={"loading": {"drain": "50s"}})
    c.start_call("long_one")
    eventually(lambda: "1 tick" in told(path) and "1 long" in told(path), "the old one")
    c.host.drop_plugin("siege", "siege2")
    eventually(lambda: told(path).count("2 tick") >= 2, "the new one")
    before = told(path).count("1 tick")
    many = told(path).count("2 tick")
    eventually(lambda: told(path).count("2 tick") >= many + 20, "the new one")
    assert told(path).count("1 tick") <= before


# ---------------------------------------------------------------- something exclusive, around all

def keep_calling(c, stop, count, *arguments, **named):
    """Calls of which some run at any time; what went wrong with them."""
    wrong = []

    def run():
        while not stop.is_set():
            try:
                result = c.call(*arguments, **named)
                if result.get("isError"):
                    wrong.append(result)
            except RpcError as e:
                wrong.append(e)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, wrong


def test_something_exclusive_is_replaced_although_calls_never_cease(client, tmp_path):
    path = tmp_path / "told"
    c = client(OLD, "stdio", plugins={"siege": "siege_exclusive1", "kit": "kit"},
               env={"SIEGE_FILE": str(path), "SIEGE_EVERYWHERE": "1"})
    before = len(told(path))  # start and stop were tried before
    stop = threading.Event()
    threads, wrong = keep_calling(c, stop, 6, "sleep", ms=50)
    try:
        c.host.drop_plugin("siege", "siege_exclusive2")
        c.host.wait_log("generation 2 .* serves")
        assert c.text("generation") == "2"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:3]
    lines = told(path)[before:]
    assert "1 stop" in lines and "1 the token is gone" not in lines[lines.index("1 stop"):]


# ---------------------------------------------------------------- half-way

def sessions(host):
    return scrape(host).value("gantry_sessions")


def slow_initialize(host):
    connection = Connection(host.address)
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {"protocolVersion": OLD, "capabilities": {},
                       "clientInfo": {"name": "slow", "version": "1"}}}
    data = json.dumps(body).encode()
    head = (f"POST /mcp HTTP/1.1\r\nHost: {connection.host_header}\r\n"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"Content-Length: {len(data)}\r\n\r\n")
    connection.send(head.encode() + data)
    return connection


def test_a_client_that_leaves_in_mid_initialize_leaves_no_session(client, tmp_path):
    path = tmp_path / "told"
    c = client(OLD, "http", plugins=ONE, env={"SIEGE_FILE": str(path)},
               config={"metrics": {"listen": "127.0.0.1:0"}})
    leaving = [slow_initialize(c.host) for _ in range(5)]
    eventually(lambda: told(path).count("1 the session is made") == 5, "the sessions")
    assert sessions(c.host) == 6
    for connection in leaving:
        connection.close()
    eventually(lambda: sessions(c.host) == 1, "the end of the sessions")
    other = connect(c.host, OLD, "http", name="twice")
    assert sessions(c.host) == 2
    assert other.text("blocking") == "done"


def test_a_session_that_takes_long_to_be_made_is_told_all_the_same(client):
    c = client(OLD, "http", plugins=ONE, config={"limits": {"stream_after": "20ms"}})
    assert connect(c.host, OLD, "http", name="dawdler").text("blocking") == "done"


def test_the_host_stops_while_middlewares_wait(client, tmp_path):
    path = tmp_path / "told"
    c = client(OLD, "http", plugins=ONE, env={"SIEGE_FILE": str(path), "SIEGE_EVERYWHERE": "1",
                                              "SIEGE_TICKS": "1"},
               config={"server": {"drain": "100ms"}, "loading": {"drain": "100ms"}})
    waiting = [slow_initialize(c.host) for _ in range(3)]
    for _ in range(10):
        c.notify("notifications/roots/list_changed", {})
    for _ in range(5):
        c.start_call("long_one")
        c.start_call("w_long")
    eventually(lambda: told(path).count("1 long") >= 5 and
               told(path).count("1 the session is made") == 3, "the waiting")
    before = len(told(path))  # start and stop were tried before
    c.host.stop()
    assert told(path)[before:].count("1 stop") == 1 and told(path)[-1] == "1 stop"
    for connection in waiting:
        connection.close()


def test_a_batch_passes_middlewares(client):
    c = client("2025-03-26", "stdio", plugins={**ONE, "kit": "kit"}, env={"SIEGE_EVERYWHERE": "1"})
    def calling(id, name, **arguments):
        return {"jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": {"name": name, "arguments": arguments}}
    c.send_batch([calling("a", "echo", text="x"), calling("b", "hopeless"), calling("c", "w_worked"),
                  {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
                  {"jsonrpc": "2.0", "id": "d", "method": "tools/list"},
                  calling("e", "deep", left=5, work=True)])
    answers = {a["id"]: a["result"] for a in c.unclaimed_all(5)}
    assert answers["a"]["content"][0]["text"] == "x"
    assert answers["b"]["isError"]
    assert answers["c"]["content"][0]["text"] == "reached"
    assert answers["e"]["content"][0]["text"] == "depth 5"


@pytest.mark.parametrize("exclusive", ["", "_exclusive"])
def test_calls_cancelled_anywhere_while_their_code_is_replaced(client, tmp_path, exclusive):
    c = client(OLD, "stdio", plugins={"siege": f"siege{exclusive}1", "kit": "kit"},
               env={"SIEGE_FILE": str(tmp_path / "told"), "SIEGE_EVERYWHERE": "1",
                    "SIEGE_TICKS": "1"},
               config={"limits": {"workers": 3},
                       # What is exclusive must be quiet within it: it stays where it was otherwise.
                       "loading": {"drain": "20s" if exclusive else "200ms"}})
    tools = ["w_piece", "w_stoppable", "w_worked", "w_to_blocking", "blocking", "hopeless", "lent",
             "spawns", "w_long", "long_one"]
    chance = random.Random(4)
    for turn in range(6):
        calls = [c.start_call("deep", left=chance.randrange(17), work=True) if i % 3 == 0 else
                 c.start_call(chance.choice(tools)) for i in range(60)]
        c.host.drop_plugin("siege", f"siege{exclusive}{2 - turn % 2}")
        chance.shuffle(calls)
        for call in calls:
            c.cancel(call)
            if chance.randrange(4) == 0:
                c.request("ping")
        assert c.text("echo", text=str(turn)) == str(turn)
    eventually(lambda: c.call("generation")["content"][0]["text"] == "1", "the last one")
