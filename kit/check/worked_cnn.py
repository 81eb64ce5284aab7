"""The way to each answer of notebook 12, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps


def _convolve(picture, kernel, stride, padding) -> Steps:
    x, k = np.pad(picture, padding), len(kernel)
    rows, columns = ((side - k) // stride + 1 for side in x.shape)
    y = np.zeros((rows, columns))
    for r, c in np.ndindex(rows, columns):
        y[r, c] = (x[r * stride : r * stride + k, c * stride : c * stride + k] * kernel).sum()
    return [
        ("the picture with zeros around it", x),
        ("how often the kernel fits downwards and across", (rows, columns)),
        ("the first patch", x[:k, :k]),
        ("it times the kernel, cell by cell, added up", y[0, 0]),
        ("the same at every place, stride pixels apart", y),
    ]


def _field(windows) -> Steps:
    size, step, sizes = 1, 1, []
    for kernel, stride in windows:
        size += (kernel - 1) * step
        step *= stride
        sizes.append((size, step))
    return [
        ("before any layer: one pixel, and neighbours one apart", (1, 1)),
        ("layer by layer: the size grows by (kernel - 1) · step, then the step by the stride", sizes),
        ("the last of them", (size, step)),
    ]


def _block(x, w1, w2, stride) -> Steps:
    from torch.nn import functional as F  # torch is imported where it is needed

    first = F.relu(F.conv2d(x, w1, stride=stride, padding=1))
    branch, kept = F.conv2d(first, w2, padding=1), x[:, :, ::stride, ::stride]
    more = len(w2) - x.shape[1]
    padded = F.pad(kept, (0, 0, 0, 0, 0, more))
    return [
        ("the first convolution with the stride, and ReLU", first.numpy()),
        ("the second convolution, without ReLU", branch.numpy()),
        ("every stride-th pixel of the input", kept.numpy()),
        ("how many channels of zeros it lacks, and it with them behind", (more, padded.numpy())),
        ("ReLU of the sum of branch and shortcut", F.relu(branch + padded).numpy()),
    ]


def _blur(picture, stride) -> Steps:
    framed = np.pad(picture, 1, mode="edge")
    down = (framed[:-2] + 2 * framed[1:-1] + framed[2:]) / 4
    across = (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 4
    return [
        ("the picture with its edge continued by one pixel", framed),
        ("1, 2, 1 over 4 down the columns", down),
        ("the same along the rows", across),
        ("every stride-th row and column", across[::stride, ::stride]),
    ]


def _prepare(images, labels, n_train, augment) -> Steps:
    x, y = images[:n_train], labels[:n_train]
    x_train, y_train = np.concatenate([x, augment(x)]), np.concatenate([y, y])
    return [
        ("the training side, and its labels", (x, y)),
        ("its pictures, then the augmented ones", x_train),
        ("its labels, twice", y_train),
        ("these two, and the other side as it is", (x_train, y_train, images[n_train:], labels[n_train:])),
    ]


def _lost(predict, images, labels, distance) -> Steps:
    d, (height, width) = distance, images.shape[1:]
    framed = np.pad(images, ((0, 0), (d, d), (d, d)))
    windows = [framed[:, r : r + height, c : c + width] for r, c in ((0, d), (2 * d, d), (d, 0), (d, 2 * d))]
    clean, moved = float(np.mean(predict(images) == labels)), [float(np.mean(predict(x) == labels)) for x in windows]
    return [
        ("the pictures with a frame of zeros, distance pixels wide", framed),
        ("the accuracy on the pictures as they are", clean),
        ("the accuracy on the window that begins above, below, to the left, to the right of the middle", moved),
        ("the first less the mean of the four", clean - float(np.mean(moved))),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "convolution by loops": _convolve,
    "what an output sees": _field,
    "a residual block": _block,
    "a blur before the stride": _blur,
    "augmentation on the training side": _prepare,
    "an experiment: accuracy lost to a move": _lost,
}
