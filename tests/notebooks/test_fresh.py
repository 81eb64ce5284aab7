import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.notebooks.fresh import change, compared, drawn_anew, main


def verdict(*outcomes):
    cases = [
        {"case": str(k), "outcome": outcome, "estimate": 1.0, "low": 0.9, "high": 1.1, "repetitions": 10, "lacking": ""}
        for k, outcome in enumerate(outcomes)
    ]
    counted = {**cases[0], "repetitions": 1}
    return {"A01": {"sentences": [{"id": "A01.1", "cases": cases}, {"id": "A01.2", "cases": [counted]}]}}


def test_an_outcome_that_turns_round_is_a_flip():
    lines = list(compared(verdict("holds", "fails"), verdict("fails", "fails")))
    assert lines[0] == ("A01", "A01.1", "0", "holds", "fails", "1: 0.9 to 1.1", "1: 0.9 to 1.1", "FLIPS")
    assert lines[1][-1] == ""
    assert len(lines) == 2  # what is counted has no seeds


def test_what_was_not_drawn_anew_is_said_to_be_so():
    assert {line[4] for line in compared(verdict("holds", "fails"), {})} == {"not run"}


def test_changes_have_names():
    assert change("fails", "holds") == "FLIPS"
    assert change("fails", "not shown") == "weaker"
    assert change("not shown", "fails") == "settled"


def test_a_notebook_is_run_on_the_fresh_numbers_and_goes_on_after_a_cell_that_lacks_them(tmp_path):
    cells = [
        "import os\nfrom kit.check.claim import settle\nfrom kit.evidence.store import first_seed",
        "raise ValueError('missing')",
        "settle('E05', {'E05.1': [float(first_seed())]})",
    ]
    path = tmp_path / "99_sample.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    found = drawn_anew(path)
    assert found["E05"]["sentences"][0]["cases"][0]["high"] >= 7000
    assert not any(cell.outputs for cell in nbformat.read(path, as_version=4).cells)


def test_an_unknown_claim_is_refused(capsys):
    assert main(["Z99"]) == 2
    assert "no claim named Z99" in capsys.readouterr().out
