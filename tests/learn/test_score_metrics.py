import warnings

import numpy as np
import pytest
import sklearn.metrics as judge
from scipy.integrate import trapezoid
from sklearn.calibration import calibration_curve

from kit.learn import score_metrics as ours

BAR = 1e-10
RNG = np.random.default_rng(0)
N = 12
SCORES = [*RNG.choice([-1.0, 0.0, 0.25, 3.0], size=(15, N)), *RNG.normal(size=(10, N)), np.zeros(N)]
BOTH = [*RNG.integers(2, size=(len(SCORES) - 2, N)), np.arange(N) == 0, np.arange(N) > 0]
PAIRS = [(scores, targets.astype(int)) for scores, targets in zip(SCORES, BOTH, strict=True) if 0 < targets.sum() < N]
CHANCES = [*RNG.uniform(0.01, 0.99, size=(15, N)), *RNG.choice([0.0, 0.2, 0.5, 1.0], size=(11, N))]
each_pair = pytest.mark.parametrize(("scores", "targets"), PAIRS)


@each_pair
def test_roc_matches_sklearn(scores, targets):
    expected = judge.roc_curve(targets, scores, drop_intermediate=False)
    for mine, theirs in zip(ours.roc_curve(scores, targets), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=BAR)
    assert ours.roc_auc(scores, targets) == pytest.approx(judge.roc_auc_score(targets, scores), abs=BAR)


@each_pair
def test_precision_and_recall_match_sklearn(scores, targets):
    theirs = judge.precision_recall_curve(targets, scores)
    for mine, other in zip(ours.precision_recall_curve(scores, targets), theirs, strict=True):
        np.testing.assert_allclose(mine, other[: len(mine)][::-1], atol=BAR)  # theirs ends with a point of its own
    expected = judge.average_precision_score(targets, scores)
    assert ours.average_precision(scores, targets) == pytest.approx(expected, abs=BAR)


@each_pair
def test_roc_auc_counts_pairs(scores, targets):
    high, low = scores[targets == 1][:, None], scores[targets == 0]
    pairs = (high > low) + 0.5 * (high == low)
    assert ours.roc_auc(scores, targets) == pytest.approx(pairs.mean(), abs=BAR)


@each_pair
def test_roc_auc_is_the_area_under_the_curve(scores, targets):
    x, y, _ = ours.roc_curve(scores, targets)
    assert ours.roc_auc(scores, targets) == pytest.approx(trapezoid(y, x), abs=BAR)


def test_a_constant_score_has_half_the_area_and_the_share_of_positives():
    """The trapezoids under the curve of precision would give 0.625: they join (1, 0) to the one point there is."""
    scores, targets = np.full(4, 0.7), np.array([1, 0, 0, 0])
    assert ours.roc_auc(scores, targets) == 0.5
    assert ours.average_precision(scores, targets) == 0.25
    precision, recall, _ = judge.precision_recall_curve(targets, scores)
    assert judge.auc(recall, precision) == 0.625


@pytest.mark.parametrize(("p", "targets"), list(zip(CHANCES, BOTH, strict=True))[:15])
def test_losses_of_probabilities_match_sklearn(p, targets):
    assert ours.log_loss(p, targets) == pytest.approx(judge.log_loss(targets, p), abs=BAR)
    assert ours.brier(p, targets) == pytest.approx(judge.brier_score_loss(targets, p), abs=BAR)


def test_log_loss_of_several_classes_matches_sklearn():
    p, targets = RNG.dirichlet(np.ones(3), size=50), RNG.integers(3, size=50)
    assert ours.log_loss(p, targets) == pytest.approx(judge.log_loss(targets, p, labels=[0, 1, 2]), abs=BAR)


@pytest.mark.parametrize(("p", "targets"), list(zip(CHANCES, BOTH, strict=True)))
@pytest.mark.parametrize("n_bins", [1, 5, 10])
def test_calibration_error_matches_sklearns_curve(n_bins, p, targets):
    share, mean = calibration_curve(targets, p, n_bins=n_bins)
    edges = np.linspace(0, 1, n_bins + 1)
    sizes = np.bincount(np.searchsorted(edges[1:-1], p), minlength=n_bins)
    expected = (sizes[sizes > 0] * np.abs(share - mean)).sum() / len(p)
    assert ours.calibration_error(p, targets, n_bins=n_bins) == pytest.approx(expected, abs=BAR)


def test_what_came_with_probability_0_costs_without_end_where_sklearn_caps_it():
    p, targets = np.array([0.0, 0.5]), np.array([1, 0])
    assert ours.log_loss(p, targets) == np.inf
    assert judge.log_loss(targets, p) == pytest.approx(18.37, abs=0.01)  # (36.04 + log 2) / 2, by float64's eps


@pytest.mark.parametrize("metric", [ours.roc_auc, ours.roc_curve])
@pytest.mark.parametrize("bit", [0, 1])
def test_one_class_alone_has_no_roc_where_sklearn_gives_nan(metric, bit):
    with pytest.raises(ValueError, match="targets must hold both classes"):
        metric(np.arange(3.0), np.full(3, bit))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert np.isnan(judge.roc_auc_score(np.full(3, bit), np.arange(3.0)))
        except ValueError:  # before scikit-learn 1.6
            return


def test_without_a_positive_there_is_no_precision_where_sklearn_gives_0():
    with pytest.raises(ValueError, match="targets must hold class 1"):
        ours.average_precision(np.arange(3.0), np.zeros(3, dtype=int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert judge.average_precision_score(np.zeros(3, dtype=int), np.arange(3.0)) == 0.0


@each_pair
def test_every_threshold_counts_what_passes_it(scores, targets):
    counts = ours.counts_at_thresholds(scores, targets)
    for i, threshold in enumerate(counts.thresholds):
        assert counts.true_positives[i] == ((scores >= threshold) & (targets == 1)).sum()
        assert counts.false_positives[i] == ((scores >= threshold) & (targets == 0)).sum()
