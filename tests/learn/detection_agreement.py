"""Measure how far kit's boxes and detection metrics are from other libraries' and from their definitions.

    pip install --target PEERS --no-deps pycocotools mean_average_precision torchvision
    PYTHONPATH=PEERS python -m tests.learn.detection_agreement

prints one row for each function, the largest difference over 100 random scenes, and the largest of all. Beside the
libraries stands an evaluator written out here, box by box; the tests compare with it alone. mean_average_precision
counts inclusive pixels: it is given right and bottom less one. pycocotools is given its recalls as quotients, as
kit's are; by its own, np.linspace, a recall of 7/10 misses 0.7000000000000001.
A library that is not there is a row of its own, and the command fails.
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout

import numpy as np
import torch
from sklearn.metrics import jaccard_score

from kit.learn.boxes import Detections, Objects, generalized_iou, iou, nms
from kit.learn.detection_metrics import mask_iou, mean_average_precision, object_iou
from kit.models.detector import giou_loss
from tests.learn.metric_agreement import compared

BAR, N_SCENES, N_CLASSES = 1e-10, 100, 3
READINGS = (None, 11, 101)
Scene = tuple[list[Detections], list[Objects]]


def random_boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    corners = rng.uniform(0, 40, size=(n, 2))
    return np.hstack([corners, corners + rng.uniform(4, 20, size=(n, 2))])


def random_scene(rng: np.random.Generator, n_pictures: int = 4) -> Scene:
    """Draw pictures with objects, and detections: most objects once or twice, off by some pixels, and anything else."""
    found, truth = [], []
    for i in range(n_pictures):
        boxes = random_boxes(rng, int(rng.integers(0, 7)) + (i == 0))
        classes = rng.integers(N_CLASSES, size=len(boxes))
        near = np.repeat(np.arange(len(boxes)), rng.integers(0, 3, size=len(boxes)))
        others = random_boxes(rng, 4)
        around = np.concatenate([boxes[near] + rng.normal(0, 1, size=(len(near), 4)), others])
        named = np.concatenate([classes[near], rng.integers(N_CLASSES, size=len(others))])
        scores = rng.permutation(np.linspace(0.05, 0.95, 50))[: len(around)] + rng.uniform(0, 1e-3, len(around))
        found.append(Detections(boxes=around, classes=named, scores=scores))
        truth.append(Objects(boxes=boxes, classes=classes))
    return found, truth


def scenes() -> list[Scene]:
    rng = np.random.default_rng(0)
    return [random_scene(rng) for _ in range(N_SCENES)]


# Written out, box by box -----------------------------------------------------------------------------


def iou_of(a: np.ndarray, b: np.ndarray) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = width * height if width > 0 and height > 0 else 0.0
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def nms_written_out(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    left, kept = sorted(range(len(boxes)), key=lambda i: -scores[i]), []
    while left:
        kept.append(left.pop(0))
        left = [i for i in left if iou_of(boxes[kept[-1]], boxes[i]) <= threshold]
    return kept


def nms_by_class_written_out(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, threshold: float) -> list[int]:
    kept = []
    for c in set(classes.tolist()):
        own = np.flatnonzero(classes == c)
        kept += [int(own[i]) for i in nms_written_out(boxes[own], scores[own], threshold)]
    return sorted(kept, key=lambda i: -scores[i])


def map_written_out(found: list[Detections], truth: list[Objects], n_points: int | None) -> float:
    """Go through all detections of a class in one list, the best first; then walk along the recalls."""
    areas = []
    for c in range(N_CLASSES):
        n = sum(int(c_true == c) for objects in truth for c_true in objects.classes)
        listed = sorted(
            (-float(each.scores[i]), p, i) for p, each in enumerate(found) for i in np.flatnonzero(each.classes == c)
        )
        taken, curve, right = set(), [], 0
        for rank, (_, p, i) in enumerate(listed, start=1):
            free = [j for j in np.flatnonzero(truth[p].classes == c) if (p, j) not in taken]
            overlaps = {j: iou_of(found[p].boxes[i], truth[p].boxes[j]) for j in free}
            best = max(free, key=lambda j: overlaps[j], default=None)
            if best is not None and overlaps[best] >= 0.5:
                taken.add((p, best))
                right += 1
            curve.append((right, rank))
        if n == 0:
            continue

        def best_from(numerator: int, denominator: int, curve: list = curve, n: int = n) -> float:
            return max((r / k for r, k in curve if r * denominator >= numerator * n), default=0.0)

        if n_points is None:
            areas.append(sum(best_from(r, n) for r in range(1, n + 1)) / n)
        else:
            areas.append(sum(best_from(k, n_points - 1) for k in range(n_points)) / n_points)
    return float(np.mean(areas))


def against_definitions() -> Iterator[tuple[str, list[float]]]:
    drawn = scenes()
    pictures = [(each, objects) for found, truth in drawn for each, objects in zip(found, truth, strict=True)]
    some = [(each, objects) for each, objects in pictures if len(objects.boxes)]
    yield (
        "iou",
        [
            float(np.abs(iou(e.boxes, o.boxes) - [[iou_of(a, b) for b in o.boxes] for a in e.boxes]).max())
            for e, o in some
        ],
    )
    for name, classes, theirs in (
        ("nms", False, lambda e: nms_written_out(e.boxes, e.scores, 0.3)),
        ("nms, by class", True, lambda e: nms_by_class_written_out(e.boxes, e.scores, e.classes, 0.3)),
    ):
        yield (
            name,
            [
                float(
                    nms(e.boxes, e.scores, threshold=0.3, classes=e.classes if classes else None).tolist() != theirs(e)
                )
                for e, _ in pictures
            ],
        )
    for points in READINGS:
        yield (
            f"mean_average_precision, {points or 'all'} points",
            [abs(mean_average_precision(*scene, n_points=points) - map_written_out(*scene, points)) for scene in drawn],
        )
    rng = np.random.default_rng(1)
    masks = [rng.random((2, 9, 8)) < 0.4 for _ in range(N_SCENES)]
    yield (
        "mask_iou, scikit-learn's jaccard_score",
        [abs(mask_iou(a, b) - float(jaccard_score(b.ravel(), a.ravel()))) for a, b in masks],
    )
    numbered = rng.integers(0, 4, size=(N_SCENES, 2, 6, 7))
    yield (
        "object_iou, of each two objects alone",
        [
            float(np.abs(object_iou(a, b) - [[mask_iou(a == i, b == j) for j in (1, 2, 3)] for i in (1, 2, 3)]).max())
            for a, b in numbered
            if len(np.unique(a)) == len(np.unique(b)) == 4
        ],
    )


def against_torchvision() -> Iterator[tuple[str, list[float]]]:
    for name in ("nms", "qnms"):  # where the compiled part is for another build of torch, its Python needs these names
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import ops

    pictures = [pair for found, truth in scenes() for pair in zip(found, truth, strict=True)]
    pairs = [(each.boxes, objects.boxes) for each, objects in pictures if len(objects.boxes)]
    for name, ours, theirs in (
        ("iou", iou, ops.box_iou),
        ("generalized_iou", generalized_iou, ops.generalized_box_iou),
    ):
        yield name, [float(np.abs(ours(a, b) - theirs(*map(torch.from_numpy, (a, b))).numpy()).max()) for a, b in pairs]
    values, slopes = [], []
    for a, b in pairs:
        n = min(len(a), len(b))
        found: list[list[torch.Tensor]] = []
        for of in (giou_loss, lambda a, b: ops.generalized_box_iou_loss(a, b, eps=0.0)):
            mine = torch.tensor(a[:n], requires_grad=True)
            loss = of(mine, torch.from_numpy(b[:n]))
            found.append([loss.detach(), torch.autograd.grad(loss.sum(), mine)[0]])
        values.append(float((found[0][0] - found[1][0]).abs().max()))
        slopes.append(float((found[0][1] - found[1][1]).abs().max()))
    yield "giou_loss", values
    yield "giou_loss, its gradient", slopes


def against_pycocotools() -> Iterator[tuple[str, list[float]]]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def judged(found: list[Detections], truth: list[Objects], thresholds: np.ndarray) -> float:
        as_sides = [np.hstack([each.boxes[:, :2], each.boxes[:, 2:] - each.boxes[:, :2]]) for each in (*truth, *found)]
        rows: list[list[dict]] = [[], []]
        for p, (each, boxes) in enumerate(zip((*truth, *found), as_sides, strict=True)):
            for i, box in enumerate(boxes.tolist()):
                row = {"image_id": p % len(truth), "category_id": int(each.classes[i]), "bbox": box, "iscrowd": 0}
                row |= {"area": box[2] * box[3], "id": len(rows[p // len(truth)]) + 1}
                rows[p // len(truth)].append(row | ({"score": float(each.scores[i])} if p >= len(truth) else {}))
        coco = COCO()
        images = [{"id": p} for p in range(len(truth))]
        coco.dataset = {"images": images, "categories": [{"id": c} for c in range(N_CLASSES)], "annotations": rows[0]}
        with redirect_stdout(io.StringIO()):
            coco.createIndex()
            theirs = COCOeval(coco, coco.loadRes(rows[1]), "bbox")
            theirs.params.recThrs, theirs.params.iouThrs = thresholds, np.array([0.5])
            theirs.evaluate()
            theirs.accumulate()
        precision = theirs.eval["precision"][0, :, :, 0, -1]
        return float(precision[:, precision[0] >= 0].mean())

    drawn = scenes()
    quotients, own = np.arange(101) / 100, np.linspace(0, 1, 101)
    yield (
        "mean_average_precision, 101 points",
        [abs(mean_average_precision(*scene, n_points=101) - judged(*scene, quotients)) for scene in drawn],
    )
    moved = [abs(judged(*scene, quotients) - judged(*scene, own)) for scene in drawn]
    print(f"(its own recalls move pycocotools' mAP on {sum(m > BAR for m in moved)} of {N_SCENES} scenes, "
          f"by {max(moved):.4f} at most)")  # fmt: skip


def against_mean_average_precision() -> Iterator[tuple[str, list[float]]]:
    from mean_average_precision.mean_average_precision_2d import MeanAveragePrecision2d
    from mean_average_precision.utils import compute_iou

    pictures = [pair for found, truth in scenes() for pair in zip(found, truth, strict=True)]
    yield (
        "iou, inclusive",
        [
            float(np.abs(iou(each.boxes, o.boxes, inclusive=True) - compute_iou(each.boxes, o.boxes)).max())
            for each, o in pictures
            if len(o.boxes)
        ],
    )
    less = np.array([0, 0, 1, 1])

    def judged(found: list[Detections], truth: list[Objects], points: int | None) -> float:
        theirs = MeanAveragePrecision2d(N_CLASSES)
        for each, o in zip(found, truth, strict=True):
            boxes = np.column_stack([each.boxes - less, each.classes, each.scores])
            theirs.add(boxes, np.column_stack([o.boxes - less, o.classes, 0 * o.classes, 0 * o.classes]))
        asked = None if points is None else np.arange(points) / (points - 1)
        there = {int(c) for o in truth for c in o.classes}
        by_class = [theirs._evaluate_class(c, 0.5, asked, "soft")[0] for c in sorted(there)]  # `value` is in float32
        return float(np.mean(by_class))

    for points in READINGS:
        yield (
            f"mean_average_precision, {points or 'all'} points",
            [abs(mean_average_precision(*scene, n_points=points) - judged(*scene, points)) for scene in scenes()],
        )


PEERS: dict[str, Callable[[], Iterator[tuple[str, list[float]]]]] = {
    "definitions": against_definitions,
    "torchvision": against_torchvision,
    "pycocotools": against_pycocotools,
    "mean_average_precision": against_mean_average_precision,
}


def main() -> int:
    worst, missing = compared("function", PEERS)
    verdict, gone = "within" if worst <= BAR else "BEYOND", ", ".join(missing) or "none"
    print(f"largest of all, {verdict} the bar of {BAR:.0e}: {worst:.1e}; libraries missing: {gone}")
    return int(worst > BAR or bool(missing))


if __name__ == "__main__":
    sys.exit(main())
