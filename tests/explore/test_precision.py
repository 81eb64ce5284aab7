import numpy as np
import pytest
import torch

from kit.explore.precision import (
    BATCHES,
    COLORS,
    ENOUGH,
    EXPONENTS,
    MODELS,
    PARTS,
    POWERS,
    bfloat16_loss,
    gpt2_memory,
    gradients,
    histogram,
    memory_frame,
    one_part,
    shares_out_of_range,
    stairs,
    story_gpt,
    story_rows,
    underflow_frame,
)
from kit.train.loop import backward
from kit.train.objectives import next_token_loss


def test_gradients_vanish_in_float16_unscaled_and_not_in_bfloat16():
    found = dict(zip(POWERS, shares_out_of_range(), strict=True))
    assert found[0].underflow > 0.3
    assert found[16].underflow < ENOUGH
    assert found[36].overflow > 0.01
    assert bfloat16_loss() == 0


def test_vanishing_falls_and_overflow_rises_with_the_scale():
    assert (np.diff([each.underflow for each in shares_out_of_range()]) <= 0).all()
    assert (np.diff([each.overflow for each in shares_out_of_range()]) >= 0).all()


def test_the_histogram_counts_every_gradient_that_is_not_0():
    exponents, heights = histogram()
    assert heights.sum() == pytest.approx(100)
    assert (exponents[0], exponents[-1]) == EXPONENTS
    assert heights[0] < 0.2
    assert np.log2(gradients().abs().max().item()) < exponents[-1] + 1


def test_the_outline_moves_by_the_scale():
    (x0, y0), (x8, y8) = (underflow_frame(power).lines[0] for power in (0, 8))
    np.testing.assert_array_equal(x8, x0 + 8)
    np.testing.assert_array_equal(y0, y8)


def test_stairs_have_one_stair_for_each_height():
    x, y = stairs(np.array([3, 4]), np.array([1.0, 2.0]))
    assert x.tolist() == [3, 3, 4, 4, 5, 5]
    assert y.tolist() == [0, 1, 1, 2, 2, 0]


def test_one_part_is_one_of_so_many():
    model, rows = story_gpt(0), story_rows()[:4]
    assert one_part(model, rows).item() == pytest.approx(next_token_loss(model, rows).item() / PARTS)


def test_the_gradients_of_one_part_are_those_of_the_batch_over_the_number_of_parts():
    model, twin = story_gpt(0), story_gpt(0)
    backward(model, one_part, story_rows()[:4])
    backward(twin, next_token_loss, story_rows()[:4])
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad * PARTS, theirs.grad)


def test_a_view_leaves_the_readers_own_draws_alone():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    story_gpt(3)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("size", MODELS)
@pytest.mark.parametrize("keep", ["everything", "inputs of blocks"])
def test_the_bar_is_as_long_as_the_bill(size, keep):
    frame = memory_frame(size, 8, "bfloat16", keep)
    bill = gpt2_memory(size, 8, "bfloat16", keep != "everything")
    assert frame.lines[-1][0] == pytest.approx(bill.total / 1e9)
    for (before, _), (after, _) in zip(frame.lines[:-2], frame.lines[1:-1], strict=True):
        assert before[1] == after[0]
    assert len(frame.lines) == len(COLORS) + 1


def test_the_memory_quest_needs_checkpoints():
    met = {
        (batch, keep)
        for batch in BATCHES
        for keep in ("everything", "inputs of blocks")
        if memory_frame("774M", batch, "bfloat16", keep).quest_met
    }
    assert met == {(4, "inputs of blocks"), (8, "inputs of blocks")}
