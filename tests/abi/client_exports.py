#!/usr/bin/env python3
"""Compares what libgantry-client.so shows to programs with what gantry_client.h declares.

    client_exports.py HEADER LIBRARY
"""

import pathlib
import re
import subprocess
import sys


def declared(header):
    text = re.sub(r"/\*.*?\*/", "", pathlib.Path(header).read_text(), flags=re.S)
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return set(re.findall(r"GANTRY_CLIENT_API[^;(]*?(\w+)\s*\(", text))


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    # A is the name of the version itself.
    return {line.split()[2].split("@")[0] for line in lines if line.split()[1] != "A"}


def main():
    wanted, found = declared(sys.argv[1]), exported(sys.argv[2])
    for name in sorted(wanted - found):
        print(f"declared, and not there: {name}")
    for name in sorted(found - wanted):
        print(f"visible, and not declared: {name}")
    assert len(wanted) > 60, f"only {len(wanted)} functions were found in {sys.argv[1]}"
    print(f"{len(wanted)} functions are declared, {len(found)} visible")
    return 0 if wanted == found else 1


sys.exit(main())
