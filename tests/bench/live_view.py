"""One live view in a real JupyterLab: moved as a learner moves it, and watched until its picture follows."""

import random
import time
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.browser.lab import cell

PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
DRAGS, DRAG_SECONDS, DRAG_RATE, CLICK_RATE, LAST_VALUE_MS = 3, 3, 60, 10, 300
SETTLES_MS = 1000  # what is drawn later than that after a drag is not the last value's picture at all
POSITION = """(control) => Number(control.value ?? control.getAttribute("aria-valuenow")
    ?? [...control.querySelectorAll("input")].findIndex((input) => input.checked))"""

# Move every control in turn, each time until the picture of the new setting stands. In a line to type into, more
# and more of its examples is typed.
MOVE = """async (view, moves) => {
    const controls = [...view.querySelectorAll(".kit-slider, .kit-choice, .kit-text")];
    const inputs = [...view.querySelectorAll(".kit-controls input")];
    const examples = (input) => [...input.closest(".kit-text").querySelectorAll("option")].slice(1);
    const type = (input, move) => {
        const texts = examples(input).map((option) => option.textContent);
        const text = [...texts[move % texts.length]];  // whole characters: an emoji is two halves
        input.value = text.slice(0, 1 + move % text.length).join("");
    };
    const position = (control) => control.matches(".kit-text")
        ? control.querySelector("input").value
        : [...control.querySelectorAll("input")]
            .map((input, i) => (input.type === "range" ? input.value : input.checked ? i : "")).join("");
    const act = (input, move) => {
        if (input.type === "radio") return input.click();
        if (input.type === "text") type(input, move);
        else input.value = (37 * move) % (Number(input.max) + 1);
        input.dispatchEvent(new Event("input"));
    };
    inputs.filter((input) => input.type === "text").forEach(act);  // an example's position would be its place
    for (let move = 0; move < moves; move++) {
        act(inputs[move % inputs.length], move);
        do await new Promise(requestAnimationFrame);
        while (view.dataset.shown !== controls.map(position).join(" "));
    }
}"""


class Hand:
    """Moves the first slider of a view, or where there is none its first choice, and sees when its picture follows."""

    def __init__(self, page: Page, number: int):
        self.page = page
        self.output = cell(page, number).locator(".jp-OutputArea").first
        sliders = self.output.locator("input[type=range], .noUi-handle")
        self.slides = sliders.count() > 0
        self.control = (sliders if self.slides else self.output.locator(".kit-choice, .widget-radio")).first
        page.wait_for_timeout(500)  # the notebook has scrolled there
        page.evaluate(f"(output) => ({PROBE})(output)", self.output.element_handle())

    @property
    def position(self) -> int:
        return self.control.evaluate(POSITION)

    def press(self, key: str) -> float:
        """Press an arrow key, or click on the choice where it leads; return the milliseconds to the painted picture.

        At an end of its track a slider is sent back.
        """
        self.page.wait_for_timeout(random.uniform(100, 150))  # no beat with the frames of the screen
        if self.slides:
            stuck = self.position == (self._most() if key == "ArrowRight" else 0)
            self.control.press({"ArrowRight": "ArrowLeft", "ArrowLeft": "ArrowRight"}[key] if stuck else key)
        else:
            options = self._options()
            self._click(options[(self.position + (1 if key == "ArrowRight" else -1)) % len(options)])
        return self.page.evaluate("(position) => probe.latency(position)", self.position)

    def drag(self) -> dict:
        """Drag to and fro over the track, 60 moves a second, or click through the choices; tell how late the end is."""
        self._drag() if self.slides else self._click_through()
        self.page.wait_for_timeout(SETTLES_MS)
        result = self.page.evaluate("(slides) => probe.afterwards(slides)", self.slides)
        return {**result, "right": result["position"] == self.position}

    def rest(self) -> None:
        """Stop what goes on by itself, and wait until it stands."""
        for button in self.output.get_by_role("button", name="Pause").all():
            button.click()
            self.page.wait_for_timeout(SETTLES_MS)

    def _drag(self) -> None:
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

    def _click_through(self) -> None:
        options, begun = self._options(), time.perf_counter()
        for i in range(1, DRAG_SECONDS * CLICK_RATE + 1):
            time.sleep(max(0, begun + i / CLICK_RATE - time.perf_counter()))
            self._click(options[(self.position + 1) % len(options)])

    def _options(self) -> list[Locator]:
        return self.control.locator("input").all()

    def _click(self, option: Locator) -> None:
        box = option.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def _track(self) -> tuple[float, float, float]:
        """Find where the middle of the handle can go: its leftmost place, the way to go, and the height."""
        base = self.output.locator("input[type=range], .noUi-base").first.bounding_box()
        assert base is not None
        inset = 8 if self.control.get_attribute("type") == "range" else 0  # a native handle stays inside its track
        return base["x"] + inset, base["width"] - 2 * inset, base["y"] + base["height"] / 2

    def _place(self) -> float:
        return self.position / self._most()

    def _most(self) -> int:
        return int(float(self.control.evaluate("(slider) => slider.max ?? slider.getAttribute('aria-valuemax')")))
