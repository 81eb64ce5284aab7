import numpy as np
import pytest

from kit.explore.boxes import made_scenes
from kit.explore.precision_recall import HIT_AT, QUEST_GAP, READINGS, curve_frame, curve_view, made_detections, ranked
from kit.learn.boxes import Detections, Objects
from kit.learn.detection_metrics import mean_average_precision


def test_detections_come_best_first_and_of_every_kind():
    scenes, boxes, scores = made_detections()
    assert (np.diff(scores) <= 0).all()
    assert set(scenes) == set(range(len(made_scenes())))
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    at = ranked(0.5)
    assert at.hits.any()
    assert (~at.hits & (at.overlaps >= 0.5)).any()  # found twice
    assert (~at.hits & (at.overlaps < 0.1)).any()  # nothing there


@pytest.mark.parametrize("hit_at", HIT_AT)
@pytest.mark.parametrize("reading", READINGS)
def test_at_the_end_the_view_says_what_the_metric_says(hit_at, reading):
    scenes, boxes, scores = made_detections()
    found = [
        Detections(boxes=boxes[own], classes=np.zeros(own.sum(), dtype=int), scores=scores[own])
        for own in (np.array(scenes) == i for i in range(len(made_scenes())))
    ]
    truth = [Objects(boxes=o.boxes, classes=0 * o.classes) for o in made_scenes().objects]
    area = mean_average_precision(found, truth, threshold=hit_at, n_points=READINGS[reading])
    last = curve_frame(len(scores), hit_at)
    x, y = last.lines[-1]
    assert x[list(READINGS).index(reading)] == pytest.approx(area, abs=1e-12)
    assert y == [2, 1, 0]


def test_a_sentence_says_why_a_detection_is_false():
    at = ranked(0.5)
    for n in range(1, len(at.hits) + 1):
        said = curve_frame(n, 0.5).sentence
        assert ("a hit." in said) == at.hits[n - 1]
        assert ("is taken" in said) == (not at.hits[n - 1] and at.overlaps[n - 1] >= 0.5)


def test_areas_never_fall_as_the_curve_builds_up():
    areas = np.array([curve_frame(n, 0.5).lines[-1][0] for n in range(1, len(ranked(0.5).hits) + 1)])
    assert (np.diff(areas, axis=0) >= -1e-12).all()


def test_the_quest_is_met_where_readings_part_with_half_of_the_digits_found():
    view = curve_view()
    met = [view.frame_at([n, 1]).quest_met for n in range(len(ranked(0.5).hits))]
    assert any(met)
    assert not all(met)
    assert not met[0]
    assert f"{QUEST_GAP:g}" in view.scene["quest"]
