"""A process group of one rank, in this process: all of the machinery, and nothing to start."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist
from torch._C._distributed_c10d import HashStore


@contextmanager
def group_of_one() -> Iterator[None]:
    """Join a group that nobody else is in."""
    dist.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()
