"""Ten thousand calls in flight through the client library: none is lost, every answer is right.

The tool holds them until all are there (e2e_gate.c), so they are in flight at once however fast the
machine is. Over HTTP/1.1 each needs a connection, of which the client opens so many only: there they
wait in the client, and a hundred at a time are at the server."""

import json
import os
import subprocess

import pytest

from harness.paths import BUILD, GANTRY, PATIENCE, SANITIZED, WRAP
from harness.host import FINDINGS, plugin_file

CALLS = 1000 if SANITIZED or WRAP else 10000
LIMITS = {"limits": {"max_calls": CALLS, "max_queued_calls": CALLS, "max_output_queue": "64MiB"}}


def load(target, gate, revision):
    done = subprocess.run([*WRAP, BUILD / "tests/bin/client-load", str(CALLS), str(CALLS), str(gate),
                           *target], capture_output=True, text=True, check=False,
                          timeout=10 * PATIENCE,
                          env={**os.environ, "CLIENT_LOAD_REVISION": revision})
    assert done.returncode == 0 and not FINDINGS.search(done.stderr), done
    found = json.loads(done.stdout)
    assert found["right"] == found["calls"] == found["in_flight"] == CALLS, found
    assert found["wrong"] == found["failed"] == 0, found
    # What was needed for them has gone with them.
    assert found["heap_after"] < CALLS * 1000, found


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize("transport", ["stdio", "websocket", "http"])
def test_no_call_of_many_is_lost(host, tmp_path, transport, revision):
    if transport == "stdio":
        config = tmp_path / "gantry.yaml"
        config.write_text(json.dumps(LIMITS))
        load(["--", GANTRY, "serve", "--stdio", "--plugin", plugin_file("gate"), "--config", config,
              "--log-level", "error"], CALLS, revision)
        return
    one = host(plugins=("gate",), http=True, config=LIMITS)
    if transport == "websocket":
        load([one.url.replace("http", "ws", 1)], CALLS, revision)
    else:
        load([one.url], 100, revision)
