"""The bill of a training step: where its bytes are and where its operations, reckoned from a GPT's configuration.

    weights       4 bytes a parameter, in mixed precision too
    gradients     4
    optimiser     8      Adam's two means
    copies        2      of the weights of linear layers, in 16 bits, while a step needs them
    activations          what the forward pass keeps for the backward pass; they grow with the batch

`kit.train.measured` takes a step and counts.

Source: Rajbhandari et al. (2019), arXiv:1910.02054, section 3, for the parts; Korthikanti et al.
(2022), arXiv:2205.05198, section 4, for the activations; Chowdhery et al. (2022),
arXiv:2204.02311, appendix B, for the operations.

Taught in: 22 23
"""

from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

from kit.arguments import count, instance, one_of
from kit.blocks.cost import LayerShape
from kit.train.amp import FORMATS

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
