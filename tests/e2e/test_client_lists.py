"""Lists, caching and mirrored arguments of the client library, against gantry."""

import contextlib
import json
import shutil

import pytest

from harness.host import plugin_file
from harness.probe import Probe

NEW, OLD = "2026-07-28", "2025-11-25"
revisions = pytest.mark.parametrize("revision", [NEW, OLD])


@pytest.fixture
def served(host):
    """served(revision, config={}, **options): a probe with a client of a host of the kit plugin."""
    with contextlib.ExitStack() as stack:
        def start(revision, server=None, **options):
            probe = stack.enter_context(Probe())
            probe.host = host(http=True, config={"server": server or {}})
            probe.open(url=probe.host.url, revision=revision, messages=True, **options)
            return probe
        yield start


def sent(probe, method):
    """How often a method has been sent so far."""
    return sum(json.loads(e["json"]).get("method") == method for e in probe.all("out"))


@revisions
def test_pages_are_joined(served, revision):
    probe = served(revision, {"page_size": 2})
    whole = served(revision)
    for kind, name in (("tools", "tools"), ("resources", "resources"), ("prompts", "prompts"),
                       ("templates", "resourceTemplates")):
        one, many = (p.do("list", kind=kind) for p in (whole, probe))
        assert one["status"] == many["status"] == "ok", (one, many)
        assert one["result"][name] == many["result"][name] and one["result"][name]
        assert "nextCursor" not in many["result"]
    assert sent(probe, "tools/list") > 5 and sent(whole, "tools/list") == 1
    probe.close()
    whole.close()


@revisions
def test_no_more_pages_than_allowed(served, revision):
    probe = served(revision, {"page_size": 1}, max_pages=3)
    done = probe.do("list", kind="tools")
    assert done["status"] == "limit" and "3 pages" in done["message"], done
    assert sent(probe, "tools/list") == 3
    probe.close()


def test_a_list_is_kept_until_it_changes(served):
    probe = served(NEW, {"list_ttl": "1h"})
    # Once this has been agreed to, it hears of every change, of lists too.
    assert probe.do("subscribe", uri="kit://text")["status"] == "ok"
    first = probe.do("list", kind="tools")["result"]
    assert probe.do("list", kind="tools")["result"] == first and first["ttlMs"] > 0
    assert sent(probe, "tools/list") == 1
    assert probe.do("list", kind="tools", skips_cache=True)["result"] == first
    assert sent(probe, "tools/list") == 2
    shutil.copy(plugin_file("subs1"), probe.host.drop / ".subs1.new")
    (probe.host.drop / ".subs1.new").rename(probe.host.drop / "subs1.so")
    probe.event("changed", kind="tools")
    names = [tool["name"] for tool in probe.do("list", kind="tools")["result"]["tools"]]
    assert "touch" in names and sent(probe, "tools/list") == 3
    probe.close()


@pytest.mark.parametrize("listed", [True, False])
def test_arguments_are_mirrored_in_headers(served, listed):
    probe = served(NEW)
    if listed:
        assert probe.do("list", kind="tools")["status"] == "ok"
    for region in ("us-west1", "Hällo, 世界", " padded ", "line1\nline2", "=?base64?eA==?=", "\t", ""):
        done = probe.do("call", name="region", arguments={"region": region, "query": "q"})
        assert done["status"] == "ok" and done["text"].startswith(region), (region, done)
    assert probe.do("call", name="region", arguments={"region": None})["status"] != "protocol"
    assert probe.do("call", name="region", arguments={})["text"] == "- -"
    assert sent(probe, "tools/list") == 1
    probe.close()


def test_an_argument_that_no_tool_has_is_no_reason_to_try_again(served):
    probe = served(NEW)
    done = probe.do("call", name="no-such-tool", arguments={"region": "x"})
    assert done["status"] == "error", done
    assert sent(probe, "tools/call") == 1 and sent(probe, "tools/list") == 0
    probe.close()
