"""The sample plugins and the command line, as a person would use them."""

import json
import os
import re
import signal
import subprocess

import pytest

from harness.client import RpcError, connect
from harness.host import eventually
from harness.paths import BUILD, GANTRY, PATIENCE, PLUGINS, ROOT, SANITIZED, WRAP

NEW, OLD = "2026-07-28", "2025-11-25"


def gantry(*args, ok=(0,), **options):
    done = subprocess.run([*WRAP, GANTRY, *map(str, args)], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL, **options)
    assert ok is None or done.returncode in ok, done
    return done


# ---------------------------------------------------------------- hello

def test_hello_greets(client, revision, transport):
    c = client(revision, transport, plugins=["hello"])
    assert c.text("greet", name="World") == "Hello, World!"
    tool = {t["name"]: t for t in c.list("tools")}["greet"]
    times = tool["inputSchema"]["properties"]["times"]
    assert (times["minimum"], times["maximum"], times["default"]) == (1, 5, 1)
    assert tool["inputSchema"]["required"] == ["name"]
    result = c.call("greet", name="World", times=6)
    assert result["isError"] and "times" in result["content"][0]["text"]


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


# ---------------------------------------------------------------- files

@pytest.fixture
def files(client, tmp_path):
    """files(...) starts a host that serves tmp_path/root; beside it lies what nobody may see."""
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("alpha\nbeta\n")
    (root / "sub" / "b.txt").write_text("beta needle\n")
    (root / "sub" / "deep" / "c.bin").write_bytes(bytes(range(256)))
    (root / "ümlaut & space.txt").write_text("found")
    (tmp_path / "secret.txt").write_text("SECRET")
    (root / "link").symlink_to(tmp_path / "secret.txt")
    (root / "dirlink").symlink_to(tmp_path)
    (root / "inside").symlink_to("a.txt")

    def start(revision=OLD, transport="stdio", **settings):
        c = client(revision, transport, plugins=["files"], config={
            "plugins": [{"plugin": "files", "settings": {"roots": [str(root)], **settings}}]})
        c.root = root
        return c
    return start


def everything(result):
    return json.dumps(result)


def test_files_are_offered(files, revision, transport):
    c = files(revision, transport)
    names = set(c.names())
    assert len(names) >= 3, names
    assert c.request("resources/templates/list")["resourceTemplates"]


def test_nothing_outside_the_root_is_ever_seen(files):
    c = files()
    tools = {t["name"]: t for t in c.list("tools")}
    hostile = ["../secret.txt", "sub/../../secret.txt", "/etc/passwd", str(c.root.parent / "secret.txt"),
               "link", "dirlink/secret.txt", "..%2Fsecret.txt", "sub/%2e%2e/%2e%2e/secret.txt", "..",
               ".", "", "a.txt/../../secret.txt", "//etc/passwd", "\0", "a.txt\0", "~", "sub//..//..",
               "x" * 5000, "dirlink", "dirlink/../secret.txt"]
    tried = 0
    for name, tool in tools.items():
        properties = tool["inputSchema"]["properties"]
        if "path" not in properties:
            continue
        for path in hostile:
            arguments = {"path": path}
            for other in tool["inputSchema"].get("required", []):
                arguments.setdefault(other, "SEARCHED" if other != "path" else path)
            result = c.call(name, **arguments)
            assert "SECRET" not in everything(result) and "root:x:0" not in everything(result), \
                (name, path, result)
            tried += 1
    assert tried >= 2 * len(hostile)
    for template in c.request("resources/templates/list")["resourceTemplates"]:
        prefix = template["uriTemplate"].split("{")[0]
        for path in hostile:
            from urllib.parse import quote
            for uri in (prefix + path, prefix + quote(path), prefix + quote(path, safe="")):
                try:
                    result = c.request("resources/read", {"uri": uri})
                except RpcError as e:
                    result = e.message
                assert "SECRET" not in everything(result) and "root:x:0" not in everything(result)
    assert (c.root.parent / "secret.txt").read_text() == "SECRET"


def test_the_readme_of_each_sample_is_there():
    for name in ("hello", "files"):
        assert (ROOT / "plugins" / name / "README.md").is_file()
