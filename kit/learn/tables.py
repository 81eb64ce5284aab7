"""Tables: small real data sets that lie in data/, one column an array.

Origin and licence of each stand in data/README.md.

Taught in: 09
"""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from kit.files import data_file


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


def _column(values: np.ndarray) -> np.ndarray | tuple[str, ...]:
    if values.dtype.kind == "U":
        return tuple(values.tolist())
    column = values.astype(np.int64)
    column.setflags(write=False)
    return column
