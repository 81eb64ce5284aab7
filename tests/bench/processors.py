"""Every notebook's comparison, computed as other processors compute: which cells would fail elsewhere.

The libraries choose their instructions at start; each setting makes them choose as they would on
another machine. A setting that this processor lacks is left out: an unknown instruction ends a process.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat

from tests.bench.table import Table, at_most
from tests.notebooks.stamp import ROOT, chosen

SSE = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
}
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
# one notebook at a time; a thread that waits gives its core away, or two notebooks' threads would wait for each other
TWO_THREADS = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}


def settings() -> dict[str, dict[str, str]]:
    """Name the environments to compute in: this processor's own, lesser ones, and two threads."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        flags = ""
    wide, narrow = "avx512f" in flags, "avx2" in flags
    lesser = ({"AVX2": AVX2} if wide else {}) | ({"SSE": SSE} if narrow else {})
    return {"as it is": {}, **lesser, "two threads": TWO_THREADS}


def tables(*names: str) -> Iterator[Table]:
    paths = chosen(names)
    found = {name: run(name, extra, paths) for name, extra in settings().items()}
    rows, failures, verdicts = [], dict.fromkeys(found, 0), dict.fromkeys(found, 0)
    for path in paths:
        settling = cells_that_settle(path)
        row = [path.stem]
        for name, outcomes in found.items():
            failed = [cell for cell, passed in outcomes[path.stem].items() if not passed]
            failures[name] += len(failed)
            verdicts[name] += len(settling.intersection(failed))
            row.append(f"{len(failed)} of {len(outcomes[path.stem])}")
        rows.append((row, None))
    rows.append((["cells that fail", *map(str, failures.values())], at_most(sum(failures.values()), 0)))
    rows.append((["verdicts that differ", *map(str, verdicts.values())], at_most(sum(verdicts.values()), 0)))
    yield Table(title="Notebooks as other processors compute them: cells that fail", columns=["", *found], rows=rows)


def cells_that_settle(path: Path) -> set[int]:
    """Find the code cells that give a verdict, by their place from 0, as nbval counts them."""
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return {i for i, cell in enumerate(code) if re.search(r"\b(settle\(|\.reveal\()", cell.source)}


def run(name: str, extra: dict[str, str], paths: Sequence[Path]) -> dict[str, dict[int, bool]]:
    """Run notebooks' tests in one environment; tell for each cell of each notebook whether it passed."""
    print(f"{name}:", flush=True)
    workers = "1" if extra is TWO_THREADS else "2"
    command = [sys.executable, "-m", "pytest", "-v", "-n", workers, "--color=no", "--tb=no", *map(str, paths)]
    options = {"cwd": ROOT, "env": {"OMP_NUM_THREADS": "1"} | os.environ | extra, "text": True}
    outcomes: dict[str, dict[int, bool]] = {path.stem: {} for path in paths}
    printed = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options) as process:
        for line in process.stdout or ():
            printed.append(line)
            if found := re.search(r"(PASSED|FAILED|ERROR|SKIPPED) notebooks/(\w+)(?:\.|::)ipynb::Cell (\d+)", line):
                outcome, notebook, cell = found.groups()
                if not outcomes[notebook]:
                    print(f"  {notebook} begun", flush=True)
                outcomes[notebook][int(cell)] = outcome == "PASSED"
                if outcome != "PASSED":
                    print(f"  {notebook}, cell {cell}: {outcome}", flush=True)
    missing = [path.stem for path in paths if set(outcomes[path.stem]) != set(range(n_code_cells(path)))]
    if missing:
        raise RuntimeError(f"not every cell of {', '.join(missing)} has an outcome:\n{''.join(printed[-40:])}")
    return outcomes


def n_code_cells(path: Path) -> int:
    return sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)
