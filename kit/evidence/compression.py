"""Claims J01, J02 and J03 on digits: a small CNN pruned, cut, quantised, distilled, and all of it together.

A repetition draws the 1,500 digits that are learned from, the 2,500 that report, the first weights and the order of
the batches. 1,000 other digits, always the same, choose the settings; they are in no repetition.

    TUNING_ON_TRIALS   the rate at which a network is tuned on: the whole one, and the one pruned to a fifth
    STUDENT_TRIALS     the student's rate and its one knob: the temperature of a teacher, or the smoothing of labels
    COMPRESSED_DIGITS  accuracy and bytes of every way

What decides, written before any run that counts. J01.1: the network pruned to a fifth of its matrices by one bar for
all, and tuned on for 120 steps, less the whole one, tuned on for as many; each at the rate that suits it. J02.2: int8
weights with a scale for each channel and int8 inputs with a scale for each layer, calibrated on 200 digits that were
learned from, less float32, nothing tuned on. J03.1: a student of a quarter of the channels with the whole network as
its teacher, less the same student with smoothed labels: the same steps, both knobs and both rates from grids of one
size. J02.1 counts files that torch.save writes.

Beside, deciding nothing: half of the filters cut; four bits in groups of 16, weights alone; the student pruned by
half, tuned on with its teacher, and in int8; a planted outlier under one scale or one for each channel.

Taught in: 25
"""

import copy
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kit.arguments import instance
from kit.compress.distill import by_answers, smoothed
from kit.compress.int8 import PER, calibrate, quantize_layers
from kit.compress.outlier import plant_outlier
from kit.compress.prune import cut_units, global_masks, masks_kept, matrices, strongest, unit_norms
from kit.compress.quantize import quantize_groups
from kit.compress.size import sizes
from kit.evidence.store import Experiment, stored
from kit.explore.compression import BATCH, N_STEPS, as_tensor, new_cnn, sides, train, trained_cnn
from kit.learn.search import Search, tune
from kit.models.cnn import CNN
from kit.train.batches import epochs
from kit.train.objectives import Loss, token_loss
from kit.train.pictures import predict

FIFTH, HALF, MORE_STEPS, N_CALIBRATED, STUDENT = 0.8, 0.5, 120, 200, (4, 8)
TEACHERS_PART = 0.75  # of the loss; the labels have the rest
SIZES = ("dense", "index", "bitmap", "zipped", "file")
WAYS = ("whole", "pruned", "cut", "int8", "int4", "student", "all")
"""All: the student, pruned by half, tuned on with its teacher, and in int8."""


@cache
def whole(seed: int) -> CNN:
    """Give the network that all begins with; a process trains it once."""
    return trained_cnn(seed)


def tuned_on(model: CNN, *, seed: int, lr: float, share: float = 0.0, loss: Loss | None = None) -> CNN:
    """Prune a copy to a share, and train what is left for 120 steps more."""
    instance("model", model, nn.Module)
    again, images, labels = copy.deepcopy(model), *sides(seed)[0]
    rows = [as_tensor(images), torch.from_numpy(labels)]
    if loss is not None:
        rows.insert(1, answers(seed))
    batches = epochs(*rows, batch_size=BATCH, seed=seed + 1)
    with masks_kept(again, global_masks(matrices(again), share=share)):
        return train(again, batches, lr=lr, n_steps=MORE_STEPS, loss=loss or token_loss)


@cache
def answers(seed: int) -> Tensor:
    """Let the whole network give its logits for every digit that is learned from, once."""
    teacher = whole(seed)
    with torch.no_grad():
        return teacher(as_tensor(sides(seed)[0][0]))


def student(rival: str, *, lr: float, knob: int, seed: int) -> CNN:
    """Train the small network, with its teacher or with smoothed labels."""
    images, labels = sides(seed)[0]
    x, y = as_tensor(images), torch.from_numpy(labels)
    rows = (x, answers(seed), y) if rival == "with" else (x, y)
    batches = epochs(*rows, batch_size=BATCH, seed=seed)
    return train(new_cnn(seed, widths=STUDENT), batches, lr=lr, n_steps=N_STEPS, loss=loss_of(rival, knob))


def loss_of(rival: str, knob: int) -> Loss:
    """Give a rival's loss at a place of its knob."""
    if rival == "with":
        return by_answers(temperature=TEMPERATURES[knob], weight=TEACHERS_PART)
    return smoothed(SMOOTHINGS[knob])


def accuracy(model: nn.Module, seed: int, *, report: bool = True) -> float:
    """Measure the share right of the digits that report, or of those that choose."""
    images, labels = sides(seed)[1 if report else 2]
    return float((predict(model, images) == labels).mean())


# What is chosen ------------------------------------------------------------------------------------

TRIED = 1_000  # the seeds of trials start here
RATES, STUDENT_RATES = (3e-3, 1e-2, 3e-2, 1e-1), (1e-2, 3e-2, 1e-1)
TEMPERATURES, SMOOTHINGS = (1.0, 2.0, 4.0, 8.0), (0.0, 0.05, 0.1, 0.2)
SHARES, RIVALS = {"whole": 0.0, "pruned": FIFTH}, ("with", "without")


def tuning_on_trial(rival: str, lr: float, seed: int) -> dict[str, float]:
    """Tune on at a rate, and measure on the digits that choose."""
    seed += TRIED
    model = tuned_on(whole(seed), seed=seed, lr=lr, share=SHARES[rival])
    return {"accuracy": accuracy(model, seed, report=False)}


def student_trial(rival: str, lr: float, knob: int, seed: int) -> dict[str, float]:
    """Train a student at a setting, and measure on the digits that choose."""
    seed += TRIED
    return {"accuracy": accuracy(student(rival, lr=lr, knob=knob, seed=seed), seed, report=False)}


TUNING_ON_TRIALS = Experiment(
    name="tuning_on_trials",
    measure=tuning_on_trial,
    factors={"rival": tuple(SHARES), "lr": RATES},
    seeds=2,
    quantities=("accuracy",),
)
STUDENT_TRIALS = Experiment(
    name="student_trials",
    measure=student_trial,
    factors={"rival": RIVALS, "lr": STUDENT_RATES, "knob": tuple(range(len(TEMPERATURES)))},
    seeds=2,
    quantities=("accuracy",),
)


@cache
def chosen(experiment_name: str) -> Search:
    """Search the stored trials of tuning on, or of students."""
    return chosen_from(
        {each.name: each for each in (TUNING_ON_TRIALS, STUDENT_TRIALS)}[experiment_name], "accuracy", lowest=False
    )


def chosen_from(experiment: Experiment, quantity: str, *, lowest: bool = True) -> Search:
    """Search stored trials of rivals by a quantity, for the lowest or the highest; all rivals have one grid.

    Raises:
        TypeError, ValueError: if `experiment` is none, or a trial is not stored.
    """
    instance("experiment", experiment, Experiment)
    rivals, *axes = experiment.factors
    space = {axis: tuple(experiment.factors[axis]) for axis in axes}
    losses = stored(experiment, quantity) * (1 if lowest else -1)

    def loss(place: int, seed: int, **setting: float) -> float:
        return float(losses[(seed, place, *(space[axis].index(setting[axis]) for axis in axes))])

    named: dict[str, Callable] = {rival: partial(loss, i) for i, rival in enumerate(experiment.factors[rivals])}
    # below a temperature of 1 targets harden, and less than no smoothing there is not
    return tune(named, space, seeds=range(experiment.seeds), growths=0, limits={"knob": (0, math.inf)})


# What counts ---------------------------------------------------------------------------------------


def cut(model: CNN, *, seed: int, lr: float) -> CNN:
    """Cut half of the filters of both convolutions, with what reads them, and tune on."""
    small: Any = copy.deepcopy(model)
    parts: list[Any] = [*small.convs, small.head]
    first, second, head = parts
    n_first, n_second = (len(conv.weight) // 2 for conv in parts[:2])
    first, second = cut_units(first, second, strongest(unit_norms(first), n=n_first))
    second, head = cut_units(second, head, strongest(unit_norms(second), n=n_second))
    small.convs, small.head = nn.ModuleList([first, second]), head
    return tuned_on(small, seed=seed, lr=lr)


def in_int8(model: CNN, *, seed: int, weights: str = "channel", inputs: str = "tensor") -> CNN:
    """Quantise weights and inputs, calibrated on digits that were learned from."""
    some = as_tensor(sides(seed)[0][0][:N_CALIBRATED])
    return quantize_layers(model, calibrate(model, [some]), weights=weights, inputs=inputs)


def in_int4(model: nn.Module) -> tuple[nn.Module, int]:
    """Quantise all matrices to four bits in groups; give a copy that computes with them, and its bytes."""
    instance("model", model, nn.Module)
    small = copy.deepcopy(model)
    n_bytes = sum(4 * parameter.numel() for parameter in small.parameters() if parameter.ndim < 2)
    for weight in matrices(small).values():
        grouped = quantize_groups(weight.detach().flatten(1).cpu())
        weight.data = grouped.dense().view(weight.shape).to(weight)
        n_bytes += grouped.n_bytes
    return small, n_bytes


def compressed_digits(seed: int) -> dict[str, float]:
    """Measure every way: accuracy and bytes, and what is shown beside them."""
    rates = {rival: chosen(TUNING_ON_TRIALS.name).best[rival, None].setting["lr"] for rival in SHARES}
    settings = {rival: chosen(STUDENT_TRIALS.name).best[rival, None].setting for rival in RIVALS}
    base = whole(seed)
    models = {
        "whole": tuned_on(base, seed=seed, lr=rates["whole"]),
        "pruned": tuned_on(base, seed=seed, lr=rates["pruned"], share=FIFTH),
        "cut": cut(base, seed=seed, lr=rates["pruned"]),
        "int8": in_int8(base, seed=seed),
        "student": student("with", **settings["with"], seed=seed),
    }
    by_teacher = loss_of("with", settings["with"]["knob"])
    small = tuned_on(models["student"], seed=seed, lr=rates["pruned"], share=HALF, loss=by_teacher)
    models["all"] = in_int8(small, seed=seed)
    four_bits, n_bytes = in_int4(base)
    found = {f"{way} accuracy": accuracy(model, seed) for way, model in models.items()}
    for way, model in models.items():
        found |= {f"{way} {kind}": float(getattr(sizes(model), kind)) for kind in SIZES}
    found |= {"int4 accuracy": accuracy(four_bits, seed)} | {f"int4 {kind}": float(n_bytes) for kind in SIZES}
    found["float32 accuracy"] = accuracy(base, seed)
    found["float32 file"] = float(sizes(base).file)
    found["student without accuracy"] = accuracy(student("without", **settings["without"], seed=seed), seed)
    pruned_alone = copy.deepcopy(base)
    with masks_kept(pruned_alone, global_masks(matrices(base), share=FIFTH)):
        found["pruned alone accuracy"] = accuracy(pruned_alone, seed)
    planted = copy.deepcopy(base)
    plant_outlier(planted.convs[0], planted.convs[1], unit=int(np.argmax(unit_norms(base.convs[0]).numpy())))
    for weights in PER:
        for inputs in PER:
            broken = in_int8(planted, seed=seed, weights=weights, inputs=inputs)
            found[f"outlier, {weights}, {inputs} accuracy"] = accuracy(broken, seed)
    return found


COMPRESSED_DIGITS = Experiment(
    name="compressed_digits",
    measure=compressed_digits,
    seeds=10,
    quantities=(
        *(f"{way} {what}" for way in WAYS for what in ("accuracy", *SIZES)),
        "float32 accuracy",
        "float32 file",
        "student without accuracy",
        "pruned alone accuracy",
        *(f"outlier, {weights}, {inputs} accuracy" for weights in PER for inputs in PER),
    ),
)
