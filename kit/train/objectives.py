"""Objectives: what a language model is asked to do, as a loss that `fit` takes, and how it is measured.

A batch is (inputs, targets), or with several inputs (input, input, targets). A target is the token
that is right there, or IGNORED. So one loss serves all: the next token, masked tokens, spans, a class.

Taught in: 16 17 21
"""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import function, instance, integer_tensor, several
from kit.text.packing import IGNORED
from kit.train.batches import Batch, first_tensor, on_device

Loss = Callable[[nn.Module, Batch], Tensor]


def token_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure the cross-entropy of a model's logits, in nats for each target that is not IGNORED.

        L = -mean(log softmax(model(*inputs))[target])

    Args:
        model: gives logits with an axis more than the targets have: one logit for each class.
        batch: (*inputs, targets).

    Raises:
        TypeError: if `batch` is not a tuple, or its last part not of whole numbers.
        ValueError: if the model's logits do not fit the targets.

    Oracle: torch.nn.functional.cross_entropy.
    """
    logits, targets = _answers(model, batch)
    # logits in float32: a sum over the vocabulary would lose its small terms in bfloat16
    logits = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
    total = F.cross_entropy(logits.flatten(0, -2), targets.flatten().long(), ignore_index=IGNORED, reduction="sum")
    return total / (targets != IGNORED).sum().clamp(min=1)  # a part of a batch may hold no target


def next_token_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure how well a causal model foretells each token of a row from those before it, in nats.

    Args:
        batch: rows of tokens, each the target of the one before; or (rows, targets), where
            `kit.text.packing.next_tokens` has found the targets and IGNORED those of other documents.
            Of a packed row the model still sees the documents before: it is given no mask.

    Raises:
        TypeError, ValueError: as `token_loss`; or if rows without targets are shorter than 2.

    Oracle: `GPT2LMHeadModel(rows, labels=rows).loss` of Hugging Face transformers.
    """
    if isinstance(batch, Tensor):
        if batch.ndim != 2 or batch.shape[1] < 2:
            raise ValueError(f"batch must have rows of at least 2 tokens, got shape {tuple(batch.shape)}")
        batch = batch[:, :-1], batch[:, 1:]
    return token_loss(model, batch)


def accuracy(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Give the share of targets that are the model's first choice; those IGNORED do not count.

    Raises:
        TypeError, ValueError: as `token_loss`.
    """
    logits, targets = _answers(model, batch)
    right = logits.argmax(dim=-1) == targets
    return right.sum() / (targets != IGNORED).sum()


def n_targets(batch: Batch) -> Tensor:
    """Count the targets of a batch that are not IGNORED; rows, where it has no targets of whole numbers.

    The weight of a micro-batch in the mean of several. It stays on its device, and waits for none.

    Raises:
        TypeError: if `batch` holds no tensor.

    >>> n_targets((torch.zeros(1, 3), torch.tensor([[5, 6, IGNORED]])))
    tensor(2)
    """
    targets = batch[-1] if isinstance(batch, tuple | list) and batch else None
    if isinstance(targets, Tensor) and not targets.is_floating_point():
        return (targets != IGNORED).sum()
    tensor = first_tensor(batch)
    return torch.tensor(len(tensor), device=tensor.device)


@torch.no_grad()
def mean_loss(model: nn.Module, loss: Loss, batches: Iterable[Batch]) -> float:
    """Average a loss, or `accuracy`, over all targets of several batches: no gradients, no dropout.

    The model is left in the mode that it was in.

    Raises:
        TypeError: if `model` is not a module, `loss` not a function, or `batches` no collection.
        ValueError: if there are no batches.
    """
    instance("model", model, nn.Module)
    function("loss", loss)
    several("batches", batches)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        parts = [on_device(batch, device) for batch in batches]
        if not parts:
            raise ValueError("batches must not be empty")
        weights = torch.stack([n_targets(batch) for batch in parts]).double()
        losses = torch.stack([loss(model, batch).double() for batch in parts])
    finally:
        model.train(was_training)
    return float((weights * losses).sum() / weights.sum())


def _answers(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Give the model's logits, and the targets that they are held against."""
    instance("model", model, nn.Module)
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(f"batch must be a tuple of inputs and targets, got {type(batch).__name__}")
    *inputs, targets = batch
    integer_tensor("batch", targets)
    logits = model(*inputs)
    if logits.shape[:-1] != targets.shape:
        shapes = f"{tuple(logits.shape)}, got {tuple(targets.shape)}"
        raise ValueError(f"batch must have a target for each row of logits, {shapes}")
    return logits, targets
