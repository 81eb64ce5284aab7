"""Every exercise of the course: mutants rejected with the right hint, solutions accepted."""

from functools import cache

import numpy as np
import pytest

from kit.check import optimizers
from kit.check.course import EXERCISES
from kit.check.exercise import CORRECT, NOT_ATTEMPTED, Verdict
from tests.check.mutants import MUTANTS, NAMED, all_exercises, judge, notebook_solution, rejected_with

CASES = [(e, source, words) for e in all_exercises() for source, words in MUTANTS[e.name]]
BY_NAME = {exercise.name: exercise for exercise in all_exercises()}
NUMBERED = [(e, number) for exercises in EXERCISES.values() for number, e in enumerate(exercises)]


@pytest.fixture(scope="module", autouse=True)
def _the_fair_races_are_run_once():
    """Keep the tables of the contests, which kit's solution and each of its mistakes would run anew."""
    tables: dict[bytes, np.ndarray] = {}
    run = optimizers._table

    def table(objective, start, makers, rates, target):
        known = start.tobytes() + rates.tobytes()
        return (
            tables[known] if known in tables else tables.setdefault(known, run(objective, start, makers, rates, target))
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimizers, "_table", table)
        yield


@cache
def verdict_on(name: str, source: str) -> Verdict:
    """Judge a mutant once: what it is told, and which hints are earned, are asked apart."""
    return judge(BY_NAME[name], source)


@pytest.mark.parametrize(("exercise", "source", "words"), CASES, ids=[f"{e.name}-{words}" for e, _, words in CASES])
def test_a_mutant_is_rejected_with_its_hint(exercise, source, words):
    verdict = verdict_on(exercise.name, source)
    assert rejected_with(verdict, words), verdict


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.name)
def test_every_hint_has_a_mutant_that_earns_it(exercise):
    earned = {verdict_on(exercise.name, source).hint for source, _ in MUTANTS[exercise.name]}
    assert {mistake.hint for mistake in exercise.mistakes} <= earned


@pytest.mark.parametrize(("exercise", "number"), NUMBERED, ids=[e.name for e, _ in NUMBERED])
def test_kits_and_the_notebooks_solutions_are_accepted(exercise, number):
    own = exercise.solution if exercise.cases[0] else exercise.solution()
    assert exercise(own).outcome == CORRECT
    assert judge(exercise, notebook_solution(exercise, number)).outcome == CORRECT


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.name)
def test_an_untouched_stub_is_not_attempted(exercise):
    def stub(*_):
        raise NotImplementedError

    assert exercise(stub).outcome == NOT_ATTEMPTED
    assert exercise(...).outcome == NOT_ATTEMPTED


def test_every_exercise_has_a_name_of_its_own_and_mutants_under_it():
    assert sorted(name for name, _ in NAMED) == sorted(exercise.name for exercise in all_exercises())
