"""Norms: bring features to one scale, so that a deep stack stays trainable.

The two functions are the formulas. Models call torch's own `nn.LayerNorm` and `nn.RMSNorm`, which
do the same in one pass over memory; the tests hold the two together.

    pre-norm    x + f(norm(x))      the skip is never scaled: deep stacks train from the first step
    post-norm   norm(x + f(x))      the published Transformer; needs a warm-up

`BatchNorm` has a memory, and two modes: it normalises by its batch in training, by its running means afterwards.

Taught in: 11 17 19
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import count, real, real_tensor


def layer_norm(
    x: Float[Tensor, "*batch features"],
    gain: Float[Tensor, "features"],
    bias: Float[Tensor, "features"],
    *,
    eps: float = 1e-5,
) -> Float[Tensor, "*batch features"]:
    """Centre each feature vector, scale it to unit variance, then apply gain and bias.

        μ  = mean(x)            over the last axis only
        σ² = mean((x - μ)²)     divides by n, not n - 1
        y  = gain · (x - μ) / √(σ² + eps) + bias

    Args:
        eps: added to the variance, so it carries the units of x². A constant row maps to `bias`.

    Raises:
        TypeError: if a tensor is not of real numbers, or `eps` not a number.
        ValueError: if `gain` or `bias` is not one number a feature, or `eps` is negative.

    Numerics: the variance comes from the centred values; E[x²] - E[x]² cancels in float32
    once |μ| is some hundreds of σ. Half precision is squared and summed in float32.
    Source: Ba, Kiros & Hinton (2016), arXiv:1607.06450, eqs. 3-4.
    Oracle: torch.nn.functional.layer_norm.

    >>> layer_norm(torch.tensor([1.0, 3.0]), torch.ones(2), torch.zeros(2), eps=0.0)
    tensor([-1.,  1.])
    """
    _one_a_feature(x, gain=gain, bias=bias)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    centred = wide - wide.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return (gain * centred / torch.sqrt(variance + real("eps", eps, at_least=0)) + bias).to(x.dtype)


def rms_norm(
    x: Float[Tensor, "*batch features"], gain: Float[Tensor, "features"], *, eps: float = 1e-6
) -> Float[Tensor, "*batch features"]:
    """Scale each feature vector to a mean square of 1, then apply the gain; nothing is centred.

        y = gain · x / √(mean(x²) + eps)

    Raises:
        TypeError: if a tensor is not of real numbers, or `eps` not a number.
        ValueError: if `gain` is not one number a feature, or `eps` is negative.

    Numerics: x² overflows float16 from |x| = 256 on; half precision is squared and summed in float32.
    Source: Zhang & Sennrich (2019), arXiv:1910.07467, eq. 4.
    Oracle: torch.nn.functional.rms_norm.

    >>> rms_norm(torch.tensor([3.0, 4.0]), torch.ones(2), eps=0.0) * 12.5**0.5
    tensor([3., 4.])
    """
    _one_a_feature(x, gain=gain)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    mean_square = wide.square().mean(dim=-1, keepdim=True)
    return (gain * wide / torch.sqrt(mean_square + real("eps", eps, at_least=0))).to(x.dtype)


class BatchNorm(nn.Module):
    """Bring each feature to mean 0 and variance 1 over the batch, then apply gain and bias.

        in training       μ = mean(x),  σ² = mean((x - μ)²)          over the n numbers of a feature: by n
                          running_mean ← (1 - m) running_mean + m μ
                          running_var  ← (1 - m) running_var + m σ² n/(n - 1)      unbiased: by n - 1
        in evaluation     μ = running_mean,  σ² = running_var
        y = gain · (x - μ) / √(σ² + eps) + bias

    Args:
        n_features: the length of axis 1; the numbers of a feature are those of all other axes.
        momentum: m, the share of a new batch in the running means.

    Raises:
        TypeError: if a number is none, or from a call, if `x` is not a tensor of real numbers.
        ValueError: if `n_features` < 1, `eps` < 0, `momentum` not from 0 to 1, or from a call, if `x` has other
            features, or in training, a single number for each, whose variance is 0 whatever it is.

    Numerics: after k steps the running means hold 1 - (1 - m)ᵏ of the truth and (1 - m)ᵏ of their start, 0 and 1:
    a model that is asked after a few steps is asked with other numbers than it was trained with.
    Source: Ioffe & Szegedy (2015), arXiv:1502.03167, algorithms 1 and 2.
    Oracle: torch.nn.BatchNorm1d, torch.nn.BatchNorm2d.

    >>> BatchNorm(1, eps=0.0)(torch.tensor([[1.0], [3.0]])).flatten().tolist()
    [-1.0, 1.0]
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_features: int, *, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        n_features = count("n_features", n_features)
        self.eps = real("eps", eps, at_least=0)
        self.momentum = real("momentum", momentum, at_least=0, at_most=1)
        self.weight, self.bias = nn.Parameter(torch.ones(n_features)), nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))

    def forward(self, x: Float[Tensor, "batch features *places"]) -> Float[Tensor, "batch features *places"]:
        """Normalise, and in training move the running means."""
        if real_tensor("x", x).ndim < 2 or x.shape[1] != len(self.weight):
            raise ValueError(f"x must have {len(self.weight)} features in axis 1, got shape {tuple(x.shape)}")
        n, others = x.numel() // x.shape[1], (0, *range(2, x.ndim))
        if self.training and n < 2:
            raise ValueError(f"x must hold two numbers of each feature or more in training, got {tuple(x.shape)}")
        as_features = (-1, *[1] * (x.ndim - 2))
        if self.training:
            mean = x.mean(dim=others)
            variance = (x - mean.view(as_features)).square().mean(dim=others)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(variance + self.eps)
        return (x - mean.view(as_features)) * scale.view(as_features) + self.bias.view(as_features)


def _one_a_feature(x: Tensor, **parameters: Tensor) -> None:
    real_tensor("x", x)
    for name, value in parameters.items():
        if real_tensor(name, value).shape != x.shape[-1:]:
            raise ValueError(f"{name} must be one number for each of {x.shape[-1]} features, got {tuple(value.shape)}")
