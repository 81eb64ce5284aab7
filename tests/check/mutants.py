"""Exercise checks against the mistakes that people really make, written as people write them.

    python -m tests.check.mutants

prints, for each exercise, how many mutants were rejected with the right hint, and that kit's
own solution and the notebook's were accepted.
"""

import re
from pathlib import Path

import nbformat
import numpy as np

from kit.check.course import EXERCISES
from kit.check.exercise import CORRECT, Exercise, Verdict
from kit.learn.descent import descend
from kit.text.bpe import merge_pair
from tests.check import bpe_mutants, descent_mutants, start_mutants

MUTANTS = {**start_mutants.MUTANTS, **descent_mutants.MUTANTS, **bpe_mutants.MUTANTS}
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def attempt(source: str) -> object:
    """Run a learner's cell, and return the last name that it defines."""
    names = {"np": np, "descend": descend, "merge_pair": merge_pair}
    before = set(names)
    exec(compile(source, "<learner's cell>", "exec"), names)
    return [value for name, value in names.items() if name not in before and name != "__builtins__"][-1]


def all_exercises() -> list[Exercise]:
    return [exercise for exercises in EXERCISES.values() for exercise in exercises]


def notebook_solution(exercise: Exercise, number: int) -> str:
    """Find the folded solution of a notebook's exercise, counted from 0."""
    (path,) = NOTEBOOKS.glob(f"{exercise.notebook}_*.ipynb")
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    return re.findall(r"<summary>Solution</summary>\s*```python\n(.*?)```", text, re.S)[number]


def judge(exercise: Exercise, source: str) -> Verdict:
    return exercise(attempt(source))


def rejected_with(verdict: Verdict, words: str) -> bool:
    """Tell whether a verdict turns the attempt down and its text holds the words that help with it."""
    return verdict.outcome != CORRECT and words in repr(verdict)


def main() -> None:
    rejected = accepted = 0
    for exercises in EXERCISES.values():
        for number, exercise in enumerate(exercises):
            verdicts = [(judge(exercise, source), words) for source, words in MUTANTS[exercise.name]]
            right = sum(rejected_with(verdict, words) for verdict, words in verdicts)
            solved = judge(exercise, notebook_solution(exercise, number)).outcome == CORRECT
            own = exercise(exercise.solution if exercise.cases[0] else exercise.solution()).outcome == CORRECT
            rejected, accepted = rejected + right, accepted + solved + own
            counts = f"{right} of {len(verdicts)} mutants rejected with the right hint"
            print(f"{exercise.notebook} {exercise.name}: {counts}; solutions accepted: {solved + own} of 2")
    total = sum(map(len, MUTANTS.values()))
    print(f"all: {rejected} of {total} mutants, {accepted} of {2 * len(MUTANTS)} solutions")


if __name__ == "__main__":
    main()
