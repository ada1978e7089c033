"""What a person at a terminal sees of the command line: bars, forms, tables, colours, pictures; and
what a hostile server cannot make the terminal do."""

import base64
import json
import os
import re
import signal
import stat
import time

import pytest

from harness.cli import gantry, program
from harness.host import eventually, plugin_file
from harness.paths import GANTRY
from harness.terminal import Terminal

# A server on standard input and output, of either era; notes what it gets in the file sys.argv[1].
SERVER = r'''
import json, sys, time
seen = open(sys.argv[1], "a") if len(sys.argv) > 1 else open("/dev/null", "w")
era = "stateless"
on, notified = {}, {}
tools = [{"name": "it", "inputSchema": {"type": "object"}}]
CAPABILITIES = {"tools": {}, "resources": {}, "prompts": {}, "logging": {}}
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
def result(m, **fields):
    send(id=m["id"], result={**({"resultType": "complete"} if era == "stateless" else {}), **fields})
def text(m, said):
    result(m, content=[{"type": "text", "text": said}])
def progress(m, done, total=None, message=None):
    token = m["params"]["_meta"]["progressToken"]
    send(method="notifications/progress", params={"progressToken": token, "progress": done,
         **({"total": total} if total else {}), **({"message": message} if message else {})})
def log(level, data, logger=None):
    send(method="notifications/message", params={"level": level, "data": data,
         **({"logger": logger} if logger else {})})
def ask(id, method, **params):
    send(id=id, method=method, params=params)
def discover(m):
    if era != "stateless":
        send(id=m["id"], error={"code": -32601, "message": "unknown"})
    else:
        result(m, supportedVersions=["2026-07-28"], capabilities=CAPABILITIES)
on["server/discover"] = discover
on["initialize"] = lambda m: result(m, protocolVersion="2025-11-25", capabilities=CAPABILITIES,
                                    serverInfo={"name": "test", "version": "1"})
on["tools/list"] = lambda m: result(m, tools=tools)
on["resources/list"] = lambda m: result(m, resources=[])
on["resources/templates/list"] = lambda m: result(m, resourceTemplates=[])
on["prompts/list"] = lambda m: result(m, prompts=[])
def serve():
    for line in sys.stdin:
        m = json.loads(line)
        print(json.dumps(m), file=seen, flush=True)
        if "id" in m and "method" not in m:
            answered(m)
        elif m.get("method") in on:
            on[m["method"]](m)
        elif "id" in m:
            send(id=m["id"], error={"code": -32601, "message": "unknown"})
'''
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\r\b\x7f"


@pytest.fixture
def server(tmp_path):
    """server(text) is the end of a command line; what it sees is in seen(tmp_path)."""
    return lambda text: program(tmp_path, SERVER + text, tmp_path / "seen")


def seen(folder):
    file = folder / "seen"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def gantry_serves(*plugins):
    return ["--", GANTRY, "serve", "--stdio",
            *[part for p in plugins for part in ("--plugin", plugin_file(p))]]


def without_warnings(lines):
    """Lines but those of a sanitizer in the server."""
    return [line for line in lines if "makecontext" not in line]


# ---------------------------------------------------------------- progress

COUNTS = r'''
import os
def call(m):
    for i in range(1, 5):
        while not os.path.exists(f"{sys.argv[1]}.go{i}"):
            time.sleep(0.01)
        time.sleep(0.4)  # a rate needs half a second
        progress(m, i, 4, f"step {i}")
    while not os.path.exists(f"{sys.argv[1]}.go5"):
        time.sleep(0.01)
    text(m, "counted")
on["tools/call"] = call
serve()
'''


def test_a_bar_grows_and_goes_with_the_answer(server):
    command = server(COUNTS)
    with Terminal("call", "it", *command) as t:
        for share, step in ((25, 1), (50, 2), (75, 3), (100, 4)):
            open(f"{command[-1]}.go{step}", "w").close()
            t.wait_until(lambda: re.search(rf"\[#+ *\] +{share}% {step}/4 .*step {step}$",
                                           t.lines()[-1]), f"step {step}")
        assert re.search(r"4/4 \S+/s 0:00 left step 4$", t.lines()[-1]), t.shown()
        open(f"{command[-1]}.go5", "w").close()
        assert t.end() == 0
        assert without_warnings(t.lines()) == ["counted", ""]
        assert not t.screen.strange and not t.screen.wrapped


def test_the_last_state_is_drawn_however_fast_they_come(server):
    text = r'''
def call(m):
    for i in range(1, 1001):
        progress(m, i, 1000)
    while not any("go" in a for a in sys.argv) and not go():
        time.sleep(0.01)
    text(m, "counted")
import os
def go():
    return os.path.exists(sys.argv[1] + ".go")
on["tools/call"] = call
serve()
'''
    command = server(text)
    with Terminal("call", "it", *command) as t:
        t.wait_for("100% 1000/1000")
        open(f"{command[-1]}.go", "w").close()
        assert t.end() == 0
        assert t.raw.count(b"%") < 500  # far from each of them


def test_no_total_means_a_count_and_nothing_is_drawn_into_a_file(server, tmp_path):
    text = r'''
def call(m):
    progress(m, 7, message="rows of \x1b[31m many")
    time.sleep(0.3)
    text(m, "counted")
on["tools/call"] = call
serve()
'''
    with Terminal("call", "it", *server(text), stdout=tmp_path / "out") as t:
        assert t.end() == 0
        assert b"7 rows of \\x1b[31m many" in t.raw and b"%" not in t.raw
    assert (tmp_path / "out").read_text() == "counted\n"
    with Terminal("call", "it", *server(text), env={"TERM": "dumb"}) as t:
        assert t.end() == 0
        assert b"\x1b" not in t.raw and b"rows" not in t.raw


def test_lines_tell_of_progress_where_nothing_can_be_drawn(server):
    text = r'''
def call(m):
    for i in range(1, 5):
        progress(m, i, 4, f"step {i}")
    text(m, "counted")
on["tools/call"] = call
serve()
'''
    done = gantry("call", "it", "--verbose", *server(text))
    said = re.findall(r"^progress: (.*)$", done.stderr, re.M)
    assert (said[0], said[-1]) == (" 25% 1/4 step 1", "100% 4/4 step 4")  # and few between
    assert "\x1b" not in done.stderr and done.stdout == "counted\n"
    assert "progress" not in gantry("call", "it", *server(text)).stderr


def test_log_lines_stand_above_the_bar(server):
    text = r'''
def call(m):
    progress(m, 1, 2)
    time.sleep(0.3)
    log("warning", "ink is low", "printer")
    time.sleep(0.3)
    log("error", {"message": "no\npaper", "context": {"tray": 2}})
    text(m, "printed")
on["tools/call"] = call
serve()
'''
    with Terminal("call", "it", "--log", "debug", *server(text)) as t:
        assert t.end() == 0
        assert without_warnings(t.lines()) == ["warning printer: ink is low",
                                               'error: no\\npaper {"tray":2}', "printed", ""]
        assert b"\x1b[33mwarning" in t.raw and b"\x1b[31merror" in t.raw


# ---------------------------------------------------------------- forms

FORM = {
    "message": "Who are you? " + "A long question that has to be wrapped. " * 3,
    "requestedSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name", "description": "As on the card",
                     "minLength": 2},
            "mail": {"type": "string", "format": "email"},
            "age": {"type": "integer", "minimum": 18, "maximum": 120, "default": 30},
            "size": {"type": "string", "title": "Size", "oneOf": [
                {"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}]},
            "days": {"type": "array", "items": {"type": "string", "enum": ["mo", "tu", "we"]}},
            "news": {"type": "boolean", "title": "News", "default": True},
        },
        "required": ["name", "size"],
    },
}
# Asks in the way of its era, and tells what was answered.
ASKS = r'''
FORM = json.loads(%r)
answers = []
def told(answer):
    text(call_of, json.dumps(answer, sort_keys=True))
def call(m):
    global call_of
    call_of = m
    if era == "stateless" and "inputResponses" in m["params"]:
        told(m["params"]["inputResponses"]["q"])
    elif era == "stateless":
        send(id=m["id"], result={"resultType": "input_required", "requestState": "x",
             "inputRequests": {"q": {"method": "elicitation/create", "params": FORM}}})
    else:
        ask("q", "elicitation/create", **FORM)
def answered(m):
    told(m["result"])
on["tools/call"] = call
'''


def asks(form=FORM, mode="form", more="serve()"):
    return ASKS % json.dumps({"mode": mode, **form}) + more


def answer_of(t, tmp_path=None):
    """The answer that the server tells of, pretty-printed on a terminal."""
    shown = "\n".join(without_warnings(t.lines()))
    return json.loads(shown[shown.rindex("{\n  \"action\""):])


@pytest.mark.parametrize("era", ["stateless", "handshake"])
def test_a_form_is_asked_field_by_field(server, era):
    with Terminal("call", "it", *server(asks(more=f"era = {era!r}; serve()"))) as t:
        t.wait_for("Name (at least 2 characters)\n  As on the card\n>")
        assert "Who are you?" in t.shown() and ":decline" in t.shown() and "Ctrl-D" in t.shown()
        t.type("A")
        t.wait_for("> A\n  expected string of at least 2 characters, got \"A\" (1)\n>")
        t.type("Ada")
        t.wait_for("mail (an email address, optional)")
        t.type("ada at home")
        t.wait_for("such as name@example.com")
        t.type("")
        t.wait_for("age (integer, 18 to 120, optional)\n[30] >")
        t.type("17")
        t.wait_for("[30] >", count=2)
        t.type("")
        t.wait_for("Size (its number)\n  1) Small\n  2) Large\n>")
        t.type("")
        t.wait_for("an answer is needed")
        t.type("2")
        t.wait_for("days (numbers with commas, or none, optional)\n  1) mo\n  2) tu\n  3) we")
        t.type("1, 3")
        t.wait_for("News (y or n, optional)\n[yes] >")
        t.type("n")
        t.wait_for("Your answers\n  Name: Ada\n  mail: -\n  age: 30\n  Size: Large\n  days: mo, we\n"
                   "  News: no")
        t.wait_for("Send?")
        t.type("")
        assert t.end() == 0
        assert answer_of(t) == {"action": "accept", "content": {
            "name": "Ada", "age": 30, "size": "l", "days": ["mo", "we"], "news": False}}
        assert not t.screen.strange and not t.screen.wrapped


def test_answers_can_be_changed_before_they_are_sent(server):
    form = {"message": "Two?", "requestedSchema": {"type": "object", "properties": {
        "a": {"type": "string"}, "b": {"type": "number"}}}}
    with Terminal("call", "it", *server(asks(form))) as t:
        t.wait_for("a (optional)\n>")
        t.type(":bakc")
        t.wait_for("there are :back, :decline and :cancel")
        t.type("one")
        t.wait_for("b (number, optional)\n>")
        t.type(":back")
        t.wait_for("[one] >")
        t.type("::two")
        t.wait_for("b (number, optional)\n>", count=2)
        t.type("1")
        t.wait_for("Send?")
        t.type("e")
        t.wait_for("[:two] >")
        t.type("")
        t.wait_for("[1] >")
        t.type("2.5")
        t.wait_for("Send?", count=2)
        t.type("y")
        assert t.end() == 0
        assert answer_of(t)["content"] == {"a": ":two", "b": 2.5}


@pytest.mark.parametrize("typed, end, action", [(":decline", "\n", "decline"),
                                                (":cancel", "\n", "cancel"),
                                                ("", "\x04", "cancel")])
def test_a_form_can_be_declined_and_left(server, typed, end, action):
    with Terminal("call", "it", *server(asks())) as t:
        t.wait_for("As on the card\n>")
        t.type(typed, end)
        assert t.end() == 0
        assert answer_of(t) == {"action": action}


def test_input_may_be_data_while_the_terminal_answers(server, tmp_path):
    """The arguments come from standard input, the result goes into a file."""
    (tmp_path / "in").write_text('{"x": 1}')
    script = tmp_path / "run"
    script.write_text('#!/bin/sh\nin=$1; shift; exec "$@" <"$in"\n')
    script.chmod(0o755)
    form = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {
        "ok": {"type": "boolean"}}, "required": ["ok"]}}
    with Terminal(tmp_path / "in", GANTRY, "call", "it", "--json", "-", *server(asks(form)),
                  program=script, stdout=tmp_path / "out") as t:
        t.wait_for("ok (y or n)\n>")
        t.type("y")
        assert t.end() == 0
    assert json.loads((tmp_path / "out").read_text()) == {"action": "accept",
                                                          "content": {"ok": True}}
    calls = [m for m in seen(tmp_path) if m.get("method") == "tools/call"]
    assert calls[0]["params"]["arguments"] == {"x": 1}


def test_a_question_that_is_withdrawn_is_taken_back(server):
    text = asks(more=r'''
era = "handshake"
def call(m):
    ask("q", "elicitation/create", **FORM)
    ask("r", "elicitation/create", **{**FORM, "message": "Another?"})
    import threading, os
    def later():
        while not os.path.exists(sys.argv[1] + ".go"):
            time.sleep(0.01)
        send(method="notifications/cancelled", params={"requestId": "q"})
    threading.Thread(target=later).start()
    global call_of
    call_of = m
on["tools/call"] = call
serve()
''')
    command = server(text)
    with Terminal("call", "it", *command) as t:
        t.wait_for("As on the card\n>")
        t.type("Ad", end="")
        assert "Another?" not in t.shown()
        open(f"{command[-1]}.go", "w").close()
        t.wait_for("Nobody waits for the answer any more.")
        t.wait_for("Another?")  # the next one has its turn, and what was typed is not its answer
        t.wait_for("As on the card\n>", count=2)
        t.type(":decline")
        assert t.end() == 0
        assert answer_of(t) == {"action": "decline"}


def test_an_address_is_shown_with_its_host_and_never_opened_unasked(server, tmp_path):
    url = "https://bank.example@evil.example/" + "a" * 100 + "?x=1"
    form = {"message": "Log in, please", "url": url, "elicitationId": "1"}
    (tmp_path / "bin").mkdir()
    browser = tmp_path / "bin" / "xdg-open"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened.new\n'
                       f'mv {tmp_path}/opened.new {tmp_path}/opened\n')
    browser.chmod(0o755)
    env = {"DISPLAY": ":99", "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    for key, action in (("n", "decline"), ("p", "accept"), ("y", "accept")):
        assert not (tmp_path / "opened").exists()
        with Terminal("call", "it", *server(asks(form, mode="url")), env=env) as t:
            t.wait_for("Agree? y, p, n >")
            assert "Host: evil.example" in t.shown() and "Log in, please" in t.shown()
            assert url.encode() in t.raw  # in one piece, to be copied
            t.type(key)
            assert t.end() == 0
            assert answer_of(t) == {"action": action}
    eventually((tmp_path / "opened").exists, "the browser to be asked")
    assert (tmp_path / "opened").read_text() == url + "\n"
    with Terminal("call", "it", *server(asks(form, mode="url"))) as t:  # no display
        t.wait_for("Agree? y, p, n >")
        t.type("y")
        t.wait_for("There is no browser")
        assert t.end() == 0


def test_a_browser_that_stays_holds_nothing_up(server, tmp_path):
    (tmp_path / "bin").mkdir()
    browser = tmp_path / "bin" / "xdg-open"
    browser.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid.new\nmv {tmp_path}/pid.new {tmp_path}/pid\n'
                       'exec sleep 600\n')
    browser.chmod(0o755)
    env = {"DISPLAY": ":99", "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    form = {"message": "Log in", "url": "https://example.com/", "elicitationId": "1"}
    with Terminal("call", "it", *server(asks(form, mode="url")), env=env) as t:
        t.wait_for("Agree? y, p, n >")
        t.type("y")
        assert t.end() == 0
    eventually((tmp_path / "pid").exists, "the browser to start")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # it lives on until then


def test_what_comes_during_an_answer_waits_or_stands_above(server):
    """Log messages wait; what a program says is printed, and the question is there again."""
    text = asks(more=r'''
import os, threading
before = on["tools/call"]
def call(m):
    if "inputResponses" not in m["params"]:
        def later():
            while not os.path.exists(sys.argv[1] + ".go"):
                time.sleep(0.01)
            print("a word of the program", file=sys.stderr, flush=True)
        threading.Thread(target=later).start()
    before(m)
on["tools/call"] = call
serve()
''')
    command = server(text)
    with Terminal("call", "it", "--verbose", *command) as t:
        t.wait_for("As on the card\n>")
        open(f"{command[-1]}.go", "w").close()
        t.wait_for("  As on the card\nserver: a word of the program\n>")
        t.type(":cancel")
        assert t.end() == 0
    text = asks(more=r'''
era = "handshake"
before = on["tools/call"]
def call(m):
    before(m)
    log("info", "said meanwhile")
    ask("p", "ping")
on["tools/call"] = call
def answered(m):
    if m["id"] == "q":
        told(m["result"])
    else:
        open(sys.argv[1] + ".ponged", "w").close()
serve()
''')
    command = server(text)
    with Terminal("call", "it", "--log", "info", *command) as t:
        t.wait_for("As on the card\n>")
        eventually(lambda: os.path.exists(f"{command[-1]}.ponged"), "the message to have come")
        assert "said meanwhile" not in t.shown()
        t.type(":cancel")
        t.wait_for("info: said meanwhile")
        assert t.end() == 0


def test_what_is_no_terminal_is_asked_nothing(server, tmp_path):
    with Terminal("call", "it", *server(asks(more='serve()')), stdout=tmp_path / "out") as t:
        t.wait_for("As on the card\n>")  # standard error still is one
        t.type(":cancel")
        assert t.end() == 0
    (tmp_path / "seen").unlink()
    script = tmp_path / "quiet"
    script.write_text('#!/bin/sh\nexec "$@" 2>/dev/null\n')
    script.chmod(0o755)
    with Terminal(GANTRY, "call", "it", *server(asks()), program=script) as t:
        t.end()
    meta = [m for m in seen(tmp_path) if m.get("method") == "tools/call"][0]["params"]["_meta"]
    assert "elicitation" not in json.dumps(meta)


# ---------------------------------------------------------------- Ctrl-C

def test_ctrl_c_cancels_the_call_and_the_server_is_told(server, tmp_path):
    text = r'''
on["tools/call"] = lambda m: progress(m, 1, 2, "slowly")
serve()
'''
    with Terminal("call", "it", *server(text)) as t:
        t.wait_for("slowly")
        t.type("", end="\x03")
        assert t.end() == -2  # by SIGINT, as its shell expects
        assert "slowly" not in t.shown()
    eventually(lambda: [m for m in seen(tmp_path) if m.get("method") == "notifications/cancelled"],
               "the server to be told")


def test_ctrl_c_during_a_form_ends_it(server, tmp_path):
    with Terminal("call", "it", *server(asks(more="era = 'handshake'; serve()"))) as t:
        t.wait_for("As on the card\n>")
        t.type("Ad", end="\x03")
        assert t.end() == -2
    eventually(lambda: [m for m in seen(tmp_path) if m.get("method") == "notifications/cancelled"],
               "the server to be told")


@pytest.mark.parametrize("text, sign", [
    (asks(), "As on the card\n>"),
    ('on["tools/call"] = lambda m: progress(m, 1, 2, "slowly")\nserve()', "slowly")])
def test_a_terminal_that_goes_away_ends_it(server, text, sign):
    with Terminal("call", "it", *server(text)) as t:
        t.wait_for(sign)
        t.hang_up()
        assert t.end() == -1  # by SIGHUP


def test_no_deadline_passes_while_a_form_is_open(server):
    with Terminal("call", "it", "--timeout", "8s",
                  *server(asks(more="era = 'handshake'; serve()"))) as t:
        t.wait_for("As on the card\n>")
        time.sleep(9)
        t.type("", end="\x03")
        assert t.end() == -2 and "no answer to" not in t.shown()


def test_ctrl_c_stops_a_tool_of_gantry(host):
    one = host(plugins=["kit"], http=True)
    with Terminal("call", one.url, "stubborn") as t:
        eventually(lambda: status_of(one)["in_flight"] == 1, "the call to begin")
        t.type("", end="\x03")
        assert t.end() == -2
    eventually(lambda: status_of(one)["cancelled"] == 1, "the tool to be cancelled")


def status_of(host):
    return json.loads(gantry("call", host.url, "status").stdout)


# ---------------------------------------------------------------- windows

MANY = r'''
tools[:] = [
    {"name": "search_documents_of_all_kinds", "description": "Searches.\nIn all.\n\nMore of it.",
     "inputSchema": {"type": "object", "properties": {"query": {}, "limit": {}, "offset": {}},
                     "required": ["query"]}},
    {"name": "世界", "description": "A name of wide letters. " * 12,
     "inputSchema": {"type": "object"}},
    {"name": "x", "inputSchema": {"type": "object"}},
]
on["tools/call"] = lambda m: text(m, "some words that are wrapped, and onewordthatisfartoolongforit "
                                     "世界世界世界世界世界世界")
serve()
'''


@pytest.mark.parametrize("width", [20, 33, 80, 200])
def test_tables_fit_the_window(server, width):
    with Terminal("list", "tools", *server(MANY), width=width) as t:
        assert t.end() == 0
        assert not t.screen.wrapped and not t.screen.strange, t.shown()
        shown = re.sub(r"\s", "", t.shown())
        assert "search_documents_of_all_kinds(query,[limit],[offset])" in shown
        assert "Searches.Inall." in shown and "Moreofit" not in shown and "世界" in shown
    with Terminal("call", "it", *server(MANY.replace('"x"', '"it"')), width=width) as t:
        assert t.end() == 0
        assert not t.screen.wrapped
        assert "onewordthatisfartoolongforit世界世界世界" in re.sub(r"\s", "", t.shown())


@pytest.mark.parametrize("width", [20, 45])
def test_what_a_server_is_fits_the_window(server, width):
    text = r'''
on["server/discover"] = lambda m: result(m, supportedVersions=["2026-07-28"], instructions="Go. " * 30,
    capabilities=CAPABILITIES, _meta={"io.modelcontextprotocol/serverInfo": {
        "name": "a-name-that-is-long-for-a-window", "version": "1.0", "title": "A Title Of Words"}})
serve()
'''
    with Terminal("inspect", *server(text), width=width) as t:
        assert t.end() == 0
        assert "a-name-that-is-long-for-a-window" in re.sub(r"\s", "", t.shown())
        assert "transport" in t.shown() and not t.screen.wrapped, t.shown()


def test_descriptions_have_a_column_of_their_own(server):
    with Terminal("list", "tools", *gantry_serves("hello")) as t:
        assert t.end() == 0
        assert without_warnings(t.lines())[:4] == ["tools",
                               "  count(to, [pause_ms])  Count, with progress",
                               "  divide(a, b)           Divide two numbers",
                               "  greet(name, [times])   Greet somebody by name"]


@pytest.mark.parametrize("width", [20, 40])
def test_bars_and_forms_fit_a_narrow_window(server, width):
    text = asks(more=r'''
before = on["tools/call"]
def call(m):
    if "inputResponses" not in m["params"]:
        progress(m, 1, 3, "a message that is far too long for such a window")
        time.sleep(0.3)
    before(m)
on["tools/call"] = call
serve()
''')
    with Terminal("call", "it", *server(text), width=width) as t:
        t.wait_until(lambda: b"33%" in t.raw, "the bar")
        t.wait_for("card\n>")
        assert not t.screen.wrapped and not t.screen.strange, t.shown()
        t.type(":decline")
        assert t.end() == 0


def test_the_bar_follows_the_window(server):
    text = r'''
import os
def call(m):
    for i in range(1, 100000):
        progress(m, i, 100000, "0123456789" * 30)
        time.sleep(0.02)
        if os.path.exists(sys.argv[1] + ".go"):
            break
    text(m, "done")
on["tools/call"] = call
serve()
'''
    command = server(text)
    with Terminal("call", "it", *command, width=100) as t:
        t.wait_until(lambda: len(t.lines()[-1]) == 99, "the whole line")
        t.resize(40)
        t.wait_until(lambda: 20 < len(t.lines()[-1]) <= 39, "the shorter line")
        t.resize(120)
        t.wait_until(lambda: len(t.lines()[-1]) == 119, "the longer line")
        open(f"{command[-1]}.go", "w").close()
        assert t.end() == 0


# ---------------------------------------------------------------- colours

STRUCTURED = r'''
on["tools/call"] = lambda m: result(m, content=[{"type": "text", "text": '{"a": [1, "x\u202e\x7f"]}'}],
                                    structuredContent={"a": [1, "x\u202e\x7f"]})
serve()
'''


def test_colours_are_for_terminals_that_want_them(server, tmp_path):
    with Terminal("call", "it", *server(STRUCTURED)) as t:
        assert t.end() == 0
        assert b'\x1b[34m"a"\x1b[0m' in t.raw and b"\x1b[36m1\x1b[0m" in t.raw
        shown = "\n".join(without_warnings(t.lines()))
        assert json.loads(shown) == {"a": [1, "x\u202e\x7f"]}  # it can be copied
        assert "\u202e" not in shown and not t.screen.strange
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}):
        with Terminal("list", *gantry_serves("hello"), env=env) as t:
            assert t.end() == 0
            assert b"\x1b" not in t.raw and "greet(name, [times])" in t.shown()
    with Terminal("call", "it", *server(STRUCTURED), stdout=tmp_path / "out") as t:
        assert t.end() == 0
    assert (tmp_path / "out").read_bytes() == '{"a": [1, "x\u202e\x7f"]}\n'.encode()
    with Terminal("list", *gantry_serves("hello"), stdout=tmp_path / "out",
                  env={"CLICOLOR_FORCE": "1"}) as t:
        assert t.end() == 0
    assert b"\x1b[1mtools\x1b[0m" in (tmp_path / "out").read_bytes()


# ---------------------------------------------------------------- pictures

def test_pictures_are_saved_and_their_path_is_told(server, tmp_path):
    png, blob = b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\x00\x01"
    text = f'''
on["tools/call"] = lambda m: result(m, content=[
    {{"type": "image", "mimeType": "image/png", "data": "{base64.b64encode(png).decode()}"}},
    {{"type": "audio", "mimeType": "audio/wav", "data": "not base64"}},
    {{"type": "resource", "resource": {{"uri": "file:///x/../../evil\x1b[2J.bin",
      "mimeType": "application/x-\x1b[2J", "blob": "{base64.b64encode(blob).decode()}"}}}}])
serve()
'''
    saved = tmp_path / "run"
    saved.mkdir()
    env = {"XDG_RUNTIME_DIR": str(saved)}
    with Terminal("call", "it", *server(text), env=env, width=300) as t:
        assert t.end() == 0
        shown = without_warnings(t.lines())
        assert not t.screen.strange
    path = re.fullmatch(r"\[image image/png, 264 bytes\] (\S+)", shown[0]).group(1)
    assert path.startswith(str(saved)) and open(path, "rb").read() == png
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert shown[1].startswith("[audio audio/wav, ") and "not Base64" in shown[1]
    other = shown[2].split("] ")[-1]
    assert open(other, "rb").read() == blob and "evil" in other and "\x1b" not in other
    assert len(os.listdir(saved)) == 2
    with Terminal("call", "it", *server(text), env=env, stdout=tmp_path / "out") as t:
        assert t.end() == 0
    assert (tmp_path / "out").read_text().startswith("[image image/png, 264 bytes]\n")
    assert len(os.listdir(saved)) == 2


def test_bytes_are_saved_where_one_wants_them(server, tmp_path):
    text = r'''
on["resources/read"] = lambda m: result(m, contents=[
    {"uri": "file:///x/sound.wav", "mimeType": "audio/wav", "blob": "AAEC"}])
serve()
'''
    folder = tmp_path / "new"
    for name in ("sound.wav", "sound-2.wav"):  # nothing is written over
        with Terminal("read", "file:///x/sound.wav", "--save", folder, *server(text), width=300,
                      stdout=tmp_path / "out") as t:
            assert t.end() == 0
        assert (tmp_path / "out").read_text() == \
            f"[file:///x/sound.wav audio/wav, 3 bytes] {folder / name}\n"
        assert (folder / name).read_bytes() == b"\x00\x01\x02"
    (tmp_path / "file").write_text("")
    with Terminal("read", "file:///x/sound.wav", "--save", tmp_path / "file", *server(text), width=300,
                  stdout=tmp_path / "out") as t:
        assert t.end() == 1  # what was asked for was not done
    assert "not saved" in (tmp_path / "out").read_text()
    with Terminal("read", "file:///x/sound.wav", *server(text), stdout=tmp_path / "out") as t:
        assert t.end() == 0
    assert (tmp_path / "out").read_bytes() == b"\x00\x01\x02"


# ---------------------------------------------------------------- models

SAMPLES = r'''
def call(m):
    global call_of
    call_of = m
    answers = m["params"].get("inputResponses", {})
    if len(answers) == 0:
        send(id=m["id"], result={"resultType": "input_required", "requestState": "x",
             "inputRequests": {q: {"method": "sampling/createMessage", "params": {
                 "messages": [{"role": "user", "content": {"type": "text", "text": f"{q}?\x1b[2J"}}],
                 "systemPrompt": "Be brief.", "maxTokens": 10}} for q in ("one", "two")}})
    else:
        text(m, " ".join(a["content"]["text"] for a in answers.values()))
on["tools/call"] = call
serve()
'''


def test_a_model_answers_what_the_person_lets_it(server, tmp_path):
    args = ["call", "it", "--sampling-command", "echo said", *server(SAMPLES)]
    with Terminal(*args) as t:
        t.wait_for("system: Be brief.\n  user: one?\\x1b[2J")
        t.wait_for("May it? y, a, n >")
        t.type("y")
        t.wait_for("user: two?")
        t.wait_for("May it? y, a, n >", count=2)
        t.type("y")
        assert t.end() == 0 and "said said" in t.shown()
    with Terminal(*args) as t:
        t.wait_for("May it? y, a, n >")
        t.type("a")
        assert t.end() == 0 and "said said" in t.shown() and "two?" not in t.shown()
    with Terminal(*args) as t:
        t.wait_for("May it? y, a, n >")
        t.type("n")
        assert t.end() != 0 and "said" not in t.lines()
    with Terminal("call", "it", "--sampling", "always", *args[2:]) as t:
        assert t.end() == 0 and "May it?" not in t.shown() and "said said" in t.shown()
    (tmp_path / "seen").unlink()
    with Terminal("call", "it", *server(SAMPLES)) as t:  # without a command it is not offered
        t.end()
    called = [m for m in seen(tmp_path) if m.get("method") == "tools/call"][0]
    assert "sampling" not in json.dumps(called["params"]["_meta"])


# ---------------------------------------------------------------- hostile servers

HOSTILE = r'''
E = %r
tools[:] = [{"name": "it" + E, "title": E, "description": E + "\n\t" + E,
             "inputSchema": {"type": "object", "properties": {E: {}}}},
            {"name": "it", "inputSchema": {"type": "object"}}]
on["resources/list"] = lambda m: result(m, resources=[{"uri": "x:" + E, "name": E, "description": E}])
on["prompts/list"] = lambda m: result(m, prompts=[{"name": E, "arguments": [{"name": E}]}])
on["resources/read"] = lambda m: result(m, contents=[{"uri": E, "mimeType": E, "text": E}])
def call(m):
    if "inputResponses" not in m["params"]:
        progress(m, 1, 2, E)
        time.sleep(0.2)
        log("info" , E, E)
        log("error", {"message": E, "context": {E: E}})
        print("error: " + E, file=sys.stderr, flush=True)
        send(id=m["id"], result={"resultType": "input_required", "requestState": "x",
             "inputRequests": {"q": {"method": "elicitation/create", "params": {"mode": "form",
             "message": E, "requestedSchema": {"type": "object", "properties": {
                 "a" + E: {"type": "string", "title": E, "description": E, "default": E},
                 "b": {"type": "string", "title": E, "oneOf": [{"const": E, "title": E}]},
                 "c": {"type": "array", "items": {"type": "string", "enum": [E]}, "default": [E]},
             }}}}}})
        return
    result(m, isError=True, content=[
        {"type": "text", "text": E}, {"type": "text", "text": json.dumps({E: E}, ensure_ascii=False)},
        {"type": "image", "mimeType": E, "data": "AAAA"},
        {"type": "resource_link", "uri": "x:" + E, "name": E},
        {"type": "resource", "resource": {"uri": "x:" + E, "mimeType": E, "text": E}},
        {"type": E, E: E}], structuredContent={E: E})
on["tools/call"] = call
serve()
''' % ESCAPES


def test_nothing_that_a_server_says_steers_the_terminal(server, tmp_path):
    env = {"TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}

    def check(t):
        assert not t.screen.strange, t.screen.strange
        for mark in ("\u202e", "\u2066", "\x9b"):
            assert mark.encode() not in t.raw
        assert b"owned\x07" not in t.raw and b"\x1b[2J" not in t.raw and b"\\x1b[2J" in t.raw

    for args in (["list"], ["read", f"x:{ESCAPES}"]):
        with Terminal(*args, *server(HOSTILE), env=env) as t:
            t.end()
            check(t)
    with Terminal("call", "it", "--log", "debug", *server(HOSTILE), env=env) as t:
        t.wait_for("] >")
        t.type("")
        t.wait_for("1) ")
        t.type("1")
        t.wait_for("] >", count=2)
        t.type("")
        t.wait_for("Send?")
        t.type("y")
        assert t.end() == 1
        check(t)


def test_floods_are_cut_and_end(server, tmp_path):
    text = r'''
tools[:] = [{"name": "n" * 3000000, "description": "d " * 1000000, "inputSchema": {"type": "object",
             "properties": {("p%d" % i) * 50: {} for i in range(3000)}}},
            {"name": "\u0301" * 100000, "description": "\n" * 100000},
            {"name": "it", "inputSchema": {"type": "object"}}]
on["tools/call"] = lambda m: result(m, content=[
    {"type": "text", "text": "[" * 1500 + "]" * 1500},
    {"type": "text", "text": "\t" * 20000 + "x" * 200000},
    {"type": "text", "text": "[" + "1," * 20000 + "2]"},
    *[{"type": "image", "mimeType": "image/png", "data": "AAAA"}] * 150])
serve()
'''
    with Terminal("list", *server(text), width=30) as t:
        assert t.end() == 0
        assert len(t.raw) < 100000 and not t.screen.strange
    with Terminal("call", "it", *server(text), env={"XDG_RUNTIME_DIR": str(tmp_path)}) as t:
        assert t.end() == 0
        assert not t.screen.strange
        assert t.shown().count("not saved: that are more than 100 files") == 50
    assert len([f for f in os.listdir(tmp_path) if f.startswith("gantry-")]) == 100


def test_an_error_of_a_hostile_server_is_harmless(server):
    text = r'''
on["tools/call"] = lambda m: send(id=m["id"], error={"code": -32000, "message": %r})
serve()
''' % ESCAPES
    with Terminal("call", "it", *server(text)) as t:
        assert t.end() == 4
        assert not t.screen.strange and b"\\x1b[2J" in t.raw
