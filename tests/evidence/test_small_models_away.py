"""The small models of notebooks 19 and 20 learn and answer on a GPU where there is one: here, on tests/away.py."""

import numpy as np
import pytest
import torch
from torch import nn

from kit.evidence import beyond_training, far_words, models, small_models, two_tasks
from tests.away import Away
from tests.house.test_away import moved

STEPS = 2


@pytest.fixture
def away(monkeypatch):
    """Let `device` name the device, and every training end after two steps."""
    learn = small_models.taught
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)  # it counts no versions, and the device's tensors do
    monkeypatch.setattr(nn.Module, "to", lambda self, place: moved(self))
    for module in (small_models, beyond_training, far_words):
        monkeypatch.setattr(module, "device", lambda: "meta")
    for module in (small_models, far_words):
        monkeypatch.setattr(module, "taught", lambda *given, **named: learn(*given, **{**named, "n_steps": STEPS}))
    for module, name in ((beyond_training, "best_rate"), (far_words, "best_rate")):
        monkeypatch.setattr(module, name, lambda *case: 1e-3)
    with Away():
        yield


def finite(found):
    return all(np.isfinite(value) for value in found.values())


@pytest.mark.parametrize("model", ["BERT", "GPT"])
def test_a_hidden_word_is_learned_and_found_there(away, model):
    assert finite(models.hidden_word(model, 0))


def test_tales_are_written_there(away, monkeypatch):
    monkeypatch.setattr(models, "N_WRITTEN", 2)
    gpt = small_models.trained(
        "GPT", small_models.next_word_batches(small_models.tale_rows(), seed=0, size=2), seed=0, lr=1e-3, n_steps=STEPS
    )
    assert len(models.by_model(gpt, seed=0)) == 2


def test_two_tasks_are_learned_and_judged_there(away):
    t5 = small_models.trained("T5", two_tasks.task_batches(("sum",), seed=0), seed=0, lr=1e-3, n_steps=STEPS, std=None)
    assert 0 <= two_tasks.exact(t5, "sum") <= 1


def test_long_texts_are_learned_and_read_there(away, monkeypatch):
    monkeypatch.setattr(beyond_training, "N_TRAIN", 600)
    monkeypatch.setattr(beyond_training, "N_FRESH", 150)
    assert finite(beyond_training.with_memory(0))
    assert finite(beyond_training.with_copies(0))


@pytest.mark.parametrize("model", far_words.ASK)
@pytest.mark.parametrize("sight", far_words.SIGHTS)
def test_far_words_are_asked_for_there(away, monkeypatch, model, sight):
    monkeypatch.setattr(far_words, "N_TRAIN", 20)
    monkeypatch.setattr(far_words, "N_FRESH", 4)
    assert np.isfinite(far_words.bits_asked(model, sight, 1e-3, 0))


def test_the_processor_is_taken_where_there_is_no_gpu():
    assert small_models.device() == ("cuda" if torch.cuda.is_available() else "cpu")
