import numpy as np
import torch

from kit.scale.stack import first_blocks, flat, forward, gradient, shaped, some_rows

RNG = np.random.default_rng(0)
BLOCKS = first_blocks(3, width=5, hidden=7, rng=RNG)
ROWS = some_rows(6, width=5, rng=RNG)(0)


def test_gradient_matches_torch():
    x, targets, counts = map(torch.from_numpy, ROWS)
    blocks = [tuple(torch.tensor(w, requires_grad=True) for w in block) for block in BLOCKS]
    for up, down in blocks:
        x = x + torch.relu(x @ up) @ down
    (0.5 * counts[:, None] * (x - targets) ** 2).sum().div(counts.sum()).backward()
    for found, wanted in zip(gradient(BLOCKS, ROWS, n=ROWS[2].sum()), blocks, strict=True):
        for g, w in zip(found, wanted, strict=True):
            assert w.grad is not None
            np.testing.assert_allclose(g, w.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_shaped_undoes_flat():
    for block in BLOCKS:
        for found, wanted in zip(shaped(flat(block), block), block, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_block_of_zeros_passes_its_input_on():
    up, down = BLOCKS[0]
    np.testing.assert_array_equal(forward((up, 0 * down), ROWS[0])[0], ROWS[0])


def test_a_batch_is_a_function_of_its_step():
    batches = some_rows(8, width=3, rng=np.random.default_rng(1))
    for again, first in zip(batches(4), batches(4), strict=True):
        np.testing.assert_array_equal(again, first)
    assert not np.array_equal(batches(4)[0], batches(5)[0])


def test_halves_of_a_batch_differ_in_how_many_rows_count():
    batches = some_rows(12, width=3, rng=np.random.default_rng(1))
    halves = np.array([[half.sum() for half in np.split(batches(step)[2], 2)] for step in range(20)])
    assert (halves[:, 0] != halves[:, 1]).mean() > 0.5
