"""Feature scaling: bring features of different units to one range, and back.

A scaling is learned from the training rows alone, then applied to all rows.

Taught in: 01 05
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import real_array

_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """An affine map of each feature, (x - offset) / scale, that can be undone; rows keep their dtype."""

    offset: Float[np.ndarray, "features"]
    scale: Float[np.ndarray, "features"]

    def transform(self, x: Shaped[np.ndarray, "*rows features"]) -> Float[np.ndarray, "*rows features"]:
        """Scale rows of features.

        Raises:
            TypeError: if `x` holds no numbers.
            ValueError: if `x` is not finite, or has another number of features.
        """
        x = self._features("x", x)
        return ((x - self.offset) / self.scale).astype(x.dtype, copy=False)

    def inverse_transform(self, z: Shaped[np.ndarray, "*rows features"]) -> Float[np.ndarray, "*rows features"]:
        """Turn scaled rows back into rows of the original units.

        Raises:
            TypeError: if `z` holds no numbers.
            ValueError: if `z` is not finite, or has another number of features.
        """
        z = self._features("z", z)
        return (z * self.scale + self.offset).astype(z.dtype, copy=False)

    def _features(self, name: str, rows: np.ndarray) -> np.ndarray:
        rows = real_array(name, rows)
        if rows.shape[-1:] != self.scale.shape:
            raise ValueError(f"{name} must have {len(self.scale)} features in its last axis, got shape {rows.shape}")
        return rows


def standard_scaling(x: Shaped[np.ndarray, "n features"]) -> Scaling:
    """Learn the scaling that gives each feature mean 0 and standard deviation 1.

        z = (x - mean) / √(mean((x - mean)²))

    A constant feature is centred and left at its scale.

    Raises:
        TypeError: if `x` holds no numbers.
        ValueError: if `x` is not a finite matrix.

    Numerics: summed in float64. NumPy adds up the rows of a matrix one after the other: in float32
    the mean of a million years is off by 17. A feature whose variance is no larger than the rounding
    of n such sums, n ε var + (n ε mean)², counts as constant: scaled, it would be rounding blown up.
    Source: Chan, Golub & LeVeque (1983), The American Statistician 37, 242-247 (the bound).
    Oracle: sklearn.preprocessing.StandardScaler.

    >>> standard_scaling(np.array([[1.0], [3.0]])).transform(np.array([[1.0], [3.0]]))
    array([[-1.],
           [ 1.]])
    """
    x = real_array("x", x, ndim=2)
    mean, variance = x.mean(axis=0, dtype=np.float64), x.var(axis=0, dtype=np.float64)
    rounding = len(x) * _EPS * variance + (len(x) * _EPS * mean) ** 2
    return Scaling(offset=mean, scale=np.where(variance <= rounding, 1.0, np.sqrt(variance)))


def min_max_scaling(x: Shaped[np.ndarray, "n features"]) -> Scaling:
    """Learn the scaling that brings each feature's smallest value to 0 and its largest to 1.

        z = (x - min) / (max - min)

    A constant feature is moved to 0 and left at its scale.

    Raises:
        TypeError: if `x` holds no numbers.
        ValueError: if `x` is not a finite matrix.

    Numerics: a feature whose range is no larger than 10 ε of its largest value counts as constant.
    Oracle: sklearn.preprocessing.MinMaxScaler, which has 10 ε for the bound, whatever the values' size.

    >>> min_max_scaling(np.array([[1.0], [3.0]])).transform(np.array([[2.0]]))
    array([[0.5]])
    """
    x = real_array("x", x, ndim=2)
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    rounding = 10 * _EPS * np.maximum(np.abs(low), np.abs(high))
    return Scaling(offset=low, scale=np.where(high - low <= rounding, 1.0, high - low))
