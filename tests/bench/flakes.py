"""The notebook tests ten times in a row: how many runs fail though nothing changed.

python run.py bench flakes                      ten runs of all
python run.py bench flakes 2 00_start_here      two of those named
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Bar, Table, at_most
from tests.notebooks.stamp import chosen

RUNS = 10


def tables(*names: str) -> Iterator[Table]:
    root, rows, failed = Path(__file__).parents[2], [], 0
    runs = int(names[0]) if names and names[0].isdigit() else RUNS
    notebooks = chosen(each for each in names if not each.isdigit())
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--color=no", *map(str, notebooks)]
    for run in range(1, runs + 1):
        result = subprocess.run(command, cwd=root, capture_output=True, text=True)
        failed += result.returncode != 0
        summary = re.sub(r"^=+ | =+$", "", result.stdout.strip().splitlines()[-1])
        rows.append(([f"run {run}", summary], None))
        print(f"run {run} of {runs}: {summary}", flush=True)
    bar: Bar = at_most(failed, 0)
    yield Table(
        title="The notebook tests in a row", columns=["run", "outcome"], rows=[*rows, (["failed", str(failed)], bar)]
    )
