"""The race of notebook 05: six optimisers at every learning rate.

Taught in: 05
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from sklearn.datasets import load_breast_cancer, load_digits

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.learn.class_losses import binary_cross_entropy, cross_entropy
from kit.learn.descent import BatchObjective
from kit.learn.linear import linear_objective, with_intercept
from kit.learn.optimizers import adagrad, adam, momentum, nesterov, rmsprop, sgd
from kit.learn.scaling import standard_scaling
from kit.learn.training import minibatches, train

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
