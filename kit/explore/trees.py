"""Two views of notebook 10: the borders that trees draw, and the board of a contest: scores, seconds, who is level.

Taught in: 10
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.figure import Figure

from kit.arguments import count, one_of, real_array, several, shown
from kit.explore.first_network import PLANE, REACH, Examples, examples, plane_grid, shaded
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Picture
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK, SKY
from kit.learn.ensembles import bagging, boost, log_loss_derivatives
from kit.learn.intervals import mean_interval
from kit.learn.linear import logistic_regression, with_intercept
from kit.learn.trees import Tree, decision_tree, one_hot

INK = "#222222"

# The borders -----------------------------------------------------------------------------------------

MODELS = ("line", "tree", "forest", "boosting")
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # questions in a row of the tree, or trees
NOISES = (0.0, 0.2, 0.4)
BOOSTED_DEPTH, LR = 2, 0.5
QUEST_NOISE, QUEST_ACCURACY, QUEST_SIZE = 0.2, 0.9, 12


@dataclass(frozen=True, kw_only=True)
class Borders:
    """What a family of models answers at each of its sizes.

    Args:
        chances: of class 1, a row for each size, over the cells of the map.
        right: the share of training points read right, and of unseen ones, a row for each size.
    """

    chances: Float[np.ndarray, "sizes cells"]
    right: Float[np.ndarray, "sizes 2"]


@cache
def borders(model: str, data: str, noise: float) -> Borders:
    """Fit a family of models to 200 points of the plane, at every size.

    Raises:
        TypeError, ValueError: if the model is none of "line", "tree", "forest" and "boosting", or as `examples` does.
    """
    one_of("model", model, MODELS)
    drawn = examples(one_of("data", data, tuple(PLANE)), noise)
    places = np.concatenate([plane_grid(), drawn.x_train, drawn.x_test])
    chances = _at_sizes(model, drawn, places)
    n_cells, n_train = len(plane_grid()), len(drawn.y_train)
    read = chances[:, n_cells:] > 0.5
    right = [(read[:, :n_train] == drawn.y_train).mean(axis=1), (read[:, n_train:] == drawn.y_test).mean(axis=1)]
    return Borders(chances=chances[:, :n_cells], right=np.column_stack(right))


def _at_sizes(model: str, drawn: Examples, places: np.ndarray) -> np.ndarray:
    x, y = drawn.x_train, drawn.y_train
    targets = one_hot(y, n_classes=2)
    if model == "line":
        logits = with_intercept(places) @ logistic_regression(with_intercept(x), y)
        return np.tile((1 + np.tanh(logits / 2)) / 2, (len(SIZES), 1))
    if model == "tree":
        return np.array([decision_tree(x, targets, max_depth=size).predict(places)[:, 1] for size in SIZES])
    if model == "forest":
        trees: list[Tree] = []

        def kept(rows: np.ndarray, drawn_targets: np.ndarray):
            trees.append(decision_tree(rows, drawn_targets, n_candidates=1, rng=rng))
            return trees[-1].predict

        rng = np.random.default_rng(0)
        bagging(kept, x, targets, n_models=SIZES[-1], rng=rng)
        sums = np.cumsum([tree.predict(places)[:, 1] for tree in trees], axis=0)
        return np.array([sums[size - 1] / size for size in SIZES])
    model_of_all = boost(
        x, y.astype(float), n_steps=SIZES[-1], lr=LR, derivatives=log_loss_derivatives, max_depth=BOOSTED_DEPTH
    )
    return np.array([(1 + np.tanh(model_of_all.margins(places, n_trees=size) / 2)) / 2 for size in SIZES])


def border_frame(model: str, data: str, noise: float, size: int) -> Frame:
    """Show the border of one model, its points, and how many it reads right at this size and all others.

    Raises:
        TypeError, ValueError: as `borders` does, or if `size` is not among those drawn.
    """
    if count("size", size) not in SIZES:
        raise ValueError(f"size must be one of {', '.join(map(str, SIZES))}; got {size}")
    found, drawn, at = borders(model, data, noise), examples(data, noise), SIZES.index(size)
    chance = found.chances[at]
    cells = round(len(chance) ** 0.5)
    trained, tested = found.right[at]
    what = {
        "line": "A line",
        "tree": f"A tree of at most {size} question{'s'[: size > 1]} in a row",
        "forest": f"A forest of {size} tree{'s'[: size > 1]}",
        "boosting": f"{size} tree{'s'[: size > 1]} of two questions in a row, boosted",
    }[model]
    dots = [tuple(drawn.x_train[drawn.y_train == c].T) for c in range(2)]
    met = model == "tree" and data == "spiral" and noise >= QUEST_NOISE and size <= QUEST_SIZE
    return Frame(
        lines=[
            *dots,
            (SIZES, found.right[:, 0]),
            (SIZES, found.right[:, 1]),
            ([size, size], [trained, tested]),
        ],
        overlays=[Picture(axes=0, colors=shaded(np.column_stack([1 - chance, chance])).reshape(cells, cells, 3))],
        sentence=(
            f"{what} on the {data}, noise {noise:g}: ≈{trained:.0%} of the training points read right, ≈{tested:.0%} "
            f"of unseen ones."
        ),
        quest_met=met and bool(tested >= QUEST_ACCURACY),
    )


def border_stage() -> Stage:
    """Draw what stands still: the plane, and the axes of the shares."""
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9.2, 3.6))
        plane, curve = figure.add_axes((0.05, 0.12, 0.36, 0.79)), figure.add_axes((0.5, 0.16, 0.47, 0.75))
        plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(-3, 0, 3), yticks=(-3, 0, 3))
        plane.set_title("What it answers")
        plane.grid(visible=False)
        curve.set(xlim=(0.9, 70), ylim=(0.45, 1.02), xscale="log", title="How many it reads right")
        curve.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
        curve.set_xticks([], minor=True)
        curve.set_xlabel("questions in a row (tree), or trees")
        curve.set_yticks([0.5, 0.6, 0.7, 0.8, 0.9, 1], ["50%", "60%", "70%", "80%", "90%", "100%"])
        curve.text(0.98, 0.13, "training points", color=INK, transform=curve.transAxes, ha="right")
        curve.text(0.98, 0.05, "unseen points", color=PINK, transform=curve.transAxes, ha="right")
        lines = [
            *(plane.plot([], [], "o", color=color, markersize=3.5)[0] for color in (BLUE, ORANGE)),
            *curve.plot([], [], "-", color=INK),
            *curve.plot([], [], "-", color=PINK),
            *curve.plot([], [], "o", color=ORANGE, markersize=7),
        ]
    return Stage(figure=figure, lines=lines)


def border_view() -> LiveView:
    """Open the view of borders: data, noise, model and size can be moved."""
    return LiveView(
        title="The borders that trees draw",
        controls=[
            Choice(name="data", label="data", values=tuple(PLANE), labels=tuple(PLANE)),
            Slider(name="noise", label="noise", values=NOISES, labels=[f"{n:g}" for n in NOISES], start=1),
            Choice(name="model", label="model", values=MODELS, labels=MODELS, start=1),
            Slider(name="size", label="questions or trees", values=SIZES, labels=[str(s) for s in SIZES], start=1),
        ],
        stages=[border_stage()],
        frame=border_frame,
        quest=(
            f"the spiral, noise {QUEST_NOISE:g} or more: one tree of at most {QUEST_SIZE} questions in a row that "
            f"reads {QUEST_ACCURACY:.0%} of the unseen points right"
        ),
    )


# The board -------------------------------------------------------------------------------------------

COLORS = (BLUE, SKY, GREEN, ORANGE, PINK)  # of the models; what puts them together is grey


@dataclass(frozen=True, kw_only=True)
class Board:
    """What a contest measured.

    Args:
        scores: for each table, number of rows, contender and split.
        seconds: what each took to tune and fit, likewise; whoever puts models together pays for them all.
    """

    tables: Sequence[str]
    rows: Sequence[int]
    contenders: Sequence[str]
    scores: Float[np.ndarray, "tables rows contenders splits"]
    seconds: Float[np.ndarray, "tables rows contenders splits"]

    def __post_init__(self) -> None:
        for name in ("tables", "rows", "contenders"):
            several(name, getattr(self, name))
        shape = (len(self.tables), len(self.rows), len(self.contenders))
        for name in ("scores", "seconds"):
            array = real_array(name, getattr(self, name), ndim=4)
            if array.shape[:3] != shape or array.shape[3] < 2:
                raise ValueError(f"{name} must have the axes {shape} and two splits or more, got {array.shape}")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The contenders on one table, at one number of rows.

    Args:
        score: mean, lower and upper end of its 95% interval, a row for each contender.
        gap: the same of what each is behind the best, split by split.
        level: who cannot be told from the best: the gap's interval reaches 0.
        seconds: the mean.
    """

    score: Float[np.ndarray, "contenders 3"]
    gap: Float[np.ndarray, "contenders 3"]
    level: Shaped[np.ndarray, "contenders"]
    seconds: Float[np.ndarray, "contenders"]

    @property
    def best(self) -> int:
        """Give the place of the highest mean score."""
        return int(self.score[:, 0].argmax())

    @property
    def cheapest(self) -> int:
        """Give the place of the cheapest contender that is level with the best."""
        return int(np.where(self.level, self.seconds, np.inf).argmin())


def standing(board: Board, table: str, rows: int) -> Standing:
    """Compare the contenders on one table, at one number of rows.

    Raises:
        ValueError: if the board has no such table or number of rows.
    """
    one_of("table", table, tuple(board.tables))
    if rows not in board.rows:
        raise ValueError(f"rows must be one of {', '.join(map(str, board.rows))}; got {shown(rows)}")
    at = list(board.tables).index(table), list(board.rows).index(rows)
    scores, seconds = board.scores[at], board.seconds[at].mean(axis=1)
    gaps = scores[scores.mean(axis=1).argmax()] - scores
    bounds = [np.column_stack([each.mean(axis=1), *mean_interval(each.T)]) for each in (scores, gaps)]
    return Standing(score=bounds[0], gap=bounds[1], level=bounds[1][:, 1] <= 0, seconds=seconds)


def board_frame(board: Board, table: str, rows: int, contender: str) -> Frame:
    """Show the standing, with one contender marked.

    Raises:
        ValueError: as `standing` does, or if there is no such contender.
    """
    found = standing(board, table, rows)
    one_of("contender", contender, tuple(board.contenders))
    picked, names = list(board.contenders).index(contender), board.contenders
    heights = -np.arange(len(names))
    seconds = found.seconds
    mean, low, high = found.score[picked]
    if picked == found.best:
        place = "the best"
    else:
        gap, gap_low, gap_high = found.gap[picked]
        told = "level with" if found.level[picked] else "told from"
        place = f"≈{gap:.3f} behind {names[found.best]} (≈{gap_low:.3f} to ≈{gap_high:.3f}): {told} the best"
    dearer = seconds[picked] / seconds.min()
    cost = f"takes ≈{dearer:.2g} times the seconds of the cheapest" if dearer > 1 else "is the cheapest of all"
    return Frame(
        lines=[
            *(([s, s], ends[1:]) for s, ends in zip(seconds, found.score, strict=True)),
            *(([s], [ends[0]]) for s, ends in zip(seconds, found.score, strict=True)),
            ([seconds[picked]], [mean]),
            *((ends[1:], [h, h]) for ends, h in zip(found.gap, heights, strict=True)),
            *(([ends[0]], [h]) for ends, h in zip(found.gap, heights, strict=True)),
            ([found.gap[picked, 0]], [heights[picked]]),
        ],
        sentence=(
            f"{table.capitalize()}, {rows:,} rows: {contender} scores ≈{mean:.3f} (≈{low:.3f} to ≈{high:.3f}), "
            f"{place}; it {cost}."
        ),
        quest_met=rows == max(board.rows) and picked == found.cheapest and len(set(found.level.tolist())) > 1,
        stage=list(board.tables).index(table),
    )


def board_stage(board: Board, table: str) -> Stage:
    """Draw what stands still of one table: the axes, wide enough for all its rows.

    Raises:
        ValueError: if the board has no such table.
    """
    found = [standing(board, table, rows) for rows in board.rows]
    scores, gaps = (np.concatenate([getattr(s, what) for s in found]) for what in ("score", "gap"))
    seconds = np.concatenate([s.seconds for s in found])
    names, n_models = board.contenders, len(board.contenders)
    colors = [COLORS[i] if i < len(COLORS) else GREY for i in range(n_models)]
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9.2, 3.6))
        left, right = figure.add_axes((0.08, 0.15, 0.38, 0.76)), figure.add_axes((0.62, 0.15, 0.35, 0.76))
        margin = 0.05 * np.ptp(scores)
        left.set(xscale="log", xlim=(seconds.min() / 1.5, seconds.max() * 1.5))
        left.set(ylim=(scores.min() - margin, scores.max() + margin))
        left.set(xlabel="seconds to tune and fit", ylabel="score", title=f"{table}: score against seconds")
        right.set_xscale("symlog", linthresh=0.01)  # a gap of 0.01 counts, and that of a tree may be 0.5
        right.set(xlim=(min(0, gaps.min()) * 1.3 - 0.002, gaps.max() * 1.3))
        ticks = [tick for tick in (-0.1, -0.01, 0, 0.01, 0.1) if gaps.min() * 1.3 <= tick <= gaps.max() * 1.3]
        right.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        right.set_xticks([], minor=True)
        right.set(ylim=(0.6 - n_models, 0.5), title="how far behind the best", xlabel="score of the best, less its own")
        right.set_yticks(-np.arange(n_models), names)
        for label, color in zip(right.get_yticklabels(), colors, strict=True):
            label.set_color(color)
        right.axvline(0, color=GREY, linestyle="--", linewidth=1)
        lines = []
        for axes in (left, right):
            lines += [axes.plot([], [], "-", color=color, linewidth=2)[0] for color in colors]
            lines += [axes.plot([], [], "o", color=color, markersize=4)[0] for color in colors]
            lines += axes.plot([], [], "o", color=INK, markersize=7)
    return Stage(figure=figure, lines=lines)


def board_view(board: Board) -> LiveView:
    """Open the board: table, rows and contender can be chosen."""
    names = tuple(board.contenders)
    return LiveView(
        title="The board of the contest",
        controls=[
            Choice(name="table", label="table", values=tuple(board.tables), labels=tuple(board.tables)),
            Slider(name="rows", label="training rows", values=board.rows, labels=[f"{n:,}" for n in board.rows]),
            Choice(name="contender", label="contender", values=names, labels=names, start=1),
        ],
        stages=[board_stage(board, table) for table in board.tables],
        frame=lambda table, rows, contender: board_frame(board, table, rows, contender),
        quest=f"at {max(board.rows):,} rows, on any table: the cheapest contender that cannot be told from the best",
    )
