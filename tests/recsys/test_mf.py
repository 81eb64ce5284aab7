from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from kit.recsys.calls import with_negatives
from kit.recsys.mf import BiasedFactors, als, als_objective, als_step, fold_in, init_factors, sgd, sgd_step


def drawn(seed: int, n_users: int = 20, n_items: int = 15) -> np.ndarray:
    return (np.random.default_rng(seed).random((n_users, n_items)) < 0.3).astype(float)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    n_factors=st.integers(1, 20),
    weight=st.floats(0, 100),
    strength=st.floats(1e-3, 100),
)
def test_als_objective_never_rises(seed, n_factors, weight, strength):
    found = als(
        drawn(seed), n_factors=n_factors, weight=weight, strength=strength, n_sweeps=6, rng=np.random.default_rng(seed)
    )
    falls = -np.diff(found.objectives)
    # each half-step is a minimum but for the rounding of the solve, relative to the objective itself
    assert (falls >= -1e-9 * found.objectives[0]).all()
    assert len(found.objectives) == 13


@pytest.mark.parametrize("seed", range(3))
def test_als_step_matches_sklearns_ridge(seed):
    table, items = drawn(seed), np.random.default_rng(seed).normal(size=(15, 4))
    table[3] = 0
    ours = als_step(table, items, weight=7.0, strength=0.5)
    for row, own in zip(table, ours, strict=True):
        theirs = Ridge(alpha=0.5, fit_intercept=False, tol=1e-14).fit(items, row, sample_weight=1 + 7.0 * row).coef_
        np.testing.assert_allclose(own, theirs, rtol=1e-8, atol=1e-10)  # sklearn takes roots of the weights first


def test_als_ends_where_the_gradient_is_zero():
    table = drawn(0)
    found = als(table, n_factors=3, weight=5.0, strength=1.0, n_sweeps=400, rng=np.random.default_rng(0))
    users, items = (torch.tensor(part, requires_grad=True) for part in (found.users, found.items))
    t = torch.tensor(table)
    objective = ((1 + 5.0 * t) * (t - users @ items.T) ** 2).sum() + (users**2).sum() + (items**2).sum()
    assert objective.item() == pytest.approx(found.objectives[-1], rel=1e-12)
    objective.backward()
    assert float(items.grad.abs().max()) < 1e-9  # the side that was solved last
    assert float(users.grad.abs().max()) < 1e-4  # 400 sweeps leave a little of the way


def test_factors_give_scores_and_their_objective():
    table = drawn(1)
    found = als(table, n_factors=2, weight=1.0, strength=0.1, n_sweeps=2, rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.scores, found.users @ found.items.T)
    assert found.objectives[-1] == als_objective(table, found.users, found.items, weight=1.0, strength=0.1)


def test_a_new_user_costs_one_step_and_gets_what_a_known_one_with_its_row_has():
    table = drawn(2)
    found = als(table, n_factors=3, weight=5.0, strength=1.0, n_sweeps=300, rng=np.random.default_rng(0))
    again = als_step(table[:1], found.items, weight=5.0, strength=1.0)
    np.testing.assert_allclose(again, found.users[:1], atol=1e-6)


def model_of(seed: int) -> BiasedFactors:
    rng = np.random.default_rng(seed)
    return BiasedFactors(
        mean=0.3,
        user_biases=rng.normal(size=6),
        item_biases=rng.normal(size=5),
        users=rng.normal(size=(6, 3)),
        items=rng.normal(size=(5, 3)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_sgd_step_matches_autograd(seed):
    model, rng = model_of(seed), np.random.default_rng(seed)
    rows, columns = rng.integers(6, size=20), rng.integers(5, size=20)  # with users and items that come twice
    targets = rng.integers(2, size=20).astype(float)
    names = ("user_biases", "item_biases", "users", "items")
    at = {name: torch.tensor(getattr(model, name), dtype=torch.float64, requires_grad=True) for name in names}
    p, q, b_u, b_i = at["users"][rows], at["items"][columns], at["user_biases"][rows], at["item_biases"][columns]
    error = model.mean + b_u + b_i + (p * q).sum(dim=1) - torch.tensor(targets)
    price = (b_u**2).sum() + (b_i**2).sum() + (p**2).sum() + (q**2).sum()
    ((error**2).sum() / 2 + 0.2 * price / 2).backward()
    after = sgd_step(model, rows, columns, targets, lr=0.01, strength=0.2)
    for name in names:
        # a difference of nearby numbers loses some digits
        moved = (np.asarray(getattr(model, name)) - getattr(after, name)) / 0.01
        np.testing.assert_allclose(moved, at[name].grad.numpy(), rtol=1e-9, atol=1e-11)


def test_sgd_leaves_the_model_that_it_began_with_and_repeats_itself():
    model = init_factors(20, 15, n_factors=4, mean=0.2, rng=np.random.default_rng(0))
    before = model.users.copy()
    pairs = with_negatives(drawn(0), n_negatives=3, rng=np.random.default_rng(1))
    one, again = (sgd(model, *pairs, lr=0.05, strength=0.01, rng=np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(model.users, before)
    np.testing.assert_array_equal(one.scores, again.scores)
    other = sgd(model, *pairs, lr=0.05, strength=0.01, rng=np.random.default_rng(3))
    assert (other.scores != one.scores).any()


def test_sgd_finds_two_groups_of_users():
    table = np.kron(np.eye(2), np.ones((10, 8)))
    rng = np.random.default_rng(0)
    pairs = with_negatives(table, n_negatives=1, rng=rng)
    model = init_factors(20, 16, n_factors=2, mean=0.5, rng=rng)
    scores = sgd(model, *pairs, lr=0.05, strength=0.001, n_epochs=60, batch_size=16, rng=rng).scores
    assert scores[table == 1].min() > 0.7
    assert scores[table == 0].max() < 0.3


def test_fold_in_matches_sklearns_ridge():
    model, shown = model_of(0), np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 1]])
    scores = fold_in(model, shown, n_negatives=4.0, strength=0.1)
    for row, own in zip(shown, scores, strict=True):
        n = row.sum()
        weights = np.where(row > 0, 1.0, 4.0 * n / (5 - n))
        design = np.column_stack([np.ones(5), model.items])
        target = row - model.mean - model.item_biases
        fitted = Ridge(alpha=0.1 * weights.sum(), fit_intercept=False, tol=1e-14)
        fitted.fit(design, target, sample_weight=weights)
        expected = model.mean + model.item_biases + design @ fitted.coef_
        np.testing.assert_allclose(own, expected, rtol=1e-9, atol=1e-11)  # as above


def test_init_factors_are_small_and_unbiased():
    model = init_factors(400, 300, n_factors=8, mean=0.0, rng=np.random.default_rng(0))
    assert model.mean == 0
    assert not model.user_biases.any()
    assert not model.item_biases.any()
    assert model.users.std() == pytest.approx(0.1, rel=0.1)
    assert replace(model, mean=1.0).scores.mean() == pytest.approx(1, abs=0.01)
