import numpy as np
import pytest
from scipy import ndimage

from kit.learn.pictures import micrograph, mnist


def test_every_digit_comes_500_times_and_no_picture_twice():
    digits = mnist()
    assert digits.images.shape == (len(digits), 28, 28) == (5000, 28, 28)
    assert np.bincount(digits.labels).tolist() == [500] * 10
    assert len(np.unique(digits.images.reshape(len(digits), -1), axis=0)) == len(digits)


def test_digits_are_white_on_black_with_a_black_edge():
    images = mnist().images
    assert (images.min(), images.max()) == (0, 255)
    assert not images[:, 0].any()
    assert np.median(images) == 0


def test_the_micrograph_has_the_published_counts():
    """125 nuclei, 19.9% of the pixels, 440 pixels in the median."""
    picture = micrograph()
    areas = np.bincount(picture.nuclei.ravel())[1:]
    assert picture.image.shape == picture.nuclei.shape == (512, 512)
    assert len(areas) == 125
    assert areas.min() > 0
    assert picture.mask.mean() == pytest.approx(0.199, abs=5e-4)
    assert np.median(areas) == pytest.approx(440, abs=1)


def test_nuclei_are_brighter_than_what_lies_between_and_each_is_one_piece():
    picture = micrograph()
    assert picture.image[picture.mask].mean() > 2 * picture.image[~picture.mask].mean()
    pieces = [ndimage.label(picture.nuclei == number)[1] for number in range(1, 126)]
    assert pieces.count(1) >= 120


@pytest.mark.parametrize("array", [mnist().images, mnist().labels, micrograph().image, micrograph().nuclei])
def test_pictures_cannot_be_written_to(array):
    assert array.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0
