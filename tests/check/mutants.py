"""Exercise checks against the mistakes that people really make, written as people write them.

    python -m tests.check.mutants

prints, for each exercise, how many mutants were rejected with the right hint, and that kit's
own solution and the notebook's were accepted. Each topic's mutants stand in <topic>_mutants.py.
"""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import nbformat

from kit.check.course import EXERCISES
from kit.check.exercise import CORRECT, Exercise, Verdict, forget

ROOT = Path(__file__).parents[2]
TOPICS = sorted({path.stem for path in Path(__file__).parent.glob("*_mutants.py")} - {"machine_mutants"})
NAMED = [pair for topic in TOPICS for pair in import_module(f"tests.check.{topic}").MUTANTS.items()]
MUTANTS = dict(NAMED)


def cells(notebook: str) -> list:
    (path,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
    return nbformat.read(path, as_version=4).cells


@cache
def solutions(notebook: str) -> list[str]:
    """Find the folded solutions of a notebook's exercises, in order."""
    text = "\n".join(cell.source for cell in cells(notebook))
    return re.findall(r"<summary>Solution</summary>\s*```python\n(.*?)```", text, re.S)


@cache
def learners_names(notebook: str) -> dict[str, object]:
    """Run a notebook's cell of imports, and its solutions: what a learner's cell may build on."""
    names: dict[str, object] = {}
    code = (cell.source for cell in cells(notebook) if cell.cell_type == "code")
    exec(next(source for source in code if source.startswith(("import ", "from "))), names)
    for solution in solutions(notebook):
        exec(solution, names)
    if "shingles" in names:  # a second of work, in which every attempt at the leak begins alike
        names["shingles"] = cache(names["shingles"])
    return names


def attempt(source: str, notebook: str) -> object:
    """Run a learner's cell, and return what its last definition or assignment made."""
    names = dict(learners_names(notebook))
    exec(compile(source, "<learner's cell>", "exec"), names)
    made = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign)]
    last = made[-1]
    return names[last.targets[0].id if isinstance(last, ast.Assign) else last.name]  # type: ignore[attr-defined]


def all_exercises() -> list[Exercise]:
    return [exercise for exercises in EXERCISES.values() for exercise in exercises]


def notebook_solution(exercise: Exercise, number: int) -> str:
    """Find the folded solution of a notebook's exercise, counted from 0."""
    return solutions(exercise.notebook)[number]


def judge(exercise: Exercise, source: str) -> Verdict:
    """Check a first attempt: what an earlier one has earned is forgotten."""
    forget()
    return exercise(attempt(source, exercise.notebook))


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
