"""The client library and programs that fail it."""
from harness.paths import GANTRY, PLUGINS
from harness.probe import Probe


def test_a_tool_of_a_program_is_called():
    with Probe() as probe:
        probe.open(command=[str(GANTRY), "serve", "--stdio", "--plugins", str(PLUGINS / "hello")])
        assert probe.do("list", kind="tools")["status"] == "ok"
        probe.close()
