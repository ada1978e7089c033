"""list_changed: to whom a change is one, and how often it is told."""

import hashlib
import itertools

import pytest

from harness.client import HttpClient, connect

NEW, OLD = "2026-07-28", "2025-11-25"
TOOLS, RESOURCES, PROMPTS = (f"notifications/{kind}/list_changed"
                             for kind in ("tools", "resources", "prompts"))
TRANSPORTS = ["stdio", "http", "websocket", "sse"]
FILTER = {"toolsListChanged": True, "resourcesListChanged": True, "promptsListChanged": True}
NAMES = ["alice", "bob"]
CONFIG = {"auth": {"tokens": [{"principal": name,
                               "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
                              for name in NAMES]}}


class Listener:
    """A client that is told of its lists, whatever its era and transport."""

    numbers = itertools.count()

    def __init__(self, client):
        self.c = client
        self.call = None
        self.marks = 0
        if client.stateless:
            self.call = client.start("subscriptions/listen", {"notifications": FILTER})
            self.call.wait_notifications(1)
        elif hasattr(client, "open_get_stream") and client.session:
            client.open_get_stream()

    def seen(self, method, count):
        if self.call:
            return self.call.wait_notifications(count, method)
        return self.c.notifications.wait(method, count)

    def count(self, method):
        if self.call:
            with self.call.changed:
                return sum(1 for n in self.call.notifications if n["method"] == method)
        return self.c.notifications.count(method)

    def after_mark(self, by=None):
        """(tools, resources) told so far: all that was due before a change that everybody is told
        of, and that is told after them."""
        if by is None:
            self.c.text("mark", name=f"mark{next(self.numbers)}")
        self.marks += 1
        self.seen(PROMPTS, self.marks)
        return self.count(TOOLS), self.count(RESOURCES)


def start(client, revision, transport, **options):
    return Listener(client(revision, transport, plugins=["view"], **options))


def test_a_burst_is_told_once(client, revision, transport):
    w = start(client, revision, transport)
    assert w.after_mark() == (0, 0)
    w.c.text("churn", count=100, stay=True)
    w.seen(TOOLS, 1)
    assert len([name for name in w.c.names() if name.startswith("churn") and name != "churn"]) == 100
    assert w.after_mark() == (1, 0)


@pytest.mark.parametrize("revision", [OLD, NEW])
def test_what_is_as_it_was_is_not_told(client, revision, transport):
    w = start(client, revision, transport)
    before = w.c.names()
    for _ in range(3):
        w.c.text("churn", count=20, stay=False)
    assert w.c.names() == before
    assert w.after_mark() == (0, 0)


@pytest.fixture
def both(host):
    """Two listeners of one host: alice and bob."""
    made = []

    def start(revision):
        h = host(http=True, plugins=["view"], config=CONFIG)
        for name in NAMES:
            c = HttpClient(h, revision, headers={"Authorization": f"Bearer {name}"})
            if not c.stateless:
                c.initialize()
            made.append(Listener(c))
        return made[-2:]

    yield start
    for w in made:
        w.c.close()


@pytest.mark.parametrize("revision", [OLD, NEW])
def test_what_one_principal_sees_is_told_to_that_one(both, revision):
    alice, bob = both(revision)
    alice.c.text("trust", principal="alice")
    alice.seen(TOOLS, 1)
    alice.seen(RESOURCES, 1)
    alice.seen(PROMPTS, 1)
    alice.marks += 1  # her secret prompt was one
    alice.c.text("mine", name="alices")
    alice.seen(TOOLS, 2)
    assert alice.after_mark() == (2, 1)
    assert bob.after_mark(by=alice) == (0, 0)
    bob.c.text("unmake", name="alices")
    alice.seen(TOOLS, 3)
    alice.c.text("trust", principal="bob")
    alice.seen(TOOLS, 4)
    bob.seen(TOOLS, 1)
    bob.seen(PROMPTS, 2)
    bob.marks += 1
    alice.seen(PROMPTS, 3)
    alice.marks += 1
    assert bob.after_mark() == (1, 1)
    assert alice.after_mark(by=bob) == (4, 2)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_rules_of_a_session_are_told_to_it_alone(client, transport):
    w = start(client, OLD, transport)
    other = Listener(connect(w.c.host, OLD, "http")) if transport == "http" else None
    w.c.text("rule", rule="hide")
    w.seen(TOOLS, 1)
    assert "note" not in w.c.names()
    assert w.after_mark() == (1, 0)
    w.c.text("rule", rule="none")
    w.seen(TOOLS, 2)
    assert "note" in w.c.names()
    assert w.after_mark() == (2, 0)
    w.c.text("rule", rule="hide", name="there_is_none")
    assert w.after_mark() == (2, 0), "a rule that changes nothing"
    if other:
        other.marks = 2
        assert other.after_mark(by=w) == (0, 0)
        other.c.close()


def test_a_session_that_does_not_listen_is_told_when_it_does(client):
    c = client(OLD, "http", plugins=["view"])
    other = start_other(c)
    other.c.text("churn", count=5, stay=True)
    other.seen(TOOLS, 1)
    other.c.text("mark", name="everybody")
    other.seen(PROMPTS, 1)
    c.open_get_stream()
    c.notifications.wait(TOOLS)
    c.notifications.wait(PROMPTS)
    assert c.notifications.count(TOOLS) == 1 and c.notifications.count(RESOURCES) == 0
    other.c.close()


def start_other(c):
    return Listener(connect(c.host, OLD, "http"))
