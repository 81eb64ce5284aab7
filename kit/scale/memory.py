"""Bytes on each rank: reckoned for ZeRO's stages, and counted on a model that is spread over ranks.

    stage 0    every rank keeps everything
    stage 1    Adam's state divided by the ranks
    stage 2    ... and the gradients
    stage 3    ... and the weights: what PyTorch calls fully sharded data parallel, FSDP

Source: Rajbhandari et al. (2019), arXiv:1910.02054, figure 1 for the memory, section 7 for the bytes sent.

Taught in: 24
"""

import dataclasses
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from kit.arguments import count, instance
from kit.train.budget import MemoryBreakdown

PARTS = ("weights", "gradients", "optimizer")
SHARDED = {0: (), 1: ("optimizer",), 2: ("optimizer", "gradients"), 3: PARTS}


def zero_bytes(
    n_parameters: float, *, n_ranks: int, stage: int, weights: float = 2, gradients: float = 2, optimizer: float = 12
) -> float:
    """Reckon the bytes that a rank keeps of weights, gradients and optimiser.

        stage 0    (2 + 2 + K) N          K = 12: Adam in mixed precision as the paper counts it,
        stage 1    (2 + 2) N + K N / W    a float32 copy of the weights and two means
        stage 2    2 N + (2 + K) N / W
        stage 3    (2 + 2 + K) N / W

    Args:
        weights, gradients, optimizer: bytes for each parameter.

    Raises:
        TypeError, ValueError: if `n_ranks` is not a whole number above 0, or `stage` none from 0 to 3.

    >>> [round(zero_bytes(7.5e9, n_ranks=64, stage=stage) / 1e9, 1) for stage in range(4)]
    [120.0, 31.4, 16.6, 1.9]
    """
    count("n_ranks", n_ranks)
    sizes = {"weights": weights, "gradients": gradients, "optimizer": optimizer}
    shared = SHARDED[_stage(stage)]
    return sum(n_parameters * each / (n_ranks if part in shared else 1) for part, each in sizes.items())


def sharded_bill(bill: MemoryBreakdown, *, n_ranks: int, stage: int, n_blocks: int) -> MemoryBreakdown:
    """Deal the bill of one process out to ranks: what a rank keeps, if it takes as many rows as that process did.

    In stage 3 one block at a time is gathered. So 16-bit copies are those of a block; where there are
    none, the gathered block itself comes on top, as `temporary`.

    Args:
        bill: from `kit.train.budget.training_bytes`.
        n_blocks: of the model.

    Raises:
        TypeError, ValueError: if `bill` is none, `n_ranks` or `n_blocks` not a whole number above 0, or `stage`
            none from 0 to 3.
    """
    instance("bill", bill, MemoryBreakdown)
    count("n_ranks", n_ranks)
    count("n_blocks", n_blocks)
    dealt = {part: -(-getattr(bill, part) // n_ranks) for part in SHARDED[_stage(stage)]}
    if stage == 3 and n_ranks > 1:
        gathered = {"copies": bill.copies // n_blocks} if bill.copies else {"temporary": bill.weights // n_blocks}
        dealt |= gathered
    return dataclasses.replace(bill, **dealt)


def bytes_sent(n_bytes: float, *, n_ranks: int, stage: int) -> float:
    """Reckon the bytes that a rank sends in a step, where the gradients have `n_bytes`.

        stage 0, 1, 2    2 (W - 1) / W · n_bytes    the gradients summed; in 1 and 2 the weights gathered instead
        stage 3          3 (W - 1) / W · n_bytes    the weights gathered twice, the gradients summed into parts

    Raises:
        TypeError, ValueError: if `n_ranks` is not a whole number above 0, or `stage` none from 0 to 3.

    Oracle: the messages of kit.scale.simulated.

    >>> bytes_sent(100, n_ranks=4, stage=0), bytes_sent(100, n_ranks=4, stage=3)
    (150.0, 225.0)
    """
    return (3 if _stage(stage) == 3 else 2) * (count("n_ranks", n_ranks) - 1) / n_ranks * n_bytes


def held_bytes(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """Count the bytes that this rank keeps: of a DTensor, its own part alone.

    Returns:
        Bytes of "weights", "gradients" and "optimizer".

    Raises:
        TypeError: if `model` is not a module, or `optimizer` no optimiser.
    """
    instance("model", model, nn.Module)
    instance("optimizer", optimizer, torch.optim.Optimizer)
    parameters = list(model.parameters())
    state = [value for each in optimizer.state.values() for name, value in each.items() if name != "step"]
    return {
        "weights": _local(parameters),
        "gradients": _local(p.grad for p in parameters if p.grad is not None),
        "optimizer": _local(value for value in state if isinstance(value, Tensor)),
    }


def _local(tensors: Iterable[Tensor]) -> int:
    return sum(getattr(tensor, "_local_tensor", tensor).nbytes for tensor in tensors)


def _stage(stage: int) -> int:
    if count("stage", stage, at_least=0) > 3:
        raise ValueError(f"stage must be from 0 to 3, got {stage}")
    return stage
