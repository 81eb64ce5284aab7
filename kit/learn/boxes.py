"""Boxes: how far two of them overlap, and which of many on one object are kept.

A box is a row of four numbers, left, top, right and bottom, in pixels; y grows downwards, as in a picture.

    iou                  intersection over union: what both share, of what either covers
    generalized_iou      the same, less the empty part of the smallest box around both
    nms                  non-maximum suppression: of boxes that overlap much, the one of highest score stays

Of boxes that are apart, IoU says 0 however far apart they are. GIoU goes on falling, down to -1, and so a box that is
learned by it knows which way to go.

Taught in: 13
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import integer_array, real, real_array, shown

Boxes = Shaped[np.ndarray, "_ 4"]


@dataclass(frozen=True, kw_only=True)
class Objects:
    """What truly is in one picture: a box and a class for each object."""

    boxes: Shaped[np.ndarray, "n 4"]
    classes: Shaped[np.ndarray, "n"]


@dataclass(frozen=True, kw_only=True)
class Detections:
    """What a detector says is in one picture: a box, a class and a score for each detection."""

    boxes: Shaped[np.ndarray, "n 4"]
    classes: Shaped[np.ndarray, "n"]
    scores: Float[np.ndarray, "n"]


def iou(a: Boxes, b: Boxes, *, inclusive: bool = False) -> Float[np.ndarray, "a b"]:
    """Divide what two boxes share by what they cover together: a row for each of `a`, a column for each of `b`.

        intersection / (area of a + area of b - intersection)

    Args:
        inclusive: read right and bottom as the last pixels inside, so that a side is right - left + 1. The code of
            PASCAL VOC does. Boxes of side 10, one moved on by 5, have 1/3, and so read 0.375.

    Raises:
        TypeError, ValueError: if `a` or `b` are not boxes: four finite numbers each, right of left, bottom below top.

    Source: Jaccard (1912), New Phytologist 11; Everingham and others (2010), The PASCAL VOC challenge, section 4.2.
    Oracle: torchvision.ops.box_iou.

    >>> iou(np.array([[0, 0, 10, 10]]), np.array([[5, 0, 15, 10]])).round(4)
    array([[0.3333]])
    """
    shared, together, _ = _areas(checked_boxes("a", a), checked_boxes("b", b), one=float(bool(inclusive)))
    return shared / together


def generalized_iou(a: Boxes, b: Boxes) -> Float[np.ndarray, "a b"]:
    """Take from the IoU the share of the smallest box around both that neither covers: from -1 to 1.

        IoU - (hull - union) / hull

    Raises:
        TypeError, ValueError: as `iou` does.

    Source: Rezatofighi and others (2019), arXiv:1902.09630, algorithm 1.
    Oracle: torchvision.ops.generalized_box_iou.

    >>> generalized_iou(np.array([[0, 0, 1, 1]]), np.array([[3, 0, 4, 1]]))
    array([[-0.5]])
    """
    shared, together, hull = _areas(checked_boxes("a", a), checked_boxes("b", b))
    return shared / together - (hull - together) / hull


def nms(
    boxes: Boxes,
    scores: Shaped[np.ndarray, "n"],
    *,
    threshold: float,
    classes: Shaped[np.ndarray, "n"] | None = None,
) -> Int[np.ndarray, "kept"]:
    """Keep the best box, drop all that overlap it by more than the threshold, and go on with the best of the rest.

    Args:
        threshold: the IoU up to which two boxes may stand side by side, from 0 to 1.
        classes: a number for each box; boxes of two classes then leave each other alone. Without them a cat on a
            sofa can take the sofa away.

    Returns:
        The places of those kept, the best first; of equal scores the first given is the better.

    Raises:
        TypeError, ValueError: as `iou` does; if there is not a score, or a class, for each box; or `threshold` is not
            a number from 0 to 1.

    Oracle: torchvision.ops.nms, and batched_nms with classes.

    >>> nms(np.array([[0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 12, 12]]), np.array([0.8, 0.9, 0.1]), threshold=0.5)
    array([1, 2])
    """
    boxes, threshold = checked_boxes("boxes", boxes), real("threshold", threshold, at_least=0, at_most=1)
    order = best_first("scores", scores, len(boxes))
    rivals = iou(boxes, boxes) > threshold
    if classes is not None:
        of = checked_classes("classes", classes, len(boxes))
        rivals &= of[:, None] == of
    kept, left = [], np.ones(len(boxes), dtype=bool)
    for i in order:
        if left[i]:
            kept.append(i)
            left[rivals[i]] = False
    return np.array(kept, dtype=np.int64)


def checked_boxes(name: str, value: Any) -> Float[np.ndarray, "n 4"]:
    """Return boxes as real numbers, a row each; there may be none.

    Raises:
        TypeError: if `value` does not hold real numbers.
        ValueError: if a row is not four finite numbers, or a box has no width or no height.
    """
    if isinstance(value, np.ndarray) and value.shape == (0, 4):
        return value.astype(np.float64)
    boxes = real_array(name, value, ndim=2)
    if boxes.shape[1] != 4:
        raise ValueError(f"{name} must be left, top, right and bottom of each box, got shape {boxes.shape}")
    flat = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    if flat.any():
        raise ValueError(f"{name} must end right of left and below top, got {boxes[flat.argmax()].tolist()}")
    return boxes


def checked_classes(name: str, value: Any, n: int) -> Int[np.ndarray, "n"]:
    """Return `n` classes, whole numbers; none of them where n is 0.

    Raises:
        TypeError, ValueError: if they are not whole numbers, one for each box.
    """
    if n == 0 and np.size(value) == 0:
        return np.zeros(0, dtype=np.int64)
    classes = integer_array(name, value)
    if classes.shape != (n,):
        raise ValueError(f"{name} must be one for each of {n} boxes, got {shown(value)}")
    return classes


def best_first(name: str, value: Any, n: int) -> Int[np.ndarray, "n"]:
    """Return the places of `n` scores, the highest first; of equal ones the first given.

    Raises:
        TypeError, ValueError: if they are not finite numbers, one for each box.
    """
    if n == 0 and np.size(value) == 0:
        return np.zeros(0, dtype=np.int64)
    scores = real_array(name, value, ndim=1)
    if len(scores) != n:
        raise ValueError(f"{name} must be one for each of {n} boxes, got {len(scores)}")
    return np.argsort(-scores, kind="stable")


def _areas(a: np.ndarray, b: np.ndarray, *, one: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure, of every box of `a` with every one of `b`: what they share, cover together, and the box around both."""
    a, b = a[:, None], b[None]
    own = [np.prod(each[..., 2:] - each[..., :2] + one, axis=-1) for each in (a, b)]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + one
    shared = np.prod(sides.clip(min=0), axis=-1)
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2]) + one
    return shared, own[0] + own[1] - shared, np.prod(around, axis=-1)
