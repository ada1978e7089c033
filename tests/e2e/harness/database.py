"""For the tests of the plugin sqlite: a database, a host that serves it, and how to ask it."""

import sqlite3

import pytest

OLD = "2025-11-25"
SCHEMA = """
CREATE TABLE goods(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL DEFAULT 0.5,
                   twice REAL AS (price * 2));
CREATE UNIQUE INDEX by_name ON goods(name, lower(name)) WHERE price > 0;
CREATE TABLE sales(good INTEGER REFERENCES goods(id) ON DELETE CASCADE, number INTEGER,
                   PRIMARY KEY(good, number));
CREATE VIEW cheap AS SELECT * FROM goods WHERE price < 2;
CREATE TABLE "odd name/ü"("a column" ANY);
INSERT INTO goods(name, price) VALUES ('apple', 1.5), ('bread', 3), ('cheese|blue', NULL);
INSERT INTO sales VALUES (1, 2);
"""


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.executescript(SCHEMA)
    made.close()
    return path


@pytest.fixture
def db(client, database):
    """db(...) starts a host that serves `database`, with these settings."""
    def start(revision=OLD, transport="stdio", path=None, plugins=("sqlite",), more=None, **settings):
        settings["database"] = str(path or database)
        return client(revision, transport, plugins=list(plugins), config={
            "plugins": [{"plugin": "sqlite", "settings": settings}], **(more or {})})
    return start


def refused(client, name, /, **arguments):
    """The message of a tool call that must fail on purpose."""
    result = client.call(name, **arguments)
    assert result.get("isError") and len(result["content"]) == 1, result
    message = result["content"][0]["text"]
    assert "correlation" not in message and "internal" not in message.lower(), message
    return message


def rows_of(client, sql, params=None, tool="query"):
    more = {} if params is None else {"params": params}
    return client.structured(tool, sql=sql, **more)["rows"]


def read_uri(client, uri):
    (content,) = client.request("resources/read", {"uri": uri})["contents"]
    return content
