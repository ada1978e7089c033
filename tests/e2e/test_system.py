"""The sample plugin `system`: load, memory, disks and processes, subscriptions to them, and a scan."""

import json
import os
import subprocess

import pytest

from harness.client import RpcError
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
UPDATED = "notifications/resources/updated"


@pytest.fixture
def system(client):
    def start(revision=OLD, transport="stdio", **settings):
        return client(revision, transport, plugins=["system"],
                      config={"plugins": [{"plugin": "system", "settings": settings}]})
    return start


def read(c, uri):
    one, = c.request("resources/read", {"uri": uri})["contents"]
    assert one["mimeType"] == "application/json"
    return json.loads(one["text"])


@pytest.mark.parametrize("revision", ["2024-11-05", OLD, NEW])
def test_tools_and_resources_show_the_same(system, revision, transport):
    c = system(revision, transport)
    load = c.structured("system_load")
    assert load["cpus"] >= 1 and set(load["load"]) == {"1m", "5m", "15m"}
    assert set(read(c, "system://load")) == set(load)
    memory = c.structured("system_memory")
    assert 0 < memory["used"] < memory["total"] and 0 < memory["available"] <= memory["total"]
    assert set(read(c, "system://memory")) == set(memory)
    disks = c.structured("system_disks")["disks"]
    assert all(0 <= d["used"] <= d["total"] for d in disks)
    assert [d["mount"] for d in read(c, "system://disks")["disks"]] == [d["mount"] for d in disks]
    assert len({d["mount"] for d in disks}) == len(disks)


def test_processes_are_listed(system):
    c = system()
    result = c.structured("system_processes", sort="pid", limit=1000)
    mine, = [p for p in result["processes"] if p["pid"] == os.getpid()]
    assert mine["uid"] == os.getuid() and mine["parent"] == os.getppid()
    assert mine["memory"] > 0 and mine["threads"] >= 1 and "command" not in mine
    pids = [p["pid"] for p in result["processes"]]
    assert pids == sorted(pids) and result["total"] >= len(pids)
    assert os.getpid() in [p["pid"] for p in read(c, "system://processes")["processes"]]
    largest = c.structured("system_processes", limit=2)["processes"]
    assert len(largest) == 2 and largest[0]["memory"] >= largest[1]["memory"]
    host = c.structured("system_processes", name="gantry", limit=1000)["processes"]
    assert all("gantry" in p["name"] for p in host) and len(host) >= 1
    assert c.structured("system_processes", name="no such process")["processes"] == []


def test_one_process_is_shown(system):
    c = system(command_lines=True)
    child = subprocess.Popen(["sleep", "1000"])
    try:
        one = read(c, f"system://process/{child.pid}")
        assert one["pid"] == child.pid and one["parent"] == os.getpid()
        # The kernel gives a new program its name before it has its arguments.
        eventually(lambda: read(c, f"system://process/{child.pid}").get("command") == "sleep 1000",
                   "the program and its arguments")
        assert read(c, f"system://process/{child.pid}")["name"] == "sleep"
    finally:
        child.kill()
        child.wait()
    for gone in (str(child.pid), "0", "-1", "x", "99999999999999"):
        with pytest.raises(RpcError) as none:
            c.request("resources/read", {"uri": f"system://process/{gone}"})
        assert none.value.code in (-32002, -32602)


def test_command_lines_are_shown_only_where_it_is_said(system):
    c = system(command_lines=False)
    text = json.dumps(c.call("system_processes", limit=1000)) + \
        json.dumps(read(c, f"system://process/{os.getpid()}"))
    assert "command" not in text and "pytest" not in text


def test_nobodys_environment_is_shown(system):
    c = system(command_lines=True)
    os.environ["GANTRY_TEST_SECRET"] = "hunter2"
    child = subprocess.Popen(["sleep", "1000"])
    try:
        eventually(lambda: "sleep 1000" in json.dumps(c.call("system_processes", name="sleep")), "exec")
        for text in (c.call("system_processes", limit=1000), read(c, f"system://process/{child.pid}")):
            assert "hunter2" not in json.dumps(text)
    finally:
        del os.environ["GANTRY_TEST_SECRET"]
        child.kill()
        child.wait()


def test_ids_of_processes_complete(system):
    c = system()
    ref = {"type": "ref/resource", "uri": "system://process/{pid}"}
    mine = str(os.getpid())
    values = c.request("completion/complete", {
        "ref": ref, "argument": {"name": "pid", "value": mine}})["completion"]["values"]
    assert mine in values and all(v.startswith(mine) for v in values)


# ---------------------------------------------------------------- subscriptions

@pytest.mark.parametrize("era", ["session", "listen"])
def test_a_process_that_ends_is_told_of(system, era):
    c = system(OLD if era == "session" else NEW, interval=100)
    child = subprocess.Popen(["sleep", "1000"])
    uri = f"system://process/{child.pid}"
    if era == "session":
        c.request("resources/subscribe", {"uri": uri})
        c.request("resources/subscribe", {"uri": "system://processes"})
        seen = c.notifications
    else:
        call = c.start("subscriptions/listen",
                       {"notifications": {"resourceSubscriptions": [uri, "system://processes"]}})
        call.wait_notifications(1)
        seen = call

    def told():
        messages = list(seen.seen if era == "session" else seen.notifications)
        return [m["params"]["uri"] for m in messages if m["method"] == UPDATED]

    others = []
    try:
        def one_came():
            others.append(subprocess.Popen(["true"]))
            others[-1].wait()
            return "system://processes" in told()
        eventually(one_came, "a change of the list")
        before = told().count(uri)
    finally:
        child.kill()
        child.wait()
    eventually(lambda: told().count(uri) > before, "the end of the process")


def test_memory_changes_are_told_to_those_who_have_subscribed(system):
    c = system(interval=100)
    c.request("resources/subscribe", {"uri": "system://memory"})
    ballast = []

    def more():
        ballast.append(bytearray(os.urandom(1 << 20)))
        return c.notifications.count(UPDATED) >= 2
    eventually(more, "a change of memory")
    assert {n["params"]["uri"] for n in c.notifications.wait(UPDATED)} == {"system://memory"}


# ---------------------------------------------------------------- scanning

@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for i in range(3):
        folder = root / f"d{i}" / "deep"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(os.urandom((i + 1) * 100_000))
    (root / "small").write_bytes(b"x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "big").write_bytes(os.urandom(5_000_000))
    (root / "link").symlink_to(outside)
    return root


def test_a_scan_shows_what_takes_room(system, tree, transport):
    c = system(OLD, transport, scan_root=str(tree))
    out = c.structured("scan_disk")
    assert out["files"] == 5 and out["directories"] == 6 and not out["truncated"]
    assert out["skipped"] == 0 and 600_000 <= out["bytes"] < 2_000_000, "links are not followed"
    assert [x["name"] for x in out["largest"]][:3] == ["d2", "d1", "d0"]
    assert out["largest"][0]["directory"] and out["largest"][0]["files"] == 1
    assert sum(x["bytes"] for x in out["largest"]) == out["bytes"]
    below = c.structured("scan_disk", path="d1/deep")
    assert [x["name"] for x in below["largest"]] == ["file"] and below["files"] == 1
    assert c.structured("scan_disk", top=2)["truncated"]


@pytest.mark.parametrize("path", ["..", "d0/..", "d0/../..", "/etc", "//", "d0//deep", ".", "link",
                                  "link/big", "nothing", "small", "d0/deep/file", "x" * 300])
def test_a_scan_stays_below_its_root(system, tree, path):
    c = system(scan_root=str(tree))
    result = c.call("scan_disk", path=path)
    assert result["isError"], result
    assert str(tree) not in json.dumps(result)


def test_without_a_root_there_is_no_scan(system):
    c = system()
    assert "scan_disk" not in c.names() and "system_load" in c.names()


@pytest.fixture
def many(tmp_path):
    root = tmp_path / "many"
    for d in range(20):
        folder = root / f"{d:02}"
        folder.mkdir(parents=True)
        for f in range(500):
            (folder / f"{f}").touch()
    return root


def test_a_long_scan_tells_how_far_it_is(system, many, transport):
    c = system(OLD, transport, scan_root=str(many))
    pending = c.start("tools/call", {"name": "scan_disk", "arguments": {},
                                     "_meta": {"progressToken": "scan"}})
    result = pending.result()["structuredContent"]
    assert result["files"] == 10000 and result["directories"] == 20
    told = [n["params"]["progress"] for n in pending.notifications
            if n["method"] == "notifications/progress"]
    assert len(told) >= 2 and told == sorted(told) and told[-1] < 10020


def test_a_scan_can_be_cancelled(system, many):
    c = system(scan_root="/")  # large enough anywhere, and bounded to one file system
    pending = c.start("tools/call", {"name": "scan_disk", "arguments": {},
                                     "_meta": {"progressToken": "scan"}})
    pending.wait_notifications(1, "notifications/progress")
    c.cancel(pending)
    assert c.structured("system_load")["cpus"] >= 1
    assert pending.response is None
