import numpy as np
import pytest
from scipy import ndimage

from kit.learn.augmentation import augment, neighbours, shift, warp

RNG = np.random.default_rng(0)
IMAGES = RNG.random((5, 7, 6))


def test_shift_matches_scipy():
    moves = np.array([[0, 0], [2, -1], [-3, 2], [9, 0], [0, -6]])
    want = [ndimage.shift(image, move, order=0) for image, move in zip(IMAGES, moves, strict=True)]
    np.testing.assert_array_equal(shift(IMAGES, moves), want)


def test_warp_matches_scipy():
    n, (height, width) = len(IMAGES), IMAGES.shape[1:]
    angles, scales = RNG.uniform(-40, 40, size=n), RNG.uniform(0.7, 1.4, size=n)
    moves, middle = RNG.uniform(-2, 2, size=(n, 2)), np.array([(height - 1) / 2, (width - 1) / 2])
    ours = warp(IMAGES, angles=angles, scales=scales, moves=moves)
    for i, turn in enumerate(np.deg2rad(angles)):
        matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / scales[i]
        offset = middle - matrix @ (middle + moves[i])
        framed = np.pad(IMAGES[i], 1)  # scipy cuts off at the last pixel's middle; kit fades over one pixel
        want = ndimage.affine_transform(framed, matrix, offset=offset + 1 - matrix @ np.ones(2), order=1)[1:-1, 1:-1]
        np.testing.assert_allclose(ours[i], want, atol=1e-12)


def test_a_warp_by_whole_pixels_is_a_shift():
    moves = RNG.integers(-2, 3, size=(5, 2))
    warped = warp(IMAGES, angles=np.zeros(5), scales=np.ones(5), moves=moves.astype(float))
    np.testing.assert_allclose(warped, shift(IMAGES, moves), atol=1e-12)


def test_a_quarter_turn_goes_against_the_clock():
    square = IMAGES[:1, :6, :6]
    turned = warp(square, angles=np.array([90.0]), scales=np.ones(1), moves=np.zeros((1, 2)))
    np.testing.assert_allclose(turned[0], np.rot90(square[0]), atol=1e-12)


def test_augment_draws_each_picture_anew_and_leaves_the_original():
    before = IMAGES.copy()
    first, again = (augment(IMAGES, rng=np.random.default_rng(seed)) for seed in (0, 0))
    np.testing.assert_array_equal(first, again)
    rng = np.random.default_rng(0)
    assert not np.allclose(augment(IMAGES, rng=rng), augment(IMAGES, rng=rng))
    np.testing.assert_array_equal(IMAGES, before)


def test_augment_without_limits_changes_nothing():
    same = augment(IMAGES, rng=RNG, max_move=0, max_angle=0, max_scale=1)
    np.testing.assert_allclose(same, IMAGES, atol=1e-12)


@pytest.mark.parametrize("distance", [1, 2, 5])
def test_neighbours_are_eight_different_moves_that_cancel(distance):
    moves = neighbours(distance)
    assert len({*map(tuple, moves.tolist())}) == 8
    assert abs(moves).max(axis=1).tolist() == [distance] * 8
    assert not moves.sum(axis=0).any()
