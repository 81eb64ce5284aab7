"""The tables of notebook 10's contests: four real ones and their natural parts, and made ones whose truth is known.

    digits      which of ten digits the 64 pixels show
    diamonds    the logarithm of a diamond's price, from its nine measures and grades
    flights     whether a flight will arrive more than 15 minutes late, from what is known before its departure
    functions   whether a function of the standard library has a docstring, from what else it is made of

Flights of one day are late together, functions of one file look alike, and some diamonds are listed twice: days, files
and equal diamonds stay together.

Taught in: 10
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

from kit.arguments import one_of
from kit.learn.tables import diamonds, flights
from kit.learn.trees import one_hot
from kit.text.corpus import standard_library
from kit.text.functions import Functions, functions_table

REAL = ("digits", "diamonds", "flights", "functions")
PACKAGES = ("asyncio", "email", "idlelib", "tkinter", "multiprocessing")
TRUTHS = ("linear", "not linear")
COLUMNS, MADE_TRAIN, MADE_TEST = 8, 300, 2_000


@dataclass(frozen=True, kw_only=True)
class Table:
    """Features and what is to be predicted from them.

    Args:
        targets: one column of numbers, or a column of 0 and 1 for each class.
        group: rows of one group stay together; a group for each row where it does not matter.
    """

    x: Float[np.ndarray, "n columns"]
    targets: Float[np.ndarray, "n outputs"]
    group: Int[np.ndarray, "n"]

    @property
    def is_classes(self) -> bool:
        """Whether classes are asked for, and not a number."""
        return self.targets.shape[1] > 1

    def rows(self, chosen: np.ndarray) -> "Table":
        """Keep some of the rows."""
        return Table(x=self.x[chosen], targets=self.targets[chosen], group=self.group[chosen])


def _table(x: Any, y: Any, *, n_classes: int = 0, group: np.ndarray | None = None) -> Table:
    x, y = np.asarray(x, dtype=float), np.asarray(y)
    targets = one_hot(y.astype(int), n_classes=n_classes) if n_classes else y.astype(float)[:, None]
    return Table(x=x, targets=targets, group=np.arange(len(x)) if group is None else group)


@cache
def functions() -> tuple[Functions, tuple[str, ...]]:
    """Read the functions of the standard library, and the path of each one's file."""
    documents = standard_library()
    table = functions_table(documents)
    return table, tuple(documents[number].name for number in table.file)


@cache
def whole(name: str) -> Table:
    """Build one of the four real tables."""
    match one_of("name", name, REAL):
        case "digits":
            return _table(*load_digits(return_X_y=True), n_classes=10)
        case "diamonds":
            at = diamonds()
            x = np.column_stack([at.carat, at.cut, at.color, at.clarity, at.depth, at.table, at.x, at.y, at.z])
            return _table(x, np.log(at.price), group=np.unique(x, axis=0, return_inverse=True)[1].ravel())
        case "flights":
            at = flights()
            clock = at.hour + at.minute / 60
            columns = (clock, at.month, (at.date + 1) % 7, at.distance)  # 0 is a Monday
            named = [one_hot(at.carrier, n_classes=len(at.carriers)), one_hot(at.origin, n_classes=len(at.origins))]
            return _table(np.column_stack([*columns, *named]), at.late, n_classes=2, group=at.date)
        case _:
            table, _ = functions()
            return _table(table.x, table.has_docstring, n_classes=2, group=table.file)


def _of_diamonds(cut: int) -> Callable[[], Table]:
    return lambda: whole("diamonds").rows(np.flatnonzero(diamonds().cut == cut))


def _of_flights(column: str, code: int) -> Callable[[], Table]:
    return lambda: whole("flights").rows(np.flatnonzero(getattr(flights(), column) == code))


def _of_functions(package: str) -> Callable[[], Table]:
    def build() -> Table:
        inside = [path.startswith(f"{package}/") for path in functions()[1]]
        return whole("functions").rows(np.flatnonzero(inside))

    return build


PARTS: dict[str, Callable[[], Table]] = {  # small tables, and the natural parts of the large ones
    "digits": lambda: whole("digits"),
    "tumours": lambda: _table(*load_breast_cancer(return_X_y=True), n_classes=2),
    "patients": lambda: _table(*load_diabetes(return_X_y=True, scaled=False)),
    "wines": lambda: _table(*load_wine(return_X_y=True), n_classes=3),
    **{f"diamonds, cut {cut + 1}": _of_diamonds(cut) for cut in range(5)},
    **{f"flights from {name}": _of_flights("origin", code) for code, name in enumerate(("EWR", "JFK", "LGA"))},
    **{f"flights in {month:02}": _of_flights("month", month) for month in (1, 4, 7, 10)},
    **{f"functions of {package}": _of_functions(package) for package in PACKAGES},
}


def dealt(table: Table, *, n_train: int, n_test: int, rng: np.random.Generator) -> tuple[Table, Table]:
    """Deal rows out to train and to test on, no group to both; fewer where the table has not as many.

    Half of the groups stand ready for either side, three quarters for training where that half has too few rows.
    """
    groups = rng.permutation(np.unique(table.group))
    for share in (0.5, 0.75):
        ready = np.isin(table.group, groups[: round(share * len(groups))])
        if ready.sum() >= n_train:
            break
    sides = (rng.permutation(np.flatnonzero(side))[:n] for side, n in ((ready, n_train), (~ready, n_test)))
    train, test = (table.rows(rows) for rows in sides)
    return train, test


def made(truth: str, seed: int) -> tuple[Table, Table]:
    """Draw a table of eight columns and its truth: a line; or bends, products, steps or a random network in turn.

    A repetition draws the weights, the rows and the noise, which is from a tenth to the whole of the signal.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(MADE_TRAIN + MADE_TEST, COLUMNS))
    weights = rng.normal(size=COLUMNS)
    if one_of("truth", truth, TRUTHS) == "linear":
        signal = x @ weights
    else:
        signal = (_bends, _products, _steps, _network)[seed % 4](x, rng)
    signal = (signal - signal.mean()) / signal.std()
    y = signal + rng.uniform(0.1, 1) ** 0.5 * rng.normal(size=len(x))
    table = _table(x, y)
    return table.rows(np.arange(MADE_TRAIN)), table.rows(np.arange(MADE_TRAIN, len(x)))


def _bends(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add up a wave of each column."""
    n = x.shape[1]
    return np.sin(x * rng.uniform(0.5, 3, n) + rng.uniform(0, 2 * np.pi, n)) @ rng.normal(size=n)


def _products(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add up columns, and products of pairs."""
    pairs = rng.permutation(x.shape[1]).reshape(2, -1)
    return x @ rng.normal(size=x.shape[1]) + x[:, pairs[0]] * x[:, pairs[1]] @ (2 * rng.normal(size=pairs.shape[1]))


def _steps(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add up steps: 1 where a column is above its threshold."""
    n = x.shape[1]
    return (x > rng.normal(size=n)) @ rng.normal(size=n)


def _network(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add up twelve hidden units of random weights."""
    hidden = np.tanh(x @ rng.normal(size=(x.shape[1], 12)) + rng.normal(size=12))
    return hidden @ rng.normal(size=12)
