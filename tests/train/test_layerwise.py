import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.models.mlp import DeepMLP, MLPConfig
from kit.train.layerwise import dead_units, recorded_layers, update_ratios, weight_gradients
from tests.train.small import rows, small_gpt

X = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
Y = torch.arange(8) % 3


def small(**config) -> DeepMLP:
    torch.manual_seed(0)
    return DeepMLP(MLPConfig(**{"n_inputs": 4, "n_hidden": 5, "n_outputs": 3, "n_layers": 3} | config))


def test_every_layer_is_recorded_in_the_order_of_its_call_and_nothing_changes():
    model = small(norm="batch")
    with recorded_layers(model) as layers:
        loss = F.cross_entropy(model(X), Y)
        loss.backward()
    assert [*layers][:3] == ["hidden.0.linear", "hidden.0.norm", "hidden.0.activation"]
    assert [*layers][-1] == "output"
    assert [layer.kind for layer in layers.values()][:3] == ["Linear", "BatchNorm", "ReLU"]
    alone = small(norm="batch")
    F.cross_entropy(alone(X), Y).backward()
    for a, b in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)  # type: ignore[arg-type]


def test_outputs_and_gradients_are_those_of_torch():
    model = small()
    with recorded_layers(model, nn.Linear) as layers:
        loss = F.cross_entropy(model(X), Y)
        loss.backward()
    sums = model.hidden[0].linear(X)
    kept = sums.detach().requires_grad_()
    rest = model.output(model.hidden[2](model.hidden[1](model.hidden[0].activation(kept))))
    F.cross_entropy(rest, Y).backward()
    first = layers["hidden.0.linear"]
    torch.testing.assert_close(first.outputs[0], sums.detach())
    assert first.gradient_norm == pytest.approx(kept.grad.norm().item(), rel=1e-5)  # type: ignore[union-attr]
    assert first.std == pytest.approx(sums.std(correction=0).item(), rel=1e-5)


def test_hooks_are_gone_afterwards_even_if_the_model_raises():
    model = small()
    with pytest.raises(ValueError, match="columns"), recorded_layers(model) as layers:
        model(X[:, :2])
    model(X)
    assert layers == {}
    assert not any(layer._forward_hooks for layer in model.modules())


def test_a_layer_that_changes_its_input_in_place_spoils_no_record():
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True))
    with recorded_layers(model) as layers:
        model(X)
    assert (layers["0"].outputs[0] < 0).any()


def test_a_layer_that_is_called_twice_has_two_of_each():
    layer = nn.Linear(4, 4)
    with recorded_layers(layer) as layers:
        layer(layer(X)).sum().backward()
    assert len(layers[""].outputs) == len(layers[""].gradients) == 2


def test_it_works_on_a_transformer():
    model, ids = small_gpt(), rows()
    with recorded_layers(model, nn.Linear) as layers:
        F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
    assert len(layers) > 4
    assert all(layer.gradient_norm > 0 for layer in layers.values())


def test_shares_of_bins_add_up_and_the_ends_take_what_lies_beyond():
    model = nn.Identity()
    with recorded_layers(model) as layers:
        model(torch.tensor([-5.0, 0.0, 0.4, 0.5, 9.0]))
    np.testing.assert_allclose(layers[""].histogram(np.array([0.0, 0.5, 1.0])), [0.6, 0.4])
    assert layers[""].share_of_zeros == pytest.approx(0.2)
    with pytest.raises(ValueError, match="edges must be two or more, and rise"):
        layers[""].histogram(np.array([1.0, 0.0]))


def test_weight_gradients_and_updates_are_those_of_the_matrices():
    model = small(norm="layer")
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    F.cross_entropy(model(X), Y).backward()
    gradients = weight_gradients(model)
    optimizer.step()
    ratios = update_ratios(model, before)
    assert [*gradients] == [*ratios] == [*(f"hidden.{i}.linear.weight" for i in range(3)), "output.weight"]
    for name, ratio in ratios.items():
        assert ratio == pytest.approx(0.1 * gradients[name] / before[name].norm().item(), rel=1e-4)
    with pytest.raises(ValueError, match="before must hold every weight"):
        update_ratios(model, {})


def test_a_weight_without_gradient_has_norm_0():
    assert set(weight_gradients(small()).values()) == {0.0}


def test_dead_units_are_zero_on_every_row():
    model = small()
    with torch.no_grad():
        model.hidden[1].linear.bias[:2] = -100.0
        model.hidden[2].linear.bias[:] = 100.0
    found = dead_units(model, X)
    assert found["hidden.1.activation"][0] >= 2
    assert found["hidden.2.activation"] == (0, 5)
    alive = torch.relu(model.hidden[0].linear(X)).max(dim=0).values > 0
    assert found["hidden.0.activation"] == (int((~alive).sum()), 5)
    assert model.training


def test_a_unit_of_a_convolution_is_a_place_of_a_channel():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    nn.init.constant_(model[0].bias, -100.0)  # type: ignore[arg-type]
    assert dead_units(model, torch.rand(3, 1, 5, 5)) == {"1": (18, 18)}
