"""The tests with six busy processes beside them: whether any depends on idle cores.

python run.py bench busy                                    all tests
python run.py bench busy notebooks/00_start_here.ipynb      those named
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.table import Table, at_most
from tests.notebooks.stamp import ROOT

N_BUSY = 6
SPIN = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"  # ends with its parent, too


def tables(*names: str) -> Iterator[Table]:
    with ExitStack() as stack:
        for _ in range(N_BUSY):
            stack.callback(end, subprocess.Popen([sys.executable, "-c", SPIN]))
        command = [sys.executable, "-m", "pytest", "-n", "2", "--color=no", *names]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
            printed = []
            for line in tests.stdout or ():
                printed.append(line)
                print(line, end="", flush=True)
    summary = re.sub(r"^=+ | =+$", "", printed[-1].strip()) if printed else "nothing was printed"
    bad = at_most(int(tests.returncode != 0), 0)
    rows = [(["outcome", summary], None), (["runs that fail", "no" if bad.holds else "yes"], bad)]
    yield Table(title=f"The tests with {N_BUSY} busy processes beside them", columns=["what", ""], rows=rows)


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
