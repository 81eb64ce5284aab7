"""The command itself, once in a real process."""

import subprocess
import sys

from kit.evidence import __main__ as command


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "kit.evidence", *arguments], capture_output=True, text=True)


def test_the_list_names_every_experiment(capsys):
    assert command.main(["--list"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [*command.experiments()]


def test_an_unknown_name_is_refused_with_those_there_are():
    result = run("no_such_contest")
    assert result.returncode == 2
    assert "no experiment named no_such_contest; there are" in result.stdout
