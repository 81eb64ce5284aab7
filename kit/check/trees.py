"""The exercises of notebook 10: a Gini split, out-of-bag rows, XGBoost's gain, a boosting step, a stack, a choice.

Taught in: 10
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn.linear import least_squares, with_intercept

# The split -------------------------------------------------------------------------------------------


def _gini(classes: np.ndarray) -> float:
    shares = np.bincount(classes) / len(classes)
    return float(1 - (shares**2).sum())


def _entropy(classes: np.ndarray) -> float:
    shares = np.bincount(classes) / len(classes)
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def _wrong_share(classes: np.ndarray) -> float:
    return 1 - np.bincount(classes).max() / len(classes)


def _gini_split(
    x: np.ndarray,
    classes: np.ndarray,
    *,
    impurity: Callable[[np.ndarray], float] = _gini,
    weights: Callable[[float], tuple[float, float]] = lambda share: (share, 1 - share),
    choose: Callable = np.argmin,
    between: Callable = lambda values: (values[:-1] + values[1:]) / 2,
) -> tuple[float, float]:
    thresholds = between(np.unique(x))
    left = [x <= threshold for threshold in thresholds]
    pairs = [weights(float(side.mean())) for side in left]
    mixed = [a * impurity(classes[s]) + b * impurity(classes[~s]) for (a, b), s in zip(pairs, left, strict=True)]
    at = int(choose(mixed))
    return float(thresholds[at]), float(mixed[at])


def _fallen(x: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    threshold, mixed = _gini_split(x, classes)
    return threshold, _gini(classes) - mixed


def _unsorted(x: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    middles = [t for t in (x[:-1] + x[1:]) / 2 if x.min() <= t < x.max()]
    left = [x <= t for t in middles]
    mixed = [s.mean() * _gini(classes[s]) + (~s).mean() * _gini(classes[~s]) for s in left]
    return float(middles[int(np.argmin(mixed))]), float(min(mixed))


gini_split = Exercise(
    notebook="10",
    name="the Gini split",
    solution=_gini_split,
    cases=(
        (np.array([5.0, 1.0, 4.0, 2.0, 8.0, 3.0]), np.array([1, 0, 1, 0, 1, 1])),
        (np.array([2.0, 9.0, 4.0, 7.0, 1.0, 4.0, 3.0, 8.0, 6.0]), np.array([0, 2, 1, 2, 0, 1, 1, 0, 2])),
        (np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]), np.array([1, 0, 0, 0, 0, 1, 1, 0])),
    ),
    mistakes=(
        Mistake(
            hint="Both sides count alike there. Weigh each side's impurity by its share of the rows.",
            answer=partial(_gini_split, weights=lambda share: (0.5, 0.5)),
        ),
        Mistake(
            hint="Both sides count alike there, and are added. Weigh each side's impurity by its share of the rows.",
            answer=partial(_gini_split, weights=lambda share: (1, 1)),
        ),
        Mistake(
            hint="You looked at one side only. The other side's impurity counts by its share as well.",
            answer=partial(_gini_split, weights=lambda share: (share, 0)),
        ),
        Mistake(
            hint="That is the worst split: the highest impurity is left. Keep the lowest.",
            answer=partial(_gini_split, choose=np.argmax),
        ),
        Mistake(
            hint="The threshold is the value below the gap. Take the middle between the two neighbours.",
            answer=partial(_gini_split, between=lambda values: values[:-1]),
        ),
        Mistake(hint="That is the entropy. Gini is 1 - Σ p².", answer=partial(_gini_split, impurity=_entropy)),
        Mistake(
            hint="That is the share that a majority gets wrong. Gini is 1 - Σ p².",
            answer=partial(_gini_split, impurity=_wrong_share),
        ),
        Mistake(
            hint="Neighbours in the array are not neighbours in value. Sort first, or use np.unique.",
            answer=_unsorted,
        ),
        Mistake(hint="The second number is what the impurity falls by. Return what is left of it.", answer=_fallen),
        Mistake(
            hint="That is the threshold alone. Return it and the impurity that is left.",
            answer=lambda x, classes: _gini_split(x, classes)[0],
        ),
    ),
)

# Bagging ---------------------------------------------------------------------------------------------


def line(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Learn a straight line, and give the function that predicts by it."""
    weights = least_squares(with_intercept(x), y)
    return lambda new: with_intercept(new) @ weights


def nearest(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Learn by heart: predict for each row what the nearest of the rows seen had."""
    return lambda new: y[((new[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)]


def _rows(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)).round(2)
    return x, (x[:, 0] * x[:, 1] + x[:, 0] + rng.normal(size=n)).round(2)


_DRAWS = (
    np.array([[0, 0, 2, 5, 4, 4], [1, 3, 3, 5, 1, 1], [2, 2, 1, 4, 0, 4], [5, 5, 3, 0, 0, 2]]),
    np.array(
        [
            [0, 1, 1, 3, 6, 6, 5],
            [2, 2, 4, 5, 0, 6, 3],
            [1, 4, 4, 2, 3, 0, 0],
            [5, 6, 1, 1, 2, 4, 2],
            [0, 2, 2, 6, 4, 4, 0],
            [1, 1, 3, 5, 3, 6, 6],
        ]
    ),
)


def _out_of_bag(
    fit: Callable,
    x: np.ndarray,
    y: np.ndarray,
    draws: np.ndarray,
    *,
    learned: Callable = lambda rows, n: rows,
    asked: Callable = lambda rows, n: ~np.isin(np.arange(n), rows),
    over: Callable = lambda voices, draws: voices,
    adds: bool = True,
) -> np.ndarray:
    total, voices = np.zeros(len(x)), np.zeros(len(x))
    for rows in draws:
        seen, out = learned(rows, len(x)), asked(rows, len(x))
        predicted = fit(x[seen], y[seen])(x[out])
        total[out] = total[out] + predicted if adds else predicted
        voices[out] += 1
    return total / over(voices, draws)


out_of_bag = Exercise(
    notebook="10",
    name="out-of-bag predictions",
    solution=_out_of_bag,
    cases=((line, *_rows(0, 6), _DRAWS[0]), (nearest, *_rows(1, 7), _DRAWS[1]), (line, *_rows(2, 7), _DRAWS[1])),
    mistakes=(
        Mistake(
            hint="Every model predicted every row, its own too. Leave out the models that have seen the row.",
            answer=partial(_out_of_bag, asked=lambda rows, n: np.full(n, True)),
        ),
        Mistake(
            hint="Each row was predicted by the models that have seen it. Take those that have not.",
            answer=partial(_out_of_bag, asked=lambda rows, n: np.isin(np.arange(n), rows)),
        ),
        Mistake(
            hint="Those are sums. Divide each by the number of models that did not see the row.",
            answer=partial(_out_of_bag, over=lambda voices, draws: 1),
        ),
        Mistake(
            hint="You divided by the number of models. Not every one of them predicted the row: count those that did.",
            answer=partial(_out_of_bag, over=lambda voices, draws: len(draws)),
        ),
        Mistake(
            hint="Every model learned from all rows. Each has its own draw: x[rows] and y[rows].",
            answer=partial(_out_of_bag, learned=lambda rows, n: np.arange(n)),
        ),
        Mistake(
            hint="A row that is drawn twice counts twice: learn from x[rows] as it is, not from the different ones.",
            answer=partial(_out_of_bag, learned=lambda rows, n: np.unique(rows)),
        ),
        Mistake(
            hint="Each model's predictions overwrite those before. Add them up.",
            answer=partial(_out_of_bag, adds=False, over=lambda voices, draws: 1),
        ),
    ),
)

# Boosting --------------------------------------------------------------------------------------------


def _sides(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n).round(2), rng.uniform(0.1, 1, size=n).round(2), np.arange(n) % 3 > 0


def _gain(
    g: np.ndarray,
    h: np.ndarray,
    left: np.ndarray,
    strength: float,
    *,
    score: Callable = lambda g, h, strength: g.sum() ** 2 / (h.sum() + strength),
    half: float = 0.5,
    parent: float = 1.0,
) -> float:
    two = score(g[left], h[left], strength) + score(g[~left], h[~left], strength)
    return float(half * (two - parent * score(g, h, strength)))


gain = Exercise(
    notebook="10",
    name="the gain of a split",
    solution=_gain,
    cases=((*_sides(0, 6), 1.0), (*_sides(1, 8), 0.5), (*_sides(2, 5), 0.0)),
    mistakes=(
        Mistake(
            hint="Twice too much: the whole bracket is halved. (xgboost's own print leaves the ½ out.)",
            answer=partial(_gain, half=1.0),
        ),
        Mistake(
            hint="The penalty is missing: λ is added to each sum of h.",
            answer=partial(_gain, score=lambda g, h, strength: g.sum() ** 2 / h.sum()),
        ),
        Mistake(
            hint="Those are sums of squares. Add up the gradients first, and square the sum.",
            answer=partial(_gain, score=lambda g, h, strength: (g**2).sum() / (h.sum() + strength)),
        ),
        Mistake(
            hint="The sum of the gradients is not squared.",
            answer=partial(_gain, score=lambda g, h, strength: g.sum() / (h.sum() + strength)),
        ),
        Mistake(
            hint="Those are means. G and H are sums over the rows of a side.",
            answer=partial(_gain, score=lambda g, h, strength: g.mean() ** 2 / (h.mean() + strength)),
        ),
        Mistake(
            hint="The node's own part is not taken off: what counts is what two leaves gain over one.",
            answer=partial(_gain, parent=0.0),
        ),
        Mistake(
            hint="You divided by the number of rows. The sum of h stands there.",
            answer=partial(_gain, score=lambda g, h, strength: g.sum() ** 2 / (len(g) + strength)),
        ),
        Mistake(hint="The sign is turned round: two leaves, less one.", answer=partial(_gain, half=-0.5)),
        Mistake(
            hint="λ belongs to the divisor, not to the whole fraction.",
            answer=partial(_gain, score=lambda g, h, strength: g.sum() ** 2 / h.sum() + strength),
        ),
    ),
)


def _two_leaves(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(2, size=n).astype(float), rng.normal(size=n).round(2), np.arange(n) % 3 > 0


def _sigmoid(margins: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-margins))


def _boosted(
    y: np.ndarray,
    margins: np.ndarray,
    left: np.ndarray,
    lr: float,
    strength: float,
    *,
    chance: Callable = _sigmoid,
    slope: Callable = lambda p: p * (1 - p),
    leaf: Callable = lambda g, h, strength: -g.sum() / (h.sum() + strength),
    start: float = 1.0,
    rate: Callable = lambda lr: lr,
    sides: Callable = lambda left: (left, ~left),
) -> np.ndarray:
    p = chance(margins)
    g, h, new = p - y, slope(p), start * margins
    for side in sides(left):
        new[side] += rate(lr) * leaf(g[side], h[side], strength)
    return new


boosted = Exercise(
    notebook="10",
    name="one step of boosting",
    solution=_boosted,
    cases=(
        (*_two_leaves(0, 6), 0.3, 1.0),
        (*_two_leaves(1, 8), 0.5, 2.0),
        (*_two_leaves(2, 7), 1.0, 0.0),
    ),
    mistakes=(
        Mistake(
            hint="The margins were taken for probabilities. Send them through the sigmoid first.",
            answer=partial(_boosted, chance=lambda margins: margins),
        ),
        Mistake(
            hint="The leaf lacks its minus: -G / (H + λ) goes against the gradient.",
            answer=partial(_boosted, leaf=lambda g, h, strength: g.sum() / (h.sum() + strength)),
        ),
        Mistake(
            hint="The learning rate is missing: the step is lr times the leaf's value.",
            answer=partial(_boosted, rate=lambda lr: 1.0),
        ),
        Mistake(
            hint="You took h = 1, which is that of the squared error. The log loss has p (1 - p).",
            answer=partial(_boosted, slope=np.ones_like),
        ),
        Mistake(
            hint="The penalty is missing: λ is added to the sum of h.",
            answer=partial(_boosted, leaf=lambda g, h, strength: -g.sum() / h.sum()),
        ),
        Mistake(
            hint="Those are means of g and h. A leaf adds them up over its rows; λ is not shared out.",
            answer=partial(_boosted, leaf=lambda g, h, strength: -g.mean() / (h.mean() + strength)),
        ),
        Mistake(hint="That is the step alone. Add it to the margins.", answer=partial(_boosted, start=0.0)),
        Mistake(
            hint="Only the left leaf has moved its rows. The right one has a value of its own.",
            answer=partial(_boosted, sides=lambda left: (left,)),
        ),
        Mistake(
            hint="All rows got one value: that is a tree of one leaf. Add up each side by itself.",
            answer=partial(_boosted, sides=lambda left: (left | ~left,)),
        ),
        Mistake(
            hint="Those are probabilities. Return the margins: the next step needs them.",
            answer=lambda *case: _sigmoid(_boosted(*case)),
        ),
    ),
)

# A stack ---------------------------------------------------------------------------------------------

_FOLDS = ([np.array([0, 3]), np.array([1, 4]), np.array([2, 5])], [np.array([4, 0, 6]), np.array([2, 1, 5, 3])])


def _side_by_side(
    members: Sequence[Callable],
    x: np.ndarray,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    *,
    learned: Callable = lambda n, fold: np.setdiff1d(np.arange(n), fold),
) -> np.ndarray:
    columns = np.zeros((len(x), len(members)))
    for k, fit in enumerate(members):
        for fold in folds:
            rows = learned(len(x), fold)
            columns[fold, k] = fit(x[rows], y[rows])(x[fold])
    return columns


def _predicts_others(members: Sequence[Callable], x: np.ndarray, y: np.ndarray, folds: Sequence[np.ndarray]):
    columns = np.zeros((len(x), len(members)))
    for k, fit in enumerate(members):
        for fold in folds:
            others = np.setdiff1d(np.arange(len(x)), fold)
            columns[others, k] = fit(x[fold], y[fold])(x[others])
    return columns


def _sums(members: Sequence[Callable], x: np.ndarray, y: np.ndarray, folds: Sequence[np.ndarray]) -> np.ndarray:
    return _side_by_side(members, x, y, folds).mean(axis=1)


side_by_side = Exercise(
    notebook="10",
    name="a stack without a leak",
    solution=_side_by_side,
    cases=(((line, nearest), *_rows(3, 6), _FOLDS[0]), ((nearest, line), *_rows(4, 7), _FOLDS[1])),
    mistakes=(
        Mistake(
            hint="Every member has seen the rows that it predicts: the leak. Learn from the rows outside the fold.",
            answer=partial(_side_by_side, learned=lambda n, fold: np.arange(n)),
        ),
        Mistake(
            hint="You learned from the fold, and predicted it. Learn from all other rows.",
            answer=partial(_side_by_side, learned=lambda n, fold: fold),
        ),
        Mistake(hint="Turned round: you learned from the fold, and predicted the others.", answer=_predicts_others),
        Mistake(
            hint="The members stand in rows. Give a row for each row of x, and a column for each member.",
            answer=lambda *case: _side_by_side(*case).T,
        ),
        Mistake(
            hint="That is the members' mean, a vote. The model on top wants each member's own column.", answer=_sums
        ),
    ),
)

# The experiment ----------------------------------------------------------------------------------------


def _cheapest(
    scores: np.ndarray,
    seconds: np.ndarray,
    ratio: float,
    t: float,
    *,
    factor: Callable = lambda n, ratio: (1 / n + ratio) ** 0.5,
    ddof: int = 1,
    choose: Callable = lambda level, scores, seconds: np.where(level, seconds, np.inf).argmin(),
    leader: Callable = lambda scores: scores.mean(axis=1).argmax(),
    paired: bool = True,
) -> int:
    best = leader(scores)
    gaps = scores[best] - scores
    spread = gaps.std(axis=1, ddof=ddof)
    if not paired:
        spread = np.sqrt(scores.var(axis=1, ddof=1) + scores[best].var(ddof=1))
    level = gaps.mean(axis=1) <= t * spread * factor(scores.shape[1], ratio)
    return int(choose(level, scores, seconds))


def _case(shifts: Sequence[float], spreads: Sequence[float], seconds: Sequence[float], ratio: float, seed: int):
    """Make scores of five models on six splits: they share the splits' luck, and have their own spread beside it."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(shifts), 6))
    noise -= noise.mean(axis=1, keepdims=True)
    luck = 0.05 * rng.normal(size=6)
    scores = 0.8 + luck + np.array(shifts)[:, None] + np.array(spreads)[:, None] * noise
    return scores.round(4), np.array(seconds), ratio, 2.5706  # Student's t for five degrees of freedom


def _near(ratio: float, t: float) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Make a case in which one model is just level with the best, and a cheaper one just not."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(3, 6))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, ddof=1, keepdims=True)
    best = 0.8 + 0.05 * rng.normal(size=6)
    bound = t * 0.01 * np.sqrt(1 / 6 + ratio)
    others = [best - share * bound - 0.01 * own for share, own in zip((0.99, 1.01, 0.5), noise, strict=True)]
    return np.array([best, *others, best / 2]), np.array([60.0, 4.0, 2.0, 9.0, 1.0]), ratio, t


_SCORES = (
    _near(0.3, 2.5706),
    _case((0.0, -0.013, -0.018, -0.004, -0.09), (0.002, 0.01, 0.01, 0.01, 0.01), (60, 4, 2, 9, 1), 0.3, 0),
    _case((-0.01, 0.0, -0.06, -0.05, -0.02), (0.01, 0.004, 0.012, 0.01, 0.012), (30, 20, 3, 1, 8), 0.3, 1),
    _case((-0.2, 0.0, -0.1, -0.15, -0.2), (0.01, 0.01, 0.01, 0.01, 0.01), (1, 50, 7, 3, 2), 0.3, 2),
)

cheapest = Exercise(
    notebook="10",
    name="an experiment: the cheapest that is level",
    solution=_cheapest,
    cases=_SCORES,
    mistakes=(
        Mistake(
            hint="That is the best by its mean. A cheaper one may be level with it.",
            answer=lambda scores, seconds, ratio, t: int(scores.mean(axis=1).argmax()),
        ),
        Mistake(
            hint="That is the cheapest of all. Only those count whose gap to the best is within its uncertainty.",
            answer=lambda scores, seconds, ratio, t: int(np.argmin(seconds)),
        ),
        Mistake(
            hint="The splits overlap: without the ratio the error is too small. It is s · √(1/n + ratio).",
            answer=partial(_cheapest, factor=lambda n, ratio: n**-0.5),
        ),
        Mistake(
            hint="That is the deviation of one split, not the error of the mean: times √(1/n + ratio).",
            answer=partial(_cheapest, factor=lambda n, ratio: 1.0),
        ),
        Mistake(
            hint="You compared each model's own spread. On one split all rise and fall together: take the differences.",
            answer=partial(_cheapest, paired=False),
        ),
        Mistake(
            hint="That is the dearest of those that are level.",
            answer=partial(_cheapest, choose=lambda level, scores, seconds: np.where(level, seconds, -np.inf).argmax()),
        ),
        Mistake(
            hint="Those are its seconds. Return the place of the model.",
            answer=lambda *case: float(case[1][_cheapest(*case)]),
        ),
    ),
)

EXERCISES = (gini_split, out_of_bag, gain, boosted, side_by_side, cheapest)
