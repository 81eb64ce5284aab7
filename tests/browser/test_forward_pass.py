"""The forward pass of a GPT in a page: its boxes clicked, its tables told by pointer and keys, its text written on."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from kit.explore.gpt import EXAMPLES, word_ids
from kit.models.forward_pass import STAGES, forward_pass
from tests.browser.lab import cell
from tests.browser.test_notebooks import pixels
from tests.explore.storyteller import forward_pass_untrained

SOURCES = ("from tests.explore.storyteller import forward_pass_untrained", "forward_pass_untrained()")


@pytest.fixture(scope="module")
def python():
    """Give the same view in this process."""
    return forward_pass_untrained()


@pytest.fixture(scope="module")
def page(opened):
    errors: list[str] = []
    yield opened("forward_pass.ipynb", *SOURCES, errors=errors)
    assert errors == []


@pytest.fixture
def view(page):
    shown = cell(page, 2).locator(".kit-live")
    expect(shown).to_have_attribute("data-shown", re.compile(r"\d"))
    return shown


def at(view, python, x, y):
    """Give the place on the page of a place on the picture, in its own pixels from the top left."""
    view.locator("canvas").scroll_into_view_if_needed()
    canvas = view.locator("canvas").bounding_box()
    zoom = canvas["width"] / python.scene["stages"][0]["width"]
    return canvas["x"] + zoom * x, canvas["y"] + zoom * y


def clicked(stage):
    return [0, STAGES.index(stage), 0, 0, 4, 7, 7, 0, 0]


def table(python, stage):
    model = python.frame.args[0].model
    return forward_pass(model, word_ids(EXAMPLES[0], at_most=128)[0]).table(stage).numpy()


def test_every_control_has_a_name_and_the_stage_moves_by_the_arrows(view):
    found = re.findall(r"""- '?(slider|radio|group|img|textbox|combobox)\b(?: "(.+?)")?""", view.aria_snapshot())
    assert all(name for _, name in found)
    stage = view.get_by_role("slider", name="stage")
    before = pixels(view.locator("canvas"))
    stage.press("Home")
    expect(view.locator(".kit-say")).to_contain_text("Ids: 19 × 1.")
    assert (np.abs(pixels(view.locator("canvas")) - before).max(axis=-1) > 40).sum() > 1000
    stage.press("End")
    expect(view.locator(".kit-say")).to_contain_text("Chances: 19 × 471.")


def test_a_click_on_a_box_chooses_its_stage(view, python):
    for stage in ("up", "q", "logits"):
        left, top, right, bottom = python.scene["drag"]["boxes"][STAGES.index(stage)]
        view.page.mouse.click(*at(view, python, (left + right) / 2, (top + bottom) / 2))
        expect(view.get_by_role("slider", name="stage")).to_have_value(str(STAGES.index(stage)))
        expect(view.locator(".kit-say")).to_contain_text(python.frame_at(clicked(stage)).sentence.split(":")[0])


def test_the_number_under_the_pointer_is_told_and_the_arrow_keys_go_on_from_it(view, python):
    view.get_by_role("slider", name="stage").fill(str(STAGES.index("x")))
    expect(view.locator(".kit-say")).to_contain_text("x: 19 × 64.")
    left, top, width, height = python.reply["overlays"][1]["box"]
    values, told = table(python, "x"), view.locator(".kit-told")
    view.page.mouse.move(*at(view, python, left + width * 7.5 / 64, top + height * 3.5 / 19))
    expect(told).to_have_text(f"4 a, column 8: {float(f'{values[3, 7]:.4g}'):g}")
    view.locator("canvas").focus()
    view.page.keyboard.press("ArrowDown")
    expect(told).to_have_text(f"5 time, column 8: {float(f'{values[4, 7]:.4g}'):g}")
    view.page.keyboard.press("ArrowLeft")
    expect(told).to_have_text(f"5 time, column 7: {float(f'{values[4, 6]:.4g}'):g}")
    expect(view.locator("canvas")).to_be_focused()


def test_a_hidden_score_is_told_as_one(view, python):
    view.get_by_role("slider", name="stage").fill(str(STAGES.index("masked")))
    expect(view.locator(".kit-say")).to_contain_text("Masked, layer 1, head 1: 19 × 19.")
    left, top, width, height = python.reply["overlays"][1]["box"]
    view.page.mouse.move(*at(view, python, left + width * 9.5 / 19, top + height * 3.5 / 19))
    expect(view.locator(".kit-told")).to_have_text("4 a, 10 child: -\u221e")


def test_it_writes_on_word_by_word_when_it_is_played(view):
    pieces = view.locator(".kit-pieces li")
    view.get_by_role("textbox").fill("Once upon a time")
    expect(pieces).to_have_count(5)
    written = view.get_by_role("slider", name="words written")
    written.press("ArrowRight")
    written.press("ArrowRight")
    expect(pieces).to_have_count(7)
    view.get_by_role("button").last.click()
    expect(written).to_have_value("90")
    expect(pieces).not_to_have_count(7)


def test_a_word_that_no_story_has_is_named(view):
    view.get_by_role("textbox").fill("Once upon a dog")
    expect(view.locator(".kit-say")).to_contain_text("Left out, for no story has them: dog.")
