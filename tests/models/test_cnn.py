import numpy as np
import pytest
import torch
from torch import nn

from kit.blocks.convolution import pixels_seen
from kit.blocks.initialisation import init_he
from kit.learn.augmentation import neighbours, shift
from kit.learn.convolution import Window, receptive_field
from kit.models.cnn import (
    CNN,
    RESNET_CONFIGS,
    CNNConfig,
    PlainBlock,
    ResidualBlock,
    ResNet,
    ResNetConfig,
    shortcut,
)
from kit.models.parameters import n_params, on_meta
from tests.bench.plain_resnet import ResNet20

SMALL = ResNetConfig(depth=8, widths=(2, 3, 5), n_channels=1)


@pytest.mark.parametrize(
    ("depth", "n", "paper"),
    [
        (20, 269_722, "0.27"),
        (32, 464_154, "0.46"),
        (44, 658_586, "0.66"),
        (56, 853_018, "0.85"),
        (110, 1_727_962, "1.7"),
        (1202, 19_421_274, "19.4"),
    ],
)
def test_the_resnets_of_cifar_have_the_published_parameters(depth, n, paper):
    """Table 6 of the paper, in millions; its shortcuts are of type A, without a weight."""
    counted = n_params(on_meta(ResNet, RESNET_CONFIGS[depth]))
    assert counted == n
    assert f"{counted / 1e6:.{len(paper.partition('.')[2])}f}" == paper


def test_resnet_20_matches_plain_torch():
    torch.manual_seed(0)
    ours, theirs = ResNet(RESNET_CONFIGS[20]).double(), ResNet20().double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    for mode in (True, False):
        torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x), rtol=1e-12, atol=1e-12)
    targets = torch.tensor([1, 2, 3, 4])
    for net in (ours.train(), theirs.train()):
        nn.functional.cross_entropy(net(x), targets).backward()
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-12, msg=name)


def test_a_depth_counts_convolutions_and_the_last_layer():
    for depth in (8, 20, 56):
        model = on_meta(ResNet, ResNetConfig(depth=depth))
        assert sum(isinstance(part, nn.Conv2d | nn.Linear) for part in model.modules()) == depth


@pytest.mark.parametrize("norm", [True, False])
def test_a_net_and_its_plain_twin_differ_by_the_skip_alone(norm):
    nets = []
    for skip in (True, False):
        torch.manual_seed(0)
        nets.append(ResNet(ResNetConfig(depth=8, skip=skip, norm=norm)))
    states = [net.state_dict() for net in nets]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    x = torch.randn(2, 3, 8, 8)
    assert not torch.allclose(nets[0](x), nets[1](x))


def test_a_block_whose_branch_is_zero_hands_its_input_on_only_with_a_skip():
    x = torch.rand(2, 3, 4, 4)
    for kind, expected in ((ResidualBlock, x), (PlainBlock, torch.zeros_like(x))):
        block = kind(SMALL, 3, 3, 1)
        assert isinstance(block.norm2, nn.BatchNorm2d)
        nn.init.zeros_(block.norm2.weight)
        assert torch.equal(block(x), expected)


def test_a_shortcut_keeps_every_other_pixel_and_adds_zeros_behind():
    x = torch.rand(2, 3, 5, 4)
    y = shortcut(x, channels=5, stride=2)
    assert y.shape == (2, 5, 3, 2)
    assert torch.equal(y[:, :3], x[:, :, ::2, ::2])
    assert not y[:, 3:].any()
    assert torch.equal(shortcut(x, channels=3, stride=1), x)


def test_the_middle_of_a_resnet_sees_what_the_closed_form_says():
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(depth=8, widths=(2, 2, 2), n_channels=1, norm=False)).double()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)  # so that no ReLU is dead
    one, two = Window(kernel=3, padding=1), Window(kernel=3, stride=2, padding=1)
    field = receptive_field([one, one, one, two, one, two, one])
    seen = pixels_seen(lambda x: net.blocks(net.conv(x).relu()), torch.rand(1, 1, 64, 64).double(), row=8, column=8)
    first, last = field.of(8)
    assert field.size == 25
    assert seen[first:last, first:last].all()
    assert seen.sum() == field.size**2


def test_he_matches_torch():
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 64, 3)
    init_he(layer)
    assert layer.weight.var().item() == pytest.approx(2 / (16 * 9), rel=0.05)
    assert layer.bias is not None
    assert not layer.bias.any()
    torch.manual_seed(0)
    theirs = nn.Conv2d(16, 64, 3)
    nn.init.kaiming_normal_(theirs.weight)
    assert theirs.weight.std().item() == pytest.approx(layer.weight.std().item(), rel=0.05)


def test_torchs_own_start_is_kept():
    layer = ResNet(ResNetConfig(depth=8, start="torch")).get_submodule("blocks.2.conv2")
    assert isinstance(layer, nn.Conv2d)
    assert layer.weight.var().item() == pytest.approx(1 / (3 * 64 * 9), rel=0.05)


@pytest.mark.parametrize("blur", [False, True])
@pytest.mark.parametrize(("size", "rounds"), [(28, 3), (14, 2), (7, 1)])
def test_each_round_of_a_cnn_halves_the_sides(size, rounds, blur):
    model = CNN(CNNConfig(size=size, widths=(4,) * rounds, blur=blur))
    assert model(torch.rand(3, 1, size, size)).shape == (3, 10)
    assert model.head.in_features == 4 * (size >> rounds) ** 2


def test_a_blur_has_no_parameters():
    assert n_params(CNN(CNNConfig(blur=True))) == n_params(CNN(CNNConfig()))


@torch.no_grad()
def test_with_a_blur_a_cnn_answers_a_moved_picture_more_alike():
    """Of nets that have not learned: the mean change of the logits under moves by one pixel."""
    images = np.zeros((20, 28, 28))
    images[:, 8:20, 8:20] = np.random.default_rng(0).random((20, 12, 12))
    changes = []
    for blur in (False, True):
        torch.manual_seed(0)
        model, change = CNN(CNNConfig(blur=blur)).double(), 0.0
        here = model(torch.from_numpy(images)[:, None])
        for move in neighbours(1):
            there = model(torch.from_numpy(shift(images, np.tile(move, (20, 1))))[:, None])
            change += float((here - there).square().mean() / here.square().mean())
        changes.append(change)
    assert changes[1] < changes[0]
