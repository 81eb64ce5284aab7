import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch.ao.quantization.observer import MinMaxObserver

from kit.compress.quantize import (
    Grouped,
    dequantize,
    pack_int4,
    quantize,
    quantize_groups,
    scales,
    top,
    unpack_int4,
)

EPS = torch.finfo(torch.float64).eps
NUMBERS = st.floats(-1e6, 1e6).map(lambda x: x if abs(x) > 1e-30 else 0.0)  # a scale must have all its digits
MATRICES = arrays.arrays("float64", st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=NUMBERS)


@given(MATRICES, st.integers(2, 8), st.sampled_from([None, 0, 1, -1]))
def test_no_number_is_off_by_more_than_half_a_scale(numbers, bits, axis):
    x = torch.from_numpy(numbers)
    scale = scales(x, bits=bits, axis=axis)
    error = (dequantize(quantize(x, scale, bits=bits), scale) - x).abs()
    # x / scale and value · scale round once each, a part of EPS of numbers no larger than the largest
    assert (error <= scale / 2 + 2 * EPS * x.abs().amax()).all()


@given(MATRICES, st.integers(2, 8))
def test_the_grid_is_symmetric_and_its_ends_are_reached(numbers, bits):
    x = torch.from_numpy(numbers)
    values = quantize(x, scales(x, bits=bits), bits=bits)
    assert values.abs().max() == (top(bits) if x.any() else 0)
    assert torch.equal(quantize(-x, scales(x, bits=bits), bits=bits), -values)


@given(MATRICES)
def test_a_scale_of_its_own_makes_no_row_worse(numbers):
    x = torch.from_numpy(numbers)
    assert (scales(x, axis=0) <= torch.where(x.any(dim=1, keepdim=True), scales(x), 1.0)).all()


def test_scales_match_torchs_observer():
    x = torch.randn(50, generator=torch.Generator().manual_seed(0))
    observer = MinMaxObserver(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric, quant_min=-127, quant_max=127)
    observer(x)
    torch.testing.assert_close(scales(x), observer.calculate_qparams()[0][0])


def test_halves_go_to_the_even_number():
    x = torch.tensor([0.5, 1.5, 2.5, 3.5, -0.5, -1.5])
    assert quantize(x, torch.tensor(1.0)).tolist() == [0, 2, 2, 4, 0, -2]


def test_what_lies_beyond_the_ends_is_brought_to_them_and_minus_128_is_never_used():
    assert quantize(torch.tensor([-500.0, 500.0]), torch.tensor(1.0)).tolist() == [-127, 127]
    assert quantize(torch.tensor([-500.0, 500.0]), torch.tensor(1.0), bits=4).tolist() == [-7, 7]


def test_nothing_but_zeros_has_the_scale_1():
    assert scales(torch.zeros(3)) == 1
    assert scales(torch.tensor([[0.0, 0.0], [0.0, 7.0]]), bits=4, axis=0).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_scales_of_short_numbers_are_found_in_float32(dtype):
    assert scales(torch.ones(3, dtype=dtype)).dtype == torch.float32


@given(arrays.arrays("int8", st.tuples(st.integers(1, 4), st.integers(1, 5).map(lambda n: 2 * n)),
                     elements=st.integers(-8, 7)))  # fmt: skip
def test_four_bits_come_out_as_they_went_in(numbers):
    values = torch.from_numpy(numbers)
    packed = pack_int4(values)
    assert packed.numel() == values.numel() // 2
    assert torch.equal(unpack_int4(packed), values)


def test_the_first_of_a_pair_lies_in_the_lower_half():
    assert pack_int4(torch.tensor([1, 2], dtype=torch.int8)).tolist() == [0x21]
    assert pack_int4(torch.tensor([-8, 7], dtype=torch.int8)).tolist() == [0x78]


@given(MATRICES, st.sampled_from([2, 4, 8]))
def test_groups_are_off_by_half_of_their_scale_and_fill_rows_up(numbers, group):
    x = torch.from_numpy(numbers).float() / 1e3  # within float16's range, times 7
    found = quantize_groups(x, group=group)
    assert found.dense().shape == x.shape
    assert found.packed.shape[1] * 2 == found.scales.shape[1] * group
    wide = found.scales.float().repeat_interleave(group, dim=1)[:, : x.shape[1]]
    error = (found.dense() - x).abs()
    # numbers are up to 7 scales, and float32 rounds them by 6e-8; below 6e-5 float16 has few digits for a scale
    assert (error <= wide / 2 * (1 + 1e-5) + 1e-6).all()


def test_a_group_of_sixteen_takes_five_bits_a_number():
    found = quantize_groups(torch.randn(8, 64, generator=torch.Generator().manual_seed(0)))
    assert isinstance(found, Grouped)
    assert found.n_bytes == 8 * 64 * 5 // 8


def test_a_group_of_its_own_spares_the_rest_of_a_row_from_a_large_number():
    row = torch.full((1, 64), 0.01)
    row[0, 3] = 7.0
    error = (quantize_groups(row).dense() - row).abs()
    assert (error[0, :16] > 0.005).sum() >= 15
    assert error[0, 16:].max() < 1e-4
