"""Modes: a model in training drops out at random and a model in evaluation does not, part by part.

`model.eval()` and `model.train()` reach into every part, and so forget which of them somebody had
frozen in evaluation mode. Whoever asks a model something in the midst of training has to put each
part back in its own mode.

Taught in: 20
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from kit.arguments import instance


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put each part of a model back in the mode that it was in, whatever happens in between.

    Raises:
        TypeError: if `model` is not a module.

    >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with modes_kept(model):
    ...     model = model.eval()
    >>> [part.training for part in model]
    [True, False]
    """
    instance("model", model, nn.Module)
    modes = {part: part.training for part in model.modules()}
    try:
        yield
    finally:
        model.train(modes[model])  # for parts that do more at such a change than to note it
        for part, mode in modes.items():
            part.training = mode
