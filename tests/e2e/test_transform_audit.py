"""What is hidden from clients is not in the audit log, however a call ends."""

import json

import pytest

from harness.client import connect
from harness.host import eventually

NEW = "2026-07-28"
HIDDEN = {"ms": {"hide": True, "default": 424242}}
CONFIG = {"audit": {"file": "audit.log", "arguments": True},
          "transforms": [{"use": "tools", "tools": {"sleep": {"arguments": HIDDEN},
                                                    "around_flip": {"arguments": HIDDEN}}}]}


def cancelled(one):
    file = one.folder / "audit.log"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [line for line in lines if line["method"] == "tools/call" and line["outcome"] == "canceled"]


@pytest.mark.parametrize("tool, arguments, component", [
    ("sleep", {}, "kit/sleep"),
    ("around_flip", {"text": "x"}, "remade/around_flip"),  # while the parent runs
])
def test_a_call_that_is_cancelled_is_in_the_audit_log_as_the_client_made_it(host, tool, arguments,
                                                                            component):
    one = host(http=True, config=CONFIG,
               plugins={"flip": "flip1", "remade": "remade1", "kit": "kit"})
    c = connect(one, NEW, "http")
    pending = c.start_call(tool, **arguments)
    if tool == "sleep":
        eventually(lambda: c.structured("status")["in_flight"] == 1, "it sleeps")
    for _ in range(5):  # long enough for the other one
        c.call("status")
    c.cancel(pending)
    eventually(lambda: cancelled(one), "it is in the audit log")
    line, = cancelled(one)
    assert line["component"] == component and line.get("arguments", {}) == arguments, line
    c.close()
