"""Know this machine: what it computes with, how fast, and how long a notebook will take on it.

Taught in: 00
"""

import csv
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit.arguments import count, function, one_of
from kit.files import data_file

DTYPES = ("float32", "bfloat16", "float16")
REFERENCE_LOOPS = 200_000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the notebooks fit their sizes to.

    Args:
        device: "cpu" or "cuda".
        name: of the processor or the GPU.
        memory_gb: of the device, in 10⁹ bytes; 0 where the system does not say.
    """

    device: str
    name: str
    cores: int
    memory_gb: float


def profile() -> Profile:
    """Look at the machine: its GPU where torch can use one, else its processor."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        return Profile(device="cuda", name=gpu.name, cores=cores, memory_gb=gpu.total_memory / 1e9)
    return Profile(device="cpu", name=_processor(), cores=cores, memory_gb=_memory() / 1e9)


def matmul_speed(dtype: str, *, size: int = 512, repeats: int = 5) -> float:
    """Measure matrix products of one dtype, in 10⁹ floating-point operations per second.

    A product of two n-by-n matrices is n² dot products of n multiplications and n additions:
    2 n³ operations. The best of the repeats is returned: what the machine can do undisturbed.

    Raises:
        TypeError: if `size` or `repeats` is not a whole number.
        ValueError: if `dtype` is not one of float32, bfloat16 and float16, or a count is < 1.
    """
    import torch

    one_of("dtype", dtype, DTYPES)
    size, repeats = count("size", size), count("repeats", repeats)
    device = profile().device
    a = torch.randn(size, size, generator=torch.Generator().manual_seed(0)).to(device, getattr(torch, dtype))

    def product() -> None:
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()

    product()  # the first call pays for set-up
    return 2 * size**3 / min(_seconds(product) for _ in range(repeats)) / 1e9


def reference_seconds() -> float:
    """Time a fixed piece of plain Python and NumPy: the yardstick that notebook times are scaled by."""
    import numpy as np

    matrix = np.random.default_rng(0).normal(size=(256, 256))

    def work() -> None:
        total = 0.0
        for i in range(REFERENCE_LOOPS):
            total += i % 7
        for _ in range(20):
            matrix @ matrix

    work()
    return min(_seconds(work) for _ in range(3))


def seconds_in_turn(
    *works: Callable[[], object], repeats: int = 9, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Time rivals one after the other, again and again, so that what else the machine does slows all alike.

    The ratio of two medians, or the median of the ratios of each turn, is then a fair comparison.

    Args:
        clock: tells seconds; `time.process_time` tells those that this process alone computes.

    Returns:
        For each of the works, the seconds of each turn; a first call of each, which pays for set-up, is left out.

    Raises:
        TypeError: if a work or the clock is not a function, or `repeats` not a whole number.
        ValueError: if `repeats` < 1.

    >>> [len(seconds) for seconds in seconds_in_turn(int, float, repeats=3)]
    [3, 3]
    """
    repeats = count("repeats", repeats)
    function("clock", clock)
    for work in works:
        function("works", work)
        work()
    turns = [[_seconds(work, clock) for work in works] for _ in range(repeats)]
    return [list(seconds) for seconds in zip(*turns, strict=True)]


def forecast() -> dict[str, float]:
    """Forecast the seconds that each notebook takes here, by its measured time on another machine.

    data/measured/notebooks.csv holds that machine's seconds for each notebook and for the
    yardstick; the forecast scales the one by the ratio of the yardsticks.
    """
    with data_file("measured/notebooks.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["notebook"]: float(row["seconds"]) for row in csv.DictReader(file)}
    ratio = reference_seconds() / rows.pop("yardstick")
    return {notebook: seconds * ratio for notebook, seconds in rows.items()}


def _seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # macOS, Windows, and Arm, whose cpuinfo names no model
        return platform.processor() or platform.machine()


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
