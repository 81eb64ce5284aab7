"""The exercises of notebook 02: Huber's gradient, the pinball loss, the weights of a robust fit, an experiment.

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
            hint="Beyond δ every example pulls with +δ here. Where the prediction is too low, the gradient is -δ/n.",
            answer=_wrong_of(lambda e, delta, n: np.where(np.abs(e) <= delta, e, delta) / n),
        ),
        Mistake(
            hint="Two things: beyond δ every example pulls with +δ, where a prediction that is too low gives -δ; and "
            "the mean's share of 1/n is missing.",
            answer=_wrong_of(lambda e, delta, n: np.where(np.abs(e) <= delta, e, delta)),
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
            hint="The sign is turned round: every term of yours is below zero, and a loss is a price.",
            answer=lambda p, t, q: -_pinball(p, t, q, 1 - q),
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


def _weights(errors: np.ndarray, delta: float) -> np.ndarray:
    return delta / np.maximum(np.abs(errors), delta)


huber_weights = Exercise(
    notebook="02",
    name="the weights of a robust fit",
    solution=_weights,
    cases=(
        (np.array([0.5, -8.0, 2.0, 40.0, -1.0]), 2.0),
        (np.array([0.0, 3.0, -0.25, 0.5]), 0.5),
    ),
    mistakes=(
        Mistake(
            hint="An error of 0 gives 0/0. It is a small error like any other: its weight is 1.",
            answer=lambda e, delta: np.clip(e, -delta, delta) / e,
        ),
        Mistake(
            hint="That is the pull. The weight is the pull divided by the error.",
            answer=lambda e, delta: np.clip(e, -delta, delta),
        ),
        *(
            Mistake(
                hint="A weight is below zero: divide δ by the size of the error, not by the error with its sign.",
                answer=answer,
            )
            for answer in (
                lambda e, delta: np.where(np.abs(e) <= delta, 1, delta / e),
                lambda e, delta: np.minimum(1, delta / e),
            )
        ),
        Mistake(
            hint="You throw away what lies beyond δ. It stays in the fit, with a weight of δ/|error|.",
            answer=lambda e, delta: np.where(np.abs(e) <= delta, 1.0, 0.0),
        ),
        Mistake(
            hint="Beyond δ the pull is δ, and the weight is the pull divided by the size of the error.",
            answer=lambda e, delta: np.where(np.abs(e) <= delta, 1.0, delta),
        ),
        Mistake(
            hint="The weight is upside down: an outlier gets more than 1 here, and should get less.",
            answer=lambda e, delta: 1 / _weights(e, delta),
        ),
        Mistake(
            hint="That is the root, by which the rows of x and y are multiplied. The exercise asks for the weight.",
            answer=lambda e, delta: np.sqrt(_weights(e, delta)),
        ),
        Mistake(
            hint="Small errors get more than 1 here, as under absolute values. Within δ the weight is 1.",
            answer=lambda e, delta: delta / np.abs(e),
        ),
        Mistake(
            hint="Beyond δ the pull is δ, not 1: the weight there is δ/|error|.",
            answer=lambda e, delta: np.where(np.abs(e) <= delta, 1, 1 / np.abs(e)),
        ),
        Mistake(
            hint="You divided the loss by the square of the error. The weight is the pull divided by the error.",
            answer=lambda e, delta: np.where(
                np.abs(e) <= delta, 0.5, delta * (np.abs(e) - delta / 2) / np.maximum(np.abs(e), delta) ** 2
            ),
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

EXERCISES = (huber_gradient, quantile_loss, huber_weights, harm)
