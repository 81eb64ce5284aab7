import numpy as np
import pytest

from kit.explore.metrics import (
    COSTS,
    THRESHOLDS,
    known_before_departure,
    late_forecasts,
    money_lost,
    tables_by_threshold,
    threshold_frame,
)
from kit.learn.score_metrics import roc_auc
from kit.learn.tables import flights


def test_forecasts_are_better_than_chance_and_never_say_late():
    found = late_forecasts()
    assert len(found.late) == 20_000
    assert 0.65 < roc_auc(found.probabilities, found.late) < 0.80
    assert found.probabilities.max() < 0.5  # by the threshold that everyone takes, no flight is late


def test_what_is_known_before_departure_holds_no_delay():
    """Two flights of one timetable are alike, whatever became of them."""
    x, table = known_before_departure(), flights()
    codes = np.column_stack([table.hour, table.month, table.carrier, table.origin, table.distance])
    _, first, inverse = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    assert (x == x[first][inverse.ravel()]).all()


@pytest.mark.parametrize("place", [0, 30, 74])
def test_a_frame_counts_what_passes_its_threshold(place):
    found = late_forecasts()
    called = found.probabilities >= THRESHOLDS[place]
    expected = [[(called == c)[found.late == t].sum() for c in (False, True)] for t in (0, 1)]
    np.testing.assert_array_equal(tables_by_threshold()[place], expected)
    (words,) = threshold_frame(place, 3).overlays
    assert [int(text.replace(",", "")) for text in words.texts] == np.ravel(expected).tolist()


@pytest.mark.parametrize("cost", COSTS)
def test_the_quest_is_met_at_one_threshold_of_each_cost(cost):
    met = [place for place in range(len(THRESHOLDS)) if threshold_frame(place, cost).quest_met]
    tables = tables_by_threshold()
    recall = tables[:, 1, 1] / tables[:, 1].sum(axis=1)
    lost = money_lost(tables, cost=cost)
    assert len(met) == 1
    assert recall[met[0]] >= 0.95
    assert lost[met[0]] == lost[recall >= 0.95].min()


def test_where_nothing_is_called_late_precision_has_no_value():
    frame = threshold_frame(len(THRESHOLDS) - 1, 1)
    assert "precision without a value" in frame.sentence
    assert np.size(frame.lines[4][0]) == 0
