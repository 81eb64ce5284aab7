"""Live views in a page: found and moved by the keys alone, played to their end, and answering without a kernel."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from kit.explore.boxes import boxes_view
from tests.browser.lab import KERNEL, cell

IMPORTS = (
    "from kit.explore.boxes import boxes_view\nfrom kit.explore.bpe import typing\n"
    "from kit.explore.descent import bowl, line_fit\n"
    "from kit.explore.first_network import playground\n"
    "from kit.explore.optimizers import optimizer_race"
)
VIEWS = {
    "bowl": 2,
    "line_fit": 3,
    "optimizer_race": 4,
    "playground": 5,
    "boxes_view": 6,
    "typing": 7,
}  # by the execution count of their cells
STEPS = {"ArrowRight": 1, "ArrowUp": 1, "ArrowLeft": -1, "ArrowDown": -1}
COLOURED = """(canvas, colour) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width / 3, canvas.height);
    let n = 0;
    for (let i = 0; i < data.length; i += 4) n += colour.every((c, j) => Math.abs(data[i + j] - c) < 6);
    return n / (data.length / 4);
}"""
ACTIVE_CELL = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"
REMEMBER = """(button) => {
    button.dataset.texts = "";
    new MutationObserver(() => (button.dataset.texts += `${button.textContent} `)).observe(button, { childList: true });
}"""
REMEMBER_LIVE = """(say) => {
    say.dataset.live = "";
    const note = () => (say.dataset.live += `${say.getAttribute("aria-live")} `);
    new MutationObserver(note).observe(say, { attributeFilter: ["aria-live"] });
}"""
REMEMBER_LEAST = """(slider) => {
    slider.dataset.least = slider.value;
    const note = () => (slider.dataset.least = Math.min(slider.dataset.least, slider.value));
    new MutationObserver(note).observe(slider, { attributeFilter: ["aria-valuetext"] });
}"""
BEGIN_AND_PAUSE = """(view) => new Promise((done) => {  // as a hand could not, however slow the machine
    const sliders = [...view.querySelectorAll("input[type=range]")], step = sliders.at(-1);
    const play = view.querySelector(".kit-clock .kit-play");
    const watch = new MutationObserver(() => {
        if (play.textContent !== "Pause" || +step.value < 4) return;
        watch.disconnect();
        play.click();
        done();
    });
    watch.observe(view, { attributeFilter: ["data-shown"] });
    sliders[0].value = +sliders[0].value + 1;
    sliders[0].dispatchEvent(new Event("input"));
})"""
TEN_PACES = "() => new Promise((done) => setTimeout(done, 500))"  # of a slider that plays, by the page's own clock


@pytest.fixture(scope="module")
def page(opened):
    return opened("views.ipynb", IMPORTS, *(f"{view}()" for view in VIEWS))


def shown(page, name):
    view = cell(page, VIEWS[name]).locator(".kit-live")
    expect(view).to_have_attribute("data-shown", re.compile(r"\d"))
    return view


@pytest.fixture(params=["bowl", "line_fit"])
def view(page, request):
    return shown(page, request.param)


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
    view = shown(page, "line_fit")
    radios = view.get_by_role("radio")
    radios.first.check()
    radios.first.press("ArrowRight")
    expect(radios.nth(1)).to_be_checked()
    expect(radios.nth(1)).to_be_focused()
    expect(view.locator(".kit-say")).to_contain_text("Feature zero to one")


@pytest.fixture
def race(page):
    return shown(page, "optimizer_race")


def test_play_runs_the_race_to_its_end_and_shows_it(race):
    step = race.get_by_role("slider", name="step")
    step.press("Home")
    expect(race.locator(".kit-say")).to_contain_text("step 0.")
    button = race.get_by_role("button")
    button.evaluate(REMEMBER)
    button.click()
    expect(step).to_have_value("100")
    expect(race.locator(".kit-say")).to_contain_text("step 100.")
    expect(button).to_have_attribute("data-texts", "Pause Play ")


def test_a_hand_on_the_slider_takes_over(race):
    step = race.get_by_role("slider", name="step")
    race.get_by_role("button", name="Play").click()
    step.press("End")
    expect(race.get_by_role("button", name="Play")).to_be_visible()
    step.press("ArrowLeft")
    race.page.evaluate(TEN_PACES)
    expect(step).to_have_value("99")


def test_the_quest_lights_up_when_it_is_met(race):
    race.get_by_role("slider", name="step").press("End")
    rate = race.get_by_role("slider", name="learning rate")
    for _ in range(16):
        rate.press("ArrowRight")
    expect(race.locator(".kit-quest")).to_have_attribute("data-met", "now")


def test_a_drag_takes_the_nearest_dot_along_and_the_view_follows(page):
    view, here = shown(page, "boxes_view"), boxes_view()
    canvas = view.locator("canvas")
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    zoom = place["width"] / here.scene["stages"][0]["width"]
    numbers = np.frombuffer(here.reply["numbers"], "<f4")
    for handle, name in zip(here.scene["drag"]["grabs"], ("A across", "B across", "B's width"), strict=True):
        slider, at = view.get_by_role("slider", name=name), 0
        before = int(slider.input_value())
        for _ in range(handle["line"]):
            at += 1 + 2 * int(numbers[at])
        x, y = place["x"] + zoom * float(numbers[at + 1]), place["y"] + zoom * float(numbers[at + 2])
        page.mouse.move(x + 2, y + 2)
        page.mouse.down()
        page.mouse.move(x + 2 + 3 * zoom * handle["xStep"], y + 2, steps=5)
        expect(slider).to_have_value(str(before + 3))
        page.mouse.move(x + 2, y + 2, steps=5)
        page.mouse.up()
        expect(slider).to_have_value(str(before))
        expect(view).to_have_attribute("data-shown", " ".join(map(str, here.reply["positions"])))
    page.mouse.move(x + 50, y)
    expect(slider).to_have_value(str(before))


@pytest.fixture
def training(page):
    return shown(page, "playground")


def step_of(view):
    return view.get_by_role("slider", name="step")


def test_a_moved_control_begins_the_training_anew_and_lets_it_run(training):
    step, say = step_of(training), training.locator(".kit-say")
    expect(step).to_have_value("30")
    play = training.get_by_role("button", name="Play")
    play.evaluate(REMEMBER)
    say.evaluate(REMEMBER_LIVE)
    step.evaluate(REMEMBER_LEAST)
    training.get_by_role("slider", name="hidden units").press("ArrowRight")
    expect(play).to_have_attribute("data-texts", "Pause Play ")
    expect(step).to_have_value("75")  # it came to its end by itself
    assert step.get_attribute("data-least") == "0"
    assert say.get_attribute("data-live").startswith("off")
    expect(say).to_have_attribute("aria-live", "polite")
    expect(say).to_contain_text("4 hidden units")
    expect(say).to_contain_text("step 1,500")


def test_a_training_pauses_steps_and_goes_back_but_not_ahead(training):
    step, say = step_of(training), training.locator(".kit-say")
    training.evaluate(BEGIN_AND_PAUSE)
    training.page.evaluate(TEN_PACES)  # what was asked for has come
    reached = int(step.input_value())
    assert 3 < reached < 75
    training.page.evaluate(TEN_PACES)
    expect(step).to_have_value(str(reached))
    expect(say).to_contain_text(f"step {20 * reached:,}:")
    training.get_by_role("button", name="Step").click()
    expect(step).to_have_value(str(reached + 1))
    expect(say).to_contain_text(f"step {20 * (reached + 1):,}:")
    step.press("Home")
    expect(say).to_contain_text("step 0:")
    step.press("End")  # as far as it has been
    expect(step).to_have_value(str(reached + 1))
    expect(say).to_contain_text(f"step {20 * (reached + 1):,}:")


def test_the_answer_of_a_network_is_painted_behind_its_points(training):
    step_of(training).press("Home")
    expect(training.locator(".kit-say")).to_contain_text("step 0:")
    canvas = training.locator("canvas")
    training.get_by_role("button", name="Play").click()
    expect(step_of(training)).to_have_value("75")
    expect(training.locator(".kit-say")).to_contain_text("step 1,500")
    inside, outside = (canvas.evaluate(COLOURED, colour) for colour in ([115, 178, 212], [232, 166, 115]))
    assert inside > 0.02
    assert outside > 0.2


def test_of_many_moves_in_the_middle_of_a_training_the_last_is_shown(training):
    units = training.get_by_role("slider", name="hidden units")
    units.focus()
    for key in ("ArrowRight", "ArrowLeft") * 10 + ("Home", "ArrowRight"):
        units.press(key)
    expect(training.locator(".kit-say")).to_contain_text("2 hidden units")
    play = training.get_by_role("button", name=re.compile("Play|Pause"))
    expect(play).to_have_text("Play")
    expect(step_of(training)).to_have_value("75")


def test_half_a_character_is_answered_too(page):
    """A box cuts a text at 200 units, and may cut an emoji in two."""
    view = shown(page, "typing")
    line = view.get_by_role("textbox", name="your text")
    line.evaluate("(input) => { input.value = 'a \\ud83c'; input.dispatchEvent(new Event('input')); }")
    expect(view.locator(".kit-say")).to_contain_text("5 bytes in")
    expect(line).to_have_value("a \ufffd")


def test_a_precomputed_view_answers_without_a_kernel(page):
    view = shown(page, "bowl")
    slider = view.get_by_role("slider", name="learning rate")
    slider.fill("10")
    expect(view.locator(".kit-say")).to_contain_text("Learning rate 0.0072")
    page.evaluate(f"async () => {{ await {KERNEL}.shutdown() }}")  # the last test of this page
    slider.fill("100")
    expect(view.locator(".kit-say")).to_contain_text("Learning rate 0.193")
    expect(view.locator(".kit-quest")).to_have_attribute("data-met", "now")
    assert view.get_attribute("data-shown") == "100"
