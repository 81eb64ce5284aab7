import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.recsys.calls import (
    Calls,
    called_names,
    calls_of,
    group_folds,
    leave_out,
    library_calls,
    with_negatives,
)
from kit.text.corpus import Document

SMALL = Calls(
    files=("a", "b", "c", "d"),
    names=(("len", "open", "read"), ("len", "open"), ("read", "len"), ("len", "odd", "open", "read")),
    groups=np.array([0, 1, 2, 2]),
)


def test_names_come_in_the_order_in_which_they_are_read():
    source = "def f(x):\n    return g(h(x), x.a.b(1)).c(d.e())\n\n\ng(2)\n@deco(1)\nclass C(base()): pass\n"
    assert called_names(source) == ("g", "h", "b", "c", "e", "deco", "base")


def test_what_has_no_name_is_left_out():
    assert called_names("f(1)(2)\n[g][0](3)\n(lambda: 0)()") == ("f",)


@pytest.mark.parametrize("source", ["def f(", "x = \0"])
def test_called_names_rejects_what_is_not_python(source):
    with pytest.raises(ValueError, match="source must be Python"):
        called_names(source)


def test_near_copies_share_a_group_and_short_files_are_left_out():
    body = "".join(f"def f{i}(x):\n    return name{i}(x) + other{i}(x, {i})\n\n" for i in range(40))
    other = "".join(f"class C{i}(base{i}()):\n    field{i} = make{i}({i})\n" for i in range(40))
    texts = {"one": body, "two": body.replace("f7", "g7"), "three": other, "short": "len(x)"}
    calls = calls_of([Document(name=name, text=text) for name, text in texts.items()])
    assert calls.files == ("one", "two", "three")
    assert calls.groups.tolist() == [0, 0, 2]
    assert all(len(names) >= 10 for names in calls.names)


def test_the_library_has_files_groups_and_names_enough():
    calls = library_calls()
    assert 300 < len(set(calls.groups)) < len(calls.files) == len(calls.names) == len(calls.groups)
    assert "json/decoder.py" in calls.files
    assert all(len(set(names)) == len(names) for names in calls.names)


@given(st.lists(st.integers(0, 9), min_size=4, max_size=40).filter(lambda g: len(set(g)) >= 3), st.integers(0, 99))
def test_no_group_is_in_two_folds_and_folds_hold_as_many_groups(groups, seed):
    folds = group_folds(np.array(groups), n_folds=3, rng=np.random.default_rng(seed))
    pairs = {(group, fold) for group, fold in zip(groups, folds.tolist(), strict=True)}
    assert len(pairs) == len(set(groups))
    n = np.bincount([fold for _, fold in pairs], minlength=3)
    assert n.max() - n.min() <= 1


def test_the_columns_are_learned_from_the_training_files_alone():
    split = leave_out(SMALL, np.array([0, 1, 2]), np.array([3]), min_files=2)
    assert split.names == ("len", "open", "read")
    assert split.train.tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 1]]
    assert split.files == ("d",)
    assert split.shown.tolist() == [[1, 1, 0]]  # of the three known names the later half, rounded down, is hidden
    assert split.hidden.tolist() == [[0, 0, 1]]


def test_what_a_held_out_file_hides_changes_nothing_to_learn_from():
    changed = Calls(files=SMALL.files, names=(*SMALL.names[:3], ("len", "odd", "read", "open")), groups=SMALL.groups)
    one, other = (leave_out(calls, np.array([0, 1, 2]), np.array([3]), min_files=2) for calls in (SMALL, changed))
    assert one.names == other.names
    np.testing.assert_array_equal(one.train, other.train)
    assert (one.hidden != other.hidden).any()


def test_a_file_with_nothing_to_hide_is_left_out():
    calls = Calls(files=SMALL.files, names=(*SMALL.names[:2], ("read", "odd"), SMALL.names[3]), groups=SMALL.groups)
    split = leave_out(calls, np.array([0, 1]), np.array([2, 3]), min_files=2)
    assert split.files == ("d",)
    with pytest.raises(ValueError, match="held_out must have a file with a name to show and one to hide"):
        leave_out(calls, np.array([0, 1]), np.array([2]), min_files=2)


def test_of_the_library_nothing_is_shown_and_hidden_and_no_near_copy_is_on_two_sides():
    calls = library_calls()
    folds = group_folds(calls.groups, n_folds=5, rng=np.random.default_rng(0))
    train, held_out = np.flatnonzero(folds > 0), np.flatnonzero(folds == 0)
    assert not set(calls.groups[train]) & set(calls.groups[held_out])
    split = leave_out(calls, train, held_out)
    assert not (split.shown * split.hidden).any()
    assert split.shown.any(axis=1).all()
    assert split.hidden.any(axis=1).all()
    assert split.train.sum(axis=0).min() >= 3
    shares = split.hidden.sum(axis=1) / (split.hidden + split.shown).sum(axis=1)
    assert shares.max() <= 0.5


def test_negatives_are_zeros_of_their_row_and_as_many_as_asked_for():
    rng = np.random.default_rng(0)
    table = (rng.random((30, 40)) < 0.3).astype(float)
    rows, columns, targets = with_negatives(table, n_negatives=3, rng=rng)
    np.testing.assert_array_equal(table[rows, columns], targets)
    n = int(table.sum())
    assert (len(rows), targets.sum()) == (4 * n, n)
    np.testing.assert_array_equal(np.bincount(rows, minlength=30), 4 * table.sum(axis=1))


def test_negatives_are_drawn_from_all_zeros_alike():
    table = np.zeros((1, 11))
    table[0, 4] = 1
    _, columns, _ = with_negatives(table, n_negatives=20_000, rng=np.random.default_rng(0))
    n = np.bincount(columns[1:], minlength=11)
    assert n[4] == 0
    assert abs(np.delete(n, 4) - 2_000).max() < 5 * np.sqrt(2_000 * 0.9)  # five standard errors of a binomial count


def test_negatives_need_a_zero():
    with pytest.raises(ValueError, match="table must have a 0 in each row, got none in row 1"):
        with_negatives(np.array([[1, 0], [1, 1]]), n_negatives=1, rng=np.random.default_rng(0))
