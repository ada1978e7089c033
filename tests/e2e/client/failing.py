"""What programs that fail their clients are made of; tests write the rest (harness/probe.py)."""
import json
import os
import signal
import subprocess
import sys
import time

NAMES = {"name": "failing", "version": "1"}


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def send(**message):
    write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def say(text):
    print(text, file=sys.stderr, flush=True)


def result(message, **members):
    send(id=message["id"], result={"resultType": "complete", **members})


def text(message, words):
    result(message, content=[{"type": "text", "text": words}])


def receive():
    """The next message; None at the end."""
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def discovered(message):
    result(message, supportedVersions=["2026-07-28"], capabilities={"tools": {}},
           _meta={"io.modelcontextprotocol/serverInfo": NAMES}, ttlMs=0, cacheScope="private")


def serve(**tools):
    """Answers until the end of input; tools get the whole message."""
    while message := receive():
        method = message["method"]
        if method == "server/discover":
            discovered(message)
        elif method == "tools/list":
            result(message, tools=[{"name": name, "inputSchema": {"type": "object"}}
                                   for name in tools], ttlMs=0, cacheScope="private")
        elif method == "tools/call" and message["params"]["name"] == "echo":
            text(message, message["params"]["arguments"].get("text", ""))
        elif method == "tools/call":
            tools[message["params"]["name"]](message)


__all__ = ["json", "os", "signal", "subprocess", "sys", "time", "discovered", "receive", "result",
           "say", "send", "serve", "text", "write"]
