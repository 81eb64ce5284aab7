import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from kit.blocks.feedforward import geglu, gelu, gelu_tanh, relu, swiglu

NUMBERS = st.floats(-30, 30)


def at(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@given(NUMBERS)
def test_gelu_of_both_signs_differs_by_the_number_itself(x):
    # Φ(x) + Φ(-x) = 1
    torch.testing.assert_close(gelu(at(x)) - gelu(at(-x)), at(x), rtol=1e-12, atol=1e-14)


@given(NUMBERS)
def test_gelu_lies_between_its_bounds(x):
    assert -0.17 < gelu(at(x)).item() <= max(0, x)
    assert relu(at(x)).item() == max(0, x)


@given(NUMBERS)
def test_the_tanh_is_a_close_approximation(x):
    assert (gelu(at(x)) - gelu_tanh(at(x))).abs().item() < 5e-4


@given(NUMBERS, NUMBERS)
def test_gated_layers_are_linear_in_what_they_gate(gate, up):
    for gated in (swiglu, geglu):
        torch.testing.assert_close(gated(at(gate), at(3 * up)), 3 * gated(at(gate), at(up)), rtol=1e-12, atol=1e-300)
        assert gated(at(0.0), at(up)).item() == 0


@pytest.mark.parametrize(("function", "n"), [(gelu, 1), (gelu_tanh, 1), (swiglu, 2), (geglu, 2)])
def test_activation_gradcheck(function, n):
    inputs = [torch.linspace(-3, 3, 8, dtype=torch.float64).roll(i).requires_grad_() for i in range(n)]
    assert gradcheck(function, inputs)
