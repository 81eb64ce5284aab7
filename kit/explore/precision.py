"""Two views of mixed precision: which gradients vanish at a loss scale, and what a training step's memory holds.

Taught in: 22
"""

import dataclasses
from functools import cache

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from kit.arguments import count, one_of
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK
from kit.learn.schedules import cosine, warmup
from kit.models.gpt import GPT, GPT2_CONFIGS, GPTConfig
from kit.text.packing import chunk
from kit.text.stories import STORIES
from kit.text.story_tasks import END, WORDS, encode
from kit.train.batches import Batch, epochs
from kit.train.budget import MemoryBreakdown, training_bytes
from kit.train.loop import backward, fit
from kit.train.objectives import next_token_loss
from kit.train.underflow import OutOfRange, out_of_range, recorded_gradients

# A small story GPT, and the gradients that flow through it ----------------------------------------

TIME, ROWS, PARTS, STEPS = 32, 8, 512, 120
STORY_GPT = GPTConfig(
    vocab_size=len(WORDS), n_positions=TIME, n_layers=2, n_heads=2, d_model=32, dropout=0.0, init_std=0.1
)


def story_gpt(seed: int) -> GPT:
    """Make a small GPT for stories, from its seed.

    Raises:
        TypeError, ValueError: if `seed` is not a whole number of at least 0.
    """
    with torch.random.fork_rng(devices=[]):  # a view must not disturb the draws of the reader's own cells
        torch.manual_seed(count("seed", seed, at_least=0))
        return GPT(STORY_GPT)


@cache
def story_rows(seed: int = 0) -> Tensor:
    """Write stories, and cut them into rows of a time's tokens and the one after.

    Raises:
        TypeError, ValueError: if `seed` is not a whole number of at least 0.
    """
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    stream = np.concatenate([encode(STORIES.write(rng=rng)) for _ in range(250)])
    return torch.from_numpy(chunk(stream, length=TIME + 1, fill=END)[:-1])


def one_part(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure a batch that is one of 512 parts of a larger one: the mean loss, divided by 512.

    The gradients are those of a batch of 131,072 tokens, common for a large model.

    Raises:
        TypeError, ValueError: as `next_token_loss` does.
    """
    return next_token_loss(model, batch) / PARTS


@cache
def gradients(seed: int = 0) -> Float[Tensor, "numbers"]:
    """Train the small GPT in float32, and collect what flows back through its linear layers.

    Raises:
        TypeError, ValueError: if `seed` is not a whole number of at least 0.
    """
    model = story_gpt(seed)
    schedule = warmup(cosine(1e-2, n_steps=STEPS - 20), n_steps=20)
    fit(model, next_token_loss, epochs(story_rows(), batch_size=ROWS, seed=seed), n_steps=STEPS, lr=schedule)
    with recorded_gradients(model) as recorded:
        backward(model, one_part, story_rows()[:ROWS])
    return recorded.flatten()


# Underflow -----------------------------------------------------------------------------------------

POWERS = tuple(range(0, 37, 2))
ENOUGH = 0.002
EXPONENTS = (-58, 0)  # of the gradients, before they are scaled


@cache
def shares_out_of_range() -> tuple[OutOfRange, ...]:
    """Convert the gradients to float16 at each scale of the slider."""
    return tuple(out_of_range(gradients(), "float16", scale=2.0**power) for power in POWERS)


@cache
def bfloat16_loss() -> float:
    """Give the share of the gradients that vanish in bfloat16 without a scale."""
    return out_of_range(gradients(), "bfloat16").underflow


@cache
def histogram() -> tuple[np.ndarray, np.ndarray]:
    """Count the gradients by their exponent: exponents, and percent of those that are not 0.

    The few that lie beyond either end, where the picture ends too, are counted there.
    """
    sizes = gradients().abs().double()
    exponents = sizes[sizes > 0].log2().floor().int().numpy().clip(*EXPONENTS)
    edges = np.arange(EXPONENTS[0], EXPONENTS[1] + 1)
    return edges, 100 * np.array([(exponents == edge).mean() for edge in edges])


def stairs(exponents: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw a histogram as one line: a stair a power of 2 wide for each height."""
    x = np.repeat(np.append(exponents, exponents[-1] + 1), 2)
    return x, np.concatenate([[0], np.repeat(heights, 2), [0]])


def underflow_frame(power: int) -> Frame:
    """Show the gradients' sizes at one scale, beside what float16 can hold."""
    exponents, heights = histogram()
    found = shares_out_of_range()[POWERS.index(power)]
    overflow = f"≈{found.overflow:.2%} overflow" if found.overflow else "none overflows"
    underflow = f"≈{found.underflow:.1%}" if found.underflow < 0.1 else f"≈{found.underflow:.0%}"
    return Frame(
        lines=[
            stairs(exponents + power, heights),
            (power, 100 * found.underflow),
            (power, 100 * found.overflow),
        ],
        sentence=f"Loss scale 2^{power}: of the gradients {underflow} vanish in float16, {overflow}, "
        f"≈{found.subnormal:.0%} lose digits. In bfloat16, unscaled, ≈{bfloat16_loss():.0%} vanish.",
        quest_met=found.underflow < ENOUGH and not found.overflow,
    )


def underflow() -> LiveView:
    """Open the underflow: one slider, the loss scale; every position is computed beforehand."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 3.5))
        left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
        left.set(xlabel="size of the gradient, times the scale: power of 2", ylabel="percent of the gradients")
        left.set(title="Move the gradients into float16's range", xlim=(-58, 26), ylim=(0, 16))
        zones = ((-58, -25, BLUE, "become 0"), (-25, -14, GREY, "lose digits"), (-14, 16, GREEN, "kept"))
        for low, high, color, name in (*zones, (16, 26, ORANGE, "overflow")):
            left.axvspan(low, high, color=color, alpha=0.16, linewidth=0)
            left.annotate(name, ((low + high) / 2, 15.2), ha="center", va="top", size=9)
        right.set(xlabel="loss scale: power of 2", ylabel="percent lost in float16", title="Too little, too much")
        right.set(xlim=(-1, 37), ylim=(-2, 50))
        underflow, overflow = (
            [100 * getattr(each, kind) for each in shares_out_of_range()] for kind in ("underflow", "overflow")
        )
        right.plot(POWERS, underflow, color=BLUE, linewidth=1.5)
        right.plot(POWERS, overflow, color=ORANGE, linewidth=1.5)
        right.annotate("become 0", (0.18, 0.8), xycoords="axes fraction", color=BLUE, weight="bold")
        right.annotate("overflow", (0.62, 0.3), xycoords="axes fraction", color=ORANGE, weight="bold")
        lines = [
            *left.plot([], [], color="#333333", linewidth=2),
            *right.plot([], [], "o", color=BLUE, markersize=8),
            *right.plot([], [], "o", color=ORANGE, markersize=8),
        ]
    labels = [f"2^{power}" for power in POWERS]
    return LiveView(
        title="Gradients in float16, by loss scale",
        controls=[Slider(name="power", label="loss scale", values=POWERS, labels=labels, start=0)],
        stages=[Stage(figure=figure, lines=lines)],
        frame=underflow_frame,
        quest=f"lose fewer than {ENOUGH:.1%} of the gradients, and let none overflow",
    )


# Memory --------------------------------------------------------------------------------------------

MODELS = {"124M": "small", "355M": "medium", "774M": "large"}
BATCHES = (1, 2, 4, 8, 16, 32)
KEEP = ("everything", "inputs of blocks")  # for the backward pass
CARD_GB, QUEST_ROWS = 16, 4
COLORS = {"weights": BLUE, "gradients": ORANGE, "optimizer": GREEN, "copies": PINK, "activations": "#56b4e9"}


def gpt2_memory(size: str, batch_size: int, dtype: str, checkpoint_blocks: bool) -> MemoryBreakdown:
    """Reckon the bytes of a step of GPT-2 on rows of 1,024 tokens.

    Raises:
        TypeError, ValueError: as `training_bytes` does, or if `size` is none of the view's.
    """
    one_of("size", size, tuple(MODELS))
    config = dataclasses.replace(GPT2_CONFIGS[MODELS[size]], dropout=0.0)
    return training_bytes(
        config, batch_size=batch_size, time=1024, dtype=dtype, checkpoint_blocks=checkpoint_blocks
    )  # fmt: skip


def memory_frame(size: str, batch_size: int, dtype: str, keep: str) -> Frame:
    """Show the parts of the bill, end to end."""
    bill = gpt2_memory(size, batch_size, dtype, keep != KEEP[0])
    lines, at = [], 0.0
    for part in COLORS:
        gigabytes = getattr(bill, part) / 1e9
        lines.append(([at, at + gigabytes], [0, 0]))
        at += gigabytes
    sizes = ", ".join(f"{part} {getattr(bill, part) / 1e9:.1f}" for part in COLORS if getattr(bill, part))
    fits = at < CARD_GB
    return Frame(
        lines=[*lines, (at, 0)],
        sentence=f"GPT-2 {size}, {batch_size} rows of 1,024 tokens: {at:.1f} GB ({sizes}). "
        f"{'Fits' if fits else 'Does not fit'} a card of {CARD_GB} GB.",
        quest_met=fits and size == "774M" and batch_size >= QUEST_ROWS,
    )


def memory() -> LiveView:
    """Open the bill of a training step: model, batch, format, and what is kept for the backward pass."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 2.3))
        axes = figure.subplots()
        axes.set(xlabel="GB", xlim=(0, 50), ylim=(-0.7, 0.6), yticks=[])
        axes.set_title("Where the bytes of a step are", pad=26)
        for gigabytes in (16, 24, 40):
            axes.axvline(gigabytes, color=GREY, linestyle=":", linewidth=1.2)
            axes.annotate(f"{gigabytes} GB", (gigabytes, -0.62), xytext=(3, 0), textcoords="offset points", color=GREY)
        for i, (part, color) in enumerate(COLORS.items()):
            axes.annotate("■", (0.13 * i, 1.05), xycoords="axes fraction", color=color, size=13)
            axes.annotate(part, (0.02 + 0.13 * i, 1.06), xycoords="axes fraction")
        lines = [axes.plot([], [], color=color, linewidth=26, solid_capstyle="butt")[0] for color in COLORS.values()]
        lines += axes.plot([], [], "o", color="#000000", markersize=6)
    return LiveView(
        title="The memory of a training step",
        controls=[
            Choice(name="size", label="GPT-2", values=tuple(MODELS), labels=tuple(MODELS), start=0),
            Slider(name="batch_size", label="rows", values=BATCHES, labels=[str(b) for b in BATCHES], start=3),
            Choice(
                name="dtype",
                label="products in",
                values=("float32", "bfloat16"),
                labels=("float32", "bfloat16"),
            ),
            Choice(name="keep", label="kept for the backward pass", values=KEEP, labels=KEEP),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=memory_frame,
        quest=f"train the 774M model on {QUEST_ROWS} rows or more with {CARD_GB} GB",
    )
