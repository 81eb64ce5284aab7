"""Weights of Hugging Face transformers in kit's models: the same numbers under other names.

    load_gpt2(GPT(GPT2_CONFIGS["small"]), GPT2LMHeadModel.from_pretrained("gpt2").state_dict())

Each table says where a layer of kit's takes its weights from; # is the number of the block, and
two or three names beside each other are layers that kit stacks into one. Every weight must find its
place, and every place its weight.

Taught in: 20
"""

import re
from collections.abc import Mapping

import torch
from einops import rearrange
from torch import Tensor, nn

from kit.arguments import instance, one_of, several
from kit.models.bert import BERT
from kit.models.gpt import GPT, GPT2_CONFIGS
from kit.models.llama import Llama
from kit.models.longformer import Longformer
from kit.models.t5 import T5

GPT_BLOCK = {
    "blocks.#.attention_norm": "h.#.ln_1",
    "blocks.#.attention.qkv": "h.#.attn.c_attn",
    "blocks.#.attention.out": "h.#.attn.c_proj",
    "blocks.#.feed_forward_norm": "h.#.ln_2",
    "blocks.#.feed_forward.up": "h.#.mlp.c_fc",
    "blocks.#.feed_forward.down": "h.#.mlp.c_proj",
}
GPT1_LAYERS = {**GPT_BLOCK, "token_embedding": "tokens_embed", "position_embedding": "positions_embed"}
GPT2_LAYERS = {**GPT_BLOCK, "token_embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f"}
BERT_LAYERS = {
    "token_embedding": "embeddings.word_embeddings",
    "position_embedding": "embeddings.position_embeddings",
    "segment_embedding": "embeddings.token_type_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
    "blocks.#.attention.qkv": (
        "encoder.layer.#.attention.self.query encoder.layer.#.attention.self.key encoder.layer.#.attention.self.value"
    ),
    "blocks.#.attention.out": "encoder.layer.#.attention.output.dense",
    "blocks.#.attention_norm": "encoder.layer.#.attention.output.LayerNorm",
    "blocks.#.feed_forward.up": "encoder.layer.#.intermediate.dense",
    "blocks.#.feed_forward.down": "encoder.layer.#.output.dense",
    "blocks.#.feed_forward_norm": "encoder.layer.#.output.LayerNorm",
    "pooler": "pooler.dense",
    "head.transform": "cls.predictions.transform.dense",
    "head.norm": "cls.predictions.transform.LayerNorm",
    "head.tokens": "cls.predictions",  # its bias; its weight is the token embedding
}
LONGFORMER_LAYERS = {
    **BERT_LAYERS,
    "blocks.#.attention.global_q": "encoder.layer.#.attention.self.query_global",
    "blocks.#.attention.global_kv": (
        "encoder.layer.#.attention.self.key_global encoder.layer.#.attention.self.value_global"
    ),
    "head.transform": "lm_head.dense",
    "head.norm": "lm_head.layer_norm",
    "head.tokens": "lm_head",
}


def _t5_stack(stack: str, *, feed_forward: int) -> dict[str, str]:
    ours, theirs = f"{stack}_blocks.#", f"{stack}.block.#.layer"
    return {
        f"{stack}_bias": f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias",
        f"{ours}.attention_norm": f"{theirs}.0.layer_norm",
        f"{ours}.attention.q": f"{theirs}.0.SelfAttention.q",
        f"{ours}.attention.kv": f"{theirs}.0.SelfAttention.k {theirs}.0.SelfAttention.v",
        f"{ours}.attention.out": f"{theirs}.0.SelfAttention.o",
        f"{ours}.feed_forward_norm": f"{theirs}.{feed_forward}.layer_norm",
        f"{ours}.feed_forward.up": f"{theirs}.{feed_forward}.DenseReluDense.wi",
        f"{ours}.feed_forward.gate_up": (
            f"{theirs}.{feed_forward}.DenseReluDense.wi_0 {theirs}.{feed_forward}.DenseReluDense.wi_1"
        ),
        f"{ours}.feed_forward.down": f"{theirs}.{feed_forward}.DenseReluDense.wo",
    }


T5_LAYERS = {
    "token_embedding": "shared",
    "head": "lm_head",  # of version 1.1
    **_t5_stack("encoder", feed_forward=1),
    "encoder_norm": "encoder.final_layer_norm",
    **_t5_stack("decoder", feed_forward=2),
    "decoder_blocks.#.cross_attention_norm": "decoder.block.#.layer.1.layer_norm",
    "decoder_blocks.#.cross_attention.q": "decoder.block.#.layer.1.EncDecAttention.q",
    "decoder_blocks.#.cross_attention.kv": (
        "decoder.block.#.layer.1.EncDecAttention.k decoder.block.#.layer.1.EncDecAttention.v"
    ),
    "decoder_blocks.#.cross_attention.out": "decoder.block.#.layer.1.EncDecAttention.o",
    "final_norm": "decoder.final_layer_norm",
}
LLAMA_LAYERS = {
    "token_embedding": "embed_tokens",
    "blocks.#.attention_norm": "layers.#.input_layernorm",
    "blocks.#.attention.qkv": "layers.#.self_attn.q_proj layers.#.self_attn.k_proj layers.#.self_attn.v_proj",
    "blocks.#.attention.out": "layers.#.self_attn.o_proj",
    "blocks.#.feed_forward_norm": "layers.#.post_attention_layernorm",
    "blocks.#.feed_forward.gate_up": "layers.#.mlp.gate_proj layers.#.mlp.up_proj",
    "blocks.#.feed_forward.down": "layers.#.mlp.down_proj",
    "final_norm": "norm",
    "head": "lm_head",
}
HUB = {"gpt2": "small", "gpt2-medium": "medium", "gpt2-large": "large", "gpt2-xl": "XL"}


def load_gpt1(model: GPT, state: Mapping[str, Tensor]) -> None:
    """Fill `model` with the weights of an OpenAIGPTLMHeadModel.

    Raises:
        TypeError, ValueError: as `load_gpt2`.

    Oracle: its logits.
    """
    instance("model", model, GPT)
    _fill(model, state, GPT1_LAYERS, prefix="transformer.", twins={"lm_head.weight": "tokens_embed.weight"})


def load_gpt2(model: GPT, state: Mapping[str, Tensor]) -> None:
    """Fill `model` with the weights of a GPT2LMHeadModel.

    Args:
        state: what its `state_dict()` gives.

    Raises:
        TypeError: if `model` is another model, or `state` no dictionary.
        ValueError: if a weight is missing, left over, or of another shape; then nothing is filled.

    Oracle: its logits.
    """
    instance("model", model, GPT)
    _fill(model, state, GPT2_LAYERS, prefix="transformer.", twins={"lm_head.weight": "wte.weight"})


def load_bert(
    model: BERT, state: Mapping[str, Tensor], *, keep: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> None:
    """Fill `model` with the weights of a BertForMaskedLM, BertForPreTraining or BertModel.

    Args:
        state: what its `state_dict()` gives.
        keep: how the names of those weights of `model` begin that stay as they are: ("pooler",)
            for a BertForMaskedLM, which has none, ("head.",) for a BertModel.
        ignore: how the names of those weights of `state` begin that go nowhere:
            ("cls.seq_relationship",) for a BertForPreTraining.

    Raises:
        TypeError: if `model` is another model, `state` no dictionary, or `keep` or `ignore` no collection.
        ValueError: if a weight is missing, left over, or of another shape; then nothing is filled.

    Oracle: its logits, and its pooled state.
    """
    instance("model", model, BERT)
    twins = {
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    _fill(model, state, BERT_LAYERS, prefix="bert.", twins=twins, keep=keep, ignore=ignore)


def load_t5(model: T5, state: Mapping[str, Tensor]) -> None:
    """Fill `model` with the weights of a T5ForConditionalGeneration of its version, 1.0 or 1.1.

    Raises:
        TypeError: if `model` is another model, or `state` no dictionary.
        ValueError: if a weight is missing, left over, or of another shape; then nothing is filled.

    Oracle: its logits.
    """
    instance("model", model, T5)
    names = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", *["lm_head.weight"] * model.config.tied]
    _fill(model, state, T5_LAYERS, prefix="", twins=dict.fromkeys(names, "shared.weight"))


def load_llama(model: Llama, state: Mapping[str, Tensor]) -> None:
    """Fill `model` with the weights of a LlamaForCausalLM.

    Theirs turns the first half of a head's features against the second half; kit turns neighbours,
    as the paper does. The rows of queries and keys change places accordingly.

    Raises:
        TypeError: if `model` is another model, or `state` no dictionary.
        ValueError: if a weight is missing, left over, or of another shape; then nothing is filled.

    Oracle: its logits.
    """
    instance("model", model, Llama)
    instance("state", state, Mapping)
    d_head, paired = model.config.d_head, {}
    for name, weight in state.items():
        if name.endswith(("q_proj.weight", "k_proj.weight")) and len(weight) % d_head == 0:
            weight = rearrange(weight, "(h two half) d -> (h half two) d", two=2, half=d_head // 2)
        if not name.endswith("rotary_emb.inv_freq"):  # no weight; older versions list it
            paired[name] = weight
    twins = {"lm_head.weight": "embed_tokens.weight"} if model.config.tied else {}
    _fill(model, paired, LLAMA_LAYERS, prefix="model.", twins=twins)


def load_longformer(
    model: Longformer, state: Mapping[str, Tensor], *, keep: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> None:
    """Fill `model` with the weights of a LongformerForMaskedLM or LongformerModel.

    Theirs counts positions from 2, and adds the one segment that there is to every token. Here
    positions count from 0, and have the segment added once and for all.

    Args:
        state: what its `state_dict()` gives.
        keep: as for `load_bert`: ("pooler",) for a LongformerForMaskedLM, ("head.",) for a LongformerModel.
        ignore: as for `load_bert`.

    Raises:
        TypeError: if `model` is another model, `state` no dictionary, or `keep` or `ignore` no collection.
        ValueError: if a weight is missing, left over, or of another shape; then nothing is filled.

    Oracle: its logits, and its pooled state.
    """
    instance("model", model, Longformer)
    instance("state", state, Mapping)
    state = {name.removeprefix("longformer."): weight for name, weight in state.items()}
    table, segments = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"
    if table in state and len(state.get(segments, ())) == 1:
        state[table] = state[table][2:] + state.pop(segments)
    twins = {
        "lm_head.decoder.weight": "embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }
    _fill(model, state, LONGFORMER_LAYERS, prefix="", twins=twins, keep=keep, ignore=ignore)


def gpt2_from_hub(name: str = "gpt2") -> GPT:
    """Download a published GPT-2 and give it as kit's, in evaluation mode; "gpt2" is 0.5 GB.

    Args:
        name: gpt2, gpt2-medium, gpt2-large or gpt2-xl.

    Raises:
        ValueError: if `name` is another.
        ModuleNotFoundError: if there is no transformers.
        OSError: if there is no network, and no copy from an earlier time.
    """
    one_of("name", name, tuple(HUB))
    try:
        from transformers.models.gpt2 import (
            GPT2LMHeadModel,
        )  # by its own address: a type checker need not read them all
    except ModuleNotFoundError:
        raise ModuleNotFoundError("gpt2_from_hub needs transformers: pip install transformers") from None
    model = GPT(GPT2_CONFIGS[HUB[name]])
    load_gpt2(model, GPT2LMHeadModel.from_pretrained(name).state_dict())
    return model.eval()


@torch.no_grad()
def _fill(
    model: nn.Module,
    state: Mapping[str, Tensor],
    layers: dict[str, str],
    *,
    prefix: str,
    twins: dict[str, str],
    keep: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
) -> None:
    """Find for each parameter what fills it, look at everything, and only then write.

    Args:
        prefix: what the names of `state` may begin with.
        twins: names of `state` that must hold the same as others, as kit ties them.
    """
    instance("state", state, Mapping)
    several("keep", keep)
    several("ignore", ignore)
    theirs = {name.removeprefix(prefix): weight for name, weight in state.items()}
    unused = {name for name in theirs if not name.startswith(tuple(ignore))}
    found, missing = [], []
    for name, parameter in model.named_parameters():
        if name.startswith(tuple(keep)):
            continue
        layer, _, kind = name.rpartition(".")
        number = "".join(re.findall(r"\d+", layer))
        sources = [f"{source.replace('#', number)}.{kind}" for source in layers[re.sub(r"\d+", "#", layer)].split()]
        if not all(source in theirs for source in sources):
            missing += sources
            continue
        weight = torch.cat([theirs[source] for source in sources])
        if "c_" in sources[0] and weight.ndim == 2:  # GPT's layers are written as x @ W, kit's as x @ Wᵀ
            weight = weight.T
        if weight.shape != parameter.shape:
            raise ValueError(f"state must have {tuple(parameter.shape)} as {name}, got {tuple(weight.shape)}")
        found.append((parameter, weight))
        unused -= {*sources}
    for twin, name in twins.items():
        if twin in unused and name in theirs and torch.equal(theirs[twin], theirs[name]):
            unused.remove(twin)
    if missing:
        raise ValueError(f"state must fill the whole model, lacks {_some(missing)}")
    if unused:
        raise ValueError(f"state must go into the model, for which it has too much: {_some(sorted(unused))}")
    for parameter, weight in found:
        parameter.copy_(weight)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more
