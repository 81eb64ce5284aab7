import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from kit.recsys.neighbours import (
    cosine_similarities,
    item_scores,
    nearest,
    popularity,
    ridge_weights,
    user_scores,
)


def drawn(seed: int, n_users: int = 25, n_items: int = 18) -> np.ndarray:
    table = (np.random.default_rng(seed).random((n_users, n_items)) < 0.3).astype(float)
    table[:, -1] = 0  # an item that nobody has
    return table


def test_popularity_is_the_share_of_users():
    np.testing.assert_array_equal(popularity(np.array([[1, 0, 1], [1, 0, 0]])), [1, 0, 0.5])


@pytest.mark.parametrize("seed", range(3))
def test_cosine_similarities_match_sklearn(seed):
    table = drawn(seed)
    theirs = cosine_similarity(table.T)
    np.fill_diagonal(theirs, 0)
    np.testing.assert_allclose(cosine_similarities(table), theirs, rtol=1e-12, atol=1e-12)


def test_shrinkage_takes_more_from_rare_pairs():
    table = np.array([[1, 1, 0, 0]] + [[0, 0, 1, 1]] * 20)
    plain, shrunk = cosine_similarities(table), cosine_similarities(table, shrinkage=4.0)
    assert plain[0, 1] == plain[2, 3] == 1
    assert shrunk[0, 1] == pytest.approx(1 / 5)
    assert shrunk[2, 3] == pytest.approx(20 / 24)


@given(st.integers(0, 1000), st.integers(1, 30))
def test_nearest_keeps_the_largest_and_nothing_else(seed, k):
    similarities = np.random.default_rng(seed).random((4, 20)) + 0.1
    kept = nearest(similarities, n_neighbours=k)
    assert ((kept > 0).sum(axis=1) == min(k, 20)).all()
    assert (kept[kept > 0] == similarities[kept > 0]).all()
    for row, own in zip(similarities, kept, strict=True):
        assert row[own == 0].max(initial=0) <= row[own > 0].min()


def test_of_equal_similarities_the_first_are_kept():
    similarities = np.array([[0.5, 0.2, 0.5, 0.9, 0.5, -0.1]])
    assert nearest(similarities, n_neighbours=3).tolist() == [[0.5, 0, 0.5, 0.9, 0, 0]]
    assert nearest(similarities, n_neighbours=6).tolist() == similarities.tolist()


def test_item_scores_are_sums_of_votes():
    table = drawn(0)
    weights = nearest(cosine_similarities(table), n_neighbours=4)
    scores = item_scores(table, weights)
    for u, i in np.ndindex(scores.shape):
        assert scores[u, i] == pytest.approx(sum(weights[i, j] for j in np.flatnonzero(table[u])), abs=1e-12)


@pytest.mark.parametrize("k", [1, 5, 24])
def test_user_scores_match_sklearns_neighbours(k):
    table = drawn(1)
    table = table[table.any(axis=1)]
    shown = drawn(2, n_users=6)
    found = NearestNeighbors(n_neighbors=min(k, len(table)), metric="cosine").fit(table)
    similarities = 1 - cosine_distances_of(shown, table)
    expected = np.zeros_like(shown)
    for u, others in enumerate(found.kneighbors(shown, return_distance=False)):
        expected[u] = similarities[u, others] @ table[others]
    ours = user_scores(shown, table, n_neighbours=k)
    level = np.sort(similarities, axis=1)[:, ::-1]
    for u in range(len(shown)):  # where two neighbours are level at the border, either choice is right
        if k >= len(table) or level[u, k - 1] > level[u, k] + 1e-9:
            np.testing.assert_allclose(ours[u], expected[u], rtol=1e-12, atol=1e-12)


def cosine_distances_of(shown: np.ndarray, table: np.ndarray) -> np.ndarray:
    return 1 - cosine_similarity(shown, table)


@pytest.mark.parametrize(("n_users", "n_items"), [(40, 12), (12, 40)])
def test_ridge_weights_match_sklearn_a_column_at_a_time(n_users, n_items):
    table = drawn(3, n_users, n_items)
    weights = ridge_weights(table, strength=2.5)
    assert (np.diag(weights) == 0).all()
    for i in range(n_items):
        others = np.delete(np.arange(n_items), i)
        theirs = Ridge(alpha=2.5, fit_intercept=False).fit(table[:, others], table[:, i]).coef_
        np.testing.assert_allclose(weights[i, others], theirs, rtol=1e-9, atol=1e-11)  # an inverse loses some digits


def test_two_items_that_come_together_share_a_vote_of_ridge_and_neighbours_count_both():
    rng = np.random.default_rng(0)
    a = (rng.random(400) < 0.5).astype(float)
    target = np.where(rng.random(400) < 0.9, a, 1 - a)
    once, twice = np.column_stack([target, a]), np.column_stack([target, a, a])
    ridge = [ridge_weights(table, strength=1.0)[0].sum() for table in (once, twice)]
    votes = [cosine_similarities(table)[0].sum() for table in (once, twice)]
    assert ridge[1] == pytest.approx(ridge[0], rel=0.01)
    assert votes[1] == pytest.approx(2 * votes[0])
