"""Measure how far kit's autograd is from torch's, in float64: values, and the gradient of every leaf.

    python -m tests.learn.autograd_agreement

prints one row for each case, and the largest difference of all. The cases are also what test_autograd.py runs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from kit.learn.autograd import Variable, cross_entropy_loss

BAR = 1e-10
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    return 0.1 + RNG.random(shape)


@dataclass(frozen=True)
class Case:
    """One expression that both can read, and its leaves; what torch spells in its own way stands beside."""

    ours: Callable[..., Any]
    leaves: tuple[np.ndarray, ...]
    theirs: Callable[..., Any] | None = None


def both(function: Callable[..., Any], *leaves: np.ndarray) -> Case:
    return Case(function, leaves)


def diamond(x: Any) -> Any:
    """Use x twice, and what came of it twice again."""
    left, right = x * 3, x * x
    middle = left + right
    return middle * left + middle.tanh()


def ladder(x: Any) -> Any:
    """Set forty diamonds on one another: 2⁴⁰ ways lead back."""
    for _ in range(40):
        x = x * 0.4 + x * 0.6
    return x


def unequal_ways(x: Any) -> Any:
    """Reach x by a short way and by a long one: whoever hurries sends half of the gradient on."""
    a = x * 2
    b = a.tanh()
    c = b * a + b
    return c * a + x


def network(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return ((x @ w1 + b1).tanh() @ w2 + b2).relu()


IMAGES, CLASSES, ROWS = normal(7, 5), RNG.integers(4, size=7), np.array([0, 2, 2, 1])
LARGE = np.array([[1e4, 0.0, -1e4, 3.0]] * 7)
A, B, C = normal(3, 4), normal(3, 4), normal(4)
CASES: dict[str, Case] = {
    "a + b": both(lambda a, b: a + b, A, B),
    "a - b": both(lambda a, b: a - b, A, B),
    "2 - a": both(lambda a: 2 - a, A),
    "a * b": both(lambda a, b: a * b, A, B),
    "a / b": both(lambda a, b: a / b, A, positive(3, 4)),
    "1 / a": both(lambda a: 1 / a, positive(3, 4)),
    "-a": both(lambda a: -a, A),
    "a ** 3": both(lambda a: a**3, A),
    "a ** 0.5": both(lambda a: a**0.5, positive(3, 4)),
    "a ** -2": both(lambda a: a**-2, positive(3, 4)),
    "a @ b": both(lambda a, b: a @ b, A, normal(4, 2)),
    "a @ b, stacked": both(lambda a, b: a @ b, normal(2, 3, 4), normal(2, 4, 5)),
    "a @ b, one for all": both(lambda a, b: a @ b, normal(2, 3, 4), normal(4, 5)),
    "exp": both(lambda a: a.exp(), A),
    "log": both(lambda a: a.log(), positive(3, 4)),
    "tanh": both(lambda a: a.tanh(), A),
    "relu, 0 among them": both(lambda a: a.relu(), np.round(A)),
    "sum": both(lambda a: a.sum(), A),
    "sum of an axis": both(lambda a: a.sum(axis=0), A),
    "sum of two axes, kept": both(lambda a: a.sum(axis=(0, 2), keepdims=True) * a, normal(2, 3, 4)),
    "mean": both(lambda a: a.mean(), A),
    "mean of an axis, kept": both(lambda a: a - a.mean(axis=1, keepdims=True), A),
    "reshape": both(lambda a: a.reshape(2, 6) @ a.reshape(6, 2), A),
    "T": both(lambda a: a.T @ a, A),
    "index, a row twice": both(lambda a: a[ROWS] ** 2, A),
    "slice": both(lambda a: a[:, 1:3] * a[:, 2:], A),
    "broadcast: a row": both(lambda a, c: a * c + c, A, C),
    "broadcast: a column": both(lambda a, c: a * c, A, normal(3, 1)),
    "broadcast: both stretched": both(lambda a, c: a + a * c, normal(3, 1), normal(1, 4)),
    "broadcast: a number": both(lambda a, c: a * c, A, np.array(1.5)),
    "broadcast: axes in front": both(lambda a, c: a / c, normal(2, 3, 4), positive(3, 1)),
    "diamond": both(diamond, A),
    "ladder of 40 diamonds": both(ladder, A),
    "a short way and a long one": both(unequal_ways, A),
    "chain of 10,000": both(lambda a: chain(a, 10_000), A),
    "a network": both(network, IMAGES, normal(5, 6), normal(6), normal(6, 4), normal(4)),
    "cross_entropy_loss": Case(
        lambda z: cross_entropy_loss(z, CLASSES), (normal(7, 4),), lambda z: F.cross_entropy(z, torch.tensor(CLASSES))
    ),
    "cross_entropy_loss, logits of 10,000": Case(
        lambda z: cross_entropy_loss(z, CLASSES), (LARGE,), lambda z: F.cross_entropy(z, torch.tensor(CLASSES))
    ),
}


def chain(x: Any, n: int) -> Any:
    for _ in range(n):
        x = x * 1.0001
    return x


def gradients(case: Case, direction: np.ndarray, *, calls: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Give kit's value and gradients, where the gradient of the value is `direction`."""
    leaves = [Variable(leaf) for leaf in case.leaves]
    value = case.ours(*leaves)
    for _ in range(calls):
        value.backward(np.broadcast_to(direction, value.shape))
    return value.data, [np.asarray(leaf.grad) for leaf in leaves]


def torchs(case: Case, direction: np.ndarray, *, calls: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Give torch's."""
    leaves = [torch.tensor(leaf, requires_grad=True) for leaf in case.leaves]
    value = (case.theirs or case.ours)(*leaves)
    for _ in range(calls):
        value.backward(torch.tensor(np.broadcast_to(direction, value.shape).copy()), retain_graph=True)
    return value.detach().numpy(), [leaf.grad.numpy() for leaf in leaves if leaf.grad is not None]


def differences(case: Case, *, calls: int = 1) -> tuple[float, float]:
    """Find the largest difference of the values, and of the gradients."""
    direction = np.random.default_rng(1).normal(size=gradients_shape(case))
    (value, ours), (their_value, theirs) = (each(case, direction, calls=calls) for each in (gradients, torchs))
    assert value.shape == their_value.shape
    apart = [np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)]
    return float(np.abs(value - their_value).max()), float(max(apart))


def gradients_shape(case: Case) -> tuple[int, ...]:
    return case.ours(*(Variable(leaf) for leaf in case.leaves)).shape


def table(rows: dict[str, tuple[float, float]]) -> str:
    lines = [f"{'kit against torch, float64':40}{'value':>12}{'gradient':>12}"]
    lines += [f"{name:40}{value:12.1e}{gradient:12.1e}" for name, (value, gradient) in rows.items()]
    worst = float(np.max([*rows.values()]))
    verdict = "within" if worst <= BAR else "BEYOND"
    return "\n".join([*lines, f"{f'largest of {len(rows)} cases, {verdict} the bar of {BAR:.0e}':52}{worst:12.1e}"])


if __name__ == "__main__":
    print(table({name: differences(case) for name, case in CASES.items()}))
