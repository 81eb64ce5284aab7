"""Three architectures of one size: a CNN, an RNN and a Transformer for pictures, rows of numbers, or tokens.

Each is as its family writes it. Pictures come to the CNN whole, to the RNN row by row, to the Transformer in patches.
Rows come to a CNN of dilated causal convolutions that see the whole row, to an LSTM, and to causal attention. The
width is what brings the parameters nearest to `BUDGET`. Each has two starts, the best that are known of it.

Taught in: 14
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.blocks.attention import attention
from kit.blocks.initialisation import init_he, init_normal, scale_residual_weights
from kit.blocks.positions import rotary_angles, rotate
from kit.models.parameters import n_params
from kit.models.rnn import GRU, LSTM, RNN, chrono_start, keep_start, orthogonal_start

BUDGET = 8_000
RIVALS = ("CNN", "RNN", "Transformer")
STARTS = {
    "CNN": ("He", "torch's own"),
    "RNN": ("forget bias 1", "chrono"),
    "Transformer": ("std 0.02", "std 1/√width"),
}
"""The RNN has orthogonal recurrent weights in both."""
CELLS = {"plain RNN": RNN, "GRU": GRU, "LSTM": LSTM}


@dataclass(frozen=True)
class Shape:
    """What comes in and what goes out.

    Args:
        kind: "pictures", "numbers" or "tokens".
        n_in: pixels of a side, numbers of a step, or tokens of the vocabulary.
        n_out: classes, or 1.
        n_steps: of a row; of a picture its patches a side.
        every: whether each step has an answer, which then sees no later step.
    """

    kind: str
    n_in: int
    n_out: int
    n_steps: int
    every: bool = False


def reader(shape: Shape, width: int) -> nn.Module:
    """Make what turns tokens or numbers into rows of a width."""
    return nn.Embedding(shape.n_in, width) if shape.kind == "tokens" else nn.Linear(shape.n_in, width)


class PictureCNN(nn.Module):
    """Three convolutions, 3 by 3, with pooling between them, and the largest answer of each channel."""

    def __init__(self, shape: Shape, width: int):
        super().__init__()
        channels = (1, width, 2 * width, 2 * width)
        self.layers = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels)])
        self.head = nn.Linear(2 * width, shape.n_out)

    def forward(self, x: Float[Tensor, "b side side"]) -> Float[Tensor, "b out"]:
        x = x[:, None]
        for layer in self.layers[:-1]:
            x = F.max_pool2d(F.relu(layer(x)), 2)
        return self.head(F.relu(self.layers[-1](x)).amax(dim=(2, 3)))


class RowCNN(nn.Module):
    """Causal convolutions of three steps, each layer with twice the distance between them, around a residual stream."""

    def __init__(self, shape: Shape, width: int):
        super().__init__()
        self.every = shape.every
        n_layers = max(1, math.ceil(math.log2((shape.n_steps + 1) / 2)))  # sees 2^(n + 1) - 1 steps
        self.reader = reader(shape, width)
        self.layers = nn.ModuleList([nn.Linear(3 * width, width) for _ in range(n_layers)])
        self.head = nn.Linear(width, shape.n_out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reader(x)
        for i, layer in enumerate(self.layers):
            gap, t = 2**i, x.shape[1]
            padded = F.pad(x, (0, 0, 2 * gap, 0))
            x = x + F.relu(layer(torch.cat([padded[:, :t], padded[:, gap : gap + t], x], dim=-1)))
        return self.head(x if self.every else x[:, -1])


class Recurrent(nn.Module):
    """A recurrent cell between what reads and what answers; numbers and rows of pixels it reads as they are."""

    def __init__(self, shape: Shape, width: int, cell: str = "LSTM"):
        super().__init__()
        self.every, d_input = shape.every, width // 2 if shape.kind == "tokens" else shape.n_in
        self.reader = reader(shape, d_input) if shape.kind == "tokens" else nn.Identity()
        self.cell = CELLS[cell](d_input, width)
        self.head = nn.Linear(width, shape.n_out)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(self.reader(x))
        return self.head(states if self.every else states[:, -1])


class Attentive(nn.Module):
    """Two pre-norm blocks, two heads; pictures have learned positions, rows rotary ones; the mean gives one answer."""

    def __init__(self, shape: Shape, width: int, d_ff: int | None = None):
        super().__init__()
        self.shape, d_ff = shape, d_ff or 2 * width
        self.side = shape.n_in // shape.n_steps
        of_patch = Shape("numbers", self.side**2, 0, 0) if shape.kind == "pictures" else shape
        self.reader = reader(of_patch, width)
        self.positions = nn.Embedding(shape.n_steps**2, width) if shape.kind == "pictures" else None
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(5)])
        self.qkv = nn.ModuleList([nn.Linear(width, 3 * width) for _ in range(2)])
        self.out = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.up = nn.ModuleList([nn.Linear(width, d_ff) for _ in range(2)])
        self.down = nn.ModuleList([nn.Linear(d_ff, width) for _ in range(2)])
        self.head = nn.Linear(width, shape.n_out)

    def forward(self, x: Tensor) -> Tensor:
        if self.shape.kind == "pictures":
            x = rearrange(x, "b (i p) (j q) -> b (i j) (p q)", p=self.side, q=self.side)
        x = self.reader(x)
        x = x if self.positions is None else x + self.positions.weight
        angles = rotary_angles(torch.arange(x.shape[1], device=x.device), width=x.shape[2] // 2)
        for i in range(2):
            q, k, v = rearrange(self.qkv[i](self.norms[i](x)), "b t (three h d) -> three b h t d", three=3, h=2)
            if self.positions is None:
                q, k = rotate(q, angles), rotate(k, angles)
            y = attention(q, k, v, causal=self.shape.every)
            x = x + self.out[i](rearrange(y, "b h t d -> b t (h d)"))
            x = x + self.down[i](F.gelu(self.up[i](self.norms[2 + i](x))))
        return self.head(self.norms[4](x if self.shape.every else x.mean(dim=1)))


def sized(make: Callable[[int], nn.Module], *, budget: int = BUDGET, step: int = 1) -> int:
    """Find the width, a multiple of the step, that brings the parameters nearest to the budget."""
    with torch.device("meta"):
        sizes = {width: n_params(make(width)) for width in range(4, 92, step)}
    return min(sizes, key=lambda width: abs(sizes[width] - budget))


@cache
def maker(rival: str, shape: Shape, cell: str = "LSTM") -> Callable[[], nn.Module]:
    """Give what makes a rival at its size, with torch's own start."""
    if rival == "Transformer":
        width = sized(partial(Attentive, shape), step=4)  # two heads, of pairs
        return partial(Attentive, shape, width, sized(partial(Attentive, shape, width)))
    kind = PictureCNN if shape.kind == "pictures" else RowCNN
    make = partial(kind, shape) if rival == "CNN" else partial(Recurrent, shape, cell=cell)
    return partial(make, sized(make))


def made(rival: str, shape: Shape, start: str, seed: int, cell: str = "LSTM") -> nn.Module:
    """Make a rival with the first weights of a start and a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = maker(rival, shape, cell)()
        if start == "He":
            init_he(model.layers)
        elif rival == "RNN" and start != "torch's own":
            orthogonal_start(model.cell)
            if start == "chrono":
                chrono_start(model.cell, longest=max(3, shape.n_steps))
            elif start == "forget bias 1":
                keep_start(model.cell, 1.0)
        elif start.startswith("std"):
            init_normal(model, std=0.02 if start == "std 0.02" else model.head.in_features**-0.5)
            scale_residual_weights(*model.out, *model.down, n_residuals=4)
    return model
