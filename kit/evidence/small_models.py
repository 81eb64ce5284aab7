"""Six small models and one text, for the contests of kit.evidence.models and kit.evidence.models_at_work.

The text is the beginning of the story grammar: who it was, what was dear, how it was lost. Each
model has about 70,000 parameters. A seed settles its first weights and its batches.

Taught in: 19 20
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from kit.blocks.initialisation import init_normal
from kit.learn.schedules import cosine, warmup
from kit.machine import profile
from kit.models.bert import BERT, BERTConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.longformer import Longformer, LongformerConfig
from kit.models.palm import PaLM, PaLMConfig
from kit.models.t5 import T5, T5Config
from kit.models.transformer_xl import TransformerXL, TransformerXLConfig
from kit.text.grammar import Grammar, tokens
from kit.text.objectives import mask_tokens
from kit.text.packing import IGNORE_INDEX
from kit.text.stories import STORIES
from kit.train.batches import Batch
from kit.train.loop import fit
from kit.train.objectives import Loss, token_loss

# The text ----------------------------------------------------------------------------------------

TALES = Grammar({**STORIES.rules, "story": ("{HERO.name} was a {TRAIT} child. {treasure} {loss}\n",)})
PAD, MASK, START, X, Y, FILL, SUM = range(7)
VOCAB = ("<pad>", "<mask>", "<start>", "<X>", "<Y>", "fill:", "sum:", *TALES.words)
ID = {word: i for i, word in enumerate(VOCAB)}
THINGS = [ID[thing["name"]] for thing in STORIES.rules["THING"] if not isinstance(thing, str)]
N_TRAIN, N_FRESH = 6000, 400


@cache
def tales() -> list[list[str]]:
    """Write the tales, as words: N_TRAIN to learn from, and behind them N_FRESH to be judged by."""
    rng = np.random.default_rng(16)
    return [tokens(TALES.write(rng=rng)) for _ in range(N_TRAIN + N_FRESH)]


def rows(texts: Sequence[Sequence[str]]) -> Integer[np.ndarray, "texts longest"]:
    """Write texts as rows of numbers, all filled up to the longest."""
    longest = max(map(len, texts))
    return np.array([[ID[word] for word in text] + [PAD] * (longest - len(text)) for text in texts])


@cache
def tale_rows() -> Integer[np.ndarray, "tales longest"]:
    """Give every tale as a row."""
    return rows(tales())


@cache
def opening_rows() -> Integer[np.ndarray, "tales longest"]:
    """Give the first two sentences of every tale as a row: who it was, and what was dear."""
    return rows([tale[: tale.index(".", tale.index(".") + 1) + 1] for tale in tales()])


# The models --------------------------------------------------------------------------------------

SIZES: dict[str, Any] = {"vocab_size": len(VOCAB), "n_layers": 2, "n_heads": 4}
SMALL: dict[str, tuple[Callable[[Any], nn.Module], Any]] = {
    "BERT": (BERT, BERTConfig(**SIZES, n_positions=64, d_model=48, dropout=0)),
    "GPT": (GPT, GPTConfig(**SIZES, n_positions=64, d_model=48, dropout=0)),
    "T5": (T5, T5Config(**{**SIZES, "n_layers": 1}, d_model=48, d_head=12, d_ff=192, max_distance=64, dropout=0)),
    "PaLM": (PaLM, PaLMConfig(**SIZES, n_positions=64, d_model=46, d_head=12)),
    "PaLM, serial": (PaLM, PaLMConfig(**SIZES, n_positions=64, d_model=46, d_head=12, serial=True)),
    "Transformer-XL": (
        TransformerXL,
        TransformerXLConfig(**SIZES, n_memory=16, d_model=48, d_head=12, d_ff=192, dropout=0),
    ),
    "Longformer": (Longformer, LongformerConfig(**SIZES, n_positions=64, window=8, d_model=44, dropout=0)),
}
SPREAD = 0.1  # of the first weights; the published 0.02 is made for widths near 1,000


@cache
def device() -> str:
    """Name what the small models are trained on: the GPU where there is one."""
    return profile().device


def made(name: str, *, seed: int, std: float | None = None) -> nn.Module:
    """Make a small model, on the processor; the seed settles its first weights.

    Args:
        std: the spread of the first weights; None leaves them as the model's page makes them.
    """
    return made_by(*SMALL[name], seed=seed, std=std)


def made_by(make: Callable[[Any], nn.Module], config: Any, *, seed: int, std: float | None = None) -> nn.Module:
    """Make a model of a size of its own, as `made` does."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make(config)
        if std is not None:
            init_normal(model, std=std)
    return model


def trained(
    name: str,
    batches: Callable[[int], Batch],
    *,
    seed: int,
    lr: float,
    n_steps: int,
    loss: Loss = token_loss,
    std: float | None = SPREAD,
) -> nn.Module:
    """Make a small model and train it where `device` says, by warm-up and cosine."""
    return taught(made(name, seed=seed, std=std), batches, lr=lr, n_steps=n_steps, loss=loss)


def taught(
    model: nn.Module, batches: Callable[[int], Batch], *, lr: float, n_steps: int, loss: Loss = token_loss
) -> nn.Module:
    """Train a model where `device` says, by warm-up and cosine."""
    schedule = warmup(cosine(lr, n_steps=n_steps * 9 // 10), n_steps=n_steps // 10)
    model = model.to(device())
    fit(model, loss, batches, n_steps=n_steps, lr=schedule)
    return model


@torch.no_grad()
def logits(model: nn.Module, *inputs: Any) -> Float[Tensor, "..."]:
    """Ask a model, where it is, without a gradient; the answer is given on the processor."""
    place = next((parameter.device for parameter in model.parameters()), "cpu")
    return model(*(torch.as_tensor(each).to(place) for each in inputs)).cpu()


def drawn(
    table: Integer[np.ndarray, "rows length"], *, seed: int, step: int, size: int
) -> tuple[Integer[np.ndarray, "size shorter"], np.random.Generator]:
    """Draw some training rows for a step, cut to the longest of them; give the generator too."""
    rng = np.random.default_rng([seed, step])
    some = table[rng.integers(N_TRAIN, size=size)]
    return some[:, : (some != PAD).sum(axis=1).max()], rng


def next_word_batches(
    table: Integer[np.ndarray, "rows length"], *, seed: int, size: int
) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Ask for each next word, as GPT is: the rows behind a start, and the words that follow."""
    begun = np.insert(table, 0, START, axis=1)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        some, _ = drawn(begun, seed=seed, step=step, size=size)
        return torch.from_numpy(some[:, :-1]), torch.from_numpy(np.where(some[:, 1:] == PAD, IGNORE_INDEX, some[:, 1:]))

    return batch


def masked_batches(*, seed: int) -> Callable[[int], tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Hide 15% of the words of openings, and ask for them, as BERT is."""

    def batch(step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        some, rng = drawn(opening_rows(), seed=seed, step=step, size=32)
        inputs, targets = mask_tokens(some, mask=MASK, vocab_size=len(VOCAB), special=range(7), rng=rng)
        seen = torch.from_numpy(inputs)
        return seen, torch.zeros_like(seen), seen != PAD, torch.from_numpy(targets)

    return batch
