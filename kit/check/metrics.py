"""The exercises of notebook 08: rates, areas, gains and agreement by hand, and a threshold chosen without a look ahead.

Taught in: 08
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn import judgement, metrics, ranking, score_metrics
from kit.learn.text_metrics import runs_of, words

Rows = tuple[np.ndarray, np.ndarray]


def _answers(seed: int, n: int, right: float) -> Rows:
    """Draw targets of which a third is positive, and predictions that are right now and then."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < 1 / 3).astype(int)
    return np.where(rng.random(n) < right, targets, 1 - targets), targets


def _rates(predictions: np.ndarray, targets: np.ndarray, *, positive: int = 1, mean: Callable | None = None):
    hits = int(((predictions == positive) & (targets == positive)).sum())
    p, r = hits / (predictions == positive).sum(), hits / (targets == positive).sum()
    return p, r, mean(p, r) if mean else 2 * p * r / (p + r)


rates = Exercise(
    notebook="08",
    name="precision, recall and F1",
    solution=lambda predictions, targets: tuple(
        metric(predictions, targets) for metric in (metrics.precision, metrics.recall, metrics.f1)
    ),
    cases=(_answers(0, 20, 0.7), _answers(3, 11, 0.6)),
    mistakes=(
        Mistake(
            hint="Precision and recall are swapped. Precision divides by what was called positive, recall by what is.",
            answer=lambda p, t: (_rates(p, t)[1], _rates(p, t)[0], _rates(p, t)[2]),
        ),
        Mistake(
            hint="That is the plain mean. F1 is the harmonic mean, 2pr / (p + r), which is nearer the smaller one.",
            answer=partial(_rates, mean=lambda p, r: (p + r) / 2),
        ),
        Mistake(
            hint="F1 is 2pr / (p + r). The 2 is missing.", answer=partial(_rates, mean=lambda p, r: p * r / (p + r))
        ),
        Mistake(
            hint="F1 is 2pr / (p + r). That is the geometric mean.",
            answer=partial(_rates, mean=lambda p, r: (p * r) ** 0.5),
        ),
        Mistake(hint="You took class 0 for the positive one. It is class 1.", answer=partial(_rates, positive=0)),
        *(
            Mistake(
                hint="A hit is a positive that was called so: both must be 1. You counted every right answer.",
                answer=answer,
            )
            for answer in (
                lambda p, t: _of_right(p, t),
                lambda p, t: (
                    (p == t).sum() / p.sum(),
                    (p == t).sum() / t.sum(),
                    2 * (p == t).sum() / (p.sum() + t.sum()),
                ),
            )
        ),
        Mistake(
            hint="You divided by the number of all examples. Precision divides by the calls, recall by the positives.",
            answer=lambda p, t: ((p * t).mean(), (p * t).mean(), (p * t).mean()),
        ),
    ),
)


def _of_right(p: np.ndarray, t: np.ndarray) -> tuple[float, float, float]:
    a, b = (p == t).sum() / p.sum(), (p == t).sum() / t.sum()
    return a, b, 2 * a * b / (a + b)


def _pairs(scores: np.ndarray, targets: np.ndarray, *, tie: float = 0.5, by: Callable | None = None) -> float:
    high, low = scores[targets == 1][:, None], scores[targets == 0]
    won = (high > low) + tie * (high == low)
    return float(won.mean() if by is None else won.sum() / by(len(scores), len(high), len(low)))


_SCORED = (
    (np.array([0.9, 0.4, 0.4, 0.7, 0.1, 0.4]), np.array([1, 1, 0, 0, 0, 0])),
    (np.array([3.0, 1.0, 2.0, 2.0, 2.0, 0.0, 5.0]), np.array([0, 1, 1, 1, 0, 0, 1])),
)
area = Exercise(
    notebook="08",
    name="ROC-AUC with ties",
    solution=score_metrics.roc_auc,
    cases=_SCORED,
    mistakes=(
        Mistake(hint="Ties count for nothing here. Each gets half.", answer=partial(_pairs, tie=0.0)),
        Mistake(
            hint="Ties count as won here. With that, a model that gives all the same score would be perfect: half.",
            answer=partial(_pairs, tie=1.0),
        ),
        Mistake(
            hint="The classes are swapped: a pair is won where the example of class 1 scores higher.",
            answer=lambda s, t: _pairs(s, 1 - t),
        ),
        Mistake(
            hint="That is the number of pairs won. Divide by the number of pairs: positives times negatives.",
            answer=partial(_pairs, by=lambda *_: 1),
        ),
        Mistake(
            hint="You divided by all pairs of examples. A pair is one positive and one negative.",
            answer=partial(_pairs, by=lambda n, *_: n * (n - 1) / 2),
        ),
        Mistake(
            hint="You divided by the square of all examples. A pair is one positive and one negative.",
            answer=partial(_pairs, by=lambda n, *_: n**2),
        ),
        Mistake(
            hint="You took the share of right answers at a threshold. No threshold is needed: compare pairs.",
            answer=lambda s, t: float(((s >= 0.5) == t).mean()),
        ),
    ),
)


def _explained(p: np.ndarray, t: np.ndarray, *, about: Callable[[np.ndarray, np.ndarray], float]) -> float:
    return 1 - float(((p - t) ** 2).sum() / ((t - about(p, t)) ** 2).sum())


explained = Exercise(
    notebook="08",
    name="R², beside the mean",
    solution=metrics.r2,
    cases=(
        (np.array([2.5, 0.0, 2.0, 8.0]), np.array([3.0, -0.5, 2.0, 7.0])),
        (np.array([1.0, 4.0, 2.0, 2.0, 6.0]), np.array([2.0, 2.5, 2.0, 4.0, 3.0])),
    ),
    mistakes=(
        Mistake(
            hint="You compare with predicting 0. Compare with the mean of the targets: take it off them first.",
            answer=partial(_explained, about=lambda p, t: 0.0),
        ),
        Mistake(
            hint="You took off the mean of the predictions. The rival is the mean of the targets.",
            answer=partial(_explained, about=lambda p, t: p.mean()),
        ),
        Mistake(
            hint="That is the share that is left. The share explained is 1 less that.",
            answer=lambda p, t: 1 - metrics.r2(p, t),
        ),
        Mistake(
            hint="That is the square of the correlation. It forgives a wrong offset and scale, and R² does not.",
            answer=lambda p, t: float(np.corrcoef(p, t)[0, 1] ** 2),
        ),
        Mistake(
            hint="That is the spread of the predictions by that of the targets. It says nothing about their errors.",
            answer=lambda p, t: float(p.var() / t.var()),
        ),
        Mistake(
            hint="One of the two is a mean and the other a sum. Take both alike.",
            answer=lambda p, t: 1 - float(((p - t) ** 2).mean() / ((t - t.mean()) ** 2).sum()),
        ),
        Mistake(
            hint="One of the two is a mean and the other a sum. Take both alike.",
            answer=lambda p, t: 1 - float(((p - t) ** 2).sum() / t.var()),
        ),
        Mistake(
            hint="Square the errors, do not take their sizes.",
            answer=lambda p, t: 1 - float(np.abs(p - t).sum() / np.abs(t - t.mean()).sum()),
        ),
    ),
)


def _gains(
    scores: np.ndarray,
    relevance: np.ndarray,
    k: int,
    *,
    order: Callable = lambda s: np.argsort(-s),
    best: Callable = lambda r, ranked, k: np.sort(r)[::-1][:k],
    first: int = 2,
    worth: Callable = lambda r: r,
) -> float:
    def dcg(row: np.ndarray) -> float:
        with np.errstate(divide="ignore"):
            return float((worth(row) / np.log2(np.arange(first, first + len(row)))).sum())

    ranked = relevance[order(scores)][:k]
    return dcg(ranked) / dcg(best(relevance, ranked, k))


def _undivided(scores: np.ndarray, relevance: np.ndarray, k: int) -> float:
    return float((relevance[np.argsort(-scores)][:k] / np.log2(np.arange(2, k + 2))).sum())


gain = Exercise(
    notebook="08",
    name="NDCG at k",
    solution=lambda scores, relevance, k: float(ranking.ndcg(scores[None], relevance[None], k=k)[0]),
    cases=(
        (np.array([0.2, 0.9, 0.5, 0.7, 0.1]), np.array([3, 0, 2, 1, 2]), 3),
        (np.array([4.0, 1.0, 3.0, 2.0, 6.0, 5.0]), np.array([0, 1, 3, 2, 1, 0]), 4),
    ),
    mistakes=(
        Mistake(
            hint="The first place is discounted by log₂ 2, which is 1. Yours begins at log₂ 1, which is 0.",
            answer=partial(_gains, first=1),
        ),
        Mistake(
            hint="The first place is discounted by log₂ 2. Yours begins one place too late.",
            answer=partial(_gains, first=3),
        ),
        Mistake(
            hint="You took the lowest scores first. The list runs from the highest score down.",
            answer=partial(_gains, order=np.argsort),
        ),
        Mistake(
            hint="The items stand in the order that they came in. Sort them by their scores first.",
            answer=partial(_gains, order=lambda s: np.arange(len(s))),
        ),
        Mistake(
            hint="The best possible list is made of all items, not only of those that came into your first k.",
            answer=partial(_gains, best=lambda r, ranked, k: np.sort(ranked)[::-1]),
        ),
        Mistake(
            hint="The best possible list is cut after k places as well.",
            answer=partial(_gains, best=lambda r, ranked, k: np.sort(r)[::-1]),
        ),
        Mistake(
            hint="That is the exponential gain, 2^relevance - 1. Here the gain is the relevance itself.",
            answer=partial(_gains, worth=lambda r: 2.0**r - 1),
        ),
        Mistake(hint="That is the DCG. Divide by that of the best possible list.", answer=_undivided),
        Mistake(
            hint="k must cut the list after sorting. You cut it before.",
            answer=lambda s, r, k: _gains(s[:k], r[:k], k),
        ),
    ),
)


def _most(references: Sequence[list[str]], n: int) -> Counter:
    most = Counter()
    for reference in references:
        most |= runs_of(reference, n)
    return most


def _clipped(tokens: list[str], references: Sequence[list[str]], n: int, *, most: Callable = _most) -> float:
    runs = runs_of(tokens, n)
    return (runs & most(references, n)).total() / runs.total()


def _added(references: Sequence[list[str]], n: int) -> Counter:
    return sum((runs_of(reference, n) for reference in references), Counter())


def _unclipped(tokens: list[str], references: Sequence[list[str]], n: int) -> float:
    runs, most = runs_of(tokens, n), _most(references, n)
    return sum(times for run, times in runs.items() if run in most) / runs.total()


def _distinct(tokens: list[str], references: Sequence[list[str]], n: int) -> float:
    runs, most = runs_of(tokens, n), _most(references, n)
    return len(runs.keys() & most.keys()) / len(runs)


_CAT = [words("the cat is on the mat"), words("there is a cat on the mat")]
clipped = Exercise(
    notebook="08",
    name="clipped precision",
    solution=_clipped,
    cases=(
        (words("the the the cat the the on the"), _CAT, 1),
        (words("on the mat the cat is on the mat on the mat"), [*_CAT, words("on the mat")], 2),
        (words("a b a b d c"), [words("a b c a b"), words("a b d")], 3),
    ),
    mistakes=(
        Mistake(
            hint="A run may count no more often than a reference has it: seven times *the* is no seven hits.",
            answer=_unclipped,
        ),
        Mistake(
            hint="Of several references the one counts that has the run most often. You added them up.",
            answer=partial(_clipped, most=_added),
        ),
        Mistake(
            hint="You looked at the first reference alone.",
            answer=lambda tokens, references, n: _clipped(tokens, references[:1], n),
        ),
        Mistake(
            hint="You looked at the last reference alone. Keep for each run the most that any reference has.",
            answer=lambda tokens, references, n: _clipped(tokens, references[-1:], n),
        ),
        Mistake(hint="Each run counts as often as it occurs. You counted different runs once.", answer=_distinct),
        Mistake(
            hint="That divides by the number of words. Divide by the number of runs, which is n - 1 less.",
            answer=lambda tokens, references, n: _clipped(tokens, references, n) * (len(tokens) - n + 1) / len(tokens),
        ),
        Mistake(
            hint="You divided by the runs of the references, which is a recall. Divide by those of the text.",
            answer=lambda tokens, references, n: (
                _clipped(tokens, references, n) * runs_of(tokens, n).total() / _most(references, n).total()
            ),
        ),
        Mistake(
            hint="You counted single words. A run is n neighbouring words.",
            answer=lambda tokens, references, n: _clipped(tokens, references, 1),
        ),
        Mistake(
            hint="That is how many were found. Divide by the number of runs in the text.",
            answer=lambda tokens, references, n: _clipped(tokens, references, n) * runs_of(tokens, n).total(),
        ),
    ),
)


def _chance(a: np.ndarray, b: np.ndarray) -> float:
    return float(sum((a == c).mean() * (b == c).mean() for c in {*a.tolist(), *b.tolist()}))


def _beyond(a: np.ndarray, b: np.ndarray, chance: float) -> float:
    return (float((a == b).mean()) - chance) / (1 - chance)


agreement = Exercise(
    notebook="08",
    name="Cohen's kappa",
    solution=judgement.cohen_kappa,
    cases=(
        (np.array([0, 0, 1, 1, 2, 0, 1, 0]), np.array([0, 1, 1, 1, 2, 0, 0, 0])),
        (np.array([1, 1, 1, 0, 1, 1, 3, 1, 1]), np.array([1, 1, 0, 0, 1, 3, 3, 1, 1])),
        (np.array([0, 1, 2, 3, 4, 5, 0, 1]), np.array([0, 1, 2, 3, 4, 5, 0, 4])),
    ),
    mistakes=(
        Mistake(
            hint="That is the plain share of agreement. Take off what the raters' habits alone would give.",
            answer=lambda a, b: float((a == b).mean()),
        ),
        Mistake(
            hint="Divide by 1 less the agreement by chance, so that raters who always agree get 1.",
            answer=lambda a, b: float((a == b).mean()) - _chance(a, b),
        ),
        Mistake(
            hint="Chance is not 1 by the number of classes: raters have habits. Multiply their shares, class by class.",
            answer=lambda a, b: _beyond(a, b, 1 / len({*a.tolist(), *b.tolist()})),
        ),
        Mistake(
            hint="You squared the shares of both raters together. Multiply each rater's own share of a class.",
            answer=lambda a, b: _beyond(a, b, _chance(np.append(a, b), np.append(a, b))),
        ),
        Mistake(
            hint="You squared the shares of one rater. Multiply the share of one by that of the other.",
            answer=lambda a, b: _beyond(a, b, _chance(a, a)),
        ),
        Mistake(
            hint="You squared the shares of one rater. Multiply the share of one by that of the other.",
            answer=lambda a, b: _beyond(a, b, _chance(b, b)),
        ),
        Mistake(
            hint="That is the correlation of the numbers. Ratings are names here: only equal or not counts.",
            answer=lambda a, b: float(np.corrcoef(a, b)[0, 1]),
        ),
        Mistake(
            hint="That is the agreement by chance. κ is how much of the rest was reached.",
            answer=lambda a, b: _chance(a, b),
        ),
    ),
)


def _lost(threshold: float, scores: np.ndarray, targets: np.ndarray, cost: float, passes: Callable) -> float:
    called = passes(scores, threshold)
    return float((called & (targets == 0)).sum() + cost * (~called & (targets == 1)).sum())


def _cheapest(
    scores: np.ndarray,
    targets: np.ndarray,
    test_scores: np.ndarray,
    test_targets: np.ndarray,
    cost: float,
    *,
    choose_on: int = 0,
    judge_on: int = 1,
    passes: Callable = np.greater_equal,
    last: bool = False,
    swap: bool = False,
    give: Callable = lambda threshold, lost: lost,
) -> float:
    """Choose the threshold on one part, 0 for validation and 1 for test, and find its cost on another."""
    parts = (scores, targets), (test_scores, test_targets)
    price, unit = (1 / cost, cost) if swap else (cost, 1)
    tried = sorted(set(scores.tolist()), reverse=last)
    best = min(tried, key=lambda threshold: _lost(threshold, *parts[choose_on], price, passes))
    return give(best, unit * _lost(best, *parts[judge_on], price, passes))


def _by_accuracy(
    scores: np.ndarray, targets: np.ndarray, test_scores: np.ndarray, test_targets: np.ndarray, cost: float
):
    best = max(sorted(set(scores.tolist())), key=lambda t: ((scores >= t) == targets).mean())
    return _lost(best, test_scores, test_targets, cost, np.greater_equal)


def _parts(seed: int, n: int, cost: float) -> tuple:
    rng = np.random.default_rng(seed)
    targets = (rng.random(2 * n) < 0.3).astype(int)
    scores = (rng.normal(size=2 * n) + targets).round(1)
    return scores[:n], targets[:n], scores[n:], targets[n:], cost


cheapest = Exercise(
    notebook="08",
    name="an experiment: the cheapest threshold",
    solution=_cheapest,
    cases=(_parts(3, 24, 3.0), _parts(12, 30, 2.0), _parts(5, 20, 5.0)),
    mistakes=(
        Mistake(
            hint="You chose the threshold on the test part, which nobody has in time. Choose on validation.",
            answer=partial(_cheapest, choose_on=1),
        ),
        Mistake(
            hint="That is the cost on validation, where the threshold was chosen, and it is too kind. Judge on test.",
            answer=partial(_cheapest, judge_on=0),
        ),
        Mistake(
            hint="What scores as much as the threshold is called positive: >=.",
            answer=partial(_cheapest, passes=np.greater),
        ),
        Mistake(
            hint="The costs are swapped: a missed positive costs `cost`, a false alarm 1.",
            answer=partial(_cheapest, swap=True),
        ),
        Mistake(
            hint="Of equally cheap thresholds the lowest counts. You took the highest.",
            answer=partial(_cheapest, last=True),
        ),
        Mistake(
            hint="That is the threshold. Return what it costs on test.",
            answer=partial(_cheapest, give=lambda threshold, lost: threshold),
        ),
        Mistake(hint="You chose by accuracy, which counts both errors alike. Choose by cost.", answer=_by_accuracy),
        Mistake(
            hint="You used 0.5, which nobody chose. Try each score of validation.",
            answer=lambda s, t, test_s, test_t, cost: _lost(0.5, test_s, test_t, cost, np.greater_equal),
        ),
        Mistake(
            hint="That is the cost of one example. Add it up over the test part.",
            answer=lambda *case: _cheapest(*case) / len(case[2]),
        ),
    ),
)

EXERCISES = (rates, area, explained, gain, clipped, agreement, cheapest)
