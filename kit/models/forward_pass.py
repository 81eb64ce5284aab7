"""The forward pass of a GPT with every stage kept: from ids to the chances of the next token.

    ids -> token + position = x
    in each layer:  norm(x) -> q, k, v -> scores -> masked -> weights -> mixed -> joined -> out,  x + out
                    norm(x) -> up -> down,  x + down
    final norm(x) -> logits -> chances

A model keeps none of them, and its fused attention never writes scores and weights down. Here all
is written out by the formulas, with the model's own weights.

Taught in: 18
"""

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, instance, one_of, token_batch
from kit.blocks.attention import causal_mask
from kit.models.gpt import GPT, Block

BEFORE = ("ids", "token", "position", "x")
HEADS = ("q", "k", "v", "scores", "masked", "weights", "mixed")
LAYER = ("norm", *HEADS, "joined", "out", "x + attention", "second norm", "up", "down", "x + feed-forward")
AFTER = ("final norm", "logits", "chances")
STAGES = (*BEFORE, *LAYER, *AFTER)
"""Every stage, in order; those of `LAYER` come once a layer, and those of `HEADS` once a head."""


@dataclass(frozen=True, kw_only=True)
class ForwardPass:
    """The tables of numbers of one text's forward pass; each has a row a token.

    Args:
        once: the tables that stand before the layers and after them, by stage.
        layers: for each layer its tables, by stage; those of `HEADS` have an axis of heads in front.
    """

    once: dict[str, Tensor]
    layers: list[dict[str, Tensor]]

    def table(self, stage: str, *, layer: int = 0, head: int = 0) -> Float[Tensor, "tokens columns"]:
        """Give the table of a stage, of a layer and a head where it has these.

        Raises:
            TypeError, ValueError: if `stage` is not one of `STAGES`, or there is no such `layer` or `head`.
        """
        if one_of("stage", stage, STAGES) in self.once:
            return self.once[stage]
        if count("layer", layer, at_least=0) >= len(self.layers):
            raise ValueError(f"layer must be from 0 to {len(self.layers) - 1}, got {layer}")
        table = self.layers[layer][stage]
        if stage not in HEADS:
            return table
        if count("head", head, at_least=0) >= len(table):
            raise ValueError(f"head must be from 0 to {len(table) - 1}, got {head}")
        return table[head]


@torch.no_grad()
def forward_pass(model: GPT, ids: Int[Tensor, "time"]) -> ForwardPass:
    """Run a pre-norm GPT on one text, and keep every stage.

    Raises:
        TypeError: if `model` is not a GPT, or `ids` not whole numbers.
        ValueError: if its norms stand after the sums, or `ids` are no tokens of it, or too many.

    Numerics: dropout is left out, whatever mode the model is in.
    Oracle: the logits of `model` itself, in evaluation mode.
    """
    instance("model", model, GPT)
    if model.config.post_norm:
        raise ValueError("model must have its norms before the branches, got post_norm=True")
    row = ids[None] if isinstance(ids, Tensor) else ids
    token_batch("ids", row, below=model.config.vocab_size, at_most=model.config.n_positions)
    token, position = model.token_embedding(ids), model.position_embedding(torch.arange(len(ids), device=ids.device))
    x = token + position
    once, layers = {"ids": ids[:, None].to(x), "token": token, "position": position, "x": x}, []
    for block in model.blocks:
        assert isinstance(block, Block)
        layers.append(_layer(block, x))
        x = layers[-1]["x + feed-forward"]
    normed = model.final_norm(x)
    logits = model.head(normed)
    return ForwardPass(
        once={**once, "final norm": normed, "logits": logits, "chances": logits.softmax(dim=-1)}, layers=layers
    )


def _layer(block: Block, x: Float[Tensor, "time d_model"]) -> dict[str, Tensor]:
    """Write a block out, stage by stage."""
    norm = block.attention_norm(x)
    q, k, v = rearrange(block.attention.qkv(norm), "t (three h d) -> three h t d", three=3, h=block.attention.n_heads)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    masked = scores.masked_fill(~causal_mask(len(x), device=x.device), -math.inf)
    weights = masked.softmax(dim=-1)
    mixed = weights @ v
    joined = rearrange(mixed, "h t d -> t (h d)")
    out = block.attention.out(joined)
    between = x + out
    second = block.feed_forward_norm(between)
    up = F.gelu(block.feed_forward.up(second), approximate="tanh")
    down = block.feed_forward.down(up)
    tables = (norm, q, k, v, scores, masked, weights, mixed, joined, out, between, second, up, down, between + down)
    return dict(zip(LAYER, tables, strict=True))
