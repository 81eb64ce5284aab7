import numpy as np
import pytest

from kit.evidence.stochastic import SIZES, TRIALS, make_table, run, settings, table
from kit.learn.descent import descend
from kit.learn.linear import hessian_eigenvalues, linear_objective


def test_both_ways_have_as_many_settings():
    assert len(settings(SIZES[0], "few")) == len(settings(SIZES[0], "all")) == TRIALS


@pytest.mark.parametrize("share", [0.95, 1.05])
def test_arrival_is_told_from_the_loss(share):
    x, y = make_table(1_000, seed=3)
    at, objective = table(1_000, 3), linear_objective(x, y)
    away = np.random.default_rng(0).normal(size=20)
    lowest = objective(at.best)[0]
    away *= np.sqrt(share * 0.01 * lowest / (objective(at.best + away)[0] - lowest))
    assert at.arrived(at.best + away) == (share < 1) == (objective(at.best + away)[0] <= 1.01 * lowest)


def test_full_batch_takes_the_steps_of_descent():
    x, y = make_table(1_000, seed=3)
    setting = settings(1_000, "all")[100]
    path = descend(linear_objective(x, y), np.zeros(20), lr=setting[1] * 2 / hessian_eigenvalues(x)[-1], n_steps=100)
    lowest = linear_objective(x, y)(table(1_000, 3).best)[0]
    assert run(1_000, setting, seed=3) == path.steps_to(1.01 * lowest)


def test_a_run_that_does_not_arrive_is_given_up():
    with np.errstate(over="ignore", invalid="ignore"):
        assert run(1_000, (512, 1e-9, 0.0), seed=3) == run(1_000, (512, 1e9, 0.0), seed=3) == np.inf
