#!/usr/bin/env python3
"""layout.py - the ABI as a table, so that no change of it goes unnoticed.

    layout.py                     compares sdk/gantry.h with tests/abi/abi-MAJOR.MINOR.txt, and sees
                                  that nothing of the earlier tables beside it is broken
    layout.py --update            writes that file anew: a deliberate change does it in its commit
    layout.py --cc clang-14       with another compiler (default: cc)
    layout.py --header FILE       another header; --table FILE another table

The table has every struct with its size and the offset, size and type of every member; every
constant with its value; every function with its parameters; every macro with its. Offsets, sizes and
values are what the compiler says.

Each difference is one line: "broken" is what plugins that are compiled already would trip over (a
member that moved, went or has another type, another value), "source" what only those that are
compiled anew would, "growth" what the rules of the header allow: members at the end of a struct that
tells its size, new structs, constants, functions. All of them fail, so that none is an accident.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Rows of tables: whoever hands them over tells their stride, hence they may grow.
STRIDES = {"gantry_arg", "gantry_change", "gantry_rename", "gantry_skill_file"}


# ---------------------------------------------------------------- reading the header


def plain(text):
    """Without comments, and with continued lines joined."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return text.replace("\\\n", " ")


def squeeze(text):
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ?([(),*]) ?", r"\1", text).replace("*", " *").replace(",", ", ").replace(
        "( *", "(*").replace("* *", "**").strip()


def statements(body):
    """Declarations between braces, each without its semicolon; what is nested stays in one."""
    found, depth, start = [], 0, 0
    for i, c in enumerate(body):
        depth += (c in "{(") - (c in "})")
        if c == ";" and depth == 0:
            found.append(body[start:i].strip())
            start = i + 1
    return [s for s in found if s]


def split_commas(text):
    found, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "{(") - (c in "})")
        if c == "," and depth == 0:
            found.append(text[start:i])
            start = i + 1
    return found + [text[start:]]


def members(body, prefix=""):
    """(path, type) of every member, those of anonymous structs inside as outer.inner."""
    found = []
    for s in statements(body):
        inner = re.fullmatch(r"(struct|union) \{(.*)\} (\w+)", s, re.S)
        if inner:
            found += members(inner.group(2), prefix + inner.group(3) + ".")
            continue
        function = re.fullmatch(r"(.*?)\(\*(\w+)\)(\(.*\))", s, re.S)
        if function:
            kind = squeeze(function.group(1)) + " (*)" + squeeze(function.group(3))
            found.append((prefix + function.group(2), kind))
            continue
        first, *rest = split_commas(s)
        base, stars, name = re.fullmatch(r"(.*?)((?:\*|const\b|\s)*?\*?\s*)(\w+)", first.strip(),
                                         re.S).groups()
        declarators = [(stars, name)]
        for d in rest:
            declarators.append(re.fullmatch(r"((?:\*|const\b|\s)*)(\w+)", d.strip(), re.S).groups())
        for stars, name in declarators:
            found.append((prefix + name, squeeze(base + " " + stars)))
    return found


def read(text):
    """structs {name: [(path, type)]}, constants [name], functions and macros {name: signature}."""
    text = plain(text)
    structs, constants, functions, macros = {}, [], {}, {}
    for m in re.finditer(r"typedef struct(?: \w+)? \{\n(.*?)\n\} (\w+);", text, re.S):
        structs[m.group(2)] = members(m.group(1))
    for m in re.finditer(r"^enum \{(.*?)\};", text, re.S | re.M):
        constants += [c.split("=")[0].strip() for c in split_commas(m.group(1)) if c.strip()]
    for m in re.finditer(r"^static inline (.*?)\n\{", text, re.S | re.M):
        name = re.search(r"(gantry_\w+)\(", m.group(1)).group(1)
        functions[name] = squeeze(re.sub(r"GANTRY_PRINTF\([^)]*\)", "", m.group(1)))
    for m in re.finditer(r"^typedef [^{;]*?\(\*(\w+)\)[^;]*;", text, re.M):
        functions[m.group(1)] = squeeze(m.group(0)[len("typedef "):-1])
    for m in re.finditer(r"^#define (GANTRY_\w+)(\([^)]*\))?", text, re.M):
        if not m.group(1).endswith("_") and m.group(1) != "GANTRY_H":
            macros[m.group(1)] = m.group(1) + squeeze(m.group(2) or "")
    return structs, constants, functions, macros


# ---------------------------------------------------------------- what the compiler says


def program(structs, constants):
    lines = ["#include <gantry.h>", "#include <stdio.h>", "int main(void) {"]
    for name, all_of_it in structs.items():
        lines.append(f'printf("struct {name} %zu\\n", sizeof({name}));')
        for path, _ in all_of_it:
            lines.append(f'printf("member {name} {path} %zu %zu\\n", offsetof({name}, {path}), '
                         f'sizeof((({name} *)0)->{path}));')
    for name in constants + ["GANTRY_ABI_MAJOR", "GANTRY_ABI_MINOR"]:
        lines.append(f'printf("constant {name} %lld\\n", (long long){name});')
    return "\n".join(lines + ["return 0; }", ""])


def measure(header, cc, structs, constants):
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        (here / "gantry.h").write_text(header)
        (here / "layout.c").write_text(program(structs, constants))
        subprocess.run([cc, "-std=c11", "-w", f"-I{here}", "-o", here / "layout", here / "layout.c"],
                       check=True)
        return subprocess.run([here / "layout"], check=True, capture_output=True,
                              text=True).stdout.split("\n")


class Table:
    """structs {name: (size, {path: (offset, size, type)})}, the others {name: text}."""

    def __init__(self):
        self.structs, self.constants, self.functions, self.macros = {}, {}, {}, {}

    @staticmethod
    def of_header(text, cc):
        t = Table()
        structs, constants, t.functions, t.macros = read(text)
        for line in measure(text, cc, structs, constants):
            what, *rest = line.split(" ") if line else [""]
            if what == "struct":
                t.structs[rest[0]] = (int(rest[1]), {})
            elif what == "member":
                name, path, offset, size = rest
                kind = dict(structs[name])[path]
                t.structs[name][1][path] = (int(offset), int(size), kind)
            elif what == "constant":
                t.constants[rest[0]] = rest[1]
        return t

    @staticmethod
    def of_file(text):
        t = Table()
        for line in text.split("\n"):
            member = re.fullmatch(r" +(\d+) +(\d+) +(\S+) : (.*)", line)
            struct = re.fullmatch(r"struct (\w+) (\d+)", line)
            other = re.fullmatch(r"(constant|function|macro) (\w+) (.*)", line)
            if struct:
                last = {}
                t.structs[struct.group(1)] = (int(struct.group(2)), last)
            elif member:
                offset, size, path, kind = member.groups()
                last[path] = (int(offset), int(size), kind)
            elif other:
                getattr(t, other.group(1) + "s")[other.group(2)] = other.group(3)
        return t

    def version(self):
        return self.constants["GANTRY_ABI_MAJOR"] + "." + self.constants["GANTRY_ABI_MINOR"]

    def text(self):
        lines = [f"# ABI {self.version()} (x86-64), written by tests/abi/layout.py --update.",
                 "# offset, size, member : type"]
        for name, (size, all_of_it) in self.structs.items():
            lines += ["", f"struct {name} {size}"]
            lines += [f"  {o:4} {s:3}  {path} : {kind}" for path, (o, s, kind) in all_of_it.items()]
        for what in ("constant", "function", "macro"):
            lines.append("")
            lines += [f"{what} {n} {v}" for n, v in getattr(self, what + "s").items()]
        return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- comparing


def compare_struct(name, old, new):
    (old_size, before), (new_size, after) = old, new
    for path, (offset, size, kind) in before.items():
        if path not in after:
            yield "broken", f"{name}.{path} is gone"
        elif after[path][0] != offset:
            yield "broken", f"{name}.{path} moved from {offset} to {after[path][0]}"
        elif after[path][1:] != (size, kind):
            yield "broken", f"{name}.{path} was {kind}, is {after[path][2]}"
    end = max((o + s for o, s, _ in before.values()), default=0)
    tells_its_size = "size" in before and before["size"][0] == 0 or name in STRIDES
    for path, (offset, size, kind) in after.items():
        if path in before:
            continue
        if offset < end:
            yield "broken", f"{name}.{path} was put in the middle, at {offset}"
        elif offset < old_size:
            yield "broken", (f"{name}.{path} was put where the struct had {old_size - end} bytes of "
                             f"padding: older plugins may have anything there")
        elif not tells_its_size:
            yield "broken", f"{name}.{path} was added, but nobody tells the struct's size"
        else:
            yield "growth", f"{name}.{path} was added at the end, at {offset}: {kind}"
    if new_size < old_size:
        yield "broken", f"{name} shrank from {old_size} bytes to {new_size}"


def compare(old, new):
    for name, what in old.structs.items():
        if name in new.structs:
            yield from compare_struct(name, what, new.structs[name])
        else:
            yield "broken", f"{name} is gone"
    for name in new.structs.keys() - old.structs.keys():
        yield "growth", f"{name} is new"
    for name, value in old.constants.items():
        if name == "GANTRY_ABI_MINOR":
            continue
        if name not in new.constants:
            yield "broken", f"{name} is gone"
        elif new.constants[name] != value:
            yield "broken", f"{name} was {value}, is {new.constants[name]}"
    for what in ("functions", "macros"):
        before, after = getattr(old, what), getattr(new, what)
        for name, text in before.items():
            if name not in after:
                yield "source", f"{name} is gone"
            elif after[name] != text:
                yield "source", f"{name} was {text}, is {after[name]}"
    for what in ("constants", "functions", "macros"):
        for name in getattr(new, what).keys() - getattr(old, what).keys():
            yield "growth", f"{name} is new"


def differences(old, new):
    return sorted(f"{how}: {text}" for how, text in compare(old, new))


def broken_since(new, folder, but):
    """What plugins of earlier minors would trip over, in the words of their tables."""
    for file in sorted(folder.glob("abi-*.txt")):
        if file != but:
            for line in differences(Table.of_file(file.read_text()), new):
                if not line.startswith("growth: "):
                    yield f"since {file.stem}: {line}"


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--update", action="store_true")
    p.add_argument("--cc", default="cc")
    p.add_argument("--header", type=pathlib.Path, default=ROOT / "sdk/gantry.h")
    p.add_argument("--table", type=pathlib.Path)
    args = p.parse_args()
    new = Table.of_header(args.header.read_text(), args.cc)
    file = args.table or ROOT / f"tests/abi/abi-{new.version()}.txt"
    if args.update:
        file.write_text(new.text())
        print(f"{file.name}: {len(new.structs)} structs, {len(new.constants)} constants, "
              f"{len(new.functions)} functions, {len(new.macros)} macros")
        return 0
    if not file.exists():
        print(f"there is no {file.name}: tests/abi/layout.py --update writes it")
        return 1
    found = differences(Table.of_file(file.read_text()), new)
    found += broken_since(new, file.parent, file)
    for line in found:
        print(line)
    if found:
        print(f"The ABI is not that of {file.name}. If that is meant: tests/abi/layout.py --update, "
              "in the same commit.")
    elif file.read_text() != new.text():
        found = [f"{file.name} has another order or other words: tests/abi/layout.py --update"]
        print(found[0])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
