"""A view of depth: skips and BatchNorm on and off, the gradient at every layer, and the loss as it trains.

Taught in: 12
"""

from functools import cache
from typing import Any

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from kit.arguments import count, real
from kit.explore.live import Choice, Clock, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREY, HOUSE
from kit.models.cnn import STARTS, ResNet, ResNetConfig
from kit.train.pictures import digits, gradient_norms, steps

DEPTHS = (8, 14, 20, 26, 32, 44, 56)
SWITCH = ("without", "with")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
WIDTHS, SIZE, N_TRAIN, BATCH = (4, 8, 16), 14, 500, 20
FRAMES, START = 40, 0  # one step of descent each; the picture that is stored shows the start
NORMS, LOSSES = (1e-30, 1e6), (0.02, 20.0)  # that the picture has room for
QUEST_DEPTH, QUEST_LOSS = 56, 1.8


@cache
def few_digits() -> tuple[Float[np.ndarray, "n height width"], Int[np.ndarray, "n"]]:
    """Draw 500 digits of 14 by 14 pixels."""
    images, labels = digits(SIZE)
    rows = np.random.default_rng(0).permutation(len(labels))[:N_TRAIN]
    return images[rows], labels[rows]


class DeepRun:
    """The training of one net, kept at every frame: gradient norms by layer, and losses.

    Args:
        start: of the first weights, one of `STARTS`.

    Raises:
        TypeError, ValueError: as `ResNetConfig` does, or if `lr` is not above 0.
    """

    def __init__(self, *, depth: int, skip: bool, norm: bool, start: str, lr: float):
        config = ResNetConfig(depth=depth, widths=WIDTHS, n_channels=1, skip=skip, norm=norm, start=start)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.model = ResNet(config)
        images, labels = few_digits()
        about = {"n_steps": FRAMES, "lr": real("lr", lr, above=0), "batch_size": BATCH}
        self._steps = steps(self.model, images, labels, **about, rng=np.random.default_rng(0))
        self.norms = [np.array([*gradient_norms(self.model, images[:BATCH], labels[:BATCH]).values()])]
        self.losses: list[float] = []

    def train_to(self, frame: int) -> None:
        """Train on to a frame, if no one has asked so far ahead before; what is no longer finite stays as it was.

        Raises:
            TypeError, ValueError: if `frame` is no whole number of at least 0.
        """
        frame = min(count("frame", frame, at_least=0), FRAMES)
        with torch.enable_grad():
            while len(self.losses) < frame:
                self.losses.append(next(self._steps))
                layers = [part for part in self.model.modules() if isinstance(part, torch.nn.Conv2d | torch.nn.Linear)]
                self.norms.append(np.array([float(layer.weight.grad.double().norm()) for layer in layers]))  # type: ignore[union-attr]


def depth_frame(run: DeepRun, frame: int, *, words: str, goal: bool) -> Frame:
    """Show the gradient at every layer, before training and now, and the losses so far.

    Args:
        words: which net this is, for the sentence.
        goal: whether this net may meet the quest.
    """
    run.train_to(frame)
    now, before = (
        np.nan_to_num(norms, nan=NORMS[1], posinf=NORMS[1]).clip(*NORMS) for norms in (run.norms[frame], run.norms[0])
    )
    places = np.arange(1, len(now) + 1)
    losses = np.nan_to_num(np.array(run.losses[:frame]), nan=LOSSES[1], posinf=LOSSES[1])
    late = losses[-5:].mean() if frame >= 5 else np.inf
    ratio = float(now[0] / now[-2])
    said = f"; the loss of the last five steps ≈{late:.2g}" if np.isfinite(late) else ""
    return Frame(
        lines=[(places, before), (places, now), (np.arange(1, frame + 1), losses.clip(*LOSSES))],
        sentence=(
            f"{words}, {'before training' if not frame else f'step {frame}'}: the gradient at the first layer is "
            f"≈{now[0]:.1g}, at the last convolution ≈{now[-2]:.1g}, a ratio of ≈{ratio:.1g}{said}."
        ),
        quest_met=bool(goal and late <= QUEST_LOSS),
    )


def depth_stage() -> Stage:
    """Draw what stands still: the axes of gradients by layer, and of losses by step."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.2, 3.4))
        left, right = figure.add_axes((0.09, 0.16, 0.5, 0.74)), figure.add_axes((0.68, 0.16, 0.3, 0.74))
        left.set(xlim=(0, DEPTHS[-1] + 1), ylim=NORMS, yscale="log", xlabel="layer, from the picture to the logits")
        left.set(ylabel="length of the gradient", title="The gradient at each layer's weights")
        left.set_yticks([1e-30, 1e-20, 1e-10, 1], ["1e-30", "1e-20", "1e-10", "1"])
        left.text(0.98, 0.1, "now", color=BLUE, transform=left.transAxes, ha="right")
        left.text(0.98, 0.03, "before training", color=GREY, transform=left.transAxes, ha="right")
        right.set(xlim=(0, FRAMES), ylim=LOSSES, yscale="log", xlabel="step", title="The loss of each batch")
        right.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
        lines = [
            *left.plot([], [], "-", color=GREY, linewidth=2),
            *left.plot([], [], "o-", color=BLUE, linewidth=1.5, markersize=3),
            *right.plot([], [], "-", color=BLUE),
        ]
    return Stage(figure=figure, lines=lines)


def depth_view() -> LiveView:
    """Open the view of depth: how deep, skips, BatchNorm, first weights, learning rate; and it trains."""
    last: dict[str, Any] = {}

    def frame(*, frame: int, depth: int, skip: str, norm: str, start: str, lr: float) -> Frame:
        settings = {"depth": depth, "skip": skip == SWITCH[1], "norm": norm == SWITCH[1], "start": start, "lr": lr}
        if last.get("settings") != settings:  # of many trainings only the last is gone back to
            last.update(settings=settings, run=DeepRun(**settings))
        words = f"{depth} layers, {skip} skips, {norm} BatchNorm, {start}'s start"
        return depth_frame(last["run"], frame, words=words, goal=depth == QUEST_DEPTH)

    return LiveView(
        title="How deep can it be?",
        controls=[
            Slider(name="depth", label="layers", values=DEPTHS, labels=[str(depth) for depth in DEPTHS], start=2),
            Choice(name="skip", label="skips", values=SWITCH, labels=SWITCH),
            Choice(name="norm", label="BatchNorm", values=SWITCH, labels=SWITCH),
            Choice(name="start", label="first weights", values=STARTS[::-1], labels=("torch's own", "He's")),
            Slider(name="lr", label="learning rate", values=RATES, labels=[f"{lr:g}" for lr in RATES], start=3),
            Clock(
                name="frame",
                label="step",
                values=range(FRAMES + 1),
                labels=[str(frame) for frame in range(FRAMES + 1)],
                start=START,
            ),
        ],
        stages=[depth_stage()],
        frame=frame,
        quest=f"{QUEST_DEPTH} layers that learn: a loss of {QUEST_LOSS:g} or less over five steps",
    )
