"""Judge suggestions by what was hidden: every item competes but those that the user was seen to have.

    full ranking     the hidden items among all others: what a user would be shown
    among sampled    a hidden item among a hundred others drawn at random: cheap, and it can turn the order of two
                     models round, for it hardly asks who stands on top

Taught in: 27
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, instance, real_array
from kit.recsys.calls import zeros_and_ones


def competing(
    scores: Shaped[np.ndarray, "users items"], *, shown: Shaped[np.ndarray, "users items"]
) -> Float[np.ndarray, "users items"]:
    """Put what a user was seen to have below everything else, so that it takes no place of what was hidden.

    With what was hidden as the relevance, the metrics of kit.learn.ranking then are those of the full ranking.

    Raises:
        TypeError, ValueError: if `scores` hold no finite numbers, `shown` is not 0 and 1, or their shapes differ.

    >>> competing(np.array([[0.9, 0.2, 0.5]]), shown=np.array([[1, 0, 0]]))
    array([[-0.8,  0.2,  0.5]])
    """
    scores, shown = _scores(scores, shown)
    return np.where(shown > 0, scores.min() - 1, scores)


def top_items(
    scores: Shaped[np.ndarray, "users items"], *, shown: Shaped[np.ndarray, "users items"], k: int
) -> Int[np.ndarray, "users k"]:
    """List the k items of highest score for each user, best first, without those that the user was seen to have.

    Of equal scores the item further to the left comes first, whether it is a hit or not.

    Raises:
        TypeError: if `scores` or `shown` hold no numbers, or `k` is not a whole one.
        ValueError: if their shapes differ, `shown` holds other than 0 and 1, `k` < 1, or a user has fewer than k
            items left.

    >>> top_items(np.array([[0.9, 0.2, 0.5]]), shown=np.array([[1, 0, 0]]), k=2)
    array([[2, 1]])
    """
    scores, shown = _scores(scores, shown)
    k, left = count("k", k), int((shown == 0).sum(axis=1).min())
    if k > left:
        raise ValueError(f"k must be at most the {left} items that a user has left, got {k}")
    return np.argsort(np.where(shown > 0, np.inf, -scores), axis=1, kind="stable")[:, :k]


def full_ranks(
    scores: Shaped[np.ndarray, "users items"],
    *,
    shown: Shaped[np.ndarray, "users items"],
    hidden: Shaped[np.ndarray, "users items"],
) -> Float[np.ndarray, "pairs"]:
    """Rank each hidden item among all items that the user is not known to have, from 1; an equal score counts half.

    The other hidden items of the user do not compete: they are no mistakes.

    Raises:
        TypeError, ValueError: if `scores` hold no finite numbers, `shown` or `hidden` is not 0 and 1, shapes differ, an
            item is both, or a user has nothing hidden: leave that user out.

    >>> full_ranks(np.array([[9, 2, 5, 7]]), shown=np.array([[1, 0, 0, 0]]), hidden=np.array([[0, 0, 1, 0]]))
    array([2.])
    """
    scores, hidden = _scores(scores, shown)[0], _hidden(hidden, shown)
    ranks = []
    for own, others, wanted in zip(scores, shown + hidden == 0, hidden > 0, strict=True):
        ranks.append(_ranks(own[wanted], np.broadcast_to(own[others], (int(wanted.sum()), int(others.sum())))))
    return np.concatenate(ranks)


def sampled_ranks(
    scores: Shaped[np.ndarray, "users items"],
    *,
    shown: Shaped[np.ndarray, "users items"],
    hidden: Shaped[np.ndarray, "users items"],
    n_sampled: int = 100,
    rng: np.random.Generator,
) -> Float[np.ndarray, "pairs"]:
    """Rank each hidden item among a few others, drawn anew for each from those that the user is not known to have.

    With one other, the chance of rank 1 is the area under the ROC curve: where in the list an item stands does
    not count, only how much of the list stands below it.

    Args:
        n_sampled: others, drawn with replacement.

    Raises:
        TypeError, ValueError: as `full_ranks`, or if `n_sampled` < 1 or `rng` is not a generator.

    Source: Krichene & Rendle (2022), On sampled metrics for item recommendation, Communications of the ACM 65(7).
    Oracle: `full_ranks`: the share of others ahead is the same on average.
    """
    scores, hidden = _scores(scores, shown)[0], _hidden(hidden, shown)
    n_sampled = count("n_sampled", n_sampled)
    instance("rng", rng, np.random.Generator)
    ranks = []
    for own, others, wanted in zip(scores, shown + hidden == 0, hidden > 0, strict=True):
        drawn = rng.choice(np.flatnonzero(others), size=(int(wanted.sum()), n_sampled))
        ranks.append(_ranks(own[wanted], own[drawn]))
    return np.concatenate(ranks)


def _ranks(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    ahead, level = (others > own[:, None]).sum(axis=1), (others == own[:, None]).sum(axis=1)
    return 1 + ahead + level / 2


def _scores(scores: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, shown = real_array("scores", scores, ndim=2), zeros_and_ones("shown", shown)
    if scores.shape != shown.shape:
        raise ValueError(f"scores must have the shape of shown, {shown.shape}, got {scores.shape}")
    return scores, shown


def _hidden(hidden: np.ndarray, shown: np.ndarray) -> np.ndarray:
    hidden, shown = zeros_and_ones("hidden", hidden), zeros_and_ones("shown", shown)
    if hidden.shape != shown.shape:
        raise ValueError(f"hidden must have the shape of shown, {shown.shape}, got {hidden.shape}")
    if not hidden.any(axis=1).all():
        raise ValueError(f"hidden must have an item for each user, got none in row {hidden.any(axis=1).argmin()}")
    if (hidden * shown).any():
        raise ValueError("hidden must be items that are not shown, got one that is both")
    return hidden
