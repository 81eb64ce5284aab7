"""Layer by layer: what a network's units give, the gradient that reaches them, and how far a step moves their weights.

    with recorded_layers(model) as layers:
        loss(model(x), y).backward()
    layers["hidden.3.linear"].gradient_norm

Works on any model by torch's hooks: nothing in the model knows that it is looked at.

Taught in: 11
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from kit.arguments import instance, real_array, real_tensor, shown
from kit.blocks.modes import modes_kept


@dataclass(kw_only=True)
class LayerRecord:
    """What one layer gave, and the gradient that came back to it; a layer that is called twice has two of each.

    Args:
        kind: the name of its class.
        outputs: what it gave.
        gradients: of the loss, with respect to each output.
    """

    kind: str
    outputs: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)

    @property
    def std(self) -> float:
        """Give the standard deviation of all that it gave."""
        return self._numbers().std(correction=0).item()

    @property
    def share_of_zeros(self) -> float:
        """Give the share of its outputs that are exactly 0."""
        return (self._numbers() == 0).double().mean().item()

    @property
    def gradient_norm(self) -> float:
        """Give the root of the sum of the squares of all gradients that came back; 0 where none did."""
        norms = [torch.linalg.vector_norm(gradient, dtype=torch.float64).item() for gradient in self.gradients]
        return math.hypot(*norms)

    def histogram(self, edges: Shaped[np.ndarray, "edges"]) -> Float[np.ndarray, "bins"]:
        """Give the share of the outputs in each bin; what lies beyond either end is counted in the last bin there.

        Raises:
            TypeError: if `edges` are not real numbers.
            ValueError: if they are fewer than two, or do not rise.
        """
        edges = real_array("edges", edges, ndim=1)
        if len(edges) < 2 or (np.diff(edges) <= 0).any():
            raise ValueError(f"edges must be two or more, and rise, got {edges[:5]}")
        numbers = self._numbers()
        borders = torch.as_tensor(edges[1:-1], dtype=numbers.dtype, device=numbers.device)
        counts = torch.bincount(torch.bucketize(numbers, borders, right=True), minlength=len(edges) - 1)
        return counts.cpu().numpy() / len(numbers)

    def _numbers(self) -> Tensor:
        first, *others = [output.flatten() for output in self.outputs]
        return torch.cat([first, *others]) if others else first


@contextmanager
def recorded_layers(
    model: nn.Module, kinds: type[nn.Module] | tuple[type[nn.Module], ...] = nn.Module
) -> Iterator[dict[str, LayerRecord]]:
    """Record every layer of a model while it computes, in the order in which they are called first.

    Layers are the modules that have no others inside them, and give one tensor.

    Args:
        kinds: the class of those that are wanted, or several; all, if none is named.

    Returns:
        A record for each, by the name that `named_modules` gives; it fills up as the model is called.

    Raises:
        TypeError: if `model` is not a module, or `kinds` are no classes.
    """
    instance("model", model, nn.Module)
    if not all(isinstance(kind, type) for kind in (kinds if isinstance(kinds, tuple) else (kinds,))):
        raise TypeError(f"kinds must be a class of layers, or a tuple of some, got {shown(kinds)}")
    records: dict[str, LayerRecord] = {}

    def note(name: str, layer: nn.Module, output: object) -> None:
        if isinstance(output, Tensor):
            record = records.setdefault(name, LayerRecord(kind=type(layer).__name__))
            record.outputs.append(output.detach().clone())
            if output.requires_grad:
                output.register_hook(lambda gradient: record.gradients.append(gradient.detach().clone()))

    layers = [(name, layer) for name, layer in model.named_modules() if not any(True for _ in layer.children())]
    hooks = [
        layer.register_forward_hook(lambda layer, _, output, name=name: note(name, layer, output))
        for name, layer in layers
        if isinstance(layer, kinds)
    ]
    try:
        yield records
    finally:
        for hook in hooks:
            hook.remove()


def weight_gradients(model: nn.Module) -> dict[str, float]:
    """Give the norm of the gradient of every weight matrix, by its name; biases and gains are left out.

    Raises:
        TypeError: if `model` is not a module.
    """
    instance("model", model, nn.Module)
    matrices = {name: p for name, p in model.named_parameters() if p.ndim > 1}
    return {
        name: 0.0 if p.grad is None else torch.linalg.vector_norm(p.grad, dtype=torch.float64).item()
        for name, p in matrices.items()
    }


def update_ratios(model: nn.Module, before: Mapping[str, Tensor]) -> dict[str, float]:
    """Give for every weight matrix how far it has moved, by its size: |w - w_before| / |w_before|.

    About 1/1000 a step is a usual aim. Far below it a layer stands still, far above it is drawn anew at every step.

    Args:
        before: `{name: p.detach().clone() for name, p in model.named_parameters()}`, before the step.

    Raises:
        TypeError: if `model` is not a module.
        ValueError: if `before` lacks a weight of the model.
    """
    instance("model", model, nn.Module)
    ratios = {}
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            if name not in before:
                raise ValueError(f"before must hold every weight of the model, got none named {name}")
            moved = (weight.detach() - before[name]).double().norm().item()
            size = before[name].double().norm().item()
            ratios[name] = moved / size if size else 0.0
    return ratios


def dead_units(model: nn.Module, x: Float[Tensor, "n ..."]) -> dict[str, tuple[int, int]]:
    """Count in every ReLU the units that are 0 on all rows of the data, and all its units.

    No gradient flows through them: where the data do not change, they stay dead. The model is asked in evaluation
    mode, without gradients.

    Raises:
        TypeError: if `model` is not a module, or `x` not a tensor of real numbers.
    """
    instance("model", model, nn.Module)
    with modes_kept(model), torch.no_grad(), recorded_layers(model, nn.ReLU) as layers:
        model.eval()(real_tensor("x", x))
    found = {}
    for name, layer in layers.items():
        dead = torch.stack([(output == 0).all(dim=0) for output in layer.outputs]).all(dim=0)
        found[name] = (int(dead.sum()), dead.numel())
    return found
