"""The server: a model behind HTTP, on this machine alone.

    POST /generate   {"prompt": "Once upon a time", "n_tokens": 40, "stream": true}
    GET  /health     whether the model's thread is alive, and how much it has to do
    GET  /metrics    the same and more, for Prometheus

    400 what it cannot read or do    408 too slow a body       413 too long a body    503 the queue is full,
    403 another host's page          404, 405 no such thing    500 a failure of its own   with Retry-After

An answer is JSON, `{"text", "ids", "end"}`; or a stream of server-sent events, each of one token, the last
of the end. `end` is "length", "stop" or "deadline", or "error" where the model failed. A field that is not known
is refused, for a misspelt name would otherwise be ignored. A `number` is given back as it came.

Taught in: 26
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tornado import httpserver, netutil, web

from kit.arguments import count
from kit.serve.engine import Engine
from kit.serve.handlers import HOST, Generate, Health, Limits, Metrics, Nothing, Service, quiet


class Server:
    """A server on a thread of its own; as a context it is closed at the end.

    Args:
        engine: what continues the texts; whoever made it closes it.
        encode, decode: from a text to token ids, and back.
        stop: a token that ends every text.
        port: 0 takes any that is free.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range.
        OSError: if the port is taken.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        encode: Callable[[str], Sequence[int]],
        decode: Callable[[Sequence[int]], str],
        stop: int | None = None,
        limits: Limits | None = None,
        port: int = 0,
    ):
        self.service = Service(
            engine=engine,
            encode=encode,
            decode=decode,
            stop=stop,
            limits=Limits() if limits is None else limits,
            call=self._call,
        )
        if count("port", port, at_least=0) > 65_535:
            raise ValueError(f"port must be at most 65535, got {port}")
        sockets = netutil.bind_sockets(port, HOST)
        self.port: int = sockets[0].getsockname()[1]
        self.address = f"http://{HOST}:{self.port}"
        self._loop, up = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(sockets, up), name="server", daemon=True)
        self._thread.start()
        up.wait(60)

    def close(self) -> None:
        """End the thread, and every connection with it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(60)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _serve(self, sockets: list[Any], up: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        paths = [(r"/generate", Generate), (r"/health", Health), (r"/metrics", Metrics), (r"/.*", Nothing)]
        application = web.Application([(path, kind, {"service": self.service}) for path, kind in paths])
        application.settings["log_function"] = quiet
        # the body has a limit of the handler's own, which answers; a client that sends no header is cut off
        http = httpserver.HTTPServer(
            application, max_body_size=2**40, idle_connection_timeout=self.service.limits.body_seconds
        )
        http.add_sockets(sockets)
        self._loop.call_soon(up.set)
        self._loop.run_forever()
        http.stop()
        self._loop.run_until_complete(http.close_all_connections())
        for task in (tasks := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _call(self, work: Callable[[], None]) -> None:
        """Do something on the server's thread; where it is over already, nothing."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)
