"""Claim C01: L1 and L2 penalties, chosen by cross-validation, on three kinds of tables.

Taught in: 07
"""

import numpy as np
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.model_selection import KFold

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.learn.scaling import standard_scaling

TRAIN, TEST, COLUMNS, TRUE = 60, 1_000, 40, 5
TABLES = ("sparse truth", "dense truth", "real tables")
PENALTIES = {  # as many strengths for either, over eight decades and more
    "L1": [Lasso(alpha=float(a), max_iter=50_000) for a in np.geomspace(1e-4, 10, 21)],
    "L2": [Ridge(alpha=float(a)) for a in np.geomspace(1e-2, 1e4, 21)],
}

Part = tuple[np.ndarray, np.ndarray]


def made(n_true: int, rng: np.random.Generator) -> tuple[Part, Part]:
    """Make a table of 40 columns, of which the first few count, with as much noise as there is to predict."""
    weights = np.zeros(COLUMNS)
    weights[:n_true] = rng.normal(size=n_true) / n_true**0.5
    x = rng.normal(size=(TRAIN + TEST, COLUMNS))
    y = x @ weights + rng.normal(size=len(x))
    return (x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:])


def real(seed: int, rng: np.random.Generator) -> tuple[Part, Part]:
    """Deal out one of three tables: 30 rows to train on, the rest to report on."""
    name = ("diabetes", "wine", "iris")[seed % 3]
    if name == "diabetes":
        x, y = (np.asarray(part) for part in load_diabetes(return_X_y=True, scaled=False))
    elif name == "wine":  # a wine's alcohol from the twelve other measurements
        table = np.asarray(load_wine(return_X_y=True)[0])
        x, y = table[:, 1:], table[:, 0]
    else:  # the width of a petal from the three other lengths
        table = np.asarray(load_iris(return_X_y=True)[0])
        x, y = table[:, :3], table[:, 3]
    rows = rng.permutation(len(x))
    train, test = rows[:30], rows[30:]
    return (x[train], y[train]), (x[test], y[test])


def parts(table: str, seed: int) -> tuple[Part, Part]:
    """Draw the rows to train on and those to report on; features are scaled by the first alone.

    The target's unit is its spread on the test rows: an error of 1 is that of a forecast of their mean.
    """
    rng = np.random.default_rng(seed)
    match one_of("table", table, TABLES):
        case "sparse truth":
            (x, y), (x_test, y_test) = made(TRUE, rng)
        case "dense truth":
            (x, y), (x_test, y_test) = made(COLUMNS, rng)
        case _:
            (x, y), (x_test, y_test) = real(seed, rng)
    scaling = standard_scaling(x)
    shift, spread = y.mean(), y_test.std()
    return (scaling.transform(x), (y - shift) / spread), (scaling.transform(x_test), (y_test - shift) / spread)


def errors(model, train: Part, test: Part) -> tuple[float, float]:
    """Fit a model; give its mean squared error in training and on the test rows."""
    model.fit(*train)
    trained, tested = (float(((model.predict(x) - y) ** 2).mean()) for x, y in (train, test))
    return trained, tested


def validated(model, x: np.ndarray, y: np.ndarray) -> float:
    """Average a model's error over five folds, each held out in turn."""
    folds = KFold(5, shuffle=True, random_state=0).split(x)
    return float(np.mean([errors(model, (x[a], y[a]), (x[b], y[b]))[1] for a, b in folds]))


def penalized_or_not(*, table: str, seed: int) -> dict[str, float]:
    """Fit least squares, and each penalty at the strength that cross-validation chooses.

    Returns:
        Of "nothing", "L1" and "L2" the error in "training" and "test"; the place of the chosen strength.
    """
    train, test = parts(table, seed)
    trained, tested = errors(LinearRegression(), train, test)
    numbers = {"nothing training": trained, "nothing test": tested}
    for penalty, models in PENALTIES.items():
        place = int(np.argmin([validated(model, *train) for model in models]))
        trained, tested = errors(models[place], train, test)
        numbers |= {f"{penalty} training": trained, f"{penalty} test": tested, f"{penalty} place": place}
    return numbers


PENALIZED = Experiment(
    name="penalties",
    measure=penalized_or_not,
    factors={"table": TABLES},
    seeds=30,
    quantities=(
        *(f"{way} {what}" for way in ("nothing", *PENALTIES) for what in ("training", "test")),
        *(f"{penalty} place" for penalty in PENALTIES),
    ),
)
