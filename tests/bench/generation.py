"""Tokens a second of kit's `generate` against that of transformers, with the same weights; and what the cache gains.

Greedy, both with a cache, on one thread. The two take turns, and CPU time counts. Where the weights
do not fit the processor's cache, both wait for memory at every token, and no code can be twice as fast:
hence a bar for each size. Kit's model is stored by columns, as `column_major` does once and as
transformers' GPT-2 is from the start.

Then the ladder of notebook 26 at GPT-2 small's shapes: drafts, narrow weights, a compiled step, each beside
transformers in float32 at the same batch. Two bars: for the best rung whose greedy text is the same, and for the
best of all, which says how many tokens are.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, logging

from kit.models.gpt import GPT, GPTConfig
from kit.serve.narrow import bfloat16_copy, int8_copy, narrow_formats
from kit.serve.rows import Rows
from kit.serve.speculative import generate_with_drafts, lookup_draft
from kit.train.decoding import column_major, generate
from tests.bench.table import Bar, Table, at_least, median
from tests.bench.training_step import with_weights_of

N_PROMPT = 16
BARS = (2.0, 1.3, 1.0)  # kit's speed over that of transformers, for each of the sizes
SIZES = {  # layers, heads, width, vocabulary, tokens, turns
    "small: 4 layers, 128 wide": (4, 4, 128, 1000, 128, 5),
    "middle: 6 layers, 384 wide": (6, 6, 384, 4000, 48, 5),
    "GPT-2 small: 12 layers, 768 wide": (12, 12, 768, 50_257, 16, 3),
}
N_CACHED = 256
UNCHANGED_BAR, BEST_BAR = 1.0, 2.0  # over transformers: with the same greedy text, and of all rungs


def models(size: tuple[int, ...]) -> tuple[GPT, GPT2LMHeadModel]:
    """Make both models, with the same random weights, large enough that texts do not stand still."""
    n_layers, n_heads, d_model, vocab, *_ = size
    torch.manual_seed(0)
    n_positions = N_PROMPT + N_CACHED
    ours = GPT(
        GPTConfig(vocab_size=vocab, n_positions=n_positions, n_layers=n_layers, n_heads=n_heads, d_model=d_model)
    )
    torch.nn.init.normal_(ours.position_embedding.weight, std=0.3)
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocab,
            n_positions=n_positions,
            n_layer=n_layers,
            n_head=n_heads,
            n_embd=d_model,
            bos_token_id=0,
            eos_token_id=None,
        )
    )
    with_weights_of(ours, theirs)
    return column_major(ours).eval(), theirs.eval()


def by_kit(model: GPT, prompts: Tensor, n_tokens: int, *, cache: bool = True) -> Tensor:
    return generate(model, prompts, n_tokens=n_tokens, cache=cache)


def by_transformers(model: GPT2LMHeadModel, prompts: Tensor, n_tokens: int) -> Tensor:
    settings = GenerationConfig(max_new_tokens=n_tokens, min_new_tokens=n_tokens, do_sample=False, pad_token_id=0)
    return model.generate(prompts, attention_mask=torch.ones_like(prompts), generation_config=settings)


def take_turns(ways: list[Callable[[], Tensor]], n_turns: int) -> tuple[list[Tensor], list[float]]:
    """Run each way in turn; give what it returned, and the median of its CPU seconds."""
    results = [way() for way in ways]
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(n_turns):
        for way, times in zip(ways, seconds, strict=True):
            begin = time.process_time()
            way()
            times.append(time.process_time() - begin)
    return results, [median(times) for times in seconds]


def against_transformers() -> Table:
    rows = []
    for (name, size), bar in zip(SIZES.items(), BARS, strict=True):
        ours, theirs = models(size)
        *_, vocab, n_tokens, n_turns = size
        for batch in (1, 8):
            prompts = torch.randint(vocab, (batch, N_PROMPT), generator=torch.Generator().manual_seed(0))
            ways = [partial(by_kit, ours, prompts, n_tokens), partial(by_transformers, theirs, prompts, n_tokens)]
            (kit, other), (seconds, their_seconds) = take_turns(ways, n_turns)
            same = f"{(kit == other).all(dim=1).sum()} of {batch}"
            speeds = [f"{batch * n_tokens / s:,.0f}" for s in (their_seconds, seconds)]
            ratio = their_seconds / seconds
            rows.append(((f"{name}, batch {batch}", *speeds, same, f"{ratio:.2f}"), at_least(ratio, bar)))
    return Table(
        title="Generated tokens a CPU-second, greedy, with a cache",
        columns=("", "transformers", "kit", "same texts", "kit / transformers"),
        rows=rows,
    )


def with_and_without_cache() -> Table:
    rows = []
    for name, size in list(SIZES.items())[:2]:
        model, _ = models(size)
        prompts = torch.randint(size[3], (1, N_PROMPT), generator=torch.Generator().manual_seed(0))
        ways = [partial(by_kit, model, prompts, N_CACHED, cache=cache) for cache in (True, False)]
        (one, other), (fast, slow) = take_turns(ways, 1)
        speeds = [f"{N_CACHED / s:,.0f}" for s in (slow, fast)]
        equal = int((one == other).sum()) - N_PROMPT
        cells = name, *speeds, f"{equal} of {N_CACHED}", f"{slow / fast:.1f}"
        rows.append((cells, at_least(equal, N_CACHED, " tokens the same")))
    return Table(
        title=f"What the cache gains: tokens a CPU-second over {N_CACHED} tokens, greedy",
        columns=("", "without", "with", "tokens the same", "times as fast"),
        rows=rows,
    )


def by_drafts(model: GPT, prompts: Tensor, n_tokens: int) -> Tensor:
    found = [generate_with_drafts(model, row.tolist(), n_tokens=n_tokens, draft=lookup_draft).ids for row in prompts]
    return torch.tensor(found)


def by_rows(rows: Rows, prompts: Tensor, n_tokens: int) -> Tensor:
    """Continue prompts by steps of `Rows`, whose step may be compiled."""
    new = [torch.stack([rows.begin(prompt) for prompt in prompts]).argmax(dim=-1)]
    for _ in range(n_tokens - 1):
        new.append(rows.step(new[-1]).argmax(dim=-1))
    while len(rows):
        rows.leave(0)
    return torch.cat([prompts, torch.stack(new, dim=1)], dim=1)


def rungs(model: GPT, batch: int) -> dict[str, Callable[[Tensor, int], Tensor]]:
    """Give each rung that this machine has, by what it changes."""
    found: dict[str, Callable[[Tensor, int], Tensor]] = {"float32, by columns": partial(by_kit, model)}
    if batch == 1:
        found["drafts by lookup"] = partial(by_drafts, model)
    for name, copied in (("bfloat16", bfloat16_copy), ("int8", int8_copy)):
        if name in narrow_formats():
            narrow = copied(model)
            found[name] = partial(by_kit, narrow)
            if batch == 1:
                found[f"{name}, drafts by lookup"] = partial(by_drafts, narrow)
    if shutil.which("g++") or shutil.which("clang++"):
        found["compiled step"] = partial(by_rows, Rows(model, n_rows=batch, n_tokens=64, compiled="inductor"))
    return found


def ladder() -> Table:
    name, size = list(SIZES.items())[-1]
    ours, theirs = models(size)
    *_, vocab, n_tokens, n_turns = size
    cells: list[tuple[str, ...]] = []
    unchanged, best = 0.0, 0.0
    for batch in (1, 4, 8):
        prompts = torch.randint(vocab, (batch, N_PROMPT), generator=torch.Generator().manual_seed(0))
        found = rungs(ours, batch)
        ways = [partial(way, prompts, n_tokens) for way in found.values()]
        texts, seconds = take_turns([partial(by_transformers, theirs, prompts, n_tokens), *ways], n_turns)
        for rung, text, taken in zip(["transformers, float32", *found], texts, seconds, strict=True):
            equal = float((text == texts[0])[:, N_PROMPT:].float().mean())
            ratio = seconds[0] / taken
            if rung in found:
                best, unchanged = max(best, ratio), max(unchanged, ratio if equal == 1 else 0.0)
            speed = f"{batch * n_tokens / taken:,.1f}"
            cells.append((f"batch {batch}: {rung}", speed, f"{equal:.0%}", f"{ratio:.2f}"))
    rows: list[tuple[Sequence[str], Bar | None]] = [(each, None) for each in cells]
    rows += [
        (("best with the same greedy text", "", "100%", f"{unchanged:.2f}"), at_least(unchanged, UNCHANGED_BAR)),
        (("best of all", "", "", f"{best:.2f}"), at_least(best, BEST_BAR)),
    ]
    if not any("compiled" in each[0] for each in cells):
        rows.append((("compiled step", "left out: there is no C++ compiler", "", ""), None))
    return Table(
        title=f"The ladder, tokens a CPU-second: {name}",
        columns=("", "tokens", "equal tokens", "kit / transformers"),
        rows=rows,
    )


def tables() -> Iterator[Table]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    try:
        yield with_and_without_cache()
        yield against_transformers()
        yield ladder()
    finally:
        torch.set_num_threads(n_threads)


if __name__ == "__main__":
    for table in tables():
        print(table)
