import pytest
import torch
from torch import nn

from kit.models.mlp import ACTIVATIONS, NORMS, DeepMLP, MLPConfig
from kit.models.parameters import n_params, on_meta

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def small(**config) -> DeepMLP:
    return DeepMLP(MLPConfig(**{"n_inputs": 4, "n_hidden": 5, "n_outputs": 3} | config)).double()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_deep_perceptron_is_torchs_layers_one_after_the_other(activation, norm):
    model = small(n_layers=3, activation=activation, norm=norm)
    parts: list[nn.Module] = []
    for layer in model.hidden:
        theirs = {"none": nn.Identity(), "batch": nn.BatchNorm1d(5).double(), "layer": nn.LayerNorm(5).double()}[norm]
        parts += [layer.linear, theirs, layer.activation]
    theirs = nn.Sequential(*parts, model.output)
    torch.testing.assert_close(model(X), theirs(X), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(model.eval()(X), theirs.eval()(X), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("n_layers", [1, 2, 30])
def test_parameters_are_a_weight_an_input_and_a_bias_for_each_unit(n_layers):
    config = MLPConfig(n_layers=n_layers)
    assert n_params(on_meta(DeepMLP, config)) == 785 * 100 + (n_layers - 1) * 101 * 100 + 101 * 10


def test_each_norm_adds_gain_and_bias():
    plain = n_params(small(n_layers=4))
    assert n_params(small(n_layers=4, norm="batch")) == n_params(small(n_layers=4, norm="layer")) == plain + 4 * 10


def test_other_columns_are_refused():
    with pytest.raises(ValueError, match="x must have 4 columns"):
        small()(X[:, :3])
