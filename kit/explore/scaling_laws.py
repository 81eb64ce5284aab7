"""A view of isoFLOP profiles: a budget, a size, and the parabola through five sizes around it.

Taught in: 23
"""

import math
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from kit.arguments import real
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK
from kit.learn.scaling_laws import OPERATIONS, PUBLISHED, fit_parabola

LAWS = tuple(PUBLISHED)
BUDGETS = tuple(18 + k / 2 for k in range(17))  # powers of ten, in operations
SIZES = tuple(7 + k / 8 for k in range(49))  # powers of ten, in parameters
SPREADS = (2, 4, 8, 16, 32)
N_POINTS, AROUND = 5, 2  # sizes of a profile; powers of ten between the budgets that are drawn beside
QUEST_LAW, QUEST_BUDGET, QUEST_EXCESS = "Epoch's refit", 24.0, 0.001
ACROSS, UP = (7.0, 13.0), (1.6, 3.4)


def short(number: float) -> str:
    """Write a large number with two digits and a letter.

    Raises:
        TypeError, ValueError: if `number` is not a finite number above 0.

    >>> short(7.24e10), short(2.0e6)
    ('72B', '2.0M')
    """
    number = real("number", number, above=0)
    thousands = max(0, min(5, int(math.log10(number) / 3 + 1e-9)))
    scaled = number / 1000**thousands
    return f"{scaled:.{0 if scaled >= 9.95 else 1}f}{('', 'k', 'M', 'B', 'T', 'Q')[thousands]}"


@cache
def sizes_drawn() -> Float[np.ndarray, "points"]:
    """Give the sizes at which a profile is drawn."""
    return 10 ** np.linspace(*ACROSS, 121)


def profile_frame(budget: float, size: float, spread: int, law: str) -> Frame:
    """Show the profile of a budget with its best size, the chosen size, and the parabola around that."""
    published, flops, n = PUBLISHED[law], 10.0**budget, 10.0**size
    best, loss = published.optimum(flops), float(published.isoflop(flops, n))
    grid = n * np.geomspace(1 / spread, spread, N_POINTS)
    losses = published.isoflop(flops, grid)
    parabola = fit_parabola(grid, np.asarray(losses))
    between = np.geomspace(grid[0], grid[-1], 41)
    drawn = sizes_drawn()
    n_tokens = flops / (OPERATIONS * n)
    return Frame(
        lines=[
            *((np.log10(drawn), published.isoflop(flops * 10.0**step, drawn)) for step in (-AROUND, AROUND, 0)),
            (np.log10(between), parabola.at(between)),
            (np.log10(grid), losses),
            (math.log10(parabola.n_params), parabola.loss),
            (math.log10(best.n_params), best.loss),
            (budget, math.log10(n_tokens / n)),
            (budget, math.log10(best.tokens_per_param)),
        ],
        sentence=(
            f"{law}, 10^{budget:g} operations: best are {short(best.n_params)} parameters on {short(best.n_tokens)} "
            f"tokens, {short(best.tokens_per_param)} a parameter, with a loss of {best.loss:.3f}. Yours: {short(n)} "
            f"parameters on {short(n_tokens)} tokens, {loss - best.loss:.3f} above. The parabola through {N_POINTS} "
            f"sizes from {short(grid[0])} to {short(grid[-1])} takes {short(parabola.n_params)} for the best."
        ),
        quest_met=law == QUEST_LAW and budget == QUEST_BUDGET and loss - best.loss < QUEST_EXCESS,
    )


def profile_stage() -> Stage:
    """Draw what stands still: the axes, and the tokens a parameter of the three laws by budget."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 3.9))
        left, right = figure.subplots(1, 2, width_ratios=[1.45, 1])
        left.set(xlim=ACROSS, ylim=UP, xlabel="parameters", ylabel="loss (nats a token)")
        left.set(xticks=range(7, 14))
        left.set_title("All models on one curve cost the same", pad=36)
        left.set_xticklabels([f"$10^{{{power}}}$" for power in range(7, 14)])
        legend = (
            (0, 1.09, BLUE, "this budget"),
            (0.24, 1.09, GREY, f"{10**AROUND} times less, {10**AROUND} times more"),
            (0.75, 1.09, GREEN, "the best size"),
            (0, 1.02, ORANGE, "five sizes around yours, and their parabola"),
            (0.75, 1.02, PINK, "its lowest point"),
        )
        for x, y, color, words in legend:
            left.text(x, y, words, color=color, transform=left.transAxes, size=9)
        budgets = np.array(BUDGETS)
        for name, style in zip(LAWS, (":", "--", "-"), strict=True):
            rates = [math.log10(PUBLISHED[name].optimum(10.0**budget).tokens_per_param) for budget in budgets]
            right.plot(budgets, rates, style, color=GREY, linewidth=1.4)
            right.text(25.8, {":": 2.3, "--": 1.5, "-": 1.02}[style], name, size=8, color="#444444", ha="right")
        right.set(xlim=(18, 26), ylim=(0.3, 3), xlabel="operations", ylabel="tokens a parameter")
        right.set(xticks=(18, 20, 22, 24, 26), yticks=(1, 2, 3))
        right.set_title("Green: the best. Orange: yours", pad=36)
        right.set_xticklabels([f"$10^{{{power}}}$" for power in (18, 20, 22, 24, 26)])
        right.set_yticklabels(["10", "100", "1,000"])
        lines = [
            *left.plot([], [], color=GREY, linewidth=1.2),
            *left.plot([], [], color=GREY, linewidth=1.2),
            *left.plot([], [], color=BLUE, linewidth=2.4),
            *left.plot([], [], color=ORANGE, linewidth=1.6),
            *left.plot([], [], "o", color=ORANGE, markersize=6),
            *left.plot([], [], "o", color=PINK, markersize=13),
            *left.plot([], [], "o", color=GREEN, markersize=9),
            *right.plot([], [], "o", color=ORANGE, markersize=7),
            *right.plot([], [], "o", color=GREEN, markersize=9),
        ]
    return Stage(figure=figure, lines=lines)


def profile_view() -> LiveView:
    """Open the profiles: a budget, a size and how far the five sizes reach, under a published law."""
    return LiveView(
        title="The best model for a budget",
        controls=[
            Slider(name="budget", label="operations", values=BUDGETS, labels=[f"10^{b:g}" for b in BUDGETS], start=6),
            Slider(name="size", label="parameters", values=SIZES, labels=[short(10**s) for s in SIZES], start=16),
            Slider(
                name="spread", label="five sizes, each way", values=SPREADS, labels=[f"×{s}" for s in SPREADS], start=2
            ),
            Choice(name="law", label="law", values=LAWS, labels=LAWS, start=2),
        ],
        stages=[profile_stage()],
        frame=profile_frame,
        quest=f"spend 10^{QUEST_BUDGET:g} operations by {QUEST_LAW}, with a loss within {QUEST_EXCESS:g} of the best",
    )
