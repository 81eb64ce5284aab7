"""Draw pictures with what is in them: the outline of a mask, and boxes.

Taught in: 13
"""

from collections.abc import Sequence

from jaxtyping import Bool, Float, Shaped
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy import ndarray

from kit.explore.palette import BLUE, ORANGE


def draw_picture(
    axes: Axes,
    image: Float[ndarray, "height width"],
    mask: Bool[ndarray, "height width"] | None = None,
    *,
    color: str = BLUE,
    title: str = "",
) -> None:
    """Draw a picture of grey values from 0 to 1, as ink on paper, with the outline of a mask."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    if mask is not None and mask.any() and not mask.all():
        axes.contour(mask, levels=[0.5], colors=[color], linewidths=1.2)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)
    axes.grid(visible=False)


def draw_boxes(axes: Axes, boxes: Shaped[ndarray, "n 4"], names: Sequence = (), *, color: str = ORANGE) -> None:
    """Draw boxes over a picture, each with its name above it; a box ends between two pixels."""
    for i, (left, top, right, bottom) in enumerate(boxes - 0.5):
        side = right - left, bottom - top
        axes.add_patch(Rectangle((left, top), *side, fill=False, edgecolor=color, linewidth=2))
        if len(names):
            axes.text(left, top - 1, str(names[i]), color=color, fontsize=9, va="bottom")
