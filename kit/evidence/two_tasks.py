"""Two tasks as text to text: one T5 for both against a specialist for each, trained so short that neither is perfect.

A repetition has first weights and batches of its own; the text is one for all.

Taught in: 20
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor, nn

from kit.evidence.small_models import (
    FILL,
    ID,
    N_FRESH,
    N_TRAIN,
    PAD,
    SUM,
    THINGS,
    X,
    Y,
    logits,
    opening_rows,
    trained,
)
from kit.evidence.store import Experiment
from kit.text.objectives import decoder_inputs
from kit.text.stories import STORIES

TASKS = {"fill": FILL, "sum": SUM}
COLOURS = [ID[colour] for colour in STORIES.rules["COLOUR"] if isinstance(colour, str)]


@cache
def task_rows(task: str) -> tuple[Integer[np.ndarray, "texts longest"], Integer[np.ndarray, "texts 3"]]:
    """Write every opening as a source and a target of one task: fill its gap, or sum it up in three words."""
    texts = opening_rows()
    every, place = np.arange(len(texts)), np.isin(texts, THINGS).argmax(axis=1)
    source, thing = texts.copy(), texts[every, place]
    if task == "fill":
        source[every, place] = X
        target = np.stack([np.full_like(thing, X), thing, np.full_like(thing, Y)], axis=1)
    else:
        colour = texts[every, np.isin(texts, COLOURS).argmax(axis=1)]
        target = np.stack([texts[:, 0], colour, thing], axis=1)
    return np.insert(source, 0, TASKS[task], axis=1), target


def text_to_text(
    source: Integer[np.ndarray, "texts longest"], target: Integer[np.ndarray, "texts words"]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give what T5 reads, what its decoder sees, which words of the source are there, and what is asked."""
    seen = torch.from_numpy(source)
    return seen, torch.from_numpy(decoder_inputs(target, start=PAD)), seen != PAD, torch.from_numpy(target)


def task_batches(learned: tuple[str, ...], *, seed: int) -> Callable[[int], tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Draw 16 examples of each task for a step."""

    def batch(step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rng = np.random.default_rng([seed, step])
        picks = [rng.integers(N_TRAIN, size=16) for _ in learned]
        parts = [[table[pick] for table in task_rows(task)] for task, pick in zip(learned, picks, strict=True)]
        source, target = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return text_to_text(source, target)

    return batch


N_CHOICE = N_FRESH // 2  # of the fresh openings: those by which the rate is chosen; the others judge
RATES = (2.5e-3, 5e-3, 1e-2)
SHORT, BOTH = 130, "both"  # steps after which a specialist has 60 to 95% of its answers right


def exact(t5: nn.Module, task: str, fresh: slice = slice(N_TRAIN, None)) -> float:
    """Measure the share of fresh answers with every word right."""
    *inputs, target = text_to_text(*(table[fresh] for table in task_rows(task)))
    # the decoder sees the true words before each: all its choices are right exactly where its own text would be
    return (logits(t5, *inputs).argmax(-1) == target).all(dim=1).float().mean().item()


def two_tasks(learned: str, seed: int) -> dict[str, float]:
    """Train a T5 on both tasks or on one at each of three rates, and measure its answers at the best rate."""
    which = tuple(TASKS) if learned == BOTH else (learned,)
    chosen, scores = -1.0, {}
    for lr in RATES:
        t5 = trained("T5", task_batches(which, seed=seed), seed=seed, lr=lr, n_steps=SHORT, std=None)
        choice = float(np.mean([exact(t5, task, slice(N_TRAIN, N_TRAIN + N_CHOICE)) for task in which]))
        if choice > chosen:
            chosen = choice
            scores = {task: exact(t5, task, slice(N_TRAIN + N_CHOICE, None)) for task in TASKS} | {"lr": lr}
    return scores


TWO_TASKS = Experiment(
    name="two_tasks",
    measure=two_tasks,
    factors={"learned": (BOTH, *TASKS)},
    seeds=10,
    quantities=(*TASKS, "lr"),
)
