"""What is particular to HTTP: methods, sessions, streams, Host, Origin, CORS, tokens, TLS, sockets."""

import hashlib
import json
import os
import socket
import stat

import pytest

from harness.certificate import make_certificate
from harness.client import HttpClient, RpcError, connect
from harness.host import eventually
from harness.http import Connection

NEW, OLD = "2026-07-28", "2025-11-25"


@pytest.fixture
def old(client):
    return client(OLD, "http")


@pytest.fixture
def new(client):
    return client(NEW, "http")


# ---------------------------------------------------------------- methods, paths, content types

def test_other_methods_are_not_allowed(new):
    for method in ("PUT", "PATCH", "HEAD", "TRACE"):
        response = new.simple(method)
        assert response.status in (400, 403, 405, 501), (method, response.status)
    response = new.simple("PUT", body=b"{}")
    assert response.status == 405 and "POST" in response.headers.get("allow", "")


def test_other_paths_are_not_found(new):
    for path in ("/", "/mcp2", "/mcp/x", "/MCP", "/%6dcp2", "/../mcp2", "//"):
        response = new.simple("POST", new.headers_for({"method": "tools/list"}),
                              json.dumps(new.request_message("tools/list")).encode(), path)
        assert response.status == 404, (path, response.status)


def test_the_path_can_be_configured(client):
    c = client(NEW, "http", config={"http": {"path": "/deep/down"}})
    assert c.path == "/deep/down" and "echo" in c.names()
    assert c.simple("POST", body=b"{}", path="/mcp").status == 404


@pytest.mark.parametrize("kind, status", [
    ("application/json", 200), ("application/json; charset=utf-8", 200), ("APPLICATION/JSON", 200),
    ("text/plain", 415), ("application/x-www-form-urlencoded", 415), (None, 415),
    ("application/jsonx", 415)])
def test_the_content_type_must_be_json(new, kind, status):
    """Anything else is what a web page could send without being asked first."""
    message = new.request_message("tools/list")
    response = new.simple("POST", {**new.headers_for(message), "Content-Type": kind},
                          json.dumps(message).encode())
    assert response.status == status, response.content


@pytest.mark.parametrize("accept, status", [
    ("application/json, text/event-stream", 200), ("text/event-stream, application/json", 200),
    ("*/*", 200), ("application/json;q=0.9, text/event-stream;q=0.8", 200),
    ("application/*, text/*", 200), ("text/html", 406), ("image/png", 406)])
def test_the_client_must_accept_what_is_sent(new, accept, status):
    message = new.request_message("tools/list")
    response = new.simple("POST", {**new.headers_for(message), "Accept": accept},
                          json.dumps(message).encode())
    assert response.status == status, response.content


def test_many_requests_use_one_connection(new):
    for n in range(50):
        assert new.text("echo", text=str(n)) == str(n)
    assert len(new.idle) == 1


def test_requests_may_be_pipelined(new):
    with new.new_connection() as connection:
        for n in range(5):
            message = new.request_message("tools/call", {"name": "echo", "arguments": {"text": str(n)}})
            connection.send_request("POST", new.path, new.headers_for(message),
                                    json.dumps(message).encode())
        for n in range(5):
            answer = connection.read_response().json()
            assert answer["result"]["content"][0]["text"] == str(n)


def test_a_chunked_body_is_served(new):
    message = new.request_message("tools/list")
    body = json.dumps(message).encode()
    with new.new_connection() as connection:
        connection.send_request("POST", new.path, {**new.headers_for(message),
                                                   "Transfer-Encoding": "chunked"})
        for i in range(0, len(body), 7):
            part = body[i:i + 7]
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        assert connection.read_response().json()["result"]["tools"]


def test_a_client_that_expects_to_be_told_to_continue_is_served(new):
    message = new.request_message("tools/list")
    body = json.dumps(message).encode()
    with new.new_connection() as connection:
        connection.send_request("POST", new.path, {
            **new.headers_for(message), "Expect": "100-continue",
            "Content-Length": str(len(body))})
        connection.socket.settimeout(1)
        try:
            first = connection.read_response()
            assert first.status == 100
        except TimeoutError:
            pass  # a client sends the body anyway after a while, as RFC 9110 says
        connection.socket.settimeout(30)
        connection.send(body)
        assert connection.read_response().json()["result"]["tools"]


# ---------------------------------------------------------------- sessions

def test_a_session_id_is_long_and_never_the_same(host):
    one = host(http=True)
    ids = {connect(one, OLD, "http").session for _ in range(10)}
    assert len(ids) == 10 and all(len(i) >= 32 and i.isascii() and i.isprintable() for i in ids)


def test_a_deleted_session_is_gone(old):
    response = old.simple("DELETE", {"Mcp-Session-Id": old.session, "MCP-Protocol-Version": OLD})
    assert response.status in (200, 202, 204)
    with pytest.raises(AssertionError, match="HTTP 404|404"):
        old.notify("notifications/initialized")
    status = old.simple("POST", old.headers_for({}),
                        json.dumps(old.request_message("ping")).encode()).status
    assert status == 404
    assert old.simple("DELETE", {"Mcp-Session-Id": old.session}).status == 404
    assert old.simple("DELETE").status in (400, 405)
    old.session = None
    old.initialize()
    assert "echo" in old.names()


def test_deleting_a_session_cancels_its_calls(old):
    calls = [old.start_call("sleep", ms=600000) for _ in range(3)]
    other = connect(old.host, OLD, "http")
    other.wait_in_flight(3)
    old.simple("DELETE", {"Mcp-Session-Id": old.session, "MCP-Protocol-Version": OLD})
    counted = other.wait_in_flight(0)
    assert counted["cancelled"] == 3
    for call in calls:
        with pytest.raises(Exception):
            call.result()


def test_idle_sessions_end_but_not_those_with_work(client):
    c = client(OLD, "http", config={"limits": {"session_idle": "300ms"}})
    busy = connect(c.host, OLD, "http")
    call = busy.start_call("sleep", ms=1500)

    def gone():
        response = c.simple("POST", c.headers_for({}),
                            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode())
        return response.status == 404
    # Each try is a sign of life: so wait between them for longer than the limit.
    import time
    end = time.monotonic() + 30
    while True:
        time.sleep(0.9)
        if gone():
            break
        assert time.monotonic() < end
    assert call.result()["content"][0]["text"] == "slept 1500"


def test_too_many_sessions_push_out_the_least_recently_used(client):
    c = client(OLD, "http", config={"limits": {"max_sessions": 3}})
    busy = connect(c.host, OLD, "http")
    call = busy.start_call("sleep", ms=600000)
    c.wait_in_flight(1)
    for _ in range(4):
        connect(c.host, OLD, "http")
    # The idle ones have gone, the busy one has not.
    response = c.simple("POST", c.headers_for({}),
                        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode())
    assert response.status == 404
    assert busy.request("ping") == {}
    busy.cancel(call)


def test_get_opens_a_stream_in_a_session_only(old):
    old.open_get_stream()
    assert old.get_response.headers["content-type"].startswith("text/event-stream")
    assert "no-" in old.get_response.headers.get("cache-control", "no-")
    assert old.simple("GET", {"Accept": "text/event-stream"}).status in (400, 405)
    assert old.simple("GET", {"Accept": "text/event-stream", "Mcp-Session-Id": "nobody"}).status == 404
    assert old.simple("GET", {"Accept": "application/json",
                              "Mcp-Session-Id": old.session}).status in (405, 406)
    # A client of the stateless era has neither GET nor DELETE.
    for method in ("GET", "DELETE"):
        status = old.simple(method, {"MCP-Protocol-Version": NEW, "Accept": "text/event-stream"}).status
        assert status == 405, (method, status)


def test_streams_are_kept_alive(client):
    c = client(OLD, "http", config={"limits": {"sse_keepalive": "100ms"}})
    connection = c.new_connection()
    connection.send_request("GET", c.path, {"Accept": "text/event-stream",
                                            "Mcp-Session-Id": c.session})
    events = connection.read_response("GET").events()
    assert next(events).keys() == {"id", "retry", "data"}  # the first event only tells its id
    assert [next(events).keys() for _ in range(3)] == [{"comment"}] * 3
    connection.close()


def test_a_silent_call_becomes_a_stream(client, revision):
    c = client(revision, "http", config={"limits": {"sse_keepalive": "50ms",
                                                    "stream_after": "100ms"}})
    call = c.start_call("sleep", ms=500)
    assert call.result()["content"][0]["text"] == "slept 500"
    assert call.http.is_stream and call.http.headers.get("x-accel-buffering", "no") == "no"
    quick = c.start_call("echo", text="x")
    quick.result()
    assert not quick.http.is_stream and "content-length" in quick.http.headers


# ---------------------------------------------------------------- who may talk to us

def status_with(c, **headers):
    message = c.request_message("tools/list")
    fields = {**c.headers_for(message),
              **{name.replace("_", "-"): value for name, value in headers.items()}}
    return c.simple("POST", fields, json.dumps(message).encode())


@pytest.mark.parametrize("value, status", [
    ("localhost", 200), ("localhost:{port}", 200), ("127.0.0.1:{port}", 200), ("[::1]:{port}", 200),
    ("evil.example", 403), ("evil.example:{port}", 403), ("localhost.evil.example", 403),
    ("127.0.0.1.evil.example:{port}", 403), ("", 403), ("localhost@evil.example", 403)])
def test_the_host_header_must_name_this_machine(new, value, status):
    """Against DNS rebinding."""
    response = status_with(new, Host=value.format(port=new.host.address[1]))
    if value == "":
        assert response.status in (400, 403)
    else:
        assert response.status == status, response.content


def test_more_hosts_can_be_allowed(client):
    c = client(NEW, "http", config={"http": {"allowed_hosts": ["mcp.example.com"]}})
    assert status_with(c, Host="mcp.example.com").status == 200
    assert status_with(c, Host="MCP.example.com:443").status == 200
    assert status_with(c, Host="other.example.com").status == 403


@pytest.mark.parametrize("value, status", [
    ("http://localhost", 200), ("http://localhost:6274", 200), ("http://127.0.0.1:3000", 200),
    ("https://evil.example", 403), ("http://localhost.evil.example", 403), ("null", 403),
    ("http://evil.example:{port}", 403), ("garbage", 403), ("file://", 403)])
def test_the_origin_must_be_allowed(new, value, status):
    origin = value.format(port=new.host.address[1])
    response = status_with(new, Origin=origin)
    assert response.status == status, response.content
    if status == 200:
        assert response.headers["access-control-allow-origin"] == origin
        assert "origin" in response.headers.get("vary", "").lower()
    else:
        assert "access-control-allow-origin" not in response.headers


def test_more_origins_can_be_allowed(client):
    c = client(NEW, "http", config={"http": {"allowed_origins": ["https://app.example.com"]}})
    assert status_with(c, Origin="https://app.example.com").status == 200
    assert status_with(c, Origin="http://app.example.com").status == 403


def preflight(c, origin, **headers):
    return c.simple("OPTIONS", {"Origin": origin, "Access-Control-Request-Method": "POST",
                                "Access-Control-Request-Headers": "content-type,mcp-protocol-version,"
                                "mcp-method,mcp-name,mcp-session-id,mcp-param-region,authorization",
                                **headers})


TOKENS = {"auth": {"tokens": [
    {"principal": "alice", "hash": "sha256:" + hashlib.sha256(b"alices-token").hexdigest()},
    {"principal": "bob", "hash": "sha256:" + hashlib.sha256(b"bobs-token").hexdigest()}]}}


def test_a_preflight_is_answered_before_authentication(client):
    c = HttpClient(client(NEW, "http", config=TOKENS,
                          options={"headers": {"Authorization": "Bearer alices-token"}}).host, NEW)
    response = preflight(c, "http://localhost:6274")
    assert response.status in (200, 204)
    allowed = response.headers["access-control-allow-headers"].lower()
    for name in ("content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id",
                 "authorization"):
        assert name in allowed or allowed == "*", name
    assert "mcp-param-region" in allowed or "*" in allowed
    for method in ("POST", "GET", "DELETE"):
        assert method in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-origin"] == "http://localhost:6274"
    refused = preflight(c, "https://evil.example")
    assert "access-control-allow-origin" not in refused.headers
    assert refused.status in (200, 204, 403)


def test_every_status_has_the_cors_headers(client):
    c = client(OLD, "http", config=TOKENS,
               options={"headers": {"Authorization": "Bearer alices-token"}})
    origin = {"Origin": "http://localhost:6274"}
    responses = [
        c.simple("POST", {**origin}, b"{}"),                                        # 401
        c.simple("POST", {**origin, **c.headers, "Content-Type": "text/plain"}, b"{}"),  # 415
        c.simple("POST", {**origin, **c.headers_for({}), "Mcp-Session-Id": "x"}, b"{}"),
        c.simple("POST", {**origin, **c.headers_for({})}, b"nonsense"),             # 400
        c.simple("PUT", {**origin, **c.headers}, b"{}"),                            # 405
        c.simple("POST", {**origin, **c.headers}, b"{}", "/elsewhere"),             # 404
        c.simple("POST", {**origin, **c.headers_for({})},
                 json.dumps(c.request_message("ping")).encode()),                   # 200
    ]
    assert [r.status for r in responses][0::6] == [401, 200]
    for response in responses:
        assert response.headers.get("access-control-allow-origin") == "http://localhost:6274", \
            response.status
        exposed = response.headers.get("access-control-expose-headers", "").lower()
        assert "mcp-session-id" in exposed or exposed == "*", response.status


# ---------------------------------------------------------------- tokens

def test_a_token_is_needed_and_makes_a_principal(client):
    c = client(NEW, "http", config=TOKENS,
               options={"headers": {"Authorization": "Bearer alices-token"}})
    assert c.structured("who")["principal"] == "alice"
    c.headers["Authorization"] = "bearer bobs-token"
    assert c.structured("who")["principal"] == "bob"
    for value in (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic YWxpY2U6eA==",
                  "Bearer alices-token2", "Bearer alices-toke", "alices-token",
                  "Bearer " + TOKENS["auth"]["tokens"][0]["hash"]):
        response = c.simple("POST", {**c.headers_for({"method": "tools/list"}),
                                     "Authorization": value},
                            json.dumps(c.request_message("tools/list")).encode())
        assert response.status == 401, value
        assert response.headers["www-authenticate"].startswith("Bearer"), value
        assert b"tools" not in response.content


@pytest.mark.parametrize("revision", [OLD, NEW])
def test_a_handler_finds_a_header_by_its_name_in_any_case(client, revision):
    c = client(revision, "http")
    assert c.structured("who")["agent"] is None
    c.headers["user-agent"] = "e2e/1"  # the plugin asks for User-Agent
    assert c.structured("who")["agent"] == "e2e/1"


def test_a_session_belongs_to_who_opened_it(client):
    alice = client(OLD, "http", config=TOKENS,
                   options={"headers": {"Authorization": "Bearer alices-token"}})
    bob = HttpClient(alice.host, OLD, headers={"Authorization": "Bearer bobs-token"})
    bob.initialize()
    bob.session = alice.session
    for method, accept in (("POST", None), ("DELETE", None), ("GET", "text/event-stream")):
        response = bob.simple(method, {**bob.headers_for({}), **({"Accept": accept} if accept else {})},
                              json.dumps(bob.request_message("ping")).encode()
                              if method == "POST" else None)
        assert response.status in (403, 404), (method, response.status)
    assert alice.request("ping") == {}


def test_an_address_that_others_reach_needs_tokens(host):
    refused = host(http="0.0.0.0:0", must_start=False)
    assert refused.wait() != 0
    refused.expect_exit = refused.process.returncode
    assert "0.0.0.0" in refused.log() and "--insecure" in refused.log()
    host(http="0.0.0.0:0", args=["--insecure"])
    host(http="0.0.0.0:0", config=TOKENS)


def test_a_port_that_is_taken_is_named(host):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = host(http=address, must_start=False)
        assert refused.wait() != 0
        refused.expect_exit = refused.process.returncode
        assert address in refused.log()


# ---------------------------------------------------------------- other listeners

def test_a_unix_socket_is_served(host, tmp_path):
    path = tmp_path / "gantry.sock"
    one = host(config={"http": {"listen": [f"unix:{path}"]}})
    eventually(path.exists, "the socket")
    mode = os.stat(path)
    assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o600
    for revision in (NEW, OLD):
        c = connect(one, revision, "http", unix=path, path="/mcp")
        assert c.text("echo", text="through a file") == "through a file"
        c.close()
    one.stop()
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(host, tmp_path):
    path = tmp_path / "gantry.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    one = host(config={"http": {"listen": [f"unix:{path}"]}})
    c = connect(one, NEW, "http", unix=path, path="/mcp")
    assert "echo" in c.names()
    c.close()


def test_tls_is_served(host, tmp_path):
    certificate, key = make_certificate(tmp_path)
    one = host(http=None, config={"http": {"listen": [
        {"address": "127.0.0.1:0", "tls": {"certificate": str(certificate), "key": str(key)}}]}})
    from urllib.parse import urlparse
    url = urlparse(one.ready_file.read_text().splitlines()[0])
    assert url.scheme == "https"
    one.address, one.path = (url.hostname, url.port), url.path
    for revision in (NEW, OLD):
        c = connect(one, revision, "http", tls=str(certificate))
        assert c.text("echo", text="hidden") == "hidden"
        text = "x" * 1_000_000
        assert c.text("echo", text=text) == text
        c.close()
    # Plain HTTP there gets nothing.
    with Connection(one.address) as plain:
        plain.send(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        try:
            while piece := plain.socket.recv(4096):
                data += piece
        except ConnectionError:
            pass
        assert b" 200 " not in data


def test_both_transports_at_once(host):
    one = host(http=True, stdio=True)
    a, b = connect(one, OLD, "stdio"), connect(one, NEW, "http")
    assert a.text("echo", text="a") == "a" and b.text("echo", text="b") == "b"
    assert a.structured("who")["client"] == "e2e"
    with pytest.raises(RpcError):
        b.request("nothing")
    b.close()
