"""The contests of notebook 10: nothing leaks from training to test, rivals are equals, and worlds are told apart."""

import numpy as np
import pytest

from kit.evidence import contest, contest_tables, contest_times
from kit.evidence.contest_tables import Table, dealt, made
from kit.evidence.store import stored
from kit.learn.trees import one_hot
from kit.text.corpus import standard_library

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
HERE = tuple(model for model in contest.MODELS if contest.is_there(model))


def world(kind, n=300, seed=0):
    """Make a table in which a line is right, steps are, or nothing is; as numbers or as two classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    signal = {"line": x[:, 0] - x[:, 1], "steps": 2.0 * ((x[:, 0] > 0) ^ (x[:, 1] > 0)), "noise": 0 * x[:, 0]}[kind]
    y = signal + 0.3 * rng.normal(size=n)
    return Table(x=x, targets=y[:, None], group=np.arange(n))


def as_classes(table):
    above = (table.targets[:, 0] > np.median(table.targets)).astype(int)
    return Table(x=table.x, targets=one_hot(above, n_classes=2), group=table.group)


def test_every_model_has_as_many_settings_and_each_is_another():
    for model, settings in contest.SETTINGS.items():
        assert len({tuple(s.items()) for s in settings}) == contest.N_TRIALS, model


@pytest.mark.parametrize("model", HERE)
@pytest.mark.parametrize("is_classes", [False, True])
def test_a_member_learns_numbers_and_chances(model, is_classes):
    train, test = world("line", seed=1), world("line", seed=2)
    if is_classes:
        train, test = as_classes(train), as_classes(test)
    predictions = contest.member(model, contest.SETTINGS[model][3], seed=0)(train.x, train.targets)(test.x)
    assert predictions.shape == test.targets.shape
    assert contest.error_of(predictions, train, test) < 0.6
    if is_classes:
        np.testing.assert_allclose(predictions.sum(axis=1), 1, atol=1e-6)


def test_a_class_that_a_fold_does_not_hold_has_no_chance():
    targets = one_hot(np.array([0, 2] * 20), n_classes=3)
    x = np.random.default_rng(0).normal(size=(40, 2))
    for model in HERE:
        chances = contest.member(model, contest.SETTINGS[model][0], seed=0)(x, targets)(x)
        assert chances.shape == (40, 3)
        assert not chances[:, 1].any()
    alone = contest.member("tree", contest.SETTINGS["tree"][0], seed=0)(x, one_hot(np.full(40, 1), n_classes=3))(x)
    np.testing.assert_array_equal(alone, one_hot(np.full(40, 1), n_classes=3))


def test_the_error_is_one_for_the_mean_and_brier_over_that_of_the_base_rate():
    train, test = world("line", seed=1), world("line", seed=2)
    mean = np.full(test.targets.shape, train.targets.mean())
    assert contest.error_of(mean, train, test) == pytest.approx(1)
    train, test = as_classes(train), as_classes(test)
    sure = np.eye(2)[np.zeros(len(test.x), dtype=int)]
    assert contest.error_of(sure, train, test) == pytest.approx(2, rel=0.01)  # wrong on half of them, by 1 each
    with pytest.raises(ValueError, match="predictions must have the shape"):
        contest.error_of(sure[:, 0], train, test)


def test_folds_keep_groups_whole_and_hold_every_row_out_once():
    group = np.random.default_rng(0).integers(12, size=90)
    split = contest.folds(group, rng=np.random.default_rng(1))
    held_out = np.concatenate([test for _, test in split])
    assert sorted(held_out) == list(range(90))
    assert not any(set(group[learned]) & set(group[test]) for learned, test in split)


@pytest.mark.parametrize("name", contest_tables.REAL)
def test_real_tables_deal_no_group_to_both_sides(name, monkeypatch):
    some = standard_library()[:80]  # the rest would take seconds to read
    monkeypatch.setattr(contest_tables, "standard_library", lambda: some)
    monkeypatch.setattr(contest_tables, "functions", contest_tables.functions.__wrapped__)
    table = contest_tables.whole.__wrapped__(name)
    train, test = dealt(table, n_train=100, n_test=400, rng=np.random.default_rng(0))
    assert len(train.x) == 100
    assert len(test.x) == 400
    assert not set(train.group) & set(test.group)
    again, _ = dealt(table, n_train=100, n_test=400, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(train.x, again.x)


def test_what_is_known_only_after_departure_is_no_column_of_flights():
    from kit.learn.tables import flights

    x = contest_tables.whole("flights").x
    late = np.corrcoef(np.column_stack([x, flights().departure_delay]).T)[-1, :-1]
    assert np.nanmax(np.abs(late)) < 0.3


def test_equal_diamonds_are_one_group():
    table = contest_tables.whole("diamonds")
    n_different = len(np.unique(table.x, axis=0))
    assert len(np.unique(table.group)) == n_different < len(table.x)


@pytest.mark.parametrize("truth", contest_tables.TRUTHS)
def test_every_seed_draws_another_table(truth):
    (one, _), (again, _), (other, _) = made(truth, 0), made(truth, 0), made(truth, 4)
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.allclose(one.targets, other.targets)


def test_a_world_for_lines_and_one_for_trees_are_told_apart():
    scores = {}
    for kind in ("line", "steps"):
        train, test = world(kind, seed=3), world(kind, n=1_000, seed=4)
        results = contest.tuned(("linear", "tree"), train, seed=0)
        scores[kind] = {m: 1 - contest.error_of(r["predict"](test.x), train, test) for m, r in results.items()}
    assert scores["line"]["linear"] > scores["line"]["tree"] + 0.05
    assert scores["steps"]["tree"] > scores["steps"]["linear"] + 0.5


def test_putting_together_helps_where_members_err_apart_and_not_where_there_is_nothing_to_learn():
    models = tuple(m for m in ("linear", "tree", "forest") if m in HERE)
    train, test = as_classes(world("line", seed=5)), as_classes(world("line", n=1_000, seed=6))
    numbers = contest.measured(models, train, test, seed=0)
    members = [numbers[f"{m} score"] for m in models]
    assert all(numbers[f"{way} score"] > min(members) for way in contest.TOGETHER)
    train, test = world("noise", seed=7), world("noise", n=1_000, seed=8)
    numbers = contest.measured(models, train, test, seed=0)
    assert all(numbers[f"{way} score"] < 0.05 for way in contest.TOGETHER)


def test_an_optional_part_that_is_missing_is_said_by_name(monkeypatch):
    monkeypatch.setattr(contest, "xgboost", None)
    assert not contest.is_there("XGBoost")
    assert contest.is_there("forest")
    with pytest.raises(ValueError, match="pip install xgboost-cpu"):
        contest.estimator("XGBoost", contest.SETTINGS["XGBoost"][0], is_classes=True, seed=0)


def test_the_first_hundred_trees_are_part_of_the_thousand(monkeypatch):
    monkeypatch.setattr(contest_times, "MANY", 30)
    monkeypatch.setattr(contest_times, "FEW", 1)
    numbers = contest_times.more_trees(table="digits", seed=0)
    assert numbers["30 trees"] < numbers["1 trees"]


def test_what_is_stored_is_what_a_run_measures():
    """Within 2%, as `live` allows for another processor."""
    measured = contest.contest_of_truths(truth="linear", seed=0)
    for quantity in contest.CONTEST_OF_TRUTHS.quantities:
        there = stored(contest.CONTEST_OF_TRUTHS, quantity, truth="linear")[0]
        assert measured[quantity] == pytest.approx(there, rel=0.02, abs=0.02), quantity
