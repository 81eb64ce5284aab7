"""The exercises of notebook 11: first weights, both norms, how deep a network trains; with those on gradients.

Taught in: 11
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kit.blocks.initialisation import init_linear
from kit.check.backprop import backward, ledger, twice
from kit.check.exercise import Exercise, Mistake
from kit.models.mlp import DeepMLP, HiddenLayer, MLPConfig

# First weights ---------------------------------------------------------------------------------------


def _std(n_in: int, n_out: int, activation: str) -> float:
    return math.sqrt(2 / n_in if activation == "ReLU" else 2 / (n_in + n_out))


first_std = Exercise(
    notebook="11",
    name="the first weights",
    solution=_std,
    cases=((50, 30, "ReLU"), (50, 30, "tanh"), (784, 100, "ReLU"), (100, 10, "tanh")),
    mistakes=(
        Mistake(
            hint="Those are the variances. Return standard deviations: take the root.",
            answer=lambda *case: _std(*case) ** 2,
        ),
        Mistake(
            hint="That is He's for both. For tanh Xavier's is asked for: 2 / (n_in + n_out).",
            answer=lambda n_in, n_out, activation: math.sqrt(2 / n_in),
        ),
        Mistake(
            hint="That is Xavier's for both. ReLU silences half, and needs He's: 2 / n_in.",
            answer=lambda n_in, n_out, activation: math.sqrt(2 / (n_in + n_out)),
        ),
        Mistake(
            hint="The two are swapped: He's is for ReLU, Xavier's for tanh.",
            answer=lambda n_in, n_out, activation: _std(n_in, n_out, {"ReLU": "tanh"}.get(activation, "ReLU")),
        ),
        Mistake(
            hint="For ReLU divide by the numbers that come in, n_in: a sum has as many terms.",
            answer=lambda n_in, n_out, activation: _std(n_out, n_in, activation),
        ),
        Mistake(
            hint="1 / n_in keeps sums level on the way up alone. Xavier's takes the mean of both widths.",
            answer=lambda n_in, n_out, activation: math.sqrt((2 if activation == "ReLU" else 1) / n_in),
        ),
        Mistake(
            hint="Xavier's variance is 1 over the mean of both widths, 2 / (n_in + n_out). You took 1 over their sum.",
            answer=lambda n_in, n_out, activation: math.sqrt(2 / n_in if activation == "ReLU" else 1 / (n_in + n_out)),
        ),
        Mistake(
            hint="ReLU halves the mean square, so its weights need twice the variance: 2 / n_in.",
            answer=lambda n_in, n_out, activation: math.sqrt(1 / n_in if activation == "ReLU" else 2 / (n_in + n_out)),
        ),
    ),
)

# Batch norm ------------------------------------------------------------------------------------------

Normed = tuple[np.ndarray, np.ndarray, np.ndarray]
_unbiased = partial(np.var, ddof=1)


def _batch_norm(
    x: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
    *,
    of_batch: Callable = np.var,
    of_running: Callable = _unbiased,
    turned: bool = False,
    always_moves: bool = False,
    never_moves: bool = False,
    by: str = "mode",
    scale: Callable[[np.ndarray, float], np.ndarray] = lambda variance, eps: np.sqrt(variance + eps),
) -> Normed:
    own = {"mode": training, "batch": True, "running": False}[by]
    used_mean, used_var = (x.mean(axis=0), of_batch(x, axis=0)) if own else (mean, var)
    if (training or always_moves) and not never_moves:
        m = 1 - momentum if turned else momentum
        mean, var = (1 - m) * mean + m * x.mean(axis=0), (1 - m) * var + m * of_running(x, axis=0)
    return gain * (x - used_mean) / scale(used_var, eps) + bias, mean, var


def _no_gain(x, gain, bias, *rest) -> Normed:
    return _batch_norm(x, np.ones_like(gain), np.zeros_like(bias), *rest)


def _norm_case(seed: int, n: int, width: int, *, training: bool, momentum: float, eps: float) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    x = 3 + 2 * rng.normal(size=(n, width))
    gain, bias, mean = 1 + rng.random(width), rng.normal(size=width), 3 + rng.normal(size=width)
    return x, gain, bias, mean, 1 + rng.random(width), training, momentum, eps


batch_norm = Exercise(
    notebook="11",
    name="batch norm with running statistics",
    solution=_batch_norm,
    cases=(
        _norm_case(0, 4, 2, training=True, momentum=0.1, eps=0.01),
        _norm_case(1, 6, 3, training=False, momentum=0.1, eps=0.01),
        _norm_case(2, 3, 4, training=True, momentum=0.4, eps=0.1),
    ),
    mistakes=(
        Mistake(
            hint="You normalise by the unbiased variance. Take the batch's own, divided by n; n - 1 is for the "
            "running one.",
            answer=partial(_batch_norm, of_batch=_unbiased),
        ),
        Mistake(
            hint="The running variance takes the unbiased one, divided by n - 1: ddof=1.",
            answer=partial(_batch_norm, of_running=np.var),
        ),
        Mistake(
            hint="The two variances are swapped: by n to normalise, by n - 1 into the running one.",
            answer=partial(_batch_norm, of_batch=_unbiased, of_running=np.var),
        ),
        Mistake(
            hint="The momentum is turned round: here it is the share of the new batch: (1 - m) old + m new.",
            answer=partial(_batch_norm, turned=True),
        ),
        Mistake(
            hint="The running statistics move in evaluation too. There a model only looks: they stay.",
            answer=partial(_batch_norm, always_moves=True),
        ),
        Mistake(
            hint="The running statistics never move. In training they go a share m of the way to the batch's.",
            answer=partial(_batch_norm, never_moves=True),
        ),
        Mistake(
            hint="In evaluation you normalise by the batch. There the running ones count: a row may come alone.",
            answer=partial(_batch_norm, by="batch"),
        ),
        Mistake(
            hint="In training you normalise by the running statistics. There the batch's own count.",
            answer=partial(_batch_norm, by="running"),
        ),
        Mistake(
            hint="eps stands inside the root, with the variance.",
            answer=partial(_batch_norm, scale=lambda variance, eps: np.sqrt(variance) + eps),
        ),
        Mistake(
            hint="The root is missing: divide by √(variance + eps).",
            answer=partial(_batch_norm, scale=lambda variance, eps: variance + eps),
        ),
        Mistake(
            hint="The running one is a variance; you kept a standard deviation.",
            answer=partial(_batch_norm, of_running=partial(np.std, ddof=1)),
        ),
        Mistake(hint="Gain and bias are missing: gain · normalised + bias.", answer=_no_gain),
        Mistake(
            hint="Return three things: what comes out, the running mean and the running variance.",
            answer=lambda *case: _batch_norm(*case)[0],
        ),
    ),
)

# Layer norm ------------------------------------------------------------------------------------------


def _layer_norm(
    x: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    eps: float,
    *,
    axis: int | None = 1,
    ddof: int = 0,
    scale: Callable[[np.ndarray, float], np.ndarray] = lambda variance, eps: np.sqrt(variance + eps),
    centred: bool = True,
) -> np.ndarray:
    mean = x.mean(axis=axis, keepdims=True)
    return gain * (x - mean * centred) / scale(x.var(axis=axis, ddof=ddof, keepdims=True), eps) + bias


def _rows(seed: int, n: int, width: int, eps: float) -> tuple[Any, ...]:
    return (*_norm_case(seed, n, width, training=True, momentum=0.1, eps=eps)[:3], eps)


layer_norm = Exercise(
    notebook="11",
    name="layer norm",
    solution=_layer_norm,
    cases=(_rows(3, 2, 4, 0.1), _rows(4, 5, 3, 0.01), _rows(5, 1, 6, 0.2)),
    mistakes=(
        Mistake(
            hint="That is over the batch, column by column. Layer norm takes each row alone: axis=1, keepdims=True.",
            answer=partial(_layer_norm, axis=0),
        ),
        Mistake(
            hint="You took one mean and one variance for all rows together. Each row has its own.",
            answer=partial(_layer_norm, axis=None),
        ),
        Mistake(hint="The variance of a row is divided by n here, not by n - 1.", answer=partial(_layer_norm, ddof=1)),
        Mistake(
            hint="eps stands inside the root, with the variance.",
            answer=partial(_layer_norm, scale=lambda variance, eps: np.sqrt(variance) + eps),
        ),
        Mistake(
            hint="eps is missing: a row of equal numbers would be divided by 0.",
            answer=partial(_layer_norm, scale=lambda variance, eps: np.sqrt(variance)),
        ),
        Mistake(
            hint="The root is missing: divide by √(variance + eps).",
            answer=partial(_layer_norm, scale=lambda variance, eps: variance + eps),
        ),
        Mistake(
            hint="The mean of the row is not taken off before it is divided.",
            answer=partial(_layer_norm, centred=False),
        ),
        Mistake(
            hint="Gain and bias are missing: gain · normalised + bias, feature by feature.",
            answer=lambda x, gain, bias, eps: _layer_norm(x, np.ones_like(gain), np.zeros_like(bias), eps),
        ),
        Mistake(
            hint="The gain multiplies what is normalised alone; the bias comes after.",
            answer=lambda x, gain, bias, eps: gain * (_layer_norm(x, np.ones_like(gain), bias, eps)),
        ),
    ),
)

# The experiment --------------------------------------------------------------------------------------


class Accuracies:
    """A stand-in for training: the accuracy at each depth and rate with each seed, from a table."""

    def __init__(self, table: dict[tuple[int, float], Sequence[float]]):
        self._table = table

    def __call__(self, depth: Any, lr: Any, seed: Any) -> float:  # swapped by a learner, they are not found
        """Look one accuracy up."""
        return self._table[depth, lr][seed]

    def __repr__(self) -> str:
        return "accuracy"


def _case(bar: float, table: dict[tuple[int, float], Sequence[float]]) -> tuple[Any, ...]:
    depths, rates = (list(dict.fromkeys(key[i] for key in table)) for i in range(2))
    seeds = list(range(len(next(iter(table.values())))))
    return Accuracies(table), depths, rates, seeds, bar


# Eighths, whose means are exact; in the first two every wrong way to choose and to judge leads elsewhere
_CASES = (
    _case(
        0.5,
        {
            (4, 0.1): [0.75, 0.625, 1.0, 0.375],
            (4, 0.3): [0.625, 1.0, 0.625, 1.0],
            (8, 0.1): [0.625, 0.375, 0.5, 0.625],
            (8, 0.3): [0.5, 0.375, 0.375, 0.125],
            (16, 0.1): [0.5, 0.625, 0.75, 0.125],
            (16, 0.3): [0.75, 0.5, 0.125, 0.5],
            (32, 0.1): [0.625, 0.625, 0.625, 0.625],
            (32, 0.3): [0.625, 0.375, 0.125, 0.25],
            (64, 0.1): [0.375, 0.25, 0.5, 0.5],
            (64, 0.3): [0.375, 0.875, 0.125, 0.625],
        },
    ),
    _case(
        0.5,
        {
            (4, 0.1): [0.625, 0.75, 1.0, 1.0],
            (4, 0.3): [0.75, 0.625, 0.625, 0.375],
            (8, 0.1): [1.0, 0.75, 0.25, 0.25],
            (8, 0.3): [0.375, 1.0, 0.25, 0.625],
            (16, 0.1): [0.5, 0.25, 0.375, 0.875],
            (16, 0.3): [0.875, 0.125, 0.625, 0.5],
            (32, 0.1): [0.75, 0.125, 0.5, 0.625],
            (32, 0.3): [0.125, 0.375, 0.375, 0.5],
            (64, 0.1): [0.125, 1.0, 0.5, 0.125],
            (64, 0.3): [0.125, 0.125, 0.375, 0.375],
        },
    ),
    _case(  # not even the first depth trains
        0.75,
        {
            (3, 0.1): [0.875, 0.625, 0.75, 0.75],
            (3, 0.3): [0.5, 1.0, 1.0, 1.0],
            (5, 0.1): [1.0, 1.0, 1.0, 1.0],
            (5, 0.3): [0.0, 0.0, 0.0, 0.0],
        },
    ),
    _case(  # all do, the first just so
        0.5,
        {
            (3, 0.1): [0.5, 0.75, 0.5, 0.25],
            (3, 0.3): [0.25, 0.0, 0.0, 0.0],
            (7, 0.1): [0.25, 0.5, 0.5, 0.75],
            (7, 0.3): [0.125, 0.0, 0.0, 0.0],
        },
    ),
)


def _deepest(
    accuracy: Callable[[int, float, int], float],
    depths: Sequence[int],
    rates: Sequence[float],
    seeds: Sequence[int],
    bar: float,
    *,
    chooses: slice = slice(0, 1),
    judges: slice = slice(1, None),
    pool: Callable = np.mean,
    reaches: Callable = np.greater_equal,
    gap: bool = False,
    one_rate: bool = False,
) -> int:
    found, lr = 0, None
    for depth in depths:
        if lr is None or not one_rate:
            lr = max(rates, key=lambda lr, depth=depth: np.mean([accuracy(depth, lr, s) for s in seeds[chooses]]))
        if reaches(pool([accuracy(depth, lr, s) for s in seeds[judges]]), bar):
            found = depth
        elif not gap:
            return found
    return found


def _first_failing(accuracy, depths, rates, seeds, bar) -> int:
    reached = _deepest(accuracy, depths, rates, seeds, bar)
    later = [depth for depth in depths if depth > reached]
    return later[0] if later else reached


def _place(accuracy, depths, rates, seeds, bar) -> int:
    reached = _deepest(accuracy, depths, rates, seeds, bar)
    return [0, *depths].index(reached)


deepest = Exercise(
    notebook="11",
    name="an experiment: the deepest that trains",
    solution=_deepest,
    cases=_CASES,
    mistakes=(
        Mistake(
            hint="The seed that chose the rate judges it as well, and it was chosen for being high there. Judge by the "
            "others alone.",
            answer=partial(_deepest, judges=slice(None)),
        ),
        Mistake(
            hint="The seed that chose the rate judges it as well, and it was chosen for being high there. Judge by the "
            "others alone.",
            answer=partial(_deepest, judges=slice(0, 1)),
        ),
        Mistake(
            hint="The rate is chosen by the seeds that judge it: the luckiest wins. Choose by the first seed alone.",
            answer=partial(_deepest, chooses=slice(1, None)),
        ),
        Mistake(
            hint="The rate is chosen by all seeds, those that judge it too. Choose by the first seed alone.",
            answer=partial(_deepest, chooses=slice(None)),
        ),
        Mistake(
            hint="All depths get the rate that is best for the first. Each depth has a best rate of its own.",
            answer=partial(_deepest, one_rate=True),
        ),
        Mistake(
            hint="A deeper network trains there by luck, beyond one that does not. Stop at the first that fails.",
            answer=partial(_deepest, gap=True),
        ),
        Mistake(
            hint="A mean equal to the bar reaches it: compare with >=.", answer=partial(_deepest, reaches=np.greater)
        ),
        Mistake(
            hint="The best seed reaches the bar there. Here the mean of those that judge is asked for.",
            answer=partial(_deepest, pool=max),
        ),
        Mistake(
            hint="You ask that every seed reach the bar. Here their mean is asked for.",
            answer=partial(_deepest, pool=min),
        ),
        Mistake(hint="That is the first depth that fails. Return the last one before it.", answer=_first_failing),
        Mistake(hint="That is how many depths train. Return the deepest of them.", answer=_place),
    ),
)

# The planted fault -----------------------------------------------------------------------------------


class _Layer(HiddenLayer):
    """A hidden layer like any other, but for one word."""

    def forward(self, x: Tensor) -> Tensor:
        """Give the layer's units."""
        return super().forward(x.detach())


def suspect() -> DeepMLP:
    """Make the network of notebook 11 that hardly learns: twelve layers of tanh, one of them at fault."""
    config = MLPConfig(n_layers=12, activation="tanh")
    with torch.random.fork_rng(devices=[]):
        model = DeepMLP(config)
        model.hidden[6] = _Layer(config.n_hidden, config)
    init_linear(model, scheme="Xavier", generator=torch.Generator().manual_seed(0))
    return model


EXERCISES = (backward, twice, first_std, batch_norm, layer_norm, ledger, deepest)
