import numpy as np
import pytest
import torch

from kit.learn.descent import finite_differences
from kit.learn.network import init_network, network_logits, network_objective
from kit.learn.optimizers import adam, sgd
from kit.learn.training import train

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 5)), RNG.integers(3, size=7)
WEIGHTS = init_network(n_features=5, n_hidden=6, n_classes=3, rng=RNG)


def torchs_loss(weights, x, y, mask=1.0):
    hidden = torch.relu(torch.from_numpy(x) @ weights[:5]) * mask
    return torch.nn.functional.cross_entropy(hidden @ weights[5:].T, torch.from_numpy(y))


def test_network_objective_matches_autograd():
    w = torch.tensor(WEIGHTS, requires_grad=True)
    theirs = torchs_loss(w, X, Y)
    theirs.backward()
    loss, gradient = network_objective(X, Y)(WEIGHTS)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, w.grad, rtol=1e-12, atol=1e-15)


def test_network_objective_with_dropout_matches_autograd_under_the_same_mask():
    rate = 0.4
    mask = (np.random.default_rng(3).random((7, 6)) >= rate) / (1 - rate)
    w = torch.tensor(WEIGHTS, requires_grad=True)
    theirs = torchs_loss(w, X, Y, torch.from_numpy(mask))
    theirs.backward()
    loss, gradient = network_objective(X, Y, dropout_rate=rate, rng=np.random.default_rng(3))(WEIGHTS)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, w.grad, rtol=1e-12, atol=1e-15)


def test_network_objective_gradcheck():
    objective = network_objective(X, Y)
    np.testing.assert_allclose(objective(WEIGHTS)[1], finite_differences(objective, WEIGHTS), rtol=1e-6, atol=1e-9)


def test_network_objective_on_rows_is_that_of_those_examples():
    rows = np.array([4, 0, 4])
    loss, gradient = network_objective(X, Y)(WEIGHTS, rows)
    alone, their_gradient = network_objective(X[rows], Y[rows])(WEIGHTS)
    assert loss == alone
    assert (gradient == their_gradient).all()


def test_network_start_keeps_the_size_of_a_signal():
    weights = init_network(n_features=400, n_hidden=500, n_classes=100, rng=np.random.default_rng(0))
    # variances of 200,000 and 50,000 normal numbers, with a relative standard error of √(2/n)
    assert abs(weights[:400].var() * 400 / 2 - 1) < 4 * np.sqrt(2 / 200_000)
    assert abs(weights[400:].var() * 500 - 1) < 4 * np.sqrt(2 / 50_000)


def test_a_network_learns_what_no_linear_model_can():
    x = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    y = np.array([0, 1, 1, 0])  # exclusive or; the third feature stands in for an intercept
    start = init_network(n_features=3, n_hidden=16, n_classes=2, rng=np.random.default_rng(0))
    path = train(network_objective(x, y), start, optimizer=adam(0.05), n_steps=200)
    assert (network_logits(path.points[-1], x).argmax(axis=1) == y).all()


@pytest.mark.parametrize("lr", [1e80, 1e200, 1e305])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_a_network_beyond_float64_is_shown_as_diverged(lr, rate):
    objective = network_objective(X, Y, dropout_rate=rate, rng=np.random.default_rng(0))
    path = train(objective, WEIGHTS, optimizer=sgd(lr), n_steps=30)
    assert path.overflowed
    assert np.isfinite(path.losses).all()


def test_network_keeps_float32():
    objective = network_objective(X.astype(np.float32), Y, dropout_rate=0.5, rng=np.random.default_rng(0))
    assert objective(WEIGHTS.astype(np.float32))[1].dtype == np.float32


def test_network_rejects_weights_without_classes():
    with pytest.raises(ValueError, match="weights must have 5 rows for the features and one for each class"):
        network_objective(X, Y)(WEIGHTS[:5])
