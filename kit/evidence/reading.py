"""What reading brings a small GPT: the model that has read stories, and its rivals on real code.

    reader(0, 2_400)       a GPT that has read 2,400 stories; a process trains it once
    READING_CODE           bits per byte of new code, for the GPT, for counted tokens and for xz

Taught in: 18 21
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Int

from kit.arguments import count, one_of
from kit.evidence.store import Experiment
from kit.learn.schedules import Schedule, cosine, warmup
from kit.models.gpt import GPT, GPTConfig
from kit.text import bpe
from kit.text.corpus import standard_library, train_test_split
from kit.text.ngram import compressed_bits_per_byte, count_ngrams
from kit.text.packing import group_by_length, pack
from kit.text.stories import STORIES
from kit.text.story_tasks import END, WORDS, encode
from kit.train.batches import epochs
from kit.train.loop import fit
from kit.train.objectives import mean_loss, next_token_loss

BATCH = 8
"""How many stories, or rows of code, a step reads."""
RIVALS = ("the small GPT", "counted tokens", "xz")
LENGTH, VOCAB_SIZE, CODE_STEPS = 128, 1024, 200


def small_gpt(vocab_size: int, *, n_positions: int, d_model: int, seed: int) -> GPT:
    """Make a GPT of two layers with four heads, which has read nothing yet.

    Raises:
        TypeError, ValueError: if a number is not a whole number above 0, `seed` < 0, or `d_model` not a
            multiple of 4.
    """
    d_model = count("d_model", d_model)
    if d_model % 4:
        raise ValueError(f"d_model must be a multiple of 4, the number of heads, got {d_model}")
    torch.manual_seed(count("seed", seed, at_least=0))
    config = GPTConfig(
        vocab_size=vocab_size,
        n_positions=n_positions,
        n_layers=2,
        n_heads=4,
        d_model=d_model,
        dropout=0.0,
        init_std=d_model**-0.5,
    )
    return GPT(config)


def story_gpt(seed: int, *, d_model: int = 64) -> GPT:
    """Make a small GPT over the words of the stories, which has read nothing yet.

    Raises:
        TypeError, ValueError: as `small_gpt`.
    """
    return small_gpt(len(WORDS), n_positions=1024, d_model=d_model, seed=seed)


def story_rows(stories: Sequence[str]) -> list[Int[np.ndarray, "_"]]:
    """Turn stories into ids, each after the line end that closed the one before.

    Raises:
        TypeError, ValueError: if a story is not a str, or not in the words of the stories.
    """
    return [np.append(END, encode(story)) for story in stories]


def reading_rate(n_steps: int) -> Schedule:
    """Climb to the rate at which the small GPT reads well, and come down along a cosine.

    Raises:
        TypeError, ValueError: if `n_steps` is not a whole number above 50, the steps of the climb.
    """
    return warmup(cosine(6e-3, n_steps=count("n_steps", n_steps, at_least=51) - 50), n_steps=50)


@cache
def reader(seed: int, n_read: int) -> GPT:
    """Let a small GPT read stories, each once; the model and the stories are of the seed.

    Raises:
        TypeError, ValueError: if a number is not a whole number, `seed` < 0, or `n_read` makes too few steps.
    """
    rng = np.random.default_rng(count("seed", seed, at_least=0))
    stories = [STORIES.write(rng=rng) for _ in range(count("n_read", n_read))]
    batches = group_by_length(story_rows(stories), batch_size=BATCH, fill=END, rng=rng)
    model = story_gpt(seed)
    fit(model, next_token_loss, lambda step: batches[step], n_steps=len(batches), lr=reading_rate(len(batches)))
    return model


def code_bits(rival: str, seed: int) -> dict[str, float]:
    """Measure the bits per byte that one of `RIVALS` needs for files of Python code which it has not read.

    The seed draws which files are new, and the GPT.

    Raises:
        TypeError, ValueError: if `rival` is not one of `RIVALS`, or `seed` not a whole number from 0.
    """
    one_of("rival", rival, RIVALS)
    count("seed", seed, at_least=0)
    library = [d for d in standard_library() if not d.name.startswith(("encodings/", "pydoc_data/"))]
    _, files = train_test_split(library, held_out=0.12)  # an eighth of the library
    known, new = train_test_split(files, held_out=0.15, group=lambda d: f"{seed} {d.name}")
    n_bytes = sum(len(d.text.encode()) for d in new)
    if rival == "xz":
        before, after = (b"".join(d.text.encode() for d in side) for side in (known, new))
        return {"bits": compressed_bits_per_byte(after, after=before)}
    tokeniser = bpe.train([d.text for d in known], vocab_size=VOCAB_SIZE)
    known_ids, new_ids = ([tokeniser.encode(d.text) for d in side] for side in (known, new))
    if rival == "counted tokens":
        runs = count_ngrams(known_ids, n=3, vocab_size=VOCAB_SIZE)
        return {"bits": sum(float(runs.witten_bell_bits(ids).sum()) for ids in new_ids) / n_bytes}
    rows, unseen = (pack(ids, length=LENGTH + 1, end=VOCAB_SIZE) for ids in (known_ids, new_ids))
    model = small_gpt(VOCAB_SIZE + 1, n_positions=LENGTH, d_model=64, seed=seed)
    fit(
        model,
        next_token_loss,
        epochs(rows, batch_size=BATCH, seed=seed),
        n_steps=CODE_STEPS,
        lr=reading_rate(CODE_STEPS),
        weight_decay=0.01,
    )
    nats = mean_loss(model, next_token_loss, torch.from_numpy(unseen).split(32)) * unseen[:, 1:].size
    return {"bits": nats / math.log(2) / n_bytes}


READING_CODE = Experiment(
    name="reading_code", measure=code_bits, factors={"rival": RIVALS}, seeds=5, quantities=("bits",)
)
"""Who foresees new code best, after reading the same files."""
