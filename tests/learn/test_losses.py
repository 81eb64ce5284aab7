import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import hinge_loss, mean_pinball_loss

from kit.learn.losses import (
    binary_cross_entropy,
    cross_entropy,
    focal,
    hinge,
    huber,
    kl_divergence,
    mae,
    mse,
    quantile,
    softmax,
)
from tests.learn.agreement import LOSSES, torch_loss

NUMBERS = arrays(np.float64, 6, elements=st.floats(-1e3, 1e3))
LOGITS = arrays(np.float64, (6, 3), elements=st.floats(-50, 50))
BITS = arrays(np.float64, 6, elements=st.sampled_from([0.0, 1.0]))
CLASSES = arrays(np.int64, 6, elements=st.integers(0, 2))


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


@given(NUMBERS, NUMBERS, BITS)
@pytest.mark.parametrize("name", ["binary_cross_entropy", "hinge"])
def test_a_loss_of_two_classes_lies_above_its_tangents(name, here, there, bits):
    targets = 2 * bits - 1 if name == "hinge" else bits
    loss = LOSSES[name].ours
    value, gradient = loss(here, targets)
    assert loss(there, targets)[0] >= value + gradient @ (there - here) - 1e-9


@given(LOGITS, LOGITS, CLASSES)
def test_cross_entropy_lies_above_its_tangents(here, there, targets):
    value, gradient = cross_entropy(here, targets, label_smoothing=0.1)
    tangent = value + (gradient * (there - here)).sum()
    assert cross_entropy(there, targets, label_smoothing=0.1)[0] >= tangent - 1e-10


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


@given(NUMBERS, BITS)
def test_hinge_matches_sklearn(scores, bits):
    assume(0 < bits.sum() < 6)  # scikit-learn wants both classes
    targets = 2 * bits - 1
    np.testing.assert_allclose(hinge(scores, targets)[0], hinge_loss(targets, scores), rtol=1e-12)


@given(LOGITS, CLASSES, st.floats(-1e3, 1e3))
def test_cross_entropy_ignores_what_is_added_to_all_logits(logits, targets, offset):
    loss, gradient = cross_entropy(logits, targets)
    moved_loss, moved_gradient = cross_entropy(logits + offset, targets)
    # logits of up to 1050 are rounded to 1e-13, and so is their difference
    np.testing.assert_allclose(moved_loss, loss, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(moved_gradient, gradient, atol=1e-12)


@given(LOGITS, CLASSES, st.floats(0, 1))
def test_cross_entropy_moves_no_probability_out_of_a_row(logits, targets, label_smoothing):
    gradient = cross_entropy(logits, targets, label_smoothing=label_smoothing)[1]
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


@given(NUMBERS, BITS)
def test_cross_entropy_of_two_classes_is_binary_cross_entropy_of_their_difference(logits, bits):
    rows = np.column_stack([np.zeros(6), logits])
    loss, gradient = cross_entropy(rows, bits.astype(int))
    binary_loss, binary_gradient = binary_cross_entropy(logits, bits)
    np.testing.assert_allclose(loss, binary_loss, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient[:, 1], binary_gradient, rtol=1e-12, atol=1e-15)


@given(NUMBERS, BITS)
def test_focal_without_focus_is_half_of_binary_cross_entropy(logits, bits):
    loss, gradient = focal(logits, bits, gamma=0.0, alpha=0.5)
    np.testing.assert_allclose(loss, binary_cross_entropy(logits, bits)[0] / 2, rtol=1e-12)
    np.testing.assert_allclose(gradient, binary_cross_entropy(logits, bits)[1] / 2, rtol=1e-12, atol=1e-16)


@given(NUMBERS, BITS, st.floats(0, 5), st.floats(0, 5))
def test_focal_falls_as_gamma_grows(logits, bits, gamma, more):
    assert focal(logits, bits, gamma=gamma + more)[0] <= focal(logits, bits, gamma=gamma)[0]


@pytest.mark.parametrize("z", [1e4, -1e4])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_losses_of_extreme_logits_are_right(z, target):
    logits, targets = np.array([z]), np.array([target])
    wrong = (z > 0) != (target == 1)
    sign = np.sign(z)
    pairs = np.array([[0.0, z]]), np.array([int(target)])
    with np.errstate(all="raise", under="ignore"):
        assert binary_cross_entropy(logits, targets) == (1e4 * wrong, sign * wrong)
        assert focal(logits, targets, alpha=0.5) == (0.5e4 * wrong, 0.5 * sign * wrong)
        assert hinge(logits, 2 * targets - 1) == (10_001 * wrong, sign * wrong)
        loss, gradient = cross_entropy(*pairs)
    assert loss == 1e4 * wrong
    assert gradient.tolist() == [[-sign * wrong, sign * wrong]]


def test_binary_cross_entropy_keeps_the_digits_of_the_smallest_losses():
    # -log σ(40) = log(1 + e⁻⁴⁰), which is e⁻⁴⁰ to 17 digits
    loss = binary_cross_entropy(np.array([40.0, -40.0]), np.array([1.0, 0.0]))[0]
    np.testing.assert_allclose(loss, np.exp(-40.0), rtol=1e-12)


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


@given(arrays(np.float64, (4, 3), elements=st.floats(-1e4, 1e4)))
def test_softmax_matches_torch(logits):
    np.testing.assert_allclose(
        softmax(logits), torch.softmax(torch.from_numpy(logits), dim=-1), rtol=1e-12, atol=1e-300
    )
    np.testing.assert_allclose(softmax(logits[0]), softmax(logits)[0], rtol=1e-12)


@given(LOGITS, CLASSES, st.floats(0, 1), arrays(np.float64, 3, elements=st.floats(0.1, 9)), st.integers(-1, 3))
def test_cross_entropy_weighted_matches_torch(logits, targets, smoothing, weights, ignored):
    assume((targets != ignored).any())
    loss, gradient = cross_entropy(
        logits, targets, label_smoothing=smoothing, class_weights=weights, ignore_index=ignored
    )
    theirs = torch.tensor(logits, requires_grad=True)
    their_loss = torch.nn.functional.cross_entropy(
        theirs,
        torch.from_numpy(targets),
        weight=torch.from_numpy(weights),
        label_smoothing=smoothing,
        ignore_index=ignored,
    )
    np.testing.assert_allclose(loss, their_loss.item(), rtol=1e-12)
    (their_gradient,) = torch.autograd.grad(their_loss, theirs)
    np.testing.assert_allclose(gradient, their_gradient, rtol=1e-12, atol=1e-15)


def test_a_target_that_does_not_count_leaves_the_loss_of_the_others():
    logits, targets = np.random.default_rng(0).normal(size=(4, 3)), np.array([2, -100, 0, -100])
    loss, gradient = cross_entropy(logits, targets)
    assert loss == cross_entropy(logits[::2], targets[::2])[0]
    assert not gradient[1::2].any()


@given(LOGITS, CLASSES)
def test_kl_divergence_from_certainty_is_cross_entropy(logits, targets):
    ours, theirs = kl_divergence(logits, np.eye(3)[targets]), cross_entropy(logits, targets)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12, atol=1e-15)


@given(LOGITS)
def test_kl_divergence_is_0_where_the_two_agree(logits):
    loss, gradient = kl_divergence(logits, softmax(logits))
    np.testing.assert_allclose(loss, 0, atol=1e-12)
    np.testing.assert_allclose(gradient, 0, atol=1e-15)


def test_integers_that_would_wrap_around_are_taken_as_numbers():
    assert mse(np.array([1], dtype=np.uint8), np.array([2], dtype=np.uint8)) == (1.0, -2.0)


def test_mse_rejects_what_numpy_would_broadcast():
    with pytest.raises((ValueError, TypeError), match="predictions"):
        mse(np.ones((3, 1)), np.ones(3))


def test_mse_rejects_nan():
    with pytest.raises(ValueError, match=r"targets must be finite, got nan at index \(1,\)"):
        mse(np.ones(2), np.array([1, np.nan]))


def test_hinge_rejects_the_classes_of_another_loss():
    with pytest.raises(ValueError, match="targets must be -1 or 1, got 0"):
        hinge(np.ones(2), np.array([0, 1]))


def test_binary_cross_entropy_rejects_the_classes_of_another_loss():
    with pytest.raises(ValueError, match="targets must be between 0 and 1, got -1 to 1"):
        binary_cross_entropy(np.ones(2), np.array([-1, 1]))


def test_cross_entropy_rejects_classes_that_are_not_integers():
    with pytest.raises(TypeError, match="targets must hold integers"):
        cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0]))


@pytest.mark.parametrize("outside", [-1, 3])
def test_cross_entropy_rejects_a_class_without_a_logit(outside):
    with pytest.raises(ValueError, match="targets must be from 0 to 2"):
        cross_entropy(np.ones((2, 3)), np.array([0, outside]))
