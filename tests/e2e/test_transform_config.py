"""The operator's transforms: what `transforms` and `secrets` of the configuration do, seen by clients
of both eras, by `gantry config check` and by `gantry inspect`."""

import hashlib
import json
import os
import re
import signal
import subprocess
import uuid

import pytest

from harness.client import RpcError, connect
from harness.host import eventually, plugin_file
from harness.paths import GANTRY, PATIENCE, WRAP

NEW, OLD, OLDEST = "2026-07-28", "2025-11-25", "2024-11-05"
ERAS = pytest.mark.parametrize("revision", [OLD, NEW])
LONG = "a_name_that_is_within_what_the_specification_allows_but_longer_than_most_take"
ALL = sorted(["admin_reset", "admin_stats", "any", "tally", LONG, "pin", "search", "with.dot"])

# ToolTransformConfig, as FastMCP documents it, unchanged.
FASTMCP = """
{
  "search": {
    "name": "find_issues",
    "version": "2.0",
    "title": "Find issues",
    "description": "Find issues by their text.",
    "tags": ["issues", "read"],
    "meta": {"category": "tracker"},
    "enabled": true,
    "arguments": {
      "q": {"name": "query", "description": "What to look for", "required": true,
            "examples": ["crash"]},
      "limit": {"name": "max_results", "default": 20},
      "sort": {"default": "desc"},
      "api_key": {"hide": true, "default": "k-1"}
    }
  },
  "any": {"enabled": false}
}
"""


TOKENS = [{"principal": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
          for name in ("alice", "bob")]


def as_user(name):
    return {"headers": {"Authorization": f"Bearer {name}"}}


def tools_row(tools, **more):
    return {"use": "tools", "tools": tools, **more}


@pytest.fixture
def start(client):
    """A host with these transforms: start([...], revision, transport)."""
    def started(transforms, revision=NEW, transport="http", plugins=("desk",), **options):
        config = {"transforms": transforms, **options.pop("config", {})}
        return client(revision, transport, config=config, plugins=plugins, **options)
    return started


def reconfigure(c, config, refused=False):
    """SIGHUP with another file; what has been logged from then on."""
    before = c.host.log()
    what = "not reloaded" if refused else '"reloaded"'
    c.host.write_config(config)
    c.host.signal(signal.SIGHUP)
    c.host.wait_log(what, len(re.findall(what, before)) + 1)
    return c.host.log()[len(before):]


def tool(c, name):
    found = [t for t in c.list("tools") if t["name"] == name]
    assert len(found) == 1, (name, c.names())
    return found[0]


def properties(c, name):
    return tool(c, name)["inputSchema"].get("properties", {})


def reached(c, name, /, **arguments):
    """The arguments that reached the tool at the end."""
    return json.loads(c.text(name, **arguments))


def failure(c, name, /, **arguments):
    """What a client is told of a call that fails, whichever way it is told."""
    try:
        result = c.call(name, **arguments)
    except RpcError as e:
        return e.message
    assert result.get("isError") is True, result
    return result["content"][0]["text"]


def is_unknown(c, name):
    with pytest.raises(RpcError) as e:
        c.call(name)
    assert e.value.code == -32602, e.value
    return True


def run(*args, ok=0, env=None):
    done = subprocess.run([*WRAP, GANTRY, *map(str, args)], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=PATIENCE, env={**os.environ, **(env or {})})
    assert done.returncode == ok, done
    return done


def inspect(tmp_path, config, *args, ok=0, env=None):
    """What `gantry inspect` finds of the plugin desk with this configuration, and all it said."""
    file = tmp_path / "inspected.yaml"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    done = run("inspect", "--config", file, "--plugin", plugin_file("desk"), "-o", "json", *args,
               ok=ok, env=env)
    return json.loads(done.stdout), done.stdout + done.stderr


# ---------------------------------------------------------------- FastMCP's JSON

def test_the_json_of_fastmcp_works_unchanged(start, revision, transport):
    c = start([tools_row(json.loads(FASTMCP))], revision, transport)
    made = tool(c, "find_issues")
    assert c.names() == sorted({*ALL, "find_issues"} - {"any", "search"})
    assert made["description"] == "Find issues by their text."
    assert made.get("title", "Find issues") == "Find issues" and ("title" in made) == (
        revision >= "2025-06-18")
    schema = made["inputSchema"]
    assert sorted(schema["properties"]) == ["filter", "max_results", "query", "sort"]
    assert schema["required"] == ["query"]
    assert schema["properties"]["query"]["description"] == "What to look for"
    assert schema["properties"]["query"]["examples"] == ["crash"]
    assert schema["properties"]["max_results"]["default"] == 20
    if revision >= "2025-06-18":
        assert made["_meta"]["category"] == "tracker"
        assert made["_meta"]["gantry/tags"] == ["issues", "read"]
        assert made["_meta"]["gantry/version"] == "2.0"
    assert reached(c, "find_issues", query="x") == {
        "q": "x", "limit": 20, "sort": "desc", "api_key": "k-1"}
    assert reached(c, "find_issues", query="x", max_results=3, sort="asc")["limit"] == 3
    assert is_unknown(c, "search") and is_unknown(c, "any")


def test_the_same_text_in_a_yaml_file_is_the_same(start, tmp_path, client):
    text = "transforms:\n- use: tools\n  tools:" + FASTMCP.replace("\n", "\n    ") + "\n"
    one = start([tools_row(json.loads(FASTMCP))])
    two = client(NEW, "http", config=text, plugins=["desk"])
    assert one.list("tools") == two.list("tools")


@ERAS
def test_hidden_arguments_cannot_be_given(start, revision, transport):
    c = start([tools_row(json.loads(FASTMCP))], revision, transport)
    said = failure(c, "find_issues", query="x", api_key="mine")
    assert "api_key" in said and "k-1" not in said
    said = failure(c, "find_issues", q="x")  # the name it had
    assert "query" in said
    assert "max_results" in failure(c, "find_issues", query="x", max_results=1000)


@pytest.mark.parametrize("revision, transport", [(OLD, "websocket"), (NEW, "websocket"),
                                                 (OLDEST, "sse")])
def test_other_transports_show_the_same(start, revision, transport):
    c = start([tools_row(json.loads(FASTMCP))], revision, transport)
    assert "find_issues" in c.names()
    assert reached(c, "find_issues", query="x")["api_key"] == "k-1"
    assert is_unknown(c, "search")


# ---------------------------------------------------------------- what FastMCP has not

@ERAS
def test_everything_of_a_tool_can_be_changed(start, revision, transport):
    c = start([tools_row({"search": {
        "annotations": {"readOnlyHint": False, "openWorldHint": True, "title": "Finder"},
        "output_schema": {"type": "object"},
        "icons": [{"src": "https://example.org/i.png", "mimeType": "image/png", "sizes": ["48x48"]}],
        "arguments": {
            "q": {"title": "Query", "type": "string"},
            "limit": {"schema": {"type": "integer", "minimum": 5, "maximum": 50}},
            "filter": {"default": {"by": [1, None, "x"]}},
            "api_key": {"default": "none"}}}})], revision, transport)
    made = tool(c, "search")
    assert made["annotations"]["readOnlyHint"] is False
    assert made["annotations"]["openWorldHint"] is True
    assert made["title"] == "Finder"
    assert made["outputSchema"] == {"type": "object"}
    assert made["icons"][0]["sizes"] == ["48x48"]
    shown = made["inputSchema"]["properties"]
    assert shown["q"]["title"] == "Query"
    assert (shown["limit"]["minimum"], shown["limit"]["maximum"]) == (5, 50)
    assert shown["filter"]["default"] == {"by": [1, None, "x"]}
    assert made["inputSchema"]["required"] == ["q"]
    assert "limit" in failure(c, "search", q="x", limit=2)
    assert "limit" in failure(c, "search", q="x", limit=60)


@ERAS
def test_a_default_may_be_any_value(start, revision, transport):
    values = [None, True, 0, -5, 1.5, "", "text", [], [1, [2]], {}, {"a": {"b": None}}]
    c = start([tools_row({"any": {"name": f"any{i}", "keep": True,
                                  "arguments": {"any": {"default": value}}}})
               for i, value in enumerate(values)], revision, transport)
    for i, value in enumerate(values):
        assert properties(c, f"any{i}")["any"]["default"] == value
        assert reached(c, f"any{i}") == {"any": value}
        assert reached(c, f"any{i}", any="mine") == {"any": "mine"}
    assert reached(c, "any") == {}


@ERAS
def test_null_takes_away(start, revision, transport):
    c = start([tools_row({
        "search": {"title": None, "description": None, "meta": None, "annotations": None, "tags": [],
                   "arguments": {"q": {"title": None, "description": None},
                                 "api_key": {"default": "x"}}},
        "tally": {"output_schema": None, "version": None}})], revision, transport)
    made = tool(c, "search")
    assert "title" not in made and "description" not in made
    assert not made.get("annotations") and "desk" not in made.get("_meta", {})
    assert "gantry/tags" not in made.get("_meta", {})
    assert "title" not in made["inputSchema"]["properties"]["q"]
    assert "description" not in made["inputSchema"]["properties"]["q"]
    counted = tool(c, "tally")
    assert "outputSchema" not in counted and "gantry/version" not in counted.get("_meta", {})
    assert not c.call("tally").get("isError")


@ERAS
def test_keep_leaves_the_original_beside_it(start, revision, transport):
    c = start([tools_row({"search": {"name": "find", "keep": True,
                                     "arguments": {"api_key": {"hide": True, "default": "k"}}}})],
              revision, transport)
    assert c.names() == sorted([*ALL, "find"])
    assert reached(c, "find", q="x")["api_key"] == "k"
    assert reached(c, "search", q="x", api_key="mine")["api_key"] == "mine"


@ERAS
def test_hidden_arguments_are_filled_from_their_sources(start, revision, transport):
    sources = {"any": {"arguments": {"any": {"hide": True, "source": "uuid"},
                                     "other": {"hide": True, "source": "now"}}},
               "search": {"arguments": {"api_key": {"hide": True, "source": "secret:key"},
                                        "sort": {"hide": True, "default": "asc"}}},
               "pin": {"arguments": {"code": {"hide": True, "source": "env:DESK_CODE"}}}}
    c = start([tools_row(sources)], revision, transport, env={"DESK_CODE": "e4"},
              config={"secrets": {"key": "s3cret"}})
    assert properties(c, "any") == {}
    first, second = reached(c, "any"), reached(c, "any")
    assert uuid.UUID(first["any"]).version == 4 and first["any"] != second["any"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["other"])
    assert reached(c, "search", q="x") == {"q": "x", "limit": 10, "sort": "asc",
                                           "api_key": "s3cret"} or \
        reached(c, "search", q="x") == {"q": "x", "sort": "asc", "api_key": "s3cret"}
    assert reached(c, "pin", word="w") == {"code": "e4", "word": "w"}


def test_who_asks_is_filled_in(start):
    c = start([tools_row({"any": {"arguments": {"any": {"hide": True, "source": "principal"}}}})],
              config={"auth": {"tokens": TOKENS}}, options=as_user("alice"))
    assert reached(c, "any") == {"any": "alice"}
    bob = connect(c.host, NEW, "http", **as_user("bob"))
    assert reached(bob, "any") == {"any": "bob"}
    bob.close()


def test_a_source_that_has_nothing_fails_the_call_by_name(start):
    c = start([tools_row({"pin": {"arguments": {"code": {"hide": True,
                                                          "source": "env:DESK_UNSET"}}},
                          "any": {"arguments": {"any": {"hide": True,
                                                        "source": "env:DESK_UNSET"}}}})])
    assert failure(c, "pin")
    assert reached(c, "any") == {}  # the tool does not need it


# ---------------------------------------------------------------- lists as a whole

@ERAS
def test_a_namespace_is_before_names_and_in_paths(start, revision, transport):
    c = start([{"use": "namespace", "prefix": "d", "plugins": ["desk"]}], revision, transport,
              plugins=["desk", "kit"])
    names = c.names()
    assert {"d_search", "d_pin", "echo"} <= set(names) and "search" not in names
    assert "d_letter" in c.names("prompts") and "dialogue" in c.names("prompts")
    uris = [r["uri"] for r in c.list("resources")]
    assert "desk://d/note" in uris and "kit://text" in uris
    read = c.request("resources/read", {"uri": "desk://d/note"})["contents"][0]
    assert (read["uri"], read["text"]) == ("desk://d/note", "a note")
    assert reached(c, "d_search", q="x", api_key="k")["q"] == "x"
    with pytest.raises(RpcError):
        c.request("resources/read", {"uri": "desk://note"})


def test_names_that_are_made_are_what_clients_take(start):
    c = start([{"use": "namespace", "prefix": "desk"}])
    names = c.names()
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", name) for name in names), names
    assert "desk_with_dot" in names
    [shortened] = [name for name in names if name.startswith("desk_a_name")]
    assert c.text(shortened) == "dotted" and c.text("desk_with_dot") == "dotted"
    c.host.wait_log(f"desk_{LONG}.*{shortened}")
    again = start([{"use": "namespace", "prefix": "desk"}])
    assert again.names() == names


def test_names_that_an_author_chose_are_kept_with_a_warning(start):
    c = start([{"use": "rename", "names": {"pin": "short.pin", "any": "x" * 100}}])
    assert {"with.dot", LONG, "short.pin", "x" * 100} <= set(c.names())
    reconfigure(c, {"transforms": [{"use": "rename", "names": {"pin": "short.pin", "any": "x" * 100}},
                                   tools_row({"search": {"name": "se.arch"}})]})
    for name in ("with.dot", LONG, "short.pin", "x" * 100, "se.arch"):
        c.host.wait_log(f'"level":"warning".*{re.escape(name)}.*some clients refuse')
        assert len(re.findall(f"{re.escape(name)}[^\n]*some clients refuse", c.host.log())) == 1


@ERAS
def test_a_rename_is_by_table(start, revision, transport):
    c = start([{"use": "rename", "names": {"search": "find", "letter": "mail",
                                           "desk://note": "desk://memo"}}], revision, transport)
    assert "find" in c.names() and is_unknown(c, "search")
    assert "mail" in c.names("prompts")
    assert [r["uri"] for r in c.list("resources")] == ["desk://memo"]
    read = c.request("resources/read", {"uri": "desk://memo"})["contents"][0]
    assert read["text"] == "a note" and read["uri"] == "desk://memo"


RULES = [
    ([{"use": "disable", "names": ["admin_*"]}], {"admin_reset", "admin_stats"}),
    ([{"use": "disable", "tags": ["admin"]}], {"admin_reset", "admin_stats"}),
    ([{"use": "disable", "tags": ["admin"]}, {"use": "enable", "tags": ["public"]}], {"admin_reset"}),
    ([{"use": "enable", "tags": ["public"]}, {"use": "disable", "tags": ["admin"]}],
     {"admin_reset", "admin_stats"}),
    ([{"use": "disable", "tags": ["admin"], "names": ["nothing", "admin_r*"]}], {"admin_reset"}),
    ([{"use": "only", "tags": ["public"], "kinds": ["tool"]}],
     set(ALL) - {"search", "tally", "admin_stats"}),
    ([{"use": "disable", "versions": ["1*"]}], {"tally"}),
    ([{"use": "disable", "kinds": ["tool"]}, {"use": "enable", "names": ["pin"]}], set(ALL) - {"pin"}),
    ([{"use": "disable", "kinds": ["prompt"]}], set()),
    ([{"use": "disable", "plugins": ["other"]}], set()),
    ([{"use": "disable", "plugins": ["desk"]}], set(ALL)),
    ([tools_row({"pin": {"enabled": False}}), {"use": "enable", "names": ["pin"]}], set()),
    ([{"use": "disable", "names": ["pin"]}, tools_row({"pin": {"enabled": True}})], set()),
    ([{"use": "disable", "names": ["pin"]}, tools_row({"pin": {"title": "P"}})], {"pin"}),
]


def test_the_last_rule_that_matches_counts(start):
    c = start([])
    for rules, off in RULES:
        reconfigure(c, {"transforms": rules})
        assert c.names() == sorted(set(ALL) - off), rules
        for name in off:
            assert is_unknown(c, name)


def test_what_is_disabled_is_not_found_by_its_uri_or_name(start):
    c = start([{"use": "disable", "kinds": ["resource", "prompt"]}])
    assert c.list("resources") == [] and c.names("prompts") == []
    with pytest.raises(RpcError):
        c.request("resources/read", {"uri": "desk://note"})
    with pytest.raises(RpcError):
        c.request("prompts/get", {"name": "letter"})


def test_rules_may_be_for_principals(start):
    c = start([{"use": "disable", "tags": ["admin"]},
               {"use": "enable", "tags": ["admin"], "principals": ["alice"]}],
              config={"auth": {"tokens": TOKENS}}, options=as_user("alice"))
    assert c.names() == ALL
    assert c.request("tools/list")["cacheScope"] == "private"
    assert c.text("admin_stats") == "fine"
    bob = connect(c.host, NEW, "http", **as_user("bob"))
    assert bob.names() == sorted(set(ALL) - {"admin_reset", "admin_stats"})
    assert is_unknown(bob, "admin_stats")
    bob.close()


def test_order_is_the_order_of_the_entries(start):
    c = start([{"use": "rename", "names": {"pin": "code"}},
               {"use": "namespace", "prefix": "one", "names": ["code"]},
               {"use": "namespace", "prefix": "two", "names": ["one_*"]},
               tools_row({"two_one_code": {"arguments": {"code": {"name": "digits"}}}})])
    assert reached(c, "two_one_code", digits="1234") == {"code": "1234"}


@ERAS
def test_prompts_and_resources_can_be_tools(start, revision, transport):
    c = start(["prompts_as_tools", {"use": "resources_as_tools", "names": ["desk://*"]}], revision,
              transport, plugins=["desk", "kit"])
    assert {"list_prompts", "get_prompt", "list_resources", "read_resource"} <= set(c.names())
    said = json.dumps(c.call("list_prompts"))
    assert "letter" in said
    assert "Dear reader" in json.dumps(c.call("get_prompt", name="letter"))
    listed = json.dumps(c.call("list_resources"))
    assert "desk://note" in listed and "kit://text" not in listed
    assert "a note" in json.dumps(c.call("read_resource", uri="desk://note"))
    assert failure(c, "read_resource", uri="kit://text")


@ERAS
def test_a_search_takes_the_place_of_the_list(start, revision, transport):
    c = start([{"use": "search", "always": ["tally"], "max_results": 2}], revision, transport)
    assert c.names() == ["call_tool", "search_tools", "tally"]
    found = json.dumps(c.call("search_tools", query="admin starts afresh"))
    assert "admin_reset" in found
    assert "reset" in json.dumps(c.call("call_tool", name="admin_reset", arguments={}))
    assert c.text("admin_stats") == "fine"  # not listed, there all the same


def test_a_second_instance_has_names_that_clients_take(start):
    second = "a.second"
    c = start([], config={"plugins": ["desk", {"plugin": "desk", "name": second}]})
    names = c.names()
    made = [name for name in names if name not in ALL]
    assert len(names) == 2 * len(ALL) == len(set(names)) and set(ALL) < set(names)
    assert all(re.fullmatch("a_second_[A-Za-z0-9_-]{1,55}", name) for name in made), made
    assert c.text("a_second_with_dot") == "dotted"
    [shortened] = [name for name in made if name.startswith("a_second_a_name")]
    assert c.text(shortened) == "dotted"
    c.host.wait_log(f"a.second_{LONG} is not what all clients take.*{shortened}")


# ---------------------------------------------------------------- names that match nothing

def test_what_rules_name_and_nobody_has_is_told_and_nothing_when_the_host_stops(start):
    c = start([{"use": "disable", "names": ["admin_rset"]}, {"use": "enable", "plugins": ["deks"]},
               tools_row({"search": {"name": "find"}})])
    c.host.wait_log(r"transforms\[0\]: there is no .* admin_rset .did you mean admin_reset")
    c.host.wait_log(r"transforms\[1\]: nothing is from a plugin deks .did you mean desk")
    c.host.stop()
    assert "there is no tool search" not in c.host.log()


def test_names_that_match_nothing_are_told_once_with_a_suggestion(start):
    c = start([tools_row({"serch": {"name": "find"}}), {"use": "rename", "names": {"pinn": "x"}}])
    c.host.wait_log(r"transforms\[0\]: there is no tool serch.*search")
    c.host.wait_log(r"transforms\[1\]: there is no .* pinn.*pin")
    c.host.drop_plugin("kit")
    eventually(lambda: "echo" in c.names(), "the new plugin's tools")
    assert len(re.findall("there is no tool serch", c.host.log())) == 1


def test_a_tool_that_comes_later_is_made_over_then(start):
    c = start([tools_row({"echo": {"name": "repeat"}})])
    assert "repeat" not in c.names()
    c.host.drop_plugin("kit")
    eventually(lambda: "repeat" in c.names(), "the tool that is made of the new one")
    assert is_unknown(c, "echo") and c.text("repeat", text="hi") == "hi"
    c.host.remove_plugin("kit")
    eventually(lambda: "repeat" not in c.names(), "its end")


def test_a_plugin_cannot_take_a_name_that_an_entry_has_given(start):
    c = start([{"use": "rename", "names": {"any": "echo"}}])
    assert reached(c, "echo", any=1) == {"any": 1}
    c.host.drop_plugin("kit")
    c.host.wait_log("kit.*echo")
    assert reached(c, "echo", any=2) == {"any": 2}
    # Once the name is free the plugin is taken, by the next configuration at the latest.
    reconfigure(c, {})
    eventually(lambda: "echo" in c.names() and c.text("echo", text="hi") == "hi", "the plugin kit")
    assert reached(c, "any", any=3) == {"any": 3}


def test_what_cannot_be_made_of_its_tool_is_not_there_and_told_by_name(start):
    c = start([tools_row({"search": {"arguments": {"zebra": {"hide": True},
                                                   "api_key": {"hide": True}}}})])
    assert "search" not in c.names() and is_unknown(c, "search")  # what it was to hide stays hidden
    line = json.loads(c.host.wait_log("zebra"))
    assert line["level"] == "error" and line["component"] == "transforms"
    assert "transforms[0]" in line["message"] and "search" in line["message"]
    assert "api_key" in line["message"]


# ---------------------------------------------------------------- SIGHUP

@ERAS
def test_sighup_changes_what_clients_see_and_tells_them(start, revision, transport):
    c = start([{"use": "rename", "names": {"pin": "one"}}], revision, transport)
    assert "one" in c.names()
    changed = "notifications/tools/list_changed"
    if revision == NEW:
        listening = c.start("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        listening.wait_notifications(1)
    elif transport == "http":
        c.open_get_stream()
    reconfigure(c, {"transforms": [{"use": "rename", "names": {"pin": "two"}}]})
    if revision == NEW:
        listening.wait_notifications(1, changed)
        c.cancel(listening)
    else:
        c.notifications.wait(changed)
    assert "two" in c.names() and is_unknown(c, "one")
    reconfigure(c, {})
    assert c.names() == ALL


def test_sighup_with_a_mistake_changes_nothing_and_says_why(start):
    good = {"transforms": [{"use": "rename", "names": {"pin": "one"}}], "secrets": {"a": "x"}}
    c = start(good["transforms"], config={"secrets": good["secrets"]})
    for wrong, why in [
        ([{"use": "nothing"}], r"transforms\[0\].use: must be one of"),
        ([tools_row({"search": {"arguments": {"q": {"required": False}}}})],
         r"transforms\[0\].tools.search.arguments.q.required: cannot be false"),
        ([tools_row({"search": {"arguments": {"api_key": {"hide": True, "source": "secret:b"}}}})],
         r"there is no secret b"),
        ([{"use": "rename", "names": {"pin": "search"}}], r"search"),
        ([{"use": "disable"}], r"disable needs at least one of"),
    ]:
        said = reconfigure(c, {"transforms": wrong, "secrets": good["secrets"]}, refused=True)
        assert re.search(why, said), said
        assert "one" in c.names() and c.names() == sorted([*set(ALL) - {"pin"}, "one"])
    reconfigure(c, good)


def test_a_conflict_refuses_all_of_the_new_configuration(start):
    c = start([], config={"server": {"page_size": 3}})
    assert len(c.request("tools/list")["tools"]) == 3
    said = reconfigure(c, {"server": {"page_size": 5},
                           "transforms": [{"use": "rename", "names": {"pin": "search"}}]},
                       refused=True)
    assert "search" in said
    assert len(c.request("tools/list")["tools"]) == 3
    reconfigure(c, {"server": {"page_size": 5}})
    assert len(c.request("tools/list")["tools"]) == 5


def test_calls_go_on_while_the_configuration_changes(start):
    c = start([tools_row({"echo": {"name": "repeat"}})], plugins=["desk", "kit"])
    waiting = [c.start_call("sleep", ms=600000) for _ in range(3)]
    eventually(lambda: c.structured("status")["in_flight"] == 3, "three calls")
    for i in range(20):
        name = f"repeat{i}"
        reconfigure(c, {"transforms": [tools_row({"echo": {"name": name}})]})
        assert c.text(name, text="hi") == "hi"
    assert c.structured("status")["in_flight"] == 3
    for call in waiting:
        c.cancel(call)


def test_a_secret_that_changes_is_used_at_once(start):
    row = tools_row({"pin": {"arguments": {"code": {"hide": True, "source": "secret:code"}}}})
    c = start([row], config={"secrets": {"code": "one"}})
    assert reached(c, "pin") == {"code": "one"}
    reconfigure(c, {"transforms": [row], "secrets": {"code": "two"}})
    assert reached(c, "pin") == {"code": "two"}


# ---------------------------------------------------------------- secrets

HUSH = "hush-hush-4711"


def secret_config(**more):
    return {"secrets": {"code": HUSH, "key": HUSH},
            "transforms": [tools_row({
                "pin": {"arguments": {"code": {"hide": True, "source": "secret:code"}}},
                "search": {"arguments": {"api_key": {"hide": True, "source": "env:DESK_HUSH"}}}})],
            **more}


@ERAS
def test_secrets_are_in_no_error_no_list_and_no_log(start, tmp_path, revision, transport):
    config = secret_config(middleware=[{"use": "logging", "payloads": True, "level": "debug"}],
                           audit={"file": str(tmp_path / "audit"), "arguments": True})
    c = start(config.pop("transforms"), revision, transport, config=config, log_level="debug",
              env={"DESK_HUSH": HUSH + "-env"})
    said = failure(c, "pin", word="x")  # the secret is longer than the tool takes
    assert HUSH not in said, said
    assert HUSH not in failure(c, "pin", word=5, code="mine")
    assert HUSH not in failure(c, "search", q=5, nothing=1)
    assert HUSH not in json.dumps(c.list("tools"))
    # What a tool gives back itself is its own affair; here the call is only seen to work.
    assert reached(c, "search", q="x")["api_key"] == HUSH + "-env"
    found = [line for line in c.host.log().splitlines()
             if HUSH in line and "result" not in line and "api_key" not in line]
    assert not found, found
    eventually(lambda: (tmp_path / "audit").read_text().count("\n") >= 2, "lines of the audit")
    assert HUSH not in (tmp_path / "audit").read_text()


def test_secrets_are_not_in_what_inspect_and_check_print(tmp_path):
    config = secret_config(auth={"tokenz": 1})
    file = tmp_path / "gantry.yaml"
    file.write_text(json.dumps(config))
    done = run("config", "check", file, ok=1)
    assert "auth.tokenz" in done.stdout and HUSH not in done.stdout + done.stderr
    del config["auth"]
    for env, ok in (({"DESK_HUSH": HUSH}, 0), ({}, 1)):
        found, said = inspect(tmp_path, config, env=env, ok=ok)
        assert found["tools"] and HUSH not in said and "pin" in said


def test_a_hidden_value_that_does_not_fit_is_not_shown(tmp_path):
    config = {"transforms": [tools_row({
        "pin": {"arguments": {"code": {"hide": True, "default": "${DESK_HUSH}"}}},
        "search": {"arguments": {"api_key": {"hide": True, "default": {"key": HUSH}},
                                 "sort": {"hide": True, "default": HUSH}}}})]}
    found, said = inspect(tmp_path, config, ok=1, env={"DESK_HUSH": HUSH})
    assert len(found["problems"]) == 2 and HUSH not in said, found["problems"]
    assert all(name in said for name in ("argument code", "argument api_key", "argument sort"))


def test_problems_of_secrets_do_not_show_them(tmp_path):
    file = tmp_path / "gantry.yaml"
    for secrets in ([HUSH], {"a": [HUSH]}, {"a": {"fil": HUSH}}, HUSH, {"a": {"file": [HUSH]}},
                    {HUSH + " ": "x"}):
        file.write_text(json.dumps({"secrets": secrets}))
        done = run("config", "check", file, ok=1)
        assert "secrets" in done.stdout and HUSH not in done.stdout + done.stderr


def test_a_secret_may_be_in_a_file_of_its_own(start, tmp_path):
    file = tmp_path / "code"
    file.write_text("c0de\n")
    file.chmod(0o644)
    row = tools_row({"pin": {"arguments": {"code": {"hide": True, "source": "secret:code"}}}})
    config = {"secrets": {"code": {"file": str(file)}}}
    c = start([row], config=config)
    assert reached(c, "pin") == {"code": "c0de"}
    line = json.loads(c.host.wait_log("everybody on this machine may read"))
    assert line["level"] == "warning" and "c0de" not in json.dumps(line)
    file.chmod(0o600)
    file.write_text("n3w")
    assert "everybody" not in reconfigure(c, {"transforms": [row], **config})
    assert reached(c, "pin") == {"code": "n3w"}
    file.unlink()
    said = reconfigure(c, {"transforms": [row], **config}, refused=True)
    assert "No such file" in said and reached(c, "pin") == {"code": "n3w"}


# ---------------------------------------------------------------- config check and inspect

def test_config_check_tells_every_problem_with_its_line(tmp_path):
    file = tmp_path / "gantry.yaml"
    file.write_text("""secrets:
  tracker: x
transforms:
  - use: namespace
    prefix: "not/one"
  - use: tools
    tools:
      search:
        arguments:
          limit: {hide: true, required: true}
          q:
            name: a
            default: 1
            required: true
          key: {hide: true, source: "secret:tracke"}
          other: {source: uuid}
          what: {hide: true, source: whatever}
      find: {name: search, keep: yes}
  - use: only
    kinds: [toll]
  - use: rename
    names: {a: b, c: b}
server:
  page_size: many
""")
    said = run("config", "check", file, ok=1).stdout.splitlines()
    assert [line for line in said if ":24: server.page_size" in line], said
    file.write_text(file.read_text().replace("many", "1"))
    said = run("config", "check", file, ok=1).stdout.splitlines()
    assert all(line.startswith(f"{file}:") for line in said), said
    found = [line[len(str(file)) + 1:] for line in said]
    for expected in ("4: transforms[0]: prefix not/one",
                     "10: transforms[1].tools.search.arguments.limit: cannot be hidden and required",
                     "11: transforms[1].tools.search.arguments.q: ",
                     "16: transforms[1].tools.search.arguments.other: ",
                     "17: transforms[1].tools.search.arguments.what.source: ",
                     "18: transforms[1].tools.find.keep: must be true or false",
                     "20: transforms[2].kinds: \"toll\" is not a kind; did you mean tool?",
                     "21: transforms[3]: two are renamed to b"):
        assert [line for line in found if line.startswith(expected)], (expected, found)


def test_inspect_shows_the_entries_in_their_order_and_what_came_of_them(tmp_path):
    found, said = inspect(tmp_path, {"transforms": [
        {"use": "namespace", "prefix": "d"}, tools_row({"d_pin": {"name": "code"}}),
        {"use": "disable", "names": ["d_admin_*"]}]}, ok=1)  # there is something to tell
    assert said.index("transforms[0]") < said.index("transforms[1]") < said.index("transforms[2]")
    assert "d_search" in said and "code" in said
    shortened = [p for p in found["problems"] if f"d_{LONG}" in json.dumps(p)]
    assert len(shortened) == 1, found["problems"]


# ---------------------------------------------------------------- hostile configurations

HOSTILE = [
    "transforms: {}", "transforms: [[[[]]]]", "transforms: [null]", "transforms: [{}]",
    "transforms: [{use: null}]", "transforms: [{use: [tools]}]", "transforms: [{use: tools}]",
    "transforms: [{use: tools, tools: []}]", "transforms: [{use: tools, tools: {a: []}}]",
    "transforms: [{use: tools, tools: {a: {arguments: {b: 5}}}}]",
    "transforms: [{use: tools, tools: {a: {name: '../x'}}}]",
    "transforms: [{use: tools, tools: {a: {name: '" + "n" * 200 + "'}}}]",
    "transforms: [{use: tools, tools: {a: {arguments: {b: {source: 'env:'}}}}}]",
    "transforms: [{use: tools, tools: {a: {arguments: {b: {hide: true, source: 'secret:'}}}}}]",
    "transforms: [{use: tools, tools: {a: {arguments: {b: {schema: {type: zebra}}}}}}]",
    "transforms: [{use: rename, names: {'': x}}]", "transforms: [{use: rename, names: {x: ''}}]",
    "transforms: [{use: namespace, prefix: ''}]", "transforms: [{use: namespace, prefix: [a]}]",
    "transforms: [{use: search, max_results: -1}]", "transforms: [{use: search, max_results: 1e9}]",
    "transforms: [{use: disable, names: ['*a*']}]", "transforms: [{use: disable, kinds: tools}]",
    "transforms: [{use: disable, principals: []}]",
    "secrets: {a: {file: /proc/self/mem}}", "secrets: {a: {file: /dev/zero}}", "secrets: {a: {file: /}}",
    "secrets: {'../a': x}", "secrets: {a: ''}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_configurations_are_refused_with_a_line(tmp_path, text):
    file = tmp_path / "gantry.yaml"
    file.write_text(text + "\n")
    done = run("config", "check", file, ok=1)
    assert done.stdout.startswith(f"{file}:1: ") and "Sanitizer" not in done.stderr, done
    assert len(done.stdout) < 20000


def test_a_large_configuration_is_read(start):
    tools = {f"tool_{i}": {"name": f"made_{i}", "arguments": {f"a{j}": {"hide": True, "default": j}
                                                              for j in range(10)}}
             for i in range(500)}
    tools["pin"] = {"name": "code"}
    c = start([tools_row(tools), *[{"use": "namespace", "prefix": "x"}] * 40])
    [name] = [n for n in c.names() if n.startswith("x_x_") and "code" in n or n.endswith("_code")] \
        or [None]
    assert all(len(n) <= 64 for n in c.names())
    assert name is None or reached(c, name, code="1") == {"code": "1"}
