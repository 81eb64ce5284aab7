"""Transformer-XL: a GPT that reads a text segment by segment, and still sees the segments before.

    seen  = [memory, x]                            what the layer read of earlier segments; no gradient
    score = (q + u) k + (q + v) r                  content, and the distance between query and key
    x = norm(x + attention(x, seen))               causal
    x = norm(x + down(relu(up(x))))
    logits = x @ tokensᵀ + bias                    the embedding once more

A position would mean another token in each segment; a distance means the same in all. A layer looks
back at what the layer below knew of the segment before, so that n_layers of them reach n_layers back.

Source: Dai et al. (2019), arXiv:1901.02860, sections 3.2 and 3.3; sizes and details as in the code
published with it, whose adaptive softmax is a plain one here.

Taught in: 19 20
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, real_tensor, token_batch, token_numbers
from kit.blocks.attention import attention, causal_mask, document_mask
from kit.blocks.initialisation import init_normal
from kit.blocks.positions import relative_shift, sinusoidal


@dataclass(frozen=True, kw_only=True)
class TransformerXLConfig:
    """The sizes of a Transformer-XL.

    Args:
        n_memory: how many tokens before its segment each layer can look back at.
        dropout: the share dropped after embeddings and residual branches.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `d_model` is odd, or
            `dropout` not a share below 1.
    """

    vocab_size: int = 267_735
    n_memory: int = 150
    n_layers: int = 16
    n_heads: int = 10
    d_model: int = 410
    d_head: int = 41
    d_ff: int = 2100
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_memory", "n_layers", "n_heads", "d_model", "d_head", "d_ff"):
            count(name, getattr(self, name))
        real("dropout", self.dropout, at_least=0, below=1)
        if self.d_model % 2:
            raise ValueError(f"d_model must be even, for a sine and a cosine of each wave, got {self.d_model}")


# For WikiText-103. The paper says 151M and 257M. The authors' code makes 151,107,538 of the first, of which
# only 1,233 are missing here; of the second it makes 285,170,506, whose rarer tokens have narrower embeddings.
TRANSFORMER_XL_CONFIGS = {
    "standard": TransformerXLConfig(),
    "large": TransformerXLConfig(
        n_memory=384, n_layers=18, n_heads=16, d_model=1024, d_head=64, d_ff=4096, dropout=0.2
    ),
}


class Memory:
    """The last hidden states that one layer has read; later segments look back at them.

    Args:
        n_tokens: the most that are kept. The oldest are forgotten.

    Raises:
        TypeError, ValueError: if `n_tokens` is not a whole number above 0.

    >>> memory = Memory(4)
    >>> memory.extend(torch.zeros(1, 3, 2)).shape, memory.extend(torch.zeros(1, 3, 2)).shape, len(memory)
    (torch.Size([1, 3, 2]), torch.Size([1, 6, 2]), 4)
    """

    def __init__(self, n_tokens: int):
        self.n_tokens = count("n_tokens", n_tokens)
        self._states: Tensor | None = None

    def __len__(self) -> int:
        return 0 if self._states is None else self._states.shape[1]

    def extend(self, x: Float[Tensor, "b new d"]) -> Float[Tensor, "b all d"]:
        """Put new states behind those that are kept; return them all. No gradient reaches the kept ones.

        Raises:
            TypeError: if `x` is not a tensor of real numbers.
            ValueError: if it has not three axes, or differs in batch or width from what is kept.
        """
        seen = real_tensor("x", x)
        if x.ndim != 3:
            raise ValueError(f"x must have the axes batch, time and d_model, got shape {tuple(x.shape)}")
        if self._states is not None:
            if self._states[:, 0].shape != x[:, 0].shape:
                raise ValueError(f"x must fit a memory of shape {tuple(self._states.shape)}, got {tuple(x.shape)}")
            seen = torch.cat([self._states, x], dim=1)
        self._states = seen[:, -self.n_tokens :].detach()
        return seen


class SelfAttention(nn.Module):
    """Multi-head causal self-attention over memory and segment, which knows distances."""

    def __init__(self, config: TransformerXLConfig):
        super().__init__()
        inner = config.n_heads * config.d_head
        self.n_heads, self.scale = config.n_heads, config.d_head**-0.5
        self.q = nn.Linear(config.d_model, inner, bias=False)
        self.kv = nn.Linear(config.d_model, 2 * inner, bias=False)
        self.distance = nn.Linear(config.d_model, inner, bias=False)
        self.content_bias = nn.Parameter(torch.randn(config.n_heads, 1, config.d_head) * 0.02)  # u
        self.distance_bias = nn.Parameter(torch.randn(config.n_heads, 1, config.d_head) * 0.02)  # v
        self.out = nn.Linear(inner, config.d_model, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        encodings: Float[Tensor, "keys d"],
        memory: Memory | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        seen = x if memory is None else memory.extend(x)
        q = rearrange(self.q(x), "b t (h d) -> b h t d", h=self.n_heads)
        k, v = rearrange(self.kv(seen), "b t (two h d) -> two b h t d", two=2, h=self.n_heads)
        r = rearrange(self.distance(encodings), "keys (h d) -> h d keys", h=self.n_heads)
        by_distance = self.scale * relative_shift((q + self.distance_bias) @ r)
        if mask is None:
            mask = causal_mask(x.shape[1], seen.shape[1], device=x.device)
        y = attention(q + self.content_bias, k, v, mask=mask, bias=by_distance, scale=self.scale)
        return self.out(rearrange(y, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between them."""

    def __init__(self, config: TransformerXLConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_ff)
        self.down = nn.Linear(config.d_ff, config.d_model)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(F.relu(self.up(x)))


class Block(nn.Module):
    """Post-norm: the residual stream is normalised after each sum."""

    def __init__(self, config: TransformerXLConfig):
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Float[Tensor, "b t d"],
        encodings: Float[Tensor, "keys d"],
        memory: Memory | None = None,
        mask: Bool[Tensor, "b 1 t t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        x = self.attention_norm(x + self.dropout(self.attention(x, encodings, memory, mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class TransformerXL(nn.Module):
    """A causal language model that remembers.

        memory = model.new_cache()
        for ids in segments:
            logits = model(ids, memory)

    Raises:
        TypeError: if `config` is not a TransformerXLConfig.

    Oracle: the scores of each query and key computed one by one; the count of the authors' own code.

    >>> sizes = {"n_layers": 1, "n_heads": 2, "d_model": 4, "d_head": 2, "d_ff": 8}
    >>> model = TransformerXL(TransformerXLConfig(vocab_size=11, n_memory=8, **sizes))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: TransformerXLConfig):
        super().__init__()
        instance("config", config, TransformerXLConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        blocks = [Block(config) for _ in range(config.n_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(config.d_model, config.vocab_size)
        init_normal(self, std=0.02)
        self.head.weight = self.token_embedding.weight  # tied: read and written in one language
        for block in blocks[1:]:  # one u and one v for all layers
            block.attention.content_bias = blocks[0].attention.content_bias
            block.attention.distance_bias = blocks[0].attention.distance_bias

    def encode(
        self,
        ids: Int[Tensor, "batch time"],
        cache: list[Memory] | None = None,
        *,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time d_model"]:
        """Give the last hidden states: what the head, or another of kit.models.heads, reads.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        config = self.config
        ids = token_batch("ids", ids, below=config.vocab_size)
        mask = None
        if documents is not None:
            mask = document_mask(token_numbers("documents", documents, ids, below=2**62), causal=True)
            if cache:
                raise ValueError("documents must be None beside a memory, which holds one text a row")
        n_keys = ids.shape[1] + (len(cache[0]) if cache else 0)
        x = self.dropout(self.token_embedding(ids) * config.d_model**0.5)
        encodings = sinusoidal(torch.arange(n_keys - 1, -1, -1, device=ids.device), width=config.d_model).to(x.dtype)
        for i, block in enumerate(self.blocks):
            x = block(x, encodings, cache[i] if cache else None, mask)
        return x

    def forward(
        self,
        ids: Int[Tensor, "batch time"],
        cache: list[Memory] | None = None,
        *,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each.

        Args:
            cache: the memory, from `new_cache`; `ids` then go on from the tokens that it has seen.
            documents: the number of each token's document, where rows are packed: it sees no other.
                Distances within a document are what they are alone, so no positions are needed. Not
                beside a memory: that a row goes on from the one before is what it is for, and the
                numbers of a row say nothing of which document the memory holds.

        Raises:
            TypeError, ValueError: if `ids` are no tokens, or not as many rows as the memory has,
                `documents` do not fit them, or come with a memory.
        """
        return self.head(self.encode(ids, cache, documents=documents))

    def new_cache(self, n_tokens: int | None = None) -> list[Memory]:
        """Make an empty memory of the last `n_tokens`, or of as many as the configuration says.

        Text may go on for ever: what no longer fits is forgotten. Up to `n_tokens` in all, nothing
        is, and the logits are those of one long segment.
        """
        return [Memory(self.config.n_memory if n_tokens is None else n_tokens) for _ in self.blocks]
