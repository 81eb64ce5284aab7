"""GPT: a stack of blocks in which no token sees the next, and the head that guesses it.

    x = token + position                           learned positions
    x = x + attention(norm(x))                     causal
    x = x + down(gelu(up(norm(x))))                d_ff = 4 · d_model, as published
    logits = norm(x) @ tokensᵀ                     the embedding once more

Source: Radford et al. (2018) for GPT-1, whose blocks are post-norm; Radford et al. (2019) for
GPT-2; Brown et al. (2020), arXiv:2005.14165, table 2.1 for GPT-3, whose every other layer attends
to a band of keys, without any parameter of its own; here all layers attend to all.

Taught in: 17 18 19 21 22
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, token_batch, token_numbers
from kit.blocks.attention import KVCache, attention, document_mask
from kit.blocks.initialisation import init_normal, scale_residual_weights


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The sizes of a GPT.

    Args:
        d_head: the width of a head; d_model / n_heads where it is None.
        d_ff: the width of the feed-forward layers; 4 · d_model where it is None.
        dropout: the share dropped after embeddings, attention weights and residual branches.
        init_std: of the first weights. Published models take 0.02; a narrow one learns several
            times faster from about 1/√d_model.
        post_norm: put the norms after the residual sums, as GPT-1 does.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `dropout` not a share below
            1, `init_std` not above 0, or `d_head` is None and `n_heads` does not divide `d_model`.
    """

    vocab_size: int = 50_257
    n_positions: int = 1024
    n_layers: int = 12
    n_heads: int = 12
    d_model: int = 768
    d_head: int | None = None
    d_ff: int | None = None
    dropout: float = 0.1
    init_std: float = 0.02
    post_norm: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_positions", "n_layers", "n_heads", "d_model"):
            count(name, getattr(self, name))
        real("dropout", self.dropout, at_least=0, below=1)
        real("init_std", self.init_std, above=0)
        if self.d_ff is not None:
            count("d_ff", self.d_ff)
        if self.d_head is not None:
            count("d_head", self.d_head)
        elif self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, {self.d_model}, got {self.n_heads}")

    @property
    def head_width(self) -> int:
        """Give the width of a head."""
        return self.d_head or self.d_model // self.n_heads

    @property
    def ff_width(self) -> int:
        """Give the width of the feed-forward layers."""
        return self.d_ff or 4 * self.d_model


GPT1_CONFIG = GPTConfig(vocab_size=40_478, n_positions=512, post_norm=True)
GPT2_CONFIGS = {
    "small": GPTConfig(n_layers=12, n_heads=12, d_model=768),
    "medium": GPTConfig(n_layers=24, n_heads=16, d_model=1024),
    "large": GPTConfig(n_layers=36, n_heads=20, d_model=1280),
    "XL": GPTConfig(n_layers=48, n_heads=25, d_model=1600),
}
# Table 2.1 contradicts itself twice. 24 heads of 128 are wider than d_model = 2048: taken as 16 here, which
# alters no shape. 40 heads of 128 are narrower than d_model = 5140: taken as printed.
GPT3_CONFIGS = {
    "125M": GPTConfig(n_positions=2048, n_layers=12, n_heads=12, d_model=768),
    "350M": GPTConfig(n_positions=2048, n_layers=24, n_heads=16, d_model=1024),
    "760M": GPTConfig(n_positions=2048, n_layers=24, n_heads=16, d_model=1536),
    "1.3B": GPTConfig(n_positions=2048, n_layers=24, n_heads=16, d_model=2048),
    "2.7B": GPTConfig(n_positions=2048, n_layers=32, n_heads=32, d_model=2560),
    "6.7B": GPTConfig(n_positions=2048, n_layers=32, n_heads=32, d_model=4096),
    "13B": GPTConfig(n_positions=2048, n_layers=40, n_heads=40, d_model=5140, d_head=128),
    "175B": GPTConfig(n_positions=2048, n_layers=96, n_heads=96, d_model=12_288),
}


class SelfAttention(nn.Module):
    """Multi-head causal self-attention."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        inner = config.n_heads * config.head_width
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.qkv = nn.Linear(config.d_model, 3 * inner)
        self.out = nn.Linear(inner, config.d_model)

    def forward(
        self, x: Float[Tensor, "b t d"], cache: KVCache | None = None, mask: Bool[Tensor, "b 1 t t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        # (h d) -> h d, before its time; einops would copy the gradients of q, k and v once more
        q, k, v = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        if cache is not None:
            k, v = cache.append(k, v)
        if cache is not None and q.shape[2] == 1 and not self.training:  # the newest token may look at all,
            y = F.scaled_dot_product_attention(q, k, v)  # and the cache has looked at what it keeps
        else:
            y = attention(q, k, v, mask=mask, causal=mask is None, dropout=self.dropout if self.training else 0.0)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.ff_width)
        self.down = nn.Linear(config.ff_width, config.d_model)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class Block(nn.Module):
    """Pre-norm: each branch reads a normalised copy, and the residual stream itself is never touched."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.attention = SelfAttention(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Float[Tensor, "b t d"], cache: KVCache | None = None, mask: Bool[Tensor, "b 1 t t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        x = x + self.dropout(self.attention(self.attention_norm(x), cache, mask))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class PostNormBlock(Block):
    """Post-norm: the same parts, with the norms after the sums."""

    def forward(
        self, x: Float[Tensor, "b t d"], cache: KVCache | None = None, mask: Bool[Tensor, "b 1 t t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        x = self.attention_norm(x + self.dropout(self.attention(x, cache, mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class GPT(nn.Module):
    """A causal language model.

    Raises:
        TypeError: if `config` is not a GPTConfig.

    Oracle: GPT2LMHeadModel and OpenAIGPTLMHeadModel of Hugging Face transformers.

    >>> model = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        instance("config", config, GPTConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.n_positions, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        blocks = [(PostNormBlock if config.post_norm else Block)(config) for _ in range(config.n_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.final_norm = nn.Identity() if config.post_norm else nn.LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        init_normal(self, std=config.init_std)
        self.head.weight = self.token_embedding.weight  # tied: read and written in one language
        if not config.post_norm:
            writers = [layer for block in blocks for layer in (block.attention.out, block.feed_forward.down)]
            scale_residual_weights(*writers, n_residuals=len(writers))

    def encode(
        self,
        ids: Int[Tensor, "batch time"],
        cache: list[KVCache] | None = None,
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time d_model"]:
        """Give the last hidden states: what the head, or another of kit.models.heads, reads.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        config, past = self.config, len(cache[0]) if cache else 0
        ids = token_batch("ids", ids, below=config.vocab_size, at_most=config.n_positions - past)
        places = torch.arange(past, past + ids.shape[1], device=ids.device)
        if positions is not None:
            places = token_numbers("positions", positions, ids, below=config.n_positions)
        mask = None
        if documents is not None:
            mask = document_mask(token_numbers("documents", documents, ids, below=2**62), causal=True)
            if cache:
                raise ValueError("documents must be None beside a cache, which holds one text a row")
        x = self.dropout(self.token_embedding(ids) + self.position_embedding(places))
        for i, block in enumerate(self.blocks):
            x = block(x, cache[i] if cache else None, mask)
        return self.final_norm(x)

    def forward(
        self,
        ids: Int[Tensor, "batch time"],
        cache: list[KVCache] | None = None,
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each.

        Args:
            cache: from `new_cache`; `ids` then go on from the tokens that it holds.
            positions: the place of each token, where rows are packed; by default the place in the row.
            documents: the number of each token's document: it sees no other. kit.text.packing counts
                both, by `positions` and `document_ids`.

        Raises:
            TypeError, ValueError: if `ids` are no tokens or more than there are positions for,
                `positions` or `documents` do not fit them, or `documents` come with a cache.
        """
        return self.head(self.encode(ids, cache, positions=positions, documents=documents))

    def next_logits(
        self, ids: Int[Tensor, "batch time"], cache: list[KVCache] | None = None
    ) -> Float[Tensor, "batch vocab"]:
        """Give the logits of the token after the last alone: all that writing asks for, and the head's least work.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        return self.head(self.encode(ids, cache)[:, -1])

    def new_cache(self, n_tokens: int | None = None) -> list[KVCache]:
        """Make an empty cache for up to `n_tokens`, or for as many as there are positions."""
        return [KVCache(self.config.n_positions if n_tokens is None else n_tokens) for _ in self.blocks]
