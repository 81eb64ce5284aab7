import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from kit.learn.ranking import ndcg
from kit.recsys.evaluation import competing, full_ranks, sampled_ranks, top_items


def drawn(seed: int, n_users: int = 12, n_items: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw scores without ties, what was shown and what was hidden, at least one item of each user."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, size=(n_users, n_items), p=[0.6, 0.2, 0.2])
    kind[:, 0], kind[:, 1] = 1, 2
    return rng.normal(size=kind.shape), (kind == 1).astype(float), (kind == 2).astype(float)


@given(st.integers(0, 10_000), st.integers(1, 10))
def test_ndcg_matches_sklearn_with_what_was_seen_taken_out(seed, k):
    scores, shown, hidden = drawn(seed)
    ours = ndcg(competing(scores, shown=shown), hidden, k=k)
    for u, value in enumerate(ours):
        left = shown[u] == 0
        theirs = ndcg_score(hidden[u][None, left], scores[u][None, left], k=k)
        assert value == pytest.approx(theirs, abs=1e-12)


def test_what_was_seen_never_competes():
    scores, shown, _ = drawn(0)
    top = top_items(scores + 100 * shown, shown=shown, k=10)
    assert not np.take_along_axis(shown, top, axis=1).any()


def test_a_constant_score_gives_the_first_items_and_no_favour():
    top = top_items(np.zeros((1, 5)), shown=np.array([[0, 1, 0, 0, 0]]), k=3)
    assert top.tolist() == [[0, 2, 3]]


def test_a_user_with_nothing_hidden_is_refused_and_not_counted_as_zero():
    scores, shown, hidden = drawn(1)
    hidden[3] = 0
    with pytest.raises(ValueError, match="hidden must have an item for each user, got none in row 3"):
        full_ranks(scores, shown=shown, hidden=hidden)


def test_full_ranks_are_those_of_a_sorted_list():
    scores, shown, hidden = drawn(2)
    ranks = full_ranks(scores, shown=shown, hidden=hidden)
    expected = []
    for u, i in zip(*np.nonzero(hidden), strict=True):
        rivals = [j for j in range(scores.shape[1]) if not shown[u, j] and (j == i or not hidden[u, j])]
        expected.append(sorted(rivals, key=lambda j: -scores[u, j]).index(i) + 1)
    assert ranks.tolist() == expected


def test_a_tie_counts_half():
    scores, shown, hidden = np.zeros((1, 5)), np.zeros((1, 5)), np.array([[1, 0, 0, 0, 0]])
    assert full_ranks(scores, shown=shown, hidden=hidden) == 3


def test_the_share_of_others_ahead_is_the_same_in_a_sample_on_average():
    scores, shown, hidden = drawn(3)
    n_others = (shown + hidden == 0).sum(axis=1)[np.nonzero(hidden)[0]]
    full = (full_ranks(scores, shown=shown, hidden=hidden) - 1) / n_others
    sampled = (
        sampled_ranks(scores, shown=shown, hidden=hidden, n_sampled=4_000, rng=np.random.default_rng(0)) - 1
    ) / 4_000
    assert abs(sampled - full).max() < 5 * np.sqrt(0.25 / 4_000)  # five standard errors of a share, at most


def test_with_one_other_rank_one_is_the_area_under_the_curve():
    scores, shown, hidden = drawn(4, n_users=1, n_items=60)
    left = shown[0] == 0
    area = roc_auc_score(hidden[0, left], scores[0, left])
    rng = np.random.default_rng(0)
    first = [sampled_ranks(scores, shown=shown, hidden=hidden, n_sampled=1, rng=rng) == 1 for _ in range(2_000)]
    n = np.size(first)
    assert abs(np.mean(first) - area) < 5 * np.sqrt(0.25 / n)


def test_a_sample_can_turn_the_order_round():
    """One model has half of its items on top and half at the end; the other has all of them at rank 60 of 1,000."""
    n = 1_000
    hidden = np.zeros((2, n))
    hidden[:, 0] = 1
    shown = np.zeros_like(hidden)
    sharp, level = np.tile(-np.arange(n, dtype=float), (2, 1)), np.tile(-np.arange(n, dtype=float), (2, 1))
    sharp[0, 0], sharp[1, 0] = 1, -n  # ranks 1 and 1,000
    level[:, 0] = -59.5  # rank 60
    full = [(full_ranks(each, shown=shown, hidden=hidden) <= 10).mean() for each in (sharp, level)]
    rng = np.random.default_rng(0)
    sampled = [(sampled_ranks(each, shown=shown, hidden=hidden, rng=rng) <= 10).mean() for each in (sharp, level)]
    assert full[0] > full[1]
    assert sampled[0] < sampled[1]
