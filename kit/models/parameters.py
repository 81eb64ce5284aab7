"""Count a model's parameters, of any size, without the memory to hold them.

    n_params(on_meta(GPT, GPT3_CONFIGS["175B"]))

Taught in: 17 18 19 22
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from kit.arguments import function, instance

Config = TypeVar("Config")
Model = TypeVar("Model", bound=nn.Module)


def n_params(model: nn.Module) -> int:
    """Count the parameters; a tensor that two layers share counts once.

    Raises:
        TypeError: if `model` is not a module.

    >>> n_params(nn.Linear(3, 2))
    8
    """
    instance("model", model, nn.Module)
    return sum(parameter.numel() for parameter in model.parameters())


def on_meta(make: Callable[[Config], Model], config: Config) -> Model:
    """Make a model on the meta device: every shape, and not one number.

    Raises:
        TypeError: if `make` is not a function.

    >>> n_params(on_meta(lambda width: nn.Linear(width, width), 1_000_000))
    1000001000000
    """
    function("make", make)
    with torch.device("meta"):
        return make(config)
