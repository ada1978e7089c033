"""What is particular to WebSocket: the handshake, frames, hostile clients, the end; and real clients.
The conversations of test_conversation.py, test_calls.py and test_errors.py go over it, too."""

import json
import random
import signal
import time

import pytest

from harness.certificate import make_certificate
from harness.client import RpcError, connect
from harness.host import eventually
from harness.http import Closed, Connection
from harness.wire import (BINARY, CLOSE, CONTINUE, PING, PONG, TEXT, WebSocket, WebSocketClient,
                          frame)
from test_http import TOKENS

NEW, OLD, OLDER = "2026-07-28", "2025-11-25", "2025-03-26"
PING_TEXT = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
PONG_RESULT = {"jsonrpc": "2.0", "id": 1, "result": {}}


@pytest.fixture
def one(host):
    return host(http=True)


def still_serves(one):
    with WebSocket(one) as socket:
        socket.send_text(PING_TEXT)
        assert json.loads(socket.read_message()) == PONG_RESULT


# ---------------------------------------------------------------- the handshake

def handshake_status(one, remove=(), method="GET", path=None, body=None, **headers):
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
              **{name.replace("_", "-"): value for name, value in headers.items()}}
    with Connection(one.address) as connection:
        connection.send_request(method, path or one.path,
                                {k: v for k, v in fields.items() if k not in remove}, body)
        response = connection.read_response()
        response.content = b"" if response.status == 101 else response.body()
        return response.status, response.headers


@pytest.mark.parametrize("origin, status", [
    (None, 101), ("http://localhost:1234", 101), ("https://127.0.0.1", 101),
    ("https://evil.example", 403), ("null", 403), ("http://localhost.evil.example", 403)])
def test_the_origin_must_be_allowed(one, origin, status):
    assert handshake_status(one, Origin=origin)[0] == status


def test_the_host_must_be_ours(one):
    assert handshake_status(one, Host="evil.example")[0] == 403
    assert handshake_status(one, Host="localhost")[0] == 101


def test_a_token_is_needed_and_makes_a_principal(host):
    one = host(http=True, config=TOKENS)
    status, headers = handshake_status(one)
    assert status == 401 and headers["www-authenticate"].startswith("Bearer")
    assert handshake_status(one, Authorization="Bearer wrong")[0] == 401
    for name in ("alice", "bob"):
        c = connect(one, NEW, "websocket", headers={"Authorization": f"Bearer {name}s-token"})
        assert c.structured("who")["principal"] == name
        c.close()


@pytest.mark.parametrize("transport", ["websocket", "sse"])
def test_a_token_that_is_taken_away_ends_its_connections(host, transport):
    one = host(http=True, config=TOKENS)
    alice, bob = (connect(one, OLD, transport, headers={"Authorization": f"Bearer {name}s-token"})
                  for name in ("alice", "bob"))
    left = [token for token in TOKENS["auth"]["tokens"] if token["principal"] != "alice"]
    one.write_config({**TOKENS, "auth": {"tokens": left}})
    one.signal(signal.SIGHUP)
    eventually(lambda: alice.broken, "the end of the connection")
    assert str(alice.broken) == ("1008 the token is not known here any more"
                                 if transport == "websocket" else "the server ended the stream")
    assert bob.text("echo", text="stays") == "stays"
    alice.close()
    bob.close()


def test_what_is_no_handshake_is_refused(one):
    assert handshake_status(one, remove=["Sec-WebSocket-Key"])[0] == 400
    assert handshake_status(one, Sec_WebSocket_Key="short")[0] == 400
    assert handshake_status(one, body=b"{}")[0] == 400
    for version in ("8", "0", "", "13, 8"):
        status, headers = handshake_status(one, Sec_WebSocket_Version=version)
        assert status == 426 and headers["sec-websocket-version"] == "13", version
    assert handshake_status(one, path="/other")[0] == 404
    assert handshake_status(one, method="POST", body=b"{}")[0] == 415
    assert handshake_status(one, Upgrade="h2c")[0] == 406
    assert handshake_status(one, Sec_WebSocket_Extensions="permessage-deflate")[0] == 101


def test_it_can_be_turned_off(host):
    one = host(http=True, config={"http": {"websocket": False}})
    assert handshake_status(one)[0] == 406


def test_tls_and_unix_sockets_have_it(host, tmp_path):
    certificate, key = make_certificate(tmp_path)
    path = tmp_path / "gantry.sock"
    one = host(config={"http": {"listen": [
        {"address": "127.0.0.1:0", "tls": {"certificate": str(certificate), "key": str(key)}},
        f"unix:{path}"]}})
    url = one.ready_file.read_text().splitlines()[0]
    one.address, one.path = ("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0])), "/mcp"
    for options in ({"tls": str(certificate)}, {"unix": path}):
        for revision in (OLD, NEW):
            c = connect(one, revision, "websocket", **options)
            text = "x" * 1_000_000
            assert c.text("echo", text=text) == text
            c.close()


def test_the_log_names_the_transport(client):
    client(OLD, "websocket").host.wait_log(f"session of e2e 1.0, revision {OLD}, over websocket")


# ---------------------------------------------------------------- messages

def test_both_eras_are_served_on_one_connection(one):
    old = connect(one, OLD, "websocket")
    assert old.text("echo", text="old") == "old"
    message = old.request_message("tools/call", {"name": "echo", "arguments": {"text": "new"}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": NEW,
        "io.modelcontextprotocol/clientInfo": old.client_info,
        "io.modelcontextprotocol/clientCapabilities": {}}})
    message["id"] = "new"
    with WebSocket(one) as socket:
        socket.send_json(message)
        answer = json.loads(socket.read_message())
        assert answer["result"]["resultType"] == "complete"
    assert old.text("echo", text="still") == "still"
    old.close()


def test_list_changes_are_told(client):
    c = client(OLD, "websocket")
    c.call("add", name="fresh")
    c.notifications.wait("notifications/tools/list_changed")
    assert "fresh" in c.names()


def test_closing_ends_the_calls_of_the_stateless_era(one):
    c = connect(one, NEW, "websocket")
    watch = connect(one, NEW, "websocket")
    c.start_call("sleep", ms=600000)
    watch.wait_in_flight(1)
    c.close()
    watch.wait_in_flight(0)
    watch.close()


def test_what_is_no_json_is_answered_and_the_connection_lives(one):
    with WebSocket(one) as socket:
        for text, code in (("{", -32700), ("nonsense", -32700), ("[]", -32600), ("{}", -32600),
                           ('"x"', -32600)):
            socket.send_text(text)
            assert json.loads(socket.read_message())["error"]["code"] == code, text
        socket.send_text("")
        socket.send_text(" \r\n")
        socket.send_text(PING_TEXT)
        assert json.loads(socket.read_message()) == PONG_RESULT


def test_fragments_with_control_frames_between(one):
    whole = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"ä": "é" * 300}},
                       ensure_ascii=False).encode()
    with WebSocket(one) as socket:
        pieces = [whole[at:at + 7] for at in range(0, len(whole), 7)]
        for i, piece in enumerate(pieces):
            socket.send(frame(CONTINUE if i else TEXT, piece, fin=i == len(pieces) - 1))
            if i < len(pieces) - 1:
                socket.send(frame(PING, b"%d" % i) + frame(PONG, b"nobody asked"))
        for i in range(len(pieces) - 1):
            assert socket.read_frame() == (PONG, b"%d" % i)
        assert json.loads(socket.read_message()) == PONG_RESULT


def test_every_size_in_every_cut(one):
    """The matrix of sizes that mark a change of the length's form, in one frame and in fragments."""
    with WebSocket(one) as socket:
        for size in (40, 125, 126, 127, 128, 65535, 65536, 65537, 1_000_000):
            text = PING_TEXT + " " * (size - len(PING_TEXT))
            for cut in (size, 1000, 997) if size < 100_000 else (size, 64_000):
                sent = b""
                for at in range(0, size, cut):
                    sent += frame(CONTINUE if at else TEXT, text[at:at + cut].encode(),
                                  fin=at + cut >= size)
                for at in range(0, len(sent), 50_000):  # and in packets that fit no frame
                    socket.send(sent[at:at + 50_000])
                assert json.loads(socket.read_message()) == PONG_RESULT, (size, cut)


# ---------------------------------------------------------------- hostile clients

LIE = b"\0\0\0\0"


FORBIDDEN = {
    "no mask": (frame(TEXT, b"{}", masked=False), 1002),
    "reserved bit 1": (frame(TEXT, b"{}", first=0xC1), 1002),
    "reserved bit 3": (frame(TEXT, b"{}", first=0x91), 1002),
    "reserved opcode": (frame(3, b"{}"), 1002),
    "reserved control opcode": (frame(11, b"{}"), 1002),
    "a continuation of nothing": (frame(CONTINUE, b"{}"), 1002),
    "a message in a message": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "a fragmented ping": (frame(PING, b"", fin=False), 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a long form of a short length": (b"\x81\xfe\x00\x05" + LIE + b"{   }", 1002),
    "a close with half a status": (frame(CLOSE, b"\x03"), 1002),
    "a close with status 1005": (frame(CLOSE, b"\x03\xed"), 1002),
    "a close with status 70": (frame(CLOSE, b"\x00\x46"), 1002),
    "binary": (frame(BINARY, b"{}"), 1003),
    "text that is no UTF-8": (frame(TEXT, b'"\xff"'), 1007),
    "a surrogate": (frame(TEXT, b'"\xed\xa0\x80"'), 1007),
    "half a character": (frame(TEXT, b'"\xc3', fin=False) + frame(CONTINUE, b'"'), 1007),
    "a close whose reason is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "more than a message may have": (b"\x81\xff" + (10 << 20 | 1).to_bytes(8, "big") + LIE, 1009),
    "all the bytes there are": (b"\x81\xff\x7f" + b"\xff" * 7 + LIE, 1009),
    "more than there are": (b"\x81\xff\xff" + b"\xff" * 7 + LIE, 1002),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_is_forbidden_closes_with_its_status(one, what):
    data, status = FORBIDDEN[what]
    with WebSocket(one) as socket:
        socket.send_text(PING_TEXT)
        assert json.loads(socket.read_message()) == PONG_RESULT
        socket.send(data)
        told, reason = socket.read_close()
        assert (told, bool(reason)) == (status, True), (what, told, reason)
    still_serves(one)


def test_a_message_that_does_not_end_is_cut_off(host):
    """Nor do signs of life make its time longer."""
    one = host(http=True, config={"limits": {"body_timeout": "300ms"}})
    begins = {b"\x81": b"", frame(TEXT, b"{", length=1000): b" ",
              frame(TEXT, b"{", fin=False): frame(PING)}
    for begin, more in begins.items():
        with WebSocket(one) as socket:
            socket.send(begin)
            for _ in range(5):
                time.sleep(0.01)
                socket.send(more)
            assert socket.read_close() == (1008, "the message did not come in time")
    still_serves(one)


def test_half_a_frame_and_gone(one):
    for cut in range(1, 20):
        socket = WebSocket(one)
        socket.send(frame(TEXT, b'{"jsonrpc":"2.0"}')[:cut])
        socket.close()
    still_serves(one)


def test_ten_thousand_pings_that_nobody_reads_are_bounded(host):
    one = host(http=True, config={"limits": {"max_output_queue": "64KiB"}})
    count = 10_000
    with WebSocket(one, receive_buffer=4096) as socket:
        before = one.resident_bytes()
        pings = frame(PING, b"x" * 125, key=LIE) * count
        sent = 0
        socket.connection.socket.setblocking(False)
        stuck = 0
        while sent < len(pings) and stuck < 50:
            try:
                sent += socket.connection.socket.send(pings[sent:sent + 65536])
                stuck = 0
            except BlockingIOError:
                stuck += 1
                time.sleep(0.01)
        assert one.resident_bytes() - before < 32 << 20
        still_serves(one)
        socket.connection.socket.settimeout(60)
        got = 0
        while got < sent // 131:  # reading what came makes room for the rest
            opcode, payload = socket.read_frame()
            assert (opcode, len(payload)) == (PONG, 125)
            got += 1


def test_answers_that_nobody_reads_are_bounded(host):
    one = host(http=True, config={"limits": {"max_output_queue": "1MiB", "body_timeout": "2s"}})
    socket = WebSocket(one, receive_buffer=4096)
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": {
        "name": "big", "arguments": {"bytes": 500_000}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": NEW,
            "io.modelcontextprotocol/clientInfo": {"name": "e2e", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}
    for i in range(200):
        try:
            socket.send_json({**call, "id": i})
        except OSError:
            break
    one.wait_log("a client (does not read|has stopped reading)")
    socket.close()
    still_serves(one)


def test_nonsense_does_no_harm(one):
    chance = random.Random(6455)
    for _ in range(60):
        socket = WebSocket(one)
        data = bytearray(b"".join(
            frame(chance.choice([TEXT, TEXT, CONTINUE, PING, PONG, CLOSE, BINARY]),
                  chance.randbytes(chance.choice([0, 1, 5, 130])) if chance.random() < 0.3
                  else PING_TEXT.encode(), fin=chance.random() < 0.8) for _ in range(5)))
        for _ in range(chance.choice([0, 1, 3])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            socket.send(bytes(data))
            socket.connection.socket.settimeout(0.02)
            while True:
                socket.connection.more()
        except (OSError, Closed):
            pass
        socket.close()
    still_serves(one)


def test_connections_count_in_the_limit(host):
    one = host(http=True, config={"limits": {"max_connections": 3}})
    sockets = [WebSocket(one) for _ in range(3)]
    assert handshake_status(one)[0] == 503
    sockets.pop().close()
    eventually(lambda: handshake_status(one)[0] == 101, "room for one more")
    for socket in sockets:
        socket.close()


# ---------------------------------------------------------------- signs of life, and the end

def test_a_silent_client_is_pinged_and_one_that_does_not_answer_is_given_up(host):
    one = host(http=True, config={"limits": {"sse_keepalive": "100ms"}})
    with WebSocket(one) as socket:
        for _ in range(5):
            assert socket.read_frame() == (PING, b"")
            socket.send(frame(PONG))
        with pytest.raises(Closed):
            while True:
                assert socket.read_frame() == (PING, b"")
    one.wait_log("does not answer pings")


def test_a_close_is_answered_after_what_waits(one):
    with WebSocket(one) as socket:
        socket.send(frame(TEXT, PING_TEXT.encode()) + frame(CLOSE, b"\x03\xe8done") +
                    frame(TEXT, PING_TEXT.encode()))
        assert json.loads(socket.read_message()) == PONG_RESULT
        assert socket.read_close() == (1000, "")


def test_a_host_that_stops_says_so(host):
    one = host(http=True)
    c = WebSocketClient(one, OLD)
    c.initialize()
    one.stop()
    eventually(lambda: c.broken, "the Close frame")
    assert str(c.broken) == "1001 the server stops"
    c.close()


# ---------------------------------------------------------------- other people's clients

def test_the_websockets_library(one):
    """It is strict about what servers send."""
    from websockets.sync.client import connect as ws_connect
    url = f"ws://{one.address[0]}:{one.address[1]}{one.path}"
    with ws_connect(url, subprotocols=["mcp"], max_size=1 << 26) as socket:
        assert socket.subprotocol == "mcp"
        call = {"jsonrpc": "2.0", "method": "tools/call", "params": {
            "name": "echo", "_meta": {
                "io.modelcontextprotocol/protocolVersion": NEW,
                "io.modelcontextprotocol/clientInfo": {"name": "websockets", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {}}}}
        for size in (0, 1, 125, 126, 65_535, 65_536, 2_000_000):
            call["id"] = size
            call["params"]["arguments"] = {"text": "ä" * size}
            text = json.dumps(call, ensure_ascii=False)
            socket.send(text)
            answer = json.loads(socket.recv())
            assert answer["id"] == size
            assert answer["result"]["content"][0]["text"] == "ä" * size
            socket.send(text[at:at + 10_000] for at in range(0, len(text), 10_000))  # fragments
            assert json.loads(socket.recv())["id"] == size
        assert socket.ping().wait(60)
    assert socket.protocol.close_code == 1000


def test_a_page_elsewhere_is_refused_by_the_websockets_library(one):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect as ws_connect
    url = f"ws://{one.address[0]}:{one.address[1]}{one.path}"
    with pytest.raises(InvalidStatus) as refused:
        ws_connect(url, origin="https://evil.example")
    assert refused.value.response.status_code == 403


def test_an_error_has_no_status(client):
    c = client(NEW, "websocket")
    with pytest.raises(RpcError) as refused:
        c.request("nothing/there")
    assert refused.value.code == -32601 and refused.value.status is None
