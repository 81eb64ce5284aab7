import numpy as np
import pytest
import torch

from kit.compress.prune import matrices
from kit.explore.compression import (
    BITS,
    EACH,
    LAYERS,
    N_RESERVED,
    N_TRAIN,
    ONE,
    SHARES,
    comb,
    compressed,
    is_small_and_good,
    new_cnn,
    outline,
    sides,
    trained_cnn,
    weights_frame,
    weights_view,
    whole,
)


def test_no_digit_is_on_two_sides_and_those_that_choose_are_always_the_same():
    keys = []
    for seed in (0, 1):
        train, report, choose = sides(seed)
        assert [len(side[1]) for side in (train, report, choose)] == [N_TRAIN, 5000 - N_TRAIN - N_RESERVED, N_RESERVED]
        together = np.concatenate([side[0] for side in (train, report, choose)]).reshape(5000, -1)
        assert len(np.unique(together, axis=0)) >= 4999
        keys.append((train[0].sum(), choose[0].sum()))
    assert keys[0][0] != keys[1][0]
    assert keys[0][1] == keys[1][1]


def test_a_new_cnn_disturbs_nobodys_draws():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    new_cnn(3)
    assert torch.equal(torch.rand(1), first)


@pytest.mark.parametrize("scale", [ONE, EACH])
def test_compressed_weights_stand_on_as_many_levels_as_the_bits_allow(scale):
    found = compressed(0.5, 3, scale)
    for name, weight in matrices(found.model).items():
        rows = weight.flatten(1) if scale == EACH else weight.flatten()[None]
        assert max(len(row.unique()) for row in rows) <= 7
        assert (weight == 0).sum() >= (matrices(trained_cnn(0))[name] == 0).sum()


def test_bytes_are_those_of_the_smallest_format_with_scales_and_biases():
    n, biases, channels = 144 + 4608 + 15680, 16 + 32 + 10, 16 + 32 + 10
    assert whole().n_bytes == 4 * (n + biases)
    assert compressed(0.0, 8, EACH).n_bytes == n + 4 * (biases + channels)
    by_bitmap = n / 8 + n / 2 * 0.5 + 4 * (biases + channels)  # a bit a place, half a byte a weight that is left
    assert 0.95 * by_bitmap < compressed(0.5, 4, EACH).n_bytes <= by_bitmap + 3  # a layer may be smaller otherwise


def test_what_is_left_alone_reads_as_before_and_what_is_pruned_away_reads_nothing():
    assert whole().accuracy > 0.9
    assert compressed(0.0, 8, EACH).accuracy == pytest.approx(whole().accuracy, abs=0.01)
    assert compressed(0.95, 2, ONE).accuracy < 0.8
    assert not is_small_and_good(whole())


def test_an_outline_counts_every_weight_once():
    values = np.array([-1.0, 0.5, 0.5, 1.0])
    x, heights = outline(values, 1.0, most=1.0)
    assert len(x) == len(heights)
    assert heights[1::2].sum() == 4


def test_a_comb_stands_up_at_each_level():
    x, y = comb(np.array([-1.0, 0.0, 1.0]), height=0.5)
    assert x[y > 0].tolist() == [-1, 0, 1]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_frame_shows_what_is_left_within_all(layer):
    frame = weights_frame(layer, 0.8, 4, EACH)
    whole_, left = frame.lines[0][1], frame.lines[1][1]
    assert (left <= whole_ + 1e-12).all()
    assert 0 < left.sum() < whole_.sum()
    assert len(frame.lines[2][0]) == 3 * 15


def test_the_quest_is_met_by_some_settings_and_by_neither_way_alone():
    view = weights_view()
    met = [
        (share, bits)
        for i, share in enumerate(SHARES)
        for j, bits in enumerate(BITS)
        if view.frame_at([0, i, j, 1]).quest_met
    ]
    assert met
    assert all(share > 0 and bits < 32 for share, bits in met)
    assert "a tenth of the bytes" in view.scene["quest"]
