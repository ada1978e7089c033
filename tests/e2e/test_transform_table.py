"""What may become of a tool made from a tool, row by row: the same rows are said by a plugin
(gantry_tool_from) and by the operator (`transforms: - use: tools`). What cannot be is refused, by name,
when it is loaded."""

import json
import re

import pytest

from harness.cli import gantry
from harness.client import connect
from harness.host import Host, plugin_file

NEW = "2026-07-28"
ENV = {"TRANSFORM_TOKEN": "from the environment"}
SECRETS = {"vault": "from the vault"}
EPERM = -11


class Absent:
    """In what is expected: no such member."""

    def __repr__(self):
        return "ABSENT"


ABSENT = Absent()


class Like:
    """In what is expected: a text that matches."""

    def __init__(self, pattern):
        self.pattern = pattern

    def __repr__(self):
        return f"Like({self.pattern!r})"


def differs(expected, found, at=""):
    """Where what was found is not as expected; members that are not named do not matter."""
    if expected is ABSENT:
        return f"{at} is there"
    if isinstance(expected, Like):
        ok = isinstance(found, str) and re.fullmatch(expected.pattern, found)
        return None if ok else f"{at} is {found!r}, not {expected}"
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name not in found:
                if value is not ABSENT:
                    return f"{at}.{name} is missing in {found}"
            elif said := differs(value, found[name], f"{at}.{name}"):
                return said
        return None
    return None if expected == found and type(expected) is type(found) else \
        f"{at} is {found!r}, not {expected!r}"


def properties(**expected):
    return {"inputSchema": {"properties": expected}}


def args(**arguments):
    return {"arguments": arguments}


class Row:
    """parent: of whom. spec: what is written (a list: one made from the other). tool: what is listed.
    calls: arguments, and what the result's structured content is, or words of why it fails."""

    def __init__(self, id, spec, tool=None, calls=(), parent="base", only=None, exactly=None):
        self.id, self.parent, self.tool, self.calls = id, parent, tool or {}, calls
        self.specs = spec if isinstance(spec, list) else [spec]
        self.only = only  # "plugin": cannot be said otherwise
        self.exactly = exactly  # all properties, in their order

    def names(self):
        """Of what is made, the last one last."""
        name = "row_" + re.sub("[^a-z0-9]+", "_", self.id)
        return [f"{name}_{i}" for i in range(len(self.specs) - 1)] + [name]


PARENT = {"query": "x", "limit": 10, "verbose": False, "words": []}

ROWS = [
    # ------------------------------------------------------------ the tool itself
    Row("nothing but a name", {},
        {"title": "Base", "description": "Looks for something.",
         "annotations": {"readOnlyHint": True, "openWorldHint": False},
         "_meta": {"team": "search", "gantry/tags": ["first", "second"]},
         **properties(limit={"type": "integer", "minimum": 1, "maximum": 100, "default": 10})},
        [({"query": "x"}, PARENT)], exactly=["query", "limit", "verbose", "words", "filter"]),
    Row("words", {"title": "T", "description": "D", "version": "2.1", "meta": {"mine": 1},
                  "tags": ["third"], "annotations": {"readOnlyHint": False, "idempotentHint": True}},
        {"title": "T", "description": "D",
         "annotations": {"readOnlyHint": False, "idempotentHint": True, "openWorldHint": False},
         "_meta": {"mine": 1, "team": ABSENT, "gantry/tags": ["third"], "gantry/version": "2.1"}}),
    Row("words taken away", {"title": None, "description": None, "meta": None},
        {"title": ABSENT, "description": ABSENT, "_meta": {"team": ABSENT}}),
    Row("empty texts take away as null does", {"title": "", "description": ""},
        {"title": ABSENT, "description": ABSENT}),
    Row("annotations taken away", {"annotations": None}, {"annotations": ABSENT}, only="config"),
    Row("no tags", {"tags": []}, {"_meta": {"gantry/tags": ABSENT, "team": "search"}}),
    Row("an output schema", {"output_schema": {"type": "object", "properties": {
        "query": {"type": "string"}}, "required": ["query"]}},
        {"outputSchema": {"required": ["query"]}}, [({"query": "x"}, PARENT)]),
    Row("an output schema that the result breaks", {"output_schema": {"type": "object", "properties": {
        "query": {"type": "integer"}}, "required": ["query"]}},
        {"outputSchema": {"required": ["query"]}}, [({"query": "x"}, ["internal error"])]),
    Row("the parents output schema", {}, {"outputSchema": {"properties": {"twice": {"type": "integer"}}}},
        [({"n": 4}, {"twice": 8})], parent="shaped"),
    Row("no output schema", {"output_schema": None}, {"outputSchema": ABSENT},
        [({"n": 4}, {"twice": 8})], parent="shaped"),

    # ------------------------------------------------------------ one argument
    Row("an argument renamed", args(query={"name": "q"}),
        {"inputSchema": {"properties": {"q": {"title": "Query", "minLength": 1}, "query": ABSENT},
                         "required": ["q"]}},
        [({"q": "x"}, PARENT),
         ({"query": "x"}, ["query"]),  # the parent's name is none any more
         ({"q": "x", "query": "y"}, ["query"]),
         ({}, ["q"]), ({"q": 7}, ["q"]), ({"q": ""}, ["q"])],
        exactly=["q", "limit", "verbose", "words", "filter"]),
    Row("names swapped", args(query={"name": "words"}, words={"name": "query"}),
        calls=[({"words": "x", "query": ["a"]}, {**PARENT, "words": ["a"]})],
        exactly=["words", "limit", "verbose", "query", "filter"]),
    Row("a name passed on", args(query={"name": "limit"}, limit={"name": "count"}),
        calls=[({"limit": "x", "count": 3}, {**PARENT, "limit": 3})]),
    Row("the name of a hidden one", args(query={"name": "limit"}, limit={"hide": True, "default": 5}),
        calls=[({"limit": "x"}, {**PARENT, "limit": 5})],
        exactly=["limit", "verbose", "words", "filter"]),
    Row("a description", args(query={"description": "New"}, limit={"description": None}),
        properties(query={"description": "New", "title": "Query"}, limit={"description": ABSENT})),
    Row("a title", args(query={"title": "Q"}, limit={"title": "L"}),
        properties(query={"title": "Q"}, limit={"title": "L"})),
    Row("a default", args(query={"default": "all"}, limit={"default": 3}),
        {"inputSchema": {"properties": {"query": {"default": "all"}, "limit": {"default": 3}},
                         "required": ABSENT}},
        [({}, {**PARENT, "query": "all", "limit": 3}),
         ({"query": "x", "limit": 4}, {**PARENT, "limit": 4})]),
    Row("a default that is an array", args(words={"default": ["a", "b"]}),
        properties(words={"default": ["a", "b"]}),
        [({"query": "x"}, {**PARENT, "words": ["a", "b"]}),
         ({"query": "x", "words": []}, PARENT)]),
    Row("a default that is an object", args(filter={"default": {"and": [1, {"not": None}]}}),
        properties(filter={"default": {"and": [1, {"not": None}]}}),
        [({"query": "x"}, {**PARENT, "filter": {"and": [1, {"not": None}]}})]),
    Row("a default that is null", args(filter={"default": None}), properties(filter={"default": None}),
        [({"query": "x"}, {**PARENT, "filter": None})]),
    Row("required", args(limit={"required": True}),
        {"inputSchema": {"properties": {"limit": {"default": ABSENT}},
                         "required": ["query", "limit"]}},
        [({"query": "x"}, ["limit"]), ({"query": "x", "limit": 4}, {**PARENT, "limit": 4})]),
    Row("examples", args(query={"examples": ["a", "b"]}), properties(query={"examples": ["a", "b"]})),
    Row("a schema on top", args(limit={"schema": {"maximum": 50}}),
        properties(limit={"type": "integer", "minimum": 1, "maximum": 50, "default": 10}),
        [({"query": "x", "limit": 50}, {**PARENT, "limit": 50}),
         ({"query": "x", "limit": 51}, ["limit", "50"])]),
    Row("a schema instead", args(value={"schema": {"type": "integer", "minimum": 7}}),
        properties(value={"type": "integer", "minimum": 7, "anyOf": ABSENT,
                          "description": "Number or text"}),
        [({"value": 7}, {"value": 7}), ({"value": 6}, ["value"]), ({"value": "text"}, ["value"])],
        parent="loose"),
    Row("a schema instead leaves no limits behind", args(limit={"schema": {"enum": [1, 5]},
                                                                   "default": 1}),
        properties(limit={"enum": [1, 5], "default": 1, "minimum": ABSENT, "maximum": ABSENT,
                          "type": "integer",
                          "description": "How many"}),
        [({"query": "x", "limit": 5}, {**PARENT, "limit": 5}), ({"query": "x", "limit": 2}, ["limit"])]),
    Row("under the new name", args(limit={"name": "count", "schema": {"type": "integer", "maximum": 9},
                                          "default": 2, "description": "So many"}),
        properties(count={"maximum": 9, "default": 2, "description": "So many"}, limit=ABSENT),
        [({"query": "x"}, {**PARENT, "limit": 2}),
         ({"query": "x", "count": 10}, ["count"]), ({"query": "x", "count": "many"}, ["count"])]),

    # ------------------------------------------------------------ hidden ones
    Row("a constant", args(limit={"hide": True, "default": 5}), properties(limit=ABSENT),
        [({"query": "x"}, {**PARENT, "limit": 5}), ({"query": "x", "limit": 6}, ["limit"]),
         ({"query": "x", "limit": 5}, ["limit"])], exactly=["query", "verbose", "words", "filter"]),
    Row("a constant for what is required", args(token={"hide": True, "default": "abcdef"}),
        {"inputSchema": {"required": ["op"]}},
        [({"op": "x"}, {"op": "x", "token": "abcdef"}),
         ({"op": "x", "token": "stolen"}, ["token"])], parent="secure", exactly=["op"]),
    Row("hidden and the parents default", args(limit={"hide": True}), properties(limit=ABSENT),
        [({"query": "x"}, PARENT), ({"query": "x", "limit": 6}, ["limit"])]),
    Row("hidden and nothing", args(words={"hide": True}, filter={"hide": True}),
        calls=[({"query": "x"}, {**PARENT, "filter": ABSENT}), ({"query": "x", "words": []}, ["words"])],
        exactly=["query", "limit", "verbose"]),
    Row("hidden constants of every type", args(words={"hide": True, "default": ["a"]},
                                               filter={"hide": True, "default": {"a": [True, None]}}),
        calls=[({"query": "x"}, {**PARENT, "words": ["a"], "filter": {"a": [True, None]}})]),
    Row("hidden with words that nobody sees",
        args(limit={"hide": True, "default": 5, "name": "count", "description": "Not seen"}),
        {"inputSchema": {"properties": {"limit": ABSENT, "count": ABSENT}}},
        [({"query": "x"}, {**PARENT, "limit": 5}), ({"query": "x", "count": 6}, ["count"])]),
    Row("a new uuid", args(token={"hide": True, "source": "uuid"}),
        calls=[({"op": "x"}, {"token": Like("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                            "[0-9a-f]{12}")})], parent="secure"),
    Row("the time", args(token={"hide": True, "source": "now"}),
        calls=[({"op": "x"}, {"token": Like(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")})],
        parent="secure"),
    Row("the environment", args(token={"hide": True, "source": "env:TRANSFORM_TOKEN"}),
        calls=[({"op": "x"}, {"token": "from the environment"})], parent="secure"),
    Row("the scope", args(token={"hide": True, "source": "scope:colour"}),
        calls=[({"op": "x"}, {"token": "green"})], parent="secure"),
    Row("a secret", args(token={"hide": True, "source": "secret:vault"}),
        calls=[({"op": "x"}, {"token": "from the vault"})], parent="secure"),

    # ------------------------------------------------------------ references
    Row("a definition that is used", args(at={"name": "where"}),
        {"inputSchema": {"properties": {"where": {"$ref": "#/$defs/point"}},
                         "$defs": {"point": {"required": ["x"]}}}},
        [({"value": 5, "where": {"x": 1}}, {"value": 5, "at": {"x": 1}}),
         ({"value": 5, "where": {}}, ["where"])], parent="loose"),
    Row("a definition that is used no more", args(at={"hide": True}),
        {"inputSchema": {"$defs": ABSENT, "additionalProperties": False}},
        [({"value": 5}, {"value": 5, "at": ABSENT}), ({"value": 5, "other": 1}, ["other"])],
        parent="loose", exactly=["value", "note"]),

    # ------------------------------------------------------------ made from what was made
    Row("a chain", [{"description": "One", **args(query={"name": "a"}, limit={"default": 3})},
                    {"title": "Two", **args(a={"name": "b"}, limit={"name": "n"})},
                    args(b={"name": "query"}, n={"default": 4}, verbose={"hide": True, "default": True})],
        {"title": "Two", "description": "One", **properties(query={"title": "Query"}, n={"default": 4})},
        [({"query": "x"}, {**PARENT, "limit": 4, "verbose": True}),
         ({"query": "x", "n": 9}, {**PARENT, "limit": 9, "verbose": True}),
         ({"a": "x"}, ["a"]), ({"query": "x", "limit": 1}, ["limit"])],
        exactly=["query", "n", "words", "filter"]),
    Row("a chain of one argument", [args(limit={"name": "a"}), args(a={"name": "b"}),
                                    args(b={"hide": True, "default": 6})],
        calls=[({"query": "x"}, {**PARENT, "limit": 6}), ({"query": "x", "b": 1}, ["b"]),
               ({"query": "x", "limit": 1}, ["limit"])]),
    Row("a default of the inner one", [args(limit={"default": 3}), args(limit={"description": "D"})],
        properties(limit={"default": 3, "description": "D"}),
        [({"query": "x"}, {**PARENT, "limit": 3})]),

    # ------------------------------------------------------------ functions around
    Row("around", {"around": "pass"}, {"description": "Looks for something."},
        [({"query": "x", "limit": 3}, {**PARENT, "limit": 3}), ({"limit": 3}, ["query"])],
        only="plugin"),
    Row("around with new names", {"around": "given", "forward": {"q": "said", "count": 8},
                                  **args(query={"name": "q"}, limit={"name": "count"})},
        calls=[({"q": "x"}, {**PARENT, "query": "said", "limit": 8})], only="plugin"),
    Row("forward fills in", {"around": "given", "forward": {"query": "said"},
                             **args(limit={"default": 33}, verbose={"hide": True, "default": True})},
        calls=[({"query": "x"}, {**PARENT, "query": "said", "limit": 33, "verbose": True})],
        only="plugin"),
    Row("forward with the parents name", {"around": "given", "forward": {"query": "said"},
                                          **args(query={"name": "q"})},
        calls=[({"q": "x"}, ["query"])], only="plugin"),
    Row("forward with a hidden one", {"around": "given", "forward": {"query": "x", "limit": 2},
                                      **args(limit={"hide": True, "default": 3})},
        calls=[({"query": "x"}, ["limit"])], only="plugin"),
    Row("forward raw", {"around": "raw", "forward": {"query": "said"},
                        **args(query={"name": "q"}, limit={"default": 33},
                               verbose={"hide": True, "default": True})},
        calls=[({"q": "x"}, {**PARENT, "query": "said"})], only="plugin"),
    Row("forward raw with the new name", {"around": "raw", "forward": {"q": "said"},
                                          **args(query={"name": "q"})},
        calls=[({"q": "x"}, ["query"])], only="plugin"),
    Row("forward raw is checked", {"around": "raw", "forward": {"query": "said", "limit": 1000}},
        calls=[({"query": "x"}, ["limit"])], only="plugin"),
    Row("not forwarded", {"around": "nothing"}, calls=[({"query": "x"}, "without it")], only="plugin"),
    Row("forwarded twice", {"around": "twice", "forward": {"query": "again", "limit": 2}},
        calls=[({"query": "x"}, {"first": PARENT, "second": {**PARENT, "query": "again", "limit": 2}})],
        only="plugin"),
    Row("arguments of its own", {"around": "noting"},
        properties(note={"default": "no note"}, limit={"minimum": 1, "maximum": 9, "default": 7},
                   query={"title": "Query"}),
        [({"query": "x"}, {"found": {**PARENT, "limit": 7}, "note": "no note", "limit": 7}),
         ({"query": "x", "note": "n", "limit": 9}, {"found": {**PARENT, "limit": 9}, "note": "n"}),
         ({"query": "x", "limit": 10}, ["limit"]), ({"query": "x", "note": 1}, ["note"])],
        only="plugin"),
    Row("a failure of the parent", {"around": "mend", "output_schema": None},
        calls=[({"n": 13}, "mended: 13 is not doubled"), ({"n": 2}, {"twice": 4})], parent="shaped",
        only="plugin"),
    Row("a failure passes", {"around": "pass"},
        calls=[({"n": 13}, ["13 is not doubled"]), ({"n": 2}, {"twice": 4})], parent="shaped",
        only="plugin"),
    Row("around around", [{"around": "noting"}, {"around": "pass", **args(note={"name": "remark"})},
                          {"around": "pass", **args(query={"default": "x"})}],
        calls=[({"remark": "r"}, {"found": {**PARENT, "limit": 7}, "note": "r"}),
               ({"note": "r"}, ["note"])], only="plugin"),
    Row("plain around around", [args(query={"name": "q"}),
                                {"around": "given", "forward": {"q": "y"}}, args(q={"default": "x"})],
        calls=[({}, {**PARENT, "query": "y"})], only="plugin"),
]

WAYS = ["plugin", "config"]


def of_way(way):
    return [row for row in ROWS if row.only in (None, way)]


class Made:
    """A host in which all rows have been made, one way."""

    def __init__(self, way):
        entries = []
        for row in of_way("config") if way == "config" else []:
            parent = row.parent
            for i, (name, spec) in enumerate(zip(row.names(), row.specs, strict=True)):
                entries.append({"use": "tools", "tools": {
                    parent: {**spec, "name": name, **({"keep": True} if i == 0 else {})}}})
                parent = name
        self.host = Host(plugins=("transform",), http=True, env=ENV,
                         config={"transforms": entries, "secrets": SECRETS,
                                 "schema": {"output": "strict"}})
        self.client = connect(self.host, NEW, "http")
        self.codes = {}
        for row in of_way("plugin") if way == "plugin" else []:
            parent = row.parent
            for name, spec in zip(row.names(), row.specs, strict=True):
                self.codes[name] = self.client.text("make", spec={**spec, "name": name, "parent": parent})
                parent = name
        self.tools = {tool["name"]: tool for tool in self.client.list("tools")}

    def stop(self):
        try:
            self.client.close()
            self.host.stop()
        finally:
            self.host.kill()
            self.host.clean()


@pytest.fixture(scope="module", params=WAYS)
def made(request):
    one = Made(request.param)
    one.way = request.param
    yield one
    one.stop()


def check_call(client, name, arguments, expected):
    result = client.call(name, **arguments)
    text = " ".join(block.get("text", "") for block in result["content"])
    if isinstance(expected, list):
        assert result.get("isError"), (arguments, result)
        missing = [word for word in expected if word not in text]
        assert not missing, f"{arguments}: {text!r} does not name {missing}"
        return
    assert not result.get("isError"), (arguments, text)
    if isinstance(expected, str):
        assert text == expected
    else:
        said = differs(expected, result["structuredContent"], "result")
        assert not said, f"{arguments}: {said}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id.replace(" ", "-"))
def test_a_row(made, row):
    if row.only not in (None, made.way):
        return  # it cannot be said this way
    name = row.names()[-1]
    assert set(made.codes.get(n, "0") for n in row.names()) == {"0"}, made.host.log()[-2000:]
    assert name in made.tools, made.host.log()[-2000:]
    said = differs(row.tool, made.tools[name], name)
    assert not said, said
    if row.exactly is not None:
        assert list(made.tools[name]["inputSchema"].get("properties", {})) == row.exactly
    for arguments, expected in row.calls:
        check_call(made.client, name, arguments, expected)


def test_the_parents_are_as_they_were(made):
    base = made.tools["base"]
    assert list(base["inputSchema"]["properties"]) == ["query", "limit", "verbose", "words", "filter"]
    assert base["title"] == "Base" and base["inputSchema"]["properties"]["limit"]["default"] == 10
    check_call(made.client, "base", {"query": "x"}, PARENT)
    check_call(made.client, "loose", {"value": 5}, {"value": 5})


def test_nothing_hidden_is_told(made):
    everything = json.dumps(made.tools)
    for hidden in ("from the vault", "from the environment", "abcdef", "TRANSFORM_TOKEN"):
        assert hidden not in everything


def test_forwarding_needs_something_to_forward_to(made):
    assert made.client.text("forward_outside") == f"{EPERM} {EPERM}"


# ---------------------------------------------------------------- what cannot be

# Which parent, what is written, and words that the message names.
REFUSED = [
    ("an unknown argument", "base", args(qerry={"name": "q"}), ["base", "qerry", "query"]),
    ("two unknown arguments", "base", args(aaa={"hide": True}, bbb={"hide": True}), ["aaa", "bbb"]),
    ("two with one name", "base", args(query={"name": "a"}, limit={"name": "a"}),
     ["query", "limit", "a"]),
    ("onto an untouched one", "base", args(query={"name": "limit"}), ["query", "limit"]),
    ("hidden and required", "base", args(limit={"hide": True, "required": True}),
     ["limit", "hidden", "required"]),
    ("required with a default", "base", args(limit={"required": True, "default": 5}),
     ["limit", "required", "default"]),
    ("a default and a source", "secure", args(token={"hide": True, "default": "x", "source": "uuid"}),
     ["token", "default", "source"]),
    ("a source that is seen", "secure", args(token={"source": "uuid"}), ["token", "hidden", "source"]),
    ("required with a source", "secure", args(token={"required": True, "source": "uuid"}),
     ["token", "source"]),
    ("hidden without a value", "secure", args(token={"hide": True}), ["token", "hidden", "secure"]),
    ("an unknown source", "secure", args(token={"hide": True, "source": "moon"}), ["token", "moon"]),
    ("a source without a name", "secure", args(token={"hide": True, "source": "env:"}), ["token", "env"]),
    ("a default of another type", "base", args(limit={"default": "many"}), ["limit"]),
    ("a default out of range", "base", args(limit={"default": 1000}), ["limit"]),
    ("a constant that does not fit", "base", args(limit={"hide": True, "default": 0}), ["limit"]),
    ("a constant that is too short", "secure", args(token={"hide": True, "default": "x"}), ["token"]),
    ("a schema that the parent refuses", "base", args(limit={"schema": {"type": "string"}}), ["limit"]),
    ("a schema that is none", "base", args(limit={"schema": {"type": "integr"}}), ["limit"]),
    ("an empty name", "base", args(limit={"name": ""}), ["limit", "name"]),
    ("an output schema that is none", "base", {"output_schema": {"type": "objct"}}, ["output"]),
    ("several contradictions", "base", args(query={"required": True, "default": "x"},
                                            limit={"hide": True, "required": True}),
     ["query", "limit"]),
    ("several misfits", "base", args(qerry={"name": "q"}, limit={"default": "many"}, words={"name": "query"}),
     ["qerry", "limit", "words"]),
    ("a default that a new schema refuses", "base", args(limit={"schema": {"enum": [1, 5]}}),
     ["limit", "default"]),
    ("the second of a chain", "base", [args(query={"name": "q"}), args(query={"name": "x"})],
     ["query"]),
    ("hidden twice", "base", [args(limit={"hide": True}), args(limit={"hide": True})], ["limit"]),
]


@pytest.fixture(scope="module")
def maker():
    host = Host(plugins=("transform",), http=True, env=ENV)
    client = connect(host, NEW, "http")
    yield host, client
    try:
        client.close()
        host.stop()
    finally:
        host.kill()
        host.clean()


@pytest.mark.parametrize("id, parent, spec, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_a_plugin_is_refused(maker, id, parent, spec, words):
    host, client = maker
    specs = spec if isinstance(spec, list) else [spec]
    names = [f"refused_{id.replace(' ', '_')}_{i}" for i in range(len(specs))]
    before = len(host.log())
    codes = []
    for name, one in zip(names, specs, strict=True):
        codes.append(int(client.text("make", spec={**one, "name": name, "parent": parent})))
        parent = name
    assert codes[:-1] == [0] * (len(specs) - 1) and codes[-1] < 0
    said = host.log()[before:]
    missing = [word for word in [names[-1], *words] if word not in said]
    assert not missing, f"{missing} not in {said}"
    assert names[-1] not in client.names()


def inspect(folder, config, *options, ok=(0, 1, 2), env=None):
    """What `gantry inspect` says of the test plugin with this configuration."""
    file = folder / "gantry.yaml"
    file.write_text(json.dumps(config))
    return gantry("inspect", "--config", str(file), "--plugin", str(plugin_file("transform")), *options,
                  ok=ok, env=env)


@pytest.mark.parametrize("id, parent, spec, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_an_operator_is_told(tmp_path, id, parent, spec, words):
    """When it is loaded, and not when somebody calls."""
    entries = []
    for i, one in enumerate(spec if isinstance(spec, list) else [spec]):
        entries.append({"use": "tools", "tools": {parent: {**one, "name": f"made_{i}"}}})
        parent = f"made_{i}"
    done = inspect(tmp_path, {"transforms": entries}, ok=(1, 2))
    said = done.stdout + done.stderr
    missing = [word for word in words if word not in said]
    assert not missing, f"{missing} not in {said}"


# What only JSON can say wrongly.
WRONG = [
    ("required false", {"arguments": {"limit": {"required": False}}}, ["limit", "required", "default"]),
    ("an unknown member", {"titel": "T"}, ["titel", "title"]),
    ("an unknown member of an argument", {"arguments": {"limit": {"defualt": 1}}}, ["defualt", "default"]),
    ("hide as text", {"arguments": {"limit": {"hide": "yes"}}}, ["limit", "hide"]),
    ("tags as text", {"tags": "first"}, ["tags"]),
    ("arguments as a list", {"arguments": ["limit"]}, ["arguments"]),
    ("a type that is none", {"arguments": {"limit": {"type": "int"}}}, ["limit", "integer"]),
    ("meta as a list", {"meta": []}, ["meta"]),
    ("enabled as text", {"enabled": "no"}, ["enabled"]),
]


@pytest.mark.parametrize("id, spec, words", WRONG, ids=[row[0] for row in WRONG])
def test_a_configuration_is_refused_with_its_line(tmp_path, id, spec, words):
    done = inspect(tmp_path, {"transforms": [{"use": "tools", "tools": {"base": spec}}]}, ok=(2,))
    assert all(word in done.stderr for word in words), done.stderr
    assert "gantry.yaml:1: transforms[0]" in done.stderr and "base" in done.stderr


# ---------------------------------------------------------------- the configuration as a whole

def serve(host, transforms, **more):
    one = host(plugins=("transform",), http=True, env=ENV,
               config={"transforms": transforms, "secrets": SECRETS, **more})
    return connect(one, NEW, "http")


def test_a_renamed_tool_has_no_other_name(host):
    client = serve(host, [{"use": "tools", "tools": {"base": {"name": "other"}}}])
    assert "other" in client.names() and "base" not in client.names()
    check_call(client, "other", {"query": "x"}, PARENT)
    pending = client.start_call("base", query="x")
    pending.wait(lambda: pending.response, "an answer")
    assert pending.response["error"]["code"] == -32602 and "base" in pending.response["error"]["message"]
    client.close()


def test_the_json_of_others_works_unchanged(host):
    """Every member of FastMCP's ToolTransformConfig, as its documentation writes them."""
    client = serve(host, [{"use": "tools", "tools": {"base": {
        "name": "search", "version": "3", "title": "Search", "description": "Searches.",
        "tags": ["x"], "meta": {"k": 1}, "enabled": True,
        "arguments": {
            "query": {"name": "q", "description": "The query", "examples": ["a"], "required": True},
            "limit": {"default": 4, "hide": True},
            "verbose": {"default": True, "hide": False}}}}}])
    tool = {t["name"]: t for t in client.list("tools")}["search"]
    assert not differs({"title": "Search", "description": "Searches.",
                        "_meta": {"k": 1, "gantry/tags": ["x"], "gantry/version": "3"},
                        "inputSchema": {"required": ["q"], "properties": {
                            "q": {"description": "The query", "examples": ["a"]},
                            "verbose": {"default": True}, "limit": ABSENT}}}, tool)
    check_call(client, "search", {"q": "x"}, {**PARENT, "limit": 4, "verbose": True})
    client.close()


@pytest.mark.parametrize("rows, is_there", [
    ([False], False), ([True], True), ([False, True], True), ([True, False], False)])
def test_the_later_word_on_enabled_counts(host, rows, is_there):
    client = serve(host, [{"use": "tools", "tools": {"base": {"enabled": row}}} for row in rows])
    assert ("base" in client.names()) == is_there
    client.close()


def test_enabled_and_rules_are_one_order(host):
    client = serve(host, [{"use": "tools", "tools": {"base": {"enabled": False, "name": "one"},
                                                     "secure": {"enabled": True, "name": "two"}}},
                          {"use": "enable", "names": ["one"]}, {"use": "disable", "names": ["two"]}])
    names = client.names()
    assert "one" in names and "two" not in names
    client.close()


def test_cleared_tags_are_no_tags_for_rules(host):
    client = serve(host, [{"use": "tools", "tools": {"base": {"name": "without", "tags": [], "keep": True}}},
                          {"use": "disable", "tags": ["first"]}])
    names = client.names()
    assert "without" in names and "base" not in names
    client.close()


def problems(tmp_path, transforms, **more):
    done = inspect(tmp_path, {"transforms": transforms, **more}, "--output", "json", ok=(0, 1))
    return json.loads(done.stdout)["problems"]


def test_unknown_tools_are_told_by_name(tmp_path):
    found = problems(tmp_path, [{"use": "tools", "tools": {"bse": {"name": "x"}, "base": {"name": "y"}}}])
    assert len(found) == 1 and "bse" in found[0] and "transforms[0]" in found[0]


def test_two_that_end_up_with_one_name_are_told(tmp_path):
    """Of one entry at once, of several when the tools are there."""
    done = inspect(tmp_path, {"transforms": [{"use": "tools", "tools": {
        "base": {"name": "same"}, "secure": {"name": "same"}}}]}, ok=(2,))
    assert all(word in done.stderr for word in ("same", "base", "secure", "transforms[0]"))
    found = problems(tmp_path, [{"use": "tools", "tools": {"base": {"name": "same"}}},
                                {"use": "tools", "tools": {"secure": {"name": "same"}}}])
    assert any("same" in text and "secure" in text for text in found), found


def test_a_name_that_is_taken_is_told(tmp_path):
    found = problems(tmp_path, [{"use": "tools", "tools": {"base": {"name": "secure"}}}])
    assert found and any("secure" in text for text in found), found


def test_a_secret_that_is_not_there_is_told(tmp_path):
    done = inspect(tmp_path, {"transforms": [{"use": "tools", "tools": {
        "secure": {"arguments": {"token": {"hide": True, "source": "secret:nowhere"}}}}}]}, ok=(2,))
    assert all(word in done.stderr for word in ("nowhere", "secure", "token", "secrets")), done.stderr


def test_a_mistake_shows_nothing_that_was_to_be_hidden(host):
    """The tool is not there, even if a later entry enables it; one made beside it is not there alone."""
    client = serve(host, [
        {"use": "tools", "tools": {"secure": {"arguments": {"tokn": {"hide": True}}},
                                   "base": {"name": "x", "keep": True, "arguments": {"y": {"hide": True}}}}},
        {"use": "enable", "names": ["*"]}, {"use": "tools", "tools": {"secure": {"enabled": True}}}])
    names = client.names()
    assert "secure" not in names and "x" not in names and "base" in names
    assert client.host.wait_log("tokn") and client.host.wait_log("argument y")
    client.close()
