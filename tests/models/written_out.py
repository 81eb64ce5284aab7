"""Blocks of which torch has none, written out from its smallest parts: slow, and in another way than kit's.

They take kit's own layers for their weights.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from kit.blocks.attention import window_mask
from kit.blocks.positions import rotary_angles, sinusoidal
from kit.models import llama, longformer, palm, transformer_xl


def palm_block(block: palm.Block, x: Tensor) -> Tensor:
    """Compute either block of PaLM: one head after the other, positions as complex numbers."""
    h = F.layer_norm(x, x.shape[-1:], block.norm.weight)
    y = x + rotary_attention(block.attention, h, n_kv_heads=1)
    if isinstance(block, palm.SerialBlock):
        h = F.layer_norm(y, x.shape[-1:], block.feed_forward_norm.weight)
    gate, up = block.feed_forward.gate_up.weight.chunk(2)
    return y + F.linear(F.silu(F.linear(h, gate)) * F.linear(h, up), block.feed_forward.down.weight)


def llama_block(block: llama.Block, x: Tensor) -> Tensor:
    """Compute a block of Llama in the same way."""
    h = F.rms_norm(x, x.shape[-1:], block.attention_norm.weight, eps=1e-5)
    y = x + rotary_attention(block.attention, h, n_kv_heads=block.attention.n_kv_heads)
    h = F.rms_norm(y, x.shape[-1:], block.feed_forward_norm.weight, eps=1e-5)
    gate, up = block.feed_forward.gate_up.weight.chunk(2)
    return y + F.linear(F.silu(F.linear(h, gate)) * F.linear(h, up), block.feed_forward.down.weight)


def rotary_attention(layer: palm.SelfAttention | llama.SelfAttention, h: Tensor, *, n_kv_heads: int) -> Tensor:
    time, d_head = h.shape[1], layer.d_head
    widths = [layer.n_heads * d_head, n_kv_heads * d_head, n_kv_heads * d_head]
    q, keys, values = F.linear(h, layer.qkv.weight).split(widths, dim=-1)
    angles = rotary_angles(torch.arange(time), width=d_head)
    turn = torch.complex(angles.cos().double(), angles.sin().double())  # of float32 angles, as in the model

    def turned(x: Tensor) -> Tensor:
        return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turn).flatten(-2)

    heads, group = [], layer.n_heads // n_kv_heads
    for i, one in enumerate(q.split(d_head, dim=-1)):
        k, v = (shared.split(d_head, dim=-1)[i // group] for shared in (keys, values))
        scores = turned(one) @ turned(k).mT / d_head**0.5
        scores = scores.masked_fill(torch.ones(time, time).triu(1).bool(), -torch.inf)
        heads.append(scores.softmax(dim=-1) @ v)
    return F.linear(torch.cat(heads, dim=-1), layer.out.weight)


def transformer_xl_attention(layer: transformer_xl.SelfAttention, x: Tensor, seen: Tensor) -> Tensor:
    """Score each pair of query and key by itself, by the terms a to d of section 3.3.

    Args:
        seen: the memory's states, and then those of `x`.
    """
    n_heads, d_head, past = layer.n_heads, layer.content_bias.shape[-1], seen.shape[1] - x.shape[1]
    waves = sinusoidal(torch.arange(seen.shape[1]), width=x.shape[-1]).double()
    heads = []
    for h in range(n_heads):
        part = slice(h * d_head, (h + 1) * d_head)
        w_q, w_r = layer.q.weight[part], layer.distance.weight[part]
        w_k, w_v = layer.kv.weight[: n_heads * d_head][part], layer.kv.weight[n_heads * d_head :][part]
        u, v = layer.content_bias[h, 0], layer.distance_bias[h, 0]
        outputs = []
        for row in range(x.shape[0]):
            for i in range(x.shape[1]):
                q, scores = w_q @ x[row, i], []
                for j in range(past + i + 1):
                    k, r = w_k @ seen[row, j], w_r @ waves[past + i - j]
                    scores.append((q @ k + q @ r + u @ k + v @ r) / d_head**0.5)  # a + b + c + d
                outputs.append(torch.stack(scores).softmax(dim=0) @ (seen[row, : past + i + 1] @ w_v.T))
        heads.append(torch.stack(outputs).view(*x.shape[:2], d_head))
    return F.linear(torch.cat(heads, dim=-1), layer.out.weight)


def longformer_attention(layer: longformer.SelfAttention, x: Tensor, present: Tensor, is_global: Tensor) -> Tensor:
    """Score all pairs of tokens, twice, and choose for each query whose scores are its own."""

    def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (layer.n_heads, -1)).transpose(1, 2) for y in (q, k, v))
        scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask[:, None], -torch.inf)
        shares = scores.softmax(dim=-1).masked_fill(~mask[:, None], 0)  # 0 for all, where none may be seen
        return (shares @ v).transpose(1, 2).flatten(2)

    near = window_mask(x.shape[1], window=layer.window) | is_global[:, None]
    local = attend(*layer.qkv(x).chunk(3, dim=-1), near & present[:, None])
    far = attend(layer.global_q(x), *layer.global_kv(x).chunk(2, dim=-1), present[:, None].expand_as(near))
    return layer.out(torch.where(is_global[:, :, None], far, local))
