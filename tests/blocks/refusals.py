"""Of every public function of kit.blocks, every argument: one value that it takes, and those that it refuses."""

import torch
from torch import nn

from kit.blocks import (
    attention,
    convolution,
    cost,
    feedforward,
    initialisation,
    modes,
    norms,
    patterns,
    positions,
    sliding_window,
)
from tests.learn.refusals import ABOVE_0, AT_LEAST_0, AT_LEAST_1, COUNT, FUNCTION, KEPT

REAL = ["ten", None, 3, [1.0], torch.tensor([1]), torch.tensor([True])]
WHOLE = ["ten", None, 3, [1], torch.tensor([1.0]), torch.tensor([True])]
FLAGS = ["ten", 3, [[True]], torch.ones(3, 3)]
X, ROW = torch.ones(2, 3, 4), torch.ones(4)
Q, KV = torch.ones(2, 4, 3, 6), torch.ones(2, 2, 3, 6)
HEADS = [*REAL, torch.ones(2, 3, 6)]
UNLIKE_Q = [torch.ones(2, 3, 3, 6), torch.ones(2, 0, 3, 6), torch.ones(2, 8, 3, 6), torch.ones(1, 2, 3, 6)]
UNLIKE_K = [torch.ones(2, 2, 4, 6), torch.ones(2, 4, 3, 6), torch.ones(1, 2, 3, 6)]
FITS_NOT = [(4, 3), (3, 4), (1, 1, 1, 3, 3), (3, 1, 3, 3), (3,)]
POSITIONS = torch.arange(3)
TURNS = {"width": (4, [*AT_LEAST_1, 1, 3]), "base": (1e4, [*ABOVE_0, 1.0])}
LOOK = {
    "q": (Q, HEADS),
    "k": (KV, [*HEADS, *UNLIKE_Q, torch.ones(2, 2, 3, 5)]),
    "mask": (None, [*FLAGS, *(torch.ones(shape) > 0 for shape in FITS_NOT)]),
    "bias": (None, ["ten", 3, torch.ones(3, 3).int(), *(torch.ones(shape) for shape in FITS_NOT)]),
    "scale": (None, ["ten", [1.0], float("nan"), float("inf"), True, 0, -1]),
}
MOVE = {**LOOK, "v": (KV, [*HEADS, *UNLIKE_K])}
GATED = {"gate": (X, [*REAL, ROW]), "up": (X, REAL)}


LAYER = {"d_model": 4, "n_heads": 2, "d_head": 2, "n_kv_heads": 2, "d_ff": 16, "n_matrices": 2, "n_products": 2}
SHAPE = cost.LayerShape(**LAYER)
BYTES_EACH = {"bytes_each": (2, ABOVE_0)}
MASK = torch.ones(3, 3, dtype=torch.bool)
IMAGES, KERNELS = torch.rand(2, 4, 5, 6), torch.ones(2, 4, 3, 3)
NO_IMAGES = [*REAL, IMAGES[0]]
SPREAD = {"stride": (1, AT_LEAST_1), "padding": (0, COUNT), "dilation": (1, AT_LEAST_1)}
OPTIONAL_AT_LEAST_1 = [bad for bad in AT_LEAST_1 if bad is not None]


def filled() -> attention.KVCache:
    """Make a cache of three tokens, one of them taken."""
    cache = attention.KVCache(3)
    cache.append(KV[:, :, :1], KV[:, :, :1])
    return cache


def keep(model: object) -> None:
    """Enter and leave."""
    with modes.modes_kept(model):  # type: ignore
        pass


ARGUMENTS = {
    modes.modes_kept: {"model": (nn.Linear(2, 2), [])},
    keep: {"model": (nn.Linear(2, 2), ["ten", None, X])},
    attention.attention_weights: LOOK,
    attention.plain_attention: MOVE,
    attention.attention: {**MOVE, "causal": (False, []), "dropout": (0.1, KEPT)},
    attention.causal_mask: {"n_queries": (2, AT_LEAST_1), "n_keys": (3, ["ten", 1.5, 1]), "device": ("cpu", [])},
    attention.window_mask: {"n_tokens": (2, AT_LEAST_1), "window": (1, COUNT), "device": ("cpu", [])},
    attention.padding_mask: {"present": (torch.ones(2, 3) > 0, [*FLAGS, None, torch.ones(3) > 0])},
    attention.document_mask: {
        "numbers": (torch.ones(2, 3).int(), [*WHOLE, POSITIONS]),
        "keys": (torch.ones(2, 4).int(), ["ten", torch.ones(2, 4), POSITIONS, torch.ones(3, 4).int()]),
        "causal": (False, []),
    },
    attention.padding_and_document_mask: {
        "ids": (torch.ones(2, 3).int(), ["ten", None, 3, [1]]),
        "present": (None, [*FLAGS, torch.ones(3) > 0, torch.zeros(2, 3) > 0]),
        "documents": (None, [*WHOLE[:1], *WHOLE[2:], POSITIONS, -torch.ones(2, 3).int()]),
        "from_start": (True, []),
    },
    attention.KVCache: {"n_tokens": (3, AT_LEAST_1)},
    filled().append: {
        "k": (KV[:, :, :0], [*HEADS, torch.ones(2, 2, 0, 5)]),
        "v": (KV[:, :, :0], [*HEADS, KV[:, :, :1], torch.ones(2, 2, 0, 5)]),
    },
    filled().keep: {"n_tokens": (1, [*COUNT, 2])},
    convolution.unfold: {
        "x": (IMAGES, NO_IMAGES),
        "kernel": ((3, 3), ["ten", None, 3, (3,), (3, 0), (3, 1.5), (9, 3)]),
        **SPREAD,
        "fill": (0.0, []),
    },
    convolution.conv2d: {
        "x": (IMAGES, NO_IMAGES),
        "kernels": (KERNELS, [*REAL, KERNELS[0], KERNELS[:, :1], torch.ones(2, 4, 9, 3)]),
        "bias": (None, ["ten", 3, torch.ones(3), torch.ones(2).int()]),
        **SPREAD,
        "groups": (1, [*AT_LEAST_1, 3]),
    },
    convolution.max_pool2d: {
        "x": (IMAGES, NO_IMAGES),
        "kernel": (2, [*AT_LEAST_1, 9]),
        "stride": (None, OPTIONAL_AT_LEAST_1),
        "padding": (0, COUNT),
    },
    convolution.avg_pool2d: {
        "x": (IMAGES, NO_IMAGES),
        "kernel": (2, [*AT_LEAST_1, 9]),
        "stride": (None, OPTIONAL_AT_LEAST_1),
    },
    convolution.blur_pool2d: {"x": (IMAGES, NO_IMAGES), "stride": (2, AT_LEAST_1)},
    convolution.pixels_seen: {
        "layers": (lambda x: x[:, :, ::2, ::2], FUNCTION),
        "x": (IMAGES, REAL),
        "row": (1, [*COUNT, 3]),
        "column": (2, [*COUNT, 3]),
    },
    feedforward.relu: {"x": (X, REAL)},
    cost.LayerShape: {name: (value, AT_LEAST_1) for name, value in LAYER.items()},
    SHAPE.matrix_flops: {"n_tokens": (3, AT_LEAST_1)},
    SHAPE.pair_flops: {"n_pairs": (3, AT_LEAST_1)},
    SHAPE.score_bytes: {"n_pairs": (3, AT_LEAST_1), **BYTES_EACH},
    SHAPE.cache_bytes: {"n_tokens": (3, AT_LEAST_1), **BYTES_EACH},
    patterns.Pattern: {
        "direction": ("all", ["both", 3, None]),
        **{name: (1, COUNT) for name in ("prefix", "n_global", "n_padding")},
        **{name: (1, AT_LEAST_1) for name in ("segment", "n_documents")},
        "window": (None, [bad for bad in COUNT if bad is not None]),
    },
    patterns.Pattern().mask: {"n_tokens": (3, AT_LEAST_1)},
    patterns.Pattern().n_pairs: {"n_tokens": (3, AT_LEAST_1)},
    patterns.receptive_field: {"mask": (MASK, ["ten", 3, None, MASK[:2], MASK[0]]), "n_layers": (2, AT_LEAST_1)},
    feedforward.gelu: {"x": (X, REAL)},
    feedforward.gelu_tanh: {"x": (X, REAL)},
    feedforward.swiglu: GATED,
    feedforward.geglu: GATED,
    initialisation.init_normal: {"model": (nn.Linear(2, 2), ["ten", None, X]), "std": (0.02, ABOVE_0)},
    initialisation.init_he: {"model": (nn.Linear(2, 2), ["ten", None, X]), "generator": (None, ["ten", 0])},
    initialisation.init_linear: {
        "model": (nn.Linear(2, 2), ["ten", None, X]),
        "scheme": ("He", ["Kaiming", None, 3]),
        "gain": (1.0, AT_LEAST_0),
        "generator": (None, []),
    },
    initialisation.init_gaussian: {
        "model": (nn.Linear(2, 2), ["ten", None, X]),
        "weight_variance": (1.0, AT_LEAST_0),
        "bias_variance": (0.1, AT_LEAST_0),
        "generator": (None, []),
    },
    initialisation.scale_residual_weights: {
        "layers": (nn.Linear(2, 2), ["ten", None, nn.LayerNorm(2)]),
        "n_residuals": (2, AT_LEAST_1),
    },
    norms.layer_norm: {
        "x": (X, REAL),
        "gain": (ROW, [*REAL, torch.ones(1), torch.ones(3, 4)]),
        "bias": (ROW, [*REAL, torch.ones(1), torch.ones(3, 4)]),
        "eps": (1e-5, AT_LEAST_0),
    },
    norms.BatchNorm: {
        "n_features": (4, AT_LEAST_1),
        "eps": (1e-5, AT_LEAST_0),
        "momentum": (0.1, [*AT_LEAST_0, 1.5]),
    },
    norms.BatchNorm(4).forward: {"x": (X[:, 0], [*REAL, ROW, torch.ones(2, 3), torch.ones(1, 4)])},
    norms.rms_norm: {
        "x": (X, REAL),
        "gain": (ROW, [*REAL, torch.ones(1), torch.ones(3, 4)]),
        "eps": (1e-5, AT_LEAST_0),
    },
    positions.sinusoidal: {"positions": (POSITIONS, [*WHOLE, POSITIONS[0]]), **TURNS},
    positions.rotary_angles: {"positions": (POSITIONS, [*WHOLE, POSITIONS[0]]), **TURNS},
    positions.rotate: {
        "x": (X, [*REAL, ROW]),
        "angles": (
            torch.ones(3, 2),
            [*REAL, torch.ones(3, 4), torch.ones(4, 2), torch.ones(5, 3, 2), torch.ones(1, 1, 3, 2)],
        ),
    },
    positions.relative_buckets: {
        "distances": (POSITIONS, WHOLE),
        "bidirectional": (True, []),
        "n_buckets": (32, [*COUNT, 3]),
        "max_distance": (128, [*COUNT, 8]),  # of 16 buckets for either side, 8 hold one distance each
    },
    sliding_window.window_attention: {
        "q": (Q, HEADS),
        "k": (Q, [*HEADS, KV]),
        "v": (Q, [*HEADS, KV]),
        "window": (1, COUNT),
        "present": (None, [*FLAGS, torch.ones(2, 4) > 0]),
        "is_global": (None, [*FLAGS, torch.ones(2, 4) > 0]),
        "documents": (None, ["ten", torch.ones(2, 3), torch.ones(2, 4).int()]),
        "dropout": (0.1, KEPT),
    },
    sliding_window.global_indices: {"is_global": (torch.ones(2, 3) > 0, [*FLAGS, None, torch.ones(3) > 0])},
    positions.relative_shift: {"scores": (Q, [*REAL, X])},
}
CARRIERS: set = set()
