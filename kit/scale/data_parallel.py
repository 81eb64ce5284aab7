"""Data parallel on processes: every rank computes its own rows, and the gradients are averaged.

    DDP    `replicated(model)`      weights, gradients and Adam's state whole on every rank
    FSDP   `fully_sharded(model)`   each rank keeps its part alone; a block is gathered while it computes

Both are PyTorch's own. `kit.train.loop.fit` trains either, with `norm=whole_norm` for the second.

Source: Li et al. (2020), arXiv:2006.15704, for DDP; Zhao et al. (2023), arXiv:2304.11277, for FSDP.

Taught in: 24
"""

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from kit.arguments import instance, shown


def replicated(model: nn.Module) -> DistributedDataParallel:
    """Wrap a model so that `backward` averages its gradients over ranks.

    Raises:
        TypeError: if `model` is not a module.
    """
    instance("model", model, nn.Module)
    return DistributedDataParallel(model)


def fully_sharded(model: nn.Module) -> nn.Module:
    """Deal a model's weights out to the ranks, block by block; the model itself is changed.

    Args:
        model: with its blocks in a list `blocks`.

    Raises:
        TypeError, ValueError: if `model` is not a module, or has no blocks.
    """
    instance("model", model, nn.Module)
    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.ModuleList) or not blocks:
        raise ValueError(f"model must have a list of blocks, got {shown(type(model).__name__)}")
    here = next(model.parameters()).device.type  # by default torch would take it to the GPU, if there is one
    mesh = init_device_mesh(here, (dist.get_world_size(),))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def whole_norm(tensors: Iterable[Tensor], kind: float = 2.0) -> Tensor:
    """Measure the length of tensors of which each rank has a part: on every rank that of the whole.

    torch's own function leaves the sum over ranks undone, in a DTensor that prints its own part:
    too small by about √W.

    Args:
        kind: 2 for the length, infinity for the largest number.

    Raises:
        TypeError: if `tensors` is no collection.
    """
    norm = nn.utils.get_total_norm(list(tensors), kind)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def whole(tensor: Tensor) -> Tensor:
    """Give a tensor that is spread over ranks as one; every rank must ask.

    Raises:
        TypeError: if `tensor` is none.
    """
    instance("tensor", tensor, torch.Tensor)
    found = tensor.detach()
    return found.full_tensor() if isinstance(found, DTensor) else found
