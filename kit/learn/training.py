"""Training: any optimiser, on all examples or a few at a time, with the path kept.

    objective = linear_objective(x, y)
    batches = minibatches(len(x), batch_size=32, rng=rng)
    path = train(objective, start, optimizer=adam(0.01), n_steps=1000, batches=batches)

Taught in: 05 06
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import all_finite, count, function, instance, real, real_array, shown
from kit.learn.descent import BatchObjective, Descent, Objective
from kit.learn.optimizers import Optimizer, sgd
from kit.learn.schedules import Schedule


def minibatches(n_examples: int, *, batch_size: int, rng: np.random.Generator) -> Iterator[Int[np.ndarray, "batch"]]:
    """Deal out the rows of the data in random batches, for ever.

    Each pass over the data is shuffled anew and holds every row once; its last batch is smaller
    where `batch_size` does not divide `n_examples`.

    Raises:
        TypeError: if a number is not whole, or `rng` is not a generator.
        ValueError: if a number is below 1, or `batch_size` above `n_examples`.

    >>> batches = minibatches(5, batch_size=2, rng=np.random.default_rng(0))
    >>> [len(next(batches)) for _ in range(6)]
    [2, 2, 1, 2, 2, 1]
    """
    n_examples, batch_size = count("n_examples", n_examples), count("batch_size", batch_size)
    instance("rng", rng, np.random.Generator)
    if batch_size > n_examples:
        raise ValueError(f"batch_size must be <= n_examples, {n_examples}, got {batch_size}")

    def deal() -> Iterator[np.ndarray]:
        while True:
            rows = rng.permutation(n_examples)
            for i in range(0, n_examples, batch_size):
                yield rows[i : i + batch_size]

    return deal()  # the checks above run now; those of a generator would wait for its first batch


def train(
    objective: BatchObjective,
    start: Shaped[np.ndarray, "*shape"],
    *,
    optimizer: Optimizer,
    n_steps: int,
    batches: Iterable[np.ndarray] | None = None,
    record_every: int = 1,
) -> Descent:
    """Take `n_steps` steps of an optimiser from `start`, recording them as `descend` does.

    With `sgd` and no batches the path is that of `descend`. With batches, each loss is that of the
    batch at hand: `path.measured_by(objective)` gives those of all examples. A diverging run ends at
    its last finite loss, with `overflowed` set, and raises nothing.

    Args:
        objective: takes a point, and the rows of a batch where there are batches; returns the loss
            and its gradient, of the point's shape.
        optimizer: the rule that turns a gradient into a step; see kit.learn.optimizers.
        batches: rows to look at, one batch for each step and one for the end; all rows where it is None.
        record_every: record every so many steps. Start and end are always recorded.

    Raises:
        TypeError: if a function is not a function, a number not a number, or the optimiser returns
            no tuple.
        ValueError: if `start` is empty or not finite, a number is out of range, the gradient or the
            optimiser's point has another shape than the point, the objective is not finite at the
            start, or the batches run out.

    Oracle: torch.optim.

    >>> bowl = lambda x: (float(x @ x), 2 * x)
    >>> train(bowl, np.array([1.0]), optimizer=sgd(0.25), n_steps=3).points.ravel()
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    function("objective", objective)
    function("optimizer", optimizer)
    point = real_array("start", start).copy()  # a rule may work in place
    n_steps, record_every = count("n_steps", n_steps, at_least=0), count("record_every", record_every)
    measure = objective if batches is None else _on_batches(objective, batches)

    memory = []
    kept, last, overflowed = [], None, False
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is recorded, not warned about
        for step in range(n_steps + 1):
            # a point beyond float64 has no loss, and no objective need be ready for it
            loss, gradient = measure(point) if all_finite(point) else (math.inf, point)
            if not math.isfinite(loss):
                if last is None:
                    raise ValueError(f"start must have a finite loss, got {loss}")
                overflowed = True
                break
            last = step, point.copy(), loss
            if step % record_every == 0:
                kept.append(last)
            if step == n_steps:
                break
            move = optimizer if step > 0 else _checked(optimizer)
            point, *memory = move(point, gradient, step, *memory)
    if kept[-1] is not last:
        kept.append(last)
    steps, points, losses = (np.array(column) for column in zip(*kept, strict=True))
    return Descent(points=points, losses=losses, steps=steps, overflowed=overflowed)


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """The loss after a step at each of a range of learning rates, up to where float64 ran out of range."""

    lrs: Float[np.ndarray, "steps"]
    losses: Float[np.ndarray, "steps"]

    @property
    def suggestion(self) -> float:
        """Suggest a tenth of the rate at which the loss was lowest, well clear of where it turns up."""
        return float(self.lrs[np.argmin(self.losses)]) / 10


def range_test(
    objective: BatchObjective,
    start: Shaped[np.ndarray, "*shape"],
    *,
    optimizer: Callable[[Schedule], Optimizer] = sgd,
    low: float = 1e-6,
    high: float = 10.0,
    n_steps: int = 100,
    batches: Iterable[np.ndarray] | None = None,
) -> RangeTest:
    """Train once while the learning rate climbs from `low` to `high`, and note the loss at each rate.

        lr(step) = low · (high / low)^(step / (n_steps - 1))

    Too small a rate leaves the loss flat, a good one makes it fall, too large a one throws it up.

    Args:
        optimizer: makes the rule from a schedule: `adam`, or `partial(momentum, beta=0.5)`.

    Raises:
        TypeError: as `train` does.
        ValueError: as `train` does, or if the rates are not 0 < `low` < `high`, `n_steps` < 2, or the
            first step alone overflows.

    Source: Smith (2015), arXiv:1506.01186, section 3.3.

    >>> bowl = lambda x: (float(x @ x), 2 * x)
    >>> range_test(bowl, np.array([1.0]), low=0.25, high=4.0, n_steps=3).lrs
    array([0.25, 1.  , 4.  ])
    """
    function("optimizer", optimizer)
    low = real("low", low, above=0)
    high, n_steps = real("high", high, above=low), count("n_steps", n_steps, at_least=2)

    lrs = np.geomspace(low, high, n_steps)
    path = train(objective, start, optimizer=optimizer(lambda step: float(lrs[step])), n_steps=n_steps, batches=batches)
    if path.n_steps == 0:
        raise ValueError(f"low must be a rate that does not overflow in its first step, got {low}")
    return RangeTest(lrs=lrs[: path.n_steps], losses=path.losses[1:])


def _on_batches(objective: BatchObjective, batches: Iterable[np.ndarray]) -> Objective:
    if not isinstance(batches, Iterable):
        raise TypeError(f"batches must be a series of rows, got {shown(batches)}")
    dealt = iter(batches)

    def measure(point: np.ndarray) -> tuple[float, np.ndarray]:
        rows = next(dealt, None)
        if rows is None:
            raise ValueError("batches must be as many as the steps, and one more; they ran out")
        return objective(point, rows)

    return measure


def _checked(optimizer: Optimizer) -> Optimizer:
    def rule(point, gradient, step, *memory):
        _same_shape("objective must return a gradient", gradient, point)
        moved = optimizer(point, gradient, step, *memory)
        if not isinstance(moved, tuple):  # an array would be unpacked into its numbers
            raise TypeError(f"optimizer must return a tuple, (point, *memory), got {type(moved).__name__}")
        _same_shape("optimizer must return a point", moved[0], point)
        return moved

    return rule


def _same_shape(rule: str, value: Any, point: np.ndarray) -> None:
    if np.shape(value) != point.shape:
        raise ValueError(f"{rule} of the point's shape {point.shape}, got {np.shape(value)}")
