import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.blocks.convolution import avg_pool2d, blur_pool2d, conv2d, max_pool2d, pixels_seen, unfold
from kit.learn.convolution import Window, receptive_field
from tests.blocks.agreement import BAR, differences
from tests.blocks.convolution_agreement import CASES

GENERATOR = torch.Generator().manual_seed(0)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize("name", CASES)
def test_convolutions_and_pools_match_torch_forwards_and_backwards(name):
    found = differences(CASES[name])
    assert max(found) <= BAR, found


def test_conv2d_gradcheck():
    x, kernels = drawn(1, 2, 4, 4).requires_grad_(), drawn(2, 1, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: conv2d(a, b, stride=2, padding=1, groups=2), (x, kernels))


def test_unfold_copies_no_number():
    x = drawn(1, 1, 5, 5)
    assert unfold(x, kernel=(3, 3)).data_ptr() == x.data_ptr()


def test_a_convolution_of_a_moved_picture_is_the_moved_convolution():
    """Away from the edge; the very thing that stride and pooling break."""
    x = F.pad(drawn(1, 1, 6, 6), (4, 4, 4, 4))
    moved, kernel = x.roll((1, 2), (2, 3)), drawn(1, 1, 3, 3)
    torch.testing.assert_close(conv2d(x, kernel).roll((1, 2), (2, 3)), conv2d(moved, kernel))
    strided = [conv2d(each, kernel, stride=2) for each in (x, moved)]
    assert not any(torch.allclose(strided[0].roll((r, c), (2, 3)), strided[1]) for r in (0, 1) for c in (0, 1, 2))


def test_a_blur_keeps_the_mean_of_a_flat_picture_and_dims_the_finest_stripes():
    flat, stripes = torch.ones(1, 2, 6, 6), torch.tensor([[1.0, -1.0] * 4]).expand(1, 1, 8, 8)
    assert (blur_pool2d(flat) == 1).all()
    assert blur_pool2d(flat).shape == (1, 2, 3, 3)
    assert blur_pool2d(stripes, stride=1)[..., 1:-1].abs().max() < 1e-7
    assert (stripes[..., ::2] == 1).all()  # what a stride alone makes of them


def test_a_blur_before_the_stride_moves_less_with_the_picture():
    x = drawn(1, 1, 16, 17)
    here, there = x[..., :-1], x[..., 1:]
    plain = (here[..., ::2, ::2] - there[..., ::2, ::2]).square().mean()
    assert (blur_pool2d(here) - blur_pool2d(there)).square().mean() < plain / 2


@pytest.mark.parametrize(
    "windows",
    [
        [Window(kernel=3)],
        [Window(kernel=3, padding=1)] * 3,
        [Window(kernel=3, stride=2, padding=1), Window(kernel=2, stride=2), Window(kernel=3, padding=1)],
        [Window(kernel=5, padding=2), Window(kernel=3, dilation=2, padding=2), Window(kernel=3, stride=2)],
        [Window(kernel=1, stride=2), Window(kernel=3)],
    ],
    ids=lambda windows: " ".join(f"{w.kernel}/{w.stride}/{w.padding}/{w.dilation}" for w in windows),
)
def test_the_receptive_field_in_closed_form_is_the_one_that_gradients_measure(windows):
    layers = [
        nn.Conv2d(1, 1, w.kernel, stride=w.stride, padding=w.padding, dilation=w.dilation).double() for w in windows
    ]
    for layer in layers:
        nn.init.ones_(layer.weight)
    stack, x = nn.Sequential(*layers), drawn(1, 1, 41, 41)
    field, middle = receptive_field(windows), stack(x).shape[-1] // 2
    seen = pixels_seen(stack, x, row=middle, column=middle)
    first, last = field.of(middle)
    want = torch.zeros(41, 41, dtype=torch.bool)
    want[first:last, first:last] = True
    holes = windows[0].stride > windows[0].kernel  # pixels between that no one looks at
    if holes:
        assert not (seen & ~want).any()
        assert seen[first, first]
        assert seen[last - 1, last - 1]
    else:
        assert torch.equal(seen, want)


def test_pools_see_what_they_say():
    seen = pixels_seen(
        lambda x: avg_pool2d(max_pool2d(x, kernel=2), kernel=2), torch.rand(200, 1, 8, 8), row=0, column=1
    )
    assert seen.sum() == receptive_field([Window(kernel=2, stride=2)] * 2).size ** 2


def test_pixels_seen_rejects_an_output_outside():
    with pytest.raises(ValueError, match="column must be below 3"):
        pixels_seen(lambda x: max_pool2d(x, kernel=2), torch.rand(1, 1, 6, 6), row=0, column=3)


def test_low_precision_keeps_its_dtype():
    x = torch.rand(1, 2, 6, 6, dtype=torch.bfloat16)
    assert conv2d(x, torch.rand(3, 2, 3, 3, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert blur_pool2d(x).dtype == max_pool2d(x, kernel=2).dtype == torch.bfloat16
