"""What each rank runs under torchrun to compare with one process: `python -m torch.distributed.run -m kit.scale.agree`.

Every strategy trains the same story GPT on the same batches by `kit.train.loop.fit`; rank 0 trains it alone
as well. Largest differences of weights and gradients, and bytes kept by each rank, are written as JSON.

    data          DDP: kit.scale.data_parallel.replicated
    FSDP          kit.scale.data_parallel.fully_sharded
    tensor        kit.scale.tensor_parallel
    GPipe, 1F1B   kit.scale.pipeline

Taught in: 24
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh

from kit.files import write_whole
from kit.scale.data_parallel import fully_sharded, replicated, whole, whole_norm
from kit.scale.launch import process_group
from kit.scale.memory import held_bytes
from kit.scale.pipeline import Pipeline
from kit.scale.shares import share_loss, shares
from kit.scale.story import story_batches, story_gpt
from kit.scale.tensor_parallel import put_together, tensor_parallel
from kit.train.loop import fit
from kit.train.objectives import token_loss

STRATEGIES = ("data", "FSDP", "tensor", "GPipe", "1F1B")
BATCH_SIZE, N_MICRO = 12, 4
Tensors = dict[str, Tensor]


class Ledger:
    """Stands in the place of a checkpoint, where `fit` shows it model and optimiser: counts bytes, copies tensors."""

    def __init__(
        self, gather: Callable[[nn.Module], tuple[Tensors, Tensors]], model: nn.Module, optimizer: Any, *others: Any
    ):
        self.gather, self.model, self.optimizer = gather, model, optimizer
        self.bytes: dict[str, int] = {}
        self.weights: Tensors = {}
        self.gradients: Tensors = {}

    def resume(self, n_steps: int, rate: Callable[[int], float]) -> list[dict[str, float]]:
        """Begin at the beginning."""
        return []

    def save(self, records: list[dict[str, float]]) -> None:
        """Count and copy, with the last step's gradients still there."""
        self.bytes = held_bytes(self.model, self.optimizer)
        self.weights, self.gradients = self.gather(self.model)


def trained(
    strategy: str, *, seed: int, rank: int, n_ranks: int, n_steps: int, dtype: torch.dtype
) -> tuple[Ledger, list[float]]:
    """Train by one strategy; give what was counted and gathered, and the losses that this rank recorded.

    Args:
        strategy: one of `STRATEGIES`, or "one process".
    """
    model, batches = story_gpt(seed, dtype=dtype), story_batches(BATCH_SIZE, seed=seed)
    loss, norm, gather = share_loss, whole_norm, partial(gathered, put=lambda name, tensor: whole(tensor))
    if strategy in ("data", "FSDP"):
        model = replicated(model) if strategy == "data" else fully_sharded(model)
        batches = shares(batches, rank=rank, n_ranks=n_ranks)
    elif strategy == "tensor":
        loss = token_loss
        model = tensor_parallel(model, init_device_mesh(next(model.parameters()).device.type, (n_ranks,)))
        gather = partial(gathered, put=lambda name, tensor: put_together(name, tensor, n_ranks))
    elif strategy in ("GPipe", "1F1B"):
        pipe = Pipeline(model, rank=rank, n_ranks=n_ranks, n_micro=N_MICRO, schedule=strategy)
        model, loss, norm, gather = pipe.stage, pipe.loss, pipe.norm, from_all_stages
    else:
        loss = token_loss
    kept: list[Ledger] = []

    def ledger(*trains: Any) -> Ledger:
        kept.append(Ledger(gather, *trains))
        return kept[0]

    at_the_end = {"checkpoint": ledger, "checkpoint_every": n_steps}
    history = fit(model, loss, batches, n_steps=n_steps, lr=3e-3, norm=norm, **at_the_end)
    return kept[0], history.losses.tolist()


def gathered(model: nn.Module, *, put: Callable[[str, Tensor], Tensor]) -> tuple[Tensors, Tensors]:
    """Put weights and gradients together from all ranks, under the names that one process has for them."""
    named = {name.removeprefix("module."): parameter for name, parameter in model.named_parameters()}
    weights = {name: put(name, parameter).clone() for name, parameter in named.items()}
    gradients = {
        name: put(name, parameter.grad).clone() for name, parameter in named.items() if parameter.grad is not None
    }
    return weights, gradients


def from_all_stages(model: nn.Module) -> tuple[Tensors, Tensors]:
    """Collect weights and gradients of all stages."""
    own, found = gathered(model, put=lambda name, tensor: tensor.detach()), [None] * dist.get_world_size()
    dist.all_gather_object(found, own)
    stages: Any = found
    return {k: v for each in stages for k, v in each[0].items()}, {k: v for each in stages for k, v in each[1].items()}


def difference(found: Tensors, wanted: Tensors) -> float:
    """Give the largest difference, relative to the largest number of its tensor."""
    if found.keys() != wanted.keys():
        return float("inf")
    return max(((found[name] - wanted[name]).abs().max() / wanted[name].abs().max()).item() for name in wanted)


def compare(strategy: str, *, seed: int, rank: int, n_ranks: int, n_steps: int, dtype: torch.dtype) -> dict[str, Any]:
    """Train on all ranks, and on rank 0 alone; give differences and each rank's bytes, on rank 0."""
    run = partial(trained, seed=seed, rank=rank, n_ranks=n_ranks, n_steps=n_steps, dtype=dtype)
    ranks, losses = run(strategy)
    of_ranks: Any = [None] * n_ranks
    dist.all_gather_object(of_ranks, ranks.bytes)
    if rank:
        return {}  # the others wait for rank 0 at the next strategy
    one, its_losses = reference(run)
    return {
        "strategy": strategy,
        "seed": seed,
        "n_ranks": n_ranks,
        "weights": difference(ranks.weights, one.weights),
        "gradients": difference(ranks.gradients, one.gradients),
        "loss": max(abs(a / b - 1) for a, b in zip(losses, its_losses, strict=True)),
        "bytes": of_ranks,
        "bytes of one": one.bytes,
    }


def reference(run: Callable[[str], tuple[Ledger, list[float]]]) -> tuple[Ledger, list[float]]:
    """Train on one process, once for all strategies of a seed."""
    key = repr(run)
    if key not in _KNOWN:
        _KNOWN.clear()
        _KNOWN[key] = run("one process")
    return _KNOWN[key]


_KNOWN: dict[str, tuple[Ledger, list[float]]] = {}


def main() -> None:
    """Compare the strategies named, for each seed."""
    parser = argparse.ArgumentParser(description="Compare training on several ranks with one process.")
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--dtype", default="float64", choices=("float32", "float64"))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with process_group() as (rank, n_ranks):
        found = [
            compare(
                strategy, seed=seed, rank=rank, n_ranks=n_ranks, n_steps=given.steps, dtype=getattr(torch, given.dtype)
            )
            for seed in given.seeds
            for strategy in given.strategies
        ]
        if rank == 0:
            write_whole(given.out, json.dumps(found))


if __name__ == "__main__":
    main()
