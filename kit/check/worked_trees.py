"""The way to each answer of notebook 10, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps
from kit.learn.trees import gini


def _gini_split(x, classes) -> Steps:
    values = np.unique(x)
    middles = (values[:-1] + values[1:]) / 2
    left = [x <= threshold for threshold in middles]
    mixed = np.array([s.mean() * gini(classes[s]) + (~s).mean() * gini(classes[~s]) for s in left])
    return [
        ("the different values in order, and the middles between neighbours", middles),
        ("the rows at or below the first of them", left[0]),
        ("for each middle, the two sides' 1 - Σ p², each times its share of the rows", mixed),
        ("the middle where this is lowest, and that lowest", (float(middles[mixed.argmin()]), float(mixed.min()))),
    ]


def _out_of_bag(fit, x, y, draws) -> Steps:
    out = np.array([~np.isin(np.arange(len(x)), rows) for rows in draws])
    total = np.zeros(len(x))
    for rows, left_out in zip(draws, out, strict=True):
        total[left_out] += fit(x[rows], y[rows])(x[left_out])
    return [
        ("for each draw, the rows that it left out", out),
        ("how many models have not seen each row", out.sum(axis=0)),
        ("for each row, the sum of what these predict", total),
        ("that sum by their number", total / out.sum(axis=0)),
    ]


def _gain(g, h, left, strength) -> Steps:
    def score(rows):
        return float(g[rows].sum() ** 2 / (h[rows].sum() + strength))

    parts = score(left), score(~left), score(left | ~left)
    return [
        ("G and H, the sums of each side", (g[left].sum(), h[left].sum(), g[~left].sum(), h[~left].sum())),
        ("G² / (H + λ) of left, of right, and of both together", parts),
        ("half of the first two less the third", (parts[0] + parts[1] - parts[2]) / 2),
    ]


def _boosted(y, margins, left, lr, strength) -> Steps:
    p = 1 / (1 + np.exp(-margins))
    g, h = p - y, p * (1 - p)
    values = [-g[side].sum() / (h[side].sum() + strength) for side in (left, ~left)]
    return [
        ("the probabilities, the sigmoid of the margins", p),
        ("g = p - y and h = p (1 - p)", (g, h)),
        ("-G / (H + λ) of the left side and of the right", values),
        ("the margins, and lr times the value of each row's side", margins + lr * np.where(left, *values)),
    ]


def _side_by_side(members, x, y, folds) -> Steps:
    columns = np.zeros((len(x), len(members)))
    for k, fit in enumerate(members):
        for fold in folds:
            others = np.setdiff1d(np.arange(len(x)), fold)
            columns[fold, k] = fit(x[others], y[others])(x[fold])
    return [
        ("the rows outside the first fold", np.setdiff1d(np.arange(len(x)), folds[0])),
        ("the first member, learned from these, on the rows of that fold", columns[folds[0], 0]),
        ("its whole column, fold by fold", columns[:, 0]),
        ("a column for each member", columns),
    ]


def _cheapest(scores, seconds, ratio, t) -> Steps:
    best = scores.mean(axis=1).argmax()
    gaps = scores[best] - scores
    reach = t * gaps.std(axis=1, ddof=1) * np.sqrt(1 / scores.shape[1] + ratio)
    level = gaps.mean(axis=1) <= reach
    return [
        ("the place of the highest mean", int(best)),
        ("each model's mean gap to it, split by split", gaps.mean(axis=1)),
        ("t · s · √(1/n + ratio), with s the deviation of these gaps", reach),
        ("who is level: the gap is no larger", level),
        ("the fewest seconds among these", int(np.where(level, seconds, np.inf).argmin())),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "the Gini split": _gini_split,
    "out-of-bag predictions": _out_of_bag,
    "the gain of a split": _gain,
    "one step of boosting": _boosted,
    "a stack without a leak": _side_by_side,
    "an experiment: the cheapest that is level": _cheapest,
}
