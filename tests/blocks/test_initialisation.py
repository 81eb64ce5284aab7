import math

import torch
from torch import nn

from kit.blocks.initialisation import init_normal, scale_residual_weights


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
