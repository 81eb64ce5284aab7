"""The exercises of notebook 01: gradient, closed form, scaling, the rate that diverges, the fastest rate.

Taught in: 01
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn.descent import Objective, descend
from kit.learn.linear import least_squares, linear_objective
from kit.learn.scaling import standard_scaling

_rng = np.random.default_rng(1)
_X, _Y, _W = _rng.normal(size=(5, 3)), _rng.normal(size=5), _rng.normal(size=3)
_LINE = np.column_stack([np.ones(4), [1.0, 2.0, 3.0, 5.0]])
_PROBLEMS = ((_X, _Y, _W), (_LINE, np.array([2.0, 3.0, 5.0, 7.0]), np.array([0.5, -1.0])))


def _residual(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return x @ weights - y


gradient = Exercise(
    notebook="01",
    name="the gradient of the mean squared error",
    solution=lambda x, y, weights: linear_objective(x, y)(weights)[1],
    cases=_PROBLEMS,
    mistakes=(
        Mistake(
            hint="The sign is turned round: this points downhill. The gradient points uphill; descent subtracts it.",
            answer=lambda x, y, w: -2 / len(y) * x.T @ _residual(x, y, w),
        ),
        Mistake(
            hint="The 2 is missing: the derivative of a square brings one down.",
            answer=lambda x, y, w: x.T @ _residual(x, y, w) / len(y),
        ),
        Mistake(
            hint="This is the gradient of the summed squares. The loss is their mean: divide by how many there are.",
            answer=lambda x, y, w: 2 * x.T @ _residual(x, y, w),
        ),
        Mistake(
            hint="Both the 2 and the division by the number of examples are missing.",
            answer=lambda x, y, w: x.T @ _residual(x, y, w),
        ),
        Mistake(
            hint="You divided by the number of weights. The mean is over examples.",
            answer=lambda x, y, w: 2 * x.T @ _residual(x, y, w) / len(w),
        ),
        Mistake(
            hint="This is the gradient in the predictions. The chain rule carries it to the weights: multiply by xᵀ.",
            answer=lambda x, y, w: 2 * _residual(x, y, w) / len(y),
        ),
        Mistake(
            hint="The targets are missing: the error is x @ weights - y.",
            answer=lambda x, y, w: 2 * x.T @ (x @ w) / len(y),
        ),
    ),
)

closed_form = Exercise(
    notebook="01",
    name="the closed form",
    solution=least_squares,
    cases=tuple(problem[:2] for problem in _PROBLEMS),
    mistakes=(
        Mistake(
            hint="xᵀy is only the right-hand side. Solve xᵀx w = xᵀy for w.",
            answer=lambda x, y: x.T @ y,
        ),
        Mistake(
            hint="You multiplied by xᵀx where its inverse belongs. np.linalg.solve(a, b) solves a w = b.",
            answer=lambda x, y: x.T @ x @ (x.T @ y),
        ),
        Mistake(
            hint="You fitted each feature by itself. They share the work: solve for all weights at once.",
            answer=lambda x, y: x.T @ y / (x**2).sum(axis=0),
        ),
        Mistake(
            hint="np.linalg.lstsq returns four things. The weights are the first.",
            answer=lambda x, y: np.linalg.lstsq(x, y, rcond=None),
        ),
        Mistake(
            hint="Those are the predictions. The exercise asks for the weights.",
            answer=lambda x, y: x @ least_squares(x, y),
        ),
    ),
)


def _standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaling = standard_scaling(train)
    return scaling.transform(train), scaling.transform(test)


def _by(train: np.ndarray, test: np.ndarray, offset: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
    return (train - offset) / scale, (test - offset) / scale


scaling = Exercise(
    notebook="01",
    name="scaling without a leak",
    solution=_standardise,
    cases=((_X * [1, 10, 100] + 3, _X[:2] + 1), (_rng.normal(size=(6, 2)) + 7, _rng.normal(size=(3, 2)))),
    mistakes=(
        Mistake(
            hint="The test rows were scaled by their own mean and deviation. Use those of the training rows.",
            answer=lambda train, test: (
                standard_scaling(train).transform(train),
                standard_scaling(test).transform(test),
            ),
        ),
        Mistake(
            hint="Mean and deviation were taken over training and test rows together. That lets the test set leak in.",
            answer=lambda train, test: _by(train, test, np.r_[train, test].mean(0), np.r_[train, test].std(0)),
        ),
        Mistake(
            hint="One mean and one deviation for all features leaves their scales apart. Use axis=0.",
            answer=lambda train, test: _by(train, test, train.mean(), train.std()),
        ),
        Mistake(
            hint="You divided by the variance. The standard deviation is its square root.",
            answer=lambda train, test: _by(train, test, train.mean(0), train.var(0)),
        ),
        Mistake(
            hint="The features are centred, but not yet divided by their standard deviation.",
            answer=lambda train, test: (train - train.mean(0), test - train.mean(0)),
        ),
        Mistake(
            hint="You used ddof=1. The kit, like scikit-learn, divides by n.",
            answer=lambda train, test: _by(train, test, train.mean(0), train.std(0, ddof=1)),
        ),
    ),
)


class Threshold:
    """A stand-in for a real run: true above a hidden rate, and patient for ten thousand calls."""

    def __init__(self, rate: float):
        self._rate, self._calls = rate, 0

    def __call__(self, lr: float) -> bool:
        """Tell whether a run at this rate would diverge.

        Raises:
            RuntimeError: after ten thousand calls, where halving the bracket takes some fifteen.
        """
        self._calls += 1
        if self._calls > 10_000:
            raise RuntimeError(
                "diverges was called 10,000 times, which is the limit; halving the bracket takes some 15. "
                "Your search is too slow, or does not end"
            )
        return lr > self._rate

    def __repr__(self) -> str:
        return f"diverges, true above {self._rate}"


def bisect(
    diverges: Callable[[float], bool], low: float, high: float, done: Callable[[float, float], bool], middle: Callable
) -> float:
    """Halve a bracket until it is narrow enough."""
    while not done(low, high):
        mid = middle(low, high)
        low, high = (low, mid) if diverges(mid) else (mid, high)
    return middle(low, high)


def _geometric(low: float, high: float) -> float:
    return math.sqrt(low * high)


divergence = Exercise(
    notebook="01",
    name="the rate that diverges",
    solution=lambda diverges, low, high: bisect(diverges, low, high, lambda a, b: b / a < 1.0001, _geometric),
    cases=((Threshold(0.25), 0.01, 10.0), (Threshold(1.7), 0.01, 10.0), (Threshold(3e-5), 1e-9, 1.0)),
    mistakes=(
        Mistake(
            hint="One per cent is a share of the rate; your loop stops at a fixed width. Compare high / low with 1.01.",
            answer=lambda diverges, low, high: bisect(
                diverges, low, high, lambda a, b: b - a < 0.01, lambda a, b: (a + b) / 2
            ),
        ),
        Mistake(
            hint="Your bracket closes on the lower end. Where the middle diverges, it is the new high.",
            answer=lambda diverges, low, high: low,
        ),
        Mistake(
            hint="Your bracket closes on the upper end. Where the middle does not diverge, it is the new low.",
            answer=lambda diverges, low, high: high,
        ),
        Mistake(
            hint="One halving is not enough. Go on until high / low is below 1.01.",
            answer=lambda diverges, low, high: bisect(diverges, low, high, _after_one(), _geometric),
        ),
    ),
    rtol=0.01,
)


def _after_one() -> Callable[[float, float], bool]:
    answers = iter([False, True])
    return lambda low, high: next(answers)


def _steps(objective: Objective, start: np.ndarray, rates: np.ndarray, target: float) -> list[int | None]:
    return [descend(objective, start, lr=lr, n_steps=200).steps_to(target) for lr in rates]


def _fastest(objective: Objective, start: np.ndarray, rates: np.ndarray, target: float) -> float:
    steps = [math.inf if n is None else n for n in _steps(objective, start, rates, target)]
    return float(rates[int(np.argmin(steps))])


def _bowl(*eigenvalues: float) -> Objective:
    steepness = np.array(eigenvalues)
    return lambda point: (float(steepness @ point**2) / 2, steepness * point)


fastest = Exercise(
    notebook="01",
    name="an experiment: the fastest rate",
    solution=_fastest,
    cases=(
        (_bowl(1.0, 9.0), np.array([3.0, 1.0]), np.array([0.01, 0.05, 0.1, 0.15, 0.19, 0.22, 0.3]), 1e-3),
        (_bowl(1.0), np.array([2.0]), np.array([2.1, 0.001, 0.3, 0.7, 1.8]), 1e-2),
        # the target is near, and who gets there first is not who gets furthest
        (_bowl(1.0, 9.0), np.array([0.1, 3.0]), np.array([0.01, 0.11, 0.18, 0.2]), 0.1),
        # the last of 200 steps gets there
        (_bowl(1.0), np.array([1.0]), np.array([0.005, 0.01]), 0.99**400 / 2 * 1.001),
    ),
    mistakes=(
        Mistake(
            hint="That is the place of the rate in the list. Return the rate itself.",
            answer=lambda objective, start, rates, target: int(
                np.flatnonzero(rates == _fastest(objective, start, rates, target))[0]
            ),
        ),
        Mistake(
            hint="That is the number of steps. Return the rate that needed them.",
            answer=lambda *case: min(n for n in _steps(*case) if n is not None),
        ),
        Mistake(
            hint="That rate never reached the target: steps_to returned None, and None is not zero steps.",
            answer=lambda objective, start, rates, target: float(
                rates[int(np.argmin([n or 0 for n in _steps(objective, start, rates, target)]))]
            ),
        ),
        Mistake(
            hint="That is the slowest rate. You want the fewest steps: argmin, not argmax.",
            answer=lambda objective, start, rates, target: float(
                rates[int(np.argmax([-1 if n is None else n for n in _steps(objective, start, rates, target)]))]
            ),
        ),
        Mistake(
            hint="That rate ends with the lowest loss. Another reached the target before it: ask steps_to(target).",
            answer=lambda objective, start, rates, target: float(
                rates[int(np.argmin([descend(objective, start, lr=lr, n_steps=200).losses[-1] for lr in rates]))]
            ),
        ),
        Mistake(
            hint="The largest rate that does not diverge is rarely the fastest: it bounces across the valley.",
            answer=lambda objective, start, rates, target: max(
                lr for lr in rates if not descend(objective, start, lr=lr, n_steps=200).diverged
            ),
        ),
    ),
)

EXERCISES = (gradient, closed_form, scaling, divergence, fastest)
