"""Regularisers: what keeps a model from fitting the accidents of its examples.

A penalty has one shape: it is made from its strength, and what comes back takes weights and
returns the penalty with its gradient. That makes it an objective like any other, and `penalized`
adds it to the loss. Where the gradient has a kink, as that of `l1` at 0, a penalty also has a
proximal step, which lands on the kink exactly: `proximal_descent` takes those.

    penalties       l1  l2  elastic_net, and `regularization_path` over their strengths
    corrections     max_norm, put behind any optimiser by `proximal`
    noise           dropout
    fewer steps     early_stopping

Taught in: 07
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import all_finite, count, function, instance, real, real_array
from kit.learn.descent import BatchObjective, Descent, Objective
from kit.learn.optimizers import Optimizer, sgd
from kit.learn.training import train


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """A price on the size of weights: so much for each absolute value, so much for each square."""

    absolute: float
    squared: float

    def __post_init__(self) -> None:
        real("absolute", self.absolute, at_least=0)
        real("squared", self.squared, at_least=0)

    def __call__(self, weights: Shaped[np.ndarray, "*shape"]) -> tuple[float, Float[np.ndarray, "*shape"]]:
        """Return the penalty of weights and its gradient, taking 0 for the slope of |w| at w = 0.

            P  = absolute · Σ|w| + squared / 2 · Σw²
            ∇P = absolute · sign(w) + squared · w

        Raises:
            TypeError: if `weights` holds no numbers.
            ValueError: if it is empty or not finite.

        Oracle: torch.autograd.

        >>> Penalty(absolute=1.0, squared=2.0)(np.array([3.0, 0.0]))
        (12.0, array([7., 0.]))
        """
        weights = real_array("weights", weights)
        penalty = self.absolute * np.abs(weights).sum() + self.squared / 2 * (weights**2).sum()
        return float(penalty), self.absolute * np.sign(weights) + self.squared * weights

    def proximal_step(self, weights: Shaped[np.ndarray, "*shape"], *, lr: float) -> Float[np.ndarray, "*shape"]:
        """Move weights to where the penalty is lower, and the way there not too long.

            argmin over v of  P(v) + ‖v - w‖² / 2lr  =  soft_threshold(w, lr · absolute) / (1 + lr · squared)

        Raises:
            TypeError: if `weights` holds no numbers, or `lr` is none.
            ValueError: if `weights` is empty or not finite, or `lr` <= 0.

        Source: Parikh & Boyd (2014), Foundations and Trends in Optimization 1, section 6.5.
        Oracle: the smallest of the values on a grid.

        >>> Penalty(absolute=1.0, squared=1.0).proximal_step(np.array([3.0, 0.5]), lr=1.0)
        array([1., 0.])
        """
        lr = real("lr", lr, above=0)
        return soft_threshold(weights, lr * self.absolute) / (1 + lr * self.squared)


def l1(strength: float) -> Penalty:
    """Price each weight by its absolute value, which pulls small weights to exactly 0.

        P = strength · Σ|w|

    Raises:
        TypeError, ValueError: if `strength` is not a number of at least 0.

    Source: Tibshirani (1996), Journal of the Royal Statistical Society B 58, 267-288.
    Oracle: sklearn.linear_model.Lasso.

    >>> l1(2.0)(np.array([3.0, -0.5]))
    (7.0, array([ 2., -2.]))
    """
    return Penalty(absolute=real("strength", strength, at_least=0), squared=0.0)


def l2(strength: float) -> Penalty:
    """Price each weight by half its square, which pulls large weights most and none to exactly 0.

        P = strength / 2 · Σw²

    Raises:
        TypeError, ValueError: if `strength` is not a number of at least 0.

    Source: Hoerl & Kennard (1970), Technometrics 12, 55-67.
    Oracle: sklearn.linear_model.Ridge; weight_decay in torch.optim.SGD.

    >>> l2(2.0)(np.array([3.0, -0.5]))
    (9.25, array([ 6., -1.]))
    """
    return Penalty(absolute=0.0, squared=real("strength", strength, at_least=0))


def elastic_net(strength: float, *, l1_ratio: float = 0.5) -> Penalty:
    """Mix `l1` and `l2`: weights are pulled to 0 as by the one, and features alike share as under the other.

        P = strength · (l1_ratio · Σ|w| + (1 - l1_ratio) / 2 · Σw²)

    Raises:
        TypeError, ValueError: if `strength` is not a number of at least 0, or `l1_ratio` not one
            from 0 to 1.

    Source: Zou & Hastie (2005), Journal of the Royal Statistical Society B 67, 301-320.
    Oracle: sklearn.linear_model.ElasticNet, whose alpha is half of the strength: it halves the
    mean squared error.

    >>> elastic_net(2.0, l1_ratio=0.5)
    Penalty(absolute=1.0, squared=1.0)
    """
    strength = real("strength", strength, at_least=0)
    l1_ratio = real("l1_ratio", l1_ratio, at_least=0, at_most=1)
    return Penalty(absolute=strength * l1_ratio, squared=strength * (1 - l1_ratio))


def soft_threshold(weights: Shaped[np.ndarray, "*shape"], threshold: float) -> Float[np.ndarray, "*shape"]:
    """Pull each weight towards 0 by `threshold`, and to 0 where it is no larger.

        sign(w) max(|w| - threshold, 0)

    Raises:
        TypeError: if `weights` holds no numbers, or `threshold` is none.
        ValueError: if `weights` is empty or not finite, or `threshold` < 0.

    Source: Donoho (1995), IEEE Transactions on Information Theory 41, 613-627.
    Oracle: torch.nn.functional.softshrink.

    >>> soft_threshold(np.array([3.0, -2.0, 0.5]), 1.0)
    array([ 2., -1.,  0.])
    """
    weights, threshold = real_array("weights", weights), real("threshold", threshold, at_least=0)
    return weights - np.clip(weights, -threshold, threshold)


def penalized(objective: BatchObjective, penalty: Objective) -> BatchObjective:
    """Add a penalty on the point to an objective, on all examples or on a batch.

    The penalty is not told an intercept from a weight: centre features and targets first, and
    there is none to spare.

    Raises:
        TypeError: if either is not a function.

    >>> bowl = lambda x: (float(x @ x), 2 * x)
    >>> penalized(bowl, l2(2.0))(np.array([1.0]))
    (2.0, array([4.]))
    """
    function("objective", objective)
    function("penalty", penalty)

    def sum_of_both(point: np.ndarray, *rows: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = objective(point, *rows)
        price, pull = penalty(point)
        return loss + price, gradient + pull

    return sum_of_both


def proximal_descent(
    objective: Objective, start: Shaped[np.ndarray, "*shape"], *, penalty: Penalty, lr: float, n_steps: int
) -> Descent:
    """Descend the objective by its gradient and the penalty by its proximal step, in turn.

        x ← x - lr · ∇L(x)
        x ← penalty.proximal_step(x)

    The losses recorded are those of both together. Weights that the optimum has at 0 come to
    exactly 0, which a subgradient only circles.

    Args:
        lr: at most 1 / (largest eigenvalue of the objective's Hessian), for a loss that never rises.

    Raises:
        TypeError: as `train` does, or if `penalty` is no Penalty.
        ValueError: as `train` does, or if `lr` <= 0.

    Source: Beck & Teboulle (2009), SIAM Journal on Imaging Sciences 2, 183-202, eq. 1.4.
    Oracle: sklearn.linear_model.ElasticNet and Lasso.

    >>> hill = lambda x: (float((x - 3) @ (x - 3)) / 2, x - 3)
    >>> proximal_descent(hill, np.array([0.0]), penalty=l1(1.0), lr=1.0, n_steps=1).points[-1]
    array([2.])
    """
    function("objective", objective)
    instance("penalty", penalty, Penalty)
    lr = real("lr", lr, above=0)

    def gradient_of_the_smooth_part(point: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = objective(point)
        return loss + penalty(point)[0], gradient

    rule = proximal(sgd(lr), lambda point: penalty.proximal_step(point, lr=lr))
    return train(gradient_of_the_smooth_part, start, optimizer=rule, n_steps=n_steps)


def regularization_path(
    objective: Objective,
    start: Shaped[np.ndarray, "*shape"],
    *,
    penalty: Callable[[float], Penalty],
    strengths: Shaped[np.ndarray, "strengths"],
    lr: float,
    n_steps: int,
) -> Float[np.ndarray, "strengths *shape"]:
    """Find the weights at each of a row of strengths, every descent starting where the last one ended.

    Neighbouring strengths have neighbouring optima, so that few steps lead from one to the next.
    From strong to weak is the quicker way: it begins where all weights are close to 0.

    Args:
        penalty: makes the penalty of a strength: `l1`, `l2`, or `elastic_net`.
        n_steps: at each strength.

    Raises:
        TypeError: as `proximal_descent` does, or if `strengths` holds no numbers.
        ValueError: as `proximal_descent` does, or if `strengths` is not a finite row, or the loss overflows.

    Source: Friedman, Hastie & Tibshirani (2010), Journal of Statistical Software 33(1), section 2.5.
    Oracle: sklearn.linear_model.Lasso at each strength.

    >>> hill = lambda x: (float((x - 3) @ (x - 3)) / 2, x - 3)
    >>> strengths = np.array([4.0, 2.0, 1.0])
    >>> regularization_path(hill, np.array([0.0]), penalty=l1, strengths=strengths, lr=1.0, n_steps=1).ravel()
    array([0., 1., 2.])
    """
    function("penalty", penalty)
    point, points = real_array("start", start), []
    penalties = [penalty(float(strength)) for strength in real_array("strengths", strengths, ndim=1)]
    for each in penalties:
        path = proximal_descent(objective, point, penalty=each, lr=lr, n_steps=n_steps)
        if path.overflowed:
            raise ValueError(f"lr must be small enough not to overflow, got {lr}")
        point = path.points[-1]
        points.append(point)
    return np.stack(points)


def proximal(optimizer: Optimizer, operator: Callable[[np.ndarray], np.ndarray]) -> Optimizer:
    """Make the optimiser that steps as another does, and then applies a proximal operator.

    Raises:
        TypeError: if either is not a function.

    >>> rule = proximal(sgd(1.0), lambda x: max_norm(x, limit=1.0))
    >>> rule(np.array([0.0, 0.0]), np.array([-3.0, -4.0]), 0)
    (array([0.6, 0.8]),)
    """
    function("optimizer", optimizer)
    function("operator", operator)

    def rule(point, gradient, step, *memory):
        point, *memory = optimizer(point, gradient, step, *memory)
        # a point beyond float64 has no nearest one, and is for the caller to report
        return operator(point) if all_finite(point) else point, *memory

    return rule


def max_norm(weights: Shaped[np.ndarray, "inputs *units"], *, limit: float) -> Float[np.ndarray, "inputs *units"]:
    """Shorten each unit's incoming weights, a column, to a length of at most `limit`.

        w · min(1, limit / ‖w‖)

    Raises:
        TypeError: if `weights` holds no numbers, or `limit` is none.
        ValueError: if `weights` is empty or not finite, or `limit` <= 0.

    Source: Srivastava et al. (2014), Journal of Machine Learning Research 15, 1929-1958, section 5.1.
    Oracle: torch.renorm.

    >>> max_norm(np.array([[3.0, 0.3], [4.0, 0.4]]), limit=1.0)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """
    weights, limit = real_array("weights", weights), real("limit", limit, above=0)
    lengths = np.sqrt((weights**2).sum(axis=0, dtype=np.float64))  # rows are added up one by one
    return weights * (limit / np.maximum(lengths, limit)).astype(weights.dtype)


def dropout(
    x: Shaped[np.ndarray, "*shape"], *, rate: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Silence a random share of the numbers in training, and scale the rest so that the mean stays.

        m = 0 with probability rate, else 1 / (1 - rate)
        y = m x,   ∂y/∂x = m

    Since the scaling is done in training, a trained model is used as it is.

    Returns:
        y and m: the way back through dropout multiplies by the same m.

    Raises:
        TypeError: if `x` holds no numbers, `rate` is none, or `rng` is not a generator.
        ValueError: if `x` is empty or not finite, or `rate` is not at least 0 and below 1.

    Source: Srivastava et al. (2014), Journal of Machine Learning Research 15, 1929-1958, section 10.
    Oracle: torch.nn.functional.dropout, which draws other numbers: its kept values and their share.

    >>> dropped, mask = dropout(np.array([1.0, 2.0]), rate=0.0, rng=np.random.default_rng(0))
    >>> dropped, mask
    (array([1., 2.]), array([1., 1.]))
    """
    x, rate = real_array("x", x), real("rate", rate, at_least=0, below=1)
    instance("rng", rng, np.random.Generator)
    mask = (rng.random(x.shape) >= rate).astype(x.dtype) / (1 - rate)
    return x * mask, mask


class Stop(NamedTuple):
    """Where training was at its best, and where it would have been stopped; None if it would not."""

    best: int
    stopped: int | None


def early_stopping(losses: Shaped[np.ndarray, "points"], *, patience: int, min_delta: float = 0.0) -> Stop:
    """Find where training ends if it gives up after `patience` losses in a row without a new best.

    Keep the weights of `best`, not of `stopped`.

    Args:
        losses: on held-out data, in the order of training: `path.measured_by(held_out).losses`, or those
            so far, asked for again after each.
        min_delta: a loss is a new best if it is below the last one by more than this.

    Raises:
        TypeError: if `losses` holds no numbers, or a number is none.
        ValueError: if `losses` is empty or not finite, `patience` < 1, or `min_delta` < 0.

    Source: Goodfellow, Bengio & Courville (2016), Deep Learning, algorithm 7.1.

    >>> early_stopping(np.array([3.0, 2.0, 4.0, 5.0, 1.0]), patience=2)
    Stop(best=1, stopped=3)
    """
    losses = real_array("losses", losses, ndim=1)
    patience, min_delta = count("patience", patience), real("min_delta", min_delta, at_least=0)
    best = 0
    for i in range(1, len(losses)):
        if losses[i] < losses[best] - min_delta:
            best = i
        elif i - best == patience:
            return Stop(best=best, stopped=i)
    return Stop(best=best, stopped=None)
