"""ROC-AUC and NDCG of a million rows beside scikit-learn's, in turn and on the same numbers."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.metrics import ndcg_score, roc_auc_score

from kit.learn.ranking import ndcg
from kit.learn.score_metrics import roc_auc
from tests.bench.table import Table, at_most, median

ROWS, TIMES, SLOWER = 1_000_000, 5, 1.5
Case = tuple[Callable[[], float], Callable[[], float]]


def cases() -> dict[str, Case]:
    """Make scores, half of them rounded so that many are tied, and labels that they say something about."""
    rng = np.random.default_rng(0)
    labels = (rng.random(ROWS) < 0.1).astype(np.int64)
    plain = rng.normal(size=ROWS) + labels
    tied = plain.round(2)
    grades = rng.integers(4, size=ROWS)

    def lists(scores: np.ndarray, n: int) -> Case:
        shape = n, ROWS // n
        wanted, given = grades.reshape(shape), scores.reshape(shape)
        return lambda: float(ndcg(given, wanted, k=10).mean()), lambda: float(ndcg_score(wanted, given, k=10))

    return {
        "ROC-AUC": (lambda: roc_auc(plain, labels), lambda: float(roc_auc_score(labels, plain))),
        "ROC-AUC, scores rounded": (lambda: roc_auc(tied, labels), lambda: float(roc_auc_score(labels, tied))),
        "NDCG@10, one list": lists(plain, 1),
        "NDCG@10, one list, scores rounded": lists(tied, 1),
        "NDCG@10, 10,000 lists of 100": lists(plain, 10_000),
    }


def tables() -> Iterator[Table]:
    rows = []
    for name, pair in cases().items():
        assert abs(pair[0]() - pair[1]()) < 1e-9, name
        times = np.empty((TIMES, 2))
        for i in range(TIMES):
            for j, way in enumerate(pair):
                begun = time.perf_counter()
                way()
                times[i, j] = time.perf_counter() - begun
        ours, theirs = 1000 * np.median(times, axis=0)
        ratio = median(times[:, 0] / times[:, 1])
        rows.append(((name, f"{ours:,.0f}", f"{theirs:,.0f}", f"{ratio:.2f}"), at_most(ratio, SLOWER)))
    yield Table(
        title=f"Metrics of {ROWS:,} rows, median of {TIMES}",
        columns=("metric", "kit, ms", "scikit-learn, ms", "kit / scikit-learn"),
        rows=rows,
    )
