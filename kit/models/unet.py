"""U-Net: an encoder that sees ever more of the picture, ever coarser; a decoder that goes back to every pixel.

    down    two convolutions, then every second pixel of either axis alone; the channels double
    up      an up-convolution doubles both axes and halves the channels; then two convolutions
    skip    beside what comes from below the decoder gets what the encoder had at that size

Without skips all that is known of fine places has to pass through the coarsest layer. So that the two can be
compared, the net without has the same weights, one by one: where the encoder's channels would stand, it has its own
from below with the sign turned, which the ReLU would otherwise cut off.

Taught in: 13
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real_tensor
from kit.blocks.initialisation import init_he
from kit.models.cnn import pictures


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The size of a U-Net; as it stands, that of 2015.

    Args:
        n_channels: of the picture.
        n_outputs: numbers for each pixel: logits, one for each kind of mask or class.
        width: channels of the first layer; they double with each step down.
        depth: steps down.
        skips: whether the decoder gets what the encoder had.
        padded: whether a convolution keeps the size of its picture. The net of 2015 loses two pixels of either axis
            by each, and answers for the middle of the picture alone.
        normed: whether each 3 by 3 convolution is followed by a BatchNorm; the net of 2015 has none, and without one
            a small net on masks of few pixels often stops at "background everywhere".

    Raises:
        TypeError, ValueError: if a size is not a whole number of at least 1, or a switch is neither True nor False.
    """

    n_channels: int = 1
    n_outputs: int = 2
    width: int = 64
    depth: int = 4
    skips: bool = True
    padded: bool = False
    normed: bool = False

    def __post_init__(self):
        for name in ("n_channels", "n_outputs", "width", "depth"):
            count(name, getattr(self, name))
        for name in ("skips", "padded", "normed"):
            instance(name, getattr(self, name), bool)


class TwoConvolutions(nn.Module):
    """Convolve twice with 3 by 3 kernels, each time followed by a ReLU, and by a BatchNorm before it where asked."""

    def __init__(self, n_in: int, n_out: int, config: UNetConfig):
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, padding=int(config.padded))
        self.second = nn.Conv2d(n_out, n_out, 3, padding=int(config.padded))
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_out) if config.normed else nn.Identity() for _ in range(2))

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out rows columns"]:
        """Give the channels after both."""
        x = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(x)))


class UNet(nn.Module):
    """Give numbers for every pixel of a picture.

    Args:
        generator: draws the weights, by He's rule; biases start at 0.

    Raises:
        TypeError: if `config` is no UNetConfig, or `generator` none.

    Source: Ronneberger, Fischer & Brox (2015), arXiv:1505.04597, figure 1; Shang and others (2016), arXiv:1603.05201,
        for both signs of a channel, which stand in for the skips.

    >>> net = UNet(UNetConfig(width=4, depth=2, n_outputs=1, padded=True))
    >>> net(torch.zeros(1, 1, 16, 16)).shape
    torch.Size([1, 1, 16, 16])
    """

    def __init__(self, config: UNetConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        instance("config", config, UNetConfig)
        self.config = config
        widths = [config.width * 2**i for i in range(config.depth + 1)]
        ins = [config.n_channels, *widths]
        self.down = nn.ModuleList(TwoConvolutions(i, o, config) for i, o in zip(ins, widths, strict=False))
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.up = nn.ModuleList(TwoConvolutions(2 * w, w, config) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(config.width, config.n_outputs, 1)
        init_he(self, generator=generator)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        """Give the logits of every pixel; without padding, of those in the middle.

        Raises:
            TypeError: if `images` are not a tensor of real numbers.
            ValueError: if they have other channels, or a size that does not halve evenly at every step down.
        """
        x, encoded = self._checked(images), []
        for layer in self.down[:-1]:
            x = layer(x)
            encoded.append(x)
            x = F.max_pool2d(x, 2)
        x = self.down[-1](x)
        for enlarge, layer in zip(self.enlarge, self.up, strict=True):
            below = enlarge(x)
            beside = centre(encoded.pop(), below) if self.config.skips else -below
            x = layer(F.relu(torch.cat([beside, below], dim=1)))
        return self.head(x)

    def _checked(self, images: Tensor) -> Tensor:
        config = self.config
        pictures("images", images, config.n_channels)
        for size in images.shape[2:]:
            for _ in range(config.depth):
                size -= 0 if config.padded else 4  # what two convolutions take
                if size < 2 or size % 2:
                    raise ValueError(
                        f"images must have sides that halve {config.depth} times, got {tuple(images.shape)}"
                    )
                size //= 2
            if not config.padded and size < 5:
                raise ValueError(f"images must be large enough for every convolution, got {tuple(images.shape)}")
        return images


def centre(
    x: Float[Tensor, "batch channels height width"], like: Tensor
) -> Float[Tensor, "batch channels rows columns"]:
    """Cut the middle of one picture to the size of another.

    Raises:
        TypeError: if either is not a tensor of real numbers.
        ValueError: if `x` is the smaller.

    >>> centre(torch.arange(16.0).reshape(1, 1, 4, 4), torch.zeros(1, 1, 2, 2))
    tensor([[[[ 5.,  6.],
              [ 9., 10.]]]])
    """
    real_tensor("x", x)
    rows, columns = real_tensor("like", like).shape[-2:]
    top, left = (x.shape[-2] - rows) // 2, (x.shape[-1] - columns) // 2
    if top < 0 or left < 0:
        raise ValueError(f"x must be as large as like, {rows} by {columns}, got {tuple(x.shape[-2:])}")
    return x[..., top : top + rows, left : left + columns]
