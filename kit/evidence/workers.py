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
from kit.text.corpus import Document
from kit.text.pipeline import Clean
from kit.text.quality import Limits
from kit.text.shards import stream, transform_all, write_shards

QUIET = 0.05  # processors: what others may keep busy beside a run that the clock decides
LARGE = 100_000_000  # bytes: what the claim's sentence on speed asks for


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


def throughput(*, seed: int) -> dict[str, float]:
    """Clean 100 MB in eight shards with one worker and with two; whoever begins takes turns.

    The files of the library are dealt out in random order, again and again until there are 100 MB of them.

    Returns:
        Seconds by the clock of "one" worker and of "two", starts included; how many processors "others" kept busy
        meanwhile. Where that is above `QUIET`, the machine was not free, and the clock timed others too.
    """
    rng, missing = np.random.default_rng(seed), LARGE
    dealt: list[Document] = []
    while missing > 0:
        document = library()[int(rng.integers(len(library())))]
        dealt.append(document)
        missing -= size([document.text])
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(dealt, Path(folder) / "raw", n_shards=8)
        before, seconds = (_busy(), time.process_time() + _seconds_of_children()), {}
        for name, n in (("one", 1), ("two", 2))[:: 1 if seed % 2 else -1]:
            began = time.perf_counter()
            transform_all(shards, Path(folder) / name, Clean(), n_workers=n)
            seconds[name] = time.perf_counter() - began
    own = time.process_time() + _seconds_of_children() - before[1]
    return {**seconds, "others": max(0.0, (_busy() - before[0] - own) / sum(seconds.values()))}


def _busy() -> float:
    """Give the seconds that all processors together have worked for anyone since the machine was started."""
    user, nice, system = map(int, Path("/proc/stat").read_text(encoding="utf-8").split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


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
THROUGHPUT = Experiment(
    name="throughput", measure=throughput, seeds=10, quantities=("one", "two", "others"), alone=True
)
WORKER_START = Experiment(name="worker_start", measure=worker_start, seeds=10, quantities=("start", "megabyte"))
