"""Claim D04: CNN, RNN and Transformer on two tasks of each family, equal in parameters, examples and trials.

The design, written down before the first full run.

Tasks. Of pictures: *digits*, 3,000 digits of MNIST to learn from, 14 by 14 pixels; *moved digits*, the same at a
random place of 20 by 20, anew at each step. Of sequences: *adding*, the sum of the two numbers among 50 that are
marked, one in either half; *parity*, whether the 1s so far are odd, at each of 32 steps. Of language: *characters*,
the next character of Python's standard library, after 64 at most; *recall*, the signs of four letters, asked for in
20 places. A repetition draws data or split, first weights and order.

Rivals. Those of kit.evidence.rivals, 12,000 parameters each. All learn a task from as many batches of the same
examples, by AdamW with a warm-up and a cosine. All are tuned on one grid: three rates and two starts a rival, two
seeds of which none counts later; of pictures and characters other ones judge than those that report.

Score. The share right; of adding R², 1 less the squared error over that of the mean; of characters the bits for each,
turned to the negative. The sentence asks for the best on both tasks, so a repetition gives the smaller of the two
leads over the better rival. It is in two units, and the bar is 0 in either.

Baselines, on the chart: logistic regression on pixels; least squares; the commoner parity; the best n-gram up to 6
characters; the sign that is told most often.

Taught in: 14
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from kit.evidence.rivals import RIVALS, STARTS, Shape, made
from kit.evidence.store import Experiment, stored
from kit.learn.pictures import mnist
from kit.learn.search import tune
from kit.text.characters import N_SYMBOLS, stretches, symbols
from kit.text.corpus import standard_library, train_test_split
from kit.text.ngram import count_ngrams
from kit.text.packing import IGNORE_INDEX
from kit.text.recall import BLANK, N_DIGITS, N_LETTERS, multi_query
from kit.train.loop import adamw

FAMILIES = {
    "CNN on images": ("CNN", ("digits", "moved digits")),
    "RNN on sequences": ("RNN", ("adding", "parity")),
    "Transformer on language": ("Transformer", ("characters", "recall")),
}
TASKS = tuple(task for _, tasks in FAMILIES.values() for task in tasks)
RATES = (0.001, 0.003, 0.01)
JUDGES = (1000, 1001)
N_LEARN, SMALL, LARGE = 3000, 14, 20  # pictures to learn from, and sides
N_STEPS, N_CONTEXT, SCORED_FROM = 50, 64, 16  # of adding; of characters: where counting begins
PAIRS, RECALL_TOKENS = 4, 28

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
    """Give MNIST's 5,000 digits at half their size, and centred."""
    grey = mnist().images.reshape(5000, SMALL, 2, SMALL, 2).mean(axis=(2, 4)) / 255
    return ((grey - 0.13) / 0.31).astype(np.float32), mnist().labels


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
        return placed(rng.choice(learn, size=64), rng)

    shape = Shape("pictures", LARGE, 10, 5) if anywhere else Shape("pictures", SMALL, 10, 7)
    n_steps = 700 if anywhere else 500
    return Data(batch, placed(judge, np.random.default_rng([seed, 10**6])), shape, n_steps)


# Sequences ----------------------------------------------------------------------------------------


def adding(seed: int, *, tuning: bool) -> Data:
    def draw(n: int, rng: np.random.Generator) -> Batch:
        numbers, marks, half = rng.random((n, N_STEPS)), np.zeros((n, N_STEPS)), N_STEPS // 2
        for first in (0, half):
            marks[np.arange(n), first + rng.integers(half, size=n)] = 1
        x = torch.from_numpy(np.stack([numbers, marks], axis=2)).float()
        return x, torch.from_numpy((numbers * marks).sum(axis=1, keepdims=True)).float()

    return fresh(draw, seed, Shape("numbers", 2, 1, N_STEPS), n_rows=64, n_steps=600)


def parity(seed: int, *, tuning: bool) -> Data:
    def draw(n: int, rng: np.random.Generator) -> Batch:
        bits = rng.integers(2, size=(n, 32))
        return torch.from_numpy(bits), torch.from_numpy(bits.cumsum(axis=1) % 2)

    return fresh(draw, seed, Shape("tokens", 2, 2, 32, every=True), n_rows=64, n_steps=600)


def fresh(draw: Callable[[int, np.random.Generator], Batch], seed: int, shape: Shape, *, n_rows: int, n_steps: int):
    """Let each step, and the judgement, have examples of their own."""
    judge = draw(2000, np.random.default_rng([seed, 10**6]))
    return Data(lambda step: draw(n_rows, np.random.default_rng([seed, step])), judge, shape, n_steps)


# Language -----------------------------------------------------------------------------------------


@cache
def library_text() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Read the standard library as symbols, `encodings/` left out: files to learn from, text to tune by, to report by."""
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
    return Data(lambda step: cut(32, np.random.default_rng([seed, step]), text), (x, y), shape, 600)


def recall(seed: int, *, tuning: bool) -> Data:
    def draw(n: int, rng: np.random.Generator) -> Batch:
        rows, targets = multi_query(n, n_pairs=PAIRS, n_tokens=RECALL_TOKENS, rng=rng)
        asked = targets != IGNORE_INDEX
        return torch.from_numpy(rows), torch.from_numpy(np.where(asked, targets - N_LETTERS, IGNORE_INDEX))

    return fresh(draw, seed, Shape("tokens", BLANK + 1, N_DIGITS, RECALL_TOKENS, every=True), n_rows=64, n_steps=800)


MAKERS: dict[str, Callable[..., Data]] = {
    "digits": partial(pictures, anywhere=False),
    "moved digits": partial(pictures, anywhere=True),
    "adding": adding,
    "parity": parity,
    "characters": characters,
    "recall": recall,
}

# The contest --------------------------------------------------------------------------------------


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Measure the squared error of numbers, or the cross-entropy of classes."""
    x, y = batch
    out = model(x)
    if y.is_floating_point():
        return F.mse_loss(out, y)
    return F.cross_entropy(out.flatten(0, -2), y.flatten(), ignore_index=IGNORE_INDEX)


@torch.no_grad()
def score(model: nn.Module, task: str, judge: Batch) -> float:
    """Give the share right, R² of numbers, or of characters the bits for each, turned to the negative."""
    x, y = judge
    out = torch.cat([model(part) for part in x.split(250)])
    if y.is_floating_point():
        return float(1 - F.mse_loss(out, y) / y.var(correction=0))
    if task == "characters":
        return -float(F.cross_entropy(out.flatten(0, -2), y.flatten(), ignore_index=IGNORE_INDEX) / np.log(2))
    asked = y != IGNORE_INDEX
    return float((out.argmax(dim=-1) == y)[asked].float().mean())


def taught(model: nn.Module, batch: Callable[[int], Batch], *, n_steps: int, lr: float) -> list[float]:
    """Train by AdamW, with a warm-up over a tenth, a cosine down to 0, and gradients no longer than 1; give losses."""
    optimizer, losses = adamw(model, weight_decay=0.01), []
    for step in range(n_steps):
        rate = lr * min(1.0, (step + 1) / (0.1 * n_steps)) * 0.5 * (1 + np.cos(np.pi * step / n_steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = loss_of(model, batch(step))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def trained_score(rival: str, task: str, *, lr: float, start: str, seed: int, tuning: bool = False) -> float:
    """Train a rival on a task, and score it; what diverged has no score."""
    data = MAKERS[task](seed, tuning=tuning)
    model = made(rival, data.shape, start, seed)
    taught(model, data.batch, n_steps=data.n_steps, lr=lr)
    return score(model, task, data.judge)


def tuned(task: str, seed: int) -> dict[str, float]:
    """Tune all rivals on one grid: give of each its rate, the number of its start, and its score there."""

    def loss(rival: str, *, lr: float, start: str, seed: int) -> float:
        which = STARTS[rival][("first", "second").index(start)]
        return -trained_score(rival, task, lr=lr, start=which, seed=seed, tuning=True)

    space = {"lr": RATES, "start": ("first", "second")}
    found = tune({rival: partial(loss, rival) for rival in RIVALS}, space, seeds=[j + 2 * seed for j in JUDGES],
                 growths=1)  # fmt: skip
    numbers: dict[str, float] = {"trials": len(found.losses[RIVALS[0], None])}
    numbers["at the edge"] = sum(bool(found.best[rival, None].at_edge) for rival in RIVALS)
    for rival in RIVALS:
        best = found.best[rival, None]
        numbers |= {f"{rival} lr": best.setting["lr"], f"{rival} score": -best.loss}
        numbers[f"{rival} start"] = ("first", "second").index(best.setting["start"])
    return numbers


TUNING = Experiment(
    name="architecture_tuning",
    measure=tuned,
    factors={"task": TASKS},
    seeds=1,
    quantities=("trials", "at the edge", *(f"{rival} {what}" for rival in RIVALS for what in ("lr", "start", "score"))),
)


def setting_of(rival: str, task: str) -> dict[str, Any]:
    """Read the rate and the start that the tuning chose."""
    lr, start = (float(stored(TUNING, f"{rival} {what}", task=task)[0]) for what in ("lr", "start"))
    return {"lr": lr, "start": STARTS[rival][int(start)]}


def contest(task: str, rival: str, seed: int) -> dict[str, float]:
    """Train a rival at its best setting, and score it."""
    return {"score": trained_score(rival, task, **setting_of(rival, task), seed=seed)}


ARCHITECTURES = Experiment(
    name="architectures", measure=contest, factors={"task": TASKS, "rival": RIVALS}, seeds=10, quantities=("score",)
)

# Baselines ----------------------------------------------------------------------------------------


def baseline(task: str, seed: int) -> dict[str, float]:
    """Score what costs next to nothing."""
    data = MAKERS[task](seed, tuning=False)
    x, y = (part.numpy() for part in data.judge)
    if data.shape.kind == "pictures":
        parts = [data.batch(step) for step in range(48)]  # as many pictures as there are, drawn as the rivals' are
        train, labels = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
        model = LogisticRegression(C=0.01, max_iter=200).fit(train.reshape(len(train), -1), labels)
        return {"score": float((model.predict(x.reshape(len(x), -1)) == y).mean())}
    if task == "adding":
        parts = [data.batch(step) for step in range(48)]
        train, sums = (torch.cat(each).double().numpy() for each in zip(*parts, strict=True))

        def flat(rows: np.ndarray) -> np.ndarray:
            return np.column_stack([rows.reshape(len(rows), -1)[:, 1:], np.ones(len(rows))])

        weights = np.linalg.lstsq(flat(train), sums[:, 0], rcond=None)[0]
        errors = flat(x.astype(float)) @ weights - y[:, 0]
        return {"score": float(1 - (errors**2).mean() / y.var())}
    if task == "characters":
        rows = np.concatenate([x, np.where(y < 0, x, y)[:, -1:]], axis=1)
        counts = count_ngrams([learned_text(seed)], n=6, vocab_size=N_SYMBOLS)
        bits = [np.mean([counts.up_to(n).witten_bell_bits(row)[SCORED_FROM + 1 :].mean() for row in rows])
                for n in (4, 5, 6)]  # fmt: skip
        return {"score": -float(min(bits))}
    asked = y != IGNORE_INDEX
    told = data.batch(0)[1].numpy()
    commonest = np.bincount(told[told != IGNORE_INDEX]).argmax()
    return {"score": float((y[asked] == commonest).mean())}


BASELINES = Experiment(
    name="architecture_baselines", measure=baseline, factors={"task": TASKS}, seeds=10, quantities=("score",)
)


def leads(family: str) -> np.ndarray:
    """Give of each repetition the smaller of two leads: of the family's own architecture, over the better rival."""
    own, tasks = FAMILIES[family]
    scores = stored(ARCHITECTURES, "score")  # seeds, tasks, rivals
    at, others = RIVALS.index(own), [i for i, rival in enumerate(RIVALS) if rival != own]
    of_tasks = [scores[:, TASKS.index(task), at] - scores[:, TASKS.index(task)][:, others].max(axis=1) for task in tasks]
    return np.min(of_tasks, axis=0)
