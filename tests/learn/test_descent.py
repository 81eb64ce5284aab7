import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes

from kit.learn.descent import descend, finite_differences, max_stable_lr
from kit.learn.linear import hessian_eigenvalues, linear_objective, with_intercept
from kit.learn.scaling import min_max_scaling, standard_scaling


def bowl(x):
    return float(x @ x), 2 * x


def rosenbrock(x):
    a, b = 1 - x[0], x[1] - x[0] ** 2
    return float(a**2 + 100 * b**2), np.array([-2 * a - 400 * x[0] * b, 200 * b])


def scaled_diabetes():
    x, y = load_diabetes(return_X_y=True, scaled=False)
    return with_intercept(standard_scaling(x).transform(x)), y


def test_descend_matches_torch_sgd():
    x, y = scaled_diabetes()
    path = descend(linear_objective(x, y), np.zeros(11), lr=0.1, n_steps=100)
    weights = torch.zeros(11, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.1)
    for step in range(101):
        loss = torch.nn.functional.mse_loss(torch.from_numpy(x) @ weights, torch.from_numpy(y))
        np.testing.assert_allclose(path.points[step], weights.detach().numpy(), rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(path.losses[step], loss.item(), rtol=1e-12)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@given(st.floats(0.01, 0.99), st.floats(-100, 100))
def test_descend_on_a_bowl_matches_the_closed_form(lr, start):
    path = descend(bowl, np.array([start]), lr=lr, n_steps=20)
    np.testing.assert_allclose(path.points[:, 0], start * (1 - 2 * lr) ** np.arange(21), rtol=1e-9, atol=1e-12)


def test_descend_lowers_the_loss_on_a_curved_valley():
    path = descend(rosenbrock, np.array([-1.0, 1.0]), lr=1e-3, n_steps=5000)
    assert not path.diverged
    assert (np.diff(path.losses) <= 0).all()


def test_descend_records_overflow_and_warns_of_nothing():
    path = descend(bowl, np.array([1.0, 2.0]), lr=3.0, n_steps=1000)
    assert path.overflowed
    assert path.diverged
    assert np.isfinite(path.losses).all()
    assert np.isfinite(path.points).all()
    assert path.n_steps < 1000
    assert path.losses[-1] > 1e290  # it went on to the end of float64's range


def test_descend_survives_an_absurd_rate():
    x, y = scaled_diabetes()
    path = descend(linear_objective(x, y), np.zeros(11), lr=1e300, n_steps=10)
    assert path.overflowed
    assert path.n_steps == 0


def test_descent_at_the_minimum_does_not_count_as_diverged():
    x, y = scaled_diabetes()
    at_minimum = descend(linear_objective(x, y), np.zeros(11), lr=0.2, n_steps=20_000).points[-1]
    assert not descend(linear_objective(x, y), at_minimum, lr=0.2, n_steps=100).diverged


def test_steps_to_counts_the_first_step_at_or_below():
    path = descend(bowl, np.array([1.0]), lr=0.25, n_steps=3)
    assert [path.steps_to(loss) for loss in (1.0, 0.25, 0.2, 0.0)] == [0, 1, 2, None]


@pytest.mark.parametrize("scaling", [standard_scaling, min_max_scaling])
def test_divergence_rate_matches_two_over_the_largest_eigenvalue(scaling):
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x = with_intercept(scaling(x).transform(x))
    measured = max_stable_lr(linear_objective(x, y), np.zeros(11))
    assert measured * hessian_eigenvalues(x)[-1] / 2 == pytest.approx(1, abs=0.01)


def test_divergence_rate_rejects_an_objective_without_one():
    with pytest.raises(ValueError, match="objective must diverge at some learning rate"):
        max_stable_lr(lambda x: (0.0, 0 * x), np.zeros(2), n_steps=1)


def test_finite_differences_matches_autograd():
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    ((1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2).backward()
    estimate = finite_differences(rosenbrock, np.array([-1.2, 1.0]))
    # central differences with h = eps^(1/3): error about eps^(2/3) times the third derivative, here some thousands
    np.testing.assert_allclose(estimate, point.grad, rtol=1e-8, atol=1e-6)


def test_descend_rejects_a_gradient_of_another_shape():
    with pytest.raises(ValueError, match=r"gradient of the point's shape \(2,\), got \(1, 2\)"):
        descend(lambda x: (1.0, np.zeros((1, 2))), np.zeros(2), lr=0.1, n_steps=1)


def test_descend_rejects_a_start_without_a_finite_loss():
    with pytest.raises(ValueError, match="start must have a finite loss, got nan"):
        descend(lambda x: (np.nan, x), np.zeros(2), lr=0.1, n_steps=1)
