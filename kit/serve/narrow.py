"""Narrow weights: 16 or 8 bits for each, since a step waits for its weights to be read.

    bfloat16    2 bytes; everything else in bfloat16 too
    int8        1 byte, and a scale for each row of a matrix:  W ≈ scale · whole numbers from -127 to 127

Taught in: 26
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import instance
from kit.compress.quantize import quantize, scales
from kit.models.gpt import GPT
from kit.train.amp import native_formats


class Int8Linear(nn.Module):
    """A linear layer whose weights are whole numbers of 8 bits; inputs and outputs are bfloat16.

    Raises:
        TypeError: if `layer` is not a linear layer.

    Oracle: the same product with the numbers written out.
    """

    whole: Tensor
    scale: Tensor

    def __init__(self, layer: nn.Linear):
        super().__init__()
        instance("layer", layer, nn.Linear)
        weight = layer.weight.detach().float()
        scale = scales(weight, axis=0)
        self.register_buffer("whole", quantize(weight, scale))
        self.register_buffer("scale", scale.flatten().bfloat16())
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().bfloat16(), requires_grad=False)

    def forward(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows out"]:
        """Multiply; the whole numbers are widened in the processor, not in memory."""
        rows = x.reshape(-1, x.shape[-1])
        if x.device.type == "cpu" and has_int8():
            y = torch.ops.aten._weight_int8pack_mm(rows, self.whole, self.scale)
        else:
            y = rows @ self.whole.to(x.dtype).T * self.scale
        y = y if self.bias is None else y + self.bias
        return y.reshape(*x.shape[:-1], -1)


def has_int8() -> bool:
    """Tell whether this build of torch has a product with 8-bit weights for processors."""
    return hasattr(torch.ops.aten, "_weight_int8pack_mm")


def bfloat16_copy(model: GPT) -> GPT:
    """Copy a model with every number in bfloat16.

    Raises:
        TypeError: if `model` is not a GPT.
    """
    instance("model", model, GPT)
    return copy.deepcopy(model).bfloat16().eval()


def int8_copy(model: GPT) -> GPT:
    """Copy a model with its matrices in 8 bits, and the rest in bfloat16; the embedding keeps 16 bits, the head 8.

    Raises:
        TypeError: if `model` is not a GPT.
    """
    small = bfloat16_copy(model)
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear):
            small.set_submodule(name, Int8Linear(layer))
    return small


def narrow_formats() -> tuple[str, ...]:
    """List the narrow formats that this processor multiplies by hardware of its own, of bfloat16 and int8."""
    found = native_formats("cpu")
    return (*(["bfloat16"] if "bfloat16" in found else []), *(["int8"] if has_int8() and "bfloat16" in found else []))
