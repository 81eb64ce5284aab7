import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_pinball_loss

from kit.learn.losses import huber, mae, mse, quantile
from tests.learn.agreement import LOSSES, torch_loss

NUMBERS = arrays(np.float64, 6, elements=st.floats(-1e3, 1e3))


def case(name):
    loss = LOSSES[name].ours
    # away from the extremes, where differences of losses of 1e4 keep no digits to see a gradient by
    inside = np.abs(LOSSES[name].inputs[0].reshape(40, -1)).max(axis=1) < 1e3
    return loss, *(values[inside] for values in LOSSES[name].inputs)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_matches_torch(name):
    loss, gradient = LOSSES[name].ours(*LOSSES[name].inputs)
    their_loss, their_gradient = torch_loss(LOSSES[name])
    np.testing.assert_allclose(loss, their_loss, rtol=1e-12)
    np.testing.assert_allclose(gradient, their_gradient, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_gradcheck(name):
    loss, predictions, targets = case(name)

    class Ours(torch.autograd.Function):
        @staticmethod
        def forward(ctx, predictions):
            value, gradient = loss(predictions.detach().numpy(), targets)
            ctx.save_for_backward(torch.from_numpy(gradient))
            return torch.tensor(value, dtype=torch.float64)

        @staticmethod
        def backward(ctx, *upstream):
            (gradient,) = ctx.saved_tensors
            return upstream[0] * gradient

    assert torch.autograd.gradcheck(Ours.apply, torch.tensor(predictions, requires_grad=True))


@pytest.mark.parametrize("name", LOSSES)
def test_loss_keeps_float32(name):
    loss, predictions, targets = case(name)
    targets = targets.astype(np.float32) if targets.dtype.kind == "f" else targets
    value, gradient = loss(predictions.astype(np.float32), targets)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(value, loss(predictions, targets)[0], rtol=1e-5)
    np.testing.assert_allclose(gradient, loss(predictions, targets)[1], rtol=1e-4, atol=1e-7)  # p - t cancels


@given(NUMBERS, NUMBERS, NUMBERS)
@pytest.mark.parametrize("name", ["mse", "mae", "huber", "quantile"])
def test_a_loss_of_numbers_lies_above_its_tangents(name, here, there, targets):
    loss = LOSSES[name].ours
    value, gradient = loss(here, targets)
    tangent = value + gradient @ (there - here)
    # rounding: each side is a sum of terms no larger than these
    assert loss(there, targets)[0] >= tangent - 1e-12 * (1 + abs(value) + np.abs(gradient) @ np.abs(there - here))


@given(NUMBERS, NUMBERS, st.floats(1e-3, 1e3))
def test_huber_is_at_most_half_of_mse_and_delta_times_mae(predictions, targets, delta):
    loss = huber(predictions, targets, delta=delta)[0]
    assert loss <= mse(predictions, targets)[0] / 2 * (1 + 1e-12)
    assert loss <= delta * mae(predictions, targets)[0] * (1 + 1e-12)


@given(NUMBERS, NUMBERS)
def test_huber_within_delta_is_half_of_mse(predictions, targets):
    loss, gradient = huber(predictions, targets, delta=2001.0)
    np.testing.assert_allclose(loss, mse(predictions, targets)[0] / 2, rtol=1e-12)
    np.testing.assert_allclose(gradient, mse(predictions, targets)[1] / 2, rtol=1e-12)


@given(NUMBERS, NUMBERS)
def test_quantile_at_one_half_is_half_of_mae(predictions, targets):
    loss, gradient = quantile(predictions, targets, q=0.5)
    np.testing.assert_allclose(loss, mae(predictions, targets)[0] / 2, rtol=1e-12)
    np.testing.assert_allclose(gradient, mae(predictions, targets)[1] / 2, rtol=1e-12)


@given(NUMBERS, NUMBERS, st.floats(0.01, 0.99))
def test_quantile_matches_sklearn(predictions, targets, q):
    ours = quantile(predictions, targets, q=q)[0]
    np.testing.assert_allclose(ours, mean_pinball_loss(targets, predictions, alpha=q), rtol=1e-12, atol=1e-300)


@given(arrays(np.float64, 21, elements=st.floats(-100, 100), unique=True), st.floats(0.01, 0.99))
def test_no_constant_beats_the_quantile(targets, q):
    def loss(constant):
        return quantile(np.full(21, constant), targets, q=q)[0]

    best = loss(np.quantile(targets, q, method="inverted_cdf"))
    assert all(best <= loss(constant) * (1 + 1e-12) for constant in targets)


@pytest.mark.parametrize("loss", [mse, mae, huber, quantile])
def test_a_prediction_that_is_right_costs_nothing_and_stays(loss):
    value, gradient = loss(np.full(5, 0.1), np.full(5, 0.1))
    assert value == 0
    assert gradient.tolist() == [0] * 5


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_float16_is_that_of_the_same_numbers_in_float32(name):
    loss, predictions, targets = case(name)
    many = np.tile(predictions, (2500, *[1] * (predictions.ndim - 1)))  # 70,000 and more: beyond float16's range
    numbers = [many.astype(np.float16), np.tile(targets, (2500, *[1] * (targets.ndim - 1)))]
    if targets.dtype.kind == "f":
        numbers[1] = numbers[1].astype(np.float16)
    wide = [each.astype(np.float64) if each.dtype.kind == "f" else each for each in numbers]
    np.testing.assert_allclose(loss(*numbers)[0], loss(*wide)[0], rtol=1e-5)


def test_a_sum_of_float32_losses_may_be_beyond_float32():
    assert mse(np.full(9, 1e19, dtype=np.float32), np.zeros(9, dtype=np.float32))[0] == pytest.approx(1e38, rel=1e-6)


def test_integers_that_would_wrap_around_are_taken_as_numbers():
    assert mse(np.array([1], dtype=np.uint8), np.array([2], dtype=np.uint8)) == (1.0, -2.0)


def test_mse_rejects_what_numpy_would_broadcast():
    with pytest.raises((ValueError, TypeError), match="predictions"):
        mse(np.ones((3, 1)), np.ones(3))


def test_mse_rejects_nan():
    with pytest.raises(ValueError, match=r"targets must be finite, got nan at index \(1,\)"):
        mse(np.ones(2), np.array([1, np.nan]))
