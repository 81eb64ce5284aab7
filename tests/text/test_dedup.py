import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kit.text.dedup import (
    candidate_pairs,
    candidate_probability,
    clusters,
    exact_duplicates,
    jaccard,
    jaccard_matrix,
    minhash,
    near_duplicate_pairs,
    shingles,
)

SETS = st.sets(st.integers(0, 2**64 - 1), min_size=1, max_size=30)


def overlapping(n_shared: int, n_apart: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Make two sets of hashes with a known Jaccard overlap of n_shared / (n_shared + n_apart)."""
    pool = np.unique(rng.integers(0, 2**64, size=n_shared + n_apart, dtype=np.uint64))
    rng.shuffle(pool)
    return np.sort(pool[: n_shared + n_apart // 2]), np.sort(np.r_[pool[:n_shared], pool[n_shared + n_apart // 2 :]])


@pytest.mark.parametrize("n_shared", [10, 50, 90])
def test_minhash_estimates_jaccard_within_three_standard_errors(n_shared):
    a, b = overlapping(n_shared, 100 - n_shared, np.random.default_rng(0))
    overlap = jaccard(a, b)
    assert overlap == n_shared / 100
    estimate = np.mean(minhash(a, n_hashes=4096) == minhash(b, n_hashes=4096))
    assert abs(estimate - overlap) < 3 * math.sqrt(overlap * (1 - overlap) / 4096)


@given(SETS, SETS)
def test_minhash_of_a_union_is_the_least_of_the_two(a, b):
    a, b = (np.array(sorted(each), dtype=np.uint64) for each in (a, b))
    np.testing.assert_array_equal(minhash(np.union1d(a, b)), np.minimum(minhash(a), minhash(b)))


@given(st.lists(SETS, min_size=1, max_size=4))
def test_overlaps_match_jaccard_of_each_pair(sets):
    arrays = [np.array(sorted(each), dtype=np.uint64) for each in sets]
    np.testing.assert_array_equal(jaccard_matrix(arrays), [[jaccard(a, b) for b in arrays] for a in arrays])


@given(SETS, SETS)
def test_jaccard_matches_sets(a, b):
    ours = jaccard(*(np.array(sorted(each), dtype=np.uint64) for each in (a, b)))
    assert ours == len(a & b) / len(a | b)


def test_candidate_pairs_are_caught_as_often_as_the_curve_says():
    rng = np.random.default_rng(1)
    for n_shared in (30, 45, 60):
        hits = 0
        for seed in range(200):
            signatures = [minhash(each, n_hashes=64, seed=seed) for each in overlapping(n_shared, 100 - n_shared, rng)]
            hits += bool(candidate_pairs(np.stack(signatures), n_bands=16))
        p = float(candidate_probability(np.array([n_shared / 100]), n_bands=16, n_rows=4)[0])
        assert abs(hits / 200 - p) < 3 * math.sqrt(p * (1 - p) / 200)


def test_near_pairs_find_the_copy_with_one_word_changed():
    words = [f"word{i}" for i in range(200)]
    copy = [*words[:100], "changed", *words[101:]]
    texts = [" ".join(words), " ".join(copy), " ".join(words[::-1])]
    signatures = np.stack([minhash(shingles(text)) for text in texts])
    assert near_duplicate_pairs(signatures) == [(0, 1)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [160, 2000])
def test_near_pairs_find_a_chinese_copy_with_a_tenth_of_its_signs_changed(n, seed):
    rng = np.random.default_rng(seed)
    text = rng.choice([chr(0x4E00 + i) for i in range(3000)], size=n)
    copy, other = text.copy(), rng.permutation(text)
    copy[rng.choice(n, size=n // 10, replace=False)] = "龍"
    signatures = np.stack([minhash(shingles("".join(each))) for each in (text, copy, other)])
    assert near_duplicate_pairs(signatures) == [(0, 1)]


def test_texts_without_words_are_told_apart_by_what_they_show():
    arrows, chess, brackets = (shingles(text * 9) for text in ("→ ← ↑ ↓ ", "♟ ♞ ♝ ♜ ", "+-[]<>.,"))
    assert jaccard(arrows, chess) == jaccard(arrows, brackets) == 0
    np.testing.assert_array_equal(arrows, shingles("→←↑↓" * 9))


def test_shingles_of_mixed_text_hold_those_of_words_and_of_signs():
    both, words, signs = shingles("one two 中文 three"), shingles("one two three"), shingles("中文")
    np.testing.assert_array_equal(both, np.union1d(words, signs))


@pytest.mark.parametrize("n", [200, 400])
def test_texts_made_from_one_form_give_a_chain_of_pairs_and_one_cluster(n):
    rng = np.random.default_rng(0)
    signatures = np.tile(np.arange(128, dtype=np.uint32), (n, 1))
    signatures[np.arange(n), rng.integers(128, size=n)] = rng.integers(2**32, size=n)
    pairs = near_duplicate_pairs(signatures)
    assert len(pairs) <= 64 * n
    assert clusters(pairs, n_texts=n) == [0] * n


def test_candidate_pairs_within_reach_are_all_pairs_of_a_bucket():
    signatures = np.zeros((5, 4), dtype=np.uint32)
    assert candidate_pairs(signatures, n_bands=2, window=4) == {(i, j) for j in range(5) for i in range(j)}
    assert candidate_pairs(signatures, n_bands=2, window=1) == {(i, i + 1) for i in range(4)}


def test_shingles_ignore_layout_and_survive_short_and_odd_texts():
    np.testing.assert_array_equal(shingles("A b,\n\n c (d) e f"), shingles("a b c d e f"))
    assert [len(shingles(text)) for text in ("", "one", "\ud800")] == [1, 1, 1]


def test_shingles_are_the_same_on_every_machine():
    assert shingles("to be or not to be").tolist() == [9773738750627680427, 10917737284755045603]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_clusters_match_connected_components(pairs):
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    _, theirs = connected_components(coo_array((np.ones(len(pairs)), (rows, columns)), shape=(10, 10)), directed=False)
    assert clusters(pairs, n_texts=10) == [list(theirs).index(label) for label in theirs]


def test_exact_groups_need_every_character_equal():
    assert exact_duplicates(["a", "b", "a ", "b", "a", "\ud800", "\ud800"]) == [[0, 4], [1, 3], [5, 6]]
