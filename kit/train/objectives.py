"""Objectives: what a language model is asked to do, as a loss that `fit` takes, and how it is measured.

A batch is (inputs, targets), or with several inputs (input, input, targets), or a dict of inputs under
the names that the model gives them, and "targets" or "labels". A target is the token that is right
there, or IGNORE_INDEX. So one loss serves all: the next token, masked tokens, spans, a class.

Taught in: 20 21 22
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import function, instance, integer_tensor, several
from kit.blocks.modes import modes_kept
from kit.text.packing import IGNORE_INDEX
from kit.train.batches import Batch, first_tensor, micro_batches, on_device

Loss = Callable[[nn.Module, Batch], Tensor]


def token_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure the cross-entropy of a model's logits, in nats for each target that is not IGNORE_INDEX.

        L = -mean(log softmax(model(*inputs))[target])

    Args:
        model: gives logits with an axis more than the targets have: one logit for each class.
        batch: (*inputs, targets), or a dict of them.

    Raises:
        TypeError: if `batch` is neither a tuple nor a dict, or its targets are no whole numbers.
        ValueError: if the model's logits do not fit the targets.

    Oracle: torch.nn.functional.cross_entropy.
    """
    logits, targets = _answers(model, batch)
    # logits in float32: a sum over the vocabulary would lose its small terms in bfloat16
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    total = F.cross_entropy(logits.flatten(0, -2), targets.flatten().long(), ignore_index=IGNORE_INDEX, reduction="sum")
    return total / (targets != IGNORE_INDEX).sum().clamp(min=1)  # a part of a batch may hold no target


def next_token_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure how well a causal model predicts each token of a row from those before it, in nats.

    Args:
        batch: rows of tokens, each the target of the one before; or (rows, targets), where
            `kit.text.packing.next_tokens` has found the targets and IGNORE_INDEX those of other documents.
            Of a packed row the model still sees the documents before, unless the batch is a dict that
            gives it their `documents`.

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
    """Give the share of targets that are the model's first choice; those IGNORE_INDEX do not count.

    Of no target at all it is 0.

    Raises:
        TypeError, ValueError: as `token_loss`.
    """
    logits, targets = _answers(model, batch)
    right = logits.argmax(dim=-1) == targets
    return right.sum() / (targets != IGNORE_INDEX).sum().clamp(min=1)


def n_targets(batch: Batch) -> Tensor:
    """Count the targets of a batch that are not IGNORE_INDEX; rows, where it has no targets of whole numbers.

    The weight of a micro-batch in the mean of several. It stays on its device, and waits for none.

    Raises:
        TypeError: if `batch` holds no tensor.
        ValueError: if it is a dict whose targets are called neither "targets" nor "labels": one that
            holds IGNORE_INDEX under another name.

    >>> n_targets((torch.zeros(1, 3), torch.tensor([[5, 6, IGNORE_INDEX]])))
    tensor(2)
    """
    (whole,) = micro_batches(batch, 1)  # of tensors, whatever it was of
    targets, first = _targets(whole), first_tensor(whole)
    if isinstance(targets, Tensor) and not targets.is_floating_point():
        return (targets != IGNORE_INDEX).sum()
    if targets is None and isinstance(whole, dict):
        for name, part in whole.items():
            if isinstance(part, Tensor) and not part.is_floating_point() and (part == IGNORE_INDEX).any():
                raise ValueError(f"batch must call its targets 'targets' or 'labels', got {name!r}")
    return torch.tensor(len(first), device=first.device)


@torch.no_grad()
def mean_loss(model: nn.Module, loss: Loss, batches: Iterable[Batch]) -> float:
    """Average a loss, or `accuracy`, over all targets of several batches: no gradients, no dropout.

    Each part of the model is left in the mode that it was in.

    Raises:
        TypeError: if `model` is not a module, `loss` not a function that gives a scalar, or
            `batches` no collection.
        ValueError: if there are no batches, or no targets in them.
    """
    instance("model", model, nn.Module)
    function("loss", loss)
    several("batches", batches)
    device = next((parameter.device for parameter in model.parameters()), "cpu")
    weights, losses = [], []
    with modes_kept(model):
        model.eval()
        for batch in batches:
            here = on_device(batch, device)
            weights.append(n_targets(here))
            losses.append(torch.as_tensor(loss(model, here), device=device))
            if losses[-1].ndim:
                raise TypeError(f"loss must return a scalar, got shape {tuple(losses[-1].shape)}")
    if not weights:
        raise ValueError("batches must not be empty")
    weight, value = torch.stack(weights).cpu(), torch.stack(losses).cpu().double()
    if not weight.any():
        raise ValueError(f"batches must hold a target, got {len(weight)} without")
    some = weight > 0  # the mean over no target may be NaN
    return float((weight * value)[some].sum() / weight.sum())


def _targets(batch: Batch) -> Any:
    """Find the targets of a batch: the last of a tuple, or what a dict calls so; None where it has none."""
    if isinstance(batch, dict):
        return batch.get("targets", batch.get("labels"))
    return batch[-1] if isinstance(batch, tuple | list) and batch else None


def _answers(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Give the model's logits, and the targets that they are held against."""
    instance("model", model, nn.Module)
    targets, found = _targets(batch), type(batch).__name__
    if not isinstance(batch, tuple | list | dict) or len(batch) < 2 or targets is None:
        raise TypeError(f"batch must be a tuple of inputs and targets, or a dict with 'targets', got {found}")
    integer_tensor("batch", targets)
    if isinstance(batch, dict):
        logits = model(**{name: part for name, part in batch.items() if name not in ("targets", "labels")})
    else:
        logits = model(*batch[:-1])
    if logits.shape[:-1] != targets.shape:
        shapes = f"{tuple(logits.shape)}, got {tuple(targets.shape)}"
        raise ValueError(f"batch must have a target for each row of logits, {shapes}")
    return logits, targets
