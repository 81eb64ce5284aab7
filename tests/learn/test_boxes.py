import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.learn.boxes import generalized_iou, iou, nms
from tests.learn.detection_agreement import (
    iou_of,
    nms_by_class_written_out,
    nms_written_out,
    random_boxes,
)

SIDES = st.integers(1, 9)
CORNERS = st.integers(-5, 5)
BOXES = st.tuples(CORNERS, CORNERS, SIDES, SIDES).map(lambda b: np.array([[b[0], b[1], b[0] + b[2], b[1] + b[3]]]))


def test_boxes_of_side_10_shifted_by_5_have_a_third_or_with_inclusive_pixels_0_375():
    a, b = np.array([[0, 0, 10, 10]]), np.array([[5, 0, 15, 10]])
    assert iou(a, b)[0, 0] == pytest.approx(1 / 3, abs=1e-15)
    last_pixel = np.array([0, 0, 1, 1])
    assert iou(a - last_pixel, b - last_pixel, inclusive=True)[0, 0] == pytest.approx(1 / 3, abs=1e-15)
    assert iou(np.array([[0, 0, 10, 10]]), np.array([[5, 0, 15, 10]]), inclusive=True)[0, 0] == 66 / 176
    assert 66 / 176 == 0.375


def test_iou_counts_pixels():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = np.round(random_boxes(rng, 2))
        grids = [np.zeros((70, 70), dtype=bool) for _ in range(2)]
        for grid, (left, top, right, bottom) in zip(grids, (a.astype(int), b.astype(int)), strict=True):
            grid[top:bottom, left:right] = True
        counted = (grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum()
        assert iou(a[None], b[None])[0, 0] == pytest.approx(counted, abs=1e-14)
        assert iou_of(a, b) == pytest.approx(counted, abs=1e-14)


@given(BOXES, BOXES)
def test_giou_is_between_minus_1_and_iou(a, b):
    plain, general = iou(a, b)[0, 0], generalized_iou(a, b)[0, 0]
    assert -1 < general <= plain <= 1
    assert iou(b, a)[0, 0] == plain
    assert iou(3 * a, 3 * b)[0, 0] == pytest.approx(plain, abs=1e-12)


def test_giou_goes_on_falling_where_iou_is_0():
    a, far = np.array([[0, 0, 2, 2]]), np.array([[4, 0, 6, 2], [8, 0, 10, 2], [1e6, 0, 1e6 + 2, 2]])
    assert not iou(a, far).any()
    assert (np.diff(generalized_iou(a, far)[0]) < 0).all()
    assert generalized_iou(a, far)[0, -1] == pytest.approx(-1, abs=1e-5)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_nms_matches_its_definition(threshold):
    rng = np.random.default_rng(1)
    for _ in range(50):
        boxes, scores = random_boxes(rng, 12), rng.permutation(12) / 12
        classes = rng.integers(3, size=12)
        assert nms(boxes, scores, threshold=threshold).tolist() == nms_written_out(boxes, scores, threshold)
        by_class = nms(boxes, scores, threshold=threshold, classes=classes).tolist()
        assert by_class == nms_by_class_written_out(boxes, scores, classes, threshold)


def test_nms_without_classes_drops_another_object_under_the_first():
    boxes, scores = np.array([[0, 0, 10, 10], [1, 0, 10, 10]]), np.array([0.9, 0.8])
    assert nms(boxes, scores, threshold=0.5).tolist() == [0]
    assert nms(boxes, scores, threshold=0.5, classes=np.array([3, 7])).tolist() == [0, 1]


def test_of_equal_scores_the_first_is_kept_and_a_box_at_the_threshold_stays():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10]])
    assert nms(boxes, np.ones(2), threshold=0.2).tolist() == [0]
    assert nms(boxes, np.ones(2), threshold=float(iou(boxes, boxes)[0, 1])).tolist() == [0, 1]


def test_no_boxes_are_no_trouble():
    none = np.zeros((0, 4))
    assert iou(none, np.array([[0, 0, 1, 1]])).shape == (0, 1)
    assert nms(none, np.zeros(0), threshold=0.5, classes=np.zeros(0, dtype=int)).shape == (0,)
