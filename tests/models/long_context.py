"""Time and memory of one attention layer, forward and backward, as the text grows.

    python -m tests.models.long_context

Three ways: the formula, which holds a score for every pair of tokens; torch's fused kernel, which
computes them all and holds none; the sliding window, which computes those within reach. Times are
CPU seconds; ratios are medians of pairs taken in turn. Bytes are all that torch's allocator handed
out, inside of kernels too, at the moment when most was alive, as its profiler saw it; inputs, made
before, do not count.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from kit.blocks.attention import attention, plain_attention
from kit.blocks.sliding_window import window_attention

WINDOW, N_HEADS, D_HEAD, TURNS = 64, 4, 32, 5
WAYS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "formula": plain_attention,
    "fused": attention,
    "window": lambda q, k, v: window_attention(q, k, v, window=WINDOW),
}


def there_and_back(attend: Callable[[Tensor, Tensor, Tensor], Tensor], n_tokens: int) -> Callable[[], None]:
    """Give a function that attends once, and computes the gradients."""
    q, k, v = (torch.randn(1, N_HEADS, n_tokens, D_HEAD, requires_grad=True) for _ in range(3))
    return lambda: attend(q, k, v).sum().backward()


def peak_bytes(work: Callable[[], None]) -> int:
    """Count the most bytes that are alive at once while `work` runs."""
    work()  # the gradients of the inputs are made here, and only added to below
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    results = record.profiler.kineto_results if record.profiler else None
    assert results is not None
    events = sorted((e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]")
    now = most = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


def cpu_seconds(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    print(f"one layer, batch 1, {N_HEADS} heads of {D_HEAD}, window {WINDOW} on either side, {TURNS} turns")
    print(f"{'tokens':>6}  {'time: formula / window':>22}  {'fused / window':>14}", end="")
    print("".join(f"  {f'MB: {way}':>11}" for way in WAYS) + f"  {'formula / window':>16}")
    bytes_at: dict[int, dict[str, int]] = {}
    seconds_at: dict[int, dict[str, float]] = {}
    for n_tokens in (512, 1024, 2048, 4096):
        works = {way: there_and_back(attend, n_tokens) for way, attend in WAYS.items()}
        bytes_at[n_tokens] = {way: peak_bytes(work) for way, work in works.items()}
        turns = [{way: cpu_seconds(work) for way, work in works.items()} for _ in range(TURNS)]
        seconds_at[n_tokens] = {way: statistics.median(turn[way] for turn in turns) for way in WAYS}
        ratios = [statistics.median(turn[way] / turn["window"] for turn in turns) for way in ("formula", "fused")]
        print(f"{n_tokens:6}  {ratios[0]:22.1f}  {ratios[1]:14.1f}", end="")
        print("".join(f"  {bytes_at[n_tokens][way] / 1e6:11.1f}" for way in WAYS), end="")
        print(f"  {bytes_at[n_tokens]['formula'] / bytes_at[n_tokens]['window']:16.1f}")
    for way in WAYS:
        seconds, held = (table[4096][way] / table[512][way] for table in (seconds_at, bytes_at))
        print(f"8 times the tokens, {way}: {seconds:.1f} times the time, {held:.1f} times the bytes")
