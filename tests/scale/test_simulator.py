import numpy as np
import pytest

from kit.scale.simulator import Cluster, DeadlockError, OutOfMemoryError, size


def passed_on(rank, x):
    rank.send((rank.number + 1) % rank.n_ranks, x + rank.number)
    return rank.receive((rank.number - 1) % rank.n_ranks)


def test_a_message_arrives_at_the_rank_that_it_was_sent_to():
    found = Cluster(4).run(passed_on, np.zeros(2))
    assert [each.tolist() for each in found] == [[3, 3], [0, 0], [1, 1], [2, 2]]


def test_messages_are_counted_by_their_bytes():
    cluster = Cluster(3)
    cluster.run(passed_on, np.zeros(5, dtype=np.float32))
    assert [rank.sent for rank in cluster.ranks] == [20, 20, 20]


def test_a_message_is_a_copy():
    def work(rank):
        x = np.zeros(1)
        if rank.number == 0:
            rank.send(1, x)
            x += 1
            return x[0]
        return rank.receive(0)[0]

    assert Cluster(2).run(work) == [1, 0]


def test_messages_of_two_ranks_come_in_their_order():
    def work(rank):
        if rank.number == 0:
            for k in range(5):
                rank.send(1, np.array([k]))
            return None
        return [int(rank.receive(0)[0]) for _ in range(5)]

    assert Cluster(2).run(work)[1] == [0, 1, 2, 3, 4]


def test_what_is_kept_is_counted_and_its_peak_remembered():
    def work(rank):
        rank["a"] = np.zeros(10)
        rank["b"] = {"x": [np.zeros(3), None]}
        rank["a"] = np.zeros(2)
        del rank["b"]
        return rank.bytes

    cluster = Cluster(1)
    assert cluster.run(work) == [16]
    assert (cluster.ranks[0].peak, cluster.ranks[0].peaks) == (104, {"a": 80, "b": 24})


def test_a_rank_cannot_keep_more_than_its_memory():
    def work(rank):
        rank["weights"] = np.zeros(4)
        rank["gradients"] = np.zeros(4 + rank.number)

    Cluster(1, memory=64).run(work)
    with pytest.raises(
        OutOfMemoryError, match="rank 1 has 64 bytes, and gradients of 40 would make it 72; beside it: weig"
    ):
        Cluster(2, memory=64).run(work)


def test_ranks_that_wait_for_each_other_are_told_so():
    with pytest.raises(DeadlockError, match="rank 0 for rank 1, rank 1 for rank 0 waits"):
        Cluster(2).run(lambda rank: rank.receive(1 - rank.number))


def test_a_rank_that_waits_for_one_that_has_ended_is_told_so():
    with pytest.raises(DeadlockError, match="rank 2 for rank 0"):
        Cluster(3).run(lambda rank: rank.receive(0) if rank.number == 2 else None)


def test_an_error_names_its_rank_and_ends_the_others():
    def work(rank):
        if rank.number == 1:
            raise KeyError("moo")
        return rank.receive(1)

    with pytest.raises(KeyError, match="moo") as caught:
        Cluster(3).run(work)
    assert caught.value.__notes__ == ["on rank 1 of 3"]


def test_of_ranks_that_fail_alike_the_first_is_named():
    def work(rank):
        rank["weights"] = np.zeros(4)

    for _ in range(20):
        with pytest.raises(OutOfMemoryError, match=r"^rank 0 has 8 bytes"):
            Cluster(4, memory=8).run(work)


def test_a_cluster_can_run_again_after_a_failure():
    cluster = Cluster(2)
    with pytest.raises(DeadlockError):
        cluster.run(lambda rank: rank.receive(1 - rank.number))
    assert [each.tolist() for each in cluster.run(passed_on, np.zeros(1))] == [[1], [0]]


def test_size_counts_what_is_inside():
    assert size(({"a": np.zeros(2)}, [np.zeros(1, dtype=np.int8)], None)) == 17
