"""Measure what a cache buys each decoder: 256 tokens, greedily, with it and without.

    python -m tests.models.cache

prints for each whether both give the same tokens, and how much CPU time the cache saves: the median
ratio of pairs that are timed one after the other.
"""

import statistics
import time
from typing import Any

import torch
from torch import nn

from kit.blocks.initialisation import init_normal
from kit.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.llama import Llama, LlamaConfig
from kit.models.palm import PaLM, PaLMConfig
from kit.models.t5 import T5, T5Config
from kit.models.transformer_xl import TransformerXL, TransformerXLConfig
from kit.train.decoding import generate

N_TOKENS = 256
SIZES = {"vocab_size": 500, "n_layers": 4, "n_heads": 4, "d_model": 128}
PROMPTS = torch.tensor([[1], [2]])
SOURCES = torch.randint(500, (2, 32), generator=torch.Generator().manual_seed(0))


def decoders() -> dict[str, Any]:
    """Make one of each kind, of weights that let every part have its say."""
    torch.manual_seed(0)
    found: dict[str, nn.Module] = {
        "GPT, pre-norm": GPT(GPTConfig(**SIZES)),
        "GPT, post-norm": GPT(GPTConfig(**SIZES, post_norm=True)),
        "PaLM": PaLM(PaLMConfig(**SIZES, d_head=32)),
        "Llama": Llama(LlamaConfig(**SIZES, n_kv_heads=2, d_ff=344)),
        "Transformer-XL": TransformerXL(TransformerXLConfig(**SIZES, d_head=32, d_ff=512, n_memory=N_TOKENS + 1)),
        "encoder-decoder": EncoderDecoder(EncoderDecoderConfig(**SIZES, d_ff=512)),
        "T5": T5(T5Config(**SIZES, d_head=32, d_ff=512)),
    }
    for model in found.values():
        init_normal(model, std=0.1)
        model.eval()
    return {n: m.condition_on(SOURCES) if isinstance(m, EncoderDecoder | T5) else m for n, m in found.items()}


def seconds(model: Any, *, cache: bool) -> tuple[float, torch.Tensor]:
    """Time one generation on the CPU's own clock, which does not run while others have the machine."""
    start = time.process_time()
    ids = generate(model, PROMPTS, n_tokens=N_TOKENS, cache=cache)
    return time.process_time() - start, ids


def compare(model: Any, *, n_pairs: int = 3) -> tuple[bool, int, float]:
    """Say whether the tokens are the same, how many different ones there are, and the median ratio of times."""
    ratios, same, kinds = [], True, 0
    for _ in range(n_pairs):
        without, plain = seconds(model, cache=False)
        cached, ids = seconds(model, cache=True)
        same, kinds = same and torch.equal(ids, plain), len(ids.unique())
        ratios.append(without / cached)
    return same, kinds, statistics.median(ratios)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{f'{N_TOKENS} tokens of 2 texts':24}{'tokens with and without cache':>32}{'kinds':>8}{'speed-up':>12}")
    wrong = 0
    for name, model in decoders().items():
        same, kinds, ratio = compare(model)
        wrong += not same
        print(f"{name:24}{'the same' if same else 'DIFFER':>32}{kinds:8}{ratio:11.1f}x")
    raise SystemExit(bool(wrong))
