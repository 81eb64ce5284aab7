"""Scenes: digits put together into pictures, with a box, a class and a mask for each, so that a net can be asked where.

A scene has some digits at any places, none on another's box, and scraps of further digits strewn over it, as bright as
they are. So no threshold on brightness tells a digit from a scrap; its form does. Noise lies over all.

Taught in: 13
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from kit.arguments import count, instance, integer_array, real, shown
from kit.learn.boxes import Objects

SCRAP = 8  # pixels on a side
TRIES = 30  # places that are tried for a digit before the scene goes without it


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """Pictures, and what is in each.

    Args:
        images: grey values from 0 to 1.
        masks: which pixels are strokes of a digit.
        objects: the digits' boxes and classes, for each picture.
    """

    images: Float[np.ndarray, "n height width"]
    masks: Bool[np.ndarray, "n height width"]
    objects: tuple[Objects, ...]

    def __len__(self) -> int:
        return len(self.images)


def compose(
    digits: Shaped[np.ndarray, "digits side side"],
    labels: Shaped[np.ndarray, "digits"],
    *,
    n: int,
    rng: np.random.Generator,
    size: int = 64,
    most: int = 3,
    n_scraps: int = 8,
    noise: float = 0.1,
) -> Scenes:
    """Compose `n` scenes of 1 to `most` digits each.

    Args:
        digits: grey values from 0 to 255, white on black; what counts as stroke is brighter than the middle.
        size: of a side of the scene.
        n_scraps: pieces of 8 by 8 pixels of other digits, in each scene.
        noise: the standard deviation of what is added to each pixel; the sum is cut to 0 to 1.

    Raises:
        TypeError, ValueError: if `digits` are not square pictures from 0 to 255 that have a stroke each, there is not
            a label for each, a number of things is no whole number, `size` < a digit's, or `noise` < 0.

    Source: the scraps are those of the cluttered MNIST of Mnih and others (2014), arXiv:1406.6247, section 4.2.

    >>> bar = np.zeros((1, 28, 28), dtype=int); bar[0, 4:24, 12:16] = 255
    >>> compose(bar, np.array([1]), n=2, rng=np.random.default_rng(0)).images.shape
    (2, 64, 64)
    """
    digits, labels = _digits(digits, labels)
    n, size = count("n", n), count("size", size, at_least=digits.shape[1])
    most, n_scraps, noise = (
        count("most", most),
        count("n_scraps", n_scraps, at_least=0),
        real("noise", noise, at_least=0),
    )
    instance("rng", rng, np.random.Generator)
    images = np.zeros((n, size, size), dtype=np.float32)
    masks, objects = np.zeros((n, size, size), dtype=bool), []
    for image, mask in zip(images, masks, strict=True):
        objects.append(_place_digits(image, mask, digits, labels, int(rng.integers(1, most + 1)), rng))
        _strew(image, digits, n_scraps, rng)
    images = (images + noise * rng.standard_normal(images.shape, dtype=np.float32)).clip(0, 1)
    return Scenes(images=images, masks=masks, objects=tuple(objects))


def _digits(digits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    digits, labels = integer_array("digits", digits), integer_array("labels", labels)
    if digits.ndim != 3 or digits.shape[1] != digits.shape[2] or digits.shape[1] < SCRAP:
        raise ValueError(f"digits must be squares of {SCRAP} pixels a side or more, got shape {digits.shape}")
    if digits.min() < 0 or digits.max() > 255 or not (digits > 127).any(axis=(1, 2)).all():
        raise ValueError(f"digits must be from 0 to 255, each with a stroke, got {digits.min()} to {digits.max()}")
    if labels.shape != (len(digits),):
        raise ValueError(f"labels must be one for each of {len(digits)} digits, got {shown(labels)}")
    return digits, labels


def _place_digits(
    image: np.ndarray, mask: np.ndarray, digits: np.ndarray, labels: np.ndarray, n: int, rng: np.random.Generator
) -> Objects:
    """Put digits where no other's box is; a digit that finds no place is left out."""
    boxes, classes, side = [], [], digits.shape[1]
    for _ in range(n):
        i = rng.integers(len(digits))
        stroke = digits[i] > 127
        own = _box(stroke)
        for _ in range(TRIES):
            x, y = rng.integers(0, image.shape[0] - side + 1, size=2)
            box = own + np.array([x, y, x, y])
            if all(_apart(box, other) for other in boxes):
                part = slice(y, y + side), slice(x, x + side)
                image[part] = np.maximum(image[part], digits[i] / 255)
                mask[part] |= stroke
                boxes.append(box)
                classes.append(labels[i])
                break
    return Objects(boxes=np.array(boxes, dtype=np.float64), classes=np.array(classes, dtype=np.int64))


def _box(stroke: np.ndarray) -> np.ndarray:
    """Find the smallest box around the strokes: left, top, right, bottom, the last two one pixel beyond."""
    rows, columns = np.flatnonzero(stroke.any(axis=1)), np.flatnonzero(stroke.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def _apart(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a[2:] <= b[:2]).any() or (b[2:] <= a[:2]).any())


def _strew(image: np.ndarray, digits: np.ndarray, n: int, rng: np.random.Generator) -> None:
    """Lay scraps of digits over a picture, anywhere."""
    for _ in range(n):
        digit = digits[rng.integers(len(digits))]
        top, left = rng.integers(0, digit.shape[0] - SCRAP + 1, size=2)
        x, y = rng.integers(0, image.shape[0] - SCRAP + 1, size=2)
        part = slice(y, y + SCRAP), slice(x, x + SCRAP)
        image[part] = np.maximum(image[part], digit[top : top + SCRAP, left : left + SCRAP] / 255)
