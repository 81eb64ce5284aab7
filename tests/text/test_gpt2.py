import json
import random

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Tokenizer

from kit.text.bpe import load, pieces, train
from kit.text.corpus import standard_library
from kit.text.gpt2 import load_gpt2, save_gpt2
from kit.text.patterns import GPT2_PIECES, PIECES, spell, unspell
from tests.text.tokenizer_ids import fuzzed_text

TEXTS = [document.text for document in standard_library() if document.name.startswith(("json/", "bisect"))]
OURS = train(TEXTS, vocab_size=500, special=("<|endoftext|>",), pattern=GPT2_PIECES)
STRANGE = [
    "it's we'll I'M 'tis o'clock's",
    "½ x² Ⅷ 3.14 ٣ 一二 ১২",
    "naïve café Straße ёж हिन्दी 한국어 中文，没有空格。 ไทย",
    "a\u00a0b\u3000c\u2028d\x85e\x1cf\x1dg\u180eh\u200bi",
    " \t\n  x \n\n y\r\n",
    "👩‍🚀🇩🇪❤️ \u0301\u0308",
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt2")
    save_gpt2(OURS, folder)
    return folder / "vocab.json", folder / "merges.txt"


def strange_texts():
    rng = random.Random(0)
    return [*STRANGE, *TEXTS, *(fuzzed_text(rng) for _ in range(300))]


def test_gpt2_pieces_match_tokenizers():
    theirs = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    for text in strange_texts():
        assert [spell(piece) for piece in pieces(text, pattern=GPT2_PIECES)] == [
            piece for piece, _ in theirs.pre_tokenize_str(text)
        ]


def test_load_gpt2_gives_back_what_save_gpt2_wrote(files):
    assert load_gpt2(*files) == OURS


@pytest.mark.filterwarnings("ignore")  # theirs are not ours to mend
def test_load_gpt2_gives_the_ids_of_transformers(files):
    theirs = GPT2Tokenizer(vocab=str(files[0]), merges=str(files[1]))
    for text in strange_texts():
        if "<|end" not in text:  # what they take for a token of their own
            assert load_gpt2(*files).encode(text) == theirs(text)["input_ids"]


def test_load_gpt2_keeps_another_order_of_bytes(tmp_path):
    """The published file puts the bytes that show in print first."""
    order = sorted(range(256), key=lambda byte: (spell(bytes([byte])) != chr(byte), byte))
    tokens = [*(spell(bytes([byte])) for byte in order), "Ġt", "he", "Ġthe", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nĠ t\nh e\nĠt he\n")
    ours = load_gpt2(tmp_path / "vocab.json", tmp_path / "merges.txt")
    theirs = Tokenizer(models.BPE.from_file(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt")))
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    assert ours.encode("! the") == [0, 258]
    for text in strange_texts():
        assert ours.encode(text) == theirs.encode(text).ids
        assert ours.decode(ours.encode(text)) == text == theirs.decode(ours.encode(text))
    ours.save(tmp_path / "tokenizer.json")
    assert load(tmp_path / "tokenizer.json") == ours


def test_save_of_a_gpt2_pattern_gives_the_same_ids_in_tokenizers(tmp_path):
    OURS.save(tmp_path / "tokenizer.json")
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in strange_texts():
        assert OURS.encode(text) == theirs.encode(text).ids


def test_pieces_match_the_same_pattern_in_tokenizers():
    theirs = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    for text in strange_texts():
        assert pieces(text) == [piece.encode() for piece, _ in theirs.pre_tokenize_str(text)]


def test_unspell_undoes_spell():
    assert unspell(spell(bytes(range(256)))) == bytes(range(256))


@pytest.mark.parametrize(
    ("vocab", "merges", "name"),
    [
        ("[]", "", "vocab"),
        ("{", "", "vocab"),
        ('{"a": 0}', "", "vocab"),
        (None, "a\n", "merges"),
        (None, "a b c\n", "merges"),
        (None, "a zz\n", "merges"),
        (None, "h e\n", "vocab"),
    ],
)
def test_load_gpt2_rejects_files_of_another_kind(files, tmp_path, vocab, merges, name):
    (tmp_path / "vocab.json").write_text(vocab or files[0].read_text())
    (tmp_path / "merges.txt").write_text(merges)
    with pytest.raises(ValueError, match=f"^{name} must"):
        load_gpt2(tmp_path / "vocab.json", tmp_path / "merges.txt")
