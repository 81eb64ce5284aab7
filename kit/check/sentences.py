"""Sentences: what decides a claim, read from data/sentences.csv, and judged by one number for each repetition.

Quantity, relation, bar, cases, repetitions and kind were written down before any run. The kind says how:

    paired   the mean over repetitions; of logarithms where the quantity is a ratio, "one / other"
    time     the same of logarithms of seconds, ratios of seconds or speeds, corrected for skewness
    slope    the mean of one slope for each repetition
    share    Wilson's interval of 0s and 1s, or of a share in each repetition
    exact    counted: every number must lie beyond the bar, and none has an interval. The relation "exact" takes
             deviations: 0, or within what the quantity allows, as in "within 3% of"

Taught in: every notebook
"""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import mul

import numpy as np

from kit.arguments import instance, one_of, real_array
from kit.files import data_file
from kit.learn.intervals import Interval, estimate_mean, estimate_ratio, estimate_share

HOLDS, FAILS, IN_PART = "holds", "fails", "holds in part"
NOT_SHOWN, NOT_HERE = "not shown", "not settled here"
KINDS = ("paired", "time", "slope", "share", "exact")
RELATIONS = (">", "<", "exact")
ONE = ""  # the name of the case of a sentence that has no cases


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A row of data/sentences.csv.

    Args:
        cases: their names; none where the row only says how many there are.
        n_cases: how many, or how many at least where `cases` is empty.
        planned: repetitions for each case, at least.
    """

    id: str
    text: str
    quantity: str
    relation: str
    bar: float
    cases: tuple[str, ...]
    n_cases: int
    plan: str
    planned: int
    kind: str

    @property
    def is_ratio(self) -> bool:
        """Whether repetitions are compared in logarithms."""
        return self.kind == "time" or (self.kind == "paired" and " / " in self.quantity)

    @property
    def both_sides(self) -> bool:
        """Whether the bar stands on both sides of 0: a bias or a shift has a sign, and its size is that of its mean.

        The mean of absolute values would not do: noise alone lifts it above 0.
        """
        return self.quantity.startswith(("absolute bias", "absolute shift"))

    @property
    def rule(self) -> str:
        """The quantity with its bar, to be read."""
        return self.quantity if self.relation == "exact" else f"{self.quantity} {self.relation} {self.bar:g}"


@dataclass(frozen=True)
class Lacking:
    """Stands in the place of numbers that this machine cannot give: `Lacking("needs an NVIDIA GPU")`."""

    what: str

    def __post_init__(self):
        instance("what", self.what, str)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the repetitions of one case say: its outcome, and by how much.

    Args:
        interval: of the quantity; None where it was counted, or nothing was measured.
        margin: how many standard errors the estimate lies from the bar; None where there are none to count.
        lacking: what this machine lacks, where nothing was measured.
    """

    case: str
    outcome: str
    numbers: tuple[float, ...] = ()
    interval: Interval | None = None
    margin: float | None = None
    lacking: str = ""


@cache
def sentences() -> dict[str, tuple[Sentence, ...]]:
    """Read data/sentences.csv: each claim's identifier to its sentences."""
    found: dict[str, tuple[Sentence, ...]] = {}
    with data_file("sentences.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            claim = row["id"].partition(".")[0]
            found[claim] = (*found.get(claim, ()), _sentence(row))
    return found


def _sentence(row: dict[str, str]) -> Sentence:
    relation, kind = one_of("row", row["relation"], RELATIONS), one_of("row", row["kind"], KINDS)
    allowed = re.search(r"within (\d+(?:\.\d+)?)%", row["quantity"])
    exact = float(allowed[1]) / 100 if allowed else 0.0
    try:
        bar = exact if relation == "exact" else float(row["bar"])
    except ValueError:
        raise ValueError(f"row {row['id']} must have a number as its bar, got {row['bar']!r}") from None
    cases = _case_names(row["cases"])
    return Sentence(
        id=row["id"],
        text=row["sentence"],
        quantity=row["quantity"],
        relation=relation,
        bar=bar,
        cases=cases,
        n_cases=len(cases) or _product(row["cases"]),
        plan=row["repetitions"],
        planned=1 if row["repetitions"].startswith("counted") else _product(row["repetitions"]),
        kind=kind,
    )


def judge(sentence: Sentence, case: str, numbers: Sequence[float] | np.ndarray) -> Result:
    """Judge one case by its repetitions: it holds if the whole interval lies beyond the bar.

    Raises:
        TypeError, ValueError: if the numbers are not finite, too few, or none that the sentence can have.
    """
    instance("sentence", sentence, Sentence)
    place = f"numbers of {sentence.id}{f', {case}' if case else ''}"
    array = np.ravel(real_array(place, numbers)).astype(float)
    if sentence.kind == "exact":
        held = {">": array > sentence.bar, "<": array < sentence.bar, "exact": np.abs(array) <= sentence.bar}
        outcome = HOLDS if held[sentence.relation].all() else FAILS
        return Result(case=case, outcome=outcome, numbers=tuple(array.tolist()))
    if len(array) < 2:
        raise ValueError(f"{place} must be two or more repetitions, got {len(array)}")
    if sentence.is_ratio and array.min() <= 0:
        raise ValueError(f"{place} must be > 0, as ratios are, got {array.min():g}")
    if sentence.kind == "share" and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"{place} must be from 0 to 1, as shares are, got {array.min():g} to {array.max():g}")
    if sentence.quantity.startswith("absolute") and not sentence.both_sides and array.min() < 0:
        raise ValueError(f"{place} must be >= 0, as absolute values are, got {array.min():g}")
    if sentence.is_ratio:
        interval = estimate_ratio(array, skewed=sentence.kind == "time")
    else:
        interval = estimate_share(array) if sentence.kind == "share" else estimate_mean(array)
    outcome = _outcome(sentence, interval)
    margin = interval.margin(_nearest_bar(sentence, interval))
    return Result(case=case, outcome=outcome, numbers=tuple(array.tolist()), interval=interval, margin=margin)


def together(outcomes: Sequence[str]) -> str:
    """Join the outcomes of a sentence's cases, or of a claim's sentences, into one.

    It holds if all do, fails if all do, and is not settled here where a machine is lacking; else it holds in
    part where anything holds, and is not shown where nothing does.

    Raises:
        ValueError: if there are none, or one is no outcome.

    >>> together(["holds", "fails"]), together(["fails", "not shown"])
    ('holds in part', 'not shown')
    """
    if len(outcomes) == 0:
        raise ValueError("outcomes must be one or more, got none")
    found = {one_of("outcomes", each, (HOLDS, FAILS, IN_PART, NOT_SHOWN, NOT_HERE)) for each in outcomes}
    if NOT_HERE in found:
        return NOT_HERE
    if len(found) == 1:
        return found.pop()
    return IN_PART if found & {HOLDS, IN_PART} else NOT_SHOWN


def _outcome(sentence: Sentence, interval: Interval) -> str:
    bar, low, high = sentence.bar, interval.low, interval.high
    if sentence.both_sides:  # "absolute bias < bar", "absolute shift > bar"
        inside, outside = -bar < low and high < bar, low > bar or high < -bar
        holds, fails = (outside, inside) if sentence.relation == ">" else (inside, outside)
        return HOLDS if holds else FAILS if fails else NOT_SHOWN
    above, below = low > bar, high < bar
    holds, fails = (above, below) if sentence.relation == ">" else (below, above)
    return HOLDS if holds else FAILS if fails else NOT_SHOWN


def _nearest_bar(sentence: Sentence, interval: Interval) -> float:
    return math.copysign(sentence.bar, interval.estimate) if sentence.both_sides else sentence.bar


def _case_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("|"))
    if len(names) == 1:
        return (ONE,) if not text else () if re.match(r"\d", text) else names
    unit = re.fullmatch(r"[\d,]+ (\D+)", names[-1])
    if unit and all(re.fullmatch(r"[\d,]+", name) for name in names[:-1]):  # "256 | 512 tokens"
        names = (*(f"{name} {unit[1]}" for name in names[:-1]), names[-1])
    return names


def _product(text: str) -> int:
    """Read how many: "30 drawn tables", "4 real tables x 10 splits", "paired by user, 5 splits"."""
    first = re.search(r"\d+(?:[^x\d]* x \d+)*", text)
    return reduce(mul, map(int, re.findall(r"\d+", first[0])), 1) if first else 1
