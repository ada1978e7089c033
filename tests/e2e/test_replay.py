"""One handler with two questions and a step between them that is done once (plugin e2e_replay):
the same result for clients of both eras, here, in another process, after a reload, after a restart."""

import concurrent.futures
import hashlib
import time

import pytest

from harness.client import RpcError, StdioClient, connect
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
PARTY = {"action": "accept", "content": {"name": "Ada", "seats": 2}}
SEND = {"action": "accept", "content": {}}
DONE = "Ada to Oslo, charged Ada 2"
TOOLS = ["replayed", "threaded", "waiting"]


@pytest.fixture
def marks(tmp_path):
    return tmp_path / "steps"


def config(marks, **more):
    return {"ask": {"keys": KEYS, **more},
            "plugins": [{"plugin": "replay", "settings": {"file": str(marks)}}]}


def start(host, marks, build=1, **more):
    return host(plugins={"replay": f"replay{build}"}, config=config(marks, **more), http=True)


def stateless(one):
    c = connect(one, NEW, "http")
    c.capabilities = {"elicitation": {"form": {}}}
    return c


def steps(marks):
    return marks.read_text().splitlines() if marks.exists() else []


def ask(c, tool, responses=None, state=None, arguments=None):
    params = {"name": tool, "arguments": arguments or {}}
    if responses is not None:
        params["inputResponses"] = responses
    if state is not None:
        params["requestState"] = state
    return c.request("tools/call", params)


def asked(result, key):
    assert result["resultType"] == "input_required", result
    assert list(result["inputRequests"]) == [key], result
    assert result["inputRequests"][key]["method"] == "elicitation/create"
    return result["requestState"]


def first(c, tool):
    return asked(ask(c, tool), "party")


def second(c, tool, state):
    return asked(ask(c, tool, {"party": PARTY}, state), "send")


def done(result, build=1):
    assert result["resultType"] == "complete" and not result.get("isError"), result
    assert result["content"][0]["text"] == f"{build}: {DONE}"


def refused(reason, c, *args, **options):
    with pytest.raises(RpcError) as e:
        ask(c, *args, **options)
    assert e.value.code == -32602 and e.value.data == {"reason": reason}, (e.value, e.value.data)


# ---------------------------------------------------------------- the same result everywhere

@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("old", ["2025-06-18", OLD])
def test_a_handshake_client_is_asked_in_the_middle(host, marks, tool, old):
    one = host(plugins={"replay": "replay1"}, config=config(marks), stdio=True)
    c = StdioClient(one, old)
    c.capabilities = {"elicitation": {}}
    c.initialize()
    call = c.start_call(tool)
    for n, answer in enumerate([PARTY, SEND]):
        question = c.notifications.wait("elicitation/create", n + 1)[n]
        c.send_message({"jsonrpc": "2.0", "id": question["id"], "result": answer})
    assert call.result()["content"][0]["text"] == f"1: {DONE}"
    assert steps(marks) == ["Ada"]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_stateless_client_that_retries_here(host, marks, tool):
    c = stateless(start(host, marks))
    done(ask(c, tool, {"send": SEND}, second(c, tool, first(c, tool))))
    assert steps(marks) == ["Ada"]


@pytest.mark.parametrize("tool", ["replayed", "threaded"])
def test_retries_that_reach_another_process(host, marks, tool):
    a, b = stateless(start(host, marks)), stateless(start(host, marks))
    done(ask(b, tool, {"send": SEND}, second(a, tool, first(b, tool))))
    assert steps(marks) == ["Ada"]
    done(ask(a, tool, {"send": SEND}, second(b, tool, first(b, tool))))
    assert steps(marks) == ["Ada", "Ada"]


def test_a_retry_that_reaches_another_process_is_told_why_not(host, marks):
    a, b = stateless(start(host, marks)), stateless(start(host, marks))
    state = first(a, "waiting")
    refused("gone", b, "waiting", {"party": PARTY}, state)
    done(ask(a, "waiting", {"send": SEND}, second(a, "waiting", state)))
    assert steps(marks) == ["Ada"]


@pytest.mark.parametrize("tool", ["replayed", "threaded"])
def test_a_retry_after_a_reload_runs_in_the_new_generation(host, marks, tool):
    one = start(host, marks)
    c = stateless(one)
    state = second(c, tool, first(c, tool))
    one.drop_plugin("replay", "replay2")
    one.wait_log(r"generation 2")
    done(ask(c, tool, {"send": SEND}, state), build=2)
    assert steps(marks) == ["Ada"]


def test_a_retry_after_a_reload_goes_on_in_the_old_generation(host, marks):
    one = start(host, marks)
    c = stateless(one)
    state = second(c, "waiting", first(c, "waiting"))
    one.drop_plugin("replay", "replay2")
    one.wait_log(r"generation 2")
    done(ask(c, "waiting", {"send": SEND}, state), build=1)
    done(ask(c, "waiting", {"send": SEND}, second(c, "waiting", first(c, "waiting"))), build=2)
    assert steps(marks) == ["Ada", "Ada"]


@pytest.mark.parametrize("tool", ["replayed", "threaded"])
def test_a_retry_after_a_restart(host, marks, tool):
    one = start(host, marks)
    c = stateless(one)
    state = second(c, tool, first(c, tool))
    one.stop()
    done(ask(stateless(start(host, marks)), tool, {"send": SEND}, state))
    assert steps(marks) == ["Ada"]


def test_a_retry_after_a_restart_is_told_why_not(host, marks):
    one = start(host, marks)
    c = stateless(one)
    state = second(c, "waiting", first(c, "waiting"))
    one.stop()
    refused("gone", stateless(start(host, marks)), "waiting", {"send": SEND}, state)
    assert steps(marks) == ["Ada"]


# ---------------------------------------------------------------- states that are refused

def test_states_are_bound_to_their_request(host, marks):
    c = stateless(start(host, marks))
    state = first(c, "replayed")
    answers = {"party": PARTY}
    refused("mismatch", c, "threaded", answers, state)
    refused("mismatch", c, "replayed", answers, state, arguments={"city": "Rome"})
    for at in range(0, len(state), 5):
        other = state[:at] + ("B" if state[at] == "A" else "A") + state[at + 1:]
        refused("invalid", c, "replayed", answers, other)
    refused("invalid", c, "replayed", answers, "")
    refused("invalid", c, "replayed", answers, state[:-1])
    assert steps(marks) == []


def test_states_belong_to_a_principal(host, marks):
    tokens = {"ada": "secret-of-ada-0123456789", "bob": "secret-of-bob-0123456789"}
    settings = config(marks)
    settings["auth"] = {"tokens": [
        {"principal": name, "hash": "sha256:" + hashlib.sha256(t.encode()).hexdigest()}
        for name, t in tokens.items()]}
    one = host(plugins={"replay": "replay1"}, config=settings, http=True)
    ada, bob = (connect(one, NEW, "http", headers={"Authorization": f"Bearer {t}"})
                for t in tokens.values())
    for c in (ada, bob):
        c.capabilities = {"elicitation": {}}
    state = first(ada, "replayed")
    refused("mismatch", bob, "replayed", {"party": PARTY}, state)
    done(ask(ada, "replayed", {"send": SEND}, second(ada, "replayed", state)))


def test_states_expire(host, marks):
    c = stateless(start(host, marks, max_state_age="1s"))
    state = first(c, "replayed")
    made = time.time()
    eventually(lambda: time.time() > made + 1.1, "time to pass")
    refused("expired", c, "replayed", {"party": PARTY}, state)


def test_a_state_is_spent_once(host, marks):
    c = stateless(start(host, marks))
    state = first(c, "replayed")
    last = second(c, "replayed", state)
    refused("spent", c, "replayed", {"party": PARTY}, state)
    done(ask(c, "replayed", {"send": SEND}, last))
    refused("spent", c, "replayed", {"send": SEND}, last)
    assert steps(marks) == ["Ada"]


def test_of_many_that_bring_one_state_one_is_served(host, marks):
    one = start(host, marks)
    c = stateless(one)
    state = first(c, "waiting")

    def attempt(_):
        try:
            return ask(stateless(one), "waiting", {"party": PARTY, "send": SEND}, state)
        except RpcError as e:
            return e.data["reason"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(16)))
    served = [r for r in results if isinstance(r, dict)]
    assert len(served) == 1, results
    done(served[0])
    assert set(r for r in results if not isinstance(r, dict)) <= {"in_use", "spent"}
    assert steps(marks) == ["Ada"]
