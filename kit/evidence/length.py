"""What length costs: time and memory of attention in three ways, and of whole small models there and back.

A repetition of a whole model has first weights and texts of its own.

Taught in: 20
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.blocks.attention import attention, plain_attention
from kit.blocks.sliding_window import window_attention
from kit.evidence.small_models import SMALL, VOCAB, made_by
from kit.evidence.store import Experiment, stored
from kit.machine import seconds_in_turn
from kit.models.transformer_xl import TransformerXL

REACH = 64  # words that a token sees to each side, or that a Transformer-XL reads at once, and remembers
LENGTHS = (1024, 2048, 4096, 8192)

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
WAYS: dict[str, Attention] = {
    "plain": plain_attention,
    "fused": attention,
    "windowed": lambda q, k, v: window_attention(q, k, v, window=REACH),
}


def queries_keys_values(n_tokens: int) -> list[Tensor]:
    """Draw queries, keys and values of two heads of 32, which want a gradient."""
    generator = torch.Generator().manual_seed(0)
    return [each.requires_grad_() for each in torch.randn(3, 1, 2, n_tokens, 32, generator=generator)]


def kept_megabytes(forward: Callable[[], Any], *, but: Iterable[Tensor] = ()) -> float:
    """Count what a forward pass keeps for its gradient, each piece of memory once; not those that are there anyway."""
    kept: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no address is used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        held = forward()
    there = {tensor.untyped_storage().data_ptr() for tensor in but}
    del held
    return sum(tensor.untyped_storage().nbytes() for at, tensor in kept.items() if at not in there) / 1e6


def attention_megabytes(way: str, n_tokens: int) -> float:
    """Count what one attention layer keeps for its gradient."""
    return kept_megabytes(lambda: WAYS[way](*queries_keys_values(n_tokens)))


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
    alone=True,
)


def reader(model: str, *, seed: int) -> nn.Module:
    """Make a whole model that can read the longest text, on the processor; the GPT sees all, as a rival."""
    make, config = SMALL[model]
    sizes = {
        "Transformer-XL": {"n_memory": REACH},
        "Longformer": {"n_positions": LENGTHS[-1], "window": REACH},
        "GPT": {"n_positions": LENGTHS[-1]},
    }[model]
    return made_by(make, replace(config, **sizes), seed=seed)


def loss_of_text(model: Any, ids: Int[Tensor, "1 length"]) -> Float[Tensor, ""]:
    """Read a text whole, a Transformer-XL by segments with a memory, and give its loss, whose gradient is wanted."""
    if not isinstance(model, TransformerXL):
        return F.cross_entropy(model(ids)[0], ids[0])
    memory, total = model.new_cache(), torch.zeros(())
    for segment in ids.split(REACH, dim=1):
        total = total + F.cross_entropy(model(segment, memory)[0], segment[0], reduction="sum")
    return total / ids.shape[1]


def cost_of_length(model: str, n_tokens: int, seed: int) -> dict[str, float]:
    """Time a whole model there and back on one text, once set up, and count what it keeps for its gradient."""
    made = reader(model, seed=seed)
    ids = torch.from_numpy(np.random.default_rng([seed, n_tokens]).integers(len(VOCAB), size=(1, n_tokens)))

    def there_and_back() -> None:
        loss_of_text(made, ids).backward()
        made.zero_grad()

    ((seconds,),) = seconds_in_turn(there_and_back, repeats=1, clock=time.process_time)
    megabytes = kept_megabytes(lambda: loss_of_text(made, ids), but=made.parameters())
    return {"milliseconds": 1000 * seconds, "megabytes": megabytes}


COST_OF_LENGTH = Experiment(
    name="cost_of_length",
    measure=cost_of_length,
    factors={"n_tokens": LENGTHS, "model": ("Transformer-XL", "Longformer", "GPT")},
    seeds=10,
    quantities=("milliseconds", "megabytes"),
    alone=True,
)


def slopes(model: str, quantity: str) -> Float[np.ndarray, "seeds"]:
    """Give for each repetition how a cost grows with the length: 1 as the length, 2 as its square.

    log(cost) = slope · log(length) + constant, by least squares
    """
    costs = stored(COST_OF_LENGTH, quantity, model=model)
    return np.polyfit(np.log(LENGTHS), np.log(costs).T, 1)[0]
