import pytest
import torch

from kit.scale.shares import share_loss, shares
from kit.scale.story import story_batches, story_gpt
from kit.text.packing import IGNORE_INDEX
from kit.train.loop import backward
from kit.train.objectives import n_targets, token_loss


def gradients(model):
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 4])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_average_over_ranks_is_the_loss_and_gradient_of_the_whole_batch(n_ranks, accumulate):
    batches, model = story_batches(12), story_gpt(0)
    wanted = backward(model, token_loss, batches(0))
    whole = gradients(model)
    model.zero_grad()
    own = [
        backward(model, share_loss, shares(batches, rank=rank, n_ranks=n_ranks)(0), accumulate=accumulate)
        for rank in range(n_ranks)
    ]
    assert torch.stack(own).mean().item() == pytest.approx(wanted.item(), rel=1e-12)
    torch.testing.assert_close(gradients(model) / n_ranks, whole, rtol=1e-10, atol=1e-12)


def test_the_mean_of_means_is_another_gradient():
    batches, model = story_batches(12), story_gpt(0)
    backward(model, token_loss, batches(0))
    whole = gradients(model)
    model.zero_grad()
    for rank in range(4):
        backward(model, token_loss, shares(batches, rank=rank, n_ranks=4)(0)[:2])
    off = (gradients(model) / 4 - whole).abs().max() / whole.abs().max()
    assert off > 0.01


def test_the_rows_of_all_ranks_are_those_of_the_batch():
    batches = story_batches(10)
    parts = [shares(batches, rank=rank, n_ranks=4)(7) for rank in range(4)]
    for i, whole in enumerate(batches(7)):
        assert torch.equal(torch.cat([part[i] for part in parts]), whole)
    assert len({int(n_targets(part[:2])) for part in parts}) > 1


def test_a_rank_without_a_target_still_goes_through_its_rows():
    def batches(step):
        targets = torch.full((4, 3), IGNORE_INDEX)
        targets[3] = 1
        return torch.ones(4, 3, dtype=torch.int64), targets

    model = story_gpt(0)
    for rank, wanted in ((0, 0.0), (1, 2.0)):
        mine = shares(batches, rank=rank, n_ranks=2)(0)
        assert n_targets(mine) == 2  # its rows: `fit` leaves a batch of weight 0 out, and the others would wait
        loss = backward(model, share_loss, mine)
        assert all(parameter.grad is not None for parameter in model.parameters())
        assert loss.item() == pytest.approx(wanted * token_loss(model, batches(0)).item())


def test_a_batch_with_fewer_rows_than_ranks_is_refused():
    with pytest.raises(ValueError, match="batches must have a row for each of 4 ranks, got 3 at step 2"):
        shares(story_batches(3), rank=0, n_ranks=4)(2)
