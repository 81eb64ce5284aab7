"""What 16 bits change: the loss of a small GPT in each format, its largest stable rate, its gradients.

All train the story GPT of `kit.explore.precision`, of some 40,000 parameters, for 120 steps. A seed
settles the first weights and the order of the batches; the 64 rows that judge are always the same, but for the
largest stable rate, where a seed has a text of its own.

Taught in: 22
"""

import dataclasses
import math
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.evidence.store import Experiment
from kit.explore.precision import PARTS, ROWS, STEPS, STORY_GPT, gradients, one_part, story_gpt, story_rows
from kit.learn.schedules import constant, cosine, warmup
from kit.train.amp import precision
from kit.train.batches import Batch, epochs
from kit.train.loop import Record, backward, fit
from kit.train.objectives import mean_loss, next_token_loss
from kit.train.underflow import out_of_range

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
# The largest stable rate -------------------------------------------------------------------------

STABLE = {"float32": "float32", "bfloat16": "bfloat16", "float16 with its scaler": "float16, scaled"}
"""The formats that are compared, and their ways."""

FIRST, GRID, OFTEN = 0.2, 2**0.5, 10  # the rate to begin at, from one to the next, and steps between two looks
KNOWS_NOTHING = math.log(STORY_GPT.vocab_size)  # the loss of giving each word the same chance


def diverges(way: str, lr: float, seed: int) -> bool:
    """Tell whether a training is at any look worse than knowing nothing, on rows never seen.

    The rate climbs for 20 steps, and stays.
    """
    way_precision, loss = WAYS[way]
    rows = story_rows(seed)
    held_out = rows[-HELD_OUT:]

    def evaluate(model: nn.Module) -> Record:
        return {"held out": mean_loss(model, next_token_loss, [held_out])}

    history = fit(
        story_gpt(seed),
        loss,
        epochs(rows[:-HELD_OUT], batch_size=ROWS, seed=seed),
        n_steps=STEPS,
        lr=warmup(constant(lr), n_steps=20),
        clip=None,
        precision=way_precision,
        evaluate=evaluate,
        evaluate_every=OFTEN,
    )
    _, losses = history.curve("held out")
    return history.diverged or not bool((losses < KNOWS_NOTHING).all())


def largest_stable_rate(dtype: str, seed: int) -> dict[str, float]:
    """Raise the rate by a factor of √2 until a training diverges; give the one before.

    Where the first diverges already, lower it until none does.
    """
    lr, way = FIRST, STABLE[dtype]
    if diverges(way, lr, seed):
        while diverges(way, lr := lr / GRID, seed):
            pass
        return {"log2": math.log2(lr)}
    while not diverges(way, higher := lr * GRID, seed):
        lr = higher
    return {"log2": math.log2(lr)}


STABLE_RATES = Experiment(
    name="stable_rates",
    measure=largest_stable_rate,
    factors={"dtype": tuple(STABLE)},
    seeds=10,
    quantities=("log2",),
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

# A scaler with bfloat16 --------------------------------------------------------------------------

TINY, SMALL_GPT = "one made to have tiny gradients", "small GPT"
SHRUNK = 2.0**-100  # beyond the one part in 512; float32 still bears it
SGD_LR = 0.5  # of plain descent; Adam squares gradients, and such squares are 0 in float32


def shrunk_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Measure a loss whose gradients are near the smallest numbers that bfloat16 holds."""
    return one_part(model, batch) * SHRUNK


def shrunk_descent(way: str, seed: int) -> float:
    """Train by plain descent on the shrunk loss, at a rate as much larger; give the loss on rows never seen."""
    way_precision, _ = WAYS[way]
    model, batches = story_gpt(seed), epochs(story_rows()[:-HELD_OUT], batch_size=ROWS, seed=seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=SGD_LR * PARTS / SHRUNK)
    scaler = way_precision.scaler()
    for step in range(STEPS):
        backward(model, shrunk_loss, batches(step), precision=way_precision, scaler=scaler)
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    return mean_loss(model, next_token_loss, [story_rows()[-HELD_OUT:]])


def scaler_with_bfloat16(model: str, seed: int) -> dict[str, float]:
    """Measure which share of the gradients a scaler saves in bfloat16, and the final loss in three ways."""
    g = gradients(seed) * (SHRUNK if model == TINY else 1.0)
    bare, scaled = (out_of_range(g, "bfloat16", scale=scale).underflow for scale in (1.0, 2.0**16))
    if model == TINY:
        losses = {way: shrunk_descent(way, seed) for way in SCALER_WAYS}
    else:
        losses = {way: _once(way, LR, seed)[STEPS] for way in SCALER_WAYS}
    return {"saved": bare - scaled, **losses}


SCALER_WAYS = ("float32", "bfloat16", "bfloat16, scaled")
SCALER = Experiment(
    name="scaler_with_bfloat16",
    measure=scaler_with_bfloat16,
    factors={"model": (SMALL_GPT, TINY)},
    seeds=10,
    quantities=("saved", *SCALER_WAYS),
)
