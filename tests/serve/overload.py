"""Twice what a server can do, for a minute: every request is answered or refused, exactly once.

    python -m tests.serve.overload                 60 seconds
    python -m tests.serve.overload --seconds 5

The server runs in a process of its own, with a step of 5 ms. Its capacity is measured by clients that are never
idle; then requests come at twice that rate, at random, whether those before are answered or not.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass

import numpy as np

from kit.learn.intervals import Interval
from kit.serve.client import Client
from kit.serve.load import OK, Reply, Tally, Timing, closed_loop, open_loop, percentile, tally
from kit.serve.queueing import arrivals
from tests.serve.serving import server_process

N_TOKENS, N_ROWS, N_WAITING = 16, 4, 16


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was measured."""

    capacity: float
    rate: float
    timings: list[Timing]
    tally: Tally

    def shown(self) -> str:
        """Say it in lines."""
        rng = np.random.default_rng(0)
        good = [timing for timing in self.timings if timing.reply.status == OK]
        behind = max(timing.sent - timing.due for timing in self.timings)
        counts = self.tally
        lines = [
            f"capacity {self.capacity:.1f} requests a second; sent {self.rate:.1f}, and {len(self.timings)} in all",
            f"answered {counts.answered}, refused by 503 {counts.refused}, lost {counts.lost}, twice {counts.twice}, "
            f"others {counts.others}; the generator was at most {1000 * behind:.0f} ms behind",
        ]
        kinds = {
            "first token": [timing.first for timing in good],
            "each token": [timing.each for timing in good if timing.each is not None],
            "whole answer": [timing.latency for timing in good],
        }
        for name, seconds in kinds.items():
            lines.append(f"{name}: " + ", ".join(_shown(percentile(seconds, p, rng=rng), p) for p in (50, 99)))
        return "\n".join(lines)


def _shown(at: Interval, percent: int) -> str:
    return f"p{percent} {1000 * at.estimate:.1f} ms ({1000 * at.low:.1f} to {1000 * at.high:.1f})"


async def overload(address: str, *, seconds: float, times: float) -> Outcome:
    """Measure the capacity, then ask for a multiple of it."""
    async with Client(address, seconds=60) as client:

        async def send(number: int) -> Reply:
            return await client.ask("abc", n_tokens=N_TOKENS, number=number)

        await closed_loop(send, n_clients=N_ROWS, n_requests=2 * N_ROWS)  # pays for set-up
        clock = asyncio.get_running_loop().time
        n, begin = 15 * N_ROWS, clock()
        await closed_loop(send, n_clients=2 * N_ROWS, n_requests=n)
        capacity = n / (clock() - begin)
        rate = times * capacity
        due = arrivals(rate, max(2, round(rate * seconds)), rng=np.random.default_rng(0))
        timings = await open_loop(send, due)
    return Outcome(capacity=capacity, rate=rate, timings=timings, tally=tally(timings))


def run(*, seconds: float, times: float = 2.0) -> Outcome:
    """Start a server, and overload it."""
    limits = ("--step", "0.005", "--rows", str(N_ROWS), "--waiting", str(N_WAITING))
    with server_process(*limits) as address:
        return asyncio.run(asyncio.wait_for(overload(address, seconds=seconds, times=times), 300 + 10 * seconds))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Ask a server for twice what it can do.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=float, default=2.0)
    outcome = run(**vars(parser.parse_args(arguments)))
    print(outcome.shown())
    return int(outcome.tally.lost + outcome.tally.twice + outcome.tally.others > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
