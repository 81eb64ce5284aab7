import numpy as np
import pytest

from kit.learn.boxes import iou
from kit.learn.pictures import mnist
from kit.learn.scenes import SCRAP, Scenes, compose

BARS = np.zeros((2, 12, 12), dtype=int)
BARS[0, 2:9, 5:7] = 255
BARS[1, 4:6, 1:11] = 200


def made(**options) -> Scenes:
    given = {"n": 20, "rng": np.random.default_rng(0), "size": 40, "n_scraps": 0, "noise": 0.0}
    return compose(BARS, np.array([1, 7]), **given | options)


def test_a_box_is_the_smallest_around_the_strokes_and_the_mask_is_the_strokes():
    scenes = made(most=1)
    for mask, objects in zip(scenes.masks, scenes.objects, strict=True):
        ((left, top, right, bottom),) = objects.boxes
        rows, columns = np.nonzero(mask)
        assert (left, top, right, bottom) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert (right - left, bottom - top) == {1: (2, 7), 7: (10, 2)}[int(objects.classes[0])]
    np.testing.assert_array_equal(scenes.images > 0.5, scenes.masks)


def test_no_digit_stands_on_another_and_their_number_is_drawn():
    scenes = compose(mnist().images, mnist().labels, n=60, rng=np.random.default_rng(1))
    counts = [len(objects.boxes) for objects in scenes.objects]
    assert set(counts) == {1, 2, 3}
    for objects in scenes.objects:
        np.testing.assert_allclose(iou(objects.boxes, objects.boxes), np.eye(len(objects.boxes)))


def test_scraps_are_as_bright_as_digits_and_belong_to_no_mask():
    plain, strewn = made(), made(n_scraps=9)
    np.testing.assert_array_equal(plain.masks[0], strewn.masks[0])
    assert (strewn.images[0] > 0.5).sum() > (plain.images[0] > 0.5).sum()
    assert strewn.images.max() == 1
    assert BARS.shape[1] >= SCRAP


def test_noise_stays_between_black_and_white_and_one_rng_gives_one_scene():
    noisy = made(noise=0.3)
    assert noisy.images.min() >= 0
    assert noisy.images.max() <= 1
    np.testing.assert_array_equal(noisy.images, made(noise=0.3).images)
    dark = made().images == 0
    assert (noisy.images[dark] == 0).mean() == pytest.approx(0.5, abs=0.01)  # what noise takes below black is cut
    assert noisy.images[dark].max() > 0.9


def test_thousands_of_scenes_use_every_digit_and_every_place():
    scenes = made(n=400)
    assert {int(c) for objects in scenes.objects for c in objects.classes} == {1, 7}
    corners = np.concatenate([objects.boxes[:, :2] for objects in scenes.objects])
    assert corners.min() <= 3
    assert corners.max() >= 30
