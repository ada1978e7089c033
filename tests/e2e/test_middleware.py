"""Middlewares of a plugin around every kind of request, in both eras (tests/plugins/e2e_around.c)."""

import pytest

from harness.client import RpcError
from harness.host import eventually, plugin_file

OLD = "2025-11-25"


@pytest.fixture
def around(client):
    def start(revision=OLD, transport="stdio", **options):
        return client(revision, transport, plugins=["around"], **options)
    return start


def replace(c, name, generation):
    """The same plugin once more, as a file that differs; waits until it serves."""
    file = c.host.drop / f"{name}.so"
    changed = file.with_suffix(".new")
    changed.write_bytes(plugin_file(name).read_bytes() + bytes(generation))
    changed.chmod(0o755)
    changed.rename(file)
    c.host.wait_log(rf"plugin {name}.*generation {generation} ")


def texts(c, name, **arguments):
    result = c.call(name, **arguments)
    assert not result.get("isError"), result
    return [block["text"] for block in result["content"]]


def test_the_lower_priority_is_further_out(around, revision, transport):
    c = around(revision, transport)
    assert texts(c, "echo", word="hi") == ["hi", "inner", "outer"]
    assert texts(c, "slow_echo", word="hi") == ["hi", "inner", "outer"]


def test_arguments_and_results_are_changed_on_the_way(around, revision, transport):
    c = around(revision, transport)
    result = c.call("rewritten", word="hi")
    assert [b["text"] for b in result["content"]] == ["rewritten: <hi>"]
    assert result["_meta"]["test/rewritten"] is True


def test_what_a_middleware_makes_of_arguments_is_checked_like_a_clients(around, revision, transport):
    c = around(revision, transport)
    result = c.call("rewritten", word="x" * 19)  # 21 with what it puts around it
    assert result["isError"] and "word" in result["content"][0]["text"], result


def test_a_call_is_tried_again(around, revision, transport):
    assert texts(around(revision, transport), "flaky") == ["third time lucky"]


def test_a_middleware_answers_itself(around, revision, transport):
    assert texts(around(revision, transport), "canned") == ["canned"]


def test_a_middleware_refuses_with_a_code_of_its_own(around, revision, transport):
    c = around(revision, transport)
    for method, params in (("tools/call", {"name": "forbidden", "arguments": {}}),
                           ("resources/read", {"uri": "around://locked"})):
        with pytest.raises(RpcError) as refused:
            c.request(method, params)
        assert refused.value.code == -32001 and " is not for " in refused.value.message


def test_a_failure_is_mended_and_nothing_of_it_is_left(around, revision, transport):
    assert texts(around(revision, transport), "mended") == ["mended after: out of ink"]


def test_a_middleware_that_fails_by_accident_is_named_in_the_log(around):
    c = around(OLD, "http")
    result = c.call("broken")
    assert result["isError"] and "correlation id" in result["content"][0]["text"]
    eventually(lambda: "middleware around/broken failed: it returned EIO" in c.host.log(),
               "the log line")


def test_a_middleware_moves_the_deadline(around, revision, transport):
    result = around(revision, transport).call("hurried")
    assert result["isError"] and "did not finish in time" in result["content"][0]["text"]


def test_lists_are_changed(around, revision, transport):
    c = around(revision, transport)
    assert "echo" in c.names() and "hidden" not in c.names()
    assert [r["name"] for r in c.list("resources")] == ["locked_page"]
    assert c.list("prompts") == []
    assert texts(c, "hidden") == ["found"]


def test_lists_that_were_changed_still_come_in_pages(around, revision, transport):
    c = around(revision, transport, config={"server": {"page_size": 4}})
    seen, cursor, pages = [], None, 0
    while True:
        page = c.request("tools/list", {"cursor": cursor} if cursor else {})
        seen += [t["name"] for t in page["tools"]]
        pages += 1
        cursor = page.get("nextCursor")
        if not cursor:
            break
        assert len(page["tools"]) == 4
    assert seen == sorted(seen) and "hidden" not in seen and len(seen) == 13 and pages == 4
    with pytest.raises(RpcError):
        c.request("tools/list", {"cursor": "made up"})


def test_every_request_passes_with_its_outcome(around, revision, transport):
    c = around(revision, transport)
    c.call("trace_read")
    c.list("prompts")
    c.call("echo", word="hi")
    c.call("echo", word=["no", "word"])
    c.call("mended")
    seen = texts(c, "trace_read")[0].split("; ")
    assert seen[0] == "result tools/call trace_read@0"
    assert seen[1:3] == ["> prompts/list@0", "result prompts/list@0"]
    assert seen[3:5] == ["> tools/call echo@0", "result tools/call echo@0"]
    assert seen[5:7] == ["> tools/call echo@0", "invalid tools/call echo@0"]
    assert seen[7:9] == ["> tools/call mended@0", "result tools/call mended@0"]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_notifications_pass_too(around, transport):
    c = around(OLD, transport)
    def passed():
        seen = texts(c, "trace_read")[0]
        return "> notifications/roots/list_changed@0; result notifications/roots/list_changed" in seen
    def told():
        c.notify("notifications/roots/list_changed", {})
        return passed()
    eventually(told, "the notification")


@pytest.mark.parametrize("tool", ["through", "through_worker"])
@pytest.mark.parametrize("inner", ["echo", "slow_echo"])
def test_calls_that_handlers_make_pass_too(around, revision, transport, tool, inner):
    c = around(revision, transport)
    text = texts(c, tool, tool=inner)[0]
    assert '"deep"' in text and '"inner"' in text and '"outer"' in text
    assert f"> tools/call {inner}@1; result tools/call {inner}@1" in texts(c, "trace_read")[0]


def test_a_refusal_holds_for_calls_that_handlers_make(around):
    c = around(OLD, "http")
    text = texts(c, "through", tool="forbidden")[0]
    assert "is not for" in text and "ran all the same" not in text


def test_workers_that_wait_for_each_other_need_no_more_threads(around):
    """Each of them holds a worker and calls a tool that needs one."""
    c = around(OLD, "http", config={"limits": {"workers": 2}})
    calls = [c.start_call("through_worker", tool="slow_echo") for _ in range(40)]
    for call in calls:
        assert '"deep"' in call.result()["content"][0]["text"]


def test_a_handler_that_calls_next_is_told_so(around):
    c = around(OLD, "http")
    assert texts(c, "nobody") == ["-11"]
    assert "gantry_next: only a middleware may call it" in c.host.log()


@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("name,code", [("evil", -32050), ("late", -32051)])
def test_a_client_is_turned_away_at_initialize(around, transport, name, code):
    with pytest.raises(RpcError) as refused:
        around(OLD, transport, options={"name": name})
    assert refused.value.code == code


def test_a_client_that_is_let_in_has_a_session(around, transport):
    c = around(OLD, transport)
    assert "echo" in c.names()


def test_a_reload_takes_the_middlewares_along(around):
    c = around(OLD, "http")
    slow = c.start_call("hurried")
    for generation in (2, 3, 4):
        replace(c, "around", generation)
        assert texts(c, "echo", word="hi") == ["hi", "inner", "outer"]
    assert slow.result()["isError"]
    c.host.remove_plugin("around")
    eventually(lambda: "echo" not in c.names(), "the plugin to go")


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_replacing_a_middleware_does_not_cancel_what_it_is_only_around(client, transport):
    c = client(OLD, transport, plugins=["guide_context_basic", "kit"],
               config={"loading": {"drain": "50ms"}})
    call = c.start_call("sleep", ms=1500)
    c.wait_in_flight(1)
    replace(c, "guide_context_basic", 2)
    c.host.wait_log("generation 1 of guide_context_basic stays loaded: kit/sleep still running")
    assert not call.result().get("isError"), call.result()
    c.host.wait_log("generation 1 of guide_context_basic has ended after all")
