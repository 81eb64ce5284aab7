"""A training step measured: every tensor that it makes, and every product that it computes.

Taught in: 22 23
"""

import weakref
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from kit.arguments import function, instance
from kit.blocks.modes import modes_kept
from kit.train.amp import Precision
from kit.train.batches import Batch
from kit.train.budget import MemoryBreakdown
from kit.train.loop import backward
from kit.train.objectives import Loss


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a training step held in memory.

    Args:
        parts: each part at its largest.
        peak: what was there at the moment when most was.
    """

    parts: MemoryBreakdown
    peak: MemoryBreakdown


def measure_bytes(
    model: nn.Module,
    loss: Loss,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    *,
    precision: Precision | None = None,
) -> Measured:
    """Take two training steps, and count every tensor that is alive in the second.

    The first step makes the optimiser's state. A tensor counts with its whole storage, once,
    however many views there are of it; what an allocator rounds up or keeps back does not count.

    Raises:
        TypeError: if an argument is of the wrong kind.

    Oracle: torch.cuda.max_memory_allocated, on a GPU.
    """
    _check(model, loss, precision)
    instance("optimizer", optimizer, torch.optim.Optimizer)
    format_of_step = precision.autocast if precision else nullcontext

    def forward() -> Tensor:
        with format_of_step():
            return loss(model, batch)

    with modes_kept(model):
        if not model.training:
            model.train()
        model.zero_grad()
        forward().backward()
        optimizer.step()
        model.zero_grad()
        weights = _storages([*model.parameters(), *model.buffers()])
        state = _storages(tree_leaves(list(optimizer.state.values())))
        with _Ledger(weights, {*weights, *state, *_storages(tree_leaves(batch))}) as ledger:
            value = forward()
            kept = set(ledger.alive)
            value.backward()
            gradients = ledger.of(p.grad for p in model.parameters() if p.grad is not None)
            optimizer.step()
        model.zero_grad()

    def bill(made: Iterable[int]) -> MemoryBreakdown:
        sizes = dict.fromkeys(("gradients", "copies", "activations", "temporary"), 0)
        for number in made:
            late = "activations" if number in kept else "temporary"
            kind = "gradients" if number in gradients else "copies" if number in ledger.copies else late
            sizes[kind] += ledger.sizes[number]
        return MemoryBreakdown(weights=sum(weights.values()), optimizer=sum(state.values()), **sizes)

    return Measured(parts=bill(kept | gradients), peak=bill(ledger.at_peak))


class _Ledger(TorchDispatchMode):
    """Number each storage that torch's operations make, and know which are alive."""

    def __init__(self, weights: Iterable[int], known: set[int]):
        super().__init__()
        self.weights, self.known = set(weights), known
        self.numbers: dict[int, int] = {}  # of each storage that is alive, by its address
        self.alive: set[int] = set()
        self.sizes: list[int] = []
        self.copies: set[int] = set()  # made from a weight by a change of format
        self.now = self.most = 0
        self.at_peak: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {_address(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and _address(tensor) not in given | self.known | self.numbers.keys():
                self._enter(tensor, copy=func is torch.ops.aten._to_copy.default and bool(given & self.weights))
        return result

    def of(self, tensors: Iterable[Tensor]) -> set[int]:
        """Give the numbers of some tensors' storages."""
        return {self.numbers[_address(tensor)] for tensor in tensors}

    def _enter(self, tensor: Tensor, *, copy: bool) -> None:
        storage, number = tensor.untyped_storage(), len(self.sizes)
        self.numbers[_address(tensor)] = number
        self.alive.add(number)
        self.sizes.append(storage.nbytes())
        self.now += storage.nbytes()
        if copy:
            self.copies.add(number)
        if self.now > self.most:
            self.most, self.at_peak = self.now, set(self.alive)
        weakref.finalize(storage, self._leave, _address(tensor), number)

    def _leave(self, address: int, number: int) -> None:
        if self.numbers.get(address) == number:  # else a new storage stands at the address of the old one
            del self.numbers[address]
        self.alive.discard(number)
        self.now -= self.sizes[number]


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _storages(tensors: Iterable[Any]) -> dict[int, int]:
    """Give the address and size of each storage, once."""
    return {_address(t): t.untyped_storage().nbytes() for t in tensors if isinstance(t, Tensor)}


def measure_flops(model: nn.Module, loss: Loss, batch: Batch, *, precision: Precision | None = None) -> int:
    """Count the operations of one forward and backward pass, by asking each of torch's products.

    Attention is computed by the formula meanwhile: of the fused kernels torch counts some more
    than once, and those of a CPU not at all.

    Raises:
        TypeError: if an argument is of the wrong kind.
    """
    _check(model, loss, precision)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        backward(model, loss, batch, precision=precision)
    model.zero_grad()
    return counter.get_total_flops()


def _check(model: Any, loss: Any, precision: Any) -> None:
    instance("model", model, nn.Module)
    function("loss", loss)
    if precision is not None:
        instance("precision", precision, Precision)
