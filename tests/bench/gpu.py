"""Train GPTs on this machine's GPU in every precision, and write data/measured/<gpu>.json.

    python run.py bench-gpu                           under 8 minutes on an NVIDIA GPU
    python run.py bench-gpu --minutes 4               less of it: what comes last is left out
    python run.py bench-gpu --device cpu --toy --out somewhere.json
                                                      the same program at toy sizes, to prove it

It needs nothing but torch and the kit, so on Colab `python -m tests.bench.gpu` in a clone does.
Three tables. Entries: three models, four precisions, each plain and compiled. Ladder: GPT-2 124M
from a naive loop to the best one, a change a rung. Serving: the same model writes, from one row without
a cache to many rows compiled, beside what the roofline allows. An entry that runs out of memory or of time, or
that this GPU cannot do, is written down as such, and the others go on.
"""

import argparse
import contextlib
import dataclasses
import functools
import gc
import json
import math
import platform
import re
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from kit.machine import profile
from kit.models.gpt import GPT, GPT2_CONFIGS, GPTConfig
from kit.serve.roofline import decode_step
from kit.serve.rows import Rows
from kit.text.corpus import standard_library
from kit.train.amp import native_formats, precision
from kit.train.budget import peak_flops, training_bytes, training_flops
from kit.train.decoding import generate
from kit.train.measured import measure_bytes
from kit.train.objectives import next_token_loss

ROOT = Path(__file__).parents[2]
PRECISIONS = ("float32", "TF32", "bfloat16", "float16")
PADDED = 50_304  # the next multiple of 64 after GPT-2's 50,257: whole tiles for the head's product
WARM_UP = 3
LR = 3e-4
WHOLE = 12  # layers: a deeper model is compiled block by block, in a fraction of the time


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What one entry trains, and how."""

    name: str
    config: GPTConfig
    batch_size: int
    precision: str = "float32"
    compiled: bool = False
    fused: bool = True
    attention: str = "flash"  # or "plain", by the formula; or "cuDNN"
    wait_each_step: bool = False  # .item() on the loss


@dataclass(frozen=True, kw_only=True)
class Served:
    """What one rung of serving writes with, and how."""

    text: str
    config: GPTConfig
    rows: int = 1
    dtype: str = "float32"
    cached: bool = True
    compiled: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is run, and within which limits.

    Args:
        steps: after how many steps an entry's loss is taken.
        entry_seconds: the longest that an entry may take.
        backend: of torch.compile.
    """

    device: str
    entries: list[tuple[Setting, int]]
    ladder: list[tuple[str, Setting]]
    ladder_steps: int
    entry_seconds: float
    backend: str = "inductor"
    serving: list[Served] = dataclasses.field(default_factory=list)
    n_prompt: int = 64
    n_written: int = 64


class OutOfTime(BaseException):
    """An entry's time is over; no Exception, for the compiler would take it for a failure of its own."""


# The plan ----------------------------------------------------------------------------------------


def gpu_plan() -> Plan:
    """Choose sizes for this GPU: the largest batch, a power of 2, that float32 has room for."""
    memory = torch.cuda.get_device_properties(0).total_memory
    small = GPTConfig(n_layers=6, n_heads=6, d_model=384, n_positions=256, dropout=0.0)
    middle = dataclasses.replace(GPT2_CONFIGS["small"], dropout=0.0)
    larger = [dataclasses.replace(GPT2_CONFIGS[name], dropout=0.0) for name in ("large", "medium")]
    large = next((config for config in larger if room(config, 4, memory)), larger[-1])
    models = {
        "GPT-2 124M": (middle, best_batch(middle, memory, at_most=32), 20),
        "small, 30M": (small, best_batch(small, memory, at_most=128), 40),
        f"GPT-2 {'774M' if large is larger[0] else '355M'}": (large, best_batch(large, memory, at_most=8), 8),
    }
    # what takes long and says little comes last, where time may run out
    order = [(False, each) for each in PRECISIONS]
    order += [(True, each) for each in ("bfloat16", "float32", "float16", "TF32")]
    entries = [
        (Setting(name=name, config=config, batch_size=batch, precision=each, compiled=compiled), steps)
        for compiled, each in order
        for name, (config, batch, steps) in models.items()
    ]
    largest = best_batch(middle, memory, at_most=128, dtype="bfloat16")
    ladder = rungs("GPT-2 124M", middle, 4, largest)
    return Plan(
        device="cuda",
        entries=entries,
        ladder=ladder,
        ladder_steps=20,
        entry_seconds=75,
        serving=serving(middle, (8, 64, 256)),
    )


def toy_plan(device: str) -> Plan:
    """Make all entries and rungs at sizes that any machine can do in seconds; the compiler is not called."""
    tiny = GPTConfig(vocab_size=300, n_layers=1, n_heads=2, d_model=16, n_positions=16, dropout=0.0)
    entries = [
        (Setting(name="toy", config=tiny, batch_size=2, precision=each, compiled=compiled), 3)
        for compiled in (False, True)
        for each in PRECISIONS
    ]
    return Plan(
        device=device,
        entries=entries,
        ladder=rungs("toy", tiny, 2, 4, padded=320),
        ladder_steps=3,
        entry_seconds=1800,  # a test: only what hangs is stopped
        backend="eager",
        serving=serving(tiny, (2, 3)),
        n_prompt=4,
        n_written=5,
    )


def serving(config: GPTConfig, many: tuple[int, ...]) -> list[Served]:
    """Go from one row without a cache to many rows in 16 bits, compiled; a change a rung."""
    rung = Served(text="no cache, one row, float32", config=config, cached=False)
    found = [rung]
    changes: list[tuple[str, dict[str, Any]]] = [("a cache", {"cached": True}), ("bfloat16", {"dtype": "bfloat16"})]
    changes += [(f"{n} rows", {"rows": n}) for n in many]
    for text, change in [*changes, ("torch.compile", {"compiled": True})]:
        rung = dataclasses.replace(rung, text=text, **change)
        found.append(rung)
    return found


def rungs(name: str, config: GPTConfig, first: int, largest: int, *, padded: int = PADDED) -> list[tuple[str, Setting]]:
    """Go from the naive loop to the best, a change a rung; compiling comes late, for each rung after it pays again."""
    half = "bfloat16" if not torch.cuda.is_available() or "bfloat16" in native_formats("cuda") else "float16"
    setting = Setting(
        name=name,
        config=config,
        batch_size=first,
        fused=False,
        attention="plain",
        wait_each_step=True,
    )
    ladder = [("naive loop, float32", setting)]
    changes: list[tuple[str, dict[str, Any]]] = [
        ("no .item() at each step", {"wait_each_step": False}),
        ("TF32", {"precision": "TF32"}),
        (f"{half} autocast", {"precision": half}),
        ("flash attention", {"attention": "flash"}),
        ("fused AdamW", {"fused": True}),
        (f"vocabulary padded to {padded:,}", {"config": dataclasses.replace(config, vocab_size=padded)}),
        (f"batch of {largest} instead of {first}", {"batch_size": largest}),
        ("torch.compile", {"compiled": True}),
        ("cuDNN attention", {"attention": "cuDNN"}),
    ]
    for text, change in changes:
        setting = dataclasses.replace(setting, **change)
        ladder.append((text, setting))
    return ladder


def room(config: GPTConfig, batch_size: int, memory: float, *, dtype: str = "float32") -> bool:
    """Tell whether a step fits: its bill, and three times the logits, which come and go beside it."""
    bill = training_bytes(config, batch_size=batch_size, time=config.n_positions, dtype=dtype)
    logits = 4 * batch_size * config.n_positions * config.vocab_size
    return bill.total + 3 * logits < 0.8 * memory


def best_batch(config: GPTConfig, memory: float, *, at_most: int, dtype: str = "float32") -> int:
    """Halve a batch until it has room."""
    while at_most > 1 and not room(config, at_most, memory, dtype=dtype):
        at_most //= 2
    return at_most


# An entry ----------------------------------------------------------------------------------------


def run(setting: Setting, steps: int, plan: Plan) -> dict[str, Any]:
    """Train one setting, and measure it; or say why not."""
    described = {
        "model": setting.name,
        "precision": setting.precision,
        "compiled": (
            ("whole" if setting.config.n_layers <= WHOLE else "by blocks") if setting.compiled else "no"
        ),
        "batch_size": setting.batch_size,
        "time": setting.config.n_positions,
        "vocab_size": setting.config.vocab_size,
    }  # fmt: skip
    if reason := impossible(setting, plan.device):
        return described | {"outcome": f"left out: {reason}"}
    start = time.perf_counter()
    try:
        with limit(plan.entry_seconds), matmul_format(setting.precision):
            outcome = measure(setting, steps, plan)
    except torch.OutOfMemoryError:
        outcome = {"outcome": "out of memory"}
    except OutOfTime:
        outcome = {"outcome": f"out of time: more than {plan.entry_seconds:.0f} s"}
    except Exception as error:  # such as the compiler's: one entry must not end the others
        text = re.sub(r"(?:/[^\s/:'\"]+)+", "...", str(error).strip().split("\n")[0])
        outcome = {"outcome": f"failed: {type(error).__name__}: {text[:200]}"}
    tidy(plan.device)  # after the except clauses, whose error holds on to the tensors
    return described | outcome | {"seconds": round(time.perf_counter() - start, 1)}


def impossible(setting: Setting, device: str) -> str:
    """Say why a GPU has not what a setting asks for; nothing where it has. A CPU computes all formats somehow."""
    if device != "cuda":
        return "cuDNN belongs to a GPU" if setting.attention == "cuDNN" else ""
    if setting.attention == "cuDNN" and torch.cuda.get_device_capability() < (9, 0):
        return "cuDNN's attention is for Hopper and newer"
    return lacking(setting.precision)


def lacking(name: str) -> str:
    """Say that this GPU has no units for a precision; nothing where it has."""
    if name == "TF32" and torch.cuda.get_device_capability() < (8, 0):
        return "this GPU has no TF32"
    if name in ("bfloat16", "float16") and name not in native_formats("cuda"):
        return f"this GPU only emulates {name}"
    return ""


def measure(setting: Setting, steps: int, plan: Plan) -> dict[str, Any]:
    """Train for some steps; give speed, memory in parts, utilisation and loss."""
    device, config = plan.device, setting.config
    torch.manual_seed(0)
    before = allocated(device)
    model = GPT(config).to(device).train()
    weights = allocated(device) - before
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    how = {"fused": True} if setting.fused else {"foreach": False}  # False: a loop over the tensors
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.95), **how)
    dtype = "float32" if setting.precision == "TF32" else setting.precision
    chosen = precision(device, dtype, emulate=device != "cuda")
    scaler = chosen.scaler()
    loss_of = compiled_loss(model, plan.backend) if setting.compiled else next_token_loss
    batches = token_batches(steps, setting.batch_size, config, device)

    def step(number: int) -> tuple[Tensor, int]:
        with chosen.autocast(), attention(setting.attention):
            loss = loss_of(model, batches[number])
        kept = allocated(device)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        if setting.wait_each_step:
            loss.item()
        return loss.detach(), kept

    losses = [step(number)[0] for number in range(min(WARM_UP, steps - 1))]
    synchronize(device)
    reset_peak(device)
    resting = allocated(device)
    seconds = []
    kept = resting
    for number in range(len(losses), steps):
        begin = mark(device)
        loss, kept = step(number)
        seconds.append((begin, mark(device)))
        losses.append(loss)
    synchronize(device)
    took = statistics.median(elapsed(*pair) for pair in seconds)
    state = sum(t.nbytes for entries in optimizer.state.values() for t in entries.values() if isinstance(t, Tensor))
    gradients = sum(p.nbytes for p in model.parameters())
    most = peak(device)
    reckoned = training_bytes(config, batch_size=setting.batch_size, time=config.n_positions, dtype=dtype)
    flops = training_flops(config, batch_size=setting.batch_size, time=config.n_positions).model
    tokens = setting.batch_size * config.n_positions
    limit_flops = peak_flops(profile().name, setting.precision) if device == "cuda" else None
    measured_limit = matmul_flops(device, setting.precision)
    outcome: dict[str, Any] = {
        "outcome": "measured",
        "tokens_per_second": round(tokens / took),
        "step_ms": round(1000 * took, 3),
        "flops_per_second": round(flops / took),
        "mfu": round(flops / took / limit_flops, 4) if limit_flops else None,
        "share_of_measured_matmul": round(flops / took / measured_limit, 4),
        "steps": steps,
        "first_loss": round(losses[0].item(), 4),
        "loss": round(losses[-1].item(), 4),
        "skipped": skipped(chosen.scaled, scaler),
        "reckoned_bytes": dataclasses.asdict(reckoned),
    }
    if device == "cuda":  # the allocator knows; a CPU has none that could be asked
        outcome["peak_bytes"] = {
            "total": most - before,
            "weights": weights,
            "optimizer": state,
            "gradients": gradients,
            "activations and copies": kept - resting,
            # gradients come as activations go, so that the larger of the two is there at the peak
            "temporary": most - before - weights - state - max(gradients, kept - resting),
        }
    if not setting.compiled and setting.attention == "flash":
        del loss, losses
        found = measure_bytes(model, next_token_loss, batches[0], optimizer, precision=chosen)
        outcome["measured_bytes"] = dataclasses.asdict(found.parts)
        outcome["measured_peak_bytes"] = dataclasses.asdict(found.peak)
    return outcome


def serve(rung: Served, plan: Plan) -> dict[str, Any]:
    """Write some tokens at one rung of serving; give tokens a second, and bytes a second; or say why not."""
    described = {"model": "GPT", "precision": rung.dtype, "rows": rung.rows, "cached": rung.cached}
    described |= {"compiled": "whole" if rung.compiled else "no"}
    if plan.device == "cuda" and (reason := lacking(rung.dtype)):
        return described | {"outcome": f"left out: {reason}"}
    start = time.perf_counter()
    try:
        with limit(plan.entry_seconds):
            outcome = written(rung, plan)
    except torch.OutOfMemoryError:
        outcome = {"outcome": "out of memory"}
    except OutOfTime:
        outcome = {"outcome": f"out of time: more than {plan.entry_seconds:.0f} s"}
    except Exception as error:
        text = re.sub(r"(?:/[^\s/:'\"]+)+", "...", str(error).strip().split("\n")[0])
        outcome = {"outcome": f"failed: {type(error).__name__}: {text[:200]}"}
    tidy(plan.device)
    return described | outcome | {"seconds": round(time.perf_counter() - start, 1)}


def written(rung: Served, plan: Plan) -> dict[str, Any]:
    """Time the writing of one rung: whole texts without a cache, steps of all rows with one."""
    torch.manual_seed(0)
    model = GPT(rung.config).to(plan.device, getattr(torch, rung.dtype)).eval()
    n = plan.n_prompt + plan.n_written
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(rung.config.vocab_size, (rung.rows, plan.n_prompt), generator=generator)
    if not rung.cached:
        generate(model, prompts.to(plan.device), n_tokens=1, cache=False)  # pays for set-up
        begin = mark(plan.device)
        generate(model, prompts.to(plan.device), n_tokens=plan.n_written, cache=False)
        end = mark(plan.device)
        synchronize(plan.device)
        return {"outcome": "measured", "tokens_per_second": round(rung.rows * plan.n_written / elapsed(begin, end))}
    rows = Rows(model, n_rows=rung.rows, n_tokens=n, compiled=plan.backend if rung.compiled else None)
    tokens = torch.stack([rows.begin(prompt) for prompt in prompts]).argmax(dim=-1)
    tokens = rows.step(tokens).argmax(dim=-1)  # pays for set-up
    pairs = []
    for _ in range(plan.n_written - 1):
        begin = mark(plan.device)
        tokens = rows.step(tokens).argmax(dim=-1)
        pairs.append((begin, mark(plan.device)))
    synchronize(plan.device)
    took = statistics.median(elapsed(*pair) for pair in pairs)
    size = 4 if rung.dtype == "float32" else 2
    bill = decode_step(
        rung.config, n_rows=rung.rows, context=n - plan.n_written // 2, weight_bytes_each=size, cache_bytes_each=size
    )
    return {
        "outcome": "measured",
        "tokens_per_second": round(rung.rows / took),
        "step_ms": round(1000 * took, 3),
        "bytes_per_second": round(bill.bytes / took),
        "flops_per_second": round(bill.flops / took),
    }


def compiled_loss(model: GPT, backend: str) -> Callable[[nn.Module, Tensor], Tensor]:
    """Compile model and loss as one; of a deep model each block, which all have one code."""
    torch.compiler.reset()
    if len(model.blocks) <= WHOLE:
        return torch.compile(next_token_loss, backend=backend)
    for block in model.blocks:
        block.compile(backend=backend)
    return next_token_loss


def skipped(scaled: bool, scaler: torch.amp.GradScaler) -> int:
    """Count the steps that the scaler skipped: each halved the scale, and none of these runs is long enough to grow."""
    return round(math.log2(2.0**16 / scaler.get_scale())) if scaled else 0


@contextlib.contextmanager
def attention(kind: str) -> Iterator[None]:
    """Let attention be computed by one kernel; "flash" leaves the choice to torch, which prefers it where it can."""
    backends = {"plain": SDPBackend.MATH, "cuDNN": SDPBackend.CUDNN_ATTENTION}
    with sdpa_kernel(backends[kind]) if kind in backends else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def matmul_format(name: str) -> Iterator[None]:
    """Let float32 products be rounded to TF32, or not."""
    old = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if name == "TF32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(old)


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Stop what takes too long, where the system has an alarm clock; it rings between two lines of Python."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_: Any) -> None:
        raise OutOfTime

    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def token_batches(steps: int, batch_size: int, config: GPTConfig, device: str) -> list[Tensor]:
    """Draw the same rows for every entry of a model: bytes of the standard library, each byte a token."""
    text = torch.frombuffer(bytearray(corpus()), dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    length = config.n_positions + 1
    starts = torch.randint(len(text) - length, (steps, batch_size), generator=generator)
    rows = text[starts[..., None] + torch.arange(length)].long()
    return list(rows.to(device))


@functools.cache
def corpus(limit: int = 4_000_000) -> bytes:
    """Read some megabytes of the standard library."""
    return b"".join(document.text.encode() for document in standard_library())[:limit]


@functools.cache  # asked for before the first entry, while all of the memory is free
def matmul_flops(device: str, name: str) -> float:
    """Measure what one large product of this format reaches here: operations a second, the best of ten."""
    size = 8192 if device == "cuda" else 128
    dtype = torch.float32 if name in ("float32", "TF32") else getattr(torch, name)
    a = torch.randn(size, size, device=device).to(dtype)
    pairs = []
    with matmul_format(name):
        for _ in range(10):
            begin = mark(device)
            a @ a
            pairs.append((begin, mark(device)))
    synchronize(device)
    return 2 * size**3 / min(elapsed(*pair) for pair in pairs)


# What differs between a GPU and a CPU ----------------------------------------------------------------


def mark(device: str) -> Any:
    """Note a moment: on a GPU in the row of its work, without waiting for it."""
    if device != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def elapsed(begin: Any, end: Any) -> float:
    """Give the seconds between two moments; on a GPU they must be over."""
    return end - begin if isinstance(begin, float) else begin.elapsed_time(end) / 1000


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def allocated(device: str) -> int:
    return torch.cuda.memory_allocated() if device == "cuda" else 0


def reset_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak(device: str) -> int:
    return torch.cuda.max_memory_allocated() if device == "cuda" else 0


def tidy(device: str) -> None:
    """Give back what an entry has left behind, above all one that failed."""
    torch.compiler.reset()
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


# The whole ---------------------------------------------------------------------------------------


def bench(plan: Plan, *, seconds: float, out: Path, clock: Callable[[], float] = time.perf_counter) -> dict[str, Any]:
    """Run the ladder, then the entries, as far as the time goes; write after each, so that nothing is lost."""
    start = clock()
    result: dict[str, Any] = {
        "machine": machine(plan.device),
        "date": date.today().isoformat(),
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "ladder": [],
        "serving": [],
        "entries": [],
    }
    jobs: list[tuple[str, dict[str, str], Setting | Served, int]] = [
        ("ladder", {"rung": text}, setting, plan.ladder_steps) for text, setting in plan.ladder
    ]
    jobs += [("serving", {"rung": rung.text}, rung, 0) for rung in plan.serving]
    jobs += [("entries", {}, setting, steps) for setting, steps in plan.entries]
    for table, label, setting, steps in jobs:
        left = seconds - (clock() - start)
        within = dataclasses.replace(plan, entry_seconds=min(plan.entry_seconds, left))
        if left < 5:
            what = ("GPT", setting.dtype) if isinstance(setting, Served) else (setting.name, setting.precision)
            entry = {"model": what[0], "precision": what[1], "outcome": "left out: no time"}
        else:
            entry = serve(setting, within) if isinstance(setting, Served) else run(setting, steps, within)
        result[table].append(label | entry)
        result["seconds"] = round(clock() - start, 1)
        write(out, result)
        print(line(label | entry), flush=True)
    result["summary"] = summary(result)
    write(out, result)
    return result


def machine(device: str) -> dict[str, Any]:
    """Describe what was measured on, and what it is sold for."""
    found = dataclasses.asdict(profile())
    if device != "cuda":
        return found | {"matmul_flops": {name: round(matmul_flops(device, name)) for name in PRECISIONS}}
    able = [name for name in PRECISIONS if not lacking(name)]
    return found | {
        "matmul_flops": {name: round(matmul_flops(device, name)) for name in able},
        "capability": ".".join(map(str, torch.cuda.get_device_capability())),
        "cuda": torch.version.cuda,
        "native_formats": list(native_formats("cuda")),
        "data_sheet_flops": {name: peak_flops(found["name"], name) for name in PRECISIONS},
    }


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """Compare the best rung with the first, and the memory of mixed precision with float32's."""
    found = {}
    climbed = [rung for rung in result["ladder"] if rung["outcome"] == "measured"]
    if climbed and climbed[0]["rung"].startswith("naive"):
        best = max(climbed, key=lambda rung: rung["tokens_per_second"])
        found["best_rung"] = best["rung"]
        found["best_over_naive"] = round(best["tokens_per_second"] / climbed[0]["tokens_per_second"], 2)
        found["best_mfu"] = best["mfu"]
    plain = {
        (entry["model"], entry["precision"]): entry
        for entry in result["entries"]
        if entry["outcome"] == "measured" and entry["compiled"] == "no"
    }
    differences = []
    for (model, name), entry in plain.items():
        pairs = [(entry["reckoned_bytes"][part], size) for part, size in entry.get("measured_bytes", {}).items()]
        differences += [abs(reckoned - size) / size for reckoned, size in pairs if size]
        wide = plain.get((model, "float32"))
        if name in ("bfloat16", "float16") and wide and "peak_bytes" in entry:
            ratio = entry["peak_bytes"]["total"] / wide["peak_bytes"]["total"]
            found[f"memory, {model}, {name} / float32"] = round(ratio, 3)
    if differences:
        found["calculator, furthest part"] = round(max(differences), 4)
    return found


def line(entry: dict[str, Any]) -> str:
    """Say in a line what became of an entry."""
    what = entry.get("rung") or f"{entry['model']}, {entry['precision']}, compiled: {entry.get('compiled', '-')}"
    if entry["outcome"] != "measured":
        return f"{what}: {entry['outcome']}"
    memory = f", peak {entry['peak_bytes']['total'] / 1e9:.2f} GB" if "peak_bytes" in entry else ""
    if "rows" in entry:
        return f"writing, {what}: {entry['tokens_per_second']:,} tokens/s"
    used = f", MFU {entry['mfu']:.1%}" if entry["mfu"] else ""
    return (
        f"{what}: {entry['tokens_per_second']:,} tokens/s{used}{memory}, "
        f"loss {entry['first_loss']:.3f} to {entry['loss']:.3f} in {entry['steps']} steps"
    )


def write(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Train GPTs in every precision, and write what was measured.")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--toy", action="store_true", help="sizes for a test; nothing is compiled")
    parser.add_argument("--minutes", type=float, default=7.5)
    parser.add_argument("--out", type=Path, help="the file to write; data/measured/<gpu>.json where it is left out")
    chosen = parser.parse_args(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("torch sees no NVIDIA GPU. To prove the program without one: --device cpu --toy --out toy.json")
        return 2
    if chosen.device == "cpu" and not (chosen.toy and chosen.out):
        print("on a CPU say --toy, and --out: only a GPU's figures belong in data/measured/")
        return 2
    plan = toy_plan(chosen.device) if chosen.toy else gpu_plan()
    name = re.sub(r"[^a-z0-9]+", "-", profile().name.lower()).strip("-")
    out = chosen.out or ROOT / "data/measured" / f"{name}.json"
    result = bench(plan, seconds=60 * chosen.minutes, out=out)
    for text, value in result["summary"].items():
        print(f"{text}: {value}")
    print(f"{out.name} written after {result['seconds']:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
