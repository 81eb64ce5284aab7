"""Judgements: who is preferred, how sure that is, and whether the judges agree.

    win_rate         the share of comparisons that one side won, with its interval
    bradley_terry    one strength for each of several rivals, from all their comparisons
    cohen_kappa      how far two raters, or one rater twice, agree beyond what their habits alone would give

Taught in: 08
"""

from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import count, one_of, real_array
from kit.learn.intervals import Interval, estimate_share
from kit.learn.metrics import Labels, checked_stand_in, confusion_matrix, stand_in, two_rows


def win_rate(outcomes: Shaped[np.ndarray, "n"]) -> Interval:
    """Estimate how often one side is preferred, from 1 for each win, 0 for each loss and 0.5 for each tie.

    Raises:
        TypeError: if `outcomes` holds no numbers.
        ValueError: if they are fewer than two, or one is neither 0, 0.5 nor 1.

    Oracle: kit.learn.intervals.estimate_share.

    >>> win_rate(np.array([1.0, 1.0, 0.5, 0.0])).estimate
    0.625
    """
    outcomes = real_array("outcomes", outcomes, ndim=1)
    if len(outcomes) < 2:
        raise ValueError(f"outcomes must be two or more, got {len(outcomes)}")
    if not (known := np.isin(outcomes, (0, 0.5, 1))).all():
        raise ValueError(f"outcomes must be 0, 0.5 or 1, got {outcomes[~known][0]:g}")
    return estimate_share(outcomes)


def bradley_terry(wins: Shaped[np.ndarray, "rivals rivals"], *, n_rounds: int = 10_000) -> Float[np.ndarray, "rivals"]:
    """Give each rival a strength under which what was seen is likeliest; in each comparison strengths share the wins.

        P(i beats j) = sᵢ / (sᵢ + sⱼ),   Σ s = 1
        sᵢ ← wins of i / Σⱼ comparisons of i and j / (sᵢ + sⱼ),   again and again

    Args:
        wins: how often the rival of each row beat that of each column; a tie is half a win for both.
        n_rounds: ends the search at the latest.

    Raises:
        TypeError: if `wins` holds no numbers.
        ValueError: if it is not a square of two rivals or more, of numbers of at least 0, with 0 on the diagonal;
            or if some rivals never lost to, or never met, any of the others: then their strength has no bound.

    Source: Zermelo (1929), Mathematische Zeitschrift 29, 436-460; Hunter (2004), Annals of Statistics 32, 384-406.
    Oracle: at the likeliest strengths each rival is expected to win as often as it did.

    >>> bradley_terry(np.array([[0, 3], [1, 0]])).round(6)
    array([0.75, 0.25])
    """
    wins, n_rounds = real_array("wins", wins, ndim=2), count("n_rounds", n_rounds)
    n = len(wins)
    if n < 2 or wins.shape != (n, n):
        raise ValueError(f"wins must be a square of two rivals or more, got shape {wins.shape}")
    if wins.min() < 0 or np.diag(wins).any():
        raise ValueError(f"wins must be >= 0, and 0 on the diagonal, got {wins.min():g} and {np.diag(wins).max():g}")
    reached = np.linalg.matrix_power((wins > 0).astype(np.float64) + np.eye(n), n) > 0
    if not reached.all():
        ahead, behind = (int(i) for i in np.argwhere(~reached)[0])
        raise ValueError(f"wins must lead from each rival to each other, got no way from {ahead} to {behind}")

    met, won, strengths = wins + wins.T, wins.sum(axis=1), np.full(n, 1 / n)
    for _ in range(n_rounds):
        new = won / (met / np.add.outer(strengths, strengths)).sum(axis=1)
        last, strengths = strengths, new / new.sum()
        if np.abs(strengths / last - 1).max() < 1e-14:
            break
    return strengths


def cohen_kappa(
    ratings: Labels,
    others: Labels,
    *,
    weights: Literal["none", "linear", "quadratic"] = "none",
    undefined: float | None = None,
) -> float:
    """Measure how far two raters agree beyond what their habits alone would give: 1 throughout, 0 as by chance.

        κ = 1 - Σ w observed / Σ w expected,   w the cost of a disagreement, expected from each rater's shares

    Args:
        weights: the cost of rating i where the other rates j: 1; or |i - j| or (i - j)², for ratings in an order.
        undefined: what stands for it where both raters give one and the same class throughout.

    Raises:
        TypeError, ValueError: as `kit.learn.metrics.accuracy` does; if `weights` is none of these, or κ is undefined.

    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46.
    Oracle: sklearn.metrics.cohen_kappa_score, which gives NaN where ours is undefined.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    0.5
    """
    one_of("weights", weights, ("none", "linear", "quadratic"))
    undefined = checked_stand_in(undefined)
    table = confusion_matrix(*two_rows("ratings", ratings, "others", others))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    apart = np.abs(np.subtract.outer(np.arange(len(table)), np.arange(len(table)))).astype(np.float64)
    cost = {"none": np.sign(apart), "linear": apart, "quadratic": apart**2}[weights]
    by_chance = (cost * expected).sum()
    if by_chance == 0:
        return stand_in("ratings", "must differ somewhere, from others or among themselves", undefined)
    return float(1 - (cost * table).sum() / by_chance)
