"""Augmentation: more pictures than were drawn, by small moves that leave the class alone.

A move is drawn anew for each picture each time that it is looked at. The pictures that judge are never moved by
chance. Nothing is flipped: a mirrored 2 is no 2, and a mirrored b is a d.

Taught in: 12
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, instance, integer_array, real, real_array

Pictures = Float[np.ndarray, "n height width"]


def shift(images: Pictures, moves: Shaped[np.ndarray, "n 2"]) -> Pictures:
    """Move each picture by whole pixels, down and to the right; what comes in from outside is 0.

    Args:
        moves: rows down and columns to the right for each picture; below 0 they go up and to the left.

    Raises:
        TypeError, ValueError: if `images` is no array of pictures, or `moves` has not two whole numbers for each.

    Oracle: scipy.ndimage.shift.

    >>> shift(np.array([[[1.0, 2.0, 3.0]]]), np.array([[0, 1]]))
    array([[[0., 1., 2.]]])
    """
    images, moves = real_array("images", images, ndim=3), integer_array("moves", moves)
    if moves.shape != (len(images), 2):
        raise ValueError(f"moves must be two for each of {len(images)} pictures, got shape {moves.shape}")
    n, height, width = images.shape
    rows = np.arange(height) - moves[:, :1]
    columns = np.arange(width) - moves[:, 1:]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    taken = images[
        np.arange(n)[:, None, None], rows.clip(0, height - 1)[:, :, None], columns.clip(0, width - 1)[:, None, :]
    ]
    return np.where(inside, taken, 0)


def neighbours(distance: int) -> Int[np.ndarray, "moves 2"]:
    """List the moves by `distance` pixels along one axis or both: eight of them, or none but (0, 0) for 0.

    Raises:
        TypeError, ValueError: if `distance` is no whole number of at least 0.

    >>> len(neighbours(2))
    8
    """
    if count("distance", distance, at_least=0) == 0:
        return np.zeros((1, 2), dtype=int)
    steps = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]
    return distance * np.array(steps)


def warp(
    images: Pictures,
    *,
    angles: Float[np.ndarray, "n"],
    scales: Float[np.ndarray, "n"],
    moves: Float[np.ndarray, "n 2"],
) -> Pictures:
    """Turn, enlarge and move each picture about its middle, and read it between its pixels.

    Each new pixel looks up where it came from, and takes the four pixels around that place by their nearness.

    Args:
        angles: in degrees, against the clock.
        scales: above 1 enlarges.
        moves: pixels down and to the right.

    Raises:
        TypeError, ValueError: if `images` is no array of pictures, the others do not have a number, or two, for
            each, or a scale is not above 0.

    Oracle: scipy.ndimage.affine_transform of order 1.
    """
    images = real_array("images", images, ndim=3)
    n, height, width = images.shape
    angles, scales, moves = (real_array(*pair) for pair in (("angles", angles), ("scales", scales), ("moves", moves)))
    for name, array, shape in (("angles", angles, (n,)), ("scales", scales, (n,)), ("moves", moves, (n, 2))):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if scales.min() <= 0:
        raise ValueError(f"scales must be > 0, got {scales.min()}")
    turn = np.deg2rad(angles)
    cosine, sine = (np.cos(turn) / scales)[:, None, None], (np.sin(turn) / scales)[:, None, None]
    down, right = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    down, right = down - moves[:, 0, None, None], right - moves[:, 1, None, None]
    rows = cosine * down + sine * right + (height - 1) / 2
    columns = cosine * right - sine * down + (width - 1) / 2
    return _between_pixels(images, rows, columns)


def _between_pixels(
    images: Pictures, rows: Float[np.ndarray, "n height width"], columns: Float[np.ndarray, "n height width"]
) -> Pictures:
    """Read pictures at places between their pixels; a frame of zeros lies around each."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    height, width = images.shape[1:]
    rows, columns = (rows + 1).clip(0, height + 1), (columns + 1).clip(0, width + 1)
    top, left = np.minimum(rows.astype(int), height), np.minimum(columns.astype(int), width)
    below, beyond, which = rows - top, columns - left, np.arange(len(images))[:, None, None]
    upper = (1 - beyond) * framed[which, top, left] + beyond * framed[which, top, left + 1]
    lower = (1 - beyond) * framed[which, top + 1, left] + beyond * framed[which, top + 1, left + 1]
    return (1 - below) * upper + below * lower


def augment(
    images: Pictures,
    *,
    rng: np.random.Generator,
    max_move: float = 2.0,
    max_angle: float = 10.0,
    max_scale: float = 1.1,
) -> Pictures:
    """Move, turn and enlarge each picture a little, by chance.

    Args:
        max_move: pixels, each way along both axes.
        max_angle: degrees, each way.
        max_scale: the largest enlargement; pictures shrink as far.

    Raises:
        TypeError, ValueError: if `images` is no array of pictures, `rng` no generator, or a limit is out of range.
    """
    images = real_array("images", images, ndim=3)
    instance("rng", rng, np.random.Generator)
    max_move, max_angle = real("max_move", max_move, at_least=0), real("max_angle", max_angle, at_least=0)
    spread = np.log(real("max_scale", max_scale, at_least=1))
    n = len(images)
    return warp(
        images,
        angles=rng.uniform(-max_angle, max_angle, size=n),
        scales=np.exp(rng.uniform(-spread, spread, size=n)),
        moves=rng.uniform(-max_move, max_move, size=(n, 2)),
    )
