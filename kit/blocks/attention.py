"""Attention: each query looks at all keys, and takes the mean of the values by how well they fit.

    weights = softmax(q kᵀ / √d_head + bias)     a row for each query; what the mask hides gets 0
    output  = weights v

`plain_attention` is that formula. `attention`, which the models call, gives the same by torch's
fused kernel, which never holds the weights in memory. Masks are true where a query may look, so
that two of them are joined by `&`.

Taught in: 17 19
"""

import math
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, instance, integer_tensor, real, real_tensor, token_flags, token_numbers

Queries = Float[Tensor, "batch heads queries d_head"]
Keys = Float[Tensor, "batch kv_heads keys d_head"]
Values = Float[Tensor, "batch kv_heads keys d_value"]
Mask = Bool[Tensor, "... #queries #keys"]  # two axes, the same for batch and heads; or all four
Bias = Float[Tensor, "... #queries #keys"]
Outputs = Float[Tensor, "batch heads queries d_value"]


def attention_weights(
    q: Queries, k: Keys, *, mask: Mask | None = None, bias: Bias | None = None, scale: float | None = None
) -> Float[Tensor, "batch heads queries keys"]:
    """Compute how much each query looks at each key: a row of shares that sum to 1.

        softmax(scale · q kᵀ + bias)

    Args:
        k: may have fewer heads than `q`, each shared by a group of them (grouped-query attention),
            down to one for all (multi-query attention).
        mask: true where a query may look. A query that may look nowhere gets zeros.
        bias: added to the scores, such as T5's relative positions.
        scale: 1/√d_head where it is None. It keeps the variance of q·k near 1, so that softmax
            does not saturate.

    Raises:
        TypeError: if a tensor is of the wrong kind.
        ValueError: if the heads of `k` do not divide those of `q`, widths differ, `mask` or `bias`
            does not fit the scores, or `scale` <= 0.

    Numerics: scores of half precision are kept in float32: near 2,000, float16 counts in whole numbers.
    Source: Vaswani et al. (2017), arXiv:1706.03762, eq. 1; Shazeer (2019), arXiv:1911.02150;
    Ainslie et al. (2023), arXiv:2305.13245.

    >>> q = k = torch.zeros(1, 1, 2, 4)
    >>> attention_weights(q, k, mask=causal_mask(2))
    tensor([[[[1.0000, 0.0000],
              [0.5000, 0.5000]]]])
    """
    _check(q, k, k)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else real("scale", scale, above=0)
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = scale * q.to(wide) @ _one_for_each(q, k).to(wide).transpose(-2, -1)
    if bias is not None:
        scores = scores + _fitting("bias", real_tensor("bias", bias), q, k)
    if mask is None:
        return scores.softmax(dim=-1).to(q.dtype)
    scores = scores.masked_fill(~_fitting("mask", _checked(mask), q, k), -math.inf)
    return scores.softmax(dim=-1).masked_fill(~mask.any(dim=-1, keepdim=True), 0).to(q.dtype)


def plain_attention(
    q: Queries, k: Keys, v: Values, *, mask: Mask | None = None, bias: Bias | None = None, scale: float | None = None
) -> Outputs:
    """Attend by the formula: each output is the mean of the values, weighted by `attention_weights`.

    Raises:
        TypeError, ValueError: as `attention_weights`, or if `v` does not have a row for each key.

    Source: Vaswani et al. (2017), arXiv:1706.03762, eq. 1.
    Oracle: torch.nn.functional.scaled_dot_product_attention.
    """
    _check(q, k, v)
    return attention_weights(q, k, mask=mask, bias=bias, scale=scale) @ _one_for_each(q, v)


def attention(
    q: Queries,
    k: Keys,
    v: Values,
    *,
    mask: Mask | None = None,
    bias: Bias | None = None,
    scale: float | None = None,
    causal: bool = False,
    dropout: float = 0.0,
) -> Outputs:
    """Attend by torch's fused kernel; with no dropout, equal to `plain_attention`.

    Args:
        causal: hide the future, as `causal_mask` does, where there is no other mask; the kernel
            then skips half of the work.
        dropout: the share of weights to drop; 0 outside of training.

    Raises:
        TypeError, ValueError: as `plain_attention`; or if `causal` comes with a mask or bias or fewer
            keys than queries, or `dropout` is not a share below 1.

    Numerics: the kernel rescales its sums as it meets larger scores, so no exp overflows.
    Source: Dao et al. (2022), arXiv:2205.14135.
    Oracle: `plain_attention`.
    """
    _check(q, k, v)
    real("dropout", dropout, at_least=0, below=1)
    scale = None if scale is None else real("scale", scale, above=0)
    if causal and (mask is not None or bias is not None):
        raise ValueError("causal must be False beside a mask or a bias: put causal_mask into it")
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    if causal and n_queries > n_keys:
        raise ValueError(f"k must hold a key for each of {n_queries} queries where causal, got {n_keys}")
    if causal and n_queries < n_keys:  # the kernel's own mask would hide the newest keys, not the future
        causal, mask = False, None if n_queries == 1 else causal_mask(n_queries, n_keys, device=q.device)
    mask_or_bias = None if mask is None else _fitting("mask", _checked(mask), q, k)
    if bias is not None:
        added = _fitting("bias", real_tensor("bias", bias), q, k)
        mask_or_bias = added if mask is None else added.masked_fill(~mask, -math.inf)
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask_or_bias, dropout_p=dropout, is_causal=causal, scale=scale, enable_gqa=grouped
    )


def causal_mask(
    n_queries: int, n_keys: int | None = None, *, device: torch.device | str = "cpu"
) -> Bool[Tensor, "queries keys"]:
    """Let each query see the keys up to its own place; the queries are the last of the keys.

    Args:
        n_keys: as many as queries where it is None; more where earlier keys are cached.

    Raises:
        TypeError, ValueError: if a number is not a whole number above 0, or keys are fewer than queries.

    >>> causal_mask(2, 3).int()
    tensor([[1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    n_queries = count("n_queries", n_queries)
    n_keys = n_queries if n_keys is None else count("n_keys", n_keys, at_least=n_queries)
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)


def window_mask(n_tokens: int, *, window: int, device: torch.device | str = "cpu") -> Bool[Tensor, "queries keys"]:
    """Let each token see itself and the `window` tokens on either side.

    With `causal_mask`, joined by `&`, those before it alone.

    Raises:
        TypeError, ValueError: if a number is not a whole number above 0; `window` may be 0.

    Source: Beltagy et al. (2020), arXiv:2004.05150, section 3.1.

    >>> window_mask(3, window=1).int()
    tensor([[1, 1, 0],
            [1, 1, 1],
            [0, 1, 1]], dtype=torch.int32)
    """
    place = torch.arange(count("n_tokens", n_tokens), device=device)
    return (place[:, None] - place).abs() <= count("window", window, at_least=0)


def padding_mask(present: Bool[Tensor, "batch keys"]) -> Bool[Tensor, "batch 1 1 keys"]:
    """Let every query see the keys that are there, and none that only fill up the row.

    Args:
        present: true for each token that is one, such as `ids != pad`.

    Raises:
        TypeError: if `present` is not a tensor of booleans.
        ValueError: if it does not have two axes.

    >>> padding_mask(torch.tensor([[5, 6, 0]]) != 0).shape
    torch.Size([1, 1, 1, 3])
    """
    if _checked(present, "present").ndim != 2:
        raise ValueError(f"present must have the axes batch and keys, got shape {tuple(present.shape)}")
    return present[:, None, None, :]


def document_mask(
    numbers: Int[Tensor, "batch tokens"], keys: Int[Tensor, "batch keys"] | None = None, *, causal: bool = False
) -> Bool[Tensor, "batch 1 tokens keys"]:
    """Let each token see its own document alone, where several are packed into a row.

    Args:
        numbers: the number of each token's document; `kit.text.packing.document_ids` counts them.
        keys: the same of the keys, where these are another text's, such as the source of a
            translation; `numbers` itself where it is None.
        causal: hide the future, too.

    Raises:
        TypeError: if `numbers` or `keys` is not a tensor of whole numbers.
        ValueError: if one does not have two axes, they differ in rows, or `causal` comes with `keys`.

    >>> document_mask(torch.tensor([[0, 0, 1]]))[0, 0].int()
    tensor([[1, 1, 0],
            [1, 1, 0],
            [0, 0, 1]], dtype=torch.int32)
    """
    if integer_tensor("numbers", numbers).ndim != 2:
        raise ValueError(f"numbers must have the axes batch and tokens, got shape {tuple(numbers.shape)}")
    if keys is None:
        keys = numbers
    elif causal:
        raise ValueError("causal must be False beside keys: another text has no future to hide")
    if integer_tensor("keys", keys).ndim != 2 or len(keys) != len(numbers):
        raise ValueError(f"keys must have the axes batch and keys, for {len(numbers)} rows, got {tuple(keys.shape)}")
    same = (numbers[:, :, None] == keys[:, None, :])[:, None]
    return same & causal_mask(numbers.shape[1], device=numbers.device) if causal else same


def padding_and_document_mask(
    ids: Int[Tensor, "batch tokens"],
    present: Bool[Tensor, "batch tokens"] | None = None,
    documents: Int[Tensor, "batch tokens"] | None = None,
    *,
    from_start: bool = True,
) -> Bool[Tensor, "batch 1 #tokens tokens"] | None:
    """Join `padding_mask` and `document_mask` for a text that sees itself; None where neither is asked for.

    Args:
        ids: the tokens; what stands in them is not looked at.
        from_start: refuse padding that is not at a row's end.

    Raises:
        TypeError: if `ids` is not a tensor, or `present` not one of booleans, or `documents` not one of whole numbers.
        ValueError: if one does not fit the tokens, `present` is true in other places than `from_start`
            allows, or a number of `documents` is negative.

    >>> ids = torch.tensor([[7, 8, 9, 0]])
    >>> padding_and_document_mask(ids, ids != 0, torch.tensor([[0, 0, 1, 1]]))[0, 0].int()
    tensor([[1, 1, 0, 0],
            [1, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 1, 0]], dtype=torch.int32)
    """
    instance("ids", ids, Tensor)
    mask = None
    if present is not None:
        mask = padding_mask(token_flags("present", present, ids, from_start=from_start))
    if documents is not None:
        apart = document_mask(token_numbers("documents", documents, ids, below=2**62))
        mask = apart if mask is None else mask & apart
    return mask


class KVCache:
    """The keys and values of one attention layer so far, so that each is computed once.

    Room for all tokens is taken at the first call, and no token is copied again.

    Args:
        n_tokens: the most that will ever be held.

    Raises:
        TypeError, ValueError: if `n_tokens` is not a whole number above 0.

    >>> cache = KVCache(8)
    >>> k, v = cache.append(torch.zeros(1, 2, 5, 4), torch.zeros(1, 2, 5, 4))
    >>> cache.append(torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4))[0].shape, len(cache)
    (torch.Size([1, 2, 6, 4]), 6)
    """

    def __init__(self, n_tokens: int):
        self.n_tokens, self._length = count("n_tokens", n_tokens), 0
        self._keys = self._values = torch.empty(0)
        self._fitting: tuple[Any, ...] = ()  # shapes and formats that were looked at once: no token needs it again

    def __len__(self) -> int:
        return self._length

    def append(
        self, k: Float[Tensor, "b h new d_head"], v: Float[Tensor, "b h new d_value"]
    ) -> tuple[Float[Tensor, "b h all d_head"], Float[Tensor, "b h all d_value"]]:
        """Add the keys and values of new tokens; return those of all tokens.

        Raises:
            TypeError: if either is not a tensor of real numbers.
            ValueError: if they do not fit each other, those before them, or the room that is left.
        """
        looks = tuple((getattr(new, "shape", None), getattr(new, "dtype", None)) for new in (k, v))
        if looks != self._fitting:
            _check_values(k, v)
            for name, new, held in (("k", k, self._keys), ("v", v, self._values)):
                if self._length and new.shape[:2] + new.shape[3:] != held.shape[:2] + held.shape[3:]:
                    raise ValueError(f"{name} must go with {tuple(held.shape)} in all but time, got {tuple(new.shape)}")
            self._fitting = looks
        end = self._length + k.shape[-2]
        if end > self.n_tokens:
            raise ValueError(f"k must fit a cache of {self.n_tokens} tokens, got number {end}")
        if not self._length:
            self._keys = k.new_empty(*k.shape[:2], self.n_tokens, k.shape[3])
            self._values = v.new_empty(*v.shape[:2], self.n_tokens, v.shape[3])
        self._keys[:, :, self._length : end] = k
        self._values[:, :, self._length : end] = v
        self._length = end
        return self._keys[:, :, :end], self._values[:, :, :end]

    @property
    def held(self) -> tuple[Float[Tensor, "b h all d_head"], Float[Tensor, "b h all d_value"]]:
        """Give the keys and values of all tokens so far."""
        return self._keys[:, :, : self._length], self._values[:, :, : self._length]

    def keep(self, n_tokens: int) -> None:
        """Forget all but the first `n_tokens`, such as guesses that turned out wrong.

        Raises:
            TypeError, ValueError: if `n_tokens` is not a whole number from 0 to those that are held.
        """
        if count("n_tokens", n_tokens, at_least=0) > self._length:
            raise ValueError(f"n_tokens must be <= {self._length}, the tokens that are held, got {n_tokens}")
        self._length = n_tokens


def _one_for_each(q: Tensor, shared: Tensor) -> Tensor:
    """Repeat shared heads, so that there is one for each head of the queries."""
    return shared.repeat_interleave(q.shape[1] // shared.shape[1], dim=1)


def _check(q: Tensor, k: Tensor, v: Tensor) -> None:
    _four_axes(q=q, k=k)
    if k.shape[1] == 0 or q.shape[1] % k.shape[1] or q.shape[-1] != k.shape[-1] or q.shape[0] != k.shape[0]:
        raise ValueError(
            f"k must have the batch and width of q, {tuple(q.shape)}, and heads that divide its, got {tuple(k.shape)}"
        )
    _check_values(k, v)


def _check_values(k: Tensor, v: Tensor) -> None:
    _four_axes(k=k, v=v)
    if v.shape[:3] != k.shape[:3]:
        raise ValueError(f"v must have a row for each key, {tuple(k.shape[:3])}, got {tuple(v.shape[:3])}")


def _four_axes(**tensors: Tensor) -> None:
    for name, value in tensors.items():
        if real_tensor(name, value).ndim != 4:
            raise ValueError(f"{name} must have the axes batch, heads, tokens and d_head, got {tuple(value.shape)}")


def _checked(mask: Tensor, name: str = "mask") -> Tensor:
    instance(name, mask, Tensor)
    if mask.dtype != torch.bool:
        raise TypeError(f"{name} must be of booleans, true where a query may look, got {mask.dtype}")
    return mask


def _fitting(name: str, value: Tensor, q: Tensor, k: Tensor) -> Tensor:
    """Refuse three axes above all: a batch of masks would be taken for one mask a head."""
    scores = (*q.shape[:3], k.shape[2])
    if value.ndim not in (2, 4) or any(
        n not in (1, size) for n, size in zip(value.shape, scores[-value.ndim :], strict=True)
    ):
        raise ValueError(f"{name} must fit the scores, {scores}, in its 2 or 4 axes, got {tuple(value.shape)}")
    return value
