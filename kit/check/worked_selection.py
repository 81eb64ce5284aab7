"""The way to each answer of notebook 09, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from kit.check.worked import Steps


def _deal(classes, k) -> Steps:
    fold, rows_of = np.empty(len(classes), dtype=int), {}
    for each in np.unique(classes):
        rows = np.flatnonzero(classes == each)
        rows_of[each.item()] = rows
        fold[rows] = np.arange(len(rows)) % k
    steps = [(f"the rows of class {each}", rows) for each, rows in rows_of.items()]
    return [*steps, ("each class's rows counted off, 0 to k - 1 and again, at their places", fold)]


def _whole(groups, k) -> Steps:
    names, counts = np.unique(groups, return_counts=True)
    order, weights, fold = np.argsort(-counts, kind="stable"), np.zeros(k, dtype=int), np.empty(len(groups), dtype=int)
    for i in order:
        lightest = int(weights.argmin())
        fold[groups == names[i]] = lightest
        weights[lightest] += counts[i]
    return [
        ("the groups, the largest first", names[order]),
        ("how many rows each has", counts[order]),
        ("the rows of each fold, when each group has gone to the emptiest", weights),
        ("the fold of each row", fold),
    ]


def _corrected(differences, n_train, n_test) -> Steps:
    inside = 1 / len(differences) + n_test / n_train
    error = differences.std(ddof=1) * np.sqrt(inside)
    return [
        ("1/n + n_test / n_train", inside),
        ("the standard error: the deviation, with n - 1, times the root of that", error),
        ("the mean difference over it", differences.mean() / error),
    ]


def _trials(share, chance) -> Steps:
    exact = np.log(1 - chance) / np.log(1 - share)
    return [
        ("the chance that one trial misses, 1 - share", 1 - share),
        ("the chance that all may miss, 1 - chance", 1 - chance),
        ("the n at which (1 - share)ⁿ is that: the ratio of their logarithms", exact),
        ("rounded up", int(np.ceil(exact))),
    ]


def _improvement(mean, deviation, best) -> Steps:
    z = (best - mean) / deviation
    first, second = (best - mean) * stats.norm.cdf(z), deviation * stats.norm.pdf(z)
    return [
        ("z, the fall below the best in deviations", z),
        ("(best - mean) · Φ(z)", first),
        ("deviation · φ(z)", second),
        ("both together", first + second),
    ]


def _honest(loss, settings, nests) -> Steps:
    chosen, outer = [], []
    for train, test, inner in nests:
        means = [np.mean([loss(setting, a, b) for a, b in inner]) for setting in settings]
        chosen.append(settings[int(np.argmin(means))])
        outer.append(loss(chosen[-1], train, test))
    return [
        ("the setting with the lowest mean loss over the inner pairs, fold by fold", chosen),
        ("its loss, fitted to all of train, on test", outer),
        ("the mean of these", float(np.mean(outer))),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "stratified folds": _deal,
    "folds that keep groups whole": _whole,
    "the corrected paired test": _corrected,
    "how many random trials": _trials,
    "expected improvement": _improvement,
    "an experiment: an honest number": _honest,
}
