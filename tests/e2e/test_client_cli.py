"""The command line on the client library: what it is told to answer, what programs read of it, and
what it does when somebody loses patience."""

import json
import os
import signal
import ssl
import subprocess
import sys

import pytest

from harness.certificate import make_certificate
from harness.cli import Handler, gantry, program
from harness.host import eventually
from harness.paths import GANTRY, PATIENCE, WRAP

STATELESS, SESSIONS = "2026-07-28", "2025-11-25"
REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", SESSIONS, STATELESS]


@pytest.fixture(params=["http", "stdio"])
def ask(request, host):
    """ask(command, ...): a command about a host that asks questions."""
    one = host(plugins=["ask"], http=True)
    if request.param == "http":
        return lambda command, *args, **options: gantry(command, one.url, *args, **options)
    tail = ["--", GANTRY, "serve", "--stdio", "--plugins", one.drop]
    return lambda command, *args, **options: gantry(command, *args, *tail, **options)


def events(text):
    """Lines of JSON, as (event, line)."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["event"], line) for line in lines]


def is_gone(pid):
    """Nobody may have waited for it."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


# ---------------------------------------------------------------- eras and transports

@pytest.mark.parametrize("revision", REVISIONS)
def test_a_revision_is_pinned(host, revision):
    url = host(http=True).url
    transport = ["--transport", "sse"] if revision == "2024-11-05" else []
    if transport:
        url = url.replace("/mcp", "/sse")
    found = json.loads(gantry("inspect", url, "--revision", revision, *transport, "-o", "json").stdout)
    assert found["protocolVersion"] == revision
    assert found["transport"] == ("sse" if transport else "http")
    said = gantry("call", url, "echo", "text=hello", "--revision", revision, *transport)
    assert said.stdout == "hello\n"


def test_a_revision_that_nobody_knows_is_wrong_usage(host):
    assert "--revision" in gantry("list", host(http=True).url, "--revision", "2020-01-01", ok=(2,)).stderr


def test_a_websocket_is_a_target(host):
    url = host(http=True).url.replace("http:", "ws:")
    assert gantry("call", url, "echo", "text=hello").stdout == "hello\n"
    assert "websocket" in gantry("inspect", url).stdout


def test_a_proxy_is_used_if_it_is_named(serve):
    proxy = serve(Handler)
    url = "http://surely.no.such.host.invalid/mcp"
    there = f"http://127.0.0.1:{proxy.port}"
    assert gantry("call", url, "it", "--proxy", there).stdout == "done\n"
    assert all(path == url for _, path, _ in proxy.seen)
    quiet = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    assert gantry("call", url, "it", env={**quiet, "http_proxy": there}).stdout == "done\n"
    gantry("call", url, "it", "--proxy", "", env={**quiet, "http_proxy": there}, ok=(3,))


def test_our_own_certificate_is_shown(serve, tmp_path):
    cert, key = make_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    tls.load_verify_locations(cert)
    tls.verify_mode = ssl.CERT_REQUIRED
    url = serve(Handler, tls=tls).url
    call = lambda *args, **options: gantry("call", url, "it", "--cacert", cert, *args, **options)  # noqa: E731
    assert call("--cert", cert, "--key", key).stdout == "done\n"
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    assert call("--cert", both).stdout == "done\n"
    assert call(ok=(3,)).stderr


def test_what_is_safe_to_repeat_is_tried_again_if_asked_for(serve):
    class Busy(Handler):
        def receive(self, message):
            count = sum(method == message["method"] for method, _, _ in self.server.seen)
            if count < 3:
                self.answer(503, b"later", Retry_After="0")
            else:
                super().receive(message)
    busy = serve(Busy)
    assert "503" in gantry("list", busy.url, ok=(3,)).stderr and len(busy.seen) == 1
    assert "it()" in gantry("list", busy.url, "tools", "--retries", "5").stdout


# ---------------------------------------------------------------- ping

def test_a_ping_tells_times_and_the_revision(ask):
    said = ask("ping", "--count", 2, "--interval", "1ms").stdout.splitlines()
    assert len(said) == 3 and all(STATELESS in line and " ms" in line for line in said[:2])
    assert said[2].startswith("2 sent, 2 answered")
    found = json.loads(ask("ping", "-n", 1, "-o", "json", "--revision", SESSIONS).stdout)
    assert found["protocolVersion"] == SESSIONS and found["sent"] == found["answered"] == 1
    assert 0 < found["minMs"] <= found["maxMs"] and found["connectMs"] > 0
    found = events(ask("ping", "-n", 2, "-i", "1ms", "-o", "jsonl").stdout)
    assert [name for name, _ in found] == ["ping", "ping", "result"] and found[1][1]["number"] == 2


@pytest.mark.parametrize("args, hint", [
    (["--count", "0"], "--count"), (["--count", "many"], "--count"),
    (["--interval", "soon"], "--interval"), (["surplus"], "surplus"),
])
def test_a_ping_with_wrong_options_is_wrong_usage(args, hint):
    assert hint in gantry("ping", "http://127.0.0.1:1", *args, ok=(2,)).stderr


def test_a_ping_to_nobody_finds_no_connection():
    done = gantry("ping", "http://127.0.0.1:1", "-o", "jsonl", ok=(3,))
    assert [name for name, _ in events(done.stdout)] == ["error"] and done.stderr


# ---------------------------------------------------------------- events for programs

def test_events_are_lines_of_json_in_their_order(host):
    url = host(http=True).url
    done = gantry("call", url, "count", "steps=3", "ms=1", "-o", "jsonl")
    found = events(done.stdout)
    assert [name for name, _ in found] == ["progress"] * 3 + ["result"] and not done.stderr
    assert found[0][1] == {"event": "progress", "progress": 1.0, "total": 3.0, "message": "step 1"}
    assert found[-1][1]["result"]["content"][0]["text"] == "counted to 3"


@pytest.mark.parametrize("revision", [SESSIONS, STATELESS])
def test_log_messages_are_events(host, revision):
    url = host(http=True).url
    done = gantry("call", url, "log", "text=hello", "--log", "error", "-o", "jsonl", "--revision", revision)
    logs = [line for name, line in events(done.stdout) if name == "log"]
    assert [line["level"] for line in logs] == ["error", "critical", "alert", "emergency"]
    assert all(line["logger"] == "kit" and "hello" in json.dumps(line["data"]) for line in logs)


def test_an_error_is_an_event_and_a_message(host):
    url = host(http=True).url
    done = gantry("read", url, "kit://nowhere", "-o", "jsonl", ok=(4,))
    [(name, line)] = events(done.stdout)
    assert name == "error" and line["status"] == "error" and line["code"] in (-32602, -32002)
    assert line["message"] in done.stderr
    done = gantry("call", url, "sleep", "ms=600000", "--timeout", "1s", "-o", "jsonl", ok=(3,))
    assert events(done.stdout)[-1][1]["status"] == "timeout"
    assert "(1000 ms)" in done.stderr
    done = gantry("call", url, "nothing-like-it", "-o", "jsonl", ok=(4,))
    [(name, line)] = events(done.stdout)
    assert name == "error" and line["status"] == "unsupported" and line["message"] in done.stderr
    done = gantry("call", url, "fail", "text=no", "-o", "jsonl", ok=(1,))
    assert events(done.stdout)[-1][1]["result"]["isError"] is True and not done.stderr


def test_lists_are_one_result(host):
    [(name, line)] = events(gantry("list", host(http=True).url, "-o", "jsonl").stdout)
    assert name == "result" and {"tools", "resources", "resourceTemplates", "prompts"} == set(line["result"])


# ---------------------------------------------------------------- questions

ERAS = pytest.mark.parametrize("revision", [SESSIONS, STATELESS])


@ERAS
def test_questions_are_answered_as_told(ask, revision):
    call = lambda *args, **options: ask("call", *args, "--revision", revision, **options)  # noqa: E731
    person = '{"name": "Ada", "size": "l", "age": 36, "days": ["mo"]}'
    said = json.loads(call("register_person", "--elicit", person).stdout)
    assert (said["name"], said["size"], said["age"], said["color"]) == ("Ada", "l", 36, "green")
    assert call("confirm", "--elicit", "accept").stdout == "confirmed\n"
    declined = call("confirm", "--elicit", "decline", ok=None)
    cancelled = call("confirm", "--elicit", "cancel", ok=None)
    assert "confirmed" not in declined.stdout + cancelled.stdout
    assert call("twice", "--elicit", "accept", "--elicit", "decline", ok=None).stdout != "confirmed\n"
    assert ask("read", "ask://secret", "--revision", revision, "--elicit", "accept").stdout.strip() == "the secret"
    assert "Ada" in ask("prompt", "interview", "--revision", revision, "--elicit", person).stdout


@ERAS
def test_an_answer_that_does_not_fit_is_told(ask, revision):
    done = ask("call", "register_person", "--elicit", '{"name": 5}', "--revision", revision, ok=None)
    assert "--elicit does not fit" in done.stderr and "name" in done.stderr
    done = ask("call", "register_person", "--elicit", '{"name": 5}', "--revision", revision,
               "-o", "jsonl", ok=None)
    assert [line["answer"] for name, line in events(done.stdout) if name == "question"] == ["cancel"]


def test_who_refuses_the_handshake_is_told_with_the_code():
    """A server that only says what it heard refuses nothing but what we say to ourselves."""
    done = gantry("list", "-o", "jsonl", "--", "cat", ok=(4,))
    [(name, line)] = events(done.stdout)
    assert name == "error" and line["code"] == -32600 and "initialize" in line["message"]
    assert done.stderr.count("the server says") == 1 and "(error -32600)" in done.stderr


@ERAS
def test_without_a_terminal_nothing_is_offered(ask, revision):
    done = ask("call", "careful", "--revision", revision, ok=None)
    assert "confirmed" not in done.stdout


@ERAS
def test_a_url_is_accepted_without_content(ask, revision):
    for way in ("accept", '{"unused": 1}'):
        done = ask("call", "visit", "--elicit", way, "--revision", revision, "-o", "jsonl", ok=(0,))
        asked = [line for name, line in events(done.stdout) if name == "question"]
        assert asked and asked[0]["url"].startswith("https://example.com/key?id=")


@pytest.mark.parametrize("how, hint", [("yes", "a JSON object"), ("[1]", "a JSON object"),
                                       ("{", "a JSON object"), ("ask", "terminal")])
def test_ways_to_answer_that_there_are_not_are_wrong_usage(how, hint):
    assert hint in gantry("call", "http://127.0.0.1:1", "x", "--elicit", how, ok=(2,)).stderr


def test_bytes_are_saved_for_people_only():
    done = gantry("read", "http://127.0.0.1:1", "x:y", "--save", "/", "-o", "json", ok=(2,))
    assert "--save" in done.stderr


# ---------------------------------------------------------------- models

@ERAS
def test_a_command_answers_for_a_model(ask, revision, tmp_path):
    call = lambda command, **options: ask(  # noqa: E731
        "call", "sample", "--sampling-command", command, "--revision", revision, **options)
    asked = tmp_path / "asked"
    said = call(f"cat > {asked}; echo 'a plain answer'").stdout
    assert said.startswith("a plain answer by sampling-command")
    params = json.loads(asked.read_text())
    assert params["maxTokens"] == 50 and params["messages"][0]["content"]["text"] == "Say something"
    answer = {"role": "assistant", "model": "mine", "content": {"type": "text", "text": "JSON"},
              "stopReason": "endTurn"}
    assert call(f"echo '{json.dumps(answer)}'").stdout == "JSON by mine (endTurn, 1)\n"
    del answer["model"], answer["role"]
    assert call(f"echo '{json.dumps(answer)}'").stdout.startswith("JSON by sampling-command")


@pytest.mark.parametrize("command, hint", [
    ("echo half; exit 3", "exit code 3"),
    ("kill -9 $$", "signal 9"),
    ("printf '\\377'", "UTF-8"),
    ("/nowhere/at/all", "exit code 127"),
])
def test_a_command_that_fails_is_told(host, command, hint):
    url = host(plugins=["ask"], http=True).url
    done = gantry("call", url, "sample", "--sampling-command", command, ok=(1, 4))
    assert hint in done.stderr


@ERAS
@pytest.mark.parametrize("end", ["wait", "exit 0"])  # what it started holds its output
def test_a_command_that_does_not_end_is_ended_with_all_it_started(host, tmp_path, revision, end):
    url, pids = host(plugins=["ask"], http=True).url, tmp_path / "pids"
    command = f"sleep 1000 & echo $! $$ > {pids}; {end}"
    done = gantry("call", url, "sample", "--sampling-command", command, "--timeout", "2s", "--revision", revision,
                  ok=(1, 4))
    assert "--sampling-command: it did not answer in time (2000 ms" in done.stderr
    for pid in pids.read_text().split():
        eventually(lambda: is_gone(pid), "the command to be gone")


# ---------------------------------------------------------------- roots

@ERAS
def test_roots_are_told(ask, revision, tmp_path):
    (tmp_path / "a b").mkdir()
    said = ask("call", "folders", "--root", tmp_path, "--root", tmp_path / "a b", "--revision", revision).stdout
    assert said == f"2: =file://{tmp_path};=file://{tmp_path}/a%20b;\n"
    assert "nowhere" in ask("list", "--root", tmp_path / "nowhere", ok=(2,)).stderr


# ---------------------------------------------------------------- tasks

def test_a_tool_runs_as_a_task(host):
    url = host(plugins=["tasks1"], http=True).url
    assert gantry("call", url, "only", "text=hello", "--task").stdout == "hello\n"
    assert gantry("call", url, "fails", "--task", ok=(1,)).stderr


# ---------------------------------------------------------------- watch

class Watch:
    """A running `gantry watch`, whose lines are read as they come."""

    def __init__(self, *args):
        self.process = subprocess.Popen(
            [*WRAP, GANTRY, "watch", *map(str, args), "--output", "jsonl"], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def next(self):
        return json.loads(self.process.stdout.readline())

    def until(self, wanted):
        while True:
            line = self.next()
            if all(line.get(name) == value for name, value in wanted.items()):
                return line

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        rest, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, rest, said


@ERAS
def test_changes_are_printed_as_they_come(host, revision):
    url = host(plugins=["kit", "subs1"], http=True).url
    watch = Watch(url, "subs://counter", "--revision", revision)
    assert watch.next() == {"event": "ready", "protocolVersion": revision}
    gantry("call", url, "touch", "uri=subs://counter")
    assert watch.until({"event": "changed", "uri": "subs://counter"})
    gantry("call", url, "add", "name=another")
    assert watch.until({"event": "changed", "list": "tools"})
    code, _, said = watch.stop()
    assert code == -signal.SIGINT and "interrupted" not in said


def test_watching_needs_something_to_watch(serve):
    assert "does not tell of changes" in gantry("watch", serve(Handler).url, ok=(4,)).stderr


def test_watching_a_resource_that_is_not_there_is_an_error(host):
    url = host(plugins=["subs1"], http=True).url
    gantry("watch", url, "subs://nowhere", "--revision", SESSIONS, ok=(4,))


# ---------------------------------------------------------------- programs that are servers

ENVIRONMENT = r'''
import json, os, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    if m["method"] == "server/discover":
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    elif m["method"] == "tools/list":
        result = {"tools": [{"name": "it", "inputSchema": {"type": "object"}}]}
    else:
        text = json.dumps({"env": dict(os.environ), "cwd": os.getcwd()})
        result = {"content": [{"type": "text", "text": text}]}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {"resultType": "complete", **result}}), flush=True)
'''


def test_a_program_gets_what_is_given_and_little_else(tmp_path):
    (tmp_path / "there").mkdir()
    done = gantry("call", "it", "--env", "GIVEN=a b", "--env", "EMPTY=", "--directory", tmp_path / "there",
                  *program(tmp_path, ENVIRONMENT), env={**os.environ, "SECRET": "s", "GANTRY_TOKEN": "t" * 40})
    found = json.loads(done.stdout)
    assert found["env"]["GIVEN"] == "a b" and found["env"]["EMPTY"] == ""
    assert "SECRET" not in found["env"] and "GANTRY_TOKEN" not in found["env"]
    assert found["cwd"] == str(tmp_path / "there")


@pytest.mark.parametrize("args, hint", [
    (["http://127.0.0.1:1", "--env", "A=b"], "--env is for servers that are a command"),
    (["http://127.0.0.1:1", "--directory", "/"], "--directory is for servers that are a command"),
    (["--header", "A: b", "--", "true"], "--header is for servers with a URL"),
    (["--token", "abc", "--", "true"], "--token is for servers with a URL"),
    (["http://127.0.0.1:1", "--token", ""], "--token"),
    (["http://127.0.0.1:1", "--token", "a", "--header", "authorization: b"], "one of them"),
    (["ws://127.0.0.1:1", "--transport", "sse"], "http and https"),
    (["--env", "=b", "--", "true"], "NAME=VALUE"),
    (["--directory", "/nowhere", "--", "true"], "/nowhere"),
    (["http://127.0.0.1:1", "--key", "/dev/null"], "--cert"),
    (["http://127.0.0.1:1", "--cert", "/nowhere.pem"], "/nowhere.pem"),
    (["http://127.0.0.1:1", "--transport", "pigeon"], "streamable"),
    (["http://127.0.0.1:1", "--retries", "x"], "--retries"),
    (["http://127.0.0.1:1", "--sampling-command", ""], "empty"),
    (["http://127.0.0.1:1", "--log", "loud"], "--log"),
    (["ftp://127.0.0.1:1"], "is no target"),
    (["surely-no-such-server"], "is no target"),
    (["--", ""], "no command"),
])
def test_options_that_make_no_sense_are_wrong_usage(args, hint):
    done = gantry("list", *args, ok=(2,))
    assert hint in done.stderr and not done.stdout


# ---------------------------------------------------------------- names out of files

def test_a_name_out_of_a_file_is_a_target(tmp_path, host):
    _, interpreter, file = program(tmp_path, ENVIRONMENT)
    servers = tmp_path / "servers.json"
    servers.write_text(json.dumps({"mcpServers": {
        "mine": {"command": interpreter, "args": [str(file)], "env": {"FROM_FILE": "1", "BOTH": "file"}},
        "web": {"type": "http", "url": host(http=True).url, "headers": {"X-Mine": "1"}}}}))
    done = gantry("call", "mine", "it", "--servers", servers, "--env", "BOTH=option")
    found = json.loads(done.stdout)["env"]
    assert found["FROM_FILE"] == "1" and found["BOTH"] == "option"
    assert gantry("call", "web", "echo", "text=hello", "--servers", servers).stdout == "hello\n"
    done = gantry("call", "mien", "it", "--servers", servers, ok=(2,))
    assert "mine" in done.stderr


# ---------------------------------------------------------------- impatience

def test_a_second_signal_ends_it_at_once(tmp_path):
    """The server never ends, and the first signal waits for its end."""
    text = r'''
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(1000)
'''
    file = tmp_path / "pid"
    process = subprocess.Popen([*WRAP, GANTRY, "list", *map(str, program(tmp_path, text, file))],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pid = int(eventually(lambda: file.exists() and file.read_text(), "the server"))
    process.send_signal(signal.SIGINT)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode in (-signal.SIGINT, -signal.SIGTERM)
    eventually(lambda: is_gone(pid), "the server to be gone")


def in_flight(url, what="in_flight"):
    return json.loads(gantry("call", url, "status", "-o", "json").stdout)["structuredContent"][what]


@ERAS
def test_a_cancelled_call_is_seen_by_its_server(host, revision):
    one = host(http=True)
    process = subprocess.Popen(
        [*WRAP, GANTRY, "call", one.url, "sleep", "ms=600000", "--revision", revision],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    eventually(lambda: in_flight(one.url) == 1, "the call to run")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGINT and not said
    eventually(lambda: in_flight(one.url, "cancelled") == 1, "the call to be cancelled")


def test_signals_that_are_ignored_stay_so(host):
    url = host(http=True).url
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *WRAP, str(GANTRY), "call", url, "sleep", "ms=2000"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    eventually(lambda: in_flight(url) == 1, "the call to run")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and out


def test_a_signal_ends_it_while_its_reader_sleeps(host):
    """Nobody reads what it prints, and the pipe is full."""
    url = host(http=True).url
    process = subprocess.Popen([*WRAP, GANTRY, "call", url, "big", "bytes=4000000"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.read(1) == b"x"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == -signal.SIGTERM
    process.stdout.close()


def test_input_is_read_before_a_program_is_started(tmp_path):
    """A command that waits for its input can be interrupted, and leaves nothing behind."""
    file = tmp_path / "started"
    process = subprocess.Popen(
        [*WRAP, GANTRY, "call", "it", "--json", "-", "--", sys.executable, "-c", f"open({str(file)!r}, 'w')"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"[1]")
    process.stdin.close()
    process.stdin = None
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2 and b"must be an object" in said and not file.exists()
