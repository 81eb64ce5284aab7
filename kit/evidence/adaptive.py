"""Claim B05: three adaptive optimisers against tuned momentum, on three tables, as they come and scaled.

Taught in: 05
"""

from functools import cache, partial

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.learn.class_losses import binary_cross_entropy, cross_entropy
from kit.learn.descent import BatchObjective, descend
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective, with_intercept
from kit.learn.losses import mse
from kit.learn.optimizers import adagrad, adam, momentum, rmsprop
from kit.learn.scaling import standard_scaling
from kit.learn.search import tune
from kit.learn.training import minibatches

TABLES = ("tumours", "wines", "patients")
SCALES = ("raw", "scaled")
RIVALS = {"momentum": momentum, "AdaGrad": adagrad, "RMSProp": rmsprop, "Adam": adam}
# what is left of the way from the loss at the start to the lowest; scaled, the first three are passed in a step or two
TARGETS = {"raw": (0.5, 0.3, 0.2), "scaled": (0.1, 0.03, 0.01)}
BATCH, TRIAL, WHOLE = 32, 8_000, 1_000_000  # steps at which a trial, and the run that counts, are given up
RATES = {"raw": tuple(10.0 ** np.arange(-8, 0.1, 0.5)), "scaled": tuple(10.0 ** np.arange(-3, 1.1, 0.5))}


@cache
def set_up(table: str, scale: str, seed: int) -> tuple[BatchObjective, np.ndarray, int, tuple[float, ...]]:
    """Draw four fifths of a table's rows; give objective, start, number of rows, and the losses to reach.

    The start is the model that looks at no feature.
    """
    one_of("table", table, TABLES)
    one_of("scale", scale, SCALES)
    load, loss = {
        "tumours": (load_breast_cancer, binary_cross_entropy),
        "wines": (load_wine, cross_entropy),
        "patients": (partial(load_diabetes, scaled=False), mse),
    }[table]
    x, y = (np.asarray(part) for part in load(return_X_y=True))
    rows = np.random.default_rng(seed).permutation(len(x))[: len(x) * 4 // 5]
    y = y[rows] if table == "wines" else y[rows].astype(float)
    even = with_intercept(standard_scaling(x[rows]).transform(x[rows]))
    start = np.zeros((x.shape[1] + 1, 3) if table == "wines" else x.shape[1] + 1)
    start[0] = best_constant(y, table)  # or the first step, which finds it, is most of the way
    smooth = linear_objective(even, y, loss=loss)
    if table == "patients":
        lowest = smooth(least_squares(even, y))[0]
    else:  # the same for both scales: a model of scaled features is one of raw features
        lowest = descend(smooth, start, lr=2 / hessian_eigenvalues(even)[-1], n_steps=5_000).losses[-1]
    objective = smooth if scale == "scaled" else linear_objective(with_intercept(x[rows]), y, loss=loss)
    first = objective(start)[0]
    return objective, start, len(rows), tuple(lowest + share * (first - lowest) for share in TARGETS[scale])


def best_constant(y: np.ndarray, table: str) -> float | np.ndarray:
    """Find the intercept of lowest loss where all other weights are 0."""
    if table == "wines":
        return np.log(np.bincount(y) / len(y))
    return float(y.mean() if table == "patients" else np.log(y.mean() / (1 - y.mean())))


def steps_to_targets(
    optimizer: str, lr: float, *, table: str, scale: str, seed: int, most: int
) -> tuple[np.ndarray, float]:
    """Count the steps to each target, at most a hundredth too many, infinite beyond `most`; give the last loss."""
    objective, point, n, targets = set_up(table, scale, seed)
    rule, memory, needed = RIVALS[one_of("optimizer", optimizer, tuple(RIVALS))](lr), (), np.full(3, np.inf)
    look = 0
    for step, rows in enumerate(minibatches(n, batch_size=BATCH, rng=np.random.default_rng(seed))):
        if step == look:
            loss = objective(point)[0]
            needed = np.where(np.isinf(needed) & (loss <= np.array(targets)), max(step, 1), needed)
            if step >= most or not np.isfinite(loss) or np.isfinite(needed).all():
                return needed, loss
            look += 1 + step // 100
        point, *memory = rule(point, objective(point, rows)[1], step, *memory)
    raise AssertionError("batches never end")


def trial(optimizer: str, *, table: str, scale: str, lr: float, seed: int) -> float:
    """Judge a rate by its mean log steps to the targets; where none is reached, by the loss at the end of the trial."""
    needed, loss = steps_to_targets(optimizer, lr, table=table, scale=scale, seed=seed, most=TRIAL)
    if np.isinf(needed).all():
        objective, start, _, _ = set_up(table, scale, seed)
        return float(np.log(10 * TRIAL) + loss / objective(start)[0])
    return float(np.log(np.minimum(needed, 10 * TRIAL)).mean())


@cache
def rates(table: str, scale: str) -> dict[str, float]:
    """Tune the four rivals as equals, on rows and in an order that no repetition has."""
    rivals = {optimizer: partial(trial, optimizer, table=table, scale=scale) for optimizer in RIVALS}
    with np.errstate(all="ignore"):
        found = tune(rivals, {"lr": RATES[scale]}, seeds=[1000])
    return {optimizer: found.best[optimizer, None].setting["lr"] for optimizer in RIVALS}


def contest(*, table: str, scale: str, seed: int) -> dict[str, float]:
    """Run the four rivals at their tuned rates to all three targets.

    Returns:
        Of each rival its "lr" and the geometric mean of its steps to the three targets.
    """
    numbers = {}
    with np.errstate(all="ignore"):
        for optimizer, lr in rates(table, scale).items():
            needed, _ = steps_to_targets(optimizer, lr, table=table, scale=scale, seed=seed, most=WHOLE)
            numbers |= {f"{optimizer} lr": lr, f"{optimizer} steps": float(np.exp(np.log(needed).mean()))}
    return numbers


ADAPTIVE = Experiment(
    name="adaptive_or_momentum",
    measure=contest,
    factors={"table": TABLES, "scale": SCALES},
    seeds=10,
    quantities=tuple(f"{optimizer} {what}" for optimizer in RIVALS for what in ("steps", "lr")),
)
