"""Claims B01 and B03: what descent does below its threshold, far above it, and far below its best rate.

Taught in: 01
"""

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import make_moons

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.learn.class_losses import binary_cross_entropy
from kit.learn.descent import BatchObjective
from kit.learn.linear import linear_objective, with_intercept
from kit.learn.losses import mse
from kit.learn.network import init_network, network_objective

KINDS = ("squared error", "logistic loss", "small network")
ROWS, FEATURES, HIDDEN = 200, 4, 4
LOW, HIGH = 0.03, 0.99  # the range of rates, in 2 / λ_max at the start
STEPS, NEAR = 100_000, 0.01  # the most that a run makes; "within 1% of the lowest loss"
FACTORS = 2.0 ** np.arange(-6, 13)  # of 2 / λ_max at the start: from far too small to far too large
REACHED, AFTER, TRIAL = 0.05, 200, 3_000  # what is left of the way; steps at which a loss "ends"; of a trial


def problem(kind: str, seed: int) -> tuple[BatchObjective, np.ndarray]:
    """Draw a table and a start: four features in units of their own, or two moons for the network."""
    one_of("kind", kind, KINDS)
    rng = np.random.default_rng(seed)
    if kind == "small network":
        x, y = (np.asarray(part) for part in make_moons(ROWS, noise=0.4, random_state=int(rng.integers(2**31))))
        start = init_network(n_features=3, n_hidden=HIDDEN, n_classes=2, rng=rng)
        return network_objective(with_intercept(x), y), start
    x = rng.normal(size=(ROWS, FEATURES)) * rng.lognormal(sigma=1.0, size=FEATURES)
    signal = x @ rng.normal(size=FEATURES)
    if kind == "squared error":
        return linear_objective(with_intercept(x), signal + rng.normal(size=ROWS), loss=mse), np.zeros(FEATURES + 1)
    y = (rng.random(ROWS) < 1 / (1 + np.exp(-signal))).astype(float)
    return linear_objective(with_intercept(x), y, loss=binary_cross_entropy), np.zeros(FEATURES + 1)


def largest_curvature(objective: BatchObjective, point: np.ndarray) -> float:
    """Find the largest eigenvalue of the Hessian at a point, from differences of the gradient."""
    size, h = point.size, 1e-5
    columns = []
    for i in range(size):
        step = np.zeros(size)
        step[i] = h
        up, down = (objective(point + sign * step.reshape(point.shape))[1].ravel() for sign in (1, -1))
        columns.append((up - down) / (2 * h))
    hessian = np.array(columns)
    return float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])


def lowest_loss(objective: BatchObjective, start: np.ndarray) -> float:
    """Find the lowest loss that a quasi-Newton method reaches from the start."""

    def flat(point: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = objective(point.reshape(start.shape))
        return loss, gradient.ravel()

    return float(minimize(flat, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 20_000, "ftol": 0}).fun)


def descent(
    objective: BatchObjective, start: np.ndarray, lr: float, *, goal: float, most: int, after: int = 0
) -> tuple[bool, int | None, float]:
    """Descend to a goal; tell whether any step raised the loss, when it got there, and the loss after `after` steps."""
    point, last, rose, seen = start, np.inf, False, np.inf
    for step in range(most + 1):
        loss, gradient = objective(point)
        rose |= loss > last * (1 + 1e-12)  # beyond rounding
        if step <= after:
            seen = loss
        if loss <= goal or not np.isfinite(loss):
            return rose, step if loss <= goal else None, seen
        last, point = loss, point - lr * gradient
    return rose, None, seen


def below_the_threshold(*, kind: str, seed: int) -> dict[str, float]:
    """Descend at one rate below 2 / λ_max, drawn from the whole range.

    Returns:
        The "rate", in 2 / λ_max; whether the run was "without a rise", and "arrived" within 1% of the lowest loss.
    """
    objective, start = problem(kind, seed)
    share = float(np.exp(np.random.default_rng(seed).uniform(np.log(LOW), np.log(HIGH))))
    lr, low = share * 2 / largest_curvature(objective, start), lowest_loss(objective, start)
    rose, step, _ = descent(objective, start, lr, goal=low * (1 + NEAR), most=STEPS)
    return {"rate": share, "without a rise": float(not rose), "arrived": float(step is not None)}


def too_large_and_too_small(*, kind: str, seed: int) -> dict[str, float]:
    """Try nineteen rates, each twice the one before; then the best of them, and one 100 times below it.

    Returns:
        Whether some rate "ends above" the loss of the start after 200 steps; the steps of "best" and of "slow"
        to the loss at which 5% of the way from the start to the lowest is left, at most 100,000.
    """
    objective, start = problem(kind, seed)
    top, low, first = 2 / largest_curvature(objective, start), lowest_loss(objective, start), objective(start)[0]
    goal = low + REACHED * (first - low)
    above, needed = False, []
    with np.errstate(all="ignore"):
        for factor in FACTORS:
            _, arrived, end = descent(objective, start, factor * top, goal=goal, most=TRIAL, after=AFTER)
            above |= end > first
            needed.append(np.inf if arrived is None else arrived)
    best = int(np.argmin(needed))
    slow = descent(objective, start, float(FACTORS[best]) * top / 100, goal=goal, most=STEPS)[1]
    return {"ends above": float(above), "best": min(needed[best], STEPS), "slow": STEPS if slow is None else slow}


BELOW = Experiment(
    name="below_the_threshold",
    measure=below_the_threshold,
    factors={"kind": KINDS},
    seeds=80,
    quantities=("rate", "without a rise", "arrived"),
)
TOO_FAR = Experiment(
    name="too_large_and_too_small",
    measure=too_large_and_too_small,
    factors={"kind": KINDS},
    seeds=80,
    quantities=("ends above", "best", "slow"),
)
