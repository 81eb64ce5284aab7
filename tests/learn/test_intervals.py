import math

import numpy as np
import pytest
from scipy import stats

from kit.learn.intervals import (
    Interval,
    estimate_by_bootstrap,
    estimate_mean,
    estimate_ratio,
    estimate_share,
    mean_interval,
    slopes,
)


@pytest.mark.parametrize("n", [2, 3, 10, 200])
def test_mean_interval_matches_scipy(n):
    numbers = np.random.default_rng(n).normal(loc=3, size=(n, 4))
    expected = stats.t.interval(0.95, n - 1, loc=numbers.mean(axis=0), scale=stats.sem(numbers))
    np.testing.assert_allclose(mean_interval(numbers), expected, rtol=1e-12)


def test_the_interval_holds_the_mean_in_95_of_100_worlds():
    rng, worlds = np.random.default_rng(0), 4000
    low, high = mean_interval(rng.normal(loc=7, size=(5, worlds)))
    share = ((low <= 7) & (high >= 7)).mean()
    assert abs(share - 0.95) < 4 * np.sqrt(0.95 * 0.05 / worlds)


def test_a_single_repetition_says_nothing():
    for estimate in (mean_interval, estimate_mean, estimate_share):
        with pytest.raises(ValueError, match="must be two or more repetitions"):
            estimate(np.ones(1))


@pytest.mark.parametrize("n", [2, 10, 200])
def test_estimate_mean_matches_scipy(n):
    numbers = np.random.default_rng(n).normal(loc=3, size=n)
    found = estimate_mean(numbers)
    expected = stats.t.interval(0.95, n - 1, loc=numbers.mean(), scale=stats.sem(numbers))
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12)
    np.testing.assert_allclose([found.estimate, found.standard_error], [numbers.mean(), stats.sem(numbers)], rtol=1e-12)
    np.testing.assert_allclose(found.margin(2.0), stats.ttest_1samp(numbers, 2.0).statistic, rtol=1e-12)


@pytest.mark.parametrize("n", [2, 10, 200])
def test_estimate_ratio_matches_scipy_in_logarithms(n):
    ratios = np.random.default_rng(n).lognormal(size=n)
    found, logs = estimate_ratio(ratios), np.log(ratios)
    expected = np.exp(stats.t.interval(0.95, n - 1, loc=logs.mean(), scale=stats.sem(logs)))
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12)
    np.testing.assert_allclose(found.estimate, stats.gmean(ratios), rtol=1e-12)
    np.testing.assert_allclose(found.margin(2.0), stats.ttest_1samp(logs, math.log(2)).statistic, rtol=1e-12)


def test_a_ratio_turned_round_has_its_interval_turned_round():
    ratios = np.random.default_rng(0).lognormal(size=9)
    one, other = estimate_ratio(ratios), estimate_ratio(1 / ratios)
    np.testing.assert_allclose([other.low, other.high], [1 / one.high, 1 / one.low], rtol=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 20), (10, 20), (20, 20), (190, 200)])
def test_estimate_share_matches_scipy(k, n):
    found = estimate_share((np.arange(n) < k).astype(float))
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12, atol=1e-15)


def test_a_shares_margin_is_where_wilsons_interval_ends():
    found = estimate_share((np.arange(50) < 30).astype(float))
    for end in (found.low, found.high):
        assert abs(found.margin(end)) == pytest.approx(stats.norm.ppf(0.975), rel=1e-9)


def test_shares_of_many_trials_say_more_than_one_trial_each():
    rng = np.random.default_rng(0)
    one, many = (
        estimate_share((np.arange(20) < 18).astype(float)),
        estimate_share(rng.binomial(100, 0.9, size=20) / 100),
    )
    assert many.high - many.low < (one.high - one.low) / 4


def test_slopes_match_scipy():
    rng, sizes = np.random.default_rng(0), np.log([1e3, 1e4, 1e5, 2e5])
    values = rng.normal(size=(5, 4)) + sizes
    np.testing.assert_allclose(
        slopes(values, sizes), [stats.linregress(sizes, row).slope for row in values], rtol=1e-12
    )


@pytest.mark.parametrize("n", [2, 8, 40])
def test_estimate_by_bootstrap_matches_scipy(n):
    numbers = np.random.default_rng(n).exponential(size=n)
    found = estimate_by_bootstrap(numbers, rng=np.random.default_rng(1))
    theirs = stats.bootstrap((numbers,), np.mean, rng=np.random.default_rng(1))
    np.testing.assert_allclose(
        [found.low, found.high, found.standard_error], [*theirs.confidence_interval, theirs.standard_error], rtol=1e-12
    )


def test_repetitions_that_are_all_alike_have_no_width_but_as_a_share():
    alike = np.full(5, 0.5)
    for found in (
        estimate_mean(alike),
        estimate_ratio(alike),
        estimate_by_bootstrap(alike, rng=np.random.default_rng(0)),
    ):
        assert found.low == found.high == 0.5
        assert found.margin(0.25) == math.inf
        assert found.margin(0.5) == 0
    assert estimate_share(np.ones(5)).low < 0.6


def test_a_margin_is_counted_in_standard_errors():
    assert Interval(estimate=1.0, low=0.0, high=2.0, n=5, standard_error=0.25).margin(1.5) == -2


def test_skewed_numbers_push_one_end_out_and_others_none():
    numbers = np.random.default_rng(0).exponential(size=20)
    plain, skewed = estimate_mean(numbers), estimate_mean(numbers, skewed=True)
    assert skewed.high > plain.high
    assert skewed.low == plain.low
    mirrored = estimate_mean(-numbers, skewed=True)
    np.testing.assert_allclose([mirrored.low, mirrored.high], [-skewed.high, -skewed.low], rtol=1e-12)
    even = np.array([-2.0, -1.0, 1.0, 2.0])
    np.testing.assert_allclose(estimate_mean(even, skewed=True).high, estimate_mean(even).high, rtol=1e-12)


def test_the_correction_for_skewness_turns_halls_transformation_round():
    """T + r (T² / 3 + 1 / 6) + r² T³ / 27, Hall's equation, at the end of the interval is Student's t."""
    numbers = np.random.default_rng(0).exponential(size=20)
    found, n = estimate_mean(numbers, skewed=True), len(numbers)
    distance = (found.estimate - found.high) / found.standard_error
    r = stats.skew(numbers) / math.sqrt(n)
    halls = distance + r * (distance**2 / 3 + 1 / 6) + r**2 * distance**3 / 27
    assert halls == pytest.approx(stats.t.ppf(0.025, n - 1), rel=1e-9)
