import warnings

import numpy as np
import pytest
import sklearn.metrics as judge
from scipy.stats import bootstrap

from kit.learn.intervals import bootstrap_interval, estimate_share
from kit.learn.judgement import bradley_terry, cohen_kappa, win_rate
from kit.learn.metrics import r2
from kit.learn.ranking import ndcg
from kit.learn.score_metrics import roc_auc
from kit.learn.text_metrics import bleu

RATINGS = np.random.default_rng(0).integers(4, size=(40, 2, 10))


@pytest.mark.parametrize(("ours", "theirs"), [("none", None), ("linear", "linear"), ("quadratic", "quadratic")])
def test_kappa_matches_sklearn(ours, theirs):
    for ratings, others in RATINGS:
        labels = np.arange(4)  # without them, sklearn closes the gaps between ratings
        expected = judge.cohen_kappa_score(ratings, others, weights=theirs, labels=labels)
        assert cohen_kappa(ratings, others, weights=ours) == pytest.approx(expected, abs=1e-10)


def test_two_raters_who_never_differ_are_refused_where_sklearn_gives_nan():
    same = np.ones(4, dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(judge.cohen_kappa_score(same, same))
    with pytest.raises(ValueError, match="ratings must differ"):
        cohen_kappa(same, same)
    assert cohen_kappa(same, same, undefined=1.0) == 1.0


def test_linear_weights_count_the_gap_that_sklearn_closes():
    """Of ratings from 0 to 3 nobody gave a 2: then 1 and 3 are neighbours to sklearn, unless it is told the labels."""
    ratings, others = np.array([0, 1, 3, 0]), np.array([1, 1, 3, 3])
    assert cohen_kappa(ratings, others, weights="linear") == pytest.approx(1 / 3, abs=1e-10)
    assert judge.cohen_kappa_score(ratings, others, weights="linear") == pytest.approx(1 / 4, abs=1e-10)


def test_a_win_rate_is_the_share_with_its_interval():
    found, expected = win_rate(np.repeat([1.0, 0.0], [7, 3])), estimate_share(np.repeat([1.0, 0.0], [7, 3]))
    assert found == expected
    assert found.estimate == 0.7
    assert win_rate(np.array([1.0, 0.5, 0.5, 0.0])).estimate == 0.5


@pytest.mark.parametrize("seed", range(10))
def test_the_likeliest_strengths_expect_as_many_wins_as_there_were(seed):
    wins = np.random.default_rng(seed).integers(1, 10, size=(5, 5)) * (1 - np.eye(5))
    s = bradley_terry(wins)
    expected = ((wins + wins.T) * s[:, None] / np.add.outer(s, s) * (1 - np.eye(5))).sum(axis=1)
    np.testing.assert_allclose(expected, wins.sum(axis=1), rtol=1e-10)
    assert s.sum() == pytest.approx(1, abs=1e-12)


def test_strengths_are_found_again():
    truth, n = np.array([0.5, 0.3, 0.15, 0.05]), 1e6
    wins = n * truth[:, None] / np.add.outer(truth, truth) * (1 - np.eye(4))
    np.testing.assert_allclose(bradley_terry(wins), truth, rtol=1e-9)


@pytest.mark.parametrize(
    "wins",
    [[[0, 3], [0, 0]], [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], [[0, 1, 2], [1, 0, 3], [0, 0, 0]]],
)
def test_strengths_without_a_bound_are_refused(wins):
    with pytest.raises(ValueError, match="wins must lead from each rival to each other"):
        bradley_terry(np.array(wins))


def test_a_bootstrap_draws_rows_together():
    scores = np.arange(8.0)
    interval = bootstrap_interval(roc_auc, (scores, (scores > 3).astype(int)), rng=np.random.default_rng(0))
    assert (interval.low, interval.estimate, interval.high) == (1, 1, 1)


def test_a_bootstrap_matches_scipys():
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    y = x + rng.normal(size=200)
    ours = bootstrap_interval(lambda a, b: float(np.corrcoef(a, b)[0, 1]), (x, y), rng=rng, n_resamples=4000)
    theirs = bootstrap(
        (x, y),
        lambda a, b: np.corrcoef(a, b)[0, 1],
        paired=True,
        vectorized=False,
        rng=rng,
        method="percentile",
        n_resamples=4000,
    )
    # the 2.5% point of 4,000 draws lies within 4 of its standard errors, √(0.025 · 0.975 / 4000) / density, twice
    density = 0.0584 / theirs.standard_error
    bound = 4 * np.sqrt(2 * 0.025 * 0.975 / 4000) / density
    assert abs(ours.low - theirs.confidence_interval.low) < bound
    assert abs(ours.high - theirs.confidence_interval.high) < bound


def test_groups_that_share_their_luck_widen_the_interval():
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(30), 50)
    late = rng.normal(size=30)[day] + rng.normal(size=1500)
    rows, days = (bootstrap_interval(np.mean, [late], rng=np.random.default_rng(2), groups=g) for g in (None, day))
    assert days.n == 30
    # the variance of a mean of 30 day effects of variance 1 beside that of 1,500 rows of variance 2
    ratio = (days.high - days.low) / (rows.high - rows.low)
    assert abs(ratio - np.sqrt((1 / 30 + 1 / 1500) / (2 / 1500))) < 1.5


def test_a_metric_that_is_seldom_undefined_is_drawn_again_and_one_that_often_is_refused():
    scores, few, one = np.arange(30.0), np.eye(1, 30, dtype=int)[0], np.repeat([1, 0], [5, 25])
    assert bootstrap_interval(roc_auc, (scores, one), rng=np.random.default_rng(0)).low >= 0
    with pytest.raises(ValueError, match="metric must have a value"):
        bootstrap_interval(roc_auc, (scores, few), rng=np.random.default_rng(0))


def of_corpus(texts, references):
    return bleu(texts.tolist(), references.tolist())


def test_any_metric_gets_an_interval():
    rng = np.random.default_rng(0)
    texts, references = np.array(["a b c d e", "a b c x y", "a b d c e"] * 4), np.array(["a b c d e"] * 12)
    scores, relevance = rng.normal(size=(30, 6)), np.eye(30, 6, dtype=int) + np.eye(30, 6, k=-6, dtype=int)
    relevance[:, 0] = 1
    found = {
        "corpus": bootstrap_interval(of_corpus, (texts, references), rng=rng, n_resamples=50),
        "lists": bootstrap_interval(lambda s, r: ndcg(s, r).mean(), (scores, relevance), rng=rng, n_resamples=50),
        "kappa": bootstrap_interval(cohen_kappa, list(RATINGS[0].repeat(5, axis=1)), rng=rng, n_resamples=50),
        "numbers": bootstrap_interval(r2, list(rng.normal(size=(2, 30))), rng=rng, n_resamples=50),
    }
    assert found["corpus"].estimate == bleu(texts.tolist(), references.tolist())
    assert all(each.low < each.estimate < each.high for each in found.values())
