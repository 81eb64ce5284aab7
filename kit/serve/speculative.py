"""Draft and verify: guess some tokens for next to nothing, and let the model judge them all in one step.

    a step reads      1 token            and reads every weight once
    a step reads      1 token + k drafts and reads every weight once

Where a step waits for the weights to come from memory, the second costs hardly more. A draft d, drawn
by chances q, stays with chance

    min(1, p(d) / q(d))            p: the model's own chances

and the first that does not stay is replaced by a token drawn by max(0, p - q), scaled to sum to 1. What
comes out is distributed as p, whatever q is. At temperature 0 a draft stays if it is the likeliest token.

Source: Leviathan, Kalman & Matias (2022), arXiv:2211.17192; Chen et al. (2023), arXiv:2302.01318.

Taught in: 26
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import count, function, instance, real, real_tensor, several, token_ids
from kit.blocks.modes import modes_kept
from kit.train.decoding import CausalModel, chances_of

Draft = Callable[[list[int], int], list[int]]
"""From a text so far, and a number, to so many guesses of what follows; fewer, or none, where it has no idea."""

WIDEST = 2**31  # ids that a guess may hold: what is no token of the model is refused by the model


def lookup_draft(ids: list[int], n_draft: int, *, n_match: int = 3) -> list[int]:
    """Guess what followed the last time that the text ended as it does now.

    Args:
        n_match: how many last tokens must be the same; where they never were, one fewer, and so on down to one.

    Raises:
        TypeError, ValueError: if `ids` are not a collection of token ids, or a number not a whole one above 0.

    Source: "prompt lookup decoding", Saxena (2023).

    >>> lookup_draft([5, 6, 7, 8, 5, 6], 2)
    [7, 8]
    """
    several("ids", ids)
    text = token_ids("ids", list(ids), below=WIDEST).tolist()
    n_draft, n_match = count("n_draft", n_draft), count("n_match", n_match)
    for n in range(min(n_match, len(text) - 1), 0, -1):
        end = text[-n:]
        for start in range(len(text) - n - 1, -1, -1):
            if text[start : start + n] == end:
                return text[start + n : start + n + n_draft]
    return []


class CountedDraft:
    """Guess the token that followed most often in the texts that were counted: an n-gram model as draft.

    Args:
        texts: rows of token ids.
        n: the length of what is counted: n - 1 tokens and the next. Where they never stood together, fewer are
            looked at.

    Raises:
        TypeError, ValueError: if a text does not hold token ids, there is none, or `n` < 2.

    >>> CountedDraft([[1, 2, 3, 1, 2, 3]], n=3)([9, 1], 3)
    [2, 3, 1]
    """

    def __init__(self, texts: Iterable[Sequence[int]], *, n: int):
        self.n = count("n", n, at_least=2)
        several("texts", texts)
        counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for text in texts:
            several("texts", text)
            ids = token_ids("texts", text, below=WIDEST).tolist()
            for end in range(1, len(ids)):
                for size in range(1, min(self.n, end + 1)):
                    counts[tuple(ids[end - size : end])][ids[end]] += 1
        if not counts:
            raise ValueError("texts must hold two tokens in a row, got none that do")
        self.likeliest = {before: max(after, key=after.__getitem__) for before, after in counts.items()}

    def __call__(self, ids: list[int], n_draft: int) -> list[int]:
        """Guess token by token; a text that ends as none did gets no guess."""
        text = list(ids[1 - self.n :])
        guessed: list[int] = []
        while len(guessed) < n_draft:
            ends = (tuple(text[start:]) for start in range(max(0, len(text) - self.n + 1), len(text)))
            found = next((self.likeliest[end] for end in ends if end in self.likeliest), None)
            if found is None:
                break
            guessed.append(found)
            text.append(found)
        return guessed


def verify_drafts(
    drafts: Sequence[int],
    p: Float[Tensor, "drafts_and_one vocab"],
    q: Float[Tensor, "drafts vocab"],
    *,
    generator: torch.Generator,
) -> list[int]:
    """Keep drafts up to the first that the model turns down, and add one token of the model's own.

    Args:
        p: the model's chances at the place of each draft, and behind the last.
        q: the chances that each draft was drawn by; 1 for the draft itself where nothing was drawn.

    Returns:
        The drafts that stay, and one token more. Each is distributed as the model's own draw.

    Raises:
        TypeError, ValueError: if `p` and `q` are not chances of those drafts, or there is no `generator`.

    Source: Leviathan, Kalman & Matias (2022), arXiv:2211.17192, algorithm 1.

    >>> sure = torch.eye(3)
    >>> verify_drafts([1, 0], sure[[1, 2, 0]], sure[[1, 0]], generator=torch.Generator())
    [1, 2]
    """
    several("drafts", drafts)
    if real_tensor("p", p).ndim != 2:
        raise ValueError(f"p must have the axes drafts and vocab, got shape {tuple(p.shape)}")
    vocab = p.shape[-1]
    kept = token_ids("drafts", list(drafts), below=max(vocab, 1)).tolist()
    for name, chances, n in (("p", p, len(kept) + 1), ("q", q, len(kept))):
        if real_tensor(name, chances).shape != (n, vocab):
            raise ValueError(f"{name} must have the shape {(n, vocab)}, got {tuple(chances.shape)}")
        if n and (chances.min() < 0 or (chances.sum(dim=-1) - 1).abs().max() > 1e-3):
            raise ValueError(f"{name} must hold chances that sum to 1, got rows of {chances.sum(dim=-1).tolist()[:3]}")
    instance("generator", generator, torch.Generator)
    for place, draft in enumerate(kept):
        if torch.rand((), generator=generator) * q[place, draft] >= p[place, draft]:
            rest = (p[place] - q[place]).clamp_min(0)
            # no rest: p equals q up to rounding, where the draft would have stayed
            return [*kept[:place], _drawn(rest if rest.sum() > 0 else p[place], generator)]
    return [*kept, _drawn(p[-1], generator)]


@dataclass(frozen=True, kw_only=True)
class Speculated:
    """A text, and what it took.

    Args:
        ids: prompt and continuation.
        n_steps: times that the model was asked.
        n_drafts: guesses that it was shown.
        n_accepted: those that stayed.
    """

    ids: list[int]
    n_steps: int
    n_drafts: int
    n_accepted: int


def generate_with_drafts(
    model: CausalModel,
    prompt: Sequence[int],
    *,
    n_tokens: int,
    draft: Draft,
    n_draft: int = 4,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    generator: torch.Generator | None = None,
    stop: int | None = None,
) -> Speculated:
    """Continue one prompt by `n_tokens` tokens, several a step where guesses are right.

    Args:
        draft: guesses what follows, such as `lookup_draft` or a `CountedDraft`.
        n_draft: guesses a step, at most.
        temperature: 0 gives the text that `generate` gives, up to the rounding of a product of several rows;
            above, the same distribution, and with the cuts, as `sample` does.
        stop: a token that ends the text.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, or `temperature` > 0 has no
            `generator`; and as the model does, of a prompt that it cannot read or finish.

    Oracle: `generate`, at temperature 0; the chances of `chances_of`, above.
    """
    if not isinstance(model, CausalModel) or not isinstance(model, nn.Module):
        raise TypeError(f"model must be a module with a method new_cache, got {type(model).__name__}")
    several("prompt", prompt)
    config: Any = getattr(model, "config", None)
    ids: list[int] = token_ids("prompt", list(prompt), below=getattr(config, "vocab_size", WIDEST)).tolist()
    if not ids:
        raise ValueError("prompt must hold a token or more, got an empty one")
    end = len(ids) + count("n_tokens", n_tokens)
    if end - 1 > getattr(config, "n_positions", end):
        raise ValueError(f"n_tokens must fit {config.n_positions} positions after {len(ids)} tokens, got {n_tokens}")
    function("draft", draft)
    n_draft, stop = count("n_draft", n_draft), None if stop is None else count("stop", stop, at_least=0)
    cuts: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
    chances_of(torch.zeros(2), **cuts)  # refuses what it would refuse later
    if real("temperature", temperature, at_least=0) > 0:
        instance("generator", generator, torch.Generator)
    device = next(model.parameters()).device
    n_steps = n_drafts = n_accepted = 0
    unread = ids[:]
    with modes_kept(model), torch.inference_mode():
        model.eval()
        cache = model.new_cache(end)
        while len(ids) < end:
            room = min(n_draft, end - len(ids) - 1)
            guesses = draft(ids, room)[:room] if room else []
            logits = model(torch.tensor([[*unread, *guesses]], device=device), cache)[0, -len(guesses) - 1 :]
            if generator is None or temperature == 0:
                new = _longest_match(guesses, logits.argmax(dim=-1).tolist())
            else:
                p = chances_of(logits, **cuts).to(generator.device)
                q = nn.functional.one_hot(torch.tensor(guesses, dtype=torch.long), p.shape[-1]).to(p)
                new = verify_drafts(guesses, p, q, generator=generator)
            for layer in cache:  # the last of `new` has not been read, and what was turned down is forgotten
                layer.keep(len(ids) + len(new) - 1)
            n_steps, n_drafts, n_accepted = n_steps + 1, n_drafts + len(guesses), n_accepted + len(new) - 1
            if stop in new:
                ids += new[: new.index(stop) + 1]
                break
            ids += new
            unread = new[-1:]
    return Speculated(ids=ids, n_steps=n_steps, n_drafts=n_drafts, n_accepted=n_accepted)


def _longest_match(guesses: list[int], likeliest: list[int]) -> list[int]:
    """Keep guesses while they are the likeliest; then comes the likeliest itself."""
    n = next(
        (i for i, (guess, best) in enumerate(zip(guesses, likeliest, strict=False)) if guess != best), len(guesses)
    )
    return [*guesses[:n], likeliest[n]]


def _drawn(chances: Tensor, generator: torch.Generator) -> int:
    return int(torch.multinomial(chances, 1, generator=generator))
