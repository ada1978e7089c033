"""The client library and HTTP servers that fail it: every fault ends in a clear error, inside the
deadline, and leaves nothing behind."""

import json
import ssl
import subprocess
import threading
import time

import pytest

from harness.odd_server import HANDSHAKE, STATELESS, OddServer
from harness.probe import Probe, eventually

QUICK = {"retries": 2, "backoff_ms": 1, "timeout_ms": 30000}



def only_for(method, act):
    return lambda x: act(x) if (x.method or x.verb) == method else x.usual()


def call(probe, text="hi", **options):
    return probe.do("call", name="echo", arguments={"text": text}, **options)


def failed(outcome, status, *words):
    assert outcome["status"] == status, outcome
    for word in words:
        assert word in outcome["message"], outcome
    return outcome


# ---------------------------------------------------------------- redirects

def test_a_redirect_within_the_origin_is_followed_with_the_body(probe):
    for status in (301, 302, 307, 308):
        def answer(x):
            if x.path == "/mcp":
                x.reply(status, {"Location": "/elsewhere?x=1"})
            else:
                x.usual()
        with OddServer(answer) as server:
            probe.open(url=server.url, token="secret", **QUICK)
            assert call(probe)["text"] == "hi"
            for x in server.seen:
                assert x.verb == "POST" and x.headers["authorization"] == "Bearer secret"
            # Where it has moved to for good is remembered.
            moved = sum(x.path == "/mcp" for x in server.seen)
            assert moved == (1 if status in (301, 308) else 2)
            probe.close()
            probe.event("state", state="closed")


def test_redirects_that_lead_in_a_circle_end(probe):
    with OddServer(lambda x: x.reply(307, {"Location": "/b" if x.path != "/b" else "/a"})) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection", "again and again")
        assert len(server.seen) == 6


def test_a_redirect_elsewhere_is_refused(probe):
    with OddServer() as other:
        target = other.url.replace("127.0.0.1", "user:pw@127.0.0.1") + "?key=1"
        with OddServer(lambda x: x.reply(307, {"Location": target})) as server:
            probe.open(url=server.url, token="secret", **QUICK)
            message = failed(call(probe), "connection", "307", other.url)["message"]
            assert "pw" not in message and "key" not in message and "secret" not in message
            assert len(server.seen) == 1
        assert other.connections == 0


def test_303_is_not_followed(probe):
    with OddServer(lambda x: x.reply(303, {"Location": "/other"})) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection", "303")
        assert len(server.seen) == 1


# ---------------------------------------------------------------- slow, endless, huge

def test_slow_headers_end_with_the_deadline(probe):
    def slow(x):
        x.raw("HTTP/1.1 200 OK\r\nX-Slow")
        x.wait_until_gone()
    with OddServer(only_for("tools/call", slow)) as server:
        probe.open(url=server.url, **QUICK)
        tag = probe.begin("call", name="echo", timeout_ms=300)
        server.wait(server.waiting)
        failed(probe.outcome(tag), "timeout", "tools/call", "echo")
        server.wait(server.gone)


def test_a_stream_without_end_or_answer_ends_with_the_deadline(probe):
    def endless(x):
        x.stream()
        while True:
            x.chunk(": still here\n\n" * 100)
    with OddServer(only_for("tools/call", endless)) as server:
        probe.open(url=server.url, **QUICK)
        failed(probe.do("call", name="echo", timeout_ms=300), "timeout")


def test_a_stream_that_goes_on_after_the_answer_is_left(probe):
    def goes_on(x):
        x.stream()
        x.answer_event("done")
        x.wait_until_gone()
    with OddServer(only_for("tools/call", goes_on)) as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "done"
        server.wait(server.gone)


def test_headers_without_end_are_refused(probe):
    def many(x):
        x.raw("HTTP/1.1 200 OK\r\n")
        for i in range(100):
            x.raw(f"X-{i}: {'x' * 1000}\r\n")
        x.wait_until_gone()
    with OddServer(only_for("tools/call", many)) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "limit", "headers")


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_answer_that_is_too_large_is_refused(probe, is_stream):
    def large(x):
        if is_stream:
            x.stream()
        else:
            x.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        if is_stream:
            x.chunk("data: ")
        for _ in range(200):
            x.chunk(b"x" * 10000)
        x.wait_until_gone()
    with OddServer(only_for("tools/call", large)) as server:
        probe.open(url=server.url, max_message=1 << 20, **QUICK)
        failed(call(probe), "limit", "larger than allowed")
        assert probe.do("list", kind="tools")["status"] == "ok"


# ---------------------------------------------------------------- what is no message

@pytest.mark.parametrize("type, body, words", [
    ("application/json", '{"jsonrpc":"2.0","id":', ["no message"]),
    ("application/json", '{"jsonrpc":"2.0","id":99999,"result":{}}', ["does not belong"]),
    ("application/json", "[1]", ["no message"]),
    ("application/json", "\x00\xff", ["no message"]),
    ("application/json", "", ["no answer", "200"]),
    ("text/html", "<html>hello</html>", ["text/html"]),
    ("text/event-stream", 'data: {"jsonrpc":"2.0","id":\n\n', ["no message"]),
    ("text/event-stream", "data: hello\n\n", ["no message"]),
])
def test_half_a_message_is_named(probe, type, body, words):
    with OddServer(only_for("tools/call", lambda x: x.reply(200, {"Content-Type": type}, body))) \
            as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "protocol", *words)
        assert len(server.of("tools/call")) == 1
        assert probe.do("list", kind="tools")["status"] == "ok"  # the others go on


def test_a_body_that_ends_early_is_a_lost_connection(probe):
    def early(x):
        x.raw('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"js')
        x.close()
    with OddServer(only_for("tools/call", early)) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection")
        assert len(server.of("tools/call")) == 1


def test_what_is_compressed_without_being_asked_for_is_named(probe):
    def compressed(x):
        assert "accept-encoding" not in x.headers
        x.reply(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"},
                b"\x1f\x8b\x08\x00")
    with OddServer(only_for("tools/call", compressed)) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "protocol", "gzip")


def test_202_answers_no_request(probe):
    with OddServer(only_for("tools/call", lambda x: x.reply(202))) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "protocol", "no answer", "202")


def test_a_server_that_speaks_no_http_is_named(probe):
    with OddServer(lambda x: (x.raw("220 smtp ready\r\n"), x.close())) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "protocol", server.url)


# ---------------------------------------------------------------- gone

def test_nobody_listens(probe):
    with OddServer() as server:
        url = server.url
    probe.open(url=url, **QUICK)
    failed(call(probe), "connection", url)
    states = [e["state"] for e in probe.all("state")]
    assert states == ["connecting", "waiting", "idle", "connecting", "waiting", "idle",
                      "connecting", "failed"]


def test_a_server_killed_in_mid_call_ends_it(probe):
    with OddServer(only_for("tools/call", lambda x: x.wait_until_gone())) as server:
        probe.open(url=server.url, **QUICK)
        assert probe.do("list", kind="tools")["status"] == "ok"  # the connection is kept
        tag = probe.begin("call", name="echo")
        server.wait(server.waiting)
        server.stop()
        failed(probe.outcome(tag), "connection", server.url)
        # The call may have been done: it is not repeated, though nothing says that it was.
        assert len(server.of("tools/call")) == 1


def test_a_call_is_not_repeated_over_another_connection(probe):
    """Also not by libcurl, which repeats what got no answer on a connection that it had kept."""
    def die(x):
        x.close()
    with OddServer(only_for("tools/call", die)) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection", "lost")
        assert len(server.of("tools/call")) == 1
        failed(call(probe, may_retry=True), "connection")
        assert len(server.of("tools/call")) > 2


def test_what_is_safe_is_repeated(probe):
    def die_twice(x):
        if len(x.server.of("tools/list")) <= 2:
            x.close()
        x.usual()
    with OddServer(only_for("tools/list", die_twice)) as server:
        probe.open(url=server.url, **QUICK)
        assert probe.do("list", kind="tools")["status"] == "ok"
        assert len(server.of("tools/list")) == 3


def test_a_server_that_comes_back_is_found(probe):
    with OddServer() as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        server.drop()
        assert call(probe)["text"] == "hi"
        assert server.connections >= 2


def test_a_stream_of_the_stateless_era_that_breaks_ends_the_call(probe):
    def breaks(x):
        x.stream()
        x.event({"jsonrpc": "2.0", "method": "notifications/message",
                 "params": {"level": "info", "data": "working"}}, id="1")
        x.end()
    with OddServer(only_for("tools/call", breaks)) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection", "ended before the answer")
        assert probe.event("log")["text"] == "working"
        assert server.of("GET") == []


# ---------------------------------------------------------------- statuses

def test_503_with_retry_after_is_obeyed(probe):
    for after in ("1", "Thu, 01 Jan 1970 00:00:00 GMT"):
        def busy(x):
            if len(x.server.of("tools/call")) == 1:
                x.reply(503, {"Retry-After": after})
            else:
                x.usual()
        with OddServer(only_for("tools/call", busy)) as server:
            probe.open(url=server.url, **QUICK)
            if after == "1":
                assert call(probe)["text"] == "hi"
                note = probe.event("note")["text"]
                assert "503" in note and "1000 ms" in note, note
            else:  # it says that nothing is to be waited for, and not that it did nothing
                failed(call(probe), "connection", "503")
            probe.close()


def test_503_without_more_repeats_only_what_is_safe(probe):
    with OddServer(lambda x: x.reply(503, {}, "overloaded") if x.method.startswith("tools/")
                   else x.usual()) as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection", "503", "overloaded")
        assert len(server.of("tools/call")) == 1
        assert failed(probe.do("list", kind="tools"), "connection", "503")["http"] == 503
        assert len(server.of("tools/list")) == 3


def test_429_is_tried_again_and_then_told(probe):
    with OddServer(only_for("tools/call", lambda x: x.error(-32000, "too many", status=429))) \
            as server:
        probe.open(url=server.url, **QUICK)
        outcome = failed(call(probe), "error", "too many")
        assert outcome["code"] == -32000 and outcome["http"] == 429
        assert len(server.of("tools/call")) == 3


def test_an_error_of_the_protocol_comes_with_any_status(probe):
    for status in (200, 400, 404, 500):
        with OddServer(only_for("tools/call", lambda x: x.error(-32602, "wrong", status=status))) \
                as server:
            probe.open(url=server.url, **QUICK)
            outcome = failed(call(probe), "error", "wrong")
            assert outcome["code"] == -32602 and outcome["http"] == status
            probe.close()


def test_an_error_without_an_id_is_about_the_exchange(probe):
    def about_nothing(x):
        x.json({"jsonrpc": "2.0", "error": {"code": -32020, "message": "headers"}}, status=400)
    with OddServer(only_for("tools/call", about_nothing)) as server:
        probe.open(url=server.url, **QUICK)
        assert failed(call(probe), "error", "headers")["code"] == -32020


def test_a_status_without_a_message_is_told_with_its_first_line(probe):
    with OddServer(only_for("tools/call", lambda x: x.reply(418, {}, "teapot\x07\nmore"))) as server:
        probe.open(url=server.url, **QUICK)
        outcome = failed(call(probe), "connection", "418", "teapot")
        assert "more" not in outcome["message"] and "\x07" not in outcome["message"]
        assert outcome["http"] == 418


# ---------------------------------------------------------------- credentials

def guarded(good, status=401):
    def answer(x):
        if x.headers.get("authorization") != good:
            x.reply(status, {"WWW-Authenticate": 'Bearer realm="x"'})
        else:
            x.usual()
    return answer


def test_trailers_change_nothing(probe):
    def trailers(x):
        x.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked",
                     "Trailer": "Content-Type"})
        x.chunk(json.dumps({"jsonrpc": "2.0", "id": x.id, "result": {
            "resultType": "complete", "content": [{"type": "text", "text": "hi"}]}}))
        x.raw("0\r\nContent-Type: text/event-stream\r\n\r\n")
    with OddServer(only_for("tools/call", trailers)) as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"


def test_401_is_told_as_such(probe):
    with OddServer(guarded("Bearer right")) as server:
        probe.open(url=server.url, **QUICK)
        outcome = failed(call(probe), "unauthorized", "401", "token")
        assert outcome["http"] == 401
        probe.close()
        probe.open(url=server.url, token="wrong", **QUICK)
        failed(call(probe), "unauthorized", "401", "refuses")


def test_401_with_a_message_is_told_as_such_too(probe):
    for status in (401, 403):
        with OddServer(only_for("tools/call", lambda x: x.error(-32000, "go away", status=status))) \
                as server:
            probe.open(url=server.url, **QUICK)
            assert failed(call(probe), "unauthorized", str(status), "go away")["http"] == status
            probe.close()


def test_a_login_lets_what_waits_go_on(probe):
    with OddServer(guarded("Bearer right")) as server:
        probe.open(url=server.url, handlers=["login"], **QUICK)
        tags = [probe.begin("call", name="echo", arguments={"text": str(i)}) for i in range(5)]
        login = probe.event("login")
        assert login["http"] == 401 and login["challenge"] == 'Bearer realm="x"'
        assert login["url"] == server.url
        probe.send("retry", authorization="Bearer right")
        assert [probe.outcome(tag)["text"] for tag in tags] == list("01234")
        assert probe.all("login") == []


def test_one_login_at_a_time(probe):
    good = ["Bearer one"]
    with OddServer(lambda x: guarded(good[0])(x)) as server:
        probe.open(url=server.url, token="one", handlers=["login"], **QUICK)
        assert call(probe)["text"] == "hi"
        good[0] = "Bearer two"
        tags = [probe.begin("call", name="echo", arguments={"text": str(i)}) for i in range(20)]
        probe.event("login")
        late = probe.begin("list", kind="tools")
        probe.send("retry", authorization="Bearer two")
        assert [probe.outcome(tag)["text"] for tag in tags] == [str(i) for i in range(20)]
        assert probe.outcome(late)["status"] == "ok"
        assert probe.all("login") == []


def test_a_login_that_is_refused_ends_what_waits(probe):
    with OddServer(guarded("Bearer right")) as server:
        probe.open(url=server.url, handlers=["login"], **QUICK)
        tags = [probe.begin("call", name="echo") for _ in range(3)]
        probe.event("login")
        probe.send("refuse", reason="the person is out")
        for tag in tags:
            assert failed(probe.outcome(tag), "unauthorized", "the person is out")["http"] == 401


def test_logins_that_do_not_help_end(probe):
    with OddServer(guarded("Bearer right")) as server:
        probe.open(url=server.url, handlers=["login"], **QUICK)
        tag = probe.begin("call", name="echo")
        for i in range(3):
            probe.event("login")
            probe.send("retry", authorization=f"Bearer wrong{i}")
        failed(probe.outcome(tag), "unauthorized", "401")
        assert len(server.seen) == 4


def test_a_login_may_outlast_the_timeouts(probe):
    with OddServer(guarded("Bearer right")) as server:
        probe.open(url=server.url, handlers=["login"], connect_timeout_ms=3000, timeout_ms=3000)
        tag = probe.begin("connect")
        probe.event("login")
        time.sleep(4)  # longer than either
        probe.send("retry", authorization="Bearer right")
        assert probe.outcome(tag)["status"] == "ok"


def test_a_login_may_be_answered_after_the_client_has_closed(probe):
    with OddServer(guarded("Bearer right")) as server:
        probe.open(url=server.url, handlers=["login"], **QUICK)
        tag = probe.begin("call", name="echo")
        probe.event("login")
        probe.send("close")
        probe.send("retry", authorization="Bearer right")
        failed(probe.outcome(tag), "cancelled")
        probe.event("closed")


def test_403_holds_only_what_it_is_about(probe):
    def answer(x):
        if x.method == "tools/call" and x.headers.get("authorization") != "Bearer more":
            x.reply(403, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
        else:
            x.usual()
    with OddServer(answer) as server:
        probe.open(url=server.url, token="less", handlers=["login"], **QUICK)
        tag = probe.begin("call", name="echo", arguments={"text": "hi"})
        assert probe.event("login")["http"] == 403
        assert probe.do("list", kind="tools")["status"] == "ok"
        probe.send("retry", authorization="Bearer more")
        assert probe.outcome(tag)["text"] == "hi"


# ---------------------------------------------------------------- sessions

def test_a_session_that_is_lost_is_begun_anew(probe):
    sessions = []

    def answer(x):
        if x.method == "initialize":
            assert "mcp-session-id" not in x.headers
            sessions.append(f"session-{len(sessions)}")
            x.server.session = sessions[-1]
            x.usual()
        elif x.headers.get("mcp-session-id") not in (None, sessions[-1] if sessions else None):
            x.reply(404)
        elif x.method == "tools/call" and len(sessions) == 1:
            sessions[0] = "another"
            x.reply(404)
        else:
            x.usual()
    with OddServer(answer, revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        assert server.methods().count("initialize") == 2
        assert server.methods().count("tools/call") == 2
        probe.close()
        assert [x.headers["mcp-session-id"] for x in server.of("DELETE")] == ["session-1"]


def test_all_calls_that_a_lost_session_refuses_go_over_the_next(probe):
    lock, sessions = threading.Lock(), ["0"]

    def answer(x):
        with lock:
            if x.method == "initialize":
                sessions.append(str(len(sessions)))
                x.server.session = sessions[-1]
            lost = len(sessions) == 2 and x.method == "tools/call"
        if lost and x.params["arguments"]["text"] == "149":
            x.wait_until_gone()
        elif lost or x.headers.get("mcp-session-id", sessions[-1]) != sessions[-1]:
            x.reply(404)
        else:
            x.usual()
    with OddServer(answer, revision=HANDSHAKE) as server:
        probe.open(url=server.url, **QUICK)
        assert probe.do("connect")["status"] == "ok"
        order = [149, *range(149)]  # the one that hangs is among the first, which are sent at once
        tags = {i: probe.begin("call", name="echo", arguments={"text": str(i)}) for i in order}
        failed(probe.outcome(tags[149]), "connection", "session")
        assert [probe.outcome(tags[i])["text"] for i in range(149)] == [str(i) for i in range(149)]
        assert len(server.of("initialize")) == 2


def test_a_server_that_loses_every_session_is_given_up(probe):
    def answer(x):
        if x.method == "tools/call":
            x.reply(404)
        else:
            x.usual()
    with OddServer(answer, revision=HANDSHAKE, session="s") as server:
        probe.open(url=server.url, **QUICK)
        failed(call(probe), "connection", "session")
        assert len(server.of("tools/call")) == 3


def test_an_unknown_method_is_no_lost_session(probe):
    with OddServer(revision=HANDSHAKE, session="s") as server:
        probe.open(url=server.url, **QUICK)
        outcome = probe.do("request", method="x/y")
        assert outcome["status"] == "error" and outcome["code"] == -32601
        assert len(server.of("initialize")) == 1


def test_a_session_id_that_is_no_visible_ascii_is_not_used(probe):
    with OddServer(revision=HANDSHAKE, session="a b\x7f") as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        assert all("mcp-session-id" not in x.headers for x in server.seen)
        assert "session id" in probe.event("note")["text"]


# ---------------------------------------------------------------- TLS

def openssl(folder, *args):
    subprocess.run(["openssl", *map(str, args)], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}",
            "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE")


def certificate(folder, name, ca, alt):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / f"{name}.ext").write_text(f"subjectAltName={alt}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey",
            f"{ca}.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out",
            f"{name}.pem")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ca", "other"):
        authority(folder, name)
    certificate(folder, "server", "ca", "IP:127.0.0.1")
    certificate(folder, "wrong-host", "ca", "DNS:somewhere.example")
    certificate(folder, "client", "ca", "DNS:client")
    return folder


def tls(keys, name="server", wants_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / f"{name}.pem", keys / f"{name}.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(keys / "ca.pem")
    return context


def test_a_certificate_of_a_trusted_authority_is_accepted(probe, keys):
    with OddServer(tls=tls(keys)) as server:
        probe.open(url=server.url, ca_file=str(keys / "ca.pem"), **QUICK)
        assert call(probe)["text"] == "hi"


@pytest.mark.parametrize("name, ca, words", [
    ("server", "other", ["certificate", "ca_file"]),
    ("server", None, ["certificate", "ca_file"]),
    ("wrong-host", "ca", ["127.0.0.1"]),
])
def test_a_wrong_certificate_is_refused_at_once(probe, keys, name, ca, words):
    with OddServer(tls=tls(keys, name)) as server:
        options = {"ca_file": str(keys / f"{ca}.pem")} if ca else {}
        probe.open(url=server.url, token="secret", **options, **QUICK)
        failed(call(probe), "connection", *words)
        assert server.seen == [] and server.connections == 1


def test_ssl_cert_file_names_what_to_trust(keys):
    with OddServer(tls=tls(keys)) as server, Probe(env={"SSL_CERT_FILE": str(keys / "ca.pem")}) as p:
        p.open(url=server.url, **QUICK)
        assert call(p)["text"] == "hi"
        p.close()


def test_a_client_certificate_is_shown(probe, keys):
    with OddServer(tls=tls(keys, wants_client=True)) as server:
        own = {"certificate_file": str(keys / "client.pem"), "key_file": str(keys / "client.key")}
        probe.open(url=server.url, ca_file=str(keys / "ca.pem"), **own, **QUICK)
        assert call(probe)["text"] == "hi"
        probe.close()
        probe.open(url=server.url, ca_file=str(keys / "ca.pem"), **QUICK)
        failed(call(probe), "connection")


def test_a_file_of_certificates_that_is_not_there_is_named(probe):
    probe.open(url="https://127.0.0.1:9/mcp", ca_file="/nowhere/ca.pem", **QUICK)
    failed(call(probe), "connection", "/nowhere/ca.pem")


def test_https_to_a_server_without_tls_is_a_clear_error(probe):
    with OddServer(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        probe.open(url=server.url.replace("http:", "https:"), **QUICK)
        failed(call(probe), "connection", "127.0.0.1")


def test_http_to_a_server_with_tls_is_a_clear_error(probe, keys):
    with OddServer(tls=tls(keys)) as server:
        probe.open(url=server.url.replace("https:", "http:"), **QUICK)
        failed(call(probe), "connection", "127.0.0.1")


# ---------------------------------------------------------------- the end

def test_a_server_that_does_not_answer_delete_holds_nobody_up(probe):
    with OddServer(only_for("DELETE", lambda x: x.wait_until_gone()), revision=HANDSHAKE,
                   session="s") as server:
        probe.open(url=server.url, **QUICK)
        assert call(probe)["text"] == "hi"
        probe.send("close")
        server.wait(server.waiting)
        probe.send("hurry")
        probe.event("closed")


def test_calls_under_way_are_cancelled_when_the_client_closes(probe):
    for revision in (STATELESS, HANDSHAKE):
        with OddServer(only_for("tools/call", lambda x: x.wait_until_gone()), revision=revision) \
                as server:
            probe.open(url=server.url, **QUICK)
            tag = probe.begin("call", name="echo")
            server.wait(server.waiting)
            probe.send("close")
            failed(probe.outcome(tag), "cancelled")
            probe.event("closed")
            server.wait(server.gone)
            told = [json.loads(x.raw_body)["params"]["requestId"]
                    for x in server.of("notifications/cancelled")]
            assert told == ([] if revision == STATELESS else [server.of("tools/call")[0].id])


def test_a_call_that_finds_nobody_is_tried_as_often_as_told(probe):
    for revision in (STATELESS, HANDSHAKE):
        with OddServer(revision=revision) as server:
            probe.open(url=server.url, retries=2, backoff_ms=40)
            assert call(probe)["text"] == "hi"
        failed(call(probe), "connection", server.url)
        again = [e["text"] for e in probe.all("note") if "tools/call is sent again" in e["text"]]
        assert len(again) == 2, again
        probe.close()
        probe.events.clear()
