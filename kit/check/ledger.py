"""The gradient ledger: wherever two implementations meet, tensor by tensor, how far apart they are.

Taught in: every notebook
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.arguments import real, shown
from kit.check.card import GREEN, RED, Card
from kit.check.exercise import as_array

_CEILINGS = (1e-12, 1e-9, 1e-6, 1e-3)


@dataclass(frozen=True, kw_only=True, repr=False)
class Ledger(Card):
    """A row a tensor: its name, and "exact", "close" or "apart" with the largest relative difference."""

    rows: dict[str, str]


def gradient_ledger(ours: Mapping[str, Any], theirs: Mapping[str, Any], *, rtol: float = 1e-6) -> Ledger:
    """Compare two sets of tensors by name.

    Differences are relative to the largest number of the tensor, and shown as the next round
    bound above them, so that the same ledger is printed on every processor.

    Args:
        rtol: the largest relative difference that counts as close.

    Raises:
        TypeError: if `rtol` is not a number, or a tensor has no numbers.
        ValueError: if the names differ, two tensors of a name have different shapes, or `rtol` <= 0.

    >>> gradient_ledger({"w": [1.0, 2.0]}, {"w": [1.0, 2.0]}).rows
    {'w': 'exact'}
    """
    rtol = real("rtol", rtol, above=0)
    if ours.keys() != theirs.keys():
        raise ValueError(f"theirs must have the names of ours, {shown([*ours])}, got {shown([*theirs])}")
    rows = {name: _compare(name, as_array(ours[name]), as_array(theirs[name]), rtol) for name in ours}
    agree = not any(row.startswith("apart") for row in rows.values())
    width = max(map(len, rows))
    return Ledger(
        color=GREEN if agree else RED,
        heading="Gradient ledger: the two agree" if agree else "Gradient ledger: the two differ",
        lines=tuple(f"{name:<{width}}  {row}" for name, row in rows.items()),
        rows=rows,
    )


def _compare(name: str, ours: np.ndarray, theirs: np.ndarray, rtol: float) -> str:
    if ours.shape != theirs.shape:
        raise ValueError(f"{name} must have the same shape in both, got {ours.shape} and {theirs.shape}")
    if np.array_equal(ours, theirs):
        return "exact"
    ours, theirs = ours.astype(float), theirs.astype(float)  # unsigned, 1 - 2 would be 255
    difference = np.abs(ours - theirs).max() / (np.abs(theirs).max() or 1)
    if not difference <= rtol:  # a NaN is never close
        return f"apart (largest relative difference {difference:.1g})"
    bound = next(ceiling for ceiling in (*_CEILINGS, rtol) if difference <= ceiling)
    return f"close (largest relative difference below {bound:.0e})"
