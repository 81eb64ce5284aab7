"""What a figure says, written into its own PNG: texts, axes, scales, legends, and the data of every artist.

The kernels of the notebook tests (tests/notebooks/startup.py) add the description to every picture
that they draw; tests/notebooks/pictures.py reads it back and compares. Data are thinned to some sixty points an
artist, as positions on their axes' own scales, so that a distance is what a reader's eye sees.
"""

import json
from functools import wraps
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, PathCollection, QuadMesh
from matplotlib.colorizer import ColorizingArtist
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.text import Annotation, Text
from PIL.PngImagePlugin import PngInfo

KEY = "says"  # of the PNG's text chunk
MOST = 64  # points kept of one artist, and cells along each side of an image


def describe(figure: Any) -> dict:
    """Describe a figure by what can be read off it."""
    return {
        "size": [round(float(side), 3) for side in figure.get_size_inches()],
        "texts": [text.get_text() for text in figure.texts if text.get_visible()],
        "title": figure.get_suptitle() if hasattr(figure, "get_suptitle") else "",
        "axes": [describe_axes(axes) for axes in figure.axes if axes.get_visible()],
    }


def describe_axes(axes: Any) -> dict:
    legend = axes.get_legend()
    span = np.ptp(scaled(axes, [axes.get_xlim(), axes.get_ylim()]), axis=1)
    drawn = [*axes.lines, *axes.patches, *axes.collections, *axes.images, *axes.texts, *axes.tables]
    return {
        "titles": [axes.get_title(loc) for loc in ("left", "center", "right")],
        "labels": [axes.get_xlabel(), axes.get_ylabel()],
        "scales": [axes.get_xscale(), axes.get_yscale()],
        "ticks": [words(axis) for axis in (axes.xaxis, axes.yaxis)],
        "frame": bool(axes.axison),
        "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
        "limits": points(scaled(axes, [axes.get_xlim(), axes.get_ylim()]), span),
        "artists": [describe_artist(artist, axes, span) for artist in drawn if artist.get_visible()],
    }


def words(axis: Any) -> list[str]:
    """List the tick labels that somebody chose; numbers that Matplotlib chose follow from the limits."""
    formatter = type(axis.get_major_formatter()).__name__
    chosen = formatter in ("FixedFormatter", "StrCategoryFormatter")
    return [text.get_text() for text in axis.get_ticklabels()] if chosen else []


def describe_artist(artist: Any, axes: Any, span: np.ndarray) -> dict:
    kind = type(artist).__name__
    saying: dict[str, Any] = {"kind": kind, "style": style(artist)}
    transform = artist.get_transform()
    if isinstance(artist, Text):
        saying["text"] = artist.get_text()
        where = np.array(artist.get_position(), dtype=float)[:, None]
        if isinstance(artist, Annotation):  # its position is that of the words; what it points at is in data
            where, transform = np.array(artist.xy, dtype=float)[:, None], axes.transData
    elif isinstance(artist, Line2D):
        where = np.array(artist.get_data(orig=False), dtype=float)
    elif isinstance(artist, PathCollection):
        where, transform = np.ma.filled(artist.get_offsets(), np.nan).T, artist.get_offset_transform()
    elif isinstance(artist, ContourSet):  # where a level's path is cut into pieces is Matplotlib's affair
        boxes = [path.get_extents().get_points() for path in artist.get_paths() if len(path.vertices)]
        where = np.concatenate([np.zeros((0, 2)), *boxes]).T
        saying["levels"] = [float(f"{level:.4g}") for level in artist.levels]
    elif isinstance(artist, QuadMesh):
        where = artist.get_coordinates().reshape(-1, 2).T
    elif isinstance(artist, Collection):
        paths = [path.vertices for path in artist.get_paths() if len(path.vertices)]
        where = np.concatenate([np.zeros((0, 2)), *paths]).T
        saying["pieces"] = len(paths)
    elif isinstance(artist, AxesImage):
        left, right, bottom, top = artist.get_extent()
        where = np.array([[left, right], [bottom, top]])
    elif isinstance(artist, Patch) and not isinstance(artist, FancyArrowPatch):  # an arrow's place is its note's
        where = artist.get_patch_transform().transform(artist.get_path().vertices).T
    else:
        return saying
    in_data = transform.contains_branch_seperately(axes.transData)
    seen = scaled(axes, where)
    moved = [seen[i] if inside else where[i] for i, inside in enumerate(in_data)]
    saying["points"] = points(moved, [s if inside else 1.0 for s, inside in zip(span, in_data, strict=True)])
    if is_mapped(artist) and not isinstance(artist, ContourSet):
        grid = np.ma.filled(np.ma.asarray(artist.get_array(), dtype=float), np.nan)
        saying["shape"] = list(grid.shape)
        for axis in range(min(grid.ndim, 2)):
            grid = grid.take(np.linspace(0, grid.shape[axis] - 1, min(MOST, grid.shape[axis])).astype(int), axis=axis)
        low, high = artist.get_clim() if grid.ndim < 3 else (0.0, max(1.0, float(np.nanmax(grid))))
        saying["shades"] = points([grid.ravel(), [low, high]], [high - low] * 2, most=MOST**2)
    return saying


def is_mapped(artist: Any) -> bool:
    """Tell whether data, and not somebody, chose an artist's colours."""
    return isinstance(artist, ColorizingArtist) and artist.get_array() is not None


def style(artist: Any) -> list:
    """Name an artist's look: colours, widths, dashes, markers; what is coloured by its data is data."""
    look = []
    for name in ("color", "edgecolor", "facecolor", "linestyle", "linewidth", "marker", "markersize", "alpha",
                 "fontsize", "hatch"):  # fmt: skip
        if not hasattr(artist, f"get_{name}"):
            continue
        value = getattr(artist, f"get_{name}")()
        if "color" in name:
            several = not isinstance(value, str) and np.ndim(value) > 1
            value = (
                "mapped" if is_mapped(artist) else sorted({to_hex(row) for row in value}) if several else to_hex(value)
            )
        look.append(f"{name} {value}")
    return look


def scaled(axes: Any, where: Any) -> np.ndarray:
    """Give data their place on the axes' scales: the logarithm, on a logarithmic one."""
    x, y = np.asarray(where, dtype=float)
    with np.errstate(all="ignore"):
        return np.array([axes.xaxis.get_transform().transform(x), axes.yaxis.get_transform().transform(y)])


def points(rows: Any, span: Any, most: int = MOST) -> dict:
    """Thin rows of numbers, and round them to a hundred-thousandth of their span."""
    at = []
    for row, width in zip(rows, span, strict=True):
        kept, n = np.asarray(row, dtype=float), len(row)
        if n > most:
            kept = np.interp(np.linspace(0, n - 1, most), np.arange(n), kept)
        units = np.round(kept / (abs(width) or 1.0) * 1e5)
        at.append([int(u) if np.isfinite(u) and abs(u) < 1e15 else None for u in units])
    return {"n": len(rows[0]), "at": at}


def install() -> None:
    """From now on, let Matplotlib write what a figure says into each PNG."""
    plain = FigureCanvasAgg.print_png
    if hasattr(plain, "__wrapped__"):
        return

    @wraps(plain)
    def print_png(self, filename_or_obj, *, metadata=None, pil_kwargs=None):
        info = PngInfo()
        info.add_text(KEY, json.dumps(describe(self.figure), separators=(",", ":")), zip=True)
        plain(self, filename_or_obj, metadata=metadata, pil_kwargs={**(pil_kwargs or {}), "pnginfo": info})

    FigureCanvasAgg.print_png = print_png
