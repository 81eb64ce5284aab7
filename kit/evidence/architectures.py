"""Claim D04: CNN, RNN and Transformer on two tasks of each family, equal in parameters, examples and trials.

The design, written down before the first full run.

Tasks. Of pictures: *digits*, 3,000 digits of MNIST to learn from, 16 by 16 pixels; *moved digits*, the same at a
random place of 20 by 20, anew at each step. Of sequences: *adding*, the sum of the two numbers among 30 that are
marked, one in either half; *parity*, whether the 1s so far are odd, at each of 32 steps. Of language: *characters*,
the next character of Python's standard library, after 64 at most; *recall*, the signs of four letters of eight, asked
for in rows of 16. A repetition draws data or split, first weights and order.

Rivals. Those of kit.evidence.rivals, 8,000 parameters each. All learn a task from as many batches of the same
examples, 350 to 700, by AdamW with a warm-up and a cosine. All are tuned on one grid: three rates and two starts a
rival, by a seed that does not count later; of pictures and characters other ones judge than those that report. Where
the best rate is at the edge, the grid grows there for all.

Score. The share right; of adding R², 1 less the squared error over that of the mean; of characters the bits for each,
turned to the negative. The sentence asks for the best on both tasks, so a repetition gives the smaller of the two
leads over the better rival. It is in two units, and the bar is 0 in either.

Baselines, on the chart: logistic regression on pixels; least squares; the commoner parity; the best n-gram up to 6
characters; the sign that is told most often.

Taught in: 14
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from kit.evidence.architecture_tasks import MAKERS, N_SYMBOLS, SCORED_FROM, Batch, learned_text
from kit.evidence.rivals import RIVALS, STARTS, made
from kit.evidence.store import Experiment, stored
from kit.learn.search import tune
from kit.text.ngram import count_ngrams
from kit.text.packing import IGNORE_INDEX
from kit.train.loop import adamw

FAMILIES = {
    "CNN on images": ("CNN", ("digits", "moved digits")),
    "RNN on sequences": ("RNN", ("adding", "parity")),
    "Transformer on language": ("Transformer", ("characters", "recall")),
}
TASKS = tuple(task for _, tasks in FAMILIES.values() for task in tasks)
RATES = (0.00316, 0.01, 0.0316)
JUDGES = (1000,)

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
    found = tune({rival: partial(loss, rival) for rival in RIVALS}, space, seeds=[judge + seed for judge in JUDGES],
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
    of_tasks = [
        scores[:, TASKS.index(task), at] - scores[:, TASKS.index(task)][:, others].max(axis=1) for task in tasks
    ]
    return np.min(of_tasks, axis=0)
