"""Draw a schedule: the learning rate, pulled about by hand, and the noisy training that it causes.

Taught in: 06
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from kit.arguments import function, real_array
from kit.explore.live import Draw, Frame, LiveView, Slider, Stage
from kit.explore.palette import GREEN, GREY, HOUSE, ORANGE
from kit.learn.class_losses import cross_entropy
from kit.learn.descent import BatchObjective
from kit.learn.linear import linear_objective, with_intercept
from kit.learn.optimizers import sgd
from kit.learn.schedules import Rate, Schedule, constant, cosine
from kit.learn.training import minibatches, train

STEPS, BATCH, SHUFFLES, RECORD_EVERY = 240, 8, 3, 16
HANDLES = (0, 48, 96, 144, 192, 240)  # the steps where the drawn schedule can be taken hold of
RATES = np.geomspace(0.03, 10, 61)
START = 31


@cache
def digits_objective() -> BatchObjective:
    """Set up softmax regression on the 1,797 digits: weights in, mean cross-entropy and gradient out."""
    pixels, digits = load_digits(return_X_y=True)
    return linear_objective(with_intercept(np.asarray(pixels) / 16), np.asarray(digits), loss=cross_entropy)


def drawn(rates: Shaped[np.ndarray, "handles"]) -> Schedule:
    """Make the schedule that passes through a rate at each handle, straight in between on a log axis.

    Raises:
        TypeError: if `rates` holds no numbers.
        ValueError: if `rates` is not one number above 0 for each handle.

    >>> round(drawn(np.array([1.0, 0.01, 1.0, 1.0, 1.0, 1.0]))(24), 6)
    0.1
    """
    rates = real_array("rates", rates, ndim=1)
    if len(rates) != len(HANDLES) or rates.min() <= 0:
        raise ValueError(f"rates must be {len(HANDLES)} numbers > 0, one for each handle, got {rates}")
    powers = np.log(rates)
    return lambda step: float(np.exp(np.interp(step, HANDLES, powers)))


def noisy_runs(lr: Rate) -> Float[np.ndarray, "shuffles records"]:
    """Train on eight digits a step, once for each shuffle, and measure the loss on all digits along each run.

    Raises:
        TypeError, ValueError: if `lr` is neither a number above 0 nor a schedule.
    """
    objective, rule = digits_objective(), sgd(lr)
    losses = []
    for seed in range(SHUFFLES):
        batches = minibatches(1797, batch_size=BATCH, rng=np.random.default_rng(seed))
        path = train(
            objective, np.zeros((65, 10)), optimizer=rule, n_steps=STEPS, batches=batches, record_every=RECORD_EVERY
        )
        losses.append(path.measured_by(objective).losses)
    return np.array(losses)


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best of a family of schedules: its peak rate, and its losses, averaged over the shuffles."""

    lr: float
    losses: Float[np.ndarray, "records"]


@cache
def best_of(family: Callable[[float], Schedule]) -> Best:
    """Try thirteen peak rates, and keep the one that ends lowest.

    Raises:
        TypeError: if `family` is not a function.
    """
    function("family", family)
    tried = [Best(lr=lr, losses=noisy_runs(family(lr)).mean(axis=0)) for lr in np.geomspace(0.1, 10, 13).tolist()]
    return min(tried, key=lambda best: best.losses[-1])


def to_zero(lr: float) -> Schedule:
    """Make the cosine that comes down to zero at the end of the run.

    Raises:
        TypeError, ValueError: as `cosine` does.
    """
    return cosine(lr, n_steps=STEPS)


def schedule_frame(**rates: float) -> Frame:
    """Show the drawn schedule, and the three runs that it leads to."""
    handles = np.array([rates[f"at_{step}"] for step in HANDLES])
    schedule, steps = drawn(handles), np.arange(STEPS + 1)
    runs = noisy_runs(schedule)
    end, flat, wave = runs[:, -1].mean(), best_of(constant).losses[-1], best_of(to_zero).losses[-1]
    met = bool(end < flat)
    verdict = "below the best cosine too" if end < wave else "below the best constant rate" if met else "not yet below"
    recorded = np.arange(0, STEPS + 1, RECORD_EVERY)
    return Frame(
        lines=[
            (steps, [schedule(int(step)) for step in steps]),
            (HANDLES, handles),
            *((recorded, run) for run in runs),
            (STEPS, end),
        ],
        sentence=f"Ends at a loss of ≈{end:.2f}, {verdict}. The best constant rate ends at ≈{flat:.2f}, "
        f"the best cosine at ≈{wave:.2f}.",
        quest_met=met,
    )


def schedule_stage() -> Stage:
    """Draw what stands still: the axes of the schedule, and the best constant rate and cosine to beat."""
    flat, wave = best_of(constant), best_of(to_zero)
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.7))
        left, right = figure.subplots(1, 2)
        left.set(xlabel="step", ylabel="learning rate", title="Your schedule: draw across this picture")
        left.set(yscale="log", xlim=(-6, STEPS + 6), ylim=(RATES[0], RATES[-1]), xticks=HANDLES)
        left.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
        right.set(xlabel="step", ylabel="loss on all digits", title="The training that it causes, three shuffles")
        right.set(yscale="log", xlim=(0, STEPS + 6), ylim=(0.08, 20), xticks=HANDLES)
        right.set_yticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
        recorded = np.arange(0, STEPS + 1, RECORD_EVERY)
        right.plot(recorded, flat.losses, "--", color=GREY, linewidth=1.5, label=f"best constant rate, {flat.lr:.2g}")
        right.plot(recorded, wave.losses, "--", color=GREEN, linewidth=1.5, label=f"best cosine, from {wave.lr:.2g}")
        right.legend(loc="upper right")
        lines = [
            *left.plot([], [], "-", color=ORANGE, linewidth=2.5),
            *left.plot([], [], "o", color=ORANGE, markersize=10),
            *(line for _ in range(SHUFFLES) for line in right.plot([], [], "-", color=ORANGE, linewidth=1.2)),
            *right.plot([], [], "o", color=ORANGE, markersize=7),
        ]
    return Stage(figure=figure, lines=lines)


def draw_a_schedule() -> LiveView:
    """Open the drawing: six handles, by slider or by a stroke across the left picture."""
    labels = [f"{rate:.2g}" for rate in RATES]
    names = [f"at_{step}" for step in HANDLES]
    return LiveView(
        title="Draw a learning-rate schedule",
        controls=[
            Slider(name=name, label=f"step {step:\u2007>3}", values=RATES.tolist(), labels=labels, start=START)
            for name, step in zip(names, HANDLES, strict=True)
        ],
        stages=[schedule_stage()],
        frame=schedule_frame,
        quest="end below the best constant rate, in the mean of the three shuffles",
        drag=Draw(axes=0, sliders=names, at=HANDLES),
    )
