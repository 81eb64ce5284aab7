"""The exercises of notebook 06: cosine, steps, warm-up with decay, the range test, a fair contest.

Taught in: 06
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.learn.descent import Objective
from kit.learn.schedules import cosine, linear, step_decay, warmup
from kit.learn.training import range_test

cosine_rate = Exercise(
    notebook="06",
    name="the cosine",
    solution=lambda lr, final, n_steps, step: cosine(lr, n_steps=n_steps, final=final)(step),
    cases=((0.8, 0.1, 10, 3), (2.0, 0.5, 100, 75), (1.0, 0.25, 8, 0)),
    mistakes=(
        Mistake(
            hint="Your wave does not reach its end, cos(π) = -1. Multiply the share of the steps by π.",
            answer=lambda lr, final, n_steps, step: final + (lr - final) * (1 + math.cos(step / n_steps)) / 2,
        ),
        Mistake(
            hint="np.cos takes radians. Half a wave is π, not 180.",
            answer=lambda lr, final, n_steps, step: final + (lr - final) * (1 + math.cos(180 * step / n_steps)) / 2,
        ),
        Mistake(
            hint="That is a whole wave: the rate comes back up. Half a wave ends at π.",
            answer=lambda lr, final, n_steps, step: final + (lr - final) * _wave(2 * step / n_steps),
        ),
        Mistake(
            hint="Your rate climbs from final to lr. It is 1 plus the cosine that falls.",
            answer=lambda lr, final, n_steps, step: lr - (lr - final) * _wave(step / n_steps),
        ),
        Mistake(
            hint="1 + cos runs from 2 down to 0. Halve it.",
            answer=lambda lr, final, n_steps, step: final + 2 * (lr - final) * _wave(step / n_steps),
        ),
        Mistake(
            hint="Your rate ends at 0, and begins below lr. Add final.",
            answer=lambda lr, final, n_steps, step: (lr - final) * _wave(step / n_steps),
        ),
        Mistake(
            hint="Your rate begins at lr + final. Only the distance between the two is to shrink: lr - final.",
            answer=lambda lr, final, n_steps, step: final + lr * _wave(step / n_steps),
        ),
        Mistake(
            hint="Your rate ends at 0. It should end at final.",
            answer=lambda lr, final, n_steps, step: lr * _wave(step / n_steps),
        ),
        *(
            Mistake(
                hint="The 1 + is missing: cos runs from 1 down to -1, and 1 + cos from 2 down to 0.",
                answer=lambda lr, final, n_steps, step, half=half: (
                    final + (lr - final) * math.cos(math.pi * step / n_steps) / half
                ),
            )
            for half in (1, 2)
        ),
        Mistake(
            hint="That is a straight line. The cosine is level at both ends and steep between.",
            answer=lambda lr, final, n_steps, step: linear(lr, n_steps=n_steps, final=final)(step),
        ),
    ),
)


def _wave(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _all(schedule: Callable[[int], float], n_steps: int) -> np.ndarray:
    return np.array([schedule(step) for step in range(n_steps)])


def _climb(lr: float, n_warmup_steps: int) -> np.ndarray:
    return lr * np.arange(1, n_warmup_steps + 1) / (n_warmup_steps + 1)


def _fall(lr: float, n_down: int) -> np.ndarray:
    return lr * (1 - np.arange(n_down) / n_down)


warm_then_linear = Exercise(
    notebook="06",
    name="warm-up, then down",
    solution=lambda lr, n_warmup_steps, n_steps: _all(
        warmup(linear(lr, n_steps=n_steps - n_warmup_steps), n_steps=n_warmup_steps), n_steps
    ),
    cases=((1.0, 3, 8), (0.4, 5, 20)),
    mistakes=(
        Mistake(
            hint="The first rate is 0, so the first step is wasted. Climb by (step + 1) / (n_warmup_steps + 1).",
            answer=lambda lr, n_warmup_steps, n_steps: np.append(
                lr * np.arange(n_warmup_steps) / n_warmup_steps, _fall(lr, n_steps - n_warmup_steps)
            ),
        ),
        Mistake(
            hint="The climb reaches lr one step early, and lr is there twice. Divide by n_warmup_steps + 1.",
            answer=lambda lr, n_warmup_steps, n_steps: np.append(
                lr * np.arange(1, n_warmup_steps + 1) / n_warmup_steps, _fall(lr, n_steps - n_warmup_steps)
            ),
        ),
        Mistake(
            hint="The run is over before the rate is down. Only n_steps - n_warmup_steps are left for the way down.",
            answer=lambda lr, n_warmup_steps, n_steps: np.append(_climb(lr, n_warmup_steps), _fall(lr, n_steps))[
                :n_steps
            ],
        ),
        Mistake(
            hint="The way down began at step 0, so the rate jumps. Count its steps from n_warmup_steps on.",
            answer=lambda lr, n_warmup_steps, n_steps: np.append(
                _climb(lr, n_warmup_steps), _fall(lr, n_steps)[n_warmup_steps:]
            ),
        ),
        Mistake(
            hint="You multiplied climb and fall, so the rate never reaches lr. First the one, then the other.",
            answer=lambda lr, n_warmup_steps, n_steps: (
                np.append(_climb(1, n_warmup_steps), np.ones(n_steps - n_warmup_steps)) * _fall(lr, n_steps)
            ),
        ),
        Mistake(
            hint="The last rate is 0, so the last step is wasted. The line reaches 0 at step n_steps, one later.",
            answer=lambda lr, n_warmup_steps, n_steps: np.append(
                _climb(lr, n_warmup_steps), np.linspace(lr, 0, n_steps - n_warmup_steps)
            ),
        ),
    ),
)

step_rates = Exercise(
    notebook="06",
    name="down in steps",
    solution=lambda lr, every, factor, n_steps: _all(step_decay(lr, step_size=every, gamma=factor), n_steps),
    cases=((1.0, 3, 0.5, 10), (0.2, 4, 0.1, 9)),
    mistakes=(
        Mistake(
            hint="That is the exponential decay: it falls at every step. Whole drops are counted by //, not by /.",
            answer=lambda lr, every, factor, n_steps: lr * factor ** (np.arange(n_steps) / every),
        ),
        Mistake(
            hint="Each drop comes one step early. Steps count from 0, so the first drop is at step `every`.",
            answer=lambda lr, every, factor, n_steps: lr * factor ** ((np.arange(n_steps) + 1) // every),
        ),
        Mistake(
            hint="The rate drops once and never again. Each drop multiplies once more: raise factor to their number.",
            answer=lambda lr, every, factor, n_steps: np.where(np.arange(n_steps) < every, lr, lr * factor),
        ),
        Mistake(
            hint="You multiplied by the number of drops. Raise factor to that power: **, not *.",
            answer=lambda lr, every, factor, n_steps: lr * factor * (np.arange(n_steps) // every),
        ),
        Mistake(
            hint="The rate grows. Multiply by factor, do not divide.",
            answer=lambda lr, every, factor, n_steps: lr * factor ** -(np.arange(n_steps) // every),
        ),
        Mistake(
            hint="You made `every` drops. It says how many steps lie between two drops.",
            answer=lambda lr, every, factor, n_steps: lr * factor ** (np.arange(n_steps) // (n_steps // every)),
        ),
        Mistake(
            hint="You take away the same amount at each drop. Multiply by factor instead.",
            answer=lambda lr, every, factor, n_steps: lr - lr * (1 - factor) * (np.arange(n_steps) // every),
        ),
    ),
)


def _bowl(*eigenvalues: float) -> Objective:
    steepness = np.array(eigenvalues)
    return lambda point: (float(steepness @ point**2) / 2, steepness * point)


def _climbing(
    objective: Objective, start: np.ndarray, rates: np.ndarray, *, afresh: bool = False
) -> tuple[list[float], list[float]]:
    """Step at each rate in turn; give the losses before and after each step."""
    before, after, point = [], [], start
    for lr in rates:
        loss, gradient = objective(point)
        moved = point - lr * gradient
        before.append(loss)
        after.append(objective(moved)[0])
        point = start if afresh else moved
    return before, after


def _at_lowest(rates: np.ndarray, losses: list[float]) -> float:
    return float(rates[int(np.argmin(losses))])


find_rate = Exercise(
    notebook="06",
    name="the range test",
    solution=lambda objective, start, low, high, n_steps: (
        range_test(objective, start, low=low, high=high, n_steps=n_steps).suggestion
    ),
    cases=(
        (_bowl(1.0, 9.0), np.array([3.0, 1.0]), 1e-3, 1.0, 40),
        (_bowl(0.5, 2.0), np.array([2.0, 2.0]), 1e-2, 10.0, 25),
    ),
    mistakes=(
        Mistake(
            hint="A rate is searched by factors, not by sums: np.geomspace(low, high, n_steps).",
            answer=lambda objective, start, low, high, n: (
                _at_lowest(rates := np.linspace(low, high, n), _climbing(objective, start, rates)[1]) / 10
            ),
        ),
        Mistake(
            hint="At that rate the loss is about to turn up. Return a tenth of it.",
            answer=lambda objective, start, low, high, n: _at_lowest(
                rates := np.geomspace(low, high, n), _climbing(objective, start, rates)[1]
            ),
        ),
        Mistake(
            hint="You noted the loss before the step, which no rate of this step has touched. Note it after.",
            answer=lambda objective, start, low, high, n: (
                _at_lowest(rates := np.geomspace(low, high, n), _climbing(objective, start, rates)[0]) / 10
            ),
        ),
        Mistake(
            hint="You went back to the start for each rate. The range test is one run: keep the point.",
            answer=lambda objective, start, low, high, n: (
                _at_lowest(rates := np.geomspace(low, high, n), _climbing(objective, start, rates, afresh=True)[1]) / 10
            ),
        ),
        Mistake(
            hint="That is the place of the rate in the list. Return a tenth of the rate itself.",
            answer=lambda objective, start, low, high, n: int(
                np.argmin(_climbing(objective, start, np.geomspace(low, high, n))[1])
            ),
        ),
        Mistake(
            hint="That is the lowest loss. Return a tenth of the rate that it was found at.",
            answer=lambda objective, start, low, high, n: min(
                _climbing(objective, start, np.geomspace(low, high, n))[1]
            ),
        ),
    ),
)


class Runs:
    """A stand-in for training runs: a loss for each family, peak rate and seed, at once."""

    def __init__(self, best_peaks: dict[str, float]):
        self._best_peaks = best_peaks

    def __call__(self, family: str, peak: float, seed: int) -> float:
        """Give the final loss of one run: lowest near the family's own best peak, and noisy."""
        place = sorted(self._best_peaks).index(family)
        luck = np.random.default_rng([place, round(1000 * peak), seed]).normal()
        return 1 + place / 10 + math.log(peak / self._best_peaks[family]) ** 2 / 10 + 0.4 * luck

    def __repr__(self) -> str:
        return f"runs of {len(self._best_peaks)} families"


def _losses(final_loss: Callable, families: Sequence[str], peaks: Sequence[float], seeds: Sequence[int]) -> np.ndarray:
    return np.array([[[final_loss(f, peak, seed) for seed in seeds] for peak in peaks] for f in families])


def _chosen(tuning: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Choose each family's peak by its tuning score, and take its fresh losses: families by seeds."""
    return fresh[np.arange(len(fresh)), tuning.argmin(axis=1)]


contest = Exercise(
    notebook="06",
    name="an experiment: a fair contest",
    solution=lambda run, families, peaks, tuning, fresh: _chosen(
        _losses(run, families, peaks, tuning).mean(axis=2), _losses(run, families, peaks, fresh)
    ).mean(axis=1),
    cases=(
        (
            Runs({"constant": 0.2, "cosine": 2.0, "linear": 0.7}),
            ("constant", "cosine", "linear"),
            (0.1, 0.3, 1.0, 3.0),
            (0, 1, 2),
            (10, 11, 12, 13, 14),
        ),
        (Runs({"a": 5.0, "b": 0.05}), ("a", "b"), (0.05, 0.1, 0.5, 1.0, 2.0, 5.0), (5, 6), (7, 8, 9)),
    ),
    mistakes=(
        Mistake(
            hint="You report the losses that chose the peaks. The winner of many draws was also lucky: "
            "run it again on the fresh seeds.",
            answer=lambda run, families, peaks, tuning, fresh: _losses(run, families, peaks, tuning).mean(2).min(1),
        ),
        Mistake(
            hint="You chose the peaks on the fresh seeds. Choose on the tuning seeds; the fresh ones only judge.",
            answer=lambda run, families, peaks, tuning, fresh: _losses(run, families, peaks, fresh).mean(2).min(1),
        ),
        Mistake(
            hint="All families ran at the best peak of the first. Each needs its own.",
            answer=lambda run, families, peaks, tuning, fresh: _losses(run, families, peaks, fresh).mean(2)[
                :, _losses(run, families, peaks, tuning).mean(2)[0].argmin()
            ],
        ),
        Mistake(
            hint="You report each family's luckiest fresh run. Report the mean of its fresh runs.",
            answer=lambda run, families, peaks, tuning, fresh: _chosen(
                _losses(run, families, peaks, tuning).mean(2), _losses(run, families, peaks, fresh)
            ).min(1),
        ),
        Mistake(
            hint="You chose each peak by one tuning seed. Use the mean over all of them.",
            answer=lambda run, families, peaks, tuning, fresh: _chosen(
                _losses(run, families, peaks, tuning)[:, :, 0], _losses(run, families, peaks, fresh)
            ).mean(1),
        ),
        Mistake(
            hint="You chose each peak by its luckiest tuning run. Use the mean over the tuning seeds.",
            answer=lambda run, families, peaks, tuning, fresh: _chosen(
                _losses(run, families, peaks, tuning).min(2), _losses(run, families, peaks, fresh)
            ).mean(1),
        ),
        Mistake(
            hint="That is the median of the fresh losses, which is as fair. This contest reports their mean.",
            answer=lambda run, families, peaks, tuning, fresh: np.median(
                _chosen(_losses(run, families, peaks, tuning).mean(2), _losses(run, families, peaks, fresh)), axis=1
            ),
        ),
        Mistake(
            hint="Those are the chosen peaks. Return the mean fresh loss at each.",
            answer=lambda run, families, peaks, tuning, fresh: np.array(peaks)[
                _losses(run, families, peaks, tuning).mean(2).argmin(1)
            ],
        ),
    ),
)

EXERCISES = (cosine_rate, step_rates, warm_then_linear, find_rate, contest)
