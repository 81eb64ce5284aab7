"""Every control of a live view can be found by its name and moved by the keys alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import cell, notebook_of

VIEWS = {"bowl": 2, "line_fit": 3}  # by the execution count of their cells
STEPS = {"ArrowRight": 1, "ArrowUp": 1, "ArrowLeft": -1, "ArrowDown": -1}
ACTIVE_CELL = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"


@pytest.fixture(scope="module")
def page():
    with notebook_of("from kit.explore.descent import bowl, line_fit", *(f"{view}()" for view in VIEWS)) as page:
        yield page


def opened(page, name):
    view = cell(page, VIEWS[name]).locator(".kit-live")
    expect(view).to_have_attribute("data-shown", re.compile(r"\d"))
    return view


@pytest.fixture(params=VIEWS)
def view(page, request):
    return opened(page, request.param)


def test_every_control_and_the_picture_have_a_name(view):
    found = re.findall(r"""- '?(slider|radio|group|img)\b(?: "(.+?)")?""", view.aria_snapshot())
    assert all(name for _, name in found)
    roles = [role for role, _ in found]
    assert roles.count("slider") + roles.count("radio") == view.locator("input").count()
    assert roles.count("img") == 1


def test_every_key_moves_its_slider_and_no_other_thing(view):
    for slider in view.get_by_role("slider").all():
        slider.focus()
        active, last = view.page.evaluate(ACTIVE_CELL), int(slider.get_attribute("max"))
        position = int(slider.input_value())
        for key, step in STEPS.items():
            slider.press(key)
            position += step
            expect(slider).to_have_value(str(position))
        slider.press("PageUp")
        assert int(slider.input_value()) > position + 1
        slider.press("PageDown")
        expect(slider).to_have_value(str(position))
        for key, end in (("Home", 0), ("End", last)):
            slider.press(key)
            expect(slider).to_have_value(str(end))
            expect(view).to_have_attribute("data-shown", re.compile(rf"(^| ){end}( |$)"))
        expect(slider).to_be_focused()
        assert view.page.evaluate(ACTIVE_CELL) == active


def test_the_arrows_move_a_choice(page):
    view = opened(page, "line_fit")
    radios = view.get_by_role("radio")
    radios.first.check()
    radios.first.press("ArrowRight")
    expect(radios.nth(1)).to_be_checked()
    expect(radios.nth(1)).to_be_focused()
    expect(view.locator(".kit-say")).to_contain_text("Feature zero to one")
