"""The way to each answer of notebook 23, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _shares(n_layers, width, vocab_size, time) -> Steps:
    blocks, head = 6 * 12 * n_layers * width**2, 6 * vocab_size * width
    attention = 12 * n_layers * width * time
    parts = np.array([blocks, head, attention], dtype=float)
    return [
        ("6 for each of the blocks' 12 d² weights, in all layers", blocks),
        ("6 for each weight of the head, vocab_size · d", head),
        ("12 · n_layers · d · time of attention", attention),
        ("the three by their sum", parts / parts.sum()),
    ]


def _law(n, d, e, a, b, alpha, beta) -> Steps:
    return [
        ("what is lacking in size, A / N^α", a / n**alpha),
        ("what has not been read, B / D^β", b / d**beta),
        ("E and the two, added up", e + a / n**alpha + b / d**beta),
    ]


def _linear(n, d, losses, alpha, beta) -> Steps:
    columns = np.stack([np.ones(len(n)), n**-alpha, d**-beta], axis=1)
    return [
        ("a matrix of three columns: ones, N^-α, D^-β", columns),
        ("np.linalg.lstsq of it and the losses", np.linalg.lstsq(columns, losses, rcond=None)[0]),
    ]


def _split(flops, a, b, alpha, beta) -> Steps:
    pairs, total = flops / 6, alpha + beta
    g = (alpha * a / (beta * b)) ** (1 / total)
    n = g * pairs ** (beta / total)
    return [
        ("N · D: the budget by 6", pairs),
        ("G = (αA / βB)^(1 / (α + β))", g),
        ("N = G (C/6)^(β / (α + β))", n),
        ("D: what is left, C / 6N", (n, pairs / n)),
    ]


def _lowest(sizes, losses) -> Steps:
    square, slope, height = np.polyfit(np.log(sizes), losses, 2)
    return [
        ("the logarithms of the sizes", np.log(sizes)),
        ("np.polyfit of degree 2: p, q and r", np.array([square, slope, height])),
        ("the lowest point, -q / 2p", -slope / (2 * square)),
        ("its exponential: a size", np.exp(-slope / (2 * square))),
    ]


def _forecast(laws, errors, n, d) -> Steps:
    said = np.array([e + a / n**alpha + b / d**beta for e, a, b, alpha, beta in laws])
    every = said[:, None] * np.exp(errors)
    return [
        ("what each law says of the run", said),
        ("each of these times exp(error), for every error: a table", every),
        ("np.quantile of the table at 0.025 and 0.975", np.quantile(every, [0.025, 0.975])),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "where the operations are": _shares,
    "the law": _law,
    "the linear part of the fit": _linear,
    "the best split of a budget": _split,
    "the lowest point of a parabola": _lowest,
    "a forecast with its interval": _forecast,
}
