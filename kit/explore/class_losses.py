"""A view of losses for classes: one margin under four losses.

Taught in: 03
"""

from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from kit.arguments import real
from kit.explore.live import Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, HOUSE, ORANGE, PINK
from kit.learn.class_losses import binary_cross_entropy, focal, hinge
from kit.learn.losses import mse

MARGINS = np.linspace(-4, 4, 81)
COLORS = {"squared error": PINK, "hinge": ORANGE, "cross-entropy": BLUE, "focal": GREEN}


def margin_losses(margin: float) -> dict[str, tuple[float, float]]:
    """Give loss and pull of one example of class 1 whose score is its margin, under four losses.

    The pull is the gradient with its sign turned: above 0 it draws the score up.

    Raises:
        TypeError, ValueError: if `margin` is not a finite number.

    >>> margin_losses(2.0)["hinge"]
    (0.0, 0.0)
    """
    score, one = np.array([real("margin", margin)]), np.ones(1)
    measured = {
        "squared error": mse(score, one),
        "hinge": hinge(score, one),
        "cross-entropy": binary_cross_entropy(score, one),
        "focal": focal(score, one, alpha=1.0),
    }
    return {name: (loss, float(0 - gradient[0])) for name, (loss, gradient) in measured.items()}


def margin_frame(margin: float) -> Frame:
    """Show where one margin stands on the curves of four losses and of their pulls."""
    found = margin_losses(margin)
    listed = "; ".join(f"{name} {loss:.3f} and {pull:+.3f}" for name, (loss, pull) in found.items())
    met = found["hinge"][1] == 0 and abs(found["focal"][1]) < 0.01 and found["cross-entropy"][1] > 0.1
    return Frame(
        lines=[(margin, pair[i]) for i in (0, 1) for pair in found.values()],
        sentence=f"At margin {margin:.1f}, loss and pull: {listed}.",
        quest_met=bool(met),
    )


@cache
def margin_curves() -> tuple[Float[np.ndarray, "grid"], dict[str, Float[np.ndarray, "grid 2"]]]:
    """Measure loss and pull, under each of the four losses, over a grid of margins."""
    grid = np.linspace(-4, 4, 401)
    measured = [margin_losses(u) for u in grid]
    return grid, {name: np.array([found[name] for found in measured]) for name in COLORS}


def margin_stage() -> Stage:
    """Draw the four curves of the losses and of their pulls; a dot will move on each."""
    grid, curves = margin_curves()
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.6))
        dots = []
        for i, axes in enumerate(figure.subplots(1, 2)):
            axes.axhline(0, color="#999999", linewidth=1)
            axes.axvline(0, color="#999999", linewidth=1)
            for name, color in COLORS.items():
                axes.plot(grid, curves[name][:, i], color=color, label=name)
            axes.set(xlabel="margin: how far on the right side", xlim=(-4, 4))
            dots += [axes.plot([], [], "o", color=color, markersize=9)[0] for color in COLORS.values()]
            if i == 0:
                axes.set(ylabel="loss", ylim=(-0.3, 6), title="What each loss charges")
            else:
                axes.set(ylabel="pull on the score", ylim=(-3.4, 5), title="How hard each pulls")
                axes.legend(loc="lower left")
    return Stage(figure=figure, lines=dots)


def margin() -> LiveView:
    """Open one margin under four losses: one slider; every position is computed beforehand."""
    return LiveView(
        title="One margin under four losses",
        controls=[
            Slider(
                name="margin",
                label="margin",
                values=MARGINS.round(1).tolist(),
                labels=[f"{u:.1f}" for u in MARGINS],
                start=30,
            )
        ],
        stages=[margin_stage()],
        frame=margin_frame,
        quest="find a margin where hinge pulls nothing, focal less than 0.01, and cross-entropy still more than 0.1",
    )
