import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, Ridge

from kit.learn.descent import descend, finite_differences
from kit.learn.linear import hessian_eigenvalues, least_squares, linear_objective
from kit.learn.optimizers import adam, sgd
from kit.learn.regularizers import (
    Stop,
    dropout,
    early_stopping,
    elastic_net,
    l1,
    l2,
    max_norm,
    penalized,
    proximal,
    proximal_descent,
    regularization_path,
    soft_threshold,
)
from kit.learn.scaling import standard_scaling
from kit.learn.training import train

WEIGHTS = arrays(np.float64, 5, elements=st.floats(-1e3, 1e3))
STRENGTHS = st.floats(0, 100)
SHARES = st.floats(0, 1)
RATES = st.floats(1e-3, 10)


def noisy_diabetes(n_noise=20):
    """Diabetes with columns of noise, all standardised; the targets centred, so that no intercept is needed."""
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x = np.column_stack([x, np.random.default_rng(0).normal(size=(len(x), n_noise))])
    return standard_scaling(x).transform(x), y - y.mean()


def optimum(x, y, penalty, n_steps=2000):
    """Find the weights of lowest penalized mean squared error."""
    path = proximal_descent(
        linear_objective(x, y),
        np.zeros(x.shape[1]),
        penalty=penalty,
        lr=1 / hessian_eigenvalues(x)[-1],
        n_steps=n_steps,
    )
    assert (np.diff(path.losses) <= 1e-12 * path.losses[0]).all()
    return path.points[-1]


@given(arrays(np.float64, 5, elements=st.floats(-1e3, 1e3).filter(bool)), STRENGTHS, SHARES)
def test_elastic_net_matches_autograd(weights, strength, l1_ratio):
    value, gradient = elastic_net(strength, l1_ratio=l1_ratio)(weights)
    w = torch.tensor(weights, requires_grad=True)
    theirs = strength * (l1_ratio * w.abs().sum() + (1 - l1_ratio) / 2 * (w**2).sum())
    theirs.backward()
    np.testing.assert_allclose(value, theirs.item(), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(gradient, w.grad, rtol=1e-12, atol=1e-300)


@given(WEIGHTS, STRENGTHS, SHARES)
def test_elastic_net_is_a_mix_of_l1_and_l2(weights, strength, l1_ratio):
    value, gradient = elastic_net(strength, l1_ratio=l1_ratio)(weights)
    np.testing.assert_allclose(
        value, l1_ratio * l1(strength)(weights)[0] + (1 - l1_ratio) * l2(strength)(weights)[0], rtol=1e-12, atol=1e-300
    )
    np.testing.assert_allclose(
        gradient,
        l1_ratio * l1(strength)(weights)[1] + (1 - l1_ratio) * l2(strength)(weights)[1],
        rtol=1e-12,
        atol=1e-12,
    )


def test_penalized_gradcheck():
    x, y = noisy_diabetes()
    objective = penalized(linear_objective(x, y), elastic_net(3.0))
    weights = np.random.default_rng(0).normal(size=30)
    # losses of 3e4 known to 1e-16 of them, over steps of 1e-5
    np.testing.assert_allclose(objective(weights)[1], finite_differences(objective, weights), rtol=1e-6, atol=1e-5)


def test_penalized_passes_the_batch_on():
    x, y = noisy_diabetes()
    objective, weights, rows = linear_objective(x, y), np.ones(30), np.arange(7)
    loss, gradient = penalized(objective, l2(2.0))(weights, rows)
    assert loss == objective(weights, rows)[0] + 30
    assert (gradient == objective(weights, rows)[1] + 2).all()


@given(WEIGHTS, st.floats(0, 2e3))
def test_soft_threshold_matches_torch(weights, threshold):
    theirs = torch.nn.functional.softshrink(torch.from_numpy(weights), threshold)
    np.testing.assert_allclose(soft_threshold(weights, threshold), theirs, rtol=1e-12, atol=1e-300)


@given(WEIGHTS, WEIGHTS, st.floats(0, 2e3))
def test_soft_threshold_brings_no_two_points_apart(one, other, threshold):
    between = np.linalg.norm(soft_threshold(one, threshold) - soft_threshold(other, threshold))
    assert between <= np.linalg.norm(one - other) * (1 + 1e-12) + 1e-12


@given(st.floats(-100, 100), STRENGTHS, SHARES, RATES)
def test_no_point_of_a_grid_beats_the_proximal_step(weight, strength, l1_ratio, lr):
    penalty = elastic_net(strength, l1_ratio=l1_ratio)

    def price(v):
        return penalty(np.array([v]))[0] + (v - weight) ** 2 / (2 * lr)

    reached = price(float(penalty.proximal_step(np.array([weight]), lr=lr)[0]))
    assert all(reached <= price(v) * (1 + 1e-9) for v in np.linspace(-100, 100, 41))


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.5, 0.5), (5.0, 0.9), (20.0, 0.2)])
def test_elastic_net_matches_sklearn_at_the_optimum(alpha, l1_ratio):
    x, y = noisy_diabetes()
    theirs = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, fit_intercept=False, tol=1e-15, max_iter=100_000).fit(x, y)
    ours = optimum(x, y, elastic_net(2 * alpha, l1_ratio=l1_ratio))
    np.testing.assert_allclose(
        ours, theirs.coef_, rtol=1e-12, atol=1e-10
    )  # weights of up to 40, each solver's last step
    assert ((ours == 0) == (theirs.coef_ == 0)).all()


@pytest.mark.parametrize("alpha", [0.5, 3.0, 10.0])
def test_l1_matches_sklearn_lasso_at_the_optimum(alpha):
    x, y = noisy_diabetes()
    theirs = Lasso(alpha=alpha, fit_intercept=False, tol=1e-15, max_iter=100_000).fit(x, y)
    ours = optimum(x, y, l1(2 * alpha), n_steps=3000)
    np.testing.assert_allclose(ours, theirs.coef_, rtol=1e-12, atol=1e-10)
    assert ((ours == 0) == (theirs.coef_ == 0)).all()
    assert (ours == 0).any()


def test_l2_matches_sklearn_ridge_at_the_optimum():
    x, y = noisy_diabetes()
    theirs = Ridge(alpha=0.1 * len(x) / 2, fit_intercept=False).fit(x, y)  # it does not average over the examples
    np.testing.assert_allclose(optimum(x, y, l2(0.1)), theirs.coef_, rtol=1e-9, atol=1e-9)


def test_no_penalty_leads_to_least_squares():
    x, y = noisy_diabetes()
    solution, curved = least_squares(x, y), hessian_eigenvalues(x)
    distance = np.linalg.norm(optimum(x, y, l1(0.0), n_steps=1000) - solution)
    # each step of rate 1 / λ_max shortens the way to go by a share λ_min / λ_max at least
    assert distance <= (1 - curved[0] / curved[-1]) ** 1000 * np.linalg.norm(solution)


def test_the_smallest_penalty_that_empties_the_model_is_the_largest_correlation():
    x, y = noisy_diabetes()
    smallest = np.abs(linear_objective(x, y)(np.zeros(30))[1]).max()
    assert not optimum(x, y, l1(1.001 * smallest), n_steps=100).any()
    assert optimum(x, y, l1(0.999 * smallest), n_steps=100).any()


def test_l1_leaves_zeros_that_a_subgradient_only_circles():
    x, y = noisy_diabetes()
    penalty = l1(6.0)
    circling = descend(penalized(linear_objective(x, y), penalty), np.full(30, 0.5), lr=0.1, n_steps=500).points[-1]
    assert (optimum(x, y, penalty) == 0).sum() >= 15
    assert not (circling == 0).any()


def test_proximal_descent_gives_no_weight_to_a_feature_of_zero_variance():
    x, y = noisy_diabetes()
    x[:, 3] = 0
    weights = optimum(x, y, elastic_net(2.0))
    assert weights[3] == 0
    assert np.isfinite(weights).all()


def test_proximal_descent_on_equal_targets_finds_nothing():
    x, _ = noisy_diabetes()
    assert not optimum(x, np.zeros(len(x)), l1(1.0), n_steps=10).any()


def test_penalty_path_matches_sklearn_lasso_at_each_strength():
    x, y = noisy_diabetes()
    strengths = np.array([60.0, 20.0, 6.0, 2.0])
    objective, lr = linear_objective(x, y), 1 / hessian_eigenvalues(x)[-1]
    ours = regularization_path(objective, np.zeros(30), penalty=l1, strengths=strengths, lr=lr, n_steps=1500)
    for weights, strength in zip(ours, strengths, strict=True):
        theirs = Lasso(alpha=strength / 2, fit_intercept=False, tol=1e-15, max_iter=100_000).fit(x, y)
        np.testing.assert_allclose(weights, theirs.coef_, rtol=1e-9, atol=1e-8)
        assert ((weights == 0) == (theirs.coef_ == 0)).all()


def test_penalty_path_refuses_a_rate_that_overflows():
    x, y = noisy_diabetes()
    with pytest.raises(ValueError, match="lr must be small enough"):
        regularization_path(
            linear_objective(x, y), np.zeros(30), penalty=l2, strengths=np.array([1.0]), lr=9.0, n_steps=999
        )


def test_proximal_descent_records_overflow():
    x, y = noisy_diabetes()
    path = proximal_descent(linear_objective(x, y), np.zeros(30), penalty=l2(1e-3), lr=100.0, n_steps=1000)
    assert path.overflowed
    assert np.isfinite(path.losses).all()


@given(arrays(np.float64, (4, 3), elements=st.floats(-100, 100)), st.floats(0.1, 100))
def test_max_norm_matches_torch_renorm(weights, limit):
    theirs = torch.renorm(torch.from_numpy(weights), p=2, dim=1, maxnorm=limit)
    # torch divides by the length and 1e-7, so that it ends up to 1e-7 / length short of the limit
    np.testing.assert_allclose(max_norm(weights, limit=limit), theirs, rtol=2e-6, atol=1e-12)


@given(arrays(np.float64, (4, 3), elements=st.floats(-100, 100)), st.floats(0.1, 100))
def test_max_norm_keeps_to_the_limit_and_leaves_what_is_within(weights, limit):
    limited = max_norm(weights, limit=limit)
    lengths = np.linalg.norm(weights, axis=0)
    assert (np.linalg.norm(limited, axis=0) <= limit * (1 + 1e-12)).all()
    np.testing.assert_array_equal(limited[:, lengths < limit], weights[:, lengths < limit])


def test_a_corrected_optimizer_never_leaves_the_ball():
    x, y = noisy_diabetes()
    for rule in (sgd(0.1), adam(0.5)):
        limited = proximal(rule, lambda point: max_norm(point, limit=10.0))
        path = train(linear_objective(x, y), np.zeros(30), optimizer=limited, n_steps=100)
        lengths = np.linalg.norm(path.points, axis=1)
        assert lengths.max() <= 10 * (1 + 1e-12)
        assert lengths[-1] > 9.99  # where the loss would go on


def test_a_corrected_optimizer_leaves_overflow_to_be_recorded():
    rule = proximal(sgd(1e308), lambda point: max_norm(point, limit=1.0))
    path = train(lambda x: (float(x @ x), 2 * x), np.full(2, 10.0), optimizer=rule, n_steps=5)
    assert path.overflowed


def test_dropout_keeps_the_mean_and_drops_its_share():
    rate, n = 0.3, 100_000
    dropped, mask = dropout(np.ones(n), rate=rate, rng=np.random.default_rng(0))
    # the mean of n draws of 0 or 1 / (1 - rate) has variance rate / (1 - rate) / n
    assert abs(dropped.mean() - 1) < 4 * np.sqrt(rate / (1 - rate) / n)
    assert abs((mask == 0).mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / n)


@given(WEIGHTS, st.floats(0, 0.99), st.integers(0, 2**32 - 1))
def test_dropout_scales_what_it_keeps_as_torch_does(x, rate, seed):
    dropped, mask = dropout(x, rate=rate, rng=np.random.default_rng(seed))
    scale = torch.nn.functional.dropout(torch.ones(1000, dtype=torch.float64), p=rate).max().item()
    assert set(mask) <= {0.0, 1 / (1 - rate)}
    assert (dropped == mask * x).all()
    assert scale == pytest.approx(1 / (1 - rate), rel=1e-12)


def test_dropout_of_nothing_changes_nothing_and_keeps_float32():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    dropped, mask = dropout(x, rate=0.0, rng=np.random.default_rng(0))
    assert (dropped == x).all()
    assert dropped.dtype == mask.dtype == np.float32


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 10)), st.integers(1, 10), st.floats(0, 1))
def test_early_stopping_gives_up_after_patience_steps_without_a_new_best(losses, patience, min_delta):
    best, ended = early_stopping(losses, patience=patience, min_delta=min_delta)
    seen = losses if ended is None else losses[: ended + 1]
    assert best < len(seen)
    assert (losses[best] <= seen[: best + 1]).all()
    assert (losses[best] - min_delta <= seen[best:]).all()
    assert ended is None or ended == best + patience
    assert ended is not None or len(losses) - 1 - best < patience


@given(arrays(np.float64, 20, elements=st.floats(0, 10)), st.integers(1, 10))
def test_early_stopping_asked_after_each_loss_ends_where_it_does_afterwards(losses, patience):
    afterwards = early_stopping(losses, patience=patience)
    for n in range(1, 21):
        if early_stopping(losses[:n], patience=patience).stopped is not None:
            break
    assert early_stopping(losses[:n], patience=patience) == afterwards


def test_early_stopping_on_equal_losses_keeps_the_first():
    assert early_stopping(np.ones(10), patience=3) == Stop(best=0, stopped=3)
