"""The engine behind the exercises, on an exercise made for the purpose."""

import numpy as np
import pytest
import torch

from kit.check.claim import settle
from kit.check.exercise import CORRECT, RAISED, WRONG, Exercise, Mistake
from kit.check.ledger import gradient_ledger
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
    assert "Progress is not kept" in repr(settle("E05", {"E05.1": [0.0]}))
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


third = Exercise(
    notebook="99",
    name="a third",
    solution=lambda x: x / 3,
    cases=((np.array([1.0, 2.0]),),),
)
pair = Exercise(notebook="99", name="a pair", solution=lambda a, b: (a, b), cases=((3, 4), (5, 6)))
flags = Exercise(notebook="99", name="flags", solution=lambda x: x > 0, cases=((np.arange(-6.0, 7.0),),))
text = Exercise(notebook="99", name="text", solution=lambda x: x.upper(), cases=(("a text that is long enough",),))
held = Exercise(
    notebook="99",
    name="the largest of the first",
    solution=lambda arrays, counts: float(arrays[0].max()) + len(counts),
    cases=(((np.array([1.0, 2.0]), np.array([3.0])), [1, 2]),),
)


def sorts_an_array_inside_a_tuple(arrays, counts):
    arrays[1][:] = 0
    return 4.0


def empties_a_list(arrays, counts):
    counts.clear()
    return 4.0


@pytest.mark.parametrize(
    ("attempt", "name"), [(sorts_an_array_inside_a_tuple, "arrays"), (empties_a_list, "counts")], ids=["array", "list"]
)
def test_what_lies_inside_tuples_and_lists_is_guarded_as_arrays_are(attempt, name):
    assert held(attempt).hint == f"Your function changed its argument {name} in place. Work on a copy."


@pytest.mark.parametrize("form", [tuple, list, np.array, torch.tensor], ids=["tuple", "list", "array", "tensor"])
def test_a_list_does_for_a_tuple_and_so_does_an_array(form):
    assert pair(lambda a, b: form([a, b])).outcome == CORRECT


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda x: (v for v in x), "a generator, which makes its values only when asked"),
        (lambda x: map(abs, x), "a map, which makes"),
        (lambda x: {"a": 1}.values(), "a view of a dictionary"),
        (lambda x: {1.0, 2.0}, "a set"),
        (lambda x: lambda step: x, "returned a function"),
        (lambda x: x.mean, "returned a function"),
    ],
    ids=["generator", "map", "view", "set", "lambda", "method"],
)
def test_the_type_is_judged_before_it_is_asked_whether_two_calls_agree(attempt, words):
    hint = double(attempt).hint
    assert words in hint
    assert "Two calls" not in hint


def test_a_default_that_calls_share_is_told_of():
    def grows(a, b, kept=[]):  # noqa: B006
        kept.append(a)
        return kept

    assert "a default of []" in pair(grows).hint


def test_a_result_in_place_of_the_function_is_told_so():
    verdict = double(2 * np.ones(2))
    assert verdict.hint == "Pass the function itself: its name alone, with no brackets after it."
    assert "[2. 2.]" in repr(verdict)
    assert double(None).hint == verdict.hint


@pytest.mark.parametrize(
    ("exercise", "attempt", "words"),
    [
        (pair, lambda a, b: (a, b, 1), "Expected 2 values, as a tuple; got 3: (3, 4, 1)."),
        (pair, lambda a, b: a, "Expected 2 values, as a tuple; got one: 3."),
        (pair, lambda a, b: (a, b + 1), "Value 2 of 2: Expected 4; got 5."),
        (third, lambda x: x / 3 + 1e-5, "Expected [0.333333 0.666667]; got [0.333343 0.666677]."),
        (third, lambda x: (x / 3).astype(np.float16), "as many as float16 keeps: compute in a finer format."),
        (flags, lambda x: x >= 0, "1 of 13 differ, the first at index (6,): expected False, got True."),
        (flags, lambda x: x, "Expected True or False, dtype bool; got numbers, dtype float64."),
        (text, lambda x: x.title(), "Differs at place 3, after 'A T': expected 'EXT THAT', got 'ext That'."),
    ],
    ids=["three", "one", "second", "digits", "float16", "flag", "numbers", "text"],
)
def test_a_message_says_what_differs(exercise, attempt, words):
    assert words in exercise(attempt).hint


def test_a_case_is_shown_by_the_names_of_its_arguments_and_up_to_a_dozen_numbers():
    assert "The case: values = [1. 2.]" in repr(double(lambda values: values))
    assert "x = [-6. -5. -4. -3. -2. -1. 0. 1. 2. 3. 4. 5. ...], of shape (13,)" in repr(flags(lambda x: x >= 0))
    assert "The case: a = 3, b = 4" in repr(pair(lambda *both: 1))


def test_a_value_is_not_given_away():
    secret = Exercise(notebook="99", name="secret", solution=lambda: [17, 23], cases=[()])
    for answer in ([17, 24, 1], 5, "text", [[1], [2, 3]], torch.zeros(2, device="meta"), lambda: 3):
        assert "23" not in repr(secret(answer))
    assert secret([17, 24, 1]).hint == "1 of your 3 numbers are right, and 1 are missing."
    assert secret([23, 17]).outcome == WRONG
    assert secret((17, 23)).outcome == CORRECT


def test_an_operation_that_torch_lacks_is_an_error_and_no_empty_stub():
    assert double(lambda x: torch.zeros(2, device="meta").item()).outcome == RAISED
