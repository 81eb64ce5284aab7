"""What nbval lacks: pictures and ≈ numbers compared, a dead kernel noticed, patience, cells run as JupyterLab does.

The corpus of the text notebooks is Python's own standard library, another text in each version of
Python. Under another version than the stored one they must run, and their numbers may differ.
"""

import os
import platform
import queue
import time
from pathlib import Path

import nbval.kernel
import nbval.plugin
import pytest

from tests.notebooks.numbers import settled
from tests.notebooks.pictures import different, tolerance
from tests.patience import CELL, KERNEL

VERDICT = "application/vnd.learnkit.verdict+json"  # that of kit.check.claim, which must not be imported yet
STARTUP = Path(__file__).with_name("startup.py")  # run by every kernel before the first cell

os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited by kernels and by parallel workers

RETRIED = 1  # seconds; after so short a wait nbval asks again, while after its others it gives up

_start = nbval.kernel.RunningKernel.__init__
_get_message = nbval.kernel.RunningKernel.get_message
_compare = nbval.plugin.IPyNbCell.compare_outputs


def start(self, *args, **kwargs):
    """Hide from the kernel that it runs under pytest, else child processes' output is not captured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST", raising=False)
        patch.setenv("PYTHONSTARTUP", str(STARTUP))
        _start(self, *args, **kwargs)


def get_message(self, stream, timeout=None):
    """Wait as long as a busy machine takes, but report within two seconds a kernel that died."""
    end = time.monotonic() + (timeout if timeout == RETRIED else CELL)
    while True:
        try:
            return _get_message(self, stream, timeout=min(1, max(0.05, end - time.monotonic())))
        except queue.Empty:
            if time.monotonic() >= end:
                raise
            if not self.is_alive():
                raise RuntimeError("the notebook's kernel died") from None


def execute_cell_input(self, cell_input, allow_stdin=None):
    """Run with history, as JupyterLab does: a semicolon at the end of a line then hides its value."""
    return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


def reads_another_library(book):
    """Tell whether a notebook reads the standard library, and was stored under another version of it."""
    stored = book.metadata.language_info.get("version", platform.python_version())
    reads = any("kit.text.corpus" in cell.source for cell in book.cells if cell.cell_type == "code")
    return reads and stored != platform.python_version()


def compare_outputs(self, test, ref, skip_compare=None):
    """Forgive ≈ numbers what they may move, let nbval compare the rest, then look at the pictures."""
    if reads_another_library(self.parent.nb):
        return True
    for new, stored in zip(test, ref, strict=False):
        settle(new, stored)
    if not _compare(self, test, ref, skip_compare):
        return False
    new, stored = ([o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
                   for outputs in (test, ref))  # fmt: skip
    if len(new) != len(stored):
        self.comparison_traceback.append(f"{len(stored)} pictures are stored, {len(new)} were drawn")
        return False
    within = tolerance(self.cell.metadata.get("tags", []))
    problems = [problem for a, b in zip(stored, new, strict=True) if (problem := different(a, b, within=within))]
    self.comparison_traceback += [f"{problem}: run `python run.py notebooks` and look" for problem in problems]
    return not problems


def settle(new, stored):
    """Write an output's ≈ numbers as they are stored, where they are near."""
    for texts, old in ((new, stored), (new.get("data", {}), stored.get("data", {}))):
        for key in {"text", "text/plain", "text/html"} & texts.keys() & old.keys():
            texts[key] = settled(old[key], texts[key])
    said, data, old = "text/plain", new.get("data", {}), stored.get("data", {})
    if VERDICT in data and VERDICT in old and data[said] == old[said]:  # the same numbers, with more digits
        data[VERDICT] = old[VERDICT]


def pytest_configure(config):
    """Put the four in nbval's place for this run, with the waits of all tests."""
    config.option.nbval_cell_timeout, config.option.nbval_kernel_startup_timeout = CELL, KERNEL
    patch = pytest.MonkeyPatch()
    patch.setattr(nbval.kernel.RunningKernel, "__init__", start)
    patch.setattr(nbval.kernel.RunningKernel, "get_message", get_message)
    patch.setattr(nbval.kernel.RunningKernel, "execute_cell_input", execute_cell_input)
    patch.setattr(nbval.plugin.IPyNbCell, "compare_outputs", compare_outputs)
