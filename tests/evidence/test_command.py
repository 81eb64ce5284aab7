"""The command itself, in real processes."""

import subprocess
import sys


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "kit.evidence", *arguments], capture_output=True, text=True)


def test_the_list_names_every_experiment():
    assert run("--list").returncode == 0


def test_an_unknown_name_is_refused_with_those_there_are():
    result = run("no_such_contest")
    assert result.returncode == 2
    assert "no experiment named no_such_contest; there are" in result.stdout
