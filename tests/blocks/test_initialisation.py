import math

import pytest
import torch
from torch import nn

from kit.blocks.initialisation import init_gaussian, init_linear, init_normal, scale_residual_weights


def test_weights_are_normal_and_biases_0():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(500, 40), nn.Linear(400, 300), nn.Linear(9, 9, bias=False), nn.LayerNorm(9))
    init_normal(model, std=0.02)
    for weight in (model[0].weight, model[1].weight):
        # of n draws the mean errs by σ/√n, the standard deviation by σ/√(2n)
        assert abs(weight.mean()) < 5 * 0.02 / math.sqrt(weight.numel())
        assert abs(weight.std() - 0.02) < 5 * 0.02 / math.sqrt(2 * weight.numel())
    assert (model[1].bias == 0).all()
    assert (model[3].weight == 1).all()


def test_one_seed_gives_one_model():
    models = [nn.Linear(5, 5), nn.Linear(5, 5)]
    for model in models:
        torch.manual_seed(3)
        init_normal(model, std=1.0)
    assert torch.equal(models[0].weight, models[1].weight)


def test_a_stream_of_many_writers_keeps_the_variance_of_one():
    torch.manual_seed(0)
    n, width = 64, 256
    layers = [nn.Linear(width, width) for _ in range(n)]
    for layer in layers:
        init_normal(layer, std=width**-0.5)
    scale_residual_weights(*layers, n_residuals=n)
    x = torch.randn(1000, width)
    stream = sum(layer(x) for layer in layers)
    # 256,000 numbers, of which those of one feature or one row hang together: judged as 256 independent ones
    assert abs(stream.var().item() - 1) < 5 * math.sqrt(2 / width)


def test_shrinking_leaves_the_biases():
    layer = nn.Linear(2, 2)
    nn.init.ones_(layer.weight)
    nn.init.ones_(layer.bias)
    scale_residual_weights(layer, n_residuals=4)
    assert layer.weight.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert layer.bias.tolist() == [1, 1]


N_IN, N_OUT = 400, 300
VARIANCES = {"torch": 1 / (3 * N_IN), "Xavier": 2 / (N_IN + N_OUT), "He": 2 / N_IN, "zero": 0.0}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("scheme", VARIANCES)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_each_scheme_has_its_variance(scheme, gain):
    layer = nn.Linear(N_IN, N_OUT)
    init_linear(layer, scheme=scheme, gain=gain, generator=seeded())
    # of n draws a standard deviation errs by σ/√(2n)
    expected = gain * VARIANCES[scheme] ** 0.5
    assert abs(layer.weight.std().item() - expected) <= 5 * expected / math.sqrt(2 * N_IN * N_OUT)
    assert (layer.bias == 0).all() == (scheme != "torch")


def test_torchs_scheme_is_what_a_layer_starts_with():
    torch.manual_seed(0)
    own, ours = nn.Linear(N_IN, N_OUT), nn.Linear(N_IN, N_OUT)
    init_linear(ours, scheme="torch", generator=seeded())
    for a, b in ((own.weight, ours.weight), (own.bias, ours.bias)):
        bound = 1 / math.sqrt(N_IN)
        assert b.abs().max() <= bound
        assert abs(a.std() - b.std()) < 10 * bound / math.sqrt(b.numel())


@pytest.mark.parametrize("shape", [(30, 30), (50, 20), (20, 50)])
def test_orthogonal_weights_keep_lengths(shape):
    layer = nn.Linear(*shape).double()
    init_linear(layer, scheme="orthogonal", gain=2.0, generator=seeded())
    weight = layer.weight.detach() / 2
    small = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    torch.testing.assert_close(small, torch.eye(len(small), dtype=torch.float64), rtol=0, atol=1e-12)


def test_orthogonal_weights_prefer_no_direction():
    """QR alone would make the diagonal of one sign."""
    signs = []
    for seed in range(60):
        layer = nn.Linear(4, 4)
        init_linear(layer, scheme="orthogonal", generator=seeded(seed))
        signs.append(layer.weight.diagonal().sign())
    assert torch.stack(signs).mean(dim=0).abs().max() < 5 / math.sqrt(60)


def test_gaussian_weights_and_biases_have_their_variances():
    layer = nn.Linear(N_IN, 5000)
    init_gaussian(layer, weight_variance=1.7, bias_variance=0.05, generator=seeded())
    assert abs(layer.weight.var().item() * N_IN - 1.7) < 5 * 1.7 * math.sqrt(2 / layer.weight.numel())
    assert abs(layer.bias.var().item() - 0.05) < 5 * 0.05 * math.sqrt(2 / 5000)


def test_a_generator_draws_the_same_again_and_leaves_torchs_alone():
    before = torch.random.get_rng_state()
    models = [nn.Sequential(nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 5)) for _ in range(2)]
    torch.random.set_rng_state(before)
    for model in models:
        init_linear(model, scheme="He", generator=seeded(3))
    assert torch.equal(models[0][2].weight, models[1][2].weight)
    assert torch.equal(torch.random.get_rng_state(), before)
