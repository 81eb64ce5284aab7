"""The exercises of notebook 23: operations by part, the law, its linear part, the best split, a parabola, a forecast.

Taught in: 23
"""

import math
from functools import partial
from typing import Any

import numpy as np

from kit.check.exercise import Exercise, Mistake

# Operations ------------------------------------------------------------------------------------------


def _shares(
    n_layers: int,
    width: int,
    vocab_size: int,
    time: int,
    *,
    blocks: float = 72.0,
    head: float = 6.0,
    attention: float = 12.0,
    of_all: bool = True,
) -> np.ndarray:
    parts = np.array(
        [blocks * n_layers * width**2, head * vocab_size * width, attention * n_layers * width * time], dtype=float
    )
    return parts / parts.sum() if of_all else parts


shares = Exercise(
    notebook="23",
    name="where the operations are",
    solution=_shares,
    cases=((2, 16, 252, 74), (12, 768, 50_257, 1024), (96, 12_288, 50_257, 2048)),
    mistakes=(
        Mistake(
            hint="Those are operations. Divide by their sum: the three shares add up to 1.",
            answer=partial(_shares, of_all=False),
        ),
        Mistake(
            hint="You counted the table twice. To look a token up costs no product: the head alone counts.",
            answer=partial(_shares, head=12.0),
        ),
        Mistake(hint="The head is missing: vocab_size · d weights, 6 for each.", answer=partial(_shares, head=0.0)),
        Mistake(
            hint="Attention makes two products for each pair of tokens, queries by keys and weights by values: 12.",
            answer=partial(_shares, attention=6.0),
        ),
        Mistake(
            hint="Those are the operations of a whole row in attention, beside those of one token elsewhere. A token "
            "meets `time` others: once.",
            answer=lambda n_layers, width, vocab_size, time: _shares(
                n_layers, width, vocab_size, time, attention=12.0 * time
            ),
        ),
        Mistake(
            hint="Of the blocks or of attention you counted one layer. There are n_layers of them.",
            answer=lambda n_layers, *sizes: _shares(1, *sizes),
        ),
        Mistake(
            hint="You took 2 for each weight, the forward pass alone, but 12 in attention. In training a weight has 6.",
            answer=partial(_shares, blocks=24.0, head=2.0),
        ),
        Mistake(
            hint="The weights of the blocks are 12 d² a layer, and each has 6 operations: 72 d².",
            answer=partial(_shares, blocks=12.0),
        ),
    ),
)

# The law ---------------------------------------------------------------------------------------------


def _loss(n: Any, d: Any, e: float, a: float, b: float, alpha: float, beta: float) -> Any:
    return e + a / n**alpha + b / d**beta


_N, _D = np.array([1e6, 4e7, 3e8]), np.array([5e8, 2e9, 9e7])

law = Exercise(
    notebook="23",
    name="the law",
    solution=_loss,
    cases=((_N, _D, 1.8, 480.0, 2100.0, 0.35, 0.37), (_D, _N[::-1].copy(), 0.3, 25.0, 9e3, 0.5, 0.75)),
    mistakes=(
        Mistake(
            hint="E is missing. With ever more of both, the loss comes near E and not near 0.",
            answer=lambda n, d, e, *rest: _loss(n, d, 0.0, *rest),
        ),
        Mistake(
            hint="Your loss grows with size and tokens. They stand below the line: A / N^α.",
            answer=lambda n, d, e, a, b, alpha, beta: _loss(n, d, e, a, b, -alpha, -beta),
        ),
        Mistake(
            hint="The exponents are exchanged: α belongs to N, β to D.",
            answer=lambda n, d, e, a, b, alpha, beta: _loss(n, d, e, a, b, beta, alpha),
        ),
        Mistake(
            hint="A and B are exchanged: A stands over N^α, B over D^β.",
            answer=lambda n, d, e, a, b, alpha, beta: _loss(n, d, e, b, a, alpha, beta),
        ),
        Mistake(
            hint="N and D are exchanged: A and α belong to N.",
            answer=lambda n, d, *rest: _loss(d, n, *rest),
        ),
        Mistake(
            hint="You raised the fraction to the power, (A/N)^α. The power is that of N alone: A / N^α.",
            answer=lambda n, d, e, a, b, alpha, beta: e + (a / n) ** alpha + (b / d) ** beta,
        ),
        Mistake(
            hint="You multiplied the two parts. They are added: a model that has read all still lacks size.",
            answer=lambda n, d, e, a, b, alpha, beta: e + a / n**alpha * b / d**beta,
        ),
    ),
)

# The linear part -------------------------------------------------------------------------------------


def _linear(
    n: np.ndarray, d: np.ndarray, losses: np.ndarray, alpha: float, beta: float, *, logs: bool = False
) -> tuple[float, ...]:
    columns = np.stack([np.ones(len(n)), n**-alpha, d**-beta], axis=1)
    e, a, b = np.linalg.lstsq(columns, np.log(losses) if logs else losses, rcond=None)[0].tolist()
    return e, a, b


def _without_floor(n: np.ndarray, d: np.ndarray, losses: np.ndarray, alpha: float, beta: float) -> tuple[float, ...]:
    columns = np.stack([n**-alpha, d**-beta], axis=1)
    a, b = np.linalg.lstsq(columns, losses, rcond=None)[0].tolist()
    return 0.0, a, b


def _relative(n: np.ndarray, d: np.ndarray, losses: np.ndarray, alpha: float, beta: float) -> tuple[float, ...]:
    columns = np.stack([np.ones(len(n)), n**-alpha, d**-beta], axis=1) / losses[:, None]
    e, a, b = np.linalg.lstsq(columns, np.ones(len(n)), rcond=None)[0].tolist()
    return e, a, b


def _runs(seed: int, n_runs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    rng = np.random.default_rng(seed)
    n, d = np.exp(rng.uniform(0, 4, n_runs)), np.exp(rng.uniform(0, 4, n_runs))
    losses = _loss(n, d, 0.6, 1.5, 2.5, 0.6, 0.8) * np.exp(0.05 * rng.standard_normal(n_runs))
    return n, d, losses, 0.5, 0.9


linear_part = Exercise(
    notebook="23",
    name="the linear part of the fit",
    solution=_linear,
    cases=(_runs(0, 8), _runs(1, 5)),
    mistakes=(
        Mistake(
            hint="There is no column of ones in your matrix, and so no E. Its coefficient is E.",
            answer=_without_floor,
        ),
        Mistake(
            hint="The powers have the wrong sign: the columns are N^-α and D^-β.",
            answer=lambda n, d, losses, alpha, beta: _linear(n, d, losses, -alpha, -beta),
        ),
        Mistake(
            hint="The exponents are exchanged: α belongs to N, β to D.",
            answer=lambda n, d, losses, alpha, beta: _linear(n, d, losses, beta, alpha),
        ),
        Mistake(
            hint="You fitted the logarithm of the loss. In E, A and B it is the loss itself that is linear.",
            answer=partial(_linear, logs=True),
        ),
        Mistake(
            hint="The order is another: E, then A, then B.",
            answer=lambda *case: (*_linear(*case)[1:], _linear(*case)[0]),
        ),
        Mistake(
            hint="The order is another: E, then A, then B.",
            answer=lambda *case: _linear(*case)[::-1],
        ),
        Mistake(
            hint="You divided by the losses: that makes relative errors least. Asked are the errors themselves.",
            answer=_relative,
        ),
    ),
)

# The best split --------------------------------------------------------------------------------------


def _split(
    flops: float, a: float, b: float, alpha: float, beta: float, *, operations: float = 6.0
) -> tuple[float, float]:
    pairs, total = flops / operations, alpha + beta
    g = (alpha * a / (beta * b)) ** (1 / total)
    return g * pairs ** (beta / total), pairs ** (alpha / total) / g


def _g_powered(flops: float, a: float, b: float, alpha: float, beta: float) -> tuple[float, float]:
    pairs, total, g = flops / 6, alpha + beta, alpha * a / (beta * b)
    return g * pairs ** (beta / total), pairs ** (alpha / total) / g


def _no_exponents_in_g(flops: float, a: float, b: float, alpha: float, beta: float) -> tuple[float, float]:
    pairs, total = flops / 6, alpha + beta
    g = (a / b) ** (1 / total)
    return g * pairs ** (beta / total), pairs ** (alpha / total) / g


def _exchanged(flops: float, a: float, b: float, alpha: float, beta: float) -> tuple[float, float]:
    pairs, total = flops / 6, alpha + beta
    g = (alpha * a / (beta * b)) ** (1 / total)
    return g * pairs ** (alpha / total), pairs ** (beta / total) / g


best_split = Exercise(
    notebook="23",
    name="the best split of a budget",
    solution=_split,
    cases=((5.76e23, 406.4, 410.7, 0.34, 0.28), (100.0, 2.0, 3.0, 0.5, 0.4), (1.2e21, 482.0, 2086.0, 0.3478, 0.3659)),
    mistakes=(
        Mistake(
            hint="A budget of C operations buys C / 6 pairs of a parameter and a token. The 6 is missing.",
            answer=partial(_split, operations=1.0),
        ),
        Mistake(
            hint="The two powers are exchanged: N grows with β / (α + β). What shrinks slowly needs more.",
            answer=_exchanged,
        ),
        Mistake(
            hint="G has a power of its own, 1 / (α + β).",
            answer=_g_powered,
        ),
        Mistake(
            hint="In G stand αA and βB: at the best split it is the slopes that are equal, not the parts.",
            answer=_no_exponents_in_g,
        ),
        Mistake(
            hint="G stands the wrong way round: N is multiplied by it, D divided.",
            answer=lambda flops, a, b, alpha, beta: _split(flops, b * beta**2, a * alpha**2, alpha, beta),
        ),
        Mistake(
            hint="Those two are the wrong way round: first N, then D.",
            answer=lambda *case: _split(*case)[::-1],
        ),
        Mistake(
            hint="Your D spends the budget without its 6: D = C / (6 N).",
            answer=lambda flops, *rest: (_split(flops, *rest)[0], flops / _split(flops, *rest)[0]),
        ),
    ),
)

# The parabola ----------------------------------------------------------------------------------------


def _lowest(sizes: np.ndarray, losses: np.ndarray) -> float:
    square, slope, _ = np.polyfit(np.log(sizes), losses, 2).tolist()
    return math.exp(-slope / (2 * square))


def _lowest_plain(sizes: np.ndarray, losses: np.ndarray) -> float:
    square, slope, _ = np.polyfit(sizes, losses, 2).tolist()
    return -slope / (2 * square)


def _profile(sizes: list[float], e: float, a: float, b: float, alpha: float, beta: float, pairs: float) -> tuple:
    n = np.array(sizes)
    return n, _loss(n, pairs / n, e, a, b, alpha, beta)


lowest = Exercise(
    notebook="23",
    name="the lowest point of a parabola",
    solution=_lowest,
    cases=(
        _profile([4e3, 9e3, 2e4, 5e4, 1.2e5], 0.33, 25.0, 9e3, 0.5, 0.75, 2e10),
        _profile([1e8, 4e8, 9e8, 3e9], 1.8, 480.0, 2100.0, 0.35, 0.37, 2e19),
    ),
    mistakes=(
        Mistake(
            hint="You fitted a parabola in N. Take the logarithm of the sizes first: there the profile is round.",
            answer=_lowest_plain,
        ),
        Mistake(
            hint="That is the logarithm of the size. Undo it.",
            answer=lambda sizes, losses: math.log(_lowest(sizes, losses)),
        ),
        Mistake(
            hint="That is the best of the sizes that were tried. The lowest point of the parabola lies between them.",
            answer=lambda sizes, losses: float(sizes[np.argmin(losses)]),
        ),
        Mistake(
            hint="A parabola p x² + q x + r is lowest at -q / 2p: the 2 is missing.",
            answer=lambda sizes, losses: _lowest(sizes, losses) ** 2,
        ),
        Mistake(
            hint="A parabola p x² + q x + r is lowest at -q / 2p: the sign is turned round.",
            answer=lambda sizes, losses: 1 / _lowest(sizes, losses),
        ),
        Mistake(
            hint="One logarithm goes with one power: after log10 take 10**x, after log take exp.",
            answer=lambda sizes, losses: math.exp(math.log10(_lowest(sizes, losses))),
        ),
        Mistake(
            hint="That is the loss at the lowest point. Return the size.",
            answer=lambda sizes, losses: float(
                np.polyval(np.polyfit(np.log(sizes), losses, 2), math.log(_lowest(sizes, losses)))
            ),
        ),
    ),
    rtol=1e-4,  # the size of a lowest point is exp of a quotient: rounding in a fit without centring is seen
)

# The forecast ----------------------------------------------------------------------------------------


def _said(laws: np.ndarray, n: float, d: float) -> np.ndarray:
    return np.array([_loss(n, d, *each) for each in laws])


def _forecast(
    laws: np.ndarray, errors: np.ndarray, n: float, d: float, *, inside: float = 0.95, plain: bool = False
) -> tuple[float, float]:
    said = _said(laws, n, d)[:, None]
    all_of_them = said + errors if plain else said * np.exp(errors)
    low, high = np.quantile(all_of_them, [(1 - inside) / 2, (1 + inside) / 2]).tolist()
    return low, high


def _normal(laws: np.ndarray, errors: np.ndarray, n: float, d: float) -> tuple[float, float]:
    every = _said(laws, n, d)[:, None] * np.exp(errors)
    return every.mean() - 1.96 * every.std(), every.mean() + 1.96 * every.std()


def _worlds(seed: int, n_laws: int, n_errors: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    rng = np.random.default_rng(seed)
    laws = np.array([0.33, 25.0, 9e3, 0.5, 0.75]) * np.exp(0.05 * rng.standard_normal((n_laws, 5)))
    return laws, 0.05 * rng.standard_normal(n_errors), 1.2e5, 2e6


forecast = Exercise(
    notebook="23",
    name="a forecast with its interval",
    solution=_forecast,
    cases=(_worlds(0, 30, 7), _worlds(1, 12, 20)),
    mistakes=(
        Mistake(
            hint="That is where the law may lie. A run has an error of its own, too: multiply by exp(error).",
            answer=lambda laws, errors, n, d: _forecast(laws, np.zeros(1), n, d),
        ),
        Mistake(
            hint="The errors are of the log loss. Multiply by exp(error), do not add.",
            answer=partial(_forecast, plain=True),
        ),
        Mistake(
            hint="The middle 95% leaves 2.5% on either side, not 5%.",
            answer=partial(_forecast, inside=0.9),
        ),
        Mistake(
            hint="That is all of it, from the lowest to the highest. The middle 95%: quantiles 0.025 and 0.975.",
            answer=partial(_forecast, inside=1.0),
        ),
        Mistake(
            hint="You took 1.96 standard deviations around the mean. That need not fit: take quantiles.",
            answer=_normal,
        ),
        Mistake(
            hint="You forgot the laws' own spread: every law says its loss, and each of these meets every error.",
            answer=lambda laws, errors, n, d: _forecast(laws.mean(axis=0, keepdims=True), errors, n, d),
        ),
        Mistake(
            hint="Those two are the wrong way round: the lower end first.",
            answer=lambda *case: _forecast(*case)[::-1],
        ),
        Mistake(
            hint="N and D are exchanged.",
            answer=lambda laws, errors, n, d: _forecast(laws, errors, d, n),
        ),
    ),
)

EXERCISES = (shares, law, linear_part, best_split, lowest, forecast)
