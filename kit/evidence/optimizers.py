"""The contests of notebook 05: six optimisers at every learning rate, and a random few rows against all of them.

Taught in: 05
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from sklearn.datasets import load_breast_cancer, load_digits

from kit.arguments import count, one_of
from kit.evidence.store import Experiment
from kit.learn.class_losses import binary_cross_entropy, cross_entropy
from kit.learn.descent import BatchObjective, descend
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective, loss_forecast, with_intercept
from kit.learn.optimizers import adagrad, adam, momentum, nesterov, rmsprop, sgd
from kit.learn.scaling import standard_scaling
from kit.learn.training import minibatches, train

# Six optimisers on three tasks ---------------------------------------------------------------------

TARGET, BUDGET, BATCH = 0.2, 400, 32  # cross-entropy on all examples; steps; examples a step
TASKS = ("digits", "tumours, scaled", "tumours, raw")
MAKERS = {
    "SGD": sgd,
    "momentum": momentum,
    "Nesterov": nesterov,
    "AdaGrad": adagrad,
    "RMSProp": rmsprop,
    "Adam": adam,
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is learned, by how many examples, at which rates, and how often the loss on all of them is measured."""

    objective: BatchObjective
    start: Float[np.ndarray, "*shape"]
    n_examples: int
    rates: Float[np.ndarray, "13"]
    every: int


@cache
def set_up(task: str) -> Task:
    """Set up one of `TASKS`: a linear model, its examples, and thirteen learning rates.

    Raises:
        ValueError: if there is no such task.
    """
    one_of("task", task, TASKS)
    usual, small = 10.0 ** np.arange(-4, 2.5, 0.5), 10.0 ** np.arange(-7, -0.5, 0.5)
    if task == "digits":
        pixels, digits = (np.asarray(part) for part in load_digits(return_X_y=True))
        objective = linear_objective(with_intercept(pixels / 16), digits, loss=cross_entropy)
        return Task(objective=objective, start=np.zeros((65, 10)), n_examples=len(digits), rates=usual, every=5)
    x, benign = (np.asarray(part) for part in load_breast_cancer(return_X_y=True))
    scaled = task == "tumours, scaled"
    x = with_intercept(standard_scaling(x).transform(x) if scaled else x)
    objective = linear_objective(x, benign.astype(float), loss=binary_cross_entropy)
    rates, every = (usual, 1) if scaled else (small, 5)
    return Task(objective=objective, start=np.zeros(31), n_examples=len(x), rates=rates, every=every)


def steps_needed(*, task: str, optimizer: str, rate: int, seed: int) -> dict[str, float]:
    """Train once on mini-batches; count the steps to the target, and note the lowest loss on the way.

    Args:
        rate: the place of the learning rate among the task's thirteen.

    Returns:
        "steps", infinite where the target is never reached; "lowest".
    """
    at = set_up(task)
    batches = minibatches(at.n_examples, batch_size=BATCH, rng=np.random.default_rng(seed))
    rule = MAKERS[optimizer](float(at.rates[rate]))
    path = train(at.objective, at.start, optimizer=rule, n_steps=BUDGET, batches=batches, record_every=at.every)
    path = path.measured_by(at.objective)
    return {"steps": path.steps_to(TARGET) or np.inf, "lowest": path.losses.min()}


RACE = Experiment(
    name="race",
    measure=steps_needed,
    factors={"task": TASKS, "optimizer": tuple(MAKERS), "rate": range(13)},
    seeds=7,
    quantities=("steps", "lowest"),
)

# All rows or a random few --------------------------------------------------------------------------

SIZES, FEW = (100, 1_000, 10_000, 100_000), 10
SHARES, RATES = np.geomspace(0.02, 0.98, 12), np.geomspace(0.001, 0.3, 12)


def make_table(n: int, *, seed: int) -> tuple[Float[np.ndarray, "n 20"], Float[np.ndarray, "n"]]:
    """Make n rows of twenty features of different spread, and a target: their weighted sum plus noise.

    Raises:
        TypeError, ValueError: if `n` is not a whole number of at least 1.
    """
    n = count("n", n)
    rng, spread = np.random.default_rng(seed), np.geomspace(0.3, 1, 20)
    x = rng.normal(size=(n, 20)) * spread
    return x, x @ (rng.normal(size=20) / spread) + rng.normal(size=n)


def full_batch(x: np.ndarray, y: np.ndarray, *, goal: float) -> tuple[int, float]:
    """Find the fewest steps of full-batch descent to the goal, and their learning rate."""
    steps, top, forecast = np.arange(200), 2 / hessian_eigenvalues(x)[-1], loss_forecast(x, y)
    needed = [int(np.argmax(forecast(share * top, steps) <= goal)) or 200 for share in SHARES]
    return min(needed), float(SHARES[np.argmin(needed)] * top)


def stochastic(x: np.ndarray, y: np.ndarray, *, goal: float, seed: int) -> tuple[int, float]:
    """Find the fewest steps of SGD to the goal, ten rows at each, and their learning rate."""
    objective, needed = linear_objective(x, y), []
    for lr in RATES:
        batches = minibatches(len(x), batch_size=FEW, rng=np.random.default_rng(seed))
        path = train(objective, np.zeros(20), optimizer=sgd(float(lr)), n_steps=400, batches=batches, record_every=20)
        needed.append(path.measured_by(objective).steps_to(goal) or 400)
    return min(needed), float(RATES[np.argmin(needed)])


@cache
def best_of_both(rows: int, seed: int) -> tuple[tuple[int, float], tuple[int, float]]:
    """Bring both to within 5% of the lowest loss on one table; give steps and learning rate of each."""
    x, y = make_table(rows, seed=seed)
    goal = 1.05 * linear_objective(x, y)(least_squares(x, y))[0]
    return full_batch(x, y, goal=goal), stochastic(x, y, goal=goal, seed=seed)


def examples_touched(*, rows: int, seed: int) -> dict[str, float]:
    """Count rows times steps to within 5% of the lowest loss."""
    (all_steps, _), (few_steps, _) = best_of_both(rows, seed)
    return {"all": all_steps * rows, "few": few_steps * FEW}


def seconds_taken(*, rows: int, seed: int) -> dict[str, float]:
    """Time both, each at its best rate and for the steps that it needs, in seconds of one processor."""
    (all_steps, all_lr), (few_steps, few_lr) = best_of_both(rows, seed)
    objective, start = linear_objective(*make_table(rows, seed=seed)), np.zeros(20)

    def few() -> None:
        batches = minibatches(rows, batch_size=FEW, rng=np.random.default_rng(seed))
        train(objective, start, optimizer=sgd(few_lr), n_steps=few_steps, batches=batches)

    return {"all": shortest(lambda: descend(objective, start, lr=all_lr, n_steps=all_steps)), "few": shortest(few)}


def shortest(work: Callable[[], object]) -> float:
    """Time a piece of work five times; the shortest is what the processor can do undisturbed."""
    times = []
    for _ in range(5):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


TOUCHED = Experiment(
    name="sgd_examples", measure=examples_touched, factors={"rows": SIZES}, seeds=5, quantities=("all", "few")
)
SECONDS = Experiment(
    name="sgd_seconds", measure=seconds_taken, factors={"rows": SIZES}, seeds=5, quantities=("all", "few")
)
