import pickle
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.bpe import BPE, load, merge_pair, pieces, train
from kit.text.corpus import standard_library
from tests.text.tokenizer_ids import fuzzed_bytes, fuzzed_text, hugging_face, ids_of_bytes
from tests.text.tokenizer_training import their_merges

TEXTS = [document.text for document in standard_library() if document.name.startswith(("json/", "html/p", "bisect"))]
TOKENISER = train(TEXTS, vocab_size=600, special=("<|end|>", "<|end|>!"))
THEIRS = hugging_face(TOKENISER)


def test_train_matches_tokenizers():
    assert list(train(TEXTS, vocab_size=700).merges) == their_merges(TEXTS, 700)


@given(st.lists(st.text("ab c", max_size=12), max_size=5), st.integers(256, 270))
def test_train_matches_a_count_made_afresh_for_each_merge(texts, vocab_size):
    words = [list(piece) for text in texts for piece in pieces(text)]
    merges = []
    while len(merges) < vocab_size - 256:
        n_pairs = Counter(pair for word in words for pair in pairwise(word))
        if not n_pairs:
            break
        merges.append(min(n_pairs, key=lambda pair: (-n_pairs[pair], pair)))
        words = [merge_pair(word, merges[-1], 255 + len(merges)) for word in words]
    assert list(train(texts, vocab_size=vocab_size).merges) == merges


def test_encode_matches_tokenizers_on_text():
    rng = random.Random(1)
    for text in [*TEXTS, *(fuzzed_text(rng) for _ in range(300))]:
        assert TOKENISER.encode(text) == THEIRS.encode(text).ids
        assert TOKENISER.decode(TOKENISER.encode(text)) == text


def test_encode_matches_tokenizers_on_special_tokens():
    rng = random.Random(2)
    theirs = hugging_face(TOKENISER)
    theirs.encode_special_tokens = False
    for text in ["a<|end|>!b<|end|>", "<|end|>", *(fuzzed_text(rng) for _ in range(300))]:
        ids = TOKENISER.encode(text, special=True)
        assert ids == theirs.encode(text).ids
        assert TOKENISER.decode(ids) == text


def test_encode_matches_tokenizers_on_bytes_that_are_no_text():
    rng = random.Random(3)
    for data in (fuzzed_bytes(rng) for _ in range(300)):
        assert TOKENISER.encode(data) == ids_of_bytes(THEIRS, data)


@given(st.text())
def test_decode_gives_back_what_encode_took(text):
    assert TOKENISER.decode(TOKENISER.encode(text)) == text
    assert TOKENISER.decode(TOKENISER.encode(text, special=True)) == text
    assert b"".join(pieces(text)) == text.encode()


@given(st.binary())
def test_decode_bytes_gives_back_what_encode_took(data):
    assert TOKENISER.decode_bytes(TOKENISER.encode(data)) == data


@given(st.lists(st.integers(0, TOKENISER.vocab_size - 1)))
def test_decode_is_printable_whatever_a_model_writes(ids):
    TOKENISER.decode(ids).encode()


@given(st.lists(st.integers(0, 3)), st.integers(0, 3), st.integers(0, 3))
def test_merge_pair_loses_nothing(ids, left, right):
    merged = merge_pair(ids, (left, right), 9)
    assert [i for each in merged for i in ((left, right) if each == 9 else (each,))] == ids
    assert (left, right) not in pairwise(merged)


def test_text_cannot_write_a_special_token_unless_asked():
    end = TOKENISER.special_ids["<|end|>"]
    assert end not in TOKENISER.encode("<|end|>")
    assert TOKENISER.encode("a<|end|>", special=True)[-1] == end


def test_load_gives_back_what_save_wrote(tmp_path):
    TOKENISER.save(tmp_path / "tokenizer.json")
    assert load(tmp_path / "tokenizer.json") == TOKENISER
    assert pickle.loads(pickle.dumps(TOKENISER)) == TOKENISER


def test_train_stops_when_every_piece_is_one_token():
    assert train(["ab ab"], vocab_size=1000).tokens[256:] == [b"ab", b" ab"]


def test_encode_survives_a_long_piece():
    assert TOKENISER.decode(TOKENISER.encode("a" * 100_000)) == "a" * 100_000


def test_bpe_rejects_two_tokens_of_the_same_bytes():
    with pytest.raises(ValueError, match="merges and special must not make a token twice, got b'a'"):
        BPE(merges=(), special=("a",))


@pytest.mark.parametrize("content", ["{}", '{"model": {"vocab": {}, "merges": []}, "added_tokens": []}', "[]"])
def test_load_rejects_another_tokeniser(tmp_path, content):
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=r"path must name a tokeniser that BPE\.save wrote"):
        load(tmp_path / "other.json")
