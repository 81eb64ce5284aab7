"""Three exercises of notebook 18 beside the model itself: a training step, top-p, and a step with a cache.

Taught in: 18
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from kit.check.exercise import Exercise, Mistake
from kit.train.decoding import top_p_filter


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Draw numbers of mean 0 and variance 1, in float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# One training step -----------------------------------------------------------------------------------


def _step(
    logits_of: Callable[[Tensor], Tensor],
    w: Tensor,
    ids: Tensor,
    lr: float,
    *,
    shift: int = 1,
    reduction: str = "mean",
    sign: int = -1,
    after: bool = False,
) -> tuple[Tensor, Tensor]:
    """Take a step of descent as learners do: the token that is asked for stands `shift` places later."""

    def loss_at(at: Tensor) -> Tensor:
        logits = logits_of(at)
        n = len(ids) - abs(shift)
        guesses, targets = (logits[:n], ids[shift:]) if shift >= 0 else (logits[-n:], ids[:n])
        return F.cross_entropy(guesses, targets, reduction=reduction)

    leaf = w.clone().requires_grad_()
    loss = loss_at(leaf)
    (gradient,) = torch.autograd.grad(loss, leaf)
    new = w + sign * lr * gradient
    return (loss_at(new) if after else loss).detach(), new


def _bigrams(ids: Tensor) -> Callable[[Tensor], Tensor]:
    """Make the smallest language model: a row of logits for each token that may come before."""
    return lambda w: w[ids]


_ROWS = (torch.tensor([0, 3, 1, 1, 4, 2]), torch.tensor([2, 0, 2, 1]))
training_step = Exercise(
    notebook="18",
    name="one training step",
    solution=_step,
    cases=(
        (_bigrams(_ROWS[0]), normal(5, 5), _ROWS[0], 0.5),
        (_bigrams(_ROWS[1]), normal(3, 3, seed=1), _ROWS[1], 2.0),
    ),
    mistakes=(
        Mistake(
            hint="Each token is its own target, and learns to repeat itself. The target of place t is ids[t + 1].",
            answer=partial(_step, shift=0),
        ),
        Mistake(
            hint="You predict the token before. The target of place t is ids[t + 1]: logits[:-1] against ids[1:].",
            answer=partial(_step, shift=-1),
        ),
        Mistake(
            hint="You added up the surprisals. Take their mean: else long texts make long steps.",
            answer=partial(_step, reduction="sum"),
        ),
        Mistake(
            hint="You went uphill. The step is w - lr · gradient.",
            answer=partial(_step, sign=1),
        ),
        Mistake(
            hint="That is the loss after the step. Return the one that the gradient was taken of.",
            answer=partial(_step, after=True),
        ),
        Mistake(
            hint="The weights are as they were. Return the new ones: w - lr · gradient.",
            answer=partial(_step, sign=0),
        ),
        Mistake(
            hint="The two are swapped: first the loss, then the new weights.",
            answer=lambda *case: _step(*case)[::-1],
        ),
    ),
)


# Top-p -----------------------------------------------------------------------------------------------


def _cut(logits: Tensor, p: float, *, keep: str = "fewest", share: bool = True, back: bool = True) -> Tensor:
    """Cut the chances as learners do; `keep` says by which rule."""
    chances, order = logits.softmax(dim=-1).sort(descending=keep != "unlikeliest", stable=True)
    up_to = chances.cumsum(dim=-1)
    kept = {
        "fewest": up_to - chances < p,
        "below": up_to <= p,
        "likelier": chances >= p,
        "unlikeliest": up_to - chances < p,
        "all": up_to > 0,
        "one more": F.pad(up_to - chances < p, (1, 0), value=True)[:-1],
    }[keep]
    cut = chances * kept
    cut = cut / cut.sum() if share else cut
    return torch.zeros_like(cut).scatter(0, order, cut) if back else cut


top_p = Exercise(
    notebook="18",
    name="top-p",
    solution=lambda logits, p: top_p_filter(logits, p).softmax(dim=-1),
    cases=(
        (torch.tensor([0.1, 0.35, 0.2, 0.3, 0.05], dtype=torch.float64).log(), 0.6),
        (torch.tensor([0.15, 0.6, 0.25], dtype=torch.float64).log(), 0.3),
        (torch.tensor([0.25, 0.5, 0.125, 0.125], dtype=torch.float64).log(), 0.5),  # the likeliest holds just p
        (normal(7), 1.0),
    ),
    mistakes=(
        Mistake(
            hint="What is left does not sum to 1. Share it out anew: divide by the sum of what you kept.",
            answer=partial(_cut, share=False),
        ),
        Mistake(
            hint="The token that carries the sum across p is dropped. It stays, or what is kept holds less than p: a "
            "token goes if those likelier than it hold p already.",
            answer=partial(_cut, keep="below"),
        ),
        Mistake(
            hint="You kept the tokens with a chance of at least p each. It is their sum that must reach p.",
            answer=partial(_cut, keep="likelier"),
        ),
        Mistake(
            hint="You kept the unlikeliest. Sort with descending=True: the fewest that hold p are the likeliest.",
            answer=partial(_cut, keep="unlikeliest"),
        ),
        Mistake(
            hint="One token too many: p was reached without the last one that you kept.",
            answer=partial(_cut, keep="one more"),
        ),
        Mistake(
            hint="Your chances are in sorted order. Put each back in its token's place, by scatter or by an index.",
            answer=partial(_cut, back=False),
        ),
        Mistake(hint="Nothing is ruled out yet.", answer=partial(_cut, keep="all")),
        Mistake(
            hint="Those are logits still. Return chances: softmax first, then the cut.",
            answer=lambda logits, p: top_p_filter(logits, p),
        ),
    ),
)


# A cached step ---------------------------------------------------------------------------------------


def _cached(
    x: Tensor,
    past_k: Tensor,
    past_v: Tensor,
    w_qkv: Tensor,
    b_qkv: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    *,
    own: bool = True,
    at: str = "end",
    returns: str = "all",
    keys: int | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Take a cached step as learners do: with the new token's own key or without, set at the end or the front."""
    q, k, v = (part.view(len(past_k), 1, -1) for part in (w_qkv @ x + b_qkv).chunk(3))
    pairs = ((past_k, k), (past_v, v))
    k, v = (torch.cat(pair if at == "end" else pair[::-1], dim=1) for pair in pairs)
    seen_k, seen_v = (k, v) if own else (past_k, past_v)
    if keys is not None:
        seen_k, seen_v = seen_k[:, :keys], seen_v[:, :keys]
    scores = q @ seen_k.transpose(1, 2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    y = scores.softmax(dim=-1) @ seen_v
    out = w_out @ y.flatten() + b_out
    return (out, k, v) if returns == "all" else (out, k[:, -1:], v[:, -1:])


def _step_case(time: int, n_heads: int, d_head: int, seed: int) -> tuple[Tensor, ...]:
    width, past = n_heads * d_head, (n_heads, time, d_head)
    shapes = ((width,), past, past, (3 * width, width), (3 * width,), (width, width), (width,))
    return tuple(0.8 * normal(*shape, seed=seed + i) for i, shape in enumerate(shapes))


cached_step = Exercise(
    notebook="18",
    name="a cached step",
    solution=_cached,
    cases=(_step_case(4, 2, 3, seed=0), _step_case(1, 1, 4, seed=30)),
    mistakes=(
        Mistake(
            hint="The new token cannot look at itself: add its key and its value before the scores.",
            answer=partial(_cached, own=False),
        ),
        Mistake(
            hint="The new key stands before the old ones. Put it at the end: the cache is in the order of the text.",
            answer=partial(_cached, at="front"),
        ),
        Mistake(
            hint="Return the whole cache, old and new: the next step needs all of it.",
            answer=partial(_cached, returns="new"),
        ),
        Mistake(
            hint="The mask hides too much. The newest token is the last of the text and may look at every key: no "
            "mask is needed.",
            answer=partial(_cached, keys=1),
        ),
        Mistake(
            hint="The scores are not scaled: divide them by √d_head, as without a cache.",
            answer=partial(_cached, scale=1.0),
        ),
    ),
)
