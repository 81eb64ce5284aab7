"""The exercises of notebook 03: softmax, two stable cross-entropies, and an experiment that finds wrong labels.

Taught in: 03
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn import class_losses
from kit.learn.descent import descend
from kit.learn.linear import linear_objective, with_intercept


def _softmax(z: np.ndarray, *, shift: Any = None) -> np.ndarray:
    raised = np.exp(z - (z.max(axis=1, keepdims=True) if shift is None else shift))
    return raised / raised.sum(axis=1, keepdims=True)


def _raised(z: np.ndarray) -> np.ndarray:
    return np.exp(z - z.max(axis=1, keepdims=True))


def _log_softmax(z: np.ndarray) -> np.ndarray:
    return z - np.logaddexp.reduce(z, axis=1, keepdims=True)


def _wrong_sum(z: np.ndarray, *, axis: int | None, off: Callable[[np.ndarray], Any]) -> np.ndarray:
    raised = np.exp(z - off(z))
    return raised / raised.sum(axis=axis)


# whatever is taken off first: each row's largest, each column's, that of all, or nothing
_OFF = (lambda z: z.max(axis=1, keepdims=True), lambda z: z.max(axis=0), np.max, lambda z: 0)
_BY_COLUMN = [partial(_wrong_sum, axis=0, off=off) for off in _OFF]
_BY_ALL = [partial(_wrong_sum, axis=None, off=off) for off in _OFF]
_ONE_SUM = "All rows share one sum here. Each has its own: axis=1, with keepdims=True."


def _gradient(probabilities: Callable[[np.ndarray], np.ndarray], z: np.ndarray, t: np.ndarray) -> np.ndarray:
    return (probabilities(z) - _one_hot(z, t)) / len(z)


softmax = Exercise(
    notebook="03",
    name="softmax of rows of logits",
    solution=class_losses.softmax,
    cases=(
        (np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.5]]),),
        (np.array([[2000.0, 1999.0, 1000.0], [1.0, 2.0, 3.0], [0.0, -3.0, 1.0]]),),
    ),
    mistakes=(
        Mistake(
            hint="exp overflows at large logits. Take each row's largest logit off first: no probability changes.",
            answer=lambda z: _softmax(z, shift=0),
        ),
        Mistake(
            hint="You took off the largest logit of all. A row far below it underflows to 0/0. Each row has its own.",
            answer=lambda z: _softmax(z, shift=z.max()),
        ),
        *(
            Mistake(hint=hint, answer=answer)
            for hint, sums in (
                (
                    "The probabilities of a column add up to 1 here. Those of a row must: sum over classes, axis=1.",
                    _BY_COLUMN,
                ),
                (_ONE_SUM, _BY_ALL),
            )
            for answer in sums
        ),
        Mistake(
            hint="You took off the largest logit of each column: that moves the logits of a row against one another. "
            "What is taken off must be the same for the whole row.",
            answer=lambda z: _softmax(z, shift=z.max(axis=0)),
        ),
        *(
            Mistake(hint="That is the logarithm of softmax. Leave the logarithm out.", answer=answer)
            for answer in (_log_softmax, lambda z: np.log(_softmax(z, shift=0)))
        ),
        *(
            Mistake(hint="Those are the exponentials. Divide each row by its sum.", answer=answer)
            for answer in (np.exp, _raised)
        ),
        Mistake(
            hint="Those are shares of the logits themselves. Take exp first, and then shares.",
            answer=lambda z: z / z.sum(axis=1, keepdims=True),
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
    notebook="03",
    name="a cross-entropy that does not overflow",
    solution=lambda z, t: class_losses.binary_cross_entropy(z, t)[0],
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
        *(
            Mistake(
                hint="The targets play no part here: every example is charged as if all were of one class.",
                answer=answer,
            )
            for answer in (lambda z, _: float(_softplus(z).mean()), lambda z, _: float(_softplus(-z).mean()))
        ),
        Mistake(
            hint="That is the sum. The loss is the mean over all examples.",
            answer=lambda z, t: float((_softplus(z) - t * z).sum()),
        ),
    ),
)


def _one_hot(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.eye(z.shape[1])[t]


def _every_row(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    gradient = _softmax(z)
    gradient[:, t] -= 1
    return gradient / len(z)


softmax_gradient = Exercise(
    notebook="03",
    name="the gradient of the softmax cross-entropy",
    solution=lambda z, t: class_losses.cross_entropy(z, t)[1],
    cases=(
        (np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]]), np.array([2, 1])),
        (np.array([[2000.0, 0.0, 1000.0], [1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]), np.array([1, 0, 2])),
    ),
    mistakes=(
        Mistake(
            hint="exp overflows at large logits. Take each row's largest logit off first: no probability changes.",
            answer=lambda z, t: _gradient(partial(_softmax, shift=0), z, t),
        ),
        Mistake(
            hint="You took off the largest logit of all. A row far below it underflows to 0/0. Each row has its own.",
            answer=lambda z, t: _gradient(partial(_softmax, shift=z.max()), z, t),
        ),
        *(
            Mistake(hint=hint, answer=partial(_gradient, wrong))
            for hint, sums in (
                ("The probabilities add up over examples here. They must add up over classes: axis=1.", _BY_COLUMN),
                (_ONE_SUM, _BY_ALL),
            )
            for wrong in sums
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
            hint="[:, targets] takes those columns in every row. Each row loses 1 in its own column alone: "
            "[np.arange(n), targets].",
            answer=_every_row,
        ),
        Mistake(
            hint="Those are the probabilities. Take 1 off at each example's own class.",
            answer=lambda z, t: _softmax(z) / len(z),
        ),
    ),
)


def _fit(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Train a linear classifier a little; give the logits of its training examples."""
    objective = linear_objective(x, labels, loss=class_losses.cross_entropy)
    return x @ descend(objective, np.zeros((x.shape[1], 3)), lr=0.5, n_steps=40).points[-1]


def _planted(labels: np.ndarray, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    given = labels.copy()
    given[rows] = new
    return given


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -_log_softmax(logits)[np.arange(len(labels)), labels]


def _found(
    fit: Callable,
    x: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    new: np.ndarray,
    *,
    train_on: int = 1,
    judge_by: int = 1,
    rank: Callable = _losses,
    hits: Callable = np.isin,
) -> float:
    """Find the share of the planted labels among the worst; 0 trains on, or judges by, the right labels instead."""
    seen = labels, _planted(labels, rows, new)
    scores = rank(fit(x, seen[train_on]), seen[judge_by])
    return float(hits(np.argsort(-scores)[: len(rows)], rows).mean())


def _read_otherwise(fit: Callable, x: np.ndarray, labels: np.ndarray, rows: np.ndarray, new: np.ndarray) -> float:
    return float((fit(x, _planted(labels, rows, new))[rows].argmax(axis=1) != new).mean())


def _data(seed: int, n_wrong: int) -> tuple[np.ndarray, ...]:
    """Make three overlapping clouds of ten points, and choose the rows that get a wrong label."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 10)
    x = np.eye(3)[labels][:, :2] * 3 + rng.normal(size=(30, 2))
    rows = rng.choice(30, n_wrong, replace=False)
    return with_intercept(x), labels, rows, (labels[rows] + rng.integers(1, 3, n_wrong)) % 3


labels_found = Exercise(
    notebook="03",
    name="an experiment: wrong labels found by their loss",
    solution=_found,
    cases=((_fit, *_data(201, 6)), (_fit, *_data(36, 5))),
    mistakes=(
        Mistake(
            hint="You trained on the right labels, which nobody has. The model must see those that were given.",
            answer=partial(_found, train_on=0),
        ),
        Mistake(
            hint="You took the loss at the right labels, which nobody has. Take it at those that were given.",
            answer=partial(_found, judge_by=0),
        ),
        Mistake(
            hint="Those are the examples of lowest loss. Wrong labels stand where it is highest.",
            answer=partial(_found, rank=lambda logits, given: -_losses(logits, given)),
        ),
        Mistake(
            hint="You ranked by the logit of the given label. Its loss also knows the other logits: "
            "take off the logarithm of the sum of their exponentials.",
            answer=partial(_found, rank=lambda logits, given: -logits[np.arange(len(given)), given]),
        ),
        Mistake(
            hint="You compared the two lists place by place. Ask which of the rows are among the worst, in any order.",
            answer=partial(_found, hits=np.equal),
        ),
        Mistake(
            hint="You counted the rows that the model reads otherwise than given. Rank all examples by loss instead.",
            answer=_read_otherwise,
        ),
        Mistake(
            hint="That is how many were found. Return the share: divide by how many there are to find.",
            answer=lambda *case: _found(*case) * len(case[3]),
        ),
        Mistake(
            hint="You divided by the number of all examples. Divide by how many wrong labels there are to find.",
            answer=lambda *case: _found(*case) * len(case[3]) / len(case[2]),
        ),
    ),
)

EXERCISES = (softmax, stable_cross_entropy, softmax_gradient, labels_found)
