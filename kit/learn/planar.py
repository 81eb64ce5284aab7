"""Points in the plane in two classes that no straight line separates: two moons, two rings, and a spiral.

All lie about the origin and reach about 3 to each side. `noise` is the standard deviation of what is added
to each coordinate. Every second point is of class 1.

Taught in: 04
"""

import numpy as np
from jaxtyping import Float, Int

from kit.arguments import count, instance, real

Points = tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, "n"]]


def moons(n: int, *, noise: float, rng: np.random.Generator) -> Points:
    """Draw two half-moons, each reaching into the hollow of the other.

    Raises:
        TypeError: if `n` is not a whole number, `noise` no number, or `rng` not a generator.
        ValueError: if `n` < 2 or `noise` < 0.

    >>> moons(4, noise=0.0, rng=np.random.default_rng(0))[1]
    array([0, 1, 0, 1])
    """
    y = _classes(n, rng)
    angle = np.pi * rng.uniform(size=len(y))
    x = 1.8 * np.column_stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25])  # the upper moon; the lower is it turned
    return _blurred(x * (1 - 2 * y)[:, None], noise, rng), y


def rings(n: int, *, noise: float, rng: np.random.Generator) -> Points:
    """Draw two rings, class 0 with a radius of 1 inside class 1 with a radius of 2.5.

    Raises:
        TypeError: if `n` is not a whole number, `noise` no number, or `rng` not a generator.
        ValueError: if `n` < 2 or `noise` < 0.

    >>> np.linalg.norm(rings(4, noise=0.0, rng=np.random.default_rng(0))[0], axis=1).round(6)
    array([1. , 2.5, 1. , 2.5])
    """
    y = _classes(n, rng)
    return _blurred(_polar(np.where(y, 2.5, 1.0), 2 * np.pi * rng.uniform(size=len(y))), noise, rng), y


def spiral(n: int, *, noise: float, rng: np.random.Generator) -> Points:
    """Draw two arms that wind around each other, one turn and a half from the middle out.

        angle = π radius, and half a turn more for class 1

    Raises:
        TypeError: if `n` is not a whole number, `noise` no number, or `rng` not a generator.
        ValueError: if `n` < 2 or `noise` < 0.

    >>> x, y = spiral(4, noise=0.0, rng=np.random.default_rng(0))
    >>> bool(np.linalg.norm(x, axis=1).max() <= 3)
    True
    """
    y = _classes(n, rng)
    radius = 3 * np.sqrt(rng.uniform(0.03, 1, size=len(y)))  # the middle, where the arms meet, stays empty
    return _blurred(_polar(radius, np.pi * (radius + y)), noise, rng), y


def _classes(n: int, rng: np.random.Generator) -> np.ndarray:
    n = count("n", n, at_least=2)
    instance("rng", rng, np.random.Generator)
    return np.arange(n) % 2


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _blurred(x: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return x + real("noise", noise, at_least=0) * rng.normal(size=x.shape)
