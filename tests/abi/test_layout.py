#!/usr/bin/env python3
"""test_layout.py - layout.py finds what it is there for: each change below, by the words it says.

    test_layout.py [CC]
"""

import pathlib
import sys

import layout

HEADER = (layout.ROOT / "sdk/gantry.h").read_text()

# What is done to the header, and what must be said of it.
CASES = [
    ("nothing", [("", "")], []),
    ("comments and blank lines", [("/* A tool. Made with", "/* A changed word. Made with")], []),
    ("two members change places",
     [("    const char *name, *parent;\n", "    const char *parent, *name;\n")],
     ["broken: gantry_from.name moved from 8 to 16", "broken: gantry_from.parent moved from 16 to 8"]),
    ("a constant gets another value",
     [("    GANTRY_ETOOBIG = -5,", "    GANTRY_ETOOBIG = -15,")],
     ["broken: GANTRY_ETOOBIG was -5, is -15"]),
    ("a constant in the middle of an enum",
     [("    GANTRY_TRANSFORM_ENABLE, ", "    GANTRY_TRANSFORM_SHOW, GANTRY_TRANSFORM_ENABLE, ")],
     ["broken: GANTRY_TRANSFORM_ENABLE was 3, is 4", "growth: GANTRY_TRANSFORM_SHOW is new"]),
    ("a member grows in the middle of a struct",
     [("    uint32_t max_response; ", "    uint64_t max_response; ")],
     ["broken: gantry_http_request.max_response was uint32_t, is uint64_t",
      "broken: gantry_http_request.max_redirects moved from 52 to 56"]),
    ("a member is put in the middle",
     [("    const char *name; /* in logs */", "    const char *name; const char *nick;")],
     ["broken: gantry_background.nick was put in the middle, at 24",
      "broken: gantry_background.run moved from 24 to 32"]),
    ("a member goes",
     [("    const char *url;            /* after redirects */\n", "")],
     ["broken: gantry_http_response.url is gone",
      "broken: gantry_http_response shrank from 40 bytes to 32"]),
    ("a function of the table takes another parameter",
     [("    int (*sleep)(gantry_call *, uint32_t ms);", "    int (*sleep)(gantry_call *, uint64_t ms);")],
     ["broken: gantry_host.sleep was int (*)(gantry_call *, uint32_t ms), "
      "is int (*)(gantry_call *, uint64_t ms)"]),
    ("a member at the end of a struct that tells its size",
     [("    const gantry_transform *const *transforms;\n} gantry_descriptor;",
       "    const gantry_transform *const *transforms;\n    void *more;\n} gantry_descriptor;")],
     ["growth: gantry_descriptor.more was added at the end, at 176: void *"]),
    ("a member at the end of a row with a stride",
     [("    uint32_t required;         /* not 0: it must be given, whatever default the parent has */\n",
       "    uint32_t required;\n    const char *unit;\n")],
     ["growth: gantry_change.unit was added at the end, at 72: const char *"]),
    ("a member at the end of a struct whose size nobody tells",
     [("    size_t n;      /* bytes */\n} gantry_str;", "    size_t n;\n    size_t cap;\n} gantry_str;")],
     ["broken: gantry_str.cap was added, but nobody tells the struct's size"]),
    ("a function is called another way",
     [("int gantry_suggest_total(gantry_call *call, int64_t total)",
       "int gantry_suggest_total(gantry_call *call, int64_t total, int how)")],
     ["source: gantry_suggest_total was int gantry_suggest_total(gantry_call *call, int64_t total), "
      "is int gantry_suggest_total(gantry_call *call, int64_t total, int how)"]),
]


def check(title, changes, expected, cc, old):
    text = HEADER
    for before, after in changes:
        if before and text.count(before) < 1:
            return f"{title}: the header has no {before!r}"
        text = text.replace(before, after, 1)
    found = layout.differences(old, layout.Table.of_header(text, cc))
    for line in expected:
        if line not in found:
            return f"{title}: not found: {line}\n  found: " + "\n         ".join(found)
    if not expected and found:
        return f"{title}: found {found}"
    return None


def main():
    cc = sys.argv[1] if len(sys.argv) > 1 else "cc"
    old = layout.Table.of_header(HEADER, cc)
    failed = [f for case in CASES if (f := check(*case, cc, old))]
    if layout.Table.of_file(old.text()).text() != old.text():
        failed.append("a table that is written and read is another one")
    print("\n".join(failed) or f"{len(CASES)} changes, each found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
