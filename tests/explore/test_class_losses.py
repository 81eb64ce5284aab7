import numpy as np
import pytest
from scipy.special import expit

from kit.explore.class_losses import margin_frame, margin_losses


@pytest.mark.parametrize("margin", [-3.0, 0.0, 0.9, 1.0, 2.5])
def test_margin_losses_match_their_formulas(margin):
    wrong = expit(-margin)
    surprisal = np.log1p(np.exp(-margin))
    expected = {
        "squared error": ((margin - 1) ** 2, 2 * (1 - margin)),
        "hinge": (max(0, 1 - margin), float(margin < 1)),
        "cross-entropy": (surprisal, wrong),
        "focal": (wrong**2 * surprisal, wrong**2 * (wrong + 2 * (1 - wrong) * surprisal)),
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
