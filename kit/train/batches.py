"""Batches: which rows a step sees, as a function of the step's number alone.

A run that stopped can therefore go on anywhere, and sees what it would have seen.

    batches = epochs(inputs, targets, batch_size=32, seed=0)
    batches(1000)                     the batch of step 1000; nothing before it need be read

A batch is a tensor, or a tuple or dict of tensors that have a row each for the same examples. Targets
are the last of a tuple, and in a dict what is called "targets" or "labels".

Taught in: 21 22
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kit.arguments import count, shown

Batch = Any
"""A tensor, or a tuple, list or dict of batches."""
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def epochs(*rows: Any, batch_size: int, seed: int = 0) -> Callable[[int], Batch]:
    """Deal out rows in shuffled epochs: each row once in every epoch, each epoch in an order of its own.

    All batches have one size: the one at an epoch's end takes its last rows from the next.

    Args:
        rows: one array or tensor, whose batches are tensors; several of one length, whose batches
            are tuples, such as inputs and targets; or one dict of them, whose batches are dicts.

    Returns:
        A function from the step, counted from 0, to its batch.

    Raises:
        TypeError, ValueError: if there are no rows, lengths differ, `batch_size` is not a whole
            number above 0, or `seed` is not one of at least 0.

    >>> batches = epochs(torch.arange(4), batch_size=2, seed=0)
    >>> torch.cat([batches(0), batches(1)]).sort().values
    tensor([0, 1, 2, 3])
    """
    batch_size, seed = count("batch_size", batch_size), count("seed", seed, at_least=0)
    named = rows[0] if len(rows) == 1 and isinstance(rows[0], dict) else None
    arrays = [_rows(array) for array in (rows if named is None else named.values())]
    if not arrays or any(len(array) != len(arrays[0]) for array in arrays):
        raise ValueError(f"rows must be one or more arrays of one length, got {[len(array) for array in arrays]}")
    n_rows, names = len(arrays[0]), list(named or ())

    @lru_cache(maxsize=2)
    def order(epoch: int) -> Tensor:
        return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(n_rows))

    def batch(step: int) -> Batch:
        place = torch.arange(step * batch_size, (step + 1) * batch_size)
        first, last = int(place[0]) // n_rows, int(place[-1]) // n_rows
        dealt = torch.cat([order(epoch) for epoch in range(first, last + 1)])
        chosen = dealt[place - first * n_rows].numpy()
        parts = [_tensor(array[chosen]) for array in arrays]
        if named is not None:
            return dict(zip(names, parts, strict=True))
        return tuple(parts) if len(parts) > 1 else parts[0]

    return batch


def in_turn(batches: Sequence[Batch]) -> Callable[[int], Batch]:
    """Deal out batches that are ready, in their order, and again from the first.

    Returns:
        A function from the step, counted from 0, to its batch.

    Raises:
        TypeError, ValueError: if `batches` is neither a list nor a tuple, or holds none.

    >>> batches = in_turn(["a", "b"])
    >>> batches(0), batches(1), batches(2)
    ('a', 'b', 'a')
    """
    if not isinstance(batches, list | tuple):
        raise TypeError(f"batches must be a list, got {shown(batches)}")
    if not batches:
        raise ValueError("batches must be one or more, got none")
    return lambda step: batches[step % len(batches)]


def on_device(batch: Batch, device: torch.device | str) -> Batch:
    """Move every tensor of a batch to a device; arrays become tensors.

    Raises:
        TypeError: if `batch` holds something else.
    """
    to_cpu = torch.device(device).type == "cpu"  # there the numbers must have come before anybody reads them
    return _each(lambda tensor: tensor.to(device, non_blocking=not to_cpu), batch)


def micro_batches(batch: Batch, n: int) -> Iterator[Batch]:
    """Part a batch into `n` smaller ones, as equal as they can be.

    Raises:
        TypeError, ValueError: if `n` is not a whole number from 1 to the number of rows, or the
            tensors of `batch` differ in it.

    >>> [part.tolist() for part in micro_batches(torch.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    if count("n", n) == 1:
        return iter([_each(lambda tensor: tensor, batch)])
    sizes = [tensor.shape[0] if tensor.ndim else 0 for tensor in _tensors(batch)]
    if n > sizes[0]:
        raise ValueError(f"n must be <= the number of rows, {sizes[0]}, got {n}")
    if len(set(sizes)) > 1:
        raise ValueError(f"batch must have as many rows in each tensor, got {sizes}")
    return (_each(lambda tensor: tensor.tensor_split(n)[i], batch) for i in range(n))  # noqa: B023


def first_tensor(batch: Batch) -> Tensor:
    """Give the first tensor of a batch, which stands for its size.

    Raises:
        TypeError: if `batch` holds none.
    """
    return _tensors(batch)[0]


def _tensors(batch: Batch) -> list[Tensor]:
    found = []
    _each(lambda tensor: found.append(tensor) or tensor, batch)
    if not found:
        raise TypeError(f"batch must hold a tensor, got {shown(batch)}")
    return found


def _each(work: Callable[[Tensor], Tensor], batch: Batch) -> Batch:
    if isinstance(batch, Tensor | np.ndarray):
        return work(_tensor(batch))
    if isinstance(batch, dict):
        return {name: _each(work, part) for name, part in batch.items()}
    if isinstance(batch, tuple | list):
        return tuple(_each(work, part) for part in batch)
    raise TypeError(f"batch must be a tensor, or a tuple or dict of them, got {type(batch).__name__}")


def _rows(array: Any) -> Tensor | np.ndarray:
    """Leave an array of NumPy's as it is: it may be a file of tokens, of which a batch reads some."""
    try:
        found = array if isinstance(array, np.ndarray) and array.dtype.kind in "biuf" else torch.as_tensor(array)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"rows must be arrays or tensors, got {type(array).__name__}") from None
    if not all(found.shape):
        raise ValueError(f"rows must not be empty, got shape {tuple(found.shape)}")
    return found if found.ndim else found[None]


def _tensor(array: Tensor | np.ndarray) -> Tensor:
    """Make a tensor; of unsigned numbers one of int64, since torch looks nothing up by the others."""
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        array = array.copy()
    tensor = torch.as_tensor(array)
    return tensor.long() if tensor.dtype in UNSIGNED else tensor
