import numpy as np
import pytest

from kit.explore.finetuning import Contest, Ranks, label_numbers, labels_frame, labels_view, rank_frame, rank_view

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
    say = [labels_frame([CONTEST], task=0, n_labels=n).sentence for n in LABELS]
    assert say[0].endswith("To do as well takes 40 labels from scratch, 2.5 times as many.")
    assert say[1].endswith("To do as well takes more than 256 labels from scratch, over 4.0 times as many.")
    assert say[2].endswith("To do as well takes more labels from scratch than the 256 that were tried.")


def test_no_bar_leaves_the_picture():
    for n_labels in label_numbers(CONTEST):
        (_, end), _ = labels_frame([CONTEST], task=0, n_labels=n_labels).lines[1]
        assert n_labels <= end < 2 * LABELS[-1]


def test_enough_is_the_smallest_rank_that_cannot_be_told_from_the_best():
    assert RANKS.enough == 1
    assert rank_frame(RANKS, 2).quest_met
    assert not rank_frame(RANKS, 4).quest_met
    assert "Rank 2 trains 200 numbers, 2.0% of the model" in rank_frame(RANKS, 2).sentence
