"""A table for recommenders that every machine already has: which file of the standard library calls which names.

A file is a user, and a name that it calls is an item. A held-out file shows the names that it calls first, and
hides those that it calls later: these are to be suggested. Near-copies of a file stay on its side of every split.

Taught in: 27
"""

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, instance, integer_array, real, real_array, several
from kit.text.corpus import Document, standard_library
from kit.text.dedup import clusters, minhash, near_duplicate_pairs, shingles

N_BANDS, ALIKE = 64, 0.3  # of 128 hashes; the overlap from which two files are near-copies


def called_names(source: str) -> tuple[str, ...]:
    """List the names that a Python source calls, each once, in the order in which it first calls them.

    Of `x.strip()` the name is strip. A call of what has no name, as the second in `f(x)(y)`, is left out.

    Raises:
        TypeError: if `source` is not a str.
        ValueError: if it is not Python.

    >>> called_names("print(len(x.strip()), len(y))")
    ('print', 'len', 'strip')
    """
    instance("source", source, str)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"source must be Python, got {error}") from None
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [node for node in called if isinstance(node, ast.Name | ast.Attribute)]
    named.sort(key=lambda node: (node.end_lineno, node.end_col_offset))  # where its name ends: as it is read
    return tuple(dict.fromkeys(node.id if isinstance(node, ast.Name) else node.attr for node in named))


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The names that each of some files calls.

    Args:
        names: of each file, in the order of their first calls.
        groups: a number for each file; near-copies have the same.
    """

    files: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    groups: Int[np.ndarray, "files"]


def calls_of(documents: Iterable[Document], *, min_names: int = 10) -> Calls:
    """Read which names some files call, and which files are near-copies of one another.

    Args:
        min_names: a file that calls fewer different names is left out.

    Raises:
        TypeError: if `documents` are none, or `min_names` is not a whole number.
        ValueError: if `min_names` < 1, no file calls so many names, or a file is not Python.
    """
    min_names = count("min_names", min_names)
    several("documents", documents)
    kept = []
    for document in documents:
        instance("documents", document, Document)
        try:
            names = called_names(document.text)
        except ValueError as error:
            raise ValueError(f"documents must be Python, got {document.name}: {error}") from None
        if len(names) >= min_names:
            kept.append((document, names))
    if not kept:
        raise ValueError(f"documents must have a file that calls {min_names} names or more, got none")
    signatures = np.stack([minhash(shingles(document.text)) for document, _ in kept])
    pairs = near_duplicate_pairs(signatures, threshold=ALIKE, n_bands=N_BANDS)
    return Calls(
        files=tuple(document.name for document, _ in kept),
        names=tuple(names for _, names in kept),
        groups=np.array(clusters(pairs, n_texts=len(kept))),
    )


@cache
def library_calls(min_names: int = 10) -> Calls:
    """Read which names the files of the standard library call, as `calls_of` does.

    Raises:
        TypeError, ValueError: if `min_names` is not a whole number of at least 1.
    """
    return calls_of(standard_library(), min_names=min_names)


def group_folds(
    groups: Shaped[np.ndarray, "files"], *, n_folds: int, rng: np.random.Generator
) -> Int[np.ndarray, "files"]:
    """Deal groups out to folds at random, as many to each as can be; the files of a group share its fold.

    Raises:
        TypeError: if `groups` are not whole numbers, or `rng` is not a generator.
        ValueError: if `n_folds` < 2, or above the number of groups.

    Oracle: sklearn.model_selection.GroupKFold, which deals out by size: that no group is on two sides.

    >>> group_folds(np.array([7, 7, 9]), n_folds=2, rng=np.random.default_rng(1))
    array([0, 0, 1])
    """
    groups = integer_array("groups", groups)
    if groups.ndim != 1:
        raise ValueError(f"groups must be a row of numbers, got shape {groups.shape}")
    n_folds = count("n_folds", n_folds, at_least=2)
    instance("rng", rng, np.random.Generator)
    names, place = np.unique(groups, return_inverse=True)
    if n_folds > len(names):
        raise ValueError(f"n_folds must be <= the number of groups, {len(names)}, got {n_folds}")
    return (rng.permutation(len(names)) % n_folds)[place]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Files to learn from with all their names, and files that show some names and hide others.

    Args:
        names: of the columns: what enough of the files to learn from call.
        train: 1 where a file to learn from calls a name, else 0.
        shown: the same of each held-out file, for the names that it calls first.
        hidden: the same for those that it calls later.
        files: the held-out ones.
    """

    names: tuple[str, ...]
    train: Float[np.ndarray, "train names"]
    shown: Float[np.ndarray, "files names"]
    hidden: Float[np.ndarray, "files names"]
    files: tuple[str, ...]


def leave_out(
    calls: Calls,
    train: Shaped[np.ndarray, "train"],
    held_out: Shaped[np.ndarray, "held"],
    *,
    share: float = 0.5,
    min_files: int = 3,
) -> Split:
    """Learn the columns from some files, and hide the later names of others.

    Which names there are is decided by the files to learn from alone. Of a held-out file's known names, in the
    order of its calls, the last ⌊share · n⌋ are hidden. A file with nothing to show or to hide is left out; to
    count it as 0 would punish every model alike.

    Args:
        train, held_out: places of files in `calls`.
        share: of a held-out file's names, to hide.
        min_files: a name that fewer of the files to learn from call is left out.

    Raises:
        TypeError: if `calls` are none, places are not whole numbers, or `share` is no number.
        ValueError: if a place is not in `calls` or on both sides, `share` is not between 0 and 1, `min_files` < 1,
            or no name is left, or no file.
    """
    instance("calls", calls, Calls)
    train, held_out = _places("train", train, calls), _places("held_out", held_out, calls)
    share, min_files = real("share", share, above=0, below=1), count("min_files", min_files)
    if both := np.intersect1d(train, held_out).tolist():
        raise ValueError(f"held_out must be other files than train, got {calls.files[both[0]]} on both sides")
    callers = Counter(name for i in train for name in calls.names[i])
    names = tuple(sorted(name for name, n in callers.items() if n >= min_files))
    if not names:
        raise ValueError(f"min_files must leave a name, got {min_files} for {len(train)} files")
    column = {name: j for j, name in enumerate(names)}
    table = np.zeros((len(train), len(names)))
    for row, i in zip(table, train, strict=True):
        row[[column[name] for name in calls.names[i] if name in column]] = 1
    shown, hidden, files = [], [], []
    for i in held_out:
        known = [column[name] for name in calls.names[i] if name in column]
        n_hidden = int(share * len(known))
        if 0 < n_hidden < len(known):
            rows = np.zeros((2, len(names)))
            rows[0, known[:-n_hidden]] = rows[1, known[-n_hidden:]] = 1
            shown.append(rows[0])
            hidden.append(rows[1])
            files.append(calls.files[i])
    if not files:
        raise ValueError("held_out must have a file with a name to show and one to hide, got none")
    return Split(names=names, train=table, shown=np.array(shown), hidden=np.array(hidden), files=tuple(files))


def _places(name: str, places: np.ndarray, calls: Calls) -> np.ndarray:
    places = integer_array(name, places)
    if places.ndim != 1 or places.min() < 0 or places.max() >= len(calls.files):
        raise ValueError(f"{name} must be places of the {len(calls.files)} files, got {places}")
    return places


def with_negatives(
    table: Shaped[np.ndarray, "rows columns"], *, n_negatives: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"], Float[np.ndarray, "pairs"]]:
    """List every pair of the table that is 1, and for each of them some pairs of the same row that are 0, at random.

    Only the table at hand is asked what is a 0. A pair that is hidden from it is drawn as often as any other:
    whoever spares the hidden ones tells the model which they are.

    Args:
        n_negatives: pairs that are 0 for each that is 1; drawn with replacement.

    Returns:
        The row, the column, and the 1 or 0 of each pair; the 1s first.

    Raises:
        TypeError: if `table` holds no numbers, `n_negatives` is not a whole one, or `rng` is not a generator.
        ValueError: if `table` is not a matrix of 0 and 1 with a 1, or a row that has a 1 has no 0 to draw.

    >>> rows, columns, targets = with_negatives(np.array([[1, 0]]), n_negatives=2, rng=np.random.default_rng(0))
    >>> columns, targets
    (array([0, 1, 1]), array([1., 0., 0.]))
    """
    table = zeros_and_ones("table", table)
    n_negatives = count("n_negatives", n_negatives, at_least=0)
    instance("rng", rng, np.random.Generator)
    rows, columns = np.nonzero(table)
    if not len(rows):
        raise ValueError("table must have a 1, got 0s alone")
    if n_negatives and (full := (table == 1).all(axis=1)).any():
        raise ValueError(f"table must have a 0 in each row, got none in row {int(full.argmax())}")
    others = np.repeat(rows, n_negatives)
    drawn = rng.integers(table.shape[1], size=len(others))
    while len(taken := np.flatnonzero(table[others, drawn])):
        drawn[taken] = rng.integers(table.shape[1], size=len(taken))
    targets = np.concatenate([np.ones(len(rows)), np.zeros(len(others))])
    return np.concatenate([rows, others]), np.concatenate([columns, drawn]), targets


def zeros_and_ones(name: str, table: Shaped[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Return a matrix of 0 and 1 as floats.

    Raises:
        TypeError, ValueError: if it is no such matrix.
    """
    array = real_array(name, table, ndim=2)
    if (wrong := (array != 0) & (array != 1)).any():
        raise ValueError(f"{name} must hold 0 and 1 alone, got {array[wrong][0]:g}")
    return array.astype(float, copy=False)
