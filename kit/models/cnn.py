"""Networks that see: a small CNN, and the ResNets of CIFAR with their twins without skips.

    CNN       two or three rounds of convolution, ReLU and pooling; then one linear layer
    plain     x → relu(norm(conv(relu(norm(conv(x))))))
    residual  x → relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))

The plain block and the residual block differ by one sum. Their nets have the same parameters, name by name.

Source: He, Zhang, Ren and Sun (2015), Deep residual learning for image recognition, arXiv:1512.03385, section 4.2.

Taught in: 12
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, one_of, real_tensor, several, shown
from kit.blocks.convolution import blur_pool2d
from kit.blocks.initialisation import init_he

STARTS = ("He", "torch")


def whole_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return the channels of each part, if they are whole numbers above 0.

    Raises:
        TypeError, ValueError: if they are not.
    """
    several("widths", widths)
    return tuple(count("widths", width) for width in widths)


@dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """The sizes of a ResNet for small pictures, or of its plain twin.

    Args:
        depth: of its convolutions and the last, linear layer: 6n + 2, for three stages of n blocks.
        widths: the channels of the three stages; the second and the third begin with a stride of 2.
        n_channels: of the pictures.
        skip: whether each block's input is added to its output.
        norm: whether BatchNorm follows each convolution; without it the convolutions have biases.
        start: the first weights' variance: "He", 2 / fan_in, as published; or "torch", 1 / (3 fan_in).

    Raises:
        TypeError, ValueError: if a number is no whole number above 0, `depth` is not 6n + 2, `widths` are not three
            that never fall, a switch is no bool, or `start` none of the two.
    """

    depth: int = 20
    widths: tuple[int, ...] = (16, 32, 64)
    n_channels: int = 3
    n_classes: int = 10
    skip: bool = True
    norm: bool = True
    start: str = "He"

    def __post_init__(self) -> None:
        """Refuse what makes no net."""
        if count("depth", self.depth, at_least=8) % 6 != 2:
            raise ValueError(f"depth must be 6n + 2, such as 20, 32, 44 or 56, got {self.depth}")
        widths = whole_widths(self.widths)
        if len(widths) != 3 or sorted(widths) != list(widths):
            raise ValueError(f"widths must be three that never fall, got {shown(self.widths)}")
        count("n_channels", self.n_channels)
        count("n_classes", self.n_classes)
        instance("skip", self.skip, bool)
        instance("norm", self.norm, bool)
        one_of("start", self.start, STARTS)


RESNET_CONFIGS = {depth: ResNetConfig(depth=depth) for depth in (20, 32, 44, 56, 110, 1202)}
"""Table 6 of the paper."""


def shortcut(
    x: Float[Tensor, "b c h w"], *, channels: int, stride: int
) -> Float[Tensor, "b channels_out rows columns"]:
    """Bring a block's input to the shape of its output without a weight: type A of the paper.

    Every `stride`-th pixel is kept, and channels of zeros are added behind.
    """
    x = x[:, :, ::stride, ::stride]
    return F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1])) if channels > x.shape[1] else x


class PlainBlock(nn.Module):
    """Two convolutions, each followed by BatchNorm and ReLU."""

    def __init__(self, config: ResNetConfig, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.n_out, self.stride = n_out, stride
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=not config.norm)
        self.norm1 = nn.BatchNorm2d(n_out) if config.norm else nn.Identity()
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=not config.norm)
        self.norm2 = nn.BatchNorm2d(n_out) if config.norm else nn.Identity()

    def branch(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b channels_out rows columns"]:
        return self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b channels_out rows columns"]:
        return F.relu(self.branch(x))


class ResidualBlock(PlainBlock):
    """The same parts; the branch now learns what to add to its input."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b channels_out rows columns"]:
        return F.relu(self.branch(x) + shortcut(x, channels=self.n_out, stride=self.stride))


class ResNet(nn.Module):
    """A ResNet of the CIFAR kind, or its plain twin.

    Raises:
        TypeError: if `config` is not a ResNetConfig.

    Oracle: the published parameter counts; the same net in plain torch, tests/bench/plain_resnet.py.

    >>> sum(parameter.numel() for parameter in ResNet(ResNetConfig(depth=20)).parameters())
    269722
    """

    def __init__(self, config: ResNetConfig):
        super().__init__()
        instance("config", config, ResNetConfig)
        self.config = config
        self.conv = nn.Conv2d(config.n_channels, config.widths[0], 3, padding=1, bias=not config.norm)
        self.norm = nn.BatchNorm2d(config.widths[0]) if config.norm else nn.Identity()
        make, n_blocks = ResidualBlock if config.skip else PlainBlock, (config.depth - 2) // 6
        blocks, n_in = [], config.widths[0]
        for stage, n_out in enumerate(config.widths):
            for place in range(n_blocks):
                blocks.append(make(config, n_in, n_out, stride=2 if stage and not place else 1))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(n_in, config.n_classes)
        if config.start == "He":  # of the convolutions; the head begins as torch's own
            init_he(self.conv)
            init_he(self.blocks)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Give the logits of each picture.

        Raises:
            TypeError, ValueError: if `x` are no pictures of `n_channels` channels.
        """
        x = F.relu(self.norm(self.conv(pictures("x", x, self.config.n_channels))))
        return self.head(self.blocks(x).mean(dim=(2, 3)))  # each channel's mean over the picture


@dataclass(frozen=True, kw_only=True)
class CNNConfig:
    """The sizes of a small CNN.

    Args:
        size: of the pictures' sides, in pixels.
        widths: the channels of each round; every round halves the sides.
        blur: whether a blur stands before each stride, as Zhang (2019) does it: the pool then takes every place,
            and the blur leaves out every other one.

    Raises:
        TypeError, ValueError: if a number is no whole number above 0, there is no round or one too many for
            `size`, or `blur` is no bool.
    """

    size: int = 28
    widths: tuple[int, ...] = (8, 16, 32)
    n_channels: int = 1
    n_classes: int = 10
    blur: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no net."""
        widths = whole_widths(self.widths)
        count("n_channels", self.n_channels)
        count("n_classes", self.n_classes)
        if not widths or count("size", self.size) >> len(widths) == 0:
            raise ValueError(f"widths must be one round or more, each halving {self.size}, got {len(widths)}")
        instance("blur", self.blur, bool)


class CNN(nn.Module):
    """Rounds of convolution, ReLU and pooling; then a weight for every place of every channel.

    Raises:
        TypeError: if `config` is not a CNNConfig.

    Source: LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition.

    >>> import torch
    >>> CNN(CNNConfig())(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: CNNConfig):
        super().__init__()
        instance("config", config, CNNConfig)
        self.config = config
        pairs = zip((config.n_channels, *config.widths), config.widths, strict=False)
        self.convs = nn.ModuleList(nn.Conv2d(n_in, n_out, 3, padding=1) for n_in, n_out in pairs)
        side = config.size >> len(config.widths)
        self.head = nn.Linear(config.widths[-1] * side**2, config.n_classes)
        init_he(self.convs)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Give the logits of each picture.

        Raises:
            TypeError, ValueError: if `x` are no pictures of `n_channels` channels and the sides of `size`.
        """
        config = self.config
        x = pictures("x", x, config.n_channels, config.size)
        for conv in self.convs:
            x = F.relu(conv(x))
            even = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
            x = blur_pool2d(F.max_pool2d(F.pad(even, (0, 1, 0, 1)), 2, 1)) if config.blur else F.max_pool2d(even, 2)
        return self.head(x.flatten(1))


def pictures(name: str, value: Tensor, n_channels: int, size: int | None = None) -> Tensor:
    """Return `value` if it is a batch of pictures.

    Raises:
        TypeError: if it is no tensor of real numbers.
        ValueError: if it has other axes, other channels, or other sides.
    """
    sides = "any height and width" if size is None else f"sides of {size}"
    right = real_tensor(name, value).ndim == 4 and value.shape[1] == n_channels and 0 not in value.shape
    if not right or (size is not None and value.shape[2:] != (size, size)):
        raise ValueError(
            f"{name} must be pictures of {n_channels} channels and {sides}, got shape {tuple(value.shape)}"
        )
    return value
