"""How far back each architecture learns to remember, and what a model makes of its own mistakes.

Longest lag, as designed before the first full run. A row tells two letters; signs follow; then the first letter is
asked for: what came after it? The second letter is the answer, and how many signs stand between is the lag. A rival
learns it at 8 signs, with new weights at 16, and so on to 128, from 400 batches of 32 rows at most. It has solved a lag
if it gets 90% of 400 fresh rows right, at one of two rates, the same for all. The first lag that it does not solve
ends its run. Each has about 8,000 parameters. Recurrent cells run twice: from torch's start, and from the best known,
orthogonal weights, and chrono biases where there are gates.

Free running. An LSTM, a GRU and a plain RNN learn characters of Python's standard library. Then they go on by
themselves from 32 characters of other files: each takes its likeliest character for the one that stood there. The
share of right ones k characters on is held against that of *teacher forcing*, where the true characters are given.

Taught in: 14
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kit.evidence.architecture_tasks import N_CONTEXT, characters, library_text
from kit.evidence.architectures import loss_of, taught
from kit.evidence.rivals import CELLS, Shape, made
from kit.evidence.store import Experiment
from kit.text.characters import stretches
from kit.text.recall import N_DIGITS, N_LETTERS, asked_later
from kit.train.loop import adamw

LAGS = (8, 16, 32, 64, 128)
RATES = (0.01, 0.003)
MOST_STEPS, CHECK_EVERY, SOLVED = 400, 25, 0.9
REMEMBERERS = {
    "plain RNN, torch's start": ("RNN", "torch's own", "plain RNN"),
    "plain RNN, orthogonal": ("RNN", "orthogonal", "plain RNN"),
    "GRU, torch's start": ("RNN", "torch's own", "GRU"),
    "GRU, chrono": ("RNN", "chrono", "GRU"),
    "LSTM, torch's start": ("RNN", "torch's own", "LSTM"),
    "LSTM, chrono": ("RNN", "chrono", "LSTM"),
    "convolution": ("CNN", "He", "LSTM"),
    "attention": ("Transformer", "std 1/√width", "LSTM"),
}
PRIMED, FORCED_RATE = 32, 0.01
AHEAD = (1, 2, 4, 8, 16, 32)


def questions(n_rows: int, lag: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw rows with two letters, so many signs, and the first letter again; and the second letters."""
    rows, targets = asked_later(n_rows, n_letters=2, n_between=lag, rng=rng)
    return torch.from_numpy(rows), torch.from_numpy(targets[:, -1:])


class Last(nn.Module):
    """A model of rows whose answer after the last step alone is asked for."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)[:, -1:]


def remembers(rival: str, lag: int, *, lr: float, seed: int) -> bool:
    """Train a rival at one lag and rate until it has solved it, or its steps are over."""
    kind, start, cell = REMEMBERERS[rival]
    shape = Shape("tokens", N_LETTERS + N_DIGITS, N_LETTERS, lag + 3, every=True)
    model = Last(made(kind, shape, start, seed, cell))
    judge = questions(400, lag, np.random.default_rng([seed, lag, 10**6]))
    optimizer = adamw(model, weight_decay=0.0)
    for step in range(MOST_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 20)
        optimizer.zero_grad()
        loss = loss_of(model, questions(32, lag, np.random.default_rng([seed, lag, step])))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % CHECK_EVERY == 0 and float(loss.detach()) < 1.0 and right(model, judge) >= SOLVED:
            return True
    return False


@torch.no_grad()
def right(model: Callable[[Tensor], Tensor], judge: tuple[Tensor, Tensor]) -> float:
    """Measure the share of answers that are right."""
    x, y = judge
    return float((model(x).argmax(dim=-1) == y).float().mean())


def longest_lag(rival: str, seed: int) -> dict[str, float]:
    """Give the longest lag that a rival solves, all shorter ones solved; 0 if it solves none."""
    longest = 0
    for lag in LAGS:
        if not any(remembers(rival, lag, lr=lr, seed=seed) for lr in RATES):
            break
        longest = lag
    return {"lag": longest}


LONGEST_LAG = Experiment(
    name="longest_lag", measure=longest_lag, factors={"rival": tuple(REMEMBERERS)}, seeds=5, quantities=("lag",)
)

# Free running -------------------------------------------------------------------------------------


def speller(cell: str, seed: int) -> Any:
    """Train a recurrent model on characters."""
    data = characters(seed, tuning=False)
    model = made("RNN", data.shape, "orthogonal" if cell == "plain RNN" else "forget bias 1", seed, cell)
    taught(model, data.batch, n_steps=data.n_steps, lr=FORCED_RATE if cell != "plain RNN" else FORCED_RATE / 3)
    return model


def free_running(cell: str, seed: int) -> dict[str, float]:
    """Train a speller; measure the share of right characters, the true ones given, and 1, 2, 4, ... on without them."""
    return on_its_own(speller(cell, seed), seed)


@torch.no_grad()
def on_its_own(model: Any, seed: int) -> dict[str, float]:
    """Measure it of a trained model."""
    rows = torch.from_numpy(
        stretches(library_text()[2], 1000, length=N_CONTEXT + 1, rng=np.random.default_rng([seed, 10**6]))
    )
    forced = model(rows[:, :-1]).argmax(dim=-1)[:, PRIMED - 1 :] == rows[:, PRIMED:]
    told, state, guesses = rows[:, :PRIMED], None, []
    for _ in range(max(AHEAD)):
        states, state = model.cell(model.reader(told), state)
        told = model.head(states[:, -1:]).argmax(dim=-1)
        guesses.append(told)
    free = torch.cat(guesses, dim=1) == rows[:, PRIMED : PRIMED + max(AHEAD)]
    numbers = {f"free {k}": float(free[:, k - 1].float().mean()) for k in AHEAD}
    return numbers | {f"forced {k}": float(forced[:, k - 1].float().mean()) for k in AHEAD}


FREE_RUNNING = Experiment(
    name="free_running", measure=free_running, factors={"cell": tuple(CELLS)}, seeds=5,
    quantities=(*(f"free {k}" for k in AHEAD), *(f"forced {k}" for k in AHEAD)),
)  # fmt: skip
