"""A view of losses for numbers: one patient who pulls on two lines.

Taught in: 02
"""

from dataclasses import dataclass
from functools import cache, partial

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes

from kit.arguments import real
from kit.explore.live import Drag, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREY, HOUSE, ORANGE
from kit.learn.linear import least_squares, reweighted_least_squares, with_intercept
from kit.learn.losses import huber

N_PATIENTS = 24
BMI, PROGRESSION = (16.0, 44.0), (0.0, 1000.0)
POSITIONS = 57
STEEP = 0.75  # the share of its slope that the Huber line must keep


@cache
def patients() -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Draw the patients that stand still: body mass index, and progression after a year."""
    features, progression = load_diabetes(return_X_y=True, scaled=False)
    rows = np.random.default_rng(2).choice(len(progression), N_PATIENTS, replace=False)
    return np.asarray(features)[rows, 2], np.asarray(progression)[rows]


@dataclass(frozen=True, kw_only=True)
class Tilt:
    """Two lines through the same patients, each as intercept and slope, and what one patient does to each."""

    mse: Float[np.ndarray, "2"]
    huber: Float[np.ndarray, "2"]
    errors: Float[np.ndarray, "2"]
    pulls: Float[np.ndarray, "2"]


def tilt(bmi: float, progression: float, *, delta: float) -> Tilt:
    """Add one patient to those that stand still, and fit a line by each of two losses.

    The pull of an error e on its line is e under half the squared error, and clip(e, -δ, δ) under
    Huber's loss: up to δ the two are one.

    Raises:
        TypeError, ValueError: if an argument is not a finite number, or `delta` <= 0.
    """
    bmi, progression, delta = real("bmi", bmi), real("progression", progression), real("delta", delta, above=0)
    others_bmi, others = patients()
    x, y = with_intercept(np.append(others_bmi, bmi)[:, None]), np.append(others, progression)
    by_mse = least_squares(x, y)
    by_huber = reweighted_least_squares(x, y, loss=partial(huber, delta=delta))
    errors = y[-1] - x[-1] @ np.column_stack([by_mse, by_huber])
    pulls = np.array([errors[0], -huber(y[-1:] - errors[1:], y[-1:], delta=delta)[1][0]])
    return Tilt(mse=by_mse, huber=by_huber, errors=errors, pulls=pulls)


def outlier_frame(slope_without: float, *, delta: float, bmi: float, progression: float) -> Frame:
    """Show both lines, and where the patient stands on the curve of each loss's pull."""
    found = tilt(bmi, progression, delta=delta)
    ends = np.array(BMI)
    met = bool(found.mse[1] < 0 and found.huber[1] >= STEEP * slope_without)
    return Frame(
        lines=[
            (ends, found.mse[0] + found.mse[1] * ends),
            (ends, found.huber[0] + found.huber[1] * ends),
            patients(),
            (bmi, progression),
            (np.array([-1000, 1000]), np.array([-1000, 1000])),
            (np.array([-1000, -delta, delta, 1000]), np.array([-delta, -delta, delta, delta])),
            (found.errors[0], found.pulls[0]),
            (found.errors[1], found.pulls[1]),
        ],
        sentence=(
            f"Slope without the patient {slope_without:.1f}; with it {found.mse[1]:.1f} by MSE, "
            f"{found.huber[1]:.1f} by Huber. It pulls on the MSE line with {found.pulls[0]:+.0f}, "
            f"on the Huber line with {found.pulls[1]:+.0f}."
        ),
        quest_met=met,
    )


def outlier_stage() -> Stage:
    """Draw what stands still: the other patients, their line, and the axes of error and pull."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.7))
        data, pull = figure.subplots(1, 2, width_ratios=[1.25, 1])
        bmi, progression = patients()
        without = least_squares(with_intercept(bmi[:, None]), progression)
        ends = np.array(BMI)
        data.plot(ends, without[0] + without[1] * ends, ":", color=GREY, linewidth=1.5)
        data.set(xlabel="body mass index (kg/m²)", ylabel="progression after a year", xlim=BMI, ylim=PROGRESSION)
        data.set_title("Drag the black patient")
        notes = (("MSE line", BLUE), ("Huber line", ORANGE), ("without the patient", GREY))
        for i, (words, color) in enumerate(notes):
            data.text(0.98, 0.96 - 0.075 * i, words, color=color, ha="right", va="top", transform=data.transAxes)
        pull.axhline(0, color="#999999", linewidth=1)
        pull.axvline(0, color="#999999", linewidth=1)
        pull.set(xlabel="error: progression above the line", ylabel="pull on the line")
        pull.set(xlim=(-500, 1000), ylim=(-500, 1000), title="How hard it pulls on each line")
        for i, (words, color) in enumerate((("MSE: the error itself", BLUE), ("Huber: at most δ", ORANGE))):
            pull.text(0.97, 0.2 - 0.075 * i, words, color=color, ha="right", transform=pull.transAxes)
        lines = [
            *data.plot([], [], "-", color=BLUE),
            *data.plot([], [], "-", color=ORANGE),
            *data.plot([], [], "o", color=GREY, markersize=4),  # they stand still, but above the lines
            *data.plot([], [], "o", color="black", markersize=10),
            *pull.plot([], [], "-", color=BLUE),
            *pull.plot([], [], "-", color=ORANGE),
            *pull.plot([], [], "o", color=BLUE, markersize=9),
            *pull.plot([], [], "o", color=ORANGE, markersize=9),
        ]
    return Stage(figure=figure, lines=lines)


def outlier() -> LiveView:
    """Open the patient who can be dragged: an MSE line and a Huber line follow."""
    bmi, progression = patients()
    slope = float(least_squares(with_intercept(bmi[:, None]), progression)[1])
    deltas = np.geomspace(5, 500, 41)
    return LiveView(
        title="One patient pulls on two lines",
        controls=[
            Slider(
                name="delta",
                label="Huber's δ",
                values=deltas.tolist(),
                labels=[f"{delta:.3g}" for delta in deltas],
                start=23,
            ),
            _place("bmi", "body mass index", *BMI, start=7),
            _place("progression", "progression", *PROGRESSION, start=30),
        ],
        stages=[outlier_stage()],
        frame=partial(outlier_frame, slope),
        quest="tip the MSE line over, to a slope below zero, while the Huber line keeps three quarters of its slope",
        drag=Drag(axes=0, x="bmi", y="progression"),
    )


def _place(name: str, label: str, low: float, high: float, *, start: int) -> Slider:
    values = np.linspace(low, high, POSITIONS)
    return Slider(name=name, label=label, values=values.tolist(), labels=[f"{v:.4g}" for v in values], start=start)
