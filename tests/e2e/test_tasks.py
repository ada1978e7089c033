"""Calls that outlive their request: the extension io.modelcontextprotocol/tasks (plugin e2e_tasks)."""

import hashlib
import json
import os
import shutil
import signal
import socket

import pytest

from harness.client import RpcError, connect
from harness.host import eventually
from harness.metrics import scrape

NEW, OLD = "2026-07-28", "2025-11-25"
TASKS = "io.modelcontextprotocol/tasks"
ONE = {"tasks": "tasks1"}
KNOWS = {"extensions": {TASKS: {}}, "elicitation": {}}
ENDED = {"completed", "failed", "cancelled"}
DATA = {"requiredCapabilities": {"extensions": {TASKS: {}}}}


@pytest.fixture
def tasks(client):
    """tasks(transport, ...) starts a host with the plugin and connects a client that knows tasks."""
    def start(transport="http", capabilities=KNOWS, **options):
        c = client(NEW, transport, plugins=options.pop("plugins", ONE), **options)
        c.capabilities = capabilities
        return c
    return start


def create(c, name, /, **arguments):
    created = c.call(name, **arguments)
    assert created["resultType"] == "task", created
    return created["taskId"]


def get(c, task):
    found = c.request("tasks/get", {"taskId": task})
    assert found["taskId"] == task
    return found


def wait(c, task, *statuses):
    """Until the task has one of these statuses, or has ended."""
    return eventually(lambda: (t := get(c, task))["status"] in (ENDED | set(statuses)) and t,
                      f"task {task} to be {statuses or 'over'}")


def answer(c, task, **answers):
    content = {key: {"action": "accept", "content": value} for key, value in answers.items()}
    return c.request("tasks/update", {"taskId": task, "inputResponses": content})


def cancel(c, task):
    return c.request("tasks/cancel", {"taskId": task})


def text(result):
    return result["content"][0]["text"]


def ran(c, name, /, **arguments):
    """The text of the result of a task that completes."""
    ended = wait(c, create(c, name, **arguments))
    assert ended["status"] == "completed" and not ended["result"].get("isError"), ended
    return text(ended["result"])


def refused(c, method, **params):
    with pytest.raises(RpcError) as caught:
        c.request(method, params)
    return caught.value


def unknown(c, task):
    for method, more in (("tasks/get", {}), ("tasks/cancel", {}),
                         ("tasks/update", {"inputResponses": {}})):
        error = refused(c, method, taskId=task, **more)
        assert error.code == -32602 and "not found" in error.message.lower(), error


# ---------------------------------------------------------------- who gets a task

@pytest.mark.parametrize("transport", ["stdio", "http", "websocket", "sse"])
def test_a_client_that_knows_tasks_gets_one(tasks, transport):
    c = tasks(transport)
    assert c.request("server/discover")["capabilities"]["extensions"][TASKS] == {}
    created = c.call("slow", ms=20)
    assert (created["resultType"], created["status"]) == ("task", "working")
    assert created["ttlMs"] == 7200000 and created["pollIntervalMs"] == 1000
    ended = wait(c, created["taskId"])
    assert ended["status"] == "completed" and ended["createdAt"] == created["createdAt"]
    assert ended["lastUpdatedAt"] >= ended["createdAt"] and "statusMessage" not in ended
    assert ended["result"] == {"resultType": "complete", "_meta": {"e2e/mark": 7},
                               "content": [{"type": "text", "text": "done"}]}
    assert get(c, created["taskId"]) == ended


@pytest.mark.parametrize("capabilities", [{}, {"extensions": {}}, {"tasks": {}},
                                          {"extensions": {TASKS: None}}])
def test_others_get_the_result_or_are_refused(tasks, capabilities):
    c = tasks(capabilities=capabilities)
    assert c.text("slow") == "done"
    for tool in ("only", "deferred"):
        with pytest.raises(RpcError) as caught:
            c.call(tool)
        assert (caught.value.code, caught.value.status) == (-32021, 400)
        assert caught.value.data == DATA
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        error = refused(c, method, taskId="x")
        assert (error.code, error.status, error.data) == (-32021, 400, DATA)
    assert c.text("later", text="now") == "now -2 -2 0"


@pytest.mark.parametrize("revision", ["2025-06-18", OLD])
def test_revisions_with_sessions_have_no_tasks(client, revision, transport):
    c = client(revision, transport, plugins=ONE)
    c.capabilities = {**KNOWS, "tasks": {}}
    c.initialize()
    assert TASKS not in c.server["capabilities"].get("extensions", {})
    assert "tasks" not in c.server["capabilities"]
    assert c.text("slow") == "done"
    with pytest.raises(RpcError) as caught:
        c.call("only")
    assert caught.value.code == -32602 and TASKS in caught.value.message
    for method in ("tasks/get", "tasks/update", "tasks/cancel", "tasks/list", "tasks/result"):
        assert refused(c, method, taskId="x").code == -32601


def test_each_request_speaks_for_itself(tasks):
    c = tasks()
    task = create(c, "slow", ms=600000)
    c.capabilities = {}
    assert refused(c, "tasks/get", taskId=task).code == -32021
    assert c.text("slow") == "done"
    c.capabilities = {"extensions": {TASKS: {}}}
    assert get(c, task)["status"] == "working"
    cancel(c, task)
    assert wait(c, task)["status"] == "cancelled"


def test_what_tasks_were_before_means_nothing(tasks):
    c = tasks()
    result = c.request("tools/call", {"name": "plain", "arguments": {}, "task": {"ttl": 1000}})
    assert result["resultType"] == "complete" and text(result) == "done"
    for method in ("tasks/result", "tasks/list"):
        error = refused(c, method, taskId="x")
        assert (error.code, error.status) == (-32601, 404)
    assert "tasks" not in c.request("server/discover")["capabilities"]


def test_headers_name_the_task(tasks):
    c = tasks()
    task = create(c, "slow")
    for name in ("other", ""):
        pending = c.start("tasks/get", {"taskId": task}, headers={"Mcp-Name": name})
        with pytest.raises(RpcError) as caught:
            pending.result()
        assert (caught.value.code, caught.value.status) == (-32020, 400)


# ---------------------------------------------------------------- how they end

def test_tool_errors_complete_and_protocol_errors_fail(tasks):
    c = tasks()
    for tool, said in (("fails", "no such luck"), ("accident", "internal error (correlation"),
                       ("brief", "did not finish in time")):
        ended = wait(c, create(c, tool, **({"ms": 600000} if tool == "brief" else {})))
        assert ended["status"] == "completed" and ended["result"]["isError"], ended
        assert said in text(ended["result"])
    ended = wait(c, create(c, "slow", ms=-1))
    assert ended["status"] == "completed" and ended["result"]["isError"]
    assert "ms" in text(ended["result"])
    ended = wait(c, create(c, "refuses"))
    assert ended["status"] == "failed"
    assert ended["error"] == {"code": -32050, "message": "the quota is used up"}
    assert ended["statusMessage"] == "the quota is used up"


def test_a_result_that_is_too_large_fails(tasks):
    c = tasks(config={"tasks": {"max_result": 4096}})
    assert len(ran(c, "big", bytes=3000)) == 3000
    ended = wait(c, create(c, "big", bytes=5000))
    assert ended["status"] == "failed" and ended["error"]["code"] == -32603
    assert "tasks.max_result" in ended["error"]["message"]


def test_the_time_of_a_task_is_its_own(tasks):
    c = tasks(config={"tasks": {"timeout": "100ms"}, "server": {"call_timeout": "1h"}})
    for tool in ("slow", "later"):
        ended = wait(c, create(c, tool, ms=600000))
        assert ended["status"] == "completed" and "did not finish" in text(ended["result"])
    c = tasks(config={"server": {"call_timeout": "200ms"}})
    assert ran(c, "slow", ms=1000, text="in time") == "in time"
    assert ran(c, "later", ms=1000).startswith("later 0")


# ---------------------------------------------------------------- on the way

@pytest.mark.parametrize("tool", ["later", "later_blocking"])
def test_a_call_may_become_one_on_its_way(tasks, tool):
    c = tasks()
    created = c.call(tool, ms=50, ttl=5000000)
    assert created["resultType"] == "task" and created["statusMessage"] == "it takes long"
    assert (created["pollIntervalMs"], created["ttlMs"]) == (77, 5000000)
    ended = wait(c, created["taskId"])
    assert text(ended["result"]) == "later 0 0 1" and "statusMessage" not in ended


def test_prompts_do_not_become_tasks(tasks):
    c = tasks()
    got = c.request("prompts/get", {"name": "no_task"})
    assert got["messages"][0]["content"]["text"] == "-2 -2"


@pytest.mark.parametrize("transport", ["stdio", "http", "websocket", "sse"])
def test_progress_and_log_lines_end_and_status_messages_begin(tasks, transport):
    c = tasks(transport)
    c.meta = {"progressToken": "t", "io.modelcontextprotocol/logLevel": "debug"}
    pending = c.start_call("steps", n=3, ms=600000)
    task = pending.result()["taskId"]
    got = eventually(lambda: (t := get(c, task)).get("statusMessage") and t, "a status message")
    assert (got["status"], got["statusMessage"]) == ("working", "step 1 of 3")
    cancel(c, task)
    assert pending.notifications == []
    c.meta = {}
    assert ran(c, "steps", n=5) == "all 5"


# ---------------------------------------------------------------- questions

@pytest.mark.parametrize("transport", ["stdio", "http", "websocket", "sse"])
@pytest.mark.parametrize("tool", ["greets", "greets_blocking"])
def test_questions_are_answered_one_after_the_other(tasks, transport, tool):
    c = tasks(transport)
    task = create(c, tool)
    asked = wait(c, task, "input_required")
    assert list(asked["inputRequests"]) == ["who"]
    assert asked["inputRequests"]["who"]["method"] == "elicitation/create"
    assert get(c, task)["inputRequests"] == asked["inputRequests"]
    assert set(answer(c, task, who={"name": "Ada"})) <= {"resultType", "_meta"}
    asked = eventually(lambda: (t := get(c, task)).get("inputRequests") and t, "the next question")
    assert list(asked["inputRequests"]) == ["who-2"]
    assert asked["inputRequests"]["who-2"]["params"]["message"] == "And who else?"
    answer(c, task, who={"name": "Eve"})  # answered already: it is ignored
    answer(c, task, **{"who-2": {"name": "Bob"}})
    assert text(wait(c, task)["result"]) == "Ada and Bob"
    answer(c, task, **{"who-2": {"name": "Eve"}})
    assert text(get(c, task)["result"]) == "Ada and Bob"


def test_questions_that_stand_together_are_answered_one_by_one(tasks):
    c = tasks()
    task = create(c, "both")
    assert set(wait(c, task, "input_required")["inputRequests"]) == {"name", "sure"}
    answer(c, task, sure={})
    left = get(c, task)
    assert left["status"] == "input_required" and list(left["inputRequests"]) == ["name"]
    c.request("tasks/update", {"taskId": task, "inputResponses": {"never": {"asked": True},
                                                                  "sure": 7}})
    assert list(get(c, task)["inputRequests"]) == ["name"]
    answer(c, task, name={"name": "Ada"})
    assert text(wait(c, task)["result"]) == "Ada 0"


def test_an_answer_that_does_not_fit_is_not_taken(tasks):
    c = tasks()
    task = create(c, "both")
    wait(c, task, "input_required")
    for wrong in ({"action": "accept", "content": {"name": "B"}}, {"action": "perhaps"}, 7, None):
        error = refused(c, "tasks/update", taskId=task, inputResponses={"name": wrong})
        assert error.code == -32602 and "name" in error.message, error
    error = refused(c, "tasks/update", taskId=task, inputResponses={
        "name": {"action": "accept", "content": {}}, "sure": {"action": "accept", "content": {}}})
    assert error.code == -32602
    assert list(get(c, task)["inputRequests"]) == ["name"]  # the other one was taken
    answer(c, task, name={"name": "Ada"})
    assert text(wait(c, task)["result"]) == "Ada 0"


def test_a_refusal_is_an_answer(tasks):
    c = tasks()
    task = create(c, "greets")
    wait(c, task, "input_required")
    c.request("tasks/update", {"taskId": task, "inputResponses": {"who": {"action": "decline"}}})
    assert text(wait(c, task)["result"]) == "declined"


def test_what_the_client_cannot_be_asked_fails(tasks):
    c = tasks(capabilities={"extensions": {TASKS: {}}})
    ended = wait(c, create(c, "greets"))
    assert ended["status"] == "failed" and ended["error"]["code"] == -32021
    assert list(ended["error"]["data"]["requiredCapabilities"]) == ["elicitation"]


def test_updates_without_answers_are_refused(tasks):
    c = tasks()
    task = create(c, "greets")
    for wrong in ({}, {"inputResponses": None}, {"inputResponses": []}):
        assert refused(c, "tasks/update", taskId=task, **wrong).code == -32602


def test_questions_before_it_becomes_a_task_are_asked_in_the_reply(tasks):
    c = tasks()
    first = c.call("deferred")
    assert first["resultType"] == "input_required" and "taskId" not in first
    created = c.request("tools/call", {
        "name": "deferred", "arguments": {}, "requestState": first["requestState"],
        "inputResponses": {"who": {"action": "accept", "content": {"name": "Ada"}}}})
    assert created["resultType"] == "task"
    asked = wait(c, created["taskId"], "input_required")
    assert list(asked["inputRequests"]) == ["sure"]
    answer(c, created["taskId"], sure={})
    assert text(wait(c, created["taskId"])["result"]) == "Ada is sure"


def test_what_the_retry_knows_of_tasks_counts(tasks):
    c = tasks()
    state = c.call("deferred")["requestState"]
    retry = {"name": "deferred", "arguments": {}, "requestState": state,
             "inputResponses": {"who": {"action": "accept", "content": {"name": "Ada"}}}}
    c.capabilities = {"elicitation": {}}
    with pytest.raises(RpcError) as caught:
        c.request("tools/call", retry)
    assert (caught.value.code, caught.value.status, caught.value.data) == (-32021, 400, DATA)
    c.capabilities = KNOWS
    assert c.request("tools/call", retry)["resultType"] == "task"


# ---------------------------------------------------------------- cancelling

def test_cancelling_ends_the_handler(tasks):
    c = tasks()
    task = create(c, "slow", ms=600000)
    assert set(cancel(c, task)) <= {"resultType", "_meta"}
    ended = wait(c, task)
    assert ended["status"] == "cancelled" and "result" not in ended
    eventually(lambda: c.structured("counted") == {"running": 0, "ended": 1, "cancelled": 1},
               "the end of the handler")
    cancel(c, task)
    assert get(c, task) == ended


@pytest.mark.parametrize("tool", ["greets", "greets_blocking"])
def test_cancelling_ends_questions(tasks, tool):
    c = tasks()
    task = create(c, tool)
    wait(c, task, "input_required")
    cancel(c, task)
    assert get(c, task)["status"] == "cancelled"
    answer(c, task, who={"name": "Ada"})
    assert get(c, task)["status"] == "cancelled"


def test_cancelling_what_has_ended_changes_nothing(tasks):
    c = tasks()
    task = create(c, "slow")
    ended = wait(c, task)
    cancel(c, task)
    assert get(c, task) == ended


@pytest.mark.parametrize("transport", ["stdio", "http", "websocket", "sse"])
def test_a_client_that_goes_away_comes_back(tasks, transport):
    c = tasks(transport)
    pending = c.start_call("slow", ms=300, text="still there")
    task = pending.result()["taskId"]
    if transport == "http":
        for connection in c.idle:
            connection.close()
        c.idle.clear()
    else:
        c.cancel(pending)
    ended = wait(c, task)
    assert ended["status"] == "completed" and text(ended["result"]) == "still there"
    if transport == "http":
        other = connect(c.host, NEW, "http")
        other.capabilities = KNOWS
        assert get(other, task) == ended
        other.close()


def test_a_task_goes_on_after_its_connection_is_reset(tasks):
    c = tasks()
    pending = c.start_call("slow", ms=300)
    task = pending.result()["taskId"]
    eventually(lambda: pending.connection, "the connection")
    sock = pending.connection.socket
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sock.close()
    c.idle.clear()
    assert wait(c, task)["status"] == "completed"


# ---------------------------------------------------------------- whose it is

def tokens(*names):
    return {"auth": {"tokens": [
        {"principal": name,
         "hash": "sha256:" + hashlib.sha256(f"{name}-token".encode()).hexdigest()}
        for name in names]}}


def as_principal(c, name):
    other = connect(c.host, NEW, "http", headers={"Authorization": f"Bearer {name}-token"})
    other.capabilities = KNOWS
    return other


def test_another_principal_knows_nothing_of_it(host):
    h = host(plugins=ONE, http=True, config=tokens("ada", "bob"))
    ada = connect(h, NEW, "http", headers={"Authorization": "Bearer ada-token"})
    ada.capabilities = KNOWS
    bob = as_principal(ada, "bob")
    task = create(ada, "greets")
    wait(ada, task, "input_required")
    unknown(bob, task)
    assert get(ada, task)["status"] == "input_required"
    answer(ada, task, who={"name": "Ada"})
    unknown(bob, task)
    for c in (ada, bob):
        c.close()


def test_ids_cannot_be_guessed(tasks):
    c = tasks()
    made = [create(c, "slow") for _ in range(50)]
    assert len(set(made)) == 50 and all(len(task) == 43 for task in made)
    for task in (made[0][:-1], made[0] + "A", made[0].swapcase(), "", "../" + made[0]):
        unknown(c, task)
    for wrong in ({}, {"taskId": 7}, {"taskId": None}, {"taskId": [made[0]]}, {"taskId": "\x00"}):
        assert refused(c, "tasks/get", **wrong).code == -32602


# ---------------------------------------------------------------- limits

def test_an_expired_task_is_unknown(tasks):
    c = tasks(config={"tasks": {"ttl": "150ms"}})
    done, running = create(c, "slow"), create(c, "slow", ms=600000)
    asking = create(c, "greets")
    for task in (done, running, asking):
        eventually(lambda: not_found(c, task), "the end of its time")
    eventually(lambda: c.structured("counted") == {"running": 0, "ended": 2, "cancelled": 1},
               "the end of the handlers")


def not_found(c, task):
    try:
        get(c, task)
    except RpcError as error:
        return error.code == -32602
    return False


def test_an_author_asks_for_no_more_time_than_there_is(tasks):
    c = tasks(config={"tasks": {"max_ttl": "10m"}})
    assert c.call("later", ttl=3600000)["ttlMs"] == 600000


def test_no_more_run_than_may(tasks):
    c = tasks(config={"tasks": {"max": 3}})
    running = [create(c, "slow", ms=600000), create(c, "greets"), create(c, "later", ms=600000)]
    with pytest.raises(RpcError) as caught:
        c.call("slow")
    assert (caught.value.code, caught.value.status) == (-32603, 503) and "tasks" in caught.value.message
    assert text(c.call("later")) == "too many tasks"
    assert c.text("plain") == "done"
    cancel(c, running[0])
    eventually(lambda: c.structured("counted")["cancelled"] == 1, "room")
    task = create(c, "slow")
    assert wait(c, task)["status"] == "completed"
    assert get(c, running[1])["status"] == "input_required"


def test_one_principal_does_not_take_all(host):
    h = host(plugins=ONE, http=True,
             config={**tokens("ada", "bob"), "tasks": {"max": 3, "max_per_principal": 2}})
    ada = connect(h, NEW, "http", headers={"Authorization": "Bearer ada-token"})
    ada.capabilities = KNOWS
    bob = as_principal(ada, "bob")
    for _ in range(2):
        create(ada, "slow", ms=600000)
    with pytest.raises(RpcError, match="too many tasks"):
        ada.call("slow")
    assert ran(bob, "slow") == "done"
    for c in (ada, bob):
        c.close()


@pytest.mark.parametrize("limit", [{"max_kept": 3}, {"max_bytes": 4000}])
def test_the_oldest_results_go_first(tasks, limit):
    c = tasks(config={"tasks": limit})
    running = create(c, "slow", ms=600000)
    made = []
    for _ in range(6):
        made.append(create(c, "big", bytes=1000))
        eventually(lambda: not_found(c, made[-1]) or get(c, made[-1])["status"] == "completed",
                   "its end")
    assert [not_found(c, task) for task in made] == [True] * 3 + [False] * 3
    assert get(c, running)["status"] == "working"


def test_handlers_that_do_not_end_keep_their_place(tasks):
    c = tasks(config={"tasks": {"max": 1}, "server": {"drain": "0s"}})
    task = create(c, "blocking", ms=3000)
    eventually(lambda: get(c, task)["status"] == "working", "its start")
    cancel(c, task)
    assert get(c, task)["status"] == "cancelled"
    # While its worker is still busy nobody else gets in.
    eventually(lambda: accepted(c), "room")


def accepted(c):
    try:
        return create(c, "slow")
    except RpcError as error:
        assert error.code == -32603
        return None


@pytest.mark.parametrize("directory", [False, True])
def test_two_hundred_at_once(tasks, directory, tmp_path):
    config = {"tasks": {"directory": str(tmp_path / "tasks")}} if directory else {}
    c = tasks(config=config)
    started = [c.start_call("slow", ms=100 + i, text=str(i)) for i in range(200)]
    made = [pending.result()["taskId"] for pending in started]
    assert len(set(made)) == 200
    for i, task in enumerate(made):
        assert text(wait(c, task)["result"]) == str(i)
    page = scrape(c.host)
    assert page.value("gantry_tasks", status="completed") == 200
    assert page.value("gantry_tasks", status="working") == 0


# ---------------------------------------------------------------- notifications

def listen(c, *ids, **more):
    pending = c.start("subscriptions/listen", {"notifications": {"taskIds": list(ids), **more}})
    acknowledged = pending.wait_notifications(1)[0]
    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    return pending, acknowledged["params"]["notifications"].get("taskIds", [])


def told(pending, task):
    return [n["params"] for n in list(pending.notifications)
            if n["method"] == "notifications/tasks" and n["params"]["taskId"] == task]


@pytest.mark.parametrize("transport", ["stdio", "http", "websocket", "sse"])
def test_who_watches_is_told(tasks, transport):
    c = tasks(transport)
    task = create(c, "greets")
    other = create(c, "slow", ms=600000)
    pending, agreed = listen(c, task, "nonsense", task)
    assert agreed == [task]
    eventually(lambda: [t["status"] for t in told(pending, task)][-1:] == ["input_required"],
               "the question")
    answer(c, task, who={"name": "Ada"})
    eventually(lambda: list(told(pending, task)[-1].get("inputRequests", {})) == ["who-2"],
               "the next question")
    answer(c, task, **{"who-2": {"name": "Bob"}})
    eventually(lambda: told(pending, task)[-1]["status"] == "completed", "the end")
    last = dict(told(pending, task)[-1])
    assert last.pop("_meta")["io.modelcontextprotocol/subscriptionId"] == pending.request["id"]
    got = get(c, task)
    del got["_meta"], got["resultType"]
    assert last == got
    assert not told(pending, other)


def test_status_messages_are_told(tasks):
    c = tasks()
    task = create(c, "steps", n=1000000, ms=20)
    pending, agreed = listen(c, task)
    assert agreed == [task]
    eventually(lambda: len({t.get("statusMessage") for t in told(pending, task)}) > 2, "some steps")
    assert all(t["status"] == "working" and t["statusMessage"].startswith("step ")
               for t in told(pending, task))
    cancel(c, task)
    eventually(lambda: told(pending, task)[-1]["status"] == "cancelled", "the end")


def test_what_has_ended_before_is_told_as_well(tasks):
    c = tasks()
    task = create(c, "slow")
    wait(c, task)
    pending, _ = listen(c, task, toolsListChanged=True)
    eventually(lambda: told(pending, task), "what it has come to")
    assert told(pending, task)[0]["result"]["content"][0]["text"] == "done"


def test_who_does_not_know_tasks_cannot_watch_them(tasks):
    c = tasks()
    task = create(c, "slow")
    for wrong in (7, [7], {"a": 1}):
        assert refused(c, "subscriptions/listen", notifications={"taskIds": wrong}).code == -32602
    many = refused(c, "subscriptions/listen", notifications={"taskIds": [task] * 2000})
    assert many.code == -32602
    c.capabilities = {}
    error = refused(c, "subscriptions/listen", notifications={"taskIds": [task]})
    assert (error.code, error.data) == (-32021, DATA)


def test_another_principal_cannot_watch_it(host):
    h = host(plugins=ONE, http=True, config=tokens("ada", "bob"))
    ada = connect(h, NEW, "http", headers={"Authorization": "Bearer ada-token"})
    ada.capabilities = KNOWS
    bob = as_principal(ada, "bob")
    task = create(ada, "slow", ms=200)
    pending, agreed = listen(bob, task)
    assert agreed == []
    wait(ada, task)
    assert not told(pending, task)
    for c in (ada, bob):
        c.close()


# ---------------------------------------------------------------- reload and restart

def test_a_task_lives_out_with_the_plugin_that_began_it(tasks):
    c = tasks(config={"loading": {"drain": "50ms"}})
    task, asking = create(c, "slow", ms=1500, text="of the old one"), create(c, "greets")
    wait(c, asking, "input_required")
    c.host.drop_plugin("tasks", "tasks2")
    eventually(lambda: c.text("version") == "2", "the new version")
    c.host.wait_log("generation 1 of tasks stays loaded")
    assert text(wait(c, task)["result"]) == "of the old one"
    answer(c, asking, who={"name": "Ada"})
    eventually(lambda: "who-2" in get(c, asking).get("inputRequests", {}), "the next question")
    answer(c, asking, **{"who-2": {"name": "Bob"}})
    assert text(wait(c, asking)["result"]) == "Ada and Bob"
    c.host.wait_log("generation 1 of tasks has ended after all")


def test_a_plugin_that_must_stop_first_ends_its_tasks(tasks):
    c = tasks(plugins={"tasks": "tasks_exclusive1"}, config={"loading": {"drain": "50ms"}})
    made = [create(c, "slow", ms=600000), create(c, "greets")]
    wait(c, made[1], "input_required")
    c.host.drop_plugin("tasks", "tasks_exclusive2")
    for task in made:
        ended = wait(c, task)
        assert ended["status"] == "failed" and ended["error"]["code"] == -32603
        assert "replaced" in ended["error"]["message"]
    eventually(lambda: version_of(c) == "2", "the new version")
    assert ran(c, "slow") == "done"


def version_of(c):
    try:
        return c.text("version")
    except RpcError as error:  # for a moment nobody serves it
        assert error.code in (-32602, -32603), error
        return None


def test_a_removed_plugin_lets_its_tasks_end(tasks):
    c = tasks(config={"loading": {"drain": "50ms", "removal_grace": "50ms"}})
    task = create(c, "slow", ms=1000)
    c.host.remove_plugin("tasks")
    eventually(lambda: c.names() == [], "the tools to go")
    assert text(wait(c, task)["result"]) == "done"
    c.host.wait_log("generation 1 of tasks")


def test_a_drain_ends_what_takes_too_long(tasks):
    c = tasks(config={"server": {"drain": "100ms"}})
    create(c, "slow", ms=600000)
    create(c, "greets")
    c.host.stop()


def restart(c, host, tmp_path, kill=False, **more):
    """The host is stopped, or killed, and another one takes its folder over."""
    if kill:
        c.host.expect_exit = -signal.SIGKILL
        c.host.signal(signal.SIGKILL)
        c.host.wait()
    else:
        c.host.stop()
    h = host(plugins=ONE, http=True, config=kept(tmp_path, **more))
    again = connect(h, NEW, "http")
    again.capabilities = KNOWS
    return again


def kept(tmp_path, **more):
    return {"tasks": {"directory": str(tmp_path / "tasks"), **more}, "server": {"drain": "100ms"}}


@pytest.mark.parametrize("kill", [False, True])
def test_tasks_outlive_the_process(tasks, host, tmp_path, kill):
    c = tasks(config=kept(tmp_path))
    done, failed, cancelled = create(c, "slow"), create(c, "refuses"), create(c, "slow", ms=600000)
    cancel(c, cancelled)
    before = [wait(c, task) for task in (done, failed, cancelled)]
    running, asking = create(c, "slow", ms=600000), create(c, "greets")
    wait(c, asking, "input_required")
    # What ended a moment ago may still be on its way to the disk.
    eventually(lambda: [saved(tmp_path, task)["status"] for task in (done, failed, cancelled)] ==
               ["completed", "failed", "cancelled"], "the files")
    again = restart(c, host, tmp_path, kill)
    assert [get(again, task) for task in (done, failed, cancelled)] == before
    for task in (running, asking):
        ended = get(again, task)
        assert ended["status"] == "failed" and ended["error"]["code"] == -32603
        assert ("restarted" if kill else "stopped") in ended["error"]["message"]
        assert ended["statusMessage"] == ended["error"]["message"]
    cancel(again, running)
    after = [get(again, task) for task in (running, asking)]
    third = restart(again, host, tmp_path, kill)
    assert [get(third, task) for task in (done, running, asking)] == [before[0], *after]
    for one in (again, third):
        one.close()


def saved(tmp_path, task):
    return json.loads((tmp_path / "tasks" / f"{task}.json").read_text())


def test_a_task_is_stored_before_its_client_hears_of_it(tasks, tmp_path):
    c = tasks(config=kept(tmp_path))
    for tool in ("slow", "later"):
        task = create(c, tool, ms=600000)
        assert saved(tmp_path, task)["status"] == "working"
        assert (tmp_path / "tasks" / f"{task}.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tasks").stat().st_mode & 0o777 == 0o700


def test_restored_tasks_stay_those_of_their_principal(host, tmp_path):
    config = {**tokens("ada", "bob"), **kept(tmp_path)}
    h = host(plugins=ONE, http=True, config=config)
    ada = connect(h, NEW, "http", headers={"Authorization": "Bearer ada-token"})
    ada.capabilities = KNOWS
    task = create(ada, "slow")
    before = wait(ada, task)
    h.stop()
    again = host(plugins=ONE, http=True, config=config)
    ada2 = connect(again, NEW, "http", headers={"Authorization": "Bearer ada-token"})
    ada2.capabilities = KNOWS
    bob = as_principal(ada2, "bob")
    assert get(ada2, task) == before
    unknown(bob, task)
    for c in (ada, ada2, bob):
        c.close()


def test_expired_files_go(tasks, host, tmp_path):
    c = tasks(config=kept(tmp_path, ttl="300ms"))
    gone = create(c, "slow")
    eventually(lambda: not_found(c, gone), "its end")
    eventually(lambda: not (tmp_path / "tasks" / f"{gone}.json").exists(), "the file to go")
    left = create(c, "slow")
    again = restart(c, host, tmp_path)
    eventually(lambda: not_found(again, left), "its end")
    eventually(lambda: sorted(os.listdir(tmp_path / "tasks")) == ["lock"], "an empty folder")
    again.close()


def test_a_hostile_folder_is_read_with_suspicion(host, tmp_path):
    folder = tmp_path / "tasks"
    folder.mkdir(mode=0o700)
    good = {"version": 1, "id": "g" * 43, "principal": None, "tool": "slow", "status": "completed",
            "message": None, "created": 4000000000000, "updated": 4000000000000, "ttl": 3600000,
            "poll": 1000, "outcome": {"resultType": "complete", "content": []}}

    def put(name, what, **changes):
        path = folder / name
        path.write_text(what if isinstance(what, str) else json.dumps({**what, **changes}))
        path.chmod(0o600)

    put("g" * 43 + ".json", good)
    for i, changes in enumerate([
            {"version": 2}, {"version": None}, {"id": "x" * 43}, {"status": "flying"},
            {"outcome": None}, {"outcome": [1]}, {"status": "cancelled"}, {"created": -1},
            {"created": 1e300}, {"ttl": 0}, {"ttl": "1"}, {"poll": 1 << 40}, {"principal": 7},
            {"tool": {}}, {"message": []}, {"updated": 1 << 62}]):
        name = f"{i:043}"
        put(f"{name}.json", {**good, "id": name, **changes})
    put("h" * 43 + ".json", "{")
    put("i" * 43 + ".json", "\x00\x01" * 99)
    put("j" * 43 + ".json", "[" * 100000)
    put("notes.txt", "mine")
    put("../tasks/k.json", "{}")
    put("l" * 43 + ".json", {**good, "id": "l" * 43})
    (folder / ("l" * 43 + ".json")).chmod(0o666)
    (folder / ("m" * 43 + ".json")).symlink_to(folder / ("g" * 43 + ".json"))
    os.mkfifo(folder / ("n" * 43 + ".json"))
    (folder / ("o" * 43 + ".json")).mkdir()
    put("." + "p" * 43 + ".tmp", "half")
    h = host(plugins=ONE, http=True, config=kept(tmp_path))
    c = connect(h, NEW, "http")
    c.capabilities = KNOWS
    assert get(c, "g" * 43)["status"] == "completed"
    for letter in "hijlmno":
        assert not_found(c, letter * 43)
    assert not any(not not_found(c, f"{i:043}") for i in range(16))
    h.wait_log("1 tasks are known from before")
    h.wait_log("skipped", count=10)
    assert not (folder / ("." + "p" * 43 + ".tmp")).exists()
    assert (folder / "notes.txt").read_text() == "mine"
    assert wait(c, create(c, "slow"))["status"] == "completed"
    c.close()


@pytest.mark.parametrize("problem", ["mode", "file", "link", "lock"])
def test_a_folder_that_is_not_ours_alone_is_refused(host, tmp_path, problem):
    folder = tmp_path / "tasks"
    if problem == "mode":
        folder.mkdir()
        folder.chmod(0o755)
    elif problem == "file":
        folder.write_text("")
    elif problem == "link":
        (tmp_path / "real").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "real")
    else:
        host(plugins=ONE, http=True, config=kept(tmp_path))
    h = host(plugins=ONE, http=True, config=kept(tmp_path), must_start=False)
    h.expect_exit = 2 if problem == "file" else 3  # that much the configuration tells by itself
    assert h.wait() == h.expect_exit
    assert "tasks.directory" in h.log()


def test_a_task_that_cannot_be_stored_is_refused(tasks, tmp_path):
    c = tasks(config=kept(tmp_path))
    shutil.rmtree(tmp_path / "tasks")
    for tool in ("slow", "later"):
        with pytest.raises(RpcError) as caught:
            c.call(tool, ms=600000)
        assert caught.value.code == -32603 and "stored" in caught.value.message
    eventually(lambda: c.structured("counted")["running"] == 0, "the end of the handlers")
    c.host.wait_log("not stored")


# ---------------------------------------------------------------- figures

def test_metrics_count_them_by_status(tasks):
    c = tasks()
    for tool in ("slow", "refuses", "fails"):
        wait(c, create(c, tool))
    cancelled = create(c, "slow", ms=600000)
    cancel(c, cancelled)
    create(c, "slow", ms=600000)
    wait(c, create(c, "greets"), "input_required")
    page = scrape(c.host)
    counts = {status: page.value("gantry_tasks", status=status)
              for status in ("working", "input_required", "completed", "failed", "cancelled")}
    assert counts == {"working": 1, "input_required": 1, "completed": 2, "failed": 1, "cancelled": 1}


def test_tasks_do_not_take_the_places_of_calls(tasks):
    c = tasks(config={"limits": {"max_calls": 2, "max_queued_calls": 0}})
    for _ in range(40):
        create(c, "slow", ms=600000)
    for _ in range(5):
        assert c.text("plain") == "done"
