"""The command line with servers of others, as a person would use it."""

import json
import signal
import subprocess

import pytest

from harness.cli import gantry
from harness.paths import GANTRY, PATIENCE, WRAP

pytestmark = pytest.mark.clients

GO, FASTMCP, EVERYTHING = ([(kind, way) for way in ways] for kind, ways in (
    ("go", ("stdio", "http", "stateless", "sse")), ("fastmcp", ("stdio", "http", "sse")),
    ("everything", ("stdio", "http", "sse"))))
ALIKE = [*GO, *FASTMCP]


def of(rows):
    return pytest.mark.parametrize("server", rows, indirect=True, ids="-".join)


@pytest.fixture
def server(request, shared):
    """server(COMMAND, ARGUMENT...): what `gantry COMMAND` prints of that server."""
    kind, way = request.param
    target = shared(kind, way)

    def run(command, *args, ok=(0,), **options):
        if "url" in target:
            return gantry(command, target["url"], *args, ok=ok, **options)
        return gantry(command, *args, "--", *target["command"], ok=ok, **options)

    run.target = target
    run.told = lambda *args, **options: [json.loads(line) for line in run(
        *args, "-o", "jsonl", **options).stdout.splitlines()]
    return run


@of([*ALIKE, *EVERYTHING])
def test_a_server_answers_a_ping(server):
    assert server("ping", "--count", "2").stdout


@of(ALIKE)
def test_lists(server):
    shown = server("list").stdout
    for name in ("greet", "weather", "doc://about", "doc://page/{n}", "greeting"):
        assert name in shown, shown
    listed = json.loads(server("list", "-o", "json").stdout)
    assert {"greet", "weather"} <= {tool["name"] for tool in listed["tools"]}


@of(ALIKE)
def test_calls(server):
    assert server("call", "greet", "name=Ada").stdout == "Hello, Ada!\n"
    assert json.loads(server("call", "weather", "-o", "json").stdout)["content"]
    failed = server("call", "fail", ok=(1,))
    assert "on purpose" in failed.stderr and not failed.stdout
    assert "counted to 3" in server("call", "count", "steps=3").stdout
    told = server.told("call", "count", "steps=3")
    assert [e.get("progress") for e in told[:-1] if e.get("event") == "progress"] == [1, 2, 3], told


@of(ALIKE)
def test_pictures_are_saved(server, tmp_path):
    server("call", "picture", "--save", tmp_path)
    (saved,) = tmp_path.iterdir()
    assert saved.suffix == ".png" and saved.read_bytes().startswith(b"\x89PNG")


@of(ALIKE)
def test_resources_and_prompts(server):
    assert server("read", "doc://about").stdout.rstrip("\n") == "doc://about"
    assert server("read", "doc://page/7").stdout.rstrip("\n") == "doc://page/7"
    assert "Greet Ada" in server("prompt", "greeting", "name=Ada").stdout


@of(GO)
def test_questions_and_completion(server):
    assert server("call", "ask", "--elicit", '{"name": "Ada"}').stdout == "accept Ada\n"
    assert server("call", "ask", "--elicit", "decline").stdout.startswith("decline")
    done = server("call", "sample", "--sampling-command", "cat > /dev/null; echo said", "--sampling",
                  "always")
    assert done.stdout.rstrip().endswith("said")
    assert server("complete", "greeting", "name=A").stdout.split() == ["Ada", "Alan"]


@of(GO)
def test_log_messages_are_shown(server):
    done = server("call", "log", "--log", "debug")
    assert done.stdout == "logged\n" and "hear hear" in done.stderr


@of(GO[1:])
def test_changes_are_watched(server):
    with subprocess.Popen([*WRAP, GANTRY, "watch", server.target["url"], "doc://about", "-o", "jsonl"],
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as watch:
        try:
            assert json.loads(watch.stdout.readline())["event"] == "ready"
            for _ in range(2):
                server("call", "touch", "uri=doc://about")
                assert json.loads(watch.stdout.readline()) == {"event": "changed", "uri": "doc://about"}
            watch.send_signal(signal.SIGINT)
            assert watch.wait(PATIENCE) == -signal.SIGINT
        finally:
            watch.kill()


@of(EVERYTHING)
def test_everything(server, tmp_path):
    assert "trigger-long-running-operation" in server("list").stdout
    assert server("call", "echo", "message=h\u00e4llo").stdout == "Echo: h\u00e4llo\n"
    assert "is 3.5." in server("call", "get-sum", "a=1", "b=2.5").stdout
    server("call", "get-tiny-image", "--save", tmp_path)
    (saved,) = tmp_path.iterdir()
    assert saved.read_bytes().startswith(b"\x89PNG")
    assert "Everything Server" in server("read", "demo://resource/static/document/features.md").stdout
    assert "Paris" in server("prompt", "args-prompt", "city=Paris").stdout
    assert "Engineering" in server("complete", "completable-prompt", "department=E").stdout
    done = server("call", "trigger-elicitation-request", "--elicit", '{"name": "Ada"}')
    assert "- Name: Ada" in done.stdout
    done = server("call", "trigger-sampling-request", "prompt=what?", "--sampling-command",
                  "cat > /dev/null; echo said", "--sampling", "always")
    assert "said" in done.stdout
    done = server("call", "get-roots-list", "--root", tmp_path)
    assert f"file://{tmp_path}" in done.stdout
    assert "tea" in server("call", "simulate-research-query", "topic=tea", "--task").stdout
    structured = json.loads(server("call", "get-structured-content", "location=New York", "-o",
                                   "json").stdout)
    assert set(structured["structuredContent"]) == {"temperature", "conditions", "humidity"}
