import numpy as np
import pytest

from kit.explore.optimizers import BETAS, GOAL, RATES, RUNNERS, STEPS, SURFACES, race, race_frame
from kit.learn.descent import finite_differences
from kit.learn.optimizers import adam, momentum, nesterov, sgd
from kit.learn.training import train

MAKERS = (
    lambda lr, beta: sgd(lr),
    lambda lr, beta: momentum(lr, beta=beta),
    lambda lr, beta: nesterov(lr, beta=beta),
    lambda lr, beta: adam(lr, betas=(beta, 0.999)),
)
each_surface = pytest.mark.parametrize("name", SURFACES)


def best(name: str, beta: float) -> dict[str, float]:
    """Find the lowest loss after all steps that each runner reaches at any rate."""
    return dict(zip(RUNNERS, race(name, beta).losses[:, :, -1].min(axis=1), strict=True))


@each_surface
def test_surface_gradcheck(name):
    objective = SURFACES[name].objective
    for point in np.random.default_rng(0).normal(size=(5, 2)):
        np.testing.assert_allclose(objective(point)[1], finite_differences(objective, point), rtol=1e-8, atol=1e-8)


@each_surface
def test_many_points_at_once_are_each_point_by_itself(name):
    objective, points = SURFACES[name].objective, np.random.default_rng(1).normal(size=(4, 3, 2))
    heights, slopes = objective(points)
    for at in np.ndindex(4, 3):
        height, slope = objective(points[at])
        np.testing.assert_allclose(heights[at], height, rtol=1e-14)
        np.testing.assert_allclose(slopes[at], slope, rtol=1e-12, atol=1e-14)


@each_surface
def test_the_lowest_point_is_where_the_map_says(name):
    height, slope = SURFACES[name].objective(np.array(SURFACES[name].goal))
    assert height == 0
    assert (slope == 0).all()


@each_surface
@pytest.mark.parametrize("position", [0, 15, 22])  # rates at which none diverges: there rounding errors stay small
@pytest.mark.parametrize("runner", range(len(RUNNERS)))
def test_the_race_at_all_rates_at_once_matches_train(name, position, runner):
    surface, beta = SURFACES[name], 0.8
    path = train(
        surface.objective, surface.start, optimizer=MAKERS[runner](float(RATES[position]), beta), n_steps=STEPS
    )
    raced = race(name, beta)
    np.testing.assert_allclose(raced.points[runner, position], path.points, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(raced.losses[runner, position], path.losses, rtol=1e-6, atol=1e-12)


def test_turning_the_bowl_changes_adam_and_nobody_else():
    straight, turned = race("bowl", 0.9).losses, race("bowl, turned", 0.9).losses
    calm = RATES < 0.02
    np.testing.assert_allclose(straight[:3, calm], turned[:3, calm], rtol=1e-6, atol=1e-12)
    assert best("bowl", 0.0)["Adam"] < 1e-30 < 1e-6 < best("bowl, turned", 0.0)["Adam"]


def test_momentum_without_memory_is_gradient_descent():
    losses = race("curved valley", 0.0).losses
    assert (losses[0] == losses[1]).all()


def test_gradient_descent_meets_the_quest_nowhere_and_the_others_do():
    for name in SURFACES:
        found = [best(name, float(beta)) for beta in BETAS[::5]]
        assert min(each["gradient descent"] for each in found) > GOAL
        for runner in list(RUNNERS)[1:]:
            assert min(each[runner] for each in found) < GOAL, (name, runner)


def test_a_runner_that_diverged_is_said_to_have_and_all_numbers_stay_finite():
    frame = race_frame(surface=2, lr=len(RATES) - 1, beta=0.98, step=STEPS)
    assert "gradient descent diverged" in frame.sentence
    assert all(np.isfinite(np.asarray(part, dtype=float)).all() for line in frame.lines for part in line)


def test_a_frame_shows_the_race_up_to_its_step():
    frame = race_frame(surface=0, lr=10, beta=0.9, step=30)
    assert [len(x) for x, _ in frame.lines[:4]] == [31] * 4
    assert "step 30" in frame.sentence
