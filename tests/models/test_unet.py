import numpy as np
import pytest
import torch
from torch import nn

from kit.blocks.initialisation import init_he
from kit.models.parameters import n_params
from kit.models.unet import UNet, UNetConfig, centre

SMALL = {"width": 4, "depth": 2, "n_outputs": 1}


def test_the_net_of_2015_turns_572_into_388_by_23_convolutions():
    with torch.device("meta"):
        net = UNet(UNetConfig())
        assert net(torch.zeros(1, 1, 572, 572)).shape == (1, 2, 388, 388)
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) == 23
    assert max(layer.out_channels for layer in layers) == 1024
    assert n_params(net) == 31_030_658  # by hand: the sum below


def test_its_weights_add_up_by_hand():
    widths, total = [64, 128, 256, 512, 1024], 0
    for n_in, n_out in zip([1, *widths], widths, strict=False):
        total += 9 * n_in * n_out + n_out + 9 * n_out * n_out + n_out
    for n in widths[:-1]:
        total += 4 * 2 * n * n + n + 9 * 2 * n * n + n + 9 * n * n + n
    assert total + 2 * 64 + 2 == 31_030_658


@pytest.mark.parametrize("padded", [True, False])
def test_with_and_without_skips_the_weights_are_the_same_one_by_one(padded):
    nets = [UNet(UNetConfig(**SMALL, padded=padded, skips=skips)) for skips in (True, False)]
    shapes = [{name: weight.shape for name, weight in net.named_parameters()} for net in nets]
    assert shapes[0] == shapes[1]
    x = torch.randn(1, 1, 44, 44, generator=torch.Generator().manual_seed(0))
    assert nets[0](x).shape == nets[1](x).shape


def weights_of_first_scale(net: UNet) -> torch.Tensor:
    """Sum what the finest features of the encoder get as gradient through the decoder alone."""
    x = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    net(x).square().sum().backward()
    return net.up[-1].first.weight.grad


def test_without_skips_the_decoder_hears_of_the_picture_by_the_coarsest_layer_alone():
    for skips in (True, False):
        net = UNet(UNetConfig(**SMALL, padded=True, skips=skips), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            net.down[-1].second.weight.zero_()  # what is coarsest says nothing now
        images = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(2))
        with torch.no_grad():
            spread = net(images).std(dim=0).max()
        assert (spread > 1e-3) == skips


def test_every_weight_learns_with_and_without_skips():
    for skips in (True, False):
        net = UNet(UNetConfig(**SMALL, padded=True, skips=skips), generator=torch.Generator().manual_seed(0))
        weights_of_first_scale(net)
        for name, weight in net.named_parameters():
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name
        halves = net.up[-1].first.weight.grad.abs().sum(dim=(0, 2, 3)).split(SMALL["width"])
        assert min(half.sum() for half in halves) > 0


def test_squares_keep_their_mean_through_the_layers():
    net = UNet(UNetConfig(width=32, depth=3, padded=True, n_outputs=1), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = net(torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(1)))
    assert 0.05 < out.square().mean() < 20


def test_start_draws_by_fan_in_and_one_generator_gives_one_net():
    layer = nn.ConvTranspose2d(64, 16, 2, stride=2)
    init_he(layer, generator=torch.Generator().manual_seed(0))
    assert float(layer.weight.detach().std()) == pytest.approx((2 / 64) ** 0.5, rel=0.05)
    assert not layer.bias.any()
    again = [UNet(UNetConfig(**SMALL), generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*(net.parameters() for net in again), strict=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_it_computes_in_other_dtypes(dtype):
    net = UNet(UNetConfig(**SMALL, padded=True)).to(dtype)
    assert net(torch.zeros(1, 1, 8, 8, dtype=dtype)).dtype == dtype


def test_the_middle_is_cut_alike_on_either_side():
    x = torch.arange(30.0).reshape(1, 1, 5, 6)
    np.testing.assert_array_equal(centre(x, torch.zeros(1, 1, 3, 2))[0, 0], x[0, 0, 1:4, 2:4])
    assert torch.equal(centre(x, x), x)


@pytest.mark.parametrize("side", [570, 571, 60])
def test_sizes_that_do_not_halve_are_refused(side):
    with torch.device("meta"):
        net = UNet(UNetConfig())
        with pytest.raises(ValueError, match=r"^images must (have sides|be large)"):
            net(torch.zeros(1, 1, side, side))
