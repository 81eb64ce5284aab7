"""Layers in int8: weights of one byte, inputs of one byte, and products of whole numbers.

    ranges = calibrate(model, batches)            how large each layer's inputs become
    small = quantize_layers(model, ranges)        a copy whose Linear, Conv2d and Embedding are in int8

    y  =  s_x · s_w · (x₈ · w₈)  +  b             x₈ = round(x / s_x), w₈ = round(w / s_w); the product is exact

A scale for each output channel of the weights can wait until after the sum. One for each input channel cannot: it is
multiplied into the weights beforehand, as SmoothQuant does. Where torch has kernels for it, as on most x86
processors, the products are made of bytes; elsewhere the same whole numbers are multiplied as floats.

Source: Jacob and others (2017), arXiv:1712.05877, eqs. 1-9; Xiao and others (2022), SmoothQuant, arXiv:2211.10438.

Taught in: 25
"""

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import instance, integer_tensor, one_of, real_tensor, several, shown
from kit.blocks.modes import modes_kept
from kit.compress.quantize import dequantize, quantize, scales

Model = TypeVar("Model", bound=nn.Module)
PER, SHIFT = ("tensor", "channel"), 128


@cache
def has_kernels() -> bool:
    """Tell whether torch multiplies bytes here: tried on a small product of each kind, whose result is known."""
    if not (hasattr(torch.ops.onednn, "qlinear_pointwise") and hasattr(torch.ops.onednn, "qconv_pointwise")):
        return False
    x = torch.arange(-8, 8, dtype=torch.int8).view(2, 2, 2, 2)
    weight, one = torch.arange(-9, 9, dtype=torch.int8).view(1, 2, 3, 3), torch.ones(1)
    try:
        convolved = _convolved(x, _packed_conv(weight, one, 1.0, (1, 1), (1, 1)), one, 1.0, None, (1, 1), (1, 1))
        multiplied = _multiplied(
            x.flatten(1), torch.ops.onednn.qlinear_prepack(weight.view(1, 18)[:, :8].contiguous(), None), one, 1.0, None
        )
    except (RuntimeError, NotImplementedError, AttributeError):
        return False
    known = F.conv2d(x.float(), weight.float(), padding=1), x.flatten(1).float() @ weight.view(18)[:8, None].float()
    return torch.equal(convolved, known[0]) and torch.equal(multiplied, known[1])


def _packed_conv(weight: Tensor, scale: Tensor, x_scale: float, stride: tuple, padding: tuple) -> Tensor:
    return torch.ops.onednn.qconv_prepack(
        weight.contiguous(), scale, x_scale, SHIFT, [*stride], [*padding], [1, 1], 1, None
    )


def _multiplied(x: Tensor, packed: Tensor, scale: Tensor, x_scale: float, bias: Tensor | None) -> Tensor:
    zeros, nothing = torch.zeros(len(scale), dtype=torch.int32), ("none", [], "")
    return torch.ops.onednn.qlinear_pointwise(
        _unsigned(x), x_scale, SHIFT, packed, scale, zeros, bias, 1.0, 0, torch.float32, *nothing
    )


def _unsigned(x: Tensor) -> Tensor:
    """Add 128: what the kernels take, and are told. With signed inputs the linear one is hundreds of times slower."""
    return x.view(torch.uint8) ^ SHIFT


def _convolved(
    x: Tensor, packed: Tensor, scale: Tensor, x_scale: float, bias: Tensor | None, stride: tuple, padding: tuple
) -> Tensor:
    zeros, how = torch.zeros(len(scale), dtype=torch.int64), ([*stride], [*padding], [1, 1], 1)
    return torch.ops.onednn.qconv_pointwise(
        _unsigned(x), x_scale, SHIFT, packed, scale, zeros, bias, *how, 1.0, 0, torch.float32, "none", [], ""
    )


class _Int8(nn.Module):
    """What the layers share: whole numbers, their scales, and those of the inputs."""

    values: Tensor
    scale: Tensor
    input_scale: Tensor | None
    _packed: Any = None  # the weights as the kernels want them, made at the first call

    def __init__(self, layer: Any, values: Tensor, scale: Tensor, input_scale: Tensor | None):
        super().__init__()
        self.register_buffer("values", values)
        self.register_buffer("scale", scale)
        self.register_buffer("input_scale", input_scale)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}  # it cannot be copied

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._packed = None
        return super()._apply(fn, recurse)

    def weights(self) -> Tensor:
        """Give the weights back as numbers; an input's own scale is in them."""
        return dequantize(self.values, self.scale)

    def whole(self, x: Tensor) -> Tensor:
        """Round inputs to int8."""
        return quantize(x, cast(Tensor, self.input_scale))

    def has_kernel(self, x: Tensor) -> bool:
        """Tell whether bytes are multiplied."""
        return x.device.type == "cpu" and x.dtype == torch.float32 and has_kernels()

    @property
    def x_scale(self) -> Tensor:
        """Give what a whole number of the inputs stands for in the product: 1 where the weights have their scales."""
        scale = cast(Tensor, self.input_scale)
        return scale if scale.ndim == 0 else torch.ones_like(scale.flatten()[0])

    def per_unit(self) -> Tensor:
        """Give each output its scale."""
        return self.scale.flatten().expand(len(self.values)).contiguous()


class Int8Linear(_Int8):
    """A linear layer whose weights are bytes, and whose inputs become bytes if they have a scale."""

    def forward(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        if self.input_scale is None:
            return F.linear(x, self.weights().to(x.dtype), self.bias)
        x8 = self.whole(x)
        if not self.has_kernel(x):
            product = F.linear(x8.to(x.dtype), self.values.to(x.dtype)) * (self.per_unit() * self.x_scale).to(x.dtype)
            return product if self.bias is None else product + self.bias
        if self._packed is None:
            self._packed = torch.ops.onednn.qlinear_prepack(self.values, None), self.per_unit(), float(self.x_scale)
        packed, scale, x_scale = self._packed
        return _multiplied(x8.flatten(0, -2), packed, scale, x_scale, self.bias).view(*x.shape[:-1], -1)


class Int8Conv2d(_Int8):
    """A convolution whose weights are bytes, and whose inputs become bytes if they have a scale."""

    def __init__(self, layer: nn.Conv2d, values: Tensor, scale: Tensor, input_scale: Tensor | None):
        super().__init__(layer, values, scale, input_scale)
        self.stride, self.padding = layer.stride, cast(tuple[int, ...], layer.padding)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b channels rows columns"]:
        how: dict[str, Any] = {"stride": self.stride, "padding": self.padding}
        if self.input_scale is None:
            return F.conv2d(x, self.weights().to(x.dtype), self.bias, **how)
        x8 = self.whole(x)
        if not self.has_kernel(x):
            scale = (self.per_unit() * self.x_scale).to(x.dtype)[:, None, None]
            product = F.conv2d(x8.to(x.dtype), self.values.to(x.dtype), **how) * scale
            return product if self.bias is None else product + self.bias[:, None, None]
        if self._packed is None:
            scale, x_scale = self.per_unit(), float(self.x_scale)
            self._packed = _packed_conv(self.values, scale, x_scale, self.stride, self.padding), scale, x_scale
        packed, scale, x_scale = self._packed
        return _convolved(x8, packed, scale, x_scale, self.bias, self.stride, self.padding)


class Int8Embedding(nn.Module):
    """A table of bytes with a scale for each row, or for all.

    Raises:
        TypeError, ValueError: if `values` are no matrix of int8, or `scale` no tensor of real numbers.
    """

    values: Tensor
    scale: Tensor

    def __init__(self, values: Tensor, scale: Tensor):
        super().__init__()
        if not isinstance(values, Tensor) or values.dtype != torch.int8 or values.ndim != 2:
            raise TypeError(f"values must be a matrix of int8, got {shown(values)}")
        self.register_buffer("values", values)
        self.register_buffer("scale", real_tensor("scale", scale))

    def forward(self, ids: Int[Tensor, "*batch"]) -> Float[Tensor, "*batch width"]:
        """Look up rows.

        Raises:
            TypeError: if `ids` are no whole numbers.
        """
        ids = integer_tensor("ids", ids)
        return self.values[ids] * (self.scale if self.scale.numel() == 1 else self.scale[ids])


def calibrate(model: nn.Module, batches: Iterable[Any]) -> dict[str, Float[Tensor, "channels"]]:
    """Let a model read some batches, and note how large the inputs of each Linear and Conv2d become.

    Args:
        batches: each a tensor, or a tuple of what the model takes.

    Returns:
        For each layer by name the largest absolute value of every input channel.

    Raises:
        TypeError: if `model` is no module, or `batches` no collection.
        ValueError: if there are no batches, or the model has no such layer.

    >>> calibrate(nn.Sequential(nn.Linear(2, 1)), [torch.tensor([[1.0, -3.0], [2.0, 0.0]])])
    {'0': tensor([2., 3.])}
    """
    instance("model", model, nn.Module)
    several("batches", batches)
    ranges: dict[str, Tensor] = {}

    def noting(name: str) -> Any:
        def note(layer: nn.Module, given: tuple) -> None:
            x = given[0].detach().abs()
            axis = 1 if isinstance(layer, nn.Conv2d) else x.ndim - 1
            largest = x.amax(dim=[i for i in range(x.ndim) if i != axis])
            ranges[name] = torch.maximum(ranges[name], largest) if name in ranges else largest

        return note

    layers = {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)}
    if not layers:
        raise ValueError("model must have a Linear or a Conv2d, got none")
    hooks = [layer.register_forward_pre_hook(noting(name)) for name, layer in layers.items()]
    n_batches = 0
    try:
        with torch.no_grad(), modes_kept(model):
            model.eval()
            for batch in batches:
                model(*(batch if isinstance(batch, tuple | list) else (batch,)))
                n_batches += 1
    finally:
        for hook in hooks:
            hook.remove()
    if not n_batches:
        raise ValueError("batches must not be empty")
    return ranges


def quantize_layers(
    model: Model,
    ranges: Mapping[str, Tensor] | None = None,
    *,
    weights: str = "channel",
    inputs: str = "tensor",
) -> Model:
    """Make a copy of a model whose Linear, Conv2d and Embedding layers are in int8.

    A tied table is quantised once, and both of its users hold it. Its inputs have one scale.

    Args:
        ranges: from `calibrate`; a layer without one, as it was never called, keeps its inputs as they are, and only
            its weights are bytes. So do all where it is None.
        weights: one scale for each "channel", that is for each output or row, or for the whole "tensor".
        inputs: one scale for the whole "tensor", or for each "channel", multiplied into the weights.

    Raises:
        TypeError: if `model` is no module, or `ranges` no mapping.
        ValueError: if `ranges` name what is no such layer, or `weights` or `inputs` is neither of the two.
    """
    instance("model", model, nn.Module)
    one_of("weights", weights, PER)
    one_of("inputs", inputs, PER)
    if ranges is not None:
        instance("ranges", ranges, Mapping)
    if isinstance(model, nn.Linear | nn.Conv2d | nn.Embedding):
        raise ValueError("model must hold its layers as parts, got a layer; put it in a Sequential")
    small = copy.deepcopy(model)
    named: list[tuple[str, Any]] = list(small.named_modules())
    found = [(name, part) for name, part in named if type(part) in (nn.Linear, nn.Conv2d, nn.Embedding)]
    for name, part in found:
        if isinstance(part, nn.Conv2d) and (
            (part.groups, part.dilation, part.padding_mode) != (1, (1, 1), "zeros") or isinstance(part.padding, str)
        ):
            raise ValueError(
                f"model must have convolutions of one group, undilated, padded by zeros; got {name}, {part}"
            )
    strangers = set(ranges or ()) - {name for name, part in found if not isinstance(part, nn.Embedding)}
    if strangers:
        raise ValueError(f"ranges must be of Linear and Conv2d layers, got {shown(min(strangers))}")
    users = [id(part.weight) for _, part in found]
    tables: dict[int, tuple[Tensor, Tensor]] = {}
    for name, layer in found:
        weight, input_scale = layer.weight.detach(), None
        if ranges is not None and name in ranges:
            fold = inputs == "channel" and users.count(id(layer.weight)) == 1
            largest = ranges[name].float()  # of each channel; one that was 0 throughout tells nothing of its own
            input_scale = scales(largest.where(largest > 0, largest.amax()), axis=0 if fold else None)
            if fold and isinstance(layer, nn.Conv2d):
                input_scale = input_scale[:, None, None]
            weight = weight * input_scale if fold else weight
        if id(layer.weight) not in tables:
            scale = scales(weight, axis=0 if weights == "channel" else None)
            tables[id(layer.weight)] = quantize(weight, scale), scale
        values, scale = tables[id(layer.weight)]
        owner, _, place = name.rpartition(".")
        made: nn.Module
        if isinstance(layer, nn.Embedding):
            made = Int8Embedding(values, scale)
        elif isinstance(layer, nn.Linear):
            made = Int8Linear(layer, values, scale, input_scale)
        else:
            made = Int8Conv2d(layer, values, scale, input_scale)
        setattr(small.get_submodule(owner), place, made)
    return small
