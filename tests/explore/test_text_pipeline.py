import numpy as np
import pytest

from kit.explore.text_pipeline import NEAR, Pairs, library_pairs, threshold_frame

FOUR = Pairs(
    exact=np.array([0.9, 0.6, 0.4, 0.55]),
    estimate=np.array([0.88, 0.45, 0.52, 0.6]),
    candidate=np.array([True, True, True, False]),
)


def test_scores_count_what_is_found_missed_and_found_wrongly():
    assert FOUR.found(0.5).tolist() == [True, False, True, False]
    assert FOUR.scores(0.5) == (1 / 3, 1 / 2)
    assert FOUR.scores(0.4) == (2 / 3, 2 / 3)
    assert FOUR.scores(0.95) == (0, 0)


def test_a_frame_shows_each_pair_in_its_group():
    frame = threshold_frame(FOUR, 0.5)
    right, wrong, missed = (lines[0].tolist() for lines in frame.lines[:3])
    assert (right, wrong, missed) == ([0.9], [0.4], [0.6, 0.55])
    assert frame.sentence == "Threshold 0.50: 2 pairs found, 1 of them wrongly; 2 missed. Recall 0.33, precision 0.50."


def test_recall_falls_and_precision_ends_at_1_as_the_threshold_rises():
    pairs = library_pairs()
    recall, precision = np.array([pairs.scores(threshold) for threshold in (0.3, 0.4, 0.5, 0.6, 0.7)]).T
    assert (np.diff(recall) <= 0).all()
    assert recall[0] > 0.99
    assert precision[0] < 0.7 < 0.99 < precision[-1]


def test_no_near_copy_is_left_out_of_the_pairs_shown():
    pairs = library_pairs()
    error = np.sqrt(NEAR * (1 - NEAR) / 256)
    assert (abs(pairs.estimate - pairs.exact) < 5 * error).all()
    assert (pairs.exact >= NEAR).sum() > 100


def test_found_rejects_a_threshold_of_1():
    with pytest.raises(ValueError, match="threshold must be < 1, got 1"):
        FOUR.found(1.0)
