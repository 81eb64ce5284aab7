"""A learner's half hour with notebook 01, in a real JupyterLab: run, drag, choose, predict, err, mend."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import cell, replace_and_run

WRONG = """
def gradient(x, y, weights):
    return x.T @ (x @ weights - y) / len(y)


check.gradient(gradient)
"""
RIGHT = WRONG.replace("return", "return 2 *")
SETTLED = """(view) => {
    const chosen = (choice) => [...choice.querySelectorAll("input")].findIndex((input) => input.checked);
    const controls = [...view.querySelectorAll(".kit-slider input, .kit-choice")];
    return controls.map((control) => control.value ?? chosen(control)).join(" ") === view.dataset.shown;
}"""


@pytest.fixture(scope="module")
def page(opened):
    errors: list[str] = []
    yield opened("01_linear_regression.ipynb", errors=errors)
    assert errors == []


def pixels(picture: Locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"), dtype=int)


def execution_count(page: Page, source: str) -> int:
    """Find the cell whose code holds `source`; give its number."""
    return page.evaluate(
        """(source) => jupyterapp.shell.currentWidget.content.widgets.find(
            (w) => w.model.type === 'code' && w.model.sharedModel.getSource().includes(source)).model.executionCount""",
        source,
    )


@pytest.fixture
def view(page):
    shown = cell(page, execution_count(page, "line_fit()")).locator(".kit-live")
    shown.locator("canvas").wait_for()
    page.wait_for_function("(root) => root.dataset.shown", arg=shown.element_handle())
    return shown


def changed(view: Locator, before: np.ndarray) -> int:
    """Wait until the view shows what its controls say, and count the pixels that are not as before."""
    view.page.wait_for_function(SETTLED, arg=view.element_handle())
    return int((np.abs(pixels(view.locator("canvas")) - before).max(axis=-1) > 40).sum())


def test_no_cell_failed(page):
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.evaluate(
        """() => jupyterapp.shell.currentWidget.content.widgets.every((w) => w.model.type !== 'code' ||
            w.model.outputs.toJSON().every((output) => output.output_type !== 'error'))"""
    )


def test_dragging_the_slider_changes_the_picture(view):
    before = pixels(view.locator("canvas"))
    box = view.get_by_role("slider", name="learning rate").bounding_box()
    mouse, middle = view.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] * 0.33, middle)
    mouse.down()
    for step in range(20):
        mouse.move(box["x"] + box["width"] * (0.33 + 0.01 * step), middle)
    mouse.up()
    expect(view.locator(".kit-say")).to_contain_text("diverged")
    assert changed(view, before) > 50


def test_a_choice_changes_the_stage_and_a_drag_in_it_moves_the_start(view):
    view.get_by_role("radio", name="standard").check()
    expect(view.locator(".kit-say")).to_contain_text("Feature standard")
    before = pixels(view.locator("canvas"))
    box = view.locator("canvas").bounding_box()
    view.page.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"])
    assert changed(view, before) > 50
    assert view.get_by_role("slider", name="start, across").input_value() != "8"


def test_the_keyboard_moves_the_slider_and_stays_in_it(view):
    slider = view.get_by_role("slider", name="learning rate")
    slider.focus()
    before = int(slider.input_value())
    for _ in range(3):
        view.page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == before + 3
    view.page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "2")
    assert slider.evaluate("(input) => input === document.activeElement")


def test_the_quest_lights_up_when_it_is_met_and_is_remembered(view):
    quest, slider = view.locator(".kit-quest"), view.get_by_role("slider", name="learning rate")
    expect(quest).to_have_attribute("data-met", "no")
    view.get_by_role("radio", name="standard").check()
    slider.fill("107")  # a rate of 0.53
    expect(quest).to_have_attribute("data-met", "now")
    expect(quest).to_contain_text("Quest met")
    slider.fill("20")
    expect(quest).to_have_attribute("data-met", "once")


def test_a_prediction_is_committed_and_scored(page):
    form = cell(page, execution_count(page, "rate_guess = "))
    form.get_by_label("about 0.25").check()
    form.get_by_role("button", name="Commit").click()
    expect(form).to_contain_text("Committed: about 0.25, 70% sure")
    reveal = execution_count(page, "rate_guess.reveal")
    replace_and_run(page, reveal, 'rate_guess.reveal("about 0.25")')
    expect(page.locator(".jp-Cell.jp-mod-active, .jp-Cell").filter(has_text="Brier score 0.09")).not_to_have_count(0)


def test_an_exercise_done_wrongly_gets_its_hint_and_done_rightly_passes(page):
    number = execution_count(page, "def gradient(")
    replace_and_run(page, number, WRONG)
    exercise = page.locator(".jp-CodeCell").filter(has_text="def gradient(")
    expect(exercise).to_contain_text("not yet right")
    expect(exercise).to_contain_text("The 2 is missing: the derivative of a square brings one down.")
    page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex -= 1 }")
    replace_and_run(page, execution_count(page, "def gradient("), RIGHT)
    expect(exercise).to_contain_text("the gradient of the mean squared error: correct")


def test_a_stroke_across_a_drawing_moves_every_slider_below_it(page):
    drawing = "from kit.explore.schedules import draw_a_schedule\n\ndraw_a_schedule()"
    replace_and_run(page, execution_count(page, "line_fit()"), drawing)
    view = cell(page, execution_count(page, "draw_a_schedule()")).locator(".kit-live")
    expect(view.locator(".kit-quest")).to_have_attribute("data-met", "no")
    box = view.locator("canvas").bounding_box()
    across, up = np.linspace(0.07, 0.49, 40), np.linspace(0.2, 0.7, 40)
    view.page.mouse.move(box["x"] + across[0] * box["width"], box["y"] + up[0] * box["height"])
    view.page.mouse.down()
    for x, y in zip(across, up, strict=True):
        view.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    view.page.mouse.up()
    sliders = [int(slider.input_value()) for slider in view.get_by_role("slider").all()]
    assert len(sliders) == 6
    assert sliders == sorted(sliders, reverse=True)
    assert sliders[0] > sliders[-1] + 20
