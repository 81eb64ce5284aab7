import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from kit.learn.scaling_laws import OPERATIONS, PUBLISHED, ScalingLaw, fit_parabola

BUDGET = 5.76e23  # of Gopher and of Chinchilla

laws = st.builds(
    ScalingLaw,
    e=st.floats(0, 3),
    a=st.floats(1, 1e4),
    b=st.floats(1, 1e4),
    alpha=st.floats(0.1, 1.5),
    beta=st.floats(0.1, 1.5),
)


@given(laws, st.floats(8, 26))
def test_the_optimum_spends_the_budget_and_balances_both_sides(law, power):
    best = law.optimum(10**power)
    assert best.n_params * best.n_tokens * OPERATIONS == pytest.approx(10**power, rel=1e-9)
    sides = law.alpha * law.a * best.n_params**-law.alpha, law.beta * law.b * best.n_tokens**-law.beta
    assert sides[0] == pytest.approx(sides[1], rel=1e-9)
    assert best.loss == pytest.approx(law.isoflop(10**power, best.n_params), rel=1e-12)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("flops", [1e18, BUDGET])
def test_optimum_matches_minimize_scalar(name, flops):
    law = PUBLISHED[name]
    found = minimize_scalar(
        lambda log_n: law.isoflop(flops, float(np.exp(log_n))),
        bounds=(10, 40),
        method="bounded",
        options={"xatol": 1e-10},
    )
    # the loss is level at its least: an error of √(rounding / curvature) in log N cannot be seen
    assert np.log(law.optimum(flops).n_params) == pytest.approx(found.x, abs=1e-5)


@pytest.mark.parametrize(("name", "published"), [*zip(PUBLISHED, (92.6, 58.9, 18.3), strict=True)])
def test_published_coefficients_imply_their_tokens_per_parameter(name, published):
    assert PUBLISHED[name].optimum(BUDGET).tokens_per_param == pytest.approx(published, abs=0.05)


@given(laws, st.floats(8, 26), st.floats(1.1, 100))
def test_the_best_size_grows_as_a_power_of_the_budget(law, power, times):
    grown = law.optimum(10**power * times).n_params / law.optimum(10**power).n_params
    assert grown == pytest.approx(times**law.size_exponent, rel=1e-9)


def test_a_row_of_runs_has_the_losses_of_each():
    law, n, d = PUBLISHED["Epoch's refit"], np.array([1e8, 1e9]), np.array([2e10, 3e9])
    losses = law.loss(n, d)
    assert isinstance(losses, np.ndarray)
    assert losses.tolist() == [law.loss(*pair) for pair in zip(n.tolist(), d.tolist(), strict=True)]


SYMMETRIC = ScalingLaw(e=1.8, a=400.0, b=400.0, alpha=0.3, beta=0.3)


def spread(law: ScalingLaw, *, flops: float, times: float, off: float = 1.0) -> float:
    """Put a parabola through five sizes around the best, off by a factor; say how far its lowest point is off."""
    best = law.optimum(flops).n_params
    sizes = best * off * np.geomspace(1 / times, times, 5)
    return fit_parabola(sizes, law.isoflop(flops, sizes)).n_params / best


def test_a_parabola_is_right_where_curve_and_sizes_are_symmetric_and_biased_elsewhere():
    assert spread(SYMMETRIC, flops=1e21, times=10) == pytest.approx(1, rel=1e-9)
    # the third derivative of the loss in log N is 0 at the optimum of equal exponents alone
    assert abs(np.log(spread(SYMMETRIC, flops=1e21, times=10, off=3))) > 0.01
    law = PUBLISHED["Epoch's refit"]
    near, far = (abs(np.log(spread(law, flops=1e21, times=times))) for times in (2, 30))
    assert 0 < near < far


@given(st.floats(0.1, 5), st.floats(-3, 3), st.floats(15, 25), st.floats(0.1, 9))
def test_a_parabolas_lowest_point_is_found(curvature, height, at, width):
    n = np.exp(at + np.array([-width, 0, width / 3, width]))
    found = fit_parabola(n, curvature / 2 * (np.log(n) - at) ** 2 + height)
    # a lowest point is level: rounding of the losses moves it by about eps · loss / (curvature · width)
    assert np.log(found.n_params) == pytest.approx(at, abs=1e-3)
    assert found.loss == pytest.approx(height, abs=1e-6)
    assert found.curvature == pytest.approx(curvature, rel=1e-3)
    assert found.at(n) == pytest.approx(curvature / 2 * (np.log(n) - at) ** 2 + height, abs=1e-6)


def test_a_parabola_that_bends_down_has_no_lowest_point():
    with pytest.raises(ValueError, match="losses must bend upwards"):
        fit_parabola(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 1.0]))
