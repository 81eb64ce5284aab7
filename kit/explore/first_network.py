"""The playground: a small network that trains before your eyes, on points in the plane.

Taught in: 04
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib.style
import numpy as np
from jaxtyping import Float, Int
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from kit.arguments import count, one_of, real
from kit.explore.live import Choice, Clock, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Picture
from kit.explore.palette import BLUE, GREEN, HOUSE, ORANGE, PINK
from kit.learn.class_losses import softmax
from kit.learn.descent import descend
from kit.learn.mlp import ACTIVATIONS, MLP
from kit.learn.planar import moons, rings, spiral
from kit.learn.regularizers import l2, penalized

PLANE = {"moons": moons, "rings": rings, "spiral": spiral}
DATA = (*PLANE, "digits")
DIGITS = (1, 6, 8)  # of all trios the one in which a curved border gains most over a straight one
N_TRAIN, REACH = 200, 4.0  # points to train on; the picture goes from -REACH to REACH both ways
UNITS = range(1, 17)
NOISES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
DECAYS = (0.0, 0.0001, 0.001, 0.01, 0.1)
STEPS, FRAMES, START = 20, 75, 30  # descent's steps between two frames, and frames of one training
QUEST_UNITS, QUEST_NOISE, QUEST_ACCURACY = 7, 0.1, 0.95


# The data ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Points in the plane with their classes: some to train on, others to test on."""

    x_train: Float[np.ndarray, "train 2"]
    y_train: Int[np.ndarray, "train"]
    x_test: Float[np.ndarray, "test 2"]
    y_test: Int[np.ndarray, "test"]

    @property
    def n_classes(self) -> int:
        """Count the classes."""
        return int(self.y_train.max()) + 1


@cache
def digits_in_two_directions() -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, "n"]]:
    """Look at the digits 1, 6 and 8 in the two directions in which their 64 pixels vary most, from -3 to 3."""
    pixels, digit = (np.asarray(part) for part in load_digits(return_X_y=True))
    x, y = pixels[np.isin(digit, DIGITS)], np.searchsorted(DIGITS, digit[np.isin(digit, DIGITS)])
    centred = x - x.mean(axis=0)
    directions = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    directions *= np.sign(directions[abs(directions).argmax(axis=0), [0, 1]])  # a direction has two ways round
    points = centred @ directions
    return 3 * points / abs(points).max(), y


@cache
def examples(data: str, noise: float) -> Examples:
    """Draw 200 points to train on and 800 to test on; of the digits, the other 335 are for the test.

    Raises:
        TypeError: if `noise` is not a number.
        ValueError: if `data` is not one of "moons", "rings", "spiral" and "digits", or `noise` < 0.
    """
    one_of("data", data, DATA)
    noise, rng = real("noise", noise, at_least=0), np.random.default_rng(0)
    if data in PLANE:
        x, y = PLANE[data](1000, noise=noise, rng=rng)
    else:
        x, y = digits_in_two_directions()
        rows = rng.permutation(len(y))
        x, y = x[rows] + noise * rng.normal(size=x.shape), y[rows]
    return Examples(x_train=x[:N_TRAIN], y_train=y[:N_TRAIN], x_test=x[N_TRAIN:], y_test=y[N_TRAIN:])


# The training ---------------------------------------------------------------------------------------


class Training:
    """One training, kept at every frame, and taken on only as far as it is asked for.

    Args:
        decay: the strength of an L2 penalty on all weights and biases.

    Raises:
        TypeError, ValueError: as `MLP`, `examples`, `descend` and `l2` do.
    """

    def __init__(self, *, data: str, noise: float, units: int, layers: int, activation: str, lr: float, decay: float):
        self.examples = examples(data, noise)
        self.network = MLP(
            n_inputs=2, n_hidden=units, n_outputs=self.examples.n_classes, n_layers=layers, activation=activation
        )
        self.lr = real("lr", lr, above=0)
        loss = self.network.objective(self.examples.x_train, self.examples.y_train)
        self._test_loss = self.network.objective(self.examples.x_test, self.examples.y_test)
        self._train_loss, self._objective = loss, penalized(loss, l2(decay)) if decay else loss
        self.points = [self.network.init(np.random.default_rng(0))]
        self.losses = [self._measured(self.points[0])]

    def point_at(self, frame: int) -> Float[np.ndarray, "parameters"]:
        """Give the weights at a frame, training on to it if no one has asked so far ahead before.

        Raises:
            TypeError, ValueError: if `frame` is not a whole number of at least 0.
        """
        frame = count("frame", frame, at_least=0)
        while len(self.points) <= frame:
            # a training that diverges stays where float64 could last follow it
            point = descend(self._objective, self.points[-1], lr=self.lr, n_steps=STEPS).points[-1]
            self.points.append(point)
            self.losses.append(self._measured(point))
        return self.points[frame]

    def accuracy(self, frame: int) -> float:
        """Measure the share of the test points that are read right at a frame."""
        logits = self.network.forward(self.point_at(frame), self.examples.x_test)[-1]
        return float((logits.argmax(axis=1) == self.examples.y_test).mean())

    def _measured(self, point: np.ndarray) -> tuple[float, float]:
        with np.errstate(over="ignore", invalid="ignore"):
            return self._train_loss(point)[0], self._test_loss(point)[0]


# The picture ---------------------------------------------------------------------------------------

# cells of the plane's map each way, and of a unit's tile; cells between two tiles, and tiles in a row
CELLS, TILE, GAP, TILES = 48, 12, 2, 8
LOSSES, INK = (2e-3, 5.0), "#222222"  # the losses that the picture has room for
COLORS = np.array([to_rgb(color) for color in (BLUE, ORANGE, GREEN)])


@cache
def plane_grid() -> Float[np.ndarray, "cells 2"]:
    """List the middles of the map's cells, from the top left, row by row."""
    ticks = REACH * (2 * np.arange(CELLS) + 1 - CELLS) / CELLS
    across, up = np.meshgrid(ticks, -ticks)
    return np.column_stack([across.ravel(), up.ravel()])


def shaded(shares: Float[np.ndarray, "*cells classes"]) -> Float[np.ndarray, "*cells 3"]:
    """Mix the classes' colours by their probabilities, pale enough for the points to stand out."""
    return 1 - 0.55 * (1 - shares @ COLORS[: shares.shape[-1]])


def tiles(hidden: list[Float[np.ndarray, "cells units"]], *, activation: str) -> Float[np.ndarray, "rows columns 3"]:
    """Lay out a tile for each hidden unit, two rows of eight for each layer: blue where it is low, orange where high.

    Args:
        hidden: what each layer's units give over the map. ReLU has no highest value: each unit has its own.
    """
    pitch = TILE + GAP
    picture = np.ones((4 * pitch - GAP, TILES * pitch - GAP, 3))
    for row, column in np.ndindex(4, TILES):
        picture[row * pitch : row * pitch + TILE, column * pitch : column * pitch + TILE] = 0.95  # a place for a unit
    for layer, units in enumerate(hidden):
        every = CELLS // TILE
        values = units.reshape(CELLS, CELLS, -1)[every // 2 :: every, every // 2 :: every]
        low, high = -1.0 if activation == "tanh" else 0.0, 1.0
        if activation == "ReLU":
            high = np.maximum(values.max(axis=(0, 1)), 1e-12)
        shares = ((values - low) / (high - low))[..., None]
        painted = shaded(np.concatenate([1 - shares, shares], axis=-1))
        for unit in range(painted.shape[2]):
            row, column = (2 * layer + unit // TILES) * pitch, unit % TILES * pitch
            picture[row : row + TILE, column : column + TILE] = painted[:, :, unit]
    return picture


def unit_line(weights: Float[np.ndarray, "2"], bias: float) -> tuple[Any, Any]:
    """Find the line on which a unit's sum is 0, long enough to cross the picture; nothing where there is none."""
    size = float(weights @ weights)
    if size < 1e-12:
        return [], []
    middle, way = -bias * weights / size, np.array([-weights[1], weights[0]]) / size**0.5
    ends = middle + 4 * REACH * np.array([[-1], [1]]) * way
    return ends[:, 0], ends[:, 1]


def training_frame(training: Training, frame: int, *, settings: str, goal: bool) -> Frame:
    """Show the network as it is at one frame: its answer, its units and their lines, and the losses so far.

    Args:
        settings: what is trained, in words, for the sentence.
        goal: whether these settings may meet the quest.
    """
    network, drawn = training.network, training.examples
    point = training.point_at(frame)
    *hidden, logits = network.forward(point, plane_grid())
    weights, biases = network.layers(point)[0]
    lines = [unit_line(*unit) for unit in zip(weights.T, biases, strict=True)]
    losses = np.array(training.losses[: frame + 1]).clip(*LOSSES)
    steps, accuracy = STEPS * np.arange(frame + 1), training.accuracy(frame)
    dots = [tuple(drawn.x_train[drawn.y_train == c].T) for c in range(len(COLORS))]
    return Frame(
        lines=[*lines, *[([], [])] * (len(UNITS) - len(lines)), *dots, (steps, losses[:, 0]), (steps, losses[:, 1])],
        overlays=[
            Picture(axes=0, colors=shaded(softmax(logits)).reshape(CELLS, CELLS, 3)),
            Picture(axes=1, colors=tiles(hidden, activation=network.activation)),
        ],
        sentence=(
            f"{settings}, step {steps[-1]:,}: loss ≈{losses[-1, 0]:.2f} in training, ≈{losses[-1, 1]:.2f} on unseen "
            f"points; ≈{accuracy:.0%} of those read right."
        ),
        quest_met=goal and accuracy >= QUEST_ACCURACY,
    )


def training_stage() -> Stage:
    """Draw what stands still: the axes of the plane, the places of the units' tiles, and the axes of the losses."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.2, 3.4))
        plane = figure.add_axes((0.045, 0.125, 0.29, 0.785))
        units = figure.add_axes((0.375, 0.125, 0.305, 0.785))
        curve = figure.add_axes((0.755, 0.125, 0.22, 0.785))
        plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(-3, 0, 3), yticks=(-3, 0, 3))
        plane.set_title("Its answer, and each unit's line")
        plane.grid(visible=False)
        units.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], title="What each hidden unit says")
        units.set_xlabel("upper half: first layer; lower half: second", fontsize=9)
        for side in ("left", "bottom"):
            units.spines[side].set_visible(False)
        curve.set(xlabel="step", yscale="log", xlim=(0, STEPS * FRAMES), ylim=LOSSES, title="The loss")
        curve.set_xticks((0, 500, 1000, 1500))
        curve.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        curve.text(0.97, 0.97, "unseen points", color=PINK, transform=curve.transAxes, ha="right", va="top")
        curve.text(0.97, 0.89, "training points", color=INK, transform=curve.transAxes, ha="right", va="top")
        lines = [
            *(plane.plot([], [], "-", color="#555555", linewidth=1)[0] for _ in UNITS),
            *(plane.plot([], [], "o", color=color, markersize=3.5)[0] for color in (BLUE, ORANGE, GREEN)),
            *curve.plot([], [], "-", color=INK),
            *curve.plot([], [], "-", color=PINK),
        ]
    return Stage(figure=figure, lines=lines)


def playground() -> LiveView:
    """Open the playground: data, noise, units, layers, activation, rate and decay can be moved, and it trains."""
    last: dict[str, Any] = {}

    def frame(*, frame: int, **settings: Any) -> Frame:
        if last.get("settings") != settings:  # of many trainings only the last is gone back to
            last.update(settings=settings, training=Training(**settings))
        units, layers = settings["units"], settings["layers"]
        words = (
            f"{settings['data'].capitalize()}, noise {settings['noise']:g}, {units} hidden unit{'s'[: units > 1]} in "
            f"{'one layer' if layers == 1 else 'each of two layers'}, {settings['activation']}, learning rate "
            f"{settings['lr']:g}, decay {settings['decay']:g}"
        )
        goal = settings["data"] == "spiral" and settings["noise"] >= QUEST_NOISE and units * layers <= QUEST_UNITS
        return training_frame(last["training"], frame, settings=words, goal=goal)

    return LiveView(
        title="A small network in training",
        controls=[
            Choice(name="data", label="data", values=DATA, labels=DATA, start=1),
            _slider("noise", "noise", NOISES, start=2),
            _slider("units", "hidden units", UNITS, start=2),
            Choice(name="layers", label="hidden layers", values=(1, 2), labels=("1", "2")),
            Choice(name="activation", label="activation", values=tuple(ACTIVATIONS), labels=tuple(ACTIVATIONS)),
            _slider("lr", "learning rate", RATES, start=3),
            _slider("decay", "decay", DECAYS, start=0),
            Clock(
                name="frame",
                label="step",
                values=range(FRAMES + 1),
                labels=[f"{STEPS * frame:,}" for frame in range(FRAMES + 1)],
                start=START,
            ),
        ],
        stages=[training_stage()],
        frame=frame,
        quest=f"the spiral, with noise: {QUEST_ACCURACY:.0%} of unseen points with at most {QUEST_UNITS} hidden units",
    )


def _slider(name: str, label: str, values: Sequence[float], *, start: int) -> Slider:
    return Slider(name=name, label=label, values=values, labels=[f"{value:g}" for value in values], start=start)
