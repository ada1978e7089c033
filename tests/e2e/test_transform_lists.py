"""Transforms of lists as clients see them: a plugin's own and the operator's, predicates and principals,
rules of one session, and who is told of which change."""

import hashlib
import signal

import pytest

from harness.client import RpcError, connect
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
ERAS = pytest.mark.parametrize("revision", [OLD, NEW])
CHANGED = "notifications/tools/list_changed"
ENOTSUP, ETOOBIG, ENOENT = -2, -5, -7
TOKENS = {"auth": {"tokens": [
    {"principal": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
    for name in ("ann", "bob")]}}
OWN = {"l_plain", "l_other", "grant", "revoke", "add_rule", "session_rule", "session_clear",
       "remove_rule"}


def serve(host, revision=NEW, transforms=(), transport="http", **config):
    one = host(plugins=("lists",), http=True if transport == "http" else None,
               stdio=transport == "stdio", config={"transforms": list(transforms), **config})
    return connect(one, revision, transport)


def as_(one, name, revision):
    client = connect(one, revision, "http", headers={"Authorization": f"Bearer {name}"})
    if revision == OLD:
        client.open_get_stream()
    return client


def unknown(client, method, params):
    with pytest.raises(RpcError) as e:
        client.request(method, params)
    return e.value


# ---------------------------------------------------------------- a plugin's own

def test_the_transforms_of_a_plugin_act(host, revision, transport):
    client = serve(host, revision, transport=transport)
    assert set(client.names()) == OWN
    assert client.text("l_other") == "renamed, called l_other"
    for name in ("l_renamed", "l_hidden", "l_admin", "nobody"):
        assert unknown(client, "tools/call", {"name": name, "arguments": {}}).code == -32602
    client.close()


def test_a_name_that_is_off_is_answered_as_one_that_nobody_has(host):
    client = serve(host)
    off = unknown(client, "tools/call", {"name": "l_hidden", "arguments": {}})
    none = unknown(client, "tools/call", {"name": "l_hiddeN", "arguments": {}})
    assert (off.code, off.message.replace("l_hidden", "N"), off.data) == \
        (none.code, none.message.replace("l_hiddeN", "N"), none.data)
    client.close()


@ERAS
def test_transforms_come_and_go_at_run_time(host, revision):
    client = serve(host, revision)
    if revision == OLD:
        client.open_get_stream()

    def told(times):
        """Of each change that was one. Who has seen the new list is not told of it any more."""
        if revision == OLD:
            client.notifications.wait(CHANGED, times)
            assert client.notifications.count(CHANGED) == times

    assert client.text("add_rule", name="one", type="disable", what="l_pl*") == "0"
    told(1)
    assert "l_plain" not in client.names()
    assert int(client.text("add_rule", name="one", type="enable", what="l_*")) < 0  # each name once
    assert client.text("add_rule", name="two", type="enable", what="l_plain") == "0"
    told(2)
    assert "l_plain" in client.names()  # later rules win
    assert client.text("remove_rule", name="two") == "0"
    told(3)
    assert "l_plain" not in client.names()
    assert client.text("remove_rule", name="one") == "0"
    told(4)
    assert set(client.names()) == OWN
    assert client.text("remove_rule", name="one") == str(ENOENT)
    assert int(client.text("add_rule", name="three", type="namespace", what="no/prefix")) < 0
    assert client.text("add_rule", name="three", type="namespace", what="ns") == "0"
    told(5)
    # Before the table of names, by its priority: what stands there is not found any more.
    assert set(client.names()) == {f"ns_{name}" for name in OWN - {"l_other"} | {"l_renamed"}}
    assert client.host.wait_log("another-name.*l_renamed")
    assert client.text("ns_l_plain") == "plain, called ns_l_plain"
    client.close()


# ---------------------------------------------------------------- who looks

@ERAS
def test_a_predicate_makes_lists_private_and_tells_those_concerned(host, revision):
    one = host(plugins=("lists",), http=True, config=TOKENS)
    ann, bob = as_(one, "ann", revision), as_(one, "bob", revision)
    assert "l_admin" not in ann.names() and "l_admin" not in bob.names()
    assert bob.text("grant", principal="ann") == "0"
    eventually(lambda: "l_admin" in ann.names(), "what ann may")
    assert ann.text("l_admin") == "admin" and "l_admin" not in bob.names()
    assert unknown(bob, "tools/call", {"name": "l_admin", "arguments": {}}).code == -32602
    if revision == OLD:
        ann.notifications.wait(CHANGED, 1)
    else:
        assert ann.request("tools/list")["cacheScope"] == "private"
        assert bob.request("tools/list")["cacheScope"] == "private"
    assert bob.text("revoke") == "0"
    eventually(lambda: "l_admin" not in ann.names(), "what ann may no longer")
    if revision == OLD:
        ann.notifications.wait(CHANGED, 2)
        # What bob sees has never changed.
        assert ann.notifications.count(CHANGED) == 2 and bob.notifications.count(CHANGED) == 0
    ann.close(), bob.close()


def test_rules_for_principals_are_the_operators_too(host):
    one = host(plugins=("lists",), http=True, config={**TOKENS, "transforms": [
        {"use": "disable", "names": ["l_*"]},
        {"use": "enable", "names": ["l_plain", "l_hidden"], "principals": ["ann"]}]})
    ann, bob = as_(one, "ann", NEW), as_(one, "bob", NEW)
    rest = {name for name in OWN if not name.startswith("l_")}
    assert set(ann.names()) == rest | {"l_plain", "l_hidden"} and set(bob.names()) == rest
    assert ann.request("tools/list")["cacheScope"] == "private"
    ann.close(), bob.close()


def test_lists_that_are_the_same_for_all_are_public(host):
    client = serve(host, NEW, [{"use": "namespace", "prefix": "ns"}])
    assert client.request("prompts/list")["cacheScope"] == "public"
    client.close()


# ---------------------------------------------------------------- one session

def test_a_session_has_rules_of_its_own(host):
    one = host(plugins=("lists",), http=True)
    mine, other = connect(one, OLD, "http"), connect(one, OLD, "http")
    for c in (mine, other):
        c.open_get_stream()
    assert mine.text("session_rule", name="a", type="disable", what="l_plain") == "0"
    mine.notifications.wait(CHANGED, 1)
    assert "l_plain" not in mine.names() and "l_plain" in other.names()
    assert unknown(mine, "tools/call", {"name": "l_plain", "arguments": {}}).code == -32602
    assert other.text("l_plain").startswith("plain")
    # Of one name the last counts; after all other rules, also those of plugins.
    assert mine.text("session_rule", name="a", type="enable", what="l_hidden") == "0"
    mine.notifications.wait(CHANGED, 2)
    assert {"l_plain", "l_hidden"} <= set(mine.names())
    assert mine.text("l_hidden") == "hidden" and "l_hidden" not in other.names()
    assert mine.text("session_clear") == "0"
    mine.notifications.wait(CHANGED, 3)
    assert set(mine.names()) == OWN
    assert mine.notifications.count(CHANGED) == 3 and other.notifications.count(CHANGED) == 0
    mine.close(), other.close()


def test_a_session_that_would_lock_itself_out_is_let_in_by_nobody(host):
    """`only` takes the rest away, the tool that could undo it too; another session is not touched."""
    one = host(plugins=("lists",), http=True)
    mine, other = connect(one, OLD, "http"), connect(one, OLD, "http")
    assert mine.text("session_rule", name="a", type="only", what="l_plain") == "0"
    assert mine.names() == ["l_plain"]
    assert unknown(mine, "tools/call", {"name": "session_clear", "arguments": {}}).code == -32602
    assert set(other.names()) == OWN
    mine.close(), other.close()


def test_a_session_has_64_rules_at_most(host):
    client = serve(host, OLD)
    for n in range(64):
        assert client.text("session_rule", name=f"r{n}", type="disable", what=f"x{n}") == "0"
    assert client.text("session_rule", name="r64", type="disable", what="x") == str(ETOOBIG)
    assert client.text("session_rule", name="r63", type="disable", what="l_plain") == "0"
    assert "l_plain" not in client.names()
    assert int(client.text("session_rule", name="n", type="namespace", what="ns")) < 0
    assert client.text("session_clear") == "0" and set(client.names()) == OWN
    client.close()


def test_where_there_is_no_session_there_are_no_rules_of_one(host):
    client = serve(host, NEW)
    assert client.text("session_rule", name="a", type="disable", what="l_plain") == str(ENOTSUP)
    assert client.text("session_clear") == str(ENOTSUP)
    assert set(client.names()) == OWN
    client.close()


def test_rules_of_a_session_live_through_a_reload(host):
    one = host(plugins={"lists": "lists", "flip": "flip1"}, http=True,
               config={"loading": {"debounce": "10ms", "settle": "10ms"}})
    client = connect(one, OLD, "http")
    assert client.text("session_rule", name="a", type="disable", what="l_plain") == "0"
    one.drop_plugin("flip", "flip2")
    eventually(lambda: client.text("flip", text="x") == "2 x", "the second build")
    assert "l_plain" not in client.names() and "l_other" in client.names()
    client.close()


# ---------------------------------------------------------------- the operator's

def test_namespaces_go_through_everything(host, revision, transport):
    client = serve(host, revision, [{"use": "namespace", "prefix": "ns"}], transport)
    assert set(client.names()) == {f"ns_{name}" for name in OWN}
    assert client.names("prompts") == ["ns_l_prompt"]
    resource, = client.list("resources")
    assert resource["uri"] == "lists://ns/document"
    template, = client.request("resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"] == "lists://ns/page/{id}"
    read = client.request("resources/read", {"uri": "lists://ns/document"})["contents"][0]
    assert read["uri"] == "lists://ns/document" and read["text"].startswith("document")
    read = client.request("resources/read", {"uri": "lists://ns/page/7"})["contents"][0]
    assert (read["uri"], read["text"]) == ("lists://ns/page/7", "page 7")
    for uri in ("lists://document", "lists://page/7"):
        assert unknown(client, "resources/read", {"uri": uri}).code in (-32002, -32602)
    client.request("prompts/get", {"name": "ns_l_prompt"})
    assert unknown(client, "prompts/get", {"name": "l_prompt"}).code == -32602
    client.close()


def test_versions_stand_side_by_side(host):
    """The newest is served; the others are there for those who name them."""
    client = serve(host, NEW, [
        {"use": "tools", "tools": {"l_plain": {"version": "1.9"}}},
        {"use": "tools", "tools": {"l_other": {"name": "l_plain", "version": "1.10"}}}])
    assert client.names().count("l_plain") == 1
    tool = next(t for t in client.list("tools") if t["name"] == "l_plain")
    assert tool["_meta"]["gantry/version"] == "1.10"
    assert tool["_meta"]["gantry/versions"] == ["1.10", "1.9"]
    assert client.text("l_plain").startswith("renamed")
    old = client.request("tools/call", {"name": "l_plain", "arguments": {},
                                        "_meta": {"gantry/version": "1.9"}})
    assert old["content"][0]["text"].startswith("plain")
    unknown(client, "tools/call", {"name": "l_plain", "arguments": {}, "_meta": {"gantry/version": "2"}})
    client.close()


def test_names_that_grow_too_long_are_shortened_and_stay_different(host):
    prefix = "p" * 40
    rules = [{"use": "tools", "tools": {name: {"name": f"{'n' * 30}_{name}", "keep": True}}}
             for name in ("l_plain", "l_other")]
    client = serve(host, NEW, [*rules, {"use": "namespace", "prefix": prefix}])
    long = [name for name in client.names() if "nnnn" in name]
    assert len(set(long)) == 2 and all(len(name) == 64 for name in long)
    said = {client.text(name).split(",")[0] for name in long}
    assert said == {"plain", "renamed"}
    again = serve(host, NEW, [*rules, {"use": "namespace", "prefix": prefix}])
    assert [name for name in again.names() if "nnnn" in name] == long  # the same in every process
    for name in long:
        assert client.host.wait_log(name)
    client.close(), again.close()


def test_a_reload_of_the_configuration_changes_lists_once(host):
    one = host(plugins=("lists",), http=True, config={"transforms": []})
    client = connect(one, OLD, "http")
    client.open_get_stream()
    one.write_config({"transforms": [{"use": "namespace", "prefix": "a"},
                                     {"use": "disable", "names": ["a_l_plain"]},
                                     {"use": "rename", "names": {"a_l_other": "b"}}]})
    one.signal(signal.SIGHUP)
    client.notifications.wait(CHANGED, 1)
    assert "b" in client.names() and "a_l_plain" not in client.names()
    # A rule that changes nothing that this client sees is no change.
    one.write_config({"transforms": [{"use": "namespace", "prefix": "a"},
                                     {"use": "disable", "names": ["a_l_plain", "nothing*"]},
                                     {"use": "rename", "names": {"a_l_other": "b"}}]})
    one.signal(signal.SIGHUP)
    one.wait_log('"reloaded"', count=2)
    one.write_config({"transforms": [{"use": "naemspace"}]})
    one.signal(signal.SIGHUP)
    one.wait_log("not reloaded")
    assert "b" in client.names()  # the old configuration stays
    one.write_config({"transforms": []})
    one.signal(signal.SIGHUP)
    client.notifications.wait(CHANGED, 2)
    assert set(client.names()) == OWN
    assert client.notifications.count(CHANGED) == 2
    client.close()
