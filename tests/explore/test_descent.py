import numpy as np
import pytest
import torch

from kit.explore.descent import (
    LINE_STEPS,
    SCALINGS,
    bowl_frame,
    bowl_loss,
    line_frame,
    line_path,
    line_problem,
)


def test_bowl_loss_matches_autograd():
    point = torch.tensor([-3.5, 1.8], dtype=torch.float64, requires_grad=True)
    loss = (point[0] ** 2 + 8 * point[1] ** 2) / 2
    loss.backward()
    ours, gradient = bowl_loss(point.detach().numpy())
    assert ours == pytest.approx(loss.item(), rel=1e-15)
    np.testing.assert_allclose(gradient, point.grad, rtol=1e-15)


def test_bowl_says_fell_below_a_quarter_and_diverged_above():
    assert "the loss fell to" in bowl_frame(0.24).sentence
    assert "diverged: the loss grew" in bowl_frame(0.26).sentence


def test_the_three_scalings_have_one_lowest_loss():
    lowest = [line_problem(scaling).lowest for scaling in SCALINGS]
    np.testing.assert_allclose(lowest, lowest[0], rtol=1e-12)


def test_a_scaled_feature_is_fitted_in_one_step_at_one_half():
    path = line_path(line_problem("standard"), 0.5, 0.1, 0.9)
    np.testing.assert_allclose(path.points[1], line_problem("standard").best, rtol=1e-12)


def test_the_raw_feature_is_not_fitted_in_a_hundred_steps_at_any_rate():
    problem = line_problem("raw")
    for lr in np.geomspace(1e-5, 2, 121):
        assert line_path(problem, lr, 0.15, 0.825).steps_to(1.01 * problem.lowest) is None


def test_every_path_that_overflows_is_shown_as_diverged():
    problems = [line_problem(scaling) for scaling in SCALINGS]
    frame = line_frame(problems, scaling=0, lr=2.0, across=0.0, up=0.0)
    assert "diverged" in frame.sentence
    assert len(frame.lines[1][0]) < LINE_STEPS


def test_line_problem_rejects_another_scaling():
    with pytest.raises(ValueError, match="scaling must be one of raw, zero to one, standard; got 'log'"):
        line_problem("log")
