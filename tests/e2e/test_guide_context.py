"""The guide's chapter "Context Management": each of its examples as a plugin (guide/context_*.c),
through a real client."""

import asyncio
import contextlib
import json
import sqlite3

import pytest

from harness.guide import example, mode, texts

pytestmark = pytest.mark.clients


# ---------------------------------------------------------------- Basic Context Variables

def test_basic_context_variables(example, mode):
    async def script(client):
        results = [await client.call_tool("get_user_data") for _ in range(2)]
        results += await asyncio.gather(*(client.call_tool("get_user_data") for _ in range(20)))
        answers = [r.structured_content for r in results]
        for answer in answers:
            assert answer == {"user_id": "user123", "authorized": True,
                              "request_id": answer["request_id"]}
            assert answer["request_id"].startswith("req_")
        assert len({a["request_id"] for a in answers}) == 22, "two requests saw the same id"

        profile, = texts(await client.read_resource("user://profile"))
        assert json.loads(profile) == {"user": {"id": "user123", "role": "admin"},
                                       "last_action": "login"}
    example("guide_context_basic").talk(mode, script)


# ---------------------------------------------------------------- Advanced Context Patterns

def test_advanced_context_patterns(example, mode):
    served = example("guide_context_advanced")

    async def script(client):
        async def one(user, org):
            meta = {"user_id": user, "org_id": org}
            return (await client.call_tool("who_am_i", meta=meta)).structured_content

        asked = [(f"tester{i}" if i % 2 else f"user{i}", f"org{i}") for i in range(10)]
        answers = await asyncio.gather(*(one(*a) for a in asked))
        for (user, org), answer in zip(asked, answers, strict=True):
            flags = ["search", "new_editor"] if user.startswith("tester") else ["search"]
            assert answer == {"request_id": answer["request_id"], "user_id": user,
                              "organization_id": org, "feature_flags": flags}

        # Whoever asks without a name has a context as well.
        nobody = (await client.call_tool("who_am_i")).structured_content
        assert set(nobody) == {"request_id", "feature_flags"}
        failed = await client.call_tool("stumble", meta={"user_id": "user99"}, raise_on_error=False)
        assert failed.is_error and failed.content[0].text == "user99 stumbled"
        return [*answers, nobody], await served.wait_log("Request completed", 12)

    answers, done = served.talk(mode, script)
    # What was bound stands in every line of the request: the tool's, and that of the middleware,
    # which tells of the request that failed as well.
    said = served.log_lines("Somebody looks into the mirror")
    who = {(a["request_id"], a.get("user_id")) for a in answers}
    assert len(who) == 11
    assert {(line["request_id"], line.get("user_id")) for line in said} == who
    ended = {(line["request_id"], line.get("user_id")) for line in done}
    assert len(done) == 12 and who < ended and [u for _, u in ended - who] == ["user99"]
    assert all(line["elapsed_seconds"] >= 0 for line in done)


# ---------------------------------------------------------------- Database Session Context

async def users(client):
    return texts(await client.read_resource("database://users"))


async def journal(client):
    text, = texts(await client.read_resource("database://journal"))
    return text.split()


def test_database_session_context(example, mode):
    async def script(client):
        ada = await client.call_tool("create_user", {"name": "Ada", "email": "ada@example.com"})
        assert ada.structured_content == {"id": 1, "name": "Ada"}
        done = ["begin", "flush", "commit", "close"]
        assert await journal(client) == done and await users(client) == ["Ada"]

        # The id was given, but the tool raises: nobody ever sees the user.
        bob = await client.call_tool("create_user", {"name": "Bob", "email": "nowhere"},
                                     raise_on_error=False)
        assert bob.is_error and bob.content[0].text == "nowhere is no address"
        done += ["begin", "flush", "rollback", "close"]
        assert await journal(client) == done and await users(client) == ["Ada"]

        # Arguments that do not fit are no reason to keep anything either.
        wrong = await client.call_tool("create_user", {"name": "Cy"}, raise_on_error=False)
        assert wrong.is_error and "email" in wrong.content[0].text
        done += ["begin", "rollback", "close"]
        assert await journal(client) == done
    example("guide_context_database").talk(mode, script)


def test_each_request_has_its_own_session(example, mode):
    async def script(client):
        results = await asyncio.gather(*(
            client.call_tool("create_user", {"name": f"user{i}", "think_ms": 10 * (i % 3),
                                             "email": "nowhere" if i % 2 else "x@example.com"},
                             raise_on_error=False) for i in range(20)))
        assert [r.is_error for r in results] == [bool(i % 2) for i in range(20)]
        assert sorted(await users(client)) == sorted(f"user{i}" for i in range(0, 20, 2))
        done = await journal(client)
        assert {what: done.count(what) for what in done} == {
            "begin": 20, "flush": 20, "commit": 10, "rollback": 10, "close": 20}
        ids = [r.structured_content["id"] for r in results if not r.is_error]
        assert len(set(ids)) == 10
    example("guide_context_database").talk(mode, script)


def test_tools_that_call_tools_share_the_session(example, mode):
    async def script(client):
        both = await client.call_tool("create_users", {
            "names": ["Ada", "Bob"], "emails": ["ada@example.com", "bob@example.com"]})
        assert both.content[0].text == "2 users"
        done = ["begin", "flush", "flush", "commit", "close"]
        assert await journal(client) == done and await users(client) == ["Ada", "Bob"]

        none = await client.call_tool("create_users", {
            "names": ["Cy", "Dan"], "emails": ["cy@example.com", "nowhere"]}, raise_on_error=False)
        assert none.is_error and none.content[0].text == "nowhere is no address"
        done += ["begin", "flush", "flush", "rollback", "close"]
        assert await journal(client) == done and await users(client) == ["Ada", "Bob"]
    example("guide_context_database").talk(mode, script)


def test_a_cancelled_call_is_rolled_back(example, mode):
    async def script(client):
        slow = asyncio.create_task(client.call_tool(
            "create_user", {"name": "Eve", "email": "eve@example.com", "think_ms": 600000}))
        while await journal(client) != ["begin", "flush"]:
            await asyncio.sleep(0.01)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        while (await journal(client))[-1:] != ["close"]:
            await asyncio.sleep(0.01)
        assert await journal(client) == ["begin", "flush", "rollback", "close"]
        assert await users(client) == ["(nobody)"]
    example("guide_context_database").talk(mode, script)


def test_database_session_context_with_sqlite(example, mode, tmp_path):
    file = tmp_path / "users.db"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE users (name TEXT, email TEXT UNIQUE)")
        database.execute("CREATE TABLE mailboxes (user INTEGER)")

    def stored():
        with contextlib.closing(sqlite3.connect(file)) as database:
            rows = "SELECT name, email FROM users JOIN mailboxes ON users.rowid = user"
            counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                      for table in ("users", "mailboxes")]
            return sorted(database.execute(rows).fetchall()), counts

    async def script(client):
        ada = await client.call_tool("create_user", {"name": "Ada", "email": "ada@example.com"})
        assert ada.structured_content == {"id": 1, "name": "Ada"}
        one = [("Ada", "ada@example.com")], [1, 1]
        assert stored() == one

        # The first statement fails; the tool fails after both were done.
        twin = await client.call_tool("create_user", {"name": "Adah", "email": "ada@example.com"},
                                      raise_on_error=False)
        assert twin.is_error and "UNIQUE constraint failed" in twin.content[0].text
        bob = await client.call_tool("create_user", {"name": "Bob", "email": "nowhere"},
                                     raise_on_error=False)
        assert bob.is_error and bob.content[0].text == "nowhere is no address"
        assert stored() == one

        people = [(f"user{i}", f"user{i}@example.com") for i in range(20)]
        made = await asyncio.gather(*(
            client.call_tool("create_user", {"name": n, "email": e}) for n, e in people))
        assert {m.structured_content["id"] for m in made} == set(range(2, 22))
        assert stored() == (sorted([*one[0], *people]), [21, 21])

    plugins = [{"plugin": "sqlite", "settings": {"database": str(file), "write": True}}]
    example("sqlite", "guide_context_sqlite", config={"plugins": plugins}).talk(mode, script)


# ---------------------------------------------------------------- Background tasks

def test_propagating_context_to_background_tasks(example, mode):
    served = example("guide_context_background")

    async def script(client):
        async def one(i):
            task = {"title": f"report {i}", "ms": 10 * (i % 3)}
            result = await client.call_tool("schedule_background_work", {"task_data": task},
                                            meta={"user": f"user{i}"})
            assert result.structured_content["status"] == "scheduled"
            return (f"report {i}", f"user{i}", result.structured_content["request_id"])

        asked = await asyncio.gather(*(one(i) for i in range(10)))
        assert len({request for _, _, request in asked}) == 10
        done = await served.wait_log("Background work done", 10)
        assert sorted((line["title"], line["user"], line["request"]) for line in done) == sorted(asked)
    served.talk(mode, script)
    assert not served.heard, "a client heard of background work"


def test_the_answer_does_not_wait_for_background_work(example, mode):
    served = example("guide_context_background", config={"server": {"drain": "100ms"}})

    async def script(client):
        result = await client.call_tool("schedule_background_work",
                                        {"task_data": {"title": "for ever", "ms": 3600000}})
        assert result.structured_content["status"] == "scheduled"
    served.talk(mode, script)
    assert not served.log_lines("Background work done")
