"""The exercises of notebook 12: loops, fields of view, a residual block, a blur, the training side, moved pictures.

Taught in: 12
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kit.check.exercise import Exercise, Mistake

# Convolution -----------------------------------------------------------------------------------------


def _convolve(
    picture: np.ndarray,
    kernel: np.ndarray,
    stride: int,
    padding: int,
    *,
    more: int = 1,
    reach: int = 0,
    add: Callable[[np.ndarray], float] = np.sum,
) -> np.ndarray:
    """Convolve; `more` places than those that the division gives, and patches that lie `reach` apart."""
    x, k = np.pad(picture, padding), len(kernel)
    rows, columns = ((side - k) // stride + more for side in x.shape)
    step = reach or stride
    y = np.zeros((rows, columns))
    for r, c in np.ndindex(rows, columns):
        y[r, c] = add(x[r * step : r * step + k, c * step : c * step + k] * kernel)
    return y


def _drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


convolve = Exercise(
    notebook="12",
    name="convolution by loops",
    solution=_convolve,
    cases=(
        (np.arange(12.0).reshape(3, 4), np.array([[0.0, 1.0], [-1.0, 2.0]]), 1, 0),
        (_drawn(0, 7, 6), _drawn(1, 3, 3), 2, 1),
        (_drawn(2, 9, 12), _drawn(3, 3, 3), 3, 2),
    ),
    mistakes=(
        Mistake(
            hint="You turned the kernel round, as mathematicians do. Networks lay it on as it is.",
            answer=lambda picture, kernel, *how: _convolve(picture, kernel[::-1, ::-1], *how),
        ),
        Mistake(
            hint="The padding is missing: zeros on all four sides, before anything is counted.",
            answer=lambda picture, kernel, stride, padding: _convolve(picture, kernel, stride, 0),
        ),
        Mistake(
            hint="The patches lie one pixel apart. Patch r begins at row stride · r; columns alike.",
            answer=partial(_convolve, reach=1),
        ),
        Mistake(
            hint="A place is missing at the end: a kernel fits (side - k) // stride + 1 times.",
            answer=partial(_convolve, more=0),
        ),
        Mistake(hint="Add the products up; do not average them.", answer=partial(_convolve, add=np.mean)),
        Mistake(hint="Add the products up; the largest is what a pool keeps.", answer=partial(_convolve, add=np.max)),
        Mistake(
            hint="The stride is missing: every place has an output.",
            answer=lambda picture, kernel, stride, padding: _convolve(picture, kernel, 1, padding),
        ),
        Mistake(hint="Rows and columns have changed places.", answer=lambda *case: _convolve(*case).T),
    ),
)

# The receptive field ---------------------------------------------------------------------------------

Windows = list[tuple[int, int]]


def _field(windows: Windows, *, own: bool = False, whole: bool = False) -> tuple[int, int]:
    """Grow the field layer by layer; `own`: each layer's stride counts for itself; `whole`: the kernel in full."""
    size, step = 1, 1
    for kernel, stride in windows:
        step *= stride if own else 1
        size += (kernel if whole else kernel - 1) * step
        step *= 1 if own else stride
    return size, step


def _without_strides(windows: Windows) -> tuple[int, int]:
    return _field([(kernel, 1) for kernel, _ in windows])[0], _field(windows)[1]


def _added_strides(windows: Windows) -> tuple[int, int]:
    size, step = 1, 1
    for kernel, stride in windows:
        size += (kernel - 1) * step
        step += stride - 1
    return size, step


field = Exercise(
    notebook="12",
    name="what an output sees",
    solution=_field,
    cases=(([(3, 1), (2, 2), (3, 1)],), ([(7, 2), (3, 2), (3, 1), (3, 3)],), ([(5, 3), (1, 2), (5, 2), (2, 1)],)),
    mistakes=(
        Mistake(
            hint="A layer's own stride does not widen what it sees; it moves the next layers' pixels apart. "
            "Multiply the step after the size has grown.",
            answer=partial(_field, own=True),
        ),
        Mistake(
            hint="A kernel of k reaches k - 1 steps beyond its first cell: add (k - 1) · step.",
            answer=partial(_field, whole=True),
        ),
        Mistake(
            hint="The strides are missing: after a stride of 2 the next kernel's cells lie two pixels apart.",
            answer=_without_strides,
        ),
        Mistake(hint="Steps multiply: two strides of 2 make a step of 4, not of 3.", answer=_added_strides),
        Mistake(
            hint="You went from the last layer to the first. Begin at the picture.",
            answer=lambda windows: _field(windows[::-1]),
        ),
        Mistake(
            hint="The two are the wrong way round: first the size, then the step.",
            answer=lambda windows: _field(windows)[::-1],
        ),
        Mistake(hint="Return two numbers: the size, and the step.", answer=lambda windows: _field(windows)[0]),
    ),
)

# The residual block ----------------------------------------------------------------------------------


def _kept(x: Tensor, stride: int) -> Tensor:
    return x[:, :, ::stride, ::stride]


def _block(
    x: Tensor,
    w1: Tensor,
    w2: Tensor,
    stride: int,
    *,
    inner: Callable[[Tensor], Tensor] = F.relu,
    last: Callable[[Tensor], Tensor] = F.relu,
    of_branch: Callable[[Tensor], Tensor] = lambda y: y,
    kept: Callable[[Tensor, int], Tensor] = _kept,
    share: float = 1.0,
    in_front: bool = False,
) -> Tensor:
    branch = of_branch(F.conv2d(inner(F.conv2d(x, w1, stride=stride, padding=1)), w2, padding=1))
    short = kept(x, stride)
    more = len(w2) - short.shape[1]
    padded = F.pad(short, (0, 0, 0, 0, more if in_front else 0, 0 if in_front else more))
    return last(branch + share * padded)


def _tensors(seed: int, n: int, n_in: int, n_out: int, side: int, stride: int) -> tuple:
    draw = np.random.default_rng(seed)
    shapes = (n, n_in, side, side), (n_out, n_in, 3, 3), (n_out, n_out, 3, 3)
    return *(torch.from_numpy(draw.normal(size=shape)) for shape in shapes), stride


block = Exercise(
    notebook="12",
    name="a residual block",
    solution=_block,
    cases=(_tensors(0, 2, 2, 4, 6, 2), _tensors(1, 1, 3, 3, 5, 1), _tensors(2, 2, 2, 3, 7, 3)),
    mistakes=(
        Mistake(hint="The skip is missing: that is the plain block. Add the input.", answer=partial(_block, share=0.0)),
        Mistake(
            hint="The sum still needs its ReLU: it comes after the addition.", answer=partial(_block, last=lambda y: y)
        ),
        Mistake(
            hint="You cut the branch off at 0 before the sum, so that it can only add. ReLU comes after the addition.",
            answer=partial(_block, of_branch=F.relu),
        ),
        Mistake(
            hint="The branch went through ReLU, and the sum did not. It is the other way round.",
            answer=partial(_block, of_branch=F.relu, last=lambda y: y),
        ),
        Mistake(
            hint="Between the two convolutions a ReLU is missing; without it they are one.",
            answer=partial(_block, inner=lambda y: y),
        ),
        Mistake(
            hint="The zeros go behind the input's channels, not in front of them.",
            answer=partial(_block, in_front=True),
        ),
        Mistake(
            hint="Type A keeps every stride-th pixel as it is; it averages nothing.",
            answer=partial(_block, kept=lambda x, stride: F.avg_pool2d(x, stride, ceil_mode=True)),
        ),
        Mistake(
            hint="You added the weights' branch twice, or the input twice: each counts once.",
            answer=partial(_block, share=2.0),
        ),
    ),
)

# Blur before the stride ------------------------------------------------------------------------------


def _blur(
    picture: np.ndarray,
    stride: int,
    *,
    mode: str = "edge",
    weights: tuple[float, float, float] = (0.25, 0.5, 0.25),
    axes: tuple[int, ...] = (0, 1),
    first: bool = False,
) -> np.ndarray:
    x = picture[::stride, ::stride] if first else picture
    for axis in axes:
        n = x.shape[axis]
        padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode=mode)  # type: ignore[call-overload]
        x = np.sum([w * np.take(padded, range(i, i + n), axis=axis) for i, w in enumerate(weights)], axis=0)
    return x if first else x[::stride, ::stride]


blur = Exercise(
    notebook="12",
    name="a blur before the stride",
    solution=_blur,
    cases=((_drawn(4, 4, 6) + 2, 2), (_drawn(5, 7, 5) + 2, 3), (_drawn(6, 3, 3) + 2, 1)),
    mistakes=(
        Mistake(
            hint="You left the pixels out first, and blurred what was left. Those between were never looked at.",
            answer=partial(_blur, first=True),
        ),
        Mistake(
            hint="The edge has darkened: continue it outwards, np.pad(picture, 1, mode='edge').",
            answer=partial(_blur, mode="constant"),
        ),
        Mistake(
            hint="That is the mean of three. The middle one counts double: 1, 2, 1 over 4.",
            answer=partial(_blur, weights=(1 / 3, 1 / 3, 1 / 3)),
        ),
        Mistake(
            hint="The picture grew brighter: divide by 4 each way.", answer=partial(_blur, weights=(1.0, 2.0, 1.0))
        ),
        Mistake(hint="You blurred down the columns alone. Blur along the rows too.", answer=partial(_blur, axes=(0,))),
        Mistake(hint="You blurred along the rows alone. Blur down the columns too.", answer=partial(_blur, axes=(1,))),
        Mistake(
            hint="The stride is missing: keep every stride-th row and column of the blurred picture.",
            answer=lambda picture, stride: _blur(picture, 1),
        ),
        Mistake(
            hint="That is the picture at every stride-th pixel, without the blur.",
            answer=lambda picture, stride: picture[::stride, ::stride],
        ),
    ),
)

# The training side -----------------------------------------------------------------------------------

Sides = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _prepare(images: np.ndarray, labels: np.ndarray, n_train: int, augment: Callable) -> Sides:
    x, y = images[:n_train], labels[:n_train]
    return np.concatenate([x, augment(x)]), np.concatenate([y, y]), images[n_train:], labels[n_train:]


def _before_the_split(images: np.ndarray, labels: np.ndarray, n_train: int, augment: Callable) -> Sides:
    x, y = np.concatenate([images, augment(images)]), np.concatenate([labels, labels])
    return x[: 2 * n_train], y[: 2 * n_train], x[2 * n_train :], y[2 * n_train :]


def _both_sides(images: np.ndarray, labels: np.ndarray, n_train: int, augment: Callable) -> Sides:
    x, y, x_test, y_test = _prepare(images, labels, n_train, augment)
    return x, y, np.concatenate([x_test, augment(x_test)]), np.concatenate([y_test, y_test])


def _replaced(images: np.ndarray, labels: np.ndarray, n_train: int, augment: Callable) -> Sides:
    return augment(images[:n_train]), labels[:n_train], images[n_train:], labels[n_train:]


def _mixed_labels(images: np.ndarray, labels: np.ndarray, n_train: int, augment: Callable) -> Sides:
    x, _, x_test, y_test = _prepare(images, labels, n_train, augment)
    return x, np.repeat(labels[:n_train], 2), x_test, y_test


def _augmented_in_front(images: np.ndarray, labels: np.ndarray, n_train: int, augment: Callable) -> Sides:
    _, y, x_test, y_test = _prepare(images, labels, n_train, augment)
    return np.concatenate([augment(images[:n_train]), images[:n_train]]), y, x_test, y_test


def _one_to_the_right(images: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros_like(images[:, :, :1]), images[:, :, :-1]], axis=2)


def _darker(images: np.ndarray) -> np.ndarray:
    return 0.5 * images


prepare = Exercise(
    notebook="12",
    name="augmentation on the training side",
    solution=_prepare,
    cases=(
        (_drawn(7, 5, 2, 2), np.array([3, 1, 4, 1, 5]), 3, _darker),
        (_drawn(8, 7, 3, 4), np.array([2, 7, 1, 8, 2, 8, 1]), 4, _one_to_the_right),
        (_drawn(9, 4, 2, 3), np.array([0, 1, 2, 3]), 1, _one_to_the_right),
    ),
    mistakes=(
        Mistake(
            hint="You augmented before the split: a test picture's twin may be trained on. Split first.",
            answer=_before_the_split,
        ),
        Mistake(hint="The test side has been augmented, too. It must stay what the world sends.", answer=_both_sides),
        Mistake(hint="The pictures as they are have gone. Append the augmented ones to them.", answer=_replaced),
        Mistake(
            hint="Labels and pictures no longer belong together: all labels, then all of them again.",
            answer=_mixed_labels,
        ),
        Mistake(
            hint="The order is turned round: first the pictures as they are, then the augmented ones.",
            answer=_augmented_in_front,
        ),
        Mistake(
            hint="The augmented pictures have no labels yet: they have those of the pictures that they come from.",
            answer=lambda images, labels, n_train, augment: (
                _prepare(images, labels, n_train, augment)[0],
                labels[:n_train],
                images[n_train:],
                labels[n_train:],
            ),
        ),
    ),
)

# The experiment --------------------------------------------------------------------------------------


def _moved(images: np.ndarray, distance: int, places: list[tuple[int, int]]) -> list[np.ndarray]:
    """Cut each place's window out of pictures with a frame of zeros; a place counts in distances from the corner."""
    height, width = images.shape[1:]
    framed = np.pad(images, ((0, 0), (distance, distance), (distance, distance)))
    corners = [(r * distance, c * distance) for r, c in places]
    return [framed[:, r : r + height, c : c + width] for r, c in corners]


_FOUR = [(0, 1), (2, 1), (1, 0), (1, 2)]
_DIAGONAL = [(0, 0), (0, 2), (2, 0), (2, 2)]


def _lost(
    predict: Callable,
    images: np.ndarray,
    labels: np.ndarray,
    distance: int,
    *,
    places: list[tuple[int, int]] = _FOUR,
    over: Callable = np.mean,
) -> float:
    clean = np.mean(predict(images) == labels)
    return float(clean - over([np.mean(predict(x) == labels) for x in _moved(images, distance, places)]))


def _rolled(predict: Callable, images: np.ndarray, labels: np.ndarray, distance: int) -> float:
    moved = [np.roll(images, step, axis=axis) for axis in (1, 2) for step in (distance, -distance)]
    return float(np.mean(predict(images) == labels) - np.mean([np.mean(predict(x) == labels) for x in moved]))


def _relative(predict: Callable, images: np.ndarray, labels: np.ndarray, distance: int) -> float:
    return _lost(predict, images, labels, distance) / float(np.mean(predict(images) == labels))


def _linear(seed: int, n: int, height: int, width: int, distance: int, *, moved: bool = False) -> tuple:
    """Make a model that adds up pixels, and pictures of which it reads most as they are, or when they are moved up."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(height * width, 3))
    images = rng.random((n, height, width))

    def predict(x: np.ndarray) -> np.ndarray:
        return (x.reshape(len(x), -1) @ weights).argmax(axis=1)

    right = predict(_moved(images, distance, _FOUR[1:2])[0] if moved else images)
    labels = np.where(rng.random(n) < 0.8, right, rng.integers(3, size=n))
    return predict, images, labels, distance


lost = Exercise(
    notebook="12",
    name="an experiment: accuracy lost to a move",
    solution=_lost,
    cases=(
        _linear(0, 60, 5, 4, 1),
        _linear(1, 80, 6, 7, 2),
        _linear(4, 50, 4, 6, 3),
        _linear(5, 60, 5, 5, 1, moved=True),
    ),
    mistakes=(
        Mistake(hint="np.roll brings in on one side what left on the other. What comes in must be 0.", answer=_rolled),
        Mistake(
            hint="That is what is left less what there was: a loss is the accuracy before, less the one after.",
            answer=lambda *case: -_lost(*case),
        ),
        Mistake(
            hint="You moved up and down alone. Move to the left and to the right as well.",
            answer=partial(_lost, places=_FOUR[:2]),
        ),
        Mistake(
            hint="You moved to the sides alone. Move up and down as well.", answer=partial(_lost, places=_FOUR[2:])
        ),
        *(
            Mistake(hint="That is one direction of four. Average over all.", answer=partial(_lost, places=[place]))
            for place in _FOUR
        ),
        Mistake(
            hint="You moved along the diagonals. Move along one axis at a time: up, down, left, right.",
            answer=partial(_lost, places=_DIAGONAL),
        ),
        Mistake(
            hint="Eight directions are too many: up, down, left and right.",
            answer=partial(_lost, places=_FOUR + _DIAGONAL),
        ),
        Mistake(
            hint="The pictures as they are count among the moved ones. Average over the four moves alone.",
            answer=partial(_lost, places=[*_FOUR, (1, 1)]),
        ),
        Mistake(hint="That is the worst of the four moves. Take their mean.", answer=partial(_lost, over=np.min)),
        Mistake(hint="That is the best of the four moves. Take their mean.", answer=partial(_lost, over=np.max)),
        Mistake(hint="Add nothing up: the mean of the four accuracies.", answer=partial(_lost, over=np.sum)),
        Mistake(hint="That is the loss as a share of the accuracy. Subtract; do not divide.", answer=_relative),
    ),
)

EXERCISES = (convolve, field, block, blur, prepare, lost)
