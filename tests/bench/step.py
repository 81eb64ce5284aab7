"""A training step of a small GPT on this CPU, with one thing changed: ratios of medians of paired runs.

The compiler needs a C++ compiler; where there is none, or where it fails, its row says so.
"""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from time import process_time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from kit.models.gpt import GPT, GPTConfig
from kit.train.activation_checkpointing import checkpointed
from kit.train.amp import precision
from kit.train.loop import backward
from kit.train.objectives import next_token_loss
from tests.bench.table import Table, median

CONFIG = GPTConfig(vocab_size=500, n_positions=256, n_layers=4, n_heads=8, d_model=256, dropout=0.0)
BATCH, PAIRS = 4, 7


def tables() -> Iterator[Table]:
    torch.set_num_threads(1)
    model = GPT(CONFIG)
    batch = torch.randint(
        CONFIG.vocab_size, (BATCH, CONFIG.n_positions + 1), generator=torch.Generator().manual_seed(0)
    )

    def passes(
        within: Callable[[], AbstractContextManager] = nullcontext,
        loss: Callable = next_token_loss,
        dtype: str = "float32",
    ) -> Callable[[], None]:
        chosen = precision("cpu", dtype, emulate=True)

        def work() -> None:
            with within():
                backward(model, loss, batch, precision=chosen)
            model.zero_grad()

        return work

    rows = [
        row("bfloat16 instead of float32", passes(), passes(dtype="bfloat16")),
        row("fused attention instead of the formula", passes(lambda: sdpa_kernel(SDPBackend.MATH)), passes()),
        row("blocks checkpointed", passes(), passes(lambda: checkpointed(model))),
        row("AdamW fused instead of a loop over tensors", adamw(fused=False), adamw(fused=True)),
        compiled(passes),
    ]
    title = f"CPU time of a step, {CONFIG.n_layers} layers of width {CONFIG.d_model}: medians of {PAIRS} pairs"
    yield Table(title=title, columns=["change", "before", "after", "speed-up"], rows=rows)


def row(name: str, before: Callable[[], None], after: Callable[[], None]) -> tuple[list[str], None]:
    """Time two ways in turn, and compare."""
    before(), after()
    pairs = [(seconds(before), seconds(after)) for _ in range(PAIRS)]
    old, new = (1000 * median(column) for column in zip(*pairs, strict=True))
    ratio = median([a / b for a, b in pairs])
    return [name, f"{old:.1f} ms", f"{new:.1f} ms", f"{ratio:.2f}"], None


def compiled(passes: Callable) -> tuple[list[str], None]:
    name = "torch.compile"
    if not shutil.which("g++") and not shutil.which("clang++"):
        return [name, "", "", "left out: no C++ compiler"], None
    try:
        return row(name, passes(), passes(loss=torch.compile(next_token_loss)))
    except Exception as error:  # the compiler's own, of many kinds
        return [name, "", "", f"failed: {type(error).__name__}"], None


def adamw(*, fused: bool) -> Callable[[], None]:
    """Make an optimiser's step, on a model of its own."""
    model = GPT(dataclasses.replace(CONFIG))
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    how = {"fused": True} if fused else {"foreach": False}
    return torch.optim.AdamW(model.parameters(), lr=1e-4, **how).step


def seconds(work: Callable[[], None]) -> float:
    start = process_time()
    work()
    return process_time() - start
