import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate2d

from kit.learn.convolution import Window, convolve, convolve_gradients, output_size, receptive_field
from kit.learn.descent import finite_differences

RNG = np.random.default_rng(0)


def test_convolve_matches_scipys_correlation():
    x, kernel = RNG.normal(size=(7, 6)), RNG.normal(size=(3, 2))
    ours = convolve(x[None], kernel[None, None])[0]
    np.testing.assert_allclose(ours, correlate2d(x, kernel, mode="valid"), rtol=1e-12, atol=1e-12)


def test_gradients_match_finite_differences():
    x, kernels, upstream = RNG.normal(size=(2, 4, 5)), RNG.normal(size=(2, 1, 2, 2)), RNG.normal(size=(2, 2, 3))
    how = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    to_x, to_kernels = convolve_gradients(x, kernels, upstream, **how)
    by_x = finite_differences(lambda p: (float((convolve(p, kernels, **how) * upstream).sum()), p), x)
    by_kernels = finite_differences(lambda p: (float((convolve(x, p, **how) * upstream).sum()), p), kernels)
    np.testing.assert_allclose(to_x, by_x, atol=1e-8)
    np.testing.assert_allclose(to_kernels, by_kernels, atol=1e-8)


@given(
    size=st.integers(1, 30), kernel=st.integers(1, 5), stride=st.integers(1, 4), padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)  # fmt: skip
def test_the_output_size_is_the_number_of_places(size, kernel, stride, padding, dilation):
    spread = dilation * (kernel - 1) + 1
    places = len(range(0, size + 2 * padding - spread + 1, stride))
    if places:
        assert output_size(size, kernel=kernel, stride=stride, padding=padding, dilation=dilation) == places
    else:
        with pytest.raises(ValueError, match="kernel must fit"):
            output_size(size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


def test_the_published_sizes_of_alexnet_and_resnet():
    """Krizhevsky et al. (2012): 227 to 55 by 11 with stride 4; He et al. (2015): 224 to 112 by 7 with stride 2."""
    assert output_size(227, kernel=11, stride=4) == 55
    assert output_size(224, kernel=7, stride=2, padding=3) == 112


def test_receptive_fields_of_known_stacks():
    """Two of 3 see 5, three see 7 (Simonyan and Zisserman, 2014, section 2.3); VGG-16's last pool sees 212."""
    assert [receptive_field([Window(kernel=3)] * n).size for n in (1, 2, 3)] == [3, 5, 7]
    conv, pool = Window(kernel=3, padding=1), Window(kernel=2, stride=2)
    vgg16 = [*[conv] * 2, pool, *[conv] * 2, pool, *[conv] * 3, pool, *[conv] * 3, pool, *[conv] * 3, pool]
    assert receptive_field(vgg16).size == 212
    assert receptive_field(vgg16).step == 32


def test_a_field_begins_in_the_padding():
    field = receptive_field([Window(kernel=3, padding=1), Window(kernel=3, stride=2, padding=1)])
    assert field.of(0) == (-2, 3)
    assert field.of(2) == (2, 7)
    assert receptive_field([]).of(4) == (4, 5)
