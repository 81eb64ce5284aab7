"""Sliding-window attention: each token sees its neighbours, and a few tokens that all see.

    weights = softmax(q kᵀ / √d_head)     over the keys at most `window` places away, and the global ones

Dense attention with `window_mask` gives the same, and holds a score for every pair of tokens. Here
the queries are cut into chunks, each beside the keys of its chunk and the window on either side:

    keys     . . [ a  a  a  b  b  b  c  c  c ] . .      window 3
    queries               [ b  b  b ]

Time and memory grow with n_tokens · window, not with n_tokens².

Taught in: 20
"""

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, instance, integer_tensor, real_tensor
from kit.blocks.attention import attention

SMALLEST_CHUNK = 32  # below, a chunk costs more in set-up than its kernel's products do


def window_attention(
    q: Float[Tensor, "batch heads time d_head"],
    k: Float[Tensor, "batch heads time d_head"],
    v: Float[Tensor, "batch heads time d_value"],
    *,
    window: int,
    present: Bool[Tensor, "batch time"] | None = None,
    is_global: Bool[Tensor, "batch time"] | None = None,
    documents: Int[Tensor, "batch time"] | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads time d_value"]:
    """Let each token attend to the `window` tokens on either side, to itself, and to the global tokens.

    Global tokens are seen by all, but as queries they see their windows here, as all do:
    Longformer lets them see everything through projections of their own.

    Args:
        present: true for each token that is one; no query sees the others.
        is_global: true for each token that every query sees, wherever it stands.
        documents: the number of each token's document, where several share a row; no query sees another.
        dropout: the share of weights to drop; 0 outside of training.

    Raises:
        TypeError: if a tensor is of the wrong kind, or `window` not a whole number.
        ValueError: if shapes do not fit, `window` < 0, or `dropout` is not a share below 1.

    Source: Beltagy et al. (2020), arXiv:2004.05150, section 3.1.
    Oracle: `attention` with `window_mask`, and with `document_mask`.
    """
    n_tokens, window = _checked(q, k, v), count("window", window, at_least=0)
    near_keys = torch.ones(len(q), n_tokens, dtype=torch.bool, device=q.device)
    near_keys = near_keys if present is None else near_keys & _flags("present", present, q)
    if is_global is not None:
        is_global = _flags("is_global", is_global, q) & near_keys
        near_keys = near_keys & ~is_global  # each global key once: beside the window, not in it

    chunk = max(window, SMALLEST_CHUNK)
    n_chunks = -(-n_tokens // chunk)
    margins = (window, window + n_chunks * chunk - n_tokens)

    def chunks_with_neighbours(x: Tensor) -> Tensor:
        """Cut the last axis into overlapping pieces, a chunk and the window on either side of it."""
        return F.pad(x, margins).unfold(-1, chunk + 2 * window, chunk)

    queries = rearrange(F.pad(q, (0, 0, 0, margins[1] - window)), "b h (n c) d -> (b n) h c d", c=chunk)
    keys, values = (rearrange(chunks_with_neighbours(x.transpose(-2, -1)), "b h d n c -> (b n) h c d") for x in (k, v))
    here, there = torch.arange(chunk, device=q.device), torch.arange(-window, chunk + window, device=q.device)
    near = (here[:, None] - there).abs() <= window
    mask = near & rearrange(chunks_with_neighbours(near_keys), "b n c -> (b n) 1 1 c")
    numbers: Tensor | None = None
    if documents is not None:
        documents = _numbers("documents", documents, q)
        numbers = rearrange(F.pad(documents, (0, margins[1] - window)), "b (n c) -> (b n) 1 c 1", c=chunk)
        mask = mask & (numbers == rearrange(chunks_with_neighbours(documents), "b n c -> (b n) 1 1 c"))
    if is_global is not None:
        places, real = global_indices(is_global)
        keys, values = (
            torch.cat([x, repeat(_rows(whole, places), "b h g d -> (b n) h g d", n=n_chunks)], dim=-2)
            for x, whole in ((keys, k), (values, v))
        )
        far = repeat(real, "b g -> (b n) 1 c g", n=n_chunks, c=chunk)
        if documents is not None and numbers is not None:
            far = far & (numbers == repeat(documents.gather(1, places), "b g -> (b n) 1 1 g", n=n_chunks))
        mask = torch.cat([mask, far], dim=-1)
    y = attention(queries, keys, values, mask=mask, dropout=dropout)
    return rearrange(y, "(b n) h c d -> b h (n c) d", b=len(q))[:, :, :n_tokens]


def global_indices(
    is_global: Bool[Tensor, "batch time"],
) -> tuple[Int[Tensor, "batch most"], Bool[Tensor, "batch most"]]:
    """Find where each row's global tokens stand; rows with fewer than the most are filled up.

    Returns:
        The places, and which of them are those of global tokens.

    Raises:
        TypeError: if `is_global` is not a tensor of booleans.
        ValueError: if it does not have two axes.

    >>> global_indices(torch.tensor([[True, False, True], [False, True, False]]))[1]
    tensor([[ True,  True],
            [ True, False]])
    """
    instance("is_global", is_global, Tensor)
    if is_global.dtype != torch.bool:
        raise TypeError(f"is_global must be of booleans, got {is_global.dtype}")
    if is_global.ndim != 2:
        raise ValueError(f"is_global must have the axes batch and time, got shape {tuple(is_global.shape)}")
    most = int(is_global.sum(dim=1).max())
    places = is_global.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
    return places, is_global.gather(1, places)


def _rows(x: Tensor, places: Tensor) -> Tensor:
    return x.gather(2, places[:, None, :, None].expand(-1, x.shape[1], -1, x.shape[3]))


def _checked(q: Tensor, k: Tensor, v: Tensor) -> int:
    for name, value in (("q", q), ("k", k), ("v", v)):
        if real_tensor(name, value).ndim != 4:
            raise ValueError(f"{name} must have the axes batch, heads, time and d_head, got {tuple(value.shape)}")
    if k.shape != q.shape:
        raise ValueError(f"k must have the shape of q, {tuple(q.shape)}, got {tuple(k.shape)}")
    if v.shape[:3] != k.shape[:3]:
        raise ValueError(f"v must have a row for each key, {tuple(k.shape[:3])}, got {tuple(v.shape[:3])}")
    return q.shape[2]


def _flags(name: str, value: Tensor, q: Tensor) -> Tensor:
    instance(name, value, Tensor)
    if value.dtype != torch.bool:
        raise TypeError(f"{name} must be of booleans, got {value.dtype}")
    if value.shape != (q.shape[0], q.shape[2]):
        tokens = (q.shape[0], q.shape[2])
        raise ValueError(f"{name} must have a boolean for each token, {tokens}, got {tuple(value.shape)}")
    return value


def _numbers(name: str, value: Tensor, q: Tensor) -> Tensor:
    tokens = (q.shape[0], q.shape[2])
    if integer_tensor(name, value).shape != tokens:
        raise ValueError(f"{name} must have a number for each token, {tokens}, got {tuple(value.shape)}")
    return value.long()
