import numpy as np
import pytest
from scipy.special import expit

from kit.explore.losses import BMI, PROGRESSION, margin_frame, margin_losses, outlier, patients, tilt
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


@pytest.mark.parametrize("margin", [-3.0, 0.0, 0.9, 1.0, 2.5])
def test_margin_losses_match_their_formulas(margin):
    wrong = expit(-margin)
    surprise = np.log1p(np.exp(-margin))
    expected = {
        "squared error": ((margin - 1) ** 2, 2 * (1 - margin)),
        "hinge": (max(0, 1 - margin), float(margin < 1)),
        "cross-entropy": (surprise, wrong),
        "focal": (wrong**2 * surprise, wrong**2 * (wrong + 2 * (1 - wrong) * surprise)),
    }
    found = margin_losses(margin)
    assert found.keys() == expected.keys()
    for name, pair in expected.items():
        np.testing.assert_allclose(found[name], pair, rtol=1e-12)


def test_only_squared_error_pulls_back_what_is_right_by_more_than_one():
    assert [name for name, (_, pull) in margin_losses(3.0).items() if pull < 0] == ["squared error"]
    assert not any(pull < 0 for _, pull in margin_losses(1.0).values())


def test_the_margins_quest_is_met_around_two_only():
    met = [u for u in np.linspace(-4, 4, 81).round(1) if margin_frame(u).quest_met]
    assert (met[0], met[-1]) == (1.8, 2.1)
