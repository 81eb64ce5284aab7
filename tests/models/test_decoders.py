"""What every model that claims to be causal must show: it sees no future, and its cache changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from kit.blocks.initialisation import init_normal
from kit.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.llama import Llama, LlamaConfig
from kit.models.palm import PaLM, PaLMConfig
from kit.models.t5 import T5, T5Config
from kit.models.transformer_xl import TransformerXL, TransformerXLConfig

SOURCE = torch.tensor([[5, 6, 7, 8, 0, 0], [9, 8, 7, 6, 5, 4]])
N_TOKENS = 260  # beyond T5's farthest bucket


def gpt(**changes: Any) -> GPT:
    model = GPT(GPTConfig(vocab_size=31, n_positions=N_TOKENS, n_layers=2, n_heads=2, d_model=16, **changes))
    init_normal(model, std=0.3)  # at this width GPT's own 0.02 would leave attention next to nothing to say
    return model


def t5(**changes: Any) -> Any:
    model = T5(T5Config(vocab_size=31, n_layers=2, n_heads=2, d_model=16, d_head=4, d_ff=32, **changes))
    return model.eval().condition_on(SOURCE, SOURCE != 0)


def encoder_decoder() -> Any:
    model = EncoderDecoder(EncoderDecoderConfig(vocab_size=31, n_layers=2, n_heads=2, d_model=16, d_ff=32))
    return model.eval().condition_on(SOURCE, SOURCE != 0)


def palm(**changes: Any) -> PaLM:
    sizes = {"vocab_size": 31, "n_positions": N_TOKENS, "n_layers": 2, "n_heads": 2, "d_model": 16, "d_head": 6}
    return PaLM(PaLMConfig(**sizes, **changes))


def llama(**changes: Any) -> Llama:
    sizes = {"vocab_size": 31, "n_positions": N_TOKENS, "n_layers": 2, "n_heads": 4, "d_model": 16, "d_ff": 24}
    return Llama(LlamaConfig(**sizes, init_std=0.3, **changes))


def transformer_xl() -> TransformerXL:
    sizes = {"n_layers": 2, "n_heads": 2, "d_model": 16, "d_head": 5, "d_ff": 32}
    return TransformerXL(TransformerXLConfig(vocab_size=31, **sizes))


DECODERS: dict[str, Callable[[], Any]] = {
    "GPT, pre-norm": gpt,
    "GPT, post-norm": lambda: gpt(post_norm=True),
    "GPT, wide heads": lambda: gpt(d_head=6),
    "GPT, narrow feed-forward": lambda: gpt(d_ff=12),
    "T5": t5,
    "T5 1.1, a deeper decoder": lambda: t5(gated=True, tied=False, n_decoder_layers=3),
    "encoder-decoder": encoder_decoder,
    "PaLM, parallel": palm,
    "PaLM, serial": lambda: palm(serial=True),
    "Llama": llama,
    "Llama, grouped queries, tied": lambda: llama(n_kv_heads=2, tied=True),
    "Transformer-XL": transformer_xl,
}
DTYPES = [torch.float32, torch.float64]


def made(name: str, dtype: torch.dtype) -> Any:
    """Make the same model each time."""
    torch.manual_seed(0)
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return DECODERS[name]().eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(default)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", DECODERS)
def test_the_future_moves_nothing(name, dtype):
    """Bit for bit: a change of all the tokens from some place on leaves what came before it as it was."""
    model = made(name, dtype)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(31, (2, 150), generator=generator)
    before = model(ids)
    for place in (1, 2, 17, 64, 149):
        changed = ids.clone()
        changed[:, place:] = torch.randint(31, changed[:, place:].shape, generator=generator)
        after = model(changed)
        assert torch.equal(after[:, :place], before[:, :place])
        assert not torch.equal(after[:, place:], before[:, place:])


@pytest.mark.parametrize("name", DECODERS)
def test_the_cache_changes_no_logits(name):
    model = made(name, torch.float64)
    ids = torch.randint(31, (2, N_TOKENS), generator=torch.Generator().manual_seed(1))
    cache = model.new_cache(N_TOKENS)
    pieces = [model(piece, cache) for piece in ids.split([7, 1, 1, 30, 1, N_TOKENS - 40], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", DECODERS)
def test_the_cache_changes_no_greedy_token(name):
    model = made(name, torch.float32)
    cache = model.new_cache(N_TOKENS)
    ids = torch.tensor([[1], [2]])
    logits = model(ids, cache)
    for _ in range(256):
        new = logits[:, -1:].argmax(dim=-1)
        ids = torch.cat([ids, new], dim=1)
        logits = model(new, cache)
    plain = model(ids[:, :-1])
    assert torch.equal(ids[:, 1:], plain.argmax(dim=-1))  # the greedy choice after each of its own prefixes


def test_a_cache_that_is_full_says_so():
    model = made("T5", torch.float32)
    cache = model.new_cache(4)
    with pytest.raises(ValueError, match="must fit a cache of 4 tokens"):
        model(torch.ones(2, 5, dtype=torch.int64), cache)
