"""Decoding: from the logits of the next token to text, one token at a time.

    generate(model, prompts, n_tokens=100)                                        the likeliest token, always
    generate(model, prompts, n_tokens=100, temperature=0.8, top_p=0.9, generator=torch.Generator())

With a cache each token is computed once: the model reads one token a step, and not the whole text anew.

Taught in: 17 23
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from kit.arguments import count, instance, integer_tensor, real, real_tensor, several


@runtime_checkable
class CausalModel(Protocol):
    """What can be decoded: every decoder of kit.models, and whatever else has these two methods."""

    def __call__(self, ids: Tensor, cache: Any = None, /) -> Tensor:
        """Give the logits of the token after each; with a cache, `ids` go on from what it holds."""
        ...

    def new_cache(self, n_tokens: int | None = None) -> Any:
        """Make an empty cache for so many tokens."""
        ...


def generate(
    model: CausalModel,
    prompts: Int[Tensor, "batch time"] | Sequence[Sequence[int] | Int[Tensor, "_"]],
    *,
    n_tokens: int,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    stop: int | None = None,
    cache: bool = True,
) -> Any:
    """Continue each prompt by `n_tokens` tokens.

    Prompts of unequal length start together, at the end of the shortest; each longer one takes its
    own tokens while they last. So no padding is ever seen, and each row is what it would be alone.

    Args:
        prompts: a tensor of rows, or a list of rows of any lengths.
        temperature: 0 takes the likeliest token; otherwise tokens are drawn, as `sample` does.
        stop: a token that ends a row.
        cache: False computes all of the text anew at every token.

    Returns:
        A tensor of prompts and continuations, where what follows a `stop` is filled with it; or,
        for a list of prompts, a list of tensors, each up to its `stop`.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, a prompt is
            empty, or `temperature` > 0 has no `generator` to draw by.

    Oracle: `generate` of Hugging Face transformers.
    """
    n_tokens = count("n_tokens", n_tokens)
    _check_sampling(temperature, top_k, top_p, generator)
    if not isinstance(model, CausalModel):
        raise TypeError(f"model must take ids and have a method new_cache, got {type(model).__name__}")
    rows = _rows(prompts)
    stop = None if stop is None else count("stop", stop, at_least=0)
    lengths = [len(row) for row in rows]
    shortest, longest = min(lengths), max(lengths)

    device = next(model.parameters()).device if isinstance(model, nn.Module) else rows[0].device
    ids = torch.zeros(len(rows), longest + n_tokens, dtype=torch.long)
    given = torch.zeros_like(ids, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)], given[i, : len(row)] = row, True
    ids, given = ids.to(device), given.to(device)
    stopped = torch.zeros(len(rows), dtype=torch.bool, device=device)

    was_training = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    try:
        with torch.inference_mode():
            memory = model.new_cache(ids.shape[1]) if cache else None
            read = 0
            for place in range(shortest, ids.shape[1]):
                logits = model(ids[:, read:place]) if memory is None else model(ids[:, read:place], memory)
                read = 0 if memory is None else place
                new = sample(logits[:, -1], temperature=temperature, top_k=top_k, top_p=top_p, generator=generator)
                if stop is not None:
                    new = new.masked_fill(stopped, stop)
                    stopped |= (new == stop) & ~given[:, place]
                ids[:, place] = torch.where(given[:, place], ids[:, place], new) if place < longest else new
                if stop is not None and stopped.all():
                    ids[:, place + 1 :] = stop
                    break
    finally:
        if isinstance(model, nn.Module):
            model.train(was_training)
    if isinstance(prompts, Tensor):
        return ids
    return [_until(row[: n + n_tokens], n, stop) for row, n in zip(ids, lengths, strict=True)]


def sample(
    logits: Float[Tensor, "batch vocab"],
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch"]:
    """Choose a token for each row of logits.

        softmax(logits / temperature), cut to the `top_k` likeliest, then to the fewest that hold `top_p`

    Args:
        temperature: above 1 evens the chances out, below 1 sharpens them; 0 leaves the likeliest alone.
        generator: what the tokens are drawn by, where `temperature` > 0.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range.

    >>> sample(torch.tensor([[0.0, 2.0, 1.0]]))
    tensor([1])
    """
    real_tensor("logits", logits)
    _check_sampling(temperature, top_k, top_p, generator)
    if temperature == 0 or generator is None:
        return logits.argmax(dim=-1)
    logits = logits.float() / temperature
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    # drawn where the generator lives, so that one seed gives one text whatever computes the logits
    chances = logits.softmax(dim=-1).to(generator.device)
    return torch.multinomial(chances, 1, generator=generator)[:, 0].to(logits.device)


def top_k_filter(logits: Float[Tensor, "*batch vocab"], k: int) -> Float[Tensor, "*batch vocab"]:
    """Rule out all but the `k` likeliest tokens, by logits of -∞; those as likely as the last of them stay.

    Raises:
        TypeError, ValueError: if `logits` are not real numbers, or `k` not a whole number above 0.

    Source: Fan, Lewis & Dauphin (2018), arXiv:1805.04833, section 5.4.
    Oracle: transformers.TopKLogitsWarper.

    >>> top_k_filter(torch.tensor([1.0, 3.0, 2.0]), 2)
    tensor([-inf, 3., 2.])
    """
    real_tensor("logits", logits)
    k = min(count("k", k), logits.shape[-1])
    return logits.masked_fill(logits < logits.topk(k).values[..., -1:], -math.inf)


def top_p_filter(logits: Float[Tensor, "*batch vocab"], p: float) -> Float[Tensor, "*batch vocab"]:
    """Rule out all but the fewest tokens whose chances add up to at least `p`, by logits of -∞.

    A token stays if those likelier than it do not yet hold `p`; so the likeliest always stays.

    Raises:
        TypeError, ValueError: if `logits` are not real numbers, or `p` not above 0 and at most 1.

    Source: Holtzman et al. (2019), arXiv:1904.09751, section 3.1.
    Oracle: transformers.TopPLogitsWarper.

    >>> top_p_filter(torch.tensor([0.2, 0.5, 0.3]).log(), 0.7).exp()
    tensor([0.0000, 0.5000, 0.3000])
    """
    real_tensor("logits", logits)
    p = real("p", p, above=0, at_most=1)
    chances, order = logits.softmax(dim=-1).sort(dim=-1, descending=True)
    likelier = chances.cumsum(dim=-1) - chances
    out = torch.empty_like(likelier, dtype=torch.bool).scatter_(-1, order, likelier >= p)
    return logits.masked_fill(out, -math.inf)


def _until(row: Tensor, start: int, stop: int | None) -> Tensor:
    """Cut a row after its first `stop` from `start` on."""
    ends = [] if stop is None else (row[start:] == stop).nonzero().flatten().tolist()
    return row[: start + ends[0] + 1] if ends else row


def _rows(prompts: Any) -> list[Tensor]:
    if isinstance(prompts, Tensor):
        if integer_tensor("prompts", prompts).ndim != 2:
            raise ValueError(f"prompts must have the axes batch and time, got shape {tuple(prompts.shape)}")
        rows = list(prompts)
    else:
        several("prompts", prompts)
        rows = []
        for prompt in prompts:
            several("prompts", prompt)
            rows.append(torch.as_tensor(prompt) if len(prompt) else torch.zeros(0, dtype=torch.long))
    if not rows or any(not row.numel() for row in rows):
        raise ValueError("prompts must be one or more, each of a token or more, got an empty one")
    for row in rows:
        integer_tensor("prompts", row)
    return rows


def _check_sampling(temperature: Any, top_k: Any, top_p: Any, generator: Any) -> None:
    if real("temperature", temperature, at_least=0) > 0:
        instance("generator", generator, torch.Generator)
    if top_k is not None:
        count("top_k", top_k)
    if top_p is not None:
        real("top_p", top_p, above=0, at_most=1)
