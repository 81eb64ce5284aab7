"""Underflow: which numbers a narrow format loses, and which gradients of a model are among them.

    with recorded_gradients(model) as recorded:
        loss(model, batch).backward()
    out_of_range(recorded.flatten(), "float16")

Taught in: 22
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import instance, one_of, real, real_tensor
from kit.train.amp import FORMATS


@dataclass(frozen=True, kw_only=True)
class OutOfRange:
    """What becomes of numbers in a narrower format: shares of those that are not 0 to begin with.

    Args:
        underflow: became 0.
        subnormal: stayed, below the smallest normal number, where digits are lost.
        overflow: became infinite.
    """

    underflow: float
    subnormal: float
    overflow: float


def out_of_range(numbers: Float[Tensor, "..."], dtype: str, *, scale: float = 1.0) -> OutOfRange:
    """Convert numbers, multiplied by a scale, and count what is lost.

    Raises:
        TypeError: if `numbers` is no tensor of real numbers, or `scale` no number.
        ValueError: if `dtype` is no format, `scale` <= 0, or all the numbers are 0.

    >>> out_of_range(torch.tensor([1.0, 1e-9, 1e9, 0.0]), "float16")  # 0 is not counted
    OutOfRange(underflow=0.3333333333333333, subnormal=0.0, overflow=0.3333333333333333)
    """
    target = getattr(torch, one_of("dtype", dtype, FORMATS))
    given = real_tensor("numbers", numbers).detach()
    given = given[given != 0].double()
    if not given.numel():
        raise ValueError("numbers must not all be 0, for there is nothing to lose")
    kept = (given * real("scale", scale, above=0)).to(target).abs()
    subnormal = (kept > 0) & (kept < torch.finfo(target).tiny)
    underflow, overflow = kept == 0, kept.isinf()
    return OutOfRange(
        underflow=underflow.double().mean().item(),
        subnormal=subnormal.double().mean().item(),
        overflow=overflow.double().mean().item(),
    )


@dataclass(frozen=True)
class RecordedGradients:
    """The gradients that flow back through a model's linear layers, a list of tensors for each kind.

    Args:
        activations: with regard to each layer's outputs and inputs.
        weights: with regard to each layer's weights and biases.
    """

    activations: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)

    def flatten(self) -> Float[Tensor, "numbers"]:
        """Concatenate them all to one row, in float32."""
        return torch.cat([gradient.float().flatten() for gradient in (*self.activations, *self.weights)])


@contextmanager
def recorded_gradients(model: nn.Module) -> Iterator[RecordedGradients]:
    """Collect the gradients of one backward pass: what mixed precision would hold in 16 bits.

    Raises:
        TypeError: if `model` is not a module.
    """
    instance("model", model, nn.Module)
    recorded = RecordedGradients()
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        for tensor in (*inputs, output):
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: recorded.activations.append(gradient.detach().clone()))

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()
        weights = {id(p): p for layer in layers for p in layer.parameters()}.values()
        recorded.weights.extend(p.grad.detach().clone() for p in weights if p.grad is not None)
