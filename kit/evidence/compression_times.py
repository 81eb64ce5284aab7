"""Claim J02.3: is int8 faster here? And what every way to compress saves in seconds, on one core.

Seconds hang on shapes and not on what was learned: the models are those of kit.evidence.compression and
kit.evidence.compressed_tales, with first weights. A repetition draws weights and inputs, and times all models of a
size in turn, nine times; their medians count. All of them read a batch at once: 100 digits, or 16 tales of 32 words.
One digit, and one tale, are timed beside. The shares are those of the evidence: a mask over four fifths of the
weights, half of the filters, a quarter of the channels, one block for all layers.

Taught in: 25
"""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from kit.compress.int8 import calibrate, quantize_layers
from kit.compress.prune import global_masks, masks_kept, matrices
from kit.compress.share import share_layers
from kit.evidence.compressed_tales import SHAPE, STUDENT_SHAPE
from kit.evidence.compression import FIFTH, STUDENT
from kit.evidence.small_models import SPREAD, made_by
from kit.evidence.store import Experiment
from kit.explore.compression import WIDTHS, new_cnn
from kit.machine import seconds_in_turn
from kit.models.gpt import GPT, GPTConfig

N_PICTURES, N_TALES, N_WORDS, N_TURNS = 100, 16, 32, 9
WAYS = {
    "CNN": ("whole", "pruned", "cut", "int8", "student", "all"),
    "GPT": ("whole", "pruned", "int8", "student", "shared", "all"),
}
SIZES = ("batch", "one")


def cnns(seed: int, x: Tensor) -> dict[str, nn.Module]:
    """Make the CNN in every way."""
    whole, student = new_cnn(seed), new_cnn(seed, widths=STUDENT)
    half = tuple(width // 2 for width in WIDTHS)
    models = {"whole": whole, "pruned": masked(whole), "cut": new_cnn(seed, widths=half), "student": student}
    return models | {"int8": in_int8(whole, x), "all": in_int8(student, x)}


def gpts(seed: int, x: Tensor) -> dict[str, nn.Module]:
    """Make the GPT in every way."""
    whole, shared = (made_by(GPT, GPTConfig(**SHAPE, dropout=0.0), seed=seed, std=SPREAD).eval() for _ in range(2))
    student = made_by(GPT, GPTConfig(**STUDENT_SHAPE, dropout=0.0), seed=seed, std=SPREAD).eval()
    share_layers(shared)
    models = {"whole": whole, "pruned": masked(whole), "student": student, "shared": shared}
    return models | {"int8": in_int8(whole, x), "all": in_int8(shared, x)}


def masked(model: nn.Module) -> nn.Module:
    """Set four fifths of a copy's weights to 0."""
    zeros = copy.deepcopy(model)
    with masks_kept(zeros, global_masks(matrices(zeros), share=FIFTH)):
        return zeros


def in_int8(model: nn.Module, x: Tensor) -> nn.Module:
    """Quantise weights and inputs."""
    return quantize_layers(model, calibrate(model, [x]))


def medians(models: Mapping[str, nn.Module], x: Tensor) -> dict[str, float]:
    """Time models in turn; give each one's median of nine."""
    with torch.inference_mode():
        turns = seconds_in_turn(*[lambda model=model: model(x) for model in models.values()], repeats=N_TURNS)
    return {way: float(np.median(seconds)) for way, seconds in zip(models, turns, strict=True)}


def compressed_seconds(seed: int) -> dict[str, float]:
    """Time every way, on a batch and on one."""
    generator, found = torch.Generator().manual_seed(seed), dict[str, float]()
    pictures = torch.rand(N_PICTURES, 1, 28, 28, generator=generator)
    words = torch.randint(SHAPE["vocab_size"], (N_TALES, N_WORDS), generator=generator)
    for name, x, make in (("CNN", pictures, cnns), ("GPT", words, gpts)):
        models = {way: model.eval() for way, model in make(seed, x).items()}
        for size, some in (("batch", x), ("one", x[:1])):
            found |= {f"{name} {way} {size}": each for way, each in medians(models, some).items()}
    return found


COMPRESSED_SECONDS = Experiment(
    name="compressed_seconds",
    measure=compressed_seconds,
    seeds=20,
    quantities=tuple(f"{name} {way} {size}" for name, ways in WAYS.items() for way in ways for size in SIZES),
    alone=True,
)
