"""gantry install and uninstall: the configuration files of clients, as these write them, and as nobody
should."""

import json
import os
import re
import stat
import subprocess
import sys

import pytest

from harness.cli import gantry
from harness.paths import GANTRY, PLUGINS

USER = {"gantry": ".config/gantry/servers.json", "claude-code": ".claude.json",
        "claude-desktop": ".config/Claude/claude_desktop_config.json", "cursor": ".cursor/mcp.json",
        "vscode": ".config/Code/User/mcp.json", "gemini": ".gemini/settings.json"}
PROJECT = {"claude-code": ".mcp.json", "cursor": ".cursor/mcp.json", "vscode": ".vscode/mcp.json",
           "gemini": ".gemini/settings.json"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home folder, with a project in it where commands run."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    return tmp_path


def run(home, *args, **options):
    return gantry(*args, cwd=home / "project", **options)


def put(home, path, text):
    file = home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def entry(file, member="mcpServers"):
    (found,) = json.loads(file.read_text())[member].values()
    return found


# ---------------------------------------------------------------- the shape of each client

@pytest.mark.parametrize("client", USER)
def test_a_program_in_the_shape_of_each_client(home, client):
    run(home, "install", client, "--env", "A=1", "--", "cat", "-n")
    file = home / USER[client]
    member = "servers" if client == "vscode" else "mcpServers"
    wanted = {"command": str(next(p for f in os.environ["PATH"].split(":")
                                  if os.access(p := os.path.join(f, "cat"), os.X_OK))),
              "args": ["-n"], "env": {"A": "1"}}
    if client in ("claude-code", "vscode"):
        wanted["type"] = "stdio"
    assert entry(file, member) == wanted
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.read_text().endswith("}\n")


@pytest.mark.parametrize("client, wanted", [
    ("gantry", {"url": "https://example.com/mcp"}),
    ("claude-code", {"type": "http", "url": "https://example.com/mcp"}),
    ("cursor", {"url": "https://example.com/mcp"}),
    ("vscode", {"type": "http", "url": "https://example.com/mcp"}),
    ("gemini", {"httpUrl": "https://example.com/mcp"}),
])
def test_a_url_in_the_shape_of_each_client(home, client, wanted):
    run(home, "install", "https://example.com/mcp", client, "-H", "X-Key:  a b")
    member = "servers" if client == "vscode" else "mcpServers"
    assert entry(home / USER[client], member) == {**wanted, "headers": {"X-Key": "a b"}}
    assert list(json.loads((home / USER[client]).read_text())[member]) == ["example-com"]
    assert stat.S_IMODE((home / USER[client]).stat().st_mode) == 0o600


def test_a_program_is_all_that_claude_desktop_takes(home):
    done = run(home, "install", "https://example.com/mcp", "claude-desktop", ok=(1,))
    assert "Connectors" in done.stderr and not (home / ".config").exists()


@pytest.mark.parametrize("client", PROJECT)
def test_the_file_of_the_project(home, client):
    run(home, "install", "http://127.0.0.1:1/mcp", client, "--project", "--name", "it")
    assert (home / "project" / PROJECT[client]).exists() and not (home / USER[client]).exists()
    assert "it" in run(home, "servers").stdout


def test_what_claude_code_keeps_for_one_project(home):
    put(home, ".claude.json", '{\n  "numStartups": 3,\n  "projects": {\n    "/other": {}\n  }\n}\n')
    run(home, "install", "http://127.0.0.1:1/mcp", "claude-code", "--local", "--name", "it")
    found = json.loads((home / ".claude.json").read_text())
    assert found == {"numStartups": 3, "projects": {"/other": {}, str(home / "project"): {
        "mcpServers": {"it": {"type": "http", "url": "http://127.0.0.1:1/mcp"}}}}}
    assert "this project" in run(home, "servers").stdout


def test_gantry_itself_serves_the_folder_that_was_named(home):
    (home / "project" / "plugins").symlink_to(PLUGINS)
    run(home, "install", "./plugins", "gantry", "--name", "ours")
    found = entry(home / USER["gantry"])
    assert found["args"] == ["serve", "--stdio", "--plugins", str(home / "project" / "plugins")]
    assert os.path.samefile(found["command"], GANTRY)
    listed = gantry("list", "--", found["command"], "serve", "--stdio", "--plugin",
                    PLUGINS / "hello.so").stdout
    assert "greet" in listed
    assert "no plugins" in run(home, "install", "gantry", "--name", "bare").stderr


def test_folders_of_the_environment_are_used(home, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "claude"))
    for client in ("claude-desktop", "claude-code", "vscode", "gantry"):
        run(home, "install", client, "--", "cat")
    assert (home / "xdg/Claude/claude_desktop_config.json").exists()
    assert (home / "xdg/Code/User/mcp.json").exists() and (home / "claude/.claude.json").exists()
    assert (home / "xdg/gantry/servers.json").exists()


# ---------------------------------------------------------------- what is there stays

VSCODE = ("\ufeff{\r\n\t// servers of ours\r\n\t\"servers\": {\r\n\t\t\"one\": { \"type\": \"stdio\", "
          "\"command\": \"x\" }, // the first\r\n\t},\r\n\t/* asked for */\r\n\t\"inputs\": [],\r\n}\r\n")


def test_comments_line_ends_and_mark_stay(home):
    file = put(home, "project/.vscode/mcp.json", VSCODE)
    run(home, "install", "http://127.0.0.1:1/mcp", "vscode", "--project", "--name", "two")
    assert file.read_bytes().decode() == VSCODE.replace(
        "// the first\r\n", "// the first\r\n\t\t\"two\": {\r\n\t\t\t\"type\": \"http\",\r\n"
        "\t\t\t\"url\": \"http://127.0.0.1:1/mcp\"\r\n\t\t},\r\n")
    assert (home / "project/.vscode/mcp.json.gantry-backup").read_bytes().decode() == VSCODE
    run(home, "uninstall", "two", "vscode", "--project")
    assert file.read_bytes().decode() == VSCODE


@pytest.mark.parametrize("text", [
    '{"theme":"dark","n":1.50e+2,"big":12345678901234567890,"mcpServers":{"a":{"command":"x"}}}',
    '{\n    "mcpServers": {\n        "a": {\n            "command": "x"\n        }\n    },\n'
    '    "\\u00e9": "\\u00e9\\/"\n}',
    '{\n\t"mcpServers": {\n\t\t"a": {"command": "x"},\n\t\t"z": {"command": "y"}\n\t}\n}\n',
])
def test_adding_and_removing_leaves_the_text_as_it_was(home, text):
    file = put(home, ".cursor/mcp.json", text)
    run(home, "install", "http://127.0.0.1:1/mcp", "cursor", "--name", "new")
    assert text[:12] == file.read_text()[:12] and "new" in json.loads(file.read_text())["mcpServers"]
    run(home, "uninstall", "new", "cursor")
    assert file.read_text() == text


def test_an_entry_of_that_name_is_replaced_only_if_wanted(home):
    file = put(home, ".cursor/mcp.json", '{"mcpServers": {"a": {"command": "x", "own": 1}}, "z": 1}')
    before = file.read_bytes()
    done = run(home, "install", "http://127.0.0.1:1/mcp", "cursor", "--name", "a", ok=(1,))
    assert "--force" in done.stderr and file.read_bytes() == before
    run(home, "install", "http://127.0.0.1:1/mcp", "cursor", "--name", "a", "--force")
    assert json.loads(file.read_text()) == {"mcpServers": {"a": {"url": "http://127.0.0.1:1/mcp"}},
                                            "z": 1}
    again = file.read_bytes()
    assert "already" in run(home, "install", "http://127.0.0.1:1/mcp", "cursor", "--name", "a").stdout
    assert file.read_bytes() == again


def test_mode_and_links_stay(home):
    file = put(home, "dotfiles/cursor.json", "{}")
    file.chmod(0o640)
    (home / ".cursor").mkdir()
    (home / ".cursor/mcp.json").symlink_to("../dotfiles/cursor.json")
    run(home, "install", "http://127.0.0.1:1/mcp", "cursor")
    assert (home / ".cursor/mcp.json").is_symlink() and "mcpServers" in json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(p.name for p in file.parent.iterdir()) == ["cursor.json", "cursor.json.gantry-backup"]


def test_a_link_to_nothing_becomes_the_file_it_leads_to(home):
    (home / ".cursor").mkdir()
    (home / ".cursor/mcp.json").symlink_to(home / "dotfiles/cursor.json")
    run(home, "install", "http://127.0.0.1:1/mcp", "cursor")
    assert (home / "dotfiles/cursor.json").exists() and (home / ".cursor/mcp.json").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(home):
    file = put(home, ".cursor/mcp.json", "{}")
    os.chown(file, 12345, 12346)
    run(home, "install", "http://127.0.0.1:1/mcp", "cursor")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12346)


# ---------------------------------------------------------------- showing it first

def test_a_dry_run_shows_the_change_and_makes_none(home):
    file = put(home, ".cursor/mcp.json", '{\n  "mcpServers": {\n    "a": {\n      "command": "x"\n'
                                         '    }\n  }\n}\n')
    before = file.read_bytes()
    shown = run(home, "install", "http://127.0.0.1:1/mcp", "cursor", "--name", "b", "-n").stdout
    assert shown == (f"--- {file}\n+++ {file}\n@@ -2,6 +2,9 @@\n   \"mcpServers\": {{\n     \"a\": {{\n"
                     "       \"command\": \"x\"\n+    },\n+    \"b\": {\n"
                     "+      \"url\": \"http://127.0.0.1:1/mcp\"\n     }\n   }\n }\n")
    assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]
    run(home, "install", "gemini", "--dry-run", "--", "cat")
    assert not (home / ".gemini").exists()


def test_secrets_are_not_shown(home):
    put(home, ".cursor/mcp.json", json.dumps({"mcpServers": {
        "a": {"command": "x", "args": ["--token", "s3cret1"], "env": {"ANY": "s3cret2"}},
        "b": {"url": "https://me:s3cret3@h/?key=s3cret4", "headers": {"X": "s3cret5"}}},
        "apiKey": "s3cret6"}, indent=1))
    done = run(home, "install", "cursor", "--name", "c", "-e", "K=s3cret7", "-e", "R=${R}", "--", "cat",
               "--api-key=s3cret8")
    said = done.stdout + done.stderr + run(home, "servers").stdout
    said += run(home, "uninstall", "a", "cursor").stdout + run(home, "servers", "-o", "json").stdout
    assert "s3cret" not in said and '"R": "${R}"' in said


# ---------------------------------------------------------------- hostile files

@pytest.mark.parametrize("text", [
    b"{", b"[]", b'{"mcpServers": []}', b'{"mcpServers": {"a": }}', b'\xff\xfe{\x00}\x00',
    b'{"a": "\xe9"}', b"{} {}", b"/* open", b"null", b"mcpServers: {}", b'{"mcpServers": null}',
    b'{"a":' * 2000 + b"1" + b"}" * 2000, b'{"a": 1e999, "mcpServers": "x"}', b"\0",
])
def test_what_cannot_be_read_is_left_alone(home, text):
    file = put(home, ".cursor/mcp.json", text)
    for command in (["install", "http://127.0.0.1:1/mcp", "cursor"], ["uninstall", "x", "cursor"]):
        done = run(home, *command, ok=(1,))
        assert str(file) in done.stderr and file.read_bytes() == text
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), os.mkfifo,
                                  lambda p: p.symlink_to("/dev/zero"), lambda p: p.symlink_to(p)])
def test_what_is_no_file_is_left_alone(home, make):
    (home / ".cursor").mkdir()
    file = home / ".cursor/mcp.json"
    make(file)
    done = run(home, "install", "http://127.0.0.1:1/mcp", "cursor", ok=(1,))
    assert str(file) in done.stderr and list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_left_alone(home):
    file = put(home, ".cursor/mcp.json", "{}")
    file.chmod(0o400)
    assert "denied" in run(home, "install", "http://127.0.0.1:1/mcp", "cursor", ok=(1,)).stderr


def test_a_folder_that_cannot_be_made_is_told(home):
    put(home, ".cursor", "a file")
    done = run(home, "install", "http://127.0.0.1:1/mcp", "cursor", ok=(1,))
    assert ".cursor" in done.stderr and (home / ".cursor").read_text() == "a file"


def test_a_name_that_stands_there_twice_is_taken_out_twice(home):
    file = put(home, ".cursor/mcp.json", '{"mcpServers": {"a": {"url": "http://x"}, "b": {"url": '
                                         '"http://y"}, "\\u0061": {"url": "http://z"}}}')
    run(home, "uninstall", "a", "cursor")
    assert file.read_text() == '{"mcpServers": {"b": {"url": "http://y"}}}'


def test_a_large_file_with_history_is_changed_in_one_place(home):
    text = json.dumps({"history": ["x" * 100] * 20000, "projects": {
        f"/p{i}": {"allowedTools": [], "mcpServers": {}} for i in range(500)},
        **{f"seen{i}": 1 for i in range(100000)}}, indent=2)
    file = put(home, ".claude.json", text)
    run(home, "install", "http://127.0.0.1:1/mcp", "claude-code", "--name", "it")
    found = json.loads(file.read_text())
    assert found.pop("mcpServers") == {"it": {"type": "http", "url": "http://127.0.0.1:1/mcp"}}
    assert found == json.loads(text)


# ---------------------------------------------------------------- words

def test_commands_and_files_are_written_with_their_whole_path(home):
    put(home, "project/server.py", "")
    (home / "project/data").mkdir()
    done = run(home, "install", "cursor", "--", sys.executable, "server.py", "./data", "data", "-v")
    assert list(json.loads((home / USER["cursor"]).read_text())["mcpServers"]) == ["server"]
    assert entry(home / USER["cursor"])["args"] == [
        str(home / "project/server.py"), str(home / "project/data"), "data", "-v"]
    assert "--as-is" in done.stderr
    run(home, "install", "cursor", "--name", "server", "--as-is", "--force", "--", "nowhere", "server.py")
    assert entry(home / USER["cursor"]) == {"command": "nowhere", "args": ["server.py"]}


@pytest.mark.parametrize("args, hint", [
    (["install"], "needs a CLIENT"),
    (["install", "curser", "--", "cat"], "did you mean cursor?"),
    (["install", "nowhere", "cursor"], "is no target"),
    (["install", "https://example.com/mcp"], "needs a CLIENT"),
    (["install", "http://", "cursor"], "is no URL"),
    (["install", "cursor", "--"], "no command"),
    (["install", "a", "cursor", "--", "cat"], "One argument too many"),
    (["install", "cursor", "--user", "--project", "--", "cat"], "exclude each other"),
    (["install", "cursor", "--local", "--", "cat"], "Cursor has no servers of --local"),
    (["install", "claude-desktop", "--project", "--", "cat"], "no servers of --project"),
    (["install", "./x.json", "--project", "--", "cat"], "a place already"),
    (["install", "cursor", "--env", "A", "--", "cat"], "NAME=VALUE"),
    (["install", "cursor", "--header", "A: b", "--", "cat"], "for URLs only"),
    (["install", "http://h/", "cursor", "--env", "A=b"], "for programs only"),
    (["install", "http://h/", "cursor", "--header", "A"], "NAME: VALUE"),
    (["install", "http://h/", "cursor", "--header", "A: b\nC: d"], "cannot be entered"),
    (["install", "http://h/", "cursor", "--plugins", "."], "for gantry itself only"),
    (["install", "http://h/", "cursor", "--transport", "pigeon"], "http or sse"),
    (["install", "cursor", "--plugins", "nowhere"], "nowhere: No such file"),
    (["install", "cursor", "--name", "", "--", "cat"], "1 to 100 characters"),
    (["install", "cursor", "--name", "a\nb", "--", "cat"], "control characters"),
    (["install", "claude-code", "--name", "a b", "--", "cat"], "letters, digits"),
    (["uninstall", "cursor"], "needs NAME CLIENT"),
])
def test_wrong_usage_is_told(home, args, hint):
    done = run(home, *args, ok=(2,))
    assert hint in done.stderr and not done.stdout
    assert [p.name for p in home.iterdir()] == ["project"]


def test_what_is_not_there_is_told_with_a_suggestion(home):
    put(home, ".cursor/mcp.json", '{"mcpServers": {"weather": {"url": "http://x"}}}')
    assert 'did you mean "weather"?' in run(home, "uninstall", "wether", "cursor", ok=(1,)).stderr
    assert "no such program" in run(home, "install", "cursor", "--", "nowhere", ok=(1,)).stderr
    assert "has no entry" in run(home, "uninstall", "x", "gemini", ok=(1,)).stderr


def test_any_file_can_be_named(home):
    run(home, "install", "http://127.0.0.1:1/mcp", "./servers.json", "--name", "a")
    assert entry(home / "project/servers.json") == {"url": "http://127.0.0.1:1/mcp"}
    put(home, "project/other.json", '{"servers": {}}')
    run(home, "install", "http://127.0.0.1:1/mcp", "other.json", "--name", "a")
    assert list(json.loads((home / "project/other.json").read_text())["servers"]) == ["a"]
    listed = json.loads(run(home, "servers", "--config", "other.json", "-o", "json").stdout)["servers"]
    assert [s["target"] for s in listed] == ["http://127.0.0.1:1/mcp"]


def ask(home, answer, *args, meanwhile="pass"):
    """Runs a command at a terminal where somebody does something else, and then types the answer."""
    script = ("import os, pty, sys\n"
              "pid, fd = pty.fork()\n"
              "if pid == 0: os.execv(sys.argv[2], sys.argv[2:])\n"
              "said = b''\n"
              "while b'[y/N]' not in said: said += os.read(fd, 4096)\n"
              f"{meanwhile}\n"
              "os.write(fd, sys.argv[1].encode())\n"
              "try:\n"
              "    while chunk := os.read(fd, 4096): said += chunk\n"
              "except OSError: pass\n"
              "print(said.decode()); sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
    return subprocess.run([sys.executable, "-c", script, answer, GANTRY, *args], cwd=home / "project",
                          capture_output=True, text=True, timeout=60)


def test_a_person_is_asked_before_anything_is_written(home):
    no = ask(home, "\n", "install", "http://127.0.0.1:1/mcp", "cursor")
    assert no.returncode == 1 and "nothing was written" in no.stdout
    assert not (home / ".cursor").exists()
    yes = ask(home, "y\n", "install", "http://127.0.0.1:1/mcp", "cursor")
    assert yes.returncode == 0 and re.search(r"^\+.*url", yes.stdout, re.M)
    assert (home / ".cursor/mcp.json").exists()


def test_a_file_that_changes_meanwhile_is_left_as_it_is_then(home):
    file = put(home, ".cursor/mcp.json", "{}")
    done = ask(home, "y\n", "install", "http://127.0.0.1:1/mcp", "cursor",
               meanwhile=f"open({str(file)!r}, 'w').write('[1]')")
    assert done.returncode == 1 and "has changed meanwhile" in done.stdout
    assert file.read_text() == "[1]" and list(file.parent.iterdir()) == [file]


def test_nothing_is_written_without_a_backup(home):
    file = put(home, ".cursor/mcp.json", "{}")
    backup = home / ".cursor/mcp.json.gantry-backup"
    (backup / "full").mkdir(parents=True)
    done = run(home, "install", "http://127.0.0.1:1/mcp", "cursor", ok=(1,))
    assert str(backup) in done.stderr and file.read_text() == "{}"
    assert sorted(file.parent.iterdir()) == [file, backup]


def test_a_backup_goes_through_no_link(home):
    put(home, ".cursor/mcp.json", "{}")
    other = put(home, "other", "mine")
    (home / ".cursor/mcp.json.gantry-backup").symlink_to(other)
    run(home, "install", "http://127.0.0.1:1/mcp", "cursor")
    assert other.read_text() == "mine"
    assert (home / ".cursor/mcp.json.gantry-backup").read_text() == "{}"
