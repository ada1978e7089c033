"""The plugin sqlite: what it does, and its settings. Its transactions and attacks have files of their
own."""

import base64
import json
import sqlite3

import pytest

from harness.client import RpcError
from harness.database import database, db, refused, rows_of, read_uri  # noqa: F401

NEW, OLD = "2026-07-28", "2025-11-25"


# ---------------------------------------------------------------- what it does

def test_everything_is_offered(db, revision, transport):
    c = db(revision, transport)
    assert c.names() == ["query"]
    assert [r["uri"] for r in c.list("resources")] == ["sqlite://schema"]
    templates = c.request("resources/templates/list")["resourceTemplates"]
    assert [t["uriTemplate"] for t in templates] == ["sqlite://table/{name}"]
    result = c.call("query", sql="SELECT name, price FROM goods ORDER BY id")
    assert result["content"][0]["text"].endswith("3 rows")
    if revision < "2025-06-18":
        assert "structuredContent" not in result
        return
    assert result["structuredContent"] == {"columns": ["name", "price"], "truncated": False,
                     "rows": [["apple", 1.5], ["bread", 3], ["cheese|blue", None]]}


def test_rows_come_as_a_table_in_text_too(db):
    c = db()
    result = c.call("query", sql="SELECT id, name, price FROM goods ORDER BY id")
    assert [b["text"] for b in result["content"]] == [
        "| id | name | price |\n| --- | --- | --- |\n| 1 | apple | 1.5 |\n| 2 | bread | 3.0 |\n"
        "| 3 | cheese\\|blue | NULL |\n\n3 rows"]
    (empty,) = c.call("query", sql="SELECT id FROM goods WHERE 0")["content"]
    assert empty["text"] == "| id |\n| --- |\n0 rows"


def test_parameters_by_position_and_by_name(db):
    c = db()
    assert rows_of(c, "SELECT name FROM goods WHERE id = ? OR id = ? ORDER BY 1", [2, 1]) == \
        [["apple"], ["bread"]]
    assert rows_of(c, "SELECT ?2, ?1", ["a", "b"]) == [["b", "a"]]
    for sigil in ":@$":
        assert rows_of(c, f"SELECT {sigil}a, {sigil}b, {sigil}a", {"a": 1, "b": "x"}) == [[1, "x", 1]]
    assert rows_of(c, "SELECT :a, @b", {":a": 1, "@b": 2}) == [[1, 2]]
    assert rows_of(c, "SELECT 1", []) == rows_of(c, "SELECT 1", {}) == [[1]]


def test_values_of_every_type_come_back_as_they_went(db):
    c = db(write=True)
    big = 2**63 - 1
    blob = {"$blob": base64.b64encode(bytes(range(256))).decode()}
    values = [None, 0, -1, big, -big - 1, 1.5, -2.5e300, "", "grüße 🎈 \"'`;--", "a\nb\r\n\t|", blob,
              {"$blob": ""}, "2" * 5000]
    for value in values:
        assert rows_of(c, "SELECT ?", [value]) == [[value]], value
    kinds = rows_of(c, "SELECT typeof(?), typeof(?), typeof(?), typeof(?), typeof(?), typeof(?)",
                    [None, 1, 1.0, "1", blob, True])
    assert kinds == [["null", "integer", "real", "text", "blob", "integer"]]
    assert rows_of(c, "SELECT ?, ?", [True, False]) == [[1, 0]]
    assert rows_of(c, "SELECT length(?), hex(?)", ["a\0b", "a\0b"]) == [[1, "610062"]]
    assert rows_of(c, "SELECT ?", ["a\0b"]) == [["a\0b"]]
    assert rows_of(c, "SELECT 9e999, -9e999, 9e999 - 9e999") == [["Infinity", "-Infinity", None]]
    assert rows_of(c, f"SELECT {big}, CAST({big} AS TEXT)") == [[big, str(big)]]
    c.call("execute", sql="CREATE TABLE v(x)")
    for value in values:
        c.structured("execute", sql="INSERT INTO v VALUES (?)", params=[value])
    assert [r[0] for r in rows_of(c, "SELECT x FROM v ORDER BY rowid")] == values


@pytest.mark.parametrize("params,sql,problem", [
    ([], "SELECT ?", "has 1 parameters, params has 0"),
    ([1, 2], "SELECT ?", "has 1 parameters, params has 2"),
    ({"a": 1}, "SELECT ?", "has no parameter a"),
    ({}, "SELECT ?", "has no name"),
    ({"a": 1}, "SELECT :a, :b", "params lacks :b"),
    ({"a": 1, "c": 2}, "SELECT :a", "has no parameter c"),
    ([2**63], "SELECT ?", "parameter 1 does not fit into 64 bits"),
    ({"n": -2**63 - 1}, "SELECT :n", "parameter n does not fit into 64 bits"),
    ([[1]], "SELECT ?", "parameter 1 is an array"),
    ([1, {"a": 1}], "SELECT ?, ?", "parameter 2 is an object"),
    ([{"$blob": "AAE"}], "SELECT ?", "parameter 1 is not Base64"),
    ([{"$blob": "A-E="}], "SELECT ?", "parameter 1 is not Base64"),
    ([{"$blob": "AAF="}], "SELECT ?", "parameter 1 is not Base64"),
    ([{"$blob": "AA==AAAA"}], "SELECT ?", "parameter 1 is not Base64"),
    ([{"$blob": 1}], "SELECT ?", "parameter 1 is an object"),
    ([{"$blob": "", "x": 1}], "SELECT ?", "parameter 1 is an object"),
    (list(range(1001)), "SELECT 1", "1001 parameters"),
])
def test_parameters_that_do_not_fit_are_refused_by_name(db, params, sql, problem):
    assert problem in refused(db(), "query", sql=sql, params=params)


def test_results_end_where_they_must(db):
    c = db(max_rows=50, max_bytes=20000)
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) "
    found = c.structured("query", sql=count + "SELECT i FROM n")
    assert [r[0] for r in found["rows"]] == list(range(1, 51)) and found["truncated"]
    found = c.structured("query", sql=count + "SELECT i FROM n", max_rows=7)
    assert len(found["rows"]) == 7 and found["truncated"]
    found = c.structured("query", sql=count + "SELECT i FROM n", max_rows=90000)
    assert len(found["rows"]) == 50
    found = c.structured("query", sql=count + "SELECT i FROM n LIMIT 50")
    assert len(found["rows"]) == 50 and not found["truncated"]
    found = c.structured("query", sql=count + "SELECT hex(zeroblob(500)) FROM n")
    assert len(found["rows"]) == 19 and found["truncated"]
    text = c.call("query", sql=count + "SELECT i FROM n")["content"][0]["text"]
    assert text.endswith("50 rows; there are more")
    assert "a row is larger than 20000 bytes" in refused(c, "query", sql="SELECT hex(zeroblob(10001))")


def test_errors_are_told_as_sqlite_tells_them(db):
    c = db(write=True)
    assert refused(c, "query", sql="SELEC 1") == \
        'near "SELEC": syntax error (at byte 1 of the statement)'
    assert "no such table: nobody" in refused(c, "query", sql="SELECT * FROM nobody")
    assert "no such column: nobody" in refused(c, "query", sql="SELECT nobody FROM goods")
    assert "UNIQUE constraint failed: goods.id" in refused(
        c, "execute", sql="INSERT INTO goods(id, name) VALUES (1, 'x')")
    assert "NOT NULL constraint failed: goods.name" in refused(
        c, "execute", sql="INSERT INTO goods(id) VALUES (9)")
    assert "FOREIGN KEY constraint failed" in refused(
        c, "execute", sql="INSERT INTO sales(good, number) VALUES (99, 1)")
    assert "incomplete input" in refused(c, "query", sql="SELECT (")
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]


def test_one_statement_at_a_time(db):
    c = db(write=True)
    for sql in ("SELECT 1; SELECT 2", "SELECT 1; DELETE FROM goods", "SELECT 1; nonsense",
                "; SELECT 1; ; SELECT 2"):
        assert "more than one statement" in refused(c, "query", sql=sql), sql
    assert "more than one statement" in refused(
        c, "execute", sql="DELETE FROM sales; DELETE FROM goods")
    for sql in ("SELECT 1;", " ; SELECT 1 ;; -- done", "/* a */ SELECT 1 /* b */ ; /* c */\n"):
        assert rows_of(c, sql) == [[1]], sql
    for sql in (" ", ";", "-- nothing", "/* nothing"):
        assert "no statement" in refused(c, "query", sql=sql), sql
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]


# ---------------------------------------------------------------- writing

def test_execute_tells_what_it_changed(db, database):
    c = db(write=True)
    assert sorted(c.names()) == ["execute", "query"]
    tools = {t["name"]: t["annotations"] for t in c.list("tools")}
    assert tools["query"]["readOnlyHint"] is True
    assert tools["execute"]["readOnlyHint"] is False and tools["execute"]["destructiveHint"] is True
    assert c.structured("execute", sql="CREATE TABLE new(id INTEGER PRIMARY KEY, x)") == \
        {"changes": 0}
    assert c.structured("execute", sql="INSERT INTO new(x) VALUES (?), (?)", params=[1, 2]) == \
        {"changes": 2, "last_insert_rowid": 2}
    assert c.structured("execute", sql="UPDATE new SET x = x + 1") == {"changes": 2}
    assert c.structured("execute", sql="UPDATE new SET x = 0 WHERE 0") == {"changes": 0}
    assert c.structured("execute", sql="INSERT INTO new(id, x) VALUES (:i, 7) RETURNING id, x * 2 AS y",
                        params={"i": 2**62}) == \
        {"changes": 1, "last_insert_rowid": 2**62, "columns": ["id", "y"], "rows": [[2**62, 14]],
         "truncated": False}
    assert c.structured("execute", sql="DELETE FROM new WHERE id < 3") == {"changes": 2}
    for sql in ("ALTER TABLE new RENAME x TO z", "ALTER TABLE new ADD y DEFAULT 4",
                "CREATE INDEX new_z ON new(z)", "ALTER TABLE new DROP COLUMN y", "REINDEX", "ANALYZE",
                "CREATE TRIGGER t AFTER DELETE ON new BEGIN SELECT 1; END"):
        assert c.structured("execute", sql=sql)["changes"] == 0, sql
    assert c.call("execute", sql="DELETE FROM new")["content"][0]["text"] == "1 row changed"
    with sqlite3.connect(database) as other:
        assert other.execute("SELECT count(*) FROM new").fetchone() == (0,)
    other.close()


def test_what_returns_more_than_fits_is_done_all_the_same(db):
    c = db(write=True, max_rows=3)
    done = c.structured("execute", sql="INSERT INTO goods(name) WITH RECURSIVE n(i) AS (SELECT 1 "
                        "UNION ALL SELECT i + 1 FROM n LIMIT 10) SELECT 'n' || i FROM n RETURNING id")
    assert done["changes"] == 10 and len(done["rows"]) == 3 and done["truncated"]
    assert rows_of(c, "SELECT count(*) FROM goods") == [[13]]


def test_a_database_that_is_only_read_stays_as_it_is(db, database):
    before = database.read_bytes()
    c = db()
    for sql in ("DELETE FROM goods", "INSERT INTO goods(name) VALUES ('x')", "UPDATE goods SET price = 1",
                "REPLACE INTO goods(id, name) VALUES (1, 'x')",
                "WITH x AS (SELECT 1) DELETE FROM goods"):
        assert refused(c, "query", sql=sql) == "this database is only read", sql
    for sql in ("CREATE TABLE x(y)", "DROP TABLE goods", "ALTER TABLE goods ADD z", "REINDEX",
                "ANALYZE", "CREATE VIEW x AS SELECT 1"):
        assert refused(c, "query", sql=sql).endswith("is not allowed: query only reads"), sql
    with pytest.raises(RpcError):
        c.call("execute", sql="DELETE FROM goods")
    c.host.stop()
    assert database.read_bytes() == before
    assert sorted(p.name for p in database.parent.iterdir() if p.name.startswith("shop")) == ["shop.db"]


def test_query_never_writes_where_execute_may(db):
    c = db(write=True)
    assert refused(c, "query", sql="DELETE FROM goods") == \
        "query only reads: use execute to change something"
    assert rows_of(c, "EXPLAIN QUERY PLAN DELETE FROM goods")[0][3] == "SCAN goods"
    assert refused(c, "query", sql="PRAGMA user_version = 4") == \
        "setting PRAGMA user_version is not allowed"
    c.structured("execute", sql="PRAGMA user_version = 4")
    assert rows_of(c, "PRAGMA user_version") == [[4]]
    assert rows_of(c, "SELECT count(*) FROM goods") == [[3]]


def test_full_text_search_and_trees_work(db):
    c = db(write=True)
    c.structured("execute", sql="CREATE VIRTUAL TABLE notes USING fts5(body)")
    c.structured("execute", sql="INSERT INTO notes VALUES (?), (?)",
                 params=["the quick brown fox", "the lazy dog"])
    assert rows_of(c, "SELECT rowid FROM notes WHERE notes MATCH ?", ["lazy"]) == [[2]]
    c.structured("execute", sql="CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)")
    c.structured("execute", sql="INSERT INTO boxes VALUES (1, 0, 10), (2, 20, 30)")
    assert rows_of(c, "SELECT id FROM boxes WHERE x0 > 15") == [[2]]
    tables = json.loads(read_uri(c, "sqlite://schema")["text"])["tables"]
    assert {t["name"]: t["type"] for t in tables}["notes"] == "virtual"
    assert not [t["name"] for t in tables if t["name"].startswith(("notes_", "boxes_"))]


# ---------------------------------------------------------------- what is in it

def test_the_schema_is_a_resource(db):
    c = db()
    schema = json.loads(read_uri(c, "sqlite://schema")["text"])
    assert [(t["name"], t["type"], t["uri"]) for t in schema["tables"]] == [
        ("cheap", "view", "sqlite://table/cheap"), ("goods", "table", "sqlite://table/goods"),
        ("odd name/ü", "table", "sqlite://table/odd%20name%2F%C3%BC"),
        ("sales", "table", "sqlite://table/sales")]
    assert schema["tables"][0]["sql"] == "CREATE VIEW cheap AS SELECT * FROM goods WHERE price < 2"
    assert schema["writable"] is False and schema["truncated"] is False


def test_a_table_is_a_resource(db):
    c = db()
    goods = json.loads(read_uri(c, "sqlite://table/goods")["text"])
    assert goods["columns"] == [
        {"name": "id", "type": "INTEGER", "nullable": False, "primary_key": 1},
        {"name": "name", "type": "TEXT", "nullable": False},
        {"name": "price", "type": "REAL", "nullable": True, "default": "0.5"},
        {"name": "twice", "type": "REAL", "nullable": True, "generated": True}]
    assert goods["indexes"] == [{"name": "by_name", "unique": True, "primary_key": False,
                                 "partial": True, "columns": ["name", None]}]
    assert goods["rows"] == 3 and goods["foreign_keys"] == []
    sales = json.loads(read_uri(c, "sqlite://table/SALES")["text"])
    assert sales["name"] == "sales" and sales["rows"] == 1
    assert sales["foreign_keys"] == [{"columns": ["good"], "table": "goods", "references": ["id"],
                                      "on_update": "NO ACTION", "on_delete": "CASCADE"}]
    assert [x["columns"] for x in sales["indexes"]] == [["good", "number"]]
    assert sales["indexes"][0]["primary_key"] is True
    assert json.loads(read_uri(c, "sqlite://table/cheap")["text"])["rows"] == 1


def test_a_table_that_is_not_there_is_not_found(db):
    c = db(NEW, "http")
    for name in ("nobody", "sqlite_schema", "goods%22", "by_name"):
        with pytest.raises(RpcError) as e:
            read_uri(c, f"sqlite://table/{name}")
        assert e.value.code == -32602, name


def complete(c, value, uri="sqlite://table/{name}"):
    return c.request("completion/complete", {
        "ref": {"type": "ref/resource", "uri": uri},
        "argument": {"name": "name", "value": value}})["completion"]["values"]


def test_names_of_tables_complete(db):
    c = db()
    assert complete(c, "") == ["cheap", "goods", "odd name/ü", "sales"]
    assert complete(c, "G") == ["goods"]
    assert complete(c, "%") == complete(c, "' OR 1=1 --") == []


def test_only_the_tables_listed_exist(db, database):
    with sqlite3.connect(database) as other:
        other.execute("CREATE VIEW hidden AS SELECT id AS number FROM goods")
        other.execute("CREATE TRIGGER noted AFTER UPDATE ON sales BEGIN "
                      "UPDATE goods SET price = 9 WHERE id = new.good; END")
        other.execute("CREATE TRIGGER lost AFTER DELETE ON sales BEGIN "
                      "UPDATE goods SET price = 7; END")
    other.close()
    c = db(write=True, tables=["sales", "CHEAP", "noted"])
    assert rows_of(c, "SELECT number FROM sales") == [[2]]
    assert rows_of(c, "SELECT count(*) FROM Cheap") == [[1]]  # though it reads goods
    for sql in ("SELECT * FROM goods", "SELECT count(*) FROM goods", "SELECT * FROM sqlite_schema",
                "SELECT 1 FROM sales WHERE EXISTS (SELECT 1 FROM goods)",
                "SELECT * FROM sales JOIN goods ON good = goods.id",
                "WITH g AS (SELECT * FROM goods) SELECT * FROM g",
                "WITH cheap AS (SELECT * FROM goods) SELECT * FROM cheap",
                "/**/wItH\ncheap(a) AS (SELECT name FROM goods) SELECT * FROM cheap",
                "SELECT * FROM (SELECT * FROM goods) AS cheap",
                "SELECT (SELECT name FROM goods AS sales) FROM sales",
                "SELECT count(*) FROM hidden", "SELECT 1 FROM sales WHERE number IN hidden",
                "SELECT number FROM sales UNION SELECT number FROM hidden",
                "SELECT * FROM pragma_table_info('goods')", "SELECT * FROM dbstat"):
        assert "is not allowed" in refused(c, "query", sql=sql), sql
    assert "is not allowed" in refused(c, "query", sql="PRAGMA table_info(goods)")
    assert "is not allowed" in refused(c, "query", sql="PRAGMA table_list")
    for sql in ("DELETE FROM goods", "INSERT INTO sales SELECT id, 1 FROM goods", "DROP TABLE sales",
                "CREATE VIEW mine AS SELECT * FROM goods", "CREATE TABLE mine(x)",
                "ALTER TABLE sales RENAME TO goods2"):
        assert "is not allowed" in refused(c, "execute", sql=sql), sql
    assert c.structured("execute", sql="UPDATE sales SET number = 5")["changes"] == 1
    assert "UPDATE goods is not allowed" in refused(c, "execute", sql="DELETE FROM sales")
    schema = json.loads(read_uri(c, "sqlite://schema")["text"])
    assert [t["name"] for t in schema["tables"]] == ["cheap", "sales"]
    assert complete(c, "") == ["cheap", "sales"]
    with pytest.raises(RpcError):
        read_uri(c, "sqlite://table/goods")
    with sqlite3.connect(database) as other:
        assert other.execute("SELECT price FROM goods ORDER BY id").fetchall() == [(9,), (3,), (None,)]
    other.close()


# ---------------------------------------------------------------- settings and instances

@pytest.mark.parametrize("settings,problem", [
    ({"database": "shop.db"}, "with its whole path"),
    ({"database": ":memory:"}, "in memory is empty"),
    ({"database": "/nowhere/shop.db"}, "cannot open the database"),
    ({"database": "/nowhere/shop.db", "create": True}, "works only with write"),
    ({"database": "/etc/passwd"}, "not a database"),
    ({"database": "/"}, "cannot open the database"),
    ({}, "database"),
    ({"database": "/x", "begin": "later"}, "begin"),
    ({"database": "/x", "max_rows": 0}, "max_rows"),
])
def test_settings_that_cannot_be_are_refused(host, settings, problem):
    one = host(http=True, plugins=["sqlite"],
               config={"plugins": [{"plugin": "sqlite", "settings": settings}]})
    one.wait_log(problem)


def test_a_file_is_made_only_if_it_may_be(db, database):
    new = database.with_name("new.db")
    c = db(write=True, create=True, path=new)
    c.structured("execute", sql="CREATE TABLE t(x)")
    c.host.stop()
    assert new.exists()
    with sqlite3.connect(new) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_the_journal_may_stay_as_it_is(db, database):
    c = db(write=True, journal="keep")
    c.structured("execute", sql="DELETE FROM sales")
    with sqlite3.connect(database) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.close()
    assert not database.with_name("shop.db-wal").exists()


def test_a_database_in_memory(db):
    c = db(write=True, path=":memory:")
    c.structured("execute", sql="CREATE TABLE t(x)")
    c.structured("execute", sql="INSERT INTO t VALUES (1)")
    assert rows_of(c, "SELECT * FROM t") == [[1]]
    assert json.loads(read_uri(c, "sqlite://table/t")["text"])["rows"] == 1


def test_several_instances_have_a_database_each(client, tmp_path):
    names = ["sqlite", "stock", "people"]
    c = client(NEW, "http", plugins=["sqlite"], config={"plugins": [
        {"plugin": "sqlite", "name": name, "settings": {
            "database": str(tmp_path / f"{name}.db"), "write": True, "create": True}}
        for name in names]})
    prefix = {"sqlite": "", "stock": "stock_", "people": "people_"}
    for name in names:
        c.structured(prefix[name] + "execute", sql=f"CREATE TABLE of_{name}(x)")
        c.structured(prefix[name] + "execute", sql=f"INSERT INTO of_{name} VALUES ('{name}')")
    for name in names:
        assert rows_of(c, f"SELECT x FROM of_{name}", tool=prefix[name] + "query") == [[name]]
        base = "sqlite://" if name == "sqlite" else f"sqlite://{name}/"
        tables = json.loads(read_uri(c, base + "schema")["text"])["tables"]
        assert [(t["name"], t["uri"]) for t in tables] == [(f"of_{name}", f"{base}table/of_{name}")]
        assert json.loads(read_uri(c, f"{base}table/of_{name}")["text"])["rows"] == 1
        assert complete(c, "", base + "table/{name}") == [f"of_{name}"]


def test_what_another_process_writes_is_seen_at_once(db, database):
    c = db()
    other = sqlite3.connect(database, isolation_level=None)
    for n in range(5):
        other.execute("INSERT INTO sales VALUES (1, ?)", (10 + n,))
        assert rows_of(c, "SELECT count(*) FROM sales") == [[2 + n]]
    other.execute("ALTER TABLE goods ADD colour")
    assert rows_of(c, "SELECT colour FROM goods") == [[None]] * 3
    other.close()
