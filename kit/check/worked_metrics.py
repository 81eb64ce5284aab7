"""The way to each answer of notebook 08, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from kit.check.worked import Steps
from kit.learn.text_metrics import runs_of


def _rates(predictions, targets) -> Steps:
    hits = int(((predictions == 1) & (targets == 1)).sum())
    called, positive = int((predictions == 1).sum()), int((targets == 1).sum())
    p, r = hits / called, hits / positive
    return [
        ("positives that were called so", hits),
        ("all that were called positive", called),
        ("all positives", positive),
        ("the first by the second, the first by the third, and 2pr / (p + r)", (p, r, 2 * p * r / (p + r))),
    ]


def _area(scores, targets) -> Steps:
    high, low = scores[targets == 1][:, None], scores[targets == 0]
    won, tied = int((high > low).sum()), int((high == low).sum())
    return [
        ("pairs of a positive and a negative", high.size * low.size),
        ("pairs in which the positive scores higher", won),
        ("pairs of equal scores", tied),
        ("the second and half the third, by the first", (won + tied / 2) / (high.size * low.size)),
    ]


def _explained(predictions, targets) -> Steps:
    left, all_of_it = ((predictions - targets) ** 2).sum(), ((targets - targets.mean()) ** 2).sum()
    return [
        ("the mean of the targets", targets.mean()),
        ("the squared errors, added up", left),
        ("the squares of the targets less their mean, added up", all_of_it),
        ("1 less the second by the third", 1 - left / all_of_it),
    ]


def _gain(scores, relevance, k) -> Steps:
    ranked, best = relevance[np.argsort(-scores)][:k], np.sort(relevance)[::-1][:k]
    discounts = np.log2(np.arange(2, k + 2))
    dcg, ideal = (ranked / discounts).sum(), (best / discounts).sum()
    return [
        ("the relevance of the k items that score highest, in order", ranked),
        ("that of the best possible k", best),
        ("what each place is divided by, log₂ 2, log₂ 3, ...", discounts),
        ("the first by the third, added up", dcg),
        ("that, by the same of the second", dcg / ideal),
    ]


def _clipped(tokens, references, n) -> Steps:
    runs, most = runs_of(tokens, n), Counter()
    for reference in references:
        most |= runs_of(reference, n)
    shared = {" ".join(run): (times, most[run]) for run, times in runs.items()}
    return [
        ("how often the text has each run, and the most that any reference has it", list(shared.items())),
        ("the smaller of both, added up", (runs & most).total()),
        ("that, by the runs of the text", (runs & most).total() / runs.total()),
    ]


def _agreement(ratings, others) -> Steps:
    agreed = (ratings == others).mean()
    shares = [((ratings == c).mean(), (others == c).mean()) for c in np.unique(np.append(ratings, others))]
    chance = sum(a * b for a, b in shares)
    return [
        ("the share on which both agree", agreed),
        ("each class's share with the one and with the other", shares),
        ("their products, added up: agreement by chance", chance),
        ("the first less that, by 1 less that", (agreed - chance) / (1 - chance)),
    ]


def _cheapest(scores, targets, test_scores, test_targets, cost) -> Steps:
    def lost(threshold, scores, targets) -> float:
        called = scores >= threshold
        return float((called & (targets == 0)).sum() + cost * (~called & (targets == 1)).sum())

    tried = np.unique(scores)
    found = np.array([lost(threshold, scores, targets) for threshold in tried])
    best = tried[found.argmin()]
    return [
        ("the thresholds to try, each score of validation", tried),
        ("what each costs on validation", found),
        ("the lowest of the cheapest", best),
        ("what it costs on test", lost(best, test_scores, test_targets)),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "precision, recall and F1": _rates,
    "ROC-AUC with ties": _area,
    "R², beside the mean": _explained,
    "NDCG at k": _gain,
    "clipped precision": _clipped,
    "Cohen's kappa": _agreement,
    "an experiment: the cheapest threshold": _cheapest,
}
