"""No small change to a right answer is accepted: `python -m tests.check.machine_mutants` prints the table."""

import pytest

from tests.check.machine_mutants import difference, equivalents, judge, mutants, numbered


@pytest.mark.filterwarnings("ignore")  # a mutant may divide by 0
@pytest.mark.parametrize(("exercise", "source"), numbered(), ids=[exercise.name for exercise, _ in numbered()])
def test_no_mutant_stays_alive(exercise, source):
    row = judge(exercise, source)
    assert row.alive == []
    assert row.killed > 2


def test_a_mutant_changes_one_place():
    found = mutants("def f(x):\n    return x.sum(axis=0) + 1 if x < 2 else min(x, 3)")
    assert "def f(x):\n    return x.mean(axis=0) + 1 if x < 2 else min(x, 3)" in found
    assert "def f(x):\n    return x.sum(axis=0) + 1 if x <= 2 else min(x, 3)" in found
    assert "def f(x):\n    pass" in found
    assert len(found) == len(set(found)) > 20


def test_every_equivalent_mutant_has_its_reason():
    sources = {exercise.name: source for exercise, source in numbered()}
    for (name, named), reason in equivalents().items():
        assert reason.endswith(".")
        assert named in {difference(sources[name], mutant) for mutant in mutants(sources[name])}, named
