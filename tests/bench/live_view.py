"""From the hand to painted pixels: the live views beside `interact` + `plt.show()`, in a real JupyterLab."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from tests.bench.naive import EXPLORERS
from tests.bench.table import Bar, Table, at_least, at_most, median, percentile_95
from tests.browser.lab import cell, notebook_of

PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
ROOMS = sorted({explorer.__module__.rpartition(".")[::2] for explorer in EXPLORERS})
SET_UP = "\n".join(["from tests.bench.naive import naive", *(f"from {house} import {room}" for house, room in ROOMS)])
NAMES = [f"{explorer.__module__.rpartition('.')[2]}.{explorer.__name__}" for explorer in EXPLORERS]
NAIVE, LIVE = "interact + plt.show()", "live"
CELLS = {  # each view shown each way: the execution count of its cell, and its source
    (name, way): (2 + 2 * i + j, source)
    for i, name in enumerate(NAMES)
    for j, (way, source) in enumerate({NAIVE: f"naive({name})", LIVE: f"{name}()"}.items())
}
ONE_SLIDER = {"descent.bowl", "losses.margin"}  # their frames are computed beforehand
TIMES_FASTER = {"by the kernel": 5, "beforehand": 30}
ROUNDS, MOVES = 4, 4
DRAGGED = ("descent.line_fit", "descent.bowl")
DRAGS, DRAG_SECONDS, DRAG_RATE, LAST_VALUE_MS = 3, 3, 60, 300
NAIVE_SETTLES_MS = 3000  # after a drag the naive way may still be drawing old values


def tables() -> Iterator[Table]:
    with notebook_of(SET_UP, *(source for _, source in CELLS.values())) as page:
        yield key_presses(page)
        yield drags(page)


def key_presses(page: Page) -> Table:
    """Time key presses: from the event's time stamp to the painted frame with the new value's picture."""
    times = {view: [] for view in CELLS}
    for turn in range(ROUNDS):
        key = ("ArrowRight", "ArrowLeft")[turn % 2]
        for view, taken in times.items():
            hand = Hand(page, CELLS[view][0])
            hand.press(key)  # the first move after scrolling is not counted
            taken += [hand.press(key) for _ in range(MOVES)]
    rows = []
    for name in NAMES:
        computed = "beforehand" if name in ONE_SLIDER else "by the kernel"
        naive, live = times[name, NAIVE], times[name, LIVE]
        ratio = median(naive) / median(live)
        figures = [f"{figure(taken):.1f} ms" for taken in (naive, live) for figure in (median, percentile_95)]
        rows.append(([name, computed, *figures, f"{ratio:.1f}"], at_least(ratio, TIMES_FASTER[computed])))
    title = f"Key press to painted picture, first slider, {ROUNDS * MOVES} moves each, interleaved; naive: {NAIVE}"
    return Table(title=title, columns=["view", "computed", "naive", "95th", "live", "95th", "naive / live"], rows=rows)


def drags(page: Page) -> Table:
    """Time what follows a fast drag: from the mouse's last move to the frame that shows the last value."""
    rows = []
    for view in ((name, way) for name in DRAGGED for way in (NAIVE, LIVE)):
        results = [Hand(page, CELLS[view][0]).drag() for _ in range(DRAGS)]
        moves, pictures = (median([r[what] for r in results]) / DRAG_SECONDS for what in ("moves", "pictures"))
        after, right = [r["after"] for r in results], all(r["right"] for r in results)
        limit = at_most(max(after), LAST_VALUE_MS, " ms")
        bar = Bar(text=f"{limit.text}, right", holds=limit.holds and right)
        late = [f"{median(after):.0f} ms", f"{max(after):.0f} ms"]
        cells = [": ".join(view), f"{moves:.0f} / s", f"{pictures:.0f} / s", *late, "yes" if right else "NO"]
        rows.append((cells, bar if LIVE in view else None))
    title = f"Live view, last value shown after a drag of {DRAG_SECONDS} s, {DRAGS} drags each"
    columns = ["view: way", "moves", "pictures", "median", "worst", "right value"]
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
