import numpy as np
import pytest

from kit.explore.losses import (
    BMI,
    NUMBERS,
    PROGRESSION,
    best_number,
    number_frame,
    outlier,
    patients,
    stay_losses,
    tilt,
)
from kit.learn.linear import least_squares, with_intercept


def test_the_patient_is_pulled_back_by_all_others_together():
    found = tilt(20.0, 900.0, delta=50.0)
    bmi, progression = patients()
    for line, most, pull in zip((found.mse, found.huber), (np.inf, 50.0), found.pulls, strict=True):
        others = np.clip(progression - (line[0] + line[1] * bmi), -most, most)
        assert others.sum() == pytest.approx(-pull, rel=1e-6)  # at the optimum the pulls cancel


def test_a_large_delta_makes_huber_mse():
    found = tilt(20.0, 900.0, delta=1e6)
    np.testing.assert_allclose(found.huber, found.mse, rtol=1e-9)
    np.testing.assert_allclose(found.pulls[0], found.pulls[1], rtol=1e-9)


def test_huber_pulls_with_delta_at_most_and_with_the_error_below_it():
    far, near = tilt(20.0, 900.0, delta=50.0), tilt(20.0, 120.0, delta=50.0)
    assert far.pulls[1] == pytest.approx(50.0, rel=1e-12)
    assert near.pulls[1] == pytest.approx(near.errors[1], rel=1e-12)
    assert tilt(20.0, -900.0, delta=50.0).pulls[1] == pytest.approx(-50.0, rel=1e-12)


def test_the_mse_line_moves_in_proportion_to_the_outlier():
    slopes = [tilt(20.0, y, delta=50.0).mse[1] for y in (0.0, 500.0, 1000.0)]
    assert slopes[0] - slopes[1] == pytest.approx(slopes[1] - slopes[2], rel=1e-9)


def test_the_outliers_sentence_names_both_slopes_and_both_pulls():
    view = outlier()
    sentence = view.frame_at([control.start for control in view.controls]).sentence
    bmi, progression = patients()
    without = least_squares(with_intercept(bmi[:, None]), progression)[1]
    assert f"Slope without the patient {without:.1f}" in sentence
    assert "by MSE" in sentence
    assert "by Huber" in sentence


def test_the_outlier_stays_inside_the_picture():
    view = outlier()
    for control, (low, high) in zip(view.controls[1:], (BMI, PROGRESSION), strict=True):
        assert (control.values[0], control.values[-1]) == (low, high)


@pytest.mark.parametrize("longest", [5.0, 11.5, 25.0])
def test_no_number_is_charged_less_than_the_mean_by_squares_and_the_median_by_sizes(longest):
    stays = np.array([1, 2, 3, 4, longest])
    charged = np.array([stay_losses(number, longest=longest) for number in NUMBERS])
    assert (charged[:, 0] >= stays.var() * (1 - 1e-12)).all()  # the mean squared error of the mean
    assert (charged[:, 1] >= np.abs(stays - 3).mean() * (1 - 1e-12)).all()
    np.testing.assert_allclose(stay_losses(stays.mean(), longest=longest)[0], stays.var(), rtol=1e-12)


def test_the_longest_stay_moves_the_mean_and_not_the_median():
    near, far = (number_frame(longest=longest, number=3.0) for longest in (5.0, 25.0))
    assert "lowest at 3.0, and" in near.sentence
    assert "lowest at 7.0, and" in far.sentence
    assert "by sizes, which are lowest at 3." in near.sentence
    assert "by sizes, which are lowest at 3." in far.sentence
    assert far.quest_met
    assert not near.quest_met
    assert best_number().controls[1].values == NUMBERS.tolist()
