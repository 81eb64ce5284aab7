"""Ensembles: many models that predict together, as a forest, as boosting, by vote, or by a model on top of them.

A member is a function that learns: from `x` and `targets` to a function from new rows to predictions, a column for
each output. `lambda x, targets: decision_tree(x, targets, max_depth=3).predict` is one.

Taught in: 10
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, function, instance, real, real_array, several
from kit.learn.trees import Tree, decision_tree, grow_tree

Rows = Int[np.ndarray, "_"]
Predict = Callable[[np.ndarray], np.ndarray]
Member = Callable[[np.ndarray, np.ndarray], Predict]
Derivatives = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

# A forest ----------------------------------------------------------------------------------------------


def bagging(
    member: Member,
    x: Shaped[np.ndarray, "n features"],
    targets: Shaped[np.ndarray, "n outputs"],
    *,
    n_models: int,
    rng: np.random.Generator,
) -> Predict:
    """Fit a member again and again, each time on n rows drawn with replacement, and average what they predict.

    Raises:
        TypeError: if `member` is not a function, `rng` no generator, or an array holds no numbers.
        ValueError: if `targets` have not a row for each of `x`, or `n_models` < 1.

    Source: Breiman (1996), Machine Learning 24, 123-140.
    Oracle: sklearn.ensemble.BaggingRegressor, given the rows that it drew.

    >>> mean = bagging(lambda x, t: lambda new: np.full((len(new), 1), t.mean()), np.ones((3, 1)), np.ones((3, 1)),
    ...                n_models=2, rng=np.random.default_rng(0))
    >>> mean(np.zeros((1, 1)))
    array([[1.]])
    """
    function("member", member)
    x, targets = _examples(x, targets)
    instance("rng", rng, np.random.Generator)
    drawn = [rng.integers(len(x), size=len(x)) for _ in range(count("n_models", n_models))]
    return vote([member(x[rows], targets[rows]) for rows in drawn])


def forest(
    x: Shaped[np.ndarray, "n features"],
    targets: Shaped[np.ndarray, "n outputs"],
    *,
    n_trees: int,
    n_candidates: int | None = None,
    min_rows: int = 1,
    rng: np.random.Generator,
) -> Predict:
    """Bag trees, each of whose nodes may ask for a few features only, drawn anew: their errors are then less alike.

    Raises:
        TypeError, ValueError: as `bagging` and `grow_tree` do.

    Source: Breiman (2001), Machine Learning 45, 5-32.
    Oracle: sklearn.ensemble.RandomForestRegressor and RandomForestClassifier, given the rows that they drew, where
    every feature is a candidate.
    """
    count("n_trees", n_trees)
    grow = partial(decision_tree, n_candidates=n_candidates, min_rows=min_rows, rng=rng)
    return bagging(lambda x, t: grow(x, t).predict, x, targets, n_models=n_trees, rng=rng)


# Boosting ----------------------------------------------------------------------------------------------


def squared_error_derivatives(margins: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give gradient and second derivative of ½ (f - y)² for each row: f - y, and 1."""
    return margins - y, np.ones_like(margins)


def log_loss_derivatives(margins: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give gradient and second derivative of the binary cross-entropy for each row: p - y, and p (1 - p).

    Numerics: p = (1 + tanh(f / 2)) / 2 does not overflow; p (1 - p) is at least 1e-16, as in xgboost.
    """
    p = (1 + np.tanh(margins / 2)) / 2
    return p - y, np.maximum(p * (1 - p), 1e-16)


def boosting_step(
    x: Shaped[np.ndarray, "n features"],
    y: Shaped[np.ndarray, "n"],
    margins: Shaped[np.ndarray, "n"],
    *,
    derivatives: Derivatives = squared_error_derivatives,
    max_depth: int = 6,
    strength: float = 1.0,
) -> Tree:
    """Grow the tree that moves the predictions so far, the margins, by a Newton step in each of its leaves.

        g, h = the loss's derivatives at the margins
        leaf = -G / (H + λ)

    Args:
        strength: λ, of the L2 penalty on the leaves' values.

    Raises:
        TypeError: if an array holds no numbers, or `derivatives` is not a function.
        ValueError: if `y` and `margins` are not a number for each row of `x`, or as `grow_tree` says.

    Source: Chen & Guestrin (2016), arXiv:1603.02754, eqs. 5-7; Friedman (2001), Annals of Statistics 29, 1189-1232.
    Oracle: xgboost.train with one round; sklearn.ensemble.GradientBoostingRegressor(n_estimators=1).

    >>> x, y = np.array([[1.0], [2.0]]), np.array([1.0, 3.0])
    >>> boosting_step(x, y, np.zeros(2), strength=0.0).predict(x).ravel()
    array([1., 3.])
    """
    x, y = real_array("x", x, ndim=2), real_array("y", y, ndim=1)
    margins = real_array("margins", margins, ndim=1)
    function("derivatives", derivatives)
    for name, array in (("y", y), ("margins", margins)):
        if len(array) != len(x):
            raise ValueError(f"{name} must have a number for each of the {len(x)} rows of x, got {len(array)}")
    gradients, hessians = derivatives(margins, y)
    return grow_tree(x, gradients[:, None], hessians, max_depth=max_depth, strength=strength)


@dataclass(frozen=True, kw_only=True)
class Boosted:
    """Trees, one correcting the next: start + lr · Σ their values."""

    start: float
    lr: float
    trees: tuple[Tree, ...]

    def margins(self, x: Shaped[np.ndarray, "n features"], *, n_trees: int | None = None) -> Float[np.ndarray, "n"]:
        """Predict rows with the first trees; with all of them where `n_trees` is None.

        Raises:
            TypeError: if `x` holds no numbers, or `n_trees` is not a whole number.
            ValueError: if `x` has another number of columns, or `n_trees` < 0.
        """
        kept = self.trees if n_trees is None else self.trees[: count("n_trees", n_trees, at_least=0)]
        x = real_array("x", x, ndim=2)
        return self.start + self.lr * sum((tree.predict(x)[:, 0] for tree in kept), start=np.zeros(len(x)))


def boost(
    x: Shaped[np.ndarray, "n features"],
    y: Shaped[np.ndarray, "n"],
    *,
    n_steps: int,
    lr: float = 0.3,
    derivatives: Derivatives = squared_error_derivatives,
    max_depth: int = 6,
    strength: float = 1.0,
    start: float = 0.0,
) -> Boosted:
    """Take boosting steps, each shortened to a share `lr` of itself.

    Args:
        start: the margin of every row before the first step.

    Raises:
        TypeError, ValueError: as `boosting_step` does; or if `lr` <= 0 or `n_steps` < 1.

    Oracle: xgboost.train.
    """
    x, lr, start = real_array("x", x, ndim=2), real("lr", lr, above=0), real("start", start)
    margins, trees = np.full(len(x), start), []
    for _ in range(count("n_steps", n_steps)):
        tree = boosting_step(x, y, margins, derivatives=derivatives, max_depth=max_depth, strength=strength)
        margins = margins + lr * tree.predict(x)[:, 0]
        trees.append(tree)
    return Boosted(start=start, lr=lr, trees=tuple(trees))


# Together ----------------------------------------------------------------------------------------------


def out_of_fold(
    member: Member,
    x: Shaped[np.ndarray, "n features"],
    targets: Shaped[np.ndarray, "n outputs"],
    split: Iterable[tuple[Rows, Rows]],
) -> Float[np.ndarray, "n outputs"]:
    """Predict each row by a model that has not seen it.

    Args:
        split: pairs of rows, to learn from and held out, such as kit.learn.splits gives; each row is held out once.

    Raises:
        TypeError: if `member` is not a function, or an array holds no numbers.
        ValueError: if `targets` have not a row for each of `x`; or a row is held out never or twice, or learned from
            where it is held out.

    Oracle: sklearn.model_selection.cross_val_predict.
    """
    function("member", member)
    x, targets = _examples(x, targets)
    several("split", split)
    pairs = [(np.ravel(learned), np.ravel(held_out)) for learned, held_out in split]
    if len(pairs) < 2 or not np.array_equal(np.sort(np.concatenate([b for _, b in pairs])), np.arange(len(x))):
        raise ValueError(f"split must hold out each of the {len(x)} rows once, in two folds or more")
    if any(np.isin(held_out, learned).any() for learned, held_out in pairs):
        raise ValueError("split must learn from no row that it holds out")
    predictions = np.empty(targets.shape)
    for learned, held_out in pairs:
        predictions[held_out] = member(x[learned], targets[learned])(x[held_out])
    return predictions


def vote(members: Sequence[Predict], weights: Shaped[np.ndarray, "members"] | None = None) -> Predict:
    """Average what fitted members predict, all alike or by weights.

    Raises:
        TypeError: if `members` are no collection of functions, or `weights` no numbers.
        ValueError: if there is no member, or the weights are not one for each, at least 0, and 1 in sum.

    >>> vote([lambda x: x, lambda x: 3 * x])(np.array([[1.0]]))
    array([[2.]])
    """
    several("members", members)
    for member in members:
        function("members", member)
    if not len(members):
        raise ValueError("members must be one or more, got none")
    shares = np.full(len(members), 1 / len(members)) if weights is None else real_array("weights", weights, ndim=1)
    if len(shares) != len(members) or shares.min() < 0 or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(f"weights must be one for each of {len(members)} members, >= 0 and 1 in sum, got {shares}")
    return lambda x: np.tensordot(shares, np.array([member(x) for member in members]), axes=1)


def vote_weights(
    predictions: Shaped[np.ndarray, "members n outputs"],
    targets: Shaped[np.ndarray, "n outputs"],
    *,
    n_rounds: int = 50,
) -> Float[np.ndarray, "members"]:
    """Choose weights for a vote: in each round one more voice goes to whoever lowers the squared error most.

    Args:
        predictions: of each member, out of fold; on rows that a member was fitted on, whoever learns by heart wins.

    Raises:
        TypeError: if an array holds no numbers, or `n_rounds` is not a whole number.
        ValueError: if each member's predictions have not the shape of `targets`, or `n_rounds` < 1.

    Source: Caruana, Niculescu-Mizil, Crew & Ksikes (2004), ICML, 137-144.

    >>> vote_weights(np.array([[[0.0]], [[4.0]]]), np.array([[1.0]]), n_rounds=4)
    array([0.75, 0.25])
    """
    predictions, targets = real_array("predictions", predictions, ndim=3), real_array("targets", targets, ndim=2)
    if predictions.shape[1:] != targets.shape:
        raise ValueError(f"predictions must have the targets' shape {targets.shape} each, got {predictions.shape[1:]}")
    voices, total = np.zeros(len(predictions)), np.zeros(targets.shape)
    for done in range(count("n_rounds", n_rounds)):
        errors = (((total + predictions) / (done + 1) - targets) ** 2).sum(axis=(1, 2))
        best = int(errors.argmin())
        voices[best] += 1
        total = total + predictions[best]
    return voices / n_rounds


def stack(
    members: Sequence[Member],
    top: Member,
    x: Shaped[np.ndarray, "n features"],
    targets: Shaped[np.ndarray, "n outputs"],
    *,
    split: Iterable[tuple[Rows, Rows]],
) -> Predict:
    """Fit a model on top of members: it learns from their out-of-fold predictions, side by side.

    On rows that a member was fitted on, the member looks better than it is, and most so where it learns by heart.
    Out of fold it does not, so `top` learns whom to trust on new rows. The members are then fitted on all rows.

    Raises:
        TypeError, ValueError: as `out_of_fold` does; or if `members` are none, or one or `top` is not a function.

    Source: Wolpert (1992), Neural Networks 5, 241-259; Breiman (1996), Machine Learning 24, 49-64.
    Oracle: sklearn.ensemble.StackingRegressor.
    """
    several("members", members)
    for member in members:
        function("members", member)
    function("top", top)
    if not len(members):
        raise ValueError("members must be one or more, got none")
    several("split", split)
    pairs = list(split)
    side_by_side = np.column_stack([out_of_fold(member, x, targets, pairs) for member in members])
    combine = top(side_by_side, real_array("targets", targets, ndim=2))
    fitted = [member(x, targets) for member in members]
    return lambda new: combine(np.column_stack([predict(new) for predict in fitted]))


def _examples(x: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    x, targets = real_array("x", x, ndim=2), real_array("targets", targets, ndim=2)
    if len(x) != len(targets):
        raise ValueError(f"targets must have a row for each of the {len(x)} rows of x, got {len(targets)}")
    return x, targets
