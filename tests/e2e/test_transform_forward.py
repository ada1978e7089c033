"""Functions around tools that ask their client, become tasks and block: the parent runs in the call of
the function, and its client cannot tell the difference."""

import pytest

from harness.asking import Talker, accept, connect, decline
from harness.host import eventually

FORM = "elicitation/create"
ERAS = pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
TASKS = "io.modelcontextprotocol/tasks"
WITH_TASKS = {"tasks": "tasks1", "forward": "forward"}


@pytest.fixture
def talk(host):
    """talk(revision, answer): a client of a host with the tools that ask."""
    served = host(plugins=["e2e_ask", "e2e_forward"], http=True)
    made = []

    def make(revision, answer):
        made.append(connect(served, revision, "http"))
        return Talker(made[-1], {FORM: answer})

    yield make
    for client in made:
        client.close()


def messages(talker):
    return [asked["params"]["message"] for asked in talker.asked]


def texts(result):
    assert not result.get("isError"), result
    return [block["text"] for block in result["content"]]


@ERAS
def test_a_parent_asks_the_client_of_the_function(talk, revision):
    talker = talk(revision, accept())
    assert texts(talker.call("confirm_around", question="Really?")) == ["confirmed", "around"]
    assert messages(talker) == ["Really?"]
    direct, around = (talk(revision, decline).call(tool) for tool in ("confirm", "confirm_around"))
    assert direct["isError"] and direct == around


@ERAS
def test_a_parent_that_runs_twice_asks_twice(talk, revision):
    talker = talk(revision, accept())
    assert texts(talker.call("confirm_twice")) == ["confirmed"]
    assert messages(talker) == ["Sure?", "Once more?"]


@ERAS
def test_what_asks_on_a_worker_is_run_again_only_if_all_of_it_may_be(talk, revision):
    talker = talk(revision, accept())
    assert texts(talker.call("replay_around")) == ["confirmed"]
    assert len(talker.asked) == 1
    talker = talk(revision, accept())
    result = talker.call("once_around")
    if revision == "2025-11-25":
        assert texts(result) == ["confirmed"]
    else:
        assert result["isError"] and talker.asked == []
        assert "GANTRY_REPLAY" in result["content"][0]["text"]


@pytest.mark.parametrize("tool", ["later_around", "blocking_around"])
def test_a_parent_makes_a_task_of_the_call(client, tool):
    c = client("2026-07-28", plugins=WITH_TASKS)
    c.capabilities = {"extensions": {TASKS: {}}}
    created = c.call(tool, ms=50)
    assert created["resultType"] == "task" and created["statusMessage"] == "it takes long"

    def ended():
        task = c.request("tasks/get", {"taskId": created["taskId"]})
        return task if task["status"] != "working" else None
    task = eventually(ended, "the task to end")
    assert task["status"] == "completed"
    assert texts(task["result"]) == ["forwarded 0 0 1", "a task"]


@pytest.mark.parametrize("tool", ["later_around", "blocking_around"])
def test_a_parent_that_cannot_make_one_goes_on(client, tool):
    c = client("2026-07-28", plugins=WITH_TASKS)
    assert texts(c.call(tool)) == ["forwarded -2 -2 0", "no task"]
