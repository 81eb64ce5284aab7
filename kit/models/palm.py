"""PaLM: a GPT whose two branches read the same norm side by side, and whose heads share keys and values.

    h = norm(x)                                             one norm for both branches
    x = x + attention(h) + down(swish(gate(h)) · up(h))     three matrices, d_ff = 4 · d_model
    logits = norm(x) @ tokensᵀ / √d_model                   the embedding once more

Positions turn queries and keys (rotary); all query heads look at one head of keys and values; there
is no bias anywhere, nor dropout.

Source: Chowdhery et al. (2022), arXiv:2204.02311, section 2 and table 1.

Taught in: 19
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from kit.arguments import count, instance, token_batch, token_numbers
from kit.blocks.attention import KVCache, attention, document_mask
from kit.blocks.feedforward import swiglu
from kit.blocks.positions import rotary_angles, rotate


@dataclass(frozen=True, kw_only=True)
class PaLMConfig:
    """The sizes of a PaLM.

    Args:
        n_positions: the most tokens it is trained on; it has no parameter for them.
        d_head: the width of a head; the heads together need not be as wide as the model.
        d_ff: the width of the feed-forward layers; 4 · d_model where it is None.
        serial: put one branch after the other, as GPT does, each with a norm of its own.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, or `d_head` is odd.
    """

    vocab_size: int = 256_000
    n_positions: int = 2048
    n_layers: int = 32
    n_heads: int = 16
    d_model: int = 4096
    d_head: int = 256
    d_ff: int | None = None
    serial: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_positions", "n_layers", "n_heads", "d_model", "d_head"):
            count(name, getattr(self, name))
        if self.d_ff is not None:
            count("d_ff", self.d_ff)
        if self.d_head % 2:
            raise ValueError(f"d_head must be even, since positions turn pairs of features, got {self.d_head}")

    @property
    def ff_width(self) -> int:
        """Give the width of the feed-forward layers."""
        return self.d_ff or 4 * self.d_model


PALM_CONFIGS = {
    "8B": PaLMConfig(n_layers=32, n_heads=16, d_model=4096),
    "62B": PaLMConfig(n_layers=64, n_heads=32, d_model=8192),
    "540B": PaLMConfig(n_layers=118, n_heads=48, d_model=18_432),
}


class SelfAttention(nn.Module):
    """Multi-query causal self-attention with rotary positions."""

    def __init__(self, config: PaLMConfig):
        super().__init__()
        self.d_head, self.n_heads = config.d_head, config.n_heads
        self.qkv = nn.Linear(config.d_model, (config.n_heads + 2) * config.d_head, bias=False)
        self.out = nn.Linear(config.n_heads * config.d_head, config.d_model, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        angles: Float[Tensor, "... t half_width"],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        heads = rearrange(self.qkv(x), "b t (h d) -> b h t d", d=self.d_head)
        turned, v = rotate(heads[:, :-1], angles), heads[:, -1:]
        q, k = turned[:, :-1], turned[:, -1:]
        if cache is not None:
            k, v = cache.append(k, v)
        y = attention(q, k, v, mask=mask, causal=mask is None)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """SwiGLU: one projection opens and closes another."""

    def __init__(self, config: PaLMConfig):
        super().__init__()
        self.gate_up = nn.Linear(config.d_model, 2 * config.ff_width, bias=False)
        self.down = nn.Linear(config.ff_width, config.d_model, bias=False)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(swiglu(gate, up))


class Block(nn.Module):
    """Parallel: both branches read one norm, and neither waits for the other.

    The paper makes one product of all five input matrices, and trains 15% faster on its machines. On a
    CPU that gains nothing (`python -m tests.models.parallel_block`), so the branches stay apart here.
    """

    def __init__(self, config: PaLMConfig):
        super().__init__()
        self.norm = nn.LayerNorm(config.d_model, bias=False)
        self.attention = SelfAttention(config)
        self.feed_forward = FeedForward(config)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        angles: Float[Tensor, "... t half_width"],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        h = self.norm(x)
        return x + self.attention(h, angles, cache, mask) + self.feed_forward(h)


class SerialBlock(Block):
    """Serial: the feed-forward layer reads what attention has written, through a norm of its own."""

    def __init__(self, config: PaLMConfig):
        super().__init__(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        angles: Float[Tensor, "... t half_width"],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        x = x + self.attention(self.norm(x), angles, cache, mask)
        return x + self.feed_forward(self.feed_forward_norm(x))


class PaLM(nn.Module):
    """A causal language model.

    Raises:
        TypeError: if `config` is not a PaLMConfig.

    Oracle: the counts of the paper's table 1; blocks written out from torch's parts.

    >>> model = PaLM(PaLMConfig(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_head=2))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: PaLMConfig):
        super().__init__()
        instance("config", config, PaLMConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        block = SerialBlock if config.serial else Block
        self.blocks = nn.ModuleList([block(config) for _ in range(config.n_layers)])
        self.final_norm = nn.LayerNorm(config.d_model, bias=False)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight  # begins at N(0, 1), for no norm stands behind it
        for layer in self.blocks.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)

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
        angles = rotary_angles(places, width=config.d_head)
        x = self.token_embedding(ids)
        for i, block in enumerate(self.blocks):
            x = block(x, angles, cache[i] if cache else None, mask)
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
        states = self.encode(ids, cache, positions=positions, documents=documents)
        return self.head(states * self.config.d_model**-0.5)  # logits begin near N(0, 1), though tied

    def new_cache(self, n_tokens: int | None = None) -> list[KVCache]:
        """Make an empty cache for up to `n_tokens`, or for as many as there are positions."""
        return [KVCache(self.config.n_positions if n_tokens is None else n_tokens) for _ in self.blocks]
