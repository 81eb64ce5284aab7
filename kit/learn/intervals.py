"""Intervals: what the repetitions of a measurement say about its true value.

Taught in: 06 17 21 22
"""

import math

import numpy as np
from jaxtyping import Float, Shaped
from scipy import stats

from kit.arguments import real_array

LEVEL = 0.95


def mean_interval(
    numbers: Shaped[np.ndarray, "n *others"],
) -> tuple[Float[np.ndarray, "*others"] | float, Float[np.ndarray, "*others"] | float]:
    """Bound the mean of which the repetitions along the first axis are a sample; in 95% of such samples it is inside.

        mean ± t · s / √n,   t the 97.5% point of Student's distribution with n - 1 degrees of freedom

    Returns:
        The lower and the upper end, for each of the other axes.

    Raises:
        TypeError, ValueError: if they are not finite real numbers, or fewer than two repetitions.

    Source: Student (1908), Biometrika 6, 1-25.
    Oracle: scipy.stats.t.interval.

    >>> low, high = mean_interval(np.array([1.0, 1.0, 1.0]))
    >>> float(low), float(high)
    (1.0, 1.0)
    """
    array = real_array("numbers", numbers)
    if array.ndim == 0 or len(array) < 2:
        raise ValueError(f"numbers must be two or more repetitions along their first axis, got shape {array.shape}")
    n, mean = len(array), array.mean(axis=0)
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * array.std(axis=0, ddof=1) / math.sqrt(n)
    return mean - half, mean + half
