"""Servers of others, for gantry's client: made with the official SDKs, with FastMCP, and the official
everything server. Each has one of everything that its maker's kit offers."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from .host import eventually
from .paths import BUILD, NODE, ROOT, TOOLS

PYTHON = str(TOOLS / "venv" / "bin" / "python")
NODE_PROGRAM = str(TOOLS / "venv" / "bin" / "node")
FASTMCP = [PYTHON, str(ROOT / "tests" / "e2e" / "python" / "fastmcp_server.py")]


def everything():
    script = NODE / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
    if not script.exists():
        pytest.fail("the everything server is not installed: tools/setup --test")
    return [NODE_PROGRAM, str(script)]


def typescript():
    shutil.copy(ROOT / "tests" / "e2e" / "node" / "typescript_server.mjs", NODE)
    return [NODE_PROGRAM, str(NODE / "typescript_server.mjs")]


def go():
    """The program of tests/e2e/go, built once for a build of gantry."""
    compiler = shutil.which("go")
    if not compiler:
        pytest.skip("Go is not installed")
    to, source = BUILD / "tests" / "bin" / "go-server", ROOT / "tests" / "e2e" / "go"
    if to.exists() and all(to.stat().st_mtime > f.stat().st_mtime for f in source.iterdir()):
        return [str(to)]
    to.parent.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run([compiler, "mod", "download"], cwd=source, capture_output=True, text=True)
    if fetched.returncode:
        pytest.skip(f"the modules of the Go SDK cannot be fetched: {fetched.stderr.strip()[-300:]}")
    with tempfile.TemporaryDirectory(dir=to.parent) as scratch:  # others may build it, too
        made = subprocess.run([compiler, "build", "-o", f"{scratch}/server", "."], cwd=source,
                              capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        os.replace(f"{scratch}/server", to)
    return [str(to)]


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def listening(command_of, path):
    """A program that listens on the port that command_of(port) gives it, with which environment;
    yields its URL. The port may be taken by somebody else meanwhile: then another."""
    with tempfile.TemporaryFile() as said:
        for _ in range(5):
            port = free_port()
            command, env = command_of(port)
            # In a group of its own: the program node of the virtual environment starts another.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                       env={**os.environ, **env}, start_new_session=True)
            try:
                eventually(lambda: process.poll() is not None or is_open(port), "it to listen")
                if process.poll() is None:
                    yield f"http://127.0.0.1:{port}{path}"
                    return
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        raise AssertionError(said.read().decode(errors="replace"))


@contextlib.contextmanager
def saying(command):
    """A program that says its URL in the first line of its standard error."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process.stderr.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@contextlib.contextmanager
def serving(kind, way):
    """kind: everything, fastmcp, go, typescript; way: stdio, http, sse, and of Go stateless. Yields
    {"command": [...]} or {"url": "..."}."""
    if kind == "go":
        command = [*go(), way]
        manager = saying(command)
    elif kind == "fastmcp":
        command = [*FASTMCP, way]
        manager = listening(lambda port: ([*command, str(port)], {}),
                            "/sse" if way == "sse" else "/mcp")
    elif kind == "everything":
        command = [*everything(), "streamableHttp" if way == "http" else way]
        manager = listening(lambda port: (command, {"PORT": str(port)}),
                            "/sse" if way == "sse" else "/mcp")
    else:
        command = [*typescript(), f"--{way}"]
        manager = listening(lambda port: ([*command, str(port)], {}), "/mcp")
    if way == "stdio":
        yield {"command": command}
        return
    with manager as url:
        yield {"url": url}


class Shared:
    """Servers that are started once and serve several tests, since some take seconds to start."""

    def __init__(self):
        self.stack, self.targets = contextlib.ExitStack(), {}

    def __call__(self, kind, way):
        if (kind, way) not in self.targets:
            self.targets[kind, way] = self.stack.enter_context(serving(kind, way))
        return self.targets[kind, way]
