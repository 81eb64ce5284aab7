"""Claim C02: a network with dropout and one without, both tuned with as many trials.

Taught in: 07
"""

from functools import partial

import numpy as np

from kit.evidence.regularizers import measured
from kit.evidence.store import Experiment
from kit.explore.regularizers import Split, labelled_digits
from kit.learn.descent import Descent
from kit.learn.network import init_network, network_objective
from kit.learn.optimizers import adam, adamw
from kit.learn.search import tune
from kit.learn.training import train

STEPS = 200
RATES = tuple(0.001 * 2.0 ** np.arange(6))
SHARES = (0.2, 0.4, 0.6)  # of the hidden units that a step of dropout silences
STRENGTHS = (0.0, 0.1, 1.0)  # of weight decay: the baseline's second knob, so that it has as many trials
assert len(SHARES) == len(STRENGTHS)
WAYS = ("without", "with")


def trained(way: str, digits: Split, *, lr: float, place: int, seed: int) -> Descent:
    """Train 256 hidden units on 100 labelled digits, all at once; `place` is that of the second knob's value."""
    rng = np.random.default_rng(seed)
    start = init_network(n_features=64, n_hidden=256, n_classes=10, rng=rng)
    if way == "with":
        objective = network_objective(digits.x_train, digits.y_train, dropout_rate=SHARES[place], rng=rng)
        return train(objective, start, optimizer=adam(lr), n_steps=STEPS, record_every=STEPS)
    objective, rule = network_objective(digits.x_train, digits.y_train), adamw(lr, weight_decay=STRENGTHS[place])
    return train(objective, start, optimizer=rule, n_steps=STEPS, record_every=STEPS)


def losses(way: str, digits: Split, *, lr: float, place: int, seed: int) -> dict[str, float]:
    """Train, and measure the end without dropout on each part of the digits; infinite where it diverged."""
    path = trained(way, digits, lr=lr, place=place, seed=seed)
    if path.overflowed:
        return dict.fromkeys(("training", "validation", "test"), np.inf)
    ends = measured(path.points[-1], digits)
    return {"training": ends["training"], "validation": ends["validation"], "test": ends["new"]}


def with_and_without(*, seed: int) -> dict[str, float]:
    """Tune both ways as equals on one deal of the digits, and measure each at its best.

    Returns:
        Of each way its loss in "test" and "training", and the tuned "lr" and "place" of its second knob. The same
        of "neither": no weight decay either, so that it has the rate alone to tune.
    """
    digits = labelled_digits(np.random.default_rng(seed))

    def rival(way: str, *, lr: float, place: int, seed: int) -> float:
        return losses(way, digits, lr=lr, place=place, seed=seed)["validation"]

    rivals = {way: partial(rival, way) for way in WAYS}
    space, limits = {"lr": RATES, "place": range(len(SHARES))}, {"place": (0, len(SHARES) - 1)}
    found, numbers = tune(rivals, space, seeds=[seed], limits=limits), {}
    chosen = {way: found.best[way, None].setting for way in WAYS}
    plain = found.losses["without", None][:: len(STRENGTHS)]  # each rate without weight decay
    chosen["neither"] = {"lr": found.space["lr"][int(np.argmin(plain))], "place": STRENGTHS.index(0.0)}
    for way, setting in chosen.items():
        ends = losses("with" if way == "with" else "without", digits, **setting, seed=seed)
        numbers |= {f"{way} {part}": ends[part] for part in ("test", "training")}
        numbers |= {f"{way} {axis}": value for axis, value in setting.items()}
    return numbers


DROPPED = Experiment(
    name="dropout_or_not",
    measure=with_and_without,
    seeds=30,
    quantities=tuple(f"{way} {what}" for way in (*WAYS, "neither") for what in ("test", "training", "lr", "place")),
)
