"""The exercises of notebook 24: a ring, factors of the loss, ZeRO-1, a tensor-parallel MLP, 1F1B, a bubble, a resume.

Taught in: 24
"""

import math
from collections.abc import Callable

import numpy as np

from kit.check.exercise import Exercise, Mistake

# The ring --------------------------------------------------------------------------------------------


def _ring(
    parts: np.ndarray, *, first: int = -1, to: int = 1, ticks: int | None = None, add: bool = True
) -> np.ndarray:  # fmt: skip
    parts, n = parts.copy(), len(parts)
    for tick in range(n - 1 if ticks is None else n + ticks):
        sent = [parts[r, (r - to * tick + first) % n].copy() for r in range(n)]
        for r in range(n):
            place = (r + to) % n, (r - to * tick + first) % n
            parts[place] = parts[place] + sent[r] if add else sent[r]
    return parts


def _tables(*sizes: int) -> tuple:
    rng = np.random.default_rng(0)
    return tuple((rng.integers(1, 10, size=(n, n, 2)).astype(float),) for n in sizes)


ring = Exercise(
    notebook="24",
    name="half a ring",
    solution=_ring,
    cases=_tables(3, 4, 2),
    mistakes=(
        Mistake(
            hint="Every part is whole on every rank there: that is the sum, not the ring. After W - 1 ticks a rank has "
            "one whole part, and sums of some ranks in the others.",
            answer=lambda parts: np.broadcast_to(parts.sum(axis=0), parts.shape).copy(),
        ),
        Mistake(
            hint="You went one tick too far: in the last one a whole part is added to once more. There are W - 1.",
            answer=lambda parts: _ring(parts, ticks=0),
        ),
        Mistake(hint="One tick is missing: there are W - 1 of them.", answer=lambda parts: _ring(parts, ticks=-2)),
        Mistake(
            hint="What arrives is added to the rank's own part; you put it in its place.",
            answer=lambda parts: _ring(parts, add=False),
        ),
        Mistake(
            hint="Your rank r ends with part r + 1: it began with part r. In tick 0 it sends part r - 1.",
            answer=lambda parts: _ring(parts, first=0),
        ),
        Mistake(
            hint="You sent to the rank before. Rank r sends to rank r + 1, and the last one to rank 0.",
            answer=lambda parts: _ring(parts, to=-1),
        ),
        Mistake(
            hint="You sent to the rank before. Rank r sends to rank r + 1, and the last one to rank 0.",
            answer=lambda parts: _wrong_neighbour(parts),
        ),
    ),
)


def _wrong_neighbour(parts: np.ndarray) -> np.ndarray:
    parts, n = parts.copy(), len(parts)
    for tick in range(n - 1):
        sent = [parts[r, (r - tick - 1) % n].copy() for r in range(n)]
        for r in range(n):
            parts[(r - 1) % n, (r - tick - 1) % n] += sent[r]
    return parts


# Factors of the loss ----------------------------------------------------------------------------------

factors = Exercise(
    notebook="24",
    name="the factor of each rank's loss",
    solution=lambda n_targets: n_targets * len(n_targets) / n_targets.sum(),
    cases=((np.array([3, 1]),), (np.array([10, 0, 20, 6]),), (np.array([5, 5, 2]),)),
    mistakes=(
        Mistake(
            hint="That is the mean of means: a target on a rank with few of them counts more than one on a rank with "
            "many.",
            answer=lambda n_targets: np.ones(len(n_targets)),
        ),
        Mistake(
            hint="The average over ranks divides by W once more, and you would train at a rate W times too small. "
            "Multiply by W.",
            answer=lambda n_targets: n_targets / n_targets.sum(),
        ),
        Mistake(
            hint="A rank's loss is a mean over its own targets: undo that first. Multiply by its own number of them.",
            answer=lambda n_targets: np.full(len(n_targets), len(n_targets) / n_targets.sum()),
        ),
        Mistake(
            hint="That is upside down: the rank with more targets weighs more.",
            answer=lambda n_targets: n_targets.sum() / (n_targets * len(n_targets)),
        ),
        Mistake(
            hint="Those are the ranks' own numbers. Divide by the number of targets on all ranks together.",
            answer=lambda n_targets: n_targets * len(n_targets),
        ),
        Mistake(
            hint="Divide by all targets together, not by the largest number of one rank.",
            answer=lambda n_targets: n_targets * len(n_targets) / n_targets.max(),
        ),
    ),
)

# ZeRO-1 -----------------------------------------------------------------------------------------------


def _zero_step(
    weights: np.ndarray,
    gradients: np.ndarray,
    momenta: np.ndarray,
    lr: float,
    beta: float,
    *,
    reduced: Callable[[np.ndarray], np.ndarray] = lambda g: g.sum(axis=0),
    late: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    n = len(gradients)
    new = beta * momenta + reduced(gradients).reshape(n, -1)
    return (weights.reshape(n, -1) - lr * (momenta if late else new)).ravel(), new


def _own_part(gradients: np.ndarray) -> np.ndarray:
    n = len(gradients)
    return np.concatenate([np.split(g, n)[r] for r, g in enumerate(gradients)])


def _zero_cases() -> tuple:
    rng = np.random.default_rng(1)
    return tuple(
        (rng.normal(size=n * k), rng.normal(size=(n, n * k)), rng.normal(size=(n, k)), lr, 0.9)
        for n, k, lr in ((2, 3, 0.1), (4, 1, 0.5))
    )


zero_step = Exercise(
    notebook="24",
    name="a step of ZeRO-1",
    solution=_zero_step,
    cases=_zero_cases(),
    mistakes=(
        Mistake(
            hint="Each rank took its part of its own gradient. It needs its part of the sum over all ranks.",
            answer=lambda *case: _zero_step(*case, reduced=_own_part),
        ),
        Mistake(
            hint="You averaged the gradients. Here they are parts of one sum: add them.",
            answer=lambda *case: _zero_step(*case, reduced=lambda g: g.mean(axis=0)),
        ),
        Mistake(
            hint="You took rank 0's gradient alone. Add up those of all ranks.",
            answer=lambda *case: _zero_step(*case, reduced=lambda g: g[0]),
        ),
        Mistake(
            hint="You stepped along the old momentum. Renew it first, then step.",
            answer=lambda *case: _zero_step(*case, late=True),
        ),
        Mistake(
            hint="The momentum of before is lost: the new one is beta times the old one, plus the gradient.",
            answer=lambda w, g, m, lr, beta: _zero_step(w, g, m, lr, 0.0),
        ),
        Mistake(
            hint="The old momentum is multiplied by beta.",
            answer=lambda w, g, m, lr, beta: _zero_step(w, g, m, lr, 1.0),
        ),
        Mistake(
            hint="You went uphill: subtract lr times the momentum.",
            answer=lambda w, g, m, lr, beta: _zero_step(w, g, m, -lr, beta),
        ),
        Mistake(
            hint="The rate is missing: subtract lr times the momentum.",
            answer=lambda w, g, m, lr, beta: _zero_step(w, g, m, 1.0, beta),
        ),
    ),
)

# Tensor parallel ---------------------------------------------------------------------------------------


def _partial(x: np.ndarray, up: np.ndarray, down: np.ndarray, n_ranks: int, *, relu: bool = True) -> np.ndarray:
    columns, rows = np.split(up, n_ranks, axis=1), np.split(down, n_ranks)
    act = (lambda h: np.maximum(h, 0)) if relu else (lambda h: h)
    return np.stack([act(x @ a) @ b for a, b in zip(columns, rows, strict=True)])


def _mlp_cases() -> tuple:
    rng = np.random.default_rng(2)
    return tuple(
        (rng.normal(size=(rows, d)), rng.normal(size=(d, f)), rng.normal(size=(f, d)), n)
        for rows, d, f, n in ((3, 2, 4, 2), (2, 4, 6, 3))
    )


def _whole_mlp(x: np.ndarray, up: np.ndarray, down: np.ndarray, n_ranks: int) -> np.ndarray:
    return np.maximum(x @ up, 0) @ down


tensor_mlp = Exercise(
    notebook="24",
    name="an MLP on several ranks",
    solution=_partial,
    cases=_mlp_cases(),
    mistakes=(
        Mistake(
            hint="That is the sum over ranks. Give what each rank has before it, stacked.",
            answer=_whole_mlp,
        ),
        Mistake(
            hint="Every rank has the whole result there: each should have its own columns of up, and rows of down.",
            answer=lambda x, up, down, n: np.stack([_whole_mlp(x, up, down, n)] * n),
        ),
        Mistake(
            hint="relu is missing between the two products.",
            answer=lambda x, up, down, n: _partial(x, up, down, n, relu=False),
        ),
        Mistake(
            hint="You divided by the number of ranks. The parts are of a sum: nothing is averaged.",
            answer=lambda x, up, down, n: _partial(x, up, down, n) / n,
        ),
        Mistake(
            hint="You added x on each rank: the sum would hold it W times. It is added once, after the sum.",
            answer=lambda x, up, down, n: _partial(x, up, down, n) + x,
        ),
        Mistake(
            hint="You cut both at the same places but joined other halves: rank r's columns of up belong to rank r's "
            "rows of down.",
            answer=lambda x, up, down, n: _partial(x, up, np.concatenate(np.split(down, n)[::-1]), n),
        ),
    ),
)

# 1F1B --------------------------------------------------------------------------------------------------


def _one_f_one_b(stage: int, n_stages: int, n_micro: int, *, ahead: int | None = None) -> tuple[str, ...]:
    ahead = min(n_stages - 1 - stage if ahead is None else ahead, n_micro)
    order = [f"F{k}" for k in range(ahead)]
    for k in range(n_micro):
        order += [f"F{k + ahead}"] * (k + ahead < n_micro) + [f"B{k}"]
    return tuple(order)


def _backwards_first(stage: int, n_stages: int, n_micro: int) -> tuple[str, ...]:
    ahead = min(n_stages - 1 - stage, n_micro)
    order = [f"F{k}" for k in range(ahead)]
    for k in range(n_micro):
        order += [f"B{k}"] + [f"F{k + ahead}"] * (k + ahead < n_micro)
    return tuple(order)


def _unbounded(stage: int, n_stages: int, n_micro: int) -> tuple[str, ...]:
    ahead = n_stages - 1 - stage
    order = [f"F{k}" for k in range(ahead)]
    for k in range(n_micro):
        order += [f"F{k + ahead}"] * (k + ahead < n_micro) + [f"B{k}"]
    return tuple(order)


def _newest_first(stage: int, n_stages: int, n_micro: int) -> tuple[str, ...]:
    order, waiting = [], []
    for action in _one_f_one_b(stage, n_stages, n_micro):
        if action[0] == "F":
            waiting.append(action[1:])
            order.append(action)
        else:
            order.append(f"B{waiting.pop()}")
    return tuple(order)


one_f_one_b = Exercise(
    notebook="24",
    name="the order of 1F1B",
    solution=_one_f_one_b,
    cases=((0, 4, 6), (1, 4, 6), (3, 4, 6), (0, 4, 2), (2, 3, 3), (0, 2, 12)),
    mistakes=(
        Mistake(
            hint="That is GPipe: all forward passes first. A stage is ahead by n_stages - 1 - stage of them, and then "
            "takes one and one in turn.",
            answer=lambda s, p, m: tuple(f"{kind}{k}" for kind in "FB" for k in range(m)),
        ),
        Mistake(
            hint="You are one forward pass too far ahead: n_stages - 1 - stage. The last stage goes back at once.",
            answer=lambda s, p, m: _one_f_one_b(s, p, m, ahead=p - s),
        ),
        Mistake(
            hint="The first stage is ahead by most, the last by none: n_stages - 1 - stage.",
            answer=lambda s, p, m: _one_f_one_b(s, p, m, ahead=s),
        ),
        Mistake(
            hint="No stage is ahead there. The first one has to wait for the others: n_stages - 1 - stage forward "
            "passes come before its first backward pass.",
            answer=lambda s, p, m: _one_f_one_b(s, p, m, ahead=0),
        ),
        Mistake(
            hint="After the forward passes ahead comes one more forward pass, then the first backward pass.",
            answer=_backwards_first,
        ),
        Mistake(hint="There are fewer micro-batches than you go ahead by: take the smaller number.", answer=_unbounded),
        Mistake(
            hint="Backward passes come in the order of the forward passes: the oldest micro-batch first.",
            answer=_newest_first,
        ),
    ),
)

# The bubble --------------------------------------------------------------------------------------------


def _fewest(
    n_stages: int, share: float, *, idle: Callable[[int, int], float] = lambda p, m: (p - 1) / (m + p - 1)
) -> int:
    m = 1
    while idle(n_stages, m) > share:
        m += 1
    return m


fewest_micro = Exercise(
    notebook="24",
    name="a bubble that is small enough",
    solution=_fewest,
    cases=((4, 0.3), (4, 0.1), (8, 0.22), (2, 0.6), (16, 0.07), (1, 0.1), (4, 0.5)),
    mistakes=(
        Mistake(
            hint="You took the idle time as a share of the work, (p - 1) / m. Asked for is the share of the whole "
            "time: (p - 1) / (m + p - 1).",
            answer=lambda p, s: _fewest(p, s, idle=lambda p, m: (p - 1) / m),
        ),
        Mistake(
            hint="A pipeline of p stages is idle for p - 1 pieces of work, not p.",
            answer=lambda p, s: _fewest(p, s, idle=lambda p, m: p / (m + p)),
        ),
        Mistake(
            hint="A pipeline of p stages is idle for p - 1 pieces of work, not p.",
            answer=lambda p, s: _fewest(p, s, idle=lambda p, m: p / (m + p - 1)),
        ),
        Mistake(
            hint="The whole time has m + p - 1 pieces of work, not m + p.",
            answer=lambda p, s: _fewest(p, s, idle=lambda p, m: (p - 1) / (m + p)),
        ),
        Mistake(
            hint="You rounded down, and the bubble is still too large. Round up.",
            answer=lambda p, s: max(1, math.floor((p - 1) * (1 - s) / s)),
        ),
        Mistake(hint="One is too many: the one before is small enough.", answer=lambda p, s: _fewest(p, s) + 1),
    ),
)

# The resume --------------------------------------------------------------------------------------------


def _next(order: np.ndarray, n_seen: int, rank: int, n_ranks: int, batch_size: int) -> np.ndarray:
    own = batch_size // n_ranks
    return order[n_seen + rank * own : n_seen + (rank + 1) * own]


_ORDER = np.random.default_rng(3).permutation(48)

resume = Exercise(
    notebook="24",
    name="where to go on",
    solution=_next,
    cases=((_ORDER, 12, 0, 1, 4), (_ORDER, 12, 1, 2, 4), (_ORDER, 8, 2, 4, 8), (_ORDER, 0, 1, 2, 6)),
    mistakes=(
        Mistake(
            hint="n_seen counts the samples of all ranks together: do not multiply it by the ranks that there are now.",
            answer=lambda order, n, r, w, b: _next(order, n * w, r, w, b),
        ),
        Mistake(
            hint="n_seen counts the samples of all ranks together; you divided it by the ranks that there are now, and "
            "would read samples twice.",
            answer=lambda order, n, r, w, b: _next(order, n // w, r, w, b),
        ),
        Mistake(
            hint="You began at the first sample again. Go on from n_seen.",
            answer=lambda order, n, r, w, b: _next(order, 0, r, w, b),
        ),
        Mistake(
            hint="Every rank reads the whole batch there. Each has its own batch_size / n_ranks of it.",
            answer=lambda order, n, r, w, b: order[n : n + b],
        ),
        Mistake(
            hint="Every rank reads the same samples there. Rank r begins r times its share further on.",
            answer=lambda order, n, r, w, b: _next(order, n, 0, w, b),
        ),
        Mistake(
            hint="Every rank reads a whole batch of its own there. batch_size is that of all ranks together.",
            answer=lambda order, n, r, w, b: order[n + r * b : n + (r + 1) * b],
        ),
        Mistake(
            hint="You dealt the samples out one by one. The ranks take neighbouring samples: rank 0 the first of them.",
            answer=lambda order, n, r, w, b: order[n + r : n + b : w],
        ),
        Mistake(
            hint="Those are places. Give the numbers that stand there: order[...].",
            answer=lambda order, n, r, w, b: np.arange(n + r * (b // w), n + (r + 1) * (b // w)),
        ),
    ),
)

EXERCISES = (ring, factors, zero_step, tensor_mlp, one_f_one_b, fewest_micro, resume)
