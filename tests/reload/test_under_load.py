"""Two builds of one plugin replace each other while clients call it all the time: no call is lost, none
is answered wrongly, nothing is left behind."""

import itertools
import random
import threading

import pytest

from harness.client import HttpClient, RpcError, connect
from harness.host import eventually
from harness.paths import SANITIZED, WRAP

NEW, OLD = "2026-07-28", "2025-11-25"
QUICK = {"loading": {"debounce": "10ms", "settle": "10ms"}}
TURNS = 6 if WRAP else 25 if SANITIZED else 100
CONNECTIONS = 16


class Caller(threading.Thread):
    """Calls `flip` on a connection of its own until told to stop, and checks every answer."""

    def __init__(self, host, number, revision):
        super().__init__(daemon=True)
        self.number = number
        self.client = connect(host, revision, "http")
        self.random = random.Random(number)
        self.wanted = threading.Event()
        self.wanted.set()
        self.seen = {1: 0, 2: 0}
        self.failure = None

    def run(self):
        try:
            for n in itertools.count():
                if not self.wanted.is_set():
                    return
                text = f"{self.number}-{n}"
                # Some are still running when their build is replaced.
                ms = self.random.choice([0, 0, 0, 5, 40])
                build, _, said = self.client.text("flip", text=text, ms=ms).partition(" ")
                assert said == text, f"{said!r} instead of {text!r}"
                self.seen[int(build)] += 1
        except BaseException as e:  # told to the test
            self.failure = e
        finally:
            self.client.close()

    def stop(self):
        self.wanted.clear()
        self.join(60)
        assert not self.is_alive(), "a call was never answered"
        if self.failure:
            raise AssertionError(f"caller {self.number}: {self.failure!r}") from self.failure


@pytest.mark.timeout(900)
def test_no_call_is_lost_while_builds_alternate(host):
    one = host(http=True, plugins={"flip": "flip1", "kit": "kit"}, config=QUICK)
    callers = [Caller(one, n, NEW if n % 2 else OLD) for n in range(CONNECTIONS)]
    watcher = connect(one, NEW, "http")
    for caller in callers:
        caller.start()
    try:
        for turn in range(TURNS):
            build = 2 - turn % 2
            one.drop_plugin("flip", f"flip{build}")

            def arrived():
                assert not any(c.failure for c in callers), [c.failure for c in callers if c.failure]
                return watcher.text("flip", text="w") == f"{build} w"
            eventually(arrived, f"build {build} in turn {turn}")
    finally:
        for caller in callers:
            caller.stop()
    watcher.close()
    for build in (1, 2):
        total = sum(c.seen[build] for c in callers)
        assert total > TURNS, f"build {build} answered {total} calls only"
    levels = [line for line in one.log_lines() if line["level"] in ("error", "critical")]
    assert not levels, levels


@pytest.mark.timeout(600)
def test_coming_and_going_under_load_answers_every_call(host):
    """While the plugin is away a call is told that there is no such tool; nothing else ever."""
    one = host(http=True, plugins={"flip": "flip1", "kit": "kit"},
               config={"loading": {**QUICK["loading"], "removal_grace": "20ms"}})
    stop = threading.Event()
    failures, answered, refused = [], [0], [0]

    def call(number):
        client = connect(one, NEW, "http")
        try:
            while not stop.is_set():
                try:
                    assert client.text("flip", text="x") == "1 x"
                    answered[0] += 1
                except RpcError as e:
                    assert e.code == -32602 and "flip" in e.message, e
                    refused[0] += 1
        except BaseException as e:
            failures.append(e)
        finally:
            client.close()

    threads = [threading.Thread(target=call, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    watcher = connect(one, NEW, "http")
    for _ in range(TURNS // 10 + 1):
        one.remove_plugin("flip")
        eventually(lambda: "flip" not in watcher.names(), "the plugin to go")
        one.drop_plugin("flip", "flip1")
        eventually(lambda: "flip" in watcher.names(), "the plugin to come")
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a call was never answered"
    watcher.close()
    assert not failures, failures
    assert answered[0] > 0


def test_a_broken_build_under_load_changes_nothing(host):
    one = host(http=True, plugins={"flip": "flip1", "kit": "kit"}, config=QUICK)
    callers = [Caller(one, n, NEW) for n in range(4)]
    for caller in callers:
        caller.start()
    target = one.drop / "flip.so"
    data = target.read_bytes()
    for n in range(1, 6):
        target.write_bytes(data[:len(data) * n // 7])  # in place, and never whole
        one.wait_log("flip", count=n)
    for caller in callers:
        caller.stop()
    assert all(c.seen[2] == 0 and c.seen[1] > 0 for c in callers)
    client = HttpClient(one, NEW)
    one.drop_plugin("flip", "flip2")
    eventually(lambda: client.text("flip", text="x") == "2 x", "a whole build again")
    client.close()


def test_clients_are_told_of_each_change_and_not_more(host):
    one = host(stdio=True, plugins={"flip": "flip1", "kit": "kit"}, config=QUICK)
    client = connect(one, OLD, "stdio")
    method = "notifications/tools/list_changed"
    for turn in range(10):
        build = 2 - turn % 2
        before = client.notifications.count(method)
        one.drop_plugin("flip", f"flip{build}")
        client.notifications.wait(method, before + 1)
        assert ("flop" in client.names()) == (build == 2)
        assert client.text("flip", text="x") == f"{build} x"
    assert client.notifications.count(method) == 10
    assert client.notifications.count("notifications/prompts/list_changed") == 0


def test_sessions_and_slow_calls_live_through_many_changes(host):
    one = host(http=True, plugins={"flip": "flip1", "kit": "kit"}, config=QUICK)
    client = connect(one, OLD, "http")
    slow = client.start_call("flip", text="old", ms=4000)
    client.wait_in_flight(0)
    for turn in range(8):
        build = 2 - turn % 2
        one.drop_plugin("flip", f"flip{build}")
        eventually(lambda: client.text("flip", text="x") == f"{build} x", f"build {build}")
    assert slow.result()["content"][0]["text"] == "1 old"
    client.close()
