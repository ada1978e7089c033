"""The guide's chapter "Server-Side Logging": each of its examples as a plugin (guide/logging_*.c),
through a real client and its log_handler."""

import asyncio

import pytest

from harness.client import META
from harness.guide import example, mode, until

# The Python clients say of logging/setLevel that it is not in the latest revision.
pytestmark = [pytest.mark.clients,
              pytest.mark.filterwarnings("ignore:The logging capability is deprecated")]


def entry(message):
    """(level, logger, message, context) of one notification."""
    data = message.data if isinstance(message.data, dict) else {"message": message.data}
    return message.level, message.logger, data["message"], data.get("context", {})


async def all_levels(client, mode):
    """Asks for everything: the handshake era once, 2026-07-28 with each request (the client does)."""
    if mode == "legacy":
        await client.set_logging_level("debug")


async def heard(served, *expected):
    """What the client heard since the last time, once there are as many entries as expected."""
    await until(lambda: len(served.heard) >= len(expected), f"{len(expected)} log messages")
    entries = [entry(m) for m in served.heard]
    served.heard.clear()
    assert entries == list(expected)


# ---------------------------------------------------------------- Basic Client Logging

def test_basic_client_logging(example, mode):
    served = example("guide_logging_basic")
    name = "guide_logging_basic"

    async def script(client):
        await all_levels(client, mode)
        items = [{"id": 7}, {"id": "b"}]
        result = await client.call_tool("process_data", {"data": {"items": items}})
        assert result.structured_content == {"status": "success", "processed": 2}
        await heard(
            served,
            ("info", name, "Starting data processing", {"data_size": 1}),
            ("debug", name, "Processing item 1", {"item_id": 7}),
            ("debug", name, "Processing item 2", {"item_id": "b"}),
            ("info", name, "Data processing completed successfully", {}))

        result = await client.call_tool("process_data", {"data": {"items": [{}]}},
                                        raise_on_error=False)
        assert result.is_error and result.content[0].text == "an item has no id"
        await heard(
            served,
            ("info", name, "Starting data processing", {"data_size": 1}),
            ("debug", name, "Processing item 1", {"item_id": None}),
            ("error", name, "Processing failed", {"error": "an item has no id"}))
    served.talk(mode, script)
    assert [line["message"] for line in served.log_lines()
            if line.get("component", "").startswith(name)].count("Processing failed") == 1


def test_who_asks_for_less_hears_less(example, mode):
    served = example("guide_logging_basic")

    async def script(client):
        if mode == "legacy":
            await client.set_logging_level("warning")
        for item in ({"id": 1}, {}):
            await client.call_tool("process_data", {"data": {"items": [item]}})
        await until(lambda: served.heard, "a log message")
    served.talk_officially(mode, script, log_level="warning")
    assert [m.level for m in served.heard] == ["error"]


# ---------------------------------------------------------------- Structured Logging Configuration

# What the guide gives to setup_client_logging(), as the operator says it here.
STRUCTURED = {"log": {
    "format": "json",
    "processors": ["scope", "time", "level"],
    "client": {"enabled": True, "buffer_size": 100, "flush_interval": "1s"}}}


def test_structured_logging_configuration(example, mode, tmp_path):
    served = example("guide_logging_structured", config=STRUCTURED)
    file = tmp_path / "shout.txt"
    file.write_text("!" * 3 + "." * 8189 + "!" * 2)

    async def script(client):
        await all_levels(client, mode)
        result = await client.call_tool("analyze_file", {"file_path": str(file)})
        assert result.structured_content == {"results": [3, 0, 2]}
        request = {"request_id": served_request(served)}
        name = "guide_logging_structured"
        await heard(
            served,
            ("info", name, "File analysis started",
             {"file_path": str(file), "file_size": 8194, **request}),
            *(("debug", name, "Chunk processed",
               {"chunk_number": i + 1, "chunk_size": size, "patterns_found": found, **request})
              for i, (size, found) in enumerate([(4096, 3), (4096, 0), (2, 2)])),
            ("info", name, "File analysis completed",
             {"total_chunks": 3, "patterns_found": 5, **request}))

        missing = await client.call_tool("analyze_file", {"file_path": "/nowhere"},
                                         raise_on_error=False)
        assert missing.is_error and missing.content[0].text == "Cannot read /nowhere"
    served.talk(mode, script)

    # The same in the host's log, with what its processors added.
    done, = served.log_lines("File analysis completed")
    assert done["level"] == "info" and done["total_chunks"] == 3
    assert done["request_id"].startswith("req_") and done["time"].endswith("Z")


def served_request(served):
    started, = served.log_lines("File analysis started")
    assert started["request_id"].startswith("req_")
    return started["request_id"]


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-11-25", "2026-07-28"])
def test_what_is_buffered_comes_before_the_result(client, revision, transport, tmp_path):
    file = tmp_path / "shout.txt"
    file.write_text("!" * 5000)
    config = {"log": {"client": {"buffer_size": 100, "flush_interval": "60s"}}}
    c = client(revision, transport, plugins=["guide_logging_structured"], config=config)
    if c.stateless:
        c.meta = {META + "logLevel": "debug"}
    else:
        c.request("logging/setLevel", {"level": "debug"})
    pending = c.start_call("analyze_file", file_path=str(file))
    assert not pending.result().get("isError")
    # Over HTTP they stand in the call's own stream; over stdio nothing says whose they are.
    came = pending.notifications if transport == "http" else c.notifications.seen
    assert [n["params"]["data"]["message"] for n in came] == [
        "File analysis started", "Chunk processed", "Chunk processed", "File analysis completed"]


def test_nothing_is_streamed_if_the_operator_says_so(example, mode):
    served = example("guide_logging_basic", config={"log": {"client": {"enabled": False}}})

    async def script(client):
        await all_levels(client, mode)
        await client.call_tool("process_data", {"data": {"items": [{"id": 1}]}})
    served.talk(mode, script)
    assert served.heard == [] and served.log_lines("Data processing completed successfully")


# ---------------------------------------------------------------- Log Level Management

def test_log_level_management(example, mode):
    served = example("guide_logging_levels")
    name = "guide_logging_levels"
    data = {"question": 6, "times": 7}

    async def operate(client):
        result = await client.call_tool("debug_operation", {"data": data})
        assert result.content[0].text == "processed"

    async def set_level(client, level):
        result = await client.call_tool("set_log_level", {"level": level})
        assert result.structured_content == {"level": level, "status": "updated"}

    started = ("info", name, "Debug operation started", {})
    completed = ("info", name, "Debug operation completed", {})

    async def script(client):
        await all_levels(client, mode)
        await operate(client)
        await heard(served, started, completed)

        await set_level(client, "debug")
        await heard(served, ("info", name, "Log level changed to debug", {}))
        await operate(client)
        await heard(served, started,
                    ("debug", name, "Input data received", {"data": data}),
                    ("debug", name, "Validation step", {"valid": True}),
                    ("debug", name, "Processing result", {"result": "processed"}),
                    completed)

        await set_level(client, "error")
        await operate(client)
        await set_level(client, "info")
        await heard(served, ("info", name, "Log level changed to info", {}))

        wrong = await client.call_tool("set_log_level", {"level": "loud"}, raise_on_error=False)
        assert wrong.is_error and "level" in wrong.content[0].text
    served.talk(mode, script)


# ---------------------------------------------------------------- Categorized Logging

def secure(user_id, action="ship"):
    return "secure_operation", {"user_id": user_id, "action": action}


def test_categorized_logging(example, mode):
    served = example("guide_logging_categories")
    check = ("info", "auth", "Authentication check", {"user_id": "user1"})
    query = [
        ("debug", "database", "Database query starting", {"table": "users", "user_id": "user1"}),
        ("debug", "database", "Database query completed", {"records_returned": 1})]

    def api_call(action):
        return ("info", "external_api", "External API call",
                {"endpoint": "/api/process", "action": action})

    async def script(client):
        await all_levels(client, mode)
        result = await client.call_tool(*secure("user1"))
        assert result.structured_content == {"status": "success",
                                             "user": {"id": "user1", "name": "Ada"}}
        await heard(served, check, *query, api_call("ship"),
                    ("info", "external_api", "External API success", {"response_size": 13}))

        result = await client.call_tool(*secure("stranger"), raise_on_error=False)
        assert result.is_error and result.content[0].text == "Invalid user"
        await heard(served, ("info", "auth", "Authentication check", {"user_id": "stranger"}),
                    ("warning", "auth", "Authentication failed", {"user_id": "stranger"}))

        result = await client.call_tool(*secure("user1", "explode"), raise_on_error=False)
        assert result.is_error and result.content[0].text == "The external API failed"
        await heard(served, check, *query, api_call("explode"),
                    ("error", "external_api", "External API failed", {"error": "connection reset"}))
    served.talk(mode, script)
    assert {line["logger"] for line in served.log_lines() if "logger" in line} == \
        {"auth", "database", "external_api"}


def test_each_category_has_its_level(example, mode):
    levels = {"database": "error", "auth": "warning"}
    served = example("guide_logging_categories", config={"log": {"levels": levels}})

    async def script(client):
        await all_levels(client, mode)
        await client.call_tool(*secure("user1"))
        await client.call_tool(*secure("stranger"), raise_on_error=False)
        await until(lambda: len(served.heard) >= 3, "3 log messages")
        assert [(m.level, m.logger) for m in served.heard] == [
            ("info", "external_api"), ("info", "external_api"), ("warning", "auth")]
    served.talk(mode, script)


# ---------------------------------------------------------------- Performance Logging

def test_performance_logging(example, mode):
    served = example("guide_logging_performance")

    async def script(client):
        result = await client.call_tool("performance_sensitive_operation", {"data": [1, 2, 3, 4]})
        assert result.structured_content == {"sum": 30}
        await until(lambda: len(served.heard) >= 2, "2 log messages")
        (level, logger, message, context), (_, _, _, timers) = map(entry, served.heard)
        assert (level, logger, message) == ("info", "performance", "Performance summary")
        assert context["total_items"] == 4 and context["processing_rate"] > 0

        # One more than the guide has: all timers in one line.
        assert set(timers) == {"total_operation", "validation", "processing", "item_processing",
                               "finalization"}
        assert timers["item_processing"]["count"] == 4 and timers["processing"]["count"] == 1
        served.heard.clear()

        # A failure leaves no timer behind that would count in the next call.
        result = await client.call_tool("performance_sensitive_operation", {"data": [5000]},
                                        raise_on_error=False)
        assert result.is_error and result.content[0].text == "5000 is too much"
        assert served.heard == []
    served.talk(mode, script)


# ---------------------------------------------------------------- Client-Side Log Handling

class Recorder:
    """Where the guide uses structlog."""

    def __init__(self):
        self.lines, self.printed = [], []

    def __getattr__(self, level):
        return lambda message, **context: self.lines.append((level, message, context))


def test_client_side_log_handling(example, mode):
    served = example("guide_logging_client")
    client_logger = Recorder()

    async def log_handler(entry):
        """Handle logs from server."""
        level = entry.level
        message = entry.data["message"]
        context = entry.data.get("context", {})

        if level == "debug":
            client_logger.debug(message, **context)
        elif level == "info":
            client_logger.info(message, **context)
        elif level == "warning":
            client_logger.warning(message, **context)
        elif level == "error":
            client_logger.error(message, **context)

        # Could also display in UI
        if entry.data.get("user_visible", False):
            client_logger.printed.append(f"Server: {message}")

    async def script(client):
        await all_levels(client, mode)
        assert (await client.call_tool("deploy")).content[0].text == "deployed"
        await until(lambda: len(client_logger.lines) >= 4, "4 log messages")
    served.talk(mode, script, log_handler)
    assert client_logger.lines == [
        ("debug", "Connecting", {"host": "web1"}),
        ("info", "Half of it is there", {"host": "web1", "percent": 50}),
        ("warning", "Disk is 91% full", {"host": "web1"}),
        ("error", "Disk is full", {"host": "web1"})]
    assert client_logger.printed == ["Server: Half of it is there"]
