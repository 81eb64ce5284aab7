import numpy as np
import pytest
import torch

from kit.explore.depth import DEPTHS, FRAMES, NORMS, DeepRun, depth_frame, depth_view, few_digits
from kit.models.cnn import ResNet, ResNetConfig
from kit.train.pictures import gradient_norms

SETTINGS = {"depth": 8, "skip": True, "norm": True, "start": "He", "lr": 0.03}


@pytest.fixture(scope="module")
def run():
    return DeepRun(**SETTINGS)


def test_before_training_the_norms_are_those_of_the_first_batch(run):
    torch.manual_seed(0)
    model = ResNet(ResNetConfig(depth=8, widths=(4, 8, 16), n_channels=1))
    images, labels = few_digits()
    want = [*gradient_norms(model, images[:20], labels[:20]).values()]
    np.testing.assert_allclose(run.norms[0], want, rtol=1e-5)


def test_going_back_trains_nothing(run):
    run.train_to(6)
    kept = [norms.copy() for norms in run.norms]
    run.train_to(2)
    assert len(run.losses) == len(run.norms) - 1 == 6
    np.testing.assert_array_equal(run.norms, kept)


def test_it_learns(run):
    run.train_to(FRAMES)
    assert np.mean(run.losses[-5:]) < 0.6 * np.mean(run.losses[:3])


def test_a_frame_has_a_point_for_each_layer_and_the_losses_so_far(run):
    frame = depth_frame(run, 7, words="8 layers", goal=False)
    assert [len(x) for x, _ in frame.lines] == [8, 8, 7]
    assert "step 7" in frame.sentence
    assert "before training" in depth_frame(run, 0, words="8 layers", goal=False).sentence


def test_what_diverges_stays_in_the_picture():
    run = DeepRun(**(SETTINGS | {"depth": 56, "norm": False, "lr": 0.3}))
    frame = depth_frame(run, 8, words="56 layers", goal=True)
    for _, y in frame.lines[:2]:
        assert (NORMS[0] <= y).all()
        assert (y <= NORMS[1]).all()
    assert not frame.quest_met


def test_the_plain_net_s_gradient_vanishes_under_torchs_start_and_with_skips_or_norm_it_does_not():
    first = {}
    for skip in (False, True):
        for norm in (False, True):
            run = DeepRun(depth=56, skip=skip, norm=norm, start="torch", lr=0.01)
            first[skip, norm] = run.norms[0][0]
    assert first[False, False] < 1e-6
    assert min(first[True, False], first[True, True], first[False, True]) > 1e-4


def test_the_quest_is_met_with_skips_and_not_without():
    view = depth_view()
    deepest = len(DEPTHS) - 1
    met = {
        (skip, norm, start, lr): view.frame_at([deepest, skip, norm, start, lr, FRAMES]).quest_met
        for skip, norm, start, lr in ((1, 0, 0, 3), (0, 0, 0, 3), (1, 1, 0, 3))
    }
    assert met == {(1, 0, 0, 3): True, (0, 0, 0, 3): False, (1, 1, 0, 3): False}
    assert not view.frame_at([0, 1, 0, 0, 3, FRAMES]).quest_met
