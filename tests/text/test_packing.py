from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.text.packing import (
    IGNORE_INDEX,
    attention_mask,
    chunk,
    concatenate,
    document_ids,
    group_by_length,
    next_tokens,
    pack,
    pad,
    positions,
    split_documents,
)
from tests.text.packing_sets import lost_or_doubled, sees_another

DOCUMENTS = st.lists(st.lists(st.integers(1, 9), max_size=9), max_size=6)
LENGTH = st.integers(1, 8)


@given(DOCUMENTS, LENGTH)
def test_pack_loses_no_token_and_doubles_none(documents, length):
    assert lost_or_doubled(documents, length=length) == 0


@given(DOCUMENTS, LENGTH)
def test_attention_mask_lets_no_document_see_another(documents, length):
    assert sees_another(documents, length=length) == 0


@given(DOCUMENTS)
def test_part_undoes_join(documents):
    assert [ids.tolist() for ids in split_documents(concatenate(documents, end=0), end=0)] == documents


@given(st.lists(st.integers(0, 9)), LENGTH, st.integers(0, 7))
def test_chunk_repeats_exactly_the_overlap(stream, length, overlap):
    overlap = min(overlap, length - 1)
    rows = chunk(np.array(stream, dtype=int), length=length, overlap=overlap, fill=0)
    fresh = [row[overlap if i else 0 :].tolist() for i, row in enumerate(rows)]
    put_together = list(chain.from_iterable(fresh))
    assert put_together[: len(stream)] == stream
    assert not any(put_together[len(stream) :])
    assert all((a[length - overlap :] == b[:overlap]).all() for a, b in pairwise(rows))
    assert len(put_together) - len(stream) < (length if len(rows) == 1 else length - overlap) or not stream


@given(DOCUMENTS, LENGTH)
def test_numbers_and_positions_match_a_walk_along_the_row(documents, length):
    rows = pack(documents, length=length, end=0)
    for row, numbers, places in zip(
        rows.tolist(), document_ids(rows, end=0).tolist(), positions(rows, end=0).tolist(), strict=True
    ):
        number = place = 0
        for token, n, p in zip(row, numbers, places, strict=True):
            assert (n, p) == (number, place)
            number, place = (number + 1, 0) if token == 0 else (number, place + 1)


@given(DOCUMENTS, LENGTH)
def test_next_tokens_stay_within_a_document(documents, length):
    rows = pack(documents, length=length, end=0)
    for row, targets in zip(rows.tolist(), next_tokens(rows, end=0).tolist(), strict=True):
        for i, target in enumerate(targets):
            assert target == (IGNORE_INDEX if row[i] == 0 or i == length - 1 else row[i + 1])


def test_attention_gives_the_same_numbers_packed_and_alone():
    generator = torch.Generator().manual_seed(0)
    documents = [[1, 2, 3], [4, 5], [6, 7, 8, 9]]
    row = pack(documents, length=12, end=0)
    embedding = torch.randn(10, 8, dtype=torch.float64, generator=generator)

    def attend(ids: np.ndarray) -> torch.Tensor:
        x, mask = embedding[torch.from_numpy(ids)], torch.from_numpy(attention_mask(ids, end=0))
        return torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)

    alone = torch.cat([attend(concatenate([document], end=0)) for document in documents])
    torch.testing.assert_close(attend(row[0]), alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_rows_may_be_unsigned_as_files_hold_them(dtype):
    rows = np.array([[5, 6, 0, 7]])
    for work in (document_ids, positions, attention_mask, next_tokens):
        np.testing.assert_array_equal(work(rows.astype(dtype), end=0), work(rows, end=0))


def test_part_says_at_once_that_a_stream_stops_inside_a_document():
    with pytest.raises(ValueError, match="stream must stop at the end token 0, got 5"):
        split_documents(np.array([0, 5]), end=0)


def test_pad_keeps_every_token_and_says_which_they_are():
    documents = [[5], [6, 7, 8], [9, 0]]
    rows, present = pad(documents, fill=0)
    assert [row[here].tolist() for row, here in zip(rows, present, strict=True)] == documents
    assert rows[~present].tolist() == [0, 0, 0]


@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=9), min_size=1, max_size=20), st.integers(1, 6))
def test_by_length_gives_every_token_its_next_and_no_other_target(documents, batch_size):
    batches = group_by_length(documents, batch_size=batch_size, fill=0, rng=np.random.default_rng(0))
    pairs = [(i, t) for inputs, targets in batches for i, t in zip(inputs, targets, strict=True)]
    found = [[int(i[0]), *t[t != IGNORE_INDEX].tolist()] for i, t in pairs]
    assert sorted(found) == sorted(documents)
    assert all((i[1 : (t != IGNORE_INDEX).sum()] == t[: (t != IGNORE_INDEX).sum() - 1]).all() for i, t in pairs)
    assert all(len(inputs) == batch_size for inputs, _ in batches) or len(documents) % batch_size
