"""Questions and tasks of the client library, against gantry, over every transport."""

import contextlib
import json
import shutil

import pytest

from harness.host import GANTRY, eventually, plugin_file
from harness.probe import Probe

NEW, OLD, OLDER = "2026-07-28", "2025-11-25", "2025-06-18"
WAYS = [(NEW, "stdio"), (OLD, "stdio"), (NEW, "http"), (OLD, "http"), (OLDER, "http"),
        (NEW, "websocket"), (OLD, "websocket"), (OLD, "sse")]
every_way = pytest.mark.parametrize("revision, way", WAYS)
NEW_WAYS = [way for way in WAYS if way[0] == NEW]
new_ways = pytest.mark.parametrize("revision, way", NEW_WAYS)
ALL = {"handlers": ["elicit", "sample"], "elicits_urls": True,
       "roots": [{"uri": "file:///home/ada", "name": "home"}, {"uri": "/tmp"}]}
FORM, MODEL = "elicitation/create", "sampling/createMessage"
DECLINED = "the person declined: Sure?"


@pytest.fixture
def talk(host, tmp_path, revision, way):
    """talk(plugin): a probe whose client talks to a host with that plugin."""
    with contextlib.ExitStack() as stack:
        def start(plugin="e2e_ask", **options):
            probe = stack.enter_context(Probe())
            options = {**ALL, **options}
            if way == "stdio":
                shutil.copy(plugin_file(plugin), tmp_path / f"{plugin}.so")
                probe.open(command=[str(GANTRY), "serve", "--stdio", "--plugins", str(tmp_path),
                                    "--log-level", "warning"], revision=revision, **options)
                return probe
            url = host(plugins=[plugin], http=True).url
            if way == "websocket":
                url = "ws" + url.removeprefix("http")
            elif way == "sse":
                url = url.removesuffix("/mcp") + "/sse"
            probe.open(url=url, revision=revision, **options)
            return probe
        yield start


def answer(probe, how="accept", **members):
    """Answers the next question, which it returns."""
    asked = probe.event("question")
    probe.send(how, question=asked["question"], **members)
    return asked


def ended(probe, tag, status="ok"):
    done = probe.outcome(tag)
    assert done["status"] == status, done
    return done


# ---------------------------------------------------------------- questions

@every_way
def test_a_form_is_filled_in(talk, revision, way):
    probe = talk()
    tag = probe.begin("call", name="register_person")
    days = {"days.mo": True, "days.tu": False} if revision == OLDER else {"days": ["mo"]}
    asked = probe.event("question")
    assert asked["method"] == FORM
    if way == "http" or revision == NEW:
        assert asked["tag"] == tag  # one that shares a stream does not say whose it is
    probe.send("accept", question=asked["question"], content={"name": "A", "size": "x"})
    said = probe.event("rejected")["message"]
    assert "/name" in said and "/size" in said, said
    probe.send("accept", question=asked["question"],
               content={"name": "Ada", "size": "s", "age": 44, **days})
    told = json.loads(ended(probe, tag)["text"])
    assert told == {"name": "Ada", "size": "s", "age": 44, "color": "green", "member": True,
                    "days": ["mo"]}
    probe.close()


@every_way
def test_no_is_an_answer(talk):
    probe = talk()
    for how, text in (("decline", DECLINED), ("dismiss", "the person dismissed the question: "
                                                         "Sure?")):
        tag = probe.begin("call", name="confirm")
        answer(probe, how)
        assert ended(probe, tag, "tool error")["text"] == text
    tag = probe.begin("call", name="confirm")
    answer(probe)
    assert ended(probe, tag)["text"] == "confirmed"
    probe.close()


@every_way
def test_one_question_after_the_other(talk):
    probe = talk()
    tag = probe.begin("call", name="nested")
    assert answer(probe)["params"]["message"] == "Shall I?"
    assert answer(probe)["params"]["message"] == "Really?"
    assert ended(probe, tag)["text"] == "all confirmed"
    probe.close()


@every_way
def test_models_and_roots(talk):
    probe = talk()
    tag = probe.begin("call", name="sample")
    asked = answer(probe, "say", model="m", text="Hi!")
    assert asked["method"] == MODEL and asked["params"]["maxTokens"] == 50
    assert ended(probe, tag)["text"] == "Hi! by m (endTurn, 1)"
    assert probe.do("call", name="folders")["text"] == "2: home=file:///home/ada;=file:///tmp;"
    probe.close()


@every_way
def test_a_model_that_is_refused(talk, revision):
    probe = talk()
    tag = probe.begin("call", name="sample")
    answer(probe, "decline")
    done = probe.outcome(tag)
    assert done["status"] == ("error" if revision == NEW else "tool error"), done
    if revision == NEW:
        assert done["code"] == -1 and "User rejected" in done["message"]
    assert ended(probe, probe.begin("call", name="folders"))
    probe.close()


@every_way
def test_everything_at_once(talk, revision):
    probe = talk()
    tag = probe.begin("call", name="everything")
    open_questions = [probe.event("question") for _ in range(3 if revision == NEW else 1)]
    days = {"days.mo": True} if revision == OLDER else {"days": ["mo"]}
    for n in range(3):
        asked = open_questions.pop() if open_questions else probe.event("question")
        message = asked["params"].get("message")
        if asked["method"] == MODEL:
            probe.send("say", question=asked["question"], model="m", text="hello")
        elif message == "Sure?":
            probe.send("decline", question=asked["question"])
        else:
            probe.send("accept", question=asked["question"],
                       content={"name": "Ada", "size": "s", **days})
    text = ended(probe, tag)["text"]
    assert text.startswith("Ada ") and text.endswith("hello 2"), text
    probe.close()


@pytest.mark.parametrize("revision, way", [w for w in WAYS if w[0] != OLDER])
def test_a_person_is_sent_to_a_url(talk, revision):
    probe = talk()
    tag = probe.begin("call", name="visit")
    asked = answer(probe)
    assert asked["params"]["url"].startswith("https://example.com/key?id=")
    done = ended(probe, tag)
    if revision == OLD:
        assert done["text"] == asked["params"]["elicitationId"]
        assert probe.do("call", name="visited", arguments={"id": done["text"]})["text"] == "0"
        assert probe.event("completed")["id"] == done["text"]
    probe.close()


@every_way
def test_resources_and_prompts_ask_too(talk):
    probe = talk()
    tag = probe.begin("read", uri="ask://secret")
    answer(probe)
    assert ended(probe, tag)["text"] == "the secret"
    probe.close()


@every_way
def test_who_offers_nothing_is_not_asked(talk):
    probe = talk(handlers=[], roots=[])
    done = probe.do("call", name="confirm")
    assert done["status"] in ("error", "tool error"), done
    assert probe.do("call", name="careful")["text"] == "as you like"
    assert not probe.all("question")
    probe.close()


@every_way
def test_a_cancelled_request_withdraws_its_question(talk):
    probe = talk()
    tag = probe.begin("call", name="confirm")
    asked = probe.event("question")
    probe.send("cancel", tag=tag, reason="enough")
    ended(probe, tag, "cancelled")
    probe.event("gone")
    probe.send("accept", question=asked["question"])
    tag = probe.begin("call", name="confirm")
    answer(probe)
    assert ended(probe, tag)["text"] == "confirmed"
    probe.close()


@every_way
def test_a_client_closes_while_somebody_thinks(talk):
    probe = talk()
    tags = [probe.begin("call", name="confirm") for _ in range(3)]
    for _ in tags:
        probe.event("question")
    probe.close()
    for tag in tags:
        assert probe.outcome(tag)["status"] in ("cancelled", "tool error", "ok")


# ---------------------------------------------------------------- tasks

@new_ways
def test_a_task_is_waited_for(talk):
    probe = talk("e2e_tasks1")
    done = probe.do("call", name="slow", arguments={"ms": 300, "text": "at last"})
    assert done["status"] == "ok" and done["text"] == "at last" and done["task"], done
    assert done["result"]["_meta"]["e2e/mark"] == 7
    assert probe.do("call", name="fails")["status"] == "tool error"
    done = probe.do("call", name="refuses")
    assert done["status"] == "error" and done["code"] == -32050, done
    probe.close()


@new_ways
def test_many_tasks_at_once(talk):
    probe = talk("e2e_tasks1")
    tags = [probe.begin("call", name="slow", arguments={"ms": 20 * n, "text": str(n)})
            for n in range(20)]
    assert [ended(probe, tag)["text"] for tag in tags] == [str(n) for n in range(20)]
    probe.close()


@new_ways
def test_a_task_asks(talk):
    probe = talk("e2e_tasks1")
    tag = probe.begin("call", name="greets")
    first = answer(probe, content={"name": "Ada"})
    second = answer(probe, content={"name": "Bob"})
    assert first["tag"] == second["tag"] == tag
    assert ended(probe, tag)["text"] == "Ada and Bob"
    tag = probe.begin("call", name="both")
    questions = {asked["params"]["message"]: asked["question"]
                 for asked in (probe.event("question"), probe.event("question"))}
    probe.send("decline", question=questions["Sure?"])
    probe.send("accept", question=questions["Name?"], content={"name": "Eve"})
    assert ended(probe, tag)["text"].startswith("Eve ")
    tag = probe.begin("call", name="deferred")
    answer(probe, content={"name": "Ada"})
    answer(probe)
    assert ended(probe, tag)["text"] == "Ada is sure"
    probe.close()


def counts(probe):
    return probe.do("call", name="counted")["result"]["structuredContent"]


@new_ways
def test_a_cancelled_request_cancels_its_task(talk):
    probe = talk("e2e_tasks1")
    tag = probe.begin("call", name="only", arguments={"ms": 600000})
    eventually(lambda: counts(probe)["running"] == 1, "the task to run")
    probe.send("cancel", tag=tag)
    ended(probe, tag, "cancelled")
    eventually(lambda: counts(probe)["cancelled"] == 1, "the task to be cancelled")
    probe.close()


@new_ways
def test_tasks_by_id(talk):
    probe = talk("e2e_tasks1")
    done = probe.do("call", name="only", arguments={"ms": 600000}, detaches=True)
    task = done["task"]
    assert done["status"] == "ok" and done["result"]["status"] == "working", done
    assert probe.do("get_task", id=task)["result"]["status"] == "working"
    waiting = probe.begin("task", id=task)
    assert probe.do("cancel_task", id=task)["status"] == "ok"
    ended(probe, waiting, "cancelled")
    done = probe.do("call", name="only", arguments={"ms": 50, "text": "x"}, detaches=True)
    assert probe.do("task", id=done["task"])["text"] == "x"
    assert probe.do("task", id="no such task")["status"] == "error"
    probe.close()


@pytest.mark.parametrize("revision, way", [(OLD, "http"), (OLDER, "stdio")])
def test_a_server_without_tasks_runs_the_call(talk):
    probe = talk("e2e_tasks1")
    done = probe.do("call", name="slow", arguments={"ms": 10}, task_ttl_ms=60000)
    assert done["status"] == "ok" and "task" not in done, done
    assert probe.do("get_task", id="x")["status"] == "unsupported"
    probe.close()
