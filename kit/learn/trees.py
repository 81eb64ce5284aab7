"""Decision trees: the split that gains most, again and again.

Every tree here is one step of boosting. At the predictions so far a loss has for each row a gradient g and a second
derivative h. A leaf moves the prediction of its rows by one Newton step, -G / (H + λ), with G and H their sums.

    from 0, g = -y and h = 1           a leaf's value is the mean of its rows' y
    from 0, g = -one-hot y and h = 1   it is the share of each class among them
    g and h of any loss                a step of gradient boosting, as XGBoost takes it

Taught in: 10
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, instance, integer_array, real, real_array, several

NO_FEATURE = -1  # in the place of a leaf's feature


def gini(classes: Shaped[np.ndarray, "n"]) -> float:
    """Measure how mixed the classes of some rows are: how often two of them, drawn with replacement, differ.

        1 - Σ p²       p the share of each class

    Raises:
        TypeError: if `classes` are no whole numbers.
        ValueError: if there is no row.

    Source: Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, chapter 4.
    Oracle: sklearn.tree.DecisionTreeClassifier, its `impurity` of the root.

    >>> gini(np.array([0, 0, 1, 1])), gini(np.array([1, 1]))
    (0.5, 0.0)
    """
    classes = integer_array("classes", classes)
    shares = np.unique(classes, return_counts=True)[1] / classes.size
    return float(1 - shares @ shares)


def one_hot(classes: Shaped[np.ndarray, "n"], *, n_classes: int) -> Float[np.ndarray, "n classes"]:
    """Write each row's class as a row of zeros with a 1 at its class: its mean over rows is the share of each class.

    Raises:
        TypeError: if `classes` or `n_classes` are no whole numbers.
        ValueError: if a class is not from 0 to `n_classes` - 1, or there is no row.

    >>> one_hot(np.array([1, 0]), n_classes=2)
    array([[0., 1.],
           [1., 0.]])
    """
    classes, n_classes = integer_array("classes", classes), count("n_classes", n_classes)
    if classes.ndim != 1 or classes.min() < 0 or classes.max() >= n_classes:
        raise ValueError(f"classes must be a row of numbers from 0 to {n_classes - 1}, got {classes.ravel()[:9]}")
    return np.eye(n_classes)[classes]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Ask whether a feature is at most a threshold: a split of the rows in two.

    Args:
        gain: by how much the loss falls if each side gets a leaf of its own.
    """

    feature: int
    threshold: float
    gain: float


def best_split(
    x: Shaped[np.ndarray, "n features"],
    gradients: Shaped[np.ndarray, "n outputs"],
    hessians: Shaped[np.ndarray, "n"],
    *,
    strength: float = 0.0,
    min_rows: int = 1,
) -> Question | None:
    """Try every threshold between two neighbouring values of every feature, and keep the one that gains most.

        gain = ½ [ G_L² / (H_L + λ) + G_R² / (H_R + λ) - G² / (H + λ) ]      summed over outputs

    With g = -y, h = 1 and λ = 0 it is half of what the sum of squared errors falls by; with one-hot classes, half the
    number of rows times what Gini's impurity falls by.

    Args:
        strength: λ, of the L2 penalty on the leaves' values.
        min_rows: the fewest on either side.

    Returns:
        The split; of equal gains that of the first feature, and there the lowest. None where no split gains.

    Raises:
        TypeError: if an argument holds no numbers.
        ValueError: if `x` and `gradients` are not finite matrices of equally many rows, `hessians` are not a number
            above 0 for each of them, `strength` < 0 or `min_rows` < 1.

    Numerics: a gain below 1e-12 of Σ g²/h is rounding, and counts as none.
    Source: Chen & Guestrin (2016), arXiv:1603.02754, eq. 7, without γ.
    Oracle: sklearn.tree.DecisionTreeClassifier and DecisionTreeRegressor of depth 1; xgboost's `get_dump`, whose gain
    is without the ½.

    >>> best_split(np.array([[1.0], [2.0], [6.0]]), -np.array([[0.0], [0.0], [3.0]]), np.ones(3))
    Question(feature=0, threshold=4.0, gain=3.0)
    """
    x, gradients, hessians = _rows(x, gradients, hessians)
    return _best(x, gradients, hessians, real("strength", strength, at_least=0), count("min_rows", min_rows))


def _best(x: np.ndarray, g: np.ndarray, h: np.ndarray, strength: float, min_rows: int) -> Question | None:
    n = len(x)
    if n < 2 * min_rows:
        return None
    order = np.argsort(x, axis=0, kind="stable")  # each feature by itself
    ordered = np.take_along_axis(x, order, axis=0)
    left_g, left_h = g[order].cumsum(axis=0), h[order].cumsum(axis=0)  # row, feature, output; row, feature
    all_g, all_h = g.sum(axis=0), h.sum()
    sides = ((left_g[:-1], left_h[:-1]), (all_g - left_g[:-1], all_h - left_h[:-1]))
    gain = sum((part**2).sum(axis=2) / (weight + strength) for part, weight in sides)
    gain = (gain - (all_g**2).sum() / (all_h + strength)) / 2
    gain[: min_rows - 1] = gain[n - min_rows :] = -np.inf
    gain[ordered[1:] == ordered[:-1]] = -np.inf  # no threshold parts equal values
    feature, at = np.unravel_index(gain.T.argmax(), gain.T.shape)
    best = float(gain[at, feature])
    if not best > 1e-12 * (g**2 / h[:, None]).sum():
        return None
    low, high = ordered[at, feature], ordered[at + 1, feature]
    middle = low + (high - low) / 2
    threshold = middle if middle < high else low  # of neighbours in float64 the middle may be the upper one
    return Question(feature=int(feature), threshold=float(threshold), gain=best)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A grown tree, a row for each node, the root first: its question, where each answer leads, and its value.

    Args:
        feature: what is asked for; -1 at a leaf.
        left: the node for `x[feature] <= threshold`; `right` the other one.
        value: what a row that ends here gets, a number for each output.
        n_rows: how many training rows came by.
        gain: that of the node's split; 0 at a leaf.
    """

    feature: Int[np.ndarray, "nodes"]
    threshold: Float[np.ndarray, "nodes"]
    left: Int[np.ndarray, "nodes"]
    right: Int[np.ndarray, "nodes"]
    value: Float[np.ndarray, "nodes outputs"]
    n_rows: Int[np.ndarray, "nodes"]
    gain: Float[np.ndarray, "nodes"]
    n_features: int

    @property
    def n_leaves(self) -> int:
        """Count the leaves."""
        return int((self.feature == NO_FEATURE).sum())

    def leaf_of(self, x: Shaped[np.ndarray, "n features"]) -> Int[np.ndarray, "n"]:
        """Find the leaf in which each row ends.

        Raises:
            TypeError: if `x` holds no numbers.
            ValueError: if `x` is not a finite matrix with a column for each feature.
        """
        x = real_array("x", x, ndim=2)
        if x.shape[1] != self.n_features:
            raise ValueError(f"x must have {self.n_features} columns, one for each feature, got {x.shape[1]}")
        at, rows = np.zeros(len(x), dtype=np.int64), np.arange(len(x))
        while len(rows):
            rows = rows[self.feature[at[rows]] != NO_FEATURE]  # those that are not there yet
            node = at[rows]
            goes_left = x[rows, self.feature[node]] <= self.threshold[node]
            at[rows] = np.where(goes_left, self.left[node], self.right[node])
        return at

    def predict(self, x: Shaped[np.ndarray, "n features"]) -> Float[np.ndarray, "n outputs"]:
        """Give each row the value of its leaf.

        Raises:
            TypeError, ValueError: as `leaf_of` does.
        """
        return self.value[self.leaf_of(x)]

    def importance(self) -> Float[np.ndarray, "features"]:
        """Share out the gain of all splits among the features; all 0 where there is no split.

        A column of noise with many values is asked often, and gains a little each time: its share is not 0.

        Oracle: sklearn.tree.DecisionTreeClassifier.feature_importances_.
        """
        inner = self.feature != NO_FEATURE
        gained = np.bincount(self.feature[inner], weights=self.gain[inner], minlength=self.n_features)
        return gained / (gained.sum() or 1.0)

    def rules(self, names: Sequence[str]) -> str:
        """Write the tree out, a question or a leaf a line, each answer further in than its question.

        Raises:
            TypeError: if `names` are no collection.
            ValueError: if they are not one for each feature.
        """
        several("names", names)
        if len(names) != self.n_features:
            raise ValueError(f"names must be {self.n_features}, one for each feature, got {len(names)}")
        lines, waiting = [], [(0, "")]
        while waiting:
            node, indent = waiting.pop()
            if self.feature[node] == NO_FEATURE:
                value = ", ".join(f"{number:.3g}" for number in self.value[node])
                lines.append(f"{indent}{value}  ({self.n_rows[node]} rows)")
            else:
                lines.append(f"{indent}{names[self.feature[node]]} <= {self.threshold[node]:.4g}?")
                waiting += [(self.right[node], f"{indent}  no:  "), (self.left[node], f"{indent}  yes: ")]
        return "\n".join(lines)


def grow_tree(
    x: Shaped[np.ndarray, "n features"],
    gradients: Shaped[np.ndarray, "n outputs"],
    hessians: Shaped[np.ndarray, "n"],
    *,
    max_depth: int | None = None,
    min_rows: int = 1,
    strength: float = 0.0,
    n_candidates: int | None = None,
    rng: np.random.Generator | None = None,
) -> Tree:
    """Split the rows in two, and each side again, as long as something is gained; give each leaf its Newton step.

        value = -G / (H + λ)

    Args:
        max_depth: the most questions on the way to a leaf; no limit where it is None.
        min_rows: the fewest that a leaf may hold.
        strength: λ, of the L2 penalty on the leaves' values.
        n_candidates: how many features, drawn anew at each node, may be asked for; all where it is None.
        rng: draws them.

    Raises:
        TypeError: if an argument is none of the kind named.
        ValueError: if arrays do not fit as `best_split` says, a number is out of range, or candidates are to be
            drawn without `rng`.

    Source: Chen & Guestrin (2016), arXiv:1603.02754, eqs. 5-7; `n_candidates`: Breiman (2001), Machine Learning
    45, 5-32.
    Oracle: sklearn.tree.DecisionTreeRegressor, xgboost.train with tree_method="exact".

    >>> tree = grow_tree(np.array([[1.0], [2.0], [6.0]]), -np.array([[0.0], [2.0], [7.0]]), np.ones(3), max_depth=1)
    >>> tree.predict(np.array([[0.0], [9.0]]))
    array([[1.],
           [7.]])
    """
    x, gradients, hessians = _rows(x, gradients, hessians)
    depth_limit = np.inf if max_depth is None else count("max_depth", max_depth, at_least=0)
    min_rows, strength = count("min_rows", min_rows), real("strength", strength, at_least=0)
    draw = _candidates(x.shape[1], n_candidates, rng)
    nodes: list[dict[str, Any]] = []
    waiting: list[tuple[np.ndarray, int, dict[str, Any], str]] = [(np.arange(len(x)), 0, {}, "")]
    while waiting:
        rows, depth, parent, side = waiting.pop()
        parent[side] = len(nodes)
        g, h = gradients[rows], hessians[rows]
        candidates = draw()
        split = _best(x[rows][:, candidates], g, h, strength, min_rows) if depth < depth_limit else None
        node: dict[str, Any] = {"value": (0.0 - g.sum(axis=0)) / (h.sum() + strength), "n_rows": len(rows)}
        nodes.append(node)
        if split is not None:
            feature = int(candidates[split.feature])
            node |= {"feature": feature, "threshold": split.threshold, "gain": split.gain}
            goes_left = x[rows, feature] <= split.threshold
            waiting += [(rows[~goes_left], depth + 1, node, "right"), (rows[goes_left], depth + 1, node, "left")]
    leaf = {"feature": NO_FEATURE, "threshold": 0.0, "gain": 0.0, "left": 0, "right": 0}
    columns = {name: np.array([(leaf | node)[name] for node in nodes]) for name in (*leaf, "value", "n_rows")}
    return Tree(**columns, n_features=x.shape[1])


def decision_tree(
    x: Shaped[np.ndarray, "n features"],
    targets: Shaped[np.ndarray, "n outputs"],
    *,
    max_depth: int | None = None,
    min_rows: int = 1,
    n_candidates: int | None = None,
    rng: np.random.Generator | None = None,
) -> Tree:
    """Grow a tree whose leaves hold the mean of their rows' targets: numbers, or `one_hot` classes.

    Raises:
        TypeError, ValueError: as `grow_tree` does.

    Oracle: sklearn.tree.DecisionTreeRegressor and DecisionTreeClassifier.

    >>> decision_tree(np.array([[1.0], [2.0], [6.0]]), one_hot(np.array([0, 0, 1]), n_classes=2)).n_leaves
    2
    """
    targets = real_array("targets", targets, ndim=2)
    if len(targets) != len(real_array("x", x, ndim=2)):
        raise ValueError(f"targets must have a row for each of the {len(x)} rows of x, got {len(targets)}")
    limits: dict[str, Any] = {"max_depth": max_depth, "min_rows": min_rows, "n_candidates": n_candidates, "rng": rng}
    return grow_tree(x, -targets, np.ones(len(targets)), **limits)


def _rows(x: Any, gradients: Any, hessians: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, gradients = real_array("x", x, ndim=2), real_array("gradients", gradients, ndim=2)
    hessians = real_array("hessians", hessians, ndim=1)
    for name, array in (("gradients", gradients), ("hessians", hessians)):
        if len(array) != len(x):
            raise ValueError(f"{name} must have a row for each of the {len(x)} rows of x, got {len(array)}")
    if hessians.min() <= 0:
        raise ValueError(f"hessians must be > 0, got {hessians.min():g}")
    return x, gradients, hessians


def _candidates(n_features: int, n_candidates: int | None, rng: np.random.Generator | None):
    """Make what draws the features that a node may ask for."""
    if n_candidates is None:
        return lambda: np.arange(n_features)
    if count("n_candidates", n_candidates) > n_features:
        raise ValueError(f"n_candidates must be <= {n_features}, the features of x, got {n_candidates}")
    instance("rng", rng, np.random.Generator)
    return lambda: np.sort(rng.choice(n_features, size=n_candidates, replace=False))  # type: ignore[union-attr]
