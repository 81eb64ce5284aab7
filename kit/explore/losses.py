"""Two views of losses for numbers: one number that stands for five, and one patient who pulls on two lines.

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
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE
from kit.learn.linear import least_squares, reweighted_least_squares, with_intercept
from kit.learn.losses import huber, mae, mse

# One number for five stays -----------------------------------------------------------------------

STAYS = (1.0, 2.0, 3.0, 4.0)
NUMBERS, LONGEST = np.linspace(0, 26, 53), np.linspace(5, 25, 41)


def stay_losses(number: float, *, longest: float) -> tuple[float, float]:
    """Charge one number that stands for five stays, by squares and by sizes: 1, 2, 3, 4 days and the longest.

    Raises:
        TypeError, ValueError: if an argument is not a finite number.

    >>> stay_losses(3.0, longest=5.0)
    (2.0, 1.2)
    """
    stays = np.array([*STAYS, real("longest", longest)])
    numbers = np.full(5, real("number", number))
    return mse(numbers, stays)[0], mae(numbers, stays)[0]


def number_frame(*, longest: float, number: float) -> Frame:
    """Show what every number would cost, by squares and by sizes, and where one number stands."""
    curves = np.array([stay_losses(each, longest=longest) for each in NUMBERS]).T
    here = stay_losses(number, longest=longest)
    stays = np.array([*STAYS, longest])
    best = float(stays.mean()), float(np.median(stays))
    lines: list = [(stays, np.zeros(5))] * 2
    for curve, loss, lowest, i in zip(curves, here, best, (0, 1), strict=True):
        lines += [(NUMBERS, curve), (lowest, stay_losses(lowest, longest=longest)[i]), (number, loss)]
    return Frame(
        lines=lines,
        sentence=(
            f"Stays of 1, 2, 3, 4 and {longest:g} days. The number {number:g} costs {here[0]:.1f} by squares, "
            f"which are lowest at {best[0]:.1f}, and {here[1]:.1f} by sizes, which are lowest at {best[1]:g}."
        ),
        quest_met=bool(number == best[1] and best[0] > STAYS[-1]),
    )


def number_stage() -> Stage:
    """Draw what stands still: the axes of the two losses over the number."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.4))
        panels = figure.subplots(1, 2)
        titles = ("By squares: the mean is best", "By sizes: the median is best")
        dots = [axes.plot([], [], "o", color=GREY, markersize=6)[0] for axes in panels]
        moving = []
        for axes, color, title, top in zip(panels, (BLUE, ORANGE), titles, (150, 20), strict=True):
            axes.set(
                xlabel="the one number (days)", ylabel="mean loss", xlim=(0, 26), ylim=(-top / 30, top), title=title
            )
            for i, (words, hue) in enumerate((("the five stays", GREY), ("the lowest point", GREEN))):
                axes.text(0.98, 0.2 - 0.08 * i, words, color=hue, ha="right", transform=axes.transAxes)
            moving += [
                *axes.plot([], [], "-", color=color),
                *axes.plot([], [], "o", color=GREEN, markersize=9),
                *axes.plot([], [], "o", color="black", markersize=6),
            ]
    return Stage(figure=figure, lines=[*dots, *moving])


def best_number() -> LiveView:
    """Open the one number that stands for five stays, the longest of which can be moved."""
    return LiveView(
        title="One number for five stays in hospital",
        controls=[
            Slider(
                name="longest",
                label="the longest stay (days)",
                values=LONGEST.tolist(),
                labels=[f"{value:g}" for value in LONGEST],
                start=0,
            ),
            Slider(
                name="number",
                label="the one number (days)",
                values=NUMBERS.tolist(),
                labels=[f"{value:g}" for value in NUMBERS],
                start=20,
            ),
        ],
        stages=[number_stage()],
        frame=number_frame,
        quest="stand where sizes are lowest, while the number that squares want is above four of the five stays",
    )


# One patient pulls on a line ---------------------------------------------------------------------

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
            # they stand still, but above the lines
            *data.plot([], [], "o", color=GREY, markersize=5, markeredgewidth=0.5),
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
