"""The exercises of notebook 16: bits per byte, merging, the commonest pair, encoding, smoothing, a fair contest.

Taught in: 16
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.text.bpe import BPE, Pair, merge_pair

_BITS = np.array([3.5, 0.25, 7.0, 1.25])

bits_per_byte = Exercise(
    notebook="16",
    name="bits per byte",
    solution=lambda bits, text: float(bits.sum()) / len(text.encode()),
    cases=((_BITS, "naïve café"), (_BITS * 2, "漢字 and letters"), (np.array([0.5]), "é")),
    mistakes=(
        Mistake(
            hint="You divided by characters. A character such as é is two bytes; text.encode() gives the bytes.",
            answer=lambda bits, text: bits.sum() / len(text),
        ),
        Mistake(
            hint="Those are bits per token. Two tokenisers can only be compared per byte.",
            answer=lambda bits, text: bits.mean(),
        ),
        Mistake(
            hint="Those are the bits of the whole text. Divide them by its bytes.",
            answer=lambda bits, text: bits.sum(),
        ),
        Mistake(
            hint="The mean over tokens, divided by the bytes: tokens are counted twice. Take the sum of the bits.",
            answer=lambda bits, text: bits.mean() / len(text.encode()),
        ),
        Mistake(
            hint="The fraction stands on its head: bytes per bit. Bits go on top.",
            answer=lambda bits, text: len(text.encode()) / bits.sum(),
        ),
        Mistake(
            hint="The surprisals are in bits already. Only nats, from the natural logarithm, are divided by ln 2.",
            answer=lambda bits, text: bits.sum() / math.log(2) / len(text.encode()),
        ),
    ),
)


def _merge(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    return merge_pair(ids, pair, new)


def _merge_first_only(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new, *ids[i + 2 :]]
    return list(ids)


def _merge_overlapping(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    merged, covered = [], False
    for i, token in enumerate(ids):
        if i + 1 < len(ids) and (token, ids[i + 1]) == pair:
            merged.append(new)
            covered = True
        else:
            if not covered:
                merged.append(token)
            covered = False
    return merged


def _merge_keeping_right(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    return [new if (a, b) == pair else a for a, b in pairwise([*ids, -1])]


def _merge_and_lose_the_last(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    merged, i = [], 0
    while i < len(ids) - 1:
        hit = (ids[i], ids[i + 1]) == pair
        merged.append(new if hit else ids[i])
        i += 2 if hit else 1
    return merged


def _merge_without_order(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    merged, i = [], 0
    while i < len(ids):
        hit = i + 1 < len(ids) and {ids[i], ids[i + 1]} == set(pair)
        merged.append(new if hit else ids[i])
        i += 2 if hit else 1
    return merged


merge = Exercise(
    notebook="16",
    name="merge a pair",
    solution=_merge,
    cases=(
        ([1, 2, 3, 1, 2, 2, 1, 4], (1, 2), 9),
        ([5, 5, 5, 5, 5, 6], (5, 5), 7),
        ([2, 1, 2, 1, 1, 2, 3], (1, 2), 8),
        ([1, 2, 3, 1], (1, 2), 9),
    ),
    mistakes=(
        Mistake(
            hint="Only the first occurrence was merged. Go on to the end.",
            answer=_merge_first_only,
        ),
        Mistake(
            hint="Occurrences overlap: in 5 5 5 one token was used in two pairs. After a merge, step over both.",
            answer=_merge_overlapping,
        ),
        Mistake(
            hint="The right half of each pair is still there. The new token replaces both.",
            answer=_merge_keeping_right,
        ),
        Mistake(
            hint="The last token is lost where it belongs to no pair.",
            answer=_merge_and_lose_the_last,
        ),
        Mistake(
            hint="(2, 1) is another pair than (1, 2). The order counts.",
            answer=_merge_without_order,
        ),
        Mistake(
            hint="Pairs were merged from right to left. In 5 5 5 5 5 6 the odd one must be left over at the end.",
            answer=lambda ids, pair, new: merge_pair(list(ids)[::-1], pair[::-1], new)[::-1],
        ),
        Mistake(
            hint="The pair was taken out, and nothing put in its place.",
            answer=lambda ids, pair, new: [token for token in merge_pair(ids, pair, new) if token != new],
        ),
    ),
)


def _count_pairs(spellings: Sequence[Sequence[int]], repeats: Sequence[int]) -> Counter[Pair]:
    n_pairs: Counter[Pair] = Counter()
    for spelling, n in zip(spellings, repeats, strict=True):
        for pair in pairwise(spelling):
            n_pairs[pair] += n
    return n_pairs


def _commonest(n_pairs: Counter[Pair]) -> Pair:
    return min(n_pairs, key=lambda pair: (-n_pairs[pair], pair))


def _first_met(n_pairs: Counter[Pair]) -> tuple[Pair, int]:
    return n_pairs.most_common(1)[0]


def _glued(spellings: Sequence[Sequence[int]], repeats: Sequence[int]) -> Pair:
    return _commonest(
        _count_pairs([[i for s, n in zip(spellings, repeats, strict=True) for _ in range(n) for i in s]], [1])
    )


commonest_pair = Exercise(
    notebook="16",
    name="the commonest pair",
    solution=lambda spellings, repeats: _commonest(_count_pairs(spellings, repeats)),
    cases=(
        ([[3, 4, 5], [1, 2], [3, 4], [9], [9, 7]], [2, 6, 1, 9, 6]),
        ([[7, 1], [1, 7, 8], [1, 7], [9, 2]], [4, 3, 1, 2]),
        ([[8, 6, 8], [6, 8], [5, 3, 5, 3], [2, 4]], [1, 6, 1, 7]),
        ([[9, 7, 9, 7], [1, 2], [5, 9]], [2, 3, 1]),
        ([[1, 2], [9, 7]], [1, 2]),
    ),
    mistakes=(
        Mistake(
            hint="Every spelling was counted once. One that stands in the text n times counts n times.",
            answer=lambda spellings, repeats: _commonest(_count_pairs(spellings, [1] * len(spellings))),
        ),
        Mistake(
            hint="At equal counts you took the larger pair. The smaller ids decide, or two runs may differ.",
            answer=lambda spellings, repeats: max(
                (counts := _count_pairs(spellings, repeats)), key=lambda pair: (counts[pair], pair)
            ),
        ),
        Mistake(
            hint="That is the smallest pair. How often each occurs has no say in your answer.",
            answer=lambda spellings, repeats: min(_count_pairs(spellings, repeats)),
        ),
        Mistake(
            hint="A pair that stands twice in a piece was counted once there. Count every place.",
            answer=lambda spellings, repeats: _commonest(
                Counter(
                    [p for s, n in zip(spellings, repeats, strict=True) for p in set(pairwise(s)) for _ in range(n)]
                )
            ),
        ),
        Mistake(
            hint="most_common(1) gives a list with one entry, the pair and its count. Of equally common pairs it gives "
            "the first that it met, too: use min or sorted with a key of count and pair.",
            answer=lambda spellings, repeats: (_first_met(_count_pairs(spellings, repeats)),),
        ),
        Mistake(
            hint="Of equally common pairs you took the one that was met first. The smaller ids decide.",
            answer=lambda spellings, repeats: _first_met(_count_pairs(spellings, repeats))[0],
        ),
        Mistake(
            hint="That is how often it occurs. Return the pair.",
            answer=lambda spellings, repeats: max(_count_pairs(spellings, repeats).values()),
        ),
        Mistake(
            hint="That is the rarest pair.",
            answer=lambda spellings, repeats: min(
                (counts := _count_pairs(spellings, repeats)), key=lambda pair: (counts[pair], pair)
            ),
        ),
        Mistake(
            hint="A pair reached over the border between two pieces. Count within each spelling alone.",
            answer=_glued,
        ),
    ),
)


def _encode(piece: bytes, merges: Sequence[Pair]) -> list[int]:
    return BPE(merges=tuple(merges)).encode(piece)


def _encode_longest(piece: bytes, merges: Sequence[Pair]) -> list[int]:
    ids, i = {token: j for j, token in enumerate(BPE(merges=tuple(merges)).tokens)}, 0
    found = []
    while i < len(piece):
        end = max(end for end in range(i + 1, len(piece) + 1) if piece[i:end] in ids)
        found.append(ids[piece[i:end]])
        i = end
    return found


def _encode_leftmost(piece: bytes, merges: Sequence[Pair]) -> list[int]:
    ids, rank = list(piece), {tuple(pair): i for i, pair in enumerate(merges)}
    while pair := next((pair for pair in pairwise(ids) if pair in rank), None):
        ids = _merge_first_only(ids, pair, 256 + rank[pair])
    return ids


def _encode_last_first(piece: bytes, merges: Sequence[Pair]) -> list[int]:
    ids, rank = list(piece), {tuple(pair): i for i, pair in enumerate(merges)}
    while pair := max((pair for pair in pairwise(ids) if pair in rank), key=lambda p: rank[p], default=None):
        ids = merge_pair(ids, pair, 256 + rank[pair])
    return ids


def _encode_once(piece: bytes, merges: Sequence[Pair]) -> list[int]:
    ids = list(piece)
    for i, pair in enumerate(merges):
        ids = _merge_first_only(ids, pair, 256 + i)
    return ids


def _encode_by_rank(piece: bytes, merges: Sequence[Pair]) -> list[int]:
    ids = list(piece)
    for rank, pair in enumerate(merges):
        ids = merge_pair(ids, pair, rank)
    return ids


# bc, ab, bcd, aa, abab, abcd, ca
_MERGES = ((98, 99), (97, 98), (256, 100), (97, 97), (257, 257), (97, 258), (99, 97))

encode = Exercise(
    notebook="16",
    name="encode a piece",
    solution=_encode,
    cases=((b"abcdabc", _MERGES), (b"ababcaabab", _MERGES), (b"aaabcdbcbca", _MERGES)),
    mistakes=(
        Mistake(
            hint="You took the longest token that fits. BPE takes the pair that was learned first, wherever it stands.",
            answer=_encode_longest,
        ),
        Mistake(
            hint="You merged the leftmost pair that is known. The pair that was learned first goes first.",
            answer=_encode_leftmost,
        ),
        Mistake(
            hint="The last merge was made first. Start with the one that was learned first.",
            answer=_encode_last_first,
        ),
        Mistake(
            hint="Each merge was made at one place only. Merge every occurrence of the pair.",
            answer=_encode_once,
        ),
        Mistake(
            hint="You wrote the rank of a merge for its token. Bytes have the ids up to 255: merge 0 makes 256 + 0.",
            answer=_encode_by_rank,
        ),
        Mistake(
            hint="The first merge makes token 256, not token 0: the bytes come first.",
            answer=lambda piece, merges: [i - 256 if i > 255 else i for i in _encode(piece, merges)],
        ),
        Mistake(
            hint="Those are the bytes. No merge was made.",
            answer=lambda piece, merges: list(piece),
        ),
    ),
)

witten_bell = Exercise(
    notebook="16",
    name="a smoothed probability",
    solution=lambda c_hw, c_h, kinds, shorter: (c_hw + kinds * shorter) / (c_h + kinds) if c_h else shorter,
    cases=((3, 10, 4, 0.05), (0, 7, 2, 0.3), (0, 0, 0, 0.125), (5, 5, 1, 0.01)),
    mistakes=(
        Mistake(
            hint="A context that was never seen has no counts: there 0 is divided by 0. Leave it to the shorter one.",
            answer=lambda c_hw, c_h, kinds, shorter: (c_hw + kinds * shorter) / (c_h + kinds) if c_h else 0.0,
        ),
        Mistake(
            hint="These probabilities sum to more than 1. What is added on top must be added below: c_h + kinds.",
            answer=lambda c_hw, c_h, kinds, shorter: (c_hw + kinds * shorter) / c_h if c_h else shorter,
        ),
        Mistake(
            hint="That is the plain share of the counts. It gives a token that was never seen here no chance at all.",
            answer=lambda c_hw, c_h, kinds, shorter: c_hw / c_h if c_h else shorter,
        ),
        Mistake(
            hint="The shorter context is asked only where the count is 0. Mix it in every time, or the sum is not 1.",
            answer=lambda c_hw, c_h, kinds, shorter: c_hw / (c_h + kinds) if c_hw else shorter,
        ),
        Mistake(
            hint="The shorter context must be weighed by kinds, the number of different tokens seen here.",
            answer=lambda c_hw, c_h, kinds, shorter: (c_hw + shorter) / (c_h + kinds) if c_h else shorter,
        ),
        Mistake(
            hint="That is half of each. The weight is not fixed: it is kinds / (c_h + kinds).",
            answer=lambda c_hw, c_h, kinds, shorter: (c_hw / c_h + shorter) / 2 if c_h else shorter,
        ),
    ),
)


def _judge(bits: np.ndarray, chosen: int, *, first: int = 1, ddof: int = 1) -> tuple[int, float, float]:
    judged = bits[chosen, first:]
    return chosen, float(judged.mean()), float(judged.std(ddof=ddof) / math.sqrt(len(judged)))


_rng = np.random.default_rng(14)
_CONTEST = 2 + np.array([[0.1], [0.0], [0.3], [0.05]]) + 0.1 * _rng.normal(size=(4, 6))
_CONTEST[3, 0] = 1.6  # lucky on the split that chooses, and worse than another on those that judge
_CONTEST[3, 1:] += 0.2

contest = Exercise(
    notebook="16",
    name="an experiment: a contest of tokenisers",
    solution=lambda bits: _judge(bits, int(bits[:, 0].argmin())),
    cases=((_CONTEST,), (np.array([[2.0, 2.4, 2.2, 2.6], [1.9, 2.5, 2.8, 2.6], [3.5, 1.8, 2.0, 2.6]]),)),
    mistakes=(
        Mistake(
            hint="The setting was chosen by its mean over all splits. The splits that judge must have no say in it.",
            answer=lambda bits: _judge(bits, int(bits.mean(axis=1).argmin())),
        ),
        Mistake(
            hint="The setting was chosen on the splits that judge it. Only column 0 may choose.",
            answer=lambda bits: _judge(bits, int(bits[:, 1:].mean(axis=1).argmin())),
        ),
        Mistake(
            hint="Column 0 chose, and then judged as well: its score is flattered. Average the other columns.",
            answer=lambda bits: _judge(bits, int(bits[:, 0].argmin()), first=0),
        ),
        Mistake(
            hint="Bits are a cost: fewer are better. argmin, not argmax.",
            answer=lambda bits: _judge(bits, int(bits[:, 0].argmax())),
        ),
        Mistake(
            hint="That is the standard deviation of one split. The error of the mean is smaller: divide by √n.",
            answer=lambda bits: (
                (row := int(bits[:, 0].argmin())),
                float(bits[row, 1:].mean()),
                float(bits[row, 1:].std(ddof=1)),
            ),
        ),
        Mistake(
            hint="Take ddof=1: the mean was estimated from these very splits, and they lie too close to it.",
            answer=lambda bits: _judge(bits, int(bits[:, 0].argmin()), ddof=0),
        ),
    ),
)

EXERCISES = (bits_per_byte, commonest_pair, merge, encode, witten_bell, contest)
