import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck
from transformers.models.t5.modeling_t5 import T5Attention

from kit.blocks.attention import causal_mask
from kit.blocks.positions import relative_buckets, relative_shift, rotary_angles, rotate, sinusoidal
from tests.blocks.agreement import gathered

SEEDS = st.integers(0, 10_000)
HALVES = st.integers(1, 16)


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(HALVES, st.floats(2, 1e6))
def test_angles_match_the_formula(half, base):
    positions = np.arange(0, 4096, 37)
    exact = positions[:, None] / base ** (2 * np.arange(half) / (2 * half))
    ours = rotary_angles(torch.from_numpy(positions), width=2 * half, base=base)
    assert ours.dtype == torch.float32
    # in float32: a few roundings of 6e-8 in the power and the product, and up to ln(1e6) = 14 of them in its exponent
    np.testing.assert_allclose(ours.numpy(), exact, rtol=20 * 6e-8)


@given(HALVES)
def test_sinusoidal_matches_the_formula(half):
    positions = np.arange(64)
    exact = positions[:, None] / 10_000 ** (2 * np.arange(half) / (2 * half))
    ours = sinusoidal(torch.from_numpy(positions), width=2 * half).numpy()
    # an angle of up to 64, wrong by 20 roundings of 6e-8, moves its sine by as much
    np.testing.assert_allclose(ours[:, 0::2], np.sin(exact), rtol=0, atol=64 * 20 * 6e-8)
    np.testing.assert_allclose(ours[:, 1::2], np.cos(exact), rtol=0, atol=64 * 20 * 6e-8)


@given(st.integers(0, 500), st.integers(0, 50))
def test_the_product_of_two_sinusoidal_positions_depends_on_their_distance_alone(place, distance):
    near, far = (sinusoidal(torch.tensor([p, p + distance]), width=32) for p in (0, place))
    # angles up to 550, each wrong by 20 roundings of 6e-8, in each of 32 terms of at most 1
    torch.testing.assert_close(near[0] @ near[1], far[0] @ far[1], rtol=0, atol=32 * 550 * 20 * 6e-8)


@given(SEEDS, HALVES, st.integers(0, 200))
def test_rotary_scores_depend_on_distance_alone(seed, half, offset):
    q, k = draw(seed, 2, 5, 2 * half)
    angles = rotary_angles(torch.arange(5 + offset), width=2 * half, base=100.0).double()
    scores = [rotate(q, angles[start : start + 5]) @ rotate(k, angles[start : start + 5]).T for start in (0, offset)]
    # the angles themselves are float32: up to 205, wrong by 20 roundings of 6e-8 each
    size = (q.norm(dim=-1)[:, None] * k.norm(dim=-1)).max().item()
    torch.testing.assert_close(*scores, rtol=0, atol=2 * 205 * 20 * 6e-8 * size)


@given(SEEDS, HALVES)
def test_rotation_changes_no_length_and_is_undone_by_the_opposite_angle(seed, half):
    x = draw(seed, 2, 7, 2 * half)
    angles = rotary_angles(torch.arange(7), width=2 * half).double()
    turned = rotate(x, angles)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-12, atol=0)
    torch.testing.assert_close(rotate(turned, -angles), x, rtol=1e-12, atol=1e-12)


def test_the_first_position_is_not_turned():
    x = draw(0, 1, 8)
    assert torch.equal(rotate(x, rotary_angles(torch.tensor([0]), width=8)), x)


@given(SEEDS, HALVES, st.integers(1, 3))
def test_each_row_of_a_batch_is_turned_by_angles_of_its_own(seed, half, n_heads):
    """With three axes and with four, where all heads of a row have the same."""
    positions = torch.tensor([[0, 1, 2], [5, 0, 9]])
    x, angles = draw(seed, 2, n_heads, 3, 2 * half), rotary_angles(positions, width=2 * half)
    turned = rotate(x, angles)
    assert angles.shape == (2, 3, half)
    for row in range(2):
        assert torch.equal(angles[row], rotary_angles(positions[row], width=2 * half))
        assert torch.equal(turned[row], rotate(x[row], angles[row]))
    assert torch.equal(rotate(x[:, 0], angles), turned[:, 0])
    assert torch.equal(rotate(x, angles[:1]), rotate(x, angles[0]))


def test_waves_of_each_row_are_those_of_its_positions():
    positions = torch.tensor([[0, 1, 2], [5, 0, 9]])
    waves = sinusoidal(positions, width=8)
    assert all(torch.equal(waves[row], sinusoidal(positions[row], width=8)) for row in range(2))


def test_rotate_keeps_the_dtype_of_its_input():
    angles = rotary_angles(torch.arange(3), width=4)
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        assert rotate(torch.ones(3, 4, dtype=dtype), angles).dtype == dtype


def test_rotate_gradcheck():
    assert gradcheck(rotate, [draw(0, 3, 4).requires_grad_(), draw(1, 3, 2).requires_grad_()])


@given(st.booleans(), st.integers(2, 128), st.integers(1, 300))
def test_buckets_of_any_number_match_transformers(bidirectional, n_buckets, extra):
    """Down to the fewest that the formula allows: one exact bucket on each side, and a distance beyond it."""
    exact = n_buckets // (4 if bidirectional else 2)
    if not exact:
        return
    distances = torch.arange(-700, 701)
    options = {"bidirectional": bidirectional, "max_distance": exact + extra}
    ours = relative_buckets(distances, n_buckets=n_buckets, **options)
    assert torch.equal(ours, T5Attention._relative_position_bucket(distances, num_buckets=n_buckets, **options))
    assert ours.min() >= 0
    assert ours.max() < n_buckets


@pytest.mark.parametrize(
    ("bidirectional", "n_buckets", "max_distance", "sentence"),
    [
        (True, 3, 128, "n_buckets must be >= 4, got 3"),
        (False, 1, 128, "n_buckets must be >= 2, got 1"),
        (True, 32, 8, "max_distance must be >= 9, got 8"),  # log(8 / 8) would divide by zero
        (False, 32, 16, "max_distance must be >= 17, got 16"),
    ],
)
def test_buckets_that_the_formula_does_not_allow_are_refused(bidirectional, n_buckets, max_distance, sentence):
    options = {"n_buckets": n_buckets, "max_distance": max_distance}
    with pytest.raises(ValueError, match=f"^{sentence}"):
        relative_buckets(torch.arange(3), bidirectional=bidirectional, **options)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_distances_in_few_bits_are_those_of_their_numbers(bidirectional):
    """Of which the absolute value of the least is none."""
    distances = torch.tensor([-(2**15), -5, 0, 5, 2**15 - 1])
    narrow = relative_buckets(distances.to(torch.int16), bidirectional=bidirectional)
    assert torch.equal(narrow, relative_buckets(distances, bidirectional=bidirectional))


def test_buckets_widen_with_distance():
    buckets = relative_buckets(-torch.arange(500), bidirectional=False)
    assert buckets[:16].tolist() == list(range(16))
    assert (buckets.diff() >= 0).all()
    assert buckets[128:].unique().tolist() == [31]


@given(SEEDS, st.integers(1, 6), st.integers(0, 6))
def test_relative_shift_equals_gathering(seed, n_queries, n_cached):
    n_keys = n_queries + n_cached
    scores = draw(seed, 2, 3, n_queries, n_keys)
    past = causal_mask(n_queries, n_keys)
    assert torch.equal(relative_shift(scores).masked_fill(~past, 0), gathered(scores))


def test_sinusoidal_waves_grow_from_2π_towards_the_base():
    waves = 2 * math.pi / rotary_angles(torch.tensor([1]), width=64)[0].double()
    assert waves[0].item() == pytest.approx(2 * math.pi)
    assert (waves.diff() > 0).all()
    assert waves[-1].item() == pytest.approx(2 * math.pi * 10_000 ** (62 / 64), rel=1e-5)
