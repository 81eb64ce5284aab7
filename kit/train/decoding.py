"""Decoding: from the logits of the next token to text, one token at a time.

    generate(model, prompts, n_tokens=100)                                        the likeliest token, always
    generate(model, prompts, n_tokens=100, temperature=0.8, top_p=0.9, generator=torch.Generator())
    generate(model, prompts, n_tokens=100, temperature=1.0, min_p=0.1, generator=torch.Generator())

With a cache each token is computed once: the model reads one token a step, and not the whole text anew.

Taught in: 18 21
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from kit.arguments import count, instance, integer_tensor, real, real_tensor, several, token_batch
from kit.blocks.modes import modes_kept

Model = TypeVar("Model", bound=nn.Module)


@runtime_checkable
class CausalModel(Protocol):
    """What can be decoded: every decoder of kit.models, and whatever else has these two methods.

    A third, `next_logits(ids, cache)`, gives the logits of the last token alone, and is used where it is there.
    """

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
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    generator: torch.Generator | None = None,
    stop: int | None = None,
    cache: bool = True,
) -> Any:
    """Continue each prompt by `n_tokens` tokens.

    Prompts of unequal length start together, at the end of the shortest; each longer one takes its
    own tokens while they last. So no padding is ever seen, and each row is what it would be alone.
    The model is asked in evaluation mode, and left in the modes that its parts were in.

    Args:
        prompts: a tensor of rows, or a list of rows of any lengths.
        temperature: 0 takes the likeliest token; otherwise tokens are drawn, as `sample` does.
        repetition_penalty: above 1, what makes the tokens of a row's text so far less likely, as
            `penalise_repetition` does.
        stop: a token that ends a row.
        cache: False computes all of the text anew at every token.

    Returns:
        A tensor of prompts and continuations, where what follows a `stop` is filled with it; or,
        for a list of prompts, a list of tensors, each up to its `stop`.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, a prompt is
            empty, or `temperature` > 0 has no `generator` to draw by; and where `model.config` says
            `n_positions` and `vocab_size`, if the text will not fit, or a token is none of them.

    Oracle: `generate` of Hugging Face transformers.
    """
    n_tokens = count("n_tokens", n_tokens)
    _check_sampling(temperature, top_k, top_p, min_p, generator)
    real("repetition_penalty", repetition_penalty, above=0)
    if not isinstance(model, CausalModel):
        raise TypeError(f"model must take ids and have a method new_cache, got {type(model).__name__}")
    rows = _rows(prompts)
    stop = None if stop is None else count("stop", stop, at_least=0)
    lengths = [len(row) for row in rows]
    shortest, longest = min(lengths), max(lengths)
    _check_room(model, rows, n_tokens, stop)

    module = model if isinstance(model, nn.Module) else nn.Module()
    device = next((parameter.device for parameter in module.parameters()), rows[0].device)
    ids = torch.zeros(len(rows), longest + n_tokens, dtype=torch.long)
    given = torch.zeros_like(ids, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)], given[i, : len(row)] = row, True
    ids, given = ids.to(device), given.to(device)
    stopped = torch.zeros(len(rows), dtype=torch.bool, device=device)

    with modes_kept(module), torch.inference_mode():
        module.eval()
        memory = model.new_cache(ids.shape[1]) if cache else None
        next_logits = getattr(model, "next_logits", partial(_last_of_all, model))
        read = 0
        for place in range(shortest, ids.shape[1]):
            logits = next_logits(ids[:, read:place], memory)
            read = 0 if memory is None else place
            if repetition_penalty != 1:
                logits = penalise_repetition(logits, ids[:, :place], repetition_penalty)
            new = _choose(logits, temperature, top_k, top_p, min_p, generator)
            if stop is not None:
                new = new.masked_fill(stopped, stop)
                stopped |= (new == stop) & ~given[:, place]
            ids[:, place] = torch.where(given[:, place], ids[:, place], new) if place < longest else new
            if stop is not None and stopped.all():
                ids[:, place + 1 :] = stop
                break
    if isinstance(prompts, Tensor):
        return ids
    return [_until(row[: n + n_tokens], n, stop) for row, n in zip(ids, lengths, strict=True)]


def column_major(model: Model) -> Model:
    """Store each matrix of a model column by column; its names, shapes and numbers stay what they are.

    One token is one row, and its product with a matrix is bound by how fast the matrix is read. On
    the processors where it was measured that is up to twice as fast by columns; `python run.py
    bench generation` measures it on yours. A model that will write much gains, and one that trains does not.

    Returns:
        The model itself. A copy loaded from its `state_dict` has the usual order.

    Raises:
        TypeError: if `model` is not a module.

    >>> column_major(nn.Linear(3, 2)).weight.stride()
    (1, 2)
    """
    instance("model", model, nn.Module)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.data = layer.weight.data.t().contiguous().t()
    return model


def sample(
    logits: Float[Tensor, "*batch vocab"],
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "*batch"]:
    """Choose a token for each row of logits: the likeliest, or one drawn by its chances.

    Args:
        temperature: 0 takes the likeliest; above, and with the cuts, as `chances_of` does.
        generator: what the tokens are drawn by, where `temperature` > 0.

    Raises:
        TypeError, ValueError: as `chances_of`, or if there is no `generator` to draw by.

    >>> sample(torch.tensor([[0.0, 2.0, 1.0]]))
    tensor([1])
    """
    _check_logits(logits)
    _check_sampling(temperature, top_k, top_p, min_p, generator)
    return _choose(logits, temperature, top_k, top_p, min_p, generator)


def chances_of(
    logits: Float[Tensor, "*batch vocab"],
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> Float[Tensor, "*batch vocab"]:
    """Give the chance of each token to be drawn.

        softmax(logits / temperature), cut to the `top_k` likeliest, then to the fewest that hold
        `top_p`, then to those of at least `min_p` times the largest chance

    Args:
        temperature: above 1 evens the chances out, below 1 sharpens them; 0 leaves the likeliest alone.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, or the largest
            of a row of `logits` is not finite.

    Numerics: the largest logit is taken off before the division, which thereby overflows to -∞ alone.

    >>> chances_of(torch.tensor([0.0, 0.0, -1.0]), top_k=2)
    tensor([0.5000, 0.5000, 0.0000])
    """
    _check_logits(logits)
    _check_sampling(temperature, top_k, top_p, min_p)
    largest, likeliest = _finite_max(logits)
    if temperature == 0:
        return torch.zeros_like(logits, dtype=torch.float32).scatter_(-1, likeliest[..., None], 1.0)
    return _chances(logits, largest, temperature, top_k, top_p, min_p)


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

    A token stays if those likelier than it do not yet hold `p`: if it and all that are less likely
    hold more than 1 - p. So the likeliest always stays, and p = 1 rules nothing out.

    Raises:
        TypeError, ValueError: if `logits` are not real numbers, or `p` not above 0 and at most 1.

    Numerics: chances are added up from the smallest, in float32 at least: a sum of thousands that
    begins at the largest loses the rest.
    Source: Holtzman et al. (2019), arXiv:1904.09751, section 3.1.
    Oracle: transformers.TopPLogitsWarper.

    >>> top_p_filter(torch.tensor([0.2, 0.5, 0.3]).log(), 0.7).exp()
    tensor([0.0000, 0.5000, 0.3000])
    """
    p = real("p", p, above=0, at_most=1)
    wide = torch.promote_types(real_tensor("logits", logits).dtype, torch.float32)
    if p == 1:
        return logits
    chances, order = logits.to(wide).softmax(dim=-1).sort(dim=-1)
    rest = chances.cumsum(dim=-1) <= 1 - p
    rest[..., -1] = False
    return logits.masked_fill(torch.empty_like(rest).scatter_(-1, order, rest), -math.inf)


def min_p_filter(logits: Float[Tensor, "*batch vocab"], p: float) -> Float[Tensor, "*batch vocab"]:
    """Rule out the tokens whose chance is below `p` times the largest chance, by logits of -∞.

        keep where  logit >= max(logits) + log p

    Where the model is sure, few are left; where it is not, many.

    Raises:
        TypeError, ValueError: if `logits` are not real numbers, or `p` not above 0 and at most 1.

    Source: Nguyen et al. (2024), arXiv:2407.01082, section 3.
    Oracle: transformers.MinPLogitsWarper.

    >>> min_p_filter(torch.tensor([0.2, 0.5, 0.3]).log(), 0.5).exp()
    tensor([0.0000, 0.5000, 0.3000])
    """
    log_p = math.log(real("p", p, above=0, at_most=1))
    wide = real_tensor("logits", logits).to(torch.promote_types(logits.dtype, torch.float32))
    return logits.masked_fill(wide < wide.amax(dim=-1, keepdim=True) + log_p, -math.inf)


def penalise_repetition(
    logits: Float[Tensor, "batch vocab"], ids: Int[Tensor, "batch time"], penalty: float
) -> Float[Tensor, "batch vocab"]:
    """Make every token that stands in a text less likely to come again.

        logit / penalty    where it is above 0
        logit · penalty    where it is not; the paper divides there, too, which makes it likelier

    Args:
        ids: the text of each row so far.
        penalty: 1 changes nothing, 1.2 is usual; below 1 it makes repeats likelier.

    Raises:
        TypeError: if `logits` are not real numbers, or `ids` not whole ones.
        ValueError: if they differ in rows, or `penalty` <= 0.

    Source: Keskar et al. (2019), arXiv:1909.05858, section 4.1.
    Oracle: transformers.RepetitionPenaltyLogitsProcessor.

    >>> penalise_repetition(torch.tensor([[2.0, -1.0, 2.0]]), torch.tensor([[0, 1, 1]]), 2.0)
    tensor([[ 1., -2., 2.]])
    """
    penalty = real("penalty", penalty, above=0)
    if real_tensor("logits", logits).ndim != 2:
        raise ValueError(f"logits must have the axes batch and vocab, got shape {tuple(logits.shape)}")
    if integer_tensor("ids", ids).ndim != 2 or len(ids) != len(logits):
        raise ValueError(f"ids must be a row for each of {len(logits)} rows of logits, got shape {tuple(ids.shape)}")
    ids = token_batch("ids", ids, below=logits.shape[1])
    seen = logits.gather(1, ids)
    return logits.scatter(1, ids, torch.where(seen > 0, seen / penalty, seen * penalty))


def _last_of_all(model: CausalModel, ids: Tensor, memory: Any) -> Tensor:
    """Ask for the logits of all tokens and take the last, where a model has no method for these alone."""
    return (model(ids) if memory is None else model(ids, memory))[:, -1]


def _choose(
    logits: Tensor,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    generator: torch.Generator | None,
) -> Tensor:
    """Choose as `sample` does, of what has been checked."""
    largest, likeliest = _finite_max(logits)
    if temperature == 0 or generator is None:
        return likeliest
    chances = _chances(logits, largest, temperature, top_k, top_p, min_p)
    # drawn where the generator lives, so that one seed gives one text whatever computes the logits
    table = chances.reshape(-1, chances.shape[-1]).to(generator.device)
    return torch.multinomial(table, 1, generator=generator).reshape(logits.shape[:-1]).to(logits.device)


def _finite_max(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Give the largest of each row and where it stands; a NaN counts as the largest, and is refused."""
    largest, likeliest = logits.max(dim=-1)
    if not (finite := largest.isfinite()).all():
        raise ValueError(f"logits must have a finite largest in each row, got {largest[~finite][0].item()}")
    return largest, likeliest


def _chances(
    logits: Tensor, largest: Tensor, temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> Tensor:
    logits = (logits - largest[..., None]).float() / max(temperature, torch.finfo(torch.float32).tiny)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    if min_p is not None:
        logits = min_p_filter(logits, min_p)
    return logits.softmax(dim=-1)


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


def _check_room(model: Any, rows: list[Tensor], n_tokens: int, stop: int | None) -> None:
    """Refuse what a model could not finish, as far as it says what it can; the last token is never read."""
    config, longest = getattr(model, "config", None), max(map(len, rows))
    if (room := getattr(config, "n_positions", None)) is not None:
        if longest > room:
            raise ValueError(f"prompts must be at most {room} tokens long, got {longest}")
        if n_tokens > room - longest + 1:
            rule = f"n_tokens must be <= {room - longest + 1}, for {room} positions and a prompt of {longest} tokens"
            raise ValueError(f"{rule}, got {n_tokens}")
    if (vocab_size := getattr(config, "vocab_size", None)) is not None:
        for row in rows:
            token_batch("prompts", row[None], below=vocab_size)
        if stop is not None and stop >= vocab_size:
            raise ValueError(f"stop must be < {vocab_size}, the number of tokens, got {stop}")


def _check_logits(logits: Any) -> None:
    if not real_tensor("logits", logits).ndim or not logits.numel():
        raise ValueError(f"logits must have an axis of tokens, and one of them, got shape {tuple(logits.shape)}")


def _check_sampling(temperature: Any, top_k: Any, top_p: Any, min_p: Any, generator: Any = ...) -> None:
    """Refuse settings; a generator is needed where tokens are drawn, unless none is asked for at all."""
    if real("temperature", temperature, at_least=0) > 0 and generator is not ...:
        instance("generator", generator, torch.Generator)
    if top_k is not None:
        count("top_k", top_k)
    for name, p in (("top_p", top_p), ("min_p", min_p)):
        if p is not None:
            real(name, p, above=0, at_most=1)
