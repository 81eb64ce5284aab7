"""One channel a hundred times as large as the others, and undone in the next layer: nothing changes, and yet.

Large language models grow such channels by themselves; small ones do not. Planted, the model gives the same answers
in floating point. On a grid whose scale serves all channels, the others are rounded to next to nothing.

Source: Dettmers and others (2022), LLM.int8(), arXiv:2208.07339, section 4.

Taught in: 25
"""

from typing import TypeVar

import torch
from torch import nn

from kit.arguments import count, real, shown

Before = TypeVar("Before", bound=nn.Module)


def plant_outlier(before: Before, after: nn.Module, *, unit: int, factor: float = 100.0) -> Before:
    """Multiply a unit of one layer, and divide what reads it in the next by as much; give the first layer back.

    The model's answers stay as they are if between the two stands nothing, or what lets a factor above 0 pass, such
    as ReLU or pooling.

    Args:
        before: a layer with `weight` and `bias` for each unit: Linear, Conv2d or LayerNorm.
        after: a Linear or Conv2d that reads the units; of a flattened convolution, each of its places.

    Raises:
        TypeError: if a layer is of another kind, or a number is none.
        ValueError: if `unit` is no place of `before`, `factor` <= 0, or `after` does not read the units.

    >>> first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    >>> x = torch.ones(1, 2)
    >>> y = second(first(x))
    >>> torch.allclose(second(plant_outlier(first, second, unit=0)(x)), y, atol=1e-5)
    True
    """
    if not isinstance(before, nn.Linear | nn.Conv2d | nn.LayerNorm):
        raise TypeError(f"before must be a Linear, a Conv2d or a LayerNorm, got {shown(before)}")
    if not isinstance(after, nn.Linear | nn.Conv2d):
        raise TypeError(f"after must be a Linear or a Conv2d, got {shown(after)}")
    n_units, reads = len(before.weight), after.weight.shape[1]
    if reads % n_units:
        raise ValueError(f"after must read the {n_units} units of before, got {reads} inputs")
    if count("unit", unit, at_least=0) >= n_units:
        raise ValueError(f"unit must be < {n_units}, got {unit}")
    factor, per_unit = real("factor", factor, above=0), reads // n_units
    with torch.no_grad():
        before.weight[unit] *= factor
        if before.bias is not None:
            before.bias[unit] *= factor
        after.weight[:, unit * per_unit : (unit + 1) * per_unit] /= factor
    return before
