"""The exercises of notebook 00: a seed, a broken check, a hint, and where float16 stops counting.

Taught in: 00
"""

import numpy as np

from kit.check.exercise import Exercise, Mistake


def _agree(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return a.shape == b.shape and bool((np.abs(a - b) <= tolerance).all())


_PAIRS = (
    (np.array([1.0, 2.0]), np.array([1.0, 2.0]), 1e-6),
    (np.array([1.0, 2.0]), np.array([1.0, 5.0]), 1e-6),
    (np.array([1.0, 5.0]), np.array([1.0, 2.0]), 1e-6),
    (np.array([[1.0], [1.0]]), np.array([1.0, 1.0]), 1e-6),
    (np.array([1.0, np.nan]), np.array([1.0, 2.0]), 1e-6),
    (np.ones(2), np.ones((2, 1)), 1e-6),
    (np.array([1.0, 2.0]), np.array([1.5, 2.0]), 0.5),  # just as far as is allowed
    (np.array([2.0, 4.0]), np.array([1.0, 2.0]), 1e-6),
    (np.zeros(100), np.eye(1, 100)[0] * 5e-5, 1e-6),  # one far pair among many near
    (np.array([1.0, 2.0]), np.array([2.0, 1.0]), 0.5),  # errors that cancel
    (np.array([1e6, 1.0]), np.array([1e6 + 1, 1.0]), 1e-3),
)

seeded_sum = Exercise(
    notebook="00",
    name="a sum that repeats",
    solution=lambda seed, n: float(np.random.default_rng(seed).normal(size=n).sum()),
    cases=((0, 10), (1, 10), (1, 1000)),
    mistakes=(
        Mistake(
            hint="The seed is fixed inside your function. Pass on the one that is asked for.",
            answer=lambda seed, n: float(np.random.default_rng(0).normal(size=n).sum()),
        ),
        Mistake(
            hint="That is NumPy's old generator. Use np.random.default_rng(seed), which draws other numbers.",
            answer=lambda seed, n: float(np.random.RandomState(seed).normal(size=n).sum()),
        ),
        Mistake(
            hint="Those are uniform numbers. The exercise asks for normal ones.",
            answer=lambda seed, n: float(np.random.default_rng(seed).random(size=n).sum()),
        ),
        Mistake(
            hint="That is the mean. The exercise asks for the sum.",
            answer=lambda seed, n: float(np.random.default_rng(seed).normal(size=n).mean()),
        ),
        Mistake(
            hint="Those are the numbers themselves. Add them up.",
            answer=lambda seed, n: np.random.default_rng(seed).normal(size=n),
        ),
    ),
)

agree = Exercise(
    notebook="00",
    name="a check that can be trusted",
    solution=_agree,
    cases=_PAIRS,
    mistakes=(
        Mistake(
            hint="Where a is far below b, a - b is negative, and passes. Take its absolute value.",
            answer=lambda a, b, tolerance: a.shape == b.shape and bool((a - b <= tolerance).all()),
        ),
        Mistake(
            hint="Two mistakes are left: the sign of a - b, and shapes that NumPy stretches to fit.",
            answer=lambda a, b, tolerance: bool((a - b <= tolerance).all()),
        ),
        Mistake(
            hint="A column of two and a row of two pass: NumPy stretches both to a square. Compare the shapes first.",
            answer=lambda a, b, tolerance: bool((np.abs(a - b) <= tolerance).all()),
        ),
        Mistake(
            hint="A NaN passes: every comparison with NaN is false. Ask what is close, not what is far.",
            answer=lambda a, b, tolerance: a.shape == b.shape and not (np.abs(a - b) > tolerance).any(),
        ),
        Mistake(
            hint="One pair that is close does not make two arrays agree. Ask for all.",
            answer=lambda a, b, tolerance: a.shape == b.shape and bool((np.abs(a - b) <= tolerance).any()),
        ),
        Mistake(
            hint="Two numbers that lie just `tolerance` apart are not further apart than that: <=, not <.",
            answer=lambda a, b, tolerance: a.shape == b.shape and bool((np.abs(a - b) < tolerance).all()),
        ),
        Mistake(
            hint="That is the mean distance. One far pair among many near ones hides in it: ask it of every pair.",
            answer=lambda a, b, tolerance: a.shape == b.shape and bool(np.abs(a - b).mean() <= tolerance),
        ),
        *(
            Mistake(
                hint="You compare the two sums. Differences of opposite sign cancel in them: compare pair by pair.",
                answer=answer,
            )
            for answer in (
                lambda a, b, tolerance: a.shape == b.shape and bool(np.abs(a.sum() - b.sum()) <= tolerance),
                lambda a, b, tolerance: a.shape == b.shape and bool(np.abs(a.mean() - b.mean()) <= tolerance),
            )
        ),
        Mistake(
            hint="np.allclose also allows a share of the number itself, 1e-05 of it. Switch that off: rtol=0.",
            answer=lambda a, b, tolerance: a.shape == b.shape and np.allclose(a, b, atol=tolerance),
        ),
    ),
)

mean = Exercise(
    notebook="00",
    name="a mean",
    solution=lambda x: float(x.sum() / len(x)),
    cases=((np.array([1.0, 2.0, 3.0]),), (np.array([4.0, 8.0]),), (np.array([1.0, 2.0, 6.0, 1.5]),)),
    mistakes=(
        Mistake(
            hint="You divided by n - 1. That belongs to the sample variance; a mean divides by n.",
            answer=lambda x: float(x.sum() / (len(x) - 1)),
        ),
        Mistake(hint="That is the sum. Divide it by how many numbers there are.", answer=lambda x: float(x.sum())),
        Mistake(hint="You divided by n + 1. Count the numbers once.", answer=lambda x: float(x.sum() / (len(x) + 1))),
        Mistake(
            hint="// throws away what is left over, and int does too. The mean of 1 and 2 is 1.5: divide by /.",
            answer=lambda x: float(x.sum() // len(x)),
        ),
        Mistake(
            hint="That is the median, the number in the middle. The mean is the sum by how many there are.",
            answer=np.median,
        ),
        Mistake(
            hint="That is halfway from the smallest to the largest. The others count too: take the sum of all.",
            answer=lambda x: (x.min() + x.max()) / 2,
        ),
    ),
)

stall = Exercise(
    notebook="00",
    name="where float16 stops counting",
    solution=lambda: 256,
    cases=((),),
    mistakes=(
        Mistake(hint="That is the largest float16. The sum stops long before it.", answer=lambda: 65504),
        Mistake(
            hint="There the numbers lie 2 apart, and counting by ones stops. You count by tenths.", answer=lambda: 2048
        ),
        Mistake(
            hint="There the gap is 0.125, and half of it is less than 0.1: the sum still moves on.", answer=lambda: 128
        ),
        Mistake(hint="The sum never gets there: an earlier gap is already too wide.", answer=lambda: 512),
        Mistake(hint="That is the true sum. In float16 it stops far below.", answer=lambda: 100_000),
    ),
)

EXERCISES = (mean, stall, seeded_sum, agree)  # in the notebook's order
