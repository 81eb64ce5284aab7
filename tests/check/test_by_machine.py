"""No small change to a right answer is accepted: a part of `python -m tests.check.machine_mutants`, which runs all."""

import pytest

from tests.check.machine_mutants import difference, equivalents, judge, mutants, numbered

# quick ones, each with a survivor that once was: a tie, a border, a sign, a first loss
SPREAD = {
    "a mean",
    "a check that can be trusted",
    "the pinball loss",
    "softmax of rows of logits",
    "one step of momentum",
    "one step of Adam",
    "the cosine",
    "inverted dropout",
    "early stopping",
    "an experiment: choose the strength",
    "the commonest pair",
    "the causal mask",
    "who sees the future?",
    "an experiment: which head is it?",
    "mask, swap or keep",
    "pack rows",
    "LoRA, forward",
    "an experiment: labels saved",
    "growth and backoff",
}
CHOSEN = [pair for pair in numbered() if pair[0].name in SPREAD]


@pytest.mark.filterwarnings("ignore")  # a mutant may divide by 0
@pytest.mark.parametrize(("exercise", "source"), CHOSEN, ids=[exercise.name for exercise, _ in CHOSEN])
def test_no_mutant_stays_alive(exercise, source):
    row = judge(exercise, source)
    assert row.alive == []
    assert row.killed > 5


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
