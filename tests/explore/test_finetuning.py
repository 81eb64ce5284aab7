from typing import Any

import numpy as np
import pytest
import torch

from kit.explore.finetuning import (
    METHODS,
    TASKS,
    Contest,
    Ranks,
    label_numbers,
    labelled,
    labels_frame,
    labels_view,
    rank_frame,
    rank_view,
    share_right,
    story_gpt,
    tuned,
)
from kit.text.story_tasks import decode, write_endings, write_questions
from kit.train.lora import LoRALinear

LABELS = (16, 64, 256)
CONTEST = Contest(
    task="questions",
    labels=LABELS,
    scores={
        "from scratch": np.array([[0.1, 0.2, 0.4], [0.1, 0.3, 0.6]]),
        "full": np.array([[0.2, 0.6, 0.9], [0.2, 0.6, 0.9]]),
    },
)
OTHER = Contest(task="endings", labels=LABELS, scores={name: s / 2 for name, s in CONTEST.scores.items()})
RANKS = Ranks(
    ranks=(1, 2, 4),
    trained=(100, 200, 400),
    scores=np.array([[0.5, 0.8, 0.8], [0.5, 0.9, 0.8], [0.6, 0.8, 0.9]]),
    full_trained=10_000,
    full_scores=np.array([0.8, 0.9, 0.85]),
)


def labels_of_a_contest():
    """Open the view of measured labels on numbers made up."""
    return labels_view([CONTEST, OTHER])


def ranks_of_a_contest():
    """Open the view of measured ranks on numbers made up."""
    return rank_view(RANKS)


def test_labels_needed_are_read_off_the_curve_between_the_numbers_tried():
    assert CONTEST.at("full", 64) == pytest.approx(0.6)
    assert CONTEST.at("full", 32) == pytest.approx(0.4)  # half-way on a log axis
    assert CONTEST.needed("full", 0.4) == pytest.approx(32)
    assert CONTEST.needed("from scratch", 0.51) == np.inf


def test_the_frame_says_how_many_times_the_labels_are_needed_from_scratch():
    n = label_numbers(CONTEST)
    assert (n[0], n[-1]) == (16, 256)
    assert "from scratch takes 40, 2.5 times as many." in labels_frame([CONTEST], task=0, n_labels=16).sentence
    assert "takes over 256, more than 4.0 times as many." in labels_frame([CONTEST], task=0, n_labels=64).sentence


def test_enough_is_the_smallest_rank_that_cannot_be_told_from_training_everything():
    assert RANKS.enough == 1
    assert rank_frame(RANKS, 2).quest_met
    assert not rank_frame(RANKS, 4).quest_met
    assert "Rank 2 trains 200 numbers, 2.0% of the model" in rank_frame(RANKS, 2).sentence


def test_labelled_texts_carry_the_targets_of_the_grammar():
    endings = labelled("endings", 5, seed=3)
    assert endings.targets.tolist() == [e.happy for e in write_endings(5, rng=np.random.default_rng(3))]
    questions = labelled("questions", 5, seed=3)
    for row, allowed, (first, last), question in zip(
        questions.ids,
        questions.allowed,
        questions.targets.tolist(),
        write_questions(5, rng=np.random.default_rng(3)),
        strict=True,
    ):
        assert decode(row[first : last + 1].numpy()) == question.answer
        assert allowed[first : last + 1].all()
        assert not allowed[: len(question.text.split())].any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_each_method_trains_what_it_says_and_leaves_its_start_alone(task, method):
    start = story_gpt(0, d_model=8)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    model: Any = tuned(start, labelled(task, 4, seed=0), method, lr=1e-2, n_steps=12, batch_size=2, rank=1, seed=0)
    assert all(torch.equal(before[name], value) for name, value in start.state_dict().items())
    after = model.encoder.state_dict()
    moved = [name for name in before if name in after and not torch.equal(before[name], after[name])]
    assert bool(moved) == (method in ("full", "from scratch"))
    assert any(isinstance(layer, LoRALinear) for layer in model.modules()) == (method == "LoRA")
    assert 0 <= share_right(model, labelled(task, 10, seed=1)) <= 1
