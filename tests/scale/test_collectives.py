import numpy as np
import pytest

from kit.scale.collectives import all_gather, all_reduce, reduce_scatter
from kit.scale.memory import bytes_sent
from kit.scale.simulator import Cluster

RANKS = (1, 2, 3, 4, 7)


def own(rank, shape):
    return np.random.default_rng(rank.number).normal(size=shape)


@pytest.mark.parametrize("n_ranks", RANKS)
@pytest.mark.parametrize("shape", [(24,), (5, 3), (2,)])
def test_all_reduce_gives_every_rank_the_sum(n_ranks, shape):
    cluster = Cluster(n_ranks)
    found = cluster.run(lambda rank: all_reduce(rank, own(rank, shape)))
    wanted = sum(own(rank, shape) for rank in cluster.ranks)
    for each in found:
        np.testing.assert_allclose(each, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_ranks", RANKS)
def test_reduce_scatter_gives_each_rank_its_part_of_the_sum(n_ranks):
    cluster = Cluster(n_ranks)
    found = cluster.run(lambda rank: reduce_scatter(rank, own(rank, 21)))
    wanted = np.array_split(sum(own(rank, 21) for rank in cluster.ranks), n_ranks)
    for each, part in zip(found, wanted, strict=True):
        np.testing.assert_allclose(each, part, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_ranks", RANKS)
def test_all_gather_lays_the_parts_end_to_end(n_ranks):
    for each in Cluster(n_ranks).run(lambda rank: all_gather(rank, np.full(rank.number + 1, 1.0 * rank.number))):
        assert each.tolist() == [k for k in range(n_ranks) for _ in range(k + 1)]


@pytest.mark.parametrize("n_ranks", RANKS)
def test_all_reduce_sends_what_the_formula_says(n_ranks):
    cluster = Cluster(n_ranks)
    cluster.run(lambda rank: all_reduce(rank, np.zeros(840)))
    assert [rank.sent for rank in cluster.ranks] == [bytes_sent(840 * 8, n_ranks=n_ranks, stage=0)] * n_ranks


def test_all_reduce_leaves_its_input_as_it_is():
    def work(rank):
        x = np.ones(4)
        all_reduce(rank, x)
        return x.sum()

    assert Cluster(2).run(work) == [4, 4]
