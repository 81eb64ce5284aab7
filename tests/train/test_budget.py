import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kit.models.gpt import GPT, GPT1_CONFIG, GPT2_CONFIGS, GPT3_CONFIGS, GPTConfig
from kit.models.parameters import n_params, on_meta
from kit.train.activation_checkpointing import checkpointed
from kit.train.amp import precision
from kit.train.budget import MemoryBreakdown, training_bytes, training_flops
from kit.train.loop import backward, fit
from kit.train.measured import measure_bytes, measure_flops
from kit.train.objectives import next_token_loss
from tests.train.memory import SIZES, accumulation_error, furthest, measured, tokens


@pytest.mark.parametrize("checkpoint_blocks", [False, True], ids=["plain", "checkpointed"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", SIZES)
def test_training_bytes_match_the_measured_in_every_part(name, dtype, checkpoint_blocks):
    config, batch_size, time = SIZES[name]
    reckoned = training_bytes(
        config, batch_size=batch_size, time=time, dtype=dtype, checkpoint_blocks=checkpoint_blocks
    )  # fmt: skip
    found = measured(config, batch_size, time, dtype=dtype, checkpoint_blocks=checkpoint_blocks, device="cpu")
    assert furthest(reckoned, found.parts) < 0.001  # Adam's step counts and the loss itself: a few bytes each


def test_training_bytes_match_for_blocks_that_norm_afterwards():
    config = GPTConfig(
        vocab_size=90, n_positions=16, n_layers=2, n_heads=2, d_model=16, dropout=0.0, post_norm=True
    )  # fmt: skip
    for dtype in ("float32", "bfloat16"):
        found = measured(config, 4, 16, dtype=dtype, checkpoint_blocks=False, device="cpu")
        assert furthest(training_bytes(config, batch_size=4, time=16, dtype=dtype), found.parts) < 0.01


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(1, 16), st.integers(1, 2), st.sampled_from([8, 24]), st.integers(5, 300))
def test_training_bytes_match_at_any_size(batch_size, time, n_layers, d_model, vocab_size):
    config = GPTConfig(
        vocab_size=vocab_size, n_positions=16, n_layers=n_layers, n_heads=2, d_model=d_model, dropout=0.0
    )  # fmt: skip
    found = measured(config, batch_size, time, dtype="bfloat16", checkpoint_blocks=False, device="cpu")
    assert furthest(training_bytes(config, batch_size=batch_size, time=time, dtype="bfloat16"), found.parts) < 0.1


@pytest.mark.parametrize("d_ff", [8, 100])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_training_bytes_and_flops_match_at_any_feed_forward_width(d_ff, dtype):
    config = GPTConfig(
        vocab_size=90, n_positions=16, n_layers=2, n_heads=2, d_model=16, d_ff=d_ff, dropout=0.0
    )  # fmt: skip
    found = measured(config, 4, 16, dtype=dtype, checkpoint_blocks=False, device="cpu")
    reckoned = training_bytes(config, batch_size=4, time=16, dtype=dtype)
    assert furthest(reckoned, found.parts) < 0.01
    assert reckoned.weights == 4 * n_params(on_meta(GPT, config))
    flops = training_flops(config, batch_size=4, time=16, checkpoint_blocks=True)
    model, ids = GPT(config), tokens(config, 4, 16)
    assert measure_flops(model, next_token_loss, ids) == flops.model
    with checkpointed(model):
        assert measure_flops(model, next_token_loss, ids) == flops.total


@pytest.mark.parametrize("config", [GPT1_CONFIG, *GPT2_CONFIGS.values(), *GPT3_CONFIGS.values()])
def test_the_weights_are_those_of_the_model(config):
    bill = training_bytes(config, batch_size=1, time=1)
    assert bill.weights == 4 * n_params(on_meta(GPT, config))
    assert bill.optimizer == 2 * bill.weights == 2 * bill.gradients


def test_16_bits_halve_what_they_can_and_no_more():
    config = dataclasses.replace(GPT2_CONFIGS["small"], dropout=0.0)
    wide, narrow = (training_bytes(config, batch_size=8, time=1024, dtype=dtype) for dtype in ("float32", "bfloat16"))
    assert (wide.weights, wide.gradients, wide.optimizer) == (narrow.weights, narrow.gradients, narrow.optimizer)
    assert narrow.copies < wide.weights / 2
    assert wide.activations / 2 < narrow.activations < wide.activations


def test_the_parts_at_the_peak_add_up_and_hold_what_is_needed_there():
    found = measured(*SIZES["small"], dtype="bfloat16", checkpoint_blocks=False, device="cpu")
    peak = found.peak
    assert peak.total == (
        peak.weights + peak.gradients + peak.optimizer + peak.copies + peak.activations + peak.temporary
    )  # fmt: skip
    assert peak.activations > 0.99 * found.parts.activations  # it comes as the backward pass begins
    assert peak.total <= found.parts.total + peak.temporary


def test_a_bill_adds_its_parts():
    bill = MemoryBreakdown(weights=1, gradients=2, optimizer=4, copies=8, activations=16, temporary=32)
    assert bill.total == 63


def test_measure_bytes_counts_a_linear_layer_by_hand():
    model = nn.Linear(10, 5, bias=False)

    def loss(model, batch):
        return model(batch).square().sum()

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = measure_bytes(model, loss, torch.ones(3, 10), optimizer)
    assert found.parts == MemoryBreakdown(
        weights=200, gradients=200, optimizer=0, copies=0, activations=60 + 4
    )  # y and the loss


def test_measure_bytes_trains_and_leaves_no_gradient():
    model = nn.Linear(2, 1)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measure_bytes(model, lambda m, x: m(x).sum(), torch.ones(1, 2), optimizer)
    torch.testing.assert_close(model.weight, before["weight"] - 0.2)  # two steps
    assert model.weight.grad is None


@pytest.mark.parametrize("name", SIZES)
def test_training_flops_match_torch_exactly(name):
    config, batch_size, time = SIZES[name]
    model, ids = GPT(config), tokens(config, batch_size, time)
    reckoned = training_flops(config, batch_size=batch_size, time=time, checkpoint_blocks=True)
    assert measure_flops(model, next_token_loss, ids) == reckoned.model
    with checkpointed(model):
        assert measure_flops(model, next_token_loss, ids) == reckoned.total
    chosen = precision("cpu", "bfloat16", emulate=True)
    assert measure_flops(model, next_token_loss, ids, precision=chosen) == reckoned.model
    assert all(p.grad is None for p in model.parameters())


def test_six_nd_is_the_linear_part_without_positions_norms_and_shifts():
    config = GPT2_CONFIGS["small"]
    n_weights = n_params(on_meta(GPT, config)) - 1024 * 768 - 12 * 13 * 768 - 2 * 768
    assert training_flops(config, batch_size=2, time=1024).linear == 6 * n_weights * 2048


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_checkpointed_gradients_are_equal_to_the_bit(dtype):
    config = SIZES["small"][0]
    torch.manual_seed(0)
    model = GPT(dataclasses.replace(config, dropout=0.2)).train()
    batch, chosen = tokens(config, 2, 8), precision("cpu", dtype, emulate=True)
    gradients = []
    for on in (False, True):
        torch.manual_seed(1)
        model.zero_grad()
        if on:
            with checkpointed(model):
                backward(model, next_token_loss, batch, precision=chosen)
        else:
            backward(model, next_token_loss, batch, precision=chosen)
        gradients.append([p.grad.clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_a_checkpointed_model_keeps_the_names_of_its_weights_and_is_itself_again_afterwards():
    model = GPT(SIZES["small"][0])
    names, forward = list(model.state_dict()), model.blocks[0].forward
    with checkpointed(model):
        assert list(model.state_dict()) == names
        assert model.blocks[0].forward != forward
    assert model.blocks[0].forward == forward


def test_a_model_is_checkpointed_once():
    model = GPT(SIZES["small"][0])
    with checkpointed(model):
        with pytest.raises(ValueError, match="model must not be checkpointed already"), checkpointed(model):
            pass
        assert all("forward" in vars(block) for block in model.blocks)
    assert not any("forward" in vars(block) for block in model.blocks)


def test_a_checkpointed_model_trains_as_the_plain_one_does():
    config, _, time = SIZES["small"]
    torch.manual_seed(0)
    model = GPT(config)
    twin = copy.deepcopy(model)
    ids = tokens(config, 4, time)
    plain = fit(model, next_token_loss, lambda step: ids, n_steps=3)
    with checkpointed(twin):
        again = fit(twin, next_token_loss, lambda step: ids, n_steps=3)
    assert plain.losses.tolist() == again.losses.tolist()


def test_without_gradients_nothing_is_checkpointed_and_a_cache_works():
    config, _, _ = SIZES["small"]
    model, ids = GPT(config).eval(), tokens(config, 1, 8)
    with torch.no_grad(), checkpointed(model):
        whole, cache = model(ids), model.new_cache(ids.shape[1])
        parts = torch.cat([model(ids[:, i : i + 1], cache) for i in range(ids.shape[1])], dim=1)
    torch.testing.assert_close(parts, whole)


@pytest.mark.parametrize("model", [nn.Linear(2, 2), nn.ModuleDict({"blocks": nn.Linear(1, 1)})])
def test_a_model_without_blocks_is_refused(model):
    with pytest.raises(ValueError, match="model must have blocks"), checkpointed(model):
        pass


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
@pytest.mark.parametrize("n", [2, 4, 8])
def test_accumulation_gives_the_gradient_of_the_whole_batch(dtype, bound, n):
    assert accumulation_error(dtype, n) < bound
