"""Simulated worlds whose truth is known: how often an interval holds it, and how often a verdict is wrong.

    python -m tests.check.worlds          1,000 worlds a kind

In each world a sentence is judged as `settle` judges it. Coverage is counted at the truth. Verdicts are counted
where the truth lies on the bar itself: there the sentence neither holds nor fails, and each of the two comes by
mistake. Two controls stand beside it: worlds in which the sentence is true, and worlds in which it is false.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from kit.check.sentences import FAILS, HOLDS, Sentence, judge, sentences
from kit.learn.intervals import estimate_by_bootstrap, estimate_mean, slopes

WORLDS = 1_000
LOWEST, HIGHEST, WRONG = 0.93, 0.97, 0.05
ROWS = {row.id: row for rows in sentences().values() for row in rows}
Draw = Callable[[np.random.Generator, float], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of world: the row that judges it, how repetitions are drawn around a truth, and two truths far away."""

    row: Sentence
    draw: Draw
    true: float
    false: float


def rows_of_one(row: str, bar: float) -> Sentence:
    """Take a row of data/sentences.csv, and put its bar where the simulation wants it."""
    return replace(ROWS[row], bar=bar)


def slow_and_late(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw what a machine adds to the logarithm of a time: a little, and now and then much; its mean is 0."""
    return 0.05 * rng.normal(size=n) + 0.15 * (rng.exponential(size=n) - 1)


def lines(rng: np.random.Generator, truth: float) -> np.ndarray:
    sizes = np.log([1e3, 1e4, 1e5])
    own = truth + 0.1 * rng.normal(size=(10, 1))  # each repetition has a slope of its own
    return slopes(own * sizes + 0.3 * rng.normal(size=(10, 3)), sizes)


def several_trials(rng: np.random.Generator, truth: float) -> np.ndarray:
    """Draw 20 nets, each with a rate of its own around the truth, and 50 trials of each."""
    return rng.binomial(50, rng.beta(20 * truth, 20 * (1 - truth), size=20)) / 50


KINDS = {
    "paired, 30": Kind(rows_of_one("C02.1", 0.0), lambda rng, t: t + rng.normal(size=30), -1.0, 1.0),
    "paired, 10": Kind(rows_of_one("E02.2", 0.1), lambda rng, t: t + 0.1 * rng.normal(size=10), 0.3, -0.1),
    "ratio, 10": Kind(rows_of_one("F02.1", 1.0), lambda rng, t: t * rng.lognormal(sigma=0.5, size=10), 0.4, 2.5),
    "ratio, 40": Kind(rows_of_one("A03.1", 0.97), lambda rng, t: t * rng.lognormal(sigma=0.1, size=40), 0.85, 1.1),
    "share, 200": Kind(rows_of_one("C04.2", 0.9), lambda rng, t: 1.0 * (rng.random(200) < t), 0.98, 0.8),
    "share, 20": Kind(rows_of_one("A06.1", 0.5), lambda rng, t: 1.0 * (rng.random(20) < t), 0.9, 0.1),
    "share, 20 x 50 trials": Kind(rows_of_one("K04.1", 0.9), several_trials, 0.97, 0.7),
    "slope, 10": Kind(rows_of_one("B02.2", 0.0), lines, -0.3, 0.3),
    "time with skew, 10": Kind(
        rows_of_one("A03.3", 0.7), lambda rng, t: t * np.exp(slow_and_late(rng, 10) - slow_and_late(rng, 10)), 0.5, 1.0
    ),
    "time, one side skewed, 20": Kind(
        rows_of_one("E01.1", 0.7), lambda rng, t: t * np.exp(slow_and_late(rng, 20)), 0.5, 1.0
    ),
}


def simulate(name: str, kind: Kind, *, worlds: int) -> dict[str, float]:
    """Count over many worlds: coverage, and the outcomes on the bar and on either side of it."""
    rng, row = np.random.default_rng(zlib.crc32(name.encode())), kind.row
    outcomes, covered = [], 0
    for _ in range(worlds):
        result = judge(row, "", kind.draw(rng, row.bar))
        outcomes.append(result.outcome)
        covered += result.interval.low <= row.bar <= result.interval.high
    right = [np.mean([judge(row, "", kind.draw(rng, truth)).outcome == wanted for _ in range(worlds // 10)])
             for truth, wanted in ((kind.true, HOLDS), (kind.false, FAILS))]  # fmt: skip
    return {
        "covered": covered / worlds,
        "holds": outcomes.count(HOLDS) / worlds,
        "fails": outcomes.count(FAILS) / worlds,
        "true": float(right[0]),
        "false": float(right[1]),
    }


def skewed(n: int, *, worlds: int) -> np.ndarray:
    """Compare on skewed numbers the coverage of Student's interval, of that for times, and of the bootstrap's."""
    rng, found = np.random.default_rng(n), []
    for _ in range(worlds):
        numbers = slow_and_late(rng, n)
        three = (
            estimate_mean(numbers),
            estimate_mean(numbers, skewed=True),
            estimate_by_bootstrap(numbers, rng=rng, n_resamples=999),
        )
        found.append([interval.low <= 0 <= interval.high for interval in three])
    return np.mean(found, axis=0)


def furthest(chance: float, worlds: int) -> float:
    """Give how far a share of so many worlds may lie from its chance; once in 100,000 counts it lies further."""
    return float(stats.norm.isf(5e-6)) * np.sqrt(chance * (1 - chance) / worlds)


if __name__ == "__main__":
    print(f"{WORLDS:,} worlds a kind     covered   holds | fails on the bar   true: holds   false: fails")
    good = True
    for name, kind in KINDS.items():
        f = simulate(name, kind, worlds=WORLDS)
        good &= LOWEST <= f["covered"] <= HIGHEST and max(f["holds"], f["fails"]) <= WRONG
        print(
            f"{name:<26}{f['covered']:>6.1%}{f['holds']:>9.1%}{f['fails']:>8.1%}{f['true']:>21.0%}{f['false']:>15.0%}"
        )
    print("\nskewed on one side: coverage of Student's interval, with the correction for times, of the bootstrap's")
    for n in (5, 10, 20, 40):
        print(f"{n:>4} repetitions" + "".join(f"{share:>8.1%}" for share in skewed(n, worlds=WORLDS)))
    print(f"\ncoverage within {LOWEST:.0%} to {HIGHEST:.0%}, either wrong verdict at most {WRONG:.0%}: {good}")
    raise SystemExit(not good)
