"""The plugin sqlite: a request is a transaction, whatever happens to it, and however many there are."""

import concurrent.futures
import os
import signal
import sqlite3
import threading

import pytest

from harness.client import HttpClient, RpcError, connect
from harness.database import refused, rows_of
from harness.host import eventually, plugin_file
from harness.paths import SANITIZED, WRAP

NEW, OLD = "2026-07-28", "2025-11-25"
ACCOUNTS, EACH = 10, 1000
MANY = 100 if WRAP else 500


class Bank:
    """A database of accounts, looked at from outside of the host."""

    def __init__(self, path):
        self.path = path
        with self.connect() as made:
            made.execute("CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)")
            made.executemany("INSERT INTO accounts VALUES (?, ?)",
                             [(n + 1, EACH) for n in range(ACCOUNTS)])
        made.close()

    def connect(self):
        return sqlite3.connect(self.path, timeout=30)

    def ask(self, sql):
        one = self.connect()
        try:
            return one.execute(sql).fetchall()
        finally:
            one.close()

    def balances(self):
        return [b for (b,) in self.ask("SELECT balance FROM accounts ORDER BY id")]

    def is_as_it_was(self):
        return self.balances() == [EACH] * ACCOUNTS

    def is_writable(self):
        """True if nobody holds the lock."""
        one = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            one.execute("BEGIN IMMEDIATE")
            one.execute("ROLLBACK")
            return True
        except sqlite3.OperationalError:
            return False
        finally:
            one.close()


@pytest.fixture
def bank(tmp_path):
    return Bank(tmp_path / "bank.db")


@pytest.fixture
def orders(client, bank):
    """orders(...) starts a host with the bank's database and the tools that use it."""
    def start(revision=NEW, transport="http", more=None, **settings):
        settings = {"database": str(bank.path), "write": True, **settings}
        return client(revision, transport, plugins=["sqlite", "orders"], config={
            "plugins": [{"plugin": "sqlite", "settings": settings}], **(more or {})})
    return start


TOOLS = ["transfer", "transfer_blocking"]


# ---------------------------------------------------------------- one request

@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("revision,transport", [(OLD, "stdio"), (NEW, "http")])
def test_what_a_request_does_is_kept_when_it_ends_well(orders, bank, tool, revision, transport):
    c = orders(revision, transport)
    assert c.text(tool, amount=30) == "moved"
    assert bank.balances()[:3] == [EACH - 30, EACH + 30, EACH]
    assert bank.is_writable()


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("end", ["fail", "accident"])
def test_what_a_request_does_is_undone_when_it_fails(orders, bank, tool, end):
    c = orders()
    assert c.call(tool, end=end)["isError"]
    assert bank.is_as_it_was() and bank.is_writable()
    assert c.text(tool) == "moved"


def test_nothing_is_seen_from_outside_before_the_end(orders, bank):
    c = orders()
    pending = c.start_call("transfer", wait_ms=3600000)
    eventually(lambda: not bank.is_writable(), "the first change")
    assert bank.is_as_it_was()
    assert rows_of(c, "SELECT sum(balance) FROM accounts WHERE id < 3") == [[2 * EACH]]
    c.cancel(pending)
    eventually(bank.is_writable, "the change to be undone")
    assert bank.is_as_it_was()


def test_all_tools_of_a_request_share_its_transaction(orders, bank):
    c = orders()
    assert c.text("deep") == "moved twice"
    assert bank.balances()[:2] == [EACH - 2, EACH + 2]
    assert "as asked for" in refused(c, "deep", end="fail")
    assert bank.balances()[:2] == [EACH - 2, EACH + 2]


def test_a_statement_that_fails_need_not_fail_the_request(orders, bank):
    c = orders()
    c.text("transfer", end="swallow")  # it fails on purpose only if it says so itself
    assert bank.balances()[:2] == [EACH - 1, EACH + 1]


def test_resources_and_prompts_are_transactions_too(orders, bank):
    c = orders()
    assert c.request("resources/read", {"uri": "orders://visits"})["contents"][0]["text"] == "counted"
    assert bank.balances()[0] == EACH + 1
    with pytest.raises(RpcError):
        c.request("resources/read", {"uri": "orders://nothing"})
    assert bank.balances()[0] == EACH + 1
    c.request("prompts/get", {"name": "ask"})
    assert bank.balances()[0] == EACH + 2 and bank.is_writable()


def test_two_looks_see_the_same(orders, bank):
    """Reading in a request is a transaction as well: nothing changes under it."""
    c = orders()
    pending = c.start_call("look_twice", wait_ms=1500)
    pending_again = c.start_call("look_twice", wait_ms=1500)
    other = bank.connect()
    done = threading.Event()

    def change():
        while not done.is_set():
            other_one = bank.connect()
            with other_one:
                other_one.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
            other_one.close()
    thread = threading.Thread(target=change)
    thread.start()
    for p in (pending, pending_again):
        a, b = p.result()["content"][0]["text"].split()
        assert a == b
    done.set()
    thread.join()
    other.close()


def test_without_transactions_each_statement_is_one(orders, bank):
    c = orders(transactions=False)
    assert c.call("transfer", end="fail")["isError"]
    assert bank.balances()[:2] == [EACH - 1, EACH + 1]
    assert "UNIQUE" in refused(c, "execute", sql="INSERT INTO accounts VALUES (99, 0), (1, 0)")
    assert len(bank.balances()) == ACCOUNTS and bank.is_writable()


def test_a_read_that_others_have_outdated_is_not_written_from(orders, bank):
    c = orders()
    one = bank.connect()
    for _ in range(5):
        c.text("transfer", read_first=True)
    one.close()
    # Both read first; whoever comes second must not write from what it has read.
    pending = [c.start_call("transfer", read_first=True, wait_ms=300) for _ in range(6)]
    ends = [p.result() for p in pending]
    moved = sum(1 for e in ends if not e.get("isError"))
    for e in ends:
        if e.get("isError"):
            assert "others have changed the database" in e["content"][0]["text"]
    assert moved >= 1
    assert bank.balances()[:2] == [EACH - 5 - moved, EACH + 5 + moved]


def test_begin_immediate_outdates_nobody(orders, bank):
    c = orders(begin="immediate")
    pending = [c.start_call("transfer", read_first=True, wait_ms=5) for _ in range(20)]
    assert [p.result()["content"][0]["text"] for p in pending] == ["moved"] * 20
    assert bank.balances()[:2] == [EACH - 20, EACH + 20]


# ---------------------------------------------------------------- ends in between

@pytest.mark.parametrize("tool", TOOLS)
def test_cancelling_in_mid_transaction_rolls_back(orders, bank, tool):
    c = orders(OLD, "stdio")
    pending = c.start_call(tool, wait_ms=3600000)
    eventually(lambda: not bank.is_writable(), "the first change")
    c.cancel(pending)
    eventually(bank.is_writable, "the change to be undone")
    assert bank.is_as_it_was()
    assert c.text(tool) == "moved"


@pytest.mark.parametrize("tool", TOOLS)
def test_a_client_that_is_gone_in_mid_transaction_rolls_back(orders, bank, tool):
    c = orders()
    gone = HttpClient(c.host, NEW)
    pending = [gone.start_call(tool, wait_ms=3600000),
               gone.start_call(tool, end="hang")]  # one waits for the other's lock
    eventually(lambda: not bank.is_writable(), "the first change")
    for p in pending:
        gone.cancel_by_closing(p)
    gone.close()
    eventually(bank.is_writable, "the changes to be undone")
    assert bank.is_as_it_was()
    assert c.text(tool) == "moved"


def test_a_client_that_is_killed_in_mid_transaction_rolls_back(orders, bank, tmp_path):
    """A process of its own, killed: the kernel closes its connection."""
    c = orders()
    host, port = c.host.address
    body = ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"transfer","arguments":'
            '{"wait_ms":3600000},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
            '"io.modelcontextprotocol/clientInfo":{"name":"k","version":"1"},'
            '"io.modelcontextprotocol/clientCapabilities":{}}}}')
    child = os.fork()
    if child == 0:
        os.execvp("curl", ["curl", "-sN", "-X", "POST", f"http://{host}:{port}{c.host.path}",
                           "-H", "Content-Type: application/json",
                           "-H", "Accept: application/json, text/event-stream",
                           "-H", "MCP-Protocol-Version: 2026-07-28", "-H", "Mcp-Method: tools/call",
                           "-H", "Mcp-Name: transfer", "-d", body])
    try:
        eventually(lambda: not bank.is_writable(), "the first change")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    eventually(bank.is_writable, "the change to be undone")
    assert bank.is_as_it_was()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_deadline_in_mid_transaction_rolls_back(orders, bank, tool):
    c = orders(more={"server": {"call_timeout": "1s"}})
    result = c.call(tool, end="hang")
    assert result["isError"]
    eventually(bank.is_writable, "the change to be undone")
    assert bank.is_as_it_was()


def test_a_host_that_is_killed_leaves_nothing_half_done(orders, bank):
    c = orders()
    c.start_call("transfer", wait_ms=3600000)
    eventually(lambda: not bank.is_writable(), "the first change")
    c.host.expect_exit = -signal.SIGKILL
    c.host.process.kill()
    c.host.process.wait()
    eventually(bank.is_writable, "the lock to be gone")
    assert bank.is_as_it_was()


def test_a_host_that_stops_in_mid_transaction_rolls_back(orders, bank):
    c = orders(more={"server": {"drain": "100ms"}})
    c.start_call("transfer", wait_ms=3600000)
    eventually(lambda: not bank.is_writable(), "the first change")
    c.host.stop()
    assert bank.is_as_it_was() and bank.is_writable()


def test_a_change_that_sqlite_has_undone_fails_the_request(orders, bank):
    """An interrupted change undoes the whole transaction: a result then would be a lie."""
    c = orders(timeout=300)
    forever = ("UPDATE accounts SET balance = (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
               "SELECT i + 1 FROM n) SELECT count(*) FROM n)")
    assert "longer than 300 ms" in refused(c, "execute", sql=forever)
    assert bank.is_as_it_was() and bank.is_writable()


# ---------------------------------------------------------------- many at a time

def run_many(c, count, call):
    """So many calls at a time, each over a connection of its own; their results."""
    clients = [HttpClient(c.host, NEW) for _ in range(count)]
    try:
        pending = [call(client, n) for n, client in enumerate(clients)]
        return [p.result() for p in pending]
    finally:
        for client in clients:
            client.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("begin", ["deferred", "immediate"])
def test_hundreds_of_transactions_at_a_time_all_finish(orders, bank, begin):
    c = orders(begin=begin)
    sums = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            sums.append(sum(bank.balances()))
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        results = run_many(c, MANY, lambda client, n: client.start_call(
            TOOLS[n % 10 == 0], **{"from": n % ACCOUNTS + 1, "to": (n * 7 + 3) % ACCOUNTS + 1},
            amount=n % 13, wait_ms=n % 3, read_first=begin == "immediate",
            end="fail" if n % 5 == 0 else "well"))
    finally:
        stop.set()
        watcher.join()
    texts = [r["content"][0]["text"] for r in results]
    assert texts == ["as asked for" if n % 5 == 0 else "moved" for n in range(MANY)]
    expected = [EACH] * ACCOUNTS
    for n in range(MANY):
        if n % 5:
            expected[n % ACCOUNTS] -= n % 13
            expected[((n * 7 + 3) % ACCOUNTS)] += n % 13
    assert bank.balances() == expected
    assert set(sums) == {ACCOUNTS * EACH}
    assert bank.ask("PRAGMA integrity_check") == [("ok",)]
    assert "locked" not in c.host.log() and "busy" not in c.host.log()


@pytest.mark.timeout(600)
def test_readers_see_whole_transactions_only(orders, bank):
    c = orders()
    stop = threading.Event()

    def move():
        one = HttpClient(c.host, NEW)
        while not stop.is_set():
            assert one.text("transfer", amount=7) == "moved"
            assert one.text("transfer", amount=7, **{"from": 2, "to": 1}) == "moved"
        one.close()

    def look():
        one = HttpClient(c.host, NEW)
        for _ in range(60):
            assert rows_of(one, "SELECT sum(balance) FROM accounts") == [[ACCOUNTS * EACH]]
        one.close()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        movers = [pool.submit(move) for _ in range(3)]
        lookers = [pool.submit(look) for _ in range(3)]
        try:
            for future in lookers:
                future.result()
        finally:
            stop.set()
        for future in movers:
            future.result()
    assert bank.is_as_it_was()


@pytest.mark.timeout(600)
def test_another_process_that_writes_is_waited_for(orders, bank):
    c = orders(busy_timeout=60000)
    other = sqlite3.connect(bank.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    pending = [c.start_call("transfer") for _ in range(5)]
    assert rows_of(c, "SELECT count(*) FROM accounts") == [[ACCOUNTS]]
    assert not any(p.response for p in pending)
    other.execute("COMMIT")
    assert [p.result()["content"][0]["text"] for p in pending] == ["moved"] * 5
    other.close()


def test_another_process_that_does_not_stop_is_not_waited_for(orders, bank):
    c = orders(busy_timeout=100)
    other = sqlite3.connect(bank.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "locked by somebody else" in refused(c, "transfer")
    other.execute("ROLLBACK")
    other.close()
    assert c.text("transfer") == "moved"


@pytest.mark.timeout(600)
def test_a_journal_that_is_no_log_ahead_works_as_well(orders, bank):
    c = orders(journal="keep", busy_timeout=60000)
    results = run_many(c, MANY // 10, lambda client, n: client.start_call("transfer", wait_ms=1))
    assert [r["content"][0]["text"] for r in results] == ["moved"] * (MANY // 10)
    assert bank.balances()[:2] == [EACH - MANY // 10, EACH + MANY // 10]


@pytest.mark.timeout(600)
def test_a_database_in_memory_has_transactions_too(orders, bank):
    c = orders(database=":memory:")
    c.structured("execute", sql="CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER)")
    c.structured("execute", sql="INSERT INTO accounts VALUES (1, 0), (2, 0)")
    pending = [c.start_call("transfer", end="fail" if n % 2 else "well") for n in range(20)]
    for p in pending:
        p.result()
    assert rows_of(c, "SELECT balance FROM accounts ORDER BY id") == [[-10], [10]]


# ---------------------------------------------------------------- reload

def drop_another(one, number):
    """The same plugin in a file that is not the same."""
    scratch = one.drop / ".sqlite.so.new"
    scratch.write_bytes(plugin_file("sqlite").read_bytes() + bytes(number + 1))
    scratch.chmod(0o755)
    scratch.rename(one.drop / "sqlite.so")


def mapped(one):
    """The files of the plugin that the host has in memory."""
    maps = open(f"/proc/{one.process.pid}/maps").read().splitlines()
    return {line.split(maxsplit=5)[5] for line in maps
            if "/sqlite-" in line}


@pytest.mark.skipif(SANITIZED or bool(WRAP), reason="old generations stay in memory there")
def test_an_old_generation_leaves_the_memory(orders, bank):
    c = orders()
    assert c.text("transfer") == "moved" and rows_of(c, "SELECT 1") == [[1]]
    before = mapped(c.host)
    assert len(before) == 1
    for turn in range(3):
        drop_another(c.host, turn)
        c.host.wait_log(rf"generation {turn + 2} .* serves")
        assert c.text("transfer") == "moved"
        eventually(lambda: len(mapped(c.host)) == 1, "the old one to go")
    assert mapped(c.host) != before


@pytest.mark.timeout(900)
def test_a_reload_under_load_loses_no_call(host, bank):
    one = host(http=True, plugins=["sqlite", "orders"], config={
        "loading": {"debounce": "10ms", "settle": "10ms"},
        "plugins": [{"plugin": "sqlite", "settings": {"database": str(bank.path), "write": True,
                                                      "busy_timeout": 60000}}]})
    stop = threading.Event()
    moved = [0] * 6

    def work(number):
        c = HttpClient(one, NEW)
        while not stop.is_set():
            assert c.text(TOOLS[number % 2], wait_ms=number * 10) == "moved"
            assert rows_of(c, "SELECT sum(balance) FROM accounts") == [[ACCOUNTS * EACH]]
            moved[number] += 1
        c.close()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(work, n) for n in range(6)]
        try:
            for turn in range(3 if WRAP else 8 if SANITIZED else 15):
                drop_another(one, turn)
                one.wait_log(rf"generation {turn + 2} .* serves")
                before = sum(moved)
                eventually(lambda: sum(moved) > before + 5 or any(f.done() for f in futures),
                           "more transfers")
        finally:
            stop.set()
        for future in futures:
            future.result()
    total = sum(moved)
    assert total > 20
    assert bank.balances()[:2] == [EACH - total, EACH + total]
    levels = [line for line in one.log_lines() if line["level"] in ("warning", "error", "critical")]
    assert not levels, levels
