"""A CNN that reads digits, and a view of its weights: prune them, put them on a grid, see bytes and accuracy at once.

Taught in: 25
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from kit.arguments import count, one_of, real
from kit.compress.prune import global_masks, matrices
from kit.compress.quantize import dequantize, quantize, scales
from kit.compress.size import FORMATS, stored_bytes
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE
from kit.learn.schedules import cosine, warmup
from kit.models.cnn import CNN, CNNConfig
from kit.train.batches import Batch, epochs
from kit.train.loop import fit
from kit.train.objectives import Loss, token_loss
from kit.train.pictures import Pictures, digits, predict

Model = TypeVar("Model", bound=nn.Module)

# A CNN to compress ---------------------------------------------------------------------------------

WIDTHS, N_TRAIN, N_RESERVED, N_STEPS, BATCH, LR = (16, 32), 1_500, 1_000, 300, 50, 3e-3
Side = tuple[np.ndarray, np.ndarray]  # pictures and labels; the sides differ in number


@cache
def sides(seed: int) -> tuple[Side, Side, Side]:
    """Deal the digits out: 1,500 to learn from, 2,500 to report on, and 1,000, always the same, to choose by.

    Raises:
        TypeError, ValueError: if `seed` is no whole number of at least 0.
    """
    images, labels = digits()
    order = np.random.default_rng(25).permutation(len(labels))
    drawn = np.random.default_rng(count("seed", seed, at_least=0)).permutation(order[N_RESERVED:])
    places = drawn[:N_TRAIN], drawn[N_TRAIN:], order[:N_RESERVED]
    train, report, choose = ((images[rows], labels[rows]) for rows in places)
    return train, report, choose


def new_cnn(seed: int, *, widths: tuple[int, ...] = WIDTHS) -> CNN:
    """Make a CNN that has learned nothing yet.

    Raises:
        TypeError, ValueError: if `seed` is no whole number of at least 0, or `widths` are no channels.
    """
    config = CNNConfig(widths=widths)
    with torch.random.fork_rng(devices=[]):  # a view must not disturb the draws of the reader's own cells
        torch.manual_seed(count("seed", seed, at_least=0))
        return CNN(config)


@cache
def trained_cnn(seed: int) -> CNN:
    """Train the CNN on 1,500 digits; a process does it once. Whoever changes it takes a copy.

    Raises:
        TypeError, ValueError: if `seed` is no whole number of at least 0.
    """
    images, labels = sides(seed)[0]
    batches = epochs(as_tensor(images), torch.from_numpy(labels), batch_size=BATCH, seed=seed)
    return train(new_cnn(seed), batches, n_steps=N_STEPS, lr=LR)


def train(model: Model, batches: Callable[[int], Batch], *, n_steps: int, lr: float, loss: Loss = token_loss) -> Model:
    """Train a model where it is, by warm-up and cosine, and give it back.

    Raises:
        TypeError, ValueError: as `kit.train.loop.fit`.
    """
    n_climb = count("n_steps", n_steps) // 10
    fit(model, loss, batches, n_steps=n_steps, lr=warmup(cosine(lr, n_steps=n_steps - n_climb), n_steps=n_climb))
    return model


def as_tensor(images: Pictures) -> Float[Tensor, "n 1 height width"]:
    """Bring pictures of one channel to float32."""
    return torch.from_numpy(images).float().unsqueeze(1)


# Pruned, and on a grid -----------------------------------------------------------------------------

LAYERS = {"convolution 1": "convs.0.weight", "convolution 2": "convs.1.weight", "head": "head.weight"}
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BITS = (32, 8, 6, 5, 4, 3, 2)
ONE, EACH = "one for the layer", "one for each channel"
N_JUDGED, N_BINS, FLOAT_BITS, TENTH, POINT = 500, 80, 32, 10, 0.01


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """The CNN at one setting.

    Args:
        n_bytes: each matrix in the format that is smallest for it, with scales, biases and all.
        accuracy: on 500 digits that it has not seen.
    """

    model: CNN
    n_bytes: int
    accuracy: float


@cache
def _masks(share: float) -> dict[str, Tensor]:
    return global_masks(matrices(trained_cnn(0)), share=share)


@cache
def compressed(share: float, bits: int, scale: str) -> Compressed:
    """Prune the CNN to a share, and put what is left on a grid of some bits; nothing is tuned on.

    Raises:
        TypeError, ValueError: if `share` is not from 0 to 1, `bits` none of `BITS`, or `scale` neither of the two.
    """
    share = real("share", share, at_least=0, at_most=1)
    if count("bits", bits) not in BITS:
        raise ValueError(f"bits must be one of {', '.join(map(str, BITS))}; got {bits}")
    axis = 0 if one_of("scale", scale, (ONE, EACH)) == EACH else None
    model, n_bytes = copy.deepcopy(trained_cnn(0)), 0
    for name, weight in matrices(model).items():
        weight.data.masked_fill_(~_masks(share)[name], 0.0)
        n_kept = int(_masks(share)[name].sum())
        if bits < FLOAT_BITS:
            found = scales(weight, bits=bits, axis=axis)
            weight.data = dequantize(quantize(weight.detach(), found, bits=bits), found)
            n_bytes += 4 * found.numel()
        n_bytes += min(stored_bytes(weight.numel(), n_kept, bits=bits, how=how) for how in FORMATS)
    n_bytes += sum(4 * parameter.numel() for parameter in model.parameters() if parameter.ndim == 1)
    images, labels = sides(0)[1]
    right = predict(model, images[:N_JUDGED]) == labels[:N_JUDGED]
    return Compressed(model=model, n_bytes=n_bytes, accuracy=float(right.mean()))


def whole() -> Compressed:
    """Give the CNN as it was trained."""
    return compressed(0.0, FLOAT_BITS, ONE)


def is_small_and_good(found: Compressed) -> bool:
    """Tell whether it has a tenth of the bytes, and is within one point of the accuracy, of the whole."""
    return TENTH * found.n_bytes <= whole().n_bytes and found.accuracy >= whole().accuracy - POINT - 1e-9


# The view ------------------------------------------------------------------------------------------

X_LIMIT, Y_LIMIT, BYTES_LIMIT, ACCURACY_LIMIT = 1.15, 1.0, (1e3, 1.3e5), (0.5, 1.0)


def outline(values: Float[np.ndarray, "numbers"], limit: float, *, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw a histogram as one line of stairs: numbers as parts of the limit, heights as parts of the most."""
    heights, edges = np.histogram(values / limit, bins=N_BINS, range=(-X_LIMIT, X_LIMIT))
    return np.repeat(edges, 2), np.concatenate([[0], np.repeat(heights / most, 2), [0]])


def comb(levels: Float[np.ndarray, "levels"], *, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw levels as one line: up and down again at each of them."""
    return np.repeat(levels, 3), np.tile([0.0, height, 0.0], len(levels))


def weights_frame(layer: str, share: float, bits: int, scale: str) -> Frame:
    """Show the weights of a layer, which of them are left, the levels of the grid, and what it all costs and saves."""
    found, name = compressed(share, bits, scale), LAYERS[layer]
    weight = matrices(trained_cnn(0))[name].detach()
    kept = weight[_masks(share)[name]].numpy()
    limit = float(weight.abs().max())
    most = 1.1 * np.histogram(weight.flatten() / limit, bins=N_BINS, range=(-X_LIMIT, X_LIMIT))[0].max()
    levels: tuple = ([], [])
    if bits < FLOAT_BITS:
        top = 2 ** (bits - 1) - 1
        masked = weight * _masks(share)[name]
        each = scales(masked, bits=bits, axis=0 if scale == EACH else None)
        levels = comb(np.arange(-top, top + 1) * float(each.median()) / limit, height=0.16)
    points, ratio = 100 * (found.accuracy - whole().accuracy), whole().n_bytes / found.n_bytes
    grid = f"on a grid of {bits} bits, {scale}" if bits < FLOAT_BITS else "in 32 bits"
    return Frame(
        lines=[
            outline(weight.flatten().numpy(), limit, most=most),
            outline(kept, limit, most=most),
            levels,
            (found.n_bytes, max(found.accuracy, ACCURACY_LIMIT[0])),
        ],
        sentence=(
            f"{share:.0%} of the weights pruned, the others {grid}: ≈{found.n_bytes:,} bytes, ≈{ratio:.1f} times "
            f"fewer, and ≈{found.accuracy:.1%} of {N_JUDGED} digits right, ≈{points:+.1f} points."
        ),
        quest_met=is_small_and_good(found),
    )


def weights_stage() -> Stage:
    """Draw what stands still: the axes of the histogram, and the plane of bytes and accuracy with its goal."""
    start = whole()
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": True}]):
        figure = Figure(figsize=(9.2, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        left.set(xlim=(-X_LIMIT, X_LIMIT), ylim=(0, Y_LIMIT), yticks=[], xlabel="weight, by the largest of its layer")
        left.set_title("Weights of the layer: all, and those that are left")
        right.set(xscale="log", xlim=BYTES_LIMIT, ylim=ACCURACY_LIMIT, xlabel="bytes", ylabel="digits right")
        right.set_title("What it saves, and what it costs")
        right.axvline(start.n_bytes / TENTH, color=GREEN, linestyle=":", linewidth=1.2)
        right.axhline(start.accuracy - POINT, color=GREEN, linestyle=":", linewidth=1.2)
        right.text(1.1e3, 0.52, "a tenth of the bytes,\nwithin a point", color=GREEN, fontsize=9)
        right.plot(start.n_bytes, start.accuracy, "o", color=GREY, markersize=7)
        left.text(-1.1, 0.93, "all", color=GREY, fontsize=9)
        left.text(-1.1, 0.86, "left", color=BLUE, fontsize=9)
        left.text(-1.1, 0.79, "levels of the grid", color=ORANGE, fontsize=9)
        lines = [
            left.plot([], [], "-", color=GREY, linewidth=1.2)[0],
            left.plot([], [], "-", color=BLUE, linewidth=1.8)[0],
            left.plot([], [], "-", color=ORANGE, linewidth=1.2)[0],
            right.plot([], [], "o", color=ORANGE, markersize=9)[0],
        ]
    return Stage(figure=figure, lines=lines)


def weights_view() -> LiveView:
    """Open the view: how many weights are pruned, how many bits the others have, and whose scale it is."""
    return LiveView(
        title="Sparsity and bits over the weights",
        controls=[
            Choice(name="layer", label="layer", values=[*LAYERS], labels=[*LAYERS], start=2),
            Slider(name="share", label="pruned", values=SHARES, labels=[f"{share:.0%}" for share in SHARES], start=2),
            Slider(name="bits", label="bits", values=BITS, labels=[str(bits) for bits in BITS], start=5),
            Choice(name="scale", label="scale", values=(ONE, EACH), labels=(ONE, EACH)),
        ],
        stages=[weights_stage()],
        frame=weights_frame,
        quest="a tenth of the bytes, within one point of the accuracy",
    )
