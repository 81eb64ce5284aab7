"""The exercises of notebook 27: item similarities, a split, a step of ALS, pairs, a rank, full against sampled.

Taught in: 27
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import binom

from kit.check.exercise import Exercise, Mistake


def _table(seed: int, n_users: int, n_items: int) -> np.ndarray:
    """Draw who has what; the last item nobody has, and the two before it one user alone has."""
    table = (np.random.default_rng(seed).random((n_users, n_items)) < 0.5).astype(float)
    table[:, -3:] = 0
    table[0, -3:-1] = 1
    return table


# Similarities ----------------------------------------------------------------------------------------


def _similarities(table: np.ndarray, *, power: float = 0.5, diagonal: float | None = 0.0) -> np.ndarray:
    both, n = table.T @ table, table.sum(axis=0)
    similarities = both / np.maximum(np.outer(n, n), 1) ** power
    if diagonal is not None:
        np.fill_diagonal(similarities, diagonal)
    return similarities


def _by_union(table: np.ndarray) -> np.ndarray:
    both, n = table.T @ table, table.sum(axis=0)
    similarities = both / np.maximum(n[:, None] + n - both, 1)
    np.fill_diagonal(similarities, 0)
    return similarities


def _conditional(table: np.ndarray, *, axis: int) -> np.ndarray:
    both, n = table.T @ table, np.maximum(table.sum(axis=0), 1)
    similarities = both / np.expand_dims(n, axis)
    np.fill_diagonal(similarities, 0)
    return similarities


def _centred(table: np.ndarray) -> np.ndarray:
    moved = table - table.mean(axis=0)
    length = np.maximum(np.linalg.norm(moved, axis=0), 1e-12)
    similarities = moved.T @ moved / np.outer(length, length)
    np.fill_diagonal(similarities, 0)
    return similarities


item_similarities = Exercise(
    notebook="27",
    name="item similarities",
    solution=_similarities,
    cases=((_table(0, 6, 5),), (_table(1, 4, 7),)),
    mistakes=(
        Mistake(
            hint="Those are the users that have both items. Divide by √(n_i n_j): how many have either.",
            answer=partial(_similarities, power=0.0),
        ),
        Mistake(
            hint="Those are the users that have both items, and on the diagonal all who have one. Divide by "
            "√(n_i n_j), then set the diagonal to 0.",
            answer=partial(_similarities, power=0.0, diagonal=None),
        ),
        Mistake(
            hint="The root is missing: divide by √(n_i n_j), not by n_i n_j.", answer=partial(_similarities, power=1.0)
        ),
        Mistake(
            hint="Each item is its own nearest neighbour there. Set the diagonal to 0.",
            answer=partial(_similarities, diagonal=None),
        ),
        Mistake(
            hint="Those are similarities of users. Compare columns: table.T @ table counts who has both items.",
            answer=lambda table: _similarities(table.T),
        ),
        Mistake(
            hint="That is the overlap by the union, Jaccard's. The cosine divides by √(n_i n_j).", answer=_by_union
        ),
        Mistake(
            hint="You divided by one item's count alone, and i is then less like j than j like i. Take √(n_i n_j).",
            answer=partial(_conditional, axis=0),
        ),
        Mistake(
            hint="You divided by one item's count alone, and i is then more like j than j like i. Take √(n_i n_j).",
            answer=partial(_conditional, axis=1),
        ),
        Mistake(
            hint="That is the correlation: you took the means off. The cosine leaves the zeros zeros.", answer=_centred
        ),
    ),
)

# The split -------------------------------------------------------------------------------------------

Names = tuple[str, ...]


def _leave_out(calls: Names, share: float, *, rounded: Callable[[float], float] = math.floor) -> tuple[Names, Names]:
    names = tuple(dict.fromkeys(calls))
    n_shown = len(names) - int(rounded(share * len(names)))
    return names[:n_shown], names[n_shown:]


def _with_repeats(calls: Names, share: float) -> tuple[Names, Names]:
    n_shown = len(calls) - int(share * len(calls))
    return calls[:n_shown], calls[n_shown:]


def _repeats_on_each_side(calls: Names, share: float) -> tuple[Names, Names]:
    shown, hidden = (tuple(dict.fromkeys(side)) for side in _with_repeats(calls, share))
    return shown, hidden


def _new_in_the_tail(calls: Names, share: float) -> tuple[Names, Names]:
    shown, hidden = _repeats_on_each_side(calls, share)
    return shown, tuple(name for name in hidden if name not in shown)


def _by_letters(calls: Names, share: float) -> tuple[Names, Names]:
    return _leave_out(tuple(sorted(set(calls))), share)


def _first_hidden(calls: Names, share: float) -> tuple[Names, Names]:
    names = tuple(dict.fromkeys(calls))
    n_hidden = int(share * len(names))
    return names[n_hidden:], names[:n_hidden]


leave_out = Exercise(
    notebook="27",
    name="the leave-out split",
    solution=_leave_out,
    cases=(
        (("open", "open", "open", "read", "len", "open", "split", "append", "close"), 0.4),
        (("b", "a", "d", "c", "b", "b", "b", "e", "a", "f", "g"), 0.5),
        (("x", "y", "x", "z", "y", "w"), 0.6),
    ),
    mistakes=(
        Mistake(
            hint="A name that is called again stands on both sides: it is hidden, and shown. Keep first calls alone.",
            answer=_with_repeats,
        ),
        Mistake(
            hint="You cut first and dropped repeats after: a name can stand on both sides. Drop them first.",
            answer=_repeats_on_each_side,
        ),
        Mistake(
            hint="You cut the calls, repeats and all, and dropped them after. The share is of the different names.",
            answer=_new_in_the_tail,
        ),
        Mistake(
            hint="The order is lost: a set has none. dict.fromkeys keeps the first of each, in order.",
            answer=_by_letters,
        ),
        Mistake(hint="You hid the first names. What is called later is hidden.", answer=_first_hidden),
        Mistake(
            hint="You rounded up. Of n names, share · n rounded down are hidden.",
            answer=partial(_leave_out, rounded=math.ceil),
        ),
        Mistake(
            hint="You rounded to the nearest. Of n names, share · n rounded down are hidden.",
            answer=partial(_leave_out, rounded=round),
        ),
        Mistake(
            hint="Those two are the wrong way round: first what is shown, then what is hidden.",
            answer=lambda *case: _leave_out(*case)[::-1],
        ),
        Mistake(
            hint="You took the share as what is shown. It is what is hidden.",
            answer=lambda calls, share: (
                tuple(dict.fromkeys(calls))[: int(share * len(set(calls)))],
                tuple(dict.fromkeys(calls))[int(share * len(set(calls))) :],
            ),
        ),
    ),
)

# A step of ALS ---------------------------------------------------------------------------------------


def _als_step(
    table: np.ndarray,
    items: np.ndarray,
    weight: float,
    strength: float,
    *,
    base: float = 1.0,
    in_target: bool = True,
    squared: bool = False,
) -> np.ndarray:
    users = []
    for row in table:
        c = base + weight * row
        inner = (items.T * (c**2 if squared else c)) @ items + strength * np.eye(items.shape[1])
        users.append(np.linalg.solve(inner, items.T @ ((c if in_target else 1) * row)))
    return np.array(users)


def _only_own(table: np.ndarray, items: np.ndarray, weight: float, strength: float) -> np.ndarray:
    users = []
    for row in table:
        own = items[row > 0]
        inner = (1 + weight) * own.T @ own + strength * np.eye(items.shape[1])
        users.append(np.linalg.solve(inner, (1 + weight) * own.sum(axis=0)))
    return np.array(users)


def _factors(seed: int, n_users: int, n_items: int, d: int, weight: float, strength: float) -> tuple:
    return _table(seed, n_users, n_items), np.random.default_rng(seed).normal(size=(n_items, d)), weight, strength


als_step = Exercise(
    notebook="27",
    name="one step of ALS",
    solution=_als_step,
    cases=(_factors(2, 4, 6, 2, 3.0, 0.5), _factors(3, 5, 8, 3, 0.5, 2.0)),
    mistakes=(
        Mistake(
            hint="Every item counts alike there. What the user has counts 1 + weight, all else 1.",
            answer=lambda table, items, weight, strength: _als_step(table, items, 0.0, strength),
        ),
        Mistake(
            hint="The penalty is missing: add strength to the diagonal of the matrix that you solve with.",
            answer=lambda table, items, weight, strength: _als_step(table, items, weight, 0.0),
        ),
        Mistake(
            hint="You left out what the user has not. Those items count too, with weight 1 and target 0.",
            answer=_only_own,
        ),
        Mistake(
            hint="What the user has not counts nothing there. The count is 1 + weight · t, and for a 0 that is 1.",
            answer=partial(_als_step, base=0.0),
        ),
        Mistake(
            hint="On the right side the counts are missing: it is the sum of c · t · q.",
            answer=partial(_als_step, in_target=False),
        ),
        Mistake(
            hint="You weighed the items and the table by c each, and so by c² in the matrix. Weigh once.",
            answer=partial(_als_step, squared=True),
        ),
        Mistake(
            hint="Those are the scores. Return the users' numbers, a row for each user.",
            answer=lambda table, items, weight, strength: _als_step(table, items, weight, strength) @ items.T,
        ),
        Mistake(
            hint="The table is turned: a row for each factor. Return a row for each user.",
            answer=lambda *case: _als_step(*case).T,
        ),
    ),
)

# Pairs -----------------------------------------------------------------------------------------------


def _pair_sum(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    return ((x @ v) ** 2 - x**2 @ v**2).sum(axis=1) / 2


def _features(seed: int, n: int, n_features: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_features)), rng.normal(size=(n_features, d))


pair_sum = Exercise(
    notebook="27",
    name="all pairs in linear time",
    solution=_pair_sum,
    cases=(_features(0, 3, 4, 2), _features(1, 2, 7, 3)),
    mistakes=(
        Mistake(
            hint="Every pair is in the square twice, as i j and as j i. Halve it.",
            answer=lambda x, v: 2 * _pair_sum(x, v),
        ),
        Mistake(
            hint="The square of the sum also holds each feature with itself. Take these squares off.",
            answer=lambda x, v: ((x @ v) ** 2).sum(axis=1) / 2,
        ),
        Mistake(
            hint="You took the squares off after halving, and so twice as much as is there. Halve the difference.",
            answer=lambda x, v: ((x @ v) ** 2 / 2 - x**2 @ v**2).sum(axis=1),
        ),
        Mistake(
            hint="What is taken off is (x_i v_i)²: square x as well.",
            answer=lambda x, v: ((x @ v) ** 2 - x @ v**2).sum(axis=1) / 2,
        ),
        Mistake(
            hint="What is taken off is (x_i v_i)²: square v as well.",
            answer=lambda x, v: ((x @ v) ** 2 - x**2 @ v).sum(axis=1) / 2,
        ),
        Mistake(
            hint="You summed over the numbers of v before squaring. Square each of them, then add up.",
            answer=lambda x, v: ((x @ v).sum(axis=1) ** 2 - (x**2 @ v**2).sum(axis=1)) / 2,
        ),
        Mistake(
            hint="The sign is turned round: the square of the sum, less the sum of the squares.",
            answer=lambda x, v: -_pair_sum(x, v),
        ),
        Mistake(
            hint="That is one number for each number of v. Add those up: one for each row.",
            answer=lambda x, v: ((x @ v) ** 2 - x**2 @ v**2) / 2,
        ),
    ),
)

# Ranks -----------------------------------------------------------------------------------------------


def _rank(
    scores: np.ndarray, seen: list[int], target: int, *, first: float = 1.0, level: float = 0.5, compete: bool = False
) -> float:
    others = np.delete(scores, [target] if compete else [*seen, target])
    return first + (others > scores[target]).sum() + level * (others == scores[target]).sum()


def _from_below(scores: np.ndarray, seen: list[int], target: int) -> float:
    return _rank(-scores, seen, target)


_SCORES = np.array([0.9, 0.2, 0.5, 0.5, 0.7, 0.5, 0.1, 0.8])

rank_of = Exercise(
    notebook="27",
    name="a rank in the full list",
    solution=_rank,
    cases=((_SCORES, [0, 2], 5), (_SCORES, [4, 6, 1], 3), (_SCORES, [1], 7), (_SCORES[::-1].copy(), [1, 3, 5], 0)),
    mistakes=(
        Mistake(
            hint="Items that the user was seen to have compete there. Take them out of the list first.",
            answer=partial(_rank, compete=True),
        ),
        Mistake(hint="Ranks begin at 1, for the first of the list.", answer=partial(_rank, first=0.0)),
        Mistake(
            hint="Ties go to the target there: with one score for all, every rank is 1. Count half of each.",
            answer=partial(_rank, level=0.0),
        ),
        Mistake(hint="Ties go against the target there. Count half of each.", answer=partial(_rank, level=1.0)),
        Mistake(
            hint="The target is level with itself, and counts half of a place too many. Leave it out of the others.",
            answer=lambda *case: _rank(*case) + 0.5,
        ),
        Mistake(
            hint="You counted those below. The rank is 1 and what stands above, by a higher score.", answer=_from_below
        ),
    ),
)

# The experiment --------------------------------------------------------------------------------------


def _leads(
    ranks_a: np.ndarray,
    ranks_b: np.ndarray,
    n_others: int,
    n_sampled: int,
    k: int,
    *,
    above: int = 1,
    places: int = 1,
    strict: bool = False,
) -> tuple[float, float]:
    full, sampled = [], []
    for ranks in (ranks_a, ranks_b):
        full.append(float((ranks < k if strict else ranks <= k).mean()))
        sampled.append(float(binom.cdf(k - places, n_sampled, (ranks - above) / n_others).mean()))
    return full[0] - full[1], sampled[0] - sampled[1]


def _best_guess(ranks_a: np.ndarray, ranks_b: np.ndarray, n_others: int, n_sampled: int, k: int) -> tuple[float, float]:
    """Take the sampled rank that is expected for the one that is drawn."""
    full = _leads(ranks_a, ranks_b, n_others, n_sampled, k)[0]
    hit = [float((1 + n_sampled * (r - 1) / n_others <= k).mean()) for r in (ranks_a, ranks_b)]
    return full, hit[0] - hit[1]


leads = Exercise(
    notebook="27",
    name="an experiment: full against sampled",
    solution=_leads,
    cases=(
        (np.array([1, 1000, 2, 900, 10]), np.array([60, 70, 40, 55, 11]), 1000, 100, 10),
        (np.array([3, 8, 5, 20]), np.array([4, 2, 5, 9]), 40, 10, 5),
        (np.array([1, 2, 3]), np.array([1, 50, 51]), 50, 5, 1),
    ),
    mistakes=(
        Mistake(
            hint="A rank of r has r - 1 others above it: one that is drawn stands above with chance (r - 1) / n.",
            answer=partial(_leads, above=0),
        ),
        Mistake(
            hint="Among the first k there is room for k - 1 others above the item: binom.cdf(k - 1, ...).",
            answer=partial(_leads, places=0),
        ),
        Mistake(
            hint="A rank of k is among the first k: compare with <=.",
            answer=partial(_leads, strict=True),
        ),
        Mistake(
            hint="The leads are those of b. Return how far a is ahead, in the full list and in the sample.",
            answer=lambda a, b, *sizes: _leads(b, a, *sizes),
        ),
        Mistake(
            hint="The order is turned round: first the lead in the full list, then the one in the sample.",
            answer=lambda *case: _leads(*case)[::-1],
        ),
        Mistake(
            hint="The sampled rank is drawn, and has no one value. Average the chance that it is k or less.",
            answer=_best_guess,
        ),
        Mistake(
            hint="Those are sums over items. Average: the number of items says nothing of a model.",
            answer=lambda a, b, *sizes: tuple(len(a) * lead for lead in _leads(a, b, *sizes)),
        ),
    ),
)

EXERCISES = (item_similarities, leave_out, als_step, pair_sum, rank_of, leads)
