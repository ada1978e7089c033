"""The plugin sqlite and those who mean harm: SQL that wants out of the database, never ends, or needs all
the memory there is."""

import sqlite3
import threading

import pytest

from harness.client import HttpClient, connect
from harness.database import database, db, refused, rows_of  # noqa: F401
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"
FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
PATIENT = {"timeout": 600000}


# ---------------------------------------------------------------- wanting out

@pytest.mark.parametrize("sql,problem", [
    ("ATTACH '/etc/passwd' AS x", "ATTACH or VACUUM is not allowed"),
    ("ATTACH 'file:x?mode=memory' AS x", "ATTACH or VACUUM is not allowed"),
    ("DETACH main", "DETACH is not allowed"),
    ("VACUUM INTO '/tmp/gantry-stolen.db'", "not allowed|within a transaction|only reads"),
    ("VACUUM", "not allowed|within a transaction|only reads"),
    ("SELECT load_extension('/tmp/x.so')", "function load_extension is not allowed"),
    ("SELECT fts3_tokenizer('simple')", "function fts3_tokenizer is not allowed"),
    ("SELECT sqlite_log(1, 'x')", "not allowed|no such function"),
    ("SELECT readfile('/etc/passwd')", "no such function"),
    ("SELECT writefile('/tmp/x', 'y')", "no such function"),
    ("SELECT edit('x')", "no such function"),
    ("SELECT * FROM sqlite_stmt", "sqlite_stmt is not allowed"),
    ("BEGIN", "BEGIN, COMMIT or ROLLBACK is not allowed"),
    ("COMMIT", "BEGIN, COMMIT or ROLLBACK is not allowed"),
    ("ROLLBACK", "BEGIN, COMMIT or ROLLBACK is not allowed"),
    ("SAVEPOINT x", "SAVEPOINT is not allowed"),
    ("RELEASE x", "SAVEPOINT is not allowed"),
    ("PRAGMA writable_schema = 1", "PRAGMA writable_schema is not allowed"),
    ("PRAGMA writable_schema", "PRAGMA writable_schema is not allowed"),
    ("PRAGMA journal_mode = delete", "PRAGMA journal_mode is not allowed"),
    ("PRAGMA query_only = 0", "PRAGMA query_only is not allowed"),
    ("PRAGMA foreign_keys = 0", "PRAGMA foreign_keys is not allowed"),
    ("PRAGMA trusted_schema = 1", "PRAGMA trusted_schema is not allowed"),
    ("PRAGMA temp_store_directory = '/etc'", "is not allowed"),
    ("PRAGMA data_store_directory = '/etc'", "is not allowed"),
    ("PRAGMA database_list", "PRAGMA database_list is not allowed"),
    ("SELECT file FROM pragma_database_list", "not allowed"),
    ("PRAGMA hard_heap_limit = 1", "PRAGMA hard_heap_limit is not allowed"),
    ("PRAGMA max_page_count = 1", "PRAGMA max_page_count is not allowed"),
    ("PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint is not allowed"),
    ("PRAGMA locking_mode = exclusive", "PRAGMA locking_mode is not allowed"),
    ("CREATE TEMP TABLE x(y)", "not allowed"),
    ("CREATE TEMP VIEW x AS SELECT 1", "not allowed"),
    ("CREATE TABLE temp.x(y)", "not allowed"),
    ("UPDATE sqlite_schema SET sql = ''", "may not be modified|not allowed|only reads"),
    ("DELETE FROM sqlite_master", "may not be modified|not allowed|only reads"),
])
def test_sql_that_wants_out_is_refused(db, sql, problem):
    import re
    c = db(write=True)
    for tool in ("query", "execute"):
        assert re.search(problem, refused(c, tool, sql=sql)), (tool, sql)
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]


def test_modules_other_than_the_known_make_no_tables(db):
    c = db(write=True)
    for module in ("csv(filename='/etc/passwd')", "dbstat", "fsdir", "unknown", "sqlite_stmt"):
        assert "not allowed" in refused(c, "execute", sql=f"CREATE VIRTUAL TABLE x USING {module}"), \
            module


def test_what_is_refused_hides_in_nothing(db):
    c = db(write=True)
    for sql in ("EXPLAIN ATTACH 'x' AS y", "CREATE TRIGGER t AFTER DELETE ON goods BEGIN "
                "SELECT load_extension('x'); END",
                "CREATE VIEW v AS SELECT load_extension('x')"):
        result = c.call("execute", sql=sql)
        if result.get("isError"):
            assert "not allowed" in result["content"][0]["text"]
    result = c.call("query", sql="SELECT * FROM v")
    assert result["isError"] and "load_extension" in result["content"][0]["text"]
    result = c.call("execute", sql="DELETE FROM goods")
    assert result["isError"] and "load_extension" in result["content"][0]["text"]
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]


BAITS = ["'; DROP TABLE goods; --", "' OR '1'='1", "1; DELETE FROM goods", "x') UNION SELECT 1 --", "\\'",
         "\"", "goods", "$a", "?", ":a", "%", "\u2019 OR 1=1", "a\0'; DROP TABLE goods"]


def test_a_value_is_never_sql(db):
    c = db(write=True)
    for bait in BAITS:
        assert rows_of(c, "SELECT name FROM goods WHERE name = ?", [bait]) == [], bait
        assert rows_of(c, "SELECT name FROM goods WHERE name = :n", {"n": bait}) == [], bait
        c.structured("execute", sql="INSERT INTO goods(name) VALUES (?)", params=[bait])
        assert rows_of(c, "SELECT name FROM goods WHERE name = ?", [bait]) == [[bait]]
        assert refused(c, "query", sql="SELECT 1", params={bait: 1}), bait
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3 + len(BAITS)]]


# ---------------------------------------------------------------- never ending

ENDLESS = {
    "recursion": FOREVER,
    "rows that nobody gets": FOREVER.replace("count(*)", "i") + " WHERE i < 0",
    "a join": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) "
              "SELECT count(*) FROM n a, n b, n c",
    "gluing": "SELECT group_concat(hex(randomblob(1000))) FROM (" +
              FOREVER.replace("count(*)", "i") + ")",
    "sorting": FOREVER.replace("count(*)", "i") + " ORDER BY random()",
    "integrity": "SELECT count(*) FROM (" + FOREVER.replace("count(*)", "i") + ") "
                 "JOIN pragma_integrity_check",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_statement_ends_in_time(db, kind):
    c = db(timeout=300)
    message = refused(c, "query", sql=ENDLESS[kind])
    assert "longer than 300 ms" in message or "too much memory" in message
    assert rows_of(c, "SELECT 1") == [[1]]


def test_a_change_that_takes_too_long_is_undone(db):
    c = db(write=True, timeout=300)
    assert "longer than 300 ms" in refused(
        c, "execute", sql="INSERT INTO goods(name) " + FOREVER.replace("count(*)", "i"))
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]
    assert c.structured("execute", sql="INSERT INTO goods(name) VALUES ('x')")["changes"] == 1


def test_a_thousand_rows_of_a_pattern_are_bounded(db):
    c = db(timeout=1000)
    assert "pattern too complex" in refused(c, "query", sql="SELECT 'a' LIKE ?", params=["%a" * 600])
    slow = "SELECT hex(zeroblob(4000000)) LIKE ?"
    c.call("query", sql=slow, params=["%0" * 400 + "1"])
    assert rows_of(c, "SELECT 1") == [[1]]


def test_functions_that_sqlite_could_not_stop_are_quick(db):
    """With SQLite's own these would run for hours, and nothing could end them."""
    c = db()
    long = "hex(zeroblob(4000000))"
    needle = "hex(zeroblob(2000000)) || '1'"
    assert rows_of(c, f"SELECT instr({long}, {needle}), instr({long} || '1', {needle})") == \
        [[0, 4000001]]
    assert rows_of(c, f"SELECT length(replace({long}, {needle}, ''))") == [[8000000]]
    assert "more than 64 characters" in refused(c, "query", sql=f"SELECT trim({long}, {needle})")


@pytest.mark.parametrize("sql,value", [
    ("instr('grüße', 'ß')", 4), ("instr('abc', '')", 1), ("instr('', 'a')", 0), ("instr('', '')", 1),
    ("instr(NULL, 'a')", None), ("instr('a', NULL)", None), ("instr(12345, 34)", 3),
    ("instr(x'00010203', x'0203')", 3), ("instr(x'0001', 'a')", 0), ("instr('aXbX', 'X')", 2),
    ("replace('aXbXc', 'X', '--')", "a--b--c"), ("replace('aaa', 'aa', 'b')", "ba"),
    ("replace('abc', '', 'x')", "abc"), ("replace('', 'a', 'x')", ""), ("replace(NULL, 'a', 'b')", None),
    ("replace('a', NULL, 'b')", None), ("replace('a', 'b', NULL)", None), ("replace(121, 1, 'x')", "x2x"),
    ("replace('abc', 'abc', '')", ""), ("replace('aXb', 'X', '')", "ab"),
    ("trim('  a b ')", "a b"), ("ltrim('  a ')", "a "), ("rtrim(' a  ')", " a"), ("trim('')", ""),
    ("trim('xyaxy', 'yx')", "a"), ("ltrim('üäaü', 'äü')", "aü"), ("rtrim('üaäü', 'äü')", "üa"),
    ("trim(NULL)", None), ("trim('a', NULL)", None), ("trim('  ')", ""), ("trim('abc', '')", "abc"),
    ("trim(1211, 1)", "2"), ("typeof(trim(5))", "text"),
])
def test_they_give_what_those_of_sqlite_give(db, sql, value):
    with sqlite3.connect(":memory:") as own:
        assert own.execute(f"SELECT {sql}").fetchone() == (value,)
    own.close()
    assert rows_of(db(), f"SELECT {sql}") == [[value]]


# ---------------------------------------------------------------- needing too much

BIG = [
    ("SELECT randomblob(1000000000)", "too large"),
    ("SELECT zeroblob(2000000000)", "too large"),
    ("SELECT hex(randomblob(15000000))", "too large"),
    ("SELECT replace(hex(zeroblob(5000000)), '0', 'xxxxxxxxxx')", "too large"),
    ("SELECT " + "(" * 1500 + "1" + ")" * 1500, "parser stack|depth"),
    ("SELECT " + "1+" * 5000 + "1", "Expression tree is too large"),
    ("SELECT " + "abs(" * 300 + "1" + ")" * 300, "parser stack|Expression tree is too large"),
    (" UNION ALL ".join(["SELECT 1"] * 200), "too many terms in compound SELECT"),
    ("SELECT " + ",".join(["1"] * 3000), "too many columns"),
    ("SELECT ?32000", "variable number must be between .1 and .1000"),
    ("SELECT max(" + ",".join(["1"] * 200) + ")", "too many arguments"),
    ("SELECT * FROM " + ",".join(f"goods g{i}" for i in range(70)), "at most 64 tables"),
]


@pytest.mark.parametrize("sql,problem", BIG, ids=range(len(BIG)))
def test_what_is_too_large_is_refused(db, sql, problem):
    import re
    c = db()
    assert re.search(problem, refused(c, "query", sql=sql)), problem
    assert rows_of(c, "SELECT 1") == [[1]]


def test_a_statement_that_is_too_long_is_refused(db):
    c = db()
    assert "sql" in refused(c, "query", sql="SELECT '" + "x" * 262144 + "'")


def test_the_memory_of_a_statement_is_bounded(db):
    c = db(max_memory=20 << 20, **PATIENT)
    for sql in (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT count(*) FROM n",
            FOREVER.replace("count(*)", "randomblob(1000)") + " ORDER BY 1",
            "SELECT count(DISTINCT randomblob(100)) FROM (" + FOREVER.replace("count(*)", "i") + ")"):
        message = refused(c, "query", sql=sql)
        assert "too much memory (max_memory is 20971520 bytes)" in message
    assert rows_of(c, "SELECT 1") == [[1]]
    assert c.host.resident_bytes() < 1 << 30


def test_the_database_may_not_grow_beyond_its_bound(db):
    c = db(write=True, max_database=200000)
    assert "full" in refused(c, "execute", sql="INSERT INTO goods(name) VALUES (hex(zeroblob(200000)))")
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]
    c.structured("execute", sql="INSERT INTO goods(name) VALUES ('small')")


# ---------------------------------------------------------------- cancelling

@pytest.mark.parametrize("revision,transport", [(OLD, "stdio"), (OLD, "http"), (NEW, "stdio"),
                                                (NEW, "http")])
def test_a_cancelled_query_stops(db, revision, transport):
    """More of them than there are workers: unless they end, nobody else is served."""
    first = c = db(revision, transport, **PATIENT)
    for _ in range(3):
        pending = [c.start_call("query", sql=FOREVER) for _ in range(8)]
        if transport == "http":
            eventually(lambda: all(p.connection for p in pending), "the requests to be sent")
        c.request("tools/list")
        for p in pending:
            c.cancel(p)
        assert rows_of(c, "SELECT 1") == [[1]]
        if transport == "http":  # a new one, since it sends again what went over an idle connection
            c = connect(first.host, revision, "http")


def test_a_client_that_goes_away_leaves_nothing_running(host, database):
    one = host(http=True, plugins=["sqlite"], config={"plugins": [
        {"plugin": "sqlite", "settings": {"database": str(database), **PATIENT}}]})
    for _ in range(3):
        gone = HttpClient(one, NEW)
        pending = [gone.start_call("query", sql=FOREVER) for _ in range(4)]
        for p in pending:
            eventually(lambda: p.connection, "the request to be sent")
        for p in pending:
            gone.cancel_by_closing(p)
        gone.close()
    stays = connect(one, NEW, "http")
    assert rows_of(stays, "SELECT 1") == [[1]]
    stays.close()


def test_a_host_that_stops_waits_for_no_query(db):
    c = db(NEW, "http", **PATIENT)
    pending = c.start_call("query", sql=FOREVER)
    eventually(lambda: pending.connection, "the request to be sent")
    c.structured("query", sql="SELECT 1")
    c.host.stop()  # and it stops cleanly


def test_slow_queries_leave_room_for_quick_ones(db):
    c = db(NEW, "http", timeout=3000)
    slow = [c.start_call("query", sql=FOREVER) for _ in range(2)]
    done = []

    def quick():
        for _ in range(20):
            done.append(c.request("tools/list"))
    thread = threading.Thread(target=quick)
    thread.start()
    thread.join(60)
    assert len(done) == 20
    for p in slow:
        assert "longer than 3000 ms" in p.result()["content"][0]["text"]
