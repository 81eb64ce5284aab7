"""The exercises of notebook 18: a GPT piece by piece, and the whole of it against the kit's, logit by logit.

Taught in: 18
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kit.check.exercise import Exercise, Mistake
from kit.check.gpt_steps import cached_step, normal, top_p, training_step
from kit.models.gpt import GPT, Block, GPTConfig, SelfAttention

Weights = dict[str, Tensor]


def _drawn(like: Weights, seed: int) -> Weights:
    """Draw every weight anew, biases and gains too, so that none can be forgotten unseen."""
    return {name: 0.4 * normal(*w.shape, seed=seed + i) for i, (name, w) in enumerate(like.items())}


def _tied(weights: Weights) -> Weights:
    return weights | ({"head.weight": weights["token_embedding.weight"]} if "head.weight" in weights else {})


def _config(**sizes: Any) -> GPTConfig:
    return GPTConfig(**{"vocab_size": 11, "n_positions": 9, "n_layers": 2, "dropout": 0.0} | sizes)


# Heads split -----------------------------------------------------------------------------------------


def _split(x: Tensor, n_heads: int) -> Tensor:
    return x.view(len(x), n_heads, -1).transpose(0, 1)


split_heads = Exercise(
    notebook="18",
    name="heads split",
    solution=_split,
    cases=((normal(3, 8), 2), (normal(5, 6, seed=1), 3)),
    mistakes=(
        Mistake(
            hint="A head holds numbers of several tokens: you cut the rows as they lie in memory. Split the features "
            "first, (time, heads, d_head), and then turn the first two axes.",
            answer=lambda x, n_heads: x.reshape(n_heads, len(x), -1),
        ),
        Mistake(
            hint="Your heads stand in the second axis. Each head is a table of its own: turn it to the front.",
            answer=lambda x, n_heads: x.view(len(x), n_heads, -1),
        ),
        Mistake(
            hint="Each head got every n-th feature. A head is a run of neighbours: the first has 0 to d_head - 1.",
            answer=lambda x, n_heads: x.view(len(x), -1, n_heads).permute(2, 0, 1),
        ),
        Mistake(
            hint="Each head stands on its side: its rows should be tokens, and its columns features.",
            answer=lambda x, n_heads: _split(x, n_heads).transpose(1, 2),
        ),
        Mistake(
            hint="You took n_heads for the width of a head. There are n_heads heads, of d_model / n_heads each.",
            answer=lambda x, n_heads: x.view(len(x), -1, n_heads).transpose(0, 1),
        ),
    ),
)


# Causal self-attention -------------------------------------------------------------------------------


def _attend(
    x: Tensor,
    w_qkv: Tensor,
    b_qkv: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    n_heads: int,
    *,
    order: tuple[int, int, int] = (0, 1, 2),
    scale: float | None = None,
    mask: bool = True,
    split: Callable[[Tensor, int], Tensor] = _split,
    join: Callable[[Tensor], Tensor] = lambda y: y.transpose(0, 1).flatten(1),
) -> Tensor:
    """Attend as learners do, right or wrong, from x to the output projection."""
    parts = (x @ w_qkv.T + b_qkv).chunk(3, dim=-1)
    q, k, v = (split(parts[i], n_heads) for i in order)
    scores = q @ k.transpose(1, 2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if mask:
        scores = scores.masked_fill(torch.ones_like(scores).triu(1) > 0, -math.inf)
    return join(scores.softmax(dim=-1) @ v) @ w_out.T + b_out


def _kits_attention(x: Tensor, w_qkv: Tensor, b_qkv: Tensor, w_out: Tensor, b_out: Tensor, n_heads: int) -> Tensor:
    layer = SelfAttention(_config(n_heads=n_heads, d_model=x.shape[-1])).double().eval()
    layer.load_state_dict({"qkv.weight": w_qkv, "qkv.bias": b_qkv, "out.weight": w_out, "out.bias": b_out})
    return layer(x[None])[0].detach()


def _layer(time: int, width: int, seed: int) -> tuple[Tensor, ...]:
    shapes = ((time, width), (3 * width, width), (3 * width,), (width, width), (width,))
    return tuple(0.7 * normal(*shape, seed=seed + i) for i, shape in enumerate(shapes))


self_attention = Exercise(
    notebook="18",
    name="causal self-attention, whole",
    solution=_kits_attention,
    cases=((*_layer(4, 6, seed=0), 2), (*_layer(5, 4, seed=10), 1), (*_layer(3, 8, seed=20), 4)),
    mistakes=(
        Mistake(
            hint="The future is not hidden: fill the scores above the diagonal with -inf.",
            answer=partial(_attend, mask=False),
        ),
        Mistake(
            hint="The scores are not scaled: divide them by √d_head.",
            answer=partial(_attend, scale=1.0),
        ),
        Mistake(
            hint="You divided by √d_model. A score is a sum of d_head products: divide by √d_head.",
            answer=lambda x, *rest: _attend(x, *rest, scale=x.shape[-1] ** -0.5),
        ),
        Mistake(
            hint="The heads are not joined token by token. Turn heads and time back before you flatten.",
            answer=partial(_attend, join=lambda y: y.reshape(y.shape[1], -1)),
        ),
        Mistake(
            hint="The heads are not split token by token: split the features, then turn the axes, as in exercise 1.",
            answer=partial(_attend, split=lambda x, n_heads: x.reshape(n_heads, len(x), -1)),
        ),
        Mistake(
            hint="All heads have become one. Split q, k and v before the scores: each head has its own softmax.",
            answer=lambda x, w_qkv, b_qkv, w_out, b_out, n_heads: _attend(x, w_qkv, b_qkv, w_out, b_out, 1),
        ),
        Mistake(
            hint="The output projection is missing: what the heads found is joined, and then goes through w_out.",
            answer=lambda x, w_qkv, b_qkv, w_out, b_out, n_heads: _attend(
                x, w_qkv, b_qkv, torch.eye(len(w_out), dtype=x.dtype), 0 * b_out, n_heads
            ),
        ),
        Mistake(
            hint="The biases are missing: add b_qkv and b_out.",
            answer=lambda x, w_qkv, b_qkv, w_out, b_out, n_heads: _attend(
                x, w_qkv, 0 * b_qkv, w_out, 0 * b_out, n_heads
            ),
        ),
        Mistake(
            hint="w_out is the wrong way round. A linear layer keeps it as (out, in): multiply by w_out.T.",
            answer=lambda x, w_qkv, b_qkv, w_out, b_out, n_heads: _attend(x, w_qkv, b_qkv, w_out.T, b_out, n_heads),
        ),
        Mistake(
            hint="q and k have changed places. The three stand in the order q, k, v.",
            answer=partial(_attend, order=(1, 0, 2)),
        ),
    ),
)


# The block -------------------------------------------------------------------------------------------


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def _gelu(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def _run_block(
    x: Tensor,
    weights: Weights,
    n_heads: int,
    *,
    norms: tuple[str, str] = ("attention_norm", "feed_forward_norm"),
    bend: Callable[[Tensor], Tensor] = _gelu,
    residual: bool = True,
    post: bool = False,
    reads: str = "new",
) -> Tensor:
    """Run a block as learners do; an empty name leaves a norm out."""

    def norm(y: Tensor, i: int) -> Tensor:
        return _norm(y, weights, norms[i]) if norms[i] else y

    def attention(y: Tensor) -> Tensor:
        (w_qkv, b_qkv), (w_out, b_out) = (
            (weights[f"attention.{name}.weight"], weights[f"attention.{name}.bias"]) for name in ("qkv", "out")
        )
        return _attend(y, w_qkv, b_qkv, w_out, b_out, n_heads)

    def feed_forward(y: Tensor) -> Tensor:
        up = y @ weights["feed_forward.up.weight"].T + weights["feed_forward.up.bias"]
        return bend(up) @ weights["feed_forward.down.weight"].T + weights["feed_forward.down.bias"]

    if post:
        x = norm(x + attention(x), 0)
        return norm(x + feed_forward(x), 1)
    if not residual:
        return feed_forward(norm(attention(norm(x, 0)), 1))
    y = x + attention(norm(x, 0))
    return y + feed_forward(norm(x if reads == "old" else y, 1))


def _kits_block(x: Tensor, weights: Weights, n_heads: int) -> Tensor:
    module = Block(_config(n_heads=n_heads, d_model=x.shape[-1])).double().eval()
    module.load_state_dict(weights)
    return module(x[None])[0].detach()


def _block_case(time: int, width: int, n_heads: int, seed: int) -> tuple[Tensor, Weights, int]:
    weights = Block(_config(n_heads=n_heads, d_model=width)).state_dict()
    return 2 * normal(time, width, seed=seed), _drawn(weights, seed), n_heads


run_block = Exercise(
    notebook="18",
    name="a block, whole",
    solution=_kits_block,
    cases=(_block_case(4, 6, 2, seed=0), _block_case(3, 8, 4, seed=50)),
    mistakes=(
        Mistake(
            hint="Your feed-forward layer reads the x of before attention. It reads the sum: x + attention.",
            answer=partial(_run_block, reads="old"),
        ),
        Mistake(
            hint="The residual sums are missing: each branch adds to x, and replaces nothing.",
            answer=partial(_run_block, residual=False),
        ),
        Mistake(
            hint="That is post-norm. GPT-2 normalises what a branch reads, and leaves the sum alone.",
            answer=partial(_run_block, post=True),
        ),
        Mistake(
            hint="Both branches read x as it is. Each reads a normalised copy.",
            answer=partial(_run_block, norms=("", "")),
        ),
        Mistake(
            hint="The feed-forward branch reads x as it is. It has a norm of its own.",
            answer=partial(_run_block, norms=("attention_norm", "")),
        ),
        Mistake(
            hint="You used one norm twice. The second branch has its own gain and shift: feed_forward_norm.",
            answer=partial(_run_block, norms=("attention_norm", "attention_norm")),
        ),
        Mistake(
            hint="That is GELU by the error function. GPT-2 took the tanh formula: approximate='tanh'.",
            answer=partial(_run_block, bend=F.gelu),
        ),
        Mistake(
            hint="That is a ReLU. GPT bends by GELU, with approximate='tanh'.",
            answer=partial(_run_block, bend=F.relu),
        ),
        Mistake(
            hint="The bend between up and down is missing: without it the two matrices are one.",
            answer=partial(_run_block, bend=lambda y: y),
        ),
    ),
)


# The whole GPT ---------------------------------------------------------------------------------------


def _n_layers(weights: Weights) -> int:
    return len({name.split(".")[1] for name in weights if name.startswith("blocks.")})


def _logits(
    ids: Tensor,
    weights: Weights,
    n_heads: int,
    *,
    first: int | None = 0,
    layers: Callable[[list[int]], list[int]] = lambda layers: layers,
    final_norm: bool = True,
) -> Tensor:
    """Run a GPT as learners do: positions from `first`, or none at all; the layers in an order of theirs."""
    x = weights["token_embedding.weight"][ids]
    if first is not None:
        x = x + weights["position_embedding.weight"][first : first + len(ids)]
    for i in layers([*range(_n_layers(weights))]):
        start = f"blocks.{i}."
        x = _run_block(
            x, {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}, n_heads
        )
    return (_norm(x, weights, "final_norm") if final_norm else x) @ weights["head.weight"].T


def _kits_logits(ids: Tensor, weights: Weights, n_heads: int) -> Tensor:
    vocab_size, d_model = weights["token_embedding.weight"].shape
    sizes = {"n_positions": len(weights["position_embedding.weight"]), "n_layers": _n_layers(weights)}
    model = (
        GPT(_config(vocab_size=vocab_size, d_model=d_model, n_heads=n_heads, **sizes)).to(weights["head.weight"]).eval()
    )
    model.load_state_dict(weights)
    return model(ids[None])[0].detach()


def _gpt_case(ids: list[int], seed: int, n_heads: int, **sizes: int) -> tuple[Tensor, Weights, int]:
    weights = GPT(_config(n_heads=n_heads, **sizes)).state_dict()
    return torch.tensor(ids), _tied(_drawn(weights, seed)), n_heads


your_gpt = Exercise(
    notebook="18",
    name="your GPT against the kit's",
    solution=_kits_logits,
    cases=(_gpt_case([5, 0, 3, 3], 0, 2, d_model=6), _gpt_case([7, 1, 10], 100, 4, d_model=8, n_layers=3)),
    mistakes=(
        Mistake(
            hint="The positions are missing: add the first rows of position_embedding.weight, one a token.",
            answer=partial(_logits, first=None),
        ),
        Mistake(
            hint="Your positions begin at 1. The first token takes row 0.",
            answer=partial(_logits, first=1),
        ),
        Mistake(
            hint="The final norm is missing: it stands between the last block and the head.",
            answer=partial(_logits, final_norm=False),
        ),
        Mistake(
            hint="Only one block ran. Count those in the names: blocks.0, blocks.1 and so on.",
            answer=partial(_logits, layers=lambda layers: layers[:1]),
        ),
        Mistake(
            hint="The same block ran each time. Take the weights of block i in round i.",
            answer=partial(_logits, layers=lambda layers: [0 for _ in layers]),
        ),
        Mistake(
            hint="Your blocks run from the last to the first.",
            answer=partial(_logits, layers=lambda layers: layers[::-1]),
        ),
        Mistake(
            hint="Those are chances. The model gives logits; softmax is the sampler's affair.",
            answer=lambda *case: _logits(*case).softmax(dim=-1),
        ),
        Mistake(
            hint="That is the last token's row. Return logits for every token: training needs them all.",
            answer=lambda *case: _logits(*case)[-1],
        ),
    ),
)

EXERCISES = (split_heads, self_attention, run_block, training_step, top_p, cached_step, your_gpt)
