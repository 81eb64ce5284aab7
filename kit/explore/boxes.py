"""Two boxes to drag over digits: IoU, GIoU and what NMS makes of them, at once.

Taught in: 13
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from kit.arguments import count
from kit.explore.live import Choice, Frame, Grab, Handle, LiveView, Slider, Stage
from kit.explore.overlay import Picture, Words
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK
from kit.learn.boxes import generalized_iou, iou, nms
from kit.learn.pictures import mnist
from kit.learn.scenes import Scenes, compose

SIZE, SIDE_A, SCORES = 64, 20, np.array([0.9, 0.8])
CENTRES, SIDES = range(14, 51), range(6, 29, 2)  # even sides keep every corner between two pixels
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
ONE_CLASS, TWO_CLASSES = "one class", "two classes"
N_SCENES = 6


@cache
def made_scenes() -> Scenes:
    """Compose the pictures of both views from MNIST's digits."""
    rng = np.random.default_rng(4)
    return compose(mnist().images, mnist().labels, n=N_SCENES, size=SIZE, rng=rng, most=2, n_scraps=4, noise=0.05)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two boxes, how they overlap, and whether the second outlives the first.

    Args:
        boxes: the first scores 0.9, the second 0.8.
        shared, together, hull: areas in pixels: in both, in either, of the smallest box around both.
    """

    boxes: Float[np.ndarray, "2 4"]
    iou: float
    giou: float
    shared: int
    together: int
    hull: int
    both_kept: bool


def pair_of(
    a_x: int,
    a_y: int,
    b_x: int,
    b_y: int,
    b_width: int,
    b_height: int,
    *,
    threshold: float = 0.5,
    one_class: bool = True,
) -> Pair:
    """Set up two boxes by their centres, the first of 20 by 20 pixels.

    Raises:
        TypeError, ValueError: if a centre or a side is not a whole number, a side < 1, or `threshold` is not a number
            from 0 to 1.
    """
    given = {"a_x": a_x, "a_y": a_y, "b_x": b_x, "b_y": b_y}
    centres = np.array([count(name, value, at_least=0) for name, value in given.items()]).reshape(2, 2)
    sides = np.array([[SIDE_A, SIDE_A], [count("b_width", b_width), count("b_height", b_height)]])
    boxes = np.hstack([centres - sides / 2, centres + sides / 2])
    overlap = float(iou(boxes[:1], boxes[1:])[0, 0])
    areas = sides.prod(axis=1).sum()
    classes = np.array([0, 0 if one_class else 1])
    return Pair(
        boxes=boxes,
        iou=overlap,
        giou=float(generalized_iou(boxes[:1], boxes[1:])[0, 0]),
        shared=round(areas * overlap / (1 + overlap)),
        together=round(areas / (1 + overlap)),
        hull=round(np.prod(boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0))),
        both_kept=len(nms(boxes, SCORES, threshold=threshold, classes=classes)) == 2,
    )


def boxes_frame(
    a_x: int, a_y: int, b_x: int, b_y: int, b_width: int, b_height: int, threshold: float, classes: str
) -> Frame:
    """Show two boxes over digits, their areas, and how IoU and GIoU go on if the second moves across."""
    about = {"threshold": threshold, "one_class": classes == ONE_CLASS}
    pair = pair_of(a_x, a_y, b_x, b_y, b_width, b_height, **about)
    (a, b), nothing = pair.boxes, ([], [])
    outline = box_line(b)
    way = np.arange(CENTRES[0], CENTRES[-1] + 1)
    moved = np.column_stack([way - b_width / 2, 0 * way + b[1], way + b_width / 2, 0 * way + b[3]])
    overlaps, wider = (of(pair.boxes[:1], moved)[0] for of in (iou, generalized_iou))
    if pair.both_kept:
        why = "two classes leave each other alone" if not about["one_class"] else f"its IoU is not above {threshold:g}"
        fate = f"NMS keeps both: {why}."
    else:
        fate = f"NMS drops B: it scores less, and its IoU is above {threshold:g}."
    hull = np.concatenate([pair.boxes[:, :2].min(axis=0), pair.boxes[:, 2:].max(axis=0)])
    bars = [([0, area], [row, row]) for row, area in enumerate((pair.hull, pair.together, pair.shared))]
    return Frame(
        lines=[
            box_line(hull),
            *((outline, nothing) if pair.both_kept else (nothing, outline)),
            box_line(a),
            ([a_x], [a_y]),
            ([b_x], [b_y]),
            ([b[2]], [b[3]]),
            *bars,
            ([CENTRES[0], CENTRES[-1]], [threshold, threshold]),
            (way, overlaps),
            (way, wider),
            ([b_x], [pair.iou]),
            ([b_x], [pair.giou]),
        ],
        overlays=[
            Picture(axes=0, colors=tinted(made_scenes().images[0], a, b, hull), smooth=False),
            Words(axes=0, x=[a[0]], y=[a[1] - 2], texts=["A, score 0.9"], size=9, color=BLUE),
            Words(axes=0, x=[b[2]], y=[b[3] + 2.5], texts=["B, score 0.8"], size=9, color=ORANGE, align="right"),
            Words(
                axes=1,
                x=[1700] * 3,
                y=[0, 1, 2],
                texts=[f"box around both: {pair.hull}", f"in either: {pair.together}", f"in both: {pair.shared}"],
                align="right",
            ),
        ],
        sentence=(
            f"IoU {pair.shared}/{pair.together} = {pair.iou:.2f}; GIoU = {pair.iou:.2f} - "
            f"{pair.hull - pair.together}/{pair.hull} = {pair.giou:.2f}. {fate}"
        ),
        quest_met=0.45 <= pair.iou <= 0.55 and pair.iou - pair.giou < 0.005,
    )


def box_line(box: Float[np.ndarray, "4"]) -> tuple[list[float], list[float]]:
    """Walk around a box."""
    left, top, right, bottom = box.tolist()
    return [left, right, right, left, left], [top, top, bottom, bottom, top]


def tinted(
    image: Float[np.ndarray, "height width"], a: np.ndarray, b: np.ndarray, hull: np.ndarray
) -> Float[np.ndarray, "height width 3"]:
    """Colour the pixels of a picture by the boxes that they lie in: both, one, or the box around both alone."""
    paper = 1 - 0.85 * np.repeat(image.astype(np.float64)[..., None], 3, axis=2)
    middles = np.arange(len(image)) + 0.5
    inside = [
        ((middles > y0) & (middles < y1))[:, None] & ((middles > x0) & (middles < x1))
        for x0, y0, x1, y1 in (hull, a, b)
    ]
    for where, color, share in (
        (inside[0] & ~inside[1] & ~inside[2], PINK, 0.3),
        (inside[1] ^ inside[2], GREY, 0.3),
        (inside[1] & inside[2], GREEN, 0.55),
    ):
        paper[where] = (1 - share) * paper[where] + share * np.array(to_rgb(color))
    return paper


def boxes_stage() -> Stage:
    """Draw what stands still: the frame of the scene, the axes of the areas and of IoU and GIoU along the way."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.2, 4.4))
        scene = figure.add_axes((0.02, 0.05, 0.4, 0.84))
        areas = figure.add_axes((0.5, 0.72, 0.46, 0.17))
        way = figure.add_axes((0.5, 0.12, 0.46, 0.42))
        scene.set(xlim=(0, SIZE), ylim=(SIZE, 0), xticks=[], yticks=[], title="Drag A, B, or B's corner")
        areas.set(xlim=(0, 1700), ylim=(-0.5, 2.5), yticks=[], title="Areas, in pixels")
        way.set(xlim=(CENTRES[0], CENTRES[-1]), ylim=(-1, 1), title="If B moved across")
        way.set(xlabel="its centre, in pixels from the left")
        for x, text, color in ((0.6, "IoU", GREEN), (0.7, "GIoU", BLUE), (0.82, "NMS threshold", ORANGE)):
            way.text(x, 1.06, text, color=color, transform=way.transAxes, fontsize=9)
        for axes in (scene, areas):
            axes.grid(visible=False)
        lines: list[Any] = []

        def add(axes: Any, look: str, color: str, **more: Any) -> None:
            lines.extend(axes.plot([], [], look, color=color, **more))

        add(scene, "-", PINK, linewidth=1.2)
        add(scene, "-", ORANGE, linewidth=3)
        add(scene, "-", "#b9b9b9", linewidth=1.5)
        add(scene, "-", BLUE, linewidth=3)
        for color in (BLUE, ORANGE, ORANGE):
            add(scene, "o", color, markersize=9)
        for color in (PINK, GREY, GREEN):
            add(areas, "-", color, linewidth=9, solid_capstyle="butt")
        add(way, "-", ORANGE, linewidth=1.2)
        add(way, "-", GREEN)
        add(way, "-", BLUE)
        add(way, "o", GREEN, markersize=9)
        add(way, "o", BLUE, markersize=9)
    return Stage(figure=figure, lines=lines)


def boxes_view() -> LiveView:
    """Open two boxes over digits: drag them, or move their sliders; choose the threshold of NMS, and their classes."""

    def slider(name: str, label: str, values: range, start: int) -> Slider:
        labels = [f"{value} px" for value in values]
        return Slider(name=name, label=label, values=list(values), labels=labels, start=values.index(start))

    return LiveView(
        title="Two boxes",
        controls=[
            slider("a_x", "A across", CENTRES, 18),
            slider("a_y", "A down", CENTRES, 32),
            slider("b_x", "B across", CENTRES, 22),
            slider("b_y", "B down", CENTRES, 35),
            slider("b_width", "B's width", SIDES, 20),
            slider("b_height", "B's height", SIDES, 24),
            Slider(
                name="threshold",
                label="NMS above",
                values=THRESHOLDS,
                labels=[f"{t:g}" for t in THRESHOLDS],
                start=2,
            ),
            Choice(
                name="classes", label="A and B are", values=(ONE_CLASS, TWO_CLASSES), labels=(ONE_CLASS, TWO_CLASSES)
            ),
        ],
        stages=[boxes_stage()],
        frame=boxes_frame,
        quest="an IoU of a half, give or take 0.05, and a GIoU that is no lower",
        drag=Grab(
            axes=0,
            handles=[
                Handle(line=4, x="a_x", y="a_y"),
                Handle(line=5, x="b_x", y="b_y"),
                Handle(line=6, x="b_width", y="b_height", scale=0.5),  # the side grows on both sides of the centre
            ],
        ),
    )
