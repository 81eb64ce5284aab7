"""Claim F03: whether data split into chunks can be worked on in parallel, and what a second worker saves.

A repetition deals files of Python's standard library out to eight shards, and cleans them with one worker and with two.

Taught in: 15
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from kit.evidence.store import Experiment
from kit.evidence.text_pipeline import library, size
from kit.text.clean import mask_pii, normalize
from kit.text.pipeline import Clean
from kit.text.quality import Limits
from kit.text.shards import stream, transform_all, write_shards


def two_workers(*, seed: int) -> dict[str, float]:
    """Deal 150 files out to eight shards in random order, and clean them with one worker and with two.

    Returns:
        The bytes of all shards at which the two "differ"; the documents "lost" and "doubled" by two workers; the
        share of the bytes that the "busier" of two has if they take every other shard.
    """
    order = np.random.default_rng(seed).permutation(len(library()))
    dealt = [library()[k] for k in order[:150]]
    kept = {d.name for d in dealt if not Limits().complaints(mask_pii(normalize(d.text)))}
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(dealt, Path(folder) / "raw", n_shards=8)
        one, two = (transform_all(shards, Path(folder) / str(n), Clean(), n_workers=n) for n in (1, 2))
        names = [document.name for document, _ in stream(two)]
        bytes_of = [path.stat().st_size for path in shards]
        return {
            "differ": sum(differing(a.read_bytes(), b.read_bytes()) for a, b in zip(one, two, strict=True)),
            "lost": len(kept - set(names)),
            "doubled": len(names) - len(set(names)),
            "busier": max(sum(bytes_of[0::2]), sum(bytes_of[1::2])) / sum(bytes_of),
        }


def worker_start(*, seed: int) -> dict[str, float]:
    """Time two processes that start Python and import the pipeline, and the cleaning of 150 files by one.

    Returns:
        CPU-seconds of the "start" of both, and of the cleaning of a "megabyte".
    """
    dealt = [library()[k] for k in np.random.default_rng(seed).permutation(len(library()))[:150]]
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(dealt, Path(folder) / "raw", n_shards=8)
        before = time.process_time()
        transform_all(shards, Path(folder) / "clean", Clean())
        work, before = time.process_time() - before, _seconds_of_children()
    for _ in range(2):
        importing = [sys.executable, "-c", f"import {Clean.__module__}"]
        subprocess.run(importing, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    start = _seconds_of_children() - before
    return {"start": start, "megabyte": work / (size([d.text for d in dealt]) / 1e6)}


def _seconds_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def differing(one: bytes, other: bytes) -> int:
    """Count the places at which two files differ, and what one of them has more."""
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))


TWO_WORKERS = Experiment(
    name="two_workers", measure=two_workers, seeds=10, quantities=("differ", "lost", "doubled", "busier")
)
WORKER_START = Experiment(name="worker_start", measure=worker_start, seeds=10, quantities=("start", "megabyte"))
