"""The exercises of notebook 13: IoU, NMS, hits, average precision, cells of a grid, a skip, two means of mask IoU.

Taught in: 13
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kit.check.exercise import Exercise, Mistake

# IoU -------------------------------------------------------------------------------------------------


def _iou(a: np.ndarray, b: np.ndarray, *, one: float = 0.0, cut: bool = True, twice: bool = False) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + one
    height = min(a[3], b[3]) - max(a[1], b[1]) + one
    shared = max(width, 0) * max(height, 0) if cut else width * height
    areas = [(box[2] - box[0] + one) * (box[3] - box[1] + one) for box in (a, b)]
    return shared / (sum(areas) - (0 if twice else shared))


def _by_hull(a: np.ndarray, b: np.ndarray) -> float:
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return _shared(a, b) / hull


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    return max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)


def _by_area(a: np.ndarray, b: np.ndarray, *, of: Callable[..., float]) -> float:
    return _shared(a, b) / of((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))


def _as_sides(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (np.concatenate([box[:2], box[:2] + box[2:]]) for box in (a, b))
    return _iou(a, b)


_BOXES = [
    ((0, 0, 10, 10), (5, 0, 15, 10)),
    ((2, 3, 8, 12), (4, 1, 9, 6)),
    ((0, 0, 2, 2), (5, 7, 9, 8)),
    ((0, 0, 4, 3), (6, 1, 9, 5)),
    ((1, 1, 9, 9), (2, 3, 4, 8)),
    ((3, 0, 5, 4), (1, 6, 8, 9)),
    ((1, 7, 9, 12), (3, 8, 7, 15)),
]

box_iou = Exercise(
    notebook="13",
    name="intersection over union",
    solution=_iou,
    cases=tuple(tuple(np.array(box, dtype=float) for box in pair) for pair in _BOXES),
    mistakes=(
        Mistake(
            hint="Boxes that are apart share nothing: a side below 0 counts 0. Two of them multiply to a false area.",
            answer=partial(_iou, cut=False),
        ),
        Mistake(
            hint="That + 1 counts pixels of which the last is inside. Here right and bottom are borders: no + 1.",
            answer=partial(_iou, one=1.0),
        ),
        Mistake(
            hint="What both share is in both areas, and so counted twice below the line. Take it off once.",
            answer=partial(_iou, twice=True),
        ),
        Mistake(
            hint="You divided by the box around both. The union leaves out the corners that neither covers.",
            answer=_by_hull,
        ),
        Mistake(hint="You divided by the smaller area. Divide by the union of both.", answer=partial(_by_area, of=min)),
        Mistake(hint="You divided by the larger area. Divide by the union of both.", answer=partial(_by_area, of=max)),
        Mistake(hint="You read the last two numbers as width and height. They are right and bottom.", answer=_as_sides),
        Mistake(hint="That is the area that both share. Divide it by the union.", answer=_shared),
    ),
)

# NMS -------------------------------------------------------------------------------------------------


def _overlaps(boxes: np.ndarray) -> np.ndarray:
    return np.array([[_iou(a, b) for b in boxes] for a in boxes])


def _nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray,
    threshold: float,
    *,
    by_class: bool = True,
    dropped_too: bool = False,
    or_equal: bool = False,
    order: str = "best first",
) -> np.ndarray:
    overlaps, kept, seen = _overlaps(boxes), [], []
    ranked = {"best first": np.argsort(-scores), "worst first": np.argsort(scores), "as given": np.arange(len(scores))}
    for i in ranked[order]:
        against = [j for j in (seen if dropped_too else kept) if not by_class or classes[j] == classes[i]]
        if not any(overlaps[i, j] > threshold or (or_equal and overlaps[i, j] == threshold) for j in against):
            kept.append(i)
        seen.append(i)
    return np.array(kept)


def _scattered(seed: int, n: int, threshold: float) -> tuple:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 12, size=(n, 2)).astype(float)
    boxes = np.hstack([corners, corners + rng.integers(5, 11, size=(n, 2))])
    return boxes, rng.permutation(np.linspace(0.1, 0.9, n)), rng.integers(0, 2, size=n), threshold


_CHAIN = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10], [0, 0, 10, 20.0]])

nms_by_class = Exercise(
    notebook="13",
    name="NMS by class",
    solution=_nms,
    cases=(
        _scattered(0, 9, 0.3),
        (_CHAIN, np.array([0.9, 0.8, 0.7, 0.6]), np.array([0, 0, 0, 1]), 0.3),
        (_CHAIN[[0, 3, 1]], np.array([0.5, 0.7, 0.6]), np.array([1, 1, 0]), 0.5),
        _scattered(1, 12, 0.2),
    ),
    mistakes=(
        Mistake(
            hint="A box of another class is dropped there. Compare boxes of one class: a cat leaves a sofa alone.",
            answer=partial(_nms, by_class=False),
        ),
        Mistake(
            hint="Boxes that were dropped still drop others there. Compare with those that are kept.",
            answer=partial(_nms, dropped_too=True),
        ),
        Mistake(
            hint="You went through the boxes as they come. Begin with the highest score.",
            answer=partial(_nms, order="as given"),
        ),
        Mistake(
            hint="You began with the lowest score: np.argsort rises. Begin with the highest.",
            answer=partial(_nms, order="worst first"),
        ),
        Mistake(
            hint="A box at the threshold itself stays: drop what overlaps by more.", answer=partial(_nms, or_equal=True)
        ),
        Mistake(
            hint="Those are the right places in rising order. Return them best first.",
            answer=lambda *case: np.sort(_nms(*case)),
        ),
        Mistake(
            hint="Those are the boxes. Return their places in the list.", answer=lambda *case: case[0][_nms(*case)]
        ),
        Mistake(hint="Nothing is dropped there.", answer=lambda *case: np.argsort(-case[1])),
    ),
)

# Hits ------------------------------------------------------------------------------------------------


def _hits(
    overlaps: np.ndarray, threshold: float, *, again: bool = False, first_choice: bool = False, strict: bool = False
) -> np.ndarray:
    free, hits = np.ones(overlaps.shape[1], dtype=bool), []
    for row in overlaps:
        row = row if again or first_choice else np.where(free, row, -1)
        best = row.argmax()
        enough = row[best] > threshold if strict else row[best] >= threshold
        hits.append(enough and (again or bool(free[best])))
        if hits[-1]:
            free[best] = False
    return np.array(hits)


def _any_free(overlaps: np.ndarray, threshold: float) -> np.ndarray:
    """Take the first free object that is near enough, and not the nearest."""
    free, hits = np.ones(overlaps.shape[1], dtype=bool), []
    for row in overlaps:
        near = np.flatnonzero(free & (row >= threshold))
        hits.append(len(near) > 0)
        free[near[:1]] = False
    return np.array(hits)


hits = Exercise(
    notebook="13",
    name="hits and false positives",
    solution=_hits,
    cases=(
        (np.array([[0.8, 0.1], [0.7, 0.0], [0.2, 0.5], [0.1, 0.3]]), 0.5),
        (np.array([[0.6, 0.9], [0.55, 0.8], [0.0, 0.7], [0.9, 0.0]]), 0.5),
        (np.array([[0.5, 0.6, 0.0], [0.7, 0.4, 0.0], [0.2, 0.9, 0.75], [0.0, 0.0, 0.8]]), 0.4),
        (np.array([[0.3, 0.2], [0.74, 0.1], [0.0, 0.0]]), 0.75),
        (np.array([[0.6, 0.7], [0.65, 0.2]]), 0.6),
    ),
    mistakes=(
        Mistake(
            hint="A second detection of one object counts there. A taken object is taken: the second is false.",
            answer=partial(_hits, again=True),
        ),
        Mistake(
            hint="You looked at the nearest object alone, taken or not. Look for the nearest of those that are free.",
            answer=partial(_hits, first_choice=True),
        ),
        Mistake(
            hint="An overlap at the threshold itself is a hit: compare with >=.", answer=partial(_hits, strict=True)
        ),
        Mistake(
            hint="You took the first free object that is near enough. Take the nearest, or another loses its own.",
            answer=_any_free,
        ),
        Mistake(
            hint="You marked the objects that are found. Give a boolean for each detection.",
            answer=lambda overlaps, threshold: (overlaps >= threshold).any(axis=0),
        ),
        Mistake(hint="Those are turned round: True where a detection is a hit.", answer=lambda *case: ~_hits(*case)),
    ),
)

# Average precision -----------------------------------------------------------------------------------


def _readings(
    hits: np.ndarray,
    n_targets: int,
    *,
    best_beyond: bool = True,
    first: int = 0,
    by: str = "targets",
    beyond: bool = False,
) -> tuple[float, float, float]:
    found = hits.cumsum()
    precision = found / np.arange(1, len(hits) + 1)
    recall = found / {"targets": n_targets, "detections": len(hits), "hits": hits.sum()}[by]
    best = np.maximum.accumulate(precision[::-1])[::-1] if best_beyond else precision
    areas = [float(np.diff(recall, prepend=0) @ best)]
    for n in (10, 100):
        asked = np.arange(first, n + 1) / n
        places = np.searchsorted(recall, asked, side="right" if beyond else "left")
        areas.append(float(np.append(best, 0)[places].mean()))
    return areas[0], areas[1], areas[2]


def _trapezoids(hits: np.ndarray, n_targets: int) -> tuple[float, float, float]:
    _, eleven, hundred = _readings(hits, n_targets)
    found = hits.cumsum()
    precision, recall = found / np.arange(1, len(hits) + 1), found / n_targets
    before = np.append(precision[:1], precision[:-1])
    return float(np.diff(recall, prepend=0) @ (before + precision) / 2), eleven, hundred


average_precision = Exercise(
    notebook="13",
    name="average precision in three readings",
    solution=_readings,
    cases=(
        (np.array([True, True, False, False, False]), 3),
        (np.array([True, False, True, True, False, True]), 5),
        (np.array([False, True, True, False, True, True, False, True]), 10),
        (np.array([False, False, True, True]), 2),
    ),
    mistakes=(
        Mistake(
            hint="At each recall the best precision there or beyond counts: carry the maximum from right to left.",
            answer=partial(_readings, best_beyond=False),
        ),
        Mistake(
            hint="Divide by the objects, found or not. You divided by the detections.",
            answer=partial(_readings, by="detections"),
        ),
        Mistake(
            hint="Divide by the objects, found or not. You divided by those that were found, and so never miss one.",
            answer=partial(_readings, by="hits"),
        ),
        Mistake(
            hint="The recalls that are asked for begin at 0: 11 and 101 of them.", answer=partial(_readings, first=1)
        ),
        Mistake(
            hint="A recall that is reached exactly counts: recall >= r, not beyond it.",
            answer=partial(_readings, beyond=True),
        ),
        Mistake(
            hint="The area of all points is made of steps: the width of each by the best precision, no trapezoids.",
            answer=_trapezoids,
        ),
        Mistake(hint="The order is turned round: all points, 11, 101.", answer=lambda *case: _readings(*case)[::-1]),
    ),
)

# The grid --------------------------------------------------------------------------------------------


def _cells(
    boxes: np.ndarray, cell: float, *, point: str = "centre", rounded: Callable = np.floor, share: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centres = {"centre": (boxes[:, :2] + boxes[:, 2:]) / 2, "corner": boxes[:, :2], "size": boxes[:, 2:] - boxes[:, :2]}
    x, y = centres[point].T
    columns, rows = rounded(x / cell).astype(int), rounded(y / cell).astype(int)
    inside = np.column_stack([x, y]) / (cell if share else 1) - np.column_stack([columns, rows]) * (
        1 if share else cell
    )
    return rows, columns, inside


def _swapped(boxes: np.ndarray, cell: float) -> tuple:
    rows, columns, inside = _cells(boxes, cell)
    return columns, rows, inside


def _y_first(boxes: np.ndarray, cell: float) -> tuple:
    rows, columns, inside = _cells(boxes, cell)
    return rows, columns, inside[:, ::-1]


grid_cells = Exercise(
    notebook="13",
    name="the cell that must answer",
    solution=_cells,
    cases=(
        (np.array([[11.0, 22, 21, 42], [40, 24, 53, 44]]), 8),
        (np.array([[0.0, 3, 5, 10], [30, 1, 44, 18], [17, 20, 23, 31]]), 16),
    ),
    mistakes=(
        Mistake(hint="Rows and columns are swapped: y says the row, x the column. Return rows first.", answer=_swapped),
        Mistake(
            hint="The box's corner chose the cell. Its centre does: half of left and right, of top and bottom.",
            answer=partial(_cells, point="corner"),
        ),
        Mistake(
            hint="You rounded to the nearest. A cell begins at its left and top: round down.",
            answer=partial(_cells, rounded=np.round),
        ),
        Mistake(
            hint="Where in the cell is in pixels there. Divide by the cell's side: from 0 to 1.",
            answer=partial(_cells, share=False),
        ),
        Mistake(hint="Where in the cell has y first there. Give x, then y.", answer=_y_first),
        Mistake(
            hint="You took half of the width for the centre. That of a box is half of left + right.",
            answer=lambda boxes, cell: _cells(np.hstack([0 * boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]), cell),
        ),
    ),
)

# A skip ----------------------------------------------------------------------------------------------


def _skip(encoded: Tensor, below: Tensor, *, corner: bool = False, turned: bool = False) -> Tensor:
    rows, columns = below.shape[2:]
    top = 0 if corner else (encoded.shape[2] - rows) // 2
    left = 0 if corner else (encoded.shape[3] - columns) // 2
    middle = encoded[:, :, top : top + rows, left : left + columns]
    return torch.cat([below, middle] if turned else [middle, below], dim=1)


def _resized(encoded: Tensor, below: Tensor) -> Tensor:
    small = F.interpolate(encoded, size=below.shape[2:], mode="bilinear")
    return torch.cat([small, below], dim=1)


def _added(encoded: Tensor, below: Tensor) -> Tensor:
    return _skip(encoded, below)[:, : encoded.shape[1]] + below


def _skip_cases() -> tuple[tuple, ...]:
    generator = torch.Generator().manual_seed(0)
    sizes = (((1, 2, 6, 8), (1, 2, 2, 4)), ((2, 3, 5, 5), (2, 3, 3, 3)), ((1, 2, 4, 9), (1, 2, 4, 4)))
    return tuple(tuple(torch.randn(*size, generator=generator) for size in pair) for pair in sizes)


skip = Exercise(
    notebook="13",
    name="a skip",
    solution=_skip,
    cases=_skip_cases(),
    mistakes=(
        Mistake(
            hint="You cut from the top left. What the decoder sees is the middle: cut as much off on either side.",
            answer=partial(_skip, corner=True),
        ),
        Mistake(
            hint="The order is turned round: the encoder's channels first, then those from below.",
            answer=partial(_skip, turned=True),
        ),
        Mistake(
            hint="You made the encoder's picture smaller. Its pixels no longer lie on those below; cut it instead.",
            answer=_resized,
        ),
        Mistake(hint="You added them, as a ResNet does. A U-Net sets the channels side by side.", answer=_added),
        Mistake(
            hint="That is the encoder's middle alone. Set the channels from below beside it.",
            answer=lambda encoded, below: _skip(encoded, below)[:, : encoded.shape[1]],
        ),
    ),
)

# The experiment --------------------------------------------------------------------------------------


def _leads(
    a: np.ndarray, b: np.ndarray, truth: np.ndarray, *, empty: float | None = 1.0, twice: bool = False
) -> tuple[float, float]:
    by_pixel, by_picture = [], []
    for masks in (a, b):
        shared, either = (masks & truth).sum(axis=(1, 2)), (masks | truth).sum(axis=(1, 2))
        if twice:  # Dice
            shared, either = 2 * shared, masks.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
        by_pixel.append(shared.sum() / either.sum())
        each = shared / np.maximum(either, 1)
        by_picture.append((each[either > 0] if empty is None else np.where(either > 0, each, empty)).mean())
    return float(by_pixel[0] - by_pixel[1]), float(by_picture[0] - by_picture[1])


def _masks(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw pictures of which the first is full and well found, and of which some have nothing in them."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, 4, 5)) < rng.random((n, 1, 1))
    a, b = truth ^ (rng.random(truth.shape) < 0.1), truth ^ (rng.random(truth.shape) < 0.2)
    truth[-2:] = False
    a[-2:], b[-1] = False, False
    b[-2] = rng.random((4, 5)) < 0.3
    a[0] &= rng.random((4, 5)) < 0.7
    return a, b, truth


def _turned(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Let b be ahead, and give one picture a single pixel, which a misses."""
    b, a, truth = _masks(seed, 5)
    truth[1] = a[1] = False
    truth[1, 2, 3] = True
    return a, b, truth


mask_leads = Exercise(
    notebook="13",
    name="an experiment: by pixel or by picture",
    solution=_leads,
    cases=(_masks(0, 5), _masks(1, 7), _turned(2)),
    mistakes=(
        Mistake(
            hint="Nothing found where nothing is counts 0 there. It is right: count it 1.",
            answer=partial(_leads, empty=0.0),
        ),
        Mistake(
            hint="Pictures with nothing in them are left out there, and what is right on them counts nothing. Count 1.",
            answer=partial(_leads, empty=None),
        ),
        Mistake(
            hint="That is Dice: twice what both share, by the sum of the areas. IoU divides by the union.",
            answer=partial(_leads, twice=True),
        ),
        Mistake(
            hint="The order is turned round: first the lead over all pixels, then over pictures.",
            answer=lambda *case: _leads(*case)[::-1],
        ),
        Mistake(
            hint="The leads are those of b. Return how far a is ahead.", answer=lambda a, b, truth: _leads(b, a, truth)
        ),
    ),
)

EXERCISES = (box_iou, nms_by_class, hits, average_precision, grid_cells, skip, mask_leads)
