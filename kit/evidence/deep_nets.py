"""Deep networks on MNIST-5k: the gradient that reaches the first layer, who starts to train, and how deep.

Nothing here settles a claim; what is found is shown as findings of notebook 11. A repetition draws the weights, the
batches and which digits are unseen.

FIRST_GRADIENTS   one batch of 200 before any step: the norm of the gradient of the first layer's weights and of the
                  last hidden layer's, by scheme, activation, norm and depth, and that at the sums of both layers.
STARTS            He and others' experiment: 30 layers of ReLU from each scheme, and from torch's own with a norm.
                  All arms are tuned as equals: one grid of learning rates, chosen by the loss on 500 digits after 200
                  steps, and measured with another seed on 500 others.
DEPTHS            Schoenholz and others' experiment: tanh, from five pairs of variances. A depth trains if at one of
                  five learning rates, half a decade apart, the network reads half of 500 unseen digits right within
                  200 steps; one that reads fewer than 15% after 100 is given up. The deepest is looked for by
                  halving between depths a quarter to a half apart: it trains, and the next does not. The prediction
                  is six correlation lengths, by kit.learn.mean_field.

All steps are of momentum 0.9 on batches of 64. With plain descent 200 steps are too few for anything deep.

Taught in: 11
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kit.blocks.initialisation import init_gaussian, init_linear
from kit.evidence.store import Experiment
from kit.learn.pictures import mnist
from kit.learn.search import tune
from kit.models.mlp import DeepMLP, MLPConfig
from kit.train.layerwise import recorded_layers, weight_gradients

N_UNSEEN, WIDTH, BATCH, N_STEPS, MOMENTUM = 500, 100, 64, 200, 0.9
SCHEMES = ("torch", "Xavier", "He", "orthogonal")
ACTIVATIONS, NORMS = ("ReLU", "tanh"), ("none", "batch", "layer")
GAIN = {"ReLU": 2**0.5, "tanh": 1.0}  # of an orthogonal start; the other schemes bring their own

Digits = tuple[Tensor, Tensor]


def digits(seed: int) -> tuple[Digits, Digits, Digits]:
    """Deal MNIST's digits out: 4,000 to train on, 500 to choose by, 500 to report on; mean 0 and mean square 1."""
    order = np.random.default_rng(seed).permutation(len(mnist()))
    pixels, labels = mnist().images[order].reshape(len(order), -1) / 255, mnist().labels[order]
    x, y = torch.from_numpy((pixels - pixels.mean()) / pixels.std()).float(), torch.from_numpy(labels)
    borders = ((2 * N_UNSEEN, len(y)), (0, N_UNSEEN), (N_UNSEEN, 2 * N_UNSEEN))
    train, choose, report = ((x[low:high], y[low:high]) for low, high in borders)
    return train, choose, report


def drawn(scheme: str, *, activation: str, norm: str, n_layers: int, seed: int) -> DeepMLP:
    """Make a network of 100 units a layer, drawn by a scheme."""
    model = DeepMLP(MLPConfig(n_layers=n_layers, n_hidden=WIDTH, activation=activation, norm=norm))
    gain = GAIN[activation] if scheme == "orthogonal" else 1.0
    init_linear(model, scheme=scheme, gain=gain, generator=torch.Generator().manual_seed(seed))
    return model


def first_gradients(*, scheme: str, activation: str, norm: str, n_layers: int, seed: int) -> dict[str, float]:
    """Take one gradient before any step.

    Returns:
        Its norm at the weights of the "first" and the "last" hidden layer, and at their sums, "first sums" and
        "last sums".
    """
    model = drawn(scheme, activation=activation, norm=norm, n_layers=n_layers, seed=seed)
    x, y = (each[:200] for each in digits(seed)[0])
    with recorded_layers(model, nn.Linear) as layers:
        F.cross_entropy(model(x), y).backward()
    weights, sums = [*weight_gradients(model).values()], [layer.gradient_norm for layer in layers.values()]
    return {"first": weights[0], "last": weights[-2], "first sums": sums[0], "last sums": sums[-2]}


def batches(data: Digits, *, seed: int) -> Callable[[], Digits]:
    """Give a function that draws batches of 64."""
    x, y = data
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Digits:
        rows = torch.randint(len(y), (BATCH,), generator=generator)
        return x[rows], y[rows]

    return draw


def judged(model: nn.Module, data: Digits) -> tuple[float, float]:
    """Measure the loss and the share read right, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        logits = model(data[0])
    model.train()
    return F.cross_entropy(logits, data[1]).item(), (logits.argmax(dim=1) == data[1]).double().mean().item()


def steps(model: nn.Module, draw: Callable[[], Digits], *, lr: float, n_steps: int) -> bool:
    """Take steps with momentum on batches; tell whether all losses were finite, and stop at one that is not."""
    return go_on(model, torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM), draw, n_steps=n_steps)


def go_on(model: nn.Module, optimizer: torch.optim.Optimizer, draw: Callable[[], Digits], *, n_steps: int) -> bool:
    """Take further steps of an optimiser, which keeps its memory."""
    for _ in range(n_steps):
        x, y = draw()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        if not torch.isfinite(loss):
            return False
        optimizer.step()
    return True


# Who starts ----------------------------------------------------------------------------------------

ARMS: dict[str, tuple[str, str]] = {
    **{scheme: (scheme, "none") for scheme in SCHEMES},
    "torch, batch norm": ("torch", "batch"),
    "torch, layer norm": ("torch", "layer"),
}
DEPTH, RATES, RATE_LIMITS = 30, (0.001, 0.00316, 0.01, 0.0316), (1e-4, 1.0)


def started(arm: str, split: int, *, lr: float, seed: int, report: bool = False) -> tuple[float, float]:
    """Train 30 layers of ReLU for 200 steps; give loss and accuracy on the digits to choose by, or to report on."""
    scheme, norm = ARMS[arm]
    train, choose, last = digits(split)
    model = drawn(scheme, activation="ReLU", norm=norm, n_layers=DEPTH, seed=seed)
    if not steps(model, batches(train, seed=seed), lr=lr, n_steps=N_STEPS):
        return float("inf"), 0.1
    return judged(model, last if report else choose)


def starts(*, seed: int) -> dict[str, float]:
    """Tune all arms as equals, and train each anew at its best rate.

    Returns:
        Of each of `ARMS` the "accuracy" and "loss" on unseen digits and the chosen "lr"; how many arms have their best
        "at the edge"; the "trials" of each.
    """

    def loss(arm: str, *, lr: float, seed: int) -> float:
        return started(arm, split, lr=lr, seed=seed)[0]

    split = seed
    rivals = {arm: partial(loss, arm) for arm in ARMS}
    found = tune(rivals, {"lr": RATES}, seeds=[seed], limits={"lr": RATE_LIMITS}, growths=1)
    (fresh,), numbers = found.fresh([seed + 1]), dict[str, float]()
    for arm in ARMS:
        lr = found.best[arm, None].setting["lr"]
        numbers[f"{arm} loss"], numbers[f"{arm} accuracy"] = started(arm, split, lr=lr, seed=fresh, report=True)
        numbers[f"{arm} lr"] = lr
    numbers["at the edge"] = sum(bool(found.best[arm, None].at_edge) for arm in ARMS)
    return numbers | {"trials": len(found.space["lr"])}


# How deep ------------------------------------------------------------------------------------------

POINTS: dict[str, dict[str, float]] = {
    "torch": {"weight_variance": 1 / 3, "bias_variance": 1 / (3 * WIDTH)},
    "1.0": {"weight_variance": 1.0, "bias_variance": 0.05},
    "1.4": {"weight_variance": 1.4, "bias_variance": 0.05},
    "1.76": {"weight_variance": 1.76, "bias_variance": 0.05},
    "4.0": {"weight_variance": 4.0, "bias_variance": 0.05},
}
"""The variances of weights, times the inputs, and of biases: torch's own, and a line through Schoenholz's plane."""
GRID = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
ORDER, ENOUGH, HOPELESS, EVERY = (
    (0.00316, 0.01, 0.0316, 0.001, 0.1),
    0.5,
    0.15,
    25,
)  # rates as they are tried; steps between two looks


def trains(point: str, n_layers: int, *, seed: int) -> bool:
    """Tell whether a tanh network of this depth comes to read half of the unseen digits at one of the rates."""
    train, _, report = digits(seed)
    for lr in ORDER:
        model = DeepMLP(MLPConfig(n_layers=n_layers, n_hidden=WIDTH, activation="tanh"))
        init_gaussian(model, **POINTS[point], generator=torch.Generator().manual_seed(seed))
        optimizer, draw = torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM), batches(train, seed=seed)
        for step in range(EVERY, N_STEPS + 1, EVERY):
            finite = go_on(model, optimizer, draw, n_steps=EVERY)
            accuracy = judged(model, report)[1]
            if accuracy >= ENOUGH:
                return True
            if not finite or (step >= N_STEPS // 2 and accuracy < HOPELESS):
                break
    return False


def deepest(answer: Callable[[int], bool], grid: tuple[int, ...]) -> int:
    """Find, by halving, a depth of the grid that trains and whose next does not; 0 if that is the first."""
    low, high = -1, len(grid)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if answer(grid[middle]) else (low, middle)
    return grid[low] if low >= 0 else 0


def depths(*, point: str, seed: int) -> dict[str, float]:
    """Find the deepest tanh network of a grid that trains.

    Returns:
        Its "depth"; where that is the deepest of the grid, it may be more.
    """
    return {"depth": float(deepest(partial(trains, point, seed=seed), GRID))}


def _quantities(*names: Any) -> tuple[str, ...]:
    return tuple(f"{arm} {name}" for arm in ARMS for name in names)


FIRST_GRADIENTS = Experiment(
    name="first_gradients",
    measure=first_gradients,
    factors={"scheme": SCHEMES, "activation": ACTIVATIONS, "norm": NORMS, "n_layers": (10, 30)},
    seeds=10,
    quantities=("first", "last", "first sums", "last sums"),
)
STARTS = Experiment(
    name="deep_starts",
    measure=starts,
    seeds=5,
    quantities=(*_quantities("accuracy", "loss", "lr"), "at the edge", "trials"),
)
DEPTHS = Experiment(
    name="trained_depths", measure=depths, factors={"point": tuple(POINTS)}, seeds=3, quantities=("depth",)
)
