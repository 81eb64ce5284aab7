"""The exercises of notebook 17: attention, the causal mask, a leak, rotary positions, two blocks, a head to find.

Taught in: 17
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from kit.blocks.attention import attention_weights, causal_mask, plain_attention
from kit.blocks.positions import rotary_angles, rotate
from kit.check.exercise import Exercise, Mistake


def _normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _scores(q: Tensor, k: Tensor) -> Tensor:
    return q @ k.T / math.sqrt(q.shape[-1])


attend = Exercise(
    notebook="17",
    name="attention",
    solution=lambda q, k, v: plain_attention(*(x[None, None] for x in (q, k, v)))[0, 0],
    cases=(
        (_normal(3, 4), _normal(5, 4, seed=1), _normal(5, 2, seed=2)),
        (_normal(2, 9, scale=2), _normal(4, 9, seed=1), _normal(4, 9, seed=2)),
    ),
    mistakes=(
        Mistake(
            hint="The scores are not scaled: divide them by √d, d being the width of a query.",
            answer=lambda q, k, v: (q @ k.T).softmax(-1) @ v,
        ),
        Mistake(
            hint="You divided by d. The variance of a sum of d terms is d, so its spread is √d: divide by that.",
            answer=lambda q, k, v: (q @ k.T / q.shape[-1]).softmax(-1) @ v,
        ),
        Mistake(
            hint="You multiplied by √d. Divide: the scores are too large, not too small.",
            answer=lambda q, k, v: (q @ k.T * math.sqrt(q.shape[-1])).softmax(-1) @ v,
        ),
        Mistake(
            hint="You divided by the root of the number of keys. What grows with d is each score; take q.shape[-1].",
            answer=lambda q, k, v: (q @ k.T / math.sqrt(len(k))).softmax(-1) @ v,
        ),
        Mistake(
            hint="Your softmax runs over the queries. Each query shares out 1 among the keys: dim=-1.",
            answer=lambda q, k, v: _scores(q, k).softmax(0) @ v,
        ),
        Mistake(
            hint="The scale comes too late. Divide the scores, before the softmax; after it the shares no longer "
            "sum to 1.",
            answer=lambda q, k, v: (q @ k.T).softmax(-1) / math.sqrt(q.shape[-1]) @ v,
        ),
        Mistake(
            hint="The softmax is missing: scores are not shares. They may be negative, and do not sum to 1.",
            answer=lambda q, k, v: _scores(q, k) @ v,
        ),
        Mistake(
            hint="You divided the scores by their sum, which may be near 0. Take exp of each first: softmax.",
            answer=lambda q, k, v: _scores(q, k) / _scores(q, k).sum(-1, keepdim=True) @ v,
        ),
        Mistake(
            hint="Those are the weights. The output is the mean of the values under them: weights @ v.",
            answer=lambda q, k, v: _scores(q, k).softmax(-1),
        ),
    ),
)


def _causal(scores: Tensor, *, diagonal: int = 0, fill: float = -math.inf) -> Tensor:
    past = torch.ones_like(scores).tril(diagonal) > 0
    return scores.masked_fill(~past, fill).softmax(-1)


def _true_causal(scores: Tensor) -> Tensor:
    # with keys that are unit vectors, the queries are the scores
    n = len(scores)
    keys = torch.eye(n, dtype=scores.dtype)[None, None]
    return attention_weights(scores[None, None], keys, mask=causal_mask(n), scale=1.0)[0, 0]


causal_weights = Exercise(
    notebook="17",
    name="the causal mask",
    solution=_true_causal,
    cases=((_normal(4, 4, scale=2),), (_normal(6, 6, seed=1),), (_normal(3, 3, seed=2) - 1e5,)),
    mistakes=(
        Mistake(
            hint="You masked after the softmax. The rows no longer sum to 1, and what they fall short of tells of "
            "the future: it leaks through the denominator. Hide the scores before the softmax.",
            answer=lambda s: s.softmax(-1).tril(),
        ),
        Mistake(
            hint="A score of 0 is not hidden: exp(0) = 1. Fill in -inf, whose exp is 0.",
            answer=lambda s: s.tril().softmax(-1),
        ),
        *(
            Mistake(
                hint="The future is not quite hidden: beside scores that are lower still, any number leaves it a "
                "share. Fill in -inf.",
                answer=lambda s, fill=fill: _causal(s, fill=fill),
            )
            for fill in (-1.0, -10.0, -20.0, -100.0, -1000.0, -1e4)
        ),
        Mistake(
            hint="You hid the past and kept the future. Row i is the query: it may look at columns 0 to i.",
            answer=lambda s: s.masked_fill(torch.ones_like(s).tril(-1) > 0, -math.inf).softmax(-1),
        ),
        *(
            Mistake(
                hint="Your mask is inverted: you hid what a row may see, its own column and those before it. The last "
                "row has nothing left, hence NaN. masked_fill hides where its mask is true.",
                answer=lambda s, fill=fill: s.masked_fill(torch.ones_like(s).tril() > 0, fill).softmax(-1),
            )
            for fill in (-math.inf, -1e9)
        ),
        Mistake(
            hint="You multiplied by a mask of 0 and 1, and 0 times infinity is NaN. Choose instead of multiplying: "
            "masked_fill, or torch.where.",
            answer=lambda s: (s + (1 - torch.ones_like(s).tril()) * -math.inf).softmax(-1),
        ),
        Mistake(
            hint="A token may look at itself, and you hid that too. The first row has nothing left, hence NaN.",
            answer=lambda s: _causal(s, diagonal=-1),
        ),
        Mistake(
            hint="Each token sees one place into the future: the very token that it has to predict. Use tril(0).",
            answer=lambda s: _causal(s, diagonal=1),
        ),
        Mistake(hint="Nothing is hidden yet.", answer=lambda s: s.softmax(-1)),
        Mistake(
            hint="You filled in +inf, and inf divided by inf is NaN. What is hidden gets -inf.",
            answer=lambda s: _causal(s, fill=math.inf),
        ),
        Mistake(
            hint="Your softmax runs down the columns. Each row is one query, and sums to 1.",
            answer=lambda s: s.masked_fill(torch.ones_like(s).tril() == 0, -math.inf).softmax(0),
        ),
    ),
)


class Suspect:
    """A stand-in for a model: each output is a weighted sum over tokens, some of which it should not see.

    Args:
        leaks: for an output and a later token, the weight with which the one sees the other.
    """

    def __init__(self, n: int, leaks: dict[tuple[int, int], float]):
        self._weights = np.tril(1 + np.random.default_rng(n).random((n, n)))
        for (output, token), weight in leaks.items():
            self._weights[output, token] = weight

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """Give an output for each token."""
        return self._weights @ (1.0 + np.asarray(ids, dtype=float))

    def __repr__(self) -> str:
        return f"a model of {len(self._weights)} tokens"


_SUSPECTS = (
    (Suspect(6, {}), np.array([3, 1, 4, 1, 5, 9])),
    (Suspect(6, {(2, 3): 1.0, (4, 5): 0.5}), np.array([2, 7, 1, 8, 2, 8])),
    (Suspect(7, {(0, 6): 1.0, (3, 4): 1e-7, (1, 3): -2.0}), np.array([1, 4, 1, 0, 2, 1, 3])),
)


def _compared(
    model: Callable, ids: np.ndarray, *, new: Callable = lambda old: old + 1, differ: Callable = np.not_equal
) -> np.ndarray:
    """Change each token in turn: a row for each, true where an output moves."""
    rows = []
    for j in range(len(ids)):
        other = ids.copy()
        other[j] = new(ids[j])
        rows.append(differ(model(other), model(ids)))
    return np.array(rows)


def _future(moved: np.ndarray) -> np.ndarray:
    return np.array([moved[i + 1 :, i].any() for i in range(len(moved))])


sees_the_future = Exercise(
    notebook="17",
    name="who sees the future?",
    solution=lambda model, ids: _future(_compared(model, ids)),
    cases=_SUSPECTS,
    mistakes=(
        Mistake(
            hint="You counted outputs that may move. The one at the changed token has seen it, and so have those "
            "after it: look at the outputs before it alone, [:j].",
            answer=lambda model, ids: _compared(model, ids).any(axis=0),
        ),
        Mistake(
            hint="A tolerance lets a faint leak pass. What is hidden has a weight of exactly 0, so compare bit by bit.",
            answer=lambda model, ids: _future(
                _compared(model, ids, differ=lambda a, b: ~np.isclose(a, b, rtol=1e-5, atol=1e-8))
            ),
        ),
        Mistake(
            hint="You changed the last token alone. An output may see the next token and nothing beyond: change "
            "each token in turn.",
            answer=lambda model, ids: np.append(_compared(model, ids)[-1, :-1], False),
        ),
        Mistake(
            hint="You only looked at the output just before the changed token. A leak may reach further back.",
            answer=lambda model, ids: np.append(np.diag(_compared(model, ids), -1), False),
        ),
        Mistake(
            hint="You changed the first token alone, and nothing stands before it.",
            answer=lambda model, ids: np.zeros(len(ids), dtype=bool),
        ),
        Mistake(
            hint="You wrote a 0 where a 0 may have stood: then nothing has changed. Make sure that it differs.",
            answer=lambda model, ids: _future(_compared(model, ids, new=lambda old: 0)),
        ),
        Mistake(
            hint="You report which tokens leak out. Report which outputs see them.",
            answer=lambda model, ids: np.array([row[:j].any() for j, row in enumerate(_compared(model, ids))]),
        ),
        Mistake(
            hint="Your answer says which outputs are honest. Say which see the future.",
            answer=lambda model, ids: ~_future(_compared(model, ids)),
        ),
    ),
)


def _turned(x: Tensor, angles: Tensor, *, halves: bool = False) -> Tensor:
    a, b = x.chunk(2, dim=-1) if halves else (x[:, 0::2], x[:, 1::2])
    turned = [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()]
    return torch.cat(turned, dim=-1) if halves else torch.stack(turned, dim=-1).flatten(-2)


def _angles(x: Tensor, base: float, *, first: int = 0, power: float = 2.0) -> Tensor:
    places = torch.arange(first, first + len(x), dtype=torch.float64)
    pairs = torch.arange(x.shape[-1] // 2, dtype=torch.float64)
    return places[:, None] * base ** (-power * pairs / x.shape[-1])


rotary = Exercise(
    notebook="17",
    name="rotary positions",
    solution=lambda x, base: rotate(x, rotary_angles(torch.arange(len(x)), width=x.shape[-1], base=base).double()),
    cases=((_normal(5, 4), 100.0), (_normal(3, 6, seed=1), 10.0)),
    rtol=1e-5,  # the kit computes its angles in float32
    mistakes=(
        Mistake(
            hint="You paired the first half of the features with the second. Here neighbours are pairs: x[:, 0::2] "
            "and x[:, 1::2]. Both ways are in use, and weights of the one are useless to the other.",
            answer=lambda x, base: _turned(x, _angles(x, base), halves=True),
        ),
        Mistake(
            hint="You turned the other way. The minus stands in the even feature: x[2i]·cos - x[2i+1]·sin.",
            answer=lambda x, base: _turned(x, -_angles(x, base)),
        ),
        Mistake(
            hint="Your first token is turned already. Count the positions from 0.",
            answer=lambda x, base: _turned(x, _angles(x, base, first=1)),
        ),
        Mistake(
            hint="The exponent is 2i / width: a pair counts for two features. Yours is i / width.",
            answer=lambda x, base: _turned(x, _angles(x, base, power=1.0)),
        ),
        Mistake(
            hint="The sign of the exponent is missing: later pairs should turn more slowly, and yours turn faster.",
            answer=lambda x, base: _turned(x, _angles(x, base, power=-2.0)),
        ),
        Mistake(
            hint="All of your pairs turn at one speed. Pair i turns by p / base^(2i / width).",
            answer=lambda x, base: _turned(x, _angles(x, base, power=0.0)),
        ),
        Mistake(
            hint="You stuck the even and the odd features together in two blocks. Set them back in turn: "
            "torch.stack(..., dim=-1).flatten(-2).",
            answer=lambda x, base: torch.cat(
                [_turned(x, _angles(x, base))[:, 0::2], _turned(x, _angles(x, base))[:, 1::2]], dim=-1
            ),
        ),
        Mistake(
            hint="You wrote the turned even feature into x, and then used it for the odd one. Both need the old x.",
            answer=lambda x, base: _in_place(x, _angles(x, base)),
        ),
    ),
)


def _in_place(x: Tensor, angles: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0::2] = y[:, 0::2] * angles.cos() - y[:, 1::2] * angles.sin()
    y[:, 1::2] = y[:, 0::2] * angles.sin() + y[:, 1::2] * angles.cos()
    return y


def _norm(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / centred.std(axis=-1, keepdims=True)


def _mix(x: np.ndarray) -> np.ndarray:
    return np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None] + 0.5 * np.roll(x, 1, axis=-1)


def _think(x: np.ndarray) -> np.ndarray:
    return np.maximum(x - 0.3, 0) * np.linspace(1, 2, x.shape[-1])


def _pre(x: np.ndarray, norm: Callable, attention: Callable, think: Callable) -> np.ndarray:
    x = x + attention(norm(x))
    return x + think(norm(x))


def _post(x: np.ndarray, norm: Callable, attention: Callable, think: Callable) -> np.ndarray:
    x = norm(x + attention(x))
    return norm(x + think(x))


def _touched(x: np.ndarray, norm: Callable, attention: Callable, think: Callable) -> np.ndarray:
    x = norm(x)
    x = norm(x + attention(x))
    return x + think(x)


_STREAM = np.random.default_rng(0).normal(size=(3, 4))

two_blocks = Exercise(
    notebook="17",
    name="two blocks",
    solution=lambda x, norm, attention, think: (_pre(x, norm, attention, think), _post(x, norm, attention, think)),
    cases=((_STREAM, _norm, _mix, _think), (3 + 2 * _STREAM[::-1], _norm, _think, _mix)),
    mistakes=(
        Mistake(
            hint="The two are swapped. Pre-norm comes first: there each branch reads norm(x).",
            answer=lambda *a: (_post(*a), _pre(*a)),
        ),
        Mistake(
            hint="In your pre-norm block the stream itself is normalised. Only the branch reads norm(x); what is "
            "added to is x.",
            answer=lambda *a: (_touched(*a), _post(*a)),
        ),
        Mistake(
            hint="Your second branch reads the x of before the first. It should read what the first has left.",
            answer=lambda x, norm, attention, think: (
                x + attention(norm(x)) + think(norm(x)),
                _post(x, norm, attention, think),
            ),
        ),
        Mistake(
            hint="In your post-norm block the branch is normalised and then added. The norm comes after the sum: "
            "norm(x + f(x)).",
            answer=lambda x, norm, attention, think: (
                _pre(x, norm, attention, think),
                _added(x, norm, attention, think),
            ),
        ),
        Mistake(
            hint="The residual sums are missing: each branch is added to what it read.",
            answer=lambda x, norm, attention, think: (
                think(norm(attention(norm(x)))),
                norm(think(norm(attention(x)))),
            ),
        ),
        Mistake(
            hint="Your post-norm block normalises once, at its end. There is a norm after each of the two sums.",
            answer=lambda x, norm, attention, think: (
                _pre(x, norm, attention, think),
                norm(_pre(x, lambda y: y, attention, think)),
            ),
        ),
        Mistake(
            hint="Your post-norm block began with what the pre-norm block had left in x. Both blocks begin with the x "
            "that was given: use another name for what comes between.",
            answer=lambda x, norm, attention, think: (
                (pre := _pre(x, norm, attention, think)),
                _post(pre, norm, attention, think),
            ),
        ),
        Mistake(
            hint="The two branches stand in the wrong order: attention first, then the feed-forward layer.",
            answer=lambda x, norm, attention, think: (
                _pre(x, norm, think, attention),
                _post(x, norm, think, attention),
            ),
        ),
    ),
)


def _added(x: np.ndarray, norm: Callable, attention: Callable, think: Callable) -> np.ndarray:
    x = x + norm(attention(x))
    return x + norm(think(x))


def _heads(ids: np.ndarray) -> np.ndarray:
    """Make up eight heads, each with a habit of its own, in two layers."""
    n = len(ids)
    before = [[j for j in range(i) if ids[j] == ids[i]] for i in range(n)]
    first = next(i for i, places in enumerate(before) if places)
    wanted = {
        (0, 0): [0] * n,
        (0, 1): [places[-1] if places else i for i, places in enumerate(before)],
        (0, 2): [max(i - 1, 0) for i in range(n)],
        (0, 3): list(range(n)),
        (1, 0): [min(places[-1] + 2, i) if places else 0 for i, places in enumerate(before)],
        (1, 1): [i if i != first else before[i][-1] + 1 for i in range(n)],
        (1, 2): [places[-1] + 1 if places else 0 for places in before],
        (1, 3): [places[-1] if places else max(i - 1, 0) for i, places in enumerate(before)],
    }
    sure = {(0, 0): 0.7, (0, 1): 0.8, (0, 2): 0.9, (0, 3): 0.99, (1, 0): 0.8, (1, 1): 0.97, (1, 2): 0.6, (1, 3): 0.5}
    weights = np.zeros((2, 4, n, n))
    for (layer, head), targets in wanted.items():
        for i, target in enumerate(targets):
            weights[layer, head, i, : i + 1] = (1 - sure[layer, head]) / (i + 1)
            weights[layer, head, i, target] += sure[layer, head]
    return weights


def _rivals(ids: np.ndarray) -> np.ndarray:
    """Make up four heads: the one that is asked for, between two that look after the first occurrence."""
    weights = np.zeros((2, 2, len(ids), len(ids)))
    for i in range(len(ids)):
        earlier = [j for j in range(i) if ids[j] == ids[i]]
        first, last = (1 + earlier[0], 1 + earlier[-1]) if earlier else (0, 0)
        for head, target, sure in (((0, 0), first, 0.5), ((0, 1), last, 0.45), ((1, 0), first, 0.4), ((1, 1), 0, 0.6)):
            weights[head][i, : i + 1] = (1 - sure) / (i + 1)
            weights[head][i, target] += sure
    return weights


def _best(weights: np.ndarray, score: Callable) -> tuple[int, int]:
    """Find the layer and the head whose score is highest."""
    scores = np.array([[score(head) for head in layer] for layer in weights])
    layer, head = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(layer), int(head)


def _follows(ids: np.ndarray, *, after: int = 1) -> list[tuple[int, int]]:
    """Pair each letter that was there before with the place `after` its last occurrence."""
    found = []
    for i in range(len(ids)):
        earlier = [j for j in range(i) if ids[j] == ids[i]]
        if earlier:
            found.append((i, min(earlier[-1] + after, i)))
    return found


_LETTERS = (np.array([4, 7, 1, 9, 4, 7, 1, 9, 4]), np.array([3, 8, 2, 6, 5, 3, 8, 2, 6, 5, 3]))
_OFTEN = np.array([5, 1, 5, 2, 5, 3, 1, 5])

induction_head = Exercise(
    notebook="17",
    name="an experiment: which head is it?",
    solution=lambda weights, ids: _best(weights, lambda w: np.mean([w[i, j] for i, j in _follows(ids)])),
    cases=(*((_heads(ids), ids) for ids in _LETTERS), (_rivals(_OFTEN), _OFTEN)),
    mistakes=(
        Mistake(
            hint="That is the head that looks one place back. It tells each letter who stood before it; the head "
            "you want looks to what followed the same letter earlier.",
            answer=lambda weights, ids: _best(weights, lambda w: np.diag(w, -1).mean()),
        ),
        Mistake(
            hint="That head looks at the same letter itself. Look one place after it: there stands what came next.",
            answer=lambda weights, ids: _best(weights, lambda w: np.mean([w[i, j] for i, j in _follows(ids, after=0)])),
        ),
        Mistake(
            hint="That head looks two places after the same letter. One place after it stands what came next.",
            answer=lambda weights, ids: _best(weights, lambda w: np.mean([w[i, j] for i, j in _follows(ids, after=2)])),
        ),
        Mistake(
            hint="You took the largest weight, and one lucky place decides. Take the mean over all letters that "
            "were there before.",
            answer=lambda weights, ids: _best(weights, lambda w: max(w[i, j] for i, j in _follows(ids))),
        ),
        Mistake(
            hint="That is the head that is surest of itself, wherever it looks. Ask how much it looks "
            "at the right place.",
            answer=lambda weights, ids: _best(weights, lambda w: w.max(axis=-1).mean()),
        ),
        Mistake(
            hint="You read the weights the wrong way round, and found 0 everywhere. The row is the letter that looks, "
            "the column the letter looked at.",
            answer=lambda weights, ids: _best(weights, lambda w: np.mean([w[j, i] for i, j in _follows(ids)])),
        ),
        Mistake(
            hint="The right head, but layer and head are swapped. The first axis is the layer.",
            answer=lambda weights, ids: induction_head.solution(weights, ids)[::-1],
        ),
        Mistake(
            hint="Those are counted from 1. Count layers and heads from 0.",
            answer=lambda weights, ids: tuple(1 + n for n in induction_head.solution(weights, ids)),
        ),
    ),
)

EXERCISES = (attend, causal_weights, rotary, two_blocks, sees_the_future, induction_head)
