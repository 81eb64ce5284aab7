import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score

from kit.evidence import dropped, penalties


def test_every_seed_draws_another_table_and_the_same_one_again():
    for table in penalties.TABLES:
        one, again, other = (penalties.parts(table, seed)[0][0] for seed in (0, 0, 3))
        np.testing.assert_array_equal(one, again)
        assert not np.allclose(one, other)


def test_every_row_of_a_real_table_is_dealt_out_once():
    tables = load_diabetes(return_X_y=True, scaled=False), load_wine(return_X_y=True), load_iris(return_X_y=True)
    whole = [np.asarray(x) for x, _ in tables]
    whole = whole[0], whole[1][:, 1:], whole[2][:, :3]
    for seed, table in enumerate(whole):
        (x, y), (x_test, y_test) = penalties.real(seed, np.random.default_rng(seed))
        assert len(x) == len(y) == 30
        assert len(x_test) == len(y_test)
        assert sorted(map(tuple, np.vstack([x, x_test]))) == sorted(map(tuple, table))


def test_the_scale_is_that_of_the_training_rows_and_a_forecast_of_the_mean_errs_by_one():
    (x, y), (_, y_test) = penalties.parts("dense truth", 0)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(y_test.var(), 1)


def test_cross_validation_is_that_of_sklearn():
    x, y = penalties.parts("sparse truth", 0)[0]
    folds = KFold(5, shuffle=True, random_state=0)
    theirs = -cross_val_score(Ridge(alpha=3.0), x, y, cv=folds, scoring="neg_mean_squared_error").mean()
    np.testing.assert_allclose(penalties.validated(Ridge(alpha=3.0), x, y), theirs)


def test_a_world_in_which_penalties_help_and_one_in_which_they_cannot_are_told_apart(monkeypatch):
    def world(n_rows):
        rng = np.random.default_rng(0)
        x, x_test = rng.normal(size=(n_rows, 20)), rng.normal(size=(1_000, 20))
        weights = rng.normal(size=20)
        return lambda table, seed: ((x, x @ weights + 5 * rng.normal(size=n_rows)), (x_test, x_test @ weights))

    monkeypatch.setattr("kit.evidence.penalties.parts", world(25))
    helped = penalties.penalized_or_not(table="dense truth", seed=0)
    monkeypatch.setattr("kit.evidence.penalties.parts", world(20_000))
    useless = penalties.penalized_or_not(table="dense truth", seed=0)
    for penalty in penalties.PENALTIES:
        assert helped[f"{penalty} test"] < 0.5 * helped["nothing test"]
        np.testing.assert_allclose(useless[f"{penalty} test"], useless["nothing test"], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("gain", [0.5, -0.5])
def test_dropout_that_helps_and_dropout_that_hurts_are_told_apart(monkeypatch, gain):
    """Each way has its lowest validation loss at another rate, and only there does the test loss tell them apart."""
    tried = []

    def made_up(way, digits, *, lr, place, seed):
        tried.append((way, lr, place))
        away = np.log2(lr / (0.008 if way == "with" else 0.002)) ** 2 + place
        return {"training": 0.0, "validation": 1 + away, "test": 1 + away - gain * (way == "with")}

    monkeypatch.setattr("kit.evidence.dropped.losses", made_up)
    found = dropped.with_and_without(seed=0)
    assert found["with test"] - found["without test"] == pytest.approx(-gain)
    assert (found["with lr"], found["without lr"], found["neither lr"]) == (0.008, 0.002, 0.002)
    settings = {way: {(lr, place) for w, lr, place in tried if w == way} for way in dropped.WAYS}
    assert settings["with"] == settings["without"]


def test_the_second_knob_of_the_baseline_is_felt_and_can_be_left_alone():
    digits = dropped.labelled_digits(np.random.default_rng(500))
    none, *felt = (dropped.losses("without", digits, lr=0.004, place=place, seed=500) for place in range(3))
    assert dropped.STRENGTHS[0] == 0
    for found in felt:
        assert found["training"] > 1.05 * none["training"]
