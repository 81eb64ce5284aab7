"""BERT: a stack of blocks in which every token sees all others, and a head that restores hidden ones.

    x = norm(token + position + segment)           learned positions; which of two texts
    x = norm(x + attention(x))                     in both directions
    x = norm(x + down(gelu(up(x))))                d_ff = 4 · d_model, as published
    logits = norm(gelu(transform(x))) @ tokensᵀ + bias

Source: Devlin et al. (2018), arXiv:1810.04805, section 3; the head and the pooler as in the code
published with it. Its other task, whether the second text follows the first, is
`SequenceClassifier(bert, n_classes=2, token="pooled")` of kit.models.heads.

Taught in: 19 21
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, token_batch, token_numbers
from kit.blocks.attention import attention, padding_and_document_mask
from kit.blocks.initialisation import init_normal


@dataclass(frozen=True, kw_only=True)
class BERTConfig:
    """The sizes of a BERT.

    Args:
        n_segments: how many texts may share a row.
        d_ff: the width of the feed-forward layers; 4 · d_model where it is None.
        dropout: the share dropped after embeddings, attention weights and residual branches.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `dropout` not a share below
            1, or `n_heads` does not divide `d_model`.
    """

    vocab_size: int = 30_522
    n_positions: int = 512
    n_segments: int = 2
    n_layers: int = 12
    n_heads: int = 12
    d_model: int = 768
    d_ff: int | None = None
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_positions", "n_segments", "n_layers", "n_heads", "d_model"):
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


BERT_CONFIGS = {
    "base": BERTConfig(n_layers=12, n_heads=12, d_model=768),
    "large": BERTConfig(n_layers=24, n_heads=16, d_model=1024),
}
EPS = 1e-12  # under the root of every norm, as published


class SelfAttention(nn.Module):
    """Multi-head self-attention in both directions."""

    def __init__(self, config: BERTConfig):
        super().__init__()
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model)
        self.out = nn.Linear(config.d_model, config.d_model)

    def forward(
        self, x: Float[Tensor, "b t d"], mask: Bool[Tensor, "b 1 #t t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        q, k, v = rearrange(self.qkv(x), "b t (three h d) -> three b h t d", three=3, h=self.n_heads)
        y = attention(q, k, v, mask=mask, dropout=self.dropout if self.training else 0.0)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, config: BERTConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.ff_width)
        self.down = nn.Linear(config.ff_width, config.d_model)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """Post-norm: the residual stream is normalised after each sum."""

    def __init__(self, config: BERTConfig):
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.d_model, eps=EPS)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model, eps=EPS)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Float[Tensor, "b t d"], mask: Bool[Tensor, "b 1 #t t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class MaskedLMHead(nn.Module):
    """Turn each hidden state into logits over the vocabulary."""

    def __init__(self, config: BERTConfig):
        super().__init__()
        self.transform = nn.Linear(config.d_model, config.d_model)
        self.norm = nn.LayerNorm(config.d_model, eps=EPS)
        self.tokens = nn.Linear(config.d_model, config.vocab_size)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t vocab"]:
        return self.tokens(self.norm(F.gelu(self.transform(x))))


class BERT(nn.Module):
    """A bidirectional encoder, with its pooler and its head for hidden tokens.

    Raises:
        TypeError: if `config` is not a BERTConfig.

    Oracle: BertModel and BertForMaskedLM of Hugging Face transformers.

    >>> model = BERT(BERTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: BERTConfig):
        super().__init__()
        instance("config", config, BERTConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.n_positions, config.d_model)
        self.segment_embedding = nn.Embedding(config.n_segments, config.d_model)
        self.embedding_norm = nn.LayerNorm(config.d_model, eps=EPS)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.n_layers)])
        self.pooler = nn.Linear(config.d_model, config.d_model)
        self.head = MaskedLMHead(config)
        init_normal(self, std=0.02)
        self.head.tokens.weight = self.token_embedding.weight  # tied: read and written in one language

    def encode(
        self,
        ids: Int[Tensor, "batch time"],
        segments: Int[Tensor, "batch time"] | None = None,
        present: Bool[Tensor, "batch time"] | None = None,
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
        if segments is None:
            segments = torch.zeros_like(ids)
        segments = token_numbers("segments", segments, ids, below=config.n_segments)
        mask = padding_and_document_mask(ids, present, documents, from_start=positions is None)
        x = self.token_embedding(ids) + self.position_embedding(places) + self.segment_embedding(segments)
        x = self.dropout(self.embedding_norm(x))
        for block in self.blocks:
            x = block(x, mask)
        return x

    def pool(self, states: Float[Tensor, "batch time d_model"]) -> Float[Tensor, "batch d_model"]:
        """Sum up a text by the state of its first token, for a classifier to read."""
        return torch.tanh(self.pooler(states[:, 0]))

    def forward(
        self,
        ids: Int[Tensor, "batch time"],
        segments: Int[Tensor, "batch time"] | None = None,
        present: Bool[Tensor, "batch time"] | None = None,
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token at each place itself, hidden or not.

        Args:
            segments: to which of the texts in its row each token belongs; all to the first where it is None.
            present: true for each token that is one, false for what fills up a row at its end.
            positions: the place of each token, where rows are packed, or filled up elsewhere.
            documents: the number of each token's document, where rows are packed: it sees no other.

        Raises:
            TypeError, ValueError: if `ids` are no tokens or more than there are positions for, or
                another does not fit them.
        """
        return self.head(self.encode(ids, segments, present, positions=positions, documents=documents))
