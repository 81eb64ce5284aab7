import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["basedpyright", "--level", "error"],
    ],
    ids=["ruff check", "ruff format", "pyright"],
)
def test_style(command):
    tool = Path(sys.executable).with_name(command[0])
    result = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_names_this_machine():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    home = str(ROOT)
    for name in filter(None, tracked.split("\0")):
        text = (ROOT / name).read_text(encoding="utf-8", errors="ignore")
        assert home not in text, f"{name} holds the path of this checkout"
