"""A precision-recall curve that builds up, detection by detection, and the area below it in three readings.

The detections are made up, so that every kind of hit and miss is there: off by some pixels, found twice, found where
nothing is.

Taught in: 13
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from kit.arguments import real
from kit.explore.boxes import SIZE, box_line, made_scenes
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Picture, Words
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE
from kit.learn.boxes import iou
from kit.learn.detection_metrics import average_precision, matched, precision_recall

HIT_AT = (0.3, 0.5, 0.75)
READINGS = {"all": None, "11": 11, "101": 101}
QUEST_GAP, SEED = 0.04, 7


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Detections of all scenes, the best first, and whether each finds a digit."""

    scenes: tuple[int, ...]
    boxes: Float[np.ndarray, "n 4"]
    scores: Float[np.ndarray, "n"]
    overlaps: Float[np.ndarray, "n"]
    hits: Bool[np.ndarray, "n"]
    n_targets: int


@cache
def made_detections() -> tuple[tuple[int, ...], Float[np.ndarray, "n 4"], Float[np.ndarray, "n"]]:
    """Make detections up, as a middling detector gives them: scene, box and score of each, the best first.

    Each digit is found by a box that is off by some pixels, every second one twice, and in each scene something is
    seen anywhere.
    """
    rng = np.random.default_rng(SEED)
    places, boxes, scores = [], [], []
    for i, objects in enumerate(made_scenes().objects):
        for k, box in enumerate(objects.boxes):
            for _ in range(1 + (i + k) % 2):
                places.append(i)
                boxes.append(box + rng.normal(0, 1.8, size=4))
                scores.append(rng.uniform(0.3, 0.98))
        x, y = rng.uniform(0, SIZE - 20, size=2)
        places.append(i)
        boxes.append(np.array([x, y, x + rng.uniform(8, 18), y + rng.uniform(12, 20)]))
        scores.append(rng.uniform(0.2, 0.8))
    order = np.argsort(-np.array(scores), kind="stable")
    return tuple(places[i] for i in order), np.array(boxes)[order], np.array(scores)[order]


@cache
def ranked(hit_at: float) -> Ranked:
    """Match the made detections with the digits, whatever their class, at an IoU.

    Raises:
        TypeError, ValueError: if `hit_at` is not a number above 0 and up to 1.
    """
    hit_at = real("hit_at", hit_at, above=0, at_most=1)
    scenes, boxes, scores = made_detections()
    hits, overlaps, n_targets = np.zeros(len(scores), dtype=bool), np.zeros(len(scores)), 0
    for i, objects in enumerate(made_scenes().objects):
        own = np.array(scenes) == i
        hits[own] = matched(boxes[own], scores[own], objects.boxes, threshold=hit_at)
        overlaps[own] = iou(boxes[own], objects.boxes).max(axis=1)
        n_targets += len(objects.boxes)
    return Ranked(scenes=scenes, boxes=boxes, scores=scores, overlaps=overlaps, hits=hits, n_targets=n_targets)


def curve_frame(n: int, hit_at: float) -> Frame:
    """Show the n-th detection in its scene, the curve up to it, and the area in three readings."""
    found, at = ranked(hit_at), n - 1
    scene, about = found.scenes[at], {"n_targets": found.n_targets}
    precision, recall = precision_recall(found.hits[:n], found.scores[:n], **about)
    areas = {
        name: average_precision(found.hits[:n], found.scores[:n], **about, n_points=points)
        for name, points in READINGS.items()
    }
    best = np.maximum.accumulate(precision[::-1])[::-1]
    box, truth = found.boxes[at], made_scenes().objects[scene].boxes
    nothing = ([], [])
    if found.hits[at]:
        what = "a hit"
    elif found.overlaps[at] >= hit_at:
        what = "false, for its digit is taken"
    else:
        what = f"false, for no digit overlaps it by {hit_at:g}"
    around = [box_line(each) for each in truth]
    last = (recall[-1], precision[-1])
    low, high = min(areas.values()), max(areas.values())
    return Frame(
        lines=[
            *(around[i] if i < len(around) else nothing for i in range(2)),
            *((box_line(box), nothing) if found.hits[at] else (nothing, box_line(box))),
            (np.repeat(np.concatenate([[0], recall]), 2)[1:-1], np.repeat(best, 2)),
            (recall, precision),
            *(([*last[:1]], [*last[1:]]), nothing)[:: 1 if found.hits[at] else -1],
            (list(areas.values()), [2, 1, 0]),
        ],
        overlays=[
            Picture(
                axes=0, colors=np.repeat(1 - 0.85 * made_scenes().images[scene].astype(float)[..., None], 3, axis=2)
            ),
            Words(axes=2, x=[1.02] * 3, y=[2, 1, 0], texts=[f"{area:.2f}" for area in areas.values()], size=9),
        ],
        sentence=(
            f"Detection {n} of {len(found.hits)}, score {found.scores[at]:.2f}, IoU {found.overlaps[at]:.2f}: {what}. "
            f"Precision {precision[-1]:.2f}, recall {found.hits[:n].sum()}/{found.n_targets}. "
            f"AP so far: {areas['all']:.2f} of all points, {areas['11']:.2f} of 11, {areas['101']:.2f} of 101."
        ),
        quest_met=bool(high - low >= QUEST_GAP and 2 * found.hits[:n].sum() >= found.n_targets),
    )


def curve_stage() -> Stage:
    """Draw what stands still: the frame of the scene, the axes of the curve, and those of the three readings."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.2, 3.8))
        scene = figure.add_axes((0.02, 0.06, 0.32, 0.8))
        curve = figure.add_axes((0.42, 0.14, 0.3, 0.72))
        areas = figure.add_axes((0.81, 0.14, 0.12, 0.72))
        scene.set(xlim=(0, SIZE), ylim=(SIZE, 0), xticks=[], yticks=[], title="This detection")
        curve.set(xlim=(0, 1.03), ylim=(0, 1.05), xlabel="recall", ylabel="precision", title="The curve so far")
        areas.set(xlim=(0, 1), ylim=(-0.5, 2.5), xticks=(0, 0.5, 1), xlabel="AP so far", title="Three readings")
        areas.set_yticks((2, 1, 0), labels=READINGS)
        areas.set_ylabel("points")
        scene.grid(visible=False)
        lines = [
            *(scene.plot([], [], color=GREY)[0] for _ in range(2)),
            *scene.plot([], [], color=GREEN, linewidth=3),
            *scene.plot([], [], color=ORANGE, linewidth=3),
            *curve.plot([], [], color=BLUE),
            *curve.plot([], [], "-o", color=GREY, linewidth=1, markersize=4),
            *curve.plot([], [], "o", color=GREEN, markersize=9),
            *curve.plot([], [], "o", color=ORANGE, markersize=9),
            *areas.plot([], [], "o", color=BLUE, markersize=8),
        ]
    return Stage(figure=figure, lines=lines)


def curve_view() -> LiveView:
    """Open the curve: a slider goes through the detections, the best first; a choice says what makes a hit."""
    n = len(made_detections()[2])
    return LiveView(
        title="Precision and recall, detection by detection",
        controls=[
            Slider(
                name="n",
                label="detections",
                values=range(1, n + 1),
                labels=[f"{i} of {n}" for i in range(1, n + 1)],
                start=n // 2,
                play=True,
            ),
            Choice(
                name="hit_at",
                label="a hit from an IoU of",
                values=HIT_AT,
                labels=[f"{at:g}" for at in HIT_AT],
                start=1,
            ),
        ],
        stages=[curve_stage()],
        frame=curve_frame,
        quest=f"with half of the digits found, two readings of the same curve that are {QUEST_GAP:g} apart",
    )
