import numpy as np
import pytest
from matplotlib.colors import to_rgb

from kit.explore.distributed import (
    CARD_GB,
    COLORS,
    IDLE,
    LONGEST,
    MARGIN,
    MICROS,
    MODELS,
    MOMENTS,
    PARTS,
    RANKS,
    SCHEDULES,
    STAGES,
    ZERO,
    kept_at,
    played,
    rank_bill,
    ranks_frame,
    timeline_frame,
    timeline_picture,
)

SETTINGS = [(schedule, p, m) for schedule in SCHEDULES for p in STAGES for m in MICROS]


@pytest.mark.parametrize(("schedule", "p", "m"), SETTINGS)
def test_the_picture_shows_as_much_idle_time_as_is_told(schedule, p, m):
    _, spans, idle = played(schedule, p, m)
    end = max(span.end for span in spans)
    colors = timeline_picture(spans, p, end)[:, MARGIN : MARGIN + int(end)]
    grey = (np.abs(colors - to_rgb(IDLE)).max(axis=2) < 1e-9).mean()
    assert grey == pytest.approx(idle.of_total)
    assert end <= LONGEST


def test_the_picture_goes_no_further_than_its_moment():
    _, spans, _ = played("1F1B", 4, 8)
    early, late = (timeline_picture(spans, 4, moment)[:, MARGIN:] for moment in (10, 30))
    np.testing.assert_array_equal(early[:, :10], late[:, :10])
    assert (early[:, 12:] == 1).all()
    assert tuple(early[0, 0]) == to_rgb(COLORS["F"][0])


@pytest.mark.parametrize(("schedule", "p", "m"), SETTINGS)
def test_stages_keep_nothing_at_the_end_and_never_more_than_at_most(schedule, p, m):
    _, spans, _ = played(schedule, p, m)
    end = max(span.end for span in spans)
    assert kept_at(spans, p, end) == [0] * p
    most = timeline_frame(schedule, p, m, 100).lines[2][0]
    seen = np.max([kept_at(spans, p, moment) for moment in np.arange(0.5, end)], axis=0)
    assert seen.tolist() == most


def test_the_quest_of_the_timeline_takes_1f1b():
    met = {(s, p, m) for s, p, m in SETTINGS if timeline_frame(s, p, m, 100).quest_met}
    assert ("1F1B", 4, 12) in met
    assert {schedule for schedule, _, _ in met} == {"1F1B"}


@pytest.mark.parametrize("percent", MOMENTS)
def test_every_moment_can_be_drawn(percent):
    frame = timeline_frame("GPipe", 3, 4, percent)
    assert "3 stages, 4 micro-batches" in frame.sentence


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("again", [False, True])
def test_a_higher_stage_and_more_ranks_never_need_more(model, again):
    totals = np.array([[rank_bill(model, w, stage, again).total for w in RANKS] for stage in range(4)])
    assert (np.diff(totals, axis=0) <= 0).all()
    assert (np.diff(totals, axis=1) <= 0).all()


def test_the_bars_end_where_the_bill_does():
    frame = ranks_frame("GPT-3 13B", 8, "2", "everything")
    one = rank_bill("GPT-3 13B", 1, 0, False).total
    for stage in range(4):
        ends = [frame.lines[4 * k + stage][0][1] for k in range(len(PARTS))]
        assert ends[-1] == pytest.approx(100 * rank_bill("GPT-3 13B", 8, stage, False).total / one)
    card = frame.lines[4 * len(PARTS) + 1][0][0]
    assert card == pytest.approx(100 * CARD_GB * 1e9 / one)


def test_the_quest_of_the_memory_takes_zero_3_or_the_inputs_of_blocks():
    keeps = ("everything", "inputs of blocks")
    met = [(w, z, k) for w in RANKS for z in ZERO for k in keeps if ranks_frame("GPT-3 13B", w, z, k).quest_met]
    assert {z for _, z, _ in met} == {"2", "3"}
    assert {(w, k) for w, z, k in met if z == "2"} == {(8, "inputs of blocks")}
    assert min(w for w, z, _ in met if z == "3") == 4
