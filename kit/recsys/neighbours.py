"""Collaborative filtering by neighbours: suggest what those have who are alike, or what goes with what one has.

    popularity         the same list for everybody: what most have
    item neighbours    a column is suggested by the columns like it that the user has; each of them is a vote
    user neighbours    a column is suggested by the rows that are like the user's
    ridge              as item neighbours, but all votes are learned together, by least squares

A table holds 1 where a row, the user, has a column, the item. All of these learn from it in closed form.

Taught in: 27
"""

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import count, real, real_array
from kit.recsys.calls import zeros_and_ones


def popularity(table: Shaped[np.ndarray, "users items"]) -> Float[np.ndarray, "items"]:
    """Measure the share of users that have each item.

    Raises:
        TypeError, ValueError: if `table` is not a matrix of 0 and 1.

    >>> popularity(np.array([[1, 0], [1, 1]]))
    array([1. , 0.5])
    """
    return zeros_and_ones("table", table).mean(axis=0)


def cosine_similarities(
    table: Shaped[np.ndarray, "users items"], *, shrinkage: float = 0.0
) -> Float[np.ndarray, "items items"]:
    """Compare every two items by the users that have both.

        s_ij = n_ij / (√(n_i n_j) + shrinkage),    s_ii = 0

    n_i users have i, and n_ij have both. Without the root an item that all have would be like every other one.

    Args:
        shrinkage: in users. It takes more from pairs of rare items, which few users make alike by chance.

    Returns:
        A symmetric matrix; an item that nobody has is like none.

    Raises:
        TypeError, ValueError: if `table` is not a matrix of 0 and 1, or `shrinkage` < 0.

    Source: Sarwar et al. (2001), Item-based collaborative filtering, WWW 10, section 3.1; for the shrinkage, Ferrari
    Dacrema et al. (2019), arXiv:1907.06902, section 3.2.
    Oracle: sklearn.metrics.pairwise.cosine_similarity.

    >>> cosine_similarities(np.array([[1, 1], [1, 0], [1, 0], [1, 0]]))
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    table, shrinkage = zeros_and_ones("table", table), real("shrinkage", shrinkage, at_least=0)
    both, n = table.T @ table, table.sum(axis=0)
    scale = np.sqrt(n[:, None] * n) + shrinkage
    similarities = np.divide(both, scale, out=np.zeros_like(both), where=both > 0)
    np.fill_diagonal(similarities, 0)
    return similarities


def nearest(similarities: Shaped[np.ndarray, "rows others"], *, n_neighbours: int) -> Float[np.ndarray, "rows others"]:
    """Keep each row's largest similarities, and set the others to 0; of equal ones the first are kept.

    Raises:
        TypeError, ValueError: if `similarities` are not a finite matrix, or `n_neighbours` < 1.

    Oracle: sklearn.neighbors.NearestNeighbors.

    >>> nearest(np.array([[0.2, 0.5, 0.3]]), n_neighbours=2)
    array([[0. , 0.5, 0.3]])
    """
    similarities = real_array("similarities", similarities, ndim=2)
    n_neighbours = min(count("n_neighbours", n_neighbours), similarities.shape[1])
    kept = np.zeros_like(similarities)
    nearby = np.argsort(-similarities, axis=1, kind="stable")[:, :n_neighbours]
    np.put_along_axis(kept, nearby, np.take_along_axis(similarities, nearby, axis=1), axis=1)
    return kept


def item_scores(
    shown: Shaped[np.ndarray, "users items"], weights: Shaped[np.ndarray, "items items"]
) -> Float[np.ndarray, "users items"]:
    """Score each item by the votes of those that a user has: row i of the weights holds the votes for item i.

        score of i = Σ over j that the user has of w_ij

    Raises:
        TypeError, ValueError: if `shown` is not a matrix of 0 and 1, or `weights` not one of its items by its items.

    >>> item_scores(np.array([[1, 1, 0]]), np.array([[0, 0.5, 0], [0.5, 0, 0], [0.2, 0.3, 0]]))
    array([[0.5, 0.5, 0.5]])
    """
    shown, weights = zeros_and_ones("shown", shown), real_array("weights", weights, ndim=2)
    n_items = shown.shape[1]
    if weights.shape != (n_items, n_items):
        raise ValueError(f"weights must be {n_items} by {n_items}, as there are items, got shape {weights.shape}")
    return shown @ weights.T


def user_scores(
    shown: Shaped[np.ndarray, "users items"],
    table: Shaped[np.ndarray, "others items"],
    *,
    n_neighbours: int,
    shrinkage: float = 0.0,
) -> Float[np.ndarray, "users items"]:
    """Score each item by the users most like the one at hand: each of them votes with its similarity.

    Two users are alike by the cosine of their rows, as two items are by that of their columns.

    Raises:
        TypeError, ValueError: if `shown` or `table` is not a matrix of 0 and 1, their items differ in number,
            `n_neighbours` < 1 or `shrinkage` < 0.

    Source: Resnick et al. (1994), GroupLens, for neighbours of users; the cosine, as above.
    Oracle: sklearn.neighbors.NearestNeighbors with the cosine metric.

    >>> user_scores(np.array([[1, 0]]), np.array([[1, 1], [0, 1]]), n_neighbours=1).round(2)
    array([[0.71, 0.71]])
    """
    shown, table = zeros_and_ones("shown", shown), zeros_and_ones("table", table)
    n_neighbours, shrinkage = count("n_neighbours", n_neighbours), real("shrinkage", shrinkage, at_least=0)
    if table.shape[1] != shown.shape[1]:
        raise ValueError(f"table must have the {shown.shape[1]} items of shown, got {table.shape[1]}")
    both = shown @ table.T
    scale = np.sqrt(shown.sum(axis=1)[:, None] * table.sum(axis=1)) + shrinkage
    similarities = np.divide(both, scale, out=np.zeros_like(both), where=both > 0)
    return nearest(similarities, n_neighbours=n_neighbours) @ table


def ridge_weights(table: Shaped[np.ndarray, "users items"], *, strength: float) -> Float[np.ndarray, "items items"]:
    """Learn all votes together: predict each item from all others by least squares with an L2 penalty.

        minimise |X - X Wᵀ|² + strength |W|²   with w_ii = 0
        w_ij = -P_ij / P_ii,   P = (XᵀX + strength I)⁻¹

    Two items that always come together share one vote between them, where neighbours count both.

    Raises:
        TypeError, ValueError: if `table` is not a matrix of 0 and 1, or `strength` is not above 0.

    Numerics: with fewer users than items the inverse is taken of users by users:
    P = (I - Xᵀ (XXᵀ + strength I)⁻¹ X) / strength.
    Source: Steck (2019), Embarrassingly shallow autoencoders for sparse data, arXiv:1905.03375, eq. 8.
    Oracle: sklearn.linear_model.Ridge, a column at a time.

    >>> ridge_weights(np.array([[1, 1], [1, 1]]), strength=2.0)
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    table, strength = zeros_and_ones("table", table), real("strength", strength, above=0)
    n_users, n_items = table.shape
    if n_users < n_items:
        inner = np.linalg.solve(table @ table.T + strength * np.eye(n_users), table)
        inverse = (np.eye(n_items) - table.T @ inner) / strength
    else:
        inverse = np.linalg.inv(table.T @ table + strength * np.eye(n_items))
    weights = -inverse / np.diag(inverse)[:, None]
    np.fill_diagonal(weights, 0)
    return weights
