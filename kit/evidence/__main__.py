"""Run experiments, and store what they measure; what is stored already is kept.

    python run.py evidence                 every experiment
    python run.py evidence labels ranks    those named
    python run.py evidence --list          what there is, and how much of it is stored
    python run.py evidence --fresh         the same with seeds that nobody has seen, stored apart

A line is written as soon as its run ends: stopped at any moment, it goes on from there the next time.

Taught in: every notebook
"""

import csv
import os
import pkgutil
import platform
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

import kit.evidence
from kit.evidence.store import FIRST_SEED, FRESH, Experiment, key, stored_lines
from kit.machine import profile


def experiments() -> dict[str, Experiment]:
    """Find the experiments that the modules of kit.evidence define, by name."""
    found: dict[str, Experiment] = {}
    for module in pkgutil.iter_modules(kit.evidence.__path__, "kit.evidence."):
        if not module.name.endswith("__main__"):
            things = vars(import_module(module.name)).values()
            found |= {thing.name: thing for thing in things if isinstance(thing, Experiment)}
    return found


def measure(name: str, run: dict[str, Any]) -> dict[str, float]:
    """Run one repetition, in a process of its own."""
    import torch

    torch.set_num_threads(1)
    return dict(experiments()[name].measure(**run))


def fill(experiment: Experiment, *, workers: int) -> int:
    """Run what is missing, and add a line for each run to the experiment's file; return how many there were."""
    there = stored_lines(experiment)
    missing = [run for run in experiment.runs() if key(run) not in there]
    if not missing:
        return 0
    machine = profile()
    made = (date.today().isoformat(), f"{machine.name}, {machine.cores} cores", commit())
    experiment.path.parent.mkdir(parents=True, exist_ok=True)
    with (
        experiment.path.open("a", newline="", encoding="utf-8") as file,
        ProcessPoolExecutor(1 if experiment.alone else workers, mp_context=get_context("spawn")) as pool,
        tqdm(total=len(missing), desc=experiment.name, unit="run") as progress,
    ):
        writer = csv.writer(file, lineterminator="\n")
        if not there:
            writer.writerow(experiment.columns)
        running = {pool.submit(measure, experiment.name, run): run for run in missing}
        for done in as_completed(running):
            numbers = done.result()
            writer.writerow([*key(running[done]), *(f"{numbers[q]:.6g}" for q in experiment.quantities), *made])
            file.flush()
            progress.update()
    put_in_order(experiment)
    return len(missing)


def put_in_order(experiment: Experiment) -> None:
    """Write the lines in the order of the runs, in which they may not have ended."""
    lines = stored_lines(experiment)
    ordered = [lines[key(run)] for run in experiment.runs() if key(run) in lines]
    beside = experiment.path.with_suffix(".part")
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, experiment.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)
    beside.replace(experiment.path)


def commit() -> str:
    """Name the commit that is checked out, with a plus where files differ from it."""
    root = Path(__file__).parents[2]
    try:
        asked = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        return subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # an installed kit
        return f"none, Python {platform.python_version()}"


def main(names: list[str]) -> int:
    known = experiments()
    if names[:1] == ["--fresh"]:
        os.environ[FIRST_SEED], names = str(FRESH), names[1:]
    if names == ["--list"]:
        for name, experiment in known.items():
            print(f"{name}: {len(stored_lines(experiment))} of {len(list(experiment.runs()))} runs stored")
        return 0
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no experiment named {', '.join(unknown)}; there are {', '.join(known) or 'none'}")
        return 2
    for name in names or known:
        ran = fill(known[name], workers=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
        print(f"{name}: {ran} runs made, {len(stored_lines(known[name]))} stored")
    return 0


if __name__ == "__main__":
    from kit.evidence.__main__ import main as command  # its functions then have an address that new processes know

    sys.exit(command(sys.argv[1:]))
