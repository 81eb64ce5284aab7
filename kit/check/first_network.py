"""The exercises of notebook 04: a hidden layer forward and back, a training loop, the same in torch, an experiment.

Taught in: 04
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kit.check.exercise import Exercise, Mistake
from kit.learn.class_losses import softmax
from kit.learn.mlp import MLP


def _count(n_inputs: int, n_hidden: int, n_outputs: int) -> int:
    return MLP(n_inputs=n_inputs, n_hidden=n_hidden, n_outputs=n_outputs).n_parameters


n_parameters = Exercise(
    notebook="04",
    name="the number of parameters",
    solution=_count,
    cases=((2, 3, 4), (64, 16, 10)),
    mistakes=(
        Mistake(
            hint="Those are the weights alone. Each hidden unit and each logit also has a bias.",
            answer=lambda i, h, o: i * h + h * o,
        ),
        Mistake(hint="The logits have biases too, one each.", answer=lambda i, h, o: i * h + h + h * o),
        Mistake(hint="The hidden units have biases too, one each.", answer=lambda i, h, o: i * h + h * o + o),
        Mistake(
            hint="Inputs have no bias: they are given. Count a bias for each hidden unit and for each logit.",
            answer=lambda i, h, o: i * h + h * o + i + h + o,
        ),
        Mistake(
            hint="The biases belong to what comes out of a layer: one for each hidden unit, one for each logit.",
            answer=lambda i, h, o: i * h + i + h * o + h,
        ),
        Mistake(
            hint="Inputs meet logits only through the hidden units: the two tables of weights add up.",
            answer=lambda i, h, o: i * h * o,
        ),
    ),
)

# Forward and back ----------------------------------------------------------------------------------


def _problem(seed: int, n: int, n_inputs: int, n_hidden: int, n_outputs: int) -> tuple[np.ndarray, ...]:
    """Draw rows, their classes, and two layers whose biases are not 0."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_outputs, size=n)
    shapes = ((n, n_inputs), (n_inputs, n_hidden), (n_hidden,), (n_hidden, n_outputs), (n_outputs,))
    x, *layers = (rng.normal(size=shape) for shape in shapes)
    return x, y, *layers


_PROBLEMS = (_problem(0, 5, 2, 4, 3), _problem(1, 7, 3, 6, 2))


def _forward(x: np.ndarray, w1: np.ndarray, b1: Any, w2: np.ndarray, b2: Any, *, bend: Callable = np.tanh):
    return bend(x @ w1 + b1) @ w2 + b2


forward = Exercise(
    notebook="04",
    name="the forward pass of a hidden layer",
    solution=_forward,
    cases=tuple((x, *layers) for x, _, *layers in _PROBLEMS),
    mistakes=(
        Mistake(
            hint="Nothing bends here, so both layers are one linear model. Take tanh of the hidden sums.",
            answer=partial(_forward, bend=lambda a: a),
        ),
        Mistake(
            hint="You took tanh of the logits too. Logits may be any number: the last layer does not bend.",
            answer=lambda *case: np.tanh(_forward(*case)),
        ),
        Mistake(
            hint="Those are the probabilities. Return the logits, before softmax.",
            answer=lambda *case: softmax(_forward(*case)),
        ),
        Mistake(
            hint="That is ReLU. The hidden layer here bends by tanh.",
            answer=partial(_forward, bend=lambda a: np.maximum(a, 0)),
        ),
        Mistake(
            hint="Both biases are missing: b1 in the hidden sums, b2 in the logits.",
            answer=lambda x, w1, b1, w2, b2: _forward(x, w1, 0, w2, 0),
        ),
        Mistake(
            hint="The hidden layer's bias b1 is missing.", answer=lambda x, w1, b1, w2, b2: _forward(x, w1, 0, w2, b2)
        ),
        Mistake(
            hint="The last layer's bias b2 is missing.", answer=lambda x, w1, b1, w2, b2: _forward(x, w1, b1, w2, 0)
        ),
        Mistake(
            hint="Add b1 before tanh: it belongs to the sum that is bent.",
            answer=lambda x, w1, b1, w2, b2: (np.tanh(x @ w1) + b1) @ w2 + b2,
        ),
        Mistake(
            hint="You bent the inputs. Bend the hidden sums, x @ w1 + b1.",
            answer=lambda x, w1, b1, w2, b2: (np.tanh(x) @ w1 + b1) @ w2 + b2,
        ),
        Mistake(
            hint="Those are the hidden units. The last layer is missing.",
            answer=lambda x, w1, b1, w2, b2: np.tanh(x @ w1 + b1),
        ),
    ),
)


def _gradient(
    x: np.ndarray,
    y: np.ndarray,
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    b2: np.ndarray,
    *,
    target: float = 1.0,
    n: Callable[[np.ndarray], int] = len,
    slope: Callable[[np.ndarray], Any] = lambda a: 1 - np.tanh(a) ** 2,
    add: Callable = np.sum,
) -> tuple[np.ndarray, ...]:
    a = x @ w1 + b1
    h = np.tanh(a)
    delta = softmax(h @ w2 + b2)
    delta[np.arange(len(x)), y] -= target
    delta /= n(delta)
    back = delta @ w2.T * slope(a)
    return x.T @ back, add(back, axis=0), h.T @ delta, add(delta, axis=0)


gradient = Exercise(
    notebook="04",
    name="the gradient of a hidden layer",
    solution=_gradient,
    cases=_PROBLEMS,
    mistakes=(
        Mistake(
            hint="The slope of tanh is missing: on its way to w1 and b1 the error is multiplied by 1 - h².",
            answer=partial(_gradient, slope=lambda a: 1.0),
        ),
        Mistake(
            hint="The slope of tanh is 1 - h², with h the hidden unit. You squared the sum before tanh.",
            answer=partial(_gradient, slope=lambda a: 1 - a**2),
        ),
        Mistake(
            hint="h(1 - h) is the slope of the sigmoid. That of tanh is 1 - h².",
            answer=partial(_gradient, slope=lambda a: np.tanh(a) * (1 - np.tanh(a))),
        ),
        Mistake(
            hint="The slope of tanh is 1 - h². You took 1 - h.",
            answer=partial(_gradient, slope=lambda a: 1 - np.tanh(a)),
        ),
        Mistake(
            hint="That is the slope of ReLU. The hidden layer here bends by tanh.",
            answer=partial(_gradient, slope=lambda a: a > 0),
        ),
        Mistake(
            hint="The loss is a mean over rows. Divide by how many there are.",
            answer=partial(_gradient, n=lambda delta: 1),
        ),
        Mistake(
            hint="You divided by the number of logits. The mean is over rows.",
            answer=partial(_gradient, n=lambda delta: delta.size),
        ),
        Mistake(
            hint="Divided by n twice for the biases: their gradient is a sum over rows, once the error is over n.",
            answer=partial(_gradient, add=np.mean),
        ),
        Mistake(
            hint="Those start from the probabilities. Take 1 off at each row's own class first.",
            answer=partial(_gradient, target=0.0),
        ),
        Mistake(
            hint="The sign is turned round: the error is probability minus target.",
            answer=lambda *case: tuple(-g for g in _gradient(*case)),
        ),
        Mistake(
            hint="Those are the right four, last layer first. Return them in the order w1, b1, w2, b2.",
            answer=lambda *case: (*_gradient(*case)[2:], *_gradient(*case)[:2]),
        ),
    ),
)

# The loop ------------------------------------------------------------------------------------------


def _network(seed: int, n_hidden: int) -> tuple[MLP, np.ndarray, np.ndarray, np.ndarray]:
    """Make a network, a dozen points for it, and where its weights start."""
    rng = np.random.default_rng(seed)
    network = MLP(n_inputs=2, n_hidden=n_hidden, n_outputs=3)
    return network, rng.normal(size=(12, 2)), rng.integers(3, size=12), network.init(rng)


_LOOPS = ((*_network(2, 3), 0.5, 6), (*_network(3, 4), 1.0, 4))


def _loop(
    network: MLP,
    x: np.ndarray,
    y: np.ndarray,
    start: np.ndarray,
    lr: float,
    n_steps: int,
    *,
    sign: float = -1.0,
    at_start: bool = False,
    stays: bool = False,
    extra: int = 0,
    first: int = 0,
) -> tuple[np.ndarray, list[float]]:
    objective, point, losses = network.objective(x, y), start, []
    for _ in range(n_steps + extra):
        losses.append(objective(point)[0])
        if len(losses) <= n_steps and not stays:
            point = point + sign * lr * objective(start if at_start else point)[1]
    return point, losses[first:]


def _looks_at_start(network: MLP, x: np.ndarray, y: np.ndarray, start: np.ndarray, lr: float, n_steps: int):
    loss, gradient = network.objective(x, y)(start)
    return start - n_steps * lr * gradient, n_steps * [loss]


def _unscaled(network: MLP, x: np.ndarray, y: np.ndarray, start: np.ndarray, lr: float, n_steps: int):
    return _loop(network, x, y, start, 1.0, n_steps)


def _one_more(network: MLP, x: np.ndarray, y: np.ndarray, start: np.ndarray, lr: float, n_steps: int):
    return _loop(network, x, y, start, lr, n_steps + 1)[0], _loop(network, x, y, start, lr, n_steps)[1]


def _only(which: int) -> Callable:
    return lambda *case: _loop(*case)[which]


training_loop = Exercise(
    notebook="04",
    name="a training loop",
    solution=_loop,
    cases=_LOOPS,
    mistakes=(
        Mistake(
            hint="You went uphill: the loss grows along the gradient. Subtract it.", answer=partial(_loop, sign=1.0)
        ),
        Mistake(
            hint="The losses are all those of the start. Ask the objective at the point where you are.",
            answer=_looks_at_start,
        ),
        Mistake(
            hint="Every step took the gradient at the start. Take it at the point where you are.",
            answer=partial(_loop, at_start=True),
        ),
        Mistake(
            hint="The point never moves. Assign what the step computes: point = point - ...",
            answer=partial(_loop, stays=True),
        ),
        Mistake(hint="The learning rate is missing: each step is lr times the gradient.", answer=_unscaled),
        Mistake(
            hint="Those are the losses after each step. Record each before its step: the first is the start's.",
            answer=partial(_loop, extra=1, first=1),
        ),
        Mistake(
            hint="One loss too many: record one before each step, and none after the last.",
            answer=partial(_loop, extra=1),
        ),
        Mistake(
            hint="The point took one step too many.",
            answer=_one_more,
        ),
        Mistake(
            hint="That is the point alone. Return two things: where the weights end, and the losses.", answer=_only(0)
        ),
        Mistake(
            hint="Those are the losses alone. Return two things: where the weights end, and the losses.",
            answer=_only(1),
        ),
    ),
)


def _model(seed: int, n_hidden: int) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, n_hidden), nn.Tanh(), nn.Linear(n_hidden, 3)).double()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    x = torch.randn(12, 2, generator=generator, dtype=torch.float64)
    return model, x, torch.randint(3, (12,), generator=generator)


def _torch_loop(
    model: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    lr: float,
    n_steps: int,
    *,
    loss: Callable = F.cross_entropy,
    cleared: bool = True,
    moves: bool = True,
    first: int = 0,
    extra: int = 0,
    make: Callable = torch.optim.SGD,
) -> list[float]:
    optimizer = make(model.parameters(), lr=lr)
    losses = []
    for _ in range(n_steps + extra):
        if cleared:
            optimizer.zero_grad()
        value = loss(model(x), y)
        losses.append(value.item())
        value.backward()
        if moves:
            optimizer.step()
    return losses[first:]


torch_loop = Exercise(
    notebook="04",
    name="the training loop in torch",
    solution=_torch_loop,
    cases=((*_model(0, 4), 0.5, 6), (*_model(1, 5), 0.2, 4)),
    mistakes=(
        Mistake(
            hint="The gradients of all steps add up: torch adds to what is there. Call zero_grad before each backward.",
            answer=partial(_torch_loop, cleared=False),
        ),
        Mistake(
            hint="The loss never changes: no step is taken. Call backward, and then the optimiser's step.",
            answer=partial(_torch_loop, moves=False),
        ),
        Mistake(
            hint="cross_entropy takes logits, and applies softmax itself. You applied it twice.",
            answer=partial(_torch_loop, loss=lambda z, y: F.cross_entropy(z.softmax(dim=1), y)),
        ),
        Mistake(
            hint="nll_loss takes logarithms of probabilities, and the model gives logits. Use cross_entropy.",
            answer=partial(_torch_loop, loss=F.nll_loss),
        ),
        Mistake(
            hint="That is the sum over rows. The loss is their mean, which cross_entropy takes by itself.",
            answer=partial(_torch_loop, loss=partial(F.cross_entropy, reduction="sum")),
        ),
        Mistake(
            hint="Those are the losses after each step. Record each before its step: the first is the start's.",
            answer=partial(_torch_loop, first=1, extra=1),
        ),
        Mistake(
            hint="One loss too many: record one before each step, and none after the last.",
            answer=partial(_torch_loop, extra=1),
        ),
        Mistake(
            hint="That is Adam. Use torch.optim.SGD, plain descent.", answer=partial(_torch_loop, make=torch.optim.Adam)
        ),
        Mistake(
            hint="That is the last loss alone. Return one for each step.", answer=lambda *case: _torch_loop(*case)[-1]
        ),
    ),
)

# The experiment --------------------------------------------------------------------------------------


class Accuracies:
    """A stand-in for training: the accuracy of each number of hidden units with each seed, from a table."""

    def __init__(self, sizes: Sequence[int], table: Sequence[Sequence[float]]):
        self._rows = dict(zip(sizes, table, strict=True))

    def __call__(self, n_hidden: int, seed: int) -> float:
        """Look one accuracy up."""
        return self._rows[n_hidden][seed]

    def __repr__(self) -> str:
        return "accuracy"


def _case(table: dict[int, list[float]], goal: float) -> tuple[Accuracies, list[int], list[int], float]:
    sizes = [*table]
    return Accuracies(sizes, [*table.values()]), sizes, [*range(len(table[sizes[0]]))], goal


_TABLES = (  # eighths, whose means are exact; each wrong way to pool the seeds leads elsewhere in one of the first two
    _case(
        {
            1: [0.5, 0.875, 0.5, 0.5],
            2: [0.875, 1.0, 0.875, 0.375],
            3: [0.75, 1.0, 0.875, 0.875],
            5: [1.0, 1.0, 1.0, 1.0],
            9: [0.875, 0.875, 0.875, 0.875],
        },
        0.875,
    ),
    _case(
        {
            2: [0.75, 0.5, 0.5],
            4: [0.875, 0.75, 0.625],
            6: [0.5, 1.0, 1.0],
            8: [0.75, 1.0, 0.875],
            12: [1.0, 1.0, 0.75],
        },
        0.75,
    ),
    _case({1: [0.5, 0.5], 2: [0.875, 1.0], 4: [1.0, 1.0]}, 0.75),  # a mean above the goal, not at it
)


def _fewest(
    accuracy: Callable[[int, int], float],
    sizes: Sequence[int],
    seeds: Sequence[int],
    goal: float,
    *,
    pool: Callable = np.mean,
    reached: Callable = np.greater_equal,
    last: bool = False,
) -> int:
    found = [n for n in sizes if reached(pool([accuracy(n, seed) for seed in seeds]), goal)]
    return found[-1 if last else 0]


def _means(accuracy: Callable, sizes: Sequence[int], seeds: Sequence[int]) -> np.ndarray:
    return np.array([np.mean([accuracy(n, seed) for seed in seeds]) for n in sizes])


fewest_units = Exercise(
    notebook="04",
    name="an experiment: the fewest hidden units",
    solution=_fewest,
    cases=_TABLES,
    mistakes=(
        Mistake(
            hint="You looked at one seed. One start may be lucky or unlucky: take the mean over all seeds.",
            answer=partial(_fewest, pool=lambda found: found[0]),
        ),
        Mistake(
            hint="You looked at one seed. One start may be lucky or unlucky: take the mean over all seeds.",
            answer=partial(_fewest, pool=lambda found: found[-1]),
        ),
        Mistake(
            hint="The best seed reaches the goal there, and the mean of all does not.",
            answer=partial(_fewest, pool=max),
        ),
        Mistake(
            hint="You asked that every seed reach the goal. Here their mean is asked for.",
            answer=partial(_fewest, pool=min),
        ),
        Mistake(
            hint="That is by the median. Here the mean over seeds is asked for.",
            answer=partial(_fewest, pool=np.median),
        ),
        Mistake(
            hint="A mean equal to the goal reaches it: compare with >=.", answer=partial(_fewest, reached=np.greater)
        ),
        Mistake(
            hint="That is the most hidden units that reach the goal. The fewest are asked for.",
            answer=partial(_fewest, last=True),
        ),
        Mistake(
            hint="That is the size of the highest accuracy. The smallest that reaches the goal is asked for.",
            answer=lambda accuracy, sizes, seeds, goal: sizes[int(_means(accuracy, sizes, seeds).argmax())],
        ),
        Mistake(
            hint="That is the place in the list. Return the number of hidden units that stands there.",
            answer=lambda accuracy, sizes, seeds, goal: int((_means(accuracy, sizes, seeds) >= goal).argmax()),
        ),
        Mistake(
            hint="That is the accuracy. Return the number of hidden units that reached it.",
            answer=lambda *case: float(_means(*case[:3])[case[1].index(_fewest(*case))]),
        ),
    ),
)

EXERCISES = (n_parameters, forward, gradient, training_loop, torch_loop, fewest_units)
