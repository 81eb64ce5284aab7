"""The Transformer of 2017: one stack reads the source, another writes the target and looks back at it.

    x = √d_model · token + wave                    sinusoidal positions
    encoder   x = norm(x + attention(x))           in both directions
              x = norm(x + down(relu(up(x))))
    decoder   y = norm(y + attention(y))           causal
              y = norm(y + attention(y, x))        keys and values from the source
              y = norm(y + down(relu(up(y))))
    logits = y @ tokensᵀ                           one embedding for source, target and logits

Source: Vaswani et al. (2017), arXiv:1706.03762, sections 3 and 5.4. As there, eq. 2 has biases and
the projections of section 3.2.2 have none.

Taught in: 19
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, token_batch, token_numbers
from kit.blocks.attention import KVCache, attention, document_mask, padding_and_document_mask, padding_mask
from kit.blocks.modes import modes_kept
from kit.blocks.positions import sinusoidal

KeysAndValues = tuple[Float[Tensor, "b heads keys d_head"], Float[Tensor, "b heads keys d_head"]]


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig:
    """The sizes of an encoder-decoder.

    Args:
        vocab_size: of both languages together; "about 37000" for English and German.
        n_layers: of the encoder, and as many of the decoder.
        dropout: the share dropped after embeddings, attention weights and residual branches.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `dropout` not a share below
            1, `n_heads` does not divide `d_model`, or `d_model` is odd.
    """

    vocab_size: int = 37_000
    n_layers: int = 6
    n_heads: int = 8
    d_model: int = 512
    d_ff: int = 2048
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_layers", "n_heads", "d_model", "d_ff"):
            count(name, getattr(self, name))
        real("dropout", self.dropout, at_least=0, below=1)
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, {self.d_model}, got {self.n_heads}")
        if self.d_model % 2:
            raise ValueError(f"d_model must be even, a sine and a cosine for each wave, got {self.d_model}")


TRANSFORMER_CONFIGS = {
    "base": EncoderDecoderConfig(),
    "big": EncoderDecoderConfig(n_heads=16, d_model=1024, d_ff=4096, dropout=0.3),
}


class Attention(nn.Module):
    """Multi-head attention, to keys and values of the same sequence or of another."""

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.q = nn.Linear(config.d_model, config.d_model, bias=False)
        self.kv = nn.Linear(config.d_model, 2 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model, bias=False)

    def keys_and_values(self, states: Float[Tensor, "b keys d"]) -> KeysAndValues:
        k, v = rearrange(self.kv(states), "b t (two h d) -> two b h t d", two=2, h=self.n_heads)
        return k, v

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        keys_and_values: KeysAndValues,
        *,
        mask: Bool[Tensor, "b 1 #t keys"] | None = None,
        causal: bool = False,
    ) -> Float[Tensor, "b t d"]:
        q = rearrange(self.q(x), "b t (h d) -> b h t d", h=self.n_heads)
        y = attention(q, *keys_and_values, mask=mask, causal=causal, dropout=self.dropout if self.training else 0.0)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between them."""

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_ff)
        self.down = nn.Linear(config.d_ff, config.d_model)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(F.relu(self.up(x)))


class EncoderBlock(nn.Module):
    """Post-norm: the residual stream is normalised after each sum."""

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Float[Tensor, "b t d"], mask: Bool[Tensor, "b 1 #t t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        x = self.attention_norm(x + self.dropout(self.attention(x, self.attention.keys_and_values(x), mask=mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class DecoderBlock(nn.Module):
    """The same, with a look at the source between the two."""

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.cross_attention = Attention(config)
        self.cross_attention_norm = nn.LayerNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        source: KeysAndValues,
        mask: Bool[Tensor, "b 1 #t keys"] | None = None,
        cache: KVCache | None = None,
        own_mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        own = self.attention.keys_and_values(x)
        if cache is not None:
            own = cache.append(*own)
        x = self.attention_norm(x + self.dropout(self.attention(x, own, mask=own_mask, causal=own_mask is None)))
        x = self.cross_attention_norm(x + self.dropout(self.cross_attention(x, source, mask=mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class ConditionedDecoder(nn.Module):
    """A decoder with its source read once: a causal language model of the target, as GPT is of a text.

    Made by a model's `condition_on`; kit.train.decoding generates with it as with a GPT.
    """

    def __init__(self, model: Any, states: Float[Tensor, "b keys d"], mask: Bool[Tensor, "b 1 1 keys"] | None):
        super().__init__()
        self.model, self.mask, self.config = model, mask, model.config
        self.source = [block.cross_attention.keys_and_values(states) for block in model.decoder_blocks]

    def forward(
        self, ids: Int[Tensor, "batch time"], cache: list[KVCache] | None = None
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each.

        Args:
            cache: from `new_cache`; `ids` then go on from the tokens that it holds.

        Raises:
            TypeError, ValueError: if `ids` are no tokens, or are not as many rows as the source.
        """
        ids = token_batch("ids", ids, below=self.config.vocab_size)
        if len(ids) != len(self.source[0][0]):
            raise ValueError(f"ids must have a row for each of {len(self.source[0][0])} sources, got {len(ids)}")
        return self.model.decode(ids, self.source, self.mask, cache)

    def new_cache(self, n_tokens: int | None = None) -> list[KVCache]:
        """Make an empty cache for up to `n_tokens` of the target, or for 512."""
        return [KVCache(512 if n_tokens is None else n_tokens) for _ in self.source]


def masks_of_packed(
    documents: Tensor | None, target_documents: Tensor | None, source: Tensor, target: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Say which tokens of the source, and which of its own, each of the target may see, where rows are packed."""
    if (documents is None) != (target_documents is None):
        missing, there = ("documents", "target_documents") if documents is None else ("target_documents", "documents")
        raise ValueError(f"{missing} must stand beside {there}: each target looks at its own source, got None")
    if documents is None or target_documents is None:
        return None, None
    documents = token_numbers("documents", documents, source, below=2**62)
    numbers = token_numbers("target_documents", target_documents, target, below=2**62)
    return document_mask(numbers, documents), document_mask(numbers, causal=True)


class EncoderDecoder(nn.Module):
    """A model of a target text, given a source text.

    Raises:
        TypeError: if `config` is not an EncoderDecoderConfig.

    Oracle: torch.nn.TransformerEncoderLayer and torch.nn.TransformerDecoderLayer.

    >>> model = EncoderDecoder(EncoderDecoderConfig(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_ff=8))
    >>> model(torch.tensor([[1, 2, 3]]), torch.tensor([[0, 4]])).shape
    torch.Size([1, 2, 11])
    """

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        instance("config", config, EncoderDecoderConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder_blocks = nn.ModuleList([EncoderBlock(config) for _ in range(config.n_layers)])
        self.decoder_blocks = nn.ModuleList([DecoderBlock(config) for _ in range(config.n_layers)])
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
        nn.init.normal_(self.token_embedding.weight, std=config.d_model**-0.5)
        self.head.weight = self.token_embedding.weight  # tied: read and written in one language

    def encode(
        self,
        source: Int[Tensor, "batch keys"],
        present: Bool[Tensor, "batch keys"] | None = None,
        *,
        positions: Int[Tensor, "batch keys"] | None = None,
        documents: Int[Tensor, "batch keys"] | None = None,
    ) -> Float[Tensor, "batch keys d_model"]:
        """Give the encoder's last hidden states.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        source = token_batch("source", source, below=self.config.vocab_size)
        mask = padding_and_document_mask(source, present, documents, from_start=positions is None)
        if positions is not None:
            positions = token_numbers("positions", positions, source, below=2**62)
        x = self._embed(source, positions)
        for block in self.encoder_blocks:
            x = block(x, mask)
        return x

    def condition_on(
        self, source: Int[Tensor, "batch keys"], present: Bool[Tensor, "batch keys"] | None = None
    ) -> ConditionedDecoder:
        """Read the source, once for all the tokens of the target, in evaluation mode.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        with modes_kept(self):
            self.eval()
            return ConditionedDecoder(
                self, self.encode(source, present), None if present is None else padding_mask(present)
            )

    def decode(
        self,
        ids: Int[Tensor, "batch time"],
        source: list[KeysAndValues],
        mask: Bool[Tensor, "batch 1 #time keys"] | None = None,
        cache: list[KVCache] | None = None,
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        own_mask: Bool[Tensor, "batch 1 time time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each; `ConditionedDecoder` and `forward` call it."""
        x = self._embed(ids, positions, past=len(cache[0]) if cache else 0)
        for i, block in enumerate(self.decoder_blocks):
            x = block(x, source[i], mask, cache[i] if cache else None, own_mask)
        return self.head(x)

    def forward(
        self,
        source: Int[Tensor, "batch keys"],
        target: Int[Tensor, "batch time"],
        present: Bool[Tensor, "batch keys"] | None = None,
        *,
        positions: Int[Tensor, "batch keys"] | None = None,
        documents: Int[Tensor, "batch keys"] | None = None,
        target_positions: Int[Tensor, "batch time"] | None = None,
        target_documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each of the target, which begins with a start token.

        Args:
            present: true for each token of the source that is one, false for what fills up a row.
            positions: the place of each token of the source, where rows are packed; by default the
                place in the row.
            documents: the number of each token's document, where rows are packed: it sees no other.
            target_positions: the same of the target.
            target_documents: the same of the target, which sees the source of its own number alone.

        Raises:
            TypeError, ValueError: if `source` or `target` are no tokens, they differ in rows, another
                does not fit its text, or one of `documents` and `target_documents` comes alone.
        """
        token_batch("source", source, below=self.config.vocab_size)
        if len(token_batch("target", target, below=self.config.vocab_size)) != len(source):
            raise ValueError(f"target must have a row for each of {len(source)} sources, got {len(target)}")
        if target_positions is not None:
            target_positions = token_numbers("target_positions", target_positions, target, below=2**62)
        across, own_mask = masks_of_packed(documents, target_documents, source, target)
        given = ConditionedDecoder(self, self.encode(source, present, positions=positions, documents=documents), None)
        if present is not None:
            across = padding_mask(present) if across is None else padding_mask(present) & across
        return self.decode(target.long(), given.source, across, positions=target_positions, own_mask=own_mask)

    def _embed(self, ids: Tensor, positions: Tensor | None = None, past: int = 0) -> Tensor:
        width = self.config.d_model
        x = math.sqrt(width) * self.token_embedding(ids)
        places = torch.arange(past, past + ids.shape[1], device=ids.device) if positions is None else positions
        return self.dropout(x + sinusoidal(places, width=width).to(x.dtype))
