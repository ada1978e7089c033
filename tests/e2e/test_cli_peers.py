"""The command line against servers that are slow, hostile, elsewhere or gone, and people who do not
wait."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

from harness.certificate import make_certificate
from harness.cli import Handler, gantry, program
from harness.host import eventually
from harness.paths import GANTRY, PATIENCE, PLUGINS, WRAP

# A server of the stateless era on standard input and output: `on` maps methods to functions.
MODERN = r'''
import json, os, sys, time
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
def result(m, **fields):
    send(id=m["id"], result={"resultType": "complete", **fields})
on = {
    "server/discover": lambda m: result(m, supportedVersions=["2026-07-28"],
                                        capabilities={"tools": {}, "resources": {}}),
    "tools/list": lambda m: result(m, tools=[{"name": "it", "inputSchema": {"type": "object"}}]),
    "tools/call": lambda m: result(m, content=[{"type": "text", "text": "done"}]),
}
def serve():
    for line in sys.stdin:
        m = json.loads(line)
        if m.get("method") in on:
            on[m["method"]](m)
        elif "id" in m:
            send(id=m["id"], error={"code": -32601, "message": "unknown"})
'''


@pytest.fixture
def server(tmp_path):
    return lambda text, *args: program(tmp_path, MODERN + text, *args)


# ---------------------------------------------------------------- what a program says

def test_an_empty_list_tells_why():
    done = gantry("list", "--", GANTRY, "serve", "--stdio", "--plugin", PLUGINS / "files.so")
    assert "the server has no tools, resources, templates or prompts" in done.stderr
    assert "server: " in done.stderr and '"roots"' in done.stderr and not done.stdout
    done = gantry("list", "tools", "--output", "json", "--", GANTRY, "serve", "--stdio")
    assert "has no tools\n" in done.stderr and json.loads(done.stdout) == {"tools": []}


def test_warnings_of_a_program_are_shown_and_the_rest_if_asked_for(server):
    text = r'''
print("2026-01-01 info all is well\n2026-01-01 [WARNING] low on \x1b[31mink", file=sys.stderr)
serve()
print("error: my input has ended", file=sys.stderr)
'''
    done = gantry("call", "it", *server(text))
    assert done.stdout == "done\n"
    assert done.stderr == "server: 2026-01-01 [WARNING] low on \x1b[31mink\n"
    done = gantry("call", "it", "--verbose", *server(text))
    assert "server: 2026-01-01 info all is well\n" in done.stderr and "input has ended" in done.stderr


def test_a_failure_shows_the_last_words(server):
    text = 'print("\\n".join(f"line {i}" for i in range(5000)), file=sys.stderr); sys.exit(7)'
    done = gantry("list", *server(text), ok=(3,))
    assert "ended with exit code 7" in done.stderr and done.stderr.endswith("server: line 4999\n")
    assert len(done.stderr) < 4000


def test_a_greeting_on_standard_output_is_passed_over(server):
    done = gantry("call", "it", *server("print('Welcome!', flush=True)\nserve()"))
    assert done.stdout == "done\n" and '"Welcome!"' in done.stderr and "no message" in done.stderr
    done = gantry("call", "it", *server("print('x\\n' * 200, flush=True)\nserve()"), ok=(4,))
    assert "no messages" in done.stderr


# ---------------------------------------------------------------- servers that never stop

FLOODS = {
    "log": "send(method='notifications/message', params={'level': 'info', 'data': 'x'})",
    "ping": "send(id='p', method='ping')",
    "garbage on the way": "sys.stderr.write('noise\\n')",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_program_that_never_stops_talking_is_given_up(server, flood):
    text = f"on['tools/call'] = lambda m: [{FLOODS[flood]} for i in iter(int, 1)]\n" \
           "try: serve()\nexcept BrokenPipeError: os._exit(0)\n"
    done = gantry("call", "it", "--timeout", "3s", *server(text), ok=(3,))
    assert "in time" in done.stderr


def test_a_stream_that_never_ends_is_given_up(serve):
    class Endless(Handler):
        def tools_call(self, message):
            send = self.stream()
            while True:
                send(method="notifications/message", params={"level": "info", "data": "x"})
                time.sleep(0.01)
    done = gantry("call", serve(Endless).url, "it", "--timeout", "2s", ok=(3,))
    assert "in time" in done.stderr


def test_messages_that_are_too_big_are_refused(serve, server):
    class Big(Handler):
        def tools_call(self, message):
            self.send_response(200)
            self.send_header("Content-Type", self.server.kind)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            self.wfile.write(b"data: \"")
            for _ in range(65):
                self.wfile.write(b"x" * (1 << 20))
    big = serve(Big)
    for kind in ("application/json", "text/event-stream"):
        big.server.kind = kind
        assert "larger than" in gantry("call", big.url, "it", ok=(4,)).stderr
    text = "on['tools/call'] = lambda m: [sys.stdout.write('{' + 'x' * (1 << 20)) for i in range(66)]\n" \
           "try: serve()\nexcept BrokenPipeError: os._exit(0)\n"
    assert "more than 67108864 bytes" in gantry("call", "it", *server(text), ok=(4,)).stderr


def test_pages_without_end_are_given_up(serve):
    class Pages(Handler):
        count = 0

        def tools_list(self, message):
            Pages.count += 1
            self.result(message, tools=[], nextCursor=self.server.cursor(Pages.count))
    pages = serve(Pages)
    pages.server.cursor = lambda n: "same"
    assert "came twice" in gantry("list", pages.url, ok=(4,)).stderr
    pages.server.cursor = str
    assert "more than 1000 pages" in gantry("list", pages.url, ok=(4,)).stderr


@pytest.mark.parametrize("result", ["[]", "null", '{"content": [], "n": 1e400}'])
def test_a_result_that_is_none_is_refused(serve, result):
    class Odd(Handler):
        def tools_call(self, message):
            self.answer(200, f'{{"jsonrpc":"2.0","id":{message["id"]},"result":{result}}}'.encode())
    gantry("call", serve(Odd).url, "it", ok=(4,))


def test_bytes_that_are_no_base64_are_refused(serve):
    class Odd(Handler):
        def tools_call(self, message):
            self.result(message, contents=[{"uri": "a://b", "blob": "***"}])
    assert "Base64" in gantry("read", serve(Odd).url, "a://b", ok=(4,)).stderr


# ---------------------------------------------------------------- eras

def test_a_modern_server_that_is_slow_to_start_is_understood(server):
    """It answers the probe after the client has given it up, and knows no initialize."""
    text = "time.sleep(13)\nserve()"
    assert gantry("call", "it", *server(text)).stdout == "done\n"


def test_a_modern_server_gets_no_responses(server):
    text = r'''
def call(m):
    send(id="p", method="ping")
    send(method="notifications/progress", params={"progressToken": "another", "progress": 1})
    second = []
    on["tools/list"] = lambda m: None
    result(m, content=[{"type": "text", "text": "done"}])
on["tools/call"] = call
for line in sys.stdin:
    m = json.loads(line)
    if "method" not in m:
        sys.exit("a response: " + line)
    on[m["method"]](m)
'''
    done = gantry("call", "it", "--verbose", *server(text))
    assert done.stdout == "done\n" and "a response" not in done.stderr


def test_a_session_id_of_a_modern_server_is_ignored(serve):
    class Sticky(Handler):
        def result(self, message, **result):
            self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result},
                        Mcp_Session_Id="s")
    one = serve(Sticky)
    gantry("call", one.url, "it")
    assert all("Mcp-Session-Id" not in headers for _, _, headers in one.seen)


def test_a_server_that_contradicts_itself_is_told_so(serve):
    class Odd(Handler):
        def receive(self, message):
            self.answer(400, {"jsonrpc": "2.0", "id": message["id"], "error": {
                "code": -32022, "message": "no", "data": self.server.data}})
    odd = serve(Odd)
    odd.server.data = {"supported": ["2026-07-28"]}
    assert "refuses revision 2026-07-28" in gantry("list", odd.url, ok=(4,)).stderr
    odd.server.data = {}
    assert "does not say" in gantry("list", odd.url, ok=(4,)).stderr


# ---------------------------------------------------------------- redirects, TLS

class Moved(Handler):
    def receive(self, message):
        if self.path == self.server.from_path:
            self.answer(308, Location=self.server.to)
        else:
            super().receive(message)


def test_a_redirect_is_followed_within_its_origin_only(serve):
    one, other = serve(Moved), serve(Handler)
    one.server.from_path, one.server.to = "/mcp", "/mcp/"
    assert gantry("call", one.url, "it", "--token", "secret-token").stdout == "done\n"
    assert [path for _, path, _ in one.seen] == ["/mcp", "/mcp/", "/mcp/", "/mcp/"]
    one.server.to = other.url
    done = gantry("list", one.url, "--token", "secret-token", ok=(3,))
    assert f"answers 308: it is at {other.url}" in done.stderr and not other.seen
    one.server.to = "/mcp"
    gantry("list", one.url, ok=(3,))  # a loop ends


def test_a_self_signed_certificate_is_trusted_when_named(host, tmp_path):
    cert, key = make_certificate(tmp_path)
    one = host(config={"http": {"listen": [{"address": "127.0.0.1:0", "tls": {
        "certificate": str(cert), "key": str(key)}}]}})
    url = one.ready_file.read_text().splitlines()[0]
    assert url.startswith("https://")
    refused = gantry("list", url, ok=(3,))
    assert "--cacert" in refused.stderr
    assert "echo" in gantry("list", url, "--cacert", cert).stdout
    assert "echo" in gantry("list", url, env={**os.environ, "SSL_CERT_FILE": str(cert)}).stdout
    assert "nowhere.pem" in gantry("list", url, "--cacert", "nowhere.pem", ok=(2,)).stderr


def test_credentials_of_a_url_are_not_printed(serve):
    class Refuses(Handler):
        def receive(self, message):
            self.answer(403, b"no")
    url = serve(Refuses).url.replace("://", "://ada:hidden@")
    done = gantry("list", url, ok=(3,))
    assert "403" in done.stderr and "hidden" not in done.stderr


# ---------------------------------------------------------------- terminals and signals

def on_terminal(*args):
    """Runs it with standard error on a terminal; returns what appeared there."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen([*WRAP, GANTRY, *map(str, args)], stderr=secondary,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    os.close(secondary)
    seen = b""
    while True:
        try:
            piece = os.read(primary, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(primary)
    said = process.stdout.read()
    process.stdout.close()
    assert process.wait(PATIENCE) == 0, seen
    return said, seen


def test_progress_is_drawn_on_a_terminal_and_taken_away(host):
    url = host(http=True).url
    said, seen = on_terminal("call", url, "count", "steps=4", "ms=1")
    assert said == b"counted to 4\n"
    assert re.search(rb" 25% .*step 1.*100% .*step 4", seen) and seen.endswith(b"\r\x1b[K")
    assert not gantry("call", url, "count", "steps=4", "ms=1").stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_call_ends_what_it_has_started(server, tmp_path, number):
    text = r'''
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # and the end of its input it does not see
open(sys.argv[1], "w").write(str(os.getpid()))
on["tools/call"] = lambda m: time.sleep(1000)
serve()
'''
    file = tmp_path / "pid"
    process = subprocess.Popen([*WRAP, GANTRY, "call", "it", *map(str, server(text, file))],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    pid = int(eventually(lambda: file.exists() and file.read_text(), "the server"))
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == -number and out == b"" and b"interrupted" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_interrupted_call_over_http_is_cancelled(host):
    one = host(http=True)
    process = subprocess.Popen([*WRAP, GANTRY, "call", one.url, "sleep", "ms=600000"],
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status = lambda: json.loads(gantry("call", one.url, "status", "-o", "json").stdout)  # noqa: E731
    eventually(lambda: status()["structuredContent"]["in_flight"] == 1, "the call to run")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == -signal.SIGINT
    eventually(lambda: status()["structuredContent"]["cancelled"] == 1, "the call to be cancelled")


class Session(Handler):
    """The handshake era: a call that is never answered."""

    def receive(self, message):
        method = message.get("method")
        if method == "initialize":
            self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": {
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"}}}, Mcp_Session_Id="s-1")
        elif method == "notifications/cancelled":
            self.server.cancelled = message["params"]["requestId"]
            self.answer(202)
        elif method == "notifications/initialized":
            self.answer(202)
        elif method == "tools/list":
            self.result(message, tools=[{"name": "it", "inputSchema": {"type": "object"}}])
        elif method == "tools/call":
            self.server.called = message["id"]
            self.stream()(method="notifications/message", params={"level": "info", "data": "x"})
            self.server.wait()
        else:
            self.answer(400, b"Bad Request", "text/plain")

    def do_DELETE(self):
        self.server.seen.append(("DELETE", self.path, dict(self.headers)))
        self.answer(200)


def test_in_the_handshake_era_a_given_up_call_is_cancelled_and_its_session_ended(serve):
    one = serve(Session)
    one.server.cancelled = None
    one.server.wait = lambda: eventually(lambda: one.server.cancelled is not None, "cancellation")
    gantry("call", one.url, "it", "--timeout", "2s", ok=(3,))
    assert one.server.cancelled == one.server.called
    assert [m for m, _, _ in one.seen][-2:] == ["notifications/cancelled", "DELETE"]
    assert one.seen[-1][2]["Mcp-Session-Id"] == "s-1"


def test_a_reader_that_has_seen_enough_ends_it_quietly(host):
    url = host(http=True).url
    process = subprocess.Popen([*WRAP, GANTRY, "call", url, "big", "bytes=4000000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL)
    assert process.stdout.read(10) == b"x" * 10
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(PATIENCE) == 1
    process.stderr.close()


# ---------------------------------------------------------------- what terminals are spared

def test_marks_that_turn_text_around_do_not_reach_a_terminal(server):
    text = "on['tools/call'] = lambda m: result(m, content=[{'type': 'text', 'text': 'a\\u202eb\\u0007'}])\nserve()"
    primary, secondary = pty.openpty()
    done = subprocess.run([*WRAP, GANTRY, "call", "it", *map(str, server(text))], stdout=secondary,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    os.close(secondary)
    said = os.read(primary, 4096)
    os.close(primary)
    assert done.returncode == 0 and said == b"a\\u202eb\\x07\r\n"
    assert re.search("\u202e", gantry("call", "it", *server(text)).stdout)  # a file gets what came
