"""What is particular to HTTP+SSE of 2024-11-05: the two endpoints, who may use them; real clients.
The conversations of test_conversation.py, test_calls.py and test_errors.py go over it, too."""

import asyncio
import json

import pytest

from harness.client import HttpClient, connect
from harness.host import eventually
from harness.http import Connection
from harness.paths import PATIENCE
from harness.wire import SseClient
from test_http import TOKENS

NEW, OLD, OLDEST = "2026-07-28", "2025-11-25", "2024-11-05"
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def one(host):
    return host(http=True)


def simple(one, method, path, headers=None, body=None):
    with Connection(one.address) as connection:
        connection.send_request(method, path, headers, body)
        response = connection.read_response(method)
        response.content = b"" if response.is_stream else response.body()
        return response


# ---------------------------------------------------------------- the two endpoints

def test_every_stream_has_an_endpoint_of_its_own(one):
    clients = [SseClient(one, OLDEST) for _ in range(20)]
    endpoints = {c.endpoint for c in clients}
    assert len(endpoints) == 20
    for endpoint in endpoints:
        path, _, id = endpoint.partition("?session_id=")
        assert path == "/messages" and len(id) >= 32
    for c in clients:
        c.initialize()
    for c in clients:
        c.close()


def test_messages_and_their_answers_keep_to_their_stream(one):
    a, b = connect(one, OLDEST, "sse"), connect(one, OLDEST, "sse")
    calls = [(c, i, c.start_call("echo", text=f"{c.endpoint} {i}")) for i in range(20) for c in (a, b)]
    for c, i, call in calls:
        assert call.result()["content"][0]["text"] == f"{c.endpoint} {i}"
    a.close()
    b.close()


def test_an_endpoint_ends_with_its_stream(one):
    c = connect(one, OLDEST, "sse")
    assert c.post(PING).status == 202
    endpoint = c.endpoint
    c.close()
    eventually(lambda: simple(one, "POST", endpoint, JSON, PING).status == 404, "the end")


def test_wrong_requests_get_their_status(one):
    c = connect(one, OLDEST, "sse")
    for endpoint in ("/messages", "/messages?", "/messages?session_id=", "/messages?session_id=x",
                     c.endpoint + "x", c.endpoint[:-1], c.endpoint.replace("session_id", "id")):
        assert c.post(PING, endpoint=endpoint).status == 404, endpoint
    assert c.post(PING, {"Content-Type": "text/plain"}).status == 415
    assert c.post(PING, {"Content-Encoding": "gzip"}).status == 415
    assert c.post(PING, {"Origin": "https://evil.example"}).status == 403
    assert c.post(PING, {"Host": "evil.example"}).status == 403
    assert c.post(b" " * (4 << 20 | 1)).status == 413
    assert simple(one, "GET", c.endpoint).status == 405
    assert simple(one, "DELETE", "/sse").status == 405
    assert simple(one, "GET", "/sse", {"Origin": "https://evil.example"}).status == 403
    assert simple(one, "GET", "/sse", {"Accept": "application/json"}).status == 406
    for accept in (None, "*/*", "text/event-stream"):
        assert simple(one, "GET", "/sse", {"Accept": accept}).is_stream, accept
    assert c.text("echo", text="still here") == "still here"
    c.close()


def test_a_browser_is_told_what_it_may(one):
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "content-type"}
    for path, allowed in (("/sse", "GET, OPTIONS"), ("/messages?session_id=x", "POST, OPTIONS")):
        response = simple(one, "OPTIONS", path, asked)
        assert response.status == 204
        assert response.headers["access-control-allow-methods"] == allowed
        assert response.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_a_stream_belongs_to_who_opened_it(host):
    one = host(http=True, config=TOKENS)
    assert simple(one, "GET", "/sse").status == 401
    alice = connect(one, OLD, "sse", headers={"Authorization": "Bearer alices-token"})
    assert alice.structured("who")["principal"] == "alice"
    for token, status in (("bobs-token", 404), ("wrong", 401)):
        response = simple(one, "POST", alice.endpoint, {**JSON, "Authorization": f"Bearer {token}"},
                          PING)
        assert response.status == status
    assert simple(one, "POST", alice.endpoint, JSON, PING).status == 401
    alice.close()


def test_both_eras_and_both_transports_at_once(one):
    old, new = connect(one, OLDEST, "sse"), connect(one, NEW, "sse")
    streamable = connect(one, OLD, "http")
    for c in (old, new, streamable):
        assert c.text("echo", text="here") == "here"
        c.close()


def test_a_client_of_both_finds_the_old_way(one):
    """basic/transports of 2025-03-26, "Backwards Compatibility": POST first, on 4xx GET."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}
    body = json.dumps(message).encode()
    accept = {"Accept": "application/json, text/event-stream"}
    assert simple(one, "POST", "/sse", {**JSON, **accept}, body).status == 405
    assert simple(one, "GET", "/sse", {"Accept": "text/event-stream"}).is_stream
    c = HttpClient(one, OLD)
    c.initialize()
    assert c.text("echo", text="the new way") == "the new way"
    c.close()


def test_the_path_can_be_configured_and_the_transport_turned_off(host):
    one = host(http=True, config={"http": {"sse_path": "/deep/events"}})
    c = connect(one, OLDEST, "sse", path="/deep/events")
    assert c.endpoint.startswith("/deep/messages?session_id=")
    assert c.text("echo", text="deep") == "deep"
    c.close()
    assert simple(one, "GET", "/sse").status == 404
    off = host(http=True, config={"http": {"sse_path": ""}})
    assert simple(off, "GET", "/sse").status == 404
    assert simple(off, "POST", "/messages?session_id=x", JSON, PING).status == 404


# ---------------------------------------------------------------- the stream

def test_list_changes_are_told(client):
    c = client(OLDEST, "sse")
    c.call("add", name="fresh")
    c.notifications.wait("notifications/tools/list_changed")
    assert "fresh" in c.names()


def test_a_silent_stream_is_kept_alive(host):
    one = host(http=True, config={"limits": {"sse_keepalive": "100ms"}})
    with Connection(one.address) as connection:
        connection.send_request("GET", "/sse", {"Accept": "text/event-stream"})
        events = connection.read_response("GET").events()
        assert next(events)["event"] == "endpoint"
        assert [next(events).keys() for _ in range(3)] == [{"comment"}] * 3


def test_closing_ends_the_calls_of_the_stateless_era(one):
    c, watch = connect(one, NEW, "sse"), connect(one, NEW, "sse")
    c.start_call("sleep", ms=600000)
    watch.wait_in_flight(1)
    c.close()
    watch.wait_in_flight(0)
    watch.close()


def test_answers_that_nobody_reads_are_bounded(host):
    one = host(http=True, config={"limits": {"max_output_queue": "1MiB", "body_timeout": "2s"}})
    slow = Connection(one.address, receive_buffer=4096)
    slow.send_request("GET", "/sse", {"Accept": "text/event-stream"})
    endpoint = next(slow.read_response("GET").events())["data"]
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": {
        "name": "big", "arguments": {"bytes": 500_000}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": NEW,
            "io.modelcontextprotocol/clientInfo": {"name": "e2e", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}
    statuses = set()
    with Connection(one.address) as sender:
        for i in range(200):
            sender.send_request("POST", endpoint, JSON, json.dumps({**call, "id": i}).encode())
            response = sender.read_response("POST")
            response.body()
            statuses.add(response.status)
            if response.status == 404:
                break
    assert 202 in statuses and statuses <= {202, 503, 404}, statuses
    one.wait_log("a client (does not read|has stopped reading)")
    slow.close()
    c = connect(one, OLDEST, "sse")
    assert c.text("echo", text="others are served") == "others are served"
    c.close()


def test_streams_count_in_the_limit_of_connections(host):
    one = host(http=True, config={"limits": {"max_connections": 3}})
    streams = [Connection(one.address) for _ in range(3)]
    for stream in streams:
        stream.send_request("GET", "/sse", {"Accept": "text/event-stream"})
        assert stream.read_response("GET").status == 200
    assert simple(one, "GET", "/sse").status == 503
    for stream in streams:
        stream.close()


def test_a_host_that_stops_ends_the_stream(host):
    one = host(http=True)
    c = connect(one, OLDEST, "sse")
    one.stop()
    eventually(lambda: c.broken, "the end of the stream")
    assert str(c.broken) == "the server ended the stream"
    c.close()


# ---------------------------------------------------------------- other people's clients

@pytest.mark.clients
def test_the_python_client(one):
    from mcp import Client
    from mcp.client.sse import sse_client
    from test_clients import converse
    url = f"http://{one.address[0]}:{one.address[1]}/sse"

    async def talk():
        async with Client(sse_client(url), mode="legacy", read_timeout_seconds=PATIENCE) as client:
            await converse(client)
    asyncio.run(talk())


@pytest.mark.clients
def test_the_fastmcp_client(one):
    import fastmcp
    from fastmcp.client.transports import SSETransport
    from test_clients import converse
    url = f"http://{one.address[0]}:{one.address[1]}/sse"

    async def talk():
        async with fastmcp.Client(SSETransport(url), timeout=PATIENCE) as client:
            await converse(client)
    asyncio.run(talk())


@pytest.mark.clients
@pytest.mark.parametrize("transport, scheme, path", [("sse", "http", "/sse"),
                                                     ("websocket", "ws", "/mcp")])
def test_the_typescript_client(one, transport, scheme, path):
    """Line 1 of the SDK has both transports, line 2 has neither."""
    from test_clients import node
    url = f"{scheme}://{one.address[0]}:{one.address[1]}{path}"
    seen = json.loads(node("old_transports.mjs", transport, url).splitlines()[-1])
    assert "echo" in seen["tools"] and seen["prompts"] == ["ask", "dialogue"]
    assert seen["echo"]["content"][0]["text"] == "hällo"
    assert seen["count"]["content"][0]["text"] == "counted to 5"
    # The SDK forgets progress that it reads in one piece with the result.
    progress = [p["progress"] for p in seen["progress"]]
    assert progress == sorted(set(progress)) and set(progress) <= {1, 2, 3, 4, 5}
    assert seen["read"]["contents"][0]["text"] == "hello world"
    assert seen["changed"] >= 1 and "fresh" in seen["later"]
    assert seen["ping"] == {}
