import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kit.explore.deep_nets import (
    BINS,
    DEEPEST,
    FRAMES,
    GAINS,
    LAYERS,
    N_UNSEEN,
    QUEST_ACCURACY,
    QUEST_LAYERS,
    RATES,
    STEPS,
    DeepTraining,
    deep_frame,
    deep_view,
    digits,
    predicted,
)
from kit.learn.pictures import mnist

SETTINGS = {"layers": 5, "gain": 1.0, "activation": "tanh", "norm": "none", "lr": 0.1}
# what meets the quest: 30 layers of tanh, gain 1.2, no norm, at a rate of 0.03
MEETS = [LAYERS.index(30), GAINS.index(1.2), 0, 0, RATES.index(0.03), FRAMES]


@pytest.fixture(scope="module")
def training():
    return DeepTraining(**SETTINGS)


def test_digits_have_mean_0_and_mean_square_1_and_all_classes_on_both_sides():
    x, y = digits()
    assert x.shape == (len(mnist()), 784)
    assert abs(x.mean()) < 1e-5
    assert x.square().mean().item() == pytest.approx(1, rel=1e-5)
    assert set(y[:N_UNSEEN].tolist()) == set(y[N_UNSEEN:].tolist()) == set(range(10))


def test_a_training_is_plain_descent_however_often_it_is_looked_into():
    looked = DeepTraining(**SETTINGS)
    looked.at(3)
    plain = DeepTraining(**SETTINGS)
    x, y = digits()
    generator = torch.Generator().manual_seed(0)
    fresh = DeepTraining(**SETTINGS).model
    for layer in [*(h.linear for h in fresh.hidden), fresh.output]:  # the draws that the weights took
        torch.empty_like(layer.weight).normal_(generator=generator)
        torch.empty_like(layer.bias).normal_(generator=generator)
    for _ in range(3 * STEPS):
        rows = N_UNSEEN + torch.randint(len(y) - N_UNSEEN, (64,), generator=generator)
        fresh.zero_grad()
        F.cross_entropy(fresh(x[rows]), y[rows]).backward()
        with torch.no_grad():
            for p in fresh.parameters():
                p -= 0.1 * p.grad  # type: ignore[operator]
    torch.testing.assert_close(looked.model.hidden[0].linear.weight, fresh.hidden[0].linear.weight)
    assert len(plain.snapshots) == 1


def test_going_back_trains_nothing(training):
    later, n = training.at(4), len(training.snapshots)
    assert training.at(1) is training.snapshots[1]
    assert len(training.snapshots) == n
    assert training.at(4) is later


@pytest.mark.parametrize("activation", ["tanh", "ReLU", "sigmoid"])
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_a_frame_has_a_histogram_a_gradient_and_an_update_of_every_layer(activation, norm):
    training = DeepTraining(**(SETTINGS | {"activation": activation, "norm": norm}))
    frame = deep_frame(training, 1)
    (heat,) = frame.overlays
    assert heat.values.shape == (BINS, DEEPEST)
    np.testing.assert_allclose(heat.values[:, :5].sum(axis=0), 1)
    assert np.isnan(heat.values[:, 5:]).all()
    stds, theory, errors, updates, batches, unseen = (len(x) for x, _ in frame.lines)
    assert (stds, errors, updates, batches, unseen) == (5, 5, 5, 2, 2)
    assert theory == (5 if norm == "none" else 0)
    assert f"5 layers of 64 {activation} units" in frame.sentence


def test_the_prediction_meets_the_measured_gradients_before_the_first_step():
    for activation, gain in (("ReLU", 0.58), ("ReLU", 1.41), ("tanh", 0.58), ("tanh", 1.2)):
        training = DeepTraining(**(SETTINGS | {"activation": activation, "gain": gain, "layers": 20}))
        theory, measured = predicted(training), training.at(0).errors
        # by chance a layer of 64 units moves the logarithm of a gradient's square by √(5/64), and 20 of them add up
        assert np.abs(np.log(theory / measured)).max() < 4 * np.sqrt(20 * 5 / 64) / 2


def test_torchs_default_lets_no_gradient_through_thirty_layers():
    view = deep_view()
    frame = view.frame_at([LAYERS.index(30), GAINS.index(0.58), 0, 0, 3, 0])
    errors = np.asarray(frame.lines[2][1])
    assert errors[0] < 1e-5 * errors[-1]


def test_a_training_that_diverges_stays_where_it_could_be_followed():
    training = DeepTraining(**(SETTINGS | {"activation": "ReLU", "gain": 3.0, "layers": 30, "lr": 1.0}))
    frame = deep_frame(training, 3)
    assert all(np.isfinite(y).all() for _, y in frame.lines)


def test_the_quest_is_met_at_the_right_gain_and_not_with_a_norm_or_fewer_layers():
    view = deep_view()
    assert view.frame_at(MEETS).quest_met
    assert not view.frame_at([*MEETS[:3], 1, *MEETS[4:]]).quest_met
    assert not view.frame_at([LAYERS.index(10), *MEETS[1:]]).quest_met
    assert not view.frame_at([MEETS[0], GAINS.index(0.58), *MEETS[2:]]).quest_met
    assert f"{QUEST_LAYERS} layers" in view.scene["quest"]
    assert f"{QUEST_ACCURACY:.0%}" in view.scene["quest"]


def test_a_view_leaves_torchs_own_draws_alone():
    before = torch.random.get_rng_state()
    DeepTraining(**SETTINGS).at(1)
    assert torch.equal(torch.random.get_rng_state(), before)
