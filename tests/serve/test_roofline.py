"""The roofline's bill against what torch counts and what tensors hold; the price; the speed of full rows."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from kit.models.gpt import GPT, GPT2_CONFIGS
from kit.models.parameters import n_params, on_meta
from kit.serve.roofline import (
    SOLD,
    Machine,
    cache_bytes,
    cost_per_million,
    decode_step,
    memory_bandwidth,
    served_speed,
    this_machine,
)
from tests.serve.small import CONFIG, small_gpt

SLOW = Machine(name="slow", bandwidth=1e9, flops=1e10, memory=1e9)


@pytest.mark.parametrize("n_rows", [1, 3])
def test_flops_of_a_step_match_torchs_count(n_rows):
    model, context = small_gpt(dtype=torch.float32), 17
    cache = model.new_cache(context)
    model(torch.zeros(n_rows, context - 1, dtype=torch.long), cache)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # a fused kernel is not counted
        model(torch.zeros(n_rows, 1, dtype=torch.long), cache)
    assert decode_step(CONFIG, n_rows=n_rows, context=context).flops == counter.get_total_flops()


def test_cache_bytes_are_those_of_a_filled_cache():
    model = small_gpt(dtype=torch.float32)
    cache = model.new_cache(17)
    model(torch.zeros(3, 17, dtype=torch.long), cache)
    held = sum(tensor.numel() * tensor.element_size() for layer in cache for tensor in layer.held)
    assert cache_bytes(CONFIG, n_rows=3, context=17) == held


def test_weight_bytes_are_the_models_but_for_norms_shifts_and_positions():
    """GPT-2 small: 124 million parameters; a step reads all matrices, and looks up one row of the positions."""
    step = decode_step(GPT2_CONFIGS["small"], n_rows=1, context=1)
    others = n_params(on_meta(GPT, GPT2_CONFIGS["small"])) - step.weight_bytes / 4
    assert 1024 * 768 < others < 1024 * 768 + 130_000


def test_known_bills():
    """Llama-like arithmetic by hand: GPT-2 small keeps 2 · 12 · 12 · 64 · 2 bytes a token in 16 bits: 36,864."""
    assert cache_bytes(GPT2_CONFIGS["small"], n_rows=1, context=1, bytes_each=2) == 36_864
    assert cost_per_million(2.0, 1000) == pytest.approx(0.5556, abs=1e-4)
    assert SOLD["A100 80GB"].ridge == pytest.approx(153.0, abs=0.1)


def test_a_step_takes_what_takes_longer():
    one, many = (decode_step(GPT2_CONFIGS["small"], n_rows=n, context=64) for n in (1, 64))
    assert one.seconds(SLOW) == one.bytes / 1e9
    assert many.seconds(SLOW) == many.flops / 1e10
    assert one.intensity < SLOW.ridge < many.intensity
    assert many.tokens_per_second(SLOW) > 5 * one.tokens_per_second(SLOW)


def test_narrow_weights_halve_what_is_read():
    wide, narrow = (decode_step(CONFIG, n_rows=1, context=8, weight_bytes_each=b) for b in (4, 2))
    assert narrow.weight_bytes == wide.weight_bytes / 2
    assert (narrow.flops, narrow.cache_bytes) == (wide.flops, wide.cache_bytes)


def test_served_speed_is_what_a_simulation_of_full_rows_gives():
    """Each row: a prompt, that stops all, then steps together; counted event by event."""
    step, prompt, n_rows, n_tokens = 0.01, 0.03, 4, 25
    clock, made, left = 0.0, 0, [0] * n_rows
    for _ in range(20_000):
        for row in range(n_rows):
            if left[row] == 0:
                clock, made, left[row] = clock + prompt, made + 1, n_tokens - 1
        clock += step
        made += n_rows
        left = [n - 1 for n in left]
    assert made / clock == pytest.approx(served_speed(step, prompt, n_rows=n_rows, n_tokens=n_tokens), rel=1e-3)


def test_this_machine_is_measured():
    assert memory_bandwidth(megabytes=8, repeats=1) > 1e8
    assert this_machine().flops > 1e8
