"""Resumption over Streamable HTTP in the handshake era: clients that are cut off anywhere get every
message once and in order; connections that the host ends (SEP-1699); GET streams; what is kept."""

import asyncio
import concurrent.futures
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import threading

import pytest

from harness import schema
from harness.client import HttpClient, connect
from harness.host import eventually
from harness.http import Closed, Connection
from harness.metrics import scrape
from harness.paths import NODE, PATIENCE, ROOT, TOOLS

OLD = "2025-11-25"
BEFORE = "2025-06-18"  # clients of this one take no events without data
RESUMABLE = ["2025-03-26", "2025-06-18", "2025-11-25"]
AT_ONCE = {"log": {"client": {"flush_interval": "0"}}}
NODE_PROGRAM = TOOLS / "venv" / "bin" / "node"


def config(**resume):
    return {**AT_ONCE, "http": {"resume": resume}} if resume else AT_ONCE


class Limited(Connection):
    """A connection that is gone once so many bytes have come."""

    def __init__(self, address, budget=None, patience=PATIENCE):
        super().__init__(address, patience=patience)
        self.budget = budget

    def more(self):
        if self.budget is None:
            super().more()
            return
        if self.budget == 0:
            raise Closed("cut off")
        before = len(self.buffer)
        data = self.socket.recv(min(65536, self.budget))
        if not data:
            raise Closed("end of stream")
        self.buffer += data
        self.budget -= len(self.buffer) - before

    def cut(self):
        """As a network does it: the server hears of it by a reset, or not at all."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


class Caller:
    """One call, on as many connections as it takes. `got` are its messages; `ids` their ids."""

    def __init__(self, client, name="steps", id="the call", **arguments):
        self.client = client
        self.request = client.request_message("tools/call",
                                              {"name": name, "arguments": arguments}, id)
        self.got, self.ids, self.last, self.retry = [], [], None, None
        self.connections = 0
        self.response = None

    def open(self, budget=None, last=None, patience=PATIENCE):
        """The POST at first, then a GET; returns its events."""
        c = self.client
        self.connections += 1
        self.connection = Limited(c.host.address, budget, patience)
        headers = c.headers_for(self.request)
        last = last or self.last
        if last:
            self.connection.send_request("GET", c.path, {**headers, "Last-Event-ID": last})
        else:
            self.connection.send_request("POST", c.path, headers, json.dumps(self.request).encode())
        self.http = self.connection.read_response("GET" if last else "POST")
        assert self.http.is_stream and self.http.status == 200, (self.http.status, self.http.body())
        return self.http.events()

    def take(self, event):
        """Returns whether it was the answer."""
        if "retry" in event:
            self.retry = int(event["retry"])
        if "id" in event:
            self.last = event["id"]
        if "data" not in event:
            return False
        if event["data"] == "":
            assert self.client.agreed >= OLD, "an event without data"
            return False
        assert "id" in event and event["id"] not in self.ids, event
        self.ids.append(event["id"])
        message = json.loads(event["data"])
        schema.check_from_server(self.client.agreed, message,
                                 None if "method" in message else "tools/call")
        assert self.response is None, f"a message after the answer: {message}"
        self.got.append(message)
        if "method" not in message:
            assert message["id"] == self.request["id"]
            self.response = message
        return self.response is not None

    def start(self):
        """Opens the first connection, with the first step; returns its events."""
        self.client.call("go", line=self.request["params"]["arguments"].get("line", 0), to=1)
        events = self.open()
        while not self.got:
            self.take(next(events))
        return events

    def read(self, budget=None):
        """One connection, to its end. False: cut off, or ended by the server, before the answer."""
        try:
            for event in self.open(budget):
                self.take(event)
        except Closed:
            pass
        self.connection.cut()
        return self.response is not None

    def steps(self):
        """The numbers of the steps that have come."""
        return [int(m["params"]["data"].split()[1]) if isinstance(m["params"]["data"], str) else
                int(m["params"]["data"]["msg"].split()[1]) for m in self.got if "method" in m]

    def text(self):
        return self.response["result"]["content"][0]["text"]


@pytest.fixture
def caller(client):
    """caller(revision, count=..., ...) is a call of steps to a new host."""
    def make(revision=OLD, resume=None, **arguments):
        c = client(revision, "http", plugins=["resume", "kit"], config=config(**(resume or {})))
        return Caller(c, **arguments)
    return make


# ---------------------------------------------------------------- cut off

@pytest.mark.parametrize("revision", RESUMABLE)
@pytest.mark.parametrize("seed", range(4))
def test_a_client_cut_off_anywhere_gets_every_message_once(caller, revision, seed):
    chance = random.Random(f"{revision} {seed}")
    call = caller(revision, count=40, bytes=chance.choice([1, 200, 3000]))
    # Without an id it cannot come back: the first connection lives until it has one.
    call.start()
    call.connection.cut()
    call.client.call("go")
    while not call.read(chance.choice([1, 100, 400, 1000, 5000, 20000]) + chance.randrange(300)):
        assert call.connections < 10000
    assert call.steps() == list(range(1, 41))
    assert call.text() == "40 steps, closed 0 times"


@pytest.mark.parametrize("revision", RESUMABLE)
def test_a_client_cut_off_after_each_message_gets_the_next_ones(caller, revision):
    call = caller(revision, count=8)
    for step in range(1, 9):
        call.client.call("go", to=step)
        for event in call.open():
            call.take(event)
            if len(call.got) == step:
                break
        call.connection.cut()
    call.client.call("go")
    assert call.read()
    assert call.steps() == list(range(1, 9)) and call.connections == 9


def test_what_was_said_while_nobody_was_there_is_not_lost(caller):
    call = caller(count=30)
    call.start()
    call.connection.cut()
    call.client.call("go")
    call.client.host.wait_log('"step 30 ')
    assert call.read()
    assert call.steps() == list(range(1, 31))
    # The whole of it can be fetched once more.
    again = Caller(call.client, count=30)
    again.last = call.ids[0]
    assert again.read() and again.got == call.got[1:]
    # Nothing is left to wait for.
    status = call.client.simple("GET", {**call.client.headers_for({}), "Last-Event-ID": call.ids[-1]})
    assert status.status == 405


def test_several_calls_are_resumed_each_on_its_own_stream(client):
    c = client(OLD, "http", plugins=["resume"], config=config())
    calls = [Caller(c, id=f"call {n}", line=n, count=20) for n in range(5)]
    for call in calls:
        events = call.start()
        c.call("go", line=calls.index(call), to=7)
        while len(call.got) < 5:
            call.take(next(events))
        call.connection.cut()
    for n in reversed(range(5)):
        c.call("go", line=n)
    for call in calls:
        assert call.read()
        assert call.steps() == list(range(1, 21))
    assert len({id for call in calls for id in call.ids}) == 5 * 21  # unique in the session


def test_only_its_own_session_can_resume_a_stream(caller):
    call = caller(count=3)
    events = call.start()
    stranger = connect(call.client.host, OLD, "http")
    for id in (call.last, "p1-0", "g1-0", "nonsense"):
        answer = stranger.simple("GET", {**stranger.headers_for({}), "Last-Event-ID": id})
        assert answer.status == 400, (id, answer.status)
    call.client.call("go")
    for event in events:
        call.take(event)
    assert call.steps() == [1, 2, 3] and call.text()
    stranger.close()


def test_the_oldest_are_dropped_and_that_is_told(caller):
    call = caller(resume={"max_events": 5}, count=20)
    call.start()
    call.connection.cut()
    call.client.call("go", to=20)
    call.client.host.wait_log('"step 20 ')
    seen = []
    for event in call.open():
        if event.get("data"):
            seen.append((event.get("id", "").partition("-")[2],
                         json.loads(event["data"])["params"]["data"]))
        if len(seen) == 6:
            break
    call.connection.cut()
    assert [id for id, _ in seen] == ["", "16", "17", "18", "19", "20"]
    assert seen[0][1].startswith("14 messages of this stream are lost")
    call.client.host.wait_log("a client that was cut off asks for 14 messages")
    call.client.call("go")
    # From here nothing was lost.
    call.last = call.last.partition("-")[0] + "-18"
    assert call.read() and call.steps() == [1, 19, 20]


def test_a_session_that_ends_ends_what_runs_and_what_is_kept(caller):
    call = caller(count=3)
    c = call.client
    events = call.start()
    away = Caller(c, id="away", line=1, count=3)
    away.start()
    away.connection.cut()
    assert scrape(c.host).value("gantry_events_kept_bytes") > 0
    headers = c.headers_for({})
    assert c.simple("DELETE", headers).status == 200
    (error,) = [json.loads(e["data"]) for e in events if e.get("data")]
    assert error["id"] == "the call" and error["error"]["code"] == -32600
    for id in (call.last, away.last):
        assert c.simple("GET", {**headers, "Last-Event-ID": id}).status == 404
    # The handlers were cancelled: nothing is left to wait for at the end of the host.
    assert scrape(c.host).value("gantry_events_kept_bytes") == 0


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("action", ["accept", "decline"])
def test_a_question_waits_for_a_client_that_was_cut_off(host, revision, action):
    c = HttpClient(host(plugins=["resume"], http=True, config=config()), revision)
    c.capabilities = {"elicitation": {}}
    c.initialize()
    call = Caller(c, "question")
    call.start()
    call.connection.cut()
    c.call("go")
    events = call.open()
    while len(call.got) < 2:
        call.take(next(events))
    question = call.got[1]
    assert question["method"] == "elicitation/create" and question["params"]["message"]
    # Cut off again before it answers; the question is not asked again.
    call.connection.cut()
    events = call.open()
    _, answered = c.post({"jsonrpc": "2.0", "id": question["id"],
                          "result": {"action": action,
                                     **({"content": {}} if action == "accept" else {})}})
    assert answered.status == 202
    for event in events:
        call.take(event)
    assert call.text() == ("yes" if action == "accept" else "no")
    assert len([m for m in call.got if m.get("method") == "elicitation/create"]) == 1
    c.close()


def besiege(host, line, rounds):
    """Cuts, resumptions with any id, deletions, all at random, until its sessions are gone."""
    chance = random.Random(line)
    for n in range(rounds):
        c = connect(host, chance.choice(RESUMABLE), "http")
        c.call("go", line=line, to=chance.randrange(1, 30))
        call = Caller(c, line=line, count=chance.choice([1, 10, 25]),
                      close_every=chance.choice([0, 0, 3]))
        try:
            for event in call.open(chance.randrange(100, 4000), patience=0.05):
                call.take(event)
        except (Closed, TimeoutError):  # cut off, or it waits to be let go on
            pass
        call.connection.cut()
        for _ in range(chance.randrange(6)):
            id = chance.choice([call.last or "p2-0", "p2-0", "p1-1", "p3-7", "g1-0", "g4-0", "x"])
            with Limited(host.address, chance.randrange(50, 3000), patience=0.05) as connection:
                connection.send_request("GET", c.path, {**c.headers_for({}), "Last-Event-ID": id})
                try:
                    response = connection.read_response("GET")
                    assert response.status in (200, 400, 405, 409), response.status
                    while response.piece():
                        pass
                except (Closed, TimeoutError):
                    pass
                connection.cut()
        if chance.random() < 0.5:
            c.notify("notifications/cancelled", {"requestId": call.request["id"]})
        assert c.simple("DELETE", c.headers_for({})).status == 200
        c.close()


def test_a_siege_of_cuts_leaves_nothing_behind(host):
    served = host(plugins=["resume"], http=True,
                  config=config(close_after="10ms", retry="1ms", max_events=20))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(besiege, served, line, 15) for line in range(8)]:
            done.result(PATIENCE)
    page = eventually(lambda: (p := scrape(served)).value("gantry_handlers_running") == 0 and p,
                      "the handlers to end")
    assert page.value("gantry_sessions") == 0
    assert page.value("gantry_events_kept_bytes") == 0
    assert page.value("gantry_calls_running") == 0


# ---------------------------------------------------------------- SEP-1699

def test_the_host_ends_a_connection_and_the_client_polls(caller):
    call = caller(count=6, close_every=2, retry=70)
    call.client.call("go")
    first = []
    for event in call.open():
        first.append(event)
        call.take(event)
    # Primed at first; told how long to wait before the end; ended in order.
    assert first[0]["data"] == "" and first[0]["id"] and first[0]["retry"] == "1000"
    assert first[-1]["retry"] == "70" and first[-1]["data"] == "" and first[-1]["id"] == call.last
    assert call.http.done and call.response is None
    while not call.read():
        pass
    assert call.steps() == list(range(1, 7))
    assert call.text() == "6 steps, closed 3 times"


def test_clients_that_cannot_come_back_are_not_sent_away(client):
    for revision, transport in ((BEFORE, "http"), (OLD, "stdio"), ("2026-07-28", "http"),
                                ("2026-07-28", "stdio")):
        c = client(revision, transport, plugins=["resume"], config=AT_ONCE)
        c.call("go")
        assert c.text("steps", count=2, close_every=1) == "2 steps, closed 0 times"


def test_the_configuration_ends_connections_of_long_calls(caller):
    call = caller(resume={"close_after": "20ms", "retry": "5ms"}, count=1)
    for event in call.start():
        call.take(event)
    assert call.response is None and call.retry == 5
    while call.connections < 4:
        call.read()
    assert call.response is None and call.steps() == [1]
    call.client.call("go")
    while not call.read():
        pass
    assert call.steps() == [1] and call.text()


# ---------------------------------------------------------------- GET

class Listener:
    def __init__(self, client, last=None):
        self.connection = client.new_connection()
        headers = {**client.headers_for({}), "Accept": "text/event-stream"}
        self.connection.send_request("GET", client.path,
                                     {**headers, **({"Last-Event-ID": last} if last else {})})
        self.http = self.connection.read_response("GET")
        self.events = self.http.events()
        self.revision = client.agreed
        self.ids = []

    def next(self):
        """The method of the next message."""
        for event in self.events:
            if "id" in event:
                self.ids.append(event["id"])
            if event.get("data"):
                message = json.loads(event["data"])
                schema.check_from_server(self.revision, message)
                return message["method"]
        return None


TOOLS_CHANGED = "notifications/tools/list_changed"


def test_a_listener_that_comes_back_gets_what_it_missed(client):
    c = client(OLD, "http")
    first = Listener(c)
    c.call("add", name="one")
    assert first.next() == TOOLS_CHANGED
    assert len(first.ids) == 2  # primed
    first.connection.close()
    # As if it had not got the last one; another one comes while it is away.
    c.call("add", name="two")
    second = Listener(c, last=first.ids[0])
    assert second.next() == TOOLS_CHANGED and second.ids[-1] == first.ids[-1]
    assert second.next() == TOOLS_CHANGED
    third = Listener(c)
    c.call("add", name="three")
    assert third.next() == TOOLS_CHANGED
    assert set(second.ids).isdisjoint(third.ids)
    second.connection.close()
    third.connection.close()


def test_streams_that_listen_are_bounded(client):
    c = client(OLD, "http")
    open_ones = [Listener(c) for _ in range(16)]
    assert [one.http.status for one in open_ones] == [200] * 16
    refused = Listener(c)
    assert refused.http.status == 409
    for one in [*open_ones, refused]:
        one.connection.close()
    eventually(lambda: Listener(c).http.status == 200, "the closed ones to be noticed")


# ---------------------------------------------------------------- official clients

class Proxy:
    """Passes bytes on, and cuts the connection off behind the first event that has each mark."""

    def __init__(self, address, marks):
        self.target = address
        self.marks = list(marks)
        self.cuts = 0
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            threading.Thread(target=self.up, args=(near, far), daemon=True).start()
            threading.Thread(target=self.down, args=(near, far), daemon=True).start()

    def up(self, near, far):
        try:
            while data := near.recv(65536):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def down(self, near, far):
        seen = b""
        try:
            while data := far.recv(65536):
                seen = (seen + data)[-100000:]
                with self.lock:
                    mark = self.marks[0] if self.marks else None
                    at = seen.find(mark) if mark else -1
                    end = seen.find(b"\n\n\r\n", at) if at >= 0 else -1
                    if end >= 0:
                        self.marks.pop(0)
                        self.cuts += 1
                if end < 0:
                    near.sendall(data)
                    continue
                near.sendall(data[:len(data) - (len(seen) - end - 4)])
                # The client has what was sent before it sees the end: no reset.
                near.shutdown(socket.SHUT_RDWR)
                break
            else:
                near.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        far.close()

    def close(self):
        self.socket.close()


@pytest.fixture
def proxied(host):
    """proxied(marks): the URL of a host behind a proxy that cuts connections, and that proxy."""
    made = []

    def make(marks=(), **resume):
        served = host(plugins=["resume"], http=True, config=config(**{"retry": "10ms", **resume}))
        proxy = Proxy(served.address, [mark.encode() for mark in marks])
        made.append(proxy)
        return f"http://127.0.0.1:{proxy.address[1]}{served.path}", proxy
    yield make
    for proxy in made:
        proxy.close()


def node(script, *args):
    if not (NODE / "node_modules").is_dir():
        pytest.fail("the clients are not installed: tools/setup --test")
    shutil.copy(ROOT / "tests" / "e2e" / "node" / script, NODE / script)
    done = subprocess.run([str(NODE_PROGRAM), str(NODE / script), *args], capture_output=True,
                          text=True, timeout=PATIENCE * 2, stdin=subprocess.DEVNULL,
                          env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.clients
@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("close_every, marks", [
    (0, ["step 2"]), (0, ["step 1", "step 3", "step 4"]), (1, []), (2, ["step 3"])])
def test_the_typescript_client_comes_back(proxied, line, close_every, marks):
    url, proxy = proxied(marks)
    seen = node("resume.mjs", json.dumps({"line": line, "url": url, "count": 6,
                                          "close_every": close_every}))
    assert seen["steps"] == [1, 2, 3, 4, 5, 6], seen
    assert seen["text"] == f"6 steps, closed {6 // close_every if close_every else 0} times"
    assert len(seen["tokens"]) >= 7
    assert proxy.cuts == len(marks)


@pytest.mark.clients
@pytest.mark.parametrize("close_every, marks", [(0, ["step 2"]), (1, []), (3, []), (4, ["step 2"])])
def test_the_python_client_comes_back(proxied, close_every, marks):
    from mcp import Client
    url, proxy = proxied(marks)
    heard = []

    async def hear(message):
        heard.append(message.data)

    async def talk():
        async with Client(url, mode="legacy", read_timeout_seconds=PATIENCE,
                          logging_callback=hear) as client:
            await client.call_tool("go", {})
            return await client.call_tool("steps", {"count": 6, "close_every": close_every})
    result = asyncio.run(talk())
    assert [int((d["msg"] if isinstance(d, dict) else d).split()[1]) for d in heard] == \
        [1, 2, 3, 4, 5, 6]
    assert result.content[0].text == f"6 steps, closed {6 // close_every if close_every else 0} times"
    assert proxy.cuts == len(marks)
