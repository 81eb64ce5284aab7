"""Make data/diamonds.npz: the 53,940 diamonds of plotnine, every row, in their order.

    pip download --no-deps plotnine==0.15.9
    python -m tests.learn.diamonds plotnine-0.15.9-py3-none-any.whl

The source is the PyPI package plotnine 0.15.9, under the MIT licence. Names become codes from the worst grade to the
best; what has two decimals is stored in hundredths, what has one in tenths.
"""

import csv
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
MEMBER = "plotnine/data/diamonds.csv"
GRADES = {  # the worst first
    "cut": ("Fair", "Good", "Very Good", "Premium", "Ideal"),
    "color": ("J", "I", "H", "G", "F", "E", "D"),
    "clarity": ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
}
PLURALS = {"cut": "cuts", "color": "colors", "clarity": "clarities"}
UNITS = {"carat": 100, "depth": 10, "table": 10, "x": 100, "y": 100, "z": 100}


def columns(package: Path) -> dict[str, np.ndarray]:
    """Read the package's own table, and code it."""
    with zipfile.ZipFile(package) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read(MEMBER).decode())))
    found = {"price": np.array([int(row["price"]) for row in rows], dtype=np.uint16)}
    for name, grades in GRADES.items():
        found[name] = np.array([grades.index(row[name]) for row in rows], dtype=np.uint8)
        found[PLURALS[name]] = np.array(grades)
    for name, unit in UNITS.items():
        found[name] = np.array([round(float(row[name]) * unit) for row in rows], dtype=np.uint16)
    return found


if __name__ == "__main__":
    np.savez_compressed(ROOT / "data" / "diamonds.npz", **columns(Path(sys.argv[1])))
