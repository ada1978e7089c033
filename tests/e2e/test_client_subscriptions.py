"""What the client library is told of changes, by gantry, over every transport and in both eras."""

import contextlib
import os
import shutil
import signal

import pytest

from harness.host import eventually, plugin_file
from harness.paths import GANTRY
from harness.probe import Probe

NEW, OLD = "2026-07-28", "2025-11-25"
WAYS = [(NEW, "stdio"), (OLD, "stdio"), (NEW, "http"), (OLD, "http"), (NEW, "websocket"),
        (OLD, "websocket"), (OLD, "sse")]
every_way = pytest.mark.parametrize("revision, way", WAYS)


class Told:
    """A probe whose client talks to a host, and what that tells it."""

    def __init__(self, probe, host, revision, way, tmp_path, plugins=("subs1",), config=None,
                 **options):
        self.probe = probe
        if way == "stdio":
            self.drop = tmp_path / "drop"
            self.drop.mkdir()
            for name in plugins:
                shutil.copy(plugin_file(name), self.drop / f"{name}.so")
            probe.open(command=[str(GANTRY), "serve", "--stdio", "--plugins", str(self.drop),
                                "--log-level", "warning"], revision=revision, **options)
            return
        self.host = host(plugins=plugins, http=True, config=config)
        self.drop = self.host.drop
        url = self.host.url
        if way == "websocket":
            url = "ws" + url.removeprefix("http")
        elif way == "sse":
            url = url.removesuffix("/mcp") + "/sse"
        probe.open(url=url, revision=revision, **options)

    def subscribe(self, *uris):
        tags = [self.probe.begin("subscribe", uri=uri) for uri in uris]
        for tag in tags:
            done = self.probe.outcome(tag)
            assert done["status"] == "ok", done

    def unsubscribe(self, *uris):
        for uri in uris:
            assert self.probe.do("unsubscribe", uri=uri)["status"] == "ok"

    def call(self, name, **arguments):
        done = self.probe.do("call", name=name, arguments=arguments)
        assert done["status"] == "ok", done
        return done["text"]

    def touch(self, uri, **more):
        return int(self.call("touch", uri=uri, **more))

    def updated(self, uri):
        self.probe.event("updated", uri=uri)

    def none_more(self):
        assert not self.probe.all("updated")


@pytest.fixture
def told(host, tmp_path):
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: Told(stack.enter_context(Probe()), host, *args, tmp_path,
                                            **options)


@every_way
def test_subscribers_are_told_of_changes_once(told, revision, way):
    t = told(revision, way)
    t.subscribe("subs://counter", "subs://item/end")
    assert t.touch("subs://counter") == 0
    t.updated("subs://counter")
    assert t.touch("subs://item/b") == -7, "nobody has subscribed to it"
    t.subscribe("subs://item/a", "subs://item/b")
    for uri in ("subs://item/a", "subs://counter", "subs://item/b"):
        assert t.touch(uri) == 0
        t.updated(uri)
    assert t.touch("subs://item/end") == 0
    t.updated("subs://item/end")
    t.none_more()
    t.unsubscribe("subs://counter", "subs://item/a", "subs://item/end")
    eventually(lambda: t.touch("subs://counter") == -7, "the end of the subscription")
    assert t.touch("subs://item/b") == 0
    t.updated("subs://item/b")
    t.none_more()
    t.probe.close()


@every_way
def test_what_cannot_be_subscribed_to_fails(told, revision, way):
    t = told(revision, way)
    t.subscribe("subs://counter")
    done = t.probe.do("subscribe", uri="subs://nothing")
    assert done["status"] == ("unsupported" if revision == NEW else "error"), done
    assert t.touch("subs://counter") == 0
    t.updated("subs://counter")
    t.probe.close()


@every_way
def test_lists_that_change_are_told(told, revision, way):
    t = told(revision, way)
    assert t.probe.do("connect")["status"] == "ok"
    names = [tool["name"] for tool in t.probe.do("list", kind="tools")["result"]["tools"]]
    assert "add" not in names
    # The stream of the stateless era is opened meanwhile; after a subscription it is there.
    t.subscribe("subs://counter")
    scratch = t.drop / ".kit.new"
    shutil.copy(plugin_file("kit"), scratch)
    scratch.rename(t.drop / "kit.so")
    t.probe.event("changed", kind="tools")
    t.probe.event("changed", kind="resources")
    names = [tool["name"] for tool in t.probe.do("list", kind="tools")["result"]["tools"]]
    assert "add" in names
    t.probe.close()


@pytest.mark.parametrize("revision", [NEW, OLD])
def test_a_program_that_ends_is_started_and_subscribed_to_again(told, revision):
    t = told(revision, "stdio", plugins=("subs1", "kit"), backoff_ms=1)
    t.subscribe("subs://counter", "subs://item/a")
    for pid in t.probe.children():
        os.kill(pid, signal.SIGKILL)
    # Whatever was meanwhile is told.
    t.updated("subs://counter")
    t.updated("subs://item/a")
    assert t.touch("subs://counter") == 0
    t.updated("subs://counter")
    t.probe.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stream_that_ends_is_opened_again(told, host, number):
    t = told(NEW, "http", backoff_ms=1)
    t.subscribe("subs://counter")
    t.host.expect_exit = 0 if number == signal.SIGTERM else -number
    t.host.signal(number)
    assert t.host.wait() == t.host.expect_exit
    host(plugins=("subs1",), http=f"127.0.0.1:{t.host.address[1]}")
    t.updated("subs://counter")  # who knows
    assert t.touch("subs://counter") == 0
    t.updated("subs://counter")
    t.probe.close()


@pytest.mark.parametrize("way", ["stdio", "http", "websocket"])
def test_many_subscriptions_at_once(told, way):
    t = told(NEW, way)
    uris = [f"subs://item/{n}" for n in range(300)]
    t.subscribe(*uris)
    for uri in (uris[0], uris[150], uris[299]):
        assert t.touch(uri) == 0
        t.updated(uri)
    t.unsubscribe(*uris[1:])
    assert t.touch(uris[0]) == 0
    t.updated(uris[0])
    t.none_more()
    t.probe.close()
