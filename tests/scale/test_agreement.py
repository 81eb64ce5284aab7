"""PyTorch's strategies on gloo processes under torchrun: one start for all of them."""

import pytest

from kit.scale.agree import STRATEGIES
from tests.scale.agreement import BAR, of_processes


@pytest.fixture(scope="module")
def found():
    return {line["strategy"]: line for line in of_processes(n_ranks=2)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ten_steps_on_two_ranks_are_those_of_one_process(found, strategy):
    line = found[strategy]
    assert max(line["weights"], line["gradients"], line["loss"]) <= BAR


def test_data_parallel_keeps_everything_on_every_rank(found):
    assert found["data"]["bytes"] == [found["data"]["bytes of one"]] * 2


def test_fsdp_halves_weights_gradients_and_optimiser(found):
    line = found["FSDP"]
    for part, whole in line["bytes of one"].items():
        assert sum(rank[part] for rank in line["bytes"]) == whole
        for rank in line["bytes"]:
            assert rank[part] == pytest.approx(whole / 2, rel=0.05)


@pytest.mark.parametrize("strategy", ["tensor", "GPipe", "1F1B"])
def test_a_split_model_needs_less_on_the_fuller_rank(found, strategy):
    line = found[strategy]
    fuller = max(sum(rank.values()) for rank in line["bytes"])
    assert 0.5 < fuller / sum(line["bytes of one"].values()) < 0.65
