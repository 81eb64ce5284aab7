import base64
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from kit.explore.live import Choice, Click, Frame, LiveView, Slider, Stage
from kit.explore.overlay import HeatMap, Picture, Words

TABLE = np.array([[1.0, -1.0, 0.0], [0.5, -np.inf, np.inf]])
NAMES = {"rows": ("up", "down"), "columns": ("a", "b", "c")}


def heat(**changes) -> HeatMap:
    return HeatMap(**{"axes": 0, "values": TABLE, **NAMES} | changes)


def view_of(*overlays, drag=None) -> LiveView:
    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    choice = Choice(name="k", label="k", values=(1, 2), labels=("1", "2"))
    return LiveView(
        title="A test",
        controls=[choice],
        stages=[Stage(figure=figure, lines=axes.plot([], []))],
        frame=lambda k: Frame(lines=[([], [])], sentence=f"{k}.", overlays=overlays if k == 1 else ()),
        drag=drag,
    )


def pixel(view: LiveView, x: float, y: float) -> tuple[int, ...]:
    """Read the stored picture in the middle of what stands at these data units."""
    png = view._projections[0].picture(view.frame_at([0]))
    axes = view._projections[0].stage.figure.axes[0]
    across, up = axes.transData.transform((x, y))
    return tuple(np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[300 - round(up), round(across)].tolist())


def test_colours_say_the_sign_and_the_size():
    view = view_of(heat())
    assert pixel(view, 1 / 6, 0.75) == (0xD5, 0x5E, 0x00)
    assert pixel(view, 3 / 6, 0.75) == (0x00, 0x72, 0xB2)
    assert pixel(view, 5 / 6, 0.75) == (0xFF, 0xFF, 0xFF)
    np.testing.assert_allclose(pixel(view, 1 / 6, 0.25), (0xEA, 0xAE, 0x80), atol=2)
    assert pixel(view, 3 / 6, 0.25) == pixel(view, 5 / 6, 0.25) == (0xD9, 0xD9, 0xD9)


def test_the_picture_without_overlays_holds_none_of_the_last_one():
    view = view_of(heat(), Words(axes=0, x=[0.5], y=[0.5], texts=["word"]))
    view._projections[0].picture(view.frame_at([0]))
    figure = view._projections[0].stage.figure
    assert not figure.axes[0].images
    assert not figure.axes[0].texts
    empty = Image.open(io.BytesIO(view._projections[0].picture(view.frame_at([1])))).convert("RGB")
    assert (np.asarray(empty) == 255).all()


def test_the_page_is_sent_the_numbers_their_names_and_their_place():
    view = view_of(heat())
    (sent,) = view._answer({"positions": [0], "sequence": 1})["overlays"]
    np.testing.assert_array_equal(np.frombuffer(sent["values"], "<f4").reshape(2, 3), TABLE)
    assert (sent["rows"], sent["columns"], sent["limit"]) == (["up", "down"], ["a", "b", "c"], 1.0)
    assert sent["box"] == view.scene["stages"][0]["lines"][0]["box"]
    assert view._answer({"positions": [1], "sequence": 2})["overlays"] == []


def picture(shape=(2, 3, 3), **changes) -> Picture:
    colors = np.full(shape, 0.6)
    colors[0, 0] = 0
    return Picture(**{"axes": 0, "colors": colors} | changes)


def test_a_picture_is_sent_cell_by_cell_from_the_top_left():
    view = view_of(picture(smooth=False))
    (sent,) = view.reply["overlays"]
    cells = np.frombuffer(sent["cells"], np.uint8).reshape(2, 3, 4)
    assert sent["columns"] == 3
    assert cells[0, 0].tolist() == [0, 0, 0, 255]
    assert cells[1, 2].tolist() == [153, 153, 153, 255]
    assert sent["box"] == view.scene["stages"][0]["lines"][0]["box"]
    assert not sent["smooth"]


def test_a_picture_is_smoothed_unless_it_says_otherwise():
    assert view_of(picture()).reply["overlays"][0]["smooth"]


def test_the_stored_picture_shows_a_picture_too():
    view = view_of(picture(smooth=False))
    assert pixel(view, 1 / 6, 0.75) == (0, 0, 0)
    assert pixel(view, 3 / 6, 0.25) == (153, 153, 153)


def test_a_picture_without_colours_is_an_error():
    with pytest.raises(ValueError, match=r"colors must be red, green and blue for each cell, got shape \(2, 3, 4\)"):
        picture(shape=(2, 3, 4))


def test_a_picture_is_refused_where_frames_are_computed_beforehand():
    with pytest.raises(ValueError, match="overlays must hold no picture where one slider is computed beforehand"):
        beforehand(lambda k: picture())


def beforehand(overlay) -> LiveView:
    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.subplots()
    return LiveView(
        title="Beforehand",
        controls=[Slider(name="k", label="k", values=(1, 2), labels=("1", "2"))],
        stages=[Stage(figure=figure, lines=axes.plot([], []))],
        frame=lambda k: Frame(lines=[([], [])], sentence=".", overlays=[overlay(k)]),
    )


def test_words_are_sent_in_pixels_from_the_top_left():
    view = view_of(Words(axes=0, x=[0, 1], y=[0, 1], texts=["low", "high"], size=7.2))
    (sent,) = view._answer({"positions": [0], "sequence": 1})["overlays"]
    left, top, width, height = view.scene["stages"][0]["lines"][0]["box"]
    np.testing.assert_allclose(sent["places"], [[left, top + height], [left + width, top]], atol=1e-6)
    assert sent["size"] == pytest.approx(10)


def test_the_furthest_number_has_the_full_colour_unless_a_limit_is_given():
    assert heat().furthest == 1.0
    assert heat(limit=4.0).furthest == 4.0
    assert heat(values=np.zeros((2, 3))).furthest == 1.0
    assert heat(values=np.full((2, 3), -np.inf)).furthest == 1.0


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"values must have a row and a column for each name, \(1, 3\), got \(2, 3\)"):
        heat(rows=("up",))
    with pytest.raises(ValueError, match="texts must have an x and a y each, got 1, 2, 1"):
        Words(axes=0, x=[0], y=[0, 1], texts=["word"])


def test_the_boxes_of_a_click_are_sent_in_pixels():
    view = view_of(drag=Click(axes=0, control="k", boxes=[(0, 0, 1, 0.5), (0, 0.5, 1, 0.5)]))
    left, top, width, height = view.scene["stages"][0]["lines"][0]["box"]
    drag = view.scene["drag"]
    assert drag["control"] == 0
    np.testing.assert_allclose(drag["boxes"][0], [left, top + height / 2, left + width, top + height], atol=1e-6)
    np.testing.assert_allclose(drag["boxes"][1], [left, top, left + width, top + height / 2], atol=1e-6)


def test_overlays_of_a_view_that_is_computed_beforehand_are_sent_too():
    view = beforehand(lambda k: heat(limit=float(k)))
    assert [frame["overlays"][0]["limit"] for frame in view.scene["frames"]] == [1.0, 2.0]
    data, _ = view._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (400, 300)
