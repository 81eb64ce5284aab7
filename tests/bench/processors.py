"""Every notebook's comparison, computed as other processors compute: which cells would fail elsewhere.

The libraries choose their instructions at start; each setting makes them choose as they would on
another machine. A setting that this processor lacks is left out: an unknown instruction ends a process.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Table, at_most
from tests.notebooks.stamp import NOTEBOOKS, ROOT

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


def settings() -> dict[str, dict[str, str]]:
    """Name the environments to compute in: this processor's own, lesser ones, and two threads."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        flags = ""
    wide, narrow = "avx512f" in flags, "avx2" in flags
    lesser = ({"AVX2": AVX2} if wide else {}) | ({"SSE": SSE} if narrow else {})
    return {"as it is": {}, **lesser, "two threads": {"OMP_NUM_THREADS": "2"}}


def tables() -> Iterator[Table]:
    found = {name: run(extra) for name, extra in settings().items()}
    rows = [
        (
            [path.stem, *(f"{len(cells[path.stem])} of {counts[path.stem]} cells" for cells, counts in found.values())],
            None,
        )
        for path in NOTEBOOKS
    ]
    for name, (cells, _) in found.items():
        for notebook, failed in cells.items():
            for cell in failed:
                print(f"  {name}: {notebook} {cell}")
    failures = sum(len(failed) for cells, _ in found.values() for failed in cells.values())
    rows.append(
        (["failures", *(str(sum(map(len, cells.values()))) for cells, _ in found.values())], at_most(failures, 0))
    )
    yield Table(title="Notebooks as other processors compute them: cells that fail", columns=["", *found], rows=rows)


def run(extra: dict[str, str]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Run all notebook tests in one environment; give each notebook's failed cells, and how many there were."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--color=no", "-rA", "--tb=no", "notebooks"]
    env = {"OMP_NUM_THREADS": "1"} | os.environ | extra
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env).stdout
    failed = {path.stem: [] for path in NOTEBOOKS}
    counts = dict.fromkeys(failed, 0)
    for outcome, notebook, cell in re.findall(r"^(\w+) notebooks/(\w+)\.ipynb::(Cell \d+)", printed, re.M):
        counts[notebook] += 1
        if outcome != "PASSED":
            failed[notebook].append(cell)
    return failed, counts
