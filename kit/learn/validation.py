"""Validation: what held-out folds say of a model, how sure that is, and which of two models is better.

The scores of k folds are no k independent measurements: any two folds are learned from mostly the same rows. Their
spread says how much one fold differs from the next, and too little of how the mean would differ on other rows.

Taught in: 09
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from scipy import stats

from kit.arguments import count, function, instance, real, real_array, several, shown
from kit.learn.intervals import CONFIDENCE_LEVEL, Interval
from kit.learn.splits import Nest, Rows

Score = Callable[[Rows, Rows], float]


def cross_validate(score: Score, split: Iterable[tuple[Rows, Rows]]) -> Float[np.ndarray, "folds"]:
    """Score each fold by a model that is fitted without it.

    Args:
        score: from the rows to learn from and those held out to a number. Whatever looks at the data belongs inside,
            and sees the first alone: scaling, the choice of columns, the choice of settings.
        split: pairs of both, such as a `Split` or several.

    Raises:
        TypeError: if `score` is not a function, gives no number, or `split` is no collection.
        ValueError: if `split` is empty, or a score is not finite.

    Oracle: sklearn.model_selection.cross_val_score.

    >>> from kit.learn.splits import k_fold
    >>> cross_validate(lambda train, test: float(len(train) - len(test)), k_fold(5, k=2))
    array([-1.,  1.])
    """
    function("score", score)
    several("split", split)
    scores = [real("score, what it gives,", score(train, test)) for train, test in split]
    if not scores:
        raise ValueError("split must hold one or more pairs of rows, got none")
    return np.array(scores)


def corrected_interval(scores: Shaped[np.ndarray, "n"], *, n_train: int, n_test: int) -> Interval:
    """Estimate a mean from scores whose training rows overlap, with an interval that makes up for it.

        mean ± t · s · √(1/n + n_test / n_train),   t the 97.5% point of Student's distribution with n - 1 degrees

    Independent scores would have 1/n alone. However often the folds are dealt out anew, the second term stays: the
    rows are the same.

    Args:
        n_train, n_test: how many rows each score was learned from, and how many it was held out on.

    Raises:
        TypeError, ValueError: if scores are not finite real numbers, or fewer than two; or a count is below 1.

    Source: Nadeau & Bengio (2003), Machine Learning 52, 239-281, section 5.
    Oracle: kit.learn.intervals.mean_interval, whose width times √(1 + n · n_test / n_train) it has.

    >>> at = corrected_interval(np.array([1.0, 3.0]), n_train=1, n_test=1)
    >>> at.estimate, round(at.standard_error**2, 12)  # s² = 2, times 1/2 + 1
    (2.0, 3.0)
    """
    array = _scores("scores", scores)
    n, n_train, n_test = len(array), count("n_train", n_train), count("n_test", n_test)
    mean, error = float(array.mean()), float(array.std(ddof=1)) * math.sqrt(1 / n + n_test / n_train)
    half = float(stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, n - 1)) * error
    return Interval(estimate=mean, low=mean - half, high=mean + half, n=n, standard_error=error)


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """Two models on the same folds: by how much the first scores higher, and how likely chance alone is as far off.

    Args:
        t: the difference over its standard error; infinite where all folds agree to the last digit.
        p_value: two-sided.
    """

    difference: Interval
    t: float
    p_value: float


def corrected_paired_test(
    first: Shaped[np.ndarray, "n"], second: Shaped[np.ndarray, "n"], *, n_train: int, n_test: int
) -> PairedTest:
    """Compare two models by their scores on the same folds: the corrected resampled t-test.

        d = first - second
        t = mean(d) / (s √(1/n + n_test / n_train)),   with n - 1 degrees of freedom

    Raises:
        TypeError, ValueError: as `corrected_interval` does, or if the scores are not as many.

    Source: Nadeau & Bengio (2003), Machine Learning 52, 239-281, section 5.
    Oracle: scipy.stats.ttest_rel, whose t it has, over √(1 + n · n_test / n_train).

    >>> corrected_paired_test(np.array([2.0, 2.0]), np.array([1.0, 3.0]), n_train=9, n_test=1).p_value
    1.0
    """
    one, other = _scores("first", first), _scores("second", second)
    if len(one) != len(other):
        raise ValueError(f"second must have a score for each of the {len(one)} folds of first, got {len(other)}")
    difference = corrected_interval(one - other, n_train=n_train, n_test=n_test)
    t = difference.margin(0.0)
    p_value = 2 * float(stats.t.sf(abs(t), difference.n - 1))
    return PairedTest(difference=difference, t=t, p_value=p_value)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What was chosen within each fold of a nested split, how good it looked there, and how good it was held out.

    Args:
        settings: one for each fold.
        inner: the mean loss by which each was chosen: the best of several, and too good to be true.
        outer: the loss on the rows that had no say.
    """

    settings: tuple[Any, ...]
    inner: Float[np.ndarray, "folds"]
    outer: Float[np.ndarray, "folds"]


def choose_within(loss: Callable[[Any, Rows, Rows], float], settings: Sequence[Any], nests: Iterable[Nest]) -> Chosen:
    """Choose a setting within each fold by its inner pairs, then report it on the rows that were held out.

    Args:
        loss: from a setting, the rows to learn from and those held out to a number, the lower the better.

    Raises:
        TypeError: if `loss` is not a function or gives no number, or `nests` holds no Nests.
        ValueError: if there are no settings or no nests, or a loss is not finite.

    Source: Cawley & Talbot (2010), Journal of Machine Learning Research 11, 2079-2107.
    Oracle: sklearn's GridSearchCV inside cross_val_score.

    >>> from kit.learn.splits import k_fold, nested
    >>> nests = nested(k_fold(4, k=2), lambda rows: k_fold(len(rows), k=2))
    >>> choose_within(lambda setting, train, test: abs(setting - 2.0), (1, 2, 3), nests).settings
    (2, 2)
    """
    function("loss", loss)
    several("settings", settings)
    several("nests", nests)
    settings, nests = tuple(settings), tuple(nests)
    for name, things in (("settings", settings), ("nests", nests)):
        if not things:
            raise ValueError(f"{name} must not be empty")
    found, inner, outer = [], [], []
    for nest in nests:
        instance("nests, each of them,", nest, Nest)
        means = [float(np.mean([_loss(loss(setting, a, b)) for a, b in nest.inner])) for setting in settings]
        best = int(np.argmin(means))
        found.append(settings[best])
        inner.append(means[best])
        outer.append(_loss(loss(settings[best], nest.train, nest.test)))
    return Chosen(settings=tuple(found), inner=np.array(inner), outer=np.array(outer))


def _loss(value: Any) -> float:
    return real("loss, what it gives,", value)


def _scores(name: str, value: Any) -> np.ndarray:
    array = real_array(name, value, ndim=1).astype(np.float64)
    if len(array) < 2:
        raise ValueError(f"{name} must be two or more, got {shown(value)}")
    return array
