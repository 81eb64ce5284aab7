"""Words that only the beginning of a text tells, asked for at its end: a long reach against a plain window.

    Mia was a brave child . She had a red kite .          told
    One windy morning two geese carried it off . One ...  in between, some 200 words
    Alas , the red kite of Mia was gone .                 asked for: red, kite, Mia

A repetition has first weights, batches, training texts and test texts of its own. Rivals are one model with two
reaches, which it has in training as in the test: the same first weights, texts and number of steps.

Taught in: 20
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from kit.evidence.small_models import ID, MASK, SMALL, SPREAD, TALES, device, made_by, taught
from kit.evidence.store import Experiment, stored
from kit.text.grammar import Grammar, tokens

TOLD = Grammar(
    {
        **TALES.rules,
        "story": (
            "{HERO.name} was a {TRAIT} child. {HERO.They} had a {COLOUR} {THING.name}."
            " Alas, the {COLOUR} {THING.name} of {HERO.name} was gone.\n",
        ),
    }
)
BETWEEN = Grammar({**TALES.rules, "story": ("One {weather} morning {accident}.",)})
N_WORDS, ENDING = 257, 11  # of a text, and of its last sentence with the line end
ASKED = [-8, -7, -5]  # the places of the words asked for
SEGMENT, WINDOW = 32, 32  # words that a Transformer-XL reads at once, and that it remembers as the plain rival
N_TRAIN, N_FRESH = 3000, 400
STEPS = {"Transformer-XL": 200, "Longformer": 300}
SIGHTS = ("long", "window")
RATES = (1.75e-3, 3.5e-3, 7e-3, 1.4e-2)
TUNING = 1000  # seeds from here on choose the rates, and count for nothing else


def texts(n: int, *, rng: np.random.Generator) -> Integer[np.ndarray, "_ words"]:
    """Write texts, all of one length: what is told, sentences that do not matter, and the question's sentence."""
    between = [ID[word] for _ in range(2000) for word in tokens(BETWEEN.write(rng=rng))]
    stops = [i + 1 for i, word in enumerate(between) if word == ID["."] and i >= N_WORDS]
    written = []
    for _ in range(n):
        words = [ID[word] for word in tokens(TOLD.write(rng=rng))]
        told, asked = words[:-ENDING], words[-ENDING:]
        stop = stops[rng.integers(len(stops))]
        written.append([*told, *between[stop - (N_WORDS - len(words)) : stop], *asked])
    return np.array(written)


def reader(model: str, *, seed: int) -> nn.Module:
    """Make a small model; a Longformer has a place for each word of a text."""
    make, config = SMALL[model]
    sizes = {"n_positions": N_WORDS} if model == "Longformer" else {"n_heads": 2, "d_head": 24}
    return made_by(make, replace(config, **sizes), seed=seed, std=SPREAD)


def at_asked(x: Tensor) -> Tensor:
    """Take what stands at the places of the words asked for."""
    return torch.stack([x[:, place] for place in ASKED], dim=1)


def asked_of_memory(model: Any, words: Int[Tensor, "texts words"], sight: str) -> Float[Tensor, "texts 3 vocab"]:
    """Let a Transformer-XL read texts by segments, with a memory of the whole or of a window, and ask for three words.

    No gradient flows into a memory; so all but the last segment is read without one.
    """
    memory, last = model.new_cache(N_WORDS if sight == "long" else WINDOW), N_WORDS - 1 - SEGMENT
    with torch.no_grad():
        for segment in words[:, :last].split(SEGMENT, dim=1):
            model.encode(segment, memory)
    return at_asked(model(words[:, last:-1], memory))


def asked_of_gaps(model: Any, words: Int[Tensor, "texts words"], sight: str) -> Float[Tensor, "texts 3 vocab"]:
    """Hide the three words of the question from a Longformer, and ask for them.

    The question's words are global, as the paper has it for answering questions; in a plain window none is.
    """
    hidden = words.clone()
    for place in ASKED:
        hidden[:, place] = MASK
    question = (torch.arange(N_WORDS, device=words.device) >= N_WORDS - ENDING).expand(len(words), -1)
    return model.head(at_asked(model.encode(hidden, is_global=question if sight == "long" else None)))


ASK = {"Transformer-XL": asked_of_memory, "Longformer": asked_of_gaps}


def bits_asked(model: str, sight: str, lr: float, seed: int) -> float:
    """Train a model with one reach to answer, and measure bits a word asked for, of fresh texts."""
    table = torch.from_numpy(texts(N_TRAIN + N_FRESH, rng=np.random.default_rng([seed, 20])))

    def batch(step: int) -> tuple[Tensor]:
        return (table[np.random.default_rng([seed, step]).integers(N_TRAIN, size=16)],)

    def loss(model_: nn.Module, words: tuple[Tensor]) -> Float[Tensor, ""]:
        return F.cross_entropy(ASK[model](model_, words[0], sight).mT, at_asked(words[0]))

    made = taught(reader(model, seed=seed), batch, lr=lr, n_steps=STEPS[model], loss=loss)
    with torch.no_grad():
        return loss(made, (table[N_TRAIN:].to(device()),)).item() / math.log(2)


FAR_RATES = Experiment(
    name="far_words_rates",
    measure=lambda model, sight, lr, seed: {"bits": bits_asked(model, sight, lr, TUNING + seed)},
    factors={"model": tuple(ASK), "sight": SIGHTS, "lr": RATES},
    seeds=1,
    quantities=("bits",),
)


def best_rate(model: str, sight: str) -> float:
    """Find the rate with the lowest loss, on the seeds that do not count."""
    return RATES[int(stored(FAR_RATES, "bits", model=model, sight=sight).mean(axis=0).argmin())]


FAR_WORDS = Experiment(
    name="far_words",
    measure=lambda model, sight, seed: {"bits": bits_asked(model, sight, best_rate(model, sight), seed)},
    factors={"model": tuple(ASK), "sight": SIGHTS},
    seeds=10,
    quantities=("bits",),
)


def worth(*, n: int = 1000) -> float:
    """Measure what the words asked for cost a reader who knows the grammar and forgot the beginning, in bits a word."""
    rng = np.random.default_rng(0)
    told = [(text, TOLD.surprisal(text)) for text in (TOLD.write(rng=rng) for _ in range(n))]
    first = [[bits[tokens(text).index(tokens(text)[place])] for place in ASKED] for text, bits in told]
    return float(np.mean(first))
