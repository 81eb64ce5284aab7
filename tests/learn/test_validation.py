import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from kit.learn.intervals import mean_interval
from kit.learn.splits import k_fold, nested
from kit.learn.validation import choose_within, corrected_interval, corrected_paired_test, cross_validate

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8))
Y = X @ RNG.normal(size=8) + 3 * RNG.normal(size=60)


def ridge_loss(alpha, train, test):
    model = Ridge(alpha=alpha).fit(X[train], Y[train])
    return float(((model.predict(X[test]) - Y[test]) ** 2).mean())


def test_cross_validate_matches_sklearn():
    ours = cross_validate(lambda train, test: -ridge_loss(2.0, train, test), k_fold(60, k=7))
    theirs = cross_val_score(Ridge(alpha=2.0), X, Y, cv=KFold(7), scoring="neg_mean_squared_error")
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_choose_within_matches_sklearn_nested():
    alphas = (0.01, 1.0, 100.0)
    nests = nested(k_fold(60, k=4), lambda rows: k_fold(len(rows), k=3))
    ours = choose_within(ridge_loss, alphas, nests)
    search = GridSearchCV(Ridge(), {"alpha": alphas}, cv=KFold(3), scoring="neg_mean_squared_error")
    theirs = cross_val_score(search, X, Y, cv=KFold(4), scoring="neg_mean_squared_error")
    np.testing.assert_allclose(ours.outer, -theirs, rtol=1e-12)
    for nest, setting, loss in zip(nests, ours.settings, ours.inner, strict=True):
        search.fit(X[nest.train], Y[nest.train])
        assert setting == search.best_params_["alpha"]
        np.testing.assert_allclose(loss, -search.best_score_, rtol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 10, 100])
def test_corrected_interval_is_students_made_wider(n):
    scores = np.random.default_rng(n).normal(size=n)
    low, high = mean_interval(scores)
    at = corrected_interval(scores, n_train=90, n_test=10)
    np.testing.assert_allclose(at.high - at.low, (high - low) * math.sqrt(1 + n * 10 / 90), rtol=1e-12)
    np.testing.assert_allclose((at.high + at.low) / 2, scores.mean(), rtol=1e-9)


@pytest.mark.parametrize("n", [2, 10, 100])
def test_corrected_paired_test_matches_scipys_paired_test_made_more_careful(n):
    first, second = np.random.default_rng(n).normal(size=(2, n))
    ours, theirs = corrected_paired_test(first, second, n_train=180, n_test=20), stats.ttest_rel(first, second)
    np.testing.assert_allclose(ours.t, theirs.statistic / math.sqrt(1 + n * 20 / 180), rtol=1e-12)
    np.testing.assert_allclose(ours.p_value, 2 * stats.t.sf(abs(ours.t), n - 1), rtol=1e-12)
    assert ours.p_value > theirs.pvalue


def test_models_that_score_alike_in_all_folds_cannot_be_told_apart_and_a_constant_lead_can():
    alike = corrected_paired_test(np.ones(5), np.ones(5), n_train=4, n_test=1)
    ahead = corrected_paired_test(np.full(5, 2.0), np.ones(5), n_train=4, n_test=1)
    assert (alike.t, alike.p_value) == (0.0, 1.0)
    assert (ahead.t, ahead.p_value) == (math.inf, 0.0)


def test_where_nothing_differs_the_corrected_test_errs_as_often_as_it_says_and_the_plain_one_far_more():
    """Two fair coins a row, 15 times 5 folds dealt out anew: as many folds as one likes, and the same 100 rows."""
    rng = np.random.default_rng(0)
    plain = careful = 0
    for _ in range(300):
        gain = rng.normal(size=100)  # by how much the first model is better on each row
        folds = np.concatenate([[gain[test].mean() for _, test in k_fold(100, k=5, rng=rng)] for _ in range(15)])
        plain += stats.ttest_1samp(folds, 0).pvalue < 0.05
        careful += corrected_paired_test(folds, np.zeros(75), n_train=80, n_test=20).p_value < 0.05
    assert plain > 150
    assert careful < 30  # 15 expected of a test at 5%, with a standard error of 4


def test_what_is_chosen_looks_better_than_it_is():
    """Fifty settings that are all alike: the best of them owes its lead to luck, and loses it outside."""
    luck = np.random.default_rng(0).normal(size=(50, 60))
    nests = nested(k_fold(60, k=5), lambda rows: k_fold(len(rows), k=4))
    chosen = choose_within(lambda setting, train, test: float(luck[setting, test].mean()), range(50), nests)
    assert chosen.inner.mean() < -0.2
    assert chosen.outer.mean() > chosen.inner.mean() + 0.2
