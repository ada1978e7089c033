"""Tools made from tools of a plugin that is replaced, goes and comes back while they are called: no call
is lost, none is answered wrongly, and clients are told of what they see and no more."""

import itertools
import random
import threading

import pytest

from harness.client import RpcError, connect
from harness.host import eventually
from harness.paths import WRAP

NEW, OLD = "2026-07-28", "2025-11-25"
CHANGED = "notifications/tools/list_changed"
QUICK = {"loading": {"debounce": "10ms", "settle": "10ms", "removal_grace": "20ms"}}
RELOADS = 10 if WRAP else 100
CONNECTIONS = 8

# The operator's, of what plugins provide and of what they have made.
CONFIG = {**QUICK, "transforms": [
    {"use": "tools", "tools": {"flip": {"name": "config_flip", "keep": True,
                                        "arguments": {"text": {"name": "told"}}},
                               "around_flip": {"name": "config_around", "keep": True,
                                               "arguments": {"text": {"name": "told"}}}}},
    {"use": "namespace", "prefix": "ns", "names": ["chain_flip"]}]}

# Made tool: what it calls the two arguments of flip.
MADE = {"plain_flip": ("said", "ms"), "ns_chain_flip": ("words", "wait"), "around_flip": ("text", "ms"),
        "config_flip": ("told", "ms"), "config_around": ("told", "ms")}
AROUND = {"around_flip", "config_around"}
PLUGINS = {"flip": "flip1", "remade": "remade1", "kit": "kit"}


def call(client, tool, text, ms=0, **more):
    """(build of flip, build of the function or None), once what it said has been checked."""
    said, wait = MADE[tool]
    answer = client.call(tool, **{said: text, **({wait: ms} if ms else {}), **more})
    assert not answer.get("isError"), (tool, answer)
    build = None
    if tool in AROUND:
        content = answer["structuredContent"]
        answer, build = content["said"], content["build"]
    else:
        block, = answer["content"]
        answer = block["text"]
    number, _, back = answer.partition(" ")
    assert back == text, f"{tool}: {back!r} instead of {text!r}"
    return int(number), build


class Caller(threading.Thread):
    """Calls made tools on a connection of its own until told to stop, and checks every answer."""

    def __init__(self, host, number, revision):
        super().__init__(daemon=True)
        self.number = number
        self.client = connect(host, revision, "http")
        self.random = random.Random(number)
        self.stopping = threading.Event()
        self.seen = {tool: {1: 0, 2: 0} for tool in MADE}
        self.functions = {1: 0, 2: 0}
        self.failure = None

    def run(self):
        try:
            for n in itertools.count():
                if self.stopping.is_set():
                    return
                tool = self.random.choice(list(MADE))
                # Some are still running when a build is replaced, before, in and after the parent.
                wait = {"ms": self.random.choice([0, 0, 0, 5, 40])}
                if tool in AROUND:
                    wait |= {"before": self.random.choice([0, 0, 20]),
                             "after": self.random.choice([0, 0, 20])}
                build, function = call(self.client, tool, f"{self.number}-{n}", **wait)
                self.seen[tool][build] += 1
                if function:
                    self.functions[function] += 1
        except BaseException as e:  # told to the test
            self.failure = e
        finally:
            self.client.close()

    def stop(self):
        self.stopping.set()
        self.join(90)
        assert not self.is_alive(), "a call was never answered"
        if self.failure:
            raise AssertionError(f"caller {self.number}: {self.failure!r}") from self.failure


def no_errors(host):
    lines = [line for line in host.log_lines() if line["level"] in ("error", "critical")]
    assert not lines, lines


@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", ["parent", "both"])
def test_no_call_is_lost_while_the_parent_is_reloaded(host, what):
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    callers = [Caller(one, n, NEW if n % 2 else OLD) for n in range(CONNECTIONS)]
    watcher = connect(one, NEW, "http")
    for caller in callers:
        caller.start()
    try:
        for turn in range(RELOADS):
            build = 2 - turn % 2
            one.drop_plugin("flip", f"flip{build}")
            wanted = (build, 1)
            if what == "both" and turn % 4 == 0:
                one.drop_plugin("remade", f"remade{2 - turn // 4 % 2}")
            if what == "both":
                wanted = (build, 2 - turn // 4 % 2)

            def arrived(wanted=wanted):
                assert not any(c.failure for c in callers), [c.failure for c in callers if c.failure]
                return call(watcher, "around_flip", "w") == wanted
            eventually(arrived, f"build {wanted} in turn {turn}")
            assert call(watcher, "ns_chain_flip", "w")[0] == build
            assert call(watcher, "config_flip", "w")[0] == build
    finally:
        for caller in callers:
            caller.stop()
    watcher.close()
    for tool, build in itertools.product(MADE, (1, 2)):
        assert sum(c.seen[tool][build] for c in callers) > 0, f"{tool}: nothing of build {build}"
    if what == "both":
        assert all(sum(c.functions[build] for c in callers) > 0 for build in (1, 2))
    no_errors(one)


@pytest.mark.timeout(600)
def test_coming_and_going_under_load_answers_every_call(host):
    """While the parent is away a call is told that there is no such tool; nothing else ever."""
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    stop = threading.Event()
    failures, answered = [], {tool: 0 for tool in MADE}

    def run(tool):
        client = connect(one, NEW, "http")
        try:
            while not stop.is_set():
                try:
                    assert call(client, tool, "x")[0] == 1
                    answered[tool] += 1
                except RpcError as e:
                    assert e.code == -32602 and tool in e.message, e
        except BaseException as e:
            failures.append((tool, e))
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(tool,), daemon=True) for tool in MADE]
    for thread in threads:
        thread.start()
    watcher = connect(one, NEW, "http")
    for _ in range(RELOADS // 10):
        one.remove_plugin("flip")
        eventually(lambda: not set(MADE) & set(watcher.names()), "the made tools to go")
        one.drop_plugin("flip", "flip1")
        eventually(lambda: set(MADE) <= set(watcher.names()), "the made tools to come")
    stop.set()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive(), "a call was never answered"
    watcher.close()
    assert not failures, failures
    assert all(answered.values()), answered


def test_made_tools_go_and_come_with_their_parent(host):
    one = host(stdio=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, OLD, "stdio")
    assert set(client.names()) >= {*MADE, "flip"}
    for turn in range(3):
        one.remove_plugin("flip")
        client.notifications.wait(CHANGED, 2 * turn + 1)
        assert not {*MADE, "flip"} & set(client.names())
        pending = client.start_call("plain_flip", said="x")
        pending.wait(lambda pending=pending: pending.response, "an answer")
        assert pending.response["error"]["code"] == -32602
        one.drop_plugin("flip", "flip1")
        client.notifications.wait(CHANGED, 2 * turn + 2)
        assert set(client.names()) >= {*MADE, "flip"}
        for tool in MADE:
            assert call(client, tool, "x")[0] == 1
    # Once for all that changes at one moment.
    assert client.notifications.count(CHANGED) == 6
    assert client.notifications.count("notifications/prompts/list_changed") == 0


def test_made_tools_wait_for_a_parent_that_comes_later(host):
    one = host(stdio=True, plugins={"remade": "remade1", "kit": "kit"}, config=CONFIG)
    client = connect(one, OLD, "stdio")
    assert not {*MADE, "flip"} & set(client.names())
    one.drop_plugin("flip", "flip1")
    client.notifications.wait(CHANGED, 1)
    assert set(client.names()) >= {*MADE, "flip"}
    assert call(client, "ns_chain_flip", "x") == (1, None)
    assert client.notifications.count(CHANGED) == 1


def test_the_plugin_that_made_them_takes_its_own_along(host):
    one = host(stdio=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, OLD, "stdio")
    one.remove_plugin("remade")
    client.notifications.wait(CHANGED, 1)
    assert set(client.names()) & {*MADE, "flip"} == {"config_flip", "flip"}
    assert call(client, "config_flip", "x") == (1, None)
    one.drop_plugin("remade", "remade2")
    client.notifications.wait(CHANGED, 2)
    assert call(client, "around_flip", "x") == (1, 2)


def test_a_parent_that_no_longer_fits_is_told_by_name(host):
    """The made tools go, what is wrong is told once; with a parent that fits they are back."""
    one = host(stdio=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, OLD, "stdio")
    one.drop_plugin("flip", "flip3")  # `text` is called `line`
    client.notifications.wait(CHANGED, 1)
    names = set(client.names())
    assert {"flip", "around_flip"} <= names  # this one passes on whatever there is
    assert not {"plain_flip", "ns_chain_flip", "config_flip", "config_around"} & names
    assert client.text("flip", line="x") == "3 x"
    said = client.call("around_flip", line="x")["structuredContent"]
    assert said == {"said": "3 x", "build": 1}
    for tool in ("plain_flip", "config_flip", "config_around"):
        lines = [line["message"] for line in one.log_lines()
                 if tool in line["message"] and line["level"] in ("warning", "error")]
        assert len(lines) == 1 and "text" in lines[0], (tool, lines)
    assert "flip" in one.wait_log("plain_flip.*text")

    one.drop_plugin("flip", "flip1")
    client.notifications.wait(CHANGED, 2)
    assert set(client.names()) >= {*MADE, "flip"}
    for tool in MADE:
        assert call(client, tool, "x")[0] == 1


def start_around(client, **arguments):
    """One call of the function around flip, on its way."""
    return client.start_call("around_flip", text="slow", **arguments)


def ends(pending):
    content = pending.result()["structuredContent"]
    return content["said"], content["build"]


def swallow(client, one, plugin, build):
    """Puts another build in place and waits until it is called."""
    wanted = 0 if plugin == "flip" else 1
    one.drop_plugin(plugin, f"{plugin}{build}")
    eventually(lambda: call(client, "around_flip", "w")[wanted] == build, f"{plugin} {build}")


@pytest.mark.parametrize("revision", [OLD, NEW])
def test_the_plugin_of_the_function_is_replaced_while_its_parent_runs(host, revision):
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, revision, "http")
    slow = start_around(client, ms=3000)
    swallow(client, one, "remade", 2)
    assert call(client, "around_flip", "new") == (1, 2)
    assert ends(slow) == ("1 slow", 1)  # the function that began it ends it
    client.close()


def test_the_parent_is_replaced_while_it_runs(host):
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, NEW, "http")
    slow = start_around(client, ms=3000)
    swallow(client, one, "flip", 2)
    assert ends(slow) == ("1 slow", 1)
    client.close()


def test_the_parent_is_replaced_before_it_runs(host):
    """The function forwards to what stands in its parent's place then."""
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, NEW, "http")
    slow = start_around(client, before=-1)
    swallow(client, one, "flip", 2)
    assert client.text("open_gate") == "open"
    assert ends(slow) == ("2 slow", 1)
    client.close()


def test_the_parent_goes_before_it_runs(host):
    """The call fails and says so; the host lives."""
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, NEW, "http")
    slow = start_around(client, before=-1)
    client.text("echo", text="the call has begun")
    one.remove_plugin("flip")
    eventually(lambda: "flip" not in client.names(), "the parent to go")
    assert client.text("open_gate") == "open"
    answer = slow.result()
    assert answer["isError"], answer
    one.drop_plugin("flip", "flip1")
    eventually(lambda: "flip" in client.names(), "the parent to come back")
    assert call(client, "around_flip", "x") == (1, 1)
    client.close()


def test_everything_goes_while_a_call_runs(host):
    one = host(http=True, plugins=PLUGINS, config=CONFIG)
    client = connect(one, NEW, "http")
    slow = start_around(client, ms=1500, after=100)
    client.text("echo", text="the call has begun")
    one.remove_plugin("flip")
    one.remove_plugin("remade")
    eventually(lambda: not {*MADE, "flip"} & set(client.names()), "all of them to go")
    assert ends(slow) == ("1 slow", 1)
    client.close()
