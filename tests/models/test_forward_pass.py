import math

import pytest
import torch

from kit.blocks.attention import plain_attention
from kit.models.forward_pass import HEADS, LAYER, STAGES, forward_pass
from kit.models.gpt import GPT, GPTConfig

CONFIG = GPTConfig(vocab_size=31, n_positions=16, n_layers=3, n_heads=2, d_model=8, init_std=0.5)
IDS = torch.randint(31, (9,), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(CONFIG).double().eval()


def test_logits_match_the_model(model):
    passed = forward_pass(model, IDS)
    torch.testing.assert_close(passed.table("logits"), model(IDS[None])[0].detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(passed.table("final norm"), model.encode(IDS[None])[0].detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(passed.table("chances"), passed.table("logits").softmax(dim=-1))


def test_each_layer_matches_its_block(model):
    passed, x = forward_pass(model, IDS), None
    x = passed.table("x")
    for layer, block in enumerate(model.blocks):
        x = block(x[None])[0].detach()
        torch.testing.assert_close(passed.table("x + feed-forward", layer=layer), x, rtol=1e-12, atol=1e-12)


def test_what_is_mixed_matches_plain_attention(model):
    passed = forward_pass(model, IDS)
    mask = torch.ones(9, 9, dtype=torch.bool).tril()
    for layer in range(3):
        for head in range(2):
            q, k, v = (passed.table(name, layer=layer, head=head)[None, None] for name in "qkv")
            mixed = passed.table("mixed", layer=layer, head=head)
            torch.testing.assert_close(mixed, plain_attention(q, k, v, mask=mask)[0, 0], rtol=1e-12, atol=1e-12)


def test_dropout_is_left_out_and_the_mode_stays(model):
    expected = forward_pass(model, IDS).table("logits")
    model.train()
    assert torch.equal(forward_pass(model, IDS).table("logits"), expected)
    assert model.training


def test_every_stage_has_a_row_a_token_and_nothing_asks_for_a_gradient(model):
    passed = forward_pass(model, IDS)
    for stage in STAGES:
        table = passed.table(stage, layer=2, head=1)
        assert table.ndim == 2
        assert len(table) == len(IDS)
        assert not table.requires_grad
    assert passed.table("ids")[:, 0].tolist() == IDS.tolist()
    assert (passed.table("masked").triu(1) == passed.table("masked").triu(1)).all()
    assert passed.table("masked")[0, 1] == -math.inf
    assert set(HEADS) < set(LAYER) < set(STAGES)
