import numpy as np
import pytest

from kit.explore.boxes import (
    CENTRES,
    ONE_CLASS,
    SIDES,
    TWO_CLASSES,
    box_line,
    boxes_frame,
    boxes_view,
    made_scenes,
    pair_of,
    tinted,
)
from kit.learn.boxes import generalized_iou, iou


def test_areas_are_counted_in_whole_pixels_and_give_both_numbers():
    rng = np.random.default_rng(0)
    for _ in range(100):
        centres = rng.choice(CENTRES, size=4).tolist()
        pair = pair_of(*centres, *rng.choice(SIDES, size=2).tolist())
        a, b = pair.boxes
        assert (pair.boxes % 1 == 0).all()
        assert pair.iou == pytest.approx(iou(a[None], b[None])[0, 0], abs=1e-14)
        assert pair.giou == pytest.approx(generalized_iou(a[None], b[None])[0, 0], abs=1e-14)
        assert pair.iou == pytest.approx(pair.shared / pair.together, abs=1e-12)
        assert pair.giou == pytest.approx(pair.iou - (pair.hull - pair.together) / pair.hull, abs=1e-12)


def test_every_box_stays_in_the_picture():
    for centre in (CENTRES[0], CENTRES[-1]):
        pair = pair_of(centre, centre, centre, centre, SIDES[-1], SIDES[-1])
        assert pair.boxes.min() >= 0
        assert pair.boxes.max() <= made_scenes().images.shape[1]


def test_the_picture_is_coloured_by_as_many_pixels_as_the_areas_say():
    pair = pair_of(20, 30, 26, 33, 16, 24)
    (a, b), hull = pair.boxes, np.concatenate([pair.boxes[:, :2].min(axis=0), pair.boxes[:, 2:].max(axis=0)])
    image = made_scenes().images[0]
    grey = 1 - 0.85 * image.astype(np.float64)
    colors = tinted(image, a, b, hull)
    assert (np.abs(colors - grey[..., None]) > 1e-9).any(axis=2).sum() == pair.hull
    green = colors[..., 1] - colors[..., 0] > 0.2
    assert green.sum() == pair.shared


def test_nms_drops_b_above_the_threshold_in_one_class_alone():
    same = (20, 30, 22, 31, 20, 20)
    assert "drops B" in boxes_frame(*same, 0.5, ONE_CLASS).sentence
    assert "keeps both: two classes" in boxes_frame(*same, 0.5, TWO_CLASSES).sentence
    assert "is not above 0.7" in boxes_frame(20, 30, 30, 31, 20, 20, 0.7, ONE_CLASS).sentence
    kept, dropped = (boxes_frame(*same, 0.5, classes).lines for classes in (TWO_CLASSES, ONE_CLASS))
    assert len(kept[1][0]) == len(dropped[2][0]) == 5
    assert kept[2] == dropped[1] == ([], [])


def test_the_curves_pass_through_what_is_shown():
    frame = boxes_frame(20, 30, 28, 33, 18, 22, 0.5, ONE_CLASS)
    (way, overlaps), (_, wider) = frame.lines[11:13]
    at = list(way).index(28)
    pair = pair_of(20, 30, 28, 33, 18, 22)
    assert (overlaps[at], wider[at]) == (pair.iou, pair.giou)
    assert (overlaps >= wider).all()


@pytest.mark.parametrize(
    ("b", "met"),
    [((20, 30, 20, 10), True), ((20, 30, 14, 14), True), ((27, 30, 20, 20), True), ((25, 33, 20, 20), False)],
)
def test_the_quest_asks_for_a_box_around_both_without_empty_corners(b, met):
    assert boxes_frame(20, 30, *b, 0.5, ONE_CLASS).quest_met == met


def test_dragging_moves_what_the_handles_stand_for():
    view = boxes_view()
    names = [control.name for control in view.controls]
    grabs = view.scene["drag"]["grabs"]
    assert [(names[g["x"]], names[g["y"]]) for g in grabs] == [("a_x", "a_y"), ("b_x", "b_y"), ("b_width", "b_height")]
    _, _, width, height = view.scene["drag"]["box"]
    for grab, by in zip(
        grabs, (1, 1, 1), strict=True
    ):  # a step of the side is two pixels, of which the corner goes one
        assert grab["xStep"] == pytest.approx(by * width / 64)
        assert grab["yStep"] == pytest.approx(by * height / 64)
    frame = view.frame_at([control.start for control in view.controls])
    lines = [frame.lines[g["line"]] for g in grabs]
    assert all(len(x) == len(y) == 1 for x, y in lines)
    assert box_line(np.array([0.0, 1, 2, 3]))[0][:2] == [0, 2]
