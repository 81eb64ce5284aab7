"""A network of one hidden layer or more, written out by hand: its logits, its loss, and the gradient of every weight.

Each layer weighs the numbers that come into it and adds a bias; a hidden layer then bends the sums.
All weights and biases stand in one row of numbers, so that every optimiser takes the network as one point.

    network = MLP(n_inputs=2, n_hidden=8, n_outputs=3)
    path = descend(network.objective(x, y), network.init(rng), lr=1.0, n_steps=1000)
    classes = network.forward(path.points[-1], x)[-1].argmax(axis=1)

`kit.learn.network` is a network in one matrix, without biases, for what 07 does to its weights.

Taught in: 04
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import all_finite, count, instance, integer_array, one_of, real_array
from kit.learn.class_losses import cross_entropy
from kit.learn.descent import BatchObjective

Layers = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Activation:
    """How a hidden unit bends its sum a into h = φ(a).

    Args:
        slope: φ'(a), from h alone: the way back needs no second look at a.
        gain: the variance that the weights start with, for each input.
    """

    bend: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    gain: float = 1.0


ACTIVATIONS = {
    "tanh": Activation(bend=np.tanh, slope=lambda h: 1 - h**2),
    "ReLU": Activation(bend=lambda a: np.maximum(a, 0), slope=lambda h: h > 0, gain=2.0),
    # 1 / (1 + e⁻ᵃ), by a formula that does not overflow
    "sigmoid": Activation(bend=lambda a: (1 + np.tanh(a / 2)) / 2, slope=lambda h: h * (1 - h)),
}


@dataclass(frozen=True, kw_only=True)
class MLP:
    """The shape of a multilayer perceptron: how many numbers go in, how many hidden units, how many logits come out.

        h = φ(x W + b)         each hidden layer, from the one below it
        z = h W + b            the logits

    Args:
        n_hidden: hidden units of each hidden layer.
        n_layers: hidden layers.
        activation: φ, one of "tanh", "ReLU" and "sigmoid".

    Raises:
        TypeError: if a count is not a whole number, or `activation` is no text.
        ValueError: if a count is below 1, or `activation` is unknown.

    Source: Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.
    Oracle: torch.nn.Linear, and torch.autograd.

    >>> MLP(n_inputs=2, n_hidden=3, n_outputs=3).n_parameters
    21
    """

    n_inputs: int
    n_hidden: int
    n_outputs: int
    n_layers: int = 1
    activation: str = "tanh"

    def __post_init__(self):
        for name in ("n_inputs", "n_hidden", "n_outputs", "n_layers"):
            count(name, getattr(self, name))
        one_of("activation", self.activation, tuple(ACTIVATIONS))

    @property
    def sizes(self) -> tuple[int, ...]:
        """List how many numbers stand before, between and after the layers."""
        return (self.n_inputs, *[self.n_hidden] * self.n_layers, self.n_outputs)

    @property
    def n_parameters(self) -> int:
        """Count weights and biases: for each layer, one weight more for each unit than numbers come in."""
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))

    def init(self, rng: np.random.Generator) -> Float[np.ndarray, "parameters"]:
        """Draw the weights that training starts from; the biases start at 0.

            W ~ N(0, gain / n_in)      gain 2 for ReLU, which silences half of what comes in; 1 else

        Raises:
            TypeError: if `rng` is not a generator.

        Source: LeCun et al. (1998), Efficient BackProp, section 4.6; He et al. (2015), arXiv:1502.01852.
        """
        instance("rng", rng, np.random.Generator)
        gain = ACTIVATIONS[self.activation].gain
        point = np.zeros(self.n_parameters)
        for weights, _ in self._split(point):
            weights[:] = rng.normal(size=weights.shape) * math.sqrt(gain / len(weights))
        return point

    def layers(self, point: Shaped[np.ndarray, "parameters"]) -> Layers:
        """Cut a point into weights and bias of each layer; they share its memory.

        Raises:
            TypeError: if `point` holds no numbers.
            ValueError: if it is not one finite number for each parameter.

        >>> MLP(n_inputs=1, n_hidden=1, n_outputs=1).layers(np.arange(4.0))
        [(array([[0.]]), array([1.])), (array([[2.]]), array([3.]))]
        """
        point = real_array("point", point, ndim=1)
        if len(point) != self.n_parameters:
            raise ValueError(f"point must have {self.n_parameters} numbers, one a parameter, got {len(point)}")
        return self._split(point)

    def forward(
        self, point: Shaped[np.ndarray, "parameters"], x: Shaped[np.ndarray, "n inputs"]
    ) -> list[Float[np.ndarray, "n _"]]:
        """List what every layer gives for each row of x: the hidden units, layer by layer, and last the logits.

        Raises:
            TypeError: if `point` or `x` holds no numbers.
            ValueError: if `point` is not one finite number for each parameter, or `x` not a finite matrix
                with a column for each input.
        """
        layers = self.layers(point)
        return _forward(layers, self._inputs(x), ACTIVATIONS[self.activation].bend)

    def objective(self, x: Shaped[np.ndarray, "n inputs"], y: Shaped[np.ndarray, "n"]) -> BatchObjective:
        """Make the objective of the network: a point in, cross-entropy and its gradient out.

            δ = softmax(z) - onehot(y), over n      at the logits
            ∂L/∂W = hᵀ δ,  ∂L/∂b = Σ δ              of a layer that h goes into
            δ ← (δ Wᵀ) φ'                           at the layer below

        `objective(point)` looks at all examples, `objective(point, rows)` at those rows alone.

        Args:
            y: the class of each row, an integer.

        Raises:
            TypeError: if `x` holds no numbers, or `y` no integers.
            ValueError: if `x` is not a finite matrix with a column for each input, or `y` has not one
                class from 0 to `n_outputs` - 1 for each of its rows.

        Oracle: torch.autograd.
        """
        x, y = self._inputs(x), integer_array("y", y)
        if y.shape != x.shape[:1]:
            raise ValueError(f"y must have one class for each of the {len(x)} rows of x, got shape {y.shape}")
        if y.max() >= self.n_outputs or y.min() < 0:
            raise ValueError(f"y must be from 0 to {self.n_outputs - 1}, got {y.min()} to {y.max()}")
        bend, slope_of = ACTIVATIONS[self.activation].bend, ACTIVATIONS[self.activation].slope

        def objective(point: np.ndarray, rows: np.ndarray | slice = slice(None)) -> tuple[float, np.ndarray]:
            layers = self._split(point)
            inputs = [x[rows], *_forward(layers, x[rows], bend)]  # of each layer
            logits = inputs.pop()
            if not all_finite(logits):
                return math.inf, np.full_like(point, math.inf)  # beyond float64's range
            loss, delta = cross_entropy(logits, y[rows])
            gradient = []
            for (weights, _), h in zip(layers[::-1], inputs[::-1], strict=True):  # from the last layer down
                gradient[:0] = [(h.T @ delta).ravel(), delta.sum(axis=0)]
                delta = delta @ weights.T * slope_of(h)
            return loss, np.concatenate(gradient)

        return objective

    def _split(self, point: np.ndarray) -> Layers:
        layers, at = [], 0
        for n_in, n_out in pairwise(self.sizes):
            bias_at = at + n_in * n_out
            layers.append((point[at:bias_at].reshape(n_in, n_out), point[bias_at : bias_at + n_out]))
            at = bias_at + n_out
        return layers

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        x = real_array("x", x, ndim=2)
        if x.shape[1] != self.n_inputs:
            raise ValueError(f"x must have {self.n_inputs} columns, one for each input, got {x.shape[1]}")
        return x


def _forward(layers: Layers, h: np.ndarray, bend: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
    outputs = []
    for weights, bias in layers[:-1]:
        h = bend(h @ weights + bias)
        outputs.append(h)
    weights, bias = layers[-1]
    return [*outputs, h @ weights + bias]
