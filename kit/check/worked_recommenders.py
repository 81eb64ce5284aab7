"""The way to each answer of notebook 27, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import binom

from kit.check.worked import Steps


def _similarities(table) -> Steps:
    both, n = table.T @ table, table.sum(axis=0)
    scale = np.sqrt(np.outer(n, n))
    cosine = both / np.maximum(scale, 1)
    alone = cosine - np.diag(np.diag(cosine))
    return [
        ("the users that have both of two items", both),
        ("the users that have each item", n),
        ("the root of their products, for each two items", scale),
        ("the first by the last, and 0 where that is 0", cosine),
        ("the same with 0 on the diagonal", alone),
    ]


def _leave_out(calls, share) -> Steps:
    names = tuple(dict.fromkeys(calls))
    n_hidden = int(share * len(names))
    return [
        ("the different names, in the order of their first calls", names),
        ("how many of them are hidden, rounded down", n_hidden),
        ("all but the last so many, and those", (names[: len(names) - n_hidden], names[len(names) - n_hidden :])),
    ]


def _als_step(table, items, weight, strength) -> Steps:
    counts = 1 + weight * table
    inner = np.stack([(items.T * c) @ items + strength * np.eye(items.shape[1]) for c in counts])
    right = (counts * table) @ items
    return [
        ("what each item counts for each user: 1 + weight · t", counts),
        ("for the first user: the sum of c q qᵀ over all items, with strength on the diagonal", inner[0]),
        ("the sum of c t q, a row for each user", right),
        ("np.linalg.solve of the two, user by user", np.linalg.solve(inner, right[..., None])[..., 0]),
    ]


def _pair_sum(x, v) -> Steps:
    sums, squares = x @ v, x**2 @ v**2
    return [
        ("the sum of x_i v_i over the features, a row for each row of x", sums),
        ("the sum of (x_i v_i)² over the features", squares),
        ("half of the first, squared, less the second", (sums**2 - squares) / 2),
        ("these added up for each row", (sums**2 - squares).sum(axis=1) / 2),
    ]


def _rank(scores, seen, target) -> Steps:
    others = np.delete(scores, [*seen, target])
    ahead, level = int((others > scores[target]).sum()), int((others == scores[target]).sum())
    return [
        ("the scores of all others, without what was seen", others),
        ("how many of them are higher", ahead),
        ("how many are level", level),
        ("1, the higher ones, and half of those that are level", 1 + ahead + level / 2),
    ]


def _leads(ranks_a, ranks_b, n_others, n_sampled, k) -> Steps:
    full = [(ranks <= k).mean() for ranks in (ranks_a, ranks_b)]
    chances = [(ranks - 1) / n_others for ranks in (ranks_a, ranks_b)]
    sampled = [binom.cdf(k - 1, n_sampled, p).mean() for p in chances]
    return [
        ("the share of ranks up to k, of a and of b", full),
        ("for each of a's items, the chance that one other that is drawn stands above it", chances[0]),
        ("the chance that at most k - 1 of those drawn do, averaged over the items of a and of b", sampled),
        ("a less b, of the full list and of the sample", (full[0] - full[1], sampled[0] - sampled[1])),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "item similarities": _similarities,
    "the leave-out split": _leave_out,
    "one step of ALS": _als_step,
    "all pairs in linear time": _pair_sum,
    "a rank in the full list": _rank,
    "an experiment: full against sampled": _leads,
}
