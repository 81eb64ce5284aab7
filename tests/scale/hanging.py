"""A rank that hangs while the others wait for it: what `tests/scale/test_launch.py` starts."""

import sys
import time

import torch
import torch.distributed as dist

from kit.scale.launch import process_group


def oversleep() -> None:
    time.sleep(600)


def main() -> None:
    with process_group() as (rank, _):
        print(f"rank {rank} has joined", flush=True)
        if sys.argv[1:] == ["fail"] and rank == 1:
            raise ArithmeticError("moo")
        if sys.argv[1:] == ["hang"] and rank == 1:
            oversleep()
        dist.all_reduce(torch.zeros(1))


if __name__ == "__main__":
    main()
