"""The CPU-seconds of each notebook and of its slowest cell: what `kit.machine.forecast` scales to other machines."""

import csv
import os
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import nbformat
import psutil

from kit.files import data_file
from kit.machine import profile, reference_seconds
from tests.bench.table import Table, at_most, median
from tests.notebooks.stamp import NOTEBOOKS, ROOT, chosen
from tests.patience import notebook_client

LIMIT, CELL_LIMIT = 60, 20  # seconds of one core
COLUMNS = ("notebook", "seconds", "slowest_cell", "date", "machine")


def tables(*names: str) -> Iterator[Table]:
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    yardsticks, measured = [], {}
    for path in chosen(names):
        print(path.stem, flush=True)
        yardsticks.append(reference_seconds())  # at all times of the run, since the machine's load may change
        measured[path.stem[:2]] = cpu_seconds(path)
    record(median(yardsticks), measured)
    rows = []
    for name, (whole, cell) in measured.items():
        rows.append(([name, f"{whole:.1f} s"], at_most(whole, LIMIT, " s")))
        rows.append((["   slowest cell", f"{cell:.1f} s"], at_most(cell, CELL_LIMIT, " s")))
    rows.append((["yardstick", f"{1000 * median(yardsticks):.1f} ms"], None))
    yield Table(title="Notebooks from the top, now in data/measured/notebooks.csv", columns=["what", "CPU"], rows=rows)


def cpu_seconds(path: Path) -> tuple[float, float]:
    """Run a notebook, and leave it as it is; give the CPU-seconds of its kernel, and of its slowest cell."""
    client = notebook_client(nbformat.read(path, as_version=4), path.parent)
    clock = [0.0]

    def spent(**_) -> None:  # called after every cell
        times = psutil.Process(client.km.provisioner.pid).cpu_times()
        clock.append(times.user + times.system + times.children_user + times.children_system)

    client.on_cell_complete = spent
    client.execute()
    return clock[-1], max(after - before for before, after in pairwise(clock))


def record(yardstick: float, measured: dict[str, tuple[float, float]]) -> None:
    """Write the times, each beside the day and the machine that it was measured on.

    Where only some notebooks were measured, the others' rows stay, and so does the yardstick: what is
    new is scaled to it.
    """
    machine, path = profile(), data_file("measured/notebooks.csv")
    where = {"date": date.today().isoformat(), "machine": f"{machine.name}, {machine.cores} cores"}
    rows: dict[str, dict] = {}
    if len(measured) < len(NOTEBOOKS):
        with path.open(newline="", encoding="utf-8") as file:
            rows = {row["notebook"]: row for row in csv.DictReader(file)}
    rows.setdefault("yardstick", {"seconds": f"{yardstick:.4f}", **where})
    scale = float(rows["yardstick"]["seconds"]) / yardstick
    for name, (whole, cell) in measured.items():
        rows[name] = {"seconds": f"{scale * whole:.0f}", "slowest_cell": f"{scale * cell:.0f}", **where}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            rows[name] | {"notebook": name} for name in ("yardstick", *sorted(rows.keys() - {"yardstick"}))
        )
