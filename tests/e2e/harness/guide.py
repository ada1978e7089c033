"""The guide's examples (tests/e2e/guide), each served by a host of its own and talked to through the
FastMCP client, over both transports, in both eras."""

import asyncio
import json
import time

import pytest

from .host import FINDINGS
from .paths import GANTRY, PATIENCE, WRAP

# The client's mode, and the revision that it then speaks.
MODES = {"legacy": "2025-11-25", "auto": "2026-07-28"}


async def until(condition, what):
    """Waits, in a coroutine, until condition() is true, and returns what it returned."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain: {what}"
        await asyncio.sleep(0.01)
    return value


class Example:
    """One example, being served. Over stdio it is the client that starts the host."""

    def __init__(self, host, plugins, transport, config=None, env=None):
        self.host = host(plugins=plugins, config=config, http=True, log_level="debug", env=env)
        self.env = env or {}
        self.transport = transport
        self.log_file = self.host.folder / "client.log" if transport == "stdio" else \
            self.host.log_file
        self.heard = []

    def target(self):
        if self.transport == "http":
            return self.host.url
        from fastmcp.client.transports import StdioTransport
        env = ["env", *(f"{name}={value}" for name, value in self.env.items())] if self.env else []
        command = [*env, *WRAP, str(GANTRY), "serve", "--stdio", "--plugins", str(self.host.drop),
                   "--log-level", "debug", "--log-format", "json"]
        if self.host.config_file.exists():
            command += ["--config", str(self.host.config_file)]
        return StdioTransport(command[0], command[1:], keep_alive=False, log_file=self.log_file)

    def talk(self, mode, script, log_handler=None, **handlers):
        """Runs script(client) with a client; log messages go to log_handler, and into self.heard."""
        import fastmcp
        return self.run(mode, script, fastmcp.Client(
            self.target(), mode=mode, timeout=PATIENCE, log_handler=self.hear(log_handler),
            **handlers))

    def talk_officially(self, mode, script, log_level, **callbacks):
        """The same with the official Python client, which asks for less than everything."""
        import mcp
        from mcp.client.stdio import stdio_client
        server = self.target()
        if self.transport == "stdio":
            server = stdio_client(
                mcp.StdioServerParameters(command=server.command, args=server.args),
                errlog=self.log_file.open("w"))
        return self.run(mode, script, mcp.Client(
            server, mode=mode, read_timeout_seconds=PATIENCE, logging_callback=self.hear(None),
            log_level=log_level, **callbacks))

    def hear(self, log_handler):
        async def hear(message):
            self.heard.append(message)
            if log_handler:
                await log_handler(message)
        return hear

    def run(self, mode, script, client):
        async def run():
            async with client:
                assert client.protocol_version == MODES[mode]
                return await script(client)

        result = asyncio.run(run())
        if self.transport == "stdio":
            found = FINDINGS.search(self.log_file.read_text(errors="replace"))
            assert not found, f"a sanitizer found something:\n{self.log_file.read_text()}"
        return result

    def log_lines(self, message=None):
        """The host's log, or its lines with that message."""
        lines = []
        for line in self.log_file.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                pass
        return [line for line in lines if message in (None, line["message"])]

    async def wait_log(self, message, count=1):
        def look():
            found = self.log_lines(message)
            return found if len(found) >= count else None
        return await until(look, f"{count} log lines {message!r}")


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture
def example(host, transport):
    """example("guide_context_basic", config={...}) serves it."""
    def make(*plugins, config=None, env=None):
        return Example(host, plugins, transport, config, env)
    return make


def texts(read):
    """The texts of a resource, as the client of any era gives it."""
    return [c.text for c in getattr(read, "contents", read)]
