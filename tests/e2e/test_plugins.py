"""Plugins that come, change and go while the host runs, and what clients are told of it."""

import os
import re
import shutil
import stat

import pytest

from harness.client import RpcError, connect
from harness.host import eventually, plugin_file, put

NEW, OLD = "2026-07-28", "2025-11-25"
KINDS = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


def has(c, name):
    return name in c.names()


def test_an_empty_folder_offers_nothing_yet(client, revision, transport):
    c = client(revision, transport, plugins=[])
    assert c.list("tools") == [] and c.list("resources") == [] and c.list("prompts") == []
    c.host.drop_plugin("kit")
    eventually(lambda: has(c, "echo"), "the dropped plugin")
    assert c.text("echo", text="new") == "new"


@pytest.mark.parametrize("era", ["session stream", "stdio session", "listen over HTTP",
                                 "listen over stdio"])
def test_clients_are_told_what_came_and_went(client, era):
    transport = "stdio" if "stdio" in era else "http"
    listen = era.startswith("listen")
    c = client(NEW if listen else OLD, transport, plugins=["many"])
    if listen:
        call = c.start("subscriptions/listen", {"notifications": KINDS}, id="my subscription")
        first = call.wait_notifications(1)[0]
        assert first["method"] == "notifications/subscriptions/acknowledged"
        assert first["params"]["notifications"] == KINDS
    elif transport == "http":
        c.open_get_stream()

    def told(kind, count):
        method = f"notifications/{kind}/list_changed"
        return call.wait_notifications(count, method) if listen else \
            c.notifications.wait(method, count)

    kinds = ("tools", "resources", "prompts")
    c.host.drop_plugin("kit")  # has tools, resources and prompts
    seen = {kind: len(told(kind, 1)) for kind in kinds}
    assert has(c, "echo") and has(c, "many_0001")
    c.host.remove_plugin("kit")
    for kind in kinds:
        told(kind, seen[kind] + 1)
    assert not has(c, "echo") and has(c, "many_0001")
    with pytest.raises(RpcError) as gone:
        c.call("echo", text="x")
    assert gone.value.code == -32602
    if listen:
        assert all(n["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] ==
                   "my subscription" for n in call.notifications)
        assert call.response is None


def test_only_what_was_asked_for_is_told(client):
    c = client(NEW, "stdio", plugins=["many"])
    call = c.start("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    assert call.wait_notifications(1)[0]["params"]["notifications"] == {"toolsListChanged": True}
    c.host.drop_plugin("kit")
    call.wait_notifications(1, "notifications/tools/list_changed")
    c.host.remove_plugin("kit")
    call.wait_notifications(2, "notifications/tools/list_changed")
    methods = {n["method"] for n in call.notifications}
    assert methods == {"notifications/subscriptions/acknowledged",
                       "notifications/tools/list_changed"}


def test_a_listener_that_ends_hears_nothing_more(client, transport):
    c = client(NEW, transport, plugins=["many"])
    calls = [c.start("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
             for _ in range(3)]
    for call in calls:
        call.wait_notifications(1)
    if transport == "stdio":
        c.notify("notifications/cancelled", {"requestId": calls[0].request["id"]})
    else:
        c.cancel_by_closing(calls[0])
    assert c.text("many_0001")
    c.host.drop_plugin("kit")
    for call in calls[1:]:
        call.wait_notifications(1, "notifications/tools/list_changed")
    assert len(calls[0].notifications) == 1


def test_shutdown_ends_listeners_gracefully(client):
    c = client(NEW, "http")
    call = c.start("subscriptions/listen", {"notifications": KINDS})
    call.wait_notifications(1)
    c.host.stop()
    result = call.result()
    assert result["resultType"] == "complete"
    assert result["_meta"]["io.modelcontextprotocol/subscriptionId"] == call.request["id"]


def test_a_subscription_without_a_filter_is_malformed(client, transport):
    c = client(NEW, transport)
    for params in ({}, {"notifications": 7}, {"notifications": {"toolsListChanged": "yes"}},
                   {"notifications": {"resourceSubscriptions": [7]}}):
        with pytest.raises(RpcError) as refused:
            c.request("subscriptions/listen", params)
        assert refused.value.code == -32602


def test_a_change_keeps_what_runs_and_serves_what_is_new(client):
    c = client(OLD, "stdio", plugins={"flip": "flip1"})
    assert c.text("flip", text="a") == "1 a"
    slow = c.start_call("flip", text="slow", ms=1500)
    c.host.drop_plugin("flip", "flip2")
    eventually(lambda: c.text("flip", text="b") == "2 b", "the second build")
    assert has(c, "flop")
    assert slow.result()["content"][0]["text"] == "1 slow"
    c.notifications.wait("notifications/tools/list_changed")
    c.host.drop_plugin("flip", "flip1")
    eventually(lambda: c.text("flip", text="c") == "1 c", "the first build again")
    assert not has(c, "flop")


def test_the_same_file_again_is_no_change(client):
    c = client(OLD, "stdio", plugins={"flip": "flip1", "kit": "kit"})
    for _ in range(3):
        c.host.drop_plugin("flip", "flip1")
    c.host.drop_plugin("many")
    eventually(lambda: has(c, "many_0001"), "the other plugin")
    assert c.text("flip", text="a") == "1 a"
    c.notifications.wait("notifications/tools/list_changed")


@pytest.mark.parametrize("writer", ["copy over", "truncate and write slowly", "truncate"])
def test_writing_into_a_loaded_file_does_not_hurt(client, writer):
    c = client(OLD, "stdio", plugins={"flip": "flip1", "kit": "kit"})
    target = c.host.drop / "flip.so"
    assert c.text("flip", text="a") == "1 a"
    if writer == "copy over":
        shutil.copyfile(plugin_file("flip2"), target)  # the same inode, as `cp` does it
        eventually(lambda: c.text("flip", text="b") == "2 b", "the second build")
    elif writer == "truncate":
        os.truncate(target, 0)
        c.host.wait_log("flip")
        for _ in range(20):
            assert c.text("flip", text="b") == "1 b"
        put(plugin_file("flip2"), target)
        eventually(lambda: c.text("flip", text="b") == "2 b", "the second build")
    else:
        data = plugin_file("flip2").read_bytes()
        with open(target, "r+b") as f:
            f.truncate(0)
            for i in range(0, len(data), max(1, len(data) // 40)):
                f.write(data[i:i + max(1, len(data) // 40)])
                f.flush()
                assert c.text("flip", text="b") in ("1 b", "2 b")
        eventually(lambda: c.text("flip", text="b") == "2 b", "the second build")
    assert c.text("echo", text="after") == "after"


@pytest.mark.parametrize("content, reason", [
    (b"", "empty|short|truncated|ELF"), (b"garbage" * 1000, "ELF"),
    (b"\x7fELF" + b"\0" * 3, "incomplete"),
    (None, "truncated|incomplete|ELF")])
def test_garbage_is_refused_with_a_reason_and_said_once(client, content, reason):
    c = client(OLD, "stdio")
    if content is None:
        whole = plugin_file("flip1").read_bytes()
        content = whole[:len(whole) // 2]
    scratch = c.host.folder / "scratch"
    scratch.write_bytes(content)
    put(scratch, c.host.drop / "broken.so")
    line = c.host.wait_log(r"broken")
    assert re.search(reason, line), line
    c.host.drop_plugin("many")
    eventually(lambda: has(c, "many_0001"), "the other plugin")
    assert c.text("echo", text="after") == "after"
    warnings = [entry for entry in c.host.log_lines()
                if entry.get("level") in ("warning", "error") and "broken" in str(entry)]
    assert len(warnings) == 1, warnings


def test_a_file_that_others_may_write_is_refused(client):
    c = client(OLD, "stdio")
    target = c.host.drop / "flip.so"
    shutil.copyfile(plugin_file("flip1"), c.host.folder / "scratch")
    os.chmod(c.host.folder / "scratch", 0o777)
    os.replace(c.host.folder / "scratch", target)
    c.host.wait_log(r"flip.*writ|writ.*flip")
    assert not has(c, "flip")
    os.chmod(target, stat.S_IRUSR | stat.S_IXUSR)
    put(plugin_file("flip1"), target)
    eventually(lambda: has(c, "flip"), "the plugin, now that only we can write it")


def test_other_files_in_the_folder_are_left_alone(client):
    c = client(OLD, "stdio")
    for name in ("README.md", "kit.so.bak", ".hidden.so", "notes", "lib.a", "kit.so~"):
        (c.host.drop / name).write_text("no plugin")
    (c.host.drop / "folder.so").mkdir()
    (c.host.drop / "dangling.so").symlink_to("/nowhere")
    c.host.drop_plugin("many")
    eventually(lambda: has(c, "many_0001"), "the other plugin")
    assert c.text("echo", text="after") == "after"


def test_a_name_that_is_taken_keeps_its_first_owner(client):
    c = client(OLD, "stdio", plugins={"flip": "flip1"})
    c.host.drop_plugin("flap", "flip2")
    line = c.host.wait_log("flap")
    assert "flip" in line, line
    assert c.text("flip", text="a") == "1 a" and not has(c, "flop")


def test_several_instances_of_one_plugin_have_their_own_settings(client):
    config = {"plugins": [
        {"plugin": "many", "settings": {"tools": 3, "resources": 1}}, ],
        "server": {"name": "two"}}
    c = client(OLD, "stdio", plugins=["many", "kit"], config=config)
    assert [n for n in c.names() if n.startswith("many_")] == ["many_0000", "many_0001", "many_0002"]
    assert c.server["serverInfo"]["name"] == "two"
    who = c.structured("who")
    assert who["instance"] == "kit"


def test_two_instances_of_one_plugin_live_side_by_side(client):
    """One that has a name of its own puts it before what it offers."""
    c = client(OLD, "stdio", plugins=["kit"],
               config={"plugins": ["kit", {"plugin": "kit", "name": "second"}]})
    assert c.structured("who")["instance"] == "kit"
    who = c.structured("second_who")
    assert who["instance"] == "second" and who["component"] == "second_who"
    for uri in ("kit://text", "kit://second/text"):
        read = c.request("resources/read", {"uri": uri})
        assert read["contents"] == [{"uri": uri, "mimeType": "text/plain", "text": "hello world"}]
    uri = "kit://second/item/7"
    read = c.request("resources/read", {"uri": uri})
    assert read["contents"][0]["text"] == f"item 7 of {uri}"
    assert {"ask", "second_ask"} <= set(c.names("prompts"))


def test_an_instance_that_is_disabled_is_not_loaded(client):
    c = client(OLD, "stdio", plugins=["kit", "many"],
               config={"plugins": [{"plugin": "kit", "enabled": False}]})
    assert not has(c, "echo") and has(c, "many_0001")


def test_wrong_settings_are_named(client):
    c = client(OLD, "stdio", plugins=["many", "kit"],
               config={"plugins": [{"plugin": "many", "settings": {"tools": "lots"}}]})
    assert has(c, "echo") and not has(c, "many_0001")
    line = c.host.wait_log("many")
    assert "tools" in line


def test_components_registered_at_run_time(client, revision, transport):
    c = client(revision, transport)
    assert c.text("add", name="fresh") == "added"
    assert c.text("fresh") == "fresh was added"
    for name in ("fresh", "echo", "no good", "", "x" * 129):
        result = c.call("add", name=name)
        assert result["isError"] is True and "refused" in result["content"][0]["text"], name
    assert c.text("remove", name="fresh") == "removed"
    with pytest.raises(RpcError):
        c.call("fresh")
    assert c.call("remove", name="fresh")["isError"] is True
    # A reload takes what was added at run time with it.
    assert c.text("add", name="fresh") == "added"


def test_removing_a_plugin_lets_its_calls_finish(client):
    c = client(OLD, "stdio")
    call = c.start_call("sleep", ms=2500)
    c.wait_in_flight(1)
    c.host.remove_plugin("kit")
    eventually(lambda: not has(c, "echo"), "the plugin to be gone")
    assert call.result()["content"][0]["text"] == "slept 2500"


def test_one_plugin_file_can_be_named(host):
    one = host(plugins=[], stdio=True, args=["--plugin", plugin_file("flip1")])
    c = connect(one, OLD, "stdio")
    assert c.names() == ["flip"]
