"""The noise experiment: 50 cases, 5,000 columns of pure noise, and the 100 that look best.

Taught in: 09
"""

import numpy as np
from jaxtyping import Float, Int

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.learn.splits import Rows, stratified_k_fold
from kit.learn.validation import cross_validate

CASES, COLUMNS, KEPT = 50, 5_000, 100
FOLDS = (2, 5, 10)  # those who published it do not say how many they had
WHERE = ("outside the folds", "inside each fold")


def best_columns(
    x: Float[np.ndarray, "n columns"], y: Int[np.ndarray, "n"], *, keep: int = KEPT
) -> Int[np.ndarray, "keep"]:
    """Find the columns whose correlation with the class is furthest from 0."""
    off, target = x - x.mean(axis=0), y - y.mean()
    size = np.sqrt((off**2).sum(axis=0) * (target**2).sum())
    return np.argsort(-np.abs(target @ off) / size, kind="stable")[:keep]


def nearest_neighbour(
    x: Float[np.ndarray, "n columns"], y: Int[np.ndarray, "n"], new: Float[np.ndarray, "m columns"]
) -> Int[np.ndarray, "m"]:
    """Give each new row the class of the row that is nearest to it."""
    distance = (x**2).sum(axis=1) - 2 * new @ x.T  # up to what is the same for all of a new row
    return y[distance.argmin(axis=1)]


def noise_error(*, chosen: str, folds: int, seed: int) -> dict[str, float]:
    """Cross-validate a nearest neighbour on columns that say nothing of the class, which is a coin's throw.

    Args:
        chosen: where the best columns are looked for: with all rows in sight, or with those to learn from.

    Returns:
        The "error": the share of held-out rows with the wrong class.
    """
    one_of("chosen", chosen, WHERE)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(CASES, COLUMNS)), np.arange(CASES) % 2
    seen = best_columns(x, y)

    def error(train: Rows, test: Rows) -> float:
        columns = seen if chosen == WHERE[0] else best_columns(x[train], y[train])
        predicted = nearest_neighbour(x[train][:, columns], y[train], x[test][:, columns])
        return float((predicted != y[test]).mean())

    return {"error": float(cross_validate(error, stratified_k_fold(y, k=folds, rng=rng)).mean())}


NOISE = Experiment(
    name="noise",
    measure=noise_error,
    factors={"chosen": WHERE, "folds": FOLDS},
    seeds=100,
    quantities=("error",),
)
