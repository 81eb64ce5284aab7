"""Of every public function of kit.train, every argument: one value that it takes, and those that it refuses."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from kit.models.cnn import CNN, CNNConfig
from kit.models.gpt import GPTConfig
from kit.train import (
    activation_checkpointing,
    amp,
    batches,
    budget,
    checkpoint,
    decoding,
    layerwise,
    loop,
    lora,
    measured,
    monitor,
    objectives,
    pictures,
    underflow,
)
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_0, AT_LEAST_1, COUNT, FUNCTION, GENERATOR, KEPT, NUMBER, RATE
from tests.train.small import VOCAB, rows, small_gpt

MODEL, ROWS = small_gpt(), rows()
PAIR = ROWS[:, :-1], ROWS[:, 1:]
MODULE = [None, "ten", 3, lambda ids: ids]
NO_BATCH = [None, "ten", 3, []]
NO_TARGETS = [*NO_BATCH, ROWS, (ROWS,), (ROWS, ROWS.float()), (ROWS, ROWS[:, 1:]), (ROWS, None)]
PATH = [5, None, b"run.pt"]
FOLDER = Path(tempfile.mkdtemp())
DAMAGED, WHOLE = FOLDER / "damaged.pt", FOLDER / "whole.pt"
DAMAGED.write_text("moo\n")
checkpoint.save(WHOLE, {"step": 1})
ADAPTED, FROZEN = lora.add_lora(small_gpt(), layers=("qkv",), rank=1), nn.Linear(2, 2).requires_grad_(False)
ADAPTER = FOLDER / "whole_adapter.pt"
lora.save_adapter(ADAPTED, ADAPTER)
OPTIONAL_ABOVE_0 = [bad for bad in ABOVE_0 if bad is not None]
OPTIONAL_AT_LEAST_1 = [bad for bad in AT_LEAST_1 if bad is not None]
LOGITS = torch.zeros(2, VOCAB)
REAL = ["ten", None, 3, [1.0], torch.tensor([1])]
P = [*NUMBER, 0, -0.1, 1.1]
BETAS = [None, 0.9, (0.9,), (0.9, 1.0), (-0.1, 0.9), ("ten", 0.9)]
NO_SCALAR = [*FUNCTION, lambda model, batch: model(batch), lambda model, batch: 3.0]
SAMPLING = {
    "temperature": (0.0, [*AT_LEAST_0]),
    "top_k": (None, OPTIONAL_AT_LEAST_1),
    "top_p": (None, [bad for bad in P if bad is not None]),
    "min_p": (None, [bad for bad in P if bad is not None]),
}

SEES = CNN(CNNConfig(size=4, widths=(2,)))
IMAGES = np.random.default_rng(0).random((3, 4, 4))
NO_IMAGES = [*ARRAY, np.ones(3), np.ones((3, 4))]
LABELLED = {
    "model": (SEES, MODULE),
    "images": (IMAGES, NO_IMAGES),
    "labels": (np.array([0, 2, 1]), ["ten", None, [], np.ones(3), [0, 1], [[0, 1, 2]]]),
}
TRAINED = LABELLED | {
    "n_steps": (2, AT_LEAST_1),
    "lr": (0.1, AT_LEAST_0),
    "rng": (np.random.default_rng(0), GENERATOR),
    "batch_size": (2, [*AT_LEAST_1, 4]),
    "momentum": (0.9, KEPT),
    "weight_decay": (0.0, AT_LEAST_0),
    "augment": (None, [bad for bad in FUNCTION if bad is not None]),
}

DEVICE, FORMAT = ["gpu?", None, 3.5, "cuda:99"], ["float8", 16, None]
SCALER, OPTIMIZER = amp.LossScaler(), loop.adamw(small_gpt())
SIZES = {
    "config": (GPTConfig(n_positions=8), [None, 3, "GPT-2"]),
    "batch_size": (2, AT_LEAST_1),
    "time": (8, [*AT_LEAST_1, 9]),
    "checkpoint_blocks": (False, []),
}
STEP = {
    "model": (MODEL, [bad for bad in MODULE if not callable(bad)]),
    "loss": (objectives.next_token_loss, FUNCTION),
    "batch": (ROWS, []),
    "precision": (None, ["float32", 3]),
}


def unscaled(optimizer: torch.optim.Optimizer = OPTIMIZER) -> None:
    """Unscale by a scaler of its own, for no scaler does it twice."""
    amp.LossScaler().unscale_(optimizer)


def watch(model: nn.Module = MODEL) -> None:
    """Enter and leave."""
    with underflow.recorded_gradients(model):
        pass


def record(model: nn.Module = MODEL, kinds: type = nn.Linear) -> None:
    """Enter and leave."""
    with layerwise.recorded_layers(model, kinds):
        pass


def recompute(model: nn.Module = MODEL) -> None:
    """Enter and leave."""
    with activation_checkpointing.checkpointed(model):
        pass


def drawn(logits: object = LOGITS, generator: object = None) -> object:
    """Draw at a temperature that needs a generator."""
    return decoding.sample(logits, temperature=1.0, generator=generator)  # type: ignore


ARGUMENTS = {
    amp.Precision: {
        "device": ("cpu", []),
        "dtype": ("float16", FORMAT),
        "scaled": (False, []),
        "emulated": (False, []),
    },
    amp.precision: {"device": ("cpu", DEVICE), "dtype": ("float32", FORMAT[:-1]), "emulate": (True, [])},
    amp.native_formats: {"device": ("cpu", DEVICE)},
    amp.LossScaler: {
        "init_scale": (2.0, [*ABOVE_0, 1e-50]),  # which float32 has not
        "growth_factor": (2.0, [*ABOVE_0, 1.0]),
        "backoff_factor": (0.5, [*ABOVE_0, 1.0]),
        "growth_interval": (3, AT_LEAST_1),
    },
    SCALER.scale: {"loss": (torch.tensor(1.0), REAL)},
    unscaled: {"optimizer": (OPTIMIZER, [None, 3])},
    SCALER.step: {"optimizer": (OPTIMIZER, [None, 3])},
    SCALER.load_state_dict: {
        "state": (SCALER.state_dict(), [None, 3, {}, SCALER.state_dict() | {"scale": 0.0, "growth_interval": 1}]),
    },
    underflow.out_of_range: {
        "numbers": (torch.ones(2), [*REAL, torch.zeros(3)]),
        "dtype": ("float16", FORMAT),
        "scale": (1.0, ABOVE_0),
    },
    underflow.recorded_gradients: {"model": (MODEL, [])},
    watch: {"model": (MODEL, MODULE)},
    layerwise.recorded_layers: {"model": (MODEL, []), "kinds": (nn.Linear, [])},
    record: {"model": (MODEL, MODULE), "kinds": (nn.Linear, ["Linear", None, nn.ReLU()])},
    layerwise.weight_gradients: {"model": (MODEL, MODULE)},
    layerwise.update_ratios: {"model": (MODEL, MODULE), "before": (dict(MODEL.named_parameters()), [{}])},
    layerwise.dead_units: {
        "model": (nn.Sequential(nn.Linear(2, 3), nn.ReLU()), MODULE),
        "x": (torch.ones(4, 2), REAL),
    },
    budget.training_bytes: {**SIZES, "dtype": ("float16", FORMAT)},
    budget.training_flops: SIZES,
    measured.measure_bytes: {**STEP, "optimizer": (OPTIMIZER, [None, 3])},
    measured.measure_flops: STEP,
    budget.peak_flops: {"gpu": ("T4", [None, 3]), "dtype": ("TF32", FORMAT)},
    activation_checkpointing.checkpointed: {"model": (MODEL, [])},
    recompute: {"model": (MODEL, [*MODULE, nn.ReLU()])},
    batches.epochs: {
        "rows": (ROWS, [None, "ten", torch.zeros(0, 3)]),
        "batch_size": (2, AT_LEAST_1),
        "seed": (0, COUNT),
    },
    batches.in_turn: {"batches": ([ROWS], [None, 3, "ten", ROWS, []])},
    batches.on_device: {"batch": (PAIR, NO_BATCH[:-1]), "device": ("cpu", [])},
    batches.micro_batches: {"batch": (PAIR, NO_BATCH), "n": (2, [*AT_LEAST_1, 99])},
    batches.first_tensor: {"batch": (PAIR, NO_BATCH)},
    checkpoint.save: {
        "path": (WHOLE, PATH),
        "state": ({"step": 1}, [None, 3, [1], {"step": np.arange(2)}, {(1, 2): 3}, {"step": {4}}]),
    },
    checkpoint.load: {"path": (WHOLE, [*PATH, DAMAGED, FOLDER / "none.pt"])},
    decoding.generate: {
        "model": (MODEL, [None, "ten", nn.Linear(2, 2)]),
        "prompts": (ROWS, [None, "ten", 3, [], [[]], [[1], []], [1], ROWS[0], ROWS.float(), ROWS[:, :0], [[0.5]]]),
        "n_tokens": (2, [*AT_LEAST_1, 9]),
        **SAMPLING,
        "repetition_penalty": (1.0, ABOVE_0),
        "generator": (None, []),
        "stop": (None, ["ten", 1.5, -1, VOCAB]),
        "cache": (True, []),
    },
    decoding.chances_of: {"logits": (LOGITS, REAL), **SAMPLING},
    decoding.column_major: {"model": (nn.Linear(2, 2), [None, "GPT", 3])},
    decoding.sample: {"logits": (LOGITS, REAL), **SAMPLING, "generator": (None, [])},
    drawn: {"logits": (LOGITS, REAL), "generator": (torch.Generator(), [None, 0])},
    decoding.top_k_filter: {"logits": (LOGITS, REAL), "k": (2, AT_LEAST_1)},
    decoding.top_p_filter: {"logits": (LOGITS, REAL), "p": (0.5, P)},
    decoding.min_p_filter: {"logits": (LOGITS, REAL), "p": (0.5, P)},
    decoding.penalise_repetition: {
        "logits": (LOGITS, [*REAL, LOGITS[0]]),
        "ids": (ROWS[:2], ["ten", None, ROWS, ROWS[:2].float(), ROWS[0], ROWS[:2] + VOCAB]),
        "penalty": (1.2, ABOVE_0),
    },
    loop.adamw: {
        "model": (MODEL, [*MODULE, nn.ReLU()]),
        "betas": ((0.9, 0.95), BETAS),
        "weight_decay": (0.1, AT_LEAST_0),
    },
    loop.backward: {
        "model": (MODEL, MODULE),
        "loss": (objectives.next_token_loss, NO_SCALAR),
        "batch": (ROWS, NO_BATCH),
        "accumulate": (1, AT_LEAST_1),
        "precision": (None, []),
        "scaler": (None, []),
    },
    loop.fit: {
        "model": (MODEL, [*MODULE, nn.ReLU()]),
        "loss": (objectives.next_token_loss, NO_SCALAR),
        "batches": (lambda step: ROWS, [*FUNCTION, []]),
        "n_steps": (1, COUNT),
        "lr": (0.1, RATE),
        "betas": ((0.9, 0.95), BETAS),
        "weight_decay": (0.1, AT_LEAST_0),
        "clip": (None, OPTIONAL_ABOVE_0),
        "accumulate": (1, AT_LEAST_1),
        "precision": (None, ["float32", 3]),
        "evaluate": (None, ["ten", 3]),
        "evaluate_every": (1, AT_LEAST_1),
        "monitors": ((), [None, 3, "ten", [3]]),
        "checkpoint": (None, [5, b"run.pt", DAMAGED, WHOLE]),
        "checkpoint_every": (1, AT_LEAST_1),
        "norm": (nn.utils.get_total_norm, FUNCTION),
        "flops_per_step": (None, OPTIONAL_ABOVE_0),
        "peak_flops": (None, OPTIONAL_ABOVE_0),
    },
    loop.History(records=[{"step": 1, "loss": 2.0}]).curve: {"name": ("loss", [None, "moo"])},
    monitor.JsonLines: {"path": ("log.jsonl", PATH)},
    monitor.read_json_lines: {"path": ("log.jsonl", [*PATH, DAMAGED])},
    monitor.TensorBoard: {"folder": ("runs", PATH)},
    monitor.ProgressBar: {"n_steps": (3, AT_LEAST_1), "show": (("loss",), [None, 3, "loss"])},
    objectives.token_loss: {"model": (MODEL, MODULE), "batch": (PAIR, NO_TARGETS)},
    objectives.next_token_loss: {
        "model": (MODEL, MODULE),
        "batch": (ROWS, [*NO_BATCH, ROWS[0], ROWS[:, :1], *NO_TARGETS[5:]]),
    },
    objectives.accuracy: {"model": (MODEL, MODULE), "batch": (PAIR, NO_TARGETS)},
    objectives.n_targets: {"batch": (PAIR, NO_BATCH)},
    objectives.mean_loss: {
        "model": (MODEL, MODULE),
        "loss": (objectives.token_loss, FUNCTION),
        "batches": ([PAIR], [None, 3, [], "ten"]),
    },
    pictures.digits: {"size": (7, [None, "ten", 8, 0, 3.5])},
    pictures.as_batch: {"images": (IMAGES, NO_IMAGES), "model": (SEES, MODULE)},
    pictures.steps: TRAINED,
    pictures.fit_pictures: TRAINED,
    pictures.predict: {"model": (SEES, MODULE), "images": (IMAGES, NO_IMAGES), "batch_size": (2, AT_LEAST_1)},
    pictures.gradient_norms: LABELLED,
    lora.LoRALinear: {"base": (nn.Linear(2, 2), [*MODULE, MODEL]), "rank": (1, [*AT_LEAST_1, 3]), "alpha": (None, [0])},
    lora.LoRALinear(nn.Linear(2, 2), rank=1).forward: {"x": (torch.zeros(1, 2), [])},
    lora.add_lora: {
        "model": (small_gpt(), MODULE),
        "layers": (("qkv",), [None, 3, "qkv", ["ten"]]),
        "rank": (1, AT_LEAST_1),
        "alpha": (None, OPTIONAL_ABOVE_0),
    },
    lora.merge: {"model": (ADAPTED, [*MODULE, MODEL])},
    lora.unmerge: {"model": (ADAPTED, [*MODULE, MODEL])},
    lora.n_trainable: {"model": (ADAPTED, MODULE)},
    lora.save_adapter: {"model": (ADAPTED, [*MODULE, FROZEN]), "path": (FOLDER / "adapter.pt", PATH)},
    lora.load_adapter: {"model": (ADAPTED, MODULE), "path": (ADAPTER, [*PATH, DAMAGED, WHOLE])},
}
CARRIERS = {
    *(
        underflow.OutOfRange,
        layerwise.LayerRecord,
        underflow.RecordedGradients,
        budget.Sizes,
        budget.MemoryBreakdown,
        measured.Measured,
        budget.Flops,
    ),
    *(loop.History, decoding.CausalModel, checkpoint.RunFile, lora.NoGradient),  # RunFile is made by `fit`
}
