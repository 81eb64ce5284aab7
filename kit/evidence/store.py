"""Experiments of many repetitions: run by one command, stored, read back, and checked by a part run live.

A contest of hundreds of trainings is no cell of a notebook. Its numbers are made by

    python run.py evidence            every experiment; what is stored already is not run again
    python run.py evidence labels     the one named

and stored under data/measured/, a line for each run with date, machine and commit. A notebook reads
them, shows them, and runs a few of them again where its reader sits. `--fresh` draws everything anew, by seeds
that nobody has seen, and stores it apart: whoever doubts a verdict can try it again.

Taught in: every notebook
"""

import csv
import inspect
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from kit.arguments import count, function, instance, real_array
from kit.check.card import GREEN, ORANGE, Card
from kit.files import DATA

ORIGIN = ("date", "machine", "commit")
ROUNDING = 0.02  # of the mean: what another processor's rounding may move in a trained model
CONFIDENCE = 0.99
FIRST_SEED, FRESH = "KIT_FIRST_SEED", 7_000  # the environment's variable, and its value for fresh draws


def first_seed() -> int:
    """Give the seed at which the repetitions of every experiment begin: 0, or what the environment says."""
    return int(os.environ.get(FIRST_SEED, "0"))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One measurement, at every combination of some factors, with some seeds.

    Args:
        name: of its file, data/measured/<name>.csv.
        measure: from the factors and `seed`, all by name, to what was measured: name to number.
        factors: the values of each factor, in the order in which they run; the last one changes fastest.
        seeds: how many repetitions each combination has: seeds 0, 1, ..., or as many from `first_seed`.
        quantities: the names of what `measure` gives.
        alone: whether no other run may be at work beside one of these, as where it is the clock that counts.

    Raises:
        TypeError, ValueError: if `measure` does not take the factors and a seed, `seeds` < 1, or
            there is nothing to measure.
    """

    name: str
    measure: Callable[..., Mapping[str, float]]
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seeds: int
    quantities: tuple[str, ...]
    alone: bool = False

    def __post_init__(self):
        function("measure", self.measure)
        count("seeds", self.seeds)
        if not self.quantities:
            raise ValueError("quantities must name at least one, got none")
        asked = set(inspect.signature(self.measure).parameters)
        if asked != {*self.factors, "seed"}:
            raise ValueError(f"measure must take {', '.join([*self.factors, 'seed'])}; got {', '.join(sorted(asked))}")

    @property
    def path(self) -> Path:
        """Where the numbers stand."""
        first = first_seed()
        return DATA / "measured" / (f"seeds from {first}" if first else "") / f"{self.name}.csv"

    @property
    def columns(self) -> list[str]:
        """Name what a line of the file holds."""
        return [*self.factors, "seed", *self.quantities, *ORIGIN]

    def runs(self) -> Iterator[dict[str, Any]]:
        """Give every combination of factors and seed: a whole seed before the next begins."""
        for seed in range(first_seed(), first_seed() + self.seeds):
            for values in itertools.product(*self.factors.values()):
                yield dict(zip(self.factors, values, strict=True)) | {"seed": seed}


def key(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Name a run as its line in the file does."""
    return tuple(str(value) for value in run.values())


def stored_lines(experiment: Experiment) -> dict[tuple[str, ...], dict[str, str]]:
    """Read what is stored: for each run its line, by the names of the columns."""
    if not experiment.path.is_file():
        return {}
    with experiment.path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return {tuple(line[name] for name in (*experiment.factors, "seed")): line for line in lines}


def stored(experiment: Experiment, quantity: str, **fixed: Any) -> Float[np.ndarray, "seeds ..."]:
    """Read one quantity: an axis for the seeds, then one for each factor that is not fixed, in their order.

    Raises:
        TypeError: if `experiment` is not an Experiment.
        ValueError: if `quantity` is not measured, a fixed factor or its value is not there, or a run is missing.
    """
    instance("experiment", experiment, Experiment)
    if quantity not in experiment.quantities:
        raise ValueError(f"quantity must be one of {', '.join(experiment.quantities)}; got {quantity!r}")
    for name, value in fixed.items():
        if value not in experiment.factors.get(name, ()):
            raise ValueError(f"{name} must be a factor and have one of its values, got {value!r}")
    lines = stored_lines(experiment)
    kept = [run for run in experiment.runs() if all(run[name] == value for name, value in fixed.items())]
    missing = [run for run in kept if key(run) not in lines]
    if missing:
        raise ValueError(f"quantity must be stored for every run: python run.py evidence {experiment.name}; "
                         f"{len(missing)} are missing, the first at {missing[0]}")  # fmt: skip
    shape = [len(values) for name, values in experiment.factors.items() if name not in fixed]
    return np.array([float(lines[key(run)][quantity]) for run in kept]).reshape(experiment.seeds, *shape)


def origin(experiment: Experiment) -> str:
    """Say when, where and with which commit the numbers were made.

    Raises:
        TypeError, ValueError: if `experiment` is not an Experiment, or nothing of it is stored.
    """
    instance("experiment", experiment, Experiment)
    lines = list(stored_lines(experiment).values())
    if not lines:
        raise ValueError(f"experiment must be stored: python run.py evidence {experiment.name}")
    made = {name: sorted({line[name] for line in lines}) for name in ORIGIN}
    return f"{len(lines)} runs, {' and '.join(made['machine'])}, {made['date'][-1]}, commit {made['commit'][-1]}"


def interval_of_the_next(numbers: Sequence[float]) -> tuple[float, float]:
    """Bound the next repetition by those before it: where it falls with 99% chance, if all are alike.

        mean ± t · s · √(1 + 1/n), and at least 2% of the mean on either side

    Raises:
        TypeError, ValueError: if they are not finite real numbers, or fewer than two.

    Source: any textbook's prediction interval, with Student's t of n - 1 degrees of freedom.
    """
    array = real_array("numbers", numbers, ndim=1)
    if len(array) < 2:
        raise ValueError(f"numbers must be two or more, got {len(array)}")
    n, mean = len(array), float(array.mean())
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
    half = max(t * float(array.std(ddof=1)) * math.sqrt(1 + 1 / n), ROUNDING * abs(mean))
    return mean - half, mean + half


def live(experiment: Experiment, *, seed: int = 0, **at: Any) -> Card:
    """Run one repetition here and now, and hold it against those that are stored.

    Raises:
        TypeError, ValueError: if a factor is left out, a value is not one of its values, or `seed` < 0.
    """
    instance("experiment", experiment, Experiment)
    count("seed", seed, at_least=0)
    if set(at) != set(experiment.factors):
        raise ValueError(f"at must give {', '.join(experiment.factors)}; got {', '.join(at) or 'nothing'}")
    repetitions = {quantity: stored(experiment, quantity, **at) for quantity in experiment.quantities}
    measured = experiment.measure(seed=seed, **at)
    lines, agreed = [], True
    for quantity, numbers in repetitions.items():
        low, high = interval_of_the_next(numbers.tolist())
        inside = low <= measured[quantity] <= high
        agreed &= inside
        lines.append(f"{quantity}: here ≈{measured[quantity]:.3g}, {'inside' if inside else 'OUTSIDE'} "
                     f"{low:.3g} to {high:.3g}, from {len(numbers)} stored repetitions")  # fmt: skip
    where = ", ".join(f"{name} {value}" for name, value in at.items()) or experiment.name
    heading = f"{where}: {'agrees with' if agreed else 'differs from'} what is stored"
    return Card(color=GREEN if agreed else ORANGE, heading=heading, lines=tuple(lines))
