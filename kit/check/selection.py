"""The exercises of notebook 09: stratified and grouped folds, the corrected test, searches, an honest number.

Taught in: 09
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from kit.check.exercise import Exercise, Mistake
from kit.learn.selection import expected_improvement
from kit.learn.validation import corrected_paired_test

_rng = np.random.default_rng(9)

# Folds -------------------------------------------------------------------------------------------


def _dealt(classes: np.ndarray, k: int) -> np.ndarray:
    fold = np.empty(len(classes), dtype=int)
    for each in np.unique(classes):
        rows = np.flatnonzero(classes == each)
        fold[rows] = np.arange(len(rows)) % k
    return fold


def _in_blocks(classes: np.ndarray, k: int) -> np.ndarray:
    fold = np.empty(len(classes), dtype=int)
    for each in np.unique(classes):
        rows = np.flatnonzero(classes == each)
        fold[rows] = np.arange(len(rows)) * k // len(rows)
    return fold


def _counted_through(classes: np.ndarray, k: int) -> np.ndarray:
    fold = np.empty(len(classes), dtype=int)
    fold[np.argsort(classes, kind="stable")] = np.arange(len(classes)) % k
    return fold


def _counted_without_end(classes: np.ndarray, k: int) -> np.ndarray:
    fold = np.empty(len(classes), dtype=int)
    for each in np.unique(classes):
        rows = np.flatnonzero(classes == each)
        fold[rows] = np.arange(len(rows))
    return fold


deal = Exercise(
    notebook="09",
    name="stratified folds",
    solution=_dealt,
    cases=(
        (np.array([0, 0, 0, 0, 1, 1, 0, 0]), 2),
        (np.array([1, 0, 1, 1, 0, 2, 2, 2, 0, 1, 2]), 3),
        (np.array([5, 5, 5, 3, 3, 3, 3, 3]), 3),
    ),
    mistakes=(
        Mistake(
            hint="You counted all rows off, whatever their class. A rare class then falls into the folds as it comes: "
            "begin at 0 anew for each class.",
            answer=lambda classes, k: np.arange(len(classes)) % k,
        ),
        Mistake(
            hint="Every fold has its share of each class, but a class's neighbours stay together. Count them off: "
            "0, 1, ..., k - 1, and from 0 again.",
            answer=_in_blocks,
        ),
        Mistake(
            hint="You went on counting from one class to the next. Each class begins at fold 0.",
            answer=_counted_through,
        ),
        Mistake(
            hint="Your numbers grow beyond the last fold. After k - 1 comes 0 again: the remainder by k.",
            answer=_counted_without_end,
        ),
        Mistake(
            hint="Your folds are numbered from 1. The first is 0.",
            answer=lambda classes, k: _dealt(classes, k) + 1,
        ),
        Mistake(
            hint="Each class has a fold of its own now: a model would never see the class that it is asked for.",
            answer=lambda classes, k: np.unique(classes, return_inverse=True)[1] % k,
        ),
        Mistake(
            hint="You cut the rows into blocks in their order, whatever their class.",
            answer=lambda classes, k: np.arange(len(classes)) * k // len(classes),
        ),
    ),
)


def _grouped(
    groups: np.ndarray, k: int, *, order: str = "largest", by: str = "rows", to: Callable = np.argmin
) -> np.ndarray:
    """Put whole groups into folds; the keywords are where learners go astray."""
    names, counts = np.unique(groups, return_counts=True)
    weights, fold = np.zeros(k), np.empty(len(groups), dtype=int)
    places = {"largest": np.argsort(-counts, kind="stable"), "smallest": np.argsort(counts, kind="stable")}
    for turn, i in enumerate(places.get(order, np.arange(len(names)))):
        chosen = turn % k if by == "turn" else int(to(weights))
        fold[groups == names[i]] = chosen
        weights[chosen] += counts[i]
    return fold


whole = Exercise(
    notebook="09",
    name="folds that keep groups whole",
    solution=_grouped,
    cases=(
        (np.array([3, 3, 1, 1, 1, 2, 4, 4, 4, 4]), 2),
        (np.array(["a", "b", "c", "b", "d", "d", "d", "b", "e", "d", "d"]), 3),
        (np.array([7, 7, 8, 8, 9, 9]), 3),
        (np.repeat([0, 1, 2, 3, 4], [2, 9, 2, 3, 4]), 2),
    ),
    mistakes=(
        Mistake(
            hint="You dealt rows, not groups: one day stands on both sides. All rows of a group get one number.",
            answer=lambda groups, k: np.arange(len(groups)) % k,
        ),
        Mistake(
            hint="No group is cut, but you took the groups in the order of their names. The largest first: what is "
            "small fills the gaps at the end.",
            answer=lambda groups, k: _grouped(groups, k, order="name"),
        ),
        Mistake(
            hint="You began with the smallest group. The largest first.",
            answer=lambda groups, k: _grouped(groups, k, order="smallest"),
        ),
        *(
            Mistake(
                hint="You dealt the groups out in turn, as if each were as large as the next. Give each to the fold "
                "that has the fewest rows so far.",
                answer=lambda groups, k, order=order: _grouped(groups, k, by="turn", order=order),
            )
            for order in ("largest", "name")
        ),
        Mistake(
            hint="Each group went to the fold that was fullest already. Take the emptiest: argmin.",
            answer=lambda groups, k: _grouped(groups, k, to=np.argmax),
        ),
        Mistake(
            hint="Each group is a fold of its own. There are only k folds, and they share the groups.",
            answer=lambda groups, k: np.unique(groups, return_inverse=True)[1],
        ),
    ),
)

# Comparing ---------------------------------------------------------------------------------------


def _corrected(differences: np.ndarray, n_train: int, n_test: int) -> float:
    return corrected_paired_test(differences, np.zeros(len(differences)), n_train=n_train, n_test=n_test).t


def _over(variance: Callable[[int, int, int], float], *, ddof: int = 1, root: bool = True) -> Callable:
    """Make a wrong t: the mean over a wrong standard error."""

    def t(d: np.ndarray, n_train: int, n_test: int) -> float:
        error = d.std(ddof=ddof) * math.sqrt(variance(len(d), n_train, n_test))
        return float(d.mean() / (error if root else error**2))

    return t


paired = Exercise(
    notebook="09",
    name="the corrected paired test",
    solution=_corrected,
    cases=(
        (np.array([1.0, 3.0, 2.0, 6.0]), 6, 2),
        (_rng.normal(0.3, 1, size=10), 180, 20),
        (-np.array([0.1, 0.3, 0.2]), 20, 10),
    ),
    mistakes=(
        Mistake(
            hint="That is the plain paired test, for independent differences. The folds share their training rows: "
            "add n_test / n_train under the root.",
            answer=_over(lambda n, n_train, n_test: 1 / n),
        ),
        Mistake(
            hint="The ratio is upside down: n_test / n_train.",
            answer=_over(lambda n, n_train, n_test: 1 / n + n_train / n_test),
        ),
        Mistake(
            hint="The 1/n is gone. The overlap comes on top of it.",
            answer=_over(lambda n, n_train, n_test: n_test / n_train),
        ),
        Mistake(
            hint="Your deviation divides by n. It is that of a sample: n - 1, which NumPy calls ddof=1.",
            answer=_over(lambda n, n_train, n_test: 1 / n + n_test / n_train, ddof=0),
        ),
        Mistake(
            hint="You divided by the variance of the mean. Divide by its root, the standard error.",
            answer=_over(lambda n, n_train, n_test: 1 / n + n_test / n_train, root=False),
        ),
        Mistake(
            hint="The two terms are variances: add them first, then take the root of both together.",
            answer=lambda d, n_train, n_test: d.mean() / (d.std(ddof=1) * (len(d) ** -0.5 + (n_test / n_train) ** 0.5)),
        ),
        Mistake(
            hint="That is the share of held-out rows among all. The correction asks for n_test / n_train.",
            answer=_over(lambda n, n_train, n_test: 1 / n + n_test / (n_test + n_train)),
        ),
        Mistake(
            hint="That is the standard error. Divide the mean difference by it.",
            answer=lambda d, n_train, n_test: d.std(ddof=1) * math.sqrt(1 / len(d) + n_test / n_train),
        ),
        Mistake(
            hint="That is the p-value. Return t.",
            answer=lambda d, n_train, n_test: 2 * stats.t.sf(abs(_corrected(d, n_train, n_test)), len(d) - 1),
        ),
    ),
)

# Searching ---------------------------------------------------------------------------------------


def _enough(share: float, chance: float) -> int:
    n = 1
    while 1 - (1 - share) ** n < chance:
        n += 1
    return n


trials = Exercise(
    notebook="09",
    name="how many random trials",
    solution=_enough,
    cases=((0.05, 0.95), (0.01, 0.5), (0.5, 0.75), (0.3, 0.2), (0.001, 0.9)),
    mistakes=(
        Mistake(
            hint="You added up the chances of the trials. They overlap: ask for the chance that all of them miss, "
            "(1 - share) to the power of n.",
            answer=lambda share, chance: math.ceil(chance / share),
        ),
        Mistake(
            hint="That many trials are not yet enough: round up, not down.",
            answer=lambda share, chance: math.floor(math.log(1 - chance) / math.log(1 - share)),
        ),
        Mistake(
            hint="You rounded to the nearest number. Round up: fewer trials are not enough.",
            answer=lambda share, chance: round(math.log(1 - chance) / math.log(1 - share)),
        ),
        Mistake(
            hint="You asked that all trials hit. One of them is enough: 1 - (1 - share)ⁿ.",
            answer=lambda share, chance: math.ceil(math.log(chance) / math.log(share)),
        ),
        Mistake(
            hint="That is after how many trials the chance of missing is `chance`. It should be 1 - chance.",
            answer=lambda share, chance: math.ceil(math.log(chance) / math.log(1 - share)),
        ),
        Mistake(
            hint="That is one trial too many.",
            answer=lambda share, chance: _enough(share, chance) + 1,
        ),
        Mistake(
            hint="That is how many trials it takes on average. Asked for is a number that is enough with `chance`.",
            answer=lambda share, chance: math.ceil(1 / share),
        ),
        Mistake(
            hint="A number of trials is whole: round up.",
            answer=lambda share, chance: math.log(1 - chance) / math.log(1 - share),
        ),
    ),
)


def _z(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    return (best - mean) / deviation


improvement = Exercise(
    notebook="09",
    name="expected improvement",
    solution=expected_improvement,
    cases=(
        (np.array([1.0, 3.0, 2.0]), np.array([0.5, 2.0, 1.0]), 2.0),
        (_rng.normal(size=6), _rng.uniform(0.1, 2, size=6), -0.3),
    ),
    mistakes=(
        Mistake(
            hint="The sign is turned: that is the improvement of who looks for the highest. Here a loss below the "
            "best is better: best - mean.",
            answer=lambda mean, deviation, best: expected_improvement(-mean, deviation, -best),
        ),
        Mistake(
            hint="That is the chance of an improvement, however small. Weigh it by how large it would be.",
            answer=lambda mean, deviation, best: stats.norm.cdf(_z(mean, deviation, best)),
        ),
        Mistake(
            hint="That counts the mean alone: a setting of which nothing is known would never be tried.",
            answer=lambda mean, deviation, best: np.maximum(best - mean, 0),
        ),
        Mistake(
            hint="The second term lacks its deviation: deviation · φ(z).",
            answer=lambda mean, deviation, best: (
                (best - mean) * stats.norm.cdf(_z(mean, deviation, best)) + stats.norm.pdf(_z(mean, deviation, best))
            ),
        ),
        Mistake(
            hint="Φ and φ have changed places: Φ, the distribution, stands at (best - mean); φ, the density, at the "
            "deviation.",
            answer=lambda mean, deviation, best: (
                (best - mean) * stats.norm.pdf(_z(mean, deviation, best))
                + deviation * stats.norm.cdf(_z(mean, deviation, best))
            ),
        ),
        Mistake(
            hint="You took the difference itself for z. Divide it by the deviation.",
            answer=lambda mean, deviation, best: (
                (best - mean) * stats.norm.cdf(best - mean) + deviation * stats.norm.pdf(best - mean)
            ),
        ),
        Mistake(
            hint="That is the first term alone. Where the mean is no better than the best, the second one brings hope.",
            answer=lambda mean, deviation, best: (best - mean) * stats.norm.cdf(_z(mean, deviation, best)),
        ),
        Mistake(
            hint="In the first term stands z. It is best - mean, in the units of the loss.",
            answer=lambda mean, deviation, best: (
                _z(mean, deviation, best) * stats.norm.cdf(_z(mean, deviation, best))
                + deviation * stats.norm.pdf(_z(mean, deviation, best))
            ),
        ),
    ),
)

# An honest number --------------------------------------------------------------------------------

Pair = tuple[np.ndarray, np.ndarray]
Nests = Sequence[tuple[np.ndarray, np.ndarray, Sequence[Pair]]]
Loss = Callable[[float, np.ndarray, np.ndarray], float]


class Shrunk:
    """A stand-in for a model: it forecasts the mean of what it learned from, times its setting."""

    def __init__(self, y: np.ndarray):
        self._y = y

    def __call__(self, setting: float, train: np.ndarray, test: np.ndarray) -> float:
        """Give the mean squared error on the rows held out."""
        return float(((self._y[test] - setting * self._y[train].mean()) ** 2).mean())

    def __repr__(self) -> str:
        return f"a loss on {len(self._y)} rows"


def _nests(n: int, outer: int, inner: int) -> Nests:
    rows = np.arange(n)
    nests = []
    for j in range(outer):
        train, test = rows[rows % outer != j], rows[rows % outer == j]
        places = np.arange(len(train)) % inner
        nests.append((train, test, [(train[places != i], train[places == i]) for i in range(inner)]))
    return nests


def _inner(loss: Loss, settings: Sequence[float], inner: Sequence[Pair]) -> np.ndarray:
    """List the loss of each setting at each inner pair: a row a setting."""
    return np.array([[loss(setting, a, b) for a, b in inner] for setting in settings])


def _by(choose: Callable[[np.ndarray], int]) -> Callable[[Loss, Sequence[float], Nests], float]:
    """Make a nested estimate that chooses its setting from the table of inner losses in some way."""

    def answer(loss: Loss, settings: Sequence[float], nests: Nests) -> float:
        outer = [loss(settings[choose(_inner(loss, settings, pairs))], train, test) for train, test, pairs in nests]
        return float(np.mean(outer))

    return answer


def _last_only(loss: Loss, settings: Sequence[float], nests: Nests) -> float:
    return _by(lambda table: int(table.mean(axis=1).argmin()))(loss, settings, nests[-1:])


def _not_refitted(loss: Loss, settings: Sequence[float], nests: Nests) -> float:
    outer = []
    for _, test, pairs in nests:
        best = settings[int(_inner(loss, settings, pairs).mean(axis=1).argmin())]
        outer.append(np.mean([loss(best, learned, test) for learned, _ in pairs]))
    return float(np.mean(outer))


honest = Exercise(
    notebook="09",
    name="an experiment: an honest number",
    solution=_by(lambda table: int(table.mean(axis=1).argmin())),
    cases=tuple(
        (Shrunk(_rng.normal(centre, 1, size=n).round(2)), settings, _nests(n, outer, inner))
        for centre, n, settings, outer, inner in (
            (0.4, 12, (0.0, 0.5, 1.0), 3, 2),
            (0.3, 20, (1.0, 0.0, 0.7, 0.3), 4, 3),
            (0.5, 15, (0.2, 1.5, 0.8), 5, 3),
            (0.2, 24, (0.0, 0.4, 0.8, 1.2), 3, 4),
        )
    ),
    mistakes=(
        Mistake(
            hint="That is the loss by which the settings were chosen. The best of several is too good to be true: "
            "report the loss on the rows held out.",
            answer=lambda loss, settings, nests: float(
                np.mean([_inner(loss, settings, pairs).mean(axis=1).min() for *_, pairs in nests])
            ),
        ),
        Mistake(
            hint="You let the held-out rows choose, fold by fold. They may only report.",
            answer=lambda loss, settings, nests: float(
                np.mean([min(loss(setting, train, test) for setting in settings) for train, test, _ in nests])
            ),
        ),
        Mistake(
            hint="One setting for all folds, chosen by the losses on the rows held out: that is what is usually done, "
            "and what nesting is to avoid. Choose within each fold, by its inner pairs.",
            answer=lambda loss, settings, nests: min(
                float(np.mean([loss(setting, train, test) for train, test, _ in nests])) for setting in settings
            ),
        ),
        Mistake(
            hint="The model that you report was fitted to part of the rows only. Fit the chosen setting again, to all "
            "of `train`.",
            answer=_not_refitted,
        ),
        Mistake(
            hint="You chose by the first inner pair alone. Average over all of them.",
            answer=_by(lambda table: int(table[:, 0].argmin())),
        ),
        Mistake(
            hint="You chose by the last inner pair alone. Is the loss overwritten at every pair?",
            answer=_by(lambda table: int(table[:, -1].argmin())),
        ),
        Mistake(
            hint="You chose the setting with the luckiest single pair. Average over the pairs first.",
            answer=_by(lambda table: int(table.min(axis=1).argmin())),
        ),
        Mistake(
            hint="That is the worst setting of each fold: argmin, not argmax.",
            answer=_by(lambda table: int(table.mean(axis=1).argmax())),
        ),
        Mistake(
            hint="Only the last fold counts. Is your result overwritten at every fold?",
            answer=_last_only,
        ),
    ),
)

EXERCISES = (deal, whole, paired, trials, improvement, honest)
