"""Exercises: an attempt is correct, not attempted, raised an error, or is wrong with a hint.

An exercise knows kit's own solution and the usual mistakes, each as the function that it leads to.
An attempt that agrees with a mistake on every case gets that mistake's hint.

Taught in: every notebook
"""

import contextlib
import copy
import io
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kit.check.answers import as_array, differ, difference, frozen, same, unusable
from kit.check.card import GREEN, GREY, ORANGE, RED, Card
from kit.check.deadline import OutOfTime, deadline
from kit.check.progress import record
from kit.check.wording import argument, case_shown, describe, names_of
from kit.check.worked import way_to

CORRECT, NOT_ATTEMPTED, RAISED, WRONG = "correct", "not attempted yet", "your code raised an error", "not yet right"
SECONDS = 60  # for all cases of an exercise together; kit's own solutions need less than one
_wrong_so_far: Counter[tuple[str, str]] = Counter()
_KIT = str(Path(__file__).parents[1])
_COLORS = {CORRECT: GREEN, NOT_ATTEMPTED: GREY, RAISED: ORANGE, WRONG: RED}


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict(Card):
    """What became of an attempt: its outcome, and the hint if there was one."""

    outcome: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A mistake that people make: the function it leads to, and the hint that leads out of it."""

    hint: str
    answer: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A function, or a value, for the learner to give.

    Call the exercise with an attempt to have it checked: shape and dtype first, then values,
    nothing ever broadcast. Tensors count as arrays; the attempt gets copies, and must leave them as they were.
    A wrong attempt gets a hint, the second in a row the way in words as well, and the third a worked case.

    Args:
        name: what the learner sees; the notebook's number stands before it in the progress file.
        solution: kit's own answer.
        cases: the inputs of each trial; a single empty tuple for a value.
        mistakes: the first that fits gives the hint.
        rtol: how far a number may be from the solution's, relative to the largest in its array.
    """

    notebook: str
    name: str
    solution: Callable[..., Any]
    cases: Sequence[tuple[Any, ...]]
    mistakes: Sequence[Mistake] = ()
    rtol: float = 1e-6

    def __call__(self, attempt: Any) -> Verdict:
        """Check an attempt, record the outcome, and return a verdict that shows itself."""
        with np.errstate(all="ignore"):  # an overflow is judged by what comes of it
            verdict = self._judge(attempt)
            more = self._more(verdict.outcome)
        kept = record({"kind": "exercise", "notebook": self.notebook, "name": self.name, "outcome": verdict.outcome})
        return replace(verdict, lines=(*verdict.lines, *more, *kept))

    def _more(self, outcome: str) -> list[str]:
        """Give what a further wrong attempt at this exercise has earned: the way in words, then a worked case."""
        here = self.notebook, self.name
        if outcome == CORRECT:
            _wrong_so_far.pop(here, None)
        if outcome != WRONG:
            return []
        _wrong_so_far[here] += 1
        if _wrong_so_far[here] == 1 or (way := way_to(self.name)) is None:
            return []
        steps = way(*copy.deepcopy(self.cases[0]))
        if _wrong_so_far[here] == 2 or self.asks_for_a_value:
            return [f"The way there: {'; '.join(name for name, _ in steps)}."]
        names = names_of(way, self.solution, len(self.cases[0]))
        return [
            f"A worked case: {case_shown(names, self.cases[0])}",
            *(f"· {name}: {argument(value)}" for name, value in steps),
        ]

    @property
    def asks_for_a_value(self) -> bool:
        """Whether the answer is a value, and no function."""
        return not self.cases[0]

    def _judge(self, attempt: Any) -> Verdict:
        if attempt is ... or (attempt is None and self.asks_for_a_value):
            return self._verdict(NOT_ATTEMPTED, "Replace the dots by your answer, and run the cell again.")
        if not callable(attempt) and not self.asks_for_a_value:
            hint = "Pass the function itself: its name alone, with no brackets after it."
            return self._wrong(hint, f"You passed what a call of it gave: {describe(attempt)}.")
        function = attempt if callable(attempt) else lambda: attempt
        answers = self._answers(function)
        if isinstance(answers, Verdict):
            return answers
        expected = [self._seen(self.solution(*copy.deepcopy(case))) for case in self.cases]
        problems = [self._problem(got, want) for got, want in zip(answers, expected, strict=True)]
        if not any(problems):
            n = len(self.cases)
            return self._verdict(CORRECT, f"Agrees with the kit's own solution on {n} case{'s' if n > 1 else ''}.")
        for mistake in self.mistakes:
            if all(self._same_mistake(mistake, case, got) for case, got in zip(self.cases, answers, strict=True)):
                return self._wrong(mistake.hint)
        if not self.asks_for_a_value and not self._repeats(function, answers):
            return self._wrong(
                "Two calls with the same arguments gave two answers. Seed what is random; and let no call change what "
                "the next one uses, such as a global or a default of []."
            )
        if self.asks_for_a_value:
            return self._wrong(_without_the_answer(answers[0], expected[0]))
        case, problem = next((c, p) for c, p in zip(self.cases, problems, strict=True) if p)
        return self._wrong(problem, self._shown(function, case))

    def _answers(self, function: Callable[..., Any]) -> list[Any] | Verdict:
        """Call the attempt on every case; a verdict where it raises, returns nothing usable, or does not end."""
        answers, case = [], self.cases[0]
        try:
            with deadline(SECONDS):
                for case in self.cases:
                    given = copy.deepcopy(case)
                    answer = function(*given)
                    if wrong := unusable(answer):
                        return self._wrong(wrong)
                    answers.append(frozen(self._seen(answer)))
                    changed = [not same(after, before) for after, before in zip(given, case, strict=True)]
                    if any(changed):
                        name = names_of(function, way_to(self.name) or self.solution, len(case))[changed.index(True)]
                        return self._wrong(f"Your function changed its argument {name} in place. Work on a copy.")
        except OutOfTime:
            hint = f"Your function was stopped after {SECONDS:g} seconds. Does a loop in it never end?"
            return self._wrong(hint, self._shown(function, case))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # exit() as well
            if isinstance(error, NotImplementedError) and not _from_torch(error):
                return self._verdict(NOT_ATTEMPTED, "Write your code in place of the raise, and run the cell again.")
            return self._verdict(
                RAISED, f"{type(error).__name__}: {_cut(str(error))}", *_where(error), self._shown(function, case)
            )
        return answers

    def _seen(self, answer: Any) -> Any:
        """Take from an answer what is judged of it."""
        return answer

    def _problem(self, got: Any, want: Any) -> str:
        """Say how an answer differs from the expected one; an empty string where it does not."""
        return difference(got, want, rtol=self.rtol)

    def _same_mistake(self, mistake: Mistake, case: tuple[Any, ...], got: Any) -> bool:
        try:
            return not self._problem(got, self._seen(mistake.answer(*copy.deepcopy(case))))
        except Exception:  # a mistake need not have an answer for every case
            return False

    def _repeats(self, function: Callable[..., Any], answers: Sequence[Any]) -> bool:
        """Tell whether a second call gives the same; on every case, for a small one may agree by luck."""
        try:
            with contextlib.redirect_stdout(io.StringIO()), deadline(SECONDS):
                again = (self._seen(function(*copy.deepcopy(case))) for case in self.cases)
                return not any(map(differ, again, answers))
        except (Exception, OutOfTime):
            return False

    def _shown(self, function: Callable[..., Any], case: tuple[Any, ...]) -> str:
        names = names_of(function, way_to(self.name) or self.solution, len(case))
        return f"The case: {case_shown(names, case)}" if case else ""

    def _wrong(self, hint: str, *lines: str) -> Verdict:
        return self._verdict(WRONG, hint, *lines, hint=hint)

    def _verdict(self, outcome: str, *lines: str, hint: str = "") -> Verdict:
        return Verdict(
            color=_COLORS[outcome], heading=f"{self.name}: {outcome}", lines=lines, outcome=outcome, hint=hint
        )


def forget() -> None:
    """Begin the hints of every exercise anew, as a new kernel does."""
    _wrong_so_far.clear()


def _without_the_answer(got: Any, want: Any) -> str:
    """Say of a value that it is wrong, and of a list how much of it is right, but not what is."""
    asked = "a number" if np.ndim(want) == 0 else "numbers"
    try:
        numbers = as_array(got)
    except ValueError:
        return f"Expected {asked}; got rows of different lengths."
    except Exception as error:
        return f"Expected {asked}; got {error if isinstance(error, TypeError) else describe(got)}."
    if numbers.dtype.kind not in "biuf" or numbers.ndim != np.ndim(want):
        return f"Expected {asked}; got {describe(got)}."
    if numbers.ndim == 0:
        return f"{describe(got)} is not it."
    right = int(np.isin(want, numbers).sum())
    return f"{right} of your {len(numbers)} numbers are right, and {np.size(want) - right} are missing."


def _from_torch(error: NotImplementedError) -> bool:
    return any(words in str(error) for words in ("Could not run", "not implemented for"))


def _cut(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _where(error: BaseException) -> list[str]:
    """Give the innermost line of the learner's own cell that led to the error."""
    others = ("site-packages", _KIT)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.line and not any(other in frame.filename for other in others)]
    return [f"in line {own[-1].lineno} of {own[-1].name}: {own[-1].line}"] if own else []
