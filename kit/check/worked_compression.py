"""The way to each answer of notebook 25, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _mask(weight, share) -> Steps:
    sizes = np.abs(weight).ravel()
    n_pruned = int(share * sizes.size)
    order = sizes.argsort(kind="stable")
    kept = np.ones(sizes.size, dtype=bool)
    kept[order[:n_pruned]] = False
    return [
        ("the absolute values, in a row", sizes),
        ("how many go: share · n, rounded down", n_pruned),
        ("the places of the smallest so many", order[:n_pruned]),
        ("true everywhere but there, in the shape of the weights", kept.reshape(weight.shape)),
    ]


def _sparse(weight, n_bytes) -> Steps:
    n_kept, index = int(np.count_nonzero(weight)), 2 if weight.size <= 2**16 else 4
    return [
        ("how many numbers are not 0", n_kept),
        ("the bytes of an index: 2 up to 65,536 places, else 4", index),
        ("so many numbers, each with its index", n_kept * (n_bytes + index)),
        ("that, or all numbers without indices, whichever is less",
         min(n_kept * (n_bytes + index), weight.size * n_bytes)),
    ]  # fmt: skip


def _cut(conv, bias, head, n) -> Steps:
    norms = np.sqrt((conv**2).sum(axis=(1, 2, 3)))
    kept = np.sort(np.argsort(-norms, kind="stable")[:n])
    by_filter = head.reshape(len(head), len(conv), -1)
    return [
        ("the norm of each filter", norms),
        ("the places of the n largest, rising", kept),
        ("the head's columns as classes, filters, places: the shape", by_filter.shape),
        ("filters, biases, and the head's columns of those filters",
         (conv[kept], bias[kept], by_filter[:, kept].reshape(len(head), -1))),
    ]  # fmt: skip


def _int8(weight) -> Steps:
    largest = np.abs(weight).max(axis=1)
    scale = np.where(largest > 0, largest / 127, 1.0)
    values = np.round(weight / scale[:, None])
    return [
        ("the largest absolute value of each row", largest),
        ("by 127, and 1 where a row is all 0: the scales", scale),
        ("each row by its scale, rounded to the nearest, halves to the even number", values),
        ("as np.int8, and the scales", (values.astype(np.int8), scale)),
    ]


def _pack(values) -> Steps:
    halves = values.astype(np.uint8) & 15
    return [
        ("each number in four bits: & 15, which makes 16 - 1 of -1", halves),
        ("the first of each pair", halves[0::2]),
        ("the second of each pair, times 16", halves[1::2] << 4),
        ("both together", halves[0::2] | (halves[1::2] << 4)),
    ]


def _soft(student, teacher, temperature) -> Steps:
    def softmax(logits):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    p, q = softmax(teacher / temperature), softmax(student / temperature)
    each = (p * (np.log(p) - np.log(q))).sum(axis=1)
    return [
        ("p, the softmax of the teacher's logits by T", p),
        ("q, the softmax of the student's logits by T", q),
        ("Σ p (log p - log q) of each example", each),
        ("their mean, times T²", temperature**2 * each.mean()),
    ]


def _range(x, bits, shares) -> Steps:
    top = 2 ** (bits - 1) - 1
    grids = [share * np.abs(x).max() / top for share in shares]
    errors = [((np.clip(np.round(x / s), -top, top) * s - x) ** 2).mean() for s in grids]
    best = max(share for share, error in zip(shares, errors, strict=True) if error <= min(errors) * (1 + 1e-9))
    return [
        ("the largest whole number", top),
        ("the scale of each share: share · max|x| by that", grids),
        ("rounded, brought to the ends, times the scale, less x: the mean square of each share", errors),
        ("the share of the least; of equals the largest", best),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "a magnitude mask": _mask,
    "the bytes of a sparse tensor": _sparse,
    "a structured cut": _cut,
    "int8, row by row": _int8,
    "two numbers in a byte": _pack,
    "the teacher's loss": _soft,
    "an experiment: where to clip": _range,
}
