"""The guide's chapters on templates, elicitation, progress, sampling and logging: one plugin
(guide/advanced.c) that four clients talk to, each in its own era."""

import json

import pytest

from harness.guide import MODES, example, texts, until
from test_clients import node

# The Python clients say of logging and sampling that they are not in the latest revision.
pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore:.*deprecated")]

CONFIG = {"name": "Apollo", "type": "api"}
PRODUCT = {"name": "Lamp", "category": "Light", "features": ["bright", "small"]}

# The conversation: tools, what their text is, and what the client answers meanwhile.
CALLS = [
    ("create_project", {}, "Created api project: Apollo (none)"),
    ("create_project", {}, "Project creation declined by user"),
    ("create_project", {}, "Project creation cancelled"),
    ("confirm_deletion", {"file_path": "/tmp/x"}, "Deleted /tmp/x"),
    ("confirm_deletion", {"file_path": "/tmp/y"}, "Deletion cancelled"),
    ("batch_process", {"items": ["a", "b", "c"]}, '{"processed":3,"results":["A","B","C"]}'),
    ("multi_stage_operation", {}, "Operation completed successfully"),
    ("indeterminate_scan", {"directory": "/srv"}, '{"files_found":10,"directory":"/srv"}'),
    ("analyze_sentiment", {"text": "What a day!"}, '{"text":"What a day!","sentiment":"positive"}'),
    ("generate_description", {"product": PRODUCT}, "Let there be light"),
]
ACTIONS = [("accept", CONFIG), ("decline", None), ("cancel", None), ("accept", {}),
           ("decline", None)]
SAID = [" Positive.\n", "Let there be light"]
READS = {"user://123/profile": {"id": "123", "name": "User 123", "email": "123@example.com"},
         "report://sales/2025-01-20/summary": {"type": "sales", "date": "2025-01-20",
                                               "summary": "All about sales"}}
LAST = {"batch_process": (3, 3), "multi_stage_operation": (100, 100)}
STAGES = ["Stage: Initializing", "Stage: Processing data", "Stage: Analyzing results",
          "Stage: Generating report"]


class Seen:
    """What one client has seen of the conversation."""

    def __init__(self):
        self.texts, self.asked, self.sampled = [], [], []
        self.progress = {}  # by tool: (done, total)
        self.reads, self.logged = {}, []
        self.templates = []

    def check(self):
        assert self.texts == [text for _, _, text in CALLS]
        assert [message for message, _ in self.asked] == \
            ["Please provide project configuration:"] * 3 + \
            [f"Are you sure you want to delete /tmp/{x}?" for x in "xy"]
        form = self.asked[0][1]
        assert list(form["properties"]) == ["name", "type", "description"]
        assert form["required"] == ["name", "type"]
        assert form["properties"]["type"]["oneOf"][0] == {"const": "web", "title": "Web site"}
        assert self.asked[3][1]["properties"] == {}

        sentiment, description = self.sampled
        assert sentiment["messages"][0].endswith("Text: What a day!")
        assert (sentiment["temperature"], sentiment["max_tokens"]) == (0.3, 1024)
        assert description["messages"] == ["Generate a compelling product description for:\n"
                                           "Name: Lamp\nCategory: Light\nFeatures: bright, small"]
        assert (description["temperature"], description["max_tokens"]) == (0.7, 200)
        assert description["system_prompt"] == \
            "You are a creative product description writer."

        # What is reported too quickly may be left out, but for the end; nothing goes backwards.
        self.check_progress("batch_process", 3)
        self.check_progress("multi_stage_operation", 100)
        self.check_progress("indeterminate_scan", None)
        assert self.logged == STAGES
        assert self.reads == READS
        assert sorted(self.templates) == ["report://{type}/{date}/summary",
                                          "user://{user_id}/profile"]

    def check_progress(self, tool, total):
        steps = self.progress[tool]
        assert steps and [s[0] for s in steps] == sorted({s[0] for s in steps})
        assert all(s[1] == total for s in steps)
        assert tool not in LAST or steps[-1] == LAST[tool]


# ---------------------------------------------------------------- FastMCP and the Python SDK

async def converse(client, seen, call):
    templates = await client.list_resource_templates()
    seen.templates = [t.uri_template for t in getattr(templates, "resource_templates", templates)]
    for name, arguments, _ in CALLS:
        steps = seen.progress.setdefault(name, [])

        async def progress(done, total, message, steps=steps):
            steps.append((done, total))
        result = await call(name, arguments, progress)
        seen.texts.append(result.content[0].text)
    for uri in READS:
        text, = texts(await client.read_resource(uri))
        seen.reads[uri] = json.loads(text)


async def all_said(served, seen):
    """What came before the result may be handed out a little later."""
    await until(lambda: len(served.heard) >= len(STAGES), "the log messages")
    for tool, last in LAST.items():
        await until(lambda tool=tool, last=last: seen.progress[tool][-1:] == [last],
                    f"the progress of {tool}")


def heard(served):
    return [m.data if isinstance(m.data, str) else m.data["message"] for m in served.heard]


@pytest.mark.parametrize("mode", MODES)
def test_fastmcp(example, mode):
    from fastmcp.client.elicitation import ElicitResult
    served, seen, actions, said = example("guide_advanced"), Seen(), iter(ACTIONS), iter(SAID)

    async def elicit(message, response_type, params, context):
        seen.asked.append((message, params.requested_schema))
        action, content = next(actions)
        if action == "accept" and response_type is not None:
            return response_type(**content)
        return ElicitResult(action=action, content=content)

    async def sample(messages, params, context):
        seen.sampled.append({"messages": [m.content.text for m in messages],
                             "temperature": params.temperature, "max_tokens": params.max_tokens,
                             "system_prompt": params.system_prompt})
        return next(said)

    async def script(client):
        await converse(client, seen, lambda name, arguments, progress: client.call_tool(
            name, arguments, progress_handler=progress))
        await all_said(served, seen)

    served.talk(mode, script, elicitation_handler=elicit, sampling_handler=sample)
    seen.logged = heard(served)
    seen.check()


@pytest.mark.parametrize("mode", MODES)
def test_the_python_sdk(example, mode):
    import mcp_types as types
    served, seen, actions, said = example("guide_advanced"), Seen(), iter(ACTIONS), iter(SAID)

    async def elicit(context, params):
        seen.asked.append((params.message, params.requested_schema))
        action, content = next(actions)
        return types.ElicitResult(action=action, content=content)

    async def sample(context, params):
        seen.sampled.append({"messages": [m.content.text for m in params.messages],
                             "temperature": params.temperature, "max_tokens": params.max_tokens,
                             "system_prompt": params.system_prompt})
        return types.CreateMessageResult(role="assistant", model="test", content=types.TextContent(
            type="text", text=next(said)))

    async def script(client):
        await converse(client, seen, lambda name, arguments, progress: client.call_tool(
            name, arguments, progress_callback=progress))
        await all_said(served, seen)

    served.talk_officially(mode, script, log_level="info", elicitation_callback=elicit,
                           sampling_callback=sample)
    seen.logged = heard(served)
    seen.check()


# ---------------------------------------------------------------- the TypeScript SDKs

@pytest.mark.parametrize("line, era", [(1, "legacy"), (2, "legacy"), (2, "modern")])
def test_the_typescript_sdk(example, transport, line, era):
    served, seen = example("guide_advanced"), Seen()
    target = served.target()
    where = {"url": target} if transport == "http" else \
        {"command": target.command, "args": target.args}
    plan = {"line": line, "era": era, **where, "log": "info",
            "calls": [[name, arguments] for name, arguments, _ in CALLS], "reads": list(READS),
            "answers": {
                "elicitation/create": [
                    {"action": action, **({"content": content} if content is not None else {})}
                    for action, content in ACTIONS],
                "sampling/createMessage": [
                    {"role": "assistant", "model": "test",
                     "content": {"type": "text", "text": text}} for text in SAID]}}
    got = json.loads(node("drive.mjs", json.dumps(plan)).splitlines()[-1])
    for (name, _, _), result in zip(CALLS, got["calls"], strict=True):
        assert "thrown" not in result and not result.get("isError"), (name, result)
        seen.texts.append(result["content"][0]["text"])
    for asked in got["asked"]:
        params = asked["params"]
        if asked["method"] == "elicitation/create":
            seen.asked.append((params["message"], params["requestedSchema"]))
        else:
            seen.sampled.append({"messages": [m["content"]["text"] for m in params["messages"]],
                                 "temperature": params["temperature"],
                                 "max_tokens": params["maxTokens"],
                                 "system_prompt": params.get("systemPrompt")})
    for step in got["reported"]:
        seen.progress.setdefault(step["tool"], []).append((step["progress"], step.get("total")))
    seen.logged = [m["data"] if isinstance(m["data"], str) else m["data"]["message"]
                   for m in got["logged"]]
    seen.reads = {uri: json.loads(read["contents"][0]["text"])
                  for uri, read in zip(READS, got["reads"], strict=True)}
    seen.templates = [t["uriTemplate"] for t in got["templates"]]
    seen.check()
