"""The command line as a person would use it, up to a plugin of their own."""

import json
import os
import re
import signal
import subprocess

import pytest

from harness.client import connect
from harness.host import eventually
from harness.paths import BUILD, GANTRY, PATIENCE, PLUGINS, SANITIZED, WRAP

NEW = "2026-07-28"


def gantry(*args, ok=(0,), **options):
    done = subprocess.run([*WRAP, GANTRY, *map(str, args)], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL, **options)
    assert ok is None or done.returncode in ok, done
    return done


# ---------------------------------------------------------------- the command line

def test_the_command_line_lists_calls_and_reads(host):
    one = host(http=True)
    for target in ([one.url], ["--", GANTRY, "serve", "--stdio", "--plugins", one.drop]):
        before, after = (target, []) if target[0] != "--" else ([], target)
        listed = gantry("list", *before, *after).stdout
        for word in ("echo", "types", "kit://text", "kit://item/{id}", "ask"):
            assert word in listed, listed
        said = gantry("call", *before, "echo", "text=hi there", *after).stdout
        assert said.strip() == "hi there"
        said = gantry("call", *before, "types", "text=a", "whole:=7", "words:=[\"x\"]",
                      "--output", "json", *after).stdout
        found = json.loads(said)
        found = found.get("result", found)
        assert found["structuredContent"]["whole"] == 7
        assert found["structuredContent"]["words"] == ["x"]
        said = gantry("call", *before, "echo", "--json", '{"text": "by json"}', *after).stdout
        assert said.strip() == "by json"
        assert gantry("read", *before, "kit://text", *after).stdout.strip() == "hello world"


def test_exit_codes(host):
    one = host(http=True)
    failed = gantry("call", one.url, "fail", "text=on purpose", ok=(1,))
    assert "on purpose" in failed.stdout + failed.stderr
    assert gantry("call", one.url, "echo", ok=(1,))       # a missing argument is a tool error
    gantry("call", one.url, "nothing", ok=(1, 4))
    gantry("call", one.url, ok=(2,))
    gantry("call", "http://127.0.0.1:1/mcp", "echo", "text=x", ok=(3,))
    gantry("list", "http://127.0.0.1:1/mcp", ok=(3,))
    gantry("list", "--", "/bin/false", ok=(3, 4))
    gantry("list", "--", "/nowhere/at/all", ok=(3,))


def test_check_prints_the_manifest_or_the_reason(tmp_path):
    said = gantry("check", PLUGINS / "hello.so").stdout
    assert "hello" in said and "greet" in said
    (tmp_path / "broken.so").write_bytes(b"no plugin at all")
    os.chmod(tmp_path / "broken.so", 0o644)
    refused = gantry("check", tmp_path / "broken.so", ok=(1,))
    assert "broken.so" in refused.stdout + refused.stderr


def test_version_names_program_interface_and_protocol():
    said = gantry("version").stdout
    assert re.search(r"gantry \d+\.\d+", said) and "2026-07-28" in said and "2024-11-05" in said


# ---------------------------------------------------------------- new and dev

@pytest.fixture
def sdk(tmp_path):
    """An installed SDK."""
    prefix = tmp_path / "sdk"
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                   stdout=subprocess.DEVNULL)
    return prefix


@pytest.mark.skipif(SANITIZED, reason="a plugin built without the sanitizer does not fit this host")
def test_a_new_plugin_builds_passes_its_test_and_serves(host, sdk, tmp_path):
    env = {**os.environ, "PATH": f"{sdk}/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": str(sdk),
           "PKG_CONFIG_PATH": ":".join(map(str, sdk.glob("lib/**/pkgconfig")))}
    gantry_installed = sdk / "bin" / "gantry"

    def run(*command, cwd):
        done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True,
                              timeout=PATIENCE * 4, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(gantry_installed, "new", "weather", cwd=tmp_path)
    folder = tmp_path / "weather"
    assert folder.is_dir()
    again = subprocess.run([gantry_installed, "new", "weather"], cwd=tmp_path, env=env,
                           capture_output=True, text=True)
    assert again.returncode != 0 and "weather" in again.stderr
    run("cmake", "-B", "build", cwd=folder)
    run("cmake", "--build", "build", cwd=folder)
    run("ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error", cwd=folder)
    built = next(folder.glob("build/**/weather.so"))
    assert "weather" in run(gantry_installed, "check", built, cwd=folder)
    one = host(plugins=[], stdio=True, args=["--plugin", built])
    assert connect(one, NEW, "stdio").names()


@pytest.mark.skipif(SANITIZED, reason="a plugin built without the sanitizer does not fit this host")
def test_dev_builds_watches_and_shows_errors(sdk, tmp_path):
    env = {**os.environ, "PATH": f"{sdk}/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": str(sdk)}
    gantry_installed = str(sdk / "bin" / "gantry")
    subprocess.run([gantry_installed, "new", "weather"], cwd=tmp_path, env=env, check=True,
                   stdout=subprocess.DEVNULL)
    folder, ready, log = tmp_path / "weather", tmp_path / "ready", tmp_path / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen([gantry_installed, "dev", str(folder), "--http", "127.0.0.1:0",
                                    "--ready-file", str(ready)], env=env, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, start_new_session=True)
    try:
        said = lambda: log.read_text(errors="replace")  # noqa: E731
        eventually(lambda: ready.exists() or process.poll() is not None, "the host")
        url = ready.read_text().splitlines()[0] if ready.exists() else ""
        assert url, said()
        listed = lambda: gantry("list", url, ok=None).stdout  # noqa: E731
        eventually(lambda: len(listed()) > 10, "a tool")
        source = folder / "weather.c"
        text = source.read_text()
        name = re.search(r"GANTRY_TOOL0?\((\w+)", text).group(1)
        # An error of the compiler is shown, and the old plugin goes on.
        source.write_text(text + "\nthis is no C;\n")
        eventually(lambda: "error" in said() and "weather.c" in said(), "the compiler's error")
        assert name in listed()
        # Put right, with another description.
        changed = re.sub(r'(GANTRY_TOOL0?\((?:[^"])*")', r"\1CHANGED ", text, count=1)
        assert changed != text
        source.write_text(changed)
        eventually(lambda: "CHANGED" in listed(), f"the change; the log is {said()}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(PATIENCE) == 0, log.read_text(errors="replace")
        finally:
            if process.poll() is None:
                process.kill()
