"""Matrix factorisation: a few numbers for each user, as many for each item, and their product is the score.

    by ALS    one side is held still, and the other has a closed form: least squares, user by user, in turn
    by SGD    a few pairs at a time, each pulling on its user, its item and their biases

ALS counts every 0, with less weight than a 1; SGD sees the zeros that were drawn for it. Either takes a new user in
by least squares, with the items held still.

Taught in: 27
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import count, instance, integer_array, real, real_array
from kit.recsys.calls import zeros_and_ones


@dataclass(frozen=True, kw_only=True)
class Factors:
    """The numbers of each user and of each item, and the objective after every half of a sweep, from the start on."""

    users: Float[np.ndarray, "users factors"]
    items: Float[np.ndarray, "items factors"]
    objectives: Float[np.ndarray, "steps"]

    @property
    def scores(self) -> Float[np.ndarray, "users items"]:
        """Score every item for every user."""
        return self.users @ self.items.T


def als_objective(
    table: Shaped[np.ndarray, "users items"],
    users: Shaped[np.ndarray, "users factors"],
    items: Shaped[np.ndarray, "items factors"],
    *,
    weight: float,
    strength: float,
) -> float:
    """Measure how badly the products fit the table, with the price of the numbers themselves.

        Σ c_ui (t_ui - p_u · q_i)² + strength (Σ |p_u|² + Σ |q_i|²),   c_ui = 1 + weight · t_ui

    Raises:
        TypeError, ValueError: as `als`, or if `users` or `items` do not fit the table.

    Source: Hu, Koren & Volinsky (2008), Collaborative filtering for implicit feedback datasets, eq. 3.

    >>> als_objective(np.array([[1, 0]]), np.array([[1.0]]), np.array([[1.0], [1.0]]), weight=1.0, strength=0.1)
    1.3
    """
    table, weight, strength = _checked(table, weight, strength)
    users, items = real_array("users", users, ndim=2), real_array("items", items, ndim=2)
    if len(users) != len(table):
        raise ValueError(f"users must have a row for each of the table's {len(table)}, got {len(users)}")
    if items.shape != (table.shape[1], users.shape[1]):
        raise ValueError(
            f"items must have a row for each of the table's {table.shape[1]} columns and {users.shape[1]} factors, "
            f"got shape {items.shape}"
        )
    error = ((1 + weight * table) * (table - users @ items.T) ** 2).sum()
    return float(error + strength * ((users**2).sum() + (items**2).sum()))


def als_step(
    table: Shaped[np.ndarray, "users items"],
    items: Shaped[np.ndarray, "items factors"],
    *,
    weight: float,
    strength: float,
) -> Float[np.ndarray, "users factors"]:
    """Give each user the numbers that are best while those of the items stand still.

        p_u = (QᵀQ + weight Q_uᵀQ_u + strength I)⁻¹ (1 + weight) Σ q_i,   over the items that u has: the rows of Q_u

    The same, with the table turned, gives the items; a new user needs no more than this step.

    Raises:
        TypeError, ValueError: as `als`, or if `items` has not a row for each column of the table.

    Source: Hu, Koren & Volinsky (2008), eqs. 4 and 5.
    Oracle: sklearn.linear_model.Ridge with sample weights, a user at a time.

    >>> als_step(np.array([[1, 0]]), np.array([[1.0], [0.0]]), weight=0.0, strength=1.0)
    array([[0.5]])
    """
    table, weight, strength = _checked(table, weight, strength)
    items = real_array("items", items, ndim=2)
    if len(items) != table.shape[1]:
        raise ValueError(f"items must have a row for each of the table's {table.shape[1]} columns, got {len(items)}")
    common = items.T @ items + strength * np.eye(items.shape[1])
    users = np.zeros((len(table), items.shape[1]))
    for u, row in enumerate(table):
        own = items[row > 0]
        if len(own):
            users[u] = np.linalg.solve(common + weight * own.T @ own, (1 + weight) * own.sum(axis=0))
    return users


def als(
    table: Shaped[np.ndarray, "users items"],
    *,
    n_factors: int,
    weight: float,
    strength: float,
    n_sweeps: int = 10,
    rng: np.random.Generator,
) -> Factors:
    """Factorise a table by alternating least squares: the users, then the items, sweep by sweep.

    Every half of a sweep is the exact minimum over one side: the objective never rises.

    Args:
        weight: how much more a 1 counts than a 0.
        strength: of the L2 penalty.
        rng: draws the items' numbers that the first step starts from.

    Raises:
        TypeError, ValueError: if `table` is not a matrix of 0 and 1, `n_factors` or `n_sweeps` < 1, `weight` < 0,
            `strength` is not above 0, or `rng` is not a generator.

    Source: Hu, Koren & Volinsky (2008), section 4.
    Oracle: an objective that never rises; torch.autograd, for a gradient of 0 at the end.

    >>> table = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    >>> als(table, n_factors=2, weight=1.0, strength=0.01, rng=np.random.default_rng(0)).scores.round(0) + 0
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    table, weight, strength = _checked(table, weight, strength)
    n_factors, n_sweeps = count("n_factors", n_factors), count("n_sweeps", n_sweeps)
    instance("rng", rng, np.random.Generator)
    items = rng.normal(size=(table.shape[1], n_factors)) / np.sqrt(n_factors)
    users, knobs = np.zeros((len(table), n_factors)), {"weight": weight, "strength": strength}
    objectives = [als_objective(table, users, items, **knobs)]
    for _ in range(n_sweeps):
        users = als_step(table, items, **knobs)
        objectives.append(als_objective(table, users, items, **knobs))
        items = als_step(table.T, users, **knobs)
        objectives.append(als_objective(table, users, items, **knobs))
    return Factors(users=users, items=items, objectives=np.array(objectives))


def _checked(table: np.ndarray, weight: float, strength: float) -> tuple[np.ndarray, float, float]:
    table = zeros_and_ones("table", table)
    return table, real("weight", weight, at_least=0), real("strength", strength, above=0)


@dataclass(frozen=True, kw_only=True)
class BiasedFactors:
    """A mean, a bias and some numbers for each user, and the same for each item."""

    mean: float
    user_biases: Float[np.ndarray, "users"]
    item_biases: Float[np.ndarray, "items"]
    users: Float[np.ndarray, "users factors"]
    items: Float[np.ndarray, "items factors"]

    @property
    def scores(self) -> Float[np.ndarray, "users items"]:
        """Score every item for every user: μ + b_u + b_i + p_u · q_i."""
        return self.mean + self.user_biases[:, None] + self.item_biases + self.users @ self.items.T


def init_factors(n_users: int, n_items: int, *, n_factors: int, mean: float, rng: np.random.Generator) -> BiasedFactors:
    """Draw small numbers to start from; the biases start at 0, and the mean of the targets stays what it is.

    Raises:
        TypeError: if a count is not a whole number, `mean` is none, or `rng` is not a generator.
        ValueError: if a count is below 1.
    """
    n_users, n_items = count("n_users", n_users), count("n_items", n_items)
    n_factors, mean = count("n_factors", n_factors), real("mean", mean)
    instance("rng", rng, np.random.Generator)
    users, items = (0.1 * rng.normal(size=(n, n_factors)) for n in (n_users, n_items))
    return BiasedFactors(
        mean=mean, user_biases=np.zeros(n_users), item_biases=np.zeros(n_items), users=users, items=items
    )


def sgd_step(
    model: BiasedFactors,
    rows: Shaped[np.ndarray, "pairs"],
    columns: Shaped[np.ndarray, "pairs"],
    targets: Shaped[np.ndarray, "pairs"],
    *,
    lr: float,
    strength: float,
) -> BiasedFactors:
    """Take one step down the squared error of some pairs, each with the price of its own numbers.

        e   = μ + b_u + b_i + p_u · q_i - t
        b_u ← b_u - lr Σ (e + strength b_u)          b_i likewise
        p_u ← p_u - lr Σ (e q_i + strength p_u)      q_i likewise, with p_u as it was

    The sums are over the pairs at hand; what is in none of them stays as it is, and so does μ.

    Raises:
        TypeError, ValueError: if `model` are no factors, rows, columns and targets are not as many, a place is not in
            the model, `lr` is not above 0, or `strength` < 0.

    Source: Koren, Bell & Volinsky (2009), Matrix factorization techniques for recommender systems, eqs. 4 and 5.
    Oracle: torch.autograd.
    """
    rows, columns, targets = _pairs(model, rows, columns, targets)
    return _step(model, rows, columns, targets, real("lr", lr, above=0), real("strength", strength, at_least=0))


def _step(
    model: BiasedFactors, rows: np.ndarray, columns: np.ndarray, targets: np.ndarray, lr: float, strength: float
) -> BiasedFactors:
    p, q = model.users[rows], model.items[columns]
    b_u, b_i = model.user_biases[rows], model.item_biases[columns]
    error = model.mean + b_u + b_i + (p * q).sum(axis=1) - targets
    new = {}
    for name, places, pull in (
        ("user_biases", rows, error + strength * b_u),
        ("item_biases", columns, error + strength * b_i),
        ("users", rows, error[:, None] * q + strength * p),
        ("items", columns, error[:, None] * p + strength * q),
    ):
        new[name] = getattr(model, name).copy()
        np.subtract.at(new[name], places, lr * pull)  # a user that is there twice is pulled twice
    return replace(model, **new)


def sgd(
    model: BiasedFactors,
    rows: Shaped[np.ndarray, "pairs"],
    columns: Shaped[np.ndarray, "pairs"],
    targets: Shaped[np.ndarray, "pairs"],
    *,
    lr: float,
    strength: float,
    n_epochs: int = 10,
    batch_size: int = 64,
    rng: np.random.Generator,
) -> BiasedFactors:
    """Take a model through all pairs some times, in random order, a few at a step; see `sgd_step`.

    Raises:
        TypeError, ValueError: as `sgd_step`; or if `n_epochs` < 0, `batch_size` < 1 or `rng` is not a generator.
    """
    rows, columns, targets = _pairs(model, rows, columns, targets)
    n_epochs, batch_size = count("n_epochs", n_epochs, at_least=0), count("batch_size", batch_size)
    lr, strength = real("lr", lr, above=0), real("strength", strength, at_least=0)
    instance("rng", rng, np.random.Generator)
    for _ in range(n_epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(order), batch_size):
            few = order[start : start + batch_size]
            model = _step(model, rows[few], columns[few], targets[few], lr, strength)
    return model


def fold_in(
    model: BiasedFactors, shown: Shaped[np.ndarray, "users items"], *, n_negatives: float, strength: float
) -> Float[np.ndarray, "users items"]:
    """Score all items for new users: bias and numbers of each by least squares, all else as it was learned.

    All that a user has not counts together `n_negatives` times as much as what it has, as in training.

    Raises:
        TypeError, ValueError: if `model` are no factors, `shown` is not a matrix of 0 and 1 for its items, a row of it
            is all 1 or all 0, or a number is not above 0.

    Oracle: sklearn.linear_model.Ridge with sample weights.
    """
    instance("model", model, BiasedFactors)
    shown = zeros_and_ones("shown", shown)
    n_negatives, strength = real("n_negatives", n_negatives, above=0), real("strength", strength, above=0)
    if shown.shape[1] != len(model.items):
        raise ValueError(f"shown must have a column for each of {len(model.items)} items, got {shown.shape[1]}")
    n = shown.sum(axis=1, keepdims=True)
    if not ((n > 0) & (n < shown.shape[1])).all():
        raise ValueError("shown must have a 1 and a 0 in each row, got a row of one kind")
    design = np.column_stack([np.ones(len(model.items)), model.items])
    weights = np.where(shown > 0, 1.0, n_negatives * n / (shown.shape[1] - n))
    targets = shown - model.mean - model.item_biases
    weighed = weights[:, :, None] * design
    price = strength * weights.sum(axis=1)[:, None, None] * np.eye(design.shape[1])
    own = np.linalg.solve(design.T @ weighed + price, (weighed * targets[:, :, None]).sum(axis=1)[..., None])
    return model.mean + model.item_biases + (design @ own)[..., 0]


def _pairs(
    model: BiasedFactors, rows: np.ndarray, columns: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    instance("model", model, BiasedFactors)
    rows, columns = integer_array("rows", rows), integer_array("columns", columns)
    targets = real_array("targets", targets, ndim=1)
    for name, places, n in (("rows", rows, len(model.users)), ("columns", columns, len(model.items))):
        if places.shape != targets.shape:
            raise ValueError(f"{name} must be as many as the {len(targets)} targets, got shape {places.shape}")
        if places.min() < 0 or places.max() >= n:
            raise ValueError(f"{name} must be from 0 to {n - 1}, got {places.min()} to {places.max()}")
    return rows, columns, targets
