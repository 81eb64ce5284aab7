import pytest

from kit.check.prediction import Prediction, calibration
from kit.check.progress import events


def question() -> Prediction:
    return Prediction(notebook="99", question="Which?", options=("a", "b"))


def test_a_prediction_is_scored_by_brier():
    guess = question()
    guess.commit("a", confidence=0.9)
    assert "Brier score 0.81" in repr(guess.reveal("b"))
    assert events("prediction")[-1]["right"] is False


def test_nothing_committed_is_nothing_recorded():
    before = len(events("prediction"))
    assert "No prediction was committed" in repr(question().reveal("a"))
    assert len(events("prediction")) == before


def test_a_prediction_is_committed_once():
    guess = question()
    guess.commit("a", confidence=0.6)
    with pytest.raises(ValueError, match="committed once"):
        guess.commit("b", confidence=0.6)


@pytest.mark.parametrize(
    ("number", "option"), [(0.2, "less"), (1.0, "about as much"), (1.9, "about as much"), (2, "more")]
)
def test_a_measured_number_finds_its_option(number, option):
    guess = Prediction(notebook="99", question="?", options=("less", "about as much", "more"), borders=(1, 2))
    assert f"Measured: {option}" in repr(guess.reveal(number))


@pytest.mark.parametrize("borders", [(1,), (2, 1), (1, 1), (1, float("nan"))])
def test_borders_that_do_not_part_the_options_are_refused(borders):
    with pytest.raises((ValueError, TypeError), match="borders must"):
        Prediction(notebook="99", question="?", options=("a", "b", "c"), borders=borders)


@pytest.mark.parametrize(("answer", "confidence"), [("c", 0.5), ("a", 0), ("a", 1), ("a", float("nan"))])
def test_commit_rejects_what_is_no_answer_or_no_probability(answer, confidence):
    guess = question()
    with pytest.raises(ValueError, match=r"answer|confidence"):
        guess.commit(answer, confidence=confidence)
    assert guess.answer is None


def test_the_form_commits_what_was_chosen():
    guess = question()
    form = guess._form()
    _, answers, row, note = form.children
    sure, button = row.children
    button.click()
    assert "Choose an answer first" in note.value
    answers.value, sure.value = "b", 80
    button.click()
    assert (guess.answer, guess.confidence) == ("b", 0.8)
    assert answers.disabled
    assert "Committed: b" in note.value


def test_calibration_compares_sureness_with_being_right(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_PROGRESS", str(tmp_path / "progress.jsonl"))
    assert "No predictions yet" in repr(calibration())
    for confidence, measured in ((0.9, "a"), (0.9, "b"), (0.5, "a")):
        guess = question()
        guess.commit("a", confidence=confidence)
        guess.reveal(measured)
    text = repr(calibration())
    assert "3 predictions, mean Brier score 0.36" in text  # (0.01 + 0.81 + 0.25) / 3
    assert "90% sure on average: right 1 times of 2" in text
