"""One training step on many ranks, in the simulator: by data, by ZeRO's three stages, by tensors, by a pipeline.

    run = simulate("ZeRO-3", blocks, batches, n_ranks=4, n_steps=10)
    run.blocks                 the weights that one process would have
    run.sent, run.peaks        bytes sent by each rank; bytes kept, by name

    one process  all rows, all weights
    data         own rows; gradients summed over ranks: `all_reduce`
    ZeRO-1       each rank keeps Adam's means for its part of the weights alone
    ZeRO-2       ... and the gradient of its part alone
    ZeRO-3       ... and its part of the weights alone; a block is gathered while it computes
    tensor       own columns of `up` and rows of `down`; activations summed over ranks
    GPipe, 1F1B  own blocks; activations go to the next rank, and their slopes come back

Source: Rajbhandari et al. (2019), arXiv:1910.02054; Shoeybi et al. (2019), arXiv:1909.08053, section 3, for tensors;
kit.scale.schedule for pipelines.

Taught in: 24
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.arguments import count, function, one_of, real, several
from kit.learn.optimizers import adam
from kit.scale.collectives import all_gather, all_reduce, reduce_scatter
from kit.scale.schedule import Action, orders
from kit.scale.simulator import Cluster, Rank
from kit.scale.stack import Block, Rows, backward, flat, forward, loss_slope, shaped

Batches = Callable[[int], Rows]
STAGES = {"data": 0, "ZeRO-1": 1, "ZeRO-2": 2, "ZeRO-3": 3}
STRATEGIES = ("one process", *STAGES, "tensor", "GPipe", "1F1B")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of a simulated training.

    Args:
        blocks, slopes: weights at the end, and the last gradient, put together from all ranks.
        sent: the bytes that each rank sent in a step.
        peaks: for each rank, the most bytes that it kept under each name.
        peak: the most bytes that any rank kept at once.
    """

    blocks: list[Block]
    slopes: list[Block]
    sent: list[float]
    peaks: list[dict[str, int]]
    peak: int


def simulate(
    strategy: str,
    blocks: list[Block],
    batches: Batches,
    *,
    n_ranks: int,
    n_steps: int,
    lr: float = 0.01,
    n_micro: int = 4,
    memory: int | None = None,
) -> Run:
    """Train a stack of blocks by Adam on simulated ranks.

    Args:
        batches: from the step to the batch; every rank can compute it, and takes what is its own.
        n_micro: micro-batches of a pipeline.
        memory: the bytes that a rank can keep.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range.
        OutOfMemoryError: if a rank keeps more than `memory`.

    Oracle: `strategy="one process"`.
    """
    one_of("strategy", strategy, STRATEGIES)
    several("blocks", blocks)
    function("batches", batches)
    count("n_ranks", n_ranks)
    count("n_steps", n_steps)
    count("n_micro", n_micro)
    if strategy == "one process" and n_ranks > 1:
        raise ValueError(f"n_ranks must be 1 for one process, got {n_ranks}")
    cluster, rule = Cluster(n_ranks, memory=memory), adam(real("lr", lr, above=0), betas=(0.9, 0.95))
    if strategy in ("GPipe", "1F1B"):
        own = np.array_split(np.arange(len(blocks)), n_ranks)
        order = orders(strategy, n_stages=n_ranks, n_micro=n_micro)
        parts = cluster.run(pipeline, blocks, batches, n_steps, rule, own, order, n_micro)
        merged = [[block for part in parts for block in part[i]] for i in range(2)]
    elif strategy == "tensor":
        parts = cluster.run(tensor_parallel, blocks, batches, n_steps, rule)
        merged = [[_joined([part[i][k] for part in parts]) for k in range(len(blocks))] for i in range(2)]
    else:
        parts = cluster.run(data_parallel, blocks, batches, n_steps, rule, STAGES.get(strategy, 0))
        merged = [
            [shaped(np.concatenate([part[i][k] for part in parts]), block) for k, block in enumerate(blocks)]
            for i in range(2)
        ]
    return Run(
        blocks=merged[0],
        slopes=merged[1],
        sent=[rank.sent / n_steps for rank in cluster.ranks],
        peaks=[dict(rank.peaks) for rank in cluster.ranks],
        peak=max(rank.peak for rank in cluster.ranks),
    )


def data_parallel(
    rank: Rank, blocks: list[Block], batches: Batches, n_steps: int, rule: Any, stage: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Train on this rank's rows; give this rank's part of each block's weights and of its last gradient.

    Args:
        stage: of ZeRO; 0 keeps everything whole on every rank.
    """
    n, r = rank.n_ranks, rank.number
    whole = [flat(block) for block in blocks]

    def part(x: np.ndarray) -> np.ndarray:
        return np.array_split(x, n)[r]

    def block_now(i: int) -> Block:
        if stage < 3:
            return shaped(rank["weights"][i], blocks[i])
        rank["gathered"] = all_gather(rank, rank["weights"][i])
        return shaped(rank["gathered"], blocks[i])

    rank["weights"] = [part(each).copy() for each in whole] if stage == 3 else whole
    rank["optimizer"] = [[np.zeros_like(part(each) if stage else each)] * 2 for each in whole]
    for step in range(n_steps):
        rows = batches(step)
        x, targets, counts = (np.array_split(each, n)[r] for each in rows)
        rank["gradients"], rank["activations"] = [None] * len(blocks), []
        for i in range(len(blocks)):
            x, saved = forward(block_now(i), x)
            rank["activations"] = [*rank["activations"], saved]
        slope = loss_slope(x, targets, counts, n=rows[2].sum())  # divided by the count of the whole batch, not its own
        for i in reversed(range(len(blocks))):
            slope, of_block = backward(block_now(i), rank["activations"].pop(), slope)
            g = reduce_scatter(rank, flat(of_block)) if stage >= 2 else flat(of_block)
            rank["gradients"] = [*rank["gradients"][:i], g, *rank["gradients"][i + 1 :]]
        rank.pop("gathered", None)
        for i, g in enumerate(rank["gradients"]):
            if stage < 2:
                g = reduce_scatter(rank, g) if stage else all_reduce(rank, g)
            rank["gradients"][i] = g
            own = part(rank["weights"][i]) if stage in (1, 2) else rank["weights"][i]
            own, *rank["optimizer"][i] = rule(own, g, step, *rank["optimizer"][i])
            rank["weights"][i] = all_gather(rank, own) if stage in (1, 2) else own
    weights = rank["weights"] if stage == 3 else [part(each) for each in rank["weights"]]
    return weights, rank["gradients"] if stage else [part(each) for each in rank["gradients"]]


def tensor_parallel(
    rank: Rank, blocks: list[Block], batches: Batches, n_steps: int, rule: Any
) -> tuple[list[Block], list[Block]]:
    """Train columns of `up` and rows of `down` on all rows; give this rank's weights and last gradient.

    relu acts on each column by itself. So between `up` and `down` no rank needs another, and one sum follows.
    """
    n, r = rank.n_ranks, rank.number
    mine = [(np.array_split(up, n, axis=1)[r], np.array_split(down, n)[r]) for up, down in blocks]
    rank["weights"] = [tuple(each.copy() for each in block) for block in mine]
    rank["optimizer"] = [[[np.zeros_like(w)] * 2 for w in block] for block in mine]
    for step in range(n_steps):
        x, targets, counts = batches(step)
        rank["activations"] = []
        for block in rank["weights"]:
            partial, saved = forward(block, x)
            x = x + all_reduce(rank, partial - x)
            rank["activations"] = [*rank["activations"], saved]
        slope, slopes = loss_slope(x, targets, counts, n=counts.sum()), []
        for block in reversed(rank["weights"]):
            partial, of_block = backward(block, rank["activations"].pop(), slope)
            slope = slope + all_reduce(rank, partial - slope)
            slopes.append(of_block)
        rank["gradients"] = slopes[::-1]
        _update(rank, rule, step)
    return rank["weights"], rank["gradients"]


def pipeline(
    rank: Rank,
    blocks: list[Block],
    batches: Batches,
    n_steps: int,
    rule: Any,
    own: list[np.ndarray],
    order: list[list[Action]],
    n_micro: int,
) -> tuple[list[Block], list[Block]]:
    """Train this rank's blocks, a micro-batch at a time, in the order of a schedule; give them and their gradient."""
    r, last = rank.number, rank.n_ranks - 1
    mine = [blocks[i] for i in own[r]]
    rank["weights"] = [tuple(each.copy() for each in block) for block in mine]
    rank["optimizer"] = [[[np.zeros_like(w)] * 2 for w in block] for block in mine]
    for step in range(n_steps):
        rows = batches(step)
        micro = [tuple(np.array_split(each, n_micro)[k] for each in rows) for k in range(n_micro)]
        rank["activations"], ends = {}, {}
        rank["gradients"] = [tuple(np.zeros_like(w) for w in block) for block in mine]
        for kind, k in order[r]:
            if kind == "F":
                x, kept = micro[k][0] if r == 0 else rank.receive(r - 1), []
                for block in rank["weights"]:
                    x, saved = forward(block, x)
                    kept.append(saved)
                rank["activations"] = rank["activations"] | {k: kept}
                if r == last:
                    ends[k] = loss_slope(x, *micro[k][1:], n=rows[2].sum())
                else:
                    rank.send(r + 1, x)
            else:
                slope, kept = ends.pop(k) if r == last else rank.receive(r + 1), rank["activations"].pop(k)
                for i in reversed(range(len(mine))):
                    slope, of_block = backward(rank["weights"][i], kept[i], slope)
                    for total, more in zip(rank["gradients"][i], of_block, strict=True):
                        total += more
                if r > 0:
                    rank.send(r - 1, slope)
        _update(rank, rule, step)
    return rank["weights"], rank["gradients"]


def _update(rank: Rank, rule: Any, step: int) -> None:
    for i, block in enumerate(rank["weights"]):
        new = []
        for k, w in enumerate(block):
            w, *rank["optimizer"][i][k] = rule(w, rank["gradients"][i][k], step, *rank["optimizer"][i][k])
            new.append(w)
        rank["weights"][i] = tuple(new)


def _joined(blocks: list[Block]) -> Block:
    return np.concatenate([up for up, _ in blocks], axis=1), np.concatenate([down for _, down in blocks])
