"""Positions: attention by itself cannot tell the order of its keys; here are five ways to tell it.

    sinusoidal      waves added to the embeddings        the 2017 Transformer
    learned         a table added to the embeddings      GPT, BERT: an nn.Embedding, no code here
    rotary          queries and keys turned by angles    PaLM, Llama
    T5's relative   a learned bias for each distance     T5
    XL's relative   a score for each distance            Transformer-XL

Taught in: 17 19
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, integer_tensor, real, real_tensor


def sinusoidal(
    positions: Int[Tensor, "*batch time"], *, width: int, base: float = 10_000.0
) -> Float[Tensor, "*batch time width"]:
    """Write each position as waves of growing length, a sine and a cosine of each.

        angle(p, i)  = p / base^(2i / width)
        out[p, 2i]   = sin(angle(p, i))
        out[p, 2i+1] = cos(angle(p, i))

    Raises:
        TypeError: if `positions` are no whole numbers, `width` is none, or `base` no number.
        ValueError: if `positions` are a single number, `width` is odd or below 2, or `base` <= 1.

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.5.

    >>> sinusoidal(torch.tensor([0]), width=4)
    tensor([[0., 1., 0., 1.]])
    """
    angles = rotary_angles(positions, width=width, base=base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def rotary_angles(
    positions: Int[Tensor, "*batch time"], *, width: int, base: float = 10_000.0
) -> Float[Tensor, "*batch time half_width"]:
    """Give the angle by which each pair of features is turned at each position.

        angle(p, i) = p / base^(2i / width)      for the pairs i = 0 ... width/2 - 1

    Raises:
        TypeError: if `positions` are no whole numbers, `width` is none, or `base` no number.
        ValueError: if `positions` are a single number, `width` is odd or below 2, or `base` <= 1.

    Numerics: in float32 whatever the model's dtype; bfloat16 cannot tell position 256 from 257.
    Source: Su et al. (2021), arXiv:2104.09864, eq. 15.

    >>> rotary_angles(torch.tensor([0, 3]), width=2)
    tensor([[0.],
            [3.]])
    """
    if not integer_tensor("positions", positions).ndim:
        raise ValueError(f"positions must be a row, or several, got shape {tuple(positions.shape)}")
    base = real("base", base, above=1)
    if count("width", width, at_least=2) % 2:
        raise ValueError(f"width must be even, got {width}")
    pairs = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32)
    return positions[..., None] * base ** (-pairs / width)


def rotate(
    x: Float[Tensor, "*axes time width"], angles: Float[Tensor, "*batch time half_width"]
) -> Float[Tensor, "*axes time width"]:
    """Turn each pair of neighbouring features by the angle of its position.

        out[2i]   = x[2i] · cos - x[2i+1] · sin
        out[2i+1] = x[2i] · sin + x[2i+1] · cos

    The product of a turned query and a turned key then depends on their distance alone.

    Args:
        x: with any axes before those of position and feature, such as batch and heads.
        angles: the same for all of them; or with a third axis, the batch's, for each row its own.

    Raises:
        TypeError: if either is not a tensor of real numbers.
        ValueError: if `x` does not have the axes of position and feature, or `angles` not half as
            many columns as there are features, a row for each position, or a table for each row of the batch.

    Source: Su et al. (2021), arXiv:2104.09864, eq. 34.
    Oracle: multiplication of complex numbers by exp(i · angle).

    >>> rotate(torch.tensor([[1.0, 0.0]]), torch.tensor([[math.pi / 2]])).round()
    tensor([[-0.,  1.]])
    """
    if real_tensor("x", x).ndim < 2:
        raise ValueError(f"x must have the axes of position and feature, got shape {tuple(x.shape)}")
    if real_tensor("angles", angles).ndim not in (2, 3) or 2 * angles.shape[-1] != x.shape[-1]:
        raise ValueError(f"angles must be half as many as the {x.shape[-1]} features, got {tuple(angles.shape)}")
    if angles.shape[-2] != x.shape[-2]:
        raise ValueError(f"angles must have a row for each of {x.shape[-2]} positions, got {angles.shape[-2]}")
    if angles.ndim == 3:
        if x.ndim < 3 or len(angles) not in (1, len(x)):
            raise ValueError(f"angles must be for the batch of x, {tuple(x.shape)}, got {tuple(angles.shape)}")
        angles = angles.reshape(len(angles), *[1] * (x.ndim - 3), *angles.shape[1:])  # the same for all heads
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def relative_buckets(
    distances: Int[Tensor, "*shape"], *, bidirectional: bool, n_buckets: int = 32, max_distance: int = 128
) -> Int[Tensor, "*shape"]:
    """Sort distances into T5's buckets: one for each short distance, wider ones for the longer.

    Half of the buckets hold the distances 0, 1, 2, ... one each; the other half grow by a constant
    factor up to `max_distance`; what is farther shares the last.

    Args:
        distances: the key's position less the query's.
        bidirectional: whether the future has half of all buckets, or is taken as distance 0.
        n_buckets: at least 2, so that one is exact and one is not; twice as many if bidirectional.
        max_distance: beyond those that have a bucket of their own.

    Raises:
        TypeError: if `distances` are no whole numbers, or a count is none.
        ValueError: if a count is too small.

    Source: Raffel et al. (2019), arXiv:1910.10683, section 2.1.
    Oracle: the T5 of Hugging Face transformers.

    >>> relative_buckets(torch.tensor([0, -1, -2, -500, 500]), bidirectional=False, n_buckets=4, max_distance=8)
    tensor([0, 1, 2, 3, 0])
    """
    distances = integer_tensor("distances", distances).long()  # what is unsigned has no negatives
    exact = count("n_buckets", n_buckets, at_least=4 if bidirectional else 2) // (4 if bidirectional else 2)
    count("max_distance", max_distance, at_least=exact + 1)
    offset = torch.zeros_like(distances)
    if bidirectional:
        n_buckets //= 2
        offset = (distances > 0) * n_buckets
        back = distances.abs()
    else:
        back = (-distances).clamp(min=0)
    share = torch.log(back.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    far = (exact + (share * (n_buckets - exact)).long()).clamp(max=n_buckets - 1)
    return offset + torch.where(back < exact, back, far)


def relative_shift(scores: Float[Tensor, "batch heads queries distances"]) -> Float[Tensor, "batch heads queries keys"]:
    """Turn scores by distance into scores by key, without ever gathering them.

    Column j of the input is the score of distance n_keys - 1 - j; the queries are the last of the
    keys, so row i has to move left by n_queries - 1 - i. A column of zeros put before each row and
    a new way to cut the same memory into rows do it. What a query's future receives is left over
    from its neighbours, and must be masked.

    Raises:
        TypeError: if `scores` is not a tensor of real numbers.
        ValueError: if it does not have four axes.

    Source: Dai et al. (2019), arXiv:1901.02860, appendix B.

    >>> relative_shift(torch.tensor([[[[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]]]))  # distances; two queries, three keys
    tensor([[[[1., 0., 0.],
              [2., 1., 0.]]]])
    """
    if real_tensor("scores", scores).ndim != 4:
        raise ValueError(f"scores must have the axes batch, heads, queries and distances, got {tuple(scores.shape)}")
    *batch, n_queries, n_keys = scores.shape
    padded = F.pad(scores, (1, 0)).reshape(*batch, n_keys + 1, n_queries)
    return padded[..., 1:, :].reshape(*batch, n_queries, n_keys)
