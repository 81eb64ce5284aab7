"""Fit a scaling law to runs, and say what chance may have done to it.

    fit_law(n_params, n_tokens, losses)                    E, A, B, α and β
    fitted = resample_fit(n_params, n_tokens, losses, rng=rng)
    fitted.forecast(1e8, 2e9, rng=rng)                     the loss of a run that has not been made, with an interval

Source: Hoffmann et al. (2022), arXiv:2203.15556, section 3.3; Besiroglu et al. (2024), arXiv:2404.10102,
for what went wrong in that fit.

Taught in: 23
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from scipy.optimize import minimize, nnls

from kit.arguments import count, function, instance, matching, real, real_array
from kit.learn.intervals import CONFIDENCE_LEVEL, Interval
from kit.learn.scaling_laws import ScalingLaw, positive_array

DELTA = 1e-3  # Huber's border, in log loss
EXPONENTS = np.geomspace(0.08, 2.0, 8)  # where the search for the two exponents begins
N_STARTS = 3
Column = Float[np.ndarray, "runs"]
Coefficients = Float[np.ndarray, "coefficients"]


def fit_law(
    n_params: Shaped[np.ndarray, "runs"],
    n_tokens: Shaped[np.ndarray, "runs"],
    losses: Shaped[np.ndarray, "runs"],
    *,
    e: float | None = None,
    delta: float = DELTA,
) -> ScalingLaw:
    """Fit the law to runs: the sum of Huber's loss of the errors in log loss is made least.

        Σ huber(log L(N, D) - log loss),    huber(r) = r²/2 up to delta, delta (|r| - delta/2) beyond

    With the exponents held still the law is linear in E, A and B. On a grid of exponents these are solved for
    (variable projection), and from the best places of the grid all are improved together, by BFGS.

    Args:
        e: the irreducible loss where it is known; None fits it, too.
        delta: beyond such an error a run pulls no harder, however far it is off.

    Raises:
        TypeError, ValueError: if the columns are not finite numbers above 0 of one length, there are fewer runs
            than coefficients, or fewer than three different sizes or tokens; `e` is not from 0 to below the
            lowest loss; or `delta` is not above 0.

    Numerics: the terms are logarithms, summed by log-sum-exp, sizes and tokens are taken relative to their
    geometric mean, and errors in units of `delta`. An optimiser that is given the *mean* of the losses instead
    sees gradients below its tolerance, and stops where it began.
    Source: Hoffmann et al. (2022), arXiv:2203.15556, section 3.3; Golub & Pereyra (1973) for the projection.
    Oracle: a planted law; scipy.optimize.minimize by Nelder-Mead of the same sum.
    """
    x, y, log_loss = _runs(n_params, n_tokens, losses, e)
    delta = real("delta", delta, above=0)
    best = _improved(_projected(x, y, log_loss, e, delta), x, y, log_loss, e, delta)
    return _law(best, e, float(np.log(n_params).mean()), float(np.log(n_tokens).mean()))


@dataclass(frozen=True, kw_only=True)
class FittedLaw:
    """A law with what chance may have done to it.

    Args:
        law: that of all runs.
        resampled: those of samples of the runs, drawn with replacement.
        errors: of each run, log loss less the law's, enlarged by √(runs / (runs - coefficients)).
    """

    law: ScalingLaw
    resampled: tuple[ScalingLaw, ...]
    errors: Column

    def interval(self, quantity: Callable[[ScalingLaw], float]) -> Interval:
        """Bound whatever follows from the law: the middle 95% of what the resampled laws say.

        Raises:
            TypeError, ValueError: if `quantity` is no function of a law that gives a finite number.
        """
        function("quantity", quantity)
        of_all, *others = (real("quantity", quantity(law)) for law in (self.law, *self.resampled))
        return self._interval(of_all, others)

    def forecast(self, n_params: float, n_tokens: float, *, rng: np.random.Generator) -> Interval:
        """Forecast the loss of a run that has not been made, with an interval for that single run.

        Each resampled law says its loss, and an error of the runs, drawn by `rng`, is put on top: the next run
        will have one, too. Where that falls below the law's own E, E is taken.

        Raises:
            TypeError, ValueError: if a number is not finite and above 0, or `rng` is not a generator.
        """
        instance("rng", rng, np.random.Generator)
        n, d = real("n_params", n_params, above=0), real("n_tokens", n_tokens, above=0)
        drawn = np.exp(rng.choice(self.errors, size=len(self.resampled)))
        said = [max(law.e, float(law.loss(n, d)) * each) for law, each in zip(self.resampled, drawn, strict=True)]
        return self._interval(float(self.law.loss(n, d)), said)

    def _interval(self, estimate: float, numbers: list[float]) -> Interval:
        low, high = np.percentile(numbers, [50 * (1 - CONFIDENCE_LEVEL), 50 * (1 + CONFIDENCE_LEVEL)])
        spread = float(np.std(numbers, ddof=1))
        return Interval(
            estimate=estimate, low=float(low), high=float(high), n=len(self.errors), standard_error=spread
        )  # fmt: skip


def resample_fit(
    n_params: Shaped[np.ndarray, "runs"],
    n_tokens: Shaped[np.ndarray, "runs"],
    losses: Shaped[np.ndarray, "runs"],
    *,
    e: float | None = None,
    n_resamples: int = 200,
    rng: np.random.Generator,
) -> FittedLaw:
    """Fit the law to the runs, and again to samples of the runs drawn with replacement: the bootstrap.

    Each sample's fit starts from that of all runs. A sample that no law can be fitted to, for want of different
    runs, is drawn again.

    Raises:
        TypeError, ValueError: as `fit_law`; if there are no more runs than coefficients; or `n_resamples` < 2,
            or `rng` is not a generator.

    Source: Efron (1979), Annals of Statistics 7, 1-26.
    """
    instance("rng", rng, np.random.Generator)
    n_resamples, (x, y, log_loss) = count("n_resamples", n_resamples, at_least=2), _runs(n_params, n_tokens, losses, e)
    free = len(x) - _n_coefficients(e)
    if free < 1:
        raise ValueError(f"losses must be of more runs than there are coefficients, {len(x) - free}, got {len(x)}")
    best = _improved(_projected(x, y, log_loss, e, DELTA), x, y, log_loss, e, DELTA)
    found = [best]
    while len(found) <= n_resamples:
        rows = rng.integers(len(x), size=len(x))
        if min(len(set(x[rows])), len(set(y[rows]))) >= 3 and len(set(rows.tolist())) >= len(best):
            found.append(_improved([best], x[rows], y[rows], log_loss[rows], e, DELTA))
    means = float(np.log(n_params).mean()), float(np.log(n_tokens).mean())
    law, *resampled = (_law(theta, e, *means) for theta in found)
    errors = (log_loss - np.log(law.loss(np.asarray(n_params), np.asarray(n_tokens)))) * math.sqrt(len(x) / free)
    return FittedLaw(law=law, resampled=tuple(resampled), errors=errors)


def _n_coefficients(e: float | None) -> int:
    return 5 if e is None else 4


def _runs(n_params: Column, n_tokens: Column, losses: Column, e: float | None) -> tuple[Column, Column, Column]:
    """Check the runs; give the logarithms, those of sizes and tokens less their means."""
    n, d, measured = (
        positive_array(name, real_array(name, column, ndim=1))
        for name, column in (("n_params", n_params), ("n_tokens", n_tokens), ("losses", losses))
    )
    matching("n_tokens", d, "n_params", n)
    matching("losses", measured, "n_params", n)
    if len(n) < _n_coefficients(e):
        raise ValueError(f"losses must be of {_n_coefficients(e)} runs or more, one a coefficient, got {len(n)}")
    for name, column in (("n_params", n), ("n_tokens", d)):
        if len(set(column.tolist())) < 3:
            raise ValueError(f"{name} must be three or more different ones, got {len(set(column.tolist()))}")
    if e is not None:
        real("e", e, at_least=0, below=float(measured.min()))
    x, y = np.log(n), np.log(d)
    return x - x.mean(), y - y.mean(), np.log(measured)


def _projected(x: Column, y: Column, log_loss: Column, e: float | None, delta: float) -> list[Coefficients]:
    """Solve for E, A and B at each pair of exponents, by least squares of the relative errors; give the best places."""
    places, losses = [], np.exp(log_loss)
    wanted = 1 - (0 if e is None else e) / losses
    for alpha, beta in itertools.product(EXPONENTS, EXPONENTS):
        columns = [np.exp(-alpha * x), np.exp(-beta * y), *([np.ones_like(x)] if e is None else [])]
        linear, _ = nnls(np.stack(columns, axis=1) / losses[:, None], wanted)
        logs = np.log(np.maximum(linear, 1e-3 * losses.min()))
        place = np.array([logs[0], math.log(alpha), logs[1], math.log(beta), *logs[2:]])
        places.append((_objective(place, x, y, log_loss, e, delta)[0], place))
    return [place for _, place in sorted(places, key=lambda pair: pair[0])[:N_STARTS]]


def _objective(
    theta: Coefficients, x: Column, y: Column, log_loss: Column, e: float | None, delta: float
) -> tuple[float, Coefficients]:
    """Give the sum of Huber's loss in units of delta², and its gradient; `theta` holds logarithms."""
    alpha, beta = np.exp(theta[1]), np.exp(theta[3])
    floor = theta[4] if e is None else (math.log(e) if e > 0 else -np.inf)
    terms = np.stack([theta[0] - alpha * x, theta[2] - beta * y, np.full_like(x, floor)])
    said = np.logaddexp.reduce(terms, axis=0)
    share = np.exp(terms - said)  # of each part in the loss: what log loss gains by if the part's logarithm does
    slopes = np.stack([share[0], -alpha * x * share[0], share[1], -beta * y * share[1], share[2]])[: len(theta)]
    errors = (said - log_loss) / delta
    size = np.abs(errors)
    return float(np.where(size <= 1, size**2 / 2, size - 0.5).sum()), slopes @ errors.clip(-1, 1) / delta


def _improved(
    starts: list[Coefficients], x: Column, y: Column, log_loss: Column, e: float | None, delta: float
) -> Coefficients:
    """Improve all coefficients together from each start, and keep the best."""
    with np.errstate(over="ignore", invalid="ignore"):  # a long step of the line search is taken back
        found = [minimize(_objective, start, (x, y, log_loss, e, delta), "BFGS", jac=True) for start in starts]
    return min(found, key=lambda each: each.fun).x


def _law(theta: Coefficients, e: float | None, mean_x: float, mean_y: float) -> ScalingLaw:
    """Take the geometric means, which the coefficients were relative to, back out."""
    logs = np.array([theta[0] + np.exp(theta[1]) * mean_x, theta[1], theta[2] + np.exp(theta[3]) * mean_y, *theta[3:]])
    a, alpha, b, beta, *rest = np.exp(logs.clip(-700, 700)).tolist()  # of a degenerate sample
    return ScalingLaw(e=rest[0] if e is None else float(e), a=a, b=b, alpha=alpha, beta=beta)
