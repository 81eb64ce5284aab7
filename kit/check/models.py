"""The exercises of notebook 19: a shift, a parallel block, bytes, a mask, a count, and when length takes over.

Taught in: 19
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional as F

from kit.blocks.attention import causal_mask, window_mask
from kit.check.exercise import Exercise, Mistake

# The causal shift --------------------------------------------------------------------------------

_ROWS = np.array([[7, 3, 9, 4, 1], [2, 8, 8, 5, 6]])

causal_shift = Exercise(
    notebook="19",
    name="the causal shift",
    solution=lambda ids: (ids[:, :-1], ids[:, 1:]),
    cases=((_ROWS,), (_ROWS[:, :3] + 10,), (np.arange(12).reshape(3, 4),)),
    mistakes=(
        Mistake(
            hint="The targets are the inputs themselves, so the model may copy what it sees. Each target is one later.",
            answer=lambda ids: (ids, ids),
        ),
        Mistake(
            hint="The targets are the inputs themselves. Each target is the token after its input.",
            answer=lambda ids: (ids[:, :-1], ids[:, :-1]),
        ),
        Mistake(
            hint="You predict the token before. The first of a pair is the input, the second the target.",
            answer=lambda ids: (ids[:, 1:], ids[:, :-1]),
        ),
        Mistake(
            hint="The last input has no token after it, so its target came round from the front. Drop it.",
            answer=lambda ids: (ids, np.roll(ids, -1, axis=1)),
        ),
        Mistake(
            hint="You shifted the rows, not the tokens: rows are axis 0, tokens axis 1.",
            answer=lambda ids: (ids[:-1], ids[1:]),
        ),
        Mistake(
            hint="You predict the token after the next. One step is enough.",
            answer=lambda ids: (ids[:, :-2], ids[:, 2:]),
        ),
    ),
)

# The parallel block ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """A stand-in for a layer, which mixes tokens or leaves each to itself, so that orders can be told apart."""

    factor: float
    shift: float
    mixes: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        y = x.cumsum(dim=-2) if self.mixes else x
        return torch.tanh(self.factor * y + self.shift)


@dataclass(frozen=True)
class Norm:
    """A stand-in for a norm: no bias, no gain."""

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:])


_STREAM = torch.linspace(-2, 3, 24, dtype=torch.float64).sin().reshape(2, 3, 4)
_PARTS = (Norm(), Layer(0.7, 0.1, mixes=True), Layer(-1.3, 0.4))

parallel_block = Exercise(
    notebook="19",
    name="the parallel block",
    solution=lambda x, norm, attend, feed: x + attend(norm(x)) + feed(norm(x)),
    cases=((_STREAM, *_PARTS), (2 * _STREAM[:1] + 1, *_PARTS)),
    mistakes=(
        Mistake(
            hint="That is the serial block: the feed-forward layer waits for attention. Here both read the same.",
            answer=lambda x, norm, attend, feed: (h := x + attend(norm(x))) + feed(norm(h)),
        ),
        Mistake(
            hint="The stream itself is lost: add x to what the two branches write.",
            answer=lambda x, norm, attend, feed: attend(norm(x)) + feed(norm(x)),
        ),
        Mistake(
            hint="x is there twice: each branch brought its own. Both write into one stream.",
            answer=lambda x, norm, attend, feed: 2 * x + attend(norm(x)) + feed(norm(x)),
        ),
        Mistake(
            hint="Nothing is normalised. Both branches read norm(x).",
            answer=lambda x, norm, attend, feed: x + attend(x) + feed(x),
        ),
        Mistake(
            hint="The feed-forward branch reads the raw stream. Both branches read norm(x).",
            answer=lambda x, norm, attend, feed: x + attend(norm(x)) + feed(x),
        ),
        Mistake(
            hint="One branch feeds the other: attention's output went through the feed-forward layer.",
            answer=lambda x, norm, attend, feed: x + feed(attend(norm(x))),
        ),
        Mistake(
            hint="The norm is taken of the sum, as in post-norm models. PaLM normalises what the branches read.",
            answer=lambda x, norm, attend, feed: norm(x + attend(x) + feed(x)),
        ),
        Mistake(
            hint="The stream was replaced by its normalised copy. Add to x itself.",
            answer=lambda x, norm, attend, feed: norm(x) + attend(norm(x)) + feed(norm(x)),
        ),
    ),
)

# The bytes of a cache ----------------------------------------------------------------------------


def _cache(n_layers: int, n_heads: int, n_kv_heads: int, d_head: int, n_tokens: int, bytes_each: int) -> int:
    return 2 * n_layers * n_kv_heads * d_head * n_tokens * bytes_each


cache_bytes = Exercise(
    notebook="19",
    name="the bytes of a cache",
    solution=_cache,
    cases=((118, 48, 1, 256, 2048, 2), (96, 96, 96, 128, 2048, 2), (32, 32, 8, 128, 8192, 4)),
    mistakes=(
        Mistake(
            hint="You counted the heads of the queries. Queries are not kept; keys and values have n_kv_heads.",
            answer=lambda n_layers, n_heads, n_kv_heads, d_head, n_tokens, bytes_each: _cache(
                n_layers, n_heads, n_heads, d_head, n_tokens, bytes_each
            ),
        ),
        Mistake(hint="Off by a factor of two: keys are kept, and values too.", answer=lambda *case: _cache(*case) // 2),
        Mistake(
            hint="That is one layer. Each layer has its own keys and values.",
            answer=lambda n_layers, *case: _cache(1, *case),
        ),
        Mistake(hint="Those are numbers, not bytes.", answer=lambda *case: _cache(*case) // case[-1]),
        Mistake(hint="Those are bits. The numbers have bytes_each bytes each.", answer=lambda *case: 8 * _cache(*case)),
        Mistake(
            hint="The length is squared. The cache keeps a row for each token; only the scores grow by the square.",
            answer=lambda *case: _cache(*case) * case[4],
        ),
        Mistake(
            hint="Three kinds are kept in your answer. Queries are used once and forgotten: two kinds.",
            answer=lambda *case: 3 * _cache(*case) // 2,
        ),
    ),
)

# The sliding window ------------------------------------------------------------------------------


def _between(n_tokens: int, low: int, high: int) -> Bool[Tensor, "queries keys"]:
    """Show a query the keys from `low` up to `high` tokens before it; below 0 they come after it."""
    place = torch.arange(n_tokens)
    back = place[:, None] - place
    return (back >= low) & (back <= high)


sliding_window = Exercise(
    notebook="19",
    name="the sliding window",
    solution=lambda n, w: window_mask(n, window=w) & causal_mask(n),
    cases=((6, 2), (5, 1), (9, 4), (4, 0), (3, 5)),
    mistakes=(
        Mistake(
            hint="The window looks both ways: a query sees what comes after it. Hide the future.",
            answer=lambda n, w: _between(n, -w, w),
        ),
        Mistake(
            hint="One key too few on the left. A query sees itself and `window` tokens before it.",
            answer=lambda n, w: _between(n, 0, w - 1),
        ),
        Mistake(
            hint="One key too many on the left. A query sees itself and `window` tokens before it.",
            answer=lambda n, w: _between(n, 0, w + 1),
        ),
        Mistake(hint="A query does not see itself. It should.", answer=lambda n, w: _between(n, 1, w)),
        Mistake(
            hint="Rows and columns have changed places. Rows are queries: row i, column j is query i, key j.",
            answer=lambda n, w: _between(n, -w, 0),
        ),
        Mistake(
            hint="True where a query may look: yours is true where it may not.",
            answer=lambda n, w: ~_between(n, 0, w),
        ),
        Mistake(
            hint="That is the plain causal mask. The far past must be hidden too.",
            answer=lambda n, w: _between(n, 0, n),
        ),
        Mistake(
            hint="Those are blocks, not a window: a query just behind a border sees nothing of what came before.",
            answer=lambda n, w: causal_mask(n) & (torch.arange(n)[:, None] // (w + 1) == torch.arange(n) // (w + 1)),
        ),
    ),
)

# The parameters of a GPT -------------------------------------------------------------------------


def _n_params(vocab_size: int, n_positions: int, n_layers: int, d_model: int) -> int:
    return (vocab_size + n_positions) * d_model + n_layers * (12 * d_model**2 + 13 * d_model) + 2 * d_model


count_gpt = Exercise(
    notebook="19",
    name="count a GPT",
    solution=_n_params,
    cases=((50_257, 1024, 12, 768), (50_257, 2048, 96, 12_288), (100, 16, 2, 8)),
    rtol=1e-12,
    mistakes=(
        Mistake(
            hint="The output layer is counted as well. It is the embedding once more, and shared.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) + v * d,
        ),
        Mistake(
            hint="The positions are missing: one vector for each of n_positions.",
            answer=lambda v, p, n, d: _n_params(v, 0, n, d),
        ),
        Mistake(
            hint="The last norm is missing, behind all blocks: a gain and a shift, 2 · d_model.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - 2 * d,
        ),
        Mistake(
            hint="Each block lacks 4 · d_model: two norms, each with a gain and a shift, or attention's four biases.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - 4 * n * d,
        ),
        Mistake(
            hint="Each block lacks 5 · d_model: the biases of its feed-forward layer, 4 · d_model up and d_model back.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - 5 * n * d,
        ),
        Mistake(
            hint="A norm has a gain and a shift. One of them is missing, in all blocks and behind them.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - (2 * n + 1) * d,
        ),
        Mistake(
            hint="All norms are missing, two in each block and one behind: each has a gain and a shift.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - 4 * n * d - 2 * d,
        ),
        Mistake(
            hint="The biases are missing: 3 and 1 in attention, 4 and 1 in the feed-forward layer, times d_model.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - 9 * n * d,
        ),
        Mistake(
            hint="Only the matrices are counted. There are biases and norms, 13 · d_model in each block.",
            answer=lambda v, p, n, d: (v + p) * d + 12 * n * d * d,
        ),
        Mistake(
            hint="Only the blocks are counted. Embeddings of tokens and positions are parameters too.",
            answer=lambda v, p, n, d: n * (12 * d * d + 13 * d) + 2 * d,
        ),
        Mistake(
            hint="The feed-forward layer has two matrices: d_model to 4 · d_model, and back.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - 4 * n * d * d,
        ),
        Mistake(
            hint="Attention has four matrices: queries, keys, values, and the output. Yours has three.",
            answer=lambda v, p, n, d: _n_params(v, p, n, d) - n * d * d,
        ),
    ),
)

# An experiment: when pairs take over -------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Judged:
    """What was measured by length and seed, called as an experiment is."""

    lengths: tuple[int, ...]
    measured: tuple[tuple[float, ...], ...]

    def __call__(self, length: int, seed: int) -> float:
        return self.measured[self.lengths.index(length)][seed]

    def __repr__(self) -> str:
        return f"measured at {len(self.lengths)} lengths"


Take = Callable[..., Any]


def _ahead(pairs: Judged, matrices: Judged, lengths: Sequence[int], seeds: Sequence[int], take: Take) -> np.ndarray:
    one, other = ([take([cost(n, seed) for seed in seeds]) for n in lengths] for cost in (pairs, matrices))
    return np.array(one) - np.array(other)


def _first_to_stay(lengths: Sequence[int], over: Iterable[Any]) -> int:
    return lengths[max((i + 1 for i, good in enumerate(over) if not good), default=0)]


def _over_by(take: Take) -> Callable[..., int]:
    """Find the first length from which on pairs cost at least as much, by some score over the seeds."""

    def first(pairs: Judged, matrices: Judged, lengths: Sequence[int], seeds: Sequence[int]) -> int:
        return _first_to_stay(lengths, _ahead(pairs, matrices, lengths, seeds, take) >= 0)

    return first


def _on_every_seed(pairs: Judged, matrices: Judged, lengths: Sequence[int], seeds: Sequence[int]) -> int:
    return _first_to_stay(lengths, [all(pairs(n, seed) >= matrices(n, seed) for seed in seeds) for n in lengths])


_LENGTHS = (16, 32, 64, 128, 256, 512)
_MATRICES = Judged(_LENGTHS, ((2, 2, 2), (4, 4, 4), (8, 8, 8), (14, 16, 18), (32, 32, 32), (64, 64, 64)))
# at 32 tokens pairs are ahead by luck; at 128 both are even in the mean, and not on every seed
_EVEN = Judged(_LENGTHS, ((1, 1, 1), (9, 4, 2), (6, 7, 5), (10, 20, 18), (60, 64, 50), (99, 256, 256)))
# at 64 one seed is far ahead; at 256 the first is behind
_LATE = Judged(_LENGTHS, ((0, 0, 0), (2, 1, 1), (9, 7, 6), (19, 15, 11), (30, 60, 31), (99, 90, 300)))
_SOON = Judged(_LENGTHS, ((3, 3, 2), (5, 5, 3), (9, 9, 9), (18, 18, 15), (40, 40, 33), (99, 99, 99)))

taken_over = Exercise(
    notebook="19",
    name="an experiment: when pairs take over",
    solution=_over_by(np.mean),
    cases=tuple((pairs, _MATRICES, _LENGTHS, (0, 1, 2)) for pairs in (_EVEN, _LATE, _SOON)),
    mistakes=(
        Mistake(
            hint="Behind that length pairs were cheaper once more. They must cost as much at every longer length, too.",
            answer=lambda p, m, lengths, seeds: lengths[int((_ahead(p, m, lengths, seeds, np.mean) >= 0).argmax())],
        ),
        Mistake(
            hint="Where both cost the same, pairs count as taken over: at least as much, not more.",
            answer=lambda p, m, lengths, seeds: _first_to_stay(lengths, _ahead(p, m, lengths, seeds, np.mean) > 0),
        ),
        Mistake(hint="You went by the highest times. Take the mean over the seeds.", answer=_over_by(np.max)),
        Mistake(hint="You went by the lowest times. Take the mean over the seeds.", answer=_over_by(np.min)),
        Mistake(hint="That is the median. Take the mean over the seeds.", answer=_over_by(np.median)),
        Mistake(hint="You went by one seed. Take the mean over all of them.", answer=_over_by(lambda times: times[0])),
        Mistake(hint="You ask it of every seed by itself. Compare the two means.", answer=_on_every_seed),
        Mistake(
            hint="That is the last length at which the matrices cost more. The next one is asked for.",
            answer=lambda p, m, lengths, seeds: lengths[
                max(lengths.index(_over_by(np.mean)(p, m, lengths, seeds)) - 1, 0)
            ],
        ),
    ),
)

EXERCISES = (causal_shift, parallel_block, cache_bytes, sliding_window, count_gpt, taken_over)
