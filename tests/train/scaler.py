"""The hand-written scaler beside torch.amp.GradScaler, step for step: python -m tests.train.scaler.

Both drive a model of their own, from equal weights, over the same data. Some gradients are made to
overflow: at steps drawn beforehand, and wherever the scale has grown too far for float16.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kit.train.amp import LossScaler

STEPS, GROWTH_EVERY, INJECTED = 1000, 10, 25  # torch itself waits 2,000 steps: too long for a test of growth


@dataclass(frozen=True)
class Trace:
    """What a scaler did: the scale before each step, whether the step moved the weights, the weights at the end."""

    scales: list[float]
    skipped: list[bool]
    weights: dict[str, torch.Tensor]


def trace(
    scaler: LossScaler | torch.amp.GradScaler,
    make_optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    *,
    clip: bool,
    n_steps: int = STEPS,
) -> Trace:
    """Train a small network under float16 autocast, with overflows injected at the same steps each time."""
    rng = np.random.default_rng(0)
    overflows = set(rng.choice(n_steps, size=n_steps * INJECTED // STEPS, replace=False).tolist())
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = make_optimizer(model)
    scales, skipped = [], []
    for step in range(n_steps):
        x = torch.from_numpy(rng.normal(size=(4, 8))).float()
        with torch.amp.autocast("cpu", dtype=torch.float16):
            loss = F.mse_loss(model(x).float(), x.sum(dim=1, keepdim=True))
        scales.append(scaler.get_scale())
        before = copy.deepcopy(model.state_dict())
        scaler.scale(loss).backward()
        if step in overflows:
            model[0].weight.grad[step % 16, step % 8] = [np.inf, -np.inf, np.nan][step % 3]
        if clip:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        skipped.append(all(torch.equal(before[name], after) for name, after in model.state_dict().items()))
    assert sum(skipped) >= len(overflows)
    return Trace(scales, skipped, model.state_dict())


OPTIMIZERS = {
    "SGD with momentum": lambda model: torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
    "AdamW": lambda model: torch.optim.AdamW(model.parameters(), lr=0.01),
    "AdamW, fused": lambda model: torch.optim.AdamW(model.parameters(), lr=0.01, fused=True),
}


def pair(name: str, *, clip: bool, n_steps: int = STEPS) -> tuple[Trace, Trace]:
    """Trace the hand-written scaler and torch's, with one optimiser."""
    ours = LossScaler(growth_interval=GROWTH_EVERY)
    theirs = torch.amp.GradScaler("cpu", growth_interval=GROWTH_EVERY)
    return tuple(trace(scaler, OPTIMIZERS[name], clip=clip, n_steps=n_steps) for scaler in (ours, theirs))


def main() -> None:
    for name in OPTIMIZERS:
        for clip in (False, True):
            ours, theirs = pair(name, clip=clip)
            largest = max((ours.weights[key] - theirs.weights[key]).abs().max().item() for key in ours.weights)
            print(
                f"{name}{', clipped' if clip else ''}: {STEPS} steps; scales identical: {ours.scales == theirs.scales} "
                f"(from {min(ours.scales):g} to {max(ours.scales):g}); skipped steps identical: "
                f"{ours.skipped == theirs.skipped} ({sum(ours.skipped)}, {INJECTED} of them injected); "
                f"largest difference of a weight: {largest:g}"
            )


if __name__ == "__main__":
    main()
