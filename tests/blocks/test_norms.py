import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from kit.blocks.norms import BatchNorm, layer_norm, rms_norm

SEEDS = st.integers(0, 10_000)
WIDTHS = st.integers(2, 40)


def rows(seed, width, n=3):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain(width):
    return torch.ones(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)


@given(SEEDS, WIDTHS, st.floats(0.1, 10), st.floats(-10, 10))
def test_layer_norm_ignores_scale_and_offset(seed, width, scale, offset):
    x = rows(seed, width)
    # the offset is taken off again: of |x| ≤ 60 that leaves 1e-14, over a σ that may be 1e-2 in rows of two
    torch.testing.assert_close(
        layer_norm(scale * x + offset, *plain(width), eps=0.0),
        layer_norm(x, *plain(width), eps=0.0),
        rtol=0,
        atol=1e-10,
    )


@given(SEEDS, WIDTHS)
def test_layer_norm_gives_mean_0_and_mean_square_1(seed, width):
    y = layer_norm(rows(seed, width), *plain(width), eps=0.0)
    torch.testing.assert_close(y.mean(-1), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-10)
    torch.testing.assert_close(y.square().mean(-1), torch.ones(3, dtype=torch.float64), rtol=1e-12, atol=0)


@given(SEEDS, WIDTHS, st.floats(0.1, 10))
def test_rms_norm_ignores_scale(seed, width, scale):
    x = rows(seed, width)
    gain = torch.ones(width, dtype=torch.float64)
    torch.testing.assert_close(rms_norm(scale * x, gain, eps=0.0), rms_norm(x, gain, eps=0.0), rtol=1e-12, atol=1e-12)


@given(SEEDS, WIDTHS)
def test_rms_norm_of_what_is_centred_is_layer_norm(seed, width):
    x = rows(seed, width)
    x = x - x.mean(dim=-1, keepdim=True)
    gain, bias = plain(width)
    torch.testing.assert_close(rms_norm(x, gain, eps=1e-5), layer_norm(x, gain, bias, eps=1e-5), rtol=1e-12, atol=1e-12)


@given(SEEDS, WIDTHS)
def test_norms_treat_each_row_by_itself(seed, width):
    x, (gain, bias) = rows(seed, width), plain(width)
    torch.testing.assert_close(layer_norm(x, gain, bias)[1], layer_norm(x[1], gain, bias), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(rms_norm(x, gain)[1], rms_norm(x[1], gain), rtol=1e-12, atol=1e-14)


def test_a_constant_row_maps_to_the_shift():
    gain, bias = torch.full((4,), 5.0), torch.arange(4.0)
    assert layer_norm(torch.full((4,), 7.0), gain, bias).tolist() == bias.tolist()


def test_a_row_far_from_zero_keeps_its_digits_in_float32():
    x = rows(0, 64).float() + 10_000
    # near 10,000 a float32 stands on a grid of 1e-3, so the exact answer for what it holds is the judge
    exact = layer_norm(x.double(), *plain(64), eps=1e-5)
    ours = layer_norm(x, torch.ones(64), torch.zeros(64))
    naive = (x - x.mean(-1, keepdim=True)) / (x.square().mean(-1, keepdim=True) - x.mean(-1, keepdim=True) ** 2).sqrt()
    assert (ours - exact).abs().max() < 5e-3  # the mean of 64 such numbers is rounded to the same grid
    assert not (naive - exact).abs().max() < 0.1


@pytest.mark.parametrize("norm", [layer_norm, rms_norm])
def test_norm_gradcheck(norm):
    parameters = [rows(1, 5, 1)[0], rows(2, 5, 1)[0]][: 2 if norm is layer_norm else 1]
    assert gradcheck(norm, [t.requires_grad_() for t in (rows(0, 5), *parameters)])


def batches(seed, shape=(6, 5), n=4):
    generator = torch.Generator().manual_seed(seed)
    return [3 + 2 * torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n)]


@pytest.mark.parametrize("shape", [(6, 5), (2, 5), (3, 5, 4, 2)])
@pytest.mark.parametrize("momentum", [0.1, 0.4, 1.0])
def test_batch_norm_matches_torch_in_training_and_in_evaluation(shape, momentum):
    make = torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d
    ours, theirs = BatchNorm(5, momentum=momentum).double(), make(5, momentum=momentum).double()
    with torch.no_grad():
        for each in (ours, theirs):
            each.weight.copy_(torch.linspace(0.5, 2, 5))
            each.bias.copy_(torch.linspace(-1, 1, 5))
    for x in batches(0, shape):
        results = []
        for each in (ours, theirs):
            given = x.clone().requires_grad_()
            y = each(given)
            each.zero_grad()
            (y * y.detach().sin()).sum().backward()
            results.append((y, given.grad, each.weight.grad, each.bias.grad, each.running_mean, each.running_var))
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)
    new = batches(1, shape, n=1)[0]
    torch.testing.assert_close(ours.eval()(new), theirs.eval()(new), rtol=1e-12, atol=1e-12)
    before = ours.running_mean.clone()
    ours(new)
    assert torch.equal(ours.running_mean, before)


def test_batch_norm_takes_the_state_of_torchs():
    theirs = torch.nn.BatchNorm1d(5)
    theirs(batches(0)[0].float())
    state = {name: value for name, value in theirs.state_dict().items() if name != "num_batches_tracked"}
    ours = BatchNorm(5)
    ours.load_state_dict(state)
    x = batches(1)[0].float()
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_batch_norm_divides_by_n_and_remembers_by_n_less_1():
    norm = BatchNorm(1, eps=0.0, momentum=1.0)
    y = norm(torch.tensor([[1.0], [3.0]]))
    assert y.flatten().tolist() == [-1, 1]
    assert norm.running_var.tolist() == [2.0]


def test_a_batch_of_one_is_refused_in_training_and_taken_in_evaluation():
    norm = BatchNorm(3)
    with pytest.raises(ValueError, match="x must hold two numbers of each feature or more"):
        norm(torch.ones(1, 3))
    assert norm.running_mean.tolist() == [0, 0, 0]
    assert norm.eval()(torch.ones(1, 3)).shape == (1, 3)
    assert norm.train()(torch.ones(1, 3, 2)).shape == (1, 3, 2)  # two places are two numbers


def test_after_a_few_steps_evaluation_lags():
    norm = BatchNorm(1)
    x = 100 + torch.randn(64, 1, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        norm(x)
    assert norm.running_mean.item() == pytest.approx(x.mean().item() * (1 - 0.9**5), rel=1e-4)
