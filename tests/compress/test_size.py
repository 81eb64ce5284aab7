import gzip
import io

import pytest
import scipy.sparse
import torch
from torch import nn
from torch.nn.utils import prune

from kit.compress.prune import global_masks, masks_kept, matrices
from kit.compress.size import FORMATS, raw_bytes, sizes, stored_bytes
from kit.models.gpt import GPT, GPTConfig


def test_an_index_takes_what_scipys_coordinates_take_for_a_row():
    row = torch.zeros(1, 5000)
    row[0, ::7] = 1.5
    table = scipy.sparse.csr_array(row.numpy())
    taken = table.data.nbytes + table.indices.astype("uint16").nbytes
    assert stored_bytes(5000, table.nnz, bits=32, how="index") == taken


def test_beyond_65536_places_an_index_takes_four_bytes():
    assert stored_bytes(2**16, 10, bits=32, how="index") == 60
    assert stored_bytes(2**16 + 1, 10, bits=32, how="index") == 80


@pytest.mark.parametrize(
    ("bits", "how", "breaks_even"), [(32, "index", 2 / 3), (8, "index", 1 / 3), (8, "bitmap", 7 / 8)]
)
def test_where_leaving_zeros_out_begins_to_pay(bits, how, breaks_even):
    n, less, more = 48_000, int(48_000 * breaks_even) - 8, int(48_000 * breaks_even) + 8
    dense = stored_bytes(n, n, bits=bits)
    assert stored_bytes(n, less, bits=bits, how=how) < dense < stored_bytes(n, more, bits=bits, how=how)


def test_bits_are_rounded_up_to_whole_bytes():
    assert stored_bytes(3, 3, bits=3) == 2
    assert [stored_bytes(0, 0, bits=8, how=how) for how in FORMATS] == [0, 0, 0]


def test_sizes_are_those_of_the_numbers_and_of_the_file():
    model = nn.Sequential(nn.Linear(30, 20), nn.BatchNorm1d(20))
    found, file = sizes(model), io.BytesIO()
    torch.save(model.state_dict(), file)
    assert found.dense == 4 * (30 * 20 + 20 + 20 + 20 + 20 + 20) + 8  # the count of batches is an int64
    assert found.file == len(file.getvalue())
    assert len(raw_bytes(model)) == found.dense
    assert found.zipped == len(gzip.compress(raw_bytes(model), mtime=0))


def test_a_tied_table_counts_once():
    config = GPTConfig(vocab_size=50, n_positions=8, n_layers=1, n_heads=2, d_model=4)
    model = GPT(config)
    assert sizes(model).dense == 4 * sum(p.numel() for p in model.parameters())
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    assert sizes(model).dense - sizes(GPT(config)).dense == 4 * 50 * 4


def test_a_mask_saves_nothing_until_a_format_leaves_zeros_out():
    model = nn.Sequential(nn.Linear(200, 100))
    before = sizes(model)
    with masks_kept(model, global_masks(matrices(model), share=0.8)):
        pass
    after = sizes(model)
    assert (after.dense, after.file) == (before.dense, before.file)
    assert after.index == 4000 * 6 + 400  # 4 bytes and an index of 2 for each weight that is left; the biases
    assert after.bitmap == 4000 * 4 + 20_000 // 8 + 400
    assert after.zipped < before.zipped / 2


def test_torchs_own_masks_make_the_file_larger():
    layer = nn.Linear(200, 100)
    before = sizes(layer).file
    prune.l1_unstructured(layer, "weight", amount=0.8)
    assert sizes(layer).file > 1.9 * before  # the weights as they were, and a mask of floats
