"""Record the picture in motion of the README: the playground of notebook 04, moved in a real JupyterLab.

    python -m tests.browser.picture

writes tests/browser/playground.gif. A choice is made, two sliders are moved, and the network trains to its end.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.lab import MILLISECONDS, cell, notebook_of

PATH = Path(__file__).with_name("playground.gif")
SOURCES = ("from kit.explore.first_network import playground", "playground()")
MOST_BYTES = 1_000_000
COLORS = 200
WIDTH = 840  # of the page's column, in pixels
OPENS_MS, MOVE_MS, STEP_MS, ENDS_MS = 1500, 350, 90, 3500
STRIDE = 2  # frames of the training from one picture to the next


def frames(view: Locator) -> Iterator[tuple[Image.Image, int]]:
    """Move the view; give each picture, and the milliseconds that it stands."""

    def seen() -> Image.Image:
        expect(view).not_to_have_class(re.compile("kit-stale"))
        return Image.open(io.BytesIO(view.screenshot())).convert("RGB")

    def held(moved: Locator) -> None:
        """Stop the training that a move begins, and go back to its start; the hand stays where it was."""
        button = view.locator(".kit-clock .kit-play").first
        if button.inner_text() == "Pause":
            button.click()
        view.get_by_role("slider", name="step").press("Home")
        expect(view).to_have_attribute("data-shown", re.compile(" 0$"))
        moved.focus()

    yield seen(), OPENS_MS
    spiral = view.get_by_role("radio", name="spiral")
    spiral.check()
    held(spiral)
    yield seen(), MOVE_MS
    for name, key, times in (("noise", "ArrowLeft", 1), ("hidden units", "ArrowRight", 4)):
        slider = view.get_by_role("slider", name=name)
        for _ in range(times):
            slider.press(key)
            held(slider)
            yield seen(), MOVE_MS
    last = int(view.get_by_role("slider", name="step").get_attribute("max") or 0)
    for step in range(1, last + 1):
        view.get_by_role("button", name="Step").click()
        expect(view).to_have_attribute("data-shown", re.compile(f" {step}$"))
        if step % STRIDE == 0 or step == last:
            yield seen(), STEP_MS if step < last else ENDS_MS


def write(pictures: list[tuple[Image.Image, int]], path: Path) -> None:
    """Write them as one GIF, in colours that they share: what stands still is then stored once."""
    images, milliseconds = zip(*pictures, strict=True)
    sample = Image.new("RGB", (images[0].width, 3 * images[0].height))
    for i, image in enumerate((images[0], images[len(images) // 2], images[-1])):
        sample.paste(image, (0, i * images[0].height))
    palette = sample.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE)  # a thin curve's colour is kept, too
    first, *others = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    first.save(path, save_all=True, append_images=others, duration=list(milliseconds), loop=0, optimize=True)


def main() -> None:
    expect.set_options(timeout=MILLISECONDS)
    with notebook_of(*SOURCES) as page:
        page.set_viewport_size({"width": WIDTH + 120, "height": 1000})
        view = cell(page, 2).locator(".kit-live")
        expect(view).to_have_attribute("data-shown", re.compile(r"\d"))
        pictures = list(frames(view))
    write(pictures, PATH)
    size = PATH.stat().st_size
    print(f"{PATH.name}: {len(pictures)} frames of {pictures[0][0].size}, {size:,} bytes")
    if size >= MOST_BYTES:
        raise SystemExit(f"larger than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
