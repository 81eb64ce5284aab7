"""Llama: PaLM's parts, put together again as GPT's: two norms, one branch after the other, a head of its own.

    x = x + attention(norm(x))                              RMS norm, with a gain alone
    x = x + down(swish(gate(norm(x))) · up(norm(x)))        d_ff near 8/3 · d_model, three matrices
    logits = norm(x) @ headᵀ                                a matrix of its own, not the embedding

Positions turn queries and keys (rotary); from Llama 2 70B on, eight query heads look at one head of
keys and values (grouped queries); there is no bias anywhere, nor dropout.

Source: Touvron et al. (2023), arXiv:2302.13971, section 2.2 and table 2; Touvron et al. (2023),
arXiv:2307.09288, table 1 and appendix A.2.1 for Llama 2; Grattafiori et al. (2024),
arXiv:2407.21783, table 3 for Llama 3. What version 3.1 does to the angles of longer texts is left out.

Taught in: 19
"""

from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from kit.arguments import count, instance, real, token_batch, token_numbers
from kit.blocks.attention import KVCache, attention, document_mask
from kit.blocks.feedforward import swiglu
from kit.blocks.initialisation import init_normal
from kit.blocks.positions import rotary_angles, rotate


@dataclass(frozen=True, kw_only=True)
class LlamaConfig:
    """The sizes of a Llama.

    Args:
        n_positions: the most tokens it is trained on; it has no parameter for them.
        n_kv_heads: heads of keys and values; as many as of queries where it is None.
        d_ff: the width of the feed-forward layers.
        base: of the angles; a larger one turns more slowly, for longer texts.
        eps: under the root of every norm.
        tied: let the head be the embedding, as the smallest of version 3.2 do.
        init_std: of the first weights. The papers do not give it; a narrow model learns several
            times faster from about 1/√d_model.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `n_heads` does not divide
            `d_model` into even widths, `n_kv_heads` not `n_heads`, `base` <= 1, `eps` or `init_std`
            <= 0, or `tied` is neither true nor false.
    """

    vocab_size: int = 32_000
    n_positions: int = 2048
    n_layers: int = 32
    n_heads: int = 32
    n_kv_heads: int | None = None
    d_model: int = 4096
    d_ff: int = 11_008
    base: float = 10_000.0
    eps: float = 1e-5
    tied: bool = False
    init_std: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_positions", "n_layers", "n_heads", "d_model", "d_ff"):
            count(name, getattr(self, name))
        real("base", self.base, above=1)
        real("eps", self.eps, above=0)
        real("init_std", self.init_std, above=0)
        instance("tied", self.tied, bool)
        if self.d_model % self.n_heads or self.d_head % 2:
            raise ValueError(f"n_heads must divide d_model, {self.d_model}, into even widths, got {self.n_heads}")
        if self.n_kv_heads is not None and self.n_heads % count("n_kv_heads", self.n_kv_heads):
            raise ValueError(f"n_kv_heads must divide n_heads, {self.n_heads}, got {self.n_kv_heads}")

    @property
    def d_head(self) -> int:
        """Give the width of a head."""
        return self.d_model // self.n_heads


LLAMA_CONFIGS = {
    "7B": LlamaConfig(n_layers=32, n_heads=32, d_model=4096, d_ff=11_008, eps=1e-6),
    "13B": LlamaConfig(n_layers=40, n_heads=40, d_model=5120, d_ff=13_824, eps=1e-6),
    "33B": LlamaConfig(n_layers=60, n_heads=52, d_model=6656, d_ff=17_920, eps=1e-6),
    "65B": LlamaConfig(n_layers=80, n_heads=64, d_model=8192, d_ff=22_016, eps=1e-6),
}
LLAMA2_CONFIGS = {
    "7B": LlamaConfig(n_positions=4096, n_layers=32, n_heads=32, d_model=4096, d_ff=11_008),
    "13B": LlamaConfig(n_positions=4096, n_layers=40, n_heads=40, d_model=5120, d_ff=13_824),
    "70B": LlamaConfig(n_positions=4096, n_layers=80, n_heads=64, n_kv_heads=8, d_model=8192, d_ff=28_672),
}
LLAMA3_BASE = LlamaConfig(vocab_size=128_256, n_positions=8192, n_kv_heads=8, base=500_000.0)
LLAMA3_CONFIGS = {
    "8B": replace(LLAMA3_BASE, n_layers=32, n_heads=32, d_model=4096, d_ff=14_336),
    "70B": replace(LLAMA3_BASE, n_layers=80, n_heads=64, d_model=8192, d_ff=28_672),
}


class SelfAttention(nn.Module):
    """Grouped-query causal self-attention with rotary positions."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.d_head, self.n_heads = config.d_head, config.n_heads
        self.n_kv_heads = config.n_kv_heads or config.n_heads
        self.qkv = nn.Linear(config.d_model, (config.n_heads + 2 * self.n_kv_heads) * config.d_head, bias=False)
        self.out = nn.Linear(config.n_heads * config.d_head, config.d_model, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        angles: Float[Tensor, "... t half_width"],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        heads = rearrange(self.qkv(x), "b t (h d) -> b h t d", d=self.d_head)
        turned, v = rotate(heads[:, : -self.n_kv_heads], angles), heads[:, -self.n_kv_heads :]
        q, k = turned[:, : self.n_heads], turned[:, self.n_heads :]
        if cache is not None:
            k, v = cache.append(k, v)
        y = attention(q, k, v, mask=mask, causal=mask is None)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """SwiGLU: one projection opens and closes another."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.gate_up = nn.Linear(config.d_model, 2 * config.d_ff, bias=False)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(swiglu(gate, up))


class Block(nn.Module):
    """Serial: the feed-forward layer reads what attention has written, through a norm of its own."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.d_model, eps=config.eps)
        self.attention = SelfAttention(config)
        self.feed_forward_norm = nn.RMSNorm(config.d_model, eps=config.eps)
        self.feed_forward = FeedForward(config)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        angles: Float[Tensor, "... t half_width"],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        x = x + self.attention(self.attention_norm(x), angles, cache, mask)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Llama(nn.Module):
    """A causal language model.

    Raises:
        TypeError: if `config` is not a LlamaConfig.

    Oracle: LlamaForCausalLM of Hugging Face transformers.

    >>> model = Llama(LlamaConfig(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_ff=8))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: LlamaConfig):
        super().__init__()
        instance("config", config, LlamaConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.n_layers)])
        self.final_norm = nn.RMSNorm(config.d_model, eps=config.eps)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        init_normal(self, std=config.init_std)
        if config.tied:
            self.head.weight = self.token_embedding.weight  # read and written in one language

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
        angles = rotary_angles(places, width=config.d_head, base=config.base)
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
        return self.head(self.encode(ids, cache, positions=positions, documents=documents))

    def new_cache(self, n_tokens: int | None = None) -> list[KVCache]:
        """Make an empty cache for up to `n_tokens`, or for as many as there are positions."""
        return [KVCache(self.config.n_positions if n_tokens is None else n_tokens) for _ in self.blocks]
