import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit, cross_val_score

from kit.learn.splits import Split, group_k_fold, k_fold, leaks, nested, repeated, stratified_k_fold, time_split
from tests.learn.leaks import counted, held_out_once, promised, table


def pairs_of(split):
    return [(train.tolist(), test.tolist()) for train, test in split]


@given(st.integers(2, 60), st.integers(2, 12))
def test_k_fold_matches_sklearn(n, k):
    if k <= n:
        assert pairs_of(k_fold(n, k=k)) == pairs_of(KFold(k).split(np.zeros(n)))


@given(st.lists(st.sampled_from("abc"), min_size=4, max_size=60), st.integers(2, 6))
def test_stratified_k_fold_matches_sklearn(classes, k):
    classes = np.array(classes)
    if np.unique(classes, return_counts=True)[1].min() >= k:
        theirs = StratifiedKFold(k).split(np.zeros(len(classes)), classes)
        assert pairs_of(stratified_k_fold(classes, k=k)) == pairs_of(theirs)


@given(st.lists(st.integers(0, 9), min_size=4, max_size=60), st.integers(2, 6))
def test_group_k_fold_matches_sklearn(groups, k):
    groups = np.array(groups)
    if len(np.unique(groups)) >= k:
        theirs = GroupKFold(k).split(np.zeros(len(groups)), groups=groups)
        assert pairs_of(group_k_fold(groups, k=k)) == pairs_of(theirs)


@given(st.integers(2, 60), st.integers(2, 9))
def test_time_split_matches_sklearn_where_all_times_differ(n, k):
    if n > k:
        assert pairs_of(time_split(np.arange(n), k=k)) == pairs_of(TimeSeriesSplit(k).split(np.zeros(n)))


def test_time_split_never_cuts_a_time_in_two_where_sklearn_does():
    times = np.array([0, 0, 1, 1, 1, 2])
    cut = [leaks(train, test, times=times).times for train, test in TimeSeriesSplit(2).split(times)]
    whole = [leaks(train, test, times=times).times for train, test in time_split(times, k=2)]
    assert (cut, whole) == ([0, 1], [0, 0])


def test_a_class_with_fewer_rows_than_folds_is_refused_where_sklearn_warns():
    classes = np.array([0] * 30 + [1] * 2)
    with pytest.warns(UserWarning, match="least populated class"):
        theirs = [classes[test].sum() for _, test in StratifiedKFold(8).split(classes, classes)]
    assert theirs.count(0) == 6
    with pytest.raises(ValueError, match="classes must have 8 rows each, one for each fold, got 2 of"):
        stratified_k_fold(classes, k=8)


def test_sklearn_takes_a_split():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    ours = cross_val_score(Ridge(), x, y, cv=k_fold(40, k=4))
    np.testing.assert_array_equal(ours, cross_val_score(Ridge(), x, y, cv=KFold(4)))


def test_no_random_table_leaks_a_row_a_group_or_a_time():
    """As `python -m tests.learn.leaks` finds in 10,000; here in 300, and the shuffled rows show that it looks."""
    found = counted(300)
    assert all(row[leak] == 0 for way, row in found.items() for leak in promised(way))
    assert found["rows"]["group"] > 0.5 * found["rows"]["held out"]
    assert found["grouped"]["time"] > 0


@given(st.integers(0, 10**6))
def test_each_row_is_held_out_once(seed):
    rng = np.random.default_rng(seed)
    drawn = table(rng)
    n = len(drawn["groups"])
    for split in (
        k_fold(n, k=3, rng=rng),
        stratified_k_fold(drawn["classes"], k=2, rng=rng),
        group_k_fold(drawn["groups"], k=3, rng=rng),
        time_split(drawn["times"], k=2),
    ):
        assert held_out_once(split)


@given(st.integers(0, 10**6))
def test_shares_of_classes_differ_by_a_row_at_most(seed):
    rng = np.random.default_rng(seed)
    classes = table(rng)["classes"]
    fold = stratified_k_fold(classes, k=2, rng=rng).fold
    for each in np.unique(classes):
        counts = np.bincount(fold[classes == each], minlength=2)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(fold)) <= 1


def test_a_generator_deals_out_anew_and_the_same_again():
    deals = [k_fold(20, k=4, rng=np.random.default_rng(seed)).fold.tolist() for seed in (0, 0, 1)]
    assert deals[0] == deals[1] != deals[2]
    one, other = repeated(lambda rng: k_fold(20, k=4, rng=rng), n_repeats=2, rng=np.random.default_rng(0))
    assert one.fold.tolist() == deals[0] != other.fold.tolist()


def test_groups_of_one_size_are_dealt_out_anew_and_large_ones_come_first():
    groups = np.repeat(np.arange(8), 3)
    folds = {tuple(group_k_fold(groups, k=2, rng=np.random.default_rng(seed)).fold) for seed in range(5)}
    assert len(folds) > 1
    split = group_k_fold(np.repeat(["large", "b", "c", "d"], [6, 2, 2, 2]), k=2, rng=np.random.default_rng(0))
    assert np.bincount(split.fold).tolist() == [6, 6]


def test_inner_pairs_are_rows_of_the_whole_table():
    groups = np.repeat(np.arange(9), 2)
    for nest in nested(group_k_fold(groups, k=3), lambda rows: group_k_fold(groups[rows], k=2)):
        for learned, held_out in nest.inner:
            assert sorted([*learned, *held_out]) == nest.train.tolist()
            assert leaks(learned, held_out, groups=groups).groups == 0
        assert leaks(nest.train, nest.test, groups=groups).groups == 0


def test_a_leak_is_counted_by_held_out_rows():
    found = leaks(np.array([0, 1, 2]), np.array([2, 3, 4]), groups=np.array([7, 7, 8, 7, 9]), times=np.arange(5.0))
    assert (found.rows, found.groups, found.times) == (1, 2, 1)


def test_dates_are_times_and_a_missing_one_is_refused():
    days = np.array(["2013-01-02", "2013-01-01", "2013-01-03"], dtype="datetime64[D]")
    assert time_split(days, k=2).fold.tolist() == [1, 0, 2]
    days[0] = np.datetime64("NaT")
    with pytest.raises(ValueError, match="times must hold no NaN, and no missing date, got row 0"):
        time_split(days, k=2)


def test_a_split_has_a_length_and_can_be_walked_twice():
    split = Split(fold=np.array([0, 1, 2, 1]), in_time=True)
    assert len(split) == len(list(split)) == len(list(split)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [train.tolist() for train, _ in split] == [[0], [0, 1, 3]]


def test_splits_are_equal_where_their_folds_are():
    one, other = k_fold(6, k=2), Split(fold=np.array([0, 0, 0, 1, 1, 1], dtype=np.int8))
    assert one == other
    assert one != k_fold(6, k=3)
    assert one != Split(fold=one.fold, in_time=True)
    assert one != "a split"
