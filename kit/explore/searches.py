"""A view of a search: one setting of a model, what is known of it after each trial, and what is tried next.

Taught in: 09
"""

from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from sklearn.kernel_ridge import KernelRidge

from kit.arguments import count, one_of
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Words
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK
from kit.learn.scaling import standard_scaling
from kit.learn.selection import Space, Surrogate, Trials, bayesian, grid, minimize, random, surrogate
from kit.learn.tables import diamonds

WAYS = ("grid", "random", "Bayesian")
N_SETTINGS, N_TRIALS, SEEDS, FIRST = 61, 16, 8, 3
WIDTHS = tuple(np.geomspace(0.1, 100, N_SETTINGS).tolist())
SPACE = Space({"width": WIDTHS})
NEAR, QUEST_TRIALS = 1.01, 7


@cache
def width_losses() -> Float[np.ndarray, "settings"]:
    """Measure, at each of 61 widths of its kernel, how far kernel ridge errs in the logarithm of a diamond's price.

    It learns from 150 diamonds, and is judged by 400 others.
    """
    table = diamonds()
    rows = np.random.default_rng(1).permutation(len(table))[:550]
    x = np.column_stack([table.carat, table.depth, table.table, table.x, table.cut, table.color, table.clarity])[rows]
    y = np.log(table.price[rows])
    y = y - y[:150].mean()
    x = standard_scaling(x[:150]).transform(x)
    losses = []
    for width in WIDTHS:
        model = KernelRidge(kernel="rbf", gamma=1 / (2 * width**2)).set_params(alpha=0.01).fit(x[:150], y[:150])
        losses.append(float(np.sqrt(((model.predict(x[150:]) - y[150:]) ** 2).mean())))
    return np.array(losses)


@cache
def search(way: str, seed: int) -> Trials:
    """Search the widths in one way, 16 trials long.

    Raises:
        TypeError, ValueError: if there is no such way, or `seed` < 0.
    """
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    losses = dict(zip(WIDTHS, width_losses(), strict=True))
    strategy = {
        "grid": grid(N_TRIALS, rng=rng),
        "random": random(rng=rng),
        "Bayesian": bayesian(rng=rng, n_random=FIRST),
    }[one_of("way", way, WAYS)]
    return minimize(lambda width: float(losses[width]), SPACE, strategy=strategy, n_trials=N_TRIALS)


@cache
def known(way: str, seed: int, n: int) -> Surrogate:
    """Fit the surrogate to the first n trials of a search.

    Raises:
        TypeError, ValueError: if there is no such way, `seed` < 0, or `n` is not from 2 to 16.
    """
    found = search(way, seed)
    if count("n", n, at_least=2) > N_TRIALS:
        raise ValueError(f"n must be <= {N_TRIALS}, got {n}")
    return surrogate(SPACE, found.places[:n], found.losses[:n])


def search_frame(*, way: str, seed: int, n: int) -> Frame:
    """Show the trials so far, what the surrogate makes of them, and where most improvement is expected."""
    found, guess = search(way, seed), known(way, seed, n)
    widths, losses = np.array(WIDTHS), found.losses[:n]
    best, lowest = float(losses.min()), float(width_losses().min())
    peak = int(guess.improvement.argmax())
    gain = guess.improvement / max(float(guess.improvement.max()), 1e-12)
    at = widths[found.places[:n]]
    return Frame(
        lines=[
            (widths, guess.mean - 2 * guess.deviation),
            (widths, guess.mean + 2 * guess.deviation),
            (widths, guess.mean),
            (at, losses),
            (at[losses.argmin()], best),
            (widths, gain),
            (widths[peak], 1.0),
        ],
        overlays=[
            Words(axes=0, x=at.tolist(), y=(losses + 0.05).tolist(), texts=[str(i + 1) for i in range(n)],
                  align="center", size=7, color=GREY),
        ],
        sentence=(
            f"{way}, start {seed + 1}, {n} trials: the best loss so far is ≈{best:.3f}, ≈{best / lowest - 1:.0%} above "
            f"the lowest of all {N_SETTINGS}; most is expected of a width near ≈{widths[peak]:.3g}."
        ),
        quest_met=bool(n <= QUEST_TRIALS and best <= NEAR * lowest),
    )  # fmt: skip


def search_stage() -> Stage:
    """Draw what stands still: the loss of every setting, which no search sees, and both axes."""
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9, 4.4))
        figure.subplots_adjust(left=0.08, right=0.985, bottom=0.12, top=0.92, hspace=0.14)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        top.plot(WIDTHS, width_losses(), color="#a6a6a6", linewidth=1, linestyle="--")
        top.set(xscale="log", xlim=(WIDTHS[0], WIDTHS[-1]), ylim=(0, 1.3), ylabel="validation loss")
        top.set_title("What the trials let one expect: the mean, and two deviations on either side")
        top.text(0.985, 0.93, "dashed: the truth, which no search sees", color=GREY, transform=top.transAxes,
                 ha="right", va="top")  # fmt: skip
        bottom.set(ylim=(0, 1.15), yticks=[], ylabel="expected\ngain", xlabel="width of the kernel")
        lines = [
            *top.plot([], [], "-", color=BLUE, linewidth=1, alpha=0.5),
            *top.plot([], [], "-", color=BLUE, linewidth=1, alpha=0.5),
            *top.plot([], [], "-", color=BLUE, linewidth=2),
            *top.plot([], [], "o", color=ORANGE, markersize=6),
            *top.plot([], [], "o", color=GREEN, markersize=9),
            *bottom.plot([], [], "-", color=PINK, linewidth=2),
            *bottom.plot([], [], "o", color=PINK, markersize=6),
        ]
    return Stage(figure=figure, lines=lines)


def search_view() -> LiveView:
    """Open a search: its way, where it starts, and how many trials it has made."""
    counts = range(2, N_TRIALS + 1)
    return LiveView(
        title="A search, trial by trial",
        controls=[
            Choice(name="way", label="search", values=WAYS, labels=WAYS, start=2),
            Slider(name="seed", label="start", values=range(SEEDS), labels=[str(s + 1) for s in range(SEEDS)]),
            Slider(name="n", label="trials", values=counts, labels=[str(n) for n in counts], start=1, play=True),
        ],
        stages=[search_stage()],
        frame=search_frame,
        quest=f"a loss within 1% of the lowest, in at most {QUEST_TRIALS} trials",
    )
