import numpy as np
import pytest

from kit.scale.memory import bytes_sent, zero_bytes
from kit.scale.schedule import most_in_flight, one_f_one_b
from kit.scale.simulated import STAGES, STRATEGIES, Run, simulate
from kit.scale.simulator import OutOfMemoryError
from kit.scale.stack import first_blocks, flat, gradient, some_rows

RNG = np.random.default_rng(0)
BLOCKS, ROWS = first_blocks(4, width=8, hidden=16, rng=RNG), some_rows(12, width=8, rng=RNG)
BYTES = sum(flat(block).nbytes for block in BLOCKS)
RANKS = (1, 2, 4)


def run(strategy: str, n_ranks: int, *, n_steps: int = 10, n_micro: int = 4, **settings) -> Run:
    return simulate(strategy, BLOCKS, ROWS, n_ranks=n_ranks, n_steps=n_steps, n_micro=n_micro, **settings)


ONE = run("one process", 1)


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
@pytest.mark.parametrize("n_ranks", [*RANKS, 3])
def test_every_strategy_gives_the_weights_and_gradients_of_one_process(strategy, n_ranks):
    found = run(strategy, n_ranks)
    for ours, theirs in zip(found.blocks + found.slopes, ONE.blocks + ONE.slopes, strict=True):
        np.testing.assert_allclose(flat(ours), flat(theirs), rtol=0, atol=1e-12)


def test_one_process_takes_the_gradient_of_the_whole_batch():
    found = run("one process", 1, n_steps=1)
    rows = ROWS(0)
    for ours, theirs in zip(found.slopes, gradient(BLOCKS, rows, n=rows[2].sum()), strict=True):
        np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("strategy", "stage"), STAGES.items())
@pytest.mark.parametrize("n_ranks", RANKS)
def test_zero_sends_and_keeps_what_is_reckoned(strategy, stage, n_ranks):
    found = run(strategy, n_ranks)
    for sent, peaks in zip(found.sent, found.peaks, strict=True):
        assert sent == pytest.approx(bytes_sent(BYTES, n_ranks=n_ranks, stage=stage), rel=0.01)
        kept = sum(peaks[part] for part in ("weights", "gradients", "optimizer"))
        n, bytes_each = BYTES / 8, {"weights": 8, "gradients": 8, "optimizer": 16}
        assert kept == pytest.approx(zero_bytes(n, n_ranks=n_ranks, stage=stage, **bytes_each), rel=0.01)


@pytest.mark.parametrize("n_ranks", RANKS)
def test_tensor_parallel_sends_two_sums_of_activations_a_block(n_ranks):
    a_sum = bytes_sent(12 * 8 * 8, n_ranks=n_ranks, stage=0)
    assert run("tensor", n_ranks).sent == pytest.approx([2 * len(BLOCKS) * a_sum] * n_ranks, rel=0.01)


@pytest.mark.parametrize("n_ranks", [2, 4])
def test_a_pipeline_sends_activations_forward_and_slopes_back(n_ranks):
    edge = 12 * 8 * 8
    assert run("1F1B", n_ranks).sent == [edge, *[2 * edge] * (n_ranks - 2), edge]


def test_1f1b_keeps_no_more_micro_batches_than_stages_follow():
    kept = {name: run(name, 2, n_micro=6).peaks for name in ("GPipe", "1F1B")}
    for rank in range(2):
        most = most_in_flight(one_f_one_b(rank, n_stages=2, n_micro=6))
        assert kept["1F1B"][rank]["activations"] * 6 == kept["GPipe"][rank]["activations"] * most


def test_zero_3_trains_where_data_parallel_has_no_memory():
    room = round(2.6 * BYTES)
    with pytest.raises(OutOfMemoryError, match="rank"):
        run("data", 4, memory=room)
    assert run("ZeRO-3", 4, memory=room).peak <= room


def test_one_process_has_one_rank():
    with pytest.raises(ValueError, match="n_ranks must be 1 for one process, got 2"):
        run("one process", 2)
