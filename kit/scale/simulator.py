"""Ranks in one process: each with a memory that ends, and with messages whose bytes are counted.

    def work(rank, x):
        rank["mine"] = x * rank.number            kept, and counted against the memory
        rank.send((rank.number + 1) % rank.n_ranks, rank["mine"])
        return rank.receive((rank.number - 1) % rank.n_ranks)

    Cluster(4, memory=1_000_000).run(work, np.ones(3))

All ranks run one function, as they do under torchrun. Each is a thread; what they compute does not depend on
whose turn it is, since a message is received from one rank by name. If all wait for messages that
nobody has sent, the run ends and says who waits for whom.

Taught in: 24
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import numpy as np

from kit.arguments import count, function, shown


class OutOfMemoryError(MemoryError):
    """A rank was given more to keep than its memory holds."""


class DeadlockError(RuntimeError):
    """Every rank waits for a message that no rank will send."""


class _StoppedError(Exception):
    """Another rank has failed; this one has nothing to wait for."""


class Rank(MutableMapping[str, Any]):
    """One of the ranks: a mapping from names to what it keeps, whose bytes are counted.

    Args:
        number: from 0 to `n_ranks` - 1.
        memory: how many bytes it can keep; any number where it is None.

    Attributes: `sent`, the bytes of its messages; `peak`, the most bytes kept at once; `peaks`, the
    most under each name.
    """

    def __init__(self, cluster: "Cluster", number: int, memory: int | None):
        self.number, self.memory, self.n_ranks = number, memory, cluster.n_ranks
        self.sent, self.peak = 0, 0
        self.peaks: dict[str, int] = {}
        self._cluster = cluster
        self._kept: dict[str, Any] = {}

    @property
    def bytes(self) -> int:
        """Count what is kept now."""
        return sum(map(size, self._kept.values()))

    def __getitem__(self, name: str) -> Any:
        return self._kept[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Keep a value in place of the one of this name."""
        needed = self.bytes - size(self._kept.get(name)) + size(value)
        if self.memory is not None and needed > self.memory:
            others = ", ".join(f"{key} {size(kept):,}" for key, kept in self._kept.items() if key != name) or "nothing"
            raise OutOfMemoryError(
                f"rank {self.number} has {self.memory:,} bytes, and {name} of {size(value):,} would make it "
                f"{needed:,}; beside it: {others}"
            )
        self._kept[name] = value
        self.peaks[name] = max(self.peaks.get(name, 0), size(value))
        self.peak = max(self.peak, needed)

    def __delitem__(self, name: str) -> None:
        del self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def send(self, to: int, message: np.ndarray) -> None:
        """Send a copy of an array to another rank, and go on.

        Raises:
            TypeError, ValueError: if `to` is no other rank, or `message` no array.
        """
        self._check("to", to)
        if not isinstance(message, np.ndarray):
            raise TypeError(f"message must be an array, got {shown(message)}")
        self.sent += message.nbytes
        self._cluster.post(self.number, to, message.copy())

    def receive(self, source: int) -> np.ndarray:
        """Wait for the next message from another rank.

        Raises:
            TypeError, ValueError: if `source` is no other rank.
            DeadlockError: if no rank can go on.
        """
        self._check("source", source)
        return self._cluster.wait(source, self.number)

    def _check(self, name: str, other: int) -> None:
        if count(name, other, at_least=0) >= self.n_ranks or other == self.number:
            raise ValueError(f"{name} must be another of {self.n_ranks} ranks than {self.number}, got {other}")


class Cluster:
    """Several ranks that can send each other messages.

    Args:
        memory: the bytes that each rank can keep; any number where it is None.

    Raises:
        TypeError, ValueError: if a number is not a whole one above 0.

    >>> Cluster(2).run(lambda rank, x: x + rank.number, 10)
    [10, 11]
    """

    def __init__(self, n_ranks: int, *, memory: int | None = None):
        self.n_ranks = count("n_ranks", n_ranks)
        if memory is not None:
            count("memory", memory)
        self.ranks = [Rank(self, number, memory) for number in range(n_ranks)]
        self._change = threading.Condition()
        self._begin()

    def run(self, work: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run `work(rank, *arguments)` on every rank at once; give what each returned.

        Raises:
            TypeError: if `work` is not a function.
            OutOfMemoryError, DeadlockError: if a rank keeps too much, or none can go on.
        """
        function("work", work)
        self._begin()
        results: list[Any] = [None] * self.n_ranks

        def one(rank: Rank) -> None:
            try:
                results[rank.number] = work(rank, *arguments)
            except _StoppedError:
                pass
            except BaseException as error:
                error.add_note(f"on rank {rank.number} of {self.n_ranks}")
                with self._change:
                    self._failures[rank.number] = error
            finally:
                with self._change:
                    self._ended.add(rank.number)
                    self._look_for_deadlock()
                    self._change.notify_all()

        threads = [threading.Thread(target=one, args=(rank,), name=f"rank {rank.number}") for rank in self.ranks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:  # of several ranks at once the first by number, whoever's turn it was
            raise self._failures[min(self._failures)]
        return results

    def post(self, source: int, to: int, message: np.ndarray) -> None:
        """Lay a message into the box of two ranks."""
        with self._change:
            self._boxes[source, to].append(message)
            self._change.notify_all()

    def wait(self, source: int, to: int) -> np.ndarray:
        """Take the oldest message out of the box of two ranks, when there is one."""
        box = self._boxes[source, to]
        with self._change:
            self._waiting[to] = source
            self._look_for_deadlock()
            while not box and not self._failures:
                self._change.wait()
            del self._waiting[to]
            if self._failures:
                raise _StoppedError
            return box.popleft()

    def _begin(self) -> None:
        self._boxes: dict[tuple[int, int], deque[np.ndarray]] = defaultdict(deque)
        self._waiting: dict[int, int] = {}
        self._ended: set[int] = set()
        self._failures: dict[int, BaseException] = {}

    def _look_for_deadlock(self) -> None:
        """Fail if every rank has ended or waits before an empty box, and one does wait."""
        stuck = {to: source for to, source in self._waiting.items() if not self._boxes[source, to]}
        if stuck and len(stuck) + len(self._ended - stuck.keys()) == self.n_ranks and not self._failures:
            who = ", ".join(f"rank {to} for rank {source}" for to, source in sorted(stuck.items()))
            self._failures[min(stuck)] = DeadlockError(
                f"no rank can go on: {who} waits for a message that was never sent"
            )
            self._change.notify_all()


def size(value: Any) -> int:
    """Count the bytes of arrays, and of tuples, lists and dicts of them.

    Raises:
        TypeError: if there is something else in it.

    >>> size({"up": np.zeros(3), "down": [np.zeros(2), None]})
    40
    """
    if value is None:
        return 0
    if isinstance(value, dict):
        return sum(map(size, value.values()))
    if isinstance(value, tuple | list):
        return sum(map(size, value))
    if not isinstance(value, np.ndarray):
        raise TypeError(f"value must be made of arrays, got {shown(value)}")
    return value.nbytes
