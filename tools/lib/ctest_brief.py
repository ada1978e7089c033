"""Makes the output of `ctest --verbose` short: one line for each test program, with the numbers that
the program itself counted, and everything that a failed one said.

Reads ctest's output on standard input. Exit code: 0 if every program passed and at least one ran.
"""

import re
import sys

OUTPUT = re.compile(r"^(\d+): (.*)$")
START = re.compile(r"^\s*Start\s+(\d+): (.+?)\s*$")
RESULT = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): (\S+) \.*\s*(.*?)\s+([\d.]+) sec")
CRITERION = re.compile(
    r"Synthesis: Tested: .*?(\d+).* \| Passing: .*?(\d+).* \| Failing: .*?(\d+).* \| Crashing: .*?(\d+)"
)
COUNTED = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def counts_of(lines, passed):
    """(passed, failed, skipped) as the program said them; one test if it said nothing."""
    for line in reversed(lines):
        found = CRITERION.search(line)
        if found:
            good = int(found.group(2))
            bad = int(found.group(3)) + int(found.group(4))
            # A program that exits with an error after a clean synthesis has failed all the same.
            return (good, bad if passed or bad else 1, 0)
        found = COUNTED.match(line)
        if found:
            good, bad, skipped = (int(n or 0) for n in found.groups())
            return (good, bad if passed or bad else 1, skipped)
    return (1, 0, 0) if passed else (0, 1, 0)


def main():
    said, ran, failed = {}, 0, 0
    stray = []
    for raw in sys.stdin:
        line = COLOUR.sub("", raw.rstrip("\n"))
        found = OUTPUT.match(line)
        if found:
            said.setdefault(found.group(1), []).append(found.group(2))
            continue
        found = RESULT.match(line)
        if not found:
            stray.append(line)
            continue
        number, name, verdict, seconds = found.groups()
        passed = verdict == "Passed"
        good, bad, skipped = counts_of(said.get(number, []), passed)
        ran += 1
        if not passed:
            failed += 1
            print("\n".join(said.get(number, [])))
            print(f"{name}: {verdict}")
        print(f"{name}: {good} passed, {bad} failed, {skipped} skipped ({seconds} s)", flush=True)
    if ran == 0:
        print("\n".join(stray))
        print("ctest ran nothing")
    return 1 if failed or ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
