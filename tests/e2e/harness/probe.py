"""The client library, driven: the program client-probe (client/probe.c) and what it tells."""

import itertools
import json
import os
import queue
import subprocess
import tempfile
import threading

from .host import FINDINGS, eventually
from .paths import BUILD, PATIENCE, WRAP

PROBE = BUILD / "tests" / "bin" / "client-probe"


def processes():
    """All there are: {pid: (name, state, parent, group)}."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                head, _, rest = file.read().decode(errors="replace").rpartition(")")
        except OSError:
            continue  # it has ended meanwhile
        state, parent, group = rest.split()[:3]
        found[int(name)] = (head.partition("(")[2], state, int(parent), int(group))
    return found


class Probe:
    """One running client-probe, with at most one client at a time.

        with Probe() as probe:
            probe.open(command=["server"])
            assert probe.do("call", name="greet")["status"] == "ok"
            probe.close()

    Events that are looked for are taken out; the others stay, in their order, for who looks later.
    """

    def __init__(self, env=None, cwd=None):
        self.events = []
        self.arriving = queue.Queue()
        self.tags = itertools.count(1)
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*WRAP, str(PROBE)], stdin=subprocess.PIPE, cwd=cwd,
                                        stdout=subprocess.PIPE, stderr=self.errors,
                                        env={**os.environ, **(env or {})})
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.arriving.put(json.loads(line))
        self.arriving.put(None)

    @property
    def pid(self):
        return self.process.pid

    def send(self, what, **members):
        self.process.stdin.write(json.dumps({"do": what, **members}).encode() + b"\n")
        self.process.stdin.flush()

    def event(self, name, **members):
        """The first event of that name with these members, of those that came and will come."""
        def fits(event):
            return event["event"] == name and all(event.get(k) == v for k, v in members.items())

        at = 0
        while True:
            for at in range(at, len(self.events)):
                if fits(self.events[at]):
                    return self.events.pop(at)
            at = len(self.events)
            try:
                event = self.arriving.get(timeout=PATIENCE)
            except queue.Empty:
                event = None
            assert event, f"no event {name} {members}, but {self.events}; {self.said()}"
            self.events.append(event)

    def all(self, name):
        """The events of that name that have come and were not looked for, in their order."""
        while not self.arriving.empty():
            event = self.arriving.get()
            if event:
                self.events.append(event)
        return [event for event in self.events if event["event"] == name]

    def open(self, **options):
        self.send("open", **options)
        self.event("open")

    def begin(self, what, **members):
        """A request; the tag by which its outcome is told."""
        tag = next(self.tags)
        self.send(what, tag=tag, **members)
        return tag

    def outcome(self, tag):
        return self.event("done", tag=tag)

    def do(self, what, **members):
        """A request, and its outcome."""
        return self.outcome(self.begin(what, **members))

    def close(self):
        self.send("close")
        return self.event("closed")

    def descriptors(self):
        """What the probe has open: {number: what it is}."""
        folder = f"/proc/{self.pid}/fd"
        return {int(fd): os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}

    def children(self):
        """Its children, dead ones that were not reaped included: {pid: (name, state)}."""
        return {pid: (name, state) for pid, (name, state, parent, _) in processes().items()
                if parent == self.pid}

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.process.stdin.close()
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            self.process.stdout.close()
            said = self.said()
            self.errors.close()
        if kind is None:
            assert code == 0 and not FINDINGS.search(said), (code, said)
        elif said:
            print(said)


__all__ = ["Probe", "eventually", "processes"]
