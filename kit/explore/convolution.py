"""A view of convolution on a photo: type a kernel, point at a pixel, and see the sum behind it and what it sees.

Taught in: 12
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

from kit.arguments import count, one_of, shown
from kit.blocks.convolution import conv2d
from kit.explore.live import Choice, Drag, Frame, LiveView, Slider, Stage, Text
from kit.explore.overlay import HeatMap, Picture, Words
from kit.explore.palette import HOUSE, ORANGE
from kit.learn.convolution import Field, Window, receptive_field

PHOTOS = {"temple": "china.jpg", "flower": "flower.jpg"}
HEIGHT, WIDTH, BLOCK = 96, 128, 4  # of the photo in view, and the pixels of the file that one of its pixels averages
KERNELS = (
    "upright edges: -1 0 1 / -2 0 2 / -1 0 1",
    "level edges: -1 -2 -1 / 0 0 0 / 1 2 1",
    "all edges: -1 -1 -1 / -1 8 -1 / -1 -1 -1",
    "blur: .11 .11 .11 / .11 .12 .11 / .11 .11 .11",
    "sharpen: 0 -1 0 / -1 5 -1 / 0 -1 0",
    "emboss: -2 -1 0 / -1 1 1 / 0 1 2",
    "nothing: 0 0 0 / 0 1 0 / 0 0 0",
)
SIDES, LARGEST = (1, 3, 5), 99.0
MOST_LAYERS, STRIDES, BETWEEN = 5, (1, 2), ("nothing", "ReLU")
QUEST_SIZE, QUEST_LAYERS = 31, 4
DEEP_BLUE = np.array([0.25, 0.6, 1.0])  # of what lies below 0; on black it can be seen


@cache
def photo(name: str) -> Float[np.ndarray, "height width"]:
    """Load one of scikit-learn's two photos in grey, from 0 to 1: its middle, 96 by 128 pixels.

    Raises:
        ValueError: if `name` is not one of `PHOTOS`.
    """
    file = load_sample_image(PHOTOS[one_of("name", name, tuple(PHOTOS))]).astype(float) / 255
    grey = file @ np.array([0.299, 0.587, 0.114])  # as bright as the eye sees red, green and blue
    rows, columns = (size // BLOCK for size in grey.shape)
    blocks = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))
    top, left = (rows - HEIGHT) // 2, (columns - WIDTH) // 2
    return blocks[top : top + HEIGHT, left : left + WIDTH]


def parse_kernel(text: str) -> Float[np.ndarray, "side side"] | str:
    """Read a kernel from its rows, with / between them; a name and a colon may stand before. Else say what is amiss.

    Raises:
        TypeError: if `text` is not a text.

    >>> parse_kernel("mean: .5 .5")
    'A kernel has 1, 3 or 5 rows of as many numbers, with / between the rows.'
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {shown(text)}")
    rows = [row.replace(",", " ").split() for row in text.rpartition(":")[2].split("/")]
    if len(rows) not in SIDES or any(len(row) != len(rows) for row in rows):
        return "A kernel has 1, 3 or 5 rows of as many numbers, with / between the rows."
    try:
        kernel = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError:
        return "A kernel is made of numbers, such as -1, 0 or 0.5."
    if not (np.abs(kernel) <= LARGEST).all():
        return f"A kernel's numbers lie between {-LARGEST:g} and {LARGEST:g}."
    return kernel


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A photo, and what layers of one kernel make of it.

    Args:
        maps: the photo, then what each layer gives.
        field: which pixels of the photo an output of the last layer sees, along either side.
    """

    maps: tuple[np.ndarray, ...]
    kernel: Float[np.ndarray, "side side"]
    stride: int
    field: Field

    def place_of(self, row: int, column: int) -> tuple[int, int]:
        """Find the output whose field has its middle nearest to a pixel of the photo."""
        rows, columns = self.maps[-1].shape
        step, half = self.field.step, self.field.step // 2
        return min((row + half) // step, rows - 1), min((column + half) // step, columns - 1)

    def patch(self, row: int, column: int) -> Float[np.ndarray, "side side"]:
        """Give the numbers of the layer before that an output sums over; 0 outside."""
        side, before = len(self.kernel), np.pad(self.maps[-2], len(self.kernel) // 2)
        return before[row * self.stride :, column * self.stride :][:side, :side]


def stack(name: str, kernel: Float[np.ndarray, "side side"], *, n_layers: int, stride: int, between: str) -> Stack:
    """Send a photo through layers that all have one kernel.

    Args:
        between: what stands between two layers: "nothing" or "ReLU".

    Raises:
        TypeError, ValueError: if `name` is no photo, `kernel` is not square with an odd side, `n_layers` or `stride`
            is no whole number above 0, or `between` is neither.
    """
    n_layers, stride = count("n_layers", n_layers), count("stride", stride)
    one_of("between", between, BETWEEN)
    maps = [photo(name)]
    if (
        not isinstance(kernel, np.ndarray)
        or kernel.ndim != 2
        or kernel.shape[0] != kernel.shape[1]
        or len(kernel) % 2 == 0
    ):
        raise ValueError(f"kernel must be square with an odd side, got {shown(kernel)}")
    weights = torch.from_numpy(kernel.astype(float))[None, None]
    for layer in range(n_layers):
        x = torch.from_numpy(maps[-1])[None, None]
        x = x.clamp(min=0) if layer and between == "ReLU" else x
        maps[-1] = x[0, 0].numpy()  # what the next layer reads
        maps.append(conv2d(x, weights, stride=stride, padding=len(kernel) // 2)[0, 0].numpy())
    window = Window(kernel=len(kernel), stride=stride, padding=len(kernel) // 2)
    return Stack(maps=tuple(maps), kernel=kernel, stride=stride, field=receptive_field([window] * n_layers))


def coloured(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns 3"]:
    """Colour a map: black at 0, grey to white above, blue below; only the outermost 2% go beyond full colour."""
    share = (values / max(0.2, float(np.percentile(np.abs(values), 98)))).clip(-1, 1)
    return np.where(share[..., None] >= 0, share[..., None], -share[..., None] * DEEP_BLUE)


def outline(top: float, left: float, high: float, wide: float) -> tuple[Any, Any]:
    """Give the line around a rectangle."""
    return [left, left + wide, left + wide, left, left], [top, top, top + high, top + high, top]


def kernel_frame(name: str, kernel: str, n_layers: int, stride: int, between: str, row: int, column: int) -> Frame:
    """Show a photo, what the layers make of it, and the sum behind one output."""
    parsed = parse_kernel(kernel)
    if isinstance(parsed, str):
        nothing: tuple[Any, Any] = ([], [])
        return Frame(lines=[nothing] * 2, overlays=[_grey(0, photo(name))], sentence=parsed)
    found = stack(name, parsed, n_layers=n_layers, stride=stride, between=between)
    at_row, at_column = found.place_of(row, column)
    patch, last = found.patch(at_row, at_column), found.maps[-1]
    products, value = patch * parsed, float(last[at_row, at_column])
    (top, bottom), (left, right) = found.field.of(at_row), found.field.of(at_column)
    size, high, wide = found.field.size, HEIGHT / last.shape[0], WIDTH / last.shape[1]
    flat = bool(np.abs(parsed).max() > 0 and abs(parsed.sum()) < 1e-9)
    number = f"{value:.2f}".replace("-0.00", "0.00")
    return Frame(
        lines=[outline(top, left, size, size), outline(at_row * high, at_column * wide, high, wide)],
        overlays=[
            _grey(0, photo(name)),
            Picture(axes=1, colors=coloured(last), smooth=False),
            *_table(2, patch, limit=1.0),
            *_table(3, parsed, limit=float(np.abs(parsed).max())),
            *_table(4, products, limit=max(1.0, float(np.abs(products).max()))),
            Words(axes=4, x=[0.5], y=[1.2], texts=[f"sum: {number}"], align="center", size=10, color="#000000"),
        ],
        sentence=(
            f"Layer {n_layers} with stride {stride} gives {last.shape[0]} × {last.shape[1]} outputs. The one marked is "
            f"{number}, a sum of {parsed.size} product{'s'[: parsed.size > 1]}. It sees {size} × {size} pixels of the "
            f"photo: rows {top} to {bottom - 1}, columns {left} to {right - 1}"
            f"{', some of them beyond its edge' if min(top, left) < 0 or bottom > HEIGHT or right > WIDTH else ''}. "
            f"The kernel's numbers add up to {parsed.sum():.2g}."
        ),
        quest_met=flat and size == QUEST_SIZE and n_layers <= QUEST_LAYERS,
    )


def _grey(axes: int, values: Float[np.ndarray, "rows columns"]) -> Picture:
    return Picture(axes=axes, colors=values[..., None].repeat(3, axis=2), smooth=False)


def _table(axes: int, values: Float[np.ndarray, "side side"], *, limit: float) -> list[HeatMap | Words]:
    """Colour a small table, and write its numbers into it."""
    side, names = len(values), [str(i + 1) for i in range(len(values))]
    places = (np.arange(side) + 0.5) / side
    texts = [f"{v:.2f}".rstrip("0").rstrip(".") if abs(v) >= 0.005 else "0" for v in values.ravel()]
    return [
        HeatMap(
            axes=axes,
            values=values,
            rows=[f"row {n}" for n in names],
            columns=[f"column {n}" for n in names],
            limit=limit or 1.0,
        ),
        Words(
            axes=axes,
            x=np.tile(places, side).tolist(),
            y=np.repeat(places, side).tolist(),
            texts=texts,
            align="center",
            size=8 if side < 5 else 6,
            color="#000000",
        ),
    ]


def kernel_stage() -> Stage:
    """Draw what stands still: the places of the photo, of the map, and of the three tables."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.2, 3.5))
        places = [(0.01, 0.06, 0.375, 0.74), (0.4, 0.06, 0.375, 0.74)]
        places += [(0.8, bottom, 0.19, 0.25) for bottom in (0.69, 0.385, 0.08)]
        titles = (
            "The photo, and what the output sees",
            "What the layers make of it",
            "it reads",
            "× kernel",
            "= products",
        )
        for place, title in zip(places, titles, strict=True):
            axes = figure.add_axes(place)
            large = place[2] > 0.3
            axes.set(xlim=(0, WIDTH if large else 1), ylim=(HEIGHT if large else 1, 0), xticks=[], yticks=[])
            axes.set_title(title, fontsize=10 if large else 8, pad=4 if large else 2)
            axes.grid(visible=False)
        figure.text(0.4, 0.9, "white above 0, blue below", fontsize=8, color="#555555")
        figure.text(0.01, 0.9, "point, drag, or move row and column", fontsize=8, color="#555555")
        lines = [axes.plot([], [], "-", color=ORANGE, linewidth=2)[0] for axes in figure.axes[:2]]
    return Stage(figure=figure, lines=lines)


def kernel_view() -> LiveView:
    """Open the kernel editor: a photo, a kernel to type, how many layers of it, their stride, and a pixel."""
    up = range(HEIGHT - 1, -1, -1)  # a drag's y begins at the bottom
    return LiveView(
        title="One kernel on a photo",
        controls=[
            Choice(name="name", label="photo", values=tuple(PHOTOS), labels=tuple(PHOTOS)),
            Text(name="kernel", label="kernel", values=KERNELS, labels=KERNELS),
            Slider(
                name="n_layers",
                label="layers",
                values=range(1, MOST_LAYERS + 1),
                labels=[str(n) for n in range(1, MOST_LAYERS + 1)],
            ),
            Choice(name="stride", label="stride", values=STRIDES, labels=[str(stride) for stride in STRIDES]),
            Choice(name="between", label="between layers", values=BETWEEN, labels=BETWEEN),
            Slider(name="row", label="row", values=up, labels=[str(row) for row in up], start=56),
            Slider(name="column", label="column", values=range(WIDTH), labels=[str(i) for i in range(WIDTH)], start=63),
        ],
        stages=[kernel_stage()],
        frame=kernel_frame,
        quest=(
            f"a kernel that gives 0 where the photo is flat, and an output that sees {QUEST_SIZE} × {QUEST_SIZE} "
            f"pixels through at most {QUEST_LAYERS} layers"
        ),
        drag=Drag(axes=0, x="column", y="row"),
    )
