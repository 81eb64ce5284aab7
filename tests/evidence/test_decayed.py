from functools import cache

import numpy as np
import pytest

from kit.evidence import decayed
from kit.learn.descent import Descent


@pytest.fixture(autouse=True)
def nothing_kept():
    decayed.trained.cache_clear()
    decayed.dealt.cache_clear()


def test_schedules_begin_at_the_rate_and_end_where_they_say():
    ends = {"constant": 1.0, "exponential": 0.01, "linear": 0.0, "step": 0.001, "cosine": 0.0}
    for name, end in ends.items():
        schedule = decayed.SCHEDULES[name](0.4, 300)
        assert schedule(0) == 0.4
        np.testing.assert_allclose(schedule(300), 0.4 * end, atol=1e-12)


def test_every_way_starts_alike_and_sees_the_same_batches():
    constant, linear = (decayed.trained(name, 0.1, 10, 3) for name in ("constant", "linear"))
    np.testing.assert_array_equal(constant.points[0], linear.points[0])
    one, other = decayed.trained("constant", 0.1, 10, 3), decayed.trained("constant", 0.1, 10, 4)
    assert not np.allclose(one.points[0], other.points[0])


def made_up(goal_at: dict[str, int]):
    """Stand in for training: losses that fall in a line from 2, to 1 at the step given; the faster go on to 0.9."""

    def trained(schedule: str, lr: float, n_steps: int, seed: int) -> Descent:
        steps = np.arange(0, n_steps + 1, decayed.EVERY)
        losses = np.maximum(2 - steps / goal_at[schedule], 0.9 if goal_at[schedule] < 200 else 1.0)
        points = losses + abs(np.log2(lr / 0.1))  # 0.1 is the best rate of all
        return Descent(points=points, losses=losses, steps=steps, overflowed=False)

    return cache(trained)


@pytest.mark.parametrize(("goal_at", "ratio"), [(100, 0.5), (200, 1.0), (5_000, 3.0)])
def test_decays_that_are_faster_and_slower_are_told_apart(monkeypatch, goal_at, ratio):
    """One that never gets there counts as twice the run."""
    others = {schedule: goal_at for schedule in decayed.SCHEDULES}
    monkeypatch.setattr(decayed, "trained", made_up(others | {"constant": 200}))
    monkeypatch.setattr(decayed, "network_objective", lambda x, y: lambda point: (float(point), None))
    found = decayed.decayed_or_constant(n_steps=300, seed=0)
    for schedule in ("exponential", "linear", "step", "cosine"):
        assert found[f"{schedule} rate"] == pytest.approx(0.1)
        assert found[f"{schedule} steps"] / found["constant steps"] == pytest.approx(ratio)
        assert (found[f"{schedule} loss"] < found["constant loss"]) == (ratio < 1)
