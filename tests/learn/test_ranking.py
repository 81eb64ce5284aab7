from functools import partial
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, ndcg_score

from kit.learn.ranking import average_precision_at_k, hit_rate, ndcg, precision_at_k, recall_at_k, reciprocal_rank

BAR = 1e-10
BINARY = {
    "precision_at_k": precision_at_k,
    "recall_at_k": recall_at_k,
    "hit_rate": hit_rate,
    "reciprocal_rank": reciprocal_rank,
    "average_precision_at_k": average_precision_at_k,
    "average_precision_at_k, reachable": partial(average_precision_at_k, divide_by="reachable"),
    "average_precision_at_k, k": partial(average_precision_at_k, divide_by="k"),
}
RNG = np.random.default_rng(0)
TIED, BITS, GRADES = RNG.integers(3, size=(60, 5)) / 2, RNG.integers(2, size=(60, 5)), RNG.integers(4, size=(60, 5))
BITS[:, 2], GRADES[:, 3] = np.maximum(BITS[:, 2], ~BITS.any(axis=1)), np.maximum(GRADES[:, 3], ~GRADES.any(axis=1))
ORDERS = np.array(list(permutations(range(5))))


def textbook(name: str, ranked: np.ndarray, k: int) -> float:
    """Follow the definitions word by word, on one list in its order."""
    top, relevant = ranked[:k], ranked.sum()
    places = [i + 1 for i in range(len(top)) if top[i]]
    if name == "precision_at_k":
        return top.sum() / k
    if name == "recall_at_k":
        return top.sum() / relevant
    if name == "hit_rate":
        return float(top.any())
    if name == "reciprocal_rank":
        return 1 / places[0] if places else 0.0
    divisor = {"reachable": min(k, relevant), "k": k}.get(name.rpartition(", ")[2], relevant)
    return sum((j + 1) / place for j, place in enumerate(places)) / divisor


def over_all_orders(score, scores: np.ndarray, relevance: np.ndarray) -> float:
    """Average over all orders in which no score rises."""
    falling = ORDERS[(np.diff(scores[ORDERS], axis=1) <= 0).all(axis=1)]
    return float(np.mean([score(relevance[order]) for order in falling]))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("name", BINARY)
def test_a_metric_is_its_mean_over_all_orders_of_the_tied(name, k):
    expected = [
        over_all_orders(lambda ranked: textbook(name, ranked, k), *each) for each in zip(TIED, BITS, strict=True)
    ]
    np.testing.assert_allclose(BINARY[name](TIED, BITS, k=k), expected, atol=BAR)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_ndcg_is_its_mean_over_all_orders_of_the_tied(gain, k):
    def dcg(ranked):
        return (ranked[:k] / np.log2(np.arange(2, 2 + len(ranked[:k])))).sum()

    worth = GRADES if gain == "linear" else 2**GRADES - 1
    expected = [over_all_orders(dcg, *each) / dcg(-np.sort(-each[1])) for each in zip(TIED, worth, strict=True)]
    np.testing.assert_allclose(ndcg(TIED, GRADES, k=k, gain=gain), expected, atol=BAR)


@given(
    scores=arrays(np.float64, (5, 8), elements=st.sampled_from([0.0, 0.1, 0.4, 2.0])),
    relevance=arrays(np.int64, (5, 8), elements=st.integers(0, 4)).map(lambda each: each + np.eye(5, 8, dtype=int)),
    k=st.one_of(st.none(), st.integers(1, 9)),
)
def test_ndcg_matches_sklearn(scores, relevance, k):
    expected = [ndcg_score(relevance[[i]], scores[[i]], k=k) for i in range(5)]
    np.testing.assert_allclose(ndcg(scores, relevance, k=k), expected, atol=BAR)


def test_average_precision_of_a_whole_list_without_ties_is_sklearns():
    scores = RNG.normal(size=BITS.shape)
    expected = [average_precision_score(*each) for each in zip(BITS, scores, strict=True)]
    np.testing.assert_allclose(average_precision_at_k(scores, BITS), expected, atol=BAR)


def test_under_ties_average_precision_is_not_sklearns():
    """Sklearn lets all tied pass together; the mean over their orders is another number."""
    scores, relevance = np.zeros((1, 4)), np.array([[1, 0, 0, 0]])
    assert average_precision_score(relevance[0], scores[0]) == 0.25
    np.testing.assert_allclose(average_precision_at_k(scores, relevance), (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_list_without_a_relevant_item_is_refused_where_sklearn_counts_it_as_0():
    scores, relevance = np.array([[2.0, 1.0], [2.0, 1.0]]), np.array([[1, 0], [0, 0]])
    assert ndcg_score(relevance, scores) == 0.5  # of a perfect list and an empty one
    with pytest.raises(ValueError, match="relevance must have a relevant item in every row, got none in row 1"):
        ndcg(scores, relevance)
    np.testing.assert_array_equal(ndcg(scores, relevance, undefined=0.0), [1, 0])
    np.testing.assert_array_equal(recall_at_k(scores, relevance, k=1, undefined=0.5), [1, 0.5])


def test_the_exponential_gain_is_another_ndcg_where_relevance_has_grades():
    scores, relevance = np.array([[3.0, 2.0, 1.0]]), np.array([[1, 2, 0]])
    discount = 1 / np.log2(3)
    np.testing.assert_allclose(ndcg(scores, relevance), (1 + 2 * discount) / (2 + discount))
    np.testing.assert_allclose(ndcg(scores, relevance, gain="exponential"), (1 + 3 * discount) / (3 + discount))
    same = ndcg(scores, relevance > 1)
    np.testing.assert_array_equal(ndcg(scores, relevance > 1, gain="exponential"), same)


def test_a_perfect_list_with_fewer_relevant_items_than_places_scores_below_1_by_k_alone():
    scores, relevance = np.arange(6.0)[None], (np.arange(6) > 2)[None]
    found = [average_precision_at_k(scores, relevance, k=5, divide_by=by)[0] for by in ("relevant", "reachable", "k")]
    np.testing.assert_allclose(found, [1, 1, 3 / 5])
    np.testing.assert_allclose(average_precision_at_k(scores, relevance, k=2), 2 / 3)  # one cannot be reached
    np.testing.assert_allclose(average_precision_at_k(scores, relevance, k=2, divide_by="reachable"), 1)


def test_one_score_for_all_items_gains_nothing():
    """The list of elixir-nx/scholar#360: ties broken in the model's favour gave 1."""
    relevance = np.array([[3, 2, 1, 0, 0]])
    constant = ndcg(np.zeros((1, 5)), relevance)[0]
    assert constant == pytest.approx(ndcg_score(relevance, np.zeros((1, 5))))
    assert constant < 0.8


@pytest.mark.parametrize("name", BINARY)
def test_what_stands_below_all_others_does_not_compete(name):
    rng = np.random.default_rng(0)
    scores, relevance = rng.normal(size=(20, 12)), rng.integers(2, size=(20, 12))
    seen = np.zeros((20, 12), bool)
    seen[:, 8:], relevance[:, 0] = True, 1
    expected = BINARY[name](scores[:, :8], relevance[:, :8], k=5)
    lowered = np.where(seen, scores.min() - 1, scores)
    np.testing.assert_allclose(BINARY[name](lowered, relevance * ~seen, k=5), expected, atol=BAR)


def test_a_large_tie_keeps_its_digits():
    """One relevant item among n tied stands at each place alike."""
    n = 3000
    relevance = np.eye(1, n, dtype=int)
    harmonic = (1 / np.arange(1, n + 1)).sum()
    np.testing.assert_allclose(reciprocal_rank(np.zeros((1, n)), relevance), harmonic / n, rtol=BAR)
    np.testing.assert_allclose(hit_rate(np.zeros((1, n)), relevance, k=30), 30 / n, rtol=BAR)
