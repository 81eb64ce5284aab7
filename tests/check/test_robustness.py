"""Whatever an attempt is or returns, the check answers with a verdict: over every exercise, every strange thing.

And a right answer is right in every form that its type allows.
"""

import asyncio
import copy
import itertools
import os
import sys
import time
import warnings
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kit.check import exercise as engine
from kit.check.answers import as_array
from kit.check.exercise import CORRECT, NOT_ATTEMPTED, RAISED, WRONG, Exercise, forget
from tests.check.machine_mutants import without_hints
from tests.check.mutants import all_exercises

DTYPES = sorted({x for x in vars(torch).values() if isinstance(x, torch.dtype)}, key=str)
LAYOUTS = [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc]


class Hostile:
    """An answer that breaks under every touch."""

    def __getattr__(self, name):
        raise ValueError(name)

    def __repr__(self):
        raise ValueError("no words")

    def __array__(self, *_, **__):
        raise ValueError("no numbers")

    def __len__(self):
        raise ValueError("no length")

    def __eq__(self, other):
        raise ValueError("no comparison")

    __hash__ = None  # type: ignore[assignment]


class Odd(BaseException):
    """What no `except Exception` holds up."""


def itself() -> list:
    found: list = []
    found.append(found)
    return found


def tensors() -> dict[str, object]:
    """Make a tensor of every dtype, layout and device there is here."""
    found: dict[str, object] = {}
    for dtype in DTYPES:
        try:
            found[f"{dtype}"] = torch.empty(3, dtype=dtype).zero_()
        except (RuntimeError, TypeError):
            found[f"{dtype}"] = torch.empty(3, dtype=dtype, device="meta")
    found |= {f"{layout}": torch.eye(3).to_sparse(layout=layout) for layout in LAYOUTS}
    found |= {
        "meta": torch.zeros(2, 2, device="meta"),
        "meta number": torch.zeros((), device="meta"),
        "gradient": torch.ones(3, requires_grad=True),
        "gradients in a list": [torch.ones((), requires_grad=True), torch.ones(())],
        "gradients in lists": [[torch.ones((), requires_grad=True)], [torch.ones(())]],
        "sparse in a tuple": (torch.eye(2).to_sparse(), torch.eye(2)),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8),
        "conjugate": torch.ones(3, dtype=torch.complex64).conj(),
        "negative view": torch.ones(3, dtype=torch.complex64).conj().imag,
        "empty": torch.zeros(0),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "module": torch.nn.Linear(2, 2),
        "size": torch.Size([2, 3]),
        "dtype": torch.float32,
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.ones(3, device="cuda")
    return found


with warnings.catch_warnings(action="ignore"):  # torch warns of its own formats
    TENSORS = tensors()
ANSWERS: dict[str, object] = TENSORS | {
    "text": "two",
    "bytes": b"two",
    "complex": 1 + 2j,
    "huge": 10**400,
    "large": 2**70,
    "fraction": Fraction(1, 3),
    "NaN": float("nan"),
    "object": object(),
    "objects": [object(), object()],
    "None in a list": [None, 1.0],
    "None in an array": np.array(None),
    "ragged": [1.0, [2.0, 3.0]],
    "ragged arrays": (np.ones(2), np.ones(3)),
    "empty list": [],
    "empty tuple": (),
    "dictionary": {"a": 1},
    "set": {1, 2},
    "view": {"a": 1}.values(),
    "range": range(4),
    "map": map(abs, [1]),
    "count": itertools.count(),
    "function": len,
    "lambda": lambda: 1,
    "class": int,
    "module": np,
    "dates": np.array(["2026-01-01"], dtype="datetime64[D]"),
    "record": np.zeros(2, dtype=[("a", int), ("b", float)]),
    "masked": np.ma.masked_array([1.0, 2.0], mask=[True, False]),
    "matrix of texts": np.array([["a", "b"]]),
    "int8": np.ones(3, dtype=np.int8),
    "uint64": np.full(3, 2**64 - 1, dtype=np.uint64),
    "longdouble": np.ones(3, dtype=np.longdouble),
    "float16": np.ones(3, dtype=np.float16),
    "of no size": np.zeros((0, 3)),
    "of many axes": np.zeros((1,) * 12),
    "itself": itself(),
    "namespace": SimpleNamespace(shape=(2,), dtype=float, ndim=1),
    "hostile": Hostile(),
    "hostile in a list": [Hostile(), 1],
    "not implemented": NotImplemented,
    "dots": ...,
}


def raises(error: BaseException):
    def attempt(*_):
        raise error

    return attempt


async def coroutine(*_):
    return 1


async def asynchronous(*_):
    yield 1


def generator(*_):
    yield 1


def leaves(*_):
    sys.exit(3)


def breaks_its_arguments(*given):
    for each in given:
        for breaks in (list.clear, np.ndarray.fill, torch.Tensor.zero_, torch.Tensor.resize_):
            try:
                breaks(
                    each, *([np.nan] if breaks is np.ndarray.fill else [0] if breaks is torch.Tensor.resize_ else [])
                )
            except Exception:
                continue
    return given


ATTEMPTS = {
    "coroutine": coroutine,
    "asynchronous generator": asynchronous,
    "generator": generator,
    "partial map": lambda *given: map(abs, given),
    "exit": leaves,
    "odd error": raises(Odd("odd")),
    "cancelled": raises(asyncio.CancelledError()),
    "memory": raises(MemoryError()),
    "recursion": raises(RecursionError("too deep")),
    "stop": raises(StopIteration()),
    "long error": raises(ValueError("x" * 100_000)),
    "no arguments": lambda: -7,
    "too many arguments": lambda a, b, c, d, e, f, g, h, i, j: 1,
    "its own arguments": lambda *given: given,
    "nothing": lambda *_: None,
    "a function": lambda *_: lambda step: step,
    "breaks its arguments": breaks_its_arguments,
    "random": lambda *_: np.random.default_rng().normal(),
    "random text": lambda *_: str(os.urandom(4)),
    "random length": lambda *_: [0] * np.random.default_rng().integers(100),
    "class": type("Made", (), {"__init__": lambda self, *_: None}),
}


@pytest.fixture(autouse=True)
def _every_attempt_is_a_first():
    forget()


def verdict_of(exercise: Exercise, attempt: object) -> str:
    """Judge an attempt, and show the verdict in both ways."""
    forget()
    verdict = exercise(attempt)
    assert repr(verdict)
    assert verdict._repr_html_()
    return verdict.outcome


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.name)
def test_no_attempt_breaks_the_check(exercise):
    bare = without_hints(exercise)
    for name, answer in ANSWERS.items():
        assert verdict_of(bare, lambda *_, answer=answer: answer) in (WRONG, CORRECT), name
        assert verdict_of(bare, answer) in (WRONG, RAISED, NOT_ATTEMPTED, CORRECT), name
    for name, attempt in ATTEMPTS.items():
        assert verdict_of(bare, attempt) in (WRONG, RAISED), name


def test_a_loop_that_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(engine, "SECONDS", 0.2)

    def endless(*_):
        while True:
            pass

    def stubborn(*_):
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # as learners write it
                continue

    for exercise in all_exercises()[::6]:
        for attempt in (endless, stubborn):
            verdict = exercise(attempt)
            assert verdict.outcome == WRONG
            assert "Does a loop in it never end?" in verdict.hint


def test_an_interrupt_of_the_learners_gets_through():
    with pytest.raises(KeyboardInterrupt):
        all_exercises()[0](raises(KeyboardInterrupt()))


def forms(answer: object) -> dict[str, object]:
    """Write a right answer in the other forms that its type allows."""
    if isinstance(answer, tuple | list) and not all(isinstance(each, int | np.integer) for each in answer):
        each = [forms(part) for part in answer]
        names = set.intersection(*(set(part) for part in each)) if each else set()
        found = {name: tuple(part[name] for part in each) for name in names}
        return found | {"in a list": list(answer), "in a tuple": tuple(answer)}
    if isinstance(answer, str):
        return {"NumPy's text": np.str_(answer)}
    numbers = as_array(answer)
    found = {"array": numbers, "tensor": torch.tensor(numbers.tolist(), dtype=torch.as_tensor(numbers).dtype)}
    if numbers.ndim:
        found |= {"list": numbers.tolist(), "tuple": tuple(numbers.tolist()), "tensors": list(found["tensor"])}
        found |= {"array in a list": list(numbers), "Fortran's order": np.asfortranarray(numbers)}
    else:
        found |= {"number": numbers.item(), "NumPy's number": numbers[()]}
    if numbers.dtype.kind == "f":
        found |= {"float32": numbers.astype(np.float32), "float32 tensor": found["tensor"].float()}
        found |= {"with a gradient": found["tensor"].clone().requires_grad_(), "wide": numbers.astype(np.longdouble)}
    if numbers.dtype.kind == "i":
        found |= {"float64": numbers.astype(float), "objects": numbers.astype(object)}
    if numbers.ndim == 2 and numbers.dtype.kind != "b":
        found |= {"sparse": found["tensor"].to_sparse()}
    return found


@pytest.mark.filterwarnings("ignore")  # kit's own solution to one of them overflows on purpose
@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.name)
def test_a_right_answer_is_right_in_every_form(exercise):
    right = [exercise.solution(*copy.deepcopy(case)) for case in exercise.cases]
    written = [forms(answer) for answer in right]
    names = set.intersection(*map(set, written))
    assert len(names) >= 1
    for name in sorted(names):
        if exercise.name == "what is remembered" and name == "with a gradient":
            continue  # which is what that exercise forbids
        answers = itertools.cycle([form[name] for form in written])
        verdict = exercise(lambda *_, answers=answers: next(answers))
        assert verdict.outcome == CORRECT, (name, verdict)
