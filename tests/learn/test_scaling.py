import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from kit.learn.scaling import range_scaling, standard_scaling

X = load_diabetes(scaled=False).data
CASES = [(standard_scaling, StandardScaler), (range_scaling, MinMaxScaler)]


@pytest.mark.parametrize(("ours", "theirs"), CASES)
def test_scaling_matches_sklearn(ours, theirs):
    np.testing.assert_allclose(ours(X[:300]).apply(X), theirs().fit(X[:300]).transform(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("ours", "_"), CASES)
@given(x=arrays(np.float64, (5, 2), elements=st.floats(-1e6, 1e6)))
def test_scaling_undoes_itself(ours, _, x):
    scaling = ours(x)
    np.testing.assert_allclose(scaling.undo(scaling.apply(x)), x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("ours", "_"), CASES)
def test_scaling_leaves_a_constant_feature_finite(ours, _):
    x = np.full((3, 1), 0.1)  # the mean of three times 0.1 is not 0.1 in float64
    np.testing.assert_allclose(ours(x).apply(x), 0, atol=1e-15)


def test_scaling_rejects_another_number_of_features():
    with pytest.raises(ValueError, match="x must have 10 features in its last axis"):
        standard_scaling(X).apply(X[:, :3])
