import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.objectives import corrupt_spans, decoder_inputs, mask_tokens
from kit.text.packing import IGNORE_INDEX

SENTINELS = np.arange(1000, 1200)
TEXTS = st.lists(st.integers(0, 50), min_size=2, max_size=200)
SEEDS = st.integers(0, 2**32 - 1)


def restored(source: np.ndarray, target: np.ndarray) -> list[int]:
    """Put each span of the target where its sentinel stands in the source; written to be read, not to be fast."""
    spans, text, open_span = {}, [], None
    for token in target.tolist():
        if token >= 1000:
            open_span = spans.setdefault(token, [])
        else:
            open_span.append(token)
    for token in source.tolist():
        text += spans.pop(token) if token >= 1000 else [token]
    assert list(spans.values()) == [[]]  # the one that closes the target
    return text


@given(TEXTS, st.floats(0.05, 0.95), st.floats(1, 10), SEEDS)
def test_source_and_target_together_restore_the_text(text, rate, mean_span_length, seed):
    source, target = corrupt_spans(
        text, sentinels=SENTINELS, rate=rate, mean_span_length=mean_span_length, rng=np.random.default_rng(seed)
    )
    assert restored(source, target) == text


@given(TEXTS, SEEDS)
def test_lengths_follow_from_the_length_of_the_text_alone(text, seed):
    lengths = {
        tuple(len(part) for part in corrupt_spans(text, sentinels=SENTINELS, rng=np.random.default_rng(s)))
        for s in (seed, seed + 1)
    }
    assert len(lengths) == 1


def test_spans_hide_the_share_asked_for_in_spans_of_the_length_asked_for():
    source, target = corrupt_spans(np.zeros(1000, dtype=int), sentinels=SENTINELS, rng=np.random.default_rng(0))
    n_spans = (source >= 1000).sum()
    assert (source == 0).sum() == 850
    assert (target == 0).sum() == 150
    assert n_spans == 50
    assert (target >= 1000).sum() == n_spans + 1
    assert (np.diff(source[source >= 1000]) == 1).all()


def test_every_place_of_a_span_is_as_likely_as_any_other():
    """One span of two in six tokens has five places; each count is within 5 standard errors of n/5."""
    rng, n = np.random.default_rng(0), 2000
    starts = [
        np.argmax(corrupt_spans(np.zeros(6, dtype=int), sentinels=SENTINELS, rate=1 / 3, rng=rng)[0] >= 1000)
        for _ in range(n)
    ]
    counts = np.bincount(starts, minlength=5)
    assert len(counts) == 5
    assert (np.abs(counts - n / 5) < 5 * np.sqrt(n * 0.2 * 0.8)).all()


def test_masking_hides_15_percent_of_which_80_10_10():
    """Within 5 standard errors; a random token is the true one once in 98 draws, and is then counted as kept."""
    ids = np.random.default_rng(0).integers(2, 100, size=(200, 500))
    inputs, targets = mask_tokens(ids, mask=1, vocab_size=100, special=[0], rng=np.random.default_rng(1))
    hidden = targets != IGNORE_INDEX
    assert (hidden.sum(axis=1) == 75).all()
    np.testing.assert_array_equal(targets[hidden], ids[hidden])
    np.testing.assert_array_equal(inputs[~hidden], ids[~hidden])
    n = hidden.sum()
    masked, kept = (inputs[hidden] == 1).mean(), (inputs[hidden] == ids[hidden]).mean()
    assert abs(masked - 0.8) < 5 * np.sqrt(0.8 * 0.2 / n)
    assert abs(kept - (0.1 + 0.1 / 98)) < 5 * np.sqrt(0.1 * 0.9 / n)
    assert (inputs[hidden] != 0).all()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.floats(0.01, 0.99), SEEDS)
def test_masking_never_touches_special_tokens_and_hides_at_least_one_other(row, rate, seed):
    ids = np.array(row)
    inputs, targets = mask_tokens(
        ids, mask=9, vocab_size=10, special=(0, 1), rate=rate, rng=np.random.default_rng(seed)
    )
    special = np.isin(ids, [0, 1, 9])
    np.testing.assert_array_equal(inputs[special], ids[special])
    assert (targets[special] == IGNORE_INDEX).all()
    assert (targets != IGNORE_INDEX).any() == (~special).any()


def test_padding_does_not_lower_the_number_of_hidden_tokens():
    rows = np.zeros((2, 100), dtype=int)
    rows[0, :20] = rows[1] = 5
    _, targets = mask_tokens(rows, mask=1, vocab_size=9, special=(0,), rng=np.random.default_rng(0))
    assert (targets != IGNORE_INDEX).sum(axis=1).tolist() == [3, 15]


def test_the_decoder_sees_what_came_before_each_target():
    np.testing.assert_array_equal(decoder_inputs(np.array([[7, 8, 9], [4, 5, 6]]), start=0), [[0, 7, 8], [0, 4, 5]])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_shortest_texts_have_a_span_and_a_rest(n):
    source, target = corrupt_spans([5] * n, sentinels=[90, 91], rng=np.random.default_rng(0))
    assert (source == 5).sum() == n - 1
    assert target.tolist() == [90, 5, 91]
