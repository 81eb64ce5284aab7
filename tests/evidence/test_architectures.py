"""What claim D04 rests on: rivals of one size, data of the right sides, scores, and worlds told apart."""

import numpy as np
import pytest
import torch

from kit.evidence import architectures, lags
from kit.evidence.architecture_tasks import (
    MAKERS,
    characters,
    learned_text,
    library_text,
    moved,
    picture_sides,
    small_digits,
)
from kit.evidence.architectures import FAMILIES, TASKS, leads, score, taught
from kit.evidence.rivals import BUDGET, RIVALS, STARTS, Shape, made, maker
from kit.models.parameters import n_params
from kit.text.packing import IGNORE_INDEX

SHAPES = {task: make(0, tuning=False).shape for task, make in MAKERS.items()}


@pytest.mark.parametrize("task", TASKS)
def test_the_rivals_have_one_size(task):
    sizes = [n_params(maker(rival, SHAPES[task])()) for rival in RIVALS]
    assert max(sizes) / min(sizes) < 1.07
    assert all(abs(size / BUDGET - 1) < 0.1 for size in sizes)


@pytest.mark.parametrize("rival", lags.REMEMBERERS)
@pytest.mark.parametrize("lag", [lags.LAGS[0], lags.LAGS[-1]])
def test_those_who_remember_have_one_size(rival, lag):
    kind, _, cell = lags.REMEMBERERS[rival]
    shape = Shape("tokens", 36, 26, lag + 3, every=True)
    assert n_params(maker(kind, shape, cell)()) == pytest.approx(BUDGET, rel=0.1)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rival", RIVALS)
def test_every_rival_answers_every_task_and_its_starts_differ(task, rival):
    data = MAKERS[task](3, tuning=False)
    x, y = data.batch(0)
    starts = [made(rival, data.shape, start, 0) for start in STARTS[rival]]
    outputs = [model(x) for model in starts]
    assert outputs[0].shape == (*y.shape[: 1 + data.shape.every], data.shape.n_out)
    assert not torch.equal(*outputs)


@pytest.mark.parametrize("task", [task for task in TASKS if SHAPES[task].every])
@pytest.mark.parametrize("rival", RIVALS)
def test_no_answer_sees_a_later_step(task, rival):
    data = MAKERS[task](3, tuning=False)
    x = data.batch(0)[0][:2]
    other = x.clone()
    other[:, 10] = (other[:, 10] + 1) % data.shape.n_in
    model = made(rival, data.shape, STARTS[rival][0], 0)
    with torch.no_grad():
        change = (model(x) - model(other)).abs().amax(dim=(0, 2))
    assert change[:10].max() < 1e-6
    assert change[10] > 0


@pytest.mark.parametrize("n_steps", [5, 28, 50, 64, 259])
def test_the_convolutions_of_rows_see_the_whole_row(n_steps):
    model = made("CNN", Shape("numbers", 1, 1, n_steps, every=True), "He", 0).double()
    x = torch.randn(1, n_steps, 1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x)[0, -1, 0], x)
    assert gradient[0, 0, 0] != 0


def test_pictures_that_tune_report_nowhere():
    aside = set(picture_sides(1000, tuning=True)[1].tolist())
    for seed in range(3):
        learn, report = (set(side.tolist()) for side in picture_sides(seed, tuning=False))
        assert not learn & report
        assert not aside & (learn | report)
        assert len(learn) == 3000
        assert len(report) == 1000


def test_moved_digits_are_whole_and_stand_everywhere():
    images, _ = small_digits()
    found = moved(images[:400], np.random.default_rng(0))
    assert found.shape == (400, 20, 20)
    np.testing.assert_allclose((found - images.min()).sum(axis=(1, 2)), (images[:400] - images.min()).sum(axis=(1, 2)),
                               rtol=1e-3)  # fmt: skip
    assert len({tuple(np.argwhere(f > images.min()).min(axis=0)) for f in found}) > 25


def test_text_that_tunes_and_text_that_reports_are_read_from_other_files():
    learn, tune_by, report = library_text()
    sides = [np.concatenate(learn), tune_by, report]
    assert all(len(side) > 100_000 for side in sides)
    whole = sides[0].astype(np.uint8).tobytes()
    assert tune_by[1000:1300].astype(np.uint8).tobytes() not in whole
    assert report[1000:1300].astype(np.uint8).tobytes() not in whole
    assert len(learned_text(0)) == 1_000_000


def test_characters_count_from_the_seventeenth_on():
    x, y = characters(0, tuning=False).judge
    assert (y[:, :16] == IGNORE_INDEX).all()
    assert torch.equal(y[:, 16:-1], x[:, 17:])


def test_the_answers_of_sequences_are_right():
    x, y = MAKERS["adding"](0, tuning=False).judge
    assert torch.allclose((x[..., 0] * x[..., 1]).sum(dim=1, keepdim=True), y)
    assert (x[..., 1].sum(dim=1) == 2).all()
    assert (x[:, :15, 1].sum(dim=1) == 1).all()
    x, y = MAKERS["parity"](0, tuning=False).judge
    assert torch.equal(y, torch.stack([x[:, : t + 1].sum(dim=1) % 2 for t in range(32)], dim=1))


class Says(torch.nn.Module):
    def __init__(self, say):
        super().__init__()
        self.say = say

    def forward(self, x):
        return self.say(x)


def test_scores_of_one_who_knows_and_one_who_guesses():
    adding, parity = (MAKERS[task](0, tuning=False).judge for task in ("adding", "parity"))
    knows = Says(lambda x: (x[..., 0] * x[..., 1]).sum(dim=1, keepdim=True))
    assert score(knows, "adding", adding) == pytest.approx(1)
    assert score(Says(lambda x: torch.ones(len(x), 1)), "adding", adding) == pytest.approx(0, abs=0.01)
    counts = Says(lambda x: torch.nn.functional.one_hot(x.cumsum(dim=1) % 2, 2).float())
    assert score(counts, "parity", parity) == 1
    evenly = Says(lambda x: torch.zeros(*x.shape, 97))
    bits = -score(evenly, "characters", characters(0, tuning=False).judge)
    assert bits == pytest.approx(np.log2(97), rel=1e-4)  # a sum of 48,000 in float32


def test_a_training_lowers_the_loss_and_ends_with_no_rate():
    data = MAKERS["parity"](0, tuning=False)
    model = made("RNN", data.shape, "forget bias 1", 0)
    losses = taught(model, data.batch, n_steps=40, lr=0.01)
    assert np.mean(losses[-5:]) < losses[0]


def world(monkeypatch, own_lead):
    """Give every family's own architecture a lead on both tasks, or on one of them alone."""
    scores = np.random.default_rng(0).normal(size=(10, 6, 3)) * 0.01
    for own, tasks in FAMILIES.values():
        for task, lead in zip(tasks, own_lead, strict=True):
            scores[:, TASKS.index(task), RIVALS.index(own)] += lead
    monkeypatch.setattr(architectures, "stored", lambda *_, **__: scores)


def test_a_world_in_which_the_own_is_best_on_both_and_one_in_which_it_is_on_one_are_told_apart(monkeypatch):
    world(monkeypatch, (0.1, 0.1))
    assert all(leads(family).min() > 0 for family in FAMILIES)
    world(monkeypatch, (0.1, -0.1))
    assert all(leads(family).max() < 0 for family in FAMILIES)


def test_a_lag_is_solved_by_one_who_sees_the_answer_and_not_by_one_who_guesses():
    judge = lags.questions(400, 8, np.random.default_rng(0))
    sees = Says(lambda x: torch.nn.functional.one_hot(x[:, 1:2], 26).float())
    assert lags.right(sees, judge) == 1
    assert lags.right(Says(lambda x: torch.nn.functional.one_hot(x[:, :1], 26).float()), judge) < 0.1


def test_the_longest_lag_ends_at_the_first_that_no_rate_solves(monkeypatch):
    tried = []

    def remembers(rival, lag, *, lr, seed):
        tried.append((lag, lr))
        return lag < 64 and lr == lags.RATES[1]

    monkeypatch.setattr(lags, "remembers", remembers)
    assert lags.longest_lag("attention", 0) == {"lag": 32}
    assert tried[-2:] == [(64, lr) for lr in lags.RATES]
    monkeypatch.setattr(lags, "remembers", lambda *_, **__: False)
    assert lags.longest_lag("attention", 0) == {"lag": 0}


def test_on_its_own_a_model_is_given_no_true_character(monkeypatch):
    def echo(cell, seed):
        model = made("RNN", SHAPES["characters"], "forget bias 1", seed, cell)
        with torch.no_grad():
            model.head.weight.zero_()
            model.head.bias.zero_()
            model.head.bias[1] = 9.0  # always a space
        return model

    monkeypatch.setattr(lags, "speller", echo)
    numbers = lags.free_running("GRU", 0)
    for k in lags.AHEAD:
        assert numbers[f"free {k}"] == numbers[f"forced {k}"]  # one that says one thing whatever it reads
