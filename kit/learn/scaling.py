"""Feature scaling: bring features of different units to one range, and back.

A scaling is learned from the training rows alone, then applied to all rows.

Taught in: 01 03
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import real_array


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """An affine map of each feature, (x - offset) / scale, that can be undone."""

    offset: Float[np.ndarray, "features"]
    scale: Float[np.ndarray, "features"]

    def apply(self, x: Shaped[np.ndarray, "*rows features"]) -> Float[np.ndarray, "*rows features"]:
        """Scale rows of features.

        Raises:
            TypeError: if `x` holds no numbers.
            ValueError: if `x` is not finite, or has another number of features.
        """
        return (self._features("x", x) - self.offset) / self.scale

    def undo(self, z: Shaped[np.ndarray, "*rows features"]) -> Float[np.ndarray, "*rows features"]:
        """Turn scaled rows back into rows of the original units.

        Raises:
            TypeError: if `z` holds no numbers.
            ValueError: if `z` is not finite, or has another number of features.
        """
        return self._features("z", z) * self.scale + self.offset

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

    Oracle: sklearn.preprocessing.StandardScaler.

    >>> standard_scaling(np.array([[1.0], [3.0]])).apply(np.array([[1.0], [3.0]]))
    array([[-1.],
           [ 1.]])
    """
    x = real_array("x", x, ndim=2)
    return _scaling(x, x.mean(axis=0), x.std(axis=0))


def range_scaling(x: Shaped[np.ndarray, "n features"]) -> Scaling:
    """Learn the scaling that brings each feature's smallest value to 0 and its largest to 1.

        z = (x - min) / (max - min)

    A constant feature is moved to 0 and left at its scale.

    Raises:
        TypeError: if `x` holds no numbers.
        ValueError: if `x` is not a finite matrix.

    Oracle: sklearn.preprocessing.MinMaxScaler.

    >>> range_scaling(np.array([[1.0], [3.0]])).apply(np.array([[2.0]]))
    array([[0.5]])
    """
    x = real_array("x", x, ndim=2)
    return _scaling(x, x.min(axis=0), x.max(axis=0) - x.min(axis=0))


def _scaling(x: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> Scaling:
    # both tests: the std of equal values may round above 0, that of tiny differences underflow to it
    constant = (x.min(axis=0) == x.max(axis=0)) | (scale == 0)
    return Scaling(offset=offset, scale=np.where(constant, 1.0, scale))
