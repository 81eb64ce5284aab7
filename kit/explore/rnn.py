"""A view of memory: the gradient from a fresh cell's last state to every earlier input, beside its forecast.

Taught in: 14
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure

from kit.arguments import one_of, real
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import HeatMap
from kit.explore.palette import BLUE, GREY, HOUSE, ORANGE
from kit.models.memory import connectivity, step_factor
from kit.models.rnn import GRU, LSTM, RNN, Recurrent, keep_start, orthogonal_start

CELLS: dict[str, type[Recurrent]] = {"plain RNN": RNN, "GRU": GRU, "LSTM": LSTM}

LONGEST, ROWS, WIDTH, D_INPUT = 100, 16, 32, 4
GAINS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5)
BIASES = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
FLOOR, ROOF = 1e-8, 1e4
QUEST_LEAST, QUEST_MOST = 0.01, 10.0


@dataclass(frozen=True, kw_only=True)
class Feeling:
    """How a cell's last state depends on the input so many steps earlier.

    Args:
        by_lag: the gradient's length at lags 0 to 100, that at lag 0 being 1.
        factor: the forecast of what a step back does to it.
    """

    by_lag: Float[np.ndarray, "lags"]
    factor: float


@cache
def feeling(cell: str, gain: float, bias: float) -> Feeling:
    """Make a cell with a gain and a bias, let it read random rows, and follow the gradient back.

    Raises:
        TypeError, ValueError: if `cell` is not one of "plain RNN", "GRU" and "LSTM", `gain` < 0, or `bias` is none.
    """
    one_of("cell", cell, tuple(CELLS))
    gain, bias = real("gain", gain, at_least=0), real("bias", bias)
    generator = torch.Generator().manual_seed(0)
    made = CELLS[cell](D_INPUT, WIDTH, generator=generator).double()
    orthogonal_start(made, gain=gain, generator=generator)
    if cell != "plain RNN":
        keep_start(made, bias)
    x = torch.randn(ROWS, LONGEST + 1, D_INPUT, generator=generator, dtype=torch.float64)
    by_place = connectivity(lambda rows: made(rows)[1][0], x, generator=generator).numpy()
    return Feeling(by_lag=by_place[::-1] / by_place[-1], factor=step_factor(made, x))


def shade(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Give the darkness of each value by its order of size: 0 at a millionth and below, 1 at 1 and above.

    >>> shade(np.array([1e-7, 1e-3, 1.0]))
    array([0. , 0.5, 1. ])
    """
    return np.clip(1 + np.log10(np.maximum(values, 1e-12)) / 6, 0, 1)


def memory_frame(cell: str, gain: float, bias: float, lag: int) -> Frame:
    """Show the gradient by lag, beside its forecast, and the strip of all inputs."""
    found = feeling(cell, gain, bias)
    lags = np.arange(LONGEST + 1)
    measured, forecast = found.by_lag, found.factor**lags
    here, told = measured[lag], float(forecast[lag])
    strip = shade(measured[::-1])[None]
    arrow = LONGEST - lag + 0.5
    what = "exploded" if measured.max() > QUEST_MOST else "vanished" if measured[-1] < QUEST_LEAST else "carried"
    dial = f"gain {gain:g}" if cell == "plain RNN" else f"gain {gain:g}, bias {bias:g}"
    return Frame(
        lines=[
            ([arrow, arrow], [-0.1, 1.1]),
            (lags, np.clip(measured, FLOOR / 10, ROOF * 10)),
            (lags, np.clip(forecast, FLOOR / 10, ROOF * 10)),
            ([lag, lag], [FLOOR, ROOF]),
            ([lag], [float(np.clip(here, FLOOR, ROOF))]),
        ],
        overlays=[HeatMap(axes=0, values=strip, rows=["gradient"], columns=[f"{k} back" for k in lags[::-1]], limit=1)],
        sentence=(
            f"{cell}, {dial}. Of the gradient to the newest input, ≈{here:.2g} arrives {lag} step{'s'[: lag > 1]} "
            f"back; forecast ≈{found.factor:.3g} a step, so ≈{told:.2g}. Over 100 steps it has {what}."
        ),
        quest_met=cell == "plain RNN" and bool(measured[-1] >= QUEST_LEAST and measured.max() <= QUEST_MOST),
    )


def memory_stage() -> Stage:
    """Draw what stands still: the strip's frame, and the axes of the gradient by lag."""
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9.2, 4.4))
        strip = figure.add_axes((0.1, 0.8, 0.87, 0.09))
        axes = figure.add_axes((0.1, 0.12, 0.87, 0.57))
        strip.set(xlim=(0, LONGEST + 1), ylim=(0, 1), xticks=[], yticks=[])
        strip.set_title("Each input of the row, the newest on the right: the darker, the more of the gradient arrives")
        strip.grid(visible=False)
        # each lag stands below its input
        axes.set(xlim=(LONGEST + 0.5, -0.5), ylim=(FLOOR, ROOF), yscale="log", xlabel="lag (steps back)")
        axes.set_ylabel("gradient, by the newest's")
        axes.set_yticks([1e-8, 1e-6, 1e-4, 1e-2, 1, 1e2, 1e4])
        axes.minorticks_off()
        for x, text, color in ((0.0, "measured", BLUE), (0.12, "forecast", ORANGE)):
            axes.annotate(text, (x, 1.04), xycoords="axes fraction", color=color, weight="bold")
        lines = [
            *strip.plot([], [], color="#222222", linewidth=2),
            *axes.plot([], [], color=BLUE, linewidth=2.4),
            *axes.plot([], [], color=ORANGE, linewidth=2),
            *axes.plot([], [], color=GREY, linewidth=1.2),
            *axes.plot([], [], "o", color=BLUE, markersize=8),
        ]
    return Stage(figure=figure, lines=lines)


def memory_view() -> LiveView:
    """Open the strip: a cell, the gain of its recurrent weights, the bias of the gate that keeps, and a lag."""
    lags = range(1, LONGEST + 1)
    return LiveView(
        title="How far back does it feel?",
        controls=[
            Choice(name="cell", label="cell", values=tuple(CELLS), labels=tuple(CELLS)),
            Slider(name="gain", label="gain of W", values=GAINS, labels=[f"{g:g}" for g in GAINS], start=3),
            Slider(name="bias", label="keeping bias", values=BIASES, labels=[f"{b:g}" for b in BIASES], start=2),
            Slider(name="lag", label="lag", values=lags, labels=[str(k) for k in lags], start=29),
        ],
        stages=[memory_stage()],
        frame=memory_frame,
        quest="a plain RNN in which, 100 steps back, a hundredth of the gradient arrives, and nowhere more than "
        "ten times of it",
    )
