import numpy as np
import pytest

from kit.explore.first_network import (
    DATA,
    DIGITS,
    N_TRAIN,
    QUEST_ACCURACY,
    QUEST_UNITS,
    REACH,
    STEPS,
    Training,
    digits_in_two_directions,
    examples,
    plane_grid,
    playground,
    shaded,
    tiles,
    training_frame,
    unit_line,
)
from kit.learn.descent import descend
from kit.learn.regularizers import l2, penalized

SETTINGS = {"data": "rings", "noise": 0.2, "units": 3, "layers": 1, "activation": "tanh", "lr": 1.0, "decay": 0.0}


@pytest.fixture(scope="module")
def training():
    return Training(**SETTINGS)


@pytest.mark.parametrize("data", DATA)
def test_examples_fit_the_picture_and_no_point_is_in_both_parts(data):
    drawn = examples(data, 0.2)
    assert len(drawn.y_train) == N_TRAIN < len(drawn.y_test)
    assert set(drawn.y_train) == set(drawn.y_test) == set(range(drawn.n_classes))
    assert (abs(drawn.x_train) < REACH).mean() > 0.99
    assert not {*map(tuple, drawn.x_train)} & {*map(tuple, drawn.x_test)}


def test_the_digits_stand_in_their_two_directions_of_largest_variance():
    points, digit = digits_in_two_directions()
    assert len(points) == len(digit) > 500
    assert set(digit) == set(range(len(DIGITS)))
    covariance = np.cov(points.T)
    assert abs(covariance[0, 1]) < 1e-12
    assert covariance[0, 0] > covariance[1, 1]
    assert abs(points).max() == pytest.approx(3)


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_a_training_is_plain_descent_frame_by_frame(decay):
    training = Training(**(SETTINGS | {"decay": decay}))
    objective = training.network.objective(training.examples.x_train, training.examples.y_train)
    objective = penalized(objective, l2(decay)) if decay else objective
    path = descend(objective, training.points[0], lr=1.0, n_steps=3 * STEPS)
    np.testing.assert_allclose(training.point_at(3), path.points[-1], rtol=1e-12)


def test_going_back_changes_nothing_and_trains_nothing(training):
    later = training.point_at(4)
    n_points = len(training.points)
    again = training.point_at(2)
    assert len(training.points) == n_points
    assert again is training.points[2]
    assert later is training.point_at(4)


def test_the_losses_are_without_the_decay():
    with_decay, without = Training(**(SETTINGS | {"decay": 0.1})), Training(**SETTINGS)
    assert with_decay.losses[0] == without.losses[0]


def test_a_training_that_diverges_stays_where_it_could_be_followed():
    training = Training(**(SETTINGS | {"activation": "ReLU", "lr": 1e6}))
    frame = training_frame(training, 3, settings="Rings", goal=False)
    assert np.isfinite(training.points[3]).all()
    assert all(np.isfinite(y).all() for _, y in frame.lines)


def test_a_frame_has_a_line_for_each_unit_of_the_first_layer_and_the_losses_so_far(training):
    frame = training_frame(training, 5, settings="Rings", goal=False)
    assert [len(x) > 0 for x, _ in frame.lines[:16]] == [True] * 3 + [False] * 13
    assert sum(len(x) for x, _ in frame.lines[16:19]) == N_TRAIN
    assert [len(x) for x, _ in frame.lines[19:]] == [6, 6]
    assert "step 100: loss" in frame.sentence


def test_a_units_line_is_where_its_sum_is_zero():
    weights, bias = np.array([3.0, -4.0]), 2.0
    for point in np.column_stack(unit_line(weights, bias)):
        assert weights @ point + bias == pytest.approx(0, abs=1e-9)
        assert np.linalg.norm(point) > REACH
    assert unit_line(np.zeros(2), 1.0) == ([], [])


def test_the_map_begins_at_the_top_left():
    grid = plane_grid()
    assert grid[0, 0] == -grid[-1, 0] < 0 < grid[0, 1] == -grid[-1, 1]


def test_colours_are_mixed_by_probability():
    first, second, half = shaded(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))
    np.testing.assert_allclose(half, (first + second) / 2)
    assert first[2] > first[0]  # blue
    assert second[0] > second[2]  # orange


@pytest.mark.parametrize("activation", ["tanh", "ReLU", "sigmoid"])
def test_each_unit_has_its_tile_and_the_others_stay_grey(activation):
    n = len(plane_grid())
    hidden = [np.linspace(0, 1, n)[:, None].repeat(9, axis=1), np.zeros((n, 9))]
    picture = tiles(hidden, activation=activation)
    pitch = (picture.shape[0] + 2) // 4
    corners = picture[::pitch, ::pitch]
    grey = (abs(corners - 0.95) < 1e-12).all(axis=-1)
    assert [row.sum() for row in ~grey] == [8, 1, 8, 1]
    assert ((picture >= 0) & (picture <= 1)).all()


def test_the_quest_is_met_by_few_units_and_by_no_fewer_than_it_says_on_other_data():
    view = playground()
    for data, units, layers, met in ((2, 6, 0, True), (2, 7, 0, False), (1, 6, 0, False), (2, 3, 1, False)):
        frame = view.frame_at([data, 1, units, layers, 0, 3, 0, 75])
        assert frame.quest_met == met, frame.sentence
    assert not view.frame_at([2, 0, 6, 0, 0, 3, 0, 75]).quest_met  # without noise it does not count
    assert f"{QUEST_ACCURACY:.0%}" in view.scene["quest"]
    assert f"{QUEST_UNITS} hidden units" in view.scene["quest"]
