"""From the hand to painted pixels: the live views beside `interact` + `plt.show()`, in a real JupyterLab."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from tests.bench.table import Bar, Table, at_least, at_most, median, percentile_95
from tests.browser.lab import cell, notebook_of

PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
SET_UP = "from kit.explore.descent import bowl, line_fit\nfrom tests.bench.naive import naive_bowl, naive_line"
NAIVE, LINE, BOWL = "interact + plt.show()", "live, the kernel computes", "live, computed beforehand"
VIEWS = {  # figure: the ways to show it, each by the execution count and the source of its cell
    "line": {NAIVE: (2, "naive_line()"), LINE: (3, "line_fit()")},
    "bowl": {NAIVE: (4, "naive_bowl()"), BOWL: (5, "bowl()")},
}
TIMES_FASTER = {LINE: 5, BOWL: 30}
ROUNDS, MOVES = 4, 10
DRAGS, DRAG_SECONDS, DRAG_RATE, LAST_VALUE_MS = 3, 3, 60, 300
NAIVE_SETTLES_MS = 3000  # after a drag the naive way may still be drawing old values


def tables() -> Iterator[Table]:
    sources = [source for ways in VIEWS.values() for _, source in ways.values()]
    with notebook_of(SET_UP, *sources) as page:
        yield key_presses(page)
        yield drags(page)


def key_presses(page: Page) -> Table:
    """Time key presses: from the event's time stamp to the painted frame with the new value's picture."""
    times = {(figure, way): [] for figure, ways in VIEWS.items() for way in ways}
    for turn in range(ROUNDS):
        key = ("ArrowRight", "ArrowLeft")[turn % 2]
        for (figure, way), taken in times.items():
            hand = Hand(page, VIEWS[figure][way][0])
            hand.press(key)  # the first move after scrolling is not counted
            taken += [hand.press(key) for _ in range(MOVES)]
    rows = []
    for (figure, way), taken in times.items():
        ratio = median(times[figure, NAIVE]) / median(taken)
        bar = at_least(ratio, TIMES_FASTER[way]) if way in TIMES_FASTER else None
        faster = f"{ratio:.1f}" if bar else ""
        rows.append(([f"{figure}: {way}", f"{median(taken):.1f} ms", f"{percentile_95(taken):.1f} ms", faster], bar))
    title = f"Live view, key press to painted picture, {ROUNDS * MOVES} moves each, interleaved"
    return Table(title=title, columns=["figure: way", "median", "95th", "naive / ours"], rows=rows)


def drags(page: Page) -> Table:
    """Time what follows a fast drag: from the mouse's last move to the frame that shows the last value."""
    rows = []
    for figure, ways in VIEWS.items():
        for way, (number, _) in ways.items():
            results = [Hand(page, number).drag() for _ in range(DRAGS)]
            moves, pictures = (median([r[what] for r in results]) / DRAG_SECONDS for what in ("moves", "pictures"))
            after, right = [r["after"] for r in results], all(r["right"] for r in results)
            limit = at_most(max(after), LAST_VALUE_MS, " ms")
            bar = Bar(text=f"{limit.text}, right", holds=limit.holds and right)
            name, late = f"{figure}: {way}", [f"{median(after):.0f} ms", f"{max(after):.0f} ms"]
            cells = [name, f"{moves:.0f} / s", f"{pictures:.0f} / s", *late, "yes" if right else "NO"]
            rows.append((cells, None if way == NAIVE else bar))
    title = f"Live view, last value shown after a drag of {DRAG_SECONDS} s, {DRAGS} drags each"
    columns = ["figure: way", "moves", "pictures", "median", "worst", "right value"]
    return Table(title=title, columns=columns, rows=rows)


class Hand:
    """Moves the first slider of one view as a learner does, and sees when its picture follows."""

    def __init__(self, page: Page, number: int):
        self.page = page
        self.output = cell(page, number).locator(".jp-OutputArea").first
        self.slider = self.output.locator("input[type=range], .noUi-handle").first
        page.wait_for_timeout(500)  # the notebook has scrolled there
        page.evaluate(f"(output) => ({PROBE})(output)", self.output.element_handle())

    @property
    def position(self) -> int:
        return int(float(self.slider.evaluate("(slider) => slider.value ?? slider.getAttribute('aria-valuenow')")))

    def press(self, key: str) -> float:
        """Press a key; return the milliseconds until the new position's picture was painted."""
        self.page.wait_for_timeout(random.uniform(100, 150))  # no beat with the frames of the screen
        self.slider.press(key)
        return self.page.evaluate("(position) => probe.latency(position)", self.position)

    def drag(self) -> dict:
        """Drag to and fro over the track, 60 moves a second; tell what was painted last, and how late."""
        left, width, y = self._track()
        start = self._place()
        self.page.mouse.move(left + start * width, y)
        self.page.mouse.down()
        begun = time.perf_counter()
        n_moves = DRAG_SECONDS * DRAG_RATE
        for i in range(1, n_moves + 1):
            time.sleep(max(0, begun + i / DRAG_RATE - time.perf_counter()))
            way = start + 2.3 * i / n_moves  # there, back, and on: the last move still changes the value
            self.page.mouse.move(left + (1 - abs(1 - way % 2)) * width, y)
        self.page.mouse.up()
        self.page.wait_for_timeout(NAIVE_SETTLES_MS)
        result = self.page.evaluate("() => probe.afterDrag()")
        return {**result, "right": result["position"] == self.position and self._sentence_agrees()}

    def _track(self) -> tuple[float, float, float]:
        """Find where the middle of the handle can go: its leftmost place, the way to go, and the height."""
        base = self.output.locator("input[type=range], .noUi-base").first.bounding_box()
        assert base is not None
        inset = 8 if self.slider.get_attribute("type") == "range" else 0  # a native handle stays inside its track
        return base["x"] + inset, base["width"] - 2 * inset, base["y"] + base["height"] / 2

    def _place(self) -> float:
        most = self.slider.evaluate("(slider) => slider.max ?? slider.getAttribute('aria-valuemax')")
        return self.position / float(most)

    def _sentence_agrees(self) -> bool:
        """Tell whether the sentence below the picture names the value beside the slider; naive views have none."""
        sentence = self.output.locator(".kit-say")
        return not sentence.count() or self.output.locator("output").first.inner_text() in sentence.inner_text()
