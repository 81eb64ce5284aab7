"""Tell whether two stored pictures say different things, forgiving what a processor's rounding may move.

Each picture carries a description of its figure (tests/notebooks/figures.py). Words, axes, scales,
legends, and the number, kind and look of the artists must be the same; limits and data may differ by
a share of their axis's span. Where even the data are the same, the pixels must be too.
"""

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image

from tests.notebooks.figures import KEY
from tests.notebooks.numbers import settled

UNIT = 1e5  # data are stored in hundred-thousandths of their axis's span
ROUNDING = 2e-4  # of the span: below a pixel
TOLERANCES = {"": 0.01, "trained": 0.15, "shape": np.inf}  # by the cell's tag: the share of the span that data may move
INCHES = 0.25  # a longer tick label widens a picture by less
SHADE, PIXELS = 64, 40  # a pixel differs by more than a quarter of the range; so many make a difference


def tolerance(tags: list[str]) -> float:
    """Give what a cell's tags allow its pictures' data to move: exact arithmetic little, trained models more."""
    return max(TOLERANCES.get(tag, TOLERANCES[""]) for tag in ["", *tags])


def different(stored: str, new: str, *, within: float = TOLERANCES[""]) -> str:
    """Compare two PNGs in base64; an empty string where both say the same."""
    said, says = says_of(stored), says_of(new)
    if said is None or says is None:
        return f"the {'stored' if said is None else 'new'} picture does not say what it shows"
    problem, moved = disagreement(said, says, within)
    return problem or (pixels_differ(stored, new) if moved <= ROUNDING else "")


def says_of(png: str) -> dict | None:
    """Read what a picture says of itself."""
    text = getattr(Image.open(io.BytesIO(base64.b64decode(png))), "text", {})
    return json.loads(text[KEY]) if KEY in text else None


def disagreement(said: Any, says: Any, within: float, where: str = "the picture") -> tuple[str, float]:
    """Walk two descriptions side by side; return the first problem, and how far the data have moved at most."""
    if isinstance(said, str) and isinstance(says, str):
        if settled(said, says) != said:
            return f"{where}: {said!r} is stored, {says!r} was drawn", 0.0
        return "", 0.0 if said == says else 2 * ROUNDING  # a ≈ number moved: the pixels did too
    if type(said) is not type(says):
        return f"{where}: {said!r} is stored, {says!r} was drawn", 0.0
    if isinstance(said, dict):
        if said.keys() == says.keys() == {"n", "at"}:
            return points_differ(said, says, within, where)
        pairs = [(f"{where}, {key}", said.get(key), says.get(key)) for key in said | says]
    elif isinstance(said, list):
        if len(said) != len(says):
            return f"{where}: {len(said)} are stored, {len(says)} were drawn", 0.0
        if where == "the picture, size" and np.abs(np.subtract(said, says)).max() <= INCHES:
            return "", 0.0
        pairs = [(f"{where} {i}", a, b) for i, (a, b) in enumerate(zip(said, says, strict=True))]
    else:
        return ("" if said == says else f"{where}: {said} is stored, {says} was drawn"), 0.0
    furthest = 0.0
    for name, a, b in pairs:
        problem, moved = disagreement(a, b, within, name)
        furthest = max(furthest, moved)
        if problem:
            return problem, furthest
    return "", furthest


def points_differ(said: dict, says: dict, within: float, where: str) -> tuple[str, float]:
    """Compare thinned data; curves of other lengths are compared at the same shares of their way."""
    n, m = said["n"], says["n"]
    few, many = min(n, m), max(n, m)
    if (few == 0) != (many == 0) or (within < np.inf and many - few > max(1, 2 * within * many)):
        return f"{where}: {n} points are stored, {m} were drawn", np.inf
    furthest = 0.0 if n == m else 2 * ROUNDING
    for row, other in zip(said["at"], says["at"], strict=True):
        a, b = (np.array([np.nan if v is None else v for v in values], dtype=float) / UNIT for values in (row, other))
        if len(a) != len(b):
            a, b = (np.interp(np.linspace(0, 1, 64), np.linspace(0, 1, len(v)), v) for v in (a, b))
        if (np.isnan(a) != np.isnan(b)).any() and within < TOLERANCES["trained"]:
            return f"{where}: other points are missing", np.inf
        gaps = np.abs(a - b)
        furthest = max(furthest, float(np.nanmax(gaps, initial=0.0)))
    problem = f"{where}: data moved by {furthest:.1%} of the axis, {within:.0%} may be" if furthest > within else ""
    return problem, furthest


def pixels_differ(one: str, other: str) -> str:
    """Compare pixel by pixel; an empty string where a reader would see no difference."""
    a, b = (np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), dtype=int) for png in (one, other))
    if a.shape != b.shape:
        return f"the picture's size changed from {a.shape[1::-1]} to {b.shape[1::-1]}"
    changed = int((np.abs(a - b).max(axis=-1) > SHADE).sum())
    return f"{changed} pixels of the picture changed" if changed > PIXELS else ""
