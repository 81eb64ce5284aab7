"""Claims J01, J03 and J04 on stories: a small GPT pruned, distilled and with one block for all layers, and a BERT.

The text is the short tales of kit.evidence.small_models, whose entropy is known. The models have four layers of 48:
with two, one block for all could not halve anything. A repetition draws the tales that are learned from, 1,000
others that report, the first weights and the batches. Trials that choose settings have seeds, and tales, of their own.

    READER_TRIALS          the rate of each model, with its own layers and with one block for all
    TALE_TUNING_ON_TRIALS  the rate at which the GPT is tuned on: whole, and pruned to a fifth
    TALE_STUDENT_TRIALS    the student's rate, and its one knob: a teacher's temperature, or the smoothing of labels
    COMPRESSED_TALES       losses and bytes of every way

What decides, written before any run that counts. J01.2: the loss above the floor of the GPT pruned to a fifth and
tuned on for 100 steps, over that of the whole one tuned on for as many, less 1. The floor is what the grammar itself
pays for the same tales. J03.1: the loss of a student of two layers of 24 with smoothed labels, less that of the same
student with the GPT as its teacher: the same steps, rates and knobs from grids of one size. J04.2: the loss with one
block for all layers over that with layers of their own, less 1, each at its rate; a BERT's is that of hidden words.

Beside, deciding nothing: int8, int4, and the GPT with one block, pruned by half, tuned on with its teacher, in int8.

Taught in: 25
"""

import copy
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor, nn

from kit.compress.distill import smoothed, taught_by
from kit.compress.int8 import calibrate, quantize_layers
from kit.compress.prune import global_masks, masks_kept, matrices
from kit.compress.share import share_layers
from kit.compress.size import sizes
from kit.evidence.compression import FIFTH, HALF, SHARES, SIZES, chosen_from, in_int4
from kit.evidence.small_models import (
    MASK,
    N_TRAIN,
    PAD,
    SPREAD,
    START,
    TALES,
    VOCAB,
    drawn,
    made_by,
    next_word_batches,
    rows,
)
from kit.evidence.store import Experiment
from kit.explore.compression import train
from kit.models.bert import BERT, BERTConfig
from kit.models.gpt import GPT, GPTConfig
from kit.text.grammar import tokens
from kit.text.objectives import mask_tokens
from kit.text.packing import IGNORE_INDEX
from kit.train.batches import Batch
from kit.train.objectives import Loss, accuracy, mean_loss, token_loss

SHAPE: dict[str, Any] = {"vocab_size": len(VOCAB), "n_positions": 64, "n_layers": 4, "n_heads": 4, "d_model": 48}
STUDENT_SHAPE: dict[str, Any] = SHAPE | {"n_layers": 2, "d_model": 24}
N_REPORT, BATCH, N_STEPS, MORE_STEPS, N_MASKINGS = 1_000, 16, 300, 100, 3
TEACHERS_PART = 0.75
READERS = ("GPT", "GPT shared", "BERT", "BERT shared")
WAYS = ("whole", "pruned", "int8", "int4", "student", "shared", "all")
"""All: one block for all layers, pruned by half, tuned on with the whole model as its teacher, and in int8."""


@cache
def texts(seed: int) -> list[list[str]]:
    """Write the tales of a repetition, as words: those to learn from, and behind them those that report."""
    rng = np.random.default_rng([25, seed])
    return [tokens(TALES.write(rng=rng)) for _ in range(N_TRAIN + N_REPORT)]


@cache
def table(seed: int, *, openings: bool = False) -> Integer[np.ndarray, "tales longest"]:
    """Give the tales as rows; of openings the first two sentences alone, as a BERT reads them."""
    found = texts(seed)
    if openings:
        found = [tale[: tale.index(".", tale.index(".") + 1) + 1] for tale in found]
    return rows(found)


@cache
def floor(seed: int) -> float:
    """Give what the grammar itself pays for the tales that report, in nats a word."""
    bits = [TALES.surprisal(" ".join(tale).replace(" \n", "\n")) for tale in texts(seed)[N_TRAIN:]]
    return float(np.concatenate(bits).mean()) * math.log(2)


def hidden_words(some: Integer[np.ndarray, "rows length"], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Hide 15% of the words of some rows: what a BERT is given, and asked for."""
    inputs, targets = mask_tokens(some, mask=MASK, vocab_size=len(VOCAB), special=range(7), rng=rng)
    seen = torch.from_numpy(inputs)
    return seen, torch.zeros_like(seen), seen != PAD, torch.from_numpy(targets)


def batches_of(kind: str, seed: int) -> Callable[[int], Batch]:
    """Give what a model learns from, step by step."""
    if kind == "GPT":
        return next_word_batches(table(seed), seed=seed, size=BATCH)

    def batch(step: int) -> Batch:
        return hidden_words(*drawn(table(seed, openings=True), seed=seed, step=step, size=2 * BATCH))

    return batch


@cache
def reported(kind: str, seed: int) -> list[Batch]:
    """Give the batches that report; of openings every row several times, with other words hidden."""
    if kind == "BERT":
        fresh, rng = table(seed, openings=True)[N_TRAIN:], np.random.default_rng([seed, 1])
        return [hidden_words(fresh, rng) for _ in range(N_MASKINGS)]
    fresh = np.insert(table(seed)[N_TRAIN:], 0, START, axis=1)
    targets = np.where(fresh[:, 1:] == PAD, IGNORE_INDEX, fresh[:, 1:])
    whole = torch.from_numpy(fresh[:, :-1]), torch.from_numpy(targets)
    return [tuple(part[i : i + 100] for part in whole) for i in range(0, N_REPORT, 100)]


def loss_on_report(model: nn.Module, kind: str, seed: int) -> float:
    """Measure the loss on tales that were never learned from."""
    return mean_loss(model, token_loss, reported(kind, seed))


def new_reader(reader: str, seed: int) -> nn.Module:
    """Make one of `READERS`, which has read nothing yet."""
    kind, _, shared = reader.partition(" ")
    make, config = (GPT, GPTConfig) if kind == "GPT" else (BERT, BERTConfig)
    model = made_by(make, config(**SHAPE, dropout=0.0), seed=seed, std=SPREAD)
    return share_layers(model) if shared else model


@cache
def reader_at(reader: str, seed: int, lr: float) -> nn.Module:
    """Train one of `READERS` at a rate; a process does it once."""
    return train(new_reader(reader, seed), batches_of(reader.split()[0], seed), lr=lr, n_steps=N_STEPS)


def tuned_on(model: nn.Module, *, seed: int, lr: float, share: float = 0.0, loss: Loss = token_loss) -> nn.Module:
    """Prune a copy of a GPT to a share, and let what is left read on."""
    again, batches = copy.deepcopy(model), batches_of("GPT", seed)

    def going_on(step: int) -> Batch:
        return batches(N_STEPS + step)

    with masks_kept(again, global_masks(matrices(again), share=share)):
        return train(again, going_on, lr=lr, n_steps=MORE_STEPS, loss=loss)


def student(rival: str, teacher: nn.Module, *, lr: float, knob: int, seed: int) -> nn.Module:
    """Train the small GPT, with its teacher or with smoothed labels."""
    model = made_by(GPT, GPTConfig(**STUDENT_SHAPE, dropout=0.0), seed=seed, std=SPREAD)
    return train(model, batches_of("GPT", seed), lr=lr, n_steps=N_STEPS, loss=loss_of(rival, knob, teacher))


def loss_of(rival: str, knob: int, teacher: nn.Module) -> Loss:
    """Give a rival's loss at a place of its knob."""
    if rival == "with":
        return taught_by(teacher, temperature=TEMPERATURES[knob], weight=TEACHERS_PART)
    return smoothed(SMOOTHINGS[knob])


# What is chosen ------------------------------------------------------------------------------------

TRIED = 1_000  # the seeds of trials start here
READER_RATES, RATES = (3e-3, 6e-3, 1.2e-2, 2.4e-2), (1.1e-4, 3.3e-4, 1e-3, 3e-3, 9e-3, 2.7e-2, 8.1e-2)
STUDENT_RATES = (6e-3, 1.2e-2, 2.4e-2, 4.8e-2)
TEMPERATURES, SMOOTHINGS, RIVALS = (1.0, 2.0, 4.0), (0.0, 0.03, 0.1), ("with", "without")


def reader_trial(reader: str, lr: float, seed: int) -> dict[str, float]:
    """Train one of `READERS` at a rate."""
    seed += TRIED
    return {"loss": loss_on_report(reader_at(reader, seed, lr), reader.split()[0], seed)}


def tuning_on_trial(rival: str, lr: float, seed: int) -> dict[str, float]:
    """Tune the GPT on at a rate."""
    seed += TRIED
    model = tuned_on(reader_at("GPT", seed, rate_of("GPT")), seed=seed, lr=lr, share=SHARES[rival])
    return {"loss": loss_on_report(model, "GPT", seed)}


def student_trial(rival: str, lr: float, knob: int, seed: int) -> dict[str, float]:
    """Train a student at a setting."""
    seed += TRIED
    model = student(rival, reader_at("GPT", seed, rate_of("GPT")), lr=lr, knob=knob, seed=seed)
    return {"loss": loss_on_report(model, "GPT", seed)}


READER_TRIALS = Experiment(
    name="reader_trials",
    measure=reader_trial,
    factors={"reader": READERS, "lr": READER_RATES},
    seeds=1,
    quantities=("loss",),
)
TALE_TUNING_ON_TRIALS = Experiment(
    name="tale_tuning_on_trials",
    measure=tuning_on_trial,
    factors={"rival": tuple(SHARES), "lr": RATES},
    seeds=1,
    quantities=("loss",),
)
TALE_STUDENT_TRIALS = Experiment(
    name="tale_student_trials",
    measure=student_trial,
    factors={"rival": RIVALS, "lr": STUDENT_RATES, "knob": tuple(range(len(TEMPERATURES)))},
    seeds=1,
    quantities=("loss",),
)


def rate_of(reader: str) -> float:
    """Give the rate at which one of `READERS` does best in the trials."""
    return chosen_from(READER_TRIALS, "loss").best[reader, None].setting["lr"]


# What counts ---------------------------------------------------------------------------------------


def in_int8(model: nn.Module, seed: int) -> nn.Module:
    """Quantise weights and inputs, calibrated on batches that were learned from."""
    return quantize_layers(model, calibrate(model, [batches_of("GPT", seed)(step)[:1] for step in range(5)]))


def compressed_tales(seed: int) -> dict[str, float]:
    """Measure every way: losses and bytes, and with one block for all layers."""
    readers = {reader: reader_at(reader, seed, rate_of(reader)) for reader in READERS}
    tuning, students = (chosen_from(trials, "loss") for trials in (TALE_TUNING_ON_TRIALS, TALE_STUDENT_TRIALS))
    rates = {rival: tuning.best[rival, None].setting["lr"] for rival in SHARES}
    base, setting = readers["GPT"], {rival: students.best[rival, None].setting for rival in RIVALS}
    models = {
        "whole": tuned_on(base, seed=seed, lr=rates["whole"]),
        "pruned": tuned_on(base, seed=seed, lr=rates["pruned"], share=FIFTH),
        "int8": in_int8(base, seed),
        "student": student("with", base, **setting["with"], seed=seed),
        "shared": readers["GPT shared"],
    }
    by_teacher = loss_of("with", setting["with"]["knob"], base)
    small = tuned_on(readers["GPT shared"], seed=seed, lr=rates["pruned"], share=HALF, loss=by_teacher)
    models["all"] = in_int8(small, seed)
    found = {f"{way} loss": loss_on_report(model, "GPT", seed) for way, model in models.items()}
    for way, model in models.items():
        found |= {f"{way} {kind}": float(getattr(sizes(model), kind)) for kind in SIZES}
    four_bits, n_bytes = in_int4(base)
    found |= {"int4 loss": loss_on_report(four_bits, "GPT", seed)}
    found |= {f"int4 {kind}": float(n_bytes) for kind in SIZES}
    without = student("without", base, **setting["without"], seed=seed)
    found |= {"student without loss": loss_on_report(without, "GPT", seed), "floor": floor(seed)}
    found |= {"float32 loss": loss_on_report(base, "GPT", seed), "float32 file": float(sizes(base).file)}
    for name, model in (("float32", base), ("int8", models["int8"])):
        found[f"{name} words right"] = mean_loss(model, accuracy, reported("GPT", seed))
    return found | {f"{reader} loss": loss_on_report(readers[reader], reader.split()[0], seed) for reader in READERS}


COMPRESSED_TALES = Experiment(
    name="compressed_tales",
    measure=compressed_tales,
    seeds=10,
    quantities=(
        *(f"{way} {what}" for way in WAYS for what in ("loss", *SIZES)),
        *(f"{reader} loss" for reader in READERS),
        *("float32 loss", "float32 file", "student without loss", "floor", "float32 words right", "int8 words right"),
    ),
)
