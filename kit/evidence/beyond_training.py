"""Texts longer than any in training: Transformer-XL with more words in sight, a Longformer with copied positions.

A repetition has first weights, batches, a training text and a test text of its own.

Taught in: 20
"""

import math
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from kit.evidence.small_models import (
    ID,
    MASK,
    N_FRESH,
    N_TRAIN,
    TALES,
    VOCAB,
    device,
    logits,
    trained,
)
from kit.evidence.store import Experiment, stored
from kit.models.longformer import Longformer, extend_positions
from kit.models.transformer_xl import Memory, TransformerXL
from kit.text.grammar import tokens
from kit.text.objectives import mask_tokens
from kit.text.packing import IGNORE_INDEX

SEGMENT, SIGHT, PIECE = 16, 32, 64  # words: Transformer-XL's segment; the most it sees; Longformer's text; in training
TIMES = (1, 2, 4, 8, 16)  # the training length
STREAMS = 8  # of fresh tales, each on its own
RATES = (3.5e-3, 7e-3, 1.4e-2, 2.8e-2)
TUNING = 1000  # seeds from here on choose the rate, and count for nothing else


def tale_streams(
    seed: int,
) -> tuple[Integer[np.ndarray, "words"], Integer[np.ndarray, "streams fresh"], Float[np.ndarray, "streams fresh"]]:
    """Write tales of a seed's own: one stream to learn from, fresh ones, and what each fresh word costs at least."""
    rng = np.random.default_rng([seed, 20])
    texts = [TALES.write(rng=rng) for _ in range(N_TRAIN + N_FRESH)]
    train, fresh = (
        np.array([ID[word] for text in some for word in tokens(text)]) for some in (texts[:N_TRAIN], texts[N_TRAIN:])
    )
    own = np.concatenate([TALES.surprisal(text) for text in texts[N_TRAIN:]])
    n_words = len(fresh) // STREAMS * STREAMS
    return train, fresh[:n_words].reshape(STREAMS, -1), own[:n_words].reshape(STREAMS, -1)


def transformer_xl(stream: Integer[np.ndarray, "words"], *, seed: int, lr: float) -> TransformerXL:
    """Train a Transformer-XL on segments of the stream, each with the one before it in its memory."""
    table = torch.from_numpy(stream[: len(stream) // 32 * 32].reshape(32, -1))
    memory = [Memory(SEGMENT) for _ in range(2)]

    def segments(step: int) -> tuple[Tensor, Tensor]:
        start = step * SEGMENT % (table.shape[1] - SEGMENT - 1)
        return table[:, start : start + SEGMENT], table[:, start + 1 : start + SEGMENT + 1]

    def remembering_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch[0], memory).flatten(0, 1), batch[1].flatten())

    model = trained("Transformer-XL", segments, seed=seed, lr=lr, n_steps=400, loss=remembering_loss)
    return cast(TransformerXL, model)


@torch.no_grad()
def bits_remembered(
    model: TransformerXL, fresh: Integer[np.ndarray, "streams words"], in_sight: int
) -> Float[Tensor, "streams asked"]:
    """Measure what each word of the streams but the first costs, in bits, with so many words in sight."""
    memory, found, words = model.new_cache(in_sight - SEGMENT), [], torch.from_numpy(fresh).to(device())
    for start in range(0, words.shape[1] - SEGMENT, SEGMENT):
        scores = model(words[:, start : start + SEGMENT], memory)
        found.append(F.cross_entropy(scores.mT, words[:, start + 1 : start + SEGMENT + 1], reduction="none"))
    return torch.cat(found, dim=1).cpu() / math.log(2)


def with_memory(seed: int) -> dict[str, float]:
    """Measure bits a word with more and more words in sight, of the same words at the end of long streams.

    `own` is what these words cost at least; `drift` is by how much, with a memory as long as in training, they
    cost more than the words up to there, each less its own surprisal.
    """
    stream, fresh, own = tale_streams(seed)
    model = transformer_xl(stream, seed=seed, lr=best_rate("Transformer-XL"))
    begin = TIMES[-1] * SIGHT
    bits = {f"times_{times}": bits_remembered(model, fresh, times * SIGHT) for times in TIMES}
    as_trained = bits["times_1"].numpy()
    least = own[:, 1 : as_trained.shape[1] + 1]
    over = as_trained - least
    return {name: each[:, begin:].mean().item() for name, each in bits.items()} | {
        "own": float(least[:, begin:].mean()),
        "drift": float(over[:, begin:].mean() - over[:, SIGHT:begin].mean()),
    }


def hidden_words(
    words: Integer[np.ndarray, "rows length"], rng: np.random.Generator
) -> tuple[Integer[np.ndarray, "rows length"], Integer[np.ndarray, "rows length"]]:
    """Hide 15% of the words of each row."""
    return mask_tokens(words, mask=MASK, vocab_size=len(VOCAB), special=range(7), rng=rng)


def longformer(stream: Integer[np.ndarray, "words"], *, seed: int, lr: float) -> Longformer:
    """Train a Longformer on hidden words of pieces of the stream."""

    def pieces(step: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng([seed, step])
        start = rng.integers(len(stream) - PIECE, size=16)
        return tuple(map(torch.from_numpy, hidden_words(stream[start[:, None] + np.arange(PIECE)], rng)))

    return cast(Longformer, trained("Longformer", pieces, seed=seed, lr=lr, n_steps=600))


def hidden_texts(
    fresh: Integer[np.ndarray, "streams words"], *, seed: int
) -> tuple[Integer[np.ndarray, "texts longest"], Integer[np.ndarray, "texts longest"]]:
    """Cut the fresh words into the longest texts, and hide words: the same at every length."""
    words, longest = fresh.ravel(), TIMES[-1] * PIECE
    return hidden_words(words[: len(words) // longest * longest].reshape(-1, longest), np.random.default_rng(seed))


def bits_of_hidden(
    model: Longformer, inputs: Integer[np.ndarray, "rows length"], targets: Integer[np.ndarray, "rows length"]
) -> Float[Tensor, "rows length"]:
    """Measure what each hidden word costs, in bits; 0 where none is hidden."""
    scores, asked = logits(model, inputs), torch.from_numpy(targets)
    return F.cross_entropy(scores.mT, asked, ignore_index=IGNORE_INDEX, reduction="none") / math.log(2)


def with_copies(seed: int) -> dict[str, float]:
    """Measure bits a hidden word in texts of 1,024 words, and of the same words in pieces of the training length.

    A word sees 16 words to either side, two windows of 8, and near the end of a piece fewer. So the texts are cut
    twice, the second time half a piece later, and each word is asked for in the piece whose middle half it stands
    in: it sees the same words as in the whole text. `cut` is by one cut alone, with less in sight near its ends.
    """
    stream, fresh, _ = tale_streams(seed)
    model = longformer(stream, seed=seed, lr=best_rate("Longformer"))
    inputs, targets = hidden_texts(fresh, seed=seed)
    longest, reach = inputs.shape[1], PIECE // 4

    def in_pieces(shift: int) -> Float[np.ndarray, "texts longest"]:
        bits, here = np.zeros(inputs.shape), slice(shift, longest - shift)
        pieces = [each[:, here].reshape(-1, PIECE) for each in (inputs, targets)]
        bits[:, here] = bits_of_hidden(model, *pieces).reshape(len(inputs), -1)
        return bits

    whole = bits_of_hidden(extend_positions(model, n_positions=longest), inputs, targets)
    one, other = in_pieces(0), in_pieces(PIECE // 2)
    place = np.arange(longest) % PIECE
    pieced = np.where((place >= reach) & (place < PIECE - reach), one, other)
    counted = targets != IGNORE_INDEX
    counted[:, :reach] = counted[:, -reach:] = False  # the texts' own ends
    found = {"short": pieced, "cut": one, "long": whole.numpy()}
    return {name: float(bits[counted].mean()) for name, bits in found.items()}


def at_rate(model: str, lr: float, seed: int) -> dict[str, float]:
    """Measure bits a word at the training length, after training at one rate; on seeds that do not count."""
    stream, fresh, _ = tale_streams(TUNING + seed)
    if model == "Transformer-XL":
        made = transformer_xl(stream, seed=TUNING + seed, lr=lr)
        return {"bits": bits_remembered(made, fresh, SIGHT)[:, SIGHT:].mean().item()}
    inputs, targets = (each.reshape(-1, PIECE) for each in hidden_texts(fresh, seed=TUNING + seed))
    bits = bits_of_hidden(longformer(stream, seed=TUNING + seed, lr=lr), inputs, targets)
    return {"bits": bits.sum().item() / int((targets != IGNORE_INDEX).sum())}


BEYOND_RATES = Experiment(
    name="beyond_rates",
    measure=at_rate,
    factors={"model": ("Transformer-XL", "Longformer"), "lr": RATES},
    seeds=1,
    quantities=("bits",),
)


def best_rate(model: str) -> float:
    """Find the rate with the lowest loss at the training length, on the seeds that do not count."""
    return RATES[int(stored(BEYOND_RATES, "bits", model=model).mean(axis=0).argmin())]


WITH_MEMORY = Experiment(
    name="words_in_memory",
    measure=with_memory,
    seeds=10,
    quantities=(*(f"times_{times}" for times in TIMES), "own", "drift"),
)
WITH_COPIES = Experiment(name="copied_positions", measure=with_copies, seeds=10, quantities=("short", "cut", "long"))
