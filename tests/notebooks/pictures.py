"""Tell whether two stored pictures look different, forgiving what a processor's rounding may move."""

import base64
import io

import numpy as np
from PIL import Image

SHADE, PIXELS = 64, 40  # a pixel differs by more than a quarter of the range; so many make a difference


def different(one: str, other: str) -> str:
    """Compare two PNGs in base64; an empty string where a reader would see no difference."""
    a, b = (np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), dtype=int) for png in (one, other))
    if a.shape != b.shape:
        return f"the picture's size changed from {a.shape[1::-1]} to {b.shape[1::-1]}"
    changed = int((np.abs(a - b).max(axis=-1) > SHADE).sum())
    return f"{changed} pixels of the picture changed" if changed > PIXELS else ""
