"""The client library over WebSocket: gantry, a server of another hand, and what may go wrong.
(Servers that break the protocol are played in tests/unit/client/websocket.c.)"""

import contextlib
import json
import signal
import socket
import threading

import pytest
from websockets.sync.server import serve

from harness.certificate import make_certificate
from harness.probe import eventually
from test_http import TOKENS

NEW, OLD, OLDER = "2026-07-28", "2025-11-25", "2025-03-26"
NONE = 4294967295
QUICK = {"retries": NONE, "timeout_ms": 60000}



def ws(host):
    return "ws" + host.url.removeprefix("http")


def call(probe, name="greet", status="ok", **arguments):
    done = probe.do("call", name=name, arguments=arguments)
    assert done["status"] == status, done
    return done


# ---------------------------------------------------------------- gantry

@pytest.mark.parametrize("revision", [NEW, OLD, OLDER])
def test_a_conversation_in_every_era(host, probe, revision):
    one = host(plugins=("hello",), http=True)
    probe.open(url=ws(one), revision=revision, **QUICK)
    assert probe.do("call", name="greet", arguments={"name": "Ada"})["text"] == "Hello, Ada!"
    names = [tool["name"] for tool in probe.do("list", kind="tools")["result"]["tools"]]
    assert names == ["count", "divide", "greet"]
    assert probe.do("ping")["status"] == "ok"
    tags = [probe.begin("call", name="greet", arguments={"name": str(i)}) for i in range(100)]
    assert [probe.outcome(tag)["text"] for tag in tags] == [f"Hello, {i}!" for i in range(100)]


def test_the_newest_revision_is_found(host, probe):
    probe.open(url=ws(host(plugins=("hello",), http=True)), **QUICK)
    assert probe.do("call", name="greet", arguments={"name": "Ada"})["revision"] == NEW


def test_a_call_that_is_cancelled_ends_at_the_server(host, probe):
    for revision in (NEW, OLD):
        one = host(http=True)
        probe.open(url=ws(one), revision=revision, **QUICK)
        tag = probe.begin("call", name="sleep", arguments={"ms": 600000})
        eventually(lambda: counts(probe)["in_flight"] == 1, "the call to run")
        probe.send("cancel", tag=tag)
        assert probe.outcome(tag)["status"] == "cancelled"
        eventually(lambda: counts(probe)["cancelled"] == 1, "the server to see it")
        probe.close()


def counts(probe):
    return call_structured(probe, "status")


def call_structured(probe, name, **arguments):
    done = probe.do("call", name=name, arguments=arguments)
    assert done["status"] == "ok", done
    return done["result"].get("structuredContent") or json.loads(done["text"])


def test_a_token_is_shown_and_its_lack_is_told(host, probe):
    one = host(http=True, config=TOKENS)
    probe.open(url=ws(one), token="alices-token", **QUICK)
    assert call_structured(probe, "who")["principal"] == "alice"
    probe.close()
    for options, hint in (({}, "it wants credentials"), ({"token": "wrong"}, "refuses these")):
        probe.open(url=ws(one), **options, **QUICK)
        done = probe.do("call", name="who", arguments={})
        assert done["status"] == "unauthorized" and done["http"] == 401, done
        assert hint in done["message"] and "wrong" not in done["message"]
        probe.close()


def test_tls_is_spoken_with_whom_it_trusts(host, probe, tmp_path):
    certificate, key = make_certificate(tmp_path)
    one = host(plugins=("hello",), http=None, config={"http": {"listen": [
        {"address": "127.0.0.1:0", "tls": {"certificate": str(certificate), "key": str(key)}}]}})
    url = "wss" + one.ready_file.read_text().splitlines()[0].removeprefix("https")
    probe.open(url=url, ca_file=str(certificate), **QUICK)
    assert probe.do("call", name="greet", arguments={"name": "Ada"})["text"] == "Hello, Ada!"
    probe.close()
    probe.open(url=url, **QUICK)
    assert "certificate" in call(probe, status="connection")["message"]
    probe.close()
    probe.open(url="ws" + url.removeprefix("wss"), **QUICK)  # in the clear to one that wants TLS
    call(probe, status="connection")
    probe.close()
    probe.open(url=url, ca_file=str(tmp_path / "none.pem"), **QUICK)
    assert "none.pem" in call(probe, status="connection")["message"]


def test_tls_to_one_that_has_none_ends_in_time(host, probe):
    one = host(plugins=("hello",), http=True)
    probe.open(url="wss" + one.url.removeprefix("http"), connect_timeout_ms=500, **QUICK)
    done = probe.do("call", name="greet", arguments={"name": "Ada"})
    assert done["status"] in ("timeout", "connection"), done


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("revision", [NEW, OLD])
def test_a_server_that_goes_in_mid_call(host, probe, how, revision):
    one = host(http=True, config={"server": {"drain": "0s"}} if how == signal.SIGTERM else None)
    probe.open(url=ws(one), revision=revision, **QUICK)
    tags = [probe.begin("call", name="sleep", arguments={"ms": 600000}) for _ in range(3)]
    eventually(lambda: counts(probe)["in_flight"] == 3, "the calls to run")
    if how == signal.SIGKILL:
        one.expect_exit = -signal.SIGKILL
    one.process.send_signal(how)
    for tag in tags:
        assert probe.outcome(tag)["status"] in ("connection", "error", "tool error")
    one.process.wait(60)
    assert "onnect" in call(probe, status="connection")["message"]


def test_a_message_that_is_too_large_for_the_server(host, probe):
    one = host(http=True, config={"limits": {"max_line": "64KiB"}})
    probe.open(url=ws(one), **QUICK)
    done = call(probe, "echo", status="limit", text="x" * 100000)
    assert "1009" in done["message"]
    assert probe.do("list", kind="tools")["status"] == "ok"  # on another connection


# ---------------------------------------------------------------- a server of another hand

class Peer:
    """A server of MCP on the library `websockets`."""

    def __init__(self, **options):
        self.seen, self.headers = [], []
        self.server = serve(self.handle, "127.0.0.1", 0, subprotocols=["mcp"], **options)
        self.url = f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}/mcp"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def handle(self, connection):
        assert connection.subprotocol == "mcp"
        self.headers.append(connection.request.headers)
        for text in connection:
            message = json.loads(text)
            self.seen.append(message["method"])
            if "id" in message:
                answer = {"jsonrpc": "2.0", "id": message["id"], **self.answer(message)}
                connection.send([c for c in json.dumps(answer)] if self.in_pieces
                                else json.dumps(answer))

    in_pieces = False

    def answer(self, message):
        if message["method"] == "initialize":
            return {"result": {"protocolVersion": OLD, "capabilities": {"tools": {}},
                               "serverInfo": {"name": "peer", "version": "1"}}}
        if message["method"] == "tools/call":
            return {"result": {"content": [{"type": "text",
                                            "text": message["params"]["arguments"]["text"]}]}}
        return {"error": {"code": -32601, "message": "no such method"}}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()


def test_a_server_of_another_hand(probe):
    with Peer() as peer:
        probe.open(url=peer.url, headers=["X-Mine: 1"], **QUICK)
        for text in ("", "hi", "ä" * 100, "x" * 70000, "y" * 500000):
            assert call(probe, "echo", text=text)["text"] == text
        peer.in_pieces = True
        assert call(probe, "echo", text="in pieces")["text"] == "in pieces"
        assert peer.seen[:3] == ["server/discover", "initialize", "notifications/initialized"]
        assert peer.headers[0]["X-Mine"] == "1"
        assert "Sec-WebSocket-Extensions" not in peer.headers[0]
        probe.close()


def test_a_proxy_is_gone_through(probe):
    """By CONNECT, so that frames pass."""
    lines = []
    with Peer() as peer, socket.create_server(("127.0.0.1", 0)) as listener:
        target = ("127.0.0.1", int(peer.url.split(":")[2].split("/")[0]))

        def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

        def proxy():
            one, _ = listener.accept()
            head = b""
            while b"\r\n\r\n" not in head:
                head += one.recv(65536)
            lines.extend(head.decode().split("\r\n"))
            with one, socket.create_connection(target) as other:
                one.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=pump, args=(other, one))
                back.start()
                pump(one, other)
                back.join()

        thread = threading.Thread(target=proxy)
        thread.start()
        port = listener.getsockname()[1]
        probe.open(url="ws://somewhere.example:81/mcp", proxy=f"http://ada:pw@127.0.0.1:{port}",
                   **QUICK)
        assert call(probe, "echo", text="hi")["text"] == "hi"
        assert lines[0] == "CONNECT somewhere.example:81 HTTP/1.1"
        assert any(line.startswith("Proxy-Authorization: Basic ") for line in lines)
        assert peer.headers[0]["Host"] == "somewhere.example:81"
        assert "Proxy-Authorization" not in peer.headers[0]
        probe.close()
        thread.join()


def test_nothing_of_the_connection_outlives_many_clients(host, probe):
    one = host(plugins=("hello",), http=True)
    probe.open(url=ws(one), **QUICK)
    assert probe.do("call", name="greet", arguments={"name": "Ada"})["text"] == "Hello, Ada!"
    few = len(probe.descriptors())
    for _ in range(20):
        probe.close()
        probe.open(url=ws(one), **QUICK)
        assert probe.do("call", name="greet", arguments={"name": "Ada"})["text"] == "Hello, Ada!"
    eventually(lambda: len(probe.descriptors()) == few, "descriptors to be closed")
