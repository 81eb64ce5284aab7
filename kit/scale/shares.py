"""The rows of a rank, and a loss whose average over ranks is that of the whole batch.

    batches(step)  ->  shares(batches, rank=1, n_ranks=4)(step)      the second quarter of the same batch

A batch is a function of the step alone. So every rank can compute the whole of it, takes its own rows, and
knows without asking how many targets there are in all. DDP and FSDP *average* gradients over ranks.
The average is right if each rank's loss is

    L_r = (sum of the losses of its own targets) · W / (targets of the whole batch)

and not the mean over its own targets: ranks with few targets would weigh as much as ranks with many.

Taught in: 24
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, function, shown
from kit.text.packing import IGNORE_INDEX
from kit.train.batches import Batch, first_tensor, micro_batches
from kit.train.objectives import n_targets


def shares(batches: Callable[[int], Batch], *, rank: int, n_ranks: int) -> Callable[[int], Batch]:
    """Give the function from a step to this rank's rows of its batch.

    Args:
        batches: from the step to (*inputs, targets), the same on every rank.

    Returns:
        (*inputs, targets, weights): for each row the number by which the sum of its targets' losses is to be
        multiplied, so that `share_loss`, a mean over rows, averages over ranks to the mean over all targets.

    Raises:
        TypeError, ValueError: if `batches` is not a function, `rank` not a whole number from 0 to
            `n_ranks` - 1; at a step, if its batch is no tuple, or has fewer rows than there are ranks.
    """
    function("batches", batches)
    if count("rank", rank, at_least=0) >= count("n_ranks", n_ranks):
        raise ValueError(f"rank must be below n_ranks, {n_ranks}, got {rank}")

    def mine(step: int) -> Batch:
        batch = batches(step)
        if not isinstance(batch, tuple) or len(batch) < 2:
            raise TypeError(f"batches must give tuples of inputs and targets, got {shown(batch)}")
        if (n_rows := len(first_tensor(batch))) < n_ranks:
            raise ValueError(f"batches must have a row for each of {n_ranks} ranks, got {n_rows} at step {step}")
        own = list(micro_batches(batch, n_ranks))[rank]
        n_own = len(first_tensor(own))
        weight = n_own * n_ranks / n if (n := int(n_targets(batch))) else 0.0
        return (*own, torch.full((n_own,), weight, dtype=torch.float64))

    return mine


def share_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure this rank's part of the loss. Its value is that of the whole batch, its gradient that of its own rows.

    Args:
        batch: what `shares` gives, or a micro-batch of it.

    Oracle: `kit.train.objectives.token_loss` on one process.
    """
    *inputs, targets, weights = batch
    logits = model(*inputs)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    each = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORE_INDEX, reduction="none")
    own = (each.view(len(targets), -1).sum(dim=1) * weights.to(each)).mean()
    if not dist.is_initialized():
        return own
    # all ranks record one loss, and where one is not finite all stop at the same step
    whole = own.detach().clone()
    dist.all_reduce(whole)
    return _ValueOf.apply(own, whole / dist.get_world_size())


class _ValueOf(torch.autograd.Function):
    """The second number's value with the first one's gradient."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        return slopes[0], None
