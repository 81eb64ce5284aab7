"""Exercises: an attempt is correct, not attempted, raised an error, or is wrong with a hint.

An exercise knows kit's own solution and the usual mistakes, each as the function that it leads to.
An attempt that agrees with a mistake on every case gets that mistake's hint.

Taught in: every notebook
"""

import contextlib
import copy
import io
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kit.check.card import GREEN, GREY, ORANGE, RED, Card
from kit.check.progress import record

CORRECT, NOT_ATTEMPTED, RAISED, WRONG = "correct", "not attempted yet", "your code raised an error", "not yet right"
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
        kept = record({"kind": "exercise", "notebook": self.notebook, "name": self.name, "outcome": verdict.outcome})
        return replace(verdict, lines=(*verdict.lines, *kept))

    def _judge(self, attempt: Any) -> Verdict:
        if attempt is None or attempt is ...:
            return self._verdict(NOT_ATTEMPTED, "Replace the dots by your answer, and run the cell again.")
        function = attempt if callable(attempt) else lambda: attempt
        answers = []
        for case in self.cases:
            given = copy.deepcopy(case)
            try:
                answers.append(function(*given))
            except NotImplementedError:
                return self._verdict(NOT_ATTEMPTED, "Write your code in place of the raise, and run the cell again.")
            except Exception as error:
                return self._verdict(RAISED, f"{type(error).__name__}: {error}", *_where(error), _describe_case(case))
            if (changed := _first_difference(given, case)) is not None:
                hint = f"Your function changed its argument number {changed + 1} in place. Work on a copy."
                return self._wrong(hint)
        expected = [self.solution(*copy.deepcopy(case)) for case in self.cases]
        problems = [self._compare(got, want) for got, want in zip(answers, expected, strict=True)]
        if not any(problems):
            n = len(self.cases)
            return self._verdict(CORRECT, f"Agrees with the kit's own solution on {n} case{'s' if n > 1 else ''}.")
        for mistake in self.mistakes:
            if all(self._same_mistake(mistake, case, got) for case, got in zip(self.cases, answers, strict=True)):
                return self._wrong(mistake.hint)
        with contextlib.redirect_stdout(io.StringIO()):
            again = function(*copy.deepcopy(self.cases[0]))
        if not _equal(answers[0], again):
            return self._wrong("Two calls with the same arguments gave two answers. Seed what is random.")
        case, problem = next((c, p) for c, p in zip(self.cases, problems, strict=True) if p)
        return self._wrong(problem, _describe_case(case))

    def _compare(self, got: Any, want: Any) -> str:
        """Say how an answer differs from the expected one; an empty string where it does not."""
        if got is None:
            return "Your function returned None. Is a return missing?"
        if isinstance(want, tuple):
            if not isinstance(got, tuple) or len(got) != len(want):
                return f"Expected {len(want)} values, as a tuple; got {_describe(got)}."
            return next(filter(None, map(self._compare, got, want)), "")
        if isinstance(want, str):
            return "" if got == want else f"Expected {want!r}; got {_describe(got)}."
        want = as_array(want)
        try:
            given, got = got, as_array(got)
        except ValueError:
            return f"Expected an array of shape {want.shape}; got rows of different lengths."
        except TypeError as error:
            return f"Expected {_describe(want)}; got {error}."
        if got.dtype.kind not in "biuf":
            return f"Expected {_describe(want)}; got {_describe(given)}."
        if got.shape != want.shape and got.ndim and want.ndim:
            return f"Expected shape {want.shape}; got shape {got.shape}."
        if got.shape != want.shape or (got.dtype.kind == "b") != (want.dtype.kind == "b"):
            return f"Expected {_describe(want)}; got {_describe(got)}."
        if got.dtype.kind == "f" and not np.isfinite(got).all():
            if not np.isfinite(want).all() and np.allclose(got, want, self.rtol, self.rtol, equal_nan=True):
                return ""  # a mistake whose answer overflows in the same places
            return "Some numbers in your answer are NaN or infinite."
        difference = np.abs(got.astype(float) - want.astype(float))
        if np.isfinite(want).all() and difference.max() <= self.rtol * np.abs(want).max():
            return ""
        if want.size <= 6:
            return f"Expected {_describe(want)}; got {_describe(got)}."
        worst = tuple(int(i) for i in np.unravel_index(difference.argmax(), want.shape))
        return f"Furthest off at index {worst}: expected {want[worst]:.6g}, got {got[worst]:.6g}."

    def _same_mistake(self, mistake: Mistake, case: tuple[Any, ...], got: Any) -> bool:
        try:
            return not self._compare(got, mistake.answer(*copy.deepcopy(case)))
        except Exception:  # a mistake need not have an answer for every case
            return False

    def _wrong(self, hint: str, *lines: str) -> Verdict:
        return self._verdict(WRONG, hint, *lines, hint=hint)

    def _verdict(self, outcome: str, *lines: str, hint: str = "") -> Verdict:
        return Verdict(
            color=_COLORS[outcome], heading=f"{self.name}: {outcome}", lines=lines, outcome=outcome, hint=hint
        )


def _where(error: BaseException) -> list[str]:
    """Give the innermost line of the learner's own cell that led to the error."""
    others = ("site-packages", _KIT)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.line and not any(other in frame.filename for other in others)]
    return [f"in line {own[-1].lineno} of {own[-1].name}: {own[-1].line}"] if own else []


def _first_difference(given: tuple[Any, ...], case: tuple[Any, ...]) -> int | None:
    for i, (after, before) in enumerate(zip(given, case, strict=True)):
        if hasattr(before, "__array__"):
            after, before = as_array(after), as_array(before)
            if not np.array_equal(after, before, equal_nan=before.dtype.kind == "f"):
                return i
    return None


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    try:
        a, b = as_array(a), as_array(b)
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    except (TypeError, ValueError):  # what is neither number nor array is judged later
        return True


def as_array(value: Any) -> np.ndarray:
    """Take an array as it is; of a tensor, or a list of tensors, the numbers, whatever its device, layout and format.

    Raises:
        TypeError: if it has no numbers, as tensors on the device meta.
        ValueError: if it is ragged.

    >>> as_array([1, 2])
    array([1, 2])
    """
    if isinstance(value, list | tuple):
        return np.asarray([as_array(each) for each in value] if any(map(_is_tensor, value)) else value)
    if not _is_tensor(value):
        return np.asarray(value)
    try:
        value = value.detach().to_dense().cpu()
        return np.asarray(value.float() if value.is_floating_point() and value.itemsize < 4 else value)
    except (NotImplementedError, RuntimeError) as error:
        raise TypeError(f"a tensor on the device {value.device} without numbers to compare: {error}") from None


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "detach")


def _describe(value: Any) -> str:
    if _is_tensor(value):
        value = as_array(value)
    if isinstance(value, np.ndarray):
        if value.ndim == 0 and value.dtype.kind in "biuf":
            return f"{value.item():.6g}" if value.dtype.kind == "f" else str(value.item())
        if value.size <= 6 and value.dtype.kind in "iuf":
            return np.array2string(value, precision=4)
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{type(value).__name__} {value!r}" if isinstance(value, int | float | str) else type(value).__name__


def _describe_case(case: tuple[Any, ...]) -> str:
    return "The case: " + ", ".join(_describe(v) for v in case) if case else ""
