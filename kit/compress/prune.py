"""Pruning: take away the weights that are nearest to 0, one by one, or whole units with all that they feed.

    masks = global_masks(matrices(model), share=0.8)
    with masks_kept(model, masks):
        fit(model, ...)                        tuned on: what was pruned stays 0

    first, second = cut_units(first, second, strongest(unit_norms(first), n=8))

A mask by itself saves nothing: the zeros are stored and multiplied like all other numbers. What they cost in a
file is counted by `kit.compress.size`. A unit that is cut away is no longer there, in its own layer nor in the next.

Source: LeCun, Denker and Solla (1990), Optimal brain damage, for the idea; Han, Pool, Tran and Dally (2015),
arXiv:1506.02626, for magnitudes and tuning on; Li and others (2016), arXiv:1608.08710, for whole filters.

Taught in: 25
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from kit.arguments import count, instance, integer_tensor, real, real_tensor, shown

Layer = TypeVar("Layer", bound=nn.Module)


def matrices(model: nn.Module) -> dict[str, Tensor]:
    """List what pruning looks at: the parameters of two axes or more, by name; a tied one stands there once.

    Biases, gains and shifts are few, and each of them moves a whole unit.

    Raises:
        TypeError: if `model` is no module.

    >>> [*matrices(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)))]
    ['0.weight']
    """
    instance("model", model, nn.Module)
    return {name: parameter for name, parameter in model.named_parameters() if parameter.ndim > 1}


def magnitude_mask(weight: Float[Tensor, "*shape"], *, share: float) -> Bool[Tensor, "*shape"]:
    """Mark the weights to keep: all but a share, those of the smallest absolute values.

    Args:
        share: of the weights to prune; their number is rounded to the nearest whole one.

    Returns:
        True where a weight is kept.

    Raises:
        TypeError: if `weight` is no tensor of real numbers, or `share` no number.
        ValueError: if `share` is not from 0 to 1.

    Oracle: torch.nn.utils.prune.l1_unstructured.

    >>> magnitude_mask(torch.tensor([3.0, -1.0, 2.0, -4.0]), share=0.5)
    tensor([ True, False, False,  True])
    """
    share = real("share", share, at_least=0, at_most=1)
    sizes = real_tensor("weight", weight).detach().abs().flatten()
    weakest = sizes.topk(round(share * len(sizes)), largest=False).indices
    kept = torch.ones(len(sizes), dtype=torch.bool, device=weight.device)
    return kept.scatter(0, weakest, value=False).view(weight.shape)


def global_masks(weights: Mapping[str, Tensor], *, share: float) -> dict[str, Bool[Tensor, "..."]]:
    """Mark the weights to keep in several tensors with one bar for all: a layer of small weights loses more of them.

    Raises:
        TypeError: if `weights` is no mapping of tensors of real numbers.
        ValueError: if there are none, or `share` is not from 0 to 1.

    Oracle: torch.nn.utils.prune.global_unstructured.

    >>> masks = global_masks({"a": torch.tensor([1.0, 5.0]), "b": torch.tensor([2.0, 3.0])}, share=0.5)
    >>> masks["a"].tolist(), masks["b"].tolist()
    ([False, True], [False, True])
    """
    instance("weights", weights, Mapping)
    if not weights:
        raise ValueError("weights must hold a tensor, got none")
    for weight in weights.values():
        real_tensor("weights", weight)
    joined = torch.cat([weight.detach().flatten() for weight in weights.values()])
    parts = magnitude_mask(joined, share=share).split([weight.numel() for weight in weights.values()])
    return {name: part.view(weights[name].shape) for name, part in zip(weights, parts, strict=True)}


def masks_kept(model: nn.Module, masks: Mapping[str, Bool[Tensor, "..."]]) -> AbstractContextManager[None]:
    """Set what is masked to 0, and hold it there while an optimiser tunes the rest.

    Its gradients are 0 as long as this lasts. An optimiser that begins anew has no other reason to move a weight
    that is 0: decay shortens it, and its means of gradients are 0.

    Raises:
        TypeError: if `model` is no module, or a mask no tensor of booleans.
        ValueError: if a mask has the name or the shape of no parameter; or, in the end, if a pruned weight has moved:
            the optimiser brought means of earlier gradients along.
    """
    instance("model", model, nn.Module)
    instance("masks", masks, Mapping)
    named = dict(model.named_parameters())
    for name, mask in masks.items():
        if name not in named:
            raise ValueError(f"masks must be named as the model's parameters, got {shown(name)}")
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            raise TypeError(f"masks must be tensors of booleans, got {shown(mask)} for {name}")
        if mask.shape != named[name].shape:
            raise ValueError(f"masks must have the shape of their weights, {tuple(named[name].shape)} for {name}, "
                             f"got {tuple(mask.shape)}")  # fmt: skip
    return _kept(named, masks)


@contextmanager
def _kept(named: Mapping[str, nn.Parameter], masks: Mapping[str, Tensor]) -> Iterator[None]:
    for name, mask in masks.items():
        named[name].data.masked_fill_(~mask, 0.0)
    hooks = [
        named[name].register_hook(lambda gradient, mask=mask: gradient * mask)
        for name, mask in masks.items()
        if named[name].requires_grad
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    moved = [name for name, mask in masks.items() if named[name].detach()[~mask].any()]
    if moved:
        raise ValueError(f"masks must be kept by an optimiser that begins anew, got weights of {moved[0]} that moved")


# Whole units ---------------------------------------------------------------------------------------


def unit_norms(layer: nn.Module) -> Float[Tensor, "units"]:
    """Measure each unit of a layer by the length of its incoming weights: a row of a matrix, or a filter.

    Raises:
        TypeError: if `layer` is neither a Linear nor a Conv2d.

    >>> layer = nn.Linear(2, 1)
    >>> layer.weight.data = torch.tensor([[3.0, 4.0]])
    >>> unit_norms(layer)
    tensor([5.])
    """
    return _weighted("layer", layer).weight.detach().flatten(1).norm(dim=1)


def strongest(norms: Float[Tensor, "units"], *, n: int) -> Int[Tensor, "n"]:
    """Give the places of the `n` largest norms, in rising order.

    Raises:
        TypeError, ValueError: if `norms` is no row of real numbers, or `n` no whole number from 1 to their number.

    >>> strongest(torch.tensor([0.1, 5.0, 0.2, 4.0]), n=2)
    tensor([1, 3])
    """
    if real_tensor("norms", norms).ndim != 1:
        raise ValueError(f"norms must have 1 axis, got shape {tuple(norms.shape)}")
    if count("n", n) > len(norms):
        raise ValueError(f"n must be <= the number of units, {len(norms)}, got {n}")
    return norms.topk(n).indices.sort().values


def cut_units(layer: Layer, after: nn.Module, kept: Int[Tensor, "kept"]) -> tuple[Layer, nn.Module]:
    """Make two layers anew without some units of the first, and without the second's weights that read them.

    Between the two may stand what leaves units apart, such as an activation or a pooling. Where a convolution is
    flattened before a linear layer, each of its channels feeds one input for each place.

    Args:
        kept: the places of the units that stay, in rising order.

    Returns:
        The two new layers; the given ones stay as they are.

    Raises:
        TypeError: if a layer is neither a Linear nor a Conv2d, or `kept` holds no whole numbers.
        ValueError: if `after` does not read the units of `layer`, or `kept` are not places of them, each once.

    Oracle: the two layers with the units' weights and biases, and what reads them, set to 0.

    >>> first, second = cut_units(nn.Linear(3, 4), nn.Linear(4, 2), torch.tensor([0, 2]))
    >>> first, second
    (Linear(in_features=3, out_features=2, bias=True), Linear(in_features=2, out_features=2, bias=True))
    """
    weight, reads = _weighted("layer", layer).weight.detach(), _weighted("after", after).weight.detach()
    n_units, per_unit = len(weight), reads.shape[1] // len(weight)
    if reads.shape[1] % n_units or (per_unit != 1 and not (isinstance(layer, nn.Conv2d) and reads.ndim == 2)):
        raise ValueError(f"after must read the {n_units} units of layer, got {reads.shape[1]} inputs")
    kept = integer_tensor("kept", kept).long()
    if kept.ndim != 1 or not len(kept) or (kept.diff() < 1).any() or kept[0] < 0 or kept[-1] >= n_units:
        raise ValueError(f"kept must be places of the {n_units} units, rising, got {shown(kept.tolist())}")
    first: Any = copy.deepcopy(layer)
    second: Any = copy.deepcopy(after)
    first.weight = nn.Parameter(weight[kept])
    if first.bias is not None:
        first.bias = nn.Parameter(first.bias.detach()[kept])
    columns = reads.unflatten(1, (n_units, per_unit))[:, kept].flatten(1, 2)
    second.weight = nn.Parameter(columns.contiguous())
    _say_sizes(first)
    _say_sizes(second)
    return first, second


def _say_sizes(layer: Any) -> None:
    """Bring a layer's own note of its sizes up to its weights."""
    n_out, n_in = (int(size) for size in layer.weight.shape[:2])
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = n_out, n_in
    elif isinstance(layer, nn.Conv2d):
        layer.out_channels, layer.in_channels = n_out, n_in


def _weighted(name: str, layer: Any) -> nn.Linear | nn.Conv2d:
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        raise TypeError(f"{name} must be a Linear or a Conv2d, got {shown(layer)}")
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        raise ValueError(f"{name} must be a convolution of one group, got {layer.groups}")
    return layer
