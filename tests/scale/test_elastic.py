"""A worker and a node killed under torchrun; `python -m tests.scale.killed` kills at ten random steps."""

import json
import shutil
import sys

import pytest
import torch

from kit.scale.checkpoint import sharded_run
from kit.scale.data_parallel import fully_sharded, whole_norm
from kit.scale.data_parallel import whole as gather
from kit.scale.elastic import BATCH_SIZE, samples_seen, worlds
from kit.scale.shares import share_loss, shares
from kit.scale.story import story_batches, story_gpt
from kit.train import checkpoint
from kit.train.loop import fit
from tests.scale.alone import group_of_one
from tests.scale.killed import in_peace, lost_and_doubled, same_weights, with_a_node_lost, with_workers_killed

N_STEPS = 10
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    in_peace(folder, N_STEPS)
    return folder


def test_a_run_left_in_peace_sees_every_sample_in_order(whole):
    assert lost_and_doubled(whole, N_STEPS) == (0, 0)
    assert worlds(whole) == [2]
    assert sorted(samples_seen(whole)) == sorted([*range(60), *range(60)])  # two epochs of sixty stories


def test_a_killed_worker_costs_no_sample_and_no_bit(whole, tmp_path):
    with_workers_killed(tmp_path, N_STEPS, ["5:1"])
    assert (tmp_path / "killed 5 1").exists()
    assert worlds(tmp_path) == [2, 2]
    assert lost_and_doubled(tmp_path, N_STEPS) == (0, 0)
    assert same_weights(whole, tmp_path)


def test_the_checkpoint_of_two_ranks_is_read_by_one(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    wanted = checkpoint.load(whole / "weights.pt")
    with group_of_one():
        model = fully_sharded(story_gpt(1, dtype=torch.float32, dropout=0.1))
        mine = shares(story_batches(BATCH_SIZE), rank=0, n_ranks=1)
        keep = sharded_run(tmp_path / "run", batch_size=BATCH_SIZE)
        settings = {"lr": 3e-3, "norm": whole_norm, "checkpoint": keep}
        history = fit(model, share_loss, mine, n_steps=N_STEPS, **settings)
        assert len(history.records) == N_STEPS
        assert all(torch.equal(gather(parameter), wanted[name]) for name, parameter in model.named_parameters())
        assert len(fit(model, share_loss, mine, n_steps=N_STEPS + 1, **settings).records) == N_STEPS + 1


def test_two_nodes_then_one_then_two_lose_no_sample(tmp_path):
    folder = tmp_path / "nodes"
    with_a_node_lost(folder, N_STEPS, lost_at=3, back_at=6)
    found = worlds(folder)
    assert found[0] == found[-1] == 2
    assert 1 in found
    assert lost_and_doubled(folder, N_STEPS) == (0, 0)


def write(folder, lines):
    for attempt, step, rank, n_ranks, ids in lines:
        line = {"attempt": attempt, "step": step, "rank": rank, "n_ranks": n_ranks, "ids": ids}
        with (folder / f"seen {attempt} {rank}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def test_what_was_undone_does_not_count(tmp_path):
    write(tmp_path, [(1, 0, 0, 2, [4]), (1, 0, 1, 2, [5]), (1, 1, 0, 2, [6]), (2, 1, 0, 1, [6, 7])])
    assert samples_seen(tmp_path) == [4, 5, 6, 7]


def test_a_rank_that_is_missing_is_found(tmp_path):
    write(tmp_path, [(1, 0, 0, 2, [4]), (2, 0, 1, 2, [5])])
    with pytest.raises(ValueError, match="folder must hold the samples of 2 ranks, got those of"):
        samples_seen(tmp_path)
