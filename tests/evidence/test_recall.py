"""What claim E01 rests on: rivals of one size, one curriculum, rates chosen beforehand, and whole training steps."""

import numpy as np
import pytest
import torch

from kit.evidence import recall
from kit.evidence.recall import (
    DISTANCES,
    FAR_RATES,
    NEAR,
    RATE,
    RATES,
    RIVALS,
    STEPS,
    AttentiveModel,
    far_recall,
    made,
    questions,
    recalled,
    signs_between,
    step_seconds,
)
from kit.evidence.store import stored
from kit.models.parameters import n_params
from kit.train.loop import backward
from tests.away import Away, There


def test_the_rivals_have_nearly_the_same_number_of_parameters():
    sizes = [n_params(make()) for make in RIVALS.values()]
    assert max(sizes) / min(sizes) < 1.07
    assert n_params(RIVALS["GRU"]()) == pytest.approx(n_params(RIVALS["attention"]()), rel=0.02)


def test_each_rival_has_its_best_rate_and_it_is_no_edge_of_the_grid():
    best = stored(FAR_RATES, "loss").mean(axis=0).argmin(axis=1)
    assert [RATES[k] for k in best] == [RATE[rival] for rival in FAR_RATES.factors["rival"]]
    assert all(0 < k < len(RATES) - 1 for k in best)


@pytest.mark.parametrize("rival", RIVALS)
def test_the_curriculum_goes_from_near_to_far(rival):
    near, on_the_way, far = STEPS[rival]
    for distance in DISTANCES:
        rng = np.random.default_rng(0)
        found = [signs_between(rival, distance, step, rng) for step in range(near + on_the_way + far)]
        assert set(found[:near]) == {NEAR}
        assert set(found[near + on_the_way :]) == {distance}
        between = np.array(found[near : near + on_the_way])
        assert NEAR <= between.min() < 2 * NEAR
        assert distance / 2 < between.max() <= distance


def test_attention_sees_no_future():
    model = made("attention", 0).eval()
    rows, _ = questions(2, 3, np.random.default_rng(0))
    other = rows.clone()
    other[:, 6] = (other[:, 6] + 1) % 26
    with torch.no_grad():
        moved = (model(rows) != model(other)).any(dim=-1).any(dim=0)
    assert moved.nonzero()[0] == 6


def test_a_model_that_looks_up_recalls_all_and_one_that_guesses_a_third():
    class LooksUp(torch.nn.Module):
        def forward(self, ids):
            said = [row[:4].tolist() for row in ids]
            follows = [dict(zip(row, [*row[1:], 0], strict=True)) for row in said]
            answers = [[of.get(i, 0) for i in row.tolist()] for of, row in zip(follows, ids, strict=True)]
            return torch.nn.functional.one_hot(torch.tensor(answers), 36).float()

    class SaysTheSecond(torch.nn.Module):
        def forward(self, ids):
            return torch.nn.functional.one_hot(ids[:, 1:2].expand_as(ids), 36).float()

    assert recalled(LooksUp(), 20, np.random.default_rng(0)) == 1
    assert recalled(SaysTheSecond(), 20, np.random.default_rng(0)) == pytest.approx(1 / 3)


def test_a_run_measures_each_distance_and_the_fall_of_its_loss(monkeypatch):
    losses = np.array([9.0] * 12 + [0.5, 0.3, 0.2, 0.0])
    monkeypatch.setattr(recall, "taught", lambda rival, **_: (made(rival, 0), losses))
    numbers = far_recall("attention", 256, 0)
    assert numbers["loss"] == pytest.approx(0.25)
    assert numbers["fall"] == pytest.approx(0.3)
    assert all(0 <= numbers[f"over {n}"] < 0.5 for n in (NEAR, *DISTANCES))


def test_a_step_trains_all_and_rows_have_the_length_that_is_timed(monkeypatch):
    def seen(model, loss, batch):
        sizes.append(tuple(batch[0].shape))
        backward(model, loss, batch)
        grads.append(all(parameter.grad is not None for parameter in model.parameters()))

    sizes, grads = [], []
    monkeypatch.setattr(recall, "backward", seen)
    assert step_seconds(2, 20, 0)["ratio"] > 0
    assert set(sizes) == {(2, 20)}
    assert all(grads)


def test_attention_computes_where_its_weights_are():
    with Away():
        model = AttentiveModel().to("meta")
        rows, _ = questions(2, 3, np.random.default_rng(0))
        assert isinstance(model(rows.to("meta")), There)
