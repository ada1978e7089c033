"""gantry inspect --config: what would be served, and why; for people and for programs."""

import json
import re

import pytest

from harness.cli import gantry
from harness.host import plugin_file

RULES = [
    {"use": "namespace", "prefix": "ns", "plugins": ["e2e_lists"]},
    {"use": "tools", "tools": {"original_search": {"name": "find", "keep": True,
                                                   "arguments": {"limit": {"hide": True}}}}},
    {"use": "disable", "names": ["generic_*"], "kinds": ["tool"]},
    {"use": "enable", "names": ["generic_*"], "principals": ["ops"]},
    {"use": "search", "always": ["find", "ns_*"]},
]


def inspect(folder, transforms, *options, ok=(0,), plugins=("e2e_lists", "guide_transform_originals"),
            config=None):
    file = folder / "gantry.yaml"
    file.write_text(json.dumps({"transforms": transforms, **(config or {})}))
    named = [word for name in plugins for word in ("--plugin", plugin_file(name))]
    return gantry("inspect", "--config", file, *named, *options, ok=ok)


def described(*args, **options):
    found = json.loads(inspect(*args, "--output", "json", **options).stdout)
    assert set(found) == {"transforms", "tools", "resources", "templates", "prompts", "problems"}
    return found


def by_name(list):
    return {c["name"]: c for c in list}


def test_transforms_stand_in_the_order_in_which_they_act(tmp_path):
    """Those of plugins by priority, whatever the order of declaration; then the operator's."""
    found = described(tmp_path, RULES)
    assert [(t["number"], t["type"], t["owner"], t["name"]) for t in found["transforms"]] == [
        (1, "rename", "e2e_lists", "another-name"), (2, "disable", "e2e_lists", "not-for-all"),
        (3, "enable", "e2e_lists", "those-who-may"), (4, "namespace", None, "transforms[0]"),
        (5, "tools", None, "transforms[1]"), (6, "disable", None, "transforms[2]"),
        (7, "enable", None, "transforms[3]"), (8, "search", None, "transforms[4]")]
    touched = {t["name"]: t["touched"] for t in found["transforms"]}
    assert touched["another-name"] == 1 and touched["not-for-all"] == 2
    assert touched["transforms[1]"] == 1 and touched["transforms[2]"] == 1
    assert found["transforms"][5]["match"] == {"kinds": ["tool"], "names": ["generic_*"]}
    assert found["transforms"][6]["match"]["principals"] == ["ops"]
    assert found["transforms"][2]["match"] == \
        {"kinds": ["tool"], "tags": ["admin"], "predicate": True}


def test_components_tell_where_they_come_from_and_why_they_are_not_there(tmp_path):
    found = described(tmp_path, RULES)
    tools = by_name(found["tools"])
    assert set(tools) == {
        *(f"ns_{name}" for name in ("l_plain", "l_other", "l_hidden", "l_admin", "grant", "revoke",
                                    "add_rule", "session_rule", "session_clear", "remove_rule")),
        "original_search", "find", "generic_operation", "complex_operation", "search_tools", "call_tool"}
    other = tools["ns_l_other"]
    assert (other["provided"], other["plugin"], other["state"]) == ("l_renamed", "e2e_lists", "served")
    assert other["steps"] == ["rename (another-name)", "namespace (transforms[0])"]
    find = tools["find"]
    assert find["provided"] == "original_search" and find["steps"] == ["tools (transforms[1])"]
    assert (tools["ns_l_hidden"]["state"], tools["ns_l_hidden"]["by"]) == ("off", "not-for-all")
    assert (tools["generic_operation"]["state"], tools["generic_operation"]["by"]) == \
        ("off", "transforms[2]")
    assert tools["original_search"]["state"] == "unlisted"
    assert tools["original_search"]["by"] == "transforms[4]"
    assert tools["find"]["state"] == "served" and tools["search_tools"]["plugin"] is None
    assert [r["name"] for r in found["resources"]] == ["lists://ns/document"]
    assert [r["provided"] for r in found["resources"]] == ["lists://document"]
    assert [t["name"] for t in found["templates"]] == ["lists://ns/page/{id}"]
    assert [p["name"] for p in found["prompts"]] == ["ns_l_prompt"]
    assert found["problems"] == []


def test_it_shows_what_one_principal_sees(tmp_path):
    assert by_name(described(tmp_path, RULES)["tools"])["generic_operation"]["state"] == "off"
    tools = by_name(described(tmp_path, RULES, "--principal", "ops")["tools"])
    assert tools["generic_operation"]["state"] == "unlisted"
    tools = by_name(described(tmp_path, RULES, "--principal", "else")["tools"])
    assert tools["generic_operation"]["state"] == "off"


def test_tools_of_one_user_are_told_apart(tmp_path):
    users = [{"id": "ann", "permissions": ["read"]}, {"id": "bob", "permissions": []}]
    settings = [{"plugin": str(plugin_file("guide_transform_users")), "settings": {"users": users}}]

    def states(*options):
        found = described(tmp_path, [], *options, plugins=["guide_transform_originals"],
                          config={"plugins": settings})
        return {c["name"]: (c["state"], c.get("principal")) for c in found["tools"]
                if c["name"].startswith("user_")}

    assert states() == {"user_ann_operation": ("foreign", "ann"),
                        "user_bob_operation": ("foreign", "bob")}
    assert states("--principal", "ann") == {"user_ann_operation": ("served", "ann"),
                                            "user_bob_operation": ("foreign", "bob")}


def test_a_person_reads_the_same(tmp_path):
    said = inspect(tmp_path, RULES).stdout
    lines = said.splitlines()

    def line(pattern):
        found = [one for one in lines if re.search(pattern, one)]
        assert len(found) == 1, (pattern, said)
        return found[0]

    assert lines[0] == "transforms, in the order in which they act"
    assert re.fullmatch(r" +6  disable +transforms\[2\] +operator +kinds tool; names generic_\*: 1 changed",
                        line(" 6  disable"))
    assert "plugin e2e_lists" in line(" 1  rename")
    assert "<- l_renamed (e2e_lists)" in line("^  ns_l_other")
    assert "rename (another-name), namespace (transforms[0])" in line("^  ns_l_other")
    assert "not there, by transforms[2]" in line("^  generic_operation")
    assert "in no list, by transforms[4]" in line("^  original_search")
    assert [one for one in lines if re.fullmatch("[a-z]+", one)] == \
        ["tools", "resources", "templates", "prompts"]


def test_a_made_tool_without_a_parent_waits(tmp_path):
    found = described(tmp_path, [], plugins=["e2e_remade1"], ok=(1,))
    assert len(found["problems"]) == 2 and all("flip" in text for text in found["problems"])
    tools = by_name(found["tools"])
    assert tools.pop("open_gate")["state"] == "served"  # it has no parent
    assert {name: c["state"] for name, c in tools.items()} == dict.fromkeys(
        ["plain_flip", "chain_flip", "around_flip"], "waiting")
    assert all("flip" in c["why"] for c in tools.values())
    found = described(tmp_path, [], plugins=["e2e_remade1", "e2e_flip1"])
    assert {c["state"] for c in found["tools"]} == {"served"}
    chain = by_name(found["tools"])["chain_flip"]
    assert chain["provided"] == "flip" and chain["plugin"] == "e2e_remade1"
    assert [step.split(" (")[0] for step in chain["steps"]] == \
        ["made from flip", "made from plain_flip"]


def test_problems_are_told_and_are_the_exit_code(tmp_path):
    rules = [{"use": "rename", "names": {"nowhere": "x"}},
             {"use": "tools", "tools": {"original_search": {"arguments": {"nothing": {"hide": True}}}}}]
    done = inspect(tmp_path, rules, ok=(1,))
    problems = done.stdout.split("problems\n")[1]
    assert len(problems.splitlines()) == 2 and "nowhere" in problems and "nothing" in problems
    assert re.search(r"original_search .*wrong, by transforms\[1\]: .*nothing", done.stdout)
    found = described(tmp_path, rules, ok=(1,))
    assert len(found["problems"]) == 2
    assert by_name(found["tools"])["original_search"]["state"] == "wrong"


def test_plugins_that_are_not_loaded_are_problems(tmp_path):
    (tmp_path / "none.so").write_text("nothing at all")
    done = gantry("inspect", "--plugin", tmp_path / "none.so", "--plugin", plugin_file("e2e_flip1"),
                  "--output", "json", ok=(1,))
    found = json.loads(done.stdout)
    assert [c["name"] for c in found["tools"]] == ["flip"]
    assert len(found["problems"]) == 1 and "none is not loaded" in found["problems"][0]


def test_wrong_usage_and_wrong_configuration_are_told(tmp_path):
    for args in (["http://127.0.0.1:1", "--plugins", tmp_path], ["--principal", "x"],
                 ["--plugins", tmp_path, "--output", "xml"], ["--plugin", tmp_path / "nowhere.so"],
                 ["--config", tmp_path / "nowhere.yaml"]):
        assert gantry("inspect", *args, ok=(2,)).stderr
    done = inspect(tmp_path, [{"use": "nmespace"}], ok=(2,))
    assert "namespace" in done.stderr and not done.stdout


def test_nothing_is_opened_and_nothing_is_written(tmp_path):
    """A host that serves with the same configuration is not disturbed."""
    config = {"http": {"listen": ["127.0.0.1:1"]}, "audit": {"file": str(tmp_path / "audit")},
              "tasks": {"directory": str(tmp_path / "tasks")},
              "log": {"file": str(tmp_path / "log")},
              "metrics": {"listen": "127.0.0.1:1"}}
    assert described(tmp_path, [], config=config)["problems"] == []
    assert sorted(f.name for f in tmp_path.iterdir()) == ["gantry.yaml"]


def test_what_plugins_print_is_not_among_it(tmp_path):
    found = json.loads(gantry("inspect", "--plugin", plugin_file("bad_print"), "--output", "json",
                              ok=(0, 1)).stdout)
    assert set(found) >= {"tools", "problems"}


@pytest.mark.parametrize("folder", ["", "--output=json"])
def test_an_empty_folder_serves_nothing(tmp_path, folder):
    done = gantry("inspect", "--plugins", tmp_path, *([folder] if folder else []))
    assert "nothing is served" in done.stdout if not folder else json.loads(done.stdout)["tools"] == []


def test_check_refuses_a_plugin_whose_transforms_give_one_name_to_two_of_its_tools():
    said = gantry("check", plugin_file("bad_renames"), ok=(1,)).stderr
    assert "tool here (there of plugin bad_renames, by plugin bad_renames: transform words): " \
           "plugin bad_renames has one of that name" in said
