"""The exercises of notebook 05: momentum, Adam, AdamW, a loop over batches, a planted fault, a fair race.

Taught in: 05
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn.descent import BatchObjective, Objective
from kit.learn.linear import linear_objective
from kit.learn.optimizers import Optimizer, adam, adamw, momentum, sgd
from kit.learn.training import train

_rng = np.random.default_rng(3)


def _draw(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


# Momentum ----------------------------------------------------------------------------------------

_VELOCITIES = tuple((_draw(3), _draw(3), _draw(3), lr, beta) for lr, beta in ((0.1, 0.9), (0.5, 0.7)))

momentum_step = Exercise(
    notebook="05",
    name="one step of momentum",
    solution=lambda point, gradient, velocity, lr, beta: momentum(lr, beta=beta)(point, gradient, 0, velocity),
    cases=_VELOCITIES,
    mistakes=(
        Mistake(
            hint="You stepped uphill. The velocity points up the slope; the step goes against it.",
            answer=lambda x, g, v, lr, beta: (x + lr * (beta * v + g), beta * v + g),
        ),
        Mistake(
            hint="The step used the old velocity. First renew it, then step along it.",
            answer=lambda x, g, v, lr, beta: (x - lr * v, beta * v + g),
        ),
        Mistake(
            hint="The point moved, but the velocity came back as it was: the next step would forget this one.",
            answer=lambda x, g, v, lr, beta: (x - lr * (beta * v + g), v),
        ),
        Mistake(
            hint="The gradient was scaled by 1 - β. That makes a mean; here the velocity is a sum, β v + g.",
            answer=lambda x, g, v, lr, beta: (
                x - lr * (beta * v + (1 - beta) * g),
                beta * v + (1 - beta) * g,
            ),
        ),
        Mistake(
            hint="The learning rate went into the velocity. It belongs to the step: v = β v + g, then x - lr · v.",
            answer=lambda x, g, v, lr, beta: (x - (beta * v + lr * g), beta * v + lr * g),
        ),
        Mistake(
            hint="That is the textbook's other form, where the velocity points downhill and holds the learning rate. "
            "Here v = β v + g, and the step is x - lr · v.",
            answer=lambda x, g, v, lr, beta: (x + beta * v - lr * g, beta * v - lr * g),
        ),
        Mistake(
            hint="The two have changed places: the point first, then the velocity.",
            answer=lambda x, g, v, lr, beta: (beta * v + g, x - lr * (beta * v + g)),
        ),
        Mistake(
            hint="That is Nesterov's step, with one look ahead. Plain momentum steps along v alone.",
            answer=lambda x, g, v, lr, beta: (x - lr * (g + beta * (beta * v + g)), beta * v + g),
        ),
        Mistake(
            hint="The old velocity was thrown away: this is plain gradient descent. Keep β times it.",
            answer=lambda x, g, v, lr, beta: (x - lr * g, g),
        ),
        Mistake(
            hint="The old velocity was kept whole. Keep β times it, else it never forgets.",
            answer=lambda x, g, v, lr, beta: (x - lr * (v + g), v + g),
        ),
    ),
)


# Adam --------------------------------------------------------------------------------------------

_MEANS = tuple((_draw(3), _draw(3), step, _draw(3) / 10, _draw(3) ** 2 / 10, lr) for step, lr in ((1, 0.1), (6, 0.02)))
# a gradient of 0, one so small that eps decides, and a step so late that both corrections are nearly done
_FAINT = (np.array([0.5, -1.0, 2.0]), np.array([0.0, 1e-9, 1.0]), 0, np.zeros(3), np.zeros(3), 0.1)
_LATE = (_draw(3), _draw(3), 999, _draw(3) / 10, _draw(3) ** 2 / 10, 0.1)


def _moments(gradient: np.ndarray, mean: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2


def _adam_like(
    mean_share: Callable[[int], float],
    square_share: Callable[[int], float],
    root: Callable[[np.ndarray], np.ndarray] = lambda s: np.sqrt(s) + 1e-8,
    *,
    returns_hats: bool = False,
) -> Callable:
    """Make a step of Adam with its corrections replaced."""

    def step(point, gradient, step, mean, square, lr):
        mean, square = _moments(gradient, mean, square)
        hats = mean / mean_share(step), square / square_share(step)
        moved = point - lr * hats[0] / root(hats[1])
        return (moved, *hats) if returns_hats else (moved, mean, square)

    return step


def _true_mean(step: int) -> float:
    return 1 - 0.9 ** (step + 1)


def _true_square(step: int) -> float:
    return 1 - 0.999 ** (step + 1)


def _none(step: int) -> float:
    return 1.0


adam_step = Exercise(
    notebook="05",
    name="one step of Adam",
    solution=lambda point, gradient, step, mean, square, lr: adam(lr)(point, gradient, step, mean, square),
    cases=(*_MEANS, _FAINT, _LATE),
    mistakes=(
        Mistake(
            hint="Neither mean is bias-corrected. Both began at 0: divide by 1 - β₁ᵗ and 1 - β₂ᵗ, with t = step + 1.",
            answer=_adam_like(_none, _none),
        ),
        Mistake(
            hint="The mean of the gradients is not bias-corrected. Divide it by 1 - β₁ᵗ.",
            answer=_adam_like(_none, _true_square),
        ),
        Mistake(
            hint="The mean of the squares is not bias-corrected. Divide it by 1 - β₂ᵗ.",
            answer=_adam_like(_true_mean, _none),
        ),
        Mistake(
            hint="t was counted from 0, like step. It counts the gradients seen: t = step + 1, or 1 - β⁰ = 0 divides.",
            answer=_adam_like(lambda step: _true_mean(step - 1), lambda step: _true_square(step - 1)),
        ),
        Mistake(
            hint="eps stands inside the root. There it is a square's size, and so 10,000 times too large: √ŝ + eps.",
            answer=_adam_like(_true_mean, _true_square, lambda s: np.sqrt(s + 1e-8)),
        ),
        Mistake(
            hint="eps is missing, or stands outside the bracket: a gradient of 0 divides 0 by 0. Divide by (√ŝ + eps).",
            answer=_adam_like(_true_mean, _true_square, np.sqrt),
        ),
        Mistake(
            hint="The root is missing: divide by √ŝ + eps, not by ŝ.",
            answer=_adam_like(_true_mean, _true_square, lambda s: s + 1e-8),
        ),
        Mistake(
            hint="You returned the bias-corrected means. The memory is the raw means; the hats serve this step.",
            answer=_adam_like(_true_mean, _true_square, returns_hats=True),
        ),
        Mistake(
            hint="The two shares are swapped: 0.9 belongs to the mean, 0.999 to the mean of the squares.",
            answer=lambda x, g, step, m, s, lr: adam(lr, betas=(0.999, 0.9))(x, g, step, m, s),
        ),
        Mistake(
            hint="The gradient is not squared in the mean of the squares.",
            answer=lambda x, g, step, m, s, lr: (
                x
                - lr
                * ((0.9 * m + 0.1 * g) / _true_mean(step))
                / (np.sqrt((0.999 * s + 0.001 * g) / _true_square(step)) + 1e-8),
                0.9 * m + 0.1 * g,
                0.999 * s + 0.001 * g,
            ),
        ),
        Mistake(
            hint="You stepped uphill: subtract the step.",
            answer=lambda x, g, step, m, s, lr: (2 * x - (new := adam(lr)(x, g, step, m, s))[0], *new[1:]),
        ),
    ),
)


# AdamW -------------------------------------------------------------------------------------------

_DECAYED = tuple((*case, decay) for case, decay in zip(_MEANS, (0.1, 0.5), strict=True))


def _coupled(point, gradient, step, mean, square, lr, decay):
    return adam(lr)(point, gradient + decay * point, step, mean, square)


def _shrunk_by(share: Callable[[float, float], float]) -> Callable:
    return lambda x, g, step, m, s, lr, decay: adam(lr)((1 - share(lr, decay)) * x, g, step, m, s)


adamw_step = Exercise(
    notebook="05",
    name="one step of AdamW",
    solution=lambda x, g, step, m, s, lr, decay: adamw(lr, weight_decay=decay)(x, g, step, m, s),
    cases=_DECAYED,
    mistakes=(
        Mistake(
            hint="The decay went into the gradient: that is Adam with an L2 penalty. Shrink the point itself.",
            answer=_coupled,
        ),
        Mistake(
            hint="The decay is not multiplied by the learning rate: shrink by 1 - lr · weight_decay.",
            answer=_shrunk_by(lambda lr, decay: decay),
        ),
        Mistake(hint="Nothing was shrunk: this is Adam.", answer=_shrunk_by(lambda lr, decay: 0.0)),
        Mistake(hint="The point grew. Shrink it: 1 - lr · weight_decay.", answer=_shrunk_by(lambda lr, d: -lr * d)),
        Mistake(
            hint="You took Adam's step first, and shrank what came out, step and all. Shrink the point before.",
            answer=lambda x, g, step, m, s, lr, d: ((1 - lr * d) * (new := adam(lr)(x, g, step, m, s))[0], *new[1:]),
        ),
        Mistake(
            hint="The point was only shrunk; Adam's step is missing. Call adam_step on the shrunk point.",
            answer=lambda x, g, step, m, s, lr, d: ((1 - lr * d) * x, *_moments(g, m, s)),
        ),
    ),
)


# The loop over batches -----------------------------------------------------------------------------

_TABLE, _ANSWERS = _draw(12, 2), _draw(12)


class LinearLoss:
    """A stand-in for a real objective: the mean squared error of a line, on the rows that it is asked for."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        self._objective: BatchObjective = linear_objective(x, y)

    def __call__(self, weights: np.ndarray, rows: np.ndarray | slice = slice(None)) -> tuple[float, np.ndarray]:
        """Give the loss and the gradient on some rows; on all where none are named."""
        return self._objective(weights, rows)

    def __repr__(self) -> str:
        return "objective"


_BATCHES = tuple(np.array(rows) for rows in ([3, 1, 7], [0, 11, 5], [2, 9, 4], [8, 6, 10]))
_LOOPS = (
    (LinearLoss(_TABLE, _ANSWERS), _draw(2), 0.1, _BATCHES),
    (LinearLoss(_TABLE[:, ::-1], _ANSWERS + 1), _draw(2), 0.3, _BATCHES[::-1] + _BATCHES[:1]),
)


def _loop(
    objective: Objective | BatchObjective,
    start: np.ndarray,
    lr: float,
    batches: Sequence[np.ndarray],
    *,
    sees: Callable = lambda rows: (rows,),
    sign: float = -1.0,
) -> np.ndarray:
    point = start
    for rows in batches:
        point = point + sign * lr * objective(point, *sees(rows))[1]
    return point


def _summed(objective: BatchObjective, start: np.ndarray, lr: float, batches: Sequence[np.ndarray]) -> np.ndarray:
    return start - lr * np.sum([objective(start, rows)[1] for rows in batches], axis=0)


sgd_loop = Exercise(
    notebook="05",
    name="the loop of stochastic gradient descent",
    solution=_loop,
    cases=_LOOPS,
    mistakes=(
        Mistake(
            hint="Every step looked at all the data. Pass the rows on: objective(point, rows).",
            answer=partial(_loop, sees=lambda rows: ()),
        ),
        Mistake(hint="You went uphill: subtract lr times the gradient.", answer=partial(_loop, sign=1.0)),
        Mistake(
            hint="All gradients were taken at the start. Take each where the last step led.",
            answer=_summed,
        ),
        Mistake(
            hint="You stopped after the first batch. Is the return inside the loop?",
            answer=lambda objective, start, lr, batches: _loop(objective, start, lr, batches[:1]),
        ),
        Mistake(
            hint="Each step began at the start again, so only the last batch counts. Keep the point.",
            answer=lambda objective, start, lr, batches: _loop(objective, start, lr, batches[-1:]),
        ),
        Mistake(
            hint="The learning rate is missing from the step.",
            answer=lambda objective, start, lr, batches: _loop(objective, start, 1.0, batches),
        ),
    ),
)


# The planted fault -------------------------------------------------------------------------------

FAULTS = (
    "the mean of the gradients is not bias-corrected",
    "the mean of the squares is not bias-corrected",
    "neither mean is bias-corrected",
    "the root of the squares is missing",
    "the memory is forgotten at every step",
)


def suspect(lr: float) -> Optimizer:
    """Make an Adam with a fault in it. Find the fault by what it does, before you read on.

    Raises:
        TypeError, ValueError: if `lr` is not a number above 0.
    """
    adam(lr)  # refuses what adam refuses
    step_of = _adam_like(_none, _true_square)

    def rule(point, gradient, step, mean=0.0, square=0.0):
        return step_of(point, gradient, step, mean, square, lr)

    return rule


fault = Exercise(
    notebook="05",
    name="the planted fault",
    solution=lambda: 1,
    cases=((),),
    mistakes=(
        Mistake(
            hint="Squares that are too small make the first step too long: by √1000, some 32 times. "
            "The first step here is too short.",
            answer=lambda: 2,
        ),
        Mistake(
            hint="Without both corrections the first step would be 0.1 · √1000, some 3 times, too long. "
            "The first step here is too short.",
            answer=lambda: 3,
        ),
        Mistake(
            hint="Without the root the ratio would depend on the gradient's size. Feed gradients of 10 in place "
            "of 1: the ratio stays.",
            answer=lambda: 4,
        ),
        Mistake(
            hint="A rule that forgets takes the same step for the same gradient, for ever. "
            "Here the steps grow towards the right length.",
            answer=lambda: 5,
        ),
    ),
)


# A fair race -------------------------------------------------------------------------------------

Maker = Callable[[float], Optimizer]


class Named:
    """A maker of optimisers that says its name when a case is described."""

    def __init__(self, maker: Maker):
        self._maker = maker

    def __call__(self, lr: float) -> Optimizer:
        """Make the optimiser at a learning rate."""
        return self._maker(lr)

    def __repr__(self) -> str:
        return getattr(self._maker, "__name__", "maker")


def _steps(objective: Objective, start: np.ndarray, maker: Maker, lr: float, target: float) -> float:
    steps = train(objective, start, optimizer=maker(lr), n_steps=200).steps_to(target)
    return math.inf if steps is None else steps


def _table(
    objective: Objective, start: np.ndarray, makers: Sequence[Maker], rates: np.ndarray, target: float
) -> np.ndarray:
    return np.array([[_steps(objective, start, maker, float(lr), target) for lr in rates] for maker in makers])


def _as_steps(found: np.ndarray) -> np.ndarray:
    return np.where(np.isinf(found), 200.0, found)


def _bowl(*eigenvalues: float) -> Objective:
    steepness = np.array(eigenvalues)
    return lambda point: (float(steepness @ point**2) / 2, steepness * point)


_MAKERS = tuple(map(Named, (sgd, momentum, adam)))
_CONTESTS = (
    (_bowl(1.0, 20.0), np.array([3.0, 1.0]), _MAKERS, np.array([0.05, 0.01, 0.001, 0.09, 0.5, 1.0]), 1e-3),
    (_bowl(0.02, 2.0), np.array([2.0, 1.0]), _MAKERS, np.array([0.003, 0.1, 0.03, 0.9, 0.3, 2.0]), 1e-3),
    # no rate is small enough for the first
    (_bowl(1.0, 20.0), np.array([3.0, 1.0]), _MAKERS[::2], np.array([0.3, 0.2]), 1e-2),
)

fair_race = Exercise(
    notebook="05",
    name="an experiment: a fair race",
    solution=lambda *case: _as_steps(_table(*case).min(axis=1)),
    cases=_CONTESTS,
    mistakes=(
        Mistake(
            hint="All ran at one common rate. Each optimiser has a best rate of its own: take its fewest steps.",
            answer=lambda *case: _as_steps(
                (found := _table(*case))[:, np.where(np.isinf(found), 200, found).sum(axis=0).argmin()]
            ),
        ),
        Mistake(
            hint="Only the first rate counted. Try them all, and keep the fewest steps.",
            answer=lambda *case: _as_steps(_table(*case)[:, 0]),
        ),
        Mistake(
            hint="Only the last rate counted. Is the fewest so far overwritten at every rate?",
            answer=lambda *case: _as_steps(_table(*case)[:, -1]),
        ),
        Mistake(
            hint="Those are the best rates. Return the steps that they needed.",
            answer=lambda *case: case[3][_table(*case).argmin(axis=1)],
        ),
        Mistake(
            hint="That is the slowest rate of each. You want the fewest steps: min, not max.",
            answer=lambda *case: _as_steps(_table(*case).max(axis=1)),
        ),
        Mistake(
            hint="steps_to returned None where the target was never reached, and None is not zero steps: it is 200.",
            answer=lambda *case: np.where(np.isinf(found := _table(*case)), 0, found).min(axis=1),
        ),
        Mistake(
            hint="Where no rate reaches the target the answer is 200. You left infinity there.",
            answer=lambda *case: _table(*case).min(axis=1),
        ),
        Mistake(
            hint="That is the mean over all rates. It rewards whoever was lucky with your grid; take the best rate.",
            answer=lambda *case: _as_steps(_table(*case)).mean(axis=1),
        ),
        Mistake(
            hint="Those are the best rate's places in the list. Return the steps.",
            answer=lambda *case: _table(*case).argmin(axis=1),
        ),
    ),
)

EXERCISES = (momentum_step, adam_step, adamw_step, sgd_loop, fault, fair_race)
