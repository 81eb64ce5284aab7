"""Hints in stages: the first wrong attempt is told what is wrong, the second the way, the third a worked case."""

import copy

import pytest

from kit.check.exercise import Exercise, forget
from kit.check.start import mean, stall
from kit.check.worked import way_to
from tests.check.mutants import all_exercises


@pytest.fixture(autouse=True)
def _a_new_kernel():
    forget()


def test_each_wrong_attempt_earns_more():
    texts = [repr(mean(lambda x: x.sum())) for _ in range(4)]
    assert "The way there" not in texts[0]
    assert "The way there: the sum; how many numbers there are; the sum by their number." in texts[1]
    assert "A worked case: x = [1. 2. 3.]\n  · the sum: 6\n  · how many numbers there are: 3" in texts[2]
    assert texts[3] == texts[2]
    assert all("That is the sum" in text for text in texts)


def test_exercises_are_counted_apart_and_a_right_answer_begins_anew():
    mean(lambda x: x.sum())
    assert "The way there" not in repr(stall(2048))
    mean(lambda x: x.mean())
    assert "The way there" not in repr(mean(lambda x: x.sum()))


def test_what_is_not_attempted_or_raises_does_not_count():
    def stub(x):
        raise NotImplementedError

    for attempt in (stub, ..., lambda x: x.meen()):
        assert "The way there" not in repr(mean(attempt))
    assert "The way there" not in repr(mean(lambda x: x.sum()))


def test_a_value_is_never_given_away():
    texts = [repr(stall(300)) for _ in range(4)]
    assert "The way there" in texts[1]
    assert texts[3] == texts[1]
    assert not any("256" in text for text in texts)


def test_an_exercise_without_a_way_says_what_it_says():
    bare = Exercise(notebook="99", name="bare", solution=lambda x: x, cases=((1,),))
    assert repr(bare(lambda x: x + 1)) == repr(bare(lambda x: x + 1))


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.name)
def test_every_way_ends_at_the_answer(exercise):
    case = exercise.cases[0]
    steps = way_to(exercise.name)(*copy.deepcopy(case))
    assert len(steps) > 1
    if exercise.asks_for_a_value:
        assert {value for _, value in steps} == {None}
    else:
        answer, expected = steps[-1][1], exercise.solution(*copy.deepcopy(case))
        assert exercise._problem(exercise._seen(answer), exercise._seen(expected)) == ""
