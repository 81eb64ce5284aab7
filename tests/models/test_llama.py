"""What is Llama's alone; test_decoders.py has causality and cache, hugging_face.py its logits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.blocks.positions import rotary_angles
from kit.models.llama import LLAMA2_CONFIGS, LLAMA3_CONFIGS, LLAMA_CONFIGS, Llama, LlamaConfig, SelfAttention
from kit.models.parameters import n_params, on_meta

SIZES = {"vocab_size": 50, "n_positions": 300, "n_layers": 2, "n_heads": 4, "d_model": 24, "d_ff": 40}


def model(**changes) -> Llama:
    torch.manual_seed(0)
    return Llama(LlamaConfig(**SIZES, **changes)).double().eval()


def tokens(n_rows: int, n_tokens: int) -> torch.Tensor:
    return torch.randint(SIZES["vocab_size"], (n_rows, n_tokens), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("n_kv_heads", [1, 2, 4])
def test_cache_holds_the_shared_heads_alone(n_kv_heads):
    llama = model(n_kv_heads=n_kv_heads)
    cache = llama.new_cache(8)
    llama(tokens(2, 5), cache)
    new = torch.zeros(2, n_kv_heads, 1, 6).double()
    assert cache[0].append(new, new)[0].shape == (2, n_kv_heads, 6, 6)


@given(shift=st.integers(0, 100), seed=st.integers(0, 2**31 - 1))
def test_attention_depends_on_distances_alone(shift, seed):
    torch.manual_seed(seed)
    layer = SelfAttention(LlamaConfig(**SIZES, n_kv_heads=2)).double()
    x = torch.randn(1, 8, SIZES["d_model"], dtype=torch.float64)
    near, far = (rotary_angles(start + torch.arange(8), width=6) for start in (0, shift))
    # angles are float32: up to 108 they are off by 108 · 2⁻²⁴ < 1e-5, and outputs of order 1 by as much
    torch.testing.assert_close(layer(x, near), layer(x, far), rtol=1e-4, atol=1e-4)


def test_grouped_queries_are_all_heads_with_the_shared_ones_repeated():
    """A model of four heads of keys, each the copy of its group's, computes the same."""
    grouped, full = model(n_kv_heads=2), model(n_kv_heads=4)
    state = grouped.state_dict()
    for name in [name for name in state if name.endswith("qkv.weight")]:
        q, k, v = state[name].split([24, 12, 12])
        k, v = (each.unflatten(0, (2, 6)).repeat_interleave(2, dim=0).flatten(0, 1) for each in (k, v))
        state[name] = torch.cat([q, k, v])
    full.load_state_dict(state)
    torch.testing.assert_close(full(tokens(2, 9)), grouped(tokens(2, 9)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_the_head_is_its_own_or_the_embedding(tied):
    llama = model(tied=tied)
    assert (llama.head.weight is llama.token_embedding.weight) is tied
    llama(tokens(2, 9)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in llama.parameters())
    assert n_params(model()) - n_params(model(tied=True)) == 50 * 24
    assert not [name for name, _ in llama.named_parameters() if "bias" in name]


def test_published_widths_are_near_eight_thirds_of_the_model_or_more():
    """Two thirds of 4 · d_model, rounded up to a multiple of 256; from Llama 2 70B on, 1.3 times as wide."""
    for config in (*LLAMA_CONFIGS.values(), LLAMA2_CONFIGS["7B"], LLAMA2_CONFIGS["13B"]):
        assert config.d_ff == -(-8 * config.d_model // 3 // 256) * 256
    for config in (LLAMA2_CONFIGS["70B"], LLAMA3_CONFIGS["8B"], LLAMA3_CONFIGS["70B"]):
        assert config.d_ff == 3.5 * config.d_model
        assert config.n_kv_heads == 8


@pytest.mark.parametrize("config", [*LLAMA_CONFIGS.values(), *LLAMA2_CONFIGS.values(), *LLAMA3_CONFIGS.values()])
def test_a_model_on_meta_has_the_shapes_of_the_published_model(config):
    block = on_meta(Llama, config).blocks[0]
    kv = (config.n_kv_heads or config.n_heads) * config.d_head
    assert block.attention.qkv.weight.shape == (config.d_model + 2 * kv, config.d_model)
    assert block.feed_forward.gate_up.weight.shape == (2 * config.d_ff, config.d_model)


def test_config_rejects_what_makes_no_model():
    with pytest.raises(ValueError, match=r"n_heads must divide d_model, 4096, into even widths, got 4096"):
        LlamaConfig(n_heads=4096)
    with pytest.raises(ValueError, match=r"n_kv_heads must divide n_heads, 32, got 5"):
        LlamaConfig(n_kv_heads=5)


def test_forward_rejects_more_tokens_than_positions():
    with pytest.raises(ValueError, match="ids must be at most 300 tokens long, got 301"):
        model()(tokens(1, 301))
