"""Of every public function of kit.serve, every argument: one value that it takes, and those that it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from kit.serve import client, engine, handlers, load, metrics, narrow, queueing, roofline, rows, server, speculative
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_0, AT_LEAST_1, COUNT, FUNCTION, GENERATOR
from tests.serve.small import CONFIG, decode, encode, small_gpt

MODEL = small_gpt(dtype=torch.float32)
IDS = ["ten", None, 3, [1.5], [-1], [[1]]]
OPTIONAL = {"top_k": (None, ["ten", 1.5, 0]), "top_p": (None, ["ten", 0, 1.5]), "min_p": (None, ["ten", 0, 1.5])}
SIZES = {"config": (CONFIG, ["ten", None, 3]), "n_rows": (2, AT_LEAST_1), "context": (3, AT_LEAST_1)}
P = torch.full((2, 4), 0.25)
RNG = {"rng": (np.random.default_rng(0), GENERATOR)}
NOT_MODEL = ["ten", None, nn.Linear(2, 2)]
NAMED = {"name": ("x_total", [None, 3, "", "1x", "a b"]), "meaning": ("What.", [None, 3])}
TIMING = load.Timing(number=0, due=0, sent=0, end=1, reply=load.Reply(status=200, times=(1.0,), number=0))


class Idle:
    """Rows that nobody asks."""

    n_rows = 1

    def __len__(self) -> int:
        """Hold none."""
        return 0

    begin = step = leave = lambda self, *_: None


async def answer(number: int) -> load.Reply:
    """Answer at once."""
    return load.Reply(status=200, times=(0.0,), number=number)


def open_loop(send: Any, due: Any) -> Any:
    """Run the loop to its end, in no time."""
    return queueing.in_virtual_time(lambda: load.open_loop(send, due))


def closed_loop(send: Any, n_clients: Any, n_requests: Any) -> Any:
    """Run the loop to its end."""
    return queueing.in_virtual_time(lambda: load.closed_loop(send, n_clients=n_clients, n_requests=n_requests))


async def nap() -> None:
    """Take no time."""


def idle_engine(**given: Any) -> Any:
    """Make an engine, and end it."""
    made = engine.Engine(**given)
    made.close()
    return made


IDLE = idle_engine(texts=Idle())
SERVICE = handlers.Service(
    engine=IDLE, encode=encode, decode=decode, stop=None, limits=handlers.Limits(), call=lambda work: work()
)
STARTED = rows.Rows(MODEL, n_rows=2)
STARTED.begin(torch.tensor([1, 2]))
LIMITS = {"prompt": (3, AT_LEAST_1), "n_tokens": (3, AT_LEAST_1), "body": (3, AT_LEAST_1)}
LIMITS |= {"seconds": (3.0, ABOVE_0), "body_seconds": (3.0, ABOVE_0)}


WORDS = {"encode": (encode, FUNCTION), "decode": (decode, FUNCTION), "stop": (None, ["ten", 1.5, -1])}

ARGUMENTS: dict[Callable, dict[str, tuple[Any, list]]] = {
    speculative.lookup_draft: {"ids": ([1, 2, 1], IDS), "n_draft": (2, AT_LEAST_1), "n_match": (2, AT_LEAST_1)},
    speculative.CountedDraft: {"texts": ([[1, 2]], ["ten", None, 3, [], [3], [[1.5]]]), "n": (2, [*COUNT, 1])},
    speculative.verify_drafts: {
        "drafts": ([1], ["ten", None, 3, [4], [-1], [1.5]]),
        "p": (P, ["ten", None, P[0], P[:1], 2 * P, P.int()]),
        "q": (P[:1], ["ten", None, P, 2 * P[:1], P.int()]),
        "generator": (torch.Generator(), GENERATOR),
    },
    speculative.generate_with_drafts: {
        "model": (MODEL, NOT_MODEL),
        "prompt": ([1, 2], [*IDS, [], [61]]),
        "n_tokens": (2, [*AT_LEAST_1, 99]),
        "draft": (speculative.lookup_draft, FUNCTION),
        "n_draft": (2, AT_LEAST_1),
        "temperature": (1.0, AT_LEAST_0),
        **OPTIONAL,
        "generator": (torch.Generator(), GENERATOR),
        "stop": (None, ["ten", 1.5, -1]),
    },
    rows.Rows: {
        "model": (MODEL, NOT_MODEL),
        "n_rows": (2, AT_LEAST_1),
        "n_tokens": (None, ["ten", 1.5, 0, 99]),
        "compiled": (None, [3, True]),
    },
    STARTED.begin: {
        "prompt": (torch.tensor([1]), ["ten", None, 3, torch.ones(2), torch.tensor([[1]]), torch.tensor([61])])
    },
    engine.Request: {
        "prompt": ([1], ["ten", None, 3, [], [-1], [1.5]]),
        "n_tokens": (3, AT_LEAST_1),
        "temperature": (0.0, AT_LEAST_0),
        "top_p": (None, ["ten", 0, 1.5]),
        "seed": (0, [*COUNT, 2**63]),
        "stop": (None, ["ten", 1.5, -1]),
        "seconds": (3.0, ABOVE_0),
        "deliver": (print, FUNCTION),
        "cancelled": (False, []),
    },
    idle_engine: {"texts": (Idle(), ["ten", None, 3]), "n_waiting": (2, AT_LEAST_1), "clock": (float, FUNCTION)},
    engine.Engine: {"texts": (Idle(), ["ten", None, 3]), "n_waiting": (2, AT_LEAST_1), "clock": (float, FUNCTION)},
    metrics.Metric: NAMED,
    metrics.Counter: NAMED | {"counts": ({}, [])},
    metrics.Gauge: NAMED | {"read": (float, FUNCTION), "label": ("", []), "kind": ("gauge", [])},
    metrics.Histogram: NAMED
    | {"bounds": ((1.0, 2.0), ["ten", None, [], [2, 1], ["a"]]), "counts": ([], []), "total": (0.0, [])},
    metrics.render: {"metrics": ([], ["ten", None, 3, [3]])},
    handlers.Limits: LIMITS,
    handlers.Service: {
        "engine": (IDLE, ["ten", None, 3]),
        **WORDS,
        "limits": (handlers.Limits(), ["ten", None, 3]),
        "call": (print, FUNCTION),
    },
    handlers.read_body: {
        "body": (b'{"prompt": "a"}', [b"", b"[]"]),
        "service": (SERVICE, []),
    },
    server.Server: {
        "engine": (IDLE, ["ten", None, 3]),
        **WORDS,
        "limits": (None, ["ten", 3]),
        "port": (0, [*COUNT, 70_000]),
    },
    client.Client: {
        "address": ("http://127.0.0.1:1", ["ten", None, 3]),
        "seconds": (3.0, ABOVE_0),
        "n_connections": (3, AT_LEAST_1),
    },
    open_loop: {
        "send": (answer, FUNCTION),
        "due": (np.zeros(2), [*ARRAY, np.array([1.0, 0.0]), np.array([-1.0, 0.0])]),
    },
    closed_loop: {"send": (answer, FUNCTION), "n_clients": (1, AT_LEAST_1), "n_requests": (2, AT_LEAST_1)},
    load.percentile: {"seconds": ([1.0, 2.0], [*ARRAY, [1.0]]), "percent": (50, [*AT_LEAST_0, 101]), **RNG},
    load.tally: {"timings": ([TIMING], ["ten", None, 3, [3]])},
    queueing.mean_wait: {"rate": (1.0, [*ABOVE_0, 2.0]), "service": (0.5, ABOVE_0)},
    queueing.arrivals: {"rate": (1.0, ABOVE_0), "n": (2, AT_LEAST_1), **RNG},
    queueing.in_thread: {"work": (nap, FUNCTION)},
    queueing.in_virtual_time: {"work": (nap, FUNCTION)},
    roofline.Machine: {
        "name": ("x", [None, 3]),
        "bandwidth": (1.0, ABOVE_0),
        "flops": (1.0, ABOVE_0),
        "memory": (1.0, [None, "ten", 0, -1]),
    },
    roofline.cache_bytes: SIZES | {"bytes_each": (4, ABOVE_0)},
    roofline.decode_step: SIZES | {"weight_bytes_each": (4, ABOVE_0), "cache_bytes_each": (4, [])},
    roofline.memory_bandwidth: {"megabytes": (1, AT_LEAST_1), "repeats": (1, AT_LEAST_1)},
    roofline.this_machine: {"dtype": ("float32", ["ten", None, 3])},
    roofline.cost_per_million: {"price_per_hour": (1.0, ABOVE_0), "tokens_per_second": (1.0, ABOVE_0)},
    roofline.served_speed: {
        "step_seconds": (1.0, ABOVE_0),
        "prompt_seconds": (1.0, ABOVE_0),
        "n_rows": (1, AT_LEAST_1),
        "n_tokens": (1, AT_LEAST_1),
    },
    narrow.Int8Linear: {"layer": (nn.Linear(2, 2), ["ten", None, nn.ReLU()])},
    narrow.bfloat16_copy: {"model": (MODEL, NOT_MODEL)},
    narrow.int8_copy: {"model": (MODEL, NOT_MODEL)},
}
# the engine and tornado call them, or they only carry what a reader reads
CARRIERS: set[Callable] = {
    *(engine.Texts, engine.FullError, roofline.Step, speculative.Speculated),
    *(load.Reply, load.Timing, load.Tally),
    *(load.open_loop, load.closed_loop),  # they refuse when they are awaited, as those of these names above do
    *(handlers.Nothing, handlers.Health, handlers.Metrics, handlers.Generate, handlers.quiet),
}
