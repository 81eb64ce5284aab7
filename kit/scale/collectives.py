"""Collectives in a ring: what all ranks do together, written with messages to the neighbour alone.

    reduce_scatter   each rank ends with the sum over ranks of its own part
    all_gather       each rank ends with the parts of all
    all_reduce       the first, then the second: each rank ends with the sum

An array is dealt out in as many parts as there are ranks. In each of W - 1 ticks every rank sends one part
to the rank after it and receives one from the rank before it. So all links are busy all the time, and a rank sends

    (W - 1) / W      of the array's bytes, in `reduce_scatter` and in `all_gather`
    2 (W - 1) / W    in `all_reduce`: never twice the array, however many ranks there are

Source: Patarasuk & Yuan (2009), Journal of Parallel and Distributed Computing 69, 117-124.

Taught in: 24
"""

import numpy as np
from jaxtyping import Float

from kit.scale.simulator import Rank


def reduce_scatter(rank: Rank, x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "part"]:
    """Give this rank's part of the sum over ranks; the array is laid out flat.

    Oracle: torch.distributed.reduce_scatter.
    """
    n, r = rank.n_ranks, rank.number
    parts = [part.copy() for part in np.array_split(x.ravel(), n)]
    for tick in range(n - 1):
        rank.send((r + 1) % n, parts[(r - tick - 1) % n])
        parts[(r - tick - 2) % n] += rank.receive((r - 1) % n)
    return parts[r]


def all_gather(rank: Rank, own: Float[np.ndarray, "part"]) -> Float[np.ndarray, "parts"]:
    """Give the parts of all ranks, end to end.

    Oracle: torch.distributed.all_gather.
    """
    n, r = rank.n_ranks, rank.number
    parts = [own] * n
    for tick in range(n - 1):
        rank.send((r + 1) % n, parts[(r - tick) % n])
        parts[(r - tick - 1) % n] = rank.receive((r - 1) % n)
    return np.concatenate(parts)


def all_reduce(rank: Rank, x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Give the sum over ranks.

    Oracle: torch.distributed.all_reduce.

    >>> from kit.scale.simulator import Cluster
    >>> Cluster(3).run(all_reduce, np.ones(4))[0]
    array([3., 3., 3., 3.])
    """
    return all_gather(rank, reduce_scatter(rank, x)).reshape(x.shape)
