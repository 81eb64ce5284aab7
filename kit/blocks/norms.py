"""Norms: bring each token's features to one scale, so that a deep stack stays trainable.

The two functions are the formulas. Models call torch's own `nn.LayerNorm` and `nn.RMSNorm`, which
do the same in one pass over memory; the tests hold the two together.

    pre-norm    x + f(norm(x))      the skip is never scaled: deep stacks train from the first step
    post-norm   norm(x + f(x))      the published Transformer; needs a warm-up

Taught in: 17 19
"""

import torch
from jaxtyping import Float
from torch import Tensor

from kit.arguments import real, real_tensor


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


def _one_a_feature(x: Tensor, **parameters: Tensor) -> None:
    real_tensor("x", x)
    for name, value in parameters.items():
        if real_tensor(name, value).shape != x.shape[-1:]:
            raise ValueError(f"{name} must be one number for each of {x.shape[-1]} features, got {tuple(value.shape)}")
