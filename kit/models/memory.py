"""How far back a model feels: the gradient of what it says last to each earlier input, and its forecast.

What the gradient does not reach is not learned from. What it should not reach, such as padding or the future, shows
as a number where 0 has to stand: so the same instrument finds leaks.

Taught in: 14
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from kit.arguments import function, instance, real_tensor
from kit.models.rnn import GRU, LSTM, Recurrent


def connectivity(
    model: Callable[[Tensor], Tensor], x: Float[Tensor, "batch time d"], *, generator: torch.Generator | None = None
) -> Float[Tensor, "time"]:
    """Measure how strongly the output depends on each step of the input.

        √ mean over rows of |∂(v · y) / ∂x_t|²,    v a random direction of length 1 for each row

    Args:
        model: from `x` to one row of numbers y for each row of x.
        generator: draws the directions.

    Raises:
        TypeError, ValueError: if `model` is no function, `x` no batch of rows of real numbers, or y none of rows.

    Source: Madsen (2019), Visualizing memorization in RNNs, Distill, for the name and the picture.

    >>> connectivity(lambda x: x[:, -2], torch.zeros(3, 4, 1))
    tensor([0., 0., 1., 0.])
    """
    function("model", model)
    if real_tensor("x", x).ndim != 3 or not x.numel():
        raise ValueError(f"x must have the axes batch, time and width, got shape {tuple(x.shape)}")
    if generator is not None:
        instance("generator", generator, torch.Generator)
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        y = model(x)
        if y.ndim != 2 or len(y) != len(x):
            raise ValueError(f"model must give a row of numbers for each row of x, got shape {tuple(y.shape)}")
        v = torch.randn(y.shape, generator=generator, dtype=y.dtype, device=y.device)
        (gradient,) = torch.autograd.grad((y * v / v.norm(dim=1, keepdim=True)).sum(), x)
    return gradient.square().sum(dim=2).mean(dim=0).sqrt()


@torch.no_grad()
def step_factor(cell: Recurrent, x: Float[Tensor, "batch time d_input"]) -> float:
    """Forecast by what factor a step back changes the gradient.

        plain RNN   largest singular value of W · mean slope,    slope = 1 - h²
        LSTM, GRU   mean of the gate that keeps

    Raises:
        TypeError, ValueError: if `cell` is none of kit's, or `x` not what it reads.
    """
    instance("cell", cell, Recurrent)
    states, _ = cell(x)
    if not isinstance(cell, GRU | LSTM):
        return float(torch.linalg.matrix_norm(cell.w_h, ord=2) * (1 - states**2).mean())
    before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1)
    gate = slice(cell.d_state, 2 * cell.d_state)  # second in torch's order, in either
    drive = x @ cell.w_x[gate].T + cell.b_x[gate] + before @ cell.w_h[gate].T + cell.b_h[gate]
    return float(torch.sigmoid(drive).mean())
