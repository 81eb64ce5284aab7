"""Queues: what waiting costs by theory, and a clock on which an hour of it takes a moment.

    ρ = rate · service            the load: the share of time that the server is busy
    wait = ρ / (2 (1 - ρ)) · service        the mean wait before one server, of requests that come at
                                            random and all take as long: M/D/1

At half the load that is half a service, at 90% four and a half, and at 100% there is no end to it.

Taught in: 26
"""

import asyncio
import selectors
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from kit.arguments import count, function, instance, real

Answer = TypeVar("Answer")


def mean_wait(rate: float, service: float) -> float:
    """Give the mean wait in an M/D/1 queue, in the unit of `service`.

    Args:
        rate: requests that come in a unit of time, at random.
        service: how long each takes.

    Raises:
        TypeError, ValueError: if a number is not above 0, or the load is 1 or more: then the queue never ends.

    Source: Pollaczek (1930) and Khinchin (1932), for a service that does not vary.
    Oracle: a simulation, by `arrivals` and `waits`.

    >>> mean_wait(0.5, 1.0)
    0.5
    """
    load = real("rate", rate, above=0) * real("service", service, above=0)
    if load >= 1:
        raise ValueError(f"rate must be below 1 / service, {1 / service:g}, got {rate:g}")
    return load / (2 * (1 - load)) * service


def arrivals(rate: float, n: int, *, rng: np.random.Generator) -> Float[np.ndarray, "n"]:
    """Draw when requests come: gaps are exponential, with a mean of 1 / rate, whatever the server does meanwhile.

    Raises:
        TypeError, ValueError: if `rate` is not above 0, `n` < 1, or `rng` no generator.

    Oracle: the rate, and gaps whose mean is their standard deviation.

    >>> arrivals(10.0, 3, rng=np.random.default_rng(0)).shape
    (3,)
    """
    real("rate", rate, above=0)
    count("n", n)
    instance("rng", rng, np.random.Generator)
    return rng.exponential(1 / rate, size=n).cumsum()


def in_thread(work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run what waits by asyncio on a thread of its own: on the notebook's, Jupyter's own loop is running.

    Raises:
        TypeError: if `work` is not a function.

    >>> async def number():
    ...     return 7
    >>> in_thread(number)
    7
    """
    function("work", work)
    return _run_apart(work, asyncio.new_event_loop)


def in_virtual_time(work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run what waits by asyncio, on a clock that jumps to whatever comes next; sleeping costs no time.

    Only what sleeps belongs here. Whatever waits for another thread, or for the network, would wait for ever.

    Raises:
        TypeError: if `work` is not a function.

    >>> async def nap():
    ...     await asyncio.sleep(3600)
    ...     return asyncio.get_running_loop().time()
    >>> in_virtual_time(nap)
    3600.0
    """
    function("work", work)
    return _run_apart(work, _VirtualLoop)


def _run_apart(work: Callable[[], Awaitable[Answer]], loop: Callable[[], asyncio.AbstractEventLoop]) -> Answer:
    found: dict[str, Any] = {}

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=loop) as runner:
                found["answer"] = runner.run(_awaited(work))
        except BaseException as error:
            found["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if "error" in found:
        raise found["error"]
    return found["answer"]


async def _awaited(work: Callable[[], Awaitable[Answer]]) -> Answer:
    return await work()


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: what it would have waited, the clock jumps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now
