"""Every live view of the course in a real JupyterLab: how soon its picture follows the hand, and what it leaves behind.

python run.py bench live_views                 those that data/measured/live_views.csv has no row of
python run.py bench live_views 16 playground   those of notebook 16, and this one, measured anew

A view takes a minute or two; its row is written when it is measured. The table is of all rows.

naive, live   median milliseconds from a key, or a click, to the painted picture: `interact` + `plt.show()`, the view
after a drag  the worst of three: milliseconds from the last move until the last value is shown, with its sentence
kernel, page  megabytes grown over 1,000 moves of all controls, after a hundred to warm up
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date

from playwright.sync_api import Page

from kit.files import DATA
from kit.machine import profile
from tests.bench.live_view import DRAGS, LAST_VALUE_MS, MOVE, Hand
from tests.bench.memory import GROWTH_MB, alive, asked, growth_mb
from tests.bench.table import Bar, Table, at_least, at_most, median
from tests.browser.lab import cell, notebooks
from tests.explore.views import VIEWS, View, name_of

STORE = DATA / "measured/live_views.csv"
COLUMNS = ("view", "notebook", "computed", "naive_ms", "live_ms", "after_drag_ms", "right", "kernel_mb", "page_mb")
HEADINGS = ("view", "computed", "naive", "live", "times", "after a drag", "right", "kernel", "page")
SET_UP = "from tests.bench.census import census\nfrom tests.bench.naive import OPEN, live, naive"
LIVE, NAIVE = 2, 3  # the execution counts of their cells
TIMES_FASTER = {"by the kernel": 5, "beforehand": 30}
ROUNDS, PRESSES = 4, 4
WARM_UP, MOVES = 100, 1000


def tables(*names: str) -> Iterator[Table]:
    with notebooks() as opened:
        for view in chosen(names):
            print(name_of(view), flush=True)
            record(view, measured(opened, view))
    yield table()


def chosen(names: tuple[str, ...]) -> list[View]:
    """Find the views of these names or notebooks; where there is no name, those that have not been measured.

    Raises:
        ValueError: if a name is neither a view's nor a notebook's.
    """
    if not names:
        return [view for view in VIEWS if name_of(view) not in rows()]
    called = {view: {name_of(view), view.__name__, notebook} for view, notebook in VIEWS.items()}
    if unknown := set(names) - set().union(*called.values()):
        raise ValueError(f"names must be of views or notebooks, got {', '.join(sorted(unknown))}")
    return [view for view, own in called.items() if own & set(names)]


def measured(opened: Callable[..., AbstractContextManager[Page]], view: View) -> dict:
    """Measure one view, in a notebook of its own beside the same figure drawn the naive way."""
    name = name_of(view)
    with opened(SET_UP, f'live("{name}")', f'naive("{name}")') as page:
        beforehand = asked(page, f'OPEN["{name}"][0].scene["frames"] is not None')
        times = presses(page)
        results = [Hand(page, LIVE).drag() for _ in range(DRAGS)]
        right = all(result["right"] for result in results) and says_what_it_shows(page, name)
        shown = cell(page, LIVE).locator(".kit-live")
        shown.evaluate(MOVE, WARM_UP)
        before = alive(page)
        shown.evaluate(MOVE, MOVES)
        growth = growth_mb(before, alive(page))
    return {
        "computed": "beforehand" if beforehand else "by the kernel",
        "naive_ms": f"{median(times[NAIVE]):.0f}",
        "live_ms": f"{median(times[LIVE]):.1f}",
        "after_drag_ms": f"{max(result['after'] for result in results):.0f}",
        "right": "yes" if right else "NO",
        **dict(zip(("kernel_mb", "page_mb"), (f"{mb:.1f}" for mb in growth.values()), strict=True)),
    }


def presses(page: Page) -> dict[int, list[float]]:
    """Time keys or clicks on both, in turn: from the event's time stamp to the painted frame with the new value."""
    times: dict[int, list[float]] = {LIVE: [], NAIVE: []}
    for turn in range(ROUNDS):
        key = ("ArrowRight", "ArrowLeft")[turn % 2]
        for number, taken in times.items():
            hand = Hand(page, number)
            hand.press(key)  # the first move after scrolling is not counted
            taken += [hand.press(key) for _ in range(PRESSES)]
            hand.rest()
    return times


def says_what_it_shows(page: Page, name: str) -> bool:
    """Tell whether the sentence below the picture is the one of the values that are shown."""
    Hand(page, LIVE).rest()
    shown = cell(page, LIVE).locator(".kit-live")
    positions = [int(position) for position in (shown.get_attribute("data-shown") or "").split()]
    return asked(page, f'OPEN["{name}"][0].frame_at({positions}).sentence') == shown.locator(".kit-say").text_content()


def rows() -> dict[str, dict[str, str]]:
    """Read what has been measured, by view."""
    if not STORE.exists():
        return {}
    with STORE.open(newline="", encoding="utf-8") as file:
        return {row["view"]: row for row in csv.DictReader(file)}


def record(view: View, row: dict) -> None:
    """Write a view's row in its place, with the day and the machine; rows of views that are no more go."""
    machine, found = profile(), rows()
    where = {"date": date.today().isoformat(), "machine": f"{machine.name}, {machine.cores} cores"}
    found[name_of(view)] = {"view": name_of(view), "notebook": VIEWS[view], **row, **where}
    with STORE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*COLUMNS, *where), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found[name] for name in map(name_of, VIEWS) if name in found)


def bars(row: dict[str, str]) -> list[Bar]:
    """Hold a row to its bars."""
    faster = float(row["naive_ms"]) / float(row["live_ms"])
    return [
        at_least(faster, TIMES_FASTER[row["computed"]], " times"),
        at_most(float(row["after_drag_ms"]), LAST_VALUE_MS, " ms"),
        Bar(text="the right value", holds=row["right"] == "yes"),
        *(Bar(text=f"< {GROWTH_MB} MB", holds=float(row[where]) < GROWTH_MB) for where in ("kernel_mb", "page_mb")),
    ]


def table() -> Table:
    """Make the table of all views: what has not been measured is named, and so is each bar that a view misses."""
    found, lines = rows(), []
    for view, notebook in VIEWS.items():
        name = f"{notebook} {name_of(view)}"
        if not (row := found.get(name_of(view))):
            lines.append(([name, *[""] * (len(HEADINGS) - 1)], Bar(text="measured", holds=False)))
            continue
        missed = [bar.text for bar in bars(row) if not bar.holds]
        faster = float(row["naive_ms"]) / float(row["live_ms"])
        cells = [row["computed"], row["naive_ms"], row["live_ms"], f"{faster:.1f}", row["after_drag_ms"], row["right"]]
        bar = Bar(text=", ".join(missed) or "all", holds=not missed)
        lines.append(([name, *cells, row["kernel_mb"], row["page_mb"]], bar))
    faster = " or ".join(f"{times} times faster {computed}" for computed, times in TIMES_FASTER.items())
    title = f"Live views: {faster}, <= {LAST_VALUE_MS} ms after a drag, < {GROWTH_MB} MB grown over {MOVES:,} moves"
    return Table(title=title, columns=HEADINGS, rows=lines)
