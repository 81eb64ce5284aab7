"""Claim B04: four decays against the tuned constant rate, on a small network that reads digits.

Taught in: 06
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from kit.arguments import one_of
from kit.evidence.schedules import pixels_and_digits
from kit.evidence.store import Experiment
from kit.explore.regularizers import Split, deal
from kit.learn.descent import Descent
from kit.learn.network import init_network, network_objective
from kit.learn.optimizers import sgd
from kit.learn.schedules import Schedule, constant, cosine, exponential, linear, step_decay
from kit.learn.search import tune
from kit.learn.training import minibatches, train

LENGTHS, BATCH, EVERY = (300, 1_200), 16, 10  # five passes over the digits, and 21: a plateau
SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {  # from the rate and the number of steps
    "constant": lambda lr, n: constant(lr),
    "exponential": lambda lr, n: exponential(lr, gamma=0.01 ** (1 / n)),  # a hundredth is left at the end
    "linear": lambda lr, n: linear(lr, n_steps=n),
    "step": lambda lr, n: step_decay(lr, step_size=n // 3, gamma=0.1),
    "cosine": lambda lr, n: cosine(lr, n_steps=n),
}
RATES = tuple(0.025 * 2.0 ** np.arange(8))


@cache
def dealt(seed: int) -> Split:
    """Deal out the digits: 900 to train on, 100 to choose by, 797 to report on."""
    return deal(*pixels_and_digits(), n_train=900, rng=np.random.default_rng(seed))


@cache
def trained(schedule: str, lr: float, n_steps: int, seed: int) -> Descent:
    """Train 32 hidden units from a start and in an order of the seed; keep every tenth point."""
    one_of("schedule", schedule, tuple(SCHEDULES))
    at, rng = dealt(seed), np.random.default_rng(seed)
    start = init_network(n_features=64, n_hidden=32, n_classes=10, rng=rng)
    batches = minibatches(len(at.x_train), batch_size=BATCH, rng=rng)
    rule = sgd(SCHEDULES[schedule](lr, n_steps))
    objective = network_objective(at.x_train, at.y_train)
    return train(objective, start, optimizer=rule, n_steps=n_steps, batches=batches, record_every=EVERY)


def validation_loss(schedule: str, n_steps: int, *, lr: float, seed: int) -> float:
    """Measure a run's end on the digits to choose by; infinite where it diverged."""
    path, at = trained(schedule, lr, n_steps, seed), dealt(seed)
    return np.inf if path.overflowed else network_objective(at.x_validation, at.y_validation)(path.points[-1])[0]


def decayed_or_constant(*, n_steps: int, seed: int) -> dict[str, float]:
    """Tune the five schedules as equals on one deal of the digits; measure each at its best rate on the test digits.

    Returns:
        Of each schedule the "loss" at the end, the "steps" to the final loss of the constant rate, counted as
        twice the run where it is never reached, and the tuned "rate".
    """
    rivals = {schedule: partial(validation_loss, schedule, n_steps) for schedule in SCHEDULES}
    found = tune(rivals, {"lr": RATES}, seeds=[seed])
    at = dealt(seed)
    measure = network_objective(at.x_test, at.y_test)
    rates = {schedule: found.best[schedule, None].setting["lr"] for schedule in SCHEDULES}
    paths = {schedule: trained(schedule, lr, n_steps, seed).measured_by(measure) for schedule, lr in rates.items()}
    goal, numbers = paths["constant"].losses[-1], {}
    for schedule, path in paths.items():
        steps = path.steps_to(goal)
        numbers |= {f"{schedule} loss": path.losses[-1], f"{schedule} rate": rates[schedule]}
        numbers |= {f"{schedule} steps": 2 * n_steps if steps is None else steps}
    trained.cache_clear()
    dealt.cache_clear()
    return numbers


DECAYED = Experiment(
    name="decayed_or_constant",
    measure=decayed_or_constant,
    factors={"n_steps": LENGTHS},
    seeds=30,
    quantities=tuple(f"{schedule} {what}" for schedule in SCHEDULES for what in ("loss", "steps", "rate")),
)
