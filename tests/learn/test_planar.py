import numpy as np
import pytest

from kit.learn.class_losses import cross_entropy
from kit.learn.descent import descend
from kit.learn.linear import linear_objective, with_intercept
from kit.learn.planar import moons, rings, spiral

SETS = (moons, rings, spiral)
each_set = pytest.mark.parametrize("draw", SETS)


@each_set
def test_classes_are_equal_in_number_and_points_lie_about_the_origin(draw):
    x, y = draw(1000, noise=0.0, rng=np.random.default_rng(0))
    assert y.mean() == 0.5
    assert abs(x).max() <= 3
    for c in (0, 1):
        assert abs(x[y == c].mean(axis=0)).max() < 1.2


@each_set
def test_noise_is_a_standard_deviation(draw):
    x, _ = draw(5000, noise=0.0, rng=np.random.default_rng(0))
    blurred, _ = draw(5000, noise=0.3, rng=np.random.default_rng(0))
    # of 10,000 normal numbers: a relative standard error of √(1/20,000)
    assert abs((blurred - x).std() / 0.3 - 1) < 4 * np.sqrt(1 / 20_000)


@pytest.mark.parametrize("draw", [moons, spiral])
def test_one_class_is_the_other_turned_by_half_a_turn(draw):
    x, y = draw(20_000, noise=0.0, rng=np.random.default_rng(0))
    grids = [np.histogram2d(*(sign * x[y == c]).T, bins=6, range=[[-3, 3]] * 2)[0] for c, sign in ((0, 1), (1, -1))]
    # of two counts, each Poisson's, the difference is within 5 standard errors in each of 36 cells
    assert (abs(grids[0] - grids[1]) <= 5 * np.sqrt(grids[0] + grids[1]) + 1e-9).all()


@each_set
def test_no_line_separates_the_classes(draw):
    x, y = draw(400, noise=0.0, rng=np.random.default_rng(0))
    ones = with_intercept(x)
    path = descend(linear_objective(ones, y, loss=cross_entropy), np.zeros((3, 2)), lr=0.3, n_steps=500)
    assert ((ones @ path.points[-1]).argmax(axis=1) == y).mean() < 0.95
