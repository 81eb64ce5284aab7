import numpy as np
import pytest

from kit.learn.boxes import Detections, Objects
from kit.learn.detection_metrics import (
    average_precision,
    found,
    mask_iou,
    matched,
    mean_average_precision,
    object_iou,
    precision_recall,
)
from tests.learn.detection_agreement import BAR, READINGS, against_definitions, map_written_out, random_scene

# three objects; found well, found well, the first again, off by too much, nothing there
OBJECTS = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10.0]])
FIVE = np.array([[0, 0, 10, 9], [20, 0, 30, 11], [0, 0, 9, 10], [46, 0, 56, 10], [70, 0, 80, 10.0]])
SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])


@pytest.mark.parametrize(("n_points", "by_hand"), [(None, 0.6667), (11, 0.6364), (101, 0.6634)])
def test_five_detections_have_three_average_precisions(n_points, by_hand):
    """By hand: precision is 1 up to a recall of 2/3, and 0 beyond. 2/3; 7 of 11 recalls; 67 of 101."""
    hits = matched(FIVE, SCORES, OBJECTS)
    assert hits.tolist() == [True, True, False, False, False]
    area = average_precision(hits, SCORES, n_targets=3, n_points=n_points)
    assert round(area, 4) == by_hand
    assert area == pytest.approx({None: 2 / 3, 11: 7 / 11, 101: 67 / 101}[n_points], abs=1e-15)


def test_every_metric_matches_its_definition_within_the_bar_on_100_random_scenes():
    assert {name: max(off) for name, off in against_definitions() if max(off) > BAR} == {}


def test_a_second_detection_of_one_object_is_false_whatever_its_overlap():
    boxes = np.array([[0, 0, 10, 9], [0, 0, 10, 10.0]])
    assert matched(boxes, np.array([0.9, 0.8]), OBJECTS[:1]).tolist() == [True, False]
    assert matched(boxes, np.array([0.8, 0.9]), OBJECTS[:1]).tolist() == [False, True]


def test_a_taken_object_leaves_the_next_nearest():
    objects = np.array([[0, 0, 10, 10], [2, 0, 12, 10.0]])
    boxes = np.array([[0, 0, 10, 10], [0, 0, 11, 10.0]])
    assert matched(boxes, np.array([0.9, 0.8]), objects).tolist() == [True, True]


def test_a_recall_of_7_in_10_reaches_0_7():
    """By np.linspace, 0.7 is 0.7000000000000001, and the eighth tenth would start too early."""
    hits = np.array([True] * 7)
    assert average_precision(hits, np.arange(7.0), n_targets=10, n_points=11) == pytest.approx(8 / 11, abs=1e-15)
    assert average_precision(hits, np.arange(7.0), n_targets=10, n_points=101) == pytest.approx(71 / 101, abs=1e-15)
    assert np.linspace(0, 1, 101)[70] > 0.7


def test_precision_and_recall_build_up_best_first():
    precision, recall = precision_recall(np.array([False, True, True]), np.array([0.1, 0.9, 0.5]), n_targets=4)
    np.testing.assert_allclose(precision, [1, 1, 2 / 3])
    np.testing.assert_allclose(recall, [0.25, 0.5, 0.5])


def test_what_scores_below_all_hits_never_raises_the_map():
    rng = np.random.default_rng(3)
    for _ in range(20):
        detections, truth = random_scene(rng)
        cut = [
            Detections(
                boxes=d.boxes[d.scores > 0.5], classes=d.classes[d.scores > 0.5], scores=d.scores[d.scores > 0.5]
            )
            for d in detections
        ]
        for points in READINGS:
            whole = mean_average_precision(detections, truth, n_points=points)
            assert mean_average_precision(cut, truth, n_points=points) <= whole + 1e-12


def test_a_class_without_objects_does_not_count():
    box = np.array([[0, 0, 4, 4.0]])
    one = Objects(boxes=box, classes=np.array([1]))
    both = Detections(boxes=np.vstack([box, box + 9]), classes=np.array([1, 5]), scores=np.array([0.9, 0.8]))
    assert mean_average_precision([both], [one]) == 1
    nothing = Detections(boxes=np.zeros((0, 4)), classes=np.zeros(0, dtype=int), scores=np.zeros(0))
    assert mean_average_precision([nothing], [one]) == map_written_out([nothing], [one], None) == 0


def test_two_empty_masks_have_no_iou_unless_one_is_stated():
    empty = np.zeros((3, 3), dtype=bool)
    assert mask_iou(empty, empty, undefined=1.0) == 1
    assert mask_iou(empty, empty, undefined=0.0) == 0
    with pytest.raises(ValueError, match="0 / 0 has no value"):
        mask_iou(empty, empty)
    assert mask_iou(~empty, empty) == 0


def test_iou_over_all_pixels_is_not_the_mean_over_pictures():
    predictions, targets = np.zeros((2, 2, 10, 10), dtype=bool)
    predictions[0] = targets[0] = True
    targets[1, 0, 0] = True
    assert mask_iou(predictions, targets) == pytest.approx(100 / 101)
    assert np.mean([mask_iou(p, t) for p, t in zip(predictions, targets, strict=True)]) == 0.5


def test_touching_objects_that_become_one_are_missed():
    truth = np.array([[1, 1, 2, 2, 0, 3]])
    counted = found(np.array([[1, 1, 1, 1, 0, 2]]), truth)
    assert (counted.hits, counted.missed, counted.made_up) == (1, 2, 1)
    assert counted.f1 == 2 / 5
    assert found(truth, truth).f1 == found(0 * truth, 0 * truth).f1 == 1
    assert object_iou(0 * truth, truth).shape == (0, 3)
