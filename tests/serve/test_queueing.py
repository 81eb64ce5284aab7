"""The load generator against theory, on a clock that jumps: a fixed-time server and M/D/1's waiting time."""

import asyncio

import numpy as np
import pytest

from kit.learn.intervals import estimate_mean
from kit.serve.load import Reply, Timing, closed_loop, open_loop, percentile, tally
from kit.serve.queueing import arrivals, in_virtual_time, mean_wait

SERVICE = 0.02


def fixed_time(seconds: float = SERVICE, *, stalls=()):
    """Make a server that takes one request at a time, and as long for each; and stands still now and then."""
    free = asyncio.Lock()

    async def send(number: int) -> Reply:
        clock = asyncio.get_running_loop().time
        async with free:
            await asyncio.sleep(seconds)
            for begin, length in stalls:
                if begin <= clock() < begin + length:
                    await asyncio.sleep(begin + length - clock())
        return Reply(status=200, times=(clock(),), number=number)

    return send


@pytest.mark.parametrize("load", [0.5, 0.9])
def test_waits_in_the_open_loop_match_m_d_1(load):
    """Mean wait over 12 runs of 1,200, the first 400 of each left out; theory inside 4 standard errors."""
    waits = []
    for seed in range(12):
        due = arrivals(load / SERVICE, 1_200, rng=np.random.default_rng(seed))
        timings = in_virtual_time(lambda due=due: open_loop(fixed_time(), due))
        waits.append(np.mean([timing.latency - SERVICE for timing in timings[400:]]))
    found = estimate_mean(np.array(waits))
    assert abs(found.estimate - mean_wait(load / SERVICE, SERVICE)) < 4 * found.standard_error


def test_an_open_loop_sends_each_when_it_is_due():
    due = arrivals(200.0, 100, rng=np.random.default_rng(0))  # four times what the server can do
    timings = in_virtual_time(lambda: open_loop(fixed_time(), due))
    np.testing.assert_allclose([timing.sent for timing in timings], due, atol=1e-9)
    np.testing.assert_allclose([timing.due for timing in timings], due, atol=1e-9)
    assert timings[-1].latency > 50 * SERVICE  # the queue has grown all along


def test_a_closed_loop_hides_a_stall():
    """Two seconds of standstill: in the closed loop two of 400 wait; in the open one, a fifth of those due."""
    stalled = ((1.0, 2.0),)
    closed = in_virtual_time(lambda: closed_loop(fixed_time(stalls=stalled), n_clients=2, n_requests=400))
    due = arrivals(25.0, 250, rng=np.random.default_rng(0))
    opened = in_virtual_time(lambda: open_loop(fixed_time(stalls=stalled), due))
    slow = [sum(timing.latency > 0.5 for timing in timings) for timings in (closed, opened)]
    assert slow[0] == 2
    assert slow[1] > 30
    rng = np.random.default_rng(0)
    p95 = [percentile([t.latency for t in timings], 95, rng=rng).estimate for timings in (closed, opened)]
    assert p95[0] < 3 * SERVICE
    assert p95[1] > 0.5


def test_arrivals_come_at_their_rate_and_at_random():
    """Gaps are exponential: mean and standard deviation are both 1 / rate, within 4 standard errors."""
    n = 40_000
    gaps = np.diff(arrivals(5.0, n, rng=np.random.default_rng(0)), prepend=0.0)
    assert abs(gaps.mean() - 0.2) < 4 * 0.2 / np.sqrt(n)
    assert abs(gaps.std() - 0.2) < 4 * 0.2 * np.sqrt(2 / n)  # the variance of a variance: kurtosis 9


def test_mean_wait_rejects_a_full_server():
    with pytest.raises(ValueError, match="rate must be below 1 / service, 50, got 50"):
        mean_wait(50, 0.02)


def test_times_of_tokens_are_told_apart():
    reply = Reply(status=200, times=(2.0, 2.5, 3.5))
    timing = Timing(number=0, due=1.0, sent=1.2, end=3.6, reply=reply)
    assert timing.first == 1.0
    assert timing.each == 0.75  # two gaps for three tokens: the first is none
    assert timing.latency == pytest.approx(2.6)
    assert Timing(number=0, due=1.0, sent=1.2, end=3.6, reply=Reply(status=200, times=(2.0,))).each is None


def test_a_percentile_holds_the_truth():
    """Of 400 samples of an exponential the 90th percentile's interval holds the truth in 95% of 60, within 4 errors."""
    truth, held = np.log(10), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        at = percentile(rng.exponential(size=400).tolist(), 90, rng=rng)
        held += at.low <= truth <= at.high
    assert held / 60 > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 60)


def timing(number: int, status: int, back: int | None) -> Timing:
    return Timing(number=number, due=0, sent=0, end=0, reply=Reply(status=status, number=back))


def test_a_tally_finds_what_is_lost_and_what_is_answered_twice():
    good = [timing(0, 200, 0), timing(1, 503, None), timing(2, 200, 2)]
    found = tally(good)
    assert (found.answered, found.refused, found.lost, found.twice, found.others) == (2, 1, 0, 0, 0)
    assert tally([*good, timing(3, 0, None)]).lost == 1
    assert tally([*good, timing(3, 200, 2)]).twice == 1
    assert tally([*good, timing(3, 500, None)]).others == 1


def test_an_error_in_virtual_time_comes_out():
    async def fails():
        await asyncio.sleep(1)
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        in_virtual_time(fails)
