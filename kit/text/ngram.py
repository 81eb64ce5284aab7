"""The floor that a language model must beat: counted n-grams, and general compressors.

Divide the bits of a text by its bytes, and models that read bytes, words or the tokens of any
tokeniser can be compared: one whose tokens are fewer, but harder to predict, gains nothing by it.

Taught in: 15 16
"""

import lzma
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Integer

from kit.arguments import count, instance, real, token_ids

Ids = bytes | Sequence[int] | Integer[np.ndarray, "_"]


@dataclass(frozen=True, kw_only=True)
class NGram:
    """How often each run of up to n tokens was seen in training, and what that predicts.

    Below, h is the k - 1 tokens before the token w, h' is h without its first; c counts how often
    a run was seen, T(h) how many different tokens were seen after h. At the start of a text, where
    fewer than n - 1 tokens precede, the longest h there is serves.
    """

    vocab_size: int
    runs: tuple[
        Integer[np.ndarray, "_"], ...
    ]  # runs[k - 1]: the runs of k tokens, as sorted numbers in base vocab_size
    seen: tuple[Integer[np.ndarray, "_"], ...]  # seen[k - 1]: how often each of them was seen

    @property
    def n(self) -> int:
        """Give the length of the longest runs."""
        return len(self.runs)

    def up_to(self, n: int) -> "NGram":
        """Keep the counts of runs of up to n tokens, as if no longer ones had been counted.

        Raises:
            TypeError: if `n` is not a whole number.
            ValueError: if `n` is not from 1 to the length of the longest runs.

        >>> count_ngrams([b"abab"], n=3).up_to(2).n
        2
        """
        if count("n", n) > self.n:
            raise ValueError(f"n must be <= {self.n}, the length of the longest runs counted, got {n}")
        return NGram(vocab_size=self.vocab_size, runs=self.runs[:n], seen=self.seen[:n])

    def additive_bits(self, ids: Ids, *, alpha: float = 1.0) -> Float[np.ndarray, "tokens"]:
        """Measure each token's surprisal, every count raised by the same amount.

            p(w | h) = (c(hw) + α) / (c(h) + α · vocab_size)

        Args:
            alpha: what is added to each count; 1 is Laplace's rule.

        Raises:
            ValueError: if `alpha` <= 0, or an id is not in the vocabulary.

        Source: Jurafsky & Martin (2025), Speech and Language Processing, 3rd ed., section 3.6.
        Oracle: the formula with dictionaries; each context's probabilities sum to 1.

        >>> count_ngrams([b"ab"], n=1).additive_bits(b"a")  # (1 + 1) / (2 + 256)
        array([7.01122726])
        """
        ids, alpha = token_ids("ids", ids, below=self.vocab_size), real("alpha", alpha, above=0)
        p = np.empty(len(ids))
        for k in range(1, self.n + 1):
            c_hw, c_h, _ = self._look_up(ids, k)
            p[k - 1 :] = (c_hw + alpha) / (c_h + alpha * self.vocab_size)
        return -np.log2(p)

    def witten_bell_bits(self, ids: Ids) -> Float[np.ndarray, "tokens"]:
        """Measure each token's surprisal, mixing long contexts with short ones by how often each was surprised.

            pₖ(w | h) = (c(hw) + T(h) · pₖ₋₁(w | h')) / (c(h) + T(h)),    p₀ = 1 / vocab_size

        A context that was never seen leaves the judgement to the shorter one.

        Raises:
            ValueError: if an id is not in the vocabulary.

        Source: Witten & Bell (1991), The zero-frequency problem, IEEE Trans. Inf. Theory 37, method
        C; mixed as in Chen & Goodman (1999), Computer Speech & Language 13, section 2.6.
        Oracle: the formula with dictionaries; each context's probabilities sum to 1.

        >>> 2 ** -count_ngrams([b"aa"], n=1).witten_bell_bits(b"a")  # (2 + 1/256) / (2 + 1)
        array([0.66796875])
        """
        ids = token_ids("ids", ids, below=self.vocab_size)
        p = np.full(len(ids), 1 / self.vocab_size)
        for k in range(1, self.n + 1):
            c_hw, c_h, kinds = self._look_up(ids, k)
            shorter = p[k - 1 :]
            p[k - 1 :] = np.where(c_h > 0, (c_hw + kinds * shorter) / np.maximum(c_h + kinds, 1), shorter)
        return -np.log2(p)

    @cached_property
    def _totals(self) -> tuple[Integer[np.ndarray, "_"], ...]:
        """Add up the counts of each table from its start: summed once, and not again for every text."""
        return tuple(np.concatenate([[0], np.cumsum(seen)]) for seen in self.seen)

    def _look_up(self, ids: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each token with k - 1 before it, look up c(hw), c(h) and T(h)."""
        runs, seen = self.runs[k - 1], self.seen[k - 1]
        wanted = _as_numbers(ids, k, self.vocab_size)
        # runs that begin alike are neighbours, so a context's share of the table is a slice
        first = np.searchsorted(runs, wanted // self.vocab_size * self.vocab_size)
        after = np.searchsorted(runs, (wanted // self.vocab_size + 1) * self.vocab_size)
        place = np.minimum(np.searchsorted(runs, wanted), len(runs) - 1)
        totals = self._totals[k - 1]
        return np.where(runs[place] == wanted, seen[place], 0), totals[after] - totals[first], after - first


def count_ngrams(documents: Iterable[Ids], *, n: int, vocab_size: int = 256) -> NGram:
    """Count every run of 1 to n tokens; none crosses from one document into the next.

    A run is written as one number in base `vocab_size`, and numbers are counted by sorting them.

    Args:
        vocab_size: the number of different tokens; 256 for bytes.

    Raises:
        TypeError: if the documents are not made of whole numbers.
        ValueError: if an id is not in the vocabulary, the documents hold no run of n tokens, or
            `vocab_size`ⁿ is beyond the 63 bits that a run may take.

    >>> count_ngrams([b"abab"], n=2).seen  # a, b; ab, ba
    (array([2, 2]), array([2, 1]))
    """
    n, vocab_size = count("n", n), count("vocab_size", vocab_size, at_least=2)
    if vocab_size**n >= 2**63:
        raise ValueError(f"n must be <= {int(63 / math.log2(vocab_size))} for {vocab_size} tokens, got {n}")
    texts = [token_ids("documents", document, below=vocab_size) for document in documents]
    if not any(len(text) >= n for text in texts):
        raise ValueError(f"documents must hold at least one run of {n} tokens, got {len(texts)} shorter ones")
    tables = [
        np.unique(np.concatenate([_as_numbers(text, k, vocab_size) for text in texts]), return_counts=True)
        for k in range(1, n + 1)
    ]
    return NGram(vocab_size=vocab_size, runs=tuple(t[0] for t in tables), seen=tuple(t[1] for t in tables))


def _as_numbers(ids: np.ndarray, k: int, base: int) -> np.ndarray:
    numbers = np.zeros(max(0, len(ids) - k + 1), dtype=np.int64)
    for i in range(k):
        numbers = numbers * base + ids[i : i + len(numbers)]
    return numbers


def compressed_bits_per_byte(text: bytes, *, after: bytes = b"") -> float:
    """Measure what the compressor xz needs for a text that follows another, in bits per byte of the text.

        8 · (|xz(after + text)| - |xz(after)|) / |text|

    Args:
        after: the training text, which the compressor has seen, and can copy from, for nothing.

    Raises:
        TypeError: if either is not made of bytes.
        ValueError: if `text` is empty.

    Numerics: the window is 1.5 GiB at most and is made to span both texts; a smaller one would
    forget the beginning of `after` before the end of `text`.
    Oracle: the standard library's lzma, with and without `after`.

    >>> compressed_bits_per_byte(b"to be or not to be " * 9, after=b"to be or not to be ") < 1
    True
    """
    instance("text", text, bytes)
    instance("after", after, bytes)
    if not text:
        raise ValueError("text must not be empty, got b''")
    window = min(max(2**16, len(after) + len(text)), 3 * 2**29)
    settings = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": window}]
    sizes = [len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=settings)) for data in (after, after + text)]
    return 8 * (sizes[1] - sizes[0]) / len(text)
