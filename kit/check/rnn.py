"""The exercises of notebook 14: back-propagation through time, an LSTM's step, clipping, detaching, a bias, a choice.

Taught in: 14
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from kit.check.exercise import Exercise, Mistake

Array = np.ndarray

# Back-propagation through time ---------------------------------------------------------------------


def _row(seed: int, n_steps: int, d: int) -> tuple[Array, Array, Array]:
    """Draw states, recurrent weights, and the pull on each state but the first."""
    rng = np.random.default_rng(seed)
    states, weights = np.tanh(rng.normal(size=(n_steps + 1, d))), rng.normal(size=(d, d))
    return states, weights, rng.normal(size=(n_steps, d))


def _through_time(
    states: Array,
    weights: Array,
    pulls: Array,
    *,
    back: Callable[[Array, Array], Array] = lambda w, g: w.T @ g,
    slope: Callable[[Array, Array], Array] = lambda before, after: 1 - after**2,
    outer: Callable[[Array, Array, Array], Array] = lambda g, before, after: np.outer(g, before),
) -> Array:
    gradient, arriving = np.zeros_like(weights), np.zeros(len(weights))
    for t in reversed(range(len(pulls))):
        at_sum = (pulls[t] + arriving) * slope(states[t], states[t + 1])
        gradient = gradient + outer(at_sum, states[t], states[t + 1])
        arriving = back(weights, at_sum)
    return gradient


def _pull_not_bent(states: Array, weights: Array, pulls: Array) -> Array:
    gradient, arriving = np.zeros_like(weights), np.zeros(len(weights))
    for t in reversed(range(len(pulls))):
        at_sum = pulls[t] + arriving * (1 - states[t + 1] ** 2)
        gradient = gradient + np.outer(at_sum, states[t])
        arriving = weights.T @ at_sum
    return gradient


def _last_pull(states: Array, weights: Array, pulls: Array) -> Array:
    only = np.zeros_like(pulls)
    only[-1] = pulls[-1]
    return _through_time(states, weights, only)


def _forwards(states: Array, weights: Array, pulls: Array) -> Array:
    gradient, arriving = np.zeros_like(weights), np.zeros(len(weights))
    for t in range(len(pulls)):
        at_sum = (pulls[t] + arriving) * (1 - states[t + 1] ** 2)
        gradient = gradient + np.outer(at_sum, states[t])
        arriving = weights.T @ at_sum
    return gradient


def _last_step(states: Array, weights: Array, pulls: Array) -> Array:
    gradient = _through_time(states, weights, pulls)
    return gradient - _through_time(states[1:], weights, pulls[1:])


through_time = Exercise(
    notebook="14",
    name="back-propagation through time",
    solution=_through_time,
    cases=(_row(0, 3, 2), _row(1, 5, 3)),
    mistakes=(
        Mistake(
            hint="Each step takes its own pull there, and nothing arrives from the steps after it. Hand weights.T "
            "times the step's gradient on to the step before.",
            answer=partial(_through_time, back=lambda w, g: 0 * g),
        ),
        Mistake(
            hint="The slope of tanh is missing: multiply what arrives at a state by 1 - state².",
            answer=partial(_through_time, slope=lambda before, after: np.ones_like(after)),
        ),
        Mistake(
            hint="That is the slope at the state that the step begins with. The step ends in states[t + 1].",
            answer=partial(_through_time, slope=lambda before, after: 1 - before**2),
        ),
        Mistake(
            hint="1 - state is the slope of nothing here. That of tanh is 1 - state².",
            answer=partial(_through_time, slope=lambda before, after: 1 - after),
        ),
        Mistake(
            hint="On its way back the gradient meets the transposed weights: weights.T @ gradient.",
            answer=partial(_through_time, back=lambda w, g: w @ g),
        ),
        Mistake(
            hint="That gradient is turned. A row of it belongs to a row of the weights: np.outer(gradient, state).",
            answer=lambda *case: _through_time(*case).T,
        ),
        Mistake(
            hint="The weights multiplied the state before the step, states[t]; you took the one after it.",
            answer=partial(_through_time, outer=lambda g, before, after: np.outer(g, after)),
        ),
        Mistake(
            hint="The pull goes through the tanh as well: add what arrives to it, and then multiply by the slope.",
            answer=_pull_not_bent,
        ),
        Mistake(hint="Only the last state pulls there. Each step adds its own pull.", answer=_last_pull),
        Mistake(hint="You went forth. Later steps hand on to earlier ones: begin with the last.", answer=_forwards),
        Mistake(
            hint="That is one step's part alone. Every step has used the weights: add up all their parts.",
            answer=_last_step,
        ),
        Mistake(
            hint="That is a mean over steps. The loss is a sum over all of them, and so is its gradient.",
            answer=lambda states, weights, pulls: _through_time(states, weights, pulls) / len(pulls),
        ),
    ),
)

# An LSTM's step ------------------------------------------------------------------------------------


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _lstm_step(
    sums: Array,
    cell: Array,
    *,
    order: Sequence[int] = (0, 1, 2, 3),
    bend: Callable[[Array], Array] = np.tanh,
    out: Callable[[Array], Array] = np.tanh,
    coupled: bool = False,
    late: bool = False,
) -> tuple[Array, Array]:
    i, f, n, o = (sums[k] for k in order)
    i, f, o = _sigmoid(i), _sigmoid(f), _sigmoid(o)
    new = f * cell + (1 - f if coupled else i) * bend(n)
    return o * out(cell if late else new), new


lstm_step = Exercise(
    notebook="14",
    name="a step of an LSTM",
    solution=_lstm_step,
    cases=tuple((np.random.default_rng(s).normal(size=(4, d)) * 2, np.random.default_rng(s + 9).normal(size=d) * 2)
                for s, d in ((0, 3), (1, 2))),
    mistakes=(
        Mistake(
            hint="Those two are the wrong way round: first the state h, then the cell c.",
            answer=lambda *case: _lstm_step(*case)[::-1],
        ),
        Mistake(
            hint="The candidate n is no gate: tanh, not the sigmoid, so that the cell can fall as well as rise.",
            answer=partial(_lstm_step, bend=_sigmoid),
        ),
        Mistake(
            hint="The cell leaves through a tanh: h is o times tanh of the new cell.",
            answer=partial(_lstm_step, out=lambda c: c),
        ),
        Mistake(
            hint="The cell leaves through a tanh, not the sigmoid.", answer=partial(_lstm_step, out=_sigmoid)
        ),
        Mistake(
            hint="You exchanged i and f: i takes in, f keeps, and their rows come in this order.",
            answer=partial(_lstm_step, order=(1, 0, 2, 3)),
        ),
        Mistake(
            hint="The rows are i, f, n, o. You took the candidate for the last.",
            answer=partial(_lstm_step, order=(0, 1, 3, 2)),
        ),
        Mistake(
            hint="What is taken in has a gate of its own, i. 1 - f in its place is another cell.",
            answer=partial(_lstm_step, coupled=True),
        ),
        Mistake(hint="The state reads the new cell; you gave it the old one.", answer=partial(_lstm_step, late=True)),
        Mistake(
            hint="You bent the candidate away: n is tanh of its sum, and you took the sum itself.",
            answer=partial(_lstm_step, bend=lambda n: n),
        ),
        Mistake(
            hint="The gates are missing: i, f and o go through the sigmoid first.",
            answer=lambda sums, cell: (
                sums[3] * np.tanh(sums[1] * cell + sums[0] * np.tanh(sums[2])),
                sums[1] * cell + sums[0] * np.tanh(sums[2]),
            ),
        ),
        Mistake(
            hint="What is carried on is f c + i n itself: no tanh on the way from cell to cell.",
            answer=lambda sums, cell: (
                _lstm_step(sums, cell)[0],
                np.tanh(_lstm_step(sums, cell)[1]),
            ),
        ),
    ),
)  # fmt: skip

# Clipping ------------------------------------------------------------------------------------------


def _length(gradients: Sequence[Array]) -> float:
    return float(np.sqrt(sum((g**2).sum() for g in gradients)))


def _clip(gradients: Sequence[Array], limit: float) -> tuple[Array, ...]:
    norm = _length(gradients)
    return tuple(g * (limit / norm if norm > limit else 1.0) for g in gradients)


def _scaled(gradients: Sequence[Array], limit: float, norm: float) -> tuple[Array, ...]:
    return tuple(g * (limit / norm if norm > limit else 1.0) for g in gradients)


_PARTS = [np.array([[3.0, 0.0], [0.0, -1.0]]), np.array([2.0, -2.0, 1.0])]

clip = Exercise(
    notebook="14",
    name="clipping by global norm",
    solution=_clip,
    cases=(
        (_PARTS, 1.0),
        (_PARTS, 10.0),
        ([np.array([0.3, 0.4]), np.array([[0.0]])], 0.6),
        ([np.array([0.0, 0.0])], 1.0),
        ([np.array([0.6]), np.array([0.8]), np.array([-0.9])], 1.2),
        ([np.array([3.0]), np.array([-4.0])], 5.0),
    ),
    mistakes=(
        Mistake(
            hint="You clipped each tensor by itself: their proportions change, and with them the direction. Take one "
            "length over all.",
            answer=lambda gradients, limit: tuple(_clip([g], limit)[0] for g in gradients),
        ),
        Mistake(
            hint="You cut each number off at the limit, and the direction changes. Shorten all by one factor.",
            answer=lambda gradients, limit: tuple(np.clip(g, -limit, limit) for g in gradients),
        ),
        Mistake(
            hint="A gradient that is short enough stays as it is: multiply by at most 1.",
            answer=lambda gradients, limit: tuple(g * limit / max(_length(gradients), 1e-300) for g in gradients),
        ),
        Mistake(
            hint="That is the square of the length. The root is missing.",
            answer=lambda gradients, limit: _scaled(gradients, limit, _length(gradients) ** 2),
        ),
        Mistake(
            hint="You added up the lengths of the tensors. Add up all squares, and take the root once.",
            answer=lambda gradients, limit: _scaled(gradients, limit, sum(_length([g]) for g in gradients)),
        ),
        Mistake(
            hint="That is the length of the longest tensor. All of them together have one length.",
            answer=lambda gradients, limit: _scaled(gradients, limit, max(_length([g]) for g in gradients)),
        ),
        Mistake(
            hint="You added up absolute values. The length is the root of the sum of squares.",
            answer=lambda gradients, limit: _scaled(gradients, limit, sum(float(abs(g).sum()) for g in gradients)),
        ),
        Mistake(
            hint="Those are directions of length 1. Multiply by the limit as well.",
            answer=lambda gradients, limit: tuple(
                g / _length(gradients) if _length(gradients) > limit else g for g in gradients
            ),
        ),
    ),
)

# Detaching -----------------------------------------------------------------------------------------


def _truncated(
    w: float,
    inputs: Array,
    n_steps: int,
    *,
    phase: int = 0,
    reset: bool = False,
    never: bool = False,
    last_alone: bool = False,
) -> float:
    """Follow the state, and beside it its derivative by w; detached, the derivative begins again at 0."""
    h = slope = total = 0.0
    for t, x in enumerate(inputs):
        if (t + phase) % n_steps == 0 and not never:
            slope, h = 0.0, 0.0 if reset else h
            total = 0.0 if last_alone else total
        after = math.tanh(w * h + x)
        slope = (1 - after**2) * (h + w * slope)
        h = after
        total += 2 * h * slope
    return total


_INPUTS = np.array([0.5, -0.3, 0.8, 0.1, -0.6, 0.4, 0.9])

truncated = Exercise(
    notebook="14",
    name="a state detached",
    solution=_truncated,
    cases=((0.9, _INPUTS, 3), (1.4, _INPUTS[:6], 2), (-0.7, _INPUTS, 4)),
    mistakes=(
        Mistake(
            hint="The gradient goes back through the whole row there. Detach the state before steps 0, n_steps, "
            "2 n_steps, and so on.",
            answer=partial(_truncated, never=True),
        ),
        Mistake(
            hint="The state begins anew at 0 there. Detached, it keeps its value: only its past is cut off.",
            answer=partial(_truncated, reset=True),
        ),
        Mistake(
            hint="You detached at every step, and the gradient never goes back. Detach every n_steps steps.",
            answer=lambda w, inputs, n_steps: _truncated(w, inputs, 1),
        ),
        Mistake(
            hint="You cut one step too early: a chunk begins where t is a multiple of n_steps.",
            answer=partial(_truncated, phase=1),
        ),
        Mistake(
            hint="Only the last chunk counts there. Every chunk adds its part.",
            answer=partial(_truncated, last_alone=True),
        ),
        Mistake(
            hint="That is the mean loss's gradient. The loss is the sum of h² over the row.",
            answer=lambda w, inputs, n_steps: _truncated(w, inputs, n_steps) / len(inputs),
        ),
        Mistake(
            hint="h² has the derivative 2 h, and you have half of it.",
            answer=lambda *case: _truncated(*case) / 2,
        ),
    ),
)

# The bias that keeps -------------------------------------------------------------------------------


def _keep_bias(n_steps: int, share: float) -> float:
    keep = share ** (1 / n_steps)
    return math.log(keep / (1 - keep))


keep_bias = Exercise(
    notebook="14",
    name="a bias that keeps",
    solution=_keep_bias,
    cases=((1, 0.3), (10, 0.5), (100, 0.5), (50, 0.9)),
    mistakes=(
        Mistake(
            hint="That is what one step keeps. The bias is what the sigmoid turns into it: log(keep / (1 - keep)).",
            answer=lambda n_steps, share: share ** (1 / n_steps),
        ),
        Mistake(
            hint="You asked for the whole share after one step. Each of n_steps steps keeps its n-th root.",
            answer=lambda n_steps, share: _keep_bias(1, share),
        ),
        Mistake(
            hint="The sign is turned round: that gate forgets what it should keep.",
            answer=lambda *case: -_keep_bias(*case),
        ),
        Mistake(
            hint="That is the chrono bias, log of the steps. Here a given share has to be left.",
            answer=lambda n_steps, share: math.log(n_steps),
        ),
        Mistake(
            hint="Steps multiply: the share that one keeps is the n-th root, not the n-th part.",
            answer=lambda n_steps, share: _keep_bias(1, share / n_steps),
        ),
        Mistake(
            hint="That would be lost evenly, the same amount at each step. Steps multiply: take the n-th root.",
            answer=lambda n_steps, share: _keep_bias(1, 1 - (1 - share) / n_steps),
        ),
        Mistake(
            hint="That is the logarithm of what a step keeps. A sigmoid's bias is log(keep / (1 - keep)).",
            answer=lambda n_steps, share: math.log(share) / n_steps,
        ),
    ),
)

# The choice ----------------------------------------------------------------------------------------


def _choose(
    scores: Array,
    t: float,
    *,
    of: Callable[[Array], Array] = lambda each: each.mean(axis=0),
    half: Callable[[Array, Array, float], float] | None = None,
    against: int = -2,
) -> list[int]:
    chosen = []
    for each in scores.transpose(1, 0, 2):
        order = np.argsort(of(each))
        first, second = int(order[-1]), int(order[against])
        lead = each[:, first] - each[:, second]
        width = half(each[:, first], each[:, second], t) if half else t * lead.std(ddof=1) / np.sqrt(len(lead))
        chosen.append(first if lead.mean() > width else -1)
    return chosen


def _unpaired(a: Array, b: Array, t: float) -> float:
    return float(t * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


def _scores(seed: int, leads: Sequence[float], *, spread: float = 0.3) -> Array:
    """Draw scores of four seeds that go up and down together, more than the rivals differ."""
    rng = np.random.default_rng(seed)
    n = len(leads)
    common = rng.normal(size=(4, n, 1))
    means = np.stack([rng.permutation([0.0, lead, -1.0]) for lead in leads])
    return common + means + spread * 0.1 * rng.normal(size=(4, n, 3))


_FOUR_TASKS = np.stack(
    [
        np.array([[9.0, 3.0, 2.0], [8.0, 2.2, 1.0], [9.4, 3.1, 2.5], [8.7, 2.9, 1.5]]),  # a lead beyond all noise
        np.array([[0.5, 0.1, 0.3], [0.1, 0.4, 0.2], [0.2, 0.3, 0.6], [0.4, 0.3, 0.1]]),  # three that are level
        np.array([[1.0, 0.7, 0.0], [1.01, 0.72, 0.1], [0.99, 0.71, 0.0], [1.02, 1.03, 0.1]]),  # one lucky seed
        np.array([[0.0, 0.6, 0.61], [0.1, 0.7, 0.68], [0.0, 0.5, 0.52], [0.1, 0.6, 0.59]]),  # one far behind two
    ],
    axis=1,
)

choose = Exercise(
    notebook="14",
    name="an experiment: the architecture for each task",
    solution=_choose,
    cases=(
        (_scores(0, (0.5, 0.3, 0.01, 0.2, 0.005, 0.7)), 3.18),
        (_scores(1, (0.08, 0.05, 0.09), spread=0.6), 3.18),
        (_scores(2, (0.06, 0.04, 0.05, 0.07), spread=0.4)[:3], 4.3),
        (np.array([[[1.0, 1.0, 0.0]], [[2.0, 2.0, 0.5]], [[0.0, 0.0, -1.0]]]), 4.3),  # two that are level
        (_FOUR_TASKS, 2.0),
    ),
    mistakes=(
        Mistake(
            hint="You always chose. Where the interval of the lead holds 0, nothing is shown: -1.",
            answer=partial(_choose, half=lambda a, b, t: -np.inf),
        ),
        Mistake(
            hint="You compared as if the seeds had nothing to do with one another. Both rivals had the same seed and "
            "data: take the lead seed by seed.",
            answer=partial(_choose, half=_unpaired),
        ),
        Mistake(
            hint="That is the spread of single seeds. The mean's is smaller by √n.",
            answer=partial(_choose, half=lambda a, b, t: float(t * (a - b).std(ddof=1))),
        ),
        Mistake(
            hint="Your standard deviation divides by n. The seeds are a sample: ddof=1.",
            answer=partial(_choose, half=lambda a, b, t: float(t * (a - b).std() / np.sqrt(len(a)))),
        ),
        Mistake(
            hint="You held the best against the worst. Its rival is the second.", answer=partial(_choose, against=0)
        ),
        Mistake(
            hint="You went by the luckiest seed. Go by the mean over seeds.",
            answer=partial(_choose, of=lambda each: each.max(axis=0)),
        ),
        Mistake(
            hint="Those are the worst: the lowest mean, where the highest is best.",
            answer=partial(_choose, of=lambda each: -each.mean(axis=0)),
        ),
    ),
)

EXERCISES = (through_time, lstm_step, clip, truncated, keep_bias, choose)
