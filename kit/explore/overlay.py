"""What a frame may lay over its stage under its lines: a table of numbers as a heat map, a picture, and words.

    Frame(lines=[...], sentence="...", overlays=[HeatMap(axes=1, values=table, rows=..., columns=...),
                                                 Picture(axes=2, colors=...),
                                                 Words(axes=0, x=..., y=..., texts=...)])

The page draws them on its canvas (overlay.js), and tells the number of a heat map under the pointer. For the
stored picture Matplotlib draws the same.

Taught in: every notebook
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from kit.explore.palette import BLUE, ORANGE

HIDDEN = "#d9d9d9"  # of a cell that holds no finite number
COLOURS = LinearSegmentedColormap.from_list("below and above zero", [BLUE, "#ffffff", ORANGE], N=257).with_extremes(
    bad=HIDDEN
)


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """A table of numbers that fills one axes: white at 0, blue below, orange above, grey where there is none.

    Args:
        axes: the number of the axes in its figure.
        values: the first row on top.
        rows, columns: what each is called, when its number is told.
        limit: the distance from 0 at which the colour is full; that of the furthest number where it is None.

    Raises:
        ValueError: if `rows` or `columns` do not name each row and column of `values`.
    """

    axes: int
    values: Float[np.ndarray, "rows columns"]
    rows: Sequence[str]
    columns: Sequence[str]
    limit: float | None = None

    def __post_init__(self) -> None:
        """Refuse names that do not fit."""
        named = len(self.rows), len(self.columns)
        if self.values.shape != named:
            raise ValueError(f"values must have a row and a column for each name, {named}, got {self.values.shape}")

    @property
    def furthest(self) -> float:
        """Give the number at which the colour is full."""
        if self.limit is not None:
            return self.limit
        finite = self.values[np.isfinite(self.values)]
        return float(np.abs(finite).max(initial=0)) or 1.0

    def describe(self, figure: Figure) -> dict[str, Any]:
        """Give what the page draws from: the place in pixels, and the numbers as float32."""
        return {
            "kind": "heat",
            "box": box_of(figure.axes[self.axes]),
            "rows": list(self.rows),
            "columns": list(self.columns),
            "limit": self.furthest,
            "values": self.values.astype("<f4").tobytes(),
        }

    def draw(self, figure: Figure) -> list[Any]:
        """Draw it by Matplotlib; give what is to be taken away afterwards."""
        look = {"cmap": COLOURS, "vmin": -self.furthest, "vmax": self.furthest, "interpolation": "nearest"}
        return [_filled(figure, self.axes, np.ma.masked_invalid(self.values), **look)]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Coloured cells that fill one axes.

    Args:
        axes: the number of the axes in its figure.
        colors: red, green and blue from 0 to 1 of each cell, the top row first.
        smooth: whether each cell runs into the next, as the picture is larger than its cells.

    Raises:
        ValueError: if `colors` are not three numbers a cell.
    """

    axes: int
    colors: Float[np.ndarray, "rows columns rgb"]
    smooth: bool = True

    def __post_init__(self) -> None:
        """Refuse what has other colours."""
        if self.colors.ndim != 3 or self.colors.shape[2] != 3:
            raise ValueError(f"colors must be red, green and blue for each cell, got shape {self.colors.shape}")

    def describe(self, figure: Figure) -> dict[str, Any]:
        """Give what the page draws from: the place in pixels, and the bytes of each cell with its opacity, full."""
        rows, columns, _ = self.colors.shape
        cells = np.full((rows, columns, 4), 255, np.uint8)
        cells[..., :3] = np.round(255 * self.colors.clip(0, 1))
        return {
            "kind": "picture",
            "box": box_of(figure.axes[self.axes]),
            "columns": columns,
            "cells": cells.tobytes(),
            "smooth": self.smooth,
        }

    def draw(self, figure: Figure) -> list[Any]:
        """Draw it by Matplotlib; give what is to be taken away afterwards."""
        interpolation = "bilinear" if self.smooth else "nearest"
        return [_filled(figure, self.axes, self.colors.clip(0, 1), interpolation=interpolation)]


def _filled(figure: Figure, axes: int, cells: np.ndarray, **look: Any) -> Any:
    """Let cells fill one axes, under its lines."""
    place = figure.axes[axes]
    extent = (*place.get_xlim(), *place.get_ylim())
    return place.imshow(cells, extent=extent, aspect="auto", zorder=0.5, **look)


@dataclass(frozen=True, kw_only=True)
class Words:
    """Short texts at places of one axes.

    Args:
        axes: the number of the axes in its figure.
        x, y: in data units; each text stands at the middle of its height.
        align: which part of a text stands at x: "left", "center" or "right".
        size: of the letters, in points.
        upright: whether the texts run upwards, each from its place.

    Raises:
        ValueError: if there is not an x and a y for each text.
    """

    axes: int
    x: Sequence[float]
    y: Sequence[float]
    texts: Sequence[str]
    align: str = "left"
    size: float = 8
    color: str = "#333333"
    upright: bool = False

    def __post_init__(self) -> None:
        """Refuse places that do not fit."""
        if not len(self.x) == len(self.y) == len(self.texts):
            raise ValueError(f"texts must have an x and a y each, got {len(self.x)}, {len(self.y)}, {len(self.texts)}")

    def describe(self, figure: Figure) -> dict[str, Any]:
        """Give what the page draws from: the places and the size in pixels."""
        axes, height = cast(Axes, figure.axes[self.axes]), figure.bbox.height
        places = axes.transData.transform(np.column_stack([self.x, self.y]).reshape(-1, 2))
        return {
            "kind": "words",
            "places": [[float(x), float(height - y)] for x, y in places],
            "texts": list(self.texts),
            "align": self.align,
            "size": self.size * figure.dpi / 72,
            "color": self.color,
            "upright": self.upright,
        }

    def draw(self, figure: Figure) -> list[Any]:
        """Draw them by Matplotlib; give what is to be taken away afterwards."""
        axes = figure.axes[self.axes]
        look = {"size": self.size, "color": self.color, "clip_on": False}
        if self.upright:
            look |= {"rotation": 90, "ha": "center", "va": "bottom"}
        else:
            look |= {"ha": self.align, "va": "center"}
        return [axes.text(x, y, text, **look) for x, y, text in zip(self.x, self.y, self.texts, strict=True)]


Overlay = HeatMap | Picture | Words


def box_of(axes: Any) -> list[float]:
    """Give left, top, width and height of an axes in pixels from the top left of its figure."""
    b = axes.bbox
    return [float(v) for v in (b.x0, axes.figure.bbox.height - b.y1, b.width, b.height)]
