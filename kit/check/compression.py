"""The exercises of notebook 25: a mask, sparse bytes, a cut, int8 by rows, int4 in bytes, a soft loss, a range.

Taught in: 25
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from kit.check.exercise import Exercise, Mistake

# A mask --------------------------------------------------------------------------------------------


def _mask(
    weight: np.ndarray, share: float, *, sizes: Callable = np.abs, rounded: Callable = math.floor, turn: bool = False
) -> np.ndarray:
    n_pruned = int(rounded(share * weight.size))
    order = sizes(weight).ravel().argsort(kind="stable")
    kept = np.ones(weight.size, dtype=bool)
    kept[order[weight.size - n_pruned :] if turn else order[:n_pruned]] = False
    return kept.reshape(weight.shape)


def _mask_by_rows(weight: np.ndarray, share: float) -> np.ndarray:
    return np.stack([_mask(row, share) for row in weight])


def _mask_by_quantile(weight: np.ndarray, share: float) -> np.ndarray:
    return np.abs(weight) > np.quantile(np.abs(weight), share)


def _distinct(seed: int, *shape: int) -> np.ndarray:
    """Draw weights no two of which have one size."""
    rng, n = np.random.default_rng(seed), math.prod(shape)
    return (rng.permutation(np.arange(1, n + 1)) * rng.choice([-0.1, 0.1], n)).reshape(shape)


magnitude_mask = Exercise(
    notebook="25",
    name="a magnitude mask",
    solution=_mask,
    cases=((_distinct(0, 3, 4), 0.5), (_distinct(1, 2, 5), 0.27), (_distinct(2, 4, 4), 0.0), (_distinct(3, 3, 3), 0.8)),
    mistakes=(
        Mistake(
            hint="True marks what is kept there the other way round: invert the mask.",
            answer=lambda *case: ~_mask(*case),
        ),
        Mistake(
            hint="You looked at the signs: the most negative weights went. Sort by absolute value.",
            answer=partial(_mask, sizes=np.array),
        ),
        Mistake(hint="The largest weights are gone there. Prune the smallest.", answer=partial(_mask, turn=True)),
        Mistake(
            hint="You took the share as what is kept. It is what is pruned.",
            answer=lambda weight, share: _mask(weight, 1 - share),
        ),
        Mistake(hint="You pruned each row by itself. One bar serves the whole tensor.", answer=_mask_by_rows),
        Mistake(
            hint="A quantile lies between two weights, and may prune one more than share · n rounded down. Count.",
            answer=_mask_by_quantile,
        ),
        Mistake(
            hint="You rounded up. Of n weights, share · n rounded down are pruned.",
            answer=partial(_mask, rounded=math.ceil),
        ),
        Mistake(
            hint="You rounded to the nearest. Of n weights, share · n rounded down are pruned.",
            answer=partial(_mask, rounded=round),
        ),
        Mistake(
            hint="Those are the pruned weights. Return the mask alone, of booleans.",
            answer=lambda weight, share: weight * _mask(weight, share),
        ),
    ),
)

# Bytes ---------------------------------------------------------------------------------------------


def _sparse(
    weight: np.ndarray,
    n_bytes: int,
    *,
    index: Callable[[int], int] = lambda n: 2 if n <= 2**16 else 4,
    limited: bool = True,
) -> int:
    total = int(np.count_nonzero(weight)) * (n_bytes + index(weight.size))
    return min(total, weight.size * n_bytes) if limited else total


def _thin(shape: tuple[int, int], every: int) -> np.ndarray:
    weight = np.zeros(math.prod(shape))
    weight[::every] = 1.5
    return weight.reshape(shape)


sparse_bytes = Exercise(
    notebook="25",
    name="the bytes of a sparse tensor",
    solution=_sparse,
    cases=(
        (_thin((5, 8), 4), 4),
        (_thin((5, 8), 1), 4),
        (_thin((6, 6), 2), 1),
        (_thin((256, 256), 16), 4),
        (_thin((1, 2**16 + 1), 16), 4),
    ),
    mistakes=(
        Mistake(
            hint="That is what the numbers take. Each needs an index too, or nobody knows where it stands.",
            answer=partial(_sparse, index=lambda n: 0),
        ),
        Mistake(
            hint="An index of two bytes reaches 65,536 places. A larger tensor needs four.",
            answer=partial(_sparse, index=lambda n: 2),
        ),
        Mistake(
            hint="Up to 65,536 places, two bytes are enough for an index.", answer=partial(_sparse, index=lambda n: 4)
        ),
        Mistake(
            hint="The border is off by one: 65,536 places are numbered 0 to 65,535, and two bytes reach them.",
            answer=partial(_sparse, index=lambda n: 2 if n < 2**16 else 4),
        ),
        Mistake(
            hint="Where few numbers are 0, the indices make it larger than it was. Then store it dense.",
            answer=partial(_sparse, limited=False),
        ),
        Mistake(
            hint="You counted all numbers. Those that are 0 are left out.",
            answer=lambda weight, n_bytes: weight.size * n_bytes,
        ),
        Mistake(
            hint="You counted the zeros. They are left out: count the others.",
            answer=lambda weight, n_bytes: _sparse(weight == 0, n_bytes),
        ),
        Mistake(
            hint="You gave each number a row and a column. One index into the whole tensor is enough.",
            answer=partial(_sparse, index=lambda n: 4 if n <= 2**16 else 8),
        ),
    ),
)

# A structured cut ----------------------------------------------------------------------------------

Three = tuple[np.ndarray, np.ndarray, np.ndarray]


def _cut(
    conv: np.ndarray,
    bias: np.ndarray,
    head: np.ndarray,
    n: int,
    *,
    order: int = 2,
    weakest: bool = False,
    by_strength: bool = False,
    places_first: bool = False,
) -> Three:
    norms = np.linalg.norm(conv.reshape(len(conv), -1), ord=order, axis=1)
    kept = np.argsort(norms if weakest else -norms, kind="stable")[:n]
    kept = kept if by_strength else np.sort(kept)
    if places_first:
        columns = head.reshape(len(head), -1, len(conv))[:, :, kept]
    else:
        columns = head.reshape(len(head), len(conv), -1)[:, kept]
    return conv[kept], bias[kept], columns.reshape(len(head), -1)


def _first_columns(conv: np.ndarray, bias: np.ndarray, head: np.ndarray, n: int) -> Three:
    smaller, shorter, _ = _cut(conv, bias, head, n)
    return smaller, shorter, head[:, : n * head.shape[1] // len(conv)]


def _filters(seed: int, n: int, channels: int, places: int, n_kept: int) -> tuple:
    rng = np.random.default_rng(seed)
    conv = rng.normal(size=(n, channels, 3, 3)) * rng.permutation(np.linspace(0.3, 2, n))[:, None, None, None]
    conv[0] = 0
    conv[0, 0, 1, 1] = 4 + channels  # one weight, and large: by the L1 norm it ranks lower
    return conv, rng.normal(size=n), rng.normal(size=(2, n * places)), n_kept


cut_filters = Exercise(
    notebook="25",
    name="a structured cut",
    solution=_cut,
    cases=(_filters(0, 4, 1, 2, 2), _filters(1, 5, 2, 4, 3), _filters(5, 6, 2, 4, 2), _filters(6, 6, 1, 3, 4)),
    mistakes=(
        Mistake(
            hint="The head is as it was, and reads filters that are gone. Cut its columns too.",
            answer=lambda conv, bias, head, n: (*_cut(conv, bias, head, n)[:2], head),
        ),
        Mistake(
            hint="The head has the right width, but its first columns: take those of the filters that are kept.",
            answer=_first_columns,
        ),
        Mistake(
            hint="You took the columns as if the filters lay side by side within each place. Each filter has a run of "
            "places: head.reshape(classes, filters, places).",
            answer=partial(_cut, places_first=True),
        ),
        Mistake(
            hint="The filters are sorted by their strength. Leave them in the order that they had.",
            answer=partial(_cut, by_strength=True),
        ),
        Mistake(hint="The weakest filters stay there. Keep the strongest.", answer=partial(_cut, weakest=True)),
        Mistake(
            hint="That is the sum of absolute weights, the L1 norm. Take the root of the sum of squares.",
            answer=partial(_cut, order=1),
        ),
        Mistake(
            hint="The biases are as they were. Each filter has one: keep those of the filters that stay.",
            answer=lambda conv, bias, head, n: (_cut(conv, bias, head, n)[0], bias, _cut(conv, bias, head, n)[2]),
        ),
    ),
)

# int8 by rows --------------------------------------------------------------------------------------


def _int8(
    weight: np.ndarray,
    *,
    axis: int | None = 1,
    top: int = 127,
    sizes: Callable = np.abs,
    rounded: Callable = np.round,
) -> tuple[np.ndarray, np.ndarray]:
    largest = sizes(weight).max(axis=axis, keepdims=True)
    scale = np.where(largest > 0, largest / top, 1.0)
    values = np.clip(rounded(weight / scale), -top, top).astype(np.int8)
    per_row = np.broadcast_to(scale, (len(weight), 1)).ravel() if axis != 0 else scale.ravel()
    return values, per_row.copy()


_ROWS = np.array([[127.0, 0.5, 1.5, -2.5], [-0.4, 0.1, 0.2, 0.3], [0.0, 0.0, 0.0, 0.0]])

int8_rows = Exercise(
    notebook="25",
    name="int8, row by row",
    solution=_int8,
    cases=((_ROWS,), (np.random.default_rng(4).normal(size=(4, 6)) * np.array([[1], [100], [0.01], [3]]),)),
    mistakes=(
        Mistake(
            hint="One scale serves all rows there, and small rows are rounded to next to nothing. One for each row.",
            answer=partial(_int8, axis=None),
        ),
        Mistake(
            hint="Those scales are the columns'. Each row has its own: the largest along axis 1.",
            answer=partial(_int8, axis=0),
        ),
        Mistake(
            hint="Divide by 127: the grid is symmetric, and the largest weight stands at its end.",
            answer=partial(_int8, top=128),
        ),
        Mistake(
            hint="You took the largest, not the largest absolute value: negative weights run over the end.",
            answer=partial(_int8, sizes=np.array),
        ),
        Mistake(
            hint="You cut the fraction off. Round to the nearest, or the error is up to a whole scale.",
            answer=partial(_int8, rounded=np.trunc),
        ),
        Mistake(
            hint="You rounded down. Round to the nearest, or the error is up to a whole scale.",
            answer=partial(_int8, rounded=np.floor),
        ),
        Mistake(
            hint="Halves go up there, all of them, and that is a bias. np.round takes them to the even number.",
            answer=partial(_int8, rounded=lambda x: np.floor(x + 0.5)),
        ),
        Mistake(
            hint="Return the whole numbers, not what they stand for, and then the scales.",
            answer=lambda weight: (_int8(weight)[0] * _int8(weight)[1][:, None], _int8(weight)[1]),
        ),
        Mistake(
            hint="The two are the wrong way round: first the whole numbers, then the scales.",
            answer=lambda weight: _int8(weight)[::-1],
        ),
    ),
)

# Four bits -----------------------------------------------------------------------------------------


def _pack(values: np.ndarray) -> np.ndarray:
    halves = values.astype(np.uint8) & 15
    return halves[0::2] | (halves[1::2] << 4)


def _halves_apart(values: np.ndarray) -> np.ndarray:
    halves, n = values.astype(np.uint8) & 15, len(values) // 2
    return halves[:n] | (halves[n:] << 4)


def _small(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int8)


pack_int4 = Exercise(
    notebook="25",
    name="two numbers in a byte",
    solution=_pack,
    cases=((_small(3, -1),), (_small(1, 2, -8, 7, -3, 0),), (_small(-1, 5, 0, -7, 6, -2, 7, 7),)),
    mistakes=(
        Mistake(
            hint="The first of each pair lies in the upper half there. It belongs into the lower.",
            answer=lambda values: _pack(values.reshape(-1, 2)[:, ::-1].ravel()),
        ),
        Mistake(
            hint="You paired the first half of the numbers with the second. Pairs are neighbours: [0::2] and [1::2].",
            answer=_halves_apart,
        ),
        Mistake(
            hint="A negative first number fills the upper half with ones, and covers the second. Cut it off: & 15.",
            answer=lambda values: values.astype(np.uint8)[0::2] | (values.astype(np.uint8)[1::2] << 4),
        ),
        Mistake(
            hint="You added 8 to each number. Four bits hold a negative one as it is, by 16 more: & 15.",
            answer=lambda values: _pack(values + 8),
        ),
        Mistake(
            hint="That is one byte for each number. Two numbers share one.",
            answer=lambda values: values.astype(np.uint8) & 15,
        ),
    ),
)

# A teacher -----------------------------------------------------------------------------------------


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    moved = logits - logits.max(axis=1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))


def _soft(
    student: np.ndarray,
    teacher: np.ndarray,
    temperature: float,
    *,
    power: int = 2,
    by: Callable = len,
    teachers: float | None = None,
    students: float | None = None,
    entropy: bool = True,
) -> float:
    log_p = _log_softmax(teacher / (teachers or temperature))
    log_q = _log_softmax(student / (students or temperature))
    each = np.exp(log_p) * ((log_p if entropy else 0) - log_q)
    return temperature**power * float(each.sum()) / by(student)


def _logits(seed: int, n: int, n_classes: int, temperature: float) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(seed)
    return 2 * rng.normal(size=(n, n_classes)), 2 * rng.normal(size=(n, n_classes)), temperature


_FAR = np.array([[1000.0, 1001.0, 999.0], [-1000.0, -999.5, -1001.0], [0.0, 715.0, 3.0]])

soft_loss = Exercise(
    notebook="25",
    name="the teacher's loss",
    solution=_soft,
    cases=(_logits(0, 2, 3, 2.0), _logits(1, 4, 5, 4.0), _logits(2, 1, 4, 0.5), (_FAR, _FAR[:, ::-1] + 1, 1.0)),
    mistakes=(
        Mistake(
            hint="You averaged over classes too, as nn.KLDivLoss does by default. The mean is over examples: "
            "reduction='batchmean'.",
            answer=partial(_soft, by=np.size),
        ),
        Mistake(
            hint="T² is missing: without it the gradient shrinks by T², and the labels drown the teacher.",
            answer=partial(_soft, power=0),
        ),
        Mistake(hint="The factor is T², not T.", answer=partial(_soft, power=1)),
        Mistake(hint="That is the sum over examples. Take their mean.", answer=partial(_soft, by=lambda x: 1)),
        Mistake(
            hint="The two have changed places: the chances in front of the bracket are the teacher's.",
            answer=lambda student, teacher, temperature: _soft(teacher, student, temperature),
        ),
        Mistake(hint="The teacher's logits are not divided by T. Both are.", answer=partial(_soft, teachers=1.0)),
        Mistake(hint="The student's logits are not divided by T. Both are.", answer=partial(_soft, students=1.0)),
        Mistake(
            hint="That is the cross-entropy. A student that agrees pays nothing: subtract log q from log p.",
            answer=partial(_soft, entropy=False),
        ),
        Mistake(hint="The sign is turned round: p · (log p - log q).", answer=lambda *case: -_soft(*case)),
        Mistake(
            hint="You averaged over classes too, and left out T². The mean is over examples.",
            answer=partial(_soft, by=np.size, power=0),
        ),
    ),
)

# An experiment -------------------------------------------------------------------------------------


def _errors(
    x: np.ndarray, bits: int, shares: np.ndarray, *, extra: int = 0, clipped: bool = True, whole: bool = False
) -> np.ndarray:
    top, found = 2 ** (bits - 1) - 1 + extra, []
    for share in shares:
        scale = share * np.abs(x).max() / top
        values = np.round(x / scale)
        values = np.clip(values, -top, top) if clipped else values
        found.append(values - x / scale if whole else values * scale - x)
    return np.array(found)


def _least(values: np.ndarray, shares: np.ndarray) -> float:
    return float(max(share for share, each in zip(shares, values, strict=True) if each <= values.min() * (1 + 1e-9)))


def _best(errors: np.ndarray, shares: np.ndarray) -> float:
    return _least((errors**2).mean(axis=1), shares)


def _range(x: np.ndarray, bits: int, shares: np.ndarray) -> float:
    return _best(_errors(x, bits, shares), shares)


def _inputs(seed: int, n: int, far: float) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=n)
    x[0] = far
    return x


_SHARES = np.array([0.2, 0.4, 0.6, 0.8, 1.0])

best_range = Exercise(
    notebook="25",
    name="an experiment: where to clip",
    solution=_range,
    cases=(
        (np.array([10.0, 1.4, -0.9, 0.6, 1.2, -1.1]), 3, np.array([0.2, 0.5, 1.0])),
        (_inputs(0, 400, 9.0), 4, _SHARES),
        (_inputs(1, 60, -7.0), 3, _SHARES),
        (_inputs(2, 300, 5.0), 8, _SHARES),
        (_inputs(3, 500, 4.0), 2, _SHARES),
        (np.array([4.0, 3.0, 4.0, 3.0]), 2, np.array([0.75, 1.0])),
    ),
    mistakes=(
        Mistake(
            hint="Nothing was clipped: a value beyond the ends must be brought to them, and that error counts too.",
            answer=lambda x, bits, shares: _best(_errors(x, bits, shares, clipped=False), shares),
        ),
        Mistake(
            hint="You compared whole numbers. Multiply by the scale first: the error is that of the inputs.",
            answer=lambda x, bits, shares: _best(_errors(x, bits, shares, whole=True), shares),
        ),
        Mistake(
            hint="That is the share of the largest error being least. Compare means of squared errors.",
            answer=lambda x, bits, shares: _least(np.abs(_errors(x, bits, shares)).max(axis=1), shares),
        ),
        Mistake(
            hint="That is by the mean absolute error, which hardly minds what is clipped. Square the errors.",
            answer=lambda x, bits, shares: _least(np.abs(_errors(x, bits, shares)).mean(axis=1), shares),
        ),
        Mistake(
            hint="Return the share, not its error.",
            answer=lambda x, bits, shares: float((_errors(x, bits, shares) ** 2).mean(axis=1).min()),
        ),
        Mistake(
            hint="Return the share itself, not its place among the shares.",
            answer=lambda x, bits, shares: shares.tolist().index(_range(x, bits, shares)),
        ),
        Mistake(
            hint="That is the worst of the shares. Take the one of least error.",
            answer=lambda x, bits, shares: _least(1 / (_errors(x, bits, shares) ** 2).mean(axis=1), shares),
        ),
    ),
)

EXERCISES = (magnitude_mask, sparse_bytes, cut_filters, int8_rows, pack_int4, soft_loss, best_range)
