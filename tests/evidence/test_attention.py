"""What the experiments of notebook 17 are made of: equal models, and scores of made-up heads."""

import numpy as np
import pytest
import torch

from kit.evidence import attention
from kit.evidence.attention import DEEP_STACKS, ONE_LAYER, best_induction, first_gradient, head_scores
from kit.evidence.store import stored
from kit.models.ablation import AblationConfig, AblationGPT
from kit.models.parameters import n_params


def test_one_layer_and_two_have_nearly_the_same_number_of_parameters():
    assert n_params(AblationGPT(ONE_LAYER)) == pytest.approx(n_params(AblationGPT(AblationConfig())), rel=0.03)


def test_an_untrained_stack_has_the_gradient_that_is_stored():
    here = first_gradient("no norm", 4, 3)["log10"]
    assert here == pytest.approx(stored(DEEP_STACKS, "log10", kind="no norm", depth=4)[3], abs=1e-3)


def test_best_induction_of_made_up_heads():
    period, time = 3, 9
    places = torch.arange(time)
    followed = ((places[:, None] - places + 1) % period == 0) & (places[:, None] > places)
    perfect = followed / followed.sum(dim=1, keepdim=True).clamp(min=1)
    blind = torch.eye(time)
    weights = torch.stack([torch.stack([blind, blind]), torch.stack([blind, perfect])])[:, None]
    assert best_induction(weights, np.array([period])) == [0.0, pytest.approx(1.0)]


def test_a_head_that_looks_back_by_a_fixed_number_of_places_is_found(monkeypatch):
    class Fixed:
        head = torch.nn.Linear(1, 1)

        def attention_weights(self, inputs):
            n = inputs.shape[1]
            back = torch.diag(torch.ones(n - 6), -6)  # seven places before the letter to come
            return back.expand(1, len(inputs), 1, n, n)

    monkeypatch.setattr(attention, "model_of", lambda n_layers, seed: Fixed())
    scores = head_scores(1, 0)
    assert scores["favourite"] == 7
    assert scores["share"] == 1
    assert scores["previous"] == 0
