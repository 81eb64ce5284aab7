"""Longformer: a BERT whose tokens see their neighbours, and a few tokens that see all and that all see.

    x = norm(token + position)                     learned positions, copied from a shorter model's
    x = norm(x + attention(x))                     a window to both sides; global tokens
    x = norm(x + down(gelu(up(x))))                d_ff = 4 · d_model, as published
    logits = norm(gelu(transform(x))) @ tokensᵀ + bias

Time and memory grow with the text, not with its square. Global tokens, such as the one that a
classifier reads or those of a question, carry what is far apart; they have projections of their own.

Source: Beltagy et al. (2020), arXiv:2004.05150, sections 3 and 5; all else as in RoBERTa.

Taught in: 19 20
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, token_batch, token_flags, token_numbers
from kit.blocks.attention import attention, document_mask, padding_mask
from kit.blocks.initialisation import init_normal
from kit.blocks.sliding_window import global_indices, window_attention


@dataclass(frozen=True, kw_only=True)
class LongformerConfig:
    """The sizes of a Longformer.

    Args:
        window: how many tokens each sees on either side; the paper counts both sides, 512.
        d_ff: the width of the feed-forward layers; 4 · d_model where it is None.
        dropout: the share dropped after embeddings, attention weights and residual branches.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `dropout` not a share below
            1, or `n_heads` does not divide `d_model`.
    """

    vocab_size: int = 50_265
    n_positions: int = 4096
    window: int = 256
    n_layers: int = 12
    n_heads: int = 12
    d_model: int = 768
    d_ff: int | None = None
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_positions", "window", "n_layers", "n_heads", "d_model"):
            count(name, getattr(self, name))
        real("dropout", self.dropout, at_least=0, below=1)
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, {self.d_model}, got {self.n_heads}")
        if self.d_ff is not None:
            count("d_ff", self.d_ff)

    @property
    def ff_width(self) -> int:
        """Give the width of the feed-forward layers."""
        return self.d_ff or 4 * self.d_model


LONGFORMER_CONFIGS = {
    "base": LongformerConfig(n_layers=12, n_heads=12, d_model=768),
    "large": LongformerConfig(n_layers=24, n_heads=16, d_model=1024),
}


class SelfAttention(nn.Module):
    """Multi-head self-attention in a window, and in both directions everywhere for global tokens."""

    def __init__(self, config: LongformerConfig):
        super().__init__()
        self.n_heads, self.window, self.dropout = config.n_heads, config.window, config.dropout
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model)
        self.global_q = nn.Linear(config.d_model, config.d_model)
        self.global_kv = nn.Linear(config.d_model, 2 * config.d_model)
        self.out = nn.Linear(config.d_model, config.d_model)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        present: Bool[Tensor, "b t"] | None = None,
        is_global: Bool[Tensor, "b t"] | None = None,
        documents: Int[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        q, k, v = rearrange(self.qkv(x), "b t (three h d) -> three b h t d", three=3, h=self.n_heads)
        dropout = self.dropout if self.training else 0.0
        seen = {"present": present, "is_global": is_global, "documents": documents}
        y = window_attention(q, k, v, window=self.window, **seen, dropout=dropout)
        y = rearrange(y, "b h t d -> b t (h d)")
        if is_global is not None:
            places, real = global_indices(is_global)
            rows = torch.arange(len(x), device=x.device)[:, None]
            q = rearrange(self.global_q(x[rows, places]), "b g (h d) -> b h g d", h=self.n_heads)
            k, v = rearrange(self.global_kv(x), "b t (two h d) -> two b h t d", two=2, h=self.n_heads)
            mask = None if present is None else padding_mask(present)
            if documents is not None:
                apart = document_mask(documents[rows, places], documents)
                mask = apart if mask is None else mask & apart
            far = rearrange(attention(q, k, v, mask=mask, dropout=dropout), "b h g d -> b g (h d)")
            y = y.index_put((rows.expand_as(places)[real], places[real]), far[real])
        return self.out(y)

    @torch.no_grad()
    def start_global_as_local(self) -> None:
        """Let the projections of global tokens begin as those of all others."""
        width = self.out.in_features
        self.global_q.weight.copy_(self.qkv.weight[:width])
        self.global_kv.weight.copy_(self.qkv.weight[width:])


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, config: LongformerConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.ff_width)
        self.down = nn.Linear(config.ff_width, config.d_model)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """Post-norm: the residual stream is normalised after each sum."""

    def __init__(self, config: LongformerConfig):
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        present: Bool[Tensor, "b t"] | None = None,
        is_global: Bool[Tensor, "b t"] | None = None,
        documents: Int[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        x = self.attention_norm(x + self.dropout(self.attention(x, present, is_global, documents)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class MaskedLMHead(nn.Module):
    """Turn each hidden state into logits over the vocabulary."""

    def __init__(self, config: LongformerConfig):
        super().__init__()
        self.transform = nn.Linear(config.d_model, config.d_model)
        self.norm = nn.LayerNorm(config.d_model)
        self.tokens = nn.Linear(config.d_model, config.vocab_size)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t vocab"]:
        return self.tokens(self.norm(F.gelu(self.transform(x))))


class Longformer(nn.Module):
    """A bidirectional encoder of long texts, with its pooler and its head for hidden tokens.

    Raises:
        TypeError: if `config` is not a LongformerConfig.

    Oracle: LongformerModel and LongformerForMaskedLM of Hugging Face transformers.

    >>> model = Longformer(LongformerConfig(vocab_size=11, n_positions=8, window=2, n_layers=1, n_heads=2, d_model=4))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: LongformerConfig):
        super().__init__()
        instance("config", config, LongformerConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.n_positions, config.d_model)
        self.embedding_norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        blocks = [Block(config) for _ in range(config.n_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.pooler = nn.Linear(config.d_model, config.d_model)
        self.head = MaskedLMHead(config)
        init_normal(self, std=0.02)
        self.head.tokens.weight = self.token_embedding.weight  # tied: read and written in one language
        for block in blocks:
            block.attention.start_global_as_local()

    def encode(
        self,
        ids: Int[Tensor, "batch time"],
        present: Bool[Tensor, "batch time"] | None = None,
        is_global: Bool[Tensor, "batch time"] | None = None,
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time d_model"]:
        """Give the last hidden states: what the head, or another of kit.models.heads, reads.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        config = self.config
        ids = token_batch("ids", ids, below=config.vocab_size, at_most=config.n_positions)
        places = torch.arange(ids.shape[1], device=ids.device)
        if positions is not None:
            places = token_numbers("positions", positions, ids, below=config.n_positions)
        if present is not None:
            present = token_flags("present", present, ids, from_start=positions is None)
        is_global = None if is_global is None else token_flags("is_global", is_global, ids)
        if documents is not None:
            documents = token_numbers("documents", documents, ids, below=2**62)
        x = self.token_embedding(ids) + self.position_embedding(places)
        x = self.dropout(self.embedding_norm(x))
        for block in self.blocks:
            x = block(x, present, is_global, documents)
        return x

    def pool(self, states: Float[Tensor, "batch time d_model"]) -> Float[Tensor, "batch d_model"]:
        """Sum up a text by the state of its first token, for a classifier to read."""
        return torch.tanh(self.pooler(states[:, 0]))

    def forward(
        self,
        ids: Int[Tensor, "batch time"],
        present: Bool[Tensor, "batch time"] | None = None,
        is_global: Bool[Tensor, "batch time"] | None = None,
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token at each place itself, hidden or not.

        Args:
            present: true for each token that is one, false for what fills up a row's end.
            is_global: true for each token that sees all and that all see; none where it is None.
            positions: the place of each token, where rows are packed, or filled up elsewhere.
            documents: the number of each token's document, where rows are packed: it sees no other,
                and a global token is one for its own document alone.

        Raises:
            TypeError, ValueError: if `ids` are no tokens or more than there are positions for, or
                another does not fit them.
        """
        return self.head(self.encode(ids, present, is_global, positions=positions, documents=documents))


def extend_positions(model: Longformer, *, n_positions: int) -> Longformer:
    """Make the same model for longer texts: its table of positions is copied again and again.

    Neighbours then stand to each other as in training, everywhere but at the seams, so that a little
    more training is enough.

    Raises:
        TypeError: if `model` is not a Longformer, or `n_positions` not a whole number.
        ValueError: if `n_positions` is smaller than it was.

    Source: Beltagy et al. (2020), arXiv:2004.05150, section 5.
    """
    instance("model", model, Longformer)
    n_old = model.config.n_positions
    n_positions = count("n_positions", n_positions, at_least=n_old)
    longer = deepcopy(model)  # with each part in its mode, and frozen where it was
    longer.config = replace(model.config, n_positions=n_positions)
    table = longer.position_embedding
    rows = table.weight.detach()[torch.arange(n_positions, device=table.weight.device) % n_old]
    table.num_embeddings, table.weight = n_positions, nn.Parameter(rows, requires_grad=table.weight.requires_grad)
    return longer
