"""The way to each answer, step by step: in words for the second wrong attempt, with a case's numbers for the third.

Each function takes a case and gives its steps, a name and a value each; the last value is the answer. Where the
exercise asks for a value, the steps have names alone.

Taught in: every notebook
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from kit.learn.class_losses import softmax
from kit.learn.descent import descend
from kit.learn.linear import least_squares
from kit.learn.optimizers import adam
from kit.learn.training import train

Steps = list[tuple[str, Any]]


def _mean(x) -> Steps:
    return [("the sum", x.sum()), ("how many numbers there are", len(x)), ("the sum by their number", x.sum() / len(x))]


def _stall() -> Steps:
    return [
        ("from 64 to 128 float16 numbers lie 1/16 apart, and the gap doubles at each power of two", None),
        ("0.1 still moves the sum as long as it is more than half of the gap", None),
    ]


def _seeded(seed, n) -> Steps:
    drawn = np.random.default_rng(seed).normal(size=n)
    return [("the numbers that this seed draws", drawn), ("their sum", drawn.sum())]


def _agree(a, b, tolerance) -> Steps:
    far = np.abs(a - b) if a.shape == b.shape else "no answer but False, for the shapes differ"
    close = a.shape == b.shape and bool((np.abs(a - b) <= tolerance).all())
    return [
        ("the two shapes", (a.shape, b.shape)),
        ("the distances", far),
        ("whether each is at most tolerance", close),
    ]


def _gradient(x, y, w) -> Steps:
    errors = x @ w - y
    steps = [("the errors, x @ weights - y", errors), ("xᵀ times the errors", x.T @ errors)]
    return [*steps, ("that, times 2 by the number of examples", 2 * x.T @ errors / len(y))]


def _closed_form(x, y) -> Steps:
    return [("xᵀx", x.T @ x), ("xᵀy", x.T @ y), ("the w that solves xᵀx w = xᵀy", least_squares(x, y))]


def _scaling(rows, test) -> Steps:
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    both = (rows - mean) / deviation, (test - mean) / deviation
    return [("each column's mean in train", mean), ("its deviation there", deviation), ("both tables, by these", both)]


def _divergence(diverges, low, high) -> Steps:
    middle = math.sqrt(low * high)
    steps = [("the middle of the bracket, √(low · high)", middle), ("whether it diverges there", diverges(middle))]
    while high / low > 1.0001:
        low, high = (low, middle) if diverges(middle := math.sqrt(low * high)) else (middle, high)
    return [*steps, ("the middle of what is left, after halving until high / low is below 1.01", math.sqrt(low * high))]


def _fastest(objective, start, rates, target) -> Steps:
    steps = [descend(objective, start, lr=lr, n_steps=200).steps_to(target) for lr in rates]
    best = rates[int(np.argmin([math.inf if n is None else n for n in steps]))]
    return [("the steps to the target at each rate", steps), ("the rate with the fewest, None left out", best)]


def _huber(p, t, delta) -> Steps:
    held = np.clip(p - t, -delta, delta)
    return [
        ("the errors", p - t),
        ("the errors, held between -δ and δ", held),
        ("that, by their number", held / len(p)),
    ]


def _pinball(p, t, q) -> Steps:
    pays = np.where(p < t, q * (t - p), (1 - q) * (p - t))
    return [
        ("by how much each is too low", t - p),
        ("what each pays, q or 1 - q times", pays),
        ("the mean", pays.mean()),
    ]


def _weights(errors, delta) -> Steps:
    size = np.abs(errors)
    steps = [("the size of each error", size), ("the size of its pull, at most δ", np.minimum(size, delta))]
    return [*steps, ("pull by error, and 1 where the error is 0", delta / np.maximum(size, delta))]


def _harm(fit, x, y, x_test, y_test, rows) -> Steps:
    wrong = y.copy()
    wrong[rows] *= 10
    without, with_ = (float(np.sqrt(np.mean((x_test @ fit(x, each) - y_test) ** 2))) for each in (y, wrong))
    return [("the test RMSE of a fit to y", without), ("to y with the slip", with_), ("their ratio", with_ / without)]


def _softmax(z) -> Steps:
    off = z - z.max(axis=1, keepdims=True)
    return [("each row less its largest", off), ("exp of that", np.exp(off)), ("each row by its sum", softmax(z))]


def _cross_entropy(z, t) -> Steps:
    parts = [("max(z, 0)", np.maximum(z, 0)), ("t · z", t * z), ("log(1 + exp(-|z|))", np.log1p(np.exp(-np.abs(z))))]
    first, second, third = (value for _, value in parts)
    return [*parts, ("the mean of the first less the second plus the third", (first - second + third).mean())]


def _softmax_gradient(z, t) -> Steps:
    less = softmax(z) - np.eye(z.shape[1])[t]
    steps = [("the probabilities, row by row", softmax(z)), ("less 1 at each row's own class", less)]
    return [*steps, ("that, by the number of rows", less / len(z))]


def _labels_found(fit, x, labels, rows, new) -> Steps:
    seen = labels.copy()
    seen[rows] = new
    logits = fit(x, seen)
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(seen)), seen]
    worst = np.argsort(-losses)[: len(rows)]
    steps = [("each example's loss at its planted label, trained on these", losses), ("the worst rows", worst)]
    return [*steps, ("the share of the planted rows among them", np.isin(rows, worst).mean())]


def _momentum(x, g, v, lr, beta) -> Steps:
    new = beta * v + g
    return [("the new velocity, β v + g", new), ("the step, lr times it", lr * new), ("both", (x - lr * new, new))]


def _adam(x, g, step, m, s, lr) -> Steps:
    mean, square = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    hats = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.999 ** (step + 1))
    steps = [("the two new means", (mean, square)), ("both bias-corrected, with t = step + 1", hats)]
    steps += [("the step, lr · m̂ / (√ŝ + eps)", lr * hats[0] / (np.sqrt(hats[1]) + 1e-8))]
    return [*steps, ("the point less the step, and the two raw means", adam(lr)(x, g, step, m, s))]


def _adamw(x, g, step, m, s, lr, decay) -> Steps:
    shrunk = (1 - lr * decay) * x
    return [
        ("the point, shrunk by 1 - lr · decay", shrunk),
        ("Adam's step from there", adam(lr)(shrunk, g, step, m, s)),
    ]


def _loop(objective, start, lr, batches) -> Steps:
    points = [start]
    for rows in batches:
        points.append(points[-1] - lr * objective(points[-1], rows)[1])
    return [("the point after the first batch", points[1]), ("after the second", points[2]), ("the last", points[-1])]


def _fault() -> Steps:
    return [
        ("compare the first step with lr, which is what Adam's first step should be", None),
        ("see whether the steps grow or stay when the gradient stays the same", None),
        ("ask of each fault what it would do to both", None),
    ]


def _race(objective, start, makers, rates, target) -> Steps:
    steps = [
        [train(objective, start, optimizer=maker(float(lr)), n_steps=200).steps_to(target) for lr in rates]
        for maker in makers
    ]
    fewest = np.array([min((n for n in row if n is not None), default=200) for row in steps])
    return [("each maker's steps at each rate", steps), ("the fewest of each, 200 where there is none", fewest)]


def _cosine(lr, final, n_steps, step) -> Steps:
    wave = (1 + math.cos(math.pi * step / n_steps)) / 2
    steps = [("the share of the way, step / n_steps", step / n_steps), ("(1 + cos(π · share)) / 2", wave)]
    return [*steps, ("final, and that share of lr - final", final + (lr - final) * wave)]


def _step_rates(lr, every, factor, n_steps) -> Steps:
    drops = np.arange(n_steps) // every
    return [("the drops before each step", drops), ("lr times factor to that power", lr * factor**drops)]


def _warm(lr, n_warmup_steps, n_steps) -> Steps:
    n_down = n_steps - n_warmup_steps
    up = lr * np.arange(1, n_warmup_steps + 1) / (n_warmup_steps + 1)
    down = lr * (1 - np.arange(n_down) / n_down)
    return [("the way up", up), ("the way down, from lr", down), ("one after the other", np.append(up, down))]


def _range(objective, start, low, high, n_steps) -> Steps:
    rates, losses, point = np.geomspace(low, high, n_steps), [], start
    for lr in rates:
        point = point - lr * objective(point)[1]
        losses.append(objective(point)[0])
    steps = [("the rates, each larger by one factor", rates), ("the loss after the step at each", np.array(losses))]
    return [*steps, ("a tenth of the rate where it is lowest", rates[np.argmin(losses)] / 10)]


def _contest(run, families, peaks, tuning, fresh) -> Steps:
    scores = np.array([[np.mean([run(f, peak, seed) for seed in tuning]) for peak in peaks] for f in families])
    chosen = [peaks[i] for i in scores.argmin(axis=1)]
    worth = [np.mean([run(f, peak, seed) for seed in fresh]) for f, peak in zip(families, chosen, strict=True)]
    steps = [("mean tuning losses, a row a family", scores), ("each family's best peak", chosen)]
    return [*steps, ("the mean of its fresh losses there", np.array(worth))]


def _soft(w, threshold) -> Steps:
    left = np.maximum(np.abs(w) - threshold, 0)
    return [
        ("the sizes", np.abs(w)),
        ("less the threshold, at least 0", left),
        ("with the old signs", np.sign(w) * left),
    ]


def _decay(w, g, lr, strength) -> Steps:
    both = g + strength * w
    return [
        ("the penalty's gradient", strength * w),
        ("both gradients", both),
        ("the step against them", w - lr * both),
    ]


def _drop(x, rate, draws) -> Steps:
    kept = draws >= rate
    return [("what is kept", kept), ("x, silenced elsewhere", x * kept), ("by 1 - rate", x * kept / (1 - rate))]


def _stop(losses, patience) -> Steps:
    best, bests = 0, [0]
    for i in range(1, len(losses)):
        if losses[i] < losses[best]:
            best = i
            bests.append(i)
        elif i - best == patience:
            break
    return [("the places of new bests, until patience runs out", bests), ("the last of them", best)]


def _choose(measure, strengths, seeds) -> Steps:
    means = [float(np.mean([measure(strength, seed)[1] for seed in seeds])) for strength in strengths]
    return [("each strength's mean validation loss", means), ("the lowest's strength", strengths[np.argmin(means)])]


def way_to(name: str) -> Callable[..., Steps] | None:
    """Find the way to an exercise's answer; None where there is none."""
    # torch is imported where it is needed
    rooms = (
        *("text", "models", "networks", "metrics", "selection", "trees", "deep_nets", "cnn", "detection", "rnn"),
        *("scaling_laws", "distributed", "compression", "serving", "recommenders"),
    )
    return STEPS.get(name) or next(
        (way for room in rooms if (way := import_module(f"kit.check.worked_{room}").STEPS.get(name))), None
    )


STEPS: dict[str, Callable[..., Steps]] = {
    "a mean": _mean,
    "where float16 stops counting": _stall,
    "a sum that repeats": _seeded,
    "a check that can be trusted": _agree,
    "the gradient of the mean squared error": _gradient,
    "the closed form": _closed_form,
    "scaling without a leak": _scaling,
    "the rate that diverges": _divergence,
    "an experiment: the fastest rate": _fastest,
    "the gradient of Huber's loss": _huber,
    "the pinball loss": _pinball,
    "the weights of a robust fit": _weights,
    "an experiment: the harm that outliers do": _harm,
    "softmax of rows of logits": _softmax,
    "a cross-entropy that does not overflow": _cross_entropy,
    "the gradient of the softmax cross-entropy": _softmax_gradient,
    "an experiment: wrong labels found by their loss": _labels_found,
    "one step of momentum": _momentum,
    "one step of Adam": _adam,
    "one step of AdamW": _adamw,
    "the loop of stochastic gradient descent": _loop,
    "the planted fault": _fault,
    "an experiment: a fair race": _race,
    "the cosine": _cosine,
    "down in steps": _step_rates,
    "warm-up, then down": _warm,
    "the range test": _range,
    "an experiment: a fair contest": _contest,
    "the soft threshold": _soft,
    "weight decay": _decay,
    "inverted dropout": _drop,
    "early stopping": _stop,
    "an experiment: choose the strength": _choose,
}
