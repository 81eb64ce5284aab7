"""The way to each answer of notebook 14, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

import math
from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _through_time(states, weights, pulls) -> Steps:
    at_last = pulls[-1] * (1 - states[-1] ** 2)
    gradient, arriving, parts = np.zeros_like(weights), np.zeros(len(weights)), []
    for t in reversed(range(len(pulls))):
        at_sum = (pulls[t] + arriving) * (1 - states[t + 1] ** 2)
        parts.append(np.outer(at_sum, states[t]))
        gradient, arriving = gradient + parts[-1], weights.T @ at_sum
    return [
        ("at the last step, its pull times 1 - state²", at_last),
        ("the last step's part of the gradient: that, outer, the state before it", parts[0]),
        ("what it hands on: weights.T times it", weights.T @ at_last),
        ("the parts of all steps, added up", gradient),
    ]


def _lstm_step(sums, cell) -> Steps:
    gates, n = 1 / (1 + np.exp(-sums[[0, 1, 3]])), np.tanh(sums[2])
    new = gates[1] * cell + gates[0] * n
    return [
        ("the gates i, f and o: sigmoid of rows 0, 1 and 3", gates),
        ("the candidate n: tanh of row 2", n),
        ("the new cell, f c + i n", new),
        ("the new state, o tanh(c), and the new cell", (gates[2] * np.tanh(new), new)),
    ]


def _clip(gradients, limit) -> Steps:
    squares = float(sum((g**2).sum() for g in gradients))
    norm = math.sqrt(squares)
    factor = limit / norm if norm > limit else 1.0
    return [
        ("all squares, added up", squares),
        ("their root, the global norm", norm),
        ("limit by norm, or 1 where the norm is no longer than the limit", factor),
        ("every gradient times it", tuple(g * factor for g in gradients)),
    ]


def _truncated(w, inputs, n_steps) -> Steps:
    h, slope, states, slopes, total = 0.0, 0.0, [], [], 0.0
    for t, x in enumerate(inputs):
        slope = 0.0 if t % n_steps == 0 else slope
        after = math.tanh(w * h + x)
        slope, h = (1 - after**2) * (h + w * slope), after
        total += 2 * h * slope
        states.append(h)
        slopes.append(slope)
    return [
        ("the states, which detaching does not change", np.array(states)),
        ("of each its derivative by w, as far as its chunk goes back", np.array(slopes)),
        ("the sum of 2 h times that", total),
    ]


def _keep_bias(n_steps, share) -> Steps:
    keep = share ** (1 / n_steps)
    return [
        ("what one step keeps: the n-th root of the share", keep),
        ("the bias: log(keep / (1 - keep))", math.log(keep / (1 - keep))),
    ]


def _choose(scores, t) -> Steps:
    means = scores.mean(axis=0)
    order = np.argsort(means, axis=1)
    rows = np.arange(len(means))
    lead = scores[:, rows, order[:, -1]] - scores[:, rows, order[:, -2]]
    half = t * lead.std(axis=0, ddof=1) / np.sqrt(len(lead))
    chosen = [int(first) if m > h else -1 for first, m, h in zip(order[:, -1], lead.mean(axis=0), half, strict=True)]
    return [
        ("the means over seeds, a row for each task", means),
        ("the lead of the best over the second, a row for each seed", lead),
        ("its mean for each task", lead.mean(axis=0)),
        ("t times its standard deviation by √n", half),
        ("the best where the mean is more than that, else -1", chosen),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "back-propagation through time": _through_time,
    "a step of an LSTM": _lstm_step,
    "clipping by global norm": _clip,
    "a state detached": _truncated,
    "a bias that keeps": _keep_bias,
    "an experiment: the architecture for each task": _choose,
}
