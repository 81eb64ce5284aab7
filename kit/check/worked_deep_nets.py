"""The way to each answer of notebook 11, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

import math
from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _gradients(inputs) -> np.ndarray:
    gradient = np.zeros(len(inputs))
    gradient[-1] = 1
    for i in range(len(inputs) - 1, -1, -1):
        for j, slope in inputs[i]:
            gradient[j] += gradient[i] * slope
    return gradient


def _backward(inputs) -> Steps:
    last = np.zeros(len(inputs))
    last[-1] = 1
    one = last.copy()
    for j, slope in inputs[-1]:
        one[j] += slope
    return [
        ("the start: 1 at the last node, 0 elsewhere", last),
        ("after its messages, to each node that it was made of 1 times the slope, added", one),
        (
            "after those of every node before it, from the last to the first, each by its own gradient",
            _gradients(inputs),
        ),
    ]


def _twice(inputs, kept) -> Steps:
    leaves = np.array([not pairs for pairs in inputs])
    return [
        ("this call's gradients, all from 0", _gradients(inputs)),
        ("which nodes are leaves, made of nothing", leaves),
        ("what the earlier call left there, 0 elsewhere", leaves * kept),
        ("the sum of the first and the last", _gradients(inputs) + leaves * kept),
    ]


def _std(n_in, n_out, activation) -> Steps:
    variance = 2 / n_in if activation == "ReLU" else 2 / (n_in + n_out)
    return [
        ("the variance: He's 2 / n_in for ReLU, Xavier's 2 / (n_in + n_out) for tanh", variance),
        ("its root", math.sqrt(variance)),
    ]


def _batch_norm(x, gain, bias, mean, var, training, momentum, eps) -> Steps:
    own = x.mean(axis=0), x.var(axis=0)
    new = mean, var
    if training:
        new = (
            (1 - momentum) * mean + momentum * own[0],
            (1 - momentum) * var + momentum * x.var(axis=0, ddof=1),
        )
    used = own if training else (mean, var)
    y = gain * (x - used[0]) / np.sqrt(used[1] + eps) + bias
    return [
        ("mean and variance to normalise by: the batch's, by n, in training, the running ones else", used),
        ("x less that mean, over √(variance + eps), times gain, plus bias", y),
        ("the running ones, in training a share momentum of the way to the batch's, by n - 1", new),
        ("all three", (y, *new)),
    ]


def _layer_norm(x, gain, bias, eps) -> Steps:
    mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    normalised = (x - mean) / np.sqrt(variance + eps)
    return [
        ("each row's mean, as a column", mean),
        ("each row's variance, by n", variance),
        ("x less the mean, over √(variance + eps)", normalised),
        ("that times gain, plus bias", gain * normalised + bias),
    ]


def _ledger(ours, theirs) -> Steps:
    furthest = np.array([np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)])
    largest = np.array([np.abs(b).max() for b in theirs])
    return [
        ("each pair's largest difference, without its sign", furthest),
        ("the largest size in each of theirs", largest),
        ("the first by the second", furthest / largest),
    ]


def _deepest(accuracy, depths, rates, seeds, bar) -> Steps:
    chosen = [max(rates, key=lambda lr, depth=depth: accuracy(depth, lr, seeds[0])) for depth in depths]
    means = np.array(
        [np.mean([accuracy(d, lr, seed) for seed in seeds[1:]]) for d, lr in zip(depths, chosen, strict=True)]
    )
    fails = np.append(means < bar, True)
    return [
        ("each depth's best rate, by the first seed", chosen),
        ("its mean accuracy over the other seeds", means),
        ("whether that is the bar or more", means >= bar),
        ("the last depth before the first that fails, or 0", [0, *depths][int(fails.argmax())]),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "back through a graph": _backward,
    "two calls": _twice,
    "the first weights": _std,
    "batch norm with running statistics": _batch_norm,
    "layer norm": _layer_norm,
    "a gradient ledger": _ledger,
    "an experiment: the deepest that trains": _deepest,
}
