import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import hinge_loss

from kit.learn.class_losses import binary_cross_entropy, cross_entropy, focal, hinge, kl_divergence, softmax
from tests.learn.agreement import LOSSES

NUMBERS = arrays(np.float64, 6, elements=st.floats(-1e3, 1e3))
LOGITS = arrays(np.float64, (6, 3), elements=st.floats(-50, 50))
BITS = arrays(np.float64, 6, elements=st.sampled_from([0.0, 1.0]))
CLASSES = arrays(np.int64, 6, elements=st.integers(0, 2))


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
