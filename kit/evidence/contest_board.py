"""What is made of the stored contests of notebook 10: the board for its view, the advisor's measurements, who is level.

Taught in: 10
"""

from typing import Any

import numpy as np

from kit.arguments import one_of
from kit.evidence.contest import CONTEST, CONTEST_OF_PARTS, MODELS, ROWS, TOGETHER
from kit.evidence.contest_tables import PARTS, REAL
from kit.evidence.store import Experiment, key, stored, stored_lines
from kit.explore.trees import Board
from kit.learn.advisor import Measurement
from kit.learn.validation import PairedTest, corrected_paired_test

CONTENDERS = (*MODELS, *TOGETHER)
READABLE = ("linear", "tree")  # weights, or questions
NUMBERS = ("diamonds", "patients")  # tables, and beginnings of parts' names, in which a number is asked for


def contest_board() -> Board:
    """Read the contest of the four real tables; whoever puts models together pays for tuning and fitting them all.

    Raises:
        ValueError: if a run is not stored.
    """
    scores = np.array([stored(CONTEST, f"{name} score") for name in CONTENDERS])  # contender, split, table, rows
    own = np.array([stored(CONTEST, f"{m} search") + stored(CONTEST, f"{m} fit") for m in MODELS])
    seconds = np.concatenate([own, np.broadcast_to(own.sum(axis=0), (len(TOGETHER), *own.shape[1:]))])
    scores, seconds = (array.transpose(2, 3, 0, 1) for array in (scores, seconds))
    return Board(tables=REAL, rows=ROWS, contenders=CONTENDERS, scores=scores, seconds=seconds)


def measurements() -> list[Measurement]:
    """Hand the advisor all that the contests of real tables measured, and no more."""
    found = []
    for table in REAL:
        for n_rows in ROWS:
            at = {"table": table, "rows": n_rows}
            found += [_measurement(CONTEST, m, table, n_rows, at) for m in MODELS]
    if is_stored(CONTEST_OF_PARTS):
        for part in PARTS:
            n_rows = int(stored(CONTEST_OF_PARTS, "train", table=part)[0])
            found += [_measurement(CONTEST_OF_PARTS, m, part, n_rows, {"table": part}) for m in MODELS]
    return found


def _measurement(experiment: Experiment, model: str, table: str, n_rows: int, at: dict[str, Any]) -> Measurement:
    def read(what: str) -> np.ndarray:
        return stored(experiment, f"{model} {what}", **at)

    return Measurement(
        model=model,
        table=table,
        task="numbers" if table.startswith(NUMBERS) else "classes",
        n_rows=n_rows,
        scores=read("score"),
        seconds=float((read("search") + read("fit")).mean()),
        latency=float(np.median(read("row"))),
        readable=model in READABLE,
    )


def is_stored(experiment: Experiment) -> bool:
    """Tell whether every run of an experiment is stored."""
    lines = stored_lines(experiment)
    return all(key(run) in lines for run in experiment.runs())


def simplest_against_best(table: str) -> PairedTest:
    """Compare the best model of a small table or part, by its mean score, with the linear one, split by split.

    Raises:
        ValueError: if there is no such table, or its runs are not stored.
    """
    one_of("table", table, tuple(PARTS))
    scores = np.array([stored(CONTEST_OF_PARTS, f"{model} score", table=table) for model in MODELS])
    n_train, n_test = (int(stored(CONTEST_OF_PARTS, what, table=table)[0]) for what in ("train", "test"))
    best, simplest = scores[scores.mean(axis=1).argmax()], scores[MODELS.index("linear")]
    return corrected_paired_test(best, simplest, n_train=n_train, n_test=n_test)
