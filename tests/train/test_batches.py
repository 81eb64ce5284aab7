import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.train.batches import epochs, first_tensor, micro_batches, on_device


@given(n_rows=st.integers(1, 30), batch_size=st.integers(1, 40), seed=st.integers(0, 5))
def test_every_row_is_dealt_once_an_epoch(n_rows, batch_size, seed):
    batches = epochs(torch.arange(n_rows), batch_size=batch_size, seed=seed)
    dealt = torch.cat([batches(step) for step in range(-(-3 * n_rows // batch_size))])[: 3 * n_rows]
    for epoch in dealt.reshape(3, n_rows):
        assert sorted(epoch.tolist()) == list(range(n_rows))


def test_every_batch_is_full():
    batches = epochs(torch.arange(10), batch_size=4)
    assert {len(batches(step)) for step in range(20)} == {4}


def test_a_batch_depends_on_the_step_and_the_seed_alone():
    some, same, other = (epochs(torch.arange(50), batch_size=8, seed=seed) for seed in (0, 0, 1))
    for step in (9, 3, 100, 3):
        torch.rand(1)
        assert torch.equal(some(step), same(step))
    assert not torch.equal(some(3), other(3))


def test_epochs_are_shuffled_anew():
    batches = epochs(torch.arange(50), batch_size=50)
    assert not torch.equal(batches(0), batches(1))


def test_inputs_and_targets_stay_together():
    inputs = np.arange(20).reshape(10, 2)
    batches = epochs(inputs, inputs * 3, batch_size=4)
    for step in range(5):
        x, y = batches(step)
        assert torch.equal(x * 3, y)


@given(n_rows=st.integers(1, 12), n=st.integers(1, 12))
def test_micro_batches_are_the_batch_in_order(n_rows, n):
    batch = {"x": torch.arange(n_rows), "y": (torch.ones(n_rows, 2),)}
    if n > n_rows:
        with pytest.raises(ValueError, match="n must be"):
            micro_batches(batch, n)
        return
    parts = list(micro_batches(batch, n))
    assert torch.equal(torch.cat([part["x"] for part in parts]), batch["x"])
    sizes = [len(part["y"][0]) for part in parts]
    assert len(sizes) == n
    assert max(sizes) - min(sizes) <= 1


def test_a_batch_of_any_shape_moves_whole():
    moved = on_device({"x": np.ones(2), "y": [torch.ones(1), torch.ones(3)]}, "meta")
    assert [moved["x"].device.type, *(part.device.type for part in moved["y"])] == ["meta"] * 3
    assert first_tensor(moved) is moved["x"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_tokens_may_be_unsigned_as_files_hold_them(dtype):
    rows = np.array([[5, 6, 0, 7]], dtype=dtype)
    assert epochs(rows, batch_size=1)(0).tolist() == on_device(rows, "cpu").tolist() == rows.tolist()
    if dtype is not np.uint8:  # torch has unsigned bytes, and integer_tensor takes them
        assert on_device((rows,), "cpu")[0].dtype == torch.int64
