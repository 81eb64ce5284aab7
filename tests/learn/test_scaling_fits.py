import numpy as np
import pytest
from scipy.optimize import minimize

from kit.learn.scaling_fits import DELTA, fit_law, resample_fit
from kit.learn.scaling_laws import PUBLISHED, ScalingLaw

PLANTED = PUBLISHED["Epoch's refit"]
SIZES = np.repeat(np.geomspace(5e7, 1e10, 6), 5)
TOKENS = np.tile(np.geomspace(1e19, 1e21, 5), 6) / 6 / SIZES


def noisy(noise: float, *, seed: int, law: ScalingLaw = PLANTED) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return law.loss(SIZES, TOKENS) * np.exp(noise * rng.standard_normal(len(SIZES)))


def coefficients(law: ScalingLaw) -> np.ndarray:
    return np.array([law.e, law.a, law.b, law.alpha, law.beta])


@pytest.mark.parametrize("e", [None, PLANTED.e])
@pytest.mark.parametrize("law", [*PUBLISHED.values(), ScalingLaw(e=1.817, a=50.0, b=9e6, alpha=0.2, beta=0.8)])
def test_a_planted_law_is_found_again_without_noise(law, e):
    found = fit_law(SIZES, TOKENS, law.loss(SIZES, TOKENS), e=None if e is None else law.e)
    np.testing.assert_allclose(coefficients(found), coefficients(law), rtol=1e-4)


def total(law: ScalingLaw, losses: np.ndarray) -> float:
    errors = np.abs(np.log(law.loss(SIZES, TOKENS)) - np.log(losses))
    return float(np.where(errors <= DELTA, errors**2 / 2, DELTA * (errors - DELTA / 2)).sum())


@pytest.mark.parametrize("noise", [0.002, 0.02])
def test_fit_law_matches_nelder_mead(noise):
    losses = noisy(noise, seed=1)
    found = fit_law(SIZES, TOKENS, losses)

    def huber(theta: np.ndarray) -> float:
        e, a, b, alpha, beta = np.exp(theta)
        return total(ScalingLaw(e=e, a=a * 1e9**alpha, b=b * 1e10**beta, alpha=alpha, beta=beta), losses) / DELTA**2

    start = np.log([1.5, 0.5, 0.5, 0.4, 0.4])
    options = {"maxfev": 8000, "maxiter": 8000, "xatol": 1e-9, "fatol": 1e-9, "adaptive": True}
    theirs = minimize(huber, minimize(huber, start, method="Nelder-Mead", options=options).x, method="Nelder-Mead")
    # a simplex may stop early, never below the least
    assert total(found, losses) / DELTA**2 <= theirs.fun * (1 + 1e-6)
    assert total(found, losses) / DELTA**2 == pytest.approx(theirs.fun, rel=0.02)


def test_one_run_that_went_wrong_hardly_moves_the_fit():
    losses = noisy(0.0005, seed=2)
    clean = fit_law(SIZES, TOKENS, losses)
    losses[7] *= 1.5
    spoiled = fit_law(SIZES, TOKENS, losses)
    best = [law.optimum(1e21).n_params for law in (PLANTED, clean, spoiled)]
    assert abs(np.log(best[2] / best[1])) < 0.05
    by_squares = fit_law(SIZES, TOKENS, losses, delta=10.0)  # Huber's loss with so far a border is the squared error
    assert abs(np.log(by_squares.optimum(1e21).n_params / best[1])) > 0.1


def test_a_planted_law_lies_in_the_intervals_of_most_samples():
    """Of 8 worlds with 95% intervals each, more than 2 misses have a chance of 0.6% for one that keeps its word."""
    misses = {"e": 0, "size exponent": 0, "forecast": 0}
    for seed in range(8):
        rng = np.random.default_rng(seed)
        losses = noisy(0.005, seed=100 + seed)
        fitted = resample_fit(SIZES, TOKENS, losses, n_resamples=50, rng=rng)
        at = fitted.interval(lambda law: law.e)
        misses["e"] += not at.low <= PLANTED.e <= at.high
        at = fitted.interval(lambda law: law.size_exponent)
        misses["size exponent"] += not at.low <= PLANTED.size_exponent <= at.high
        truth = PLANTED.loss(2e10, 2e11) * np.exp(0.005 * rng.standard_normal())
        at = fitted.forecast(2e10, 2e11, rng=rng)
        misses["forecast"] += not at.low <= truth <= at.high
    assert max(misses.values()) <= 2, misses


def test_a_known_floor_narrows_what_is_fitted():
    losses = noisy(0.005, seed=3)
    widths = []
    for e in (None, PLANTED.e):
        at = resample_fit(SIZES, TOKENS, losses, e=e, n_resamples=40, rng=np.random.default_rng(0)).interval(
            lambda law: law.alpha
        )
        widths.append(at.high - at.low)
    assert widths[1] < widths[0]


def test_resampling_is_of_its_generator_alone():
    losses = noisy(0.005, seed=4)
    twice = [resample_fit(SIZES, TOKENS, losses, n_resamples=3, rng=np.random.default_rng(5)) for _ in range(2)]
    assert twice[0].resampled == twice[1].resampled


def test_too_few_runs_are_refused():
    with pytest.raises(ValueError, match="losses must be of more runs than there are coefficients, 5, got 5"):
        resample_fit(SIZES[::7], TOKENS[::7], noisy(0.0, seed=0)[::7], rng=np.random.default_rng(0))
