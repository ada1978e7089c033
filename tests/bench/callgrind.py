"""Instructions, counted by callgrind: the same on a busy machine as on an idle one."""

import pathlib
import re
import subprocess
import tempfile


def prefix(out):
    """What to put before a command; each process writes its counts to a file OUT.PID."""
    return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}.%p", "--quiet"]


def total(out):
    """Instructions of the process that did most: a host starts small ones to look at plugins."""
    texts = [path.read_text() for path in pathlib.Path(out).parent.glob(f"{pathlib.Path(out).name}.*")]
    return max(int(re.search(r"^(?:totals|summary): (\d+)", text, re.M).group(1)) for text in texts)


def run(command):
    """Runs a command under callgrind: what it prints, and its instructions."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "counts"
        done = subprocess.run([*prefix(out), *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr[-500:]}")
        return done.stdout, total(out)
