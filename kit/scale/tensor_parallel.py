"""Tensor parallel on processes: each rank has some heads and some hidden units of every block.

    qkv, up      by columns: no rank needs another
    out, down    by rows: one sum over ranks follows

Everything else, embeddings, norms and head, is whole on every rank. All ranks see all rows.

Source: Shoeybi et al. (2019), arXiv:1909.08053, section 3.

Taught in: 24
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Replicate, distribute_module
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from kit.arguments import instance
from kit.models.gpt import GPT
from kit.scale.data_parallel import whole

PLAN = {
    "attention.qkv": ColwiseParallel,
    "attention.out": RowwiseParallel,
    "feed_forward.up": ColwiseParallel,
    "feed_forward.down": RowwiseParallel,
}


def tensor_parallel(model: GPT, mesh: DeviceMesh) -> GPT:
    """Deal the heads and hidden units of every block out to the ranks; the model itself is changed.

    Args:
        model: the same on every rank, in evaluation mode or training, without dropout.
        mesh: the ranks, along one axis.

    Raises:
        TypeError, ValueError: if `model` is not a GPT, has dropout, whose masks would differ between ranks, or heads or
            hidden units that the ranks cannot share equally.
    """
    instance("model", model, GPT)
    n_ranks = mesh.size()
    if model.config.dropout:
        raise ValueError(f"model must be without dropout, got {model.config.dropout}")
    for name, number in (("n_heads", model.config.n_heads), ("d_ff", model.config.ff_width)):
        if number % n_ranks:
            raise ValueError(f"model must have {name} that {n_ranks} ranks share equally, got {number}")
    blocks: list[Any] = list(model.blocks)
    with torch.no_grad():
        for block in blocks:
            for each in (block.attention.qkv.weight, block.attention.qkv.bias):
                each.copy_(each[by_rank(len(each), n_ranks)])
    for block in blocks:
        block.attention.n_heads //= n_ranks
        parallelize_module(block, mesh, {name: style() for name, style in PLAN.items()})
    for module in (model.token_embedding, model.position_embedding):
        _whole_on_every_rank(module, mesh)
    model.head.weight = model.token_embedding.weight  # tied, as before
    norms = [norm for block in blocks for norm in (block.attention_norm, block.feed_forward_norm)]
    for module in (*norms, model.final_norm, model.head):
        _whole_on_every_rank(module, mesh)
    return model


def by_rank(n_rows: int, n_ranks: int) -> Tensor:
    """Order the rows of `qkv` so that a cut in equal parts gives each rank its heads' queries, keys and values.

    >>> by_rank(6, 2).tolist()
    [0, 2, 4, 1, 3, 5]
    """
    return torch.arange(n_rows).view(3, n_ranks, -1).transpose(0, 1).flatten()


def put_together(name: str, tensor: Tensor, n_ranks: int) -> Tensor:
    """Give a weight, or its gradient, as the model of one process has it; every rank must ask."""
    found = whole(tensor)
    return found[by_rank(len(found), n_ranks).argsort()] if ".qkv." in name else found


def _whole_on_every_rank(module: nn.Module, mesh: DeviceMesh) -> None:
    hooks: Any = {"input_fn": _enter, "output_fn": _leave}  # torch annotates that hooks return nothing
    distribute_module(module, mesh, **hooks)


def _enter(module: nn.Module, inputs: tuple[Any, ...], mesh: DeviceMesh) -> tuple[Any, ...]:
    return tuple(DTensor.from_local(each, mesh, [Replicate()], run_check=False) for each in inputs)


def _leave(module: nn.Module, output: Any, mesh: DeviceMesh) -> Tensor:
    return output.to_local()
