"""Claim C03: letters, faces and digits drawn anew, judged by pictures that are moved and never augmented."""

import numpy as np
import pytest
import torch
from torch import nn

from kit.evidence import augmentation
from kit.evidence.augmentation import (
    BLURRED,
    BLURS,
    FAMILIES,
    N_LETTERS,
    RATES,
    SHIFTS,
    STEPS,
    TASKS,
    TRIED,
    WAYS,
    accuracy,
    chosen,
    sides,
)
from kit.evidence.store import stored
from kit.learn.augmentation import neighbours, shift
from kit.learn.glyphs import draw


class Corner(nn.Module):
    """Answers 1 where the pixel in the middle is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x[:, 0, 2, 2] * self.scale
        return torch.stack([0.5 - bright, bright - 0.5], dim=1)


def rows_of(side) -> set:
    return {picture.tobytes() for picture in side[0]}


@pytest.mark.parametrize("task", TASKS)
def test_no_picture_is_on_two_sides_and_what_chooses_never_counts(task):
    tried, counted = sides(task, TRIED), [sides(task, seed) for seed in range(3)]
    for train, test in (tried, *counted):
        assert not rows_of(train) & rows_of(test)
    choosing, counting = (
        set().union(*(rows_of(side) for pair in pairs for side in pair)) for pairs in ([tried], counted)
    )
    assert not choosing & counting


def test_a_family_of_faces_is_held_out_whole_and_another_in_another_repetition(monkeypatch):
    drawn = []
    monkeypatch.setattr(augmentation, "draw", lambda letters, face: drawn.append(face) or draw(letters, face=face))
    for seed in range(8):
        (x, y), (x_test, y_test) = sides.__wrapped__("glyphs", seed)
        assert np.bincount(y).tolist() == [8] * N_LETTERS
        assert np.bincount(y_test).tolist() == [4] * N_LETTERS
        assert (len(x), len(x_test)) == (8 * N_LETTERS, 4 * N_LETTERS)
    held_out = [{face.split()[0] for face in drawn[place + 8 : place + 12]} for place in range(0, len(drawn), 12)]
    trained_on = [{face.split()[0] for face in drawn[place : place + 8]} for place in range(0, len(drawn), 12)]
    assert set().union(*held_out) == set(FAMILIES)
    assert all(len(out) == 1 and not out & on for out, on in zip(held_out, trained_on, strict=True))


def test_accuracy_is_the_mean_over_eight_moves():
    images = np.zeros((4, 5, 5))
    images[[0, 1], 2, 2] = 1
    images[2, 1, 1] = 1
    labels, model = np.array([1, 1, 0, 0]), Corner()
    assert accuracy(model, images, labels, distance=0) == 1
    by_hand = [(shift(images, np.tile(move, (4, 1)))[:, 2, 2] > 0.5).astype(int) == labels for move in neighbours(1)]
    assert accuracy(model, images, labels, distance=1) == np.mean(by_hand)
    assert accuracy(model, images, labels, distance=1) < 0.6


def test_only_training_is_augmented(monkeypatch):
    seen = []

    def augment(images, *, rng):
        seen.append(len(images))
        return images

    monkeypatch.setattr(augmentation.augmentation, "augment", augment)
    model = augmentation.trained("digits", "with", "no blur", lr=0.03, n_steps=2, seed=0)
    accuracy(model, *sides("digits", 0)[1], distance=0)
    assert seen == [augmentation.BATCH] * 2
    augmentation.trained("digits", "without", "no blur", lr=0.03, n_steps=1, seed=0)
    assert len(seen) == 2


@pytest.mark.parametrize("task", TASKS)
def test_with_and_without_had_the_same_trials(task):
    found = chosen(task)
    assert {len(losses) for losses in found.losses.values()} == {len(RATES) * len(STEPS)}
    assert len(found.best) == len(WAYS) * len(BLURS)
    for way in WAYS:
        assert found.best[f"{way}, {BLURS[0]}", None].setting["lr"] not in (RATES[0], RATES[-1])


def test_as_many_repetitions_are_stored_as_the_sentence_plans():
    assert stored(SHIFTS, "two").shape == (20, len(TASKS), len(WAYS))
    assert stored(BLURRED, "two").shape == (3, len(TASKS), len(WAYS))
    assert all(stored(SHIFTS, name).min() >= 0 and stored(SHIFTS, name).max() <= 1 for name in SHIFTS.quantities)
