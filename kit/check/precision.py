"""The exercises of notebook 22: the loss scale, what must stay float32, the bytes of Adam, accumulation, checkpoints.

Taught in: 22
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from kit.check.exercise import Exercise, Mistake

TINY = np.array([3e-9, -2e-8, 5e-7, -1e-4, 0.25])


def _half(numbers: np.ndarray) -> np.ndarray:
    return np.asarray(numbers).astype(np.float16)


through_float16 = Exercise(
    notebook="22",
    name="there and back",
    solution=lambda g, scale: _half(g * scale).astype(np.float64) / scale,
    cases=((TINY, 2.0**12), (TINY * 3, 2.0**16), (np.array([1e-7, 7e-8, -4e-6]), 2.0**10)),
    mistakes=(
        Mistake(
            hint="You divided while the numbers were still float16, and the small ones vanished again. Convert first.",
            answer=lambda g, scale: (_half(g * scale) / np.float16(scale)).astype(np.float64),
        ),
        Mistake(
            hint="You converted before you scaled: what vanished cannot be scaled back. Multiply first.",
            answer=lambda g, scale: _half(g).astype(np.float64) * scale / scale,
        ),
        Mistake(
            hint="You converted before you scaled: what vanished cannot be scaled back. Multiply first.",
            answer=lambda g, scale: (_half(g) * scale).astype(np.float64) / scale,
        ),
        Mistake(
            hint="The scale is still in your answer. Divide by it, after the way back to float64.",
            answer=lambda g, scale: _half(g * scale).astype(np.float64),
        ),
        Mistake(
            hint="You multiplied by the scale twice. Divide on the way back.",
            answer=lambda g, scale: _half(g * scale).astype(np.float64) * scale,
        ),
        Mistake(
            hint="Your numbers never were float16: nothing is lost in them. Convert by astype(np.float16).",
            answer=lambda g, scale: g * scale / scale,
        ),
    ),
    rtol=1e-12,
)


def _descend(weights: Sequence, gradients: Sequence, scale: float, lr: float) -> tuple:
    if not all(np.isfinite(g).all() for g in gradients):
        return tuple(weights)
    return tuple(w - lr * g / scale for w, g in zip(weights, gradients, strict=True))


_WEIGHTS = (np.array([1.0, 2.0]), np.array([3.0]))

skip = Exercise(
    notebook="22",
    name="skip what overflowed",
    solution=_descend,
    cases=(
        (_WEIGHTS, (np.array([8.0, 16.0]), np.array([4.0])), 8.0, 0.5),
        (_WEIGHTS, (np.array([8.0, 16.0]), np.array([np.inf])), 8.0, 0.5),
        (_WEIGHTS, (np.array([np.nan, 16.0]), np.array([4.0])), 8.0, 0.5),
        (_WEIGHTS, (np.array([8.0, -np.inf]), np.array([4.0])), 8.0, 0.5),
    ),
    mistakes=(
        Mistake(
            hint="The gradients are still multiplied by the scale. Divide each by it.",
            answer=lambda weights, gradients, scale, lr: _descend(weights, gradients, 1.0, lr),
        ),
        Mistake(
            hint="You stepped although a gradient had overflowed. Then no weight may move.",
            answer=lambda weights, gradients, scale, lr: tuple(
                w - lr * g / scale for w, g in zip(weights, gradients, strict=True)
            ),
        ),
        Mistake(
            hint="You left out the tensor that overflowed and stepped with the others. The step is skipped as a whole: "
            "in another tensor the same overflow may hide as a wrong number.",
            answer=lambda weights, gradients, scale, lr: tuple(
                w - lr * g / scale if np.isfinite(g).all() else w for w, g in zip(weights, gradients, strict=True)
            ),
        ),
        Mistake(
            hint="You looked for infinity alone. ∞ - ∞ is NaN, and it overflowed just as well: np.isfinite finds both.",
            answer=lambda weights, gradients, scale, lr: (
                tuple(weights)
                if any(np.isinf(g).any() for g in gradients)
                else tuple(w - lr * g / scale for w, g in zip(weights, gradients, strict=True))
            ),
        ),
        Mistake(
            hint="You replaced what overflowed by 0 and stepped. The rest of that gradient cannot be trusted: skip.",
            answer=lambda weights, gradients, scale, lr: tuple(
                w - lr * np.where(np.isfinite(g), g, 0.0) / scale for w, g in zip(weights, gradients, strict=True)
            ),
        ),
        Mistake(
            hint="You asked only the first tensor. An overflow may be in any.",
            answer=lambda weights, gradients, scale, lr: (
                tuple(weights)
                if not np.isfinite(gradients[0]).all()
                else tuple(w - lr * g / scale for w, g in zip(weights, gradients, strict=True))
            ),
        ),
    ),
)


def _scales(
    overflows: Sequence[bool],
    scale: float,
    growth_interval: int,
    *,
    reset: bool = True,
    late: int = 0,
    both: bool = True,
) -> np.ndarray:
    used, good = [], 0
    for overflow in overflows:
        used.append(scale)
        if overflow:
            scale, good = scale / 2 if both else scale, 0 if reset else good
        else:
            good += 1
            if good == growth_interval + late:
                scale, good = scale * 2, 0
    return np.array(used)


_FLOW = (False, False, True, False, False, False, True, True, False, False, False, False, False, False)

scales = Exercise(
    notebook="22",
    name="growth and backoff",
    solution=_scales,
    cases=((_FLOW, 1024.0, 3), (_FLOW, 64.0, 2), ((False,) * 9, 8.0, 4), ((True, True, False, False, True), 1.0, 2)),
    mistakes=(
        Mistake(
            hint="Those are the scales after each step. Note the scale that a step uses before you change it.",
            answer=lambda overflows, scale, growth_interval: _scales([*overflows, False], scale, growth_interval)[1:],
        ),
        Mistake(
            hint="After an overflow the count of good steps begins anew. You went on counting.",
            answer=lambda overflows, scale, growth_interval: _scales(overflows, scale, growth_interval, reset=False),
        ),
        Mistake(
            hint="Your scale grows one step late: it grows when the count reaches growth_interval.",
            answer=lambda overflows, scale, growth_interval: _scales(overflows, scale, growth_interval, late=1),
        ),
        Mistake(
            hint="Your scale never comes down. Halve it after an overflow.",
            answer=lambda overflows, scale, growth_interval: _scales(overflows, scale, growth_interval, both=False),
        ),
        Mistake(
            hint="Once grown, the scale waits for growth_interval good steps once more. Set the count back to 0.",
            answer=lambda overflows, scale, growth_interval: _impatient(overflows, scale, growth_interval),
        ),
        Mistake(
            hint="Your scale grows once and never again: set the count of good steps back to 0 when it has grown.",
            answer=lambda overflows, scale, growth_interval: _once(overflows, scale, growth_interval),
        ),
        Mistake(
            hint="Your scale doubles after every good step. It waits for growth_interval of them in a row.",
            answer=lambda overflows, scale, growth_interval: _scales(overflows, scale, 1),
        ),
        Mistake(
            hint="Your scale never grows. Double it once growth_interval steps in a row went well.",
            answer=lambda overflows, scale, growth_interval: _scales(overflows, scale, len(overflows) + 1),
        ),
    ),
)


def _once(overflows: Sequence[bool], scale: float, growth_interval: int) -> np.ndarray:
    used, good = [], 0
    for overflow in overflows:
        used.append(scale)
        good = 0 if overflow else good + 1
        scale = scale / 2 if overflow else scale * 2 if good == growth_interval else scale
    return np.array(used)


def _impatient(overflows: Sequence[bool], scale: float, growth_interval: int) -> np.ndarray:
    used, good = [], 0
    for overflow in overflows:
        used.append(scale)
        good = 0 if overflow else good + 1
        scale = scale / 2 if overflow else scale * 2 if good >= growth_interval else scale
    return np.array(used)


# What must stay float32 ----------------------------------------------------------------------------


def shares(x: np.ndarray) -> np.ndarray:
    """Compute a softmax, each number in the format of `x`."""
    powers = np.exp(x - x.max())
    return powers / powers.sum(dtype=x.dtype)


def total(x: np.ndarray) -> np.ndarray:
    """Add up one number after the other, each sum in the format of `x`."""
    return np.add.accumulate(x, dtype=x.dtype)[-1:]


def spread(x: np.ndarray) -> np.ndarray:
    """Compute a variance, each number in the format of `x`."""
    return np.square(x - x.mean(dtype=x.dtype)).mean(dtype=x.dtype, keepdims=True)


def bend(x: np.ndarray) -> np.ndarray:
    """Bend by a hyperbolic tangent."""
    return np.tanh(x)


def _error(operation: Callable, x: np.ndarray) -> float:
    exact = operation(x)
    return float(np.abs(operation(_half(x)).astype(np.float64) - exact).max() / np.abs(exact).max())


def _worst(errors: Callable[[Callable], float], operations: Sequence[Callable]) -> int:
    return int(np.argmax([errors(operation) for operation in operations]))


_OPERATIONS = (bend, shares, total, spread)
_MANY, _LARGE, _FEW = (
    np.random.default_rng(0).random(size) * factor for size, factor in ((5000, 1), (50, 900), (8, 1))
)

must_stay = Exercise(
    notebook="22",
    name="find the operation that must stay float32",
    solution=lambda operations, x: _worst(lambda operation: _error(operation, x), operations),
    cases=(
        (_OPERATIONS, _MANY),
        (_OPERATIONS, _LARGE),
        ((total, bend, spread), _MANY),
        ((bend, shares, total), _FEW),
        ((spread, bend), np.random.default_rng(44).random(17)),  # the worst number is not in the worst mean
    ),
    mistakes=(
        Mistake(
            hint="You measured the error in its own units. A sum is a large number: divide by the exact answer's size.",
            answer=lambda operations, x: _worst(
                lambda f: float(np.abs(f(_half(x)).astype(float) - f(x)).max()), operations
            ),
        ),
        Mistake(
            hint="You took the mean difference. One number far off hides among many: take the largest.",
            answer=lambda operations, x: _worst(
                lambda f: float(np.abs(f(_half(x)).astype(float) - f(x)).mean() / np.abs(f(x)).max()), operations
            ),
        ),
        Mistake(
            hint="You rounded the input and then computed in float64. The operation itself must be done in float16.",
            answer=lambda operations, x: _worst(
                lambda f: float(np.abs(f(_half(x).astype(float)) - f(x)).max() / np.abs(f(x)).max()), operations
            ),
        ),
        Mistake(
            hint="You rounded the exact answer. That is the error of storing it, not of computing it in float16.",
            answer=lambda operations, x: _worst(
                lambda f: float(np.abs(_half(f(x)).astype(float) - f(x)).max() / np.abs(f(x)).max()), operations
            ),
        ),
        Mistake(
            hint="You found the operation that float16 harms least. The largest error is asked for.",
            answer=lambda operations, x: int(np.argmin([_error(operation, x) for operation in operations])),
        ),
        Mistake(
            hint="That is the error itself. Return the place of its operation in the list.",
            answer=lambda operations, x: max(_error(operation, x) for operation in operations),
        ),
    ),
)

# The bill ------------------------------------------------------------------------------------------

adam_bytes = Exercise(
    notebook="22",
    name="the bytes of Adam",
    solution=lambda n_weights, n_linear, mixed: 16 * n_weights + (2 * n_linear if mixed else 0),
    cases=((1000, 800, False), (1000, 800, True), (124_439_808, 123_532_032, True)),
    mistakes=(
        Mistake(
            hint="In mixed precision the weights stay float32: 4 bytes, not 2. The 16-bit copies come on top.",
            answer=lambda n_weights, n_linear, mixed: (14 if mixed else 16) * n_weights,
        ),
        Mistake(
            hint="You halved everything. Weights, gradients and Adam's means stay float32.",
            answer=lambda n_weights, n_linear, mixed: (8 if mixed else 16) * n_weights,
        ),
        Mistake(
            hint="In mixed precision 16 bytes a weight are too few. Either the copies are forgotten, 2 bytes for each "
            "weight of a linear layer; or you reckoned 2 + 2 + 4 + 4 + 4, the recipe of other tools, where weights and "
            "gradients are 16 bits wide. Here both stay float32.",
            answer=lambda n_weights, n_linear, mixed: 16 * n_weights,
        ),
        Mistake(
            hint="Every weight got a copy. Only those of linear layers do: n_linear of them.",
            answer=lambda n_weights, n_linear, mixed: (18 if mixed else 16) * n_weights,
        ),
        Mistake(
            hint="Adam keeps two means of each gradient: of itself and of its square. You counted one.",
            answer=lambda n_weights, n_linear, mixed: 12 * n_weights + (2 * n_linear if mixed else 0),
        ),
        *(
            Mistake(
                hint="You gave weights and gradients two bytes each. In mixed precision both stay float32, four bytes "
                "each; only the copies have two.",
                answer=lambda n_weights, n_linear, mixed, copies=copies: (
                    (12 if mixed else 16) * n_weights + (copies * n_linear if mixed else 0)
                ),
            )
            for copies in (0, 2)
        ),
        Mistake(
            hint="The gradients are missing: 4 bytes for each weight.",
            answer=lambda n_weights, n_linear, mixed: 12 * n_weights,
        ),
        Mistake(
            hint="Those are numbers, not bytes. A float32 number takes 4.",
            answer=lambda n_weights, n_linear, mixed: 4 * n_weights + (n_linear if mixed else 0),
        ),
        Mistake(
            hint="In float32 there are no copies: add them where `mixed` is true.",
            answer=lambda n_weights, n_linear, mixed: 16 * n_weights + 2 * n_linear,
        ),
    ),
)

_PARTS = np.array([[1.0, -2.0], [4.0, 0.5], [-3.0, 1.0]])

accumulate = Exercise(
    notebook="22",
    name="the large batch in parts",
    solution=lambda gradients, n_tokens: n_tokens @ gradients / n_tokens.sum(),
    cases=((_PARTS, np.array([5, 5, 5])), (_PARTS, np.array([10, 2, 4])), (_PARTS[:2] * 3, np.array([1, 9]))),
    mistakes=(
        Mistake(
            hint="You added up the parts' gradients. Each is a mean of its part: the sum is too large by their number.",
            answer=lambda gradients, n_tokens: gradients.sum(axis=0),
        ),
        Mistake(
            hint="You took the mean of the parts' means. A part with more tokens must weigh more.",
            answer=lambda gradients, n_tokens: gradients.mean(axis=0),
        ),
        Mistake(
            hint="You weighted the parts by their tokens. Divide by the number of all tokens.",
            answer=lambda gradients, n_tokens: n_tokens @ gradients,
        ),
        Mistake(
            hint="You divided by the number of parts. The weights are numbers of tokens: divide by their sum.",
            answer=lambda gradients, n_tokens: n_tokens @ gradients / len(n_tokens),
        ),
        Mistake(
            hint="You divided each gradient by its tokens. It is a mean already: multiply it by them.",
            answer=lambda gradients, n_tokens: (gradients / n_tokens[:, None]).sum(axis=0),
        ),
    ),
)


def _kept(n_layers: int, block: float, edge: float, every: int, *, runs: bool = True, whole: bool = True) -> float:
    """Reckon what is kept: an input for each run of blocks, and one run in full while it is recomputed."""
    n_runs = math.ceil(n_layers / every) if whole else n_layers / every
    return n_runs * edge + (every * block if runs else 0)


def _best(costs: Callable[[int], float], n_layers: int) -> int:
    return min(range(1, n_layers + 1), key=costs)


segments = Exercise(
    notebook="22",
    name="an experiment: how many blocks to a checkpoint",
    solution=lambda n_layers, block, edge: _best(lambda every: _kept(n_layers, block, edge, every), n_layers),
    cases=((36, 16.0, 64.0), (13, 2.0, 9.0), (48, 34.0, 2.0), (20, 1.0, 30.0), (4, 2.0, 1.0)),
    mistakes=(
        Mistake(
            hint="You left out the run of blocks that is computed again: while it is, it keeps `every` blocks in full.",
            answer=lambda n_layers, block, edge: _best(
                lambda every: _kept(n_layers, block, edge, every, runs=False), n_layers
            ),
        ),
        Mistake(
            hint="That is the memory. Return the number of blocks to a checkpoint that needs least.",
            answer=lambda n_layers, block, edge: min(
                _kept(n_layers, block, edge, every) for every in range(1, n_layers + 1)
            ),
        ),
        Mistake(
            hint="√n is right where a block keeps as much as its input, which it does not. Try every number.",
            answer=lambda n_layers, block, edge: round(math.sqrt(n_layers)),
        ),
        Mistake(
            hint="You kept an input for every block. A run of blocks keeps only its first.",
            answer=lambda n_layers, block, edge: _best(lambda every: n_layers * edge + every * block, n_layers),
        ),
        Mistake(
            hint="Where several need the least, return the smallest of them. Yours is the largest: <, not <=.",
            answer=lambda n_layers, block, edge: min(
                range(n_layers, 0, -1), key=lambda every: _kept(n_layers, block, edge, every)
            ),
        ),
        Mistake(
            hint="You found the number that needs most. Look for the least.",
            answer=lambda n_layers, block, edge: max(
                range(1, n_layers + 1), key=lambda every: _kept(n_layers, block, edge, every)
            ),
        ),
    ),
)

EXERCISES = (through_float16, adam_bytes, skip, scales, accumulate, must_stay, segments)
