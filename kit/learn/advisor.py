"""The advisor: which model to try first, by what was measured, and by no opinion.

From a task, its number of rows, and what is asked of latency, explanation and budget, to a ranking of models with the
measurements behind each place. It knows nothing but the measurements that it is handed.

Taught in: 10
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from kit.arguments import count, instance, one_of, real, real_array, several
from kit.learn.intervals import CONFIDENCE_LEVEL

TASKS = ("numbers", "classes")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one model did on one table, at one number of training rows.

    Args:
        task: what is predicted, "numbers" or "classes".
        scores: one for each split, in the same order for every model; 1 is perfect, and 0 no better than a constant.
        seconds: to choose its settings and to fit it.
        latency: microseconds to predict a row.
        readable: whether its reasons can be read off: weights, or a few questions.

    Raises:
        TypeError, ValueError: if the task is none of the two, the scores are not two or more numbers, or a count or
            time is out of range.
    """

    model: str
    table: str
    task: str
    n_rows: int
    scores: Float[np.ndarray, "splits"]
    seconds: float
    latency: float
    readable: bool

    def __post_init__(self) -> None:
        one_of("task", self.task, TASKS)
        count("n_rows", self.n_rows)
        if len(real_array("scores", self.scores, ndim=1)) < 2:
            raise ValueError(f"scores must be two or more, got {len(self.scores)}")
        real("seconds", self.seconds, at_least=0)
        real("latency", self.latency, at_least=0)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One place of the ranking.

    Args:
        behind: by how much its score is below that of the best that is allowed, on average; its 95% interval beside.
        level: whether it cannot be told from the best: the interval reaches 0.
        against: why it is out, where it is; then it has no place.
        evidence: a line for each table.
    """

    model: str
    behind: float
    low: float
    high: float
    level: bool
    seconds: float
    latency: float
    against: str
    evidence: tuple[str, ...]

    def __str__(self) -> str:
        cost = f"{self.seconds:.2g} s to tune and fit, {self.latency:.2g} µs a row"
        if self.against:
            return f"{self.model}: out, {self.against}"
        gap = f"{self.behind:.3f} behind the best ({self.low:.3f} to {self.high:.3f})" if self.behind else "the best"
        return f"{self.model}: {gap}{', not to be told from it' if self.level and self.behind else ''}; {cost}"


def advise(
    measurements: Sequence[Measurement],
    *,
    task: str,
    n_rows: int,
    latency: float = math.inf,
    seconds: float = math.inf,
    explain: bool = False,
) -> list[Advice]:
    """Rank the models for a task: the cheapest first of those that cannot be told from the best, then by score.

    Of each table the size nearest to `n_rows` counts. Seconds are scaled to `n_rows` in proportion.

    Args:
        latency: the most microseconds that a prediction may take.
        seconds: the most that tuning and fitting may take.
        explain: whether the model's reasons must be readable.

    Returns:
        The ranking; last those that are out, each with what speaks against it.

    Raises:
        TypeError: if the measurements are none, or a limit is not a number.
        ValueError: if the task is unknown, a number is out of range, no measurement is of the task, or one model was
            not measured where another was.

    >>> rows = [
    ...     Measurement(model=name, table="t", task="numbers", n_rows=100, scores=np.array(scores), seconds=cost,
    ...                 latency=1.0, readable=True)
    ...     for name, scores, cost in (("line", [0.5, 0.7], 1.0), ("forest", [0.6, 0.65], 9.0))
    ... ]
    >>> [advice.model for advice in advise(rows, task="numbers", n_rows=100)]
    ['line', 'forest']
    """
    several("measurements", measurements)
    for each in measurements:
        instance("measurements", each, Measurement)
    one_of("task", task, TASKS)
    count("n_rows", n_rows)
    latency, seconds = _limit("latency", latency), _limit("seconds", seconds)
    near = _nearest([m for m in measurements if m.task == task], n_rows)
    models = list(dict.fromkeys(model for model, _ in near))
    tables = list(dict.fromkeys(table for _, table in near))
    if len(measurements) and not near:
        raise ValueError(f"task must be one that was measured, got {task}")
    if not near or len(near) != len(models) * len(tables):
        raise ValueError(f"measurements must be of every model on every table of {task}, got {len(near)} of "
                         f"{len(models)} x {len(tables)}")  # fmt: skip
    cost = {m: max(near[m, t].seconds * n_rows / near[m, t].n_rows for t in tables) for m in models}
    slow = {m: max(near[m, t].latency for t in tables) for m in models}
    against = {}
    for m in models:
        faults = [
            "its reasons cannot be read off" * (explain and not near[m, tables[0]].readable),
            f"{slow[m]:.2g} µs a row" * (slow[m] > latency),
            f"{cost[m]:.2g} s to tune and fit" * (cost[m] > seconds),
        ]
        against[m] = ", ".join(filter(None, faults))
    mean = {m: float(np.mean([near[m, t].scores.mean() for t in tables])) for m in models}
    allowed = [m for m in models if not against[m]]
    best = max(allowed or models, key=mean.__getitem__)
    advice = [_advice(m, best, near, tables, cost[m], slow[m], against[m]) for m in models]
    return sorted(advice, key=lambda a: (bool(a.against), not a.level, a.seconds if a.level else a.behind))


def _nearest(measurements: list[Measurement], n_rows: int) -> dict[tuple[str, str], Measurement]:
    """Keep of each model and table the measurement whose rows are nearest in proportion."""
    near: dict[tuple[str, str], Measurement] = {}
    for m in measurements:
        here = near.setdefault((m.model, m.table), m)
        if abs(math.log(m.n_rows / n_rows)) < abs(math.log(here.n_rows / n_rows)):
            near[m.model, m.table] = m
    return near


def _advice(
    model: str,
    best: str,
    near: dict[tuple[str, str], Measurement],
    tables: list[str],
    seconds: float,
    latency: float,
    against: str,
) -> Advice:
    gaps = {table: near[best, table].scores - near[model, table].scores for table in tables}
    behind = float(np.mean([gap.mean() for gap in gaps.values()]))
    low, high = (0.0, 0.0)
    if model != best:
        # the tables stand for themselves: what varies is the split, within each of them
        error = math.sqrt(sum(gap.var(ddof=1) / len(gap) for gap in gaps.values())) / len(gaps)
        fewest = min(map(len, gaps.values()))
        half = float(stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, fewest - 1)) * error
        low, high = behind - half, behind + half
    evidence = tuple(
        f"{table}, {near[model, table].n_rows:,} rows: {near[model, table].scores.mean():.3f}, "
        f"{gap.mean():.3f} behind {best}, {len(gap)} splits"
        for table, gap in gaps.items()
    )
    return Advice(
        model=model, behind=behind, low=low, high=high, level=low <= 0, seconds=seconds, latency=latency,
        against=against, evidence=evidence,
    )  # fmt: skip


def _limit(name: str, value: float) -> float:
    return math.inf if value == math.inf else real(name, value, above=0)
