"""Narrow weights: the rounding of each, and that nothing else changes."""

import pytest
import torch

from kit.serve.narrow import Int8Linear, bfloat16_copy, has_int8, int8_copy, narrow_formats
from tests.serve.small import small_gpt

# a matrix of float32 is rounded to 8 bits of its rows' largest, then products are taken in bfloat16, of 8 bits too
EPS = torch.finfo(torch.bfloat16).eps


@pytest.mark.skipif(not has_int8(), reason="this torch has no product with 8-bit weights")
@pytest.mark.parametrize("bias", [True, False])
def test_int8_linear_matches_its_numbers_written_out(bias):
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 48, bias=bias)
    small, x = Int8Linear(layer), torch.randn(5, 3, 64).bfloat16()
    plain = x.float() @ (small.whole.float() * small.scale.float()[:, None]).T + (small.bias if bias else 0)
    # rounded once to bfloat16, the bias once more; sums of 64 in float32 are exact beside that
    torch.testing.assert_close(small(x).float(), plain, rtol=2 * EPS, atol=2 * EPS * float(plain.abs().max()))


def test_an_int8_weight_is_off_by_half_a_scale_at_most():
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 48)
    small = Int8Linear(layer)
    scale = layer.weight.abs().amax(dim=1, keepdim=True) / 127
    assert ((small.whole * scale - layer.weight).abs() <= scale * (0.5 + 1e-4)).all()
    assert small.whole.abs().max() == 127


@pytest.mark.parametrize("narrow", [bfloat16_copy, int8_copy])
def test_a_narrow_copy_leaves_the_model_and_stays_near_it(narrow):
    model = small_gpt(dtype=torch.float32)
    before = {name: p.clone() for name, p in model.named_parameters()}
    ids = torch.randint(61, (2, 12), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wide, small = model(ids), narrow(model)(ids).float()
    assert (small - wide).std() < 0.1 * wide.std()
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_formats_are_named():
    assert set(narrow_formats()) <= {"bfloat16", "int8"}
