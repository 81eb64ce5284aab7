"""The usual way to a moving figure: `interact` draws all of it anew with pyplot, at every move.

Same figures, same lines, same numbers as the live views, to measure them against. Where numbers do
not depend on the slider the naive way is spared: they are computed once, as for the live view.

Runs inside the notebook that is measured: `live` opens a view, `naive` shows it the other way.
"""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import IntSlider, RadioButtons, interact

from kit.explore.live import Choice, Clock, Frame, LiveView, Slider, Stage
from tests.explore.views import VIEWS, name_of, opener

OPEN: dict[str, tuple[LiveView, list[Callable[[], Stage]]]] = {}


def live(name: str) -> LiveView:
    """Open a view, and keep it; whatever it trains on first sight along its first control is trained now."""
    OPEN[name] = recorded(next(each for each in VIEWS if name_of(each) == name))
    view = OPEN[name][0]
    for position in range(len(view.controls[first_control(view)].values)):
        moved(view, position)
    return view


def naive(name: str) -> None:
    """Show the first slider of an open view, or its first choice, the naive way; its other controls stay put."""
    view, redraws = OPEN[name]

    def draw(position: int) -> None:
        frame = moved(view, position)
        drawn = redraws[frame.stage]()
        for line, (x, y) in zip(drawn.lines, frame.lines, strict=True):
            line.set_data(np.atleast_1d(x), np.atleast_1d(y))
        for overlay in frame.overlays:
            overlay.draw(drawn.figure)
        drawn.figure.set_facecolor(signed(position))
        plt.show()

    control = view.controls[first_control(view)]
    if isinstance(control, Slider):
        hand = IntSlider(control.start, 0, len(control.values) - 1, description=control.label)
    else:
        options = [(label, position) for position, label in enumerate(control.labels)]
        hand = RadioButtons(options=options, value=control.start, description=control.label)
    interact(draw, position=hand)


def first_control(view: LiveView) -> int:
    """Find the first slider, or where there is none the first choice."""
    kinds = [type(control) for control in view.controls]
    return kinds.index(Slider if Slider in kinds else Choice)


def moved(view: LiveView, position: int) -> Frame:
    """Compute the frame with the first control moved: a clock begins anew, the others stand at their start."""
    positions = [0 if isinstance(control, Clock) else control.start for control in view.controls]
    positions[first_control(view)] = position
    return view.frame_at(positions)


def recorded(view: Callable[..., LiveView]) -> tuple[LiveView, list[Callable[[], Stage]]]:
    """Open a view; give it, and for each of its stages what draws it anew by pyplot: the call that made it."""
    module, calls = sys.modules[view.__module__], []

    def stage(**fields: Any) -> Stage:
        maker = inspect.getargvalues(caller := sys._getframe(1))
        arguments = {name: maker.locals[name] for name in maker.args}
        calls.append(partial(caller.f_globals[caller.f_code.co_name], **arguments))
        return Stage(**fields)

    with mock.patch.object(module, "Stage", stage):
        opened = opener(view)()
    return opened, [partial(redrawn, module, call) for call in calls]


def redrawn(module: Any, call: Callable[[], Any]) -> Stage:
    """Draw a stage by pyplot, from a call that draws it alone or opens the whole view around it."""
    made = []

    def stage(**fields: Any) -> Stage:
        made.append(Stage(**fields))
        return made[-1]

    with mock.patch.multiple(module, Figure=plt.figure, Stage=stage, LiveView=lambda **_: None):
        call()
    return made[-1]


def signed(position: int) -> tuple[float, float, float]:
    """Make a near-white that carries the position, so that a stale picture never counts as the new one."""
    return (255 - position // 16) / 255, (255 - position % 16) / 255, 1.0
