"""Strips: each repetition a dot, the interval a line, the bar a dashed line; the outcome is seen before it is read.

Taught in: every notebook
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from kit.check.card import BLUE, GREEN, ORANGE, RED
from kit.check.sentences import FAILS, HOLDS, Result, Sentence

INK: Any = {"text.color": "black", "axes.labelcolor": "black", "axes.edgecolor": "#666666", "axes.titlecolor": "auto",
       "xtick.color": "#444444", "ytick.color": "#444444", "axes.facecolor": "white"}  # fmt: skip
COLORS = {HOLDS: GREEN, FAILS: RED}
WIDTH, ROW, REST = 8, 0.42, 1.0  # inches: of the figure, a case, and a panel's title and axis
LETTER, BOLD_LETTER = 0.085, 0.089  # inches: of a case's name or of an axis, of a title
LANES = 5  # dots beside one another would hide one another
LOGARITHMIC, CROWDED = 5, 1000  # from largest to smallest: beyond, an axis is logarithmic; bears 1, 10, 100 alone


def strips(judged: Sequence[tuple[Sentence, Sequence[Result]]]) -> Figure | None:
    """Draw a panel for each sentence and a row for each case; nothing where nothing was measured.

    Paper is white, so that it reads in light and in dark themes.
    """
    measured = [(sentence, [r for r in results if r.numbers]) for sentence, results in judged]
    measured = [(sentence, results) for sentence, results in measured if results]
    if not measured:
        return None
    heights = [REST + ROW * len(results) for _, results in measured]
    with rc_context(INK):
        figure = Figure(figsize=(WIDTH, sum(heights)), facecolor="white", layout="constrained")
        panels = figure.subplots(len(measured), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (sentence, results) in zip(panels, measured, strict=True):
            _panel(axes, sentence, results)
    return figure


def picture(figure: Figure) -> str:
    """Write a figure as a PNG in base64, as a notebook stores it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return b64encode(buffer.getvalue()).decode("ascii")


def _panel(axes: Axes, sentence: Sentence, results: Sequence[Result]) -> None:
    for row, result in enumerate(results):
        lanes = row + 0.3 * ((np.arange(len(result.numbers)) % LANES) / (LANES - 1) - 0.5)
        axes.plot(result.numbers, lanes, "o", color=BLUE, markersize=4, alpha=0.45, markeredgewidth=0)
        if result.interval:
            color = COLORS.get(result.outcome, ORANGE)
            axes.plot([result.interval.low, result.interval.high], [row, row], "-", color=color, linewidth=4)
            axes.plot([result.interval.estimate], [row], "|", color="black", markersize=13, markeredgewidth=2)
    bars = (-sentence.bar, sentence.bar) if sentence.both_sides else (sentence.bar,)
    for bar in bars:
        axes.axvline(bar, color="black", linestyle="--", linewidth=1.2)
    smallest, largest = (f(n for r in results for n in r.numbers) for f in (min, max))
    if sentence.is_ratio and largest / smallest > LOGARITHMIC:
        axes.set_xscale("log")
        subs = (1, 2, 5) if largest / smallest < CROWDED else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
        axes.xaxis.set_minor_locator(NullLocator())  # Matplotlib would label 2, 3, 4, ... one over another
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    names = [f"{result.case}: {result.outcome}" if result.case else result.outcome for result in results]
    axes.set_yticks(range(len(results)), names)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    room = WIDTH - LETTER * max(map(len, names))  # a title begins where the axis does
    axes.set_xlabel(fill(sentence.quantity, int(room / LETTER)))
    axes.set_title(fill(f"{sentence.id}: {sentence.text}", int(room / BOLD_LETTER)), loc="left", fontsize=10)
