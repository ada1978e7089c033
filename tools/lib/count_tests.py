"""Adds up what every test runner counted, and prints the closing line of tools/test.

    count_tests.py RESULTS_FOLDER [NAME OF A PART THAT FAILED]...

RESULTS_FOLDER holds one log for each part. Exit code: 0 only if something passed, nothing failed, and
no part failed.
"""

import pathlib
import re
import sys

# "unit/util: 34 passed, 0 failed, 0 skipped (0.52 s)" (ctest_brief.py)
PROGRAM = re.compile(r"^\S+: (\d+) passed, (\d+) failed, (\d+) skipped \([\d.]+ s\)$", re.M)
# "===== 120 passed, 1 failed, 2 skipped in 33.10s =====" (pytest)
PYTEST = re.compile(r"^=+ (.* in [\d.]+s.*?) =+$", re.M)
WORD = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MEANS = {"error": "failed", "errors": "failed", "xfailed": "skipped", "xpassed": "failed"}


def count(text):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for good, bad, skipped in PROGRAM.findall(text):
        total["passed"] += int(good)
        total["failed"] += int(bad)
        total["skipped"] += int(skipped)
    for line in PYTEST.findall(text):
        for number, word in WORD.findall(line):
            total[MEANS.get(word, word)] += int(number)
    return total


def main(folder, failed_parts):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for log in sorted(pathlib.Path(folder).glob("*.log")):
        one = count(COLOUR.sub("", log.read_text(errors="replace")))
        bad = log.stem in failed_parts
        if sum(one.values()) == 0:  # a part that does not count is one test
            one["failed" if bad else "passed"] = 1
        elif bad and one["failed"] == 0:
            one["failed"] = 1
        print(f"{log.stem}: " + ", ".join(f"{n} {word}" for word, n in one.items()))
        for word in total:
            total[word] += one[word]
    if total["passed"] == 0 and total["failed"] == 0:
        total["failed"] = 1
        print("no test ran")
    print(", ".join(f"{n} {word}" for word, n in total.items()))
    return 1 if total["failed"] or failed_parts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
