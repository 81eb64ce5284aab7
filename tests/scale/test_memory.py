from dataclasses import replace

import pytest
import torch

from kit.models.gpt import GPT2_CONFIGS, GPTConfig
from kit.scale.memory import bytes_sent, held_bytes, sharded_bill, zero_bytes
from kit.train.budget import training_bytes
from kit.train.loop import adamw, backward
from kit.train.objectives import next_token_loss
from tests.train.small import rows, small_gpt


def test_zero_bytes_are_the_papers_table():
    """Rajbhandari et al. (2019), figure 1: 7.5 billion weights on 64 ranks, K = 12."""
    found = [zero_bytes(7.5e9, n_ranks=64, stage=stage) / 1e9 for stage in range(4)]
    assert [round(each, 1) for each in found] == [120, 31.4, 16.6, 1.9]


@pytest.mark.parametrize("stage", range(4))
def test_one_rank_keeps_everything_and_sends_nothing(stage):
    assert zero_bytes(10, n_ranks=1, stage=stage) == 160
    assert bytes_sent(10, n_ranks=1, stage=stage) == 0


def test_fsdp_sends_half_as_much_again():
    for n_ranks in (2, 4, 64):
        assert bytes_sent(10, n_ranks=n_ranks, stage=3) == 1.5 * bytes_sent(10, n_ranks=n_ranks, stage=0)


@pytest.mark.parametrize("stage", range(4))
def test_the_bill_of_a_rank_is_that_of_zero_beside_copies_and_activations(stage):
    config = replace(GPT2_CONFIGS["small"], dropout=0.0)
    whole = training_bytes(config, batch_size=1, time=64)
    bill = sharded_bill(whole, n_ranks=8, stage=stage, n_blocks=12)
    kept = bill.weights + bill.gradients + bill.optimizer
    n = whole.weights / 4
    assert kept == pytest.approx(zero_bytes(n, n_ranks=8, stage=stage, weights=4, gradients=4, optimizer=8), rel=1e-6)
    assert bill.activations == whole.activations
    assert bill.temporary == (whole.weights // 12 if stage == 3 else 0)


def test_held_bytes_are_those_of_one_process_where_nothing_is_dealt_out():
    model = small_gpt()
    optimizer = adamw(model)
    backward(model, next_token_loss, rows())
    optimizer.step()
    n = 4 * sum(parameter.numel() for parameter in model.parameters())
    assert held_bytes(model, optimizer) == {"weights": n, "gradients": n, "optimizer": 2 * n}


def test_the_rule_of_16_bytes_is_the_bill_in_float32():
    config = GPTConfig(vocab_size=11, n_positions=8, n_layers=2, n_heads=2, d_model=8, dropout=0.0)
    bill = training_bytes(config, batch_size=1, time=8)
    assert bill.weights + bill.gradients + bill.optimizer == 16 * bill.weights / 4
    assert torch.float32.itemsize == 4
