import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.learn.augmentation import shift
from kit.learn.pictures import mnist
from kit.learn.schedules import cosine
from kit.learn.training import minibatches
from kit.models.cnn import CNN, CNNConfig
from kit.train.pictures import as_batch, digits, fit_pictures, gradient_norms, predict, steps


def small() -> CNN:
    torch.manual_seed(0)
    return CNN(CNNConfig(size=7, widths=(4,)))


IMAGES, LABELS = (part[::50].copy() for part in digits(7))


def test_digits_are_means_of_blocks_from_0_to_1():
    for size in (28, 14, 7):
        images, labels = digits(size)
        assert images.shape == (5000, size, size)
        assert 0 <= images.min() < images.max() <= 1
        assert images.mean() == pytest.approx(mnist().images.mean() / 255)
        assert labels is mnist().labels
    np.testing.assert_allclose(digits(14)[0][7, 3, 5], mnist().images[7, 6:8, 10:12].mean() / 255)


def test_steps_match_a_plain_loop_of_torch():
    ours, theirs = small().double(), small().double()
    losses = fit_pictures(ours, IMAGES, LABELS, n_steps=12, lr=0.1, batch_size=16, rng=np.random.default_rng(3))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    rate, plain = cosine(0.1, n_steps=12), []
    for step, rows in zip(
        range(12), minibatches(len(IMAGES), batch_size=16, rng=np.random.default_rng(3)), strict=False
    ):
        optimizer.param_groups[0]["lr"] = rate(step)
        loss = F.cross_entropy(theirs(torch.from_numpy(IMAGES[rows])[:, None]), torch.from_numpy(LABELS[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plain.append(loss.item())
    np.testing.assert_allclose(losses, plain, rtol=1e-12)
    assert not ours.training


def test_a_net_learns_and_is_judged_in_evaluation_mode():
    model = small()
    fit_pictures(model, IMAGES, LABELS, n_steps=150, lr=0.1, batch_size=20, rng=np.random.default_rng(0))
    assert (predict(model, IMAGES) == LABELS).mean() > 0.9
    model.train()
    parts = [predict(model, IMAGES, batch_size=size) for size in (1, 7, 1000)]
    assert all((part == parts[0]).all() for part in parts)
    assert model.training


def test_only_the_batches_of_the_training_are_augmented():
    seen = []

    def augment(images, *, rng):
        seen.append(images.copy())
        return shift(images, rng.integers(-1, 2, size=(len(images), 2)))

    model = small()
    before = IMAGES.copy()
    fit_pictures(model, IMAGES, LABELS, n_steps=3, lr=0.1, batch_size=10, rng=np.random.default_rng(0), augment=augment)
    predict(model, IMAGES)
    assert [len(batch) for batch in seen] == [10] * 3
    np.testing.assert_array_equal(IMAGES, before)


def test_a_training_that_diverges_ends():
    losses = fit_pictures(small(), IMAGES, LABELS, n_steps=50, lr=1e30, rng=np.random.default_rng(0))
    assert len(losses) < 50
    assert not np.isfinite(losses[-1])


def test_gradient_norms_are_those_of_autograd():
    model = small()
    found = gradient_norms(model, IMAGES, LABELS)
    F.cross_entropy(model(as_batch(IMAGES, model)), torch.from_numpy(LABELS)).backward()
    assert list(found) == ["convs.0", "head"]
    for name, norm in found.items():
        gradient = model.get_parameter(f"{name}.weight").grad
        assert gradient is not None
        assert norm == pytest.approx(gradient.norm().item(), rel=1e-5)


def test_steps_refuse_at_the_call_and_not_at_the_first_value():
    with pytest.raises(ValueError, match="batch_size must be <= n_examples"):
        steps(small(), IMAGES, LABELS, n_steps=1, lr=0.1, batch_size=101, rng=np.random.default_rng(0))


def test_a_batch_goes_where_the_model_is():
    assert as_batch(IMAGES[:2], nn.Linear(2, 2).double()).dtype == torch.float64
    assert as_batch(IMAGES[:2], nn.Linear(2, 2, device="meta")).device.type == "meta"
