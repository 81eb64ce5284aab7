"""The notebook tests ten times in a row: how many runs fail though nothing changed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Bar, Table, at_most

RUNS = 10


def tables() -> Iterator[Table]:
    root, rows, failed = Path(__file__).parents[2], [], 0
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--color=no", "notebooks"]
    for run in range(1, RUNS + 1):
        result = subprocess.run(command, cwd=root, capture_output=True, text=True)
        failed += result.returncode != 0
        summary = re.sub(r"^=+ | =+$", "", result.stdout.strip().splitlines()[-1])
        rows.append(([f"run {run}", summary], None))
    bar: Bar = at_most(failed, 0)
    yield Table(
        title="The notebook tests in a row", columns=["run", "outcome"], rows=[*rows, (["failed", str(failed)], bar)]
    )
