import itertools

import numpy as np
import pytest
import torch

from kit.explore import speller
from kit.explore.rnn import BIASES, CELLS, GAINS, LONGEST, feeling, memory_frame, memory_view, shade
from kit.explore.speller import SAMPLE, Speller, dependence, reading_frame, reading_view
from kit.text.characters import symbols


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    """A speller of random weights: what it says is another's business."""

    def fresh(cell):
        torch.manual_seed(0)
        return Speller(cell)

    monkeypatch.setattr(speller, "speller", fresh)
    dependence.cache_clear()
    yield
    dependence.cache_clear()


def test_a_linear_cell_feels_as_forecast():
    found = feeling("plain RNN", 0.5, 0.0)
    assert found.by_lag[0] == 1
    measured = (found.by_lag[60] / found.by_lag[5]) ** (1 / 55)
    assert measured == pytest.approx(found.factor, rel=0.15)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_a_larger_bias_keeps_more(cell):
    left = [feeling(cell, 0.9, bias).by_lag[-1] for bias in BIASES]
    assert left[0] < 1e-6
    assert left[-1] > 0.1
    assert (np.diff(left)[:4] > 0).all()  # up to a bias of 2; beyond it the gates' own gradients count as well
    factors = [feeling(cell, 0.9, bias).factor for bias in BIASES]
    assert (np.diff(factors) > 0).all()


def test_the_bias_is_nothing_to_the_plain_rnn():
    assert (feeling("plain RNN", 0.9, -2.0).by_lag == feeling("plain RNN", 0.9, 6.0).by_lag).all()


def test_a_frame_shows_the_numbers_that_were_measured():
    found, frame = feeling("LSTM", 1.0, 4.0), memory_frame("LSTM", 1.0, 4.0, 30)
    np.testing.assert_array_equal(frame.lines[1][1], found.by_lag)
    assert frame.lines[4] == ([30], [found.by_lag[30]])
    assert frame.overlays[0].values.shape == (1, LONGEST + 1)
    assert frame.overlays[0].values[0, -1] == shade(np.ones(1))[0] == 1
    assert f"≈{found.by_lag[30]:.2g} arrives 30 steps back" in frame.sentence


def test_the_quest_is_a_knifes_edge_of_the_plain_rnn():
    view = memory_view()
    met = [view.frame_at([0, gain, 2, 29]).quest_met for gain in range(len(GAINS))]
    assert any(met)
    assert sum(met) <= 4
    assert not met[0]
    assert not met[view.controls[1].start]
    others = itertools.product((1, 2), range(len(GAINS)), (0, len(BIASES) - 1))
    assert not any(view.frame_at([cell, gain, bias, 29]).quest_met for cell, gain, bias in others)


@pytest.mark.parametrize("cell", CELLS)
def test_a_look_is_at_what_stands_before_the_place_alone(cell):
    found = dependence(cell, 20)
    assert (found.weights[:20] > 0).all()
    assert not found.weights[20:].any()
    assert list(found.chances) == sorted(found.chances, reverse=True)


def test_a_look_is_the_gradient_by_what_the_embedding_gives():
    model, ids = speller.speller("LSTM"), torch.from_numpy(symbols(SAMPLE[:9]))[None]
    given = model.embedding(ids).detach().requires_grad_()
    states, _ = model.cell(given)
    jacobian = torch.stack([torch.autograd.grad(o, given, retain_graph=True)[0][0] for o in model.head(states[0, -1])])
    exact = (jacobian.square().sum(dim=(0, 2)) / len(jacobian)).sqrt().numpy()
    np.testing.assert_allclose(dependence("LSTM", 9).weights[:9], exact, rtol=0.5)  # 32 directions of 97


def test_the_first_and_the_last_place_have_their_frames():
    for place in (1, len(SAMPLE) - 1):
        frame = reading_frame("GRU", place)
        assert f"character {place + 1}" in frame.sentence


def test_the_quest_of_the_text_asks_for_a_right_guess_from_afar(monkeypatch):
    right = "␣" if SAMPLE[40] == " " else SAMPLE[40]
    for guess, afar, met in ((right, 0.5, True), (right, 0.2, False), ("~", 0.5, False)):
        weights = np.zeros(len(SAMPLE))
        weights[[34, 35]] = afar, 1.0  # six and five back
        found = speller.Dependence(weights=weights, guesses=(guess,) * 5, chances=(0.2,) * 5)
        monkeypatch.setattr(speller, "dependence", lambda cell, place, found=found: found)
        assert reading_frame("LSTM", 40).quest_met is met


def test_the_views_open():
    assert "plain RNN" in memory_view().scene["quest"]
    assert len(reading_view().controls[1].values) == len(SAMPLE) - 1
