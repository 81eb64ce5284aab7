"""The model of the simulator: a stack of residual feed-forward blocks, forward and backward by hand.

    y = x + relu(x up) down                          one block
    L = Σ over rows that count |y - target|² / 2n    n: how many rows count

It is a Transformer without attention: the part that holds two thirds of the weights.

Taught in: 24
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from kit.arguments import count

Block = tuple[np.ndarray, np.ndarray]
"""The weights `up`, of width x hidden, and `down`, of hidden x width."""
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Inputs, targets, and for each row 1.0 if it counts, else 0.0."""


def first_blocks(n_blocks: int, *, width: int, hidden: int, rng: np.random.Generator) -> list[Block]:
    """Draw the weights of a stack.

    Raises:
        TypeError, ValueError: if a number is not a whole one above 0.
    """
    for name, number in (("n_blocks", n_blocks), ("width", width), ("hidden", hidden)):
        count(name, number)
    scale = 1 / np.sqrt(width), 1 / np.sqrt(hidden * n_blocks)
    return [
        (scale[0] * rng.normal(size=(width, hidden)), scale[1] * rng.normal(size=(hidden, width)))
        for _ in range(n_blocks)
    ]


def some_rows(n_rows: int, *, width: int, rng: np.random.Generator) -> Callable[[int], Rows]:
    """Draw a task; give the function from a step to its batch, in which the first rows seldom count.

    So ranks that take neighbouring rows have unequal numbers of rows that count.

    Raises:
        TypeError, ValueError: if a number is not a whole one above 0.
    """
    n_rows, width, seed = count("n_rows", n_rows), count("width", width), int(rng.integers(2**32))
    truth = rng.normal(size=(width, width)) / np.sqrt(width)

    def batch(step: int) -> Rows:
        draw = np.random.default_rng([seed, step])
        x = draw.normal(size=(n_rows, width))
        counts = (draw.random(n_rows) < np.linspace(0.3, 1, n_rows)).astype(float)
        counts[-1] = 1.0
        return x, np.maximum(x @ truth, 0), counts

    return batch


def forward(block: Block, x: Float[np.ndarray, "rows width"]) -> tuple[Float[np.ndarray, "rows width"], Any]:
    """Give a block's output, and what the backward pass needs."""
    up, down = block
    hidden = np.maximum(x @ up, 0)
    return x + hidden @ down, (x, hidden)


def backward(block: Block, kept: Any, slope: Float[np.ndarray, "rows width"]) -> tuple[np.ndarray, Block]:
    """Give the slope of the loss at a block's input and at its weights, from that at its output."""
    (up, down), (x, hidden) = block, kept
    inner = (slope @ down.T) * (hidden > 0)
    return slope + inner @ up.T, (x.T @ inner, hidden.T @ slope)


def loss_slope(
    y: Float[np.ndarray, "rows width"],
    targets: Float[np.ndarray, "rows width"],
    counts: Float[np.ndarray, "rows"],
    *,
    n: float,
) -> Float[np.ndarray, "rows width"]:
    """Give the slope of the loss at the stack's output, where `n` rows count in the whole batch."""
    return counts[:, None] * (y - targets) / n


def gradient(blocks: list[Block], rows: Rows, *, n: float) -> list[Block]:
    """Give the slope of the loss at all weights: what one process computes."""
    x, targets, counts = rows
    kept, slopes = [], []
    for block in blocks:
        x, saved = forward(block, x)
        kept.append(saved)
    slope = loss_slope(x, targets, counts, n=n)
    for block, saved in zip(reversed(blocks), reversed(kept), strict=True):
        slope, of_block = backward(block, saved, slope)
        slopes.append(of_block)
    return slopes[::-1]


def flat(block: Block) -> Float[np.ndarray, "weights"]:
    """Lay a block's weights end to end."""
    return np.concatenate([each.ravel() for each in block])


def shaped(weights: Float[np.ndarray, "weights"], like: Block) -> Block:
    """Undo `flat`."""
    up, down = like
    return weights[: up.size].reshape(up.shape), weights[up.size :].reshape(down.shape)
