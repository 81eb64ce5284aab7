import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from kit.learn.scaling import min_max_scaling, standard_scaling

X = load_diabetes(scaled=False).data
CASES = [(standard_scaling, StandardScaler), (min_max_scaling, MinMaxScaler)]


@pytest.mark.parametrize(("ours", "theirs"), CASES)
def test_scaling_matches_sklearn(ours, theirs):
    np.testing.assert_allclose(ours(X[:300]).transform(X), theirs().fit(X[:300]).transform(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("ours", "_"), CASES)
@given(x=arrays(np.float64, (5, 2), elements=st.floats(-1e6, 1e6)))
def test_scaling_undoes_itself(ours, _, x):
    scaling = ours(x)
    np.testing.assert_allclose(scaling.inverse_transform(scaling.transform(x)), x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("ours", "_"), CASES)
def test_scaling_leaves_a_constant_feature_finite(ours, _):
    x = np.full((3, 1), 0.1)  # the mean of three times 0.1 is not 0.1 in float64
    np.testing.assert_allclose(ours(x).transform(x), 0, atol=1e-15)


@pytest.mark.parametrize(("ours", "theirs"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_scaling_of_a_million_narrow_rows_matches_sklearn_in_float64(ours, theirs, dtype):
    x = np.random.default_rng(0).integers(1990, 2020, size=(1_000_000, 2)).astype(dtype)
    z = ours(x).transform(x)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, theirs().fit_transform(x.astype(np.float64)), atol=1e-5)


@pytest.mark.parametrize(("ours", "theirs"), CASES)
@pytest.mark.parametrize("value", [0.3, 1e8, 1e-8])
def test_scaling_leaves_a_feature_alone_whose_values_differ_by_rounding(ours, theirs, value):
    x = np.random.default_rng(0).choice([value, np.nextafter(value, np.inf)], size=(1000, 1))
    np.testing.assert_allclose(ours(x).transform(x), 0, atol=1e-7)


@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1e30])
def test_scaling_does_not_depend_on_the_unit(unit):
    for ours, _ in CASES:
        np.testing.assert_allclose(ours(X * unit).transform(X * unit), ours(X).transform(X), rtol=1e-9, atol=1e-9)


def test_scaling_rejects_another_number_of_features():
    with pytest.raises(ValueError, match="x must have 10 features in its last axis"):
        standard_scaling(X).transform(X[:, :3])
