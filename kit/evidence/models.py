"""Small models read and write: who finds a hidden word, who writes well, what a parallel block costs.

A repetition has first weights, batches and chances of its own; the text is one for all.

Taught in: 18 19 20
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from kit.evidence.small_models import (
    ID,
    MASK,
    N_FRESH,
    N_TRAIN,
    PAD,
    SPREAD,
    START,
    TALES,
    THINGS,
    VOCAB,
    logits,
    made,
    masked_batches,
    next_word_batches,
    opening_rows,
    tale_rows,
    tales,
    trained,
)
from kit.evidence.store import Experiment
from kit.machine import seconds_in_turn
from kit.train.decoding import generate
from kit.train.objectives import token_loss

# A hidden word -----------------------------------------------------------------------------------


def with_gap() -> tuple[Integer[np.ndarray, "texts longest"], Integer[np.ndarray, "texts"]]:
    """Give fresh openings, and the place in each where the thing is first named."""
    texts = opening_rows()[N_TRAIN:]
    return texts, np.isin(texts, THINGS).argmax(axis=1)


def by_mask(
    bert: nn.Module, texts: Integer[np.ndarray, "texts longest"], gap: Integer[np.ndarray, "texts"], *, cut: bool
) -> Int[Tensor, "texts"]:
    """Put a mask into the gap, and take the likeliest word; where `cut`, the text ends there."""
    seen = texts.copy()
    seen[np.arange(len(texts)), gap] = MASK
    if cut:
        seen[np.arange(texts.shape[1]) > gap[:, None]] = PAD
    return logits(bert, seen, np.zeros_like(seen), seen != PAD)[np.arange(len(texts)), gap].argmax(-1)


def by_next_word(
    gpt: nn.Module, texts: Integer[np.ndarray, "texts longest"], gap: Integer[np.ndarray, "texts"]
) -> Int[Tensor, "texts"]:
    """Take the word that is likeliest after those before the gap."""
    return logits(gpt, np.insert(texts, 0, START, axis=1)[:, :-1])[np.arange(len(texts)), gap].argmax(-1)


def by_trying(
    gpt: nn.Module, texts: Integer[np.ndarray, "texts longest"], gap: Integer[np.ndarray, "texts"]
) -> Int[Tensor, "texts"]:
    """Put each thing into the gap, and take the one that makes the likeliest text."""
    likelihoods = []
    for thing in THINGS:
        tried = texts.copy()
        tried[np.arange(len(texts)), gap] = thing
        scores = logits(gpt, np.insert(tried, 0, START, axis=1)[:, :-1]).log_softmax(-1)
        chosen = scores.gather(-1, torch.from_numpy(tried)[..., None])[..., 0]
        likelihoods.append((chosen * torch.from_numpy(tried != PAD)).sum(dim=1))
    return torch.tensor(THINGS)[torch.stack(likelihoods).argmax(dim=0)]


def hidden_word(model: str, seed: int) -> dict[str, float]:
    """Measure in how many fresh openings a model finds the thing: from the whole text, and from the left alone."""
    texts, gap = with_gap()
    if model == "BERT":
        bert = trained("BERT", masked_batches(seed=seed), seed=seed, lr=5e-3, n_steps=400)
        found = {"whole": by_mask(bert, texts, gap, cut=False), "left": by_mask(bert, texts, gap, cut=True)}
    else:
        batches = next_word_batches(opening_rows(), seed=seed, size=32)
        gpt = trained("GPT", batches, seed=seed, lr=5e-3, n_steps=400)
        found = {"whole": by_trying(gpt, texts, gap), "left": by_next_word(gpt, texts, gap)}
    truth = texts[np.arange(len(texts)), gap]
    return {sight: float((words.numpy() == truth).mean()) for sight, words in found.items()}


HIDDEN_WORD = Experiment(
    name="hidden_word", measure=hidden_word, factors={"model": ("BERT", "GPT")}, seeds=20, quantities=("whole", "left")
)

# Whole tales -------------------------------------------------------------------------------------

N_WRITTEN = 300


@cache
def tale_model(model: str, seed: int) -> nn.Module:
    """Train a model on the tales, 300 steps of 16; PaLM begins at the weights of its own page."""
    batches = next_word_batches(tale_rows(), seed=seed, size=16)
    return trained(model, batches, seed=seed, lr=1e-2, n_steps=300, std=SPREAD if model == "GPT" else None)


def judged(written: Sequence[Sequence[str]]) -> dict[str, float]:
    """Measure which share of tales the grammar accepts, and which share it accepts and training did not hold."""
    known, accepted = {" ".join(tale) for tale in tales()[:N_TRAIN]}, []
    for tale in map(" ".join, written):
        try:
            TALES.choices(tale.replace(" \n", "\n"))
            accepted.append(tale)
        except ValueError:
            pass
    return {"right": len(accepted) / len(written), "new": sum(tale not in known for tale in accepted) / len(written)}


def by_model(model: Any, *, seed: int) -> list[list[str]]:
    """Write tales by a model, word by word, as it finds them likely."""
    chance = torch.Generator().manual_seed(seed)
    begin = torch.full((N_WRITTEN, 1), START)
    written = generate(model, begin, n_tokens=60, temperature=1.0, generator=chance, stop=ID["\n"])
    found = [[VOCAB[i] for i in row[1:]] for row in written.tolist()]
    return [tale[: tale.index("\n") + 1] if "\n" in tale else tale for tale in found]


def by_counts(n: int, *, seed: int) -> list[list[str]]:
    """Write tales by an n-gram: go on as some training tale did after the same n - 1 words."""
    after: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for tale in tales()[:N_TRAIN]:
        padded = ["<start>"] * (n - 1) + tale
        for i, word in enumerate(tale):
            after[tuple(padded[i : i + n - 1])].append(word)
    rng, written = np.random.default_rng(seed), []
    for _ in range(N_WRITTEN):
        words = ["<start>"] * (n - 1)
        while words[-1] != "\n" and len(words) < n + 89:
            choices = after[tuple(words[len(words) - n + 1 :])]
            words.append(choices[rng.integers(len(choices))])
        written.append(words[n - 1 :])
    return written


def bits_a_tale(model: str, seed: int) -> dict[str, float]:
    """Measure what a fresh tale costs a model, in bits; the grammar's own entropy is the least."""
    judge = np.insert(tale_rows()[N_TRAIN:], 0, START, axis=1)
    scores, targets = logits(tale_model(model, seed), judge[:, :-1]), torch.from_numpy(judge[:, 1:])
    loss = F.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=PAD, reduction="sum")
    return {"bits": loss.item() / N_FRESH / math.log(2)}


def parallel_time(seed: int) -> dict[str, float]:
    """Time a training step of a parallel and of a serial PaLM in turn: the median of 41 ratios."""
    batch = next_word_batches(tale_rows(), seed=seed, size=16)(0)

    def step_of(name: str) -> Callable[[], None]:
        model = made(name, seed=seed)

        def step() -> None:
            token_loss(model, batch).backward()
            model.zero_grad()

        return step

    parallel, serial = seconds_in_turn(step_of("PaLM"), step_of("PaLM, serial"), repeats=41, clock=time.process_time)
    return {"ratio": float(np.median(np.array(parallel) / np.array(serial)))}


WRITTEN = Experiment(
    name="tales_written",
    measure=lambda seed: judged(by_model(tale_model("GPT", seed), seed=seed)),
    seeds=20,
    quantities=("right", "new"),
)
WRITTEN_BY_COUNTS = Experiment(
    name="tales_by_counts",
    measure=lambda n, seed: judged(by_counts(n, seed=seed)),
    factors={"n": (2, 4, 6, 8, 10, 12, 16, 20)},
    seeds=20,
    quantities=("right", "new"),
)
BITS = Experiment(
    name="bits_a_tale",
    measure=bits_a_tale,
    factors={"model": ("GPT", "PaLM", "PaLM, serial")},
    seeds=20,
    quantities=("bits",),
)
PARALLEL_TIME = Experiment(name="parallel_time", measure=parallel_time, seeds=20, quantities=("ratio",))

# Published sizes ---------------------------------------------------------------------------------

UNITS = {"M": 1e6, "B": 1e9}


def off_by(claimed: tuple[str, str], sizes: Sequence[int]) -> dict[str, list[float]]:
    """Hold a claimed range, such as 110M to 340M, against the smallest and the largest of a paper's sizes.

    By how much each end is off, as a share of it. So none of the sizes is outside where both are near 0.
    """
    ends = zip(claimed, (min(sizes), max(sizes)), strict=True)
    return {end: [abs(size / (float(end[:-1]) * UNITS[end[-1]]) - 1)] for end, size in ends}
