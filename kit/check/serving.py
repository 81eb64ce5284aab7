"""The exercises of notebook 26: a cache and a step with it, rows, a roofline, a percentile, a price, drafts.

Taught in: 26
"""

import math
from functools import partial
from typing import Any

import numpy as np

from kit.check.exercise import Exercise, Mistake

# The cache's bytes -----------------------------------------------------------------------------------


def _cache_bytes(
    n_layers: int, n_heads: int, n_kv_heads: int, d_head: int, n_tokens: int, n_rows: int, bytes_each: int
) -> int:
    return 2 * n_layers * n_kv_heads * d_head * n_tokens * n_rows * bytes_each


def _leaving_out(place: int) -> Any:
    """Give the product without one of its factors; the number of query heads is none of them."""

    def answer(*sizes: int) -> int:
        return _cache_bytes(*[1 if i == place else size for i, size in enumerate(sizes)])

    return answer


cache_bytes = Exercise(
    notebook="26",
    name="the bytes of all rows' caches",
    solution=_cache_bytes,
    cases=((12, 12, 4, 64, 100, 3, 2), (2, 8, 1, 16, 7, 5, 4), (32, 32, 8, 128, 4096, 16, 1)),
    mistakes=(
        Mistake(
            hint="Keys and values are two tables: the factor 2 is missing.",
            answer=lambda *sizes: _cache_bytes(*sizes) // 2,
        ),
        Mistake(
            hint="You counted the query heads. Only keys and values are kept, and they have heads of their own number.",
            answer=lambda layers, heads, kv, *sizes: _cache_bytes(layers, heads, heads, *sizes),
        ),
        Mistake(
            hint="You counted query heads and the heads of keys and values. Only the latter are kept.",
            answer=lambda layers, heads, kv, *sizes: heads * _cache_bytes(layers, heads, kv, *sizes),
        ),
        Mistake(hint="That is one layer's. Each layer has a cache.", answer=_leaving_out(0)),
        Mistake(hint="That is one head's: the number of heads of keys and values is missing.", answer=_leaving_out(2)),
        Mistake(hint="The width of a head is missing.", answer=_leaving_out(3)),
        Mistake(hint="That is one token's. Every token that was read is kept.", answer=_leaving_out(4)),
        Mistake(hint="That is one row's. Each row has a past of its own.", answer=_leaving_out(5)),
        Mistake(hint="Those are numbers, not bytes: each takes bytes_each.", answer=_leaving_out(6)),
    ),
)

# A cached step ---------------------------------------------------------------------------------------

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def _cached_step(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    *,
    see_itself: bool = True,
    scaled: bool = True,
) -> Arrays:
    longer, more = np.vstack([keys, k]), np.vstack([values, v])
    seen, summed = (longer, more) if see_itself else (keys, values)
    scores = seen @ q / (math.sqrt(len(q)) if scaled else 1)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ summed, longer, more


def _front(q: np.ndarray, k: np.ndarray, v: np.ndarray, keys: np.ndarray, values: np.ndarray) -> Arrays:
    return _cached_step(q, k, v, keys, values)[0], np.vstack([k, keys]), np.vstack([v, values])


def _not_normed(q: np.ndarray, k: np.ndarray, v: np.ndarray, keys: np.ndarray, values: np.ndarray) -> Arrays:
    longer, more = np.vstack([keys, k]), np.vstack([values, v])
    return np.exp(longer @ q / math.sqrt(len(q))) @ more, longer, more


def _past(seed: int, n: int, d: int, d_value: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in ((d,), (d,), (d_value,), (n, d), (n, d_value)))


cached_step = Exercise(
    notebook="26",
    name="a step with a cache",
    solution=_cached_step,
    cases=(_past(0, 3, 4, 4), _past(1, 6, 2, 3), tuple(100 * each for each in _past(2, 4, 8, 8))),
    mistakes=(
        Mistake(
            hint="The new token looks at itself too: put its key and value into the cache before you look.",
            answer=partial(_cached_step, see_itself=False),
        ),
        Mistake(
            hint="The scores are not divided by the root of the width, √d.", answer=partial(_cached_step, scaled=False)
        ),
        Mistake(
            hint="The output is right, and the new key stands in front. The cache grows at its end, in the order of "
            "the text.",
            answer=_front,
        ),
        Mistake(
            hint="The output is right, and what you return as keys and values is the old cache. The next step needs "
            "the new one.",
            answer=lambda q, k, v, keys, values: (_cached_step(q, k, v, keys, values)[0], keys, values),
        ),
        Mistake(hint="The weights do not sum to 1: divide by their sum.", answer=_not_normed),
        Mistake(
            hint="Keys and values have changed places in what you return.",
            answer=lambda *case: (_cached_step(*case)[0], *_cached_step(*case)[:0:-1]),
        ),
        Mistake(
            hint="That is the output alone. Return three things: the output, and the keys and values of all tokens.",
            answer=lambda *case: _cached_step(*case)[0],
        ),
    ),
)

# Rows of unequal length ------------------------------------------------------------------------------


def _mask(lengths: np.ndarray, *, itself: int = 1, longer: int = 1) -> tuple[np.ndarray, np.ndarray]:
    places = np.asarray(lengths)
    return places, np.arange(places.max() + longer) < places[:, None] + itself


rows_mask = Exercise(
    notebook="26",
    name="rows of unequal length",
    solution=_mask,
    cases=((np.array([3, 1, 5]),), (np.array([2, 2]),), (np.array([4, 1, 1, 7]),)),
    mistakes=(
        Mistake(
            hint="The new token does not see itself there. Its key is put at its place before anyone looks: <=.",
            answer=partial(_mask, itself=0),
        ),
        Mistake(
            hint="The last column is missing: with its new token the longest row has one key more than before.",
            answer=partial(_mask, longer=0),
        ),
        Mistake(
            hint="Those columns end before the longest row's new token, and no token sees itself.",
            answer=partial(_mask, itself=0, longer=0),
        ),
        Mistake(
            hint="Every row's new token is put behind the longest row there: shorter rows get a gap, and a wrong "
            "position. Each goes on at its own length.",
            answer=lambda lengths: (np.full_like(lengths, lengths.max()), _mask(lengths)[1]),
        ),
        Mistake(
            hint="Places count from 0: a row of n tokens has them at 0 to n - 1, and the new one at n.",
            answer=lambda lengths: (lengths - 1, _mask(lengths)[1]),
        ),
        Mistake(
            hint="A place too far: a row of n tokens has its new one at n, since places count from 0.",
            answer=lambda lengths: (lengths + 1, _mask(lengths)[1]),
        ),
        Mistake(
            hint="The mask is turned round: true is where a row may look.",
            answer=lambda lengths: (_mask(lengths)[0], ~_mask(lengths)[1]),
        ),
        Mistake(
            hint="All rows see all columns there: a short row would look at places that hold nothing of its own.",
            answer=lambda lengths: (_mask(lengths)[0], np.ones_like(_mask(lengths)[1])),
        ),
        Mistake(
            hint="The two are the wrong way round: first the places, then the mask.",
            answer=lambda lengths: _mask(lengths)[::-1],
        ),
    ),
)

# The roofline ----------------------------------------------------------------------------------------

Bill = tuple[float, float, float, int, float, float]


def _speed(
    weight_bytes: float, cache_bytes: float, row_flops: float, n_rows: int, bandwidth: float, peak: float
) -> float:
    reading = (weight_bytes + n_rows * cache_bytes) / bandwidth
    return n_rows / max(reading, n_rows * row_flops / peak)


def _both(*bill: float) -> float:
    weight_bytes, cached, row_flops, n_rows, bandwidth, peak = bill
    return n_rows / ((weight_bytes + n_rows * cached) / bandwidth + n_rows * row_flops / peak)


def _shorter(*bill: float) -> float:
    weight_bytes, cached, row_flops, n_rows, bandwidth, peak = bill
    return n_rows / min((weight_bytes + n_rows * cached) / bandwidth, n_rows * row_flops / peak)


def _reading_alone(*bill: float) -> float:
    weight_bytes, cached, _, n_rows, bandwidth, _ = bill
    return n_rows * bandwidth / (weight_bytes + n_rows * cached)


def _weights_for_each(*bill: float) -> float:
    weight_bytes, cached, row_flops, n_rows, bandwidth, peak = bill
    return n_rows / max(n_rows * (weight_bytes + cached) / bandwidth, n_rows * row_flops / peak)


roofline_speed = Exercise(
    notebook="26",
    name="a forecast by the roofline",
    solution=_speed,
    cases=(
        (500e6, 2e6, 250e6, 1, 10e9, 80e9),
        (500e6, 2e6, 250e6, 64, 10e9, 80e9),
        (14e9, 1e9, 14e9, 32, 2e12, 3e14),
        (500e6, 40e6, 250e6, 16, 10e9, 80e9),
        (1e6, 1e3, 5e9, 4, 10e9, 80e9),
    ),
    mistakes=(
        Mistake(
            hint="Those are the seconds of a step. A step gives n_rows tokens.",
            answer=lambda *bill: bill[3] / _speed(*bill),
        ),
        Mistake(
            hint="Those are the steps a second. Each gives n_rows tokens.",
            answer=lambda *bill: _speed(*bill) / bill[3],
        ),
        Mistake(
            hint="You added reading and computing. They go on at the same time: the longer of the two counts.",
            answer=_both,
        ),
        Mistake(hint="You took the shorter of the two times. A step waits for the longer.", answer=_shorter),
        Mistake(hint="The operations never count there. With many rows they take longer.", answer=_reading_alone),
        Mistake(
            hint="The reading never counts there. With few rows it takes longer.",
            answer=lambda *bill: bill[5] / bill[2],
        ),
        Mistake(hint="The weights are read once for all rows, the caches once for each.", answer=_weights_for_each),
        Mistake(
            hint="Each row has a cache of its own: n_rows of them are read.",
            answer=lambda w, c, f, n, *machine: _speed(w, c / n, f, n, *machine),
        ),
        Mistake(hint="The caches are missing: they are read too.", answer=lambda w, c, *rest: _speed(w, 0, *rest)),
        Mistake(
            hint="row_flops are those of one row: n_rows of them are computed.",
            answer=lambda w, c, f, n, *machine: _speed(w, c, f / n, n, *machine),
        ),
    ),
)

# A percentile ----------------------------------------------------------------------------------------


def _percentile(
    seconds: np.ndarray, percent: float, draws: np.ndarray, *, ends: tuple[float, float] = (2.5, 97.5)
) -> tuple[float, float, float]:
    found = np.percentile(seconds[draws], percent, axis=1)
    low, high = np.percentile(found, ends)
    return float(np.percentile(seconds, percent)), float(low), float(high)


def _columns(seconds: np.ndarray, percent: float, draws: np.ndarray) -> tuple[float, float, float]:
    found = np.percentile(seconds[draws], percent, axis=0)
    low, high = np.percentile(found, (2.5, 97.5))
    return float(np.percentile(seconds, percent)), float(low), float(high)


def _of_means(seconds: np.ndarray, percent: float, draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.percentile(seconds[draws].mean(axis=1), (2.5, 97.5))
    return float(np.percentile(seconds, percent)), float(low), float(high)


def _of_seconds(seconds: np.ndarray, percent: float, draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.percentile(seconds, (2.5, 97.5))
    return float(np.percentile(seconds, percent)), float(low), float(high)


def _sample(seed: int, n: int, n_draws: int, percent: float) -> tuple[np.ndarray, float, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.exponential(size=n).round(3), percent, rng.integers(n, size=(n_draws, n))


percentile_interval = Exercise(
    notebook="26",
    name="a percentile with its interval",
    solution=_percentile,
    cases=(_sample(0, 40, 60, 90.0), _sample(1, 25, 80, 50.0), _sample(2, 30, 50, 99.0), _sample(3, 120, 200, 75.0)),
    mistakes=(
        Mistake(
            hint="The ends of a 95% interval are the percentiles 2.5 and 97.5; yours leave out 5% on either side.",
            answer=partial(_percentile, ends=(5, 95)),
        ),
        Mistake(
            hint="Those are the smallest and the largest of the resamples. The middle 95% lies between percentiles "
            "2.5 and 97.5.",
            answer=partial(_percentile, ends=(0, 100)),
        ),
        Mistake(hint="The ends are turned round: first the low one.", answer=partial(_percentile, ends=(97.5, 2.5))),
        Mistake(hint="A row of draws is one resample. You went down the columns.", answer=_columns),
        Mistake(hint="That interval is the mean's. Take the percentile of each resample.", answer=_of_means),
        Mistake(
            hint="Those ends say where the requests lie, not how sure the percentile is. Take it of each resample.",
            answer=_of_seconds,
        ),
        Mistake(
            hint="The estimate is the percentile of the seconds themselves, not the middle of the resamples.",
            answer=lambda seconds, percent, draws: (
                float(np.percentile(seconds[draws], percent, axis=1).mean()),
                *_percentile(seconds, percent, draws)[1:],
            ),
        ),
    ),
)

# The price -------------------------------------------------------------------------------------------


def _price(
    per_hour: float, n_tokens: np.ndarray, begin: float, end: float, n_machines: int, *, hour: float = 3600
) -> float:
    return n_machines * per_hour * (end - begin) / hour / n_tokens.sum() * 1e6


price = Exercise(
    notebook="26",
    name="the price of a million tokens",
    solution=_price,
    cases=((2.5, np.array([100, 250, 50]), 10.0, 30.0, 1), (0.8, np.array([40, 40]), 0.0, 5.0, 3)),
    mistakes=(
        Mistake(
            hint="That is the price of one token. Of a million it is a million times that.",
            answer=lambda *case: _price(*case) / 1e6,
        ),
        Mistake(
            hint="Those are tokens for the money. The price is the money for a million tokens.",
            answer=lambda *case: 1e6 / _price(*case),
        ),
        Mistake(hint="An hour has 3,600 seconds.", answer=partial(_price, hour=1)),
        Mistake(hint="You took 60 seconds for an hour. It has 3,600.", answer=partial(_price, hour=60)),
        Mistake(
            hint="All machines are paid for: n_machines times the price an hour.",
            answer=lambda per_hour, n, begin, end, n_machines: _price(per_hour, n, begin, end, 1),
        ),
        Mistake(
            hint="More machines made no cheaper tokens there: they are paid for all, and the tokens are those of all.",
            answer=lambda per_hour, n, begin, end, n_machines: _price(per_hour / n_machines, n, begin, end, 1),
        ),
        Mistake(
            hint="The time is from begin to end, not from 0.",
            answer=lambda per_hour, n, begin, end, n_machines: _price(per_hour, n, 0.0, end, n_machines),
        ),
        Mistake(
            hint="You divided by the number of requests. It is tokens that are paid for.",
            answer=lambda per_hour, n, *rest: _price(per_hour, np.ones(len(n)), *rest),
        ),
        Mistake(
            hint="You took the mean of the requests' tokens. All of them share the bill: add them up.",
            answer=lambda per_hour, n, *rest: _price(per_hour, np.array([n.mean()]), *rest),
        ),
    ),
)

# Drafts ----------------------------------------------------------------------------------------------


def _verify(
    drafts: np.ndarray, p: np.ndarray, q: np.ndarray, u: np.ndarray, *, level: bool = False, rest: bool = True
) -> tuple[int, np.ndarray]:
    for i, draft in enumerate(drafts):
        chance = p[i, draft] / q[i, draft]
        if not (u[i] <= chance if level else u[i] < chance):
            left = np.maximum(p[i] - q[i], 0) if rest else p[i]
            return i, left / left.sum()
    return len(drafts), p[-1]


def _not_normed_rest(drafts: np.ndarray, p: np.ndarray, q: np.ndarray, u: np.ndarray) -> tuple[int, np.ndarray]:
    kept, chances = _verify(drafts, p, q, u)
    return kept, np.maximum(p[kept] - q[kept], 0) if kept < len(drafts) else chances


def _by_p(drafts: np.ndarray, p: np.ndarray, q: np.ndarray, u: np.ndarray) -> tuple[int, np.ndarray]:
    return _verify(drafts, p, q, u * [1 / q[i, d] for i, d in enumerate(drafts)])


def _inverted(drafts: np.ndarray, p: np.ndarray, q: np.ndarray, u: np.ndarray) -> tuple[int, np.ndarray]:
    for i, draft in enumerate(drafts):
        if not u[i] < q[i, draft] / p[i, draft]:
            left = np.maximum(p[i] - q[i], 0)
            return i, left / left.sum()
    return len(drafts), p[-1]


def _all_looked_at(drafts: np.ndarray, p: np.ndarray, q: np.ndarray, u: np.ndarray) -> tuple[int, np.ndarray]:
    stays = [u[i] < p[i, d] / q[i, d] for i, d in enumerate(drafts)]
    kept = int(sum(stays))
    left = np.maximum(p[kept] - q[kept], 0) if kept < len(drafts) else p[-1]
    return kept, left / left.sum()


def _other_way(drafts: np.ndarray, p: np.ndarray, q: np.ndarray, u: np.ndarray) -> tuple[int, np.ndarray]:
    kept, chances = _verify(drafts, p, q, u)
    if kept == len(drafts):
        return kept, chances
    left = np.maximum(q[kept] - p[kept], 0)
    return kept, left / left.sum()


_P = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.7, 0.2, 0.1]])
_Q = np.array([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.4, 0.4, 0.2]])
_DRAFTS = np.array([1, 0, 1])

verify = Exercise(
    notebook="26",
    name="verify drafts",
    solution=_verify,
    cases=(
        (_DRAFTS, _P, _Q, np.array([0.5, 0.1, 0.2])),
        (_DRAFTS, _P, _Q, np.array([0.5, 0.4, 0.1])),
        (_DRAFTS, _P, _Q, np.array([0.8, 0.1, 0.1])),
        (np.array([0, 1, 2]), _P, _Q, np.array([0.9, 0.99, 0.7])),
        (_DRAFTS, _P, _Q, np.array([0.35, 0.15, 0.6])),
        (np.array([0]), np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([[0.5, 0.5]]), np.array([0.5])),
    ),
    mistakes=(
        Mistake(
            hint="At u equal to p/q a draft does not stay: u is drawn from 0 up to 1 without 1, so take <.",
            answer=partial(_verify, level=True),
        ),
        Mistake(
            hint="In a rejected draft's place comes max(0, p - q): what q already gave too little of. You drew from p.",
            answer=partial(_verify, rest=False),
        ),
        Mistake(hint="What is left must sum to 1: divide max(0, p - q) by its sum.", answer=_not_normed_rest),
        Mistake(hint="You kept a draft with chance p. It was drawn with chance q: keep it with p / q.", answer=_by_p),
        Mistake(hint="The ratio is turned round: a draft stays with chance p / q.", answer=_inverted),
        Mistake(
            hint="You counted all drafts that would stay. After the first that does not, none counts: it was drawn "
            "behind a token that is gone.",
            answer=_all_looked_at,
        ),
        Mistake(hint="max(0, q - p) is what q gave too much of. Take max(0, p - q).", answer=_other_way),
        Mistake(
            hint="Where all drafts stay, one token more comes, by the last row of p.",
            answer=lambda drafts, p, q, u: (
                (found := _verify(drafts, p, q, u))[0],
                p[len(drafts) - 1] if found[0] == len(drafts) else found[1],
            ),
        ),
    ),
)

EXERCISES = (cache_bytes, cached_step, rows_mask, roofline_speed, percentile_interval, price, verify)
