"""The cost's experiment: what is counted of a load, and that its measure tells a true forecast from a false one."""

import numpy as np
import pytest

from kit.evidence import serving
from kit.serve.load import LOST, OK, Reply, Timing
from kit.serve.roofline import cost_per_million, served_speed


def full_rows(step: float, prompt: float, n_rows: int, n_tokens: int, n: int) -> list[Timing]:
    """Simulate a server whose rows are always full: a prompt stops all, then all step together."""
    clock, left, times, timings, number = 0.0, [0] * n_rows, [[] for _ in range(n_rows)], [], 0
    sent = [0.0] * n_rows
    while number < n:
        for row in range(n_rows):
            if left[row] == 0:
                if times[row]:
                    reply = Reply(status=OK, times=tuple(times[row]), number=number)
                    timings.append(Timing(number=number, due=sent[row], sent=sent[row], end=clock, reply=reply))
                    number += 1
                sent[row], clock = clock, clock + prompt
                left[row], times[row] = n_tokens - 1, [clock]
        clock += step
        for row in range(n_rows):
            times[row].append(clock)
            left[row] -= 1
    return timings


@pytest.mark.parametrize("n_rows", [1, 4])
@pytest.mark.parametrize(("overhead", "holds"), [(1.0, True), (1.5, False)])
def test_the_measure_tells_a_true_forecast_from_a_false_one(n_rows, overhead, holds):
    """A made-up server that takes what the bare model takes, and one that takes half as much again."""
    step, prompt, n_tokens = 0.02, 0.03, 20
    timings = full_rows(overhead * step, overhead * prompt, n_rows, n_tokens, 40 * n_rows)
    measured = serving.measured_speed(timings, n_rows, serving.by_the_clock)
    reckoned = served_speed(step, prompt, n_rows=n_rows, n_tokens=n_tokens)
    deviation = abs(cost_per_million(1, reckoned) / cost_per_million(1, measured) - 1)
    assert (deviation < 0.2) is holds
    if holds:
        assert deviation < 0.05  # the window does not begin and end with a whole round


def test_what_was_not_answered_counts_for_nothing():
    timings = full_rows(0.02, 0.03, 2, 10, 30)
    lost = Timing(number=99, due=0.0, sent=0.0, end=0.0, reply=Reply(status=LOST, times=(0.5,)))

    def by_clock(some):
        return serving.measured_speed(some, 2, serving.by_the_clock)

    assert by_clock([*timings, lost]) == by_clock(timings)


def test_ids_written_as_words_are_read_back():
    ids = np.random.default_rng(0).integers(50_257, size=20).tolist()
    assert serving.as_ids(serving.as_words(ids)) == ids


def test_every_prompt_of_the_ladder_has_sixteen_tokens():
    for which in (serving.STORY, serving.GPT2):
        assert [len(prompt) for prompt in serving.prompts_of(which, 0)] == [16] * 8
        assert serving.prompts_of(which, 0) != serving.prompts_of(which, 1)
