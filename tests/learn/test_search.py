import math

import numpy as np
import pytest

from kit.learn.search import tune

GRID = {"lr": (0.01, 0.1, 1.0)}


def bowl(best: float):
    return lambda lr, seed: math.log(lr / best) ** 2


def test_the_best_of_each_rival_is_found():
    found = tune({"a": bowl(0.1), "b": bowl(0.12)}, GRID, seeds=[0])
    assert found.best["a", None].setting == found.best["b", None].setting == {"lr": 0.1}
    assert found.space == GRID


def test_one_rivals_edge_widens_the_grid_for_all_alike():
    tried = {"a": set(), "b": set()}

    def counting(name, best):
        def loss(lr, seed):
            tried[name].add((round(lr, 6), seed))
            return math.log(lr / best) ** 2

        return loss

    found = tune({"a": counting("a", 0.1), "b": counting("b", 90.0)}, GRID, seeds=[3, 4])
    assert found.best["b", None].setting["lr"] == pytest.approx(100)
    assert found.best["b", None].at_edge == ()
    assert tried["a"] == tried["b"]
    assert len(tried["a"]) == 2 * 6
    assert {len(losses) for losses in found.losses.values()} == {6}


def test_what_is_still_at_the_edge_is_said():
    found = tune({"a": bowl(0.1), "b": bowl(1e9)}, GRID, seeds=[0], growths=2)
    assert found.best["b", None].at_edge == ("lr",)
    assert "AT THE EDGE of lr" in found.budget()


def test_an_axis_ends_well_at_its_limit():
    space = {"dropout": (0.0, 0.25, 0.5)}
    found = tune(
        {"a": lambda dropout, seed: dropout, "b": lambda dropout, seed: -dropout},
        space,
        seeds=[0],
        limits={"dropout": (0, 0.9)},
    )
    assert found.space["dropout"] == (0.0, 0.25, 0.5, 0.75)
    assert found.best["a", None].at_edge == found.best["b", None].at_edge == ()


def test_each_condition_has_a_best_of_its_own_on_one_grid():
    found = tune(
        {name: lambda lr, condition, seed: math.log(lr * condition) ** 2 for name in "ab"},
        GRID,
        seeds=[0],
        conditions=(10, 1000),
    )
    assert found.best["a", 10].setting == {"lr": 0.1}
    assert found.best["a", 1000].setting["lr"] == pytest.approx(0.001)
    assert len(found.losses["b", 10]) == len(found.losses["b", 1000]) == len(found.space["lr"]) == 5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_divergence_is_the_worst(bad):
    found = tune({name: lambda lr, seed: bad if lr > 0.05 else 5.0 + lr for name in "ab"}, GRID, seeds=[0], growths=0)
    assert found.best["a", None].setting == {"lr": 0.01}
    with pytest.raises(ValueError, match=r"rivals\['b'\] must have a finite loss at some setting"):
        tune({"a": bowl(1.0), "b": lambda lr, seed: bad}, GRID, seeds=[0])


def test_one_seed_that_diverges_is_not_averaged_away():
    found = tune(
        {name: lambda lr, seed: math.inf if lr == 0.1 and seed == 1 else bowl(0.1)(lr, seed) for name in "ab"},
        GRID,
        seeds=[0, 1],
        growths=0,
    )
    assert found.best["a", None].setting != {"lr": 0.1}


def test_of_equal_losses_the_one_inside_the_grid_is_taken():
    found = tune({name: lambda lr, seed: 1.0 for name in "ab"}, GRID, seeds=[0])
    assert found.best["a", None].setting == {"lr": 0.1}
    assert found.space == GRID


def test_choices_stay_as_they_are_and_whole_numbers_whole():
    def loss(rule, depth, seed):
        return (rule == "ridge") - depth

    found = tune(dict.fromkeys("ab", loss), {"rule": ("lasso", "ridge"), "depth": (1, 2, 4)}, seeds=[0], growths=1)
    assert found.space == {"rule": ("lasso", "ridge"), "depth": (1, 2, 4, 8)}
    assert found.best["a", None].setting == {"rule": "lasso", "depth": 8}
    assert isinstance(found.best["a", None].setting["depth"], int)


def test_the_budget_stands_side_by_side():
    text = tune({"SGD": bowl(0.1), "momentum": bowl(0.5)}, GRID, seeds=[0, 1]).budget()
    assert "space, for every rival: lr: 4 from 0.01 to 10" in text
    assert "SGD     : 4 settings x 2 seeds; best lr 0.1" in text
    assert "momentum: 4 settings x 2 seeds; best lr 1" in text


def test_what_chose_the_settings_does_not_count_later():
    found = tune({"a": bowl(0.1), "b": bowl(0.1)}, GRID, seeds=[0, 1])
    assert found.fresh(range(2, 5)) == (2, 3, 4)
    with pytest.raises(ValueError, match="seeds must be others than those that chose the settings, got 1 again"):
        found.fresh([5, 1])
