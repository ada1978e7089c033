"""One whole conversation, in every revision over every transport: what every client does."""

import base64

import pytest

from harness.client import RpcError
from harness.schema import HANDSHAKE

TRANSPORTS = ["stdio", "http", "websocket", "sse"]
PIXEL = base64.b64encode(b"\x89PNG\0\1\2\xff").decode()


def test_opening_tells_who_the_host_is(client, revision, transport):
    c = client(revision, transport)
    if c.stateless:
        found = c.request("server/discover")
        assert revision in found["supportedVersions"]
        assert found["ttlMs"] >= 0 and found["cacheScope"] in ("public", "private")
        info = found["_meta"]["io.modelcontextprotocol/serverInfo"]
    else:
        found = c.server
        assert found["protocolVersion"] == revision
        info = found["serverInfo"]
    assert info["name"] and info["version"]
    for kind in ("tools", "resources", "prompts"):
        assert found["capabilities"][kind].get("listChanged") is True, found["capabilities"]
    if revision >= "2025-03-26":
        assert "completions" in found["capabilities"]


def test_ping_is_answered_in_the_handshake_era_only(client, revision, transport):
    c = client(revision, transport)
    if c.stateless:
        with pytest.raises(RpcError) as refused:
            c.request("ping")
        assert refused.value.code == -32601
        assert refused.value.status in (404, None)
    else:
        assert c.request("ping") == {}


def test_tools_are_listed_in_order_and_called(client, revision, transport):
    c = client(revision, transport)
    tools = c.list("tools")
    names = [t["name"] for t in tools]
    assert names == sorted(names) and len(set(names)) == len(names)
    assert {"types", "sleep", "echo", "content"} <= set(names)
    by_name = {t["name"]: t for t in tools}
    schema = by_name["echo"]["inputSchema"]
    assert schema["type"] == "object" and schema["required"] == ["text"]
    assert schema["properties"]["text"]["type"] == "string"
    assert schema["properties"]["text"]["description"] == "What to say"
    assert by_name["status"]["inputSchema"]["type"] == "object"
    assert ("outputSchema" in by_name["structured"]) == (revision >= "2025-06-18")
    assert ("annotations" in by_name["echo"]) == (revision >= "2025-03-26")
    if revision >= "2025-03-26":
        assert by_name["echo"]["annotations"]["readOnlyHint"] is True
    if revision >= "2025-06-18":
        assert by_name["types"]["title"] == "Every type"
        assert by_name["types"]["_meta"]["kit"] == {"of": "types"}
    assert c.text("echo", text="Grüße, 世界 \U0001F600 \"\\\n\t") == "Grüße, 世界 \U0001F600 \"\\\n\t"
    assert c.text("echo", text="") == ""


def test_arguments_of_every_type_arrive(client, revision, transport):
    c = client(revision, transport)
    sent = {"text": "a", "bytes": "n\0ul", "whole": -12345678901234, "real": 1.5, "yes": False,
            "maybe_whole": 7, "maybe_real": 0.25, "maybe_yes": True, "words": ["x", "", "é"],
            "wholes": [1, -2, 3], "reals": [1, 2.5], "any": {"k": [1, None, {"deep": "x"}]},
            "at": {"x": 1, "y": 2.5, "label": "here"},
            "points": [{"x": 0, "y": 0}, {"x": -1, "y": 1, "label": "p"}],
            "colour": "green", "level": 5}
    assert c.structured("types", **sent) == sent
    least = c.structured("types", text="a", whole=1)
    assert least["yes"] is True and least["colour"] == "red" and least["level"] == 3
    assert least["words"] == [] and least["points"] == []
    assert "maybe_whole" not in least and "maybe_yes" not in least and "any" not in least


def test_structured_output_comes_with_text_for_older_clients(client, revision, transport):
    c = client(revision, transport)
    wanted = {"city": "Oslo", "degrees": -3, "winds": ["north", "east"]}
    result = c.call("structured")
    assert len(result["content"]) == 1 and result["content"][0]["type"] == "text"
    assert c.structured("structured") == wanted
    if revision >= "2025-06-18":
        assert result["structuredContent"] == wanted


def test_content_of_every_kind_has_the_shape_of_the_revision(client, revision, transport):
    c = client(revision, transport)
    result = c.call("content")
    kinds = [block["type"] for block in result["content"]]
    audio = "audio" if revision >= "2025-03-26" else None
    link = "resource_link" if revision >= "2025-06-18" else "text"
    assert len(kinds) == 6, kinds
    assert [kinds[0], kinds[1], kinds[3], kinds[4], kinds[5]] == \
        ["text", "image", "resource", "resource", link]
    if audio:
        assert kinds[2] == "audio" and result["content"][2]["mimeType"] == "audio/wav"
    assert result["content"][0]["annotations"] == {"audience": ["user"], "priority": 0.5}
    assert result["content"][1]["data"] == PIXEL
    assert result["content"][3]["resource"] == {"uri": "kit://text", "mimeType": "text/plain",
                                                "text": "embedded"}
    assert result["content"][4]["resource"]["blob"] == PIXEL
    assert result["_meta"]["kit/count"] == 6


def test_resources_are_listed_and_read(client, revision, transport):
    c = client(revision, transport)
    resources = {r["uri"]: r for r in c.list("resources")}
    assert {"kit://text", "kit://blob", "kit://gone"} <= set(resources)
    assert resources["kit://text"]["mimeType"] == "text/plain"
    assert resources["kit://text"]["name"] == "text"
    read = c.request("resources/read", {"uri": "kit://text"})
    assert read["contents"] == [{"uri": "kit://text", "mimeType": "text/plain",
                                 "text": "hello world"}]
    read = c.request("resources/read", {"uri": "kit://blob"})
    assert read["contents"] == [{"uri": "kit://blob", "mimeType": "application/octet-stream",
                                 "blob": PIXEL}]
    if c.stateless:
        assert read["ttlMs"] == 60000 and read["cacheScope"] == "public"


@pytest.mark.parametrize("uri", ["kit://gone", "kit://nowhere", "kit://item/none", "other:thing"])
def test_a_resource_that_is_not_there_has_the_error_of_the_era(client, revision, transport, uri):
    c = client(revision, transport)
    with pytest.raises(RpcError) as refused:
        c.request("resources/read", {"uri": uri})
    assert refused.value.code == (-32602 if c.stateless else -32002)
    assert uri in refused.value.message or (refused.value.data or {}).get("uri") == uri


def test_templates_bind_their_variables(client, revision, transport):
    c = client(revision, transport)
    page = c.request("resources/templates/list")
    assert [t["uriTemplate"] for t in page["resourceTemplates"]] == \
        sorted(t["uriTemplate"] for t in page["resourceTemplates"])
    assert {"kit://item/{id}", "kit://tree/{path*}{?q,limit}"} <= \
        {t["uriTemplate"] for t in page["resourceTemplates"]}

    def read(uri):
        contents = c.request("resources/read", {"uri": uri})["contents"]
        assert len(contents) == 1 and contents[0]["uri"] == uri
        return contents[0]["text"]

    assert read("kit://item/7") == "item 7 of kit://item/7"
    assert read("kit://item/a%20b%C3%A9") == "item a bé of kit://item/a%20b%C3%A9"
    assert read("kit://tree/a/b/c") == "path=a/b/c q=- limit=-1"
    assert read("kit://tree/a?q=x%26y&limit=3") == "path=a q=x&y limit=3"


@pytest.mark.parametrize("uri", ["kit://item/a%2Fb", "kit://item/..", "kit://item/%2e%2e",
                                 "kit://item/.", "kit://item/", "kit://item/a/b",
                                 "kit://tree/a/../b", "kit://tree/a/%2E%2E/b", "kit://tree/a%2f..",
                                 "kit://item/%00", "kit://item/%zz", "kit://item/%ff"])
def test_nothing_is_smuggled_through_a_template(client, uri):
    c = client("2025-11-25", "stdio")
    with pytest.raises(RpcError) as refused:
        c.request("resources/read", {"uri": uri})
    assert refused.value.code in (-32002, -32602)


def test_prompts_are_listed_and_got(client, revision, transport):
    c = client(revision, transport)
    prompts = {p["name"]: p for p in c.list("prompts")}
    arguments = {a["name"]: a for a in prompts["ask"]["arguments"]}
    assert arguments["name"]["required"] is True and not arguments["times"].get("required")
    got = c.request("prompts/get", {"name": "ask", "arguments": {"name": "bees", "times": "2"}})
    assert got["messages"] == [{"role": "user", "content": {
        "type": "text", "text": "Tell me about bees"}}] * 2
    got = c.request("prompts/get", {"name": "dialogue"})
    assert [(m["role"], m["content"]["type"]) for m in got["messages"]] == \
        [("user", "text"), ("user", "image"), ("assistant", "text")]
    with pytest.raises(RpcError) as refused:
        c.request("prompts/get", {"name": "ask"})
    assert refused.value.code == -32602 and "name" in refused.value.message
    with pytest.raises(RpcError) as refused:
        c.request("prompts/get", {"name": "nothing"})
    assert refused.value.code == -32602 and "nothing" in refused.value.message


def test_completion_suggests(client, revision, transport):
    c = client(revision, transport)

    def complete(ref, name, value):
        return c.request("completion/complete", {
            "ref": ref, "argument": {"name": name, "value": value}})["completion"]

    prompt = {"type": "ref/prompt", "name": "ask"}
    template = {"type": "ref/resource", "uri": "kit://item/{id}"}
    assert complete(prompt, "name", "ap")["values"] == ["apple", "apricot"]
    assert complete(template, "id", "b")["values"] == ["banana"]
    assert complete(template, "id", "zz")["values"] == []
    many = complete(template, "id", "many")
    assert len(many["values"]) == 100 and many["total"] == 150 and many["hasMore"] is True
    for ref, argument in (({"type": "ref/prompt", "name": "nothing"}, "name"),
                          ({"type": "ref/resource", "uri": "kit://nothing/{id}"}, "id"),
                          (prompt, "nothing")):
        with pytest.raises(RpcError) as refused:
            complete(ref, argument, "")
        assert refused.value.code == -32602


def test_lists_have_pages(client, revision, transport):
    c = client(revision, transport, plugins=["many", "kit"], config={"server": {"page_size": 40}})
    names = c.names()
    assert c.pages > 5
    assert names == sorted(names)
    assert [n for n in names if n.startswith("many_")] == [f"many_{i:04d}" for i in range(250)]
    uris = [r["uri"] for r in c.list("resources")]
    assert c.pages > 2 and len([u for u in uris if u.startswith("many://")]) == 120
    for cursor in ("", "nonsense", "AAAA", "x" * 5000):
        with pytest.raises(RpcError) as refused:
            c.request("tools/list", {"cursor": cursor})
        assert refused.value.code == -32602
    assert c.text("many_0123") == "many_0123 is number 123"


def test_a_handler_learns_who_asks(client, revision, transport):
    c = client(revision, transport)
    c.client_info = {"name": "somebody", "version": "9.9"}
    if revision in HANDSHAKE:
        c.initialize() if transport == "http" else None
    who = c.structured("who")
    assert who["method"] == "tools/call" and who["component"] == "who"
    assert who["instance"] == "kit" and who["principal"] is None
    assert who["elicitation"] is False and who["roots"] is False
    if c.stateless:
        assert (who["client"], who["version"]) == ("somebody", "9.9")
        assert who["session"] is None
    elif transport == "http":
        assert (who["client"], who["version"]) == ("somebody", "9.9")
        assert who["session"] == c.session


def test_a_tool_calls_another(client, revision, transport):
    c = client(revision, transport)
    answer = c.text("forward", name="echo", arguments={"text": "through"})
    assert '"through"' in answer
    result = c.call("forward", name="nothing")
    assert result["isError"] is True
    c.host.wait_log(r'kit/forward: gantry_call_tool: there is no \\?"nothing')
