"""Look for leaks in the splits of random tables: a row, a group or a time on both sides.

    python -m tests.learn.leaks          10,000 tables
    python -m tests.learn.leaks 500      so many

Each table has 6 to 60 rows, some of them alike in group, time and class, in no order. Each is split in every way, as
a whole, again and again, and once more within each fold. Beside it stands what rows that are merely shuffled leak.
"""

import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from kit.learn.splits import Split, group_k_fold, k_fold, leaks, nested, repeated, stratified_k_fold, time_split

Pair = tuple[np.ndarray, np.ndarray]


def table(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the classes, groups and times of a table; two or more rows of each class, three or more groups and times."""
    n = int(rng.integers(6, 61))
    classes, groups, times = (rng.integers(size, size=n) for size in rng.integers(3, [6, n, n]))
    classes[:6], groups[:3], times[:3] = [0, 1, 2, 0, 1, 2], [0, 1, 2], [0, 1, 2]
    for column in (classes, groups, times):
        names, counts = np.unique(column, return_counts=True)
        column[np.isin(column, names[counts < 2])] = 0 if column is classes else column[0]
    groups[:3], times[:3] = [0, 1, 2], [0, 1, 2]
    order = rng.permutation(n)
    return {"classes": classes[order], "groups": groups[order], "times": times[order]}


def splits(drawn: dict[str, np.ndarray], rng: np.random.Generator) -> Iterator[tuple[str, list[Pair]]]:
    """Split a table in every way: the way's name, and all its pairs of rows."""
    classes, groups, times = drawn["classes"], drawn["groups"], drawn["times"]
    n, k = len(classes), int(rng.integers(2, 4))
    shuffled = k_fold(n, k=k, rng=rng)
    yield "rows", list(shuffled)
    again = repeated(lambda g: k_fold(n, k=k, rng=g), n_repeats=3, rng=rng)
    yield "rows, repeated", [pair for split in again for pair in split]
    yield "stratified", list(stratified_k_fold(classes, k=2, rng=rng))
    yield "grouped", list(group_k_fold(groups, k=k, rng=rng))
    yield "time", list(time_split(times, k=2))
    for name, outer, labels in (("grouped", group_k_fold(groups, k=3), groups), ("rows", shuffled, np.arange(n))):
        nests = nested(outer, lambda rows, labels=labels: group_k_fold(labels[rows], k=2))
        yield f"{name}, nested", [(nest.train, nest.test) for nest in nests]
        yield f"{name}, within", [pair for nest in nests for pair in nest.inner]
        # what an inner pair learns from must not know the rows that the outer fold holds out
        yield f"{name}, across", [(learned, nest.test) for nest in nests for learned, _ in nest.inner]


def counted(n_tables: int, *, seed: int = 0) -> dict[str, Counter]:
    """Count, for each way to split, held-out rows and those that are known by themselves, their group or their time."""
    found: dict[str, Counter] = {}
    for number in range(n_tables):
        rng = np.random.default_rng([seed, number])
        drawn = table(rng)
        for way, pairs in splits(drawn, rng):
            for train, test in pairs:
                leak = leaks(train, test, groups=drawn["groups"], times=drawn["times"])
                row = {"held out": len(test), "row": leak.rows, "group": leak.groups, "time": leak.times}
                found.setdefault(way, Counter()).update(row)
    return found


def promised(way: str) -> list[str]:
    """Name the leaks that a way to split rules out."""
    return ["row", *(["group"] if "grouped" in way else []), *(["time"] if way == "time" else [])]


def held_out_once(split: Split) -> bool:
    """Tell whether each row is held out once; in time, each but those of the first stretch."""
    rows = np.sort(np.concatenate([test for _, test in split]))
    return bool((rows == np.flatnonzero(split.fold >= split.in_time)).all())


if __name__ == "__main__":
    n = int(sys.argv[1]) if sys.argv[1:] else 10_000
    found = counted(n)
    print(f"{n:,} random tables\n{'split':18}{'held out':>12}{'row':>10}{'group':>12}{'time':>12}   ruled out")
    for way, row in found.items():
        print(f"{way:18}{row['held out']:12,}{row['row']:10,}{row['group']:12,}{row['time']:12,}   "
              f"{', '.join(promised(way))}")  # fmt: skip
    broken = sum(row[leak] for way, row in found.items() for leak in promised(way))
    print(f"{broken} leaks of row, group or time where they are ruled out")
    sys.exit(bool(broken))
