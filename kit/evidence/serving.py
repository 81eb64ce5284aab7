"""Claim L02's third sentence, the reckoned cost against the measured one; and the ladder to the fastest token.

The reckoning, written down before any run. A load is drawn by its seed: 1, 2, 4 or 8 rows, prompts of 8 to 48 tokens
around a mean, 8 to 24 new tokens around a mean. The model has GPT-2 small's shapes, random weights, float32, matrices
by columns. Before the server starts, two things are timed on the bare model, each as the median of some: a prompt of
the mean length, read alone, and a step of all rows at the mean context. `served_speed` makes tokens a second of them,
and `cost_per_million` a price. Nothing of the server goes into it.

Then the model is served by HTTP, and clients of the same process, two more than there are rows, each ask again as
soon as they are answered, so that no row is ever empty. Counted are the tokens that come between the moment when as
many requests are answered as there are rows, and the moment when the last request is sent. Their number by their
time is the measured speed. L02.3 takes the absolute relative deviation of the reckoned cost from the measured one.

All times are CPU-seconds of the process, of its engine, server and clients together. It is never idle, so that on one
core of a quiet machine these are the seconds of the clock; and what else the machine does slows neither side.

Beside it, as findings: what the roofline alone says, from the measured bandwidth and FLOPs of this machine, without
a look at the model.

The ladder: greedy text of one prompt, or of eight, on one thread, in CPU-seconds. A rung changes one thing. The share
of tokens equal to those of the plain rung, cached, is measured with it.

Taught in: 26
"""

import asyncio
import copy
import shutil
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from kit.evidence.reading import reader
from kit.evidence.store import Experiment
from kit.models.gpt import GPT, GPT2_CONFIGS
from kit.serve.client import Client
from kit.serve.engine import Engine
from kit.serve.load import OK, Reply, Timing, closed_loop, tally
from kit.serve.narrow import bfloat16_copy, int8_copy, narrow_formats
from kit.serve.roofline import Machine, cost_per_million, decode_step, served_speed, this_machine
from kit.serve.rows import Rows
from kit.serve.server import Server
from kit.serve.speculative import CountedDraft, generate_with_drafts, lookup_draft
from kit.text.stories import STORIES
from kit.text.story_tasks import END, encode
from kit.train.decoding import column_major, generate

# The cost ----------------------------------------------------------------------------------------

PRICE = 1.0  # an hour of this machine, in any currency: it cancels
SERVE_SECONDS = 12.0


@cache
def gpt2_small(seed: int = 0) -> GPT:
    """Make a model of GPT-2 small's shapes, with random weights, whose texts do not stand still."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT(GPT2_CONFIGS["small"])
        torch.nn.init.normal_(model.position_embedding.weight, std=0.3)
    return column_major(model).eval()


def as_words(ids: Sequence[int]) -> str:
    """Write ids as a text that `as_ids` reads."""
    return " ".join(map(str, ids))


def as_ids(text: str) -> list[int]:
    """Read ids out of a text."""
    return [int(word) for word in text.split()]


Clock = Callable[[], float]


def median_seconds(work: Callable[[], Any], n: int, clock: Clock) -> float:
    """Time a piece of work some times, after a first that does not count."""
    work()
    taken = []
    for _ in range(n):
        begin = clock()
        work()
        taken.append(clock() - begin)
    return float(np.median(taken))


def bare_seconds(
    model: GPT, *, n_rows: int, prompt: int, context: int, clock: Clock = time.process_time
) -> tuple[float, float]:
    """Time a step of all rows at a context, and the reading of one prompt alone, on the bare model."""
    full, single = Rows(model, n_rows=n_rows, n_tokens=context + 16), Rows(model, n_rows=1, n_tokens=prompt)
    for row in range(n_rows):
        full.begin(torch.full((context,), row))

    def read() -> None:
        single.begin(torch.zeros(prompt, dtype=torch.long))
        single.leave(0)

    tokens = torch.zeros(n_rows, dtype=torch.long)
    return median_seconds(lambda: full.step(tokens), 7, clock), median_seconds(read, 5, clock)


def measured_speed(timings: list[Timing], n_rows: int, seconds_between: Callable[[float, float], float]) -> float:
    """Count tokens by time while all rows were full.

    Args:
        seconds_between: gives the seconds from one moment of the timings to another, by whatever clock counts.
    """
    good = [timing for timing in timings if timing.reply.status == OK]
    begin = sorted(timing.end for timing in good)[n_rows - 1]
    end = max(timing.sent for timing in timings)
    n_tokens = sum(begin < at <= end for timing in good for at in timing.reply.times)
    return n_tokens / seconds_between(begin, end)


def by_the_clock(begin: float, end: float) -> float:
    """Give the seconds of the timings' own clock."""
    return end - begin


def serve_load(model: GPT, *, n_rows: int, prompts: list[list[int]], n_tokens: list[int]) -> float:
    """Serve a model to clients that are never idle; give the tokens a CPU-second while all rows were full."""
    marks: list[tuple[float, float]] = []
    longest = max(map(len, prompts)) + max(n_tokens)
    engine = Engine(Rows(model, n_rows=n_rows, n_tokens=longest), n_waiting=2 * n_rows + 2)  # room for all clients

    async def run(address: str) -> list[Timing]:
        async with Client(address) as client:
            clock = asyncio.get_running_loop().time

            async def send(i: int) -> Reply:
                marks.append((clock(), time.process_time()))
                reply = await client.ask(as_words(prompts[i]), n_tokens=n_tokens[i], number=i)
                marks.append((clock(), time.process_time()))
                return reply

            return await closed_loop(send, n_clients=n_rows + 2, n_requests=len(prompts))

    try:
        with Server(engine, encode=as_ids, decode=as_words) as server:
            timings = asyncio.run(run(server.address))
    finally:
        engine.close()
    if any(timing.reply.status != OK for timing in timings):
        raise RuntimeError(f"every request must be answered, got {tally(timings)}")
    clock, cpu = np.array(marks).T

    def cpu_between(begin: float, end: float) -> float:
        return float(np.interp(end, clock, cpu) - np.interp(begin, clock, cpu))

    return measured_speed(timings, n_rows, cpu_between)


@cache
def machine() -> Machine:
    """Measure this machine once."""
    return this_machine()


def served_cost(*, seed: int) -> dict[str, float]:
    """Reckon a load's cost before it is served, and measure it."""
    rng, model = np.random.default_rng(seed), gpt2_small()
    n_rows, mean_prompt, mean_new = int(rng.choice([1, 2, 4, 8])), int(rng.integers(8, 49)), int(rng.integers(8, 25))
    context = mean_prompt + mean_new // 2
    step, prompt = bare_seconds(model, n_rows=n_rows, prompt=mean_prompt, context=context)
    reckoned = served_speed(step, prompt, n_rows=n_rows, n_tokens=mean_new)
    bill = decode_step(model.config, n_rows=n_rows, context=context)
    reading = decode_step(model.config, n_rows=mean_prompt, context=max(1, mean_prompt // 2))
    by_roofline = served_speed(
        bill.seconds(machine()), reading.seconds(machine()), n_rows=n_rows, n_tokens=mean_new
    )  # reading a prompt computes as many rows as it has tokens
    n = max(3 * n_rows, round(SERVE_SECONDS * reckoned / mean_new))
    spread = [rng.integers(-4, 5, size=n) for _ in range(2)]
    prompts = [rng.integers(model.config.vocab_size, size=mean_prompt + d).tolist() for d in spread[0]]
    n_tokens = [mean_new + int(d) for d in spread[1]]
    measured = serve_load(model, n_rows=n_rows, prompts=prompts, n_tokens=n_tokens)
    costs = [cost_per_million(PRICE, speed) for speed in (reckoned, measured, by_roofline)]
    return {
        "rows": n_rows,
        "prompt": mean_prompt,
        "new tokens": mean_new,
        "reckoned": reckoned,
        "measured": measured,
        "roofline": by_roofline,
        "deviation": abs(costs[0] / costs[1] - 1),
        "deviation of the roofline": abs(costs[2] / costs[1] - 1),
    }


SERVED_COST = Experiment(
    name="served_cost",
    measure=served_cost,
    seeds=10,
    quantities=(
        *("rows", "prompt", "new tokens", "reckoned", "measured", "roofline"),
        *("deviation", "deviation of the roofline"),
    ),
    alone=True,
)
"""Ten loads: tokens a second as reckoned from the bare model, as measured through the server, and by the roofline."""

# The ladder --------------------------------------------------------------------------------------

RUNGS = (
    *("no cache", "cache", "by columns", "drafts", "eight rows"),
    *("compiled, eight rows", "bfloat16", "bfloat16, drafts", "bfloat16, eight rows", "int8", "int8, drafts"),
    "int8, eight rows",
)
"""Each changes one or two things of those before it; all but the first two have their matrices by columns or packed."""
STORY, GPT2 = "story GPT", "GPT-2 small's shapes"
SIZES = {STORY: (96, 6), GPT2: (24, 2)}  # new tokens, and turns of which the median counts


@cache
def story_reader(seed: int = 0) -> GPT:
    """Train the story GPT of notebooks 18 and 21 on 2,400 stories."""
    return reader(seed, 2_400).eval()


@cache
def counted_draft() -> CountedDraft:
    """Count 1,000 stories, none of those that the story GPT has read, for drafts."""
    rng = np.random.default_rng(12_345)
    return CountedDraft([[END, *encode(STORIES.write(rng=rng)).tolist()] for _ in range(1_000)], n=4)


def prompts_of(which: str, seed: int) -> list[list[int]]:
    """Draw eight prompts of 16 tokens: the beginnings of stories, or ids at random."""
    rng = np.random.default_rng(50_000 + seed)
    if which == STORY:
        return [[END, *encode(STORIES.write(rng=rng)).tolist()][:16] for _ in range(8)]
    return rng.integers(GPT2_CONFIGS["small"].vocab_size, size=(8, 16)).tolist()


@cache
def stored_as(which: str, form: str) -> GPT | Rows:
    """Give the model with its weights in one form: by rows, by columns, compiled, or narrow."""
    plain = story_reader() if which == STORY else gpt2_small()
    if form == "by rows":
        rowwise = copy.deepcopy(plain)
        for layer in rowwise.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.weight.data = layer.weight.data.contiguous()
        return rowwise
    if form == "compiled":
        return Rows(column_major(copy.deepcopy(plain)), n_rows=8, n_tokens=128, compiled="inductor")
    if form in ("bfloat16", "int8"):
        return (bfloat16_copy if form == "bfloat16" else int8_copy)(plain)
    return column_major(copy.deepcopy(plain))


def write(which: str, rung: str, prompts: list[list[int]], n_tokens: int) -> list[list[int]]:
    """Continue prompts greedily as a rung does: the first alone, or all eight."""
    form = {"no cache": "by rows", "cache": "by rows"}.get(rung, rung.split(",")[0])
    model = stored_as(which, form if form in ("by rows", "compiled", "bfloat16", "int8") else "by columns")
    if isinstance(model, Rows):
        first = [int(model.begin(torch.tensor(prompt)).argmax()) for prompt in prompts]
        new = [first]
        for _ in range(n_tokens - 1):
            new.append(model.step(torch.tensor(new[-1])).argmax(dim=-1).tolist())
        while len(model):
            model.leave(0)
        return [prompt + list(row) for prompt, row in zip(prompts, zip(*new, strict=True), strict=True)]
    if "drafts" in rung:
        draft = counted_draft() if which == STORY else lookup_draft
        return [generate_with_drafts(model, prompts[0], n_tokens=n_tokens, draft=draft, n_draft=4).ids]
    some = prompts if "eight rows" in rung else prompts[:1]
    return [row.tolist() for row in generate(model, some, n_tokens=n_tokens, cache=rung != "no cache")]


@cache
def plain_text(which: str, seed: int, row: int) -> list[int]:
    """Continue one prompt as the plain rung does, the model in float32 with its matrices by columns."""
    return write(which, "by columns", [prompts_of(which, seed)[row]], SIZES[which][0])[0]


def climb(which: str, rung: str, seed: int) -> dict[str, float]:
    """Measure one rung: tokens a CPU-second of all rows together, and the share equal to the plain, cached rung's."""
    n_tokens, turns = SIZES[which]
    if rung.split(",")[0] in ("bfloat16", "int8") and rung.split(",")[0] not in narrow_formats():
        raise ValueError(f"rung must be one that this processor has, got {rung}")
    if rung.startswith("compiled") and not (shutil.which("g++") or shutil.which("clang++")):
        raise ValueError(f"rung must be one that this machine has: {rung} needs a C++ compiler")
    prompts = prompts_of(which, seed)
    texts = write(which, rung, prompts, n_tokens)  # pays for set-up
    taken = []
    for _ in range(1 if rung == "no cache" and which == GPT2 else turns):
        begin = time.process_time()
        write(which, rung, prompts, n_tokens)
        taken.append(time.process_time() - begin)
    plain = [plain_text(which, seed, row) for row in range(len(texts))]
    pairs = [
        (a, b) for text, other in zip(texts, plain, strict=True) for a, b in zip(text[16:], other[16:], strict=True)
    ]
    return {
        "tokens per second": len(texts) * n_tokens / float(np.median(taken)),
        "equal tokens": float(np.mean([a == b for a, b in pairs])),
    }


LADDER = Experiment(
    name="ladder",
    measure=lambda which, rung, seed: climb(which, rung, seed),
    factors={"which": (STORY, GPT2), "rung": RUNGS},
    seeds=3,
    quantities=("tokens per second", "equal tokens"),
    alone=True,
)
"""Tokens a CPU-second at each rung, and the share of tokens that are those of the plain rung."""
