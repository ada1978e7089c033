"""The command line against servers of every kind: ours, and small ones made here that live in the
handshake era, misbehave, or are not there."""

import base64
import http.server
import json
import os
import subprocess
import threading

import pytest

from harness.cli import gantry, program
from harness.paths import GANTRY, PATIENCE, PLUGINS, ROOT, WRAP

COMMANDS = ["serve", "dev", "new", "check", "config check", "token", "list", "call", "read", "prompt",
            "complete", "inspect", "ping", "watch", "servers", "install", "uninstall", "help",
            "version"]


# ---------------------------------------------------------------- help and usage

@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    said = gantry(*command.split(), "--help").stdout
    assert said.startswith(f"gantry {command} - ") and f"\nusage: gantry {command}" in said
    assert command in gantry("help").stdout
    assert gantry("help", *command.split()).stdout == said


@pytest.mark.parametrize("args, hint", [
    (["serv"], "did you mean serve?"),
    (["serve", "--htpt", "x"], "did you mean --http?"),
    (["config"], "config check"),
    (["help", "cal"], "did you mean call?"),
    (["call", "--output", "xml", "http://127.0.0.1:1", "x"], "text or json"),
    (["call", "nowhere", "x"], "is no target"),
    (["list", "http://127.0.0.1:1", "tool"], "did you mean tools?"),
    (["list", "--"], "no command"),
    (["list", "--header", "nonsense", "http://127.0.0.1:1"], "NAME: VALUE"),
    (["list", "--timeout", "soon", "http://127.0.0.1:1"], "duration"),
    (["version", "--output=json", "surplus"], "surplus"),
    (["serve", "--stdio=yes"], "takes no value"),
    (["serve", "--set", "log.levle=info"], "did you mean log.level?"),
    (["serve", "--set", "nonsense"], "KEY=VALUE"),
    (["serve", "--plugin", "nowhere.so"], "nowhere.so"),
])
def test_wrong_usage_is_told_with_a_suggestion(args, hint):
    done = gantry(*args, ok=(2,))
    assert hint in done.stderr and not done.stdout


def test_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*WRAP, GANTRY, "help"], stdout=full, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "standard output" in done.stderr and "Success" not in done.stderr


def test_closed_descriptors_are_survived():
    done = subprocess.run(["sh", "-c", '"$0" version <&- >&- 2>&-', str(GANTRY)], timeout=PATIENCE)
    assert done.returncode in (0, 1)


# ---------------------------------------------------------------- token

def test_a_made_token_opens_the_host(host, tmp_path):
    made = json.loads(gantry("token", "--output", "json", "--principal", "ci").stdout)
    assert made["principal"] == "ci" and len(made["token"]) >= 40
    again = gantry("token", "--read", "--principal", "ci", input=made["token"] + "\n").stdout
    assert made["hash"] in again and made["token"] not in again
    assert gantry("token", "--output", "json").stdout != gantry("token", "--output", "json").stdout
    one = host(http=True, config=again)  # what it prints is YAML of a whole configuration
    refused = gantry("list", one.url, ok=(3,))
    assert "401" in refused.stderr and "--token" in refused.stderr
    gantry("list", one.url, "--token", "wrong" + made["token"], ok=(3,))
    assert "echo" in gantry("list", one.url, "--token", made["token"]).stdout
    assert "echo" in gantry("list", one.url, env={**os.environ, "GANTRY_TOKEN": made["token"]}).stdout
    assert "echo" in gantry("list", one.url, "-H", f"Authorization: Bearer {made['token']}").stdout


@pytest.mark.parametrize("token", ["", "short", "with a blank in it", "ü" * 20, "x" * 5000])
def test_a_token_that_no_header_could_carry_is_refused(token):
    assert gantry("token", "--read", input=token + "\n", ok=(1,)).stderr


def test_a_plain_token_in_a_configuration_is_refused(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("auth:\n  tokens:\n    - {principal: a, token: my-own-secret}\n")
    said = gantry("config", "check", file, ok=(1,)).stdout
    assert "c.yaml:3" in said and "gantry token" in said and "my-own-secret" not in said


# ---------------------------------------------------------------- our own host

@pytest.fixture(params=["http", "unix", "stdio"])
def target(request, host, tmp_path):
    """A host with the test plugin: the arguments before and after the others."""
    if request.param == "stdio":
        one = host(http=True)  # for its folder of plugins only
        return [], ["--", GANTRY, "serve", "--stdio", "--plugins", one.drop]
    if request.param == "unix":
        one = host(config={"http": {"listen": [f"unix:{tmp_path}/s"]}})
        return [f"unix:{tmp_path}/s"], []
    return [host(http=True).url], []


def test_arguments_are_what_the_schema_says(target):
    before, after = target
    said = gantry("call", *before, "types", "text=7", "whole=7", "real=2", "yes=true", "words=one",
                  "words=2", "wholes=3", "any={\"a\": [1]}", "--output", "json", *after).stdout
    found = json.loads(said)["structuredContent"]
    assert (found["text"], found["whole"], found["real"], found["yes"]) == ("7", 7, 2, True)
    assert found["words"] == ["one", "2"] and found["wholes"] == [3]
    said = gantry("call", *before, "types", "--json", '{"text": "a", "whole": 1}', "whole=2",
                  "--output", "json", *after).stdout
    assert json.loads(said)["structuredContent"]["whole"] == 2
    said = gantry("call", *before, "echo", "--json", "-", *after, input='{"text": "from input"}')
    assert said.stdout == "from input\n"


@pytest.mark.parametrize("args, hint", [
    (["types", "text=a", "whole=lots"], "whole is integer"),
    (["types", "text=a", "whole:=lots"], "whole: "),
    (["types", "text=a", "yes=maybe"], "yes is boolean"),
    (["echo", "text"], "KEY=VALUE"),
    (["echo", "--json", "[1]"], "must be an object"),
    (["echo", "--json", "{"], "--json: "),
])
def test_arguments_that_make_no_sense_are_wrong_usage(host, args, hint):
    assert hint in gantry("call", host(http=True).url, *args, ok=(2,)).stderr


def test_names_that_are_nearly_right_are_suggested(target):
    before, after = target
    assert "did you mean echo?" in gantry("call", *before, "ehco", *after, ok=(4,)).stderr
    assert "did you mean ask?" in gantry("prompt", *before, "askk", *after, ok=(4,)).stderr


def test_lists_for_programs_and_of_one_kind(target):
    before, after = target
    found = json.loads(gantry("list", *before, "--output", "json", *after).stdout)
    assert set(found) == {"tools", "resources", "resourceTemplates", "prompts"}
    assert "echo" in {t["name"] for t in found["tools"]}
    only = gantry("list", *before, "prompts", *after).stdout
    assert only.startswith("prompts\n") and "ask(name, [times])" in only and "echo" not in only


def test_long_lists_are_read_to_their_end(host):
    one = host(plugins=["many"], http=True, config={
        "plugins": [{"plugin": "many", "settings": {"tools": 95}}], "server": {"page_size": 10}})
    found = json.loads(gantry("list", one.url, "tools", "-o", "json").stdout)["tools"]
    assert len(found) >= 95 and len({t["name"] for t in found}) == len(found)


def test_prompts_completion_inspection_and_bytes(target):
    before, after = target
    said = gantry("prompt", *before, "ask", "name=Ada", *after).stdout
    assert "user:\n" in said and "Ada" in said
    found = json.loads(gantry("inspect", *before, "--output", "json", *after).stdout)
    assert found["protocolVersion"] == "2026-07-28"
    assert "tools" in gantry("inspect", *before, *after).stdout
    blob = json.loads(gantry("read", *before, "kit://blob", "-o", "json", *after).stdout)
    raw = gantry("read", *before, "kit://blob", *after, text=False).stdout
    assert raw == base64.b64decode(blob["contents"][0]["blob"]) and raw


def test_hello_completes_and_introduces(host):
    url = host(plugins=["hello"], http=True).url
    found = gantry("complete", url, "introduce", "style=").stdout.splitlines()
    assert found
    some = gantry("complete", url, "introduce", f"style={found[0][:2]}").stdout.splitlines()
    assert found[0] in some and set(some) <= set(found)


def test_marked_arguments_are_mirrored_in_headers(host):
    url = host(http=True).url
    assert gantry("call", url, "region", "region=eu west").stdout == "eu west eu west\n"
    said = gantry("call", url, "region", "region=Zürich").stdout
    assert said == f"Zürich =?base64?{base64.b64encode('Zürich'.encode()).decode()}?=\n"
    assert gantry("call", url, "region", "query=x").stdout == "- -\n"


def test_a_url_without_a_path_means_the_usual_one(host):
    url = host(http=True).url
    assert "echo" in gantry("list", url.removesuffix("/mcp")).stdout


def test_messages_of_the_server_go_to_standard_error(target):
    before, after = target
    said = gantry("call", *before, "log", "text=a message", "--log", "debug", *after)
    assert "debug kit: a message 0" in said.stderr
    # What a program logs itself is another matter: its warnings are shown.
    quiet = gantry("call", *before, "log", "text=a message", *after)
    assert "a message 0" not in quiet.stderr and ("a message 3" in quiet.stderr) == bool(after)


def test_a_request_that_takes_too_long_is_given_up(target):
    before, after = target
    done = gantry("call", *before, "sleep", "ms=600000", "--timeout", "2s", *after, ok=(3,))
    assert "time" in done.stderr.lower()


def test_check_is_readable_by_people_and_programs(tmp_path):
    found = json.loads(gantry("check", "--output", "json", PLUGINS / "hello.so").stdout)
    assert found["name"] == "hello" and "greet" in {t["name"] for t in found["tools"]}
    refused = gantry("check", "--output", "json", tmp_path / "none.so", ok=(1,))
    assert "none.so" in json.loads(refused.stdout)["path"] and json.loads(refused.stdout)["error"]
    wrong = gantry("check", "--settings", '{"greeting": 5}', PLUGINS / "hello.so", ok=(1,))
    assert "greeting" in wrong.stderr


# ---------------------------------------------------------------- other servers, over stdio

LEGACY = r'''
import json, sys
mode = sys.argv[1]
seen = []
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
for line in sys.stdin:
    m = json.loads(line)
    method, id = m.get("method"), m.get("id")
    seen.append(method or "response")
    if method == "initialize":
        assert m["params"]["protocolVersion"] == "2025-11-25", m
        assert "_meta" not in m["params"] or "io.modelcontextprotocol/protocolVersion" not in m["params"]["_meta"]
        send(id=id, result={"protocolVersion": "2025-03-26", "capabilities": {"tools": {}},
                            "serverInfo": {"name": "old", "version": "1"}})
    elif "initialize" not in seen:
        if mode == "dies":
            sys.exit("I know nothing but initialize")
        if mode == "error":
            send(id=id, error={"code": -32602, "message": "Invalid request parameters"})
    elif method == "tools/list":
        assert "notifications/initialized" in seen, seen
        send(id="server-1", method="ping")
        send(id="server-2", method="roots/list")
        send(id=id, result={"tools": [{"name": "old", "inputSchema": {
            "type": "object", "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}}]})
    elif method == "tools/call":
        assert seen.count("response") == 2, seen
        print("   ", flush=True)
        send(method="notifications/progress", params={
            "progressToken": m["params"]["_meta"]["progressToken"], "progress": 1})
        send(id=id, result={"content": [{"type": "text", "text": repr(m["params"]["arguments"])}]})
'''


@pytest.fixture
def server(tmp_path):
    """server(text, *args): the command line of a server written in Python."""
    return lambda text, *args: program(tmp_path, text, *args)


@pytest.mark.parametrize("mode", ["error", "dies"])
def test_servers_of_the_handshake_era_are_understood(server, mode):
    target = server(LEGACY, mode)
    assert "protocol      2025-03-26" in gantry("inspect", *target).stdout
    assert gantry("call", "old", "n=5", *target).stdout == "{'n': 5}\n"
    assert gantry("call", "old", "n=null", *target).stdout == "{'n': None}\n"


def test_a_server_that_keeps_silent_before_initialize_is_understood(server):
    # With a deadline of its own shorter than the usual patience with such a server.
    assert gantry("call", "old", "n=5", "--timeout", "3s", *server(LEGACY, "silent")).stdout == "{'n': 5}\n"


@pytest.mark.parametrize("text, code, hint", [
    ("print('hello, I am a server')", 3, "hello, I am a server"),
    ("import sys; sys.exit('out of luck')", 3, "out of luck"),
    ("import sys\nsys.stdin.readline()\nprint('[' * 300, flush=True)", 3, "no message"),
    ("import os\nos.close(1)\nimport sys; sys.stdin.read()", 3, "closed"),
])
def test_programs_that_are_no_servers(server, text, code, hint):
    done = gantry("list", *server(text), ok=(code,))
    assert hint in done.stderr and not done.stdout


def test_control_characters_of_a_server_do_not_reach_a_terminal(server):
    import pty
    target = server(LEGACY.replace('repr(m["params"]["arguments"])', '"a\\x1b[2Jb\\u009bc"'), "error")
    primary, secondary = pty.openpty()
    done = subprocess.run([*WRAP, GANTRY, "call", "old", *map(str, target)], stdout=secondary,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    os.close(secondary)
    said = os.read(primary, 4096)
    os.close(primary)
    assert done.returncode == 0, done
    assert said == b"a\\x1b[2Jb\\x9bc\r\n"


def test_a_child_that_ignores_the_end_of_its_input_is_ended(server, tmp_path):
    text = LEGACY + f"\nimport time, os\nopen(r'{tmp_path}/pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    gantry("inspect", *server(text, "error"))
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# ---------------------------------------------------------------- other servers, over HTTP

class OldServer(http.server.BaseHTTPRequestHandler):
    """Streamable HTTP of 2025-06-18 with sessions and event streams that break."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        m = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server, method = self.server, m.get("method")
        server.seen.append((method, dict(self.headers)))
        if method == "initialize":
            body = {"jsonrpc": "2.0", "id": m["id"], "result": {
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"}}}
            return self.answer(200, json.dumps(body).encode(), Mcp_Session_Id="s-1")
        if self.headers.get("Mcp-Session-Id") != "s-1":
            return self.answer(400, b"Bad Request: no session", "text/plain")
        assert self.headers["MCP-Protocol-Version"] == "2025-06-18"
        if "id" not in m or not method:
            return self.answer(202)
        if method == "tools/list":
            body = {"jsonrpc": "2.0", "id": m["id"], "result": {"tools": [
                {"name": "old", "inputSchema": {"type": "object"}}]}}
            return self.answer(200, json.dumps(body).encode())
        # The stream asks something, then breaks: the answer is fetched from where it stopped.
        server.pending = m["id"]
        events = ("retry: 10\n\nid: 7\ndata: " + json.dumps(
            {"jsonrpc": "2.0", "id": "x", "method": "ping"}) + "\n\n").encode()
        self.answer(200, events, "text/event-stream", Connection="close")

    def do_GET(self):
        if "Last-Event-ID" not in self.headers:  # a stream for whatever comes unasked
            return self.answer(405)
        self.server.seen.append(("GET", dict(self.headers)))
        assert self.headers["Last-Event-ID"] == "7"
        body = json.dumps({"jsonrpc": "2.0", "id": self.server.pending, "result": {
            "content": [{"type": "text", "text": "resumed"}]}})
        self.answer(200, f"id: 8\ndata: {body}\n\n".encode(), "text/event-stream", Connection="close")

    def do_DELETE(self):
        self.server.seen.append(("DELETE", dict(self.headers)))
        self.answer(200)


@pytest.fixture
def serve():
    """serve(handler): an HTTP server; its URL, and what it has seen."""
    servers = []

    def start(handler, **fields):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.seen = []
        for name, value in fields.items():
            setattr(server, name, value)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server, f"http://127.0.0.1:{server.server_address[1]}/mcp"
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_sessions_and_broken_streams_of_the_handshake_era(serve):
    server, url = serve(OldServer)
    assert gantry("call", url, "old", "-H", "X-Mine: 1").stdout == "resumed\n"
    methods = [name for name, headers in server.seen]
    assert methods == ["server/discover", "initialize", "notifications/initialized", "tools/list",
                       "tools/call", None, "GET", "DELETE"]
    first = server.seen[0][1]
    assert first["MCP-Protocol-Version"] == "2026-07-28" and first["Mcp-Method"] == "server/discover"
    assert "MCP-Protocol-Version" not in server.seen[1][1]
    assert all(headers["X-Mine"] == "1" for name, headers in server.seen)
    assert all("Mcp-Method" not in headers for name, headers in server.seen[1:])


class Fixed(http.server.BaseHTTPRequestHandler):
    """Answers everything alike."""

    def log_message(self, *args):
        pass

    def do_POST(self):
        m = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(m["method"])
        status, body = self.server.answer
        if isinstance(body, dict):
            body = json.dumps({"jsonrpc": "2.0", "id": m["id"], **body})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        self.send_error(self.server.answer[0])


@pytest.mark.parametrize("answer, code, hint, methods", [
    ((401, "who are you?"), 3, "401", ["server/discover"]),
    ((503, "later"), 3, "503: later", ["server/discover"]),
    ((200, "no JSON"), 4, "", None),
    ((404, ""), 3, "404", ["server/discover", "initialize"]),
    ((400, {"error": {"code": -32022, "message": "no", "data": {"supported": ["2099-01-01"]}}}), 4,
     "2099-01-01", ["server/discover"]),
    ((400, {"error": {"code": -32020, "message": "headers differ"}}), 4, "headers differ",
     ["server/discover"]),
    ((200, {"error": {"code": -32603, "message": "broken"}}), 4, "broken",
     ["server/discover", "initialize"]),
    ((200, {"result": {"protocolVersion": "1999-01-01", "capabilities": {}}}), 4, "1999-01-01",
     ["server/discover", "initialize"]),
])
def test_answers_that_do_not_help(serve, answer, code, hint, methods):
    server, url = serve(Fixed, answer=answer)
    done = gantry("list", url, ok=(code,))
    assert hint in done.stderr and not done.stdout
    assert methods is None or server.seen == methods


class WithTools(Fixed):
    """A server of the stateless era with two tools, one of them wrong."""

    def do_POST(self):
        m = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = {"resultType": "complete"}
        if m["method"] == "server/discover":
            result |= {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        elif m["method"] == "tools/list":
            mark = {"type": "string", "x-mcp-header": "Where"}
            result["tools"] = [
                {"name": "good", "inputSchema": {"type": "object", "properties": {
                    "in": {"type": "object", "properties": {"a": mark}}}}},
                {"name": "twice", "inputSchema": {"type": "object", "properties": {
                    "a": mark, "b": {"type": "integer", "x-mcp-header": "where"}}}},
                {"name": "hidden", "inputSchema": {"type": "object", "properties": {
                    "list": {"type": "array", "items": {"properties": {"a": mark}}}}}}]
        else:
            result |= self.server.result or {
                "content": [{"type": "text", "text": str(self.headers["Mcp-Param-Where"])}]}
        body = json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


def test_tools_whose_marks_are_wrong_are_left_out(serve):
    server, url = serve(WithTools, result=None)
    done = gantry("list", url)
    assert "good" in done.stdout and "twice" not in done.stdout and "hidden" not in done.stdout
    assert "twice" in done.stderr and "hidden" in done.stderr
    assert gantry("call", url, "good", 'in={"a": " x"}').stdout == "=?base64?IHg=?=\n"
    gantry("call", url, "twice", "a=1", ok=(4,))


def test_a_server_that_asks_questions_is_told_apart_from_an_answer(serve):
    server, url = serve(WithTools, result={"resultType": "input_required", "inputRequests": {}})
    assert "does not say what" in gantry("call", url, "good", ok=(4,)).stderr


def test_documented_commands_are_those_of_the_program():
    page = (ROOT / "etc" / "gantry.1").read_text().replace("\\-", "-")
    for command in COMMANDS:
        assert command.split()[0] in page, command
