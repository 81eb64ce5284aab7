"""Activation checkpointing: keep only the inputs of a model's blocks, and compute the rest a second time.

Source: Chen et al. (2016), arXiv:1604.06174.

Taught in: 22
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from kit.arguments import instance


@contextmanager
def checkpointed(model: nn.Module) -> Iterator[None]:
    """Let a model's `blocks` keep their inputs alone; the backward pass computes the rest again.

        with checkpointed(model):
            fit(model, ...)

    The model does not know, and its weights keep their names. Gradients are those of the plain
    model to the bit, dropout included: torch draws its masks a second time from the same state.

    Raises:
        TypeError: if `model` is not a module.
        ValueError: if it has no `blocks`, or is checkpointed already.
    """
    instance("model", model, nn.Module)
    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.ModuleList) or not len(blocks):
        raise ValueError(f"model must have blocks, in a ModuleList, got {type(blocks).__name__}")
    if any("forward" in vars(block) for block in blocks):
        raise ValueError("model must not be checkpointed already, got blocks with a forward of their own")
    for block in blocks:
        block.forward = partial(_recompute, block.forward)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward  # the class's own is back in sight


def _recompute(forward: Callable, *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)
