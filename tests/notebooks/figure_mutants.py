"""Change figures as code that was not executed again would, and count which changes the comparison notices.

    python -m tests.notebooks.figure_mutants

Each kind of artist that the notebooks draw stands in one figure; each change is made to a fresh copy.
What a processor may move is tried as well: it must be forgiven.
"""

import base64
import io
from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.notebooks import figures
from tests.notebooks.pictures import TOLERANCES, different

X = np.linspace(1, 10, 200)


def lines() -> Figure:
    figure = Figure(figsize=(5, 3))
    axes = figure.subplots()
    axes.plot(X, X**2, label="descent")
    axes.plot(X, 3 * X, "--", label="momentum")
    axes.axhline(20, color="k")
    axes.fill_between(X, X, 2 * X, alpha=0.3)
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="Who is first", ylim=(1, 200), xlim=(0, 11))
    axes.text(4, 50, "the goal")
    axes.legend()
    return figure


def dots() -> Figure:
    figure = Figure(figsize=(5, 3))
    left, right = figure.subplots(1, 2)
    left.scatter(X, np.sin(X), c=X, s=12)
    left.annotate("top", xy=(1.5, 1), xytext=(3, 0.5), arrowprops={"arrowstyle": "->"})
    left.set(xlabel="angle", xlim=(0, 11), ylim=(-1.5, 1.5))
    right.bar(["one", "two", "three"], [1.0, 2.0, 3.0])
    right.errorbar([0, 1, 2], [1, 2, 3], yerr=[0.1, 0.2, 0.3], fmt="none", color="k")
    right.set(ylabel="share", ylim=(0, 4))
    figure.suptitle("Dots and bars")
    return figure


def maps() -> Figure:
    figure = Figure(figsize=(5, 3))
    left, middle, right = figure.subplots(1, 3)
    x, y = np.meshgrid(X, X)
    left.imshow(np.sin(x + y), vmin=-1, vmax=1)
    middle.contour(x, y, x * y, levels=[5, 20, 50])
    right.pcolormesh(X, X, np.cos(x - y)[:-1, :-1], vmin=-1, vmax=1)
    left.set_title("heat")
    return figure


FIGURES = (lines, dots, maps)


def first(figure: Figure, kind: str, axes: int = 0, which: int = 0):
    return [child for child in figure.axes[axes].get_children() if type(child).__name__ == kind][which]


def move_line(share: float) -> Callable[[Figure], None]:
    """Move a curve of `lines` up by a share of its axis, which spans a factor of 200."""
    return lambda figure: first(figure, "Line2D").set_ydata(X**2 * 200**share)


def move_dots(share: float) -> Callable[[Figure], None]:
    def move(figure: Figure) -> None:
        dots = first(figure, "PathCollection")
        dots.set_offsets(dots.get_offsets() + np.array([0, 3 * share]))

    return move


def shade(share: float) -> Callable[[Figure], None]:
    def change(figure: Figure) -> None:
        image = first(figure, "AxesImage")
        image.set_data(image.get_array() + 2 * share)

    return change


CHANGES: dict[str, tuple[Callable[[], Figure], Callable[[Figure], object]]] = {
    "a label": (lines, lambda f: f.axes[0].set_xlabel("epoch")),
    "a title": (lines, lambda f: f.axes[0].set_title("Who is last")),
    "the figure's title": (dots, lambda f: f.suptitle("Bars and dots")),
    "a scale": (lines, lambda f: f.axes[0].set_yscale("linear")),
    "limits": (lines, lambda f: f.axes[0].set_ylim(1, 400)),
    "a legend's entry": (lines, lambda f: f.axes[0].get_legend().get_texts()[0].set_text("Adam")),
    "no legend": (lines, lambda f: f.axes[0].get_legend().remove()),
    "a text": (lines, lambda f: f.axes[0].texts[0].set_text("the end")),
    "a text's place": (lines, lambda f: f.axes[0].texts[0].set_position((8, 50))),
    "a lost curve": (lines, lambda f: f.axes[0].lines[1].remove()),
    "a hidden curve": (lines, lambda f: f.axes[0].lines[1].set_visible(False)),
    "a curve more": (lines, lambda f: f.axes[0].plot(X, X)),
    "a curve's colour": (lines, lambda f: f.axes[0].lines[0].set_color("r")),
    "a curve's dashes": (lines, lambda f: f.axes[0].lines[0].set_linestyle(":")),
    "a curve's width": (lines, lambda f: f.axes[0].lines[0].set_linewidth(4)),
    "a curve cut short": (lines, lambda f: f.axes[0].lines[0].set_data(X[:100], X[:100] ** 2)),
    "a curve turned": (lines, lambda f: f.axes[0].lines[0].set_ydata(X[::-1] ** 2)),
    "a lost band": (lines, lambda f: f.axes[0].collections[0].remove()),
    "a band's depth": (lines, lambda f: f.axes[0].collections[0].set_alpha(0.9)),
    "a moved line across": (lines, lambda f: f.axes[0].lines[2].set_ydata([40, 40])),
    "the figure's size": (lines, lambda f: f.set_size_inches(5, 4)),
    "a lost dot": (dots, lambda f: first(f, "PathCollection").set_offsets(np.c_[X, np.sin(X)][::2])),
    "dots of another colour": (dots, lambda f: first(f, "PathCollection").set_array(X[::-1])),
    "a moved note": (dots, lambda f: setattr(f.axes[0].texts[0], "xy", (9, 1))),
    "a bar's height": (dots, lambda f: f.axes[1].patches[1].set_height(3.0)),
    "a bar's colour": (dots, lambda f: f.axes[1].patches[1].set_facecolor("r")),
    "a lost bar": (dots, lambda f: f.axes[1].patches[1].remove()),
    "lost whiskers": (dots, lambda f: f.axes[1].collections[0].remove()),
    "a bar's name": (dots, lambda f: f.axes[1].set_xticks([0, 1, 2], ["one", "two", "four"])),
    "a lost panel": (dots, lambda f: f.axes[1].remove()),
    "another map": (maps, lambda f: first(f, "AxesImage").set_data(np.zeros((200, 200)))),
    "a map's range": (maps, lambda f: first(f, "AxesImage").set_clim(-2, 2)),
    "no frame": (maps, lambda f: f.axes[0].set_axis_off()),
    "a lost map": (maps, lambda f: f.axes[2].collections[0].remove()),
    "lost contours": (maps, lambda f: f.axes[1].collections[0].remove()),
}
# What moves data and nothing else: noticed under these tags; a change that is not listed, under all.
NOTICED_UNDER = {
    "limits": ("",),
    "a moved line across": ("",),
    **dict.fromkeys(
        ("a text's place", "a moved note", "a curve cut short", "a curve turned", "a lost dot",
         "dots of another colour", "a bar's height", "another map", "a map's range"),
        ("", "trained"),
    ),
}  # fmt: skip
MOVES = {"a curve": (lines, move_line), "dots": (dots, move_dots), "a map": (maps, shade)}


def picture(make: Callable[[], Figure], change: Callable[[Figure], object] = lambda _: None) -> str:
    """Draw a figure, changed, as a kernel of the notebook tests does."""
    figures.install()
    figure, buffer = make(), io.BytesIO()
    FigureCanvasAgg(figure)
    change(figure)
    figure.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def outcomes() -> Iterator[tuple[str, bool, str]]:
    """Give each change with whether it must be noticed, and what the comparison said."""
    plain = {make: picture(make) for make in FIGURES}
    for make in FIGURES:
        yield f"{make.__name__}: nothing", False, different(plain[make], picture(make))
    for name, (make, change) in CHANGES.items():
        changed = picture(make, change)
        for tag in NOTICED_UNDER.get(name, TOLERANCES):
            yield f"{name}, {tag or 'untagged'}", True, different(plain[make], changed, within=TOLERANCES[tag])
    for name, (make, move) in MOVES.items():
        for tag in ("", "trained"):
            within = TOLERANCES[tag]
            for share, seen in ((0.5 * within, False), (2 * within, True)):
                moved = different(plain[make], picture(make, move(share)), within=within)
                yield f"{name} moved by {share:.1%} of its axis, {tag or 'untagged'}", seen, moved


if __name__ == "__main__":
    results = list(outcomes())
    for name, must, said in results:
        if bool(said) != must:
            print(f"{'missed' if must else 'wrongly noticed'}: {name}: {said}")
    noticed = [bool(said) for _, must, said in results if must]
    forgiven = [not said for _, must, said in results if not must]
    print(f"{sum(noticed)} of {len(noticed)} changes noticed, {sum(forgiven)} of {len(forgiven)} moves forgiven")
    raise SystemExit(not all(noticed + forgiven))
