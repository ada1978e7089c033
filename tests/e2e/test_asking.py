"""Questions to clients, on the wire: forms, URLs, models and folders, in both eras."""

import contextlib
import json
import sqlite3

import pytest

from harness.asking import (EVERYTHING, RpcError, Talker, accept, cancel, connect, decline,
                            in_turn, refuse, say)

FORM = "elicitation/create"
MODEL = "sampling/createMessage"
ROOTS = "roots/list"

TRANSPORTS = ["stdio", "http", "websocket", "sse"]
ERAS = ["2025-06-18", "2025-11-25", "2026-07-28"]
NEW = ["2025-11-25", "2026-07-28"]
each_era = pytest.mark.parametrize("revision", ERAS)
new_eras = pytest.mark.parametrize("revision", NEW)
MISSING = -32021


@pytest.fixture
def talk(host, transport, revision):
    """talk(answers, capabilities=...) connects to a host with the plugin e2e_ask."""
    served = host(plugins=["e2e_ask"], http=None if transport == "stdio" else True,
                  stdio=transport == "stdio")
    made = []

    def make(answers, capabilities=None):
        if transport == "stdio" and made:  # one connection, one client
            return Talker(made[0], answers)
        made.append(connect(served, revision, transport, capabilities))
        return Talker(made[-1], answers)

    yield make
    for client in made:
        if hasattr(client, "close"):
            client.close()


# ---------------------------------------------------------------- forms

MODERN = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "Your full name",
                 "minLength": 2, "maxLength": 50},
        "mail": {"type": "string", "description": "Where to write to", "format": "email"},
        "color": {"type": "string", "enum": ["red", "green"], "default": "green"},
        "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"},
                                             {"const": "l", "title": "Large"}]},
        "age": {"type": "integer", "minimum": 18, "maximum": 120, "default": 30},
        "weight": {"type": "number"},
        "member": {"type": "boolean", "default": True},
        "days": {"type": "array", "description": "When", "minItems": 1, "maxItems": 2,
                 "items": {"anyOf": [{"const": "mo", "title": "Monday"},
                                     {"const": "tu", "title": "Tuesday"}]}}},
    "required": ["name", "size", "days"]}
OLD = json.loads(json.dumps(MODERN))
OLD["properties"].pop("days")
OLD["properties"]["color"].pop("default")
OLD["properties"]["age"].pop("default")
OLD["properties"]["size"] = {"type": "string", "enum": ["s", "l"], "enumNames": ["Small", "Large"]}
for day, title in {"mo": "Monday", "tu": "Tuesday"}.items():
    OLD["properties"][f"days.{day}"] = {"type": "boolean", "title": f"days: {title}",
                                        "description": "When"}
OLD["required"].remove("days")

ADA = {"name": "Ada", "size": "l"}
ADA_TOLD = {"name": "Ada", "color": "green", "size": "l", "age": 30, "member": True,
            "days": ["tu"]}


def ada(revision, **more):
    days = {"days.mo": False, "days.tu": True} if revision == "2025-06-18" else {"days": ["tu"]}
    return {**ADA, **days, **more}


@each_era
def test_a_form_is_filled_in(talk, revision):
    talker = talk({FORM: accept(**ada(revision))})
    assert json.loads(talker.text("register_person")) == ADA_TOLD
    asked, = talker.asked
    mode = {} if revision == "2025-06-18" else {"mode": "form"}
    schema = OLD if revision == "2025-06-18" else MODERN
    assert asked == {"method": FORM, "params": {**mode, "message": "Who are you?",
                                                "requestedSchema": schema}}
    if revision == "2026-07-28":
        assert talker.keys == [["person"]]


@each_era
def test_answers_are_read_as_arguments_are(talk, revision):
    """Numbers as text, null for what may be missing, and what nobody asked for is left out."""
    talker = talk({FORM: accept(**ada(revision, age="44", mail=None, weight=50.5,
                                      nonsense={"deep": ["er"]}))})
    assert json.loads(talker.text("register_person")) == {**ADA_TOLD, "age": 44, "weight": 50.5}


@each_era
def test_a_form_of_a_schema_gives_json(talk):
    talker = talk({FORM: accept(n=2.5)})
    assert json.loads(talker.text("loose_form")) == {"n": 2.5, "why": "because"}


@each_era
def test_yes_no_and_neither(talk):
    for answer, text in [(accept(), "confirmed"), (accept(left="over"), "confirmed")]:
        assert talk({FORM: answer}).text("confirm") == text
    for answer, text in [(decline, "the person declined: Really sure?"),
                         (cancel, "the person dismissed the question: Really sure?")]:
        talker = talk({FORM: answer})
        result = talker.call("confirm", message="Really sure?")
        assert result["isError"] and result["content"][0]["text"] == text
        assert talker.asked[0]["params"]["requestedSchema"] == {"type": "object", "properties": {}}
        assert len(talker.asked) == 1


@pytest.mark.parametrize("revision, transport", [("2025-11-25", "http"), ("2026-07-28", "stdio")])
def test_a_no_is_no_secret_to_be_masked(host, revision, transport):
    served = host(plugins=["e2e_ask"], http=True if transport == "http" else None,
                  stdio=transport == "stdio", config={"middleware": ["mask_errors"]})
    result = Talker(connect(served, revision, transport), {FORM: decline}).call("confirm")
    assert result["isError"] and result["content"][0]["text"] == "the person declined: Sure?"


@each_era
def test_the_same_key_again_has_a_number(talk, revision):
    talker = talk({FORM: in_turn(decline, accept())})
    assert talker.text("twice").endswith(" 0")
    assert len(talker.asked) == 2
    if revision == "2026-07-28":
        assert talker.keys == [["sure"], ["sure-2"]]


def wrong(revision):
    return [lambda asked: {"action": "maybe"}, accept(), accept(**{**ada(revision), "name": "A"})]


@each_era
def test_what_does_not_fit_is_asked_again(talk, revision):
    talker = talk({FORM: in_turn(*wrong(revision)[:2], accept(**ada(revision)))})
    assert json.loads(talker.text("register_person")) == ADA_TOLD
    assert len(talker.asked) == 3
    first, *again = [a["params"] for a in talker.asked]
    for params, why in zip(again, ['expected accept, decline or cancel', 'missing "name"']):
        told, _, reason = params["message"].partition("\n")
        assert {**params, "message": told} == first
        assert reason.startswith("(The answer did not fit: ") and why in reason
    if revision == "2026-07-28":
        assert talker.keys == [["person"]] * 3


@pytest.mark.parametrize("level", ["info", "debug"])
def test_what_a_person_said_is_logged_for_those_who_debug(host, level):
    served = host(plugins=["e2e_ask"], http=True, log_level=level)
    typed = accept(name="Ada", size="l", mail="hunter2", days=["tu"])
    talker = Talker(connect(served, "2026-07-28", "http"), {FORM: in_turn(typed, decline)})
    talker.call("register_person")
    served.wait_log("e2e_ask/register_person: the answer to .*person.* does not fit")
    served.stop()
    assert ("hunter2" in served.log()) == (level == "debug")


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
def test_after_three_times_it_is_given_up(talk, revision):
    talker = talk({FORM: in_turn(*wrong(revision))})
    result = talker.call("register_person")
    assert result["isError"] and len(talker.asked) == 3
    assert result["content"][0]["text"].startswith(
        "none of the client's answers to \"person\" fitted: /name: expected string of 2 to 50")


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
def test_a_client_that_answers_with_an_error(talk):
    result = talk({FORM: refuse}).call("confirm")
    assert result["isError"]
    assert result["content"][0]["text"] == \
        "the client answered \"sure\" with an error: no, thanks (-1)"


@each_era
def test_a_form_that_is_none_is_the_authors_mistake(talk):
    talker = talk({})
    result = talker.call("mistake")
    assert result["isError"] and "correlation id" in result["content"][0]["text"]
    assert talker.asked == []
    log = talker.client.host.log()
    assert "\\\"wrong\\\": field \\\"name\\\": MCP's forms have no \\\"pattern\\\"" in log or \
        "\"wrong\": field \"name\": MCP's forms have no \"pattern\"" in log


# ---------------------------------------------------------------- what a client lacks

def lacking(talker, name, what, required, **arguments):
    """The call fails, and says what for."""
    if talker.client.stateless:
        with pytest.raises(RpcError) as e:
            talker.call(name, **arguments)
        assert e.value.code == MISSING
        assert e.value.data == {"requiredCapabilities": required}
    else:
        result = talker.call(name, **arguments)
        assert result["isError"] and what in result["content"][0]["text"]
    assert talker.asked == []


@each_era
def test_a_client_without_capabilities(talk):
    talker = talk({}, {})
    assert talker.text("careful") == "as you like"
    lacking(talker, "confirm", "elicitation (forms)", {"elicitation": {"form": {}}})
    lacking(talker, "visit", "elicitation (URLs)", {"elicitation": {"url": {}}})
    lacking(talker, "sample", "sampling", {"sampling": {}})
    lacking(talker, "agent", "sampling with tools", {"sampling": {"tools": {}}})
    lacking(talker, "folders", "roots", {"roots": {}})


@new_eras
def test_modes_are_told_apart(talk):
    talker = talk({}, {"elicitation": {"url": {}}, "sampling": {}})
    lacking(talker, "confirm", "elicitation (forms)", {"elicitation": {"form": {}}})
    lacking(talker, "agent", "sampling with tools", {"sampling": {"tools": {}}})


@each_era
def test_an_early_refusal(talk, revision):
    talker = talk({}, {"roots": {}})
    if revision == "2026-07-28":
        lacking(talker, "picky", "", {"elicitation": {"form": {}}})
    else:
        with pytest.raises(RpcError):
            talker.call("picky")


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26"])
def test_revisions_that_have_no_elicitation(talk):
    """Whatever the client says: it would not know what it is asked."""
    talker = talk({MODEL: say("Hello")})
    result = talker.call("confirm")
    assert result["isError"] and "elicitation (forms)" in result["content"][0]["text"]
    assert talker.text("careful") == "as you like"
    assert talker.text("sample") == "Hello by test-model (-, 1)"


# ---------------------------------------------------------------- from elsewhere

@each_era
def test_resources_templates_and_prompts_ask_too(talk, revision):
    read = talk({FORM: accept()}).request("resources/read", {"uri": "ask://secret"})
    assert read["contents"][0]["text"] == "the secret"
    talker = talk({FORM: accept()})
    read = talker.request("resources/read", {"uri": "ask://record/7"})
    assert read["contents"][0]["text"] == "record 7"
    assert talker.asked[0]["params"]["message"] == "Read 7?"
    got = talk({FORM: accept(**ada(revision))}).request("prompts/get", {"name": "interview"})
    assert got["messages"][0]["content"]["text"] == "Tell me about Ada"
    with pytest.raises(RpcError, match="the person declined: Read it"):
        talk({FORM: decline}).request("resources/read", {"uri": "ask://secret"})


@each_era
def test_a_tool_that_calls_a_tool_that_asks(talk, revision):
    talker = talk({FORM: accept()})
    assert talker.text("nested") == "all confirmed"
    assert [a["params"]["message"] for a in talker.asked] == ["Shall I?", "Really?"]
    result = talk({FORM: in_turn(accept(), decline)}).call("nested")
    assert result["isError"] and result["content"][0]["text"] == "the person declined: Really?"


@each_era
def test_a_middleware_that_asks(talk, revision):
    talker = talk({FORM: accept()})
    assert talker.text("guarded") == "confirmed"
    assert [a["params"]["message"] for a in talker.asked] == ["May I?", "Sure?"]
    talker = talk({FORM: decline})
    result = talker.call("guarded")
    assert result["isError"] and result["content"][0]["text"] == "the person declined: May I?"
    assert len(talker.asked) == 1


@each_era
def test_a_handler_that_blocks(talk, revision):
    """Where the client comes back later it cannot wait: it is run again, or cannot ask."""
    assert talk({FORM: accept()}).text("blocking_replay") == "confirmed"
    talker = talk({FORM: accept()})
    if revision == "2026-07-28":
        result = talker.call("blocking")
        assert result["isError"] and talker.asked == []
        assert "GANTRY_REPLAY" in result["content"][0]["text"]
    else:
        assert talker.text("blocking") == "confirmed"


@each_era
def test_a_middleware_that_must_not_wait(talk, revision):
    assert talk({FORM: accept()}).text("held_replay") == "confirmed"
    talker = talk({FORM: accept()})
    if revision == "2026-07-28":
        result = talker.call("held")
        assert result["isError"] and talker.asked == []
        assert "GANTRY_REPLAY" in result["content"][0]["text"]
    else:
        assert talker.text("held") == "confirmed"


@each_era
def test_a_yes_is_to_what_was_asked(talk, revision):
    """What is run again and asks something else is not given the answer to what it asked before."""
    talker = talk({FORM: accept()})
    assert talker.text("unsteady") == \
        ("bought for 2" if revision == "2026-07-28" else "bought for 1")
    asked = [a["params"]["message"] for a in talker.asked]
    if revision == "2026-07-28":
        assert asked == ["Buy it for 1?", "Buy it for 2?"]
        talker.client.host.wait_log("e2e_ask/unsteady: .*buy.* is not what was asked before")
    else:
        assert asked == ["Buy it for 1?"]


# ---------------------------------------------------------------- transactions

@pytest.fixture
def shop(host, transport, revision, tmp_path):
    """shop(answer) talks to a host whose requests are transactions; shop.rows() counts."""
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (n)")
    served = host(plugins=["e2e_ask", "sqlite"], http=None if transport == "stdio" else True,
                  stdio=transport == "stdio",
                  config={"plugins": [{"plugin": "e2e_ask"}, {"plugin": "sqlite", "settings": {
                      "database": str(path), "write": True}}]})
    client = connect(served, revision, transport)

    def make(answer):
        return Talker(client, {FORM: answer})

    def rows():
        with contextlib.closing(sqlite3.connect(path)) as db:
            return db.execute("SELECT count(*) FROM t").fetchone()[0]

    make.rows = rows
    yield make
    if hasattr(client, "close"):
        client.close()


@each_era
def test_what_asks_before_it_writes_may_wait(shop):
    assert shop(accept()).text("ask_then_write") == "written" and shop.rows() == 1
    assert shop(decline).call("ask_then_write")["isError"] and shop.rows() == 1


@each_era
def test_no_transaction_waits_with_nobody_connected(shop, revision):
    """It is rolled back, and done again with the answer, or not at all."""
    talker = shop(accept())
    assert talker.text("write_then_ask_replay") == "kept" and shop.rows() == 1
    assert len(talker.asked) == 1
    assert shop(decline).call("write_then_ask_replay")["isError"] and shop.rows() == 1
    talker = shop(accept())
    if revision == "2026-07-28":
        result = talker.call("write_then_ask")
        assert result["isError"] and talker.asked == [] and shop.rows() == 1
        assert "GANTRY_REPLAY" in result["content"][0]["text"]
    else:
        assert talker.text("write_then_ask") == "kept" and shop.rows() == 2


# ---------------------------------------------------------------- URLs

@new_eras
def test_a_url(talk, revision):
    talker = talk({FORM: accept()})
    id = talker.text("visit")
    params = talker.asked[0]["params"]
    assert len(id) == 32 and params["mode"] == "url"
    assert params["url"] == f"https://example.com/key?id={id}"
    assert params.get("elicitationId") == (id if revision == "2025-11-25" else None)
    assert talk({FORM: decline}).call("visit")["content"][0]["text"] == \
        "the person declined: Please give your key there"
    assert talk({FORM: accept()}).text("visit") != id


@pytest.mark.parametrize("revision", ["2025-11-25"])
def test_the_end_of_what_happens_at_a_url(talk, transport):
    talker = talk({FORM: accept()})
    client = talker.client
    if transport == "http":
        client.open_get_stream()
    id = talker.text("visit")
    assert talker.text("visited", id="unknown") == "-7"
    assert talker.text("visited", id=id) == "0"
    told, = client.notifications.wait("notifications/elicitation/complete")
    assert told["params"] == {"elicitationId": id}
    assert talker.text("visited", id=id) == "-7", "it ends once"


# ---------------------------------------------------------------- models

def messages(asked):
    return asked["params"]["messages"]


@pytest.mark.parametrize("revision", ["2024-11-05", *ERAS])
def test_a_model_is_asked(talk):
    talker = talk({MODEL: say("Hello", stopReason="endTurn")})
    assert talker.text("sample") == "Hello by test-model (endTurn, 1)"
    assert talker.asked == [{"method": MODEL, "params": {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Say something"}}],
        "modelPreferences": {"hints": [{"name": "small"}], "speedPriority": 1},
        "systemPrompt": "Be brief", "temperature": 0.5, "maxTokens": 50}}]


@pytest.mark.parametrize("revision", ["2024-11-05", *ERAS])
def test_messages_of_several_pieces(talk, revision):
    pieces = [{"type": "text", "text": "What is this?"},
              {"type": "image", "data": "aGk=", "mimeType": "image/png"}]
    talker = talk({MODEL: say("A cat")})
    talker.text("sample", messages=[{"role": "user", "content": pieces}])
    if revision in NEW:
        assert messages(talker.asked[0]) == [{"role": "user", "content": pieces}]
    else:
        assert messages(talker.asked[0]) == [{"role": "user", "content": p} for p in pieces]


@new_eras
@pytest.mark.parametrize("has", [False, True])
def test_context_of_servers_only_where_the_client_has_it(talk, has):
    talker = talk({MODEL: say("Hello")}, {"sampling": {"context": {}} if has else {}})
    talker.text("sample", context=True)
    assert talker.asked[0]["params"].get("includeContext") == ("thisServer" if has else None)


@new_eras
def test_an_answer_of_a_model_that_is_none_is_asked_for_again(talk):
    talker = talk({MODEL: in_turn(lambda asked: {"role": "assistant", "model": "m",
                                                 "content": "just text"}, say("Hello"))})
    assert talker.text("sample").startswith("Hello by")
    assert len(talker.asked) == 2


def uses(*calls):
    return lambda asked: {
        "role": "assistant", "model": "m", "stopReason": "toolUse",
        "content": [{"type": "tool_use", "id": id, "name": name, "input": arguments}
                    for id, name, arguments in calls]}


@new_eras
def test_a_model_that_uses_tools(talk, revision):
    talker = talk({
        MODEL: in_turn(uses(("1", "add", {"a": 2, "b": 3}), ("2", "add", {"a": 4, "b": 5}),
                            ("3", "visit", {}), ("4", "add", {"a": "x"})),
                       say("5 and 9")),
        FORM: accept()})
    assert talker.text("agent") == "5 and 9"
    first, second = talker.asked
    assert [t["name"] for t in first["params"]["tools"]] == ["add", "confirm"]
    assert first["params"]["tools"][0]["inputSchema"]["required"] == ["a", "b"]
    user, assistant, results = messages(second)
    assert user == messages(first)[0] and assistant["role"] == "assistant"
    assert len(assistant["content"]) == 4 and results["role"] == "user"
    assert [r["type"] for r in results["content"]] == ["tool_result"] * 4
    assert [r["toolUseId"] for r in results["content"]] == ["1", "2", "3", "4"]
    texts = [r["content"][0]["text"] for r in results["content"]]
    assert texts[:2] == ["5", "9"] and "there is no such tool" in texts[2]
    assert [r.get("isError", False) for r in results["content"]] == [False, False, True, True]
    assert "\"b\"" in texts[3] or "/b" in texts[3] or "b" in texts[3]
    if revision == "2026-07-28":
        assert talker.keys == [["agent"], ["agent-2"]]
    assert talk({}).text("added_count") == "2"


@new_eras
def test_a_tool_of_a_model_that_asks_the_person(talk):
    talker = talk({MODEL: in_turn(uses(("1", "add", {"a": 1, "b": 1}),
                                       ("2", "confirm", {"message": "All right?"})), say("Done")),
                   FORM: accept()})
    assert talker.text("agent") == "Done"
    assert [a["method"] for a in talker.asked] == [MODEL, FORM, MODEL]
    assert [r["content"][0]["text"] for r in messages(talker.asked[2])[2]["content"]] == \
        ["2", "confirmed"]
    assert talk({}).text("added_count") == "1"


@new_eras
def test_the_last_round_uses_no_tools(talk):
    again = uses(("1", "add", {"a": 1, "b": 1}))
    talker = talk({MODEL: in_turn(again, again, say("Enough"))})
    assert talker.text("agent") == "Enough"
    assert [a["params"].get("toolChoice") for a in talker.asked] == [None, None, {"mode": "none"}]


# ---------------------------------------------------------------- roots, and all at once

def roots(asked):
    return {"roots": [{"uri": "file:///home/ada", "name": "home"}, {"uri": "file:///tmp"}]}


@pytest.mark.parametrize("revision", ["2024-11-05", *ERAS])
def test_roots(talk):
    talker = talk({ROOTS: roots})
    assert talker.text("folders") == "2: home=file:///home/ada;=file:///tmp;"
    assert talk({ROOTS: lambda asked: {"roots": []}}).text("folders") == "0: "


@each_era
def test_several_questions_at_once(talk, revision):
    forms = {"Who?": accept(**ada(revision)), "Sure?": decline}
    talker = talk({FORM: lambda asked: forms[asked["params"]["message"]](asked),
                   MODEL: say("Hello"), ROOTS: roots})
    assert talker.text("everything") == "Ada -12 Hello 2"
    assert [a["method"] for a in talker.asked] == [FORM, FORM, MODEL, ROOTS]
    if revision == "2026-07-28":
        assert talker.keys == [["who", "sure", "model", "roots"]]


@each_era
def test_of_several_only_what_does_not_fit_is_asked_again(talk, revision):
    who = in_turn(accept(), accept(**ada(revision)))
    talker = talk({FORM: lambda asked: (
        who if asked["params"]["message"].startswith("Who?") else accept())(asked), MODEL: say("Hello"), ROOTS: roots})
    assert talker.text("everything") == "Ada 0 Hello 2"
    assert sum(a["params"].get("message", "").startswith("Who?") for a in talker.asked
               if "params" in a) == 2
    assert len(talker.asked) == 5
    if revision == "2026-07-28":
        assert talker.keys == [["who", "sure", "model", "roots"], ["who"]]
    assert EVERYTHING["roots"] == {}
