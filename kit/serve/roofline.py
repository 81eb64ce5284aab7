"""The roofline: how long a step must take, from what it reads and what it computes, and what its tokens cost.

    bytes    weights + rows · context · KV bytes a token        each is read once a step
    FLOPs    rows · (2 · weights + 4 · layers · inner · context)
    seconds  = max(bytes / bandwidth, FLOPs / peak)             whichever takes longer
    price of a million tokens = price an hour / (3600 · tokens a second) · 10⁶

A step of one row does two operations for each weight that it reads. A processor could do many more in the time of
the reading, so more rows cost nearly nothing, until the operations take as long: there is the ridge.

Source: Williams, Waterman & Patterson (2009), Communications of the ACM 52, 65-76, for the roofline.

Taught in: 26
"""

import math
import time
from dataclasses import dataclass

import torch

from kit.arguments import count, instance, one_of, real
from kit.blocks.cost import LayerShape
from kit.machine import DTYPES, matmul_speed, profile
from kit.train.budget import Sizes

MILLION = 1e6


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a device can do at most.

    Args:
        bandwidth: bytes a second from its memory.
        flops: operations a second.
        memory: bytes that it has.

    Raises:
        TypeError, ValueError: if a number is not above 0.
    """

    name: str
    bandwidth: float
    flops: float
    memory: float

    def __post_init__(self) -> None:
        """Refuse what is no machine."""
        instance("name", self.name, str)
        real("bandwidth", self.bandwidth, above=0)
        real("flops", self.flops, above=0)
        if self.memory != math.inf:
            real("memory", self.memory, above=0)

    @property
    def ridge(self) -> float:
        """Give the operations a byte at which reading and computing take as long."""
        return self.flops / self.bandwidth


SOLD = {
    # NVIDIA's data sheets: bytes a second, dense operations a second in bfloat16 (float16 for the T4), and bytes
    "T4": Machine(name="T4", bandwidth=320e9, flops=65e12, memory=16e9),
    "A100 80GB": Machine(name="A100 80GB", bandwidth=2.039e12, flops=312e12, memory=80e9),
    "H100 SXM": Machine(name="H100 SXM", bandwidth=3.35e12, flops=989e12, memory=80e9),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """The bill of one step of decoding: every row reads a token, and gets one."""

    weight_bytes: float
    cache_bytes: float
    flops: float
    n_rows: int

    @property
    def bytes(self) -> float:
        """Add up what is read."""
        return self.weight_bytes + self.cache_bytes

    @property
    def intensity(self) -> float:
        """Give the operations a byte."""
        return self.flops / self.bytes

    def fits(self, machine: Machine) -> bool:
        """Tell whether weights and caches have room in its memory.

        Raises:
            TypeError: if `machine` is no Machine.
        """
        instance("machine", machine, Machine)
        return self.bytes <= machine.memory

    def seconds(self, machine: Machine) -> float:
        """Give the time that a step must take, whichever of the two takes longer.

        Raises:
            TypeError: if `machine` is no Machine.
        """
        instance("machine", machine, Machine)
        return max(self.bytes / machine.bandwidth, self.flops / machine.flops)

    def tokens_per_second(self, machine: Machine) -> float:
        """Give the most tokens a second, of all rows together.

        Raises:
            TypeError: if `machine` is no Machine.
        """
        return self.n_rows / self.seconds(machine)


def cache_bytes(config: Sizes, *, n_rows: int, context: int, bytes_each: float = 4) -> float:
    """Count the bytes of the keys and values of some rows.

        2 · n_layers · n_heads · d_head · context · bytes, for each row

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range.

    Oracle: the tensors of a filled cache.
    """
    instance("config", config, Sizes)
    layer, n_rows, context = _layer(config), count("n_rows", n_rows), count("context", context)
    return n_rows * config.n_layers * layer.cache_bytes(context, bytes_each=real("bytes_each", bytes_each, above=0))


def decode_step(
    config: Sizes, *, n_rows: int, context: int, weight_bytes_each: float = 4, cache_bytes_each: float = 4
) -> Step:
    """Reckon a step of decoding for rows that each have seen `context` tokens, the newest included.

    Args:
        weight_bytes_each: 4 in float32, 2 in bfloat16, 1 in int8.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range.

    Oracle: torch.utils.flop_counter.FlopCounterMode, for the operations.
    """
    cached = cache_bytes(config, n_rows=n_rows, context=context, bytes_each=cache_bytes_each)
    layer = _layer(config)
    n_weights = config.n_layers * layer.n_weights + config.vocab_size * config.d_model
    per_row = 2 * n_weights + config.n_layers * layer.pair_flops(context)
    return Step(
        weight_bytes=n_weights * real("weight_bytes_each", weight_bytes_each, above=0),
        cache_bytes=cached,
        flops=float(n_rows * per_row),
        n_rows=n_rows,
    )


def memory_bandwidth(*, megabytes: int = 256, repeats: int = 25) -> float:
    """Measure how fast this machine reads memory: bytes a second, the best of some sums over a large array.

    Args:
        megabytes: of the array; well beyond every cache of the processor.

    Raises:
        TypeError, ValueError: if a number is not a whole one above 0.
    """
    n, repeats = count("megabytes", megabytes) * 250_000, count("repeats", repeats)
    array = torch.ones(n, device=profile().device)
    best = float("inf")
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        array.sum().item()
        best = min(best, time.perf_counter() - begin)
    return 4 * n / best


def this_machine(dtype: str = "float32") -> Machine:
    """Measure this machine's bandwidth, and its speed at products of large matrices.

    Raises:
        ValueError: if `dtype` is not float32, bfloat16 or float16.
    """
    one_of("dtype", dtype, DTYPES)
    here = profile()
    memory = 1e9 * here.memory_gb or math.inf  # where the system does not say, nothing is left out for it
    return Machine(name=here.name, bandwidth=memory_bandwidth(), flops=1e9 * matmul_speed(dtype), memory=memory)


def cost_per_million(price_per_hour: float, tokens_per_second: float) -> float:
    """Give the price of a million tokens, in the unit of the price.

    Raises:
        TypeError, ValueError: if a number is not above 0.

    >>> cost_per_million(3.6, 1000.0)
    1.0
    """
    price = real("price_per_hour", price_per_hour, above=0)
    return price / (3600 * real("tokens_per_second", tokens_per_second, above=0)) * MILLION


def served_speed(step_seconds: float, prompt_seconds: float, *, n_rows: int, n_tokens: int) -> float:
    """Reckon the tokens a second of a server whose rows are always full.

        rows · tokens / (rows · prompt_seconds + (tokens - 1) · step_seconds)

    While one prompt is read, all rows wait; its last product already gives the first token.

    Args:
        step_seconds: of a step with all rows; prompt_seconds: of reading one prompt alone.
        n_tokens: that a request asks for.

    Raises:
        TypeError, ValueError: if a number is out of range.

    >>> served_speed(0.1, 0.1, n_rows=1, n_tokens=10)
    10.0
    """
    step, prompt = real("step_seconds", step_seconds, above=0), real("prompt_seconds", prompt_seconds, above=0)
    n_rows, n_tokens = count("n_rows", n_rows), count("n_tokens", n_tokens)
    return n_rows * n_tokens / (n_rows * prompt + (n_tokens - 1) * step)


def _layer(config: Sizes) -> LayerShape:
    heads = config.n_heads
    return LayerShape(
        d_model=config.d_model, n_heads=heads, d_head=config.head_width, n_kv_heads=heads, d_ff=config.ff_width
    )
