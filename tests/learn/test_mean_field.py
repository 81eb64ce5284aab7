import math

import numpy as np
import pytest

from kit.learn.mean_field import MeanField

RELU = {"activation": "ReLU"}


@pytest.mark.parametrize("q", [0.01, 1.0, 30.0])
def test_relu_has_a_closed_form(q):
    field = MeanField(**RELU, weight_variance=1.6, bias_variance=0.3)
    assert field.length_map(q) == pytest.approx(0.8 * q + 0.3, rel=1e-12)
    assert field.slope(q) == pytest.approx(0.8, rel=1e-12)


@pytest.mark.parametrize(("activation", "bend"), [("tanh", np.tanh), ("sigmoid", lambda a: 1 / (1 + np.exp(-a)))])
def test_the_integrals_are_those_of_a_fine_sum(activation, bend):
    z = np.linspace(-12, 12, 400_001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    for q in (0.1, 1.0, 4.0):
        field, h = MeanField(activation=activation, weight_variance=1.3), bend(math.sqrt(q) * z)
        slope = np.gradient(h, z) / math.sqrt(q)
        assert field.length_map(q) == pytest.approx(1.3 * (density * h**2).sum(), rel=1e-8)
        assert field.slope(q) == pytest.approx(1.3 * (density * slope**2).sum(), rel=1e-6)


def test_a_wide_network_does_what_is_predicted():
    rng, n, n_layers = np.random.default_rng(0), 1500, 6
    field = MeanField(weight_variance=1.5, bias_variance=0.1)
    h, squares = rng.normal(size=(n, 1)), []
    for _ in range(n_layers):
        sums = math.sqrt(1.5 / n) * rng.normal(size=(n, n)) @ h + math.sqrt(0.1) * rng.normal(size=(n, 1))
        h = np.tanh(sums)
        squares.append((sums**2).mean())
    # a mean of n squares errs by √(2/n) of itself, and errors add up over the layers
    np.testing.assert_allclose(squares, field.lengths(n_layers), rtol=5 * math.sqrt(2 / n))


def test_gradients_multiply_the_slopes_between():
    field = MeanField(weight_variance=0.7, bias_variance=0.05)
    q = field.lengths(4)
    slopes = [field.slope(each) for each in q]
    expected = [math.sqrt(math.prod(slopes[i:3])) for i in range(4)]
    np.testing.assert_allclose(field.gradients(4), expected, rtol=1e-12)
    assert field.gradients(1).tolist() == [1.0]


def test_the_border_lies_where_the_paper_has_it():
    """For σ_b² = 0.05 the slope is 1 at σ_w² of about 1.76 (Schoenholz et al., 2017)."""
    below, above = (MeanField(weight_variance=w, bias_variance=0.05) for w in (1.75, 1.77))
    assert below.slope(below.settled_length) < 1 < above.slope(above.settled_length)
    assert below.correlation_length > 100
    assert above.correlation_length > 100


@pytest.mark.parametrize("weight_variance", [1.0, 1.4, 2.5, 4.0])
def test_correlations_come_to_rest_at_the_rate_of_the_correlation_length(weight_variance):
    field = MeanField(weight_variance=weight_variance, bias_variance=0.05)
    q, c, path = field.settled_length, 0.3, []
    for _ in range(200):
        c = field.correlation_map(c, q=q)
        path.append(c)
    # once near its end, e^(-1/ξ) of the way is left after each layer
    gaps = np.abs(np.array(path[:-60]) - path[-1])
    near = [i for i in range(len(gaps) - 1) if 1e-6 < gaps[i] < 1e-3]
    found = [-1 / math.log(gaps[i + 1] / gaps[i]) for i in near]
    assert found
    assert np.mean(found) == pytest.approx(field.correlation_length, rel=0.02)


def test_order_makes_alike_and_chaos_makes_strangers():
    for weight_variance, ends_at_1 in ((1.0, True), (4.0, False)):
        field = MeanField(weight_variance=weight_variance, bias_variance=0.05)
        c = 0.9
        for _ in range(300):
            c = field.correlation_map(c, q=field.settled_length)
        assert (c > 1 - 1e-6) == ends_at_1


def test_torchs_own_start_forgets_within_a_layer():
    assert MeanField(weight_variance=1 / 3, bias_variance=1 / 300).correlation_length == pytest.approx(0.9, abs=0.05)
