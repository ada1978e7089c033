"""Where things are, and how patient the tests are."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("GANTRY_BUILD", ROOT / "build")).resolve()
GANTRY = BUILD / "bin" / "gantry"
PLUGINS = BUILD / "plugins"
TEST_PLUGINS = BUILD / "tests" / "plugins"
TOOLS = ROOT / "build" / "tools"  # what tools/setup --test made: one for all builds
NODE = TOOLS / "node"
DATA = pathlib.Path(os.environ.get("GANTRY_TEST_DATA", ROOT.parent / "shared" / "data"))

# A host may be run under another program: GANTRY_WRAP="valgrind --quiet".
WRAP = os.environ.get("GANTRY_WRAP", "").split()


def cached(name):
    cache = BUILD / "CMakeCache.txt"
    return f"{name}:BOOL=ON" in cache.read_text() if cache.exists() else False


SANITIZED = cached("ASAN") or cached("TSAN")

# Seconds that anything which must happen may take before a test gives up. Only a broken host ever
# takes that long: nothing is asserted about time.
PATIENCE = 300 if WRAP else 90 if SANITIZED else 45
