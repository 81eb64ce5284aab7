"""What 16 bits change: the loss of a small GPT in each format, its learning rate, its gradients, its speed.

All train the story GPT of `kit.explore.precision`, of some 40,000 parameters, for 120 steps. A seed
settles the first weights and the order of the batches; the 64 rows that judge are always the same.

Taught in: 22
"""

import dataclasses
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import nn

from kit.evidence.store import Experiment
from kit.explore.precision import ROWS, STEPS, STORY_GPT, gradients, one_part, story_gpt, story_rows
from kit.learn.schedules import cosine, warmup
from kit.machine import seconds_in_turn
from kit.models.gpt import GPT
from kit.train.amp import out_of_range, precision
from kit.train.batches import epochs
from kit.train.loop import Record, backward, fit
from kit.train.objectives import mean_loss, next_token_loss

# One model in every format -----------------------------------------------------------------------

FLOAT32 = precision("cpu", "float32")
BFLOAT16, FLOAT16 = (precision("cpu", dtype, emulate=True) for dtype in ("bfloat16", "float16"))
WAYS = {
    "float32": (FLOAT32, one_part),
    "bfloat16": (BFLOAT16, one_part),
    "bfloat16, scaled": (dataclasses.replace(BFLOAT16, scaled=True), one_part),
    "float16, scaled": (FLOAT16, one_part),
    "float16": (dataclasses.replace(FLOAT16, scaled=False), one_part),
    "float32, small batch": (FLOAT32, next_token_loss),
    "float16, small batch": (dataclasses.replace(FLOAT16, scaled=False), next_token_loss),
}
"""A format, and the loss that is differentiated: that of one of 512 parts of a batch, or of a batch of one part."""

LR, EVERY, HELD_OUT = 1e-2, 20, 64


def held_out_losses(way: str, lr: float, seed: int) -> dict[int, float]:
    """Train the story GPT in a way; give its loss on rows never seen, after every 20 steps."""
    way_precision, loss = WAYS[way]
    model, held_out = story_gpt(seed), story_rows()[-HELD_OUT:]

    def evaluate(model: nn.Module) -> Record:
        return {"held out": mean_loss(model, next_token_loss, [held_out])}

    history = fit(
        model,
        loss,
        epochs(story_rows()[:-HELD_OUT], batch_size=ROWS, seed=seed),
        n_steps=STEPS,
        lr=warmup(cosine(lr, n_steps=STEPS - 20), n_steps=20),
        clip=None,
        precision=way_precision,
        evaluate=evaluate,
        evaluate_every=EVERY,
    )
    steps, losses = history.curve("held out")
    return dict(zip(steps.tolist(), losses.tolist(), strict=True))


_once = cache(held_out_losses)

FORMATS = Experiment(
    name="formats",
    measure=lambda way, step, seed: {"loss": _once(way, LR, seed)[step]},
    factors={"way": tuple(WAYS), "step": tuple(range(EVERY, STEPS + 1, EVERY))},
    seeds=12,
    quantities=("loss",),
)
FORMAT_RATES = Experiment(
    name="format_rates",
    measure=lambda way, lr, seed: {"loss": _once(way, lr, seed)[STEPS]},
    factors={"way": ("float32", "bfloat16"), "lr": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)},
    seeds=8,
    quantities=("loss",),
)

# What becomes of its gradients -------------------------------------------------------------------


def gradients_lost(dtype: str, power: int, seed: int) -> dict[str, float]:
    """Measure which shares of the gradients vanish, and lose digits, in a format, multiplied by 2^power."""
    found = out_of_range(gradients(seed), dtype, scale=2.0**power)
    return {"underflow": found.underflow, "subnormal": found.subnormal}


GRADIENTS_LOST = Experiment(
    name="gradients_lost",
    measure=gradients_lost,
    factors={"dtype": ("float16", "bfloat16"), "power": (0, 16)},
    seeds=12,
    quantities=("underflow", "subnormal"),
)

# Its speed ---------------------------------------------------------------------------------------


def speedup(width: int, seed: int) -> dict[str, float]:
    """Time forward and backward pass in float32 and in bfloat16 in turn, on 8 rows of 64 tokens."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT(dataclasses.replace(STORY_GPT, d_model=width, n_heads=width // 16, n_positions=64))
    rows = torch.from_numpy(np.random.default_rng(seed).integers(STORY_GPT.vocab_size, size=(8, 65)))

    def step_in(dtype: str) -> Callable[[], object]:
        def step() -> None:
            backward(model, next_token_loss, rows, precision=precision("cpu", dtype, emulate=True))
            model.zero_grad()

        return step

    rivals = (step_in("float32"), step_in("bfloat16"))
    wide, narrow = seconds_in_turn(*rivals, repeats=9, clock=time.process_time)
    return {"speedup": float(np.median(np.array(wide) / np.array(narrow)))}


FORMAT_TIME = Experiment(
    name="format_time", measure=speedup, factors={"width": (32, 128, 512)}, seeds=8, quantities=("speedup",)
)
