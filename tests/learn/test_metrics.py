import warnings
from functools import partial

import numpy as np
import pytest
import sklearn.metrics as judge

from kit.learn import metrics

BAR = 1e-10
RNG = np.random.default_rng(0)
# pairs of predictions and targets, some of one class alone, some with a class that one of the two never has
BITS = [*RNG.integers(2, size=(12, 2, 7)), *np.repeat([[[0], [1]], [[1], [0]], [[0], [0]], [[1], [1]]], 7, axis=2)]
LABELS = [*RNG.integers(4, size=(12, 2, 9)), *RNG.integers(3, size=(12, 2, 4)) * 2, *RNG.integers(2, size=(4, 2, 3))]
NUMBERS = 100 * RNG.normal(size=(20, 2, 6))
RATES = {
    "precision": (metrics.precision, judge.precision_score),
    "recall": (metrics.recall, judge.recall_score),
    "f1": (metrics.f1, judge.f1_score),
}


@pytest.mark.filterwarnings("ignore:A single label")
@pytest.mark.parametrize(("predictions", "targets"), LABELS)
def test_counts_match_sklearn(predictions, targets):
    names = np.arange(max(predictions.max(), targets.max()) + 1)
    expected = judge.confusion_matrix(targets, predictions, labels=names)
    np.testing.assert_array_equal(metrics.confusion_matrix(predictions, targets), expected)
    assert metrics.accuracy(predictions, targets) == pytest.approx(judge.accuracy_score(targets, predictions), abs=BAR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class is predicted which is never the target
        expected = judge.balanced_accuracy_score(targets, predictions)
    assert metrics.balanced_accuracy(predictions, targets) == pytest.approx(expected, abs=BAR)


@pytest.mark.parametrize("average", metrics.AVERAGES)
@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("undefined", [0.0, 1.0])
def test_rates_match_sklearn(name, average, undefined):
    ours, theirs = RATES[name]
    for predictions, targets in BITS if average == "binary" else LABELS:
        expected = theirs(targets, predictions, average=average, zero_division=undefined)
        assert ours(predictions, targets, average=average, undefined=undefined) == pytest.approx(expected, abs=BAR)


@pytest.mark.filterwarnings("ignore:A single label")
@pytest.mark.parametrize(("predictions", "targets"), [*BITS, *LABELS])
def test_correlation_matches_sklearn(predictions, targets):
    ours = metrics.matthews_correlation(predictions, targets, undefined=0.0)
    assert ours == pytest.approx(judge.matthews_corrcoef(targets, predictions), abs=BAR)


@pytest.mark.parametrize(("predictions", "targets"), NUMBERS)
def test_errors_of_numbers_match_sklearn(predictions, targets):
    pairs = (
        (metrics.rmse, lambda t, p: judge.mean_squared_error(t, p) ** 0.5),
        (metrics.mean_absolute_error, judge.mean_absolute_error),
    )
    for ours, theirs in pairs:
        assert ours(predictions, targets) == pytest.approx(theirs(targets, predictions), rel=BAR, abs=BAR)


@pytest.mark.parametrize(("predictions", "targets"), NUMBERS)
def test_r2_matches_sklearn(predictions, targets):
    expected = judge.r2_score(targets, predictions)
    assert metrics.r2(predictions, targets) == pytest.approx(expected, rel=BAR, abs=BAR)


NONE, ALL, SOME = np.zeros(4, dtype=int), np.ones(4, dtype=int), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("metric", "theirs", "predictions", "targets", "given_by_sklearn"),
    [
        (metrics.precision, judge.precision_score, NONE, SOME, 0.0),
        (metrics.recall, judge.recall_score, SOME, NONE, 0.0),
        (metrics.f1, judge.f1_score, NONE, NONE, 0.0),
        (metrics.matthews_correlation, judge.matthews_corrcoef, ALL, SOME, 0.0),
        (metrics.r2, judge.r2_score, SOME.astype(float), 3.0 * ALL, 0.0),
        (metrics.r2, judge.r2_score, 3.0 * ALL, 3.0 * ALL, 1.0),
    ],
)
def test_what_divides_0_by_0_is_refused_where_sklearn_gives_a_number(
    metric, theirs, predictions, targets, given_by_sklearn
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert theirs(targets, predictions) == given_by_sklearn
    with pytest.raises(ValueError, match="undefined"):
        metric(predictions, targets)
    assert metric(predictions, targets, undefined=0.5) == 0.5


def test_a_class_of_no_weight_needs_no_value():
    """Class 2 is predicted and never the target: its recall has no value, and weighs nothing."""
    predictions, targets = np.array([0, 1, 2]), np.array([0, 1, 1])
    assert metrics.recall(predictions, targets, average="weighted") == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="targets must hold"):
        metrics.recall(predictions, targets, average="macro")


def test_f1_without_a_true_positive_is_0_and_not_undefined():
    assert metrics.f1(np.array([1, 0]), np.array([0, 1])) == 0.0


def test_mean_of_f1_is_not_f1_of_the_means():
    predictions, targets = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    macro = partial(dict, average="macro")
    p, r = (rate(predictions, targets, **macro()) for rate in (metrics.precision, metrics.recall))
    assert metrics.f1(predictions, targets, **macro()) == pytest.approx(judge.f1_score(targets, predictions, **macro()))
    assert abs(metrics.f1(predictions, targets, **macro()) - 2 * p * r / (p + r)) > 0.01


def test_booleans_are_classes():
    assert metrics.recall(np.array([True, False]), np.array([True, True])) == 0.5


def test_micro_averages_are_accuracy_where_each_example_has_one_class():
    predictions, targets = np.array([0, 2, 1, 1]), np.array([0, 1, 1, 2])
    for rate in (metrics.precision, metrics.recall, metrics.f1):
        assert rate(predictions, targets, average="micro") == metrics.accuracy(predictions, targets)
