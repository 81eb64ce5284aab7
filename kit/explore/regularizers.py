"""Two views of regularisation: the path of a penalty, and where to stop a network's training.

Taught in: 07
"""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.style
import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes, load_digits

from kit.arguments import count, instance
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE
from kit.learn.descent import Descent
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective
from kit.learn.losses import mse
from kit.learn.network import init_network, network_logits, network_objective
from kit.learn.optimizers import adam
from kit.learn.regularizers import Penalty, elastic_net, l1, l2, regularization_path
from kit.learn.scaling import standard_scaling
from kit.learn.training import train


@dataclass(frozen=True, kw_only=True)
class Split:
    """Examples in three parts: to train on, to choose by, and to report on."""

    x_train: Float[np.ndarray, "train features"]
    y_train: np.ndarray
    x_validation: Float[np.ndarray, "validation features"]
    y_validation: np.ndarray
    x_test: Float[np.ndarray, "test features"]
    y_test: np.ndarray


def deal(x: np.ndarray, y: np.ndarray, *, n_train: int, rng: np.random.Generator) -> Split:
    """Shuffle the examples and deal them out: `n_train` to train on, 100 to choose by, the rest to report on.

    Raises:
        TypeError: if `n_train` is not a whole number, or `rng` is not a generator.
        ValueError: if `n_train` is below 1, or leaves nothing to report on.
    """
    n_train = count("n_train", n_train)
    instance("rng", rng, np.random.Generator)
    if n_train + 100 >= len(x):
        raise ValueError(f"n_train must leave more than 100 of {len(x)} examples, got {n_train}")
    train_rows, validation_rows, test_rows = np.split(rng.permutation(len(x)), [n_train, n_train + 100])
    return Split(
        x_train=x[train_rows],
        y_train=y[train_rows],
        x_validation=x[validation_rows],
        y_validation=y[validation_rows],
        x_test=x[test_rows],
        y_test=y[test_rows],
    )


# The path of a penalty ---------------------------------------------------------------------------

N_TRUE, N_NOISE, N_TRAIN = 10, 90, 200
STRENGTHS = np.geomspace(0.1, 100, 61)
PENALTIES: dict[str, Callable[[float], Penalty]] = {"L1": l1, "L2": l2, "elastic net": elastic_net}
PATH_QUEST_ERROR, PATH_QUEST_NOISE = 3100, 5


def noisy_diabetes(rng: np.random.Generator) -> Split:
    """Hide the ten columns of the diabetes data before ninety columns of noise, and deal out the patients.

    Features are standardised, and targets centred, by the 200 training rows alone, so that no
    intercept is needed.

    Raises:
        TypeError: if `rng` is not a generator.
    """
    instance("rng", rng, np.random.Generator)
    x, y = (np.asarray(part) for part in load_diabetes(return_X_y=True, scaled=False))
    x = np.column_stack([x, rng.normal(size=(len(x), N_NOISE))])
    split = deal(x, y, n_train=N_TRAIN, rng=rng)
    scaling, mean = standard_scaling(split.x_train), split.y_train.mean()
    return Split(
        x_train=scaling.transform(split.x_train),
        y_train=split.y_train - mean,
        x_validation=scaling.transform(split.x_validation),
        y_validation=split.y_validation - mean,
        x_test=scaling.transform(split.x_test),
        y_test=split.y_test - mean,
    )


def errors(
    weights: Float[np.ndarray, "strengths features"], x: Float[np.ndarray, "n features"], y: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "strengths"]:
    """Measure the mean squared error of each row of weights."""
    return np.array([mse(x @ each, y)[0] for each in weights])


def optima(
    split: Split, penalty: Callable[[float], Penalty], *, strengths: np.ndarray, n_steps: int
) -> Float[np.ndarray, "strengths features"]:
    """Fit the training rows at each of a rising row of strengths."""
    x, y = split.x_train, split.y_train
    weakest_last = regularization_path(
        linear_objective(x, y),
        np.zeros(x.shape[1]),
        penalty=penalty,
        strengths=strengths[::-1],
        lr=1 / hessian_eigenvalues(x)[-1],
        n_steps=n_steps,
    )
    return weakest_last[::-1]


@dataclass(frozen=True, kw_only=True)
class Path:
    """The weights at every strength of one penalty, and their errors."""

    name: str
    weights: Float[np.ndarray, "strengths features"]
    train: Float[np.ndarray, "strengths"]
    test: Float[np.ndarray, "strengths"]


def paths(split: Split) -> list[Path]:
    """Fit every penalty at every strength of the view."""
    found = []
    for name, penalty in PENALTIES.items():
        weights = optima(split, penalty, strengths=STRENGTHS, n_steps=100)
        train_errors = errors(weights, split.x_train, split.y_train)
        test_errors = errors(weights, split.x_test, split.y_test)
        found.append(Path(name=name, weights=weights, train=train_errors, test=test_errors))
    return found


def path_frame(every_path: list[Path], *, penalty: int, strength: int) -> Frame:
    """Show the weights and both errors at one strength of one penalty."""
    path = every_path[penalty]
    weights = path.weights[strength]
    true, noise = (part[part != 0] for part in np.split(weights, [N_TRUE]))  # a weight of 0 gets no dot
    here, test = STRENGTHS[strength], path.test[strength]
    return Frame(
        lines=[
            (np.full(len(noise), here), noise),
            (np.full(len(true), here), true),
            ([here, here], [path.train[strength], test]),
            (here, path.train[strength]),
            (here, test),
        ],
        sentence=(
            f"{path.name}, strength {here:.3g}: {len(true)} of {N_TRUE} true columns and {len(noise)} of {N_NOISE} "
            f"noise columns have a weight; error {path.train[strength]:,.0f} in training, {test:,.0f} on new patients."
        ),
        quest_met=bool(test <= PATH_QUEST_ERROR and len(noise) <= PATH_QUEST_NOISE),
        stage=penalty,
    )


def path_stage(path: Path, split: Split) -> Stage:
    """Draw what stands still: the whole path of every weight, and both errors."""
    fixed = {"figure.constrained_layout.use": False}  # the stages must line up
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9, 3.7))
        figure.subplots_adjust(left=0.075, right=0.985, bottom=0.145, top=0.915, wspace=0.24)
        left, right = figure.subplots(1, 2)
        left.plot(STRENGTHS, path.weights[:, N_TRUE:], color="#a6a6a6", linewidth=0.5)
        left.plot(STRENGTHS, path.weights[:, :N_TRUE], color=ORANGE, linewidth=1, alpha=0.5)
        left.set(xlabel="strength of the penalty", ylabel="weight", title=f"{path.name}: the path of 100 weights")
        left.set(xscale="log", xlim=(STRENGTHS[0], STRENGTHS[-1]), ylim=(-22, 38))
        left.text(0.97, 0.95, "10 true columns", color=ORANGE, transform=left.transAxes, ha="right", va="top")
        left.text(0.97, 0.885, "90 columns of noise", color=GREY, transform=left.transAxes, ha="right", va="top")
        right.plot(STRENGTHS, path.train, color=BLUE, alpha=0.5)
        right.plot(STRENGTHS, path.test, color=ORANGE, alpha=0.5)
        right.set(xlabel="strength of the penalty", ylabel="mean squared error", title="The gap is the grey line")
        right.set(xscale="log", xlim=(STRENGTHS[0], STRENGTHS[-1]), ylim=(500, 6600))
        right.axhline(true_columns_error(split), color=GREEN, linestyle="--", linewidth=1)
        right.text(0.03, 0.95, "new patients", color=ORANGE, transform=right.transAxes, va="top")
        right.text(0.97, 0.11, "training", color=BLUE, transform=right.transAxes, ha="right")
        told = "dashed: new patients, told the true columns"
        right.text(0.97, 0.04, told, color=GREEN, transform=right.transAxes, ha="right")
        lines = [
            *left.plot([], [], "o", color=GREY, markersize=3),
            *left.plot([], [], "o", color=ORANGE, markersize=5),
            *right.plot([], [], "-", color=GREY, linewidth=2),
            *right.plot([], [], "o", color=BLUE, markersize=7),
            *right.plot([], [], "o", color=ORANGE, markersize=7),
        ]
    return Stage(figure=figure, lines=lines)


def true_columns_error(split: Split) -> float:
    """Measure, on the test rows, least squares that was told which columns are true."""
    weights = least_squares(split.x_train[:, :N_TRUE], split.y_train)
    return mse(split.x_test[:, :N_TRUE] @ weights, split.y_test)[0]


def penalty_view() -> LiveView:
    """Open the path of a penalty: its kind and its strength can be moved."""
    split = noisy_diabetes(np.random.default_rng(0))
    every_path = paths(split)
    return LiveView(
        title="The path of a penalty",
        controls=[
            Choice(name="penalty", label="penalty", values=range(len(PENALTIES)), labels=list(PENALTIES), start=1),
            Slider(
                name="strength",
                label="strength",
                values=range(len(STRENGTHS)),
                labels=[f"{strength:.3g}" for strength in STRENGTHS],
                start=10,
            ),
        ],
        stages=[path_stage(path, split) for path in every_path],
        frame=lambda **values: path_frame(every_path, **values),
        quest=f"an error below {PATH_QUEST_ERROR:,} on new patients, with at most {PATH_QUEST_NOISE} noise columns",
    )


# Where to stop -----------------------------------------------------------------------------------

DROPOUT_RATES = (0.0, 0.2, 0.4, 0.6, 0.8)
N_HIDDEN, STOP_STEPS, STOP_EVERY = 128, 400, 10
STOP_QUEST_LOSS = 0.29


def labelled_digits(rng: np.random.Generator) -> Split:
    """Deal out the digits: 100 labelled ones to train on, 100 to choose by, the other 1,597 to report on.

    Raises:
        TypeError: if `rng` is not a generator.
    """
    instance("rng", rng, np.random.Generator)
    pixels, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    return deal(pixels / 16, labels, n_train=100, rng=rng)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training of the network: loss on its own digits and on held-out ones, and the share it reads right."""

    rate: float
    steps: Int[np.ndarray, "points"]
    train: Float[np.ndarray, "points"]
    held_out: Float[np.ndarray, "points"]
    accuracy: Float[np.ndarray, "points"]


def stopping_run(split: Split, rate: float, *, seed: int) -> Run:
    """Train with dropout; measure without it, as a network is used."""
    rng = np.random.default_rng(seed)
    start = init_network(n_features=64, n_hidden=N_HIDDEN, n_classes=10, rng=rng)
    path = train(
        network_objective(split.x_train, split.y_train, dropout_rate=rate, rng=rng),
        start,
        optimizer=adam(0.004),
        n_steps=STOP_STEPS,
        record_every=STOP_EVERY,
    )
    return measured_run(path, split, rate)


def measured_run(path: Descent, split: Split, rate: float) -> Run:
    """Measure the points of a path on the digits it was trained on, and on those it was not."""
    right = [network_logits(point, split.x_test).argmax(axis=1) == split.y_test for point in path.points]
    return Run(
        rate=rate,
        steps=path.steps,
        train=path.measured_by(network_objective(split.x_train, split.y_train)).losses,
        held_out=path.measured_by(network_objective(split.x_test, split.y_test)).losses,
        accuracy=np.array([each.mean() for each in right]),
    )


def stopping_frame(runs: list[Run], *, rate: int, stop: int) -> Frame:
    """Show one training up to the step where it is stopped, and nothing of what would have come."""
    run = runs[rate]
    steps, train_loss, held_out = run.steps[: stop + 1], run.train[: stop + 1], run.held_out[: stop + 1]
    gap = held_out[-1] - train_loss[-1]
    return Frame(
        lines=[
            (steps, train_loss),
            (steps, held_out),
            (train_loss, held_out),
            (train_loss[-1], held_out[-1]),
        ],
        sentence=(
            f"Dropout rate {run.rate:g}, stopped after {steps[-1]} steps: loss ≈{train_loss[-1]:.2f} in training, "
            f"≈{held_out[-1]:.2f} on held-out digits, gap ≈{gap:.2f}; ≈{run.accuracy[stop]:.0%} of those read right."
        ),
        quest_met=bool(held_out[-1] <= STOP_QUEST_LOSS),
    )


def stopping_stage() -> Stage:
    """Draw what stands still: the axes of both losses over the steps, and of the one against the other."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.6))
        left, right = figure.subplots(1, 2)
        left.set(xlabel="step", ylabel="cross-entropy", title="The loss, up to where you stop")
        left.set(xlim=(0, STOP_STEPS), ylim=(0, 1))
        left.text(0.97, 0.95, "1,597 held-out digits", color=ORANGE, transform=left.transAxes, ha="right", va="top")
        left.text(0.97, 0.88, "100 training digits", color=BLUE, transform=left.transAxes, ha="right", va="top")
        right.set(xlabel="loss in training: time goes to the right", ylabel="loss on held-out digits", xscale="log")
        right.set(xlim=(1, 5e-4), ylim=(0.25, 0.6), title="What the last steps buy")
        right.axhline(STOP_QUEST_LOSS, color=GREEN, linestyle="--", linewidth=1)
        right.annotate("goal", (5e-4, STOP_QUEST_LOSS), color=GREEN, ha="right", va="top")
        lines = [
            *left.plot([], [], "-", color=BLUE),
            *left.plot([], [], "-", color=ORANGE),
            *right.plot([], [], "-", color=ORANGE),
            *right.plot([], [], "o", color=ORANGE, markersize=7),
        ]
    return Stage(figure=figure, lines=lines)


def stopping_view() -> LiveView:
    """Open the training of a network: its dropout rate and the step where it stops can be moved."""
    split = labelled_digits(np.random.default_rng(0))
    runs = [stopping_run(split, rate, seed=0) for rate in DROPOUT_RATES]
    steps = runs[0].steps
    return LiveView(
        title="Where to stop",
        controls=[
            Choice(
                name="rate",
                label="dropout rate",
                values=range(len(DROPOUT_RATES)),
                labels=[f"{rate:g}" for rate in DROPOUT_RATES],
            ),
            Slider(
                name="stop",
                label="stop after step",
                values=range(len(steps)),
                labels=[str(step) for step in steps],
                start=20,
            ),
        ],
        stages=[stopping_stage()],
        frame=lambda **values: stopping_frame(runs, **values),
        quest=f"a loss below {STOP_QUEST_LOSS} on the held-out digits",
    )
