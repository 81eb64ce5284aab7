"""The usual way to a moving figure: `interact` draws all of it anew with pyplot, at every move.

Same figures, same lines, same numbers as the live views, to measure them against. Where numbers do
not depend on the slider the naive way is spared: they are computed once, as for the live view.
"""

import sys
from collections.abc import Callable
from functools import cache, partial
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import IntSlider, interact

from kit.explore import class_losses, descent, gpt, losses, optimizers, regularizers, schedules
from kit.explore.live import LiveView, Slider, Stage
from tests.explore import storyteller, test_live

PART_ONE = ("descent", "losses", "class_losses", "optimizers", "schedules", "regularizers")
EXPLORERS = [each for each in test_live.EXPLORERS if each.__module__.rpartition(".")[2] in PART_ONE]
EXPLORERS.append(storyteller.forward_pass_untrained)


@cache
def stages() -> dict[Callable[[], LiveView], Callable[[], Stage]]:
    """Give, for each explorer, the function that draws its stage with the controls at their start."""
    split = regularizers.noisy_diabetes(np.random.default_rng(0))
    l2_path = regularizers.paths(split)[1]
    return {
        descent.line_fit: partial(descent.line_stage, descent.line_problem("raw"), "raw"),
        descent.bowl: descent.bowl_stage,
        losses.best_number: losses.number_stage,
        losses.outlier: losses.outlier_stage,
        class_losses.margin: class_losses.margin_stage,
        optimizers.optimizer_race: partial(optimizers.race_stage, optimizers.SURFACES["bowl"]),
        schedules.draw_a_schedule: schedules.schedule_stage,
        regularizers.penalty_view: partial(regularizers.path_stage, l2_path, split),
        regularizers.stopping_view: regularizers.stopping_stage,
        storyteller.forward_pass_untrained: gpt.forward_stage,
    }


def naive(explorer: Callable[[], LiveView]) -> None:
    """Show the first slider of an explorer, the naive way; its other controls stay at their start."""
    view, stage = explorer(), stages()[explorer]
    module = sys.modules[(stage.func if isinstance(stage, partial) else stage).__module__]
    place, slider = next((i, control) for i, control in enumerate(view.controls) if isinstance(control, Slider))
    positions = [control.start for control in view.controls]

    def draw(position: int) -> None:
        with mock.patch.object(module, "Figure", plt.figure):
            drawn = stage()
        frame = view.frame_at([*positions[:place], position, *positions[place + 1 :]])
        for line, (x, y) in zip(drawn.lines, frame.lines, strict=True):
            line.set_data(np.atleast_1d(x), np.atleast_1d(y))
        for overlay in frame.overlays:
            overlay.draw(drawn.figure)
        drawn.figure.set_facecolor(signed(position))
        plt.show()

    interact(draw, position=IntSlider(slider.start, 0, len(slider.values) - 1, description=slider.label))


def signed(position: int) -> tuple[float, float, float]:
    """Make a near-white that carries the position, so that a stale picture never counts as the new one."""
    return (255 - position // 16) / 255, (255 - position % 16) / 255, 1.0
