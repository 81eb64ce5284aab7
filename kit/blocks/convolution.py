"""Convolution without loops: every patch becomes a row, and one matrix product does all sums; pooling and blur alike.

    patches = unfold(x)                        for each place the numbers that lie under the kernel
    y       = kernels, as rows, times patches

An unfolded picture holds each pixel up to kernel² times. That is the price of one large product.

Taught in: 12
"""

from collections.abc import Callable

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, function, real_tensor, several

Images = Float[Tensor, "batch channels height width"]
Maps = Float[Tensor, "batch channels rows columns"]


def unfold(
    x: Images, *, kernel: tuple[int, int], stride: int = 1, padding: int = 0, dilation: int = 1, fill: float = 0.0
) -> Float[Tensor, "batch channels rows columns kernel_height kernel_width"]:
    """Give the patch of each place. It is a view: no number is copied until something computes with it.

    Args:
        kernel: height and width.
        fill: what stands in the padding.

    Raises:
        TypeError: if `x` is no tensor of real numbers, or a size no whole number.
        ValueError: if `x` has not four axes, a size is below 1 (`padding` 0), or the kernel does not fit.

    Oracle: torch.nn.functional.unfold.

    >>> unfold(torch.arange(3.0).view(1, 1, 1, 3), kernel=(1, 2)).flatten().tolist()
    [0.0, 1.0, 1.0, 2.0]
    """
    if real_tensor("x", x).ndim != 4:
        raise ValueError(f"x must have the axes batch, channels, height and width, got shape {tuple(x.shape)}")
    stride, padding = count("stride", stride), count("padding", padding, at_least=0)
    several("kernel", kernel)
    dilation, sides = count("dilation", dilation), [count("kernel", side) for side in kernel]
    if len(sides) != 2:
        raise ValueError(f"kernel must be a height and a width, got {len(sides)} numbers")
    x = F.pad(x, (padding,) * 4, value=fill) if padding else x
    for axis, side in enumerate(sides, start=2):
        spread = dilation * (side - 1) + 1
        if spread > x.shape[axis]:
            raise ValueError(f"kernel must fit into the padded picture, {tuple(x.shape[2:])}, got a side of {spread}")
        x = x.unfold(axis, spread, stride)
    return x[..., ::dilation, ::dilation]


def conv2d(
    x: Images,
    kernels: Float[Tensor, "outputs channels_a_group kernel_height kernel_width"],
    bias: Float[Tensor, "outputs"] | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Float[Tensor, "batch outputs rows columns"]:
    """Convolve by unfolding.

    Raises:
        TypeError, ValueError: as `unfold`; or if `kernels` have not four axes, their channels do not fit, or
            `groups` does not divide them.

    Oracle: torch.nn.functional.conv2d.

    >>> conv2d(torch.tensor([[[[1.0, 2.0, 4.0]]]]), torch.tensor([[[[-1.0, 1.0]]]]))
    tensor([[[[1., 2.]]]])
    """
    if real_tensor("kernels", kernels).ndim != 4:
        raise ValueError(f"kernels must have 4 axes, got shape {tuple(kernels.shape)}")
    if len(kernels) % count("groups", groups):
        raise ValueError(f"groups must divide the {len(kernels)} kernels, got {groups}")
    if bias is not None and real_tensor("bias", bias).shape != kernels.shape[:1]:
        raise ValueError(f"bias must be one for each of {len(kernels)} kernels, got shape {tuple(bias.shape)}")
    height, width = kernels.shape[2:]
    try:
        patches = unfold(x, kernel=(height, width), stride=stride, padding=padding, dilation=dilation)
    except ValueError as error:
        raise ValueError(str(error).replace("kernel must", "kernels must")) from None
    if kernels.shape[1] * groups != x.shape[1]:
        raise ValueError(f"kernels must see {x.shape[1]} channels in {groups} groups, got {kernels.shape[1]} a group")
    rows = rearrange(patches, "b (g i) r c h w -> g (b r c) (i h w)", g=groups)
    matrix = rearrange(kernels, "(g o) i h w -> g (i h w) o", g=groups)
    y = rearrange(rows @ matrix, "g (b r c) o -> b (g o) r c", b=len(x), r=patches.shape[2])
    return y if bias is None else y + bias[:, None, None]


def max_pool2d(x: Images, *, kernel: int, stride: int | None = None, padding: int = 0) -> Maps:
    """Keep the largest number of each window; the stride is the window's side where it is None.

    Raises:
        TypeError, ValueError: as `unfold`.

    Oracle: torch.nn.functional.max_pool2d.

    >>> max_pool2d(torch.tensor([[[[1.0, 5.0, 2.0, 3.0]] * 2]]), kernel=2)
    tensor([[[[5., 3.]]]])
    """
    side, step = count("kernel", kernel), kernel if stride is None else stride
    return unfold(x, kernel=(side, side), stride=step, padding=padding, fill=-torch.inf).amax(dim=(-2, -1))


def avg_pool2d(x: Images, *, kernel: int, stride: int | None = None) -> Maps:
    """Give the mean of each window; the stride is the window's side where it is None.

    Raises:
        TypeError, ValueError: as `unfold`.

    Oracle: torch.nn.functional.avg_pool2d.

    >>> avg_pool2d(torch.tensor([[[[1.0, 5.0, 2.0, 3.0]] * 2]]), kernel=2)
    tensor([[[[3.0000, 2.5000]]]])
    """
    side, step = count("kernel", kernel), kernel if stride is None else stride
    return unfold(x, kernel=(side, side), stride=step).mean(dim=(-2, -1))


def blur_pool2d(x: Images, *, stride: int = 2) -> Maps:
    """Blur each channel by the rows 1 2 1, 2 4 2, 1 2 1 over 16, and only then leave out pixels.

    A stride alone keeps every other pixel and never looks at those between: moved by one pixel, the picture gives
    other numbers. Blurred first, each pixel that is kept has a share of its neighbours.

    Args:
        stride: every so many pixels are kept; the edge is continued outwards, so that it does not darken.

    Raises:
        TypeError, ValueError: as `unfold`.

    Source: Zhang (2019), Making convolutional networks shift-invariant again, arXiv:1904.11486.

    >>> blur_pool2d(torch.tensor([[[[0.0, 16.0, 0.0, 0.0]]]]), stride=1)
    tensor([[[[4., 8., 4., 0.]]]])
    """
    if real_tensor("x", x).ndim != 4:
        raise ValueError(f"x must have the axes batch, channels, height and width, got shape {tuple(x.shape)}")
    row = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    kernel = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernel, stride=count("stride", stride), groups=x.shape[1])


def pixels_seen(
    layers: Callable[[Tensor], Tensor], x: Images, *, row: int, column: int
) -> Bool[Tensor, "height width"]:
    """Measure which pixels one output sees: those at which its gradient is not 0, in any channel, of any example.

    Args:
        layers: from pictures to a map of outputs, such as an nn.Sequential. A unit that is dead sees nothing.
        x: pictures to measure on; the output is that of the first channel.

    Raises:
        TypeError: if `layers` is no function, or `x` no tensor of real numbers.
        ValueError: if `row` or `column` lies outside the map of outputs.

    >>> pixels_seen(lambda x: max_pool2d(x, kernel=2), torch.rand(1, 1, 2, 4), row=0, column=1).sum()
    tensor(1)
    """
    function("layers", layers)
    x = real_tensor("x", x).detach().requires_grad_()
    with torch.enable_grad():
        y = layers(x)
        for name, place, size in (("row", row, y.shape[-2]), ("column", column, y.shape[-1])):
            if count(name, place, at_least=0) >= size:
                raise ValueError(f"{name} must be below {size}, got {place}")
        (gradient,) = torch.autograd.grad(y[:, 0, row, column].sum(), x)
    return (gradient != 0).flatten(0, 1).any(dim=0)
