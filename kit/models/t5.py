"""T5: the Transformer of 2017 with every task as text to text, pre-norm, and positions in the attention.

    x = token                                      no positions here
    encoder   x = x + attention(rms(x))            scores = q kᵀ + bias[distance], not scaled
              x = x + down(relu(up(rms(x))))
    decoder   y = y + attention(rms(y))            causal
              y = y + attention(rms(y), rms(x))    keys and values from the source; no bias
              y = y + down(relu(up(rms(y))))
    logits = rms(y) / √d_model @ tokensᵀ           one embedding for source, target and logits

No layer has a bias of its own, and all blocks of a stack share the table of distances. Version 1.1
differs in two places:

    down(gelu(gate(rms(x))) · up(rms(x)))          in place of down(relu(up(rms(x))))
    logits = rms(y) @ headᵀ                        a matrix of its own, and no scale

Source: Raffel et al. (2019), arXiv:1910.10683, sections 2.1 and 3.7; Shazeer (2020),
arXiv:2002.05202, for the gate; version 1.1 as in the configurations published with the code.

Taught in: 19 20
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, token_batch
from kit.blocks.attention import KVCache, attention, causal_mask, padding_and_document_mask, padding_mask
from kit.blocks.modes import modes_kept
from kit.blocks.positions import relative_buckets
from kit.models.encoder_decoder import ConditionedDecoder, KeysAndValues, masks_of_packed


@dataclass(frozen=True, kw_only=True)
class T5Config:
    """The sizes of a T5.

    Args:
        vocab_size: 32,000 word pieces, 100 sentinels, and 28 to fill up to a multiple of 128.
        n_layers: of the encoder.
        n_decoder_layers: of the decoder; as many as of the encoder where it is None.
        d_head: the width of a head; n_heads · d_head need not be d_model.
        n_buckets: of distances, as `relative_buckets` sorts them, up to `max_distance`.
        gated: give the feed-forward layers the gate of version 1.1.
        tied: let the head be the embedding, scaled; in version 1.1 it is not.
        dropout: the share dropped after embeddings, attention weights and residual branches.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, a count of buckets is too
            small, a switch is neither true nor false, or `dropout` is not a share below 1.
    """

    vocab_size: int = 32_128
    n_layers: int = 12
    n_decoder_layers: int | None = None
    n_heads: int = 12
    d_model: int = 768
    d_head: int = 64
    d_ff: int = 3072
    n_buckets: int = 32
    max_distance: int = 128
    gated: bool = False
    tied: bool = True
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_layers", "n_heads", "d_model", "d_head", "d_ff"):
            count(name, getattr(self, name))
        if self.n_decoder_layers is not None:
            count("n_decoder_layers", self.n_decoder_layers)
        for bidirectional in (True, False):
            relative_buckets(
                torch.zeros(1, dtype=torch.int64),
                bidirectional=bidirectional,
                n_buckets=self.n_buckets,
                max_distance=self.max_distance,
            )
        instance("gated", self.gated, bool)
        instance("tied", self.tied, bool)
        real("dropout", self.dropout, at_least=0, below=1)

    @property
    def decoder_depth(self) -> int:
        """Give the number of the decoder's layers."""
        return self.n_decoder_layers or self.n_layers


T5_CONFIGS = {
    "small": T5Config(n_layers=6, n_heads=8, d_model=512, d_ff=2048),
    "base": T5Config(n_layers=12, n_heads=12, d_model=768, d_ff=3072),
    "large": T5Config(n_layers=24, n_heads=16, d_model=1024, d_ff=4096),
    "3B": T5Config(n_layers=24, n_heads=32, d_model=1024, d_head=128, d_ff=16_384),
    "11B": T5Config(n_layers=24, n_heads=128, d_model=1024, d_head=128, d_ff=65_536),
}
T5_1_1_CONFIGS = {
    "small": T5Config(n_layers=8, n_heads=6, d_model=512, d_ff=1024, gated=True, tied=False),
    "base": T5Config(n_layers=12, n_heads=12, d_model=768, d_ff=2048, gated=True, tied=False),
    "large": T5Config(n_layers=24, n_heads=16, d_model=1024, d_ff=2816, gated=True, tied=False),
    "XL": T5Config(n_layers=24, n_heads=32, d_model=2048, d_ff=5120, gated=True, tied=False),
    "XXL": T5Config(n_layers=24, n_heads=64, d_model=4096, d_ff=10_240, gated=True, tied=False),
}
EPS = 1e-6  # under the root of every norm, as published


class Attention(nn.Module):
    """Multi-head attention, to keys and values of the same sequence or of another."""

    def __init__(self, config: T5Config):
        super().__init__()
        inner = config.n_heads * config.d_head
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.q = nn.Linear(config.d_model, inner, bias=False)
        self.kv = nn.Linear(config.d_model, 2 * inner, bias=False)
        self.out = nn.Linear(inner, config.d_model, bias=False)
        # 1/√d_head, by which other models divide the scores, is here in the weights of the queries
        nn.init.normal_(self.q.weight, std=(config.d_model * config.d_head) ** -0.5)
        nn.init.normal_(self.kv.weight, std=config.d_model**-0.5)
        nn.init.normal_(self.out.weight, std=inner**-0.5)

    def keys_and_values(self, states: Float[Tensor, "b keys d"]) -> KeysAndValues:
        k, v = rearrange(self.kv(states), "b t (two h d) -> two b h t d", two=2, h=self.n_heads)
        return k, v

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        keys_and_values: KeysAndValues,
        *,
        mask: Bool[Tensor, "b 1 #t keys"] | None = None,
        bias: Float[Tensor, "#b heads t keys"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        q = rearrange(self.q(x), "b t (h d) -> b h t d", h=self.n_heads)
        dropout = self.dropout if self.training else 0.0
        y = attention(q, *keys_and_values, mask=mask, bias=bias, scale=1.0, dropout=dropout)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between them."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=False)
        nn.init.normal_(self.up.weight, std=config.d_model**-0.5)
        nn.init.normal_(self.down.weight, std=config.d_ff**-0.5)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(self.dropout(F.relu(self.up(x))))


class GatedFeedForward(nn.Module):
    """GeGLU: one projection opens and closes another; its GELU is the published weights' approximation."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.gate_up = nn.Linear(config.d_model, 2 * config.d_ff, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=False)
        nn.init.normal_(self.gate_up.weight, std=config.d_model**-0.5)
        nn.init.normal_(self.down.weight, std=config.d_ff**-0.5)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(self.dropout(F.gelu(gate, approximate="tanh") * up))


class EncoderBlock(nn.Module):
    """Pre-norm: each branch reads a normalised copy, and the residual stream itself is never touched."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.feed_forward = (GatedFeedForward if config.gated else FeedForward)(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b t d"], bias: Float[Tensor, "#b heads t t"]) -> Float[Tensor, "b t d"]:
        h = self.attention_norm(x)
        x = x + self.dropout(self.attention(h, self.attention.keys_and_values(h), bias=bias))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class DecoderBlock(nn.Module):
    """The same, with a look at the source between the two."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.attention = Attention(config)
        self.cross_attention_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.cross_attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.feed_forward = (GatedFeedForward if config.gated else FeedForward)(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        bias: Float[Tensor, "#b heads t all"],
        source: KeysAndValues,
        mask: Bool[Tensor, "b 1 #t keys"] | None = None,
        cache: KVCache | None = None,
    ) -> Float[Tensor, "b t d"]:
        h = self.attention_norm(x)
        own = self.attention.keys_and_values(h)
        if cache is not None:
            own = cache.append(*own)
        x = x + self.dropout(self.attention(h, own, bias=bias))
        x = x + self.dropout(self.cross_attention(self.cross_attention_norm(x), source, mask=mask))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class T5(nn.Module):
    """A model of a target text, given a source text.

    Raises:
        TypeError: if `config` is not a T5Config.

    Oracle: T5ForConditionalGeneration of Hugging Face transformers.

    >>> model = T5(T5Config(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8))
    >>> model(torch.tensor([[1, 2, 3]]), torch.tensor([[0, 4]])).shape
    torch.Size([1, 2, 11])
    """

    def __init__(self, config: T5Config):
        super().__init__()
        instance("config", config, T5Config)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder_bias = nn.Embedding(config.n_buckets, config.n_heads)
        self.decoder_bias = nn.Embedding(config.n_buckets, config.n_heads)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder_blocks = nn.ModuleList([EncoderBlock(config) for _ in range(config.n_layers)])
        self.encoder_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.decoder_blocks = nn.ModuleList([DecoderBlock(config) for _ in range(config.decoder_depth)])
        self.final_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        for table in (self.encoder_bias, self.decoder_bias):
            nn.init.normal_(table.weight, std=config.d_model**-0.5)
        nn.init.normal_(self.token_embedding.weight)
        if config.tied:
            self.head.weight = self.token_embedding.weight  # read and written in one language
        else:
            nn.init.normal_(self.head.weight)

    def encode(
        self,
        source: Int[Tensor, "batch keys"],
        present: Bool[Tensor, "batch keys"] | None = None,
        *,
        documents: Int[Tensor, "batch keys"] | None = None,
    ) -> Float[Tensor, "batch keys d_model"]:
        """Give the encoder's last hidden states.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        source = token_batch("source", source, below=self.config.vocab_size)
        mask = padding_and_document_mask(source, present, documents)
        x = self.dropout(self.token_embedding(source))
        places = torch.arange(source.shape[1], device=source.device)
        bias = self._bias(self.encoder_bias, places, places)
        if mask is not None:
            bias = bias.masked_fill(~mask, -torch.inf)
        for block in self.encoder_blocks:
            x = block(x, bias)
        return self.dropout(self.encoder_norm(x))

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
        own_mask: Bool[Tensor, "batch 1 time time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each; `ConditionedDecoder` and `forward` call it."""
        x = self.dropout(self.token_embedding(ids))
        past, new = len(cache[0]) if cache else 0, ids.shape[1]
        places = torch.arange(past + new, device=ids.device)
        bias = self._bias(self.decoder_bias, places[past:], places)
        if own_mask is not None or new > 1:
            seen = causal_mask(new, past + new, device=ids.device) if own_mask is None else own_mask
            bias = bias.masked_fill(~seen, -torch.inf)
        for i, block in enumerate(self.decoder_blocks):
            x = block(x, bias, source[i], mask, cache[i] if cache else None)
        x = self.dropout(self.final_norm(x))
        return self.head(self.config.d_model**-0.5 * x if self.config.tied else x)  # an embedding is too large here

    def forward(
        self,
        source: Int[Tensor, "batch keys"],
        target: Int[Tensor, "batch time"],
        present: Bool[Tensor, "batch keys"] | None = None,
        *,
        documents: Int[Tensor, "batch keys"] | None = None,
        target_documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each of the target, which begins with a start token.

        Args:
            target: what the decoder sees, as `kit.text.objectives.decoder_inputs` gives it; 0, which
                also fills up rows, starts it in the published weights.
            present: true for each token of the source that is one, false for what fills up a row.
            documents: the number of each token's document, where rows are packed: it sees no other.
                Distances within a document are what they are alone, so no positions are needed.
            target_documents: the same of the target, which sees the source of its own number alone.

        Raises:
            TypeError, ValueError: if `source` or `target` are no tokens, they differ in rows, another
                does not fit its text, or one of `documents` and `target_documents` comes alone.
        """
        token_batch("source", source, below=self.config.vocab_size)
        if len(token_batch("target", target, below=self.config.vocab_size)) != len(source):
            raise ValueError(f"target must have a row for each of {len(source)} sources, got {len(target)}")
        across, own_mask = masks_of_packed(documents, target_documents, source, target)
        given = ConditionedDecoder(self, self.encode(source, present, documents=documents), None)
        if present is not None:
            across = padding_mask(present) if across is None else padding_mask(present) & across
        return self.decode(target.long(), given.source, across, own_mask=own_mask)

    def _bias(self, table: nn.Embedding, queries: Tensor, keys: Tensor) -> Float[Tensor, "1 heads queries keys"]:
        """Look up what each distance adds to the scores of each head."""
        config = self.config
        buckets = relative_buckets(
            keys - queries[:, None],
            bidirectional=table is self.encoder_bias,
            n_buckets=config.n_buckets,
            max_distance=config.max_distance,
        )
        return rearrange(table(buckets), "queries keys heads -> 1 heads queries keys")
