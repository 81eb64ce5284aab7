"""The way to each answer of notebook 26, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

import math
from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _cache_bytes(n_layers, n_heads, n_kv_heads, d_head, n_tokens, n_rows, bytes_each) -> Steps:
    token = 2 * n_kv_heads * d_head
    return [
        ("numbers that one layer keeps of one token: a key and a value for each of their heads", token),
        ("those of all layers", token * n_layers),
        ("of all tokens of all rows", token * n_layers * n_tokens * n_rows),
        ("their bytes", token * n_layers * n_tokens * n_rows * bytes_each),
    ]


def _cached_step(q, k, v, keys, values) -> Steps:
    keys, values = np.vstack([keys, k]), np.vstack([values, v])
    scores = keys @ q / math.sqrt(len(q))
    weights = np.exp(scores - scores.max())
    return [
        ("the keys with the new one behind them, and the values", (keys, values)),
        ("the scores: keys @ q / √d", scores),
        ("softmax of the scores", weights / weights.sum()),
        ("these weights @ values, then keys and values", (weights / weights.sum() @ values, keys, values)),
    ]


def _mask(lengths) -> Steps:
    columns = np.arange(lengths.max() + 1)
    return [
        ("the place of each new token: as many as stand before it", lengths),
        ("the columns, up to the longest row's new token", columns),
        ("columns <= the row's place, a row for each", columns <= lengths[:, None]),
        ("the places, and the mask", (lengths, columns <= lengths[:, None])),
    ]


def _speed(weight_bytes, cache_bytes, row_flops, n_rows, bandwidth, peak) -> Steps:
    reading, computing = (weight_bytes + n_rows * cache_bytes) / bandwidth, n_rows * row_flops / peak
    return [
        ("seconds to read the weights once and each row's cache", reading),
        ("seconds to compute all rows", computing),
        ("the longer of the two", max(reading, computing)),
        ("n_rows by that", n_rows / max(reading, computing)),
    ]


def _percentile(seconds, percent, draws) -> Steps:
    found = np.percentile(seconds[draws], percent, axis=1)
    low, high = (float(end) for end in np.percentile(found, (2.5, 97.5)))
    estimate = float(np.percentile(seconds, percent))
    return [
        ("the percentile of the seconds", estimate),
        ("the percentile of each resample, a row of seconds[draws]", found),
        ("percentiles 2.5 and 97.5 of those", (low, high)),
        ("all three", (estimate, low, high)),
    ]


def _price(per_hour, n_tokens, begin, end, n_machines) -> Steps:
    paid, made = n_machines * per_hour * (end - begin) / 3600, int(n_tokens.sum())
    return [
        ("hours, from begin to end", (end - begin) / 3600),
        ("what all machines cost in that time", paid),
        ("all tokens", made),
        ("the money by the tokens, times a million", paid / made * 1e6),
    ]


def _verify(drafts, p, q, u) -> Steps:
    chances = [float(p[i, draft] / q[i, draft]) for i, draft in enumerate(drafts)]
    kept = next((i for i, chance in enumerate(chances) if u[i] >= chance), len(drafts))
    left = np.maximum(p[kept] - q[kept], 0) if kept < len(drafts) else p[-1]
    return [
        ("p / q of each draft", chances),
        ("how many stay before the first whose u is not below", kept),
        ("max(0, p - q) at that place, or the last row of p where all stay", left),
        ("the number that stay, and that by its sum", (kept, left / left.sum())),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "the bytes of all rows' caches": _cache_bytes,
    "a step with a cache": _cached_step,
    "rows of unequal length": _mask,
    "a forecast by the roofline": _speed,
    "a percentile with its interval": _percentile,
    "the price of a million tokens": _price,
    "verify drafts": _verify,
}
