"""How long each notebook takes from the top, on one thread: what `kit.machine.forecast` scales to other machines."""

import csv
import os
import shutil
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.files import data_file
from kit.machine import profile, reference_seconds
from tests.bench.table import Table, at_most, median
from tests.notebooks.execute import execute
from tests.notebooks.stamp import NOTEBOOKS, ROOT

LIMIT = 60  # seconds on two cores
COLUMNS = ("notebook", "seconds", "date", "machine")


def tables() -> Iterator[Table]:
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    yardsticks, seconds = [], {}
    for path in NOTEBOOKS:
        yardsticks.append(reference_seconds())  # at all times of the run, since the machine's load may change
        seconds[path.stem[:2]] = wall_seconds(path)
    record({"yardstick": f"{median(yardsticks):.4f}"} | {name: f"{wall:.0f}" for name, wall in seconds.items()})
    rows = [([name, f"{wall:.1f} s"], at_most(wall, LIMIT, " s")) for name, wall in seconds.items()]
    rows.append((["yardstick", f"{1000 * median(yardsticks):.1f} ms"], None))
    yield Table(title="Notebooks from the top, now in data/measured/notebooks.csv", columns=["what", "wall"], rows=rows)


def wall_seconds(path: Path) -> float:
    """Execute a copy of a notebook, its kernel's start included."""
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copy(path, folder))
        begun = time.perf_counter()
        execute(copy)
        return time.perf_counter() - begun


def record(seconds: dict[str, str]) -> None:
    """Write the times, each beside the day and the machine that it was measured on."""
    machine = profile()
    where = f"{machine.name}, {machine.cores} cores"
    with data_file("measured/notebooks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([name, wall, date.today().isoformat(), where] for name, wall in seconds.items())
