"""The client: asks a server of this kind, token by token, and says clearly what went wrong.

    async with Client(address) as client:
        reply = await client.ask("Once upon a time", n_tokens=20)

Taught in: 26
"""

import asyncio
import json
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from kit.arguments import count, instance, real, shown
from kit.serve.load import LOST, OK, Reply


class Client:
    """Many requests at a time to one server, each streamed.

    Args:
        address: of the server, such as http://127.0.0.1:8000.
        seconds: after which a request counts as lost.
        n_connections: the most at a time; more would wait here, and make the server look quick.

    Raises:
        TypeError, ValueError: if `address` does not begin with http://, or a number is out of range.
    """

    def __init__(self, address: str, *, seconds: float = 120.0, n_connections: int = 1000):
        instance("address", address, str)
        if not address.startswith("http://"):
            raise ValueError(f"address must begin with http://, got {shown(address)}")
        self.address, self.seconds = address.rstrip("/"), real("seconds", seconds, above=0)
        self._http = AsyncHTTPClient(force_instance=True, max_clients=count("n_connections", n_connections))

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *error: object) -> None:
        self._http.close()

    async def ask(self, prompt: str, *, number: int | None = None, **settings: Any) -> Reply:
        """Have a prompt continued; the reply has the time of each token.

        Args:
            number: given back by the server, to tell whose answer it is.
            settings: other fields of the request, such as `n_tokens` and `temperature`.

        Returns:
            A Reply of the server's status. Where there is none, its status is 0, and `error` says whether the server
            is not there, fell silent, or broke off.
        """
        clock = asyncio.get_running_loop().time
        times: list[float] = []
        ids: list[int] = []
        last: dict[str, Any] = {}
        pending = b""

        def take(chunk: bytes) -> None:
            nonlocal pending
            *events, pending = (pending + chunk).split(b"\n\n")
            for event in events:
                found = json.loads(event.removeprefix(b"data: "))
                if "id" in found:
                    times.append(clock())
                    ids.append(found["id"])
                else:
                    last.update(found)

        body = json.dumps({"prompt": prompt, "number": number, "stream": True, **settings})
        request = HTTPRequest(
            f"{self.address}/generate",
            method="POST",
            body=body,
            streaming_callback=take,
            connect_timeout=self.seconds,
            request_timeout=self.seconds,
        )
        try:
            response = await self._http.fetch(request, raise_error=False)
        except (OSError, HTTPClientError) as error:  # what is no answer
            return Reply(status=LOST, times=tuple(times), error=self._why(error, times))
        if response.code == 599 or (response.code == OK and "end" not in last):
            return Reply(status=LOST, times=tuple(times), error=self._why(response.error, times))
        error = "" if response.code == OK else pending.decode(errors="replace")
        return Reply(status=response.code, times=tuple(times), ids=tuple(ids), number=last.get("number"), error=error)

    def _why(self, error: BaseException | None, times: list[float]) -> str:
        """Say why there is no answer, in a sentence."""
        if isinstance(error, ConnectionRefusedError):
            return f"nobody listens at {self.address}: is the server running?"
        if times:
            return f"the server at {self.address} broke off after {len(times)} tokens"
        if "Timeout" in str(error):
            return f"the server at {self.address} did not answer within {self.seconds:g} seconds"
        return f"the server at {self.address} closed the connection without an answer"
