"""The engine: one thread that does the model's work, and a queue before it.

    between two steps   requests that were given up leave; the longest waiting ones begin in free rows
    a step              every row gets its next token, and hands it to whoever asked

The web server's own thread never computes a token, and so answers at once, if only to say that the queue
is full.

Taught in: 26
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from kit.arguments import count, function, instance, real, token_ids
from kit.train.decoding import chances_of, sample

LENGTH, STOP, LATE, GONE, FAILED = "length", "stop", "deadline", "cancelled", "error"
ENDS = (LENGTH, STOP, LATE, GONE, FAILED)


@runtime_checkable
class Texts(Protocol):
    """What the engine drives: `kit.serve.rows.Rows`, or what stands in for it."""

    n_rows: int

    def __len__(self) -> int: ...
    def begin(self, prompt: Int[Tensor, "time"]) -> Float[Tensor, "vocab"]: ...
    def step(self, tokens: Int[Tensor, "rows"]) -> Float[Tensor, "rows vocab"]: ...
    def leave(self, row: int) -> None: ...


class FullError(Exception):
    """The queue has no room: ask again later."""


@dataclass(kw_only=True, eq=False)
class Request:
    """One text to be continued.

    Args:
        prompt: token ids.
        n_tokens: how many to add, at most.
        seed: of what is drawn, where `temperature` > 0.
        stop: a token that ends the text.
        seconds: how long it may take, waiting included.
        deliver: is given each token, and at the end None and one of `ENDS`. It is called on the engine's thread
            and must not wait.
        cancelled: set to True by whoever has lost interest.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range.
    """

    prompt: Sequence[int]
    n_tokens: int
    temperature: float = 0.0
    top_p: float | None = None
    seed: int = 0
    stop: int | None = None
    seconds: float = 60.0
    deliver: Callable[[int | None, str], None]
    cancelled: bool = False
    generator: torch.Generator = field(init=False, repr=False)
    due: float = field(init=False, default=0.0)
    n_made: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Refuse what could not be answered."""
        instance("prompt", self.prompt, Sequence)
        self.prompt = token_ids("prompt", list(self.prompt), below=2**31).tolist()
        if not self.prompt:
            raise ValueError("prompt must hold a token or more, got an empty one")
        count("n_tokens", self.n_tokens)
        real("temperature", self.temperature, at_least=0)
        chances_of(torch.zeros(2), temperature=self.temperature, top_p=self.top_p)
        count("seed", self.seed, at_least=0)
        if self.seed >= 2**63:
            raise ValueError(f"seed must be < 2**63, got {self.seed}")
        if self.stop is not None:
            count("stop", self.stop, at_least=0)
        real("seconds", self.seconds, above=0)
        function("deliver", self.deliver)
        self.generator = torch.Generator().manual_seed(self.seed)


class Engine:
    """The thread that continues texts, until it is closed.

    Args:
        texts: where the rows are, such as a `Rows`.
        n_waiting: the longest queue.
        clock: tells seconds, for deadlines.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind, or `n_waiting` < 1.
    """

    def __init__(self, texts: Texts, *, n_waiting: int = 32, clock: Callable[[], float] = time.monotonic):
        for method in ("begin", "step", "leave"):
            function("texts", getattr(texts, method, None))
        self.texts, self.n_waiting, self.clock = texts, count("n_waiting", n_waiting), clock
        function("clock", clock)
        self.ends: Counter[str] = Counter()
        self.n_tokens = self.n_steps = self.n_accepted = self.n_refused = 0
        self._waiting: deque[Request] = deque()
        self._active: list[Request] = []
        self._newest: list[int] = []  # of each row, its last token, which the row has not read
        self._changed, self._closed = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Count the requests in the queue."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Count the rows at work."""
        return len(self._active)

    def submit(self, request: Request) -> None:
        """Put a request into the queue.

        Raises:
            TypeError: if it is no Request.
            FullError: if there is no room, or the engine is closed.
        """
        instance("request", request, Request)
        with self._changed:
            if self._closed or len(self._waiting) >= self.n_waiting:
                self.n_refused += 1
                raise FullError("the engine is closed" if self._closed else f"{self.n_waiting} requests are waiting")
            request.due = self.clock() + request.seconds
            self._waiting.append(request)
            self.n_accepted += 1
            self._changed.notify()

    def close(self, *, seconds: float = 10.0) -> None:
        """End the thread after its step; whoever still waits is told that it was cancelled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._closed or self._waiting or self._active):
                    self._changed.wait()
                if self._closed:
                    break
            self._drop()
            self._begin()
            if self._active:
                self._step()
        for request in [*self._active, *self._waiting]:
            self._end(request, GONE)

    def _drop(self) -> None:
        """Let go of those that were given up or are late, in the queue and at work."""
        now = self.clock()
        with self._changed:
            given_up = [request for request in self._waiting if request.cancelled or now > request.due]
            for request in given_up:
                self._waiting.remove(request)
        for request in given_up:
            self._end(request, GONE if request.cancelled else LATE)
        for row in reversed(range(len(self._active))):
            request = self._active[row]
            if request.cancelled or now > request.due:
                self._leave(row, GONE if request.cancelled else LATE)

    def _begin(self) -> None:
        """Fill the free rows from the queue, in the order of arrival."""
        while len(self._active) < self.texts.n_rows:
            with self._changed:
                if not self._waiting:
                    return
                request = self._waiting.popleft()
            try:
                logits = self.texts.begin(torch.tensor(request.prompt))
                token = self._choose(logits, request)
            except Exception:  # one request's failure is not the others'
                while len(self.texts) > len(self._active):  # begin has taken a row, or it has not
                    self.texts.leave(len(self.texts) - 1)
                self._end(request, FAILED)
                continue
            self._active.append(request)
            self._newest.append(token)
            self._hand_over(len(self._active) - 1, token)

    def _step(self) -> None:
        try:
            logits = self.texts.step(torch.tensor(self._newest))
            tokens = [self._choose(row, request) for row, request in zip(logits, self._active, strict=True)]
        except Exception:  # nothing is known of any row now: all end, and the next begin anew
            for row in reversed(range(len(self._active))):
                self._leave(row, FAILED)
            return
        self.n_steps += 1
        self._newest = tokens
        for row in reversed(range(len(tokens))):  # from the last: who leaves gives its number to a row that is done
            self._hand_over(row, tokens[row])

    def _choose(self, logits: Tensor, request: Request) -> int:
        generator = request.generator if request.temperature else None
        return int(sample(logits, temperature=request.temperature, top_p=request.top_p, generator=generator))

    def _hand_over(self, row: int, token: int) -> None:
        """Give a row's new token away, and end the row where it was the last."""
        request = self._active[row]
        request.n_made += 1
        self.n_tokens += 1
        self._deliver(request, token, "")
        if token == request.stop:
            self._leave(row, STOP)
        elif request.n_made == request.n_tokens:
            self._leave(row, LENGTH)

    def _leave(self, row: int, end: str) -> None:
        request = self._active[row]
        self.texts.leave(row)
        self._active[row], self._newest[row] = self._active[-1], self._newest[-1]  # as Rows.leave numbers them
        self._active.pop()
        self._newest.pop()
        self._end(request, end)

    def _end(self, request: Request, end: str) -> None:
        self.ends[end] += 1
        self._deliver(request, None, end)

    def _deliver(self, request: Request, token: int | None, end: str) -> None:
        try:
            request.deliver(token, end)
        except Exception:  # whoever asked is gone
            request.cancelled = True
