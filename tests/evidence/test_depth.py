"""Claim D01: four nets that differ by skip and BatchNorm alone, tuned as equals on pictures that never count."""

import numpy as np
import pytest
import torch

from kit.check.claim import settle
from kit.evidence import depth
from kit.evidence.depth import (
    AS_PUBLISHED,
    DEPTH_TRIALS,
    DEPTHS_SHOWN,
    NETS,
    RATES,
    START_NORMS,
    TRIED,
    chosen,
    make,
    sides,
)
from kit.evidence.store import stored
from kit.models.parameters import n_params


def rows_of(side) -> set:
    return {picture.tobytes() for picture in side[0]}


def test_what_chooses_never_counts_and_no_picture_is_on_two_sides():
    tried, counted = [sides(TRIED + seed) for seed in (0, 3)], [sides(seed) for seed in (0, 3, 7_000)]
    for train, test in (*tried, *counted):
        assert not rows_of(train) & rows_of(test)
    choosing, counting = (
        set().union(*(rows_of(side) for pair in pairs for side in pair)) for pairs in (tried, counted)
    )
    assert not choosing & counting
    assert [len(part[1]) for part in counted[0]] == [1_000, 2_000]
    assert [len(part[1]) for part in tried[0]] == [1_000, 500]


def test_the_nets_differ_by_skip_and_norm_alone():
    nets = {net: make(net, 8, "He", seed=0) for net in NETS}
    for a, b in (("plain", "skip"), ("plain, norm", "skip, norm")):
        states = nets[a].state_dict(), nets[b].state_dict()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert n_params(nets["plain"]) < n_params(nets["plain, norm"])
    with torch.random.fork_rng():
        torch.manual_seed(5)
        before = torch.rand(1)
        torch.manual_seed(5)
        make("plain", 8, "He", seed=1)
        assert torch.equal(torch.rand(1), before)  # nobody else's numbers have moved


def test_every_net_had_the_same_trials_and_no_rate_lies_at_an_edge_where_it_counts():
    for deep in DEPTHS_SHOWN:
        found = chosen(deep)
        assert {len(losses) for losses in found.losses.values()} == {len(RATES)}
    for net in AS_PUBLISHED:
        assert chosen(56).best[net, None].setting["lr"] not in (RATES[0], RATES[-1])


def test_what_is_stored_is_what_a_run_measures():
    found = depth.norms_before(depth=8, net="skip, norm", start="He", seed=0)
    for name, value in found.items():
        assert value == pytest.approx(stored(START_NORMS, name, depth=8, net="skip, norm", start="He")[0], rel=1e-2)
    assert len(stored(DEPTH_TRIALS, "accuracy", depth=8, net="plain")) == 1


@pytest.mark.parametrize(("lost", "outcome"), [(1e-5, "holds"), (0.5, "fails")])
def test_a_world_in_which_the_gradient_vanishes_and_one_in_which_it_does_not_are_told_apart(lost, outcome):
    """With BatchNorm: `lost` is what is left of the plain net's gradient, give or take a factor of 2."""
    rng = np.random.default_rng(0)
    luck = np.exp(rng.normal(scale=0.7, size=(2, 10)))
    gain = rng.normal(0.2, 0.05, size=10)
    verdict = settle("D01", {"D01.1": 1e6 * luck[0], "D01.2": lost * luck[1], "D01.3": gain})
    assert dict(zip(("D01.1", "D01.2", "D01.3"), (s["outcome"] for s in verdict.table["sentences"]), strict=True)) == {
        "D01.1": "holds",
        "D01.2": outcome,
        "D01.3": "holds",
    }
