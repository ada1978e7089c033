"""Starting a host, and seeing that it stopped as it should."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import pathlib

from .paths import GANTRY, PATIENCE, PLUGINS, TEST_PLUGINS, WRAP

# What a sanitizer or valgrind writes when it has found something.
FINDINGS = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|"
                      r"==\d+== (Invalid|Conditional|.*definitely lost))")


def eventually(condition, what, patience=PATIENCE):
    """Waits until condition() is true, and returns what it returned."""
    end = time.monotonic() + patience
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {patience} s in vain: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def plugin_file(name):
    """The built plugin of that name: a sample, or a test plugin ("kit" is e2e_kit.so)."""
    for path in (TEST_PLUGINS / f"e2e_{name}.so", PLUGINS / f"{name}.so",
                 TEST_PLUGINS / f"{name}.so"):
        if path.exists():
            return path
    raise AssertionError(f"there is no plugin {name} in {TEST_PLUGINS} or {PLUGINS}")


def put(source, target):
    """Puts a file into a drop folder in one step, as an installer should."""
    target = pathlib.Path(target)
    scratch = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, scratch)
    os.chmod(scratch, 0o755)
    os.replace(scratch, target)


class Host:
    """One running `gantry serve`.

    plugins   names, or {name in the folder: name of the built plugin}; copied into a drop folder
    config    a dict, written as the configuration file
    http      serve HTTP on this address (True: a free loopback port)
    stdio     serve standard input and output
    """

    def __init__(self, plugins=("kit",), config=None, http=None, stdio=False, args=(), env=None,
                 log_level="info", must_start=True, cwd=None, log_descriptor=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gantry-e2e-"))
        os.chmod(self.folder, 0o755)  # the host refuses folders that others may write
        self.drop = self.folder / "plugins"
        self.drop.mkdir(mode=0o755)
        names = plugins if isinstance(plugins, dict) else {name: name for name in plugins}
        for name, built in names.items():
            put(plugin_file(built), self.drop / f"{name}.so")
        self.config_file = self.folder / "gantry.yaml"
        self.ready_file = self.folder / "ready"
        self.log_file = self.folder / "log"
        self.expect_exit = 0
        self.expect_findings = False

        command = [*WRAP, str(GANTRY), "serve", "--plugins", str(self.drop),
                   "--ready-file", str(self.ready_file), "--log-level", log_level,
                   "--log-format", "json"]
        if config is not None:
            self.write_config(config)
            command += ["--config", str(self.config_file)]
        if http:
            command += ["--http", "127.0.0.1:0" if http is True else http]
        if stdio:
            command += ["--stdio"]
        command += map(str, args)
        self.command = command
        self.is_stdio, self.is_http = stdio, bool(http)
        self.log_handle = open(self.log_file, "wb")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE if stdio else subprocess.DEVNULL,
            stdout=subprocess.PIPE, cwd=cwd,
            stderr=self.log_handle if log_descriptor is None else log_descriptor,
            env={**os.environ, **(env or {})}, start_new_session=True)
        self.stdout_rest = b""
        if not stdio:  # nothing may ever come there; read it so that nothing blocks
            self.drain_thread = threading.Thread(target=self.drain, daemon=True)
            self.drain_thread.start()
        if must_start:
            eventually(lambda: self.ready_file.exists() or self.process.poll() is not None,
                       "the host to be ready")
            assert self.ready_file.exists(), f"the host did not start:\n{self.log()}"
        if http and must_start:
            self.url = self.ready_file.read_text().splitlines()[0]
            found = re.fullmatch(r"(https?)://(\[?[^/\]]+\]?):(\d+)(/.*)", self.url)
            assert found, f"no URL in the ready file: {self.url!r}"
            self.tls = found.group(1) == "https"
            self.address = (found.group(2).strip("[]"), int(found.group(3)))
            self.path = found.group(4)

    def drain(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.stdout_rest += data

    def write_config(self, config):
        scratch = self.config_file.with_suffix(".new")
        text = config if isinstance(config, str) else json.dumps(config, indent=1)
        scratch.write_text(text)  # JSON is YAML
        os.replace(scratch, self.config_file)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def log_lines(self):
        """The JSON lines of the log."""
        lines = []
        for line in self.log().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                pass
        return lines

    def wait_log(self, pattern, count=1):
        """Waits for that many log lines that match, and returns the first of them."""
        def look():
            found = [line for line in self.log().splitlines() if re.search(pattern, line)]
            return found if len(found) >= count else None
        return eventually(look, f"{count} log lines that match {pattern!r}")[0]

    def drop_plugin(self, name, built=None):
        put(plugin_file(built or name), self.drop / f"{name}.so")

    def remove_plugin(self, name):
        (self.drop / f"{name}.so").unlink()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(10)
            raise AssertionError(f"the host did not stop within {PATIENCE} s") from None

    def stop(self):
        """Stops the host (by the end of its input, else SIGTERM) and asserts that it ended well."""
        if self.process.poll() is None:
            if self.is_stdio:
                try:
                    self.process.stdin.close()
                except OSError:
                    pass
            if not self.is_stdio or self.is_http:  # one with listeners outlives its stdio client
                self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        finally:
            self.log_handle.close()
        if not self.is_stdio:
            self.drain_thread.join(5)
        said = self.log()
        if not self.expect_findings:
            found = FINDINGS.search(said)
            assert not found, f"a sanitizer found something: {found.group()}"
        assert status == self.expect_exit, f"the host ended with {status}"
        assert not self.stdout_rest, f"the host wrote to standard output: {self.stdout_rest[:300]}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def clean(self):
        shutil.rmtree(self.folder, ignore_errors=True)
