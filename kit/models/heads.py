"""Heads: a linear layer over the hidden states turns a pre-trained model to another task.

    class of a text      W · state of one token             that token has seen the whole text
    answer in a text     W · state of each token            a score to be its start, one to be its end

Any model will do whose `encode` gives hidden states: GPT, BERT and their kin.

Source: Radford et al. (2018), section 3.2; Devlin et al. (2018), arXiv:1810.04805, sections 4.1, 4.2.

Taught in: 21
"""

import inspect
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from kit.arguments import count, instance, matching_tensors, one_of, real, real_tensor, token_batch, token_flags


class SequenceClassifier(nn.Module):
    """Give each text the logits of its class.

    Args:
        encoder: a model with `encode` and `config.d_model`.
        token: whose state is read. "first" is BERT's [CLS], "pooled" the same through its pooler;
            "last" is for models that see no future, where no other token has seen all.

    Raises:
        TypeError: if `encoder` has no `encode`, or a number is none.
        ValueError: if `n_classes` < 1, `token` is another word, "first" of a model that sees no
            future, or "pooled" of one without a pooler, or `dropout` is not a share below 1.

    >>> from kit.models.gpt import GPT, GPTConfig
    >>> gpt = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4))
    >>> SequenceClassifier(gpt, n_classes=3, token="last")(torch.tensor([[1, 2, 0], [3, 4, 5]])).shape
    torch.Size([2, 3])
    """

    def __init__(self, encoder: nn.Module, *, n_classes: int, token: str, dropout: float = 0.1):
        super().__init__()
        self.encoder: Any = _checked(encoder)
        self.token = one_of("token", token, ("first", "last", "pooled"))
        if token == "first" and hasattr(encoder, "new_cache"):
            raise ValueError("token must be last for a model whose first token sees no other, got 'first'")
        if token == "pooled" and not hasattr(encoder, "pool"):
            raise ValueError("token must be first or last for a model without `pool`, got 'pooled'")
        self.dropout = nn.Dropout(real("dropout", dropout, at_least=0, below=1))
        self.head = _linear(encoder, count("n_classes", n_classes))

    def forward(
        self, ids: Int[Tensor, "batch time"], present: Bool[Tensor, "batch time"] | None = None, **inputs: Tensor
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits of each class.

        Args:
            present: true for each token that is one. What fills up a row stands at its end.
            inputs: whatever else `encode` takes, such as BERT's segments.

        Raises:
            TypeError, ValueError: if `present` is not a boolean for each token, true from the start
                of each row; or as `encode`.
        """
        if present is not None:
            token_flags("present", present, token_batch("ids", ids, below=2**62), from_start=True)
        states = _states(self.encoder, ids, present, inputs)
        if self.token == "last":
            last = -1 if present is None else present.sum(dim=1) - 1
            state = states[torch.arange(len(ids), device=ids.device), last]
        else:
            state = states[:, 0] if self.token == "first" else self.encoder.pool(states)
        return self.head(self.dropout(state))


class QuestionAnswering(nn.Module):
    """Point at the answer in a text: score each token as its first, and as its last.

    Args:
        encoder: a model with `encode` and `config.d_model`.

    Raises:
        TypeError: if `encoder` has no `encode`.

    >>> from kit.models.gpt import GPT, GPTConfig
    >>> gpt = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4))
    >>> QuestionAnswering(gpt)(torch.tensor([[1, 2, 3]])).shape  # starts, ends
    torch.Size([1, 2, 3])
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder: Any = _checked(encoder)
        self.head = _linear(encoder, 2)

    def forward(
        self, ids: Int[Tensor, "batch time"], present: Bool[Tensor, "batch time"] | None = None, **inputs: Tensor
    ) -> Float[Tensor, "batch two time"]:
        """Give the logits of the answer's start over all tokens, and those of its end.

        Args:
            present: true for each token that is one; the others get -∞. Before a model that sees no
                future, and takes no mask, it may be true of the passage alone.
            inputs: whatever else `encode` takes, such as BERT's segments.

        Raises:
            TypeError, ValueError: if `present` is not a boolean for each token; or as `encode`.
        """
        logits = rearrange(self.head(_states(self.encoder, ids, present, inputs)), "b t two -> b two t")
        return logits if present is None else logits.masked_fill(~present[:, None], -torch.inf)


def best_span(
    start: Float[Tensor, "batch time"],
    end: Float[Tensor, "batch time"],
    *,
    allowed: Bool[Tensor, "batch time"] | None = None,
) -> tuple[Int[Tensor, "batch"], Int[Tensor, "batch"]]:
    """Find the first and last token of the span with the largest start + end, no end before its start.

    The best end for each start is the largest from there on: one pass, and no pair is left out. Of several spans with
    the largest sum it is the one that begins first, and of those the one that ends first.

    Args:
        allowed: true for each token that may be in an answer, such as those of the passage.

    Raises:
        TypeError: if `start` or `end` is not a tensor of real numbers, or `allowed` not of booleans.
        ValueError: if they have other axes than batch and time, shapes differ, or nothing is allowed in a row.

    Source: Devlin et al. (2018), arXiv:1810.04805, section 4.2.
    Oracle: a loop over all pairs.

    >>> start, end = torch.tensor([[1.0, 0.0, 4.0]]), torch.tensor([[3.0, 4.0, 0.0]])
    >>> best_span(start, end)  # 1 + 4; the 4 of `start` stands after that of `end`
    (tensor([0]), tensor([1]))
    """
    if real_tensor("start", start).ndim != 2 or not start.numel():
        raise ValueError(f"start must have the axes batch and time, and a token, got shape {tuple(start.shape)}")
    matching_tensors("end", end, "start", start)
    if allowed is not None:
        hidden = ~token_flags("allowed", allowed, start)
        if hidden.all(dim=1).any():
            raise ValueError("allowed must be true for a token of each row, got none")
        start, end = start.masked_fill(hidden, -torch.inf), end.masked_fill(hidden, -torch.inf)
    best, places = end.to(torch.promote_types(end.dtype, torch.float32)).flip(dims=[1]).cummax(dim=1)
    first = (start + best.flip(dims=[1])).argmax(dim=1)
    last = end.shape[1] - 1 - places.flip(dims=[1])
    return first, last.gather(1, first[:, None])[:, 0]


def _checked(encoder: nn.Module) -> nn.Module:
    instance("encoder", encoder, nn.Module)
    if not callable(getattr(encoder, "encode", None)):
        raise TypeError(f"encoder must have a method `encode`, got {type(encoder).__name__}")
    return encoder


def _states(encoder: Any, ids: Tensor, present: Tensor | None, inputs: dict[str, Tensor]) -> Tensor:
    """Encode; a model that sees no future takes no mask, as it never sees what fills up the end of a row."""
    if present is not None:
        token_flags("present", present, token_batch("ids", ids, below=2**62))
    takes = inspect.signature(encoder.encode).parameters
    return encoder.encode(ids, **inputs, **({"present": present} if "present" in takes else {}))


def _linear(encoder: Any, n_outputs: int) -> nn.Linear:
    """Make a new head, where the encoder is, drawn as GPT and BERT draw theirs."""
    some = next(encoder.parameters())
    head = nn.Linear(encoder.config.d_model, n_outputs, device=some.device, dtype=some.dtype)
    nn.init.normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    return head
