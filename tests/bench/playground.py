"""The playground of notebook 04 while it trains, in a real JupyterLab: how soon it answers, and how often it draws."""

from collections.abc import Iterator
from itertools import pairwise

from playwright.sync_api import Page

from tests.bench.live_view import DRAG_SECONDS, DRAGS, LAST_VALUE_MS, Hand
from tests.bench.table import Bar, Table, at_least, at_most, median, percentile_95
from tests.browser.lab import notebook_of

SET_UP, VIEW = "from kit.explore.first_network import playground", "playground()"
CELL = 2  # the view's execution count
FIRST_FRAME_MS, FRAMES_A_SECOND = 100, 20
MOVES, WATCH_SECONDS = 20, 3
NETWORKS = {  # by the keys that lead there from the start, on each of two radio groups' options and the units' slider
    "as it opens": (),
    "16 units in each of two layers, spiral": (("radio", "spiral"), ("radio", "2"), ("End", "hidden units")),
}


def tables() -> Iterator[Table]:
    with notebook_of(SET_UP, VIEW) as page:
        hand = Hand(page, CELL)
        rows_first, rows_rate = [], []
        for name, choices in NETWORKS.items():
            for key, which in choices:
                if key == "radio":
                    hand.output.get_by_role("radio", name=which, exact=True).check()
                else:
                    hand.output.get_by_role("slider", name=which).press(key)
            rows_first.append(first_frames(hand, name))
            rows_rate.append(frame_rate(page, name))
        columns = ["network", "median", "95th", "worst"]
        yield Table(title=f"A key on a slider to the first new frame, {MOVES} moves", columns=columns, rows=rows_first)
        title = f"Frames while it trains, {WATCH_SECONDS} s each"
        yield Table(title=title, columns=["network", "longest gap", "a second"], rows=rows_rate)
        yield drags(page)


def first_frames(hand: Hand, name: str) -> tuple[list[str], Bar]:
    """Time moves of the first slider, each in the middle of a training that it begins anew."""
    hand.press("ArrowRight")  # the first is not counted
    times = [hand.press(("ArrowLeft", "ArrowRight")[i % 2]) for i in range(MOVES)]
    cells = [f"{figure(times):.0f} ms" for figure in (median, percentile_95, max)]
    return [name, *cells], at_most(max(times), FIRST_FRAME_MS, " ms")


def frame_rate(page: Page, name: str) -> tuple[list[str], Bar]:
    """Count the frames painted within some seconds after a training has begun."""
    hand = Hand(page, CELL)
    hand.press("ArrowRight")
    page.wait_for_timeout(1000 * WATCH_SECONDS)
    painted = page.evaluate("() => probe.painted()")
    watched = [at for at in painted if at - painted[0] <= 1000 * WATCH_SECONDS]
    gaps = [later - earlier for earlier, later in pairwise(watched)]
    rate = 1000 * len(gaps) / sum(gaps)
    hand.press("ArrowLeft")
    return [name, f"{max(gaps):.0f} ms", f"{rate:.0f}"], at_least(rate, FRAMES_A_SECOND)


def drags(page: Page) -> Table:
    """Time what follows a fast drag in the middle of trainings: from the last move to the frame of the last value."""
    results = [Hand(page, CELL).drag() for _ in range(DRAGS)]
    after, right = [result["after"] for result in results], all(result["right"] for result in results)
    limit = at_most(max(after), LAST_VALUE_MS, " ms")
    bar = Bar(text=f"{limit.text}, right", holds=limit.holds and right)
    cells = ["last network", f"{median(after):.0f} ms", f"{max(after):.0f} ms", "yes" if right else "NO"]
    title = f"Last value shown after a drag of {DRAG_SECONDS} s, {DRAGS} drags"
    return Table(title=title, columns=["network", "median", "worst", "right value"], rows=[(cells, bar)])
