"""Every example of the documentation, done as its reader would do it (README.md explains the marks)."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from harness.host import put
from harness.paths import BUILD, PATIENCE, PLUGINS, ROOT, SANITIZED

HERE = pathlib.Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wstrict-prototypes", "-Werror"]
URL = "http://127.0.0.1:8080/mcp"
LANGUAGES = {"c", "cpp", "yaml", "json", "sh", "console", "cmake", "text"}
NEXT = "@@ exit code "  # between the outputs of two commands


def pages():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split()
    return sorted(path for path in listed if (ROOT / path).is_file() and "/template/" not in path)


class Wrong(Exception):
    """An example does not do what the page says."""


def need(condition, message):
    if not condition:
        raise Wrong(message)


class Block:
    """One fenced block: its language, its text, its line, and the mark in the comment above it."""

    def __init__(self, page, line, language, mark, text):
        self.where = f"{page}:{line}"
        self.language, self.mark, self.text = language, mark, text


def blocks_of(page):
    found, mark, fence = [], "", None
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        if fence:
            if line.strip() == fence:
                found.append(Block(page, start, language, mark, "\n".join(lines) + "\n"))
                fence, mark = None, ""
            else:
                lines.append(line)
        elif opened := re.match(r"\s*(```+|~~~+)\s*(\w*)", line):
            fence, language = opened.groups()
            start, lines = number, []
        elif comment := re.fullmatch(r"\s*<!--\s*((?:no )?test.*?)\s*-->\s*", line):
            mark = comment.group(1)
        elif line.strip():
            mark = ""
    need(not fence, f"{page}: a block does not end")
    return [block for block in found if block.language]


class Page:
    """The folder in which the blocks of one page are proved."""

    def __init__(self, folder, host, sdk):
        self.folder, self.start_host, self.url = folder, host, None
        os.chmod(folder, 0o755)
        self.plugins = folder / "srv" / "plugins"
        documents = folder / "srv" / "documents"
        for made in (self.plugins, documents, folder / "plugins", folder / "etc"):
            made.mkdir(parents=True, mode=0o755)
        for sample in ("hello", "files"):
            put(PLUGINS / f"{sample}.so", self.plugins / f"{sample}.so")
        (documents / "notes.txt").write_text("Buy milk.\nCall Ada.\n")
        (documents / "plan.md").write_text("# Plan\n\nShip it.\n")
        for pem in ("server.pem", "server.key"):
            (folder / "etc" / pem).write_text("only its being there is checked\n")
        self.env = {**os.environ, "PATH": f"{sdk}/bin:{os.environ['PATH']}",
                    "PKG_CONFIG_PATH": ":".join(map(str, sdk.glob("lib/**/pkgconfig"))),
                    "LD_LIBRARY_PATH": ":".join(str(path.parent) for path in
                                                sdk.glob("lib/**/libgantry-client.so")),
                    "CMAKE_PREFIX_PATH": str(sdk), "HOME": str(folder), "LC_ALL": "C.UTF-8",
                    "GANTRY_ASK_KEY": "1f" * 32, "GANTRY_ASK_KEY_OLD": "0e" * 32}

    def here(self, text):
        text = text.replace("/srv/", f"{self.folder}/srv/").replace("/etc/gantry/", f"{self.folder}/etc/")
        if URL in text and not self.url:
            config = {"plugins": [{"plugin": "files", "settings": {
                "roots": [str(self.folder / "srv" / "documents")]}}]}
            self.url = self.start_host(plugins=[], http=True, config=config,
                                       args=["--plugins", self.plugins]).url
        return text.replace(URL, self.url) if self.url else text

    def run(self, command, ok=True, **options):
        done = subprocess.run([str(word) for word in command], cwd=self.folder, env=self.env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, **options)
        need(not ok or done.returncode == 0, f"{shlex.join(map(str, command))}:\n{done.stdout}")
        return done.stdout

    # ------------------------------------------------------------ one method for each language

    def c(self, block):
        if block.mark.startswith("no test:"):
            return
        text = block.text
        if program := re.fullmatch(r"test: program (\w+)", block.mark):
            self.program(program.group(1), text)
            return
        wrapper = re.fullmatch(r"test: in (\w+)", block.mark)
        if wrapper:
            around = (HERE / "wrappers" / f"{wrapper.group(1)}.c").read_text()
            need(around.count("/* EXAMPLE */\n") == 1, f"{wrapper.group(1)}.c has no place for it")
            text = around.replace("/* EXAMPLE */\n", text)
        named = re.search(r'GANTRY_PLUGIN\("([\w.-]+)"', text)
        need(wrapper or named, "neither a plugin nor marked <!-- test: in WRAPPER -->")
        name = named.group(1) if named else wrapper.group(1)
        source, built = self.folder / f"{name}.c", self.folder / "plugins" / f"{name}.so"
        source.write_text(text)
        command = ["cc", "-std=c11", *WARNINGS, "-fPIC", "-fvisibility=hidden", "-shared",
                   "-Wl,-z,now", "-I", ROOT / "sdk"]
        if not named:
            self.run([*command, "-fsyntax-only", source])
            return
        scratch = built.with_suffix(".new")
        self.run([*command, "-Wl,--no-undefined", source, "-o", scratch])
        put(scratch, built)
        scratch.unlink()
        self.run(["gantry", "check", built])

    def program(self, name, text):
        """One that uses the client library; a block below runs it as ./NAME."""
        (self.folder / f"{name}.c").write_text(text)
        flags = self.run(["pkg-config", "--cflags", "--libs", "gantry-client"]).split()
        standard = "-std=c11"
        if "<uv.h>" in text:
            standard = "-std=gnu11"  # its header wants more than C
            flags += self.run(["pkg-config", "--cflags", "--libs", "libuv"]).split()
        self.run(["cc", standard, *WARNINGS, f"{name}.c", *flags, "-o", name])

    def cpp(self, block):
        program = re.fullmatch(r"test: program (\w+)", block.mark)
        need(program, "not marked <!-- test: program NAME -->")
        (self.folder / f"{program.group(1)}.cpp").write_text(block.text)
        flags = self.run(["pkg-config", "--cflags", "--libs", "gantry-client"]).split()
        self.run(["c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                  f"{program.group(1)}.cpp", *flags, "-o", program.group(1)])

    def yaml(self, block):
        config = self.folder / "example.yaml"
        config.write_text(self.here(block.text))
        self.run(["gantry", "config", "check", config])

    def json(self, block):
        value = json.loads(self.here(block.text))
        for name, server in (value.get("mcpServers", {}) if isinstance(value, dict) else {}).items():
            if "command" in server:
                out = self.run(["gantry", "list", "--", server["command"], *server.get("args", [])])
            else:
                headers = [f"--header={k}: {v}" for k, v in server.get("headers", {}).items()]
                out = self.run(["gantry", "list", *headers, server["url"]])
            need(out.strip(), f"{name} lists nothing")

    def sh(self, block):
        text = self.here(block.text)
        if block.mark == "test":
            self.run(["bash", "-euo", "pipefail", "-c", text])
        else:
            self.run(["bash", "-n", "-c", text])

    def console(self, block):
        commands = []
        for line in self.here(block.text).splitlines():
            if line.startswith("$ "):
                commands.append([line[2:], []])
            elif commands and line.startswith("> "):
                commands[-1][0] += "\n" + line[2:]
            else:
                need(commands, "a console block begins with `$ command`")
                commands[-1][1].append(line)
        if block.mark != "test":
            for command, _ in commands:
                self.run(["bash", "-n", "-c", command])
            return
        script = "".join(f"{command}\n__status=$?; printf '\\n{NEXT}%d\\n' $__status; "
                         "(exit $__status)\n" for command, _ in commands)
        parts = re.split(rf"\n{NEXT}(\d+)\n", self.run(["bash", "-c", script], ok=False))
        for i, (command, expected) in enumerate(commands):
            got, status = parts[2 * i].rstrip("\n"), int(parts[2 * i + 1])
            may_fail = i + 1 < len(commands) and commands[i + 1][0] == "echo $?"
            need(status == 0 or may_fail, f"$ {command}\n{got}\nexit code {status}")
            wanted = "\n".join(expected).strip("\n")
            if wanted:
                need(re.fullmatch(pattern_of(wanted), got),
                     f"$ {command}\n-- expected:\n{wanted}\n-- got:\n{got}")

    def cmake(self, block):
        pass

    def text(self, block):
        pass


def pattern_of(wanted):
    """A line `...` is any number of lines, `...` within a line any text."""
    lines = []
    for line in wanted.splitlines():
        lines.append(r"(?:.*\n)*?" if line.strip() == "..." else
                     ".*".join(map(re.escape, line.rstrip().split("..."))) + r"[ \t]*\n")
    pattern = "".join(lines)
    return pattern.removesuffix(r"\n") if pattern.endswith(r"[ \t]*\n") else pattern + ".*"


@pytest.fixture(scope="session")
def sdk(tmp_path_factory):
    """An installed gantry, as a reader has it."""
    prefix = tmp_path_factory.mktemp("sdk")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                   stdout=subprocess.DEVNULL)
    return prefix


@pytest.mark.skipif(SANITIZED, reason="a plugin built without the sanitizer does not fit this host")
@pytest.mark.parametrize("page", [page for page in pages() if blocks_of(page)])
def test_examples(page, host, sdk, tmp_path):
    proof = Page(tmp_path, host, sdk)
    for block in blocks_of(page):
        wrong = None
        try:
            need(block.language in LANGUAGES, f"no way to prove {block.language} is known")
            getattr(proof, block.language)(block)
        except (Wrong, ValueError, subprocess.TimeoutExpired) as problem:
            wrong = f"{block.where}: {problem}"
        if wrong:
            pytest.fail(wrong, pytrace=False)


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page):
    text = re.sub(r"^(```+).*?^\1", "", (ROOT / page).read_text(), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert ((ROOT / page).parent / target).exists(), f"{page}: there is no {target}"
