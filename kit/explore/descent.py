"""Two views of gradient descent: a bowl to start with, and a line through real data.

Taught in: 00 01
"""

from dataclasses import dataclass

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes

from kit.arguments import one_of, real, unchecked_array
from kit.explore.live import Choice, Drag, Frame, LiveView, Slider, Stage
from kit.explore.palette import GREEN, HOUSE, ORANGE
from kit.learn.descent import Descent, Objective, descend
from kit.learn.linear import least_squares, linear_objective, with_intercept
from kit.learn.scaling import min_max_scaling, standard_scaling


def rate_slider(low: float, high: float, n: int, *, start: int) -> Slider:
    """Make a slider over learning rates that grow by one factor from each position to the next."""
    rates = np.geomspace(low, high, n)
    return Slider(
        name="lr", label="learning rate", values=rates.tolist(), labels=[f"{rate:.3g}" for rate in rates], start=start
    )


# The bowl --------------------------------------------------------------------------------------

BOWL_START, BOWL_STEPS, BOWL_GOAL = np.array([-3.5, 1.8]), 20, 0.01


def bowl_loss(point: Float[np.ndarray, "2"]) -> tuple[float, Float[np.ndarray, "2"]]:
    """Measure the height of a long bowl, eight times as steep across as along, and its slope.

        L(x, y)  = (x² + 8 y²) / 2
        ∇L(x, y) = (x, 8 y)

    Raises:
        TypeError: if `point` holds no numbers.
        ValueError: if `point` is not a pair.

    >>> bowl_loss(np.array([2.0, 1.0]))
    (6.0, array([2., 8.]))
    """
    point = unchecked_array("point", point)
    if point.shape != (2,):
        raise ValueError(f"point must have shape (2,), got {point.shape}")
    steepness = np.array([1.0, 8.0])
    return float(steepness @ point**2) / 2, steepness * point


def bowl_frame(lr: float) -> Frame:
    """Show twenty steps down the bowl at one learning rate."""
    path = descend(bowl_loss, BOWL_START, lr=lr, n_steps=BOWL_STEPS)
    met = bool(path.losses[-1] <= BOWL_GOAL)
    first, last = path.losses[0], path.losses[-1]
    verdict = (
        f"diverged: the loss grew from {first:.3g} to {last:.3g}" if path.diverged else f"the loss fell to {last:.3g}"
    )
    return Frame(
        lines=[(path.points[:, 0], path.points[:, 1]), (np.arange(path.n_steps + 1), path.losses)],
        sentence=f"Learning rate {lr:.3g}: after {path.n_steps} steps {verdict}.",
        quest_met=met,
    )


def bowl_stage() -> Stage:
    """Draw what stands still: the bowl from above, and the axes of the loss curve."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8.8, 3.4))
        left, right = figure.subplots(1, 2)
        x, y = np.meshgrid(np.linspace(-4.5, 4.5, 181), np.linspace(-2.6, 2.6, 105))
        contour(left, x, y, (x**2 + 8 * y**2) / 2, lowest=0.1)
        left.set(xlabel="x", ylabel="y", title="The path over the bowl, seen from above")
        right.set(xlabel="step", ylabel="loss", title="The loss after each step", yscale="log")
        right.set(xlim=(0, BOWL_STEPS), ylim=(1e-4, 1e4), xticks=range(0, BOWL_STEPS + 1, 5))
        right.axhline(BOWL_GOAL, color=GREEN, linestyle="--", linewidth=1)
        right.annotate("goal", (0.3, BOWL_GOAL), va="bottom", color=GREEN, xytext=(0, 2), textcoords="offset points")
        lines = [
            *left.plot([], [], "o-", color=ORANGE, markersize=5, linewidth=1.5),
            *right.plot([], [], "o-", color=ORANGE, markersize=4),
        ]
    return Stage(figure=figure, lines=lines)


def bowl() -> LiveView:
    """Open the bowl: one slider, the learning rate; every position is computed beforehand."""
    return LiveView(
        title="Gradient descent on a bowl",
        controls=[rate_slider(0.005, 0.4, 121, start=30)],
        stages=[bowl_stage()],
        frame=bowl_frame,
        quest=f"bring the loss below {BOWL_GOAL} in {BOWL_STEPS} steps",
    )


# The line through real data ----------------------------------------------------------------------

SCALINGS = ("raw", "zero to one", "standard")
LINE_STEPS, LINE_QUEST_STEPS, LINE_TOLERANCE = 100, 5, 0.01
START_POSITIONS = 51


@dataclass(frozen=True, kw_only=True)
class LineProblem:
    """One line through disease progression against body mass index, under one scaling of the index.

    The map reaches from `low` to `high`; over its `grid` the loss lies by `rise` above the lowest.
    """

    bmi: Float[np.ndarray, "n"]
    progression: Float[np.ndarray, "n"]
    x: Float[np.ndarray, "n 2"]
    objective: Objective
    best: Float[np.ndarray, "2"]
    lowest: float
    low: Float[np.ndarray, "2"]
    high: Float[np.ndarray, "2"]
    grid: Float[np.ndarray, "rows columns 2"]
    rise: Float[np.ndarray, "rows columns"]

    def start(self, across: float, up: float) -> Float[np.ndarray, "2"]:
        """Turn a place in the map, as shares of its width and height, into intercept and slope.

        Raises:
            TypeError, ValueError: if a share is not a number from 0 to 1.
        """
        across, up = (real(*share, at_least=0, at_most=1) for share in (("across", across), ("up", up)))
        return self.low + np.array([across, up]) * (self.high - self.low)


def line_problem(scaling: str) -> LineProblem:
    """Set up the fit: the scaled feature beside a column of ones, its optimum, and the map's limits.

    Raises:
        ValueError: if `scaling` is not one of "raw", "zero to one" and "standard".
    """
    one_of("scaling", scaling, SCALINGS)
    features, progression = load_diabetes(return_X_y=True, scaled=False)
    bmi, progression = np.asarray(features)[:, [2]], np.asarray(progression)
    learn = {"raw": None, "zero to one": min_max_scaling, "standard": standard_scaling}[scaling]
    x = with_intercept(learn(bmi).transform(bmi) if learn else bmi)
    best = least_squares(x, progression)
    half = {"raw": [500, 16], "zero to one": [400, 400], "standard": [220, 220]}[scaling]
    low, high = best - half, best + half
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 161).T), axis=-1)
    objective = linear_objective(x, progression)
    lowest = objective(best)[0]
    return LineProblem(
        bmi=bmi[:, 0],
        progression=progression,
        x=x,
        objective=objective,
        best=best,
        lowest=lowest,
        low=low,
        high=high,
        grid=grid,
        rise=((grid @ x.T - progression) ** 2).mean(axis=-1) - lowest,
    )


def line_path(problem: LineProblem, lr: float, across: float, up: float) -> Descent:
    """Descend from a place in the map."""
    return descend(problem.objective, problem.start(across, up), lr=lr, n_steps=LINE_STEPS)


def line_frame(problems: list[LineProblem], *, scaling: int, lr: float, across: float, up: float) -> Frame:
    """Show the fitted line, the path over the loss, and the loss left after each step."""
    problem = problems[scaling]
    path = line_path(problem, lr, across, up)
    ends = np.array([problem.bmi.argmin(), problem.bmi.argmax()])
    steps = path.steps_to((1 + LINE_TOLERANCE) * problem.lowest)
    if path.diverged:
        outcome = f"diverged: the loss rose from {path.losses[0]:.3g} to {path.losses[-1]:.3g} in {path.n_steps} steps"
    elif steps is None:
        share = path.losses[-1] / problem.lowest - 1
        outcome = f"after {LINE_STEPS} steps the loss is still {share:.1%} above the lowest"
    else:
        outcome = f"within {LINE_TOLERANCE:.0%} of the lowest loss after {steps} step{'' if steps == 1 else 's'}"
    return Frame(
        lines=[
            (problem.bmi[ends], problem.x[ends] @ path.points[-1]),
            (path.points[:, 0], path.points[:, 1]),
            (problem.best[0], problem.best[1]),
            (np.arange(path.n_steps + 1), np.maximum(path.losses - problem.lowest, 1e-12)),
        ],
        sentence=f"Feature {SCALINGS[scaling]}, learning rate {lr:.3g}: {outcome}.",
        quest_met=steps is not None and steps <= LINE_QUEST_STEPS,
        stage=scaling,
    )


def line_stage(problem: LineProblem, scaling: str) -> Stage:
    """Draw what stands still: the data, the map of the loss, and the axes of the loss curve."""
    fixed = {"figure.constrained_layout.use": False}  # the three stages must line up
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9, 3.3))
        figure.subplots_adjust(left=0.065, right=0.985, bottom=0.16, top=0.91, wspace=0.34)
        data, landscape, curve = figure.subplots(1, 3)
        data.plot(problem.bmi, problem.progression, ".", color="#7f7f7f", markersize=3)
        data.set(xlabel="body mass index (kg/m²)", ylabel="progression after a year", title="The line, last step")
        contour(landscape, problem.grid[..., 0], problem.grid[..., 1], problem.rise, lowest=30)
        unit = {"raw": "per kg/m²", "zero to one": "over the range", "standard": "per standard deviation"}[scaling]
        landscape.set(xlabel="intercept", ylabel=f"slope ({unit})", title="The path over the loss")
        curve.set(xlabel="step", ylabel="loss above the lowest", title="The loss after each step")
        curve.set(yscale="log", xlim=(0, LINE_STEPS), ylim=(1e-3, 1e9))
        curve.axhline(LINE_TOLERANCE * problem.lowest, color=GREEN, linestyle="--", linewidth=1)
        curve.annotate("within 1%", (LINE_STEPS, LINE_TOLERANCE * problem.lowest), color=GREEN, ha="right", va="bottom")
        lines = [
            *data.plot([], [], "-", color=ORANGE),
            *landscape.plot([], [], "o-", color=ORANGE, markersize=3.5, linewidth=1.2),
            *landscape.plot([], [], "o", color=GREEN, markersize=6),
            *curve.plot([], [], "-", color=ORANGE),
        ]
    return Stage(figure=figure, lines=lines)


def line_fit() -> LiveView:
    """Open the fit of a line to the diabetes data: learning rate, scaling and start can be moved."""
    problems = [line_problem(scaling) for scaling in SCALINGS]
    shares = np.linspace(0, 1, START_POSITIONS)
    place = {"values": shares.tolist(), "labels": [f"{share:.0%}" for share in shares]}
    return LiveView(
        title="Gradient descent on a line through real data",
        controls=[
            rate_slider(1e-5, 2, 121, start=40),
            Choice(name="scaling", label="feature", values=range(len(SCALINGS)), labels=SCALINGS),
            Slider(name="across", label="start, across", start=8, **place),
            Slider(name="up", label="start, up", start=41, **place),
        ],
        stages=[line_stage(problem, scaling) for problem, scaling in zip(problems, SCALINGS, strict=True)],
        frame=lambda **values: line_frame(problems, **values),
        quest=f"come within 1% of the lowest loss in {LINE_QUEST_STEPS} steps or fewer",
        drag=Drag(axes=1, x="across", y="up"),
    )


def contour(axes: Axes, x: np.ndarray, y: np.ndarray, height: np.ndarray, *, lowest: float) -> None:
    """Draw lines of equal height, each four times as high as the one inside it, over a pale ground."""
    levels = lowest * 4.0 ** np.arange(0, np.ceil(np.log(height.max() / lowest) / np.log(4)) + 1)
    depth = np.linspace(0, 1, len(levels))[:, None]
    colors = (1 - depth) * np.array([0.98, 0.99, 1.0]) + depth * np.array([0.66, 0.74, 0.85])  # to slate blue
    axes.contourf(x, y, height, levels=[0, *levels], colors=colors)
    axes.contour(x, y, height, levels=levels, colors="#7f8fa6", linewidths=0.7)
    axes.grid(visible=False)
