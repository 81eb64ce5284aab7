import lzma
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.ngram import compressed_bits_per_byte, count_runs

DOCUMENTS = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=12), min_size=1, max_size=4)
TEXT = st.lists(st.integers(0, 4), max_size=8)


def counted(documents, n):
    """Count runs with dictionaries: the same table, written the slow way."""
    return Counter(
        tuple(document[i : i + k])
        for document in documents
        for k in range(1, n + 1)
        for i in range(len(document) - k + 1)
    )


def context_of(runs, history):
    after = {run: seen for run, seen in runs.items() if run[:-1] == history}
    return sum(after.values()), len(after)


def witten_bell(runs, history, token):
    shorter = witten_bell(runs, history[1:], token) if history else 1 / 5
    total, kinds = context_of(runs, history)
    return (runs[(*history, token)] + kinds * shorter) / (total + kinds) if total else shorter


@given(DOCUMENTS, TEXT, st.integers(1, 3))
def test_witten_bell_bits_match_dictionaries(documents, text, n):
    runs = counted(documents, n)
    expected = [witten_bell(runs, tuple(text[max(0, i - n + 1) : i]), token) for i, token in enumerate(text)]
    bits = count_runs(documents, n=n, vocab_size=5).witten_bell_bits(text)
    np.testing.assert_allclose(2**-bits, expected, rtol=1e-12)


@given(DOCUMENTS, TEXT, st.integers(1, 3), st.floats(0.01, 2))
def test_additive_bits_match_dictionaries(documents, text, n, alpha):
    runs = counted(documents, n)
    expected = []
    for i, token in enumerate(text):
        history = tuple(text[max(0, i - n + 1) : i])
        expected.append((runs[(*history, token)] + alpha) / (context_of(runs, history)[0] + 5 * alpha))
    bits = count_runs(documents, n=n, vocab_size=5).additive_bits(text, alpha=alpha)
    np.testing.assert_allclose(2**-bits, expected, rtol=1e-12)


@given(DOCUMENTS, TEXT, st.integers(1, 3))
def test_probabilities_of_all_next_tokens_sum_to_1(documents, text, n):
    model = count_runs(documents, n=n, vocab_size=5)
    for bits in (model.witten_bell_bits, model.additive_bits):
        assert sum(2 ** -bits([*text, token])[-1] for token in range(5)) == pytest.approx(1, rel=1e-12)


def test_count_runs_does_not_cross_documents():
    together, apart = count_runs([b"abcd"], n=2), count_runs([b"ab", b"cd"], n=2)
    assert sum(together.seen[1]) == 3
    assert sum(apart.seen[1]) == 2


def test_compressed_bits_per_byte_matches_lzma():
    text = b"the quick brown fox " * 50
    settings = [{"id": lzma.FILTER_LZMA2, "preset": 9}]
    alone = len(lzma.compress(text, format=lzma.FORMAT_RAW, filters=settings))
    assert compressed_bits_per_byte(text) == pytest.approx(8 * (alone - 1) / len(text))  # the empty text takes 1 byte


def test_compressed_bits_per_byte_copies_from_what_came_before():
    noise = np.random.default_rng(0).bytes(200_000)
    assert compressed_bits_per_byte(noise[:50_000], after=noise) < 0.1 < 7.9 < compressed_bits_per_byte(noise)
