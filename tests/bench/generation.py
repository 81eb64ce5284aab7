"""Tokens a second of kit's `generate` against that of transformers, with the same weights; and what the cache gains.

Greedy, both with a cache, on one thread. The two take turns, and CPU time counts. Where the weights
do not fit the processor's cache, both wait for memory at every token, and no code can be twice as fast:
hence a bar for each size. Kit's model is stored by columns, as `column_major` does once and as
transformers' GPT-2 is from the start.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, logging

from kit.models.gpt import GPT, GPTConfig
from kit.train.decoding import column_major, generate
from tests.bench.table import Table, at_least, median
from tests.bench.training_step import with_weights_of

N_PROMPT = 16
BARS = (2.0, 1.3, 1.0)  # kit's speed over that of transformers, for each of the sizes
SIZES = {  # layers, heads, width, vocabulary, tokens, turns
    "small: 4 layers, 128 wide": (4, 4, 128, 1000, 128, 5),
    "middle: 6 layers, 384 wide": (6, 6, 384, 4000, 48, 5),
    "GPT-2 small: 12 layers, 768 wide": (12, 12, 768, 50_257, 16, 3),
}
N_CACHED = 256


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


def tables() -> Iterator[Table]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    try:
        yield with_and_without_cache()
        yield against_transformers()
    finally:
        torch.set_num_threads(n_threads)


if __name__ == "__main__":
    for table in tables():
        print(table)
