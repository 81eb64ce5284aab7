"""The contests of notebook 21, in small: what is written, what is trained, and what the cheap baselines do."""

from typing import Any

import numpy as np
import pytest
import torch

from kit.evidence.finetuning import (
    METHODS,
    SETTINGS,
    TASKS,
    chosen,
    counted_phrases,
    labelled,
    looked_up,
    score,
    share_right,
    tuned,
    written,
)
from kit.evidence.reading import RIVALS, code_bits, reader, story_gpt
from kit.text.story_tasks import decode
from kit.train.lora import LoRALinear


def test_labelled_texts_carry_the_targets_of_the_grammar():
    endings = labelled("endings", 5, seed=3)
    assert endings.targets.tolist() == [ending.happy for ending in written("endings", 5, seed=3)]
    questions = labelled("questions", 5, seed=3)
    for row, allowed, (first, last), question in zip(
        questions.ids, questions.allowed, questions.targets.tolist(), written("questions", 5, seed=3), strict=True
    ):
        assert decode(row[first : last + 1].numpy()) == question.answer
        assert allowed[first : last + 1].all()
        assert not allowed[: len(question.text.split())].any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", ["full", "LoRA", "head alone"])
def test_each_method_trains_what_it_says_and_leaves_its_start_alone(task, method):
    start = story_gpt(0, d_model=8)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    model: Any = tuned(start, labelled(task, 4, seed=0), method, lr=1e-2, n_steps=12, rank=1, seed=0)
    assert all(torch.equal(before[name], value) for name, value in start.state_dict().items())
    after = model.encoder.state_dict()
    moved = [name for name in before if name in after and not torch.equal(before[name], after[name])]
    assert bool(moved) == (method == "full")
    assert any(isinstance(layer, LoRALinear) for layer in model.modules()) == (method == "LoRA")
    assert 0 <= share_right(model, labelled(task, 10, seed=1)) <= 1


def test_the_cheap_baselines_know_what_they_were_shown():
    endings, questions = written("endings", 40, seed=0), written("questions", 40, seed=0)
    assert counted_phrases(endings, endings, strength=100.0) == 1
    assert looked_up(questions, questions) > 0.8
    assert looked_up(questions[:1], written("questions", 40, seed=1)) < 0.5


def test_a_reader_is_trained_once_and_every_seed_reads_its_own():
    assert reader(0, 408) is reader(0, 408)
    weights = [reader(seed, 408).token_embedding.weight for seed in (0, 1)]
    assert not torch.equal(*weights)


def test_every_method_has_a_rate_and_a_score():
    for method in METHODS:
        assert chosen("endings", method) in (*SETTINGS["full"], *SETTINGS["LoRA"], *SETTINGS["head alone"])
    assert score("endings", "LoRA of rank 1", 32, 1e-2, 0, n_read=408) != score(
        "endings", "full", 32, 4e-3, 0, n_read=408
    )


def test_the_rivals_on_code_are_measured_in_bits_per_byte():
    bits = [code_bits(rival, 0)["bits"] for rival in RIVALS[1:]]
    assert np.all(np.array(bits) < 8)
    assert np.argmin(bits) == 1
