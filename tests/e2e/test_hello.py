"""The plugin hello: one of everything, as plugins/hello/README.md lists it."""

import json
import signal
import threading

import pytest

from harness.client import RpcError
from harness.host import eventually

NEW, OLD = "2026-07-28", "2025-11-25"


@pytest.fixture
def hello(client):
    """hello(revision, transport, settings...) starts a host with the plugin and connects."""
    def start(revision=OLD, transport="stdio", **settings):
        return client(revision, transport, plugins=["hello"],
                      config={"plugins": [{"plugin": "hello", "settings": settings}]})
    return start


def visits(c):
    (contents,) = c.request("resources/read", {"uri": "hello://visits"})["contents"]
    assert (contents["uri"], contents["mimeType"]) == ("hello://visits", "text/plain")
    return int(contents["text"])


def messages(c, **arguments):
    result = c.request("prompts/get", {"name": "introduce", "arguments": arguments})
    return [(m["role"], m["content"]["text"]) for m in result["messages"]]


def complete(c, ref, argument, value):
    return c.request("completion/complete", {
        "ref": ref, "argument": {"name": argument, "value": value}})["completion"]["values"]


def test_it_offers_one_of_everything(hello, revision, transport):
    c = hello(revision, transport)
    assert sorted(c.names()) == ["count", "divide", "greet"]
    assert [r["uri"] for r in c.list("resources")] == ["hello://visits"]
    templates = c.request("resources/templates/list")["resourceTemplates"]
    assert [t["uriTemplate"] for t in templates] == ["hello://people/{name}"]
    (prompt,) = c.list("prompts")
    assert prompt["name"] == "introduce"
    required = {a["name"]: a["required"] for a in prompt["arguments"]}
    assert required == {"name": True, "style": False}
    for tool in c.list("tools"):
        assert tool["description"]
        if revision >= "2025-03-26":
            assert tool["annotations"]["readOnlyHint"]
    assert c.text("greet", name="World") == "Hello, World!"
    assert visits(c) == 1


def test_greeting_checks_its_arguments(hello):
    c = hello()
    schema = {t["name"]: t for t in c.list("tools")}["greet"]["inputSchema"]
    times = schema["properties"]["times"]
    assert [times[k] for k in ("type", "minimum", "maximum", "default")] == ["integer", 1, 5, 1]
    assert schema["required"] == ["name"]
    result = c.call("greet", name="Ada", times=3)
    assert [b["text"] for b in result["content"]] == ["Hello, Ada!"] * 3
    for wrong, word in (({"name": "Ada", "times": 0}, "times"),
                        ({"name": "Ada", "times": 6}, "times"),
                        ({"name": "Ada", "times": 1.5}, "times"), ({}, "name"),
                        ({"name": 7}, "name"),
                        ({"name": None}, "name"), ({"name": "A\0da"}, "name")):
        result = c.call("greet", **wrong)
        assert result["isError"] and word in result["content"][0]["text"], (wrong, result)


def test_the_greeting_is_a_setting_and_may_change_while_it_runs(hello):
    c = hello(greeting="Moin")
    assert c.text("greet", name="Ada") == "Moin, Ada!"
    c.host.write_config({"plugins": [{"plugin": "hello", "settings": {"greeting": "Good day"}}]})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: c.text("greet", name="Ada") == "Good day, Ada!", "the new greeting")
    assert messages(c, name="Ada")[1] == ("assistant", "Good day, everybody!")


@pytest.mark.parametrize("greeting", ["", "x" * 41, 7, ["Hello"]])
def test_a_wrong_greeting_is_refused(host, greeting):
    one = host(plugins=["hello"], http=True, must_start=False,
               config={"plugins": [{"plugin": "hello", "settings": {"greeting": greeting}}]})
    assert "hello" in one.wait_log("greeting")
    eventually(lambda: one.ready_file.exists() or one.process.poll() is not None,
               "an end or a start")
    if one.process.poll() is not None:
        one.expect_exit = one.process.poll()


def test_counting_has_progress_and_structured_output(hello, revision, transport):
    c = hello(revision, transport)
    pending = c.start("tools/call", {"name": "count", "arguments": {"to": 3, "pause_ms": 400},
                                     "_meta": {"progressToken": "t"}})
    result = pending.result()
    told = [n["params"] for n in pending.notifications if n["method"] == "notifications/progress"]
    assert told and all(n["total"] == 3 for n in told)
    assert [n["progress"] for n in told] == sorted({n["progress"] for n in told})
    if revision >= "2025-06-18":
        assert result["structuredContent"] == {"counted": 3, "numbers": [1, 2, 3]}
        (tool,) = [t for t in c.list("tools") if t["name"] == "count"]
        assert tool["outputSchema"]["properties"]["numbers"]["items"]["type"] == "integer"
    assert json.loads(result["content"][0]["text"]) == {"counted": 3, "numbers": [1, 2, 3]}


def test_counts_run_beside_each_other_and_can_be_cancelled(hello, transport):
    c = hello(NEW if transport == "http" else OLD, transport)
    endless = [c.start("tools/call", {"name": "count", "arguments": {"to": 1000, "pause_ms": 60000},
                                      "_meta": {"progressToken": f"e{i}"}}) for i in range(20)]
    first = [c.start("tools/call", {"name": "count", "arguments": {"to": 1000, "pause_ms": 1},
                                    "_meta": {"progressToken": f"t{i}"}}) for i in range(3)]
    for one in first:
        assert one.wait_notifications(1, "notifications/progress")
        assert one.result()["structuredContent"]["counted"] == 1000
    assert c.text("greet", name="Ada") == "Hello, Ada!"
    for one in endless:
        c.cancel(one)
    assert c.structured("count", to=1, pause_ms=0) == {"counted": 1, "numbers": [1]}
    # At its end the test stops the host, which would wait for what still runs, and then complain.


def test_failing_says_exactly_what_the_author_wrote(hello):
    c = hello()
    assert c.text("divide", a=1, b=8) == "0.125"
    result = c.call("divide", a=1.5, b=0)
    assert result == {"content": [{"type": "text", "text": "Cannot divide 1.5 by zero"}],
                      "isError": True}
    result = c.call("divide", a=1)
    assert result["isError"] and '"b"' in result["content"][0]["text"]


def test_people_are_read_and_completed(hello):
    c = hello(greeting="Moin")
    (contents,) = c.request("resources/read", {"uri": "hello://people/ada%20%22l%C3%B6ve%22"})["contents"]
    assert contents["mimeType"] == "application/json"
    assert json.loads(contents["text"]) == {"name": 'ada "löve"', "greeting": "Moin"}
    ref = {"type": "ref/resource", "uri": "hello://people/{name}"}
    assert complete(c, ref, "name", "a") == ["ada", "alan"]
    assert complete(c, ref, "name", "") == ["ada", "alan", "barbara", "dennis", "grace", "ken"]
    assert complete(c, ref, "name", "x") == []
    for uri in ("hello://people/", "hello://people/a/b", "hello://people/..",
                "hello://people/a%2Fb", "hello://other"):
        with pytest.raises(RpcError) as e:
            c.request("resources/read", {"uri": uri})
        assert e.value.code == -32002, uri


def test_the_prompt_has_a_choice(hello):
    c = hello()
    assert messages(c, name="Ada", style="pirate") == [
        ("user", "Introduce Ada to the team, in a pirate style."),
        ("assistant", "Hello, everybody!")]
    assert messages(c, name="Ada")[0] == ("user", "Introduce Ada to the team, in a friendly style.")
    ref = {"type": "ref/prompt", "name": "introduce"}
    assert complete(c, ref, "style", "f") == ["formal", "friendly"]
    assert complete(c, ref, "style", "") == ["formal", "friendly", "pirate"]
    assert complete(c, ref, "name", "a") == []
    for wrong, word in (({}, "name"), ({"name": "Ada", "style": "rude"}, "style")):
        with pytest.raises(RpcError, match=word) as e:
            messages(c, **wrong)
        assert e.value.code == -32602


# ---------------------------------------------------------------- state and reload

def generations(c):
    return len([line for line in c.host.log_lines() if "serves" in line.get("message", "")])


def reload(c):
    """Puts another build of the plugin in place: the same, with a byte behind its end."""
    before = generations(c)
    file = c.host.drop / "hello.so"
    scratch = file.with_name(".hello.so.new")
    scratch.write_bytes(file.read_bytes() + b"\0")
    scratch.chmod(0o755)
    scratch.rename(file)
    eventually(lambda: generations(c) > before, "the next generation")


def test_visits_survive_reloads(hello):
    c = hello()
    assert [visits(c) for _ in range(3)] == [1, 2, 3]
    reload(c)
    assert visits(c) == 4
    c.host.write_config({"plugins": [{"plugin": "hello", "settings": {"greeting": "Moin"}}]})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: c.text("greet", name="Ada") == "Moin, Ada!", "the new greeting")
    assert visits(c) == 5
    reload(c)
    assert (visits(c), c.text("greet", name="Ada")) == (6, "Moin, Ada!")


def test_no_visit_is_lost_or_counted_twice_while_it_is_reloaded(hello):
    c = hello(NEW, "http")
    seen, stop, lock = [], threading.Event(), threading.Lock()

    def visit():
        while not stop.is_set():
            n = visits(c)
            with lock:
                seen.append(n)
    threads = [threading.Thread(target=visit) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            reload(c)
            so_far = len(seen)
            eventually(lambda: len(seen) > so_far, "another visit")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert sorted(seen) == list(range(1, len(seen) + 1))


def test_two_instances_have_state_and_settings_of_their_own(client):
    c = client(OLD, "stdio", plugins=["hello"], config={"plugins": [
        "hello", {"plugin": "hello", "name": "north", "settings": {"greeting": "Moin"}}]})
    assert c.text("greet", name="Ada") == "Hello, Ada!"
    assert c.text("north_greet", name="Ada") == "Moin, Ada!"
    assert [visits(c) for _ in range(3)] == [1, 2, 3]
    (contents,) = c.request("resources/read", {"uri": "hello://north/visits"})["contents"]
    assert contents["text"] == "1"
    (contents,) = c.request("resources/read", {"uri": "hello://north/people/ada"})["contents"]
    assert json.loads(contents["text"])["greeting"] == "Moin"
    assert complete(c, {"type": "ref/resource", "uri": "hello://north/people/{name}"}, "name",
                    "al") == ["alan"]
    assert complete(c, {"type": "ref/prompt", "name": "north_introduce"}, "style",
                    "p") == ["pirate"]
