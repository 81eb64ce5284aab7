"""In half precision a block is as exact as its result can be: what is summed inside is summed in float32."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from kit.blocks.attention import attention, attention_weights, plain_attention
from kit.blocks.feedforward import geglu, gelu, gelu_tanh, relu, swiglu
from kit.blocks.norms import layer_norm, rms_norm
from kit.blocks.positions import rotary_angles, rotate
from kit.blocks.sliding_window import window_attention
from kit.models.heads import best_span
from kit.train.objectives import token_loss


def draw(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X = draw(6, 512, scale=300)  # squares of 90,000 are beyond float16
HEADS = draw(1, 2, 40, 32, seed=1, scale=8), draw(1, 2, 40, 32, seed=2, scale=8), draw(1, 2, 40, 32, seed=3)
CASES: dict[Callable, tuple[Tensor, ...]] = {
    layer_norm: (X, torch.ones(512), torch.zeros(512)),
    rms_norm: (X, torch.ones(512)),
    relu: (X,),
    gelu: (X,),
    gelu_tanh: (X,),
    swiglu: (draw(6, 512), draw(6, 512, seed=1)),
    geglu: (draw(6, 512), draw(6, 512, seed=1)),
    plain_attention: HEADS,
    attention: HEADS,
    attention_weights: HEADS[:2],
    lambda q, k, v: window_attention(q, k, v, window=3): HEADS,
    lambda x: rotate(x, rotary_angles(torch.arange(40), width=32)): HEADS[:1],
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("function", CASES)
def test_half_precision_is_exact_to_a_few_roundings_of_the_result(function, dtype):
    """Inputs are rounded first, so that both see the same; each rounding inside is at most that of the largest."""
    inputs = [x.to(dtype) for x in CASES[function]]
    ours, exact = function(*inputs), function(*(x.double() for x in inputs))
    assert ours.dtype == dtype
    # three roundings: of an inner product such as x · sigmoid, of the shares of attention, and of the result
    torch.testing.assert_close(ours.double(), exact, rtol=0, atol=3 * torch.finfo(dtype).eps * exact.abs().max().item())


def test_a_norm_matches_torch_in_float16():
    x, gain, shift = X.half(), draw(512, seed=1).half(), draw(512, seed=2).half()
    torch.testing.assert_close(layer_norm(x, gain, shift), F.layer_norm(x, (512,), gain, shift), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(rms_norm(x, gain), F.rms_norm(x, (512,), gain, eps=1e-6), rtol=1e-3, atol=1e-3)


def test_the_best_span_in_bfloat16_is_that_of_its_numbers():
    """Near 256 bfloat16 counts in twos: added up in it, 256 + 1 would be 256 + 2."""
    start, end = torch.tensor([[256.0, 0.0]]).bfloat16(), torch.tensor([[1.0, 1.5]]).bfloat16()
    assert best_span(start, end) == (torch.tensor([0]), torch.tensor([1]))


def test_a_loss_over_a_large_vocabulary_in_bfloat16_is_that_of_its_logits():
    logits = draw(4, 50_000).bfloat16()
    model, targets = torch.nn.Identity(), torch.arange(4)
    exact = F.cross_entropy(logits.double(), targets)
    torch.testing.assert_close(token_loss(model, (logits, targets)).double(), exact, rtol=1e-6, atol=0)
