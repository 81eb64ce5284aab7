import numpy as np
import pytest

from kit.evidence import convergence
from kit.evidence.convergence import below_the_threshold, descent, largest_curvature, lowest_loss, problem
from kit.learn.descent import descend
from kit.learn.linear import hessian_eigenvalues, linear_objective


def test_descent_counts_the_steps_that_descend_makes():
    objective, start = problem("squared error", 0)
    lr, low = 1 / largest_curvature(objective, start), lowest_loss(objective, start)
    path = descend(objective, start, lr=lr, n_steps=2_000)
    goal = low + 0.05 * (path.losses[0] - low)
    rose, step, seen = descent(objective, start, lr, goal=goal, most=2_000, after=1)
    assert (rose, step, seen) == (False, path.steps_to(goal), path.losses[1])
    assert descent(objective, start, lr, goal=low - 1, most=5)[1] is None
    with np.errstate(all="ignore"):
        assert descent(objective, start, 1e6, goal=low, most=2_000, after=200) == (True, None, np.inf)


def test_the_largest_curvature_of_squared_error_is_that_of_its_hessian():
    x, y = np.random.default_rng(0).normal(size=(2, 50, 3))
    np.testing.assert_allclose(
        largest_curvature(linear_objective(x, y[:, 0]), np.ones(3)), hessian_eigenvalues(x)[-1], rtol=1e-6
    )


def test_the_lowest_loss_is_one_that_descent_does_not_pass():
    """By more than a hundredth of the 1% that counts as near: quasi-Newton stops where the slope is nearly 0."""
    objective, start = problem("logistic loss", 1)
    path = descend(objective, start, lr=1 / largest_curvature(objective, start), n_steps=3_000)
    assert lowest_loss(objective, start) <= path.losses.min() * (1 + 1e-4)


def parabola(point):
    return 1 + float(point @ point), 2 * point


def kinked(point):
    """Two slopes that meet in a kink: as curved as the parabola at 1, and much steeper on the other side."""
    side = np.where(point > 0, 2 * point, 50 * point)
    return 1 + float(point @ side / 2), side


@pytest.mark.parametrize(("world", "steady"), [(parabola, 1.0), (kinked, 0.0)])
def test_a_world_in_which_every_step_lowers_the_loss_and_one_in_which_not_are_told_apart(monkeypatch, world, steady):
    monkeypatch.setattr(convergence, "problem", lambda kind, seed: (world, np.array([1.0])))
    monkeypatch.setattr(convergence, "LOW", 0.98)
    monkeypatch.setattr(convergence, "STEPS", 1_000)
    with np.errstate(all="ignore"):
        found = below_the_threshold(kind="small network", seed=0)
    assert found["without a rise"] == found["arrived"] == steady


def test_a_bounded_slope_never_ends_above_by_much_and_a_parabola_does(monkeypatch):
    for world, above in ((parabola, 1.0), (lambda point: (float(np.tanh(point[0])) + 2, np.zeros(1)), 0.0)):
        monkeypatch.setattr(convergence, "problem", lambda kind, seed, world=world: (world, np.array([1.0])))
        monkeypatch.setattr(convergence, "STEPS", 3_000)
        monkeypatch.setattr(convergence, "largest_curvature", lambda objective, point: 2.0)
        assert convergence.too_large_and_too_small(kind="small network", seed=0)["ends above"] == above
