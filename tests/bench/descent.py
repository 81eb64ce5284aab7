"""Descent's thousand steps, against the same loop written out in NumPy; both record the whole path."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.datasets import load_diabetes

from kit.learn.descent import descend
from kit.learn.linear import linear_objective, with_intercept
from kit.learn.scaling import standard_scaling
from tests.bench.table import Table, at_most, median

LR, N_STEPS, PAIRS, SLOWER = 0.1, 1000, 60, 1.2
Path = tuple[np.ndarray, np.ndarray]


def kit_descent(x: np.ndarray, y: np.ndarray) -> Path:
    path = descend(linear_objective(x, y), np.zeros(x.shape[1]), lr=LR, n_steps=N_STEPS)
    return path.points, path.losses


def plain_loop(x: np.ndarray, y: np.ndarray) -> Path:
    """Follow the formulas as a textbook has them."""
    points, losses = np.empty((N_STEPS + 1, x.shape[1])), np.empty(N_STEPS + 1)
    weights = np.zeros(x.shape[1])
    for step in range(N_STEPS + 1):
        errors = x @ weights - y
        points[step], losses[step] = weights, np.mean(errors**2)
        weights = weights - LR * (x.T @ (2 * errors / len(y)))
    return points, losses


def trimmed_loop(x: np.ndarray, y: np.ndarray) -> Path:
    """Follow them with as few passes over the data as NumPy allows, and no check of anything."""
    points, losses = np.empty((N_STEPS + 1, x.shape[1])), np.empty(N_STEPS + 1)
    weights = np.zeros(x.shape[1])
    for step in range(N_STEPS + 1):
        errors = x @ weights - y
        points[step], losses[step] = weights, errors @ errors / len(y)
        weights = weights - 2 * LR / len(y) * (x.T @ errors)
    return points, losses


def tables() -> Iterator[Table]:
    features, y = load_diabetes(return_X_y=True, scaled=False)
    x = with_intercept(standard_scaling(features).transform(features))
    ways = (kit_descent, plain_loop, trimmed_loop)
    for way in ways[1:]:
        for ours, theirs in zip(kit_descent(x, y), way(x, y), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)

    def seconds(way: Callable[[np.ndarray, np.ndarray], Path]) -> float:
        begun = time.perf_counter()
        way(x, y)
        return time.perf_counter() - begun

    times = np.array([[seconds(way) for way in ways] for _ in range(PAIRS)])
    kit_ms, plain_ms, trimmed_ms = 1000 * np.median(times, axis=0)
    to_plain, to_trimmed = (median(times[:, 0] / times[:, i]) for i in (1, 2))
    rows = [
        (["kit.learn.descent", f"{kit_ms:.1f} ms", ""], None),
        (["the loop as in a textbook", f"{plain_ms:.1f} ms", f"{to_plain:.2f}"], at_most(to_plain, SLOWER)),
        (["the loop trimmed, unchecked", f"{trimmed_ms:.1f} ms", f"{to_trimmed:.2f}"], None),
    ]
    title = f"Descent, {N_STEPS} steps on diabetes with the path recorded, {PAIRS} rounds, interleaved"
    yield Table(title=title, columns=["way", "median", "kit / way"], rows=rows)
