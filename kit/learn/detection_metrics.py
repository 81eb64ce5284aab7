"""Metrics of detection: which detections are hits, how precise they are at each recall, and how well masks agree.

    matched                 which detections of one picture and one class find an object
    precision_recall        the curve that builds up, detection by detection, the best first
    average_precision       the area below it, in three readings
    mean_average_precision  the mean of that over classes: mAP
    mask_iou                of two masks: pixels in both, of pixels in either
    object_iou              of every two objects of two numbered masks
    found                   how many objects a numbered mask finds, misses, and makes up

Two evaluators seldom agree on mAP. They differ in the reading of the area, in which object a detection may take, in
the score from which on detections count, and in how many a picture may have.

Taught in: 13
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from kit.arguments import count, instance, integer_array, real, several, shown
from kit.learn.boxes import Boxes, Detections, Objects, best_first, checked_boxes, checked_classes, iou
from kit.learn.metrics import checked_stand_in, stand_in


def matched(
    boxes: Boxes, scores: Shaped[np.ndarray, "n"], targets: Boxes, *, threshold: float = 0.5
) -> Bool[np.ndarray, "n"]:
    """Tell of each detection whether it finds an object, in one picture and one class.

    The best goes first. Each takes the free object that it overlaps most, if by the threshold or more. An object is
    free until it is taken: a second detection of it is a false positive.

    Args:
        targets: the boxes of the true objects.

    Raises:
        TypeError, ValueError: if `boxes` or `targets` are no boxes, there is not a score for each, or `threshold` is
            not a number above 0 and up to 1.

    Source: Lin and others (2014), arXiv:1405.0312, and COCO's own code. PASCAL VOC's lets a detection take only the
        object that it overlaps most, free or not.
    Oracle: pycocotools.

    >>> matched(np.array([[0, 0, 4, 4], [0, 0, 4, 4.5]]), np.array([0.9, 0.8]), np.array([[0, 0, 4, 4]]))
    array([ True, False])
    """
    boxes, targets = checked_boxes("boxes", boxes), checked_boxes("targets", targets)
    threshold = real("threshold", threshold, above=0, at_most=1)
    hits = np.zeros(len(boxes), dtype=bool)
    overlap = iou(boxes, targets)
    for i in best_first("scores", scores, len(boxes)):
        best = int(overlap[i].argmax()) if len(targets) else 0
        if len(targets) and overlap[i, best] >= threshold:
            hits[i] = True
            overlap[:, best] = -1  # taken
    return hits


def precision_recall(
    hits: Bool[np.ndarray, "n"], scores: Shaped[np.ndarray, "n"], *, n_targets: int
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Give precision and recall after the best detection, after the two best, and so on.

    Args:
        hits: whether each detection finds an object, from all pictures together.
        n_targets: how many objects there are, found or not.

    Raises:
        TypeError, ValueError: if `hits` are not booleans, there is not a score for each, there are more hits than
            objects, or `n_targets` < 1.

    >>> precision_recall(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]), n_targets=4)[1]
    array([0.25, 0.25, 0.5 ])
    """
    if not isinstance(hits, np.ndarray) or hits.dtype != bool or hits.ndim != 1:
        raise TypeError(f"hits must be a row of booleans, got {shown(hits)}")
    n_targets = count("n_targets", n_targets)
    if hits.sum() > n_targets:
        raise ValueError(f"n_targets must be as many as the hits or more, {hits.sum()}, got {n_targets}")
    found = hits[best_first("scores", scores, len(hits))].cumsum()
    return found / np.arange(1, len(hits) + 1), found / n_targets


def average_precision(
    hits: Bool[np.ndarray, "n"],
    scores: Shaped[np.ndarray, "n"],
    *,
    n_targets: int,
    n_points: int | None = None,
) -> float:
    """Average the precision over recall, where at each recall the best precision at that recall or beyond counts.

    Args:
        n_points: at how many recalls, evenly from 0 to 1. 11 is PASCAL VOC's until 2009, 101 is COCO's. None takes
            every recall that is reached, with the width of its step: the whole area, PASCAL VOC's since 2010.

    Raises:
        TypeError, ValueError: as `precision_recall` does, and if `n_points` < 2.

    Numerics: the recalls asked for are quotients, k / (n - 1), as those reached are. Steps of 0.01 added up, or
        np.linspace, put 0.7 at 0.7000000000000001, and 7 of 10 objects found would not reach it.
    Source: Everingham and others (2010), The PASCAL VOC challenge; Lin and others (2014), arXiv:1405.0312.
    Oracle: pycocotools, for 101 points.

    >>> hits, scores = np.array([True, True, False]), np.array([0.9, 0.8, 0.7])
    >>> round(average_precision(hits, scores, n_targets=3, n_points=11), 4)
    0.6364
    """
    precision, recall = precision_recall(hits, scores, n_targets=n_targets)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or beyond
    if n_points is None:
        return float(np.diff(recall, prepend=0) @ best)
    n_points = count("n_points", n_points, at_least=2)
    place = np.searchsorted(recall, np.arange(n_points) / (n_points - 1))
    return float(np.append(best, 0)[place].mean())


def mean_average_precision(
    found: Sequence[Detections], truth: Sequence[Objects], *, threshold: float = 0.5, n_points: int | None = None
) -> float:
    """Average the average precision over all classes that have an object, each class alike.

    Args:
        found: the detections of each picture.
        truth: the objects of each picture.
        threshold: the IoU that makes a hit.
        n_points: as `average_precision` takes it.

    Raises:
        TypeError, ValueError: if `found` and `truth` are not as many, or empty of objects; or as `matched` and
            `average_precision` do.

    Oracle: pycocotools, for 101 points.
    """
    several("found", found)
    several("truth", truth)
    for name, each, kind in (*(("found", f, Detections) for f in found), *(("truth", t, Objects) for t in truth)):
        instance(name, each, kind)
    if len(found) != len(truth) or not sum(len(objects.boxes) for objects in truth):
        raise ValueError(f"truth must have the {len(found)} pictures of found, and an object, got {len(truth)}")
    classes = [checked_classes("truth", objects.classes, len(objects.boxes)) for objects in truth]
    named = [checked_classes("found", each.classes, len(each.boxes)) for each in found]
    precisions = []
    for c in np.unique(np.concatenate(classes)):
        hits, scores = [np.zeros(0, dtype=bool)], [np.zeros(0)]
        for each, of, objects, true in zip(found, named, truth, classes, strict=True):
            own = of == c
            hits.append(matched(each.boxes[own], each.scores[own], objects.boxes[true == c], threshold=threshold))
            scores.append(each.scores[own])
        n_targets = sum(int((true == c).sum()) for true in classes)
        about = {"n_targets": n_targets, "n_points": n_points}
        precisions.append(average_precision(np.concatenate(hits), np.concatenate(scores), **about))
    return float(np.mean(precisions))


def mask_iou(
    predictions: Bool[np.ndarray, "*shape"], targets: Bool[np.ndarray, "*shape"], *, undefined: float | None = None
) -> float:
    """Divide the pixels that are in both masks by those that are in either, over all pixels given.

    Of several pictures in one array it counts the pixels of all together. That is not the mean over pictures, in which
    a picture with one small object weighs as much as one that is full.

    Args:
        undefined: what stands for it where both masks are empty, 0 / 0. With 1 nothing found where nothing is counts
            as perfect; with 0 as wrong. Where it is None, that is refused.

    Raises:
        TypeError, ValueError: if they are not booleans of one shape, or the value is undefined.

    >>> mask_iou(np.array([True, True, False]), np.array([True, False, False]))
    0.5
    """
    for name, mask in (("predictions", predictions), ("targets", targets)):
        if not isinstance(mask, np.ndarray) or mask.dtype != bool:
            raise TypeError(f"{name} must be an array of booleans, got {shown(mask)}")
    if predictions.shape != targets.shape:
        raise ValueError(f"predictions must have the shape of targets, {targets.shape}, got {predictions.shape}")
    undefined = checked_stand_in(undefined)
    either = np.count_nonzero(predictions | targets)
    if not either:
        return stand_in("predictions", "or targets must have a pixel", undefined)
    return float(np.count_nonzero(predictions & targets) / either)


def object_iou(
    predictions: Shaped[np.ndarray, "height width"], targets: Shaped[np.ndarray, "height width"]
) -> Float[np.ndarray, "predicted true"]:
    """Measure the IoU of every object of one numbered mask with every object of another.

    Args:
        predictions, targets: 0 for the background, otherwise the number of the object that a pixel belongs to.

    Returns:
        A row for each predicted number and a column for each true one, in rising order, without the background.

    Raises:
        TypeError, ValueError: if they are not whole numbers from 0 on, two axes each, of one shape.

    >>> object_iou(np.array([[1, 1, 0, 2]]), np.array([[7, 7, 7, 0]])).round(2)
    array([[0.67],
           [0.  ]])
    """
    masks = [integer_array("predictions", predictions), integer_array("targets", targets)]
    for name, mask in zip(("predictions", "targets"), masks, strict=True):
        if mask.ndim != 2 or mask.min() < 0:
            raise ValueError(f"{name} must have 2 axes of numbers from 0 on, got shape {mask.shape} from {mask.min()}")
    if masks[0].shape != masks[1].shape:
        raise ValueError(f"predictions must have the shape of targets, {masks[1].shape}, got {masks[0].shape}")
    places = [np.unique(np.append(mask, 0), return_inverse=True) for mask in masks]
    first, second = (inverse[:-1] for _, inverse in places)  # the 0 was put there so that the background comes first
    n = [len(numbers) for numbers, _ in places]
    shared = np.bincount(first * n[1] + second, minlength=n[0] * n[1]).reshape(n)
    together = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    return shared[1:, 1:] / together[1:, 1:]


@dataclass(frozen=True, kw_only=True)
class Found:
    """How many objects were found, missed, and made up."""

    hits: int
    missed: int
    made_up: int

    @property
    def f1(self) -> float:
        """Give the harmonic mean of precision and recall; 1 where there was nothing, and nothing was made up."""
        every = 2 * self.hits + self.missed + self.made_up
        return 2 * self.hits / every if every else 1.0


def found(
    predictions: Shaped[np.ndarray, "height width"],
    targets: Shaped[np.ndarray, "height width"],
    *,
    threshold: float = 0.5,
) -> Found:
    """Count the objects that overlap a predicted one by more than the threshold.

    At a threshold of a half or more no object can have two such partners, so there is nothing to choose.

    Raises:
        TypeError, ValueError: as `object_iou` does, and if `threshold` is not a number from 0.5 on and below 1.

    Source: Caicedo and others (2019), Nature Methods 16, 1247-1253.

    >>> found(np.array([[1, 1, 0, 2]]), np.array([[7, 7, 7, 0]]))
    Found(hits=1, missed=0, made_up=1)
    """
    threshold = real("threshold", threshold, at_least=0.5, below=1)
    overlap = object_iou(predictions, targets) > threshold
    hits, (n_predicted, n_true) = int(overlap.sum()), overlap.shape
    return Found(hits=hits, missed=n_true - hits, made_up=n_predicted - hits)
