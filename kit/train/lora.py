"""LoRA: fine-tune a model by adding to some of its matrices the product of two thin ones.

    y = x Wᵀ + (α / r) · (x Aᵀ) Bᵀ          A: r × in,  B: out × r,  r much smaller than both

W is frozen; A and B are all that is trained, r · (in + out) numbers instead of in · out. B begins
at 0, so the model begins as it was. W + (α / r) · B A is one matrix: merged, the layer costs no
more than it did before.

Source: Hu et al. (2021), arXiv:2106.09685, section 4.1, eq. 3.

Taught in: 17
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import count, instance, real, several
from kit.train.checkpoint import load, save


class LoRALinear(nn.Module):
    """A linear layer, frozen, with a low-rank pair beside it.

    Args:
        alpha: with `rank`, the scale α / r: the same learning rate then serves every rank. `rank`
            itself where it is None, which is a scale of 1.

    Raises:
        TypeError: if `base` is not a linear layer, or a number is none.
        ValueError: if `rank` is not from 1 to the smaller side of the layer's matrix, or `alpha` <= 0.
    """

    a: nn.Parameter
    b: nn.Parameter

    def __init__(self, base: nn.Linear, *, rank: int, alpha: float | None = None):
        super().__init__()
        instance("base", base, nn.Linear)
        if count("rank", rank) > min(base.weight.shape):
            raise ValueError(f"rank must be <= {min(base.weight.shape)}, the layer's smaller side, got {rank}")
        self.base = base.requires_grad_(requires_grad=False)
        self.scale = (rank if alpha is None else real("alpha", alpha, above=0)) / rank
        self.a = nn.Parameter(base.weight.new_empty(rank, base.in_features).normal_(std=base.in_features**-0.5))
        self.b = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        self.unmerged: Tensor | None = None  # W, as long as the pair is merged into it

    def forward(self, x: Float[Tensor, "*batch in_features"]) -> Float[Tensor, "*batch out_features"]:
        """Compute the layer with its pair: r numbers stand between the two thin products."""
        y = self.base(x)
        return y if self.unmerged is not None else y + self.scale * (x @ self.a.T) @ self.b.T

    @torch.no_grad()
    def merge(self) -> None:
        """Add the pair to the matrix, W + (α / r) · B A; a second time changes nothing."""
        if self.unmerged is None:
            self.unmerged = self.base.weight.clone()
            self.base.weight += self.scale * self.b @ self.a

    @torch.no_grad()
    def unmerge(self) -> None:
        """Put back the matrix that was, bit for bit: subtracting the pair again would leave rounding behind."""
        if self.unmerged is not None:
            self.base.weight.copy_(self.unmerged)
            self.unmerged = None


def add_lora(model: nn.Module, *, layers: Collection[str], rank: int, alpha: float | None = None) -> nn.Module:
    """Freeze a model, and give the linear layers of these names a low-rank pair each, in place.

    The A matrices are drawn from torch's global generator. A head put on the model afterwards is
    trained as a whole.

    Args:
        layers: the last parts of their names, such as ("qkv", "out", "up", "down") in a GPT.

    Raises:
        TypeError: if `model` is not a module, or `layers` is not a collection.
        ValueError: if no linear layer has one of the names; or as `LoRALinear`.

    >>> model = add_lora(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), layers=["0"], rank=1)
    >>> n_trained(model)  # 1 · (8 + 8)
    16
    """
    instance("model", model, nn.Module)
    several("layers", layers)
    count("rank", rank)
    if alpha is not None:
        real("alpha", alpha, above=0)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    for wanted in layers:
        if not any(name.rpartition(".")[2] == wanted for name in names):
            raise ValueError(f"layers must name linear layers of the model, got {wanted!r}")
    model.requires_grad_(requires_grad=False)
    for name in names:
        place, _, last = name.rpartition(".")
        if last in layers:
            parent = model.get_submodule(place)
            setattr(parent, last, LoRALinear(getattr(parent, last), rank=rank, alpha=alpha))
    return model


def merge(model: nn.Module) -> nn.Module:
    """Merge every pair into its matrix, in place: the model computes the same, as fast as it did without.

    Raises:
        TypeError, ValueError: if `model` is not a module, or has no pair.
    """
    for layer in _pairs(model):
        layer.merge()
    return model


def unmerge(model: nn.Module) -> nn.Module:
    """Take every pair out of its matrix again, in place, bit for bit.

    Raises:
        TypeError, ValueError: if `model` is not a module, or has no pair.
    """
    for layer in _pairs(model):
        layer.unmerge()
    return model


def n_trained(model: nn.Module) -> int:
    """Count the parameters that are trained; a tensor that two layers share counts once.

    Raises:
        TypeError: if `model` is not a module.

    >>> n_trained(nn.Linear(3, 2).requires_grad_(False))
    0
    """
    return sum(parameter.numel() for parameter in _trained(model).values())


def save_adapter(model: nn.Module, path: str | Path) -> None:
    """Save what is trained, the pairs and any head, and nothing of the frozen model.

    Raises:
        TypeError, ValueError: if `model` is not a module, or trains nothing.
    """
    if not (trained := _trained(model)):
        raise ValueError("model must have something that is trained, got a model that is frozen")
    save(path, {name: parameter.detach() for name, parameter in trained.items()})


def load_adapter(model: nn.Module, path: str | Path) -> nn.Module:
    """Load what `save_adapter` saved into a model that was made in the same way.

    Raises:
        TypeError, ValueError: if `model` is not a module, or the file is damaged or of another model.
    """
    trained, found = _trained(model), load(path)
    wrong = trained.keys() ^ found.keys() or {n for n in trained if trained[n].shape != found[n].shape}
    if wrong:
        raise ValueError(f"path must be the adapter of this model, got {str(path)!r}, which differs in {min(wrong)}")
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(found[name])
    return model


def _pairs(model: Any) -> Iterator[LoRALinear]:
    instance("model", model, nn.Module)
    found = [module for module in model.modules() if isinstance(module, LoRALinear)]
    if not found:
        raise ValueError(f"model must have a LoRA layer, got a {type(model).__name__} without")
    return iter(found)


def _trained(model: Any) -> dict[str, nn.Parameter]:
    instance("model", model, nn.Module)
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
