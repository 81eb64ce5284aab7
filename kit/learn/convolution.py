"""Convolution by loops, with its gradients, and how far one output sees.

What networks call a convolution is a cross-correlation: the kernel is laid on the picture as it is, not turned round.

    y[o, r, c] = Σ_i,a,b  kernels[o, i, a, b] · x[i, stride·r + dilation·a, stride·c + dilation·b]

where x has been widened by zeros on all four sides. kit.blocks.convolution does the same without loops, in torch.

Taught in: 12
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kit.arguments import count, instance, real_array, several

Picture = Float[np.ndarray, "channels height width"]
Kernels = Float[np.ndarray, "outputs channels_a_group kernel_height kernel_width"]


def output_size(size: int, *, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count the places at which a kernel fits along one side of a picture.

        ⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1

    Raises:
        TypeError, ValueError: if an argument is no whole number of at least 1 (`padding` 0), or the kernel
            is larger than the padded picture.

    >>> output_size(28, kernel=5), output_size(28, kernel=3, stride=2, padding=1)
    (24, 14)
    """
    size, kernel, stride = count("size", size), count("kernel", kernel), count("stride", stride)
    padding, dilation = count("padding", padding, at_least=0), count("dilation", dilation)
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ValueError(f"kernel must fit into the padded picture of {size + 2 * padding}, got {kernel}, "
                         f"spread over {dilation * (kernel - 1) + 1}")  # fmt: skip
    return room // stride + 1


def convolve(
    x: Picture, kernels: Kernels, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Float[np.ndarray, "outputs rows columns"]:
    """Lay each kernel on every place of a picture, multiply, and add up.

    Args:
        padding: zeros on each side.
        dilation: the step from one cell of the kernel to the next, in pixels.
        groups: into how many parts channels and kernels are split; a kernel sees the channels of its own part.

    Raises:
        TypeError, ValueError: if `x` or `kernels` is no array of 3 or 4 axes, their channels do not fit,
            `groups` does not divide the kernels, or as `output_size`.

    Source: Dumoulin and Visin (2016), arXiv:1603.07285, for the arithmetic of sizes.
    Oracle: torch.nn.functional.conv2d.

    >>> convolve(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[[-1.0, 1.0]]]]))
    array([[[1., 2.]]])
    """
    x, kernels, shape = _checked(x, kernels, stride, padding, dilation, groups)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    y = np.zeros((len(kernels), *shape))
    for (o, r, c), channels, rows, columns in _places(kernels, shape, stride, dilation, groups):
        y[o, r, c] = (padded[channels, rows, columns] * kernels[o]).sum()
    return y


def convolve_gradients(
    x: Picture,
    kernels: Kernels,
    upstream: Float[np.ndarray, "outputs rows columns"],
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> tuple[Picture, Kernels]:
    """Send the gradient of the outputs back to the picture and to the kernels, place by place.

    Every output hands its gradient, times what it was multiplied by, to each pixel and each weight of its sum.

    Args:
        upstream: the gradient of the loss with respect to what `convolve` gives.

    Raises:
        TypeError, ValueError: as `convolve`, or if `upstream` has another shape than its result.

    Oracle: torch.nn.functional.conv2d with autograd.
    """
    x, kernels, shape = _checked(x, kernels, stride, padding, dilation, groups)
    upstream = real_array("upstream", upstream, ndim=3)
    if upstream.shape != (len(kernels), *shape):
        raise ValueError(f"upstream must have the outputs' shape, {(len(kernels), *shape)}, got {upstream.shape}")
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    to_x, to_kernels = np.zeros_like(padded), np.zeros_like(kernels)
    for (o, r, c), channels, rows, columns in _places(kernels, shape, stride, dilation, groups):
        to_x[channels, rows, columns] += upstream[o, r, c] * kernels[o]
        to_kernels[o] += upstream[o, r, c] * padded[channels, rows, columns]
    height, width = x.shape[1:]
    return to_x[:, padding : padding + height, padding : padding + width], to_kernels


def _checked(
    x: Picture, kernels: Kernels, stride: int, padding: int, dilation: int, groups: int
) -> tuple[Picture, Kernels, tuple[int, int]]:
    """Return both as float64, and the number of rows and columns of the result."""
    x, kernels = real_array("x", x, ndim=3).astype(float), real_array("kernels", kernels, ndim=4).astype(float)
    if len(kernels) % count("groups", groups):
        raise ValueError(f"groups must divide the {len(kernels)} kernels, got {groups}")
    if kernels.shape[1] * groups != len(x):
        raise ValueError(f"kernels must see {len(x)} channels in {groups} groups, got {kernels.shape[1]} a group")
    spread = {"stride": stride, "padding": padding, "dilation": dilation}
    try:
        rows, columns = (output_size(x.shape[i + 1], kernel=kernels.shape[i + 2], **spread) for i in range(2))
    except ValueError as error:
        raise ValueError(str(error).replace("kernel must", "kernels must")) from None
    return x, kernels, (rows, columns)


def _places(
    kernels: Kernels, shape: tuple[int, int], stride: int, dilation: int, groups: int
) -> Iterator[tuple[tuple[int, int, int], slice, slice, slice]]:
    """Give each output, and the channels, rows and columns of the padded picture that it sums over."""
    per_group, seen = len(kernels) // groups, kernels.shape[1]
    high, wide = (dilation * (size - 1) + 1 for size in kernels.shape[2:])
    for o, r, c in np.ndindex(len(kernels), *shape):
        first, top, left = o // per_group * seen, stride * r, stride * c
        yield (
            (o, r, c),
            slice(first, first + seen),
            slice(top, top + high, dilation),
            slice(left, left + wide, dilation),
        )


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a layer reads: the side of its kernel or pool, its stride, its padding, and its dilation.

    Raises:
        TypeError, ValueError: if one is no whole number of at least 1 (`padding` 0).
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no window."""
        for name in ("kernel", "stride", "dilation"):
            count(name, getattr(self, name))
        count("padding", self.padding, at_least=0)


@dataclass(frozen=True, kw_only=True)
class Field:
    """Which pixels of the input the outputs of a stack see, along one side: output i sees `size` from start + i·step.

    Args:
        start: the first pixel of output 0; below 0 where it sees padding.
        step: how far the fields of two neighbours lie apart.
    """

    size: int
    step: int
    start: int

    def of(self, place: int) -> tuple[int, int]:
        """Give the first pixel that an output sees, and the one after the last.

        Raises:
            TypeError, ValueError: if `place` is no whole number of at least 0.
        """
        first = self.start + count("place", place, at_least=0) * self.step
        return first, first + self.size


def receptive_field(windows: Sequence[Window]) -> Field:
    """Work out in closed form what one output of a stack of layers can see.

        step_l  = step_(l-1) · stride_l
        size_l  = size_(l-1) + dilation_l · (kernel_l - 1) · step_(l-1)
        start_l = start_(l-1) - padding_l · step_(l-1)

    Raises:
        TypeError, ValueError: if `windows` are no collection of Window.

    Source: Araujo, Norris and Sim (2019), Computing receptive fields of convolutional neural networks, Distill.
    Oracle: the pixels with a gradient that is not 0, `kit.blocks.convolution.pixels_seen`.

    >>> receptive_field([Window(kernel=3), Window(kernel=3)]).size
    5
    """
    several("windows", windows)
    size, step, start = 1, 1, 0
    for window in windows:
        instance("windows", window, Window)
        size += window.dilation * (window.kernel - 1) * step
        start -= window.padding * step
        step *= window.stride
    return Field(size=size, step=step, start=start)
