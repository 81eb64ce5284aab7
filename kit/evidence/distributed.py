"""Claims I01 and I02: one training spread over ranks, by data, by tensors and by a pipeline, held against one process.

I01.1. A repetition draws first weights and the order of the stories anew. Two gloo processes under torchrun train the
story GPT by DDP, by tensors and by a 1F1B pipeline of four micro-batches, ten steps of twelve stories of unequal
length, in float64, in which rounding cannot hide a fault of the method. Measured is the largest difference of
the tenth step's gradients from those of one process, relative to the largest number of their tensor.

I01.2. A repetition times twelve steps of DDP after three, by the clock between two barriers, on one process and on
two, with as many stories a worker; who begins takes turns. The GPT is four times as wide as the story GPT,
3.3 million weights, since of a smaller one the exchange alone would be timed.

I01.3, I02.1. Counted once, for nothing in it is drawn: the bytes of weights, gradients and Adam's state that a rank
keeps after a step; of a DTensor its own part alone. For I02.1 the model is FSDP's on two and on four ranks.

Taught in: 24
"""

import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist

from kit.evidence.store import Experiment
from kit.files import write_whole
from kit.models.gpt import GPT
from kit.scale.data_parallel import replicated
from kit.scale.launch import process_group, torchrun
from kit.scale.memory import PARTS
from kit.scale.shares import share_loss, shares
from kit.scale.story import STORY_GPT, stories
from kit.train.batches import epochs
from kit.train.loop import fit

WAYS = {"data": "data", "tensor": "tensor", "pipeline": "1F1B"}
PATIENCE = 900  # seconds that a rank may take on a busy machine
WIDE, ROWS, WARM, TIMED = 4 * STORY_GPT.d_model, 16, 3, 12


def compared(*arguments: str, n_ranks: int) -> list[dict]:
    """Run kit.scale.agree on some ranks, and read what it wrote."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "found.json"
        torchrun("kit.scale.agree", "--out", str(out), *arguments, n_ranks=n_ranks, timeout=PATIENCE)
        return json.loads(out.read_text(encoding="utf-8"))


def same_step(*, seed: int) -> dict[str, float]:
    """Train on two ranks and on one; give the largest relative difference of the tenth step's gradients, by way."""
    found = compared("--seeds", str(seed), "--strategies", *WAYS.values(), n_ranks=2)
    return {way: line["gradients"] for way, line in zip(WAYS, found, strict=True)}


def kept_bytes(*, n_ranks: int, seed: int) -> dict[str, float]:
    """Count what each rank keeps.

    Returns:
        For FSDP and each part, the "most" and the "least" of a rank, as shares of one process's; for "tensor" and
        "pipeline" all parts of the fuller rank, as a share of one process's.
    """
    found = compared("--seeds", str(seed), "--steps", "1", "--strategies", "FSDP", "tensor", "1F1B", n_ranks=n_ranks)
    sharded, tensor, pipeline = found
    shares_kept = {part: [rank[part] / sharded["bytes of one"][part] for rank in sharded["bytes"]] for part in PARTS}
    return {
        **{f"{part} most": max(each) for part, each in shares_kept.items()},
        **{f"{part} least": min(each) for part, each in shares_kept.items()},
        **{
            way: max(sum(rank.values()) for rank in line["bytes"]) / sum(line["bytes of one"].values())
            for way, line in (("tensor", tensor), ("pipeline", pipeline))
        },
    }


def pace(*, seed: int) -> dict[str, float]:
    """Train on one process and on two with as many rows a worker; give the rows a second of each.

    Returns:
        Rows a second of "one" and of "two", and how many processors "others" kept busy meanwhile.
    """
    speeds, before, began = {}, _busy() - _own(), time.perf_counter()
    for name, n_ranks in (("one", 1), ("two", 2))[:: 1 if seed % 2 else -1]:
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "seconds"
            torchrun("kit.evidence.distributed", str(out), str(seed), n_ranks=n_ranks, timeout=PATIENCE)
            speeds[name] = n_ranks * ROWS * TIMED / float(out.read_text(encoding="utf-8"))
    others = (_busy() - _own() - before) / (time.perf_counter() - began)
    return {**speeds, "others": max(0.0, others)}


def _busy() -> float:
    """Give the seconds that all processors together have worked for anyone since the machine was started."""
    user, nice, system = map(int, Path("/proc/stat").read_text(encoding="utf-8").split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def timed(out: Path, seed: int) -> None:
    """Train on this rank, and write the seconds of the timed steps: what `pace` starts."""
    torch.set_num_threads(1)
    with process_group() as (rank, n_ranks):
        torch.manual_seed(seed)
        model = replicated(GPT(replace(STORY_GPT, d_model=WIDE)))
        at: list[float] = []

        def clock(record: dict[str, float]) -> None:
            if record["step"] in (WARM, WARM + TIMED):
                dist.barrier()
                at.append(time.perf_counter())

        batches = shares(epochs(*stories(), batch_size=n_ranks * ROWS, seed=seed), rank=rank, n_ranks=n_ranks)
        fit(model, share_loss, batches, n_steps=WARM + TIMED, monitors=[clock])
        if rank == 0:
            write_whole(out, str(at[1] - at[0]))


SAME_STEP = Experiment(
    name="same_step",
    measure=same_step,
    seeds=10,
    quantities=tuple(WAYS),
)
KEPT_BYTES = Experiment(
    name="kept_bytes",
    measure=kept_bytes,
    factors={"n_ranks": (2, 4)},
    seeds=1,
    quantities=(*(f"{part} {end}" for part in PARTS for end in ("most", "least")), "tensor", "pipeline"),
)
TWO_RANKS = Experiment(
    name="two_ranks",
    measure=pace,
    seeds=10,
    quantities=("one", "two", "others"),
    alone=True,
)

if __name__ == "__main__":
    timed(Path(sys.argv[1]), int(sys.argv[2]))
