"""Losses: how wrong a prediction is, and which way is less wrong.

Every loss here has one shape. It takes predictions and targets, and returns the mean loss
together with its gradient, since the two share their work.

Taught in: 01
"""

import math

import numpy as np
from jaxtyping import Float

from kit.arguments import matching, real_array


def mse(
    predictions: Float[np.ndarray, "*shape"], targets: Float[np.ndarray, "*shape"]
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average the squared errors, and say how the average moves with each prediction.

        L      = mean((p - t)²)
        ∂L/∂pᵢ = 2 (pᵢ - tᵢ) / n

    Raises:
        ValueError: if the shapes differ, or are empty, or a number is NaN.

    Source: Legendre (1805), Nouvelles méthodes, appendix on least squares.
    Oracle: torch.nn.functional.mse_loss and its autograd.

    >>> mse(np.array([1.0, 4.0]), np.array([1.0, 2.0]))
    (2.0, array([0., 2.]))
    """
    predictions, targets = matching("predictions", predictions, "targets", targets)
    errors = predictions - targets
    loss = float(np.mean(errors**2))
    if math.isnan(loss):
        real_array("predictions", predictions)
        real_array("targets", targets)
    return loss, 2 * errors / errors.size
