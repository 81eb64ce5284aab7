"""Claim C03: does augmentation raise the accuracy, on pictures as they are and on moved ones? Digits and glyphs.

A small CNN of three rounds learns from few pictures: 500 digits of MNIST, or 50 Latin letters in the eight faces of
two families, while the four faces of the third are held out. (With one face alone held out, its siblings give it
away: the trials were at 100%.) With augmentation every picture is moved, turned and enlarged a little, anew each time
that it is looked at. The pictures that judge are never augmented: moved ones are moved by whole pixels, 1 or 2, in
each of eight directions.

    SHIFT_TRIALS     every rate and length of training, with and without augmentation and blur, on other pictures
    chosen(task)     the best of each
    SHIFTS           each at its setting, without blur; a repetition draws digits, or letters and the family, first
                     weights and order
    BLURRED          the same with a blur before each stride, in fewer repetitions

What decides, written before any run that counts: the net without a blur, as most are. C03.1 is its accuracy on
pictures as they are; C03.2 its mean over the sixteen moves by one and by two pixels. Rates and lengths are tuned with
and without alike. The blur's numbers are shown beside, and decide nothing.

Taught in: 12
"""

from functools import cache, partial

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from kit.arguments import count, one_of
from kit.evidence.store import Experiment, stored
from kit.learn import augmentation
from kit.learn.augmentation import neighbours, shift
from kit.learn.glyphs import FACES, draw, latin_letters
from kit.learn.search import Search, tune
from kit.models.cnn import CNN, CNNConfig
from kit.train.pictures import digits, fit_pictures, predict

TASKS, WAYS, BLURS = ("digits", "glyphs"), ("without", "with"), ("no blur", "blur")
WIDTHS, BATCH = (8, 16, 32), 32
FAMILIES = ("Sans", "Mono", "Serif")  # as the names of their faces begin
N_DIGITS, N_LETTERS, N_TEST = 500, 50, 500
RATES, STEPS = (0.003, 0.01, 0.03, 0.1), (200, 400)
RESERVED = 1_500, 150  # digits and letters to choose by
TRIED = 1_000
"""The seeds of trials start here."""

Side = tuple[np.ndarray, np.ndarray]  # pictures and labels; the two sides differ in number


@cache
def sides(task: str, seed: int) -> tuple[Side, Side]:
    """Draw pictures to train on, and others to judge; seeds of trials draw from digits and letters that never count.

    Raises:
        TypeError, ValueError: if `task` is none of `TASKS`, or `seed` is no whole number of at least 0.
    """
    tried, rng = TRIED <= count("seed", seed, at_least=0) < 2 * TRIED, np.random.default_rng(seed)
    if one_of("task", task, TASKS) == "digits":
        images, labels = digits()
        pool = _half(len(labels), RESERVED[0], reserved=tried)
        rows = rng.permutation(pool)
        train, test = rows[:N_DIGITS], rows[N_DIGITS : N_DIGITS + N_TEST]
        return (images[train], labels[train]), (images[test], labels[test])
    letters = np.array(latin_letters())
    pool = _half(len(letters), RESERVED[1], reserved=tried)
    drawn, held_out = letters[rng.permutation(pool)[:N_LETTERS]].tolist(), rng.choice(FAMILIES)
    parts = [[face for face in FACES if face.startswith(held_out) == out] for out in (False, True)]
    train, test = (
        (np.concatenate([draw(drawn, face=face) for face in part]), np.tile(np.arange(N_LETTERS), len(part)))
        for part in parts
    )
    return train, test


def _half(n: int, n_reserved: int, *, reserved: bool) -> Int[np.ndarray, "some"]:
    """Give the places that are kept to choose by, or all others."""
    order = np.random.default_rng(12).permutation(n)
    return order[:n_reserved] if reserved else order[n_reserved:]


def trained(task: str, way: str, blur: str, *, lr: float, n_steps: int, seed: int) -> nn.Module:
    """Train the small CNN, with or without augmentation, with or without a blur before each stride.

    Raises:
        TypeError, ValueError: as `sides`, or if `way` is none of `WAYS`, or `blur` none of `BLURS`.
    """
    one_of("way", way, WAYS)
    (x, y), _ = sides(task, seed)
    config = CNNConfig(widths=WIDTHS, n_classes=int(y.max()) + 1, blur=one_of("blur", blur, BLURS) == "blur")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CNN(config)
    moved = augmentation.augment if way == "with" else None
    rng = np.random.default_rng(seed)
    fit_pictures(model, x, y, n_steps=n_steps, batch_size=BATCH, lr=lr, rng=rng, augment=moved)
    return model


def accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray, *, distance: int) -> float:
    """Measure the share right of pictures that are all moved by so many pixels, over eight directions; 0 moves none.

    Raises:
        TypeError, ValueError: as `shift`, `neighbours` and `predict`.
    """
    moves = neighbours(distance)
    right = [predict(model, shift(images, np.tile(move, (len(images), 1)))) == labels for move in moves]
    return float(np.mean(right))


def trial(task: str, way: str, blur: str, lr: float, n_steps: int, seed: int) -> dict[str, float]:
    """Try a setting on pictures that do not count later, as they are and moved by two pixels."""
    seed = TRIED + seed % TRIED
    model, (_, test) = trained(task, way, blur, lr=lr, n_steps=n_steps, seed=seed), sides(task, seed)
    return {"clean": accuracy(model, *test, distance=0), "moved": accuracy(model, *test, distance=2)}


SHIFT_TRIALS = Experiment(
    name="shift_trials",
    measure=trial,
    factors={"task": TASKS, "way": WAYS, "blur": BLURS, "lr": RATES, "n_steps": STEPS},
    seeds=1,
    quantities=("clean", "moved"),
)


@cache
def chosen(task: str) -> Search:
    """Search the stored trials of a task by the accuracy on pictures as they are: one grid, with and without.

    Raises:
        ValueError: if `task` is none of `TASKS`, or a trial is not stored.
    """
    rivals = [(way, blur) for way in WAYS for blur in BLURS]
    trials = {rival: 1 - stored(SHIFT_TRIALS, "clean", task=task, way=rival[0], blur=rival[1]) for rival in rivals}

    def wrong(rival: tuple[str, str], lr: float, n_steps: int, seed: int) -> float:
        return float(trials[rival][seed, RATES.index(lr), STEPS.index(n_steps)])

    space = {"lr": RATES, "n_steps": STEPS}
    named = {", ".join(rival): partial(wrong, rival) for rival in rivals}
    return tune(named, space, seeds=range(SHIFT_TRIALS.seeds), growths=0)


def measured(task: str, way: str, blur: str, seed: int) -> dict[str, float]:
    """Measure a net at its setting: on pictures as they are, and moved by one and by two pixels."""
    setting = chosen(task).best[f"{way}, {blur}", None].setting
    model, (_, test) = trained(task, way, blur, **setting, seed=seed), sides(task, seed)
    return {name: accuracy(model, *test, distance=distance) for distance, name in enumerate(("clean", "one", "two"))}


def as_most(task: str, way: str, seed: int) -> dict[str, float]:
    """Measure the net without a blur."""
    return measured(task, way, BLURS[0], seed)


def blurred(task: str, way: str, seed: int) -> dict[str, float]:
    """Measure the net with a blur before each stride."""
    return measured(task, way, BLURS[1], seed)


FACTORS, MOVED = {"task": TASKS, "way": WAYS}, ("clean", "one", "two")
SHIFTS = Experiment(name="shifts", measure=as_most, factors=FACTORS, seeds=20, quantities=MOVED)
BLURRED = Experiment(name="shifts_blurred", measure=blurred, factors=FACTORS, seeds=3, quantities=MOVED)
