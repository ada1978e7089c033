#!/usr/bin/env python3
"""make_headers.py - two made-up releases of the ABI, from the real one.

    make_headers.py sdk/gantry.h OUT

writes OUT/older/gantry.h, which lacks the last fields of some structs and the last functions of the
host, and OUT/newer/gantry.h, which has more of each. The minor is one less and one more. A step that
finds nothing to change is an error, so that the tests never compare a header with itself.
"""

import pathlib
import re
import sys

# What the older release does not have yet: members counted from the end.
OLDER_LACKS = {
    "gantry_tool": 5,
    "gantry_arg": 2,
    "gantry_from": 4,
    "gantry_change": 1,
    "gantry_transform": 2,
    "gantry_descriptor": 1,
    "gantry_host": 2,
}

# What the newer release adds at the end of each struct.
NEWER_HAS = {
    "gantry_tool": "const char *mood;",
    "gantry_arg": "const char *unit;",
    "gantry_from": "const char *mood;",
    "gantry_change": "const char *unit;",
    "gantry_transform": "const char *mood;",
    "gantry_descriptor": "const char *motto;",
    "gantry_host": "int (*celebrate)(gantry_call *, const char *reason);",
}
NEWER_FLAG = ("GANTRY_OUTPUT_UNCHECKED = 8", "GANTRY_SOLEMN = 32")  # behind the last there is
NEWER_FUNCTION = """
static inline int gantry_celebrate(gantry_call *call, const char *reason)
{
    return GANTRY_HOST_HAS(celebrate) ? gantry_host_->celebrate(call, reason) : GANTRY_ENOTSUP;
}
"""


def body_of(text, name):
    """Start and end of what stands between the braces of `typedef struct NAME { ... } NAME;`."""
    start = re.search(r"typedef struct " + name + r" \{", text)
    end = re.search(r"\n\} " + name + ";", text)
    if not start or not end:
        sys.exit(f"make_headers.py: no struct {name}")
    return start.end(), end.start() + 1


def members(body):
    """The declarations of a struct, each with its semicolon; a nested struct is one."""
    found, depth, start = [], 0, 0
    for i, c in enumerate(body):
        depth += (c == "{") - (c == "}")
        if c == ";" and depth == 0:
            found.append(body[start:i + 1])
            start = i + 1
    return found


def names_of(member):
    return re.findall(r"(\w+)\s*(?=[,;])", member) + re.findall(r"\(\*(\w+)\)\(", member)


def set_minor(text, change):
    def new(match):
        return match.group(1) + str(int(match.group(2)) + change)

    text, count = re.subn(r"(#define GANTRY_ABI_MINOR )(\d+)", new, text)
    if count != 1:
        sys.exit("make_headers.py: no minor")
    return text


def older(text):
    for name, count in OLDER_LACKS.items():
        start, end = body_of(text, name)
        all_of_it = members(text[start:end])
        if len(all_of_it) <= count:
            sys.exit(f"make_headers.py: {name} is too small")
        text = text[:start] + "".join(all_of_it[:-count]) + "\n" + text[end:]
        for member in all_of_it[-count:] if name == "gantry_host" else []:
            text = drop_callers(text, names_of(member)[-1])
    return set_minor(text, -1)


def drop_callers(text, function):
    """Removes the inline functions that call this function of the host."""
    call = "gantry_host_->" + function + "("
    pieces = re.split(r"(?m)^(?=static inline )", text)
    kept, dropped = [pieces[0]], 0
    for piece in pieces[1:]:
        end = piece.index("\n}\n") + 3
        if call in piece[:end]:
            piece, dropped = piece[end:], dropped + 1
        kept.append(piece)
    if not dropped:
        sys.exit(f"make_headers.py: nothing calls {function}")
    return "".join(kept)


def newer(text):
    for name, member in NEWER_HAS.items():
        _, end = body_of(text, name)
        text = text[:end] + "    " + member + "\n" + text[end:]
    last, added = NEWER_FLAG
    if text.count(last) != 1:
        sys.exit(f"make_headers.py: no {last}")
    text = text.replace(last, f"{last}, {added}")
    at = text.index("typedef struct gantry_descriptor {")
    return set_minor(text[:at] + NEWER_FUNCTION + text[at:], +1)


def main():
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.S)
    for name, make in (("older", older), ("newer", newer)):
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gantry.h").write_text(make(text))


main()
