"""A pipeline on processes: each rank has some blocks of a GPT, and micro-batches go from one to the next.

    pipe = Pipeline(model, rank=rank, n_ranks=n_ranks, n_micro=4, schedule="1F1B")
    fit(pipe.stage, pipe.loss, batches, norm=pipe.norm, ...)

PyTorch's schedule sends activations forward and slopes back; the orders are those of kit.scale.schedule. The
embedding is tied to the head, and so stands on the first rank and on the last: their gradients are added up.

Source: Huang et al. (2019), arXiv:1811.06965; Narayanan et al. (2021), arXiv:2104.04473.

Taught in: 24
"""

import copy
import math
from collections.abc import Iterable

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe
from torch.nn import functional as F

from kit.arguments import count, instance, one_of, shown
from kit.models.gpt import GPT
from kit.text.packing import IGNORE_INDEX
from kit.train.batches import Batch, first_tensor
from kit.train.objectives import n_targets

SCHEDULES = {"GPipe": ScheduleGPipe, "1F1B": Schedule1F1B}


class Stage(nn.Module):
    """The blocks of one rank, with the embeddings on the first and the head on the last; weights keep their names.

    Raises:
        ValueError: if there are more ranks than blocks.
    """

    def __init__(self, model: GPT, *, rank: int, n_ranks: int):
        super().__init__()
        n = len(model.blocks)
        if n_ranks > n:
            raise ValueError(f"n_ranks must be <= the number of blocks, {n}, got {n_ranks}")
        self.is_first, self.is_last = rank == 0, rank == n_ranks - 1
        model = copy.deepcopy(model)
        own = torch.arange(n).tensor_split(n_ranks)[rank].tolist()
        self.blocks = nn.ModuleDict({str(i): model.blocks[i] for i in own})
        if self.is_first or self.is_last:
            self.token_embedding = model.token_embedding
        if self.is_first:
            self.position_embedding = model.position_embedding
            self.dropout = model.dropout
        if self.is_last:
            self.final_norm = model.final_norm

    def forward(self, x: Tensor) -> Tensor:
        """Take tokens on the first rank, hidden states on others; give hidden states, or logits on the last."""
        if self.is_first:
            x = self.dropout(self.token_embedding(x) + self.position_embedding.weight[: x.shape[1]])
        for block in self.blocks.values():
            x = block(x)
        return F.linear(self.final_norm(x), self.token_embedding.weight) if self.is_last else x


class Pipeline:
    """One rank of a pipeline: its stage of a GPT, and the step that all ranks take together.

    Args:
        model: the same on every rank; it is left as it is.
        n_micro: how many parts each batch goes through in; at least as many as there are ranks.
        schedule: "GPipe" or "1F1B".

    Raises:
        TypeError, ValueError: if `model` is not a GPT, `schedule` unknown, `rank` no rank, or there are more
            ranks than blocks or than micro-batches.
    """

    def __init__(self, model: GPT, *, rank: int, n_ranks: int, n_micro: int, schedule: str = "1F1B"):
        instance("model", model, GPT)
        if count("rank", rank, at_least=0) >= count("n_ranks", n_ranks):
            raise ValueError(f"rank must be below n_ranks, {n_ranks}, got {rank}")
        if count("n_micro", n_micro) < n_ranks:  # torch would wait for ever
            raise ValueError(f"n_micro must be >= n_ranks, {n_ranks}, got {n_micro}")
        kind = SCHEDULES[one_of("schedule", schedule, tuple(SCHEDULES))]
        self.stage, self.n_micro, self.last = Stage(model, rank=rank, n_ranks=n_ranks), n_micro, n_ranks - 1
        self._n = 1
        device = next(self.stage.parameters()).device
        ends = dist.new_group([0, self.last]) if n_ranks > 1 else None  # all ranks must ask for it
        self._ends = ends if self.stage.is_first != self.stage.is_last else None
        self._schedule = kind(
            PipelineStage(self.stage, rank, n_ranks, device), n_micro, loss_fn=self._part_of_loss, scale_grads=False
        )

    def loss(self, stage: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Take a batch through all ranks, forward and back: the gradients are there when this returns.

        Args:
            batch: (tokens, targets), the whole of it on every rank.

        Returns:
            The mean loss over all targets, on every rank. Its own `backward` has nothing left to do, and
            refuses to be asked for a multiple: `fit` must neither accumulate nor scale.

        Raises:
            TypeError, ValueError: if `batch` is no pair, or `n_micro` does not divide its rows.
        """
        if not isinstance(batch, tuple) or len(batch) != 2:
            raise TypeError(f"batch must be a pair of tokens and targets, got {shown(batch)}")
        tokens, targets = batch
        if (n_rows := len(first_tensor(batch))) % self.n_micro:
            raise ValueError(f"batch must have a multiple of {self.n_micro} rows, got {n_rows}")
        self._n = max(1, int(n_targets(batch)))
        losses: list[Tensor] = []
        given = (tokens,) if self.stage.is_first else ()
        wanted = {"target": targets, "losses": losses} if self.stage.is_last else {}
        self._schedule.step(*given, **wanted)
        if self._ends is not None:
            dist.all_reduce(self.stage.token_embedding.weight.grad, group=self._ends)
        value = torch.stack(losses).sum().detach() if losses else torch.zeros((), device=tokens.device)
        value = value.double()
        if self.last:
            dist.broadcast(value, src=self.last)
        done = value.requires_grad_()
        done.register_hook(_whole_step)
        return done

    def norm(self, tensors: Iterable[Tensor], kind: float = 2.0) -> Tensor:
        """Measure the length over all ranks; what stands on the first and on the last counts once."""
        found = list(tensors)
        if self.stage.is_last and not self.stage.is_first:
            copied = self.stage.token_embedding.weight
            found = [each for each in found if each is not copied and each is not copied.grad]
        own = nn.utils.get_total_norm(found, kind)
        if not self.last:
            return own
        powers = own.double() if math.isinf(kind) else own.double() ** kind
        dist.all_reduce(powers, op=dist.ReduceOp.MAX if math.isinf(kind) else dist.ReduceOp.SUM)
        return powers if math.isinf(kind) else powers ** (1 / kind)

    def _part_of_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32)).flatten(0, -2)
        total = F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORE_INDEX, reduction="sum")
        return total / self._n  # of the whole batch, not of the micro-batch


def _whole_step(slope: Tensor) -> None:
    if slope != 1:
        raise ValueError(f"accumulate must be 1 and the loss unscaled in a pipeline, got a factor of {slope.item():g}")
