"""The task of notebook 24: a small GPT, and beginnings of stories, of unequal length, one a row.

Taught in: 24
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from kit.arguments import count
from kit.models.gpt import GPT, GPTConfig
from kit.text.packing import next_tokens
from kit.text.stories import STORIES
from kit.text.story_tasks import END, WORDS, encode
from kit.train.batches import Batch, epochs

TIME = 48
STORY_GPT = GPTConfig(
    vocab_size=len(WORDS), n_positions=TIME, n_layers=4, n_heads=4, d_model=64, dropout=0.0, init_std=0.1
)


def story_gpt(seed: int, *, dtype: torch.dtype = torch.float64, dropout: float = 0.0) -> GPT:
    """Make the same small GPT on every rank, from its seed.

    Raises:
        TypeError, ValueError: if `seed` is not a whole number of at least 0, or `dropout` no share below 1.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(count("seed", seed, at_least=0))
        return GPT(replace(STORY_GPT, dropout=dropout)).to(dtype)


@cache
def stories(n: int = 60, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Write beginnings of stories, of 4 to TIME tokens; give tokens and targets. Behind its end a row has no target.

    Raises:
        TypeError, ValueError: if `n` < 1 or `seed` < 0.
    """
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    rows = np.full((count("n", n), TIME + 1), END)
    for row in rows:
        text = encode(STORIES.write(rng=rng))[: rng.integers(4, TIME + 1)]
        row[: len(text)] = text
    targets = next_tokens(rows, end=END)[:, :TIME]  # what follows END has none
    return torch.from_numpy(rows[:, :TIME]), torch.from_numpy(targets)


def story_batches(batch_size: int, *, seed: int = 0) -> Callable[[int], Batch]:
    """Deal stories out in shuffled epochs: from the step to (tokens, targets).

    Raises:
        TypeError, ValueError: if `batch_size` is not a whole number above 0, or `seed` not one of at least 0.
    """
    return epochs(*stories(), batch_size=batch_size, seed=seed)
