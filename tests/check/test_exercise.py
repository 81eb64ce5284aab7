"""The engine behind the exercises, on an exercise made for the purpose."""

import numpy as np
import pytest
import torch

from kit.check.exercise import CORRECT, RAISED, WRONG, Exercise, Mistake
from kit.check.ledger import gradient_ledger
from kit.check.parts import settle
from kit.check.prediction import Prediction, calibration
from kit.check.progress import events
from kit.learn.losses import mse

double = Exercise(
    notebook="99",
    name="double",
    solution=lambda x: 2 * x,
    cases=((np.array([1.0, 2.0]),), (np.array([[3.0]]),)),
    mistakes=(Mistake(hint="You squared.", answer=lambda x: x**2),),
)


def wrong(attempt) -> str:
    verdict = double(attempt)
    assert verdict.outcome == WRONG
    return repr(verdict)


def test_a_right_answer_is_correct_and_recorded():
    assert double(lambda x: x + x).outcome == CORRECT
    assert events("exercise")[-1] == {"kind": "exercise", "notebook": "99", "name": "double", "outcome": CORRECT}


def test_an_answer_in_a_list_or_in_float32_is_accepted():
    assert double(lambda x: (2 * x).tolist()).outcome == CORRECT
    assert double(lambda x: (2 * x).astype(np.float32)).outcome == CORRECT


def test_an_error_says_where():
    def broken(x):
        y = 2 * x
        return y[7]

    verdict = double(broken)
    assert verdict.outcome == RAISED
    assert "IndexError" in repr(verdict)
    assert "of broken: return y[7]" in repr(verdict)


def test_an_error_inside_kit_is_located_in_the_learners_code():
    def broken(x):
        return mse(x, x[:1])

    assert "of broken: return mse(x, x[:1])" in repr(double(broken))


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda x: x**2, "You squared."),
        (lambda x: None, "Is a return missing?"),
        (lambda x: 2 * x[None], "Expected shape (2,); got shape (1, 2)"),
        (lambda x: float(2 * x.flat[0]), "Expected [2. 4.]; got 2."),
        (lambda x: 2 * x + np.nan, "NaN"),
        (lambda x: [1.0, [2.0]], "different lengths"),
        (lambda x: x > 0, "dtype bool"),
        (lambda x: "two", "got str 'two'"),
        (lambda x: 2 * x + 1e-3, "Expected [2. 4.]; got [2.001 4.001]"),
        (lambda x: 2 * x + np.random.default_rng().normal(), "Seed what is random"),
        (lambda x: np.multiply(x, 2, out=x), "in place"),
    ],
)
def test_a_wrong_answer_names_what_is_wrong(attempt, words):
    assert words in wrong(attempt)


def test_a_mistake_that_overflows_earns_its_hint_without_a_warning():
    inverse = Exercise(
        notebook="99",
        name="inverse, 0 of 0",
        solution=lambda x: np.divide(1, x, out=np.zeros_like(x), where=x != 0),
        cases=((np.array([2.0, 0.0]),),),
        mistakes=(
            Mistake(hint="The sign is turned round.", answer=lambda x: -1 / x),
            Mistake(hint="1/0 is infinite.", answer=lambda x: 1 / x),
        ),
    )
    assert inverse(lambda x: 1 / x).hint == "1/0 is infinite."
    assert inverse(lambda x: np.full(2, 0.5)).hint == "Expected [0.5 0.]; got [0.5 0.5]."


def test_a_verdict_escapes_what_it_shows():
    assert "<script>" not in double(lambda x: "<script>")._repr_html_()


ANSWER = np.array([1.0, 2.0])
value = Exercise(notebook="99", name="value", solution=lambda: ANSWER, cases=[()])


@pytest.mark.parametrize(
    "answer",
    [
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        torch.tensor([1.0, 2.0], dtype=torch.float8_e4m3fn),
        torch.tensor([1.0, 2.0]).to_sparse(),
        torch.tensor([1.0, 2.0], requires_grad=True),
        [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)],
    ],
    ids=["bfloat16", "float8", "sparse", "with a gradient", "a list"],
)
def test_a_right_answer_is_right_in_every_kind_of_tensor(answer):
    assert value(answer).outcome == CORRECT
    assert gradient_ledger({"w": answer}, {"w": answer}).rows == {"w": "exact"}


def test_an_answer_without_numbers_gets_a_verdict():
    verdict = value(torch.zeros(2, device="meta"))
    assert verdict.outcome == WRONG
    assert "got a tensor on the device meta without numbers" in verdict.hint


def test_a_case_may_be_bfloat16():
    double16 = Exercise(
        notebook="99", name="double, bfloat16", solution=lambda t: 2 * t, cases=[(torch.ones(2, dtype=torch.bfloat16),)]
    )
    assert double16(lambda t: 2 * t).outcome == CORRECT
    assert "in place" in double16(lambda t: t.mul_(2)).hint


def test_a_verdict_is_shown_where_progress_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_PROGRESS", str(tmp_path / "missing" / "progress.jsonl"))
    verdict = value(ANSWER)
    assert verdict.outcome == CORRECT
    assert "Progress is not kept" in repr(verdict)
    assert "Progress is not kept" in repr(settle("B01", {"x": True}, number="1", seeds=1, spread="0"))
    guess = Prediction(notebook="99", question="Which?", options=("a", "b"))
    guess.commit("a", confidence=0.5)
    assert "Progress is not kept" in repr(guess.reveal("a"))
    assert "No predictions yet" in repr(calibration())


def test_tensors_are_judged_as_arrays_are():
    halve = Exercise(notebook="99", name="halve", solution=lambda x: x / 2, cases=((torch.tensor([1.0, 2.0]),),))
    assert halve(lambda x: x.requires_grad_() / 2).outcome == CORRECT
    assert halve(lambda x: x / 3).outcome == WRONG
    assert "in place" in halve(lambda x: x.mul_(3)).hint
    assert "shape (2,)" in halve(lambda x: x[:1] / 2).hint
