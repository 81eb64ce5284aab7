import base64
import gc
import io
import weakref
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from kit.explore import bpe, descent, live, optimizers
from kit.explore.live import Choice, Clock, Control, Drag, Draw, Frame, Grab, Handle, LiveView, Slider, Stage, Text
from kit.explore.overlay import Picture
from tests.explore.test_deep_nets import MEETS
from tests.explore.views import VIEWS, name_of, opener

EXPLORERS = [opener(view) for view in VIEWS]
# swept where the models that they show are trained in any case
ELSEWHERE = ("kit.explore.attention", "tests.explore.storyteller")

ANSWERS = {
    "A small network in training": [2, 1, 6, 0, 0, 3, 0, 75],  # the spiral with noise 0.1, by 7 units, at the end
    "A deep network, layer by layer": MEETS,
    "How deep can it be?": [6, 1, 1, 1, 4, 40],  # 56 layers with skips, BatchNorm, He's weights and a rate of 0.1
    "What does one token cost?": [2, 2, 2, 7, 5, 5],  # GPT-2 XL in int8 on an A100, 128 rows
}


def answer_to_typing() -> str:
    """Write the longest words that are one token each, which vary with the standard library's version."""
    words = [token for token in bpe.tokenizer(bpe.SIZES[-1]).tokens if token[:1] == b" " and token[1:].isalpha()]
    return b"".join(sorted(words, key=len)[-bpe.QUEST_TOKENS :]).decode()


@pytest.fixture(params=[e for e in EXPLORERS if e.__module__ not in ELSEWHERE], ids=name_of, scope="module")
def view(request):
    return request.param()


def sweep(view: LiveView) -> list[list[int]]:
    """List the positions with each slider at its minimum and maximum, and each choice at each option."""
    start = [control.start for control in view.controls]
    swept = [start]
    for i, control in enumerate(view.controls):
        last = len(control.values) - 1
        for position in range(last + 1) if isinstance(control, Choice) else (0, last):
            swept.append([*start[:i], position, *start[i + 1 :]])
    return [*swept, [len(c.values) - 1 for c in view.controls], [0] * len(view.controls)]


def simple(frame=lambda k: Frame(lines=[([0, 1], [0, k])], sentence=f"k is {k}"), **options) -> LiveView:
    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 10))
    stage = Stage(figure=figure, lines=axes.plot([], [], color="#d55e00"))
    slider = Slider(name="k", label="slope", values=(1, 2, 3), labels=("one", "two", "three"))
    return LiveView(**{"title": "A test", "controls": [slider], "stages": [stage], "frame": frame} | options)


def two_sliders(frame, **options) -> LiveView:
    sliders = [Slider(name=name, label=name, values=(1, 2), labels=("1", "2")) for name in "ab"]
    return simple(frame, controls=sliders, **options)


def test_every_extreme_of_every_control_is_answered(view):
    for positions in sweep(view):
        answer = view._answer({"positions": positions, "sequence": 1})
        assert answer["error"] == ""
        numbers = np.frombuffer(answer["numbers"], "<f4")
        assert np.isfinite(numbers).all()
        assert "nan" not in answer["say"]
        assert answer["say"].endswith(".")


def test_the_quest_can_be_met_and_is_not_met_at_the_start(view):
    assert view.scene["quest"]
    assert not view.frame_at([control.start for control in view.controls]).quest_met
    shapes = [len(control.values) for control in view.controls]
    rng = np.random.default_rng(0)
    trials = [[int(rng.integers(n)) for n in shapes] for _ in range(2000)]
    if isinstance(view.controls[0], Text):  # what must be typed is not found by chance
        trials[:0] = [[answer_to_typing(), shapes[1] - 1]]
    if view.scene["title"] in ANSWERS:  # nor is one setting of twenty thousand, or what a training leads to
        trials = [ANSWERS[view.scene["title"]]]
    assert any(view.frame_at(positions).quest_met for positions in trials)


def test_the_stored_output_has_a_picture_and_a_sentence(view):
    data, _ = view._repr_mimebundle_()
    assert data["text/plain"] == view.frame_at(view.request["positions"]).sentence
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    width, height = (round(view.scene["stages"][0][side]) for side in ("width", "height"))
    assert picture.width == width
    assert (picture.height > height) if view.reply["pieces"] else (picture.height == height)


def test_one_slider_is_computed_beforehand_and_equals_what_the_kernel_computes():
    view = descent.bowl()
    cache = np.frombuffer(view.cache, "<f4")
    for position, frame in enumerate(view.scene["frames"]):
        answer = view._answer({"positions": [position], "sequence": 1})
        numbers = np.frombuffer(answer["numbers"], "<f4")
        assert (cache[frame["start"] : frame["start"] + len(numbers)] == numbers).all()
        assert frame["say"] == answer["say"]


def test_two_controls_are_not_computed_beforehand():
    assert descent.line_fit().scene["frames"] is None


def test_points_are_sent_in_pixels_from_the_top_left():
    view = simple()
    n, x0, y0, x1, y1 = np.frombuffer(view.cache, "<f4")[:5]
    axes = view._projections[0].stage.lines[0].axes
    left, top, width, height = view.scene["stages"][0]["lines"][0]["box"]
    assert n == 2
    np.testing.assert_allclose([x0, x1], [left, left + width], atol=1e-3)
    np.testing.assert_allclose([y0, y1], [top + height, top + height - height / 10], atol=1e-3)
    np.testing.assert_allclose(axes.transData.inverted().transform((x0, 300 - y0)), (0, 0), atol=1e-5)


def test_the_stored_picture_shows_what_the_pixels_say():
    view = simple()
    numbers = np.frombuffer(view._answer({"positions": [2], "sequence": 1})["numbers"], "<f4")
    x, y = (numbers[1:3] + numbers[3:5]) / 2  # the middle of the line
    png = view._projections[0].picture(view.frame_at([2]))
    r, g, b = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[round(float(y)), round(float(x))]
    assert (r, g, b) == (0xD5, 0x5E, 0x00)


def test_a_picture_shifts_nothing_whatever_style_the_reader_has_chosen():
    figure = Figure(figsize=(4, 3), dpi=100, layout="none")
    axes = figure.subplots(gridspec_kw={"left": 0.3, "right": 0.7, "bottom": 0.3, "top": 0.7})
    view = simple(stages=[Stage(figure=figure, lines=axes.plot([], []))])
    before = view._answer({"positions": [2], "sequence": 1})["numbers"]
    with rc_context({"figure.constrained_layout.use": True}):
        for _ in range(2):  # what the first leaves behind, the second shows
            view._projections[0].picture(view.frame_at([2]))
    assert axes.get_position().bounds == pytest.approx((0.3, 0.3, 0.4, 0.4))
    assert view._answer({"positions": [2], "sequence": 1})["numbers"] == before


def test_what_is_typed_is_answered_as_it_stands_and_an_example_by_its_place():
    text = Text(name="text", label="text", values=("one", "two"), labels=("one", "two"))
    view = simple(lambda text: Frame(lines=[([0], [0])], sentence=f"{text}."), controls=[text])
    assert view.scene["controls"] == [{"kind": "text", "label": "text", "labels": ["one", "two"]}]
    for position, said in (([1], "two."), (["0"], "0."), ([""], "."), (["漢字 <b>"], "漢字 <b>.")):
        view.request = {"positions": position, "sequence": 1}
        assert view.reply["say"] == said
        assert view.reply["positions"] == position


def test_pieces_are_sent_with_their_notes_and_set_below_the_stored_picture():
    view = simple(lambda k: Frame(lines=[([0], [0])], sentence=".", pieces=[("ab", "1"), ("<c>", "2")] * k))
    assert view.scene["frames"][0]["pieces"] == [["ab", "1"], ["<c>", "2"]]
    sizes = [Image.open(io.BytesIO(view._projections[0].picture(view.frame_at([p])))).size for p in (0, 2, 0)]
    assert sizes[0] == sizes[2]
    assert sizes[0][1] > 300
    tint = np.array([0xCF, 0xE5, 0xF2])
    picture = np.asarray(Image.open(io.BytesIO(view._projections[0].picture(view.frame_at([0])))).convert("RGB"))
    assert (picture[300:] == tint).all(axis=-1).any()


def test_an_error_in_the_computation_is_answered_not_swallowed():
    def frame(a, b):
        if a == 2:
            raise ValueError("a must be small, got 2")
        return Frame(lines=[([0], [0])], sentence="fine.")

    view = two_sliders(frame)
    view.request = {"positions": [1, 0], "sequence": 1}
    assert "ValueError: a must be small, got 2" in view.reply["error"]
    assert view.reply["sequence"] == 1
    view.request = {"positions": [0, 0], "sequence": 2}
    assert view.reply["error"] == ""
    assert view.reply["say"] == "fine."


def test_nan_is_an_error_and_infinity_is_cut_off():
    view = two_sliders(lambda a, b: Frame(lines=[([0, np.nan if a == 2 else 1], [0, np.inf])], sentence="."))
    assert "lines must hold no NaN, got one in line 0 at point 1" in view._answer(
        {"positions": [1, 0], "sequence": 1}
    )["error"]  # fmt: skip
    assert np.isfinite(np.frombuffer(view.reply["numbers"], "<f4")).all()


def test_a_frame_that_does_not_fit_its_stage_is_refused():
    with pytest.raises(ValueError, match="lines must be 1, one for each of the stage, got 2"):
        simple(lambda k: Frame(lines=[([0], [0])] * 2, sentence="."))


def test_more_frames_than_a_notebook_should_carry_are_refused():
    with pytest.raises(ValueError, match="use fewer values"):
        simple(lambda k: Frame(lines=[(np.zeros(200_000), np.zeros(200_000))], sentence="."))


@pytest.mark.parametrize(("values", "start"), [((1,), 0), ((1, 2), 2), ((1, 2), -1)])
def test_a_control_needs_two_values_and_a_start_among_them(values, start):
    with pytest.raises(ValueError, match=r"values must be two or more|start must be a position"):
        Control(name="k", label="k", values=values, labels=[str(v) for v in values], start=start)


def test_a_slider_that_plays_says_so_and_no_other_does():
    def playing(view):
        return [control.get("play") for control in view.scene["controls"]]

    assert playing(optimizers.optimizer_race()) == [None, False, False, True]
    assert playing(descent.bowl()) == [False]


def test_a_drag_names_its_axes_and_sliders():
    view = two_sliders(lambda a, b: Frame(lines=[([0], [0])], sentence="."), drag=Drag(axes=0, x="b", y="a"))
    assert view.scene["drag"] == {"box": view.scene["stages"][0]["lines"][0]["box"], "x": 1, "y": 0}


def test_a_drawing_names_its_axes_and_where_each_handle_stands():
    drawing = Draw(axes=0, sliders=("b", "a"), at=(0.25, 1))
    view = two_sliders(lambda a, b: Frame(lines=[([0], [0])], sentence="."), drag=drawing)
    left, _, width, _ = box = view.scene["stages"][0]["lines"][0]["box"]
    assert view.scene["drag"]["box"] == box
    assert [handle["slider"] for handle in view.scene["drag"]["handles"]] == [1, 0]
    np.testing.assert_allclose([h["x"] for h in view.scene["drag"]["handles"]], [left + width / 4, left + width])


def test_a_handle_says_how_far_it_goes_for_a_step_of_its_sliders():
    grab = Grab(axes=0, handles=[Handle(line=0, x="b", y="a"), Handle(line=0, x="a", y="b", scale=0.5)])
    view = two_sliders(lambda a, b: Frame(lines=[([0], [0])], sentence="."), drag=grab)
    _, _, width, height = view.scene["drag"]["box"]
    first, second = view.scene["drag"]["grabs"]
    assert (first["line"], first["x"], first["y"]) == (0, 1, 0)
    # the axes go from 0 to 1, and from 0 at the bottom to 10; on the page y grows downwards
    np.testing.assert_allclose([first["xStep"], first["yStep"]], [width, -height / 10])
    np.testing.assert_allclose([second["xStep"], second["yStep"]], [width / 2, -height / 20])


def test_a_drawing_needs_a_place_for_each_slider():
    with pytest.raises(ValueError, match="shorter"):
        two_sliders(
            lambda a, b: Frame(lines=[([0], [0])], sentence="."), drag=Draw(axes=0, sliders=("a", "b"), at=(0,))
        )


def test_running_a_cell_again_closes_its_view_and_no_other(monkeypatch):
    cell = {"metadata": {"cellId": "one"}}
    monkeypatch.setattr(live, "get_ipython", lambda: SimpleNamespace(get_parent=lambda: cell))
    first, other_title = simple(), simple(title="Another")
    cell = {"metadata": {"cellId": "two"}}
    other_cell = simple()
    cell = {"metadata": {"cellId": "one"}}
    again = simple()
    alive = {view: view.comm is not None for view in (first, other_title, other_cell, again)}
    assert alive == {first: False, other_title: True, other_cell: True, again: True}
    if hasattr(ipywidgets.Widget, "_instances"):
        assert first.model_id is None


def test_a_closed_view_lets_go_of_its_figures_even_where_the_view_is_kept():
    view = simple()
    figure = weakref.ref(view._projections[0].stage.figure)
    layout = view.layout
    view.close()
    gc.collect()
    assert figure() is None
    assert layout.comm is None
    view.close()  # again, as ipywidgets does when the view is at last collected


def test_a_closed_view_that_nobody_keeps_is_gone():
    first = weakref.ref(simple())
    simple()  # as if the cell had run again
    gc.collect()
    assert first() is None


def with_clock(frame) -> LiveView:
    """Make a view of one slider and a clock."""
    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 10))
    clock = Clock(name="time", label="time", values=(0, 1, 2), labels=("0", "1", "2"))
    slider = Slider(name="k", label="k", values=(1, 2), labels=("1", "2"))
    stage = Stage(figure=figure, lines=axes.plot([], []))
    return LiveView(title="With a clock", controls=[slider, clock], stages=[stage], frame=frame)


def cells() -> Picture:
    return Picture(axes=0, colors=np.full((2, 3, 3), 0.6))


def test_a_running_clock_gets_the_frames_that_follow_up_to_the_last():
    view = with_clock(lambda k, time: Frame(lines=[([], [])], overlays=[cells()], sentence=f"{k} at {time}."))
    for now, ahead, said in ((0, 0, []), (0, 1, [1]), (0, 9, [1, 2]), (2, 1, [])):
        answer = view._answer({"positions": [1, now], "sequence": 1, "ahead": ahead})
        assert answer["say"] == f"2 at {now}."
        assert [frame["say"] for frame in answer["then"]] == [f"2 at {time}." for time in said]
        assert [frame["positions"] for frame in answer["then"]] == [[1, time] for time in said]
        assert all(frame["overlays"] for frame in answer["then"])


def test_a_clock_says_that_it_is_one():
    view = with_clock(lambda k, time: Frame(lines=[([], [])], sentence="."))
    assert [control["kind"] for control in view.scene["controls"]] == ["slider", "clock"]


def test_a_message_from_the_page_is_answered():
    view = with_clock(lambda k, time: Frame(lines=[([], [])], sentence=f"{k} at {time}."))
    view._handle_custom_msg({"positions": [1, 1], "sequence": 3, "ahead": 1}, [])
    assert (view.reply["sequence"], view.reply["say"]) == (3, "2 at 1.")
    assert view.request["positions"] == [1, 1]  # the stored picture is drawn there
