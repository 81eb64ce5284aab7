"""Load: requests that come as people do, whatever the server does, and what they had to wait.

    open loop      arrivals are drawn beforehand; a request is sent when it is due
    closed loop    so many clients, each of which asks again when it has its answer

In a closed loop a server that stands still is asked nothing meanwhile: the wait that others would have had is
never measured. This is *coordinated omission*. In an open loop latency counts from when the request was due.

    TTFT   time to the first token          from when it was due
    TPOT   time per output token            (last - first) / (tokens - 1): without the first token, whose
                                            time goes into reading the prompt

Source: Tene (2013), "How not to measure latency", for coordinated omission.

Taught in: 26
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kit.arguments import count, function, instance, real, real_array, several, shown
from kit.learn.intervals import Interval, bootstrap_interval

OK, FULL, LOST = 200, 503, 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answered, and when.

    Args:
        status: of HTTP; 0 where there was no answer.
        times: when each token came, by the clock of the event loop.
        ids: the tokens.
        number: that of the request, as the server gives it back.
        error: what went wrong, in words.
    """

    status: int
    times: tuple[float, ...] = ()
    ids: tuple[int, ...] = ()
    number: int | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One request, from when it was due to its last token.

    Args:
        due: when it was to be sent; in a closed loop, when it was sent.
        end: when the answer was complete.
    """

    number: int
    due: float
    sent: float
    end: float
    reply: Reply

    @property
    def latency(self) -> float:
        """Give the seconds from when it was due to the end."""
        return self.end - self.due

    @property
    def first(self) -> float:
        """Give the time to the first token."""
        return self.reply.times[0] - self.due

    @property
    def each(self) -> float | None:
        """Give the time per output token; None where there is but one."""
        times = self.reply.times
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None


Send = Callable[[int], Awaitable[Reply]]
"""From a request's number to its answer; raises nothing but what is a fault of its own."""


async def open_loop(send: Send, due: Float[np.ndarray, "n"]) -> list[Timing]:
    """Send each request when it is due, whether those before are answered or not.

    Args:
        due: seconds from now, rising, as `kit.serve.queueing.arrivals` draws them.

    Raises:
        TypeError, ValueError: if `send` is no function, or `due` are not times that rise from 0.
    """
    function("send", send)
    times = real_array("due", due, ndim=1)
    if times[0] < 0 or (np.diff(times) < 0).any():
        raise ValueError(f"due must rise from 0, got {shown(times)}")
    clock = asyncio.get_running_loop().time
    start = clock()

    async def one(number: int, at: float) -> Timing:
        await asyncio.sleep(start + at - clock())
        sent = clock()
        reply = await send(number)
        return Timing(number=number, due=start + at, sent=sent, end=clock(), reply=reply)

    return list(await asyncio.gather(*(one(number, at) for number, at in enumerate(times.tolist()))))


async def closed_loop(send: Send, *, n_clients: int, n_requests: int) -> list[Timing]:
    """Let some clients ask, each again and again, until so many requests are answered in all.

    Raises:
        TypeError, ValueError: if `send` is no function, or a number is not a whole one above 0.
    """
    function("send", send)
    count("n_clients", n_clients)
    numbers = iter(range(count("n_requests", n_requests)))
    clock = asyncio.get_running_loop().time
    timings: list[Timing] = []

    async def client() -> None:
        for number in numbers:
            sent = clock()
            reply = await send(number)
            timings.append(Timing(number=number, due=sent, sent=sent, end=clock(), reply=reply))

    await asyncio.gather(*(client() for _ in range(n_clients)))
    return sorted(timings, key=lambda timing: timing.number)


def percentile(seconds: Sequence[float], percent: float, *, rng: np.random.Generator) -> Interval:
    """Estimate a percentile, such as 99, with an interval by bootstrap.

    Of n requests the 99th percentile rests on the n / 100 slowest: ten of a thousand. The interval says so.

    Raises:
        TypeError, ValueError: if they are not two or more numbers, `percent` is not from 0 to 100, or `rng` no
            generator.

    Source: Efron (1979), Annals of Statistics 7, 1-26.

    >>> percentile([1.0, 1.0, 1.0], 99, rng=np.random.default_rng(0)).high
    1.0
    """
    array = real_array("seconds", seconds, ndim=1)
    if len(array) < 2:
        raise ValueError(f"seconds must be two or more, got {len(array)}")
    percent = real("percent", percent, at_least=0, at_most=100)
    instance("rng", rng, np.random.Generator)
    return bootstrap_interval(lambda sample: float(np.percentile(sample, percent)), [array], rng=rng)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of all requests.

    Args:
        answered: those with status 200, refused: those with 503, each exactly once.
        lost: no answer came.
        twice: numbers that were given back more than once, or to another request.
        others: any other status.
    """

    answered: int
    refused: int
    lost: int
    twice: int
    others: int


def tally(timings: Sequence[Timing]) -> Tally:
    """Count what became of requests: each must be answered, or refused, once.

    Raises:
        TypeError: if they are not timings.
    """
    several("timings", timings)
    for timing in timings:
        instance("timings", timing, Timing)
    statuses = [timing.reply.status for timing in timings]
    numbers = [timing.reply.number for timing in timings if timing.reply.status == OK]
    wrong = sum(timing.reply.number != timing.number for timing in timings if timing.reply.status == OK)
    return Tally(
        answered=statuses.count(OK),
        refused=statuses.count(FULL),
        lost=statuses.count(LOST),
        twice=max(wrong, len(numbers) - len(set(numbers))),
        others=sum(status not in (OK, FULL, LOST) for status in statuses),
    )
