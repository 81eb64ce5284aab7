"""Trees by number and by the clock: more of them in a forest, two workers, XGBoost against plain gradient boosting.

Taught in: 10
"""

import time

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor

from kit.evidence.contest import AS_THEY_COME, ROWS, error_of, estimator
from kit.evidence.contest_tables import REAL, Table, dealt, whole
from kit.evidence.store import Experiment

MANY, FEW, OTHERS = 1_000, 100, 1_000  # trees, trees, rows to test on
LARGE, VERY_LARGE, WIDTH = 50_000, 100_000, 8  # rows, rows, columns


def more_trees(*, table: str, seed: int) -> dict[str, float]:
    """Fit a forest of 1,000 trees to 100 rows, as it comes; give the test error of all and of the first 100."""
    train, test = dealt(whole(table), n_train=ROWS[0], n_test=OTHERS, rng=np.random.default_rng(seed))
    setting = AS_THEY_COME["forest"]["classes" if train.is_classes else "numbers"]
    forest = estimator("forest", setting, is_classes=train.is_classes, seed=seed, n_trees=MANY)
    forest.fit(train.x, train.targets.argmax(axis=1) if train.is_classes else train.targets[:, 0])
    numbers = {}
    for n_trees in (MANY, FEW):
        forest.estimators_ = forest.estimators_[:n_trees]
        predictions = _predicted(forest, test)
        numbers[f"{n_trees} trees"] = error_of(predictions, train, test)
    return numbers


def _predicted(forest, test: Table) -> np.ndarray:
    if not test.is_classes:
        return forest.predict(test.x)[:, None]
    full = np.zeros(test.targets.shape)
    full[:, forest.classes_] = forest.predict_proba(test.x)
    return full


def made_rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a large table: waves of two columns, a product of two others, and noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, WIDTH))
    return x, np.sin(2 * x[:, 0]) + np.cos(x[:, 1]) + x[:, 2] * x[:, 3] + 0.5 * rng.normal(size=n)


def boosting_times(*, seed: int) -> dict[str, float]:
    """Fit plain gradient boosting, 50 trees of depth 3, to 50,000 rows; and XGBoost with as many trees as it needs.

    Both have one thread and one learning rate. XGBoost gets the fewest trees, of 50 and half as many again and again,
    with which it scores as high on 5,000 other rows.

    Returns:
        CPU-seconds of either's fit, its R² on the other rows, and XGBoost's trees.
    """
    x, y = made_rows(LARGE + 5_000, seed)
    setting = {"learning_rate": 0.3, "max_depth": 3}
    plain = GradientBoostingRegressor(n_estimators=50, **setting, random_state=seed)
    before = time.process_time()
    plain.fit(x[:LARGE], y[:LARGE])
    numbers = {"plain seconds": time.process_time() - before, "plain score": float(plain.score(x[LARGE:], y[LARGE:]))}
    for n_trees in (50, 75, 112, 168, 252):
        rival = estimator("XGBoost", setting, is_classes=False, seed=seed, n_trees=n_trees)
        before = time.process_time()
        rival.fit(x[:LARGE], y[:LARGE])
        numbers |= {
            "XGBoost seconds": time.process_time() - before,
            "XGBoost score": float(rival.score(x[LARGE:], y[LARGE:])),
            "XGBoost trees": n_trees,
        }
        if numbers["XGBoost score"] >= numbers["plain score"]:
            break
    return numbers


def worker_times(*, seed: int) -> dict[str, float]:
    """Fit a forest of 20 trees to 100,000 rows by one worker and by two; give wall-clock seconds of either."""
    x, y = made_rows(VERY_LARGE, seed)
    numbers = {}
    for n_workers in (1, 2) if seed % 2 else (2, 1):  # in turn
        forest = RandomForestRegressor(20, max_features=0.5, random_state=seed, n_jobs=n_workers)
        before = time.perf_counter()
        forest.fit(x, y)
        numbers[f"{n_workers} workers"] = time.perf_counter() - before
    return numbers


MORE_TREES = Experiment(
    name="more_trees",
    measure=more_trees,
    factors={"table": REAL},
    seeds=10,
    quantities=(f"{MANY} trees", f"{FEW} trees"),
    waits_for="two minutes of a processor core",
)
BOOSTING_TIMES = Experiment(
    name="boosting_times",
    measure=boosting_times,
    seeds=10,
    quantities=("plain seconds", "plain score", "XGBoost seconds", "XGBoost score", "XGBoost trees"),
    alone=True,
)
WORKER_TIMES = Experiment(
    name="forest_workers",
    measure=worker_times,
    seeds=10,
    quantities=("1 workers", "2 workers"),
    alone=True,
    waits_for="two idle cores",
)
