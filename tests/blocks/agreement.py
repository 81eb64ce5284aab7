"""Measure how far kit's blocks are from torch and transformers, in float64, forwards and backwards.

    python -m tests.blocks.agreement

prints one row for each block, and the largest difference of all. The cases are also what the
tests beside this file are run on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.models.t5.modeling_t5 import T5Attention

from kit.blocks.attention import (
    attention,
    attention_weights,
    causal_mask,
    document_mask,
    padding_mask,
    plain_attention,
    window_mask,
)
from kit.blocks.feedforward import geglu, gelu, gelu_tanh, relu, swiglu
from kit.blocks.norms import BatchNorm, layer_norm, rms_norm
from kit.blocks.positions import relative_buckets, relative_shift, rotary_angles, rotate
from kit.models.gpt import Block, GPTConfig, PostNormBlock, SelfAttention

BAR = 1e-10
GENERATOR = torch.Generator().manual_seed(0)
BATCH, HEADS, TIME, D_HEAD = 2, 4, 7, 6
WIDTH = HEADS * D_HEAD


def normal(*shape: int) -> Tensor:
    """Draw a float64 tensor."""
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One block of kit's, the same of others, and what to call both with."""

    ours: Callable
    theirs: Callable
    inputs: tuple[Tensor, ...]


X, Y = 3 * normal(BATCH, TIME, WIDTH), 3 * normal(BATCH, TIME, WIDTH)
GAIN, SHIFT = normal(WIDTH), normal(WIDTH)
QKV = tuple(normal(BATCH, HEADS, TIME, D_HEAD) for _ in range(3))
GROUPED = (QKV[0], *(normal(BATCH, 2, TIME, D_HEAD) for _ in range(2)))
SHARED = (QKV[0], *(normal(BATCH, 1, TIME, D_HEAD) for _ in range(2)))
CROSS = (normal(BATCH, HEADS, 3, D_HEAD), *QKV[1:])
PRESENT = torch.tensor([[True] * TIME, [True] * 4 + [False] * 3])
MASKS = {
    "all": None,
    "causal": causal_mask(TIME),
    "window": window_mask(TIME, window=2),
    "causal window": causal_mask(TIME) & window_mask(TIME, window=2),
    "padding": padding_mask(PRESENT),
    "documents": causal_mask(TIME) & document_mask(torch.tensor([[0, 0, 0, 1, 1, 2, 2], [0] * TIME])),
}
BIAS = normal(1, HEADS, TIME, TIME)
ANGLES = rotary_angles(torch.arange(TIME), width=D_HEAD).double()


def torch_norm(module: Callable, x: Tensor, **parameters: Tensor) -> Tensor:
    return torch.func.functional_call(module, parameters, (x,))


def batch_norm_in(make: Callable, mode: str, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Call a batch norm that has seen other batches, in one of its modes."""
    norm = make(WIDTH, momentum=0.3).double()
    for k in range(3):
        norm(x.detach() * k + 1)
    return torch_norm(norm.train(mode == "training"), x, weight=gain, bias=shift)


def torch_attention(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, **options) -> Tensor:
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped, **options)


THEIR_HEADS = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=torch.float64)
with torch.no_grad():
    for parameter in THEIR_HEADS.parameters():
        parameter.copy_(normal(*parameter.shape) / WIDTH**0.5)


def our_heads(attend: Callable, x: Tensor, **options) -> Tensor:
    """Use the projections of torch's nn.MultiheadAttention, and attend by kit."""
    mixed = F.linear(x, THEIR_HEADS.in_proj_weight, THEIR_HEADS.in_proj_bias)
    q, k, v = rearrange(mixed, "b t (three h d) -> three b h t d", three=3, h=HEADS)
    return THEIR_HEADS.out_proj(rearrange(attend(q, k, v, **options), "b h t d -> b t (h d)"))


def our_weights(x: Tensor, **options) -> Tensor:
    mixed = F.linear(x, THEIR_HEADS.in_proj_weight, THEIR_HEADS.in_proj_bias)
    q, k, _ = rearrange(mixed, "b t (three h d) -> three b h t d", three=3, h=HEADS)
    return attention_weights(q, k, **options)


def their_heads(x: Tensor, *, part: int = 0, **masks: Tensor | None) -> Tensor:
    """Call torch's module, whose masks are true where a query may not look."""
    return THEIR_HEADS(x, x, x, need_weights=part == 1, average_attn_weights=False, **masks)[part]


THEIR_MASKS = {
    "all": {},
    "causal": {"attn_mask": ~causal_mask(TIME)},
    "window": {"attn_mask": ~window_mask(TIME, window=2)},
    "padding": {"key_padding_mask": ~PRESENT},
}


def gpt_attention() -> SelfAttention:
    """Copy torch's projections into GPT's attention."""
    ours = SelfAttention(GPT).double().eval()
    ours.qkv.weight.data, ours.qkv.bias.data = THEIR_HEADS.in_proj_weight.data, THEIR_HEADS.in_proj_bias.data
    ours.out.load_state_dict(THEIR_HEADS.out_proj.state_dict())
    return ours


GPT = GPTConfig(vocab_size=8, n_positions=TIME, n_layers=1, n_heads=HEADS, d_model=WIDTH, dropout=0.0)
LAYER_PARTS = {
    "self_attn.in_proj_": "attention.qkv.",
    "self_attn.out_proj.": "attention.out.",
    "linear1.": "feed_forward.up.",
    "linear2.": "feed_forward.down.",
    "norm1.": "attention_norm.",
    "norm2.": "feed_forward_norm.",
}


def block_case(make: Callable, *, norm_first: bool) -> Case:
    """Set a block of GPT beside torch's layer, with the same weights."""
    theirs = nn.TransformerEncoderLayer(
        WIDTH,
        HEADS,
        4 * WIDTH,
        dropout=0.0,
        activation=partial(F.gelu, approximate="tanh"),
        batch_first=True,
        norm_first=norm_first,
        dtype=torch.float64,
    ).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(normal(*parameter.shape) / WIDTH**0.5)
    ours = make(GPT).double().eval()
    renamed = {}
    for name, value in theirs.state_dict().items():
        part = next(part for part in LAYER_PARTS if name.startswith(part))
        renamed[name.replace(part, LAYER_PARTS[part])] = value
    ours.load_state_dict(renamed)
    return Case(ours=ours, theirs=partial(theirs, src_mask=~causal_mask(TIME)), inputs=(X,))


def complex_rotation(x: Tensor) -> Tensor:
    turned = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2)) * torch.polar(torch.ones_like(ANGLES), ANGLES)
    return torch.view_as_real(turned).flatten(-2)


def llama_rotation(x: Tensor) -> Tensor:
    """Turn by Llama's code, whose pairs are the two halves: reorder, turn, and reorder back."""
    angles = torch.cat([ANGLES, ANGLES], dim=-1)[None]
    halves = torch.cat([x[..., 0::2], x[..., 1::2]], dim=-1)
    turned, _ = apply_rotary_pos_emb(halves, halves, angles.cos(), angles.sin())
    return torch.stack(turned.chunk(2, dim=-1), dim=-1).flatten(-2)


def gathered(scores: Tensor) -> Tensor:
    """Look up the score of each key's distance, one by one."""
    *_, n_queries, n_keys = scores.shape
    distance = torch.arange(n_queries)[:, None] + n_keys - n_queries - torch.arange(n_keys)
    column = (n_keys - 1 - distance).clamp(max=n_keys - 1)
    return scores.gather(-1, column.expand(scores.shape)) * causal_mask(n_queries, n_keys)


DISTANCES = torch.arange(-300, 301)


def buckets_case(bidirectional: bool) -> Case:
    return Case(
        ours=partial(relative_buckets, DISTANCES, bidirectional=bidirectional),
        theirs=partial(T5Attention._relative_position_bucket, DISTANCES, bidirectional=bidirectional),
        inputs=(),
    )


CASES: dict[str, Case] = {
    "layer_norm: nn.LayerNorm": Case(
        ours=layer_norm,
        theirs=lambda x, gain, shift: torch_norm(nn.LayerNorm(WIDTH), x, weight=gain, bias=shift),
        inputs=(X, GAIN, SHIFT),
    ),
    **{
        f"BatchNorm, {mode}: nn.BatchNorm1d": Case(
            ours=partial(batch_norm_in, BatchNorm, mode),
            theirs=partial(batch_norm_in, nn.BatchNorm1d, mode),
            inputs=(X.flatten(0, -2), GAIN, SHIFT),
        )
        for mode in ("training", "evaluation")
    },
    "rms_norm: nn.RMSNorm": Case(
        ours=rms_norm,
        theirs=lambda x, gain: torch_norm(nn.RMSNorm(WIDTH, eps=1e-6), x, weight=gain),
        inputs=(X, GAIN),
    ),
    "relu: F.relu": Case(ours=relu, theirs=F.relu, inputs=(X,)),
    "gelu: F.gelu": Case(ours=gelu, theirs=F.gelu, inputs=(X,)),
    "gelu_tanh: F.gelu, tanh": Case(ours=gelu_tanh, theirs=partial(F.gelu, approximate="tanh"), inputs=(X,)),
    "swiglu: F.silu": Case(ours=swiglu, theirs=lambda gate, up: F.silu(gate) * up, inputs=(X, Y)),
    "geglu: F.gelu": Case(ours=geglu, theirs=lambda gate, up: F.gelu(gate) * up, inputs=(X, Y)),
    **{
        f"{function.__name__}, {name}: F.scaled_dot_product_attention": Case(
            ours=partial(function, mask=mask), theirs=partial(torch_attention, mask=mask), inputs=QKV
        )
        for function in (plain_attention, attention)
        for name, mask in MASKS.items()
    },
    "attention, causal=True: F.scaled_dot_product_attention": Case(
        ours=partial(attention, causal=True), theirs=partial(torch_attention, mask=MASKS["causal"]), inputs=QKV
    ),
    **{
        f"{function.__name__}, {name}: F.scaled_dot_product_attention": Case(
            ours=function, theirs=torch_attention, inputs=inputs
        )
        for function in (plain_attention, attention)
        for name, inputs in (("grouped heads", GROUPED), ("one head shared", SHARED), ("3 queries", CROSS))
    },
    **{
        f"{function.__name__}, bias, scale: F.scaled_dot_product_attention": Case(
            ours=lambda q, k, v, bias, f=function: f(q, k, v, bias=bias, scale=0.7),
            theirs=lambda q, k, v, bias: torch_attention(q, k, v, mask=bias, scale=0.7),
            inputs=(*QKV, BIAS),
        )
        for function in (plain_attention, attention)
    },
    **{
        f"{function.__name__}, {name}: nn.MultiheadAttention": Case(
            ours=partial(our_heads, function, mask=MASKS[name]), theirs=partial(their_heads, **masks), inputs=(X,)
        )
        for function in (plain_attention, attention)
        for name, masks in THEIR_MASKS.items()
    },
    **{
        f"attention_weights, {name}: nn.MultiheadAttention": Case(
            ours=partial(our_weights, mask=MASKS[name]), theirs=partial(their_heads, part=1, **masks), inputs=(X,)
        )
        for name, masks in THEIR_MASKS.items()
    },
    "GPT's SelfAttention: nn.MultiheadAttention": Case(
        ours=gpt_attention(), theirs=partial(their_heads, **THEIR_MASKS["causal"]), inputs=(X,)
    ),
    "GPT's Block: nn.TransformerEncoderLayer, norm first": block_case(Block, norm_first=True),
    "GPT's PostNormBlock: nn.TransformerEncoderLayer": block_case(PostNormBlock, norm_first=False),
    "rotate: multiplication of complex numbers": Case(
        ours=partial(rotate, angles=ANGLES), theirs=complex_rotation, inputs=(QKV[0],)
    ),
    "rotate, pairs reordered: Llama of transformers": Case(
        ours=partial(rotate, angles=ANGLES), theirs=llama_rotation, inputs=(QKV[0],)
    ),
    "relative_buckets, both ways: T5 of transformers": buckets_case(True),
    "relative_buckets, backwards: T5 of transformers": buckets_case(False),
    "relative_shift, past: gathering one by one": Case(
        ours=lambda scores: relative_shift(scores) * causal_mask(5, TIME), theirs=gathered, inputs=(normal(2, 3, 5, 7),)
    ),
}


def differences(case: Case) -> tuple[float, float]:
    """Find the largest difference of any output, and of any gradient of a random sum of the outputs."""
    results = []
    for function in (case.ours, case.theirs):
        inputs = [x.clone().requires_grad_() for x in case.inputs]
        results.append((function(*inputs), inputs))
    (ours, our_inputs), (theirs, their_inputs) = results
    assert ours.shape == theirs.shape
    forwards = (ours - theirs).abs().max().item()
    if not case.inputs:
        return forwards, 0.0
    direction = normal(*ours.shape)
    ours_back = torch.autograd.grad((ours * direction).sum(), our_inputs)
    theirs_back = torch.autograd.grad((theirs * direction).sum(), their_inputs)
    apart = [(a - b).abs().max() for a, b in zip(ours_back, theirs_back, strict=True)]
    return forwards, torch.stack(apart).max().item()  # NaN, if there is one


def table(rows: dict[str, tuple[float, float]]) -> str:
    """Lay the differences out, the largest of all in the last row."""
    lines = [f"{'kit: judge, float64':70}{'forwards':>12}{'backwards':>12}"]
    lines += [f"{name:70}{forwards:12.1e}{backwards:12.1e}" for name, (forwards, backwards) in rows.items()]
    worst = torch.tensor(list(rows.values()), dtype=torch.float64).max().item()  # NaN, if there is one
    verdict = "within" if worst <= BAR else "BEYOND"
    return "\n".join([*lines, f"{f'largest of {len(rows)} blocks, {verdict} the bar of {BAR:.0e}':70}{worst:24.1e}"])


if __name__ == "__main__":
    print(table({name: differences(case) for name, case in CASES.items()}))
