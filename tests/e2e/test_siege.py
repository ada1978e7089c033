"""Middlewares, nested calls, schedules and scope under abuse (tests/plugins/e2e_siege.c)."""

import pytest

from harness.client import RpcError, connect
from harness.host import eventually

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
