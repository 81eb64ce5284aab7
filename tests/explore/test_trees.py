import numpy as np
import pytest

from kit.explore.first_network import N_TRAIN, PLANE, examples, plane_grid
from kit.explore.trees import (
    MODELS,
    NOISES,
    QUEST_ACCURACY,
    QUEST_SIZE,
    SIZES,
    Board,
    board_frame,
    board_stage,
    board_view,
    border_frame,
    border_view,
    borders,
    standing,
)
from kit.learn.intervals import mean_interval
from kit.learn.trees import decision_tree, one_hot


def a_board() -> Board:
    """Make up a contest of two tables: on the first the line is level with the best, on the second it is not."""
    rng = np.random.default_rng(0)
    means = np.array([[0.80, 0.60, 0.81, 0.805], [0.50, 0.60, 0.90, 0.895]])
    luck = 0.05 * rng.normal(size=(2, 3, 1, 10))
    own = 0.02 * rng.normal(size=(2, 3, 4, 10))
    scores = means[:, None, :, None] - np.array([0.2, 0.1, 0])[:, None, None] + luck + own
    cost = np.array([0.1, 0.05, 3.0, 3.15])[:, None] * np.array([1, 2, 4])[:, None, None]
    return Board(
        tables=("gems", "trips"), rows=(100, 300, 800), contenders=("line", "tree", "forest", "vote"), scores=scores,
        seconds=np.broadcast_to(cost, (2, 3, 4, 10)) * 1.0,
    )  # fmt: skip


def board_of_a_contest():
    """Open the board of the made-up contest."""
    return board_view(a_board())


@pytest.mark.parametrize("model", MODELS)
def test_borders_hold_a_chance_for_each_cell_and_two_shares_for_each_size(model):
    found = borders(model, "moons", 0.2)
    assert found.chances.shape == (len(SIZES), len(plane_grid()))
    assert found.right.shape == (len(SIZES), 2)
    assert ((found.chances >= 0) & (found.chances <= 1)).all()
    assert (found.right > 0.5).all()


def test_the_borders_of_a_tree_are_those_of_the_kits_tree():
    drawn = examples("rings", 0.2)
    tree = decision_tree(drawn.x_train, one_hot(drawn.y_train, n_classes=2), max_depth=4)
    found = borders("tree", "rings", 0.2)
    np.testing.assert_array_equal(found.chances[SIZES.index(4)], tree.predict(plane_grid())[:, 1])
    read = (tree.predict(drawn.x_test)[:, 1] > 0.5) == drawn.y_test
    assert found.right[SIZES.index(4), 1] == read.mean()


def test_a_line_has_one_size_and_a_deep_tree_knows_its_points_by_heart():
    line = borders("line", "spiral", 0.2)
    assert (line.right == line.right[0]).all()
    assert borders("tree", "spiral", 0.2).right[-1, 0] == 1


@pytest.mark.parametrize("data", PLANE)
def test_a_frame_shows_every_training_point_and_both_curves(data):
    frame = border_frame("forest", data, NOISES[0], 8)
    assert sum(len(x) for x, _ in frame.lines[:2]) == N_TRAIN
    assert [len(x) for x, _ in frame.lines[2:]] == [len(SIZES), len(SIZES), 2]
    assert "8 trees" in frame.sentence


def test_the_quest_asks_for_one_tree_on_the_noisy_spiral():
    assert border_frame("tree", "spiral", 0.2, QUEST_SIZE).quest_met
    assert not border_frame("tree", "spiral", 0.2, 1).quest_met
    assert not border_frame("tree", "spiral", 0.0, QUEST_SIZE).quest_met
    assert not border_frame("tree", "spiral", 0.2, 16).quest_met
    assert not border_frame("forest", "spiral", 0.2, QUEST_SIZE).quest_met
    assert f"{QUEST_ACCURACY:.0%}" in border_view().scene["quest"]


def test_a_standing_is_that_of_paired_differences():
    board = a_board()
    found = standing(board, "gems", 800)
    scores = board.scores[0, 2]
    assert found.best == scores.mean(axis=1).argmax()
    low, high = mean_interval(scores[found.best] - scores[1])
    np.testing.assert_allclose(found.gap[1, 1:], [low, high])
    assert found.level[found.best]
    assert not found.level[1]


def test_the_cheapest_that_is_level_is_found_and_meets_the_quest():
    board = a_board()
    for table, rows in (("gems", 800), ("trips", 800), ("gems", 100)):
        found = standing(board, table, rows)
        name = board.contenders[found.cheapest]
        assert found.level[found.cheapest]
        assert board_frame(board, table, rows, name).quest_met == (rows == 800)
        others = [n for n in board.contenders if n != name]
        assert not any(board_frame(board, table, rows, n).quest_met for n in others)
    assert board.contenders[standing(board, "gems", 800).cheapest] == "line"
    assert board.contenders[standing(board, "trips", 800).cheapest] == "forest"


def test_all_numbers_of_a_table_lie_within_its_axes():
    board = a_board()
    for table in board.tables:
        left, right = board_stage(board, table).figure.axes
        for rows in board.rows:
            frame = board_frame(board, table, rows, "line")
            n = len(board.contenders)
            for axes, lines in ((left, frame.lines[: 2 * n + 1]), (right, frame.lines[2 * n + 1 :])):
                for x, y in lines:
                    assert axes.get_xlim()[0] <= min(x) <= max(x) <= axes.get_xlim()[1]
                    assert axes.get_ylim()[0] <= min(y) <= max(y) <= axes.get_ylim()[1]
