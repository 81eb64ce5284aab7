"""Losses for numbers: how wrong a prediction is, and which way is less wrong.

Every loss has one shape. It takes predictions and targets, then what it can be tuned by, as
keywords; it returns the mean loss together with its gradient in the predictions, since the two
share their work. Here both are numbers:

    mse         squares each error: large ones rule
    mae         takes each by its size: an outlier pulls no harder than any other example
    huber       squares small errors, takes large ones by their size
    quantile    charges two prices, for too low and for too high

Losses for classes stand in `kit.learn.class_losses`.

Taught in: 01 02
"""

import math

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import matching, real, real_array


def mse(
    predictions: Shaped[np.ndarray, "*shape"], targets: Shaped[np.ndarray, "*shape"]
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average the squared errors, and say how the average moves with each prediction.

        L      = mean((p - t)²)
        ∂L/∂pᵢ = 2 (pᵢ - tᵢ) / n

    The best constant prediction is the mean of the targets.

    Raises:
        TypeError: if either holds no numbers.
        ValueError: if the shapes differ, or are empty, or a number is NaN.

    Source: Legendre (1805), Nouvelles méthodes, appendix on least squares.
    Oracle: torch.nn.functional.mse_loss and its autograd.

    >>> mse(np.array([1.0, 4.0]), np.array([1.0, 2.0]))
    (2.0, array([0., 2.]))
    """
    predictions, targets = matching("predictions", predictions, "targets", targets)
    errors = predictions - targets
    return average(errors**2, predictions=predictions, targets=targets), 2 / errors.size * errors


def mae(
    predictions: Shaped[np.ndarray, "*shape"], targets: Shaped[np.ndarray, "*shape"]
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average the absolute errors: an outlier pulls no harder than any other example.

        L      = mean(|p - t|)
        ∂L/∂pᵢ = sign(pᵢ - tᵢ) / n        0 where the error is 0

    The best constant prediction is the median of the targets.

    Raises:
        TypeError: if either holds no numbers.
        ValueError: if the shapes differ, or are empty, or a number is NaN.

    Source: Edgeworth (1887), Hermathena 6, 279-285.
    Oracle: torch.nn.functional.l1_loss and its autograd.

    >>> mae(np.array([1.0, 4.0]), np.array([1.0, 2.0]))
    (1.0, array([0. , 0.5]))
    """
    predictions, targets = matching("predictions", predictions, "targets", targets)
    errors = predictions - targets
    return average(np.abs(errors), predictions=predictions, targets=targets), np.sign(errors) / errors.size


def huber(
    predictions: Shaped[np.ndarray, "*shape"], targets: Shaped[np.ndarray, "*shape"], *, delta: float = 1.0
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average a loss that squares small errors and takes large ones by their size.

        e = p - t,   c = clip(e, -δ, δ)
        L      = mean(c (e - c/2))        e²/2 inside ±δ, δ (|e| - δ/2) outside
        ∂L/∂pᵢ = cᵢ / n

    Args:
        delta: the error, in the units of the targets, where the square turns into a line.

    Raises:
        TypeError: if either holds no numbers, or `delta` is none.
        ValueError: if the shapes differ, or are empty, a number is NaN, or `delta` <= 0.

    Source: Huber (1964), Annals of Mathematical Statistics 35, 73-101.
    Oracle: torch.nn.functional.huber_loss and its autograd.

    >>> huber(np.array([1.0, 5.0]), np.array([0.0, 0.0]), delta=2.0)
    (4.25, array([0.5, 1. ]))
    """
    predictions, targets = matching("predictions", predictions, "targets", targets)
    delta = real("delta", delta, above=0)
    errors = predictions - targets
    clipped = np.clip(errors, -delta, delta)
    each = clipped * (errors - clipped / 2)
    return average(each, predictions=predictions, targets=targets), clipped / errors.size


def quantile(
    predictions: Shaped[np.ndarray, "*shape"], targets: Shaped[np.ndarray, "*shape"], *, q: float = 0.5
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average the pinball loss, which asks for a number that a share `q` of the targets lies below.

        L      = mean(max(q (t - p), (1 - q) (p - t)))
        ∂L/∂pᵢ = -q / n below the target, (1 - q) / n above it, 0 on it

    The best constant prediction is the `q`-quantile of the targets; at q = 1/2 the loss is half of `mae`.

    Raises:
        TypeError: if either holds no numbers, or `q` is none.
        ValueError: if the shapes differ, or are empty, a number is NaN, or `q` is not between 0 and 1.

    Source: Koenker & Bassett (1978), Econometrica 46, 33-50.
    Oracle: torch.autograd on the formula; sklearn.metrics.mean_pinball_loss.

    >>> quantile(np.array([0.0, 3.0]), np.array([1.0, 1.0]), q=0.75)
    (0.625, array([-0.375,  0.125]))
    """
    predictions, targets = matching("predictions", predictions, "targets", targets)
    q = real("q", q, above=0, below=1)
    errors = predictions - targets
    slopes = np.where(errors < 0, -q, (1 - q) * np.sign(errors))
    return average(slopes * errors, predictions=predictions, targets=targets), slopes / errors.size


def average(each: np.ndarray, *, n: float = 0, **inputs: np.ndarray) -> float:
    """Average the losses of the examples, over `n` where it is given; where that is NaN, name what brought it."""
    # in half the time of each.mean(), which matters a thousand times over; in float64, where no sum overflows
    loss = float(each.sum(dtype=np.float64)) / (n or each.size)
    if math.isnan(loss):
        for name, array in inputs.items():
            real_array(name, array)
    return loss
