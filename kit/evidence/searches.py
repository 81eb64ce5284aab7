"""Claim C05: 60 trials by a grid, at random and by a surrogate, on tables of which every setting is known.

Taught in: 09
"""

from functools import cache

import numpy as np
from jaxtyping import Float
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.metrics import log_loss

from kit.arguments import count, one_of
from kit.evidence.store import Experiment, stored
from kit.learn.scaling import standard_scaling
from kit.learn.selection import Trials, bayesian, grid, minimize, random
from kit.learn.tables import diamonds, flights

TRAIN, VALIDATION, TRIALS, NEAR = 500, 3_000, 60, 0.01
AFTER = (10, 20, 30, 40, 50, TRIALS)
QUANTITIES = tuple(f"after {n}" for n in AFTER)
TABLES = ("boosted trees on diamonds", "boosted trees on flights", "kernel ridge on diamonds")
PLACES = tuple(range(10))
AXES = {"first": PLACES, "second": PLACES, "third": PLACES}
TREE_AXES = {
    "learning rate": tuple(np.geomspace(0.01, 0.8, 10).round(3).tolist()),
    "depth": tuple(range(1, 11)),
    "trees": tuple(np.geomspace(10, 320, 10).round().astype(int).tolist()),
}
KERNEL_AXES = {
    "width of numbers": tuple(np.geomspace(0.3, 100, 10).tolist()),
    "width of grades": tuple(np.geomspace(0.3, 100, 10).tolist()),
    "ridge": tuple(np.geomspace(1e-6, 10, 10).tolist()),
}


def axes_of(table: str) -> dict[str, tuple]:
    """Name the three axes of a table, with the ten values of each.

    Raises:
        ValueError: if there is no such table.
    """
    return KERNEL_AXES if one_of("table", table, TABLES).startswith("kernel") else TREE_AXES


@cache
def parts(table: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw 500 rows to learn from and 3,000 to judge by: features of both, and targets of both.

    Of a diamond the target is the logarithm of its price, of a flight whether it is over 15 minutes late.
    """
    rng = np.random.default_rng(seed)
    if one_of("table", table, TABLES).endswith("diamonds"):
        d = diamonds()
        x = np.column_stack([d.carat, d.depth, d.table, d.x, d.y, d.z, d.cut, d.color, d.clarity])
        y = np.log(d.price)
    else:
        f = flights()
        x = np.column_stack([f.month, f.hour, f.distance, f.carrier, f.origin]).astype(float)
        y = f.late.astype(float)
    rows = rng.permutation(len(y))
    train, new = rows[:TRAIN], rows[TRAIN : TRAIN + VALIDATION]
    return x[train], x[new], y[train], y[new]


def boosted_losses(table: str, first: int, second: int, seed: int) -> list[float]:
    """Boost trees at one learning rate and one depth; give the validation loss after each number of trees."""
    x, x_new, y, y_new = parts(table, seed)
    rate, depth, trees = TREE_AXES["learning rate"][first], TREE_AXES["depth"][second], TREE_AXES["trees"]
    setting = {"learning_rate": rate, "max_depth": depth, "n_estimators": trees[-1], "random_state": seed}
    if table.endswith("flights"):
        model = GradientBoostingClassifier(**setting).fit(x, y)
        losses = [log_loss(y_new, p[:, 1]) for n, p in enumerate(model.staged_predict_proba(x_new), 1) if n in trees]
    else:
        model = GradientBoostingRegressor(**setting).fit(x, y)
        stages = enumerate(model.staged_predict(x_new), 1)
        losses = [float(np.sqrt(((p - y_new) ** 2).mean())) for n, p in stages if n in trees]
    return [float(loss) for loss in losses]


def kernel_losses(table: str, first: int, second: int, seed: int) -> list[float]:
    """Fit kernel ridge regression at one width for each kind of column.

        f(x) = mean + k(x)ᵀ (K + ridge I)⁻¹ (y - mean)

    Returns:
        The validation loss at each ridge.
    """
    x, x_new, y, y_new = parts(table, seed)
    scaling = standard_scaling(x)
    x, x_new = scaling.transform(x), scaling.transform(x_new)
    widths = KERNEL_AXES["width of numbers"][first], KERNEL_AXES["width of grades"][second]
    wide = np.repeat(widths, (6, 3))  # the last three columns are cut, colour and clarity

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = a / wide, b / wide
        return np.exp(-np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T, 0) / 2)

    values, vectors = np.linalg.eigh(kernel(x, x))
    turned, across = vectors.T @ (y - y.mean()), kernel(x_new, x) @ vectors
    fits = [y.mean() + across @ (turned / (values + ridge)) for ridge in KERNEL_AXES["ridge"]]
    return [float(np.sqrt(((fit - y_new) ** 2).mean())) for fit in fits]


def ten_settings(*, table: str, first: int, second: int, seed: int) -> dict[str, float]:
    """Measure the validation loss of the ten settings that differ on the third axis alone."""
    losses = (kernel_losses if table.startswith("kernel") else boosted_losses)(table, first, second, seed)
    return {str(place): loss for place, loss in zip(PLACES, losses, strict=True)}


EXHAUSTIVE = Experiment(
    name="every_setting",
    measure=ten_settings,
    factors={"table": TABLES, "first": PLACES, "second": PLACES},
    seeds=1,
    quantities=tuple(map(str, PLACES)),
)


@cache
def every_loss(table: str) -> Float[np.ndarray, "first second third"]:
    """Read the validation loss of all 1,000 settings of a table.

    Raises:
        ValueError: if there is no such table, or it is not stored.
    """
    one_of("table", table, TABLES)
    return np.stack([stored(EXHAUSTIVE, str(place), table=table)[0] for place in PLACES], axis=-1)


def searched(table: str, way: str, *, seed: int, n_trials: int = TRIALS) -> Trials:
    """Search a table, of which the search sees no more than it tries.

    Raises:
        ValueError: if there is no such table or way, or `seed` < 0.
    """
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    ways = {"grid": grid(n_trials, rng=rng), "random": random(rng=rng), "bayesian": bayesian(rng=rng)}
    strategy, losses = ways[one_of("way", way, tuple(ways))], every_loss(table)
    return minimize(
        lambda first, second, third: float(losses[first, second, third]), AXES, strategy=strategy, n_trials=n_trials
    )


def excess_of(table: str, way: str, seed: int) -> dict[str, float]:
    """Search, and give by what share the best loss so far exceeds the lowest of the table, after some trials."""
    best = searched(table, way, seed=seed).best_so_far / every_loss(table).min() - 1
    return {f"after {n}": float(best[n - 1]) for n in AFTER}


def blind_search(*, table: str, way: str, seed: int) -> dict[str, float]:
    """Search by a grid or at random, whose next trial does not depend on what came of those before."""
    return excess_of(table, way, seed)


def guided_search(*, table: str, seed: int) -> dict[str, float]:
    """Search by a surrogate."""
    return excess_of(table, "bayesian", seed)


WAYS = ("grid", "random")
BLIND = Experiment(
    name="searches", measure=blind_search, factors={"table": TABLES, "way": WAYS}, seeds=200, quantities=QUANTITIES
)
GUIDED = Experiment(
    name="searches_by_surrogate", measure=guided_search, factors={"table": TABLES}, seeds=10, quantities=QUANTITIES
)
