"""A person at a terminal: runs the command line in a pseudo-terminal and keeps what is on its screen.

    with Terminal("call", "greet", "--", ...) as t:
        t.wait_for("Name")      until the text is on the screen
        t.type("Ada")           a line
        assert t.end() == 0     its exit code

`raw` is all that was written to the terminal, `lines()` what a person sees, all that has scrolled
away included. The screen knows what the command line is allowed to use: CR, LF, BS, tab, colours,
"erase to the end of the line"; anything else is kept in `strange`.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

from .paths import GANTRY, PATIENCE, WRAP

TOKEN = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b.?|[\x00-\x1f\x7f-\x9f]|[^\x00-\x1f\x7f-\x9f]", re.S)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def columns(char):
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Screen:
    """Lines of cells, as many as there ever were; the cursor is in the last one."""

    def __init__(self, width):
        self.width = width
        self.rows = [{}]
        self.column = 0
        self.wrapped = 0  # lines that were too long
        self.strange = []
        self.colours = 0

    def feed(self, text):
        for token in TOKEN.findall(text):
            if token == "\r":
                self.column = 0
            elif token == "\n":
                self.rows.append({})
            elif token == "\b":
                self.column = max(0, self.column - 1)
            elif token == "\t":
                self.column = self.column // 8 * 8 + 8
            elif token in ("\x1b[K", "\x1b[0K"):
                self.rows[-1] = {at: c for at, c in self.rows[-1].items() if at < self.column}
            elif COLOUR.fullmatch(token):
                self.colours += 1
            elif len(token) > 1 or ord(token) < 32 or 0x7f <= ord(token) < 0xa0:
                self.strange.append(token)
            else:
                self.put(token)

    def put(self, char):
        width = columns(char)
        if width and self.column + width > self.width:
            self.wrapped += 1
            self.rows.append({})
            self.column = 0
        at = self.column if width else max(0, self.column - 1)
        self.rows[-1][at] = char if width else self.rows[-1].get(at, "") + char
        self.column += width

    def lines(self):
        return [self.show(row).rstrip() for row in self.rows]

    @staticmethod
    def show(row):
        text, at = "", 0
        for column in sorted(row):
            text += " " * (column - at) + row[column]
            at = column + columns(row[column][0])
        return text


class Terminal:
    def __init__(self, *args, width=80, env=None, stdout=None, cwd=None, program=GANTRY):
        """stdout: a file that standard output goes to instead."""
        self.screen = Screen(width)
        self.raw = b""
        self.status = None
        self.pending = b""
        command = [*WRAP, str(program), *map(str, args)]
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "DISPLAY",
                                    "WAYLAND_DISPLAY")}
        environment |= {"TERM": "xterm-256color", **(env or {})}
        self.begin, started = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.close(started)
            os.read(self.begin, 1)  # until the window has its size
            os.close(self.begin)
            if cwd:
                os.chdir(cwd)
            if stdout:
                os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.execve(command[0], command, environment)
        os.close(self.begin)
        self.resize(width)
        os.close(started)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def resize(self, width, height=50):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.width = width

    def read(self, seconds):
        """Takes what comes within so many seconds; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += data
        self.pending += data
        text = self.pending.decode(errors="ignore")
        if not re.search(r"\x1b(\[[0-9;]*)?$", text):  # a sequence may come in two parts
            keep = incomplete(self.pending)
            self.screen.feed(self.pending[:len(self.pending) - keep].decode(errors="replace"))
            self.pending = self.pending[len(self.pending) - keep:]
        return bool(data)

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        alive = True
        while not condition():
            assert alive, f"it ended before: {what}\n{self.shown()}"
            assert time.monotonic() < end, f"waited {PATIENCE} s in vain: {what}\n{self.shown()}"
            alive = self.read(0.1)

    def wait_for(self, text, count=1):
        """Until the text is on the screen, so many times."""
        self.wait_until(lambda: self.shown().count(text) >= count, repr(text))

    def type(self, line, end="\n"):
        os.write(self.fd, (line + end).encode())

    def hang_up(self):
        os.close(self.fd)
        self.fd = os.open("/dev/null", os.O_RDONLY)

    def end(self):
        """Waits for its end; the exit code, negative for a signal."""
        stop = time.monotonic() + PATIENCE
        while self.read(0.1):
            assert time.monotonic() < stop, f"waited {PATIENCE} s for its end\n{self.shown()}"
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def lines(self):
        return self.screen.lines()

    def shown(self):
        return "\n".join(self.lines())


def incomplete(data):
    """Bytes at the end that begin a character of UTF-8 and do not end it."""
    for n in range(1, min(4, len(data) + 1)):
        byte = data[-n]
        if byte & 0xc0 == 0x80:
            continue
        size = 2 if byte & 0xe0 == 0xc0 else 3 if byte & 0xf0 == 0xe0 else 4 if byte & 0xf8 == 0xf0 else 1
        return n if size > n else 0
    return 0
