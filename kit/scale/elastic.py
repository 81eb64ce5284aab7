"""A training that survives the death of a worker or of a node, and writes down which samples it has seen.

    python -m torch.distributed.run --nproc-per-node=2 --max-restarts=1 ... -m kit.scale.elastic \\
        --folder runs/a --steps 10 --kill 4:1

At step 4 rank 1 kills itself, without a last word. Its neighbour's connection breaks, torchrun ends it,
starts all ranks anew, and they go on from the last checkpoint. `4:1:node` kills the agent as well, as the loss of a
machine does; then the other nodes meet again without it.

What was done after the last checkpoint is undone, and done again. So the samples that count are, for each step, those
of the last attempt at it: `samples_seen`.

Taught in: 24
"""

import argparse
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from kit.scale.checkpoint import sharded_run
from kit.scale.data_parallel import fully_sharded, whole, whole_norm
from kit.scale.launch import process_group
from kit.scale.shares import share_loss, shares
from kit.scale.story import stories, story_gpt
from kit.train.batches import Batch, epochs
from kit.train.checkpoint import save
from kit.train.loop import fit

BATCH_SIZE, CHECKPOINT_EVERY = 12, 2


def samples_seen(folder: Path) -> list[int]:
    """Give the numbers of the samples that the run has learned from, in order: of each step the last attempt's.

    Raises:
        ValueError: if of some step's last attempt a rank's samples are missing.
    """
    steps: dict[int, dict[int, dict[int, dict[str, Any]]]] = {}
    for path in folder.glob("seen *.jsonl"):
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            steps.setdefault(line["step"], {}).setdefault(line["attempt"], {})[line["rank"]] = line
    found = []
    for step in sorted(steps):
        last = steps[step][max(steps[step])]
        (n_ranks,) = {line["n_ranks"] for line in last.values()}
        if sorted(last) != list(range(n_ranks)):
            raise ValueError(f"folder must hold the samples of {n_ranks} ranks, got those of {sorted(last)} at {step}")
        found += [number for rank in sorted(last) for number in last[rank]["ids"]]
    return found


def worlds(folder: Path) -> list[int]:
    """Give the number of ranks of each attempt that came to a step, in the order of time."""
    lines = [json.loads(text) for path in folder.glob("seen *.jsonl") for text in path.read_text("utf-8").splitlines()]
    return [n_ranks for _, n_ranks in sorted({(line["attempt"], line["n_ranks"]) for line in lines})]


def observed(batches: Callable[[int], Batch], act: Callable[[int, Batch], None]) -> Callable[[int], Batch]:
    """Give the same batches without their numbers; `act` is called before each with step and numbers."""

    def batch(step: int) -> Batch:
        numbers, *rest = batches(step)
        act(step, numbers)
        return tuple(rest)

    return batch


def main() -> None:
    """Train, log, and die where it was asked for."""
    parser = argparse.ArgumentParser(description="Train a story GPT that may be killed.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--kill", nargs="*", default=[], help="step:rank, or step:rank:node")
    parser.add_argument("--hold", type=int, default=None, help="a lone rank waits at this step for another")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    with process_group() as (rank, n_ranks):
        started = torch.tensor(time.time_ns())
        dist.broadcast(started, src=0)
        log = given.folder / f"seen {started.item()} {rank}.jsonl"

        def act(step: int, numbers: torch.Tensor) -> None:
            for order in given.kill:
                at, who, *node = order.split(":")
                done = given.folder / f"killed {order.replace(':', ' ')}"
                if (step, rank) == (int(at), int(who)) and not done.exists():
                    done.touch()
                    if node:
                        os.kill(os.getppid(), signal.SIGKILL)
                    os.kill(os.getpid(), signal.SIGKILL)
            while n_ranks == 1 and step == given.hold:
                time.sleep(0.05)
            line = {"attempt": started.item(), "step": step, "rank": rank, "n_ranks": n_ranks, "ids": numbers.tolist()}
            with log.open("a", encoding="utf-8") as file:  # a line at a time, by this rank alone
                file.write(json.dumps(line) + "\n")

        rows = epochs(torch.arange(len(stories()[0])), *stories(), batch_size=BATCH_SIZE)
        torch.manual_seed(rank)
        model = fully_sharded(story_gpt(0, dtype=torch.float32, dropout=0.1))
        fit(
            model,
            share_loss,
            observed(shares(rows, rank=rank, n_ranks=n_ranks), act),
            n_steps=given.steps,
            lr=3e-3,
            norm=whole_norm,
            checkpoint=sharded_run(given.folder, batch_size=BATCH_SIZE),
            checkpoint_every=CHECKPOINT_EVERY,
        )
        weights = {name: whole(parameter) for name, parameter in model.named_parameters()}
        if rank == 0:
            save(given.folder / "weights.pt", weights)


if __name__ == "__main__":
    main()
