import numpy as np
import pytest

from kit.explore.live import LiveView
from kit.explore.serving import (
    CONTEXTS,
    FORMATS,
    HERE,
    LIMIT,
    MODELS,
    QUEST_CONTEXT,
    QUEST_MACHINE,
    QUEST_MODEL,
    ROWS,
    cost_frame,
    cost_view,
    most_within_the_limit,
    step_of,
)
from kit.serve.roofline import SOLD, Machine

MADE_UP = Machine(name="made up", bandwidth=1e10, flops=1e11, memory=16e9)
MEASURED = {1: 0.08, 8: 0.2}
ON = {"here": MADE_UP, "measured": MEASURED}
SETTING = {"model": "GPT-2 small", "machine": HERE, "weights": "float32", "rows": 1, "context": 128, "price": 0.1}


def view_of_a_machine() -> LiveView:
    """Open the view with a machine that nobody has to measure."""
    return cost_view(MADE_UP, MEASURED)


def test_the_dot_is_on_the_roof_and_on_its_curves():
    roof, path, dot, curve, bill, *_ = cost_frame(**SETTING, **ON).lines
    step = step_of("GPT-2 small", "float32", 1, 128)
    assert dot == ([step.intensity], [step.flops / step.seconds(MADE_UP)])
    assert dot[1][0] == pytest.approx(step.intensity * MADE_UP.bandwidth)  # one row waits for the memory
    assert bill[0][0] == pytest.approx(1000 * step.bytes / 1e10)
    assert path[0][0] == dot[0][0]
    assert curve[1][0] == pytest.approx(0.1 / 3600 / (1 / step.seconds(MADE_UP)) * 1e6)
    assert max(roof[1]) == MADE_UP.flops


def test_more_rows_are_cheaper_and_slower():
    _, _, _, curve, *_ = cost_frame(**SETTING, **ON).lines
    assert (np.diff(curve[0]) >= 0).all()
    assert (np.diff(curve[1]) <= 0).all()


def test_what_does_not_fit_has_no_dot():
    frame = cost_frame(**SETTING | {"model": "GPT-3 13B", "machine": "T4"}, **ON)
    assert frame.lines[2] == ([], [])
    assert frame.lines[4] == ([], [])
    assert "more than the 16 GB" in frame.sentence


def test_the_quest_is_met_at_one_number_of_rows_alone():
    """Fewer make dearer tokens; more take too long, or have no room."""
    quest = {"model": QUEST_MODEL, "machine": QUEST_MACHINE, "context": QUEST_CONTEXT, "price": 1.0}
    met = {
        (weights, rows)
        for weights in FORMATS
        for rows in ROWS
        if cost_frame(**quest, weights=weights, rows=rows, **ON).quest_met
    }
    assert {rows for _, rows in met} == {128}
    assert most_within_the_limit(SOLD[QUEST_MACHINE]) > 128 / LIMIT


def test_every_model_has_room_for_every_context():
    assert all(config.n_positions >= max(CONTEXTS) for config in MODELS.values())


def test_what_was_measured_is_a_dot_of_its_own_where_it_belongs():
    frame = cost_frame(**SETTING, **ON)
    roof, bill = frame.lines[-2:]
    assert bill == ([80.0], [pytest.approx(0.1 * 0.08 / 3600 * 1e6)])
    assert roof[1] == [step_of("GPT-2 small", "float32", 1, 64).flops / 0.08]
    assert "Measured, at 64 tokens of context: 80 ms" in frame.sentence
    for other in ({"rows": 2}, {"weights": "int8"}, {"machine": "T4"}, {"model": "GPT-2 XL"}):
        assert cost_frame(**SETTING | other, **ON).lines[-1] == ([], [])
