"""Calls that wait for their client to come again (revision 2026-07-28): in the process that asked, in
another one, after a reload, after a restart; and what becomes of states that are not in order."""

import concurrent.futures
import copy
import hashlib
import json
import signal

import pytest

from harness.client import HttpClient, RpcError, connect
from harness.host import eventually
from harness.http import Connection
from harness.metrics import scrape

NEW = "2026-07-28"
KEY, OTHER = "1f" * 32, "2e" * 32
LARGE = {"size": {"action": "accept", "content": {"size": "large"}}}
MIB = 12  # more than the kernel takes for a client that does not read
SURE = {"sure": {"action": "accept", "content": {"sure": True}}}


class Order:
    """One order, asked for twice on its way: "size", then "sure". Its retries may go anywhere."""

    def __init__(self, folder, tool="order", item="apples"):
        self.ledger = folder / f"{tool}-{item}"
        self.params = {"name": tool, "arguments": {"item": item, "ledger": str(self.ledger)}}

    def send(self, client, answers=None, **changed):
        params = copy.deepcopy({**self.params, **changed})
        if answers:
            params["inputResponses"] = answers
        return client.request("tools/call", params)

    def take(self, client, asked, answers=None):
        """Sends it; it must be asked for this, and the state is kept for the next turn."""
        result = self.send(client, answers)
        assert result["resultType"] == "input_required", result
        assert list(result["inputRequests"]) == [asked]
        self.params["requestState"] = result["requestState"]

    def finish(self, client, by):
        self.check(self.send(client, SURE), by)

    def check(self, result, by):
        assert not result.get("isError"), result
        assert result["content"][0]["text"] == \
            f"ordered large {self.params['arguments']['item']}, reserved by {by.process.pid}"
        assert self.steps() == 1

    def steps(self):
        return len(self.ledger.read_text().splitlines()) if self.ledger.exists() else 0


def refusal(reason, send):
    with pytest.raises(RpcError) as caught:
        send()
    assert caught.value.code == -32602, caught.value
    assert caught.value.data == {"reason": reason}
    return caught.value.message


@pytest.fixture
def start(host):
    """start(...) starts a host with the key, and returns it with a client."""
    made = []

    def one(config=None, headers=None, **options):
        config = {"ask": {"keys": [KEY]}, **(config or {})}
        h = host(plugins={"wait": "wait1"}, http=True, config=config, **options)
        made.append(client_of(h, headers))
        return h, made[-1]

    yield one
    for c in made:
        c.close()


def client_of(h, headers=None):
    c = connect(h, NEW, "http", headers=headers)
    c.capabilities = {"elicitation": {"form": {}}}
    return c


def swap(h, c):
    """The second build of the plugin."""
    h.drop_plugin("wait", "wait2")
    eventually(lambda: c.text("build") == "2", "the second build")


REPLAYED = ["order", "order_threaded"]
ALL = [*REPLAYED, "order_here"]


@pytest.mark.parametrize("tool", ALL)
def test_a_call_goes_on_where_it_stood(start, tmp_path, tool):
    h, c = start()
    order = Order(tmp_path, tool)
    order.take(c, "size")
    order.take(c, "sure", LARGE)
    order.finish(c, by=h)


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("tool", ALL)
def test_a_client_of_the_handshake_era_gets_the_same(start, tmp_path, tool, revision):
    h, _ = start()
    c = HttpClient(h, revision)
    c.capabilities = {"elicitation": {}}
    c.initialize()
    order = Order(tmp_path, tool)
    pending = c.start("tools/call", order.params)
    for count, answers in ((1, LARGE), (2, SURE)):
        asked = pending.wait_notifications(count, "elicitation/create")[-1]
        answer, = answers.values()
        connection, response = c.post({"jsonrpc": "2.0", "id": asked["id"], "result": answer})
        assert response.status == 202, response.body()
        c.keep(connection, response)
    order.check(pending.result(), by=h)
    c.close()


@pytest.mark.parametrize("tool", REPLAYED)
def test_a_second_process_with_the_same_key_goes_on(start, tmp_path, tool):
    (a, at_a), (b, at_b) = start(), start()
    order = Order(tmp_path, tool)
    order.take(at_a, "size")
    order.take(at_a, "sure", LARGE)
    order.finish(at_b, by=a)
    other = Order(tmp_path, tool, item="pears")
    other.take(at_a, "size")
    other.take(at_b, "sure", LARGE)
    other.finish(at_a, by=b)


def test_a_reload_loses_nothing(start, tmp_path):
    h, c = start()
    orders = [Order(tmp_path, tool) for tool in ALL]
    for order in orders:
        order.take(c, "size")
        order.take(c, "sure", LARGE)
    swap(h, c)
    for order in orders:  # two are run again by the new build, the other goes on in the old one
        order.finish(c, by=h)


@pytest.mark.parametrize("tool", REPLAYED)
def test_a_restart_loses_nothing(start, tmp_path, tool):
    h, c = start()
    order = Order(tmp_path, tool)
    order.take(c, "size")
    order.take(c, "sure", LARGE)
    h.stop()
    _, c = start()
    order.finish(c, by=h)


def test_a_plugin_that_is_away_for_a_while_uses_no_state(start, tmp_path):
    h, c = start()
    order = Order(tmp_path)

    def is_there():
        return any(t["name"] == "order" for t in c.request("tools/list", {})["tools"])

    order.take(c, "size")
    h.remove_plugin("wait")
    eventually(lambda: not is_there(), "the plugin is gone")
    with pytest.raises(RpcError, match="Unknown tool"):
        order.send(c, LARGE)
    h.drop_plugin("wait", "wait1")
    eventually(is_there, "the plugin is back")
    order.take(c, "sure", LARGE)
    order.finish(c, by=h)


def test_what_cannot_be_run_again_says_so(start, tmp_path):
    (_, at_a), (_, at_b) = start(), start()
    order = Order(tmp_path, "order_here")
    order.take(at_a, "size")
    message = refusal("gone", lambda: order.send(at_b, LARGE))
    assert "start over" in message
    assert order.steps() == 0
    order.take(at_a, "sure", LARGE)  # the state is as good as before where it belongs


def test_keys_are_replaced_without_losing_a_call(start, tmp_path):
    h, c = start()
    order, late = Order(tmp_path), Order(tmp_path, item="pears")
    order.take(c, "size")
    late.take(c, "size")

    def use(keys, turn):
        h.write_config({"ask": {"keys": keys}})
        h.signal(signal.SIGHUP)
        h.wait_log('"config","message":"reloaded"', count=turn)

    order.take(c, "sure", LARGE)
    use([OTHER, KEY], 1)
    order.finish(c, by=h)
    use([OTHER], 2)
    refusal("invalid", lambda: late.send(c, LARGE))


def test_states_are_for_one_request_of_one_server(start, tmp_path):
    (_, c), (_, foreign) = start(), start({"ask": {"keys": [OTHER]}})
    order = Order(tmp_path)
    order.take(c, "size")
    state = order.params["requestState"]
    middle = len(state) // 2
    changed = state[:middle] + ("A" if state[middle] != "A" else "B") + state[middle + 1:]
    for bad in (changed, state[:-1], state + "A", "", "x" * 500):
        refusal("invalid", lambda: order.send(c, LARGE, requestState=bad))
    refusal("invalid", lambda: order.send(foreign, LARGE))
    refusal("mismatch", lambda: order.send(c, LARGE, name="order_here"))
    refusal("mismatch", lambda: order.send(
        c, LARGE, arguments={**order.params["arguments"], "item": "pears"}))
    order.take(c, "sure", LARGE)  # none of that did any harm


def test_a_state_is_of_one_principal(start, tmp_path):
    tokens = {name: f"token-of-{name}-{'x' * 32}" for name in ("anna", "bert")}
    config = {"auth": {"tokens": [
        {"principal": name, "hash": "sha256:" + hashlib.sha256(token.encode()).hexdigest()}
        for name, token in tokens.items()]}}
    h, anna = start(config, headers={"Authorization": f"Bearer {tokens['anna']}"})
    bert = client_of(h, {"Authorization": f"Bearer {tokens['bert']}"})
    order = Order(tmp_path)
    order.take(anna, "size")
    refusal("mismatch", lambda: order.send(bert, LARGE))
    order.take(anna, "sure", LARGE)
    bert.close()


def test_a_state_expires(start, tmp_path):
    _, c = start({"ask": {"keys": [KEY], "max_state_age": "1s"}})
    order = Order(tmp_path)
    order.take(c, "size")
    reasons = set()

    def is_refused():
        try:
            order.send(c, {"size": {"action": "accept", "content": {"size": "none"}}})
        except RpcError as e:  # an answer that does not fit is asked for again; the state is used then
            reasons.add(e.data["reason"])
        return "expired" in reasons

    eventually(is_refused, "the state to expire")


def test_a_state_is_used_once(start, tmp_path):
    h, c = start()
    order = Order(tmp_path)
    order.take(c, "size")
    first = order.params["requestState"]
    order.take(c, "sure", LARGE)
    refusal("spent", lambda: order.send(c, LARGE, requestState=first))
    order.finish(c, by=h)
    refusal("spent", lambda: order.send(c, SURE))
    assert order.steps() == 1
    assert scrape(h).value("gantry_states_used") == 2
    assert scrape(h).value("gantry_calls_parked") == 0


def test_a_lost_reply_can_be_had_again(start):
    """The client hangs up in the middle of a reply that is too long to have left unread."""
    h, c = start()
    params = {"name": "much", "arguments": {"mebibytes": MIB}}
    asked = c.request("tools/call", params)
    assert asked["resultType"] == "input_required", asked
    params |= {"requestState": asked["requestState"], "inputResponses": SURE}
    message = c.request_message("tools/call", params)
    with Connection(h.address, receive_buffer=4096) as lost:
        lost.send_request("POST", h.path, c.headers_for(message), json.dumps(message).encode())
        assert lost.read_response().status == 200
    kept = eventually(lambda: scrape(h).value("gantry_replies_kept_bytes"), "the reply to be kept")
    assert kept > MIB << 20
    text = c.request("tools/call", params)["content"][0]["text"]
    assert text.startswith("run 1 ") and len(text) == MIB << 20
    refusal("spent", lambda: c.request("tools/call", params))
    assert scrape(h).value("gantry_replies_kept_bytes") == 0
    assert c.text("runs") == "1"


def test_what_is_parked_expires(start):
    h, c = start({"ask": {"keys": [KEY], "max_parked_age": "1s"}})
    for _ in range(5):
        asked = c.request("tools/call", {"name": "wait", "arguments": {}})
        assert asked["resultType"] == "input_required", asked
    eventually(lambda: scrape(h).value("gantry_calls_parked") == 0, "parked calls to end")
    assert scrape(h).value("gantry_calls_parked_bytes") == 0
    refusal("gone", lambda: c.request("tools/call", {
        "name": "wait", "arguments": {}, "requestState": asked["requestState"],
        "inputResponses": SURE}))


def test_a_full_table_takes_more_as_long_as_some_can_run_again(start, tmp_path):
    h, c = start({"ask": {"keys": [KEY], "max_parked": 3}})
    orders = [Order(tmp_path, item=f"{i} apples") for i in range(7)]
    for order in orders:
        order.take(c, "size")
    assert scrape(h).value("gantry_calls_parked") == 3
    here = [Order(tmp_path, "order_here", f"{i} pears") for i in range(3)]
    for order in here:
        order.take(c, "size")
    busy = Order(tmp_path, "order_here", "plums").send(c)
    assert busy["isError"] and "too many calls wait" in busy["content"][0]["text"]
    for order in [*orders, *here]:
        order.take(c, "sure", LARGE)
        order.finish(c, by=h)
    assert scrape(h).value("gantry_calls_parked") == 0


def test_of_many_that_bring_one_state_one_is_served(start, tmp_path):
    h, c = start()
    order = Order(tmp_path, "order_here")
    order.take(c, "size")

    def attempt(_):
        try:
            return order.send(client_of(h), {**LARGE, **SURE})
        except RpcError as e:
            return e.data["reason"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(16)))
    served = [r for r in results if isinstance(r, dict)]
    assert len(served) == 1, results
    order.check(served[0], by=h)
    assert {r for r in results if not isinstance(r, dict)} <= {"in_use", "spent"}
