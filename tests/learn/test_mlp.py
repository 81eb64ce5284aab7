import numpy as np
import pytest
import torch

from kit.learn.descent import descend, finite_differences
from kit.learn.mlp import ACTIVATIONS, MLP

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 4)), RNG.integers(3, size=7)
BENDS = {"tanh": torch.nn.Tanh, "ReLU": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}
SHAPES = [(n_layers, activation) for n_layers in (1, 2, 3) for activation in ACTIVATIONS]
every_shape = pytest.mark.parametrize(("n_layers", "activation"), SHAPES)


def network(n_layers: int, activation: str) -> tuple[MLP, np.ndarray]:
    """Make a small network, and a point at which no bias is 0."""
    mlp = MLP(n_inputs=4, n_hidden=5, n_outputs=3, n_layers=n_layers, activation=activation)
    return mlp, mlp.init(np.random.default_rng(1)) + np.random.default_rng(2).normal(size=mlp.n_parameters) / 10


def torchs(mlp: MLP, point: np.ndarray) -> torch.nn.Sequential:
    """Build the same network of torch's own layers, with the same weights."""
    parts: list[torch.nn.Module] = []
    for weights, bias in mlp.layers(point):
        linear = torch.nn.Linear(*weights.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(weights.T), torch.tensor(bias)
        parts += [linear, BENDS[mlp.activation]()]
    return torch.nn.Sequential(*parts[:-1])


@every_shape
def test_forward_matches_torch(n_layers, activation):
    mlp, point = network(n_layers, activation)
    theirs = torchs(mlp, point)(torch.from_numpy(X)).detach()
    np.testing.assert_allclose(mlp.forward(point, X)[-1], theirs, rtol=1e-12, atol=1e-15)


@every_shape
def test_objective_matches_autograd(n_layers, activation):
    mlp, point = network(n_layers, activation)
    model = torchs(mlp, point)
    theirs = torch.nn.functional.cross_entropy(model(torch.from_numpy(X)), torch.from_numpy(Y))
    theirs.backward()
    loss, gradient = mlp.objective(X, Y)(point)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    np.testing.assert_allclose(gradient, np.concatenate([g.numpy().T.ravel() for g in grads]), rtol=1e-12, atol=1e-15)


@every_shape
def test_objective_gradcheck(n_layers, activation):
    mlp, point = network(n_layers, activation)
    objective = mlp.objective(X, Y)
    np.testing.assert_allclose(objective(point)[1], finite_differences(objective, point), rtol=1e-6, atol=1e-9)


@every_shape
def test_the_number_of_parameters_matches_torch(n_layers, activation):
    mlp, point = network(n_layers, activation)
    assert mlp.n_parameters == sum(p.numel() for p in torchs(mlp, point).parameters()) == len(point)


def test_objective_on_rows_is_that_of_those_examples():
    mlp, point = network(2, "tanh")
    rows = np.array([4, 0, 4])
    loss, gradient = mlp.objective(X, Y)(point, rows)
    alone, their_gradient = mlp.objective(X[rows], Y[rows])(point)
    assert loss == alone
    assert (gradient == their_gradient).all()


def test_forward_lists_every_layer():
    mlp, point = network(2, "ReLU")
    assert [h.shape for h in mlp.forward(point, X)] == [(7, 5), (7, 5), (7, 3)]


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        ends = ACTIVATIONS["sigmoid"].bend(np.array([-1000.0, 0.0, 1000.0]))
    assert ends.tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1), ("ReLU", 2), ("sigmoid", 1)])
def test_the_start_keeps_the_size_of_a_signal_and_has_no_bias(activation, gain):
    mlp = MLP(n_inputs=400, n_hidden=500, n_outputs=100, activation=activation)
    for weights, bias in mlp.layers(mlp.init(np.random.default_rng(0))):
        # a variance of n normal numbers has a relative standard error of √(2/n)
        assert abs(weights.var() * len(weights) / gain - 1) < 4 * np.sqrt(2 / weights.size)
        assert not bias.any()


def test_equal_hidden_units_stay_equal():
    mlp = MLP(n_inputs=4, n_hidden=5, n_outputs=3)
    start = np.full(mlp.n_parameters, 0.1)
    (weights, _), _ = mlp.layers(descend(mlp.objective(X, Y), start, lr=0.5, n_steps=100).points[-1])
    assert np.ptp(weights, axis=1).max() < 1e-12
    assert abs(weights - 0.1).max() > 0.1


def test_three_hidden_units_learn_what_no_linear_model_can():
    x, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    mlp = MLP(n_inputs=2, n_hidden=3, n_outputs=2)
    path = descend(mlp.objective(x, y), mlp.init(np.random.default_rng(0)), lr=1.0, n_steps=1000)
    assert (mlp.forward(path.points[-1], x)[-1].argmax(axis=1) == y).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("lr", [1e80, 1e200, 1e305])
def test_a_network_beyond_float64_is_shown_as_diverged(activation, lr):
    mlp, point = network(2, activation)
    path = descend(mlp.objective(X, Y), point, lr=lr, n_steps=30)
    assert np.isfinite(path.losses).all()


def test_mlp_keeps_float32():
    mlp, point = network(2, "tanh")
    assert mlp.objective(X.astype(np.float32), Y)(point.astype(np.float32))[1].dtype == np.float32
