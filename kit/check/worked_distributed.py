"""The way to each answer of notebook 24, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _ring(parts) -> Steps:
    n, steps, parts = len(parts), [], parts.copy()
    for tick in range(n - 1):
        sent = [parts[r, (r - tick - 1) % n].copy() for r in range(n)]
        for r in range(n):
            parts[(r + 1) % n, (r - tick - 1) % n] += sent[r]
        steps.append((f"after tick {tick}: rank r sends part (r - {tick + 1}) % {n} to rank r + 1", parts.copy()))
    return steps


def _factors(n_targets) -> Steps:
    return [
        ("the targets of all ranks together", int(n_targets.sum())),
        ("each rank's share of them", n_targets / n_targets.sum()),
        ("times the number of ranks", n_targets * len(n_targets) / n_targets.sum()),
    ]


def _zero_step(weights, gradients, momenta, lr, beta) -> Steps:
    parts = gradients.sum(axis=0).reshape(len(gradients), -1)
    new = beta * momenta + parts
    return [
        ("the sum of the gradients, a row for each rank's part", parts),
        ("beta times each rank's momentum, plus its part", new),
        ("each rank's weights less lr times that", weights.reshape(len(gradients), -1) - lr * new),
        ("these end to end, and the momenta", ((weights.reshape(len(gradients), -1) - lr * new).ravel(), new)),
    ]


def _tensor_mlp(x, up, down, n_ranks) -> Steps:
    columns, rows = np.split(up, n_ranks, axis=1), np.split(down, n_ranks)
    hidden = np.stack([np.maximum(x @ each, 0) for each in columns])
    return [
        ("for each rank, its columns of up", np.stack(columns)),
        ("relu of x by them", hidden),
        ("its rows of down", np.stack(rows)),
        ("the product of both, a table for each rank", hidden @ np.stack(rows)),
    ]


def _one_f_one_b(stage, n_stages, n_micro) -> Steps:
    ahead = min(n_stages - 1 - stage, n_micro)
    order = [f"F{k}" for k in range(ahead)]
    begun = list(order)
    for k in range(n_micro):
        order += [f"F{k + ahead}"] * (k + ahead < n_micro) + [f"B{k}"]
    return [
        ("how many forward passes come first, at most n_micro", ahead),
        ("those", tuple(begun)),
        ("then for each micro-batch the next forward pass, if there is one, and its backward pass", tuple(order)),
    ]


def _fewest_micro(n_stages, share) -> Steps:
    shares = [(n_stages - 1) / (m + n_stages - 1) for m in range(1, 400)]
    return [
        ("the bubble with 1, 2, 3 micro-batches", shares[:3]),
        ("the first number with which it is small enough", 1 + next(i for i, s in enumerate(shares) if s <= share)),
    ]


def _resume(order, n_seen, rank, n_ranks, batch_size) -> Steps:
    own = batch_size // n_ranks
    return [
        ("the samples of one rank in a step", own),
        ("where this rank begins", n_seen + rank * own),
        ("the samples from there", order[n_seen + rank * own : n_seen + (rank + 1) * own]),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "half a ring": _ring,
    "the factor of each rank's loss": _factors,
    "a step of ZeRO-1": _zero_step,
    "an MLP on several ranks": _tensor_mlp,
    "the order of 1F1B": _one_f_one_b,
    "a bubble that is small enough": _fewest_micro,
    "where to go on": _resume,
}
