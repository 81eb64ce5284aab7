from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor

from kit.learn.class_losses import binary_cross_entropy, cross_entropy
from kit.learn.descent import descend
from kit.learn.linear import (
    hessian_eigenvalues,
    least_squares,
    linear_objective,
    logistic_regression,
    loss_forecast,
    reweighted_least_squares,
    with_intercept,
)
from kit.learn.losses import huber, mae, mse, quantile
from kit.learn.scaling import standard_scaling

X, Y = load_diabetes(return_X_y=True, scaled=False)


def test_linear_objective_matches_autograd():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=10)
    loss, gradient = linear_objective(X, Y)(weights)
    w = torch.tensor(weights, requires_grad=True)
    theirs = torch.nn.functional.mse_loss(torch.from_numpy(X) @ w, torch.from_numpy(Y))
    theirs.backward()
    np.testing.assert_allclose(loss, theirs.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, w.grad, rtol=1e-12)


def test_linear_objective_is_infinite_beyond_float64_and_never_nan():
    with np.errstate(over="ignore", invalid="ignore"):
        loss, gradient = linear_objective(X, Y)(np.full(10, 1e300))
    assert loss == np.inf
    assert not np.isnan(gradient).any()


def test_least_squares_matches_sklearn():
    ours = least_squares(with_intercept(X), Y)
    theirs = LinearRegression().fit(X, Y)
    np.testing.assert_allclose(ours, np.r_[theirs.intercept_, theirs.coef_], rtol=1e-9)


SCALED = with_intercept(standard_scaling(X).transform(X))
OUTLIERS = np.where(np.arange(len(Y)) % 20, Y, 10 * Y)


def test_reweighted_least_squares_by_mse_is_least_squares():
    ours = reweighted_least_squares(SCALED, Y, loss=mse)
    np.testing.assert_allclose(ours, least_squares(SCALED, Y), rtol=1e-9)


@pytest.mark.parametrize("y", [Y, OUTLIERS], ids=["clean", "outliers"])
@pytest.mark.parametrize("delta", [20.0, 70.0, 1e6])
def test_reweighted_least_squares_by_huber_ends_where_the_gradient_vanishes(y, delta):
    objective = linear_objective(SCALED, y, loss=partial(huber, delta=delta))
    _, gradient = objective(reweighted_least_squares(SCALED, y, loss=partial(huber, delta=delta), n_rounds=100))
    np.testing.assert_allclose(gradient, 0, atol=1e-9 * min(delta, 100))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_reweighted_least_squares_by_quantile_comes_within_a_thousandth_of_sklearn(q):
    loss = partial(quantile, q=q)
    theirs = QuantileRegressor(quantile=q, alpha=0, fit_intercept=False).fit(SCALED, Y).coef_
    objective = linear_objective(SCALED, Y, loss=loss)
    lowest = objective(theirs)[0]
    found = objective(reweighted_least_squares(SCALED, Y, loss=loss))[0]
    assert lowest <= found <= 1.001 * lowest


def test_reweighted_least_squares_of_targets_that_are_all_zero_is_zero():
    assert (reweighted_least_squares(X, np.zeros(len(X)), loss=mae) == 0).all()


@pytest.mark.parametrize("lr", [0.001, 0.1, 0.24, 0.26])
def test_loss_forecast_matches_descend(lr):
    x = with_intercept(standard_scaling(X).transform(X))
    path = descend(linear_objective(x, Y), np.zeros(11), lr=lr, n_steps=300)
    np.testing.assert_allclose(
        loss_forecast(x, Y)(lr, np.arange(301)), path.losses, rtol=1e-11
    )  # 300 steps, each rounding at 1e-16 times some tens


def test_hessian_eigenvalues_match_the_hessian():
    hessian = torch.autograd.functional.hessian(
        lambda w: torch.nn.functional.mse_loss(torch.from_numpy(X) @ w, torch.from_numpy(Y)),
        torch.zeros(10, dtype=torch.float64),
    )
    ours = hessian_eigenvalues(X)
    # eigvalsh is exact to eps times the largest eigenvalue
    np.testing.assert_allclose(ours, np.linalg.eigvalsh(hessian.numpy()), atol=1e-12 * ours[-1])


def test_hessian_eigenvalues_of_more_features_than_examples_end_in_zeros():
    np.testing.assert_allclose(hessian_eigenvalues(np.ones((1, 3))), [0, 0, 6], rtol=1e-12)


def test_linear_objective_of_several_classes_matches_autograd():
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(30, 4)), rng.integers(3, size=30), rng.normal(size=(4, 3))
    loss, gradient = linear_objective(x, y, loss=cross_entropy)(weights)
    w = torch.tensor(weights, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(torch.from_numpy(x) @ w, torch.from_numpy(y))
    theirs.backward()
    np.testing.assert_allclose(loss, theirs.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, w.grad, rtol=1e-12, atol=1e-16)


def test_linear_objective_of_rows_is_that_of_those_examples_alone():
    rows, weights = np.array([5, 3, 100]), np.ones(10)
    loss, gradient = linear_objective(X, Y)(weights, rows)
    alone_loss, alone_gradient = linear_objective(X[rows], Y[rows])(weights)
    assert loss == alone_loss
    assert (gradient == alone_gradient).all()


CLASSES = (np.median(Y) < Y).astype(int)


@pytest.mark.filterwarnings("ignore")  # theirs is of the name of its own argument
def test_logistic_regression_matches_sklearn():
    x = with_intercept(standard_scaling(X).transform(X))
    theirs = LogisticRegression(C=np.inf, fit_intercept=False, solver="newton-cholesky", tol=1e-12).fit(x, CLASSES)
    # collinear: the loss is flat in some directions, and a gradient of 1e-13 leaves 1e-9 of the weights open
    np.testing.assert_allclose(logistic_regression(x, CLASSES), theirs.coef_[0], rtol=1e-8, atol=1e-8)


def test_logistic_regression_ends_where_the_gradient_is_0():
    for x in (X, with_intercept(X), np.column_stack([X, X[:, 0]])):  # badly scaled, and the last with a column twice
        _, gradient = linear_objective(x, CLASSES, loss=binary_cross_entropy)(logistic_regression(x, CLASSES))
        np.testing.assert_allclose(gradient / np.abs(x).max(axis=0), 0, atol=1e-9)


def test_logistic_regression_of_classes_that_a_plane_parts_stays_finite():
    x, y = np.array([[1.0, -2.0], [1.0, -1.0], [1.0, 1.0], [1.0, 2.0]]), np.array([0, 0, 1, 1])
    weights = logistic_regression(x, y)
    assert np.isfinite(weights).all()
    assert ((x @ weights > 0) == y).all()
