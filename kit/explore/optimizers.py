"""The race: gradient descent, momentum, Nesterov and Adam on one surface, from one start, at one learning rate.

Taught in: 05
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.figure import Figure

from kit.arguments import one_of, real, unchecked_array
from kit.explore.descent import contour, rate_slider
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import HOUSE
from kit.learn.optimizers import Optimizer, adam, momentum, nesterov, sgd

RUNNERS = {"gradient descent": "#000000", "momentum": "#0072b2", "Nesterov": "#009e73", "Adam": "#d55e00"}
STEPS, GOAL, CONDITION, TURN = 100, 1e-6, 50.0, np.radians(30)
TURNED = np.array([[np.cos(TURN), np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]])
FLOOR, OUT = 1e-12, 1e3  # losses are drawn down to the one; a runner further out than the other has retired
Heights = float | Float[np.ndarray, "*many"]


def bowl(point: Shaped[np.ndarray, "*many 2"]) -> tuple[Heights, Float[np.ndarray, "*many 2"]]:
    """Measure a long bowl, fifty times as steep across as along, at one point or at many.

        L(x, y)  = (x² + 50 y²) / 2
        ∇L(x, y) = (x, 50 y)

    Raises:
        TypeError: if `point` holds no numbers.
        ValueError: if `point` is not made of pairs.

    >>> bowl(np.array([[2.0, 1.0]]))
    (array([27.]), array([[ 2., 50.]]))
    """
    point, steepness = _pairs(point), np.array([1.0, CONDITION])
    return point**2 @ steepness / 2, steepness * point


def turned_bowl(point: Shaped[np.ndarray, "*many 2"]) -> tuple[Heights, Float[np.ndarray, "*many 2"]]:
    """Measure the same bowl, turned by 30 degrees, so that its valley runs between the axes.

        L(p)  = bowl(R p)
        ∇L(p) = Rᵀ ∇bowl(R p)        R turns by -30 degrees

    Raises:
        TypeError, ValueError: as `bowl` does.

    >>> turned_bowl(np.array([[0.0, 0.0]]))
    (array([0.]), array([[0., 0.]]))
    """
    height, slope = bowl(_pairs(point) @ TURNED.T)
    return height, slope @ TURNED


def valley(point: Shaped[np.ndarray, "*many 2"]) -> tuple[Heights, Float[np.ndarray, "*many 2"]]:
    """Measure a valley that follows the curve y = x², and falls slowly along it to (1, 1).

        L(x, y)  = (1 - x)² + 5 (y - x²)²
        ∇L(x, y) = (-2 (1 - x) - 20 x (y - x²), 10 (y - x²))

    Raises:
        TypeError, ValueError: as `bowl` does.

    Source: Rosenbrock (1960), The Computer Journal 3, 175-184, with 5 in place of 100.

    >>> valley(np.array([[0.0, 1.0]]))
    (array([6.]), array([[-2., 10.]]))
    """
    point = _pairs(point)
    x, aside = point[..., 0], point[..., 1] - point[..., 0] ** 2
    return (1 - x) ** 2 + 5 * aside**2, np.stack([-2 * (1 - x) - 20 * x * aside, 10 * aside], axis=-1)


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A landscape to race on: its loss, where all start, its lowest point, and what the map shows of it."""

    objective: Callable
    start: Float[np.ndarray, "2"]
    goal: tuple[float, float] = (0.0, 0.0)
    low: Float[np.ndarray, "2"]
    high: Float[np.ndarray, "2"]
    lowest_line: float


_START, _CORNER = np.array([-4.0, 1.5]), np.array([5.0, 4.4])
SURFACES = {
    "bowl": Surface(objective=bowl, start=_START, low=-_CORNER, high=_CORNER, lowest_line=0.1),
    "bowl, turned": Surface(objective=turned_bowl, start=_START @ TURNED, low=-_CORNER, high=_CORNER, lowest_line=0.1),
    "curved valley": Surface(
        objective=valley,
        start=np.array([-1.2, 1.8]),
        goal=(1.0, 1.0),
        low=np.array([-2.1, -1.0]),
        high=np.array([2.1, 2.7]),
        lowest_line=0.05,
    ),
}
RATES, BETAS = np.geomspace(1e-3, 3, 71), np.round(np.linspace(0, 0.98, 50), 2)
RATE_AT_START, BETA_AT_START = 12, 45


@dataclass(frozen=True, kw_only=True)
class Race:
    """Where each runner stands after each step, at each of `RATES`, and the loss there."""

    points: Float[np.ndarray, "runners rates steps 2"]
    losses: Float[np.ndarray, "runners rates steps"]


def rules(beta: float) -> dict[str, Optimizer]:
    """Make the four rules at a learning rate of 1; three of them keep the share `beta` of their past.

    Raises:
        TypeError, ValueError: if `beta` is not a number of at least 0 and below 1.
    """
    kept = real("beta", beta, at_least=0, below=1)
    makers = sgd(1.0), momentum(1.0, beta=kept), nesterov(1.0, beta=kept), adam(1.0, betas=(kept, 0.999))
    return dict(zip(RUNNERS, makers, strict=True))


@cache
def race(surface: str, beta: float) -> Race:
    """Run all four for a hundred steps, at all learning rates at once.

    Every rule moves x by lr times something that does not depend on lr. So in units of lr, as
    x / lr, it runs at the rate 1, and one array holds the runs at all rates.

    Raises:
        TypeError, ValueError: if `surface` is not one of `SURFACES`, or `beta` is not a number of at
            least 0 and below 1.

    Oracle: kit.learn.training.train.
    """
    place, lr = SURFACES[one_of("surface", surface, tuple(SURFACES))], RATES[:, None]
    points = np.empty((len(RUNNERS), len(RATES), STEPS + 1, 2))
    losses = np.empty(points.shape[:-1])
    for runner, rule in enumerate(rules(beta).values()):
        units, memory = np.tile(place.start, (len(RATES), 1)) / lr, ()
        for step in range(STEPS + 1):
            point = points[runner, :, step] = units * lr
            losses[runner, :, step], gradient = place.objective(point)
            racing = (np.abs(point) < OUT).all(axis=1, keepdims=True)
            moved, *memory = rule(units, np.where(racing, gradient, 0), step, *memory)
            units = np.where(racing, moved, units)
    return Race(points=points, losses=losses)


def race_frame(*, surface: int, lr: int, beta: float, step: int) -> Frame:
    """Show the race on a surface up to a step: the paths, the losses so far, and the losses at all other rates.

    Args:
        lr: the place of the learning rate in `RATES`.
    """
    name = list(SURFACES)[surface]
    run = race(name, beta)
    paths, curves = run.points[:, lr, : step + 1], np.maximum(run.losses[:, lr, : step + 1], FLOOR)
    now = np.maximum(run.losses[:, :, step], FLOOR)
    lost = curves[:, -1] > curves[:, 0]
    places = ["diverged" if out else f"{loss:.1g}" for out, loss in zip(lost, curves[:, -1], strict=True)]
    standing = ", ".join(f"{runner} {place}" for runner, place in zip(RUNNERS, places, strict=True))
    return Frame(
        lines=[
            *((path[:, 0], path[:, 1]) for path in paths),
            *((path[-1, 0], path[-1, 1]) for path in paths),
            *((np.arange(step + 1), curve) for curve in curves),
            *((RATES, losses) for losses in now),
            *((RATES[lr], losses[lr]) for losses in now),
        ],
        sentence=f"Learning rate {RATES[lr]:.2g}, β {beta:g}, step {step}. Loss: {standing}.",
        quest_met=bool((curves <= GOAL).any()),
        stage=surface,
    )


def race_stage(surface: Surface) -> Stage:
    """Draw what stands still: the map, the axes of both charts, and who wears which colour."""
    fixed = {"figure.constrained_layout.use": False}  # the three stages must line up
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9, 5))
        grid = figure.add_gridspec(
            2, 2, width_ratios=(1.4, 1), left=0.07, right=0.985, bottom=0.1, top=0.87, wspace=0.22, hspace=0.55
        )
        place, curve, tuning = (figure.add_subplot(part) for part in (grid[:, 0], grid[0, 1], grid[1, 1]))
        xy = np.stack(np.meshgrid(*np.linspace(surface.low, surface.high, 181).T), axis=-1)
        contour(place, xy[..., 0], xy[..., 1], surface.objective(xy)[0], lowest=surface.lowest_line)
        place.plot(*surface.goal, "+", color="#444444", markersize=12, markeredgewidth=1.5)
        place.set(xlabel="x", ylabel="y", title="The race, seen from above", aspect="equal")
        place.set(xlim=(surface.low[0], surface.high[0]), ylim=(surface.low[1], surface.high[1]))
        curve.set(xlabel="step", ylabel="loss", title="The loss so far", xlim=(0, STEPS))
        tuning.set(xlabel="learning rate", ylabel="loss", title="The loss now, at every learning rate", xscale="log")
        tuning.set(xlim=(RATES[0] / 1.1, RATES[-1] * 1.1))
        for axes in (curve, tuning):
            axes.set(yscale="log", ylim=(FLOOR / 3, 1e4), yticks=10.0 ** np.arange(-12, 5, 4))
            axes.axhline(GOAL, color="#666666", linestyle="--", linewidth=1)
            axes.text(0.99, GOAL, "goal", transform=axes.get_yaxis_transform(), ha="right", va="top", color="#666666")
        lines = [
            *(place.plot([], [], "-", color=color, linewidth=1.6)[0] for color in RUNNERS.values()),
            *(place.plot([], [], "o", color=color, markersize=9)[0] for color in RUNNERS.values()),
            *(curve.plot([], [], "-", color=color, linewidth=1.8)[0] for color in RUNNERS.values()),
            *(tuning.plot([], [], "-", color=color, linewidth=1.2)[0] for color in RUNNERS.values()),
            *(tuning.plot([], [], "o", color=color, markersize=6)[0] for color in RUNNERS.values()),
        ]
        figure.legend(lines[4:8], list(RUNNERS), loc="upper left", ncols=4, bbox_to_anchor=(0.055, 1.0))
    return Stage(figure=figure, lines=lines)


def optimizer_race() -> LiveView:
    """Open the race: surface, learning rate, momentum and the step shown can be moved; the step also plays."""
    rates = rate_slider(RATES[0], RATES[-1], len(RATES), start=RATE_AT_START)
    return LiveView(
        title="A race of four optimisers",
        controls=[
            Choice(name="surface", label="surface", values=range(len(SURFACES)), labels=list(SURFACES)),
            Slider(name="lr", label="learning rate", values=range(len(RATES)), labels=rates.labels, start=rates.start),
            Slider(
                name="beta",
                label="momentum β",
                values=BETAS.tolist(),
                labels=[f"{beta:.2f}" for beta in BETAS],
                start=BETA_AT_START,
            ),
            Slider(
                name="step",
                label="step",
                values=range(STEPS + 1),
                labels=[str(step) for step in range(STEPS + 1)],
                start=STEPS,
                play=True,
            ),
        ],
        stages=[race_stage(surface) for surface in SURFACES.values()],
        frame=race_frame,
        quest=f"bring any runner below {GOAL:.0e} within {STEPS} steps".replace("1e-06", "0.000001"),
    )


def _pairs(point: np.ndarray) -> np.ndarray:
    point = unchecked_array("point", point)
    if point.shape[-1:] != (2,):
        raise ValueError(f"point must be made of pairs, got shape {point.shape}")
    return point
