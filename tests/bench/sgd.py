"""Seconds to the same loss as the data grows: full-batch descent, kit's SGD, scikit-learn's SGDRegressor.

    python -m tests.bench.sgd

Tables of 10³ to 10⁶ rows, twenty features and noise, as in notebook 05; the goal is a loss within 5% of
the lowest. Each way tries twelve learning rates, and is timed at the one that needs the fewest examples,
for as many examples as it needs: the search for the goal itself is not timed. The kit takes 32 rows a step, with
which it needs no more examples than with 10, and a third of the time; SGDRegressor takes one row a step.
"""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.linear_model import SGDRegressor

from kit.learn.descent import descend
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective, loss_forecast
from kit.learn.optimizers import sgd
from kit.learn.training import minibatches, train
from tests.bench.table import Table, at_least, median

SIZES, SEEDS, BATCH, REPEATS, CLOSE = (1_000, 10_000, 100_000, 1_000_000), range(3), 32, 3, 1.05
SHARES, RATES = np.geomspace(0.02, 0.98, 12), np.geomspace(0.001, 1, 12)
MOST_FULL_STEPS = 1000
MOST_EXAMPLES, CHUNK = 10_000, 96  # the goal is looked for after every so many examples
WAYS = ("full batch", "kit's SGD", "SGDRegressor")


class Problem:
    """A table, and what its lowest loss is; the excess of any weights costs no pass over the rows."""

    def __init__(self, n: int, seed: int):
        rng, spread = np.random.default_rng(seed), np.geomspace(0.3, 1, 20)
        self.x = rng.normal(size=(n, 20)) * spread
        self.y = self.x @ (rng.normal(size=20) / spread) + rng.normal(size=n)
        self.objective, self.seed = linear_objective(self.x, self.y), seed
        self._best, self._gram = least_squares(self.x, self.y), self.x.T @ self.x / n
        self._lowest = self.objective(self._best)[0]
        self.goal = CLOSE * self._lowest

    def first_within(self, points: np.ndarray) -> int | None:
        """Find the first of some points whose loss on all rows is at or below the goal."""
        away = points - self._best
        reached = np.flatnonzero(self._lowest + ((away @ self._gram) * away).sum(axis=1) <= self.goal)
        return int(reached[0]) if reached.size else None


def full_batch(problem: Problem) -> tuple[int, Callable]:
    """Find how many steps the best rate needs, by the forecast that notebook 01 proves; they are then run."""
    steps, top = np.arange(MOST_FULL_STEPS), 2 / hessian_eigenvalues(problem.x)[-1]
    forecast = loss_forecast(problem.x, problem.y)
    needed = [int(np.argmax(forecast(share * top, steps) <= problem.goal)) or MOST_FULL_STEPS for share in SHARES]
    lr, fewest = float(SHARES[np.argmin(needed)] * top), min(needed)
    return fewest * len(problem.x), lambda: descend(problem.objective, np.zeros(20), lr=lr, n_steps=fewest)


def kit_sgd(problem: Problem) -> tuple[int, Callable]:
    def run(lr: float, n_steps: int, record_every: int):
        batches = minibatches(len(problem.x), batch_size=BATCH, rng=np.random.default_rng(problem.seed))
        rule = sgd(lr)
        return train(
            problem.objective, np.zeros(20), optimizer=rule, n_steps=n_steps, batches=batches, record_every=record_every
        )

    needed = []
    for lr in RATES:
        path = run(float(lr), MOST_EXAMPLES // BATCH, CHUNK // BATCH)
        first = problem.first_within(path.points)
        needed.append(math.inf if first is None else int(path.steps[first]))
    lr, fewest = float(RATES[np.argmin(needed)]), int(min(needed))
    return fewest * BATCH, lambda: run(lr, fewest, fewest)


def scikit_sgd(problem: Problem) -> tuple[int, Callable]:
    """Run scikit-learn's, which takes one row at a time."""
    rates = RATES / 5

    def deal() -> np.ndarray:
        return np.resize(np.random.default_rng(problem.seed).permutation(len(problem.x)), MOST_EXAMPLES)

    rows = deal()

    def fresh(lr: float) -> SGDRegressor:
        return SGDRegressor(alpha=0, learning_rate="constant", eta0=lr, fit_intercept=False, shuffle=False)

    def examples_to_goal(lr: float) -> float:
        model = fresh(lr)
        for end in range(CHUNK, len(rows) + 1, CHUNK):
            part = rows[end - CHUNK : end]
            model.partial_fit(problem.x[part], problem.y[part])
            if problem.first_within(model.coef_[None]) is not None:
                return end
        return math.inf

    needed = [examples_to_goal(float(lr)) for lr in rates]
    lr, fewest = float(rates[np.argmin(needed)]), int(min(needed))

    def run() -> SGDRegressor:
        rows = deal()[:fewest]  # timed with the rest, as kit's is: the shuffle is the larger half at a million rows
        return fresh(lr).partial_fit(problem.x[rows], problem.y[rows])

    return fewest, run


def shortest(work: Callable) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def crossing(seconds: dict[str, list[float]], one: str, other: str) -> str:
    """Say between which sizes one way begins to need fewer seconds than the other."""
    faster = [a < b for a, b in zip(seconds[one], seconds[other], strict=True)]
    if True not in faster:
        return f"{one} is never faster than {other}"
    first = faster.index(True)
    before = f"between {SIZES[first - 1]:,} and {SIZES[first]:,} rows" if first else f"at {SIZES[0]:,} rows already"
    return f"{one} overtakes {other} {before}"


def tables() -> Iterator[Table]:
    rows, seconds = [], {way: [] for way in WAYS}
    for n in SIZES:
        found = {way: [] for way in WAYS}
        for seed in SEEDS:
            problem = Problem(n, seed)
            for way, prepare in zip(WAYS, (full_batch, kit_sgd, scikit_sgd), strict=True):
                touched, work = prepare(problem)
                found[way].append((touched, shortest(work)))
        for way in WAYS:
            examples, times = zip(*found[way], strict=True)
            seconds[way].append(median(times))
            spread = f"{1e3 * min(times):.2f} to {1e3 * max(times):.2f}"
            bar = None
            if n == SIZES[-1] and way == WAYS[1]:
                ratio = seconds[WAYS[0]][-1] / seconds[way][-1]
                bar = at_least(ratio, 1, " times as fast as full batch")
            rows.append(((f"{n:,} rows, {way}", f"{median(examples):,.0f}", f"{1e3 * median(times):.2f}", spread), bar))
    crossings = "; ".join(crossing(seconds, way, WAYS[0]) for way in WAYS[1:])
    yield Table(
        title=f"Milliseconds to within 5% of the lowest loss, median of {len(SEEDS)} seeds. {crossings}",
        columns=("", "examples", "ms", "spread"),
        rows=rows,
    )


if __name__ == "__main__":
    for table in tables():
        print(table)
