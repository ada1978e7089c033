"""MCP Apps (SEP-1865): the sample plugin `chart`, to clients with views and without."""

import re
import shutil
import subprocess

import pytest

from harness.client import HttpClient, StdioClient

NEW, OLD = "2026-07-28", "2025-11-25"
UI, TYPE, URI = "io.modelcontextprotocol/ui", "text/html;profile=mcp-app", "ui://chart/bars"
POINTS = [{"label": "apples", "value": 4}, {"label": "figs", "value": 1},
          {"label": "<b>plums</b>", "value": -2.5}]


@pytest.fixture
def chart(host):
    def start(revision, transport="stdio", extensions=None):
        one = host(plugins=["chart"], http=transport == "http" or None, stdio=transport == "stdio")
        c = (HttpClient if transport == "http" else StdioClient)(one, revision)
        c.capabilities = {"extensions": extensions} if extensions is not None else {}
        if not c.stateless:
            c.initialize()
        return c
    return start


@pytest.mark.parametrize("revision", ["2025-06-18", OLD, NEW])
def test_the_tool_names_its_view(chart, revision, transport):
    c = chart(revision, transport)
    told = c.request("server/discover") if c.stateless else c.server
    assert told["capabilities"]["extensions"][UI] == {"mimeTypes": [TYPE]}
    tool, = c.list("tools")
    assert tool["_meta"]["ui"] == {"resourceUri": URI}
    view, = c.list("resources")
    assert view["uri"] == URI and view["mimeType"] == TYPE and "ui" in view["_meta"]
    page, = c.request("resources/read", {"uri": URI})["contents"]
    assert page["mimeType"] == TYPE and page["text"].startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|<script src|innerHTML|eval\(", page["text"])


@pytest.mark.parametrize("extensions, has_view", [
    (None, False), ({}, False), ({UI: {}}, False), ({UI: {"mimeTypes": ["text/html"]}}, False),
    ({UI: {"mimeTypes": TYPE}}, False), ({UI: {"mimeTypes": [7, TYPE]}}, True)])
@pytest.mark.parametrize("revision", [OLD, NEW])
def test_clients_without_views_read_it(chart, revision, extensions, has_view):
    c = chart(revision, extensions=extensions)
    result = c.call("show_chart", title="Fruit", points=POINTS)
    assert result["structuredContent"] == {"title": "Fruit", "points": POINTS}
    text = result["content"][0]["text"]
    if has_view:
        assert text == "A chart of 3 bars is shown: Fruit"
    else:
        assert text.splitlines() == [
            "Fruit", "apples       | " + "#" * 40 + " 4", "figs         | " + "#" * 10 + " 1",
            "<b>plums</b> | " + "-" * 25 + " -2.5"]


def test_the_largest_chart_fits(chart):
    c = chart(OLD)
    points = [{"label": "\N{SNOWMAN}" * 60, "value": -1.2345678e300} for _ in range(100)]
    assert c.call("show_chart", title="t" * 100, points=points)["structuredContent"]["points"] == points
    zeros = c.call("show_chart", points=[{"label": "z", "value": 0}])
    assert zeros["content"][0]["text"] == "Chart\nz |  0\n"


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_script_of_the_view_draws_what_it_is_told(chart, tmp_path):
    c = chart(OLD)
    page, = c.request("resources/read", {"uri": URI})["contents"]
    script = re.search(r"<script>(.*)</script>", page["text"], re.S).group(1)
    (tmp_path / "view.js").write_text(FRAME.replace("SCRIPT", script))
    done = subprocess.run(["node", tmp_path / "view.js"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:4] == [
        "ui/initialize", "ui/notifications/initialized", "Fruit", "apples 100% 4;<b>plums</b> 62.5% -2.5"]


# A window with just what the page uses.
FRAME = """
const sent = [], listeners = [];
function element(tag) {
  const e = {tag, children: [], style: {setProperty() {}}, className: '', textContent: '',
    classList: {toggle() {}}, append(x) { this.children.push(x); },
    appendChild(x) { this.children.push(x); return x; }, replaceChildren() { this.children = []; }};
  return e;
}
const byId = {title: element('h1'), rows: element('tbody')};
globalThis.document = {createElement: element, getElementById: id => byId[id],
  documentElement: element('html'), body: element('body')};
globalThis.window = {parent: {postMessage: m => sent.push(m)},
  addEventListener: (_, f) => listeners.push(f)};
globalThis.ResizeObserver = class { observe() {} };
SCRIPT
const tell = data => listeners.forEach(f => f({source: window.parent, data: {jsonrpc: '2.0', ...data}}));
tell({id: sent[0].id, result: {hostContext: {theme: 'dark'}}});
setTimeout(() => {
  tell({method: 'ui/notifications/tool-result', params: {structuredContent: {title: 'Fruit',
    points: [{label: 'apples', value: 4}, {label: '<b>plums</b>', value: -2.5}]}}});
  console.log(sent[0].method); console.log(sent[1].method); console.log(byId.title.textContent);
  console.log(byId.rows.children.map(r => [r.children[0].children[0],
    r.children[1].children[0].style.width, r.children[2].children[0]].join(' ')).join(';'));
}, 10);
"""
