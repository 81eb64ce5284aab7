"""Mean-field theory of a deep network's first weights: what becomes of a signal, of two signals, and of a gradient.

In a wide layer with random weights each sum is a sum of very many terms, and so it is normal. Its variance q says all:

    length map         q ← σ_w² E[φ(√q z)²] + σ_b²                     z ~ N(0, 1)
    gradient           χ = σ_w² E[φ'(√q z)²]                           what a layer multiplies its square by
    correlation map    c ← (σ_w² E[φ(u₁) φ(u₂)] + σ_b²) / q            u₁, u₂ normal, variance q, correlation c

The weights are N(0, σ_w²/n_in), the biases N(0, σ_b²). Where χ < 1 every two inputs become alike and gradients
vanish; where χ > 1 the nearest inputs become strangers and gradients explode. In between signals go through.

Taught in: 11
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kit.arguments import count, one_of, real
from kit.learn.mlp import ACTIVATIONS

# An even sum over -8 to 8 is as good as exact for smooth functions, and ReLU's corner lies between two nodes.
_NODES = (np.arange(80) - 39.5) / 5
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
_LAYERS = 10_000  # after which a map has settled, or is on its way to 0


@dataclass(frozen=True, kw_only=True)
class MeanField:
    """The maps of one activation and one pair of variances.

    Args:
        weight_variance: σ_w², the variance of a weight times the number of inputs of its layer.
        bias_variance: σ_b².

    Raises:
        TypeError: if a variance is not a number.
        ValueError: if a variance is negative, or `activation` is none of "tanh", "ReLU" and "sigmoid".

    Source: Poole et al. (2016), arXiv:1606.05340, eqs. 3-7; Schoenholz et al. (2017), arXiv:1611.01232, eqs. 5-9, 16.

    >>> round(MeanField(activation="ReLU", weight_variance=2.0).slope(1.0), 6)
    1.0
    """

    activation: str = "tanh"
    weight_variance: float
    bias_variance: float = 0.0

    def __post_init__(self):
        one_of("activation", self.activation, tuple(ACTIVATIONS))
        real("weight_variance", self.weight_variance, at_least=0)
        real("bias_variance", self.bias_variance, at_least=0)

    def length_map(self, q: float) -> float:
        """Give the variance of a layer's sums from that of the layer below.

        Raises:
            TypeError, ValueError: if `q` is not a number of at least 0.
        """
        h = self._bent(math.sqrt(real("q", q, at_least=0)) * _NODES)
        return float(self.weight_variance * (_WEIGHTS @ h**2) + self.bias_variance)

    def slope(self, q: float) -> float:
        """Give χ: what a layer whose sums have variance q multiplies the mean square of a gradient by.

        Raises:
            TypeError, ValueError: if `q` is not a number of at least 0.
        """
        h = self._bent(math.sqrt(real("q", q, at_least=0)) * _NODES)
        return float(self.weight_variance * (_WEIGHTS @ self._slope_of(h) ** 2))

    def lengths(self, n_layers: int, *, of_inputs: float = 1.0) -> Float[np.ndarray, "layers"]:
        """Give the variance of the sums of each layer, from the first.

        Args:
            of_inputs: the mean square of the network's inputs.

        Raises:
            TypeError, ValueError: if `n_layers` is not a whole number above 0, or `of_inputs` no number of at least 0.
        """
        q = self.weight_variance * real("of_inputs", of_inputs, at_least=0) + self.bias_variance
        found = [q]
        for _ in range(count("n_layers", n_layers) - 1):
            found.append(self.length_map(found[-1]))
        return np.array(found)

    def gradients(self, n_layers: int, *, of_inputs: float = 1.0) -> Float[np.ndarray, "layers"]:
        """Predict how large the gradient is at each layer's sums, by that at the last one.

            |δ_l| / |δ_L| = √(χ_l χ_{l+1} ... χ_{L-1})

        Raises:
            TypeError, ValueError: as `lengths` does.

        >>> MeanField(activation="ReLU", weight_variance=0.5).gradients(3)
        array([0.25, 0.5 , 1.  ])
        """
        h = self._bent(np.sqrt(self.lengths(n_layers, of_inputs=of_inputs))[:-1, None] * _NODES)
        slopes = self.weight_variance * (self._slope_of(h) ** 2 @ _WEIGHTS)
        return np.sqrt(np.append(np.cumprod(slopes[::-1])[::-1], 1.0))

    @property
    def settled_length(self) -> float:
        """Give the variance that the sums of a deep network come to, whatever comes in."""
        q = 1.0
        for _ in range(_LAYERS):
            q, before = self.length_map(q), q
            if abs(q - before) <= 1e-12 * before:
                break
        return q

    def correlation_map(self, c: float, *, q: float) -> float:
        """Give the correlation of two inputs after a layer, where both have settled at the length q.

        Raises:
            TypeError, ValueError: if `c` is not from -1 to 1, or `q` no number above 0.
        """
        u, v, weights = self._pairs(c, q)
        return float((self.weight_variance * (weights * self._bent(u) * self._bent(v)).sum() + self.bias_variance) / q)

    @property
    def correlation_length(self) -> float:
        """Give ξ, the layers after which the correlation of two inputs is e times nearer to where it ends.

            ξ = -1 / log(σ_w² E[φ'(u₁) φ'(u₂)])      at the correlation where the map settles

        Infinite at the border between the two phases, where signals go through at any depth.

        Source: Schoenholz et al. (2017), eq. 9.

        >>> round(MeanField(weight_variance=0.5).correlation_length, 3)  # all sums near 0, where tanh has slope 1
        1.443
        """
        q = self.settled_length
        slope = self.slope(q)
        if slope > 1:  # chaos: 1 is no resting place for a correlation, and there is another below it
            c = 0.5
            for _ in range(_LAYERS):
                c, before = self.correlation_map(c, q=q), c
                if abs(c - before) < 1e-12:
                    break
            u, v, weights = self._pairs(c, q)
            slope = self.weight_variance * float(
                (weights * self._slope_of(self._bent(u)) * self._slope_of(self._bent(v))).sum()
            )
        return -1 / math.log(slope) if 0 < slope < 1 else math.inf if slope else 0.0

    def _bent(self, a: np.ndarray) -> np.ndarray:
        return ACTIVATIONS[self.activation].bend(a)

    def _slope_of(self, h: np.ndarray) -> np.ndarray:
        return ACTIVATIONS[self.activation].slope(h).astype(float)

    def _pairs(self, c: float, q: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lay a grid over two normal variables of variance q and correlation c; give it with its weights."""
        c, width = real("c", c, at_least=-1, at_most=1), math.sqrt(real("q", q, above=0))
        u = width * _NODES[:, None]
        v = width * (c * _NODES[:, None] + math.sqrt(1 - c**2) * _NODES)
        return np.broadcast_to(u, v.shape), v, np.outer(_WEIGHTS, _WEIGHTS)
