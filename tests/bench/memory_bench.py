"""Memory of what clients make a host keep: sessions that idle, calls that wait for an answer."""

import json
import signal

from harness.client import META
from harness.host import Host, eventually
from harness.http import Connection
from harness.metrics import scrape

SESSIONS = 10000
PARKED = 1000
WARM = 100
ROUNDS = 3
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
HELLO = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "bench", "version": "1"}}}).encode()


class Client:
    """One connection over which the requests of many clients come, one at a time."""

    def __init__(self, host):
        self.path = host.path
        self.connection = Connection(host.address)

    def send(self, method, body=None, headers=None, wanted=(200,)):
        self.connection.send_request(method, self.path, {**HEADERS, **(headers or {})}, body)
        response = self.connection.read_response()
        said = response.body()
        if response.status not in wanted:
            raise SystemExit(f"{method}: {response.status} {said[:300]}")
        return response, said

    def open_session(self):
        return self.send("POST", HELLO)[0].headers["mcp-session-id"]

    def close_session(self, session):
        self.send("DELETE", headers={"Mcp-Session-Id": session}, wanted=(200, 204))

    def close(self):
        self.connection.close()


def gauge(host, name):
    return scrape(host).value(name)


def reconfigure(host, config):
    host.write_config(config)
    host.signal(signal.SIGHUP)


class Memory:
    """Rows about the memory of one host: what is allocated, and what is resident."""

    def __init__(self, host, row):
        self.host, self.row = host, row
        self.heap, self.resident = self.now()

    def now(self):
        return gauge(self.host, "process_heap_bytes") or 0, self.host.resident_bytes()

    def each(self, what, count):
        heap, resident = self.now()
        self.row(f"{what}, bytes in use for each", (heap - self.heap) / count, None)
        self.row(f"{what}, resident bytes for each", (resident - self.resident) / count, None)

    def show(self, what):
        heap, resident = self.now()
        self.row(f"{what}, kB in use", heap / 1e3, None)
        self.row(f"{what}, MB resident", resident / 1e6, None, "{:,.1f}")


def sessions(row, quick):
    """Sessions over HTTP without a connection: opened, left alone until they expire, opened again;
    then opened and closed one by one."""
    count = SESSIONS // 10 if quick else SESSIONS
    patient = {"limits": {"session_idle": "30m", "max_sessions": SESSIONS}}
    hasty = {"limits": {"session_idle": 1, "max_sessions": SESSIONS}}
    host = Host(plugins=("hello",), http=True, config=patient, log_level="error")
    try:
        client = Client(host)
        client.close_session(client.open_session())
        memory = Memory(host, row)
        memory.show("no session")
        for turn in range(ROUNDS):
            for _ in range(count):
                client.open_session()
            assert gauge(host, "gantry_sessions") == count
            if turn == 0:
                memory.each(f"{count:,} idle sessions", count)
            memory.show(f"{count:,} idle sessions, round {turn + 1}")
            reconfigure(host, hasty)
            eventually(lambda: gauge(host, "gantry_sessions") == 0, "sessions to end")
            reconfigure(host, patient)
            memory.show("  once they have expired")
        for turn in range(ROUNDS):
            for _ in range(count):
                client.close_session(client.open_session())
            assert gauge(host, "gantry_sessions") == 0
            memory.show(f"{count * (turn + 1):,} sessions opened and closed")
        client.close()
        host.stop()
    finally:
        host.kill()
        host.clean()


def call_of(tool, more=None):
    """A tools/call of revision 2026-07-28 and its headers."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": {}, **(more or {}),
        "_meta": {META + "protocolVersion": "2026-07-28",
                  META + "clientCapabilities": {"elicitation": {"form": {}}},
                  META + "clientInfo": {"name": "bench", "version": "1"}}}}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return json.dumps(body).encode(), headers


def park(client):
    """Calls a tool that asks; returns the state that the client would carry."""
    result = json.loads(client.send("POST", *call_of("wait"))[1])["result"]
    assert result["resultType"] == "input_required", result
    return result["requestState"]


def answer(client, state):
    more = {"requestState": state,
            "inputResponses": {"sure": {"action": "accept", "content": {"sure": True}}}}
    result = json.loads(client.send("POST", *call_of("wait", more))[1])["result"]
    assert result["content"][0]["text"] == "yes", result


def parked(row, quick):
    """Calls that wait for an answer: until they have it, and until they expire."""
    count = PARKED // 10 if quick else PARKED
    age = "20s"
    host = Host(plugins={"wait": "wait1"}, http=True, log_level="error",
                config={"ask": {"max_parked": PARKED, "max_parked_age": age,
                                "max_state_age": age}})
    try:
        client = Client(host)
        for state in [park(client) for _ in range(WARM)]:  # fills the caches of stacks and arenas
            answer(client, state)
        memory = Memory(host, row)
        memory.show("no parked call")
        for turn in range(ROUNDS):
            states = [park(client) for _ in range(count)]
            assert gauge(host, "gantry_calls_parked") == count
            if turn == 0:
                memory.each(f"{count:,} parked calls", count)
                row("  their states, bytes for each", sum(map(len, states)) / count, None)
            memory.show(f"{count:,} parked calls, round {turn + 1}")
            if turn % 2 == 0:
                eventually(lambda: gauge(host, "gantry_calls_parked") == 0, "calls to expire")
                memory.show("  once they have expired")
            else:
                for state in states:
                    answer(client, state)
                assert gauge(host, "gantry_calls_parked") == 0
                memory.show("  once they have been answered")
        eventually(lambda: gauge(host, "gantry_states_used") == 0, "used states to expire")
        memory.show("  once the states that were used have expired")
        client.close()
        host.stop()
    finally:
        host.kill()
        host.clean()
