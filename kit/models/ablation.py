"""Ablation: a small Transformer of which any part can be taken out, to measure what the part does.

The other models' pages are what was published, and have no switches. Here the switches are the
subject. Each leaves one part out of the block that all the others share:

    x = x + attention(norm(x))         q·k / √d_head, the future hidden
    x = x + feed_forward(norm(x))

Taught in: 17
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, one_of, token_batch
from kit.blocks.attention import attention_weights, causal_mask


@dataclass(frozen=True, kw_only=True)
class AblationConfig:
    """The sizes of a small Transformer, and which of its parts are there.

    Args:
        scale: divide the scores by √d_head.
        mask: hide the future "before" the softmax, as is right; "after" it, as is often done by
            mistake; or "never".
        position: add a learned vector for each place.
        residual: add each branch to what it read, in place of putting it there.
        norm: "pre", before each branch; "post", after each sum; or "none".
        feed_forward: whether there is a second branch.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `n_heads` does not divide
            `d_model`, or a switch has no such setting.
    """

    vocab_size: int = 26
    n_positions: int = 24
    n_layers: int = 2
    n_heads: int = 2
    d_model: int = 32
    scale: bool = True
    mask: str = "before"
    position: bool = True
    residual: bool = True
    norm: str = "pre"
    feed_forward: bool = True

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        for name in ("vocab_size", "n_positions", "n_layers", "n_heads", "d_model"):
            count(name, getattr(self, name))
        for name in ("scale", "position", "residual", "feed_forward"):
            instance(name, getattr(self, name), bool)
        one_of("mask", self.mask, ("before", "after", "never"))
        one_of("norm", self.norm, ("pre", "post", "none"))
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, {self.d_model}, got {self.n_heads}")


class SelfAttention(nn.Module):
    """Multi-head self-attention by the plain formula, whose weights can be looked at."""

    def __init__(self, config: AblationConfig):
        super().__init__()
        self.config = config
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model)
        self.out = nn.Linear(config.d_model, config.d_model)

    def attention_weights(
        self, x: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b h t t"], Float[Tensor, "b h t d_head"]]:
        """Give each head's weights, and its values."""
        config, mask = self.config, causal_mask(x.shape[1], device=x.device)
        q, k, v = rearrange(self.qkv(x), "b t (three h d) -> three b h t d", three=3, h=config.n_heads)
        scale = 1 / math.sqrt(q.shape[-1]) if config.scale else 1.0
        weights = attention_weights(q, k, mask=mask if config.mask == "before" else None, scale=scale)
        return weights * mask if config.mask == "after" else weights, v

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        weights, v = self.attention_weights(x)
        return self.out(rearrange(weights @ v, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, config: AblationConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, 4 * config.d_model)
        self.down = nn.Linear(4 * config.d_model, config.d_model)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """One or two branches, each with its norm and its sum, as far as they are there."""

    def __init__(self, config: AblationConfig):
        super().__init__()
        self.config = config
        self.attention = SelfAttention(config)
        self.branches = nn.ModuleList([self.attention, *([FeedForward(config)] if config.feed_forward else [])])
        norm = nn.Identity if config.norm == "none" else lambda: nn.LayerNorm(config.d_model)
        self.norms = nn.ModuleList([norm() for _ in self.branches])

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        for branch, norm in zip(self.branches, self.norms, strict=True):
            y = branch(norm(x) if self.config.norm == "pre" else x)
            x = x + y if self.config.residual else y
            x = norm(x) if self.config.norm == "post" else x
        return x

    def attention_weights(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b h t t"]:
        """Give the weights of each head."""
        return self.attention.attention_weights(self.norms[0](x) if self.config.norm == "pre" else x)[0]


class AblationGPT(nn.Module):
    """A causal language model, as far as its mask allows; begins at torch's own initial weights.

    GPT's first weights, of a deviation of 0.02, are made for widths of hundreds and more; at a
    width of 32 the signals drown, and the first thousand steps are spent on finding them.

    >>> AblationGPT(AblationConfig(vocab_size=11, norm="none"))(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 11])
    """

    def __init__(self, config: AblationConfig):
        super().__init__()
        instance("config", config, AblationConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.n_positions, config.d_model)
        self.position_embedding.requires_grad_(config.position)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.n_layers)])
        self.final_norm = nn.LayerNorm(config.d_model) if config.norm == "pre" else nn.Identity()
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)

    def forward(self, ids: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocab"]:
        """Give the logits of the token after each.

        Raises:
            TypeError, ValueError: if `ids` are no tokens, or more than there are positions for.
        """
        x = self._embed(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x))

    @torch.no_grad()
    def attention_weights(self, ids: Int[Tensor, "batch time"]) -> Float[Tensor, "layers batch heads time time"]:
        """Give the attention weights of every head of every layer: which token looks at which.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        x, seen = self._embed(ids), []
        for block in self.blocks:
            seen.append(cast(Block, block).attention_weights(x))
            x = block(x)
        return torch.stack(seen)

    def _embed(self, ids: Tensor) -> Tensor:
        config = self.config
        ids = token_batch("ids", ids, below=config.vocab_size, at_most=config.n_positions)
        x = self.token_embedding(ids)
        return x + self.position_embedding.weight[: ids.shape[1]] if config.position else x
