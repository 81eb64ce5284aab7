"""LoRA: fine-tune a model by adding to some of its matrices the product of two thin ones.

    y = x Wᵀ + (α / r) · (x Aᵀ) Bᵀ          A: r × in,  B: out × r,  r much smaller than both

W is frozen; A and B are all that is trained, r · (in + out) numbers instead of in · out. B begins
at 0, so the model begins as it was. W + (α / r) · B A is one matrix: merged, the layer costs no
more than it did before.

Source: Hu et al. (2021), arXiv:2106.09685, section 4.1, eq. 3.

Taught in: 21
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, several
from kit.train.checkpoint import load, save


class LoRALinear(nn.Module):
    """A linear layer, frozen, with a low-rank pair beside it.

    Its state holds W, A, B and the scale, merged or not.

    Args:
        alpha: with `rank`, the scale α / r: the same learning rate then serves every rank. `rank`
            itself where it is None, which is a scale of 1.

    Raises:
        TypeError: if `base` is not a linear layer, or a number is none.
        ValueError: if `rank` is not from 1 to the smaller side of the layer's matrix, or `alpha` <= 0.
    """

    a: nn.Parameter
    b: nn.Parameter
    merged: Tensor | None

    def __init__(self, base: nn.Linear, *, rank: int, alpha: float | None = None):
        super().__init__()
        _check_rank(base, rank)
        self.base = base.requires_grad_(requires_grad=False)
        self.scale = (rank if alpha is None else real("alpha", alpha, above=0)) / rank
        self.a = nn.Parameter(base.weight.new_empty(rank, base.in_features).normal_(std=base.in_features**-0.5))
        self.b = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        self.register_buffer("merged", None, persistent=False)  # W + (α / r) · B A, as long as it stands in for W
        self.register_load_state_dict_post_hook(_merge_anew)
        self.train(base.training)

    def forward(self, x: Float[Tensor, "*batch in_features"]) -> Float[Tensor, "*batch out_features"]:
        """Compute the layer with its pair: r numbers stand between the two thin products."""
        if self.merged is not None:
            y = F.linear(x, self.merged, self.base.bias)
            return y + NoGradient.apply(self.a, self.b) if torch.is_grad_enabled() else y
        return self.base(x) + self.scale * (x @ self.a.T) @ self.b.T

    @torch.no_grad()
    def merge(self) -> None:
        """Compute with one matrix, W + (α / r) · B A; W itself, which another layer may share, stays as it is."""
        self.merged = self.base.weight + self.scale * self.b @ self.a

    def unmerge(self) -> None:
        """Compute with W and the pair again: bit for bit as before."""
        self.merged = None

    def get_extra_state(self) -> Tensor:
        """Put the scale into the state: without it, A and B are another layer's."""
        return torch.tensor(self.scale, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Take the scale from a state."""
        self.scale = state.item()


class NoGradient(torch.autograd.Function):
    """Give a 0 that refuses to train the pair, which takes no part in what a merged layer computes."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        return a.new_zeros(())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise RuntimeError("model must be unmerged before it is trained: unmerge(model)")


def add_lora(model: nn.Module, *, layers: Collection[str], rank: int, alpha: float | None = None) -> nn.Module:
    """Freeze a model, and give the linear layers of these names a low-rank pair each, in place.

    The A matrices are drawn from torch's global generator. Pairs that it has already go on as they
    are. A head over an encoder, as of kit.models.heads, is new, and stays trained: of such a model,
    the encoder alone is frozen. So does a head that is put on the model afterwards.

    Args:
        layers: the last parts of their names, such as ("qkv", "out", "up", "down") in a GPT.

    Raises:
        TypeError: if `model` is not a module, or `layers` is not a collection.
        ValueError: if no linear layer has one of the names; or as `LoRALinear`. Then nothing is changed.

    >>> model = add_lora(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), layers=["0"], rank=1)
    >>> n_trainable(model)  # 1 · (8 + 8)
    16
    """
    instance("model", model, nn.Module)
    several("layers", layers)
    count("rank", rank)
    if alpha is not None:
        real("alpha", alpha, above=0)
    encoder = getattr(model, "encoder", None)
    frozen = encoder if isinstance(encoder, nn.Module) and hasattr(encoder, "encode") else model
    pairs = [module for module in frozen.modules() if isinstance(module, LoRALinear)]
    taken = {pair.base for pair in pairs}
    chosen = {
        name: module
        for name, module in frozen.named_modules(remove_duplicate=False)
        if isinstance(module, nn.Linear) and module not in taken and name.rpartition(".")[2] in layers
    }
    for wanted in layers:
        if not any(name.rpartition(".")[2] == wanted for name in chosen):
            raise ValueError(f"layers must name linear layers of the model, without a pair as yet, got {wanted!r}")
    for module in chosen.values():
        _check_rank(module, rank)
    still_trained = [p for pair in pairs for p in (pair.a, pair.b) if p.requires_grad]
    frozen.requires_grad_(requires_grad=False)
    for parameter in still_trained:
        parameter.requires_grad_()
    made = {module: LoRALinear(module, rank=rank, alpha=alpha) for module in chosen.values()}
    for name, module in chosen.items():  # of a layer that stands in two places, both
        place, _, last = name.rpartition(".")
        setattr(frozen.get_submodule(place), last, made[module])
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


def n_trainable(model: nn.Module) -> int:
    """Count the parameters that are trained; a tensor that two layers share counts once.

    Raises:
        TypeError: if `model` is not a module.

    >>> n_trainable(nn.Linear(3, 2).requires_grad_(False))
    0
    """
    return sum(parameter.numel() for parameter in _trained(model).values())


def save_adapter(model: nn.Module, path: str | Path) -> None:
    """Save what is trained, the pairs and any head, and nothing of the frozen model but a sum of each tensor.

    Raises:
        TypeError, ValueError: if `model` is not a module, or trains nothing.
    """
    if not (trained := _trained(model)):
        raise ValueError("model must have something that is trained, got a model that is frozen")
    state = {"trained": {name: parameter.detach() for name, parameter in trained.items()}}
    save(path, state | {"scales": {n: pair.scale for n, pair in _named_pairs(model)}, "frozen": _sums(model)})


def load_adapter(model: nn.Module, path: str | Path) -> nn.Module:
    """Load what `save_adapter` saved, and its α / r, into a model that was made in the same way.

    Raises:
        TypeError: if `model` is not a module.
        ValueError: if it is merged; or if the file is damaged, or of another model: one that trains
            other tensors, or whose frozen ones are others. Then nothing is changed.
    """
    trained, state, where = _trained(model), load(path), repr(str(path))
    if {"trained", "scales", "frozen"} - state.keys():
        raise ValueError(f"path must be an adapter, got {where}")
    found, ours, theirs = state["trained"], _sums(model), state["frozen"]
    wrong = trained.keys() ^ found.keys() or {n for n in trained if trained[n].shape != found[n].shape}
    wrong = wrong or ours.keys() ^ theirs.keys() or {n for n in ours if abs(ours[n] - theirs[n]) > SAME_SUM}
    if wrong:
        raise ValueError(f"path must be the adapter of this model, got {where}, which differs in {min(wrong)}")
    if any(pair.merged is not None for _, pair in _named_pairs(model)):
        raise ValueError("model must be unmerged before it takes another adapter, got one that is merged")
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(found[name])
    for name, pair in _named_pairs(model):
        pair.scale = state["scales"][name]
    return model


def _merge_anew(layer: LoRALinear, _: Any) -> None:
    if layer.merged is not None:
        layer.merge()


def _check_rank(base: Any, rank: int) -> None:
    instance("base", base, nn.Linear)
    if count("rank", rank) > min(base.weight.shape):
        raise ValueError(f"rank must be <= {min(base.weight.shape)}, the layer's smaller side, got {rank}")


def _named_pairs(model: nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    return ((name, module) for name, module in model.named_modules() if isinstance(module, LoRALinear))


def _pairs(model: Any) -> list[LoRALinear]:
    instance("model", model, nn.Module)
    if not (found := [pair for _, pair in _named_pairs(model)]):
        raise ValueError(f"model must have a LoRA layer, got a {type(model).__name__} without")
    return found


def _trained(model: Any) -> dict[str, nn.Parameter]:
    instance("model", model, nn.Module)
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


SAME_SUM = 2**-7  # 7 times the deviation that rounding to bfloat16 gives a sum: 2⁻⁹ / √3 for each number


def _sums(model: nn.Module) -> dict[str, float]:
    """Add up each frozen tensor, in units of its length: those of two models of one kind differ by about 1."""
    frozen = {n: p.detach().double() for n, p in model.named_parameters() if not p.requires_grad}
    return {name: (p.sum() / p.norm().clamp(min=1e-300)).item() for name, p in frozen.items()}
