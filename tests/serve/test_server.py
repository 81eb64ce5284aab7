"""The server from outside: answers, refusals, clients that vanish, dawdle or send rubbish; and the next good one."""

import asyncio
import json
import random
import re
import socket
import urllib.error
import urllib.request

import pytest

from kit.serve.client import Client
from kit.train.decoding import generate
from tests.serve.small import WAIT, encode, served, small_gpt
from tests.serve.test_metrics import grammatical

GOOD = {"prompt": "abc", "n_tokens": 6}


def is_whole(answer: bytes) -> bool:
    """Tell whether all of an answer has come."""
    head, ended, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    if b"Transfer-Encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return bool(ended) and length is not None and len(body) >= int(length[1])


def exchange(server, data: bytes, *, cut: bool = False) -> bytes:
    """Send bytes as they are, and read an answer, or until the server closes.

    Args:
        cut: send no more, and say so, as who is cut off does.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) as link:
        try:
            link.sendall(data)
            if cut:
                link.shutdown(socket.SHUT_WR)
            while not is_whole(answer) and (chunk := link.recv(65_536)):
                answer += chunk
        except (BrokenPipeError, ConnectionResetError):  # it has closed already, with an answer or without
            pass
    return answer


def posted(body: bytes, *, path: str = "/generate", headers: str = "", length: int | None = None) -> bytes:
    """Write a request as bytes."""
    n = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {n}\r\n\r\n".encode() + body


def ask(server, body, *, method: str = "POST", path: str = "/generate") -> tuple[int, dict]:
    """Ask by Python's own client; give status and JSON."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.address + path, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=WAIT) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.fixture(scope="module")
def server():
    with served() as server:
        yield server


def is_well(server) -> bool:
    """Tell whether the next good request is answered rightly."""
    status, answer = ask(server, GOOD)
    expected = generate(small_gpt(), [encode("abc")], n_tokens=6)[0].tolist()
    return status == 200 and encode("abc") + answer["ids"] == expected


def test_an_answer_is_the_greedy_text(server):
    assert is_well(server)
    status, answer = ask(server, {**GOOD, "number": 41})
    assert (status, answer["number"], answer["end"]) == (200, 41, "length")


def test_a_stream_has_an_event_for_each_token_and_one_for_the_end(server):
    answer = exchange(server, posted(json.dumps({**GOOD, "stream": True}).encode(), headers="Connection: close\r\n"))
    assert status_of(answer) == 200
    assert b"Content-Type: text/event-stream" in answer
    events = [json.loads(line[6:]) for line in answer.split(b"\n") if line.startswith(b"data: ")]
    assert [event.get("id") for event in events[:-1]] == ask(server, GOOD)[1]["ids"]
    assert events[-1] == {"end": "length", "number": None}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "body must be JSON"),
        (b"{", "body must be JSON"),
        (b"\xff\xfe", "body must be JSON"),
        (b"[" * 1_900, "body must be JSON"),
        (b"[]", "body must be an object"),
        ({}, "prompt must be a text, got NoneType None"),
        ({"prompt": 3}, "prompt must be a text"),
        ({"prompt": ""}, "prompt must be letters"),
        ({"prompt": "a b"}, "prompt must be letters"),
        ({"prompt": "a" * 13}, "prompt must be at most 12 tokens, got 13"),
        ({"prompt": "a", "n_tokens": 33}, "n_tokens must be at most 32 tokens, got 33"),
        ({"prompt": "a", "n_tokens": 0}, "n_tokens must be >= 1, got 0"),
        ({"prompt": "a", "n_tokens": "many"}, "n_tokens must be a whole number"),
        ({"prompt": "a", "n_tokens": True}, "n_tokens must be a whole number"),
        ({"prompt": "a", "max_tokens": 3}, "fields must be one of prompt, n_tokens"),
        ({"prompt": "a", "temperature": -1}, "temperature must be >= 0"),
        (b'{"prompt": "a", "temperature": NaN}', "temperature must be finite"),
        ({"prompt": "a", "top_p": 0}, "top_p must be > 0"),
        ({"prompt": "a", "seed": -1}, "seed must be >= 0"),
        ({"prompt": "a", "seed": 2**70}, "seed must be < 2"),
        ({"prompt": "a", "stream": 1}, "stream must be true or false"),
        ({"prompt": "a", "number": "x"}, "number must be a whole one"),
    ],
)
def test_bad_input_is_a_400_that_says_why(server, body, why):
    status, answer = ask(server, body)
    assert status == 400
    assert why in answer["error"]
    assert is_well(server)


def test_a_long_body_is_a_413_before_it_is_read(server):
    answer = exchange(server, posted(b"x", length=10**12))
    assert status_of(answer) == 413
    assert b"body must be at most 2000 bytes, got 1000000000000" in answer
    chunked = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = exchange(
        server, chunked + b"5dc\r\n" + b"x" * 1500 + b"\r\n" + b"5dc\r\n" + b"x" * 1500 + b"\r\n0\r\n\r\n"
    )
    assert status_of(answer) == 413
    assert is_well(server)


def test_other_paths_methods_and_hosts_are_refused(server):
    assert ask(server, None, method="GET", path="/no")[0] == 404
    assert ask(server, None, method="GET")[0] == 405
    assert ask(server, GOOD, path="/health")[0] == 405
    foreign = b"GET /health HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
    assert status_of(exchange(server, foreign)) == 403
    assert is_well(server)


def test_it_listens_on_this_machine_alone(server):
    with pytest.raises(OSError, match=r"."):
        socket.create_connection(("127.0.0.2", server.port), timeout=5).close()
    assert server.address.startswith("http://127.0.0.1:")


def test_a_slow_body_is_a_408():
    with served(body_seconds=0.3) as server:
        answer = exchange(server, posted(b'{"prompt"', length=100))
        assert status_of(answer) == 408
        assert b"body must come within 0.3 seconds" in answer
        with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) as link:
            link.sendall(b"POST /gen")  # no header that could be answered: cut off
            assert link.recv(65_536) == b""
        assert is_well(server)


def test_a_client_that_vanishes_frees_its_row():
    with served(n_rows=1, step_seconds=0.02) as server:
        link = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)
        link.sendall(posted(json.dumps({"prompt": "a", "n_tokens": 32, "stream": True}).encode()))
        assert b"data: " in link.recv(65_536) + link.recv(65_536)
        link.close()
        assert is_well(server)
        assert server.service.engine.ends["cancelled"] == 1


def test_a_full_queue_is_a_503_that_says_when_to_come_again():
    with served(n_rows=1, n_waiting=1, step_seconds=0.1) as server:
        body = json.dumps({"prompt": "a", "n_tokens": 32}).encode()
        links = [socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) for _ in range(6)]
        for link in links:
            link.sendall(posted(body, headers="Connection: close\r\n"))
        answers = []
        for link in links:
            with link:
                answers.append(b"".join(iter(lambda link=link: link.recv(65_536), b"")))
        statuses = sorted(status_of(answer) for answer in answers)
        assert statuses[0] == 200
        assert statuses[-1] == 503
        assert set(statuses) == {200, 503}
        assert b"Retry-After: 1" in next(answer for answer in answers if status_of(answer) == 503)


def test_a_request_beyond_its_time_is_told_so():
    with served(n_rows=1, step_seconds=0.1, seconds=0.5) as server:
        status, answer = ask(server, {"prompt": "a", "n_tokens": 32})
        if status == 503:  # a machine so busy that not even the first token was made in time
            assert "no token within 0.5 seconds" in answer["error"]
        else:
            assert (status, answer["end"]) == (200, "deadline")
            assert 1 <= len(answer["ids"]) < 32


def test_health_answers_while_the_model_is_busy(server):
    status, answer = ask(server, None, method="GET", path="/health")
    assert status == 200
    assert answer["alive"] is True


def test_metrics_are_prometheus_text_and_count_what_was_answered():
    with served() as server:
        ask(server, GOOD)
        ask(server, {"prompt": "a b"})
        ask(server, None, method="GET", path="/no")
        with urllib.request.urlopen(server.address + "/metrics", timeout=WAIT) as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            text = response.read().decode()
    assert grammatical(text)
    assert 'kit_requests_total{path="/generate",status="200"} 1' in text
    assert 'kit_requests_total{path="/generate",status="400"} 1' in text
    assert 'kit_requests_total{path="other",status="404"} 1' in text
    assert "kit_tokens_total 6" in text
    assert 'kit_ends_total{end="length"} 1' in text
    assert "kit_first_token_seconds_count 1" in text


def rubbish(rng: random.Random) -> tuple[bytes, bool]:
    """Make a request that is wrong in one of the ways that there are, or right one time in ten; and whether it ends."""
    text = "".join(rng.choice('abcdefghij {}[]",:0123456789\\\u00e9') for _ in range(rng.randrange(1, 60)))
    value = rng.choice([None, 0, -1, 1.5, 1e308, "x", "", [], {}, True, text, "ab", "a" * 1500, 3])
    good = json.dumps(GOOD).encode()
    method, path = rng.choice(["GET", "PUT", "BREW", text]), rng.choice(["/generate", "/", "/metrics", text])
    field = rng.choice(["n_tokens", "seed", "top_p", "stream", text])
    chunked = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    return rng.choice(
        [
            (posted(good), False),
            (posted(text.encode()), False),
            (posted(json.dumps({"prompt": value}).encode()), False),
            (posted(json.dumps({**GOOD, field: value}).encode()), False),
            (rng.randbytes(rng.randrange(1, 200)) + b"\r\n\r\n", False),
            (posted(good, length=rng.choice([-1, 10**15, 2_001, 5000])), False),
            (posted(good)[: rng.randrange(1, 90)], True),
            (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), False),
            (posted(good, headers=f"{text}\r\n"), False),
            (chunked + text.encode() + b"\r\n", True),
        ]
    )


def test_a_thousand_generated_requests_leave_the_server_well():
    """Each has a status of its kind, but for those that were cut off; every 100th time a good one is asked."""
    rng, statuses = random.Random(0), []
    with served() as server:
        for i in range(1000):
            data, cut = rubbish(rng)
            answer = exchange(server, data, cut=cut)
            statuses.append(status_of(answer))
            assert statuses[-1] in (200, 400, 403, 404, 405, 413) or (cut and answer == b""), (data, answer)
            if i % 100 == 0:
                assert is_well(server)
        assert is_well(server)
        assert server.service.engine.alive
    assert statuses.count(200) > 50
    assert statuses.count(400) > 300


def ask_by_client(server, **settings):
    async def once():
        async with Client(server.address, seconds=WAIT) as client:
            return await client.ask("abc", n_tokens=6, **settings)

    return asyncio.run(once())


def test_the_client_gives_tokens_and_times(server):
    reply = ask_by_client(server, number=5)
    assert (reply.status, reply.number, list(reply.ids)) == (200, 5, ask(server, GOOD)[1]["ids"])
    assert len(reply.times) == 6
    assert list(reply.times) == sorted(reply.times)


def test_the_client_says_why_it_was_refused(server):
    async def once():
        async with Client(server.address, seconds=WAIT) as client:
            return await client.ask("A B")

    reply = asyncio.run(once())
    assert reply.status == 400
    assert "prompt must be letters" in reply.error


def test_the_client_says_that_nobody_listens():
    with served() as server:
        pass
    assert ask_by_client(server).error == f"nobody listens at {server.address}: is the server running?"


def test_the_client_says_that_a_killed_server_broke_off():
    async def ask_and_kill(server):
        async with Client(server.address, seconds=WAIT) as client:
            asked = asyncio.ensure_future(client.ask("abc", n_tokens=32))
            while server.service.engine.n_tokens < 3:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.close)
            return await asked

    with served(step_seconds=0.05) as server:
        reply = asyncio.run(ask_and_kill(server))
    assert reply.status == 0
    assert "broke off" in reply.error or "closed the connection" in reply.error
