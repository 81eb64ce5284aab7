"""Of every public function of kit.scale, every argument: one value that it takes, and those that it refuses."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from kit.models.gpt import GPTConfig
from kit.scale import (
    agree,
    checkpoint,
    cluster,
    collectives,
    data_parallel,
    elastic,
    launch,
    memory,
    pipeline,
    schedule,
    shares,
    simulated,
    simulator,
    stack,
    story,
    tensor_parallel,
)
from kit.train.budget import training_bytes
from kit.train.loop import adamw
from tests.learn.refusals import ABOVE_0, AT_LEAST_1, COUNT, FUNCTION
from tests.scale.alone import group_of_one

MODULE = [None, "ten", 3]
OPTIONAL_AT_LEAST_1 = [bad for bad in AT_LEAST_1 if bad is not None]
ZERO_STAGE, RANK = [*COUNT, 4], [*COUNT, 2]
RNG = np.random.default_rng(0)
BLOCKS, ROWS = stack.first_blocks(2, width=3, hidden=4, rng=RNG), stack.some_rows(4, width=3, rng=RNG)
BILL = training_bytes(GPTConfig(n_positions=8), batch_size=1, time=8)
MODEL = story.story_gpt(0)
JOB = cluster.ClusterJob(name="a", image="i", module="m")
LOST = simulator.Cluster(2).ranks[0]
SIZES = {"n_stages": (2, AT_LEAST_1), "n_micro": (4, AT_LEAST_1)}


def run_by_one(work: Any) -> Any:
    """Run something on one rank; what `work` takes beside it comes by position."""
    return simulator.Cluster(1).run(work)


def fully_sharded_alone(model: Any) -> Any:
    """Shard a copy in a group of one rank."""
    with group_of_one():
        return data_parallel.fully_sharded(deepcopy(model))


def replicated_alone(model: Any) -> Any:
    """Wrap a copy in a group of one rank."""
    with group_of_one():
        return data_parallel.replicated(deepcopy(model))


def pipeline_alone(model: Any, **others: Any) -> Any:
    """Cut a copy in a group of one rank."""
    with group_of_one():
        return pipeline.Pipeline(deepcopy(model), **others)


def launched(arguments: Any, **others: Any) -> str:
    """Start ranks; what their module takes comes by position."""
    return launch.torchrun(others.pop("module"), *arguments, **others)


ARGUMENTS: dict[Callable, dict[str, tuple[Any, list]]] = {
    simulator.Cluster: {"n_ranks": (2, AT_LEAST_1), "memory": (None, OPTIONAL_AT_LEAST_1)},
    run_by_one: {"work": (lambda rank: None, FUNCTION)},
    simulator.size: {"value": (np.zeros(2), ["ten", 3, [3]])},
    LOST.send: {"to": (1, [*COUNT, 0, 2]), "message": (np.zeros(2), [None, 3, [1.0]])},
    simulated.simulate: {
        "strategy": ("data", ["DDP", None]),
        "blocks": (BLOCKS, [None, 3]),
        "batches": (ROWS, FUNCTION),
        "n_ranks": (2, AT_LEAST_1),
        "n_steps": (1, AT_LEAST_1),
        "lr": (0.1, ABOVE_0),
        "n_micro": (2, AT_LEAST_1),
        "memory": (None, OPTIONAL_AT_LEAST_1),
    },
    stack.first_blocks: {
        "n_blocks": (2, AT_LEAST_1),
        "width": (2, AT_LEAST_1),
        "hidden": (2, AT_LEAST_1),
        "rng": (RNG, []),
    },
    stack.some_rows: {"n_rows": (2, AT_LEAST_1), "width": (2, AT_LEAST_1), "rng": (RNG, [])},
    schedule.gpipe: {"stage": (0, RANK), **SIZES},
    schedule.one_f_one_b: {"stage": (0, RANK), **SIZES},
    schedule.orders: {"schedule": ("1F1B", ["2F2B", None]), **SIZES},
    schedule.timeline: {
        "stages": ([[schedule.Action("F", 0)]], [[[schedule.Action("B", 0)]]]),
        "forward": (1, ABOVE_0),
        "backward": (2, ABOVE_0),
    },
    schedule.bubble: {"spans": ([schedule.Span(0, "F", 0, 0, 1)], [[]])},
    schedule.predicted_bubble: SIZES,
    schedule.most_in_flight: {"order": ([], [])},
    memory.zero_bytes: {
        "n_parameters": (10, []),
        "n_ranks": (2, AT_LEAST_1),
        "stage": (1, ZERO_STAGE),
        "weights": (2, []),
        "gradients": (2, []),
        "optimizer": (12, []),
    },
    memory.sharded_bill: {
        "bill": (BILL, [None, 3]),
        "n_ranks": (2, AT_LEAST_1),
        "stage": (1, ZERO_STAGE),
        "n_blocks": (2, AT_LEAST_1),
    },
    memory.bytes_sent: {"n_bytes": (10, []), "n_ranks": (2, AT_LEAST_1), "stage": (1, ZERO_STAGE)},
    memory.held_bytes: {"model": (MODEL, MODULE), "optimizer": (adamw(MODEL), [None, 3])},
    launched: {
        "module": ("this", [None, 3]),  # a module of Python that prints a poem, and ends
        "arguments": (("x",), [(3,)]),
        "n_ranks": (2, AT_LEAST_1),
        "timeout": (1.0, ABOVE_0),
        "n_restarts": (0, COUNT),
    },
    shares.shares: {"batches": (ROWS, FUNCTION), "rank": (0, RANK), "n_ranks": (2, AT_LEAST_1)},
    story.story_gpt: {"seed": (0, COUNT), "dtype": (torch.float32, []), "dropout": (0.0, [1.0, -0.1, "ten"])},
    story.stories: {"n": (3, AT_LEAST_1), "seed": (0, COUNT)},
    story.story_batches: {"batch_size": (2, AT_LEAST_1), "seed": (0, COUNT)},
    fully_sharded_alone: {"model": (MODEL, [*MODULE, nn.ReLU()])},
    replicated_alone: {"model": (MODEL, MODULE)},
    data_parallel.whole: {"tensor": (torch.zeros(2), [None, 3])},
    pipeline_alone: {
        "model": (MODEL, [*MODULE, nn.ReLU()]),
        "rank": (0, RANK),
        "n_ranks": (1, [*AT_LEAST_1, 5]),
        "n_micro": (8, AT_LEAST_1),
        "schedule": ("1F1B", ["2F2B", None]),
    },
    checkpoint.sharded_run: {"folder": ("runs", [None, 3]), "batch_size": (2, AT_LEAST_1)},
    cluster.ClusterJob: {
        "name": ("a", [None, 3, "", "A", "a_b", "-a", "a" * 51]),
        "image": ("i", [None, 3]),
        "module": ("m", [None, 3]),
        "arguments": ((), [None, "ten", ["a"], (3,)]),
        "n_nodes": (2, AT_LEAST_1),
        "n_gpus": (8, COUNT),
        "min_nodes": (None, [*OPTIONAL_AT_LEAST_1, 3]),
        "n_restarts": (3, COUNT),
        "port": (29_400, [*AT_LEAST_1, 80, 65_536]),
        "volume": ("v", [None, 3, "", "V"]),
    },
    cluster.command: {"job": (JOB, [None, 3]), "host": ("n", [None, 3])},
    cluster.torchrun_line: {"job": (JOB, [None, 3]), "host": ("n", [None, 3])},
    cluster.manifest: {"job": (JOB, [None, 3])},
    cluster.service: {"job": (JOB, [None, 3])},
    cluster.indexed_job: {"job": (JOB, [None, 3])},
}
CARRIERS: set[Callable] = {
    *(simulator.Rank, simulator.OutOfMemoryError, simulator.DeadlockError, simulated.Run),
    *(schedule.Action, schedule.Span, schedule.Bubble),
    # run on a rank by `Cluster.run` and `simulate`, with what these have looked at
    *(collectives.reduce_scatter, collectives.all_gather, collectives.all_reduce),
    *(simulated.data_parallel, simulated.tensor_parallel, simulated.pipeline),
    *(stack.forward, stack.backward, stack.loss_slope, stack.gradient, stack.flat, stack.shaped),
    # run inside a process group, which only torchrun makes: tests/scale/test_alone.py has their refusals
    *(tensor_parallel.tensor_parallel, tensor_parallel.by_rank, tensor_parallel.put_together),
    *(data_parallel.fully_sharded, data_parallel.replicated, pipeline.Pipeline),
    *(shares.share_loss, data_parallel.whole_norm, pipeline.Stage, checkpoint.ShardedRun),
    *(launch.torchrun, launch.agent, launch.start, launch.stop, launch.process_group, launch.standing),
    launch.first_error,
    *(agree.Ledger, agree.trained, agree.gathered, agree.from_all_stages, agree.difference, agree.compare),
    *(agree.reference, elastic.samples_seen, elastic.worlds, elastic.observed),
}
