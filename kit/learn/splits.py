"""Splits: which rows to learn from and which to hold out, so that the first know nothing of the second.

A split is one number for each row: the fold in which it is held out. Learned from is all the rest; or, in time, all
that came before. So no row can stand on both sides. A group has one number, and so have equal times.

    for train, test in group_k_fold(days, k=5): ...

scikit-learn takes a split wherever it takes `cv=`.

Taught in: 09
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from kit.arguments import count, function, instance, integer_array, shown

Rows = Shaped[np.ndarray, "_"]


@dataclass(frozen=True, kw_only=True)
class Split:
    """For each row the fold in which it is held out; walked through, it gives pairs of rows: to learn from, held out.

    Args:
        fold: the folds, 0, 1, 2, ..., each of them at some row.
        in_time: whether a fold is learned from earlier folds alone. Fold 0 is then never held out.

    Raises:
        TypeError: if `fold` holds no whole numbers.
        ValueError: if they are not a row, fewer than two folds, or leave one out.

    >>> [(train.tolist(), test.tolist()) for train, test in Split(fold=np.array([0, 1, 0]))]
    [([1], [0, 2]), ([0, 2], [1])]
    """

    fold: Shaped[np.ndarray, "n"]
    in_time: bool = False

    def __post_init__(self) -> None:
        fold = integer_array("fold", self.fold)
        if fold.ndim != 1:
            raise ValueError(f"fold must be one number for each row, got shape {fold.shape}")
        found = np.unique(fold)
        if len(found) < 2 or found[0] != 0 or found[-1] != len(found) - 1:
            raise ValueError(f"fold must hold 0, 1, ..., two folds or more and none left out, got {shown(found)}")
        object.__setattr__(self, "fold", fold)

    def __iter__(self) -> Iterator[tuple[Rows, Rows]]:
        for held_out in range(int(self.in_time), int(self.fold.max()) + 1):
            learned = self.fold < held_out if self.in_time else self.fold != held_out
            yield np.flatnonzero(learned), np.flatnonzero(self.fold == held_out)

    def __len__(self) -> int:
        return int(self.fold.max()) + 1 - int(self.in_time)

    def __eq__(self, other: object) -> bool:
        ours = (self.fold.tolist(), self.in_time)
        return isinstance(other, Split) and ours == (other.fold.tolist(), other.in_time)


def k_fold(n: int, *, k: int, rng: np.random.Generator | None = None) -> Split:
    """Cut `n` rows into `k` folds of one size; the first folds have one row more where they do not divide.

    Args:
        rng: deals the rows out at random; without it neighbours stay together.

    Raises:
        TypeError, ValueError: if `n` or `k` is no whole number, k < 2, k > n, or `rng` is not a generator.

    Oracle: sklearn.model_selection.KFold.

    >>> k_fold(5, k=2).fold
    array([0, 0, 0, 1, 1])
    """
    n, k = count("n", n), _folds(k, rng)
    if k > n:
        raise ValueError(f"k must be at most the number of rows, {n}, got {k}")
    fold = np.repeat(np.arange(k), [n // k + (j < n % k) for j in range(k)])
    return Split(fold=fold if rng is None else rng.permutation(fold))


def stratified_k_fold(classes: Shaped[np.ndarray, "n"], *, k: int, rng: np.random.Generator | None = None) -> Split:
    """Cut rows into `k` folds, each with the classes in the shares of the whole.

    The rows, sorted by class, are counted off: 0, 1, ..., k - 1, 0, 1, ... So each fold gets of each class as many as
    any other, or one more.

    Args:
        rng: deals out each class's rows at random; without it neighbours stay together.

    Raises:
        TypeError: if `classes` holds neither whole numbers nor texts, or `rng` is not a generator.
        ValueError: if k < 2, or a class has fewer than k rows: some fold would not hold it.

    Oracle: sklearn.model_selection.StratifiedKFold, which only warns of a class with fewer than k rows.

    >>> stratified_k_fold(np.array([1, 0, 0, 1, 0, 0]), k=2).fold
    array([0, 0, 0, 1, 1, 1])
    """
    k, labels = _folds(k, rng), _labels("classes", classes, kinds="iubUS")
    names, first, place = np.unique(labels, return_index=True, return_inverse=True)
    sizes = np.bincount(place)
    if sizes.min() < k:
        few = int(sizes.argmin())
        raise ValueError(f"classes must have {k} rows each, one for each fold, got {sizes[few]} of {names[few]!r}")
    place = np.argsort(np.argsort(first))[place]  # classes in the order of their first rows
    fold = np.empty(len(labels), dtype=int)
    in_order = np.sort(place)
    shares = np.array([np.bincount(in_order[j::k], minlength=len(names)) for j in range(k)])
    for each in range(len(names)):
        dealt = np.repeat(np.arange(k), shares[:, each])
        fold[place == each] = dealt if rng is None else rng.permutation(dealt)
    return Split(fold=fold)


def group_k_fold(groups: Shaped[np.ndarray, "n"], *, k: int, rng: np.random.Generator | None = None) -> Split:
    """Cut rows into `k` folds of about one size that never cut a group: what is alike is held out together.

    The largest group first, each goes to the fold that has the fewest rows so far.

    Args:
        groups: what each row belongs to, such as its patient, its day, its file.
        rng: draws the order of groups of one size.

    Raises:
        TypeError: if `groups` holds neither numbers nor texts, or `rng` is not a generator.
        ValueError: if k < 2, or there are fewer than k groups.

    Oracle: sklearn.model_selection.GroupKFold.

    >>> group_k_fold(np.array(["a", "b", "a", "c", "b", "a"]), k=2).fold
    array([0, 1, 0, 1, 1, 0])
    """
    k, labels = _folds(k, rng), _labels("groups", groups, kinds="iubfUSM")
    place = np.unique(labels, return_inverse=True)[1]
    sizes, weights = np.bincount(place), np.zeros(k, dtype=int)
    if len(sizes) < k:
        raise ValueError(f"groups must be {k} or more different ones, one for each fold, got {len(sizes)}")
    drawn = np.arange(len(sizes)) if rng is None else rng.permutation(len(sizes))
    fold_of = np.empty(len(sizes), dtype=int)
    for group in drawn[np.argsort(sizes[drawn], kind="stable")[::-1]]:
        fold_of[group] = weights.argmin()
        weights[fold_of[group]] += sizes[group]
    return Split(fold=fold_of[place])


def time_split(times: Shaped[np.ndarray, "n"], *, k: int) -> Split:
    """Hold out `k` stretches of time, one after the other, each learned from all that came before it.

    Stretches have as many different times each, and no time is cut in two: what happened at once is held out at once.

    Args:
        times: of each row, in any order: numbers, dates, or texts that sort as times do.

    Raises:
        TypeError: if `times` holds nothing that has an order.
        ValueError: if k < 1, or there are not k + 1 different times.

    Oracle: sklearn.model_selection.TimeSeriesSplit, where the rows are in order and all times differ.

    >>> [(train.tolist(), test.tolist()) for train, test in time_split(np.array([1, 2, 2, 3]), k=2)]
    [([0], [1, 2]), ([0, 1, 2], [3])]
    """
    k, labels = count("k", k), _labels("times", times, kinds="iufUSM")
    rank = np.unique(labels, return_inverse=True)[1]
    n = int(rank.max()) + 1
    if n < k + 1:
        raise ValueError(f"times must be {k + 1} or more different ones, one for each fold and one before, got {n}")
    size = n // (k + 1)
    first = n - k * size
    return Split(fold=np.where(rank < first, 0, (rank - first) // size + 1), in_time=True)


def repeated(
    split: Callable[[np.random.Generator], Split], *, n_repeats: int, rng: np.random.Generator
) -> tuple[Split, ...]:
    """Deal the rows out anew, again and again.

    Args:
        split: from a generator to a split: `lambda rng: k_fold(100, k=5, rng=rng)`.

    Raises:
        TypeError: if `split` is not a function or gives no Split, or `rng` is not a generator.
        ValueError: if `n_repeats` < 1.

    >>> len(repeated(lambda rng: k_fold(9, k=3, rng=rng), n_repeats=4, rng=np.random.default_rng(0)))
    4
    """
    function("split", split)
    instance("rng", rng, np.random.Generator)
    made = tuple(split(rng) for _ in range(count("n_repeats", n_repeats)))
    for each in made:
        instance("split, what it gives,", each, Split)
    return made


@dataclass(frozen=True, kw_only=True)
class Nest:
    """One fold of a nested split: the rows to learn from, those held out, and pairs within the first to choose by."""

    train: Rows
    test: Rows
    inner: tuple[tuple[Rows, Rows], ...]


def nested(outer: Split, inner: Callable[[Rows], Split]) -> tuple[Nest, ...]:
    """Split what is learned from in each fold once more: settings are chosen there, and the held-out rows only report.

    Args:
        inner: from the rows to learn from to a split of them: `lambda rows: group_k_fold(days[rows], k=3)`.

    Returns:
        For each fold its rows and the pairs within, all as rows of the whole table.

    Raises:
        TypeError: if `outer` is not a Split, `inner` is not a function or gives none.
        ValueError: if `inner` gives a split of another number of rows.

    >>> nest = nested(k_fold(4, k=2), lambda rows: k_fold(len(rows), k=2))[0]
    >>> nest.train, nest.inner[0]
    (array([2, 3]), (array([3]), array([2])))
    """
    instance("outer", outer, Split)
    function("inner", inner)
    nests = []
    for train, test in outer:
        within = inner(train)
        instance("inner, what it gives,", within, Split)
        if len(within.fold) != len(train):
            raise ValueError(f"inner must split the {len(train)} rows that it gets, got a split of {len(within.fold)}")
        nests.append(Nest(train=train, test=test, inner=tuple((train[a], train[b]) for a, b in within)))
    return tuple(nests)


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """How many held-out rows are known: themselves, by their group, or because something later is known."""

    rows: int
    groups: int = 0
    times: int = 0


def leaks(train: Rows, test: Rows, *, groups: np.ndarray | None = None, times: np.ndarray | None = None) -> Leaks:
    """Count the held-out rows that are also learned from, share a group with one that is, or are not later than all.

    Raises:
        TypeError: if `train` or `test` holds no whole numbers, or `groups` or `times` neither numbers nor texts.
        ValueError: if one is not a row, or a row has no group or time.

    >>> leaks(np.array([0, 1]), np.array([1, 2]), groups=np.array(["a", "b", "a"]))
    Leaks(rows=1, groups=2, times=0)
    """
    train, test = _rows("train", train), _rows("test", test)
    known_groups = known_times = 0
    if groups is not None:
        group = _for_each("groups", groups, train, test)
        known_groups = int(np.isin(group[test], group[train]).sum())
    if times is not None:
        rank = np.unique(_for_each("times", times, train, test), return_inverse=True)[1]
        known_times = int((rank[test] <= rank[train].max()).sum())
    return Leaks(rows=int(np.isin(test, train).sum()), groups=known_groups, times=known_times)


def _rows(name: str, value: Any) -> Rows:
    rows = integer_array(name, value)
    if rows.ndim != 1 or rows.min() < 0:
        raise ValueError(f"{name} must be the numbers of rows, got {shown(value)}")
    return rows


def _for_each(name: str, value: Any, train: Rows, test: Rows) -> np.ndarray:
    labels, last = _labels(name, value, kinds="iubfUSM"), max(train.max(), test.max())
    if len(labels) <= last:
        raise ValueError(f"{name} must have one for each row, {last + 1} or more, got {len(labels)}")
    return labels


def _folds(k: Any, rng: Any) -> int:
    if rng is not None:
        instance("rng", rng, np.random.Generator)
    return count("k", k, at_least=2)


def _labels(name: str, value: Any, *, kinds: str) -> np.ndarray:
    """Return a label for each row, if they are of a kind that can be told apart, or put in order."""
    array = np.asarray(value)
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must hold {'numbers, dates' if 'M' in kinds else 'whole numbers'} or texts, "
                        f"got {shown(value)}")  # fmt: skip
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must be one for each row, got shape {array.shape}")
    if array.dtype.kind in "fM" and (array != array).any():
        raise ValueError(f"{name} must hold no NaN, and no missing date, got row {int((array != array).argmax())}")
    return array
