"""Quantisation: numbers of 32 bits as whole numbers of a few, times a scale.

    scale = max|x| / (2^(bits-1) - 1)           127 for 8 bits, 7 for 4
    value = round(x / scale)                    to the nearest; of two, the even one
    x     ≈ value · scale                       off by scale / 2 at most

The grid is symmetric: -127 to 127, without -128, so that 0 is 0 and a sign costs nothing. One scale may serve a
whole tensor, each index of an axis, as each row of a matrix, or each group of numbers in a row. The largest number
under a scale sets it for all others.

Source: Jacob and others (2017), arXiv:1712.05877; Nagel and others (2021), arXiv:2106.08295; groups of four bits as
in Frantar and others (2022), arXiv:2210.17323.

Taught in: 25
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float16, Int8, UInt8
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, real_tensor, shown

LARGEST_BITS = 8
MARGIN = 1 + 2**-10  # twice the rounding of float16: a scale stored in it is never below its own


def top(bits: int) -> int:
    """Give the largest whole number of a symmetric grid.

    Raises:
        TypeError, ValueError: if `bits` is no whole number from 2 to 8.

    >>> top(8), top(4), top(2)
    (127, 7, 1)
    """
    if count("bits", bits, at_least=2) > LARGEST_BITS:
        raise ValueError(f"bits must be <= {LARGEST_BITS}, got {bits}")
    return 2 ** (bits - 1) - 1


def scales(x: Float[Tensor, "*shape"], *, bits: int = 8, axis: int | None = None) -> Float[Tensor, "..."]:
    """Find the scale at which the largest absolute value becomes the largest whole number.

        scale = max|x| / (2^(bits-1) - 1)       where all are 0: 1

    Args:
        axis: along which each index has a scale of its own; None gives one to the whole tensor.

    Returns:
        In at least float32, of a shape that stretches to that of `x`.

    Raises:
        TypeError: if `x` is no tensor of real numbers, or `axis` no whole number.
        ValueError: if `bits` is not from 2 to 8, `x` is empty, or `x` has no such axis.

    >>> scales(torch.tensor([[127.0, 0.0], [0.0, -254.0]]), axis=0).flatten()
    tensor([1., 2.])
    """
    largest = top(bits)
    sizes = real_tensor("x", x).detach().abs()
    if not sizes.numel():
        raise ValueError(f"x must not be empty, got shape {tuple(x.shape)}")
    sizes = sizes.to(torch.promote_types(x.dtype, torch.float32))
    if axis is None:
        found = sizes.amax()
    else:
        if count("axis", axis, at_least=-x.ndim) >= x.ndim:
            raise ValueError(f"axis must be one of {x.ndim}, got {axis}")
        others = [i for i in range(x.ndim) if i != axis % x.ndim]
        found = sizes.amax(dim=others, keepdim=True) if others else sizes
    scale = found / largest
    return torch.where(scale > 0, scale, 1.0)


def quantize(x: Float[Tensor, "*shape"], scale: Float[Tensor, "..."], *, bits: int = 8) -> Int8[Tensor, "*shape"]:
    """Round to the grid of a scale; what lies beyond its ends is brought to them.

    Args:
        scale: of a shape that stretches to that of `x`, all above 0.

    Raises:
        TypeError: if either is no tensor of real numbers.
        ValueError: if `bits` is not from 2 to 8, or `scale` does not stretch to the shape of `x`.

    >>> quantize(torch.tensor([0.5, 1.5, 2.5, 300.0]), torch.tensor(1.0))
    tensor([  0,   2,   2, 127], dtype=torch.int8)
    """
    largest = top(bits)
    _stretches(scale, real_tensor("x", x))
    return (x / scale).round_().clamp_(-largest, largest).to(torch.int8)


def dequantize(values: Int8[Tensor, "*shape"], scale: Float[Tensor, "..."]) -> Float[Tensor, "*shape"]:
    """Bring whole numbers back to where they stand for.

    Raises:
        TypeError: if `values` are no int8, or `scale` no tensor of real numbers.
        ValueError: if `scale` does not stretch to the shape of `values`.

    >>> dequantize(torch.tensor([-2, 3], dtype=torch.int8), torch.tensor(0.5))
    tensor([-1.0000,  1.5000])
    """
    _whole("values", values, torch.int8)
    _stretches(scale, values)
    return values * scale


def _stretches(scale: Tensor, x: Tensor) -> None:
    sizes = tuple(real_tensor("scale", scale).shape)
    pairs = zip(reversed(sizes), reversed(x.shape), strict=False)
    if len(sizes) > x.ndim or any(one not in (1, other) for one, other in pairs):
        raise ValueError(f"scale must stretch to the shape {tuple(x.shape)}, got {sizes}")


def _whole(name: str, values: Tensor, dtype: torch.dtype) -> None:
    if not isinstance(values, Tensor) or values.dtype != dtype:
        raise TypeError(f"{name} must be a tensor of {dtype}, got {shown(values)}")


# Four bits -----------------------------------------------------------------------------------------


def pack_int4(values: Int8[Tensor, "*rows even"]) -> UInt8[Tensor, "*rows half"]:
    """Lay two numbers of four bits into each byte: the first of a pair in the lower half.

        byte = (first mod 16) + 16 · (second mod 16)

    Raises:
        TypeError: if `values` are no int8.
        ValueError: if their last axis is odd or missing, or one is not from -8 to 7.

    >>> pack_int4(torch.tensor([3, -1], dtype=torch.int8))  # 3 and 15: 3 + 240
    tensor([243], dtype=torch.uint8)
    """
    _whole("values", values, torch.int8)
    if not values.ndim or not values.numel() or values.shape[-1] % 2:
        raise ValueError(f"values must be pairs along their last axis, got shape {tuple(values.shape)}")
    low, high = (int(end) for end in values.aminmax())
    if low < -8 or high > 7:
        raise ValueError(f"values must be from -8 to 7, got {low} to {high}")
    halves = values.view(torch.uint8) & 15
    return halves[..., 0::2] | (halves[..., 1::2] << 4)


def unpack_int4(packed: UInt8[Tensor, "*rows half"]) -> Int8[Tensor, "*rows even"]:
    """Take the numbers of four bits out of their bytes again.

    Raises:
        TypeError: if `packed` are no uint8.
        ValueError: if they have no axis.

    >>> unpack_int4(torch.tensor([243], dtype=torch.uint8))
    tensor([ 3, -1], dtype=torch.int8)
    """
    _whole("packed", packed, torch.uint8)
    if not packed.ndim:
        raise ValueError("packed must have an axis, got none")
    halves = torch.stack([packed & 15, packed >> 4], dim=-1).flatten(-2).view(torch.int8)
    return (halves ^ 8) - 8  # 8 to 15 stand for -8 to -1


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """A matrix in four bits, with a scale for each group of numbers of a row.

    Args:
        packed: two numbers a byte; each row is filled up with zeros to whole groups.
        scales: of each group.
        n_columns: of the matrix itself.
    """

    packed: UInt8[Tensor, "rows half"]
    scales: Float16[Tensor, "rows groups"]
    n_columns: int

    @property
    def n_bytes(self) -> int:
        """Count the bytes of both tables."""
        return self.packed.numel() + 2 * self.scales.numel()

    def dense(self) -> Float[Tensor, "rows columns"]:
        """Give the matrix back in float32."""
        groups = unpack_int4(self.packed).unflatten(1, (self.scales.shape[1], -1))
        return (groups * self.scales.float()[..., None]).flatten(1)[:, : self.n_columns]


def quantize_groups(weight: Float[Tensor, "rows columns"], *, group: int = 16) -> Grouped:
    """Quantise a matrix to four bits, group by group along its rows.

    Args:
        group: how many numbers share a scale of 16 bits; even. 16 make it 5 bits a number, 32 make it 4.5.

    Raises:
        TypeError: if `weight` is no tensor of real numbers, or `group` no whole number.
        ValueError: if `weight` is no matrix or empty, or `group` is odd or < 2.

    Numerics: the scales are stored in float16, each a little above its own, so that no number is cut off.

    >>> quantize_groups(torch.tensor([[7.0, -3.0, 0.7, 0.1]]), group=2).dense().round(decimals=1)
    tensor([[ 7.0000, -3.0000,  0.7000,  0.1000]])
    """
    if real_tensor("weight", weight).ndim != 2 or not weight.numel():
        raise ValueError(f"weight must be a matrix, got shape {tuple(weight.shape)}")
    if count("group", group) % 2:
        raise ValueError(f"group must be even, got {group}")
    n_rows, n_columns = weight.shape
    filled = F.pad(weight.detach().float(), (0, -n_columns % group))
    groups = filled.reshape(-1, group)
    scale = (scales(groups, bits=4, axis=0) * MARGIN).half()
    scale = torch.where(scale > 0, scale, 1.0)  # below float16's smallest number: all are 0
    values = quantize(groups, scale.float(), bits=4)
    return Grouped(packed=pack_int4(values.view(n_rows, -1)), scales=scale.view(n_rows, -1), n_columns=n_columns)
