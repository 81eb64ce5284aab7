"""How long set-up takes with each Python that is here, which build of PyTorch comes, and whether the tests then pass.

python -m tests.bench.set_up
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Bar, Table

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
QUICK = ("tests/house", "tests/learn")


def interpreter(version: str) -> str | None:
    """Find a Python of this version: pyenv's, else one on the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob(f"{version}.*/bin/python"))
    return str(found[-1]) if found else shutil.which(f"python{version}")


def try_out(python: str, clone: Path) -> tuple[list[str], Bar]:
    """Set up a fresh clone with one Python, then run the quick tests in it."""
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    options = {"cwd": clone, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    start = time.perf_counter()
    said = subprocess.run([python, "-c", "from set_up import set_up; set_up('test')"], **options)
    minutes = f"{(time.perf_counter() - start) / 60:.1f} minutes"
    build = re.search(r"^PyTorch .*\.$", said.stdout, re.M)
    if said.returncode or not build:
        print(said.stdout)
        return [minutes, "none", "not run"], Bar(text="all pass", holds=False)
    tests = subprocess.run([python, "run.py", "test", "-q", "--color=no", *QUICK], **options)
    if tests.returncode:
        print(tests.stdout)
    return [minutes, build[0], tests.stdout.splitlines()[-1]], Bar(text="all pass", holds=tests.returncode == 0)


def tables() -> Iterator[Table]:
    rows: list[tuple[list[str], Bar | None]] = []
    for version in PYTHONS:
        python = interpreter(version)
        if not python:
            rows.append(([f"Python {version}", "", "", "no such Python here"], None))
            continue
        with tempfile.TemporaryDirectory() as folder:
            cells, bar = try_out(python, Path(folder) / "learnkit")
        rows.append(([f"Python {version}", *cells], bar))
    yield Table(title="Set-up in a fresh clone", columns=["", "wall", "build", "quick tests"], rows=rows)


if __name__ == "__main__":
    for table in tables():
        print(table)
