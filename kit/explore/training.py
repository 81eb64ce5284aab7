"""The live loss: a training run's curve, drawn while it trains.

    fit(..., n_steps=1000, monitors=[LiveLoss(1000, marks={"the grammar's entropy": 1.93})])

The picture is replaced where it stands, and the last one stays in the notebook, where readers
without a kernel see it. A notebook's cell that trains under it carries the tag
`nbval-ignore-output`: how often it was drawn depends on the machine.

Taught in: 21
"""

import base64
import io
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.style
import numpy as np
from IPython import get_ipython
from IPython.display import display
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kit.arguments import count, instance, real, several, unchecked_array
from kit.explore.palette import BLUE, GREEN, HOUSE, ORANGE, PINK

SHARE = 0.04  # of the time may go into drawing
PAUSE = 0.25  # seconds at least from one picture to the next: the eye needs no more
MOST_POINTS = 1000


class LiveLoss:
    """A monitor for `kit.train.loop.fit` that draws the loss, and whatever is evaluated, as it falls.

    It measures how long a picture takes, and draws so seldom that four parts in a hundred of the
    time go into it and no more. Outside of a notebook it draws nothing.

    Args:
        n_steps: the steps of the whole run: where the picture ends.
        show: names of what `evaluate` measures, to draw beside the loss.
        marks: heights to mark by a line, such as a loss that cannot be beaten, by name.

    Raises:
        TypeError, ValueError: if `n_steps` is not a whole number above 0, `show` not names, or
            `marks` not numbers by name.
    """

    def __init__(self, n_steps: int, *, show: Sequence[str] = (), marks: Mapping[str, float] | None = None):
        self.n_steps = count("n_steps", n_steps)
        several("show", show)
        self.show = tuple(show)
        instance("marks", marks or {}, Mapping)
        self.marks = {str(name): real("marks", height) for name, height in (marks or {}).items()}
        self.records: list[dict[str, float]] = []
        self._handle: Any = None
        self._next = -math.inf

    def __call__(self, record: dict[str, float]) -> None:
        """Take a record, and draw if it is time to."""
        self.records.append(record)
        if time.perf_counter() >= self._next:
            self._draw()

    def close(self) -> None:
        """Draw the picture that stays."""
        if self.records:
            self._draw()

    def figure(self) -> Figure:
        """Draw the run so far."""
        with matplotlib.style.context(HOUSE):
            figure = Figure()
            FigureCanvasAgg(figure)  # never pyplot: nothing is left open
            axes = figure.subplots()
            steps = np.array([record["step"] for record in self.records])
            losses = np.array([record["loss"] for record in self.records])
            stride = -(-len(steps) // MOST_POINTS)
            axes.plot(steps[::stride], losses[::stride], color=BLUE, alpha=0.3, linewidth=1)
            axes.plot(steps[::stride], smoothed(losses)[::stride], color=BLUE, label="loss, smoothed")
            for name, color in zip(self.show, (ORANGE, GREEN, PINK), strict=False):
                points = [(record["step"], record[name]) for record in self.records if name in record]
                if points:
                    axes.plot(*zip(*points, strict=True), "o-", color=color, markersize=4, label=name)
            for name, height in self.marks.items():
                axes.axhline(height, color="#444444", linestyle="--", linewidth=1, label=name)
            axes.set(xlabel="step", ylabel="loss (nats)", xlim=(0, self.n_steps), title=self.title())
            axes.legend(loc="upper right")
        return figure

    def title(self) -> str:
        """Say in a line where the run stands."""
        last = self.records[-1]
        speed = f", {last['tokens_per_second']:,.0f} tokens a second" if "tokens_per_second" in last else ""
        if not math.isfinite(last["loss"]):
            return f"Diverged at step {last['step']:.0f} of {self.n_steps}"
        return f"Step {last['step']:.0f} of {self.n_steps}: loss {last['loss']:.3f}{speed}"

    def _draw(self) -> None:
        if get_ipython() is None:
            return
        begin, picture = time.perf_counter(), io.BytesIO()
        self.figure().savefig(picture, format="png")
        data = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": self.title()}
        first = self._handle is None
        if first:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
        now = time.perf_counter()
        # the first picture loads fonts, and says nothing of how long the next will take
        self._next = now + (PAUSE if first else max(PAUSE, (now - begin) / SHARE))


def smoothed(losses: Float[np.ndarray, "steps"], *, weight: float = 0.1) -> Float[np.ndarray, "steps"]:
    """Average losses with weights that fade into the past, without the pull of a start at zero.

        mean(t) = Σ_k (1 - weight)^k · loss(t - k) / Σ_k (1 - weight)^k

    Losses that are not finite are left out.

    Raises:
        TypeError: if `losses` holds no numbers, or `weight` is none.
        ValueError: if `losses` has other than one axis, or `weight` is not above 0 and at most 1.

    >>> smoothed(np.array([4.0, 1.0]), weight=0.5)
    array([4., 2.])
    """
    weight = real("weight", weight, above=0, at_most=1)
    losses = unchecked_array("losses", losses)
    if losses.ndim != 1:
        raise ValueError(f"losses must have 1 axis, got shape {losses.shape}")
    means, total, mass = np.empty(len(losses)), 0.0, 0.0
    for t, loss in enumerate(losses.tolist()):
        total, mass = (1 - weight) * total, (1 - weight) * mass
        if math.isfinite(loss):
            total, mass = total + loss, mass + 1
        means[t] = total / mass if mass else math.nan
    return means
