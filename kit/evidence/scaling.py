"""The contest of notebook 01: on tables drawn anew, the steps of descent with scaled features against raw ones.

Taught in: 01
"""

import math

import numpy as np
from jaxtyping import Float

from kit.arguments import count, one_of
from kit.evidence.store import Experiment
from kit.learn.class_losses import binary_cross_entropy
from kit.learn.descent import BatchObjective
from kit.learn.linear import least_squares, linear_objective, logistic_regression, with_intercept
from kit.learn.losses import mse
from kit.learn.scaling import min_max_scaling, standard_scaling
from kit.learn.search import tune

KINDS = ("mixed units", "one unit", "heavy tails")
WAYS = ("raw", "one range", "centred", "standard")
ROWS, FEATURES = 200, 4
SHARES = tuple(float(share) for share in 2.0 ** np.arange(-3, 2.5, 0.5))  # of 1 / curvature at the start
MOST = 200_000  # steps; a setting that needs more counts as one that diverged


def draw_table(kind: str, *, seed: int) -> tuple[Float[np.ndarray, "n features"], Float[np.ndarray, "n"]]:
    """Draw a table of one of `KINDS` and its target: numbers where the seed is even, classes where it is odd.

    Features of one unit have mean 0, variance 1, and correlations of a half. In mixed units each has a mean and
    a unit of its own; a factor of thirty may lie between two units. With heavy tails they are lognormal. What
    the features say of the target, and how much noise covers it, does not depend on their units.

    Raises:
        TypeError, ValueError: if there is no such kind, or `seed` is not a whole number of at least 0.
    """
    kind, seed = one_of("kind", kind, KINDS), count("seed", seed, at_least=0)
    rng = np.random.default_rng(seed)
    plain = math.sqrt(0.5) * (rng.normal(size=(ROWS, FEATURES)) + rng.normal(size=(ROWS, 1)))  # correlated by a half
    x = np.exp(plain) if kind == "heavy tails" else plain
    if kind == "mixed units":
        x = (plain + rng.uniform(-2, 2, size=FEATURES)) * 10 ** rng.uniform(-0.75, 0.75, size=FEATURES)
    signal = plain @ rng.normal(size=FEATURES) / math.sqrt(FEATURES)
    if seed % 2:
        return x, (rng.random(ROWS) < 1 / (1 + np.exp(-2 * signal))).astype(float)
    return x, signal + rng.normal(size=ROWS)


def features_as(way: str, x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n features"]:
    """Give the features in one of `WAYS`: as they are, from zero to one, less their means, or standardised.

    Raises:
        ValueError: if there is no such way.
    """
    match one_of("way", way, WAYS):
        case "raw":
            return x
        case "one range":
            return min_max_scaling(x).transform(x)
        case "centred":
            return x - x.mean(axis=0)
        case _:
            return standard_scaling(x).transform(x)


def steps_run(objective: BatchObjective, start: np.ndarray, *, lr: float, goal: float, most: float) -> float:
    """Descend until the loss is at the goal, and count the steps; infinite where it diverges or takes too long."""
    point, steps = start, 0
    first = math.inf
    while steps <= most:
        loss, gradient = objective(point)
        first = min(first, 1e3 * loss)  # at the start, since the loss there is not 0
        if loss <= goal:
            return float(steps)
        if not loss < first:
            return math.inf
        point, steps = point - lr * gradient, steps + 1
    return math.inf


def steps_to_goal(*, kind: str, seed: int) -> dict[str, float]:
    """Tune the rate of each way on one table, all on one grid, and count the steps to within 1% of the lowest loss.

    Returns:
        For each way its fewest steps; and how many of the best rates lay at the edge of their grid.
    """
    x, y = draw_table(kind, seed=seed)
    loss = binary_cross_entropy if seed % 2 else mse

    def rival(way: str):
        z = with_intercept(features_as(way, x))
        objective = linear_objective(z, y, loss=loss)
        best = logistic_regression(z, y) if seed % 2 else least_squares(z, y)
        goal, fewest = 1.01 * objective(best)[0], [float(MOST)]
        curvature = (0.25 if seed % 2 else 2) * float(np.linalg.norm(z, 2)) ** 2 / len(z)

        def steps(share: float, *, seed: int) -> float:
            found = steps_run(objective, np.zeros(z.shape[1]), lr=share / curvature, goal=goal, most=fewest[0])
            fewest[0] = min(fewest[0], found)  # a rate that takes longer than the best so far need not arrive
            return found

        return steps

    search = tune({way: rival(way) for way in WAYS}, {"share": SHARES}, seeds=(seed,))
    best = {way: search.best[way, None] for way in WAYS}
    return {way: best[way].loss for way in WAYS} | {"at_edge": sum(bool(tuned.at_edge) for tuned in best.values())}


SCALING = Experiment(
    name="scaling", measure=steps_to_goal, factors={"kind": KINDS}, seeds=20, quantities=(*WAYS, "at_edge")
)
