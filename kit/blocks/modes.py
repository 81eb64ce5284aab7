"""Modes: a model in training drops out at random and a model in evaluation does not, part by part.

`model.eval()` and `model.train()` reach into every part, and so forget which of them somebody had
frozen in evaluation mode. Whoever asks a model something in the midst of training has to put back
each part's own mode.

Taught in: 16
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from kit.arguments import instance


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode for a while, then each of its parts back in the mode that it was in.

    Raises:
        TypeError: if `model` is not a module.

    >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with evaluating(model):
    ...     print([part.training for part in model])
    [False, False]
    >>> [part.training for part in model]
    [True, False]
    """
    instance("model", model, nn.Module)
    modes = {part: part.training for part in model.modules()}
    model.eval()
    try:
        yield
    finally:
        model.train(modes[model])  # for parts that do more at such a change than to note it
        for part, mode in modes.items():
            part.training = mode
