"""What is GPT's alone; test_decoders.py has causality and cache, tests/blocks/agreement.py the blocks."""

import math

import pytest
import torch

from kit.models.gpt import GPT, GPT2_CONFIGS, GPT3_CONFIGS, GPTConfig, PostNormBlock
from kit.models.parameters import n_params, on_meta

TINY = GPTConfig(vocab_size=31, n_positions=16, n_layers=2, n_heads=2, d_model=8, dropout=0.0)


@pytest.fixture
def gpt() -> GPT:
    torch.manual_seed(0)
    return GPT(TINY).eval()


def ids(n_tokens: int = 16) -> torch.Tensor:
    return torch.randint(31, (2, n_tokens), generator=torch.Generator().manual_seed(0))


def test_logits_are_the_hidden_states_times_the_embedding(gpt):
    gpt = gpt.double()
    torch.testing.assert_close(gpt(ids()), gpt.encode(ids()) @ gpt.token_embedding.weight.T, rtol=1e-12, atol=1e-12)
    assert gpt.head.weight is gpt.token_embedding.weight


@pytest.mark.parametrize("post_norm", [False, True])
def test_a_new_model_bets_evenly_on_every_token(post_norm):
    """Its loss is within 2% of log(vocabulary)."""
    torch.manual_seed(0)
    model = GPT(
        GPTConfig(vocab_size=500, n_positions=64, n_layers=4, n_heads=4, d_model=64, post_norm=post_norm)
    ).eval()
    tokens = torch.randint(500, (8, 64), generator=torch.Generator().manual_seed(1))
    loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    assert abs(loss.item() / math.log(500) - 1) < 0.02


def test_residual_writers_begin_smaller_by_the_root_of_their_number():
    """Standard deviations of 65,536 draws and more are within 5 standard errors, 5/√(2n) < 1.4%, of the law."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=300, n_positions=16, n_layers=3, n_heads=4, d_model=256))
    for block in model.blocks:
        assert block.attention.qkv.weight.std().item() == pytest.approx(0.02, rel=0.014)
        for writer in (block.attention.out, block.feed_forward.down):
            assert writer.weight.std().item() == pytest.approx(0.02 / math.sqrt(6), rel=0.014)


def test_one_seed_makes_one_model():
    torch.manual_seed(3)
    one = GPT(TINY).state_dict()
    torch.manual_seed(3)
    other = GPT(TINY).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_every_parameter_gets_a_gradient(gpt):
    gpt(ids()).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in gpt.parameters())


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=31, n_positions=16, n_layers=1, n_heads=2, d_model=8, dropout=0.5))
    assert not torch.equal(model(ids()), model(ids()))
    model.eval()
    assert torch.equal(model(ids()), model(ids()))


def test_post_norm_has_no_norm_at_the_end(gpt):
    model = GPT(GPTConfig(vocab_size=31, n_positions=16, n_layers=2, n_heads=2, d_model=8, post_norm=True))
    assert all(isinstance(block, PostNormBlock) for block in model.blocks)
    assert n_params(gpt) - n_params(model) == 2 * 8


def test_a_text_beyond_the_last_position_is_refused_with_and_without_a_cache(gpt):
    with pytest.raises(ValueError, match="ids must be at most 16 tokens long, got 17"):
        gpt(ids(17))
    cache = gpt.new_cache()
    gpt(ids(10), cache)
    with pytest.raises(ValueError, match="ids must be at most 6 tokens long, got 7"):
        gpt(ids(7), cache)


@pytest.mark.parametrize("config", [*GPT2_CONFIGS.values(), *GPT3_CONFIGS.values()])
def test_a_model_on_meta_has_shapes_and_no_numbers(config):
    model = on_meta(GPT, config)
    assert all(parameter.is_meta for parameter in model.parameters())
    assert model.blocks[0].attention.qkv.weight.shape == (3 * config.n_heads * config.head_width, config.d_model)
