"""A network with one hidden layer, written out by hand: its loss, and the gradient of every weight.

All weights stand in one matrix, a column for each hidden unit: on top what comes in from the
features, below it what goes out to the classes. So every optimiser, penalty and proximal operator of
this room takes the whole network as one point.

    objective = network_objective(x, y)
    start = init_network(n_features=64, n_hidden=256, n_classes=10, rng=rng)
    path = train(objective, start, optimizer=adam(0.004), n_steps=240)

Taught in: 07
"""

import math

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import all_finite, count, instance, integer_array, real, real_array
from kit.learn.class_losses import cross_entropy
from kit.learn.descent import BatchObjective
from kit.learn.regularizers import dropout


def init_network(
    *, n_features: int, n_hidden: int, n_classes: int, rng: np.random.Generator
) -> Float[np.ndarray, "features_and_classes hidden"]:
    """Draw the weights that training starts from, small enough that no layer blows a signal up.

        incoming ~ N(0, 2 / n_features),   outgoing ~ N(0, 1 / n_hidden)

    Raises:
        TypeError: if a count is not a whole number, or `rng` is not a generator.
        ValueError: if a count is below 1.

    Source: He et al. (2015), arXiv:1502.01852, section 2.2.

    >>> init_network(n_features=2, n_hidden=4, n_classes=3, rng=np.random.default_rng(0)).shape
    (5, 4)
    """
    n_features, n_hidden = count("n_features", n_features), count("n_hidden", n_hidden)
    n_classes = count("n_classes", n_classes)
    instance("rng", rng, np.random.Generator)
    incoming = rng.normal(size=(n_features, n_hidden)) * math.sqrt(2 / n_features)
    outgoing = rng.normal(size=(n_classes, n_hidden)) * math.sqrt(1 / n_hidden)
    return np.concatenate([incoming, outgoing])


def network_logits(
    weights: Shaped[np.ndarray, "features_and_classes hidden"], x: Shaped[np.ndarray, "n features"]
) -> Float[np.ndarray, "n classes"]:
    """Compute a logit for each class: a weighted sum of the hidden units that fire.

        h = max(0, x W_in),   z = h W_outᵀ

    Raises:
        TypeError: if `weights` or `x` holds no numbers.
        ValueError: if either is not a finite matrix, or `weights` has not more rows than `x` has features.

    Oracle: torch.

    >>> network_logits(np.array([[1.0, -1.0], [2.0, 5.0]]), np.array([[3.0], [-3.0]]))
    array([[ 6.],
           [15.]])
    """
    weights, x = real_array("weights", weights, ndim=2), real_array("x", x, ndim=2)
    incoming, outgoing = _layers(weights, x)
    return np.maximum(x @ incoming, 0) @ outgoing.T


def network_objective(
    x: Shaped[np.ndarray, "n features"],
    y: Shaped[np.ndarray, "n"],
    *,
    dropout_rate: float = 0.0,
    rng: np.random.Generator | None = None,
) -> BatchObjective:
    """Make the objective of the network: weights in, cross-entropy and its gradient out.

        h = max(0, x W_in) m,   z = h W_outᵀ          where m is the mask that dropout draws
        ∂L/∂W_out = (∂L/∂z)ᵀ h
        ∂L/∂W_in  = xᵀ ((∂L/∂z W_out) m [x W_in > 0])

    `objective(weights)` looks at all examples, `objective(weights, rows)` at those rows alone. To
    measure a network, make its objective without dropout: dropout is for training only.

    Args:
        y: the class of each row, an integer.
        dropout_rate: the share of hidden units that each step silences, example by example.
        rng: draws the masks; may be left out where `dropout_rate` is 0.

    Raises:
        TypeError: if `x` holds no numbers, `y` no integers, `dropout_rate` is no number, or `rng` is
            needed and not a generator.
        ValueError: if `x` is not a finite matrix, `y` has not one class for each of its rows, or
            `dropout_rate` is not at least 0 and below 1; and, from the objective, if the weights
            have not more rows than `x` has features.

    Source: Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.
    Oracle: torch.autograd.

    >>> objective = network_objective(np.array([[1.0]]), np.array([0]))
    >>> objective(np.array([[1.0], [0.0], [0.0]]))[1]
    array([[ 0. ],
           [-0.5],
           [ 0.5]])
    """
    x, y = real_array("x", x, ndim=2), integer_array("y", y)
    rate = real("dropout_rate", dropout_rate, at_least=0, below=1)
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have one class for each of the {len(x)} rows of x, got shape {y.shape}")
    if rate:
        instance("rng", rng, np.random.Generator)

    def objective(weights: np.ndarray, rows: np.ndarray | slice = slice(None)) -> tuple[float, np.ndarray]:
        incoming, outgoing = _layers(weights, x)
        fired = x[rows] @ incoming
        if all_finite(fired):
            hidden, mask = np.maximum(fired, 0), 1.0
            if rate and rng:
                hidden, mask = dropout(hidden, rate=rate, rng=rng)
            logits = hidden @ outgoing.T
            if all_finite(logits):
                loss, slope = cross_entropy(logits, y[rows])
                back = slope @ outgoing * mask * (fired > 0)  # the same mask on the way back
                return loss, np.concatenate([x[rows].T @ back, slope.T @ hidden])
        return math.inf, np.full_like(weights, math.inf)  # beyond float64's range

    return objective


def _layers(weights: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_features = x.shape[1]
    if np.ndim(weights) != 2 or len(weights) <= n_features:
        raise ValueError(
            f"weights must have {n_features} rows for the features and one for each class, got {np.shape(weights)}"
        )
    return weights[:n_features], weights[n_features:]
