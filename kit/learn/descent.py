"""Gradient descent: walk downhill on any objective, and keep the whole path.

An objective is a function of a point that returns a pair: the loss there, and its gradient.

Taught in: 00 01 05
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, function, real, real_array

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
BatchObjective = Callable[..., tuple[float, np.ndarray]]
"""An objective that also takes the rows of the data to look at: `objective(point, rows)`."""


@dataclass(frozen=True, kw_only=True)
class Descent:
    """The path of one descent: points, their losses, the step of each, and whether float64 ran out of range."""

    points: Float[np.ndarray, "points *shape"]
    losses: Float[np.ndarray, "points"]
    steps: Int[np.ndarray, "points"]
    overflowed: bool

    @property
    def n_steps(self) -> int:
        """Count the steps taken; the start is step 0."""
        return int(self.steps[-1])

    @property
    def diverged(self) -> bool:
        """Tell whether the path ends higher than it began; rounding's share of a loss is forgiven."""
        first, last = self.losses[0], self.losses[-1]
        return self.overflowed or bool(last - first > 1e-9 * abs(first))

    def steps_to(self, loss: float) -> int | None:
        """Count the steps until a recorded loss is first at or below `loss`; None if none is.

        Raises:
            TypeError, ValueError: if `loss` is not a finite number.
        """
        reached = np.flatnonzero(self.losses <= real("loss", loss))
        return int(self.steps[reached[0]]) if reached.size else None

    def measured_by(self, objective: Objective) -> "Descent":
        """Return the same path with its losses measured anew: on all the data, or on data held out.

        Raises:
            TypeError: if `objective` is not a function.
        """
        function("objective", objective)
        with np.errstate(over="ignore", invalid="ignore"):
            return replace(self, losses=np.array([objective(point)[0] for point in self.points]))


def descend(objective: Objective, start: Shaped[np.ndarray, "*shape"], *, lr: float, n_steps: int) -> Descent:
    """Take `n_steps` steps of gradient descent from `start`, recording all of them.

        x ← x - lr · ∇L(x)

    A diverging run ends at its last finite loss, with `overflowed` set, and raises nothing.

    Args:
        objective: takes a point; returns its loss and the gradient, of the point's shape.
        lr: the learning rate, in units of x² per unit of loss.

    Raises:
        TypeError: if `objective` is not a function, or a number is not a number.
        ValueError: if `start` is empty or not finite, `lr` <= 0, `n_steps` < 0, the gradient has
            another shape than the point, or the objective is not finite at the start.

    Source: Cauchy (1847), Comptes rendus 25, 536-538.
    Oracle: torch.optim.SGD without momentum.

    >>> bowl = lambda x: (float(x @ x), 2 * x)
    >>> descend(bowl, np.array([1.0]), lr=0.25, n_steps=3).points.ravel()
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    function("objective", objective)
    point = real_array("start", start)
    lr, n_steps = real("lr", lr, above=0), count("n_steps", n_steps, at_least=0)

    points, losses, steps = np.empty((n_steps + 1, *point.shape)), np.empty(n_steps + 1), np.arange(n_steps + 1)
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is recorded, not warned about
        for step in range(n_steps + 1):
            loss, gradient = objective(point)
            if not math.isfinite(loss):
                if step == 0:
                    raise ValueError(f"start must have a finite loss, got {loss}")
                return Descent(points=points[:step], losses=losses[:step], steps=steps[:step], overflowed=True)
            if step == 0 and np.shape(gradient) != point.shape:
                raise ValueError(
                    f"objective must return a gradient of the point's shape {point.shape}, got {np.shape(gradient)}"
                )
            points[step], losses[step] = point, loss
            point = point - lr * gradient
    return Descent(points=points, losses=losses, steps=steps, overflowed=False)


def max_stable_lr(
    objective: Objective, start: Shaped[np.ndarray, "*shape"], *, n_steps: int = 1000, precision: float = 1e-4
) -> float:
    """Measure the learning rate above which descent from `start` ends higher than it began.

    The rate is doubled or halved until it is bracketed, then the bracket is halved in the
    logarithm. On a quadratic the answer tends to 2 / (largest eigenvalue of the Hessian) from
    above as `n_steps` grows: a rate 0.1% too large needs some hundreds of steps to show.

    Args:
        precision: the width of the final bracket, as a share of the rate.

    Raises:
        TypeError: as `descend` does.
        ValueError: as `descend` does, or if no rate between 1e-30 and 1e30 separates the two.

    Source: Nesterov (2004), Introductory Lectures on Convex Optimization, section 1.2.3.
    Oracle: numpy.linalg.eigvalsh of the Hessian.

    >>> bowl = lambda x: (float(x @ x), 2 * x)
    >>> round(max_stable_lr(bowl, np.array([1.0])), 3)
    1.0
    """
    n_steps = count("n_steps", n_steps)
    precision = real("precision", precision, above=0, below=1)

    def diverges(lr: float) -> bool:
        return descend(objective, start, lr=lr, n_steps=n_steps).diverged

    high = 1.0
    while not diverges(high):
        high *= 2
        if high > 1e30:
            raise ValueError("objective must diverge at some learning rate, got none up to 1e30")
    low = high / 2
    while diverges(low):
        low /= 2
        if low < 1e-30:
            raise ValueError("objective must descend at some learning rate, got none down to 1e-30")
    high = 2 * low
    while high / low > 1 + precision:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if diverges(middle) else (middle, high)
    return math.sqrt(low * high)


def finite_differences(objective: Objective, point: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Estimate the gradient from losses alone, one coordinate at a time.

        ∂L/∂xᵢ ≈ (L(x + h eᵢ) - L(x - h eᵢ)) / 2h

    Raises:
        TypeError: if `objective` is not a function, or `point` holds no numbers.
        ValueError: if `point` is empty or not finite.

    Numerics: the truncation error grows as h², the rounding error as ε/h; h = ε^(1/3) · max(1, |xᵢ|)
    balances them, and leaves about ten correct digits.
    Source: Nocedal & Wright (2006), Numerical Optimization, section 8.1.
    Oracle: torch.autograd.

    >>> finite_differences(lambda x: (float(x @ x), 2 * x), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    function("objective", objective)
    point = real_array("point", point).astype(np.float64)
    gradient = np.empty_like(point)
    for i in np.ndindex(point.shape):
        h = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(point[i]))
        above, below = point.copy(), point.copy()
        above[i] += h
        below[i] -= h
        # the step that was taken, not the step that was meant: x + h is rounded
        gradient[i] = (objective(above)[0] - objective(below)[0]) / (above[i] - below[i])
    return gradient
