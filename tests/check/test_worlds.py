"""A smaller count of the simulated worlds; `python -m tests.check.worlds` makes the whole."""

import pytest

from tests.check.worlds import HIGHEST, KINDS, LOWEST, WRONG, furthest, simulate, skewed

FEW = 200


@pytest.mark.parametrize("name", KINDS)
def test_intervals_hold_the_truth_and_verdicts_on_the_bar_are_seldom_wrong(name):
    found = simulate(name, KINDS[name], worlds=FEW)
    # the count is of few worlds: beyond the bounds by what chance may add to a kind that just keeps them
    assert LOWEST - furthest(LOWEST, FEW) <= found["covered"] <= HIGHEST + furthest(HIGHEST, FEW)
    assert max(found["holds"], found["fails"]) <= WRONG + furthest(WRONG, FEW)


@pytest.mark.parametrize("name", KINDS)
def test_a_true_world_holds_and_a_false_one_fails(name):
    found = simulate(name, KINDS[name], worlds=FEW)
    assert min(found["true"], found["false"]) > 0.5


def test_of_few_numbers_the_bootstrap_is_narrower_than_students_interval():
    student, corrected, bootstrap = skewed(10, worlds=FEW)
    assert bootstrap < student <= corrected
