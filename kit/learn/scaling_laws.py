"""Scaling laws: the loss of a model from its size and from how much it has read, and the best of both for a budget.

    law = PUBLISHED["Epoch's refit"]
    law.loss(7e10, 1.4e12)          of 70 billion parameters that have read 1.4 trillion tokens
    law.optimum(1e24)               the size of lowest loss for that many operations, and its tokens

A budget counts 6 operations for each parameter and token, as `kit.train.budget` explains.
`kit.learn.scaling_fits` gets a law from runs.

Source: Hoffmann et al. (2022), arXiv:2203.15556, "Chinchilla".

Taught in: 23
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import matching, real, real_array

OPERATIONS = 6  # for each parameter and token: 2 forwards, 4 backwards


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """What a budget is spent on: a model's size, and the tokens that it reads; and the loss that comes of it."""

    n_params: float
    n_tokens: float
    loss: float

    @property
    def tokens_per_param(self) -> float:
        """Divide the tokens by the parameters."""
        return self.n_tokens / self.n_params


@dataclass(frozen=True, kw_only=True)
class ScalingLaw:
    """The loss of a model of N parameters that has read D tokens, none of them twice.

        L(N, D) = E + A / N^α + B / D^β

    Args:
        e: E, the irreducible loss: the entropy of the text, which no model goes below.
        a: A, the weight of what a model lacks in size; `alpha` says how fast that shrinks.
        b: B, the weight of what it has not read; `beta` says how fast that shrinks.

    Raises:
        TypeError, ValueError: if `e` is not a number of at least 0, or another is not one above 0.

    >>> law = ScalingLaw(e=1.0, a=2.0, b=3.0, alpha=0.5, beta=1.0)
    >>> law.loss(4.0, 3.0)  # 1 + 2 / √4 + 3 / 3
    3.0
    """

    e: float
    a: float
    b: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        """Refuse what is no law."""
        real("e", self.e, at_least=0)
        for name in ("a", "b", "alpha", "beta"):
            real(name, getattr(self, name), above=0)

    def loss(
        self, n_params: Shaped[np.ndarray, "*runs"] | float, n_tokens: Shaped[np.ndarray, "*runs"] | float
    ) -> Float[np.ndarray, "*runs"] | float:
        """Say the loss of one run, or of several.

        Raises:
            TypeError, ValueError: if sizes or tokens are not finite numbers above 0, or of two shapes.
        """
        n, d = positive_array("n_params", n_params), positive_array("n_tokens", n_tokens)
        matching("n_tokens", d, "n_params", n)
        losses = np.asarray(self.e + self.a * n**-self.alpha + self.b * d**-self.beta)
        return losses if losses.ndim else float(losses)

    def isoflop(
        self, flops: float, n_params: Shaped[np.ndarray, "*runs"] | float
    ) -> Float[np.ndarray, "*runs"] | float:
        """Say the losses of models of several sizes that all cost the same: each reads C / 6N tokens.

        Raises:
            TypeError, ValueError: if the budget or a size is not a finite number above 0.

        >>> ScalingLaw(e=0.0, a=1.0, b=1.0, alpha=1.0, beta=1.0).isoflop(24.0, 2.0)  # 1/2 + 1/2: it reads 2 tokens
        1.0
        """
        flops, n = real("flops", flops, above=0), positive_array("n_params", n_params)
        return self.loss(n, flops / (OPERATIONS * n))

    def optimum(self, flops: float) -> Allocation:
        """Find the size and the tokens of lowest loss for a budget of C = 6 N D operations.

            N = G (C/6)^(β/(α+β)),    D = (C/6)^(α/(α+β)) / G,    G = (αA / βB)^(1/(α+β))

        There a little more of either gains the same: α A / N^α = β B / D^β.

        Raises:
            TypeError, ValueError: if the budget is not a finite number above 0.

        Source: Hoffmann et al. (2022), arXiv:2203.15556, eq. 4.
        Oracle: scipy.optimize.minimize_scalar of `isoflop`.

        >>> best = ScalingLaw(e=0.0, a=1.0, b=1.0, alpha=1.0, beta=1.0).optimum(24.0)
        >>> best.n_params, best.n_tokens, best.loss
        (2.0, 2.0, 1.0)
        """
        pairs, total = real("flops", flops, above=0) / OPERATIONS, self.alpha + self.beta
        g = (self.alpha * self.a / (self.beta * self.b)) ** (1 / total)
        n, d = g * pairs ** (self.beta / total), pairs ** (self.alpha / total) / g
        return Allocation(n_params=n, n_tokens=d, loss=float(self.loss(n, d)))

    @property
    def size_exponent(self) -> float:
        """Give the power of the budget with which the best size grows: β / (α + β)."""
        return self.beta / (self.alpha + self.beta)


PUBLISHED = {
    "Chinchilla, as printed": ScalingLaw(e=1.69, a=406.4, b=410.7, alpha=0.34, beta=0.28),
    "Chinchilla, its TeX source": ScalingLaw(e=1.693, a=406.4, b=410.7, alpha=0.33917, beta=0.28491),
    "Epoch's refit": ScalingLaw(e=1.817, a=482.0, b=2086.0, alpha=0.3478, beta=0.3659),
}
"""Three sets of coefficients for one set of runs: Hoffmann et al. (2022), eq. 10; the digits in the source of that
page; and Besiroglu et al. (2024), who read the runs off a figure and fitted them anew."""


@dataclass(frozen=True, kw_only=True)
class Parabola:
    """A parabola in log N: its lowest point, a size and a loss, and how it bends there.

    >>> round(Parabola(n_params=1.0, loss=1.0, curvature=2.0).at(math.e), 9)  # 1 + 2/2 · 1²
    2.0
    """

    n_params: float
    loss: float
    curvature: float

    def at(self, n_params: Shaped[np.ndarray, "*runs"] | float) -> Float[np.ndarray, "*runs"] | float:
        """Say its loss at a size, or at several.

        Raises:
            TypeError, ValueError: if a size is not a finite number above 0.
        """
        x = np.log(positive_array("n_params", n_params)) - math.log(self.n_params)
        losses = np.asarray(self.loss + self.curvature / 2 * x**2)
        return losses if losses.ndim else float(losses)


def fit_parabola(n_params: Shaped[np.ndarray, "runs"], losses: Shaped[np.ndarray, "runs"]) -> Parabola:
    """Fit a parabola in log N to the losses of one budget, by least squares: its lowest point is the best size.

    Chinchilla's approach 2. The true curve is no parabola: where α and β differ it is steeper on one side. So the
    lowest point is off even without noise, by more the wider the sizes are spread and the less they are centred.

    Raises:
        TypeError, ValueError: if the columns are not finite numbers, three or more, sizes above 0; or the
            parabola has no lowest point.

    Oracle: a planted parabola.

    >>> round(fit_parabola(np.array([1.0, 10.0, 100.0]), np.array([2.0, 1.0, 2.0])).n_params, 9)
    10.0
    """
    n = positive_array("n_params", real_array("n_params", n_params, ndim=1))
    losses, _ = matching("losses", real_array("losses", losses), "n_params", n)
    if len(set(n.tolist())) < 3:
        raise ValueError(f"n_params must be three or more different sizes, got {len(set(n.tolist()))}")
    x = np.log(n)
    half, slope, height = np.polyfit(x - x.mean(), losses, 2).tolist()
    if not half > 0:
        raise ValueError(f"losses must bend upwards in log n_params, got a parabola of curvature {2 * half:.3g}")
    lowest = -slope / (2 * half)
    return Parabola(n_params=math.exp(x.mean() + lowest), loss=height + slope * lowest / 2, curvature=2 * half)


def positive_array(name: str, value: Shaped[np.ndarray, "*runs"] | float) -> Float[np.ndarray, "*runs"]:
    """Return `value` as an array, or a single number as one without an axis, if all of it is above 0.

    Raises:
        TypeError, ValueError: if it is not made of finite numbers above 0.

    >>> positive_array("n_params", np.array([1, 2]))
    array([1., 2.])
    """
    array = real_array(name, value)
    if array.min() <= 0:
        raise ValueError(f"{name} must be > 0, got {array.min():g}")
    return array
