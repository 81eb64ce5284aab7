import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kit.blocks.attention import plain_attention
from kit.blocks.cost import LayerShape
from kit.models.gpt import GPT3_CONFIGS, Block, GPTConfig

SHAPE = LayerShape(d_model=32, n_heads=4, d_head=8, n_kv_heads=4, d_ff=128)


def counted(work) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def test_n_weights_are_those_of_a_block_but_for_norms_and_biases():
    config = GPTConfig(d_model=32, n_heads=4)
    matrices = [p.numel() for p in Block(config).parameters() if p.ndim == 2]
    assert sum(matrices) == SHAPE.n_weights


@pytest.mark.parametrize("n_kv_heads", [1, 2, 4])
def test_pair_flops_match_torchs_counter(n_kv_heads):
    q, k = torch.randn(1, 4, 10, 8), torch.randn(1, n_kv_heads, 10, 8)
    shape = LayerShape(d_model=32, n_heads=4, d_head=8, n_kv_heads=n_kv_heads, d_ff=128)
    assert counted(lambda: plain_attention(q, k, k)) == shape.pair_flops(100)


def test_matrix_flops_match_torchs_counter():
    x = torch.randn(10, 32)
    matrices = [nn.Linear(32, 96), nn.Linear(32, 32), nn.Linear(32, 128)]  # q, k and v; out; up
    theirs = counted(lambda: [matrix(x) for matrix in matrices])
    assert SHAPE.matrix_flops(10) == theirs + counted(lambda: nn.Linear(128, 32)(torch.randn(10, 128)))  # down


def test_at_even_keys_pairs_cost_as_much_as_matrices():
    config = GPT3_CONFIGS["175B"]
    d = config.d_model
    shape = LayerShape(d_model=d, n_heads=config.n_heads, d_head=128, n_kv_heads=config.n_heads, d_ff=4 * d)
    keys = round(shape.even_keys)
    assert shape.pair_flops(keys) == pytest.approx(shape.matrix_flops(1), rel=1e-6)
    assert keys == 6 * d


def test_multi_query_attention_keeps_one_head_of_keys():
    many = LayerShape(d_model=512, n_heads=8, d_head=64, n_kv_heads=8, d_ff=2048)
    one = LayerShape(d_model=512, n_heads=8, d_head=64, n_kv_heads=1, d_ff=2048)
    assert many.cache_bytes(100) == 8 * one.cache_bytes(100)
    assert many.score_bytes(100) == one.score_bytes(100)
