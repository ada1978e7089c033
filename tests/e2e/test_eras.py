"""How the era of a message is decided, and what is checked before it is served (DESIGN: the way of a
call, step 2)."""

import json

import pytest

from harness import schema
from harness.client import META, HttpClient, RpcError, StdioClient, connect

NEW, OLD = "2026-07-28", "2025-11-25"


def meta(revision=NEW, **more):
    return {META + "protocolVersion": revision, META + "clientCapabilities": {}, **more}


def post(c, message, **headers):
    """Posts a message with just these headers besides the two every request has; (status, answer)."""
    fields = {"Content-Type": "application/json",
              "Accept": "application/json, text/event-stream",
              **{name.replace("_", "-"): value for name, value in headers.items()}}
    with c.new_connection() as connection:
        connection.send_request("POST", c.path, fields, json.dumps(message).encode())
        response = connection.read_response()
        body = response.body()
        return response.status, json.loads(body) if body else None, response.headers


def ask(method="tools/list", params=None, **more):
    return {"jsonrpc": "2.0", "id": 1, "method": method, **({"params": params} if params else {}),
            **more}


@pytest.fixture
def c(client):
    return client(NEW, "http")


# ---------------------------------------------------------------- the handshake

@pytest.mark.parametrize("asked", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_known_revision_is_agreed(host, transport, asked):
    one = host(http=transport == "http" or None, stdio=transport == "stdio")
    c = connect(one, asked, transport)
    assert c.server["protocolVersion"] == asked


@pytest.mark.parametrize("asked", ["2026-07-28", "2030-01-01", "2023-01-01", "nonsense", ""])
def test_another_revision_is_answered_with_the_newest_of_the_era(host, transport, asked):
    one = host(http=transport == "http" or None, stdio=transport == "stdio")
    c = (HttpClient if transport == "http" else StdioClient)(one, OLD)
    assert c.initialize(revision=asked)["protocolVersion"] == OLD
    assert "echo" in c.names()


@pytest.mark.parametrize("params", [
    None, {}, {"protocolVersion": 7}, {"protocolVersion": OLD},
    {"protocolVersion": OLD, "capabilities": {}},
    {"protocolVersion": OLD, "capabilities": [], "clientInfo": {"name": "x", "version": "1"}},
    {"protocolVersion": OLD, "capabilities": {}, "clientInfo": "x"}])
def test_a_malformed_handshake_is_refused_and_may_be_tried_again(host, transport, params):
    one = host(http=transport == "http" or None, stdio=transport == "stdio")
    c = (HttpClient if transport == "http" else StdioClient)(one, OLD)
    with pytest.raises(RpcError) as refused:
        c.request("initialize", params)
    assert refused.value.code == -32602
    c.initialize()
    assert "echo" in c.names()


def test_a_second_handshake_on_stdio_replaces_the_first(client):
    c = client(OLD, "stdio")
    assert c.initialize(revision="2025-03-26")["protocolVersion"] == "2025-03-26"
    assert "structuredContent" not in c.call("structured")
    c.revision = OLD
    c.initialize()
    assert "structuredContent" in c.call("structured")


# ---------------------------------------------------------------- both at once

def test_both_eras_are_served_on_one_connection(client):
    c = client(OLD, "stdio")
    old = c.request("tools/list")
    new = c.request("tools/list", {"_meta": meta()})  # checked by the older schema: it allows more
    assert new["resultType"] == "complete" and "resultType" not in old
    assert [t["name"] for t in old["tools"]] == [t["name"] for t in new["tools"]]


def test_both_eras_are_served_on_one_endpoint(client):
    old = client(OLD, "http")
    new = HttpClient(old.host, NEW)
    assert old.names() == new.names()
    # A session id on a stateless request is ignored, even one that nobody has.
    for session in (old.session, "no-such-session"):
        pending = new.start("tools/list", headers={"Mcp-Session-Id": session})
        assert pending.result()["resultType"] == "complete"
        assert "mcp-session-id" not in pending.http.headers


def test_a_stateless_client_needs_no_handshake_on_stdio(host):
    c = connect(host(stdio=True), NEW, "stdio")
    assert c.text("echo", text="first message") == "first message"


# ---------------------------------------------------------------- which era, over HTTP

def test_neither_header_nor_meta_nor_session_is_refused(c):
    status, answer, _ = post(c, ask())
    assert status == 400 and answer["error"]["code"] in (-32600, -32602)
    assert "initialize" in answer["error"]["message"] or "session" in answer["error"]["message"].lower()


def test_an_unknown_session_is_not_found(c):
    for headers in ({}, {"MCP_Protocol_Version": OLD}, {"MCP_Protocol_Version": "2025-06-18"}):
        status, answer, _ = post(c, ask(), Mcp_Session_Id="nobody", **headers)
        assert status == 404, (status, answer)


def test_a_session_without_protocol_header_is_served(client):
    c = client("2025-03-26", "http")
    status, answer, _ = post(c, ask(), Mcp_Session_Id=c.session)
    assert status == 200 and answer["result"]["tools"]


def test_a_session_refuses_another_revision_in_the_header(client):
    c = client("2025-11-25", "http")
    status, answer, _ = post(c, ask(), Mcp_Session_Id=c.session, MCP_Protocol_Version="1999-01-01")
    assert status == 400, answer


def test_the_header_alone_makes_it_stateless_and_the_meta_is_then_missing(c):
    for params in (None, {}, {"_meta": {}}, {"_meta": {META + "protocolVersion": NEW}},
                   {"_meta": {META + "clientCapabilities": {}}}):
        status, answer, _ = post(c, ask("tools/list", params), MCP_Protocol_Version=NEW,
                                 Mcp_Method="tools/list")
        assert (status, answer["error"]["code"]) == (400, -32602), answer
        assert "_meta" in answer["error"]["message"] or META in answer["error"]["message"]
        schema.check_from_server(NEW, answer)


def test_the_meta_alone_makes_it_stateless_and_the_headers_are_then_missing(c):
    status, answer, _ = post(c, ask("tools/list", {"_meta": meta()}))
    assert (status, answer["error"]["code"]) == (400, -32020), answer
    status, answer, _ = post(c, ask("tools/list", {"_meta": meta()}), MCP_Protocol_Version=NEW)
    assert (status, answer["error"]["code"]) == (400, -32020), answer


def test_an_unknown_revision_is_told_what_is_supported(c, transport):
    for revision in ("2027-01-01", "2030-12-31", "nonsense", "DRAFT-2026-v1"):
        status, answer, _ = post(c, ask("tools/list", {"_meta": meta(revision)}),
                                 MCP_Protocol_Version=revision, Mcp_Method="tools/list")
        assert (status, answer["error"]["code"]) == (400, -32022), answer
        assert answer["error"]["data"]["requested"] == revision
        assert NEW in answer["error"]["data"]["supported"]
        schema.check_from_server(NEW, answer)


def test_a_handshake_revision_in_the_meta_is_unsupported_there(host):
    c = connect(host(stdio=True), NEW, "stdio")
    for revision in (OLD, "2025-03-26", "1900-01-01"):
        with pytest.raises(RpcError) as refused:
            c.request("tools/list", {"_meta": {META + "protocolVersion": revision}})
        assert refused.value.code == -32022
        assert refused.value.data["requested"] == revision
        assert NEW in refused.value.data["supported"]


def test_a_client_that_knows_both_eras_finds_this_one(host, transport):
    """The probe of the specification: server/discover first, then what it answers."""
    one = host(http=transport == "http" or None, stdio=transport == "stdio")
    c = (HttpClient if transport == "http" else StdioClient)(one, NEW)
    c.revision = "2099-01-01"
    with pytest.raises(RpcError) as refused:
        c.revision, wanted = NEW, c.revision
        c.request("server/discover", {"_meta": {META + "protocolVersion": wanted}},
                  **({"headers": {"MCP-Protocol-Version": wanted}} if transport == "http" else {}))
    assert refused.value.code == -32022
    agreed = refused.value.data["supported"][0]
    assert agreed == NEW
    assert agreed in c.request("server/discover")["supportedVersions"]


# ---------------------------------------------------------------- headers must agree with the body

GOOD = {"MCP_Protocol_Version": NEW, "Mcp_Method": "tools/call", "Mcp_Name": "echo"}
CALL = {"name": "echo", "arguments": {"text": "hi"}, "_meta": meta()}


@pytest.mark.parametrize("change", [
    {"MCP_Protocol_Version": None}, {"MCP_Protocol_Version": "2025-11-25"},
    {"Mcp_Method": None}, {"Mcp_Method": "tools/list"}, {"Mcp_Method": "TOOLS/CALL"},
    {"Mcp_Method": ""}, {"Mcp_Name": None}, {"Mcp_Name": "other"}, {"Mcp_Name": "Echo"},
    {"Mcp_Name": "=?base64?b3RoZXI=?="}, {"Mcp_Name": "=?base64?!!!?="},
    {"Mcp_Name": "=?base64?ZWNobw?="}, {"Mcp_Name": ["echo", "other"]},
])
def test_a_header_that_does_not_agree_is_refused(c, change):
    headers = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    status, answer, _ = post(c, ask("tools/call", CALL), **headers)
    assert (status, answer["error"]["code"]) == (400, -32020), answer
    assert answer["id"] == 1
    schema.check_from_server(NEW, answer)


@pytest.mark.parametrize("change", [
    {}, {"Mcp_Name": "=?base64?ZWNobw==?="}, {"Mcp_Name": "  echo  "}, {"mcp_name": "echo"}])
def test_headers_that_agree_are_served(c, change):
    headers = {**GOOD, **change}
    if "mcp_name" in change:
        del headers["Mcp_Name"]
    status, answer, _ = post(c, ask("tools/call", CALL), **headers)
    assert status == 200 and answer["result"]["content"][0]["text"] == "hi", answer


def test_names_that_are_no_plain_header_values_are_encoded(c):
    # The harness encodes them; unknown they are, but the headers agree.
    for name in ("größe", " padded ", "=?base64?x?=", "tab\there"):
        with pytest.raises(RpcError) as refused:
            c.call(name)
        assert refused.value.code == -32602, name


def test_prompts_and_resources_have_the_header_too(c):
    for method, params in (("prompts/get", {"name": "dialogue"}),
                           ("resources/read", {"uri": "kit://text"})):
        for name, code in (("other", -32020), (None, -32020)):
            headers = {"MCP_Protocol_Version": NEW, "Mcp_Method": method}
            if name:
                headers["Mcp_Name"] = name
            status, answer, _ = post(c, ask(method, {**params, "_meta": meta()}), **headers)
            assert (status, answer["error"]["code"]) == (400, code), answer
        assert c.request(method, params)


REGION = {"name": "region", "_meta": meta()}


@pytest.mark.parametrize("arguments, header, text", [
    ({"region": "us-west1"}, "us-west1", "us-west1 us-west1"),
    ({"region": "us-west1"}, "=?base64?dXMtd2VzdDE=?=", None),
    ({"region": "Oslø"}, "=?base64?T3Nsw7g=?=", None),
    ({}, None, "- -"),
    ({"region": "us-west1"}, None, -32020),
    ({"region": "us-west1"}, "eu", -32020),
    ({"region": "us-west1"}, "=?base64?ZXU=?=", -32020),
    ({}, "us-west1", -32020),
    ({"region": None}, None, 0),
])
def test_mirrored_arguments_agree_with_their_header(c, arguments, header, text):
    headers = {"MCP_Protocol_Version": NEW, "Mcp_Method": "tools/call", "Mcp_Name": "region"}
    if header is not None:
        headers["Mcp_Param_Region"] = header
    status, answer, _ = post(c, ask("tools/call", {**REGION, "arguments": arguments}), **headers)
    if text == -32020:
        assert (status, answer["error"]["code"]) == (400, -32020), answer
        return
    assert status == 200 and "result" in answer, answer
    if isinstance(text, str):
        assert answer["result"]["content"][0]["text"] == text


def test_mirrored_arguments_are_announced(c):
    tool = {t["name"]: t for t in c.list("tools")}["region"]
    assert tool["inputSchema"]["properties"]["region"]["x-mcp-header"] == "Region"


def test_headers_are_no_matter_in_the_handshake_era(client):
    c = client(OLD, "http")
    pending = c.start("tools/call", {"name": "echo", "arguments": {"text": "hi"}},
                      headers={"Mcp-Method": "nonsense", "Mcp-Name": "nonsense"})
    assert pending.result()["content"][0]["text"] == "hi"
