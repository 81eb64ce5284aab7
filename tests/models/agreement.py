"""Measure how far the blocks of kit's models are from torch's own layers, in float64, forwards and backwards.

    python -m tests.models.agreement

prints one row for each block, and the largest difference of all. GPT's stand in
tests/blocks/agreement.py; whole models are compared in tests/models/hugging_face.py.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from kit.blocks.attention import causal_mask
from kit.blocks.positions import rotary_angles, sinusoidal
from kit.models import bert, encoder_decoder, llama, longformer, palm, t5, transformer_xl
from tests.blocks.agreement import Case, differences, normal, table
from tests.models.written_out import llama_block, longformer_attention, palm_block, transformer_xl_attention

D, HEADS, D_FF = 24, 4, 96
X, SOURCE = 2 * normal(3, 7, D), 2 * normal(3, 5, D)
PRESENT = torch.tensor([[True] * 7, [True] * 4 + [False] * 3, [True] + [False] * 6])
SOURCE_PRESENT = PRESENT[:, :5]
BIAS = normal(1, HEADS, 7, 7)


def drawn(block: Any) -> Any:
    """Give every weight of the block some chance, gains and shifts too."""
    block = block.double().eval()
    for parameter in block.parameters():
        parameter.data.copy_(parameter.ndim % 2 + normal(*parameter.shape) / 3)
        parameter.requires_grad_(False)
    return block


def torch_layer(make: Callable, ours: Any, *, activation: str, pre_norm: bool = False, bias: bool = True) -> Any:
    """Make torch's layer of the same weights; in training, as it takes shortcuts of its own in evaluation."""
    layer = make(
        D,
        HEADS,
        D_FF,
        dropout=0.0,
        activation=activation,
        batch_first=True,
        norm_first=pre_norm,
        bias=bias,
        dtype=torch.float64,
    )
    names = {
        "linear1": ours.feed_forward.up,
        "linear2": ours.feed_forward.down,
        **dict(zip(("norm1", "norm2", "norm3"), norms(ours), strict=False)),
    }
    for name, module in names.items():
        setattr(layer, name, module)
    for name in ("attention", "cross_attention"):
        if hasattr(ours, name):
            theirs = layer.self_attn if name == "attention" else layer.multihead_attn
            fill_attention(theirs, getattr(ours, name))
    return layer.requires_grad_(False)


def norms(ours: Any) -> list[nn.Module]:
    """List a block's norms in the order of its branches."""
    names = ("attention_norm", "cross_attention_norm", "feed_forward_norm")
    return [getattr(ours, name) for name in names if hasattr(ours, name)]


def fill_attention(theirs: nn.MultiheadAttention, ours: Any) -> None:
    """Copy projections; T5's queries times √d_head, which torch divides by and T5 does not."""
    qkv = ours.qkv if hasattr(ours, "qkv") else None
    weight = qkv.weight if qkv else torch.cat([ours.q.weight, ours.kv.weight])
    if isinstance(ours, t5.Attention):
        weight = torch.cat([(D // HEADS) ** 0.5 * weight[:D], weight[D:]])
    theirs.in_proj_weight.data.copy_(weight)
    theirs.out_proj.weight.data.copy_(ours.out.weight)
    if theirs.in_proj_bias is not None:  # the Transformer of 2017 has none here, and torch either all or none
        theirs.in_proj_bias.data.copy_(qkv.bias if qkv else torch.zeros(3 * D))
        theirs.out_proj.bias.data.copy_(ours.out.bias if qkv else torch.zeros(D))


def of_real_tokens(y: Tensor) -> Tensor:
    """Leave out what stands where there is no token: nobody reads it."""
    return y[PRESENT]


def bert_case() -> Case:
    ours = drawn(bert.Block(bert.BERTConfig(d_model=D, n_heads=HEADS, dropout=0.0)))
    theirs = torch_layer(nn.TransformerEncoderLayer, ours, activation="gelu")
    return Case(
        ours=lambda x: of_real_tokens(ours(x, PRESENT[:, None, None])),
        theirs=lambda x: of_real_tokens(theirs(x, src_key_padding_mask=~PRESENT)),
        inputs=(X,),
    )


def encoder_case() -> Case:
    config = encoder_decoder.EncoderDecoderConfig(d_model=D, n_heads=HEADS, d_ff=D_FF, dropout=0.0)
    ours = drawn(encoder_decoder.EncoderBlock(config))
    theirs = torch_layer(nn.TransformerEncoderLayer, ours, activation="relu")
    return Case(
        ours=lambda x: of_real_tokens(ours(x, PRESENT[:, None, None])),
        theirs=lambda x: of_real_tokens(theirs(x, src_key_padding_mask=~PRESENT)),
        inputs=(X,),
    )


def decoder_case() -> Case:
    config = encoder_decoder.EncoderDecoderConfig(d_model=D, n_heads=HEADS, d_ff=D_FF, dropout=0.0)
    ours = drawn(encoder_decoder.DecoderBlock(config))
    theirs = torch_layer(nn.TransformerDecoderLayer, ours, activation="relu")
    return Case(
        ours=lambda x, source: ours(x, ours.cross_attention.keys_and_values(source), SOURCE_PRESENT[:, None, None]),
        theirs=lambda x, source: theirs(x, source, tgt_mask=~causal_mask(7), memory_key_padding_mask=~SOURCE_PRESENT),
        inputs=(X, SOURCE),
    )


def t5_config() -> t5.T5Config:
    return t5.T5Config(d_model=D, n_heads=HEADS, d_head=D // HEADS, d_ff=D_FF, dropout=0.0)


def t5_encoder_case() -> Case:
    """With torch's layer given kit's RMSNorms for its own, and T5's bias as a mask to add."""
    ours = drawn(t5.EncoderBlock(t5_config()))
    theirs = torch_layer(nn.TransformerEncoderLayer, ours, activation="relu", pre_norm=True, bias=False)
    return Case(
        ours=lambda x, bias: ours(x, bias),
        theirs=lambda x, bias: theirs(x, src_mask=bias.expand(3, -1, -1, -1).flatten(0, 1)),
        inputs=(X, BIAS),
    )


def t5_decoder_case() -> Case:
    ours = drawn(t5.DecoderBlock(t5_config()))
    theirs = torch_layer(nn.TransformerDecoderLayer, ours, activation="relu", pre_norm=True, bias=False)
    future = torch.zeros(7, 7, dtype=torch.float64).masked_fill(~causal_mask(7), -torch.inf)
    return Case(
        ours=lambda x, bias, source: ours(
            x, bias + future, ours.cross_attention.keys_and_values(source), SOURCE_PRESENT[:, None, None]
        ),
        theirs=lambda x, bias, source: theirs(
            x,
            source,
            tgt_mask=(bias + future).expand(3, -1, -1, -1).flatten(0, 1),
            memory_key_padding_mask=torch.zeros(3, 5, dtype=torch.float64).masked_fill(~SOURCE_PRESENT, -torch.inf),
        ),
        inputs=(X, BIAS, SOURCE),
    )


def palm_case(*, serial: bool) -> Case:
    config = palm.PaLMConfig(d_model=D, n_heads=HEADS, d_head=6, serial=serial)
    ours = drawn((palm.SerialBlock if serial else palm.Block)(config))
    angles = rotary_angles(torch.arange(7), width=6)
    return Case(ours=lambda x: ours(x, angles), theirs=lambda x: palm_block(ours, x), inputs=(X,))


def llama_case() -> Case:
    ours = drawn(llama.Block(llama.LlamaConfig(d_model=D, n_heads=HEADS, n_kv_heads=2, d_ff=40)))
    angles = rotary_angles(torch.arange(7), width=D // HEADS)
    return Case(ours=lambda x: ours(x, angles), theirs=lambda x: llama_block(ours, x), inputs=(X,))


def transformer_xl_case() -> Case:
    """With the source for a memory, through which no gradient goes."""
    ours = drawn(transformer_xl.SelfAttention(transformer_xl.TransformerXLConfig(d_model=D, n_heads=HEADS, d_head=5)))
    waves = sinusoidal(torch.arange(11, -1, -1), width=D).double()

    def with_memory(x: Tensor) -> Tensor:
        memory = transformer_xl.Memory(5)
        memory.extend(SOURCE)
        return ours(x, waves, memory)

    def written_out(x: Tensor) -> Tensor:
        return transformer_xl_attention(ours, x, torch.cat([SOURCE, x], dim=1))

    return Case(ours=with_memory, theirs=written_out, inputs=(X,))


def longformer_case() -> Case:
    config = longformer.LongformerConfig(d_model=D, n_heads=HEADS, window=2, dropout=0.0)
    ours = drawn(longformer.SelfAttention(config))
    is_global = torch.arange(7) == torch.tensor([[0], [2], [7]])
    return Case(
        ours=lambda x: of_real_tokens(ours(x, PRESENT, is_global)),
        theirs=lambda x: of_real_tokens(longformer_attention(ours, x, PRESENT, is_global)),
        inputs=(X,),
    )


def wide_longformer_case() -> Case:
    ours = drawn(longformer.Block(longformer.LongformerConfig(d_model=D, n_heads=HEADS, window=7, dropout=0.0)))
    theirs = torch_layer(nn.TransformerEncoderLayer, ours, activation="gelu")
    return Case(
        ours=lambda x: of_real_tokens(ours(x, PRESENT)),
        theirs=lambda x: of_real_tokens(theirs(x, src_key_padding_mask=~PRESENT)),
        inputs=(X,),
    )


CASES = {
    "BERT's block: nn.TransformerEncoderLayer, padded": bert_case(),
    "EncoderDecoder's encoder: nn.TransformerEncoderLayer, padded": encoder_case(),
    "EncoderDecoder's decoder: nn.TransformerDecoderLayer, padded source": decoder_case(),
    "T5's encoder: nn.TransformerEncoderLayer with RMSNorm and a bias": t5_encoder_case(),
    "T5's decoder: nn.TransformerDecoderLayer with RMSNorm and a bias": t5_decoder_case(),
    "PaLM's block, parallel: written out": palm_case(serial=False),
    "PaLM's block, serial: written out": palm_case(serial=True),
    "Llama's block, grouped queries: written out": llama_case(),
    "Transformer-XL's attention and memory: each score by itself": transformer_xl_case(),
    "Longformer's attention, padded, global: all scores, masked": longformer_case(),
    "Longformer's block, window of all: nn.TransformerEncoderLayer, padded": wide_longformer_case(),
}


if __name__ == "__main__":
    print(table({name: differences(case) for name, case in CASES.items()}))
