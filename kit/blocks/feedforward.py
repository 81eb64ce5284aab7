"""Feed-forward layers: what each token computes by itself, between two looks at the others.

    plain    down(activation(up(x)))               ReLU in 2017, GELU in GPT and BERT
    gated    down(activation(gate(x)) · up(x))     SwiGLU in PaLM, GeGLU in later T5s

The linear layers stand in each model's block; here is what comes between them.

Taught in: 17 19
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import matching_tensors, real_tensor


def relu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Keep what is positive: max(0, x).

    Raises:
        TypeError: if `x` is not a tensor of real numbers.

    Oracle: torch.nn.functional.relu.

    >>> relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return real_tensor("x", x).clamp(min=0)


def gelu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Weigh each number by the share of a standard normal that lies below it.

        x · Φ(x),    Φ(x) = (1 + erf(x / √2)) / 2

    Raises:
        TypeError: if `x` is not a tensor of real numbers.

    Source: Hendrycks & Gimpel (2016), arXiv:1606.08415, section 2.
    Oracle: torch.nn.functional.gelu.

    >>> gelu(torch.tensor([-9.0, 0.0, 9.0])).abs()
    tensor([0., 0., 9.])
    """
    return real_tensor("x", x) * (1 + torch.erf(x / math.sqrt(2))) / 2


def gelu_tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Approximate `gelu` by a tanh, as the published GPT weights were trained with.

        x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2

    Raises:
        TypeError: if `x` is not a tensor of real numbers.

    Source: Hendrycks & Gimpel (2016), arXiv:1606.08415, section 2.
    Oracle: torch.nn.functional.gelu(approximate="tanh").

    >>> gelu_tanh(torch.tensor([-9.0, 0.0, 9.0])).abs()
    tensor([0., 0., 9.])
    """
    return real_tensor("x", x) * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def swiglu(gate: Float[Tensor, "*shape"], up: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Let one projection open and close the other: swish(gate) · up, swish(x) = x · σ(x).

    Raises:
        TypeError: if either is not a tensor of real numbers.
        ValueError: if their shapes differ.

    Source: Shazeer (2020), arXiv:2002.05202, eq. 5.
    Oracle: torch.nn.functional.silu.

    >>> swiglu(torch.tensor([0.0, 50.0]), torch.tensor([3.0, 3.0]))
    tensor([  0., 150.])
    """
    matching_tensors("gate", gate, "up", up)
    return F.silu(gate) * up


def geglu(gate: Float[Tensor, "*shape"], up: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Gate by `gelu`: gelu(gate) · up.

    Raises:
        TypeError: if either is not a tensor of real numbers.
        ValueError: if their shapes differ.

    Source: Shazeer (2020), arXiv:2002.05202, eq. 5.
    Oracle: torch.nn.functional.gelu.

    >>> geglu(torch.tensor([0.0, 50.0]), torch.tensor([3.0, 3.0]))
    tensor([  0., 150.])
    """
    matching_tensors("gate", gate, "up", up)
    return F.gelu(gate) * up
