"""The client library over Streamable HTTP and HTTP+SSE: what it sends, streams and their rest,
connections, the ways to a server."""

import json
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

from harness.certificate import make_certificate
from harness.odd_server import HANDSHAKE, STATELESS, OddServer
from harness.probe import Probe, eventually

NODE = shutil.which("node")
QUICK = {"retries": 2, "backoff_ms": 1, "timeout_ms": 60000}
ERAS = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]



def only_for(method, act):
    return lambda x: act(x) if (x.method or x.verb) == method else x.usual()


def call(probe, text="hi", **options):
    return probe.do("call", name="echo", arguments={"text": text}, **options)


# ---------------------------------------------------------------- gantry itself

@pytest.mark.parametrize("revision", ERAS)
def test_gantry_is_spoken_to_in_every_revision(host, probe, revision):
    one = host(http=True)
    probe.open(url=one.url, revision=revision, **QUICK)
    outcome = call(probe)
    assert outcome["text"] == "hi" and outcome["revision"] == revision


def test_gantry_is_spoken_to_over_its_old_endpoint(host, probe):
    one = host(http=True)
    base = one.url.removesuffix("/mcp")
    for transport in ("sse", None):
        options = {"transport": transport} if transport else {}
        probe.open(url=f"{base}/sse", **options, **QUICK)
        assert call(probe)["text"] == "hi"
        probe.close()


# ---------------------------------------------------------------- headers

def test_headers_of_the_stateless_era(probe):
    with OddServer() as server:
        probe.open(url=server.url, token="t", headers=["X-One: 1", "Accept: x", "mcp-method: x",
                                                       "X-Empty:"], **QUICK)
        assert call(probe, headers=["X-Two: 2", "X-One: other"])["text"] == "hi"
        assert server.methods() == ["server/discover", "tools/call"]
        for x in server.seen:
            h = x.headers
            assert h["accept"] == "application/json, text/event-stream"
            assert h["content-type"] == "application/json"
            assert h["mcp-protocol-version"] == STATELESS
            assert h["mcp-method"] == x.method
            assert h["authorization"] == "Bearer t"
            assert h["x-empty"] == ""
            assert "mcp-session-id" not in h and "accept-encoding" not in h and "expect" not in h
            names = [line.partition(":")[0].lower() for line in x.lines]
            assert len(names) == len(set(names)), names
        discover, tool = server.seen
        assert "mcp-name" not in discover.headers and tool.headers["mcp-name"] == "echo"
        assert discover.headers["x-one"] == "1" and tool.headers["x-one"] == "other"
        assert tool.headers["x-two"] == "2"


def test_headers_that_are_none_are_refused(probe):
    with OddServer() as server:
        for wrong in ("no colon, secret", "X: a\r\nY: secret", " : secret", "X y: secret", "X: \x7f"):
            probe.send("open", url=server.url, headers=["A: b", wrong])
            assert "secret" not in probe.event("refused")["message"] or wrong.startswith("no")
        probe.open(url=server.url, **QUICK)
        assert call(probe, headers=["X: a\r\nY: b"])["status"] == "invalid"
        assert call(probe, headers=["no"])["status"] == "invalid"
        assert server.of("tools/call") == []


def test_a_name_that_is_no_ascii_is_encoded(probe):
    with OddServer() as server:
        probe.open(url=server.url, **QUICK)
        probe.do("call", name="größe")
        assert server.of("tools/call")[0].headers["mcp-name"] == "=?base64?Z3LDtsOfZQ==?="


@pytest.mark.parametrize("revision", ERAS[1:])
def test_headers_of_the_handshake_era(probe, revision):
    with OddServer(revision=revision, session="visible-ascii-~!") as server:
        probe.open(url=server.url, revision=revision, **QUICK)
        assert call(probe)["text"] == "hi"
        eventually(lambda: server.of("GET"), "the stream")
        probe.close()
        first, *rest = server.seen
        assert first.method == "initialize"
        assert "mcp-session-id" not in first.headers
        assert "mcp-protocol-version" not in first.headers
        assert rest[0].method == "notifications/initialized"
        for x in rest:
            assert x.headers["mcp-session-id"] == "visible-ascii-~!"
            expected = revision if revision >= "2025-06-18" else None
            assert x.headers.get("mcp-protocol-version") == expected
            assert "mcp-method" not in x.headers
        assert server.of("GET")[0].headers["accept"] == "text/event-stream"
        assert server.methods()[-1] == "DELETE"


def test_nothing_goes_out_before_initialized_has_been_answered(probe):
    initialized = threading.Event()

    def slow(x):
        if x.method == "notifications/initialized":
            x.server.waiting.release()
            initialized.wait(30)
            x.server.seen.append(x)  # once more, when it is answered
        x.usual()
    with OddServer(slow, revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        tags = [probe.begin("call", name="echo") for _ in range(5)]
        server.wait(server.waiting)
        assert server.of("tools/call") == [] and server.of("GET") == []
        initialized.set()
        for tag in tags:
            assert probe.outcome(tag)["status"] == "ok"
        assert server.methods()[1:4].count("notifications/initialized") == 2


def test_calls_come_after_the_stream_on_which_the_server_asks(probe):
    def open_stream(x):
        x.stream()
        x.wait_until_gone()
    with OddServer(only_for("GET", open_stream), revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        tags = [probe.begin("call", name="echo") for _ in range(3)]
        for tag in tags:
            assert probe.outcome(tag)["status"] == "ok"
        seen = [x.method or x.verb for x in server.seen]
        assert seen.index("GET") < seen.index("tools/call")


@pytest.mark.parametrize("act", [lambda x: x.wait_until_gone(), lambda x: x.reply(405),
                                 lambda x: x.reply(500), lambda x: x.close()])
def test_calls_do_not_need_that_stream(probe, act):
    with OddServer(only_for("GET", act), revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        assert server.of("GET")


def test_credentials_of_the_url_are_sent_and_not_shown(probe):
    with OddServer(lambda x: x.reply(418)) as server:
        url = server.url.replace("127.0.0.1", "ada:s3cret%40@127.0.0.1") + "?key=hidden"
        probe.open(url=url, **QUICK)
        message = call(probe)["message"]
        assert "s3cret" not in message and "hidden" not in message and server.url in message
        assert server.seen[0].headers["authorization"] == "Basic YWRhOnMzY3JldEA="
        assert server.seen[0].path == "/mcp?key=hidden"


# ---------------------------------------------------------------- streams

def test_a_broken_stream_is_taken_up_where_it_broke(probe):
    def broken(x):
        if x.method == "tools/call":
            x.server.call = x
            x.stream()
            x.event(id="first", retry=150)  # without data: only to begin
            x.event({"jsonrpc": "2.0", "method": "notifications/message",
                     "params": {"level": "info", "data": "one"}}, id="second")
            x.end()
        elif x.verb == "GET" and "last-event-id" in x.headers:
            x.stream()
            if x.headers["last-event-id"] == "second":
                x.event({"jsonrpc": "2.0", "method": "notifications/message",
                         "params": {"level": "info", "data": "two"}}, id="third")
                x.close()  # in the middle, this time
            x.id = x.server.call.id
            x.answer_event("done", id="fourth")
            x.end()
        else:
            x.usual()
    with OddServer(broken, revision=HANDSHAKE, session="s") as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "done"
        assert [probe.event("log")["text"] for _ in range(2)] == ["one", "two"]
        again = [x.headers["last-event-id"] for x in server.of("GET") if "last-event-id" in x.headers]
        assert again == ["second", "third"]
        assert len(server.of("tools/call")) == 1


def test_a_stream_that_brings_nothing_is_given_up(probe):
    def nothing(x):
        if x.method == "tools/call" or "last-event-id" in x.headers:
            x.stream()
            x.event(id="a", retry=0) if x.method else None
            x.end()
        else:
            x.usual()
    with OddServer(nothing, revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        outcome = call(probe)
        assert outcome["status"] == "connection" and "ended before the answer" in outcome["message"]
        assert 2 <= len([x for x in server.of("GET") if "last-event-id" in x.headers]) <= 16


def test_a_server_that_refuses_both_eras_is_quoted(probe):
    """It is no server of 2024-11-05 either: what it said first is what helps."""
    def refusing(x):
        if x.verb == "GET":
            x.reply(405)
        else:
            x.json({"jsonrpc": "2.0", "id": x.id,
                    "error": {"code": -32600, "message": "no key in the URL"}}, status=400)
    with OddServer(refusing) as server:
        probe.open(url=server.url, **QUICK)
        outcome = call(probe)
        assert outcome["status"] == "connection" and "no key in the URL" in outcome["message"]
        assert len(server.of("GET")) == 1


def test_a_modern_refusal_is_no_reason_to_try_the_old_transport(probe):
    def refusing(x):
        first = x.method == "server/discover"
        x.json({"jsonrpc": "2.0", "id": x.id, "error": {
            "code": -32022, "message": "which one?",
            "data": {"supported": [HANDSHAKE if first else STATELESS]}}}, status=400)
    with OddServer(refusing) as server:
        probe.open(url=server.url, **QUICK)
        assert "which one?" in call(probe)["message"]
        assert not server.of("GET")


def test_a_stream_that_cannot_be_taken_up_ends_the_call(probe):
    def broken(x):
        if x.method == "tools/call":
            x.stream()
            x.event(id="a", retry=0)
            x.end()
        else:
            x.usual()
    with OddServer(broken, revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        outcome = call(probe)
        assert outcome["status"] == "connection" and "405" in outcome["message"]


def test_a_call_whose_rest_is_not_to_be_had_is_not_repeated(probe):
    """The server is busy, does not know the session any more, wants credentials: whatever comes of
    asking for the rest, the call has been made."""
    for status in (404, 429, 503, 401):
        def broken(x):
            if x.method == "tools/call":
                x.stream()
                x.event(id="a", retry=0)
                x.end()
            elif "last-event-id" in x.headers:
                x.reply(status, {"Retry-After": "0"})
            else:
                x.usual()
        with OddServer(broken, revision=HANDSHAKE, session="s") as server:
            probe.open(url=server.url, **QUICK)
            assert call(probe)["status"] == ("unauthorized" if status == 401 else "connection")
            assert len(server.of("tools/call")) == 1
            probe.close()


def test_a_notification_may_be_answered_with_a_stream(probe):
    def streams(x):
        if x.id is None and x.verb == "POST":
            x.stream()
            x.wait_until_gone()
        x.usual()
    with OddServer(streams, revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        probe.send("close")
        probe.send("hurry")
        probe.event("closed")


def test_the_stream_of_its_own_brings_what_belongs_to_no_request(probe):
    count = []

    def own(x):
        if x.verb == "GET":
            count.append(x.headers.get("last-event-id"))
            x.stream()
            x.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"},
                    id=str(len(count)), retry=100)
            if len(count) == 1:
                x.end()
            else:
                x.event({"jsonrpc": "2.0", "id": "q", "method": "ping"})
                x.wait_until_gone()
        else:
            x.usual()
    with OddServer(own, revision=HANDSHAKE, session="s") as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        assert probe.event("changed")["kind"] == "tools"
        assert probe.event("changed")["kind"] == "tools"
        eventually(lambda: [x for x in server.seen if x.message.get("id") == "q"], "the answer")
        assert count == [None, "1"]
        probe.close()
        server.wait(server.gone)


def test_a_question_on_a_stream_is_answered_while_it_goes_on(probe):
    answered = threading.Event()

    def asks(x):
        if x.method == "tools/call":
            x.stream()
            x.event({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": {
                "message": "who?", "requestedSchema": {"type": "object", "properties": {
                    "name": {"type": "string"}}}}})
            answered.wait(60)
            x.answer_event("hello " + x.server.name)
            x.end()
        elif x.message.get("id") == 7:
            x.server.name = x.message["result"]["content"]["name"]
            x.reply(202)
            answered.set()
        else:
            x.usual()
    with OddServer(asks, revision=HANDSHAKE) as server:
        probe.open(url=server.url, handlers=["elicit"], **QUICK)
        tag = probe.begin("call", name="echo")
        question = probe.event("question")
        assert question["tag"] == tag
        probe.send("accept", question=question["question"], content={"name": "Ada"})
        assert probe.outcome(tag)["text"] == "hello Ada"


def test_cancelling_closes_the_stream_in_the_stateless_era(probe):
    for revision, how in ((STATELESS, []), (HANDSHAKE, ["notifications/cancelled"])):
        with OddServer(only_for("tools/call", lambda x: (x.stream(), x.wait_until_gone())),
                       revision=revision) as server:
            probe.open(url=server.url, **QUICK)
            tag = probe.begin("call", name="echo")
            server.wait(server.waiting)
            probe.send("cancel", tag=tag, reason="enough")
            assert probe.outcome(tag)["status"] == "cancelled"
            server.wait(server.gone)
            probe.close()
            told = [m for m in server.methods() if m == "notifications/cancelled"]
            assert told == how


# ---------------------------------------------------------------- connections

def test_connections_are_kept(probe):
    with OddServer() as server:
        probe.open(url=server.url, **QUICK)
        for i in range(20):
            assert call(probe, str(i))["text"] == str(i)
        assert server.connections == 1


def test_a_stream_that_ends_with_its_answer_leaves_its_connection(probe):
    def streams(x):
        x.stream()
        x.answer_event("done")
        x.end()
    with OddServer(only_for("tools/call", streams)) as server:
        probe.open(url=server.url, **QUICK)
        for _ in range(20):
            assert call(probe)["text"] == "done"
            eventually(lambda: True, "")
        assert server.connections < 10


def test_a_thousand_calls_need_no_thousand_connections(probe):
    with OddServer() as server:
        probe.open(url=server.url, **QUICK)
        tags = [probe.begin("call", name="echo", arguments={"text": str(i)}) for i in range(1000)]
        assert [probe.outcome(tag)["text"] for tag in tags] == [str(i) for i in range(1000)]
        assert server.connections <= 130


def test_calls_that_wait_for_connections_may_be_cancelled(probe):
    go = threading.Event()

    def held(x):
        go.wait(60)
        x.usual()
    with OddServer(only_for("tools/call", held)) as server:
        probe.open(url=server.url, **QUICK)
        tags = [probe.begin("call", name="echo", arguments={"text": str(i)}) for i in range(200)]
        eventually(lambda: len(server.of("tools/call")) == 128, "as many as may run")
        # What calls may wait for does not wait for calls.
        probe.send("notify", method="notifications/x")
        eventually(lambda: server.of("notifications/x"), "the notification")
        for tag in tags[150:]:
            probe.send("cancel", tag=tag)
        for tag in tags[150:]:
            assert probe.outcome(tag)["status"] == "cancelled"
        go.set()
        for i, tag in enumerate(tags[:150]):
            assert probe.outcome(tag)["text"] == str(i)
        assert len(server.of("tools/call")) == 150


@pytest.mark.skipif(not NODE, reason="node is not installed")
def test_over_http2_calls_share_a_connection(probe, tmp_path):
    certificate, key = make_certificate(tmp_path)
    program = pathlib.Path(__file__).parent / "client" / "h2.mjs"
    with subprocess.Popen([NODE, program, key, certificate, "600"], stdout=subprocess.PIPE,
                          text=True) as server:
        try:
            port = int(server.stdout.readline())
            probe.open(url=f"https://127.0.0.1:{port}/mcp", ca_file=str(certificate), **QUICK)
            assert probe.do("connect")["status"] == "ok"
            tags = [probe.begin("call", name="echo", arguments={"text": str(i)})
                    for i in range(600)]
            assert [probe.outcome(tag)["text"] for tag in tags] == [str(i) for i in range(600)]
            probe.close()
        finally:
            server.kill()
        assert server.stdout.read().count("session") == 1


# ---------------------------------------------------------------- ways to a server

def test_a_unix_socket(probe, tmp_path):
    with OddServer(unix=tmp_path / "s") as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        assert server.seen[0].path == "/mcp" and server.seen[0].headers["host"] == "localhost"
    probe.close()
    probe.open(url=f"unix:{tmp_path}/none", **QUICK)
    outcome = call(probe)
    assert outcome["status"] == "connection" and f"{tmp_path}/none" in outcome["message"]
    assert "no such file" in outcome["message"] and "port" not in outcome["message"]


def test_a_proxy_that_is_given_is_used(probe):
    """It sees the whole URL, and no credentials of its own in messages."""
    with OddServer() as proxy:
        probe.open(url="http://somewhere.example/mcp",
                   proxy=f"http://user:pw@127.0.0.1:{proxy.port}", **QUICK)
        assert call(probe)["text"] == "hi"
        lines = proxy.seen[0]
        assert lines.path == "http://somewhere.example/mcp"
        assert lines.headers["proxy-authorization"].startswith("Basic ")
    assert "pw" not in call(probe)["message"]


def test_a_proxy_of_the_environment_is_not_for_loopback():
    with OddServer() as server, OddServer() as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        with Probe(env={"http_proxy": address, "HTTP_PROXY": address, "ALL_PROXY": address}) as one:
            one.open(url=server.url, **QUICK)
            assert call(one)["text"] == "hi"
            one.close()
            one.open(url="http://somewhere.example/mcp", **QUICK)
            assert call(one)["text"] == "hi"
            one.close()
            one.open(url="http://somewhere.invalid/mcp", proxy="", retries=4294967295)
            assert call(one)["status"] == "connection"
            one.close()
        assert [x.headers["host"] for x in proxy.seen] == ["somewhere.example"] * 2


def test_a_redirect_keeps_the_credentials_of_the_url(probe):
    def moved(x):
        assert x.headers["authorization"] == "Basic YWRhOnB3"
        if x.path == "/mcp":
            x.reply(308, {"Location": "/mcp/"})
        else:
            x.usual()
    with OddServer(moved) as server:
        probe.open(url=server.url.replace("127.0.0.1", "ada:pw@127.0.0.1"), **QUICK)
        assert call(probe)["text"] == "hi"


# ---------------------------------------------------------------- HTTP+SSE of 2024-11-05

class OldServer(OddServer):
    """The endpoint that it names, after `before`."""

    def __init__(self, endpoint="/messages?id=1", act=None, post=202, **options):
        self.stream, self.act, self.post = None, act, post
        self.endpoint = endpoint
        self.opened = threading.Event()
        super().__init__(self.old, revision="2024-11-05", **options)
        self.url = self.url.replace("/mcp", "/sse")

    def old(self, x):
        if x.verb == "GET" and x.path == "/sse":
            x.stream()
            self.stream = x
            if self.endpoint is None:
                x.wait_until_gone()
            x.chunk(f"event: endpoint\ndata: {self.endpoint}\n\n")
            self.opened.set()
            x.wait_until_gone()
        elif x.path != "/messages?id=1":
            x.reply(405)
        elif self.act and self.act(x):
            return
        else:
            x.reply(self.post)
            self.tell(x)

    def tell(self, x):
        if x.method == "initialize":
            self.say(x, {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
                         "serverInfo": {"name": "old", "version": "1"}})
        elif x.method == "tools/call":
            self.say(x, {"content": [{"type": "text",
                                      "text": x.params.get("arguments", {}).get("text", "")}]})

    def say(self, x, result):
        self.stream.event({"jsonrpc": "2.0", "id": x.id, "result": result}, event="message")


def test_the_old_transport_is_found_when_the_new_one_is_not_there(probe):
    with OldServer() as server:
        probe.open(url=server.url, **QUICK)
        outcome = call(probe)
        assert outcome["text"] == "hi" and outcome["revision"] == "2024-11-05"
        assert server.methods() == ["server/discover", "initialize", "GET", "initialize",
                                    "notifications/initialized", "tools/call"]


@pytest.mark.parametrize("endpoint, words", [
    ("http://evil.example/messages", "another origin"),
    ("//evil.example/messages", "another origin"),
    ("https://127.0.0.1/messages", "another origin"),
    ("x" * 10000, "more than"),
    ("http://[", "no URL"),
])
def test_an_endpoint_of_another_origin_is_refused(probe, endpoint, words):
    with OldServer(endpoint) as server:
        probe.open(url=server.url, transport="sse", token="secret", **QUICK)
        outcome = call(probe)
        assert outcome["status"] == "protocol" and words in outcome["message"], outcome
        assert server.methods() == ["GET"]


def test_an_old_stream_without_an_endpoint_ends_with_the_deadline(probe):
    with OldServer(endpoint=None) as server:
        probe.open(url=server.url, transport="sse", connect_timeout_ms=300, retries=4294967295)
        outcome = call(probe)
        assert outcome["status"] == "timeout" and "300 ms" in outcome["message"]


def test_an_old_stream_that_is_lost_is_opened_again(probe):
    with OldServer() as server:
        probe.open(url=server.url, transport="sse", **QUICK)
        assert call(probe)["text"] == "hi"
        hold = threading.Event()
        server.act = lambda x: x.method == "tools/call" and (x.reply(202), hold.set())
        tag = probe.begin("call", name="echo")
        assert hold.wait(60)
        server.stream.socket.shutdown(socket.SHUT_RDWR)
        outcome = probe.outcome(tag)
        assert outcome["status"] == "connection" and "stream" in outcome["message"]
        server.act = None
        assert call(probe)["text"] == "hi"
        assert len(server.of("GET")) == 2


def test_a_post_of_the_old_transport_that_is_refused_fails_its_request_alone(probe):
    with OldServer() as server:
        probe.open(url=server.url, transport="sse", **QUICK)
        assert call(probe)["text"] == "hi"
        server.act = lambda x: x.method == "tools/call" and (x.reply(413, {}, "large"), True)
        outcome = call(probe)
        assert outcome["status"] == "connection" and "413" in outcome["message"]
        server.act = None
        assert call(probe)["text"] == "hi"
        assert len(server.of("GET")) == 1


def test_a_post_of_the_old_transport_may_be_answered_with_a_stream(probe):
    def streams(x):
        x.stream()
        x.chunk("data: {}\n\n")
        x.server.tell(x)
        x.wait_until_gone()
    with OldServer(act=streams) as server:
        probe.open(url=server.url, transport="sse", **QUICK)
        assert call(probe)["text"] == "hi"


def test_a_login_over_the_old_transport(probe):
    class Guarded(OldServer):
        def old(self, x):
            if x.headers.get("authorization") != "Bearer right":
                x.reply(401)
            else:
                super().old(x)
    with Guarded() as server:
        probe.open(url=server.url, transport="sse", handlers=["login"], **QUICK)
        tag = probe.begin("call", name="echo", arguments={"text": "hi"})
        probe.event("login")
        probe.send("retry", authorization="Bearer right")
        assert probe.outcome(tag)["text"] == "hi"
        assert len(server.of("GET")) == 2


def test_a_website_is_no_server(probe):
    with OddServer(lambda x: x.reply(200, {"Content-Type": "text/html"}, "<html>")
                   if x.verb == "GET" else x.reply(405)) as server:
        probe.open(url=server.url, **QUICK)
        outcome = call(probe)
        assert outcome["status"] == "protocol" and "text/html" in outcome["message"]
        # The next try begins with the newer transport again.
        probe.close()


def test_a_server_that_is_not_up_yet_is_not_taken_for_an_old_one(probe):
    up = threading.Event()
    with OddServer(lambda x: x.usual() if up.is_set() else x.reply(404)) as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["status"] == "connection"
        up.set()
        assert call(probe)["text"] == "hi"


def test_cancelling_over_the_old_transport_tells_the_server(probe):
    with OldServer(act=lambda x: x.method == "tools/call" and (x.reply(202), True)) as server:
        probe.open(url=server.url, transport="sse", **QUICK)
        tag = probe.begin("call", name="echo")
        eventually(lambda: server.of("tools/call"), "the call")
        probe.send("cancel", tag=tag)
        assert probe.outcome(tag)["status"] == "cancelled"
        cancelled = eventually(lambda: server.of("notifications/cancelled"), "the cancellation")
        assert json.loads(cancelled[0].raw_body)["params"]["requestId"] == \
            server.of("tools/call")[0].id
