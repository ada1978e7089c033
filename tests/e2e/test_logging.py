"""Log lines: to the client in their order, at the level it asked for, and no more than it reads; to
standard error and files, with secrets blotted out; the log of calls."""

import json
import os
import re
import signal
import threading
import time

import pytest

from harness.client import META, RpcError, HttpClient, connect
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


def ask_for(c, level):
    """Asks for log lines, as the era has it."""
    if c.stateless:
        c.meta = {**c.meta, META + "logLevel": level}
    else:
        c.request("logging/setLevel", {"level": level})


def seen(c, pending):
    """The messages that came with a call, in order. On stdio they share the connection."""
    return pending.notifications if isinstance(c, HttpClient) else c.in_order


class Order:
    """Notes on a stdio connection what arrives, in order, whatever it belongs to."""

    def __init__(self, c):
        c.in_order = []
        self.take = c.take

        def take(message):
            c.in_order.append(message)
            self.take(message)
        c.take = take


def logging_client(client, revision, transport, level="info", **options):
    c = client(revision, transport, plugins=["log"], **options)
    if transport == "stdio":
        Order(c)
    ask_for(c, level)
    return c


def messages(c, pending):
    return [n["params"] for n in seen(c, pending) if n.get("method") == "notifications/message"]


def talk(c, name, /, **arguments):
    """Calls a tool; its result and the log messages that came before it."""
    if hasattr(c, "in_order"):
        c.in_order.clear()
    pending = c.start_call(name, **arguments)
    result = pending.result()
    return result, messages(c, pending)


def text_of(message):
    data = message["data"]
    return data["message"] if isinstance(data, dict) else data


# ---------------------------------------------------------------- order

@pytest.mark.parametrize("tool", ["interleave", "interleave_blocking"])
@pytest.mark.parametrize("config", [{}, {"log": {"client": {"flush_interval": 0}}}],
                         ids=["buffered", "at once"])
def test_lines_progress_and_result_arrive_as_they_were_said(client, revision, transport, tool,
                                                             config):
    c = logging_client(client, revision, transport, **({"config": config} if config else {}))
    c.meta = {**c.meta, "progressToken": "t"}
    if transport == "stdio":
        c.in_order.clear()
    pending = c.start_call(tool)
    assert pending.result()["content"][0]["text"] == "done"
    came = []
    for message in seen(c, pending):
        if message.get("method") == "notifications/message":
            came.append(text_of(message["params"]))
        elif message.get("method") == "notifications/progress":
            came.append(message["params"]["progress"])
        elif "result" in message:
            came.append("result")
    expected = [x for i in range(1, 6) for x in (f"before {i}", i, f"behind {i}")]
    assert came == expected + (["result"] if transport == "stdio" else [])


def test_a_line_does_not_wait_for_the_result(client, revision, transport):
    c = logging_client(client, revision, transport)
    pending = c.start_call("wait_logging")
    eventually(lambda: [m for m in messages(c, pending) if text_of(m) == "first"],
               "the first line while the tool still runs")
    assert pending.response is None
    c.cancel(pending)


def test_without_streaming_no_client_gets_a_line(client, transport):
    c = logging_client(client, OLD, transport, "debug",
                       config={"log": {"client": {"enabled": False}}})
    assert talk(c, "fields")[1] == []


# ---------------------------------------------------------------- levels

def levels_of(lines):
    return [m["level"] for m in lines if not text_of(m).startswith("database")]


@pytest.mark.parametrize("level", ["debug", "warning", "emergency"])
def test_a_client_gets_the_level_it_asks_for(client, revision, transport, level):
    c = logging_client(client, revision, transport, level, log_level="emergency")
    result, lines = talk(c, "speak")
    wanted = LEVELS[LEVELS.index(level):]
    assert levels_of(lines) == wanted
    assert [m["level"] for m in lines if m["logger"] == "database"] == wanted
    expected = "".join("yy" if name in wanted else "nn" for name in LEVELS)
    assert result["content"][0]["text"] == expected


def test_a_request_that_asks_for_no_level_gets_none(client, transport):
    c = client(NEW, transport, plugins=["log"])
    if transport == "stdio":
        Order(c)
    assert talk(c, "speak")[1] == []
    c.meta = {META + "logLevel": "alert"}
    assert levels_of(talk(c, "speak")[1]) == ["alert", "emergency"]
    c.meta = {}
    assert talk(c, "speak")[1] == []


def host_lines(one, start=0):
    """(category or None, level, which) of what `speak` has said, after so many lines of the log."""
    found = []
    for line in one.log_lines()[start:]:
        match = re.fullmatch(r"(plain|database|outside) (\d)", line["message"])
        if match:
            found.append((match.group(1), line["level"]))
    return found


def at_least(level):
    return LEVELS[LEVELS.index(level):]


def test_levels_by_name_hold_for_host_and_client_until_told_otherwise(client):
    config = {"log": {"level": "error", "levels": {"database": "notice", "log": "critical"}}}
    c = client(OLD, "http", plugins=["log"], config=config, log_level="error")
    ask_for(c, "debug")
    one = c.host

    def check(plain, database, outside):
        start = len(one.log_lines())
        result, lines = talk(c, "speak")
        assert [m["level"] for m in lines if m["logger"] == "log"] == at_least(plain)
        assert [m["level"] for m in lines if m["logger"] == "database"] == at_least(database)
        said = host_lines(one, start)
        for which, level in (("plain", plain), ("database", database), ("outside", outside)):
            assert [l for w, l in said if w == which] == at_least(level), (which, said)

    check("critical", "notice", "critical")          # the category goes before the instance
    assert c.text("set", level=1) == "0"             # what the plugin sets goes before both
    check("info", "info", "info")
    assert c.text("set", category="database", level=6) == "0"
    check("info", "alert", "info")
    assert c.text("set", category="database", level=-1) == "0"
    check("info", "info", "info")
    assert c.text("set", level=99) == "-1"
    one.write_config({"log": {"levels": {"database": "warning", "log": "alert"}}})
    one.signal(signal.SIGHUP)
    # The command line says log.level is error, so the line that tells of the reload is not there.
    eventually(lambda: [m["level"] for m in talk(c, "speak")[1] if m["logger"] == "log"] ==
               at_least("alert"), "the levels of the new configuration")
    check("alert", "warning", "alert")


# ---------------------------------------------------------------- what a line carries

def test_fields_keep_their_types_and_secrets_stay_here(client, revision, transport):
    c = logging_client(client, revision, transport, "debug",
                       config={"log": {"bind": ["request_id", "client", "method", "component",
                                                "transport"]}})
    _, (plain, database, you) = talk(c, "fields")
    assert plain == {"level": "info", "logger": "log", "data": "plain"}
    assert database == {"level": "info", "logger": "database", "data": {
        "message": "query done with Bearer [redacted]",
        "context": {"rows": 3, "ratio": 0.5, "cached": True, "table": "users",
                    "who": {"user": "bob", "password": "[redacted]"}, "Api-Key": "[redacted]"}}}
    assert you == {"level": "notice", "logger": "log", "data": {
        "message": "for you", "context": {"tenant": "acme"}, "user_visible": True}}

    lines = [line for line in c.host.log_lines() if line.get("component") == "log/fields"]
    assert [line["message"] for line in lines] == \
        ["plain", "query done with Bearer [redacted]", "for you"]
    for line in lines:
        assert isinstance(line["request_id"], int) and line["method"] == "tools/call"
        assert line["transport"] == transport and line["client"] == "e2e"
    one = lines[1]
    assert (one["rows"], one["ratio"], one["cached"], one["table"], one["logger"]) == \
        (3, 0.5, True, "users", "database")
    assert one["who"] == {"user": "bob", "password": "[redacted]"}
    assert lines[2]["tenant"] == "acme" and lines[2]["user_visible"] is True
    assert "hunter2" not in c.host.log() and "abc123" not in c.host.log()


def test_what_is_redacted_is_for_the_operator_to_say(client):
    c = logging_client(client, NEW, "http", "debug",
                       config={"log": {"redact": ["user"], "client": {"redact": False}}})
    _, (_, database, _) = talk(c, "fields")
    assert database["data"]["context"]["who"] == {"user": "bob", "password": "hunter2"}
    assert database["data"]["message"] == "query done with Bearer abc123"
    line = next(l for l in c.host.log_lines() if l.get("logger") == "database")
    assert line["who"] == {"user": "[redacted]", "password": "hunter2"}
    assert line["message"] == "query done with Bearer [redacted]"


def test_what_the_host_says_about_a_call_can_be_told_by_its_request(client):
    c = client(NEW, "http", plugins=["kit"])
    pending = c.start_call("accident")
    assert pending.result()["isError"]
    line = json.loads(c.host.wait_log(r"kit/accident failed"))
    assert line["component"] == "call" and line["request_id"] == pending.request["id"]


def test_timers_are_summed_up_in_a_line(client, transport):
    c = logging_client(client, NEW, transport)
    result, lines = talk(c, "timers")
    assert result["content"][0]["text"] == "timed"
    (line,) = lines
    step = line["data"]["context"]["step"]
    assert line["logger"] == "performance" and line["level"] == "info"
    assert step["count"] == 3 and step["max"] <= step["total"]
    assert step["total"] / 3 == pytest.approx(step["mean"])


# ---------------------------------------------------------------- floods

def flood(c, tool, **arguments):
    """A client that sends a call and does not read; returns its connection."""
    c.meta = {META + "logLevel": "debug"}
    call = c.request_message("tools/call", {"name": tool, "arguments": arguments})
    c.meta = {}
    connection = c.new_connection(receive_buffer=4096)
    connection.send_request("POST", c.path, c.headers_for(call), json.dumps(call).encode())
    return connection


def read_flood(connection):
    """(levels and texts that came, how many were dropped by what was told, the result)"""
    texts, dropped, result = [], 0, None
    for event in connection.read_response().events():
        if not event.get("data"):
            continue
        message = json.loads(event["data"])
        assert result is None, "nothing follows the result"
        if "result" in message:
            result = message["result"]
        elif message["params"]["logger"] == "gantry":
            assert message["params"]["level"] == "warning"
            count = message["params"]["data"]["context"]["dropped"]
            assert message["params"]["data"]["message"].startswith(f"{count} log message")
            dropped += count
        else:
            texts.append((message["params"]["level"], message["params"]["data"]))
    return texts, dropped, result


@pytest.mark.parametrize("tool", ["flood", "flood_blocking"])
def test_a_hundred_thousand_lines_for_a_client_that_does_not_read(client, tool):
    """They take no memory, hold nobody up, and cancel nothing; it is told how many it missed."""
    lines = 100_000
    # A sanitizer keeps what was freed: as little of it as it can.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=16"
    c = client(NEW, "http", plugins=["log", "kit"], log_level="warning",
               env={"ASAN_OPTIONS": options})
    assert c.text("echo", text="before") == "before"
    before = c.host.resident_bytes()
    connection = flood(c, tool, lines=lines, bytes=4000)  # 400 MB in all
    peak = 0

    def flooded():
        nonlocal peak
        assert c.text("echo", text="still here") == "still here"
        peak = max(peak, c.host.resident_bytes())
        # The error lines of the flood are in the host's own log: the last one says it is over.
        return any(f"line {lines - 1} " in line for line in c.host.log().splitlines()[-3:])
    eventually(flooded, "the flood to be over")
    for _ in range(20):
        assert c.text("echo", text="still here") == "still here"
    texts, dropped, result = read_flood(connection)
    connection.close()
    # 1 MiB of lines, an eighth of 8 MiB of output, and what the allocator makes of it.
    print(f"{peak - before} bytes more, {len(texts)} of {lines} lines came")
    assert peak - before < 32 << 20, f"{(peak - before) >> 20} MiB more"
    assert result["content"][0]["text"] == "flooded", result
    assert dropped > 0 and len(texts) + dropped == lines
    numbers = [int(re.match(r"line (\d+) ", text).group(1)) for _, text in texts]
    assert numbers == sorted(numbers)
    # The lower level went first: each error is there, to the last.
    assert [n for (level, _), n in zip(texts, numbers) if level == "error"] == \
        list(range(999, lines, 1000))


def test_of_a_flood_the_errors_come_through(client):
    """A client that reads again while the tool still runs gets what was kept: the higher levels."""
    c = client(NEW, "http", plugins=["log"], log_level="emergency", config={
        "log": {"client": {"max_queue": 50}}})
    connection = flood(c, "flood", lines=30_000)
    time.sleep(0.2)  # whatever it is, all must add up
    texts, dropped, result = read_flood(connection)
    connection.close()
    assert result["content"][0]["text"] == "flooded"
    assert len(texts) + dropped == 30_000


@pytest.mark.parametrize("revision", [OLD, NEW])
@pytest.mark.parametrize("tool", ["flood", "flood_blocking"])
def test_a_flood_on_stdio_is_told_of_before_the_result(client, revision, tool):
    c = client(revision, "stdio", plugins=["log"], log_level="warning")
    ask_for(c, "info")
    wait = threading.Event()
    Order(c)
    c.take, keep = (lambda m: (wait.wait(20), keep(m))), c.take
    c.in_order.clear()
    pending = c.start_call(tool, lines=100_000, every=1000)
    c.host.wait_log(r"line 99999 ")
    wait.set()
    assert pending.result()["content"][0]["text"] == "flooded"
    lines = messages(c, pending)
    dropped = sum(m["data"]["context"]["dropped"] for m in lines if m["logger"] == "gantry")
    assert dropped > 0
    assert len([m for m in lines if m["logger"] == "log"]) + dropped == 100_000
    assert "result" in c.in_order[-1]


# ---------------------------------------------------------------- files

def json_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_goes_to_a_file_and_starts_anew_when_it_is_full(client):
    c = client(NEW, "http", plugins=["log"], config={
        "log": {"file": "host.log", "max_size": "20KiB", "keep": 2, "processors":
                ["scope", "redact", "level"]}})
    folder = c.host.folder
    for _ in range(60):
        c.text("speak")
    names = sorted(p.name for p in folder.glob("host.log*"))
    assert names == ["host.log", "host.log.1", "host.log.2"]
    for name in names:
        assert (folder / name).stat().st_size <= 20 << 10
        for line in json_lines(folder / name):
            assert "time" not in line and line["level"] in LEVELS
    assert (folder / "host.log").stat().st_mode & 0o777 == 0o640
    # The last lines are the last ones, in both outputs.
    last = json_lines(folder / "host.log")[-1]
    assert last["message"] == c.host.log_lines()[-1]["message"] == "outside 7"


def test_a_hangup_opens_the_file_again_and_may_name_another(client):
    c = client(NEW, "http", plugins=["log"], config={"log": {"file": "a.log"}})
    folder = c.host.folder
    os.rename(folder / "a.log", folder / "moved.log")
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("reloaded")
    assert any(line["message"] == "reloaded" for line in json_lines(folder / "a.log"))
    c.host.write_config({"log": {"file": "b.log", "file_format": "text", "stderr": False,
                                 "levels": {"log": "critical"}}})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: (folder / "b.log").exists() and "reloaded" in (folder / "b.log").read_text(),
               "the other file")
    before = len(c.host.log_lines())
    c.text("speak")
    text = (folder / "b.log").read_text()
    assert "critical log/speak: plain 5 request_id=" in text and "plain 4" not in text
    assert "critical log/speak: database 5 logger=database request_id=" in text
    assert len(c.host.log_lines()) == before
    c.host.write_config({"log": {"file": "/nonexistent/c.log"}})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("log.file: /nonexistent/c.log cannot be written to: No such file")


# ---------------------------------------------------------------- the log of calls

def audited(c):
    return json_lines(c.host.folder / "audit.log")


@pytest.mark.parametrize("revision", [OLD, NEW])
def test_every_call_is_in_the_audit_log(client, transport, revision):
    c = client(revision, transport, plugins=["log"], config={
        "audit": {"file": "audit.log"}})
    c.client_info["name"] = "e2e"
    c.meta = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    assert c.text("secret", name="bob", password="hunter2")
    assert c.call("secret", name="nobody", password="hunter2")["isError"]
    assert c.call("secret", name="bob")["isError"]
    with pytest.raises(RpcError):
        c.call("no such tool")
    calls = [line for line in audited(c) if line["method"] == "tools/call"]
    assert [line["outcome"] for line in calls] == ["ok", "failed", "invalid"]
    for line in calls:
        assert line["component"] == "log/secret" and line["transport"] == transport
        assert line["revision"] == revision and line["client"] == {"name": "e2e", "version": "1.0"}
        assert line["depth"] == 0 and line["duration_ms"] >= 0 and line["request_id"] is not None
        assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert "arguments" not in line
    assert "hunter2" not in (c.host.folder / "audit.log").read_text()
    assert (c.host.folder / "audit.log").stat().st_mode & 0o777 == 0o600


def test_the_audit_log_tells_accidents_by_their_ids_and_refusals(client):
    c = client(NEW, "http", plugins=["around"], config={"audit": {"file": "audit.log"}})
    told = c.call("broken")["content"][0]["text"]
    with pytest.raises(RpcError):
        c.call("forbidden")
    error, refused = (line for line in audited(c) if line["method"] == "tools/call")
    assert error["component"] == "around/broken" and error["outcome"] == "error"
    assert error["correlation_id"] in told and len(error["correlation_id"]) == 16
    assert refused["outcome"] == "refused" and "correlation_id" not in refused


def test_the_audit_log_has_arguments_if_asked_for_and_no_secrets(client):
    c = client(NEW, "http", plugins=["log"], config={
        "audit": {"file": "audit.log", "arguments": True, "max_size": "2KiB", "keep": 1}})
    c.text("secret", name="bob", password="hunter2")
    (line,) = [line for line in audited(c) if line["method"] == "tools/call"]
    assert line["arguments"] == {"name": "bob", "password": "[redacted]"}
    for _ in range(20):
        c.text("secret", name="bob", password="hunter2")
    assert (c.host.folder / "audit.log.1").exists()
    assert not (c.host.folder / "audit.log.2").exists()
    c.host.write_config({})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("reloaded")
    before = (c.host.folder / "audit.log").read_text()
    c.text("secret", name="bob", password="hunter2")
    assert (c.host.folder / "audit.log").read_text() == before


def test_without_its_audit_log_a_host_does_not_start(host):
    one = host(plugins=["log"], http=True, must_start=False,
               config={"audit": {"file": "/nonexistent/audit.log"}})
    one.expect_exit = 3
    assert one.wait() == 3
    assert "audit.file: /nonexistent/audit.log cannot be written to: No such file" in one.log()


def test_the_principal_is_in_lines_and_audit(host):
    one = host(plugins=["log"], http=True, config={
        "audit": {"file": "audit.log"},
        "auth": {"tokens": [{"principal": "alice", "hash": "sha256:9f86d081884c7d659a2feaa0c55ad015"
                             "a3bf4f1b2b0b822cd15d6c15b0f00a08"}]}})
    c = connect(one, NEW, "http", headers={"Authorization": "Bearer test"})
    c.text("fields")
    (line,) = [line for line in audited(c) if line["method"] == "tools/call"]
    assert line["principal"] == "alice"
    lines = [line for line in one.log_lines() if line.get("component") == "log/fields"]
    assert len(lines) == 3 and all(line["principal"] == "alice" for line in lines)
    c.close()
