"""Measure how far kit's models are from those of Hugging Face transformers that have the same weights.

    python -m tests.models.hugging_face

Small models of random weights, so nothing is downloaded: their logits, and the largest difference
of any, relative to the largest logit.
"""

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.t5.modeling_t5 import T5LayerNorm

from kit.blocks.positions import rotary_angles
from kit.models.bert import BERT, BERTConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.hugging_face import load_bert, load_gpt1, load_gpt2, load_llama, load_longformer, load_t5
from kit.models.llama import Llama, LlamaConfig
from kit.models.longformer import Longformer, LongformerConfig
from kit.models.t5 import T5, T5Config

BARS = {torch.float32: 1e-4, torch.float64: 1e-10}
SIZES = {"vocab_size": 97, "n_positions": 50, "n_layers": 3, "n_heads": 3, "d_model": 24}
GPT_SIZES = {"vocab_size": 97, "n_positions": 50, "n_layer": 3, "n_head": 3, "n_embd": 24}
SPECIAL = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
IDS = torch.randint(97, (3, 40), generator=torch.Generator().manual_seed(0))
PRESENT = torch.arange(40) < torch.tensor([40, 25, 1])[:, None]
SEGMENTS = (torch.arange(40) >= torch.tensor([20, 9, 1])[:, None]).long()
GLOBAL = (torch.arange(40) % 17 == 0) & (torch.arange(3) < 2)[:, None] & PRESENT
TARGET = torch.randint(97, (3, 30), generator=torch.Generator().manual_seed(1))
LONG_SOURCE = torch.randint(97, (3, 200), generator=torch.Generator().manual_seed(2))  # beyond T5's last bucket


def random(model: Any, dtype: torch.dtype) -> Any:
    """Give every weight some chance, biases and norms too, so that each matters to the logits."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.to(dtype).eval()


def gpt1_pair(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    theirs = random(transformers.OpenAIGPTLMHeadModel(transformers.OpenAIGPTConfig(**GPT_SIZES)), dtype)
    ours = GPT(GPTConfig(**SIZES, post_norm=True)).to(dtype).eval()
    load_gpt1(ours, theirs.state_dict())
    return ours(IDS), theirs(IDS).logits


def gpt2_pair(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    theirs = random(transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT_SIZES, **SPECIAL)), dtype)
    ours = GPT(GPTConfig(**SIZES)).to(dtype).eval()
    load_gpt2(ours, theirs.state_dict())
    return ours(IDS), theirs(IDS).logits


def their_bert(make: Callable, dtype: torch.dtype) -> Any:
    config = transformers.BertConfig(
        vocab_size=97,
        max_position_embeddings=50,
        num_hidden_layers=3,
        num_attention_heads=3,
        hidden_size=24,
        intermediate_size=96,
    )
    return random(make(config), dtype)


def bert_pair(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    theirs = their_bert(transformers.BertForMaskedLM, dtype)
    ours = BERT(BERTConfig(**SIZES)).to(dtype).eval()
    load_bert(ours, theirs.state_dict(), keep=("pooler",))
    logits = theirs(IDS, attention_mask=PRESENT.long(), token_type_ids=SEGMENTS).logits
    return ours(IDS, SEGMENTS, PRESENT)[PRESENT], logits[PRESENT]


def bert_pooler_pair(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    theirs = their_bert(transformers.BertModel, dtype)
    ours = BERT(BERTConfig(**SIZES)).to(dtype).eval()
    load_bert(ours, theirs.state_dict(), keep=("head.",))
    pooled = theirs(IDS, attention_mask=PRESENT.long(), token_type_ids=SEGMENTS).pooler_output
    return ours.pool(ours.encode(IDS, SEGMENTS, PRESENT)), pooled


def with_torchs_norms(model: Any, dtype: torch.dtype) -> None:
    """Put torch's norm in the place of theirs, which takes its mean in float32 whatever else it computes in."""
    for layer in list(model.modules()):
        for name, norm in layer.named_children():
            if isinstance(norm, T5LayerNorm | LlamaRMSNorm):
                setattr(layer, name, nn.RMSNorm(24, eps=norm.variance_epsilon, dtype=dtype))
                getattr(layer, name).load_state_dict(norm.state_dict())


def t5_pair(dtype: torch.dtype, *, gated: bool = False) -> tuple[Tensor, Tensor]:
    """Give the logits of both: of version 1.0, or with a gate of 1.1, whose head is its own, and a deeper decoder."""
    newer = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "num_decoder_layers": 4}
    config = transformers.T5Config(
        vocab_size=97,
        d_model=24,
        d_kv=5,
        d_ff=40,
        num_layers=3,
        num_heads=3,
        decoder_start_token_id=0,
        **(newer if gated else {}),
    )
    theirs = transformers.T5ForConditionalGeneration(config)
    if gated:  # transformers 5 ties it nonetheless, until weights are loaded
        theirs.lm_head.weight = nn.Parameter(torch.randn(97, 24))
    theirs = random(theirs, dtype)
    depth = 4 if gated else None
    sizes = T5Config(
        vocab_size=97,
        n_layers=3,
        n_decoder_layers=depth,
        n_heads=3,
        d_model=24,
        d_head=5,
        d_ff=40,
        gated=gated,
        tied=not gated,
    )
    ours = T5(sizes).to(dtype).eval()
    load_t5(ours, theirs.state_dict())
    if dtype == torch.float64:
        with_torchs_norms(theirs, dtype)
    present = torch.arange(200) < torch.tensor([200, 120, 1])[:, None]
    logits = theirs(input_ids=LONG_SOURCE, attention_mask=present.long(), decoder_input_ids=TARGET).logits
    return ours(LONG_SOURCE, TARGET, present), logits


def llama_pair(dtype: torch.dtype, *, tied: bool = False, n_kv_heads: int = 2) -> tuple[Tensor, Tensor]:
    """Give the logits of both; their angles are rounded one operation later, so they take kit's."""
    config = transformers.LlamaConfig(
        vocab_size=97,
        max_position_embeddings=50,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=n_kv_heads,
        hidden_size=24,
        intermediate_size=40,
        tie_word_embeddings=tied,
        rms_norm_eps=1e-5,
        rope_theta=500.0,
    )
    theirs = random(transformers.LlamaForCausalLM(config), dtype)
    sizes = LlamaConfig(
        vocab_size=97,
        n_positions=50,
        n_layers=3,
        n_heads=4,
        n_kv_heads=n_kv_heads,
        d_model=24,
        d_ff=40,
        base=500.0,
        tied=tied,
    )
    ours = Llama(sizes).to(dtype).eval()
    load_llama(ours, theirs.state_dict())
    if dtype == torch.float64:
        with_torchs_norms(theirs, dtype)
        theirs.model.rotary_emb.inv_freq = rotary_angles(torch.tensor([1]), width=6, base=500.0)[0]
    return ours(IDS), theirs(IDS).logits


def longformer_pair(make: Callable, dtype: torch.dtype, keep: str) -> tuple[Longformer, Any, dict[str, Tensor]]:
    """Give kit's model, the outputs of theirs, and the inputs of both: rows of unequal length, two with global tokens.

    Theirs takes its softmax in float32 whatever else it computes in; in float64 it may not.
    """
    config = transformers.LongformerConfig(
        vocab_size=97,
        max_position_embeddings=50 + 2,
        type_vocab_size=1,
        num_hidden_layers=3,
        num_attention_heads=3,
        hidden_size=24,
        intermediate_size=96,
        attention_window=10,
        layer_norm_eps=1e-5,
        pad_token_id=1,
    )
    theirs = random(make(config), dtype)
    ours = Longformer(LongformerConfig(**SIZES, window=5)).to(dtype).eval()
    load_longformer(ours, theirs.state_dict(), keep=(keep,))
    ids = torch.where(PRESENT, 2 + IDS % 95, 1)  # theirs takes token 1 for padding, wherever it stands
    softmax = (lambda x, dim, dtype: x.softmax(dim)) if dtype == torch.float64 else F.softmax
    with patch.object(F, "softmax", softmax):
        outputs = theirs(ids, attention_mask=PRESENT.long(), global_attention_mask=GLOBAL.long())
    return ours, outputs, {"ids": ids, "present": PRESENT, "is_global": GLOBAL}


def longformer_logits(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    ours, theirs, inputs = longformer_pair(transformers.LongformerForMaskedLM, dtype, "pooler")
    return ours(**inputs)[PRESENT], theirs.logits[PRESENT]


def longformer_pooled(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    ours, theirs, inputs = longformer_pair(transformers.LongformerModel, dtype, "head.")
    return ours.pool(ours.encode(**inputs)), theirs.pooler_output


PAIRS = {
    "GPT-1": gpt1_pair,
    "GPT-2": gpt2_pair,
    "BERT, segments and padding": bert_pair,
    "BERT's pooler": bert_pooler_pair,
    "T5, padded source": t5_pair,
    "T5 1.1, padded source": lambda dtype: t5_pair(dtype, gated=True),
    "Llama": lambda dtype: llama_pair(dtype, n_kv_heads=4),
    "Llama, grouped queries": llama_pair,
    "Llama, tied": lambda dtype: llama_pair(dtype, tied=True),
    "Longformer, padded, global": longformer_logits,
    "Longformer's pooler": longformer_pooled,
}


def relative_difference(pair: Callable[[torch.dtype], tuple[Tensor, Tensor]], dtype: torch.dtype) -> float:
    """Find the largest difference of any number, relative to the largest number."""
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        ours, theirs = pair(dtype)
    assert ours.dtype == theirs.dtype == dtype
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def differences() -> Iterator[tuple[str, torch.dtype, float]]:
    """List model, dtype and difference."""
    for name, pair in PAIRS.items():
        for dtype in BARS:
            yield name, dtype, relative_difference(pair, dtype)


if __name__ == "__main__":
    rows = list(differences())
    print(f"{'largest difference to transformers, relative to the largest logit':>80}")
    for name, dtype, difference in rows:
        print(f"{name:30}{str(dtype).removeprefix('torch.'):10}{difference:20.1e}{f'bar {BARS[dtype]:.0e}':>20}")
    worst = max(difference for _, dtype, difference in rows if dtype == torch.float32)
    print(f"{'all':30}{'float32':10}{worst:20.1e}")
    raise SystemExit(not all(difference <= BARS[dtype] for _, dtype, difference in rows))
