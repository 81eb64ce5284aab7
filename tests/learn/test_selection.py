import math

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from kit.learn.selection import Space, bayesian, expected_improvement, grid, minimize, random, surrogate

CUBE = {"a": tuple(range(10)), "b": tuple(np.geomspace(1e-4, 1.0, 10).tolist()), "c": tuple(range(10))}


def bowl(a, b, c):
    return (a - 3) ** 2 / 30 + (math.log10(b) + 2.6) ** 2 / 5 + (c - 7) ** 2 / 200


def test_space_lists_every_setting_once_and_places_ratios_as_steps():
    space = Space(CUBE)
    assert len(space.settings) == len({tuple(s.values()) for s in space.settings}) == 1000
    assert space.points.shape == (1000, 3)
    np.testing.assert_allclose(np.unique(space.points[:, 1]), np.arange(10) / 9)


def test_a_choice_of_texts_has_a_column_for_each():
    space = Space({"rule": ("mean", "median", "mode"), "one": (5,)})
    assert space.points.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_grid_spreads_its_trials_evenly(seed):
    rng = None if seed is None else np.random.default_rng(seed)
    found = minimize(bowl, CUBE, strategy=grid(60, rng=rng), n_trials=60)
    tried = [{s[axis] for s in map(found.space.settings.__getitem__, found.places)} for axis in CUBE]
    assert sorted(map(len, tried)) == [3, 4, 5]
    assert math.prod(map(len, tried)) == 60
    for axis, values in zip(CUBE, tried, strict=True):
        places = sorted(CUBE[axis].index(value) for value in values)
        assert np.ptp(np.diff(places)) <= 1


def test_grid_is_the_middle_of_each_axis_without_a_generator_and_elsewhere_with_one():
    one = minimize(lambda a: a, {"a": tuple(range(9))}, strategy=grid(3), n_trials=3)
    assert one.places.tolist() == [1, 4, 7]
    starts = {minimize(bowl, CUBE, strategy=grid(60, rng=np.random.default_rng(s)), n_trials=1).places[0] for s in
              range(9)}  # fmt: skip
    assert len(starts) > 3


def test_a_search_of_every_setting_finds_the_best():
    for strategy in (grid(1000), random(rng=np.random.default_rng(0))):
        found = minimize(bowl, CUBE, strategy=strategy, n_trials=1000)
        assert sorted(found.places) == list(range(1000))
        assert found.losses.min() == min(bowl(**s) for s in found.space.settings)
        assert bowl(**found.best) == found.best_so_far[-1]


def test_sixty_random_trials_hit_the_best_twentieth_with_the_published_chance():
    """1 - 0.95^60 = 0.954 with replacement; without it a little more: 1 - C(950, 60) / C(1000, 60)."""
    best = set(np.argsort([bowl(**s) for s in Space(CUBE).settings])[:50])
    space, hits = Space(CUBE), 0
    for seed in range(300):
        strategy, places = random(rng=np.random.default_rng(seed)), []
        for _ in range(60):
            places.append(strategy(space, places, []))
        hits += bool(best & set(places))
    exact = 1 - math.comb(950, 60) / math.comb(1000, 60)
    assert exact == pytest.approx(1 - 0.95**60, abs=0.005)
    assert abs(hits / 300 - exact) < 4 * math.sqrt(exact * (1 - exact) / 300)


def test_bayesian_search_beats_chance_on_a_smooth_bowl():
    ours = [
        minimize(bowl, CUBE, strategy=bayesian(rng=np.random.default_rng(s)), n_trials=20).losses.min()
        for s in range(3)
    ]
    theirs = [minimize(bowl, CUBE, strategy=random(rng=np.random.default_rng(s)), n_trials=20).losses.min() for s in
              range(40)]  # fmt: skip
    assert np.mean(ours) < np.quantile(theirs, 0.2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_surrogate_is_sklearns_gaussian_process_and_knows_what_was_tried():
    space = Space({"x": tuple(range(21))})
    places, losses = np.array([2, 9, 15, 20]), np.array([1.0, -0.5, 0.2, 0.9])
    ours = surrogate(space, places, losses)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern([0.3], (0.1, 10.0), nu=2.5) + WhiteKernel(1e-3, (1e-6, 1.0))
    theirs = GaussianProcessRegressor(kernel, normalize_y=True).fit(space.points[places], losses)
    mean, deviation = theirs.predict(space.points, return_std=True)
    np.testing.assert_allclose(ours.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(ours.deviation, deviation, rtol=1e-6)
    assert (ours.deviation[[5, 12]] > ours.deviation[[2, 9]]).all()
    np.testing.assert_allclose(ours.mean[places], losses, atol=0.1)


def test_a_diverged_trial_is_the_worst_of_the_others_and_equal_losses_are_no_fault():
    space = Space({"x": (1, 2, 3, 4, 5)})
    with_one = surrogate(space, [0, 2, 4], [1.0, 2.0, math.inf])
    np.testing.assert_array_equal(with_one.mean, surrogate(space, [0, 2, 4], [1.0, 2.0, 2.0]).mean)
    assert np.isfinite(surrogate(space, [0, 2], [1.0, 1.0]).improvement).all()


@pytest.mark.parametrize(("mean", "deviation", "best"), [(1.0, 0.5, 1.2), (3.0, 2.0, 0.0), (0.0, 1e-3, 0.001)])
def test_expected_improvement_matches_quad(mean, deviation, best):
    density = stats.norm(mean, deviation).pdf
    low = mean - 12 * deviation
    theirs = integrate.quad(lambda y: (best - y) * density(y), low, min(best, mean + 12 * deviation), epsabs=1e-14)[0]
    ours = expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-12)


def test_a_strategy_that_repeats_itself_is_refused():
    with pytest.raises(
        ValueError, match="strategy must propose a setting from 0 to 999 that has not been tried, got 5"
    ):
        minimize(bowl, CUBE, strategy=lambda space, places, losses: 5, n_trials=2)


def test_what_diverged_is_never_the_best():
    found = minimize(lambda x: math.nan if x < 2 else x, {"x": (1, 2, 3)}, strategy=grid(3), n_trials=3)
    assert found.best == {"x": 2}
    assert found.losses[0] == math.inf
