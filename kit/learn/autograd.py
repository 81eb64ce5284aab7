"""Reverse-mode autograd over arrays: every operation notes what it came from, and the chain rule walks back.

    w = Variable(np.zeros((784, 10)))
    loss = cross_entropy_loss(x @ w, y)
    loss.backward()
    w.data = w.data - lr * w.grad

A `Variable` has a gradient, a plain array is a constant and has none. Each operation notes its variables, and for
each of them a function: how the gradient of what was made becomes the gradient of that variable.

    backward      a node speaks when all that it went into has spoken; a loop finds the order, not a recursion
    two calls     leaves add up, as in torch; what lies between keeps nothing, so nothing there can double
    in place      refused: the numbers are needed on the way back, so they are read-only

Taught in: 11
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import integer_array, real, real_array

Pull = Callable[[np.ndarray], Any]
"""From the gradient of what was made to the gradient of one of the things that it was made from."""


class Variable:
    """An array with a gradient.

    Args:
        data: its numbers; they are copied, and cannot be changed in place.

    Raises:
        TypeError: if `data` is not made of real numbers.
        ValueError: if it is ragged, empty or not finite.

    Numerics: float64 where the data are; float32 stays float32.
    Source: Linnainmaa (1970), Taylor expansion of the accumulated rounding error; Griewank & Walther (2008),
    Evaluating Derivatives, chapter 3.
    Oracle: torch.autograd.

    >>> a = Variable([3.0])
    >>> (a * a + a).sum().backward()
    >>> a.grad
    array([7.])
    """

    __array_ufunc__ = None  # so that `array + variable` is left to `Variable.__radd__`
    grad: np.ndarray | None = None
    links: tuple[tuple["Variable", Pull], ...] = ()

    def __init__(self, data: Any):
        self._data = _read_only(real_array("data", data).copy())

    @property
    def data(self) -> np.ndarray:
        """Give the numbers, read-only; assign others to take a step."""
        return self._data

    @data.setter
    def data(self, new: Any) -> None:
        new = real_array("data", new)
        if new.shape != self.shape:
            raise ValueError(f"data must keep the shape {self.shape}, got {new.shape}")
        self._data = _read_only(new.copy())

    @property
    def shape(self) -> tuple[int, ...]:
        """Give the shape."""
        return self._data.shape

    def __repr__(self) -> str:
        return f"Variable({self._data})"

    def backward(self, gradient: Any = None) -> None:
        """Add to `grad` of every leaf the gradient of this variable with respect to it.

            ∂L/∂parent += pull(∂L/∂node)      for every node and each of its parents, once all of ∂L/∂node has come

        Args:
            gradient: that of the loss with respect to this variable; 1 where this is the loss itself.

        Raises:
            TypeError: if `gradient` is not made of real numbers.
            ValueError: if `gradient` has another shape, or is left out where this is not a single number.
        """
        if gradient is None and self._data.size != 1:
            raise ValueError(f"gradient must be given for what is not a single number, got shape {self.shape}")
        gradient = np.ones_like(self._data) if gradient is None else real_array("gradient", gradient)
        if gradient.shape != self.shape:
            raise ValueError(f"gradient must have the shape {self.shape}, got {gradient.shape}")

        found: list[Variable] = [self]
        missing = Counter[Variable]()  # how many messages each node still waits for
        for node in found:  # which grows while it is walked through
            for parent, _ in node.links:
                missing[parent] += 1
                if missing[parent] == 1:
                    found.append(parent)

        arrived: dict[Variable, np.ndarray] = {self: gradient}
        ready: list[Variable] = [self]
        while ready:
            node = ready.pop()
            total = arrived.pop(node)
            if not node.links:
                node.grad = total + (0 if node.grad is None else node.grad)
            for parent, pull in node.links:
                message = _summed_to(parent.shape, np.asarray(pull(total)))
                arrived[parent] = arrived[parent] + message if parent in arrived else message
                missing[parent] -= 1
                if not missing[parent]:
                    ready.append(parent)

    def __add__(self, other: Any) -> "Variable":
        return _made(self._data + _numbers(other), (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other: Any) -> "Variable":
        a, b = self._data, _numbers(other)
        return _made(a * b, (self, lambda g: g * b), (other, lambda g: g * a))

    def __pow__(self, exponent: float) -> "Variable":
        a, n = self._data, real("exponent", exponent)
        return _made(a**n, (self, lambda g: g * n * a ** (n - 1)))

    def __matmul__(self, other: Any) -> "Variable":
        a, b = self._data, _numbers(other)
        if min(a.ndim, b.ndim) < 2:
            raise ValueError(f"other must be a matrix, as what it is multiplied by, got {a.shape} and {b.shape}")
        return _made(a @ b, (self, lambda g: g @ b.swapaxes(-1, -2)), (other, lambda g: a.swapaxes(-1, -2) @ g))

    def __rmatmul__(self, other: Any) -> "Variable":
        a, b = _numbers(other), self._data
        if min(a.ndim, b.ndim) < 2:
            raise ValueError(f"other must be a matrix, as what it is multiplied by, got {a.shape} and {b.shape}")
        return _made(a @ b, (self, lambda g: a.swapaxes(-1, -2) @ g))

    def __getitem__(self, index: Any) -> "Variable":
        def pull(g: np.ndarray) -> np.ndarray:
            whole = np.zeros(self.shape, g.dtype)
            np.add.at(whole, index, g)  # an element that was taken twice gets both
            return whole

        return _made(self._data[index], (self, pull))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("a variable's numbers must not be changed in place: its gradient needs them; make a new one")

    def __neg__(self) -> "Variable":
        return self * -1

    def __sub__(self, other: Any) -> "Variable":
        return self + -(other if isinstance(other, Variable) else _numbers(other))

    def __rsub__(self, other: Any) -> "Variable":
        return self * -1 + other

    def __truediv__(self, other: Any) -> "Variable":
        return self * (other**-1 if isinstance(other, Variable) else 1 / _numbers(other))

    def __rtruediv__(self, other: Any) -> "Variable":
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> "Variable":
        """Raise e to each number."""
        h = np.exp(self._data)
        return _made(h, (self, lambda g: g * h))

    def log(self) -> "Variable":
        """Take the natural logarithm of each number."""
        a = self._data
        return _made(np.log(a), (self, lambda g: g / a))

    def tanh(self) -> "Variable":
        """Bend each number by the hyperbolic tangent."""
        h = np.tanh(self._data)
        return _made(h, (self, lambda g: g * (1 - h**2)))

    def relu(self) -> "Variable":
        """Keep what is positive."""
        a = self._data
        return _made(np.maximum(a, 0), (self, lambda g: g * (a > 0)))

    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> "Variable":
        """Add up all numbers, or those along an axis."""
        shape, kept = self.shape, self._data.sum(axis=axis, keepdims=True).shape
        total = self._data.sum(axis=axis, keepdims=keepdims)
        return _made(total, (self, lambda g: np.broadcast_to(g.reshape(kept), shape)))

    def mean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> "Variable":
        """Average all numbers, or those along an axis."""
        total = self.sum(axis, keepdims=keepdims)
        return total * (total._data.size / self._data.size)

    def reshape(self, *shape: int) -> "Variable":
        """Lay the same numbers out in another shape."""
        before = self.shape
        return _made(self._data.reshape(*shape), (self, lambda g: g.reshape(before)))

    @property
    def T(self) -> "Variable":  # noqa: N802  # as NumPy and torch spell it
        """Turn the axes round."""
        return _made(self._data.T, (self, lambda g: g.T))


def cross_entropy_loss(logits: Variable, y: Shaped[np.ndarray, "n"]) -> Variable:
    """Measure the mean surprisal at the right classes, by the operations above alone.

        mean(log Σ exp(z) - z[y]),    z = logits less the largest of their row

    Args:
        logits: a row of logits for each example.
        y: the class of each row, an integer.

    Raises:
        TypeError: if `logits` is no Variable, or `y` holds no integers.
        ValueError: if `logits` is no matrix, or `y` has not one of its classes for each of its rows.

    Numerics: what is taken off is a constant, and cancels; without it exp overflows from 710 on.
    Oracle: torch.nn.functional.cross_entropy.

    >>> float(cross_entropy_loss(Variable([[0.0, 0.0]]), np.array([0])).data.round(4))
    0.6931
    """
    if not isinstance(logits, Variable):
        raise TypeError(f"logits must be a Variable, got {type(logits).__name__}")
    y = integer_array("y", y)
    if logits._data.ndim != 2:
        raise ValueError(f"logits must be a matrix, a row for each example, got shape {logits.shape}")
    n, n_classes = logits.shape
    if y.shape != (n,) or y.min() < 0 or y.max() >= n_classes:
        raise ValueError(f"y must be {n} classes from 0 to {n_classes - 1}, got shape {y.shape}, up to {y.max()}")
    z = logits - logits.data.max(axis=1, keepdims=True)
    return (z.exp().sum(axis=1).log() - z[np.arange(n), y]).mean()


def _made(data: Any, *links: tuple[Any, Pull]) -> Variable:
    """Make what an operation gives; it keeps the links to variables, for constants need no gradient."""
    node = Variable.__new__(Variable)
    node._data = _read_only(np.asarray(data))
    node.links = tuple((parent, pull) for parent, pull in links if isinstance(parent, Variable))
    return node


def _summed_to(shape: tuple[int, ...], gradient: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Undo broadcasting: what was used many times gets the sum of what its copies get."""
    if gradient.shape == shape:
        return gradient
    gradient = np.asarray(gradient.sum(axis=tuple(range(gradient.ndim - len(shape)))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and gradient.shape[i] > 1)
    return np.asarray(gradient.sum(axis=stretched, keepdims=True))


def _numbers(value: Any) -> Any:
    if isinstance(value, Variable):
        return value._data
    return real("other", value) if isinstance(value, int | float) else real_array("other", value)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
