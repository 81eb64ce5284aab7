from dataclasses import replace

import numpy as np
import pytest

from kit.explore.finetuning import Contest, Ranks, label_numbers, labels_frame, labels_view, rank_frame, rank_view

CONTEST = Contest(
    task="questions",
    n_labels=32,
    reached=np.array([0.5, 0.7]),
    labels={"from scratch": (16, 64, 256), "cheap baseline": (16, 32, 256)},
    scores={
        "from scratch": np.array([[0.1, 0.2, 0.8], [0.1, 0.4, 0.8]]),
        "cheap baseline": np.array([[0.2, 0.5, 0.9], [0.2, 0.5, 0.9]]),
    },
)
OTHER = replace(CONTEST, task="endings", n_labels=64, reached=np.array([0.9, 0.9]))
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


def test_a_rival_is_read_off_the_curve_between_the_numbers_tried():
    assert CONTEST.at("from scratch", 64) == pytest.approx(0.3)
    assert CONTEST.at("from scratch", 128) == pytest.approx(0.55)  # half-way on a log axis


def test_the_frame_says_what_is_right_and_where_the_one_from_scratch_has_caught_up():
    numbers = label_numbers(CONTEST)
    assert (numbers[0], numbers[-1]) == (16, 256)
    frames = [labels_frame([CONTEST, OTHER], task=0, place=place) for place in range(len(numbers))]
    assert frames[-1].sentence == (
        "From scratch, 256 labels make 80% right. The pre-trained model got 60% right with 32: 8.0 times its labels."
    )
    (met,) = (n for n, frame in zip(numbers, frames, strict=True) if frame.quest_met)
    assert met / 16 ** (1 / 24) - 1 < 64 * 4**0.6 <= met  # the first of the slider at or above it
    assert [place for place in range(len(numbers)) if labels_frame([OTHER], task=0, place=place).quest_met] == [24]


def test_enough_is_the_smallest_rank_that_cannot_be_told_from_the_best():
    assert RANKS.enough == 1
    assert rank_frame(RANKS, 2).quest_met
    assert not rank_frame(RANKS, 4).quest_met
    assert "Rank 2 trains 200 numbers, 2.0% of the model" in rank_frame(RANKS, 2).sentence
