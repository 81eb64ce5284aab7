"""Search: tune rivals as equals, so that what decides between them is not who was tuned better.

Every rival gets the same settings, the same number of them, at every condition, with the same seeds. Where any
rival's best setting lies at the edge of the grid, the grid grows there, for all rivals alike.

Taught in: every notebook
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.arguments import count, function, instance, real, several, shown

Setting = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best setting of one rival at one condition, its loss, and the axes at whose edge it lies even so."""

    setting: Setting
    loss: float
    at_edge: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search found and spent.

    Args:
        space: each axis with its values, as the search left them: grown where that was needed.
        best: for each rival and condition the best of its settings.
        losses: for each rival and condition the mean loss of every setting, in the order of the space.
        seeds: those that the settings were judged with. What counts later is measured with others.
    """

    space: dict[str, tuple[Any, ...]]
    best: dict[tuple[str, Any], Tuned]
    losses: dict[tuple[str, Any], tuple[float, ...]]
    seeds: tuple[int, ...]

    def fresh(self, seeds: Iterable[int]) -> tuple[int, ...]:
        """Return seeds for the measurement that counts, if none of them was used to choose.

        Raises:
            ValueError: if one was.
        """
        several("seeds", seeds)
        given = tuple(count("seeds", seed, at_least=0) for seed in seeds)
        used = [seed for seed in given if seed in self.seeds]
        if used:
            raise ValueError(f"seeds must be others than those that chose the settings, got {used[0]} again")
        return given

    def budget(self) -> str:
        """Write side by side what each rival was given and where its best lies, a line for each condition."""
        axes = [f"{axis}: {len(values)} from {_word(values[0])} to {_word(values[-1])}"
                for axis, values in self.space.items()]  # fmt: skip
        lines = [f"space, for every rival: {'; '.join(axes)}"]
        width = max(len(rival) for rival, _ in self.best)
        for (rival, condition), tuned in self.best.items():
            at = ", ".join(f"{axis} {_word(value)}" for axis, value in tuned.setting.items())
            where = f" at {_word(condition)}" if condition is not None else ""
            edge = f", AT THE EDGE of {', '.join(tuned.at_edge)}" if tuned.at_edge else ""
            trials = len(self.losses[rival, condition])
            lines.append(f"{rival:<{width}}{where}: {trials} settings x {len(self.seeds)} seeds; best {at}{edge}")
        return "\n".join(lines)


def tune(
    rivals: Mapping[str, Callable[..., float]],
    space: Mapping[str, Sequence[Any]],
    *,
    seeds: Sequence[int],
    conditions: Sequence[Any] = (None,),
    limits: Mapping[str, tuple[float, float]] | None = None,
    growths: int = 4,
) -> Search:
    """Try every rival at every setting of the space and every condition; keep the setting of lowest mean loss.

    A loss that is not finite is the worst there is: what diverged is never chosen. Of equal losses the one
    furthest inside the grid is.

    Args:
        rivals: each a function of the axes by name, `seed`, and `condition` where there are several; it returns
            the loss on data that does not count later, such as a validation split.
        space: for each axis its values. Three or more numbers in even steps, or in even ratios, grow where
            they must; any others, and texts, are choices that stay as they are.
        seeds: those with which every setting is judged.
        limits: the lowest and highest value that an axis can have; there it does not grow, and ends well.
        growths: how often the grid may grow by a step before the best is left at its edge, and said to be.

    Raises:
        TypeError, ValueError: if there are fewer than two rivals, no axis or no seed, a rival is no function,
            an axis is empty, a limit is none, `growths` < 0; or a rival is never finite at a condition.

    >>> found = tune(
    ...     {"a": lambda lr, seed: (lr - 8) ** 2, "b": lambda lr, seed: (lr - 1) ** 2},
    ...     {"lr": (0.5, 1.0, 2.0)},
    ...     seeds=[0],
    ... )
    >>> found.space["lr"], found.best["a", None].setting
    ((0.5, 1.0, 2.0, 4.0, 8.0, 16.0), {'lr': 8.0})
    """
    instance("rivals", rivals, Mapping)
    instance("space", space, Mapping)
    several("seeds", seeds)
    several("conditions", conditions)
    limits = _limits(limits)
    growths = count("growths", growths, at_least=0)
    if len(rivals) < 2:
        raise ValueError(f"rivals must be two or more, got {len(rivals)}")
    for name, rival in rivals.items():
        function(f"rivals[{name!r}]", rival)
    axes = {axis: axis_values(f"space[{axis!r}]", values) for axis, values in space.items()}
    judges = tuple(count("seeds", seed, at_least=0) for seed in seeds)
    if not axes or not judges or not len(conditions):
        empty = "space" if not axes else "seeds" if not judges else "conditions"
        raise ValueError(f"{empty} must not be empty")
    known: dict[tuple, float] = {}
    for growth in itertools.count():
        search = _grid(rivals, axes, judges, tuple(conditions), limits, known)
        grown = {axis: _grow(axis, axes[axis], search, limits) for axis in axes}
        if growth == growths or grown == axes:
            return search
        axes = grown
    raise AssertionError("unreachable")


def _grid(
    rivals: Mapping[str, Callable[..., float]],
    axes: dict[str, tuple],
    seeds: tuple[int, ...],
    conditions: tuple,
    limits: Mapping[str, tuple[float, float]],
    known: dict[tuple, float],
) -> Search:
    """Try all that has not been tried yet, and find the best of each rival at each condition."""
    settings = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    best, losses = {}, {}
    for (name, rival), condition in itertools.product(rivals.items(), conditions):
        about = {} if conditions == (None,) else {"condition": condition}
        for setting in settings:
            key = (name, condition, *setting.values())
            if key not in known:
                tried = [
                    finite_or_worst(f"rivals[{name!r}], its loss,", rival(**setting, **about, seed=seed))
                    for seed in seeds
                ]
                known[key] = float(np.mean(tried)) if np.isfinite(tried).all() else math.inf
        found = [known[name, condition, *setting.values()] for setting in settings]
        if not np.isfinite(found).any():
            raise ValueError(
                f"rivals[{name!r}] must have a finite loss at some setting, got none at {shown(condition)}"
            )
        edges = [_edges(setting, axes, limits) for setting in settings]
        at = min(range(len(settings)), key=lambda i: (found[i], len(edges[i])))
        best[name, condition] = Tuned(setting=settings[at], loss=found[at], at_edge=edges[at])
        losses[name, condition] = tuple(found)
    return Search(space=axes, best=best, losses=losses, seeds=seeds)


def finite_or_worst(name: str, value: Any) -> float:
    """Return a loss as a float; what is NaN or infinite diverged, and counts as infinite."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return math.inf
    return real(name, value)


def _edges(setting: Setting, axes: dict[str, tuple], limits: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """Name the axes at whose open edge a setting lies."""
    found = []
    for axis, values in axes.items():
        below, above = _beyond(axis, values, limits)
        if (below is not None and setting[axis] == values[0]) or (above is not None and setting[axis] == values[-1]):
            found.append(axis)
    return tuple(found)


def _grow(axis: str, values: tuple, search: Search, limits: Mapping[str, tuple[float, float]]) -> tuple:
    """Add a value at each end where some rival's best lies."""
    below, above = _beyond(axis, values, limits)
    chosen = {tuned.setting[axis] for tuned in search.best.values() if axis in tuned.at_edge}
    low = (below,) if below is not None and values[0] in chosen else ()
    high = (above,) if above is not None and values[-1] in chosen else ()
    return (*low, *values, *high)


def _beyond(axis: str, values: tuple, limits: Mapping[str, tuple[float, float]]) -> tuple[float | None, float | None]:
    """Give the next value below and above the grid; None where the axis cannot grow."""
    if len(values) < 3 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        return None, None
    numbers = np.array(values, dtype=float)
    steps = np.diff(numbers)
    if np.allclose(steps, steps[0], rtol=1e-3):
        below, above = 2 * numbers[0] - numbers[1], 2 * numbers[-1] - numbers[-2]
    elif numbers.min() > 0 and np.allclose(np.diff(np.log(numbers)), np.log(numbers[1] / numbers[0]), rtol=1e-2):
        below, above = numbers[0] ** 2 / numbers[1], numbers[-1] ** 2 / numbers[-2]
    else:
        return None, None
    low, high = limits.get(axis, (-math.inf, math.inf))
    whole = all(isinstance(value, int) for value in values)  # whole numbers stay whole
    ends = [float(end) if low <= end <= high and (not whole or end % 1 == 0) else None for end in (below, above)]
    first, last = (int(end) if whole and end is not None else end for end in ends)
    return first, last


def axis_values(name: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values of an axis, numbers in rising order; refuse none, and one value twice."""
    several(name, values)
    kept = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
    if not kept or len(set(kept)) < len(kept):
        raise ValueError(f"{name} must hold different values, got {shown(values)}")
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in kept)
    return tuple(sorted(kept)) if numbers else kept


def _limits(limits: Mapping[str, tuple[float, float]] | None) -> dict[str, tuple[float, float]]:
    if limits is None:
        return {}
    instance("limits", limits, Mapping)
    for axis, pair in limits.items():
        several(f"limits[{axis!r}]", pair)
        if len(pair) != 2 or not all(isinstance(end, int | float) for end in pair) or not pair[0] < pair[1]:
            raise ValueError(f"limits[{axis!r}] must be the lowest and the highest value, got {shown(pair)}")
    return dict(limits)


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
