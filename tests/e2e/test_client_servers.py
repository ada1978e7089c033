"""The client library with servers of others: all that each offers, over every transport it has."""

import contextlib
import json

import pytest

from harness.probe import Probe
from harness.servers import serving

NEW, OLD = "2026-07-28", "2025-11-25"
pytestmark = pytest.mark.clients

# kind, way, the revision that is asked for (None: whatever is found), the one that is spoken
GO = [("go", "stdio", None, NEW), ("go", "stdio", OLD, OLD), ("go", "stdio", "2024-11-05", "2024-11-05"),
      ("go", "http", None, OLD), ("go", "http", "2025-03-26", "2025-03-26"),
      ("go", "stateless", None, NEW), ("go", "sse", None, OLD)]
FASTMCP = [("fastmcp", "stdio", None, NEW), ("fastmcp", "stdio", OLD, OLD), ("fastmcp", "http", None, NEW),
           ("fastmcp", "http", "2025-06-18", "2025-06-18"), ("fastmcp", "sse", None, OLD)]
EVERYTHING = [("everything", "stdio", None, OLD), ("everything", "http", None, OLD),
              ("everything", "sse", None, OLD), ("everything", "stdio", "2025-06-18", "2025-06-18")]
ALIKE = [*GO, *FASTMCP]  # have the same tools, as far as they have them


def of(*kinds):
    return pytest.mark.parametrize("kind, way, asked, revision", [row for kind in kinds for row in kind])


class Peer:
    def __init__(self, probe, revision):
        self.probe, self.revision = probe, revision

    def do(self, what, _status="ok", /, **members):
        done = self.probe.do(what, **members)
        assert done["status"] == _status and done["revision"] == self.revision, done
        return done

    def call(self, tool, _status="ok", /, **arguments):
        return self.do("call", _status, name=tool, arguments=arguments)

    def list(self, kind):
        items = [v for v in self.do("list", kind=kind)["result"].values() if isinstance(v, list)]
        return [item.get("uri") or item.get("uriTemplate") or item["name"] for item in items[0]]

    def asked(self, tool, answer, method, /, **arguments):
        """Calls a tool that asks once, and answers that: answer is (function, members)."""
        tag = self.probe.begin("call", name=tool, arguments=arguments)
        question = self.probe.event("question", method=method)
        self.probe.send(answer[0], question=question["question"], **answer[1])
        done = self.probe.outcome(tag)
        assert done["status"] == "ok", done
        return question["params"], done["text"]


@pytest.fixture
def peer(shared):
    with contextlib.ExitStack() as stack:
        def start(kind, way, asked, revision, own=False, **options):
            target = stack.enter_context(serving(kind, way)) if own else shared(kind, way)
            probe = stack.enter_context(Probe())
            options.setdefault("handlers", ["elicit", "sample"])
            options.setdefault("roots", [{"uri": "file:///home/ada", "name": "home"}])
            # Our own environment: what a virtual environment or a compiler's cache needs.
            probe.open(**target, **({"revision": asked} if asked else {}), has_roots=True,
                       inherits_environment=True, **options)
            stack.callback(lambda: probe.process.poll() is None and probe.close())
            one = Peer(probe, revision)
            one.server = one.do("connect")["result"]
            return one
        yield start


# ---------------------------------------------------------------- Go and FastMCP

@of(ALIKE)
def test_lists(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    tools = p.list("tools")
    assert {"ask", "count", "fail", "greet", "learn", "log", "picture", "weather"} <= set(tools)
    assert len(tools) == len(set(tools)) > 6, "several pages"
    assert p.list("resources") == ["doc://about", "doc://pixel"]
    assert p.list("templates") == ["doc://page/{n}"]
    assert p.list("prompts") == ["greeting"]


@of(ALIKE)
def test_calls(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    assert p.call("greet", name="Ada \u4e16")["text"] == "Hello, Ada \u4e16!"
    weather = p.call("weather")["result"]
    assert json.loads(weather["content"][0]["text"]) == {"degrees": 21, "sky": "clear"}
    if revision >= "2025-06-18":
        assert weather["structuredContent"] == {"degrees": 21, "sky": "clear"}
    failed = p.call("fail", "tool error")
    assert failed["result"]["isError"] and "on purpose" in failed["message"]
    image = p.call("picture")["result"]["content"][0]
    assert (image["type"], image["mimeType"]) == ("image", "image/png") and image["data"]
    wrong = p.probe.do("call", name="greet", arguments={"name": 7})
    assert wrong["status"] in ("tool error", "error") and wrong["message"], wrong
    unknown = p.probe.do("call", name="no-such-tool")
    assert unknown["status"] in ("tool error", "error") and unknown["message"], unknown


@of(ALIKE)
def test_what_is_told_meanwhile(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision, log_level="debug")
    done = p.call("count", steps=5)
    assert done["text"] == "counted to 5"
    told = [p.probe.event("progress", tag=done["tag"]) for _ in range(5)]
    assert [(t["progress"], t["total"]) for t in told] == [(n, 5) for n in range(1, 6)]
    if revision > "2024-11-05":
        assert told[4]["message"] == "step 5"
    p.call("log")
    log = p.probe.event("log", level="warning")
    assert log["text"] == "hear hear" and log["logger"] == ("go" if kind == "go" else "fast")


@of(ALIKE)
def test_resources_and_prompts(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    assert p.do("read", uri="doc://about")["text"] == "doc://about"
    assert p.do("read", uri="doc://page/7")["text"] == "doc://page/7"
    pixel = p.do("read", uri="doc://pixel")["result"]["contents"][0]
    assert pixel["mimeType"] == "image/png" and pixel["blob"].startswith("iVBOR")
    assert p.do("read", "error", uri="doc://nothing/at/all")["message"]
    assert p.do("get", name="greeting", arguments={"name": "Ada"})["text"] == "Greet Ada"
    assert p.do("get", "error", name="no-such-prompt")["message"]


@of(ALIKE)
def test_questions(peer, kind, way, asked, revision):
    if (kind, revision) == ("fastmcp", NEW):
        pytest.skip("FastMCP does not ask in the stateless era")
    if revision < "2025-06-18":
        pytest.skip("the revision has no elicitation")
    p = peer(kind, way, asked, revision)
    params, text = p.asked("ask", ("accept", {"content": {"name": "Ada"}}), "elicitation/create")
    assert text == "accept Ada" and params["message"] == "Who are you?"
    _, text = p.asked("ask", ("decline", {}), "elicitation/create")
    assert text.startswith("decline")
    _, text = p.asked("ask", ("dismiss", {}), "elicitation/create")
    assert text.startswith("cancel")


@of(GO)
def test_the_model_and_the_roots(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    params, text = p.asked("sample", ("say", {"model": "m", "text": "said"}), "sampling/createMessage")
    assert text == "m: said" and params["messages"][0]["content"]["text"] == "Say something"
    assert p.call("roots")["text"] == "home=file:///home/ada"


@of(GO)
def test_completion(peer, kind, way, asked, revision):
    if revision == "2024-11-05":
        pytest.skip("the revision has no capability of that name")
    p = peer(kind, way, asked, revision)
    done = p.do("complete", kind="prompts", name="greeting", argument="name", value="A")
    assert done["result"]["completion"]["values"] == ["Ada", "Alan"]
    done = p.do("complete", kind="templates", name="doc://page/{n}", argument="n", value="Gr")
    assert done["result"]["completion"]["values"] == ["Grace"]


@of([row for row in GO if row[1] != "stateless"])
def test_subscriptions(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    p.do("subscribe", uri="doc://about")
    p.call("touch", uri="doc://about")
    p.probe.event("updated", uri="doc://about")
    p.do("subscribe", uri="doc://pixel")
    for uri in ("doc://about", "doc://pixel", "doc://about"):
        p.call("touch", uri=uri)
        p.probe.event("updated", uri=uri)
    assert not p.probe.all("updated")


@of(ALIKE)
def test_a_list_that_changes(peer, kind, way, asked, revision):
    if (kind, way) == ("go", "stateless"):
        pytest.skip("the Go SDK forgets at once what it does not keep in a session")
    p = peer(kind, way, asked, revision, own=True)
    assert "learnt" not in p.list("tools")
    if kind == "go":  # with this agreed to, changes of lists are told as well
        p.do("subscribe", uri="doc://about")
    p.call("learn")
    p.probe.event("changed", kind="tools")
    assert "learnt" in p.list("tools")
    assert p.call("learnt")["text"] == "new"


@pytest.mark.parametrize("way, revision", [("stateless", NEW), ("http", OLD)])
def test_arguments_are_mirrored_in_headers(peer, way, revision):
    p = peer("go", way, None, revision)
    for region in ("us-west1", "H\u00e4llo"):
        text = p.call("region", region=region)["text"]
        assert text.startswith(region + " ")
        assert (text == f"{region} ") == (revision == OLD), text


# ---------------------------------------------------------------- the everything server

@of(EVERYTHING)
def test_everything_is_listed_called_and_read(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    tools = p.list("tools")
    assert {"echo", "get-sum", "get-tiny-image", "trigger-sampling-request"} <= set(tools)
    assert "demo://resource/static/document/features.md" in p.list("resources")
    assert "demo://resource/dynamic/text/{resourceId}" in p.list("templates")
    assert {"simple-prompt", "args-prompt", "completable-prompt"} <= set(p.list("prompts"))
    assert p.call("echo", message="h\u00e4llo")["text"] == "Echo: h\u00e4llo"
    assert p.call("get-sum", a=1, b=2.5)["text"] == "The sum of 1 and 2.5 is 3.5."
    blocks = p.call("get-tiny-image")["result"]["content"]
    assert [b["type"] for b in blocks] == ["text", "image", "text"]
    structured = p.call("get-structured-content", location="New York")["result"]["structuredContent"]
    assert set(structured) == {"temperature", "conditions", "humidity"}
    annotated = p.call("get-annotated-message", messageType="error", includeImage=True)["result"]
    assert annotated["content"][0]["annotations"]["priority"] == 1
    links = p.call("get-resource-links", count=3)["result"]["content"]
    assert [b["type"] for b in links] == ["text"] + ["resource_link"] * 3
    embedded = p.call("get-resource-reference", resourceType="Blob", resourceId=2)["result"]
    assert embedded["content"][1]["resource"]["blob"]
    assert "Everything Server" in p.do("read", uri="demo://resource/static/document/features.md")["text"]
    assert p.do("read", uri="demo://resource/dynamic/text/7")["text"].startswith("Resource 7")
    assert p.do("read", uri="demo://resource/dynamic/blob/7")["result"]["contents"][0]["blob"]
    assert "simple prompt" in p.do("get", name="simple-prompt")["text"]
    assert "Paris" in p.do("get", name="args-prompt", arguments={"city": "Paris"})["text"]
    done = p.do("complete", kind="prompts", name="completable-prompt", argument="department", value="E")
    assert done["result"]["completion"]["values"] == ["Engineering"]
    done = p.do("complete", kind="prompts", name="completable-prompt", argument="name", value="",
                known={"department": "Engineering"})
    assert done["result"]["completion"]["values"]


@of(EVERYTHING)
def test_everything_tells_and_asks(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision, elicits_urls=True)
    done = p.call("trigger-long-running-operation", duration=0.2, steps=4)
    assert [p.probe.event("progress", tag=done["tag"])["progress"] for _ in range(4)] == [1, 2, 3, 4]
    params, text = p.asked("trigger-sampling-request", ("say", {"model": "m", "text": "said"}),
                           "sampling/createMessage", prompt="what?", maxTokens=5)
    assert "said" in text and params["maxTokens"] == 5
    params, text = p.asked("trigger-elicitation-request", ("accept", {"content": {"name": "Ada"}}),
                           "elicitation/create")
    assert "- Name: Ada" in text and "It was a dark and stormy night." in text, "defaults are added"
    assert len(params["requestedSchema"]["properties"]) > 8
    _, text = p.asked("trigger-elicitation-request", ("decline", {}), "elicitation/create")
    assert "declined" in text
    assert "file:///home/ada" in p.call("get-roots-list")["text"]
    p.call("toggle-simulated-logging")
    assert p.probe.event("log")["text"]
    p.call("toggle-simulated-logging")


@of([row for row in EVERYTHING if row[3] == OLD])
def test_everything_has_urls_opened(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision, elicits_urls=True)
    url = "https://example.com/"
    params, text = p.asked("trigger-url-elicitation", ("accept", {}), "elicitation/create", url=url,
                           elicitationId="e1")
    assert (params["mode"], params["url"], params["elicitationId"]) == ("url", url, "e1")
    assert "completed" in text
    # ... or says in an error that one must be opened first, and is asked once more after that.
    tag = p.probe.begin("call", name="trigger-url-elicitation",
                        arguments={"url": url, "errorPath": True})
    for _ in range(2):
        question = p.probe.event("question", method="elicitation/create")
        p.probe.send("accept", question=question["question"])
    assert "completed" in p.probe.outcome(tag)["text"]


@of(EVERYTHING[:3])
def test_everything_tells_of_resources(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    uri = "demo://resource/dynamic/text/1"
    p.do("subscribe", uri=uri)
    p.call("toggle-subscriber-updates")
    p.probe.event("updated", uri=uri)
    p.do("unsubscribe", uri=uri)
    p.call("toggle-subscriber-updates")


@of([row for row in EVERYTHING if row[3] == OLD])
def test_everything_runs_tasks(peer, kind, way, asked, revision):
    p = peer(kind, way, asked, revision)
    done = p.do("call", name="simulate-research-query", arguments={"topic": "tea"}, task_ttl_ms=60000)
    assert "tea" in done["text"] and done["task"]
    assert p.do("list", kind="tasks")["result"]["tasks"]
    tag = p.probe.begin("call", name="simulate-research-query", task_ttl_ms=60000,
                        arguments={"topic": "tea", "ambiguous": True})
    question = p.probe.event("question", method="elicitation/create")
    schema = question["params"]["requestedSchema"]["properties"]
    name, field = next(iter(schema.items()))
    value = (field.get("enum") or [one["const"] for one in field.get("oneOf", [])] or ["x"])[0]
    p.probe.send("accept", question=question["question"], content={name: value})
    assert p.probe.outcome(tag)["status"] == "ok"


# ---------------------------------------------------------------- the TypeScript SDK

@pytest.mark.parametrize("way", ["stdio", "http"])
@pytest.mark.parametrize("asked, revision", [(None, NEW), (OLD, OLD)])
def test_the_typescript_sdk(peer, way, asked, revision):
    p = peer("typescript", way, asked, revision)
    assert len(p.list("tools")) == 10
    assert p.call("greet", name="Ada")["text"] == "Hello, Ada!"
    assert p.call("echo_3", text="x")["text"] == "x"
