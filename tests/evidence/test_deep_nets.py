import math

import numpy as np
import pytest
import torch

from kit.evidence import deep_nets
from kit.evidence.store import stored
from kit.learn.mean_field import MeanField


def test_no_digit_is_on_two_sides_and_seeds_deal_anew():
    parts = deep_nets.digits(0)
    rows = [{each.numpy().tobytes() for each in x} for x, _ in parts]
    assert [len(y) for _, y in parts] == [4000, 500, 500]
    assert not (rows[0] & rows[1] | rows[0] & rows[2] | rows[1] & rows[2])
    assert not torch.equal(deep_nets.digits(0)[2][1], deep_nets.digits(1)[2][1])


@pytest.mark.parametrize(("scheme", "factor"), [("torch", 1 / 6), ("Xavier", 1 / 2), ("He", 1)])
def test_gradients_shrink_as_the_variance_of_the_weights_says(scheme, factor):
    found = [
        deep_nets.first_gradients(scheme=scheme, activation="ReLU", norm="none", n_layers=10, seed=seed)
        for seed in range(1000, 1006)
    ]
    ratio = np.mean([math.log(each["first sums"] / each["last sums"]) for each in found])
    # each layer of 100 units moves the logarithm by chance, √(5/100)/2 or so
    assert abs(ratio - 4.5 * math.log(factor)) < 4 * math.sqrt(9 * 5 / 100 / 4 / 6) + 0.3


def test_halving_finds_where_the_answers_turn():
    grid = (2, 3, 4, 6, 8)
    for border in (0, *grid):
        asked = []

        def answer(n: int, border: int = border, asked: list = asked) -> bool:
            asked.append(n)
            return n <= border

        assert deep_nets.deepest(answer, grid) == border
        assert len(asked) <= 3


def test_a_world_in_which_every_depth_trains_and_one_in_which_none_does(monkeypatch):
    monkeypatch.setattr(deep_nets, "GRID", (1, 2))
    assert deep_nets.depths(point="1.76", seed=1000)["depth"] == 2
    monkeypatch.setattr(deep_nets, "ENOUGH", 1.1)
    assert deep_nets.depths(point="1.76", seed=1000)["depth"] == 0


def test_arms_are_tuned_as_equals_and_one_that_cannot_start_is_told_from_one_that_can(monkeypatch):
    monkeypatch.setattr(deep_nets, "ARMS", {"He": ("He", "none"), "torch": ("torch", "none")})
    monkeypatch.setattr(deep_nets, "DEPTH", 12)
    monkeypatch.setattr(deep_nets, "N_STEPS", 60)
    found = deep_nets.starts(seed=1000)
    assert found["He accuracy"] > 0.4 > 0.2 > found["torch accuracy"]


def test_what_diverges_is_no_best():
    assert deep_nets.started("He", 1000, lr=1e6, seed=1000)[0] == math.inf


def test_what_is_stored_is_what_a_run_measures():
    at = {"scheme": "He", "activation": "tanh", "norm": "none", "n_layers": 10}
    again = deep_nets.first_gradients(**at, seed=0)
    for quantity in deep_nets.FIRST_GRADIENTS.quantities:
        assert again[quantity] == pytest.approx(stored(deep_nets.FIRST_GRADIENTS, quantity, **at)[0], rel=1e-2)


def test_the_points_lie_on_both_sides_of_the_border():
    lengths = {point: MeanField(**variances) for point, variances in deep_nets.POINTS.items()}
    slopes = {point: field.slope(field.settled_length) for point, field in lengths.items()}
    assert [point for point, slope in slopes.items() if slope > 1] == ["4.0"]
