"""The client library and programs that fail it: a clear error in time, and nothing left behind."""
import json
import os
import signal
import sys

import pytest

from harness.host import eventually
from harness.paths import GANTRY, PLUGINS, ROOT
from harness.probe import Probe, processes


class Bench:
    """A probe that has had a client before, so that what it has open now is what stays; at the end
    that must be all there is again."""

    def __init__(self, folder):
        self.folder = folder
        self.probe = Probe()
        self.probe.open(command=["true"])
        self.probe.do("connect")
        self.probe.close()
        self.before = self.probe.descriptors()
        assert not self.probe.children()
        self.groups = []

    def program(self, script):
        """The command of a server written in Python, with what client/failing.py has."""
        file = self.folder / f"server{len(list(self.folder.iterdir()))}.py"
        file.write_text("from failing import *\n" + script)
        return [sys.executable, str(file)]

    def open(self, command, **options):
        environment = [f"PYTHONPATH={ROOT / 'tests' / 'e2e' / 'client'}", f"FOLDER={self.folder}"]
        self.probe.open(command=command, environment=[*environment, *options.pop("environment", [])],
                        **{"backoff_ms": 10, **options})

    def serve(self, script, **options):
        self.open(self.program(script), **options)

    def call(self, name, **options):
        return self.probe.do("call", name=name, **{"arguments": {}, **options})

    def child(self):
        """The one program that is running now; its group is looked at, at the end."""
        pid, = (pid for pid, (_, state) in self.probe.children().items() if state not in "ZX")
        self.groups.append(pid)
        return pid

    def close(self, hurry=True):
        if hurry:
            self.probe.send("hurry")
        self.probe.close()
        self.check()

    def check(self):
        assert self.probe.children() == {}
        assert self.probe.descriptors() == self.before
        for group in self.groups:
            left = {pid: p for pid, p in processes().items() if p[3] == group and p[1] not in "ZX"}
            assert not left, left

    def note(self, part):
        while True:
            text = self.probe.event("note")["text"]
            if part in text:
                return text


@pytest.fixture
def bench(tmp_path):
    b = Bench(tmp_path)
    with b.probe:
        yield b


def echo(bench, words="still here"):
    outcome = bench.call("echo", arguments={"text": words})
    assert (outcome["status"], outcome["text"]) == ("ok", words), outcome


# ---------------------------------------------------------------- the end of a program

def test_a_tool_of_gantry_itself_is_listed(bench):
    bench.open([str(GANTRY), "serve", "--stdio", "--plugins", str(PLUGINS / "hello")])
    assert bench.probe.do("list", kind="tools")["status"] == "ok"
    bench.close(hurry=False)


def test_a_program_that_is_killed_in_mid_call_is_named_with_its_signal(bench):
    bench.serve("""
def die(message):
    say("first"); say("I was here")
    os.kill(os.getpid(), signal.SIGKILL)
serve(die=die)
""", no_stderr=True)
    echo(bench)
    outcome = bench.call("die")
    assert outcome["status"] == "connection"
    assert "was killed by SIGKILL" in outcome["message"]
    assert "first | I was here" in outcome["message"]
    echo(bench)  # it was started again
    bench.close()


def test_a_program_that_exits_in_mid_call_is_named_with_its_code(bench):
    bench.serve("serve(die=lambda message: sys.exit(7))")
    outcome = bench.call("die")
    assert outcome["status"] == "connection" and "ended with exit code 7" in outcome["message"]
    bench.close()


def test_what_a_program_answered_before_it_ended_counts(bench):
    bench.serve("""
def last(message):
    text(message, "goodbye")
    os._exit(3)
serve(last=last)
""")
    for _ in range(3):
        assert bench.call("last")["text"] == "goodbye"
    bench.close()


def test_a_last_line_without_its_end_is_a_message(bench):
    bench.serve("""
def last(message):
    write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result":
                      {"resultType": "complete", "content": [{"type": "text", "text": "bye"}]}}))
    os._exit(0)
serve(last=last)
""")
    assert bench.call("last")["text"] == "bye"
    bench.close()


def test_a_program_that_ends_while_nothing_is_asked_is_started_again_when_something_is(bench):
    bench.serve("serve()")
    echo(bench)
    os.kill(bench.child(), signal.SIGTERM)
    bench.probe.event("state", state="ready")
    bench.probe.event("state", state="idle")
    eventually(lambda: not bench.probe.children(), "it was reaped")
    echo(bench)
    bench.close()


def test_a_program_that_never_was_ready_is_not_started_again_and_again(bench):
    bench.serve("""
with open(os.environ["FOLDER"] + "/starts", "a") as file:
    file.write("x")
say("no such module: server")
sys.exit(1)
""", revision="2026-07-28", no_stderr=True)
    outcome = bench.call("any")
    assert outcome["status"] == "connection"
    assert "exit code 1" in outcome["message"] and "no such module" in outcome["message"]
    assert (bench.folder / "starts").read_text() == "x"
    bench.close()


def test_restarts_in_a_row_have_an_end(bench):
    bench.serve("""
path = os.environ["FOLDER"] + "/starts"
with open(path, "a") as file:
    file.write("x")
if os.path.getsize(path) > 1:
    sys.exit(9)
serve(die=lambda message: sys.exit(8))
""", restarts=3)
    assert "exit code 8" in bench.call("die")["message"]
    outcome = bench.call("die")
    assert outcome["status"] == "connection" and "exit code 9" in outcome["message"]
    assert (bench.folder / "starts").read_text() == "x" * 4
    assert len([e for e in bench.probe.all("note") if "trying again" in e["text"]]) == 2
    bench.close()


def test_a_call_that_was_surely_not_read_is_made_once_more(bench):
    bench.serve("""
folder = os.environ["FOLDER"]
if not os.path.exists(folder + "/second"):
    open(folder + "/second", "w").close()
    discovered(receive())
    while not os.path.exists(folder + "/sent"):
        time.sleep(0.01)
    sys.exit(1)
serve()
""", messages=True)
    tag = bench.probe.begin("call", name="echo", arguments={"text": "once"})
    while "tools/call" not in bench.probe.event("out")["json"]:
        pass
    (bench.folder / "sent").touch()
    outcome = bench.probe.outcome(tag)
    assert (outcome["status"], outcome["text"]) == ("ok", "once")
    bench.close()


def test_a_call_that_was_read_is_not_made_again(bench):
    bench.serve("""
def die(message):
    with open(os.environ["FOLDER"] + "/calls", "a") as file:
        file.write("x")
    sys.exit(1)
serve(die=die)
""")
    assert bench.call("die")["status"] == "connection"
    echo(bench)
    assert (bench.folder / "calls").read_text() == "x"
    bench.close()


@pytest.mark.parametrize("number, name", [(0, "input"), (1, "output")])
def test_a_program_that_closes_a_pipe_and_stays_is_given_up(bench, number, name):
    bench.serve(f"""
def shut(message):
    os.close({number})
    while True:
        time.sleep(1)
serve(shut=shut)
""")
    tag = bench.probe.begin("call", name="shut", arguments={})
    if name == "input":
        bench.probe.begin("call", name="more", arguments={"text": "x" * 1000000})
    outcome = bench.probe.outcome(tag)
    assert outcome["status"] == "connection"
    assert f"has closed its standard {name}" in outcome["message"]
    bench.close()


# ---------------------------------------------------------------- what it writes

def test_half_a_message_and_the_end_is_told_as_that(bench):
    bench.serve("""
def half(message):
    write('{"jsonrpc": "2.0", "id": 1, "resu')
    sys.exit(0)
serve(half=half)
""")
    outcome = bench.call("half")
    assert outcome["status"] == "connection"
    assert 'in the middle of the line "{"jsonrpc": "2.0", "id": 1, "resu"' in outcome["message"]
    bench.close()


def test_half_a_message_and_silence_ends_with_the_timeout(bench):
    bench.serve("""
def half(message):
    write('{"jsonrpc": "2.0", "id": 1, "resu')
serve(half=half)
""")
    echo(bench)
    assert bench.call("half", timeout_ms=300)["status"] == "timeout"
    bench.close()


def test_a_line_without_end_is_cut_off(bench):
    bench.serve("""
def endless(message):
    while True:
        write("x" * 65536)
serve(endless=endless)
""", max_message=1000000)
    outcome = bench.call("endless")
    assert outcome["status"] == "protocol"
    assert "more than 1000000 bytes" in outcome["message"]
    echo(bench)
    bench.close()


def test_lines_that_are_no_messages_are_noted_and_passed_over(bench):
    bench.serve(r"""
write("Welcome to \x1b[31mthis\x1b[0m server\n\n   \r\n\n{ port: 3000 }\n")
serve()
""")
    echo(bench)
    assert r'no message: "Welcome to \x1b[31mthis\x1b[0m server"' in bench.note("no message")
    assert "{ port: 3000 }" in bench.note("no message")
    assert not [e for e in bench.probe.all("note") if "no message" in e["text"]]
    bench.close()


def test_a_flood_of_lines_that_are_no_messages_has_an_end(bench):
    bench.serve("""
def noise(message):
    while True:
        write("noise\\n")
serve(noise=noise)
""")
    outcome = bench.call("noise")
    assert outcome["status"] == "protocol"
    assert "100 lines that are no messages" in outcome["message"]
    assert '"noise"' in outcome["message"]
    notes = [e["text"] for e in bench.probe.all("note") if "no message" in e["text"]]
    assert len(notes) == 11 and "goes on" in notes[10]
    bench.close()


def test_messages_in_pieces_and_many_at_once_are_read_in_their_order(bench):
    bench.serve("""
def pieces(message):
    for line in ("one", "two", "three"):
        for c in json.dumps({"jsonrpc": "2.0", "method": "notifications/message",
                             "params": {"level": "info", "data": line}}) + "\\r\\n":
            write(c)
    lines = [json.dumps({"jsonrpc": "2.0", "method": "notifications/message",
                         "params": {"level": "info", "data": str(i)}}) for i in range(2000)]
    write("\\n".join(lines) + "\\n")
    text(message, "done")
serve(pieces=pieces)
""", messages=True)
    assert bench.call("pieces")["text"] == "done"
    said = [e["json"] for e in bench.probe.all("in") if "notifications/message" in e["json"]]
    assert len(said) == 2003 and '"two"' in said[1] and '"1999"' in said[-1]
    bench.close()


def test_a_flood_on_standard_error_holds_nothing_up(bench):
    file = bench.folder / "errors"
    bench.serve("""
def flood(message):
    for i in range(20000):
        print("line", i, "x" * 80, file=sys.stderr)
    sys.stderr.flush()
    text(message, "done")
def long(message):
    sys.stderr.write("y" * 100000 + "\\n")
    sys.stderr.flush()
    text(message, "done")
serve(flood=flood, long=long)
""", stderr_file=str(file))
    assert bench.call("flood")["text"] == "done"
    assert bench.call("long")["text"] == "done"
    bench.close()
    lines = [e["line"] for e in bench.probe.all("stderr")]
    assert lines[:20000] == [f"line {i} {'x' * 80}" for i in range(20000)]
    assert "".join(lines[20000:]) == "y" * 100000
    assert file.read_text() == "\n".join(lines[:20000]) + "\n" + "y" * 100000 + "\n"
    assert file.stat().st_mode & 0o777 == 0o600


# ---------------------------------------------------------------- what it does not read

def test_a_program_that_does_not_read_fails_what_is_asked_of_it(bench):
    bench.serve("""
discovered(receive())
while True:
    time.sleep(1)
""", max_message=1000000, timeout_ms=3000, retries=1)
    bench.probe.do("connect", timeout_ms=60000)
    big = {"text": "x" * 900000}
    tags = [bench.probe.begin("call", name="echo", arguments=big) for _ in range(12)]
    outcomes = [bench.probe.outcome(tag) for tag in tags]
    assert {o["status"] for o in outcomes} == {"timeout", "limit"}
    full = [o for o in outcomes if o["status"] == "limit"]
    assert "does not read its input" in full[0]["message"]
    bench.close()


def test_a_message_that_is_larger_than_a_pipe_arrives(bench):
    bench.serve("serve()")
    echo(bench, "z" * 3000000)
    bench.close()


# ---------------------------------------------------------------- ending it

def test_a_program_has_time_to_end_by_itself(bench):
    bench.serve("""
signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
serve()
time.sleep(0.1)
with open(os.environ["FOLDER"] + "/ended", "w") as file:
    file.write("well")
say("good night")
""")
    echo(bench)
    bench.child()
    bench.close(hurry=False)
    assert (bench.folder / "ended").read_text() == "well"
    assert bench.probe.event("stderr")["line"] == "good night"


def test_a_program_that_stays_is_asked_to_end(bench):
    bench.serve("""
def asked(*_):
    with open(os.environ["FOLDER"] + "/asked", "w") as file:
        file.write("politely")
    os._exit(0)
signal.signal(signal.SIGTERM, asked)
serve()
while True:
    time.sleep(1)
""")
    echo(bench)
    bench.child()
    bench.close(hurry=False)
    assert (bench.folder / "asked").read_text() == "politely"


def test_a_program_that_ignores_all_that_is_killed(bench):
    bench.serve("""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
serve()
while True:
    time.sleep(1)
""")
    echo(bench)
    bench.child()
    bench.close(hurry=False)


def test_a_program_that_is_stopped_is_ended(bench):
    bench.serve("serve()")
    echo(bench)
    os.kill(bench.child(), signal.SIGSTOP)
    bench.close()


def test_a_program_that_never_stops_writing_is_ended(bench):
    bench.serve("""
import threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def flood(message):
    text(message, "flooding")
    def write_for_ever(fd, text):
        while True:
            os.write(fd, text)
    note = json.dumps({"jsonrpc": "2.0", "method": "notifications/x"}).encode() + b"\\n"
    threading.Thread(target=write_for_ever, args=(1, note)).start()
    threading.Thread(target=write_for_ever, args=(2, b"y" * 200 + b"\\n")).start()
serve(flood=flood)
""")
    assert bench.call("flood")["text"] == "flooding"
    bench.probe.event("stderr")
    bench.child()
    bench.close()


def test_a_program_may_be_ended_while_it_is_being_started_again(bench):
    bench.serve("""
path = os.environ["FOLDER"] + "/starts"
with open(path, "a") as file:
    file.write("x")
if os.path.getsize(path) > 1:
    sys.exit(9)
serve(die=lambda message: sys.exit(8))
""", restarts=1000, backoff_ms=1)
    assert bench.call("die")["status"] == "connection"
    tag = bench.probe.begin("call", name="die", arguments={})
    bench.note("trying again")
    bench.note("trying again")
    bench.close()
    assert bench.probe.outcome(tag)["status"] == "cancelled"


FORKS = """
def fork(message):
    subprocess.Popen([sys.executable, "-c", '''
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_DFL if %(polite)r else signal.SIG_IGN)
print("up", file=sys.stderr, flush=True)
while True:
    time.sleep(1)
'''], stdin=0, stdout=%(stdout)s, stderr=2)
    text(message, "forked")
serve(fork=fork, die=lambda message: os._exit(5))
"""


@pytest.mark.parametrize("polite", [True, False])
@pytest.mark.parametrize("stdout", ["1", "subprocess.DEVNULL"])
def test_what_a_program_leaves_behind_goes_with_it(bench, polite, stdout):
    bench.serve(FORKS % {"polite": polite, "stdout": stdout})
    assert bench.call("fork")["text"] == "forked"
    bench.probe.event("stderr", line="up")
    bench.child()
    bench.close()


@pytest.mark.parametrize("polite", [True, False])
def test_what_is_left_when_a_program_has_ended_already_goes_with_it(bench, polite):
    bench.serve(FORKS % {"polite": polite, "stdout": "1"})
    assert bench.call("fork")["text"] == "forked"
    bench.probe.event("stderr", line="up")
    bench.child()
    outcome = bench.call("die")
    assert outcome["status"] == "connection" and "exit code 5" in outcome["message"]
    echo(bench)
    bench.child()
    bench.close()


def test_one_that_has_left_the_group_and_holds_the_pipes_holds_nothing_up(bench):
    bench.serve("""
def fork(message):
    subprocess.Popen(["sh", "-c", "echo $$ >$FOLDER/pid; exec sleep 600"], start_new_session=True)
    text(message, "forked")
serve(fork=fork)
""")
    assert bench.call("fork")["text"] == "forked"
    bench.child()
    file = bench.folder / "pid"
    pid = int(eventually(lambda: file.exists() and file.read_text().strip(), "it runs"))
    bench.close()
    os.kill(pid, signal.SIGKILL)


# ---------------------------------------------------------------- what cannot be started

def test_what_is_no_program_is_told_at_once(bench):
    folder = bench.folder
    (folder / "text").write_text("hello")
    (folder / "noexec").write_text("\x7fnothing")
    (folder / "noexec").chmod(0o755)
    (folder / "script").write_text("#!/no/such/interpreter\n")
    (folder / "script").chmod(0o755)
    for command, reason in [
            (["no-such-program-anywhere"], "there is no such program in PATH"),
            (["./no/such/path"], "No such file or directory"),
            ([str(folder)], "it may not be run"),
            ([str(folder / "text")], "it may not be run"),
            ([str(folder / "noexec")], "it is no program"),
            ([str(folder / "script")], "the interpreter that its first line names"),
            (["true", "x" * 2000000], "too long")]:
        bench.open(command)
        outcome = bench.call("any")
        assert outcome["status"] == "connection"
        assert outcome["message"].startswith(f"cannot start {command[0]}: ")
        assert reason in outcome["message"]
        bench.close()


def test_a_directory_that_is_not_there_is_named(bench):
    bench.open(["true"], directory=str(bench.folder / "none"))
    message = bench.call("any")["message"]
    assert "cannot start true: its directory" in message and "none: No such file" in message
    bench.close()


# ---------------------------------------------------------------- where it runs

SURROUNDINGS = """
def tell(message):
    text(message, json.dumps({"env": dict(os.environ), "cwd": os.getcwd(), "group": os.getpgrp(), "session": os.getsid(0),
                              "pid": os.getpid(), "fds": sorted(map(int, os.listdir("/proc/self/fd"))),
                              "pipe": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL}))
serve(tell=tell)
"""


def test_a_program_finds_what_it_was_given_and_little_else(bench, tmp_path):
    bench.serve(SURROUNDINGS, directory=str(tmp_path), environment=["GIVEN=1", "LANG=xx", "GIVEN=2"])
    told = json.loads(bench.call("tell")["text"])
    assert told["env"]["GIVEN"] == "2" and told["env"]["LANG"] == "xx"
    allowed = {"HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "GIVEN",
               "PYTHONPATH", "FOLDER"}
    assert {n for n in told["env"] if not n.startswith(("LC_", "XDG_"))} <= allowed
    assert told["env"]["PATH"] == os.environ["PATH"]
    assert os.path.samefile(told["cwd"], tmp_path)
    assert told["group"] == told["session"] == told["pid"]  # and no terminal
    assert told["fds"][:3] == [0, 1, 2] and len(told["fds"]) == 4  # the last is the folder's own
    bench.close()


def test_a_log_file_has_a_line_for_all_that_was_said(bench):
    log = bench.folder / "log"
    bench.serve(r"""
write("hello\n")
say("a line\x1b[0m")
serve()
""", log_file=str(log))
    echo(bench)
    bench.probe.event("stderr")
    bench.close()
    lines = [line.split(" ", 1)[1] for line in log.read_text().splitlines()]
    assert r"stderr: a line\x1b[0m" in lines
    assert any(line.startswith("note: ") and "no message" in line for line in lines)
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_file_that_cannot_be_opened_is_noted_and_nothing_else(bench):
    bench.serve("serve()", log_file="/no/such/folder/log", stderr_file=str(bench.folder))
    echo(bench)
    assert "log_file: /no/such/folder/log: No such file" in bench.note("log_file")
    assert "stderr_file: " in bench.note("stderr_file")
    bench.close()
