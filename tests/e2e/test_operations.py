"""What an operator does: start, stop, reload the configuration, read the log."""

import json
import os
import re
import signal
import subprocess

import pytest

from harness.client import RpcError, connect
from harness.host import Host, eventually
from harness.http import Closed
from harness.paths import GANTRY, PATIENCE, ROOT, WRAP

NEW, OLD = "2026-07-28", "2025-11-25"


def gantry(*args, **options):
    return subprocess.run([*WRAP, GANTRY, *map(str, args)], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL, **options)


# ---------------------------------------------------------------- the end

def test_the_end_of_input_drains_and_ends_the_host(client):
    c = client(OLD, "stdio")
    call = c.start_call("sleep", ms=1000)
    c.wait_in_flight(1)
    c.host.process.stdin.close()
    assert call.result()["content"][0]["text"] == "slept 1000"
    assert c.host.wait() == 0


def test_input_that_ends_inside_a_message_ends_the_host(client):
    c = client(OLD, "stdio")
    c.write(b'{"jsonrpc":"2.0","id":1,"method":"pi')
    c.host.process.stdin.close()
    assert c.host.wait() == 0


def test_output_that_nobody_reads_any_more_ends_the_host(host):
    one = host(stdio=True)
    one.process.stdout.close()
    one.process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n' * 10)
    one.process.stdin.flush()
    assert one.wait() == 0  # and not killed by SIGPIPE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_calls_finish(client, number):
    c = client(NEW, "http")
    calls = [c.start_call("sleep", ms=1500) for _ in range(10)]
    c.wait_in_flight(10)
    c.host.signal(number)
    for call in calls:
        assert call.result()["content"][0]["text"] == "slept 1500"
    assert c.host.wait() == 0


def test_calls_that_do_not_finish_are_cancelled_and_answered(client):
    c = client(OLD, "stdio", config={"server": {"drain": "200ms"}})
    call = c.start_call("sleep", ms=600000)
    c.wait_in_flight(1)
    c.host.signal(signal.SIGTERM)
    try:
        assert call.result()["isError"] is True
    except RpcError as e:
        assert e.code == -32603
    assert c.host.wait() == 0


def test_nothing_new_is_begun_while_draining(client):
    c = client(OLD, "stdio", config={"server": {"drain": "20s"}})
    call = c.start_call("sleep", ms=3000)
    c.wait_in_flight(1)
    c.host.signal(signal.SIGTERM)
    c.host.wait_log("(?i)drain|stop|shut")
    with pytest.raises((RpcError, Closed, BrokenPipeError)) as refused:
        c.call("echo", text="too late")
    if isinstance(refused.value, RpcError):
        assert refused.value.code == -32603
    assert call.result()["content"][0]["text"] == "slept 3000"
    assert c.host.wait() == 0


def test_a_second_signal_ends_it_at_once(client):
    c = client(OLD, "stdio", config={"server": {"drain": "10m"}})
    c.start_call("sleep", ms=600000)
    c.wait_in_flight(1)
    c.host.signal(signal.SIGTERM)
    c.host.wait_log("(?i)drain|stop|shut")
    c.host.signal(signal.SIGTERM)
    c.host.expect_exit = c.host.wait()
    c.host.expect_findings = True  # what it was busy with is not freed then


# ---------------------------------------------------------------- the configuration

def test_hangup_reads_the_configuration_again(client):
    c = client(NEW, "http", plugins=["kit", "many"],
               config={"plugins": [{"plugin": "many", "settings": {"tools": 3}}]})
    assert len([n for n in c.names() if n.startswith("many_")]) == 3
    c.host.write_config({"plugins": [{"plugin": "many", "settings": {"tools": 5}}],
                         "server": {"page_size": 2}})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: len([n for n in c.names() if n.startswith("many_")]) == 5, "five tools")
    assert c.pages > 5
    c.host.write_config({"plugins": [{"plugin": "many", "enabled": False}]})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: not [n for n in c.names() if n.startswith("many_")], "no tools")
    assert c.text("echo", text="after") == "after"


def test_a_configuration_that_is_wrong_changes_nothing(client):
    c = client(NEW, "http", plugins=["kit", "many"],
               config={"plugins": [{"plugin": "many", "settings": {"tools": 3}}]})
    for n, wrong in enumerate(("server: {page_size: lots}\n", "nonsense: [", "serve: {}\n"), 1):
        c.host.write_config(wrong)
        c.host.signal(signal.SIGHUP)
        c.host.wait_log(r"gantry\.yaml", n)  # two signals at a time may be one
    assert len([n for n in c.names() if n.startswith("many_")]) == 3


def test_hangup_without_a_configuration_is_harmless(client):
    c = client(OLD, "stdio")
    c.host.signal(signal.SIGHUP)
    assert c.text("echo", text="after") == "after"


def test_a_wrong_configuration_is_refused_at_the_start_with_all_that_is_wrong(host, tmp_path):
    text = "server:\n  nam: x\nlimits:\n  max_boddy: 1\nlog:\n  level: loud\n"
    one = host(config=text, http=True, must_start=False)
    assert one.wait() != 0
    one.expect_exit = one.process.returncode
    for line, word, hint in ((2, "nam", "name"), (4, "max_boddy", "max_body"), (6, "loud", None)):
        assert f"gantry.yaml:{line}" in one.log() and word in one.log()
        assert hint is None or hint in one.log()


def test_config_check_says_all_that_is_wrong(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("server:\n  nam: x\nlimits:\n  max_boddy: 1\nhttp:\n  listen: [\"nowhere\"]\n")
    found = gantry("config", "check", file)
    assert found.returncode == 1, found
    said = found.stdout + found.stderr
    assert "c.yaml:2" in said and "c.yaml:4" in said and "c.yaml:6" in said
    file.write_text("server:\n  name: x\n")
    assert gantry("config", "check", file).returncode == 0
    assert gantry("config", "check", tmp_path / "nothing.yaml").returncode not in (0, None)


def test_the_documented_configuration_is_right():
    assert gantry("config", "check", ROOT / "etc" / "gantry.yaml").returncode == 0


def test_variables_are_replaced_and_missing_ones_named(host):
    config = {"server": {"name": "${GANTRY_E2E_NAME}", "title": "${GANTRY_E2E_NOT:-a default}"}}
    one = host(config=config, stdio=True, env={"GANTRY_E2E_NAME": "from outside"})
    c = connect(one, OLD, "stdio")
    assert c.server["serverInfo"]["name"] == "from outside"
    assert c.server["serverInfo"]["title"] == "a default"
    two = host(config={"server": {"name": "${GANTRY_E2E_NOT}"}}, http=True, must_start=False)
    assert two.wait() != 0
    two.expect_exit = two.process.returncode
    assert "server.name" in two.log() and "GANTRY_E2E_NOT" in two.log()


def test_a_configuration_read_again_reaches_stdio(client):
    c = client(OLD, "stdio", config={"limits": {"max_line": "1MiB"}})
    c.host.write_config({"limits": {"max_line": "8KiB"}})
    c.host.signal(signal.SIGHUP)
    c.host.wait_log("config.*reloaded")
    assert c.text("echo", text="x" * 4000) == "x" * 4000
    c.write(b'{"jsonrpc":"2.0","id":77,"method":"ping","params":{"x":"' + b"x" * 9000 + b'"}}\n')
    assert "max_line" in c.raw.get(timeout=PATIENCE)["error"]["message"]


# ---------------------------------------------------------------- the log

def test_json_log_lines_are_json(client):
    c = client(OLD, "stdio")
    c.call("accident")
    c.call("log", text='quotes " and \\ and \n newline \x1b[31m red')
    c.host.wait_log("newline")
    for line in c.host.log().splitlines():
        if line.startswith("=="):
            continue  # a sanitizer's own remark
        entry = json.loads(line)
        assert entry["level"] and entry["time"] and isinstance(entry["message"], str), entry


def test_text_log_lines_have_no_control_characters(host):
    one = host(stdio=True, args=["--log-format", "text"], log_level="debug")
    c = connect(one, OLD, "stdio")
    c.call("log", text="before\x1b[31mred\rreturn\nnewline")
    one.wait_log("newline")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", one.log())
    assert not any(line.startswith("newline") for line in one.log().splitlines())


def test_a_log_that_nobody_reads_does_not_stop_the_host():
    """Standard error is a pipe that is full."""
    read, write = os.pipe()
    one = None
    try:
        one = HostWithLog(write)
        c = connect(one, OLD, "stdio")
        for _ in range(2000):
            c.call("log", text="x" * 200)
        assert c.text("echo", text="after") == "after"
        os.close(read)
        read = None
        assert c.text("echo", text="no reader") == "no reader"
        one.process.stdin.close()
        assert one.process.wait(PATIENCE) == 0
    finally:
        if one:
            one.kill()
            one.clean()
        os.close(write)
        if read is not None:
            os.close(read)


class HostWithLog(Host):
    """A host whose log goes to a file descriptor that the test owns."""

    def __init__(self, descriptor):
        super().__init__(stdio=True, log_level="debug", log_descriptor=descriptor)


# ---------------------------------------------------------------- plain usage

@pytest.mark.parametrize("args", [
    ["serve", "--nonsense"], ["nonsense"], ["serve", "--http"], ["serve", "--http", "nowhere"],
    ["serve", "--http", "127.0.0.1:99999"], ["serve", "--log-level", "loud"],
    ["serve", "--log-format", "xml"], ["call"], ["read"], ["new"], ["config"]])
def test_wrong_usage_is_exit_code_2_with_a_hint(args):
    found = gantry(*args)
    assert found.returncode == 2, found
    assert found.stderr and not found.stdout


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["help"], ["serve", "--help"],
                                  ["call", "--help"], ["version"], ["--version"]])
def test_help_and_version_go_to_standard_output(args):
    found = gantry(*args)
    assert found.returncode == 0 and found.stdout and not found.stderr, found


def test_a_folder_that_is_not_there_is_named(tmp_path):
    found = gantry("serve", "--plugins", tmp_path / "nothing", "--http", "127.0.0.1:0")
    assert found.returncode not in (0, None)
    assert "nothing" in found.stderr
