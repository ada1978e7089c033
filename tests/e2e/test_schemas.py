"""What schemas decide: which arguments are taken and how, which output goes out, what a list shows."""

import copy
import json
import re
import signal

import pytest

from harness.client import RpcError, connect

NEW, OLD = "2026-07-28", "2025-11-25"
CASH = {"kind": "cash", "amount": 1.25}
ITEMS = [{"name": "tea"}]


@pytest.fixture
def start(client):
    """A host with the plugin schema: start(section "schema" of the configuration, ...)."""
    def started(schema=None, revision=NEW, transport="http", settings=None, **options):
        config = {"schema": schema or {}}
        if settings:
            config["plugins"] = [{"plugin": "schema", "settings": settings}]
        return client(revision, transport, plugins=options.pop("plugins", ["schema"]), config=config,
                      **options)
    return started


def lines(c, name, /, **arguments):
    """What is said of arguments that are wrong, line by line."""
    result = c.call(name, **arguments)
    assert result.get("isError") is True, result
    assert len(result["content"]) == 1, result
    return result["content"][0]["text"].split("\n")


def taken(c, name, /, **arguments):
    """The arguments as the handler saw them."""
    return json.loads(c.text(name, **arguments))


def said(c, pattern, level="warning"):
    """Messages of the host's log at that level."""
    return [line["message"] for line in c.host.log_lines()
            if line["level"] == level and re.search(pattern, line["message"])]


# ---------------------------------------------------------------- arguments

def test_right_arguments_arrive_as_they_are(start, revision, transport):
    c = start(revision=revision, transport=transport)
    order = {"pay": CASH, "items": [{"name": "tea", "count": 2, "parts": [{"name": "bag"}]}],
             "when": "2026-02-28", "mail": "ada@example.org", "speed": "express", "gift": True,
             "greeting": "hi", "labels": {"x-a": 1}}
    assert taken(c, "order", **order) == order
    assert taken(c, "exact", **order) == order
    assert taken(c, "legacy", size=5, at=["a", 1], a=1, b=2) == \
        {"size": 5, "at": ["a", 1], "a": 1, "b": 2}


@pytest.mark.parametrize("change, wanted", [
    ({"pay": {"kind": "cash", "amount": 1.255}}, [r"/pay/amount: .*multiple of 0\.01.*got 1\.255"]),
    ({"pay": {"kind": "cash"}}, [r"/pay: missing \"amount\""]),
    ({"pay": {"kind": "card", "number": "12"}}, [r"/pay/number: .*\^\[0-9\]\{4\}\$.*got \"12\""]),
    ({"pay": {"kind": "cheque"}}, [r"/pay/kind: .*\"card\", \"cash\".*got \"cheque\""]),
    ({"items": []}, [r"/items: .*at least 1.*got"]),
    ({"items": [{"name": "a", "count": 0}]}, [r"/items/0/count: .*integer.*at least 1.*got 0"]),
    ({"items": [{"name": "a", "parts": [{"name": "b", "parts": [{}]}]}]},
     [r"/items/0/parts/0/parts/0: missing \"name\""]),
    ({"when": "2026-13-01"}, [r"/when: .*date.*got \"2026-13-01\""]),
    ({"mail": "nobody"}, [r"/mail: .*email.*got \"nobody\""]),
    ({"speed": "expres"}, [r"/speed: .*\"slow\", \"normal\", \"express\".*got \"expres\" "
                           r"\(did you mean \"express\"\?\)"]),
    ({"greeting": "hi"}, [r"missing \"gift\".*\"greeting\""]),
    ({"labels": {"x-a": [], "y": 1}}, [r"/labels/x-a: .*integer.*got \[\]", r"/labels: unknown \"y\""]),
    ({"itms": 1, "gif": 2}, [r"unknown \"itms\" \(did you mean \"items\"\?\), \"gif\" "
                             r"\(did you mean \"gift\"\?\)"]),
    ({"pay": None, "items": None}, [r"/pay: .*got null", r"/items: .*got null"]),
])
def test_wrong_arguments_are_explained_in_one_line_each(start, change, wanted):
    c = start(revision=OLD, transport="stdio")
    found = lines(c, "order", **{"pay": CASH, "items": ITEMS, **change})
    assert len(found) == len(wanted), found
    for pattern, line in zip(wanted, found):
        assert re.search(pattern, line), (pattern, line)


def test_missing_arguments_are_told_together(start):
    c = start()
    for params in ({"name": "order"}, {"name": "order", "arguments": {}}):
        result = c.request("tools/call", params)
        assert result["isError"] and result["content"][0]["text"] == 'missing "pay", "items"'


def test_an_older_dialect_has_its_own_rules(start):
    c = start()
    assert taken(c, "legacy", size=5) == {"size": 5}  # what stands beside $ref does not count
    assert "/size: " in lines(c, "legacy", size=0)[0]
    assert [line.split(":")[0] for line in lines(c, "legacy", at=["a", "b", 3])] == ["/at/1", "/at/2"]
    assert '"b"' in lines(c, "legacy", a=1)[0]


def test_of_many_problems_twenty_are_told(start):
    c = start()
    found = lines(c, "order", pay=CASH, items=[{"name": i} for i in range(33)])
    assert len(found) == 21 and found[20] == "and 13 more"
    assert found[:20] == [f"/items/{i}/name: expected string, got {i}" for i in range(20)]
    found = lines(c, "order", pay=CASH, items=[{"name": i} for i in range(20)])
    assert len(found) == 20 and "more" not in found[-1]


# ---------------------------------------------------------------- coercion

TEXTS = {"pay": json.dumps(CASH), "items": '[{"name": "5", "count": "2"}]', "gift": "true",
         "speed": None, "greeting": "5"}


def test_values_are_read_as_the_schema_means_them(start, revision, transport):
    c = start(revision=revision, transport=transport)
    assert taken(c, "order", **TEXTS) == \
        {"pay": CASH, "items": [{"name": "5", "count": 2}], "gift": True, "greeting": "5"}
    found = lines(c, "order", **{**TEXTS, "gift": "yes"})
    assert len(found) == 1 and re.search(r"/gift: .*boolean.*got \"yes\"", found[0])


def test_a_tool_may_want_them_exactly(start):
    found = lines(start(), "exact", **TEXTS)
    assert sorted(line.split(":")[0] for line in found) == ["/gift", "/items", "/pay", "/speed"]


def test_an_operator_may_want_them_exactly(start):
    c = start({"coerce": False}, plugins=["schema", "kit"])
    assert len(lines(c, "order", **TEXTS)) == 4
    assert "/whole" in lines(c, "types", text="a", whole="1")[0]
    assert "/maybe_whole" in lines(c, "types", text="a", whole=1, maybe_whole=None)[0]
    c.host.write_config({"schema": {"coerce": True}})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("config.*reloaded")
    assert c.structured("types", text="a", whole="1", maybe_whole=None)["whole"] == 1
    assert taken(c, "order", **TEXTS)["gift"] is True


def test_arguments_of_prompts_are_texts_with_types(start, revision, transport):
    c = start({"coerce": False}, revision, transport)  # strict or not: there is nothing but text

    def plan(**arguments):
        got = c.request("prompts/get", {"name": "plan", "arguments": arguments})
        return [message["content"]["text"] for message in got["messages"]]
    assert plan(days="3", by_train="true", stops='["Ulm", "5"]', budget="12.5", season="spring") == \
        ["3 days in spring, by train", "by way of Ulm", "by way of 5", "for 12.50"]
    assert plan(days="3", budget="") == ["3 days in summer, by car"]
    with pytest.raises(RpcError) as wrong:
        plan(days="31", by_train="yes", season="sumer", dayz="1")
    assert wrong.value.code == -32602
    for part in ('/days: expected integer 1 to 30, got ', '/by_train: ', '(did you mean "summer"?)',
                 'unknown "dayz" (did you mean "days"?)'):
        assert part in wrong.value.message, wrong.value.message


def test_formats_are_notes_if_the_operator_says_so(start):
    c = start({"formats": False})
    sent = {"pay": CASH, "items": ITEMS, "when": "2026-13-01", "mail": "nobody"}
    assert taken(c, "order", **sent) == sent
    assert len(lines(start(), "order", **sent)) == 2


# ---------------------------------------------------------------- structured output

WRONG = {"n": 0, "next": {"n": "x"}}


def test_output_that_does_not_fit_goes_out_with_a_warning(start, revision, transport):
    c = start(revision=revision, transport=transport)
    for value in ({"n": 1}, WRONG, WRONG, {"n": 2, "next": {"n": 3}}):
        assert c.structured("answer", value=value) == value
    assert said(c, "structured output") == [
        "schema/answer: its structured output does not fit its schema: /n: expected integer of at "
        "least 1, got 0; /next/n: expected integer of at least 1, got \"x\""]


def test_later_misfits_are_counted(start):
    c = start()
    for _ in range(25):
        assert c.structured("answer", value=WRONG) == WRONG
    found = said(c, "schema/answer: ")
    assert len(found) == 2 and "(10 results did not, up to now)" in found[1]
    assert c.structured("share", percent=101) == {"percent": 101}  # a tool of its own
    assert len(said(c, "schema/share: .*/percent: .*0 to 100, got 101")) == 1


def test_later_misfits_are_there_when_debugging(start):
    c = start(log_level="debug")
    for _ in range(3):
        c.structured("answer", value=WRONG)
    assert len(said(c, "schema/answer: .*/next/n: ", "debug")) == 2


def test_output_that_is_missing_is_told_as_well(start):
    c = start()
    assert c.text("answer") == "nothing"
    assert said(c, "answer") == [
        "schema/answer: it has an output schema but returned no structured output"]


def test_output_must_fit_if_the_operator_says_so(start, revision, transport):
    c = start({"output": "strict"}, revision, transport)
    assert c.structured("answer", value={"n": 1}) == {"n": 1}
    assert c.structured("share", percent=100) == {"percent": 100}
    for name, arguments, why in (("answer", {"value": WRONG}, "/n: "), ("answer", {}, "returned no"),
                                 ("share", {"percent": 101}, "/percent: ")):
        result = c.call(name, **arguments)
        assert result["isError"] is True and "structuredContent" not in result
        text = result["content"][0]["text"]
        token = re.fullmatch(r"internal error \(correlation id ([0-9a-f]{16})\)", text).group(1)
        (line,) = said(c, token, "error")
        assert f"schema/{name} failed: " in line and why in line
    assert c.structured("free_answer", value=WRONG) == WRONG


def test_output_is_not_checked_if_the_operator_says_so(start):
    c = start({"output": "off"})
    assert c.structured("answer", value=WRONG) == WRONG
    assert c.text("answer") == "nothing"
    assert c.structured("share", percent=101) == {"percent": 101}
    assert c.call("strict_answer", value=WRONG)["isError"] is True
    assert not said(c, "schema/answer|schema/share")
    c.host.write_config({"schema": {"output": "warn"}})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("config.*reloaded")
    assert c.structured("answer", value=WRONG) == WRONG
    assert len(said(c, "schema/answer")) == 1


def test_a_tool_may_choose_for_itself(start):
    c = start()
    assert c.call("strict_answer", value=WRONG)["isError"] is True
    assert c.structured("free_answer", value=WRONG) == WRONG
    assert c.text("free_answer") == "nothing"
    assert not said(c, "free_answer")


# ---------------------------------------------------------------- lists

def schemas_of(c, name):
    (tool,) = [tool for tool in c.list("tools") if tool["name"] == name]
    return tool["inputSchema"], tool.get("outputSchema")


def without_references(value):
    if isinstance(value, dict):
        assert "$ref" not in value and "$defs" not in value, value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        without_references(inner)


def named(one, name, revision=NEW):
    """Another client of the same host."""
    c = connect(one.host, revision, "http")
    c.client_info = {"name": name, "version": "1"}
    return c


@pytest.mark.parametrize("name", ["order", "answer"])
def test_lists_show_schemas_as_they_are_or_without_references(start, name):
    c = start(revision=OLD, transport="stdio")
    kept, kept_output = schemas_of(c, name)
    c = start({"references": "inline"}, revision=OLD, transport="stdio")
    shown, output = schemas_of(c, name)
    for schema in (shown, output or {}):
        without_references(schema)
    if name == "order":
        wanted = copy.deepcopy(kept)
        defs = wanted.pop("$defs")
        wanted["properties"]["pay"] = {"oneOf": [defs["card"], defs["cash"]]}
        item = shown["properties"]["items"]["items"]
        parts = item["properties"]["parts"]["items"]
        assert item["required"] == ["name"] and item["properties"]["count"] == \
            {"type": "integer", "minimum": 1}
        assert parts["type"] == "object" and "properties" not in parts  # a cycle ends there
        wanted["properties"]["items"]["items"] = item
        assert shown == wanted
    else:
        assert kept_output["properties"]["n"] == {"$ref": "#/$defs/n"}
        assert output["properties"]["n"] == {"type": "integer", "minimum": 1}
    # Calls are checked by the schema all the same.
    assert "/items/0/parts/0: " in lines(
        c, "order", pay=CASH, items=[{"name": "a", "parts": [{}]}])[0]


def test_lists_depend_on_the_name_of_the_client(start):
    c = start({"inline_for": ["old-client", "acme-*"]})
    for name, inlines in (("old-client", True), ("old-client2", False), ("acme-", True),
                          ("acme-chat", True), ("acme", False), ("e2e", False)):
        one = named(c, name)
        schema, _ = schemas_of(one, "order")
        assert ("$defs" in schema) != inlines, name
        page = one.request("tools/list")
        assert page["cacheScope"] == "private"
        assert one.request("prompts/list")["cacheScope"] == "public"
        one.close()


@pytest.mark.parametrize("references", ["keep", "inline"])
def test_every_revision_can_read_the_properties_that_a_list_shows(start, revision, references):
    """Up to 2025-11-25 they must be objects: a client would refuse all tools for one boolean."""
    schema = {"type": "object", "properties": {"any": True, "none": False, "of": {"$ref": "#/$defs/t"},
                                               "in": {"properties": {"any": True}}},
              "$defs": {"t": True}}
    c = start({"references": references}, revision, settings={"schema": json.dumps(schema)})
    of = {} if references == "inline" else {"$ref": "#/$defs/t"}
    assert schemas_of(c, "given")[0]["properties"] == \
        {"any": {}, "none": {"not": {}}, "of": of, "in": {"properties": {"any": True}}}
    assert taken(c, "given", any=1, of=2) == {"any": 1, "of": 2}
    assert lines(c, "given", none=1) == ["/none: is not allowed"]


def test_lists_that_are_the_same_for_all_are_public(start):
    for references in ("keep", "inline"):
        assert start({"references": references}).request("tools/list")["cacheScope"] == "public"


def test_clients_are_told_when_their_list_shows_schemas_otherwise(start):
    c = start({"coerce": True}, OLD, "stdio")

    def reload(schema, times):
        c.host.write_config({"schema": schema})
        c.host.signal(signal.SIGHUP)
        c.host.wait_log("config.*reloaded", times)
        return schemas_of(c, "order")[0]
    changed = "notifications/tools/list_changed"
    assert "$defs" in reload({"coerce": False}, 1)  # nothing that a list shows
    assert "$defs" not in reload({"references": "inline"}, 2)
    c.notifications.wait(changed, 1)
    assert "$defs" in reload({"inline_for": ["other"]}, 3)
    c.notifications.wait(changed, 2)
    assert "$defs" not in reload({"inline_for": ["other", "e2e"]}, 4)
    assert len(c.notifications.wait(changed, 3)) == 3


def test_sessions_know_the_name_of_their_client(host):
    one = host(plugins=["schema"], http=True, config={"schema": {"inline_for": ["e2e"]}})
    with_session = connect(one, OLD, "http")
    assert "$defs" not in schemas_of(with_session, "order")[0]
    one.write_config({"schema": {}})
    one.signal(signal.SIGHUP)
    one.wait_log("config.*reloaded")
    assert "$defs" in schemas_of(with_session, "order")[0]
    with_session.close()


# ---------------------------------------------------------------- what is refused

@pytest.mark.parametrize("plugin, words", [
    ("refused1", ["/$schema", "draft-03", "2020-12", "2019-09", "draft-07"]),
    ("refused2", ["/properties/a/$ref", "https://schemas.example/a.json", "never fetched"]),
])
def test_schemas_that_cannot_be_used_refuse_their_plugin(start, plugin, words):
    c = start(plugins=[plugin, "kit"])
    c.host.wait_log("tool refused: input_schema_json: ")
    (line,) = [line for line in c.host.log_lines() if "tool refused" in line["message"]]
    assert line["level"] == "error" and plugin in line["component"]
    for word in words:
        assert word in line["message"], line
    assert "order" not in c.names() and c.text("echo", text="still here") == "still here"


@pytest.mark.parametrize("schema, words", [
    ({"type": "object", "properties": {"a": {"type": "text"}}}, ["/properties/a/type"]),
    ({"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}, ["/properties/a/$ref"]),
    ({"type": "object", "properties": {"a": {"pattern": "(a"}}}, ["/properties/a/pattern"]),
    ({"type": "object", "properties": {str(i): {"minimum": i} for i in range(21000)}}, ["subschemas"]),
])
def test_a_schema_that_comes_at_run_time_is_refused_likewise(start, schema, words):
    c = start(plugins=["schema", "kit"], settings={"schema": json.dumps(schema)})
    c.host.wait_log("tool given: input_schema_json: ")
    for word in words:
        assert word in c.host.log()
    assert c.text("echo", text="still here") == "still here"


def test_a_value_built_to_explode_is_refused_within_its_budget(start):
    c = start(plugins=["schema", "kit"])
    value = 1
    for _ in range(60):
        value = [value]
    (line,) = lines(c, "explode", v=value)
    assert "too many steps" in line
    assert c.text("explode", v=[[], []]) == '{"v":[[],[]]}'
    assert c.text("echo", text="still here") == "still here"


def test_a_schema_built_to_explode_is_listed_with_its_references(start):
    doubling = {f"d{i}": {"properties": {side: {"$ref": f"#/$defs/d{i + 1}"} for side in "ab"}}
                for i in range(40)}
    schema = {"type": "object", "properties": {"v": {"$ref": "#/$defs/d0"}},
              "$defs": {**doubling, "d40": {"type": "integer"}}}
    c = start({"references": "inline"}, settings={"schema": json.dumps(schema)})
    assert schemas_of(c, "given")[0] == schema
    assert "schema: tool given: input_schema_json takes more than" in c.host.log()
    value = {"v": {"a": {"b": {}}}}
    assert taken(c, "given", **value) == value
