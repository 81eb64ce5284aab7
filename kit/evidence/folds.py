"""Claim C04: what ten folds of 200 rows say of a model, against 50,000 rows held out; and the leak by day.

Taught in: 09
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.learn.splits import Rows, group_k_fold, k_fold, stratified_k_fold
from kit.learn.tables import diamonds, flights
from kit.learn.validation import cross_validate

DRAWN, HELD_OUT, FOLDS, REPEATS = 200, 50_000, 10, 5
TABLES, MODELS = ("diamonds", "flights"), ("linear", "tree")

Table = tuple[Float[np.ndarray, "n columns"], Int[np.ndarray, "n"]]


@cache
def features_of(name: str) -> Table:
    """Give features and class: whether a diamond's cut is ideal, whether a flight is over 15 minutes late.

    Of a flight that is what is known before it leaves.

    Raises:
        ValueError: if there is no such table.
    """
    if one_of("name", name, TABLES) == "diamonds":
        d = diamonds()
        numbers = (d.carat, d.depth, d.table, d.x, d.y, d.z, d.color, d.clarity, np.log(d.price))
        return np.column_stack(numbers), (d.cut == len(d.cuts) - 1).astype(int)
    f = flights()
    names = [np.eye(len(f.origins))[f.origin], np.eye(len(f.carriers))[f.carrier]]
    return np.column_stack([f.month, f.hour, f.distance, *names]), f.late


def classifier(model: str):
    """Make an untrained model: a logistic regression on scaled columns, or a tree with leaves of five rows or more.

    Raises:
        ValueError: if there is no such model.
    """
    if one_of("model", model, MODELS) == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    return DecisionTreeClassifier(min_samples_leaf=5, random_state=0)


def estimate_and_truth(*, table: str, model: str, seed: int) -> dict[str, float]:
    """Draw 200 rows, cross-validate a model on them in ten folds, then measure it on 50,000 others.

    Returns:
        The "estimate", the share right over the folds, and their "deviation"; both over five dealings of the
        folds, "repeated"; and the "truth", the share of the 50,000 that the model fitted to all 200 gets right.
    """
    x, y = features_of(table)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[: DRAWN + HELD_OUT]
    (x, new_x), (y, new_y) = np.split(x[rows], [DRAWN]), np.split(y[rows], [DRAWN])

    def right(train: Rows, test: Rows) -> float:
        return float((classifier(model).fit(x[train], y[train]).predict(x[test]) == y[test]).mean())

    scores = np.array([cross_validate(right, stratified_k_fold(y, k=FOLDS, rng=rng)) for _ in range(REPEATS)])
    return {
        "estimate": float(scores[0].mean()),
        "deviation": float(scores[0].std(ddof=1)),
        "repeated estimate": float(scores.mean()),
        "repeated deviation": float(scores.std(ddof=1)),
        "truth": float((classifier(model).fit(x, y).predict(new_x) == new_y).mean()),
    }


def covered(
    estimate: Float[np.ndarray, "draws"],
    deviation: Float[np.ndarray, "draws"],
    truth: Float[np.ndarray, "draws"],
    *,
    n: int,
    overlap: float = 0.0,
) -> Float[np.ndarray, "draws"]:
    """Tell, 1 or 0 for each draw, whether the interval from n scores holds the truth.

        |estimate - truth| <= t · deviation · √(1/n + overlap)

    Args:
        overlap: rows held out by rows learned from, 1/9 of ten folds, corrects the interval; 0 is the usual one.
    """
    half = stats.t.ppf(0.975, n - 1) * deviation * np.sqrt(1 / n + overlap)
    return (np.abs(estimate - truth) <= half).astype(float)


ESTIMATES = Experiment(
    name="ten_folds",
    measure=estimate_and_truth,
    factors={"table": TABLES, "model": MODELS},
    seeds=200,
    quantities=("estimate", "deviation", "repeated estimate", "repeated deviation", "truth"),
)

# The leak by day -----------------------------------------------------------------------------------------

DAYS, A_DAY, NEW = 60, 25, 10_000
CUTS = ("shuffled rows", "whole days")


def day_table() -> tuple[Float[np.ndarray, "n columns"], Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Give features, class and day of the year of every flight; the day is a feature, too."""
    f = flights()
    return np.column_stack([f.date, f.hour, f.distance, f.carrier, f.origin]).astype(float), f.late, f.date


def forest(seed: int) -> RandomForestClassifier:
    """Make an untrained forest of 40 trees."""
    return RandomForestClassifier(40, min_samples_leaf=3, random_state=seed)


def day_leak(*, cut: str, seed: int) -> dict[str, float]:
    """Draw 60 days with 25 flights each, cross-validate a forest on them, then measure it on flights of other days.

    Args:
        cut: whether the folds are made of shuffled rows or of whole days.

    Returns:
        The "estimate", the mean ROC-AUC over five folds, and the "truth" on 10,000 flights of days never seen.
    """
    x, y, day = day_table()
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(day.max() + 1)[:DAYS]
    rows = np.concatenate([rng.choice(np.flatnonzero(day == each), A_DAY, replace=False) for each in drawn])
    others = rng.permutation(np.flatnonzero(~np.isin(day, drawn)))[:NEW]

    def area(train: Rows, test: Rows) -> float:
        return float(roc_auc_score(y[test], forest(seed).fit(x[train], y[train]).predict_proba(x[test])[:, 1]))

    if one_of("cut", cut, CUTS) == "shuffled rows":
        split = k_fold(len(rows), k=5, rng=rng)
    else:
        split = group_k_fold(day[rows], k=5, rng=rng)
    estimate = cross_validate(lambda train, test: area(rows[train], rows[test]), split).mean()
    return {"estimate": float(estimate), "truth": area(rows, others)}


BY_DAY = Experiment(
    name="day_leak", measure=day_leak, factors={"cut": CUTS}, seeds=30, quantities=("estimate", "truth")
)
