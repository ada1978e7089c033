"""Malformed input of every kind gets its error, and the host goes on serving."""

import json
import socket

import pytest

from harness.client import HttpClient
from harness.host import eventually
from harness.http import Closed
from harness.paths import DATA

JSON_FILES = sorted((DATA / "json-parsing").glob("*.json"))
NEW, OLD = "2026-07-28", "2025-11-25"

NOT_JSON = [
    b"", b" ", b"{", b"}", b"[", b"nul", b"{]", b'{"jsonrpc":"2.0"', b'{"a":1,}', b"{'a':1}", b'"',
    b'"\\x"', b'"\\u12"', b"[1,]", b"01", b"+1", b".5", b"1.", b"1e", b"NaN", b"Infinity", b"tRue",
    b'{"a" 1}', b'{a:1}', b"[1 2]", b"/* */ 1", b"{}{}", b"1 2", b"\xff", b'"\xc3"', b'"\xc0\xaf"',
    b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"', b"\xef\xbb\xbf{}", b'"\x01"', b'"\x00"', b"\x00",
    b"[" * 1000, b'{"a":' * 1000, b"[" * 200 + b"]" * 200,
]


def code_of(answer):
    return answer.get("error", {}).get("code")


def raw_post(c, body, headers=None):
    with c.new_connection() as connection:
        connection.send_request("POST", c.path, {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            **(headers or {})}, body)
        response = connection.read_response()
        return response.status, response.body()


@pytest.mark.parametrize("era", [NEW, OLD])
def test_what_is_not_json_is_a_parse_error_over_http(client, era):
    c = client(era, "http")
    for body in NOT_JSON:
        connection, response = c.post(body)
        answer = json.loads(response.body())
        c.keep(connection, response)
        assert (response.status, code_of(answer)) == (400, -32700), (body[:50], answer)
        assert answer.get("id") is None
    assert c.text("echo", text="still here") == "still here"


@pytest.mark.parametrize("era", [NEW, OLD])
def test_what_is_not_json_is_a_parse_error_over_stdio(client, era):
    c = client(era, "stdio")
    for line in NOT_JSON:
        if not line.strip():
            c.write(line + b"\n")  # an empty line is nothing at all
            continue
        c.write(line + b"\n")
        answer = c.unclaimed()
        assert code_of(answer) == -32700, (line[:50], answer)
        assert answer.get("id") is None
    assert c.text("echo", text="still here") == "still here"


@pytest.mark.skipif(not JSON_FILES, reason="no JSON test files (GANTRY_TEST_DATA)")
def test_the_json_parsing_suite_as_http_bodies(client):
    c = client(NEW, "http")
    counted = {"y": 0, "n": 0, "i": 0}
    for path in JSON_FILES:
        kind = path.name[0]
        status, body = raw_post(c, path.read_bytes())
        answer = json.loads(body) if body else {}
        if kind == "y":
            assert code_of(answer) != -32700, path.name
        elif kind == "n":
            assert (status, code_of(answer)) == (400, -32700), (path.name, status, answer)
        else:
            assert status in (200, 202, 400, 404), (path.name, status)
        counted[kind] += 1
    assert counted["y"] > 80 and counted["n"] > 150, counted
    assert c.text("echo", text="still here") == "still here"


def test_odd_but_valid_json_is_served(client, transport):
    c = client(OLD, transport)
    bodies = [
        b' { "jsonrpc" : "2.0" , "id" : "odd1" , "method" : "ping" } ',
        b'{"id":"odd2","method":"ping","jsonrpc":"2.0","extra":[[[]]],"params":{}}',
        b'{"jsonrpc":"2.0","id":"odd3","method":"p\\u0069ng"}',
        b'{"jsonrpc":"2.0","id":"\\u006fdd4","method":"ping","params":{"_meta":{"x":1e400}}}',
        b'{"jsonrpc":"2.0","id":"odd5","method":"ping","params":' + b'{"a":' * 100 + b"1" + b"}" * 101,
    ]
    if transport == "http":
        bodies.append(b'\t{\r\n"jsonrpc":"2.0",\n"id":"odd6","method":"ping"}\r\n')
    for number, body in enumerate(bodies, 1):
        if transport == "stdio":
            c.write(body + b"\n")
            answer = c.unclaimed()
        else:
            connection, response = c.post(body)
            answer = response.json()
            c.keep(connection, response)
        if number == 4 and code_of(answer) == -32700:
            continue  # a number beyond every double may be refused
        assert answer["id"] == f"odd{number}" and answer.get("result") == {}, (body, answer)


def test_a_line_may_come_in_pieces_and_many_at_once(client):
    c = client(OLD, "stdio")
    line = b'{"jsonrpc":"2.0","id":"slow","method":"ping"}\n'
    for i in range(len(line)):
        c.write(line[i:i + 1])
    assert c.unclaimed()["id"] == "slow"
    c.write(b"".join(b'{"jsonrpc":"2.0","id":"m%d","method":"ping"}\r\n' % i for i in range(500)))
    assert {c.unclaimed()["id"] for _ in range(500)} == {f"m{i}" for i in range(500)}


def test_a_huge_line_is_refused_and_the_next_one_served(client):
    c = client(OLD, "stdio")
    c.write(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"')
    for _ in range(11):
        c.write(b"x" * 1024 * 1024)
    c.write(b'"}}\n')
    answer = c.unclaimed()
    assert code_of(answer) in (-32600, -32700) and answer.get("id") is None
    assert c.text("echo", text="next") == "next"


def test_a_long_line_below_the_limit_is_served(client):
    c = client(OLD, "stdio")
    text = "é" * (1024 * 1024)
    assert c.text("echo", text=text) == text


def test_an_oversized_body_is_refused(client):
    c = client(NEW, "http")
    # Announced: refused without waiting for it.
    with c.new_connection() as connection:
        connection.send_request("POST", c.path, {"Content-Type": "application/json",
                                                 "Accept": "application/json, text/event-stream",
                                                 "Content-Length": str(5 * 1024 * 1024)}, b"{")
        assert connection.read_response().status == 413
    # Chunked: refused once it is too much.
    with c.new_connection() as connection:
        connection.send_request("POST", c.path, {"Content-Type": "application/json",
                                                 "Accept": "application/json, text/event-stream",
                                                 "Transfer-Encoding": "chunked"})
        status = None
        try:
            for _ in range(100):
                connection.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
            connection.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it stopped listening, as it may
        try:
            status = connection.read_response().status
        except (Closed, ConnectionResetError):
            pass
        assert status in (None, 400, 411, 413), status
    assert c.text("echo", text="still here") == "still here"


def test_a_large_body_below_the_limit_is_served(client):
    c = client(NEW, "http")
    text = "0123456789abcdef" * 200000  # 3.2 MB
    assert c.text("echo", text=text) == text


def test_a_slow_sender_holds_nobody_up(client):
    c = client(NEW, "http")
    slow = [c.new_connection() for _ in range(20)]
    body = json.dumps(c.request_message("tools/call", {"name": "echo",
                                                       "arguments": {"text": "slow"}})).encode()
    headers = c.headers_for({"method": "tools/call", "params": {"name": "echo"}})
    for n, connection in enumerate(slow):
        connection.send_request("POST", c.path, {**headers, "Content-Length": str(len(body))},
                                body[:5 + n])
    for _ in range(20):
        assert c.text("echo", text="fast") == "fast"
    for n, connection in enumerate(slow):
        for byte in range(5 + n, len(body)):
            connection.send(body[byte:byte + 1])
        answer = connection.read_response().json()
        assert answer["result"]["content"][0]["text"] == "slow"
        connection.close()


def test_a_sender_that_never_finishes_is_cut_off(client):
    c = client(NEW, "http", config={"limits": {"header_timeout": "300ms", "body_timeout": "300ms"}})
    head = c.new_connection()
    head.send(b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-")
    body = c.new_connection()
    body.send_request("POST", c.path, {"Content-Type": "application/json", "Content-Length": "100"},
                      b"{")
    for connection in (head, body):
        with pytest.raises((Closed, AssertionError, ConnectionError)):
            response = connection.read_response()
            assert response.status == 200, response.status  # 408 is as good as closing
        connection.close()
    assert c.text("echo", text="still here") == "still here"


def test_a_slow_reader_holds_nobody_up_and_memory_stays_bounded(client):
    c = client(NEW, "http", plugins=["kit"])
    call = c.request_message("tools/call", {"name": "big", "arguments": {"bytes": 4_000_000}})
    body = json.dumps(call).encode()
    lazy = []
    for _ in range(10):
        connection = c.new_connection(receive_buffer=4096)
        connection.send_request("POST", c.path, c.headers_for(call), body)
        lazy.append(connection)
    for _ in range(20):
        assert c.text("echo", text="fast") == "fast"
    assert c.host.resident_bytes() < 1_500_000_000
    answer = lazy[0].read_response()
    assert answer.status == 200
    assert len(answer.json()["result"]["content"][0]["text"]) == 4_000_000
    for connection in lazy:
        connection.close()
    assert c.text("echo", text="still here") == "still here"


def test_a_reader_of_progress_that_stops_reading_holds_nobody_up(client):
    """Log lines and progress are dropped for it, long before memory is at stake."""
    c = client(NEW, "http")
    c.meta = {"progressToken": "t"}
    call = c.request_message("tools/call", {"name": "count", "arguments": {"steps": 20000, "ms": 0}})
    c.meta = {}
    connection = c.new_connection(receive_buffer=4096)
    connection.send_request("POST", c.path, c.headers_for(call), json.dumps(call).encode())
    for _ in range(50):
        assert c.text("echo", text="fast") == "fast"
    response = connection.read_response()
    last = None
    for event in response.events():
        if event.get("data"):
            last = json.loads(event["data"])
    assert last["result"]["content"][0]["text"] == "counted to 20000"
    connection.close()


def test_a_stdio_client_that_stops_reading_does_not_stop_the_clock(host):
    one = host(http=True, stdio=True)
    c = HttpClient(one, NEW)
    call = c.request_message("tools/call", {"name": "big", "arguments": {"bytes": 500_000}})
    for _ in range(5):
        one.process.stdin.write(json.dumps(call).encode() + b"\n")
    one.process.stdin.flush()
    for _ in range(20):
        assert c.text("echo", text="fast") == "fast"
    answers = [json.loads(one.process.stdout.readline()) for _ in range(5)]
    assert all(len(a["result"]["content"][0]["text"]) == 500_000 for a in answers)
    c.close()


@pytest.mark.parametrize("request_line", [
    b"GET /mcp\r\n\r\n", b"\r\n\r\n\r\n", b"POST\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b"POST /mcp HTTP/9.9\r\nHost: x\r\n\r\n", b"\x00" * 100, b"A" * 100000,
    b"POST /mcp HTTP/1.1\r\n" + b"X-A: b\r\n" * 20000 + b"\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
])
def test_broken_http_hurts_nobody(client, request_line):
    c = client(NEW, "http", config={"limits": {"header_timeout": "1s",
                                               "body_timeout": "1s"}})
    with c.new_connection() as connection:
        try:
            connection.send(request_line)
            connection.socket.shutdown(socket.SHUT_WR)
            head = b""
            while data := connection.socket.recv(65536):
                head += data
            assert not head.startswith(b"HTTP/1.1 200"), head[:300]
        except (ConnectionError, TimeoutError) as e:
            assert not isinstance(e, TimeoutError), "the host neither answers nor closes"
    assert c.text("echo", text="still here") == "still here"


def test_connections_that_vanish_leave_nothing_behind(client):
    c = client(NEW, "http")
    before = c.text("echo", text="x")
    call = c.request_message("tools/call", {"name": "sleep", "arguments": {"ms": 600000}})
    body = json.dumps(call).encode()
    for n in range(60):
        connection = c.new_connection()
        if n % 3 == 0:
            connection.send(b"POST /mcp HTT")
        elif n % 3 == 1:
            connection.send_request("POST", c.path, {**c.headers_for(call),
                                                     "Content-Length": "500"}, b"{")
        else:
            connection.send_request("POST", c.path, c.headers_for(call), body)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    c.wait_in_flight(0)
    assert c.text("echo", text="x") == before


def test_the_limit_of_bodies_in_flight_answers_busy(client):
    c = client(NEW, "http", config={"limits": {"max_body": 1_000_000,
                                               "max_bodies_in_flight": 1_000_000}})

    def refused():
        # Whether all of the first body has been read when the second comes is up to the kernel.
        with c.new_connection() as held:
            held.send_request("POST", c.path, {
                "Content-Type": "application/json", "Content-Length": "900000",
                "Accept": "application/json, text/event-stream"}, b" " * 899999)
            return raw_post(c, b" " * 300000 + b"{}")[0] == 503
    eventually(refused, "a 503")
    eventually(lambda: raw_post(c, b" " * 300000 + b"{}")[0] == 400, "room again")
