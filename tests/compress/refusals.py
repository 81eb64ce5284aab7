"""Of every public function of kit.compress, every argument: one value that it takes, and those that it refuses."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from kit.compress import distill, int8, outlier, prune, quantize, share, size
from kit.models.bert import BERT, BERTConfig
from kit.models.gpt import GPT, GPTConfig
from tests.learn.refusals import ABOVE_0, AT_LEAST_1, COUNT, KEPT, SHARE

SIZES = {"vocab_size": 11, "n_positions": 8, "n_layers": 2, "n_heads": 2, "d_model": 4, "dropout": 0.0}
BERT_OF_TWO, GPT_OF_TWO = BERT(BERTConfig(**SIZES)), GPT(GPTConfig(**SIZES))
UNEVEN = GPT(GPTConfig(**SIZES))
UNEVEN.blocks[1] = GPT(GPTConfig(**SIZES | {"d_ff": 5})).blocks[0]

MODEL, NOT_MODEL = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), [None, "net", 3]
LAYER, AFTER = nn.Linear(3, 4), nn.Linear(4, 2)
NOT_LAYER = [None, "net", nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2)]
X, EMPTY = torch.tensor([[1.0, -2.0], [0.5, 4.0]]), torch.ones(0, 2)
NOT_REAL = [None, "ten", [1.0], X.int()]
BITS = (8, [*COUNT, 1, 9])
SCALE = (torch.ones(2, 1), [*NOT_REAL, torch.ones(3), torch.ones(1, 2, 2)])
BYTES = torch.tensor([[1, -2], [3, 4]], dtype=torch.int8)
NOT_INT8 = [None, "ten", X, X.int()]
MASK = {"0.weight": torch.ones(4, 3, dtype=torch.bool)}
MASKS = [
    None,
    "mask",
    [MASK],
    {"9.weight": torch.ones(4, 3, dtype=torch.bool)},
    {"0.weight": torch.ones(4, 3)},
    {"0.weight": torch.ones(3, 4, dtype=torch.bool)},
]
LOGITS, TARGETS = torch.zeros(2, 3), torch.tensor([0, 2])
ANSWERS = {
    "logits": (LOGITS, [None, "ten", LOGITS.int()]),
    "teacher_logits": (LOGITS, [None, "ten", LOGITS.int(), torch.zeros(2, 4), torch.zeros(1, 3)]),
    "temperature": (2.0, ABOVE_0),
}
RANGES = {"0": torch.ones(3), "2": torch.ones(4)}

ARGUMENTS: dict[Callable, dict[str, tuple[Any, list]]] = {
    prune.matrices: {"model": (MODEL, NOT_MODEL)},
    prune.magnitude_mask: {"weight": (X, NOT_REAL), "share": (0.5, SHARE)},
    prune.global_masks: {"weights": ({"a": X}, [None, "ten", X, {}, {"a": X.int()}]), "share": (0.5, SHARE)},
    prune.masks_kept: {"model": (MODEL, NOT_MODEL), "masks": (MASK, MASKS)},
    prune.unit_norms: {"layer": (LAYER, NOT_LAYER)},
    prune.strongest: {
        "norms": (torch.tensor([1.0, 2.0]), [None, "ten", [1.0], X, torch.tensor([1, 2])]),
        "n": (1, [*AT_LEAST_1, 3]),
    },
    prune.cut_units: {
        "layer": (LAYER, NOT_LAYER),
        "after": (AFTER, [*NOT_LAYER, nn.Linear(5, 2), nn.Linear(8, 2)]),
        "kept": (
            torch.tensor([0, 2]),
            [None, "ten", [0], torch.ones(2), *map(torch.tensor, ([[0]], [2, 0], [1, 1], [-1, 0], [0, 4]))],
        ),
    },
    size.stored_bytes: {
        "n": (10, COUNT),
        "n_kept": (5, [*COUNT, 11]),
        "bits": (8, AT_LEAST_1),
        "how": ("index", ["zip", None, 3]),
    },
    size.sizes: {"model": (MODEL, NOT_MODEL)},
    size.tensors: {"model": (MODEL, NOT_MODEL)},
    size.raw_bytes: {"model": (MODEL, NOT_MODEL)},
    quantize.top: {"bits": BITS},
    quantize.scales: {"x": (X, [*NOT_REAL, EMPTY]), "bits": BITS, "axis": (0, ["ten", 1.5, 2, -3])},
    quantize.quantize: {"x": (X, NOT_REAL), "scale": SCALE, "bits": BITS},
    quantize.dequantize: {"values": (BYTES, NOT_INT8), "scale": SCALE},
    quantize.pack_int4: {"values": (BYTES, [*NOT_INT8, BYTES[:, :1], BYTES[0, 0], BYTES + 4, BYTES - 9])},
    quantize.unpack_int4: {
        "packed": (BYTES.view(torch.uint8), [None, "ten", BYTES, torch.tensor(3, dtype=torch.uint8)])
    },
    quantize.quantize_groups: {"weight": (X, [*NOT_REAL, X[0], EMPTY]), "group": (2, [*AT_LEAST_1, 3])},
    int8.calibrate: {
        "model": (MODEL, [*NOT_MODEL, nn.ReLU()]),
        "batches": ([torch.ones(2, 3)], [None, "ten", 3, []]),
    },
    int8.quantize_layers: {
        "model": (MODEL, [*NOT_MODEL, LAYER]),
        "ranges": (RANGES, ["ten", 3, {"9": torch.ones(3)}, {"1": torch.ones(4)}]),
        "weights": ("channel", ["row", None]),
        "inputs": ("tensor", ["row", None]),
    },
    int8.Int8Embedding: {
        "values": (BYTES, [*NOT_INT8, BYTES[0]]),
        "scale": (torch.ones(2, 1), [None, "ten", [1.0], X.int()]),
    },
    outlier.plant_outlier: {
        "before": (nn.Linear(3, 4), [None, "net", nn.ReLU()]),
        "after": (nn.Linear(4, 2), [None, "net", nn.ReLU(), nn.Linear(5, 2)]),
        "unit": (1, [*COUNT, 4]),
        "factor": (100.0, ABOVE_0),
    },
    distill.soft_loss: ANSWERS,
    distill.distillation_loss: ANSWERS
    | {
        "targets": (TARGETS, [None, "ten", LOGITS[:, 0], TARGETS[:1], torch.tensor([-100, -100])]),
        "weight": (0.5, SHARE),
    },
    distill.by_answers: {"temperature": (2.0, ABOVE_0), "weight": (0.5, SHARE)},
    distill.taught_by: {"teacher": (MODEL, NOT_MODEL), "temperature": (2.0, ABOVE_0), "weight": (0.5, SHARE)},
    distill.smoothed: {"smoothing": (0.1, KEPT)},
    share.share_layers: {"model": (GPT_OF_TWO, [*NOT_MODEL, MODEL, UNEVEN])},
    share.factorize_embeddings: {
        "model": (BERT_OF_TWO, [*NOT_MODEL, MODEL, GPT_OF_TWO]),
        "d_embedding": (2, AT_LEAST_1),
    },
}
CARRIERS: set[Callable] = {size.Sizes, quantize.Grouped, int8.Int8Linear, int8.Int8Conv2d}
