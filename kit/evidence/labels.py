"""Claim E07: how many labels from scratch are worth those of a model that has read.

The pre-trained model is tuned with `LABELS` of a task, and from scratch with half, twice and eight times as many.
Rate and number of steps are tuned for each of these rivals by one search:

    LABEL_TRIALS      every setting of the search, on seeds that do not count later
    chosen(task)      the best of each rival, and whether it lies at the edge of what was tried
    plateau(task)     what each rival gets right by its number of steps, at the best rate for it
    LABEL_CONTEST     each rival at its setting; a repetition draws anew all that can be drawn
    CHEAP_LABELS      the baselines without a network, at the same numbers of labels

Taught in: 21
"""

from collections.abc import Sequence
from functools import cache, partial

import numpy as np
from jaxtyping import Float

from kit.arguments import one_of, real
from kit.evidence.finetuning import TASKS, counted_phrases, labelled, looked_up, share_right, tuned, written
from kit.evidence.reading import reader, story_gpt
from kit.evidence.store import Experiment, stored
from kit.learn.search import Search, tune

LABELS = {"questions": 32, "endings": 128}
"""What the pre-trained model is given: as many as leave it between what chance gives and all."""
TIMES = (0.5, 2.0, 8.0)
"""How many times as many a model from scratch is given.

Whether the ratio lies above the bar of the claim hangs on the middle one alone. The largest number only bounds the
reading from above: there the longest training may still bring more, and the ratio then be lower.
"""
JUDGED = {"questions": 300, "endings": 600}
"""How many unseen texts judge; endings are short, and closer to chance."""
STORIES_READ = 4_000
PRETRAINED = "pre-trained"
RIVALS = {PRETRAINED: 1.0} | {f"from scratch x {times:g}": times for times in TIMES}
"""Each rival, and how many times `LABELS` it is given."""
RATES = (1.6e-3, 4e-3, 1e-2, 2.5e-2)
STEPS = (10, 30, 90, 270, 810, 2_430)
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # of the cheap baseline's weights: the inverse of their penalty
CHEAP = (0.5, 1.0, 2.0, 8.0)
TRIED = 1_000
"""The seeds of trials start here: what counts is measured with others."""


def right(task: str, rival: str, *, lr: float, n_steps: int, seed: int) -> float:
    """Tune a rival with its labels; give the share that is right of unseen texts, 300 questions or 600 endings.

    The seed draws what is read, the first weights, the labels, the head, the order, and the texts that judge.

    Raises:
        TypeError, ValueError: if `task` is not one of `TASKS`, `rival` none of `RIVALS`, or as `tuned`.
    """
    one_of("task", task, TASKS)
    n_labels = round(LABELS[task] * RIVALS[one_of("rival", rival, tuple(RIVALS))])
    start = reader(seed, STORIES_READ) if rival == PRETRAINED else story_gpt(seed)
    model = tuned(start, labelled(task, n_labels, seed=seed), "full", lr=lr, n_steps=n_steps, seed=seed)
    return share_right(model, labelled(task, JUDGED[task], seed=5_000 + seed))


def trial(task: str, rival: str, lr: float, n_steps: int, seed: int) -> dict[str, float]:
    """Try a setting of a rival, on a seed that does not count later."""
    return {"right": right(task, rival, lr=lr, n_steps=n_steps, seed=TRIED + seed)}


LABEL_TRIALS = Experiment(
    name="label_trials",
    measure=trial,
    factors={"task": TASKS, "rival": tuple(RIVALS), "lr": RATES, "n_steps": STEPS},
    seeds=2,
    quantities=("right",),
)


@cache
def chosen(task: str) -> Search:
    """Search the stored trials: one grid and the same seeds for every rival.

    Raises:
        ValueError: if `task` is not one of `TASKS`, or a trial is not stored.
    """
    one_of("task", task, TASKS)
    trials = {rival: 1 - stored(LABEL_TRIALS, "right", task=task, rival=rival) for rival in RIVALS}

    def wrong(rival: str, lr: float, n_steps: int, seed: int) -> float:
        return float(trials[rival][seed, RATES.index(lr), STEPS.index(n_steps)])

    space = {"lr": RATES, "n_steps": STEPS}
    return tune({rival: partial(wrong, rival) for rival in RIVALS}, space, seeds=range(LABEL_TRIALS.seeds), growths=0)


def plateau(task: str) -> dict[str, Float[np.ndarray, "steps"]]:
    """Give what each rival gets right in the trials, by the number of steps, at the best rate for that number.

    Raises:
        ValueError: as `chosen`.
    """
    found = chosen(task)
    grid = {rival: 1 - np.reshape(found.losses[rival, None], (len(RATES), len(STEPS))) for rival in RIVALS}
    return {rival: shares.max(axis=0) for rival, shares in grid.items()}


def contest(task: str, rival: str, seed: int) -> dict[str, float]:
    """Measure what a rival gets right at the setting that it has chosen."""
    return {"right": right(task, rival, **chosen(task).best[rival, None].setting, seed=seed)}


LABEL_CONTEST = Experiment(
    name="label_contest",
    measure=contest,
    factors={"task": TASKS, "rival": tuple(RIVALS)},
    seeds=10,
    quantities=("right",),
)


def times_needed(reached: float, from_scratch: Sequence[float], *, times: Sequence[float] = TIMES) -> float:
    """Give how many times the labels are needed from scratch to get as much right, between the numbers tried.

    From the last number that does not reach it to the first that does, the share right is taken to rise straight
    with the logarithm of the labels. Where the first number reaches it, or the last does not, that number is
    given: an upper bound in the one case, a lower bound in the other.

    Args:
        reached: the share right to be matched.
        from_scratch: what was right from scratch with each of `times` the labels.

    Raises:
        TypeError, ValueError: if they are not finite numbers, or not one for each of `times`.

    >>> times_needed(0.5, [0.4, 0.6], times=(1, 4))
    2.0
    """
    reached = real("reached", reached)
    shares = [real("from_scratch", share) for share in from_scratch]
    if len(shares) != len(times):
        raise ValueError(f"from_scratch must have {len(times)} shares, one for each of times, got {len(shares)}")
    first = next((i for i, share in enumerate(shares) if share >= reached), len(shares))
    if first in (0, len(shares)):
        return float(times[min(first, len(shares) - 1)])
    ends, logs = shares[first - 1 : first + 1], np.log(times[first - 1 : first + 1])
    return float(np.exp(np.interp(reached, ends, logs)))


# The cheap baselines -----------------------------------------------------------------------------


def cheap(task: str, times: float, *, strength: float, seed: int) -> float:
    """Let the baseline without a network learn from its labels; give the share right of the same texts."""
    known, new = written(task, round(LABELS[task] * times), seed=seed), written(task, JUDGED[task], seed=5_000 + seed)
    return looked_up(known, new) if task == "questions" else counted_phrases(known, new, strength=strength)


@cache
def strengths() -> dict[float, float]:
    """Tune the strength of counted phrases at each number of labels; the list of answers has nothing to tune."""

    def wrong(times: float, strength: float, seed: int) -> float:
        return 1 - cheap("endings", times, strength=strength, seed=TRIED + seed)

    rivals = {str(times): partial(wrong, times) for times in CHEAP}
    found = tune(rivals, {"strength": STRENGTHS}, seeds=range(LABEL_TRIALS.seeds))
    return {times: found.best[str(times), None].setting["strength"] for times in CHEAP}


def cheap_contest(task: str, times: float, seed: int) -> dict[str, float]:
    """Measure what the cheap baseline gets right with so many times `LABELS`."""
    return {"right": cheap(task, times, strength=strengths()[times] if task == "endings" else 1.0, seed=seed)}


CHEAP_LABELS = Experiment(
    name="cheap_labels", measure=cheap_contest, factors={"task": TASKS, "times": CHEAP}, seeds=10, quantities=("right",)
)
