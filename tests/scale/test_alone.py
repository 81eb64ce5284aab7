"""What can be shown on one rank: refusals, norms, checkpoints, and a pipeline of one stage."""

import json
import math

import pytest
import torch
from torch import nn

from kit.scale.checkpoint import sharded_run
from kit.scale.data_parallel import fully_sharded, replicated, whole, whole_norm
from kit.scale.pipeline import Pipeline
from kit.scale.shares import share_loss, shares
from kit.scale.story import story_batches, story_gpt
from kit.scale.tensor_parallel import by_rank, tensor_parallel
from kit.train.loop import backward, fit
from kit.train.objectives import token_loss
from tests.scale.alone import group_of_one


@pytest.fixture(scope="module", autouse=True)
def group():
    with group_of_one():
        yield


def trained(folder, n_steps, *, batch_size=6, lr=1e-2, clip=1.0, dropout=0.1):
    torch.manual_seed(0)
    model = fully_sharded(story_gpt(0, dtype=torch.float32, dropout=dropout))
    mine = shares(story_batches(batch_size), rank=0, n_ranks=1)
    keep = sharded_run(folder, batch_size=batch_size)
    settings = {"norm": whole_norm, "checkpoint": keep, "checkpoint_every": 2, "clip": clip}
    history = fit(model, share_loss, mine, n_steps=n_steps, lr=lr, **settings)
    return {name: whole(parameter).clone() for name, parameter in model.named_parameters()}, history


def test_a_sharded_run_goes_on_as_if_it_had_never_stopped(tmp_path):
    without, history = trained(tmp_path / "a", 5)
    trained(tmp_path / "b", 3)
    again, resumed = trained(tmp_path / "b", 5)
    assert history.losses.tolist() == resumed.losses.tolist()
    assert all(torch.equal(again[name], without[name]) for name in without)


def test_the_position_is_saved_as_a_number_of_samples(tmp_path):
    trained(tmp_path, 3)
    kept = json.loads((tmp_path / "latest.json").read_text())
    assert (kept["samples"], kept["batch_size"], kept["place"]) == (18, 6, "step 3")
    assert [each.name for each in tmp_path.glob("step *")] == ["step 3"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 5}, "batch_size must be 6, as in .*, which stands at sample 18; got 5"),
        ({"lr": 2e-2}, "lr must be 0.01 at step 0, as in .*, got 0.02"),
        ({"clip": 2.0}, "clip must be 1.0, as in .*, got 2.0"),
        ({"n_steps": 2}, "n_steps must be >= 3, the steps taken in .*, got 2"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, changed, message):
    trained(tmp_path, 3)
    with pytest.raises(ValueError, match=message):
        trained(tmp_path, **{"n_steps": 3} | changed)


def test_a_whole_norm_is_torchs_norm():
    model = fully_sharded(story_gpt(0))
    backward(model, share_loss, shares(story_batches(6), rank=0, n_ranks=1)(0))
    parts = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    for kind in (2.0, math.inf):
        wanted = nn.utils.get_total_norm([whole(part) for part in parts], kind)
        assert whole_norm(parts, kind).item() == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize("schedule", ["GPipe", "1F1B"])
def test_a_pipeline_of_one_stage_fills_the_gradients_of_the_batch(schedule):
    model, batch = story_gpt(0), story_batches(6)(0)
    pipe = Pipeline(model, rank=0, n_ranks=1, n_micro=3, schedule=schedule)
    loss = backward(pipe.stage, pipe.loss, batch)
    assert loss.item() == pytest.approx(backward(model, token_loss, batch).item(), rel=1e-12)
    found, wanted = dict(pipe.stage.named_parameters()), dict(model.named_parameters())
    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(found[name].grad, wanted[name].grad, rtol=1e-10, atol=1e-12)
    own, whole_of_one = ([p.grad for p in each.parameters() if p.grad is not None] for each in (pipe.stage, model))
    wanted_norm = nn.utils.get_total_norm(whole_of_one)
    assert pipe.norm(own).item() == pytest.approx(wanted_norm.item(), rel=1e-12)


def test_a_pipeline_refuses_what_it_cannot_do():
    model = story_gpt(0)
    with pytest.raises(ValueError, match="n_micro must be >= n_ranks, 2, got 1"):
        Pipeline(model, rank=0, n_ranks=2, n_micro=1)
    with pytest.raises(ValueError, match="n_ranks must be <= the number of blocks, 4, got 5"):
        Pipeline(model, rank=0, n_ranks=5, n_micro=5)
    pipe = Pipeline(model, rank=0, n_ranks=1, n_micro=4)
    with pytest.raises(ValueError, match="batch must have a multiple of 4 rows, got 6"):
        pipe.loss(pipe.stage, story_batches(6)(0))
    with pytest.raises(TypeError, match="batch must be a pair of tokens and targets"):
        pipe.loss(pipe.stage, story_batches(4)(0)[0])
    with pytest.raises(ValueError, match=r"accumulate must be 1 and the loss unscaled .*, got a factor of 0\.5"):
        (pipe.loss(pipe.stage, story_batches(4)(0)) / 2).backward()


def test_tensor_parallel_refuses_what_ranks_cannot_share():
    mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
    with pytest.raises(ValueError, match=r"model must be without dropout, got 0\.1"):
        tensor_parallel(story_gpt(0, dropout=0.1), mesh)


def test_rows_of_qkv_are_cut_by_heads():
    n_ranks, qkv = 2, torch.arange(3 * 8)
    q, k, v = qkv.chunk(3)
    first, second = qkv[by_rank(24, n_ranks)].chunk(n_ranks)
    assert first.tolist() == torch.cat([q[:4], k[:4], v[:4]]).tolist()
    assert second.tolist() == torch.cat([q[4:], k[4:], v[4:]]).tolist()


def test_ddp_of_one_rank_is_the_model():
    model = replicated(story_gpt(0))
    mine = shares(story_batches(6), rank=0, n_ranks=1)(0)
    assert backward(model, share_loss, mine).item() == pytest.approx(token_loss(story_gpt(0), mine[:2]).item())


def test_fully_sharded_wants_blocks():
    with pytest.raises(ValueError, match="model must have a list of blocks, got str 'Linear'"):
        fully_sharded(nn.Linear(2, 2))
