"""Who sees whom: the masks of the published models, and what each saves and costs.

    all            every query sees every key                         BERT, T5's encoder
    causal         no query sees what comes after it                  GPT, PaLM
    prefix         causal, but for a prefix that all may see          T5's prefix model
    segments       causal, back to the start of the segment before    Transformer-XL
    window         no farther than `window` tokens to either side     Longformer
    global tokens  see all that the direction lets them, and are seen by all

Taught in: 19
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from kit.arguments import count, instance, one_of
from kit.blocks.attention import causal_mask, document_mask, window_mask

DIRECTIONS = ("all", "causal", "prefix", "segments")


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A rule that says, at any length, which query sees which key.

    Args:
        direction: one of "all", "causal", "prefix" and "segments".
        prefix: for direction "prefix", how many of the first tokens all may see.
        segment: for direction "segments", the length of a segment; its memory is as long.
        window: how far to either side a query sees; any distance where it is None.
        n_global: how many of the first tokens are global.
        n_documents: how many texts of one length are packed into the row; none sees another.
        n_padding: how many tokens at the end only fill up the row, and are seen by none.

    Raises:
        TypeError, ValueError: if `direction` is none of these, or a number is not a whole number of
            at least 0, or at least 1 for `segment` and `n_documents`.

    Source: Raffel et al. (2019), arXiv:1910.10683, figure 4; Dai et al. (2019), arXiv:1901.02860,
    figure 2; Beltagy et al. (2020), arXiv:2004.05150, figure 2.

    >>> Pattern(direction="causal", window=1, n_global=1).mask(4).int()
    tensor([[1, 0, 0, 0],
            [1, 1, 0, 0],
            [1, 1, 1, 0],
            [1, 0, 1, 1]], dtype=torch.int32)
    """

    direction: str = "all"
    prefix: int = 0
    segment: int = 1
    window: int | None = None
    n_global: int = 0
    n_documents: int = 1
    n_padding: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no pattern."""
        one_of("direction", self.direction, DIRECTIONS)
        for name, least in (("prefix", 0), ("segment", 1), ("n_global", 0), ("n_documents", 1), ("n_padding", 0)):
            count(name, getattr(self, name), at_least=least)
        if self.window is not None:
            count("window", self.window, at_least=0)

    def mask(self, n_tokens: int) -> Bool[Tensor, "queries keys"]:
        """Make the mask: true where a query may look.

        Raises:
            TypeError, ValueError: if `n_tokens` is not a whole number above 0.
        """
        place = torch.arange(count("n_tokens", n_tokens))
        allowed = torch.ones(n_tokens, n_tokens, dtype=torch.bool)
        if self.direction != "all":
            allowed = causal_mask(n_tokens)
        if self.direction == "prefix":
            allowed = allowed | (place < self.prefix)
        if self.direction == "segments":
            allowed = allowed & (place >= (place // self.segment - 1)[:, None] * self.segment)
        near = torch.ones_like(allowed) if self.window is None else window_mask(n_tokens, window=self.window)
        is_global = place < self.n_global
        document = place * self.n_documents // n_tokens
        present = place < n_tokens - self.n_padding
        return allowed & (near | is_global | is_global[:, None]) & document_mask(document[None])[0, 0] & present

    def n_pairs(self, n_tokens: int) -> int:
        """Count the pairs of query and key that are computed, without making the mask.

        What a query sees is a run of neighbours and a run of global tokens: two intervals.

        Raises:
            TypeError, ValueError: if `n_tokens` is not a whole number above 0.

        Oracle: the sum of `mask`.

        >>> Pattern(direction="causal").n_pairs(1000)
        500500
        """
        query = np.arange(count("n_tokens", n_tokens))
        low, high = np.zeros_like(query), np.full_like(query, n_tokens)  # keys from low up to, not with, high
        if self.direction != "all":
            high = query + 1
        if self.direction == "prefix":
            high = np.maximum(high, min(self.prefix, n_tokens))
        if self.direction == "segments":
            low = np.maximum(0, (query // self.segment - 1) * self.segment)
        document = query * self.n_documents // n_tokens
        low = np.maximum(low, -(-document * n_tokens // self.n_documents))
        high = np.minimum(high, -(-(document + 1) * n_tokens // self.n_documents))
        high = np.minimum(high, n_tokens - self.n_padding)
        reach = n_tokens if self.window is None else self.window
        reach = np.where(query < self.n_global, n_tokens, reach)
        near_low, near_high = np.maximum(low, query - reach), np.minimum(high, query + reach + 1)
        far_high = np.minimum.reduce([high, np.full_like(query, self.n_global), near_low])  # what is not near
        return int(np.maximum(0, near_high - near_low).sum() + np.maximum(0, far_high - low).sum())


def receptive_field(mask: Bool[Tensor, "tokens tokens"], *, n_layers: int) -> Bool[Tensor, "tokens tokens"]:
    """Say which token's input can change which token's output, after several layers of one mask.

        reach₁ = mask or itself,    reachₙ = reach₁ · reachₙ₋₁  > 0

    The residual stream carries every token to itself; each layer is one more step along the mask.

    Args:
        mask: true at [query, key] where the query may look.

    Raises:
        TypeError: if `mask` is not a tensor, or `n_layers` not a whole number.
        ValueError: if `mask` is not square, or `n_layers` < 1.

    >>> receptive_field(window_mask(4, window=1) & causal_mask(4), n_layers=2).int()
    tensor([[1, 0, 0, 0],
            [1, 1, 0, 0],
            [1, 1, 1, 0],
            [0, 1, 1, 1]], dtype=torch.int32)
    """
    instance("mask", mask, Tensor)
    if mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        raise ValueError(f"mask must have a row and a column for each token, got shape {tuple(mask.shape)}")
    one = (mask.bool() | torch.eye(len(mask), dtype=torch.bool, device=mask.device)).float()
    reached = one
    for _ in range(count("n_layers", n_layers) - 1):
        reached = (one @ reached).clamp(max=1)  # counts of paths would overflow at some depth
    return reached > 0
