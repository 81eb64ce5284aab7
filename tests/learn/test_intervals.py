import numpy as np
import pytest
from scipy import stats

from kit.learn.intervals import mean_interval


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
    with pytest.raises(ValueError, match="numbers must be two or more repetitions"):
        mean_interval(np.ones(1))
