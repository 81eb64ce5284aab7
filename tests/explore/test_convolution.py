from typing import Any

import numpy as np
import pytest
import torch

from kit.blocks.convolution import conv2d, pixels_seen
from kit.explore.convolution import (
    BETWEEN,
    HEIGHT,
    KERNELS,
    PHOTOS,
    QUEST_LAYERS,
    QUEST_SIZE,
    WIDTH,
    coloured,
    kernel_frame,
    kernel_view,
    parse_kernel,
    photo,
    stack,
)
from kit.learn.convolution import convolve

AT: dict[str, Any] = {"n_layers": 1, "stride": 1, "between": "nothing", "row": 40, "column": 64}


@pytest.mark.parametrize("name", PHOTOS)
def test_photos_are_grey_and_fit_the_picture(name):
    grey = photo(name)
    assert grey.shape == (HEIGHT, WIDTH)
    assert 0 <= grey.min() < 0.2
    assert 0.8 < grey.max() <= 1


@pytest.mark.parametrize("text", KERNELS)
def test_every_example_is_a_kernel(text):
    assert isinstance(parse_kernel(text), np.ndarray)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rows of as many numbers"),
        ("1 2 3", "rows of as many numbers"),
        ("1 2 / 3 4", "rows of as many numbers"),
        ("1 2 3 / 4 5 6 / 7 8", "rows of as many numbers"),
        ("x", "made of numbers"),
        ("nan", "lie between"),
        ("1e9", "lie between"),
    ],
)
def test_what_is_no_kernel_is_told_so(text, said):
    assert said in str(parse_kernel(text))
    frame = kernel_frame("temple", text, **AT)
    assert said in frame.sentence
    assert not frame.quest_met


def test_kernels_may_have_commas_and_a_name():
    np.testing.assert_array_equal(parse_kernel("mine: 1, 2, 3 / 4 5 6 / 7,8,9"), np.arange(1.0, 10).reshape(3, 3))
    np.testing.assert_array_equal(parse_kernel("-.5"), [[-0.5]])


def test_one_layer_is_the_convolution_by_loops():
    kernel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    np.testing.assert_array_equal(parse_kernel(KERNELS[0]), kernel)
    found = stack("flower", kernel, n_layers=1, stride=2, between="nothing")
    want = convolve(photo("flower")[None], kernel[None, None], stride=2, padding=1)[0]
    np.testing.assert_allclose(found.maps[-1], want, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("side", [1, 3, 5])
def test_the_products_of_a_patch_add_up_to_its_output(stride, between, side):
    kernel = np.random.default_rng(0).normal(size=(side, side))
    found = stack("temple", kernel, n_layers=3, stride=stride, between=between)
    for place in ((0, 0), (5, 7), (found.maps[-1].shape[0] - 1, 3)):
        assert (found.patch(*place) * kernel).sum() == pytest.approx(found.maps[-1][place], abs=1e-9)


@pytest.mark.parametrize(("n_layers", "stride"), [(1, 1), (3, 1), (2, 2), (4, 2)])
def test_the_field_that_is_drawn_is_the_one_that_gradients_measure(n_layers, stride):
    found = stack("temple", np.ones((3, 3)), n_layers=n_layers, stride=stride, between="nothing")
    place = found.place_of(45, 66)

    def layers(x):
        for _ in range(n_layers):
            x = conv2d(x, torch.ones(1, 1, 3, 3), stride=stride, padding=1)
        return x

    seen = pixels_seen(layers, torch.rand(1, 1, HEIGHT, WIDTH), row=place[0], column=place[1]).numpy()
    (top, bottom), (left, right) = (found.field.of(each) for each in place)
    assert seen[top:bottom, left:right].all()
    assert seen.sum() == (bottom - top) * (right - left)
    assert abs((top + bottom - 1) / 2 - 45) <= found.field.step / 2
    assert abs((left + right - 1) / 2 - 66) <= found.field.step / 2


def test_a_pointer_at_the_edge_finds_an_output():
    for n_layers, stride in ((5, 2), (1, 1)):
        found = stack("temple", np.ones((3, 3)), n_layers=n_layers, stride=stride, between="ReLU")
        for row, column in ((0, 0), (HEIGHT - 1, WIDTH - 1)):
            found.patch(*found.place_of(row, column))
    assert "beyond its edge" in kernel_frame("temple", KERNELS[0], **{**AT, "row": 0}).sentence


def test_colours_say_the_sign():
    colours = coloured(np.array([[0.0, 2.0, -2.0]]))[0]
    np.testing.assert_array_equal(colours[0], 0)
    np.testing.assert_array_equal(colours[1], 1)
    assert colours[2][2] > colours[2][0]


def test_the_quest_is_met_by_edges_through_four_layers_with_stride_2_and_by_neither_alone():
    view = kernel_view()
    start = [control.start for control in view.controls]

    def met(kernel, layers, stride):
        return view.frame_at([0, kernel, layers - 1, stride - 1, *start[4:]]).quest_met

    assert met(0, QUEST_LAYERS, 2)
    assert met("0 1 0 / 1 -4 1 / 0 1 0", QUEST_LAYERS, 2)
    assert not met(3, QUEST_LAYERS, 2)  # a blur
    assert not met("0 0 0 / 0 0 0 / 0 0 0", QUEST_LAYERS, 2)
    assert not met(0, QUEST_LAYERS, 1)
    assert not met(0, QUEST_LAYERS - 1, 2)
    assert not view.frame_at(start).quest_met
    assert f"{QUEST_SIZE} × {QUEST_SIZE}" in view.scene["quest"]


def test_a_drag_moves_row_and_column_the_way_the_pointer_goes():
    view = kernel_view()
    names = [control.name for control in view.controls]
    assert view.scene["drag"]["x"] == names.index("column")
    assert view.scene["drag"]["y"] == names.index("row")
    assert view.controls[names.index("row")].values[0] == HEIGHT - 1  # the bottom of the picture
    assert view.controls[names.index("column")].values[0] == 0
