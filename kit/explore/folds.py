"""A view of cross-validation: flights of 60 days, cut into folds, and what each mistake is worth.

Taught in: 09
"""

from dataclasses import dataclass
from functools import cache

import matplotlib
import matplotlib.style
import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from kit.arguments import count, one_of
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Picture, Words
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE
from kit.learn.scaling import standard_scaling
from kit.learn.splits import Rows, Split, group_k_fold, k_fold
from kit.learn.tables import flights
from kit.learn.validation import corrected_interval, cross_validate

N_DAYS, A_DAY, N_NEW, REPEATS = 60, 12, 3_000, 10
N_NOISE, N_KEPT, NEIGHBOURS = 1_000, 20, 9
KS = (2, 5, 10)
DAY_WEIGHT = 10.0  # so that the nearest flights are those of one day
LEAKS = ("none: whole days", "days cut", "rows doubled", "columns chosen outside", "scaled outside")


@dataclass(frozen=True, kw_only=True)
class Days:
    """Flights of some days, in their order, and flights of other days, which stand for the world.

    Args:
        x: day of the year, hour and distance of each flight, then columns of pure noise.
        y: whether it was over 15 minutes late.
        day: its place among the days drawn.
    """

    x: Float[np.ndarray, "n columns"]
    y: Int[np.ndarray, "n"]
    day: Int[np.ndarray, "n"]
    new_x: Float[np.ndarray, "m columns"]
    new_y: Int[np.ndarray, "m"]


@cache
def some_days() -> Days:
    """Draw 60 days of 2013 with twelve flights each, and 3,000 flights of the other days."""
    table, rng = flights(), np.random.default_rng(0)
    day, y = table.date, table.late
    x = np.column_stack([day, table.hour, table.distance]).astype(float)
    drawn = np.sort(rng.permutation(day.max() + 1)[:N_DAYS])
    rows = np.concatenate([np.sort(rng.choice(np.flatnonzero(day == each), A_DAY, replace=False)) for each in drawn])
    new = rng.permutation(np.flatnonzero(~np.isin(day, drawn)))[:N_NEW]
    x, new_x = (np.column_stack([x[r], rng.normal(size=(len(r), N_NOISE))]) for r in (rows, new))
    return Days(x=x, y=y[rows], day=np.repeat(np.arange(N_DAYS), A_DAY), new_x=new_x, new_y=y[new])


def late_scores(
    x: Float[np.ndarray, "n columns"], y: Int[np.ndarray, "n"], new: Float[np.ndarray, "m columns"]
) -> Float[np.ndarray, "m"]:
    """Score each new flight by the nine nearest ones that are known, the nearer the weightier."""
    far = np.sqrt(np.maximum((new**2).sum(axis=1)[:, None] + (x**2).sum(axis=1) - 2 * new @ x.T, 0))
    near = np.argpartition(far, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    weights = 1 / (np.take_along_axis(far, near, axis=1) + 1e-3)
    return (weights * y[near]).sum(axis=1) / weights.sum(axis=1)


def telling_columns(x: Float[np.ndarray, "n columns"], y: Int[np.ndarray, "n"]) -> Int[np.ndarray, "kept"]:
    """Find the twenty columns whose correlation with being late is furthest from 0."""
    off, late = x - x.mean(axis=0), y - y.mean()
    return np.argsort(-np.abs(late @ off) / np.sqrt((off**2).sum(axis=0)), kind="stable")[:N_KEPT]


def weighted(x: Float[np.ndarray, "n columns"]) -> Float[np.ndarray, "n columns"]:
    """Weigh the day more than any other column."""
    return np.column_stack([DAY_WEIGHT * x[:, :1], x[:, 1:]])


def columns_of(leak: str, x: np.ndarray, y: np.ndarray) -> Int[np.ndarray, "kept"]:
    """Name the columns that the model gets: the three of the flight, or those that look best."""
    return telling_columns(x, y) if leak == "columns chosen outside" else np.arange(3)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What cross-validation says under one mistake, and what is true.

    Args:
        split: the folds; where rows are doubled, the copies stand after all others.
        scores: the area under the ROC curve of each fold.
        truth: that of the same model, fitted to all rows, on flights of other days.
    """

    split: Split
    scores: Float[np.ndarray, "folds"]
    truth: float

    @property
    def worth(self) -> float:
        """Give by how much the estimate is too good."""
        return float(self.scores.mean()) - self.truth


@cache
def estimate(leak: str, k: int, repeat: int) -> Estimate:
    """Cross-validate under one mistake, with the rows dealt out by the repeat's own generator.

    Raises:
        TypeError, ValueError: if there is no such leak, `k` < 2, or `repeat` < 0.
    """
    one_of("leak", leak, LEAKS)
    k, days = count("k", k, at_least=2), some_days()
    rng = np.random.default_rng([count("repeat", repeat, at_least=0), k])
    x, y, day = days.x, days.y, days.day
    if leak == "rows doubled":
        x, y, day = np.vstack([x, x]), np.tile(y, 2), np.tile(day, 2)
    cut = leak in ("days cut", "rows doubled")
    split = k_fold(len(y), k=k, rng=rng) if cut else group_k_fold(day, k=k, rng=rng)
    columns = columns_of(leak, x, y)
    whole = standard_scaling(x)

    def area(train: Rows, test: Rows) -> float:
        scaling = whole if leak == "scaled outside" else standard_scaling(x[train])
        known, held_out = (weighted(scaling.transform(x[rows]))[:, columns] for rows in (train, test))
        return float(roc_auc_score(y[test], late_scores(known, y[train], held_out)))

    known, new = (weighted(whole.transform(rows))[:, columns] for rows in (x, days.new_x))
    truth = float(roc_auc_score(days.new_y, late_scores(known, y, new)))
    return Estimate(split=split, scores=cross_validate(area, split), truth=truth)


def worth_most(k: int, repeat: int) -> str:
    """Name the mistake that is worth most."""
    return max(LEAKS, key=lambda leak: estimate(leak, k, repeat).worth)


def fold_colours(k: int) -> Float[np.ndarray, "k 3"]:
    """Give each fold a colour: from dark blue to yellow, which differ in brightness, too."""
    return matplotlib.colormaps["cividis"](np.linspace(0, 1, k))[:, :3]


def folds_frame(*, leak: str, k: int, repeat: int) -> Frame:
    """Show the rows coloured by their folds, the score of each fold, the repeats so far, and the truth."""
    found = estimate(leak, k, repeat)
    at = corrected_interval(found.scores, n_train=k - 1, n_test=1)
    means = [float(estimate(leak, k, each).scores.mean()) for each in range(repeat + 1)]
    colours = fold_colours(k)[found.split.fold].reshape(-1, N_DAYS, A_DAY, 3)
    cells = np.concatenate(list(colours), axis=1)  # the copies to the right of their rows
    places = np.linspace(10.5, 4, k)
    met = leak == worth_most(k, repeat) and leak != LEAKS[0]
    return Frame(
        lines=[
            (found.scores, places),
            ([at.low, at.high], [2.5, 2.5]),
            (at.estimate, 2.5),
            (means, np.full(len(means), 1.0)),
            ([found.truth, found.truth], [0, 11]),
        ],
        overlays=[
            Picture(axes=0, colors=cells, smooth=False),
            Words(axes=1, x=[0.31] * 3, y=[10.9, 2.95, 1.45],
                  texts=[f"each of the {k} folds", "their mean, and its interval", "the means of the repeats so far"],
                  color=GREY),
        ],
        sentence=(
            f"{leak}, {k} folds, repeat {repeat + 1}: the folds say ≈{at.estimate:.2f}, flights of other days "
            f"≈{found.truth:.2f}; the mistake is worth ≈{found.worth:+.2f}."
        ),
        quest_met=bool(met),
    )  # fmt: skip


def folds_stage() -> Stage:
    """Draw what stands still: the axes of the rows, and those of the scores."""
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9, 4))
        figure.subplots_adjust(left=0.07, right=0.985, bottom=0.13, top=0.9, wspace=0.12)
        left, right = figure.subplots(1, 2, width_ratios=(1, 2))
        left.set(xlim=(0, A_DAY), ylim=(N_DAYS, 0), xticks=[], ylabel="day", xlabel="twelve flights of each day")
        left.set_title("Rows, coloured by fold")
        left.grid(visible=False)
        right.set(xlim=(0.3, 1.02), ylim=(0, 11.3), yticks=[], xlabel="area under the ROC curve")
        right.set_title("What the folds say, and what is true")
        right.grid(visible=False, axis="y")
        right.text(0.31, 0.2, "green: flights of other days", color=GREEN, size=8)
        lines = [
            *right.plot([], [], "o", color=BLUE, markersize=6),
            *right.plot([], [], "-", color=ORANGE, linewidth=2),
            *right.plot([], [], "o", color=ORANGE, markersize=8),
            *right.plot([], [], "o", color=ORANGE, markersize=4),
            *right.plot([], [], "-", color=GREEN, linewidth=2),
        ]
    return Stage(figure=figure, lines=lines)


def folds_view() -> LiveView:
    """Open the folds: how many, which mistake is made, and how the rows are dealt out."""
    return LiveView(
        title="Folds, and what a leak is worth",
        controls=[
            Choice(name="leak", label="leak", values=LEAKS, labels=LEAKS),
            Choice(name="k", label="folds", values=KS, labels=[str(k) for k in KS], start=1),
            Slider(name="repeat", label="repeat", values=range(REPEATS), labels=[str(r + 1) for r in range(REPEATS)]),
        ],
        stages=[folds_stage()],
        frame=folds_frame,
        quest="find the leak that is worth most",
    )
