"""A view of suggestions: pick a module, see which names it may call next, and which of its own names vote for each.

Taught in: 27
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from kit.arguments import count, one_of, shown
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import HeatMap, Words
from kit.explore.palette import GREEN, HOUSE
from kit.recsys.calls import Split, leave_out, library_calls
from kit.recsys.evaluation import top_items
from kit.recsys.neighbours import cosine_similarities, item_scores, nearest

MODULES = ("calendar.py", "csv.py", "http/client.py", "shutil.py", "socketserver.py", "unittest/case.py")
SIZES = (1, 2, 5, 10, 20, 40, 80, 160, 320, 640)
COMMON = ("count in full", "count less")
N_SUGGESTIONS, N_VOTERS, MISS = 10, 12, "#b9b9b9"
QUEST_MODULE, QUEST_RIGHT = "unittest/case.py", 8


@cache
def split_of(module: str) -> Split:
    """Learn from all files of the library but a module and its near-copies; half of the module's names are hidden.

    Raises:
        ValueError: if there is no such module.
    """
    calls = library_calls()
    if not isinstance(module, str) or module not in calls.files:
        raise ValueError(f"module must be a file of the library, such as {calls.files[0]}; got {shown(module)}")
    place = calls.files.index(module)
    train = np.flatnonzero(calls.groups != calls.groups[place])
    return leave_out(calls, train, np.array([place]))


@cache
def similarities_of(module: str, common: str) -> Float[np.ndarray, "names names"]:
    """Compare the names without the module: by their cosine, or by how many files call both.

    Raises:
        ValueError: if `common` is not one of "count in full" and "count less".
    """
    if one_of("common", common, COMMON) == COMMON[1]:
        return cosine_similarities(split_of(module).train, shrinkage=4.0)
    table = split_of(module).train
    both = table.T @ table
    np.fill_diagonal(both, 0)
    return both


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """Ten names for a module, best first, and the votes of its own names for each of them.

    Args:
        names: the ten.
        right: whether the module calls each of them later.
        scores: all votes for each of the ten.
        votes: those of the strongest voters: a row for each of the ten, a column for each voter.
    """

    names: tuple[str, ...]
    right: tuple[bool, ...]
    scores: Float[np.ndarray, "ten"]
    voters: tuple[str, ...]
    votes: Float[np.ndarray, "ten voters"]
    n_shown: int
    n_hidden: int


@cache
def suggestions(module: str, n_neighbours: int, common: str) -> Suggestions:
    """Suggest ten names to a module by the neighbours of those that it was seen to call.

    Raises:
        TypeError, ValueError: as `split_of` and `similarities_of`, or if `n_neighbours` < 1.
    """
    n_neighbours, split = count("n_neighbours", n_neighbours), split_of(module)
    weights = nearest(similarities_of(module, common), n_neighbours=n_neighbours)
    scores = item_scores(split.shown, weights)
    top = top_items(scores, shown=split.shown, k=N_SUGGESTIONS)[0]
    shown = np.flatnonzero(split.shown[0])
    votes = weights[np.ix_(top, shown)]
    strongest = np.argsort(-votes.sum(axis=0), kind="stable")[:N_VOTERS]
    return Suggestions(
        names=tuple(split.names[i] for i in top),
        right=tuple(bool(split.hidden[0, i]) for i in top),
        scores=scores[0, top],
        voters=tuple(split.names[i] for i in shown[strongest]),
        votes=votes[:, strongest],
        n_shown=len(shown),
        n_hidden=int(split.hidden.sum()),
    )


def suggestions_frame(module: str, n_neighbours: int, common: str) -> Frame:
    """Show the ten suggestions, which of them are right, and who votes for them."""
    found = suggestions(module, n_neighbours, common)
    rows, n_right = rows_of(found.scores), sum(found.right)
    lengths = found.scores / max(float(found.scores.max()), 1e-12)
    bars = [([0, length], [row, row]) for length, row in zip(lengths, rows, strict=True)]
    nothing = ([], [])
    first, who = found.names[0], int(found.votes[0].argmax())
    share = float(found.votes[0, who]) / max(float(found.scores[0]), 1e-12)
    across = np.arange(len(found.voters)) + 0.5
    above = np.full(len(found.voters), -0.15)
    return Frame(
        lines=[
            *(bar if right else nothing for bar, right in zip(bars, found.right, strict=True)),
            *(nothing if right else bar for bar, right in zip(bars, found.right, strict=True)),
        ],
        overlays=[
            Words(axes=0, x=[-0.03] * len(rows), y=rows.tolist(), texts=found.names, align="right"),
            HeatMap(axes=1, values=found.votes, rows=found.names, columns=found.voters),
            Words(axes=1, x=across.tolist(), y=above.tolist(), texts=found.voters, upright=True),
        ],
        sentence=(
            f"{module} shows {found.n_shown} names and hides {found.n_hidden}. With {n_neighbours} "
            f"neighbour{'s'[: n_neighbours > 1]} and common names that {common}, {n_right} of {len(rows)} suggestions "
            f"are right. The first is {first}, with {share:.0%} of its votes from {found.voters[who]}."
        ),
        quest_met=module == QUEST_MODULE and common == COMMON[1] and n_right >= QUEST_RIGHT,
    )


def rows_of(scores: Float[np.ndarray, "ten"]) -> Float[np.ndarray, "ten"]:
    """Give the height of each suggestion's row, the first on top; the axes of both pictures run downwards."""
    return np.arange(len(scores)) + 0.5


def suggestions_stage() -> Stage:
    """Draw what stands still: the places of ten bars, and the axes of the votes."""
    fixed = {"figure.constrained_layout.use": False}
    with matplotlib.style.context([HOUSE, fixed]):
        figure = Figure(figsize=(9.2, 4.2))
        bars = figure.add_axes((0.17, 0.13, 0.27, 0.6))
        votes = figure.add_axes((0.5, 0.13, 0.48, 0.6))
        bars.set(xlim=(0, 1), ylim=(N_SUGGESTIONS, 0), xticks=(0, 0.5, 1), yticks=[], xlabel="score, by the highest")
        bars.set_title("Ten suggestions")
        for height, text, color in ((1.12, "called later", GREEN), (1.04, "not called", "#777777")):
            bars.text(1, height, text, color=color, transform=bars.transAxes, ha="right", fontsize=9)
        votes.set(xlim=(0, N_VOTERS), ylim=(N_SUGGESTIONS, 0), xticks=[], yticks=[])
        votes.set_xlabel("who votes for them: names that the module was seen to call")
        for axes in (bars, votes):
            axes.grid(visible=False)
        lines = [
            bars.plot([], [], "-", color=color, linewidth=9, solid_capstyle="butt")[0]
            for color in (GREEN, MISS)
            for _ in range(N_SUGGESTIONS)
        ]
    return Stage(figure=figure, lines=lines)


def suggestions_view() -> LiveView:
    """Open the suggestions: a module, how many neighbours each name listens to, and what common names count."""
    return LiveView(
        title="What will this file call next?",
        controls=[
            Choice(name="module", label="module", values=MODULES, labels=MODULES),
            Slider(
                name="n_neighbours", label="neighbours, K", values=SIZES, labels=[str(size) for size in SIZES], start=4
            ),
            Choice(name="common", label="common names", values=COMMON, labels=COMMON),
        ],
        stages=[suggestions_stage()],
        frame=suggestions_frame,
        quest=f"{QUEST_RIGHT} of 10 right for {QUEST_MODULE}, with common names that {COMMON[1]}",
    )
