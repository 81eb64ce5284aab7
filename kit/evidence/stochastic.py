"""Claim B02: a random few rows against all of them, each at its own best, on tables of three sizes.

Taught in: 05
"""

import time
from dataclasses import dataclass
from functools import cache
from itertools import repeat

import numpy as np
from jaxtyping import Float

from kit.arguments import count, one_of
from kit.evidence.store import Experiment
from kit.learn.descent import BatchObjective
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective
from kit.learn.training import minibatches

SIZES, ABOVE = (1_000, 10_000, 100_000), 0.01  # the goal: within 1% of the lowest loss
BATCHES = (1, 4, 16, 64, 256, 512)
RATES = 0.016 * 2.0 ** np.arange(8)  # of SGD
DECAYS = (0.0, 0.01, 0.1)  # the rate after t steps is lr / (1 + decay t)
SHARES = np.linspace(0.05, 1, 145)[:-1]  # of the rate at which full batch diverges on the table at hand
TRIALS = len(BATCHES) * len(RATES) * len(DECAYS)
EXAMPLES, STEPS, LOOK = 12_000, 200, 64  # where a trial of SGD, or of full batch, is given up; how often SGD looks
PATIENCE = 50  # times as far goes the run that counts
assert len(SHARES) == TRIALS  # rivals are equals

Setting = tuple[int, float, float]  # batch, rate (of full batch: its share of 2 / λ_max), decay


def make_table(n: int, *, seed: int) -> tuple[Float[np.ndarray, "n 20"], Float[np.ndarray, "n"]]:
    """Make n rows of twenty features of different spread, and a target: their weighted sum plus noise.

    Raises:
        TypeError, ValueError: if `n` is not a whole number of at least 1.
    """
    n = count("n", n)
    rng, spread = np.random.default_rng(seed), np.geomspace(0.3, 1, 20)
    x = rng.normal(size=(n, 20)) * spread
    return x, x @ (rng.normal(size=20) / spread) + rng.normal(size=n)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A drawn table, and what tells from weights alone how far their loss stands above the lowest."""

    objective: BatchObjective
    best: np.ndarray
    hessian: np.ndarray
    goal: float
    top: float

    def arrived(self, point: np.ndarray) -> bool:
        """Tell whether the loss on all rows is within 1% of the lowest: dᵀ H d / 2 above it, exactly."""
        away = point - self.best
        return bool(away @ self.hessian @ away / 2 <= self.goal)


@cache
def table(rows: int, seed: int) -> Table:
    """Draw a table."""
    x, y = make_table(rows, seed=seed)
    objective, best = linear_objective(x, y), least_squares(x, y)
    hessian, top = 2 * x.T @ x / rows, float(2 / hessian_eigenvalues(x)[-1])
    return Table(objective=objective, best=best, hessian=hessian, goal=ABOVE * objective(best)[0], top=top)


def run(rows: int, setting: Setting, *, seed: int, patience: int = 1, n_steps: int | None = None) -> int | float:
    """Train from 0 with one setting; a batch of as many rows as there are is full batch.

    Args:
        patience: how many times as far as a trial it may go.
        n_steps: stop there, and do not look at the loss on the way; up to the goal where it is None. Full batch
            then takes its gradient as H (w - w*), which it is, and spares a pass over the rows.

    Returns:
        The steps made; infinite where the goal was not reached before the run was given up.
    """
    at, (batch, lr, decay) = table(rows, seed), setting
    full, objective, point = batch == rows, at.objective, np.zeros(len(at.best))
    batches = repeat(slice(None)) if full else minibatches(rows, batch_size=batch, rng=np.random.default_rng(seed))
    lr, spared = lr * (at.top if full else 1), full and n_steps is None
    every, most = (1, STEPS) if full else (max(1, LOOK // batch), EXAMPLES // batch)
    for step, part in enumerate(batches):
        if n_steps is None:
            if step % every == 0 and at.arrived(point):
                return step
            if step >= most * patience or not np.isfinite(point).all():
                return np.inf
        elif step == n_steps:
            return step
        gradient = at.hessian @ (point - at.best) if spared else objective(point, part)[1]
        point = point - lr / (1 + decay * step) * gradient
    raise AssertionError("batches never end")


def settings(rows: int, way: str) -> list[Setting]:
    """Give the 144 settings of "few" or of "all" rows at a step."""
    if one_of("way", way, ("few", "all")) == "few":
        return [(batch, float(lr), decay) for batch in BATCHES for lr in RATES for decay in DECAYS]
    return [(rows, float(share), 0.0) for share in SHARES]


def seconds_a_step(rows: int, setting: Setting, *, seed: int) -> float:
    """Time a hundred steps of SGD, or five of full batch, in seconds of one processor for one of them."""
    n_steps = 5 if setting[0] == rows else 100
    begin = time.process_time()
    run(rows, setting, seed=seed, n_steps=n_steps)
    return (time.process_time() - begin) / n_steps


def race(*, rows: int, seed: int) -> dict[str, float]:
    """Tune both on one table, for few examples and for few seconds, and run them on another.

    Returns:
        Of "few" and "all": the examples needed, and the seconds; the settings that were chosen.
    """
    found: dict[str, float] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for way in ("few", "all"):
            tried = settings(rows, way)
            steps = np.array([run(rows, setting, seed=1000 + seed) for setting in tried])
            batches = np.array([setting[0] for setting in tried])
            cost = {batch: seconds_a_step(rows, (batch, 0.001, 0.0), seed=1000 + seed) for batch in set(batches)}
            touched, spent = steps * batches, steps * np.array([cost[batch] for batch in batches])
            frugal, quick = tried[int(touched.argmin())], tried[int(spent.argmin())]
            found[way] = run(rows, frugal, seed=seed, patience=PATIENCE) * frugal[0]
            n_steps = run(rows, quick, seed=seed, patience=PATIENCE)
            begin = time.process_time()
            run(rows, quick, seed=seed, n_steps=int(min(n_steps, STEPS)))
            found[f"{way} seconds"] = (time.process_time() - begin) * max(1, n_steps / STEPS)
            found[f"{way} place"], found[f"{way} quick place"] = float(touched.argmin()), float(spent.argmin())
    table.cache_clear()
    return found


STOCHASTIC = Experiment(
    name="few_rows_or_all",
    measure=race,
    factors={"rows": SIZES},
    seeds=10,
    quantities=tuple(f"{way}{what}" for way in ("few", "all") for what in ("", " seconds", " place", " quick place")),
)
