"""The error of every situation (DESIGN: errors), in both eras, over both transports."""

import json

import pytest

from harness.client import RpcError, StdioClient

TRANSPORTS = ["stdio", "http", "websocket", "sse"]
ONE_OF_EACH = pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])


def refused(c, method, params=None):
    with pytest.raises(RpcError) as error:
        c.request(method, params)
    return error.value


def test_unknown_method(client, revision, transport):
    c = client(revision, transport)
    for method in ("nothing/there", "tools", "", "rpc.discover", "notifications/cancelled"):
        if method == "" and c.stateless and transport == "http":
            continue  # there is no empty header that could agree with it
        error = refused(c, method)
        assert error.code == -32601, (method, error)
        if transport == "http":
            assert error.status == (404 if c.stateless else 200), (method, error)


def test_methods_of_the_other_era_do_not_exist(client, transport):
    c = client("2026-07-28", transport)
    for method in ("ping", "initialize", "logging/setLevel", "resources/subscribe",
                   "resources/unsubscribe"):
        error = refused(c, method)
        assert error.code == -32601 and error.status in (404, None), (method, error)


def test_methods_of_the_stateless_era_do_not_exist_in_sessions(client, transport):
    c = client("2025-11-25", transport)
    for method in ("subscriptions/listen", "server/discover"):
        assert refused(c, method).code == -32601


def test_unknown_tool_is_named(client, revision, transport):
    c = client(revision, transport)
    error = refused(c, "tools/call", {"name": "ech", "arguments": {}})
    assert error.code == -32602 and "ech" in error.message


@ONE_OF_EACH
@pytest.mark.parametrize("params", [
    None, {}, {"name": 7}, {"name": None}, {"name": ["echo"]},
    {"name": "echo", "arguments": []}, {"name": "echo", "arguments": "text"},
    {"name": "echo", "arguments": 7}])
def test_malformed_call_parameters(client, revision, transport, params):
    c = client(revision, transport)
    if c.stateless and transport == "http" and params and isinstance(params.get("name"), str):
        pass  # the name is there, so that the headers can agree with it
    elif c.stateless and transport == "http":
        return  # what the headers say cannot agree with such a body: test_eras.py
    assert refused(c, "tools/call", params).code == -32602


@ONE_OF_EACH
@pytest.mark.parametrize("arguments, names", [
    ({}, ["text", "whole"]),
    ({"text": 7, "whole": 1}, ["text"]),
    ({"text": "a", "whole": "x"}, ["whole"]),
    ({"text": "a", "whole": 1.5}, ["whole"]),
    ({"text": "a", "whole": 10**16}, ["whole"]),
    ({"text": "a", "whole": 10**30}, ["whole"]),
    ({"text": "nul\0", "whole": 1}, ["text"]),
    ({"text": "a", "whole": 1, "level": 6}, ["level"]),
    ({"text": "a", "whole": 1, "level": 0}, ["level"]),
    ({"text": "a", "whole": 1, "colour": "blue"}, ["colour"]),
    ({"text": "a", "whole": 1, "yes": "maybe"}, ["yes"]),
    ({"text": "a", "whole": 1, "words": ["a", 7]}, ["words"]),
    ({"text": "a", "whole": 1, "words": list("abcdef")}, ["words"]),
    ({"text": "a", "whole": 1, "at": {"x": 1}}, ["at", "y"]),
    ({"text": "a", "whole": 1, "points": [{"x": 1, "y": 1}, {"x": 1, "y": []}]}, ["points", "y"]),
    ({"text": "a", "whole": 1, "points": {}}, ["points"]),
    ({"text": "a", "whole": 1, "surplus": 1}, ["surplus"]),
    ({"text": None, "whole": [], "level": "x"}, ["text", "whole", "level"]),
])
def test_wrong_arguments_are_a_tool_error_that_names_each(client, revision, arguments, names):
    c = client(revision, "stdio")
    result = c.call("types", **arguments)
    assert result["isError"] is True, result
    said = " ".join(block["text"] for block in result["content"])
    for name in names:
        assert name in said, said


def test_failing_on_purpose_shows_the_message_verbatim(client, revision, transport):
    c = client(revision, transport)
    result = c.call("fail", text="no such city: Ålesund %s {}")
    assert result["isError"] is True
    assert [b["text"] for b in result["content"]] == ["no such city: Ålesund %s {}"]


def test_failing_by_accident_shows_a_correlation_id_only(client, revision, transport):
    c = client(revision, transport)
    result = c.call("accident")
    assert result["isError"] is True and len(result["content"]) == 1
    said = result["content"][0]["text"]
    assert "must not be seen" not in said
    correlation = [word.strip(".,:()[]") for word in said.split()
                   if sum(ch.isdigit() for ch in word) >= 2 or len(word.strip(".,:()[]")) >= 8]
    # The log line of the failure names the tool and holds the same id.
    line = c.host.wait_log("accident")
    assert any(word and word in line for word in correlation), (said, line)


@ONE_OF_EACH
def test_not_json_rpc(client, revision, transport):
    c = client(revision, transport)
    messages = [[], {}, 7, "text", None, True, {"jsonrpc": "1.0", "id": 1, "method": "ping"},
                {"id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": 1},
                {"jsonrpc": "2.0", "id": 1, "method": 7},
                {"jsonrpc": "2.0", "id": {}, "method": "ping"},
                {"jsonrpc": "2.0", "id": [1], "method": "ping"},
                {"jsonrpc": "2.0", "id": None, "method": "ping"},
                {"jsonrpc": "2.0", "id": True, "method": "ping"},
                {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
                {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]},
                {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "x"}]
    for message in messages:
        if transport != "http":
            c.send_message(message)
            answer, status = c.unclaimed(), 400
        else:
            connection, response = c.post(json.dumps(message).encode())
            answer, status = response.json(), response.status
            c.keep(connection, response)
        assert answer["error"]["code"] in (-32600, -32602), (message, answer)
        if message not in messages[-2:]:  # params of the wrong type may be either
            assert answer["error"]["code"] == -32600, (message, answer)
        assert status == 400, (message, answer)
    assert c.text("echo", text="still here") == "still here"


def test_a_batch_is_refused_where_the_revision_has_none(client, transport):
    c = client("2025-11-25", transport)
    batch = [{"jsonrpc": "2.0", "id": 50 + i, "method": "ping"} for i in range(3)]
    if transport != "http":
        c.send_message(batch)
        answer = c.unclaimed()
    else:
        _, response = c.post(json.dumps(batch).encode())
        assert response.status == 400
        answer = response.json()
    assert answer["error"]["code"] == -32600


def test_an_id_in_use_is_refused(client):
    c = client("2025-11-25", "stdio")
    first = c.start("tools/call", {"name": "sleep", "arguments": {"ms": 600000}}, id="same")
    c.wait_in_flight(1)
    c.send_message({"jsonrpc": "2.0", "id": "same", "method": "ping"})
    error = json_of(first)
    assert error["error"]["code"] == -32600
    # The answer carried the id, so the harness took it for the first; that one is still running.
    c.send_message({"jsonrpc": "2.0", "method": "notifications/cancelled",
                    "params": {"requestId": "same"}})
    c.wait_in_flight(0)


def json_of(pending):
    pending.wait(lambda: pending.response, "an answer")
    return pending.response


def test_notifications_are_never_answered(client, revision, transport):
    c = client(revision, transport)
    if transport != "http":
        for method, params in (("notifications/nothing", None), ("nothing", {"x": 1}),
                               ("notifications/cancelled", {"requestId": 12345}),
                               ("notifications/cancelled", {}), ("tools/list", {}),
                               ("notifications/progress", {"progressToken": 1, "progress": 2})):
            c.send_message({"jsonrpc": "2.0", "method": method,
                            **({"params": params} if params is not None else {})})
        assert c.text("echo", text="next") == "next"
        assert c.raw.empty()
    else:
        c.notify("notifications/nothing")
        c.notify("notifications/cancelled", {"requestId": 12345})
        assert c.text("echo", text="next") == "next"


def test_responses_nobody_asked_for_are_ignored(client, transport):
    c = client("2025-11-25", transport)
    for message in ({"jsonrpc": "2.0", "id": 99, "result": {}},
                    {"jsonrpc": "2.0", "id": "x", "error": {"code": 1, "message": "no"}}):
        if transport != "http":
            c.send_message(message)
        else:
            connection, response = c.post(message)
            assert response.status == 202, response.status
            response.body()
            c.keep(connection, response)
    assert c.text("echo", text="next") == "next"


def test_every_kind_of_id_comes_back_as_it_was(client, transport):
    c = client("2025-11-25", transport)
    for id in (0, -1, 1, 2**31, 2**53 - 1, -2**53 + 1, "", "a", "7", "é\n\"\\", "x" * 500):
        pending = c.start("ping", id=id)
        pending.result()
        assert pending.response["id"] == id and type(pending.response["id"]) is type(id)


def test_nobody_is_served_before_the_handshake(host):
    """Over stdio a request without era is refused until `initialize` came."""
    one = host(stdio=True)
    c = StdioClient(one, "2025-11-25")
    with pytest.raises(RpcError) as error:
        c.request("tools/list")
    assert error.value.code in (-32600, -32602)
    c.initialize()
    assert "echo" in c.names()


def test_a_batch_is_served_in_the_revision_that_has_it(client, transport):
    c = client("2025-03-26", transport)
    batch = [{"jsonrpc": "2.0", "id": "a", "method": "ping"},
             {"jsonrpc": "2.0", "method": "notifications/nothing"},
             {"jsonrpc": "2.0", "id": "b", "method": "nothing/there"},
             {"jsonrpc": "2.0", "id": "c", "method": "tools/call",
              "params": {"name": "echo", "arguments": {"text": "batched"}}}]
    if transport != "http":
        c.send_batch(batch)
        answers = c.unclaimed_all(3)
    else:
        connection, response = c.post(json.dumps(batch).encode())
        assert response.status == 200
        if response.is_stream:
            answers = [json.loads(e["data"]) for e in response.events() if e.get("data")]
            answers = [m for a in answers for m in (a if isinstance(a, list) else [a])]
        else:
            answers = response.json()
        c.keep(connection, response)
    by_id = {a["id"]: a for a in answers}
    assert len(answers) == 3 and set(by_id) == {"a", "b", "c"}
    assert by_id["a"]["result"] == {}
    assert by_id["b"]["error"]["code"] == -32601
    assert by_id["c"]["result"]["content"][0]["text"] == "batched"


def batch_over_http(c, messages):
    connection, response = c.post(json.dumps(messages).encode())
    body = response.body()
    c.keep(connection, response)
    return response.status, json.loads(body) if body else None


def test_batches_over_http_in_detail(client):
    c = client("2025-03-26", "http")
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    note = {"jsonrpc": "2.0", "method": "notifications/nothing"}
    assert batch_over_http(c, [note, note]) == (202, None)
    status, answers = batch_over_http(c, [ping])
    assert status == 200 and answers == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
    status, answers = batch_over_http(c, [7, [ping], {**ping, "id": 2}, {"id": 3},
                                          {**ping, "method": "initialize"}])
    assert status == 200
    assert [a.get("error", {}).get("code") for a in answers] == [-32600, -32600, None, -32600, -32600]
    status, answers = batch_over_http(c, [ping, ping])  # answered at once, so not in flight together
    assert status == 200 and len(answers) == 2
    for wrong in ([], [ping] * 1025):
        status, answer = batch_over_http(c, wrong)
        assert status == 400 and answer["error"]["code"] == -32600
    # Calls of one batch run side by side, and their answers leave together.
    calls = [{"jsonrpc": "2.0", "id": f"s{n}", "method": "tools/call",
              "params": {"name": "sleep", "arguments": {"ms": 300}}} for n in range(20)]
    status, answers = batch_over_http(c, calls)
    assert status == 200 and {a["id"] for a in answers} == {f"s{n}" for n in range(20)}
    assert c.structured("status")["peak"] == 20


def test_a_client_that_leaves_before_its_batch_is_answered(client):
    c = client("2025-03-26", "http")
    calls = [{"jsonrpc": "2.0", "id": f"s{n}", "method": "tools/call",
              "params": {"name": "sleep", "arguments": {"ms": 1500 if n else 0}}} for n in range(5)]
    connection = c.new_connection()
    connection.send_request("POST", c.path, c.headers_for({}), json.dumps(calls).encode())
    c.wait_in_flight(4)
    connection.close()
    assert c.wait_in_flight(0)["finished"] == 5  # this era goes on


def test_cancelling_one_message_of_a_batch(client):
    c = client("2025-03-26", "http")
    calls = [{"jsonrpc": "2.0", "id": f"s{n}", "method": "tools/call",
              "params": {"name": "sleep", "arguments": {"ms": 600000}}} for n in range(2)]
    with c.new_connection() as connection:
        connection.send_request("POST", c.path, c.headers_for({}), json.dumps(calls).encode())
        c.wait_in_flight(2)
        for n in range(2):
            c.notify("notifications/cancelled", {"requestId": f"s{n}"})
        response = connection.read_response()
        assert response.status in (200, 202)
        assert not response.is_stream or not [e for e in response.events() if e.get("data")]
    assert c.wait_in_flight(0)["cancelled"] == 2
