"""The bill of a training step: where its bytes are and where its operations, reckoned and measured.

    weights       4 bytes a parameter, in mixed precision too
    gradients     4
    optimiser     8      Adam's two means
    copies        2      of the weights of linear layers, in 16 bits, while a step needs them
    activations          what the forward pass keeps for the backward pass; they grow with the batch

`training_bytes` and `training_flops` reckon from a GPT's configuration alone. `measure_bytes` takes
a step of any model and counts each tensor that it makes. `checkpointed` keeps only the inputs of a
model's blocks, and computes the rest a second time.

Source: Rajbhandari et al. (2019), arXiv:1910.02054, section 3, for the parts; Korthikanti et al.
(2022), arXiv:2205.05198, section 4, for the activations; Chowdhery et al. (2022),
arXiv:2204.02311, appendix B, for the operations; Chen et al. (2016), arXiv:1604.06174, for
checkpointing.

Taught in: 22
"""

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from kit.arguments import count, function, instance, one_of
from kit.blocks.cost import LayerShape
from kit.blocks.modes import modes_kept
from kit.train.amp import FORMATS, Precision
from kit.train.batches import Batch
from kit.train.loop import backward
from kit.train.objectives import Loss

ADAM_BYTES = 8  # two float32 numbers a parameter


@runtime_checkable
class Sizes(Protocol):
    """The sizes of a GPT, under the names of `kit.models.gpt.GPTConfig`."""

    @property
    def vocab_size(self) -> int: ...
    @property
    def n_positions(self) -> int: ...
    @property
    def n_layers(self) -> int: ...
    @property
    def n_heads(self) -> int: ...
    @property
    def d_model(self) -> int: ...
    @property
    def head_width(self) -> int: ...
    @property
    def ff_width(self) -> int: ...
    @property
    def post_norm(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class MemoryBreakdown:
    """The bytes of a training step, in parts.

    Args:
        copies: of weights, in 16 bits.
        activations: kept from the forward pass for the backward pass.
        temporary: anything else.
    """

    weights: int
    gradients: int
    optimizer: int
    copies: int
    activations: int
    temporary: int = 0

    @property
    def total(self) -> int:
        """Add the parts."""
        return sum(getattr(self, part.name) for part in fields(self))


def training_bytes(
    config: Sizes, *, batch_size: int, time: int, dtype: str = "float32", checkpoint_blocks: bool = False
) -> MemoryBreakdown:
    """Reckon the bytes of a GPT's training step by Adam.

    With b rows of t tokens, width d, heads of inner width i in all, feed-forward width f, and s
    bytes a number of the format, each block keeps

        bytes = b t [ 8 d + s (2 d + 4 i + 2 f) ] + 16 b t + 4 b t n_heads

    of which 8 d are its two residual sums, which stay float32; 2 d + 4 i + 2 f the outputs of two
    norms, of queries, keys and values, of attention, and of the feed-forward layer before and
    after its GELU; the rest the norms' means and attention's sums. After the blocks come the last
    norm and, the largest part in a small model, the logarithms of all chances: 4 b t vocab_size.

    Args:
        time: tokens a row.
        dtype: of matrix products: "float32", "bfloat16" or "float16".
        checkpoint_blocks: as with `checkpointed`: a block keeps its input alone.

    Returns:
        Each part at its largest. Not all are so at once: the gradients come as activations go.

    Raises:
        TypeError, ValueError: if a size is not a whole number above 0, `time` is more than there
            are positions for, or `dtype` is no format.

    Numerics: the loss is taken in float32, as `token_loss` does, attention is torch's fused
    kernel, and there is no dropout, whose masks would come on top.
    Oracle: `measure_bytes`.
    """
    t, b = _time(config, time), count("batch_size", batch_size)
    narrow = {"float32": 4}.get(one_of("dtype", dtype, FORMATS), 2)
    d, inner, ff = config.d_model, config.n_heads * config.head_width, config.ff_width
    n_parameters = _n_parameters(config)
    kept = 4 * d if checkpoint_blocks else 8 * d + narrow * (2 * d + 4 * inner + 2 * ff) + 16 + 4 * config.n_heads
    last = narrow * d + (0 if config.post_norm else 4 * d + 8) + 4 * config.vocab_size + 8  # 8: the target itself
    copied = config.vocab_size * d + (0 if checkpoint_blocks else config.n_layers * _layer(config).n_weights)
    return MemoryBreakdown(
        weights=4 * n_parameters,
        gradients=4 * n_parameters,
        optimizer=ADAM_BYTES * n_parameters,
        copies=2 * copied if narrow == 2 else 0,
        activations=b * t * (config.n_layers * kept + last) + 8 * t,
    )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a training step held in memory.

    Args:
        parts: each part at its largest.
        peak: what was there at the moment when most was.
    """

    parts: MemoryBreakdown
    peak: MemoryBreakdown


def measure_bytes(
    model: nn.Module,
    loss: Loss,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    *,
    precision: Precision | None = None,
) -> Measured:
    """Take two training steps, and count every tensor that is alive in the second.

    The first step makes the optimiser's state. A tensor counts with its whole storage, once,
    however many views there are of it; what an allocator rounds up or keeps back does not count.

    Raises:
        TypeError: if an argument is of the wrong kind.

    Oracle: torch.cuda.max_memory_allocated, on a GPU.
    """
    _check(model, loss, precision)
    instance("optimizer", optimizer, torch.optim.Optimizer)
    format_of_step = precision.autocast if precision else nullcontext

    def forward() -> Tensor:
        with format_of_step():
            return loss(model, batch)

    with modes_kept(model):
        if not model.training:
            model.train()
        model.zero_grad()
        forward().backward()
        optimizer.step()
        model.zero_grad()
        weights = _storages([*model.parameters(), *model.buffers()])
        state = _storages(tree_leaves(list(optimizer.state.values())))
        with _Ledger(weights, {*weights, *state, *_storages(tree_leaves(batch))}) as ledger:
            value = forward()
            kept = set(ledger.alive)
            value.backward()
            gradients = ledger.of(p.grad for p in model.parameters() if p.grad is not None)
            optimizer.step()
        model.zero_grad()

    def bill(made: Iterable[int]) -> MemoryBreakdown:
        sizes = dict.fromkeys(("gradients", "copies", "activations", "temporary"), 0)
        for number in made:
            late = "activations" if number in kept else "temporary"
            kind = "gradients" if number in gradients else "copies" if number in ledger.copies else late
            sizes[kind] += ledger.sizes[number]
        return MemoryBreakdown(weights=sum(weights.values()), optimizer=sum(state.values()), **sizes)

    return Measured(parts=bill(kept | gradients), peak=bill(ledger.at_peak))


class _Ledger(TorchDispatchMode):
    """Number each storage that torch's operations make, and know which are alive."""

    def __init__(self, weights: Iterable[int], known: set[int]):
        super().__init__()
        self.weights, self.known = set(weights), known
        self.numbers: dict[int, int] = {}  # of each storage that is alive, by its address
        self.alive: set[int] = set()
        self.sizes: list[int] = []
        self.copies: set[int] = set()  # made from a weight by a change of format
        self.now = self.most = 0
        self.at_peak: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {_address(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and _address(tensor) not in given | self.known | self.numbers.keys():
                self._enter(tensor, copy=func is torch.ops.aten._to_copy.default and bool(given & self.weights))
        return result

    def of(self, tensors: Iterable[Tensor]) -> set[int]:
        """Give the numbers of some tensors' storages."""
        return {self.numbers[_address(tensor)] for tensor in tensors}

    def _enter(self, tensor: Tensor, *, copy: bool) -> None:
        storage, number = tensor.untyped_storage(), len(self.sizes)
        self.numbers[_address(tensor)] = number
        self.alive.add(number)
        self.sizes.append(storage.nbytes())
        self.now += storage.nbytes()
        if copy:
            self.copies.add(number)
        if self.now > self.most:
            self.most, self.at_peak = self.now, set(self.alive)
        weakref.finalize(storage, self._leave, _address(tensor), number)

    def _leave(self, address: int, number: int) -> None:
        if self.numbers.get(address) == number:  # else a new storage stands at the address of the old one
            del self.numbers[address]
        self.alive.discard(number)
        self.now -= self.sizes[number]


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _storages(tensors: Iterable[Any]) -> dict[int, int]:
    """Give the address and size of each storage, once."""
    return {_address(t): t.untyped_storage().nbytes() for t in tensors if isinstance(t, Tensor)}


@dataclass(frozen=True, kw_only=True)
class Flops:
    """The floating-point operations of a training step's matrix products; an addition is one, too.

    Args:
        linear: of linear layers, the head among them: 6 for each of their weights and tokens.
        attention: of queries by keys and weights by values, every key counted, hidden or not.
        recomputed: of what checkpointing computes a second time: a block's forward pass but for
            its last product, whose result the backward pass does not ask for.
    """

    linear: int
    attention: int
    recomputed: int = 0

    @property
    def model(self) -> int:
        """Add up what the model needs, however it is computed: the numerator of model-flops utilisation."""
        return self.linear + self.attention

    @property
    def total(self) -> int:
        """Add up what is computed."""
        return self.model + self.recomputed


def training_flops(config: Sizes, *, batch_size: int, time: int, checkpoint_blocks: bool = False) -> Flops:
    """Reckon the operations of a GPT's training step.

        linear     6 · tokens · (weights of linear layers, head included)
        attention  12 · tokens · n_layers · inner · time

    A product of a row with a matrix is a multiplication and an addition for each weight: 2. The
    backward pass makes two such products, with regard to inputs and to weights: 6 in all. With N
    weights and D tokens the first line is the rule of thumb 6 N D.

    Raises:
        TypeError, ValueError: as `training_bytes`.

    Source: Kaplan et al. (2020), arXiv:2001.08361, section 2.1; Chowdhery et al. (2022),
    arXiv:2204.02311, appendix B.
    Oracle: torch.utils.flop_counter.FlopCounterMode.
    """
    t, b, layer = _time(config, time), count("batch_size", batch_size), _layer(config)
    forward = config.n_layers * layer.matrix_flops(b * t)
    down = config.n_layers * 2 * b * t * layer.d_ff * layer.d_model
    attention = config.n_layers * layer.pair_flops(b * t * t)
    return Flops(
        linear=3 * (forward + 2 * b * t * config.vocab_size * config.d_model),
        attention=3 * attention,
        recomputed=forward - down + attention if checkpoint_blocks else 0,
    )


PEAK_FLOPS = {
    # name of the GPU: 10¹² operations a second in float32, TF32, and bfloat16 or float16, without sparsity
    "H200 NVL": (60, 418, 835),
    "H200": (67, 495, 989),
    "H100 NVL": (60, 418, 835),
    "H100 PCIe": (51, 378, 756),
    "H100": (67, 495, 989),
    "A100": (19.5, 156, 312),
    "L40S": (91.6, 183, 362),
    "L4": (30.3, 60, 121),
    "A10G": (31.2, 35, 70),
    "A10": (31.2, 62.5, 125),
    "V100": (15.7, None, 125),
    "T4": (8.1, None, 65),
    "RTX 4090": (82.6, 82.6, 165),
    "RTX 3090": (35.6, 35.6, 71),
}


def peak_flops(gpu: str, dtype: str) -> float | None:
    """Look up the most operations a second that a GPU is sold for; None where it is not in the list.

    Args:
        gpu: its name, as `torch.cuda.get_device_name` gives it.
        dtype: one of the three formats, or "TF32", float32 products rounded to 10 bits.

    Raises:
        TypeError: if `gpu` is no text.
        ValueError: if `dtype` is none of the four.

    Source: NVIDIA's data sheets of each GPU, dense figures: where a sheet prints the figure with
    sparsity, half of it.

    >>> peak_flops("NVIDIA A100-SXM4-40GB", "bfloat16")
    312000000000000.0
    """
    instance("gpu", gpu, str)
    column = {"float32": 0, "TF32": 1}.get(one_of("dtype", dtype, (*FORMATS, "TF32")), 2)
    words = set(gpu.replace("-", " ").split())
    for name, figures in PEAK_FLOPS.items():
        if set(name.split()) <= words and figures[column]:
            if dtype == "bfloat16" and figures[1] is None:
                return None  # older than bfloat16
            return figures[column] * 1e12
    return None


def measure_flops(model: nn.Module, loss: Loss, batch: Batch, *, precision: Precision | None = None) -> int:
    """Count the operations of one forward and backward pass, by asking each of torch's products.

    Attention is computed by the formula meanwhile: of the fused kernels torch counts some more
    than once, and those of a CPU not at all.

    Raises:
        TypeError: if an argument is of the wrong kind.
    """
    _check(model, loss, precision)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        backward(model, loss, batch, precision=precision)
    model.zero_grad()
    return counter.get_total_flops()


@contextmanager
def checkpointed(model: nn.Module) -> Iterator[None]:
    """Let a model's `blocks` keep their inputs alone; the backward pass computes the rest again.

        with checkpointed(model):
            fit(model, ...)

    The model does not know, and its weights keep their names. Gradients are those of the plain
    model to the bit, dropout included: torch draws its masks a second time from the same state.

    Raises:
        TypeError: if `model` is not a module.
        ValueError: if it has no `blocks`, or is checkpointed already.

    Source: Chen et al. (2016), arXiv:1604.06174.
    """
    instance("model", model, nn.Module)
    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.ModuleList) or not len(blocks):
        raise ValueError(f"model must have blocks, in a ModuleList, got {type(blocks).__name__}")
    if any("forward" in vars(block) for block in blocks):
        raise ValueError("model must not be checkpointed already, got blocks with a forward of their own")
    for block in blocks:
        block.forward = partial(_recompute, block.forward)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward  # the class's own is back in sight


def _recompute(forward: Callable, *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)


def _check(model: Any, loss: Any, precision: Any) -> None:
    instance("model", model, nn.Module)
    function("loss", loss)
    if precision is not None:
        instance("precision", precision, Precision)


def _time(config: Sizes, time: int) -> int:
    instance("config", config, Sizes)
    if count("time", time) > config.n_positions:
        raise ValueError(f"time must be <= n_positions, {config.n_positions}, got {time}")
    return time


def _layer(config: Sizes) -> LayerShape:
    """Give the widths of a block."""
    d, heads = config.d_model, config.n_heads
    return LayerShape(d_model=d, n_heads=heads, d_head=config.head_width, n_kv_heads=heads, d_ff=config.ff_width)


def _n_parameters(config: Sizes) -> int:
    d, inner = config.d_model, config.n_heads * config.head_width
    shifts_and_norms = 3 * inner + d + config.ff_width + d + 4 * d
    last_norm = 0 if config.post_norm else 2 * d
    blocks = config.n_layers * (_layer(config).n_weights + shifts_and_norms)
    return (config.vocab_size + config.n_positions) * d + blocks + last_norm
