import lzma
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.ngram import compressed_bits_per_byte, count_ngrams

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
    bits = count_ngrams(documents, n=n, vocab_size=5).witten_bell_bits(text)
    np.testing.assert_allclose(2**-bits, expected, rtol=1e-12)


@given(DOCUMENTS, TEXT, st.integers(1, 3), st.floats(0.01, 2))
def test_additive_bits_match_dictionaries(documents, text, n, alpha):
    runs = counted(documents, n)
    expected = []
    for i, token in enumerate(text):
        history = tuple(text[max(0, i - n + 1) : i])
        expected.append((runs[(*history, token)] + alpha) / (context_of(runs, history)[0] + 5 * alpha))
    bits = count_ngrams(documents, n=n, vocab_size=5).additive_bits(text, alpha=alpha)
    np.testing.assert_allclose(2**-bits, expected, rtol=1e-12)


@given(DOCUMENTS, TEXT, st.integers(1, 3))
def test_probabilities_of_all_next_tokens_sum_to_1(documents, text, n):
    model = count_ngrams(documents, n=n, vocab_size=5)
    for bits in (model.witten_bell_bits, model.additive_bits):
        assert sum(2 ** -bits([*text, token])[-1] for token in range(5)) == pytest.approx(1, rel=1e-12)


def test_count_runs_does_not_cross_documents():
    together, apart = count_ngrams([b"abcd"], n=2), count_ngrams([b"ab", b"cd"], n=2)
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


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: count_ngrams([b"ab"], n=8), "n must be <= 7 for 256 tokens, got 8"),
        (lambda: count_ngrams([b"ab"], n=3), "documents must hold at least one run of 3 tokens"),
        (lambda: count_ngrams([[1, 5]], n=1, vocab_size=5), "documents must be from 0 to 4, got 1 to 5"),
        (lambda: count_ngrams([b"ab"], n=1).witten_bell_bits([256]), "ids must be from 0 to 255, got 256 to 256"),
        (lambda: count_ngrams([b"ab"], n=1).additive_bits(b"a", alpha=0.0), "alpha must be > 0"),
        (lambda: compressed_bits_per_byte(b""), "text must not be empty"),
    ],
)
def test_ngram_rejects_what_it_cannot_count(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()


def test_count_runs_rejects_text_that_is_not_bytes():
    with pytest.raises(TypeError, match="documents"):
        count_ngrams([[0.5, 1.0]], n=1)


def test_up_to_matches_counting_no_longer_runs():
    texts = [b"abracadabra", b"alakazam"]
    shorter, counted = count_ngrams(texts, n=4).up_to(2), count_ngrams(texts, n=2)
    np.testing.assert_array_equal(shorter.witten_bell_bits(b"abra"), counted.witten_bell_bits(b"abra"))
    with pytest.raises(ValueError, match="n must be <= 4, the length of the longest runs counted, got 5"):
        count_ngrams(texts, n=4).up_to(5)
