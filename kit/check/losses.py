"""The exercises of notebook 02: Huber's gradient, the pinball loss, two stable cross-entropies, an experiment.

Taught in: 02
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn import losses
from kit.learn.linear import least_squares, reweighted_least_squares

_P, _T = np.array([1.0, 4.0, -6.0, 2.5]), np.array([0.5, 1.0, 2.0, 3.0])
_ERRORS = ((_P, _T, 2.0), (np.array([10.0, 0.0, -0.1, 7.0, 3.0]), np.zeros(5), 0.5))


def _wrong_of(each: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a formula of errors, δ and n into a wrong answer to the first exercise."""
    return lambda p, t, delta: each(p - t, delta, len(p))


huber_gradient = Exercise(
    notebook="02",
    name="the gradient of Huber's loss",
    solution=lambda p, t, delta: losses.huber(p, t, delta=delta)[1],
    cases=_ERRORS,
    mistakes=(
        Mistake(
            hint="The sign is turned round: the error is prediction minus target.",
            answer=_wrong_of(lambda e, delta, n: -np.clip(e, -delta, delta) / n),
        ),
        Mistake(
            hint="The loss is a mean, so each example has a share of 1/n. Divide by how many there are.",
            answer=_wrong_of(lambda e, delta, n: np.clip(e, -delta, delta)),
        ),
        Mistake(
            hint="Large errors still pull with all their size: this is the square's gradient. Hold it at ±δ.",
            answer=_wrong_of(lambda e, delta, n: e / n),
        ),
        Mistake(
            hint="That is the gradient of the mean squared error. Huber halves the square, and holds the pull at ±δ.",
            answer=_wrong_of(lambda e, delta, n: 2 * e / n),
        ),
        Mistake(
            hint="Beyond δ the pull is δ, not 1: the two pieces must meet at δ.",
            answer=_wrong_of(lambda e, delta, n: np.where(np.abs(e) <= delta, e, np.sign(e)) / n),
        ),
        Mistake(
            hint="Beyond δ you let go of the example. Huber's loss goes on pulling there, with δ.",
            answer=_wrong_of(lambda e, delta, n: np.where(np.abs(e) <= delta, e, 0) / n),
        ),
        Mistake(
            hint="Beyond δ the side is lost: where the prediction is too low, the gradient is -δ/n.",
            answer=_wrong_of(lambda e, delta, n: np.minimum(e, delta) / n),
        ),
        Mistake(
            hint="That is the loss. The exercise asks for its gradient, one number for each prediction.",
            answer=lambda p, t, delta: losses.huber(p, t, delta=delta)[0],
        ),
    ),
)


def _pinball(p: np.ndarray, t: np.ndarray, low: float, high: float) -> float:
    """Average with weight `low` where the prediction is too low, `high` where it is too high."""
    return float(np.where(p < t, low * (t - p), high * (p - t)).mean())


quantile_loss = Exercise(
    notebook="02",
    name="the pinball loss",
    solution=lambda p, t, q: losses.quantile(p, t, q=q)[0],
    cases=((_P, _T, 0.9), (np.array([0.0, 3.0, 5.0]), np.array([1.0, 1.0, 5.0]), 0.25)),
    mistakes=(
        Mistake(
            hint="The two sides are swapped: q is the price where the prediction is too low.",
            answer=lambda p, t, q: _pinball(p, t, 1 - q, q),
        ),
        Mistake(
            hint="Both sides pay the same here. Where the prediction is too high, the price is 1 - q.",
            answer=lambda p, t, q: _pinball(p, t, q, q),
        ),
        Mistake(
            hint="Predictions that are too high pay nothing here. They pay (1 - q)(p - t).",
            answer=lambda p, t, q: _pinball(p, t, q, 0),
        ),
        Mistake(
            hint="Where the prediction is too high, your loss is below zero: turn t - p round there.",
            answer=lambda p, t, q: _pinball(p, t, q, q - 1),
        ),
        Mistake(
            hint="You squared the errors. The pinball loss takes them by their size.",
            answer=lambda p, t, q: float((np.where(p < t, q, 1 - q) * (p - t) ** 2).mean()),
        ),
        Mistake(
            hint="That is the sum. The loss is the mean over all examples.",
            answer=lambda p, t, q: _pinball(p, t, q, 1 - q) * len(p),
        ),
    ),
)


def _softplus(z: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, z)


def _naive(z: np.ndarray, t: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-z))
    return float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())


def _clipped(z: np.ndarray, t: np.ndarray, least: float) -> float:
    p = np.clip(1 / (1 + np.exp(-z)), least, 1 - least)
    return float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())


stable_cross_entropy = Exercise(
    notebook="02",
    name="a cross-entropy that does not overflow",
    solution=lambda z, t: losses.binary_cross_entropy(z, t)[0],
    cases=(
        (np.array([0.5, -1.0, 2.0]), np.array([1.0, 1.0, 0.0])),
        (np.array([1000.0, -1000.0, 1000.0, -1000.0]), np.array([1.0, 1.0, 0.0, 0.0])),
    ),
    mistakes=(
        Mistake(
            hint="Right at small logits, NaN at large ones: log meets 0, or exp overflows. Let no exponent be above 0.",
            answer=_naive,
        ),
        Mistake(
            hint="Right at small logits, infinite at large ones: exp(z) overflows. Take max(z, 0) out before exp.",
            answer=lambda z, t: float((np.log1p(np.exp(z)) - t * z).mean()),
        ),
        *(
            Mistake(
                hint="Clipping the probability caps the loss: an example wrong by 1,000 costs no more than one by 30. "
                "Its gradient is 0 there, and it never learns.",
                answer=partial(_clipped, least=least),
            )
            for least in (1e-7, 1e-8, 1e-10, 1e-12, 1e-15)
        ),
        Mistake(
            hint="The sign is missing: a logarithm of a probability is below 0, the loss above.",
            answer=lambda z, t: -float((_softplus(z) - t * z).mean()),
        ),
        Mistake(
            hint="Classes 0 and 1 are swapped: a large logit speaks for class 1.",
            answer=lambda z, t: float((_softplus(z) - (1 - t) * z).mean()),
        ),
        Mistake(
            hint="Only the examples of class 1 are counted. Those of class 0 pay -log σ(-z).",
            answer=lambda z, t: float((t * _softplus(-z)).mean()),
        ),
        Mistake(
            hint="That is the sum. The loss is the mean over all examples.",
            answer=lambda z, t: float((_softplus(z) - t * z).sum()),
        ),
    ),
)


def _softmax(z: np.ndarray, *, shift: Any = None, axis: int = 1) -> np.ndarray:
    raised = np.exp(z - (z.max(axis=axis, keepdims=True) if shift is None else shift))
    return raised / raised.sum(axis=axis, keepdims=True)


def _one_hot(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.eye(z.shape[1])[t]


softmax_gradient = Exercise(
    notebook="02",
    name="the gradient of the softmax cross-entropy",
    solution=lambda z, t: losses.cross_entropy(z, t)[1],
    cases=(
        (np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]]), np.array([2, 1])),
        (np.array([[2000.0, 0.0, 1000.0], [1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]), np.array([1, 0, 2])),
    ),
    mistakes=(
        Mistake(
            hint="exp overflows at large logits. Take each row's largest logit off first: no probability changes.",
            answer=lambda z, t: (_softmax(z, shift=0) - _one_hot(z, t)) / len(z),
        ),
        Mistake(
            hint="You took off the largest logit of all. A row far below it underflows to 0/0. Each row has its own.",
            answer=lambda z, t: (_softmax(z, shift=z.max()) - _one_hot(z, t)) / len(z),
        ),
        Mistake(
            hint="The probabilities add up over examples here. They must add up over classes: axis=1.",
            answer=lambda z, t: (_softmax(z, axis=0) - _one_hot(z, t)) / len(z),
        ),
        Mistake(
            hint="The sign is turned round: the gradient is probability minus target.",
            answer=lambda z, t: (_one_hot(z, t) - _softmax(z)) / len(z),
        ),
        Mistake(
            hint="The loss is a mean over examples. Divide by how many there are.",
            answer=lambda z, t: _softmax(z) - _one_hot(z, t),
        ),
        Mistake(
            hint="You divided by the number of logits. The mean is over examples: divide by the number of rows.",
            answer=lambda z, t: (_softmax(z) - _one_hot(z, t)) / z.size,
        ),
        Mistake(
            hint="Those are the probabilities. Take 1 off at each example's own class.",
            answer=lambda z, t: _softmax(z) / len(z),
        ),
    ),
)


def _rmse(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sqrt(np.mean((x @ weights - y) ** 2)))


def _planted(y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    planted = y.copy()
    planted[rows] *= 10
    return planted


def _harm(fit: Callable, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, rows: np.ndarray):
    return _rmse(x_test, y_test, fit(x, _planted(y, rows))) / _rmse(x_test, y_test, fit(x, y))


_rng = np.random.default_rng(2)
_X = np.column_stack([np.ones(18), _rng.normal(size=18)])
_Y = _X @ np.array([5.0, 2.0]) + 0.5 * _rng.normal(size=18)
_DATA = (_X[:12], _Y[:12], _X[12:], _Y[12:])

harm = Exercise(
    notebook="02",
    name="an experiment: the harm that outliers do",
    solution=_harm,
    cases=(
        (least_squares, *_DATA, np.array([0, 5])),
        (partial(reweighted_least_squares, loss=partial(losses.huber, delta=0.5)), *_DATA, np.array([3])),
    ),
    mistakes=(
        Mistake(
            hint="That compares mean squared errors. Take the root of each first.",
            answer=lambda *case: _harm(*case) ** 2,
        ),
        Mistake(
            hint="The ratio is upside down: the error with outliers over the error without.",
            answer=lambda *case: 1 / _harm(*case),
        ),
        Mistake(
            hint="That is the difference of the two errors. Return their ratio, which has no unit.",
            answer=lambda fit, x, y, x_test, y_test, rows: (
                _rmse(x_test, y_test, fit(x, _planted(y, rows))) - _rmse(x_test, y_test, fit(x, y))
            ),
        ),
        Mistake(
            hint="That is the error with outliers alone. Divide it by the error without.",
            answer=lambda fit, x, y, x_test, y_test, rows: _rmse(x_test, y_test, fit(x, _planted(y, rows))),
        ),
        Mistake(
            hint="You measured on the training rows. Use x_test and y_test, which no fit has seen.",
            answer=lambda fit, x, y, x_test, y_test, rows: (
                _rmse(x, y, fit(x, _planted(y, rows))) / _rmse(x, y, fit(x, y))
            ),
        ),
        Mistake(
            hint="You measured on the training rows, outliers and all. The outliers are mistakes in the record: "
            "a good fit should miss them. Measure on x_test and y_test.",
            answer=lambda fit, x, y, x_test, y_test, rows: (
                _rmse(x, _planted(y, rows), fit(x, _planted(y, rows))) / _rmse(x, y, fit(x, y))
            ),
        ),
        Mistake(
            hint="Both fits saw the same targets, so the ratio is 1. One must see the planted ones, the other not.",
            answer=lambda *_: 1.0,
        ),
        Mistake(
            hint="You planted the outliers in every row. Only the rows that are given get ten times their target.",
            answer=lambda fit, x, y, x_test, y_test, rows: (
                _rmse(x_test, y_test, fit(x, 10 * y)) / _rmse(x_test, y_test, fit(x, y))
            ),
        ),
    ),
)

EXERCISES = (huber_gradient, quantile_loss, stable_cross_entropy, softmax_gradient, harm)
