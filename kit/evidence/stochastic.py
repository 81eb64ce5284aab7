"""Claim B02: a random few rows against all of them, each at its own best, on tables of three sizes.

Taught in: 05
"""

import time
from functools import cache
from itertools import repeat

import numpy as np

from kit.arguments import count, one_of
from kit.evidence.optimizers import make_table
from kit.evidence.store import Experiment
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective
from kit.learn.training import minibatches

SIZES, ABOVE = (1_000, 10_000, 100_000), 1.01  # the goal: within 1% of the lowest loss
BATCHES = (1, 4, 16, 64, 256)
RATES = 0.008 * 2.0 ** np.arange(8)  # of SGD
DECAYS = (0.0, 0.01, 0.1)  # the rate after t steps is lr / (1 + decay t)
SHARES = np.linspace(0.05, 1, 121)[:-1]  # of the rate at which full batch diverges
TRIALS = len(BATCHES) * len(RATES) * len(DECAYS)
EXAMPLES, STEPS, LOOK = 20_000, 400, 256  # where a trial of SGD, or of full batch, is given up; how often SGD looks
assert len(SHARES) == TRIALS  # rivals are equals

Setting = tuple[int, float, float]  # batch, rate, decay


@cache
def table(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Make a table, and the loss that is within 1% of its lowest."""
    x, y = make_table(rows, seed=seed)
    return x, y, ABOVE * linear_objective(x, y)(least_squares(x, y))[0]


def run(rows: int, setting: Setting, *, seed: int, n_steps: int | None = None) -> int | float:
    """Train from 0 with one setting; a batch of as many rows as there are is full batch.

    Args:
        n_steps: stop there, and do not look at the loss on the way; up to the goal where it is None.

    Returns:
        The steps made; infinite where the goal was not reached before the trial was given up.
    """
    x, y, goal = table(rows, seed)
    batch, lr, decay = setting
    full, objective, point = batch == rows, linear_objective(x, y), np.zeros(x.shape[1])
    batches = repeat(slice(None)) if full else minibatches(rows, batch_size=batch, rng=np.random.default_rng(seed))
    every, most = (1, STEPS) if full else (LOOK // batch, EXAMPLES // batch)
    for step, part in enumerate(batches):
        if n_steps is None:
            loss = objective(point)[0] if step % every == 0 else goal + 1
            if loss <= goal or step == most or not np.isfinite(loss):
                return step if loss <= goal else np.inf
        elif step == n_steps:
            return step
        point = point - lr / (1 + decay * step) * objective(point, part)[1]
    raise AssertionError("batches never end")


def settings(rows: int, way: str) -> list[Setting]:
    """Give the 120 settings of "few" or of "all" rows at a step."""
    if one_of("way", way, ("few", "all")) == "few":
        return [(batch, float(lr), decay) for batch in BATCHES for lr in RATES for decay in DECAYS]
    top = 2 / hessian_eigenvalues(make_table(count("rows", rows), seed=0)[0])[-1]
    return [(rows, float(share * top), 0.0) for share in SHARES]


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
            found[way] = run(rows, frugal, seed=seed) * frugal[0]
            n_steps = run(rows, quick, seed=seed)
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
