"""A view of one threshold: confusion matrix, curves, four metrics and the money lost move together.

Taught in: 08
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float, Int, Shaped
from matplotlib.figure import Figure

from kit.arguments import count, real, real_array
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Words
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK
from kit.learn.class_losses import softmax
from kit.learn.linear import logistic_regression, with_intercept
from kit.learn.metrics import confusion_matrix
from kit.learn.score_metrics import precision_recall_curve, roc_curve
from kit.learn.tables import flights

LATE = 60  # minutes
THRESHOLDS = np.geomspace(0.01, 0.4, 75)
COSTS = (1, 3, 10, 30)
QUEST_RECALL = 0.95


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """Chances of being over an hour late, for flights that the model has not seen, and what came."""

    probabilities: Float[np.ndarray, "n"]
    late: Int[np.ndarray, "n"]


def known_before_departure() -> Float[np.ndarray, "flights features"]:
    """Describe each flight by its timetable: hour, month, carrier and origin as columns of 0 and 1, and distance."""
    table = flights()
    named = (table.hour, table.month, table.carrier, table.origin)
    # the first of each is left out: beside an intercept it would say nothing new
    columns = [np.eye(codes.max() + 1)[codes][:, codes.min() + 1 :] for codes in named]
    return np.column_stack([*columns, table.distance / 1000])


@cache
def late_forecasts(*, n_train: int = 20_000, n_test: int = 20_000) -> Forecasts:
    """Forecast which flights come over an hour late, by logistic regression on other flights.

    Raises:
        TypeError, ValueError: if a number of flights is no whole number of at least 1, or both are more than there are.
    """
    n_train, n_test = count("n_train", n_train), count("n_test", n_test)
    x, late = known_before_departure(), (flights().arrival_delay > LATE).astype(np.int64)
    if n_train + n_test > len(x):
        raise ValueError(f"n_train must leave n_test of {len(x)} flights, got {n_train} beside {n_test}")
    rows = np.random.default_rng(0).permutation(len(x))
    train, test = rows[:n_train], rows[n_train : n_train + n_test]
    logits = with_intercept(x[test]) @ logistic_regression(with_intercept(x[train]), late[train])
    chances = softmax(np.column_stack([np.zeros(n_test), logits]))[:, 1]
    return Forecasts(probabilities=chances, late=late[test])


@cache
def tables_by_threshold() -> Int[np.ndarray, "thresholds 2 2"]:
    """Count the confusion matrix at each threshold of the view."""
    found = late_forecasts()
    return np.array([confusion_matrix(found.probabilities >= t, found.late == 1) for t in THRESHOLDS])


def money_lost(tables: Shaped[np.ndarray, "thresholds 2 2"], *, cost: float) -> Float[np.ndarray, "thresholds"]:
    """Add up what 1,000 flights cost, where a false alarm costs 1 and a late flight that was missed `cost`.

    Raises:
        TypeError, ValueError: if `tables` are not squares of two, or `cost` is not a number of at least 0.

    >>> money_lost(np.array([[[6, 2], [1, 1]]]), cost=3)
    array([500.])
    """
    cost, tables = real("cost", cost, at_least=0), real_array("tables", tables, ndim=3)
    if tables.shape[1:] != (2, 2) or tables.sum(axis=(1, 2)).min() <= 0:
        raise ValueError(f"tables must be squares of two, with an example each, got shape {tables.shape}")
    return 1000 * (tables[:, 0, 1] + cost * tables[:, 1, 0]) / tables.sum(axis=(1, 2))


def threshold_frame(threshold: int, cost: float) -> Frame:
    """Show what one threshold makes of the forecasts.

    Args:
        threshold: its place among `THRESHOLDS`.
    """
    tables = tables_by_threshold()
    table, lost = tables[threshold], money_lost(tables, cost=cost)
    (calm, alarms), (missed, hits) = table.tolist()
    late, called = missed + hits, alarms + hits
    recall, false_rate, accuracy = hits / late, alarms / (calm + alarms), (calm + hits) / table.sum()
    f1 = 2 * hits / (late + called)
    enough = tables[:, 1, 1] >= QUEST_RECALL * late
    best = enough[threshold] and lost[threshold] == lost[enough].min()
    rates = [(accuracy, 3), (recall, 1), (f1, 0)]
    words = f"recall ≈{recall:.2f}, precision "
    if called:
        rates.insert(1, (hits / called, 2))
        words += f"≈{hits / called:.2f}"
    else:
        words += "without a value, for nothing is called late"
    x, y = zip(*rates, strict=True)
    at = THRESHOLDS[threshold]
    return Frame(
        lines=[
            ([at, at], [0, 1e6]),
            (THRESHOLDS, lost),
            (at, lost[threshold]),
            (false_rate, recall),
            (recall, hits / called) if called else ([], []),
            (x, y),
        ],
        overlays=[
            Words(
                axes=1,
                x=[0.25, 0.75, 0.25, 0.75],
                y=[0.75, 0.75, 0.25, 0.25],
                texts=[f"{n:,}" for n in (calm, alarms, missed, hits)],
                align="center",
                size=15,
            )
        ],
        sentence=(
            f"Called late from ≈{at:.3f} on: {words}, accuracy ≈{accuracy:.3f}. "
            f"With a missed one at {_alarms(cost)}, 1,000 flights cost ≈{lost[threshold]:.0f}."
        ),
        quest_met=bool(best),
    )


def threshold_stage() -> Stage:
    """Draw what stands still: the forecasts of both classes, the places of the four counts, and both curves."""
    found = late_forecasts()
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.4, 5.6))
        chances, matrix, money, roc, pr, rates = figure.subplots(2, 3).ravel()
        bins = np.geomspace(0.005, 0.45, 40)
        tallest = 0
        for late, color, name in ((0, GREY, "on time"), (1, ORANGE, "over an hour late")):
            heights, *_ = chances.hist(
                found.probabilities[found.late == late], bins=bins, color=color, alpha=0.7, label=name
            )
            tallest = max(tallest, np.max(heights))
        chances.set(xscale="log", xlim=(0.005, 0.45), ylim=(0, 1.45 * tallest), title="The forecasts")
        chances.set(xlabel="chance of being late", ylabel="flights")
        chances.legend(loc="upper left", fontsize=8)
        matrix.set(xlim=(0, 1), ylim=(0, 1), xticks=[0.25, 0.75], yticks=[0.25, 0.75], title="What came of it")
        matrix.set(xticklabels=["not called late", "called late"], yticklabels=["late", "on time"])
        matrix.grid(visible=False)
        for line in (matrix.axhline, matrix.axvline):
            line(0.5, color=GREY, linewidth=1)
        money.set(xscale="log", xlim=(0.01, 0.4), ylim=(50, 3000), yscale="log", title="What 1,000 flights cost")
        money.set(xlabel="threshold", ylabel="false alarms' worth")
        for axes in (chances, money):
            axes.set_xticks((0.01, 0.03, 0.1, 0.3), labels=("0.01", "0.03", "0.1", "0.3"))
            axes.minorticks_off()
        x, y, _ = roc_curve(found.probabilities, found.late)
        roc.plot(x, y, color=BLUE)
        roc.plot([0, 1], [0, 1], color=GREY, linewidth=1)
        roc.set(xlabel="false alarms by flights on time", ylabel="recall", title="ROC", xlim=(0, 1), ylim=(0, 1))
        precision, recall, _ = precision_recall_curve(found.probabilities, found.late)
        pr.plot(recall, precision, color=GREEN)
        pr.axhline(found.late.mean(), color=GREY, linewidth=1)
        pr.set(xlabel="recall", ylabel="precision", title="Precision and recall", xlim=(0, 1), ylim=(0, 0.6))
        rates.set(xlim=(0, 1), ylim=(-0.5, 3.5), yticks=range(4), title="Four metrics, one threshold")
        rates.set_yticklabels(["F1", "recall", "precision", "accuracy"])
        lines = [
            *chances.plot([], [], color="black"),
            *money.plot([], [], color=PINK),
            *money.plot([], [], "o", color=PINK, markersize=9),
            *roc.plot([], [], "o", color=BLUE, markersize=9),
            *pr.plot([], [], "o", color=GREEN, markersize=9),
            *rates.plot([], [], "o", color="black", markersize=8),
        ]
    return Stage(figure=figure, lines=lines)


def threshold() -> LiveView:
    """Open one threshold over 20,000 forecasts of lateness: a slider, and what a missed flight costs."""
    return LiveView(
        title="One threshold moves everything",
        controls=[
            Slider(
                name="threshold",
                label="threshold",
                values=range(len(THRESHOLDS)),
                labels=[f"{t:.3f}" for t in THRESHOLDS],
                start=60,
            ),
            Choice(name="cost", label="a missed flight costs", values=COSTS, labels=[_alarms(c) for c in COSTS]),
        ],
        stages=[threshold_stage()],
        frame=threshold_frame,
        quest="catch 95% of the late flights at the least cost",
    )


def _alarms(n: float) -> str:
    return "1 false alarm" if n == 1 else f"{n:g} false alarms"
