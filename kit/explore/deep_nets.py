"""Inside a deep network in training: what each layer's units give, the gradient that reaches it, how far it moves.

Depth, gain, activation and norm are chosen, and every layer answers at once: as drawn, before the first step, and then
as it trains on digits of MNIST. Behind the measured gradients stands the line that mean-field theory predicts.

Taught in: 11
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, real
from kit.blocks.initialisation import init_gaussian
from kit.explore.live import Choice, Clock, Frame, LiveView, Slider, Stage
from kit.explore.overlay import HeatMap
from kit.explore.palette import BLUE, GREY, HOUSE, ORANGE, PINK
from kit.learn.mean_field import MeanField
from kit.learn.pictures import mnist
from kit.models.mlp import ACTIVATIONS, NORMS, DeepMLP, MLPConfig
from kit.train.layerwise import recorded_layers, weight_gradients

WIDTH, N_UNSEEN, BATCH = 64, 300, 64
LAYERS = (2, 5, 10, 15, 20, 25, 30, 40)
GAINS = (0.3, 0.58, 0.8, 0.9, 1.0, 1.1, 1.2, 1.41, 1.6, 2.0, 3.0)
NAMED = {0.58: "0.58, torch's default", 1.0: "1, Xavier", 1.41: "1.41, He"}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
STEPS, FRAMES, START = 5, 40, 20  # steps of descent between two frames, and frames of one training
QUEST_LAYERS, QUEST_ACCURACY = 30, 0.8

# The training ---------------------------------------------------------------------------------------


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Give MNIST's 5,000 digits in random order, as rows of mean 0 and mean square 1, and what they show."""
    order = np.random.default_rng(0).permutation(len(mnist()))
    pixels = mnist().images[order].reshape(len(order), -1) / 255
    x = (pixels - pixels.mean()) / pixels.std()
    return torch.from_numpy(x).float(), torch.from_numpy(mnist().labels[order])


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A network at one moment, layer by layer.

    Args:
        histogram: of each layer the shares of what its units give, by `edges_of`.
        stds: the standard deviation of the same.
        errors: the norm of the loss's gradient at each layer's sums.
        updates: how far the next step moves each layer's weights, by their size.
        losses: of the training batches since the last snapshot, and of unseen digits.
        accuracy: the share of unseen digits read right.
    """

    histogram: Float[np.ndarray, "bins layers"]
    stds: Float[np.ndarray, "layers"]
    errors: Float[np.ndarray, "layers"]
    updates: Float[np.ndarray, "layers"]
    losses: tuple[float, float]
    accuracy: float


RANGES = {"tanh": (-1.0, 1.0), "ReLU": (0.0, 3.0), "sigmoid": (0.0, 1.0)}
BINS = 25


def edges_of(activation: str) -> Float[np.ndarray, "edges"]:
    """Give the borders of the bins that the units of an activation are counted in."""
    return np.linspace(*RANGES[activation], BINS + 1)


class DeepTraining:
    """One training by plain descent on batches, looked into at every frame, and taken on only as far as is asked.

    The step after a look takes the gradient that was looked at. A training that diverges stays where it was.

    Raises:
        TypeError, ValueError: as `MLPConfig` and `init_gaussian` do, or if `lr` is no number above 0.
    """

    def __init__(self, *, layers: int, gain: float, activation: str, norm: str, lr: float):
        config = MLPConfig(n_layers=layers, n_hidden=WIDTH, activation=activation, norm=norm)
        self.lr, self.gain = real("lr", lr, above=0), real("gain", gain, at_least=0)
        self.snapshots: list[Snapshot] = []
        self._generator = torch.Generator().manual_seed(0)
        with torch.random.fork_rng(devices=[]):  # a view must not disturb the draws of the reader's own cells
            self.model = DeepMLP(config)
        init_gaussian(self.model, weight_variance=self.gain**2, generator=self._generator)
        self._optimizer = torch.optim.SGD(self.model.parameters(), lr=self.lr)
        self._losses: list[float] = []
        self._look()

    def at(self, frame: int) -> Snapshot:
        """Give what a frame shows, training on to it if no one has asked so far ahead before.

        Raises:
            TypeError, ValueError: if `frame` is not a whole number of at least 0.
        """
        frame = count("frame", frame, at_least=0)
        while len(self.snapshots) <= frame:
            for _ in range(STEPS - 1):
                self._optimizer.step()
                self._backward()
            self._optimizer.step()
            self._look()
        return self.snapshots[frame]

    def _backward(self) -> None:
        x, y = digits()
        rows = N_UNSEEN + torch.randint(len(y) - N_UNSEEN, (BATCH,), generator=self._generator)
        self._optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x[rows]), y[rows])
        loss.backward()
        self._losses.append(loss.item())

    def _evaluated(self, x: Tensor) -> Tensor:
        if self.model.config.norm != "batch":  # no other part has two modes, and a change takes a while
            return self.model(x)
        logits = self.model.eval()(x)
        self.model.train()
        return logits

    def _look(self) -> None:
        """Take a gradient with every layer recorded, and add a snapshot; where nothing is finite, the last again."""
        config = self.model.config
        with recorded_layers(self.model, (nn.Linear, ACTIVATIONS[config.activation])) as recorded:
            self._backward()
        if self.snapshots and not np.isfinite(self._losses[-1]):
            self._optimizer.zero_grad()
            self.snapshots.append(self.snapshots[-1])
            return
        bent = [layer for layer in recorded.values() if layer.kind != "Linear"]
        sums = [layer for layer in recorded.values() if layer.kind == "Linear"][:-1]
        sizes = [p.detach().norm().item() for p in self.model.parameters() if p.ndim > 1][:-1]
        moves = list(weight_gradients(self.model).values())[:-1]
        x, y = (each[:N_UNSEEN] for each in digits())
        with torch.no_grad():
            logits = self._evaluated(x)
        self.snapshots.append(
            Snapshot(
                histogram=np.column_stack([layer.histogram(edges_of(config.activation)) for layer in bent])[::-1],
                stds=np.array([layer.std for layer in bent]),
                errors=np.array([layer.gradient_norm for layer in sums]),
                updates=self.lr * np.array(moves) / np.maximum(sizes, 1e-30),
                losses=(float(np.mean(self._losses)), F.cross_entropy(logits, y).item()),
                accuracy=(logits.argmax(dim=1) == y).double().mean().item(),
            )
        )
        self._losses.clear()


# The picture ---------------------------------------------------------------------------------------

SIZES, LOSSES, INK = (1e-12, 1e2), (0.03, 10.0), "#222222"  # what the picture has room for
DEEPEST = LAYERS[-1]


def predicted(training: DeepTraining) -> Float[np.ndarray, "layers"] | None:
    """Predict the gradient at each layer's sums before the first step, from that at the last; None with a norm."""
    config = training.model.config
    if config.norm != "none":
        return None
    field = MeanField(activation=config.activation, weight_variance=training.gain**2)
    return field.gradients(config.n_layers) * training.at(0).errors[-1]


def deep_frame(training: DeepTraining, frame: int) -> Frame:
    """Show every layer at one frame, the losses so far, and in words how much of the gradient reaches the first."""
    found, config = training.at(frame), training.model.config
    n, layers = config.n_layers, np.arange(1, config.n_layers + 1)
    values = np.full((BINS, DEEPEST), np.nan)
    values[:, :n] = found.histogram
    low, high = RANGES[config.activation]
    middles = [f"{edge + (high - low) / BINS / 2:.2f}" for edge in edges_of(config.activation)[:-1]][::-1]
    theory = predicted(training)
    curves = np.clip([each.losses for each in training.snapshots[: frame + 1]], *LOSSES)
    steps = STEPS * np.arange(frame + 1)
    ratio = found.errors[0] / max(found.errors[-1], 1e-300)
    size = f"≈{ratio:.2g}" if 1e-3 < ratio < 1e3 else f"≈{ratio:.0e}"
    norm = {"none": "no norm", "batch": "batch norm", "layer": "layer norm"}[config.norm]
    return Frame(
        lines=[
            (layers, found.stds.clip(low, high)),
            ([], []) if theory is None else (layers, theory.clip(*SIZES)),
            (layers, found.errors.clip(*SIZES)),
            (layers, found.updates.clip(*SIZES)),
            (steps, curves[:, 0]),
            (steps, curves[:, 1]),
        ],
        overlays=[
            HeatMap(
                axes=0,
                values=values,
                rows=[f"units near {middle}, share" for middle in middles],
                columns=[f"layer {layer}" for layer in range(1, DEEPEST + 1)],
                limit=0.25,
            )
        ],
        sentence=(
            f"{n} layers of {WIDTH} {config.activation} units, {norm}, gain {training.gain:g}, rate {training.lr:g}, "
            f"step {steps[-1]}: the gradient at the first layer is {size} of that at the last. Loss on unseen digits "
            f"≈{found.losses[1]:.2f}; ≈{found.accuracy:.0%} of them read right."
        ),
        quest_met=n >= QUEST_LAYERS and config.norm == "none" and found.accuracy >= QUEST_ACCURACY,
        stage=list(RANGES).index(config.activation),
    )


def deep_stage(activation: str) -> Stage:
    """Draw what stands still for one activation: the axes of the units, of the gradients, and of the losses."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.4, 3.6))
        units = figure.add_axes((0.05, 0.135, 0.3, 0.76))
        sizes = figure.add_axes((0.42, 0.135, 0.3, 0.76))
        curve = figure.add_axes((0.785, 0.135, 0.2, 0.76))
        low, high = RANGES[activation]
        units.set(xlim=(0.5, DEEPEST + 0.5), ylim=(low, high), xlabel="layer", title="What its units give")
        units.set_xticks((1, 10, 20, 30, 40))
        units.set_yticks(np.linspace(low, high, 5 if activation == "tanh" else 3 if low else 4))
        units.grid(visible=False)
        units.text(0.98, 0.97, "line: standard deviation", transform=units.transAxes, ha="right", va="top", fontsize=8)
        sizes.set(xlim=(0, DEEPEST + 1), ylim=SIZES, yscale="log", xlabel="layer", title="What reaches it")
        sizes.set_xticks((1, 10, 20, 30, 40))
        sizes.set_yticks([1e-12, 1e-9, 1e-6, 1e-3, 1])
        sizes.axhline(1e-3, color=ORANGE, linestyle=":", linewidth=1)
        for height, text, color in (
            (0.985, "gradient at its sums; grey: predicted", BLUE),
            (0.915, "next step by its weights; aim: 1/1000", ORANGE),
        ):
            sizes.text(0.98, height, text, color=color, transform=sizes.transAxes, ha="right", va="top", fontsize=8)
        curve.set(xlabel="step", yscale="log", xlim=(0, STEPS * FRAMES), ylim=LOSSES, title="The loss")
        curve.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
        curve.axhline(np.log(10), color=GREY, linestyle=":", linewidth=1)
        curve.text(0.97, 0.97, "unseen digits", color=PINK, transform=curve.transAxes, ha="right", va="top", fontsize=9)
        curve.text(0.97, 0.9, "batches", color=INK, transform=curve.transAxes, ha="right", va="top", fontsize=9)
        curve.text(0.03, 0.03, "dotted: all alike, log 10", color=GREY, transform=curve.transAxes, fontsize=8)
        lines = [
            *units.plot([], [], "-", color=INK, linewidth=1),
            *sizes.plot([], [], "-", color=GREY, linewidth=1.2),
            *sizes.plot([], [], "o", color=BLUE, markersize=4),
            *sizes.plot([], [], "o", color=ORANGE, markersize=3),
            *curve.plot([], [], "-", color=INK, linewidth=1.5),
            *curve.plot([], [], "-", color=PINK),
        ]
    return Stage(figure=figure, lines=lines)


def deep_view() -> LiveView:
    """Open a deep network: layers, gain, activation, norm and rate can be moved, and it trains."""
    kept = lru_cache(maxsize=len(LAYERS))(DeepTraining)  # as many as the first slider has places, to go back and forth

    def frame(*, frame: int, **settings: Any) -> Frame:
        return deep_frame(kept(**settings), frame)

    return LiveView(
        title="A deep network, layer by layer",
        controls=[
            Slider(name="layers", label="layers", values=LAYERS, labels=[str(n) for n in LAYERS], start=6),
            Slider(name="gain", label="gain", values=GAINS, labels=[NAMED.get(g, f"{g:g}") for g in GAINS], start=1),
            Choice(name="activation", label="activation", values=tuple(RANGES), labels=tuple(RANGES)),
            Choice(name="norm", label="norm", values=tuple(NORMS), labels=tuple(NORMS)),
            Slider(name="lr", label="learning rate", values=RATES, labels=[f"{lr:g}" for lr in RATES], start=3),
            Clock(
                name="frame",
                label="step",
                values=range(FRAMES + 1),
                labels=[f"{STEPS * frame}" for frame in range(FRAMES + 1)],
                start=START,
            ),
        ],
        stages=[deep_stage(activation) for activation in RANGES],
        frame=frame,
        quest=f"{QUEST_LAYERS} layers without a norm that read {QUEST_ACCURACY:.0%} of unseen digits",
    )
