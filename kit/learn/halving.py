"""Successive halving: try many settings a little, and only the better ones more.

Taught in: 09
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from kit.arguments import count, function, several
from kit.learn.search import finite_or_worst


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round: what each setting was given to spend, the places of those in it, and their losses."""

    resource: int
    places: Int[np.ndarray, "settings"]
    losses: Float[np.ndarray, "settings"]


@dataclass(frozen=True, kw_only=True)
class Halving:
    """The rounds of a search by halving, and the setting that was best in the last."""

    rounds: tuple[Round, ...]
    best: Any

    @property
    def spent(self) -> int:
        """Add up what all settings of all rounds were given."""
        return sum(each.resource * len(each.places) for each in self.rounds)


def successive_halving(
    loss: Callable[[Any, int], float], settings: Sequence[Any], *, least: int, most: int, factor: int = 3
) -> Halving:
    """Give every setting a little, keep the better third, give it three times as much; and so on.

    Settings that look bad early are dropped early, some of them by mistake: one that learns slowly and well.

    Args:
        loss: from a setting and what it may spend, such as steps, trees or rows, to a number; NaN or infinity
            counts as the worst.
        least: what each setting is given in the first round.
        most: what none may exceed. There are as many rounds as that allows, and no more than it takes to be left
            with fewer than `factor`.
        factor: one in so many is kept, and given so many times as much.

    Raises:
        TypeError: if `loss` is not a function or gives no number, or `settings` is no collection.
        ValueError: if there are no settings, `least` < 1, `most` < `least`, or `factor` < 2.

    Source: Jamieson & Talwalkar (2016), AISTATS, 240-248.
    Oracle: sklearn.model_selection.HalvingGridSearchCV.

    >>> found = successive_halving(lambda setting, steps: setting / steps, range(1, 10), least=1, most=9)
    >>> [(each.resource, len(each.places)) for each in found.rounds], found.best, found.spent
    ([(1, 9), (3, 3), (9, 1)], 1, 27)
    """
    function("loss", loss)
    several("settings", settings)
    settings = tuple(settings)
    if not settings:
        raise ValueError("settings must not be empty")
    least, factor = count("least", least), count("factor", factor, at_least=2)
    most = count("most", most, at_least=least)
    possible, needed = _powers(most // least, factor), _powers(len(settings), factor)
    places, rounds = np.arange(len(settings)), []
    for number in range(1 + min(possible, needed)):
        resource = least * factor**number
        losses = np.array([finite_or_worst("loss", loss(settings[place], resource)) for place in places])
        rounds.append(Round(resource=resource, places=places, losses=losses))
        places = places[np.argsort(losses, kind="stable")[: math.ceil(len(places) / factor)]]
    last = rounds[-1]
    return Halving(rounds=tuple(rounds), best=settings[last.places[last.losses.argmin()]])


def _powers(number: int, factor: int) -> int:
    """Count how often a number can be divided by the factor before it is below it."""
    times = 0
    while number >= factor:
        number, times = number // factor, times + 1
    return times
