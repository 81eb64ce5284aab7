"""Objectives: what a model is asked to guess about a text, so that the text itself is the teacher.

    causal      each token from those before it          GPT: kit.text.packing.next_tokens
    masked      hidden tokens from those on both sides   BERT
    span        hidden spans, one after the other        T5

Taught in: 20 21
"""

from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Integer

from kit.arguments import count, instance, integer_array, real, several, token_ids
from kit.text.packing import IGNORE_INDEX


def mask_tokens(
    ids: Integer[np.ndarray, "*rows length"],
    *,
    mask: int,
    vocab_size: int,
    special: Collection[int] = (),
    rate: float = 0.15,
    rng: np.random.Generator,
) -> tuple[Integer[np.ndarray, "*rows length"], Integer[np.ndarray, "*rows length"]]:
    """Hide some tokens of each row, as BERT is trained to restore them.

    Of the hidden ones 80% become the mask token, 10% a random token, and 10% stay as they are: the
    model cannot know which of the tokens that it sees are true, and must keep a guess for each.

    Args:
        mask: the id of the mask token; it is never drawn as a random token.
        special: further ids that are neither hidden nor drawn, such as those of padding.
        rate: the share of tokens to hide, of those that may be; at least one a row.

    Returns:
        The rows with tokens hidden, and the targets: the true token where one was hidden, else IGNORE_INDEX.

    Raises:
        TypeError: if ids are not whole numbers, `rate` not a number, or `rng` not a generator.
        ValueError: if an id is not from 0 to `vocab_size` - 1, `rate` not between 0 and 1, or no
            token is left to draw.

    Source: Devlin et al. (2018), arXiv:1810.04805, section 3.1, task 1.

    >>> inputs, targets = mask_tokens(np.arange(20), mask=20, vocab_size=21, rng=np.random.default_rng(0))
    >>> (targets != IGNORE_INDEX).sum(), (inputs != np.arange(20)).sum() <= 3
    (np.int64(3), np.True_)
    """
    vocab_size, rate = count("vocab_size", vocab_size), real("rate", rate, above=0, below=1)
    instance("rng", rng, np.random.Generator)
    ids = integer_array("ids", ids)
    token_ids("ids", ids.ravel(), below=vocab_size)
    several("special", special)
    kept = np.append(token_ids("special", [*special], below=vocab_size), token_ids("mask", [mask], below=vocab_size))
    drawn = np.setdiff1d(np.arange(vocab_size), kept)
    if not len(drawn):
        raise ValueError(f"special must leave a token to draw, got all {vocab_size} of the vocabulary")

    allowed = ~np.isin(ids, kept)
    n_allowed = allowed.sum(axis=-1, keepdims=True)
    n_hidden = np.minimum(n_allowed, np.maximum(1, np.rint(rate * n_allowed)))
    lottery = np.where(allowed, rng.random(ids.shape), 2)
    hidden = lottery.argsort(axis=-1).argsort(axis=-1) < n_hidden

    draw = rng.random(ids.shape)
    inputs = np.where(hidden & (draw < 0.8), mask, ids)
    inputs = np.where(hidden & (draw >= 0.9), rng.choice(drawn, size=ids.shape), inputs)
    return inputs, np.where(hidden, ids, IGNORE_INDEX)


def corrupt_spans(
    ids: Sequence[int] | Integer[np.ndarray, "_"],
    *,
    sentinels: Sequence[int] | Integer[np.ndarray, "_"],
    rate: float = 0.15,
    mean_span_length: float = 3.0,
    rng: np.random.Generator,
) -> tuple[Integer[np.ndarray, "_"], Integer[np.ndarray, "_"]]:
    """Replace spans of a text by sentinels, as T5 is trained to restore them.

        text      the cat sat on the mat
        source    the X on the Y            X, Y, Z: sentinels, in the order given
        target    X cat sat Y mat Z

    How many tokens are hidden, and in how many spans, follows from the text's length alone, so that
    texts of one length give sources of one length and targets of one length. Where the spans lie,
    and how long each is, is drawn evenly from all the ways there are. (The published code has each
    text end in a span; here it may.)

    Args:
        sentinels: ids that no text holds, one for each span and one to close the target.
        rate: the share of tokens to hide; at least one token, and never all.
        mean_span_length: of a span, in tokens.

    Returns:
        The source and the target. Nothing is lost: together they give back the text.

    Raises:
        TypeError: if ids are not whole numbers, or `rng` is not a generator.
        ValueError: if the text has fewer than two tokens or holds a sentinel, sentinels repeat or
            are too few, `rate` is not between 0 and 1, or `mean_span_length` < 1.

    Source: Raffel et al. (2019), arXiv:1910.10683, sections 3.1.4 and 3.3.4.

    >>> source, target = corrupt_spans([5, 5, 5, 5, 5, 5], sentinels=[90, 91], rng=np.random.default_rng(0))
    >>> sorted(source.tolist()), target
    ([5, 5, 5, 5, 5, 90], array([90,  5, 91]))
    """
    rate, mean_span_length = (
        real("rate", rate, above=0, below=1),
        real("mean_span_length", mean_span_length, at_least=1),
    )
    instance("rng", rng, np.random.Generator)
    ids, sentinels = token_ids("ids", ids, below=2**32), token_ids("sentinels", sentinels, below=2**32)
    if len(ids) < 2:
        raise ValueError(f"ids must be at least two tokens, one to hide and one to keep, got {len(ids)}")
    n_hidden = min(max(round(rate * len(ids)), 1), len(ids) - 1)
    n_spans = min(max(round(n_hidden / mean_span_length), 1), len(ids) - n_hidden + 1)
    if len(sentinels) <= n_spans or len(np.unique(sentinels)) < len(sentinels):
        raise ValueError(f"sentinels must be at least {n_spans + 1}, no two alike, got {len(sentinels)}")
    if np.isin(ids, sentinels).any():
        raise ValueError(f"ids must hold no sentinel, got {ids[np.isin(ids, sentinels)][0]}")

    spans = _parts(n_hidden, n_spans, rng)
    gaps = _parts(len(ids) - n_hidden + 2, n_spans + 1, rng)
    gaps[[0, -1]] -= 1  # before the first span and after the last there may be nothing; between two there is a token
    hidden = np.repeat(np.arange(2 * n_spans + 1) % 2 == 1, np.insert(spans, np.arange(n_spans + 1), gaps))
    begins = hidden & ~np.insert(hidden[:-1], 0, False)
    starts = np.flatnonzero(begins)
    source = np.where(begins, sentinels[np.cumsum(begins) - 1], ids)[~hidden | begins]
    target = np.insert(ids, starts, sentinels[:n_spans])[np.insert(hidden, starts, True)]
    return source, np.append(target, sentinels[n_spans])


def decoder_inputs(targets: Integer[np.ndarray, "*rows length"], *, start: int) -> Integer[np.ndarray, "*rows length"]:
    """Give what a decoder sees as it guesses each target: the start token, then the targets before it.

    Raises:
        TypeError: if `targets` or `start` are not whole numbers.
        ValueError: if `start` is negative.

    >>> decoder_inputs(np.array([7, 8, 9]), start=0)
    array([0, 7, 8])
    """
    targets, start = integer_array("targets", targets), count("start", start, at_least=0)
    return np.concatenate([np.full_like(targets[..., :1], start), targets[..., :-1]], axis=-1)


def _parts(total: int, n_parts: int, rng: np.random.Generator) -> Integer[np.ndarray, "n_parts"]:
    """Cut a whole number into parts of at least 1, every way as likely as any other."""
    cuts = 1 + np.sort(rng.choice(total - 1, size=n_parts - 1, replace=False))
    return np.diff(np.concatenate([[0], cuts, [total]]))
