"""What JSON and JSON Schema cost, alone (bench.py prints it as the parts schema, compile, message).

gantry's side is schema.c, the other is ajv.mjs: the same files, the same rounds, in turn. Figures are
printed and not judged; only a wrong answer (right arguments refused, wrong ones not) ends the run.
"""

import json
import pathlib
import statistics
import subprocess
import tempfile

import callgrind

SCHEMAS = pathlib.Path(__file__).resolve().parent / "schemas"
TYPICAL = "five_arguments"  # the one whose instructions have a limit
LIMIT = 3000
TOOLS = 1000


class Programs:
    """The two programs that measure; both print one JSON object."""

    def __init__(self, schema, node, modules):
        self.ours = [str(schema)]
        self.theirs = [str(node), str(SCHEMAS.parent / "ajv.mjs"), str(modules)]
        self.version = json.loads((modules / "node_modules/ajv/package.json").read_text())["version"]

    def run(self, program, *arguments):
        done = subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, arguments))}: {done.stderr[-800:]}")
        return json.loads(done.stdout)

    def in_turn(self, turns, *arguments):
        """Both with the same arguments, one after the other: the median of each figure."""
        found = [[self.run(p, *arguments) for p in (self.ours, self.theirs)] for _ in range(turns)]
        sides = [{key: statistics.median(turn[side][key] for turn in found) for key in found[0][side]}
                 for side in (0, 1)]
        assert sides[0]["bytes"] == sides[1]["bytes"], "they did not read the same"
        return sides

    def instructions(self, mode, few, many, *files):
        """For one operation of ours: a long run less a short one. few and many: (rounds, files)."""
        found = []
        for rounds, more in (few, many):
            said, count = callgrind.run([*self.ours, mode, str(rounds), *map(str, [*files, *more])])
            found.append((json.loads(said)["operations"], count))
        (operations, count), (later, total) = found
        return (total - count) / (later - operations)


def line(what, *cells):
    print(f"  {what:<58}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, (14, 14, 9))),
          flush=True)


def pair(what, ours, theirs, show="{:,.0f}"):
    line(what, show.format(ours), show.format(theirs), f"{ours / theirs:.2f}")


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def unpack(folder):
    """The files that both programs read: NAME to its schema, right and wrong arguments."""
    files = {}
    for path in sorted(SCHEMAS.glob("*.json")):
        case = json.loads(path.read_text())
        files[path.stem] = [folder / f"{path.stem}.{key}"
                            for key in ("schema", "arguments", "refused")]
        for file in files[path.stem]:
            file.write_text(compact(case[file.suffix[1:]]))
    return files


def schemas(programs, quick):
    rounds, turns = (5000, 3) if quick else (20000, 5)
    line(f"ajv {programs.version} on Node", "gantry", "ajv", "ratio")
    with tempfile.TemporaryDirectory() as name:
        files = unpack(pathlib.Path(name))
        tools = [tool for tool in files if tool != TYPICAL]
        for mode, what in (("validate", "validate"), ("both", "parse and validate")):
            for tool in [*tools, TYPICAL]:
                ours, theirs = programs.in_turn(turns, mode, rounds, *files[tool])
                pair(f"{what}, ns: {tool} ({ours['bytes']:.0f} bytes)", ours["ns"], theirs["ns"])
        line("instructions of gantry", "validate", "with parsing", "")
        for tool in [*tools, TYPICAL]:
            counts = [programs.instructions(mode, (10, []), (110, []), *files[tool])
                      for mode in ("validate", "both")]
            limit = f"  (limit of validate: {LIMIT:,})" if tool == TYPICAL else ""
            line(f"  {tool}", *[f"{count:,.0f}" for count in counts], limit)


def tools_file(path, count):
    """One schema a line: those of SCHEMAS in turn, each under a title of its own."""
    cases = [(p.stem, json.loads(p.read_text())["schema"]) for p in sorted(SCHEMAS.glob("*.json"))
             if p.stem != TYPICAL]
    texts = []
    for number in range(count):
        tool, schema = cases[number % len(cases)]
        texts.append(compact({**schema, "title": f"{tool}_{number}"}) + "\n")
    path.write_text("".join(texts))
    return path


def compiling(programs, quick):
    line(f"ajv {programs.version} on Node", "gantry", "ajv", "ratio")
    with tempfile.TemporaryDirectory() as name:
        few, many = (tools_file(pathlib.Path(name) / f"{count}", count) for count in (TOOLS // 10, TOOLS))
        ours, theirs = programs.in_turn(1 if quick else 3, "compile", 1, many)
        pair(f"input schemas of {TOOLS:,} tools, ms", ours["ns"] * TOOLS / 1e6,
             theirs["ns"] * TOOLS / 1e6, "{:,.1f}")
        pair("  one of them, microseconds", ours["ns"] / 1e3, theirs["ns"] / 1e3, "{:,.1f}")
        pair(f"  memory for one, KB (text: {ours['bytes'] / TOOLS / 1e3:.1f})",
             ours["resident"] / 1e3, theirs["resident"] / 1e3, "{:,.1f}")
        line("  instructions for one",
             f"{programs.instructions('compile', (1, [few]), (1, [many])):,.0f}")


def messages(programs, quick, message):
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "message"
        path.write_text(compact(message))
        line(f"a message of {path.stat().st_size} bytes", "instructions", "ns")
        for mode, what in (("read", "gantry reads it"), ("copy", "gantry reads and writes it"),
                           ("jansson", "jansson reads and writes it")):
            count = programs.instructions(mode, (10, [path]), (110, [path]))
            ns = programs.run(programs.ours, mode, 2000 if quick else 20000, path)["ns"]
            line(f"  {what}", f"{count:,.0f}", f"{ns:,.0f}")
