"""Handlers: what the server does with a request, from its first byte to the last of the answer.

Each of them runs on the server's thread and never waits for the model: tokens come to it as events.

Taught in: 26
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tornado import iostream, web

from kit.arguments import count, function, instance, one_of, real, shown
from kit.serve.engine import FAILED, Engine, FullError, Request
from kit.serve.metrics import CONTENT_TYPE, Counter, Gauge, Histogram, render

HOST = "127.0.0.1"
FIELDS = ("prompt", "n_tokens", "temperature", "top_p", "seed", "stream", "number")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server refuses, so that nobody can take all of it.

    Args:
        prompt: tokens of a prompt.
        n_tokens: tokens that may be asked for.
        body: bytes of a request.
        seconds: from a request's arrival to its end.
        body_seconds: in which a body must have come; also in which a reader must have taken what was sent.

    Raises:
        TypeError, ValueError: if a limit is not a number above 0.
    """

    prompt: int = 128
    n_tokens: int = 128
    body: int = 16_384
    seconds: float = 60.0
    body_seconds: float = 5.0

    def __post_init__(self) -> None:
        """Refuse limits that let nothing through."""
        for name in ("prompt", "n_tokens", "body"):
            count(name, getattr(self, name))
        for name in ("seconds", "body_seconds"):
            real(name, getattr(self, name), above=0)


@dataclass(kw_only=True)
class Service:
    """What all handlers share: the engine, the words, the limits and the metrics.

    Args:
        encode, decode: from a text to token ids, and back.
        stop: a token that ends every text.
        call: does something on the server's thread.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind, or `stop` is negative.
    """

    engine: Engine
    encode: Callable[[str], Sequence[int]]
    decode: Callable[[Sequence[int]], str]
    stop: int | None
    limits: Limits
    call: Callable[[Callable[[], None]], None]
    statuses: Counter = field(init=False)
    first: Histogram = field(init=False)
    whole: Histogram = field(init=False)
    metrics: list[Counter | Gauge | Histogram] = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what is no service, and begin to count."""
        engine = self.engine
        instance("engine", engine, Engine)
        function("encode", self.encode)
        function("decode", self.decode)
        function("call", self.call)
        instance("limits", self.limits, Limits)
        if self.stop is not None:
            count("stop", self.stop, at_least=0)
        self.statuses = Counter(name="kit_requests_total", meaning="Requests, by path and status.")
        self.first = Histogram(name="kit_first_token_seconds", meaning="From a request to its first token.")
        self.whole = Histogram(name="kit_request_seconds", meaning="From a request to its end.")
        read: list[tuple[str, str, str, str, Callable[[], Any]]] = [
            ("kit_tokens_total", "Tokens made.", "counter", "", lambda: engine.n_tokens),
            ("kit_steps_total", "Steps of the model.", "counter", "", lambda: engine.n_steps),
            ("kit_ends_total", "How accepted requests ended.", "counter", "end", lambda: dict(engine.ends)),
            ("kit_waiting", "Requests in the queue.", "gauge", "", lambda: engine.waiting),
            ("kit_active", "Rows at work.", "gauge", "", lambda: engine.active),
        ]
        gauges = [Gauge(name=n, meaning=text, kind=kind, label=label, read=each) for n, text, kind, label, each in read]
        self.metrics = [self.statuses, self.first, self.whole, *gauges]


def read_body(body: bytes, service: Service) -> dict[str, Any]:
    """Make of a request's body what it asks for: the prompt as ids, and settings within the limits.

    Raises:
        ValueError: if it is not what the server takes; the message says what is wrong with it.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise ValueError(f"body must be JSON, got {shown(body)}") from None
    if not isinstance(asked, dict):
        raise ValueError(f"body must be an object of JSON, got {shown(asked)}")
    for name in asked:
        one_of("fields", name, FIELDS)
    settings: dict[str, Any] = {"stream": False, "number": None, "n_tokens": 32, **asked}
    if "prompt" not in asked or not isinstance(asked["prompt"], str):
        raise ValueError(f"prompt must be a text, got {shown(asked.get('prompt'))}")
    if not isinstance(settings["stream"], bool):
        raise ValueError(f"stream must be true or false, got {shown(settings['stream'])}")
    if not isinstance(settings["number"], int | None):
        raise ValueError(f"number must be a whole one, got {shown(settings['number'])}")
    ids = [int(i) for i in service.encode(asked["prompt"])]
    for name, n, most in (
        ("prompt", len(ids), service.limits.prompt),
        ("n_tokens", count("n_tokens", settings["n_tokens"]), service.limits.n_tokens),
    ):
        if n > most:
            raise ValueError(f"{name} must be at most {most} tokens, got {n}")
    return settings | {"prompt": ids}


class _Handler(web.RequestHandler):
    """What all paths share: the host that is asked for, errors as JSON, and a count of what was answered."""

    def initialize(self, service: Service) -> None:
        self.service, self.begun = service, time.monotonic()

    def prepare(self) -> Any:
        if self.request.host_name not in (HOST, "localhost"):  # a page of another site must not reach in
            self.refuse(403, f"host must be localhost, got {shown(self.request.host_name)}")

    def refuse(self, status: int, why: str) -> None:
        """Answer with an error, unless an answer is on its way already."""
        if not self._finished and not self._headers_written:
            self.set_status(status)
            if status == 503:
                self.set_header("Retry-After", "1")
            self.finish({"error": why})

    def write_error(self, status_code: int, **about: Any) -> None:
        self.finish({"error": self._reason})

    def on_finish(self) -> None:
        path = self.request.path if self.request.path in ("/generate", "/health", "/metrics") else "other"
        self.service.statuses.add(path=path, status=str(self.get_status()))


class Nothing(_Handler):
    """Any other path."""

    def prepare(self) -> None:
        """Say what there is."""
        super().prepare()
        self.refuse(404, "path must be /generate, /health or /metrics")


class Health(_Handler):
    """Whether the model's thread is alive."""

    def get(self) -> None:
        """Answer at once, however busy the model is."""
        engine = self.service.engine
        self.set_status(200 if engine.alive else 503)
        self.finish({"alive": engine.alive, "waiting": engine.waiting, "active": engine.active})


class Metrics(_Handler):
    """The numbers that the server keeps about itself."""

    def get(self) -> None:
        """Write them as Prometheus reads them."""
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(render(self.service.metrics))


@web.stream_request_body
class Generate(_Handler):
    """A text, continued."""

    def initialize(self, service: Service) -> None:
        """Begin with nothing of the body."""
        super().initialize(service)
        self.body = bytearray()
        self.asked: Request | None = None
        self.slow: asyncio.TimerHandle | None = None

    def prepare(self) -> None:
        """Look at the size before the body comes, and set it a deadline."""
        super().prepare()
        limits, length = self.service.limits, self.request.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > limits.body:
            self.refuse(413, f"body must be at most {limits.body} bytes, got {length}")
        elif not self._finished:
            late = f"body must come within {limits.body_seconds:g} seconds"
            self.slow = asyncio.get_running_loop().call_later(limits.body_seconds, self.refuse, 408, late)

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body, up to the limit."""
        self.body += chunk if not self._finished else b""
        if len(self.body) > self.service.limits.body:
            self.refuse(413, f"body must be at most {self.service.limits.body} bytes")

    async def post(self) -> None:
        """Queue the request, and hand its tokens on as they come."""
        if self.slow:
            self.slow.cancel()
        if self._finished:
            return
        try:
            settings = read_body(bytes(self.body), self.service)
            stream, number = settings.pop("stream"), settings.pop("number")
            events: asyncio.Queue[tuple[int | None, str]] = asyncio.Queue()
            self.asked = Request(
                **settings,
                stop=self.service.stop,
                seconds=self.service.limits.seconds,
                deliver=lambda token, end: self.service.call(lambda: events.put_nowait((token, end))),
            )
            self.service.engine.submit(self.asked)
        except (TypeError, ValueError) as error:
            self.refuse(400, str(error))
            return
        except FullError as error:
            self.refuse(503, str(error))
            return
        ids: list[int] = []
        while (event := await events.get())[0] is not None:
            if not ids:
                self.service.first.observe(time.monotonic() - self.begun)
            ids.append(event[0])
            if stream:
                await self._send(self.asked, {"id": ids[-1], "text": self.service.decode(ids[-1:])})
        end = event[1]
        self.service.whole.observe(time.monotonic() - self.begun)
        if self.asked.cancelled:  # whoever asked is gone
            return
        if not ids and end == FAILED:
            self.refuse(500, "the model failed")
        elif not ids:
            self.refuse(503, f"no token within {self.service.limits.seconds:g} seconds")
        elif stream:
            await self._send(self.asked, {"end": end, "number": number})
            self.finish()
        else:
            self.finish({"text": self.service.decode(ids), "ids": ids, "end": end, "number": number})

    async def _send(self, asked: Request, event: dict[str, Any]) -> None:
        """Send an event; who does not read it in time is cut off, and the row is freed."""
        if asked.cancelled:
            return
        self.set_header("Content-Type", "text/event-stream")
        self.write(f"data: {json.dumps(event)}\n\n")
        try:
            await asyncio.wait_for(self.flush(), self.service.limits.body_seconds)
        except (iostream.StreamClosedError, TimeoutError):
            asked.cancelled = True
            self.request.connection.close()  # type: ignore  # of HTTP/1, which is all that this server speaks

    def on_connection_close(self) -> None:
        """Free the row of who is gone."""
        if self.asked is not None:
            self.asked.cancelled = True
        if self.slow:
            self.slow.cancel()


def quiet(handler: web.RequestHandler) -> None:
    """Log nothing: the metrics count."""
