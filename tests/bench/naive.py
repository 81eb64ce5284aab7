"""The usual way to a moving figure: `interact` draws all of it anew with pyplot, at every move.

Same figures, same lines, same numbers as the live views, to measure them against. Where the loss
over the map is concerned the naive way is spared: it is computed once, as it is for the live view.
"""

from collections.abc import Callable
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import IntSlider, interact

from kit.explore import descent
from kit.explore.live import LiveView, Stage


def naive_bowl() -> None:
    follow(descent.bowl(), descent.bowl_stage)


def naive_line() -> None:
    problem = descent.line_problem(descent.SCALINGS[0])
    follow(descent.line_fit(), lambda: descent.line_stage(problem, descent.SCALINGS[0]))


def follow(view: LiveView, stage: Callable[[], Stage]) -> None:
    """Show the first slider of a view, the naive way; its other controls stay at their start."""
    slider, *others = view.controls

    def draw(position: int) -> None:
        with mock.patch.object(descent, "Figure", plt.figure):
            drawn = stage()
        frame = view.frame_at([position, *(control.start for control in others)])
        for line, (x, y) in zip(drawn.lines, frame.lines, strict=True):
            line.set_data(np.atleast_1d(x), np.atleast_1d(y))
        drawn.figure.set_facecolor(signed(position))
        plt.show()

    interact(draw, position=IntSlider(slider.start, 0, len(slider.values) - 1, description=slider.label))


def signed(position: int) -> tuple[float, float, float]:
    """Make a near-white that carries the position, so that a stale picture never counts as the new one."""
    return (255 - position // 16) / 255, (255 - position % 16) / 255, 1.0
