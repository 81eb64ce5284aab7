"""The blind comparison in a page: judged by the arrow keys alone, which leave the notebook where it was."""

from playwright.sync_api import expect

from kit.explore.judging import text_pairs
from tests.browser.lab import cell
from tests.browser.test_live_view import ACTIVE_CELL


def test_pairs_are_judged_by_keys_alone(opened):
    pairs = text_pairs()
    page = opened("judging.ipynb", "from kit.explore.judging import judge", "judge()")
    frame = cell(page, 2).locator(".kit-judge")
    title, texts = frame.locator(".kit-judge-title"), frame.locator(".kit-judge-text")
    expect(title).to_contain_text(f"Pair 1 of {len(pairs)}")
    frame.focus()
    active = page.evaluate(ACTIVE_CELL)
    for i, key in enumerate(("ArrowLeft", "ArrowDown", "ArrowRight")):
        expect(texts.first).to_have_text(pairs[i].left)
        expect(texts.last).to_have_text(pairs[i].right)
        page.keyboard.press(key)
        expect(title).to_contain_text(f"Pair {i + 2} of")
    page.keyboard.press("Backspace")
    expect(title).to_contain_text("Pair 3 of")
    for i in range(2, len(pairs)):
        page.keyboard.press("ArrowRight")
        expect(title).to_contain_text(f"Pair {i + 2} of" if i + 1 < len(pairs) else "are judged")
    assert page.evaluate(ACTIVE_CELL) == active
    assert all(button.is_disabled() for button in frame.get_by_role("button").all()[:3])
