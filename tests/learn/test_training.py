from functools import partial
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits

from kit.learn.class_losses import cross_entropy
from kit.learn.descent import descend
from kit.learn.linear import hessian_eigenvalues, linear_objective, with_intercept
from kit.learn.losses import huber
from kit.learn.optimizers import adagrad, adam, adamw, momentum, nesterov, rmsprop, sgd
from kit.learn.scaling import standard_scaling
from kit.learn.training import minibatches, range_test, train

RULES = [sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw]


def diabetes():
    x, y = load_diabetes(return_X_y=True, scaled=False)
    return with_intercept(standard_scaling(x).transform(x)), y


def digits():
    x, y = load_digits(return_X_y=True)
    return with_intercept(x / 16), y


def bowl(x):
    return float(x @ x), 2 * x


def bowl_of_rows(x, rows):
    return bowl(x)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_minibatches_show_every_row_once_in_each_pass(n_examples, batch_size, seed):
    batch_size = min(batch_size, n_examples)
    batches = minibatches(n_examples, batch_size=batch_size, rng=np.random.default_rng(seed))
    n_batches = -(-n_examples // batch_size)
    for _ in range(3):
        dealt = list(islice(batches, n_batches))
        assert sorted(np.concatenate(dealt)) == list(range(n_examples))
        assert all(len(rows) == batch_size for rows in dealt[:-1])


def test_minibatches_are_shuffled_anew_in_each_pass():
    batches = minibatches(100, batch_size=100, rng=np.random.default_rng(0))
    assert (next(batches) != next(batches)).any()


def test_minibatches_reject_a_batch_larger_than_the_data_at_once():
    with pytest.raises(ValueError, match="batch_size must be <= n_examples, 3, got 4"):
        minibatches(3, batch_size=4, rng=np.random.default_rng(0))


def test_train_with_sgd_walks_the_path_of_descend():
    objective = linear_objective(*diabetes())
    ours = train(objective, np.zeros(11), optimizer=sgd(0.1), n_steps=50)
    theirs = descend(objective, np.zeros(11), lr=0.1, n_steps=50)
    assert (ours.points == theirs.points).all()
    assert (ours.losses == theirs.losses).all()
    assert ours.n_steps == theirs.n_steps == 50


def test_train_on_batches_of_all_examples_walks_the_path_of_descend():
    x, y = diabetes()
    batches = minibatches(len(x), batch_size=len(x), rng=np.random.default_rng(0))
    ours = train(linear_objective(x, y), np.zeros(11), optimizer=sgd(0.1), n_steps=50, batches=batches)
    theirs = descend(linear_objective(x, y), np.zeros(11), lr=0.1, n_steps=50)
    # the same sums in another order
    np.testing.assert_allclose(ours.points, theirs.points, rtol=1e-10, atol=1e-10)


def test_the_gradients_of_the_batches_of_a_pass_average_to_the_full_gradient():
    x, y = diabetes()
    objective = linear_objective(x, y, loss=huber)
    weights = np.random.default_rng(0).normal(size=11)
    batches = minibatches(len(x), batch_size=32, rng=np.random.default_rng(0))
    dealt = list(islice(batches, 14))
    average = sum(len(rows) * objective(weights, rows)[1] for rows in dealt) / len(x)
    np.testing.assert_allclose(average, objective(weights)[1], rtol=1e-10, atol=1e-12)


def test_train_is_the_same_again_from_the_same_seed():
    x, y = digits()
    objective = linear_objective(x, y, loss=cross_entropy)

    def run():
        batches = minibatches(len(x), batch_size=32, rng=np.random.default_rng(1))
        return train(objective, np.zeros((65, 10)), optimizer=adam(0.01), n_steps=30, batches=batches)

    assert (run().points == run().points).all()


@pytest.mark.parametrize("rule", RULES)
def test_every_optimizer_learns_the_digits(rule):
    x, y = digits()
    objective = linear_objective(x, y, loss=cross_entropy)
    batches = minibatches(len(x), batch_size=64, rng=np.random.default_rng(0))
    start, lr = np.zeros((65, 10)), 0.02 if rule in (rmsprop, adam, adamw) else 0.1
    path = train(objective, start, optimizer=rule(lr), n_steps=300, batches=batches, record_every=300)
    predictions = (x @ path.points[-1]).argmax(axis=1)
    assert (predictions == y).mean() > 0.9


def test_train_records_every_so_many_steps_and_the_end():
    path = train(bowl, np.array([1.0]), optimizer=sgd(0.25), n_steps=8, record_every=3)
    assert path.steps.tolist() == [0, 3, 6, 8]
    assert path.points[:, 0].tolist() == [1, 1 / 8, 1 / 64, 1 / 256]
    assert path.n_steps == 8
    assert path.steps_to(1 / 4096) == 6


@pytest.mark.parametrize("rule", [sgd, momentum, nesterov])
def test_train_records_overflow_and_warns_of_nothing(rule):
    path = train(bowl, np.array([1.0, 2.0]), optimizer=rule(30.0), n_steps=1000, record_every=100)
    assert path.overflowed
    assert path.diverged
    assert path.steps[-1] % 100  # the last finite one, between two that were asked for
    assert np.isfinite(path.losses).all()
    assert np.isfinite(path.points).all()
    assert path.losses[-1] > 1e290


@pytest.mark.parametrize("rule", RULES)
def test_train_survives_an_absurd_rate(rule):
    x, y = digits()
    objective = linear_objective(x, y, loss=cross_entropy)
    batches = minibatches(len(x), batch_size=32, rng=np.random.default_rng(0))
    path = train(objective, np.zeros((65, 10)), optimizer=rule(1e308), n_steps=20, batches=batches)
    assert np.isfinite(path.losses).all()
    assert np.isfinite(path.points).all()


def test_train_ends_where_a_gradient_turns_nan_though_the_loss_does_not():
    path = train(lambda x: (1.0, np.full(1, np.nan)), np.zeros(1), optimizer=sgd(0.1), n_steps=5)
    assert path.overflowed
    assert path.n_steps == 0


def test_train_keeps_a_rule_that_works_in_place_from_rewriting_the_path():
    def in_place(point, gradient, step):
        point -= 0.25 * gradient
        return (point,)

    start = np.array([1.0])
    assert train(bowl, start, optimizer=in_place, n_steps=2).points.ravel().tolist() == [1, 0.5, 0.25]
    assert start == 1


def test_train_on_constant_features_and_equal_targets_is_finite_and_right():
    x = np.column_stack([np.ones(20), np.full(20, 3.0), np.zeros(20)])
    y = np.full(20, 2.0)
    path = train(linear_objective(x, y), np.zeros(3), optimizer=adam(0.1), n_steps=500)
    np.testing.assert_allclose(x @ path.points[-1], 2, atol=1e-3)
    assert path.points[-1, 2] == 0


def test_measured_by_all_examples_shows_the_noise_of_the_batches():
    x, y = diabetes()
    objective = linear_objective(x, y)
    batches = minibatches(len(x), batch_size=16, rng=np.random.default_rng(0))
    path = train(objective, np.zeros(11), optimizer=sgd(0.01), n_steps=100, batches=batches)
    whole = path.measured_by(objective)
    assert whole.losses.tolist() == [objective(point)[0] for point in path.points]
    assert np.diff(whole.losses).std() < np.diff(path.losses).std() / 3


def test_range_test_suggests_a_rate_that_descends_and_not_a_tiny_one():
    x, y = diabetes()
    critical = 2 / hessian_eigenvalues(x)[-1]
    tested = range_test(linear_objective(x, y), np.zeros(11), low=1e-4, high=100.0, n_steps=120)
    assert tested.losses[-1] > 1e6 * tested.losses[0]
    assert critical / 20 < tested.suggestion < critical


def test_range_test_takes_any_optimizer_and_batches():
    x, y = digits()
    batches = minibatches(len(x), batch_size=64, rng=np.random.default_rng(0))
    objective = linear_objective(x, y, loss=cross_entropy)
    tested = range_test(
        objective, np.zeros((65, 10)), optimizer=partial(adam, betas=(0.5, 0.999)), low=1e-5, high=10.0, batches=batches
    )
    assert len(tested.lrs) == len(tested.losses) == 100
    assert 1e-3 < tested.suggestion < 0.3


def test_range_test_stops_where_float64_does():
    tested = range_test(bowl, np.array([1.0]), low=1.0, high=1e300, n_steps=100)
    assert len(tested.lrs) == len(tested.losses) < 100
    assert np.isfinite(tested.losses).all()


@pytest.mark.parametrize(
    ("optimizer", "complaint"),
    [
        (lambda x, g, step: x - g, r"optimizer must return a tuple, \(point, \*memory\), got ndarray"),
        (lambda x, g, step: (1.0, g), r"optimizer must return a point of the point's shape \(2,\), got \(\)"),
    ],
)
def test_train_rejects_a_rule_of_another_shape(optimizer, complaint):
    with pytest.raises((TypeError, ValueError), match=complaint):
        train(bowl, np.zeros(2), optimizer=optimizer, n_steps=1)


def test_train_rejects_a_gradient_of_another_shape():
    with pytest.raises(ValueError, match=r"gradient of the point's shape \(2,\), got \(1, 2\)"):
        train(lambda x: (1.0, np.zeros((1, 2))), np.zeros(2), optimizer=sgd(0.1), n_steps=1)


def test_train_rejects_batches_that_run_out():
    with pytest.raises(ValueError, match="batches must be as many as the steps, and one more"):
        train(bowl_of_rows, np.ones(1), optimizer=sgd(0.1), n_steps=2, batches=[np.arange(1)] * 2)


def test_train_rejects_a_start_without_a_finite_loss():
    with pytest.raises(ValueError, match="start must have a finite loss, got nan"):
        train(lambda x: (np.nan, x), np.zeros(2), optimizer=sgd(0.1), n_steps=1)
