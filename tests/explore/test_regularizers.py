import numpy as np
import pytest
from sklearn.linear_model import Lasso, LinearRegression

from kit.explore.regularizers import (
    N_TRUE,
    STRENGTHS,
    deal,
    errors,
    labelled_digits,
    noisy_diabetes,
    optima,
    path_frame,
    paths,
    stopping_frame,
    stopping_run,
    true_columns_error,
)
from kit.learn.regularizers import l1


@pytest.fixture(scope="module")
def split():
    return noisy_diabetes(np.random.default_rng(0))


@pytest.fixture(scope="module")
def every_path(split):
    return paths(split)


@pytest.fixture(scope="module")
def run():
    return stopping_run(labelled_digits(np.random.default_rng(0)), 0.4, seed=0)


def test_the_parts_of_a_deal_hold_every_example_once():
    numbers = np.arange(150.0)
    split = deal(numbers[:, None], numbers, n_train=20, rng=np.random.default_rng(0))
    assert [len(split.y_train), len(split.y_validation), len(split.y_test)] == [20, 100, 30]
    assert sorted([*split.y_train, *split.y_validation, *split.y_test]) == list(numbers)
    assert (split.x_test[:, 0] == split.y_test).all()


def test_noisy_diabetes_is_scaled_by_its_training_rows(split):
    np.testing.assert_allclose(split.x_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(split.x_train.std(axis=0), 1, rtol=1e-12)
    assert abs(split.y_train.mean()) < 1e-10
    assert abs(split.x_test.mean(axis=0)).max() > 0.01
    assert split.x_train.shape == (200, 100)


def test_optima_match_sklearn_lasso(split):
    strengths = np.array([5.0, 20.0, 60.0])
    for weights, strength in zip(optima(split, l1, strengths=strengths, n_steps=1500), strengths, strict=True):
        lasso = Lasso(alpha=strength / 2, fit_intercept=False, tol=1e-12, max_iter=100_000)
        theirs = lasso.fit(split.x_train, split.y_train).coef_
        np.testing.assert_allclose(weights, theirs, atol=1e-6)  # weights of up to 30
        assert ((weights == 0) == (theirs == 0)).all()


def test_the_view_takes_enough_steps(split, every_path):
    """Ten times the steps move no error of L1 by one per cent where the view's quest is decided."""
    around = (STRENGTHS >= 8) & (STRENGTHS <= 40)
    exact = optima(split, l1, strengths=STRENGTHS[around], n_steps=1000)
    ours = every_path[0].test[around]
    np.testing.assert_allclose(ours, errors(exact, split.x_test, split.y_test), rtol=0.01)


def test_only_l1_reaches_zero(every_path):
    exact_zeros = {path.name: (path.weights == 0).sum() for path in every_path}
    assert exact_zeros["L2"] == 0
    assert exact_zeros["L1"] > exact_zeros["elastic net"] > 0


def test_true_columns_error_matches_sklearn(split):
    model = LinearRegression(fit_intercept=False).fit(split.x_train[:, :N_TRUE], split.y_train)
    theirs = ((model.predict(split.x_test[:, :N_TRUE]) - split.y_test) ** 2).mean()
    assert true_columns_error(split) == pytest.approx(theirs, rel=1e-10)


def test_a_path_frame_has_a_dot_for_each_weight_that_is_not_zero(every_path):
    frame = path_frame(every_path, penalty=0, strength=45)
    noise, true = (len(line[0]) for line in frame.lines[:2])
    assert f"{true} of 10 true columns and {noise} of 90 noise" in frame.sentence
    assert noise < 10


def test_a_stopping_frame_shows_nothing_of_what_would_have_come(run):
    frame = stopping_frame([run], rate=0, stop=7)
    assert all(np.size(x) <= 8 for x, _ in frame.lines)
    assert "stopped after 70 steps" in frame.sentence


def test_the_network_learns_its_own_digits_better_than_others(run):
    assert run.train[-1] < 0.02 < 0.2 < run.held_out[-1]
    assert run.accuracy[-1] > 0.85
