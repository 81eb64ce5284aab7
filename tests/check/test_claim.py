import base64

import numpy as np
import pytest

from kit.check import claim as module
from kit.check.claim import MIME, claims, finding, settle
from kit.check.sentences import FAILS, HOLDS, IN_PART, NOT_HERE, NOT_SHOWN, Lacking, judge, sentences, together
from kit.check.strips import picture, strips

ROWS = {row.id: row for rows in sentences().values() for row in rows}
PROBLEMS = ("squared error", "logistic loss", "small network")
SPREAD = np.linspace(-1, 1, 40)


def around(value: float, *, spread: float = 0.01, n: int = 40) -> np.ndarray:
    return value * (1 + spread * SPREAD[:n])


def for_b03(shares: float, ratio: float, **others: float) -> dict:
    ratios = {problem: around(others.get(problem.split()[0], ratio)) for problem in PROBLEMS}
    return {"B03.1": {problem: (np.arange(100) < 100 * shares) * 1.0 for problem in PROBLEMS}, "B03.2": ratios}


def test_every_claim_has_sentences_and_every_sentence_a_claim():
    assert sentences().keys() == claims().keys()
    assert [row.id for rows in sentences().values() for row in rows] == [
        f"{claim}.{i}" for claim, rows in sentences().items() for i in range(1, len(rows) + 1)
    ]


def test_every_sentence_can_come_out_either_way():
    """One made-up world in which it is true and one in which it is false, for each of the rows."""
    for row in ROWS.values():
        noise = 1e-3 * SPREAD
        step = max(abs(row.bar), 1e-6) / 2
        sign = -1 if row.relation == "<" else 1
        worlds = [np.full(40, row.bar + sign * side * step) * (1 + noise) for side in (1, -1)]
        if row.relation == "exact":
            worlds = [np.zeros(40), np.full(40, row.bar + 1)]
        if row.kind == "share":  # 400 repetitions of 0 or 1
            worlds = [(np.arange(400) < 400 * share) * 1.0 for share in ((0, 1) if row.relation == "<" else (1, 0))]
        if row.both_sides:
            worlds = [noise * row.bar, row.bar * 2 + noise][::-sign]
        if row.quantity.startswith("absolute") and row.kind == "paired" and not row.both_sides:
            worlds = [np.abs(world) for world in worlds]
        if row.is_ratio:
            worlds = [row.bar * 2.0 ** (sign * side) * (1 + noise) for side in (1, -1)]
        assert [judge(row, "", world).outcome for world in worlds] == [HOLDS, FAILS], row.id


def test_what_a_row_says_is_read_from_it():
    assert ROWS["A02.2"].is_ratio
    assert not ROWS["A02.1"].is_ratio
    assert ROWS["A02.2"].planned == 40
    assert ROWS["H02.1"].planned == 5
    assert ROWS["E07.1"].planned == 10
    assert ROWS["B04.1"].planned == 30
    assert ROWS["E02.1"].planned == 1
    assert ROWS["E02.1"].bar == 0.03
    assert ROWS["F03.1"].bar == 0
    assert ROWS["E01.1"].cases == ("256 tokens", "512 tokens", "1,024 tokens")
    assert ROWS["G02.1"].n_cases == 10
    assert ROWS["C04.1"].n_cases == 4
    assert ROWS["B03.2"].cases == PROBLEMS


@pytest.mark.parametrize(
    ("shares", "ratio", "others", "outcome", "of_cases"),
    [
        (1.0, 50, {}, HOLDS, HOLDS),
        (0.5, 5, {}, FAILS, FAILS),
        (1.0, 5, {}, IN_PART, FAILS),
        (1.0, 50, {"logistic": 5}, IN_PART, IN_PART),
        (0.95, 10, {}, NOT_SHOWN, NOT_SHOWN),
        (0.5, 10, {}, NOT_SHOWN, NOT_SHOWN),
    ],
)
def test_the_outcome_follows_from_sentences_and_these_from_cases(shares, ratio, others, outcome, of_cases):
    verdict = settle("B03", for_b03(shares, ratio, **others))
    assert verdict.outcome == outcome
    assert verdict.table["sentences"][1]["outcome"] == of_cases
    assert together([result.outcome for result in verdict.judged[1][1]]) == of_cases


def test_where_a_machine_is_lacking_nothing_is_settled():
    gpu = Lacking("needs an NVIDIA GPU")
    verdict = settle("G02", {"G02.1": gpu, "G02.2": {f"width {i}": around(1.8) for i in range(10)}})
    assert verdict.outcome == NOT_HERE
    assert "needs an NVIDIA GPU" in repr(verdict)
    some = for_b03(1.0, 50)
    some["B03.2"]["small network"] = gpu
    assert settle("B03", some).outcome == NOT_HERE


def test_a_verdict_shows_estimate_interval_repetitions_margin_and_scope():
    text = repr(settle("B03", for_b03(1.0, 50), scope="one processor"))
    assert claims()["B03"] in text
    assert "≈50, 95% interval ≈49.9 to ≈50.1; 40 repetitions; margin ≈" in text
    assert "Reaches: the three kinds; one processor" in text


def test_counted_numbers_have_no_interval():
    verdict = settle("E05", {"E05.1": [0.02]})
    assert verdict.outcome == HOLDS
    assert "counted: 0.02; 1 repetition" in repr(verdict)
    assert settle("E05", {"E05.1": [0.2]}).outcome == FAILS
    assert verdict.table["sentences"][0]["cases"][0]["margin"] is None


def test_one_exception_fails_what_is_counted():
    evidence = {"F03.1": np.zeros(10), "F03.2": around(1.9)}
    assert settle("F03", evidence).outcome == HOLDS
    evidence["F03.1"][3] = 1
    assert settle("F03", evidence).outcome == IN_PART


def test_a_bias_is_that_of_the_mean_and_has_bars_on_both_sides():
    row = ROWS["C04.1"]
    large_but_centred = judge(row, "", 0.05 * np.linspace(-1, 1, 200))
    assert large_but_centred.outcome == HOLDS
    assert judge(row, "", np.linspace(-0.03, -0.01, 200)).outcome == FAILS
    assert judge(row, "", np.linspace(0.005, 0.016, 10)).outcome == NOT_SHOWN


def test_a_shift_is_that_of_the_mean_to_either_side():
    row = ROWS["G03.1"]
    assert judge(row, "", 2 * np.linspace(-1, 1, 200)).outcome == FAILS
    assert judge(row, "", np.linspace(-1.2, -0.8, 10)).outcome == HOLDS
    assert judge(row, "", np.linspace(0.2, 0.9, 10)).outcome == NOT_SHOWN


def test_fewer_repetitions_than_planned_are_taken_only_if_said():
    evidence = {"F02.1": dict.fromkeys(("mixed units", "one unit", "heavy tails"), around(0.5, n=8))}
    with pytest.raises(ValueError, match=r"evidence of F02\.1, mixed units must have the 10 repetitions"):
        settle("F02", evidence)
    assert "8 of 10 repetitions planned (no time)" in repr(settle("F02", evidence, fewer="no time"))


def test_what_is_left_out_or_unknown_is_named():
    good = for_b03(1.0, 50)
    with pytest.raises(ValueError, match="claim must be an identifier"):
        settle("Z99", good)
    with pytest.raises(ValueError, match=r"'B03\.2' is left out"):
        settle("B03", {"B03.1": good["B03.1"]})
    with pytest.raises(ValueError, match=r"no sentence but 'B03\.1', 'B03\.2'; got str 'B03\.9'"):
        settle("B03", good | {"B03.9": [1.0]})
    with pytest.raises(ValueError, match=r"evidence of B03\.2 must have every case: 'small network' is left out"):
        settle("B03", good | {"B03.2": {problem: around(50) for problem in PROBLEMS[:2]}})
    with pytest.raises(ValueError, match=r"evidence of B03\.2 must have no case but .*; got str 'deep'"):
        settle("B03", good | {"B03.2": good["B03.2"] | {"deep": around(50)}})
    with pytest.raises(ValueError, match=r"evidence of B03\.2, squared error must be > 0, as ratios are"):
        settle("B03", good | {"B03.2": good["B03.2"] | {"squared error": -around(50)}})
    with pytest.raises(ValueError, match=r"evidence of B03\.2, squared error must be finite"):
        settle("B03", good | {"B03.2": good["B03.2"] | {"squared error": [np.inf] * 20}})
    with pytest.raises(ValueError, match=r"evidence of B03\.1, squared error must be from 0 to 1"):
        settle("B03", good | {"B03.1": good["B03.1"] | {"squared error": [2.0] * 20}})
    with pytest.raises(ValueError, match=r"evidence of G02\.1 must have at least 10 cases, got 1"):
        settle("G02", {"G02.1": {"narrow": around(2.0)}, "G02.2": Lacking("a GPU")})
    with pytest.raises(ValueError, match=r"numbers of L02\.3 must be >= 0, as absolute values are"):
        judge(ROWS["L02.3"], "", around(-1))


def test_a_verdict_shows_itself_as_card_picture_text_and_data(monkeypatch):
    shown = []
    monkeypatch.setattr(module, "display", lambda bundle, raw: shown.append(bundle))
    verdict = settle("B03", for_b03(1.0, 50))
    verdict._ipython_display_()
    card, drawn = shown
    assert card[MIME] == verdict.table
    assert card["text/plain"] == repr(verdict)
    assert base64.b64decode(drawn["image/png"]).startswith(b"\x89PNG")
    shown.clear()
    settle("G02", {"G02.1": Lacking("a GPU"), "G02.2": Lacking("a GPU")})._ipython_display_()
    assert len(shown) == 1


def test_strips_have_a_row_a_case_a_dot_a_repetition_and_the_bar():
    figure = strips(settle("B03", for_b03(1.0, 50)).judged)
    assert len(figure.axes) == 2
    lines = figure.axes[1].lines
    assert [len(line.get_xdata()) for line in lines] == [40, 2, 1] * 3 + [2]
    assert list(lines[-1].get_xdata()) == [10, 10]
    assert figure.get_facecolor() == (1, 1, 1, 1)
    assert len(picture(figure)) < 120_000


def test_a_finding_decides_nothing():
    assert "decides nothing" in repr(finding("centring alone does most of it"))
    with pytest.raises(ValueError, match="text must say"):
        finding(" ")
