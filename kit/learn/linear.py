"""Linear models: the objective that descent walks on, its closed form, and its curvature.

A row of `x` is one example, a column one feature. An intercept is a column of ones.

Taught in: 01 02 03 05
"""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import all_finite, count, function, real, real_array
from kit.learn.class_losses import binary_cross_entropy, softmax
from kit.learn.descent import BatchObjective
from kit.learn.losses import mse

Loss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
Forecast = Callable[[float, np.ndarray], np.ndarray]


def with_intercept(x: Shaped[np.ndarray, "n features"]) -> Float[np.ndarray, "n features+1"]:
    """Put a column of ones before the features, so that the first weight is the intercept.

    Raises:
        TypeError: if `x` holds no numbers.
        ValueError: if `x` is not a finite matrix.

    >>> with_intercept(np.array([[5.0], [7.0]]))
    array([[1., 5.],
           [1., 7.]])
    """
    x = real_array("x", x, ndim=2)
    return np.column_stack([np.ones(len(x)), x])


def linear_objective(
    x: Shaped[np.ndarray, "n features"], y: Shaped[np.ndarray, "n"], *, loss: Loss = mse
) -> BatchObjective:
    """Make the objective of a linear model: weights in, loss and gradient out.

        L(w)  = loss(x w, y)
        ∇L(w) = xᵀ g         where g is the gradient of the loss in the predictions

    Weights are one for each feature; or, for a loss of several classes, a column of them for each
    class. `objective(weights)` looks at all examples, `objective(weights, rows)` at those rows alone.

    Raises:
        TypeError: if `x` or `y` holds no numbers, or `loss` is not a function.
        ValueError: if `x` is not a finite matrix, or `y` has not one number for each of its rows;
            and, from the objective, if the weights are not one for each column.

    Oracle: torch.autograd.

    >>> objective = linear_objective(np.array([[1.0], [2.0]]), np.array([2.0, 4.0]))
    >>> objective(np.array([1.0]))
    (2.5, array([-5.]))
    """
    x, y = _examples(x, y)
    function("loss", loss)

    def objective(weights: np.ndarray, rows: np.ndarray | slice = slice(None)) -> tuple[float, np.ndarray]:
        weights = np.asarray(weights)
        if weights.shape[:1] != x.shape[1:] or weights.ndim > 2:
            raise ValueError(f"weights must have shape {x.shape[1:]}, one for each feature, got {weights.shape}")
        examples = x[rows]
        predictions = examples @ weights
        if all_finite(predictions):
            value, slope = loss(predictions, y[rows])
            if math.isfinite(value):
                return value, examples.T @ slope
        return math.inf, np.full_like(weights, math.inf)  # beyond float64's range

    return objective


def least_squares(x: Shaped[np.ndarray, "n features"], y: Shaped[np.ndarray, "n"]) -> Float[np.ndarray, "features"]:
    """Solve for the weights of lowest mean squared error, in one go.

        xᵀx w = xᵀy

    Of the many solutions that linearly dependent features allow, the shortest is returned.

    Raises:
        TypeError: if `x` or `y` holds no numbers.
        ValueError: if `x` is not a finite matrix, or `y` has not one number for each of its rows.

    Numerics: solved through the singular values of x; forming xᵀx would square its condition number.
    Source: Gauss (1809), Theoria motus, section 3.
    Oracle: sklearn.linear_model.LinearRegression.

    >>> least_squares(np.array([[1.0], [2.0]]), np.array([2.0, 4.0])).round(12)
    array([2.])
    """
    x, y = _examples(x, y)
    return np.linalg.lstsq(x, y, rcond=None)[0]


def reweighted_least_squares(
    x: Shaped[np.ndarray, "n features"], y: Shaped[np.ndarray, "n"], *, loss: Loss, n_rounds: int = 30
) -> Float[np.ndarray, "features"]:
    """Fit by any loss of errors: solve least squares again and again, each example weighted by how it pulls.

        eᵢ = xᵢ·w - yᵢ
        aᵢ = gᵢ / eᵢ                   gᵢ: the gradient of the loss in prediction i
        w  ← argmin Σᵢ aᵢ (xᵢ·w - yᵢ)²

    Where w no longer moves, Σᵢ gᵢ xᵢ = 0: the gradient of the loss is zero. `mse` weights all
    examples alike, and the first round is the last. `huber` gives an outlier a small weight.

    Args:
        loss: convex in the errors, and lowest where they are 0: `mse`, `mae`, `huber`, `quantile`.

    Raises:
        TypeError: if `x` or `y` holds no numbers, or `loss` is not a function.
        ValueError: if `x` is not a finite matrix, `y` has not one number for each of its rows, or
            `n_rounds` < 1.

    Numerics: an error below 1e-6 of the largest target counts as that large, or its weight could be
    infinite. For `huber` that changes nothing; for `mae` the loss stays above its lowest by about 1e-3 of it
    after 30 rounds.
    Source: Holland & Welsch (1977), Communications in Statistics 6, 813-827.
    Oracle: sklearn.linear_model.QuantileRegressor; and for `huber`, the gradient, which must vanish.

    >>> from kit.learn.losses import mae
    >>> reweighted_least_squares(np.ones((5, 1)), np.array([1.0, 2.0, 3.0, 4.0, 90.0]), loss=mae).round(2)
    array([3.])
    """
    x, y = _examples(x, y)
    function("loss", loss)
    n_rounds = count("n_rounds", n_rounds)
    smallest = 1e-6 * (np.abs(y).max() or 1.0)
    weights = least_squares(x, y)
    for _ in range(n_rounds):
        errors = x @ weights - y
        errors = np.where(errors < 0, -1, 1) * np.maximum(np.abs(errors), smallest)
        root = np.sqrt(loss(y + errors, y)[1] / errors)
        weights = least_squares(x * root[:, None], y * root)
    return weights


def logistic_regression(
    x: Shaped[np.ndarray, "n features"], y: Shaped[np.ndarray, "n"], *, n_steps: int = 30
) -> Float[np.ndarray, "features"]:
    """Fit the weights of lowest binary cross-entropy, by Newton's method.

        p = σ(x w),   H = (1/n) xᵀ diag(p (1 - p)) x
        w ← w - H⁻¹ ∇L(w)

    Each step goes to where the loss would be lowest if it were as curved everywhere as here. It is
    halved as long as the loss rises. Few are needed: near the end each doubles the correct digits.

    Args:
        y: the class of each row, 0 or 1.
        n_steps: the most. They end sooner where the loss falls no more; where a plane parts the
            classes it falls for ever, and the weights grow.

    Raises:
        TypeError: if `x` or `y` holds no numbers, or `n_steps` is not a whole number.
        ValueError: if `x` is not a finite matrix, `y` has not one class for each of its rows, or
            `n_steps` < 1.

    Source: Nelder & Wedderburn (1972), Journal of the Royal Statistical Society A 135, 370-384.
    Oracle: sklearn.linear_model.LogisticRegression without a penalty.

    >>> logistic_regression(np.ones((4, 1)), np.array([1, 1, 1, 0])).round(6)  # log(3/4 : 1/4)
    array([1.098612])
    """
    (x, y), n_steps = _examples(x, y), count("n_steps", n_steps)
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"y must be 0 or 1, got {y[~np.isin(y, (0, 1))][0]}")
    objective = linear_objective(x, y, loss=binary_cross_entropy)
    weights = np.zeros(x.shape[1])
    loss, gradient = objective(weights)
    for _ in range(n_steps):
        p = softmax(np.column_stack([np.zeros(len(x)), x @ weights]))[:, 1]
        step = np.linalg.lstsq((x.T * (p * (1 - p))) @ x / len(x), gradient, rcond=None)[0]
        while (ahead := objective(weights - step))[0] > loss and np.abs(step).max() > 0:
            step = step / 2
        falls = loss - ahead[0] > 1e-15 * loss
        weights, loss, gradient = weights - step, *ahead
        if not falls:
            break
    return weights


def loss_forecast(x: Shaped[np.ndarray, "n features"], y: Shaped[np.ndarray, "n"]) -> Forecast:
    """Make a function that tells the mean squared error after any number of steps from zero, without taking them.

        L(k) = L* + Σᵢ (λᵢ/2) cᵢ² (1 - lr λᵢ)²ᵏ

    Along each eigenvector of the Hessian descent shrinks the distance cᵢ to the optimum by the
    same factor at every step. A million steps cost no more than one.

    Returns:
        A function of a learning rate and an array of step counts, to the losses there.

    Raises:
        TypeError: if `x` or `y` holds no numbers.
        ValueError: if `x` is not a finite matrix, or `y` has not one number for each of its rows;
            and, from the forecast, if `lr` <= 0, or a step count is negative or not whole.

    Numerics: beyond float64's range the forecast is infinite.
    Source: Boyd & Vandenberghe (2004), Convex Optimization, section 9.3.
    Oracle: kit.learn.descent.descend.

    >>> forecast = loss_forecast(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))
    >>> forecast(0.25, np.array([0, 1]))
    array([5., 2.])
    """
    x, y = _examples(x, y)
    left, singular, _ = np.linalg.svd(x, full_matrices=False)
    reached = left.T @ y  # y in the directions that the features reach; the rest is the lowest loss
    lowest = max(float(y @ y - reached @ reached), 0.0)

    def forecast(lr: float, steps: np.ndarray) -> np.ndarray:
        lr, steps = real("lr", lr, above=0), real_array("steps", steps, ndim=1)
        if (steps < 0).any() or (steps % 1).any():
            raise ValueError(f"steps must be whole numbers >= 0, got {steps[(steps < 0) | (steps % 1 > 0)][0]}")
        factors = 1 - lr * 2 * singular**2 / len(x)
        with np.errstate(over="ignore"):
            return (lowest + factors ** (2 * steps[:, None]) @ reached**2) / len(x)

    return forecast


def hessian_eigenvalues(x: Shaped[np.ndarray, "n features"]) -> Float[np.ndarray, "features"]:
    """List the eigenvalues of the mean squared error's Hessian, smallest first.

        H = (2/n) xᵀx

    Descent diverges above lr = 2 / λ_max. The ratio λ_max / λ_min, the condition number, sets
    how many steps it needs.

    Raises:
        TypeError: if `x` holds no numbers.
        ValueError: if `x` is not a finite matrix.

    Numerics: squares of the singular values of x, so that a small eigenvalue is never negative.
    Oracle: numpy.linalg.eigvalsh of the Hessian.

    >>> hessian_eigenvalues(np.array([[1.0, 0.0], [0.0, 2.0]]))
    array([1., 4.])
    """
    x = real_array("x", x, ndim=2)
    singular = np.zeros(x.shape[1])
    values = np.linalg.svd(x, compute_uv=False)
    singular[: len(values)] = values
    return np.sort(2 * singular**2 / len(x))


def _examples(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = real_array("x", x, ndim=2)
    real_array("y", y, ndim=1)
    y = np.asarray(y)  # checked, but kept as it is: class labels are integers
    if len(x) != len(y):
        raise ValueError(f"y must have one number for each of the {len(x)} rows of x, got {len(y)}")
    return x, y
