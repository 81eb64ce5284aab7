"""Selection: search the settings of one model, by a grid, at random or by a surrogate, under one interface.

A strategy is a function from the space, what has been tried and what came of it to what is tried next. `minimize`
asks it, again and again. `tune` of `kit.learn.search` is for contests: it gives several rivals one and the same grid,
every setting of it, and chooses nothing on the way.

Taught in: 09
"""

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from kit.arguments import count, function, instance, real_array, shown
from kit.learn.search import Setting, axis_values, finite_or_worst


@dataclass(frozen=True)
class Space:
    """Every setting that can be tried: each axis with its values, as `tune` takes them.

    Args:
        axes: numbers in even steps or even ratios, in any order, or texts.

    Raises:
        TypeError, ValueError: if there is no axis, or one has no values, or one value twice.

    >>> Space({"depth": (1, 2), "rule": ("mean", "median")}).settings[1]
    {'depth': 1, 'rule': 'median'}
    """

    axes: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        instance("axes", self.axes, Mapping)
        if not self.axes:
            raise ValueError("axes must not be empty")
        axes = {axis: axis_values(f"axes[{axis!r}]", values) for axis, values in self.axes.items()}
        object.__setattr__(self, "axes", axes)

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """List every setting; the last axis changes fastest."""
        return tuple(dict(zip(self.axes, values, strict=True)) for values in itertools.product(*self.axes.values()))

    @cached_property
    def points(self) -> Float[np.ndarray, "settings columns"]:
        """Place each setting in a cube: a number by its place on its axis, from 0 to 1; of a text, a column for each.

        What stands in even ratios is thereby as far apart as what stands in even steps.
        """
        columns = []
        for axis, values in self.axes.items():
            place = np.array([values.index(setting[axis]) for setting in self.settings])
            if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
                columns.append(place[:, None] / max(len(values) - 1, 1))
            else:
                columns.append(np.eye(len(values))[place])
        return np.hstack(columns)


Strategy = Callable[[Space, list[int], list[float]], int]


@dataclass(frozen=True, kw_only=True)
class Trials:
    """What a search tried, in its order.

    Args:
        places: of each trial's setting among those of the space.
        losses: infinite where a model diverged.
    """

    space: Space
    places: Int[np.ndarray, "trials"]
    losses: Float[np.ndarray, "trials"]

    @property
    def best(self) -> Setting:
        """Give the setting of the lowest loss; of equals, the first that was tried."""
        return self.space.settings[self.places[self.losses.argmin()]]

    @property
    def best_so_far(self) -> Float[np.ndarray, "trials"]:
        """Give the lowest loss after each trial."""
        return np.minimum.accumulate(self.losses)


def minimize(
    loss: Callable[..., float], axes: Mapping[str, Sequence[Any]] | Space, *, strategy: Strategy, n_trials: int
) -> Trials:
    """Try `n_trials` settings, each as the strategy proposes after it has seen what came of those before.

    Args:
        loss: from the axes, by name, to a number; NaN or infinity counts as the worst.

    Raises:
        TypeError: if `loss` or `strategy` is not a function, or `loss` gives no number.
        ValueError: if `axes` is no space, `n_trials` < 1 or more than there are settings, or the strategy proposes
            what is no setting or has been tried.

    >>> found = minimize(lambda lr: (lr - 2) ** 2, {"lr": (1, 2, 3, 4)}, strategy=grid(2), n_trials=2)
    >>> found.space.settings[found.places[0]], found.best
    ({'lr': 2}, {'lr': 2})
    """
    function("loss", loss)
    space = axes if isinstance(axes, Space) else Space(axes)
    function("strategy", strategy)
    n_trials, n = count("n_trials", n_trials), len(space.settings)
    if n_trials > n:
        raise ValueError(f"n_trials must be at most the number of settings, {n}, got {n_trials}")
    places: list[int] = []
    losses: list[float] = []
    for _ in range(n_trials):
        place = int(strategy(space, list(places), list(losses)))
        if not 0 <= place < n or place in places:
            raise ValueError(f"strategy must propose a setting from 0 to {n - 1} that has not been tried, got {place}")
        places.append(place)
        losses.append(finite_or_worst("loss", loss(**space.settings[place])))
    return Trials(space=space, places=np.array(places), losses=np.array(losses))


def grid(n_trials: int, *, rng: np.random.Generator | None = None) -> Strategy:
    """Try a coarse grid of at most `n_trials` settings: as many values on each axis as on any other, evenly spread.

    What is left after it is drawn at random, or taken in order.

    Args:
        rng: draws where on each axis the grid begins, and which axis has a value more. Without it the grid lies in
            the middle, and the first axes have more.

    Raises:
        TypeError, ValueError: if `n_trials` < 1, or `rng` is not a generator.
    """
    n_trials = count("n_trials", n_trials)
    if rng is not None:
        instance("rng", rng, np.random.Generator)
    order: list[int] = []

    def propose(space: Space, places: list[int], losses: list[float]) -> int:
        if not places:
            order[:] = _coarse(space, n_trials, rng)
            rest = np.setdiff1d(np.arange(len(space.settings)), order)
            order.extend((rest if rng is None else rng.permutation(rest)).tolist())
        return order[len(places)]

    return propose


def random(*, rng: np.random.Generator) -> Strategy:
    """Try any setting that has not been tried, each as likely as any other.

    Raises:
        TypeError: if `rng` is not a generator.

    Source: Bergstra & Bengio (2012), Journal of Machine Learning Research 13, 281-305.
    """
    instance("rng", rng, np.random.Generator)
    return lambda space, places, losses: int(rng.choice(np.setdiff1d(np.arange(len(space.settings)), places)))


def bayesian(*, rng: np.random.Generator, n_random: int = 8) -> Strategy:
    """Try `n_random` settings at random, then always the one from which most improvement is expected.

    Raises:
        TypeError: if `rng` is not a generator.
        ValueError: if `n_random` < 2.

    Source: Jones, Schonlau & Welch (1998), Journal of Global Optimization 13, 455-492.
    """
    at_random, n_random = random(rng=rng), count("n_random", n_random, at_least=2)

    def propose(space: Space, places: list[int], losses: list[float]) -> int:
        if len(places) < n_random or not np.isfinite(losses).any():
            return at_random(space, places, losses)
        gain = surrogate(space, places, losses).improvement.copy()
        gain[places] = -np.inf
        return int(gain.argmax())

    return propose


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """What a few trials let one expect of every setting.

    Args:
        mean: the loss that is expected.
        deviation: how far off that may be, as a standard deviation.
        improvement: by how much the loss is expected to fall below the best so far; see `expected_improvement`.
    """

    mean: Float[np.ndarray, "settings"]
    deviation: Float[np.ndarray, "settings"]
    improvement: Float[np.ndarray, "settings"]


def surrogate(space: Space, places: Sequence[int] | np.ndarray, losses: Sequence[float] | np.ndarray) -> Surrogate:
    """Fit a Gaussian process to the trials: near a trial the loss is known, far from all it may be anything.

    How fast it forgets along each axis, and how much of the losses is noise, it finds by its likelihood.

    Raises:
        TypeError: if `space` is not a Space, or `losses` holds no numbers.
        ValueError: if there are fewer than two trials, or not a loss and a setting for each; or none is finite.

    Numerics: a loss that is not finite counts as the worst of the others.
    Source: Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, algorithm 2.1.
    Oracle: sklearn.gaussian_process.GaussianProcessRegressor, which computes it.
    """
    instance("space", space, Space)
    at, found = np.asarray(places), np.asarray(losses)
    if at.ndim != 1 or at.dtype.kind not in "iu" or len(at) < 2 or at.min() < 0 or at.max() >= len(space.settings):
        raise ValueError(f"places must be two or more, each that of a setting, got {shown(places)}")
    if found.dtype.kind not in "iuf":
        raise TypeError(f"losses must hold numbers, got {shown(losses)}")
    if found.shape != at.shape or not np.isfinite(found).any():
        raise ValueError(f"losses must be one for each trial, and one of them finite, got {shown(losses)}")
    known = np.isfinite(found)
    found = np.where(known, found, found[known].max())
    lengths: Any = np.full(space.points.shape[1], 0.3)  # one for each axis; scikit-learn's hint says a float
    smooth = Matern(lengths, (0.1, 10.0), nu=2.5)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * smooth + WhiteKernel(1e-3, (1e-6, 1.0))
    process = GaussianProcessRegressor(kernel, normalize_y=bool(found.std() > 0), alpha=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is an axis that does not matter
        process.fit(space.points[at], found)
    predicted: Any = process.predict(space.points, return_std=True)
    mean, deviation = predicted
    gain = expected_improvement(mean, deviation, float(found.min()))
    return Surrogate(mean=mean, deviation=deviation, improvement=gain)


def expected_improvement(
    mean: Shaped[np.ndarray, "n"], deviation: Shaped[np.ndarray, "n"], best: float
) -> Float[np.ndarray, "n"]:
    """Average, over all losses that a setting may have, by how much it falls below the best; above counts as 0.

        z  = (best - mean) / deviation
        EI = (best - mean) Φ(z) + deviation φ(z)     Φ, φ: the normal distribution and its density

    A setting is worth a trial if it promises a low loss, or if little is known of it.

    Raises:
        TypeError, ValueError: if they are not finite numbers of one shape, or a deviation is negative.

    Numerics: at a deviation of 0 it is max(best - mean, 0).
    Source: Jones, Schonlau & Welch (1998), Journal of Global Optimization 13, 455-492, eq. 15.
    Oracle: scipy.integrate.quad of the average.

    >>> expected_improvement(np.array([1.0, 3.0, 2.0]), np.array([0.0, 0.0, 1.0]), 2.0).round(4)
    array([1.    , 0.    , 0.3989])
    """
    mean, deviation = real_array("mean", mean, ndim=1), real_array("deviation", deviation, ndim=1)
    if deviation.shape != mean.shape or deviation.min() < 0:
        raise ValueError(f"deviation must be >= 0, one for each of the {len(mean)} means, got {shown(deviation)}")
    fall = float(real_array("best", best, ndim=0)) - mean
    z = np.divide(fall, deviation, out=np.copysign(np.inf, fall), where=deviation > 0)
    return np.where(deviation > 0, fall * stats.norm.cdf(z) + deviation * stats.norm.pdf(z), np.maximum(fall, 0))


def _coarse(space: Space, n_trials: int, rng: np.random.Generator | None) -> list[int]:
    """Give the places of a coarse grid: each axis gets one value more in turn, as long as the grid can be paid."""
    lengths = [len(values) for values in space.axes.values()]
    turn = np.arange(len(lengths)) if rng is None else rng.permutation(len(lengths))
    many = [1] * len(lengths)
    while True:
        raised = [axis for axis in turn if many[axis] < lengths[axis]
                  and math.prod(many) // many[axis] * (many[axis] + 1) <= n_trials]  # fmt: skip
        if not raised:
            break
        many[min(raised, key=lambda axis: many[axis])] += 1
    chosen = []
    for length, n in zip(lengths, many, strict=True):
        start = 0.5 if rng is None else rng.random()
        chosen.append(np.floor((np.arange(n) + start) * length / n).astype(int))
    return np.ravel_multi_index(np.meshgrid(*chosen, indexing="ij"), lengths).ravel().tolist()
