"""The commands for those who write plugins and configurations: new, dev, check, config check."""

import json
import os
import re
import signal
import stat
import subprocess

import pytest

from harness.cli import gantry
from harness.host import eventually
from harness.paths import GANTRY, PATIENCE, PLUGINS, SANITIZED, TEST_PLUGINS, WRAP

# ---------------------------------------------------------------- version, check

def test_version_for_programs():
    found = json.loads(gantry("version", "--output", "json").stdout)
    assert gantry("version").stdout.startswith(f"gantry {found['version']}\n")
    assert found["protocol"][-1] == "2026-07-28" and len(found["abi"]) == 2


def test_check_names_the_compiler():
    said = gantry("check", PLUGINS / "hello.so").stdout
    assert re.search(r"built by (gcc|.*[Cc]lang) ?\d+\.\d+", said.splitlines()[0])


BAD = {
    "bad_undefined": "undefined symbol: nobody_has_this",
    "bad_major": "is built for ABI 2",
    "bad_plain": "is not a gantry plugin",
    "bad_duplicate": "tool twice is declared twice",
    "bad_start_fail": "start failed: the database is not there",
    "bad_start_exit": "ends the process in start: exit status",
    "bad_constructor_exit": "while being loaded",
    "bad_constructor_crash": "while being loaded",
    "bad_start_crash": " in start",
    "bad_stop_crash": " in stop",
}


@pytest.mark.parametrize("name", BAD)
def test_check_says_why_a_plugin_is_refused(name):
    done = gantry("check", TEST_PLUGINS / f"{name}.so", ok=(1,))
    assert BAD[name] in done.stderr and f"{name}.so: " in done.stderr
    found = json.loads(gantry("check", "-o", "json", TEST_PLUGINS / f"{name}.so", ok=(1,)).stdout)
    assert BAD[name] in found["error"] and found["path"].endswith(f"{name}.so")


def test_check_tells_what_stands_around_calls():
    said = gantry("check", TEST_PLUGINS / "e2e_around.so").stdout
    assert "\n  outer, priority 10: around tools/call of what is tagged wrapped, other\n" in said
    assert "\n  trace, priority -100: around messages\n" in said
    found = json.loads(gantry("check", "-o", "json", TEST_PLUGINS / "e2e_around.so").stdout)
    assert found["middleware"][0] == {"name": "trace", "priority": -100, "around": ["messages"]}


def test_check_gives_up_a_plugin_that_never_answers():
    done = gantry("check", "--timeout", "2s", TEST_PLUGINS / "bad_start_loop.so", ok=(1,))
    assert "endless loop" in done.stderr


def test_check_tells_what_is_left_out_and_which_settings_there_are():
    assert "not loaded: tool bold: " in gantry("check", TEST_PLUGINS / "bad_bigger.so").stdout
    done = gantry("check", PLUGINS / "files.so", ok=(1,))
    assert "  roots: array, required" in done.stdout and "--settings" in done.stderr
    assert "--settings" in gantry("check", "--settings", "{", PLUGINS / "hello.so", ok=(1, 2)).stderr


# ---------------------------------------------------------------- config check

def test_config_check_tells_all_problems_with_their_lines(tmp_path):
    file = tmp_path / "gantry.yaml"
    file.write_text("http:\n  listn: 1\nlog:\n  level: loud\nplugins:\n  - plugn: x\n"
                    "auth:\n  tokens: ${GANTRY_NOT_SET}\n")
    said = gantry("config", "check", file, ok=(1,)).stdout.splitlines()
    lines = {int(re.match(rf"{re.escape(str(file))}:(\d+): ", line).group(1)): line for line in said}
    assert {2, 4, 6, 8} <= set(lines), said
    assert "did you mean listen?" in lines[2] and "loud" in lines[4]
    assert "did you mean plugin?" in "".join(said) and "GANTRY_NOT_SET" in lines[8]
    assert "nowhere.yaml" in gantry("config", "check", "nowhere.yaml", ok=(1,)).stdout


def test_config_check_is_content_with_what_is_right(tmp_path):
    file = tmp_path / "gantry.yaml"
    file.write_text("log: {level: info}\n")
    assert gantry("config", "check", file).stdout == f"{file}: fine\n"
    file.write_text("http: {listen: ['0.0.0.0:8080']}\n")
    assert "http.listen" in gantry("config", "check", file, ok=(1,)).stdout
    gantry("config", "check", "--insecure", file)


# ---------------------------------------------------------------- new

@pytest.mark.parametrize("name", ["", "9lives", "../up", "a/b", "with blank", "all", "test", "-x", "ä",
                                  "x" * 65, "rebuild_cache"])
def test_names_that_no_plugin_can_have_are_refused(tmp_path, name):
    done = gantry("new", name, cwd=tmp_path, ok=(2,))
    assert done.stderr and not done.stdout and not list(tmp_path.iterdir())


def test_new_makes_a_folder_and_never_touches_one(tmp_path):
    gantry("new", "my-weather", cwd=tmp_path)
    folder = tmp_path / "my-weather"
    assert {"CMakeLists.txt", "my-weather.c", "README.md"} <= {f.name for f in folder.iterdir()}
    assert all("@NAME@" not in f.read_text() for f in folder.iterdir())
    (folder / "my-weather.c").write_text("mine")
    done = gantry("new", "my-weather", cwd=tmp_path, ok=(1,))
    assert "exists" in done.stderr and (folder / "my-weather.c").read_text() == "mine"


# ---------------------------------------------------------------- dev

PLUGIN = """#include <gantry.h>
GANTRY_TOOL0(wave, "Waves a hand")
{
    return gantry_text(call, "bye");
}
GANTRY_PLUGIN("waver", "1.0.0", .tools = GANTRY_TOOLS(&wave_tool));
"""


@pytest.fixture
def dev(tmp_path):
    """dev(target): starts `gantry dev`; its URL and a function that reads what it said."""
    started = []

    def start(target, **env):
        ready, log = tmp_path / "ready", tmp_path / "log"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [*WRAP, GANTRY, "dev", target, "--http", "127.0.0.1:0", "--ready-file", ready],
                env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        started.append(process)
        said = lambda: log.read_text(errors="replace")  # noqa: E731
        eventually(lambda: ready.exists() or process.poll() is not None, "the host")
        assert ready.exists(), said()
        return ready.read_text().splitlines()[0], said
    yield start
    for process in started:
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(PATIENCE) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def compiler():
    """What builds a plugin that fits the host under test."""
    return "cc -fsanitize=address,undefined" if SANITIZED else "cc"


def test_dev_serves_a_single_file_once_it_compiles(dev, tmp_path):
    folder = tmp_path / "waver"
    folder.mkdir()
    source = folder / "waver.c"
    source.write_text(PLUGIN.replace("return gantry", "retrun gantry"))
    url, said = dev(folder, CC=compiler())
    assert "waver.c:4" in said() and "error" in said() and "the build failed" in said()
    assert gantry("list", url).stdout == ""
    source.write_text(PLUGIN)
    eventually(lambda: "wave()" in gantry("list", url).stdout, f"the tool; {said()}")
    assert gantry("call", url, "wave").stdout == "bye\n"
    # A mistake later leaves the plugin in service.
    source.write_text(PLUGIN + "#error mine\n")
    eventually(lambda: "#error mine" in said(), "the compiler's message")
    assert gantry("call", url, "wave").stdout == "bye\n"
    assert not stat.S_IMODE((folder / "build").stat().st_mode) & stat.S_IWOTH


def test_dev_keeps_what_a_failing_link_deletes(dev, tmp_path):
    """Linkers and make delete what they could not make; the host would take it for removed."""
    gantry("new", "waver", cwd=tmp_path)
    source, built = tmp_path / "waver" / "waver.c", tmp_path / "waver" / "build" / "waver.so"
    source.write_text(PLUGIN)
    url, said = dev(tmp_path / "waver", CC=compiler())
    eventually(lambda: "wave()" in gantry("list", url).stdout, f"the tool; {said()}")
    before = built.stat().st_ino
    source.write_text("int nowhere(void);\n" +
                      PLUGIN.replace("return", "if (nowhere()) return GANTRY_EIO; return"))
    eventually(lambda: "the build failed; what is loaded goes on" in said(), f"it fails; {said()}")
    assert built.stat().st_ino == before
    assert gantry("call", url, "wave").stdout == "bye\n"
    source.write_text(PLUGIN.replace("bye", "hello"))
    eventually(lambda: gantry("call", url, "wave").stdout == "hello\n", f"the new one; {said()}")
    assert "is gone" not in said()
    assert [path.name for path in built.parent.iterdir() if path.name.endswith(".kept")] == []


def test_dev_takes_the_file_itself(dev, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one.c").write_text(PLUGIN)
    (tmp_path / "src" / "two.c").write_text("not looked at")
    url, said = dev(tmp_path / "src" / "one.c", CC=compiler())
    eventually(lambda: "wave()" in gantry("list", url).stdout, f"the tool; {said()}")


def test_dev_says_when_there_is_nothing_to_build(tmp_path):
    assert "nothing to build" in gantry("dev", tmp_path, ok=(2,)).stderr
    (tmp_path / "a.c").write_text("")
    (tmp_path / "b.c").write_text("")
    assert "more than one .c file" in gantry("dev", tmp_path, ok=(2,)).stderr
    assert "nowhere" in gantry("dev", tmp_path / "nowhere", ok=(2,)).stderr
