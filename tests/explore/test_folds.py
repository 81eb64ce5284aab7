import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from kit.explore import folds
from kit.learn.splits import leaks


@pytest.fixture(scope="module")
def days():
    return folds.some_days()


def test_the_days_of_the_world_are_others(days):
    assert days.x.shape == (len(days.y), 3 + folds.N_NOISE)
    assert np.bincount(days.day).tolist() == [folds.A_DAY] * folds.N_DAYS
    assert not set(days.x[:, 0]) & set(days.new_x[:, 0])


def test_late_scores_match_sklearn(days):
    known, new = days.x[:, :3], days.new_x[:200, :3] + 0.1  # none at a distance of 0
    ours = folds.late_scores(known, days.y, new)
    model = KNeighborsClassifier(folds.NEIGHBOURS, weights=lambda far: 1 / (far + 1e-3)).fit(known, days.y)
    far = np.sort(np.linalg.norm(known - new[:, None], axis=2), axis=1)
    clear = far[:, folds.NEIGHBOURS] - far[:, folds.NEIGHBOURS - 1] > 1e-6  # of two as near, either is a neighbour
    assert clear.sum() > 50
    np.testing.assert_allclose(ours[clear], model.predict_proba(new)[clear, 1], rtol=1e-6)


def test_the_most_telling_columns_are_those_of_the_largest_correlation(days):
    theirs = [abs(np.corrcoef(column, days.y)[0, 1]) for column in days.x.T]
    assert set(folds.telling_columns(days.x, days.y)) == set(np.argsort(theirs)[-folds.N_KEPT :])


def test_only_days_cut_and_rows_doubled_let_days_stand_on_both_sides(days):
    for leak in folds.LEAKS:
        split = folds.estimate(leak, 5, 0).split
        day = np.tile(days.day, 2) if leak == "rows doubled" else days.day
        known = sum(leaks(train, test, groups=day).groups for train, test in split)
        assert (known > 0) == (leak in ("days cut", "rows doubled")), leak


def test_repeats_deal_the_rows_out_anew_and_leave_the_truth_as_it_is():
    one, other = (folds.estimate("days cut", 5, repeat) for repeat in (0, 1))
    assert not np.array_equal(one.split.fold, other.split.fold)
    assert one.truth == other.truth


def test_the_truth_is_the_area_on_flights_of_other_days(days):
    whole = folds.standard_scaling(days.x)
    known, new = (folds.weighted(whole.transform(x))[:, :3] for x in (days.x, days.new_x))
    theirs = roc_auc_score(days.new_y, folds.late_scores(known, days.y, new))
    assert folds.estimate("none: whole days", 5, 0).truth == theirs


@pytest.mark.parametrize("k", folds.KS)
def test_a_copy_of_a_row_is_worth_most_at_every_repeat(k):
    assert {folds.worth_most(k, repeat) for repeat in range(3)} == {"rows doubled"}


def test_scaling_with_all_rows_in_sight_is_worth_nothing_here():
    for repeat in range(3):
        without, with_ = (folds.estimate(leak, 5, repeat) for leak in ("none: whole days", "scaled outside"))
        assert abs(with_.worth - without.worth) < 0.02


def test_a_frame_shows_each_row_in_the_colour_of_its_fold():
    frame = folds.folds_frame(leak="rows doubled", k=5, repeat=2)
    split = folds.estimate("rows doubled", 5, 2).split
    cells = frame.overlays[0].colors
    assert cells.shape == (folds.N_DAYS, 2 * folds.A_DAY, 3)
    np.testing.assert_array_equal(cells[1, 3], folds.fold_colours(5)[split.fold[folds.A_DAY + 3]])
    np.testing.assert_array_equal(
        cells[1, folds.A_DAY + 3], folds.fold_colours(5)[split.fold[len(split.fold) // 2 + 15]]
    )
    assert len(frame.lines[3][0]) == 3
    assert frame.quest_met
