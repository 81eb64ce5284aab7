"""Intervals: what the repetitions of a measurement say about its true value.

Taught in: 06 08 17 21 22
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Shaped
from scipy import special, stats

from kit.arguments import count, function, instance, integer_array, real, real_array, several, shown

CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate, the interval that holds the truth in 95% of such measurements, and how far it stands from a bar.

    Args:
        n: how many repetitions stand behind it.
        standard_error: of the estimate; of its logarithm where `scale` is "log".
        scale: in which standard errors are counted: "plain", "log" for a ratio, or "share", whose standard
            error depends on the share itself.
    """

    estimate: float
    low: float
    high: float
    n: int
    standard_error: float
    scale: Literal["plain", "log", "share"] = "plain"

    def margin(self, bar: float) -> float:
        """Count the standard errors from the bar up to the estimate; infinite where all repetitions are alike.

        Raises:
            TypeError, ValueError: if `bar` is not a finite number; or not above 0, for a ratio.

        >>> Interval(estimate=3.0, low=2.0, high=4.0, n=9, standard_error=0.5).margin(2.0)
        2.0
        """
        bar, error = real("bar", bar, above=0 if self.scale == "log" else -math.inf), self.standard_error
        distance = math.log(self.estimate / bar) if self.scale == "log" else self.estimate - bar
        if self.scale == "share" and 0 < bar < 1:  # as Wilson's interval does: the error that the bar itself would have
            at_estimate = self.estimate * (1 - self.estimate)
            trials = at_estimate / error**2 if error > 0 else self.n
            error = math.sqrt(bar * (1 - bar) / trials)
        if error > 0:
            return distance / error
        return math.copysign(math.inf, distance) if distance else 0.0


def mean_interval(
    numbers: Shaped[np.ndarray, "n *others"],
) -> tuple[Float[np.ndarray, "*others"] | float, Float[np.ndarray, "*others"] | float]:
    """Bound the mean of which the repetitions along the first axis are a sample; in 95% of such samples it is inside.

        mean ± t · s / √n,   t the 97.5% point of Student's distribution with n - 1 degrees of freedom

    Returns:
        The lower and the upper end, for each of the other axes.

    Raises:
        TypeError, ValueError: if they are not finite real numbers, or fewer than two repetitions.

    Source: Student (1908), Biometrika 6, 1-25.
    Oracle: scipy.stats.t.interval.

    >>> low, high = mean_interval(np.array([1.0, 1.0, 1.0]))
    >>> float(low), float(high)
    (1.0, 1.0)
    """
    array = real_array("numbers", numbers)
    if array.ndim == 0 or len(array) < 2:
        raise ValueError(f"numbers must be two or more repetitions along their first axis, got shape {array.shape}")
    n, mean = len(array), array.mean(axis=0)
    half = stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, n - 1) * array.std(axis=0, ddof=1) / math.sqrt(n)
    return mean - half, mean + half


def estimate_mean(numbers: Shaped[np.ndarray, "n"], *, skewed: bool = False) -> Interval:
    """Estimate a mean from one number for each repetition, with the interval of `mean_interval`.

    Args:
        skewed: reach as far as the interval corrected for skewness does, too, where that is further:

            mean - s/√n · h(± t),   h(q) = 3 (∛(1 + r (q - r/6)) - 1) / r,   r = skewness / √n

            Times are so: now and then one is much longer. Student's interval alone ends too low for them,
            the corrected one alone is too narrow for numbers with long tails on both sides.

    Raises:
        TypeError, ValueError: if they are not finite real numbers, or fewer than two.

    Source: Hall (1992), Journal of the Royal Statistical Society B 54, 221-228, for the skewed.
    Oracle: scipy.stats.t.interval.

    >>> estimate_mean(np.array([1.0, 3.0])).estimate
    2.0
    """
    array = _repetitions(numbers)
    n, mean, error = len(array), float(array.mean()), float(array.std(ddof=1)) / math.sqrt(len(array))
    low, high = map(float, mean_interval(array))
    if skewed and error > 0:
        r = float(((array - mean) ** 3).mean() / array.std() ** 3) / math.sqrt(n)
        t = float(stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, n - 1))
        low, high = min(low, mean - error * _unskewed(t, r)), max(high, mean - error * _unskewed(-t, r))
    return Interval(estimate=mean, low=low, high=high, n=n, standard_error=error)


def estimate_ratio(ratios: Shaped[np.ndarray, "n"], *, skewed: bool = False) -> Interval:
    """Estimate a ratio from one ratio for each repetition: the mean and its interval are taken in logarithms.

        exp(mean ± t · s / √n)   of the log ratios

    Twice as much and half as much then weigh alike, and it does not matter which side is divided by which.

    Args:
        skewed: as `estimate_mean` takes it, of the logarithms.

    Raises:
        TypeError, ValueError: if they are not finite numbers above 0, or fewer than two.

    Oracle: scipy.stats.t.interval of the logarithms, scipy.stats.gmean.

    >>> round(estimate_ratio(np.array([0.5, 2.0])).estimate, 12)
    1.0
    """
    array = _repetitions(ratios, name="ratios")
    if array.min() <= 0:
        raise ValueError(f"ratios must be > 0, got {array.min():g}")
    logs = estimate_mean(np.log(array), skewed=skewed)
    estimate, low, high = (math.exp(end) for end in (logs.estimate, logs.low, logs.high))
    return Interval(estimate=estimate, low=low, high=high, n=logs.n, standard_error=logs.standard_error, scale="log")


def estimate_share(shares: Shaped[np.ndarray, "n"]) -> Interval:
    """Estimate a share from what each repetition gave: 0 or 1, or a share of several trials of its own.

        (p + z²/2m ± z √(p (1 - p)/m + z²/4m²)) / (1 + z²/m),   z the 97.5% point of the normal distribution

    Where each repetition is 0 or 1, m is their number. Shares between say more than one trial each, by as much
    as they spread less: m = p (1 - p) n / s² · (z/t)², and at least n; t is Student's, as in `mean_interval`.

    Raises:
        TypeError, ValueError: if they are not numbers from 0 to 1, or fewer than two.

    Numerics: repetitions that are all 0 or all 1 have no spread, and yet do not prove that the next is alike.
    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212; for m, Korn & Graubard
    (1998), Survey Methodology 24, 193-201.
    Oracle: scipy.stats.binomtest(...).proportion_ci(method="wilson").

    >>> interval = estimate_share(np.ones(20))
    >>> interval.estimate, round(interval.low, 2), round(interval.high, 2)
    (1.0, 0.84, 1.0)
    """
    array = _repetitions(shares, name="shares")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"shares must be from 0 to 1, got {array.min():g} to {array.max():g}")
    n, p, z = len(array), float(array.mean()), float(stats.norm.ppf((1 + CONFIDENCE_LEVEL) / 2))
    trials, variance = float(n), float(array.var(ddof=1))
    if not np.isin(array, (0, 1)).all():
        t = float(stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, n - 1))
        trials = max(n, p * (1 - p) * n / variance * (z / t) ** 2) if variance > 0 else n
    middle, half = p + z**2 / (2 * trials), z * math.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    low, high = (max(0.0, min(1.0, end / (1 + z**2 / trials))) for end in (middle - half, middle + half))
    return Interval(estimate=p, low=low, high=high, n=n, standard_error=math.sqrt(p * (1 - p) / trials), scale="share")


def slopes(values: Shaped[np.ndarray, "n sizes"], sizes: Shaped[np.ndarray, "sizes"]) -> Float[np.ndarray, "n"]:
    """Fit a line through each repetition's values against the sizes, by least squares; give its slope.

        Σ (x - mean x) y / Σ (x - mean x)²

    For the power of a growth, hand over the logarithms of both. One slope for each repetition is what
    `estimate_mean` turns into an interval: the points of one line share their repetition's luck.

    Raises:
        TypeError, ValueError: if they are not finite numbers, or the sizes are not two or more different
            ones, one for each column.

    Oracle: scipy.stats.linregress.

    >>> slopes(np.array([[1.0, 3.0, 5.0]]), np.array([0.0, 1.0, 2.0]))
    array([2.])
    """
    values, sizes = real_array("values", values, ndim=2), real_array("sizes", sizes, ndim=1)
    if len(set(sizes.tolist())) < 2:
        raise ValueError(f"sizes must be two or more different ones, got {sizes}")
    if values.shape[1] != len(sizes):
        raise ValueError(f"values must have a column for each of the {len(sizes)} sizes, got shape {values.shape}")
    centred = sizes - sizes.mean()
    return values @ centred / (centred @ centred)


def estimate_by_bootstrap(
    numbers: Shaped[np.ndarray, "n"], *, rng: np.random.Generator, n_resamples: int = 9_999
) -> Interval:
    """Estimate a mean with an interval that need not be symmetric: from the means of samples of the sample.

    Bias-corrected and accelerated (BCa). Of few numbers it is too narrow, skewed or not, and then
    `estimate_mean` is better: `python -m tests.check.worlds` compares the two.

    Raises:
        TypeError, ValueError: if they are not finite real numbers, or fewer than two.

    Source: Efron (1987), Journal of the American Statistical Association 82, 171-185.
    Oracle: scipy.stats.bootstrap(method="BCa").

    >>> estimate_by_bootstrap(np.array([1.0, 3.0]), rng=np.random.default_rng(0)).estimate
    2.0
    """
    array = _repetitions(numbers)
    instance("rng", rng, np.random.Generator)
    n, n_resamples = len(array), count("n_resamples", n_resamples)
    mean = float(array.mean())
    means = array[rng.integers(0, n, size=(n_resamples, n))].mean(axis=1)
    without = (array.sum() - array) / (n - 1)  # the mean without each of them in turn
    off = without.mean() - without
    low = high = mean
    if off.any():
        bias = special.ndtri(((means < mean).mean() + (means <= mean).mean()) / 2)
        acceleration = (off**3).sum() / (6 * (off**2).sum() ** 1.5)
        z = special.ndtri(np.array([(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])) + bias
        low, high = np.percentile(means, 100 * special.ndtr(bias + z / (1 - acceleration * z)))
    return Interval(estimate=mean, low=float(low), high=float(high), n=n, standard_error=float(means.std(ddof=1)))


def bootstrap_interval(
    metric: Callable[..., float],
    columns: Sequence[Any],
    *,
    rng: np.random.Generator,
    n_resamples: int = 1_000,
    groups: Shaped[np.ndarray, "n"] | None = None,
) -> Interval:
    """Give any metric an interval: the middle 95% of what it is on samples of the sample, drawn with replacement.

    Args:
        metric: takes the columns, and gives a number.
        columns: what it takes, an array each, such as predictions and targets; their rows are drawn together.
        groups: a whole number for each row. Rows of one group, such as a day, come and go together: they share
            what they owe to chance.

    Raises:
        TypeError: if `metric` is no function, or `rng` no generator.
        ValueError: if there is no column, their lengths differ, there are fewer than two rows or groups, or the
            metric has no value on one resample in twenty; of fewer, which it refuses, others are drawn.

    Source: Efron (1979), Annals of Statistics 7, 1-26.
    Oracle: scipy.stats.bootstrap(method="percentile", paired=True).

    >>> bootstrap_interval(np.mean, [np.array([3.0, 3.0])], rng=np.random.default_rng(0)).high
    3.0
    """
    function("metric", metric)
    instance("rng", rng, np.random.Generator)
    several("columns", columns)
    n_resamples, arrays = count("n_resamples", n_resamples, at_least=2), [np.asarray(column) for column in columns]
    if not arrays or any(array.shape[:1] != arrays[0].shape[:1] for array in arrays) or not arrays[0].ndim:
        raise ValueError(
            f"columns must be one or more of one length, got shapes {shown([each.shape for each in arrays])}"
        )
    codes = np.arange(len(arrays[0])) if groups is None else integer_array("groups", groups)
    if codes.shape != arrays[0].shape[:1] or len(names := np.unique(codes)) < 2:
        rule = f"a number for each of the {len(arrays[0])} rows, two different ones at least"
        raise ValueError(f"groups must be {rule}, got shape {codes.shape}")
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.searchsorted(codes[order], names[1:]))
    found, refused = [], 0
    while len(found) < n_resamples:
        drawn = rng.integers(len(names), size=len(names))
        rows = order[drawn] if groups is None else np.concatenate([members[i] for i in drawn])
        try:
            value = float(metric(*(array[rows] for array in arrays)))
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            found.append(value)
        elif (refused := refused + 1) > n_resamples / 20:
            raise ValueError(f"metric must have a value on 19 of 20 resamples, got none on {refused} so far")
    low, high = np.percentile(found, [50 * (1 - CONFIDENCE_LEVEL), 50 * (1 + CONFIDENCE_LEVEL)])
    estimate, error = float(metric(*arrays)), float(np.std(found, ddof=1))
    return Interval(estimate=estimate, low=float(low), high=float(high), n=len(names), standard_error=error)


def _unskewed(q: float, r: float) -> float:
    return 3 * (float(np.cbrt(1 + r * (q - r / 6))) - 1) / r if abs(r) > 1e-6 else q  # h, and its limit


def _repetitions(numbers: np.ndarray, *, name: str = "numbers") -> np.ndarray:
    array = real_array(name, numbers, ndim=1)
    if len(array) < 2:
        raise ValueError(f"{name} must be two or more repetitions, got {len(array)}")
    return array.astype(np.float64)
