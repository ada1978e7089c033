"""`gantry config check` where plugins are listed: each is looked for and tried with its settings."""

import subprocess

from harness.paths import GANTRY, PATIENCE, PLUGINS, WRAP


def said_by(*args, ok=0):
    done = subprocess.run([*WRAP, GANTRY, *map(str, args)], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == ok, done
    return done.stdout


def test_config_check_tries_the_plugins_that_are_listed(tmp_path):
    file = tmp_path / "gantry.yaml"
    file.write_text(f"loading:\n  folders: [{PLUGINS}]\nplugins:\n  - hello\n  - plugin: nosuch\n"
                    "  - plugin: files\n    settings: {rots: [x]}\n  - plugin: files\n    name: other\n"
                    f"    settings: {{roots: [{tmp_path}], zebra: 1}}\n"
                    "  - plugin: gone\n    enabled: false\n  - /nowhere/x.so\n")
    said = said_by("config", "check", file, ok=1).splitlines()
    assert len(said) == 4, said
    assert said[0] == f"{file}:5: plugins[1]: there is no nosuch.so in the plugin folders"
    assert said[1].startswith(f"{file}:6: plugins[2].settings: missing") and '"roots"?' in said[1]
    assert said[2].startswith(f"{file}:8: plugins[3].settings: unknown")
    assert "known settings: roots" in said[2]
    assert said[3] == f"{file}:13: plugins[5]: there is no /nowhere/x.so"


def test_config_check_looks_where_serve_would(tmp_path):
    file = tmp_path / "gantry.yaml"
    file.write_text("plugins: [hello]\n")
    assert "no folder is configured" in said_by("config", "check", file, ok=1)
    assert said_by("config", "check", "--plugins", PLUGINS, file) == f"{file}: fine\n"
    assert said_by("config", "check", "--plugin", PLUGINS / "hello.so", file) == f"{file}: fine\n"


def test_help_takes_the_first_word_of_config_check():
    assert said_by("help", "config") == said_by("help", "config", "check")
