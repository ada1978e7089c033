"""Resources that clients have subscribed to: resources/subscribe of the handshake era,
subscriptions/listen of the stateless era, and what plugins see of both."""

import json

import pytest

from harness.client import META, HttpClient, RpcError
from harness.host import eventually, plugin_file

TRANSPORTS = ["stdio", "http", "websocket", "sse"]
NEW, OLD = "2026-07-28", "2025-11-25"
UPDATED = "notifications/resources/updated"
ERAS = ["session over HTTP", "session over stdio", "listen over HTTP", "listen over stdio"]


def end_session(c):
    response = c.simple("DELETE", {"Mcp-Session-Id": c.session})
    assert response.status == 200


class Watcher:
    """A client that is told of resources, whatever its era."""

    def __init__(self, client, era, *uris, **options):
        self.listens = era.startswith("listen")
        self.c = client(NEW if self.listens else OLD, "stdio" if "stdio" in era else "http",
                        plugins=["subs1"], **options)
        if self.listens:
            self.call = self.c.start("subscriptions/listen",
                                     {"notifications": {"resourceSubscriptions": list(uris)}})
            self.ack = self.call.wait_notifications(1)[0]
            return
        for uri in uris:
            assert self.c.request("resources/subscribe", {"uri": uri}) == {}
        if "HTTP" in era:
            self.c.open_get_stream()

    def told(self, count):
        """The URIs of the first messages, and those that came with them."""
        seen = self.call.wait_notifications(count, UPDATED) if self.listens else \
            self.c.notifications.wait(UPDATED, count)
        if self.listens:
            id = self.call.request["id"]
            assert {n["params"]["_meta"][META + "subscriptionId"] for n in seen} == {id}
        else:
            assert all(set(n["params"]) == {"uri"} for n in seen)
        return [n["params"]["uri"] for n in seen]

    def touch(self, uri, tool="touch", **more):
        key = "uri" if tool == "touch" else "name"
        return int(self.c.text(tool, **{key: uri}, **more))

    def watched(self, uri):
        return self.c.text("watched", name=uri) == "yes"


@pytest.mark.parametrize("era", ERAS)
def test_subscribers_are_told_of_changes(client, era):
    w = Watcher(client, era, "subs://counter", "subs://item/a")
    assert w.touch("subs://counter") == 0
    assert w.told(1) == ["subs://counter"]
    assert w.touch("subs://item/a") == 0
    assert w.told(2) == ["subs://counter", "subs://item/a"]
    assert w.touch("subs://item/b") == -7, "nobody has subscribed to it"
    assert w.touch("subs://counter") == 0
    assert w.told(3)[2:] == ["subs://counter"]


@pytest.mark.parametrize("era", ERAS)
def test_a_burst_is_told_once(client, era):
    w = Watcher(client, era, "subs://counter", "subs://item/end")
    assert w.touch("subs://counter", times=1000) == 0
    w.told(1)
    w.touch("subs://item/end")
    seen = w.told(2)
    while "subs://item/end" not in seen:
        seen = w.told(len(seen) + 1)
    assert len(seen) <= 10 and seen[-1] == "subs://item/end"


@pytest.mark.parametrize("era", ERAS)
def test_any_thread_may_tell(client, era):
    w = Watcher(client, era, "subs://counter", "subs://item/a", "subs://item/b")
    assert w.touch("subs://counter", where="own", times=5000) == 0
    assert w.told(1)[0] == "subs://counter"
    assert w.touch("subs://item/a", tool="touch_blocking") == 0
    seen = w.told(2)
    while "subs://item/a" not in seen:
        seen = w.told(len(seen) + 1)
    assert set(seen) == {"subs://counter", "subs://item/a"}


@pytest.mark.parametrize("era", ERAS)
def test_a_plugin_sees_whether_somebody_has_subscribed(client, era):
    w = Watcher(client, era, "subs://counter", "subs://item/a")
    assert w.watched("subs://counter") and w.watched("subs://item/a")
    assert not w.watched("subs://item/b") and not w.watched("subs://plain~text")
    if w.listens:
        w.c.cancel_by_closing(w.call) if "HTTP" in era else w.c.cancel(w.call)
    else:
        for uri in ("subs://counter", "subs://item/a", "subs://never"):
            assert w.c.request("resources/unsubscribe", {"uri": uri}) == {}
    eventually(lambda: not w.watched("subs://counter") and not w.watched("subs://item/a"),
               "the end of the subscription")
    assert w.touch("subs://counter") == -7


def test_uris_are_compared_in_their_normal_form(client):
    w = Watcher(client, "session over stdio", "subs://plain%7Etext", "subs://item/%61")
    assert w.touch("subs://plain~text") == 0 and w.touch("subs://item/a") == 0
    assert sorted(w.told(2)) == ["subs://item/%61", "subs://plain%7Etext"], "as the client wrote them"
    assert w.c.request("resources/unsubscribe", {"uri": "subs://item/a"}) == {}
    assert not w.watched("subs://item/a")


def test_subscribing_twice_is_subscribing_once(client):
    w = Watcher(client, "session over stdio", "subs://counter", "subs://counter", "subs://item/end")
    w.touch("subs://counter")
    w.told(1)
    w.touch("subs://item/end")
    assert w.told(2) == ["subs://counter", "subs://item/end"]
    w.c.request("resources/unsubscribe", {"uri": "subs://counter"})
    assert not w.watched("subs://counter")


def test_what_nobody_heard_is_told_once_to_the_next_listener(client):
    c = client(OLD, "http", plugins=["subs1"])
    for uri in ("subs://counter", "subs://item/a", "subs://item/b"):
        c.request("resources/subscribe", {"uri": uri})
    for _ in range(3):
        assert c.text("touch", uri="subs://counter") == "0"
        assert c.text("touch", uri="subs://item/b") == "0"
    other = HttpClient(c.host, OLD)  # hears that the burst is over
    other.initialize()
    other.request("resources/subscribe", {"uri": "subs://counter"})
    other.open_get_stream()
    assert c.text("touch", uri="subs://counter") == "0"
    other.notifications.wait(UPDATED)
    c.open_get_stream()
    seen = [n["params"]["uri"] for n in c.notifications.wait(UPDATED, 2)]
    assert sorted(seen) == ["subs://counter", "subs://item/b"]
    c.text("touch", uri="subs://item/a")
    seen = [n["params"]["uri"] for n in c.notifications.wait(UPDATED, 3)]
    assert len(seen) == 3 and seen[2] == "subs://item/a"
    other.close()


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_capability_is_told(client, revision, transport):
    c = client(revision, transport, plugins=["subs1"])
    assert c.server["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
    assert c.request("resources/subscribe", {"uri": "subs://counter"}) == {}
    assert c.request("resources/unsubscribe", {"uri": "subs://counter"}) == {}


@pytest.mark.parametrize("method", ["resources/subscribe", "resources/unsubscribe"])
def test_the_stateless_era_has_no_such_methods(client, transport, method):
    c = client(NEW, transport, plugins=["subs1"])
    with pytest.raises(RpcError) as refused:
        c.request(method, {"uri": "subs://counter"})
    assert refused.value.code == -32601
    assert transport != "http" or refused.value.status == 404


@pytest.mark.parametrize("params, code", [
    ({}, -32602), ({"uri": 7}, -32602), ({"uri": None}, -32602), ({"uri": ["a"]}, -32602),
    ({"uri": ""}, -32002), ({"uri": "subs://nothing"}, -32002), ({"uri": "nonsense"}, -32002),
    ({"uri": "subs://item/a\0b"}, -32602), ({"uri": "subs://item/" + "x" * 5000}, -32602)])
def test_what_cannot_be_subscribed_to_is_refused(client, params, code):
    c = client(OLD, "stdio", plugins=["subs1"])
    with pytest.raises(RpcError) as refused:
        c.request("resources/subscribe", params)
    assert refused.value.code == code, refused.value
    if "uri" not in params or not isinstance(params["uri"], str):
        with pytest.raises(RpcError) as refused:
            c.request("resources/unsubscribe", params)
        assert refused.value.code == -32602


def test_only_what_can_be_listened_to_is_acknowledged(client, transport):
    c = client(NEW, transport, plugins=["subs1"])
    uris = ["subs://counter", "subs://nothing", "subs://item/a", "", "nonsense", "subs://counter",
            "subs://item/" + "x" * 5000]
    call = c.start("subscriptions/listen",
                   {"notifications": {"resourceSubscriptions": uris, "toolsListChanged": True}})
    ack = call.wait_notifications(1)[0]["params"]
    assert ack["notifications"] == {"toolsListChanged": True,
                                    "resourceSubscriptions": ["subs://counter", "subs://item/a"]}
    none = c.start("subscriptions/listen",
                   {"notifications": {"resourceSubscriptions": ["subs://nothing"]}})
    assert none.wait_notifications(1)[0]["params"]["notifications"] == {}


@pytest.mark.parametrize("uris", [7, "subs://counter", {"a": 1}, ["subs://counter", 7], [None]])
def test_a_wrong_filter_is_refused(client, transport, uris):
    c = client(NEW, transport, plugins=["subs1"])
    with pytest.raises(RpcError) as refused:
        c.request("subscriptions/listen", {"notifications": {"resourceSubscriptions": uris}})
    assert refused.value.code == -32602 and "resourceSubscriptions" in refused.value.message


def test_subscriptions_of_one_connection_are_told_apart(client, transport):
    c = client(NEW, transport, plugins=["subs1"])
    a, b = (c.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}},
                    id=id) for id, uri in (("first", "subs://counter"), (1732345678901, "subs://item/a")))
    for call in (a, b):
        call.wait_notifications(1)
    c.text("touch", uri="subs://item/a")
    c.text("touch", uri="subs://counter")
    for call, uri in ((a, "subs://counter"), (b, "subs://item/a")):
        only = call.wait_notifications(1, UPDATED)
        assert [n["params"]["uri"] for n in only] == [uri]
        assert only[0]["params"]["_meta"][META + "subscriptionId"] == call.request["id"]
    c.cancel_by_closing(a) if transport == "http" else c.cancel(a)
    eventually(lambda: c.text("watched", name="subs://counter") == "no", "the end of one")
    assert c.text("watched", name="subs://item/a") == "yes"


@pytest.mark.parametrize("era", ERAS)
def test_a_shutdown_ends_subscriptions_in_order(client, era):
    w = Watcher(client, era, "subs://counter")
    w.c.host.signal(15)
    if w.listens:
        result = w.call.result()
        assert result["_meta"][META + "subscriptionId"] == w.call.request["id"]
    assert w.c.host.wait() == 0


def test_sessions_that_end_free_their_subscriptions(client):
    c = client(OLD, "http", plugins=["subs1"])
    other = HttpClient(c.host, OLD)
    other.initialize()
    for i in range(50):
        other.request("resources/subscribe", {"uri": f"subs://item/{i}"})
    assert c.text("watched", name="subs://item/49") == "yes"
    end_session(other)
    assert c.text("watched", name="subs://item/49") == "no"
    other.close()


def test_one_client_has_a_limited_number(client):
    c = client(OLD, "stdio", plugins=["subs1"])
    for i in range(1024):
        c.request("resources/subscribe", {"uri": f"subs://item/{i}"})
    with pytest.raises(RpcError) as refused:
        c.request("resources/subscribe", {"uri": "subs://counter"})
    assert refused.value.code == -32603 and "1024" in refused.value.message
    c.request("resources/unsubscribe", {"uri": "subs://item/7"})
    c.request("resources/subscribe", {"uri": "subs://counter"})


def test_all_together_are_limited(client):
    c = client(OLD, "http", plugins=["subs1"],
               config={"limits": {"max_resource_subscriptions": 3}})
    for i in range(3):
        c.request("resources/subscribe", {"uri": f"subs://item/{i}"})
    with pytest.raises(RpcError) as refused:
        c.request("resources/subscribe", {"uri": "subs://counter"})
    assert refused.value.code == -32603 and refused.value.status == 503
    new = HttpClient(c.host, NEW)
    listen = {"notifications": {"resourceSubscriptions": ["subs://counter"]}}
    call = new.start("subscriptions/listen", listen)
    assert call.wait_notifications(1)[0]["params"]["notifications"] == {}
    end_session(c)
    call = new.start("subscriptions/listen", listen)
    assert call.wait_notifications(1)[0]["params"]["notifications"] == listen["notifications"]
    new.close()


def test_one_filter_is_read_to_a_limit(client):
    c = client(NEW, "http", plugins=["subs1"])
    named = [*(f"nobody://{i}" for i in range(1023)), "subs://counter", "subs://item/1"]
    call = c.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": named}})
    told = call.wait_notifications(1)[0]["params"]["notifications"]
    assert told == {"resourceSubscriptions": ["subs://counter"]}


@pytest.mark.parametrize("era", ERAS)
def test_subscriptions_outlive_a_reload(client, era):
    w = Watcher(client, era, "subs://counter", "subs://item/a")
    before = w.c.request("resources/read", {"uri": "subs://counter"})["contents"][0]["text"]
    w.c.host.drop_plugin("subs1", "subs2")
    eventually(lambda: w.c.request("resources/read", {"uri": "subs://counter"})
               ["contents"][0]["text"] == "2", "the second build")
    assert before == "1"
    assert w.watched("subs://counter")
    w.touch("subs://item/a")
    assert w.told(1) == ["subs://item/a"]


def test_only_its_own_resources_are_a_plugins_to_tell_of(client):
    c = client(OLD, "stdio", plugins=["subs1", "kit"])
    foreign = c.list("resources", "resources/list")
    uri = next(r["uri"] for r in foreign if not r["uri"].startswith(("subs:", "skill:")))
    c.request("resources/subscribe", {"uri": uri})
    for wrong in (uri, "subs://nothing", "nonsense"):
        assert c.text("touch", uri=wrong) == "-1"
        c.host.wait_log(f"gantry_resource_updated: {wrong} is not the URI of a resource")
    assert c.text("watched", name=uri) == "no"
    c.host.wait_log("gantry_is_subscribed: ")
    assert c.text("touch", uri="") == "-1" and c.text("touch", uri="x" * 5000) == "-1"


def test_an_instance_with_a_prefix_speaks_of_its_resources_as_it_declared_them(client):
    c = client(OLD, "stdio", plugins=[], config={"plugins": [
        {"plugin": str(plugin_file("subs1")), "name": "one"},
        {"plugin": str(plugin_file("subs1")), "name": "two"}]})
    uris = [r["uri"] for r in c.list("resources", "resources/list") if r["uri"].endswith("counter")]
    assert len(uris) == 2, uris
    tools = sorted(n for n in c.names() if n.endswith("touch"))
    for tool, uri in zip(tools, sorted(uris)):
        c.request("resources/subscribe", {"uri": uri})
    for count, tool in enumerate(tools, 1):
        assert c.text(tool, uri="subs://counter") == "0"
        c.notifications.wait(UPDATED, count)
    assert sorted(n["params"]["uri"] for n in c.notifications.wait(UPDATED, 2)) == sorted(uris)


# ---------------------------------------------------------------- completion

@pytest.mark.parametrize("ref", [
    {"type": "ref/prompt", "name": "travel"},
    {"type": "ref/resource", "uri": "subs://place/{country}/{city}"}])
@pytest.mark.parametrize("revision", ["2025-06-18", OLD, NEW])
def test_a_completion_may_depend_on_other_arguments(client, revision, transport, ref):
    c = client(revision, transport, plugins=["subs1"])

    def complete(value, **known):
        params = {"ref": ref, "argument": {"name": "city", "value": value}}
        if known:
            params["context"] = {"arguments": known}
        return c.request("completion/complete", params)["completion"]["values"]

    assert complete("", country="norway") == ["oslo", "bergen"]
    assert complete("b", country="norway") == ["bergen"]
    assert complete("", country="france") == ["paris", "lyon"]
    assert complete("") == [] and complete("", country="nowhere") == []
    assert json.dumps(complete("o", country="norway")) == '["oslo"]'
