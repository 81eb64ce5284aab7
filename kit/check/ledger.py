"""The gradient ledger: wherever two implementations meet, tensor by tensor, how far apart they are.

Taught in: every notebook
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.arguments import real, shown
from kit.check.answers import as_array
from kit.check.card import GREEN, RED, Card

_CEILINGS = (1e-12, 1e-6, 1e-3)  # rounding lies decades below the first, finite differences between the next two


@dataclass(frozen=True, kw_only=True, repr=False)
class Ledger(Card):
    """A row a tensor: its name, and "exact", "close" or "apart" with the largest relative difference.

    `rows` say what was found here; the lines shown say of floats only what any processor finds.
    """

    rows: dict[str, str]


def gradient_ledger(ours: Mapping[str, Any], theirs: Mapping[str, Any], *, rtol: float = 1e-6) -> Ledger:
    """Compare two sets of tensors by name.

    Differences are relative to the largest number of the tensor, and shown as the next round
    bound above them, so that the same ledger is printed on every processor. "Exact" is shown of
    integers alone: that two rows of floats are equal in their last bit is one processor's affair,
    and stands in `rows`.

    Args:
        rtol: the largest relative difference that counts as close.

    Raises:
        TypeError: if `rtol` is not a number, or a tensor has no numbers.
        ValueError: if the names differ, two tensors of a name have different shapes, or `rtol` <= 0.

    >>> gradient_ledger({"w": [0.1], "ids": [1, 2]}, {"w": [0.1], "ids": [1, 2]}).lines
    ('w    close (largest relative difference below 1e-12)', 'ids  exact')
    """
    rtol = real("rtol", rtol, above=0)
    if ours.keys() != theirs.keys():
        raise ValueError(f"theirs must have the names of ours, {shown([*ours])}, got {shown([*theirs])}")
    pairs = {name: (as_array(ours[name]), as_array(theirs[name])) for name in ours}
    rows = {name: _compare(name, *pair, rtol) for name, pair in pairs.items()}
    agree = not any(row.startswith("apart") for row in rows.values())
    width = max(map(len, rows))
    return Ledger(
        color=GREEN if agree else RED,
        heading="Gradient ledger: the two agree" if agree else "Gradient ledger: the two differ",
        lines=tuple(f"{name:<{width}}  {_on_any_processor(row, *pairs[name])}" for name, row in rows.items()),
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
        return f"apart (largest relative difference {'≈' if difference > 0 else ''}{difference:.1g})"
    bound = next(ceiling for ceiling in (*_CEILINGS, rtol) if difference <= ceiling)
    return _close(bound)


def _on_any_processor(row: str, ours: np.ndarray, theirs: np.ndarray) -> str:
    counted = ours.dtype.kind in "biu" and theirs.dtype.kind in "biu"
    return row if counted or row != "exact" else _close(_CEILINGS[0])


def _close(bound: float) -> str:
    return f"close (largest relative difference below {bound:.0e})"
