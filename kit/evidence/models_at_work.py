"""Small models at work: texts longer than any in training, and what length costs.

A repetition has first weights and batches of its own; the text is one for all.

Taught in: 20
"""

import math
import statistics
import time
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor, nn
from torch.nn import functional as F

from kit.blocks.attention import attention, plain_attention
from kit.blocks.sliding_window import window_attention
from kit.evidence.small_models import (
    ID,
    MASK,
    N_TRAIN,
    TALES,
    VOCAB,
    logits,
    tales,
    trained,
)
from kit.evidence.store import Experiment
from kit.machine import seconds_in_turn
from kit.models.longformer import Longformer, extend_positions
from kit.models.transformer_xl import Memory, TransformerXL
from kit.text.objectives import mask_tokens

# Beyond the training length ----------------------------------------------------------------------

SEGMENT, SIGHT, PIECE = 16, 32, 64  # words: Transformer-XL's segment; the most it and the GPT see; Longformer's text
BEGIN, LATE = 256, 832  # words of a stream before the first that counts, and before the late ones


@cache
def streams() -> tuple[Integer[np.ndarray, "words"], Integer[Tensor, "8 fresh"]]:
    """Give all training tales as one stream, and the fresh ones as eight."""
    one, fresh = (
        np.concatenate([[ID[word] for word in tale] for tale in some])
        for some in (tales()[:N_TRAIN], tales()[N_TRAIN:])
    )
    return one, torch.from_numpy(fresh[: len(fresh) // 8 * 8].reshape(8, -1))


@cache
def transformer_xl(seed: int) -> TransformerXL:
    """Train a Transformer-XL on segments of the stream, each with the one before it in its memory."""
    stream, _ = streams()
    table = torch.from_numpy(stream[: len(stream) // 32 * 32].reshape(32, -1))
    memory = [Memory(SEGMENT) for _ in range(2)]

    def segments(step: int) -> tuple[Tensor, Tensor]:
        start = step * SEGMENT % (table.shape[1] - SEGMENT - 1)
        return table[:, start : start + SEGMENT], table[:, start + 1 : start + SEGMENT + 1]

    def remembering_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch[0], memory).flatten(0, 1), batch[1].flatten())

    model = trained("Transformer-XL", segments, seed=seed, lr=7e-3, n_steps=400, loss=remembering_loss)
    return cast(TransformerXL, model)


@torch.no_grad()
def bits_remembered(model: TransformerXL, in_sight: int, *, begin: int = BEGIN, end: int | None = None) -> float:
    """Measure bits a word of the fresh streams, from one word up to another, with so many words in sight."""
    _, fresh = streams()
    memory, found = model.new_cache(in_sight - SEGMENT), []
    for start in range(0, fresh.shape[1] - SEGMENT, SEGMENT):
        scores = model(fresh[:, start : start + SEGMENT], memory)
        if begin <= start < (end or fresh.shape[1]):
            targets = fresh[:, start + 1 : start + SEGMENT + 1]
            found.append(F.cross_entropy(scores.flatten(0, 1), targets.flatten()).item())
    return statistics.fmean(found) / math.log(2)


def own_bits(begin: int, end: int | None = None) -> float:
    """Measure what the same words cost a reader who knows the grammar, in bits a word: the least for any model."""
    told = [TALES.surprisal(" ".join(tale).replace(" \n", "\n")) for tale in tales()[N_TRAIN:]]
    bits = np.concatenate(told)[: streams()[1].numel()].reshape(8, -1)
    return float(bits[:, begin + 1 : None if end is None else end + 1].mean())


def far_into_a_text(seed: int) -> dict[str, float]:
    """Measure bits a word up to the late words, and of the late ones, with a memory as long as in training."""
    model = transformer_xl(seed)
    return {
        "early": bits_remembered(model, SIGHT, begin=SIGHT, end=LATE),
        "late": bits_remembered(model, SIGHT, begin=LATE),
    }


@cache
def short_gpt(seed: int) -> nn.Module:
    """Train a GPT whose table of positions has 32 rows, on pieces of the stream."""
    stream, _ = streams()

    def pieces(step: int) -> tuple[Tensor, Tensor]:
        start = np.random.default_rng([seed, step]).integers(len(stream) - SIGHT - 1, size=16)
        some = torch.from_numpy(stream[start[:, None] + np.arange(SIGHT + 1)])
        return some[:, :-1], some[:, 1:]

    return trained("GPT of 32 positions", pieces, seed=seed, lr=7e-3, n_steps=400)


def bits_in_table(in_sight: int, seed: int) -> dict[str, float]:
    """Measure the short GPT's bits a word: of each piece, the half that has the most before it."""
    (_, fresh), half, found = streams(), in_sight // 2, []
    for start in range(BEGIN - in_sight, fresh.shape[1] - in_sight, half):
        targets = fresh[:, start + 1 : start + in_sight + 1][:, half:]
        scores = logits(short_gpt(seed), fresh[:, start : start + in_sight])[:, half:]
        found.append(F.cross_entropy(scores.flatten(0, 1), targets.flatten()).item())
    return {"bits": statistics.fmean(found) / math.log(2)}


def hidden_words(
    words: Integer[np.ndarray, "rows length"], rng: np.random.Generator
) -> tuple[Integer[np.ndarray, "rows length"], Integer[np.ndarray, "rows length"]]:
    """Hide 15% of the words of each row."""
    return mask_tokens(words, mask=MASK, vocab_size=len(VOCAB), special=range(7), rng=rng)


@cache
def longformer(seed: int) -> Longformer:
    """Train a Longformer on hidden words of pieces of the stream, and copy its positions for 1,024."""
    stream, _ = streams()

    def pieces(step: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng([seed, step])
        start = rng.integers(len(stream) - PIECE, size=16)
        return tuple(map(torch.from_numpy, hidden_words(stream[start[:, None] + np.arange(PIECE)], rng)))

    model = trained("Longformer", pieces, seed=seed, lr=7e-3, n_steps=300)
    return extend_positions(cast(Longformer, model), n_positions=1024)


def bits_of_copies(n_words: int, seed: int) -> dict[str, float]:
    """Measure bits a hidden word in texts of `n_words`; the words that are hidden are the same at every length."""
    fresh = streams()[1].flatten().numpy()
    pieces = fresh[: len(fresh) // 1024 * 1024].reshape(-1, PIECE)
    inputs, targets = (each.reshape(-1, n_words) for each in hidden_words(pieces, np.random.default_rng(0)))
    scores = logits(longformer(seed), inputs)
    return {"bits": F.cross_entropy(scores.flatten(0, 1), torch.from_numpy(targets).flatten()).item() / math.log(2)}


WITH_MEMORY = Experiment(
    name="words_in_memory",
    measure=lambda in_sight, seed: {"bits": bits_remembered(transformer_xl(seed), in_sight)},
    factors={"in_sight": (24, 32, 64, 128, 256)},
    seeds=20,
    quantities=("bits",),
)
FAR_INTO_A_TEXT = Experiment(name="far_into_a_text", measure=far_into_a_text, seeds=20, quantities=("early", "late"))
WITH_TABLE = Experiment(
    name="words_in_table", measure=bits_in_table, factors={"in_sight": (16, 24, 32)}, seeds=20, quantities=("bits",)
)
WITH_COPIES = Experiment(
    name="copied_positions",
    measure=bits_of_copies,
    factors={"n_words": (64, 128, 256, 512, 1024)},
    seeds=20,
    quantities=("bits",),
)

# What length costs -------------------------------------------------------------------------------

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
WAYS: dict[str, Attention] = {
    "plain": plain_attention,
    "fused": attention,
    "windowed": lambda q, k, v: window_attention(q, k, v, window=64),
}


def queries_keys_values(n_tokens: int) -> list[Tensor]:
    """Draw queries, keys and values of two heads of 32, which want a gradient."""
    generator = torch.Generator().manual_seed(0)
    return [each.requires_grad_() for each in torch.randn(3, 1, 2, n_tokens, 32, generator=generator)]


def kept_megabytes(way: Attention, n_tokens: int) -> float:
    """Count what a layer keeps for its gradient, each piece of memory once."""
    kept: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no address is used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        way(*queries_keys_values(n_tokens))
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / 1e6


def attention_time(n_tokens: int, seed: int) -> dict[str, float]:
    """Time one attention layer there and back, in three ways in turn: processor milliseconds, medians of three."""

    def there_and_back(way: Attention) -> Callable[[], Any]:
        given = queries_keys_values(n_tokens)
        return lambda: torch.autograd.grad(way(*given).sum(), given)

    turns = seconds_in_turn(*map(there_and_back, WAYS.values()), repeats=3, clock=time.process_time)
    return {name: 1000 * statistics.median(seconds) for name, seconds in zip(WAYS, turns, strict=True)}


ATTENTION_TIME = Experiment(
    name="attention_time",
    measure=attention_time,
    factors={"n_tokens": (128, 256, 512, 1024, 2048, 4096)},
    seeds=10,
    quantities=tuple(WAYS),
)
