"""The way to each answer of notebook 13, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np
import torch

from kit.check.worked import Steps


def _iou(a, b) -> Steps:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return [
        ("width and height of what both share, before anything below 0 becomes 0", (width, height)),
        ("the area that both share", shared),
        ("the two areas", areas),
        ("what either covers: both areas, less what is in both", sum(areas) - shared),
        ("the area shared, by that", shared / (sum(areas) - shared)),
    ]


def _nms(boxes, scores, classes, threshold) -> Steps:
    low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    shared = np.prod((high - low).clip(min=0), axis=-1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    overlaps = shared / (areas[:, None] + areas - shared)
    rivals = (overlaps > threshold) & (classes[:, None] == classes)
    order, kept = np.argsort(-scores), []
    for i in order:
        if not rivals[i, kept].any():
            kept.append(i)
    return [
        ("the places, the highest score first", order),
        (
            "for the first box, which of all it would drop: of its class, and by more than the threshold",
            rivals[order[0]],
        ),
        ("in that order, those that none of the boxes kept so far would drop", np.array(kept)),
    ]


def _hits(overlaps, threshold) -> Steps:
    free, rows, hits = np.ones(overlaps.shape[1], dtype=bool), [], []
    for row in overlaps:
        rows.append(np.where(free, row, -1))
        hits.append(bool(rows[-1].max() >= threshold))
        if hits[-1]:
            free[rows[-1].argmax()] = False
    return [
        ("each detection's overlaps, with -1 where an object has been taken before it", np.array(rows)),
        ("the largest of each row", np.array(rows).max(axis=1)),
        ("whether that is the threshold or more", np.array(hits)),
    ]


def _readings(hits, n_targets) -> Steps:
    found = hits.cumsum()
    precision, recall = found / np.arange(1, len(hits) + 1), found / n_targets
    best = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0)
    means = [np.append(best, 0)[np.searchsorted(recall, np.arange(n + 1) / n)].mean() for n in (10, 100)]
    return [
        ("precision after each detection", precision),
        ("recall after each", recall),
        ("the best precision there or further on, from right to left", best),
        ("by how much recall grows at each, times that, added up", float(steps @ best)),
        ("at 0, 0.1, ..., 1 the best precision of a recall that is as high, or 0; their mean", float(means[0])),
        ("the same at 0, 0.01, ..., 1, and so all three", (float(steps @ best), *(float(mean) for mean in means))),
    ]


def _cells(boxes, cell) -> Steps:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    places = np.floor(centres / cell).astype(int)
    return [
        ("the centres, x and y", centres),
        ("in cells", centres / cell),
        ("rounded down: the column, then the row", places),
        ("rows, columns, and what was rounded off", (places[:, 1], places[:, 0], centres / cell - places)),
    ]


def _skip(encoded, below) -> Steps:
    rows, columns = below.shape[2:]
    top, left = (encoded.shape[2] - rows) // 2, (encoded.shape[3] - columns) // 2
    middle = encoded[:, :, top : top + rows, left : left + columns]
    return [
        ("how much is cut off above and on the left: half of what is too much, rounded down", (top, left)),
        ("the shape of the middle", tuple(middle.shape)),
        ("torch.cat([middle, below], dim=1)", torch.cat([middle, below], dim=1)),
    ]


def _leads(a, b, truth) -> Steps:
    shared = [(masks & truth).sum(axis=(1, 2)) for masks in (a, b)]
    either = [(masks | truth).sum(axis=(1, 2)) for masks in (a, b)]
    pairs = list(zip(shared, either, strict=True))
    by_pixel = [s.sum() / e.sum() for s, e in pairs]
    by_picture = [np.where(e > 0, s / np.maximum(e, 1), 1).mean() for s, e in pairs]
    return [
        ("of each picture the pixels that are in a's mask and in the true one", shared[0]),
        ("those that are in either", either[0]),
        ("all of the first by all of the second, of a and of b", by_pixel),
        ("each of the first by each of the second, 1 for 0 / 0, and their mean, of a and of b", by_picture),
        ("a less b, in both readings", (by_pixel[0] - by_pixel[1], by_picture[0] - by_picture[1])),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "intersection over union": _iou,
    "NMS by class": _nms,
    "hits and false positives": _hits,
    "average precision in three readings": _readings,
    "the cell that must answer": _cells,
    "a skip": _skip,
    "an experiment: by pixel or by picture": _leads,
}
