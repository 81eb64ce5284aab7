"""The six tasks of claim D04: what each learns from, and what it is judged by.

kit.evidence.architectures says what they are for.

Taught in: 14
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

from kit.evidence.rivals import Shape
from kit.learn.pictures import mnist
from kit.text.characters import N_SYMBOLS, stretches, symbols
from kit.text.corpus import standard_library, train_test_split
from kit.text.packing import IGNORE_INDEX
from kit.text.recall import BLANK, N_DIGITS, N_LETTERS, multi_query

N_LEARN, SMALL, LARGE = 3000, 16, 20  # pictures to learn from, and sides
N_STEPS, N_CONTEXT, SCORED_FROM = 30, 64, 16  # of adding; of characters: where counting begins
PAIRS, LETTERS, RECALL_TOKENS = 4, 8, 16

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Data:
    """What one repetition of a task learns from, and what it is judged by."""

    batch: Callable[[int], Batch]
    judge: Batch
    shape: Shape
    n_steps: int


# Pictures -----------------------------------------------------------------------------------------


@cache
def small_digits() -> tuple[np.ndarray, np.ndarray]:
    """Give MNIST's 5,000 digits at half their size with a pixel of margin, and centred."""
    half = mnist().images.reshape(5000, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
    return ((np.pad(half, ((0, 0), (1, 1), (1, 1))) - 0.1) / 0.27).astype(np.float32), mnist().labels


def picture_sides(seed: int, *, tuning: bool) -> tuple[np.ndarray, np.ndarray]:
    """Give the numbers of the pictures to learn from, and of those to judge by: others where it is for tuning."""
    shuffled = np.random.default_rng(10**6).permutation(5000)
    aside, rest = shuffled[:1000], np.random.default_rng(seed).permutation(shuffled[1000:])
    return rest[:N_LEARN], aside if tuning else rest[N_LEARN:]


def moved(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put each picture at a random place of a larger one."""
    canvas = np.full((len(images), LARGE, LARGE), images.min(), dtype=np.float32)
    top, left = rng.integers(LARGE - SMALL + 1, size=(2, len(images), 1, 1))
    rows, columns = top + np.arange(SMALL)[:, None], left + np.arange(SMALL)
    canvas[np.arange(len(images))[:, None, None], rows, columns] = images
    return canvas


def pictures(seed: int, *, tuning: bool, anywhere: bool) -> Data:
    images, labels = small_digits()
    learn, judge = picture_sides(seed, tuning=tuning)

    def placed(rows: np.ndarray, rng: np.random.Generator) -> Batch:
        shown = moved(images[rows], rng) if anywhere else images[rows]
        return torch.from_numpy(shown), torch.from_numpy(labels[rows])

    def batch(step: int) -> Batch:
        rng = np.random.default_rng([seed, step])
        return placed(rng.choice(learn, size=32), rng)

    shape = Shape("pictures", LARGE, 10, 5) if anywhere else Shape("pictures", SMALL, 10, 4)
    n_steps = 450 if anywhere else 350
    return Data(batch, placed(judge, np.random.default_rng([seed, 10**6])), shape, n_steps)


# Sequences ----------------------------------------------------------------------------------------


def adding(seed: int, *, tuning: bool) -> Data:
    def draw(n: int, rng: np.random.Generator) -> Batch:
        numbers, marks, half = rng.random((n, N_STEPS)), np.zeros((n, N_STEPS)), N_STEPS // 2
        for first in (0, half):
            marks[np.arange(n), first + rng.integers(half, size=n)] = 1
        x = torch.from_numpy(np.stack([numbers, marks], axis=2)).float()
        return x, torch.from_numpy((numbers * marks).sum(axis=1, keepdims=True)).float()

    return fresh(draw, seed, Shape("numbers", 2, 1, N_STEPS), n_rows=32, n_steps=450)


def parity(seed: int, *, tuning: bool) -> Data:
    def draw(n: int, rng: np.random.Generator) -> Batch:
        bits = rng.integers(2, size=(n, 32))
        return torch.from_numpy(bits), torch.from_numpy(bits.cumsum(axis=1) % 2)

    return fresh(draw, seed, Shape("tokens", 2, 2, 32, every=True), n_rows=32, n_steps=350)


def fresh(draw: Callable[[int, np.random.Generator], Batch], seed: int, shape: Shape, *, n_rows: int, n_steps: int):
    """Let each step, and the judgement, have examples of their own."""
    judge = draw(2000, np.random.default_rng([seed, 10**6]))
    return Data(lambda step: draw(n_rows, np.random.default_rng([seed, step])), judge, shape, n_steps)


# Language -----------------------------------------------------------------------------------------


@cache
def library_text() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Read the standard library but `encodings/`: files to learn from, text to tune by, and text to report by."""
    documents = [each for each in standard_library() if not each.name.startswith("encodings/")]
    learn, held_out = train_test_split(documents, held_out=0.2)
    tune_by, report = train_test_split(held_out, held_out=0.5, group=lambda document: f"again {document.name}")
    texts = [[symbols(each.text) for each in side] for side in (learn, tune_by, report)]
    return texts[0], np.concatenate(texts[1]), np.concatenate(texts[2])


@cache
def learned_text(seed: int) -> np.ndarray:
    """Give a million characters of files drawn at random."""
    files = library_text()[0]
    order = np.random.default_rng(seed).permutation(len(files))
    return np.concatenate([files[i] for i in order])[:1_000_000]


def characters(seed: int, *, tuning: bool) -> Data:
    _, tune_by, report = library_text()
    text = learned_text(seed)

    def cut(n: int, rng: np.random.Generator, of: np.ndarray) -> Batch:
        rows = torch.from_numpy(stretches(of, n, length=N_CONTEXT + 1, rng=rng))
        return rows[:, :-1], rows[:, 1:]

    x, y = cut(1000, np.random.default_rng([seed, 10**6]), tune_by if tuning else report)
    y = y.clone()
    y[:, :SCORED_FROM] = IGNORE_INDEX
    shape = Shape("tokens", N_SYMBOLS, N_SYMBOLS, N_CONTEXT, every=True)
    return Data(lambda step: cut(16, np.random.default_rng([seed, step]), text), (x, y), shape, 400)


def recall(seed: int, *, tuning: bool) -> Data:
    def draw(n: int, rng: np.random.Generator) -> Batch:
        rows, targets = multi_query(n, n_pairs=PAIRS, n_tokens=RECALL_TOKENS, n_letters=LETTERS, rng=rng)
        asked = targets != IGNORE_INDEX
        return torch.from_numpy(rows), torch.from_numpy(np.where(asked, targets - N_LETTERS, IGNORE_INDEX))

    return fresh(draw, seed, Shape("tokens", BLANK + 1, N_DIGITS, RECALL_TOKENS, every=True), n_rows=32, n_steps=700)


MAKERS: dict[str, Callable[..., Data]] = {
    "digits": partial(pictures, anywhere=False),
    "moved digits": partial(pictures, anywhere=True),
    "adding": adding,
    "parity": parity,
    "characters": characters,
    "recall": recall,
}
