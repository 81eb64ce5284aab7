"""A slider that plays moves by itself to its end, and stops where a hand takes over."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import cell, notebook_of


@pytest.fixture(scope="module")
def view():
    with notebook_of("from kit.explore.optimizers import optimizer_race", "optimizer_race()") as page:
        found = cell(page, 2).locator(".kit-live")
        expect(found).to_have_attribute("data-shown", re.compile(r"\d"))
        yield found


def test_play_runs_the_race_to_its_end_and_shows_it(view):
    step = view.get_by_role("slider", name="step")
    step.press("Home")
    expect(view.locator(".kit-say")).to_contain_text("step 0.")
    view.get_by_role("button", name="Play").click()
    expect(view.get_by_role("button", name="Pause")).to_be_visible()
    expect(step).to_have_value("100", timeout=30_000)
    expect(view.locator(".kit-say")).to_contain_text("step 100.")
    expect(view.get_by_role("button", name="Play")).to_be_visible()


def test_a_hand_on_the_slider_takes_over(view):
    step = view.get_by_role("slider", name="step")
    view.get_by_role("button", name="Play").click()
    step.press("End")
    expect(view.get_by_role("button", name="Play")).to_be_visible()
    step.press("ArrowLeft")
    view.page.wait_for_timeout(500)
    expect(step).to_have_value("99")


def test_the_quest_lights_up_when_it_is_met(view):
    view.get_by_role("slider", name="step").press("End")
    rate = view.get_by_role("slider", name="learning rate")
    for _ in range(16):
        rate.press("ArrowRight")
    expect(view.locator(".kit-quest")).to_have_attribute("data-met", "now")
