from typing import Any

import numpy as np
import pytest
import torch

from kit.explore.depth import (
    DEPTHS,
    FRAMES,
    NORMS,
    QUEST_DEPTH,
    QUEST_LOSS,
    DeepRun,
    depth_frame,
    depth_view,
    few_digits,
)
from kit.models.cnn import ResNet, ResNetConfig
from kit.train.pictures import gradient_norms

SETTINGS: dict[str, Any] = {"depth": 8, "skip": True, "norm": True, "start": "He", "lr": 0.03}


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


def test_it_learns():
    run = DeepRun(**{**SETTINGS, "lr": 0.1})
    run.train_to(FRAMES)
    assert np.mean(run.losses[-5:]) < 0.9 * np.mean(run.losses[:3])


def test_a_frame_has_a_point_for_each_layer_and_the_losses_so_far(run):
    frame = depth_frame(run, 7, words="8 layers", goal=False)
    assert [len(x) for x, _ in frame.lines] == [8, 8, 7]
    assert "step 7" in frame.sentence
    assert "before training" in depth_frame(run, 0, words="8 layers", goal=False).sentence


def test_what_diverges_stays_in_the_picture():
    run = DeepRun(**{**SETTINGS, "depth": 56, "norm": False, "lr": 0.3})
    frame = depth_frame(run, 8, words="56 layers", goal=True)
    for _, y in frame.lines[:2]:
        assert (NORMS[0] <= y).all()
        assert (y <= NORMS[1]).all()
    assert not frame.quest_met


def test_at_56_layers_only_the_plain_net_without_norm_has_a_gradient_that_vanishes_under_torchs_start():
    first = {}
    for skip in (False, True):
        for norm in (False, True):
            run = DeepRun(depth=56, skip=skip, norm=norm, start="torch", lr=0.01)
            first[skip, norm] = run.norms[0][0]
    assert first[False, False] < 1e-9
    assert min(first[True, False], first[True, True], first[False, True]) > 1e-4


def test_the_quest_is_met_with_skips_and_norm_and_not_without_either():
    view = depth_view()
    deepest, he, lr = len(DEPTHS) - 1, 1, 4
    met = [view.frame_at([deepest, skip, norm, he, lr, FRAMES]).quest_met for skip, norm in ((1, 1), (0, 1), (1, 0))]
    assert met == [True, False, False]
    assert not view.frame_at([0, 1, 1, he, lr, FRAMES]).quest_met  # 8 layers are not deep
    assert not view.frame_at([deepest, 1, 1, he, 0, FRAMES]).quest_met  # too slow
    assert f"{QUEST_DEPTH} layers" in view.scene["quest"]
    assert f"{QUEST_LOSS:g}" in view.scene["quest"]
