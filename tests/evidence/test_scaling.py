import math

import numpy as np
import pytest

from kit.evidence.scaling import KINDS, WAYS, draw_table, features_as, steps_run, steps_to_goal
from kit.learn.descent import descend
from kit.learn.linear import least_squares, linear_objective, with_intercept


def test_steps_are_those_of_descent():
    x, y = draw_table("one unit", seed=0)
    z = with_intercept(features_as("one range", x))
    objective = linear_objective(z, y)
    goal = 1.01 * objective(least_squares(z, y))[0]
    path = descend(objective, np.zeros(5), lr=0.1, n_steps=500)
    assert steps_run(objective, np.zeros(5), lr=0.1, goal=goal, most=500) == path.steps_to(goal)
    assert steps_run(objective, np.zeros(5), lr=0.1, goal=goal, most=5) == math.inf
    assert steps_run(objective, np.zeros(5), lr=9.0, goal=goal, most=500) == math.inf


def test_every_seed_draws_another_table_and_the_same_one_again():
    for kind in KINDS:
        one, again, other = (draw_table(kind, seed=seed)[0] for seed in (0, 0, 2))
        np.testing.assert_array_equal(one, again)
        assert not np.allclose(one, other)
    assert set(draw_table("one unit", seed=1)[1]) == {0, 1}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_keeps_what_a_line_can_say(way):
    x, y = draw_table("mixed units", seed=0)
    z, plain = with_intercept(features_as(way, x)), with_intercept(x)
    np.testing.assert_allclose(z @ least_squares(z, y), plain @ least_squares(plain, y), atol=1e-9)


def test_a_world_in_which_one_range_helps_and_one_in_which_it_hurts_are_told_apart(monkeypatch):
    x = np.random.default_rng(0).normal(size=(200, 2))
    y = x @ [1.0, 1.0] + np.random.default_rng(1).normal(size=200)
    monkeypatch.setattr("kit.evidence.scaling.draw_table", lambda kind, seed: (x * [1, 10], y))
    helps = steps_to_goal(kind="mixed units", seed=0)
    monkeypatch.setattr("kit.evidence.scaling.draw_table", lambda kind, seed: (x, y))
    hurts = steps_to_goal(kind="one unit", seed=0)
    assert helps["one range"] < helps["raw"]
    assert hurts["one range"] > hurts["raw"]
    assert helps["at_edge"] == hurts["at_edge"] == 0
