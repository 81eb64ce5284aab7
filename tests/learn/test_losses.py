import numpy as np
import pytest
import torch

from kit.learn.losses import mse


def test_mse_matches_torch():
    rng = np.random.default_rng(0)
    predictions, targets = rng.normal(size=(2, 7, 3))
    loss, gradient = mse(predictions, targets)
    p = torch.tensor(predictions, requires_grad=True)
    theirs = torch.nn.functional.mse_loss(p, torch.from_numpy(targets))
    theirs.backward()
    np.testing.assert_allclose(loss, theirs.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, p.grad, rtol=1e-12)


def test_mse_rejects_what_numpy_would_broadcast():
    with pytest.raises((ValueError, TypeError), match="predictions"):
        mse(np.ones((3, 1)), np.ones(3))


def test_mse_rejects_nan():
    with pytest.raises(ValueError, match=r"targets must be finite, got nan at index \(1,\)"):
        mse(np.ones(2), np.array([1, np.nan]))
