"""Three exercises of notebook 11 on gradients: back through a graph, two calls, and a ledger.

Taught in: 11
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from kit.check.exercise import Exercise, Mistake

Graph = list[list[tuple[int, float]]]

# Back through a graph --------------------------------------------------------------------------------

_DIAMOND: Graph = [[], [(0, 3.0)], [(0, 2.0)], [(1, 5.0), (2, -1.0)]]
# node 2 is made of node 0 twice, and is reached by a short way and a long one; node 5 leads nowhere
_WAYS: Graph = [
    [],
    [],
    [(0, 2.0), (0, 2.0)],
    [(2, 0.5), (1, 3.0)],
    [(3, -1.0), (2, 4.0)],
    [(1, 7.0)],
    [(4, 2.0), (3, 1.5), (0, 1.0)],
]
_CHAIN: Graph = [[], *([(i, 1.001)] for i in range(3000))]


def _backward(
    inputs: Graph,
    *,
    start: float = 1.0,
    add: bool = True,
    through: bool = True,
    forwards: bool = False,
    times: Callable[[float, float], float] = lambda gradient, slope: gradient * slope,
) -> np.ndarray:
    gradient = np.zeros(len(inputs))
    gradient[-1] = start
    order = range(len(inputs))
    for i in order if forwards else reversed(order):
        for j, slope in inputs[i]:
            message = times(gradient[i] if through else 1.0, slope)
            gradient[j] = gradient[j] * add + message
    return gradient


def _too_early(inputs: Graph, *, last: bool) -> np.ndarray:
    """Let each node pass on all it has, every time that something reaches it."""
    gradient = np.zeros(len(inputs))
    gradient[-1], ready = 1.0, [len(inputs) - 1]
    while ready:
        i = ready.pop(-1 if last else 0)
        for j, slope in inputs[i]:
            gradient[j] += gradient[i] * slope
            ready.append(j)
    return gradient


def _from_the_first(inputs: Graph) -> np.ndarray:
    """Take the derivative of every node in the first one: the chain rule, the other way round."""
    slopes = np.zeros(len(inputs))
    slopes[0] = 1.0
    for i, pairs in enumerate(inputs):
        for j, slope in pairs:
            slopes[i] += slopes[j] * slope
    return slopes


def _leaves_alone(inputs: Graph) -> np.ndarray:
    return _backward(inputs) * np.array([not pairs for pairs in inputs])


backward = Exercise(
    notebook="11",
    name="back through a graph",
    solution=_backward,
    cases=((_DIAMOND,), (_WAYS,), (_CHAIN,)),
    mistakes=(
        Mistake(
            hint="A node that is used twice keeps the last message alone. It gets the sum of them: add.",
            answer=partial(_backward, add=False),
        ),
        Mistake(
            hint="A node passes on before all messages have come, and then passes the same again. Go from the last "
            "node to the first: each then has all it will get.",
            answer=partial(_too_early, last=True),
        ),
        Mistake(
            hint="A node passes on before all messages have come, and then passes the same again. Go from the last "
            "node to the first: each then has all it will get.",
            answer=partial(_too_early, last=False),
        ),
        Mistake(
            hint="You go from the first node to the last, and what is passed on has not come yet. Go backwards.",
            answer=partial(_backward, forwards=True),
        ),
        Mistake(
            hint="The message is the slope times the node's own gradient; you sent the slope alone.",
            answer=partial(_backward, through=False),
        ),
        Mistake(
            hint="The message is the node's gradient times the slope; you added the two.",
            answer=partial(_backward, times=lambda gradient, slope: gradient + slope),
        ),
        Mistake(
            hint="All is 0: nothing was there to pass on. The gradient of the last node in itself is 1.",
            answer=partial(_backward, start=0.0),
        ),
        Mistake(
            hint="Those are the slopes of every node in the first one. Asked is the last node's slope in every one.",
            answer=_from_the_first,
        ),
        Mistake(
            hint="You kept the leaves alone. Return a number for every node, those in between too.",
            answer=_leaves_alone,
        ),
    ),
)

# Two calls -------------------------------------------------------------------------------------------


def _again(inputs: Graph, kept: np.ndarray, *, leaves: float = 1.0, others: float = 0.0) -> np.ndarray:
    is_leaf = np.array([not pairs for pairs in inputs])
    return _backward(inputs) + kept * np.where(is_leaf, leaves, others)


def _doubled(inputs: Graph, kept: np.ndarray) -> np.ndarray:
    """Start from what an earlier call left in every node, and pass that on as well."""
    gradient = kept.copy()
    gradient[-1] += 1
    for i in reversed(range(len(inputs))):
        for j, slope in inputs[i]:
            gradient[j] += gradient[i] * slope
    return gradient


def _doubled_but_for_the_last(inputs: Graph, kept: np.ndarray) -> np.ndarray:
    """Set the last node to 1, as micrograd does, and leave what the others have."""
    gradient = kept.copy()
    gradient[-1] = 1
    for i in reversed(range(len(inputs))):
        for j, slope in inputs[i]:
            gradient[j] += gradient[i] * slope
    return gradient


_KEPT = np.array([13.0, 5.0, -1.0, 1.0])

twice = Exercise(
    notebook="11",
    name="two calls",
    solution=_again,
    cases=(
        (_DIAMOND, _KEPT),
        (_WAYS, np.array([0.5, -2.0, 4.0, 1.0, 3.0, 2.0, 1.0])),
        ([[], [(0, 2.0)], []], np.array([1.0, 2.0, 3.0])),  # the last node is a leaf
    ),
    mistakes=(
        Mistake(
            hint="What an earlier call left in a node between leaf and loss is passed on a second time. All but leaves "
            "begin anew at 0.",
            answer=_doubled,
        ),
        Mistake(
            hint="What an earlier call left in a node between leaf and loss is passed on a second time. All but leaves "
            "begin anew at 0.",
            answer=_doubled_but_for_the_last,
        ),
        Mistake(
            hint="Leaves forget the earlier call there. They add up: the new gradient and what is there.",
            answer=partial(_again, leaves=0.0),
        ),
        Mistake(
            hint="You add up in every node. Only leaves do, the nodes that are made of nothing.",
            answer=partial(_again, others=1.0),
        ),
        Mistake(
            hint="Leaves and the others are swapped: leaves add up, and the others begin anew.",
            answer=partial(_again, leaves=0.0, others=1.0),
        ),
        Mistake(
            hint="Those are the numbers of the earlier call. Add this call's gradients in the leaves.",
            answer=lambda inputs, kept: kept,
        ),
    ),
)

# The ledger ------------------------------------------------------------------------------------------

Arrays = list[np.ndarray]


def _ledger(ours: Arrays, theirs: Arrays) -> np.ndarray:
    return np.array([np.abs(a - b).max() / np.abs(b).max() for a, b in zip(ours, theirs, strict=True)])


def _by(row: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[Arrays, Arrays], np.ndarray]:
    return lambda ours, theirs: np.array([row(a, b) for a, b in zip(ours, theirs, strict=True)])


def _pair(seed: int, *shapes: tuple[int, ...]) -> tuple[Arrays, Arrays]:
    """Draw gradients with negative numbers furthest out and furthest off, and a 0 among them."""
    rng = np.random.default_rng(seed)
    theirs = [rng.normal(size=shape) for shape in shapes]
    ours = [each + 0.1 * rng.normal(size=each.shape) for each in theirs]
    for a, b in zip(ours, theirs, strict=True):
        b.flat[0], b.flat[1] = 0.0, -3.0 - rng.random()
        a.flat[1] = b.flat[1] - 0.5 - rng.random()
    return ours, theirs


ledger = Exercise(
    notebook="11",
    name="a gradient ledger",
    solution=_ledger,
    cases=(_pair(0, (2, 3), (3,)), _pair(1, (4,), (2, 2), (5, 2))),
    mistakes=(
        Mistake(
            hint="Those differences have signs, and one far below is not seen. Take them without.",
            answer=_by(lambda a, b: (a - b).max() / np.abs(b).max()),
        ),
        Mistake(
            hint="Those are absolute differences. A gradient of 1e-9 that is off by 1e-9 is all wrong: divide by the "
            "largest of theirs.",
            answer=_by(lambda a, b: np.abs(a - b).max()),
        ),
        Mistake(
            hint="You divided number by number, and one of theirs is 0. Divide by the largest of the tensor.",
            answer=_by(lambda a, b: (np.abs(a - b) / np.abs(b)).max()),
        ),
        Mistake(
            hint="You divided by the largest of theirs with its sign. Its size is asked for: take it without.",
            answer=_by(lambda a, b: np.abs(a - b).max() / b.max()),
        ),
        Mistake(
            hint="You divided by the largest of ours. Theirs is the measure, for ours may be what is wrong.",
            answer=_by(lambda a, b: np.abs(a - b).max() / np.abs(a).max()),
        ),
        Mistake(
            hint="Means hide a single number that is wrong. Take the largest difference.",
            answer=_by(lambda a, b: np.abs(a - b).mean() / np.abs(b).max()),
        ),
        Mistake(
            hint="Means hide a single number that is wrong. Take the largest difference.",
            answer=_by(lambda a, b: np.abs(a - b).mean() / np.abs(b).mean()),
        ),
        Mistake(
            hint="That is one number for all tensors. Give each its own: which of them is off is the question.",
            answer=lambda ours, theirs: _ledger(ours, theirs).max(),
        ),
    ),
)
