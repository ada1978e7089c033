"""The client library under load: ten thousand calls in flight, their memory, instructions of one."""

import json
import os
import pathlib
import subprocess
import tempfile

import callgrind
from harness.host import Host, plugin_file
from harness.paths import BUILD, GANTRY

CALLS = 10000
WINDOW = 64
LOAD = BUILD / "tests" / "bin" / "client-load"
LIMITS = {"limits": {"max_calls": CALLS, "max_queued_calls": CALLS, "max_output_queue": "64MiB"}}
NAMES = {"stdio": "stdio", "ws": "WebSocket", "http": "HTTP"}


def run(transport, gate, target):
    done = subprocess.run([LOAD, str(CALLS), str(CALLS), str(gate), *target], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise SystemExit(f"client-load over {transport}: {done.stdout} {done.stderr[-500:]}")
    return json.loads(done.stdout)


def show(row, transport, found):
    """A loss has ended the run before this."""
    row(f"{found['in_flight']:,} calls in flight over {transport}, answered rightly",
        found["right"], None)
    row("  calls per second", found["calls"] / found["seconds"], None)
    row("  client, bytes of the heap for each in flight", found["heap_per_call"], None)
    row("  client, MB resident: before", found["resident_before"] / 1e6, None, "{:,.1f}")
    row("  client, MB resident: all in flight", found["resident_flying"] / 1e6, None, "{:,.1f}")
    row("  client, kB of the heap that stay", found["heap_after"] / 1e3, None)


def instructions(url, revision, calls):
    before = os.environ.get("CLIENT_LOAD_REVISION")
    os.environ["CLIENT_LOAD_REVISION"] = revision
    try:
        return callgrind.run([str(LOAD), str(calls), str(WINDOW), "0", url])[1]
    finally:
        os.environ.pop("CLIENT_LOAD_REVISION")
        if before is not None:
            os.environ["CLIENT_LOAD_REVISION"] = before


def measure(row, quick):
    """The gate opens when all calls are there; over HTTP/1.1 a hundred, as the client opens only so
    many connections."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "gantry.yaml"
        config.write_text(json.dumps(LIMITS))
        show(row, "stdio", run("stdio", CALLS, [
            "--", GANTRY, "serve", "--stdio", "--plugin", plugin_file("gate"), "--config", config,
            "--log-level", "error"]))
    host = Host(plugins=("hello", "gate"), http=True, config=LIMITS, log_level="error")
    few, many = (500, 1500) if quick else (2000, 6000)
    try:
        for scheme, gate in (("ws", CALLS), ("http", 100)):
            url = host.url.replace("http", scheme, 1)
            show(row, NAMES[scheme], run(scheme, gate, [url]))
        for scheme in ("ws", "http"):
            url = host.url.replace("http", scheme, 1)
            for revision in ("2026-07-28", "2025-11-25"):
                more = instructions(url, revision, many) - instructions(url, revision, few)
                row(f"client instructions for one tools/call, {NAMES[scheme]}, {revision}",
                    more / (many - few), None)
        host.stop()
    finally:
        host.kill()
        host.clean()
