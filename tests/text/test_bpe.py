import pickle
import random
import re
from collections import Counter
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.bpe import BPE, SHORT, load, merge_pair, pieces, train
from kit.text.corpus import standard_library
from kit.text.patterns import GPT2_PIECES, PIECES
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
    theirs.add_special_tokens(list(TOKENISER.special))
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


def test_a_strangers_text_cannot_write_a_special_token_in_the_exported_file():
    for text in ("hi<|end|>", "<|end|>!", "«<|end|>»"):
        assert THEIRS.encode(text).ids == TOKENISER.encode(text)
        assert not set(THEIRS.encode(text).ids) & set(TOKENISER.special_ids.values())
    assert [THEIRS.token_to_id(name) for name in TOKENISER.special] == list(TOKENISER.special_ids.values())


@given(st.lists(st.text("ab<|>", max_size=9), max_size=5))
def test_special_tokens_are_cut_out_before_training(texts):
    names = ("<a>", "<a>b")
    apart = [part for text in texts for part in re.split("<a>b|<a>", text)]
    assert train(texts, vocab_size=270, special=names).merges == train(apart, vocab_size=268).merges


def test_train_says_what_is_wrong_with_its_special_tokens_before_it_reads_a_text():
    def never():
        raise AssertionError
        yield ""

    for special in (("a",), ("",), ("<|end|>", "<|end|>")):
        with pytest.raises(ValueError, match="special"):
            train(never(), vocab_size=300, special=special)


@given(st.lists(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("a '<|end|>! 中re")))))
@pytest.mark.parametrize("pattern", [PIECES, GPT2_PIECES])
@pytest.mark.parametrize("special", [False, True])
def test_encode_stream_gives_the_ids_of_the_whole(pattern, special, parts):
    bpe = BPE(merges=TOKENISER.merges, special=TOKENISER.special, pattern=pattern)
    assert list(bpe.encode_stream(iter(parts), special=special)) == bpe.encode("".join(parts), special=special)


@pytest.mark.parametrize("letter", ["a", "中", " ", "!", "\u0301", "1"])
def test_encode_stream_reads_a_long_run_letter_by_letter(letter):
    assert list(TOKENISER.encode_stream(iter(letter * 5000))) == TOKENISER.encode(letter * 5000)


def test_encode_stream_keeps_little_back():
    ids, read = TOKENISER.encode_stream(f"word{i} " for i in count()), 0
    for _ in range(1000):
        read += next(ids) is not None
    assert read == 1000  # an endless text is encoded as it comes


def test_a_sign_of_a_script_without_spaces_is_a_piece():
    assert pieces("中文，no ไท") == [each.encode() for each in ("中", "文", "，no", " ", "ไ", "ท")]
    chinese = ["".join(random.Random(i).choices("的一是不了人我在有他", k=40)) for i in range(30)]
    bpe = train(chinese, vocab_size=300)
    assert {"的".encode(), "他".encode()} <= set(bpe.tokens)
    assert list(bpe.merges) == their_merges(chinese, 300)


def test_encode_matches_the_rule_on_long_pieces():
    rng = random.Random(4)
    for n in (0, 1, 2, SHORT, SHORT + 1, 100, 400):
        ids = list(text := "".join(rng.choices("aeinrst", k=n)).encode())
        rank = {pair: i for i, pair in enumerate(TOKENISER.merges)}
        while pair := min((p for p in pairwise(ids) if p in rank), key=rank.__getitem__, default=None):
            ids = merge_pair(ids, pair, 256 + rank[pair])
        assert TOKENISER.encode(text) == ids


def test_train_learns_from_long_runs_in_parts():
    text = "".join(random.Random(5).choices("abc", k=5000))
    assert len(train([text], vocab_size=400).merges) == 144


def test_train_stops_when_every_piece_is_one_token():
    assert train(["ab ab"], vocab_size=1000).tokens[256:] == [b"ab", b" ab"]


def test_encode_survives_a_long_piece():
    assert TOKENISER.decode(TOKENISER.encode("a" * 100_000)) == "a" * 100_000


def test_bpe_rejects_two_tokens_of_the_same_bytes():
    with pytest.raises(ValueError, match="special must not make a token twice, got bytes b'a'"):
        BPE(merges=(), special=("a",))


@pytest.mark.parametrize("content", ["{}", '{"model": {"vocab": {}, "merges": []}, "added_tokens": []}', "[]"])
def test_load_rejects_another_tokeniser(tmp_path, content):
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=r"path must name a tokeniser that BPE\.save wrote"):
        load(tmp_path / "other.json")
