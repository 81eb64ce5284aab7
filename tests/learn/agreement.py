"""Measure how far kit is from torch, in float64, in everything that both compute.

    python -m tests.learn.agreement

prints one row for each loss, gradient, optimiser and schedule, and the largest of all. The cases
are also what the tests beside this file are run on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler

from kit.learn import class_losses, losses, optimizers, schedules
from kit.learn.linear import linear_objective
from kit.learn.training import minibatches, train

BAR = 1e-10
RNG = np.random.default_rng(0)

NUMBERS = RNG.normal(scale=3, size=(2, 40))
LOGITS = np.r_[RNG.normal(scale=3, size=36), -1e4, -1e4, 1e4, 1e4]
CLASSES = np.r_[RNG.integers(2, size=36), 0, 1, 0, 1]
LOGIT_ROWS = np.vstack([RNG.normal(scale=3, size=(36, 5)), 1e4 * np.eye(4, 5)])
CLASS_ROWS = np.r_[RNG.integers(5, size=36), 0, 0, 2, 4]
CLASS_WEIGHTS = np.array([0.5, 1.0, 2.0, 0.0, 3.0])
PROBABILITY_ROWS = np.vstack([np.random.default_rng(1).dirichlet(np.ones(5), size=38), np.eye(2, 5)])


@dataclass(frozen=True, kw_only=True)
class LossCase:
    """One loss of kit's, the same of torch's, and what to call both with."""

    ours: Callable
    theirs: Callable
    inputs: tuple[np.ndarray, np.ndarray]


def torch_quantile(predictions, targets, *, q):
    errors = targets - predictions
    return torch.maximum(q * errors, (q - 1) * errors).mean()


def torch_hinge(scores, targets):
    return F.hinge_embedding_loss(targets * scores, -torch.ones_like(scores))


def torch_focal(logits, targets, *, gamma, alpha):
    # as torchvision.ops.sigmoid_focal_loss writes it
    p = torch.sigmoid(logits)
    surprisal = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    wrong = 1 - (p * targets + (1 - p) * (1 - targets))
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    return (weights * wrong**gamma * surprisal).mean()


LOSSES = {
    "mse": LossCase(ours=losses.mse, theirs=F.mse_loss, inputs=(NUMBERS[0], NUMBERS[1])),
    "mae": LossCase(ours=losses.mae, theirs=F.l1_loss, inputs=(NUMBERS[0], NUMBERS[1])),
    "huber": LossCase(
        ours=partial(losses.huber, delta=1.5),
        theirs=partial(F.huber_loss, delta=1.5),
        inputs=(NUMBERS[0], NUMBERS[1]),
    ),
    "quantile": LossCase(
        ours=partial(losses.quantile, q=0.8), theirs=partial(torch_quantile, q=0.8), inputs=(NUMBERS[0], NUMBERS[1])
    ),
    "binary_cross_entropy": LossCase(
        ours=class_losses.binary_cross_entropy,
        theirs=F.binary_cross_entropy_with_logits,
        inputs=(LOGITS, np.where(np.abs(LOGITS) > 1e3, CLASSES, RNG.random(40))),
    ),
    "cross_entropy": LossCase(ours=class_losses.cross_entropy, theirs=F.cross_entropy, inputs=(LOGIT_ROWS, CLASS_ROWS)),
    "cross_entropy, smoothed": LossCase(
        ours=partial(class_losses.cross_entropy, label_smoothing=0.1),
        theirs=partial(F.cross_entropy, label_smoothing=0.1),
        inputs=(LOGIT_ROWS, CLASS_ROWS),
    ),
    "cross_entropy, weighted": LossCase(
        ours=partial(class_losses.cross_entropy, class_weights=CLASS_WEIGHTS, label_smoothing=0.1, ignore_index=1),
        theirs=partial(F.cross_entropy, weight=torch.from_numpy(CLASS_WEIGHTS), label_smoothing=0.1, ignore_index=1),
        inputs=(LOGIT_ROWS, CLASS_ROWS),
    ),
    "kl_divergence": LossCase(
        ours=class_losses.kl_divergence,
        theirs=lambda logits, targets: F.kl_div(F.log_softmax(logits, dim=1), targets, reduction="batchmean"),
        inputs=(LOGIT_ROWS, PROBABILITY_ROWS),
    ),
    "hinge": LossCase(ours=class_losses.hinge, theirs=torch_hinge, inputs=(LOGITS, 2.0 * CLASSES - 1)),
    "focal": LossCase(
        ours=partial(class_losses.focal, gamma=2.0, alpha=0.3),
        theirs=partial(torch_focal, gamma=2.0, alpha=0.3),
        inputs=(LOGITS, CLASSES.astype(float)),
    ),
}

OPTIMIZERS = {
    "sgd": (optimizers.sgd(0.5), partial(torch.optim.SGD, lr=0.5)),
    "momentum": (optimizers.momentum(0.1, beta=0.8), partial(torch.optim.SGD, lr=0.1, momentum=0.8)),
    "nesterov": (optimizers.nesterov(0.1, beta=0.8), partial(torch.optim.SGD, lr=0.1, momentum=0.8, nesterov=True)),
    "adagrad": (optimizers.adagrad(0.3), partial(torch.optim.Adagrad, lr=0.3)),
    "rmsprop": (optimizers.rmsprop(0.03, beta=0.95), partial(torch.optim.RMSprop, lr=0.03, alpha=0.95)),
    "adam": (
        optimizers.adam(0.1, betas=(0.8, 0.99)),
        partial(torch.optim.Adam, lr=0.1, betas=(0.8, 0.99)),
    ),
    "adamw": (optimizers.adamw(0.1, weight_decay=0.3), partial(torch.optim.AdamW, lr=0.1, weight_decay=0.3)),
}
"""For each optimiser kit's rule, and what makes torch's from a list of parameters."""

SCHEDULES = {
    "constant": (
        schedules.constant(0.3),
        lambda o: lr_scheduler.ConstantLR(o, factor=1.0),
        0.3,
    ),
    "step_decay": (
        schedules.step_decay(0.3, step_size=7, gamma=0.5),
        lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.5),
        0.3,
    ),
    "exponential": (
        schedules.exponential(0.3, gamma=0.9),
        lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9),
        0.3,
    ),
    "linear": (
        schedules.linear(0.3, n_steps=50, final=0.03),
        lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=50),
        0.3,
    ),
    "cosine": (
        schedules.cosine(0.3, n_steps=50, final=0.03),
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=50, eta_min=0.03),
        0.3,
    ),
    "warm_up of cosine": (
        schedules.warmup(schedules.cosine(0.3, n_steps=40), n_steps=10),
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, start_factor=1 / 11, total_iters=10),
                lr_scheduler.CosineAnnealingLR(o, T_max=40),
            ],
            milestones=[10],
        ),
        0.3,
    ),
    "polynomial": (
        schedules.polynomial(0.3, n_steps=50, power=2.5),
        lambda o: lr_scheduler.PolynomialLR(o, total_iters=50, power=2.5),
        0.3,
    ),
    "cosine_restarts": (
        schedules.cosine_restarts(0.3, n_steps=7, t_mult=2, final=0.03),
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=7, T_mult=2, eta_min=0.03),
        0.3,
    ),
    "warmup_stable_decay": (
        schedules.warmup_stable_decay(0.3, n_steps=50, n_warmup_steps=10, n_decay_steps=15, final=0.03),
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, start_factor=1 / 11, total_iters=10),
                lr_scheduler.ConstantLR(o, factor=1.0),
                lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=15),
            ],
            milestones=[10, 35],
        ),
        0.3,
    ),
    "one_cycle": (
        schedules.one_cycle(0.3, n_steps=51),
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.3, total_steps=51, cycle_momentum=False),
        0.3,
    ),
}
"""For each schedule kit's, what makes torch's from an optimiser, and the rate of that optimiser."""


def torch_loss(case: LossCase) -> tuple[float, np.ndarray]:
    """Call torch's loss, and differentiate it in the predictions."""
    predictions = torch.tensor(case.inputs[0], requires_grad=True)
    loss = case.theirs(predictions, torch.from_numpy(case.inputs[1]))
    (gradient,) = torch.autograd.grad(loss, predictions)
    return loss.item(), gradient.numpy()


def random_problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a logistic regression of badly scaled features: 60 examples, 8 features."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 8)) * np.geomspace(0.1, 3, 8)
    return x, (x @ rng.normal(size=8) + rng.normal(size=60) > 0).astype(float)


def torch_path(make: Callable, x: np.ndarray, y: np.ndarray, batches: list, *, schedule=None) -> np.ndarray:
    """List the points that torch's optimiser visits from 0, by torch's own gradients on those batches."""
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = make([weights])
    scheduler = schedule(optimizer) if schedule else None
    points = [weights.detach().numpy().copy()]
    for rows in batches:
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(torch.from_numpy(x[rows]) @ weights, torch.from_numpy(y[rows])).backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        points.append(weights.detach().numpy().copy())
    return np.array(points)


def torch_rates(schedule: Callable, lr: float, *, n_steps: int) -> np.ndarray:
    """List the rates of torch's scheduler for the steps 0 to `n_steps`."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = schedule(optimizer)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(n_steps):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return np.array(rates)


def optimizer_difference(name: str, *, seed: int = 0, n_steps: int = 100) -> float:
    """Find the largest difference of any coordinate of any point on the way.

    On batches, because near the minimum of all examples the gradients go to 0, and RMSProp divides
    by them: it bounces there, each bounce multiplies a rounding error, and torch itself, its input
    nudged by 2e-16, ends some 1e-2 away. The noise of a batch keeps the divisor up.
    """
    rule, make = OPTIMIZERS[name]
    x, y = random_problem(seed)
    objective = linear_objective(x, y, loss=class_losses.binary_cross_entropy)
    dealt = minibatches(len(x), batch_size=16, rng=np.random.default_rng(seed))
    batches = list(islice(dealt, n_steps + 1))
    ours = train(objective, np.zeros(x.shape[1]), optimizer=rule, n_steps=n_steps, batches=batches).points
    return float(np.abs(ours - torch_path(make, x, y, batches[:n_steps])).max())


def schedule_difference(name: str, *, n_steps: int = 50) -> float:
    """Find the largest difference of the rates of any step."""
    ours, theirs, lr = SCHEDULES[name]
    return float(np.abs([ours(step) for step in range(n_steps + 1)] - torch_rates(theirs, lr, n_steps=n_steps)).max())


def differences() -> list[tuple[str, str, float]]:
    """List kind, name and largest difference to torch of everything compared."""
    ours = {name: case.ours(*case.inputs) for name, case in LOSSES.items()}
    theirs = {name: torch_loss(case) for name, case in LOSSES.items()}
    return [
        *(("loss", name, abs(ours[name][0] - theirs[name][0])) for name in LOSSES),
        *(("gradient", name, float(np.abs(ours[name][1] - theirs[name][1]).max())) for name in LOSSES),
        *(("optimiser", name, max(optimizer_difference(name, seed=seed) for seed in range(5))) for name in OPTIMIZERS),
        *(("schedule", name, schedule_difference(name)) for name in SCHEDULES),
    ]


def table(rows: list[tuple[str, str, float]]) -> str:
    """Lay the differences out, the largest of all in the last row."""
    lines = [f"{'':12}{'largest difference to torch, float64':>60}"]
    lines += [f"{kind:12}{name:40}{difference:20.1e}" for kind, name, difference in rows]
    worst = np.max([difference for *_, difference in rows])  # NaN, if there is one
    verdict = "within" if worst <= BAR else "BEYOND"
    return "\n".join([*lines, f"{'all':12}{f'{verdict} the bar of {BAR:.0e}':40}{worst:20.1e}"])


if __name__ == "__main__":
    print(table(differences()))
