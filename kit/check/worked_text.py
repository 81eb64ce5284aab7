"""The way to each answer of notebooks 15 and 16, as `kit.check.worked` gives it for those before.

Taught in: every notebook
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from kit.check.worked import Steps
from kit.text.bpe import merge_pair


def _spelling(text) -> Steps:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    joined = unicodedata.normalize("NFC", lines)
    stripped = "\n".join(line.rstrip(" \t") for line in joined.split("\n"))
    return [
        ("one kind of line end", lines),
        ("letters and accents joined", joined),
        ("no blanks at the ends", stripped),
    ]


def _signature(members, factors, terms) -> Steps:
    hashes = (factors[:, None] * members + terms[:, None]) >> np.uint64(32)
    return [("all hashes, a row a function", hashes), ("the least of each row", hashes.min(axis=1))]


def _chunks(stream, length, overlap) -> Steps:
    step = length - overlap
    n_rows = 1 + -(-(len(stream) - length) // step)
    padded = np.append(stream, np.zeros(length, dtype=int))
    rows = np.array([padded[i * step : i * step + length] for i in range(n_rows)])
    return [("how far the rows lie apart", step), ("how many rows hold every token", n_rows), ("the rows", rows)]


def _leak() -> Steps:
    return [
        ("the shingles of every text, with kit.text.dedup.shingles", None),
        ("the Jaccard overlap of each held-out text with its nearest training text", None),
        ("the places in the held-out list where that is at least 0.5", None),
    ]


def _price(texts, held_out, score, overlap) -> Steps:
    apart = [text for text in texts if all(overlap(text, other) < 0.5 for other in held_out)]
    bits = score(apart, held_out), score(texts, held_out)
    steps = [("the training texts that overlap by less than 0.5 with each held-out text", apart)]
    return [*steps, ("the bits without and with the others", bits), ("the rise", bits[0] - bits[1])]


def _bits(bits, text) -> Steps:
    n = len(text.encode())
    return [("all bits", bits.sum()), ("the bytes of text.encode()", n), ("bits by bytes", bits.sum() / n)]


def _commonest(spellings, repeats) -> Steps:
    counts: Counter = Counter()
    for spelling, n in zip(spellings, repeats, strict=True):
        for pair in pairwise(spelling):
            counts[pair] += n
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    return [("each pair's count, each spelling as often as it stands", list(counts.items())), ("the commonest", best)]


def _merge(ids, pair, new) -> Steps:
    places = [i for i, both in enumerate(pairwise(ids)) if both == pair]
    return [
        ("the places where the pair stands", places),
        ("the list with new in its place", merge_pair(ids, pair, new)),
    ]


def _encode(piece, merges) -> Steps:
    ids, steps = list(piece), [("the bytes", list(piece))]
    for rank, pair in enumerate(merges):
        if pair in pairwise(ids):
            ids = merge_pair(ids, pair, 256 + rank)
            steps.append((f"after merge {rank}, {pair}", ids))
    return [*steps[:2], ("after every merge, in their order", ids)]


def _witten_bell(c_hw, c_h, kinds, shorter) -> Steps:
    over, under = c_hw + kinds * shorter, c_h + kinds
    return [("c_hw + kinds · shorter", over), ("c_h + kinds", under), ("the first by the second", over / under)]


def _fair_contest(bits) -> Steps:
    row = int(bits[:, 0].argmin())
    judged = bits[row, 1:]
    answer = row, judged.mean(), judged.std(ddof=1) / math.sqrt(len(judged))
    return [("the row with the least in column 0", row), ("its other columns", judged), ("all three", answer)]


STEPS: dict[str, Callable[..., Steps]] = {
    "one spelling": _spelling,
    "a MinHash signature": _signature,
    "chunks that overlap": _chunks,
    "find the leak": _leak,
    "an experiment: the price of a leak": _price,
    "bits per byte": _bits,
    "the commonest pair": _commonest,
    "merge a pair": _merge,
    "encode a piece": _encode,
    "a smoothed probability": _witten_bell,
    "an experiment: a contest of tokenisers": _fair_contest,
}
