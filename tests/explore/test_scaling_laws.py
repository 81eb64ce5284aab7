import math

import numpy as np
import pytest

from kit.explore.scaling_laws import (
    BUDGETS,
    LAWS,
    QUEST_BUDGET,
    QUEST_LAW,
    SIZES,
    SPREADS,
    profile_frame,
    profile_view,
    short,
)
from kit.learn.scaling_laws import PUBLISHED


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("budget", [BUDGETS[0], 24.0, BUDGETS[-1]])
def test_the_green_dot_is_the_lowest_of_the_curve(law, budget):
    frame = profile_frame(budget, 10.0, 4, law)
    x, y = frame.lines[2]
    best_x, best_y = frame.lines[6]
    assert best_y <= np.min(y) + 1e-12
    assert best_x == pytest.approx(x[int(np.argmin(y))], abs=(x[1] - x[0]))


def test_the_parabola_goes_near_its_points_and_its_dot_is_its_lowest():
    frame = profile_frame(22.0, 9.5, 4, "Epoch's refit")
    (x, y), (grid, losses), (low_x, low_y) = frame.lines[3:6]
    assert np.abs(np.interp(grid, x, y) - losses).max() < 0.02
    assert low_y <= y.min() + 1e-9
    assert x[0] < low_x < x[-1]


def test_all_models_of_a_curve_cost_the_budget():
    frame = profile_frame(24.0, 11.0, 2, "Epoch's refit")
    budget, rate = frame.lines[7]
    assert budget == 24.0
    assert 6 * 1e11 * (10**rate * 1e11) == pytest.approx(1e24)


def test_off_centre_and_wide_the_parabola_errs_without_noise():
    best = math.log10(PUBLISHED[QUEST_LAW].optimum(1e24).n_params)
    centred, off = (abs(profile_frame(24.0, size, 32, QUEST_LAW).lines[5][0] - best) for size in (11.0, 12.5))
    assert centred < 0.05 < off


def test_the_quest_is_met_near_the_best_size_of_its_budget_and_nowhere_else():
    view = profile_view()
    law, budget = LAWS.index(QUEST_LAW), BUDGETS.index(QUEST_BUDGET)
    met = [view.frame_at([budget, k, 2, law]).quest_met for k in range(len(SIZES))]
    assert 2 <= sum(met) <= 6
    best = math.log10(PUBLISHED[QUEST_LAW].optimum(1e24).n_params)
    assert met[int(np.argmin(np.abs(np.array(SIZES) - best)))]
    assert not any(view.frame_at([budget - 1, k, 2, law]).quest_met for k in range(len(SIZES)))


@pytest.mark.parametrize(
    ("number", "written"), [(999, "999"), (1e3, "1.0k"), (9.96e6, "10M"), (3.2e13, "32T"), (2e19, "20000Q")]
)
def test_large_numbers_are_short(number, written):
    assert short(number) == written


def test_every_spread_has_a_lowest_point_everywhere():
    for budget in (BUDGETS[0], BUDGETS[-1]):
        for size in (SIZES[0], SIZES[-1]):
            for spread in SPREADS:
                assert np.isfinite(profile_frame(budget, size, spread, LAWS[0]).lines[5][0])
