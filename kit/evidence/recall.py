"""Claim E01: self-attention and a GRU of as many parameters, by the time of a step and by recall from far back.

A row begins with four different letters. Signs follow, and then the letters are asked for, in another order: what
followed each? All rivals learn by one curriculum: first 8 signs between, then more and more often many, and at last
always 256 or 512.

Taught in: 17
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from kit.blocks.attention import attention
from kit.blocks.positions import rotary_angles, rotate
from kit.evidence.store import Experiment
from kit.machine import seconds_in_turn
from kit.text.recall import N_DIGITS, N_LETTERS, asked_later
from kit.train.loop import adamw, backward, fit
from kit.train.objectives import accuracy, token_loss

VOCAB_SIZE = N_LETTERS + N_DIGITS
ASKED, BATCH, NEAR = 4, 16, 8  # letters of a row, rows of a step, signs between them at first
DISTANCES = (256, 512)

# The rivals --------------------------------------------------------------------------------------


class AttentiveModel(nn.Module):
    """Causal self-attention between an embedding and a head, with rotary positions and no feed-forward layers."""

    def __init__(self, n_layers: int = 2, width: int = 48):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(n_layers)])
        self.qkv = nn.ModuleList([nn.Linear(width, 3 * width) for _ in range(n_layers)])
        self.out = nn.ModuleList([nn.Linear(width, width) for _ in range(n_layers)])
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, VOCAB_SIZE))

    def forward(self, ids: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocab"]:
        x = self.embedding(ids)
        for norm, qkv, out in zip(self.norms, self.qkv, self.out, strict=True):
            q, k, v = rearrange(qkv(norm(x)), "b t (three h d) -> three b h t d", three=3, h=2)
            angles = rotary_angles(torch.arange(ids.shape[1], device=ids.device), width=q.shape[-1])
            y = attention(rotate(q, angles), rotate(k, angles), v, causal=True)
            x = x + out(rearrange(y, "b h t d -> b t (h d)"))
        return self.head(x)


class RecurrentModel(nn.Module):
    """A GRU between an embedding and a head: it reads token by token, and keeps a state of 68 numbers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, 26)
        self.recurrent = nn.GRU(26, 68, batch_first=True)
        self.head = nn.Linear(68, VOCAB_SIZE)

    def forward(self, ids: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocab"]:
        states, _ = self.recurrent(self.embedding(ids))
        return self.head(states)


RIVALS: dict[str, Callable[[], nn.Module]] = {
    "attention": AttentiveModel,
    "one layer": partial(AttentiveModel, n_layers=1, width=68),
    "GRU": RecurrentModel,
}


def made(rival: str, seed: int) -> nn.Module:
    """Make a rival with the first weights of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RIVALS[rival]()


def questions(n_rows: int, n_between: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw rows with so many signs between the letters and the questions, and their targets."""
    rows, targets = asked_later(n_rows, n_letters=ASKED, n_between=n_between, rng=rng)
    return torch.from_numpy(rows), torch.from_numpy(targets)


# A training step's time ---------------------------------------------------------------------------


def step_of(rival: str, *, n_tokens: int, n_rows: int, seed: int, device: str = "cpu") -> Callable[[], None]:
    """Make a whole training step on rows of a length: gradient, clipping, and AdamW."""
    model = made(rival, seed).to(device)
    batch = questions(n_rows, n_tokens - 2 * ASKED + 1, np.random.default_rng(seed))
    optimizer = adamw(model, weight_decay=0.0)

    def step() -> None:
        optimizer.zero_grad()
        backward(model, token_loss, batch)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def step_seconds(n_rows: int, n_tokens: int, seed: int) -> dict[str, float]:
    """Time a step of attention and one of the GRU in turn, in the seconds of one core; give medians of five turns."""
    steps = (step_of(rival, n_tokens=n_tokens, n_rows=n_rows, seed=seed) for rival in ("attention", "GRU"))
    of_attention, of_gru = map(np.array, seconds_in_turn(*steps, repeats=5, clock=time.process_time))
    ratio = np.median(of_attention / of_gru)
    return {"ratio": float(ratio), "attention": float(np.median(of_attention)), "GRU": float(np.median(of_gru))}


STEP_SECONDS = Experiment(
    name="step_seconds",
    measure=step_seconds,
    factors={"n_rows": (BATCH, 1), "n_tokens": (256, 512, 1024)},
    seeds=20,
    quantities=("ratio", "attention", "GRU"),
    alone=True,
)
"""The sentence is settled by steps of as many rows as the recall below takes; one row is a finding."""

# Recall from far back -----------------------------------------------------------------------------

STEPS = {"attention": (600, 200, 100), "one layer": (600, 200, 100), "GRU": (2000, 200, 100)}
"""Of each rival the steps near, on the way, and far. The GRU gets more of the first, for it learns more slowly."""
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
RATE = {"attention": 1e-3, "one layer": 1e-3, "GRU": 1e-2}
"""The best of FAR_RATES, as a test makes sure; one layer takes that of two."""


def signs_between(rival: str, distance: int, step: int, rng: np.random.Generator) -> int:
    """Say how many signs a step has between letters and questions: NEAR, then any number, in the end `distance`."""
    near, on_the_way, _ = STEPS[rival]
    if step < near:
        return NEAR
    if step >= near + on_the_way:
        return distance
    return round(float(np.exp(rng.uniform(np.log(NEAR), np.log(distance)))))  # each order of size as often


def taught(rival: str, *, lr: float, distance: int, seed: int) -> tuple[nn.Module, Float[np.ndarray, "steps"]]:
    """Train a rival by the curriculum; give its losses far. The seed settles first weights and rows."""

    def batches(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([seed, step])
        return questions(BATCH, signs_between(rival, distance, step, rng), rng)

    model = made(rival, seed)
    history = fit(model, token_loss, batches, n_steps=sum(STEPS[rival]), lr=lr, weight_decay=0.0)
    return model, history.losses[-STEPS[rival][2] :]


@torch.no_grad()
def recalled(model: nn.Module, n_between: int, rng: np.random.Generator) -> float:
    """Measure the share of questions that a model answers rightly, on 400 fresh rows."""
    rows, targets = questions(400, n_between, rng)
    parts = zip(rows.split(40), targets.split(40), strict=True)  # each has as many questions
    return float(np.mean([accuracy(model, part).item() for part in parts]))


def far_recall(rival: str, distance: int, seed: int) -> dict[str, float]:
    """Train a rival, and measure what it recalls, over the distance of its training and over others.

    Returns:
        The share recalled "over 8", "over 256" and "over 512" signs; the mean "loss" of the last quarter of the
        steps far; and its "fall" from the first half of that quarter to the second: at a plateau it is none.
    """
    model, losses = taught(rival, lr=RATE[rival], distance=distance, seed=seed)
    before, after = np.array_split(losses[-(len(losses) // 4) :], 2)
    rng = np.random.default_rng([seed, 10**6])  # no step has so high a number
    numbers = {f"over {n}": recalled(model, n, rng) for n in (NEAR, *DISTANCES)}
    return {**numbers, "loss": (before.mean() + after.mean()) / 2, "fall": before.mean() - after.mean()}


def beside(rival: str, seed: int) -> dict[str, float]:
    """Train a rival up to 256 signs, and measure it as `far_recall` does."""
    return far_recall(rival, DISTANCES[0], seed)


def late_loss(rival: str, lr: float, seed: int) -> dict[str, float]:
    """Measure a rival's loss in the last quarter of its steps far, at a rate, on seeds that count no further."""
    _, losses = taught(rival, lr=lr, distance=DISTANCES[0], seed=1000 + seed)
    return {"loss": losses[-(len(losses) // 4) :].mean()}


QUANTITIES = (*(f"over {n}" for n in (NEAR, *DISTANCES)), "loss", "fall")
FAR_RATES = Experiment(
    name="far_rates", measure=late_loss, factors={"rival": ("attention", "GRU"), "lr": RATES}, seeds=2,
    quantities=("loss",),
)  # fmt: skip
FAR_RECALL = Experiment(
    name="far_recall", measure=partial(far_recall, "attention"), factors={"distance": DISTANCES}, seeds=10,
    quantities=QUANTITIES,
)  # fmt: skip
BESIDE = Experiment(
    name="recall_beside", measure=beside, factors={"rival": ("GRU", "one layer")}, seeds=3, quantities=QUANTITIES
)
