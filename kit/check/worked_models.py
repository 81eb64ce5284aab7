"""The way to each answer of notebooks 17 to 22, as `kit.check.worked` gives it for those before.

Taught in: every notebook
"""

import math
from collections.abc import Callable

import numpy as np
import torch

from kit.check.worked import Steps
from kit.text.packing import IGNORE_INDEX


def _attend(q, k, v) -> Steps:
    scores = q @ k.T / math.sqrt(q.shape[-1])
    shares = scores.softmax(-1)
    return [("the scores, by √d", scores), ("softmax over the keys", shares), ("the values under these", shares @ v)]


def _causal(scores) -> Steps:
    hidden = scores.masked_fill(torch.ones_like(scores).tril() == 0, -math.inf)
    return [("the scores, -inf above the diagonal", hidden), ("softmax of each row", hidden.softmax(-1))]


def _rotary(x, base) -> Steps:
    time, width = x.shape
    angles = torch.arange(time)[:, None] * base ** (-2 * torch.arange(width // 2) / width)
    even, odd = x[:, 0::2], x[:, 1::2]
    turned = [even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos()]
    steps = [("the angles, a row a position, a column a pair", angles), ("the turned even and odd features", turned)]
    return [*steps, ("both set back in turn", torch.stack(turned, dim=-1).flatten(-2))]


def _two_blocks(x, norm, attention, feed_forward) -> Steps:
    before = x + attention(norm(x))
    after = norm(x + attention(x))
    steps = [("pre-norm after attention, x + f(norm(x))", before), ("post-norm after attention, norm(x + f(x))", after)]
    both = before + feed_forward(norm(before)), norm(after + feed_forward(after))
    return [*steps, ("both after the feed-forward layer", both)]


def _sees(model, ids) -> Steps:
    moved = []
    for j in range(len(ids)):
        other = ids.copy()
        other[j] += 1
        moved.append(np.flatnonzero((model(other) != model(ids))[:j]).tolist())
    sees = np.array([any(i in row for row in moved) for i in range(len(ids))])
    return [("for each changed token, the outputs before it that move", moved), ("which outputs are among these", sees)]


def _head(weights, ids) -> Steps:
    pairs = []
    for i in range(len(ids)):
        earlier = [j for j in range(i) if ids[j] == ids[i]]
        if earlier:
            pairs.append((i, earlier[-1] + 1))
    scores = np.array([[np.mean([head[i, j] for i, j in pairs]) for head in layer] for layer in weights])
    best = tuple(int(n) for n in np.unravel_index(scores.argmax(), scores.shape))
    steps = [("each repeated letter, and the place after its last occurrence", pairs)]
    return [*steps, ("the mean weight there, a row a layer", scores), ("the layer and head with most", best)]


def _shift(ids) -> Steps:
    both = ids[:, :-1], ids[:, 1:]
    return [("all but each row's last", both[0]), ("all but each row's first", both[1]), ("the two", both)]


def _parallel(x, norm, attend, feed) -> Steps:
    h = norm(x)
    return [
        ("norm(x)", h),
        ("what the two branches write", (attend(h), feed(h))),
        ("x and both", x + attend(h) + feed(h)),
    ]


def _cache(n_layers, n_heads, n_kv_heads, d_head, n_tokens, bytes_each) -> Steps:
    each = 2 * n_kv_heads * d_head
    steps = [("numbers for a token in a layer, keys and values", each), ("in all layers", each * n_layers)]
    return [*steps, ("times tokens and bytes", each * n_layers * n_tokens * bytes_each)]


def _window(n_tokens, window) -> Steps:
    back = torch.arange(n_tokens)[:, None] - torch.arange(n_tokens)
    steps = [("how far token j lies before token i", back)]
    return [*steps, ("where that is from 0 to window", (back >= 0) & (back <= window))]


def _count(vocab_size, n_positions, n_layers, d) -> Steps:
    block = 12 * d**2 + 13 * d
    edge = (vocab_size + n_positions) * d
    steps = [("a block: attention, feed-forward layer, two norms", block), ("both embeddings", edge)]
    return [*steps, ("all blocks, both embeddings, the last norm", n_layers * block + edge + 2 * d)]


def _over(pairs, matrices, lengths, seeds) -> Steps:
    means = [[float(np.mean([cost(n, seed) for seed in seeds])) for n in lengths] for cost in (pairs, matrices)]
    over = [one >= other for one, other in zip(*means, strict=True)]
    first = next(n for i, n in enumerate(lengths) if all(over[i:]))
    steps = [("mean seconds of pairs and of matrices, by length", means), ("where pairs cost as much", over)]
    return [*steps, ("the first length from which on they always do", first)]


def _remember(memory, hidden, n_memory) -> Steps:
    both = torch.cat([memory, hidden], dim=1).detach()
    return [("both together, old before new, detached", both), ("the last n_memory states", both[:, -n_memory:])]


def _masked(ids, chosen, draw, others, mask_id) -> Steps:
    fate = np.where(draw < 0.8, mask_id, np.where(draw < 0.9, others, ids))
    inputs, targets = np.where(chosen, fate, ids), np.where(chosen, ids, IGNORE_INDEX)
    steps = [("what each token becomes if it is chosen", fate), ("the inputs", inputs)]
    return [*steps, ("the inputs, and ids where chosen, -100 elsewhere", (inputs, targets))]


def _spans(ids, spans, first) -> Steps:
    sentinels = [first - i for i in range(len(spans) + 1)]
    hidden = [ids[start : start + length].tolist() for start, length in spans]
    inputs, at = [], 0
    for (start, length), sentinel in zip(spans, sentinels, strict=False):
        inputs += [*ids[at:start], sentinel]
        at = start + length
    targets = [n for s, span in zip(sentinels, [*hidden, []], strict=True) for n in (s, *span)]
    steps = [("the sentinels, one more than spans", sentinels), ("what each span hides", hidden)]
    return [*steps, ("inputs and targets", (np.array([*inputs, *ids[at:]]), np.array(targets)))]


def _how_far(loss, lengths, trained, seeds, slack) -> Steps:
    means = [float(np.mean([loss(n, seed) for seed in seeds])) for n in lengths]
    most = (1 + slack) * means[lengths.index(trained)]
    beyond = [(n, mean <= most) for n, mean in zip(lengths, means, strict=True) if n >= trained]
    held = [n for i, (n, _) in enumerate(beyond) if all(good for _, good in beyond[: i + 1])]
    return [("the mean losses", means), ("the most that is borne", most), ("the last before one is above it", held[-1])]


def _targets(ids, n_prompt) -> Steps:
    following = np.append(ids[1:], IGNORE_INDEX)
    answer = np.where(np.arange(len(ids)) < n_prompt - 1, IGNORE_INDEX, following)
    return [("each place's next id", following), ("ignored before the prompt's last place", answer)]


def _pack(documents, length, end) -> Steps:
    chain = [token for document in documents for token in (*document, end)]
    filled = [*chain, *[end] * (-len(chain) % length)]
    rows = np.array(filled).reshape(-1, length)
    return [("the chain", chain), ("filled up to whole rows", filled), ("cut into rows", rows)]


def _lora(x, w, a, b, alpha) -> Steps:
    pair, scale = (x @ a.T) @ b.T, alpha / len(a)
    return [
        ("x wᵀ", x @ w.T),
        ("x aᵀ bᵀ", pair),
        ("alpha / r", scale),
        ("the first and the scaled", x @ w.T + scale * pair),
    ]


def _merged(w, a, b, alpha) -> Steps:
    scale = alpha / len(a)
    return [("b a", b @ a), ("alpha / r", scale), ("w and the scaled product", w + scale * b @ a)]


def _last(states, present) -> Steps:
    places = present.sum(axis=1) - 1
    return [
        ("the place of each text's last word", places),
        ("the states there", states[np.arange(len(states)), places]),
    ]


def _span(start, end) -> Steps:
    sums = np.triu(start[:, None] + end) + np.tril(np.full((len(start), len(end)), -np.inf), -1)
    best = np.array(np.unravel_index(sums.argmax(), sums.shape))
    return [("the sums, -inf where the end comes first", sums), ("the place of the largest, row and column", best)]


def _saved(labels, scratch, pretrained) -> Steps:
    target, means = scratch.mean(axis=0)[-1], pretrained.mean(axis=0)
    fewest = labels[int(np.argmax(means >= target))]
    steps = [("the mean from scratch with most labels", target), ("the pre-trained means", means)]
    return [*steps, ("the fewest labels that suffice", fewest), ("the most by these", labels[-1] / fewest)]


def _there(g, scale) -> Steps:
    half = (g * scale).astype(np.float16)
    steps = [("the scaled gradients", g * scale), ("in float16", half)]
    return [*steps, ("back in float64, by scale", half.astype(float) / scale)]


def _bytes(n_weights, n_linear, mixed) -> Steps:
    copies = 2 * n_linear if mixed else 0
    steps = [("weights, gradients and Adam's two means, 4 bytes each", 16 * n_weights), ("16-bit copies", copies)]
    return [*steps, ("together", 16 * n_weights + copies)]


def _skip(weights, gradients, scale, lr) -> Steps:
    good = all(np.isfinite(g).all() for g in gradients)
    true = tuple(g / scale for g in gradients)
    new = tuple(w - lr * g for w, g in zip(weights, true, strict=True)) if good else tuple(weights)
    return [("whether every number is finite", good), ("the gradients, by scale", true), ("the weights after", new)]


def _scales(overflows, scale, growth_interval) -> Steps:
    used, counts, good = [], [], 0
    for overflow in overflows:
        used.append(scale)
        good = 0 if overflow else good + 1
        counts.append(good)
        if overflow:
            scale = scale / 2
        elif good == growth_interval:
            scale, good = scale * 2, 0
    return [("good steps in a row after each step", counts), ("the scale that each step used", np.array(used))]


def _accumulate(gradients, n_tokens) -> Steps:
    weighted = n_tokens @ gradients
    steps = [("each part's gradient times its tokens, added up", weighted), ("all tokens", n_tokens.sum())]
    return [*steps, ("the first by the second", weighted / n_tokens.sum())]


def _worst(operations, x) -> Steps:
    errors = []
    for operation in operations:
        exact = operation(x)
        rough = operation(x.astype(np.float16)).astype(float)
        errors.append(float(np.abs(rough - exact).max() / np.abs(exact).max()))
    return [("each operation's error", errors), ("the place of the largest", int(np.argmax(errors)))]


def _segments(n_layers, block, edge) -> Steps:
    costs = [-(-n_layers // every) * edge + every * block for every in range(1, n_layers + 1)]
    return [
        ("inputs and one run in full, for each number from 1", costs),
        ("where it is least", 1 + int(np.argmin(costs))),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "attention": _attend,
    "the causal mask": _causal,
    "rotary positions": _rotary,
    "two blocks": _two_blocks,
    "who sees the future?": _sees,
    "an experiment: which head is it?": _head,
    "the causal shift": _shift,
    "the parallel block": _parallel,
    "the bytes of a cache": _cache,
    "the sliding window": _window,
    "count a GPT": _count,
    "an experiment: when pairs take over": _over,
    "what is remembered": _remember,
    "mask, swap or keep": _masked,
    "span corruption": _spans,
    "an experiment: how far beyond": _how_far,
    "learn the answer alone": _targets,
    "pack rows": _pack,
    "LoRA, forward": _lora,
    "LoRA, merged": _merged,
    "the state to classify by": _last,
    "the best span": _span,
    "an experiment: labels saved": _saved,
    "there and back": _there,
    "the bytes of Adam": _bytes,
    "skip what overflowed": _skip,
    "growth and backoff": _scales,
    "the large batch in parts": _accumulate,
    "find the operation that must stay float32": _worst,
    "an experiment: how many blocks to a checkpoint": _segments,
}
