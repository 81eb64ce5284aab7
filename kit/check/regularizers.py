"""The exercises of notebook 07: soft threshold, weight decay, dropout, early stopping, an honest choice.

Taught in: 07
"""

from collections.abc import Callable, Sequence

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn.regularizers import early_stopping, l2, soft_threshold

_rng = np.random.default_rng(5)

threshold = Exercise(
    notebook="07",
    name="the soft threshold",
    solution=soft_threshold,
    cases=(
        (np.array([3.0, -2.0, 0.5, -0.25, 0.0]), 1.0),
        (_rng.normal(size=(4, 3)), 0.5),
        (np.array([0.2, -0.1]), 0.3),
    ),
    mistakes=(
        Mistake(
            hint="Small weights are 0, but large ones kept all of their size. That is the hard threshold; "
            "the soft one takes the threshold off those as well.",
            answer=lambda w, t: np.where(np.abs(w) > t, w, 0.0),
        ),
        Mistake(
            hint="The signs are lost. Take the threshold off the size, then give each weight its sign back.",
            answer=lambda w, t: np.maximum(np.abs(w) - t, 0),
        ),
        Mistake(
            hint="Negative weights are all 0 now. Their size counts, not their value: use np.abs and np.sign.",
            answer=lambda w, t: np.maximum(w - t, 0),
        ),
        Mistake(
            hint="Small weights went past 0 and out on the other side. They must stop at 0: use np.maximum.",
            answer=lambda w, t: w - t * np.sign(w),
        ),
        Mistake(
            hint="That is what is to be taken off. Subtract it from the weights.",
            answer=lambda w, t: np.clip(w, -t, t),
        ),
        Mistake(
            hint="You took the threshold off every weight, whatever its sign. It pulls towards 0 from both sides.",
            answer=lambda w, t: w - t,
        ),
    ),
)


def _decayed(weights: np.ndarray, gradient: np.ndarray, lr: float, strength: float) -> np.ndarray:
    return weights - lr * (gradient + l2(strength)(weights)[1])


decay = Exercise(
    notebook="07",
    name="weight decay",
    solution=_decayed,
    cases=(
        (np.array([3.0, -2.0, 0.5]), np.array([1.0, 0.0, -1.0]), 0.1, 2.0),
        (_rng.normal(size=(4, 3)), _rng.normal(size=(4, 3)), 0.3, 0.7),
    ),
    mistakes=(
        Mistake(
            hint="The penalty pushes the weights away from 0. Its gradient is added to that of the loss.",
            answer=lambda w, g, lr, s: w - lr * (g - s * w),
        ),
        Mistake(
            hint="The learning rate multiplies the whole gradient, that of the penalty as well.",
            answer=lambda w, g, lr, s: w - lr * g - s * w,
        ),
        Mistake(
            hint="There is a 2 too many: the penalty is half the sum of squares, and its gradient is strength · w.",
            answer=lambda w, g, lr, s: w - lr * (g + 2 * s * w),
        ),
        Mistake(
            hint="There is a half too many: the derivative of w² / 2 is w.",
            answer=lambda w, g, lr, s: w - lr * (g + s / 2 * w),
        ),
        Mistake(
            hint="You shrank the weights after the step. Both gradients are taken at the same point, before it.",
            answer=lambda w, g, lr, s: (1 - lr * s) * (w - lr * g),
        ),
        Mistake(
            hint="That is the pull of L1, the same on every weight. The pull of L2 grows with the weight.",
            answer=lambda w, g, lr, s: w - lr * (g + s * np.sign(w)),
        ),
        Mistake(
            hint="You added the penalty itself. A step needs its gradient: one number for each weight.",
            answer=lambda w, g, lr, s: w - lr * (g + s / 2 * (w**2).sum()),
        ),
        Mistake(
            hint="That is the step on the loss alone. The penalty has a gradient, too.",
            answer=lambda w, g, lr, s: w - lr * g,
        ),
    ),
)

dropped = Exercise(
    notebook="07",
    name="inverted dropout",
    solution=lambda x, rate, draws: x * (draws >= rate) / (1 - rate),
    cases=(
        (np.array([1.0, 2.0, 3.0, 4.0]), 0.25, np.array([0.9, 0.1, 0.25, 0.2])),
        (_rng.normal(size=(5, 4)), 0.7, _rng.random((5, 4))),
    ),
    mistakes=(
        Mistake(
            hint="The mean shrinks: what is kept must grow by 1 / (1 - rate) to make up for what is silenced.",
            answer=lambda x, rate, draws: x * (draws >= rate),
        ),
        Mistake(
            hint="You divided by the rate. The share that is kept is 1 - rate.",
            answer=lambda x, rate, draws: x * (draws >= rate) / rate,
        ),
        Mistake(
            hint="You made what is kept smaller still. Divide by 1 - rate, do not multiply.",
            answer=lambda x, rate, draws: x * (draws >= rate) * (1 - rate),
        ),
        Mistake(
            hint="You kept those that should be silent: a draw below the rate silences.",
            answer=lambda x, rate, draws: x * (draws < rate) / (1 - rate),
        ),
        *(
            Mistake(
                hint="The mean is kept, but the rate is turned round: you silence the share 1 - rate.",
                answer=lambda x, rate, draws, below=below: x * below(draws, rate) / rate,
            )
            for below in (np.less, np.less_equal)
        ),
        Mistake(
            hint="A draw of just the rate is not below it, and is kept: >=, not >.",
            answer=lambda x, rate, draws: x * (draws > rate) / (1 - rate),
        ),
        Mistake(
            hint="That is the mask. Multiply x by it.",
            answer=lambda x, rate, draws: (draws >= rate) / (1 - rate),
        ),
    ),
)


def first_rise(losses: np.ndarray) -> int:
    """Find the last place before the first loss that is no lower than the one before it."""
    rises = np.flatnonzero(np.diff(losses) >= 0)
    return int(rises[0]) if rises.size else len(losses) - 1


def rises_in_a_row(losses: np.ndarray, patience: int) -> int:
    """Stop after so many rises in a row; find the lowest loss until then."""
    count = 0
    for i in range(1, len(losses)):
        count = count + 1 if losses[i] >= losses[i - 1] else 0
        if count == patience:
            return int(np.argmin(losses[: i + 1]))
    return int(np.argmin(losses))


def _ended(losses: np.ndarray, patience: int) -> int:
    ended = early_stopping(losses, patience=patience).stopped
    return len(losses) - 1 if ended is None else ended


def _stopped(losses: np.ndarray, patience: int, *, ties: bool = False, first: int = 0, resets: bool = True) -> int:
    """Stop by a count of losses that were no new best, as learners write it."""
    best, count = 0, first
    for i in range(1, len(losses)):
        if losses[i] < losses[best] or (ties and losses[i] == losses[best]):
            best, count = i, 0 if resets else count
        else:
            count += 1
        if count == patience:
            break
    return best


stopping = Exercise(
    notebook="07",
    name="early stopping",
    solution=lambda losses, patience: early_stopping(losses, patience=patience).best,
    cases=(
        (np.array([5.0, 4.0, 3.0, 3.5, 3.2, 3.4, 3.3, 1.0]), 3),
        (np.array([3.0, 2.0, 2.5, 2.2, 2.6, 2.7, 2.8, 1.9]), 3),
        (np.array([4.0, 3.0, 3.1, 3.2, 2.0, 2.5, 2.6, 2.7, 1.0]), 3),
        (np.array([3.0, 2.0, 1.0]), 2),
        (np.array([5.0, 4.0, 4.5, 3.0, 3.5, 3.6, 2.9]), 3),
        (np.array([1.0, 2.0, 3.0, 4.0, 0.5]), 3),  # the first stays best
        (np.array([1.0, 2.0, 3.0, 0.5]), 3),
        (np.array([5.0, 6.0, 4.0, 4.5, 4.2, 3.0]), 3),  # a new best begins the count anew
        (np.array([2.0, 2.0, 2.0, 2.0, 1.0]), 3),  # as low as the best is no new best
    ),
    mistakes=(
        Mistake(
            hint="You looked at losses that training never reached: it ends when patience runs out.",
            answer=lambda losses, patience: int(np.argmin(losses)),
        ),
        Mistake(
            hint="That is where training ends. Return where it was at its best.",
            answer=lambda losses, patience: _ended(losses, patience),
        ),
        Mistake(
            hint="You gave up at the first rise. Wait until `patience` losses in a row were no new best.",
            answer=lambda losses, patience: first_rise(losses),
        ),
        Mistake(
            hint="You count rises in a row, and start anew when the loss falls a little. Compare with the best so far.",
            answer=rises_in_a_row,
        ),
        Mistake(
            hint="You wait one loss too long: training ends as soon as `patience` losses brought no new best.",
            answer=lambda losses, patience: early_stopping(losses, patience=patience + 1).best,
        ),
        Mistake(
            hint="You give up one loss too early.",
            answer=lambda losses, patience: early_stopping(losses, patience=patience - 1).best,
        ),
        Mistake(
            hint="Your count goes on across a new best. `patience` losses in a row are meant: go back to 0 there.",
            answer=lambda losses, patience: _stopped(losses, patience, resets=False),
        ),
        Mistake(
            hint="A loss as low as the best is no new best: <, not <=.",
            answer=lambda losses, patience: _stopped(losses, patience, ties=True),
        ),
        Mistake(
            hint="The first loss was counted as no new best. It is the best so far: start the count after it.",
            answer=lambda losses, patience: _stopped(losses, patience, first=1),
        ),
        Mistake(
            hint="That is the loss. Return its place.",
            answer=lambda losses, patience: float(losses[early_stopping(losses, patience=patience).best]),
        ),
    ),
)


class Trials:
    """A stand-in for many trainings: the training and the validation loss of each strength and seed."""

    def __init__(self, strengths: Sequence[float], train: Sequence, validation: Sequence):
        self._strengths = list(strengths)
        self._train, self._validation = np.array(train), np.array(validation)

    def __call__(self, strength: float, seed: int) -> tuple[float, float]:
        """Give the training loss and the validation loss of one run."""
        i = self._strengths.index(strength)
        return float(self._train[i, seed]), float(self._validation[i, seed])

    def __repr__(self) -> str:
        return f"trials of {len(self._strengths)} strengths"


_WIDE = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
_TRIALS = Trials(
    _WIDE,
    train=[[0.1, 0.1, 0.1], [0.5, 0.4, 0.6], [1.0, 1.1, 0.9], [1.5, 0.5, 1.6], [4.9, 5.0, 5.1], [5.5, 5.6, 5.7]],
    validation=[[1.0, 5.0, 4.0], [3.0, 2.5, 3.0], [2.4, 2.6, 2.5], [4.0, 0.9, 4.2], [5.0, 5.1, 5.2], [6.5, 6.6, 6.7]],
)
_FEW = Trials(
    (0.5, 2.0, 8.0),
    train=[[0.1, 0.2], [0.3, 0.4], [1.5, 8.8]],
    validation=[[2.0, 4.0], [3.0, 1.5], [1.9, 9.0]],
)

# the mean is lowest at 1; the median at 0.1, the last seed at 10, the worst seed at 100
_MOVED = Trials(
    (0.1, 1.0, 10.0, 100.0),
    train=[[0.5] * 3, [1.0] * 3, [2.0] * 3, [2.9] * 3],
    validation=[[1.0, 1.0, 7.0], [2.0, 2.0, 3.5], [6.0, 5.0, 0.5], [3.0, 3.0, 3.0]],
)

Measure = Callable[[float, int], tuple[float, float]]


def _table(measure: Measure, strengths: Sequence[float], seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    losses = np.array([[measure(strength, seed) for seed in seeds] for strength in strengths])
    return losses[..., 0], losses[..., 1]


def _chosen(measure: Measure, strengths: Sequence[float], seeds: Sequence[int]) -> float:
    return strengths[int(_table(measure, strengths, seeds)[1].mean(axis=1).argmin())]


choice = Exercise(
    notebook="07",
    name="an experiment: choose the strength",
    solution=_chosen,
    cases=(
        (_TRIALS, _WIDE, (0, 1, 2)),
        (_FEW, (0.5, 2.0, 8.0), (0, 1)),
        (_MOVED, (0.1, 1.0, 10.0, 100.0), (0, 1, 2)),
    ),
    mistakes=(
        Mistake(
            hint="You chose by the training loss, which always asks for the weakest penalty. Use the validation loss.",
            answer=lambda m, strengths, seeds: strengths[int(_table(m, strengths, seeds)[0].mean(axis=1).argmin())],
        ),
        Mistake(
            hint="You averaged both losses that measure returns. The second is the validation loss: take [1] alone.",
            answer=lambda m, strengths, seeds: strengths[
                int(np.add(*_table(m, strengths, seeds)).mean(axis=1).argmin())
            ],
        ),
        Mistake(
            hint="You chose the smallest gap. A model that has learned nothing has no gap at all; "
            "ask for the lowest validation loss.",
            answer=lambda m, strengths, seeds: strengths[
                int(np.subtract(*_table(m, strengths, seeds)[::-1]).mean(axis=1).argmin())
            ],
        ),
        Mistake(
            hint="You looked at the first seed alone. One split can be lucky: average over all seeds.",
            answer=lambda m, strengths, seeds: strengths[int(_table(m, strengths, seeds)[1][:, 0].argmin())],
        ),
        Mistake(
            hint="Only the last seed counts. Is the loss overwritten at every seed? Average over all of them.",
            answer=lambda m, strengths, seeds: strengths[int(_table(m, strengths, seeds)[1][:, -1].argmin())],
        ),
        Mistake(
            hint="That is the lowest median. Choose by the mean over the seeds: a loss that is rarely high counts too.",
            answer=lambda m, strengths, seeds: strengths[
                int(np.median(_table(m, strengths, seeds)[1], axis=1).argmin())
            ],
        ),
        Mistake(
            hint="You went by each strength's worst seed. Choose by the mean over the seeds.",
            answer=lambda m, strengths, seeds: strengths[int(_table(m, strengths, seeds)[1].max(axis=1).argmin())],
        ),
        Mistake(
            hint="You took the luckiest single run. Average each strength over all seeds first.",
            answer=lambda m, strengths, seeds: strengths[int(_table(m, strengths, seeds)[1].min(axis=1).argmin())],
        ),
        Mistake(
            hint="You averaged the winners of the seeds. That number was never tried: average the losses instead.",
            answer=lambda m, strengths, seeds: float(
                np.mean([strengths[i] for i in _table(m, strengths, seeds)[1].argmin(axis=0)])
            ),
        ),
        Mistake(
            hint="That is the place of the strength in the list. Return the strength itself.",
            answer=lambda m, strengths, seeds: int(_table(m, strengths, seeds)[1].mean(axis=1).argmin()),
        ),
        Mistake(
            hint="That is the loss. Return the strength that has it.",
            answer=lambda m, strengths, seeds: float(_table(m, strengths, seeds)[1].mean(axis=1).min()),
        ),
        Mistake(
            hint="That is the worst strength: argmin, not argmax.",
            answer=lambda m, strengths, seeds: strengths[int(_table(m, strengths, seeds)[1].mean(axis=1).argmax())],
        ),
    ),
)

EXERCISES = (threshold, decay, dropped, stopping, choice)
