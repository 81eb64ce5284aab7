import numpy as np
import pytest

from kit.explore.bpe import (
    EXAMPLES,
    ORDERS,
    RULES,
    SIZES,
    SNIPPET,
    borders,
    bytes_per_token,
    counted_bytes,
    lengths,
    library,
    order_frame,
    spell,
    steps,
    surprisal,
    surprisals,
    tokenizer,
    typing_frame,
    vocabulary_frame,
)
from kit.text.bpe import BPE, train


def test_a_cut_tokenizer_equals_one_trained_at_that_size():
    assert tokenizer(400) == train(library().train, vocab_size=400)


def test_no_file_is_on_both_sides():
    assert not set(library().train) & set(library().held_out)


def test_bytes_per_token_grow_with_the_vocabulary_and_most_of_all_on_what_was_trained_on():
    measured = lengths()
    for curve in (measured.seen, measured.unseen, measured.stories):
        assert curve[0] == 1
        assert (np.diff(curve) > 0).all()
    assert measured.seen[-1] > measured.unseen[-1] > measured.stories[-1]


def test_the_teeth_stand_where_the_tokens_end():
    tokeniser = tokenizer(SIZES[4])
    pieces = [tokeniser.tokens[i] for i in tokeniser.encode(SNIPPET)]
    rows, ends = SNIPPET.split("\n"), borders(SNIPPET, pieces)
    text = ""
    for piece, (row, column) in zip(pieces, ends, strict=True):
        text += piece.decode()
        assert text.split("\n")[-1] == rows[row][:column]
        assert text.count("\n") == row
    with pytest.raises(ValueError, match="pieces must make up the text, got 1 bytes for 177 letters"):
        borders(SNIPPET, [b"d"])


def test_at_256_every_byte_is_a_token_and_one_vocabulary_alone_meets_the_quest():
    assert f"{len(SNIPPET)} bytes is {len(SNIPPET)} tokens" in vocabulary_frame(256).sentence
    assert sum(vocabulary_frame(size).quest_met for size in SIZES) == 1


@pytest.mark.parametrize("text", [*EXAMPLES, "", " ", "\x00\x1b\u202e", "half 😀"])
@pytest.mark.parametrize("size", [256, 4096])
def test_the_pieces_of_any_text_are_its_tokens_and_can_be_seen(text, size):
    frame = typing_frame(text, size)
    ids = [int(note) for _, note in frame.pieces]
    assert tokenizer(size).decode(ids) == text
    assert all(piece.isprintable() and piece.strip() for piece, _ in frame.pieces)
    assert np.isfinite(frame.lines[0][1]).all()


def test_an_empty_line_is_said_to_be_empty():
    assert typing_frame("", 256).sentence == "Nothing is typed yet."


def test_spell_makes_blanks_lines_and_broken_characters_visible():
    assert spell(b"\t a\r\n") == "→·a\\x0d↵"
    assert spell("漢".encode()[1:]) == "\\xbc\\xa2"


def test_bits_per_byte_are_those_of_the_room_below():
    texts = [text.encode() for text in library().held_out]
    bits = sum(counted_bytes().up_to(3).witten_bell_bits(text).sum() for text in texts)
    assert surprisals("Witten-Bell").unseen[2] == pytest.approx(bits / sum(map(len, texts)))


def test_longer_runs_go_on_improving_only_on_what_was_trained_on():
    measured = surprisals("Witten-Bell")
    assert (np.diff(measured.seen) < 0).all()
    assert min(measured.unseen) < measured.unseen[-1]


def test_one_order_of_one_rule_meets_the_quest():
    met = [(n, rule) for n in ORDERS for rule in RULES if order_frame(n, rule).quest_met]
    assert len(met) == 1
    assert met[0][1] == "Witten-Bell"


def test_each_stair_is_as_high_as_its_surprise():
    x, y = steps(np.array([13.0, 0.0]), 2)
    assert x == [0.0, 0, 1, 1, 2, 2]
    np.testing.assert_allclose(y, [1.6, 1.1, 1.1, 1.6, 1.6, 1.6])


def test_surprise_and_foresight_reject_another_rule():
    for call in (lambda: surprisal(counted_bytes(), b"a", "Good-Turing"), lambda: surprisals("Good-Turing")):
        with pytest.raises(ValueError, match="rule must be one of Laplace, Witten-Bell; got 'Good-Turing'"):
            call()


def test_tokenizer_and_bytes_per_token_reject_what_they_cannot_measure():
    with pytest.raises(ValueError, match="vocab_size must be <= 4096, got 5000"):
        tokenizer(5000)
    with pytest.raises(ValueError, match="texts must hold at least one token, got none"):
        bytes_per_token(BPE(merges=()), [""])
